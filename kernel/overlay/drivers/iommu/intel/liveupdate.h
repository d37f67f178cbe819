/* SPDX-License-Identifier: GPL-2.0-only */
/* VT-d across live update: what the rest of the driver calls. See liveupdate.c. */
#ifndef __INTEL_LIVEUPDATE_H
#define __INTEL_LIVEUPDATE_H

#include <linux/iommu-liveupdate.h>

#include "iommu.h"

struct device;
struct dmar_domain;
struct intel_iommu;
struct iommu_domain;

#ifdef CONFIG_IOMMU_LIVEUPDATE

extern const struct iommu_liveupdate_ops intel_liveupdate_ops;
#define INTEL_LIVEUPDATE_OPS	(&intel_liveupdate_ops)

bool intel_liveupdate_handover(struct intel_iommu *iommu);
void intel_liveupdate_match_policy(void);
bool intel_liveupdate_defer_attach(void);
bool intel_liveupdate_keep_translation(struct intel_iommu *iommu);
bool intel_liveupdate_keep_irt(struct intel_iommu *iommu);
int intel_liveupdate_adopt_root(struct intel_iommu *iommu);
bool intel_liveupdate_adopt_device(struct device *dev);
int intel_liveupdate_swap(struct dmar_domain *domain, struct device *dev);
int intel_liveupdate_swap_pasid(struct dmar_domain *domain, struct device *dev, ioasid_t pasid);
void intel_liveupdate_free_did(struct intel_iommu *iommu, u16 did);

#else

#define INTEL_LIVEUPDATE_OPS	NULL

static inline bool intel_liveupdate_handover(struct intel_iommu *iommu)
{
	return false;
}

static inline void intel_liveupdate_match_policy(void)
{
}

static inline bool intel_liveupdate_defer_attach(void)
{
	return true;
}

static inline bool intel_liveupdate_keep_translation(struct intel_iommu *iommu)
{
	return false;
}

static inline bool intel_liveupdate_keep_irt(struct intel_iommu *iommu)
{
	return false;
}

static inline int intel_liveupdate_adopt_root(struct intel_iommu *iommu)
{
	return -ENOENT;
}

static inline bool intel_liveupdate_adopt_device(struct device *dev)
{
	return false;
}

static inline int intel_liveupdate_swap(struct dmar_domain *domain, struct device *dev)
{
	return -EOPNOTSUPP;
}

static inline int intel_liveupdate_swap_pasid(struct dmar_domain *domain, struct device *dev, ioasid_t pasid)
{
	return -EOPNOTSUPP;
}

static inline void intel_liveupdate_free_did(struct intel_iommu *iommu, u16 did)
{
	ida_free(&iommu->domain_ida, did);
}

#endif
#endif
