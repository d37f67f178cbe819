/* SPDX-License-Identifier: GPL-2.0-only */
/* How a device gets from one domain to another. See attach.c. */
#ifndef __INTEL_ATTACH_H
#define __INTEL_ATTACH_H

#include "entry.h"

struct device_domain_info;
struct dmar_domain;

int intel_attach_domain(struct dmar_domain *domain, struct device *dev, struct iommu_domain *old);
int intel_attach_hitless(struct dmar_domain *domain, struct device *dev);
int intel_attach_identity(struct device *dev, struct iommu_domain *old);
void intel_context_clear(struct device_domain_info *info);

unsigned long vtd_tag_users(struct intel_iommu *iommu, u32 tag);
int vtd_tag_set_users(struct intel_iommu *iommu, u32 tag, unsigned long users);

int intel_domain_setup_pasid(struct dmar_domain *domain, struct device *dev, ioasid_t pasid, enum vtd_write how);

#endif
