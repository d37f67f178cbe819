/* SPDX-License-Identifier: GPL-2.0-only */
/* vfio device files across live update: what the vfio core does for the drivers. See drivers/vfio/liveupdate.c. */
#ifndef _LINUX_VFIO_LIVEUPDATE_H
#define _LINUX_VFIO_LIVEUPDATE_H

#include <linux/types.h>

struct file;
struct luo_file_set;
struct vfio_device;
struct vfio_device_file;

#ifdef CONFIG_IOMMU_LIVEUPDATE

struct vfio_device *vfio_liveupdate_device(struct file *file);
int vfio_liveupdate_preserve(struct vfio_device *device, struct luo_file_set *session);
void vfio_liveupdate_unpreserve(struct vfio_device *device);
struct file *vfio_liveupdate_retrieve(struct vfio_device *device);
int vfio_liveupdate_may_bind(struct vfio_device_file *df);
int vfio_liveupdate_may_attach(struct vfio_device *device);

#else

static inline int vfio_liveupdate_may_bind(struct vfio_device_file *df)
{
	return 0;
}

static inline int vfio_liveupdate_may_attach(struct vfio_device *device)
{
	return 0;
}

#endif
#endif
