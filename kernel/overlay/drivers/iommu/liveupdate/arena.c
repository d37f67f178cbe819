// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: arenas
 *
 * Tables of a domain that may be preserved come from blocks of up to 2 MiB, which belong to that domain alone, and not from the page
 * allocator one by one. KHO keeps a block by one key, so preserving does not walk tables, and neither the next kernel's early boot
 * nor the freeing of what it took over knows how many there are.
 *
 * To those who use it a table of an arena is like any other: it has a struct ioptdesc of its own, and is freed by iommu_free_pages() or
 * iommu_put_pages_list(). The block it is in stands in its ioptdesc. A block is an allocation of higher order that is neither compound nor
 * split, so the pages in it have no references and no state of the page allocator's; they are zeroed when they become tables.
 *
 * Memory: a block is at most a fourth of what its arena has already, and 32 KiB at least, so a domain that grows has at most that much
 * which is no table. A block goes back when its last table does, but for one that is kept, if it is small beside the others, so
 * that mapping and unmapping at a boundary does not allocate each time. Nothing is moved: a domain that was large and is mapped thinly now
 * may have blocks with few tables. debugfs says how much that is, and so does the log when the domain is preserved.
 *
 * Lock: arena->lock, which is taken with interrupts off, as tables may be freed so. iommu_arenas_lock protects the list of arenas;
 * it is outside of arena->lock.
 */
#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/kho/abi/iommu.h>

#include "arena.h"

#define IOMMU_ARENA_MIN_ORDER	3
#define IOMMU_ARENA_MAX_ORDER	(IOMMU_SER_MAX_BLOCK_ORDER + 12 - PAGE_SHIFT)

/**
 * struct iommu_arena_block - memory for tables
 * @list: In @arena's list of those with room, or of the others.
 * @arena: Whose it is.
 * @base: Its first page.
 * @order: Of how many pages, as a power of two.
 * @nr_used: Pages that are tables.
 * @next: No page below it is free.
 * @used: One bit a page.
 */
struct iommu_arena_block {
	struct list_head list;
	struct iommu_arena *arena;
	void *base;
	unsigned int order;
	unsigned int nr_used;
	unsigned int next;
	unsigned long used[];
};

/**
 * struct iommu_arena - where the tables of a domain come from
 * @lock: Protects all that follows, and the blocks.
 * @room: Blocks with free pages: new tables come from the first. The spare one is the last.
 * @full: Blocks without.
 * @spare: A block without tables, or NULL.
 * @usage: What it has.
 * @nid: Node that blocks come from.
 * @orphan: The domain is gone; the arena goes with its last block.
 * @list: In iommu_arenas.
 */
struct iommu_arena {
	spinlock_t lock;
	struct list_head room;
	struct list_head full;
	struct iommu_arena_block *spare;
	struct iommu_arena_usage usage;
	int nid;
	bool orphan;
	struct list_head list;
};

static DEFINE_SPINLOCK(iommu_arenas_lock);
static LIST_HEAD(iommu_arenas);

static unsigned int iommu_arena_block_pages(const struct iommu_arena_block *block)
{
	return 1U << block->order;
}

/* Before it has any table, or when it has none any more. */
static void iommu_arena_block_account(const struct iommu_arena_block *block, int by)
{
	struct folio *folio = virt_to_folio(block->base);

	mod_node_page_state(folio_pgdat(folio), NR_IOMMU_PAGES, by * (int)iommu_arena_block_pages(block));
	lruvec_stat_mod_folio(folio, NR_SECONDARY_PAGETABLE, by * (int)iommu_arena_block_pages(block));
}

static void iommu_arena_block_free(struct iommu_arena_block *block)
{
	iommu_arena_block_account(block, -1);
	free_pages((unsigned long)block->base, block->order);
	kfree(block);
}

/* Less than @order when there is no such piece of memory: it is looked for thoroughly once, and then taken as it comes. */
static struct page *iommu_arena_pages(int nid, gfp_t gfp, unsigned int *order)
{
	gfp_t gfp_large = gfp | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;

	for (; *order; --*order) {
		page = alloc_pages_node(nid, gfp_large, *order);
		if (page)
			return page;
		gfp_large &= ~__GFP_DIRECT_RECLAIM;
	}
	return alloc_pages_node(nid, gfp, 0);
}

static struct iommu_arena_block *iommu_arena_block_create(struct iommu_arena *arena, gfp_t gfp, unsigned int order)
{
	struct iommu_arena_block *block;
	struct page *page;

	gfp &= ~(__GFP_ZERO | __GFP_COMP);
	page = iommu_arena_pages(arena->nid, gfp, &order);
	if (!page)
		return NULL;
	block = kzalloc_flex(*block, used, BITS_TO_LONGS(1U << order), gfp & ~__GFP_ACCOUNT);
	if (!block) {
		__free_pages(page, order);
		return NULL;
	}
	block->arena = arena;
	block->base = page_address(page);
	block->order = order;
	iommu_arena_block_account(block, 1);
	return block;
}

/* What is good measure for an arena that has so many pages. */
static unsigned int iommu_arena_order(unsigned long nr_pages)
{
	if (nr_pages / 4 < 1UL << IOMMU_ARENA_MIN_ORDER)
		return IOMMU_ARENA_MIN_ORDER;
	return min_t(unsigned int, ilog2(nr_pages / 4), IOMMU_ARENA_MAX_ORDER);
}

/**
 * iommu_arena_create() - make an arena without any block
 * @nid: Node that its memory comes from.
 *
 * Context: Process context, may sleep.
 * Return: It, to be given up by iommu_arena_put(); NULL without memory.
 */
struct iommu_arena *iommu_arena_create(int nid)
{
	struct iommu_arena *arena = kzalloc_obj(*arena);

	if (!arena)
		return NULL;
	spin_lock_init(&arena->lock);
	INIT_LIST_HEAD(&arena->room);
	INIT_LIST_HEAD(&arena->full);
	arena->nid = nid;
	scoped_guard(spinlock_irqsave, &iommu_arenas_lock)
		list_add_tail(&arena->list, &iommu_arenas);
	return arena;
}

static void iommu_arena_destroy(struct iommu_arena *arena)
{
	scoped_guard(spinlock_irqsave, &iommu_arenas_lock)
		list_del(&arena->list);
	kfree(arena);
}

/* Takes a block without tables out of its arena. */
static void iommu_arena_remove(struct iommu_arena *arena, struct iommu_arena_block *block, struct list_head *gone)
{
	lockdep_assert_held(&arena->lock);
	arena->usage.nr_pages -= iommu_arena_block_pages(block);
	arena->usage.nr_blocks--;
	if (arena->spare == block)
		arena->spare = NULL;
	list_move(&block->list, gone);
}

static void iommu_arena_free_blocks(struct list_head *gone)
{
	struct iommu_arena_block *block, *next;

	list_for_each_entry_safe(block, next, gone, list)
		iommu_arena_block_free(block);
}

/**
 * iommu_arena_put() - the page table is gone
 * @arena: Its arena, or NULL. Tables of it may still be waiting to be freed.
 *
 * Context: Any.
 */
void iommu_arena_put(struct iommu_arena *arena)
{
	LIST_HEAD(gone);
	bool last;

	if (!arena)
		return;
	scoped_guard(spinlock_irqsave, &arena->lock) {
		arena->orphan = true;
		if (arena->spare)
			iommu_arena_remove(arena, arena->spare, &gone);
		last = !arena->usage.nr_blocks;
	}
	iommu_arena_free_blocks(&gone);
	if (last)
		iommu_arena_destroy(arena);
}
EXPORT_SYMBOL_GPL(iommu_arena_put);

static void *iommu_arena_take(struct iommu_arena *arena)
{
	struct iommu_arena_block *block = list_first_entry_or_null(&arena->room, struct iommu_arena_block, list);
	unsigned int at;

	lockdep_assert_held(&arena->lock);
	if (!block)
		return NULL;
	at = find_next_zero_bit(block->used, iommu_arena_block_pages(block), block->next);
	__set_bit(at, block->used);
	block->next = at + 1;
	if (arena->spare == block)
		arena->spare = NULL;
	if (++block->nr_used == iommu_arena_block_pages(block))
		list_move(&block->list, &arena->full);
	arena->usage.nr_tables++;
	virt_to_ioptdesc(block->base + at * PAGE_SIZE)->_private = block;
	return block->base + at * PAGE_SIZE;
}

static void iommu_arena_add(struct iommu_arena *arena, struct iommu_arena_block *block)
{
	guard(spinlock_irqsave)(&arena->lock);
	list_add_tail(&block->list, &arena->room);
	arena->usage.nr_pages += iommu_arena_block_pages(block);
	arena->usage.nr_blocks++;
}

static void *iommu_arena_alloc_page(struct iommu_arena *arena, gfp_t gfp)
{
	struct iommu_arena_block *block;
	unsigned int order;
	void *page;

	for (;;) {
		scoped_guard(spinlock_irqsave, &arena->lock) {
			page = iommu_arena_take(arena);
			order = iommu_arena_order(arena->usage.nr_pages);
		}
		if (page)
			break;
		block = iommu_arena_block_create(arena, gfp, order);
		if (!block)
			return NULL;
		iommu_arena_add(arena, block);
	}
	virt_to_ioptdesc(page)->incoherent = false;
	clear_page(page);
	return page;
}

/**
 * iommu_arena_alloc() - allocate a table
 * @iommu_table: For whom: from its arena, or when it has none from the page allocator, on its node.
 * @gfp: As for iommu_alloc_pages_node_sz().
 * @bytes: Its size. What is not a page does not come from an arena.
 *
 * Context: As @gfp says.
 * Return: Its address, zeroed, to be freed as what iommu_alloc_pages_node_sz() returns; NULL without memory.
 */
void *iommu_arena_alloc(struct pt_iommu *iommu_table, gfp_t gfp, size_t bytes)
{
	if (iommu_table->arena && bytes == PAGE_SIZE)
		return iommu_arena_alloc_page(iommu_table->arena, gfp);
	return iommu_alloc_pages_node_sz(iommu_table->nid, gfp, bytes);
}
EXPORT_SYMBOL_GPL(iommu_arena_alloc);

/* A block has no table any more. One of them may stay. */
static void iommu_arena_emptied(struct iommu_arena *arena, struct iommu_arena_block *block, struct list_head *gone)
{
	lockdep_assert_held(&arena->lock);
	if (arena->orphan || arena->spare || block->order > iommu_arena_order(arena->usage.nr_tables)) {
		iommu_arena_remove(arena, block, gone);
	} else {
		list_move_tail(&block->list, &arena->room);
		arena->spare = block;
	}
	if (arena->spare && arena->spare->order > iommu_arena_order(arena->usage.nr_tables))
		iommu_arena_remove(arena, arena->spare, gone);
}

/**
 * iommu_arena_free_page() - free a table
 * @iopt: Its descriptor, of which iommu_arena_has() is true.
 *
 * Context: Any.
 */
void iommu_arena_free_page(struct ioptdesc *iopt)
{
	struct iommu_arena_block *block = iopt->_private;
	struct iommu_arena *arena = block->arena;
	LIST_HEAD(gone);
	unsigned int at;
	bool last;

	scoped_guard(spinlock_irqsave, &arena->lock) {
		iopt->_private = NULL;
		at = (folio_address(ioptdesc_folio(iopt)) - block->base) / PAGE_SIZE;
		__clear_bit(at, block->used);
		block->next = min(block->next, at);
		/* It has least room of all, and is filled up first. */
		if (block->nr_used-- == iommu_arena_block_pages(block))
			list_move(&block->list, &arena->room);
		arena->usage.nr_tables--;
		if (!block->nr_used)
			iommu_arena_emptied(arena, block, &gone);
		last = arena->orphan && !arena->usage.nr_blocks;
	}
	iommu_arena_free_blocks(&gone);
	if (last)
		iommu_arena_destroy(arena);
}
EXPORT_SYMBOL_GPL(iommu_arena_free_page);

/**
 * iommu_arena_trim() - give back what no table is in, and count the rest
 * @arena: An arena from which nothing is allocated meanwhile.
 * @usage: Set to what is left.
 *
 * Context: Any.
 */
void iommu_arena_trim(struct iommu_arena *arena, struct iommu_arena_usage *usage)
{
	LIST_HEAD(gone);

	scoped_guard(spinlock_irqsave, &arena->lock) {
		if (arena->spare)
			iommu_arena_remove(arena, arena->spare, &gone);
		*usage = arena->usage;
	}
	iommu_arena_free_blocks(&gone);
}

/**
 * iommu_arena_list() - list the blocks of an arena
 * @arena: The arena; nothing is allocated from it meanwhile.
 * @blocks: Set to entries as those of &struct iommu_domain_ser, in no order.
 * @max_blocks: Room in @blocks.
 *
 * Context: Any.
 * Return: How many there are.
 */
unsigned int iommu_arena_list(struct iommu_arena *arena, u64 *blocks, unsigned int max_blocks)
{
	struct list_head *const lists[] = { &arena->room, &arena->full };
	struct iommu_arena_block *block;
	unsigned int i, nr = 0;

	guard(spinlock_irqsave)(&arena->lock);
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		list_for_each_entry(block, lists[i], list) {
			if (nr < max_blocks)
				blocks[nr] = virt_to_phys(block->base) | (block->order + PAGE_SHIFT - 12);
			nr++;
		}
	return nr;
}

static int iommu_arenas_show(struct seq_file *m, void *unused)
{
	struct iommu_arena_usage usage, sum = {};
	struct iommu_arena *arena;

	guard(spinlock_irqsave)(&iommu_arenas_lock);
	list_for_each_entry(arena, &iommu_arenas, list) {
		scoped_guard(spinlock, &arena->lock)
			usage = arena->usage;
		seq_printf(m, "tables %lu pages %lu blocks %u\n", usage.nr_tables, usage.nr_pages, usage.nr_blocks);
		sum.nr_tables += usage.nr_tables;
		sum.nr_pages += usage.nr_pages;
		sum.nr_blocks += usage.nr_blocks;
	}
	seq_printf(m, "all: tables %lu pages %lu blocks %u\n", sum.nr_tables, sum.nr_pages, sum.nr_blocks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iommu_arenas);

static int __init iommu_arenas_debugfs_init(void)
{
	debugfs_create_file("iommu-liveupdate-arenas", 0400, NULL, NULL, &iommu_arenas_fops);
	return 0;
}
late_initcall(iommu_arenas_debugfs_init);

#if IS_ENABLED(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "arena_kunit.c"
#endif
