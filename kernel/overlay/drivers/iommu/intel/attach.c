// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: From one domain to another
 *
 * All that can fail comes first, while the device is on the old domain: the new domain gets its ID and its cache tags, so that
 * whoever maps into it from now on flushes the right tag. Then the entry is written (entry.c), which blocks nothing where there is
 * a hitless order. Then the old domain loses its tags and its ID. A device whose attach fails stays where it was.
 *
 * A first-stage table is in the second unit of a PASID table entry, and the domain ID in the first. From one first-stage domain to
 * another there is a hitless order when the ID stays the same. So the new domain takes over the ID of the old one when nothing else
 * uses it: then entries cached of the old table and of the new have one tag for as long as the invalidation takes, and only this
 * device, which may use both, has it. An ID that a restored domain has, too, is not taken over. (Intel VT-d 4.1, section 6.2.3.1
 * "Scalable-Mode PASID-table Entry Programming Considerations": what has one tag must have one table.)
 *
 * Lock: group->mutex, then did_lock, then iommu->lock.
 */
#define pr_fmt(fmt) "DMAR: " fmt

#include <linux/cleanup.h>
#include <linux/pci.h>

#include "attach.h"
#include "iommu.h"
#include "pasid.h"

/*
 * Domain IDs
 */

/*
 * IDs of the old kernel, and how many use each: the restored domain, and the first-stage domain that was swapped in for it. Protected
 * by the did_lock of the unit.
 */
static DEFINE_XARRAY(vtd_tags);

static unsigned long vtd_tag_index(struct intel_iommu *iommu, u32 tag)
{
	return (unsigned long)iommu->seq_id << 16 | tag;
}

/* 0 for an ID of this kernel. */
unsigned long vtd_tag_users(struct intel_iommu *iommu, u32 tag)
{
	void *users = xa_load(&vtd_tags, vtd_tag_index(iommu, tag));

	return users ? xa_to_value(users) : 0;
}

int vtd_tag_set_users(struct intel_iommu *iommu, u32 tag, unsigned long users)
{
	void *entry = users ? xa_mk_value(users) : NULL;

	return xa_err(xa_store(&vtd_tags, vtd_tag_index(iommu, tag), entry, GFP_KERNEL));
}

/*
 * The ID is that of both domains until one of them gives it up; did_lock keeps others from using it through either.
 */
static int domain_take_over_iommu(struct dmar_domain *domain, struct dmar_domain *old, struct intel_iommu *iommu)
{
	struct iommu_domain_info *from = xa_load(&old->iommu_array, iommu->seq_id), *info;
	int ret;

	lockdep_assert_held(&iommu->did_lock);
	if (!from || from->refcnt != 1 || vtd_tag_users(iommu, from->did) > 1 || xa_load(&domain->iommu_array, iommu->seq_id))
		return -EXDEV;
	info = kzalloc_obj(*info);
	if (!info)
		return -ENOMEM;
	*info = *from;
	ret = xa_err(xa_store(&domain->iommu_array, iommu->seq_id, info, GFP_KERNEL));
	if (ret)
		kfree(info);
	return ret;
}

static void domain_give_up_iommu(struct dmar_domain *domain, struct intel_iommu *iommu)
{
	lockdep_assert_held(&iommu->did_lock);
	kfree(xa_erase(&domain->iommu_array, iommu->seq_id));
}

/*
 * Context entries: of a device and its aliases
 */

struct vtd_context_job {
	struct device_domain_info *info;
	struct dmar_domain *domain;	/* NULL: pass-through */
	enum vtd_write how;
	bool check;			/* write nothing yet */
};

/* A device TLB is in a device, not in an alias of it. */
static bool vtd_has_dev_iotlb(struct vtd_context_job *job, u8 bus, u8 devfn)
{
	struct device_domain_info *info = job->info;
	bool supported = false;

	if (info->bus == bus && info->devfn == devfn)
		return info->ats_supported;
	guard(spinlock_irqsave)(&job->domain->lock);
	list_for_each_entry(info, &job->domain->devices, link)
		if (info->iommu == job->info->iommu && info->bus == bus && info->devfn == devfn)
			supported = info->ats_supported;
	return supported;
}

static void vtd_context_make(struct vtd_context_job *job, u8 bus, u8 devfn, struct context_entry *target)
{
	struct intel_iommu *iommu = job->info->iommu;
	struct pt_iommu_vtdss_hw_info table;

	if (!job->domain) {
		vtd_make_context_pt(target, iommu);
		return;
	}
	pt_iommu_vtdss_hw_info(&job->domain->sspt, &table);
	vtd_make_context_ss(target, &table, domain_id_iommu(job->domain, iommu), vtd_has_dev_iotlb(job, bus, devfn));
}

static int vtd_context_one(struct vtd_context_job *job, u8 bus, u8 devfn)
{
	struct intel_iommu *iommu = job->info->iommu;
	struct context_entry *context, target;
	struct vtd_live_entry live;

	vtd_context_make(job, bus, devfn, &target);
	scoped_guard(spinlock, &iommu->lock) {
		context = iommu_context_addr(iommu, bus, devfn, 1);
		if (!context)
			return -ENOMEM;
		vtd_live_context(&live, job->info, PCI_DEVID(bus, devfn), context);
		if (job->check)
			return job->how == VTD_WRITE_HITLESS ? vtd_entry_check(&live.writer, &target.lo) : 0;
		copied_context_tear_down(iommu, context, bus, devfn);
		/* An alias that another device of the group has been given already. */
		if (job->how == VTD_WRITE_NEW && context_present(context))
			return 0;
	}
	return vtd_live_write(&live, &target.lo, job->how);
}

static int vtd_context_alias(struct pci_dev *pdev, u16 alias, void *data)
{
	return vtd_context_one(data, PCI_BUS_NUM(alias), alias & 0xff);
}

static int vtd_context_all(struct vtd_context_job *job)
{
	if (!dev_is_pci(job->info->dev))
		return vtd_context_one(job, job->info->bus, job->info->devfn);
	return pci_for_each_dma_alias(to_pci_dev(job->info->dev), vtd_context_alias, job);
}

/* All entries are written or none is. */
static int vtd_context_setup(struct device_domain_info *info, struct dmar_domain *domain, enum vtd_write how)
{
	struct vtd_context_job job = { .info = info, .domain = domain, .how = how, .check = true };
	int ret;

	ret = vtd_context_all(&job);
	if (ret)
		return ret;
	job.check = false;
	return vtd_context_all(&job);
}

static void vtd_context_clear_one(struct device_domain_info *info, u8 bus, u8 devfn)
{
	struct intel_iommu *iommu = info->iommu;
	struct context_entry *context;
	struct vtd_live_entry live;

	scoped_guard(spinlock, &iommu->lock)
		context = iommu_context_addr(iommu, bus, devfn, 0);
	if (!context)
		return;
	vtd_live_context(&live, info, PCI_DEVID(bus, devfn), context);
	vtd_live_block(&live, false);
}

static int vtd_context_clear_alias(struct pci_dev *pdev, u16 alias, void *data)
{
	vtd_context_clear_one(data, PCI_BUS_NUM(alias), alias & 0xff);
	return 0;
}

/**
 * intel_context_clear() - block a device and its aliases, in legacy mode
 * @info: The device.
 *
 * Nobody counts who else uses an alias: other devices behind it are blocked, too.
 *
 * Context: group->mutex held.
 */
void intel_context_clear(struct device_domain_info *info)
{
	if (!dev_is_pci(info->dev)) {
		vtd_context_clear_one(info, info->bus, info->devfn);
		return;
	}
	pci_for_each_dma_alias(to_pci_dev(info->dev), vtd_context_clear_alias, info);
	iommu_disable_pci_ats(info);
}

/*
 * PASID table entries
 */

static int vtd_pasid_setup_fs(struct dmar_domain *domain, struct device *dev, ioasid_t pasid, enum vtd_write how)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct pt_iommu_x86_64_hw_info table;
	int flags = 0;

	pt_iommu_x86_64_hw_info(&domain->fspt, &table);
	if (WARN_ON(table.levels != 4 && table.levels != 5))
		return -EINVAL;
	if (table.levels == 5)
		flags |= PASID_FLAG_FL5LP;
	if (domain->force_snooping)
		flags |= PASID_FLAG_PAGE_SNOOP;
	if (!(domain->fspt.x86_64_pt.common.features & BIT(PT_FEAT_DMA_INCOHERENT)))
		flags |= PASID_FLAG_PWSNP;
	return intel_pasid_setup_first_level(info->iommu, dev, table.gcr3_pt, pasid, domain_id_iommu(domain, info->iommu),
					     flags, how);
}

/**
 * intel_domain_setup_pasid() - have requests with a PASID translated by a domain
 * @domain: The domain, with an ID on the device's unit.
 * @dev: The device.
 * @pasid: IOMMU_NO_PASID for requests without one.
 * @how: What to do about the entry that is there.
 *
 * Context: group->mutex held.
 * Return: 0; -EBUSY or -EXDEV as @how says; -EINVAL when @domain is beyond the unit; -ENODEV when @pasid is, or without memory.
 */
int intel_domain_setup_pasid(struct dmar_domain *domain, struct device *dev, ioasid_t pasid, enum vtd_write how)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);

	if (domain->domain.type == IOMMU_DOMAIN_NESTED)
		return intel_pasid_setup_nested(info->iommu, dev, pasid, domain, how);
	if (intel_domain_is_fs_paging(domain))
		return vtd_pasid_setup_fs(domain, dev, pasid, how);
	if (intel_domain_is_ss_paging(domain))
		return intel_pasid_setup_second_level(info->iommu, domain, dev, pasid, how);
	WARN_ON(true);
	return -EINVAL;
}

/*
 * Attach
 */

static enum vtd_write vtd_attach_over(struct device_domain_info *info, struct iommu_domain *old)
{
	if (!info->domain_attached)
		return VTD_WRITE_NEW;
	return iommu_liveupdate_domain_restored(old) ? VTD_WRITE_HITLESS : VTD_WRITE_REPLACE;
}

static int vtd_attach_write(struct dmar_domain *domain, struct device_domain_info *info, enum vtd_write how)
{
	if (dev_is_real_dma_subdevice(info->dev))
		return 0;
	if (sm_supported(info->iommu))
		return intel_domain_setup_pasid(domain, info->dev, IOMMU_NO_PASID, how);
	if (WARN_ON(!intel_domain_is_ss_paging(domain)))
		return -EINVAL;
	return vtd_context_setup(info, domain, how);
}

/* Legacy mode: only an entry of the right type lets a device use its TLB, so it comes first. In scalable mode ATS is on since probe. */
static void vtd_attach_ats(struct dmar_domain *domain, struct device_domain_info *info)
{
	if (sm_supported(info->iommu) || dev_is_real_dma_subdevice(info->dev) || info->ats_enabled)
		return;
	iommu_enable_pci_ats(info);
	if (info->ats_enabled && cache_tag_assign(domain, domain_id_iommu(domain, info->iommu), info->dev, IOMMU_NO_PASID,
						  CACHE_TAG_DEVTLB))
		iommu_disable_pci_ats(info);
}

/* The caller releases the ID. */
static void vtd_attach_leave(struct device_domain_info *info)
{
	struct dmar_domain *domain = info->domain;

	if (!domain)
		return;
	cache_tag_unassign_domain(domain, info->dev, IOMMU_NO_PASID);
	scoped_guard(spinlock_irqsave, &domain->lock)
		list_del(&info->link);
	info->domain = NULL;
}

static void vtd_attach_join(struct dmar_domain *domain, struct device_domain_info *info)
{
	info->domain = domain;
	info->domain_attached = true;
	guard(spinlock_irqsave)(&domain->lock);
	list_add(&info->link, &domain->devices);
}

/* @domain has an ID. */
static int vtd_attach_move(struct dmar_domain *domain, struct device_domain_info *info, enum vtd_write how)
{
	int ret;

	/* Before the entry: from then on the hardware caches under the new tag. */
	ret = cache_tag_assign_domain(domain, info->dev, IOMMU_NO_PASID);
	if (ret)
		return ret;
	ret = vtd_attach_write(domain, info, how);
	if (ret) {
		cache_tag_unassign_domain(domain, info->dev, IOMMU_NO_PASID);
		return ret;
	}
	vtd_attach_leave(info);
	vtd_attach_ats(domain, info);
	vtd_attach_join(domain, info);
	return 0;
}

static int vtd_attach_take_over(struct dmar_domain *domain, struct device_domain_info *info)
{
	struct intel_iommu *iommu = info->iommu;
	struct dmar_domain *old = info->domain;
	int ret;

	guard(mutex)(&iommu->did_lock);
	ret = domain_take_over_iommu(domain, old, iommu);
	if (ret)
		return ret;
	ret = vtd_attach_move(domain, info, VTD_WRITE_HITLESS);
	domain_give_up_iommu(ret ? domain : old, iommu);
	return ret;
}

static int vtd_attach(struct dmar_domain *domain, struct device_domain_info *info, enum vtd_write how)
{
	struct intel_iommu *iommu = info->iommu;
	struct dmar_domain *old = info->domain;
	int ret;

	if (old && intel_domain_is_fs_paging(old) && intel_domain_is_fs_paging(domain) &&
	    !dev_is_real_dma_subdevice(info->dev)) {
		ret = vtd_attach_take_over(domain, info);
		if (ret != -EXDEV)
			return ret;
	}
	ret = domain_attach_iommu(domain, iommu);
	if (ret)
		return ret;
	ret = vtd_attach_move(domain, info, how);
	if (ret)
		domain_detach_iommu(domain, iommu);
	else if (old)
		domain_detach_iommu(old, iommu);
	return ret;
}

/* A domain that handles page requests needs the device to send them. */
static int vtd_attach_faults(struct dmar_domain *domain, struct device *dev, enum vtd_write how)
{
	int ret;

	ret = iopf_for_domain_set(&domain->domain, dev);
	if (ret)
		return ret;
	ret = vtd_attach(domain, dev_iommu_priv_get(dev), how);
	if (ret)
		iopf_for_domain_remove(&domain->domain, dev);
	return ret;
}

/**
 * intel_attach_domain() - put a device on a domain
 * @domain: A domain that fits the unit.
 * @dev: The device.
 * @old: What the IOMMU core says it is on.
 *
 * Context: attach_dev(), group->mutex held.
 * Return: 0; otherwise the device is where it was: -EOPNOTSUPP when it is on a restored domain, and there is no hitless order from there;
 *         -ENOMEM; -ENOSPC without a free domain ID; what enabling page requests returns.
 */
int intel_attach_domain(struct dmar_domain *domain, struct device *dev, struct iommu_domain *old)
{
	int ret;

	ret = vtd_attach_faults(domain, dev, vtd_attach_over(dev_iommu_priv_get(dev), old));
	if (ret)
		return ret == -EXDEV ? -EOPNOTSUPP : ret;
	iopf_for_domain_remove(old, dev);
	return 0;
}

/**
 * intel_attach_hitless() - put a device on a domain, or leave it where it is
 * @domain: A domain that fits the unit.
 * @dev: The device, on one that takes no page requests.
 *
 * Context: group->mutex held.
 * Return: 0; -EXDEV when there is no hitless order; -ENOMEM; -ENOSPC without a free domain ID; what enabling page requests returns.
 */
int intel_attach_hitless(struct dmar_domain *domain, struct device *dev)
{
	return vtd_attach_faults(domain, dev, VTD_WRITE_HITLESS);
}

/**
 * intel_attach_identity() - let a device's requests pass untranslated
 * @dev: The device.
 * @old: What the IOMMU core says it is on.
 *
 * Context: attach_dev(), group->mutex held.
 * Return: 0; otherwise the device is where it was: -EOPNOTSUPP when it is on a restored domain, and there is no hitless order from there;
 *         -ENOMEM.
 */
int intel_attach_identity(struct device *dev, struct iommu_domain *old)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct dmar_domain *from;
	enum vtd_write how;
	int ret;

	if (dev_is_real_dma_subdevice(dev)) {
		device_block_translation(dev);
		return 0;
	}
	/* In legacy mode pass-through takes no translated request: ATS has to go off between the one entry and the other. */
	if (!sm_supported(info->iommu) && info->ats_enabled)
		device_block_translation(dev);
	how = vtd_attach_over(info, old);
	from = info->domain;
	if (sm_supported(info->iommu))
		ret = intel_pasid_setup_pass_through(info->iommu, dev, IOMMU_NO_PASID, how);
	else
		ret = vtd_context_setup(info, NULL, how);
	if (ret)
		return ret == -EXDEV ? -EOPNOTSUPP : ret;

	/* The identity domain takes no page requests; what the old one took to have them goes. */
	iopf_for_domain_remove(old, dev);
	vtd_attach_leave(info);
	if (from)
		domain_detach_iommu(from, info->iommu);
	info->domain_attached = true;
	return 0;
}
