// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk of AMD-Vi's device table, and of what is behind guest entries: each kind of entry, and tables that lead nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "iommu.h"

#define MEMORY_BYTES	0x40000
#define TABLE		0x2000ULL
#define TABLE_PAGES	3		/* of 128 entries */
#define NR_ENTRIES	(TABLE_PAGES * 128)
#define PAGE_TABLE	0x0000123456789000ULL
#define SID		0x118

#define V		1ULL
#define TV		2ULL
#define LEVELS(n)	((uint64_t)(n) << 9)
#define GUEST		(1ULL << 55)
#define REQUESTS	(1ULL << 54)
#define GLX(n)		((uint64_t)(n) << 56)
#define PAGING(n)	((uint64_t)(n) << 54)	/* of the third word */
#define GCR3		0x10000ULL		/* and the pages behind it */
#define PAGES		0x20000ULL		/* a page table; and the pages behind it */
#define OTHER_PAGES	0x30000ULL
#define P		1ULL
#define W		2ULL
#define U		4ULL
#define PS		128ULL
#define NX		(1ULL << 63)
#define READ		(1ULL << 61)
#define WRITE		(1ULL << 62)

struct world {
	uint64_t *words;
	struct ram ram;
	struct iommu_tables tables;
};

static void put(struct world *w, unsigned int sid, uint64_t w0, uint64_t w1)
{
	w->words[(TABLE + sid * 32) / 8] = w0;
	w->words[(TABLE + sid * 32) / 8 + 1] = w1;
}

/* All entries block. */
static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->words = calloc(1, MEMORY_BYTES);
	if (!w->words)
		return -1;
	w->ram = (struct ram){ .fd = -1, .bytes = MEMORY_BYTES, .base = (uint8_t *)w->words };
	for (unsigned int i = 0; i < NR_ENTRIES; i++)
		put(w, i, V, 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	free(w->words);
	free(w);
	return 0;
}

static void walk(struct world *w, uint64_t base, uint64_t control)
{
	uint32_t registers[8] = { base, base >> 32 };

	registers[6] = control;
	registers[7] = control >> 32;
	amdvi_model.walk(&w->ram, registers, &w->tables);
}

static void walk_on(struct world *w)
{
	walk(w, TABLE | (TABLE_PAGES - 1), 1);
}

static void assert_entry(struct world *w, uint64_t w0, uint64_t w1, enum iommu_type type, uint16_t domain_id, unsigned int levels,
			 uint64_t table)
{
	put(w, SID, w0, w1);
	walk_on(w);
	assert_int_equal(w->tables.nr, 1);
	assert_ptr_equal(iommu_find(&w->tables, SID), &w->tables.entries[0]);
	assert_int_equal(w->tables.entries[0].type, type);
	assert_int_equal(w->tables.entries[0].domain_id, domain_id);
	assert_int_equal(w->tables.entries[0].levels, levels);
	assert_int_equal(w->tables.entries[0].table, table);
}

static void assert_blocked(struct world *w, uint64_t w0)
{
	put(w, SID, w0, 7);
	walk_on(w);
	assert_int_equal(w->tables.nr, 0);
}

static void test_nothing(void **state)
{
	struct world *w = *state;

	walk_on(w);
	assert_true(w->tables.translating);
	assert_int_equal(w->tables.root, TABLE);
	assert_int_equal(w->tables.nr | w->tables.nr_outside | w->tables.cut_short, 0);
}

static void test_host_tables(void **state)
{
	struct world *w = *state;

	for (unsigned int levels = 1; levels < 7; levels++)
		assert_entry(w, PAGE_TABLE | V | TV | LEVELS(levels) | READ | WRITE, 7, IOMMU_SECOND_STAGE, 7, levels, PAGE_TABLE);
	assert_entry(w, PAGE_TABLE | V | TV | LEVELS(3) | WRITE, 65535, IOMMU_SECOND_STAGE, 65535, 3, PAGE_TABLE);
	/* Other bits of the second word belong to others. */
	assert_entry(w, PAGE_TABLE | V | TV | LEVELS(3) | READ, ~0xffffULL | 8, IOMMU_SECOND_STAGE, 8, 3, PAGE_TABLE);
}

static void test_pass_through(void **state)
{
	struct world *w = *state;

	assert_entry(w, V | TV | READ | WRITE, 1, IOMMU_PASS_THROUGH, 1, 0, 0);
	assert_entry(w, V | TV | WRITE, 1, IOMMU_PASS_THROUGH, 1, 0, 0);
	/* Not valid: nothing else in it counts. */
	assert_entry(w, 0, 0, IOMMU_PASS_THROUGH, 0, 0, 0);
	assert_entry(w, PAGE_TABLE | TV | LEVELS(3), 0, IOMMU_PASS_THROUGH, 0, 0, 0);
}

static void test_blocked(void **state)
{
	struct world *w = *state;

	assert_blocked(w, V);
	assert_blocked(w, V | PAGE_TABLE | LEVELS(3) | READ | WRITE);
	assert_blocked(w, V | TV);
	assert_blocked(w, V | TV | PAGE_TABLE | LEVELS(3));
}

static uint64_t *at(struct world *w, uint64_t pa, unsigned int index)
{
	return &w->words[pa / 8 + index];
}

/* A guest CR3 table at @root, in the places of the specification. */
static void put_guest(struct world *w, unsigned int sid, uint64_t root, uint64_t w0, uint16_t domain_id, uint64_t w2)
{
	put(w, sid, V | TV | GUEST | READ | WRITE | w0 | (root >> 12 & 7) << 58,
	    domain_id | (root >> 15 & 0xffff) << 16 | (root >> 31 & 0x1fffff) << 43);
	*at(w, TABLE + sid * 32, 2) = w2;
}

/* @pasid has a page table that is empty. */
static const struct iommu_entry *walk_one(struct world *w, uint32_t pasid)
{
	walk_on(w);
	assert_false(w->tables.cut_short);
	return iommu_find_pasid(&w->tables, SID, pasid);
}

static void assert_guest(struct world *w, uint32_t pasid, unsigned int levels, uint64_t table)
{
	const struct iommu_entry *entry = walk_one(w, pasid);

	assert_non_null(entry);
	assert_int_equal(entry->type, IOMMU_GUEST);
	assert_int_equal(entry->domain_id, 9);
	assert_int_equal(entry->levels, levels);
	assert_int_equal(entry->table, table);
}

static void test_guest_one_level(void **state)
{
	struct world *w = *state;

	put_guest(w, SID, GCR3, REQUESTS, 9, 0);
	walk_on(w);
	assert_int_equal(w->tables.nr, 0);
	*at(w, GCR3, 0) = PAGES | P;
	*at(w, GCR3, 5) = OTHER_PAGES | P;
	*at(w, GCR3, 511) = PAGES | P;
	*at(w, GCR3, 6) = PAGES;
	*at(w, GCR3, 512) = PAGES | P;
	assert_guest(w, IOMMU_NO_PASID, 4, PAGES);
	assert_guest(w, 5, 4, OTHER_PAGES);
	assert_guest(w, 511, 4, PAGES);
	assert_int_equal(w->tables.nr, 3);
	*at(w, TABLE + SID * 32, 2) = PAGING(1) | ~(3ULL << 54);
	assert_guest(w, 5, 5, OTHER_PAGES);
}

static void test_guest_levels(void **state)
{
	struct world *w = *state;

	put_guest(w, SID, GCR3, REQUESTS | GLX(2), 9, 0);
	*at(w, GCR3, 0) = (GCR3 + 0x1000) | P;
	*at(w, GCR3, 3) = (GCR3 + 0x2000) | P;
	*at(w, GCR3 + 0x1000, 0) = (GCR3 + 0x3000) | P;
	*at(w, GCR3 + 0x1000, 511) = (GCR3 + 0x4000) | P;
	*at(w, GCR3 + 0x2000, 2) = (GCR3 + 0x5000) | P;
	*at(w, GCR3 + 0x3000, 0) = PAGES | P;
	*at(w, GCR3 + 0x4000, 7) = PAGES | P;
	*at(w, GCR3 + 0x5000, 8) = OTHER_PAGES | P;
	assert_guest(w, IOMMU_NO_PASID, 4, PAGES);
	assert_guest(w, 511 << 9 | 7, 4, PAGES);
	assert_guest(w, 3 << 18 | 2 << 9 | 8, 4, OTHER_PAGES);
	assert_int_equal(w->tables.nr, 3);
	/* The same pages, with one level less: what was a table of tables is one of page tables. */
	put_guest(w, SID, GCR3 + 0x1000, REQUESTS | GLX(1), 9, 0);
	assert_guest(w, IOMMU_NO_PASID, 4, PAGES);
	assert_guest(w, 511 << 9 | 7, 4, PAGES);
	assert_int_equal(w->tables.nr, 2);
}

/* Where the three parts of the root are: each of its bits leads out of memory by itself. */
static void test_guest_root(void **state)
{
	struct world *w = *state;

	*at(w, GCR3, 0) = PAGES | P;
	for (unsigned int bit = 12; bit < 52; bit++) {
		put_guest(w, SID, GCR3 ^ 1ULL << bit, REQUESTS, 9, 0);
		assert_null(walk_one(w, IOMMU_NO_PASID));
		assert_int_equal(w->tables.nr_outside, bit >= 18);
	}
}

/* Without GIOV requests that have no PASID pass as they are; the first entry is of those with PASID 0. */
static void test_guest_without_requests(void **state)
{
	struct world *w = *state;

	put_guest(w, SID, GCR3, 0, 9, 0);
	*at(w, GCR3, 0) = PAGES | P;
	assert_guest(w, 0, 4, PAGES);
	assert_int_equal(iommu_find(&w->tables, SID)->type, IOMMU_PASS_THROUGH);
	assert_int_equal(w->tables.nr, 2);
}

static void test_guest_outside(void **state)
{
	struct world *w = *state;

	put_guest(w, SID, GCR3, REQUESTS | GLX(1), 9, 0);
	*at(w, GCR3, 1) = 1ULL << 40 | P;
	assert_null(walk_one(w, 512));
	assert_int_equal(w->tables.nr_outside, 1);
	put_guest(w, SID, GCR3, REQUESTS, 9, 0);
	assert_guest(w, 1, 4, 1ULL << 40);
	assert_int_equal(w->tables.nr_outside, 1);
	/* A table that leads to itself ends. */
	for (unsigned int i = 0; i < 512; i++)
		*at(w, PAGES, i) = PAGES | P | W | U;
	*at(w, GCR3, 1) = PAGES | P;
	walk_on(w);
	assert_true(w->tables.cut_short);
}

static uint64_t digest(struct world *w)
{
	const struct iommu_entry *entry = walk_one(w, 1);

	assert_non_null(entry);
	return entry->translates;
}

/* One page at 1 GiB + 2 MiB + 4 KiB. */
static void put_page(struct world *w, uint64_t leaf)
{
	put_guest(w, SID, GCR3, REQUESTS, 9, 0);
	*at(w, GCR3, 1) = PAGES | P;
	*at(w, PAGES, 0) = (PAGES + 0x1000) | P | W | U;
	*at(w, PAGES + 0x1000, 1) = (PAGES + 0x2000) | P | W | U;
	*at(w, PAGES + 0x2000, 1) = (PAGES + 0x3000) | P | W | U;
	*at(w, PAGES + 0x3000, 1) = leaf;
}

/* All that makes a difference to a device, and nothing else. */
static void test_guest_digest(void **state)
{
	struct world *w = *state;
	uint64_t good, empty;

	put_page(w, 0);
	empty = digest(w);
	put_page(w, 0x7000 | P | W | U);
	good = digest(w);
	assert_true(good != empty);
	/* Accessed, dirty, of some memory type, not to be executed; at another place. */
	put_page(w, 0x7000 | P | W | U | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | PS | 1 << 8 | NX);
	assert_true(digest(w) == good);
	put_page(w, 0x8000 | P | W | U);
	assert_true(digest(w) != good);
	put_page(w, 0x7000 | P | U);
	assert_true(digest(w) != good);
	put_page(w, 0x7000 | P | W);
	assert_true(digest(w) == empty);
	put_page(w, 0x7000 | W | U);
	assert_true(digest(w) == empty);
	put_page(w, 0);
	*at(w, PAGES + 0x3000, 2) = 0x7000 | P | W | U;
	assert_true(digest(w) != good && digest(w) != empty);
	/* What is above decides as well. */
	*at(w, PAGES + 0x3000, 2) = 0;
	put_page(w, 0x7000 | P | U);
	empty = digest(w);
	put_page(w, 0x7000 | P | W | U);
	*at(w, PAGES + 0x1000, 1) &= ~W;
	assert_true(digest(w) == empty);
	put_page(w, 0x7000 | P | W | U);
	*at(w, PAGES, 0) &= ~U;
	assert_true(digest(w) != good && digest(w) != empty);
}

/* A large page is as many small ones, if each leads to its part; else it is not. */
static void test_guest_digest_sizes(void **state)
{
	struct world *w = *state;
	uint64_t large, small;

	put_page(w, 0);
	*at(w, PAGES + 0x2000, 1) = 0x40000000 | 1 << 12 | P | W | U | PS;
	large = digest(w);
	put_page(w, 0);
	for (unsigned int i = 0; i < 512; i++)
		*at(w, PAGES + 0x3000, i) = (0x40000000 + i * 0x1000) | P | W | U;
	assert_true(digest(w) == large);
	*at(w, PAGES + 0x3000, 511) += 0x1000;
	small = digest(w);
	assert_true(small != large);
	*at(w, PAGES + 0x3000, 511) = 0;
	assert_true(digest(w) != large && digest(w) != small);
	put_page(w, 0);
	*at(w, PAGES + 0x1000, 1) = 0x40000000 | P | W | U | PS;
	assert_true(digest(w) != large);
}

static void test_unknown(void **state)
{
	struct world *w = *state;

	assert_entry(w, PAGE_TABLE | V | TV | GUEST | GLX(3) | READ | WRITE, 7, IOMMU_UNKNOWN, 7, 0, 0);
	*at(w, TABLE + SID * 32, 2) = PAGING(2);
	assert_entry(w, V | TV | GUEST | READ | WRITE, 7, IOMMU_UNKNOWN, 7, 0, 0);
	*at(w, TABLE + SID * 32, 2) = 0;
	assert_entry(w, PAGE_TABLE | V | TV | LEVELS(7) | READ | WRITE, 7, IOMMU_UNKNOWN, 7, 0, 0);
	assert_entry(w, PAGE_TABLE | V | TV | LEVELS(3) | GUEST | READ | WRITE, 7, IOMMU_UNKNOWN, 7, 0, 0);
}

/* The first and the last, and the one behind, which is no entry. */
static void test_size(void **state)
{
	struct world *w = *state;

	put(w, 0, V | TV | PAGE_TABLE | LEVELS(3) | READ, 2);
	put(w, NR_ENTRIES - 1, V | TV | PAGE_TABLE | LEVELS(3) | READ, 2);
	put(w, NR_ENTRIES, V | TV | PAGE_TABLE | LEVELS(3) | READ, 2);
	walk_on(w);
	assert_int_equal(w->tables.nr, 2);
	assert_non_null(iommu_find(&w->tables, 0));
	assert_non_null(iommu_find(&w->tables, NR_ENTRIES - 1));
}

static void test_off(void **state)
{
	struct world *w = *state;

	put(w, SID, 0, 0);
	walk(w, TABLE, ~1ULL);
	assert_false(w->tables.translating);
	assert_int_equal(w->tables.nr, 0);
}

static void test_outside(void **state)
{
	struct world *w = *state;

	walk(w, (MEMORY_BYTES - 0x1000) | 1, 1);
	assert_int_equal(w->tables.nr_outside, 1);
	assert_int_equal(w->tables.nr, 0);
	walk(w, 1ULL << 40, 1);
	assert_int_equal(w->tables.nr_outside, 1);
}

static void test_cut_short(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < IOMMU_MAX_ENTRIES; i++)
		put(w, i, 0, 0);
	walk_on(w);
	assert_false(w->tables.cut_short);
	assert_int_equal(w->tables.nr, IOMMU_MAX_ENTRIES);
	put(w, NR_ENTRIES - 1, 0, 0);
	walk_on(w);
	assert_true(w->tables.cut_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pass_through, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_one_level, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_root, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_without_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_digest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest_digest_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_short, setup, teardown),
	};

	return cmocka_run_group_tests_name("amdvi", tests, NULL, NULL);
}
