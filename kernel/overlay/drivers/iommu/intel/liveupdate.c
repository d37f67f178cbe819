// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: VT-d across live update
 *
 * Old kernel. For each unit there is a second root table, the handover root. It holds what must go on and nothing else: a context
 * entry, and in scalable mode a PASID directory and table of one entry, for each preserved device. The live tables are not changed while
 * devices are preserved and unpreserved. When all drivers are shut down and all other processors stopped, the entries are
 * copied once more, to each requester ID of their device, and the root pointer is moved. That is one register write, after which
 * preserved devices translate as before and every other device is blocked, with nothing to walk and nothing that can fail. Intel VT-d 4.1,
 * section 6.6 "Set Root Table Pointer Operation" allows it with translation on, if requests in flight get the same results through
 * either table, which they do.
 *
 * New kernel. The handover root becomes the unit's root table where it is, after each present entry was compared with the records
 * of the blob; entries that do not match are cleared. Domain IDs that entries name are taken out of the pool. A preserved device is
 * probed without its entry being written, and stands on a restored domain until something is attached to it: that is the swap.
 *
 * The swap is an attach like any other (attach.c), but for one thing: where there is no hitless order of stores it is refused.
 *
 * Lock: the core's mutex for the handover tables; iommu->lock for live entries.
 */
#define pr_fmt(fmt) "DMAR: liveupdate: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/dmar.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommu.h>
#include <linux/liveupdate-fault.h>
#include <linux/pci.h>

#include "attach.h"
#include "iommu.h"
#include "../iommu-pages.h"
#include "../liveupdate/cost.h"
#include "../liveupdate/verify.h"
#include "liveupdate.h"
#include "pasid.h"

#define VTD_NR_CONTEXT_TABLES	512	/* two halves for each bus; legacy mode has the first alone */
#define VTD_CONTEXT_PDTS	GENMASK_ULL(11, 9)	/* the directory has 2^(PDTS + 7) entries */
#define VTD_CONTEXT_SM_USED	(GENMASK_ULL(4, 2) | 1)	/* P, DTE, PASIDE, PRE; FPD is never set */
#define VTD_PASID_DIR_PASIDS	8			/* to a byte of directory */

struct vtd_handover {
	struct list_head list;
	struct intel_iommu *iommu;
	struct root_entry *root;
	struct context_entry *context[VTD_NR_CONTEXT_TABLES];
	struct list_head devices;
	u64 *pages;		/* the blob's list */
};

struct vtd_handover_device {
	struct list_head list;
	struct device *dev;
	struct vtd_handover *handover;
	struct pasid_dir_entry *pasid_dir;	/* scalable mode: as large as the live one */
	u32 pasid_dir_bytes;
	unsigned int nr_tables;			/* that the directory points to */
	struct iommu_liveupdate_aliases aliases;
	unsigned int nr_pasids;
	ioasid_t pasids[] __counted_by(nr_pasids);	/* what is handed over; the first is IOMMU_NO_PASID */
};

static LIST_HEAD(vtd_handovers);

/*
 * Old kernel
 */

static void *vtd_pages_alloc(struct intel_iommu *iommu, size_t bytes)
{
	return iommu_liveupdate_alloc_pages(iommu->node, GFP_KERNEL, bytes);
}

static void *vtd_page_alloc(struct intel_iommu *iommu)
{
	return vtd_pages_alloc(iommu, SZ_4K);
}

static unsigned int vtd_context_table_index(struct intel_iommu *iommu, u8 bus, u8 devfn)
{
	return bus * 2 + (sm_supported(iommu) && devfn >= 0x80);
}

/* Place of an entry in its table, in units of struct context_entry: those of scalable mode are two of them long. */
static unsigned int vtd_context_entry_index(struct intel_iommu *iommu, u8 devfn)
{
	return sm_supported(iommu) ? (devfn & 0x7f) * 2 : devfn;
}

static unsigned int vtd_context_bytes(struct intel_iommu *iommu)
{
	return sizeof(struct context_entry) * (sm_supported(iommu) ? 2 : 1);
}

/* The requester IDs of a device: its own, then its aliases. How many there are. */
static unsigned int vtd_nr_rids(const struct vtd_handover_device *device)
{
	return 1 + device->aliases.nr;
}

static u16 vtd_rid(const struct vtd_handover_device *device, unsigned int i)
{
	struct device_domain_info *info = dev_iommu_priv_get(device->dev);

	return i ? device->aliases.rids[i - 1] : PCI_DEVID(info->bus, info->devfn);
}

static unsigned int vtd_rid_table(const struct vtd_handover_device *device, unsigned int i)
{
	const u16 rid = vtd_rid(device, i);

	return vtd_context_table_index(device->handover->iommu, PCI_BUS_NUM(rid), rid & 0xff);
}

/* NULL without a table. */
static struct context_entry *vtd_handover_context(const struct vtd_handover_device *device, unsigned int i)
{
	struct context_entry *table = device->handover->context[vtd_rid_table(device, i)];

	return table ? table + vtd_context_entry_index(device->handover->iommu, vtd_rid(device, i) & 0xff) : NULL;
}

static u32 vtd_handover_list(const void *arg, u64 *pages)
{
	const struct vtd_handover *handover = arg;
	struct vtd_handover_device *device;
	u32 nr = 0;
	int i;

	pages[nr++] = virt_to_phys(handover->root);
	for (i = 0; i < VTD_NR_CONTEXT_TABLES; i++)
		if (handover->context[i])
			pages[nr++] = virt_to_phys(handover->context[i]);
	list_for_each_entry(device, &handover->devices, list)
		for (i = 0; i < device->pasid_dir_bytes / sizeof(*device->pasid_dir); i++)
			if (pasid_pde_is_present(&device->pasid_dir[i]))
				pages[nr++] = device->pasid_dir[i].val & PDE_PFN_MASK;
	return nr;
}

static size_t vtd_handover_max_pages(const struct vtd_handover *handover)
{
	struct vtd_handover_device *device;
	size_t nr = 1 + VTD_NR_CONTEXT_TABLES;

	list_for_each_entry(device, &handover->devices, list)
		nr += device->nr_tables;
	return nr;
}

static int vtd_handover_describe(struct vtd_handover *handover)
{
	struct intel_iommu *iommu = handover->iommu;
	struct iommu_unit_ser unit = {
		.driver = IOMMU_SER_DRIVER_VTD,
		.id = iommu->reg_phys,
		.root_pa = virt_to_phys(handover->root),
		.flags = sm_supported(iommu) ? IOMMU_UNIT_SER_SCALABLE : 0,
	};

#ifdef CONFIG_IRQ_REMAP
	if (iommu->ir_table) {
		unit.irt_pa = virt_to_phys(iommu->ir_table->base);
		unit.irt_bytes = SZ_1M;
	}
#endif
	return iommu_liveupdate_describe_unit(&unit, &handover->pages, vtd_handover_max_pages(handover), vtd_handover_list, handover);
}

static int vtd_preserve_irt(struct intel_iommu *iommu)
{
#ifdef CONFIG_IRQ_REMAP
	if (iommu->ir_table)
		return kho_preserve_folio(virt_to_folio(iommu->ir_table->base));
#endif
	return 0;
}

static void vtd_unpreserve_irt(struct intel_iommu *iommu)
{
#ifdef CONFIG_IRQ_REMAP
	if (iommu->ir_table)
		kho_unpreserve_folio(virt_to_folio(iommu->ir_table->base));
#endif
}

static void vtd_handover_free(struct vtd_handover *handover)
{
	int i;

	WARN_ON(!list_empty(&handover->devices));
	iommu_liveupdate_drop_unit(IOMMU_SER_DRIVER_VTD, handover->iommu->reg_phys);
	list_del(&handover->list);
	for (i = 0; i < VTD_NR_CONTEXT_TABLES; i++)
		iommu_liveupdate_free_pages(handover->context[i]);
	iommu_liveupdate_free_pages(handover->root);
	kho_unpreserve_free(handover->pages);
	vtd_unpreserve_irt(handover->iommu);
	kvfree(handover);
}

static int vtd_handover_create(struct intel_iommu *iommu)
{
	struct vtd_handover *handover;
	int ret = -ENOMEM;

	handover = kvzalloc_obj(*handover);
	if (!handover)
		return -ENOMEM;
	INIT_LIST_HEAD(&handover->devices);
	handover->iommu = iommu;
	handover->root = vtd_page_alloc(iommu);
	if (!handover->root)
		goto err_free;
	ret = vtd_preserve_irt(iommu);
	if (ret)
		goto err_root;
	ret = vtd_handover_describe(handover);
	if (ret)
		goto err_irt;
	list_add_tail(&handover->list, &vtd_handovers);
	return 0;

err_irt:
	vtd_unpreserve_irt(iommu);
err_root:
	iommu_liveupdate_free_pages(handover->root);
err_free:
	kvfree(handover);
	return ret;
}

static void vtd_handover_free_all(void)
{
	struct vtd_handover *handover, *next;

	list_for_each_entry_safe(handover, next, &vtd_handovers, list)
		vtd_handover_free(handover);
}

/* A unit that no preserved device is behind hands over an empty table: its devices are blocked, and not let through. */
static int vtd_handover_create_all(void)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;
	int ret = 0;

	if (!list_empty(&vtd_handovers))
		return 0;
	guard(rwsem_read)(&dmar_global_lock);
	for_each_active_iommu(iommu, drhd) {
		ret = vtd_handover_create(iommu);
		if (ret)
			break;
	}
	if (ret)
		vtd_handover_free_all();
	return ret;
}

static struct vtd_handover *vtd_handover_find(struct intel_iommu *iommu)
{
	struct vtd_handover *handover;

	list_for_each_entry(handover, &vtd_handovers, list)
		if (handover->iommu == iommu)
			return handover;
	return NULL;
}

static bool vtd_handover_idle(void)
{
	struct vtd_handover *handover;

	list_for_each_entry(handover, &vtd_handovers, list)
		if (!list_empty(&handover->devices))
			return false;
	return true;
}

/* The live entry of a PASID, NULL when there is none. Allocates nothing. */
static struct pasid_entry *vtd_find_pasid(struct pasid_table *live, ioasid_t pasid)
{
	struct pasid_dir_entry *dir = live->table;
	struct pasid_entry *table;

	if (pasid >= live->max_pasid)
		return NULL;
	table = get_pasid_table_from_pde(&dir[pasid >> PASID_PDE_SHIFT]);
	return table ? &table[pasid & PASID_PTE_MASK] : NULL;
}

static struct pasid_entry *vtd_handover_pasid(struct vtd_handover_device *device, ioasid_t pasid)
{
	struct pasid_entry *table = get_pasid_table_from_pde(&device->pasid_dir[pasid >> PASID_PDE_SHIFT]);

	return &table[pasid & PASID_PTE_MASK];
}

static int vtd_handover_copy_pasids(struct vtd_handover_device *device)
{
	struct device_domain_info *info = dev_iommu_priv_get(device->dev);
	struct pasid_entry *live;
	unsigned int i;

	for (i = 0; i < device->nr_pasids; i++) {
		if (i && liveupdate_fault(LIVEUPDATE_FAULT_PASIDS))
			break;
		live = vtd_find_pasid(info->pasid_table, device->pasids[i]);
		if (!live || !pasid_pte_is_present(live)) {
			dev_warn(device->dev, "PASID %u translates nothing\n", device->pasids[i]);
			return -EINVAL;
		}
		*vtd_handover_pasid(device, device->pasids[i]) = *live;
	}
	return 0;
}

/* Copy what the hardware uses now. Allocates nothing: it runs again when the kernel goes down. */
static int vtd_handover_copy(struct vtd_handover_device *device)
{
	struct device_domain_info *info = dev_iommu_priv_get(device->dev);
	struct intel_iommu *iommu = info->iommu;
	struct context_entry *from, context[2] = {};
	unsigned int i;
	int ret;

	from = iommu_context_addr(iommu, info->bus, info->devfn, 0);
	if (!from || !context_present(from))
		return -EINVAL;
	memcpy(context, from, vtd_context_bytes(iommu));
	if (sm_supported(iommu)) {
		ret = vtd_handover_copy_pasids(device);
		if (ret)
			return ret;
		context[0].lo = (from[0].lo & ~VTD_PAGE_MASK) | virt_to_phys(device->pasid_dir);
	}
	for (i = 0; i < vtd_nr_rids(device); i++) {
		if (i && liveupdate_fault(LIVEUPDATE_FAULT_ALIASES))
			break;
		memcpy(vtd_handover_context(device, i), context, vtd_context_bytes(iommu));
	}
	return 0;
}

static void vtd_handover_link(struct vtd_handover *handover, unsigned int index)
{
	u64 *entry = index & 1 ? &handover->root[index / 2].hi : &handover->root[index / 2].lo;

	*entry = virt_to_phys(handover->context[index]) | 1;
}

/* A table that is linked is one that the blob lists: one that did not get that far is neither. */
static void vtd_handover_unlink(struct vtd_handover *handover, unsigned int index)
{
	u64 *entry = index & 1 ? &handover->root[index / 2].hi : &handover->root[index / 2].lo;

	*entry = 0;
	iommu_liveupdate_free_pages(handover->context[index]);
	handover->context[index] = NULL;
}

static struct vtd_handover_device *vtd_handover_find_device(struct vtd_handover *handover, struct device *dev)
{
	struct vtd_handover_device *device;

	list_for_each_entry(device, &handover->devices, list)
		if (device->dev == dev)
			return device;
	return NULL;
}

/* Context tables stay until the unit's handover ends: an empty one blocks as well as none. */
static void vtd_handover_clear(struct vtd_handover_device *device)
{
	struct context_entry *context;
	unsigned int i;

	for (i = 0; i < vtd_nr_rids(device); i++) {
		context = vtd_handover_context(device, i);
		if (context)
			memset(context, 0, vtd_context_bytes(device->handover->iommu));
	}
}

static void vtd_handover_remove_device(struct vtd_handover_device *device)
{
	unsigned int i;

	vtd_handover_clear(device);
	list_del(&device->list);
	for (i = 0; i < device->pasid_dir_bytes / sizeof(*device->pasid_dir); i++)
		iommu_liveupdate_free_pages(get_pasid_table_from_pde(&device->pasid_dir[i]));
	iommu_liveupdate_free_pages(device->pasid_dir);
	kfree(device);
}

/* A directory as large as the live one, and a table for each of its entries that is needed. */
static int vtd_handover_alloc_pasids(struct vtd_handover_device *device)
{
	struct device_domain_info *info = dev_iommu_priv_get(device->dev);
	struct pasid_dir_entry *pde;
	struct pasid_entry *table;
	unsigned int i;

	device->pasid_dir = vtd_pages_alloc(info->iommu, info->pasid_table->max_pasid / VTD_PASID_DIR_PASIDS);
	if (!device->pasid_dir)
		return -ENOMEM;
	device->pasid_dir_bytes = info->pasid_table->max_pasid / VTD_PASID_DIR_PASIDS;
	for (i = 0; i < device->nr_pasids; i++) {
		if (WARN_ON(device->pasids[i] >= info->pasid_table->max_pasid))
			return -EINVAL;
		pde = &device->pasid_dir[device->pasids[i] >> PASID_PDE_SHIFT];
		if (pasid_pde_is_present(pde))
			continue;
		table = vtd_page_alloc(info->iommu);
		if (!table)
			return -ENOMEM;
		pde->val = virt_to_phys(table) | PASID_PTE_PRESENT;
		device->nr_tables++;
	}
	return 0;
}

/* A table for each requester ID; those that were not there before are marked in @fresh. */
static int vtd_handover_alloc_contexts(struct vtd_handover_device *device, unsigned long *fresh)
{
	struct vtd_handover *handover = device->handover;
	unsigned int i, index;

	for (i = 0; i < vtd_nr_rids(device); i++) {
		index = vtd_rid_table(device, i);
		if (handover->context[index])
			continue;
		handover->context[index] = vtd_page_alloc(handover->iommu);
		if (!handover->context[index])
			return -ENOMEM;
		vtd_handover_link(handover, index);
		__set_bit(index, fresh);
	}
	return 0;
}

static int vtd_handover_add_device(struct vtd_handover *handover, struct device *dev,
				   const struct iommu_liveupdate_device *what)
{
	struct intel_iommu *iommu = handover->iommu;
	DECLARE_BITMAP(fresh, VTD_NR_CONTEXT_TABLES) = {};
	struct vtd_handover_device *device;
	unsigned int i;
	int ret;

	device = kzalloc_flex(*device, pasids, what->nr_attach);
	if (!device)
		return -ENOMEM;
	device->nr_pasids = what->nr_attach;
	for (i = 0; i < what->nr_attach; i++)
		device->pasids[i] = what->attach[i].pasid;
	device->dev = dev;
	device->handover = handover;
	device->aliases = *what->aliases;
	list_add_tail(&device->list, &handover->devices);

	ret = vtd_handover_alloc_contexts(device, fresh);
	if (ret)
		goto err_remove;
	ret = sm_supported(iommu) ? vtd_handover_alloc_pasids(device) : 0;
	if (ret)
		goto err_remove;
	scoped_guard(spinlock, &iommu->lock)
		ret = vtd_handover_copy(device);
	if (ret)
		goto err_remove;
	ret = vtd_handover_describe(handover);
	if (ret)
		goto err_remove;
	return 0;

err_remove:
	vtd_handover_remove_device(device);
	for_each_set_bit(i, fresh, VTD_NR_CONTEXT_TABLES)
		vtd_handover_unlink(handover, i);
	return ret;
}

/* Whoever set it up: requests with a PASID that is not handed over would be blocked from then on. */
static int vtd_check_live_pasids(struct device *dev, const struct iommu_liveupdate_device *what)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct pasid_entry *entry;
	ioasid_t pasid;

	if (!info->pasid_table)
		return 0;
	for (pasid = 0; pasid < info->pasid_table->max_pasid; pasid++) {
		entry = vtd_find_pasid(info->pasid_table, pasid);
		if (!entry) {
			pasid |= PASID_PTE_MASK;
			continue;
		}
		if (!pasid_pte_is_present(entry) || iommu_liveupdate_pasid_named(what, pasid))
			continue;
		dev_warn(dev, "cannot be preserved: PASID %u is in use, and would not be preserved\n", pasid);
		return -EBUSY;
	}
	return 0;
}

static int vtd_check_device(struct device *dev, const struct iommu_liveupdate_device *what)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);

	if (info->ats_enabled || info->pri_enabled) {
		dev_warn(dev, "cannot be preserved: ATS is on\n");
		return -EOPNOTSUPP;
	}
	if (what->nr_attach > 1 && !sm_supported(info->iommu)) {
		dev_warn(dev, "cannot be preserved: PASID %u is in legacy mode\n", what->attach[1].pasid);
		return -EOPNOTSUPP;
	}
	return vtd_check_live_pasids(dev, what);
}

static int intel_liveupdate_preserve_device(struct device *dev, struct iommu_liveupdate_device *what)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct vtd_handover_device *device;
	struct vtd_handover *handover;
	unsigned int i;
	int ret;

	ret = vtd_check_device(dev, what);
	if (ret)
		return ret;
	ret = vtd_handover_create_all();
	if (ret)
		return ret;
	handover = vtd_handover_find(info->iommu);
	ret = handover ? vtd_handover_add_device(handover, dev, what) : -ENODEV;
	if (ret) {
		if (vtd_handover_idle())
			vtd_handover_free_all();
		return ret;
	}

	device = vtd_handover_find_device(handover, dev);
	what->driver = IOMMU_SER_DRIVER_VTD;
	what->unit_id = info->iommu->reg_phys;
	for (i = 0; i < what->nr_attach; i++)
		what->attach[i].tag = domain_id_iommu(to_dmar_domain(what->attach[i].domain), info->iommu);
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_ENTRY) && list_is_singular(&handover->devices))
		what->attach[0].tag += 1000;
	what->pasid_dir_pa = device->pasid_dir ? virt_to_phys(device->pasid_dir) : 0;
	what->pasid_dir_bytes = device->pasid_dir_bytes;
	what->pasid_bits = device->pasid_dir ? ilog2(device->pasid_dir_bytes * VTD_PASID_DIR_PASIDS) : 0;
	return 0;
}

static void intel_liveupdate_unpreserve_device(struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct vtd_handover *handover = vtd_handover_find(info->iommu);
	struct vtd_handover_device *device = handover ? vtd_handover_find_device(handover, dev) : NULL;

	if (WARN_ON(!device))
		return;
	vtd_handover_remove_device(device);
	if (vtd_handover_idle())
		vtd_handover_free_all();
	else
		WARN_ON(vtd_handover_describe(handover));
}

static int intel_liveupdate_check_domain(struct iommu_domain *domain)
{
	struct dmar_domain *dmar_domain = to_dmar_domain(domain);
	const char *reason = NULL;

	if (!intel_domain_is_ss_paging(dmar_domain) && !intel_domain_is_fs_paging(dmar_domain))
		reason = "it has no tables of its own";
	else if (dmar_domain->nested_parent)
		reason = "it is a parent of nested domains";
	else if (dmar_domain->dirty_tracking)
		reason = "dirty tracking is on, and what is dirty would be lost";
	if (!reason)
		return 0;
	pr_warn_ratelimited("a domain cannot be preserved: %s\n", reason);
	return -EOPNOTSUPP;
}

static int intel_liveupdate_describe_domain(struct iommu_domain *domain, struct iommu_domain_ser *ser)
{
	struct dmar_domain *dmar_domain = to_dmar_domain(domain);
	struct pt_iommu_x86_64_hw_info fs_info;
	struct pt_iommu_vtdss_hw_info ss_info;

	if (intel_domain_is_ss_paging(dmar_domain)) {
		pt_iommu_vtdss_hw_info(&dmar_domain->sspt, &ss_info);
		ser->format = IOMMU_SER_FORMAT_VTDSS;
		ser->levels = agaw_to_level(ss_info.aw);
		ser->top_pa = ss_info.ssptptr;
		return 0;
	}
	if (intel_domain_is_fs_paging(dmar_domain)) {
		pt_iommu_x86_64_hw_info(&dmar_domain->fspt, &fs_info);
		ser->format = IOMMU_SER_FORMAT_X86_64;
		ser->levels = fs_info.levels;
		ser->top_pa = fs_info.gcr3_pt;
		ser->flags = dmar_domain->force_snooping ? IOMMU_DOMAIN_SER_SNOOP : 0;
		return 0;
	}
	return -EOPNOTSUPP;
}

static void vtd_handover_flush_pasids(struct vtd_handover_device *device)
{
	struct intel_iommu *iommu = device->handover->iommu;
	unsigned int i;

	if (!device->pasid_dir)
		return;
	__iommu_flush_cache(iommu, device->pasid_dir, device->pasid_dir_bytes);
	for (i = 0; i < device->pasid_dir_bytes / sizeof(*device->pasid_dir); i++)
		if (pasid_pde_is_present(&device->pasid_dir[i]))
			__iommu_flush_cache(iommu, get_pasid_table_from_pde(&device->pasid_dir[i]), SZ_4K);
}

/* For a fault: what is not preserved goes along, where there is a table with room for it. */
static void vtd_handover_add_others(struct vtd_handover *handover)
{
	struct intel_iommu *iommu = handover->iommu;
	struct context_entry *from, *to;
	unsigned int rid, index;

	for (rid = 0; rid <= U16_MAX; rid++) {
		index = vtd_context_table_index(iommu, PCI_BUS_NUM(rid), rid & 0xff);
		from = handover->context[index] ? iommu_context_addr(iommu, PCI_BUS_NUM(rid), rid & 0xff, 0) : NULL;
		if (!from || !context_present(from))
			continue;
		to = handover->context[index] + vtd_context_entry_index(iommu, rid & 0xff);
		if (!context_present(to))
			memcpy(to, from, vtd_context_bytes(iommu));
	}
}

/**
 * intel_liveupdate_handover() - put a unit on its handover root
 * @iommu: The unit; its root_entry is changed, the caller writes the register.
 *
 * Context: The kernel goes down: one processor, no interrupts, no locks.
 * Return: false when nothing is handed over, and translation is to be turned off as ever.
 */
bool intel_liveupdate_handover(struct intel_iommu *iommu)
{
	struct vtd_handover *handover = vtd_handover_find(iommu);
	struct vtd_handover_device *device;
	int i;

	if (!kexec_in_progress || !handover || liveupdate_fault(LIVEUPDATE_FAULT_SHUTDOWN_TRANSLATION))
		return false;
	iommu_cost_scope(IOMMU_COST_HANDOVER, iommu->reg_phys);
	list_for_each_entry(device, &handover->devices, list) {
		WARN_ON(vtd_handover_copy(device));
		vtd_handover_flush_pasids(device);
	}
	if (liveupdate_fault(LIVEUPDATE_FAULT_OTHERS))
		vtd_handover_add_others(handover);
	for (i = 0; i < VTD_NR_CONTEXT_TABLES; i++)
		if (handover->context[i])
			__iommu_flush_cache(iommu, handover->context[i], SZ_4K);
	__iommu_flush_cache(iommu, handover->root, SZ_4K);
	iommu->root_entry = handover->root;
	return true;
}

/*
 * New kernel
 */

static const struct iommu_unit_ser *vtd_incoming_unit(struct intel_iommu *iommu)
{
	return iommu_liveupdate_unit(IOMMU_SER_DRIVER_VTD, iommu->reg_phys);
}

/**
 * intel_liveupdate_match_policy() - run the units as the old kernel ran them
 *
 * Devices are on: neither the command line nor a default may turn translation off now, or take another mode.
 *
 * Context: intel_iommu_init().
 */
void intel_liveupdate_match_policy(void)
{
	const struct iommu_unit_ser *unit;
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;

	if (!iommu_liveupdate_incoming())
		return;
	if (dmar_policy_off()) {
		pr_warn("devices were handed over running: the IOMMU stays on\n");
		dmar_policy = DMAR_ON;
	}
	for_each_iommu(iommu, drhd) {
		unit = vtd_incoming_unit(iommu);
		if (unit)
			intel_iommu_sm = !!(unit->flags & IOMMU_UNIT_SER_SCALABLE);
	}
}

/**
 * intel_liveupdate_defer_attach() - do devices wait for their default domain until a driver maps something?
 *
 * They do when translation was on already and it is not known what for. When another kernel handed over, it is: all devices that run have
 * records, and the others are blocked and silent. One with an identity domain would wait for ever.
 *
 * Context: Any.
 * Return: true when they do.
 */
bool intel_liveupdate_defer_attach(void)
{
	return !iommu_liveupdate_incoming() || iommu_liveupdate_refused();
}

/**
 * intel_liveupdate_keep_translation() - may translation not be turned off at boot?
 * @iommu: A unit that was found with translation on.
 *
 * Context: Boot.
 * Return: true when another kernel handed over, also when what it said is refused: then the unit gets an empty root table, which
 *         blocks, where turning translation off would let every device through.
 */
bool intel_liveupdate_keep_translation(struct intel_iommu *iommu)
{
	return iommu_liveupdate_incoming() && !liveupdate_fault(LIVEUPDATE_FAULT_BOOT_TRANSLATION);
}

/**
 * intel_liveupdate_keep_irt() - is the interrupt remapping table in use one to take over?
 * @iommu: A unit that was found with interrupt remapping on.
 *
 * Context: Boot, before initcalls.
 * Return: true when the register points to the table that was handed over.
 */
bool intel_liveupdate_keep_irt(struct intel_iommu *iommu)
{
	const struct iommu_unit_ser *unit = vtd_incoming_unit(iommu);

	return unit && unit->irt_pa && unit->irt_bytes == SZ_1M &&
	       (readq(iommu->reg + DMAR_IRTA_REG) & VTD_PAGE_MASK) == unit->irt_pa;
}

static void vtd_expect_pasid(struct intel_iommu *iommu, const struct iommu_domain_ser *domain, u32 tag, struct pasid_entry *good)
{
	int flags = 0;

	if (domain->format != IOMMU_SER_FORMAT_X86_64) {
		vtd_make_pasid_ss(good, &(struct pt_iommu_vtdss_hw_info){ domain->top_pa, domain->levels - 2 }, tag, false, false);
		return;
	}
	if (domain->levels == 5)
		flags |= PASID_FLAG_FL5LP;
	if (domain->flags & IOMMU_DOMAIN_SER_SNOOP)
		flags |= PASID_FLAG_PAGE_SNOOP;
	vtd_make_pasid_fs(good, iommu, domain->top_pa, tag, flags);
}

static bool vtd_pasid_matches(struct intel_iommu *iommu, const struct iommu_domain_ser *domain, u32 tag,
			      const struct pasid_entry *entry)
{
	struct pasid_entry found = *entry, good;

	/* Whether walks are snooped depends on the unit that the domain was made for. */
	pasid_set_page_snoop(&found, false);
	vtd_expect_pasid(iommu, domain, tag, &good);
	return !memcmp(&found, &good, sizeof(good));
}

/* One unit's tables on their way in: each that is reached is claimed. */
struct vtd_adoption {
	struct intel_iommu *iommu;
	const struct iommu_unit_ser *unit;
	u8 *seen;	/* one bit a page of the unit's list */
};

/* The record of an entry; tests have their own. */
static const struct iommu_device_ser *vtd_incoming_requester(struct vtd_adoption *adoption, u16 rid)
{
	KUNIT_STATIC_STUB_REDIRECT(vtd_incoming_requester, adoption, rid);

	return iommu_liveupdate_requester(adoption->unit, adoption->iommu->segment, rid);
}

static void vtd_quarantine(const struct iommu_device_ser *device, const char *reason)
{
	KUNIT_STATIC_STUB_REDIRECT(vtd_quarantine, device, reason);

	iommu_liveupdate_quarantine(device, reason);
}

static bool vtd_claim(struct vtd_adoption *adoption, u64 pa)
{
	return iommu_liveupdate_claim_page(adoption->unit, adoption->seen, pa);
}

/* Every bit counts: one that is not from the record makes it another entry, one that faults without a trace, say. */
static bool vtd_context_matches(const struct iommu_device_ser *device, const struct context_entry *context)
{
	const struct iommu_domain_ser *domain;
	struct context_entry good;
	u32 tag;

	if (!iommu_liveupdate_find_attach(device, IOMMU_NO_PASID, &domain, &tag) || domain->format != IOMMU_SER_FORMAT_VTDSS)
		return false;
	vtd_make_context_ss(&good, &(struct pt_iommu_vtdss_hw_info){ domain->top_pa, domain->levels - 2 }, tag, false);
	return context->lo == good.lo && context->hi == good.hi;
}

static bool vtd_check_pasid_table(struct vtd_adoption *adoption, const struct iommu_device_ser *device,
				  const struct pasid_entry *table, ioasid_t first, unsigned int *nr_found)
{
	const struct iommu_domain_ser *domain;
	unsigned int i;
	u32 tag;

	for (i = 0; i < PASID_TBL_ENTRIES; i++) {
		if (!(table[i].val[0] & PASID_PTE_PRESENT))
			continue;
		if (!iommu_liveupdate_find_attach(device, first + i, &domain, &tag) ||
		    !vtd_pasid_matches(adoption->iommu, domain, tag, &table[i]))
			return false;
		(*nr_found)++;
	}
	return true;
}

/* Each entry that is present is what a record says, and each record has one. */
static const char *vtd_check_pasids(struct vtd_adoption *adoption, const struct iommu_device_ser *device)
{
	struct pasid_dir_entry *dir = phys_to_virt(device->pasid_dir_pa);
	unsigned int i, nr_found = 0;

	for (i = 0; i < device->pasid_dir_bytes / sizeof(*dir); i++) {
		if (!pasid_pde_is_present(&dir[i]))
			continue;
		if (!vtd_claim(adoption, dir[i].val & PDE_PFN_MASK))
			return "a table of its own is another's, too";
		if (!vtd_check_pasid_table(adoption, device, get_pasid_table_from_pde(&dir[i]), i << PASID_PDE_SHIFT, &nr_found))
			return "an entry of its own is not what its record says";
	}
	return nr_found == iommu_liveupdate_nr_attach(device) ? NULL : "an entry of its own is missing";
}

static bool vtd_sm_context_matches(const struct iommu_device_ser *device, const struct context_entry *context)
{
	u64 pdts = FIELD_PREP(VTD_CONTEXT_PDTS, ilog2(device->pasid_dir_bytes / sizeof(u64)) - 7);

	return device->pasid_dir_bytes * VTD_PASID_DIR_PASIDS == BIT(device->pasid_bits) &&
	       (context[0].lo & ~(VTD_CONTEXT_SM_USED & ~1ULL)) == (device->pasid_dir_pa | pdts | 1) &&
	       !context[0].hi && !context[1].lo && !context[1].hi;
}

/* @rid: the device's own, or an alias, whose entry leads to the same tables: they are looked at once. */
static const char *vtd_check_context(struct vtd_adoption *adoption, const struct iommu_device_ser *device, u16 rid,
				     struct context_entry *context)
{
	if (device->flags)
		return "its record says what no unit of this kind does";
	if (!sm_supported(adoption->iommu))
		return vtd_context_matches(device, context) ? NULL : "its entry is not what its record says";
	if (!vtd_sm_context_matches(device, context))
		return "its entry is not what its record says";
	return rid == device->rid ? vtd_check_pasids(adoption, device) : NULL;
}

/* In memory: the caller of intel_liveupdate_adopt_root() sets the root pointer anew, which flushes all caches. */
static void vtd_clear_context(struct intel_iommu *iommu, struct context_entry *context)
{
	if (!context || !context_present(context))
		return;
	memset(context, 0, vtd_context_bytes(iommu));
	__iommu_flush_cache(iommu, context, vtd_context_bytes(iommu));
}

/* The entry of a requester ID in the tables that are being adopted. NULL when it has none. */
static struct context_entry *vtd_incoming_context(struct vtd_adoption *adoption, u16 rid)
{
	const struct root_entry *root = phys_to_virt(adoption->unit->root_pa);
	const unsigned int index = vtd_context_table_index(adoption->iommu, PCI_BUS_NUM(rid), rid & 0xff);
	const u64 half = index & 1 ? root[index / 2].hi : root[index / 2].lo;
	struct context_entry *table;

	/* What it points to may be no table. */
	if (!(half & 1) || !lu_page_listed(iommu_liveupdate_unit_pages(adoption->unit), adoption->unit->nr_pages,
					   half & VTD_PAGE_MASK, NULL))
		return NULL;
	table = phys_to_virt(half & VTD_PAGE_MASK);
	return table + vtd_context_entry_index(adoption->iommu, rid & 0xff);
}

/* All its entries go: the requests of one device have more than one ID, and none of them may be let through. */
static void vtd_refuse_device(struct vtd_adoption *adoption, const struct iommu_device_ser *device, const char *reason)
{
	const struct iommu_alias_ser *alias = NULL;

	vtd_quarantine(device, reason);
	vtd_clear_context(adoption->iommu, vtd_incoming_context(adoption, device->rid));
	while ((alias = iommu_liveupdate_next_alias(device, alias)))
		vtd_clear_context(adoption->iommu, vtd_incoming_context(adoption, alias->rid));
}

/* A present entry either is what a record says, or goes. */
static void vtd_adopt_context(struct vtd_adoption *adoption, u16 rid, struct context_entry *context)
{
	const struct iommu_device_ser *device = vtd_incoming_requester(adoption, rid);
	const char *reason = device ? vtd_check_context(adoption, device, rid, context) : NULL;

	if (reason)
		vtd_refuse_device(adoption, device, reason);
	else if (!device)
		vtd_clear_context(adoption->iommu, context);
}

static bool vtd_adopt_context_table(struct vtd_adoption *adoption, unsigned int index, u64 root_half)
{
	unsigned int nr_devfn = sm_supported(adoption->iommu) ? 128 : 256, i;
	struct context_entry *table, *context;

	if (!(root_half & 1))
		return true;
	if (!vtd_claim(adoption, root_half & VTD_PAGE_MASK))
		return false;
	table = phys_to_virt(root_half & VTD_PAGE_MASK);
	for (i = 0; i < nr_devfn; i++) {
		context = table + vtd_context_entry_index(adoption->iommu, i);
		if (context_present(context))
			vtd_adopt_context(adoption, (index / 2) << 8 | (index & 1) << 7 | i, context);
	}
	return true;
}

static bool vtd_is_missing(struct vtd_adoption *adoption, u16 rid)
{
	struct context_entry *context = vtd_incoming_context(adoption, rid);

	return !context || !context_present(context);
}

static bool vtd_has_entries(struct vtd_adoption *adoption, const struct iommu_device_ser *device)
{
	const struct iommu_alias_ser *alias = NULL;

	while ((alias = iommu_liveupdate_next_alias(device, alias)))
		if (vtd_is_missing(adoption, alias->rid))
			return false;
	return !vtd_is_missing(adoption, device->rid);
}

/* A requester ID that has a record and no entry is blocked already; the others of the device are to be. */
static void vtd_adopt_missing(struct vtd_adoption *adoption)
{
	const struct iommu_device_ser *device = NULL;

	while ((device = iommu_liveupdate_next_device(adoption->unit, device))) {
		if (device->segment != adoption->iommu->segment) {
			vtd_quarantine(device, "it is of another segment than its unit");
			continue;
		}
		if (!vtd_has_entries(adoption, device))
			vtd_refuse_device(adoption, device, "it has no entry");
	}
}

/* Devices that share a domain share its tag, and the verifier saw that no others do. */
static int vtd_adopt_tag(struct intel_iommu *iommu, u32 tag)
{
	int ret;

	guard(mutex)(&iommu->did_lock);
	if (vtd_tag_users(iommu, tag))
		return 0;
	ret = vtd_tag_set_users(iommu, tag, 1);
	if (ret)
		return ret;
	ret = ida_alloc_range(&iommu->domain_ida, tag, tag, GFP_KERNEL);
	if (ret < 0)
		vtd_tag_set_users(iommu, tag, 0);
	return ret < 0 ? ret : 0;
}

/**
 * intel_liveupdate_free_did() - a domain has no use for an ID any more
 * @iommu: The unit.
 * @did: The ID, which goes back into the pool if nobody else has a use for it.
 *
 * Context: did_lock of the unit held.
 */
void intel_liveupdate_free_did(struct intel_iommu *iommu, u16 did)
{
	unsigned long users = vtd_tag_users(iommu, did);

	lockdep_assert_held(&iommu->did_lock);
	if (users > 1) {
		WARN_ON(vtd_tag_set_users(iommu, did, users - 1));
		return;
	}
	vtd_tag_set_users(iommu, did, 0);
	ida_free(&iommu->domain_ida, did);
}

static int vtd_adopt_tags(struct intel_iommu *iommu, const struct iommu_unit_ser *unit)
{
	const struct iommu_device_ser *device = NULL;
	const struct iommu_pasid_ser *pasid;
	int ret;

	if (liveupdate_fault(LIVEUPDATE_FAULT_TAG))
		return 0;
	while ((device = iommu_liveupdate_next_device(unit, device))) {
		ret = vtd_adopt_tag(iommu, device->tag);
		for (pasid = NULL; !ret && (pasid = iommu_liveupdate_next_pasid(device, pasid));)
			ret = vtd_adopt_tag(iommu, pasid->tag);
		if (ret)
			return ret;
	}
	return 0;
}

/* The new table is in use since before initcalls. */
static void vtd_free_old_irt(struct intel_iommu *iommu, const struct iommu_unit_ser *unit)
{
	if (unit->irt_pa && (readq(iommu->reg + DMAR_IRTA_REG) & VTD_PAGE_MASK) != unit->irt_pa)
		iommu_free_pages(iommu_liveupdate_adopt_pages(unit->irt_pa, unit->irt_bytes));
}

static const char *vtd_adopt_root(struct intel_iommu *iommu, const struct iommu_unit_ser *unit)
{
	u8 *seen __free(kvfree) = kvzalloc(DIV_ROUND_UP(unit->nr_pages, 8), GFP_KERNEL);
	struct vtd_adoption adoption = { .iommu = iommu, .unit = unit, .seen = seen };
	struct root_entry *root = phys_to_virt(unit->root_pa);
	u64 rtaddr = readq(iommu->reg + DMAR_RTADDR_REG);
	unsigned int index;

	iommu_cost_scope(IOMMU_COST_ADOPT, iommu->reg_phys);
	if (!seen)
		return "no memory to check the tables of its unit";
	if (!(unit->flags & IOMMU_UNIT_SER_SCALABLE) != !sm_supported(iommu))
		return "its unit cannot run in the mode it was left in";
	if (rtaddr != (unit->root_pa | (sm_supported(iommu) ? DMA_RTADDR_SMT : 0)))
		return "the root pointer of its unit is not what was handed over";
	vtd_claim(&adoption, unit->root_pa);
	for (index = 0; index < VTD_NR_CONTEXT_TABLES; index++)
		if (!vtd_adopt_context_table(&adoption, index, index & 1 ? root[index / 2].hi : root[index / 2].lo))
			return "the root table of its unit points to what is no table of its own";
	if (iommu_liveupdate_adopt_unit(unit, 0, 0))
		return "a table page of its unit is not there";
	iommu->root_entry = root;
	vtd_adopt_missing(&adoption);
	if (vtd_adopt_tags(iommu, unit))
		return "no memory to keep the domain IDs of its unit";
	return NULL;
}

/**
 * intel_liveupdate_adopt_root() - make the root table of the old kernel the unit's
 * @iommu: A unit that has none yet.
 *
 * Entries that were refused are cleared in memory; the caller sets the root pointer anew, which flushes all caches.
 *
 * Context: init_dmars(), dmar_global_lock held.
 * Return: 0 when iommu->root_entry is set; otherwise the caller starts with an empty table.
 */
int intel_liveupdate_adopt_root(struct intel_iommu *iommu)
{
	const struct iommu_unit_ser *unit;
	const char *reason;

	if (!iommu_liveupdate_incoming() || liveupdate_fault(LIVEUPDATE_FAULT_BOOT_TRANSLATION))
		return -ENOENT;
	unit = vtd_incoming_unit(iommu);
	if (!unit)
		return -ENOENT;
	iommu_liveupdate_verify_domains();
	vtd_free_old_irt(iommu, unit);
	reason = vtd_adopt_root(iommu, unit);
	if (!reason) {
		pr_info("%s: took over the root table at %#llx\n", iommu->name, unit->root_pa);
		return 0;
	}
	iommu->root_entry = NULL;
	iommu_liveupdate_quarantine_unit(unit, reason);
	return -ENOENT;
}

/**
 * intel_liveupdate_adopt_device() - a preserved device is probed
 * @dev: The device, with its driver data set.
 *
 * Context: probe_device().
 * Return: true when its entry stands and must not be set up.
 */
bool intel_liveupdate_adopt_device(struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	const struct iommu_device_ser *device;
	struct pasid_table *pasid_table;

	if (!iommu_liveupdate_incoming() || !dev_is_pci(dev))
		return false;
	iommu_cost_scope(IOMMU_COST_PROBE, 0);
	device = iommu_liveupdate_device(vtd_incoming_unit(info->iommu), info->segment,
					 PCI_DEVID(info->bus, info->devfn));
	if (!device)
		return false;

	if (sm_supported(info->iommu)) {
		pasid_table = kzalloc_obj(*pasid_table);
		if (!pasid_table)
			return false;
		pasid_table->table = phys_to_virt(device->pasid_dir_pa);
		pasid_table->max_pasid = device->pasid_dir_bytes * VTD_PASID_DIR_PASIDS;
		info->pasid_table = pasid_table;
	}
	info->pasid_enabled = to_pci_dev(dev)->pasid_enabled;
	/* Capabilities that are off stay off: turning them on would write to a device that is in use. */
	info->ats_supported = 0;
	info->pri_supported = 0;
	info->pasid_supported = 0;
	info->domain_attached = true;
	return true;
}

static bool vtd_has_context(struct device_domain_info *info)
{
	struct context_entry *context;

	guard(spinlock)(&info->iommu->lock);
	context = iommu_context_addr(info->iommu, info->bus, info->devfn, 0);
	return context && context_present(context);
}

/*
 * A first-stage domain must have the ID of the restored one, since there is no hitless order to another. It gets it if it has none on
 * the unit yet; if it has one, the writer will say whether that is the right one. One domain gets it: two would say the same today,
 * and be changed each by itself tomorrow.
 */
static int vtd_hold_tag(struct dmar_domain *domain, struct intel_iommu *iommu, u16 tag)
{
	struct iommu_domain_info *info, *curr;
	unsigned long users;
	int ret;

	info = kzalloc_obj(*info);
	if (!info)
		return -ENOMEM;
	guard(mutex)(&iommu->did_lock);
	users = vtd_tag_users(iommu, tag);
	curr = xa_load(&domain->iommu_array, iommu->seq_id);
	if (curr || users != 1) {
		kfree(info);
		if (!curr)
			return WARN_ON(!users) ? -EINVAL : -EOPNOTSUPP;
		curr->refcnt++;
		return 0;
	}
	*info = (struct iommu_domain_info){ .refcnt = 1, .did = tag, .iommu = iommu };
	ret = xa_err(xa_store(&domain->iommu_array, iommu->seq_id, info, GFP_KERNEL));
	if (!ret) {
		ret = vtd_tag_set_users(iommu, tag, users + 1);
		if (ret)
			xa_erase(&domain->iommu_array, iommu->seq_id);
	}
	if (ret)
		kfree(info);
	return ret;
}

/* Have an ID on the unit for the time of a swap; vtd_unhold() gives it back, or leaves it to whoever is attached by then. */
static int vtd_hold(struct dmar_domain *domain, struct device_domain_info *info, ioasid_t pasid)
{
	struct pasid_entry *entry;

	if (!sm_supported(info->iommu))
		return vtd_has_context(info) ? domain_attach_iommu(domain, info->iommu) : -EINVAL;
	entry = vtd_find_pasid(info->pasid_table, pasid);
	if (!entry || !pasid_pte_is_present(entry))
		return -EINVAL;
	if (intel_domain_is_fs_paging(domain) && pasid_pte_get_pgtt(entry) == PASID_ENTRY_PGTT_FL_ONLY)
		return vtd_hold_tag(domain, info->iommu, pasid_get_domain_id(entry));
	return domain_attach_iommu(domain, info->iommu);
}

static void vtd_unhold(struct dmar_domain *domain, struct device_domain_info *info)
{
	domain_detach_iommu(domain, info->iommu);
}

/**
 * intel_liveupdate_swap() - put a device on a domain of this kernel, from its restored one
 * @domain: A paging domain.
 * @dev: A device whose group stands on a restored domain.
 *
 * No access is blocked at any time. On failure the device is where it was.
 *
 * Context: attach_dev(), group->mutex held.
 * Return: 0; -EOPNOTSUPP when there is no hitless order of stores from the one to the other, or another first-stage domain was swapped in
 *         for the same restored one; -EINVAL when @domain does not fit the unit,
 *         or the device is not on anything; -ENOMEM; -ENOSPC without a free domain ID.
 */
int intel_liveupdate_swap(struct dmar_domain *domain, struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	int ret;

	ret = paging_domain_compatible(&domain->domain, dev);
	if (ret)
		return ret;
	ret = vtd_hold(domain, info, IOMMU_NO_PASID);
	if (ret)
		return ret;
	ret = intel_attach_hitless(domain, dev);
	vtd_unhold(domain, info);
	return ret == -EXDEV ? -EOPNOTSUPP : ret;
}

static int vtd_swap_pasid(struct dmar_domain *domain, struct device *dev, ioasid_t pasid)
{
	struct dev_pasid_info *dev_pasid;
	int ret;

	dev_pasid = domain_add_dev_pasid(&domain->domain, dev, pasid);
	if (IS_ERR(dev_pasid))
		return PTR_ERR(dev_pasid);
	ret = intel_domain_setup_pasid(domain, dev, pasid, VTD_WRITE_HITLESS);
	if (ret) {
		domain_remove_dev_pasid(&domain->domain, dev, pasid);
		return ret == -EXDEV ? -EOPNOTSUPP : ret;
	}
	intel_iommu_debugfs_create_dev_pasid(dev_pasid);
	return 0;
}

/**
 * intel_liveupdate_swap_pasid() - put a PASID on a domain of this kernel, from its restored one
 * @domain: A paging domain.
 * @dev: The device.
 * @pasid: A PASID that stands on a restored domain.
 *
 * Context: set_dev_pasid(), group->mutex held.
 * Return: As intel_liveupdate_swap().
 */
int intel_liveupdate_swap_pasid(struct dmar_domain *domain, struct device *dev, ioasid_t pasid)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	int ret;

	ret = paging_domain_compatible(&domain->domain, dev);
	if (ret)
		return ret;
	ret = vtd_hold(domain, info, pasid);
	if (ret)
		return ret;
	ret = vtd_swap_pasid(domain, dev, pasid);
	vtd_unhold(domain, info);
	return ret;
}

static void intel_liveupdate_release_tag(u64 unit_id, u32 tag)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;

	if (liveupdate_fault(LIVEUPDATE_FAULT_TAG))
		return;
	guard(rwsem_read)(&dmar_global_lock);
	for_each_active_iommu(iommu, drhd) {
		if (iommu->reg_phys != unit_id)
			continue;
		iommu->flush.flush_iotlb(iommu, tag, 0, 0, DMA_TLB_DSI_FLUSH);
		guard(mutex)(&iommu->did_lock);
		/* Tags of devices that were quarantined at boot were never taken. */
		if (vtd_tag_users(iommu, tag))
			intel_liveupdate_free_did(iommu, tag);
	}
}

const struct iommu_liveupdate_ops intel_liveupdate_ops = {
	.describe_domain = intel_liveupdate_describe_domain,
	.check_domain = intel_liveupdate_check_domain,
	.preserve_device = intel_liveupdate_preserve_device,
	.unpreserve_device = intel_liveupdate_unpreserve_device,
	.release_tag = intel_liveupdate_release_tag,
};

#if IS_ENABLED(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "liveupdate_kunit.c"
#endif
