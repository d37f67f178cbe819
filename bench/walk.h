/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The yardstick of the comparison: a walk that looks at every entry of a page table once, and does nothing but decode it. */
#ifndef HITLESS_BENCH_WALK_H
#define HITLESS_BENCH_WALK_H

#include "compare.h"

struct walk {
	__u64 nr_tables;
	__u64 nr_leaves;
	__u64 sum;	/* of what the leaves map and allow, so that a compiler cannot do without looking */
	__u64 bad;	/* not 0: a leaf is not well formed */
};

void walk(const struct lu_table *table, struct walk *walk);

#endif
