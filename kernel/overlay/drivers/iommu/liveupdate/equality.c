// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: equality before the swap
 *
 * A device goes from the old kernel's tables to new ones while it does DMA, so there is no moment at which anybody could notice that
 * they differ. So a swap is allowed only to a domain that was compared with the restored one, page by page, and found to translate
 * every address of it to the same page with at least the same permission. What is more in the new one does not matter.
 *
 * The comparison runs long after the blackout. It takes no lock that another device needs: that the tables stay as they are is the
 * caller's business (iommufd holds the mappings of the one IOAS), and that the old ones are not freed follows from the
 * device that stands on them, or the object that userspace has for them.
 *
 * Lock: none. What is known of a swap is written by the one who holds the device (igroup->lock of
 * iommufd); debugfs may read a difference that is being written.
 */
#define pr_fmt(fmt) "iommu liveupdate: " fmt

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched.h>

#include "../iommu-priv.h"
#include "incoming.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define IOMMU_COMPARE_TABLES	512	/* between two looks at whether somebody else wants the processor */

/* Tables of this kernel: what is no memory is no table. */
static const void *iommu_equality_read(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	return pfn_valid(PHYS_PFN(pa)) && pfn_valid(PHYS_PFN(pa + bytes - 1)) ? phys_to_virt(pa) : NULL;
}

static void iommu_equality_note(const struct lu_compare *compare, struct iommu_liveupdate_difference *difference)
{
	*difference = (struct iommu_liveupdate_difference){
		.iova = compare->iova,
		.old_pa = compare->old_page.pa,
		.new_pa = compare->new_page.pa,
		.old_perm = compare->old_page.perm,
		.new_perm = compare->new_page.perm,
	};
}

/**
 * iommu_liveupdate_compare() - does a domain translate all that a restored one does, to the same pages?
 * @restored: The restored domain; a device stands on it, or it is taken.
 * @domain: A paging domain of this kernel, into which nothing is mapped, and from which nothing is unmapped, meanwhile.
 * @difference: Set to the first page that differs, with -EBADE.
 *
 * Time grows with the number of table pages of @restored, whatever they map.
 *
 * Context: Process context, may sleep.
 * Return: 0; -EBADE when they differ; -EOPNOTSUPP when @domain is of a kind without tables to look at; -EIO when the tables of
 *         @restored are refused, or changed since they were checked.
 */
int iommu_liveupdate_compare(struct iommu_restored *restored, struct iommu_domain *domain,
			     struct iommu_liveupdate_difference *difference)
{
	const struct iommu_domain_ser *old = iommu_incoming_domain(restored);
	/* What this kernel maps may be beyond its memory: another device's registers. */
	struct lu_phys new_phys = { .read = iommu_equality_read, .end = 1ULL << 52 };
	struct lu_phys old_phys = iommu_incoming_phys();
	struct iommu_domain_ser new = {};
	enum lu_compare_result result;
	ktime_t began = ktime_get();
	struct lu_compare compare;
	int ret;

	*difference = (struct iommu_liveupdate_difference){};
	ret = iommu_incoming_walk(restored);
	if (ret)
		return ret;
	if (!domain->owner || !domain->owner->liveupdate)
		return -EOPNOTSUPP;
	ret = domain->owner->liveupdate->describe_domain(domain, &new);
	if (ret)
		return ret;

	compare = (struct lu_compare){
		.old = { .phys = &old_phys, .top_pa = old->top_pa, .format = old->format, .levels = old->levels },
		.new = { .phys = &new_phys, .top_pa = new.top_pa, .format = new.format, .levels = new.levels },
	};
	while ((result = lu_compare(&compare, IOMMU_COMPARE_TABLES)) == LU_COMPARE_MORE)
		cond_resched();

	if (result == LU_COMPARE_DIFFERENT) {
		iommu_equality_note(&compare, difference);
	} else if (result == LU_COMPARE_EQUAL && (old->flags & ~new.flags & IOMMU_DOMAIN_SER_SNOOP)) {
		/* No page differs: it is said of all of them at once. */
		result = LU_COMPARE_DIFFERENT;
		difference->old_perm = LU_PERM_SNOOP;
	}
	trace_iommu_liveupdate_compare(old, result, difference, compare.nr_tables, ktime_to_ns(ktime_sub(ktime_get(), began)));
	switch (result) {
	case LU_COMPARE_EQUAL:
		return 0;
	case LU_COMPARE_DIFFERENT:
		return -EBADE;
	default:
		pr_err("domain %#llx of iommufd %llu cannot be compared (%s, address %#llx)\n", old->token, old->iommufd_id,
		       lu_error_name(compare.verdict.error), compare.verdict.address);
		return -EIO;
	}
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_compare, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_standing() - the restored domain that requests of a device translate through
 * @dev: A device that nobody attaches to anything meanwhile.
 * @pasid: Requests with this PASID; IOMMU_NO_PASID for those without.
 *
 * Context: Process context.
 * Return: It, or NULL.
 */
struct iommu_restored *iommu_liveupdate_standing(struct device *dev, ioasid_t pasid)
{
	struct iommu_domain *domain;

	if (pasid != IOMMU_NO_PASID)
		return iommu_incoming_pasid_standing(dev, pasid);
	domain = iommu_get_domain_for_dev(dev);
	return iommu_liveupdate_domain_restored(domain) ? container_of(domain, struct iommu_restored, domain) : NULL;
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_standing, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_begin_swap() - let requests of a device go over to a domain that translates as their restored one does
 * @dev: A device on a restored domain, held by the caller until iommu_liveupdate_end_swap().
 * @pasid: Requests with this PASID; IOMMU_NO_PASID for those without.
 * @domain: What is to be attached; no mapping of it changes meanwhile.
 * @compared: They were compared before, and neither changed since.
 *
 * Context: Process context, may sleep.
 * Return: 0; an error of iommu_liveupdate_compare(), and nothing is allowed.
 */
int iommu_liveupdate_begin_swap(struct device *dev, ioasid_t pasid, struct iommu_domain *domain, bool compared)
{
	struct iommu_restored *restored = iommu_liveupdate_standing(dev, pasid);
	struct iommu_incoming_swap *swap = iommu_incoming_swap(dev, pasid);
	struct iommu_liveupdate_difference difference;
	int ret;

	if (WARN_ON(!restored || !swap))
		return -EINVAL;
	ret = compared ? 0 : iommu_liveupdate_compare(restored, domain, &difference);
	swap->differs = ret == -EBADE;
	if (swap->differs) {
		swap->difference = difference;
		dev_warn(dev, "is not swapped: IOVA %#llx is page %#llx (%s) of the old table, and %#llx (%s) of the new\n",
			 difference.iova, difference.old_pa, iommu_liveupdate_perm_name(difference.old_perm),
			 difference.new_pa, iommu_liveupdate_perm_name(difference.new_perm));
	}
	if (!ret)
		swap->swap_to = domain;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_begin_swap, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_end_swap() - what iommu_liveupdate_begin_swap() allowed was done, or not
 * @dev: The device, wherever it stands now.
 * @pasid: As there.
 * @swapped: It was done.
 *
 * Context: Process context.
 */
void iommu_liveupdate_end_swap(struct device *dev, ioasid_t pasid, bool swapped)
{
	struct iommu_incoming_swap *swap = iommu_incoming_swap(dev, pasid);

	if (WARN_ON(!swap))
		return;
	swap->swap_to = NULL;
	swap->swapped |= swapped;
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_end_swap, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_may_attach() - may a domain replace another on a device?
 * @domain: What is to be attached.
 * @dev: The device.
 * @pasid: Requests with this PASID; IOMMU_NO_PASID for those without.
 * @old: What it stands on, NULL before the first attach.
 *
 * The one place that every attach passes. A preserved device begins on its restored domain, wherever its group stands. From there the way
 * leads to what was compared with it, and to nothing else but a blocked one, which lets nothing through. One that is quarantined stays
 * blocked until its session is finished.
 *
 * Context: group->mutex held.
 * Return: 0; -EBADE when @old is a restored domain that @domain was not compared with, or @dev cannot begin on @domain; -EIO when
 *         @dev is quarantined.
 */
int iommu_liveupdate_may_attach(struct iommu_domain *domain, struct device *dev, ioasid_t pasid, struct iommu_domain *old)
{
	struct iommu_incoming_swap *swap;

	if (domain->type != IOMMU_DOMAIN_BLOCKED && iommu_incoming_quarantined(dev))
		return -EIO;
	if (!old && pasid == IOMMU_NO_PASID)
		return iommu_incoming_may_start(dev, domain) ? 0 : -EBADE;
	if (!iommu_liveupdate_domain_restored(old) || old == domain || domain->type == IOMMU_DOMAIN_BLOCKED)
		return 0;
	swap = iommu_incoming_swap(dev, pasid);
	return swap && swap->swap_to == domain ? 0 : -EBADE;
}

/**
 * iommu_liveupdate_pasid_old() - what a PASID that nothing was attached to in this kernel translates through
 * @dev: The device.
 * @pasid: The PASID.
 *
 * Context: group->mutex held.
 * Return: A restored domain, or NULL.
 */
struct iommu_domain *iommu_liveupdate_pasid_old(struct device *dev, ioasid_t pasid)
{
	struct iommu_restored *restored = iommu_incoming_pasid_standing(dev, pasid);

	return restored ? &restored->domain : NULL;
}

/**
 * iommu_liveupdate_perm_name() - a word for a permission, for logs and debugfs
 * @perm: LU_PERM_*.
 *
 * Context: Any.
 * Return: A constant string.
 */
const char *iommu_liveupdate_perm_name(u32 perm)
{
	static const char *const names[] = { "none", "r", "w", "rw", "none", "r, snooped", "w, snooped", "rw, snooped" };

	return perm < ARRAY_SIZE(names) ? names[perm] : "unknown";
}
