// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of how device table entries of AMD-Vi are written: every change of one kind to another is stepped through, and what the
 * hardware can read at each step is compared with the old entry and the new. Commands go to a unit that does not exist.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "unit_kunit.h"

#define KUNIT_DEVID	0x328
#define KUNIT_TABLE_A	0x0000123456789000ULL
#define KUNIT_TABLE_B	0x0000fedcba987000ULL
#define KUNIT_GCR3_A	0x00000bcdef012000ULL
#define KUNIT_GCR3_B	0x00000321fed54000ULL
#define KUNIT_IRQ	0xa000000012345681ULL	/* remapping on, a table */
#define KUNIT_NR_STORES	100000
#define KUNIT_NR_CHANGES 1000

/*
 * Entries
 */

enum entry_kunit_type { KUNIT_BLOCKED, KUNIT_IDENTITY, KUNIT_V1, KUNIT_V2 };

struct entry_kunit_entry {
	const char *name;
	enum entry_kunit_type type;
	u16 domid;
	u64 table;
	unsigned int levels;
	bool dirty, iotlb;
};

static const struct entry_kunit_entry entry_kunit_entries[] = {
	{ "blocked", KUNIT_BLOCKED },
	{ "identity", KUNIT_IDENTITY, 1 },
	{ "v1 5", KUNIT_V1, 5, KUNIT_TABLE_A, 3 },
	{ "v1 5, other table", KUNIT_V1, 5, KUNIT_TABLE_B, 3 },
	{ "v1 5, four levels", KUNIT_V1, 5, KUNIT_TABLE_A, 4 },
	{ "v1 6", KUNIT_V1, 6, KUNIT_TABLE_B, 4 },
	{ "v1 5, dirty", KUNIT_V1, 5, KUNIT_TABLE_A, 3, .dirty = true },
	{ "v1 5, device TLB", KUNIT_V1, 5, KUNIT_TABLE_A, 3, .iotlb = true },
	{ "v2 7", KUNIT_V2, 7, KUNIT_GCR3_A, 4 },
	{ "v2 7, other table", KUNIT_V2, 7, KUNIT_GCR3_B, 4 },
	{ "v2 8", KUNIT_V2, 8, KUNIT_GCR3_B, 4 },
	{ "v2 7, five levels", KUNIT_V2, 7, KUNIT_GCR3_A, 5 },
	{ "v2 8, five levels", KUNIT_V2, 8, KUNIT_GCR3_B, 5 },
};

enum { OF_BLOCKED, OF_IDENTITY, OF_V1_5, OF_V1_5_OTHER, OF_V1_5_FOUR, OF_V1_6, OF_V1_5_DIRTY, OF_V1_5_IOTLB, OF_V2_7, OF_V2_7_OTHER,
       OF_V2_8, OF_V2_7_FIVE, OF_V2_8_FIVE };

/* In the numbers of the specification. */
static void entry_kunit_make_v2(const struct entry_kunit_entry *what, struct dev_table_entry *entry)
{
	entry->data[0] = 3 | BIT_ULL(54) | BIT_ULL(55) | (what->table >> 12 & 7) << 58 | BIT_ULL(61) | BIT_ULL(62);
	entry->data[1] = what->domid | (what->table >> 15 & 0xffff) << 16 | (what->table >> 31 & 0x1fffff) << 43;
	entry->data[2] = (u64)(what->levels - 4) << 54;
}

static void entry_kunit_make(const struct entry_kunit_entry *what, struct dev_table_entry *entry)
{
	const struct pt_iommu_amdv1_hw_info table = { .host_pt_root = what->table, .mode = what->levels };

	amd_dte_make_blocked(entry, 0, KUNIT_DEVID);
	switch (what->type) {
	case KUNIT_BLOCKED:
		break;
	case KUNIT_IDENTITY:
		entry->data[0] |= 2 | BIT_ULL(61) | BIT_ULL(62);
		entry->data[1] = what->domid;
		break;
	case KUNIT_V1:
		amd_dte_make_v1(entry, &table, what->domid);
		entry->data[0] |= what->dirty ? 3 << 7 : 0;
		entry->data[1] |= what->iotlb ? BIT_ULL(32) : 0;
		break;
	case KUNIT_V2:
		entry_kunit_make_v2(what, entry);
		break;
	}
}

/* Not where both have guest tables, the number of levels changes, which is in the upper half, and anything in the lower one. */
static bool entry_kunit_has_order(const struct entry_kunit_entry *old, const struct entry_kunit_entry *new)
{
	return old->type != KUNIT_V2 || new->type != KUNIT_V2 || old->levels == new->levels ||
	       (old->table == new->table && old->domid == new->domid);
}

/* What the hardware makes of an entry: not the writer's own idea of it, but a second one. What does not matter is zero. */
static void entry_kunit_view(const struct dev_table_entry *entry, u64 view[4])
{
	memset(view, 0, 4 * sizeof(u64));
	if (!(entry->data[0] & 1))
		return;
	view[0] = entry->data[0];
	view[1] = entry->data[1];
	view[3] = entry->data[3];
	if (entry->data[0] & BIT_ULL(55))
		view[2] = entry->data[2] & 3ULL << 54;
}

/*
 * A unit that does not exist
 */

struct entry_kunit_unit {
	struct amd_kunit_unit fake;
	/* Of the change that is stepped through. */
	struct dev_table_entry last;
	u64 old[4], new[4], blocked[4];
	unsigned int nr_syncs, nr_wrong, nr_blocked;
	struct dev_table_entry wrong;
};

static struct entry_kunit_unit *entry_kunit_current;

static struct entry_kunit_unit *entry_kunit_unit(struct kunit *test)
{
	struct entry_kunit_unit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	amd_kunit_unit_init(test, &unit->fake, KUNIT_DEVID);
	entry_kunit_current = unit;
	return unit;
}

static struct dev_table_entry *entry_kunit_live(struct entry_kunit_unit *unit)
{
	return amd_kunit_unit_live(&unit->fake);
}

/*
 * Stepping
 */

/* Under the lock: what is found is told later. */
static void entry_kunit_look(struct entry_kunit_unit *unit, const struct dev_table_entry *entry)
{
	u64 view[4];

	entry_kunit_view(entry, view);
	if (!memcmp(view, unit->old, sizeof(view)) || !memcmp(view, unit->new, sizeof(view)))
		return;
	if (!memcmp(view, unit->blocked, sizeof(view)))
		unit->nr_blocked++;
	else if (!unit->nr_wrong++)
		unit->wrong = *entry;
}

/* Between two steps each half is stored once, in whatever order: these are all entries that there can have been. */
static void entry_kunit_sync(struct amd_iommu *iommu, u16 devid, const struct dev_table_entry *old, const struct dev_table_entry *new,
			     enum amd_dte_step step)
{
	struct entry_kunit_unit *unit = entry_kunit_current;
	const struct dev_table_entry *live = entry_kunit_live(unit);
	struct dev_table_entry mixed;

	entry_kunit_look(unit, live);
	mixed.data128[0] = live->data128[0];
	mixed.data128[1] = unit->last.data128[1];
	entry_kunit_look(unit, &mixed);
	mixed.data128[0] = unit->last.data128[0];
	mixed.data128[1] = live->data128[1];
	entry_kunit_look(unit, &mixed);
	unit->last = *live;
	unit->nr_syncs++;
}

static void entry_kunit_step(struct kunit *test, struct entry_kunit_unit *unit, const struct entry_kunit_entry *old,
			     const struct entry_kunit_entry *new)
{
	struct dev_table_entry *live = entry_kunit_live(unit), from, to, blocked;
	char what[80];

	snprintf(what, sizeof(what), "%s to %s", old->name, new->name);
	entry_kunit_make(old, &from);
	entry_kunit_make(new, &to);
	entry_kunit_make(&entry_kunit_entries[OF_BLOCKED], &blocked);
	from.data[2] |= KUNIT_IRQ;
	*live = from;
	unit->last = from;
	unit->nr_syncs = 0;
	unit->nr_wrong = 0;
	unit->nr_blocked = 0;
	entry_kunit_view(&from, unit->old);
	entry_kunit_view(&to, unit->new);
	entry_kunit_view(&blocked, unit->blocked);

	amd_dte_write(&unit->fake.iommu, &unit->fake.dev_data, &to);
	/* Stores without a sync would show here. */
	KUNIT_EXPECT_MEMEQ_MSG(test, live, &unit->last, sizeof(*live), "%s", what);
	to.data[2] |= KUNIT_IRQ;
	KUNIT_EXPECT_MEMEQ_MSG(test, live, &to, sizeof(*live), "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, unit->nr_wrong, 0, "%s: the first of them: %016llx %016llx %016llx %016llx", what, unit->wrong.data[0],
			    unit->wrong.data[1], unit->wrong.data[2], unit->wrong.data[3]);
	KUNIT_EXPECT_EQ_MSG(test, !!unit->nr_blocked, !entry_kunit_has_order(old, new), "%s", what);
	if (entry_kunit_has_order(old, new))
		KUNIT_EXPECT_LE_MSG(test, unit->nr_syncs, 3, "%s", what);
}

static void entry_kunit_every_change(struct kunit *test)
{
	struct entry_kunit_unit *unit = entry_kunit_unit(test);
	unsigned int i, j;

	kunit_activate_static_stub(test, amd_dte_sync, entry_kunit_sync);
	for (i = 0; i < ARRAY_SIZE(entry_kunit_entries); i++)
		for (j = 0; j < ARRAY_SIZE(entry_kunit_entries); j++)
			entry_kunit_step(test, unit, &entry_kunit_entries[i], &entry_kunit_entries[j]);
}

/* Reserved bits are never changed beside another change: the hardware would look at them. */
static void entry_kunit_reserved_bits_count(struct kunit *test)
{
	static const struct { unsigned int word, bit; } reserved[] = { { 2, 52 }, { 2, 53 }, { 3, 0 }, { 3, 63 } };
	struct dev_table_entry from, to;
	struct amd_dte_plan plan;
	unsigned int i;

	entry_kunit_make(&entry_kunit_entries[OF_V1_6], &to);
	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		entry_kunit_make(&entry_kunit_entries[OF_V1_5], &from);
		KUNIT_EXPECT_EQ(test, amd_dte_make_plan(&from, &to, &plan), 0);
		from.data[reserved[i].word] |= BIT_ULL(reserved[i].bit);
		KUNIT_EXPECT_EQ_MSG(test, amd_dte_make_plan(&from, &to, &plan), -EXDEV, "bit %u of word %u", reserved[i].bit,
				    reserved[i].word);
	}
}

/* What the builders make, in the numbers of the specification. */
static void entry_kunit_builders(struct kunit *test)
{
	const struct pt_iommu_amdv1_hw_info table = { .host_pt_root = KUNIT_TABLE_A, .mode = 4 };
	struct dev_table_entry entry;

	/* None may rely on what was there before. */
	memset(&entry, 0xff, sizeof(entry));
	amd_dte_make_blocked(&entry, U16_MAX, KUNIT_DEVID);
	KUNIT_EXPECT_EQ(test, entry.data[0], 1ULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&entry.data[1], 0, 24), NULL);
	amd_dte_make_v1(&entry, &table, 0x1234);
	KUNIT_EXPECT_EQ(test, entry.data[0], KUNIT_TABLE_A | BIT_ULL(62) | BIT_ULL(61) | 4 << 9 | 3);
	KUNIT_EXPECT_EQ(test, entry.data[1], 0x1234ULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&entry.data[2], 0, 16), NULL);
}

/* Each bit of the root is somewhere, and nowhere else. */
static void entry_kunit_guest_builders(struct kunit *test)
{
	const struct entry_kunit_entry what = { .domid = 0x1234, .table = KUNIT_GCR3_A, .levels = 5 };
	struct dev_table_entry entry, good = {}, moved;
	unsigned int bit;

	entry_kunit_make_v2(&what, &good);
	amd_dte_make_blocked(&entry, U16_MAX, KUNIT_DEVID);
	amd_dte_make_gcr3(&entry, KUNIT_GCR3_A, 0, 5, 0x1234, true);
	KUNIT_EXPECT_MEMEQ(test, &entry, &good, sizeof(good));
	KUNIT_EXPECT_EQ(test, amd_dte_gcr3_root(&entry), KUNIT_GCR3_A);
	amd_dte_make_blocked(&moved, U16_MAX, KUNIT_DEVID);
	amd_dte_make_gcr3(&moved, KUNIT_GCR3_A, 2, 4, 0x1234, false);
	KUNIT_EXPECT_EQ(test, moved.data[0], (good.data[0] & ~BIT_ULL(54)) | 2ULL << 56);
	KUNIT_EXPECT_EQ(test, moved.data[2], 0ULL);
	for (bit = 12; bit < 52; bit++) {
		moved = entry;
		amd_dte_set_gcr3_root(&moved, BIT_ULL(bit));
		KUNIT_EXPECT_EQ_MSG(test, amd_dte_gcr3_root(&moved), BIT_ULL(bit), "bit %u", bit);
		KUNIT_EXPECT_EQ_MSG(test, moved.data[2], entry.data[2], "bit %u", bit);
		amd_dte_set_gcr3_root(&moved, KUNIT_GCR3_A);
		KUNIT_EXPECT_MEMEQ_MSG(test, &moved, &entry, sizeof(entry), "bit %u", bit);
	}
}

static void entry_kunit_dirty(struct kunit *test)
{
	struct entry_kunit_unit *unit = entry_kunit_unit(test);
	struct dev_table_entry off, on, read;

	entry_kunit_make(&entry_kunit_entries[OF_V1_5], &off);
	entry_kunit_make(&entry_kunit_entries[OF_V1_5_DIRTY], &on);
	*entry_kunit_live(unit) = off;
	amd_dte_set_dirty(&unit->fake.iommu, &unit->fake.dev_data, true);
	KUNIT_EXPECT_MEMEQ(test, entry_kunit_live(unit), &on, sizeof(on));
	amd_dte_set_dirty(&unit->fake.iommu, &unit->fake.dev_data, false);
	amd_dte_read(&unit->fake.iommu, &unit->fake.dev_data, &read);
	KUNIT_EXPECT_MEMEQ(test, &read, &off, sizeof(off));
}

/*
 * Commands
 */

enum { KUNIT_WAIT = 1, KUNIT_INV_ENTRY = 2, KUNIT_INV_PAGES = 3 };

#define KUNIT_GUEST	BIT(2)	/* of the second operand: guest tables */

struct entry_kunit_command {
	u8 opcode;
	u16 id;			/* of the device, or of the domain */
	bool guest;
};

struct entry_kunit_sequence {
	unsigned int old, new;		/* of entry_kunit_entries */
	struct entry_kunit_command want[10];
};

static const struct entry_kunit_sequence entry_kunit_sequences[] = {
	{ OF_V1_5, OF_V1_5_OTHER, { { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 5 }, { KUNIT_WAIT } } },
	{ OF_V1_5, OF_V1_6, { { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 5 }, { KUNIT_WAIT },
			      { KUNIT_INV_PAGES, 6 }, { KUNIT_WAIT } } },
	{ OF_BLOCKED, OF_V1_6, { { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 6 }, { KUNIT_WAIT } } },
	{ OF_V1_6, OF_BLOCKED, { { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 6 }, { KUNIT_WAIT } } },
	/* The number of levels is prepared; then nothing is left to do but the switch. */
	{ OF_V1_5, OF_V2_7_FIVE, { { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT }, { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT },
				   { KUNIT_INV_PAGES, 5 }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 7 }, { KUNIT_WAIT },
				   { KUNIT_INV_PAGES, 7, true }, { KUNIT_WAIT } } },
	{ OF_V2_7, OF_V1_5, { { KUNIT_INV_ENTRY, KUNIT_DEVID }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 7 }, { KUNIT_WAIT },
			      { KUNIT_INV_PAGES, 7, true }, { KUNIT_WAIT }, { KUNIT_INV_PAGES, 5 }, { KUNIT_WAIT } } },
	{ OF_V1_5, OF_V1_5 },
};

static void entry_kunit_expect_sequence(struct kunit *test, const struct entry_kunit_sequence *sequence)
{
	const struct entry_kunit_entry *old = &entry_kunit_entries[sequence->old], *new = &entry_kunit_entries[sequence->new];
	struct entry_kunit_unit *unit = entry_kunit_unit(test);
	const struct iommu_cmd *commands = (struct iommu_cmd *)unit->fake.iommu.cmd_buf;
	struct dev_table_entry target;
	unsigned int i, nr;

	entry_kunit_make(old, entry_kunit_live(unit));
	entry_kunit_make(new, &target);
	amd_dte_write(&unit->fake.iommu, &unit->fake.dev_data, &target);
	nr = amd_kunit_unit_nr_commands(&unit->fake);
	for (i = 0; i < ARRAY_SIZE(sequence->want) && sequence->want[i].opcode; i++) {
		const struct entry_kunit_command *want = &sequence->want[i];
		u32 id = want->opcode == KUNIT_INV_PAGES ? commands[i].data[1] & 0xffff : commands[i].data[0] & 0xffff;

		KUNIT_EXPECT_EQ_MSG(test, commands[i].data[1] >> 28, want->opcode, "%s to %s: %u", old->name, new->name, i);
		if (want->opcode != KUNIT_WAIT)
			KUNIT_EXPECT_EQ_MSG(test, id, want->id, "%s to %s: %u", old->name, new->name, i);
		if (want->opcode == KUNIT_INV_PAGES)
			KUNIT_EXPECT_EQ_MSG(test, !!(commands[i].data[2] & KUNIT_GUEST), want->guest, "%s to %s: %u", old->name,
					    new->name, i);
	}
	KUNIT_EXPECT_EQ_MSG(test, nr, i, "%s to %s", old->name, new->name);
}

static void entry_kunit_commands(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(entry_kunit_sequences); i++)
		entry_kunit_expect_sequence(test, &entry_kunit_sequences[i]);
}

/*
 * The store
 */

struct entry_kunit_watch {
	u64 *half;
	unsigned long nr_changes;
	unsigned long nr_torn;
};

/*
 * The words are never twice the same, and one is always the complement of the other: when one does not change while the other is read, they
 * must fit.
 */
static int entry_kunit_watcher(void *arg)
{
	struct entry_kunit_watch *watch = arg;
	u64 before, other, after, last = 0;
	unsigned int first = 0;

	while (!kthread_should_stop()) {
		before = READ_ONCE(watch->half[first]);
		other = READ_ONCE(watch->half[!first]);
		after = READ_ONCE(watch->half[first]);
		if (before == after)
			watch->nr_torn += other != ~before;
		if (!first) {
			watch->nr_changes += before != last;
			last = before;
		}
		first = !first;
		cond_resched();
	}
	return 0;
}

static void entry_kunit_store_is_one_step(struct kunit *test)
{
	struct entry_kunit_watch *watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	u64 *half = kunit_kzalloc(test, 64, GFP_KERNEL), i;
	const unsigned long deadline = jiffies + 30 * HZ;
	struct task_struct *watcher;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor: nobody can watch");
	KUNIT_ASSERT_NOT_NULL(test, watch);
	KUNIT_ASSERT_NOT_NULL(test, half);
	watch->half = PTR_ALIGN(half, 16);
	amd_store_128(watch->half, 0, ~0ULL);

	watcher = kthread_create(entry_kunit_watcher, watch, "entry_kunit_watcher");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, watcher);
	kthread_bind(watcher, cpumask_any_but(cpu_online_mask, raw_smp_processor_id()));
	wake_up_process(watcher);
	/* Processors of an emulated machine may take turns: go on until the watcher saw something. */
	for (i = 1; i < KUNIT_NR_STORES || (READ_ONCE(watch->nr_changes) < KUNIT_NR_CHANGES && time_before(jiffies, deadline)); i++) {
		amd_store_128(watch->half, i, ~i);
		cond_resched();
	}
	kthread_stop(watcher);
	KUNIT_EXPECT_EQ(test, watch->nr_torn, 0);
	KUNIT_EXPECT_GE(test, watch->nr_changes, KUNIT_NR_CHANGES);
	KUNIT_EXPECT_EQ(test, watch->half[0], i - 1);
	KUNIT_EXPECT_EQ(test, watch->half[1], ~(i - 1));
}

static struct kunit_case entry_kunit_cases[] = {
	KUNIT_CASE(entry_kunit_builders),
	KUNIT_CASE(entry_kunit_guest_builders),
	KUNIT_CASE(entry_kunit_every_change),
	KUNIT_CASE(entry_kunit_reserved_bits_count),
	KUNIT_CASE(entry_kunit_dirty),
	KUNIT_CASE(entry_kunit_commands),
	KUNIT_CASE(entry_kunit_store_is_one_step),
	{}
};

static struct kunit_suite entry_kunit_suite = {
	.name = "iommu-liveupdate-amd-entry",
	.test_cases = entry_kunit_cases,
};
kunit_test_suite(entry_kunit_suite);
