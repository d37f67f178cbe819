/* SPDX-License-Identifier: GPL-2.0-only */
/* iommufd across live update: what the rest of iommufd calls. See liveupdate.c. */
#ifndef __IOMMUFD_LIVEUPDATE_H
#define __IOMMUFD_LIVEUPDATE_H

#include <linux/errno.h>
#include <linux/types.h>

#include <linux/iommu-liveupdate.h>

#include "../iommu-priv.h"
#include "iommufd_private.h"

struct file_operations;
struct io_pagetable;
struct iommu_attach_handle;
struct iommufd_ctx;
struct iommufd_device;
struct iommufd_hw_pagetable;
struct iommufd_hwpt_paging;
struct iommufd_object;
struct iommufd_ucmd;
struct iopt_pages;

#ifdef CONFIG_IOMMU_LIVEUPDATE

int iommufd_liveupdate_mark(struct iommufd_ucmd *ucmd);
void iommufd_liveupdate_hwpt_destroy(struct iommufd_hwpt_paging *hwpt);
int iommufd_liveupdate_restore(struct iommufd_ucmd *ucmd);
int iommufd_liveupdate_compare(struct iommufd_ucmd *ucmd);
bool iommufd_liveupdate_swaps(struct iommufd_device *idev, ioasid_t pasid);
int iommufd_liveupdate_attach(struct iommufd_hw_pagetable *hwpt, struct iommufd_device *idev, ioasid_t pasid,
			      struct iommu_attach_handle *handle);
int iommufd_liveupdate_may_destroy(struct iommufd_ctx *ictx, u32 id);
void iommufd_liveupdate_restored_destroy(struct iommufd_object *obj);
void iommufd_liveupdate_ctx_destroy(struct iommufd_ctx *ictx);
void iommufd_liveupdate_init_file(struct iopt_pages *pages);
int iommufd_liveupdate_init(const struct file_operations *fops);
void iommufd_liveupdate_exit(void);

#else

static inline int iommufd_liveupdate_mark(struct iommufd_ucmd *ucmd)
{
	return -EOPNOTSUPP;
}

static inline void iommufd_liveupdate_hwpt_destroy(struct iommufd_hwpt_paging *hwpt)
{
}

static inline int iommufd_liveupdate_restore(struct iommufd_ucmd *ucmd)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_liveupdate_compare(struct iommufd_ucmd *ucmd)
{
	return -EOPNOTSUPP;
}

static inline bool iommufd_liveupdate_swaps(struct iommufd_device *idev, ioasid_t pasid)
{
	return false;
}

static inline int iommufd_liveupdate_attach(struct iommufd_hw_pagetable *hwpt, struct iommufd_device *idev, ioasid_t pasid,
					    struct iommu_attach_handle *handle)
{
	if (pasid == IOMMU_NO_PASID)
		return iommu_attach_group_handle(hwpt->domain, idev->igroup->group, handle);
	return iommu_attach_device_pasid(hwpt->domain, idev->dev, pasid, handle);
}

static inline int iommufd_liveupdate_may_destroy(struct iommufd_ctx *ictx, u32 id)
{
	return 0;
}

static inline void iommufd_liveupdate_restored_destroy(struct iommufd_object *obj)
{
}

static inline void iommufd_liveupdate_ctx_destroy(struct iommufd_ctx *ictx)
{
}

static inline void iommufd_liveupdate_init_file(struct iopt_pages *pages)
{
}

static inline int iommufd_liveupdate_init(const struct file_operations *fops)
{
	return 0;
}

static inline void iommufd_liveupdate_exit(void)
{
}

#endif
#endif
