/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU state across live update: the core that knows no vendor. See drivers/iommu/liveupdate/ and
 * include/linux/kho/abi/iommu.h.
 */
#ifndef _LINUX_IOMMU_LIVEUPDATE_H
#define _LINUX_IOMMU_LIVEUPDATE_H

#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/types.h>
#include <linux/kho/abi/iommu.h>

struct device;
struct iommu_domain;
struct iommu_restored;

/**
 * struct iommu_liveupdate_attach - what requests of a device translate through
 * @pasid: Requests with this PASID; IOMMU_NO_PASID for those without.
 * @domain: A preserved domain.
 * @tag: Set by the driver: see &struct iommu_device_ser.
 */
struct iommu_liveupdate_attach {
	ioasid_t pasid;
	struct iommu_domain *domain;
	u32 tag;
};

/**
 * struct iommu_liveupdate_aliases - requester IDs that requests of a device may have beside its own
 * @nr: How many.
 * @rids: Of the device's bus, ascending. No function has one of them.
 */
struct iommu_liveupdate_aliases {
	unsigned int nr;
	u16 rids[IOMMU_SER_MAX_DEVICE_ALIASES];
};

/**
 * struct iommu_liveupdate_device - a device that is being preserved
 * @attach: The first is of requests without PASID, the others ascend by PASID.
 * @nr_attach: 1 or more.
 * @aliases: What is made for the device's own requester ID is made for each of these.
 * @driver: Set by the driver: enum iommu_ser_driver.
 * @unit_id: Set by the driver: behind which unit; it was described by iommu_liveupdate_set_unit().
 * @pasid_dir_pa: Set by the driver: see &struct iommu_device_ser.
 * @pasid_dir_bytes: Set by the driver: see &struct iommu_device_ser.
 * @pasid_bits: Set by the driver: see &struct iommu_device_ser.
 * @flags: Set by the driver: see &struct iommu_device_ser.
 */
struct iommu_liveupdate_device {
	struct iommu_liveupdate_attach *attach;
	unsigned int nr_attach;
	const struct iommu_liveupdate_aliases *aliases;
	u32 driver;
	u64 unit_id;
	u64 pasid_dir_pa;
	u32 pasid_dir_bytes;
	u8 pasid_bits;
	u8 flags;
};

/**
 * struct iommu_liveupdate_ops - what only a driver knows; in struct iommu_ops
 * @describe_domain: Fill format, levels, flags and top_pa of @ser. -EOPNOTSUPP for a domain of a kind that has no tables of its own.
 * @check_domain: May the domain be preserved? -EOPNOTSUPP, with the reason in the log.
 * @preserve_device: Make the tables that @dev will be left on when the kernel hands over, and keep them by KHO; nothing but what is
 *                   named in @device may translate then. The live tables are
 *                   not touched. It describes every unit of the machine by iommu_liveupdate_set_unit(), also those without a
 *                   preserved device: no unit stops translating. On failure nothing is left.
 * @unpreserve_device: Undo it. Cannot fail.
 * @release_tag: New kernel: no entry of the unit names the tag any more, and no cache does. Called once for each tag of a unit, but for
 *               those that are a device's own (IOMMU_DEVICE_SER_OWN_TAG): the driver takes such a one back with the device's entry.
 *
 * All are called with the core's mutex held, and may sleep.
 */
struct iommu_liveupdate_ops {
	int (*describe_domain)(struct iommu_domain *domain, struct iommu_domain_ser *ser);
	int (*check_domain)(struct iommu_domain *domain);
	int (*preserve_device)(struct device *dev, struct iommu_liveupdate_device *device);
	void (*unpreserve_device)(struct device *dev);
	void (*release_tag)(u64 unit_id, u32 tag);
};

/* What became of a device that another kernel preserved. */
enum iommu_incoming_state {
	IOMMU_INCOMING_RESTORED,	/* its record is right, and its entry stands as the old kernel left it */
	IOMMU_INCOMING_QUARANTINED,	/* something failed a check: it is blocked */
	IOMMU_INCOMING_FINISHED,	/* its session is finished: a device like any other */
};

/**
 * struct iommu_liveupdate_difference - the first page that two tables do not translate alike
 * @iova: Its address.
 * @old_pa: What the old kernel's table has there; 0 with @old_perm 0.
 * @new_pa: What the new one has there; 0 with @new_perm 0.
 * @old_perm: LU_PERM_* of compare.h, which are IOMMU_HWPT_LIVEUPDATE_PERM_* of the uAPI; 0 when nothing is mapped.
 * @new_perm: Likewise.
 */
struct iommu_liveupdate_difference {
	u64 iova;
	u64 old_pa;
	u64 new_pa;
	u32 old_perm;
	u32 new_perm;
};

/* Is a device being preserved with this PASID? */
static inline bool iommu_liveupdate_pasid_named(const struct iommu_liveupdate_device *what, ioasid_t pasid)
{
	unsigned int i;

	for (i = 0; i < what->nr_attach; i++)
		if (what->attach[i].pasid == pasid)
			return true;
	return false;
}

/* Does a device no DMA of its own? It may share the group of one that is preserved, and is blocked from the handover on. */
static inline bool iommu_liveupdate_is_bridge(struct device *dev)
{
	return dev_is_pci(dev) && pci_is_bridge(to_pci_dev(dev));
}

#ifdef CONFIG_IOMMU_LIVEUPDATE

/* Old kernel. */
void iommu_liveupdate_use_arena(struct iommu_domain *domain);
int iommu_liveupdate_check_domain(struct iommu_domain *domain);
int iommu_liveupdate_set_unit(const struct iommu_unit_ser *unit);
void *iommu_liveupdate_alloc_pages(int nid, gfp_t gfp, size_t bytes);
void iommu_liveupdate_free_pages(void *pages);
void iommu_liveupdate_sort_pages(u64 *pages, u32 nr_pages);
int iommu_liveupdate_describe_unit(struct iommu_unit_ser *unit, u64 **list, size_t max_pages,
				   u32 (*fill)(const void *handover, u64 *pages), const void *handover);
void iommu_liveupdate_drop_unit(u32 driver, u64 id);
int iommu_liveupdate_preserve_domain(struct iommu_domain *domain, u64 iommufd_id, u64 token);
void iommu_liveupdate_unpreserve_domain(struct iommu_domain *domain);
int iommu_liveupdate_preserve_device(struct device *dev, struct iommu_liveupdate_attach *attach, unsigned int nr_attach);
void iommu_liveupdate_unpreserve_device(struct device *dev);
bool iommu_liveupdate_preserved(struct device *dev);

/* New kernel, for drivers. */
bool iommu_liveupdate_incoming(void);
bool iommu_liveupdate_refused(void);
const struct iommu_unit_ser *iommu_liveupdate_unit(u32 driver, u64 id);
const u64 *iommu_liveupdate_unit_pages(const struct iommu_unit_ser *unit);
const struct iommu_device_ser *iommu_liveupdate_device(const struct iommu_unit_ser *unit, u32 segment, u16 rid);
const struct iommu_device_ser *iommu_liveupdate_requester(const struct iommu_unit_ser *unit, u32 segment, u16 rid);
const struct iommu_alias_ser *iommu_liveupdate_next_alias(const struct iommu_device_ser *device, const struct iommu_alias_ser *alias);
const struct iommu_device_ser *iommu_liveupdate_next_device(const struct iommu_unit_ser *unit,
							    const struct iommu_device_ser *device);
const struct iommu_domain_ser *iommu_liveupdate_device_domain(const struct iommu_device_ser *device);
const struct iommu_pasid_ser *iommu_liveupdate_next_pasid(const struct iommu_device_ser *device,
							  const struct iommu_pasid_ser *pasid);
const struct iommu_domain_ser *iommu_liveupdate_pasid_domain(const struct iommu_pasid_ser *pasid);
bool iommu_liveupdate_find_attach(const struct iommu_device_ser *device, ioasid_t pasid, const struct iommu_domain_ser **domain,
				  u32 *tag);
unsigned int iommu_liveupdate_nr_attach(const struct iommu_device_ser *device);
bool iommu_liveupdate_claim_page(const struct iommu_unit_ser *unit, u8 *seen, u64 pa);
void iommu_liveupdate_quarantine(const struct iommu_device_ser *device, const char *reason);
void iommu_liveupdate_quarantine_unit(const struct iommu_unit_ser *unit, const char *reason);
void iommu_liveupdate_verify_domains(void);
void *iommu_liveupdate_adopt_pages(u64 pa, u64 bytes);
int iommu_liveupdate_adopt_unit(const struct iommu_unit_ser *unit, u64 taken_pa, u64 taken_bytes);
bool iommu_liveupdate_handed_over(u64 pa, u64 bytes);

/* New kernel, for the IOMMU core. */
int iommu_liveupdate_add_aliases(struct device *dev);
struct iommu_domain *iommu_liveupdate_probe_domain(struct device *dev, struct iommu_domain *domain, bool alone);
bool iommu_liveupdate_stays_blocked(struct iommu_domain *domain, struct device *dev, struct iommu_domain *old);
bool iommu_liveupdate_domain_restored(const struct iommu_domain *domain);
void iommu_liveupdate_release(struct device *dev);
int iommu_liveupdate_may_claim(struct iommu_domain *domain, void *owner);
void iommu_liveupdate_use_default_domain(struct device *dev);
void iommu_liveupdate_block(struct device *dev);
void iommu_liveupdate_block_pasid(struct device *dev, ioasid_t pasid, struct iommu_domain *old);
int iommu_liveupdate_may_attach(struct iommu_domain *domain, struct device *dev, ioasid_t pasid, struct iommu_domain *old);
struct iommu_domain *iommu_liveupdate_pasid_old(struct device *dev, ioasid_t pasid);

/* New kernel, for iommufd and vfio. */
int iommu_liveupdate_set_owner(u64 iommufd_id, u32 nr_domains, void *owner);
struct iommu_restored *iommu_liveupdate_take_domain(u64 iommufd_id, u64 token);
void iommu_liveupdate_put_domain(struct iommu_restored *restored);
bool iommu_liveupdate_domain_busy(struct iommu_restored *restored);
struct iommu_restored *iommu_liveupdate_standing(struct device *dev, ioasid_t pasid);
int iommu_liveupdate_compare(struct iommu_restored *restored, struct iommu_domain *domain,
			     struct iommu_liveupdate_difference *difference);
int iommu_liveupdate_begin_swap(struct device *dev, ioasid_t pasid, struct iommu_domain *domain, bool compared);
void iommu_liveupdate_end_swap(struct device *dev, ioasid_t pasid, bool swapped);
const char *iommu_liveupdate_perm_name(u32 perm);
bool iommu_liveupdate_iommufd_busy(u64 iommufd_id);
void iommu_liveupdate_finish_iommufd(u64 iommufd_id);
int iommu_liveupdate_device_state(u32 segment, u16 rid, enum iommu_incoming_state *state);
bool iommu_liveupdate_device_busy(u32 segment, u16 rid);
void iommu_liveupdate_finish_device(u32 segment, u16 rid);

#else

static inline void iommu_liveupdate_use_arena(struct iommu_domain *domain)
{
}

static inline bool iommu_liveupdate_preserved(struct device *dev)
{
	return false;
}

static inline int iommu_liveupdate_add_aliases(struct device *dev)
{
	return 0;
}

static inline struct iommu_domain *iommu_liveupdate_probe_domain(struct device *dev, struct iommu_domain *domain, bool alone)
{
	return domain;
}

static inline bool iommu_liveupdate_stays_blocked(struct iommu_domain *domain, struct device *dev, struct iommu_domain *old)
{
	return false;
}

static inline bool iommu_liveupdate_domain_restored(const struct iommu_domain *domain)
{
	return false;
}

static inline void iommu_liveupdate_release(struct device *dev)
{
}

static inline int iommu_liveupdate_may_claim(struct iommu_domain *domain, void *owner)
{
	return -EBUSY;
}

static inline int iommu_liveupdate_may_attach(struct iommu_domain *domain, struct device *dev, ioasid_t pasid,
					      struct iommu_domain *old)
{
	return 0;
}

static inline struct iommu_domain *iommu_liveupdate_pasid_old(struct device *dev, ioasid_t pasid)
{
	return NULL;
}

#endif

/*
 * A group without an owner stands on its default domain, unless a device of the old kernel is in it: on its restored domain, or
 * blocked. Its default domain cannot be changed then, since that attaches the new one.
 */
static inline bool iommu_liveupdate_group_pinned(const struct iommu_domain *domain,
						 const struct iommu_domain *default_domain)
{
	return domain && domain != default_domain;
}

#endif
