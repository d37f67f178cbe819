// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <sys/ioctl.h>

#include <hitless/hwpt.h>

#include "uapi.h"

/**
 * hitless_hwpt_mark_preserve() - ask for a HWPT to be kept when its iommufd is preserved
 * @iommufd: the iommufd that the HWPT belongs to; not preserved yet
 * @hwpt_id: id of a paging HWPT whose IOAS maps nothing but memfds, sealed with F_SEAL_SEAL, F_SEAL_GROW and
 *           F_SEAL_SHRINK when they were mapped with IOMMU_IOAS_MAP_FILE
 * @token: any number not used yet in this iommufd; the key for hitless_hwpt_restore()
 *
 * Marking alone changes nothing for the devices; it is lost with the iommufd's file.
 *
 * Context: any thread.
 * Return: 0; -ENOENT if there is no such HWPT, -EADDRINUSE if the token is used, -EBUSY if the HWPT is marked or the
 * iommufd preserved already, -EOPNOTSUPP if this kind of HWPT cannot be preserved, -EINVAL if its IOAS maps something
 * else than sealed memfds, -ENOTTY if the kernel has no such thing.
 */
int hitless_hwpt_mark_preserve(int iommufd, uint32_t hwpt_id, uint64_t token)
{
	struct iommu_hwpt_liveupdate_mark_preserve arg = {
		.size = sizeof(arg),
		.hwpt_id = hwpt_id,
		.hwpt_token = token,
	};

	return ioctl(iommufd, IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE, &arg) ? -errno : 0;
}

/**
 * hitless_hwpt_restore() - name the page table of the old kernel in the new one
 * @iommufd: a retrieved iommufd
 * @token: the token given to hitless_hwpt_mark_preserve() in the old kernel
 * @hwpt_id: set to the id of the restored HWPT
 *
 * The restored HWPT is what its devices translate through until each is attached to a new one. It cannot be mapped into.
 * Destroying it with IOMMU_DESTROY frees the old kernel's tables; this fails with -EBUSY while a device stands on them.
 *
 * The kernel walks the old tables for it: call it when the devices are served again.
 *
 * Context: any thread; takes time by the size of the old tables.
 * Return: 0; -ENOENT if the old kernel left no such token in this iommufd, or the iommufd was not retrieved, -EEXIST if it was
 * restored before and not destroyed, -EIO if the old tables fail a check, and the devices on them are blocked, -ENOTTY if the kernel has no
 * such thing.
 */
int hitless_hwpt_restore(int iommufd, uint64_t token, uint32_t *hwpt_id)
{
	struct iommu_hwpt_liveupdate_restore arg = {
		.size = sizeof(arg),
		.hwpt_token = token,
	};

	if (ioctl(iommufd, IOMMU_HWPT_LIVEUPDATE_RESTORE, &arg))
		return -errno;
	*hwpt_id = arg.out_hwpt_id;
	return 0;
}

/**
 * hitless_hwpt_compare() - may devices go from the old kernel's table to a new one?
 * @iommufd: a retrieved iommufd
 * @restored_id: from hitless_hwpt_restore()
 * @hwpt_id: a paging HWPT of the same iommufd
 * @difference: set when the answer is no; may be NULL
 *
 * The answer is yes when the new HWPT translates every address of the old table to the same page with at least the same permission.
 * Attaching a device asks the same and fails with -EBADE; this names the first page that differs.
 *
 * Context: any thread; takes time by the size of the old table, while nothing can be mapped into the HWPT's IOAS or unmapped from it.
 * Return: 0 for yes, -EBADE for no; -ENOENT if there is no such object, -EOPNOTSUPP if this kind of HWPT cannot be compared, -EIO
 * if the old table is damaged, -ENOTTY if the kernel has no such thing.
 */
int hitless_hwpt_compare(int iommufd, uint32_t restored_id, uint32_t hwpt_id, struct hitless_difference *difference)
{
	struct iommu_hwpt_liveupdate_compare arg = {
		.size = sizeof(arg),
		.restored_hwpt_id = restored_id,
		.hwpt_id = hwpt_id,
	};
	int ret = ioctl(iommufd, IOMMU_HWPT_LIVEUPDATE_COMPARE, &arg) ? -errno : 0;

	if (ret == -EBADE && difference)
		*difference = (struct hitless_difference){
			.iova = arg.out_iova,
			.old_pa = arg.out_old_pa,
			.new_pa = arg.out_new_pa,
			.old_perm = arg.out_old_perm,
			.new_perm = arg.out_new_perm,
		};
	return ret;
}
