// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: what a live update costs
 *
 * Each phase of an update is timed where it happens, and what is kept for the next kernel is counted. A line in the log says it when the
 * old kernel hands a unit over (the last that is heard of it), another when the new one is up; debugfs has it at any time, in
 * iommu-liveupdate-cost. A line has words "name=value" behind "cost: ": a program may read them.
 *
 * Time is sched_clock(), which costs a read of the processor's counter, and counts from before the first that asks, interrupt remapping, is
 * set up. (local_clock() follows the timer tick at boot, and may leap.)
 *
 * Lock: none. Sums are atomic. Units are told apart at boot alone, where their drivers start one after the other.
 */
#define pr_fmt(fmt) "iommu liveupdate: " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>
#include <linux/sched/clock.h>

#include "cost.h"
#include "verify.h"

#define IOMMU_COST_MAX_UNITS	16	/* that are told apart */

static const char *const iommu_cost_names[IOMMU_NR_COSTS] = {
	[IOMMU_COST_PRESERVE]	= "preserve_ns",
	[IOMMU_COST_FREEZE]	= "freeze_ns",
	[IOMMU_COST_HANDOVER]	= "handover_ns",
	[IOMMU_COST_FIND]	= "find_ns",
	[IOMMU_COST_VERIFY]	= "verify_ns",
	[IOMMU_COST_ADOPT]	= "adopt_ns",
	[IOMMU_COST_PROBE]	= "probe_ns",
	[IOMMU_COST_WALK]	= "walk_ns",
	[IOMMU_COST_COMPARE]	= "compare_ns",
	[IOMMU_COST_FREE]	= "free_ns",
};

static const char *const iommu_kept_names[IOMMU_NR_KEPT] = {
	[IOMMU_KEPT_TABLES]	= "tables",
	[IOMMU_KEPT_TABLE_KEYS]	= "table_keys",
	[IOMMU_KEPT_TABLE_RUNS]	= "table_runs",
	[IOMMU_KEPT_METADATA]	= "metadata_bytes",
};

static atomic64_t iommu_costs[IOMMU_NR_COSTS];
static atomic64_t iommu_kept[IOMMU_NR_KEPT];
static struct {
	u64 id;
	u64 ns;
} iommu_cost_units[IOMMU_COST_MAX_UNITS];
static unsigned int iommu_cost_nr_units;

static s64 iommu_cost_ns(enum iommu_cost cost)
{
	return atomic64_read(&iommu_costs[cost]);
}

static s64 iommu_cost_restore_ns(void)
{
	return iommu_cost_ns(IOMMU_COST_FIND) + iommu_cost_ns(IOMMU_COST_VERIFY) + iommu_cost_ns(IOMMU_COST_ADOPT) +
	       iommu_cost_ns(IOMMU_COST_PROBE);
}

static void iommu_cost_adopted(u64 unit_id, u64 ns)
{
	if (iommu_cost_nr_units == IOMMU_COST_MAX_UNITS)
		return;
	iommu_cost_units[iommu_cost_nr_units].id = unit_id;
	iommu_cost_units[iommu_cost_nr_units++].ns = ns;
}

static void iommu_cost_say_handover(u64 unit_id)
{
	pr_info("unit %#llx is handed over; cost: preserve_ns=%lld freeze_ns=%lld handover_ns=%lld tables=%lld table_keys=%lld table_runs=%lld metadata_bytes=%lld\n",
		unit_id, iommu_cost_ns(IOMMU_COST_PRESERVE), iommu_cost_ns(IOMMU_COST_FREEZE),
		iommu_cost_ns(IOMMU_COST_HANDOVER), (s64)atomic64_read(&iommu_kept[IOMMU_KEPT_TABLES]),
		(s64)atomic64_read(&iommu_kept[IOMMU_KEPT_TABLE_KEYS]), (s64)atomic64_read(&iommu_kept[IOMMU_KEPT_TABLE_RUNS]),
		(s64)atomic64_read(&iommu_kept[IOMMU_KEPT_METADATA]));
}

/* The end of an iommu_cost_scope(). */
void iommu_cost_end(const struct iommu_cost_span *span)
{
	u64 ns = sched_clock() - span->began_ns;

	atomic64_add(ns, &iommu_costs[span->cost]);
	if (span->cost == IOMMU_COST_ADOPT)
		iommu_cost_adopted(span->unit_id, ns);
	else if (span->cost == IOMMU_COST_HANDOVER)
		iommu_cost_say_handover(span->unit_id);
}

/**
 * iommu_cost_keep() - more, or less, is kept for the next kernel
 * @kept: Of what.
 * @by: How much; below 0 when it is not kept any longer.
 *
 * Context: Any.
 */
void iommu_cost_keep(enum iommu_kept kept, s64 by)
{
	atomic64_add(by, &iommu_kept[kept]);
}

/**
 * iommu_cost_runs() - in how many pieces does memory lie?
 * @blocks: Blocks as of &struct iommu_domain_ser, ascending.
 * @nr_blocks: 1 or more.
 *
 * Context: Any. Time grows with @nr_blocks.
 * Return: The number of pieces.
 */
u32 iommu_cost_runs(const u64 *blocks, u32 nr_blocks)
{
	u32 i, runs = 1;

	for (i = 1; i < nr_blocks; i++)
		runs += lu_block_pa(blocks[i]) != lu_block_pa(blocks[i - 1]) + lu_block_bytes(blocks[i - 1]);
	return runs;
}

static int iommu_cost_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	for (i = 0; i < IOMMU_NR_COSTS; i++)
		seq_printf(m, "%s %lld\n", iommu_cost_names[i], iommu_cost_ns(i));
	for (i = 0; i < IOMMU_NR_KEPT; i++)
		seq_printf(m, "%s %lld\n", iommu_kept_names[i], (s64)atomic64_read(&iommu_kept[i]));
	for (i = 0; i < iommu_cost_nr_units; i++)
		seq_printf(m, "unit %#llx adopt_ns %llu\n", iommu_cost_units[i].id, iommu_cost_units[i].ns);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iommu_cost);

/* Devices that are there at boot have been probed. */
static int __init iommu_cost_init(void)
{
	debugfs_create_file("iommu-liveupdate-cost", 0400, NULL, NULL, &iommu_cost_fops);
	if (iommu_cost_ns(IOMMU_COST_ADOPT))
		pr_info("%u units are restored; cost: restore_ns=%lld find_ns=%lld verify_ns=%lld adopt_ns=%lld probe_ns=%lld\n",
			iommu_cost_nr_units, iommu_cost_restore_ns(), iommu_cost_ns(IOMMU_COST_FIND),
			iommu_cost_ns(IOMMU_COST_VERIFY), iommu_cost_ns(IOMMU_COST_ADOPT), iommu_cost_ns(IOMMU_COST_PROBE));
	return 0;
}
late_initcall(iommu_cost_init);
