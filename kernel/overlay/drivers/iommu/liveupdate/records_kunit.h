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
 * @aliases: Requester IDs beside the device's own.
 * @nr_aliases: How many.
 */
struct lu_kunit_records {
	struct iommu_device_ser device;
	struct iommu_domain_ser domain[2];
	u32 tag[2];
	const ioasid_t *pasids;
	unsigned int nr;
	struct iommu_alias_ser aliases[2];
	unsigned int nr_aliases;
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

static const struct iommu_alias_ser *lu_kunit_next_alias(const struct iommu_device_ser *device, const struct iommu_alias_ser *alias)
{
	const struct lu_kunit_records *records = container_of(device, struct lu_kunit_records, device);
	const unsigned int i = alias ? alias - records->aliases + 1 : 0;

	return i < records->nr_aliases ? &records->aliases[i] : NULL;
}

/* Is a requester ID one of the device's? */
static inline bool lu_kunit_has_rid(const struct lu_kunit_records *records, u16 rid)
{
	unsigned int i;

	for (i = 0; i < records->nr_aliases; i++)
		if (records->aliases[i].rid == rid)
			return true;
	return records->device.rid == rid;
}

static inline void lu_kunit_use_records(struct kunit *test)
{
	kunit_activate_static_stub(test, iommu_liveupdate_find_attach, lu_kunit_find_attach);
	kunit_activate_static_stub(test, iommu_liveupdate_nr_attach, lu_kunit_nr_attach);
	kunit_activate_static_stub(test, iommu_liveupdate_next_alias, lu_kunit_next_alias);
}

#endif
