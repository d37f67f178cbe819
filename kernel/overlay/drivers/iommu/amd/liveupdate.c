// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: AMD-Vi across live update
 *
 * All units of a PCI segment share one device table, so what the core calls a unit is a segment here.
 *
 * Old kernel. For each segment there is a second device table, the handover table. Each preserved device has an entry in it that is the
 * live one but for interrupts; every other entry blocks. (One that is not valid would let everything through.) Interrupts are blocked in
 * all: the next kernel gives each device a table of its own before it lets it raise any. The live table is not changed while devices are
 * preserved and unpreserved. When all drivers are shut down and all other processors stopped, the entries are copied once more, the table's
 * base register is written, and what units cached is invalidated. After that no unit writes into memory any more: command buffer and logs
 * go off, translation stays on.
 *
 * New kernel. The handover table becomes the segment's table where it is, after each valid entry was compared with the records of the
 * blob; entries that do not match are made to block. Domain IDs that entries name are taken out of the pool. Units get new command
 * buffers and logs, as at any boot, but with translation on. A preserved device is probed without its entry being written, and stands on a
 * restored domain until something is attached to it: that is the swap, an attach like any other.
 *
 * Lock: the core's mutex for handover tables and tags; dte_lock of a device for its live entry.
 */
#define pr_fmt(fmt) "AMD-Vi: liveupdate: " fmt

#include <kunit/static_stub.h>
#include <linux/cc_platform.h>
#include <linux/cleanup.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommu.h>
#include <linux/liveupdate-fault.h>
#include <linux/pci.h>
#include <asm/iommu.h>

#include "amd_iommu.h"
#include "entry.h"
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

static int amd_handover_describe(struct amd_handover *handover)
{
	struct amd_iommu_pci_seg *seg = handover->seg;
	struct iommu_unit_ser unit = {
		.driver = IOMMU_SER_DRIVER_AMDVI,
		.id = seg->id,
		.root_pa = virt_to_phys(handover->table),
		.nr_pages = seg->dev_table_size / SZ_4K,
		.pages_pa = virt_to_phys(handover->pages),
	};
	u32 i;

	for (i = 0; i < unit.nr_pages; i++)
		handover->pages[i] = unit.root_pa + i * SZ_4K;
	return iommu_liveupdate_set_unit(&unit);
}

static void amd_handover_free(struct amd_handover *handover)
{
	WARN_ON(!list_empty(&handover->devices));
	iommu_liveupdate_drop_unit(IOMMU_SER_DRIVER_AMDVI, handover->seg->id);
	list_del(&handover->list);
	kho_unpreserve_folio(virt_to_folio(handover->table));
	iommu_free_pages(handover->table);
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
	/* As the live one: a kernel that boots after a crash reuses no table above 4 GiB. */
	handover->table = iommu_alloc_pages_sz(GFP_KERNEL | GFP_DMA32, seg->dev_table_size);
	if (!handover->table)
		goto err_free;
	ret = kho_preserve_folio(virt_to_folio(handover->table));
	if (ret)
		goto err_table;
	handover->pages = kho_alloc_preserve(seg->dev_table_size / SZ_4K * sizeof(u64));
	if (IS_ERR(handover->pages)) {
		ret = PTR_ERR(handover->pages);
		goto err_unpreserve;
	}
	for (i = 0; i < amd_table_entries(seg); i++)
		amd_handover_block(handover, i);
	ret = amd_handover_describe(handover);
	if (ret)
		goto err_pages;
	list_add_tail(&handover->list, &amd_handovers);
	return 0;

err_pages:
	kho_unpreserve_free(handover->pages);
err_unpreserve:
	kho_unpreserve_folio(virt_to_folio(handover->table));
err_table:
	iommu_free_pages(handover->table);
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

static void amd_handover_free_idle(void)
{
	struct amd_handover *handover;

	list_for_each_entry(handover, &amd_handovers, list)
		if (!list_empty(&handover->devices))
			return;
	amd_handover_free_all();
}

/* Copy what the hardware uses now. Allocates nothing: it runs again when the kernel goes down. */
static int amd_handover_copy(struct amd_handover_device *device)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(device->dev);
	struct dev_table_entry live;

	amd_dte_read(get_amd_iommu_from_dev(device->dev), dev_data, &live);
	if (!(live.data[0] & DTE_FLAG_TV))
		return -EINVAL;
	live.data[2] = (live.data[2] & ~DTE_DATA2_INTR_MASK) | amd_handover_irq(&live);
	device->handover->table[dev_data->devid] = live;
	return 0;
}

static int amd_handover_add_device(struct amd_handover *handover, struct device *dev)
{
	struct amd_handover_device *device;
	int ret;

	device = kzalloc_obj(*device);
	if (!device)
		return -ENOMEM;
	device->dev = dev;
	device->handover = handover;
	ret = amd_handover_copy(device);
	if (ret) {
		kfree(device);
		return ret;
	}
	list_add_tail(&device->list, &handover->devices);
	return 0;
}

static int amd_count_alias(struct pci_dev *pdev, u16 alias, void *data)
{
	++*(int *)data;
	return 0;
}

static int amd_check_device(struct device *dev, const struct iommu_liveupdate_device *what)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	struct amd_iommu *iommu = get_amd_iommu_from_dev(dev);
	const char *reason = NULL;
	int nr_aliases = 0;

	pci_for_each_dma_alias(to_pci_dev(dev), amd_count_alias, &nr_aliases);
	if (nr_aliases != 1 || iommu->pci_seg->alias_table[dev_data->devid] != dev_data->devid)
		reason = "it has more than one requester ID";
	else if (dev_data->ats_enabled || dev_data->pri_enabled)
		reason = "ATS is on";
	else if (what->nr_attach > 1 || dev_data->gcr3_info.pasid_cnt)
		reason = "PASIDs are in use";
	else if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) || amd_iommu_snp_en)
		reason = "memory is encrypted";
	if (!reason)
		return 0;
	dev_warn(dev, "cannot be preserved: %s\n", reason);
	return -EOPNOTSUPP;
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
	ret = handover ? amd_handover_add_device(handover, dev) : -ENODEV;
	if (ret) {
		amd_handover_free_idle();
		return ret;
	}
	what->driver = IOMMU_SER_DRIVER_AMDVI;
	what->unit_id = seg->id;
	what->attach[0].tag = to_pdomain(what->attach[0].domain)->id;
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_ENTRY) && list_is_singular(&handover->devices))
		what->attach[0].tag += 1000;
	return 0;
}

static void amd_liveupdate_unpreserve_device(struct device *dev)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	struct amd_handover_device *device = amd_handover_find_device(dev);

	if (WARN_ON(!device))
		return;
	amd_handover_block(device->handover, dev_data->devid);
	list_del(&device->list);
	kfree(device);
	amd_handover_free_idle();
}

/* A domain that has tables, and of a kind that the verifier reads. */
static const char *amd_domain_refusal(struct protection_domain *pdom, struct pt_iommu_amdv1_hw_info *table)
{
	if (!(pdom->domain.type & __IOMMU_DOMAIN_PAGING) || pdom->pd_mode != PD_MODE_V1)
		return "it has no v1 page table";
	pt_iommu_amdv1_hw_info(&pdom->amdv1, table);
	return table->mode > PAGE_MODE_5_LEVEL ? "its page table has more than five levels" : NULL;
}

static int amd_liveupdate_check_domain(struct iommu_domain *domain)
{
	struct protection_domain *pdom = to_pdomain(domain);
	struct pt_iommu_amdv1_hw_info table;
	const char *reason = amd_domain_refusal(pdom, &table);

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
	struct pt_iommu_amdv1_hw_info table;

	if (amd_domain_refusal(to_pdomain(domain), &table))
		return -EOPNOTSUPP;
	ser->format = IOMMU_SER_FORMAT_AMDV1;
	ser->levels = table.mode;
	ser->top_pa = table.host_pt_root;
	return 0;
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

static bool amd_table_listed(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit)
{
	const u64 *pages = iommu_liveupdate_unit_pages(unit);
	u32 i;

	if (unit->nr_pages != seg->dev_table_size / SZ_4K)
		return false;
	for (i = 0; i < unit->nr_pages; i++)
		if (pages[i] != unit->root_pa + i * SZ_4K)
			return false;
	return true;
}

/* The record of an entry, and the domain that it names; tests have their own. */
static const struct iommu_device_ser *amd_incoming_device(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit, u32 devid)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_incoming_device, seg, unit, devid);

	return devid <= seg->last_bdf ? iommu_liveupdate_device(unit, seg->id, devid) : NULL;
}

static const struct iommu_domain_ser *amd_incoming_domain(const struct iommu_device_ser *device)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_incoming_domain, device);

	return iommu_liveupdate_device_domain(device);
}

static void amd_quarantine(const struct iommu_device_ser *device, const char *reason)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_quarantine, device, reason);

	iommu_liveupdate_quarantine(device, reason);
}

/* Interrupts are this kernel's business: of them the adopted entry has what the new one would have. */
static const char *amd_check_entry(const struct amd_iommu_pci_seg *seg, const struct iommu_device_ser *device,
				   const struct dev_table_entry *entry)
{
	const struct iommu_domain_ser *domain = amd_incoming_domain(device);
	const struct pt_iommu_amdv1_hw_info table = { .host_pt_root = domain->top_pa, .mode = domain->levels };
	struct dev_table_entry good;

	if (domain->format != IOMMU_SER_FORMAT_AMDV1)
		return "its domain has no v1 page table";
	amd_dte_make_blocked(&good, seg->id, device->rid);
	amd_dte_make_v1(&good, &table, device->tag);
	if (entry->data128[0] != good.data128[0])
		return "its entry is not the one that was handed over";
	return NULL;
}

/* @entry is live. What replaces it is the entry that this kernel made, which blocks, but for the lower half of one that goes on. */
static void amd_adopt_entry(struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit, u32 devid, struct dev_table_entry *entry)
{
	const struct iommu_device_ser *device = amd_incoming_device(seg, unit, devid);
	struct dev_table_entry fresh = seg->dev_table[devid];
	const char *reason = NULL;

	if (device)
		reason = amd_check_entry(seg, device, entry);
	if (reason)
		amd_quarantine(device, reason);
	if (device && !reason)
		fresh.data128[0] = entry->data128[0];
	fresh.data[0] |= DTE_FLAG_V;
	amd_dte_put(entry, &fresh);
}

/* A record that no entry can be for. */
static void amd_adopt_outside(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit)
{
	const struct iommu_device_ser *device = NULL;

	while ((device = iommu_liveupdate_next_device(unit, device)))
		if (device->segment != seg->id || device->rid > seg->last_bdf)
			iommu_liveupdate_quarantine(device, "it is in no device table");
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
	struct dev_table_entry *table;
	u32 i;

	iommu_cost_scope(IOMMU_COST_ADOPT, seg->id);
	if (unit->flags)
		return "its unit is in a mode that there is not";
	if (!amd_table_listed(seg, unit))
		return "the device table has another size than the old kernel said";
	if (!amd_table_in_use(seg, unit->root_pa))
		return "the device table in use is not what was handed over";
	table = iommu_liveupdate_adopt_pages(unit->root_pa, seg->dev_table_size);
	if (!table)
		return "a page of the device table is not there";
	for (i = 0; i < amd_table_entries(seg); i++)
		amd_adopt_entry(seg, unit, i, &table[i]);
	amd_adopt_outside(seg, unit);
	/* The table is lost then: units are on it still. */
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

/**
 * amd_liveupdate_adopt_device() - a device is probed
 * @dev: The device.
 *
 * Context: probe_device().
 * Return: true when it was preserved, and nothing of it must be set up.
 */
bool amd_liveupdate_adopt_device(struct device *dev)
{
	if (!iommu_liveupdate_incoming() || !dev_is_pci(dev))
		return false;
	iommu_cost_scope(IOMMU_COST_PROBE, 0);
	return iommu_liveupdate_device(NULL, pci_domain_nr(to_pci_dev(dev)->bus), pci_dev_id(to_pci_dev(dev)));
}

/**
 * amd_liveupdate_check_swap() - can a device be put on a domain of this kernel, from its restored one, without being blocked?
 * @domain: A paging domain.
 * @dev: A device whose group stands on a restored domain.
 *
 * Context: attach_dev(), group->mutex held.
 * Return: 0, or -EOPNOTSUPP. From v1 tables to tables of any kind all that matters is in one half of the entry.
 */
int amd_liveupdate_check_swap(struct protection_domain *domain, struct device *dev)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	struct dev_table_entry live;

	amd_dte_read(get_amd_iommu_from_dev(dev), dev_data, &live);
	if (!(live.data[0] & DTE_FLAG_TV) || (live.data[0] & DTE_FLAG_GV))
		return -EOPNOTSUPP;
	return 0;
}

static void amd_liveupdate_release_tag(u64 unit_id, u32 tag)
{
	struct amd_iommu *iommu;

	if (liveupdate_fault(LIVEUPDATE_FAULT_TAG))
		return;
	for_each_iommu(iommu)
		if (iommu->pci_seg->id == unit_id)
			amd_iommu_flush_tlb_domid(iommu, tag);
	/* Tags of devices that were quarantined at boot were never taken. */
	if (xa_erase(&amd_tags, unit_id << 16 | tag) && !amd_tag_in_use(tag))
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
