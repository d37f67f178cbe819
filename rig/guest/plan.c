// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * To add a plan: write a function of this form, put it into the table. It is called once in each kernel and sees from the
 * generation where it stands; it returns when the guest's part is over. What it finds wrong it says with channel_check().
 */
#include <errno.h>
#include <string.h>

#include "abort.h"
#include "bench.h"
#include "channel.h"
#include "hammer.h"
#include "irq.h"
#include "mapcost.h"
#include "pasid.h"
#include "plan.h"
#include "quarantine.h"
#include "refuse.h"
#include "rogue.h"
#include "scatter.h"
#include "several.h"
#include "sriov.h"
#include "unequal.h"
#include "update.h"

static int workload_start(struct rig *rig)
{
	int ret;

	channel_mark("workload-begin");
	ret = rig_start(rig);
	if (!ret)
		ret = rig_announce(rig);
	channel_mark("workload-end");
	return ret;
}

/* Devices work, and nothing else happens. */
static int plan_dma(struct rig *rig)
{
	int ret = workload_start(rig);

	return ret ? ret : rig_run(rig, rig->options.run_ms);
}

/* No update: what a domain costs in ordinary use. */
static int plan_mapcost(struct rig *rig)
{
	int ret = workload_start(rig);

	return ret ? ret : mapcost_run(rig);
}

/* Through as many kernels as there are hops, the devices working in each and in between. */
static int plan_update(struct rig *rig)
{
	int ret = rig->options.generation ? update_adopt(rig) : workload_start(rig);

	if (!ret)
		ret = rig_run(rig, rig->options.run_ms);
	if (ret || rig->options.generation >= rig->options.hops)
		return ret;
	ret = update_load(rig);
	if (!ret)
		ret = update_preserve(rig);
	return ret ? ret : update_kexec(rig);
}

/* As update, of one hop, with another way of taking over. */
static int one_hop(struct rig *rig, int (*adopt)(struct rig *rig))
{
	int ret;

	if (!rig->options.generation)
		return plan_update(rig);
	ret = adopt(rig);
	return ret ? ret : rig_run(rig, rig->options.run_ms);
}

/*
 * What happens without this project: the memory goes through the update, since any 7.3 kernel can do that, and the
 * devices are left to their fate. Afterwards nobody touches them; the witness sees what became of them in the memory that
 * they wrote to.
 */
static int plan_stock(struct rig *rig)
{
	int ret;

	if (rig->options.generation) {
		ret = update_session_retrieve(rig);
		if (!ret)
			ret = update_retrieve_memory(rig);
		return ret ? ret : rig_run(rig, rig->options.run_ms);
	}
	ret = plan_dma(rig);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = update_session_create(rig);
	if (!ret)
		ret = update_preserve_memory(rig);
	return ret ? ret : update_kexec(rig);
}

/* Updates that are given up, each followed by normal use, in each kernel; at the end a real one. */
static int plan_abort(struct rig *rig)
{
	int ret = rig->options.generation ? update_adopt(rig) : workload_start(rig);

	if (!ret)
		ret = rig_run(rig, rig->options.run_ms);
	if (!ret)
		ret = abort_all(rig);
	if (ret || rig->options.generation >= rig->options.hops)
		return ret;
	ret = update_preserve(rig);
	return ret ? ret : update_kexec(rig);
}

/* Beside the preserved devices one works that nobody preserves; it must be blocked, and they must not. */
static int plan_containment(struct rig *rig)
{
	int ret;

	if (rig->options.generation) {
		ret = update_adopt(rig);
		if (!ret)
			ret = rogue_contained(rig);
		return ret ? ret : rig_run(rig, rig->options.run_ms);
	}
	channel_mark("workload-begin");
	ret = rig_start(rig);
	if (!ret)
		ret = rogue_start(rig);
	if (!ret)
		ret = rig_announce(rig);
	channel_mark("workload-end");
	if (!ret)
		ret = rig_run(rig, rig->options.run_ms);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = update_preserve(rig);
	if (!ret)
		ret = rogue_unleash(rig);
	return ret ? ret : update_kexec(rig);
}

/* As update, of a machine that gets packets, and with no packet at the moment when the new kernel listens. */
static int irq_adopt(struct rig *rig)
{
	int ret = update_retrieve(rig);

	if (!ret)
		ret = irq_swap(rig);
	return ret ? ret : update_finish(rig);
}

static int plan_irq(struct rig *rig)
{
	return one_hop(rig, irq_adopt);
}

/* Bad input at each step of an update, before, after and beside it. */
static int plan_refuse(struct rig *rig)
{
	int ret;

	if (rig->options.generation) {
		ret = refuse_adopt(rig);
		return ret ? ret : rig_run(rig, rig->options.run_ms);
	}
	ret = plan_dma(rig);
	if (!ret)
		ret = refuse_old(rig);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = update_preserve(rig);
	if (!ret)
		ret = refuse_preserved(rig);
	return ret ? ret : update_kexec(rig);
}

/* As update, of one hop, but that the new kernel must refuse some of it. */
static int plan_quarantine(struct rig *rig)
{
	return one_hop(rig, quarantine_adopt);
}

static int plan_quarantine_late(struct rig *rig)
{
	return one_hop(rig, quarantine_adopt_late);
}

/* As update, of one hop, with virtual functions, and with what would take them away refused at each step. */
static int plan_sriov(struct rig *rig)
{
	int ret;

	if (rig->options.generation) {
		ret = sriov_kept(rig);
		if (!ret)
			ret = update_adopt(rig);
		if (!ret)
			ret = sriov_finished(rig);
		return ret ? ret : rig_run(rig, rig->options.run_ms);
	}
	ret = plan_dma(rig);
	if (!ret)
		ret = sriov_without_pf(rig);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = update_preserve(rig);
	if (!ret)
		ret = sriov_preserved(rig);
	return ret ? ret : update_kexec(rig);
}

/* As update, of one hop; the driver of the physical function is taken away before anybody claims the virtual ones. */
static int sriov_unbind_adopt(struct rig *rig)
{
	int ret = update_session_retrieve(rig);

	if (!ret)
		ret = update_retrieve_memory(rig);
	if (!ret)
		ret = update_retrieve_iommufd(rig);
	if (!ret)
		ret = sriov_unbind(rig);
	if (!ret)
		ret = update_retrieve_devices(rig);
	if (!ret)
		ret = update_restore_all(rig);
	if (!ret)
		ret = update_swap(rig);
	return ret ? ret : update_finish(rig);
}

static int plan_sriov_unbind(struct rig *rig)
{
	return one_hop(rig, sriov_unbind_adopt);
}

/* As update, of one hop, without virtual functions, which come when the new kernel has the device. */
static int sriov_later_adopt(struct rig *rig)
{
	int ret = update_retrieve(rig);

	if (!ret)
		ret = update_swap(rig);
	return ret ? ret : sriov_later(rig);
}

static int plan_sriov_later(struct rig *rig)
{
	return one_hop(rig, sriov_later_adopt);
}

/* As update, of one hop, and then swap after swap. */
static int hammer_adopt(struct rig *rig)
{
	int ret = update_adopt(rig);

	return ret ? ret : hammer(rig);
}

static int plan_hammer(struct rig *rig)
{
	return one_hop(rig, hammer_adopt);
}

/* As update, of one hop, with devices that share more, or less, than usual. */
static int plan_several(struct rig *rig)
{
	int ret;

	if (rig->options.generation) {
		ret = several_adopt(rig);
		return ret ? ret : rig_run(rig, rig->options.run_ms);
	}
	channel_mark("workload-begin");
	ret = several_start(rig);
	if (!ret)
		ret = rig_announce(rig);
	channel_mark("workload-end");
	if (!ret)
		ret = rig_run(rig, rig->options.run_ms);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = several_preserve(rig);
	return ret ? ret : update_kexec(rig);
}

/* As update, of one hop, with tables in the new kernel that differ from the old ones. */
static int plan_unequal(struct rig *rig)
{
	int ret;

	if (rig->options.generation) {
		ret = unequal_adopt(rig);
		return ret ? ret : rig_run(rig, rig->options.run_ms);
	}
	ret = plan_dma(rig);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = unequal_preserve(rig);
	return ret ? ret : update_kexec(rig);
}

/* As update, with PASIDs of devices attached to page tables as well, and with what is to be refused of them on the way. */
static int plan_pasid(struct rig *rig)
{
	int ret;

	pasid_prepare(rig);
	ret = rig->options.generation ? pasid_adopt(rig) : workload_start(rig);
	if (!ret && !rig->options.generation)
		ret = pasid_start(rig);
	if (!ret)
		ret = rig_run(rig, rig->options.run_ms);
	if (ret || rig->options.generation >= rig->options.hops)
		return ret;
	ret = update_load(rig);
	if (!ret)
		ret = pasid_preserve(rig);
	return ret ? ret : update_kexec(rig);
}

/* No devices: memory goes through the updates, once in one piece and once in many, and the boots are compared. */
static int plan_scatter(struct rig *rig)
{
	int ret = rig->options.generation ? scatter_adopt(rig) : 0;

	if (ret || rig->options.generation >= rig->options.hops)
		return ret;
	ret = rig_start(rig);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = update_session_create(rig);
	if (!ret)
		ret = scatter_preserve(rig);
	return ret ? ret : scatter_kexec(rig);
}

/* An update, or with hitless.keep=0 a plain kexec that keeps memory, by the clock. */
static int plan_bench(struct rig *rig)
{
	int ret;

	bench_begin();
	if (rig->options.generation)
		return rig->options.keep ? bench_adopt(rig) : bench_restart(rig);
	ret = bench_start(rig);
	if (!ret)
		ret = rig_run(rig, rig->options.run_ms);
	if (!ret)
		ret = update_load(rig);
	if (!ret)
		ret = bench_preserve(rig);
	return ret ? ret : bench_kexec();
}

static const struct {
	const char *name;
	int (*run)(struct rig *rig);
} plans[] = {
	{ "dma", plan_dma },
	{ "mapcost", plan_mapcost },
	{ "update", plan_update },
	{ "stock", plan_stock },
	{ "abort", plan_abort },
	{ "bench", plan_bench },
	{ "containment", plan_containment },
	{ "irq", plan_irq },
	{ "pasid", plan_pasid },
	{ "quarantine", plan_quarantine },
	{ "quarantine-late", plan_quarantine_late },
	{ "refuse", plan_refuse },
	{ "scatter", plan_scatter },
	{ "hammer", plan_hammer },
	{ "several", plan_several },
	{ "unequal", plan_unequal },
	{ "sriov", plan_sriov },
	{ "sriov-unbind", plan_sriov_unbind },
	{ "sriov-later", plan_sriov_later },
};

int plan_run(struct rig *rig)
{
	size_t i;

	for (i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		if (!strcmp(plans[i].name, rig->options.plan))
			return plans[i].run(rig);
	return -ENOENT;
}
