// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of AMD-Vi across live update, on a segment and a unit that do not exist: device tables and registers are memory. Compiled
 * with liveupdate.c.
 */
#include <kunit/test.h>

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
	struct iommu_device_ser device;
	struct iommu_domain_ser domain;
	unsigned int nr_quarantined;
};

static struct amd_kunit *amd_kunit_current;

static const struct iommu_device_ser *amd_kunit_device(const struct amd_iommu_pci_seg *seg, const struct iommu_unit_ser *unit, u32 devid)
{
	return devid == AMD_KUNIT_DEVID ? &amd_kunit_current->device : NULL;
}

static const struct iommu_domain_ser *amd_kunit_domain(const struct iommu_device_ser *device)
{
	return &amd_kunit_current->domain;
}

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
	KUNIT_ASSERT_NOT_NULL(test, unit->seg.dev_table);
	KUNIT_ASSERT_NOT_NULL(test, unit->registers);
	unit->iommu.pci_seg = &unit->seg;
	unit->iommu.mmio_base = (__force void __iomem *)unit->registers;
	unit->device.rid = AMD_KUNIT_DEVID;
	unit->device.tag = AMD_KUNIT_TAG;
	unit->domain.format = IOMMU_SER_FORMAT_AMDV1;
	unit->domain.levels = 3;
	unit->domain.top_pa = AMD_KUNIT_TOP;
	amd_kunit_current = unit;
	kunit_activate_static_stub(test, amd_incoming_device, amd_kunit_device);
	kunit_activate_static_stub(test, amd_incoming_domain, amd_kunit_domain);
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
	amd_adopt_entry(&unit->seg, &unit->unit, devid, entry);
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

	unit->device.tag++;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 1);
	unit->device.tag--;
	entry = amd_kunit_good();
	unit->domain.levels++;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 2);
	unit->domain.levels--;
	entry = amd_kunit_good();
	unit->domain.top_pa += SZ_4K;
	amd_kunit_adopt(unit, AMD_KUNIT_DEVID, &entry);
	KUNIT_EXPECT_EQ(test, unit->nr_quarantined, 3);
	unit->domain.top_pa -= SZ_4K;
	entry = amd_kunit_good();
	unit->domain.format = IOMMU_SER_FORMAT_VTDSS;
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
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	unit->unit.root_pa = 0x12340000;
	unit->unit.pages_pa = virt_to_phys(pages);
	unit->unit.nr_pages = 8;
	for (i = 0; i < 8; i++)
		pages[i] = unit->unit.root_pa + i * SZ_4K;
	KUNIT_EXPECT_TRUE(test, amd_table_listed(&unit->seg, &unit->unit));
	unit->unit.nr_pages = 7;
	KUNIT_EXPECT_FALSE(test, amd_table_listed(&unit->seg, &unit->unit));
	unit->unit.nr_pages = 8;
	pages[7] += SZ_4K;
	KUNIT_EXPECT_FALSE(test, amd_table_listed(&unit->seg, &unit->unit));
	pages[7] -= SZ_4K;
	unit->unit.root_pa += SZ_4K;
	KUNIT_EXPECT_FALSE(test, amd_table_listed(&unit->seg, &unit->unit));
	free_page((unsigned long)pages);
}

/* A tag is out of the pool from the first segment that has it to the last that gives it back. */
static void amd_kunit_tags_are_counted(struct kunit *test)
{
	struct amd_kunit *unit = amd_kunit_segment(test);
	struct amd_iommu_pci_seg *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, other);
	other->id = AMD_KUNIT_SEG + 1;
	list_add(&other->list, &amd_iommu_pci_seg_list);
	list_add(&unit->seg.list, &amd_iommu_pci_seg_list);
	KUNIT_EXPECT_EQ(test, amd_adopt_tag(&unit->seg, AMD_KUNIT_TAG), 0);
	KUNIT_EXPECT_EQ(test, amd_adopt_tag(&unit->seg, AMD_KUNIT_TAG), 0);
	KUNIT_EXPECT_EQ(test, amd_adopt_tag(other, AMD_KUNIT_TAG), 0);
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

static struct kunit_case amd_kunit_cases[] = {
	KUNIT_CASE(amd_kunit_handover_blocks),
	KUNIT_CASE(amd_kunit_good_entry_is_adopted),
	KUNIT_CASE(amd_kunit_each_bit_is_compared),
	KUNIT_CASE(amd_kunit_each_field_is_compared),
	KUNIT_CASE(amd_kunit_others_are_blocked),
	KUNIT_CASE(amd_kunit_own_table_blocks),
	KUNIT_CASE(amd_kunit_table_is_in_use),
	KUNIT_CASE(amd_kunit_table_is_listed),
	KUNIT_CASE(amd_kunit_tags_are_counted),
	{}
};

static struct kunit_suite amd_kunit_suite = {
	.name = "iommu-liveupdate-amd",
	.test_cases = amd_kunit_cases,
};
kunit_test_suite(amd_kunit_suite);
