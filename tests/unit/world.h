/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pretended machine for the tests of the verifier: physical memory of which a part was handed over, a blob of the IOMMU
 * core, and the tables that it names.
 *
 * While the verifier runs, memory that it did not ask for is poisoned: reading one byte more than was asked for ends the test.
 */
#ifndef HITLESS_UNIT_WORLD_H
#define HITLESS_UNIT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* After what it needs. */
#include <cmocka.h>

#define PAGE_BYTES	4096ULL
#define WORLD_NR_PAGES	256U
#define WORLD_BASE_PA	0x40000000ULL
#define WORLD_END	0x8000000000ULL	/* where memory ends, as the verifier is told: 512 GiB */

struct world {
	struct lu_phys phys;
	__u8 *memory;
	bool handed_over[WORLD_NR_PAGES];
	__u32 nr_reads[WORLD_NR_PAGES];	/* that the verifier made in this run */
	__u32 nr_used;
	__u32 reads_left;		/* when not 0: the last of so many finds nothing */
};

struct blob {
	void *bytes;			/* its own allocation, of exactly nr_bytes */
	__u64 nr_bytes;
};

struct world *world_new(void);
void world_free(struct world *world);
__u64 world_pages(struct world *world, __u32 nr_pages);
void *world_at(struct world *world, __u64 pa);
void world_take_back(struct world *world, __u64 pa);
__u64 world_list(struct world *world, const __u64 *pages, __u32 nr_pages);
bool world_verify_iommu(struct world *world, const struct blob *blob, struct lu_verdict *verdict);
bool world_verify_head(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict);
bool world_verify_blocks(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict);
bool world_verify_domain(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict);
bool world_verify_disjoint(struct world *world, const struct iommu_domain_ser *a, const struct iommu_domain_ser *b,
			   struct lu_verdict *verdict);

enum lu_compare_result world_compare(struct world *old_world, struct world *new_world, struct lu_compare *compare, __u32 max_tables);

struct blob blob_new(__u64 nr_bytes);
struct blob blob_new_iommu(const struct iommu_ser *counts);
struct blob blob_copy(const struct blob *blob, __u64 nr_bytes);
void blob_free(struct blob *blob);
void blob_seal(struct blob *blob);

static inline struct kho_blob_head *blob_head(const struct blob *blob)
{
	return blob->bytes;
}

static inline struct iommu_ser *blob_iommu(const struct blob *blob)
{
	return blob->bytes;
}

static inline struct iommu_unit_ser *blob_unit(const struct blob *blob, __u32 i)
{
	return (struct iommu_unit_ser *)lu_iommu_units(blob->bytes) + i;
}

static inline struct iommu_domain_ser *blob_domain(const struct blob *blob, __u32 i)
{
	return (struct iommu_domain_ser *)lu_iommu_domains(blob->bytes) + i;
}

static inline struct iommu_device_ser *blob_device(const struct blob *blob, __u32 i)
{
	return (struct iommu_device_ser *)lu_iommu_devices(blob->bytes) + i;
}

static inline struct iommu_pasid_ser *blob_pasid(const struct blob *blob, __u32 i)
{
	return (struct iommu_pasid_ser *)lu_iommu_pasids(blob->bytes) + i;
}

static inline struct iommu_alias_ser *blob_alias(const struct blob *blob, __u32 i)
{
	return (struct iommu_alias_ser *)lu_iommu_aliases(blob->bytes) + i;
}

/* The blob that most tests begin with; everything in it that may differ between two records does somewhere. */
#define GOOD_NR_UNITS	3U
#define GOOD_NR_DOMAINS	3U
#define GOOD_NR_DEVICES	7U
#define GOOD_NR_PASIDS	7U
#define GOOD_NR_ALIASES	9U
#define GOOD_DIR_BYTES	8192U	/* of device 0; the others have the smallest */
#define GOOD_NR_PAGES	5U	/* of unit 0 */
#define GOOD_IRT_BYTES	8192ULL

struct blob good_blob(struct world *world);

/*
 * Page tables. An entry is made by tables_map(), which adds the tables that are missing on the way; tables_domain() lists what there is.
 */
#define TABLES_READ	1ULL
#define TABLES_WRITE	2ULL
#define TABLES_SNOOP	2048ULL		/* of the second stage */
#define TABLES_USER	4ULL		/* of the first stage */
#define TABLES_LARGE	128ULL
/* Of AMD v1. */
#define TABLES_AMD_PRESENT	1ULL
#define TABLES_AMD_NEXT(level)	((__u64)(level) << 9)
#define TABLES_AMD_RUN		7U
#define TABLES_AMD_SNOOP	(1ULL << 60)
#define TABLES_AMD_READ		(1ULL << 61)
#define TABLES_AMD_WRITE	(1ULL << 62)
#define TABLES_MAX	127U		/* what a world has room for */

struct tables {
	struct world *world;
	unsigned int levels;
	__u8 format;
	__u64 bits;			/* that every entry gets */
	__u64 pa[TABLES_MAX];		/* in the order they were made: the top first */
	__u32 nr_tables;
};

struct tables *tables_new(struct world *world, unsigned int levels);
struct tables *tables_new_first_stage(struct world *world, unsigned int levels);
struct tables *tables_new_amd(struct world *world, unsigned int levels);
__u64 tables_large(const struct tables *tables, unsigned int level);
void tables_map_run(struct tables *tables, __u64 iova, __u64 pa, unsigned int level, unsigned int run_lg2, __u64 bits);
__u64 tables_add(struct tables *tables);
__u64 *tables_entry(struct tables *tables, __u64 iova, unsigned int level);
void tables_map(struct tables *tables, __u64 iova, __u64 pa, unsigned int level);
void tables_spread(struct tables *tables);
struct iommu_domain_ser tables_domain(struct tables *tables);

#define assert_refused(verdict, why) \
	assert_string_equal(lu_error_name((verdict)->error), lu_error_name(why))

#endif
