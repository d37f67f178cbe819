/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PCI device in the hands of this program, by its vfio character device. */
#ifndef RIG_GUEST_VFIO_H
#define RIG_GUEST_VFIO_H

#include <stdint.h>

#define VFIO_TOKEN_BYTES 16

struct vfio_device {
	int fd;
	uint32_t dev_id;		/* in the iommufd it is bound to */
	uint64_t bar0_offset;		/* where the kernel keeps the regions in the device's file */
	uint64_t config_offset;
};

int vfio_device_bind(struct vfio_device *vfio, int fd, int iommufd, const uint8_t *token);
int vfio_device_regions_find(struct vfio_device *vfio);
int vfio_device_attach(const struct vfio_device *vfio, uint32_t hwpt_id);
int vfio_device_detach(const struct vfio_device *vfio);
int vfio_device_reset(const struct vfio_device *vfio);
int vfio_device_attach_pasid(const struct vfio_device *vfio, uint32_t pasid, uint32_t hwpt_id);
int vfio_device_detach_pasid(const struct vfio_device *vfio, uint32_t pasid);
int vfio_device_bus_master_enable(const struct vfio_device *vfio);
int vfio_device_bar0_map(const struct vfio_device *vfio, void **base);
int vfio_device_msix_set(const struct vfio_device *vfio, int event_fd);

int vfio_read32(const struct vfio_device *vfio, uint32_t reg, uint32_t *value);
int vfio_read16(const struct vfio_device *vfio, uint32_t reg, uint16_t *value);
int vfio_write32(const struct vfio_device *vfio, uint32_t reg, uint32_t value);
int vfio_write16(const struct vfio_device *vfio, uint32_t reg, uint16_t value);

#endif
