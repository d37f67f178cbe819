// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What comparing two page tables costs, against a plain walk of the larger of them (walk.c) and against reading the memory they lie in.
 *
 * One line of JSON for each pair of tables. Times are of this thread's processor time, and medians over rounds in each of which
 * everything is measured once, so that what disturbs a machine for a while disturbs all. Table pages lie scattered in memory, as those of
 * a machine that runs for long do.
 *
 * `compare check`: for pairs of equal tables alone, exit with 1 when the comparison takes more than twice as long as the walk. A machine
 * may be busy: the median of any one of a few series has to be good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "walk.h"

#define BASE_PA		(1ULL << 32)	/* of the memory that holds tables */
#define END_PA		(1ULL << 46)
#define MAX_PAGES	(40ULL << 10)	/* of tables, both together */
#define GIB		(1ULL << 30)
#define ROUNDS		11
#define SERIES		5
#define MAX_RATIO	2.0

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

#define SS	IOMMU_SER_FORMAT_VTDSS
#define FS	IOMMU_SER_FORMAT_VTDFS

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

static __u8 *memory;
static __u32 order[MAX_PAGES];
static __u32 nr_used;

static __u64 random_state;

static __u64 random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL >> 16;
}

static __u64 mix(__u64 value)
{
	value = (value ^ value >> 31) * 0x9e3779b97f4a7c15ULL;
	value = (value ^ value >> 29) * 0xbf58476d1ce4e5b9ULL;
	return value ^ value >> 32;
}

static const void *read_memory(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	(void)phys;
	if (pa < BASE_PA || pa - BASE_PA > MAX_PAGES * LU_PAGE_BYTES - bytes)
		return NULL;
	return memory + (pa - BASE_PA);
}

static const struct lu_phys phys = { .read = read_memory, .end = END_PA };

static __u64 *table_at(__u64 pa)
{
	return (__u64 *)(memory + (pa - BASE_PA));
}

static __u64 table_new(void)
{
	if (nr_used == MAX_PAGES) {
		fprintf(stderr, "more tables than there is memory for\n");
		exit(2);
	}
	return BASE_PA + order[nr_used++] * LU_PAGE_BYTES;
}

static void memory_clear(void)
{
	__u32 i;

	for (i = 0; i < nr_used; i++)
		memset(memory + order[i] * LU_PAGE_BYTES, 0, LU_PAGE_BYTES);
	nr_used = 0;
	random_state = 0x9e3779b97f4a7c15ULL;
	for (i = 0; i < MAX_PAGES; i++)
		order[i] = i;
	for (i = MAX_PAGES - 1; i; i--) {
		const __u32 other = random_next() % (i + 1), page = order[i];

		order[i] = order[other];
		order[other] = page;
	}
}

static __u64 full_entry(__u8 format, bool read_only)
{
	if (format == IOMMU_SER_FORMAT_VTDSS)
		return read_only ? 1 : 3;
	return read_only ? 1 | 4 | 0x20 : 1 | 2 | 4 | 0x60;
}

static void map_leaf(const struct lu_table *table, __u64 iova, __u64 pa, unsigned int leaf_level, bool read_only)
{
	const struct lu_format *format = lu_format_find(table->format);
	unsigned int level = table->levels - 1U;
	__u64 *entry, at = table->top_pa;

	for (;; level--) {
		entry = &table_at(at)[iova >> lu_level_lg2(level) & 511];
		if (level == leaf_level)
			break;
		if (!*entry)
			*entry = table_new() | full_entry(table->format, false);
		at = lu_entry_table_pa(format, *entry);
	}
	*entry = pa | full_entry(table->format, read_only) | (level ? format->large : 0);
}

/* Which of the leaves there are, what they map and allow depends on the address alone, so that two tables agree. */
static struct lu_table make_table(const struct pair *pair, unsigned int which, __u64 *nr_pages)
{
	const unsigned int level = pair->leaf_levels[which];
	struct lu_table table = { .phys = &phys, .format = pair->formats[which], .levels = 4 };
	const __u64 bytes = lu_level_bytes(level);
	const __u32 first = nr_used;
	__u64 iova;

	table.top_pa = table_new();
	for (iova = 0; iova < pair->mapped_bytes; iova += bytes) {
		const __u64 random = mix(iova + 1);

		if (pair->fill == FILL_HALF && (random & 1))
			continue;
		map_leaf(&table, iova, pair->scattered ? random % (END_PA / bytes) * bytes : iova + 512 * GIB, level,
			 (pair->mixed && (random & 1ULL << 40)) || (pair->old_read_only && !which));
	}
	*nr_pages = nr_used - first;
	return table;
}

struct times {
	double read, walk, compare, ratio;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static double time_read(void)
{
	const double began = now();
	volatile __u64 sum;
	__u64 all = 0;
	__u32 page, i;

	for (page = 0; page < nr_used; page++) {
		const __u64 *words = (const __u64 *)(memory + order[page] * LU_PAGE_BYTES);

		for (i = 0; i < 512; i++)
			all += words[i];
	}
	sum = all;
	(void)sum;
	return now() - began;
}

static double time_walk(const struct lu_table *table)
{
	const double began = now();
	struct walk result;

	walk(table, &result);
	if (result.bad || !result.nr_leaves) {
		fprintf(stderr, "the tables are not what they should be\n");
		exit(2);
	}
	return now() - began;
}

static double time_compare(const struct lu_table tables[2], __u64 *nr_tables)
{
	struct lu_compare compare = { .old = tables[0], .new = tables[1] };
	const double began = now();

	if (lu_compare(&compare, 0) != LU_COMPARE_EQUAL) {
		fprintf(stderr, "tables that are equal are not found to be\n");
		exit(2);
	}
	*nr_tables = compare.nr_tables;
	return now() - began;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(const struct times *times, size_t offset)
{
	double values[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		values[i] = *(const double *)((const char *)&times[i] + offset);
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

#define MEDIAN(times, member)	median(times, offsetof(struct times, member))

/* False when the ratio is worse than it may be. */
static bool measure(const struct pair *pair)
{
	struct times times[ROUNDS];
	struct lu_table tables[2];
	__u64 nr_pages[2], nr_read;
	unsigned int larger;
	double ratio;
	int i;

	memory_clear();
	tables[0] = make_table(pair, 0, &nr_pages[0]);
	tables[1] = make_table(pair, 1, &nr_pages[1]);
	larger = nr_pages[1] > nr_pages[0];
	time_walk(&tables[larger]);
	time_compare(tables, &nr_read);
	for (i = 0; i < ROUNDS; i++) {
		times[i].read = time_read();
		times[i].walk = time_walk(&tables[larger]);
		times[i].compare = time_compare(tables, &nr_read);
		times[i].ratio = times[i].compare / times[i].walk;
	}
	ratio = MEDIAN(times, ratio);
	printf("{\"tables\": \"%s\", \"old_pages\": %llu, \"new_pages\": %llu, \"compared_pages\": %llu, \"read_ns\": %.0f, \"walk_ns\": %.0f, "
	       "\"compare_ns\": %.0f, \"walk_ns_per_page\": %.1f, \"compare_ns_per_page\": %.1f, \"ratio\": %.3f, \"max_ratio\": ",
	       pair->name, (unsigned long long)nr_pages[0], (unsigned long long)nr_pages[1], (unsigned long long)nr_read,
	       MEDIAN(times, read), MEDIAN(times, walk), MEDIAN(times, compare), MEDIAN(times, walk) / nr_pages[larger],
	       MEDIAN(times, compare) / nr_read, ratio);
	printf(pair->checked ? "%.1f}\n" : "null}\n", MAX_RATIO);
	fflush(stdout);
	return !pair->checked || ratio <= MAX_RATIO;
}

/* Any one of a few series. */
static bool check(const struct pair *pair)
{
	int i;

	for (i = 0; i < SERIES; i++)
		if (measure(pair))
			return true;
	fprintf(stderr, "%s: the comparison takes more than %.1f times as long as a walk\n", pair->name, MAX_RATIO);
	return false;
}

int main(int argc, char **argv)
{
	const bool checking = argc > 1 && !strcmp(argv[1], "check");
	bool good = true;
	size_t i;

	memory = mmap(NULL, MAX_PAGES * LU_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	/* As the kernel's own map of memory is: without it, most of what is measured is misses of the TLB. */
	madvise(memory, MAX_PAGES * LU_PAGE_BYTES, MADV_HUGEPAGE);
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (!checking)
			measure(&pairs[i]);
		else if (pairs[i].checked && !check(&pairs[i]))
			good = false;
	}
	return good ? 0 : 1;
}
