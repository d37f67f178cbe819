// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What comparing two page tables costs, against a plain walk of the larger of them (walk.c) and against reading the memory they lie in.
 *
 * One line of JSON for each pair of tables. Times are of this thread's processor time, and medians over rounds in each of which
 * everything is measured once, so that what disturbs a machine for a while disturbs all. Table pages lie scattered in memory, as those of
 * a machine that runs for long do.
 *
 * `compare check`: for pairs of equal tables alone, exit with 1 when the comparison takes more than twice as long as the walk, or
 * three times as long as reading both. A machine may be busy: the median of any one of a few series has to be good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "walk.h"

#define SERIES		5
#define MAX_RATIO	2.0	/* to the walk */
#define MAX_READS	3.0	/* to reading both tables */

enum fill {
	FILL_ALL,
	FILL_HALF,	/* every other leaf, at random */
};

struct pair {
	const char *name;
	__u64 mapped_bytes;
	enum fill fill;
	__u8 formats[2];
	unsigned int leaf_levels[2];
	bool mixed;		/* leaves have differing permissions */
	bool scattered;		/* leaves map pages from everywhere, not one block */
	bool old_read_only;	/* the old table allows less */
	bool checked;
};

static const struct pair pairs[] = {
	{ "4k-4k", 16 * GIB, .formats = { SS, SS }, .scattered = true, .checked = true },
	{ "4k-4k-mixed", 16 * GIB, .formats = { SS, SS }, .scattered = true, .mixed = true, .checked = true },
	{ "4k-4k-half", 16 * GIB, FILL_HALF, .formats = { SS, SS }, .scattered = true, .checked = true },
	{ "2m-2m", 1024 * GIB, .formats = { SS, SS }, .leaf_levels = { 1, 1 }, .scattered = true, .checked = true },
	{ "4k-4k-cached", GIB / 4, .formats = { SS, SS }, .scattered = true, .checked = true },
	{ "first-stage-4k-4k", 16 * GIB, .formats = { FS, FS }, .scattered = true, .checked = true },
	{ "second-first-4k-4k", 16 * GIB, .formats = { SS, FS }, .scattered = true, .checked = true },
	{ "4k-2m", 16 * GIB, .formats = { SS, SS }, .leaf_levels = { 0, 1 }, .checked = true },
	{ "2m-4k", 16 * GIB, .formats = { SS, SS }, .leaf_levels = { 1, 0 }, .checked = true },
	{ "second-first-4k-4k-mixed", 16 * GIB, .formats = { SS, FS }, .scattered = true, .mixed = true,
	  .checked = true },
	{ "4k-4k-more-allowed", 16 * GIB, .formats = { SS, SS }, .scattered = true, .old_read_only = true },
};

/* Which of the leaves there are, what they map and allow depends on the address alone, so that two tables agree. */
static struct lu_table make_table(const struct pair *pair, unsigned int which, __u64 *nr_pages)
{
	const unsigned int level = pair->leaf_levels[which];
	struct lu_table table = { .phys = &tables_phys, .format = pair->formats[which], .levels = 4 };
	const __u64 bytes = lu_level_bytes(level);
	const __u32 first = tables_nr();
	__u64 iova;

	table.top_pa = tables_new();
	for (iova = 0; iova < pair->mapped_bytes; iova += bytes) {
		const __u64 random = tables_mix(iova + 1);

		if (pair->fill == FILL_HALF && (random & 1))
			continue;
		tables_map(&table, iova, pair->scattered ? random % (END_PA / bytes) * bytes : iova + 512 * GIB, level,
			 (pair->mixed && (random & 1ULL << 40)) || (pair->old_read_only && !which));
	}
	*nr_pages = tables_nr() - first;
	return table;
}

struct times {
	double read, walk, compare, ratio, reads;
};

static double time_walk(const struct lu_table *table)
{
	const double began = tables_now();
	struct walk result;

	walk(table, &result);
	if (result.bad || !result.nr_leaves) {
		fprintf(stderr, "the tables are not what they should be\n");
		exit(2);
	}
	return tables_now() - began;
}

static double time_compare(const struct lu_table tables[2], __u64 *nr_tables)
{
	struct lu_compare compare = { .old = tables[0], .new = tables[1] };
	const double began = tables_now();

	if (lu_compare(&compare, 0) != LU_COMPARE_EQUAL) {
		fprintf(stderr, "tables that are equal are not found to be\n");
		exit(2);
	}
	*nr_tables = compare.nr_tables;
	return tables_now() - began;
}

/* False when the ratio is worse than it may be. */
static bool measure(const struct pair *pair)
{
	struct times times[ROUNDS];
	struct lu_table tables[2];
	__u64 nr_pages[2], nr_read;
	unsigned int larger;
	double ratio, reads;
	int i;

	tables_clear();
	tables[0] = make_table(pair, 0, &nr_pages[0]);
	tables[1] = make_table(pair, 1, &nr_pages[1]);
	larger = nr_pages[1] > nr_pages[0];
	time_walk(&tables[larger]);
	time_compare(tables, &nr_read);
	for (i = 0; i < ROUNDS; i++) {
		times[i].read = tables_read();
		times[i].walk = time_walk(&tables[larger]);
		times[i].compare = time_compare(tables, &nr_read);
		times[i].ratio = times[i].compare / times[i].walk;
		times[i].reads = times[i].compare / times[i].read;
	}
	ratio = TABLES_MEDIAN(times, ratio);
	reads = TABLES_MEDIAN(times, reads);
	printf("{\"tables\": \"%s\", \"old_pages\": %llu, \"new_pages\": %llu, \"compared_pages\": %llu, \"read_ns\": %.0f, "
	       "\"walk_ns\": %.0f, \"compare_ns\": %.0f, \"walk_ns_per_page\": %.1f, \"compare_ns_per_page\": %.1f, \"ratio\": %.3f, "
	       "\"compare_reads\": %.3f, \"checked\": %s, \"max_ratio\": ",
	       pair->name, (unsigned long long)nr_pages[0], (unsigned long long)nr_pages[1], (unsigned long long)nr_read,
	       TABLES_MEDIAN(times, read), TABLES_MEDIAN(times, walk), TABLES_MEDIAN(times, compare),
	       TABLES_MEDIAN(times, walk) / nr_pages[larger], TABLES_MEDIAN(times, compare) / nr_read, ratio, reads,
	       pair->checked ? "true" : "false");
	printf(pair->checked ? "%.1f}\n" : "null}\n", MAX_RATIO);
	fflush(stdout);
	return !pair->checked || (ratio <= MAX_RATIO && reads <= MAX_READS);
}

/* Any one of a few series. */
static bool check(const struct pair *pair)
{
	int i;

	for (i = 0; i < SERIES; i++)
		if (measure(pair))
			return true;
	fprintf(stderr, "%s: the comparison takes more than %.1f times as long as a walk, or %.1f times as long as reading\n", pair->name,
		MAX_RATIO, MAX_READS);
	return false;
}

int main(int argc, char **argv)
{
	const bool checking = argc > 1 && !strcmp(argv[1], "check");
	bool good = true;
	size_t i;

	tables_init();
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (!checking)
			measure(&pairs[i]);
		else if (pairs[i].checked && !check(&pairs[i]))
			good = false;
	}
	return good ? 0 : 1;
}
