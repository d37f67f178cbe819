/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Have the tables of a page table come from an arena. Included by iommu_pt.h, once for each format.
 */
#ifndef __GENERIC_PT_IOMMU_PT_ARENA_H
#define __GENERIC_PT_IOMMU_PT_ARENA_H

/* The top table is there already: another takes its place. */
static int NS(use_arena)(struct pt_iommu *iommu_table, struct iommu_arena *arena)
{
	struct pt_common *common = common_from_iommu(iommu_table);
	struct pt_range range = pt_top_range(common);
	struct pt_table_p *top;

	iommu_table->arena = arena;
	top = table_alloc_top(common, common->top_of_table, GFP_KERNEL_ACCOUNT, ALLOC_NORMAL);
	if (IS_ERR(top)) {
		iommu_table->arena = NULL;
		return PTR_ERR(top);
	}
	pt_top_set(common, top, pt_top_get_level(common));
	if (pt_feature(common, PT_FEAT_DMA_INCOHERENT))
		iommu_pages_free_incoherent(range.top_table, iommu_table->iommu_device);
	else
		iommu_free_pages(range.top_table);
	return 0;
}

#endif
