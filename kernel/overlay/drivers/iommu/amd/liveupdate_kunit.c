// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of AMD-Vi across live update, on a segment and a unit that do not exist: device tables and registers are memory. Compiled
 * with liveupdate.c.
 */
#include <kunit/device.h>
#include <kunit/test.h>

#include "unit_kunit.h"
#include "../liveupdate/verify.h"
#include "../liveupdate/fail_kunit.h"
#include "../liveupdate/records_kunit.h"

#define AMD_KUNIT_SEG		0xfffe	/* no segment of the machine */
#define AMD_KUNIT_DEVID		0x328
#define AMD_KUNIT_OTHER		0x330
#define AMD_KUNIT_TOP		0x0000123456789000ULL
#define AMD_KUNIT_TAG		4321
#define AMD_KUNIT_IRQ		(2ULL << 60 | 0x12345680 | 9 << 1 | 1)	/* a table, remapping on */
#define AMD_KUNIT_PASS		(1ULL << 56 | 1ULL << 62)		/* INIT and LINT0 pass */

struct amd_kunit {
	struct amd_iommu iommu;
	struct amd_iommu_pci_seg seg;
	u8 *registers;
	struct iommu_unit_ser unit;
	struct lu_kunit_records records;
	struct amd_adoption adoption;
	unsigned int nr_quarantined;
};

static struct amd_kunit *amd_kunit_current;

static const struct iommu_device_ser *amd_kunit_device(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit, u32 devid)
{
	const struct lu_kunit_records *records = &amd_kunit_current->records;

	/* One that is quarantined has no record; but tests without aliases look at one entry after the other. */
	if (records->nr_aliases && amd_kunit_current->nr_quarantined)
		return NULL;
	return lu_kunit_has_rid(records, devid) ? &records->device : NULL;
}

static const ioasid_t amd_kunit_no_pasids[] = { IOMMU_NO_PASID };

static void amd_kunit_quarantine(const struct iommu_device_ser *device, const char *reason)
{
	amd_kunit_current->nr_quarantined++;
}

static struct amd_kunit *amd_kunit_segment(struct kunit *test)
{
	struct amd_kunit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit->seg.id = AMD_KUNIT_SEG;
	unit->seg.last_bdf = AMD_KUNIT_OTHER;
	unit->seg.dev_table_size = SZ_32K;
	unit->seg.dev_table = kunit_kzalloc(test, SZ_32K, GFP_KERNEL);
	unit->registers = kunit_kzalloc(test, MMIO_CNTR_CONF_OFFSET, GFP_KERNEL);
	unit->adoption.table = kunit_kzalloc(test, SZ_32K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, unit->seg.dev_table);
	KUNIT_ASSERT_NOT_NULL(test, unit->registers);
	KUNIT_ASSERT_NOT_NULL(test, unit->adoption.table);
	unit->iommu.pci_seg = &unit->seg;
	unit->iommu.mmio_base = (__force void __iomem *)unit->registers;
	unit->records.device.rid = AMD_KUNIT_DEVID;
	unit->records.device.tag = AMD_KUNIT_TAG;
	unit->records.tag[0] = AMD_KUNIT_TAG;
	unit->records.domain[0].format = IOMMU_SER_FORMAT_AMDV1;
	unit->records.domain[0].levels = 3;
	unit->records.domain[0].top_pa = AMD_KUNIT_TOP;
	unit->records.pasids = amd_kunit_no_pasids;
	unit->records.nr = 1;
	unit->adoption.seg = &unit->seg;
	unit->adoption.unit = &unit->unit;
	amd_kunit_current = unit;
	lu_kunit_use_records(test);
	kunit_activate_static_stub(test, amd_incoming_requester, amd_kunit_device);
	kunit_activate_static_stub(test, amd_quarantine, amd_kunit_quarantine);
	return unit;
}

static struct dev_table_entry amd_kunit_good(void)
{
	return (struct dev_table_entry){ .data = { AMD_KUNIT_TOP | BIT_ULL(62) | BIT_ULL(61) | 3 << 9 | 3, AMD_KUNIT_TAG } };
}

/* Every entry of a handover table blocks, and lets no interrupt through but what firmware lets pass. */
static void amd_kunit_handover_blocks(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct amd_handover handover = { .seg = &unit->seg, .table = kunit_kzalloc(test, SZ_32K, GFP_KERNEL) };
	const u32 nr = amd_table_entries(&unit->seg);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, handover.table);
	KUNIT_EXPECT_EQ(test, nr, 1024);
	for (i = 0; i < nr; i++) {
		memset(&handover.table[i], 0xff, sizeof(*handover.table));
		memset(&unit->seg.dev_table[i], 0xff, 2 * sizeof(u64));
		unit->seg.dev_table[i].data[2] = i & 1 ? AMD_KUNIT_IRQ | AMD_KUNIT_PASS : 0;
		amd_handover_block(&handover, i);
	}
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, handover.table[i].data[0], 1ULL);
		KUNIT_EXPECT_EQ(test, handover.table[i].data[1], 0ULL);
		KUNIT_EXPECT_EQ(test, handover.table[i].data[2], i & 1 ? AMD_KUNIT_PASS | 1 : 0);
		KUNIT_EXPECT_EQ(test, handover.table[i].data[3], 0ULL);
	}
}

static void amd_kunit_adopt(struct amd_kunit *unit, u32 devid, struct dev_table_entry *entry)
{
	unit->adoption.table[devid] = *entry;
	amd_adopt_entry(&unit->adoption, devid);
	*entry = unit->adoption.table[devid];
}

/* What goes on: the lower half is the old kernel's, the upper half is what this kernel has for interrupts. */
static void amd_kunit_good_entry_is_adopted(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct dev_table_entry entry = amd_kunit_good();

	entry.data[2] = AMD_KUNIT_IRQ;
	unit->seg.dev_table[AMD_KUNIT_DEVID].data[2] = AMD_KUNIT_PASS | 1;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 0);
	KUNIT_EXPECT_EQ(test, entry.data[0], amd_kunit_good().data[0]);
	KUNIT_EXPECT_EQ(test, entry.data[1], amd_kunit_good().data[1]);
	KUNIT_EXPECT_EQ(test, entry.data[2], AMD_KUNIT_PASS | 1);
	KUNIT_EXPECT_EQ(test, entry.data[3], 0ULL);
}

/* Each bit of the half that translates: not the entry that the record says, so it blocks. */
static void amd_kunit_each_bit_is_compared(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct dev_table_entry entry;
	unsigned int bit;

	for (bit = 0; bit < 128; bit++) {
		entry = amd_kunit_good();
		entry.data[bit / 64] ^= BIT_ULL(bit % 64);
		unit->nr_quarantined = 0;
		amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
		KUNIT_EXPECT_EQ_MSG(test, unit->nr_quarantined, 1, "bit %u", bit);
		KUNIT_EXPECT_EQ_MSG(test, entry.data[0], 1ULL, "bit %u", bit);
		KUNIT_EXPECT_EQ_MSG(test, entry.data[1], 0ULL, "bit %u", bit);
	}
}

static void amd_kunit_each_field_is_compared(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct dev_table_entry entry = amd_kunit_good();

	unit->records.device.tag++;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 1);
	unit->records.device.tag--;
	entry = amd_kunit_good();
	unit->records.domain[0].levels++;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 2);
	unit->records.domain[0].levels--;
	entry = amd_kunit_good();
	unit->records.domain[0].top_pa += SZ_4K;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 3);
	unit->records.domain[0].top_pa -= SZ_4K;
	entry = amd_kunit_good();
	unit->records.domain[0].format = IOMMU_SER_FORMAT_VTDSS;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 4);
	KUNIT_EXPECT_EQ(test, entry.data[0], 1ULL);
}

/* An entry without a record blocks, whatever it was: one that translates, lets everything through, or blocked already. */
static void amd_kunit_others_are_blocked(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	const u64 words[] = { amd_kunit_good().data[0], 0, 1, BIT_ULL(62) | BIT_ULL(61) | 3, ~0ULL };
	unsigned int i;

	unit->seg.dev_table[AMD_KUNIT_OTHER].data[2] = AMD_KUNIT_PASS;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		struct dev_table_entry entry = { .data = { words[i], AMD_KUNIT_TAG, AMD_KUNIT_IRQ, ~0ULL } };

		amd_kunit_adopt(unit, AMD_KUNIT_OTHER, &entry);
		KUNIT_EXPECT_EQ(test, entry.data[0], 1ULL);
		KUNIT_EXPECT_EQ(test, entry.data[1], 0ULL);
		KUNIT_EXPECT_EQ(test, entry.data[2], AMD_KUNIT_PASS);
		KUNIT_EXPECT_EQ(test, entry.data[3], 0ULL);
	}
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 0);
}

/* The IDs of a device with aliases: one below its own, and one above it. */
static const u16 amd_kunit_rids[] = { 0x300, AMD_KUNIT_DEVID, 0x32f };

static void amd_kunit_use_aliases(struct amd_kunit *unit)
{
	unit->records.nr_aliases = 2;
	unit->records.aliases[0].rid = amd_kunit_rids[0];
	unit->records.aliases[1].rid = amd_kunit_rids[2];
}

/* Adopt the whole table, in which @odd has another bit than the others; it is none of them if there is no such one. */
static void amd_kunit_adopt_rids(struct amd_kunit *unit, unsigned int odd, unsigned int bit)
{
	struct dev_table_entry *table = unit->adoption.table;
	unsigned int i;

	memset(table, 0xff, SZ_32K);
	for (i = 0; i < ARRAY_SIZE(amd_kunit_rids); i++)
		table[amd_kunit_rids[i]] = amd_kunit_good();
	if (odd < ARRAY_SIZE(amd_kunit_rids))
		table[amd_kunit_rids[odd]].data[bit / 64] ^= BIT_ULL(bit % 64);
	unit->nr_quarantined = 0;
	for (i = 0; i < amd_table_entries(&unit->seg); i++)
		amd_adopt_entry(&unit->adoption, i);
}

/* What goes on under one ID goes on under all; of interrupts each has what this kernel has for it. */
static void amd_kunit_aliases_are_adopted(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	const struct dev_table_entry *entry;
	unsigned int i;

	amd_kunit_use_aliases(unit);
	unit->seg.dev_table[amd_kunit_rids[0]].data[2] = AMD_KUNIT_PASS;
	amd_kunit_adopt_rids(unit, UINT_MAX, 0);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 0);
	for (i = 0; i < ARRAY_SIZE(amd_kunit_rids); i++) {
		entry = &unit->adoption.table[amd_kunit_rids[i]];
		KUNIT_EXPECT_EQ(test, entry->data[0], amd_kunit_good().data[0]);
		KUNIT_EXPECT_EQ(test, entry->data[1], amd_kunit_good().data[1]);
		KUNIT_EXPECT_EQ(test, entry->data[2], i ? 0 : AMD_KUNIT_PASS);
	}
	KUNIT_EXPECT_EQ(test, unit->adoption.table[amd_kunit_rids[0] + 1].data[0], 1ULL);
}

/* One entry of a device that is wrong, whichever: all of them block. */
static void amd_kunit_aliases_are_compared(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	unsigned int odd, bit, i;

	amd_kunit_use_aliases(unit);
	for (odd = 0; odd < ARRAY_SIZE(amd_kunit_rids); odd++)
		for (bit = 0; bit < 128; bit++) {
			amd_kunit_adopt_rids(unit, odd, bit);
			KUNIT_EXPECT_EQ_MSG(test, unit->nr_quarantined, 1, "ID %u, bit %u", odd, bit);
			for (i = 0; i < ARRAY_SIZE(amd_kunit_rids); i++)
				KUNIT_EXPECT_EQ_MSG(test, unit->adoption.table[amd_kunit_rids[i]].data[0], 1ULL, "ID %u, bit %u", odd,
						    bit);
		}
}

static void amd_kunit_aliases_of_firmware(struct kunit *test)
{
	struct iommu_liveupdate_aliases none = {}, some = { .nr = 2, .rids = { amd_kunit_rids[0], amd_kunit_rids[2] } };
	struct amd_kunit *unit = amd_kunit_segment(test);

	unit->seg.alias_table = kunit_kcalloc(test, unit->seg.last_bdf + 1, sizeof(u16), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, unit->seg.alias_table);
	unit->seg.alias_table[AMD_KUNIT_DEVID] = AMD_KUNIT_DEVID;
	KUNIT_EXPECT_TRUE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &none));
	KUNIT_EXPECT_TRUE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &some));
	unit->seg.alias_table[AMD_KUNIT_DEVID] = amd_kunit_rids[2];
	KUNIT_EXPECT_FALSE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &none));
	KUNIT_EXPECT_TRUE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &some));
	unit->seg.alias_table[AMD_KUNIT_DEVID] = 0x200;
	KUNIT_EXPECT_FALSE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &some));
	unit->seg.alias_table[AMD_KUNIT_DEVID] = AMD_KUNIT_DEVID;
	some.rids[1] = unit->seg.last_bdf;
	KUNIT_EXPECT_TRUE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &some));
	some.rids[1]++;
	KUNIT_EXPECT_FALSE(test, amd_aliases_fit(&unit->seg, AMD_KUNIT_DEVID, &some));
}

/* A table of this kernel's own: nothing may get through it. */
static void amd_kunit_own_table_blocks(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	u32 i;

	unit->seg.dev_table[5].data[2] = AMD_KUNIT_PASS;
	amd_block_all(&unit->seg);
	for (i = 0; i < amd_table_entries(&unit->seg); i++) {
		KUNIT_EXPECT_EQ(test, unit->seg.dev_table[i].data[0], 1ULL);
		KUNIT_EXPECT_EQ(test, unit->seg.dev_table[i].data[2], i == 5 ? AMD_KUNIT_PASS : 0);
	}
}

static void amd_kunit_remove_unit(void *unit)
{
	list_del(&((struct amd_kunit *)unit)->iommu.list);
}

static void amd_kunit_table_is_in_use(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	const u64 pa = 0x12345000;

	list_add(&unit->iommu.list, &amd_iommu_list);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, amd_kunit_remove_unit, unit), 0);
	KUNIT_EXPECT_EQ(test, amd_table_register(&unit->seg, pa), 0x12345007ULL);
	KUNIT_EXPECT_FALSE(test, amd_table_in_use(&unit->seg, pa));
	writeq(0x12345007ULL, unit->iommu.mmio_base + MMIO_DEV_TABLE_OFFSET);
	KUNIT_EXPECT_FALSE(test, amd_table_in_use(&unit->seg, pa));
	writeq(1, unit->iommu.mmio_base + MMIO_CONTROL_OFFSET);
	KUNIT_EXPECT_TRUE(test, amd_table_in_use(&unit->seg, pa));
	KUNIT_EXPECT_FALSE(test, amd_table_in_use(&unit->seg, pa + SZ_4K));
	writeq(0x12345006ULL, unit->iommu.mmio_base + MMIO_DEV_TABLE_OFFSET);
	KUNIT_EXPECT_FALSE(test, amd_table_in_use(&unit->seg, pa));
}

static void amd_kunit_table_is_listed(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	u64 *pages = (u64 *)get_zeroed_page(GFP_KERNEL);
	u8 seen[2];
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	unit->unit.root_pa = 0x12340000;
	unit->unit.pages_pa = virt_to_phys(pages);
	unit->unit.nr_pages = 9;
	unit->adoption.seen = seen;
	for (i = 0; i < 8; i++)
		pages[i] = unit->unit.root_pa + i * SZ_4K;
	pages[8] = 0x7654321000;
#define AMD_KUNIT_CLAIM()	({ memset(seen, 0, sizeof(seen)); amd_claim_table(&unit->adoption); })
	KUNIT_EXPECT_TRUE(test, AMD_KUNIT_CLAIM());
	/* It is nobody else's from then on. */
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_claim_page(&unit->unit, seen, unit->unit.root_pa + SZ_4K));
	KUNIT_EXPECT_TRUE(test, iommu_liveupdate_claim_page(&unit->unit, seen, pages[8]));
	KUNIT_EXPECT_FALSE(test, iommu_liveupdate_claim_page(&unit->unit, seen, pages[8]));
	unit->unit.nr_pages = 7;
	KUNIT_EXPECT_FALSE(test, AMD_KUNIT_CLAIM());
	unit->unit.nr_pages = 9;
	pages[7] += SZ_4K;
	KUNIT_EXPECT_FALSE(test, AMD_KUNIT_CLAIM());
	pages[7] -= SZ_4K;
	unit->unit.root_pa += SZ_4K;
	KUNIT_EXPECT_FALSE(test, AMD_KUNIT_CLAIM());
	free_page((unsigned long)pages);
}

/* Two segments that have a tag. */
static struct amd_iommu_pci_seg *amd_kunit_share_tag(struct kunit *test, struct amd_kunit *unit)
{
	struct amd_iommu_pci_seg *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, other);
	other->id = AMD_KUNIT_SEG + 1;
	list_add(&other->list, &amd_iommu_pci_seg_list);
	list_add(&unit->seg.list, &amd_iommu_pci_seg_list);
	KUNIT_EXPECT_EQ(test, amd_adopt_tag(&unit->seg, AMD_KUNIT_TAG), 0);
	KUNIT_EXPECT_EQ(test, amd_adopt_tag(other, AMD_KUNIT_TAG), 0);
	return other;
}

/* A tag is out of the pool from the first segment that has it to the last that gives it back. */
static void amd_kunit_tags_are_counted(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct amd_iommu_pci_seg *other = amd_kunit_share_tag(test, unit);

	KUNIT_EXPECT_EQ(test, amd_adopt_tag(&unit->seg, AMD_KUNIT_TAG), 0);
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), -ENOSPC);
	amd_liveupdate_release_tag(unit->seg.id, AMD_KUNIT_TAG);
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), -ENOSPC);
	/* Never taken. */
	amd_liveupdate_release_tag(unit->seg.id, AMD_KUNIT_TAG);
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), -ENOSPC);
	amd_liveupdate_release_tag(other->id, AMD_KUNIT_TAG);
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), AMD_KUNIT_TAG);
	amd_iommu_pdom_id_free(AMD_KUNIT_TAG);
	list_del(&unit->seg.list);
	list_del(&other->list);
}

/* A device's own ID is one that another segment may have of the old kernel, too. */
static void amd_kunit_own_tag_is_freed(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct amd_iommu_pci_seg *other = amd_kunit_share_tag(test, unit);

	amd_liveupdate_free_domid(&unit->iommu, AMD_KUNIT_TAG);
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), -ENOSPC);
	amd_liveupdate_release_tag(other->id, AMD_KUNIT_TAG);
	/* One of this kernel. */
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), AMD_KUNIT_TAG);
	amd_liveupdate_free_domid(&unit->iommu, AMD_KUNIT_TAG);
	KUNIT_EXPECT_EQ(test, amd_iommu_pdom_id_reserve(AMD_KUNIT_TAG, GFP_KERNEL), AMD_KUNIT_TAG);
	amd_iommu_pdom_id_free(AMD_KUNIT_TAG);
	list_del(&unit->seg.list);
	list_del(&other->list);
}

/*
 * Guest tables
 */

/* How many levels, and PASIDs that are handed over: of one table with requests without PASID, and of others; the last that there may be. */
static const struct amd_kunit_levels {
	const char *name;
	int glx;
	unsigned int nr_pasids, nr_pages;	/* of the list, beside the device table */
	ioasid_t pasids[5];
} amd_kunit_levels[] = {
	{ "one level", 0, 3, 0, { IOMMU_NO_PASID, 5, 511 } },
	{ "two levels", 1, 4, 3, { IOMMU_NO_PASID, 5, 1000, 0x3ffff } },
	{ "three levels", 2, 5, 7, { IOMMU_NO_PASID, 5, 1000, 0x40000, 0xfffff } },
};

static void amd_kunit_levels_name(const struct amd_kunit_levels *levels, char *name)
{
	strscpy(name, levels->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(amd_kunit_levels, amd_kunit_levels, amd_kunit_levels_name);

/* What a device was left on: made from what it was on. Records are of two domains that take turns. */
struct amd_kunit_guest {
	struct amd_kunit_unit fake;
	struct amd_kunit *unit;
	const struct amd_kunit_levels *levels;
	struct device *dev;
	struct dev_iommu dev_iommu;
	struct amd_handover handover;
	struct amd_handover_device *device;
	u64 *list;
	u8 seen[8];
};

static u64 amd_kunit_guest_top(unsigned int i)
{
	return AMD_KUNIT_TOP + (i % 2) * SZ_4K;
}

static void amd_kunit_free_table(u64 *table, void *unused)
{
	iommu_free_pages(table);
}

static void *amd_kunit_alloc_table(int nid)
{
	return iommu_alloc_pages_node_sz(nid, GFP_KERNEL, SZ_4K);
}

static void amd_kunit_guest_free(void *arg)
{
	struct amd_kunit_guest *guest = arg;

	if (guest->device->gcr3.gcr3_tbl)
		amd_gcr3_walk(guest->device->gcr3.gcr3_tbl, guest->device->gcr3.glx, amd_handover_free_table, NULL);
	if (guest->fake.dev_data.gcr3_info.gcr3_tbl)
		amd_gcr3_walk(guest->fake.dev_data.gcr3_info.gcr3_tbl, guest->levels->glx, amd_kunit_free_table, NULL);
	guest->dev->iommu = NULL;
}

/* What the device is on. */
static void amd_kunit_guest_live(struct kunit *test, struct amd_kunit_guest *guest)
{
	struct gcr3_tbl_info *live = &guest->fake.dev_data.gcr3_info;
	struct dev_table_entry *entry = amd_kunit_unit_live(&guest->fake);
	unsigned int i;
	u64 *word;

	live->glx = guest->levels->glx;
	live->levels = PAGE_MODE_5_LEVEL;
	live->domid = AMD_KUNIT_TAG;
	live->pasid_cnt = guest->levels->nr_pasids - 1;
	live->gcr3_tbl = amd_kunit_alloc_table(NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(test, live->gcr3_tbl);
	for (i = 0; i < guest->levels->nr_pasids; i++) {
		word = amd_gcr3_entry(live, guest->levels->pasids[i], amd_kunit_alloc_table, NUMA_NO_NODE);
		KUNIT_ASSERT_NOT_NULL(test, word);
		*word = amd_gcr3_make(amd_kunit_guest_top(i));
	}
	amd_dte_make_blocked(entry, U16_MAX, AMD_KUNIT_DEVID);
	amd_dte_make_gcr3(entry, virt_to_phys(live->gcr3_tbl), live->glx, live->levels, live->domid, true);
	entry->data[2] |= AMD_KUNIT_IRQ | AMD_KUNIT_PASS;
	guest->unit->seg.dev_table[AMD_KUNIT_DEVID].data[2] = entry->data[2];
}

static struct amd_kunit_guest *amd_kunit_guest(struct kunit *test, const struct amd_kunit_levels *levels)
{
	struct amd_kunit_guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, guest);
	guest->unit = amd_kunit_segment(test);
	guest->levels = levels;
	guest->dev = kunit_device_register(test, "amd_guest_dev");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, guest->dev);
	set_dev_node(guest->dev, NUMA_NO_NODE);
	amd_kunit_unit_init(test, &guest->fake, AMD_KUNIT_DEVID);
	guest->fake.dev_data.dev = guest->dev;
	guest->dev_iommu.priv = &guest->fake.dev_data;
	guest->dev_iommu.iommu_dev = &guest->fake.iommu.iommu;
	guest->dev->iommu = &guest->dev_iommu;
	guest->device = kunit_kzalloc(test, struct_size(guest->device, pasids, levels->nr_pasids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, guest->device);
	guest->device->nr_pasids = levels->nr_pasids;
	for (i = 0; i < levels->nr_pasids; i++)
		guest->device->pasids[i] = levels->pasids[i];
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, amd_kunit_guest_free, guest), 0);
	amd_kunit_guest_live(test, guest);

	guest->handover.seg = &guest->unit->seg;
	guest->handover.table = iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_32K);
	KUNIT_ASSERT_NOT_NULL(test, guest->handover.table);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, (kunit_action_t *)iommu_free_pages, guest->handover.table), 0);
	INIT_LIST_HEAD(&guest->handover.devices);
	guest->device->dev = guest->dev;
	guest->device->handover = &guest->handover;
	list_add(&guest->device->list, &guest->handover.devices);
	return guest;
}

/* Hand it over; what the blob will say of it. */
static struct amd_kunit_guest *amd_kunit_hand_over(struct kunit *test, const struct amd_kunit_levels *levels)
{
	struct amd_kunit_guest *guest = amd_kunit_guest(test, levels);
	struct lu_kunit_records *records = &guest->unit->records;
	struct iommu_liveupdate_attach attach[5] = {};
	struct iommu_liveupdate_device what = { .attach = attach, .nr_attach = levels->nr_pasids };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, amd_handover_alloc_pasids(guest->device), 0);
	KUNIT_ASSERT_EQ(test, amd_handover_copy(guest->device), 0);
	amd_handover_set_tags(guest->device, &what);
	for (i = 0; i < levels->nr_pasids; i++)
		KUNIT_EXPECT_EQ(test, attach[i].tag, AMD_KUNIT_TAG);
	guest->list = (u64 *)iommu_alloc_pages_node_sz(NUMA_NO_NODE, GFP_KERNEL, SZ_4K);
	KUNIT_ASSERT_NOT_NULL(test, guest->list);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, (kunit_action_t *)iommu_free_pages, guest->list), 0);
	guest->unit->unit.nr_pages = amd_handover_list(&guest->handover, guest->list);
	guest->unit->unit.pages_pa = virt_to_phys(guest->list);
	guest->unit->unit.root_pa = virt_to_phys(guest->handover.table);
	iommu_liveupdate_sort_pages(guest->list, guest->unit->unit.nr_pages);
	guest->unit->adoption.seen = guest->seen;
	records->device.flags = what.flags;
	records->device.pasid_dir_pa = what.pasid_dir_pa;
	records->device.pasid_dir_bytes = what.pasid_dir_bytes;
	records->device.pasid_bits = what.pasid_bits;
	records->pasids = levels->pasids;
	records->nr = levels->nr_pasids;
	for (i = 0; i < 2; i++) {
		records->tag[i] = AMD_KUNIT_TAG;
		records->domain[i].format = IOMMU_SER_FORMAT_X86_64;
		records->domain[i].levels = PAGE_MODE_5_LEVEL;
		records->domain[i].top_pa = amd_kunit_guest_top(i);
	}
	return guest;
}

static struct dev_table_entry *amd_kunit_guest_entry(struct amd_kunit_guest *guest)
{
	return &guest->handover.table[AMD_KUNIT_DEVID];
}

static const char *amd_kunit_check_guest(struct amd_kunit_guest *guest)
{
	memset(guest->seen, 0, sizeof(guest->seen));
	amd_claim_table(&guest->unit->adoption);
	return amd_check_entry(&guest->unit->adoption, &guest->unit->records.device, AMD_KUNIT_DEVID, amd_kunit_guest_entry(guest));
}

/* Every ID leads to the same tables: they are handed over once, and looked at once. */
static void amd_kunit_guest_has_aliases(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_hand_over(test, levels);
	struct dev_table_entry *entry = amd_kunit_guest_entry(guest), *alias;
	struct amd_adoption *adoption = &guest->unit->adoption;
	const u32 nr_pages = guest->unit->unit.nr_pages;
	unsigned int i;

	guest->device->aliases = (struct iommu_liveupdate_aliases){ .nr = 2, .rids = { amd_kunit_rids[0], amd_kunit_rids[2] } };
	guest->unit->seg.dev_table[amd_kunit_rids[0]].data[2] = AMD_KUNIT_IRQ;
	KUNIT_ASSERT_EQ(test, amd_handover_copy(guest->device), 0);
	KUNIT_EXPECT_EQ(test, amd_handover_list(&guest->handover, NULL), nr_pages);
	KUNIT_EXPECT_NULL(test, amd_kunit_check_guest(guest));
	for (i = 0; i < 2; i++) {
		alias = &guest->handover.table[guest->device->aliases.rids[i]];
		KUNIT_EXPECT_EQ(test, alias->data[0], entry->data[0]);
		KUNIT_EXPECT_EQ(test, alias->data[1], entry->data[1]);
		KUNIT_EXPECT_EQ(test, alias->data[2], BIT_ULL(54) | !i);
		KUNIT_EXPECT_NULL(test, amd_check_entry(adoption, &guest->unit->records.device, guest->device->aliases.rids[i], alias));
		alias->data[1] ^= BIT_ULL(40);
		KUNIT_EXPECT_NOT_NULL(test, amd_check_entry(adoption, &guest->unit->records.device, guest->device->aliases.rids[i],
							    alias));
	}
	amd_handover_block_device(guest->device);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, guest->handover.table[guest->device->aliases.rids[i]].data[0], 1ULL);
	KUNIT_EXPECT_EQ(test, entry->data[0], 1ULL);
}

/* What is handed over: what is preserved, where the hardware will look for it, and listed; the live tables are as they were. */
static void amd_kunit_guest_is_handed_over(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_hand_over(test, levels);
	const struct dev_table_entry *live = amd_kunit_unit_live(&guest->fake), *entry = amd_kunit_guest_entry(guest);
	const struct gcr3_tbl_info *table = &guest->device->gcr3;
	ioasid_t pasid;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, amd_dte_gcr3_root(entry), virt_to_phys(table->gcr3_tbl));
	KUNIT_EXPECT_NE(test, amd_dte_gcr3_root(entry), amd_dte_gcr3_root(live));
	KUNIT_EXPECT_EQ(test, amd_dte_gcr3_root(live), virt_to_phys(guest->fake.dev_data.gcr3_info.gcr3_tbl));
	KUNIT_EXPECT_EQ(test, entry->data[0] & ~(7ULL << 58), live->data[0] & ~(7ULL << 58));
	KUNIT_EXPECT_EQ(test, entry->data[1] & 0x7ff0000ffffULL, live->data[1] & 0x7ff0000ffffULL);
	/* Five levels; interrupts that firmware wants, and no others. */
	KUNIT_EXPECT_EQ(test, entry->data[2], BIT_ULL(54) | AMD_KUNIT_PASS | 1);
	for (i = 0, pasid = amd_gcr3_next(table, 0); i < levels->nr_pasids; i++, pasid = amd_gcr3_next(table, pasid + 1)) {
		KUNIT_EXPECT_EQ(test, pasid, levels->pasids[i]);
		KUNIT_EXPECT_EQ(test, *amd_gcr3_entry(table, levels->pasids[i], NULL, NUMA_NO_NODE), amd_kunit_guest_top(i) | 1);
	}
	KUNIT_EXPECT_EQ(test, pasid, IOMMU_PASID_INVALID);
	KUNIT_EXPECT_EQ(test, guest->unit->unit.nr_pages, 8 + levels->nr_pages);
	KUNIT_EXPECT_EQ(test, amd_handover_list(&guest->handover, NULL), 8 + levels->nr_pages);
	KUNIT_EXPECT_FALSE(test, lu_page_listed(guest->list, guest->unit->unit.nr_pages, virt_to_phys(table->gcr3_tbl), NULL));
	KUNIT_EXPECT_EQ(test, guest->unit->records.device.pasid_bits, 9 * (levels->glx + 1));
	KUNIT_EXPECT_NULL(test, amd_kunit_check_guest(guest));
}

/* The kernel goes down: what changed since is copied, and what there is no entry for any more is said. */
static void amd_kunit_guest_is_copied_again(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_hand_over(test, levels);
	struct gcr3_tbl_info *live = &guest->fake.dev_data.gcr3_info;
	const ioasid_t last = levels->pasids[levels->nr_pasids - 1];
	u64 *word = amd_gcr3_entry(live, last, NULL, NUMA_NO_NODE), root = amd_dte_gcr3_root(amd_kunit_guest_entry(guest));

	*word += SZ_16K;
	KUNIT_EXPECT_EQ(test, amd_handover_copy(guest->device), 0);
	KUNIT_EXPECT_EQ(test, *amd_gcr3_entry(&guest->device->gcr3, last, NULL, NUMA_NO_NODE), *word);
	KUNIT_EXPECT_EQ(test, amd_dte_gcr3_root(amd_kunit_guest_entry(guest)), root);
	*word = 0;
	KUNIT_EXPECT_EQ(test, amd_handover_copy(guest->device), -EINVAL);
	*word = amd_gcr3_make(AMD_KUNIT_TOP);
	amd_dte_set_gcr3_root(amd_kunit_unit_live(&guest->fake), AMD_KUNIT_TOP);
	KUNIT_EXPECT_EQ(test, amd_handover_copy(guest->device), -EINVAL);
	amd_kunit_unit_live(&guest->fake)->data[0] &= ~DTE_FLAG_GV;
	KUNIT_EXPECT_EQ(test, amd_handover_copy(guest->device), -EINVAL);
}

/* Every PASID in use has to be among what is preserved. */
static void amd_kunit_guest_live_pasids(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_guest(test, levels);
	struct iommu_liveupdate_attach attach[5];
	struct iommu_liveupdate_device what = { .attach = attach, .nr_attach = levels->nr_pasids };
	unsigned int i;

	for (i = 0; i < levels->nr_pasids; i++)
		attach[i].pasid = levels->pasids[i];
	KUNIT_EXPECT_EQ(test, amd_check_live_pasids(guest->dev, &what), 0);
	for (i = 0; i < levels->nr_pasids; i++) {
		attach[i].pasid = 77;
		KUNIT_EXPECT_EQ_MSG(test, amd_check_live_pasids(guest->dev, &what), -EBUSY, "%u", levels->pasids[i]);
		attach[i].pasid = levels->pasids[i];
	}
}

#define AMD_KUNIT_EXPECT_REFUSED(what, ...)	KUNIT_EXPECT_NOT_NULL_MSG(test, amd_kunit_check_guest(guest), what, ##__VA_ARGS__)

static void amd_kunit_expect_bits(struct kunit *test, struct amd_kunit_guest *guest, u64 *word, const char *what, unsigned int nr)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		*word ^= BIT_ULL(bit);
		AMD_KUNIT_EXPECT_REFUSED("%s %u, bit %u", what, nr, bit);
		*word ^= BIT_ULL(bit);
	}
}

/* Any bit of the device table entry that translates, and of each entry on the way; every way to reach another one. */
static void amd_kunit_guest_is_compared(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_hand_over(test, levels);
	struct dev_table_entry *entry = amd_kunit_guest_entry(guest);
	struct gcr3_tbl_info *table = &guest->device->gcr3;
	struct lu_kunit_records *records = &guest->unit->records;
	unsigned int i;
	u64 *word, good;

	KUNIT_EXPECT_NULL(test, amd_kunit_check_guest(guest));
	for (i = 0; i < 2; i++)
		amd_kunit_expect_bits(test, guest, &entry->data[i], "word", i);
	entry->data[2] ^= BIT_ULL(54);
	AMD_KUNIT_EXPECT_REFUSED("four levels");
	entry->data[2] ^= BIT_ULL(54);
	for (i = 0; i < levels->nr_pasids; i++)
		amd_kunit_expect_bits(test, guest, amd_gcr3_entry(table, levels->pasids[i], NULL, NUMA_NO_NODE), "entry of PASID",
				      levels->pasids[i]);
	for (i = 0; levels->glx && i < AMD_GCR3_NR_ENTRIES; i++)
		if (table->gcr3_tbl[i])
			amd_kunit_expect_bits(test, guest, &table->gcr3_tbl[i], "table", i);

	/* An entry without a record. */
	word = amd_gcr3_entry(table, 6, NULL, NUMA_NO_NODE);
	*word = amd_gcr3_make(AMD_KUNIT_TOP);
	AMD_KUNIT_EXPECT_REFUSED("an entry that nobody preserved");
	*word = 0;
	/* One that does not lead anywhere is none. */
	*word = AMD_KUNIT_TOP;
	KUNIT_EXPECT_NULL(test, amd_kunit_check_guest(guest));
	*word = 0;
	/* A table that is met a second time, that is no table, that is part of the device table. */
	for (i = 0; levels->glx && i < 3; i++) {
		const u64 others[] = { table->gcr3_tbl[0], amd_gcr3_make(0x7654321000), amd_gcr3_make(guest->unit->unit.root_pa) };

		good = table->gcr3_tbl[300];
		table->gcr3_tbl[300] = others[i];
		AMD_KUNIT_EXPECT_REFUSED("a table, %u", i);
		table->gcr3_tbl[300] = good;
	}
	records->nr--;
	AMD_KUNIT_EXPECT_REFUSED("no record of the last PASID");
	records->nr++;
	KUNIT_EXPECT_NULL(test, amd_kunit_check_guest(guest));
}

/* Any field of the records. */
static void amd_kunit_guest_records_are_compared(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_hand_over(test, levels);
	struct lu_kunit_records *records = &guest->unit->records;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		records->domain[i].top_pa += SZ_4K * 2;
		AMD_KUNIT_EXPECT_REFUSED("another top, %u", i);
		records->domain[i].top_pa -= SZ_4K * 2;
		records->domain[i].levels--;
		AMD_KUNIT_EXPECT_REFUSED("other levels, %u", i);
		records->domain[i].levels++;
		records->domain[i].format = IOMMU_SER_FORMAT_AMDV1;
		AMD_KUNIT_EXPECT_REFUSED("another format, %u", i);
		records->domain[i].format = IOMMU_SER_FORMAT_X86_64;
		records->tag[i]++;
		if (i)
			AMD_KUNIT_EXPECT_REFUSED("another tag");
		records->tag[i]--;
	}
	records->device.tag++;
	AMD_KUNIT_EXPECT_REFUSED("another tag of the device");
	records->device.tag--;
	records->device.flags = 0;
	AMD_KUNIT_EXPECT_REFUSED("a tag that is not its own");
	records->device.flags = IOMMU_DEVICE_SER_OWN_TAG;
	for (i = 0; i <= 36; i++) {
		records->device.pasid_bits = i;
		KUNIT_EXPECT_EQ_MSG(test, !amd_kunit_check_guest(guest), i == 9 * (levels->glx + 1), "%u bits", i);
	}
	records->device.pasid_bits = 9 * (levels->glx + 1);
	records->device.pasid_dir_bytes *= 2;
	AMD_KUNIT_EXPECT_REFUSED("a table of another size");
	records->device.pasid_dir_bytes /= 2;
	KUNIT_EXPECT_NULL(test, amd_kunit_check_guest(guest));
}

/* Adopted or not: what translates stays, or blocks. */
static void amd_kunit_guest_is_adopted(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_hand_over(test, levels);
	struct dev_table_entry *entry = amd_kunit_guest_entry(guest), before = *entry;
	struct iommu_dev_data *dev_data = kunit_kzalloc(test, sizeof(*dev_data), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev_data);
	guest->unit->seg.dev_table[AMD_KUNIT_DEVID].data[2] = AMD_KUNIT_PASS;
	amd_kunit_adopt(guest->unit, AMD_KUNIT_DEVID, entry);
	KUNIT_EXPECT_EQ(test, guest->unit->nr_quarantined, 0);
	KUNIT_EXPECT_EQ(test, entry->data[0], before.data[0]);
	KUNIT_EXPECT_EQ(test, entry->data[1], before.data[1]);
	KUNIT_EXPECT_EQ(test, entry->data[2], BIT_ULL(54) | AMD_KUNIT_PASS);

	amd_adopt_gcr3(dev_data, &guest->unit->records.device, 1 << 20);
	KUNIT_EXPECT_PTR_EQ(test, dev_data->gcr3_info.gcr3_tbl, guest->device->gcr3.gcr3_tbl);
	KUNIT_EXPECT_EQ(test, dev_data->gcr3_info.glx, levels->glx);
	KUNIT_EXPECT_EQ(test, dev_data->gcr3_info.levels, PAGE_MODE_5_LEVEL);
	KUNIT_EXPECT_EQ(test, dev_data->gcr3_info.domid, AMD_KUNIT_TAG);
	KUNIT_EXPECT_EQ(test, dev_data->gcr3_info.pasid_cnt, levels->nr_pasids - 1);
	KUNIT_EXPECT_EQ(test, dev_data->max_pasids, 1 << min(9 * (levels->glx + 1), 20));
	KUNIT_EXPECT_TRUE(test, dev_data->pasid_enabled);
	amd_adopt_gcr3(dev_data, &guest->unit->records.device, -EINVAL);
	KUNIT_EXPECT_EQ(test, dev_data->max_pasids, 0);

	*amd_gcr3_entry(&guest->device->gcr3, IOMMU_NO_PASID, NULL, NUMA_NO_NODE) = 0;
	memset(guest->seen, 0, sizeof(guest->seen));
	amd_kunit_adopt(guest->unit, AMD_KUNIT_DEVID, entry);
	KUNIT_EXPECT_EQ(test, guest->unit->nr_quarantined, 1);
	KUNIT_EXPECT_EQ(test, entry->data[0], 1ULL);
	KUNIT_EXPECT_EQ(test, entry->data[1], 0ULL);
	KUNIT_EXPECT_EQ(test, entry->data[2], AMD_KUNIT_PASS);
}

#ifdef CONFIG_FAULT_INJECTION

/* Each allocation fails in turn: what is made so far goes with the device. */
static void amd_kunit_guest_without_memory(struct kunit *test)
{
	const struct amd_kunit_levels *levels = test->param_value;
	struct amd_kunit_guest *guest = amd_kunit_guest(test, levels);
	unsigned int nth, nr_failed = 0;
	bool failed = true;
	int ret = 0;

	if (!lu_kunit_can_fail())
		kunit_skip(test, "allocations are not made to fail");
	/* KASAN may have one of its own fail, which nobody minds. */
	for (nth = 1; nth < 200; nth++) {
		lu_kunit_fail_nth(nth);
		ret = amd_handover_alloc_pasids(guest->device);
		failed = lu_kunit_failed();
		if (!failed)
			break;
		KUNIT_EXPECT_TRUE(test, !ret || ret == -ENOMEM);
		nr_failed += !!ret;
		if (guest->device->gcr3.gcr3_tbl)
			amd_gcr3_walk(guest->device->gcr3.gcr3_tbl, guest->device->gcr3.glx, amd_handover_free_table, NULL);
		guest->device->gcr3 = (struct gcr3_tbl_info){};
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GE(test, nr_failed, 1 + levels->nr_pages);
	KUNIT_EXPECT_EQ(test, amd_handover_copy(guest->device), 0);
}

#endif

static struct kunit_case amd_kunit_cases[] = {
	KUNIT_CASE(amd_kunit_handover_blocks),
	KUNIT_CASE(amd_kunit_good_entry_is_adopted),
	KUNIT_CASE(amd_kunit_each_bit_is_compared),
	KUNIT_CASE(amd_kunit_each_field_is_compared),
	KUNIT_CASE(amd_kunit_others_are_blocked),
	KUNIT_CASE(amd_kunit_aliases_are_adopted),
	KUNIT_CASE(amd_kunit_aliases_are_compared),
	KUNIT_CASE(amd_kunit_aliases_of_firmware),
	KUNIT_CASE(amd_kunit_own_table_blocks),
	KUNIT_CASE(amd_kunit_table_is_in_use),
	KUNIT_CASE(amd_kunit_table_is_listed),
	KUNIT_CASE(amd_kunit_tags_are_counted),
	KUNIT_CASE(amd_kunit_own_tag_is_freed),
	KUNIT_CASE_PARAM(amd_kunit_guest_is_handed_over, amd_kunit_levels_gen_params),
	KUNIT_CASE_PARAM(amd_kunit_guest_is_copied_again, amd_kunit_levels_gen_params),
	KUNIT_CASE_PARAM(amd_kunit_guest_has_aliases, amd_kunit_levels_gen_params),
	KUNIT_CASE_PARAM(amd_kunit_guest_live_pasids, amd_kunit_levels_gen_params),
	KUNIT_CASE_PARAM(amd_kunit_guest_is_compared, amd_kunit_levels_gen_params),
	KUNIT_CASE_PARAM(amd_kunit_guest_records_are_compared, amd_kunit_levels_gen_params),
	KUNIT_CASE_PARAM(amd_kunit_guest_is_adopted, amd_kunit_levels_gen_params),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE_PARAM(amd_kunit_guest_without_memory, amd_kunit_levels_gen_params),
#endif
	{}
};

static struct kunit_suite amd_kunit_suite = {
	.name = "iommu-liveupdate-amd",
	.test_cases = amd_kunit_cases,
};
kunit_test_suite(amd_kunit_suite);
