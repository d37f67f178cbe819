// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers are read and written through the device's file rather than through a mapping: it is slower and makes no
 * difference here, and there is no mapping to build again after an update. vfio_device_bar0_map() is for what that costs.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio.h"

static int region_info_read(int fd, uint32_t index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info))
		return -errno;
	return info->size ? 0 : -ENXIO;
}

static int region_offset_read(int fd, uint32_t index, uint64_t *offset)
{
	struct vfio_region_info info;
	int ret = region_info_read(fd, index, &info);

	if (!ret)
		*offset = info.offset;
	return ret;
}

/*
 * Takes @fd only if it succeeds. @token: of VFIO_TOKEN_BYTES, or NULL. Register access needs vfio_device_regions_find(): a device may
 * be of interest that has no BAR 0.
 */
int vfio_device_bind(struct vfio_device *vfio, int fd, int iommufd, const uint8_t *token)
{
	struct vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg),
		.flags = token ? VFIO_DEVICE_BIND_FLAG_TOKEN : 0,
		.iommufd = iommufd,
		.token_uuid_ptr = (uintptr_t)token,
	};

	if (ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &arg))
		return -errno;
	*vfio = (struct vfio_device){ .fd = fd, .dev_id = arg.out_devid };
	return 0;
}

int vfio_device_regions_find(struct vfio_device *vfio)
{
	int ret = region_offset_read(vfio->fd, VFIO_PCI_CONFIG_REGION_INDEX, &vfio->config_offset);

	if (!ret)
		ret = region_offset_read(vfio->fd, VFIO_PCI_BAR0_REGION_INDEX, &vfio->bar0_offset);
	return ret;
}

/* -EOPNOTSUPP when it is too small for that. */
int vfio_device_bar0_map(const struct vfio_device *vfio, void **base)
{
	struct vfio_region_info info;
	int ret = region_info_read(vfio->fd, VFIO_PCI_BAR0_REGION_INDEX, &info);

	if (ret)
		return ret;
	if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -EOPNOTSUPP;
	*base = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, vfio->fd, info.offset);
	return *base == MAP_FAILED ? -errno : 0;
}

int vfio_device_attach(const struct vfio_device *vfio, uint32_t hwpt_id)
{
	struct vfio_device_attach_iommufd_pt arg = { .argsz = sizeof(arg), .pt_id = hwpt_id };

	return ioctl(vfio->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

int vfio_device_detach(const struct vfio_device *vfio)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	return ioctl(vfio->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

int vfio_device_reset(const struct vfio_device *vfio)
{
	return ioctl(vfio->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

int vfio_device_attach_pasid(const struct vfio_device *vfio, uint32_t pasid, uint32_t hwpt_id)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_ATTACH_PASID,
		.pt_id = hwpt_id,
		.pasid = pasid,
	};

	return ioctl(vfio->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

int vfio_device_detach_pasid(const struct vfio_device *vfio, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_DETACH_PASID,
		.pasid = pasid,
	};

	return ioctl(vfio->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

static int vfio_pread(const struct vfio_device *vfio, uint64_t at, void *value, size_t bytes)
{
	ssize_t got = pread(vfio->fd, value, bytes, at);

	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EIO;
}

static int vfio_pwrite(const struct vfio_device *vfio, uint64_t at, const void *value, size_t bytes)
{
	ssize_t put = pwrite(vfio->fd, value, bytes, at);

	if (put < 0)
		return -errno;
	return (size_t)put == bytes ? 0 : -EIO;
}

int vfio_device_bus_master_enable(const struct vfio_device *vfio)
{
	uint64_t at = vfio->config_offset + PCI_COMMAND;
	uint16_t command;
	int ret = vfio_pread(vfio, at, &command, sizeof(command));

	if (ret)
		return ret;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	return vfio_pwrite(vfio, at, &command, sizeof(command));
}

/* One vector is all that the rig's devices use. */
int vfio_device_msix_set(const struct vfio_device *vfio, int event_fd)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} arg = { .set = {
		.argsz = sizeof(arg),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.start = 0,
		.count = 1,
	} };
	int32_t fd = event_fd;

	memcpy(arg.bytes + sizeof(struct vfio_irq_set), &fd, sizeof(fd));
	return ioctl(vfio->fd, VFIO_DEVICE_SET_IRQS, &arg) ? -errno : 0;
}

int vfio_read32(const struct vfio_device *vfio, uint32_t reg, uint32_t *value)
{
	return vfio_pread(vfio, vfio->bar0_offset + reg, value, sizeof(*value));
}

int vfio_read16(const struct vfio_device *vfio, uint32_t reg, uint16_t *value)
{
	return vfio_pread(vfio, vfio->bar0_offset + reg, value, sizeof(*value));
}

int vfio_write32(const struct vfio_device *vfio, uint32_t reg, uint32_t value)
{
	return vfio_pwrite(vfio, vfio->bar0_offset + reg, &value, sizeof(value));
}

int vfio_write16(const struct vfio_device *vfio, uint32_t reg, uint16_t value)
{
	return vfio_pwrite(vfio, vfio->bar0_offset + reg, &value, sizeof(value));
}
