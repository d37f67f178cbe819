// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk of a domain's tables. */
#include "world.h"

#define GIB	(1ULL << 30)
#define MIB	(1ULL << 20)

struct fixture {
	struct world *world;
	struct tables *tables;
	struct lu_verdict verdict;
};

static struct fixture begin(unsigned int levels)
{
	struct fixture fixture = { .world = world_new() };

	fixture.tables = tables_new(fixture.world, levels);
	return fixture;
}

static void end(struct fixture *fixture)
{
	free(fixture->tables);
	world_free(fixture->world);
}

static void verify(struct fixture *fixture)
{
	struct iommu_domain_ser domain = tables_domain(fixture->tables);

	world_verify_domain(fixture->world, &domain, &fixture->verdict);
}

static void expect(struct fixture *fixture, enum lu_error error)
{
	verify(fixture);
	assert_refused(&fixture->verdict, error);
}

static void expect_at(struct fixture *fixture, enum lu_error error, __u64 address)
{
	expect(fixture, error);
	assert_int_equal(fixture->verdict.address, address);
}

/* Of every number of levels, as tests of what does not depend on it are. */
#define for_each_levels(levels)	for ((levels) = 3; (levels) <= 5; (levels)++)

static void good_is_accepted(void **state)
{
	unsigned int levels;

	(void)state;
	for_each_levels(levels) {
		struct fixture fixture = begin(levels);

		expect(&fixture, LU_OK);		/* nothing mapped */
		tables_spread(fixture.tables);
		expect(&fixture, LU_OK);
		assert_int_equal(fixture.tables->nr_tables, 2 * levels - 1);
		end(&fixture);
	}
}

/* More tables than a byte of the scratch has bits, and than a word has. */
static void many_tables_are_accepted(void **state)
{
	unsigned int levels, nr_tables;

	(void)state;
	for_each_levels(levels)
		for (nr_tables = 1; nr_tables < 30; nr_tables++) {
			struct fixture fixture = begin(levels);
			unsigned int i;

			for (i = 0; i < nr_tables; i++)
				tables_map(fixture.tables, (511 - i) * 2 * MIB, i * PAGE_BYTES, 0);
			expect(&fixture, LU_OK);
			end(&fixture);
		}
}

static void what_is_not_present_is_not_looked_at(void **state)
{
	unsigned int levels, level;

	(void)state;
	for_each_levels(levels) {
		struct fixture fixture = begin(levels);

		tables_spread(fixture.tables);
		for (level = 0; level < levels; level++)
			*tables_entry(fixture.tables, 8 * PAGE_BYTES + 8 * 2 * MIB, level) |= level ? 0 : ~3ULL;
		*tables_entry(fixture.tables, 9 * GIB, 2) = 0xfffffffffffffffcULL;
		expect(&fixture, LU_OK);
		end(&fixture);
	}
}

/* Either permission makes an entry present; what the hardware ignores may be anything. */
static void each_present_entry_is_looked_at(void **state)
{
	unsigned int levels;

	(void)state;
	for_each_levels(levels) {
		struct fixture fixture = begin(levels);

		*tables_entry(fixture.tables, PAGE_BYTES, 0) = PAGE_BYTES | TABLES_READ;
		*tables_entry(fixture.tables, 2 * PAGE_BYTES, 0) = PAGE_BYTES | TABLES_WRITE;
		expect(&fixture, LU_OK);
		*tables_entry(fixture.tables, PAGE_BYTES, 0) |= 0x7ff0000000000f7cULL;
		*tables_entry(fixture.tables, PAGE_BYTES, 1) |= 0x7ff0000000000f7cULL;
		expect(&fixture, LU_OK);
		/* Large at the level of the smallest leaves means nothing. */
		*tables_entry(fixture.tables, PAGE_BYTES, 0) |= TABLES_LARGE;
		expect(&fixture, LU_OK);

		*tables_entry(fixture.tables, 3 * PAGE_BYTES, 0) = WORLD_END | TABLES_READ;
		expect_at(&fixture, LU_ERR_RANGE, 3 * PAGE_BYTES);
		*tables_entry(fixture.tables, 3 * PAGE_BYTES, 0) = WORLD_END | TABLES_WRITE;
		expect_at(&fixture, LU_ERR_RANGE, 3 * PAGE_BYTES);
		end(&fixture);
	}
}

static void leaves_are_in_memory(void **state)
{
	static const __u64 bytes[3] = { PAGE_BYTES, 2 * MIB, GIB };
	unsigned int levels, level;

	(void)state;
	for_each_levels(levels)
		for (level = 0; level < 3; level++) {
			const __u64 iova = bytes[level] * 511;
			struct fixture fixture = begin(levels);

			tables_map(fixture.tables, iova, WORLD_END - bytes[level], level);
			expect(&fixture, LU_OK);
			*tables_entry(fixture.tables, iova, level) += bytes[level];
			expect_at(&fixture, LU_ERR_RANGE, iova);
			*tables_entry(fixture.tables, iova, level) |= 0x000fffffc0000000ULL;
			expect_at(&fixture, LU_ERR_RANGE, iova);
			/* Memory that ends within a large leaf. */
			tables_map(fixture.tables, iova, WORLD_END - bytes[level], level);
			fixture.world->phys.end = WORLD_END - 1;
			expect_at(&fixture, LU_ERR_RANGE, iova);
			end(&fixture);
		}
}

static void first_and_last_leaf_are_looked_at(void **state)
{
	static const __u64 bytes[3] = { PAGE_BYTES, 2 * MIB, GIB };
	unsigned int levels, level, index;

	(void)state;
	for_each_levels(levels)
		for (level = 0; level < 3; level++)
			for (index = 0; index < 512; index += 511) {
				const __u64 iova = bytes[level] * index;
				struct fixture fixture = begin(levels);

				tables_map(fixture.tables, iova, WORLD_END, level);
				expect_at(&fixture, LU_ERR_RANGE, iova);
				/* Memory that ends within it, however small that is. */
				tables_map(fixture.tables, iova, 0, level);
				expect(&fixture, LU_OK);
				fixture.world->phys.end = bytes[level] - 1;
				expect_at(&fixture, LU_ERR_RANGE, iova);
				end(&fixture);
			}
}

static void large_leaves_are_aligned(void **state)
{
	unsigned int levels, bit;

	(void)state;
	for_each_levels(levels) {
		struct fixture fixture = begin(levels);

		for (bit = 12; bit < 30; bit++) {
			tables_map(fixture.tables, 5 * GIB, 4 * GIB | 1ULL << bit, 2);
			expect_at(&fixture, LU_ERR_ENTRY, 5 * GIB);
		}
		tables_map(fixture.tables, 5 * GIB, 4 * GIB | 1ULL << 30, 2);
		expect(&fixture, LU_OK);
		for (bit = 12; bit < 21; bit++) {
			tables_map(fixture.tables, 6 * MIB, 4 * MIB | 1ULL << bit, 1);
			expect_at(&fixture, LU_ERR_ENTRY, 6 * MIB);
		}
		tables_map(fixture.tables, 6 * MIB, 4 * MIB | 1ULL << 21, 1);
		expect(&fixture, LU_OK);
		end(&fixture);
	}
}

/* There are no leaves of 512 GiB. */
static void no_leaf_is_larger(void **state)
{
	unsigned int levels, level;

	(void)state;
	for (levels = 4; levels <= 5; levels++)
		for (level = 3; level < levels; level++) {
			const __u64 iova = 3ULL << (12 + 9 * level);
			struct fixture fixture = begin(levels);

			tables_map(fixture.tables, iova, 0, level);
			expect_at(&fixture, LU_ERR_ENTRY, iova);
			end(&fixture);
		}
}

static void a_cycle_is_found(void **state)
{
	unsigned int levels, level, to;

	(void)state;
	for_each_levels(levels)
		for (level = 1; level < levels; level++)
			for (to = level; to < levels; to++) {
				struct fixture fixture = begin(levels);
				__u32 table = levels - 1 - to;

				/* Tables are made from the top down: the one of level @to, which leads here, is known by that. */
				tables_map(fixture.tables, 0, 0, 0);
				*tables_entry(fixture.tables, 1ULL << (12 + 9 * level), level) =
					fixture.tables->pa[table] | TABLES_READ;
				expect_at(&fixture, LU_ERR_TABLE_TWICE, fixture.tables->pa[table]);
				end(&fixture);
			}
}

static void a_shared_table_is_found(void **state)
{
	unsigned int levels, level;

	(void)state;
	for_each_levels(levels)
		for (level = 1; level < levels; level++) {
			struct fixture fixture = begin(levels);

			tables_map(fixture.tables, 0, 0, 0);
			*tables_entry(fixture.tables, 7ULL << (12 + 9 * level), level) =
				*tables_entry(fixture.tables, 0, level);
			expect_at(&fixture, LU_ERR_TABLE_TWICE, fixture.tables->pa[levels - level]);
			end(&fixture);
		}
}

/* The page is one that was handed over, so that it is not for that reason that it is refused. */
static void an_unlisted_table_is_found(void **state)
{
	unsigned int levels, level;

	(void)state;
	for_each_levels(levels)
		for (level = 1; level < levels; level++) {
			struct fixture fixture = begin(levels);
			__u64 page = world_pages(fixture.world, 1);

			tables_map(fixture.tables, 0, 0, 0);
			*tables_entry(fixture.tables, 7ULL << (12 + 9 * level), level) = page | TABLES_WRITE;
			expect_at(&fixture, LU_ERR_TABLE_UNLISTED, page);
			end(&fixture);
		}
}

static void an_unlisted_top_is_found(void **state)
{
	struct fixture fixture = begin(4);
	struct iommu_domain_ser domain;

	(void)state;
	tables_spread(fixture.tables);
	domain = tables_domain(fixture.tables);
	domain.top_pa = world_pages(fixture.world, 1);
	assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
	assert_refused(&fixture.verdict, LU_ERR_TABLE_UNLISTED);
	/* An address within the top table is not the top table. */
	domain.top_pa = fixture.tables->pa[0] + 8;
	assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
	assert_refused(&fixture.verdict, LU_ERR_ALIGNMENT);
	end(&fixture);
}

static void an_unused_table_is_found(void **state)
{
	unsigned int levels;

	(void)state;
	for_each_levels(levels) {
		struct fixture fixture = begin(levels);
		__u32 used;

		tables_spread(fixture.tables);
		used = fixture.tables->nr_tables;
		tables_add(fixture.tables);
		expect(&fixture, LU_ERR_TABLE_UNUSED);
		assert_int_equal(fixture.verdict.index, used);
		end(&fixture);
	}
}

/* A walk of more levels takes leaves for tables, one of fewer takes tables for leaves. */
static void wrong_number_of_levels_is_found(void **state)
{
	struct fixture fixture = begin(4);
	struct iommu_domain_ser domain;

	(void)state;
	tables_map(fixture.tables, 0, 0x1000, 0);
	domain = tables_domain(fixture.tables);
	domain.levels = 5;
	assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
	assert_refused(&fixture.verdict, LU_ERR_TABLE_UNLISTED);
	domain.levels = 3;
	assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
	assert_refused(&fixture.verdict, LU_ERR_TABLE_UNUSED);
	end(&fixture);
}

/* As the record says that the format is, and not as it looks: what they have in common is an address and a bit. */
static void unknown_kind_is_refused(void **state)
{
	static const struct { __u8 format, levels; } kinds[] = {
		{ 0, 4 }, { 4, 4 }, { 255, 4 }, { IOMMU_SER_FORMAT_VTDSS, 0 }, { IOMMU_SER_FORMAT_VTDSS, 2 }, { IOMMU_SER_FORMAT_VTDSS, 6 },
		{ IOMMU_SER_FORMAT_X86_64, 3 }, { IOMMU_SER_FORMAT_X86_64, 6 }, { IOMMU_SER_FORMAT_AMDV1, 2 }, { IOMMU_SER_FORMAT_AMDV1, 6 },
	};
	struct fixture fixture = begin(4);
	struct iommu_domain_ser domain = tables_domain(fixture.tables);
	__u32 i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		domain.format = kinds[i].format;
		domain.levels = kinds[i].levels;
		assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
		assert_refused(&fixture.verdict, LU_ERR_KIND);
		assert_int_equal(fixture.verdict.index, 0);
		assert_int_equal(fixture.verdict.address, domain.top_pa);
	}
	end(&fixture);
}

static struct fixture begin_first_stage(unsigned int levels)
{
	struct fixture fixture = { .world = world_new() };

	fixture.tables = tables_new_first_stage(fixture.world, levels);
	return fixture;
}

static void first_stage_is_walked(void **state)
{
	unsigned int levels, bit, level;

	(void)state;
	for (levels = 4; levels <= 5; levels++) {
		/* The upper half is at the upper end of 64 bits. */
		const __u64 upper = ~0ULL << (11 + 9 * levels);
		struct fixture fixture = begin_first_stage(levels);

		expect(&fixture, LU_OK);
		tables_map(fixture.tables, 0, 0x1000, 0);
		tables_map(fixture.tables, 2ULL << 21, 0, 1);
		tables_map(fixture.tables, 2 * GIB, GIB, 2);
		tables_map(fixture.tables, upper, WORLD_END - GIB, 2);
		tables_map(fixture.tables, -GIB, WORLD_END - GIB, 2);
		expect(&fixture, LU_OK);

		/* It is bit 0 that makes an entry present, whoever may pass it. */
		*tables_entry(fixture.tables, 0x5000, 0) = ~1ULL;
		*tables_entry(fixture.tables, 5 * GIB, 2) = ~1ULL;
		expect(&fixture, LU_OK);
		*tables_entry(fixture.tables, 0x5000, 0) = WORLD_END | 1;
		expect_at(&fixture, LU_ERR_RANGE, 0x5000);
		*tables_entry(fixture.tables, 0x5000, 0) = 0xfff0000000000fffULL;
		expect(&fixture, LU_OK);

		/* Bit 12 of a large leaf is one of its memory type. */
		for (level = 1; level <= 2; level++)
			for (bit = 12; bit < 12 + 9 * level; bit++) {
				tables_map(fixture.tables, 2ULL << (12 + 9 * level), 1ULL << bit, level);
				if (bit == 12)
					expect(&fixture, LU_OK);
				else
					expect_at(&fixture, LU_ERR_ENTRY, 2ULL << (12 + 9 * level));
				*tables_entry(fixture.tables, 2ULL << (12 + 9 * level), level) = 0;
			}
		for (level = 3; level < levels; level++) {
			tables_map(fixture.tables, upper + (1ULL << (12 + 9 * level)), 0, level);
			expect_at(&fixture, LU_ERR_ENTRY, upper + (1ULL << (12 + 9 * level)));
			*tables_entry(fixture.tables, upper + (1ULL << (12 + 9 * level)), level) = 0;
		}
		*tables_entry(fixture.tables, upper, 2) += GIB;
		expect_at(&fixture, LU_ERR_RANGE, upper);
		end(&fixture);
	}
}

static void list_is_checked_first(void **state)
{
	struct fixture fixture = begin(3);
	struct iommu_domain_ser good, domain;
	__u64 *list;

	(void)state;
	tables_spread(fixture.tables);
	good = tables_domain(fixture.tables);
	list = world_at(fixture.world, good.blocks_pa);

#define EXPECT_REFUSED(error) do {									\
		assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));		\
		assert_refused(&fixture.verdict, error);						\
		assert_int_equal(fixture.verdict.index, 0);						\
		domain = good;										\
	} while (0)

	domain = good;
	domain.nr_blocks = 0;
	EXPECT_REFUSED(LU_ERR_COUNT);
	domain.nr_blocks = IOMMU_SER_MAX_PAGES + 1;
	EXPECT_REFUSED(LU_ERR_COUNT);
	domain.nr_blocks = ~0U;
	EXPECT_REFUSED(LU_ERR_COUNT);
	domain.blocks_pa += 8;
	EXPECT_REFUSED(LU_ERR_ALIGNMENT);
	domain.blocks_pa = WORLD_BASE_PA - PAGE_BYTES;
	EXPECT_REFUSED(LU_ERR_RANGE);
	domain.nr_blocks = 513;
	EXPECT_REFUSED(LU_ERR_RANGE);
	domain.nr_blocks++;
	EXPECT_REFUSED(LU_ERR_DUPLICATE);
	domain.nr_blocks--;
	EXPECT_REFUSED(LU_ERR_TABLE_UNLISTED);
	/* One too many, one too few. */
	domain.nr_tables--;
	assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
	assert_refused(&fixture.verdict, LU_ERR_COUNT);
	assert_int_equal(fixture.verdict.index, good.nr_tables);
	domain = good;
	domain.nr_tables++;
	assert_false(world_verify_domain(fixture.world, &domain, &fixture.verdict));
	assert_refused(&fixture.verdict, LU_ERR_TABLE_UNUSED);
	assert_int_equal(fixture.verdict.index, good.nr_tables);
	domain = good;
	/* An order of 10, of 4088. */
	list[0] += 10;
	EXPECT_REFUSED(LU_ERR_ALIGNMENT);
	list[0] -= 18;
	EXPECT_REFUSED(LU_ERR_ALIGNMENT);
	list[0] += 8;
	list[1] = list[0];
	EXPECT_REFUSED(LU_ERR_DUPLICATE);
	list[1] = list[0] - PAGE_BYTES;
	EXPECT_REFUSED(LU_ERR_DUPLICATE);
	list[1] = list[0] + PAGE_BYTES;
	EXPECT_REFUSED(LU_ERR_RANGE);
	end(&fixture);
}

/* Two blocks of 16 pages, where memory begins, so that they are aligned; three tables in the first, in no order. */
struct arena {
	struct world *world;
	__u64 base_pa;
	struct iommu_domain_ser domain;
	__u64 *list;
	struct lu_verdict verdict;
};

#define ARENA_PAGES 16U

static struct arena arena_new(void)
{
	struct arena arena = { .world = world_new() };
	__u64 *top;
	__u64 list_pa;

	arena.base_pa = world_pages(arena.world, 2 * ARENA_PAGES);
	list_pa = world_pages(arena.world, 1);
	arena.list = world_at(arena.world, list_pa);
	arena.list[0] = arena.base_pa | 4;
	arena.domain = (struct iommu_domain_ser){ .iommufd_id = 1, .format = IOMMU_SER_FORMAT_VTDSS, .levels = 3,
						  .top_pa = arena.base_pa + 9 * PAGE_BYTES, .nr_tables = 3, .blocks_pa = list_pa,
						  .nr_blocks = 1 };
	/* The last page of the block, and from there the first. */
	top = world_at(arena.world, arena.domain.top_pa);
	top[511] = (arena.base_pa + 15 * PAGE_BYTES) | TABLES_READ;
	*(__u64 *)world_at(arena.world, arena.base_pa + 15 * PAGE_BYTES) = arena.base_pa | TABLES_READ;
	return arena;
}

static void arena_expect(struct arena *arena, enum lu_error error)
{
	bool accepted = world_verify_domain(arena->world, &arena->domain, &arena->verdict);

	assert_int_equal(accepted, error == LU_OK);
	assert_int_equal(arena->verdict.error, error);
}

static void a_block_of_many_pages_is_accepted(void **state)
{
	struct arena arena = arena_new();

	(void)state;
	arena_expect(&arena, LU_OK);
	/* The same in pieces of other sizes, but for the pages that are no tables. */
	arena.list[0] = arena.base_pa | 1;
	arena.list[1] = (arena.base_pa + 8 * PAGE_BYTES) | 2;
	arena.list[2] = arena.base_pa + 15 * PAGE_BYTES;
	arena.domain.nr_blocks = 3;
	arena_expect(&arena, LU_OK);
	world_free(arena.world);
}

static void tables_beside_blocks_are_found(void **state)
{
	struct arena arena = arena_new();

	(void)state;
	/* A block of half the size: the top table, and what it leads to, is beyond it; then the lower half of the upper. */
	arena.list[0] = arena.base_pa | 3;
	arena_expect(&arena, LU_ERR_TABLE_UNLISTED);
	assert_int_equal(arena.verdict.address, arena.domain.top_pa);
	arena.list[0] = (arena.base_pa + 8 * PAGE_BYTES) | 3;
	arena_expect(&arena, LU_ERR_TABLE_UNLISTED);
	assert_int_equal(arena.verdict.address, arena.base_pa);
	arena.list[0] = (arena.base_pa + 8 * PAGE_BYTES) | 2;
	arena_expect(&arena, LU_ERR_TABLE_UNLISTED);
	assert_int_equal(arena.verdict.address, arena.base_pa + 15 * PAGE_BYTES);
	/* The top table on the very page behind a block. */
	arena.list[0] = arena.base_pa | 3;
	arena.domain.top_pa = arena.base_pa + 8 * PAGE_BYTES;
	arena_expect(&arena, LU_ERR_TABLE_UNLISTED);
	world_free(arena.world);
}

/* Each page of a block is one of its own to the walk. */
static void a_table_met_twice_in_a_block_is_found(void **state)
{
	struct arena arena = arena_new();
	__u64 *top = world_at(arena.world, arena.domain.top_pa);

	(void)state;
	top[0] = arena.base_pa | TABLES_READ;
	arena_expect(&arena, LU_ERR_TABLE_TWICE);
	assert_int_equal(arena.verdict.address, arena.base_pa);
	top[0] = arena.domain.top_pa | TABLES_READ;
	arena_expect(&arena, LU_ERR_TABLE_TWICE);
	assert_int_equal(arena.verdict.address, arena.domain.top_pa);
	world_free(arena.world);
}

static void blocks_are_checked_first(void **state)
{
	struct arena arena = arena_new();

	(void)state;
	/* Not aligned to its size; larger than any; within another; as large as what was handed over, and larger. */
	arena.list[0] = (arena.base_pa + PAGE_BYTES) | 1;
	arena_expect(&arena, LU_ERR_ALIGNMENT);
	arena.list[0] = IOMMU_SER_MAX_BLOCK_ORDER + 1;
	arena_expect(&arena, LU_ERR_ALIGNMENT);
	arena.list[0] = IOMMU_SER_MAX_BLOCK_ORDER;
	arena_expect(&arena, LU_ERR_RANGE);
	arena.list[0] = arena.base_pa | 4;
	arena.list[1] = (arena.base_pa + 8 * PAGE_BYTES) | 3;
	arena.domain.nr_blocks = 2;
	arena_expect(&arena, LU_ERR_DUPLICATE);
	assert_int_equal(arena.verdict.address, arena.base_pa + 8 * PAGE_BYTES);
	arena.list[1] = (arena.base_pa + 16 * PAGE_BYTES) | 4;
	arena_expect(&arena, LU_OK);
	world_take_back(arena.world, arena.base_pa + 31 * PAGE_BYTES);
	arena_expect(&arena, LU_ERR_RANGE);
	/* The list within a block, at its beginning and at its end. */
	arena.domain.nr_blocks = 1;
	arena.domain.blocks_pa = arena.base_pa + 16 * PAGE_BYTES;
	arena.list = world_at(arena.world, arena.domain.blocks_pa);
	arena.list[0] = arena.domain.blocks_pa | 2;
	arena_expect(&arena, LU_ERR_DUPLICATE);
	arena.domain.blocks_pa += 3 * PAGE_BYTES;
	arena.list = world_at(arena.world, arena.domain.blocks_pa);
	arena.list[0] = (arena.base_pa + 16 * PAGE_BYTES) | 2;
	arena_expect(&arena, LU_ERR_DUPLICATE);
	world_free(arena.world);
}

/* Of a list as long as it may be here, the short check asks for two pieces of memory: the list, and the block of the top table. */
static void the_short_check_is_short(void **state)
{
	static __u64 list[128];
	struct world *world = world_new();
	const __u64 base_pa = world_pages(world, 128);
	struct iommu_domain_ser domain = { .format = IOMMU_SER_FORMAT_VTDSS, .levels = 3, .nr_tables = 1 };
	struct lu_verdict verdict;
	__u32 i;

	(void)state;
	for (i = 0; i < 128; i++)
		list[i] = base_pa + i * PAGE_BYTES;
	domain.blocks_pa = world_list(world, list, 128);
	for (domain.nr_blocks = 1; domain.nr_blocks <= 128; domain.nr_blocks++)
		for (i = 0; i < domain.nr_blocks; i++) {
			domain.top_pa = list[i];
			world->reads_left = 3;
			assert_true(world_verify_head(world, &domain, &verdict));
			assert_int_equal(world->reads_left, 1);
		}
	/* Of a block that was not handed over it knows when the top table is in it, and not else. */
	world->reads_left = 0;
	domain.nr_blocks = 128;
	world_take_back(world, list[5]);
	domain.top_pa = list[5];
	assert_false(world_verify_head(world, &domain, &verdict));
	assert_refused(&verdict, LU_ERR_RANGE);
	domain.top_pa = list[6];
	assert_true(world_verify_head(world, &domain, &verdict));
	assert_false(world_verify_blocks(world, &domain, &verdict));
	world_free(world);
}

/* The last page of a block as large as may be is one of it: what is wrong is that nobody handed it over. */
static void the_largest_block_is_searched(void **state)
{
	struct arena arena = arena_new();

	(void)state;
	arena.list[0] = IOMMU_SER_MAX_BLOCK_ORDER;
	arena.domain.top_pa = ((1ULL << IOMMU_SER_MAX_BLOCK_ORDER) - 1) * PAGE_BYTES;
	assert_false(world_verify_head(arena.world, &arena.domain, &arena.verdict));
	assert_refused(&arena.verdict, LU_ERR_RANGE);
	arena.list[0] = IOMMU_SER_MAX_BLOCK_ORDER + 1;
	assert_false(world_verify_head(arena.world, &arena.domain, &arena.verdict));
	assert_refused(&arena.verdict, LU_ERR_TABLE_UNLISTED);
	world_free(arena.world);
}

/* Damage to one block of three, of which the top table is in another: it passes until somebody wants to rely on it, or to free it. */
static void damage_beside_the_top_is_found_later(void **state)
{
	struct arena arena = arena_new();
	const struct {
		__u64 at[3];
		enum lu_error error;
	} lists[] = {
		{ { arena.base_pa | 3, (arena.base_pa + 8 * PAGE_BYTES) | 3, 1ULL << 51 }, LU_ERR_RANGE },
		{ { arena.base_pa | 3, (arena.base_pa + 8 * PAGE_BYTES) | 3, (arena.base_pa + 16 * PAGE_BYTES) | 5 }, LU_ERR_ALIGNMENT },
		{ { arena.base_pa | 3, (arena.base_pa + 8 * PAGE_BYTES) | 3, (arena.base_pa + 16 * PAGE_BYTES) | 4095 }, LU_ERR_ALIGNMENT },
		{ { arena.base_pa | 3, (arena.base_pa + 8 * PAGE_BYTES) | 3, (arena.base_pa + 12 * PAGE_BYTES) | 2 }, LU_ERR_DUPLICATE },
		{ { arena.base_pa | 4, (arena.base_pa + 8 * PAGE_BYTES) | 3, (arena.base_pa + 16 * PAGE_BYTES) | 4 }, LU_ERR_DUPLICATE },
		{ { ~0ULL, (arena.base_pa + 8 * PAGE_BYTES) | 3, (arena.base_pa + 16 * PAGE_BYTES) | 4 }, LU_ERR_ALIGNMENT },
	};
	__u32 i;

	(void)state;
	arena.domain.nr_blocks = 3;
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		memcpy(arena.list, lists[i].at, sizeof(lists[i].at));
		assert_true(world_verify_head(arena.world, &arena.domain, &arena.verdict));
		assert_false(world_verify_blocks(arena.world, &arena.domain, &arena.verdict));
		assert_refused(&arena.verdict, lists[i].error);
	}
	/* What does not ascend where the bisection looks: the top table is there, and is not found. */
	arena.list[0] = (arena.base_pa + 8 * PAGE_BYTES) | 3;
	arena.list[1] = arena.base_pa | 3;
	arena.list[2] = (arena.base_pa + 16 * PAGE_BYTES) | 4;
	assert_false(world_verify_head(arena.world, &arena.domain, &arena.verdict));
	assert_refused(&arena.verdict, LU_ERR_TABLE_UNLISTED);
	assert_false(world_verify_blocks(arena.world, &arena.domain, &arena.verdict));
	assert_refused(&arena.verdict, LU_ERR_DUPLICATE);
	world_free(arena.world);
}

/* The list is freed by itself: a table that lies in it would be freed twice. */
static void a_table_within_the_list_is_found(void **state)
{
	const __u32 nr_tables = 600;	/* two pages of list */
	__u32 page, first;

	(void)state;
	for (page = 0; page < 2; page++) {
		struct world *world = world_new();
		__u64 list_pa = world_pages(world, 2);
		__u64 *list = world_at(world, list_pa);
		struct iommu_domain_ser domain = { .format = IOMMU_SER_FORMAT_VTDSS, .levels = 3, .nr_tables = nr_tables,
						   .nr_blocks = nr_tables, .blocks_pa = list_pa };
		struct lu_verdict verdict;

		first = 0;
		list[first++] = list_pa + page * PAGE_BYTES;
		list[first] = list_pa + 3 * PAGE_BYTES;
		domain.top_pa = list[0];
		assert_false(world_verify_domain(world, &domain, &verdict));
		assert_refused(&verdict, LU_ERR_DUPLICATE);
		assert_int_equal(verdict.address, list[0]);
		world_free(world);
	}
}

/* The pages beside the list are like any others. */
static void tables_beside_the_list_are_accepted(void **state)
{
	struct world *world = world_new();
	__u64 pa = world_pages(world, 3);
	__u64 list_pa = pa + PAGE_BYTES;
	__u64 *list = world_at(world, list_pa);
	__u64 *top = world_at(world, pa);
	struct iommu_domain_ser domain = { .format = IOMMU_SER_FORMAT_VTDSS, .levels = 3, .nr_tables = 2,
					   .nr_blocks = 2, .blocks_pa = list_pa, .top_pa = pa };
	struct lu_verdict verdict;

	(void)state;
	list[0] = pa;
	list[1] = pa + 2 * PAGE_BYTES;
	top[0] = list[1] | TABLES_READ;
	assert_true(world_verify_domain(world, &domain, &verdict));
	world_free(world);
}

/* Everything is "handed over", and every page but the list is the same empty one. */
static const void *read_anything(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	static const __u8 page[PAGE_BYTES];

	return bytes == PAGE_BYTES && pa != PAGE_BYTES ? page : phys->priv;
}

/* Where a list fills its pages: the one behind is none of them. */
static void a_table_behind_a_full_list_is_accepted(void **state)
{
	static __u64 list[512];
	const struct lu_phys phys = { .read = read_anything, .priv = list, .end = WORLD_END };
	struct iommu_domain_ser domain = { .format = IOMMU_SER_FORMAT_VTDSS, .levels = 3, .nr_tables = 512,
					   .nr_blocks = 512, .blocks_pa = PAGE_BYTES, .top_pa = 2 * PAGE_BYTES };
	__u32 first[512];
	__u8 seen[64] = {};
	const struct lu_scratch scratch = { .first = first, .seen = seen, .nr_pages = 512 };
	const struct lu_scratch small = { .first = first, .seen = seen, .nr_pages = 511 };
	struct lu_verdict verdict;
	__u32 i;

	(void)state;
	for (i = 0; i < 512; i++)
		list[i] = (2 + i) * PAGE_BYTES;
	assert_false(lu_verify_domain(&domain, &phys, &scratch, &verdict));
	assert_refused(&verdict, LU_ERR_TABLE_UNUSED);
	assert_int_equal(lu_domain_pages(&domain, &phys), 512);
	assert_false(lu_verify_domain(&domain, &phys, &small, &verdict));
	assert_refused(&verdict, LU_ERR_RANGE);
}

/* Lists of two domains, by the page each entry is, in units of pages from where memory begins. */
static enum lu_error compare(struct world *world, const __u64 *in_a, __u32 nr_a, const __u64 *in_b, __u32 nr_b, __u64 *address)
{
	struct lu_verdict verdict = { .error = LU_OK };
	__u64 a[8], b[8];
	__u32 i;
	bool accepted;

	for (i = 0; i < nr_a; i++)
		a[i] = WORLD_BASE_PA + in_a[i] * PAGE_BYTES;
	for (i = 0; i < nr_b; i++)
		b[i] = WORLD_BASE_PA + in_b[i] * PAGE_BYTES;
	accepted = world_verify_disjoint(world,
		&(struct iommu_domain_ser){ .nr_blocks = nr_a, .blocks_pa = world_list(world, a, nr_a) },
		&(struct iommu_domain_ser){ .nr_blocks = nr_b, .blocks_pa = world_list(world, b, nr_b) }, &verdict);
	assert_int_equal(accepted, verdict.error == LU_OK);
	*address = verdict.address;
	return verdict.error;
}

/* Each pair of lists over six pages, either way round: they are disjoint, or the first page that is in both is named. */
static void a_table_of_two_domains_is_found(void **state)
{
	struct world *world = NULL;
	__u32 a, b, bit, nr_a, nr_b, common;
	__u64 in_a[6], in_b[6], address;

	(void)state;
	for (a = 1; a < 64; a++) {
		if (world)
			world_free(world);
		world = world_new();
		for (b = 1; b < 64; b++) {
			nr_a = nr_b = 0;
			common = a & b;
			for (bit = 0; bit < 6; bit++) {
				if (a & 1 << bit)
					in_a[nr_a++] = bit;
				if (b & 1 << bit)
					in_b[nr_b++] = bit;
			}
			world->nr_used = 0;
			if (!common) {
				assert_int_equal(compare(world, in_a, nr_a, in_b, nr_b, &address), LU_OK);
				continue;
			}
			assert_int_equal(compare(world, in_a, nr_a, in_b, nr_b, &address), LU_ERR_TABLE_TWICE);
			assert_int_equal(address, WORLD_BASE_PA + __builtin_ctz(common) * PAGE_BYTES);
		}
	}
	world_free(world);
}

/* Pages of one domain in a block of another, before it and behind it; what no block can be counts as one page. */
static void blocks_of_two_domains_are_told_apart(void **state)
{
	const __u64 at = WORLD_BASE_PA + 64 * PAGE_BYTES;
	const struct {
		__u64 a, b;
		bool disjoint;
	} pairs[] = {
		{ at | 4, at - PAGE_BYTES, true },
		{ at | 4, at, false },
		{ at | 4, at + 15 * PAGE_BYTES, false },
		{ at | 4, at + 16 * PAGE_BYTES, true },
		{ at | 4, (at - 16 * PAGE_BYTES) | 4, true },
		{ at | 4, (at - 64 * PAGE_BYTES) | 7, false },
		{ at | 4, at | 4095, false },
		{ at | 4, (at - PAGE_BYTES) | 10, true },
	};
	struct world *world = world_new();
	struct lu_verdict verdict;
	__u32 i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		const struct iommu_domain_ser a = { .nr_blocks = 1, .blocks_pa = world_list(world, &pairs[i].a, 1) };
		const struct iommu_domain_ser b = { .nr_blocks = 1, .blocks_pa = world_list(world, &pairs[i].b, 1) };

		assert_int_equal(world_verify_disjoint(world, &a, &b, &verdict), pairs[i].disjoint);
		assert_int_equal(world_verify_disjoint(world, &b, &a, &verdict), pairs[i].disjoint);
	}
	world_free(world);
}

/* What the other domain's own check refuses is not read. */
static void a_list_that_cannot_be_read_is_passed_over(void **state)
{
	struct world *world = world_new();
	__u64 page = WORLD_BASE_PA;
	const struct iommu_domain_ser good = { .nr_blocks = 1, .blocks_pa = world_list(world, &page, 1) };
	struct lu_verdict verdict;
	__u32 i;
	const struct iommu_domain_ser others[] = {
		{ .nr_blocks = 0, .blocks_pa = good.blocks_pa },
		{ .nr_blocks = IOMMU_SER_MAX_PAGES + 1, .blocks_pa = good.blocks_pa },
		{ .nr_blocks = 1, .blocks_pa = 0 },
		{ .nr_blocks = 513, .blocks_pa = good.blocks_pa },
	};

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_true(world_verify_disjoint(world, &good, &others[i], &verdict));
	assert_true(world_verify_disjoint(world, &others[2], &good, &verdict));
	assert_false(world_verify_disjoint(world, &good, &good, &verdict));
	world_free(world);
}

/* A list as long as may be is read, one that is longer is not. */
static void the_longest_list_is_compared(void **state)
{
	__u64 *list = calloc(IOMMU_SER_MAX_PAGES + 1, sizeof(*list));
	const struct lu_phys phys = { .read = read_anything, .priv = list, .end = WORLD_END };
	const struct iommu_domain_ser all = { .nr_blocks = IOMMU_SER_MAX_PAGES, .blocks_pa = PAGE_BYTES };
	const struct iommu_domain_ser more = { .nr_blocks = IOMMU_SER_MAX_PAGES + 1, .blocks_pa = PAGE_BYTES };
	struct lu_verdict verdict;
	__u32 i;

	(void)state;
	assert_non_null(list);
	for (i = 0; i <= IOMMU_SER_MAX_PAGES; i++)
		list[i] = i * PAGE_BYTES;
	assert_false(lu_verify_disjoint(&all, &all, &phys, &verdict));
	assert_true(lu_verify_disjoint(&all, &more, &phys, &verdict));
	free(list);
}

/* Memory that is taken back while the verifier runs: each of its reads, and what comes after it. */
static void every_read_may_fail(void **state)
{
	struct fixture fixture = begin(4);
	struct iommu_domain_ser domain;
	__u32 nth, nr_refused = 0;

	(void)state;
	tables_spread(fixture.tables);
	domain = tables_domain(fixture.tables);
	for (nth = 1;; nth++) {
		fixture.world->reads_left = nth;
		if (world_verify_domain(fixture.world, &domain, &fixture.verdict))
			break;
		assert_refused(&fixture.verdict, LU_ERR_RANGE);
		assert_int_equal(fixture.verdict.index, 0);
		nr_refused++;
	}
	/* The list and the block of the top table, at first; then, before the walk and for it, these, the list and each block; then each table. */
	assert_int_equal(nr_refused, 2 + 2 * (3 + domain.nr_tables) + 2 + domain.nr_tables);
	end(&fixture);
}

/*
 * AMD v1
 */

static struct fixture begin_amd(unsigned int levels)
{
	struct fixture fixture = { .world = world_new() };

	fixture.tables = tables_new_amd(fixture.world, levels);
	return fixture;
}

static void map_run(struct fixture *fixture, __u64 iova, __u64 pa, unsigned int level, unsigned int run_lg2)
{
	tables_map_run(fixture->tables, iova, pa, level, run_lg2, fixture->tables->bits);
}

/* A leaf of each size that an entry has by itself, and of each that a run makes. */
static void amd_tables_are_walked(void **state)
{
	unsigned int levels, level, run_lg2;

	(void)state;
	for_each_levels(levels) {
		struct fixture fixture = begin_amd(levels);

		expect(&fixture, LU_OK);
		tables_spread(fixture.tables);
		expect(&fixture, LU_OK);
		assert_int_equal(fixture.tables->nr_tables, 2 * levels - 1);
		for (level = 0; level < 2; level++)
			for (run_lg2 = 1; run_lg2 <= 8; run_lg2++) {
				const __u64 bytes = 1ULL << (12 + 9 * level + run_lg2);

				map_run(&fixture, 4 * GIB + bytes, 0, level, run_lg2);
				expect(&fixture, LU_OK);
				map_run(&fixture, 4 * GIB + bytes, WORLD_END / bytes * bytes - bytes, level, run_lg2);
				expect(&fixture, LU_OK);
			}
		end(&fixture);
	}
}

/* An entry names the level below it, and no other: one that skips levels is of nobody's making. */
static void amd_levels_are_named(void **state)
{
	unsigned int level, next;

	(void)state;
	for (level = 0; level < 4; level++)
		for (next = 0; next < 8; next++) {
			struct fixture fixture = begin_amd(4);
			__u64 *entry;

			tables_map(fixture.tables, 0, 0x200000, 0);
			entry = tables_entry(fixture.tables, 0, level);
			*entry = (*entry & ~TABLES_AMD_NEXT(7)) | TABLES_AMD_NEXT(next);
			if (next == level)
				expect(&fixture, LU_OK);
			else
				expect_at(&fixture, LU_ERR_ENTRY, 0);
			end(&fixture);
		}
}

/* One of a run is as good as each other: a single one that differs is found, wherever. */
static void amd_runs_are_whole(void **state)
{
	unsigned int level, i;

	(void)state;
	for (level = 0; level < 2; level++)
		for (i = 0; i < 32; i++) {
			const __u64 bytes = 1ULL << (12 + 9 * level);
			struct fixture fixture = begin_amd(3);

			map_run(&fixture, 32 * bytes, 0, level, 5);
			*tables_entry(fixture.tables, (32 + i) * bytes, level) ^= TABLES_AMD_WRITE;
			expect_at(&fixture, LU_ERR_ENTRY, 32 * bytes);
			*tables_entry(fixture.tables, (32 + i) * bytes, level) = 0;
			expect_at(&fixture, LU_ERR_ENTRY, (i ? 32 : 33) * bytes);
			end(&fixture);
		}
}

/* Of one entry, of a whole table and of more; at a level that has none; beyond the end of memory by one entry. */
static void amd_runs_have_their_sizes(void **state)
{
	static const struct { __u64 address; unsigned int level; enum lu_error error; } runs[] = {
		{ 0x1ff000 - 0x100000, 0, LU_ERR_ENTRY }, { 0x1ff000, 0, LU_ERR_ENTRY }, { 0, 1, LU_ERR_ENTRY }, { 0xff000, 1, LU_ERR_ENTRY },
		{ 0x1fffff000 & ~0x100000000ULL, 1, LU_ERR_ENTRY }, { 0x000ffffffffff000ULL, 0, LU_ERR_ENTRY },
		{ 0, 3, LU_ERR_ENTRY }, { WORLD_END, 0, LU_ERR_RANGE },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		struct fixture fixture = begin_amd(4);

		*tables_entry(fixture.tables, 0, runs[i].level) = runs[i].address | fixture.tables->bits | TABLES_AMD_NEXT(TABLES_AMD_RUN);
		expect_at(&fixture, runs[i].error, 0);
		end(&fixture);
	}
}

/* What a whole table maps is for the entry above it to say. */
static void amd_no_run_is_a_table(void **state)
{
	struct fixture fixture = begin_amd(4);

	(void)state;
	tables_map_run(fixture.tables, 0, 0, 0, 9, fixture.tables->bits);
	expect_at(&fixture, LU_ERR_ENTRY, 0);
	end(&fixture);
}

static void amd_present_is_one_bit(void **state)
{
	struct fixture fixture = begin_amd(3);

	(void)state;
	tables_map(fixture.tables, 0, 0x1000, 0);
	*tables_entry(fixture.tables, PAGE_BYTES, 0) = ~TABLES_AMD_PRESENT;
	*tables_entry(fixture.tables, GIB, 2) = ~TABLES_AMD_PRESENT;
	expect(&fixture, LU_OK);
	*tables_entry(fixture.tables, GIB, 2) |= TABLES_AMD_PRESENT;
	expect_at(&fixture, LU_ERR_ENTRY, GIB);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_is_accepted),
		cmocka_unit_test(a_block_of_many_pages_is_accepted),
		cmocka_unit_test(tables_beside_blocks_are_found),
		cmocka_unit_test(a_table_met_twice_in_a_block_is_found),
		cmocka_unit_test(blocks_are_checked_first),
		cmocka_unit_test(blocks_of_two_domains_are_told_apart),
		cmocka_unit_test(many_tables_are_accepted),
		cmocka_unit_test(what_is_not_present_is_not_looked_at),
		cmocka_unit_test(each_present_entry_is_looked_at),
		cmocka_unit_test(leaves_are_in_memory),
		cmocka_unit_test(first_and_last_leaf_are_looked_at),
		cmocka_unit_test(large_leaves_are_aligned),
		cmocka_unit_test(no_leaf_is_larger),
		cmocka_unit_test(a_cycle_is_found),
		cmocka_unit_test(a_shared_table_is_found),
		cmocka_unit_test(an_unlisted_table_is_found),
		cmocka_unit_test(an_unlisted_top_is_found),
		cmocka_unit_test(an_unused_table_is_found),
		cmocka_unit_test(wrong_number_of_levels_is_found),
		cmocka_unit_test(unknown_kind_is_refused),
		cmocka_unit_test(first_stage_is_walked),
		cmocka_unit_test(list_is_checked_first),
		cmocka_unit_test(every_read_may_fail),
		cmocka_unit_test(the_short_check_is_short),
		cmocka_unit_test(the_largest_block_is_searched),
		cmocka_unit_test(damage_beside_the_top_is_found_later),
		cmocka_unit_test(a_table_within_the_list_is_found),
		cmocka_unit_test(tables_beside_the_list_are_accepted),
		cmocka_unit_test(a_table_behind_a_full_list_is_accepted),
		cmocka_unit_test(a_table_of_two_domains_is_found),
		cmocka_unit_test(a_list_that_cannot_be_read_is_passed_over),
		cmocka_unit_test(the_longest_list_is_compared),
		cmocka_unit_test(amd_tables_are_walked),
		cmocka_unit_test(amd_levels_are_named),
		cmocka_unit_test(amd_runs_are_whole),
		cmocka_unit_test(amd_runs_have_their_sizes),
		cmocka_unit_test(amd_no_run_is_a_table),
		cmocka_unit_test(amd_present_is_one_bit),
	};

	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
