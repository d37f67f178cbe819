// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: free memory between preserved pages
 *
 * When a kernel preserved many single pages, the next one has as many pieces of
 * free memory between them, and to hand a piece to the page allocator takes the
 * whole way through it, whatever its size. Nobody needs that memory to boot. So
 * where preserved pages lie singly, all of a unit is reserved, in one range, and
 * what of it was not preserved, the gaps, is withheld. A thread gives it to the page
 * allocator a moment after the system is up; a shrinker does when memory is short
 * before.
 *
 * A withheld page is one like any that is reserved: PageReserved, not managed, and
 * not in totalram. It becomes managed when it is freed, as one of the init sections
 * or of the crash kernel would.
 *
 * Before the shrinker is there, memory that is short is out. Preserved pages may lie
 * singly in all of a machine, so one unit in KHO_UNITS_PER_FREE is not withheld:
 * that part of what is free, of each zone and node, is there from the first.
 *
 * Gaps are found again by their first page, which has the number of its pages in
 * page->private, and is in a list by page->lru. Not by PageReserved: what is next to
 * a gap may have been restored, freed, and be somebody's who marked it so.
 */
#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/memblock.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/swap.h>

#include "../../mm/internal.h"
#include "../../mm/mm_init.h"
#include "kho_gaps.h"

/*
 * Pieces of preserved memory in a unit from which on its gaps are withheld. A gap has
 * at most KHO_UNIT_PAGES / KHO_UNIT_RUNS pages on average then, so that marking
 * each costs less than freeing them at once.
 */
#define KHO_UNIT_RUNS		32
#define KHO_UNITS_PER_FREE	16

/* Before that the system may still be on its way to what it was restarted for. */
#define KHO_GAPS_DELAY_MS	1000

static LIST_HEAD(kho_gaps);
static unsigned long kho_gaps_pages;
static DEFINE_SPINLOCK(kho_gaps_lock);	/* protects both */
static struct shrinker *kho_gaps_shrinker;

static void __init kho_gap_add(unsigned long pfn, unsigned long end)
{
	struct page *page = pfn_to_page(pfn);
	const unsigned long nr = end - pfn;

	if (IS_ENABLED(CONFIG_DEFERRED_STRUCT_PAGE_INIT)) {
		int nid = early_pfn_to_nid(pfn);

		for (unsigned long i = pfn; i < end; i++)
			init_deferred_page(i, nid);
	}
	for (unsigned long i = 0; i < nr; i++)
		__SetPageReserved(page + i);
	set_page_private(page, nr);
	list_add_tail(&page->lru, &kho_gaps);
	kho_gaps_pages += nr;
}

/**
 * kho_gaps_withhold - withhold what of a unit was not preserved, if that is worth it
 * @unit: physical address of the unit
 * @from: where what was preserved before the unit ends in it, or @unit
 * @runs: all preserved memory that begins in the unit; the last may end beyond it
 * @nr: how many
 *
 * Context: before anything of the unit is reserved.
 * Return: true when all of the unit is to be reserved, without an initialisation
 * of its pages.
 */
bool __init kho_gaps_withhold(u64 unit, u64 from, const struct range *runs, int nr)
{
	if (nr < KHO_UNIT_RUNS || unit / KHO_UNIT_BYTES % KHO_UNITS_PER_FREE == 0)
		return false;
	/* Not what others reserved, nor what never is the page allocator's. */
	if (!memblock_is_region_free(unit, KHO_UNIT_BYTES))
		return false;

	for (int i = 0; i < nr; i++) {
		if (from < runs[i].start)
			kho_gap_add(PHYS_PFN(from), PHYS_PFN(runs[i].start));
		from = runs[i].end + 1;
	}
	if (from < unit + KHO_UNIT_BYTES)
		kho_gap_add(PHYS_PFN(from), PHYS_PFN(unit + KHO_UNIT_BYTES));
	return true;
}

/* Return: how many pages went to the page allocator, 0 when no gap is left. */
static unsigned long kho_gap_free(void)
{
	unsigned long nr, pfn, end;
	struct page *page;

	scoped_guard(spinlock, &kho_gaps_lock) {
		page = list_first_entry_or_null(&kho_gaps, struct page, lru);
		if (!page)
			return 0;
		list_del(&page->lru);
		nr = page_private(page);
		WRITE_ONCE(kho_gaps_pages, kho_gaps_pages - nr);
	}
	set_page_private(page, 0);
	pfn = page_to_pfn(page);
	end = pfn + nr;
	accept_memory(PFN_PHYS(pfn), nr * PAGE_SIZE);
	while (pfn < end) {
		/* A gap is smaller than what @pfn 0 would be aligned to. */
		unsigned int order = min(__ffs(pfn | KHO_UNIT_PAGES), __fls(end - pfn));

		free_reserved_pages(pfn_to_page(pfn), order);
		pfn += 1UL << order;
	}
	return nr;
}

static unsigned long kho_gaps_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return READ_ONCE(kho_gaps_pages) ?: SHRINK_EMPTY;
}

static unsigned long kho_gaps_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long freed = 0, nr;

	do {
		nr = kho_gap_free();
		freed += nr;
	} while (nr && freed < sc->nr_to_scan);
	sc->nr_scanned = freed;
	mm_account_reclaimed_pages(freed);
	return freed ?: SHRINK_STOP;
}

static int __init kho_gaps_shrinker_init(void)
{
	if (list_empty(&kho_gaps))
		return 0;
	kho_gaps_shrinker = shrinker_alloc(0, "kho-gaps");
	if (!kho_gaps_shrinker)
		return -ENOMEM;
	kho_gaps_shrinker->count_objects = kho_gaps_count;
	kho_gaps_shrinker->scan_objects = kho_gaps_scan;
	kho_gaps_shrinker->seeks = 0;	/* nothing is lost by it */
	shrinker_register(kho_gaps_shrinker);
	return 0;
}
core_initcall(kho_gaps_shrinker_init);

static void kho_gaps_free(void)
{
	unsigned long nr_pages = 0, nr;

	while ((nr = kho_gap_free())) {
		nr_pages += nr;
		cond_resched();
	}
	shrinker_free(kho_gaps_shrinker);
	/* What it computed at boot it computed without them. */
	init_per_zone_wmark_min();
	pr_info("%lu pages between preserved ones are given to the page allocator\n", nr_pages);
}

static int kho_gaps_thread(void *unused)
{
	set_user_nice(current, MAX_NICE);
	schedule_timeout_idle(msecs_to_jiffies(KHO_GAPS_DELAY_MS));
	kho_gaps_free();
	return 0;
}

static int __init kho_gaps_thread_init(void)
{
	if (!READ_ONCE(kho_gaps_pages) && !kho_gaps_shrinker)
		return 0;
	if (IS_ERR(kthread_run(kho_gaps_thread, NULL, "kho_gaps")))
		kho_gaps_free();
	return 0;
}
late_initcall(kho_gaps_thread_init);
