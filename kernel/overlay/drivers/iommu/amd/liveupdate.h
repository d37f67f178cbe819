/* SPDX-License-Identifier: GPL-2.0-only */
/* AMD-Vi across live update: what the rest of the driver calls. See liveupdate.c. */
#ifndef __AMD_LIVEUPDATE_H
#define __AMD_LIVEUPDATE_H

#include <linux/bitfield.h>
#include <linux/iommu-liveupdate.h>
#include <linux/liveupdate-fault.h>

#include "amd_iommu_types.h"

struct amd_iommu;
struct device;
struct protection_domain;

/* For tests: what QEMU says a unit cannot do, guest tables and PASIDs, of as many bits as Linux takes. It reads no such table. */
static inline u64 amd_liveupdate_fake_features(void)
{
	if (!liveupdate_fault(LIVEUPDATE_FAULT_FAKE_PASIDS))
		return 0;
	return FEATURE_GT | FEATURE_GIOSUP | FEATURE_EPHSUP | FEATURE_PPR | FIELD_PREP(FEATURE_GLX, 2) | FIELD_PREP(FEATURE_PASMAX, 15);
}

#ifdef CONFIG_IOMMU_LIVEUPDATE

extern const struct iommu_liveupdate_ops amd_liveupdate_ops;
#define AMD_LIVEUPDATE_OPS	(&amd_liveupdate_ops)

void amd_liveupdate_handover(void);
bool amd_liveupdate_keep_translation(void);
bool amd_liveupdate_defer_attach(void);
void amd_liveupdate_adopt_tables(void);
bool amd_liveupdate_adopted(struct device *dev);
bool amd_liveupdate_adopt_device(struct amd_iommu *iommu, struct device *dev);
int amd_liveupdate_check_swap(struct protection_domain *domain, struct device *dev);
void amd_liveupdate_free_domid(struct amd_iommu *iommu, u16 domid);

#else

#define AMD_LIVEUPDATE_OPS	NULL

static inline void amd_liveupdate_handover(void)
{
}

static inline bool amd_liveupdate_keep_translation(void)
{
	return false;
}

static inline bool amd_liveupdate_defer_attach(void)
{
	return false;
}

static inline void amd_liveupdate_adopt_tables(void)
{
}

static inline bool amd_liveupdate_adopted(struct device *dev)
{
	return false;
}

static inline bool amd_liveupdate_adopt_device(struct amd_iommu *iommu, struct device *dev)
{
	return false;
}

static inline int amd_liveupdate_check_swap(struct protection_domain *domain, struct device *dev)
{
	return 0;
}

static inline void amd_liveupdate_free_domid(struct amd_iommu *iommu, u16 domid)
{
	amd_iommu_pdom_id_free(domid);
}

#endif
#endif
