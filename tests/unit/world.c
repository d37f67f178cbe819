// SPDX-License-Identifier: GPL-2.0-or-later
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <sys/mman.h>

#include "world.h"

static bool world_index(__u64 pa, __u32 *index)
{
	if (pa < WORLD_BASE_PA || pa - WORLD_BASE_PA >= WORLD_NR_PAGES * PAGE_BYTES)
		return false;
	*index = (pa - WORLD_BASE_PA) / PAGE_BYTES;
	return true;
}

static bool world_handed_over(const struct world *world, __u64 pa, __u64 bytes, __u32 *first, __u32 *last)
{
	__u32 i;

	if (!bytes || pa + bytes < pa || !world_index(pa, first) || !world_index(pa + bytes - 1, last))
		return false;
	for (i = *first; i <= *last; i++)
		if (!world->handed_over[i])
			return false;
	return true;
}

static const void *world_read(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	struct world *world = phys->priv;
	const __u8 *at;
	__u32 first, last, i;

	if (world->reads_left && !--world->reads_left)
		return NULL;
	if (!world_handed_over(world, pa, bytes, &first, &last))
		return NULL;
	for (i = first; i <= last; i++)
		world->nr_reads[i]++;
	at = world->memory + (pa - WORLD_BASE_PA);
	ASAN_UNPOISON_MEMORY_REGION(at, bytes);
	return at;
}

/* Memory is between two pages that nobody may touch, for what ASan does not watch. */
struct world *world_new(void)
{
	const size_t bytes = (WORLD_NR_PAGES + 2) * PAGE_BYTES;
	struct world *world = calloc(1, sizeof(*world));
	__u8 *map;

	assert_non_null(world);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map, PAGE_BYTES, PROT_NONE), 0);
	assert_int_equal(mprotect(map + bytes - PAGE_BYTES, PAGE_BYTES, PROT_NONE), 0);
	world->memory = map + PAGE_BYTES;
	world->phys.read = world_read;
	world->phys.priv = world;
	world->phys.end = WORLD_END;
	return world;
}

void world_free(struct world *world)
{
	assert_int_equal(munmap(world->memory - PAGE_BYTES, (WORLD_NR_PAGES + 2) * PAGE_BYTES), 0);
	free(world);
}

/* Pages that were handed over, zeroed, one after the other. A page that was not follows, so that lists have an end that matters. */
__u64 world_pages(struct world *world, __u32 nr_pages)
{
	__u32 i, first = world->nr_used;

	assert_true(first + nr_pages + 1 <= WORLD_NR_PAGES);
	for (i = 0; i < nr_pages; i++)
		world->handed_over[first + i] = true;
	world->nr_used += nr_pages + 1;
	return WORLD_BASE_PA + first * PAGE_BYTES;
}

void *world_at(struct world *world, __u64 pa)
{
	__u32 index;

	assert_true(world_index(pa, &index));
	return world->memory + (pa - WORLD_BASE_PA);
}

void world_take_back(struct world *world, __u64 pa)
{
	__u32 index;

	assert_true(world_index(pa, &index));
	world->handed_over[index] = false;
}

/* A list in memory of its own, as long as it has to be. */
__u64 world_list(struct world *world, const __u64 *pages, __u32 nr_pages)
{
	__u64 pa = world_pages(world, (nr_pages * sizeof(*pages) + PAGE_BYTES - 1) / PAGE_BYTES);

	memcpy(world_at(world, pa), pages, nr_pages * sizeof(*pages));
	return pa;
}

static void world_begin(struct world *world)
{
	ASAN_POISON_MEMORY_REGION(world->memory, WORLD_NR_PAGES * PAGE_BYTES);
	memset(world->nr_reads, 0, sizeof(world->nr_reads));
}

static void world_end(struct world *world)
{
	ASAN_UNPOISON_MEMORY_REGION(world->memory, WORLD_NR_PAGES * PAGE_BYTES);
}

/* A verdict and what is returned must agree; the caller finds either. */
static bool world_agreed(bool accepted, const struct lu_verdict *verdict)
{
	assert_int_equal(accepted, verdict->error == LU_OK);
	return accepted;
}

bool world_verify_iommu(struct world *world, const struct blob *blob, struct lu_verdict *verdict)
{
	bool accepted;

	*verdict = (struct lu_verdict){ .error = LU_NR_ERRORS };
	world_begin(world);
	accepted = lu_verify_iommu(blob->bytes, blob->nr_bytes, &world->phys, verdict);
	world_end(world);
	return world_agreed(accepted, verdict);
}

static bool world_verify_by(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict,
			    bool (*verify)(const struct iommu_domain_ser *, const struct lu_phys *, struct lu_verdict *))
{
	bool accepted;

	*verdict = (struct lu_verdict){ .error = LU_NR_ERRORS };
	world_begin(world);
	accepted = verify(domain, &world->phys, verdict);
	world_end(world);
	return world_agreed(accepted, verdict);
}

bool world_verify_head(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict)
{
	return world_verify_by(world, domain, verdict, lu_verify_domain_head);
}

bool world_verify_blocks(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict)
{
	return world_verify_by(world, domain, verdict, lu_verify_domain_blocks);
}

bool world_verify_domain(struct world *world, const struct iommu_domain_ser *domain, struct lu_verdict *verdict)
{
	const bool reads_fail = world->reads_left;
	struct lu_scratch scratch;
	bool accepted;

	/* As the kernel does: what fails here is not walked. What the short check refuses, the long one does, for a reason of its own. */
	accepted = world_verify_head(world, domain, verdict);
	if (!accepted && reads_fail)
		return false;
	assert_int_equal(world_verify_blocks(world, domain, verdict) && !accepted, false);
	if (verdict->error)
		return false;
	scratch.nr_pages = lu_domain_pages(domain, &world->phys);
	scratch.first = calloc(domain->nr_blocks, sizeof(*scratch.first));
	scratch.seen = malloc((scratch.nr_pages + 7) / 8);
	assert_non_null(scratch.first);
	assert_non_null(scratch.seen);
	memset(scratch.seen, 0, (scratch.nr_pages + 7) / 8);
	*verdict = (struct lu_verdict){ .error = LU_NR_ERRORS };
	world_begin(world);
	accepted = lu_verify_domain(domain, &world->phys, &scratch, verdict);
	world_end(world);
	free(scratch.first);
	free(scratch.seen);
	return world_agreed(accepted, verdict);
}

bool world_verify_disjoint(struct world *world, const struct iommu_domain_ser *a, const struct iommu_domain_ser *b,
			   struct lu_verdict *verdict)
{
	bool disjoint;

	verdict->error = LU_OK;
	world_begin(world);
	disjoint = lu_verify_disjoint(a, b, &world->phys, verdict);
	world_end(world);
	return disjoint;
}

/* The two tables may lie in one world, or each in its own. */
enum lu_compare_result world_compare(struct world *old_world, struct world *new_world, struct lu_compare *compare, __u32 max_tables)
{
	enum lu_compare_result result;

	world_begin(old_world);
	world_begin(new_world);
	result = lu_compare(compare, max_tables);
	world_end(old_world);
	world_end(new_world);
	return result;
}

struct blob blob_new(__u64 nr_bytes)
{
	struct blob blob = { .bytes = calloc(1, nr_bytes), .nr_bytes = nr_bytes };

	assert_non_null(blob.bytes);
	return blob;
}

/* A blob of the IOMMU core: its head, and zeroes for as many records as there are to be. */
struct blob blob_new_iommu(const struct iommu_ser *counts)
{
	struct blob blob = blob_new(lu_iommu_bytes(counts));

	*blob_iommu(&blob) = *counts;
	blob_head(&blob)->magic = IOMMU_SER_MAGIC;
	blob_head(&blob)->version = IOMMU_SER_VERSION;
	blob_head(&blob)->length_bytes = blob.nr_bytes;
	return blob;
}

/* The first bytes of a blob, or all of them and zeroes. */
struct blob blob_copy(const struct blob *from, __u64 nr_bytes)
{
	struct blob blob = blob_new(nr_bytes);

	memcpy(blob.bytes, from->bytes, nr_bytes < from->nr_bytes ? nr_bytes : from->nr_bytes);
	return blob;
}

void blob_free(struct blob *blob)
{
	free(blob->bytes);
	blob->bytes = NULL;
}

/* Make the checksum right, so that what is wrong is found by the check that is there for it. */
void blob_seal(struct blob *blob)
{
	blob_head(blob)->crc32 = lu_blob_crc32(blob->bytes, blob_head(blob)->length_bytes);
}

static void good_units(struct world *world, const struct blob *blob)
{
	struct iommu_unit_ser *unit = blob_unit(blob, 0);
	__u64 pages[GOOD_NR_PAGES];
	__u64 irt_pa;
	__u32 i;

	/* Not all in a row, and the root not first. */
	for (i = 0; i < GOOD_NR_PAGES; i++)
		pages[i] = world_pages(world, 1);
	do {
		irt_pa = world_pages(world, GOOD_IRT_BYTES / PAGE_BYTES);
	} while (irt_pa % GOOD_IRT_BYTES);
	*unit = (struct iommu_unit_ser){
		.id = 0xfed90000, .driver = IOMMU_SER_DRIVER_VTD, .flags = IOMMU_UNIT_SER_SCALABLE,
		.root_pa = pages[2], .pages_pa = world_list(world, pages, GOOD_NR_PAGES), .nr_pages = GOOD_NR_PAGES,
		.irt_pa = irt_pa, .irt_bytes = GOOD_IRT_BYTES,
	};

	pages[0] = world_pages(world, 2);
	pages[1] = pages[0] + PAGE_BYTES;
	*blob_unit(blob, 1) = (struct iommu_unit_ser){
		.id = 0xfed91000, .driver = IOMMU_SER_DRIVER_VTD, .root_pa = pages[0],
		.pages_pa = world_list(world, pages, 2), .nr_pages = 2,
		.irt_pa = world_pages(world, 1), .irt_bytes = PAGE_BYTES,	/* the smallest */
	};

	/* No device is behind it. */
	pages[0] = world_pages(world, 1);
	*blob_unit(blob, 2) = (struct iommu_unit_ser){
		.id = 0xfed92000, .driver = IOMMU_SER_DRIVER_VTD, .root_pa = pages[0],
		.pages_pa = world_list(world, pages, 1), .nr_pages = 1,
	};
}

/* Tokens belong to their iommufd: the same one twice. */
static void good_domains(struct world *world, const struct blob *blob)
{
	static const struct { __u64 iommufd_id, token; } who[GOOD_NR_DOMAINS] = { { 1, 7 }, { 1, 8 }, { 2, 7 } };
	__u32 i;

	for (i = 0; i < GOOD_NR_DOMAINS; i++) {
		struct tables *tables = tables_new(world, 3 + i);

		tables_spread(tables);
		*blob_domain(blob, i) = tables_domain(tables);
		blob_domain(blob, i)->iommufd_id = who[i].iommufd_id;
		blob_domain(blob, i)->token = who[i].token;
		free(tables);
	}
}

/*
 * Two devices share a domain and its tag; two units use the same tag for different domains; a domain has another tag on each unit;
 * tags are the smallest and the largest; a requester ID is on two segments. The last two devices have tags of their own, and a domain of
 * which others have as well. Each segment has devices on two buses.
 */
static void good_devices(const struct blob *blob)
{
	static const struct iommu_device_ser devices[GOOD_NR_DEVICES] = {
		{ .segment = 0, .rid = 0x18, .unit = 0, .domain = 0, .tag = 2 },
		{ .segment = 0, .rid = 0x20, .unit = 0, .domain = 0, .tag = 2 },
		{ .segment = 0, .rid = 0xff28, .unit = 0, .domain = 1, .tag = 65535 },
		{ .segment = 1, .rid = 0x18, .unit = 1, .domain = 2, .tag = 2 },
		{ .segment = 1, .rid = 0x20, .unit = 1, .domain = 0, .tag = 3 },
		{ .segment = 1, .rid = 0x28, .unit = 1, .domain = 0, .tag = 40, .flags = IOMMU_DEVICE_SER_OWN_TAG },
		{ .segment = 1, .rid = 0xff30, .unit = 1, .domain = 1, .tag = 41, .flags = IOMMU_DEVICE_SER_OWN_TAG },
	};
	__u32 i;

	for (i = 0; i < GOOD_NR_DEVICES; i++)
		*blob_device(blob, i) = devices[i];
}

/* The three devices behind the scalable unit have directories, and those with tags of their own: a small one, and the largest. */
static void good_dirs(struct world *world, const struct blob *blob)
{
	static const __u8 bits[GOOD_NR_DEVICES] = { 16, 15, 15, 0, 0, 9, IOMMU_SER_PASID_DIR_MAX_BITS };
	__u32 i;

	for (i = 0; i < GOOD_NR_DEVICES; i++) {
		if (!bits[i])
			continue;
		blob_device(blob, i)->pasid_bits = bits[i];
		blob_device(blob, i)->pasid_dir_bytes = i ? PAGE_BYTES : GOOD_DIR_BYTES;
		do {
			blob_device(blob, i)->pasid_dir_pa = world_pages(world, blob_device(blob, i)->pasid_dir_bytes / PAGE_BYTES);
		} while (blob_device(blob, i)->pasid_dir_pa % blob_device(blob, i)->pasid_dir_bytes);
	}
}

/* The smallest, and the largest that fits, and that there is; a PASID on two devices; a domain that no device has without PASID on this unit. */
static void good_pasids(const struct blob *blob)
{
	static const struct iommu_pasid_ser pasids[GOOD_NR_PASIDS] = {
		{ .device = 0, .pasid = 1, .domain = 1, .tag = 65535 },
		{ .device = 0, .pasid = GOOD_DIR_BYTES * 8 - 1, .domain = 0, .tag = 2 },
		{ .device = 2, .pasid = 1, .domain = 2, .tag = 77 },
		{ .device = 2, .pasid = 5, .domain = 2, .tag = 77 },
		{ .device = 5, .pasid = 1, .domain = 1, .tag = 40 },
		{ .device = 5, .pasid = 511, .domain = 2, .tag = 40 },
		{ .device = 6, .pasid = 0xfffff, .domain = 1, .tag = 41 },
	};
	__u32 i;

	for (i = 0; i < GOOD_NR_PASIDS; i++)
		*blob_pasid(blob, i) = pasids[i];
}

/*
 * The smallest ID of a bus, the largest, and the largest that there is; below and above that of the device; of devices with PASIDs and
 * without, and with a tag of their own. In the other segment an ID may be an alias, too, or a device, whichever comes first.
 */
static void good_aliases(const struct blob *blob)
{
	static const struct iommu_alias_ser aliases[GOOD_NR_ALIASES] = {
		{ .device = 0, .rid = 0 },
		{ .device = 0, .rid = 0x29 },
		{ .device = 0, .rid = 0xff },
		{ .device = 1, .rid = 0x28 },		/* of device 5 */
		{ .device = 2, .rid = 0xff00 },
		{ .device = 3, .rid = 0x29 },		/* as device 0 has */
		{ .device = 3, .rid = 0x38 },
		{ .device = 6, .rid = 0xff28 },		/* of device 2 */
		{ .device = 6, .rid = 0xffff },
	};
	__u32 i;

	for (i = 0; i < GOOD_NR_ALIASES; i++)
		*blob_alias(blob, i) = aliases[i];
}

struct blob good_blob(struct world *world)
{
	static const struct iommu_ser counts = {
		.nr_units = GOOD_NR_UNITS, .nr_domains = GOOD_NR_DOMAINS, .nr_devices = GOOD_NR_DEVICES,
		.nr_pasids = GOOD_NR_PASIDS, .nr_aliases = GOOD_NR_ALIASES,
	};
	struct blob blob = blob_new_iommu(&counts);

	good_units(world, &blob);
	good_domains(world, &blob);
	good_devices(&blob);
	good_dirs(world, &blob);
	good_pasids(&blob);
	good_aliases(&blob);
	blob_seal(&blob);
	return blob;
}

struct tables *tables_new(struct world *world, unsigned int levels)
{
	struct tables *tables = calloc(1, sizeof(*tables));

	assert_non_null(tables);
	tables->world = world;
	tables->levels = levels;
	tables->format = IOMMU_SER_FORMAT_VTDSS;
	tables->bits = TABLES_READ | TABLES_WRITE;
	tables_add(tables);
	return tables;
}

struct tables *tables_new_first_stage(struct world *world, unsigned int levels)
{
	struct tables *tables = tables_new(world, levels);

	tables->format = IOMMU_SER_FORMAT_X86_64;
	tables->bits |= TABLES_USER;
	return tables;
}

struct tables *tables_new_amd(struct world *world, unsigned int levels)
{
	struct tables *tables = tables_new(world, levels);

	tables->format = IOMMU_SER_FORMAT_AMDV1;
	tables->bits = TABLES_AMD_PRESENT | TABLES_AMD_READ | TABLES_AMD_WRITE;
	return tables;
}

/* What a leaf above level 0 has, and a table has not. */
__u64 tables_large(const struct tables *tables, unsigned int level)
{
	return level && tables->format != IOMMU_SER_FORMAT_AMDV1 ? TABLES_LARGE : 0;
}

__u64 tables_add(struct tables *tables)
{
	assert_true(tables->nr_tables < TABLES_MAX);
	tables->pa[tables->nr_tables] = world_pages(tables->world, 1);
	return tables->pa[tables->nr_tables++];
}

/* The entry that translates @iova at @level, 0 being that of 4 KiB leaves; tables on the way to it are made. */
__u64 *tables_entry(struct tables *tables, __u64 iova, unsigned int level)
{
	unsigned int at = tables->levels - 1;
	__u64 pa = tables->pa[0];

	for (;; at--) {
		__u64 *entry = (__u64 *)world_at(tables->world, pa) + ((iova >> (12 + 9 * at)) & 511);

		if (at == level)
			return entry;
		if (!*entry)
			*entry = tables_add(tables) | tables->bits |
				 (tables->format == IOMMU_SER_FORMAT_AMDV1 ? TABLES_AMD_NEXT(at) : 0);
		pa = *entry & 0x000ffffffffff000ULL;
	}
}

void tables_map(struct tables *tables, __u64 iova, __u64 pa, unsigned int level)
{
	*tables_entry(tables, iova, level) = pa | tables->bits | tables_large(tables, level);
}

/* AMD v1: 2^@run_lg2 entries, 1 to 8, that map one page together. */
void tables_map_run(struct tables *tables, __u64 iova, __u64 pa, unsigned int level, unsigned int run_lg2, __u64 bits)
{
	const __u64 half = 1ULL << (12 + 9 * level + run_lg2 - 1);
	__u64 *entry = tables_entry(tables, iova, level);
	unsigned int i;

	for (i = 0; i < 1U << run_lg2; i++)
		entry[i] = pa | (half - 0x1000) | bits | TABLES_AMD_NEXT(TABLES_AMD_RUN);
}

/* A leaf of each size, in the first and in the last entries that can hold one. */
void tables_spread(struct tables *tables)
{
	const __u64 end = 1ULL << (12 + 9 * tables->levels);
	const __u64 gib = 1ULL << 30;

	tables_map(tables, 0, 0x1000, 0);
	tables_map(tables, 2ULL << 21, 0, 1);
	tables_map(tables, 2 * gib, gib, 2);
	tables_map(tables, end - gib, WORLD_END - gib, 2);
	tables_map(tables, end - gib - (1ULL << 21), WORLD_END - (1ULL << 21), 1);
	tables_map(tables, end - gib - (1ULL << 21) - 0x1000, WORLD_END - 0x1000, 0);
}

static int tables_compare(const void *a, const void *b)
{
	const __u64 *pa = a, *pb = b;

	return *pa < *pb ? -1 : *pa > *pb;
}

struct iommu_domain_ser tables_domain(struct tables *tables)
{
	__u64 sorted[TABLES_MAX];

	memcpy(sorted, tables->pa, tables->nr_tables * sizeof(*sorted));
	qsort(sorted, tables->nr_tables, sizeof(*sorted), tables_compare);
	return (struct iommu_domain_ser){
		.iommufd_id = 1, .token = 1, .format = tables->format, .levels = tables->levels,
		.top_pa = tables->pa[0], .nr_tables = tables->nr_tables,
		.blocks_pa = world_list(tables->world, sorted, tables->nr_tables), .nr_blocks = tables->nr_tables,
	};
}
