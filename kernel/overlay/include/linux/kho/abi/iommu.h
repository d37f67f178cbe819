/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live update: what one kernel tells the next about its IOMMUs.
 *
 * The blob is a KHO subtree of its own, because interrupt remapping and the IOMMU drivers start before the live update
 * orchestrator hands out anything. Behind struct iommu_ser follow, without gaps and in this order, nr_units of struct
 * iommu_unit_ser, nr_domains of struct iommu_domain_ser, nr_devices of struct iommu_device_ser, nr_pasids of struct
 * iommu_pasid_ser and nr_aliases of struct iommu_alias_ser. Records refer to each other by index. Every physical address named
 * here points to memory that KHO preserves.
 *
 * Written by drivers/iommu/liveupdate/outgoing.c whenever something is preserved or unpreserved, so that the blob is right at any
 * time; checked by drivers/iommu/liveupdate/verify.c before anything else reads it.
 */
#ifndef _LINUX_KHO_ABI_IOMMU_H
#define _LINUX_KHO_ABI_IOMMU_H

#include <linux/types.h>
#include <linux/kho/abi/blob.h>

#define IOMMU_SER_SUBTREE	"iommu-liveupdate"
#define IOMMU_SER_MAGIC		0x554c554d4d4f4949ULL	/* "IIOMMULU" */
#define IOMMU_SER_VERSION	5

/* Bounds that a reader enforces before it multiplies. */
#define IOMMU_SER_MAX_UNITS	1024
#define IOMMU_SER_MAX_DOMAINS	65536
#define IOMMU_SER_MAX_DEVICES	65536
#define IOMMU_SER_MAX_PASIDS	4096	/* of all devices: a reader compares them pairwise */
#define IOMMU_SER_MAX_ALIASES	4096	/* likewise */
#define IOMMU_SER_MAX_DEVICE_ALIASES 16	/* of one device */
#define IOMMU_SER_MAX_PAGES	(1U << 19)	/* entries of one list: what one KHO allocation of 4 MiB holds */
#define IOMMU_SER_MAX_BLOCK_ORDER 9		/* 2 MiB */

/**
 * struct iommu_ser - head of the blob
 * @head:       See struct kho_blob_head.
 * @nr_units:   IOMMU units that at least one preserved device is behind, 1 to IOMMU_SER_MAX_UNITS. 0 only with no device.
 * @nr_domains: Preserved domains, 0 to IOMMU_SER_MAX_DOMAINS.
 * @nr_devices: Preserved devices, 0 to IOMMU_SER_MAX_DEVICES.
 * @nr_pasids:  PASIDs in use on preserved devices, 0 to IOMMU_SER_MAX_PASIDS.
 * @nr_aliases: Requester IDs of preserved devices beside their own, 0 to IOMMU_SER_MAX_ALIASES.
 * @reserved:   Zero.
 */
struct iommu_ser {
	struct kho_blob_head head;
	__u32 nr_units;
	__u32 nr_domains;
	__u32 nr_devices;
	__u32 nr_pasids;
	__u32 nr_aliases;
	__u32 reserved;
};

_Static_assert(sizeof(struct iommu_ser) == 48, "wire format");

/* enum iommu_ser_driver - who wrote a unit record, and whose tables it names */
enum iommu_ser_driver {
	IOMMU_SER_DRIVER_VTD = 1,
	IOMMU_SER_DRIVER_AMDVI = 2,
	IOMMU_SER_NR_DRIVERS,
};

/* iommu_unit_ser.flags */
#define IOMMU_UNIT_SER_SCALABLE	(1U << 0)	/* VT-d: the root table is one of scalable mode */
#define IOMMU_UNIT_SER_FLAGS	IOMMU_UNIT_SER_SCALABLE

/**
 * struct iommu_unit_ser - one IOMMU unit, as the hardware will be left
 * @id:        The driver's name for the unit, unique for the driver. VT-d: physical address of its registers. AMD-Vi: number of a PCI
 *             segment, all units of which share one table.
 * @root_pa:   The table the unit's root pointer will hold; page aligned; in @pages_pa.
 * @pages_pa:  Physical address of @nr_pages __u64: every 4 KiB page of root, context and PASID tables, or of device table
 *             and GCR3 tables, strictly ascending. Only pages named here may be reached from @root_pa.
 * @irt_pa:    Interrupt remapping table, or 0. Aligned to its size.
 * @irt_bytes: Its size, a power of two; 0 with @irt_pa 0.
 * @nr_pages:  1 to IOMMU_SER_MAX_PAGES.
 * @driver:    enum iommu_ser_driver.
 * @flags:     IOMMU_UNIT_SER_*; unknown bits are refused.
 * @reserved:  Zero.
 */
struct iommu_unit_ser {
	__u64 id;
	__u64 root_pa;
	__u64 pages_pa;
	__u64 irt_pa;
	__u64 irt_bytes;
	__u32 nr_pages;
	__u32 driver;
	__u32 flags;
	__u32 reserved;
};

_Static_assert(sizeof(struct iommu_unit_ser) == 56, "wire format");

/* enum iommu_ser_format - page table formats a preserved domain may have */
enum iommu_ser_format {
	IOMMU_SER_FORMAT_VTDSS = 1,	/* VT-d second stage; 3 to 5 levels */
	IOMMU_SER_FORMAT_X86_64 = 2,	/* x86-64 paging: VT-d first stage, AMD-Vi guest page table (v2); 4 or 5 levels */
	IOMMU_SER_FORMAT_AMDV1 = 3,	/* AMD-Vi host page table; 3 to 5 levels */
};

/* iommu_domain_ser.flags */
#define IOMMU_DOMAIN_SER_SNOOP	(1U << 0)	/* cache coherency is enforced by the entry, not by each page's */
#define IOMMU_DOMAIN_SER_FLAGS	IOMMU_DOMAIN_SER_SNOOP

/**
 * struct iommu_domain_ser - one preserved domain
 * @iommufd_id: Which preserved iommufd it belongs to: unique in the old kernel, not 0.
 * @token:      The token userspace marked it with; unique for its iommufd.
 * @top_pa:     Top table; page aligned; in one of the blocks.
 * @blocks_pa:  Physical address of @nr_blocks __u64, ascending: blocks of memory that hold every table, top and leaves. Each is the address
 *              of 4 KiB << order, aligned to its size, with the order, 0 to IOMMU_SER_MAX_BLOCK_ORDER, in the low 12 bits; no two
 *              overlap. KHO keeps each by one key of that size.
 * @nr_tables:  Tables of 4 KiB that a walk from @top_pa meets, each once, all of them in blocks. What is in a block beside them is nothing.
 * @nr_blocks:  1 to IOMMU_SER_MAX_PAGES.
 * @format:     enum iommu_ser_format.
 * @levels:     Levels a walk has, as many as the format allows.
 * @flags:      IOMMU_DOMAIN_SER_*; unknown bits are refused.
 * @reserved:   Zero.
 */
struct iommu_domain_ser {
	__u64 iommufd_id;
	__u64 token;
	__u64 top_pa;
	__u64 blocks_pa;
	__u32 nr_tables;
	__u32 nr_blocks;
	__u8 format;
	__u8 levels;
	__u16 flags;
	__u32 reserved;
};

_Static_assert(sizeof(struct iommu_domain_ser) == 48, "wire format");

#define IOMMU_SER_PASID_DIR_MAX_BYTES	(128U << 10)	/* 2^20 PASIDs, 64 to an entry of 8 bytes */
#define IOMMU_SER_PASID_DIR_MAX_BITS	27		/* three levels of 512 entries */
#define IOMMU_SER_PASID_BITS		20		/* as PCI has them */

/* iommu_device_ser.flags */
#define IOMMU_DEVICE_SER_OWN_TAG (1U << 0)	/* the unit caches by device: see @tag */
#define IOMMU_DEVICE_SER_FLAGS	IOMMU_DEVICE_SER_OWN_TAG

/**
 * struct iommu_device_ser - one preserved device
 * @pasid_dir_pa:    The top of what leads from a PASID to its tables, aligned to its size, and not in the unit's list, which has what is
 *                   below it. VT-d scalable mode: the PASID directory. AMD-Vi: the GCR3 table of a device that has one. There is one
 *                   behind a unit of IOMMU_UNIT_SER_SCALABLE, and for a device with IOMMU_DEVICE_SER_OWN_TAG; otherwise 0.
 * @segment:         PCI segment.
 * @rid:             PCI requester ID (bus << 8 | devfn); unique with @segment.
 * @flags:           IOMMU_DEVICE_SER_*; unknown bits are refused. None of them behind a unit of IOMMU_UNIT_SER_SCALABLE.
 * @pasid_bits:      The directory has room for PASIDs of so many bits, 1 to IOMMU_SER_PASID_DIR_MAX_BITS; 0 with @pasid_dir_pa 0.
 * @unit:            Index of its unit.
 * @domain:          Index of the domain its requests without PASID translate through.
 * @tag:             What the unit caches translations under (domain ID, 2 to 65535). On one unit a tag belongs to one domain; but with
 *                   IOMMU_DEVICE_SER_OWN_TAG to this device, whatever its requests translate through.
 * @pasid_dir_bytes: Size of the directory, a power of two from 4096 to IOMMU_SER_PASID_DIR_MAX_BYTES; 0 with @pasid_dir_pa 0.
 */
struct iommu_device_ser {
	__u64 pasid_dir_pa;
	__u32 segment;
	__u16 rid;
	__u8 flags;
	__u8 pasid_bits;
	__u32 unit;
	__u32 domain;
	__u32 tag;
	__u32 pasid_dir_bytes;
};

_Static_assert(sizeof(struct iommu_device_ser) == 32, "wire format");

/**
 * struct iommu_pasid_ser - one PASID of a preserved device
 * @device: Index of the device, which has a directory. Records ascend by device, then by PASID.
 * @pasid:  Not 0; of no more bits than IOMMU_SER_PASID_BITS, and than the device's directory has room for.
 * @domain: Index of the domain that its requests with this PASID translate through.
 * @tag:    As iommu_device_ser.tag; the same one, if that is the device's own.
 */
struct iommu_pasid_ser {
	__u32 device;
	__u32 pasid;
	__u32 domain;
	__u32 tag;
};

_Static_assert(sizeof(struct iommu_pasid_ser) == 16, "wire format");

/**
 * struct iommu_alias_ser - a requester ID that requests of a preserved device may have beside its own
 * @device:   Index of the device. What its requests translate through, they do under this ID, too: the entry is the same.
 *            Records ascend by device, then by @rid. At most IOMMU_SER_MAX_DEVICE_ALIASES a device.
 * @rid:      Of the same bus as the device; with the segment the ID of no other record.
 * @reserved: Zero.
 */
struct iommu_alias_ser {
	__u32 device;
	__u16 rid;
	__u16 reserved;
};

_Static_assert(sizeof(struct iommu_alias_ser) == 8, "wire format");

#endif
