// SPDX-License-Identifier: GPL-2.0-only
/*
 * memblock_reserve_preserved() is to do what memblock_reserve() and
 * memblock_reserved_mark_noinit() do one by one: both are done to the same
 * regions, and must leave the same. And memblock_is_region_free() is to say what a look at
 * each page would.
 */
#include "reserve_preserved_api.h"
#include <string.h>
#include <linux/memblock.h>
#include <linux/range.h>

#define FUNC_RESERVE_PRESERVED	"memblock_reserve_preserved"

#define UNIT		SZ_4K
#define MAX_UNITS	64
#define MAX_RANGES	(MAX_UNITS / 2)
#define ROUNDS		20000

struct snapshot {
	unsigned long cnt;
	phys_addr_t total_size;
	struct memblock_region regions[INIT_MEMBLOCK_REGIONS];
};

static unsigned int seed;

static unsigned int pick(unsigned int nr)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % nr;
}

static struct range units(unsigned int first, unsigned int nr)
{
	phys_addr_t start = (phys_addr_t)first * UNIT;

	return (struct range){ start, start + (phys_addr_t)nr * UNIT - 1 };
}

/* Sorted, none touching the next. */
static int ranges_make(struct range *ranges)
{
	unsigned int at = pick(8), most = 1 + pick(6);
	int nr = 0;

	do {
		unsigned int len = 1 + pick(most);

		ranges[nr++] = units(at, len);
		at += len + 1 + pick(most);
	} while (at + most < MAX_UNITS);
	return nr;
}

/* What was reserved before: of any kind, between, beside and below the ranges. */
static void reserved_make(void)
{
	unsigned int nr = pick(12);

	reset_memblock_regions();
	while (nr--) {
		struct range range = units(pick(MAX_UNITS), 1 + pick(4));

		memblock_reserve(range.start, range_len(&range));
		if (!pick(3))
			memblock_reserved_mark_noinit(range.start, range_len(&range));
		if (!pick(3))
			memblock_reserved_mark_kern(range.start, range_len(&range));
	}
}

static void snapshot_take(struct snapshot *snapshot)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->cnt = memblock.reserved.cnt;
	snapshot->total_size = memblock.reserved.total_size;
	memcpy(snapshot->regions, memblock.reserved.regions,
	       snapshot->cnt * sizeof(*snapshot->regions));
}

static void snapshots_compare(const struct snapshot *a, const struct snapshot *b)
{
	ASSERT_EQ(a->cnt, b->cnt);
	ASSERT_EQ(a->total_size, b->total_size);
	for (unsigned long i = 0; i < a->cnt; i++) {
		ASSERT_EQ(a->regions[i].base, b->regions[i].base);
		ASSERT_EQ(a->regions[i].size, b->regions[i].size);
		ASSERT_EQ(a->regions[i].flags, b->regions[i].flags);
#ifdef CONFIG_NUMA
		ASSERT_EQ(a->regions[i].nid, b->regions[i].nid);
#endif
	}
}

static int reserve_preserved_random_check(void)
{
	static struct snapshot one_by_one, at_once;
	struct range ranges[MAX_RANGES];
	unsigned int round, before;
	int nr, i, err;

	PREFIX_PUSH();

	for (round = 0; round < ROUNDS; round++) {
		seed = round;
		nr = ranges_make(ranges);
		before = seed;

		reserved_make();
		for (i = 0; i < nr; i++) {
			memblock_reserve(ranges[i].start, range_len(&ranges[i]));
			memblock_reserved_mark_noinit(ranges[i].start,
						      range_len(&ranges[i]));
		}
		snapshot_take(&one_by_one);

		seed = before;
		reserved_make();
		err = memblock_reserve_preserved(ranges, nr);
		ASSERT_EQ(err, 0);
		snapshot_take(&at_once);

		snapshots_compare(&one_by_one, &at_once);
	}

	test_pass_pop();

	return 0;
}

/* More than there is room for: the array moves to scratch memory, and that alone. */
static int reserve_preserved_many_check(void)
{
	struct memblock_region *orig_regions = memblock.reserved.regions;
	phys_addr_t base, end;
	struct range range;
	int i, err;

	PREFIX_PUSH();

	reset_memblock_regions();
	memblock_allow_resize();
	dummy_physical_memory_init();
	base = dummy_physical_memory_base();
	end = base + MEM_SIZE;
	memblock_add(base, MEM_SIZE);
	memblock_mark_kho_scratch(base, MEM_SIZE);
	memblock_add(end, PHYS_MEM_SIZE - MEM_SIZE);
	memblock_set_kho_scratch_only();

	for (i = 0; i < 2 * INIT_MEMBLOCK_REGIONS; i++) {
		range = (struct range){ end, end + UNIT - 1 };
		err = memblock_reserve_preserved(&range, 1);
		ASSERT_EQ(err, 0);
		end += 2 * UNIT;
	}

	/* The array that is in use, and before it an entry for each range. */
	ASSERT_EQ(memblock.reserved.cnt, 2 * INIT_MEMBLOCK_REGIONS + 1);
	ASSERT_EQ(memblock.reserved.max, 4 * INIT_MEMBLOCK_REGIONS);
	ASSERT_EQ((phys_addr_t)memblock.reserved.regions, memblock.reserved.regions[0].base);
	ASSERT_LE(region_end(&memblock.reserved.regions[0]), base + MEM_SIZE);
	for (i = 1; i < memblock.reserved.cnt; i++) {
		ASSERT_EQ(memblock.reserved.regions[i].flags, MEMBLOCK_RSRV_NOINIT);
		ASSERT_EQ(memblock.reserved.regions[i].size, UNIT);
	}

	memblock_clear_kho_scratch_only();
	dummy_physical_memory_cleanup();
	memblock.reserved.regions = orig_regions;
	memblock.reserved.cnt = INIT_MEMBLOCK_RESERVED_REGIONS;
	reset_memblock_regions();

	test_pass_pop();

	return 0;
}

/* Without room, and without scratch memory to make some in: refused. */
static int reserve_preserved_no_room_check(void)
{
	struct range range;
	int i, err;

	PREFIX_PUSH();

	reset_memblock_regions();
	memblock_allow_resize();
	memblock_set_kho_scratch_only();
	for (i = 0; i < INIT_MEMBLOCK_REGIONS; i++) {
		range = units(2 * i, 1);
		err = memblock_reserve_preserved(&range, 1);
		ASSERT_EQ(err, 0);
	}
	range = units(2 * i, 1);
	err = memblock_reserve_preserved(&range, 1);
	ASSERT_EQ(err, -ENOMEM);
	ASSERT_EQ(memblock.reserved.cnt, INIT_MEMBLOCK_REGIONS);

	memblock_clear_kho_scratch_only();
	reset_memblock_regions();

	test_pass_pop();

	return 0;
}

/* By page: memory of one region and of a kind that is freed, none of it reserved. */
static bool units_are_free(const struct range *range)
{
	struct memblock_region *rgn, *first = NULL;
	phys_addr_t pa;

	for (pa = range->start; pa < range->end; pa += UNIT) {
		struct memblock_region *in = NULL;

		for_each_mem_region(rgn)
			if (pa >= rgn->base && pa < region_end(rgn))
				in = rgn;
		first = first ?: in;
		if (!in || in != first || memblock_is_nomap(in) || memblock_is_driver_managed(in))
			return false;
		for_each_reserved_mem_region(rgn)
			if (pa >= rgn->base && pa < region_end(rgn))
				return false;
	}
	return true;
}

static int region_free_random_check(void)
{
	static const enum memblock_flags kinds[] = { MEMBLOCK_NONE, MEMBLOCK_NONE, MEMBLOCK_NONE, MEMBLOCK_HOTPLUG,
						     MEMBLOCK_NOMAP, MEMBLOCK_DRIVER_MANAGED };
	unsigned int round, first, nr, nr_free = 0;
	struct range range;

	PREFIX_PUSH();

	for (round = 0; round < ROUNDS / 40; round++) {
		seed = round;
		reserved_make();
		for (first = pick(4); first < MAX_UNITS; first += nr + !pick(3)) {
			nr = 1 + pick(MAX_UNITS / 4);
			range = units(first, nr);
			memblock_add_node(range.start, range_len(&range), 0, kinds[pick(ARRAY_SIZE(kinds))]);
		}
		for (first = 0; first < MAX_UNITS; first++)
			for (nr = 1; nr <= 8; nr++) {
				range = units(first, nr);
				ASSERT_EQ(memblock_is_region_free(range.start, range_len(&range)), units_are_free(&range));
				nr_free += units_are_free(&range);
			}
	}
	ASSERT_LT(ROUNDS / 40, nr_free);
	reset_memblock_regions();

	test_pass_pop();

	return 0;
}

int memblock_reserve_preserved_checks(void)
{
	prefix_reset();
	prefix_push(FUNC_RESERVE_PRESERVED);
	test_print("Running %s tests...\n", FUNC_RESERVE_PRESERVED);

	reserve_preserved_random_check();
	reserve_preserved_many_check();
	reserve_preserved_no_room_check();
	region_free_random_check();

	prefix_pop();

	return 0;
}
