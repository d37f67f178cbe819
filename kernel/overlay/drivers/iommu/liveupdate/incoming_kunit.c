// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a device may begin, told of real devices of this machine that no kernel left running, and which domains are freed: the records are
 * made up, and are there only while a test runs. Nothing is attached, and nothing freed. Included by incoming.c.
 */
#include <kunit/test-bug.h>
#include <kunit/test.h>

struct lu_kunit_incoming {
	struct {
		struct iommu_ser ser;
		struct iommu_unit_ser unit;
		struct iommu_domain_ser domains[2];
		struct iommu_device_ser devices[2];	/* the second is not there, in another segment, where it has the ID of the first */
		struct iommu_pasid_ser pasids[2];
		struct iommu_alias_ser aliases[2];
	} blob;
	struct iommu_incoming_device devices[2];
	struct iommu_restored domains[2];
	unsigned int nr_blocked;
	struct pci_dev *recorded;	/* has the record */
	struct pci_dev *other;		/* has none */
	struct iommu_domain ordinary;
	struct iommu_domain blocking;
};

/* Nothing was handed over to this kernel. */
static void lu_kunit_records_forget(void *unused)
{
	iommu_incoming_ser = NULL;
	iommu_incoming_devices = NULL;
	iommu_incoming_domains = NULL;
	iommu_incoming_listed = false;
	iommu_incoming_found = IOMMU_INCOMING_NONE;
}

static void lu_kunit_incoming_restore(void *arg)
{
	struct lu_kunit_incoming *incoming = arg;

	lu_kunit_records_forget(NULL);
	pci_dev_put(incoming->recorded);
	pci_dev_put(incoming->other);
}

static struct lu_kunit_incoming *lu_kunit_incoming(struct kunit *test)
{
	struct lu_kunit_incoming *incoming;
	struct pci_dev *pdev = NULL;

	if (iommu_liveupdate_incoming())
		kunit_skip(test, "another kernel left devices running");
	incoming = kunit_kzalloc(test, sizeof(*incoming), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, incoming);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lu_kunit_incoming_restore, incoming), 0);
	for_each_pci_dev(pdev) {
		if (!device_iommu_mapped(&pdev->dev) || !dev_iommu_ops(&pdev->dev)->blocked_domain)
			continue;
		if (!incoming->recorded)
			incoming->recorded = pci_dev_get(pdev);
		else if (!incoming->other)
			incoming->other = pci_dev_get(pdev);
	}
	if (!incoming->other)
		kunit_skip(test, "less than two devices behind an IOMMU that can block them");

	incoming->ordinary.type = IOMMU_DOMAIN_UNMANAGED;
	incoming->blocking.type = IOMMU_DOMAIN_BLOCKED;
	incoming->blob.ser.nr_units = 1;
	incoming->blob.ser.nr_domains = ARRAY_SIZE(incoming->blob.domains);
	incoming->blob.ser.nr_devices = ARRAY_SIZE(incoming->blob.devices);
	incoming->blob.devices[0].segment = pci_domain_nr(incoming->recorded->bus);
	incoming->blob.devices[0].rid = pci_dev_id(incoming->recorded);
	incoming->blob.devices[0].domain = 1;
	incoming->blob.devices[1] = incoming->blob.devices[0];
	incoming->blob.devices[1].segment++;
	incoming->blob.ser.nr_pasids = ARRAY_SIZE(incoming->blob.pasids);
	incoming->blob.pasids[0].pasid = 7;
	incoming->blob.pasids[1].pasid = 9;
	incoming->blob.pasids[1].domain = 1;
	incoming->blob.ser.nr_aliases = ARRAY_SIZE(incoming->blob.aliases);
	incoming->blob.aliases[0].rid = PCI_DEVID(incoming->recorded->bus->number, 0xfe);
	incoming->blob.aliases[1].rid = PCI_DEVID(incoming->recorded->bus->number, 0xff);
	iommu_incoming_ser = &incoming->blob.ser;
	iommu_incoming_devices = incoming->devices;
	iommu_incoming_domains = incoming->domains;
	iommu_incoming_found = IOMMU_INCOMING_TAKEN;
	return incoming;
}

static void lu_kunit_device_begins(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	struct device *dev = &incoming->recorded->dev, *other = &incoming->other->dev;
	struct iommu_domain *mine = &iommu_incoming_restored(1, dev_iommu_ops(dev))->domain;
	struct iommu_domain *foreign = &iommu_incoming_restored(0, dev_iommu_ops(dev))->domain;

	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_probe_domain(other, &incoming->ordinary, true), &incoming->ordinary);
	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_probe_domain(other, &incoming->ordinary, false), &incoming->ordinary);
	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_probe_domain(dev, &incoming->ordinary, true), mine);

	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(mine, dev, IOMMU_NO_PASID, NULL), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->blocking, dev, IOMMU_NO_PASID, NULL), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, dev, IOMMU_NO_PASID, NULL), -EBADE);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(foreign, dev, IOMMU_NO_PASID, NULL), -EBADE);
	/* A device that joins the group of a preserved one has no entry that says what the group stands on. */
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(mine, other, IOMMU_NO_PASID, NULL), -EBADE);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, other, IOMMU_NO_PASID, NULL), 0);
	/* A PASID that was not in use begins like any other. */
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, dev, 1, NULL), 0);

	/* From there on the swap alone. */
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, dev, IOMMU_NO_PASID, mine), -EBADE);
	incoming->devices[0].swap.swap_to = &incoming->ordinary;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, dev, IOMMU_NO_PASID, mine), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->blocking, dev, IOMMU_NO_PASID, mine), 0);

	incoming->devices[0].state = IOMMU_INCOMING_FINISHED;
	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_probe_domain(dev, &incoming->ordinary, true), &incoming->ordinary);
	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_probe_domain(dev, &incoming->ordinary, false), &incoming->ordinary);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, dev, IOMMU_NO_PASID, NULL), 0);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(mine, dev, IOMMU_NO_PASID, NULL), -EBADE);
}

static void lu_kunit_block_pasid(struct device *dev, ioasid_t pasid, struct iommu_domain *old)
{
	struct lu_kunit_incoming *incoming = container_of(iommu_incoming_ser, struct lu_kunit_incoming, blob.ser);
	const struct iommu_pasid_ser *expected = &incoming->blob.pasids[incoming->nr_blocked++ % 2];

	KUNIT_EXPECT_PTR_EQ(kunit_get_current_test(), dev, &incoming->recorded->dev);
	KUNIT_EXPECT_EQ(kunit_get_current_test(), pasid, expected->pasid);
	KUNIT_EXPECT_PTR_EQ(kunit_get_current_test(), old, &incoming->domains[expected->domain].domain);
	KUNIT_EXPECT_TRUE(kunit_get_current_test(), iommu_liveupdate_domain_restored(old));
}

/* Whichever of a group is asked about first: all of it is blocked, and so are its PASIDs, once. */
static void lu_kunit_device_not_alone(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	struct device *dev = &incoming->recorded->dev, *other = &incoming->other->dev;
	struct iommu_domain *blocking = dev_iommu_ops(dev)->blocked_domain, *domain;

	kunit_activate_static_stub(test, iommu_incoming_block_pasid, lu_kunit_block_pasid);
	domain = iommu_liveupdate_probe_domain(other, &incoming->ordinary, false);
	domain = iommu_liveupdate_probe_domain(dev, domain, false);
	domain = iommu_liveupdate_probe_domain(dev, domain, false);
	KUNIT_EXPECT_PTR_EQ(test, domain, blocking);
	KUNIT_EXPECT_EQ(test, incoming->nr_blocked, 2);
	KUNIT_EXPECT_EQ(test, incoming->devices[0].state, IOMMU_INCOMING_QUARANTINED);
	KUNIT_EXPECT_NOT_NULL(test, incoming->devices[0].reason);

	incoming->devices[0].state = IOMMU_INCOMING_RESTORED;
	domain = iommu_liveupdate_probe_domain(dev, &incoming->ordinary, false);
	domain = iommu_liveupdate_probe_domain(other, domain, false);
	KUNIT_EXPECT_PTR_EQ(test, domain, blocking);
	KUNIT_EXPECT_EQ(test, incoming->nr_blocked, 4);
}

/* A device is found by each ID that its requests may have, for as long as it is running. */
static void lu_kunit_requester(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	const struct iommu_device_ser *device = &incoming->blob.devices[0];
	const struct iommu_unit_ser *unit = &incoming->blob.unit;
	const struct iommu_alias_ser *alias = NULL;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		alias = iommu_liveupdate_next_alias(device, alias);
		KUNIT_ASSERT_PTR_EQ(test, alias, &incoming->blob.aliases[i]);
		KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_requester(unit, device->segment, alias->rid), device);
		KUNIT_EXPECT_NULL(test, iommu_liveupdate_requester(unit, device->segment + 1, alias->rid));
		KUNIT_EXPECT_NULL(test, iommu_liveupdate_requester(unit + 1, device->segment, alias->rid));
		KUNIT_EXPECT_NULL(test, iommu_liveupdate_device(unit, device->segment, alias->rid));
	}
	KUNIT_EXPECT_NULL(test, iommu_liveupdate_next_alias(device, alias));
	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_requester(unit, device->segment, device->rid), device);
	KUNIT_EXPECT_NULL(test, iommu_liveupdate_requester(unit, device->segment, incoming->blob.aliases[0].rid - 1));
	incoming->devices[0].state = IOMMU_INCOMING_QUARANTINED;
	KUNIT_EXPECT_NULL(test, iommu_liveupdate_requester(unit, device->segment, incoming->blob.aliases[0].rid));
	KUNIT_EXPECT_PTR_EQ(test, iommu_liveupdate_next_alias(device, NULL), &incoming->blob.aliases[0]);
}

/* Whatever became of it: what blocks it has to know all its IDs, too. */
static void lu_kunit_drivers_know_aliases(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	struct pci_dev *pdev = incoming->recorded;

	if (pdev->dma_alias_mask || incoming->other->dma_alias_mask)
		kunit_skip(test, "the device has aliases of its own");
	incoming->devices[0].state = IOMMU_INCOMING_QUARANTINED;
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_add_aliases(&incoming->other->dev), 0);
	KUNIT_EXPECT_NULL(test, incoming->other->dma_alias_mask);
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_add_aliases(&pdev->dev), 0);
	KUNIT_ASSERT_NOT_NULL(test, pdev->dma_alias_mask);
	KUNIT_EXPECT_EQ(test, bitmap_weight(pdev->dma_alias_mask, U8_MAX + 1), 2);
	KUNIT_EXPECT_TRUE(test, test_bit(0xfe, pdev->dma_alias_mask) && test_bit(0xff, pdev->dma_alias_mask));
	bitmap_free(pdev->dma_alias_mask);
	pdev->dma_alias_mask = NULL;
}

/* A bridge is where it was left, blocked, until its group goes from the domain that it was swapped to to another. */
static void lu_kunit_bridge_is_blocked(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	struct device *dev = &incoming->recorded->dev, *bridge = &incoming->other->dev;
	struct iommu_domain *mine = &iommu_incoming_restored(1, dev_iommu_ops(dev))->domain;
	const u8 hdr_type = incoming->other->hdr_type;

	KUNIT_ASSERT_FALSE(test, iommu_liveupdate_is_bridge(dev) || iommu_liveupdate_is_bridge(bridge));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_stays_blocked(mine, bridge, NULL));
	incoming->other->hdr_type = PCI_HEADER_TYPE_BRIDGE;
	KUNIT_EXPECT_TRUE(test, iommu_liveupdate_is_bridge(bridge));
	KUNIT_EXPECT_TRUE(test, iommu_liveupdate_stays_blocked(mine, bridge, NULL));
	KUNIT_EXPECT_TRUE(test, iommu_liveupdate_stays_blocked(&incoming->ordinary, bridge, mine));
	KUNIT_EXPECT_TRUE(test, iommu_liveupdate_stays_blocked(mine, bridge, &incoming->ordinary));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_stays_blocked(&incoming->ordinary, bridge, &incoming->blocking));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_stays_blocked(&incoming->ordinary, bridge, NULL));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_stays_blocked(mine, dev, NULL));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_stays_blocked(&incoming->ordinary, dev, mine));
	KUNIT_EXPECT_EQ(test, iommu_liveupdate_may_attach(&incoming->ordinary, bridge, IOMMU_NO_PASID, &incoming->blocking), 0);
	incoming->other->hdr_type = hdr_type;
}

/* What the old kernel left it on is in use until the device is somewhere else. */
static void lu_kunit_unprobed_device_stands(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	struct device *dev = &incoming->recorded->dev;
	struct iommu_group *group = dev->iommu_group;

	dev->iommu_group = NULL;
	KUNIT_EXPECT_TRUE(test, iommu_incoming_standing(0));
	dev->iommu_group = group;
	KUNIT_EXPECT_FALSE(test, iommu_incoming_standing(0));
}

/* Records of two domains with tables in memory of this kernel, which counts as handed over. The device that stands on either is not there. */
struct lu_kunit_lists {
	struct {
		struct iommu_ser ser;
		struct iommu_domain_ser domains[2];
		struct iommu_device_ser devices[2];
	} blob;
	struct iommu_incoming_device devices[2];
	struct iommu_restored domains[2];
	u64 *lists[2];
	u64 tables[3];		/* ascending */
	unsigned int nr_freed;
};

static const void *lu_kunit_lists_read(const struct lu_phys *phys, u64 pa, u64 bytes)
{
	return pfn_valid(PHYS_PFN(pa)) && pfn_valid(PHYS_PFN(pa + bytes - 1)) ? phys_to_virt(pa) : NULL;
}

static struct lu_phys lu_kunit_lists_phys(void)
{
	return (struct lu_phys){ .read = lu_kunit_lists_read, .end = 1ULL << 52 };
}

static void lu_kunit_lists_free_tables(const struct iommu_domain_ser *domain)
{
	container_of(iommu_incoming_ser, struct lu_kunit_lists, blob.ser)->nr_freed++;
}

/* Domain 0 has the first table, domain 1 the others. */
static struct lu_kunit_lists *lu_kunit_lists(struct kunit *test)
{
	struct lu_kunit_lists *lists;
	struct iommu_domain_ser *domain;
	u8 *pages;
	u32 i;

	if (iommu_liveupdate_incoming())
		kunit_skip(test, "another kernel left devices running");
	lists = kunit_kzalloc(test, sizeof(*lists), GFP_KERNEL);
	pages = (u8 *)PAGE_ALIGN((unsigned long)kunit_kzalloc(test, 6 * PAGE_SIZE, GFP_KERNEL));
	KUNIT_ASSERT_NOT_NULL(test, lists);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (i = 0; i < ARRAY_SIZE(lists->tables); i++)
		lists->tables[i] = virt_to_phys(pages + (2 + i) * PAGE_SIZE);
	for (i = 0; i < 2; i++) {
		lists->lists[i] = (u64 *)(pages + i * PAGE_SIZE);
		domain = &lists->blob.domains[i];
		domain->iommufd_id = 1 + i;
		domain->format = IOMMU_SER_FORMAT_VTDSS;
		domain->levels = 3;
		domain->blocks_pa = virt_to_phys(lists->lists[i]);
		domain->nr_tables = domain->nr_blocks = 1 + i;
		domain->top_pa = lists->tables[i];
		lists->domains[i].index = i;
		lists->blob.devices[i].rid = 0xffff;
		lists->blob.devices[i].segment = 0xfffe + i;
		lists->blob.devices[i].domain = i;
	}
	lists->lists[0][0] = lists->tables[0];
	lists->lists[1][0] = lists->tables[1];
	lists->lists[1][1] = lists->tables[2];
	*(u64 *)phys_to_virt(lists->tables[1]) = lists->tables[2] | 1;
	lists->blob.ser.nr_domains = 2;
	lists->blob.ser.nr_devices = 2;
	kunit_activate_static_stub(test, iommu_incoming_phys, lu_kunit_lists_phys);
	kunit_activate_static_stub(test, iommu_incoming_free_tables, lu_kunit_lists_free_tables);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lu_kunit_records_forget, NULL), 0);
	iommu_incoming_devices = lists->devices;
	iommu_incoming_domains = lists->domains;
	iommu_incoming_found = IOMMU_INCOMING_TAKEN;
	iommu_incoming_ser = &lists->blob.ser;
	return lists;
}

/* A domain that nobody asked for is freed by a list that was checked, and so is one that was walked. */
static void lu_kunit_good_lists(struct kunit *test)
{
	struct lu_kunit_lists *lists = lu_kunit_lists(test);

	KUNIT_EXPECT_FALSE(test, iommu_incoming_listed);
	iommu_liveupdate_finish_iommufd(1);
	KUNIT_EXPECT_TRUE(test, iommu_incoming_listed);
	KUNIT_EXPECT_TRUE(test, lists->domains[0].freed);
	KUNIT_EXPECT_EQ(test, lists->nr_freed, 1);
	KUNIT_EXPECT_EQ(test, iommu_incoming_walk(&lists->domains[1]), 0);
	KUNIT_EXPECT_TRUE(test, lists->domains[1].walked);
	iommu_liveupdate_finish_iommufd(2);
	KUNIT_EXPECT_EQ(test, lists->nr_freed, 2);
	iommu_liveupdate_finish_iommufd(2);
	KUNIT_EXPECT_EQ(test, lists->nr_freed, 2);
	KUNIT_EXPECT_EQ(test, lists->devices[0].state, IOMMU_INCOMING_RESTORED);
	KUNIT_EXPECT_EQ(test, lists->devices[1].state, IOMMU_INCOMING_RESTORED);
}

/* Of two domains that share a table neither is freed nor walked, whichever is asked about first. */
static void lu_kunit_lists_overlap(struct kunit *test)
{
	struct lu_kunit_lists *lists = lu_kunit_lists(test);
	u32 first;

	for (first = 0; first < 2; first++) {
		memset(lists->domains, 0, sizeof(lists->domains));
		memset(lists->devices, 0, sizeof(lists->devices));
		lists->domains[1].index = 1;
		iommu_incoming_listed = false;
		lists->lists[0][1] = lists->tables[2];
		lists->blob.domains[0].nr_blocks = 2;
		if (first)
			iommu_liveupdate_finish_iommufd(2);
		else
			KUNIT_EXPECT_EQ(test, iommu_incoming_walk(&lists->domains[0]), -EIO);
		KUNIT_EXPECT_TRUE(test, lists->domains[0].refused);
		KUNIT_EXPECT_TRUE(test, lists->domains[1].refused);
		KUNIT_EXPECT_EQ(test, lists->devices[0].state, IOMMU_INCOMING_QUARANTINED);
		KUNIT_EXPECT_EQ(test, lists->devices[1].state, IOMMU_INCOMING_QUARANTINED);
		iommu_liveupdate_finish_iommufd(1);
		iommu_liveupdate_finish_iommufd(2);
		KUNIT_EXPECT_EQ(test, lists->nr_freed, 0);
		KUNIT_EXPECT_EQ(test, iommu_incoming_walk(&lists->domains[1]), -EIO);
	}
}

/* What of a bad list the boot does not see stops its domain alone, before another is freed; and a device that is finished stays what it is. */
static void lu_kunit_list_out_of_order(struct kunit *test)
{
	struct lu_kunit_lists *lists = lu_kunit_lists(test);
	const struct lu_phys phys = lu_kunit_lists_phys();
	struct lu_verdict verdict;

	lists->lists[1][1] = lists->tables[1];
	KUNIT_EXPECT_TRUE(test, lu_verify_domain_head(&lists->blob.domains[1], &phys, &verdict));
	lists->devices[1].state = IOMMU_INCOMING_FINISHED;
	iommu_liveupdate_finish_iommufd(1);
	KUNIT_EXPECT_TRUE(test, lists->domains[1].refused);
	KUNIT_EXPECT_FALSE(test, lists->domains[0].refused);
	KUNIT_EXPECT_EQ(test, lists->nr_freed, 1);
	KUNIT_EXPECT_EQ(test, lists->devices[1].state, IOMMU_INCOMING_FINISHED);
	iommu_liveupdate_finish_iommufd(2);
	KUNIT_EXPECT_EQ(test, lists->nr_freed, 1);
	KUNIT_EXPECT_TRUE(test, lists->domains[1].freed);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommu_liveupdate_take_domain(1, 0)), -ENOENT);
}

static struct kunit_case lu_kunit_incoming_cases[] = {
	KUNIT_CASE(lu_kunit_device_begins),
	KUNIT_CASE(lu_kunit_device_not_alone),
	KUNIT_CASE(lu_kunit_requester),
	KUNIT_CASE(lu_kunit_drivers_know_aliases),
	KUNIT_CASE(lu_kunit_bridge_is_blocked),
	KUNIT_CASE(lu_kunit_unprobed_device_stands),
	KUNIT_CASE(lu_kunit_good_lists),
	KUNIT_CASE(lu_kunit_lists_overlap),
	KUNIT_CASE(lu_kunit_list_out_of_order),
	{}
};

static struct kunit_suite lu_kunit_incoming_suite = {
	.name = "iommu-liveupdate-incoming",
	.test_cases = lu_kunit_incoming_cases,
};
kunit_test_suite(lu_kunit_incoming_suite);
