/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of a device, for drivers' KUnit tests: instead of those that another kernel left. Requests without PASID, and those of every
 * second PASID, are on the first domain; the others on the second.
 */
#ifndef __IOMMU_LIVEUPDATE_RECORDS_KUNIT_H
#define __IOMMU_LIVEUPDATE_RECORDS_KUNIT_H

#include <kunit/static_stub.h>
#include <linux/iommu-liveupdate.h>

/**
 * struct lu_kunit_records - what the blob says of a device
 * @device: Its record.
 * @domain: Of the domains it is on.
 * @tag: Of each domain.
 * @pasids: Which it has, IOMMU_NO_PASID first.
 * @nr: How many of them have a record.
 */
struct lu_kunit_records {
	struct iommu_device_ser device;
	struct iommu_domain_ser domain[2];
	u32 tag[2];
	const ioasid_t *pasids;
	unsigned int nr;
};

static bool lu_kunit_find_attach(const struct iommu_device_ser *device, ioasid_t pasid, const struct iommu_domain_ser **domain, u32 *tag)
{
	const struct lu_kunit_records *records = container_of(device, struct lu_kunit_records, device);
	unsigned int i;

	for (i = 0; i < records->nr; i++) {
		if (records->pasids[i] != pasid)
			continue;
		*domain = &records->domain[i % 2];
		*tag = records->tag[i % 2];
		return true;
	}
	return false;
}

static unsigned int lu_kunit_nr_attach(const struct iommu_device_ser *device)
{
	return container_of(device, struct lu_kunit_records, device)->nr;
}

static inline void lu_kunit_use_records(struct kunit *test)
{
	kunit_activate_static_stub(test, iommu_liveupdate_find_attach, lu_kunit_find_attach);
	kunit_activate_static_stub(test, iommu_liveupdate_nr_attach, lu_kunit_nr_attach);
}

#endif
