// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VT-d across live update, on a unit and a device that do not exist: tables are memory, and invalidations are written
 * down. Compiled with liveupdate.c.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>

#include "../liveupdate/records_kunit.h"

#define VTD_KUNIT_BUS		3
#define VTD_KUNIT_DEVFN		0x89	/* in scalable mode, of the upper half of the root entry */
#define VTD_KUNIT_OLD_TAG	4321
#define VTD_KUNIT_SEQ_ID	999	/* no unit of the machine */
#define VTD_KUNIT_MAX_FLUSHES	8

/* What a unit is like. */
struct vtd_kunit_mode {
	const char *name;
	unsigned int levels;
	bool scalable;
	bool coherent;
	bool dirty_tracking;
	bool first_stage;
};

static const struct vtd_kunit_mode vtd_kunit_modes[] = {
	{ "legacy, 3 levels", 3, false, true, false },
	{ "legacy, 4 levels", 4, false, true, false },
	{ "legacy, 5 levels", 5, false, true, false },
	{ "legacy, 4 levels, not coherent", 4, false, false, false },
	{ "scalable, 3 levels", 3, true, true, false },
	{ "scalable, 4 levels", 4, true, true, false },
	{ "scalable, 5 levels", 5, true, true, false },
	{ "scalable, 4 levels, not coherent", 4, true, false, false },
	{ "scalable, 4 levels, dirty tracking", 4, true, true, true },
};

static void vtd_kunit_mode_name(const struct vtd_kunit_mode *mode, char *name)
{
	strscpy(name, mode->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(vtd_kunit_modes, vtd_kunit_modes, vtd_kunit_mode_name);

struct vtd_kunit_flush {
	bool context;		/* of the context cache, not of the IOTLB */
	u16 did;
	u64 entry[2];		/* as it was by then */
};

struct vtd_kunit {
	const struct vtd_kunit_mode *mode;
	struct intel_iommu iommu;
	struct device *dev;
	struct dev_iommu dev_iommu;
	struct device_domain_info info;
	struct pasid_table pasid_table;
	struct vtd_kunit_flush flushes[VTD_KUNIT_MAX_FLUSHES];
	unsigned int nr_flushes;
};

static struct context_entry *vtd_kunit_context(struct vtd_kunit *unit)
{
	return iommu_context_addr(&unit->iommu, VTD_KUNIT_BUS, VTD_KUNIT_DEVFN, 0);
}

static struct pasid_entry *vtd_kunit_pasid(struct vtd_kunit *unit)
{
	return get_pasid_table_from_pde(unit->pasid_table.table);
}

/* The 128 bits that say what the device translates through. */
static u64 *vtd_kunit_entry(struct vtd_kunit *unit)
{
	return unit->mode->scalable ? vtd_kunit_pasid(unit)->val : &vtd_kunit_context(unit)->lo;
}

static void vtd_kunit_note_flush(struct intel_iommu *iommu, bool context, u16 did)
{
	struct vtd_kunit *unit = container_of(iommu, struct vtd_kunit, iommu);
	struct vtd_kunit_flush *flush = &unit->flushes[unit->nr_flushes];

	if (unit->nr_flushes == VTD_KUNIT_MAX_FLUSHES)
		return;
	flush->context = context;
	flush->did = did;
	memcpy(flush->entry, vtd_kunit_entry(unit), sizeof(flush->entry));
	unit->nr_flushes++;
}

static void vtd_kunit_flush_context(struct intel_iommu *iommu, u16 did, u16 sid, u8 fm, u64 type)
{
	vtd_kunit_note_flush(iommu, true, did);
}

static void vtd_kunit_flush_iotlb(struct intel_iommu *iommu, u16 did, u64 addr, unsigned int size_order, u64 type)
{
	vtd_kunit_note_flush(iommu, false, did);
}

static u64 vtd_kunit_cap(const struct vtd_kunit_mode *mode)
{
	/* SAGAW, one number of levels alone; MGAW; both sizes of large pages. */
	return BIT_ULL(8 + mode->levels - 2) | (u64)(12 + 9 * mode->levels - 1) << 16 | 3ULL << 34;
}

static u64 vtd_kunit_ecap(const struct vtd_kunit_mode *mode)
{
	u64 ecap = mode->coherent ? BIT_ULL(0) : 0;

	if (!mode->scalable)
		return ecap;
	/* SMTS, SSTS, SSADS; SMPWC says for scalable mode what bit 0 says for legacy mode. */
	ecap |= BIT_ULL(43) | BIT_ULL(46) | BIT_ULL(45) | (mode->coherent ? BIT_ULL(48) : 0);
	return ecap | (mode->first_stage ? BIT_ULL(47) : 0);	/* FSTS, which is preferred */
}

static void vtd_kunit_free(void *arg)
{
	struct vtd_kunit *unit = arg;
	struct root_entry *root = unit->iommu.root_entry;
	unsigned int i;
	int bus;

	device_block_translation(unit->dev);
	for (bus = 0; root && bus < 256; bus++) {
		if (root[bus].lo & 1)
			iommu_free_pages(phys_to_virt(root[bus].lo & VTD_PAGE_MASK));
		if (root[bus].hi & 1)
			iommu_free_pages(phys_to_virt(root[bus].hi & VTD_PAGE_MASK));
	}
	iommu_free_pages(root);
	for (i = 0; unit->pasid_table.table && i < unit->pasid_table.max_pasid >> PASID_PDE_SHIFT; i++)
		iommu_free_pages(get_pasid_table_from_pde((struct pasid_dir_entry *)unit->pasid_table.table + i));
	iommu_free_pages(unit->pasid_table.table);
	ida_destroy(&unit->iommu.domain_ida);
	unit->dev->iommu = NULL;
}

static struct vtd_kunit *vtd_kunit_unit(struct kunit *test, const struct vtd_kunit_mode *mode)
{
	struct vtd_kunit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	if (mode->scalable && !intel_iommu_sm)
		kunit_skip(test, "scalable mode is off");
	unit->mode = mode;
	unit->dev = kunit_device_register(test, "vtd_kunit_dev");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit->dev);
	set_dev_node(unit->dev, NUMA_NO_NODE);

	unit->iommu.cap = vtd_kunit_cap(mode);
	unit->iommu.ecap = vtd_kunit_ecap(mode);
	unit->iommu.agaw = mode->levels - 2;
	unit->iommu.seq_id = VTD_KUNIT_SEQ_ID;
	unit->iommu.node = NUMA_NO_NODE;
	unit->iommu.max_domain_id = 65536;
	unit->iommu.flush.flush_context = vtd_kunit_flush_context;
	unit->iommu.flush.flush_iotlb = vtd_kunit_flush_iotlb;
	spin_lock_init(&unit->iommu.lock);
	mutex_init(&unit->iommu.did_lock);
	ida_init(&unit->iommu.domain_ida);
	unit->info.dev = unit->dev;
	unit->info.iommu = &unit->iommu;
	unit->info.bus = VTD_KUNIT_BUS;
	unit->info.devfn = VTD_KUNIT_DEVFN;
	unit->dev_iommu.priv = &unit->info;
	unit->dev->iommu = &unit->dev_iommu;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vtd_kunit_free, unit), 0);

	unit->iommu.root_entry = iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_4K);
	KUNIT_ASSERT_NOT_NULL(test, unit->iommu.root_entry);
	if (!mode->scalable)
		return unit;
	unit->pasid_table.table = iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_4K);
	KUNIT_ASSERT_NOT_NULL(test, unit->pasid_table.table);
	unit->pasid_table.max_pasid = SZ_4K * VTD_PASID_DIR_PASIDS;
	unit->info.pasid_table = &unit->pasid_table;
	KUNIT_ASSERT_EQ(test, intel_pasid_setup_sm_context(unit->dev), 0);
	return unit;
}

/* Freed before the unit, which was there first: nothing may stand on it by then. */
static void vtd_kunit_domain_free(void *arg)
{
	struct dmar_domain *domain = arg;
	struct device_domain_info *info, *next;

	list_for_each_entry_safe(info, next, &domain->devices, link)
		device_block_translation(info->dev);
	domain->domain.ops->free(&domain->domain);
}

static struct dmar_domain *vtd_kunit_domain(struct kunit *test, struct vtd_kunit *unit)
{
	u32 flags = unit->mode->dirty_tracking ? IOMMU_HWPT_ALLOC_DIRTY_TRACKING : 0;
	struct iommu_domain *domain = intel_iommu_ops.domain_alloc_paging_flags(unit->dev, flags, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->owner = &intel_iommu_ops;
	to_dmar_domain(domain)->dirty_tracking = unit->mode->dirty_tracking;
	KUNIT_ASSERT_EQ(test, intel_domain_is_ss_paging(to_dmar_domain(domain)), !unit->mode->first_stage);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vtd_kunit_domain_free, to_dmar_domain(domain)), 0);
	return to_dmar_domain(domain);
}

static void vtd_kunit_attach(struct kunit *test, struct vtd_kunit *unit, struct dmar_domain *domain)
{
	KUNIT_ASSERT_EQ(test, domain->domain.ops->attach_dev(&domain->domain, unit->dev, NULL), 0);
}

/* What the blob says of a device on a domain. */
static int vtd_kunit_records(struct vtd_kunit *unit, struct dmar_domain *domain, struct iommu_domain_ser *domain_ser,
			      struct iommu_device_ser *device_ser)
{
	memset(domain_ser, 0, sizeof(*domain_ser));
	memset(device_ser, 0, sizeof(*device_ser));
	device_ser->tag = domain_id_iommu(domain, &unit->iommu);
	device_ser->rid = PCI_DEVID(VTD_KUNIT_BUS, VTD_KUNIT_DEVFN);
	return intel_liveupdate_describe_domain(&domain->domain, domain_ser);
}

/*
 * The old kernel's entry, as the new kernel finds it: of a domain that it has no object for, under a tag that is out of the pool.
 */
static void vtd_kunit_restore(struct kunit *test, struct vtd_kunit *unit, u64 top_pa)
{
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	u64 *entry, *pointer;

	vtd_kunit_attach(test, unit, domain);
	entry = vtd_kunit_entry(unit);
	pointer = unit->mode->first_stage ? &entry[2] : &entry[0];
	*pointer = (*pointer & ~VTD_PAGE_MASK) | top_pa;
	if (unit->mode->scalable)
		entry[1] = (entry[1] & ~0xffffULL) | VTD_KUNIT_OLD_TAG;
	else
		entry[1] = (entry[1] & ~(0xffffULL << 8)) | VTD_KUNIT_OLD_TAG << 8;

	/* Undo the attach but for the entry. */
	cache_tag_unassign_domain(domain, unit->dev, IOMMU_NO_PASID);
	list_del(&unit->info.link);
	domain_detach_iommu(domain, &unit->iommu);
	unit->info.domain = NULL;
	KUNIT_ASSERT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
	KUNIT_ASSERT_EQ(test, vtd_adopt_tag(&unit->iommu, VTD_KUNIT_OLD_TAG), 0);
	unit->nr_flushes = 0;
}

/* The restored domain is freed. */
static void vtd_kunit_release(struct kunit *test, struct vtd_kunit *unit)
{
	guard(mutex)(&unit->iommu.did_lock);
	KUNIT_ASSERT_GT(test, vtd_tag_users(&unit->iommu, VTD_KUNIT_OLD_TAG), 0);
	intel_liveupdate_free_did(&unit->iommu, VTD_KUNIT_OLD_TAG);
}

/* What the driver sets up, in the numbers of the specification. */
static void vtd_kunit_expect_entry(struct kunit *test, struct vtd_kunit *unit, struct dmar_domain *domain)
{
	struct pt_iommu_vtdss_hw_info table;
	u64 good[8] = {}, did = domain_id_iommu(domain, &unit->iommu);

	pt_iommu_vtdss_hw_info(&domain->sspt, &table);
	KUNIT_EXPECT_EQ(test, table.aw, unit->mode->levels - 2);
	good[0] = table.ssptptr | 1;
	if (!unit->mode->scalable) {
		good[1] = did << 8 | table.aw;
		KUNIT_EXPECT_MEMEQ(test, vtd_kunit_entry(unit), good, 16);
		return;
	}
	good[0] |= (unit->mode->dirty_tracking ? 1 << 9 : 0) | 2 << 6 | table.aw << 2;
	good[1] = (unit->mode->coherent ? 1 << 23 : 0) | did;
	KUNIT_EXPECT_MEMEQ(test, vtd_kunit_entry(unit), good, 64);
}

static void vtd_kunit_entry_is_right(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, test->param_value);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);

	vtd_kunit_attach(test, unit, domain);
	vtd_kunit_expect_entry(test, unit, domain);
}

/* PASIDs that are handed over: of one table with requests without PASID, and of another; the last that the directory reaches. */
static const ioasid_t vtd_kunit_pasids[] = { IOMMU_NO_PASID, 5, 1000, SZ_4K * VTD_PASID_DIR_PASIDS - 1 };

#define VTD_KUNIT_NR_PASIDS	ARRAY_SIZE(vtd_kunit_pasids)
#define VTD_KUNIT_NR_TABLES	3

/*
 * What a device was left on: made from what the driver had set up.
 */
struct vtd_kunit_handover {
	struct vtd_handover handover;
	struct vtd_handover_device *device;
	struct iommu_unit_ser unit_ser;
	struct lu_kunit_records records;
	struct vtd_adoption adoption;
	struct context_entry *context;
	struct context_entry *own_context;	/* the table it is in */
	u64 *list;
};

static void *vtd_kunit_page(struct kunit *test)
{
	void *page = iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_4K);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, (kunit_action_t *)iommu_free_pages, page), 0);
	return page;
}

static const char *vtd_kunit_check(struct vtd_kunit_handover *left)
{
	left->adoption.seen[0] = 0;
	return vtd_check_context(&left->adoption, &left->records.device, left->records.device.rid, left->context);
}

static void vtd_kunit_handover_free(void *arg)
{
	struct vtd_kunit_handover *left = arg;
	unsigned int i;

	for (i = 0; i < left->device->pasid_dir_bytes / sizeof(u64); i++)
		iommu_liveupdate_free_pages(get_pasid_table_from_pde(&left->device->pasid_dir[i]));
	iommu_liveupdate_free_pages(left->device->pasid_dir);
}

static struct vtd_kunit_handover *vtd_kunit_hand_over(struct kunit *test, struct vtd_kunit *unit, struct dmar_domain *first,
						      struct dmar_domain *second)
{
	struct vtd_kunit_handover *left = kunit_kzalloc(test, sizeof(*left), GFP_KERNEL);
	unsigned int index = vtd_context_table_index(&unit->iommu, VTD_KUNIT_BUS, VTD_KUNIT_DEVFN);
	unsigned int i, nr_pasids = second ? VTD_KUNIT_NR_PASIDS : 1;

	KUNIT_ASSERT_NOT_NULL(test, left);
	vtd_kunit_attach(test, unit, first);
	for (i = 1; i < nr_pasids; i++)
		KUNIT_ASSERT_FALSE(test, IS_ERR(domain_add_dev_pasid(i % 2 ? &second->domain : &first->domain, unit->dev,
								     vtd_kunit_pasids[i])));
	for (i = 1; i < nr_pasids; i++)
		KUNIT_ASSERT_EQ(test, intel_domain_setup_pasid(i % 2 ? second : first, unit->dev, vtd_kunit_pasids[i],
							       VTD_WRITE_NEW), 0);
	left->handover.iommu = &unit->iommu;
	left->handover.root = vtd_kunit_page(test);
	left->handover.context[index] = vtd_kunit_page(test);
	left->own_context = left->handover.context[index];
	vtd_handover_link(&left->handover, index);
	INIT_LIST_HEAD(&left->handover.devices);
	left->device = kunit_kzalloc(test, struct_size(left->device, pasids, nr_pasids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, left->device);
	left->device->nr_pasids = nr_pasids;
	memcpy(left->device->pasids, vtd_kunit_pasids, nr_pasids * sizeof(*vtd_kunit_pasids));
	left->device->dev = unit->dev;
	left->device->handover = &left->handover;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vtd_kunit_handover_free, left), 0);
	if (unit->mode->scalable)
		KUNIT_ASSERT_EQ(test, vtd_handover_alloc_pasids(left->device), 0);
	list_add(&left->device->list, &left->handover.devices);
	KUNIT_ASSERT_EQ(test, vtd_handover_copy(left->device), 0);

	KUNIT_ASSERT_EQ(test, vtd_kunit_records(unit, first, &left->records.domain[0], &left->records.device), 0);
	left->records.tag[0] = left->records.device.tag;
	if (second) {
		KUNIT_ASSERT_EQ(test, intel_liveupdate_describe_domain(&second->domain, &left->records.domain[1]), 0);
		left->records.tag[1] = domain_id_iommu(second, &unit->iommu);
	}
	left->records.pasids = vtd_kunit_pasids;
	left->records.nr = nr_pasids;
	left->list = vtd_kunit_page(test);
	left->unit_ser.nr_pages = vtd_handover_list(&left->handover, left->list);
	iommu_liveupdate_sort_pages(left->list, left->unit_ser.nr_pages);
	left->unit_ser.pages_pa = virt_to_phys(left->list);
	left->unit_ser.root_pa = virt_to_phys(left->handover.root);
	if (unit->mode->scalable) {
		left->records.device.pasid_dir_pa = virt_to_phys(left->device->pasid_dir);
		left->records.device.pasid_bits = 15;
	}
	left->records.device.pasid_dir_bytes = left->device->pasid_dir_bytes;
	left->context = left->handover.context[index] + vtd_context_entry_index(&unit->iommu, VTD_KUNIT_DEVFN);
	left->adoption.iommu = &unit->iommu;
	left->adoption.unit = &left->unit_ser;
	left->adoption.seen = kunit_kzalloc(test, 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, left->adoption.seen);
	lu_kunit_use_records(test);
	return left;
}

/* Legacy mode: any bit that differs from what the record says. */
static void vtd_kunit_context_is_compared(struct kunit *test)
{
	unsigned int i, bit;

	for (i = 0; !vtd_kunit_modes[i].scalable; i++) {
		struct vtd_kunit *unit = vtd_kunit_unit(test, &vtd_kunit_modes[i]);
		struct dmar_domain *domain = vtd_kunit_domain(test, unit);
		struct vtd_kunit_handover *left = vtd_kunit_hand_over(test, unit, domain, NULL);
		u64 *entry = &left->context->lo;

		KUNIT_EXPECT_NULL(test, vtd_kunit_check(left));
		/* Legacy mode has no other tables. */
		left->records.domain[0].format = IOMMU_SER_FORMAT_X86_64;
		KUNIT_EXPECT_NOT_NULL(test, vtd_kunit_check(left));
		left->records.domain[0].format = IOMMU_SER_FORMAT_VTDSS;
		for (bit = 0; bit < 128; bit++) {
			entry[bit / 64] ^= BIT_ULL(bit % 64);
			KUNIT_EXPECT_NOT_NULL_MSG(test, vtd_kunit_check(left), "bit %u", bit);
			entry[bit / 64] ^= BIT_ULL(bit % 64);
		}
		kunit_release_action(test, vtd_kunit_domain_free, domain);
		kunit_release_action(test, vtd_kunit_free, unit);
		kunit_device_unregister(test, unit->dev);
	}
}

/* What is handed over is what its records say, where the hardware will look for it, and listed. */
static void vtd_kunit_handover_is_right(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, test->param_value);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	struct root_entry *own = unit->iommu.root_entry;
	struct vtd_kunit_handover *left;
	struct context_entry *found;
	u64 entry[8] = {};

	if (unit->mode->dirty_tracking) {
		/* What the hardware writes to such tables nobody would collect. */
		KUNIT_EXPECT_EQ(test, intel_liveupdate_check_domain(&domain->domain), -EOPNOTSUPP);
		return;
	}
	KUNIT_EXPECT_EQ(test, intel_liveupdate_check_domain(&domain->domain), 0);
	left = vtd_kunit_hand_over(test, unit, domain, NULL);
	memcpy(entry, vtd_kunit_entry(unit), unit->mode->scalable ? 64 : 16);
	/* The root, a context table, and a PASID table; the directory is no page among others. */
	KUNIT_EXPECT_EQ(test, left->unit_ser.nr_pages, unit->mode->scalable ? 3 : 2);
	KUNIT_EXPECT_TRUE(test, lu_page_listed(left->list, left->unit_ser.nr_pages, virt_to_phys(left->handover.root), NULL));

	unit->iommu.root_entry = left->handover.root;
	found = vtd_kunit_context(unit);
	unit->iommu.root_entry = own;
	KUNIT_ASSERT_PTR_EQ(test, found, left->context);
	KUNIT_EXPECT_TRUE(test, context_present(left->context));
	KUNIT_EXPECT_NULL(test, vtd_kunit_check(left));
	if (!unit->mode->scalable) {
		KUNIT_EXPECT_MEMEQ(test, &left->context->lo, entry, 16);
		return;
	}
	KUNIT_EXPECT_MEMEQ(test, vtd_handover_pasid(left->device, IOMMU_NO_PASID)->val, entry, 64);
	/* But for the directory, the context entry is the live one. */
	KUNIT_EXPECT_EQ(test, left->context[0].hi, vtd_kunit_context(unit)->hi);
	KUNIT_EXPECT_EQ(test, left->context[0].lo & ~VTD_PAGE_MASK, vtd_kunit_context(unit)->lo & ~VTD_PAGE_MASK);
	/* The live tables are as they were, and still what the device is on. */
	KUNIT_EXPECT_EQ(test, vtd_kunit_context(unit)->lo & VTD_PAGE_MASK, virt_to_phys(unit->pasid_table.table));
}

/*
 * A device with more requester IDs: one in its own context table, and one that in scalable mode is in another.
 */
static const u8 vtd_kunit_alias_devfns[] = { 0x00, 0xf8 };

static struct vtd_kunit_handover *vtd_kunit_current;
static unsigned int vtd_kunit_nr_quarantined;

static const struct iommu_device_ser *vtd_kunit_requester(struct vtd_adoption *adoption, u16 rid)
{
	const struct lu_kunit_records *records = &vtd_kunit_current->records;

	return !vtd_kunit_nr_quarantined && lu_kunit_has_rid(records, rid) ? &records->device : NULL;
}

static void vtd_kunit_quarantine(const struct iommu_device_ser *device, const char *reason)
{
	vtd_kunit_nr_quarantined++;
}

static void vtd_kunit_free_contexts(void *arg)
{
	struct vtd_kunit_handover *left = arg;
	unsigned int i;

	for (i = 0; i < VTD_NR_CONTEXT_TABLES; i++)
		if (left->handover.context[i] && left->handover.context[i] != left->own_context)
			iommu_liveupdate_free_pages(left->handover.context[i]);
}

static void vtd_kunit_use_aliases(struct kunit *test, struct vtd_kunit_handover *left)
{
	DECLARE_BITMAP(fresh, VTD_NR_CONTEXT_TABLES) = {};
	unsigned int i;

	left->device->aliases.nr = ARRAY_SIZE(vtd_kunit_alias_devfns);
	left->records.nr_aliases = ARRAY_SIZE(vtd_kunit_alias_devfns);
	for (i = 0; i < ARRAY_SIZE(vtd_kunit_alias_devfns); i++) {
		left->device->aliases.rids[i] = PCI_DEVID(VTD_KUNIT_BUS, vtd_kunit_alias_devfns[i]);
		left->records.aliases[i].rid = left->device->aliases.rids[i];
	}
	vtd_kunit_current = left;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vtd_kunit_free_contexts, left), 0);
	KUNIT_ASSERT_EQ(test, vtd_handover_alloc_contexts(left->device, fresh), 0);
	KUNIT_EXPECT_EQ(test, bitmap_weight(fresh, VTD_NR_CONTEXT_TABLES), sm_supported(left->handover.iommu));
	KUNIT_ASSERT_EQ(test, vtd_handover_copy(left->device), 0);
	left->unit_ser.nr_pages = vtd_handover_list(&left->handover, left->list);
	iommu_liveupdate_sort_pages(left->list, left->unit_ser.nr_pages);
	kunit_activate_static_stub(test, vtd_incoming_requester, vtd_kunit_requester);
	kunit_activate_static_stub(test, vtd_quarantine, vtd_kunit_quarantine);
}

/* As vtd_adopt_root() does. */
static void vtd_kunit_adopt(struct kunit *test, struct vtd_kunit_handover *left)
{
	const struct root_entry *root = left->handover.root;
	unsigned int i;

	vtd_kunit_nr_quarantined = 0;
	left->adoption.seen[0] = 0;
	vtd_claim(&left->adoption, left->unit_ser.root_pa);
	for (i = 0; i < VTD_NR_CONTEXT_TABLES; i++)
		KUNIT_ASSERT_TRUE(test, vtd_adopt_context_table(&left->adoption, i, i & 1 ? root[i / 2].hi : root[i / 2].lo));
}

static bool vtd_kunit_all_cleared(struct vtd_kunit_handover *left)
{
	unsigned int i;

	for (i = 0; i < vtd_nr_rids(left->device); i++)
		if (memchr_inv(vtd_handover_context(left->device, i), 0, vtd_context_bytes(left->handover.iommu)))
			return false;
	return true;
}

/* Each ID has the device's entry, and goes on with it; one entry that is wrong, or missing, whichever: all go. */
static void vtd_kunit_aliases_go_together(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, test->param_value);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	struct vtd_kunit_handover *left;
	struct context_entry good[2];
	unsigned int i, bit;
	size_t bytes;
	u64 *words;

	if (unit->mode->dirty_tracking)
		return;
	left = vtd_kunit_hand_over(test, unit, domain, NULL);
	vtd_kunit_use_aliases(test, left);
	bytes = vtd_context_bytes(&unit->iommu);
	memcpy(good, left->context, bytes);
	vtd_kunit_adopt(test, left);
	KUNIT_EXPECT_EQ(test, vtd_kunit_nr_quarantined, 0);
	KUNIT_EXPECT_TRUE(test, vtd_has_entries(&left->adoption, &left->records.device));
	for (i = 0; i < vtd_nr_rids(left->device); i++)
		KUNIT_EXPECT_MEMEQ(test, vtd_handover_context(left->device, i), good, bytes);

	for (i = 0; i < vtd_nr_rids(left->device); i++) {
		for (bit = 1; bit < bytes * 8; bit++) {
			/* Scalable mode: what the entry says of PASIDs may be as it likes. */
			if (unit->mode->scalable && bit >= 2 && bit <= 4)
				continue;
			KUNIT_ASSERT_EQ(test, vtd_handover_copy(left->device), 0);
			words = &vtd_handover_context(left->device, i)->lo;
			words[bit / 64] ^= BIT_ULL(bit % 64);
			vtd_kunit_adopt(test, left);
			KUNIT_EXPECT_EQ_MSG(test, vtd_kunit_nr_quarantined, 1, "ID %u, bit %u", i, bit);
			KUNIT_EXPECT_TRUE_MSG(test, vtd_kunit_all_cleared(left), "ID %u, bit %u", i, bit);
		}
		KUNIT_ASSERT_EQ(test, vtd_handover_copy(left->device), 0);
		memset(vtd_handover_context(left->device, i), 0, bytes);
		vtd_kunit_adopt(test, left);
		KUNIT_EXPECT_FALSE(test, vtd_has_entries(&left->adoption, &left->records.device));
		vtd_refuse_device(&left->adoption, &left->records.device, "a test");
		KUNIT_EXPECT_TRUE(test, vtd_kunit_all_cleared(left));
	}
	KUNIT_ASSERT_EQ(test, vtd_handover_copy(left->device), 0);
	vtd_handover_clear(left->device);
	KUNIT_EXPECT_TRUE(test, vtd_kunit_all_cleared(left));
}

static void vtd_kunit_remove_pasids(struct vtd_kunit *unit, struct dmar_domain *first, struct dmar_domain *second)
{
	unsigned int i;

	for (i = 1; i < VTD_KUNIT_NR_PASIDS; i++) {
		memset(vtd_find_pasid(&unit->pasid_table, vtd_kunit_pasids[i]), 0, sizeof(struct pasid_entry));
		domain_remove_dev_pasid(i % 2 ? &second->domain : &first->domain, unit->dev, vtd_kunit_pasids[i]);
	}
}

#define VTD_KUNIT_EXPECT_REFUSED(what, ...)	KUNIT_EXPECT_NOT_NULL_MSG(test, vtd_kunit_check(left), what, ##__VA_ARGS__)

static void vtd_kunit_entry_is_compared(struct kunit *test, struct vtd_kunit_handover *left, ioasid_t pasid)
{
	u64 *entry = vtd_handover_pasid(left->device, pasid)->val;
	unsigned int i;

	for (i = 0; i < 512; i++) {
		/* Walks may be snooped or not. */
		if (i == 87)
			continue;
		entry[i / 64] ^= BIT_ULL(i % 64);
		VTD_KUNIT_EXPECT_REFUSED("PASID %u, bit %u of the entry", pasid, i);
		entry[i / 64] ^= BIT_ULL(i % 64);
	}
}

static const struct vtd_kunit_mode vtd_kunit_pasid_modes[] = {
	{ "second stage", 4, true, true, false },
	{ "first stage", 4, true, true, false, true },
};
KUNIT_ARRAY_PARAM(vtd_kunit_pasid_modes, vtd_kunit_pasid_modes, vtd_kunit_mode_name);

/* Scalable mode: any bit of the entries, and every way to reach another one. */
static void vtd_kunit_pasid_is_compared(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, test->param_value);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit), *second = vtd_kunit_domain(test, unit);
	struct vtd_kunit_handover *left = vtd_kunit_hand_over(test, unit, domain, second);
	struct pasid_dir_entry *dir = left->device->pasid_dir, good_pde;
	struct pasid_entry *table = get_pasid_table_from_pde(dir);
	u64 *other = vtd_kunit_page(test), good;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, left->unit_ser.nr_pages, 2 + VTD_KUNIT_NR_TABLES);
	KUNIT_EXPECT_NULL(test, vtd_kunit_check(left));
	for (i = 0; i < VTD_KUNIT_NR_PASIDS; i++)
		vtd_kunit_entry_is_compared(test, left, vtd_kunit_pasids[i]);
	for (i = 1; i < PASID_TBL_ENTRIES; i++) {
		if (i == vtd_kunit_pasids[1])
			continue;
		table[i] = table[0];
		VTD_KUNIT_EXPECT_REFUSED("another entry, %u", i);
		table[i].val[0] = 0;
	}
	for (i = 1; i < SZ_4K / sizeof(*dir); i++) {
		good_pde = dir[i];
		dir[i] = dir[0];
		VTD_KUNIT_EXPECT_REFUSED("another entry of the directory, %u", i);
		dir[i] = good_pde;
	}

	/* A record without an entry, and an entry without a record. */
	for (i = 0; i < VTD_KUNIT_NR_PASIDS; i++) {
		good = vtd_handover_pasid(left->device, vtd_kunit_pasids[i])->val[0];
		vtd_handover_pasid(left->device, vtd_kunit_pasids[i])->val[0] = 0;
		VTD_KUNIT_EXPECT_REFUSED("no entry of PASID %u", vtd_kunit_pasids[i]);
		vtd_handover_pasid(left->device, vtd_kunit_pasids[i])->val[0] = good;
	}
	left->records.nr--;
	VTD_KUNIT_EXPECT_REFUSED("no record of the last PASID");
	left->records.nr++;
	left->records.device.pasid_bits++;
	VTD_KUNIT_EXPECT_REFUSED("a directory of another size");
	left->records.device.pasid_bits--;
	left->records.device.flags = IOMMU_DEVICE_SER_OWN_TAG;
	VTD_KUNIT_EXPECT_REFUSED("a tag of the device's own");
	left->records.device.flags = 0;
	swap(left->records.tag[0], left->records.tag[1]);
	VTD_KUNIT_EXPECT_REFUSED("each domain under the other's tag");
	swap(left->records.tag[0], left->records.tag[1]);

	good_pde = dir[0];
	dir[0].val = good_pde.val & ~(u64)PASID_PTE_PRESENT;
	VTD_KUNIT_EXPECT_REFUSED("no table");
	memcpy(other, table, SZ_4K);
	dir[0].val = virt_to_phys(other) | PASID_PTE_PRESENT;
	VTD_KUNIT_EXPECT_REFUSED("a table that is not listed");
	dir[0] = good_pde;

	good = left->context->lo;
	memcpy(other, dir, SZ_4K);
	left->context->lo = (good & ~VTD_PAGE_MASK) | virt_to_phys(other);
	VTD_KUNIT_EXPECT_REFUSED("a directory that the record does not name");
	for (i = 0; i < 8; i++) {
		left->context->lo = (good & ~VTD_CONTEXT_PDTS) | FIELD_PREP(VTD_CONTEXT_PDTS, i);
		if (i != 2)
			VTD_KUNIT_EXPECT_REFUSED("a directory of size %u", i);
	}
	/* Bits that are for the device's capabilities: DTE, PASIDE, PRE. */
	for (i = 0; i < 256; i++) {
		if (i >= 2 && i <= 4)
			continue;
		left->context->lo = good;
		(&left->context->lo)[i / 64] ^= BIT_ULL(i % 64);
		VTD_KUNIT_EXPECT_REFUSED("bit %u of the context entry", i);
		(&left->context->lo)[i / 64] ^= BIT_ULL(i % 64);
	}
	left->context->lo = good;
	KUNIT_EXPECT_NULL(test, vtd_kunit_check(left));
	vtd_kunit_remove_pasids(unit, domain, second);
}

/* A PASID in use that nobody named is found, and named. */
static void vtd_kunit_unnamed_pasid_is_refused(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, &vtd_kunit_pasid_modes[0]);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit), *second = vtd_kunit_domain(test, unit);
	struct iommu_liveupdate_attach attach[VTD_KUNIT_NR_PASIDS] = {};
	struct iommu_liveupdate_device what = { .attach = attach, .nr_attach = VTD_KUNIT_NR_PASIDS };
	unsigned int i;

	vtd_kunit_hand_over(test, unit, domain, second);
	for (i = 0; i < VTD_KUNIT_NR_PASIDS; i++)
		attach[i].pasid = vtd_kunit_pasids[i];
	KUNIT_EXPECT_EQ(test, vtd_check_live_pasids(unit->dev, &what), 0);
	for (i = 0; i < VTD_KUNIT_NR_PASIDS; i++) {
		attach[i].pasid = 77;
		KUNIT_EXPECT_EQ(test, vtd_check_live_pasids(unit->dev, &what), -EBUSY);
		attach[i].pasid = vtd_kunit_pasids[i];
	}
	vtd_kunit_remove_pasids(unit, domain, second);
}

/* The swap stores once, and flushes the old tag and the new one after that. */
static void vtd_kunit_swap_is_hitless(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, test->param_value);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	unsigned int i, nr_old = 0, nr_new = 0;
	u64 *good;
	u16 did;

	vtd_kunit_restore(test, unit, 0x123456000ULL);
	KUNIT_ASSERT_EQ(test, intel_liveupdate_swap(domain, unit->dev), 0);
	did = domain_id_iommu(domain, &unit->iommu);
	KUNIT_EXPECT_NE(test, did, VTD_KUNIT_OLD_TAG);
	vtd_kunit_expect_entry(test, unit, domain);
	good = vtd_kunit_entry(unit);

	KUNIT_EXPECT_LT(test, unit->nr_flushes, VTD_KUNIT_MAX_FLUSHES);
	for (i = 0; i < unit->nr_flushes; i++) {
		const struct vtd_kunit_flush *flush = &unit->flushes[i];

		KUNIT_EXPECT_MEMEQ(test, flush->entry, good, sizeof(flush->entry));
		nr_old += !flush->context && flush->did == VTD_KUNIT_OLD_TAG;
		nr_new += !flush->context && flush->did == did;
		KUNIT_EXPECT_TRUE(test, flush->did == VTD_KUNIT_OLD_TAG || flush->did == did);
	}
	KUNIT_EXPECT_EQ(test, nr_old, 1);
	KUNIT_EXPECT_EQ(test, nr_new, 1);
	/* The context cache before the IOTLB, or it would be filled from it again. */
	if (!unit->mode->scalable)
		KUNIT_EXPECT_TRUE(test, unit->flushes[0].context && unit->flushes[0].did == VTD_KUNIT_OLD_TAG);

	KUNIT_EXPECT_PTR_EQ(test, unit->info.domain, domain);
	KUNIT_EXPECT_TRUE(test, unit->info.domain_attached);
	KUNIT_EXPECT_FALSE(test, list_empty(&domain->devices));
	KUNIT_EXPECT_FALSE(test, list_empty(&domain->cache_tags));

	/* Like any attached device: it can be detached, and nothing stays but the old tag, which others may use. */
	device_block_translation(unit->dev);
	KUNIT_EXPECT_FALSE(test, *vtd_kunit_entry(unit) & 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->devices));
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->cache_tags));
	vtd_kunit_release(test, unit);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
}

/* A first-stage domain shares the ID of the restored one, and the ID is free when neither has a use for it. */
static void vtd_kunit_first_stage_swap_keeps_id(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, &vtd_kunit_pasid_modes[1]);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	struct pt_iommu_x86_64_hw_info table;
	u64 *entry;

	pt_iommu_x86_64_hw_info(&domain->fspt, &table);
	vtd_kunit_restore(test, unit, 0x123456000ULL);
	entry = vtd_kunit_entry(unit);
	KUNIT_ASSERT_EQ(test, intel_liveupdate_swap(domain, unit->dev), 0);
	KUNIT_EXPECT_EQ(test, domain_id_iommu(domain, &unit->iommu), VTD_KUNIT_OLD_TAG);
	KUNIT_EXPECT_EQ(test, entry[1] & 0xffff, VTD_KUNIT_OLD_TAG);
	KUNIT_EXPECT_EQ(test, entry[2] & VTD_PAGE_MASK, table.gcr3_pt);
	KUNIT_EXPECT_PTR_EQ(test, unit->info.domain, domain);
	KUNIT_EXPECT_EQ(test, vtd_tag_users(&unit->iommu, VTD_KUNIT_OLD_TAG), 2);

	/* The last device leaves the restored domain: the ID is the new one's alone. */
	vtd_kunit_release(test, unit);
	KUNIT_EXPECT_EQ(test, vtd_tag_users(&unit->iommu, VTD_KUNIT_OLD_TAG), 1);
	KUNIT_EXPECT_TRUE(test, ida_exists(&unit->iommu.domain_ida, VTD_KUNIT_OLD_TAG));
	device_block_translation(unit->dev);
	KUNIT_EXPECT_EQ(test, vtd_tag_users(&unit->iommu, VTD_KUNIT_OLD_TAG), 0);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
}

/* The other way round: the new domain is gone while other devices are on the restored one still. */
static void vtd_kunit_first_stage_id_outlives_domain(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, &vtd_kunit_pasid_modes[1]);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);

	vtd_kunit_restore(test, unit, 0x123456000ULL);
	KUNIT_ASSERT_EQ(test, intel_liveupdate_swap(domain, unit->dev), 0);
	device_block_translation(unit->dev);
	KUNIT_EXPECT_EQ(test, vtd_tag_users(&unit->iommu, VTD_KUNIT_OLD_TAG), 1);
	KUNIT_EXPECT_TRUE(test, ida_exists(&unit->iommu.domain_ida, VTD_KUNIT_OLD_TAG));
	vtd_kunit_release(test, unit);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
}

/* Two domains of this kernel never have one ID, whatever they say: each goes on to be changed by itself. */
static void vtd_kunit_first_stage_id_is_for_one(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, &vtd_kunit_pasid_modes[1]);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit), *other = vtd_kunit_domain(test, unit);
	struct intel_iommu *iommu = &unit->iommu;
	int ret;

	vtd_kunit_restore(test, unit, 0x123456000ULL);
	KUNIT_ASSERT_EQ(test, intel_liveupdate_swap(domain, unit->dev), 0);

	/* Another device of the restored domain is swapped to another domain. */
	ret = vtd_hold_tag(other, iommu, VTD_KUNIT_OLD_TAG);
	KUNIT_EXPECT_EQ(test, ret, -EOPNOTSUPP);
	if (!ret)
		domain_detach_iommu(other, iommu);
	KUNIT_EXPECT_TRUE(test, xa_empty(&other->iommu_array));
	KUNIT_EXPECT_EQ(test, vtd_tag_users(iommu, VTD_KUNIT_OLD_TAG), 2);

	/* This one goes on to a domain that says something else, while others are on the restored one still. */
	KUNIT_ASSERT_EQ(test, other->domain.ops->attach_dev(&other->domain, unit->dev, &domain->domain), 0);
	KUNIT_EXPECT_NE(test, domain_id_iommu(other, iommu), VTD_KUNIT_OLD_TAG);
	KUNIT_EXPECT_NE(test, vtd_kunit_entry(unit)[1] & 0xffff, VTD_KUNIT_OLD_TAG);
	KUNIT_EXPECT_EQ(test, vtd_tag_users(iommu, VTD_KUNIT_OLD_TAG), 1);

	/* Nobody else has it again. */
	ret = vtd_hold_tag(domain, iommu, VTD_KUNIT_OLD_TAG);
	KUNIT_EXPECT_EQ(test, ret, 0);
	if (!ret)
		domain_detach_iommu(domain, iommu);
	vtd_kunit_release(test, unit);
	device_block_translation(unit->dev);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&iommu->domain_ida));
}

/* A domain that has an ID of its own on the unit: there is no hitless order, and nothing changes. */
static void vtd_kunit_first_stage_swap_to_other_id(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, &vtd_kunit_pasid_modes[1]);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	u64 before[8];

	vtd_kunit_restore(test, unit, 0x123456000ULL);
	KUNIT_ASSERT_EQ(test, domain_attach_iommu(domain, &unit->iommu), 0);
	memcpy(before, vtd_kunit_entry(unit), sizeof(before));
	KUNIT_EXPECT_EQ(test, intel_liveupdate_swap(domain, unit->dev), -EOPNOTSUPP);
	KUNIT_EXPECT_MEMEQ(test, vtd_kunit_entry(unit), before, sizeof(before));
	KUNIT_EXPECT_NULL(test, unit->info.domain);
	KUNIT_EXPECT_EQ(test, vtd_tag_users(&unit->iommu, VTD_KUNIT_OLD_TAG), 1);
	domain_detach_iommu(domain, &unit->iommu);
	KUNIT_EXPECT_TRUE(test, xa_empty(&domain->iommu_array));
	vtd_kunit_release(test, unit);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
}

/* A swap that is refused changes nothing: not the entry, no reference, no tag, and nothing is flushed. */
static void vtd_kunit_expect_refused(struct kunit *test, struct vtd_kunit *unit, struct dmar_domain *domain, int error)
{
	struct pasid_entry before = {}, after = {};
	const size_t bytes = unit->mode->scalable ? sizeof(before) : sizeof(struct context_entry);

	memcpy(&before, vtd_kunit_entry(unit), bytes);
	KUNIT_EXPECT_EQ(test, intel_liveupdate_swap(domain, unit->dev), error);
	memcpy(&after, vtd_kunit_entry(unit), bytes);
	KUNIT_EXPECT_MEMEQ(test, &before, &after, sizeof(before));
	KUNIT_EXPECT_NULL(test, unit->info.domain);
	KUNIT_EXPECT_TRUE(test, unit->info.domain_attached);
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->devices));
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->cache_tags));
	KUNIT_EXPECT_TRUE(test, xa_empty(&domain->iommu_array));
	KUNIT_EXPECT_EQ(test, unit->nr_flushes, 0);
	/* The old tag alone. */
	KUNIT_EXPECT_TRUE(test, ida_exists(&unit->iommu.domain_ida, VTD_KUNIT_OLD_TAG));
	vtd_kunit_release(test, unit);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->iommu.domain_ida));
	KUNIT_EXPECT_EQ(test, vtd_adopt_tag(&unit->iommu, VTD_KUNIT_OLD_TAG), 0);
}

static void vtd_kunit_refused_swaps(struct kunit *test)
{
	struct vtd_kunit *unit = vtd_kunit_unit(test, test->param_value);
	struct dmar_domain *domain = vtd_kunit_domain(test, unit);
	u64 *entry, good;
	unsigned int i;

	vtd_kunit_restore(test, unit, 0x123456000ULL);
	entry = vtd_kunit_entry(unit);

	/* A number of levels that the unit has not. */
	good = unit->iommu.cap;
	unit->iommu.cap &= ~(0x1fULL << 8);
	vtd_kunit_expect_refused(test, unit, domain, -EINVAL);
	unit->iommu.cap = good;

	/* No domain ID is left. */
	unit->iommu.max_domain_id = IDA_START_DID;
	vtd_kunit_expect_refused(test, unit, domain, -ENOSPC);
	unit->iommu.max_domain_id = 65536;

	/* Nothing to swap from. */
	entry[0] &= ~1ULL;
	vtd_kunit_expect_refused(test, unit, domain, -EINVAL);
	entry[0] |= 1;

	/* What cannot be changed with the first 128 bits. */
	for (i = 2; unit->mode->scalable && i < 8; i++) {
		entry[i] ^= BIT_ULL(4 * i);
		vtd_kunit_expect_refused(test, unit, domain, -EOPNOTSUPP);
		entry[i] ^= BIT_ULL(4 * i);
	}
	KUNIT_EXPECT_EQ(test, intel_liveupdate_swap(domain, unit->dev), 0);
	vtd_kunit_release(test, unit);
}

static struct kunit_case vtd_kunit_cases[] = {
	KUNIT_CASE_PARAM(vtd_kunit_entry_is_right, vtd_kunit_modes_gen_params),
	KUNIT_CASE(vtd_kunit_context_is_compared),
	KUNIT_CASE_PARAM(vtd_kunit_handover_is_right, vtd_kunit_modes_gen_params),
	KUNIT_CASE_PARAM(vtd_kunit_aliases_go_together, vtd_kunit_modes_gen_params),
	KUNIT_CASE_PARAM(vtd_kunit_pasid_is_compared, vtd_kunit_pasid_modes_gen_params),
	KUNIT_CASE(vtd_kunit_unnamed_pasid_is_refused),
	KUNIT_CASE_PARAM(vtd_kunit_swap_is_hitless, vtd_kunit_modes_gen_params),
	KUNIT_CASE(vtd_kunit_first_stage_swap_keeps_id),
	KUNIT_CASE(vtd_kunit_first_stage_id_outlives_domain),
	KUNIT_CASE(vtd_kunit_first_stage_id_is_for_one),
	KUNIT_CASE(vtd_kunit_first_stage_swap_to_other_id),
	KUNIT_CASE_PARAM(vtd_kunit_refused_swaps, vtd_kunit_modes_gen_params),
	{}
};

static struct kunit_suite vtd_kunit_suite = {
	.name = "iommu-liveupdate-vtd",
	.test_cases = vtd_kunit_cases,
};
kunit_test_suite(vtd_kunit_suite);
