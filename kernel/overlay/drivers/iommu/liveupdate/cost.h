/* SPDX-License-Identifier: GPL-2.0-only */
/* What a live update costs, as the kernel sees it. See cost.c. */
#ifndef __IOMMU_LIVEUPDATE_COST_H
#define __IOMMU_LIVEUPDATE_COST_H

#include <linux/cleanup.h>
#include <linux/sched/clock.h>
#include <linux/types.h>

/* Where time goes. None of these is inside another. */
enum iommu_cost {
	/* old kernel */
	IOMMU_COST_PRESERVE,	/* domains and devices, in the IOMMU core */
	IOMMU_COST_FREEZE,	/* files of iommufd and vfio */
	IOMMU_COST_HANDOVER,	/* units; the old kernel's last word on them */
	/* new kernel, at boot */
	IOMMU_COST_FIND,	/* the blob and its records */
	IOMMU_COST_VERIFY,	/* domains, but not their tables */
	IOMMU_COST_ADOPT,	/* units */
	IOMMU_COST_PROBE,	/* devices */
	/* new kernel, later */
	IOMMU_COST_WALK,	/* tables of domains */
	IOMMU_COST_COMPARE,
	IOMMU_COST_FREE,	/* restored domains */
	IOMMU_NR_COSTS,
};

/* What is kept for the next kernel. */
enum iommu_kept {
	IOMMU_KEPT_TABLES,	/* page tables of domains */
	IOMMU_KEPT_TABLE_KEYS,	/* what KHO was asked to keep for them, one by one */
	IOMMU_KEPT_TABLE_RUNS,	/* pieces of adjoining memory that these make: what early boot has to do with */
	IOMMU_KEPT_METADATA,	/* bytes beside them: lists, blobs, the tables that units are left on */
	IOMMU_NR_KEPT,
};

struct iommu_cost_span {
	enum iommu_cost cost;
	u64 unit_id;
	u64 began_ns;
};

void iommu_cost_end(const struct iommu_cost_span *span);
void iommu_cost_keep(enum iommu_kept kept, s64 by);
u32 iommu_cost_runs(const u64 *blocks, u32 nr_blocks);

static inline struct iommu_cost_span iommu_cost_begin(enum iommu_cost cost, u64 unit_id)
{
	return (struct iommu_cost_span){ .cost = cost, .unit_id = unit_id, .began_ns = sched_clock() };
}

DEFINE_CLASS(iommu_cost, struct iommu_cost_span, iommu_cost_end(&_T), iommu_cost_begin(cost, unit_id), enum iommu_cost cost, u64 unit_id)

/* From here to the end of the scope is @_cost; @_unit_id: of which unit, 0 when of none. */
#define iommu_cost_scope(_cost, _unit_id) CLASS(iommu_cost, __UNIQUE_ID(cost))(_cost, _unit_id)

#endif
