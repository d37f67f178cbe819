// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <sys/ioctl.h>

#include "iommufd.h"

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int iommufd_ioas_alloc(int iommufd, uint32_t *ioas_id)
{
	struct iommu_ioas_alloc arg = { .size = sizeof(arg) };

	if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &arg))
		return -errno;
	*ioas_id = arg.out_ioas_id;
	return 0;
}

static int ioas_huge_pages_set(int iommufd, uint32_t ioas_id, bool huge)
{
	struct iommu_option arg = {
		.size = sizeof(arg),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = ioas_id,
		.val64 = huge,
	};

	return ioctl(iommufd, IOMMU_OPTION, &arg) ? -errno : 0;
}

/*
 * One translation for each 4 KiB page, however the memory lies: the IOMMU caches translations, and only many of them
 * force it to read the tables again.
 */
int iommufd_ioas_pages_small(int iommufd, uint32_t ioas_id)
{
	return ioas_huge_pages_set(iommufd, ioas_id, false);
}

/* As every IOAS is at first. */
int iommufd_ioas_pages_large(int iommufd, uint32_t ioas_id)
{
	return ioas_huge_pages_set(iommufd, ioas_id, true);
}

int iommufd_map_file(int iommufd, uint32_t ioas_id, int fd, uint64_t offset, uint64_t bytes, uint64_t iova, bool writable)
{
	struct iommu_ioas_map_file arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | (writable ? IOMMU_IOAS_MAP_WRITEABLE : 0),
		.ioas_id = ioas_id,
		.fd = fd,
		.start = offset,
		.length = bytes,
		.iova = iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP_FILE, &arg) ? -errno : 0;
}

static int hwpt_alloc(int iommufd, uint32_t dev_id, uint32_t ioas_id, uint32_t flags, uint32_t *hwpt_id)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = flags,
		.dev_id = dev_id,
		.pt_id = ioas_id,
		.data_type = IOMMU_HWPT_DATA_NONE,
	};

	if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &arg))
		return -errno;
	*hwpt_id = arg.out_hwpt_id;
	return 0;
}

int iommufd_hwpt_alloc(int iommufd, uint32_t dev_id, uint32_t ioas_id, uint32_t *hwpt_id)
{
	return hwpt_alloc(iommufd, dev_id, ioas_id, 0, hwpt_id);
}

/* Only these can be attached to PASIDs, and to a device that has PASIDs attached. */
int iommufd_hwpt_alloc_for_pasids(int iommufd, uint32_t dev_id, uint32_t ioas_id, uint32_t *hwpt_id)
{
	return hwpt_alloc(iommufd, dev_id, ioas_id, IOMMU_HWPT_ALLOC_PASID, hwpt_id);
}

int iommufd_destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy arg = { .size = sizeof(arg), .id = id };

	return ioctl(iommufd, IOMMU_DESTROY, &arg) ? -errno : 0;
}

/* User memory that belongs to no file. */
int iommufd_map_anonymous(int iommufd, uint32_t ioas_id, void *base, uint64_t bytes, uint64_t iova)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)base,
		.length = bytes,
		.iova = iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP, &arg) ? -errno : 0;
}

int iommufd_copy(int iommufd, uint32_t from_ioas_id, uint64_t from_iova, uint64_t bytes, uint32_t to_ioas_id, uint64_t to_iova)
{
	struct iommu_ioas_copy arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.dst_ioas_id = to_ioas_id,
		.src_ioas_id = from_ioas_id,
		.length = bytes,
		.dst_iova = to_iova,
		.src_iova = from_iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_COPY, &arg) ? -errno : 0;
}

/* 0 and UINT64_MAX stand for all there is. */
int iommufd_unmap(int iommufd, uint32_t ioas_id, uint64_t iova, uint64_t bytes)
{
	struct iommu_ioas_unmap arg = { .size = sizeof(arg), .ioas_id = ioas_id, .iova = iova, .length = bytes };

	return ioctl(iommufd, IOMMU_IOAS_UNMAP, &arg) ? -errno : 0;
}
