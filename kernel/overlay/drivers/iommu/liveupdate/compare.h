/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The comparison: does one page table translate all that another does, to the same pages? Plain C, as verify.h says.
 */
#ifndef __IOMMU_LIVEUPDATE_COMPARE_H
#define __IOMMU_LIVEUPDATE_COMPARE_H

#include "format.h"

/**
 * struct lu_table - a page table
 * @phys:   Access to its table pages, and where memory ends that its leaves may point to.
 * @top_pa: Its top table.
 * @format: enum iommu_ser_format.
 * @levels: Levels that a walk has.
 */
struct lu_table {
	const struct lu_phys *phys;
	__u64 top_pa;
	__u8 format;
	__u8 levels;
};

/**
 * struct lu_page - what one 4 KiB page of IOVAs translates to
 * @pa:   The page, if @perm is not 0.
 * @perm: LU_PERM_*, as all levels together leave it; 0 when there is no translation.
 */
struct lu_page {
	__u64 pa;
	__u32 perm;
};

enum lu_compare_result {
	LU_COMPARE_EQUAL,	/* every page of the old table is in the new one, the same, with at least the same permission */
	LU_COMPARE_MORE,	/* so far; call again */
	LU_COMPARE_DIFFERENT,
	LU_COMPARE_BROKEN,	/* a table cannot be read on the way, or an entry is not well formed */
};

/**
 * struct lu_compare - one comparison, in as many calls as the caller likes
 * @old:       What is to be replaced. Nothing about it is trusted.
 * @new:       What is to replace it. Looked at only where the old one has something.
 * @next_iova: LU_COMPARE_MORE: the page to go on at. 0 at the start; the caller leaves it alone.
 * @nr_tables: Table pages read so far, of both, those read again to go on among them. 0 at the start.
 * @iova:      LU_COMPARE_DIFFERENT: the first page that differs, by its 64-bit address.
 * @old_page:  What the old table has there.
 * @new_page:  What the new table has there.
 * @verdict:   LU_COMPARE_BROKEN: what is wrong. index is 0 in the old table and 1 in the new one; address is that of a table that
 *             cannot be read, or the first IOVA of an entry.
 */
struct lu_compare {
	struct lu_table old, new;
	__u64 next_iova;
	__u64 nr_tables;
	__u64 iova;
	struct lu_page old_page, new_page;
	struct lu_verdict verdict;
};

enum lu_compare_result lu_compare(struct lu_compare *compare, __u32 max_tables);

#endif
