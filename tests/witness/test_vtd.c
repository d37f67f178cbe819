// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk of the IOMMU's tables: each kind of entry, each way of not being there, and pointers that lead nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "iommu.h"

#define ON		(1U << 31)
#define SCALABLE	(1ULL << 10)
#define MEMORY_BYTES	0x40000

/* Where each table lies. */
#define ROOT		0x1000ULL
#define LOWER		0x2000ULL
#define UPPER		0x3000ULL
#define DIRECTORY	0x4000ULL
#define PASIDS		0x5000ULL
#define PAGE_TABLE	0x9000ULL
#define LONG_DIRECTORY	0x20000ULL

struct world {
	uint64_t *words;
	struct ram ram;
	struct iommu_tables tables;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->words = calloc(1, MEMORY_BYTES);
	w->ram = (struct ram){ .fd = -1, .bytes = MEMORY_BYTES, .base = (uint8_t *)w->words };
	*state = w;
	return w->words ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;

	free(w->words);
	free(w);
	return 0;
}

static void put(struct world *w, uint64_t pa, uint64_t value)
{
	w->words[pa / 8] = value;
}

static void walk_from(struct world *w, uint32_t status, uint64_t root)
{
	const uint32_t registers[] = { status, root, root >> 32 };

	vtd_model.walk(&w->ram, registers, &w->tables);
}

static void walk(struct world *w, uint64_t flags)
{
	walk_from(w, ON, ROOT | flags);
}

/* 00:03.0, second stage, domain ID 7, four levels. */
static void put_scalable(struct world *w)
{
	put(w, ROOT, LOWER | 1);
	put(w, LOWER + 0x18 * 32, DIRECTORY | 2 << 9 | 1);
	put(w, DIRECTORY, PASIDS | 1);
	put(w, PASIDS, PAGE_TABLE | 2 << 6 | 2 << 2 | 1);
	put(w, PASIDS + 8, 7);
}

static void put_legacy(struct world *w)
{
	put(w, ROOT, LOWER | 1);
	put(w, LOWER + 0x18 * 16, PAGE_TABLE | 1);
	put(w, LOWER + 0x18 * 16 + 8, 7 << 8 | 2);
}

static void assert_one(const struct world *w, uint16_t sid, enum iommu_type type, uint16_t domain_id, unsigned int levels,
		       uint64_t table)
{
	assert_int_equal(w->tables.nr, 1);
	assert_int_equal(w->tables.nr_outside, 0);
	assert_int_equal(w->tables.entries[0].sid, sid);
	assert_int_equal(w->tables.entries[0].pasid, IOMMU_NO_PASID);
	assert_ptr_equal(iommu_find(&w->tables, sid), &w->tables.entries[0]);
	assert_int_equal(w->tables.entries[0].type, type);
	assert_int_equal(w->tables.entries[0].domain_id, domain_id);
	assert_int_equal(w->tables.entries[0].levels, levels);
	assert_int_equal(w->tables.entries[0].table, table);
}

static void test_scalable(void **state)
{
	struct world *w = *state;

	put_scalable(w);
	walk(w, SCALABLE);
	assert_true(w->tables.translating && w->tables.scalable);
	assert_int_equal(w->tables.root, ROOT);
	assert_one(w, 0x18, IOMMU_SECOND_STAGE, 7, 4, PAGE_TABLE);
}

static void test_scalable_upper_half_of_another_bus(void **state)
{
	struct world *w = *state;

	put(w, ROOT + 5 * 16 + 8, UPPER | 1);
	put(w, UPPER + 3 * 32, DIRECTORY | 1);
	put(w, DIRECTORY, PASIDS | 1);
	put(w, PASIDS, PAGE_TABLE | 2 << 6 | 3 << 2 | 1);
	put(w, PASIDS + 8, 65535);
	walk(w, SCALABLE);
	assert_one(w, 5 << 8 | 0x83, IOMMU_SECOND_STAGE, 65535, 5, PAGE_TABLE);
}

static void test_scalable_first_stage(void **state)
{
	struct world *w = *state;

	put_scalable(w);
	put(w, PASIDS, 1 << 6 | 1);
	put(w, PASIDS + 16, PAGE_TABLE | 1 << 2);
	walk(w, SCALABLE);
	assert_one(w, 0x18, IOMMU_FIRST_STAGE, 7, 5, PAGE_TABLE);
}

static void test_scalable_pass_through(void **state)
{
	struct world *w = *state;

	put_scalable(w);
	put(w, PASIDS, PAGE_TABLE | 4 << 6 | 1);
	walk(w, SCALABLE);
	assert_one(w, 0x18, IOMMU_PASS_THROUGH, 7, 0, 0);
}

/* The PASID of requests without one need not be 0: 70 is entry 6 of the directory's second table. */
static void test_scalable_other_pasid(void **state)
{
	struct world *w = *state;

	put_scalable(w);
	put(w, LOWER + 0x18 * 32 + 8, 70);
	put(w, PASIDS, 0);
	walk(w, SCALABLE);
	assert_int_equal(w->tables.nr, 0);
	put(w, DIRECTORY + 8, PASIDS + 0x1000 + 1);
	put(w, PASIDS + 0x1000 + 6 * 64, PAGE_TABLE | 2 << 6 | 1 << 2 | 1);
	put(w, PASIDS + 0x1000 + 6 * 64 + 8, 9);
	walk(w, SCALABLE);
	assert_one(w, 0x18, IOMMU_SECOND_STAGE, 9, 3, PAGE_TABLE);
}

/* In the first table, in the second, and in the last one of a directory of 2^20 PASIDs. */
static void test_pasids(void **state)
{
	struct world *w = *state;
	static const struct {
		uint32_t pasid;
		uint64_t table;
	} pasids[] = { { 1, PASIDS }, { 63, PASIDS }, { 71, PASIDS + 0x1000 }, { 0xfffff, PASIDS + 0x2000 } };

	put_scalable(w);
	put(w, LOWER + 0x18 * 32, LONG_DIRECTORY | 7 << 9 | 1);
	put(w, LONG_DIRECTORY, PASIDS | 1);
	for (unsigned int i = 0; i < 4; i++) {
		put(w, LONG_DIRECTORY + pasids[i].pasid / 64 * 8, pasids[i].table | 1);
		put(w, pasids[i].table + pasids[i].pasid % 64 * 64, (PAGE_TABLE + i * 0x1000) | 2 << 6 | 2 << 2 | 1);
		put(w, pasids[i].table + pasids[i].pasid % 64 * 64 + 8, 20 + i);
	}
	walk(w, SCALABLE);
	assert_int_equal(w->tables.nr, 5);
	assert_false(w->tables.cut_short);
	assert_int_equal(iommu_find(&w->tables, 0x18)->domain_id, 7);
	for (unsigned int i = 0; i < 4; i++) {
		const struct iommu_entry *entry = iommu_find_pasid(&w->tables, 0x18, pasids[i].pasid);

		assert_non_null(entry);
		assert_int_equal(entry->domain_id, 20 + i);
		assert_int_equal(entry->table, PAGE_TABLE + i * 0x1000);
	}
	assert_null(iommu_find_pasid(&w->tables, 0x18, 2));
	assert_null(iommu_find_pasid(&w->tables, 0x19, 1));

	/* A directory that ends before them. */
	put(w, LOWER + 0x18 * 32, LONG_DIRECTORY | 1);
	walk(w, SCALABLE);
	assert_int_equal(w->tables.nr, 4);
	assert_null(iommu_find_pasid(&w->tables, 0x18, 0xfffff));

	/* Blocked without PASID, and not with one. */
	put(w, PASIDS, 0);
	walk(w, SCALABLE);
	assert_null(iommu_find(&w->tables, 0x18));
	assert_non_null(iommu_find_any(&w->tables, 0x18));
	assert_null(iommu_find_any(&w->tables, 0x19));
}

/* Whichever step is not present, the device is blocked. */
static void test_scalable_blocked(void **state)
{
	static const uint64_t steps[] = { ROOT, LOWER + 0x18 * 32, DIRECTORY, PASIDS };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		put_scalable(w);
		put(w, steps[i], w->words[steps[i] / 8] & ~1ULL);
		walk(w, SCALABLE);
		assert_int_equal(w->tables.nr, 0);
		assert_null(iommu_find(&w->tables, 0x18));
	}
}

static void test_pointers_out_of_memory(void **state)
{
	static const uint64_t steps[] = { ROOT, LOWER + 0x18 * 32, DIRECTORY };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		put_scalable(w);
		put(w, steps[i], 0x000ffffffffff000ULL | (w->words[steps[i] / 8] & 0xfff));
		walk(w, SCALABLE);
		assert_int_equal(w->tables.nr, 0);
		assert_true(w->tables.nr_outside > 0);
	}
	walk_from(w, ON, 0x000ffffffffff000ULL | SCALABLE);
	assert_int_equal(w->tables.nr, 0);
}

static void test_legacy(void **state)
{
	struct world *w = *state;

	put_legacy(w);
	walk(w, 0);
	assert_false(w->tables.scalable);
	assert_one(w, 0x18, IOMMU_SECOND_STAGE, 7, 4, PAGE_TABLE);
	put(w, LOWER + 0x18 * 16, 2 << 2 | 1);
	walk(w, 0);
	assert_one(w, 0x18, IOMMU_PASS_THROUGH, 7, 0, 0);
	put(w, LOWER + 0x18 * 16, PAGE_TABLE);
	walk(w, 0);
	assert_int_equal(w->tables.nr, 0);
}

static void test_off_is_not_walked(void **state)
{
	struct world *w = *state;

	put_scalable(w);
	walk_from(w, 0, ROOT | SCALABLE);
	assert_false(w->tables.translating);
	assert_int_equal(w->tables.nr, 0);
}

/* Memory that is no table any more must neither end the walk nor the program. */
static void test_garbage(void **state)
{
	struct world *w = *state;
	uint64_t value = 1;

	for (size_t i = 0; i < MEMORY_BYTES / 8; i++) {
		value = value * 6364136223846793005ULL + 1442695040888963407ULL;
		w->words[i] = (value >> 11 & (MEMORY_BYTES * 2 - 1)) | 1;
	}
	walk(w, SCALABLE);
	assert_int_equal(w->tables.nr, IOMMU_MAX_ENTRIES);
	assert_true(w->tables.cut_short);
	walk(w, 0);
	assert_int_equal(w->tables.nr, IOMMU_MAX_ENTRIES);
	assert_true(w->tables.cut_short);
}

/* Each function of each bus has a directory of the greatest size, all of it present, and nothing in any table. */
static void test_endless(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 0x1000; i += 8)
		put(w, ROOT + i, LOWER | 1);
	for (unsigned int i = 0; i < 0x1000; i += 32)
		put(w, LOWER + i, LONG_DIRECTORY | 7 << 9 | 1);
	for (unsigned int i = 0; i < 0x20000; i += 8)
		put(w, LONG_DIRECTORY + i, PASIDS | 1);
	walk(w, SCALABLE);
	assert_true(w->tables.cut_short);
	assert_in_range(w->tables.nr_words, 1, 1 << 23);
	assert_int_equal(w->tables.nr, 0);
}

static void test_shared_domain_id(void **state)
{
	struct iommu_entry a = { .sid = 1, .domain_id = 7, .table = 0x1000, .type = IOMMU_SECOND_STAGE }, b = a;

	(void)state;
	b.table = 0x3000;
	assert_true(iommu_share_domain_id(&a, &b, false));
	b.domain_id = 8;
	assert_false(iommu_share_domain_id(&a, &b, false));
	b.domain_id = 7;
	b.table = 0x1000;
	assert_false(iommu_share_domain_id(&a, &b, false));
	b.table = 0;
	b.type = IOMMU_PASS_THROUGH;
	assert_false(iommu_share_domain_id(&a, &b, false));
}

static void test_equal(void **state)
{
	struct world *w = *state;
	struct iommu_tables before;

	put_scalable(w);
	walk(w, SCALABLE);
	before = w->tables;
	walk(w, SCALABLE);
	assert_true(iommu_tables_equal(&before, &w->tables));
	put(w, PASIDS + 8, 8);
	walk(w, SCALABLE);
	assert_false(iommu_tables_equal(&before, &w->tables));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scalable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalable_upper_half_of_another_bus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalable_first_stage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalable_pass_through, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalable_other_pasid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalable_blocked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pointers_out_of_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_legacy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off_is_not_walked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pasids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_domain_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
