/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the new kernel's side share. See incoming.c. */
#ifndef __IOMMU_LIVEUPDATE_INCOMING_H
#define __IOMMU_LIVEUPDATE_INCOMING_H

#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>

#include "compare.h"
#include "verify.h"

/**
 * struct iommu_restored - what is known of a domain of the old kernel
 * @domain: What a device's group points to.
 * @index: Of its record.
 * @owner: The iommufd context that may claim its devices, NULL before it was retrieved.
 * @taken: Userspace has an object for it.
 * @freed: Its tables are gone.
 * @walked: Its tables were walked.
 * @refused: Its tables are not freed: what failed a check cannot be freed, because nobody knows what it is.
 */
struct iommu_restored {
	struct iommu_domain domain;
	u32 index;
	void *owner;
	bool taken;
	bool freed;
	bool walked;
	bool refused;
};

/**
 * struct iommu_incoming_swap - where requests of a device go next
 * @swap_to: The domain they may be moved to now: the one that was found to translate as the restored one does.
 * @swapped: They were. Asked of PASIDs alone; for requests without, the device's group knows.
 * @differs: The last swap was refused, for @difference.
 * @difference: What was different.
 */
struct iommu_incoming_swap {
	struct iommu_domain *swap_to;
	bool swapped;
	bool differs;
	struct iommu_liveupdate_difference difference;
};

/**
 * struct iommu_incoming_device - what became of a device
 * @state: See enum iommu_incoming_state.
 * @reason: Why it is quarantined; a constant string.
 * @swap: Of requests without PASID.
 */
struct iommu_incoming_device {
	enum iommu_incoming_state state;
	const char *reason;
	struct iommu_incoming_swap swap;
};

struct lu_phys iommu_incoming_phys(void);
int iommu_incoming_walk(struct iommu_restored *restored);
const struct iommu_domain_ser *iommu_incoming_domain(const struct iommu_restored *restored);
struct iommu_incoming_swap *iommu_incoming_swap(struct device *dev, ioasid_t pasid);
struct iommu_restored *iommu_incoming_pasid_standing(struct device *dev, ioasid_t pasid);
bool iommu_incoming_quarantined(struct device *dev);
bool iommu_incoming_may_start(struct device *dev, struct iommu_domain *domain);

#endif
