/* SPDX-License-Identifier: GPL-2.0-only */
/* Blocks of memory for the tables of one page table. See arena.c. */
#ifndef __IOMMU_LIVEUPDATE_ARENA_H
#define __IOMMU_LIVEUPDATE_ARENA_H

#include <linux/generic_pt/iommu.h>
#include <linux/types.h>

#include "../iommu-pages.h"

struct iommu_arena;

/**
 * struct iommu_arena_usage - how much memory an arena has
 * @nr_tables: Pages that are tables.
 * @nr_pages: Pages of all its blocks.
 * @nr_blocks: Blocks.
 */
struct iommu_arena_usage {
	unsigned long nr_tables;
	unsigned long nr_pages;
	unsigned int nr_blocks;
};

#ifdef CONFIG_IOMMU_LIVEUPDATE

struct iommu_arena *iommu_arena_create(int nid);
void iommu_arena_put(struct iommu_arena *arena);
void *iommu_arena_alloc(struct pt_iommu *iommu_table, gfp_t gfp, size_t bytes);
void iommu_arena_free_page(struct ioptdesc *iopt);
void iommu_arena_trim(struct iommu_arena *arena, struct iommu_arena_usage *usage);
unsigned int iommu_arena_list(struct iommu_arena *arena, u64 *blocks, unsigned int max_blocks);

/* Only pages of an arena have something there. */
static inline bool iommu_arena_has(const struct ioptdesc *iopt)
{
	return iopt->_private;
}

#else

static inline void iommu_arena_put(struct iommu_arena *arena)
{
}

static inline void *iommu_arena_alloc(struct pt_iommu *iommu_table, gfp_t gfp, size_t bytes)
{
	return iommu_alloc_pages_node_sz(iommu_table->nid, gfp, bytes);
}

static inline void iommu_arena_free_page(struct ioptdesc *iopt)
{
}

static inline bool iommu_arena_has(const struct ioptdesc *iopt)
{
	return false;
}

#endif

#endif
