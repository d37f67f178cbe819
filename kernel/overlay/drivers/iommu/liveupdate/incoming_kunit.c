// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a device may begin, told of real devices of this machine that no kernel left running: the records are made up, and are there only
 * while a test runs. Nothing is attached. Included by incoming.c.
 */
#include <kunit/test.h>

struct lu_kunit_incoming {
	struct {
		struct iommu_ser ser;
		struct iommu_unit_ser unit;
		struct iommu_domain_ser domains[2];
		struct iommu_device_ser devices[1];
	} blob;
	struct iommu_incoming_device devices[1];
	struct iommu_restored domains[2];
	struct pci_dev *recorded;	/* has the record */
	struct pci_dev *other;		/* has none */
	struct iommu_domain ordinary;
	struct iommu_domain blocking;
};

static void lu_kunit_incoming_restore(void *arg)
{
	struct lu_kunit_incoming *incoming = arg;

	iommu_incoming_ser = NULL;
	iommu_incoming_devices = NULL;
	iommu_incoming_domains = NULL;
	iommu_incoming_found = IOMMU_INCOMING_NONE;
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

/* Whichever of a group is asked about first: all of it is blocked. */
static void lu_kunit_device_not_alone(struct kunit *test)
{
	struct lu_kunit_incoming *incoming = lu_kunit_incoming(test);
	struct device *dev = &incoming->recorded->dev, *other = &incoming->other->dev;
	struct iommu_domain *blocking = dev_iommu_ops(dev)->blocked_domain, *domain;

	domain = iommu_liveupdate_probe_domain(other, &incoming->ordinary, false);
	domain = iommu_liveupdate_probe_domain(dev, domain, false);
	KUNIT_EXPECT_PTR_EQ(test, domain, blocking);
	KUNIT_EXPECT_EQ(test, incoming->devices[0].state, IOMMU_INCOMING_QUARANTINED);
	KUNIT_EXPECT_NOT_NULL(test, incoming->devices[0].reason);

	incoming->devices[0].state = IOMMU_INCOMING_RESTORED;
	domain = iommu_liveupdate_probe_domain(dev, &incoming->ordinary, false);
	domain = iommu_liveupdate_probe_domain(other, domain, false);
	KUNIT_EXPECT_PTR_EQ(test, domain, blocking);
}

static struct kunit_case lu_kunit_incoming_cases[] = {
	KUNIT_CASE(lu_kunit_device_begins),
	KUNIT_CASE(lu_kunit_device_not_alone),
	{}
};

static struct kunit_suite lu_kunit_incoming_suite = {
	.name = "iommu-liveupdate-incoming",
	.test_cases = lu_kunit_incoming_cases,
};
kunit_test_suite(lu_kunit_incoming_suite);
