// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Context and PASID table entries of VT-d
 *
 * The hardware reads an entry in units of 128 bits (Intel VT-d 4.1, section 9.3 "Context Entry", section 9.6 "Scalable-Mode PASID Table
 * Entry"), and may read the units of one entry at different times. So an entry goes from old to new without being anything else
 * in between when all bits that matter change in one unit:
 *
 * 1. prepare: store the bits of the new entry that the hardware does not look at as long as it finds the old one. Invalidate the
 *    entry cache and wait: whatever the hardware reads of the entry from now on, it reads with these bits.
 * 2. switch: store one unit. Invalidate, in the order of section 6.5.3.3 "Guidance to Software for Invalidations": the entry cache,
 *    the IOTLB, the device TLB, under the old tag and under the new.
 * 3. clean: clear what the hardware does not look at in the new entry.
 *
 * When bits that matter change in two units there is no such order. Then nothing is changed; a caller that can afford to blocks
 * the device by vtd_live_block(), and writes again. From an entry that is not present, and to one, there always is.
 *
 * A processor that cannot store 128 bits stores 64, in the same order by the same rules: the word with the present bit is the last to be
 * set, and the first to be cleared.
 */
#define pr_fmt(fmt) "DMAR: " fmt

#include <kunit/static_stub.h>
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/cpufeature.h>
#include <linux/delay.h>
#include <linux/dmar.h>
#include <linux/liveupdate-fault.h>
#include <linux/pci.h>
#include <uapi/linux/iommufd.h>

#include "entry.h"
#include "iommu.h"
#include "pasid.h"

#define VTD_ENTRY_P		BIT_ULL(0)	/* the same in all kinds of entries */
#define VTD_ENTRY_FPD		BIT_ULL(1)

#define VTD_EXPOSE_US		200

#define VTD_PASID_SSADE		BIT_ULL(9)
#define VTD_PASID_FS_FIELDS	(VTD_PAGE_MASK | GENMASK_ULL(7, 0))	/* of the third word; the rest is reserved */

/*
 * The writer
 */

/* Software alone writes entries: the loop ends at its second turn. */
void vtd_store_128(u64 *unit, u64 lo, u64 hi)
{
#ifdef CONFIG_X86_64
	u128 old = (u128)READ_ONCE(unit[1]) << 64 | READ_ONCE(unit[0]);

	while (!try_cmpxchg128((u128 *)unit, &old, (u128)hi << 64 | lo))
		;
#endif
}

static void vtd_store_64(u64 *word, u64 value)
{
	u64 old = *word;

	while (!try_cmpxchg64(word, &old, value))
		;
}

static unsigned int vtd_words_per_store(void)
{
	return IS_ENABLED(CONFIG_X86_64) && cpu_feature_enabled(X86_FEATURE_CX16) ? 2 : 1;
}

static bool vtd_entry_store(struct vtd_entry_writer *writer, unsigned int unit, const u64 *entry)
{
	const unsigned int word = unit * writer->words_per_store;

	if (!memcmp(&writer->entry[word], &entry[word], writer->words_per_store * sizeof(u64)))
		return false;
	if (writer->words_per_store == 2)
		vtd_store_128(&writer->entry[word], entry[word], entry[word + 1]);
	else
		vtd_store_64(&writer->entry[word], entry[word]);
	return true;
}

static bool vtd_entry_store_all(struct vtd_entry_writer *writer, const u64 *entry)
{
	bool changed = false;
	unsigned int unit;

	for (unit = 0; unit < writer->ops->nr_words / writer->words_per_store; unit++)
		changed |= vtd_entry_store(writer, unit, entry);
	return changed;
}

/* The units that must change at once, and the entry before they do. */
static unsigned long vtd_entry_plan(const struct vtd_entry_writer *writer, const u64 *target, u64 *prepared)
{
	u64 used[VTD_ENTRY_MAX_WORDS] = {}, target_used[VTD_ENTRY_MAX_WORDS] = {};
	const u64 *entry = writer->entry;
	unsigned long critical = 0;
	unsigned int i;

	writer->ops->get_used(entry, used);
	writer->ops->get_used(target, target_used);
	for (i = 0; i < writer->ops->nr_words; i++) {
		/* A builder that sets what nobody looks at, or a get_used() that forgot it. */
		WARN_ON_ONCE(target[i] & ~target_used[i]);
		prepared[i] = (entry[i] & used[i]) | (target[i] & ~used[i]);
		if ((prepared[i] ^ target[i]) & target_used[i])
			critical |= BIT(i / writer->words_per_store);
	}
	for (i = 0; i < writer->ops->nr_words; i++)
		if (critical & BIT(i / writer->words_per_store))
			prepared[i] = entry[i];
	return critical;
}

/**
 * vtd_entry_check() - is there a hitless order?
 * @writer: The entry.
 * @target: What it is to become.
 *
 * Context: @writer->lock held.
 * Return: 0 or -EXDEV.
 */
int vtd_entry_check(const struct vtd_entry_writer *writer, const u64 *target)
{
	u64 prepared[VTD_ENTRY_MAX_WORDS];

	lockdep_assert_held(writer->lock);
	return hweight_long(vtd_entry_plan(writer, target, prepared)) > 1 ? -EXDEV : 0;
}

/**
 * vtd_entry_switch() - make the live entry another one
 * @writer: The entry. When this succeeds, vtd_entry_finish() must follow.
 * @target: What it is to become.
 *
 * Context: @writer->lock held.
 * Return: 0; -EXDEV when there is no hitless order, and then nothing was changed.
 */
int vtd_entry_switch(struct vtd_entry_writer *writer, const u64 *target)
{
	const size_t bytes = writer->ops->nr_words * sizeof(u64);
	u64 prepared[VTD_ENTRY_MAX_WORDS];
	unsigned long critical;

	lockdep_assert_held(writer->lock);
	critical = vtd_entry_plan(writer, target, prepared);
	if (hweight_long(critical) > 1)
		return -EXDEV;
	memcpy(writer->old, writer->entry, bytes);
	memcpy(writer->target, target, bytes);
	if (vtd_entry_store_all(writer, prepared))
		writer->ops->sync(writer, VTD_ENTRY_PREPARED);
	/* The exchange is a full barrier: tables that the target points to are seen before it is. */
	writer->switched = critical && vtd_entry_store(writer, __ffs(critical), target);
	return 0;
}

/**
 * vtd_entry_finish() - invalidate what caches have of the old entry, and clean the new one
 * @writer: After vtd_entry_switch().
 *
 * What is cleaned is the entry as it is by then: others may have changed it since, by a writer of their own.
 *
 * Context: @writer->lock not held: waiting for device TLBs may take long.
 */
void vtd_entry_finish(struct vtd_entry_writer *writer)
{
	u64 clean[VTD_ENTRY_MAX_WORDS] = {};
	unsigned int i;

	if (writer->switched)
		writer->ops->sync(writer, VTD_ENTRY_SWITCHED);
	guard(spinlock)(writer->lock);
	writer->ops->get_used(writer->entry, clean);
	for (i = 0; i < writer->ops->nr_words; i++)
		clean[i] &= writer->entry[i];
	if (vtd_entry_store_all(writer, clean))
		writer->ops->sync(writer, VTD_ENTRY_CLEANED);
}

/*
 * What the hardware looks at
 */

static void vtd_use_all(u64 *used, unsigned int first, unsigned int nr_words)
{
	memset(used + first, 0xff, (nr_words - first) * sizeof(u64));
}

/* Reserved bits are looked at: a set one is a fault. */
void vtd_pasid_get_used(const u64 *entry, u64 *used)
{
	used[0] = VTD_ENTRY_P | VTD_ENTRY_FPD;
	if (!(entry[0] & VTD_ENTRY_P))
		return;
	vtd_use_all(used, 0, 8);
	switch (FIELD_GET(GENMASK_ULL(8, 6), entry[0])) {
	case PASID_ENTRY_PGTT_FL_ONLY:
		used[0] &= ~(VTD_PAGE_MASK | VTD_PASID_SSADE);
		break;
	case PASID_ENTRY_PGTT_SL_ONLY:
		used[2] &= ~VTD_PASID_FS_FIELDS;
		break;
	case PASID_ENTRY_PGTT_PT:
		used[0] &= ~(VTD_PAGE_MASK | VTD_PASID_SSADE);
		used[2] &= ~VTD_PASID_FS_FIELDS;
		break;
	}
}

void vtd_context_get_used(const u64 *entry, u64 *used)
{
	used[0] = VTD_ENTRY_P | VTD_ENTRY_FPD;
	if (entry[0] & VTD_ENTRY_P)
		vtd_use_all(used, 0, 2);
}

void vtd_sm_context_get_used(const u64 *entry, u64 *used)
{
	used[0] = VTD_ENTRY_P | VTD_ENTRY_FPD;
	if (entry[0] & VTD_ENTRY_P)
		vtd_use_all(used, 0, 4);
}

/*
 * Entries of a unit
 */

/* What the hardware caches translations of an entry under, and where. */
struct vtd_tag {
	u16 did;
	enum vtd_cache iotlb;
};

static struct vtd_tag vtd_pasid_tag(const u64 *entry)
{
	struct pasid_entry *pasid = (struct pasid_entry *)entry;

	switch (pasid_pte_get_pgtt(pasid)) {
	case PASID_ENTRY_PGTT_FL_ONLY:
	case PASID_ENTRY_PGTT_PT:
		return (struct vtd_tag){ pasid_get_domain_id(pasid), VTD_CACHE_IOTLB_PASID };
	default:
		return (struct vtd_tag){ pasid_get_domain_id(pasid), VTD_CACHE_IOTLB_DOMAIN };
	}
}

static struct vtd_tag vtd_context_tag(const u64 *entry)
{
	return (struct vtd_tag){ context_domain_id((struct context_entry *)entry), VTD_CACHE_IOTLB_DOMAIN };
}

static const struct vtd_entry_ops vtd_pasid_ops, vtd_context_ops, vtd_sm_context_ops;

/* In scalable mode a context entry has no tag: what is cached is cached under those of PASID table entries. */
static struct vtd_tag vtd_live_tag(struct vtd_live_entry *live, const u64 *entry)
{
	if (live->writer.ops == &vtd_pasid_ops)
		return vtd_pasid_tag(entry);
	if (live->writer.ops == &vtd_context_ops)
		return vtd_context_tag(entry);
	return (struct vtd_tag){};
}

static enum vtd_cache vtd_live_cache(struct vtd_live_entry *live)
{
	return live->writer.ops == &vtd_pasid_ops ? VTD_CACHE_PASID : VTD_CACHE_CONTEXT;
}

static void vtd_invalidate_devtlb(struct vtd_live_entry *live)
{
	struct device_domain_info *info = live->info;
	u16 sid = PCI_DEVID(info->bus, info->devfn);

	/* A device that is gone would not answer. */
	if (!info->ats_enabled || !pci_device_is_present(to_pci_dev(info->dev)))
		return;
	if (live->pasid != IOMMU_NO_PASID) {
		qi_flush_dev_iotlb_pasid(info->iommu, sid, info->pfsid, live->pasid, info->ats_qdep, 0, MAX_AGAW_PFN_WIDTH);
		return;
	}
	qi_flush_dev_iotlb(info->iommu, sid, info->pfsid, info->ats_qdep, 0, MAX_AGAW_PFN_WIDTH);
	/* DMA may go on while a context entry changes; see the quirk. */
	if (live->writer.ops != &vtd_pasid_ops)
		quirk_extra_dev_tlb_flush(info, 0, MAX_AGAW_PFN_WIDTH, IOMMU_NO_PASID, info->ats_qdep);
}

void vtd_invalidate(struct vtd_live_entry *live, enum vtd_cache cache, u16 did)
{
	struct intel_iommu *iommu = live->info->iommu;

	KUNIT_STATIC_STUB_REDIRECT(vtd_invalidate, live, cache, did);

	switch (cache) {
	case VTD_CACHE_NONE:
		break;
	case VTD_CACHE_CONTEXT:
		iommu->flush.flush_context(iommu, did, live->sid, DMA_CCMD_MASK_NOBIT, DMA_CCMD_DEVICE_INVL);
		break;
	case VTD_CACHE_PASID:
		qi_flush_pasid_cache(iommu, did, QI_PC_PASID_SEL, live->pasid);
		break;
	case VTD_CACHE_IOTLB_DOMAIN:
		iommu->flush.flush_iotlb(iommu, did, 0, 0, DMA_TLB_DSI_FLUSH);
		break;
	case VTD_CACHE_IOTLB_PASID:
		qi_flush_piotlb_all(iommu, did, live->pasid);
		break;
	case VTD_CACHE_DEVTLB:
		vtd_invalidate_devtlb(live);
		break;
	case VTD_CACHE_WRITE_BUFFER:
		iommu_flush_write_buffer(iommu);
		break;
	}
}

/* An entry that was present is another one now, or none. */
static void vtd_invalidate_present(struct vtd_live_entry *live)
{
	struct vtd_tag old = vtd_live_tag(live, live->writer.old), new = vtd_live_tag(live, live->writer.target);
	enum vtd_cache cache = vtd_live_cache(live);

	if (!(live->writer.target[0] & VTD_ENTRY_P))
		new = old;
	vtd_invalidate(live, cache, old.did);
	if (new.did != old.did)
		vtd_invalidate(live, cache, new.did);
	vtd_invalidate(live, old.iotlb, old.did);
	if (new.did != old.did || new.iotlb != old.iotlb)
		vtd_invalidate(live, new.iotlb, new.did);
	vtd_invalidate(live, VTD_CACHE_DEVTLB, 0);
}

/* Hardware in caching mode caches entries that are not present, context entries under domain ID 0. Other hardware caches none. */
static void vtd_invalidate_not_present(struct vtd_live_entry *live)
{
	struct vtd_tag tag = vtd_live_tag(live, live->writer.target);

	if (!cap_caching_mode(live->info->iommu->cap)) {
		vtd_invalidate(live, VTD_CACHE_WRITE_BUFFER, 0);
	} else if (live->writer.ops == &vtd_pasid_ops) {
		vtd_invalidate(live, VTD_CACHE_PASID, tag.did);
		vtd_invalidate(live, VTD_CACHE_IOTLB_PASID, tag.did);
	} else {
		vtd_invalidate(live, VTD_CACHE_CONTEXT, 0);
		vtd_invalidate(live, VTD_CACHE_IOTLB_DOMAIN, tag.did);
	}
}

/* For tests: make devices read the entry as it is after this one store. */
static void vtd_expose_step(struct intel_iommu *iommu)
{
	if (!liveupdate_fault(LIVEUPDATE_FAULT_FLUSH))
		return;
	iommu->flush.flush_context(iommu, 0, 0, 0, DMA_CCMD_GLOBAL_INVL);
	if (sm_supported(iommu))
		qi_flush_pasid_cache(iommu, 0, QI_PC_GLOBAL, 0);
	iommu->flush.flush_iotlb(iommu, 0, 0, 0, DMA_TLB_GLOBAL_FLUSH);
	udelay(VTD_EXPOSE_US);
}

static void vtd_live_sync(struct vtd_entry_writer *writer, enum vtd_entry_step step)
{
	struct vtd_live_entry *live = container_of(writer, struct vtd_live_entry, writer);
	const bool was_present = writer->old[0] & VTD_ENTRY_P;

	__iommu_flush_cache(live->info->iommu, writer->entry, writer->ops->nr_words * sizeof(u64));
	vtd_expose_step(live->info->iommu);
	switch (step) {
	case VTD_ENTRY_PREPARED:
		if (was_present)
			vtd_invalidate(live, vtd_live_cache(live), vtd_live_tag(live, writer->old).did);
		break;
	case VTD_ENTRY_SWITCHED:
		if (was_present)
			vtd_invalidate_present(live);
		else if (writer->target[0] & VTD_ENTRY_P)
			vtd_invalidate_not_present(live);
		break;
	case VTD_ENTRY_CLEANED:
		break;
	}
}

static const struct vtd_entry_ops vtd_pasid_ops = {
	.nr_words = 8,
	.get_used = vtd_pasid_get_used,
	.sync = vtd_live_sync,
};

static const struct vtd_entry_ops vtd_context_ops = {
	.nr_words = 2,
	.get_used = vtd_context_get_used,
	.sync = vtd_live_sync,
};

static const struct vtd_entry_ops vtd_sm_context_ops = {
	.nr_words = 4,
	.get_used = vtd_sm_context_get_used,
	.sync = vtd_live_sync,
};

static void vtd_live_init(struct vtd_live_entry *live, struct device_domain_info *info, const struct vtd_entry_ops *ops, u64 *entry)
{
	*live = (struct vtd_live_entry){
		.writer = {
			.ops = ops,
			.lock = &info->iommu->lock,
			.entry = entry,
			.words_per_store = vtd_words_per_store(),
		},
		.info = info,
		.sid = PCI_DEVID(info->bus, info->devfn),
		.pasid = IOMMU_NO_PASID,
	};
}

void vtd_live_pasid(struct vtd_live_entry *live, struct device *dev, ioasid_t pasid, struct pasid_entry *entry)
{
	vtd_live_init(live, dev_iommu_priv_get(dev), &vtd_pasid_ops, entry->val);
	live->pasid = pasid;
}

void vtd_live_context(struct vtd_live_entry *live, struct device_domain_info *info, u16 sid, struct context_entry *context)
{
	vtd_live_init(live, info, sm_supported(info->iommu) ? &vtd_sm_context_ops : &vtd_context_ops, &context->lo);
	live->sid = sid;
}

/* Page requests of the old entry; that takes sleeping. */
static void vtd_live_drain(struct vtd_live_entry *live)
{
	if (live->writer.ops == &vtd_pasid_ops)
		intel_iommu_drain_pasid_prq(live->info->dev, live->pasid);
}

static int vtd_live_try(struct vtd_live_entry *live, const u64 *target, enum vtd_write how)
{
	const bool present = live->writer.entry[0] & VTD_ENTRY_P;

	lockdep_assert_held(live->writer.lock);
	if (present && how == VTD_WRITE_NEW)
		return -EBUSY;
	if (present && liveupdate_fault(LIVEUPDATE_FAULT_BLOCK_SWAP))
		return -EXDEV;
	return vtd_entry_switch(&live->writer, target);
}

/**
 * vtd_live_write() - write an entry
 * @live: The entry.
 * @target: What it is to become.
 * @how: What to do about the entry that is there.
 *
 * Context: May sleep.
 * Return: 0; -EBUSY or -EXDEV as @how says, and then nothing was changed.
 */
int vtd_live_write(struct vtd_live_entry *live, const u64 *target, enum vtd_write how)
{
	int ret;

	scoped_guard(spinlock, live->writer.lock)
		ret = vtd_live_try(live, target, how);
	if (ret == -EXDEV && (how == VTD_WRITE_REPLACE || liveupdate_fault(LIVEUPDATE_FAULT_BLOCK_SWAP))) {
		vtd_live_block(live, false);
		/* As long as a device TLB may take to be invalidated: the emulated devices have none, and DMA is to meet it. */
		if (liveupdate_fault(LIVEUPDATE_FAULT_BLOCK_SWAP))
			msleep(20);
		scoped_guard(spinlock, live->writer.lock)
			ret = vtd_live_try(live, target, VTD_WRITE_NEW);
	}
	if (ret)
		return ret;
	vtd_entry_finish(&live->writer);
	if (live->writer.old[0] & VTD_ENTRY_P)
		vtd_live_drain(live);
	return 0;
}

/**
 * vtd_live_block() - block the requests that an entry is for
 * @live: The entry; nothing happens when it blocks already.
 * @fault_ignore: Have the hardware not report what it blocks.
 *
 * Context: May sleep when @fault_ignore is false.
 */
void vtd_live_block(struct vtd_live_entry *live, bool fault_ignore)
{
	struct pasid_entry target;	/* other entries are shorter */
	u64 old;

	scoped_guard(spinlock, live->writer.lock) {
		old = live->writer.entry[0];
		fault_ignore &= old & VTD_ENTRY_P;
		vtd_make_pasid_blocked(&target, fault_ignore);
		if (WARN_ON(vtd_entry_switch(&live->writer, target.val)))
			return;
	}
	vtd_entry_finish(&live->writer);
	if ((old & (VTD_ENTRY_P | VTD_ENTRY_FPD)) && !fault_ignore)
		vtd_live_drain(live);
}

/*
 * Builders: what entries look like, made on the stack
 */

void vtd_make_context_ss(struct context_entry *context, const struct pt_iommu_vtdss_hw_info *table, u16 did, bool dev_iotlb)
{
	context_clear_entry(context);
	context_set_domain_id(context, did);
	context_set_address_root(context, table->ssptptr);
	context_set_address_width(context, table->aw);
	context_set_translation_type(context, dev_iotlb ? CONTEXT_TT_DEV_IOTLB : CONTEXT_TT_MULTI_LEVEL);
	context->lo |= VTD_ENTRY_P;
}

/* The width must be the largest that the hardware has; the address is ignored. */
void vtd_make_context_pt(struct context_entry *context, struct intel_iommu *iommu)
{
	context_clear_entry(context);
	context_set_domain_id(context, FLPT_DEFAULT_DID);
	context_set_address_width(context, iommu->msagaw);
	context_set_translation_type(context, CONTEXT_TT_PASS_THROUGH);
	context->lo |= VTD_ENTRY_P;
}

/* PDTS: a PASID directory of 2^(PDTS + 7) entries. */
static unsigned long vtd_pasid_dir_pdts(const struct pasid_table *table)
{
	unsigned int lg2 = ilog2(table->max_pasid >> PASID_PDE_SHIFT);

	return lg2 > 7 ? lg2 - 7 : 0;
}

void vtd_make_context_sm(struct context_entry *context, struct device_domain_info *info)
{
	memset(context, 0, 2 * sizeof(*context));
	context->lo = virt_to_phys(info->pasid_table->table) | context_pdts(vtd_pasid_dir_pdts(info->pasid_table));
	context_set_sm_rid2pasid(context, IOMMU_NO_PASID);
	if (info->ats_supported)
		context_set_sm_dte(context);
	if (info->pasid_supported)
		context_set_pasid(context);
	if (info->pri_supported)
		context_set_sm_pre(context);
	context->lo |= VTD_ENTRY_P;
}

void vtd_make_pasid_blocked(struct pasid_entry *entry, bool fault_ignore)
{
	memset(entry, 0, sizeof(*entry));
	if (fault_ignore)
		entry->val[0] = VTD_ENTRY_FPD;
}

void vtd_make_pasid_fs(struct pasid_entry *entry, struct intel_iommu *iommu, phys_addr_t fsptptr, u16 did, int flags)
{
	memset(entry, 0, sizeof(*entry));
	pasid_set_flptr(entry, fsptptr);
	if (flags & PASID_FLAG_FL5LP)
		pasid_set_flpm(entry, 1);
	if (flags & PASID_FLAG_PAGE_SNOOP)
		pasid_set_pgsnp(entry);
	pasid_set_domain_id(entry, did);
	pasid_set_address_width(entry, iommu->agaw);
	pasid_set_page_snoop(entry, flags & PASID_FLAG_PWSNP);
	pasid_set_translation_type(entry, PASID_ENTRY_PGTT_FL_ONLY);
	entry->val[0] |= VTD_ENTRY_P;
}

void vtd_make_pasid_ss(struct pasid_entry *entry, const struct pt_iommu_vtdss_hw_info *table, u16 did, bool walk_snoop, bool dirty)
{
	memset(entry, 0, sizeof(*entry));
	pasid_set_domain_id(entry, did);
	pasid_set_slptr(entry, table->ssptptr);
	pasid_set_address_width(entry, table->aw);
	pasid_set_translation_type(entry, PASID_ENTRY_PGTT_SL_ONLY);
	pasid_set_page_snoop(entry, walk_snoop);
	if (dirty)
		pasid_set_ssade(entry);
	entry->val[0] |= VTD_ENTRY_P;
}

static bool vtd_walk_snoop(struct dmar_domain *domain)
{
	return !(domain->sspt.vtdss_pt.common.features & BIT(PT_FEAT_DMA_INCOHERENT));
}

void vtd_make_pasid_domain_ss(struct pasid_entry *entry, struct dmar_domain *domain, u16 did)
{
	struct pt_iommu_vtdss_hw_info table;

	pt_iommu_vtdss_hw_info(&domain->sspt, &table);
	vtd_make_pasid_ss(entry, &table, did, vtd_walk_snoop(domain), domain->dirty_tracking);
}

void vtd_make_pasid_pt(struct pasid_entry *entry, struct intel_iommu *iommu)
{
	memset(entry, 0, sizeof(*entry));
	pasid_set_domain_id(entry, FLPT_DEFAULT_DID);
	pasid_set_address_width(entry, iommu->agaw);
	pasid_set_translation_type(entry, PASID_ENTRY_PGTT_PT);
	pasid_set_page_snoop(entry, !!ecap_smpwc(iommu->ecap));
	entry->val[0] |= VTD_ENTRY_P;
}

void vtd_make_pasid_nested(struct pasid_entry *entry, const struct iommu_hwpt_vtd_s1 *s1, struct dmar_domain *s2, u16 did)
{
	vtd_make_pasid_domain_ss(entry, s2, did);
	pasid_set_translation_type(entry, PASID_ENTRY_PGTT_NESTED);
	pasid_set_flptr(entry, s1->pgtbl_addr);
	if (s1->addr_width == ADDR_WIDTH_5LEVEL)
		pasid_set_flpm(entry, 1);
	if (s1->flags & IOMMU_VTD_S1_SRE) {
		pasid_set_sre(entry);
		if (s1->flags & IOMMU_VTD_S1_WPE)
			pasid_set_wpe(entry);
	}
	if (s1->flags & IOMMU_VTD_S1_EAFE)
		pasid_set_eafe(entry);
	if (s2->force_snooping)
		pasid_set_pgsnp(entry);
}
