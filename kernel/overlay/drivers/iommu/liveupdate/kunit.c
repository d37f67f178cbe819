// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the core, over real pages: what preserving a domain and a device leaves for the next kernel passes the verifier, and
 * undoing it leaves nothing. Compiled with outgoing.c, whose lists they look at.
 *
 * The domains have VT-d second-stage tables, which is what the verifier knows, but no hardware. Devices are those of the machine,
 * while no driver has them.
 */
#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/sizes.h>

#include "../iommu-pages.h"
#include "fail_kunit.h"
#include "incoming.h"

struct lu_kunit_domain {
	union {
		struct iommu_domain domain;
		struct pt_iommu_vtdss vtdss;
	};
	unsigned int levels;
	struct iommu_ops ops;
	struct iommu_liveupdate_ops liveupdate;
};
PT_IOMMU_CHECK_DOMAIN(struct lu_kunit_domain, vtdss.iommu, domain);

static void lu_kunit_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	iommu_put_pages_list(&gather->freelist);
}

static const struct iommu_domain_ops lu_kunit_domain_ops = {
	IOMMU_PT_DOMAIN_OPS(vtdss),
	.iotlb_sync = lu_kunit_iotlb_sync,
};

static int lu_kunit_describe(struct iommu_domain *domain, struct iommu_domain_ser *ser)
{
	struct lu_kunit_domain *fake = container_of(domain, struct lu_kunit_domain, domain);
	struct pt_iommu_vtdss_hw_info info;

	pt_iommu_vtdss_hw_info(&fake->vtdss, &info);
	ser->format = IOMMU_SER_FORMAT_VTDSS;
	ser->levels = fake->levels;
	ser->top_pa = info.ssptptr;
	return 0;
}

static int lu_kunit_check(struct iommu_domain *domain)
{
	return 0;
}

static int lu_kunit_check_fails(struct iommu_domain *domain)
{
	return -EOPNOTSUPP;
}

static int lu_kunit_describe_fails(struct iommu_domain *domain, struct iommu_domain_ser *ser)
{
	return -EDOM;
}

static void lu_kunit_domain_free(void *arg)
{
	struct lu_kunit_domain *fake = arg;

	if (iommu_outgoing_find_domain(&fake->domain))
		iommu_liveupdate_unpreserve_domain(&fake->domain);
	pt_iommu_deinit(&fake->vtdss.iommu);
}

static struct lu_kunit_domain *lu_kunit_domain(struct kunit *test, unsigned int levels)
{
	const struct pt_iommu_vtdss_cfg cfg = {
		.common.features = BIT(PT_FEAT_FLUSH_RANGE),
		.common.hw_max_vasz_lg2 = 12 + 9 * levels,
		.common.hw_max_oasz_lg2 = 52,
		.top_level = levels - 1,
	};
	struct lu_kunit_domain *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct device *dev = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->levels = levels;
	fake->liveupdate.describe_domain = lu_kunit_describe;
	fake->liveupdate.check_domain = lu_kunit_check;
	fake->ops.liveupdate = &fake->liveupdate;
	fake->vtdss.iommu.iommu_device = dev;
	fake->vtdss.iommu.nid = NUMA_NO_NODE;
	fake->domain.type = IOMMU_DOMAIN_UNMANAGED;
	fake->domain.ops = &lu_kunit_domain_ops;
	fake->domain.owner = &fake->ops;
	KUNIT_ASSERT_EQ(test, pt_iommu_vtdss_init(&fake->vtdss, &cfg, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lu_kunit_domain_free, fake), 0);
	return fake;
}

/* The same, with tables from an arena. */
static struct lu_kunit_domain *lu_kunit_arena_domain(struct kunit *test, unsigned int levels)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, levels);
	struct pt_iommu *pt = &fake->vtdss.iommu;
	struct iommu_arena *arena = iommu_arena_create(NUMA_NO_NODE);

	KUNIT_ASSERT_NOT_NULL(test, arena);
	KUNIT_ASSERT_EQ(test, pt->ops->use_arena(pt, arena), 0);
	return fake;
}

/* A leaf of each size. Nobody does DMA through them: the addresses need not be memory. Gives the number of tables. */
static u32 lu_kunit_map_each_size(struct kunit *test, struct lu_kunit_domain *fake)
{
	KUNIT_ASSERT_EQ(test, iommu_map(&fake->domain, 0, SZ_4K, SZ_4K, IOMMU_READ, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(&fake->domain, SZ_1G, SZ_2M, SZ_2M, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(&fake->domain, SZ_2G, SZ_1G, SZ_1G, IOMMU_WRITE, GFP_KERNEL), 0);
	/* One of each level for the first, and one more for the second. */
	return fake->levels + 1;
}

static void lu_kunit_map_tables(struct kunit *test, struct lu_kunit_domain *fake, u32 nr_leaf_tables)
{
	u32 i;

	for (i = 0; i < nr_leaf_tables; i++)
		KUNIT_ASSERT_EQ(test, iommu_map(&fake->domain, (unsigned long)i * SZ_2M, SZ_4K, SZ_4K, IOMMU_READ,
						GFP_KERNEL), 0);
}

/* All memory counts as handed over: KHO tells only the next kernel what was. */
static const void *lu_kunit_read(const struct lu_phys *phys, u64 pa, u64 bytes)
{
	if (!pfn_valid(PHYS_PFN(pa)) || !pfn_valid(PHYS_PFN(pa + bytes - 1)))
		return NULL;
	return phys_to_virt(pa);
}

static const struct lu_phys lu_kunit_phys = { .read = lu_kunit_read, .end = 1ULL << 52 };

static enum lu_error lu_kunit_verify_domain(struct kunit *test, const struct iommu_domain_ser *ser)
{
	struct lu_scratch scratch = {};
	struct lu_verdict verdict;

	if (!lu_verify_domain_blocks(ser, &lu_kunit_phys, &verdict))
		return verdict.error;
	scratch.nr_pages = lu_domain_pages(ser, &lu_kunit_phys);
	scratch.first = kunit_kcalloc(test, ser->nr_blocks, sizeof(*scratch.first), GFP_KERNEL);
	scratch.seen = kunit_kzalloc(test, DIV_ROUND_UP(scratch.nr_pages, 8), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, scratch.first);
	KUNIT_ASSERT_NOT_NULL(test, scratch.seen);
	lu_verify_domain(ser, &lu_kunit_phys, &scratch, &verdict);
	kunit_kfree(test, scratch.first);
	kunit_kfree(test, scratch.seen);
	return verdict.error;
}

/* What the next kernel would say of the blob as it is. */
static void lu_kunit_expect_good_blob(struct kunit *test, u32 nr_units, u32 nr_domains, u32 nr_devices)
{
	struct iommu_ser *ser = iommu_outgoing_blob;
	struct lu_verdict verdict;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, ser);
	KUNIT_ASSERT_TRUE_MSG(test, lu_verify_iommu(ser, folio_size(virt_to_folio(ser)), &lu_kunit_phys, &verdict),
			      "%s, record %u, address %#llx", lu_error_name(verdict.error), verdict.index,
			      verdict.address);
	KUNIT_EXPECT_EQ(test, ser->nr_units, nr_units);
	KUNIT_EXPECT_EQ(test, ser->nr_domains, nr_domains);
	KUNIT_EXPECT_EQ(test, ser->nr_devices, nr_devices);
	for (i = 0; i < ser->nr_domains; i++)
		KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, &lu_iommu_domains(ser)[i]), LU_OK);
}

/* KHO has no way to ask whether a key is there; a subtree of a name can be added once. */
static bool lu_kunit_subtree_exists(struct kunit *test)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, page);
	ret = kho_add_subtree(IOMMU_SER_SUBTREE, page, PAGE_SIZE);
	if (!ret)
		kho_remove_subtree(page);
	free_page((unsigned long)page);
	KUNIT_EXPECT_TRUE(test, !ret || ret == -EEXIST);
	return ret == -EEXIST;
}

static void lu_kunit_expect_nothing(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, iommu_outgoing_blob);
	KUNIT_EXPECT_TRUE(test, list_empty(&iommu_outgoing_domains));
	KUNIT_EXPECT_TRUE(test, list_empty(&iommu_outgoing_devices));
	KUNIT_EXPECT_TRUE(test, list_empty(&iommu_outgoing_units));
	KUNIT_EXPECT_FALSE(test, lu_kunit_subtree_exists(test));
}

static void lu_kunit_preserve_once(struct kunit *test, struct lu_kunit_domain *fake, u32 nr_tables, u32 nr_blocks)
{
	const struct iommu_domain_ser *ser;

	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(&fake->domain, 5, 77), 0);
	KUNIT_EXPECT_TRUE(test, lu_kunit_subtree_exists(test));
	lu_kunit_expect_good_blob(test, 0, 1, 0);
	ser = lu_iommu_domains(iommu_outgoing_blob);
	KUNIT_EXPECT_EQ(test, ser->iommufd_id, 5);
	KUNIT_EXPECT_EQ(test, ser->token, 77);
	KUNIT_EXPECT_EQ(test, ser->levels, fake->levels);
	KUNIT_EXPECT_EQ(test, ser->nr_tables, nr_tables);
	KUNIT_EXPECT_EQ(test, ser->nr_blocks, nr_blocks);
	iommu_liveupdate_unpreserve_domain(&fake->domain);
	lu_kunit_expect_nothing(test);
}

static void lu_kunit_each_number_of_levels(struct kunit *test)
{
	struct lu_kunit_domain *fake;
	unsigned int levels;
	u32 nr_tables;

	for (levels = 3; levels <= 5; levels++) {
		fake = lu_kunit_domain(test, levels);
		nr_tables = lu_kunit_map_each_size(test, fake);
		lu_kunit_preserve_once(test, fake, nr_tables, nr_tables);
		fake = lu_kunit_arena_domain(test, levels);
		lu_kunit_preserve_once(test, fake, 1, 1);
		nr_tables = lu_kunit_map_each_size(test, fake);
		lu_kunit_preserve_once(test, fake, nr_tables, 1);
	}
}

static void lu_kunit_damage_is_found(struct kunit *test)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 4);
	const struct iommu_domain_ser *ser;
	u64 *top, *list, entry;

	lu_kunit_map_each_size(test, fake);
	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(&fake->domain, 1, 1), 0);
	ser = lu_iommu_domains(iommu_outgoing_blob);
	top = phys_to_virt(ser->top_pa);
	list = phys_to_virt(ser->blocks_pa);
	entry = top[0];

	top[1] = entry;
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_ERR_TABLE_TWICE);
	top[1] = ser->top_pa | (entry & 3);
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_ERR_TABLE_TWICE);
	top[1] = virt_to_phys(iommu_outgoing_blob) | (entry & 3);
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_ERR_TABLE_UNLISTED);
	top[1] = BIT(7) | (entry & 3);
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_ERR_ENTRY);
	top[1] = 0;
	top[0] = 0;
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_ERR_TABLE_UNUSED);
	top[0] = entry;
	swap(list[0], list[1]);
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_ERR_DUPLICATE);
	swap(list[0], list[1]);
	KUNIT_EXPECT_EQ(test, lu_kunit_verify_domain(test, ser), LU_OK);
	iommu_liveupdate_unpreserve_domain(&fake->domain);
}

/* A list longer than a page; and the same tables in blocks. */
static void lu_kunit_many_tables(struct kunit *test)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 3);
	/* The top, a table for each GiB that is begun, one for each leaf. */
	const u32 nr_tables = 1 + 3 + 1100;
	struct iommu_arena_usage usage;

	lu_kunit_map_tables(test, fake, 1100);
	lu_kunit_preserve_once(test, fake, nr_tables, nr_tables);

	fake = lu_kunit_arena_domain(test, 3);
	lu_kunit_map_tables(test, fake, 1100);
	iommu_arena_trim(fake->vtdss.iommu.arena, &usage);
	KUNIT_EXPECT_LT(test, usage.nr_blocks, 40);
	lu_kunit_preserve_once(test, fake, nr_tables, usage.nr_blocks);
}

static int lu_kunit_count_to(void *arg, void *table)
{
	u32 *left = arg;

	return --*left ? 0 : -EXDEV;
}

static void lu_kunit_visiting_ends(struct kunit *test)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 4);
	struct pt_iommu *pt = iommupt_from_domain(&fake->domain);
	u32 nr_tables = lu_kunit_map_each_size(test, fake), at, left;

	for (at = 1; at <= nr_tables; at++) {
		left = at;
		KUNIT_EXPECT_EQ(test, pt->ops->visit_tables(pt, lu_kunit_count_to, &left), -EXDEV);
		KUNIT_EXPECT_EQ(test, left, 0);
	}
	left = nr_tables + 1;
	KUNIT_EXPECT_EQ(test, pt->ops->visit_tables(pt, lu_kunit_count_to, &left), 0);
	KUNIT_EXPECT_EQ(test, left, 1);
}

/* More records than the blob's first page holds; taken back in another order than they came in. */
static void lu_kunit_blob_grows(struct kunit *test)
{
	const unsigned int nr_domains = 2 * PAGE_SIZE / sizeof(struct iommu_domain_ser);
	struct lu_kunit_domain **fakes = kunit_kcalloc(test, nr_domains, sizeof(*fakes), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fakes);
	for (i = 0; i < nr_domains; i++) {
		fakes[i] = lu_kunit_domain(test, 3);
		lu_kunit_map_tables(test, fakes[i], 1 + i % 3);
		KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(&fakes[i]->domain, 1 + i % 2, i), 0);
		lu_kunit_expect_good_blob(test, 0, i + 1, 0);
	}
	KUNIT_EXPECT_GT(test, folio_size(virt_to_folio(iommu_outgoing_blob)), PAGE_SIZE);
	for (i = 0; i < nr_domains; i++) {
		/* 7 and the number of domains have no common divisor: each is met once. */
		iommu_liveupdate_unpreserve_domain(&fakes[i * 7 % nr_domains]->domain);
		if (i + 1 < nr_domains)
			lu_kunit_expect_good_blob(test, 0, nr_domains - i - 1, 0);
	}
	lu_kunit_expect_nothing(test);
}

static void lu_kunit_domain_errors(struct kunit *test)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 3);
	struct iommu_domain *domain = &fake->domain;

	fake->ops.liveupdate = NULL;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), -EOPNOTSUPP);
	fake->ops.liveupdate = &fake->liveupdate;
	domain->owner = NULL;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), -EOPNOTSUPP);
	domain->owner = &fake->ops;
	domain->is_iommupt = false;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), -EOPNOTSUPP);
	domain->is_iommupt = true;
	fake->liveupdate.describe_domain = lu_kunit_describe_fails;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), -EDOM);
	fake->liveupdate.describe_domain = lu_kunit_describe;
	fake->liveupdate.check_domain = lu_kunit_check_fails;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_check_domain(domain), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), -EOPNOTSUPP);
	fake->liveupdate.check_domain = lu_kunit_check;
	lu_kunit_expect_nothing(test);

	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 2), -EBUSY);
	lu_kunit_expect_good_blob(test, 0, 1, 0);
	iommu_liveupdate_unpreserve_domain(domain);
	lu_kunit_expect_nothing(test);
}

/* The record of what a test compares with. */
struct lu_kunit_restored {
	struct iommu_restored restored;
	struct iommu_domain_ser ser;
};

static const struct iommu_domain_ser *lu_kunit_incoming_domain(const struct iommu_restored *restored)
{
	return &container_of(restored, struct lu_kunit_restored, restored)->ser;
}

static struct lu_phys lu_kunit_incoming_phys(void)
{
	return lu_kunit_phys;
}

static int lu_kunit_walk(struct iommu_restored *restored)
{
	return restored->refused ? -EIO : 0;
}

static void lu_kunit_compare(struct kunit *test)
{
	struct lu_kunit_domain *old = lu_kunit_domain(test, 4), *new = lu_kunit_domain(test, 5);
	struct lu_kunit_restored *restored = kunit_kzalloc(test, sizeof(*restored), GFP_KERNEL);
	const struct iommu_liveupdate_difference none = {};
	struct iommu_liveupdate_difference difference;

	KUNIT_ASSERT_NOT_NULL(test, restored);
	KUNIT_ASSERT_EQ(test, lu_kunit_describe(&old->domain, &restored->ser), 0);
	kunit_activate_static_stub(test, iommu_incoming_domain, lu_kunit_incoming_domain);
	kunit_activate_static_stub(test, iommu_incoming_phys, lu_kunit_incoming_phys);
	kunit_activate_static_stub(test, iommu_incoming_walk, lu_kunit_walk);

	lu_kunit_map_each_size(test, old);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), -EBADE);
	KUNIT_EXPECT_EQ(test, difference.old_perm, LU_PERM_READ);
	KUNIT_EXPECT_EQ(test, difference.new_perm, 0);
	lu_kunit_map_each_size(test, new);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), 0);
	KUNIT_EXPECT_MEMEQ(test, &difference, &none, sizeof(none));

	/* One more in the old one: the last page is wrong, and named. */
	KUNIT_ASSERT_EQ(test, iommu_map(&old->domain, SZ_16M, SZ_2M + SZ_4K, SZ_4K, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(&new->domain, SZ_16M, SZ_2M, SZ_4K, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), -EBADE);
	KUNIT_EXPECT_EQ(test, difference.iova, SZ_16M);
	KUNIT_EXPECT_EQ(test, difference.old_pa, SZ_2M + SZ_4K);
	KUNIT_EXPECT_EQ(test, difference.new_pa, SZ_2M);
	KUNIT_EXPECT_EQ(test, difference.new_perm, LU_PERM_READ | LU_PERM_WRITE);
	KUNIT_ASSERT_EQ(test, iommu_unmap(&old->domain, SZ_16M, SZ_4K), SZ_4K);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), 0);

	/* What an entry says of all pages, the other's must say, too. */
	restored->ser.flags = IOMMU_DOMAIN_SER_SNOOP;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), -EBADE);
	KUNIT_EXPECT_EQ(test, difference.old_perm, LU_PERM_SNOOP);
	restored->ser.flags = 0;

	restored->restored.refused = true;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), -EIO);
	restored->restored.refused = false;
	restored->ser.top_pa = 1ULL << 51;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), -EIO);
	new->ops.liveupdate = NULL;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_compare(&restored->restored, &new->domain, &difference), -EOPNOTSUPP);
}

static void lu_kunit_no_pci_device(struct kunit *test)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 3);
	struct device *dev = test->priv;

	KUNIT_EXPECT_EQ(test, iommu_outgoing_check_device(dev), -EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_preserved(dev));
	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(&fake->domain, 1, 1), 0);
	lu_kunit_expect_good_blob(test, 0, 1, 0);
}

/* A device of the machine that nobody uses, alone in its group, on a domain that can be preserved. */
static bool lu_kunit_usable(struct pci_dev *pdev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);
	struct iommu_domain_ser ser = {};

	return !pdev->dev.driver && domain && domain->is_iommupt && domain->owner && domain->owner->liveupdate &&
	       !domain->owner->liveupdate->describe_domain(domain, &ser) && !iommu_outgoing_check_device(&pdev->dev);
}

/* On the domain that it stands on, without PASIDs. */
static int lu_kunit_preserve_device(struct device *dev)
{
	struct iommu_liveupdate_attach attach = { .pasid = IOMMU_NO_PASID, .domain = iommu_get_domain_for_dev(dev) };

	return iommu_liveupdate_preserve_device(dev, &attach, 1);
}

#define LU_KUNIT_MAX_DEVICES	8

struct lu_kunit_devices {
	struct pci_dev *pdev[LU_KUNIT_MAX_DEVICES];
	u32 nr_devices;
};

static void lu_kunit_devices_put(void *arg)
{
	struct lu_kunit_devices *devices = arg;
	u32 i;

	for (i = 0; i < devices->nr_devices; i++) {
		struct device *dev = &devices->pdev[i]->dev;

		if (iommu_liveupdate_preserved(dev))
			iommu_liveupdate_unpreserve_device(dev);
		if (iommu_outgoing_find_domain(iommu_get_domain_for_dev(dev)))
			iommu_liveupdate_unpreserve_domain(iommu_get_domain_for_dev(dev));
		pci_dev_put(devices->pdev[i]);
	}
}

static struct lu_kunit_devices *lu_kunit_devices(struct kunit *test)
{
	struct lu_kunit_devices *devices = kunit_kzalloc(test, sizeof(*devices), GFP_KERNEL);
	struct pci_dev *pdev = NULL;

	KUNIT_ASSERT_NOT_NULL(test, devices);
	for_each_pci_dev(pdev)
		if (devices->nr_devices < LU_KUNIT_MAX_DEVICES && lu_kunit_usable(pdev))
			devices->pdev[devices->nr_devices++] = pci_dev_get(pdev);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lu_kunit_devices_put, devices), 0);
	if (!devices->nr_devices)
		kunit_skip(test, "no unused device behind an IOMMU that can be preserved");
	return devices;
}

/* Records name the devices in the order they were preserved in. */
static void lu_kunit_expect_record(struct kunit *test, const struct lu_kunit_devices *devices, u32 i)
{
	const struct iommu_device_ser *ser = &lu_iommu_devices(iommu_outgoing_blob)[i];

	KUNIT_EXPECT_EQ(test, ser->segment, pci_domain_nr(devices->pdev[i]->bus));
	KUNIT_EXPECT_EQ(test, ser->rid, pci_dev_id(devices->pdev[i]));
	KUNIT_EXPECT_EQ(test, ser->domain, i);
}

static void lu_kunit_devices_of_the_machine(struct kunit *test)
{
	struct lu_kunit_devices *devices = lu_kunit_devices(test);
	u32 i, nr_units = 0, nr_devices = devices->nr_devices;

	/* Devices on domains that are not preserved. */
	for (i = 0; i < nr_devices; i++)
		KUNIT_EXPECT_EQ(test, lu_kunit_preserve_device(&devices->pdev[i]->dev), -ENOENT);
	lu_kunit_expect_nothing(test);

	for (i = 0; i < nr_devices; i++) {
		struct device *dev = &devices->pdev[i]->dev;
		struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

		KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, i), 0);
		lu_kunit_expect_good_blob(test, nr_units, i + 1, i);
		KUNIT_EXPECT_FALSE(test, iommu_liveupdate_preserved(dev));
		KUNIT_ASSERT_EQ(test, lu_kunit_preserve_device(dev), 0);
		KUNIT_EXPECT_TRUE(test, iommu_liveupdate_preserved(dev));
		KUNIT_EXPECT_EQ(test, lu_kunit_preserve_device(dev), -EBUSY);
		/* The first brings all units of the machine with it. */
		nr_units = list_count_nodes(&iommu_outgoing_units);
		KUNIT_EXPECT_GT(test, nr_units, 0);
		lu_kunit_expect_good_blob(test, nr_units, i + 1, i + 1);
		lu_kunit_expect_record(test, devices, i);
	}
	for (i = 0; i < nr_devices; i++) {
		struct device *dev = &devices->pdev[i]->dev;

		iommu_liveupdate_unpreserve_device(dev);
		KUNIT_EXPECT_FALSE(test, iommu_liveupdate_preserved(dev));
		lu_kunit_expect_good_blob(test, i + 1 < nr_devices ? nr_units : 0, nr_devices - i, nr_devices - i - 1);
		iommu_liveupdate_unpreserve_domain(iommu_get_domain_for_dev(dev));
	}
	lu_kunit_expect_nothing(test);
}

/* A PASID counts like the device itself: its domain must be preserved, and something must translate its requests. */
static void lu_kunit_pasids_that_are_not_there(struct kunit *test)
{
	struct lu_kunit_devices *devices = lu_kunit_devices(test);
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 4);
	struct device *dev = &devices->pdev[0]->dev;
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	struct iommu_liveupdate_attach attach[] = {
		{ .pasid = IOMMU_NO_PASID, .domain = domain },
		{ .pasid = 7, .domain = &fake->domain },
	};
	int ret;

	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_device(dev, attach, 2), -ENOENT);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserve_device(dev, attach, IOMMU_SER_MAX_PASIDS + 2), -E2BIG);
	attach[1].domain = domain;
	/* No entry, or legacy mode. */
	ret = iommu_liveupdate_preserve_device(dev, attach, 2);
	KUNIT_EXPECT_TRUE(test, ret == -EINVAL || ret == -EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_preserved(dev));
	lu_kunit_expect_good_blob(test, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, iommu_outgoing_nr_pasids(), 0);
	iommu_liveupdate_unpreserve_domain(domain);
	lu_kunit_expect_nothing(test);
}

/* A device is preserved, taken back, and preserved again, while another stays: what is freed is not what is still named. */
static void lu_kunit_device_comes_and_goes(struct kunit *test)
{
	struct lu_kunit_devices *devices = lu_kunit_devices(test);
	struct iommu_domain *domain[2];
	struct device *dev[2];
	u32 i, nr_units;

	if (devices->nr_devices < 2)
		kunit_skip(test, "one unused device only");
	for (i = 0; i < 2; i++) {
		dev[i] = &devices->pdev[i]->dev;
		domain[i] = iommu_get_domain_for_dev(dev[i]);
		KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(domain[i], 1, i), 0);
	}
	KUNIT_ASSERT_EQ(test, lu_kunit_preserve_device(dev[0]), 0);
	nr_units = list_count_nodes(&iommu_outgoing_units);
	for (i = 0; i < 100; i++) {
		KUNIT_ASSERT_EQ(test, lu_kunit_preserve_device(dev[1]), 0);
		lu_kunit_expect_good_blob(test, nr_units, 2, 2);
		iommu_liveupdate_unpreserve_device(dev[1]);
		lu_kunit_expect_good_blob(test, nr_units, 2, 1);
	}
}

static void lu_kunit_drop_aliases(void *pdev)
{
	bitmap_free(((struct pci_dev *)pdev)->dma_alias_mask);
	((struct pci_dev *)pdev)->dma_alias_mask = NULL;
}

/* Give a function more requester IDs, as a fixup does: @nr of those that no function of its bus has, from the last. */
static void lu_kunit_add_aliases(struct kunit *test, struct pci_dev *pdev, unsigned int nr)
{
	int devfn;

	if (pdev->dma_alias_mask)
		kunit_skip(test, "the device has aliases of its own");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lu_kunit_drop_aliases, pdev), 0);
	for (devfn = 0xff; nr && devfn >= 0; devfn--) {
		if (iommu_outgoing_is_function(pdev, PCI_DEVID(pdev->bus->number, devfn)))
			continue;
		pci_add_dma_alias(pdev, devfn, 1);
		nr--;
	}
	KUNIT_ASSERT_EQ(test, nr, 0);
}

/* Each ID has a record, in order; and each record an entry: lu_kunit_expect_good_blob() verifies them. */
static void lu_kunit_aliases_have_records(struct kunit *test)
{
	struct lu_kunit_devices *devices = lu_kunit_devices(test);
	struct pci_dev *pdev = devices->pdev[0];
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);
	const struct iommu_alias_ser *aliases;
	u32 i;

	lu_kunit_add_aliases(test, pdev, IOMMU_SER_MAX_DEVICE_ALIASES);
	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(domain, 1, 1), 0);
	KUNIT_ASSERT_EQ(test, lu_kunit_preserve_device(&pdev->dev), 0);
	lu_kunit_expect_good_blob(test, list_count_nodes(&iommu_outgoing_units), 1, 1);
	KUNIT_EXPECT_EQ(test, ((struct iommu_ser *)iommu_outgoing_blob)->nr_aliases, IOMMU_SER_MAX_DEVICE_ALIASES);
	aliases = lu_iommu_aliases(iommu_outgoing_blob);
	for (i = 0; i < IOMMU_SER_MAX_DEVICE_ALIASES; i++) {
		KUNIT_EXPECT_EQ(test, aliases[i].device, 0);
		KUNIT_EXPECT_EQ(test, PCI_BUS_NUM(aliases[i].rid), pdev->bus->number);
		KUNIT_EXPECT_TRUE(test, test_bit(aliases[i].rid & 0xff, pdev->dma_alias_mask));
	}
	iommu_liveupdate_unpreserve_device(&pdev->dev);
	lu_kunit_expect_good_blob(test, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, ((struct iommu_ser *)iommu_outgoing_blob)->nr_aliases, 0);
}

static void lu_kunit_aliases_that_are_refused(struct kunit *test)
{
	struct lu_kunit_devices *devices = lu_kunit_devices(test);
	struct pci_dev *pdev = devices->pdev[0], *other = devices->pdev[1];

	if (devices->nr_devices < 2 || other->bus != pdev->bus)
		kunit_skip(test, "no two unused devices on one bus");
	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(iommu_get_domain_for_dev(&pdev->dev), 1, 1), 0);
	lu_kunit_add_aliases(test, pdev, IOMMU_SER_MAX_DEVICE_ALIASES + 1);
	KUNIT_EXPECT_EQ(test, lu_kunit_preserve_device(&pdev->dev), -E2BIG);
	bitmap_zero(pdev->dma_alias_mask, U8_MAX + 1);
	/* Another function has it. */
	pci_add_dma_alias(pdev, other->devfn, 1);
	KUNIT_EXPECT_EQ(test, lu_kunit_preserve_device(&pdev->dev), -EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_preserved(&pdev->dev));
	lu_kunit_expect_good_blob(test, 0, 1, 0);
}

#ifdef CONFIG_FAULT_INJECTION

#define LU_KUNIT_MAX_ALLOCATIONS	1000

static void lu_kunit_domain_without_memory(struct kunit *test)
{
	struct lu_kunit_domain *fake = lu_kunit_domain(test, 4), *other = lu_kunit_domain(test, 3);
	unsigned int nth, nr_failed = 0;
	bool failed;
	int ret;

	if (!lu_kunit_can_fail())
		kunit_skip(test, "allocations are not made to fail");
	lu_kunit_map_tables(test, fake, 600);
	lu_kunit_map_each_size(test, other);
	KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(&other->domain, 1, 1), 0);
	for (nth = 1; nth < LU_KUNIT_MAX_ALLOCATIONS; nth++) {
		lu_kunit_fail_nth(nth);
		ret = iommu_liveupdate_preserve_domain(&fake->domain, 1, 2);
		failed = lu_kunit_failed();
		if (ret) {
			KUNIT_EXPECT_TRUE(test, failed);
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
			lu_kunit_expect_good_blob(test, 0, 1, 0);
			nr_failed++;
			continue;
		}
		lu_kunit_expect_good_blob(test, 0, 2, 0);
		/* Undoing needs no memory. */
		lu_kunit_fail_nth(1);
		iommu_liveupdate_unpreserve_domain(&fake->domain);
		lu_kunit_failed();
		lu_kunit_expect_good_blob(test, 0, 1, 0);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, LU_KUNIT_MAX_ALLOCATIONS);
	/* Two at least, the object and the list; but KASAN may have one of its own fail instead, which nobody minds. */
	KUNIT_EXPECT_GE(test, nr_failed, 1);
	kunit_info(test, "%u allocations, %u make it fail", nth - 1, nr_failed);
	iommu_liveupdate_unpreserve_domain(&other->domain);
	lu_kunit_expect_nothing(test);
}

/* @nr_units: what the blob has of them while the device is not preserved. */
static void lu_kunit_fail_device(struct kunit *test, struct pci_dev *pdev, u32 nr_units, u32 nr_domains, u32 nr_devices)
{
	unsigned int nth, nr_failed = 0;
	bool failed;
	int ret;

	for (nth = 1; nth < LU_KUNIT_MAX_ALLOCATIONS; nth++) {
		lu_kunit_fail_nth(nth);
		ret = lu_kunit_preserve_device(&pdev->dev);
		failed = lu_kunit_failed();
		KUNIT_EXPECT_EQ(test, iommu_liveupdate_preserved(&pdev->dev), !ret);
		if (ret) {
			KUNIT_EXPECT_TRUE(test, failed);
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
			lu_kunit_expect_good_blob(test, nr_units, nr_domains, nr_devices);
			nr_failed++;
			continue;
		}
		lu_kunit_expect_good_blob(test, list_count_nodes(&iommu_outgoing_units), nr_domains, nr_devices + 1);
		lu_kunit_fail_nth(1);
		iommu_liveupdate_unpreserve_device(&pdev->dev);
		lu_kunit_failed();
		lu_kunit_expect_good_blob(test, nr_units, nr_domains, nr_devices);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, LU_KUNIT_MAX_ALLOCATIONS);
	/* The object and the list at least; what KHO and the blob need depends on what they have already. */
	KUNIT_EXPECT_GE(test, nr_failed, 2);
	kunit_info(test, "%u allocations, %u make it fail", nth - 1, nr_failed);
}

/* The first device of the machine, for which everything is made, and another beside it. */
static void lu_kunit_device_without_memory(struct kunit *test)
{
	struct lu_kunit_devices *devices = lu_kunit_devices(test);
	u32 i;

	if (!lu_kunit_can_fail())
		kunit_skip(test, "allocations are not made to fail");
	if (devices->nr_devices < 2)
		kunit_skip(test, "one unused device only");
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, iommu_liveupdate_preserve_domain(
				iommu_get_domain_for_dev(&devices->pdev[i]->dev), 1, i), 0);
	/* In another context table than its own, if it has one. */
	lu_kunit_add_aliases(test, devices->pdev[0], 1);
	lu_kunit_fail_device(test, devices->pdev[0], 0, 2, 0);
	KUNIT_ASSERT_EQ(test, lu_kunit_preserve_device(&devices->pdev[0]->dev), 0);
	lu_kunit_fail_device(test, devices->pdev[1], list_count_nodes(&iommu_outgoing_units), 2, 1);
}

#endif

/* Nothing was handed over to this kernel, or the test means nothing. */
static void lu_kunit_nothing_incoming(struct kunit *test)
{
	enum iommu_incoming_state state;
	struct page *page;
	u64 pa;

	if (iommu_liveupdate_incoming())
		kunit_skip(test, "another kernel left devices running");
	KUNIT_EXPECT_NULL(test, iommu_liveupdate_unit(IOMMU_SER_DRIVER_VTD, 0xfed90000));
	KUNIT_EXPECT_NULL(test, iommu_liveupdate_device(NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_device_state(0, 0, &state), -ENOENT);
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_device_busy(0, 0));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_iommufd_busy(1));
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_set_owner(1, 1, test), -EINVAL);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_set_owner(1, 0, test), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommu_liveupdate_take_domain(1, 1)), -ENOENT);
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_domain_restored(NULL));

	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	pa = page_to_phys(page);
	KUNIT_EXPECT_EQ(test, kho_preserved_bytes(pa), 0);
	KUNIT_EXPECT_EQ(test, kho_preserved_bytes(pa + 1), 0);
	KUNIT_EXPECT_EQ(test, kho_preserved_bytes(0), 0);
	KUNIT_EXPECT_EQ(test, kho_preserved_bytes(PFN_PHYS(max_pfn) - 1), 0);
	KUNIT_EXPECT_EQ(test, kho_preserved_bytes(PFN_PHYS(max_pfn)), 0);
	KUNIT_EXPECT_EQ(test, kho_preserved_bytes(~0ULL), 0);
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_handed_over(pa, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_handed_over(pa, 0));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_handed_over(~0ULL, 1));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_handed_over(~0ULL, 2));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_handed_over(0, ~0ULL));
	/* Not ours to take, and no warning. */
	KUNIT_EXPECT_NULL(test, iommu_liveupdate_adopt_pages(pa, PAGE_SIZE));
	__free_page(page);
}

static int lu_kunit_init(struct kunit *test)
{
	struct device *dev;

	if (!kho_is_enabled())
		kunit_skip(test, "KHO is off: kho=on is needed");
	dev = kunit_device_register(test, "lu_kunit_dev");
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	set_dev_node(dev, NUMA_NO_NODE);
	test->priv = dev;
	return 0;
}

static struct kunit_case lu_kunit_cases[] = {
	KUNIT_CASE(lu_kunit_each_number_of_levels),
	KUNIT_CASE(lu_kunit_damage_is_found),
	KUNIT_CASE(lu_kunit_many_tables),
	KUNIT_CASE(lu_kunit_visiting_ends),
	KUNIT_CASE(lu_kunit_blob_grows),
	KUNIT_CASE(lu_kunit_domain_errors),
	KUNIT_CASE(lu_kunit_compare),
	KUNIT_CASE(lu_kunit_no_pci_device),
	KUNIT_CASE(lu_kunit_devices_of_the_machine),
	KUNIT_CASE(lu_kunit_pasids_that_are_not_there),
	KUNIT_CASE(lu_kunit_device_comes_and_goes),
	KUNIT_CASE(lu_kunit_aliases_have_records),
	KUNIT_CASE(lu_kunit_aliases_that_are_refused),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(lu_kunit_domain_without_memory),
	KUNIT_CASE(lu_kunit_device_without_memory),
#endif
	KUNIT_CASE(lu_kunit_nothing_incoming),
	{}
};

static struct kunit_suite lu_kunit_suite = {
	.name = "iommu-liveupdate",
	.init = lu_kunit_init,
	.test_cases = lu_kunit_cases,
};
kunit_test_suite(lu_kunit_suite);
