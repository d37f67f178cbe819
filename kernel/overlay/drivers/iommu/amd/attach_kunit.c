// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of how a device, and a PASID of it, gets from one domain to another on AMD-Vi, by the driver's own operations: on a unit and a
 * device that do not exist. Each invalidation looks at what the hardware can find then.
 */
#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>

#include "liveupdate.h"
#include "unit_kunit.h"
#include "../iommu-pages.h"
#include "../liveupdate/fail_kunit.h"

#define KUNIT_DEVID	0x328
#define KUNIT_PASID	5
#define KUNIT_FAR	0xabcde		/* a table of its own on each level */
#define KUNIT_OLD_TOP	0x0000123456789000ULL
#define KUNIT_OLD_TOP_2	0x0000023456789000ULL
#define KUNIT_MAX_SEEN	16

enum attach_kunit_kind { KUNIT_BLOCKED, KUNIT_V1_A, KUNIT_V1_B, KUNIT_V2_A, KUNIT_V2_B, KUNIT_IDENTITY, KUNIT_NR_KINDS };

static const char *const attach_kunit_names[KUNIT_NR_KINDS] = {
	"blocked", "host table", "another host table", "guest table", "another guest table", "identity"
};

/* What there was to be found of a PASID when a cache was invalidated. */
struct attach_kunit_seen {
	ioasid_t pasid;
	u64 entry;
};

struct attach_kunit {
	struct amd_kunit_unit fake;
	struct device *dev;
	struct dev_iommu dev_iommu;
	struct iommu_domain *domains[KUNIT_NR_KINDS];
	struct iommu_domain *current_domain;
	struct attach_kunit_seen seen[KUNIT_MAX_SEEN];
	unsigned int nr_seen;
	unsigned int nr_dte, nr_dte_blocked;	/* changes of the device table entry; those that found no translation */
	/* Restored by the end of the test. */
	u64 efr;
	int glx;
	u8 vasize;
	enum protection_domain_mode pgtable;
};

static struct attach_kunit *attach_kunit_current;
static struct iommu_domain attach_kunit_restored;

static bool attach_kunit_is_restored(const struct iommu_domain *domain)
{
	return domain == &attach_kunit_restored;
}

static void attach_kunit_gcr3_sync(struct iommu_dev_data *dev_data, ioasid_t pasid, const u64 *entry)
{
	struct attach_kunit *unit = attach_kunit_current;

	if (unit->nr_seen < KUNIT_MAX_SEEN)
		unit->seen[unit->nr_seen++] = (struct attach_kunit_seen){ pasid, *entry };
}

static void attach_kunit_dte_sync(struct amd_iommu *iommu, u16 devid, const struct dev_table_entry *old, const struct dev_table_entry *new,
				  enum amd_dte_step step)
{
	struct attach_kunit *unit = attach_kunit_current;

	unit->nr_dte++;
	unit->nr_dte_blocked += !(amd_kunit_unit_live(&unit->fake)->data[0] & DTE_FLAG_TV);
}

static void attach_kunit_forget(struct attach_kunit *unit)
{
	/* The unit has taken its commands. */
	writel(readl(unit->fake.iommu.mmio_base + MMIO_CMD_TAIL_OFFSET), unit->fake.iommu.mmio_base + MMIO_CMD_HEAD_OFFSET);
	unit->nr_seen = 0;
	unit->nr_dte = 0;
	unit->nr_dte_blocked = 0;
}

static int attach_kunit_try(struct attach_kunit *unit, struct iommu_domain *domain, struct iommu_domain *old)
{
	int ret;

	attach_kunit_forget(unit);
	ret = domain->ops->attach_dev(domain, unit->dev, old);
	if (!ret)
		unit->current_domain = domain;
	return ret;
}

static void attach_kunit_attach(struct kunit *test, struct attach_kunit *unit, enum attach_kunit_kind kind)
{
	KUNIT_ASSERT_EQ_MSG(test, attach_kunit_try(unit, unit->domains[kind], unit->current_domain), 0, "%s", attach_kunit_names[kind]);
}

static int attach_kunit_set_pasid(struct attach_kunit *unit, enum attach_kunit_kind kind, ioasid_t pasid, struct iommu_domain *old)
{
	attach_kunit_forget(unit);
	return unit->domains[kind]->ops->set_dev_pasid(unit->domains[kind], unit->dev, pasid, old);
}

static void attach_kunit_free(void *arg)
{
	struct attach_kunit *unit = arg;
	struct pdom_dev_data *attached, *next;
	unsigned int i;

	for (i = KUNIT_V2_A; i <= KUNIT_V2_B; i++)
		if (unit->domains[i])
			for_each_pdom_dev_data_safe(attached, next, to_pdomain(unit->domains[i]))
				amd_gcr3_remove_dev_pasid(&unit->fake.dev_data, attached->pasid, unit->domains[i]);
	unit->fake.dev_data.gcr3_info.pasid_cnt = 0;
	attach_kunit_try(unit, unit->domains[KUNIT_BLOCKED], unit->current_domain);
	for (i = 0; i < KUNIT_NR_KINDS; i++)
		if (i != KUNIT_BLOCKED && i != KUNIT_IDENTITY && unit->domains[i])
			unit->domains[i]->ops->free(unit->domains[i]);
	amd_iommu_efr = unit->efr;
	amd_iommu_max_glx_val = unit->glx;
	amd_iommu_hpt_vasize = unit->vasize;
	amd_iommu_pgtable = unit->pgtable;
	unit->dev->iommu = NULL;
}

static void attach_kunit_make_domain(struct kunit *test, struct attach_kunit *unit, enum attach_kunit_kind kind)
{
	struct iommu_domain *domain;

	amd_iommu_pgtable = kind == KUNIT_V1_A || kind == KUNIT_V1_B ? PD_MODE_V1 : PD_MODE_V2;
	domain = amd_iommu_ops.domain_alloc_paging_flags(unit->dev, 0, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->owner = &amd_iommu_ops;
	unit->domains[kind] = domain;
	KUNIT_ASSERT_EQ(test, to_pdomain(domain)->pd_mode, amd_iommu_pgtable);
}

static struct attach_kunit *attach_kunit_unit(struct kunit *test)
{
	struct attach_kunit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit->dev = kunit_device_register(test, "amd_attach_dev");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit->dev);
	set_dev_node(unit->dev, NUMA_NO_NODE);
	amd_kunit_unit_init(test, &unit->fake, KUNIT_DEVID);
	amd_kunit_unit_live(&unit->fake)->data[0] = DTE_FLAG_V;
	unit->fake.dev_data.dev = unit->dev;
	unit->fake.dev_data.max_pasids = 1 << 20;
	unit->fake.dev_data.pasid_enabled = 1;
	unit->dev_iommu.priv = &unit->fake.dev_data;
	unit->dev_iommu.iommu_dev = &unit->fake.iommu.iommu;
	unit->dev->iommu = &unit->dev_iommu;
	unit->efr = amd_iommu_efr;
	unit->glx = amd_iommu_max_glx_val;
	unit->vasize = amd_iommu_hpt_vasize;
	unit->pgtable = amd_iommu_pgtable;
	unit->domains[KUNIT_BLOCKED] = amd_iommu_ops.blocked_domain;
	unit->domains[KUNIT_IDENTITY] = amd_iommu_ops.identity_domain;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, attach_kunit_free, unit), 0);
	amd_iommu_efr |= FEATURE_GT | FEATURE_GIOSUP;
	amd_iommu_max_glx_val = 2;
	amd_iommu_hpt_vasize = 48;
	for (i = KUNIT_V1_A; i <= KUNIT_V2_B; i++)
		attach_kunit_make_domain(test, unit, i);
	/* The driver makes it when it finds a unit. */
	if (!to_pdomain(unit->domains[KUNIT_IDENTITY])->id)
		amd_iommu_init_identity_domain();
	attach_kunit_current = unit;
	kunit_activate_static_stub(test, amd_gcr3_sync, attach_kunit_gcr3_sync);
	kunit_activate_static_stub(test, amd_dte_sync, attach_kunit_dte_sync);
	kunit_activate_static_stub(test, iommu_liveupdate_domain_restored, attach_kunit_is_restored);
	return unit;
}

static u64 attach_kunit_entry(struct attach_kunit *unit, ioasid_t pasid)
{
	const u64 *entry = unit->fake.dev_data.gcr3_info.gcr3_tbl ?
				   amd_gcr3_entry(&unit->fake.dev_data.gcr3_info, pasid, NULL, NUMA_NO_NODE) : NULL;

	return entry ? *entry : 0;
}

static u64 attach_kunit_top(struct attach_kunit *unit, enum attach_kunit_kind kind)
{
	return amd_gcr3_domain_top(to_pdomain(unit->domains[kind])) | 1;
}

static bool attach_kunit_in_pool(u16 domid)
{
	if (amd_iommu_pdom_id_reserve(domid, GFP_KERNEL) != domid)
		return false;
	amd_iommu_pdom_id_free(domid);
	return true;
}

/* The one store: the entry is seen once, and it is the new one. */
static void attach_kunit_expect_one(struct kunit *test, struct attach_kunit *unit, ioasid_t pasid, u64 entry)
{
	KUNIT_EXPECT_EQ(test, unit->nr_seen, 1);
	KUNIT_EXPECT_EQ(test, unit->seen[0].pasid, pasid);
	KUNIT_EXPECT_EQ(test, unit->seen[0].entry, entry);
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, pasid), entry);
	KUNIT_EXPECT_EQ(test, unit->nr_dte, 0);
}

/* What the hardware finds when a device stands on a kind of domain, in the numbers of the specification. */
static void attach_kunit_expect(struct kunit *test, struct attach_kunit *unit, enum attach_kunit_kind kind)
{
	const struct dev_table_entry *live = amd_kunit_unit_live(&unit->fake);
	const struct gcr3_tbl_info *gcr3 = &unit->fake.dev_data.gcr3_info;
	const bool guest = live->data[0] & BIT_ULL(55);

	KUNIT_EXPECT_TRUE(test, live->data[0] & 1);
	KUNIT_EXPECT_EQ(test, guest, !!gcr3->gcr3_tbl);
	if (guest) {
		KUNIT_EXPECT_EQ(test, amd_dte_gcr3_root(live), virt_to_phys(gcr3->gcr3_tbl));
		KUNIT_EXPECT_EQ(test, live->data[1] & 0xffff, gcr3->domid);
	}
	switch (kind) {
	case KUNIT_BLOCKED:
		if (guest)
			KUNIT_EXPECT_TRUE(test, live->data[0] & BIT_ULL(54) && !attach_kunit_entry(unit, 0));
		else
			KUNIT_EXPECT_FALSE(test, live->data[0] & 2);
		break;
	case KUNIT_V1_A:
	case KUNIT_V1_B:
		KUNIT_EXPECT_FALSE(test, guest);
		KUNIT_EXPECT_EQ(test, live->data[0] >> 9 & 7, 3);
		KUNIT_EXPECT_EQ(test, live->data[1] & 0xffff, to_pdomain(unit->domains[kind])->id);
		break;
	case KUNIT_V2_A:
	case KUNIT_V2_B:
		KUNIT_EXPECT_TRUE(test, guest && live->data[0] & BIT_ULL(54));
		KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, 0), attach_kunit_top(unit, kind));
		break;
	default:
		/* Requests without PASID pass, and no entry of the table is theirs. */
		KUNIT_EXPECT_EQ(test, live->data[0] & (2 | 7 << 9 | BIT_ULL(54)), 2);
		KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, 0), 0);
		break;
	}
}

/* From each kind to each: nothing is blocked but what has to be, and what is left is given back. */
static void attach_kunit_every_change(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	unsigned int i, j;
	u16 domid;

	for (i = 0; i < KUNIT_NR_KINDS; i++)
		for (j = 0; j < KUNIT_NR_KINDS; j++) {
			if (i == j)
				continue;
			attach_kunit_attach(test, unit, KUNIT_BLOCKED);
			attach_kunit_attach(test, unit, i);
			attach_kunit_expect(test, unit, i);
			domid = unit->fake.dev_data.gcr3_info.domid;
			attach_kunit_attach(test, unit, j);
			attach_kunit_expect(test, unit, j);
			if (i != KUNIT_BLOCKED && j != KUNIT_BLOCKED)
				KUNIT_EXPECT_EQ_MSG(test, unit->nr_dte_blocked, 0, "%s to %s", attach_kunit_names[i],
						    attach_kunit_names[j]);
			if (domid && !unit->fake.dev_data.gcr3_info.gcr3_tbl)
				KUNIT_EXPECT_TRUE_MSG(test, attach_kunit_in_pool(domid), "%s to %s", attach_kunit_names[i],
						      attach_kunit_names[j]);
		}
}

/* From guest table to guest table the device table entry stays, and one entry goes from old to new. */
static void attach_kunit_guest_is_one_store(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct iommu_dev_data *dev_data = &unit->fake.dev_data;
	struct dev_table_entry before;
	struct gcr3_tbl_info gcr3;

	attach_kunit_attach(test, unit, KUNIT_V2_A);
	before = *amd_kunit_unit_live(&unit->fake);
	gcr3 = dev_data->gcr3_info;
	attach_kunit_attach(test, unit, KUNIT_V2_B);
	attach_kunit_expect_one(test, unit, IOMMU_NO_PASID, attach_kunit_top(unit, KUNIT_V2_B));
	KUNIT_EXPECT_MEMEQ(test, amd_kunit_unit_live(&unit->fake), &before, sizeof(before));
	KUNIT_EXPECT_MEMEQ(test, &dev_data->gcr3_info, &gcr3, sizeof(gcr3));
	KUNIT_EXPECT_TRUE(test, list_empty(&to_pdomain(unit->domains[KUNIT_V2_A])->dev_list));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&to_pdomain(unit->domains[KUNIT_V2_B])->dev_list));
}

static bool attach_kunit_names_pasid(struct attach_kunit *unit, enum attach_kunit_kind kind, ioasid_t pasid)
{
	struct pdom_dev_data *attached;
	unsigned int nr = 0;

	for_each_pdom_dev_data(attached, to_pdomain(unit->domains[kind]))
		nr += attached->dev_data == &unit->fake.dev_data && attached->pasid == pasid;
	return nr == 1;
}

/* Attach, replace, detach: each is one store, and the domain knows. */
static void attach_kunit_pasid_is_one_store(struct kunit *test)
{
	static const ioasid_t pasids[] = { 1, KUNIT_PASID, 511, 512, KUNIT_FAR, (1 << 20) - 1 };
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct iommu_domain *blocked = unit->domains[KUNIT_BLOCKED];
	unsigned int i;

	attach_kunit_attach(test, unit, KUNIT_V2_A);
	for (i = 0; i < ARRAY_SIZE(pasids); i++) {
		KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, pasids[i], NULL), 0);
		attach_kunit_expect_one(test, unit, pasids[i], attach_kunit_top(unit, KUNIT_V2_A));
		KUNIT_EXPECT_TRUE(test, attach_kunit_names_pasid(unit, KUNIT_V2_A, pasids[i]));
		KUNIT_EXPECT_EQ(test, unit->fake.dev_data.gcr3_info.pasid_cnt, 1);
		KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_B, pasids[i], unit->domains[KUNIT_V2_A]), 0);
		attach_kunit_expect_one(test, unit, pasids[i], attach_kunit_top(unit, KUNIT_V2_B));
		KUNIT_EXPECT_FALSE(test, attach_kunit_names_pasid(unit, KUNIT_V2_A, pasids[i]));
		KUNIT_EXPECT_TRUE(test, attach_kunit_names_pasid(unit, KUNIT_V2_B, pasids[i]));
		KUNIT_EXPECT_EQ(test, unit->fake.dev_data.gcr3_info.pasid_cnt, 1);
		KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, 0), attach_kunit_top(unit, KUNIT_V2_A));
		attach_kunit_forget(unit);
		KUNIT_EXPECT_EQ(test, blocked->ops->set_dev_pasid(blocked, unit->dev, pasids[i], unit->domains[KUNIT_V2_B]), 0);
		attach_kunit_expect_one(test, unit, pasids[i], 0);
		KUNIT_EXPECT_FALSE(test, attach_kunit_names_pasid(unit, KUNIT_V2_B, pasids[i]));
		KUNIT_EXPECT_EQ(test, unit->fake.dev_data.gcr3_info.pasid_cnt, 0);
	}
	KUNIT_EXPECT_TRUE(test, xa_empty(&to_pdomain(unit->domains[KUNIT_V2_B])->iommu_array));
}

static void attach_kunit_pasid_is_refused(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct iommu_dev_data *dev_data = &unit->fake.dev_data;
	struct iommu_domain sva = { .type = IOMMU_DOMAIN_SVA };

	/* No table, in which case none is made. */
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 1, NULL), -EINVAL);
	attach_kunit_attach(test, unit, KUNIT_V1_A);
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 1, NULL), -EINVAL);
	KUNIT_EXPECT_NULL(test, unit->domains[KUNIT_V1_A]->ops->set_dev_pasid);
	attach_kunit_attach(test, unit, KUNIT_V2_A);
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 0, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 1 << 20, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 1, &sva), -EOPNOTSUPP);
	dev_data->gcr3_info.levels = 9 - dev_data->gcr3_info.levels;
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 1, NULL), -EOPNOTSUPP);
	dev_data->gcr3_info.levels = 9 - dev_data->gcr3_info.levels;
	dev_data->pasid_enabled = 0;
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, 1, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, unit->nr_seen, 0);
	KUNIT_EXPECT_EQ(test, dev_data->gcr3_info.pasid_cnt, 0);
	KUNIT_EXPECT_FALSE(test, attach_kunit_names_pasid(unit, KUNIT_V2_A, 1));
}

/* Whatever the device's own requests go to: a PASID keeps its entry, or keeps them from going there. */
static void attach_kunit_pasids_stay(struct kunit *test)
{
	static const enum attach_kunit_kind to[] = { KUNIT_V2_B, KUNIT_IDENTITY, KUNIT_V2_A, KUNIT_BLOCKED, KUNIT_V2_B, KUNIT_BLOCKED,
						     KUNIT_IDENTITY, KUNIT_BLOCKED };
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct iommu_domain *blocked = unit->domains[KUNIT_BLOCKED];
	struct dev_table_entry before;
	unsigned int i;
	u64 entry;
	u16 domid;

	attach_kunit_attach(test, unit, KUNIT_V2_A);
	KUNIT_ASSERT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, KUNIT_FAR, NULL), 0);
	entry = attach_kunit_entry(unit, KUNIT_FAR);
	domid = unit->fake.dev_data.gcr3_info.domid;
	for (i = 0; i < ARRAY_SIZE(to); i++) {
		attach_kunit_attach(test, unit, to[i]);
		attach_kunit_expect(test, unit, to[i]);
		KUNIT_EXPECT_EQ_MSG(test, unit->nr_dte_blocked, 0, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, attach_kunit_entry(unit, KUNIT_FAR), entry, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, unit->fake.dev_data.gcr3_info.domid, domid, "%u", i);
		before = *amd_kunit_unit_live(&unit->fake);
		KUNIT_EXPECT_EQ_MSG(test, attach_kunit_try(unit, unit->domains[KUNIT_V1_A], unit->current_domain), -EBUSY, "%u", i);
		KUNIT_EXPECT_MEMEQ_MSG(test, amd_kunit_unit_live(&unit->fake), &before, sizeof(before), "%u", i);
	}
	/* The last one leaves. */
	blocked->ops->set_dev_pasid(blocked, unit->dev, KUNIT_FAR, unit->domains[KUNIT_V2_A]);
	attach_kunit_attach(test, unit, KUNIT_V1_A);
	attach_kunit_expect(test, unit, KUNIT_V1_A);
	KUNIT_EXPECT_TRUE(test, attach_kunit_in_pool(domid));
}

/* What was unmapped from a domain goes from the caches of each PASID on it, and of no other. */
static void attach_kunit_unmap_is_told(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	const struct iommu_cmd *commands = (struct iommu_cmd *)unit->fake.iommu.cmd_buf;
	bool requests = false, pasid = false;
	unsigned int from, i;

	attach_kunit_attach(test, unit, KUNIT_V2_A);
	KUNIT_ASSERT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, KUNIT_PASID, NULL), 0);
	KUNIT_ASSERT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_B, KUNIT_FAR, NULL), 0);
	from = amd_kunit_unit_nr_commands(&unit->fake);
	unit->domains[KUNIT_V2_A]->ops->flush_iotlb_all(unit->domains[KUNIT_V2_A]);
	for (i = from; i < amd_kunit_unit_nr_commands(&unit->fake); i++) {
		if (commands[i].data[1] >> 28 != CMD_INV_IOMMU_PAGES)
			continue;
		KUNIT_EXPECT_EQ(test, commands[i].data[1] & 0xffff, unit->fake.dev_data.gcr3_info.domid);
		KUNIT_EXPECT_TRUE(test, commands[i].data[2] & CMD_INV_IOMMU_PAGES_GN_MASK);
		requests = requests || commands[i].data[0] == IOMMU_NO_PASID;
		pasid = pasid || commands[i].data[0] == KUNIT_PASID;
		KUNIT_EXPECT_NE(test, commands[i].data[0], KUNIT_FAR);
	}
	KUNIT_EXPECT_TRUE(test, requests);
	KUNIT_EXPECT_TRUE(test, pasid);
}

/* The device as another kernel left it: on tables of which this one has no object, with a PASID. */
static void attach_kunit_restore(struct kunit *test, struct attach_kunit *unit)
{
	struct iommu_dev_data *dev_data = &unit->fake.dev_data;
	struct protection_domain *domain = to_pdomain(unit->domains[KUNIT_V2_A]);

	attach_kunit_attach(test, unit, KUNIT_V2_A);
	KUNIT_ASSERT_EQ(test, amd_gcr3_set(dev_data, IOMMU_NO_PASID, KUNIT_OLD_TOP), 0);
	KUNIT_ASSERT_EQ(test, amd_gcr3_set(dev_data, KUNIT_FAR, KUNIT_OLD_TOP_2), 0);
	dev_data->gcr3_info.pasid_cnt = 1;
	list_del(&dev_data->list);
	pdom_detach_iommu(&unit->fake.iommu, domain);
	dev_data->domain = NULL;
	unit->current_domain = &attach_kunit_restored;
}

static void attach_kunit_swap_is_one_store(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct dev_table_entry before;

	attach_kunit_restore(test, unit);
	before = *amd_kunit_unit_live(&unit->fake);
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_B, KUNIT_FAR, &attach_kunit_restored), 0);
	attach_kunit_expect_one(test, unit, KUNIT_FAR, attach_kunit_top(unit, KUNIT_V2_B));
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, 0), KUNIT_OLD_TOP | 1);
	KUNIT_EXPECT_EQ(test, unit->fake.dev_data.gcr3_info.pasid_cnt, 1);
	attach_kunit_attach(test, unit, KUNIT_V2_A);
	attach_kunit_expect_one(test, unit, IOMMU_NO_PASID, attach_kunit_top(unit, KUNIT_V2_A));
	KUNIT_EXPECT_MEMEQ(test, amd_kunit_unit_live(&unit->fake), &before, sizeof(before));
	/* From here on they are like any other. */
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, KUNIT_FAR, unit->domains[KUNIT_V2_B]), 0);
	attach_kunit_attach(test, unit, KUNIT_V2_B);
	attach_kunit_expect(test, unit, KUNIT_V2_B);
}

/* What has no hitless order changes nothing. */
static void attach_kunit_swap_is_refused(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct gcr3_tbl_info *gcr3 = &unit->fake.dev_data.gcr3_info;
	struct dev_table_entry before;

	attach_kunit_restore(test, unit);
	before = *amd_kunit_unit_live(&unit->fake);
	KUNIT_EXPECT_EQ(test, attach_kunit_try(unit, unit->domains[KUNIT_V1_A], &attach_kunit_restored), -EOPNOTSUPP);
	gcr3->levels = 9 - gcr3->levels;
	KUNIT_EXPECT_EQ(test, attach_kunit_try(unit, unit->domains[KUNIT_V2_A], &attach_kunit_restored), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, attach_kunit_set_pasid(unit, KUNIT_V2_A, KUNIT_FAR, &attach_kunit_restored), -EOPNOTSUPP);
	gcr3->levels = 9 - gcr3->levels;
	KUNIT_EXPECT_EQ(test, unit->nr_seen + unit->nr_dte, 0);
	KUNIT_EXPECT_MEMEQ(test, amd_kunit_unit_live(&unit->fake), &before, sizeof(before));
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, 0), KUNIT_OLD_TOP | 1);
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, KUNIT_FAR), KUNIT_OLD_TOP_2 | 1);
	/* Without PASIDs it is one half of the device table entry. */
	amd_gcr3_remove_dev_pasid(&unit->fake.dev_data, KUNIT_FAR, &attach_kunit_restored);
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, KUNIT_FAR), 0);
	KUNIT_EXPECT_EQ(test, attach_kunit_try(unit, unit->domains[KUNIT_V1_A], &attach_kunit_restored), 0);
	KUNIT_EXPECT_EQ(test, unit->nr_dte_blocked, 0);
	attach_kunit_expect(test, unit, KUNIT_V1_A);
}

/* A device that is refused after it was adopted: its PASIDs first, as the core does, or not. */
static void attach_kunit_restored_is_blocked(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct iommu_domain *blocked = unit->domains[KUNIT_BLOCKED];
	u16 domid;

	attach_kunit_restore(test, unit);
	domid = unit->fake.dev_data.gcr3_info.domid;
	attach_kunit_attach(test, unit, KUNIT_BLOCKED);
	attach_kunit_expect(test, unit, KUNIT_BLOCKED);
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, KUNIT_FAR), KUNIT_OLD_TOP_2 | 1);
	KUNIT_EXPECT_EQ(test, blocked->ops->set_dev_pasid(blocked, unit->dev, KUNIT_FAR, &attach_kunit_restored), 0);
	KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, KUNIT_FAR), 0);
	attach_kunit_attach(test, unit, KUNIT_BLOCKED);
	attach_kunit_expect(test, unit, KUNIT_BLOCKED);
	KUNIT_EXPECT_NULL(test, unit->fake.dev_data.gcr3_info.gcr3_tbl);
	KUNIT_EXPECT_TRUE(test, attach_kunit_in_pool(domid));
}

#ifdef CONFIG_FAULT_INJECTION

/* Each allocation fails in turn: the PASID, or the device, is where it was. KASAN may have one of its own fail, which nobody minds. */
static void attach_kunit_without_memory(struct kunit *test)
{
	struct attach_kunit *unit = attach_kunit_unit(test);
	struct protection_domain *to = to_pdomain(unit->domains[KUNIT_V2_B]);
	unsigned int nth, nr_failed = 0;
	struct dev_table_entry before;
	ioasid_t pasid;
	bool failed = true;
	int ret;

	if (!lu_kunit_can_fail())
		kunit_skip(test, "allocations are not made to fail");
	for (nth = 1; failed && nth < 100; nth++) {
		attach_kunit_attach(test, unit, KUNIT_V1_A);
		before = *amd_kunit_unit_live(&unit->fake);
		lu_kunit_fail_nth(nth);
		ret = attach_kunit_try(unit, unit->domains[KUNIT_V2_A], unit->current_domain);
		failed = lu_kunit_failed();
		if (!ret)
			continue;
		nr_failed++;
		KUNIT_EXPECT_TRUE(test, failed);
		KUNIT_EXPECT_MEMEQ(test, amd_kunit_unit_live(&unit->fake), &before, sizeof(before));
		KUNIT_EXPECT_NULL(test, unit->fake.dev_data.gcr3_info.gcr3_tbl);
		KUNIT_EXPECT_TRUE(test, list_empty(&to_pdomain(unit->domains[KUNIT_V2_A])->dev_list));
		KUNIT_EXPECT_TRUE(test, xa_empty(&to_pdomain(unit->domains[KUNIT_V2_A])->iommu_array));
	}
	attach_kunit_expect(test, unit, KUNIT_V2_A);
	/* The table, and what leads to its first entry. */
	KUNIT_EXPECT_GE(test, nr_failed, 3);

	/* Tables that were made for an entry stay: each time it is another one that is missing. */
	nr_failed = 0;
	for (nth = 1, failed = true; failed && nth < 100; nth++) {
		pasid = nth * AMD_GCR3_NR_ENTRIES + KUNIT_PASID;
		lu_kunit_fail_nth(nth);
		ret = attach_kunit_set_pasid(unit, KUNIT_V2_B, pasid, NULL);
		failed = lu_kunit_failed();
		if (!ret && failed)
			amd_gcr3_remove_dev_pasid(&unit->fake.dev_data, pasid, unit->domains[KUNIT_V2_B]);
		if (!ret)
			continue;
		nr_failed++;
		KUNIT_EXPECT_EQ(test, unit->nr_seen, 0);
		KUNIT_EXPECT_EQ(test, attach_kunit_entry(unit, pasid), 0);
		KUNIT_EXPECT_FALSE(test, attach_kunit_names_pasid(unit, KUNIT_V2_B, pasid));
		KUNIT_EXPECT_EQ(test, unit->fake.dev_data.gcr3_info.pasid_cnt, 0);
		KUNIT_EXPECT_TRUE(test, xa_empty(&to->iommu_array));
	}
	attach_kunit_expect_one(test, unit, pasid, attach_kunit_top(unit, KUNIT_V2_B));
	/* Who is attached and where, and the table. */
	KUNIT_EXPECT_GE(test, nr_failed, 2);
}

#endif

struct attach_kunit_alloc {
	unsigned int nr_left;
};

static struct attach_kunit_alloc attach_kunit_alloc;

static void *attach_kunit_alloc_table(int nid)
{
	return attach_kunit_alloc.nr_left-- ? iommu_alloc_pages_node_sz(nid, GFP_KERNEL, SZ_4K) : NULL;
}

static void attach_kunit_count_table(u64 *table, void *arg)
{
	++*(unsigned int *)arg;
}

static void attach_kunit_free_table(u64 *table, void *arg)
{
	iommu_free_pages(table);
}

/* Tables of one, two and three levels: what is found is what was put there, and nothing else is. */
static void attach_kunit_tables(struct kunit *test)
{
	static const ioasid_t pasids[] = { 0, 1, 511, 512, 0x3ffff, 0x40000, 0xfffff };
	static const unsigned int nr_pasids[] = { 3, 5, 7 }, nr_tables[] = { 1, 4, 9 };
	struct gcr3_tbl_info info = {};
	unsigned int i, nr, made;
	ioasid_t pasid;

	for (info.glx = 0; info.glx <= AMD_GCR3_MAX_GLX; info.glx++) {
		attach_kunit_alloc.nr_left = 1;
		info.gcr3_tbl = attach_kunit_alloc_table(NUMA_NO_NODE);
		KUNIT_ASSERT_NOT_NULL(test, info.gcr3_tbl);
		KUNIT_EXPECT_EQ(test, amd_gcr3_next(&info, 0), IOMMU_PASID_INVALID);
		for (i = 0; i < nr_pasids[info.glx]; i++) {
			/* Without memory on the way down the table is one that can be walked. */
			for (made = 0; made < 3; made++) {
				attach_kunit_alloc.nr_left = made;
				if (amd_gcr3_entry(&info, pasids[i], attach_kunit_alloc_table, NUMA_NO_NODE))
					break;
				KUNIT_EXPECT_NULL(test, amd_gcr3_entry(&info, pasids[i], NULL, NUMA_NO_NODE));
			}
			KUNIT_ASSERT_NOT_NULL(test, amd_gcr3_entry(&info, pasids[i], NULL, NUMA_NO_NODE));
			*amd_gcr3_entry(&info, pasids[i], NULL, NUMA_NO_NODE) = amd_gcr3_make((u64)pasids[i] << 12);
		}
		for (i = 0, pasid = amd_gcr3_next(&info, 0); i < nr_pasids[info.glx]; i++, pasid = amd_gcr3_next(&info, pasid + 1)) {
			KUNIT_ASSERT_EQ(test, pasid, pasids[i]);
			KUNIT_EXPECT_EQ(test, *amd_gcr3_entry(&info, pasid, NULL, NUMA_NO_NODE), (u64)pasid << 12 | 1);
		}
		KUNIT_EXPECT_EQ(test, pasid, IOMMU_PASID_INVALID);
		nr = 0;
		amd_gcr3_walk(info.gcr3_tbl, info.glx, attach_kunit_count_table, &nr);
		KUNIT_EXPECT_EQ_MSG(test, nr, nr_tables[info.glx], "%d", info.glx);
		amd_gcr3_walk(info.gcr3_tbl, info.glx, attach_kunit_free_table, NULL);
	}
}

static struct kunit_case attach_kunit_cases[] = {
	KUNIT_CASE(attach_kunit_tables),
	KUNIT_CASE(attach_kunit_every_change),
	KUNIT_CASE(attach_kunit_guest_is_one_store),
	KUNIT_CASE(attach_kunit_pasid_is_one_store),
	KUNIT_CASE(attach_kunit_pasid_is_refused),
	KUNIT_CASE(attach_kunit_pasids_stay),
	KUNIT_CASE(attach_kunit_unmap_is_told),
	KUNIT_CASE(attach_kunit_swap_is_one_store),
	KUNIT_CASE(attach_kunit_swap_is_refused),
	KUNIT_CASE(attach_kunit_restored_is_blocked),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(attach_kunit_without_memory),
#endif
	{}
};

static struct kunit_suite attach_kunit_suite = {
	.name = "iommu-liveupdate-amd-attach",
	.test_cases = attach_kunit_cases,
};
kunit_test_suite(attach_kunit_suite);
