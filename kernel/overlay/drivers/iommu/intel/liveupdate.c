// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: VT-d across live update
 *
 * Old kernel. For each unit there is a second root table, the handover root. It holds what must go on and nothing else: a context
 * entry, and in scalable mode a PASID directory and table of one entry, for each preserved device. The live tables are not changed while
 * devices are preserved and unpreserved. When all drivers are shut down and all other processors stopped, the entries are
 * copied once more and the root pointer is moved. That is one register write, after which preserved devices translate as before
 * and every other device is blocked, with nothing to walk and nothing that can fail. Intel VT-d 4.1, section 6.6 "Set Root Table Pointer
 * Operation" allows it with translation on, if requests in flight get the same results through either table, which they do.
 *
 * New kernel. The handover root becomes the unit's root table where it is, after each present entry was compared with the records
 * of the blob; entries that do not match are cleared. Domain IDs that entries name are taken out of the pool. A preserved device is
 * probed without its entry being written, and stands on a restored domain until something is attached to it: that is the swap.
 *
 * The swap stores the entry's first 128 bits at once: page table pointer, address width and type, domain ID. The hardware reads these as one
 * (section 9.3 "Context Entry", section 9.6 "Scalable-Mode PASID Table Entry": 128 bits is the smallest unit software may
 * rely on), so it uses the old table with the old tag, or the new with the new. Nothing is invalidated before the store,
 * everything cached under the old tag after it (section 6.5.3.3 "Guidance to Software for Invalidations").
 *
 * Lock: the core's mutex for the handover tables; iommu->lock for live entries.
 */
#define pr_fmt(fmt) "DMAR: liveupdate: " fmt

#include <linux/cleanup.h>
#include <linux/dmar.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommu.h>
#include <linux/liveupdate-fault.h>
#include <linux/pci.h>
#include <linux/sort.h>

#include "iommu.h"
#include "../iommu-pages.h"
#include "../liveupdate/verify.h"
#include "liveupdate.h"
#include "pasid.h"

#define VTD_NR_CONTEXT_TABLES	512	/* two halves for each bus; legacy mode has the first alone */
#define VTD_PASID_DIR_ENTRIES	512	/* one page of directory */
#define VTD_PDTS_ONE_PAGE	2	/* PDTS: 2^(2 + 7) directory entries */
#define VTD_CONTEXT_PDTS	GENMASK_ULL(11, 9)

struct vtd_handover {
	struct list_head list;
	struct intel_iommu *iommu;
	struct root_entry *root;
	struct context_entry *context[VTD_NR_CONTEXT_TABLES];
	struct list_head devices;
	u64 *pages;		/* the blob's list */
	u32 nr_pages;
};

struct vtd_handover_device {
	struct list_head list;
	struct device *dev;
	struct vtd_handover *handover;
	u64 *pasid_dir;			/* scalable mode */
	struct pasid_entry *pasid_table;
};

static LIST_HEAD(vtd_handovers);

/*
 * Old kernel
 */

static void *vtd_page_alloc(struct intel_iommu *iommu)
{
	void *page = iommu_alloc_pages_node_sz(iommu->node, GFP_KERNEL, SZ_4K);

	if (page && kho_preserve_folio(virt_to_folio(page))) {
		iommu_free_pages(page);
		return NULL;
	}
	return page;
}

static void vtd_page_free(void *page)
{
	if (!page)
		return;
	kho_unpreserve_folio(virt_to_folio(page));
	iommu_free_pages(page);
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

static int vtd_compare_pages(const void *a, const void *b)
{
	const u64 *pa = a, *pb = b;

	return *pa < *pb ? -1 : *pa > *pb;
}

static u32 vtd_handover_list(const struct vtd_handover *handover, u64 *pages)
{
	struct vtd_handover_device *device;
	u32 nr = 0;
	int i;

	pages[nr++] = virt_to_phys(handover->root);
	for (i = 0; i < VTD_NR_CONTEXT_TABLES; i++)
		if (handover->context[i])
			pages[nr++] = virt_to_phys(handover->context[i]);
	list_for_each_entry(device, &handover->devices, list) {
		if (!device->pasid_dir)
			continue;
		pages[nr++] = virt_to_phys(device->pasid_dir);
		pages[nr++] = virt_to_phys(device->pasid_table);
	}
	sort(pages, nr, sizeof(*pages), vtd_compare_pages, NULL);
	return nr;
}

static int vtd_handover_describe(struct vtd_handover *handover)
{
	size_t max_pages = 1 + VTD_NR_CONTEXT_TABLES + 2 * list_count_nodes(&handover->devices);
	struct intel_iommu *iommu = handover->iommu;
	struct iommu_unit_ser unit = {
		.driver = IOMMU_SER_DRIVER_VTD,
		.id = iommu->reg_phys,
		.root_pa = virt_to_phys(handover->root),
		.flags = sm_supported(iommu) ? IOMMU_UNIT_SER_SCALABLE : 0,
	};
	u64 *pages, *old = handover->pages;
	int ret;

	/* Shrinking writes the list where it is: it cannot fail. */
	if (old && max_pages * sizeof(u64) <= folio_size(virt_to_folio(old))) {
		pages = old;
	} else {
		pages = kho_alloc_preserve(max_pages * sizeof(u64));
		if (IS_ERR(pages))
			return PTR_ERR(pages);
	}
	unit.nr_pages = vtd_handover_list(handover, pages);
	unit.pages_pa = virt_to_phys(pages);
#ifdef CONFIG_IRQ_REMAP
	if (iommu->ir_table) {
		unit.irt_pa = virt_to_phys(iommu->ir_table->base);
		unit.irt_bytes = SZ_1M;
	}
#endif
	ret = iommu_liveupdate_set_unit(&unit);
	if (ret) {
		if (pages != old)
			kho_unpreserve_free(pages);
		return ret;
	}
	if (pages != old)
		kho_unpreserve_free(old);
	handover->pages = pages;
	handover->nr_pages = unit.nr_pages;
	return 0;
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
		vtd_page_free(handover->context[i]);
	vtd_page_free(handover->root);
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
	vtd_page_free(handover->root);
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

/* Copy what the hardware uses now. Allocates nothing: it runs again when the kernel goes down. */
static int vtd_handover_copy(struct vtd_handover_device *device)
{
	struct device_domain_info *info = dev_iommu_priv_get(device->dev);
	struct intel_iommu *iommu = info->iommu;
	struct context_entry *from, *to;
	struct pasid_table *live = info->pasid_table;
	struct pasid_entry *pasid_table;

	to = device->handover->context[vtd_context_table_index(iommu, info->bus, info->devfn)] +
	     vtd_context_entry_index(iommu, info->devfn);
	from = iommu_context_addr(iommu, info->bus, info->devfn, 0);
	if (!from || !context_present(from))
		return -EINVAL;
	if (!sm_supported(iommu)) {
		*to = *from;
		return 0;
	}

	pasid_table = get_pasid_table_from_pde(live->table);
	if (!pasid_table || !pasid_pte_is_present(pasid_table))
		return -EINVAL;
	device->pasid_table[0] = pasid_table[0];
	device->pasid_dir[0] = virt_to_phys(device->pasid_table) | PASID_PTE_PRESENT;
	to[0].hi = from[0].hi;
	to[1] = from[1];
	to[0].lo = (from[0].lo & ~(VTD_PAGE_MASK | VTD_CONTEXT_PDTS)) | virt_to_phys(device->pasid_dir) |
		   FIELD_PREP(VTD_CONTEXT_PDTS, VTD_PDTS_ONE_PAGE);
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
	vtd_page_free(handover->context[index]);
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
static void vtd_handover_remove_device(struct vtd_handover_device *device)
{
	struct device_domain_info *info = dev_iommu_priv_get(device->dev);
	struct vtd_handover *handover = device->handover;
	struct context_entry *context = handover->context[vtd_context_table_index(info->iommu, info->bus, info->devfn)];

	if (context)
		memset(context + vtd_context_entry_index(info->iommu, info->devfn), 0,
		       sizeof(*context) * (sm_supported(info->iommu) ? 2 : 1));
	list_del(&device->list);
	vtd_page_free(device->pasid_table);
	vtd_page_free(device->pasid_dir);
	kfree(device);
}

static int vtd_handover_add_device(struct vtd_handover *handover, struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_iommu *iommu = info->iommu;
	unsigned int index = vtd_context_table_index(iommu, info->bus, info->devfn);
	struct vtd_handover_device *device;
	bool fresh = !handover->context[index];
	int ret = -ENOMEM;

	device = kzalloc_obj(*device);
	if (!device)
		return -ENOMEM;
	device->dev = dev;
	device->handover = handover;
	list_add_tail(&device->list, &handover->devices);

	if (fresh) {
		handover->context[index] = vtd_page_alloc(iommu);
		if (!handover->context[index])
			goto err_remove;
		vtd_handover_link(handover, index);
	}
	if (sm_supported(iommu)) {
		device->pasid_dir = vtd_page_alloc(iommu);
		device->pasid_table = vtd_page_alloc(iommu);
		if (!device->pasid_dir || !device->pasid_table)
			goto err_remove;
	}
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
	if (fresh && handover->context[index])
		vtd_handover_unlink(handover, index);
	return ret;
}

static int vtd_count_alias(struct pci_dev *pdev, u16 alias, void *data)
{
	++*(int *)data;
	return 0;
}

static int vtd_check_device(struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	int nr_aliases = 0;

	pci_for_each_dma_alias(to_pci_dev(dev), vtd_count_alias, &nr_aliases);
	if (nr_aliases != 1) {
		dev_warn(dev, "cannot be preserved: it has %d requester IDs\n", nr_aliases);
		return -EOPNOTSUPP;
	}
	if (info->ats_enabled || info->pri_enabled) {
		dev_warn(dev, "cannot be preserved: ATS is on\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int intel_liveupdate_preserve_device(struct device *dev, struct iommu_domain *domain,
					    struct iommu_liveupdate_device *out)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct vtd_handover_device *device;
	struct vtd_handover *handover;
	int ret;

	ret = vtd_check_device(dev);
	if (ret)
		return ret;
	ret = vtd_handover_create_all();
	if (ret)
		return ret;
	handover = vtd_handover_find(info->iommu);
	ret = handover ? vtd_handover_add_device(handover, dev) : -ENODEV;
	if (ret) {
		if (vtd_handover_idle())
			vtd_handover_free_all();
		return ret;
	}

	device = vtd_handover_find_device(handover, dev);
	out->driver = IOMMU_SER_DRIVER_VTD;
	out->unit_id = info->iommu->reg_phys;
	out->tag = domain_id_iommu(to_dmar_domain(domain), info->iommu);
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_ENTRY) && list_is_singular(&handover->devices))
		out->tag += 1000;
	out->pasid_dir_pa = device->pasid_dir ? virt_to_phys(device->pasid_dir) : 0;
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

static int intel_liveupdate_describe_domain(struct iommu_domain *domain, struct iommu_domain_ser *ser)
{
	struct dmar_domain *dmar_domain = to_dmar_domain(domain);
	struct pt_iommu_vtdss_hw_info info;

	if (!intel_domain_is_ss_paging(dmar_domain) || dmar_domain->nested_parent || dmar_domain->dirty_tracking)
		return -EOPNOTSUPP;
	pt_iommu_vtdss_hw_info(&dmar_domain->sspt, &info);
	ser->format = IOMMU_SER_FORMAT_VTDSS;
	ser->levels = agaw_to_level(info.aw);
	ser->top_pa = info.ssptptr;
	return 0;
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
	list_for_each_entry(device, &handover->devices, list) {
		WARN_ON(vtd_handover_copy(device));
		if (device->pasid_dir) {
			__iommu_flush_cache(iommu, device->pasid_dir, SZ_4K);
			__iommu_flush_cache(iommu, device->pasid_table, SZ_4K);
		}
	}
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

static bool vtd_listed(const struct iommu_unit_ser *unit, u64 pa)
{
	return lu_page_listed(iommu_liveupdate_unit_pages(unit), unit->nr_pages, pa, NULL);
}

/* Every bit counts: one that is not from the record makes it another entry, one that faults without a trace, say. */
static bool vtd_context_matches(const struct iommu_device_ser *device, const struct iommu_domain_ser *domain,
				struct context_entry *context)
{
	struct context_entry good = {};

	context_set_domain_id(&good, device->tag);
	context_set_address_root(&good, domain->top_pa);
	context_set_address_width(&good, domain->levels - 2U);
	context_set_translation_type(&good, CONTEXT_TT_MULTI_LEVEL);
	good.lo |= 1;
	return context->lo == good.lo && context->hi == good.hi;
}

static bool vtd_pasid_matches(const struct iommu_unit_ser *unit, const struct iommu_device_ser *device,
			      const struct iommu_domain_ser *domain, struct context_entry *context)
{
	struct pasid_entry *table, found, good = {};
	u64 *dir;
	int i;

	if ((context->lo & VTD_PAGE_MASK) != device->pasid_dir_pa || !vtd_listed(unit, device->pasid_dir_pa) ||
	    FIELD_GET(VTD_CONTEXT_PDTS, context->lo) != VTD_PDTS_ONE_PAGE)
		return false;
	dir = phys_to_virt(device->pasid_dir_pa);
	if (!(dir[0] & PASID_PTE_PRESENT) || !vtd_listed(unit, dir[0] & VTD_PAGE_MASK))
		return false;
	for (i = 1; i < VTD_PASID_DIR_ENTRIES; i++)
		if (dir[i] & PASID_PTE_PRESENT)
			return false;
	table = phys_to_virt(dir[0] & VTD_PAGE_MASK);
	for (i = 1; i < PASID_TBL_ENTRIES; i++)
		if (pasid_pte_is_present(&table[i]))
			return false;

	/* Whether walks are snooped depends on the unit that the domain was made for. */
	found = table[0];
	pasid_set_page_snoop(&found, false);
	pasid_set_domain_id(&good, device->tag);
	pasid_set_slptr(&good, domain->top_pa);
	pasid_set_address_width(&good, domain->levels - 2U);
	pasid_set_translation_type(&good, PASID_ENTRY_PGTT_SL_ONLY);
	good.val[0] |= PASID_PTE_PRESENT;
	return !memcmp(&found, &good, sizeof(good));
}

/* One unit's tables on their way in. A page is one table: each that is reached is claimed, and none can be twice. */
struct vtd_adoption {
	struct intel_iommu *iommu;
	const struct iommu_unit_ser *unit;
	u8 *seen;	/* one bit a page of the unit's list */
};

static bool vtd_claim(struct vtd_adoption *adoption, u64 pa)
{
	u32 index;

	if (!lu_page_listed(iommu_liveupdate_unit_pages(adoption->unit), adoption->unit->nr_pages, pa, &index) ||
	    (adoption->seen[index / 8] & BIT(index % 8)))
		return false;
	adoption->seen[index / 8] |= BIT(index % 8);
	return true;
}

static const char *vtd_check_context(struct vtd_adoption *adoption, const struct iommu_device_ser *device,
				     struct context_entry *context)
{
	const struct iommu_domain_ser *domain = iommu_liveupdate_device_domain(device);
	u64 *dir;

	if (domain->format != IOMMU_SER_FORMAT_VTDSS)
		return "its tables are of a format that is not adopted";
	if (!sm_supported(adoption->iommu))
		return vtd_context_matches(device, domain, context) ? NULL : "its entry is not what its record says";
	if (!vtd_pasid_matches(adoption->unit, device, domain, context))
		return "its entry is not what its record says";
	dir = phys_to_virt(device->pasid_dir_pa);
	if (!vtd_claim(adoption, device->pasid_dir_pa) || !vtd_claim(adoption, dir[0] & VTD_PAGE_MASK))
		return "a table of its own is another's, too";
	return NULL;
}

/* A present entry either is what a record says, or goes. */
static void vtd_adopt_context(struct vtd_adoption *adoption, u16 rid, struct context_entry *context)
{
	struct intel_iommu *iommu = adoption->iommu;
	const struct iommu_device_ser *device = iommu_liveupdate_device(adoption->unit, iommu->segment, rid);
	const char *reason;

	if (device) {
		reason = vtd_check_context(adoption, device, context);
		if (!reason)
			return;
		iommu_liveupdate_quarantine(device, reason);
	}
	memset(context, 0, sizeof(*context) * (sm_supported(iommu) ? 2 : 1));
	__iommu_flush_cache(iommu, context, sizeof(*context) * 2);
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

/* A device whose record has no entry is blocked already. */
static void vtd_adopt_missing(struct intel_iommu *iommu, const struct iommu_unit_ser *unit)
{
	const struct iommu_device_ser *device = NULL;
	struct context_entry *context;

	while ((device = iommu_liveupdate_next_device(unit, device))) {
		context = iommu_context_addr(iommu, device->rid >> 8, device->rid & 0xff, 0);
		if (!context || !context_present(context))
			iommu_liveupdate_quarantine(device, "it has no entry");
	}
}

static int vtd_adopt_tags(struct intel_iommu *iommu, const struct iommu_unit_ser *unit)
{
	const struct iommu_device_ser *device = NULL;
	int ret;

	if (liveupdate_fault(LIVEUPDATE_FAULT_TAG))
		return 0;
	while ((device = iommu_liveupdate_next_device(unit, device))) {
		/* -ENOSPC: devices that share a domain share its tag, and the verifier saw that no others do. */
		ret = ida_alloc_range(&iommu->domain_ida, device->tag, device->tag, GFP_KERNEL);
		if (ret < 0 && ret != -ENOSPC)
			return ret;
	}
	return 0;
}

static int vtd_adopt_pages(const struct iommu_unit_ser *unit)
{
	const u64 *pages = iommu_liveupdate_unit_pages(unit);
	u32 i;

	for (i = 0; i < unit->nr_pages; i++)
		if (!iommu_liveupdate_adopt_pages(pages[i], SZ_4K))
			return -EFAULT;
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
	if (vtd_adopt_pages(unit))
		return "a table page of its unit is not there";
	iommu->root_entry = root;
	vtd_adopt_missing(iommu, unit);
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
	device = iommu_liveupdate_device(vtd_incoming_unit(info->iommu), info->segment,
					 PCI_DEVID(info->bus, info->devfn));
	if (!device)
		return false;

	if (sm_supported(info->iommu)) {
		pasid_table = kzalloc_obj(*pasid_table);
		if (!pasid_table)
			return false;
		pasid_table->table = phys_to_virt(device->pasid_dir_pa);
		pasid_table->max_pasid = VTD_PASID_DIR_ENTRIES << PASID_PDE_SHIFT;
		info->pasid_table = pasid_table;
	}
	/* Capabilities that are off stay off: turning them on would write to a device that is in use. */
	info->ats_supported = 0;
	info->pri_supported = 0;
	info->pasid_supported = 0;
	info->domain_attached = true;
	return true;
}

static void vtd_build_context(struct context_entry *context, struct dmar_domain *domain, struct intel_iommu *iommu)
{
	struct pt_iommu_vtdss_hw_info pt_info;

	pt_iommu_vtdss_hw_info(&domain->sspt, &pt_info);
	context_clear_entry(context);
	context_set_domain_id(context, domain_id_iommu(domain, iommu));
	context_set_address_root(context, pt_info.ssptptr);
	context_set_address_width(context, pt_info.aw);
	context_set_translation_type(context, CONTEXT_TT_MULTI_LEVEL);
	context_set_fault_enable(context);
	context->lo |= 1;
}

static void vtd_build_pasid(struct pasid_entry *entry, struct dmar_domain *domain, struct intel_iommu *iommu)
{
	struct pt_iommu_vtdss_hw_info pt_info;

	pt_iommu_vtdss_hw_info(&domain->sspt, &pt_info);
	pasid_clear_entry(entry);
	pasid_set_domain_id(entry, domain_id_iommu(domain, iommu));
	pasid_set_slptr(entry, pt_info.ssptptr);
	pasid_set_address_width(entry, pt_info.aw);
	pasid_set_translation_type(entry, PASID_ENTRY_PGTT_SL_ONLY);
	pasid_set_fault_enable(entry);
	pasid_set_page_snoop(entry, !(domain->sspt.vtdss_pt.common.features & BIT(PT_FEAT_DMA_INCOHERENT)));
	if (domain->dirty_tracking)
		pasid_set_ssade(entry);
	entry->val[0] |= PASID_PTE_PRESENT;
}

/* One store of 128 bits. Only software writes these entries, and iommu->lock keeps it to one at a time. */
static int vtd_store_128(struct intel_iommu *iommu, u64 *entry, u64 lo, u64 hi)
{
	u128 old = (u128)entry[1] << 64 | entry[0];

	lockdep_assert_held(&iommu->lock);
	if (WARN_ON(!try_cmpxchg128((u128 *)entry, &old, (u128)hi << 64 | lo)))
		return -EBUSY;
	__iommu_flush_cache(iommu, entry, sizeof(u128));
	return 0;
}

static int vtd_swap_context(struct dmar_domain *domain, struct device_domain_info *info, u16 *old_did)
{
	struct intel_iommu *iommu = info->iommu;
	struct context_entry *context, new;

	vtd_build_context(&new, domain, iommu);
	guard(spinlock)(&iommu->lock);
	context = iommu_context_addr(iommu, info->bus, info->devfn, 0);
	if (!context || !context_present(context))
		return -EINVAL;
	*old_did = context_domain_id(context);
	return vtd_store_128(iommu, &context->lo, new.lo, new.hi);
}

static int vtd_swap_pasid(struct dmar_domain *domain, struct device_domain_info *info, u16 *old_did)
{
	struct intel_iommu *iommu = info->iommu;
	struct pasid_entry *entry, new = {};

	vtd_build_pasid(&new, domain, iommu);
	guard(spinlock)(&iommu->lock);
	entry = get_pasid_table_from_pde(info->pasid_table->table);
	if (!entry || !pasid_pte_is_present(entry))
		return -EINVAL;
	/* There is no hitless order for what lies in two units of 128 bits. */
	if (memcmp(&entry->val[2], &new.val[2], sizeof(new) - 2 * sizeof(u64)))
		return -EOPNOTSUPP;
	*old_did = pasid_get_domain_id(entry);
	return vtd_store_128(iommu, entry->val, new.val[0], new.val[1]);
}

static void vtd_flush_tag(struct intel_iommu *iommu, struct device_domain_info *info, u16 did)
{
	u16 sid = PCI_DEVID(info->bus, info->devfn);

	if (sm_supported(iommu))
		qi_flush_pasid_cache(iommu, did, QI_PC_PASID_SEL, IOMMU_NO_PASID);
	else
		iommu->flush.flush_context(iommu, did, sid, DMA_CCMD_MASK_NOBIT, DMA_CCMD_DEVICE_INVL);
	iommu->flush.flush_iotlb(iommu, did, 0, 0, DMA_TLB_DSI_FLUSH);
}

/**
 * intel_liveupdate_swap() - put a device on a domain of this kernel, from its restored one
 * @domain: A second-stage domain.
 * @dev: A device whose group stands on a restored domain.
 *
 * No access is blocked at any time. On failure the device is where it was.
 *
 * Context: attach_dev(), group->mutex held.
 * Return: 0; -EOPNOTSUPP when there is no hitless order of stores from the one to the other; -EINVAL when @domain does not fit the unit;
 *         -ENOMEM; -ENOSPC without a free domain ID.
 */
int intel_liveupdate_swap(struct dmar_domain *domain, struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_iommu *iommu = info->iommu;
	unsigned long flags;
	u16 old_did;
	int ret;

	if (!intel_domain_is_ss_paging(domain))
		return -EOPNOTSUPP;
	ret = paging_domain_compatible(&domain->domain, dev);
	if (ret)
		return ret;
	ret = domain_attach_iommu(domain, iommu);
	if (ret)
		return ret;
	/* Before the store: from then on the hardware caches under the new tag. */
	ret = cache_tag_assign_domain(domain, dev, IOMMU_NO_PASID);
	if (ret)
		goto err_detach;

	ret = sm_supported(iommu) ? vtd_swap_pasid(domain, info, &old_did) : vtd_swap_context(domain, info, &old_did);
	if (ret)
		goto err_unassign;
	vtd_flush_tag(iommu, info, old_did);
	vtd_flush_tag(iommu, info, domain_id_iommu(domain, iommu));

	info->domain = domain;
	spin_lock_irqsave(&domain->lock, flags);
	list_add(&info->link, &domain->devices);
	spin_unlock_irqrestore(&domain->lock, flags);
	return 0;

err_unassign:
	cache_tag_unassign_domain(domain, dev, IOMMU_NO_PASID);
err_detach:
	domain_detach_iommu(domain, iommu);
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
		ida_free(&iommu->domain_ida, tag);
	}
}

const struct iommu_liveupdate_ops intel_liveupdate_ops = {
	.describe_domain = intel_liveupdate_describe_domain,
	.preserve_device = intel_liveupdate_preserve_device,
	.unpreserve_device = intel_liveupdate_unpreserve_device,
	.release_tag = intel_liveupdate_release_tag,
};

#if IS_ENABLED(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "liveupdate_kunit.c"
#endif
