/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place that knows about kernel headers older than the kernel this library talks to: what they lack is defined
 * here, and nothing once they have it. Numbers and layouts are the kernel's and never change.
 */
#ifndef HITLESS_LIB_UAPI_H
#define HITLESS_LIB_UAPI_H

#include <linux/iommufd.h>
#include <linux/liveupdate.h>
#include <linux/types.h>

#ifndef IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE
struct iommu_hwpt_liveupdate_mark_preserve {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 hwpt_token;
};
#define IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE _IO(IOMMUFD_TYPE, 0x96)
#endif

#ifndef IOMMU_HWPT_LIVEUPDATE_RESTORE
struct iommu_hwpt_liveupdate_restore {
	__u32 size;
	__u32 flags;
	__aligned_u64 hwpt_token;
	__u32 out_hwpt_id;
	__u32 __reserved;
};
#define IOMMU_HWPT_LIVEUPDATE_RESTORE _IO(IOMMUFD_TYPE, 0x97)
#endif

#ifndef IOMMU_HWPT_LIVEUPDATE_COMPARE
struct iommu_hwpt_liveupdate_compare {
	__u32 size;
	__u32 flags;
	__u32 restored_hwpt_id;
	__u32 hwpt_id;
	__aligned_u64 out_iova;
	__aligned_u64 out_old_pa;
	__aligned_u64 out_new_pa;
	__u32 out_old_perm;
	__u32 out_new_perm;
};
#define IOMMU_HWPT_LIVEUPDATE_COMPARE _IO(IOMMUFD_TYPE, 0x98)
#endif

#endif
