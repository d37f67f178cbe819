// SPDX-License-Identifier: GPL-2.0-only
/* Arenas: what they hand out, what they hold, what they give back. Included by arena.c. */
#include <kunit/test.h>
#include <linux/prandom.h>

#define ARENA_KUNIT_PAGES 6000

struct arena_kunit {
	struct iommu_arena *arena;
	unsigned int nr_pages;
	void *pages[ARENA_KUNIT_PAGES];
};

static unsigned int arena_kunit_count(void)
{
	guard(spinlock_irqsave)(&iommu_arenas_lock);
	return list_count_nodes(&iommu_arenas);
}

static void arena_kunit_end(void *arg)
{
	struct arena_kunit *kunit = arg;

	while (kunit->nr_pages)
		iommu_free_pages(kunit->pages[--kunit->nr_pages]);
	iommu_arena_put(kunit->arena);
	kvfree(kunit);
}

static struct arena_kunit *arena_kunit(struct kunit *test)
{
	struct arena_kunit *kunit = kvzalloc_obj(*kunit);

	KUNIT_ASSERT_NOT_NULL(test, kunit);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, arena_kunit_end, kunit), 0);
	kunit->arena = iommu_arena_create(NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(test, kunit->arena);
	return kunit;
}

static void arena_kunit_alloc(struct kunit *test, struct arena_kunit *kunit)
{
	struct pt_iommu table = { .arena = kunit->arena, .nid = NUMA_NO_NODE };
	void *page = iommu_arena_alloc(&table, GFP_KERNEL, PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_TRUE(test, PAGE_ALIGNED(page));
	KUNIT_ASSERT_TRUE(test, iommu_arena_has(virt_to_ioptdesc(page)));
	/* It is nobody else's, and nothing is left of whoever had it before. */
	KUNIT_ASSERT_NULL(test, memchr_inv(page, 0, PAGE_SIZE));
	memset(page, 0xa5, PAGE_SIZE);
	kunit->pages[kunit->nr_pages++] = page;
}

static void arena_kunit_free(struct arena_kunit *kunit, unsigned int i)
{
	memset(kunit->pages[i], 0x5a, PAGE_SIZE);
	iommu_free_pages(kunit->pages[i]);
	kunit->pages[i] = kunit->pages[--kunit->nr_pages];
}

/* What has no table in it is in bounds, and the blocks say the same as the sums. */
static void arena_kunit_check(struct kunit *test, struct arena_kunit *kunit, unsigned long most_unused)
{
	const struct iommu_arena_usage *usage = &kunit->arena->usage;
	struct iommu_arena_usage sum = {};
	struct iommu_arena_block *block;

	list_for_each_entry(block, &kunit->arena->room, list) {
		KUNIT_ASSERT_LT(test, block->nr_used, iommu_arena_block_pages(block));
		KUNIT_ASSERT_EQ(test, bitmap_weight(block->used, iommu_arena_block_pages(block)), block->nr_used);
		KUNIT_ASSERT_TRUE(test, block->nr_used || block == kunit->arena->spare);
		sum.nr_tables += block->nr_used;
		sum.nr_pages += iommu_arena_block_pages(block);
		sum.nr_blocks++;
	}
	list_for_each_entry(block, &kunit->arena->full, list) {
		KUNIT_ASSERT_EQ(test, block->nr_used, iommu_arena_block_pages(block));
		sum.nr_tables += block->nr_used;
		sum.nr_pages += iommu_arena_block_pages(block);
		sum.nr_blocks++;
	}
	KUNIT_ASSERT_MEMEQ(test, &sum, usage, sizeof(sum));
	KUNIT_ASSERT_EQ(test, usage->nr_tables, kunit->nr_pages);
	KUNIT_ASSERT_LE(test, usage->nr_pages - usage->nr_tables, most_unused);
}

/* A fourth of what there is, or the smallest block. */
static unsigned long arena_kunit_bound(unsigned long nr_pages)
{
	return max(nr_pages / 4, 1UL << IOMMU_ARENA_MIN_ORDER);
}

static void arena_kunit_grows_and_shrinks(struct kunit *test)
{
	struct arena_kunit *kunit = arena_kunit(test);
	const struct iommu_arena_usage *usage = &kunit->arena->usage;
	struct iommu_arena_usage trimmed;
	struct iommu_arena_block *block;
	struct rnd_state random;
	unsigned int largest = 0;

	prandom_seed_state(&random, 4);
	while (kunit->nr_pages < ARENA_KUNIT_PAGES) {
		arena_kunit_alloc(test, kunit);
		if (kunit->nr_pages % 64 < 2)
			arena_kunit_check(test, kunit, arena_kunit_bound(kunit->nr_pages));
	}
	list_for_each_entry(block, &kunit->arena->full, list)
		largest = max(largest, iommu_arena_block_pages(block));
	KUNIT_EXPECT_GE(test, largest, 512);
	KUNIT_EXPECT_LE(test, usage->nr_blocks, 64);

	while (kunit->nr_pages) {
		arena_kunit_free(kunit, prandom_u32_state(&random) % kunit->nr_pages);
		if (kunit->nr_pages % 64 < 2)
			arena_kunit_check(test, kunit, ULONG_MAX);
	}
	/* One small block may be left, and is not when somebody asks what there is. */
	KUNIT_EXPECT_LE(test, usage->nr_pages, 1UL << IOMMU_ARENA_MIN_ORDER);
	iommu_arena_trim(kunit->arena, &trimmed);
	KUNIT_EXPECT_EQ(test, trimmed.nr_pages, 0);
	KUNIT_EXPECT_EQ(test, trimmed.nr_blocks, 0);
}

/* Mapping and unmapping at the boundary of a block. */
static void arena_kunit_keeps_a_spare(struct kunit *test)
{
	struct arena_kunit *kunit = arena_kunit(test);
	struct iommu_arena_block *spare;
	unsigned int i;

	while (kunit->nr_pages < 1U << IOMMU_ARENA_MIN_ORDER)
		arena_kunit_alloc(test, kunit);
	KUNIT_EXPECT_EQ(test, kunit->arena->usage.nr_blocks, 1);
	arena_kunit_alloc(test, kunit);
	arena_kunit_free(kunit, kunit->nr_pages - 1);
	spare = kunit->arena->spare;
	KUNIT_ASSERT_NOT_NULL(test, spare);
	for (i = 0; i < 10; i++) {
		arena_kunit_alloc(test, kunit);
		KUNIT_EXPECT_NULL(test, kunit->arena->spare);
		KUNIT_EXPECT_EQ(test, kunit->arena->usage.nr_blocks, 2);
		arena_kunit_free(kunit, kunit->nr_pages - 1);
		KUNIT_EXPECT_PTR_EQ(test, kunit->arena->spare, spare);
	}
	arena_kunit_check(test, kunit, 1UL << IOMMU_ARENA_MIN_ORDER);
}

/* Tables that are freed after their page table, as a queue of flushes does. */
static void arena_kunit_outlives_its_table(struct kunit *test)
{
	struct arena_kunit *kunit = arena_kunit(test);
	unsigned int nr_arenas = arena_kunit_count();
	struct iommu_pages_list list = IOMMU_PAGES_LIST_INIT(list);

	while (kunit->nr_pages < 100)
		arena_kunit_alloc(test, kunit);
	while (kunit->nr_pages)
		iommu_pages_list_add(&list, kunit->pages[--kunit->nr_pages]);
	iommu_arena_put(kunit->arena);
	kunit->arena = NULL;
	KUNIT_EXPECT_EQ(test, arena_kunit_count(), nr_arenas);
	iommu_put_pages_list(&list);
	KUNIT_EXPECT_EQ(test, arena_kunit_count(), nr_arenas - 1);
}

static void arena_kunit_lists_blocks(struct kunit *test)
{
	struct arena_kunit *kunit = arena_kunit(test);
	unsigned int i, j, nr;
	u64 blocks[64];

	while (kunit->nr_pages < 1000)
		arena_kunit_alloc(test, kunit);
	nr = iommu_arena_list(kunit->arena, NULL, 0);
	KUNIT_EXPECT_EQ(test, nr, kunit->arena->usage.nr_blocks);
	KUNIT_ASSERT_LE(test, nr, ARRAY_SIZE(blocks));
	KUNIT_EXPECT_EQ(test, iommu_arena_list(kunit->arena, blocks, nr), nr);
	for (i = 0; i < kunit->nr_pages; i++) {
		u64 pa = virt_to_phys(kunit->pages[i]);

		for (j = 0; j < nr; j++)
			if (pa - (blocks[j] & PAGE_MASK) < PAGE_SIZE << (blocks[j] & ~PAGE_MASK))
				break;
		KUNIT_ASSERT_LT(test, j, nr);
	}
}

/* What is no page, and what has no arena, comes from elsewhere. */
static void arena_kunit_other_sizes(struct kunit *test)
{
	struct arena_kunit *kunit = arena_kunit(test);
	struct pt_iommu with = { .arena = kunit->arena, .nid = NUMA_NO_NODE }, without = { .nid = NUMA_NO_NODE };
	void *two, *one;

	two = iommu_arena_alloc(&with, GFP_KERNEL, 2 * PAGE_SIZE);
	one = iommu_arena_alloc(&without, GFP_KERNEL, PAGE_SIZE);
	KUNIT_EXPECT_NOT_NULL(test, two);
	KUNIT_EXPECT_NOT_NULL(test, one);
	if (two)
		KUNIT_EXPECT_FALSE(test, iommu_arena_has(virt_to_ioptdesc(two)));
	if (one)
		KUNIT_EXPECT_FALSE(test, iommu_arena_has(virt_to_ioptdesc(one)));
	KUNIT_EXPECT_EQ(test, kunit->arena->usage.nr_blocks, 0);
	iommu_free_pages(two);
	iommu_free_pages(one);
	iommu_arena_put(NULL);
}

static struct kunit_case arena_kunit_cases[] = {
	KUNIT_CASE(arena_kunit_grows_and_shrinks),
	KUNIT_CASE(arena_kunit_keeps_a_spare),
	KUNIT_CASE(arena_kunit_outlives_its_table),
	KUNIT_CASE(arena_kunit_lists_blocks),
	KUNIT_CASE(arena_kunit_other_sizes),
	{}
};

static struct kunit_suite arena_kunit_suite = {
	.name = "iommu-liveupdate-arena",
	.test_cases = arena_kunit_cases,
};
kunit_test_suite(arena_kunit_suite);
