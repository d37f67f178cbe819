// SPDX-License-Identifier: GPL-2.0-or-later
#include "walk.h"

/* All that does not change within a table is in locals. */
static void walk_table(const struct lu_table *table, const struct lu_format *format, __u64 pa, unsigned int level, struct walk *walk)
{
	const __u64 *entries = table->phys->read(table->phys, pa, LU_PAGE_BYTES);
	const __u64 present = format->present, large = level ? format->large : 0;
	const __u64 address = format->address & ~(level ? format->large_other : 0);
	const __u64 last_pa = table->phys->end - lu_level_bytes(level);
	const __u64 below = lu_level_bytes(level) - 1;
	const __u64 grants = format->read | format->write | format->snoop;
	__u64 nr_leaves = 0, sum = 0, bad = 0;
	unsigned int i;

	walk->nr_tables++;
	for (i = 0; i < LU_NR_ENTRIES; i++) {
		const __u64 entry = entries[i];

		if (!(entry & present))
			continue;
		if ((entry & large) != large || (level && !large)) {
			walk_table(table, format, lu_entry_table_pa(format, entry), level - 1, walk);
			continue;
		}
		nr_leaves++;
		sum += (entry & address) | (entry & grants);
		bad |= (entry & address & below) | ((last_pa - (entry & address)) & (1ULL << 63));
	}
	walk->nr_leaves += nr_leaves;
	walk->sum += sum;
	walk->bad |= bad;
}

void walk(const struct lu_table *table, struct walk *walk)
{
	*walk = (struct walk){};
	walk_table(table, lu_format_find(table->format), table->top_pa, table->levels - 1U, walk);
}
