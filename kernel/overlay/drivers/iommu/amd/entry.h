/* SPDX-License-Identifier: GPL-2.0-only */
/* Device table entries of AMD-Vi: how they are made, and how they are written. See entry.c. */
#ifndef __AMD_ENTRY_H
#define __AMD_ENTRY_H

#include <linux/types.h>

struct amd_iommu;
struct dev_table_entry;
struct iommu_dev_data;
struct pt_iommu_amdv1_hw_info;

#define AMD_DTE_HALVES	2	/* of 128 bits */

/* What was stored when the caches are told. */
enum amd_dte_step {
	AMD_DTE_PREPARED,	/* bits that the hardware does not look at as long as the entry is the old one */
	AMD_DTE_SWITCHED,	/* the one store that makes it the new one */
	AMD_DTE_CLEANED,	/* what the new one has no use for */
};

/**
 * struct amd_dte_plan - in which order an entry becomes another one
 * @prepared: What it is before the half that matters is stored.
 * @clean: What it is in the end.
 * @half: That half; AMD_DTE_HALVES when none matters.
 */
struct amd_dte_plan {
	u64 prepared[4];
	u64 clean[4];
	unsigned int half;
};

void amd_store_128(u64 *half, u64 lo, u64 hi);
int amd_dte_make_plan(const struct dev_table_entry *live, const struct dev_table_entry *target, struct amd_dte_plan *plan);
void amd_dte_get_used(const struct dev_table_entry *entry, u64 used[4]);
void amd_dte_sync(struct amd_iommu *iommu, u16 devid, const struct dev_table_entry *old, const struct dev_table_entry *new,
		  enum amd_dte_step step);
void amd_dte_write(struct amd_iommu *iommu, struct iommu_dev_data *dev_data, const struct dev_table_entry *target);
void amd_dte_put(struct dev_table_entry *live, const struct dev_table_entry *target);
void amd_dte_read(struct amd_iommu *iommu, struct iommu_dev_data *dev_data, struct dev_table_entry *entry);
void amd_dte_set_dirty(struct amd_iommu *iommu, struct iommu_dev_data *dev_data, bool enable);

void amd_dte_make_blocked(struct dev_table_entry *entry, u16 segid, u16 devid);
void amd_dte_make_v1(struct dev_table_entry *entry, const struct pt_iommu_amdv1_hw_info *table, u16 domid);
void amd_dte_make_gcr3(struct dev_table_entry *entry, u64 root_pa, int glx, unsigned int levels, u16 domid, bool requests);
void amd_dte_set_gcr3_root(struct dev_table_entry *entry, u64 root_pa);
u64 amd_dte_gcr3_root(const struct dev_table_entry *entry);

#endif
