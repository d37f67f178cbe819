/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the micro-benchmarks share: page tables that lie scattered in memory, as on a machine that runs for long, and a clock. */
#ifndef HITLESS_BENCH_TABLES_H
#define HITLESS_BENCH_TABLES_H

#include "compare.h"

#define BASE_PA		(1ULL << 32)	/* of the memory that holds tables */
#define END_PA		(1ULL << 46)
#define MAX_PAGES	(40ULL << 10)	/* of tables, all together */
#define TABLES_LIST_PA	(BASE_PA + MAX_PAGES * LU_PAGE_BYTES)
#define GIB		(1ULL << 30)
#define ROUNDS		11

#define SS	IOMMU_SER_FORMAT_VTDSS
#define FS	IOMMU_SER_FORMAT_X86_64

extern const struct lu_phys tables_phys;

void tables_init(void);
void tables_clear(void);

/* The next free page, and how many are not free. */
__u64 tables_new(void);
__u32 tables_nr(void);
__u64 *tables_at(__u64 pa);

/* Physical addresses of the pages in use, ascending. There is room for them at TABLES_LIST_PA. */
void tables_list(__u64 *list);

void tables_map(const struct lu_table *table, __u64 iova, __u64 pa, unsigned int leaf_level, bool read_only);

/* The same for a value each time. */
__u64 tables_mix(__u64 value);

/* Processor time of this thread, in ns. */
double tables_now(void);

/* How long it takes to read all pages in use once. */
double tables_read(void);

/* Of member @offset of ROUNDS structs of @bytes. */
double tables_median(const void *rounds, size_t bytes, size_t offset);

#define TABLES_MEDIAN(rounds, member)	tables_median(rounds, sizeof(*(rounds)), offsetof(__typeof__(*(rounds)), member))

#endif
