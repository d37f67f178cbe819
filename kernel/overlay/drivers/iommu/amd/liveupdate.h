/* SPDX-License-Identifier: GPL-2.0-only */
/* AMD-Vi across live update: what the rest of the driver calls. See liveupdate.c. */
#ifndef __AMD_LIVEUPDATE_H
#define __AMD_LIVEUPDATE_H

#include <linux/iommu-liveupdate.h>

struct device;
struct protection_domain;

#ifdef CONFIG_IOMMU_LIVEUPDATE

extern const struct iommu_liveupdate_ops amd_liveupdate_ops;
#define AMD_LIVEUPDATE_OPS	(&amd_liveupdate_ops)

void amd_liveupdate_handover(void);
bool amd_liveupdate_keep_translation(void);
bool amd_liveupdate_defer_attach(void);
void amd_liveupdate_adopt_tables(void);
bool amd_liveupdate_adopt_device(struct device *dev);
int amd_liveupdate_check_swap(struct protection_domain *domain, struct device *dev);

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

static inline bool amd_liveupdate_adopt_device(struct device *dev)
{
	return false;
}

static inline int amd_liveupdate_check_swap(struct protection_domain *domain, struct device *dev)
{
	return 0;
}

#endif
#endif
