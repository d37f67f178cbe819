/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verifier: decides whether what another kernel left can be used.
 *
 * Plain C: no allocation, no lock, no global, no kernel interface but fixed-width types. The same source is built into the kernel, into
 * the tests in userspace, and into whatever looks at a machine's memory from outside. Memory is read through struct lu_phys alone.
 */
#ifndef __IOMMU_LIVEUPDATE_VERIFY_H
#define __IOMMU_LIVEUPDATE_VERIFY_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/crc32.h>
#else
#include "verify_env.h"
#endif
#include <linux/kho/abi/blob.h>
#include <linux/kho/abi/iommu.h>
#include <linux/kho/abi/pci.h>

/* Why something was refused. The order is that of the checks; names are in lu_error_name(). */
enum lu_error {
	LU_OK = 0,
	LU_ERR_LENGTH,		/* shorter than its kind, longer than preserved, or not what the counts give */
	LU_ERR_MAGIC,
	LU_ERR_VERSION,
	LU_ERR_CHECKSUM,
	LU_ERR_RESERVED,	/* a reserved field or an unknown flag is set */
	LU_ERR_COUNT,		/* a count beyond its bounds */
	LU_ERR_ALIGNMENT,	/* a physical address not aligned as its kind must be */
	LU_ERR_RANGE,		/* a physical address outside of what was handed over, or beyond the width; a requester ID where it cannot be */
	LU_ERR_INDEX,		/* a record refers to one that is not there */
	LU_ERR_DUPLICATE,	/* two records for one thing, or a page listed twice */
	LU_ERR_KIND,		/* unknown driver, format, number of levels or kind of function */
	LU_ERR_TAG,		/* a tag out of range, or one that two domains of a unit share */
	LU_ERR_PASID,		/* a PASID that is 0, or beyond the directory */
	LU_ERR_TABLE_UNLISTED,	/* the walk met a table that no list names */
	LU_ERR_TABLE_TWICE,	/* the walk met a table a second time: a cycle or a shared table */
	LU_ERR_TABLE_UNUSED,	/* the walk met fewer tables than there must be */
	LU_ERR_ENTRY,		/* a table entry that is not well formed */
	LU_NR_ERRORS,
};

/**
 * struct lu_verdict - the first thing that was found wrong
 * @error:   LU_OK when nothing was.
 * @index:   Record it was found in, where there is one.
 * @address: Physical address, or IOVA for an entry, where there is one.
 */
struct lu_verdict {
	enum lu_error error;
	__u32 index;
	__u64 address;
};

/**
 * struct lu_phys - bounded access to handed-over memory
 * @read:    Return a pointer to @bytes at @pa for as long as the verifier runs, or NULL unless all of them were handed over.
 * @priv:    For @read.
 * @end:     First physical address beyond memory that a leaf may point to.
 */
struct lu_phys {
	const void *(*read)(const struct lu_phys *phys, __u64 pa, __u64 bytes);
	void *priv;
	__u64 end;
};

/**
 * struct lu_scratch - what a walk needs to remember; memory of the caller's
 * @first:    One for each block of the domain.
 * @seen:     One bit for each page of its blocks; zeroed.
 * @nr_pages: Bits in @seen: lu_domain_pages().
 */
struct lu_scratch {
	__u32 *first;
	__u8 *seen;
	__u64 nr_pages;
};

const char *lu_error_name(enum lu_error error);
bool lu_verify_blob(const void *blob, __u64 available_bytes, __u64 magic, __u32 version, __u64 min_bytes,
		    struct lu_verdict *verdict);
bool lu_verify_iommu(const void *blob, __u64 available_bytes, const struct lu_phys *phys, struct lu_verdict *verdict);
bool lu_verify_domain_head(const struct iommu_domain_ser *domain, const struct lu_phys *phys, struct lu_verdict *verdict);
bool lu_verify_domain_blocks(const struct iommu_domain_ser *domain, const struct lu_phys *phys, struct lu_verdict *verdict);
__u64 lu_domain_pages(const struct iommu_domain_ser *domain, const struct lu_phys *phys);
bool lu_verify_domain(const struct iommu_domain_ser *domain, const struct lu_phys *phys, const struct lu_scratch *scratch,
		      struct lu_verdict *verdict);
bool lu_verify_disjoint(const struct iommu_domain_ser *a, const struct iommu_domain_ser *b, const struct lu_phys *phys,
			struct lu_verdict *verdict);
bool lu_verify_pci(const void *blob, __u64 available_bytes, struct lu_verdict *verdict);
bool lu_page_listed(const __u64 *pages, __u32 nr_pages, __u64 pa, __u32 *index);
__u32 lu_blob_crc32(const void *blob, __u64 bytes);

/* An entry of a domain's list of blocks. */
static inline __u64 lu_block_pa(__u64 block)
{
	return block & ~0xfffULL;
}

static inline unsigned int lu_block_order(__u64 block)
{
	return block & 0xfff;
}

/* Of no use before the order was checked. */
static inline __u64 lu_block_bytes(__u64 block)
{
	return 4096ULL << lu_block_order(block);
}

static inline const struct iommu_unit_ser *lu_iommu_units(const struct iommu_ser *ser)
{
	return (const struct iommu_unit_ser *)(ser + 1);
}

static inline const struct iommu_domain_ser *lu_iommu_domains(const struct iommu_ser *ser)
{
	return (const struct iommu_domain_ser *)(lu_iommu_units(ser) + ser->nr_units);
}

static inline const struct iommu_device_ser *lu_iommu_devices(const struct iommu_ser *ser)
{
	return (const struct iommu_device_ser *)(lu_iommu_domains(ser) + ser->nr_domains);
}

static inline const struct iommu_pasid_ser *lu_iommu_pasids(const struct iommu_ser *ser)
{
	return (const struct iommu_pasid_ser *)(lu_iommu_devices(ser) + ser->nr_devices);
}

static inline const struct iommu_alias_ser *lu_iommu_aliases(const struct iommu_ser *ser)
{
	return (const struct iommu_alias_ser *)(lu_iommu_pasids(ser) + ser->nr_pasids);
}

static inline __u64 lu_iommu_bytes(const struct iommu_ser *ser)
{
	return sizeof(*ser) + (__u64)ser->nr_units * sizeof(struct iommu_unit_ser) +
	       (__u64)ser->nr_domains * sizeof(struct iommu_domain_ser) + (__u64)ser->nr_devices * sizeof(struct iommu_device_ser) +
	       (__u64)ser->nr_pasids * sizeof(struct iommu_pasid_ser) + (__u64)ser->nr_aliases * sizeof(struct iommu_alias_ser);
}

static inline const struct pci_device_ser *lu_pci_devices(const struct pci_ser *ser)
{
	return (const struct pci_device_ser *)(ser + 1);
}

#endif
