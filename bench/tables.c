// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tables.h"

/* Behind the tables: room for a list of them. */
#define MEMORY_BYTES	(MAX_PAGES * (LU_PAGE_BYTES + sizeof(__u64)))

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

__u64 tables_mix(__u64 value)
{
	value = (value ^ value >> 31) * 0x9e3779b97f4a7c15ULL;
	value = (value ^ value >> 29) * 0xbf58476d1ce4e5b9ULL;
	return value ^ value >> 32;
}

static const void *read_memory(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	(void)phys;
	if (pa < BASE_PA || pa - BASE_PA > MEMORY_BYTES - bytes)
		return NULL;
	return memory + (pa - BASE_PA);
}

const struct lu_phys tables_phys = { .read = read_memory, .end = END_PA };

__u64 *tables_at(__u64 pa)
{
	return (__u64 *)(memory + (pa - BASE_PA));
}

__u64 tables_new(void)
{
	if (nr_used == MAX_PAGES) {
		fprintf(stderr, "more tables than there is memory for\n");
		exit(2);
	}
	return BASE_PA + order[nr_used++] * LU_PAGE_BYTES;
}

__u32 tables_nr(void)
{
	return nr_used;
}

void tables_init(void)
{
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	/* As the kernel's own map of memory is: without it, most of what is measured is misses of the TLB. */
	madvise(memory, MEMORY_BYTES, MADV_HUGEPAGE);
}

void tables_clear(void)
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

void tables_map(const struct lu_table *table, __u64 iova, __u64 pa, unsigned int leaf_level, bool read_only)
{
	const struct lu_format *format = lu_format_find(table->format);
	unsigned int level = table->levels - 1U;
	__u64 *entry, at = table->top_pa;

	for (;; level--) {
		entry = &tables_at(at)[iova >> lu_level_lg2(level) & 511];
		if (level == leaf_level)
			break;
		if (!*entry)
			*entry = tables_new() | full_entry(table->format, false);
		at = lu_entry_table_pa(format, *entry);
	}
	*entry = pa | full_entry(table->format, read_only) | (level ? format->large : 0);
}

double tables_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

double tables_read(void)
{
	const double began = tables_now();
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
	return tables_now() - began;
}

static int by_pa(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void tables_list(__u64 *list)
{
	__u32 i;

	for (i = 0; i < nr_used; i++)
		list[i] = BASE_PA + order[i] * LU_PAGE_BYTES;
	qsort(list, nr_used, sizeof(*list), by_pa);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

double tables_median(const void *rounds, size_t bytes, size_t offset)
{
	double values[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		values[i] = *(const double *)((const char *)rounds + i * bytes + offset);
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}
