// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: preserving IOMMU state, in the old kernel
 *
 * iommufd preserves domains, vfio then preserves the devices that stand on them. A domain's tables are kept by the blocks of its
 * arena (arena.c), or, of a domain that has none, page by page; what the hardware will be left on is made by the driver, beside the
 * live tables (see struct iommu_liveupdate_ops), so that undoing is freeing, and whatever happens to the live tables later does not matter.
 *
 * The blob for the next kernel (include/linux/kho/abi/iommu.h) is written anew at each change, so there is nothing left to
 * do for it when the machine goes down, and nothing that can fail then.
 *
 * Happy path:   preserve_domain() ... preserve_device() ... kexec
 * Unhappy path: unpreserve_device() ... unpreserve_domain(), in reverse order; or either fails, and nothing changed.
 *
 * Lock: iommu_outgoing_lock protects everything here. It is taken inside the locks of LUO, iommufd and vfio, and outside of
 * those of the IOMMU drivers.
 */
#define pr_fmt(fmt) "iommu liveupdate: " fmt

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/generic_pt/iommu.h>
#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>
#include <linux/kexec_handover.h>
#include <linux/list.h>
#include <linux/liveupdate-fault.h>
#include <linux/liveupdate.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "../iommu-pages.h"
#include "../iommu-priv.h"
#include "arena.h"
#include "blob.h"
#include "cost.h"
#include "verify.h"

struct iommu_outgoing_domain {
	struct list_head list;
	struct iommu_domain *domain;
	struct iommu_domain_ser ser;
	u64 *blocks;		/* kho_alloc_preserve()d, ser.nr_blocks entries */
	unsigned int nr_devices;
	u32 index;		/* in the blob, set while it is written */
};

struct iommu_outgoing_unit {
	struct list_head list;
	struct iommu_unit_ser ser;
	u32 index;
};

struct iommu_outgoing_attach {
	struct iommu_outgoing_domain *domain;
	u32 pasid;
	u32 tag;
};

struct iommu_outgoing_device {
	struct list_head list;
	struct device *dev;
	struct iommu_outgoing_unit *unit;
	struct iommu_device_ser ser;
	struct iommu_liveupdate_aliases aliases;
	unsigned int nr_attach;
	struct iommu_outgoing_attach attach[] __counted_by(nr_attach);	/* the first without PASID */
};

static DEFINE_MUTEX(iommu_outgoing_lock);
static LIST_HEAD(iommu_outgoing_domains);
static LIST_HEAD(iommu_outgoing_units);
static LIST_HEAD(iommu_outgoing_devices);
static void *iommu_outgoing_blob;

static struct iommu_outgoing_domain *iommu_outgoing_find_domain(struct iommu_domain *domain)
{
	struct iommu_outgoing_domain *out;

	list_for_each_entry(out, &iommu_outgoing_domains, list)
		if (out->domain == domain)
			return out;
	return NULL;
}

static struct iommu_outgoing_device *iommu_outgoing_find_device(struct device *dev)
{
	struct iommu_outgoing_device *out;

	list_for_each_entry(out, &iommu_outgoing_devices, list)
		if (out->dev == dev)
			return out;
	return NULL;
}

static struct iommu_outgoing_unit *iommu_outgoing_find_unit(u32 driver, u64 id)
{
	struct iommu_outgoing_unit *out;

	list_for_each_entry(out, &iommu_outgoing_units, list)
		if (out->ser.driver == driver && out->ser.id == id)
			return out;
	return NULL;
}

static u32 iommu_outgoing_nr_pasids(void)
{
	struct iommu_outgoing_device *device;
	u32 nr = 0;

	list_for_each_entry(device, &iommu_outgoing_devices, list)
		nr += device->nr_attach - 1;
	return nr;
}

static u32 iommu_outgoing_nr_aliases(void)
{
	struct iommu_outgoing_device *device;
	u32 nr = 0;

	list_for_each_entry(device, &iommu_outgoing_devices, list)
		nr += device->aliases.nr;
	return nr;
}

static void iommu_outgoing_write_device(struct iommu_ser *ser, struct iommu_outgoing_device *device, u32 index, u32 *pasid, u32 *alias)
{
	struct iommu_pasid_ser *pasids = (struct iommu_pasid_ser *)lu_iommu_pasids(ser);
	struct iommu_alias_ser *aliases = (struct iommu_alias_ser *)lu_iommu_aliases(ser);
	unsigned int i;

	device->ser.unit = device->unit->index;
	device->ser.domain = device->attach[0].domain->index;
	device->ser.tag = device->attach[0].tag;
	((struct iommu_device_ser *)lu_iommu_devices(ser))[index] = device->ser;
	for (i = 1; i < device->nr_attach; i++)
		pasids[(*pasid)++] = (struct iommu_pasid_ser){
			.device = index,
			.pasid = device->attach[i].pasid,
			.domain = device->attach[i].domain->index,
			.tag = device->attach[i].tag,
		};
	for (i = 0; i < device->aliases.nr; i++)
		aliases[(*alias)++] = (struct iommu_alias_ser){ .device = index, .rid = device->aliases.rids[i] };
}

/* How many records there are. */
static void iommu_outgoing_count_records(struct iommu_ser *ser)
{
	ser->nr_units = list_count_nodes(&iommu_outgoing_units);
	ser->nr_domains = list_count_nodes(&iommu_outgoing_domains);
	ser->nr_devices = list_count_nodes(&iommu_outgoing_devices);
	ser->nr_pasids = iommu_outgoing_nr_pasids();
	ser->nr_aliases = iommu_outgoing_nr_aliases();
}

static void iommu_outgoing_write(void *blob, size_t bytes)
{
	struct iommu_ser *ser = blob;
	struct iommu_outgoing_domain *domain;
	struct iommu_outgoing_device *device;
	struct iommu_outgoing_unit *unit;
	u32 i, pasid = 0, alias = 0;

	memset(ser, 0, bytes);
	iommu_outgoing_count_records(ser);

	i = 0;
	list_for_each_entry(unit, &iommu_outgoing_units, list) {
		unit->index = i++;
		((struct iommu_unit_ser *)lu_iommu_units(ser))[unit->index] = unit->ser;
	}
	i = 0;
	list_for_each_entry(domain, &iommu_outgoing_domains, list) {
		domain->index = i++;
		((struct iommu_domain_ser *)lu_iommu_domains(ser))[domain->index] = domain->ser;
	}
	i = 0;
	list_for_each_entry(device, &iommu_outgoing_devices, list)
		iommu_outgoing_write_device(ser, device, i++, &pasid, &alias);

	ser->head.magic = IOMMU_SER_MAGIC;
	ser->head.version = IOMMU_SER_VERSION;
	ser->head.length_bytes = bytes;
	ser->head.crc32 = lu_blob_crc32(ser, bytes);
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_BLOB))
		ser->head.crc32 ^= 1;
}

static size_t iommu_outgoing_bytes(void)
{
	struct iommu_ser ser = {};

	iommu_outgoing_count_records(&ser);
	return lu_iommu_bytes(&ser);
}

/* Cannot fail when something was taken away. */
static int iommu_outgoing_publish(void)
{
	return lu_blob_publish(IOMMU_SER_SUBTREE, &iommu_outgoing_blob,
			       list_empty(&iommu_outgoing_domains) ? 0 : iommu_outgoing_bytes(), iommu_outgoing_write);
}

struct iommu_outgoing_collect {
	u64 *tables;
	u32 nr_tables;
	u32 max_tables;
};

static int iommu_outgoing_collect_one(void *arg, void *table)
{
	struct iommu_outgoing_collect *collect = arg;

	if (collect->nr_tables == IOMMU_SER_MAX_PAGES)
		return -E2BIG;
	if (collect->nr_tables < collect->max_tables)
		collect->tables[collect->nr_tables] = virt_to_phys(table);
	collect->nr_tables++;
	return 0;
}

/*
 * The blocks that the tables are in, or the tables themselves. The caller holds the mappings still, so that counting and listing see
 * the same.
 */
static int iommu_outgoing_list_blocks(struct pt_iommu *pt, u64 *blocks, u32 max_blocks, u32 *nr_blocks, u32 *nr_tables)
{
	struct iommu_outgoing_collect collect = { .tables = blocks, .max_tables = max_blocks };
	struct iommu_arena_usage usage;
	int ret;

	if (pt->arena) {
		iommu_arena_trim(pt->arena, &usage);
		*nr_tables = usage.nr_tables;
		*nr_blocks = iommu_arena_list(pt->arena, blocks, max_blocks);
		return *nr_blocks > IOMMU_SER_MAX_PAGES ? -E2BIG : 0;
	}
	ret = pt->ops->visit_tables(pt, iommu_outgoing_collect_one, &collect);
	*nr_tables = collect.nr_tables;
	*nr_blocks = collect.nr_tables;
	return ret;
}

static int iommu_outgoing_compare(const void *a, const void *b)
{
	const u64 *pa = a, *pb = b;

	return *pa < *pb ? -1 : *pa > *pb;
}

static struct page *iommu_outgoing_block_page(u64 block)
{
	return phys_to_page(lu_block_pa(block));
}

static void iommu_outgoing_unpreserve_blocks(const u64 *blocks, u32 nr_blocks)
{
	while (nr_blocks--)
		kho_unpreserve_pages(iommu_outgoing_block_page(blocks[nr_blocks]), lu_block_bytes(blocks[nr_blocks]) / PAGE_SIZE);
}

static int iommu_outgoing_preserve_blocks(const u64 *blocks, u32 nr_blocks)
{
	u32 i;
	int ret;

	for (i = 0; i < nr_blocks; i++) {
		ret = kho_preserve_pages(iommu_outgoing_block_page(blocks[i]), lu_block_bytes(blocks[i]) / PAGE_SIZE);
		if (ret) {
			iommu_outgoing_unpreserve_blocks(blocks, i);
			return ret;
		}
		cond_resched();
	}
	return 0;
}

static void iommu_outgoing_say_cost(const struct iommu_outgoing_domain *out)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < out->ser.nr_blocks; i++)
		pages += lu_block_bytes(out->blocks[i]) / PAGE_SIZE;
	pr_info("domain %#llx of iommufd %llu: %u tables in %u blocks, a key of KHO each, %llu KiB of them unused\n", out->ser.token,
		out->ser.iommufd_id, out->ser.nr_tables, out->ser.nr_blocks,
		(pages - out->ser.nr_tables) * (PAGE_SIZE / SZ_1K));
	if (!iommupt_from_domain(out->domain)->arena)
		pr_info("domain %#llx of iommufd %llu was not made from blocks: the next kernel reserves %u single pages when it boots\n",
			out->ser.token, out->ser.iommufd_id, out->ser.nr_blocks);
}

static void iommu_outgoing_count(const struct iommu_outgoing_domain *out, int by)
{
	const s64 nr_blocks = out->ser.nr_blocks;

	iommu_cost_keep(IOMMU_KEPT_TABLES, by * (s64)out->ser.nr_tables);
	iommu_cost_keep(IOMMU_KEPT_TABLE_KEYS, by * nr_blocks);
	iommu_cost_keep(IOMMU_KEPT_TABLE_RUNS, by * (s64)iommu_cost_runs(out->blocks, nr_blocks));
	iommu_cost_keep(IOMMU_KEPT_METADATA, by * nr_blocks * (s64)sizeof(*out->blocks));
}

static int iommu_outgoing_preserve_tables(struct iommu_outgoing_domain *out)
{
	struct pt_iommu *pt = iommupt_from_domain(out->domain);
	u32 max_blocks, nr_blocks, nr_tables;
	u64 *blocks;
	int ret;

	ret = iommu_outgoing_list_blocks(pt, NULL, 0, &max_blocks, &nr_tables);
	if (ret)
		return ret;
	blocks = kho_alloc_preserve(array_size(max_blocks, sizeof(u64)));
	if (IS_ERR(blocks))
		return PTR_ERR(blocks);
	ret = iommu_outgoing_list_blocks(pt, blocks, max_blocks, &nr_blocks, &nr_tables);
	if (!ret && WARN_ON(nr_blocks != max_blocks))
		ret = -EBUSY;
	if (ret)
		goto err_free;
	sort(blocks, nr_blocks, sizeof(u64), iommu_outgoing_compare, NULL);
	ret = iommu_outgoing_preserve_blocks(blocks, nr_blocks);
	if (ret)
		goto err_free;

	out->blocks = blocks;
	out->ser.blocks_pa = virt_to_phys(blocks);
	out->ser.nr_blocks = nr_blocks;
	out->ser.nr_tables = nr_tables;
	iommu_outgoing_say_cost(out);
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_TABLES) && list_empty(&iommu_outgoing_domains))
		out->ser.nr_tables++;
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_TOP) && list_empty(&iommu_outgoing_domains))
		out->ser.top_pa = out->ser.blocks_pa;
	/* Beyond all memory; the last page of the list has room for one more, or the fault shows as none. */
	if (liveupdate_fault(LIVEUPDATE_FAULT_SPOIL_LIST) && list_empty(&iommu_outgoing_domains) && nr_blocks % (PAGE_SIZE / sizeof(u64)))
		blocks[out->ser.nr_blocks++] = BIT_ULL(51);
	iommu_outgoing_count(out, 1);
	return 0;

err_free:
	kho_unpreserve_free(blocks);
	return ret;
}

static void iommu_outgoing_free_domain(struct iommu_outgoing_domain *out)
{
	iommu_outgoing_count(out, -1);
	iommu_outgoing_unpreserve_blocks(out->blocks, out->ser.nr_blocks);
	kho_unpreserve_free(out->blocks);
	kfree(out);
}

/* For those who measure what arenas are worth. */
static bool iommu_outgoing_arenas = true;
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "iommu_liveupdate."
module_param_named(arenas, iommu_outgoing_arenas, bool, 0444);
MODULE_PARM_DESC(arenas, "Make tables that may be preserved from blocks that are preserved at once (default: true)");

/**
 * iommu_liveupdate_use_arena() - have the tables of a domain come from an arena, if it may be preserved one day
 * @domain: A new domain of an iommufd, with its owner set, that is attached to nothing.
 *
 * Without memory for that it has none, and costs more to preserve.
 *
 * Context: Process context, may sleep.
 */
void iommu_liveupdate_use_arena(struct iommu_domain *domain)
{
	struct pt_iommu *pt = iommupt_from_domain(domain);
	struct iommu_arena *arena;

	if (!iommu_outgoing_arenas || !liveupdate_enabled() || !pt || !domain->owner || !domain->owner->liveupdate)
		return;
	arena = iommu_arena_create(pt->nid);
	if (arena && pt->ops->use_arena(pt, arena))
		iommu_arena_put(arena);
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_use_arena, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_check_domain() - is a domain of a kind that can be preserved?
 * @domain: Any domain.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EOPNOTSUPP.
 */
int iommu_liveupdate_check_domain(struct iommu_domain *domain)
{
	const struct iommu_ops *ops = domain->owner;

	if (!ops || !ops->liveupdate || !domain->is_iommupt)
		return -EOPNOTSUPP;
	return ops->liveupdate->check_domain(domain);
}
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_check_domain, "IOMMUFD_INTERNAL");

/**
 * iommu_liveupdate_preserve_domain() - keep a domain's tables for the next kernel
 * @domain: A domain whose mappings do not change until it is unpreserved; the caller sees to that.
 * @iommufd_id: The preserved iommufd it belongs to; not 0.
 * @token: How userspace will ask for it.
 *
 * Context: Process context, may sleep. Time and KHO keys grow with the number of blocks, or of tables in a domain without arena.
 * Return: 0; -EOPNOTSUPP when the driver, or this kind of domain, cannot be preserved; -EBUSY when it is already; -E2BIG when it
 *         has more tables than one list holds; -ENOMEM.
 */
int iommu_liveupdate_preserve_domain(struct iommu_domain *domain, u64 iommufd_id, u64 token)
{
	const struct iommu_ops *ops = domain->owner;
	struct iommu_outgoing_domain *out;
	int ret;

	ret = iommu_liveupdate_check_domain(domain);
	if (ret)
		return ret;

	guard(mutex)(&iommu_outgoing_lock);
	iommu_cost_scope(IOMMU_COST_PRESERVE, 0);
	if (iommu_outgoing_find_domain(domain))
		return -EBUSY;

	out = kzalloc_obj(*out);
	if (!out)
		return -ENOMEM;
	out->domain = domain;
	out->ser.iommufd_id = iommufd_id;
	out->ser.token = token;
	ret = ops->liveupdate->describe_domain(domain, &out->ser);
	if (ret)
		goto err_free;
	ret = iommu_outgoing_preserve_tables(out);
	if (ret)
		goto err_free;

	list_add_tail(&out->list, &iommu_outgoing_domains);
	ret = iommu_outgoing_publish();
	if (ret)
		goto err_unlist;
	return 0;

err_unlist:
	list_del(&out->list);
	iommu_outgoing_free_domain(out);
	return ret;
err_free:
	kfree(out);
	return ret;
}

/**
 * iommu_liveupdate_unpreserve_domain() - undo iommu_liveupdate_preserve_domain()
 * @domain: A preserved domain on which no preserved device stands.
 *
 * Context: Process context, may sleep.
 */
void iommu_liveupdate_unpreserve_domain(struct iommu_domain *domain)
{
	struct iommu_outgoing_domain *out;

	guard(mutex)(&iommu_outgoing_lock);
	out = iommu_outgoing_find_domain(domain);
	if (WARN_ON(!out || out->nr_devices))
		return;
	list_del(&out->list);
	WARN_ON(iommu_outgoing_publish());
	iommu_outgoing_free_domain(out);
}

/* The tables that it is left on, and their list. */
static s64 iommu_outgoing_unit_bytes(const struct iommu_unit_ser *ser)
{
	return (s64)ser->nr_pages * (PAGE_SIZE + sizeof(u64));
}

/**
 * iommu_liveupdate_set_unit() - a driver describes a unit as it will be left
 * @ser: What the next kernel will find; replaces what was said of the unit before.
 *
 * Context: From struct iommu_liveupdate_ops callbacks only.
 * Return: 0; -ENOMEM, only for a unit that was not described before.
 */
int iommu_liveupdate_set_unit(const struct iommu_unit_ser *ser)
{
	struct iommu_outgoing_unit *unit;

	lockdep_assert_held(&iommu_outgoing_lock);
	unit = iommu_outgoing_find_unit(ser->driver, ser->id);
	if (!unit) {
		unit = kzalloc_obj(*unit);
		if (!unit)
			return -ENOMEM;
		list_add_tail(&unit->list, &iommu_outgoing_units);
	}
	iommu_cost_keep(IOMMU_KEPT_METADATA, iommu_outgoing_unit_bytes(ser) - iommu_outgoing_unit_bytes(&unit->ser));
	unit->ser = *ser;
	return 0;
}

/**
 * iommu_liveupdate_alloc_pages() - memory for tables that a unit is left on
 * @nid: Node it should be of, or NUMA_NO_NODE.
 * @gfp: GFP_KERNEL, and maybe a zone.
 * @bytes: Size, and alignment.
 *
 * Context: From struct iommu_liveupdate_ops callbacks only.
 * Return: Zeroes, which KHO keeps, to be freed by iommu_liveupdate_free_pages(); or NULL.
 */
void *iommu_liveupdate_alloc_pages(int nid, gfp_t gfp, size_t bytes)
{
	void *pages = iommu_alloc_pages_node_sz(nid, gfp, bytes);

	if (pages && kho_preserve_folio(virt_to_folio(pages))) {
		iommu_free_pages(pages);
		return NULL;
	}
	return pages;
}

/* Free them, or nothing. */
void iommu_liveupdate_free_pages(void *pages)
{
	if (!pages)
		return;
	kho_unpreserve_folio(virt_to_folio(pages));
	iommu_free_pages(pages);
}

/* As a list of pages has to be. */
void iommu_liveupdate_sort_pages(u64 *pages, u32 nr_pages)
{
	sort(pages, nr_pages, sizeof(*pages), iommu_outgoing_compare, NULL);
}

/**
 * iommu_liveupdate_describe_unit() - a driver describes a unit as it will be left, and lists the pages of its tables
 * @unit: What the next kernel will find, but for the list, which is set here.
 * @list: The list, NULL at first; the driver frees it by kho_unpreserve_free() when the unit is dropped.
 * @max_pages: At most so many pages.
 * @fill: Writes their addresses, in any order, and returns how many there are.
 * @handover: For @fill.
 *
 * Context: From struct iommu_liveupdate_ops callbacks only.
 * Return: 0; -ENOMEM, and the unit is described as it was before. When there are not more pages than before, it cannot fail.
 */
int iommu_liveupdate_describe_unit(struct iommu_unit_ser *unit, u64 **list, size_t max_pages,
				   u32 (*fill)(const void *handover, u64 *pages), const void *handover)
{
	u64 *pages = *list;
	int ret;

	if (!pages || max_pages * sizeof(u64) > folio_size(virt_to_folio(pages))) {
		pages = kho_alloc_preserve(max_pages * sizeof(u64));
		if (IS_ERR(pages))
			return PTR_ERR(pages);
	}
	unit->nr_pages = fill(handover, pages);
	unit->pages_pa = virt_to_phys(pages);
	iommu_liveupdate_sort_pages(pages, unit->nr_pages);
	ret = iommu_liveupdate_set_unit(unit);
	if (pages == *list)
		return ret;
	if (ret) {
		kho_unpreserve_free(pages);
		return ret;
	}
	kho_unpreserve_free(*list);
	*list = pages;
	return 0;
}

/**
 * iommu_liveupdate_drop_unit() - a driver takes a unit's description back
 * @driver: enum iommu_ser_driver.
 * @id: Its name for the unit.
 *
 * Context: From struct iommu_liveupdate_ops callbacks only.
 */
void iommu_liveupdate_drop_unit(u32 driver, u64 id)
{
	struct iommu_outgoing_unit *unit;

	lockdep_assert_held(&iommu_outgoing_lock);
	unit = iommu_outgoing_find_unit(driver, id);
	if (!unit)
		return;
	iommu_cost_keep(IOMMU_KEPT_METADATA, -iommu_outgoing_unit_bytes(&unit->ser));
	list_del(&unit->list);
	kfree(unit);
}

static int iommu_outgoing_count_device(struct device *dev, void *data)
{
	*(int *)data += !iommu_liveupdate_is_bridge(dev);
	return 0;
}

static int iommu_outgoing_check_device(struct device *dev)
{
	struct iommu_group *group;
	int nr_devices = 0;

	if (!dev_is_pci(dev))
		return -EOPNOTSUPP;
	group = iommu_group_get(dev);
	if (!group)
		return -ENODEV;
	iommu_group_for_each_dev(group, &nr_devices, iommu_outgoing_count_device);
	iommu_group_put(group);
	if (nr_devices != 1) {
		dev_warn(dev, "cannot be preserved: its IOMMU group has %d devices\n", nr_devices);
		return -EOPNOTSUPP;
	}
	return 0;
}

static bool iommu_outgoing_is_function(struct pci_dev *pdev, u16 rid)
{
	struct pci_dev *other = pci_get_domain_bus_and_slot(pci_domain_nr(pdev->bus), PCI_BUS_NUM(rid), rid & 0xff);

	pci_dev_put(other);
	return other;
}

static void iommu_outgoing_insert_alias(struct iommu_liveupdate_aliases *aliases, u16 rid)
{
	unsigned int i = aliases->nr++;

	for (; i && aliases->rids[i - 1] > rid; i--)
		aliases->rids[i] = aliases->rids[i - 1];
	aliases->rids[i] = rid;
}

static int iommu_outgoing_add_alias(struct pci_dev *source, u16 rid, void *data)
{
	struct iommu_outgoing_device *out = data;
	struct pci_dev *pdev = to_pci_dev(out->dev);
	unsigned int i;

	if (rid == pci_dev_id(pdev))
		return 0;
	for (i = 0; i < out->aliases.nr; i++)
		if (out->aliases.rids[i] == rid)
			return 0;
	/* The next kernel knows of those on its own bus whatever it makes of the device and the bridges above (pci_add_dma_alias()). */
	if (PCI_BUS_NUM(rid) != pdev->bus->number || iommu_outgoing_is_function(pdev, rid)) {
		pci_warn(pdev, "cannot be preserved: its requests may have the requester ID %02x:%02x.%x, of another %s\n", PCI_BUS_NUM(rid),
			 PCI_SLOT(rid), PCI_FUNC(rid), PCI_BUS_NUM(rid) != pdev->bus->number ? "bus" : "function");
		return -EOPNOTSUPP;
	}
	if (out->aliases.nr == IOMMU_SER_MAX_DEVICE_ALIASES)
		return -E2BIG;
	iommu_outgoing_insert_alias(&out->aliases, rid);
	return 0;
}

static int iommu_outgoing_find_aliases(struct iommu_outgoing_device *out)
{
	struct pci_dev *pdev = to_pci_dev(out->dev);

	if (pci_real_dma_dev(pdev) != pdev) {
		pci_warn(pdev, "cannot be preserved: %s does its DMA\n", pci_name(pci_real_dma_dev(pdev)));
		return -EOPNOTSUPP;
	}
	return pci_for_each_dma_alias(pdev, iommu_outgoing_add_alias, out);
}

static int iommu_outgoing_find_attached(struct iommu_outgoing_device *out, const struct iommu_liveupdate_attach *attach)
{
	unsigned int i;

	for (i = 0; i < out->nr_attach; i++) {
		out->attach[i].domain = iommu_outgoing_find_domain(attach[i].domain);
		if (!out->attach[i].domain)
			return -ENOENT;
		out->attach[i].pasid = attach[i].pasid;
	}
	return 0;
}

static void iommu_outgoing_count_attached(struct iommu_outgoing_device *out, int by)
{
	unsigned int i;

	for (i = 0; i < out->nr_attach; i++)
		out->attach[i].domain->nr_devices += by;
}

static int iommu_outgoing_make_device(struct iommu_outgoing_device *out, struct iommu_liveupdate_attach *attach)
{
	struct iommu_liveupdate_device made = { .attach = attach, .nr_attach = out->nr_attach, .aliases = &out->aliases };
	const struct iommu_liveupdate_ops *ops = dev_iommu_ops(out->dev)->liveupdate;
	unsigned int i;
	int ret;

	ret = ops->preserve_device(out->dev, &made);
	if (ret)
		return ret;
	out->unit = iommu_outgoing_find_unit(made.driver, made.unit_id);
	if (WARN_ON(!out->unit)) {
		ops->unpreserve_device(out->dev);
		return -EINVAL;
	}
	out->ser.segment = pci_domain_nr(to_pci_dev(out->dev)->bus);
	out->ser.rid = pci_dev_id(to_pci_dev(out->dev));
	out->ser.pasid_dir_pa = made.pasid_dir_pa;
	out->ser.pasid_dir_bytes = made.pasid_dir_bytes;
	out->ser.pasid_bits = made.pasid_bits;
	out->ser.flags = made.flags;
	for (i = 0; i < out->nr_attach; i++)
		out->attach[i].tag = attach[i].tag;
	return 0;
}

/**
 * iommu_liveupdate_preserve_device() - keep what translates a device's requests
 * @dev: A PCI device, alone in its group but for bridges.
 * @attach: All that it is attached to: the first without PASID, the others ascending by PASID. Tags are set.
 * @nr_attach: How many; 1 or more.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOENT when a domain is not preserved; -EBUSY when @dev is already; -EOPNOTSUPP when it has ATS on, shares its group, or a
 *         requester ID with another function, or stands on a domain of another kind; -E2BIG when more PASIDs are in use, or it has
 *         more requester IDs, than a blob may have; -ENOMEM.
 */
int iommu_liveupdate_preserve_device(struct device *dev, struct iommu_liveupdate_attach *attach, unsigned int nr_attach)
{
	struct iommu_outgoing_device *out;
	int ret;

	ret = iommu_outgoing_check_device(dev);
	if (ret)
		return ret;

	guard(mutex)(&iommu_outgoing_lock);
	iommu_cost_scope(IOMMU_COST_PRESERVE, 0);
	if (iommu_outgoing_find_device(dev))
		return -EBUSY;
	if (iommu_outgoing_nr_pasids() + nr_attach - 1 > IOMMU_SER_MAX_PASIDS)
		return -E2BIG;
	out = kzalloc_flex(*out, attach, nr_attach);
	if (!out)
		return -ENOMEM;
	out->nr_attach = nr_attach;
	out->dev = dev;
	ret = iommu_outgoing_find_attached(out, attach);
	if (ret)
		goto err_free;
	ret = iommu_outgoing_find_aliases(out);
	if (ret)
		goto err_free;
	if (iommu_outgoing_nr_aliases() + out->aliases.nr > IOMMU_SER_MAX_ALIASES) {
		ret = -E2BIG;
		goto err_free;
	}
	ret = iommu_outgoing_make_device(out, attach);
	if (ret)
		goto err_free;

	list_add_tail(&out->list, &iommu_outgoing_devices);
	ret = iommu_outgoing_publish();
	if (ret)
		goto err_unlist;
	iommu_outgoing_count_attached(out, 1);
	iommu_cost_keep(IOMMU_KEPT_METADATA, out->ser.pasid_dir_bytes);
	return 0;

err_unlist:
	list_del(&out->list);
	dev_iommu_ops(dev)->liveupdate->unpreserve_device(dev);
	/* The blob that stands names the units as they were before; their page lists may have moved since. */
	WARN_ON(iommu_outgoing_publish());
err_free:
	kfree(out);
	return ret;
}

/**
 * iommu_liveupdate_unpreserve_device() - undo iommu_liveupdate_preserve_device()
 * @dev: A preserved device.
 *
 * Context: Process context, may sleep.
 */
void iommu_liveupdate_unpreserve_device(struct device *dev)
{
	struct iommu_outgoing_device *out;

	guard(mutex)(&iommu_outgoing_lock);
	out = iommu_outgoing_find_device(dev);
	if (WARN_ON(!out))
		return;
	list_del(&out->list);
	dev_iommu_ops(dev)->liveupdate->unpreserve_device(dev);
	WARN_ON(iommu_outgoing_publish());
	iommu_outgoing_count_attached(out, -1);
	iommu_cost_keep(IOMMU_KEPT_METADATA, -(s64)out->ser.pasid_dir_bytes);
	kfree(out);
}

/**
 * iommu_liveupdate_preserved() - is a device preserved for the next kernel?
 * @dev: Any device.
 *
 * Context: Process context, may sleep.
 * Return: true from a successful iommu_liveupdate_preserve_device() until it is undone.
 */
bool iommu_liveupdate_preserved(struct device *dev)
{
	guard(mutex)(&iommu_outgoing_lock);
	return iommu_outgoing_find_device(dev);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_preserved);
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_preserve_domain, "IOMMUFD_INTERNAL");
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_unpreserve_domain, "IOMMUFD_INTERNAL");
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_preserve_device, "IOMMUFD_INTERNAL");
EXPORT_SYMBOL_NS_GPL(iommu_liveupdate_unpreserve_device, "IOMMUFD_INTERNAL");

#if IS_ENABLED(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "kunit.c"
#endif
