/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live update: a preserved iommufd. The domains themselves are in the blob of the IOMMU core (iommu.h), which the next kernel needs
 * long before anybody retrieves a file; what is here ties the file to them.
 */
#ifndef _LINUX_KHO_ABI_IOMMUFD_H
#define _LINUX_KHO_ABI_IOMMUFD_H

#include <linux/types.h>
#include <linux/kho/abi/blob.h>

#define IOMMUFD_SER_COMPATIBLE	"hitless,iommufd-v1"
#define IOMMUFD_SER_MAGIC	0x444655494f4d4d55ULL
#define IOMMUFD_SER_VERSION	1

/**
 * struct iommufd_ser - what LUO keeps for an iommufd
 * @head:       See struct kho_blob_head.
 * @iommufd_id: What iommu_domain_ser.iommufd_id names; not 0.
 * @nr_hwpts:   Domains that were preserved with it, 1 or more. A reader refuses another number of domains with this ID.
 * @reserved:   Zero.
 */
struct iommufd_ser {
	struct kho_blob_head head;
	__u64 iommufd_id;
	__u32 nr_hwpts;
	__u32 reserved;
};

_Static_assert(sizeof(struct iommufd_ser) == 40, "wire format");

#endif
