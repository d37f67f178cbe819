/* SPDX-License-Identifier: GPL-2.0-only */
/* Context and PASID table entries of VT-d: how they are made, and how they are written. See entry.c. */
#ifndef __INTEL_ENTRY_H
#define __INTEL_ENTRY_H

#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>
#include <linux/spinlock.h>

struct context_entry;
struct device_domain_info;
struct dmar_domain;
struct intel_iommu;
struct iommu_hwpt_vtd_s1;
struct pasid_entry;
struct pt_iommu_vtdss_hw_info;

#define VTD_ENTRY_MAX_WORDS	8	/* 64 bits each: a PASID table entry */

struct vtd_entry_writer;

/* What was stored when ops->sync is called. */
enum vtd_entry_step {
	VTD_ENTRY_PREPARED,	/* bits that the hardware does not look at as long as the entry is the old one */
	VTD_ENTRY_SWITCHED,	/* the one store that makes it the new one */
	VTD_ENTRY_CLEANED,	/* what the new one has no use for */
};

/**
 * struct vtd_entry_ops - one kind of entry
 * @nr_words: Its size in words of 64 bits.
 * @get_used: Set in @used, which is zero, the bits that the hardware looks at when it finds @entry.
 * @sync: After a step the hardware must not go on with what it read before. Called without the lock after VTD_ENTRY_SWITCHED, with it
 *        after the other steps.
 */
struct vtd_entry_ops {
	unsigned int nr_words;
	void (*get_used)(const u64 *entry, u64 *used);
	void (*sync)(struct vtd_entry_writer *writer, enum vtd_entry_step step);
};

/**
 * struct vtd_entry_writer - one change of one entry
 * @ops: The kind of entry.
 * @lock: What keeps others from writing the same entry.
 * @entry: The live entry, aligned to 128 bits.
 * @words_per_store: 2 when the processor can store 128 bits at once, otherwise 1.
 * @switched: vtd_entry_switch() changed bits that the hardware looks at.
 * @old: The entry before.
 * @target: The entry after.
 */
struct vtd_entry_writer {
	const struct vtd_entry_ops *ops;
	spinlock_t *lock;
	u64 *entry;
	unsigned int words_per_store;
	bool switched;
	u64 old[VTD_ENTRY_MAX_WORDS];
	u64 target[VTD_ENTRY_MAX_WORDS];
};

int vtd_entry_check(const struct vtd_entry_writer *writer, const u64 *target);
int vtd_entry_switch(struct vtd_entry_writer *writer, const u64 *target);
void vtd_entry_finish(struct vtd_entry_writer *writer);
void vtd_store_128(u64 *unit, u64 lo, u64 hi);

void vtd_pasid_get_used(const u64 *entry, u64 *used);
void vtd_context_get_used(const u64 *entry, u64 *used);
void vtd_sm_context_get_used(const u64 *entry, u64 *used);

/* What to do about the entry that is there. */
enum vtd_write {
	VTD_WRITE_NEW,		/* none is: -EBUSY */
	VTD_WRITE_REPLACE,	/* replace it, and when there is no hitless order, block in between */
	VTD_WRITE_HITLESS,	/* replace it, and when there is no hitless order, leave it: -EXDEV */
};

/* What attaching over @old is to do; a restored domain is left in one step or not at all. */
static inline enum vtd_write vtd_write_over(const struct iommu_domain *old)
{
	if (!old)
		return VTD_WRITE_NEW;
	return iommu_liveupdate_domain_restored(old) ? VTD_WRITE_HITLESS : VTD_WRITE_REPLACE;
}

enum vtd_cache {
	VTD_CACHE_NONE,
	VTD_CACHE_CONTEXT,	/* context cache, device-selective */
	VTD_CACHE_PASID,	/* PASID cache, PASID-selective within domain */
	VTD_CACHE_IOTLB_DOMAIN,	/* IOTLB, domain-selective */
	VTD_CACHE_IOTLB_PASID,	/* IOTLB, PASID-selective */
	VTD_CACHE_DEVTLB,	/* device TLB, everything */
	VTD_CACHE_WRITE_BUFFER,
};

/* An entry that a unit has: where it is, and whose requests it is for. */
struct vtd_live_entry {
	struct vtd_entry_writer writer;
	struct device_domain_info *info;
	u16 sid;		/* may be an alias of info's */
	ioasid_t pasid;
};

void vtd_live_pasid(struct vtd_live_entry *live, struct device *dev, ioasid_t pasid, struct pasid_entry *entry);
void vtd_live_context(struct vtd_live_entry *live, struct device_domain_info *info, u16 sid, struct context_entry *context);
int vtd_live_write(struct vtd_live_entry *live, const u64 *target, enum vtd_write how);
void vtd_live_block(struct vtd_live_entry *live, bool fault_ignore);
void vtd_invalidate(struct vtd_live_entry *live, enum vtd_cache cache, u16 did);

void vtd_make_context_ss(struct context_entry *context, const struct pt_iommu_vtdss_hw_info *table, u16 did, bool dev_iotlb);
void vtd_make_context_pt(struct context_entry *context, struct intel_iommu *iommu);
void vtd_make_context_sm(struct context_entry *context, struct device_domain_info *info);
void vtd_make_pasid_blocked(struct pasid_entry *entry, bool fault_ignore);
void vtd_make_pasid_fs(struct pasid_entry *entry, struct intel_iommu *iommu, phys_addr_t fsptptr, u16 did, int flags);
void vtd_make_pasid_ss(struct pasid_entry *entry, const struct pt_iommu_vtdss_hw_info *table, u16 did, bool walk_snoop, bool dirty);
void vtd_make_pasid_domain_ss(struct pasid_entry *entry, struct dmar_domain *domain, u16 did);
void vtd_make_pasid_pt(struct pasid_entry *entry, struct intel_iommu *iommu);
void vtd_make_pasid_nested(struct pasid_entry *entry, const struct iommu_hwpt_vtd_s1 *s1, struct dmar_domain *s2, u16 did);

#endif
