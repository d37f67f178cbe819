// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: taking over IOMMU state, in the new kernel
 *
 * The blob is found and its records are checked by whoever asks first, which is interrupt remapping, before any initcall. When the IOMMU
 * driver starts, before it adopts any tables, no more is checked than what does not grow with what is mapped: that the list of a
 * domain's blocks was handed over, and the block of its top table. All lists are checked before the first domain is walked or freed; what is
 * in the tables, when somebody wants to move a device from them. What fails is quarantined, and says why:
 *
 *  - the blob: all is. Nothing of it is used, and drivers start with empty tables; translation is never turned off.
 *  - a unit:   its devices are. It starts with empty tables.
 *  - a domain's top table, or a device's entry: the devices on it are. Their entries are cleared before anything can fault on them or use them.
 *  - a domain's blocks or tables: the devices on it are, from then on.
 *
 * A device that passed stands on a restored domain: a domain that can be attached to a device that is on it already, replaced, and
 * freed, and nothing else. Attaching anything else to the device is the swap; the driver does it, in attach_dev(), seeing that the
 * domain it replaces is a restored one.
 *
 * Whether a device still stands on its restored domain is asked of the device's group, so there is no count that could be wrong.
 *
 * Lock: iommu_incoming_lock protects owners and what restored domains are taken and freed. Records do not change. States are single words,
 * written at boot, at release and at finish, and read without a lock. The lock is never taken inside group->mutex, and outside of it by
 * iommu_incoming_standing(). iommu_incoming_walk_lock protects what is known of domains' blocks and tables. It is taken inside of
 * iommu_incoming_lock, and held until devices of what is refused are blocked: group->mutex is taken inside of it.
 */
#define pr_fmt(fmt) "iommu liveupdate: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../iommu-pages.h"
#include "../iommu-priv.h"
#include "cost.h"
#include "incoming.h"

static DEFINE_MUTEX(iommu_incoming_lock);
static DEFINE_MUTEX(iommu_incoming_walk_lock);
static const struct iommu_ser *iommu_incoming_ser;	/* NULL: none, or refused */
static struct iommu_incoming_device *iommu_incoming_devices;
static struct iommu_incoming_swap *iommu_incoming_pasids;
static struct iommu_restored *iommu_incoming_domains;
static bool iommu_incoming_listed;			/* the lists of all domains' blocks were checked */
static enum { IOMMU_INCOMING_UNKNOWN, IOMMU_INCOMING_NONE, IOMMU_INCOMING_REFUSED, IOMMU_INCOMING_TAKEN } iommu_incoming_found;
static struct lu_verdict iommu_incoming_verdict;

/* The head page of what KHO preserved at @pa, and what is behind it in the same preservation. */
bool iommu_liveupdate_handed_over(u64 pa, u64 bytes)
{
	u64 end = pa + bytes;

	if (!bytes || end < pa || end > PFN_PHYS(max_pfn))
		return false;
	while (pa < end) {
		unsigned long kept = kho_preserved_bytes(pa);

		if (!kept)
			return false;
		pa = ALIGN_DOWN(pa, kept) + kept;
	}
	return true;
}

static const void *iommu_incoming_read(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	return iommu_liveupdate_handed_over(pa, bytes) ? phys_to_virt(pa) : NULL;
}

/* Access to what was handed over. */
struct lu_phys iommu_incoming_phys(void)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_incoming_phys);

	return (struct lu_phys){ .read = iommu_incoming_read, .end = PFN_PHYS(max_pfn) };
}

/* Allocated by slab, which is up before the first caller comes. */
static int iommu_incoming_alloc(const struct iommu_ser *ser)
{
	iommu_incoming_devices = kcalloc(ser->nr_devices, sizeof(*iommu_incoming_devices), GFP_KERNEL);
	iommu_incoming_pasids = kcalloc(ser->nr_pasids, sizeof(*iommu_incoming_pasids), GFP_KERNEL);
	iommu_incoming_domains = kcalloc(ser->nr_domains, sizeof(*iommu_incoming_domains), GFP_KERNEL);
	if (iommu_incoming_devices && iommu_incoming_pasids && iommu_incoming_domains)
		return 0;
	kfree(iommu_incoming_devices);
	kfree(iommu_incoming_pasids);
	kfree(iommu_incoming_domains);
	return -ENOMEM;
}

static void iommu_incoming_find(void)
{
	struct lu_phys phys = iommu_incoming_phys();
	phys_addr_t pa;
	size_t bytes;
	int ret;

	iommu_cost_scope(IOMMU_COST_FIND, 0);
	iommu_incoming_found = IOMMU_INCOMING_NONE;
	ret = kho_retrieve_subtree(IOMMU_SER_SUBTREE, &pa, &bytes);
	if (ret == -ENOENT)
		return;

	iommu_incoming_found = IOMMU_INCOMING_REFUSED;
	iommu_incoming_verdict.error = LU_ERR_RANGE;
	if (ret || !iommu_liveupdate_handed_over(pa, bytes) ||
	    !lu_verify_iommu(phys_to_virt(pa), bytes, &phys, &iommu_incoming_verdict)) {
		pr_err("what the old kernel left is refused (%s, record %u, address %#llx): every device is blocked\n",
		       lu_error_name(iommu_incoming_verdict.error), iommu_incoming_verdict.index,
		       iommu_incoming_verdict.address);
		return;
	}
	if (iommu_incoming_alloc(phys_to_virt(pa))) {
		pr_err("no memory to take over what the old kernel left: every device is blocked\n");
		return;
	}
	iommu_incoming_ser = phys_to_virt(pa);
	iommu_incoming_found = IOMMU_INCOMING_TAKEN;
}

/**
 * iommu_liveupdate_incoming() - did another kernel leave devices running?
 *
 * Context: From late_time_init() on. The first caller is alone, as all of early boot is.
 * Return: true also when what it left was refused: translation must not be turned off then either.
 */
bool iommu_liveupdate_incoming(void)
{
	/* Nothing could be found yet, and it would be taken for damage. */
	if (WARN_ON_ONCE(!slab_is_available()))
		return true;
	if (iommu_incoming_found == IOMMU_INCOMING_UNKNOWN) {
		iommu_incoming_find();
		if (iommu_incoming_ser)
			pr_info("taking over %u devices on %u domains behind %u units\n", iommu_incoming_ser->nr_devices,
				iommu_incoming_ser->nr_domains, iommu_incoming_ser->nr_units);
	}
	return iommu_incoming_found != IOMMU_INCOMING_NONE;
}

/**
 * iommu_liveupdate_refused() - is what another kernel left of no use?
 *
 * Then nobody knows which devices are running, and each must stay blocked until a driver has it.
 *
 * Context: From late_time_init() on.
 * Return: true when there was something, and none of it is used.
 */
bool iommu_liveupdate_refused(void)
{
	return iommu_liveupdate_incoming() && iommu_incoming_found == IOMMU_INCOMING_REFUSED;
}

/**
 * iommu_liveupdate_unit() - record of a unit
 * @driver: enum iommu_ser_driver.
 * @id: The driver's name for it.
 *
 * Context: Any, from late_time_init() on.
 * Return: The record, or NULL when there is none that may be used.
 */
const struct iommu_unit_ser *iommu_liveupdate_unit(u32 driver, u64 id)
{
	const struct iommu_unit_ser *units;
	u32 i;

	if (!iommu_liveupdate_incoming() || !iommu_incoming_ser)
		return NULL;
	units = lu_iommu_units(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_units; i++)
		if (units[i].driver == driver && units[i].id == id)
			return &units[i];
	return NULL;
}

/* The pages of a unit's tables: unit->nr_pages entries, verified. */
const u64 *iommu_liveupdate_unit_pages(const struct iommu_unit_ser *unit)
{
	return phys_to_virt(unit->pages_pa);
}

static int iommu_incoming_find_device(u32 segment, u16 rid, u32 *index)
{
	const struct iommu_device_ser *devices;
	u32 i;

	if (!iommu_liveupdate_incoming() || !iommu_incoming_ser)
		return -ENOENT;
	devices = lu_iommu_devices(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_devices; i++)
		if (devices[i].segment == segment && devices[i].rid == rid) {
			*index = i;
			return 0;
		}
	return -ENOENT;
}

/* Place of a device's record, whatever became of it. */
static int iommu_incoming_find_dev(struct device *dev, u32 *index)
{
	if (!dev_is_pci(dev))
		return -ENOENT;
	return iommu_incoming_find_device(pci_domain_nr(to_pci_dev(dev)->bus), pci_dev_id(to_pci_dev(dev)), index);
}

static u32 iommu_incoming_index(const struct iommu_device_ser *device)
{
	return device - lu_iommu_devices(iommu_incoming_ser);
}

/**
 * iommu_liveupdate_device() - record of a device that is still running
 * @unit: Behind which unit; NULL for any.
 * @segment: PCI segment.
 * @rid: PCI requester ID.
 *
 * Context: Any, from late_time_init() on.
 * Return: The record, or NULL when there is none, or it is quarantined or finished.
 */
const struct iommu_device_ser *iommu_liveupdate_device(const struct iommu_unit_ser *unit, u32 segment, u16 rid)
{
	const struct iommu_device_ser *devices;
	u32 i;

	if (!iommu_liveupdate_incoming() || !iommu_incoming_ser)
		return NULL;
	devices = lu_iommu_devices(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_devices; i++) {
		if (devices[i].segment != segment || devices[i].rid != rid)
			continue;
		if (unit && unit != &lu_iommu_units(iommu_incoming_ser)[devices[i].unit])
			continue;
		return iommu_incoming_devices[i].state == IOMMU_INCOMING_RESTORED ? &devices[i] : NULL;
	}
	return NULL;
}

/**
 * iommu_liveupdate_next_alias() - requester IDs that requests of a device may have beside its own
 * @device: Its record, whatever became of it.
 * @alias: The one before, NULL for the first.
 *
 * Context: Any, from late_time_init() on.
 * Return: The next record, ascending, or NULL.
 */
const struct iommu_alias_ser *iommu_liveupdate_next_alias(const struct iommu_device_ser *device, const struct iommu_alias_ser *alias)
{
	const struct iommu_alias_ser *aliases;
	u32 i;

	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_next_alias, device, alias);

	aliases = lu_iommu_aliases(iommu_incoming_ser);
	for (i = alias ? alias - aliases + 1 : 0; i < iommu_incoming_ser->nr_aliases; i++)
		if (aliases[i].device == iommu_incoming_index(device))
			return &aliases[i];
	return NULL;
}

/**
 * iommu_liveupdate_requester() - record of a device that is still running, by any requester ID its requests may have
 * @unit: Behind which unit.
 * @segment: PCI segment.
 * @rid: The requester ID: its own, or an alias.
 *
 * Drivers ask for every entry of a table, so time grows with the number of records, and no faster.
 *
 * Context: Any, from late_time_init() on.
 * Return: As iommu_liveupdate_device().
 */
const struct iommu_device_ser *iommu_liveupdate_requester(const struct iommu_unit_ser *unit, u32 segment, u16 rid)
{
	const struct iommu_device_ser *device = iommu_liveupdate_device(unit, segment, rid);
	const struct iommu_device_ser *owner;
	const struct iommu_alias_ser *alias;
	u32 i;

	for (i = 0; !device && iommu_incoming_ser && i < iommu_incoming_ser->nr_aliases; i++) {
		alias = &lu_iommu_aliases(iommu_incoming_ser)[i];
		owner = &lu_iommu_devices(iommu_incoming_ser)[alias->device];
		/* In another segment the number is another ID. */
		if (alias->rid == rid && owner->segment == segment)
			device = iommu_liveupdate_device(unit, segment, owner->rid);
	}
	return device;
}

/**
 * iommu_liveupdate_next_device() - the devices behind a unit that are still running
 * @unit: The unit.
 * @device: The one before, NULL for the first.
 *
 * Context: Any, from late_time_init() on.
 * Return: The next record that is neither quarantined nor finished, or NULL.
 */
const struct iommu_device_ser *iommu_liveupdate_next_device(const struct iommu_unit_ser *unit,
							    const struct iommu_device_ser *device)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(iommu_incoming_ser);
	u32 i;

	for (i = device ? iommu_incoming_index(device) + 1 : 0; i < iommu_incoming_ser->nr_devices; i++)
		if (unit == &lu_iommu_units(iommu_incoming_ser)[devices[i].unit] &&
		    iommu_incoming_devices[i].state == IOMMU_INCOMING_RESTORED)
			return &devices[i];
	return NULL;
}

/* The domain a device's record names. */
const struct iommu_domain_ser *iommu_liveupdate_device_domain(const struct iommu_device_ser *device)
{
	return &lu_iommu_domains(iommu_incoming_ser)[device->domain];
}

/**
 * iommu_liveupdate_next_pasid() - the PASIDs of a device
 * @device: Its record.
 * @pasid: The one before, NULL for the first.
 *
 * Context: Any, from late_time_init() on.
 * Return: The next record, ascending by PASID, or NULL.
 */
const struct iommu_pasid_ser *iommu_liveupdate_next_pasid(const struct iommu_device_ser *device,
							  const struct iommu_pasid_ser *pasid)
{
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(iommu_incoming_ser);
	u32 i, index = iommu_incoming_index(device);

	for (i = pasid ? pasid - pasids + 1 : 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (pasids[i].device == index)
			return &pasids[i];
	return NULL;
}

/* The domain a PASID's record names. */
const struct iommu_domain_ser *iommu_liveupdate_pasid_domain(const struct iommu_pasid_ser *pasid)
{
	return &lu_iommu_domains(iommu_incoming_ser)[pasid->domain];
}

/**
 * iommu_liveupdate_find_attach() - what requests of a device are to translate through
 * @device: Its record.
 * @pasid: With this PASID; IOMMU_NO_PASID for those without.
 * @domain: Set to the record of the domain.
 * @tag: Set to the tag.
 *
 * Context: Any, from late_time_init() on.
 * Return: false when nothing says that they may.
 */
bool iommu_liveupdate_find_attach(const struct iommu_device_ser *device, ioasid_t pasid, const struct iommu_domain_ser **domain,
				  u32 *tag)
{
	const struct iommu_pasid_ser *record = NULL;

	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_find_attach, device, pasid, domain, tag);

	if (pasid == IOMMU_NO_PASID) {
		*domain = iommu_liveupdate_device_domain(device);
		*tag = device->tag;
		return true;
	}
	while ((record = iommu_liveupdate_next_pasid(device, record))) {
		if (record->pasid != pasid)
			continue;
		*domain = iommu_liveupdate_pasid_domain(record);
		*tag = record->tag;
		return true;
	}
	return false;
}

/* How many PASIDs iommu_liveupdate_find_attach() finds, IOMMU_NO_PASID among them. */
unsigned int iommu_liveupdate_nr_attach(const struct iommu_device_ser *device)
{
	const struct iommu_pasid_ser *record = NULL;
	unsigned int nr = 1;

	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_nr_attach, device);

	while ((record = iommu_liveupdate_next_pasid(device, record)))
		nr++;
	return nr;
}

/**
 * iommu_liveupdate_claim_page() - a table of a unit is met
 * @unit: Its record.
 * @seen: One bit for each page of its list, zeroed before the first is met.
 * @pa: Where the table is.
 *
 * A page is one table: none can be met twice.
 *
 * Context: Any.
 * Return: false when the list has no such page, or it was met before.
 */
bool iommu_liveupdate_claim_page(const struct iommu_unit_ser *unit, u8 *seen, u64 pa)
{
	u32 index;

	if (!lu_page_listed(iommu_liveupdate_unit_pages(unit), unit->nr_pages, pa, &index) || (seen[index / 8] & BIT(index % 8)))
		return false;
	seen[index / 8] |= BIT(index % 8);
	return true;
}

/**
 * iommu_liveupdate_quarantine() - a device's state failed a check
 * @device: Its record.
 * @reason: What failed; a constant string.
 *
 * The caller makes the device's entry a blocking one. A device that is finished is none of the old kernel's any more.
 *
 * Context: Process context.
 */
void iommu_liveupdate_quarantine(const struct iommu_device_ser *device, const char *reason)
{
	struct iommu_incoming_device *incoming = &iommu_incoming_devices[iommu_incoming_index(device)];

	if (incoming->state != IOMMU_INCOMING_RESTORED)
		return;
	incoming->state = IOMMU_INCOMING_QUARANTINED;
	incoming->reason = reason;
	pr_err("%04x:%02x:%02x.%x is quarantined: %s\n", device->segment, PCI_BUS_NUM(device->rid),
	       PCI_SLOT(device->rid & 0xff), PCI_FUNC(device->rid & 0xff), reason);
}

/* All devices behind a unit. */
void iommu_liveupdate_quarantine_unit(const struct iommu_unit_ser *unit, const char *reason)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(iommu_incoming_ser);
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_devices; i++)
		if (&lu_iommu_units(iommu_incoming_ser)[devices[i].unit] == unit)
			iommu_liveupdate_quarantine(&devices[i], reason);
}

static void iommu_incoming_refuse_domain(u32 index, const struct lu_verdict *verdict)
{
	const struct iommu_domain_ser *domain = &lu_iommu_domains(iommu_incoming_ser)[index];
	const struct iommu_device_ser *devices = lu_iommu_devices(iommu_incoming_ser);
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(iommu_incoming_ser);
	u32 i;

	iommu_incoming_domains[index].refused = true;
	pr_err("domain %#llx of iommufd %llu is refused (%s, address %#llx)\n", domain->token, domain->iommufd_id,
	       lu_error_name(verdict->error), verdict->address);
	for (i = 0; i < iommu_incoming_ser->nr_devices; i++)
		if (devices[i].domain == index)
			iommu_liveupdate_quarantine(&devices[i], lu_error_name(verdict->error));
	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (pasids[i].domain == index)
			iommu_liveupdate_quarantine(&devices[pasids[i].device], lu_error_name(verdict->error));
}

/**
 * iommu_liveupdate_verify_domains() - check of every domain what must be right for its devices to go on, once
 *
 * Drivers call it before they adopt a unit: after it, iommu_liveupdate_device() returns none that stands on a domain that failed. What
 * takes a step for each block or table comes later: see iommu_incoming_verify_lists() and iommu_incoming_walk().
 *
 * Context: Boot, may sleep. Time grows with the number of domains, whatever is mapped.
 */
void iommu_liveupdate_verify_domains(void)
{
	const struct iommu_domain_ser *domains;
	struct lu_phys phys = iommu_incoming_phys();
	struct lu_verdict verdict;
	static bool done;
	u32 i;

	if (done || !iommu_liveupdate_incoming() || !iommu_incoming_ser)
		return;
	done = true;
	domains = lu_iommu_domains(iommu_incoming_ser);
	iommu_cost_scope(IOMMU_COST_VERIFY, 0);
	for (i = 0; i < iommu_incoming_ser->nr_domains; i++)
		if (!lu_verify_domain_head(&domains[i], &phys, &verdict))
			iommu_incoming_refuse_domain(i, &verdict);
}

/**
 * iommu_liveupdate_adopt_pages() - make memory of the old kernel ours
 * @pa: From a verified record.
 * @bytes: How much was preserved there at once. What was preserved in another size is something else, and stays what it is.
 *
 * Context: Boot or process context, may sleep.
 * Return: Its address, to be freed by iommu_free_pages(); NULL when KHO does not have it, or gave it away already.
 */
void *iommu_liveupdate_adopt_pages(u64 pa, u64 bytes)
{
	struct folio *folio;

	if (kho_preserved_bytes(pa) != bytes)
		return NULL;
	folio = kho_restore_folio(pa);
	if (!folio)
		return NULL;
	folio_ioptdesc(folio)->incoherent = false;
	mod_node_page_state(folio_pgdat(folio), NR_IOMMU_PAGES, folio_nr_pages(folio));
	lruvec_stat_mod_folio(folio, NR_SECONDARY_PAGETABLE, folio_nr_pages(folio));
	return folio_address(folio);
}

/**
 * iommu_liveupdate_adopt_unit() - make the tables of a unit ours: those of its list, and the directories of its devices
 * @unit: Its record.
 * @taken_pa: Of the list, what was adopted already, in one piece.
 * @taken_bytes: Its size; 0 when there is none.
 *
 * Context: Boot, may sleep.
 * Return: 0; -EFAULT when KHO does not have one, or gave it away already.
 */
int iommu_liveupdate_adopt_unit(const struct iommu_unit_ser *unit, u64 taken_pa, u64 taken_bytes)
{
	const struct iommu_device_ser *device = NULL;
	const u64 *pages = iommu_liveupdate_unit_pages(unit);
	u32 i;

	while ((device = iommu_liveupdate_next_device(unit, device)))
		if (device->pasid_dir_pa && !iommu_liveupdate_adopt_pages(device->pasid_dir_pa, device->pasid_dir_bytes))
			return -EFAULT;
	for (i = 0; i < unit->nr_pages; i++)
		if (pages[i] - taken_pa >= taken_bytes && !iommu_liveupdate_adopt_pages(pages[i], SZ_4K))
			return -EFAULT;
	return 0;
}

/*
 * A restored domain is attached at probe, to a device whose entry says so already; nothing is written. It is never attached again: an
 * attach of something else that fails leaves the device where it was, and its group has no other that is attached.
 */
static int iommu_restored_attach_dev(struct iommu_domain *domain, struct device *dev, struct iommu_domain *old)
{
	return old ? -EOPNOTSUPP : 0;
}

/* Restored domains live as long as the kernel; what they stand for is freed by iommu_incoming_free_domain(). */
static void iommu_restored_free(struct iommu_domain *domain)
{
}

static const struct iommu_domain_ops iommu_restored_ops = {
	.attach_dev = iommu_restored_attach_dev,
	.free = iommu_restored_free,
};

/**
 * iommu_liveupdate_domain_restored() - is this a domain of the old kernel?
 * @domain: Any domain, or NULL.
 *
 * Context: Any.
 * Return: true for a restored domain.
 */
bool iommu_liveupdate_domain_restored(const struct iommu_domain *domain)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_domain_restored, domain);

	return domain && domain->ops == &iommu_restored_ops;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_domain_restored);

/* The domain that stands for a record: the first device that is probed on it says whose it is. */
static struct iommu_restored *iommu_incoming_restored(u32 index, const struct iommu_ops *ops)
{
	struct iommu_restored *restored = &iommu_incoming_domains[index];

	restored->index = index;
	restored->domain.type = IOMMU_DOMAIN_UNMANAGED;
	restored->domain.ops = &iommu_restored_ops;
	restored->domain.owner = ops;
	return restored;
}

/**
 * iommu_liveupdate_add_aliases() - have drivers know all requester IDs of a device that was preserved
 * @dev: A device that is not probed yet.
 *
 * What says of a function or a bridge that there is another one may be a fixup, and does not run on what is in use.
 *
 * Context: Process context.
 * Return: 0; -ENOMEM.
 */
int iommu_liveupdate_add_aliases(struct device *dev)
{
	const struct iommu_alias_ser *alias = NULL;
	const struct iommu_device_ser *device;
	u32 index;

	if (iommu_incoming_find_dev(dev, &index))
		return 0;
	device = &lu_iommu_devices(iommu_incoming_ser)[index];
	while ((alias = iommu_liveupdate_next_alias(device, alias))) {
		pci_add_dma_alias(to_pci_dev(dev), alias->rid & 0xff, 1);
		if (!to_pci_dev(dev)->dma_alias_mask)
			return -ENOMEM;
	}
	return 0;
}

/**
 * iommu_liveupdate_stays_blocked() - is a device left out when its group is attached?
 * @domain: What the group is attached to.
 * @dev: A device of the group.
 * @old: What the group was on, or NULL.
 *
 * Nothing was handed over for a bridge in the group of a preserved device: it is blocked. So it is after the swap, too, until its
 * group goes somewhere else: it has no use for the domain, and one that has the bridge on it already may have no hitless way for the device.
 *
 * Context: group->mutex held.
 * Return: true for a bridge, when either domain is a restored one.
 */
bool iommu_liveupdate_stays_blocked(struct iommu_domain *domain, struct device *dev, struct iommu_domain *old)
{
	u32 index;

	if (!iommu_liveupdate_domain_restored(domain) && !iommu_liveupdate_domain_restored(old))
		return false;
	return iommu_liveupdate_is_bridge(dev) && iommu_incoming_find_dev(dev, &index);
}

/* group->mutex is held. */
static void iommu_incoming_block_pasid(struct device *dev, ioasid_t pasid, struct iommu_domain *old)
{
	struct iommu_domain *blocked = dev_iommu_ops(dev)->blocked_domain;

	KUNIT_STATIC_STUB_REDIRECT(iommu_incoming_block_pasid, dev, pasid, old);

	WARN_ON(!blocked || blocked->ops->set_dev_pasid(blocked, dev, pasid, old));
}

/* What was handed over for a device when it is probed: its entries are there, and were found good, and are not to be used. */
static void iommu_incoming_block_pasids(struct device *dev, const struct iommu_device_ser *device)
{
	const struct iommu_pasid_ser *pasid = NULL;

	while ((pasid = iommu_liveupdate_next_pasid(device, pasid)))
		iommu_incoming_block_pasid(dev, pasid->pasid, &iommu_incoming_restored(pasid->domain, dev_iommu_ops(dev))->domain);
}

/**
 * iommu_liveupdate_probe_domain() - what a device's group is attached to first
 * @dev: A device of the group, which is probed.
 * @domain: What is right for those that were asked about before; the default domain when this is the first.
 * @alone: It has no other device in its group, but for bridges. A device that has, though it had none when it was preserved, is
 *         quarantined.
 *
 * Context: Process context, group->mutex held.
 * Return: The restored domain of a device that was preserved; the driver's blocking domain for one that is quarantined;
 *         otherwise @domain.
 */
struct iommu_domain *iommu_liveupdate_probe_domain(struct device *dev, struct iommu_domain *domain, bool alone)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	const struct iommu_device_ser *device;
	const struct iommu_pasid_ser *pasid = NULL;
	u32 index;

	if (iommu_incoming_find_dev(dev, &index))
		return domain;
	device = &lu_iommu_devices(iommu_incoming_ser)[index];
	if (!alone && iommu_incoming_devices[index].state == IOMMU_INCOMING_RESTORED) {
		iommu_liveupdate_quarantine(device, "its IOMMU group has other devices");
		iommu_incoming_block_pasids(dev, device);
	}
	switch (iommu_incoming_devices[index].state) {
	case IOMMU_INCOMING_QUARANTINED:
		return ops->blocked_domain ?: domain;
	case IOMMU_INCOMING_FINISHED:
		return domain;
	case IOMMU_INCOMING_RESTORED:
		break;
	}

	while ((pasid = iommu_liveupdate_next_pasid(device, pasid)))
		iommu_incoming_restored(pasid->domain, ops);
	return &iommu_incoming_restored(device->domain, ops)->domain;
}

/**
 * iommu_incoming_may_start() - may a device that stands on nothing yet be attached to a domain?
 * @dev: The device.
 * @domain: The domain: its group's, which it may be joining now.
 *
 * Context: group->mutex held.
 * Return: true for the restored domain of a preserved device, and for anything else only if that blocks, or the device was not
 *         preserved, or its session is finished.
 */
bool iommu_incoming_may_start(struct device *dev, struct iommu_domain *domain)
{
	bool stands = false;
	u32 index;

	if (!iommu_incoming_find_dev(dev, &index))
		stands = iommu_incoming_devices[index].state == IOMMU_INCOMING_RESTORED;
	if (iommu_liveupdate_domain_restored(domain))
		return stands && container_of(domain, struct iommu_restored, domain)->index ==
					 lu_iommu_devices(iommu_incoming_ser)[index].domain;
	return !stands || domain->type == IOMMU_DOMAIN_BLOCKED;
}

/**
 * iommu_liveupdate_release() - the IOMMU core lets go of a device
 * @dev: The device.
 *
 * A device that is removed before its session was finished has no entry and no tables any more: if it comes back, it is blocked.
 *
 * Context: Process context.
 */
void iommu_liveupdate_release(struct device *dev)
{
	const struct iommu_device_ser *device;

	if (!dev_is_pci(dev))
		return;
	device = iommu_liveupdate_device(NULL, pci_domain_nr(to_pci_dev(dev)->bus), pci_dev_id(to_pci_dev(dev)));
	if (device)
		iommu_liveupdate_quarantine(device, "it was removed");
}

/**
 * iommu_liveupdate_may_claim() - may a group on a restored domain be claimed?
 * @domain: What the group stands on.
 * @owner: Who claims: an iommufd context.
 *
 * Context: Process context, group->mutex held.
 * Return: 0 for the context that was retrieved with the domain; -EPERM for any other; -EBUSY when @domain is no restored one.
 */
int iommu_liveupdate_may_claim(struct iommu_domain *domain, void *owner)
{
	if (!iommu_liveupdate_domain_restored(domain))
		return -EBUSY;
	/* Set once, before any file that leads here can be retrieved. */
	return READ_ONCE(container_of(domain, struct iommu_restored, domain)->owner) == owner ? 0 : -EPERM;
}

/**
 * iommu_liveupdate_set_owner() - an iommufd was retrieved
 * @iommufd_id: From its record.
 * @nr_domains: How many domains it says it has.
 * @owner: Its context.
 *
 * Context: Process context.
 * Return: 0; -EINVAL when the IOMMU core has another number of domains for it.
 */
int iommu_liveupdate_set_owner(u64 iommufd_id, u32 nr_domains, void *owner)
{
	const struct iommu_domain_ser *domains;
	u32 i, found = 0;

	guard(mutex)(&iommu_incoming_lock);
	if (!iommu_incoming_ser)
		return -EINVAL;
	domains = lu_iommu_domains(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_domains; i++)
		found += domains[i].iommufd_id == iommufd_id;
	if (found != nr_domains)
		return -EINVAL;
	for (i = 0; i < iommu_incoming_ser->nr_domains; i++) {
		if (domains[i].iommufd_id != iommufd_id)
			continue;
		iommu_incoming_domains[i].index = i;
		WRITE_ONCE(iommu_incoming_domains[i].owner, owner);
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_set_owner, "IOMMUFD_INTERNAL");

/* Does anything of a device translate through a domain, by the records? */
static bool iommu_incoming_uses(u32 device, u32 domain)
{
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(iommu_incoming_ser);
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (pasids[i].device == device && pasids[i].domain == domain)
			return true;
	return lu_iommu_devices(iommu_incoming_ser)[device].domain == domain;
}

static int iommu_incoming_walk_tables(const struct iommu_domain_ser *domain, struct lu_verdict *verdict)
{
	struct lu_phys phys = iommu_incoming_phys();
	u64 nr_pages = lu_domain_pages(domain, &phys);
	struct lu_scratch scratch = {
		.first = kvmalloc_array(domain->nr_blocks, sizeof(*scratch.first), GFP_KERNEL),
		.seen = kvzalloc(DIV_ROUND_UP(nr_pages, 8), GFP_KERNEL),
		.nr_pages = nr_pages,
	};
	int ret = -ENOMEM;

	if (scratch.first && scratch.seen)
		ret = lu_verify_domain(domain, &phys, &scratch, verdict) ? 0 : -EIO;
	kvfree(scratch.first);
	kvfree(scratch.seen);
	return ret;
}

/* What of a device stands on a restored domain is blocked. A PASID that was swapped is this kernel's. */
static void iommu_incoming_block_device(u32 device, struct device *dev)
{
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(iommu_incoming_ser);
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (pasids[i].device == device && !iommu_incoming_pasids[i].swapped)
			iommu_liveupdate_block_pasid(dev, pasids[i].pasid, &iommu_incoming_domains[pasids[i].domain].domain);
	iommu_liveupdate_block(dev);
}

/* Whatever was found wrong was found too late to leave the entry out: the devices are running. */
static void iommu_incoming_block_devices(u32 domain)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(iommu_incoming_ser);
	struct pci_dev *pdev;
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_devices; i++) {
		if (!iommu_incoming_uses(i, domain) || iommu_incoming_devices[i].state != IOMMU_INCOMING_QUARANTINED)
			continue;
		pdev = pci_get_domain_bus_and_slot(devices[i].segment, PCI_BUS_NUM(devices[i].rid), devices[i].rid & 0xff);
		if (!pdev)
			continue;
		iommu_incoming_block_device(i, &pdev->dev);
		pci_dev_put(pdev);
	}
}

/* Memory of two domains would be freed with one while devices use the other. */
static bool iommu_incoming_domain_alone(u32 index, struct lu_verdict *verdict)
{
	const struct iommu_domain_ser *domains = lu_iommu_domains(iommu_incoming_ser);
	struct lu_phys phys = iommu_incoming_phys();
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_domains; i++)
		if (i != index && !lu_verify_disjoint(&domains[index], &domains[i], &phys, verdict))
			return false;
	return true;
}

/*
 * Check the lists of all domains, once, before anything relies on one of them or is freed by it. All at once, since a list is good only if
 * it shares nothing with another: of two that do, neither may be freed, whichever is asked about first. And what cannot be
 * compared, because the other list is not in order, is not freed while a device uses the other domain: that is refused, and its
 * devices are blocked, before the lock is given back.
 */
static void iommu_incoming_verify_lists(void)
{
	const struct iommu_domain_ser *domains = lu_iommu_domains(iommu_incoming_ser);
	struct lu_phys phys = iommu_incoming_phys();
	struct lu_verdict verdict;
	u32 i;

	lockdep_assert_held(&iommu_incoming_walk_lock);
	if (iommu_incoming_listed)
		return;
	iommu_incoming_listed = true;
	for (i = 0; i < iommu_incoming_ser->nr_domains; i++) {
		if (!iommu_incoming_domains[i].refused &&
		    (!lu_verify_domain_blocks(&domains[i], &phys, &verdict) || !iommu_incoming_domain_alone(i, &verdict))) {
			iommu_incoming_refuse_domain(i, &verdict);
			iommu_incoming_block_devices(i);
		}
		cond_resched();
	}
}

/**
 * iommu_incoming_walk() - walk the tables of a domain, once, before this kernel relies on what is in them
 * @restored: The domain.
 *
 * Not at boot, since time grows with what is mapped, and devices wait for nothing. Until then only the hardware reads the tables, as it
 * did while no kernel looked: what they lead to has been reached already, whatever is found. KHO holds their memory. What comes
 * after it is all that would make something of them: an object for userspace, the comparison, and so the swap. A domain that
 * fails is refused, and its devices are blocked then.
 *
 * Context: Process context, may sleep; no group->mutex held.
 * Return: 0; -EIO when it is refused; -ENOMEM, and nothing is known of the tables.
 */
int iommu_incoming_walk(struct iommu_restored *restored)
{
	struct lu_verdict verdict;
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(iommu_incoming_walk, restored);

	guard(mutex)(&iommu_incoming_walk_lock);
	if (restored->walked)
		return 0;
	iommu_cost_scope(IOMMU_COST_WALK, 0);
	iommu_incoming_verify_lists();
	if (restored->refused)
		return -EIO;
	ret = iommu_incoming_walk_tables(&lu_iommu_domains(iommu_incoming_ser)[restored->index], &verdict);
	restored->walked = !ret;
	if (ret == -EIO) {
		iommu_incoming_refuse_domain(restored->index, &verdict);
		iommu_incoming_block_devices(restored->index);
	}
	return ret;
}

/**
 * iommu_liveupdate_take_domain() - have an object for a restored domain
 * @iommufd_id: Of which iommufd.
 * @token: What it was marked with.
 *
 * Context: Process context, may sleep. Time grows with the number of its tables.
 * Return: The domain, to be given back by iommu_liveupdate_put_domain(); -ENOENT when there is none, or its tables are freed; -EEXIST
 *         when it is taken; -EIO when it is refused.
 */
struct iommu_restored *iommu_liveupdate_take_domain(u64 iommufd_id, u64 token)
{
	const struct iommu_domain_ser *domains;
	struct iommu_restored *restored;
	int ret;
	u32 i;

	guard(mutex)(&iommu_incoming_lock);
	for (i = 0; iommu_incoming_ser && i < iommu_incoming_ser->nr_domains; i++) {
		domains = lu_iommu_domains(iommu_incoming_ser);
		restored = &iommu_incoming_domains[i];
		if (domains[i].iommufd_id != iommufd_id || domains[i].token != token || restored->freed)
			continue;
		if (restored->taken)
			return ERR_PTR(-EEXIST);
		restored->index = i;
		ret = iommu_incoming_walk(restored);
		if (ret)
			return ERR_PTR(ret);
		restored->taken = true;
		return restored;
	}
	return ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_take_domain, "IOMMUFD_INTERNAL");

/* A device that was not probed yet stands where it stood. One that is not there any more stands nowhere. */
static bool iommu_incoming_standing(u32 index)
{
	const struct iommu_device_ser *device = &lu_iommu_devices(iommu_incoming_ser)[index];
	struct pci_dev *pdev;
	bool standing;

	if (iommu_incoming_devices[index].state != IOMMU_INCOMING_RESTORED)
		return false;
	pdev = pci_get_domain_bus_and_slot(device->segment, PCI_BUS_NUM(device->rid), device->rid & 0xff);
	if (!pdev)
		return false;
	standing = !pdev->dev.iommu_group || iommu_liveupdate_domain_restored(iommu_get_domain_for_dev(&pdev->dev));
	pci_dev_put(pdev);
	return standing;
}

/* A PASID stands where it stood until it is swapped, or its device is not there any more. */
static bool iommu_incoming_pasid_stands(u32 index)
{
	return !iommu_incoming_pasids[index].swapped &&
	       iommu_incoming_devices[lu_iommu_pasids(iommu_incoming_ser)[index].device].state == IOMMU_INCOMING_RESTORED;
}

static bool iommu_incoming_busy(u32 domain)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(iommu_incoming_ser);
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(iommu_incoming_ser);
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (pasids[i].domain == domain && iommu_incoming_pasid_stands(i))
			return true;

	for (i = 0; i < iommu_incoming_ser->nr_devices; i++)
		if (devices[i].domain == domain && iommu_incoming_standing(i))
			return true;
	return false;
}

/**
 * iommu_liveupdate_domain_busy() - does a device still stand on it?
 * @restored: A restored domain.
 *
 * Context: Process context, may sleep.
 * Return: true while one does.
 */
bool iommu_liveupdate_domain_busy(struct iommu_restored *restored)
{
	return iommu_incoming_busy(restored->index);
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_domain_busy, "IOMMUFD_INTERNAL");

/* What a unit caches a domain under, 0 when it does not, or under tags that are devices' own. */
static u32 iommu_incoming_tag(u32 unit, u32 domain)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(iommu_incoming_ser);
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(iommu_incoming_ser);
	u32 i;

	for (i = 0; i < iommu_incoming_ser->nr_devices; i++)
		if (devices[i].unit == unit && devices[i].domain == domain && !(devices[i].flags & IOMMU_DEVICE_SER_OWN_TAG))
			return devices[i].tag;
	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (devices[pasids[i].device].unit == unit && pasids[i].domain == domain &&
		    !(devices[pasids[i].device].flags & IOMMU_DEVICE_SER_OWN_TAG))
			return pasids[i].tag;
	return 0;
}

/* Tags go back when nothing stands on the domain, each of a unit once, however many devices it had there. */
static void iommu_incoming_release_tags(const struct iommu_restored *restored)
{
	const struct iommu_ops *ops = restored->domain.owner;
	u32 unit, tag;

	if (!ops)
		return;
	for (unit = 0; unit < iommu_incoming_ser->nr_units; unit++) {
		tag = iommu_incoming_tag(unit, restored->index);
		if (tag)
			ops->liveupdate->release_tag(lu_iommu_units(iommu_incoming_ser)[unit].id, tag);
	}
}

static void iommu_incoming_free_tables(const struct iommu_domain_ser *domain)
{
	const u64 *blocks = phys_to_virt(domain->blocks_pa);
	u32 i;

	KUNIT_STATIC_STUB_REDIRECT(iommu_incoming_free_tables, domain);

	for (i = 0; i < domain->nr_blocks; i++) {
		iommu_free_pages(iommu_liveupdate_adopt_pages(lu_block_pa(blocks[i]), lu_block_bytes(blocks[i])));
		cond_resched();
	}
	kho_restore_free(phys_to_virt(domain->blocks_pa));
}

/* A domain that nobody asked for is freed without a walk, which does not matter: freeing reads the list, and no table. */
static bool iommu_incoming_may_free(const struct iommu_restored *restored)
{
	guard(mutex)(&iommu_incoming_walk_lock);
	iommu_incoming_verify_lists();
	return !restored->refused;
}

static void iommu_incoming_free_domain(struct iommu_restored *restored)
{
	const struct iommu_domain_ser *domain = &lu_iommu_domains(iommu_incoming_ser)[restored->index];

	if (restored->freed || WARN_ON(iommu_incoming_busy(restored->index)))
		return;
	restored->freed = true;
	iommu_cost_scope(IOMMU_COST_FREE, 0);
	iommu_incoming_release_tags(restored);
	if (iommu_incoming_may_free(restored))
		iommu_incoming_free_tables(domain);
	else
		pr_warn("domain %#llx of iommufd %llu is refused: the memory of its tables is not freed\n", domain->token,
			domain->iommufd_id);
}

/**
 * iommu_liveupdate_put_domain() - the object for a restored domain goes
 * @restored: From iommu_liveupdate_take_domain().
 *
 * Its tables go with it, unless a device still stands on them: then they wait for another object, or for finish.
 *
 * Context: Process context, may sleep. Time grows with the number of blocks of tables.
 */
void iommu_liveupdate_put_domain(struct iommu_restored *restored)
{
	guard(mutex)(&iommu_incoming_lock);
	restored->taken = false;
	if (!iommu_incoming_busy(restored->index))
		iommu_incoming_free_domain(restored);
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_put_domain, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_iommufd_busy() - does a device still stand on any domain of an iommufd?
 * @iommufd_id: Which.
 *
 * Context: Process context, may sleep.
 * Return: true while one does.
 */
bool iommu_liveupdate_iommufd_busy(u64 iommufd_id)
{
	u32 i;

	for (i = 0; iommu_incoming_ser && i < iommu_incoming_ser->nr_domains; i++)
		if (lu_iommu_domains(iommu_incoming_ser)[i].iommufd_id == iommufd_id && iommu_incoming_busy(i))
			return true;
	return false;
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_iommufd_busy, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_finish_iommufd() - free what is left of an iommufd's domains
 * @iommufd_id: Which; not busy.
 *
 * Context: Process context, may sleep.
 */
void iommu_liveupdate_finish_iommufd(u64 iommufd_id)
{
	u32 i;

	for (i = 0; iommu_incoming_ser && i < iommu_incoming_ser->nr_domains; i++)
		if (lu_iommu_domains(iommu_incoming_ser)[i].iommufd_id == iommufd_id) {
			iommu_incoming_domains[i].index = i;
			guard(mutex)(&iommu_incoming_lock);
			iommu_incoming_free_domain(&iommu_incoming_domains[i]);
		}
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_finish_iommufd, "IOMMUFD_INTERNAL");


/* Is a device blocked until its session is finished? */
bool iommu_incoming_quarantined(struct device *dev)
{
	u32 index;

	return !iommu_incoming_find_dev(dev, &index) && iommu_incoming_devices[index].state == IOMMU_INCOMING_QUARANTINED;
}

/* Record of a restored domain. */
const struct iommu_domain_ser *iommu_incoming_domain(const struct iommu_restored *restored)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_incoming_domain, restored);

	return &lu_iommu_domains(iommu_incoming_ser)[restored->index];
}

static int iommu_incoming_find_pasid(struct device *dev, ioasid_t pasid, u32 *index)
{
	const struct iommu_pasid_ser *pasids;
	u32 i, device;

	if (iommu_incoming_find_dev(dev, &device))
		return -ENOENT;
	pasids = lu_iommu_pasids(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++)
		if (pasids[i].device == device && pasids[i].pasid == pasid) {
			*index = i;
			return 0;
		}
	return -ENOENT;
}

/* Of a device, or a PASID of it, that another kernel preserved; NULL when none did. */
struct iommu_incoming_swap *iommu_incoming_swap(struct device *dev, ioasid_t pasid)
{
	u32 index;

	if (pasid != IOMMU_NO_PASID)
		return iommu_incoming_find_pasid(dev, pasid, &index) ? NULL : &iommu_incoming_pasids[index];
	return iommu_incoming_find_dev(dev, &index) ? NULL : &iommu_incoming_devices[index].swap;
}

/* The restored domain that a PASID stands on, or NULL. */
struct iommu_restored *iommu_incoming_pasid_standing(struct device *dev, ioasid_t pasid)
{
	u32 index;

	if (iommu_incoming_find_pasid(dev, pasid, &index) || !iommu_incoming_pasid_stands(index))
		return NULL;
	return iommu_incoming_restored(lu_iommu_pasids(iommu_incoming_ser)[index].domain, dev_iommu_ops(dev));
}

/**
 * iommu_liveupdate_device_state() - what became of a device
 * @segment: PCI segment.
 * @rid: PCI requester ID.
 * @state: Set when there is a record.
 *
 * Context: Any, from late_time_init() on.
 * Return: 0, or -ENOENT when no kernel preserved it.
 */
int iommu_liveupdate_device_state(u32 segment, u16 rid, enum iommu_incoming_state *state)
{
	u32 index;
	int ret;

	ret = iommu_incoming_find_device(segment, rid, &index);
	if (!ret)
		*state = iommu_incoming_devices[index].state;
	return ret;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_device_state);

/**
 * iommu_liveupdate_device_busy() - does a device stand on its restored domain?
 * @segment: PCI segment.
 * @rid: PCI requester ID.
 *
 * Context: Process context, may sleep.
 * Return: true until it was swapped.
 */
bool iommu_liveupdate_device_busy(u32 segment, u16 rid)
{
	u32 index;

	return !iommu_incoming_find_device(segment, rid, &index) && iommu_incoming_standing(index);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_device_busy);

/**
 * iommu_liveupdate_finish_device() - a device is one like any other again
 * @segment: PCI segment.
 * @rid: PCI requester ID; not busy.
 *
 * Context: Process context.
 */
void iommu_liveupdate_finish_device(u32 segment, u16 rid)
{
	struct pci_dev *pdev;
	u32 index;

	if (iommu_incoming_find_device(segment, rid, &index))
		return;
	pdev = pci_get_domain_bus_and_slot(segment, PCI_BUS_NUM(rid), rid & 0xff);
	/* It may be doing DMA still, and the default domain may be one of identity. */
	if (pdev && iommu_incoming_devices[index].state == IOMMU_INCOMING_QUARANTINED)
		pci_clear_master(pdev);
	iommu_incoming_devices[index].state = IOMMU_INCOMING_FINISHED;
	if (!pdev)
		return;
	iommu_liveupdate_use_default_domain(&pdev->dev);
	pci_dev_put(pdev);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_finish_device);

static void iommu_incoming_show_swap(struct seq_file *m, const struct iommu_incoming_swap *swap)
{
	const struct iommu_liveupdate_difference *difference = &swap->difference;

	if (swap->differs)
		seq_printf(m, "\tnot swapped: iova %#llx old %#llx %s new %#llx %s\n", difference->iova, difference->old_pa,
			   iommu_liveupdate_perm_name(difference->old_perm), difference->new_pa,
			   iommu_liveupdate_perm_name(difference->new_perm));
}

static int iommu_incoming_show(struct seq_file *m, void *unused)
{
	static const char *const names[] = { "restored", "quarantined", "finished" };
	const struct iommu_device_ser *devices;
	const struct iommu_pasid_ser *pasids;
	u32 i;

	if (iommu_incoming_found == IOMMU_INCOMING_REFUSED)
		seq_printf(m, "refused: %s, record %u, address %#llx\n", lu_error_name(iommu_incoming_verdict.error),
			   iommu_incoming_verdict.index, iommu_incoming_verdict.address);
	if (!iommu_incoming_ser)
		return 0;
	devices = lu_iommu_devices(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_devices; i++) {
		const struct iommu_incoming_device *incoming = &iommu_incoming_devices[i];

		seq_printf(m, "%04x:%02x:%02x.%x %s%s%s%s\n", devices[i].segment, PCI_BUS_NUM(devices[i].rid),
			   PCI_SLOT(devices[i].rid & 0xff), PCI_FUNC(devices[i].rid & 0xff), names[incoming->state],
			   incoming->reason ? ": " : "", incoming->reason ?: "",
			   iommu_incoming_standing(i) ? " (on the old tables)" : "");
		iommu_incoming_show_swap(m, &incoming->swap);
	}
	pasids = lu_iommu_pasids(iommu_incoming_ser);
	for (i = 0; i < iommu_incoming_ser->nr_pasids; i++) {
		seq_printf(m, "%04x:%02x:%02x.%x pasid %u%s\n", devices[pasids[i].device].segment,
			   PCI_BUS_NUM(devices[pasids[i].device].rid), PCI_SLOT(devices[pasids[i].device].rid & 0xff),
			   PCI_FUNC(devices[pasids[i].device].rid & 0xff), pasids[i].pasid,
			   iommu_incoming_pasid_stands(i) ? " (on the old tables)" : "");
		iommu_incoming_show_swap(m, &iommu_incoming_pasids[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iommu_incoming);

static int __init iommu_incoming_debugfs_init(void)
{
	debugfs_create_file("iommu-liveupdate", 0400, NULL, NULL, &iommu_incoming_fops);
	return 0;
}
late_initcall(iommu_incoming_debugfs_init);

#if IS_ENABLED(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "incoming_kunit.c"
#endif
