// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: GCR3 tables of AMD-Vi
 *
 * A device with guest (v2) page tables has a table of its own that leads from a PASID to the top of a page table: 1 to 3 levels of 512 words
 * (AMD I/O Virtualization Technology (IOMMU) Specification, 48882, "Guest CR3 Table"). Where the device table entry says so (GIOV), the
 * entry of PASID 0 is that of requests without PASID.
 *
 * All that an entry says is in one word, so it goes from old to new by one store: whoever reads it finds one or the other. What the unit
 * cached of it, and of the page table behind it, it cached under the domain ID of the device, which no other device has, and the PASID.
 * That is invalidated after the store, and waited for. The device table entry does not change.
 *
 * Lock: group->mutex for the entries of a device; the lock of a domain for its list of those who are attached by PASID.
 */
#define pr_fmt(fmt) "AMD-Vi: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>
#include <linux/liveupdate-fault.h>

#include "amd_iommu.h"
#include "liveupdate.h"
#include "../iommu-pages.h"

#define AMD_GCR3_ADDRESS	GENMASK_ULL(51, 12)
#define AMD_GCR3_BLOCK_MS	20
#define AMD_GCR3_EXPOSE_US	200

/*
 * Tables
 */

/* An entry that leads to a page table, or to a table of the level below. */
u64 amd_gcr3_make(u64 top_pa)
{
	return __sme_set(top_pa & AMD_GCR3_ADDRESS) | GCR3_VALID;
}

static u64 *amd_gcr3_below(u64 entry)
{
	return entry & GCR3_VALID ? iommu_phys_to_virt(entry & AMD_GCR3_ADDRESS) : NULL;
}

/**
 * amd_gcr3_entry() - the entry of a PASID
 * @info: The table.
 * @pasid: The PASID, which the table has room for.
 * @alloc: Makes tables that are missing on the way, zeroed; NULL when none shall be.
 * @nid: For @alloc.
 *
 * Context: As @alloc.
 * Return: The entry; NULL when the way ends before it, or there is no memory.
 */
u64 *amd_gcr3_entry(const struct gcr3_tbl_info *info, ioasid_t pasid, void *(*alloc)(int nid), int nid)
{
	u64 *table = info->gcr3_tbl, *entry, *below;
	int level;

	for (level = info->glx; ; level--) {
		entry = &table[(pasid >> (9 * level)) % AMD_GCR3_NR_ENTRIES];
		if (!level)
			return entry;
		below = amd_gcr3_below(*entry);
		if (!below && alloc)
			below = alloc(nid);
		if (!below)
			return NULL;
		/* Its zeroes are seen before it is, by units that walk. */
		if (!(*entry & GCR3_VALID))
			smp_store_release(entry, amd_gcr3_make(virt_to_phys(below)));
		table = below;
	}
}

/**
 * amd_gcr3_next() - the next PASID that translates something
 * @info: The table.
 * @pasid: Where to begin; it may be the one.
 *
 * Context: group->mutex of the device held.
 * Return: The PASID; IOMMU_PASID_INVALID when there is none any more.
 */
ioasid_t amd_gcr3_next(const struct gcr3_tbl_info *info, ioasid_t pasid)
{
	const ioasid_t end = 1U << min(amd_gcr3_bits(info->glx), IOMMU_SER_PASID_BITS);
	const u64 *entry;

	for (; pasid < end; pasid++) {
		entry = amd_gcr3_entry(info, pasid, NULL, NUMA_NO_NODE);
		if (!entry)
			pasid |= AMD_GCR3_NR_ENTRIES - 1;
		else if (*entry & GCR3_VALID)
			return pasid;
	}
	return IOMMU_PASID_INVALID;
}

/**
 * amd_gcr3_walk() - visit every page that a table is made of
 * @table: The table.
 * @level: Of its entries; 0 when they lead to page tables.
 * @visit: Called for what is below before what is above, so that it may free them.
 * @arg: For @visit.
 *
 * Context: As @visit.
 */
void amd_gcr3_walk(u64 *table, int level, void (*visit)(u64 *table, void *arg), void *arg)
{
	unsigned int i;
	u64 *below;

	for (i = 0; level && i < AMD_GCR3_NR_ENTRIES; i++) {
		below = amd_gcr3_below(table[i]);
		if (below)
			amd_gcr3_walk(below, level - 1, visit, arg);
	}
	visit(table, arg);
}

static void *amd_gcr3_alloc_table(int nid)
{
	return iommu_alloc_pages_node_sz(nid, GFP_ATOMIC, SZ_4K);
}

static void amd_gcr3_free_table(u64 *table, void *unused)
{
	iommu_free_pages(table);
}

/* How many levels beside the first so many PASIDs need. */
static int amd_gcr3_glx(int max_pasids)
{
	return max_pasids > 1 ? (get_count_order(max_pasids) - 1) / 9 : 0;
}

/**
 * amd_gcr3_alloc() - have a table in which no PASID translates anything, and a domain ID for it
 * @info: Set to it.
 * @iommu: The unit that will read it.
 * @max_pasids: How many PASIDs it has to have room for.
 *
 * Context: Any.
 * Return: 0; -EINVAL when the unit reads no such table; -ENOSPC without a free domain ID; -ENOMEM.
 */
int amd_gcr3_alloc(struct gcr3_tbl_info *info, struct amd_iommu *iommu, int max_pasids)
{
	const int nid = iommu && iommu->dev ? dev_to_node(&iommu->dev->dev) : NUMA_NO_NODE;
	struct gcr3_tbl_info made = { .glx = amd_gcr3_glx(max_pasids), .levels = amd_iommu_gpt_level };
	int domid;

	if (made.glx > amd_iommu_max_glx_val)
		return -EINVAL;
	domid = amd_iommu_pdom_id_alloc();
	if (domid <= 0)
		return -ENOSPC;
	made.domid = domid;
	made.gcr3_tbl = amd_gcr3_alloc_table(nid);
	if (!made.gcr3_tbl)
		goto err_domid;
	/* The entry of requests without PASID is there from the beginning: setting it does not fail. */
	if (!amd_gcr3_entry(&made, IOMMU_NO_PASID, amd_gcr3_alloc_table, nid))
		goto err_tables;
	*info = made;
	return 0;

err_tables:
	amd_gcr3_walk(made.gcr3_tbl, made.glx, amd_gcr3_free_table, NULL);
err_domid:
	amd_iommu_pdom_id_free(domid);
	return -ENOMEM;
}

/* Nothing points to it any more, and no cache has any of it. */
void amd_gcr3_free(struct amd_iommu *iommu, struct gcr3_tbl_info *info)
{
	amd_gcr3_walk(info->gcr3_tbl, info->glx, amd_gcr3_free_table, NULL);
	amd_liveupdate_free_domid(iommu, info->domid);
	*info = (struct gcr3_tbl_info){};
}

/*
 * The writer
 */

/* Have no cache go on with what it had of a PASID. Tests see here what the hardware can see. */
void amd_gcr3_sync(struct iommu_dev_data *dev_data, ioasid_t pasid, const u64 *entry)
{
	KUNIT_STATIC_STUB_REDIRECT(amd_gcr3_sync, dev_data, pasid, entry);

	/* For tests: make the unit read the entry as it is after this one store. */
	if (liveupdate_fault(LIVEUPDATE_FAULT_FLUSH)) {
		amd_iommu_flush_all_caches(get_amd_iommu_from_dev_data(dev_data));
		udelay(AMD_GCR3_EXPOSE_US);
	}
	amd_iommu_dev_flush_pasid_pages(dev_data, pasid, 0, U64_MAX);
}

static void amd_gcr3_store(struct iommu_dev_data *dev_data, ioasid_t pasid, u64 *entry, u64 target)
{
	if (*entry == target)
		return;
	/* For tests: block in between, for as long as a device TLB may take to be invalidated. */
	if (liveupdate_fault(LIVEUPDATE_FAULT_BLOCK_SWAP) && *entry && target) {
		WRITE_ONCE(*entry, 0);
		amd_gcr3_sync(dev_data, pasid, entry);
		mdelay(AMD_GCR3_BLOCK_MS);
	}
	/* The tables that it leads to are seen before it is. */
	smp_store_release(entry, target);
	amd_gcr3_sync(dev_data, pasid, entry);
}

/**
 * amd_gcr3_set() - have requests with a PASID translated
 * @dev_data: The device, which has a table.
 * @pasid: The PASID, or IOMMU_NO_PASID.
 * @top_pa: Top of the page table.
 *
 * Whatever translated them before does until the one store.
 *
 * Context: group->mutex of the device held. Waits for the unit.
 * Return: 0; -ENOMEM, and nothing changed.
 */
int amd_gcr3_set(struct iommu_dev_data *dev_data, ioasid_t pasid, u64 top_pa)
{
	struct amd_iommu *iommu = get_amd_iommu_from_dev_data(dev_data);
	u64 *entry = amd_gcr3_entry(&dev_data->gcr3_info, pasid, amd_gcr3_alloc_table,
				    iommu->dev ? dev_to_node(&iommu->dev->dev) : NUMA_NO_NODE);

	if (!entry)
		return -ENOMEM;
	amd_gcr3_store(dev_data, pasid, entry, amd_gcr3_make(top_pa));
	return 0;
}

/* Block requests with a PASID. */
void amd_gcr3_clear(struct iommu_dev_data *dev_data, ioasid_t pasid)
{
	u64 *entry = amd_gcr3_entry(&dev_data->gcr3_info, pasid, NULL, NUMA_NO_NODE);

	if (entry)
		amd_gcr3_store(dev_data, pasid, entry, 0);
}

int amd_iommu_set_gcr3(struct iommu_dev_data *dev_data, ioasid_t pasid, unsigned long gcr3)
{
	int ret;

	iommu_group_mutex_assert(dev_data->dev);
	ret = amd_gcr3_set(dev_data, pasid, gcr3);
	if (!ret)
		dev_data->gcr3_info.pasid_cnt++;
	return ret;
}

int amd_iommu_clear_gcr3(struct iommu_dev_data *dev_data, ioasid_t pasid)
{
	iommu_group_mutex_assert(dev_data->dev);
	amd_gcr3_clear(dev_data, pasid);
	dev_data->gcr3_info.pasid_cnt--;
	return 0;
}

/*
 * PASIDs on domains that iommufd made
 */

/* Where the page table of a guest domain begins. */
u64 amd_gcr3_domain_top(struct protection_domain *domain)
{
	struct pt_iommu_x86_64_hw_info table;

	pt_iommu_x86_64_hw_info(&domain->amdv2, &table);
	return table.gcr3_pt;
}

/* One number of levels, in the device table entry, is that of all page tables of a device. */
bool amd_gcr3_levels_fit(struct iommu_dev_data *dev_data, struct protection_domain *domain)
{
	struct pt_iommu_x86_64_hw_info table;

	pt_iommu_x86_64_hw_info(&domain->amdv2, &table);
	return dev_data->gcr3_info.levels == table.levels;
}

/* @domain invalidates what is cached of it for this PASID from now on. */
static int amd_pasid_join(struct protection_domain *domain, struct iommu_dev_data *dev_data, ioasid_t pasid)
{
	struct pdom_dev_data *attached;
	int ret;

	attached = kzalloc_obj(*attached);
	if (!attached)
		return -ENOMEM;
	attached->dev_data = dev_data;
	attached->pasid = pasid;
	ret = pdom_attach_iommu(get_amd_iommu_from_dev_data(dev_data), domain);
	if (ret) {
		kfree(attached);
		return ret;
	}
	guard(spinlock_irqsave)(&domain->lock);
	list_add(&attached->list, &domain->dev_data_list);
	return 0;
}

static struct pdom_dev_data *amd_pasid_take(struct protection_domain *domain, struct iommu_dev_data *dev_data, ioasid_t pasid)
{
	struct pdom_dev_data *attached;

	guard(spinlock_irqsave)(&domain->lock);
	for_each_pdom_dev_data(attached, domain)
		if (attached->dev_data == dev_data && attached->pasid == pasid) {
			list_del(&attached->list);
			return attached;
		}
	return NULL;
}

/* No entry leads to the domain any more. A restored one counts nobody. */
static void amd_pasid_leave(struct iommu_domain *old, struct iommu_dev_data *dev_data, ioasid_t pasid)
{
	struct pdom_dev_data *attached;

	if (!old || iommu_liveupdate_domain_restored(old))
		return;
	attached = amd_pasid_take(to_pdomain(old), dev_data, pasid);
	if (WARN_ON(!attached))
		return;
	kfree(attached);
	pdom_detach_iommu(get_amd_iommu_from_dev_data(dev_data), to_pdomain(old));
}

/**
 * amd_iommu_set_dev_pasid() - put a PASID of a device on a guest domain
 * @domain: The domain.
 * @dev: The device.
 * @pasid: The PASID.
 * @old: What the IOMMU core says it is on; NULL when it is on nothing.
 *
 * No access is blocked at any time, whether @old is a restored domain or one of this kernel.
 *
 * Context: set_dev_pasid(), group->mutex held.
 * Return: 0; otherwise the PASID is where it was: -EINVAL when the device has no such PASID or no table of PASIDs; -EOPNOTSUPP when it is
 *         shared with a process, or @domain has another number of levels than the device's other tables; -ENOMEM; -ENOSPC.
 */
int amd_iommu_set_dev_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid, struct iommu_domain *old)
{
	struct iommu_dev_data *dev_data = dev_iommu_priv_get(dev);
	struct protection_domain *pdom = to_pdomain(domain);
	int ret;

	if (!dev_data->gcr3_info.gcr3_tbl || !dev_data->pasid_enabled || pasid == IOMMU_NO_PASID || pasid >= dev_data->max_pasids)
		return -EINVAL;
	if ((old && old->type == IOMMU_DOMAIN_SVA) || !amd_gcr3_levels_fit(dev_data, pdom))
		return -EOPNOTSUPP;
	ret = amd_pasid_join(pdom, dev_data, pasid);
	if (ret)
		return ret;
	ret = amd_gcr3_set(dev_data, pasid, amd_gcr3_domain_top(pdom));
	if (ret) {
		amd_pasid_leave(domain, dev_data, pasid);
		return ret;
	}
	if (old)
		amd_pasid_leave(old, dev_data, pasid);
	else
		dev_data->gcr3_info.pasid_cnt++;
	return 0;
}

/* A PASID leaves the domain it is on, which is none of a process: it is blocked. */
void amd_gcr3_remove_dev_pasid(struct iommu_dev_data *dev_data, ioasid_t pasid, struct iommu_domain *old)
{
	amd_gcr3_clear(dev_data, pasid);
	dev_data->gcr3_info.pasid_cnt--;
	amd_pasid_leave(old, dev_data, pasid);
}
