// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of how VT-d entries are written: every change of each kind of entry is stepped through, and what the hardware can read at
 * each step is compared with the old entry and the new. Invalidations are written down with the entry as it was by then.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/bitfield.h>
#include <linux/cleanup.h>
#include <linux/generic_pt/iommu.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "entry.h"
#include "iommu.h"
#include "pasid.h"

#define KUNIT_TABLE_A	0x0000123456789000ULL
#define KUNIT_TABLE_B	0x0000fedcba987000ULL
#define KUNIT_FS_A	0x00000bcdef012000ULL
#define KUNIT_FS_B	0x0000054321fed000ULL
#define KUNIT_NR_STORES	100000
#define KUNIT_NR_CHANGES	1000
#define KUNIT_MAX_NOTES	24

/*
 * Entries, and what a change from one to another is to be
 */

enum entry_kunit_table { KUNIT_PASID, KUNIT_CONTEXT, KUNIT_SM_CONTEXT };
enum entry_kunit_type { KUNIT_BLOCKED, KUNIT_PT, KUNIT_SS, KUNIT_FS, KUNIT_NESTED, KUNIT_DIR };

struct entry_kunit_entry {
	const char *name;
	enum entry_kunit_table table;
	enum entry_kunit_type type;
	u16 did;
	u64 ss, fs;
	bool dirty, snoop, fault_ignore, dev_iotlb;
};

static const struct entry_kunit_entry entry_kunit_entries[] = {
	{ "blocked", KUNIT_PASID, KUNIT_BLOCKED },
	{ "blocked, faults ignored", KUNIT_PASID, KUNIT_BLOCKED, .fault_ignore = true },
	{ "identity", KUNIT_PASID, KUNIT_PT, FLPT_DEFAULT_DID },
	{ "second stage 5", KUNIT_PASID, KUNIT_SS, 5, .ss = KUNIT_TABLE_A },
	{ "second stage 5, other table", KUNIT_PASID, KUNIT_SS, 5, .ss = KUNIT_TABLE_B },
	{ "second stage 6", KUNIT_PASID, KUNIT_SS, 6, .ss = KUNIT_TABLE_B },
	{ "second stage 5, dirty", KUNIT_PASID, KUNIT_SS, 5, .ss = KUNIT_TABLE_A, .dirty = true },
	{ "first stage 7", KUNIT_PASID, KUNIT_FS, 7, .fs = KUNIT_FS_A },
	{ "first stage 7, other table", KUNIT_PASID, KUNIT_FS, 7, .fs = KUNIT_FS_B },
	{ "first stage 8", KUNIT_PASID, KUNIT_FS, 8, .fs = KUNIT_FS_A },
	{ "first stage 8, other table", KUNIT_PASID, KUNIT_FS, 8, .fs = KUNIT_FS_B },
	{ "first stage 7, snooped", KUNIT_PASID, KUNIT_FS, 7, .fs = KUNIT_FS_A, .snoop = true },
	{ "nested 9", KUNIT_PASID, KUNIT_NESTED, 9, .ss = KUNIT_TABLE_A, .fs = KUNIT_FS_A },
	{ "nested 9, other first stage", KUNIT_PASID, KUNIT_NESTED, 9, .ss = KUNIT_TABLE_A, .fs = KUNIT_FS_B },
	{ "nested 10", KUNIT_PASID, KUNIT_NESTED, 10, .ss = KUNIT_TABLE_A, .fs = KUNIT_FS_A },
	{ "nested 10, others", KUNIT_PASID, KUNIT_NESTED, 10, .ss = KUNIT_TABLE_B, .fs = KUNIT_FS_B },
	{ "nested 9, dirty", KUNIT_PASID, KUNIT_NESTED, 9, .ss = KUNIT_TABLE_A, .fs = KUNIT_FS_A, .dirty = true },
	{ "context, blocked", KUNIT_CONTEXT, KUNIT_BLOCKED },
	{ "context, identity", KUNIT_CONTEXT, KUNIT_PT, FLPT_DEFAULT_DID },
	{ "context 5", KUNIT_CONTEXT, KUNIT_SS, 5, .ss = KUNIT_TABLE_A },
	{ "context 5, other table", KUNIT_CONTEXT, KUNIT_SS, 5, .ss = KUNIT_TABLE_B },
	{ "context 6", KUNIT_CONTEXT, KUNIT_SS, 6, .ss = KUNIT_TABLE_A },
	{ "context 5, device TLB", KUNIT_CONTEXT, KUNIT_SS, 5, .ss = KUNIT_TABLE_A, .dev_iotlb = true },
	{ "scalable context, blocked", KUNIT_SM_CONTEXT, KUNIT_BLOCKED },
	{ "scalable context", KUNIT_SM_CONTEXT, KUNIT_DIR },
	{ "scalable context, device TLB", KUNIT_SM_CONTEXT, KUNIT_DIR, .dev_iotlb = true },
};

struct entry_kunit_unit {
	struct intel_iommu iommu;
	struct device dev;
	struct dev_iommu dev_iommu;
	struct device_domain_info info;
	struct pasid_table pasid_table;
};

static struct entry_kunit_unit *entry_kunit_unit(struct kunit *test)
{
	struct entry_kunit_unit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	spin_lock_init(&unit->iommu.lock);
	unit->iommu.agaw = 2;
	unit->iommu.msagaw = 3;
	unit->iommu.ecap = BIT_ULL(0);
	unit->info.iommu = &unit->iommu;
	unit->info.dev = &unit->dev;
	unit->info.bus = 3;
	unit->info.devfn = 0x28;
	unit->info.pasid_table = &unit->pasid_table;
	unit->pasid_table.table = unit;
	unit->pasid_table.max_pasid = PASID_MAX;
	unit->dev_iommu.priv = &unit->info;
	unit->dev.iommu = &unit->dev_iommu;
	return unit;
}

/* The directory's address is its own; it is not followed. */
static void entry_kunit_make_sm(struct entry_kunit_unit *unit, const struct entry_kunit_entry *what, u64 *entry)
{
	if (what->type == KUNIT_BLOCKED)
		return;
	unit->info.ats_supported = what->dev_iotlb;
	unit->pasid_table.table = PTR_ALIGN_DOWN((void *)unit, SZ_4K);
	vtd_make_context_sm((struct context_entry *)entry, &unit->info);
}

static void entry_kunit_make_context(struct entry_kunit_unit *unit, const struct entry_kunit_entry *what, u64 *entry)
{
	const struct pt_iommu_vtdss_hw_info table = { what->ss, 2 };

	if (what->type == KUNIT_PT)
		vtd_make_context_pt((struct context_entry *)entry, &unit->iommu);
	else if (what->type == KUNIT_SS)
		vtd_make_context_ss((struct context_entry *)entry, &table, what->did, what->dev_iotlb);
}

static void entry_kunit_make_pasid(struct entry_kunit_unit *unit, const struct entry_kunit_entry *what, struct pasid_entry *entry)
{
	const struct pt_iommu_vtdss_hw_info table = { what->ss, 2 };

	switch (what->type) {
	case KUNIT_BLOCKED:
	case KUNIT_DIR:
		vtd_make_pasid_blocked(entry, what->fault_ignore);
		break;
	case KUNIT_PT:
		vtd_make_pasid_pt(entry, &unit->iommu);
		break;
	case KUNIT_SS:
		vtd_make_pasid_ss(entry, &table, what->did, true, what->dirty);
		break;
	case KUNIT_FS:
		vtd_make_pasid_fs(entry, &unit->iommu, what->fs, what->did, PASID_FLAG_PWSNP | (what->snoop ? PASID_FLAG_PAGE_SNOOP : 0));
		break;
	case KUNIT_NESTED:
		vtd_make_pasid_ss(entry, &table, what->did, true, what->dirty);
		pasid_set_translation_type(entry, PASID_ENTRY_PGTT_NESTED);
		pasid_set_flptr(entry, what->fs);
		pasid_set_sre(entry);
		break;
	}
}

static void entry_kunit_make(struct entry_kunit_unit *unit, const struct entry_kunit_entry *what, u64 *entry)
{
	memset(entry, 0, VTD_ENTRY_MAX_WORDS * sizeof(u64));
	switch (what->table) {
	case KUNIT_PASID:
		entry_kunit_make_pasid(unit, what, (struct pasid_entry *)entry);
		break;
	case KUNIT_CONTEXT:
		entry_kunit_make_context(unit, what, entry);
		break;
	case KUNIT_SM_CONTEXT:
		entry_kunit_make_sm(unit, what, entry);
		break;
	}
}

/*
 * Not where both have a first-stage table, that or what stands beside it (SRE, of the nested ones here) changes, and so does anything else.
 */
static bool entry_kunit_has_order(const struct entry_kunit_entry *old, const struct entry_kunit_entry *new)
{
	if (!old->fs || !new->fs)
		return true;
	if (old->type != new->type)
		return false;
	return old->fs == new->fs || (old->did == new->did && old->ss == new->ss && old->dirty == new->dirty && old->snoop == new->snoop);
}

/*
 * What the hardware makes of an entry: not the writer's own idea of it, but a second one. What does not matter is zero.
 */
static void entry_kunit_view(enum entry_kunit_table table, const u64 *entry, u64 *view)
{
	bool first, second;

	memset(view, 0, VTD_ENTRY_MAX_WORDS * sizeof(u64));
	if (!(entry[0] & 1)) {
		view[0] = entry[0] & 2;
		return;
	}
	memcpy(view, entry, (table == KUNIT_PASID ? 8 : table == KUNIT_CONTEXT ? 2 : 4) * sizeof(u64));
	if (table != KUNIT_PASID)
		return;
	first = FIELD_GET(0x1c0, entry[0]) == 1 || FIELD_GET(0x1c0, entry[0]) == 3;
	second = FIELD_GET(0x1c0, entry[0]) == 2 || FIELD_GET(0x1c0, entry[0]) == 3;
	if (!second)
		view[0] &= 0xdffULL;	/* neither SSPTPTR nor SSADE */
	if (!first)
		view[2] &= 0xf00ULL;	/* neither FSPTPTR nor what stands below it */
}

/*
 * Stepping
 */

struct entry_kunit_walk {
	struct vtd_entry_writer writer;
	enum entry_kunit_table table;
	spinlock_t lock;
	u64 old[VTD_ENTRY_MAX_WORDS], new[VTD_ENTRY_MAX_WORDS];	/* views */
	u64 last[VTD_ENTRY_MAX_WORDS];				/* the entry at the step before */
	u64 wrong[VTD_ENTRY_MAX_WORDS];				/* the first that was neither */
	unsigned int nr_syncs, nr_wrong;
	bool locked_wrong;
	u64 entry[VTD_ENTRY_MAX_WORDS] __aligned(64);
};

/* Under the lock: what is found is told later. */
static void entry_kunit_look(struct entry_kunit_walk *walk, const u64 *entry)
{
	u64 view[VTD_ENTRY_MAX_WORDS];

	entry_kunit_view(walk->table, entry, view);
	if (!memcmp(view, walk->old, sizeof(view)) || !memcmp(view, walk->new, sizeof(view)))
		return;
	if (!walk->nr_wrong++)
		memcpy(walk->wrong, entry, sizeof(walk->wrong));
}

/*
 * A read of the entry that began before the step and ends after it has some units of before and some of after. Within a step each unit is
 * stored once, so these are all that there can be.
 */
static void entry_kunit_look_torn(struct entry_kunit_walk *walk)
{
	const unsigned int words = walk->writer.words_per_store, nr_units = walk->writer.ops->nr_words / words;
	u64 torn[VTD_ENTRY_MAX_WORDS] = {};
	unsigned long mix;
	unsigned int i;

	for (mix = 0; mix < BIT(nr_units); mix++) {
		for (i = 0; i < walk->writer.ops->nr_words; i++)
			torn[i] = mix & BIT(i / words) ? walk->entry[i] : walk->last[i];
		entry_kunit_look(walk, torn);
	}
}

static void entry_kunit_sync(struct vtd_entry_writer *writer, enum vtd_entry_step step)
{
	struct entry_kunit_walk *walk = container_of(writer, struct entry_kunit_walk, writer);

	entry_kunit_look_torn(walk);
	memcpy(walk->last, walk->entry, sizeof(walk->last));
	walk->nr_syncs++;
	if (spin_is_locked(&walk->lock) != (step != VTD_ENTRY_SWITCHED))
		walk->locked_wrong = true;
}

static const struct vtd_entry_ops entry_kunit_ops[] = {
	[KUNIT_PASID] = { 8, vtd_pasid_get_used, entry_kunit_sync },
	[KUNIT_CONTEXT] = { 2, vtd_context_get_used, entry_kunit_sync },
	[KUNIT_SM_CONTEXT] = { 4, vtd_sm_context_get_used, entry_kunit_sync },
};

static int entry_kunit_walk(struct entry_kunit_walk *walk, const u64 *target)
{
	int ret, check;

	scoped_guard(spinlock, &walk->lock) {
		check = vtd_entry_check(&walk->writer, target);
		ret = vtd_entry_switch(&walk->writer, target);
		/* From here on nothing of what was before the last sync is read, but for the one store after it. */
		entry_kunit_look_torn(walk);
	}
	if (ret != check)
		return -EPROTO;
	if (!ret)
		vtd_entry_finish(&walk->writer);
	return ret;
}

static void entry_kunit_step(struct kunit *test, struct entry_kunit_unit *unit, const struct entry_kunit_entry *old,
			     const struct entry_kunit_entry *new, unsigned int words_per_store)
{
	struct entry_kunit_walk *walk = kzalloc_obj(*walk);
	u64 from[VTD_ENTRY_MAX_WORDS], to[VTD_ENTRY_MAX_WORDS];
	char what[80];
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, walk);
	snprintf(what, sizeof(what), "%s to %s (%u)", old->name, new->name, words_per_store);
	entry_kunit_make(unit, old, from);
	entry_kunit_make(unit, new, to);
	walk->table = old->table;
	spin_lock_init(&walk->lock);
	walk->writer = (struct vtd_entry_writer){ .ops = &entry_kunit_ops[old->table], .lock = &walk->lock, .entry = walk->entry,
						  .words_per_store = words_per_store };
	memcpy(walk->entry, from, sizeof(from));
	memcpy(walk->last, from, sizeof(from));
	entry_kunit_view(old->table, from, walk->old);
	entry_kunit_view(old->table, to, walk->new);

	ret = entry_kunit_walk(walk, to);
	/* By 64 bits there is an order at least where one of them blocks. */
	if (words_per_store == 2 || old->type == KUNIT_BLOCKED || new->type == KUNIT_BLOCKED)
		KUNIT_EXPECT_EQ_MSG(test, ret, entry_kunit_has_order(old, new) ? 0 : -EXDEV, "%s", what);
	KUNIT_EXPECT_TRUE_MSG(test, ret == 0 || ret == -EXDEV, "%s: %d", what, ret);
	KUNIT_EXPECT_EQ_MSG(test, walk->nr_wrong, 0, "%s: the first of them: %016llx %016llx %016llx %016llx", what, walk->wrong[0],
			    walk->wrong[1], walk->wrong[2], walk->wrong[3]);
	/* Stores without a sync would show here. */
	KUNIT_EXPECT_MEMEQ_MSG(test, walk->entry, walk->last, sizeof(walk->last), "%s", what);
	KUNIT_EXPECT_MEMEQ_MSG(test, walk->entry, ret ? from : to, sizeof(from), "%s", what);
	if (ret)
		KUNIT_EXPECT_EQ_MSG(test, walk->nr_syncs, 0, "%s", what);
	KUNIT_EXPECT_LE_MSG(test, walk->nr_syncs, 3, "%s", what);
	KUNIT_EXPECT_FALSE_MSG(test, walk->locked_wrong, "%s", what);
	kfree(walk);
}

static void entry_kunit_every_change(struct kunit *test)
{
	struct entry_kunit_unit *unit = entry_kunit_unit(test);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(entry_kunit_entries); i++) {
		for (j = 0; j < ARRAY_SIZE(entry_kunit_entries); j++) {
			if (entry_kunit_entries[i].table != entry_kunit_entries[j].table)
				continue;
			entry_kunit_step(test, unit, &entry_kunit_entries[i], &entry_kunit_entries[j], 2);
			entry_kunit_step(test, unit, &entry_kunit_entries[i], &entry_kunit_entries[j], 1);
		}
	}
}

/* Reserved bits are never changed beside another change: the hardware would look at them. */
static void entry_kunit_reserved_bits_count(struct kunit *test)
{
	static const struct { unsigned int word, bit; } reserved[] = { { 2, 8 }, { 3, 0 }, { 4, 7 }, { 5, 63 }, { 6, 1 }, { 7, 12 } };
	struct entry_kunit_unit *unit = entry_kunit_unit(test);
	struct vtd_entry_writer writer = { .ops = &entry_kunit_ops[KUNIT_PASID], .lock = &unit->iommu.lock, .words_per_store = 2 };
	u64 entry[VTD_ENTRY_MAX_WORDS] __aligned(16), target[VTD_ENTRY_MAX_WORDS];
	unsigned int i;
	int ret = 0;

	writer.entry = entry;
	entry_kunit_make(unit, &entry_kunit_entries[5], target);
	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		entry_kunit_make(unit, &entry_kunit_entries[3], entry);
		entry[reserved[i].word] |= BIT_ULL(reserved[i].bit);
		scoped_guard(spinlock, &unit->iommu.lock)
			ret = vtd_entry_check(&writer, target);
		KUNIT_EXPECT_EQ_MSG(test, ret, -EXDEV, "bit %u of word %u", reserved[i].bit, reserved[i].word);
	}
}

/*
 * What the builders make, in the numbers of the specification
 */
static void entry_kunit_builders(struct kunit *test)
{
	struct entry_kunit_unit *unit = entry_kunit_unit(test);
	const struct pt_iommu_vtdss_hw_info table = { KUNIT_TABLE_A, 2 };
	struct context_entry context[2];
	struct pasid_entry entry;

	/* None may rely on what was there before. */
	memset(&entry, 0xff, sizeof(entry));
	memset(context, 0xff, sizeof(context));
	vtd_make_context_ss(context, &table, 0x1234, false);
	KUNIT_EXPECT_EQ(test, context->lo, KUNIT_TABLE_A | 1);
	KUNIT_EXPECT_EQ(test, context->hi, 0x123402ULL);
	vtd_make_context_ss(context, &table, 0x1234, true);
	KUNIT_EXPECT_EQ(test, context->lo, KUNIT_TABLE_A | 1 << 2 | 1);
	memset(context, 0xff, sizeof(context));
	vtd_make_context_pt(context, &unit->iommu);
	KUNIT_EXPECT_EQ(test, context->lo, 2 << 2 | 1);
	KUNIT_EXPECT_EQ(test, context->hi, 0x103ULL);

	memset(context, 0xff, sizeof(context));
	unit->pasid_table.table = PTR_ALIGN_DOWN((void *)unit, SZ_4K);
	unit->info.ats_supported = unit->info.pri_supported = 1;
	unit->info.pasid_supported = 1;
	vtd_make_context_sm(context, &unit->info);
	/* 2^20 PASIDs: a directory of 2^14 entries, PDTS is 7. */
	KUNIT_EXPECT_EQ(test, context->lo, virt_to_phys(unit->pasid_table.table) | 7 << 9 | 1 << 4 | 1 << 3 | 1 << 2 | 1);
	KUNIT_EXPECT_EQ(test, context->hi | context[1].lo | context[1].hi, 0ULL);
	unit->pasid_table.max_pasid = 1 << (PASID_PDE_SHIFT + 7);
	vtd_make_context_sm(context, &unit->info);
	KUNIT_EXPECT_EQ(test, context->lo & 7 << 9, 0ULL);

	vtd_make_pasid_ss(&entry, &table, 0x1234, true, true);
	KUNIT_EXPECT_EQ(test, entry.val[0], KUNIT_TABLE_A | 1 << 9 | 2 << 6 | 2 << 2 | 1);
	KUNIT_EXPECT_EQ(test, entry.val[1], 0x1234ULL | 1 << 23);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&entry.val[2], 0, 48), NULL);
	memset(&entry, 0xff, sizeof(entry));
	vtd_make_pasid_fs(&entry, &unit->iommu, KUNIT_FS_A, 0x1234, PASID_FLAG_FL5LP | PASID_FLAG_PAGE_SNOOP);
	KUNIT_EXPECT_EQ(test, entry.val[0], 1ULL << 6 | 2 << 2 | 1);
	KUNIT_EXPECT_EQ(test, entry.val[1], 0x1234ULL | 1 << 24);
	KUNIT_EXPECT_EQ(test, entry.val[2], KUNIT_FS_A | 1 << 2);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&entry.val[3], 0, 40), NULL);
	memset(&entry, 0xff, sizeof(entry));
	vtd_make_pasid_pt(&entry, &unit->iommu);
	KUNIT_EXPECT_EQ(test, entry.val[0], 4ULL << 6 | 2 << 2 | 1);
	KUNIT_EXPECT_EQ(test, entry.val[1], 1ULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&entry.val[2], 0, 48), NULL);
	vtd_make_pasid_blocked(&entry, true);
	KUNIT_EXPECT_EQ(test, entry.val[0], 2ULL);
	vtd_make_pasid_blocked(&entry, false);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&entry, 0, sizeof(entry)), NULL);
}

/*
 * Invalidations
 */

struct entry_kunit_note {
	enum vtd_cache cache;
	u16 did;
	u64 entry[VTD_ENTRY_MAX_WORDS];
};

struct entry_kunit_notes {
	struct entry_kunit_unit *unit;
	unsigned int nr;
	struct entry_kunit_note note[KUNIT_MAX_NOTES];
	u64 entry[VTD_ENTRY_MAX_WORDS] __aligned(64);
	struct vtd_live_entry live;
};

static void entry_kunit_note_invalidation(struct vtd_live_entry *live, enum vtd_cache cache, u16 did)
{
	struct entry_kunit_notes *notes = container_of(live, struct entry_kunit_notes, live);
	struct entry_kunit_note *note = &notes->note[notes->nr];

	if (cache == VTD_CACHE_NONE || notes->nr == KUNIT_MAX_NOTES)
		return;
	note->cache = cache;
	note->did = did;
	memcpy(note->entry, live->writer.entry, live->writer.ops->nr_words * sizeof(u64));
	notes->nr++;
}

static int entry_kunit_live_write(struct entry_kunit_notes *notes, const struct entry_kunit_entry *old,
				  const struct entry_kunit_entry *new, enum vtd_write how)
{
	struct entry_kunit_unit *unit = notes->unit;
	u64 target[VTD_ENTRY_MAX_WORDS];

	unit->iommu.ecap = BIT_ULL(0) | (old->table == KUNIT_CONTEXT ? 0 : BIT_ULL(43));
	entry_kunit_make(unit, old, notes->entry);
	entry_kunit_make(unit, new, target);
	notes->nr = 0;
	memset(notes->note, 0, sizeof(notes->note));
	if (old->table == KUNIT_PASID)
		vtd_live_pasid(&notes->live, &unit->dev, IOMMU_NO_PASID, (struct pasid_entry *)notes->entry);
	else
		vtd_live_context(&notes->live, &unit->info, 0x328, (struct context_entry *)notes->entry);
	return vtd_live_write(&notes->live, target, how);
}

static struct entry_kunit_notes *entry_kunit_notes(struct kunit *test)
{
	struct entry_kunit_notes *notes = kunit_kzalloc(test, sizeof(*notes), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, notes);
	if (!intel_iommu_sm)
		kunit_skip(test, "scalable mode is off");
	notes->unit = entry_kunit_unit(test);
	kunit_activate_static_stub(test, vtd_invalidate, entry_kunit_note_invalidation);
	return notes;
}

#define KUNIT_END	{ VTD_CACHE_NONE, 0 }

struct entry_kunit_sequence {
	unsigned int old, new;		/* of entry_kunit_entries */
	unsigned int nr_prepare;	/* the first of these are before the entry is the new one */
	struct { enum vtd_cache cache; u16 did; } want[8];
};

static const struct entry_kunit_sequence entry_kunit_sequences[] = {
	/* Second stage to second stage, without and with a change of domain ID. */
	{ 3, 4, 0, { { VTD_CACHE_PASID, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 3, 5, 0, { { VTD_CACHE_PASID, 5 }, { VTD_CACHE_PASID, 6 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 6 },
		     { VTD_CACHE_DEVTLB }, KUNIT_END } },
	/* To first stage, from there, and from one to another. */
	{ 3, 7, 1, { { VTD_CACHE_PASID, 5 }, { VTD_CACHE_PASID, 5 }, { VTD_CACHE_PASID, 7 }, { VTD_CACHE_IOTLB_DOMAIN, 5 },
		     { VTD_CACHE_IOTLB_PASID, 7 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 7, 3, 0, { { VTD_CACHE_PASID, 7 }, { VTD_CACHE_PASID, 5 }, { VTD_CACHE_IOTLB_PASID, 7 }, { VTD_CACHE_IOTLB_DOMAIN, 5 },
		     { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 7, 8, 0, { { VTD_CACHE_PASID, 7 }, { VTD_CACHE_IOTLB_PASID, 7 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	/* Identity. */
	{ 2, 3, 0, { { VTD_CACHE_PASID, 1 }, { VTD_CACHE_PASID, 5 }, { VTD_CACHE_IOTLB_PASID, 1 }, { VTD_CACHE_IOTLB_DOMAIN, 5 },
		     { VTD_CACHE_DEVTLB }, KUNIT_END } },
	/* To nested: the first-stage table comes first. */
	{ 3, 12, 1, { { VTD_CACHE_PASID, 5 }, { VTD_CACHE_PASID, 5 }, { VTD_CACHE_PASID, 9 }, { VTD_CACHE_IOTLB_DOMAIN, 5 },
		      { VTD_CACHE_IOTLB_DOMAIN, 9 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	/* Dirty tracking. */
	{ 3, 6, 0, { { VTD_CACHE_PASID, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	/* From and to nothing. */
	{ 0, 3, 0, { { VTD_CACHE_WRITE_BUFFER }, KUNIT_END } },
	{ 1, 7, 0, { { VTD_CACHE_WRITE_BUFFER }, KUNIT_END } },
	{ 7, 0, 0, { { VTD_CACHE_PASID, 7 }, { VTD_CACHE_IOTLB_PASID, 7 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 3, 1, 0, { { VTD_CACHE_PASID, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	/* Legacy mode. */
	{ 19, 21, 0, { { VTD_CACHE_CONTEXT, 5 }, { VTD_CACHE_CONTEXT, 6 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 6 },
		       { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 19, 20, 0, { { VTD_CACHE_CONTEXT, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 19, 17, 0, { { VTD_CACHE_CONTEXT, 5 }, { VTD_CACHE_IOTLB_DOMAIN, 5 }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
	{ 17, 19, 0, { { VTD_CACHE_WRITE_BUFFER }, KUNIT_END } },
	/* Context entry of scalable mode. */
	{ 24, 23, 0, { { VTD_CACHE_CONTEXT }, { VTD_CACHE_DEVTLB }, KUNIT_END } },
};

static void entry_kunit_expect_sequence(struct kunit *test, struct entry_kunit_notes *notes, const struct entry_kunit_sequence *sequence)
{
	const struct entry_kunit_entry *old = &entry_kunit_entries[sequence->old], *new = &entry_kunit_entries[sequence->new];
	u64 from[VTD_ENTRY_MAX_WORDS], to[VTD_ENTRY_MAX_WORDS], view[VTD_ENTRY_MAX_WORDS], want[VTD_ENTRY_MAX_WORDS];
	unsigned int i;

	entry_kunit_make(notes->unit, old, from);
	entry_kunit_make(notes->unit, new, to);
	KUNIT_EXPECT_EQ_MSG(test, entry_kunit_live_write(notes, old, new, VTD_WRITE_HITLESS), 0, "%s to %s", old->name, new->name);
	for (i = 0; sequence->want[i].cache != VTD_CACHE_NONE; i++) {
		KUNIT_EXPECT_EQ_MSG(test, notes->note[i].cache, sequence->want[i].cache, "%s to %s: %u", old->name, new->name, i);
		KUNIT_EXPECT_EQ_MSG(test, notes->note[i].did, sequence->want[i].did, "%s to %s: %u", old->name, new->name, i);
		entry_kunit_view(old->table, notes->note[i].entry, view);
		entry_kunit_view(old->table, i < sequence->nr_prepare ? from : to, want);
		KUNIT_EXPECT_MEMEQ_MSG(test, view, want, sizeof(view), "%s to %s: %u", old->name, new->name, i);
	}
	KUNIT_EXPECT_EQ_MSG(test, notes->nr, i, "%s to %s", old->name, new->name);
	KUNIT_EXPECT_MEMEQ_MSG(test, notes->entry, to, sizeof(to), "%s to %s", old->name, new->name);
}

static void entry_kunit_invalidations(struct kunit *test)
{
	struct entry_kunit_notes *notes = entry_kunit_notes(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(entry_kunit_sequences); i++)
		entry_kunit_expect_sequence(test, notes, &entry_kunit_sequences[i]);
}

static void entry_kunit_caching_mode(struct kunit *test)
{
	struct entry_kunit_notes *notes = entry_kunit_notes(test);

	notes->unit->iommu.cap = BIT_ULL(7);
	KUNIT_EXPECT_EQ(test, entry_kunit_live_write(notes, &entry_kunit_entries[0], &entry_kunit_entries[3], VTD_WRITE_NEW), 0);
	KUNIT_EXPECT_EQ(test, notes->nr, 2);
	KUNIT_EXPECT_EQ(test, notes->note[0].cache, VTD_CACHE_PASID);
	KUNIT_EXPECT_EQ(test, notes->note[0].did, 5);
	KUNIT_EXPECT_EQ(test, notes->note[1].cache, VTD_CACHE_IOTLB_PASID);
	KUNIT_EXPECT_EQ(test, entry_kunit_live_write(notes, &entry_kunit_entries[17], &entry_kunit_entries[19], VTD_WRITE_NEW), 0);
	KUNIT_EXPECT_EQ(test, notes->nr, 2);
	KUNIT_EXPECT_EQ(test, notes->note[0].cache, VTD_CACHE_CONTEXT);
	KUNIT_EXPECT_EQ(test, notes->note[0].did, 0);
	KUNIT_EXPECT_EQ(test, notes->note[1].cache, VTD_CACHE_IOTLB_DOMAIN);
	KUNIT_EXPECT_EQ(test, notes->note[1].did, 5);
}

/* Without a hitless order: left alone, or blocked in between, as the caller asks. */
static void entry_kunit_no_order(struct kunit *test)
{
	const struct entry_kunit_entry *old = &entry_kunit_entries[7], *new = &entry_kunit_entries[10];
	struct entry_kunit_notes *notes = entry_kunit_notes(test);
	u64 from[VTD_ENTRY_MAX_WORDS], to[VTD_ENTRY_MAX_WORDS];
	unsigned int i;

	entry_kunit_make(notes->unit, old, from);
	entry_kunit_make(notes->unit, new, to);
	KUNIT_EXPECT_EQ(test, entry_kunit_live_write(notes, old, new, VTD_WRITE_HITLESS), -EXDEV);
	KUNIT_EXPECT_EQ(test, notes->nr, 0);
	KUNIT_EXPECT_MEMEQ(test, notes->entry, from, sizeof(from));
	KUNIT_EXPECT_EQ(test, entry_kunit_live_write(notes, old, new, VTD_WRITE_NEW), -EBUSY);
	KUNIT_EXPECT_EQ(test, notes->nr, 0);
	KUNIT_EXPECT_MEMEQ(test, notes->entry, from, sizeof(from));

	KUNIT_EXPECT_EQ(test, entry_kunit_live_write(notes, old, new, VTD_WRITE_REPLACE), 0);
	KUNIT_EXPECT_MEMEQ(test, notes->entry, to, sizeof(to));
	/* PASID cache, IOTLB and device TLB while it blocks; then it is a new one. */
	KUNIT_EXPECT_EQ(test, notes->nr, 4);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, notes->note[i].entry[0], 0ULL);
	KUNIT_EXPECT_EQ(test, notes->note[0].cache, VTD_CACHE_PASID);
	KUNIT_EXPECT_EQ(test, notes->note[1].cache, VTD_CACHE_IOTLB_PASID);
	KUNIT_EXPECT_EQ(test, notes->note[2].cache, VTD_CACHE_DEVTLB);
	KUNIT_EXPECT_EQ(test, notes->note[3].cache, VTD_CACHE_WRITE_BUFFER);
	/* Units that the hardware does not look at are left until the caches are empty. */
	KUNIT_EXPECT_EQ(test, notes->note[2].entry[2], from[2]);
}

static void entry_kunit_block(struct kunit *test)
{
	struct entry_kunit_notes *notes = entry_kunit_notes(test);

	entry_kunit_make(notes->unit, &entry_kunit_entries[7], notes->entry);
	vtd_live_pasid(&notes->live, &notes->unit->dev, IOMMU_NO_PASID, (struct pasid_entry *)notes->entry);
	vtd_live_block(&notes->live, true);
	KUNIT_EXPECT_EQ(test, notes->entry[0], 2ULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(&notes->entry[1], 0, 56), NULL);
	KUNIT_EXPECT_EQ(test, notes->nr, 3);
	/* The second time ends what the first left. */
	notes->nr = 0;
	vtd_live_block(&notes->live, true);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(notes->entry, 0, sizeof(notes->entry)), NULL);
	KUNIT_EXPECT_EQ(test, notes->nr, 0);
}

/*
 * The store
 */

struct entry_kunit_watch {
	u64 *unit;
	unsigned long nr_changes;
	unsigned long nr_torn;
};

/*
 * The words are never twice the same, and one is always the complement of the other: when one does not change while the other is read, they
 * must fit. Plain reads see more than exchanges would, for which an emulator may stop the processor that writes.
 */
static int entry_kunit_watcher(void *arg)
{
	struct entry_kunit_watch *watch = arg;
	u64 before, other, after, last = 0;
	unsigned int first = 0;

	while (!kthread_should_stop()) {
		before = READ_ONCE(watch->unit[first]);
		other = READ_ONCE(watch->unit[!first]);
		after = READ_ONCE(watch->unit[first]);
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
	u64 *unit = kunit_kzalloc(test, 64, GFP_KERNEL), i;
	const unsigned long deadline = jiffies + 30 * HZ;
	struct task_struct *watcher;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor: nobody can watch");
	KUNIT_ASSERT_NOT_NULL(test, watch);
	KUNIT_ASSERT_NOT_NULL(test, unit);
	watch->unit = PTR_ALIGN(unit, 16);
	vtd_store_128(watch->unit, 0, ~0ULL);

	watcher = kthread_create(entry_kunit_watcher, watch, "entry_kunit_watcher");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, watcher);
	kthread_bind(watcher, cpumask_any_but(cpu_online_mask, raw_smp_processor_id()));
	wake_up_process(watcher);
	/* Processors of an emulated machine may take turns: go on until the watcher saw something. */
	for (i = 1; i < KUNIT_NR_STORES || (READ_ONCE(watch->nr_changes) < KUNIT_NR_CHANGES && time_before(jiffies, deadline)); i++) {
		vtd_store_128(watch->unit, i, ~i);
		cond_resched();
	}
	kthread_stop(watcher);
	KUNIT_EXPECT_EQ(test, watch->nr_torn, 0);
	KUNIT_EXPECT_GE(test, watch->nr_changes, KUNIT_NR_CHANGES);
	KUNIT_EXPECT_EQ(test, watch->unit[0], i - 1);
	KUNIT_EXPECT_EQ(test, watch->unit[1], ~(i - 1));
}

static struct kunit_case entry_kunit_cases[] = {
	KUNIT_CASE(entry_kunit_builders),
	KUNIT_CASE(entry_kunit_every_change),
	KUNIT_CASE(entry_kunit_reserved_bits_count),
	KUNIT_CASE(entry_kunit_invalidations),
	KUNIT_CASE(entry_kunit_caching_mode),
	KUNIT_CASE(entry_kunit_no_order),
	KUNIT_CASE(entry_kunit_block),
	KUNIT_CASE(entry_kunit_store_is_one_step),
	{}
};

static struct kunit_suite entry_kunit_suite = {
	.name = "iommu-liveupdate-vtd-entry",
	.test_cases = entry_kunit_cases,
};
kunit_test_suite(entry_kunit_suite);
