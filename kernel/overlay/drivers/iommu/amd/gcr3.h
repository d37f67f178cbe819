/* SPDX-License-Identifier: GPL-2.0-only */
/* GCR3 tables of AMD-Vi: from the PASIDs of a device to their page tables. See gcr3.c. */
#ifndef __AMD_GCR3_H
#define __AMD_GCR3_H

#include <linux/iommu.h>

struct amd_iommu;
struct device;
struct gcr3_tbl_info;
struct iommu_dev_data;
struct iommu_domain;
struct protection_domain;

#define AMD_GCR3_NR_ENTRIES	512	/* of 64 bits: a table is one page */
#define AMD_GCR3_MAX_GLX	2	/* three levels */

/* PASIDs of so many bits are what a table of @glx + 1 levels has entries for. */
static inline unsigned int amd_gcr3_bits(int glx)
{
	return 9 * (glx + 1);
}

u64 amd_gcr3_make(u64 top_pa);
u64 *amd_gcr3_entry(const struct gcr3_tbl_info *info, ioasid_t pasid, void *(*alloc)(int nid), int nid);
ioasid_t amd_gcr3_next(const struct gcr3_tbl_info *info, ioasid_t pasid);
void amd_gcr3_walk(u64 *table, int level, void (*visit)(u64 *table, void *arg), void *arg);

int amd_gcr3_alloc(struct gcr3_tbl_info *info, struct amd_iommu *iommu, int max_pasids);
void amd_gcr3_free(struct amd_iommu *iommu, struct gcr3_tbl_info *info);
int amd_gcr3_set(struct iommu_dev_data *dev_data, ioasid_t pasid, u64 top_pa);
void amd_gcr3_clear(struct iommu_dev_data *dev_data, ioasid_t pasid);
void amd_gcr3_sync(struct iommu_dev_data *dev_data, ioasid_t pasid, const u64 *entry);

bool amd_gcr3_levels_fit(struct iommu_dev_data *dev_data, struct protection_domain *domain);
u64 amd_gcr3_domain_top(struct protection_domain *domain);
int amd_iommu_set_dev_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid, struct iommu_domain *old);
void amd_gcr3_remove_dev_pasid(struct iommu_dev_data *dev_data, ioasid_t pasid, struct iommu_domain *old);

#endif
