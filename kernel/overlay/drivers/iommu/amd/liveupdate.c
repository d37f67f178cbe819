// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: AMD-Vi across live update
 *
 * All units of a PCI segment share one device table, so what the core calls a unit is a segment here.
 *
 * Old kernel. For each segment there is a second device table, the handover table. Each preserved device has an entry in it that is the
 * live one but for interrupts; every other entry blocks. (One that is not valid would let everything through.) Interrupts are blocked in
 * all: the next kernel gives each device a table of its own before it lets it raise any. What a device has at its own ID it has at each
 * alias, as in the live table. That is not changed while devices are preserved and unpreserved. When all drivers are shut down and all
 * other processors stopped, the entries are copied once more, the table's base register is written, and what units cached is
 * invalidated. After that no unit writes into memory any more: command buffer and logs
 * go off, translation stays on. (The register is of 64 bits, and there is hardware that takes it in two halves: both tables are below
 * 4 GiB, so that the upper half does not change. See b336781b82cc, "iommu/amd: Allocate memory below 4G for dev table if translation
 * pre-enabled".)
 *
 * A device on guest (v2) tables has a table of them (gcr3.c). The handover entry leads to another one that has as many levels, the entries
 * of what is preserved and no others. The domain ID is the device's, and not that of any domain (IOMMU_DEVICE_SER_OWN_TAG).
 *
 * New kernel. The handover table becomes the segment's table where it is, after each valid entry was compared with the records of the
 * blob, GCR3 tables among what is compared; entries that do not match are made to block. Domain IDs that entries name are taken out of the
 * pool. Units get new command buffers and logs, as at any boot, but with translation on. A preserved device is probed without its entry
 * being written, and stands on a restored domain until something is attached to it: that is the swap, an attach like any other.
 * From guest tables to guest tables it is one store to an entry of the GCR3 table, which stays, as does the domain ID.
 *
 * Lock: the core's mutex for handover tables; dte_lock of a device for its live entry.
 */
#define pr_fmt(fmt) "AMD-Vi: liveupdate: " fmt

#include <kunit/static_stub.h>
#include <linux/cc_platform.h>
#include <linux/cleanup.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommu.h>
#include <linux/liveupdate-fault.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <asm/iommu.h>

#include "amd_iommu.h"
#include "liveupdate.h"
#include "../iommu-pages.h"
#include "../liveupdate/cost.h"

/* Of the upper half: the interrupt table of the device. What firmware lets pass, and what is done without a table, is the rest. */
#define AMD_DTE_IRQ_TABLE	(DTE_IRQ_REMAP_INTCTL_MASK | DTE_IRQ_PHYS_ADDR_MASK | DTE_INTTABLEN_MASK)

struct amd_handover {
	struct list_head list;
	struct amd_iommu_pci_seg *seg;
	struct dev_table_entry *table;
	struct list_head devices;
	u64 *pages;		/* the blob's list */
};

struct amd_handover_device {
	struct list_head list;
	struct device *dev;
	struct amd_handover *handover;
	struct gcr3_tbl_info gcr3;	/* what is handed over of guest tables, with as many levels as the live one */
	struct iommu_liveupdate_aliases aliases;
	unsigned int nr_pasids;
	ioasid_t pasids[] __counted_by(nr_pasids);	/* the first is IOMMU_NO_PASID */
};

static LIST_HEAD(amd_handovers);
static bool amd_handed_over;

/* IDs of the old kernel that are in use on a segment: they are the same on all, and free when no segment has them. */
static DEFINE_XARRAY(amd_tags);

/*
 * Old kernel
 */

static u32 amd_table_entries(const struct amd_iommu_pci_seg *seg)
{
	return seg->dev_table_size / sizeof(struct dev_table_entry);
}

/* With remapping on, interrupts without a table end in the unit; with remapping off, they pass as they do now. */
static u64 amd_handover_irq(const struct dev_table_entry *live)
{
	return live->data[2] & DTE_DATA2_INTR_MASK & ~AMD_DTE_IRQ_TABLE;
}

static void amd_handover_block(struct amd_handover *handover, u32 devid)
{
	struct dev_table_entry *entry = &handover->table[devid];

	amd_dte_make_blocked(entry, handover->seg->id, devid);
	entry->data[2] |= amd_handover_irq(&handover->seg->dev_table[devid]);
}

struct amd_page_list {
	u64 *pages;		/* NULL: they are counted */
	u32 nr;
	const u64 *top;		/* not of the list */
};

static void amd_list_table(u64 *table, void *arg)
{
	struct amd_page_list *list = arg;

	if (table == list->top)
		return;
	if (list->pages)
		list->pages[list->nr] = virt_to_phys(table);
	list->nr++;
}

/* The device table, and what is below the top of GCR3 tables. */
static u32 amd_handover_list(const void *arg, u64 *pages)
{
	struct amd_page_list list = { .pages = pages };
	const struct amd_handover *handover = arg;
	struct amd_handover_device *device;
	u32 i;

	for (i = 0; i < handover->seg->dev_table_size / SZ_4K; i++)
		amd_list_table((void *)handover->table + i * SZ_4K, &list);
	list_for_each_entry(device, &handover->devices, list) {
		list.top = device->gcr3.gcr3_tbl;
		if (list.top)
			amd_gcr3_walk(device->gcr3.gcr3_tbl, device->gcr3.glx, amd_list_table, &list);
	}
	return list.nr;
}

static int amd_handover_describe(struct amd_handover *handover)
{
	struct iommu_unit_ser unit = {
		.driver = IOMMU_SER_DRIVER_AMDVI,
		.id = handover->seg->id,
		.root_pa = virt_to_phys(handover->table),
	};

	return iommu_liveupdate_describe_unit(&unit, &handover->pages, amd_handover_list(handover, NULL), amd_handover_list, handover);
}

static void amd_handover_free(struct amd_handover *handover)
{
	WARN_ON(!list_empty(&handover->devices));
	iommu_liveupdate_drop_unit(IOMMU_SER_DRIVER_AMDVI, handover->seg->id);
	list_del(&handover->list);
	iommu_liveupdate_free_pages(handover->table);
	kho_unpreserve_free(handover->pages);
	kfree(handover);
}

static int amd_handover_create(struct amd_iommu_pci_seg *seg)
{
	struct amd_handover *handover;
	int ret = -ENOMEM;
	u32 i;

	handover = kzalloc_obj(*handover);
	if (!handover)
		return -ENOMEM;
	INIT_LIST_HEAD(&handover->devices);
	handover->seg = seg;
	/* As the live one: one above 4 GiB is reused by no kernel that boots after a crash, and may be met half. */
	handover->table = iommu_liveupdate_alloc_pages(NUMA_NO_NODE, GFP_KERNEL | GFP_DMA32, seg->dev_table_size);
	if (!handover->table)
		goto err_free;
	for (i = 0; i < amd_table_entries(seg); i++)
		amd_handover_block(handover, i);
	ret = amd_handover_describe(handover);
	if (ret)
		goto err_table;
	list_add_tail(&handover->list, &amd_handovers);
	return 0;

err_table:
	iommu_liveupdate_free_pages(handover->table);
err_free:
	kfree(handover);
	return ret;
}

static void amd_handover_free_all(void)
{
	struct amd_handover *handover, *next;

	list_for_each_entry_safe(handover, next, &amd_handovers, list)
		amd_handover_free(handover);
}

/* A segment that no preserved device is in hands over a table that blocks all. */
static int amd_handover_create_all(void)
{
	struct amd_iommu_pci_seg *seg;
	int ret = 0;

	if (!list_empty(&amd_handovers))
		return 0;
	for_each_pci_segment(seg) {
		ret = amd_handover_create(seg);
		if (ret)
			break;
	}
	if (ret)
		amd_handover_free_all();
	return ret;
}

static struct amd_handover *amd_handover_find(const struct amd_iommu_pci_seg *seg)
{
	struct amd_handover *handover;

	list_for_each_entry(handover, &amd_handovers, list)
		if (handover->seg == seg)
			return handover;
	return NULL;
}

static struct amd_handover_device *amd_handover_find_device(struct device *dev)
{
	struct amd_handover_device *device;
	struct amd_handover *handover;

	list_for_each_entry(handover, &amd_handovers, list)
		list_for_each_entry(device, &handover->devices, list)
			if (device->dev == dev)
				return device;
	return NULL;
}

static bool amd_handover_idle(void)
{
	struct amd_handover *handover;

	list_for_each_entry(handover, &amd_handovers, list)
		if (!list_empty(&handover->devices))
			return false;
	return true;
}

static void amd_handover_free_idle(void)
{
	if (amd_handover_idle())
		amd_handover_free_all();
}

/* Of guest tables: the entries that are handed over, and a device table entry that leads to them. */
static int amd_handover_copy_pasids(struct amd_handover_device *device, struct dev_table_entry *entry)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(device->dev);
	const struct gcr3_tbl_info *live = &dev_data->gcr3_info;
	unsigned int i;
	u64 *from;

	if (!(entry->data[0] & DTE_FLAG_GV) != !device->gcr3.gcr3_tbl)
		return -EINVAL;
	if (!device->gcr3.gcr3_tbl)
		return 0;
	if (amd_dte_gcr3_root(entry) != virt_to_phys(live->gcr3_tbl))
		return -EINVAL;
	for (i = 0; i < device->nr_pasids; i++) {
		if (i && liveupdate_fault(LIVEUPDATE_FAULT_PASIDS))
			break;
		from = amd_gcr3_entry(live, device->pasids[i], NULL, NUMA_NO_NODE);
		if (!from || !(*from & GCR3_VALID)) {
			dev_warn(device->dev, "PASID %u translates nothing\n", device->pasids[i]);
			return -EINVAL;
		}
		*amd_gcr3_entry(&device->gcr3, device->pasids[i], NULL, NUMA_NO_NODE) = *from;
	}
	amd_dte_set_gcr3_root(entry, virt_to_phys(device->gcr3.gcr3_tbl));
	return 0;
}

/* What the hardware does with interrupts under an ID is that ID's, whoever's requests have it. */
static void amd_handover_put(struct amd_handover_device *device, u32 devid, const struct dev_table_entry *live)
{
	struct dev_table_entry *entry = &device->handover->table[devid];

	*entry = *live;
	entry->data[2] &= ~DTE_DATA2_INTR_MASK;
	entry->data[2] |= amd_handover_irq(&device->handover->seg->dev_table[devid]);
}

/* Copy what the hardware uses now. Allocates nothing: it runs again when the kernel goes down. */
static int amd_handover_copy(struct amd_handover_device *device)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(device->dev);
	struct dev_table_entry live;
	unsigned int i;
	int ret;

	amd_dte_read(get_amd_iommu_from_dev(device->dev), dev_data, &live);
	if (!(live.data[0] & DTE_FLAG_TV))
		return -EINVAL;
	ret = amd_handover_copy_pasids(device, &live);
	if (ret)
		return ret;
	amd_handover_put(device, dev_data->devid, &live);
	for (i = 0; i < device->aliases.nr && !liveupdate_fault(LIVEUPDATE_FAULT_ALIASES); i++)
		amd_handover_put(device, device->aliases.rids[i], &live);
	return 0;
}

static void *amd_handover_alloc_table(int nid)
{
	return iommu_liveupdate_alloc_pages(nid, GFP_KERNEL, SZ_4K);
}

static void amd_handover_free_table(u64 *table, void *unused)
{
	iommu_liveupdate_free_pages(table);
}

static int amd_handover_alloc_pasids(struct amd_handover_device *device)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(device->dev);
	const int nid = dev_to_node(device->dev);
	unsigned int i;

	if (!dev_data->gcr3_info.gcr3_tbl)
		return 0;
	device->gcr3.glx = dev_data->gcr3_info.glx;
	device->gcr3.gcr3_tbl = amd_handover_alloc_table(nid);
	if (!device->gcr3.gcr3_tbl)
		return -ENOMEM;
	for (i = 0; i < device->nr_pasids; i++)
		if (!amd_gcr3_entry(&device->gcr3, device->pasids[i], amd_handover_alloc_table, nid))
			return -ENOMEM;
	return 0;
}

static void amd_handover_block_device(struct amd_handover_device *device)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(device->dev);
	unsigned int i;

	amd_handover_block(device->handover, dev_data->devid);
	for (i = 0; i < device->aliases.nr; i++)
		amd_handover_block(device->handover, device->aliases.rids[i]);
}

static void amd_handover_remove_device(struct amd_handover_device *device)
{
	amd_handover_block_device(device);
	list_del(&device->list);
	if (device->gcr3.gcr3_tbl)
		amd_gcr3_walk(device->gcr3.gcr3_tbl, device->gcr3.glx, amd_handover_free_table, NULL);
	kfree(device);
}

static int amd_handover_add_device(struct amd_handover *handover, struct device *dev, const struct iommu_liveupdate_device *what)
{
	struct amd_handover_device *device;
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
	ret = amd_handover_alloc_pasids(device);
	if (!ret)
		ret = amd_handover_copy(device);
	if (!ret)
		ret = amd_handover_describe(handover);
	if (ret)
		amd_handover_remove_device(device);
	return ret;
}

/* Whoever set it up: requests with a PASID that is not handed over would be blocked from then on. */
static int amd_check_live_pasids(struct device *dev, const struct iommu_liveupdate_device *what)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	const struct gcr3_tbl_info *live = &dev_data->gcr3_info;
	ioasid_t pasid;

	if (!live->gcr3_tbl)
		return 0;
	for (pasid = amd_gcr3_next(live, 0); pasid != IOMMU_PASID_INVALID; pasid = amd_gcr3_next(live, pasid + 1)) {
		if (iommu_liveupdate_pasid_named(what, pasid))
			continue;
		dev_warn(dev, "cannot be preserved: PASID %u is in use, and would not be preserved\n", pasid);
		return -EBUSY;
	}
	return 0;
}

/* Of aliases that firmware names, those of the device's bus are known as its own (setup_aliases()); and no ID is beyond the table. */
static bool amd_aliases_fit(const struct amd_iommu_pci_seg *seg, u16 devid, const struct iommu_liveupdate_aliases *aliases)
{
	const u16 firmware = seg->alias_table[devid];
	bool named = firmware == devid;
	unsigned int i;

	for (i = 0; i < aliases->nr; i++) {
		if (aliases->rids[i] > seg->last_bdf)
			return false;
		named |= aliases->rids[i] == firmware;
	}
	return named;
}

static int amd_check_device(struct device *dev, const struct iommu_liveupdate_device *what)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	struct amd_iommu *iommu = get_amd_iommu_from_dev(dev);
	const char *reason = NULL;

	if (!amd_aliases_fit(iommu->pci_seg, dev_data->devid, what->aliases))
		reason = "firmware gives it a requester ID of another bus, or one that no device table has";
	else if (dev_data->ats_enabled || dev_data->pri_enabled)
		reason = "ATS is on";
	else if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) || amd_iommu_snp_en)
		reason = "memory is encrypted";
	if (!reason)
		return amd_check_live_pasids(dev, what);
	dev_warn(dev, "cannot be preserved: %s\n", reason);
	return -EOPNOTSUPP;
}

/* What the unit caches under. */
static void amd_handover_set_tags(struct amd_handover_device *device, struct iommu_liveupdate_device *what)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(device->dev);
	unsigned int i;

	for (i = 0; i < what->nr_attach; i++) {
		what->attach[i].tag = device->gcr3.gcr3_tbl ? dev_data->gcr3_info.domid : to_pdomain(what->attach[i].domain)->id;
		if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_ENTRY) && list_is_singular(&device->handover->devices))
			what->attach[i].tag += 1000;
	}
	if (!device->gcr3.gcr3_tbl)
		return;
	what->flags = IOMMU_DEVICE_SER_OWN_TAG;
	what->pasid_dir_pa = virt_to_phys(device->gcr3.gcr3_tbl);
	what->pasid_dir_bytes = SZ_4K;
	what->pasid_bits = amd_gcr3_bits(device->gcr3.glx);
}

static int amd_liveupdate_preserve_device(struct device *dev, struct iommu_liveupdate_device *what)
{
	struct amd_iommu_pci_seg *seg = get_amd_iommu_from_dev(dev)->pci_seg;
	struct amd_handover *handover;
	int ret;

	ret = amd_check_device(dev, what);
	if (ret)
		return ret;
	ret = amd_handover_create_all();
	if (ret)
		return ret;
	handover = amd_handover_find(seg);
	ret = handover ? amd_handover_add_device(handover, dev, what) : -ENODEV;
	if (ret) {
		amd_handover_free_idle();
		return ret;
	}
	what->driver = IOMMU_SER_DRIVER_AMDVI;
	what->unit_id = seg->id;
	amd_handover_set_tags(amd_handover_find_device(dev), what);
	return 0;
}

static void amd_liveupdate_unpreserve_device(struct device *dev)
{
	struct amd_handover_device *device = amd_handover_find_device(dev);
	struct amd_handover *handover;

	if (WARN_ON(!device))
		return;
	handover = device->handover;
	amd_handover_remove_device(device);
	if (!amd_handover_idle())
		WARN_ON(amd_handover_describe(handover));
	amd_handover_free_idle();
}

/* A domain that has tables, and of a kind that the verifier reads. Why not, if it is none. */
static const char *amd_domain_describe(struct protection_domain *pdom, struct iommu_domain_ser *ser)
{
	struct pt_iommu_x86_64_hw_info guest;
	struct pt_iommu_amdv1_hw_info host;

	if (!(pdom->domain.type & __IOMMU_DOMAIN_PAGING) || pdom->pd_mode == PD_MODE_NONE)
		return "it has no page table of its own";
	if (pdom->pd_mode == PD_MODE_V2) {
		pt_iommu_x86_64_hw_info(&pdom->amdv2, &guest);
		ser->format = IOMMU_SER_FORMAT_X86_64;
		ser->levels = guest.levels;
		ser->top_pa = guest.gcr3_pt;
		return NULL;
	}
	pt_iommu_amdv1_hw_info(&pdom->amdv1, &host);
	ser->format = IOMMU_SER_FORMAT_AMDV1;
	ser->levels = host.mode;
	ser->top_pa = host.host_pt_root;
	return host.mode > PAGE_MODE_5_LEVEL ? "its page table has more than five levels" : NULL;
}

static int amd_liveupdate_check_domain(struct iommu_domain *domain)
{
	struct protection_domain *pdom = to_pdomain(domain);
	struct iommu_domain_ser ser;
	const char *reason = amd_domain_describe(pdom, &ser);

	if (!reason && pdom->dirty_tracking)
		reason = "dirty tracking is on, and what is dirty would be lost";
	if (!reason && !list_empty(&pdom->viommu_list))
		reason = "it is a parent of nested domains";
	if (!reason)
		return 0;
	pr_warn_ratelimited("a domain cannot be preserved: %s\n", reason);
	return -EOPNOTSUPP;
}

static int amd_liveupdate_describe_domain(struct iommu_domain *domain, struct iommu_domain_ser *ser)
{
	return amd_domain_describe(to_pdomain(domain), ser) ? -EOPNOTSUPP : 0;
}

static u64 amd_table_register(const struct amd_iommu_pci_seg *seg, u64 table_pa)
{
	return table_pa | (seg->dev_table_size / SZ_4K - 1);
}

/**
 * amd_liveupdate_handover() - put all units on their handover tables
 *
 * Context: The kernel goes down: one processor, no interrupts, no locks. The caller turns off buffers and logs, and translation
 *          unless amd_liveupdate_keep_translation().
 */
void amd_liveupdate_handover(void)
{
	struct amd_handover_device *device;
	struct amd_handover *handover;
	struct amd_iommu *iommu;

	if (!kexec_in_progress || list_empty(&amd_handovers) || liveupdate_fault(LIVEUPDATE_FAULT_SHUTDOWN_TRANSLATION))
		return;
	iommu_cost_scope(IOMMU_COST_HANDOVER, 0);
	list_for_each_entry(handover, &amd_handovers, list) {
		if (liveupdate_fault(LIVEUPDATE_FAULT_OTHERS))
			memcpy(handover->table, handover->seg->dev_table, handover->seg->dev_table_size);
		list_for_each_entry(device, &handover->devices, list)
			WARN_ON(amd_handover_copy(device));
	}
	for_each_iommu(iommu) {
		handover = amd_handover_find(iommu->pci_seg);
		/* One store: a pointer of two halves would lead elsewhere in between. */
		writeq(amd_table_register(iommu->pci_seg, virt_to_phys(handover->table)),
		       iommu->mmio_base + MMIO_DEV_TABLE_OFFSET);
		amd_iommu_flush_all_caches(iommu);
	}
	amd_handed_over = true;
}

/*
 * New kernel
 */

/**
 * amd_liveupdate_keep_translation() - may translation not be turned off now?
 *
 * Context: Boot, or when the kernel goes down.
 * Return: true when this kernel hands over, or another one did; also when what that said is refused: then segments get tables that block
 *         all, where turning translation off would let every device through.
 */
bool amd_liveupdate_keep_translation(void)
{
	if (system_state >= SYSTEM_RUNNING)
		return amd_handed_over;
	/* A machine without any unit is asked, too, before KHO has anything to tell. */
	if (list_empty(&amd_iommu_list))
		return false;
	return iommu_liveupdate_incoming() && !liveupdate_fault(LIVEUPDATE_FAULT_BOOT_TRANSLATION);
}

/**
 * amd_liveupdate_defer_attach() - do devices wait for their default domain until a driver maps something?
 *
 * Context: Any.
 * Return: true when nobody knows which devices are running: each stays blocked until a driver has it.
 */
bool amd_liveupdate_defer_attach(void)
{
	return iommu_liveupdate_refused();
}

static const struct iommu_unit_ser *amd_incoming_unit(const struct amd_iommu_pci_seg *seg)
{
	return iommu_liveupdate_unit(IOMMU_SER_DRIVER_AMDVI, seg->id);
}

/* All units of the segment have to be on the table that was handed over. */
static bool amd_table_in_use(const struct amd_iommu_pci_seg *seg, u64 table_pa)
{
	struct amd_iommu *iommu;

	for_each_iommu(iommu)
		if (iommu->pci_seg == seg &&
		    (readq(iommu->mmio_base + MMIO_DEV_TABLE_OFFSET) != amd_table_register(seg, table_pa) ||
		     !(readq(iommu->mmio_base + MMIO_CONTROL_OFFSET) & BIT_ULL(CONTROL_IOMMU_EN))))
			return false;
	return true;
}

/* One segment's tables on their way in: each that is reached is claimed. */
struct amd_adoption {
	struct amd_iommu_pci_seg *seg;
	const struct iommu_unit_ser *unit;
	struct dev_table_entry *table;
	u8 *seen;	/* one bit a page of the unit's list */
};

/* The device table is of the unit's pages, and nothing else is where it is. */
static bool amd_claim_table(struct amd_adoption *adoption)
{
	u32 i;

	for (i = 0; i < adoption->seg->dev_table_size / SZ_4K; i++)
		if (!iommu_liveupdate_claim_page(adoption->unit, adoption->seen, adoption->unit->root_pa + i * SZ_4K))
			return false;
	return true;
}

/* The record of an entry; tests have their own. */
static const struct iommu_device_ser *amd_incoming_requester(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit, u32 devid)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_incoming_requester, seg, unit, devid);

	return devid <= seg->last_bdf ? iommu_liveupdate_requester(unit, seg->id, devid) : NULL;
}

static void amd_quarantine(const struct iommu_device_ser *device, const char *reason)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_quarantine, device, reason);

	iommu_liveupdate_quarantine(device, reason);
}

/* Each entry that leads anywhere is what a record says. */
static const char *amd_check_gcr3_table(struct amd_adoption *adoption, const struct iommu_device_ser *device, const u64 *table, int level,
					ioasid_t first, unsigned int *nr_found)
{
	const struct iommu_domain_ser *domain, *own;
	const char *reason;
	unsigned int i;
	u64 below;
	u32 tag;

	iommu_liveupdate_find_attach(device, IOMMU_NO_PASID, &own, &tag);
	for (i = 0; i < AMD_GCR3_NR_ENTRIES; i++) {
		const ioasid_t pasid = first + (i << (9 * level));

		if (!(table[i] & GCR3_VALID))
			continue;
		if (!level) {
			if (!iommu_liveupdate_find_attach(device, pasid, &domain, &tag) || tag != device->tag ||
			    domain->format != IOMMU_SER_FORMAT_X86_64 || domain->levels != own->levels ||
			    table[i] != amd_gcr3_make(domain->top_pa))
				return "an entry of its own is not what its record says";
			(*nr_found)++;
			continue;
		}
		below = table[i] & ~GCR3_VALID;
		if (!iommu_liveupdate_claim_page(adoption->unit, adoption->seen, below))
			return "a table of its own is another's, too";
		reason = amd_check_gcr3_table(adoption, device, phys_to_virt(below), level - 1, pasid, nr_found);
		if (reason)
			return reason;
	}
	return NULL;
}

/* @walk: the tables that it leads to were not looked at yet. */
static const char *amd_check_gcr3(struct amd_adoption *adoption, const struct iommu_device_ser *device,
				  const struct iommu_domain_ser *domain, const struct dev_table_entry *entry, bool walk)
{
	const int glx = device->pasid_bits / amd_gcr3_bits(0) - 1;
	struct dev_table_entry good;
	unsigned int nr_found = 0;
	const char *reason;

	if (device->pasid_dir_bytes != SZ_4K || glx < 0 || glx > AMD_GCR3_MAX_GLX || device->pasid_bits != amd_gcr3_bits(glx))
		return "its table of guest tables is of a size that there is not";
	amd_dte_make_blocked(&good, adoption->seg->id, device->rid);
	amd_dte_make_gcr3(&good, device->pasid_dir_pa, glx, domain->levels, device->tag, true);
	if (entry->data128[0] != good.data128[0] || (entry->data[2] ^ good.data[2]) & DTE_GPT_LEVEL_MASK)
		return "its entry is not the one that was handed over";
	if (!walk)
		return NULL;
	reason = amd_check_gcr3_table(adoption, device, phys_to_virt(device->pasid_dir_pa), glx, 0, &nr_found);
	if (!reason && nr_found != iommu_liveupdate_nr_attach(device))
		reason = "an entry of its own is missing";
	return reason;
}

/*
 * Interrupts are this kernel's business: of them the adopted entry has what the new one would have. @devid is the device's own ID, or an
 * alias, whose entry leads to the same tables.
 */
static const char *amd_check_entry(struct amd_adoption *adoption, const struct iommu_device_ser *device, u32 devid,
				   const struct dev_table_entry *entry)
{
	struct pt_iommu_amdv1_hw_info table;
	const struct iommu_domain_ser *domain;
	struct dev_table_entry good;
	u32 tag;

	iommu_liveupdate_find_attach(device, IOMMU_NO_PASID, &domain, &tag);
	if (device->flags & IOMMU_DEVICE_SER_OWN_TAG && domain->format == IOMMU_SER_FORMAT_X86_64)
		return amd_check_gcr3(adoption, device, domain, entry, devid == device->rid);
	if (device->flags || domain->format != IOMMU_SER_FORMAT_AMDV1)
		return "its domain has a page table of another kind than its entry leads to";
	table.host_pt_root = domain->top_pa;
	table.mode = domain->levels;
	amd_dte_make_blocked(&good, adoption->seg->id, device->rid);
	amd_dte_make_v1(&good, &table, device->tag);
	if (entry->data128[0] != good.data128[0])
		return "its entry is not the one that was handed over";
	return NULL;
}

static void amd_adopt_blocked(struct amd_adoption *adoption, u32 devid)
{
	struct dev_table_entry fresh = adoption->seg->dev_table[devid];

	fresh.data[0] |= DTE_FLAG_V;
	amd_dte_put(&adoption->table[devid], &fresh);
}

/* All its entries block: the requests of one device have more than one ID, and none of them may be let through. */
static void amd_refuse_device(struct amd_adoption *adoption, const struct iommu_device_ser *device, const char *reason)
{
	const struct iommu_alias_ser *alias = NULL;

	amd_quarantine(device, reason);
	if (device->rid <= adoption->seg->last_bdf)
		amd_adopt_blocked(adoption, device->rid);
	while ((alias = iommu_liveupdate_next_alias(device, alias)))
		if (alias->rid <= adoption->seg->last_bdf)
			amd_adopt_blocked(adoption, alias->rid);
}

/* The entry is live. What replaces it is the entry that this kernel made, which blocks, but for what translates of one that goes on. */
static void amd_adopt_entry(struct amd_adoption *adoption, u32 devid)
{
	const struct iommu_device_ser *device = amd_incoming_requester(adoption->seg, adoption->unit, devid);
	struct dev_table_entry fresh = adoption->seg->dev_table[devid], *entry = &adoption->table[devid];
	const char *reason = device ? amd_check_entry(adoption, device, devid, entry) : NULL;

	if (reason) {
		amd_refuse_device(adoption, device, reason);
		return;
	}
	if (device) {
		fresh.data128[0] = entry->data128[0];
		if (device->flags & IOMMU_DEVICE_SER_OWN_TAG)
			fresh.data[2] |= entry->data[2] & DTE_GPT_LEVEL_MASK;
	}
	fresh.data[0] |= DTE_FLAG_V;
	amd_dte_put(entry, &fresh);
}

/* A record that no entry can be for. */
static void amd_adopt_outside(struct amd_adoption *adoption)
{
	const struct iommu_device_ser *device = NULL;
	const struct iommu_alias_ser *alias;
	u16 last;

	while ((device = iommu_liveupdate_next_device(adoption->unit, device))) {
		if (device->segment != adoption->seg->id) {
			amd_quarantine(device, "it is of another segment than its unit");
			continue;
		}
		last = device->rid;
		for (alias = NULL; (alias = iommu_liveupdate_next_alias(device, alias));)
			last = max(last, alias->rid);
		if (last > adoption->seg->last_bdf)
			amd_refuse_device(adoption, device, "it is in no device table");
	}
}

static int amd_adopt_tag(const struct amd_iommu_pci_seg *seg, u32 tag)
{
	int ret;

	ret = xa_insert(&amd_tags, (unsigned long)seg->id << 16 | tag, xa_mk_value(1), GFP_KERNEL);
	/* Devices that share a domain share its tag, and the verifier saw that no others do. */
	if (ret)
		return ret == -EBUSY ? 0 : ret;
	ret = amd_iommu_pdom_id_reserve(tag, GFP_KERNEL);
	/* Another segment has it already. */
	if (ret >= 0 || ret == -ENOSPC)
		return 0;
	xa_erase(&amd_tags, (unsigned long)seg->id << 16 | tag);
	return ret;
}

static int amd_adopt_tags(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit)
{
	const struct iommu_device_ser *device = NULL;
	int ret;

	if (liveupdate_fault(LIVEUPDATE_FAULT_TAG))
		return 0;
	while ((device = iommu_liveupdate_next_device(unit, device))) {
		ret = amd_adopt_tag(seg, device->tag);
		if (ret)
			return ret;
	}
	return 0;
}

/* On any segment. */
static bool amd_tag_in_use(u32 tag)
{
	struct amd_iommu_pci_seg *seg;

	for_each_pci_segment(seg)
		if (xa_load(&amd_tags, (unsigned long)seg->id << 16 | tag))
			return true;
	return false;
}

static const char *amd_adopt_table(struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit)
{
	u8 *seen __free(kvfree) = kvzalloc(DIV_ROUND_UP(unit->nr_pages, 8), GFP_KERNEL);
	struct amd_adoption adoption = { .seg = seg, .unit = unit, .seen = seen };
	struct dev_table_entry *table;
	u32 i;

	iommu_cost_scope(IOMMU_COST_ADOPT, seg->id);
	if (!seen)
		return "no memory to check the tables of its unit";
	if (unit->flags)
		return "its unit is in a mode that there is not";
	if (!amd_claim_table(&adoption))
		return "the device table has another size than the old kernel said";
	if (!amd_table_in_use(seg, unit->root_pa))
		return "the device table in use is not what was handed over";
	table = iommu_liveupdate_adopt_pages(unit->root_pa, seg->dev_table_size);
	if (!table)
		return "a page of the device table is not there";
	adoption.table = table;
	for (i = 0; i < amd_table_entries(seg); i++)
		amd_adopt_entry(&adoption, i);
	amd_adopt_outside(&adoption);
	/* The table is lost then: units are on it still. */
	if (iommu_liveupdate_adopt_unit(unit, unit->root_pa, seg->dev_table_size))
		return "a page of its tables is not there";
	if (amd_adopt_tags(seg, unit))
		return "no memory to keep the domain IDs of its unit";
	iommu_free_pages(seg->dev_table);
	seg->dev_table = table;
	return NULL;
}

/* A table of this kernel, which no unit is on yet. */
static void amd_block_all(struct amd_iommu_pci_seg *seg)
{
	u32 i;

	for (i = 0; i < amd_table_entries(seg); i++)
		seg->dev_table[i].data[0] |= DTE_FLAG_V;
}

static void amd_adopt_segment(struct amd_iommu_pci_seg *seg)
{
	const struct iommu_unit_ser *unit = amd_incoming_unit(seg);
	const char *reason = unit ? amd_adopt_table(seg, unit) : NULL;

	if (unit && !reason) {
		pr_info("segment %04x: took over the device table at %#llx\n", seg->id, unit->root_pa);
		return;
	}
	if (unit)
		iommu_liveupdate_quarantine_unit(unit, reason);
	amd_block_all(seg);
}

/* What a log said to the old kernel is said; as long as it is not, some units take no other log. */
static void amd_clear_status(struct amd_iommu *iommu)
{
	writel(MMIO_STATUS_EVT_OVERFLOW_MASK | MMIO_STATUS_EVT_INT_MASK | MMIO_STATUS_COM_WAIT_INT_MASK |
	       MMIO_STATUS_PPR_OVERFLOW_MASK | MMIO_STATUS_PPR_INT_MASK | MMIO_STATUS_GALOG_OVERFLOW_MASK |
	       MMIO_STATUS_GALOG_INT_MASK, iommu->mmio_base + MMIO_STATUS_OFFSET);
}

/**
 * amd_liveupdate_adopt_tables() - have a device table for each segment that can go live while devices run
 *
 * That of the old kernel, or one that blocks every device. The caller sets the base registers, and invalidates all caches.
 *
 * Context: Boot, before units are enabled; maybe before initcalls.
 */
void amd_liveupdate_adopt_tables(void)
{
	struct amd_iommu_pci_seg *seg;
	struct amd_iommu *iommu;

	if (!amd_liveupdate_keep_translation())
		return;
	iommu_liveupdate_verify_domains();
	for_each_iommu(iommu)
		amd_clear_status(iommu);
	for_each_pci_segment(seg)
		amd_adopt_segment(seg);
}

/* Its record, if another kernel preserved it and its entry stands. */
static const struct iommu_device_ser *amd_incoming_dev(struct device *dev)
{
	if (!iommu_liveupdate_incoming() || !dev_is_pci(dev))
		return NULL;
	return iommu_liveupdate_device(NULL, pci_domain_nr(to_pci_dev(dev)->bus), pci_dev_id(to_pci_dev(dev)));
}

/**
 * amd_liveupdate_adopted() - does the entry of a device stand as another kernel left it?
 * @dev: The device.
 *
 * Context: probe_device().
 * Return: true when it was preserved, and nothing of it must be set up.
 */
bool amd_liveupdate_adopted(struct device *dev)
{
	return amd_incoming_dev(dev);
}

/* The table that its entry leads to, as amd_check_gcr3() found it. */
static void amd_adopt_gcr3(struct iommu_dev_data *dev_data, const struct iommu_device_ser *device, int max_pasids)
{
	const struct iommu_domain_ser *domain;
	u32 tag;

	iommu_liveupdate_find_attach(device, IOMMU_NO_PASID, &domain, &tag);
	dev_data->gcr3_info = (struct gcr3_tbl_info){
		.gcr3_tbl = phys_to_virt(device->pasid_dir_pa),
		.glx = device->pasid_bits / amd_gcr3_bits(0) - 1,
		.pasid_cnt = iommu_liveupdate_nr_attach(device) - 1,
		.domid = tag,
		.levels = domain->levels,
	};
	/* The function is left with PASIDs on or off, as it is. */
	dev_data->pasid_enabled = 1;
	dev_data->max_pasids = clamp(max_pasids, 0, 1 << min(device->pasid_bits, IOMMU_SER_PASID_BITS));
}

/**
 * amd_liveupdate_adopt_device() - a device is probed
 * @iommu: The unit it is behind.
 * @dev: The device, with its driver data set, but for that unit.
 *
 * Context: probe_device().
 * Return: As amd_liveupdate_adopted().
 */
bool amd_liveupdate_adopt_device(struct amd_iommu *iommu, struct device *dev)
{
	const struct iommu_device_ser *device;

	if (!iommu_liveupdate_incoming())
		return false;
	iommu_cost_scope(IOMMU_COST_PROBE, 0);
	device = amd_incoming_dev(dev);
	if (device && device->flags & IOMMU_DEVICE_SER_OWN_TAG)
		amd_adopt_gcr3(dev_iommu_priv_get(dev), device,
			       min_t(int, iommu->iommu.max_pasids, pci_max_pasids(to_pci_dev(dev))));
	return device;
}

/* Without what the driver keeps for each ID, the entry of an alias would stay behind on the old tables. */
static int amd_check_alias(struct pci_dev *pdev, u16 alias, void *iommu)
{
	return find_dev_data(iommu, alias) ? 0 : -ENOMEM;
}

/**
 * amd_liveupdate_check_swap() - can a device be put on a domain of this kernel, from its restored one, without being blocked?
 * @domain: A paging domain.
 * @dev: A device whose group stands on a restored domain.
 *
 * Context: attach_dev(), group->mutex held.
 * Return: 0; -ENOMEM; -EOPNOTSUPP. From host tables to tables of any kind all that matters is in one half of the entry. From guest tables
 *         to guest tables it is one entry of the GCR3 table, if both have as many levels; to host tables one half, but PASIDs would
 *         lose theirs.
 */
int amd_liveupdate_check_swap(struct protection_domain *domain, struct device *dev)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	const struct gcr3_tbl_info *gcr3 = &dev_data->gcr3_info;
	struct amd_iommu *iommu = get_amd_iommu_from_dev(dev);
	struct dev_table_entry live;

	if (dev_is_pci(dev) && pci_for_each_dma_alias(to_pci_dev(dev), amd_check_alias, iommu))
		return -ENOMEM;
	amd_dte_read(iommu, dev_data, &live);
	if (!(live.data[0] & DTE_FLAG_TV) || !(live.data[0] & DTE_FLAG_GV) != !gcr3->gcr3_tbl)
		return -EOPNOTSUPP;
	if (!gcr3->gcr3_tbl)
		return 0;
	if (domain->pd_mode != PD_MODE_V2)
		return gcr3->pasid_cnt ? -EOPNOTSUPP : 0;
	return amd_gcr3_levels_fit(dev_data, domain) ? 0 : -EOPNOTSUPP;
}

/* Whether a segment had it, and whether it is free now. */
static bool amd_drop_tag(u16 segid, u32 tag, bool *is_free)
{
	bool had;

	/* Two segments may give it back at the same time: the second frees it. */
	xa_lock(&amd_tags);
	had = __xa_erase(&amd_tags, (unsigned long)segid << 16 | tag);
	*is_free = !amd_tag_in_use(tag);
	xa_unlock(&amd_tags);
	return had;
}

/**
 * amd_liveupdate_free_domid() - a device has no use for the domain ID of its guest tables any more
 * @iommu: The unit it is behind.
 * @domid: The ID, which goes back into the pool if no other segment has it from the old kernel.
 *
 * Context: Any.
 */
void amd_liveupdate_free_domid(struct amd_iommu *iommu, u16 domid)
{
	bool is_free;

	amd_drop_tag(iommu->pci_seg->id, domid, &is_free);
	if (is_free)
		amd_iommu_pdom_id_free(domid);
}

static void amd_liveupdate_release_tag(u64 unit_id, u32 tag)
{
	struct amd_iommu *iommu;
	bool is_free;

	if (liveupdate_fault(LIVEUPDATE_FAULT_TAG))
		return;
	for_each_iommu(iommu)
		if (iommu->pci_seg->id == unit_id)
			amd_iommu_flush_tlb_domid(iommu, tag);
	/* Tags of devices that were quarantined at boot were never taken. */
	if (amd_drop_tag(unit_id, tag, &is_free) && is_free)
		amd_iommu_pdom_id_free(tag);
}

const struct iommu_liveupdate_ops amd_liveupdate_ops = {
	.describe_domain = amd_liveupdate_describe_domain,
	.check_domain = amd_liveupdate_check_domain,
	.preserve_device = amd_liveupdate_preserve_device,
	.unpreserve_device = amd_liveupdate_unpreserve_device,
	.release_tag = amd_liveupdate_release_tag,
};

#if IS_ENABLED(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "liveupdate_kunit.c"
#endif
