// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Device table entries of AMD-Vi
 *
 * The hardware reads an entry, 256 bits, at once; the processor stores 128 bits at once. Mode, root, permissions, domain ID and the GCR3
 * table are all in the lower half (AMD I/O Virtualization Technology (IOMMU) Specification, 48882, section 2.2.2.1 "Device Table Entry
 * Format"). Of what translates DMA the upper half has the number of levels of guest tables alone, which matters when there are any. So an
 * entry goes from old to new without being anything else in between:
 *
 * 1. prepare: store the bits of the new entry that the hardware does not look at as long as it finds the old one. Invalidate the entry and
 *    wait: whoever reads it from now on reads these bits.
 * 2. switch: store the one half in which anything else changes. Invalidate the entry, then what is cached under the old domain ID and
 *    under the new one.
 * 3. clean: clear what the hardware does not look at in the new entry.
 *
 * Only from guest tables of one number of levels to those of another there is no such order; then the entry blocks in between.
 *
 * The bits of interrupt remapping belong to others (set_dte_irq_entry()), and stay as they are found.
 */
#define pr_fmt(fmt) "AMD-Vi: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/liveupdate-fault.h>

#include "amd_iommu.h"
#include "entry.h"

#define AMD_EXPOSE_US	200
#define AMD_BLOCK_MS	20

/*
 * The writer
 */

/**
 * amd_dte_get_used() - what the hardware looks at, when it translates DMA
 * @entry: The entry it finds.
 * @used: Set to those bits. Reserved ones are looked at: a set one is a fault.
 *
 * Context: Any.
 */
void amd_dte_get_used(const struct dev_table_entry *entry, u64 used[4])
{
	const bool valid = entry->data[0] & DTE_FLAG_V;

	used[0] = valid ? ~0ULL : DTE_FLAG_V;
	used[1] = valid ? ~0ULL : 0;
	used[2] = valid ? ~(DTE_DATA2_INTR_MASK | DTE_GPT_LEVEL_MASK) : 0;
	used[3] = valid ? ~0ULL : 0;
	if (valid && (entry->data[0] & DTE_FLAG_TV) && (entry->data[0] & DTE_FLAG_GV))
		used[2] |= DTE_GPT_LEVEL_MASK;
}

/**
 * amd_dte_make_plan() - is there a hitless order?
 * @live: The entry.
 * @target: What it is to become; its bits of interrupt remapping do not count.
 * @plan: Set to the order.
 *
 * Context: Any.
 * Return: 0; -EXDEV when bits that matter change in both halves.
 */
int amd_dte_make_plan(const struct dev_table_entry *live, const struct dev_table_entry *target, struct amd_dte_plan *plan)
{
	u64 used[4], target_used[4], wanted;
	unsigned int i, critical = 0;

	amd_dte_get_used(live, used);
	amd_dte_get_used(target, target_used);
	for (i = 0; i < 4; i++) {
		const u64 others = i == 2 ? DTE_DATA2_INTR_MASK : 0;

		wanted = (target->data[i] & ~others) | (live->data[i] & others);
		/* A builder that sets what nobody looks at, or an amd_dte_get_used() that forgot it. */
		WARN_ON_ONCE(target->data[i] & ~target_used[i] & ~others);
		plan->prepared[i] = (live->data[i] & (used[i] | others)) | (wanted & ~used[i] & ~others);
		plan->clean[i] = wanted;
		if ((plan->prepared[i] ^ wanted) & target_used[i])
			critical |= BIT(i / 2);
	}
	plan->half = critical ? __ffs(critical) : AMD_DTE_HALVES;
	for (i = 0; i < 4; i++)
		if (critical & BIT(i / 2))
			plan->prepared[i] = live->data[i];
	return critical == 3 ? -EXDEV : 0;
}

/* Software alone writes entries: the loop ends at its second turn. */
void amd_store_128(u64 *half, u64 lo, u64 hi)
{
	u128 old = (u128)READ_ONCE(half[1]) << 64 | READ_ONCE(half[0]);

	while (!try_cmpxchg128((u128 *)half, &old, (u128)hi << 64 | lo))
		;
}

static bool amd_dte_store(struct dev_table_entry *live, unsigned int half, const u64 *words)
{
	const unsigned int word = half * 2;

	if (live->data[word] == words[word] && live->data[word + 1] == words[word + 1])
		return false;
	amd_store_128(&live->data[word], words[word], words[word + 1]);
	return true;
}

static bool amd_dte_store_all(struct dev_table_entry *live, const u64 *words)
{
	bool changed = amd_dte_store(live, 1, words);

	return amd_dte_store(live, 0, words) || changed;
}

/* For tests: make devices read the entry as it is after this one store. */
static void amd_expose_step(struct amd_iommu *iommu)
{
	if (!liveupdate_fault(LIVEUPDATE_FAULT_FLUSH))
		return;
	amd_iommu_flush_all_caches(iommu);
	udelay(AMD_EXPOSE_US);
}

static u16 amd_dte_domid(const struct dev_table_entry *entry)
{
	return FIELD_GET(DTE_DOMID_MASK, entry->data[1]);
}

/* ID 0 is nobody's: an entry that blocks has none. */
static void amd_dte_flush_domid(struct amd_iommu *iommu, const struct dev_table_entry *entry)
{
	if (!amd_dte_domid(entry))
		return;
	amd_iommu_flush_tlb_domid(iommu, amd_dte_domid(entry));
	if (entry->data[0] & DTE_FLAG_GV)
		amd_iommu_flush_tlb_guest(iommu, amd_dte_domid(entry));
}

/* Have no cache go on with what it had before a step. Tests see here what the hardware can see. */
void amd_dte_sync(struct amd_iommu *iommu, u16 devid, const struct dev_table_entry *old, const struct dev_table_entry *new,
		  enum amd_dte_step step)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_dte_sync, iommu, devid, old, new, step);

	amd_expose_step(iommu);
	if (step == AMD_DTE_CLEANED)
		return;
	iommu_flush_dte_sync(iommu, devid);
	if (step == AMD_DTE_PREPARED)
		return;
	amd_dte_flush_domid(iommu, old);
	if (amd_dte_domid(new) != amd_dte_domid(old))
		amd_dte_flush_domid(iommu, new);
}

static int amd_dte_try(struct amd_iommu *iommu, u16 devid, const struct dev_table_entry *target)
{
	struct dev_table_entry *live = &get_dev_table(iommu)[devid], old = *live;
	struct amd_dte_plan plan;

	if (amd_dte_make_plan(live, target, &plan))
		return -EXDEV;
	if (amd_dte_store_all(live, plan.prepared))
		amd_dte_sync(iommu, devid, &old, target, AMD_DTE_PREPARED);
	/* The exchange is a full barrier: tables that the target points to are seen before it is. */
	if (plan.half < AMD_DTE_HALVES && amd_dte_store(live, plan.half, plan.clean))
		amd_dte_sync(iommu, devid, &old, target, AMD_DTE_SWITCHED);
	if (amd_dte_store_all(live, plan.clean))
		amd_dte_sync(iommu, devid, &old, target, AMD_DTE_CLEANED);
	return 0;
}

static void amd_dte_block(struct amd_iommu *iommu, u16 devid)
{
	struct dev_table_entry blocked;

	amd_dte_make_blocked(&blocked, iommu->pci_seg->id, devid);
	WARN_ON(amd_dte_try(iommu, devid, &blocked));
}

/* For tests: block before an entry that translates becomes another one, for as long as a device TLB may take to be invalidated. */
static void amd_dte_block_first(struct amd_iommu *iommu, u16 devid, const struct dev_table_entry *target)
{
	if (!liveupdate_fault(LIVEUPDATE_FAULT_BLOCK_SWAP) || !(get_dev_table(iommu)[devid].data[0] & DTE_FLAG_TV) ||
	    !(target->data[0] & DTE_FLAG_TV))
		return;
	amd_dte_block(iommu, devid);
	mdelay(AMD_BLOCK_MS);
}

/**
 * amd_dte_write() - write an entry
 * @iommu: The unit that reads it.
 * @dev_data: Whose entry; may be that of an alias.
 * @target: What it is to become.
 *
 * Where there is a hitless order the entry is always one of the two.
 *
 * Context: Any. Waits for the unit.
 */
void amd_dte_write(struct amd_iommu *iommu, struct iommu_dev_data *dev_data, const struct dev_table_entry *target)
{
	const u16 devid = dev_data->devid;

	guard(spinlock_irqsave)(&dev_data->dte_lock);
	amd_dte_block_first(iommu, devid, target);
	if (!amd_dte_try(iommu, devid, target))
		return;
	amd_dte_block(iommu, devid);
	WARN_ON(amd_dte_try(iommu, devid, target));
}

/* Write an entry of a table that no device translates through yet, or whose caches are invalidated afterwards. */
void amd_dte_put(struct dev_table_entry *live, const struct dev_table_entry *target)
{
	amd_dte_store(live, 0, target->data);
	amd_dte_store(live, 1, target->data);
}

/* An entry as it is between two writes. */
void amd_dte_read(struct amd_iommu *iommu, struct iommu_dev_data *dev_data, struct dev_table_entry *entry)
{
	guard(spinlock_irqsave)(&dev_data->dte_lock);
	*entry = get_dev_table(iommu)[dev_data->devid];
}

/* Track accesses and writes in the page tables, or stop. */
void amd_dte_set_dirty(struct amd_iommu *iommu, struct iommu_dev_data *dev_data, bool enable)
{
	struct dev_table_entry entry;

	guard(spinlock_irqsave)(&dev_data->dte_lock);
	entry = get_dev_table(iommu)[dev_data->devid];
	entry.data[0] &= ~DTE_FLAG_HAD;
	if (enable)
		entry.data[0] |= DTE_FLAG_HAD;
	WARN_ON(amd_dte_try(iommu, dev_data->devid, &entry));
}

/*
 * Builders
 */

/*
 * An entry without V lets everything through: one that blocks is valid, and has no translation. What firmware wants of the device
 * (interrupts that pass, system management) stays in each of its entries.
 */
void amd_dte_make_blocked(struct dev_table_entry *entry, u16 segid, u16 devid)
{
	const struct dev_table_entry *firmware = amd_iommu_get_ivhd_dte_flags(segid, devid);

	*entry = firmware ? *firmware : (struct dev_table_entry){};
	entry->data[0] |= DTE_FLAG_V;
}

/* On top of an entry that blocks. */
void amd_dte_make_v1(struct dev_table_entry *entry, const struct pt_iommu_amdv1_hw_info *table, u16 domid)
{
	entry->data[0] |= DTE_FLAG_TV | DTE_FLAG_IR | DTE_FLAG_IW | FIELD_PREP(DTE_MODE_MASK, table->mode) |
			  FIELD_PREP(DTE_HOST_TRP, __sme_set(table->host_pt_root) >> 12);
	entry->data[1] |= FIELD_PREP(DTE_DOMID_MASK, domid);
}

/*
 * Where the table of guest tables is, in three fields.
 */

u64 amd_dte_gcr3_root(const struct dev_table_entry *entry)
{
	return FIELD_GET(DTE_GCR3_14_12, entry->data[0]) << 12 | FIELD_GET(DTE_GCR3_30_15, entry->data[1]) << 15 |
	       FIELD_GET(DTE_GCR3_51_31, entry->data[1]) << 31;
}

void amd_dte_set_gcr3_root(struct dev_table_entry *entry, u64 root_pa)
{
	entry->data[0] &= ~DTE_GCR3_14_12;
	entry->data[0] |= FIELD_PREP(DTE_GCR3_14_12, root_pa >> 12);
	entry->data[1] &= ~(DTE_GCR3_30_15 | DTE_GCR3_51_31);
	entry->data[1] |= FIELD_PREP(DTE_GCR3_30_15, root_pa >> 15) | FIELD_PREP(DTE_GCR3_51_31, root_pa >> 31);
}

/**
 * amd_dte_make_gcr3() - have guest tables translate, of which the device has a table
 * @entry: One that blocks.
 * @root_pa: Where that table is.
 * @glx: How many levels it has beside the first.
 * @levels: How many the guest tables have: 4 or 5.
 * @domid: What the unit caches under.
 * @requests: Requests without PASID are translated by the table's first entry, and not let through.
 *
 * Context: Any.
 */
void amd_dte_make_gcr3(struct dev_table_entry *entry, u64 root_pa, int glx, unsigned int levels, u16 domid, bool requests)
{
	entry->data[0] |= DTE_FLAG_TV | DTE_FLAG_GV | DTE_FLAG_IR | DTE_FLAG_IW | FIELD_PREP(DTE_GLX, glx) |
			  (requests ? DTE_FLAG_GIOV : 0);
	entry->data[1] |= FIELD_PREP(DTE_DOMID_MASK, domid);
	entry->data[2] |= FIELD_PREP(DTE_GPT_LEVEL_MASK, levels - PAGE_MODE_4_LEVEL);
	amd_dte_set_gcr3_root(entry, __sme_set(root_pa));
}
