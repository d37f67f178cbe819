// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk of AMD-Vi's device table: each kind of entry, and tables that lead nowhere. */
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

static void test_unknown(void **state)
{
	struct world *w = *state;

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
		cmocka_unit_test_setup_teardown(test_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_short, setup, teardown),
	};

	return cmocka_run_group_tests_name("amdvi", tests, NULL, NULL);
}
