// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of how a device gets from one domain to another, by the driver's own operations, on a unit and a device that do not exist:
 * tables are memory, and each invalidation looks at the entry.
 */
#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/generic_pt/iommu.h>
#include <linux/iommufd.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "attach.h"
#include "iommu.h"
#include "pasid.h"
#include "../iommu-pages.h"

#define KUNIT_BUS		3
#define KUNIT_DEVFN		0x28
#define KUNIT_PASID		5
#define KUNIT_NR_REPLACES	2000

enum attach_kunit_kind { KUNIT_IDENTITY, KUNIT_SS, KUNIT_FS, KUNIT_NESTED, KUNIT_NR_KINDS };

static const char *const attach_kunit_names[KUNIT_NR_KINDS] = { "identity", "second stage", "first stage", "nested" };

struct attach_kunit {
	struct intel_iommu iommu;
	struct device *dev;
	struct dev_iommu dev_iommu;
	struct device_domain_info info;
	struct pasid_table pasid_table;
	bool scalable;
	unsigned int nr_looks;		/* invalidations */
	unsigned int nr_blocked;	/* that found the entry not present */
};

static struct pasid_entry *attach_kunit_pasid(struct attach_kunit *unit, ioasid_t pasid)
{
	struct pasid_entry *table = get_pasid_table_from_pde(unit->pasid_table.table);

	return table ? &table[pasid] : NULL;
}

static u64 *attach_kunit_entry(struct attach_kunit *unit)
{
	return unit->scalable ? attach_kunit_pasid(unit, IOMMU_NO_PASID)->val :
				&iommu_context_addr(&unit->iommu, KUNIT_BUS, KUNIT_DEVFN, 0)->lo;
}

static void attach_kunit_look(struct vtd_live_entry *live, enum vtd_cache cache, u16 did)
{
	struct attach_kunit *unit = container_of(live->info, struct attach_kunit, info);

	unit->nr_looks++;
	unit->nr_blocked += !(live->writer.entry[0] & 1);
}

static void attach_kunit_flush_context(struct intel_iommu *iommu, u16 did, u16 sid, u8 fm, u64 type)
{
}

static void attach_kunit_flush_iotlb(struct intel_iommu *iommu, u16 did, u64 addr, unsigned int size_order, u64 type)
{
}

static void attach_kunit_free(void *arg)
{
	struct attach_kunit *unit = arg;
	u64 context = unit->iommu.root_entry[KUNIT_BUS].lo;

	if (context & 1)
		iommu_free_pages(phys_to_virt(context & VTD_PAGE_MASK));
	iommu_free_pages(unit->iommu.root_entry);
	if (unit->pasid_table.table) {
		iommu_free_pages(attach_kunit_pasid(unit, IOMMU_NO_PASID));
		iommu_free_pages(unit->pasid_table.table);
	}
	ida_destroy(&unit->iommu.domain_ida);
	unit->dev->iommu = NULL;
}

static struct attach_kunit *attach_kunit_unit(struct kunit *test, bool scalable)
{
	struct attach_kunit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	if (scalable && !intel_iommu_sm)
		kunit_skip(test, "scalable mode is off");
	unit->scalable = scalable;
	unit->dev = kunit_device_register(test, "vtd_attach_dev");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit->dev);
	set_dev_node(unit->dev, NUMA_NO_NODE);

	/* 4 levels, 48 bits, large pages. */
	unit->iommu.cap = BIT_ULL(8 + 2) | 47ULL << 16 | 3ULL << 34 | BIT_ULL(56);
	unit->iommu.ecap = BIT_ULL(0) | BIT_ULL(7);
	/* SMTS, FSTS, SSTS, SSADS, NEST, PASID, SMPWC */
	if (scalable)
		unit->iommu.ecap |= BIT_ULL(43) | BIT_ULL(47) | BIT_ULL(46) | BIT_ULL(45) | BIT_ULL(26) | BIT_ULL(40) | BIT_ULL(48);
	unit->iommu.agaw = 2;
	unit->iommu.msagaw = 2;
	unit->iommu.node = NUMA_NO_NODE;
	unit->iommu.max_domain_id = 65536;
	unit->iommu.flush.flush_context = attach_kunit_flush_context;
	unit->iommu.flush.flush_iotlb = attach_kunit_flush_iotlb;
	spin_lock_init(&unit->iommu.lock);
	mutex_init(&unit->iommu.did_lock);
	ida_init(&unit->iommu.domain_ida);
	unit->info.dev = unit->dev;
	unit->info.iommu = &unit->iommu;
	unit->info.bus = KUNIT_BUS;
	unit->info.devfn = KUNIT_DEVFN;
	unit->dev_iommu.priv = &unit->info;
	unit->dev->iommu = &unit->dev_iommu;
	unit->iommu.root_entry = iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_4K);
	KUNIT_ASSERT_NOT_NULL(test, unit->iommu.root_entry);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, attach_kunit_free, unit), 0);
	if (scalable) {
		unit->pasid_table.table = iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_4K);
		KUNIT_ASSERT_NOT_NULL(test, unit->pasid_table.table);
		unit->pasid_table.max_pasid = 1 << (PASID_PDE_SHIFT + 9);
		unit->info.pasid_table = &unit->pasid_table;
		KUNIT_ASSERT_EQ(test, intel_pasid_setup_sm_context(unit->dev), 0);
	}
	kunit_activate_static_stub(test, vtd_invalidate, attach_kunit_look);
	return unit;
}

static void attach_kunit_domain_free(void *arg)
{
	struct dmar_domain *domain = arg;
	struct device_domain_info *info, *next;

	list_for_each_entry_safe(info, next, &domain->devices, link)
		device_block_translation(info->dev);
	if (domain->domain.type != IOMMU_DOMAIN_NESTED) {
		domain->domain.ops->free(&domain->domain);
		return;
	}
	kfree(domain->qi_batch);
	kfree(domain);
}

static struct dmar_domain *attach_kunit_domain_raw(struct attach_kunit *unit, u32 flags)
{
	const struct iommu_ops *ops = &intel_iommu_ops;
	struct iommu_domain *domain = ops->domain_alloc_paging_flags(unit->dev, flags, NULL);

	if (IS_ERR(domain))
		return ERR_CAST(domain);
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->owner = ops;
	return to_dmar_domain(domain);
}

/* The way to a nested domain from userspace goes over userspace memory; what it makes is this. */
static struct dmar_domain *attach_kunit_nested_raw(struct dmar_domain *parent)
{
	struct dmar_domain *domain = kzalloc_obj(*domain);
	static atomic_t nr;

	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->domain.type = IOMMU_DOMAIN_NESTED;
	domain->s2_domain = parent;
	domain->s1_cfg.pgtbl_addr = 0x7000000ULL + atomic_inc_return(&nr) * SZ_4K;
	domain->s1_cfg.addr_width = ADDR_WIDTH_4LEVEL;
	INIT_LIST_HEAD(&domain->devices);
	INIT_LIST_HEAD(&domain->dev_pasids);
	INIT_LIST_HEAD(&domain->cache_tags);
	spin_lock_init(&domain->lock);
	spin_lock_init(&domain->cache_lock);
	xa_init(&domain->iommu_array);
	return domain;
}

static struct dmar_domain *attach_kunit_domain(struct kunit *test, struct attach_kunit *unit, enum attach_kunit_kind kind)
{
	struct dmar_domain *domain;

	if (kind == KUNIT_NESTED)
		domain = attach_kunit_nested_raw(attach_kunit_domain(test, unit, KUNIT_SS));
	else	/* Only second-stage tables can have dirty tracking: asking for that gets one. */
		domain = attach_kunit_domain_raw(unit, kind == KUNIT_SS && unit->scalable ? IOMMU_HWPT_ALLOC_DIRTY_TRACKING : 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, attach_kunit_domain_free, domain), 0);
	if (kind != KUNIT_NESTED)
		KUNIT_ASSERT_EQ(test, intel_domain_is_fs_paging(domain), kind == KUNIT_FS);
	return domain;
}

/* NULL is the identity domain. */
static int attach_kunit_attach(struct attach_kunit *unit, struct dmar_domain *domain, struct dmar_domain *old)
{
	struct iommu_domain *identity = intel_iommu_ops.identity_domain, *from = old ? &old->domain : identity;

	unit->nr_looks = 0;
	unit->nr_blocked = 0;
	if (!domain)
		return identity->ops->attach_dev(identity, unit->dev, from);
	if (domain->domain.type == IOMMU_DOMAIN_NESTED)
		return intel_attach_domain(domain, unit->dev, from);
	return domain->domain.ops->attach_dev(&domain->domain, unit->dev, from);
}

static unsigned int attach_kunit_nr_ids(struct attach_kunit *unit)
{
	unsigned int nr = 0;
	int did = -1;

	while ((did = ida_find_first_range(&unit->iommu.domain_ida, did + 1, ~0)) >= 0)
		nr++;
	return nr;
}

static void attach_kunit_expect_left(struct kunit *test, struct dmar_domain *domain, const char *what)
{
	if (!domain)
		return;
	KUNIT_EXPECT_TRUE_MSG(test, list_empty(&domain->devices), "%s", what);
	KUNIT_EXPECT_TRUE_MSG(test, list_empty(&domain->cache_tags), "%s", what);
	KUNIT_EXPECT_TRUE_MSG(test, xa_empty(&domain->iommu_array), "%s", what);
}

static void attach_kunit_expect_on(struct kunit *test, struct attach_kunit *unit, struct dmar_domain *domain, const char *what)
{
	KUNIT_EXPECT_TRUE_MSG(test, *attach_kunit_entry(unit) & 1, "%s", what);
	KUNIT_EXPECT_TRUE_MSG(test, unit->info.domain_attached, "%s", what);
	KUNIT_EXPECT_PTR_EQ_MSG(test, unit->info.domain, domain, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, attach_kunit_nr_ids(unit), domain ? 1 : 0, "%s", what);
	if (!domain)
		return;
	KUNIT_EXPECT_EQ_MSG(test, list_count_nodes(&domain->devices), 1, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, list_count_nodes(&domain->cache_tags), 1, "%s", what);
	if (unit->scalable)
		KUNIT_EXPECT_EQ_MSG(test, pasid_get_domain_id(attach_kunit_pasid(unit, IOMMU_NO_PASID)),
				    domain_id_iommu(domain, &unit->iommu), "%s", what);
	KUNIT_EXPECT_TRUE_MSG(test, ida_exists(&unit->iommu.domain_ida, domain_id_iommu(domain, &unit->iommu)), "%s", what);
}

static void attach_kunit_one_replace(struct kunit *test, struct attach_kunit *unit, enum attach_kunit_kind from, enum attach_kunit_kind to)
{
	struct dmar_domain *old = from == KUNIT_IDENTITY ? NULL : attach_kunit_domain(test, unit, from);
	struct dmar_domain *new = to == KUNIT_IDENTITY ? NULL : attach_kunit_domain(test, unit, to);
	/* The first-stage table and more besides. */
	const bool blocks = (from == KUNIT_NESTED && (to == KUNIT_NESTED || to == KUNIT_FS)) || (from == KUNIT_FS && to == KUNIT_NESTED);
	char what[64];

	snprintf(what, sizeof(what), "%s to %s%s", attach_kunit_names[from], attach_kunit_names[to], unit->scalable ? "" : ", legacy");
	KUNIT_ASSERT_EQ_MSG(test, attach_kunit_attach(unit, old, NULL), 0, "%s", what);
	attach_kunit_expect_on(test, unit, old, what);
	KUNIT_EXPECT_EQ_MSG(test, attach_kunit_attach(unit, new, old), 0, "%s", what);
	attach_kunit_expect_on(test, unit, new, what);
	attach_kunit_expect_left(test, old, what);
	KUNIT_EXPECT_EQ_MSG(test, unit->nr_blocked > 0, blocks, "%s", what);
	if (from != KUNIT_IDENTITY || to != KUNIT_IDENTITY)
		KUNIT_EXPECT_GT_MSG(test, unit->nr_looks, 2, "%s", what);

	device_block_translation(unit->dev);
	KUNIT_EXPECT_FALSE_MSG(test, *attach_kunit_entry(unit) & 1, "%s", what);
	attach_kunit_expect_left(test, new, what);
	KUNIT_EXPECT_TRUE_MSG(test, ida_is_empty(&unit->iommu.domain_ida), "%s", what);
}

/* Each kind of domain after each: what can go without blocking does, and everything is counted. */
static void attach_kunit_replace(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test, true);
	enum attach_kunit_kind from, to;

	for (from = 0; from < KUNIT_NR_KINDS; from++)
		for (to = 0; to < KUNIT_NR_KINDS; to++)
			attach_kunit_one_replace(test, unit, from, to);
}

static void attach_kunit_replace_legacy(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test, false);
	enum attach_kunit_kind from, to;

	for (from = KUNIT_IDENTITY; from <= KUNIT_SS; from++)
		for (to = KUNIT_IDENTITY; to <= KUNIT_SS; to++)
			attach_kunit_one_replace(test, unit, from, to);
}

struct attach_kunit_watch {
	u64 *entry;
	unsigned long nr_reads;
	unsigned long nr_blocked;
};

static int attach_kunit_watcher(void *arg)
{
	struct attach_kunit_watch *watch = arg;

	while (!kthread_should_stop()) {
		watch->nr_blocked += !(READ_ONCE(*watch->entry) & 1);
		watch->nr_reads++;
		if (!(watch->nr_reads % 64))
			cond_resched();
	}
	return 0;
}

/* Back and forth between two paging domains, while another processor looks at the entry all the time. */
static void attach_kunit_watched(struct kunit *test, bool scalable, enum attach_kunit_kind kind)
{
	struct attach_kunit *unit = attach_kunit_unit(test, scalable);
	struct dmar_domain *domains[2] = { attach_kunit_domain(test, unit, kind), attach_kunit_domain(test, unit, kind) };
	struct attach_kunit_watch *watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	const unsigned long deadline = jiffies + 30 * HZ;
	struct task_struct *watcher;
	unsigned int i, nr_failed = 0;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor: nobody can watch");
	KUNIT_ASSERT_NOT_NULL(test, watch);
	KUNIT_ASSERT_EQ(test, attach_kunit_attach(unit, domains[0], NULL), 0);
	watch->entry = attach_kunit_entry(unit);
	watcher = kthread_create(attach_kunit_watcher, watch, "attach_kunit_watcher");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, watcher);
	kthread_bind(watcher, cpumask_any_but(cpu_online_mask, raw_smp_processor_id()));
	wake_up_process(watcher);
	/* Processors of an emulated machine may take turns: go on until the watcher saw something. */
	for (i = 1; i <= KUNIT_NR_REPLACES || (READ_ONCE(watch->nr_reads) < KUNIT_NR_REPLACES && time_before(jiffies, deadline)); i++) {
		nr_failed += !!attach_kunit_attach(unit, domains[i % 2], domains[(i + 1) % 2]);
		nr_failed += unit->nr_blocked;
		cond_resched();
	}
	kthread_stop(watcher);
	KUNIT_EXPECT_EQ(test, nr_failed, 0);
	KUNIT_EXPECT_EQ(test, watch->nr_blocked, 0);
	KUNIT_EXPECT_GE(test, watch->nr_reads, KUNIT_NR_REPLACES);
	attach_kunit_expect_on(test, unit, domains[(i - 1) % 2], "watched");
}

static void attach_kunit_watched_legacy(struct kunit *test)
{
	attach_kunit_watched(test, false, KUNIT_SS);
}

static void attach_kunit_watched_ss(struct kunit *test)
{
	attach_kunit_watched(test, true, KUNIT_SS);
}

static void attach_kunit_watched_fs(struct kunit *test)
{
	attach_kunit_watched(test, true, KUNIT_FS);
}

/* Whose ID a first-stage domain gets: that of the one before, if it is that one's alone. */
static void attach_kunit_take_over(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test, true);
	struct dmar_domain *a = attach_kunit_domain(test, unit, KUNIT_FS), *b = attach_kunit_domain(test, unit, KUNIT_FS);
	u16 did;

	KUNIT_ASSERT_EQ(test, attach_kunit_attach(unit, a, NULL), 0);
	did = domain_id_iommu(a, &unit->iommu);
	KUNIT_ASSERT_EQ(test, attach_kunit_attach(unit, b, a), 0);
	KUNIT_EXPECT_EQ(test, domain_id_iommu(b, &unit->iommu), did);
	attach_kunit_expect_on(test, unit, b, "taken over");
	attach_kunit_expect_left(test, a, "taken over");

	/* Another user of the ID: it stays that one's. */
	KUNIT_ASSERT_EQ(test, domain_attach_iommu(b, &unit->iommu), 0);
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, a, b), 0);
	KUNIT_EXPECT_GT(test, unit->nr_blocked, 0);
	KUNIT_EXPECT_NE(test, domain_id_iommu(a, &unit->iommu), did);
	KUNIT_EXPECT_EQ(test, domain_id_iommu(b, &unit->iommu), did);
	KUNIT_EXPECT_EQ(test, attach_kunit_nr_ids(unit), 2);
	domain_detach_iommu(b, &unit->iommu);
	attach_kunit_expect_on(test, unit, a, "shared");

	/* The new domain has one already. */
	did = domain_id_iommu(a, &unit->iommu);
	KUNIT_ASSERT_EQ(test, domain_attach_iommu(b, &unit->iommu), 0);
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, b, a), 0);
	KUNIT_EXPECT_NE(test, domain_id_iommu(b, &unit->iommu), did);
	attach_kunit_expect_left(test, a, "had one");
	domain_detach_iommu(b, &unit->iommu);
	attach_kunit_expect_on(test, unit, b, "had one");

	/* More changes than the table: taking the ID over would not help, and is undone. */
	a->force_snooping = true;
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, a, b), 0);
	KUNIT_EXPECT_GT(test, unit->nr_blocked, 0);
	attach_kunit_expect_on(test, unit, a, "snooped");
	attach_kunit_expect_left(test, b, "snooped");
}

/* An attach that fails has changed nothing: the device goes on, on the domain it was on. */
static void attach_kunit_failure(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test, true);
	struct dmar_domain *a = attach_kunit_domain(test, unit, KUNIT_SS), *b = attach_kunit_domain(test, unit, KUNIT_SS);
	struct dmar_domain *fs = attach_kunit_domain(test, unit, KUNIT_FS), *nested = attach_kunit_domain(test, unit, KUNIT_NESTED);
	u64 cap = unit->iommu.cap, ecap = unit->iommu.ecap;
	struct pasid_entry before;

	KUNIT_ASSERT_EQ(test, attach_kunit_attach(unit, a, NULL), 0);
	before = *attach_kunit_pasid(unit, IOMMU_NO_PASID);

	unit->iommu.max_domain_id = IDA_START_DID;
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, b, a), -ENOSPC);
	unit->iommu.max_domain_id = 65536;
	unit->iommu.cap &= ~(0x1fULL << 8);
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, b, a), -EINVAL);
	unit->iommu.cap = cap;
	unit->iommu.ecap &= ~BIT_ULL(47);
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, fs, a), -EINVAL);
	unit->iommu.ecap = ecap;
	nested->s1_cfg.addr_width = 1;
	KUNIT_EXPECT_EQ(test, attach_kunit_attach(unit, nested, a), -EINVAL);

	KUNIT_EXPECT_EQ(test, unit->nr_looks, 0);
	KUNIT_EXPECT_MEMEQ(test, &before, attach_kunit_pasid(unit, IOMMU_NO_PASID), sizeof(before));
	attach_kunit_expect_on(test, unit, a, "failed");
	attach_kunit_expect_left(test, b, "failed");
	attach_kunit_expect_left(test, fs, "failed");
	attach_kunit_expect_left(test, nested, "failed");
}

/* Bits that change in the entry of a device that is on. */
static void attach_kunit_bits(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test, true);
	struct dmar_domain *ss = attach_kunit_domain(test, unit, KUNIT_SS), *fs = attach_kunit_domain(test, unit, KUNIT_FS);
	struct pasid_entry before;

	KUNIT_ASSERT_EQ(test, attach_kunit_attach(unit, ss, NULL), 0);
	before = *attach_kunit_pasid(unit, IOMMU_NO_PASID);
	unit->nr_looks = 0;
	KUNIT_EXPECT_EQ(test, ss->domain.dirty_ops->set_dirty_tracking(&ss->domain, true), 0);
	KUNIT_EXPECT_EQ(test, unit->nr_looks, 3);
	before.val[0] ^= BIT_ULL(9);
	KUNIT_EXPECT_MEMEQ(test, &before, attach_kunit_pasid(unit, IOMMU_NO_PASID), sizeof(before));
	KUNIT_EXPECT_EQ(test, ss->domain.dirty_ops->set_dirty_tracking(&ss->domain, false), 0);
	before.val[0] ^= BIT_ULL(9);
	KUNIT_EXPECT_MEMEQ(test, &before, attach_kunit_pasid(unit, IOMMU_NO_PASID), sizeof(before));

	KUNIT_ASSERT_EQ(test, attach_kunit_attach(unit, fs, ss), 0);
	before = *attach_kunit_pasid(unit, IOMMU_NO_PASID);
	unit->nr_looks = 0;
	KUNIT_EXPECT_TRUE(test, fs->domain.ops->enforce_cache_coherency(&fs->domain));
	KUNIT_EXPECT_EQ(test, unit->nr_looks, 3);
	before.val[1] ^= BIT_ULL(24);
	KUNIT_EXPECT_MEMEQ(test, &before, attach_kunit_pasid(unit, IOMMU_NO_PASID), sizeof(before));
	KUNIT_EXPECT_EQ(test, unit->nr_blocked, 0);
}

/* The same for a PASID. */
static void attach_kunit_pasids(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test, true);
	struct dmar_domain *a = attach_kunit_domain(test, unit, KUNIT_SS), *b = attach_kunit_domain(test, unit, KUNIT_SS);
	struct iommu_domain *blocked = intel_iommu_ops.blocked_domain, *identity = intel_iommu_ops.identity_domain;
	struct dmar_domain *fs = attach_kunit_domain(test, unit, KUNIT_FS);
	struct pasid_entry *entry;

	KUNIT_ASSERT_EQ(test, a->domain.ops->set_dev_pasid(&a->domain, unit->dev, KUNIT_PASID, NULL), 0);
	entry = attach_kunit_pasid(unit, KUNIT_PASID);
	unit->nr_looks = unit->nr_blocked = 0;
	KUNIT_EXPECT_EQ(test, b->domain.ops->set_dev_pasid(&b->domain, unit->dev, KUNIT_PASID, &a->domain), 0);
	KUNIT_EXPECT_EQ(test, pasid_get_domain_id(entry), domain_id_iommu(b, &unit->iommu));
	attach_kunit_expect_left(test, a, "PASID");
	KUNIT_EXPECT_EQ(test, fs->domain.ops->set_dev_pasid(&fs->domain, unit->dev, KUNIT_PASID, &b->domain), 0);
	KUNIT_EXPECT_EQ(test, pasid_pte_get_pgtt(entry), PASID_ENTRY_PGTT_FL_ONLY);
	attach_kunit_expect_left(test, b, "PASID");
	KUNIT_EXPECT_EQ(test, identity->ops->set_dev_pasid(identity, unit->dev, KUNIT_PASID, &fs->domain), 0);
	KUNIT_EXPECT_EQ(test, pasid_pte_get_pgtt(entry), PASID_ENTRY_PGTT_PT);
	attach_kunit_expect_left(test, fs, "PASID");
	KUNIT_EXPECT_EQ(test, unit->nr_blocked, 0);
	KUNIT_EXPECT_GT(test, unit->nr_looks, 8);

	/* One that is there is not overwritten by who thinks that none is. */
	KUNIT_EXPECT_EQ(test, a->domain.ops->set_dev_pasid(&a->domain, unit->dev, KUNIT_PASID, NULL), -EBUSY);
	attach_kunit_expect_left(test, a, "PASID");
	KUNIT_EXPECT_EQ(test, blocked->ops->set_dev_pasid(blocked, unit->dev, KUNIT_PASID, identity), 0);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(entry, 0, sizeof(*entry)), NULL);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
}

static struct kunit_case attach_kunit_cases[] = {
	KUNIT_CASE(attach_kunit_replace),
	KUNIT_CASE(attach_kunit_replace_legacy),
	KUNIT_CASE_SLOW(attach_kunit_watched_legacy),
	KUNIT_CASE_SLOW(attach_kunit_watched_ss),
	KUNIT_CASE_SLOW(attach_kunit_watched_fs),
	KUNIT_CASE(attach_kunit_take_over),
	KUNIT_CASE(attach_kunit_failure),
	KUNIT_CASE(attach_kunit_bits),
	KUNIT_CASE(attach_kunit_pasids),
	{}
};

static struct kunit_suite attach_kunit_suite = {
	.name = "iommu-liveupdate-vtd-attach",
	.test_cases = attach_kunit_cases,
};
kunit_test_suite(attach_kunit_suite);
