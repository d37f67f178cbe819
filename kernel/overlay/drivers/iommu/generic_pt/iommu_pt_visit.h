/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Visit every table page of a page table. Included by iommu_pt.h, once for each format.
 */
#ifndef __GENERIC_PT_IOMMU_PT_VISIT_H
#define __GENERIC_PT_IOMMU_PT_VISIT_H

struct pt_iommu_visit_args {
	int (*fn)(void *arg, void *table);
	void *arg;
};

/* Tables of level 0 hold no tables: they are visited from above and not entered. */
static int __visit_tables(struct pt_range *range, void *arg, unsigned int level, struct pt_table_p *table)
{
	struct pt_state pts = pt_init(range, level, table);
	struct pt_iommu_visit_args *visit = arg;
	int ret;

	if (!pt_can_have_table(&pts))
		return 0;

	for_each_pt_level_entry(&pts) {
		if (pts.type != PT_ENTRY_TABLE)
			continue;
		ret = visit->fn(visit->arg, pts.table_lower);
		if (ret)
			return ret;
		ret = pt_descend(&pts, arg, __visit_tables);
		if (ret)
			return ret;
	}
	return 0;
}

static int NS(visit_tables)(struct pt_iommu *iommu_table, int (*fn)(void *arg, void *table), void *arg)
{
	struct pt_range range = pt_all_range(common_from_iommu(iommu_table));
	struct pt_iommu_visit_args visit = { .fn = fn, .arg = arg };
	int ret;

	ret = fn(arg, range.top_table);
	if (ret)
		return ret;
	return pt_walk_range(&range, __visit_tables, &visit);
}

#endif
