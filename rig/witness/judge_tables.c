// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the IOMMU's tables held, and when. Times are those of the unit's own root pointer, which QEMU tells: the old kernel sets
 * it when it hands over, the new one when it takes over. Before the first the tables are the old kernel's business, after the
 * second all devices but those preserved are the new kernel's; in between nobody is in charge, and whatever is present is in
 * force.
 */
#include <inttypes.h>
#include <string.h>

#include "judge.h"

/* The times of trace lines and of the witness's own reads come from two clocks tied together once. */
#define CLOCKS_NS	NSEC_PER_MSEC

static struct takeover find_takeover(const struct run *run, unsigned int index)
{
	const struct timeline *t = &run->timeline;
	const struct hop *hop = &t->hops[index];
	struct takeover takeover = { NEVER, NEVER };
	int64_t since = index ? t->hops[index - 1].hello_ns : t->workload_ns;
	int64_t until = index + 1 < t->nr_hops ? t->hops[index + 1].kexec_ns : run->end_ns;

	if (hop->boot_ns == NEVER || since == NEVER)
		return takeover;
	takeover.handover_ns = trace_last_root_set(&run->trace, since, hop->boot_ns);
	takeover.adopted_ns = trace_first_root_set(&run->trace, hop->boot_ns, until);
	return takeover;
}

static const struct iommu_tables *tables_of(const struct run *run, size_t look)
{
	return &run->looks.states[run->looks.of[look].state];
}

static bool look_within(const struct look *look, int64_t from_ns, int64_t to_ns)
{
	return look->from_ns > from_ns + CLOCKS_NS && look->to_ns < to_ns - CLOCKS_NS;
}

static const struct trace_device *find_device(const struct run *run, uint16_t sid)
{
	for (unsigned int i = 0; i < run->trace.nr_devices; i++)
		if (qemu_device_has_sid(run->trace.devices[i].device, sid))
			return &run->trace.devices[i];
	return NULL;
}

#define MAX_SIDS	2

/* The source ids that requests of a device may have. Return: how many. */
static unsigned int sids_of(const struct trace_device *device, uint16_t sids[MAX_SIDS])
{
	sids[0] = device->device->bdf;
	sids[1] = device->device->alias;
	return sids[1] ? 2 : 1;
}

static bool is_of_device(const struct iommu_entry *entry, const struct trace_device *device)
{
	return qemu_device_has_sid(device->device, entry->sid);
}

#define ENTRY_NAME_BYTES	40

/* "ohci", or "bohci alias" */
static const char *sid_name(const struct run *run, uint16_t sid, char text[ENTRY_NAME_BYTES])
{
	const struct trace_device *device = find_device(run, sid);

	if (device)
		snprintf(text, ENTRY_NAME_BYTES, "%s%s", device->device->name, sid == device->device->bdf ? "" : " alias");
	else
		snprintf(text, ENTRY_NAME_BYTES, "%02x:%02x.%x", sid >> 8, sid >> 3 & 31, sid & 7);
	return text;
}

/* The same, or with its PASID: "ohci PASID 3" */
static const char *entry_name(const struct run *run, const struct iommu_entry *entry, char text[ENTRY_NAME_BYTES])
{
	size_t len = strlen(sid_name(run, entry->sid, text));

	if (entry->pasid != IOMMU_NO_PASID)
		snprintf(text + len, ENTRY_NAME_BYTES - len, " PASID %u", entry->pasid);
	return text;
}

static bool says_the_same(const struct iommu_entry *a, const struct iommu_entry *b)
{
	return a->table == b->table && a->domain_id == b->domain_id && a->type == b->type && a->levels == b->levels;
}

/* One reason an update and requester: it would be the same with each look. */
static bool say_not_contained(const struct run *run, struct verdict *v, const struct look *look)
{
	const struct iommu_tables *tables = &run->looks.states[look->state];
	char text[ENTRY_NAME_BYTES];
	bool said = false;

	for (unsigned int i = 0; i < tables->nr; i++) {
		const struct iommu_entry *entry = &tables->entries[i];
		const struct trace_device *device = find_device(run, entry->sid);

		if (device && device->preserved)
			continue;
		judge_against(v, "not-contained: %s is not preserved, and has a %s entry at %.3f s", entry_name(run, entry, text),
			      iommu_type_name(entry->type), judge_time_s(run, look->from_ns));
		said = true;
	}
	return said;
}

static void judge_handed_over(const struct run *run, struct verdict *v, unsigned int index)
{
	const struct hop *hop = &run->timeline.hops[index];
	const struct takeover *takeover = &v->takeovers[index];
	int64_t from = takeover->handover_ns != NEVER ? takeover->handover_ns : hop->boot_ns;
	int64_t to = takeover->adopted_ns != NEVER ? takeover->adopted_ns : hop->hello_ns;
	unsigned int nr = 0;
	bool said = false;

	if (from == NEVER || to == NEVER)
		return;			/* no new kernel came up: others say so */
	for (size_t i = 0; i < run->looks.nr; i++) {
		if (!look_within(&run->looks.of[i], from, to))
			continue;
		nr++;
		said = said || say_not_contained(run, v, &run->looks.of[i]);
	}
	if (!nr)
		judge_against(v, "not-contained: nobody looked between the kernels of update %u", index);
}

/* "translation-off" says what is so while nothing translates. */
static void judge_entry(const struct run *run, struct verdict *v, uint16_t sid, int64_t from_ns)
{
	const struct iommu_entry *entry;
	char text[ENTRY_NAME_BYTES];

	for (size_t i = 0; i < run->looks.nr; i++) {
		const struct look *look = &run->looks.of[i];

		if (!look_within(look, from_ns, INT64_MAX) || !tables_of(run, i)->translating)
			continue;
		entry = iommu_find(tables_of(run, i), sid);
		if (entry && entry->type != IOMMU_PASS_THROUGH && entry->type != IOMMU_UNKNOWN)
			continue;
		judge_against(v, "entry-missing: %s: %s at %.3f s", sid_name(run, sid, text),
			      entry ? iommu_type_name(entry->type) : "no entry", judge_time_s(run, look->from_ns));
		return;
	}
}

static void judge_entries(const struct run *run, struct verdict *v, const struct trace_device *device, int64_t from_ns)
{
	uint16_t sids[MAX_SIDS];
	unsigned int nr = sids_of(device, sids);

	for (unsigned int i = 0; i < nr; i++)
		judge_entry(run, v, sids[i], from_ns);
}

/* What was there last before @ns; NULL if nobody looked. */
static const struct iommu_tables *tables_before(const struct run *run, int64_t ns)
{
	const struct iommu_tables *tables = NULL;

	for (size_t i = 0; i < run->looks.nr && run->looks.of[i].to_ns < ns; i++)
		tables = tables_of(run, i);
	return tables;
}

static bool say_entry_changed(const struct run *run, struct verdict *v, const struct iommu_entry *before, const struct iommu_entry *entry,
			      const struct look *look)
{
	char text[ENTRY_NAME_BYTES];

	/* Requests without PASID have an entry for longer than until the swap: judge_entry() says when not. */
	if (!entry && before->pasid == IOMMU_NO_PASID)
		return false;
	if (!entry) {
		judge_against(v, "entry-missing: %s: no entry at %.3f s", entry_name(run, before, text), judge_time_s(run, look->from_ns));
		return true;
	}
	if (says_the_same(entry, before))
		return false;
	judge_against(v, "entry-changed: %s: table 0x%" PRIx64 " with ID %u became table 0x%" PRIx64 " with ID %u at %.3f s",
		      entry_name(run, entry, text), before->table, before->domain_id, entry->table, entry->domain_id,
		      judge_time_s(run, look->from_ns));
	return true;
}

static bool say_entry_appeared(const struct run *run, struct verdict *v, const struct iommu_tables *before, const struct iommu_entry *entry,
			       const struct look *look)
{
	char text[ENTRY_NAME_BYTES];

	if (entry->pasid == IOMMU_NO_PASID || iommu_find_pasid(before, entry->sid, entry->pasid))
		return false;
	judge_against(v, "entry-changed: %s: had no entry before the handover, and has one at %.3f s", entry_name(run, entry, text),
		      judge_time_s(run, look->from_ns));
	return true;
}

/* One look; true if anything was said. */
static bool judge_continuity_at(const struct run *run, struct verdict *v, const struct trace_device *device,
				const struct iommu_tables *before, size_t index)
{
	const struct look *look = &run->looks.of[index];
	const struct iommu_tables *now = tables_of(run, index);

	for (unsigned int i = 0; i < before->nr; i++)
		if (is_of_device(&before->entries[i], device) &&
		    say_entry_changed(run, v, &before->entries[i],
				      iommu_find_pasid(now, before->entries[i].sid, before->entries[i].pasid), look))
			return true;
	for (unsigned int i = 0; i < now->nr; i++)
		if (is_of_device(&now->entries[i], device) && say_entry_appeared(run, v, before, &now->entries[i], look))
			return true;
	return false;
}

/* Until the swap a device translates through what it translated through before the handover, and is cached under the same tags. */
static void judge_continuity(const struct run *run, struct verdict *v, const struct trace_device *device, unsigned int index)
{
	const struct hop *hop = &run->timeline.hops[index];
	int64_t from = v->takeovers[index].handover_ns, to = hop->swap_begin_ns != NEVER ? hop->swap_begin_ns : run->end_ns;
	const struct iommu_tables *before = from != NEVER ? tables_before(run, from) : NULL;

	for (size_t i = 0; before && i < run->looks.nr; i++)
		if (look_within(&run->looks.of[i], from, to) && tables_of(run, i)->translating &&
		    judge_continuity_at(run, v, device, before, i))
			return;
}

/* From before the handover until the session is finished, over the swap: what is read of page tables leads where it led. */
static void judge_translation(const struct run *run, struct verdict *v, const struct trace_device *device, unsigned int index)
{
	const struct hop *hop = &run->timeline.hops[index];
	int64_t from = v->takeovers[index].handover_ns, to = hop->finish_begin_ns != NEVER ? hop->finish_begin_ns : run->end_ns;
	const struct iommu_tables *before = from != NEVER ? tables_before(run, from) : NULL;
	const struct iommu_entry *entry;
	char text[ENTRY_NAME_BYTES];

	for (size_t i = 0; before && i < run->looks.nr; i++) {
		if (!look_within(&run->looks.of[i], from, to))
			continue;
		for (unsigned int j = 0; j < before->nr; j++) {
			if (!is_of_device(&before->entries[j], device))
				continue;
			entry = iommu_find_pasid(tables_of(run, i), before->entries[j].sid, before->entries[j].pasid);
			if (!entry || entry->type != IOMMU_GUEST || before->entries[j].type != IOMMU_GUEST ||
			    entry->translates == before->entries[j].translates)
				continue;
			judge_against(v, "translation-changed: %s: table 0x%" PRIx64 " does not lead where table 0x%" PRIx64
				      " led, at %.3f s", entry_name(run, entry, text), entry->table, before->entries[j].table,
				      judge_time_s(run, run->looks.of[i].from_ns));
			return;
		}
	}
}

/* A mark of the guest is read a little later than it was sent. */
static bool look_while_swapping(const struct hop *hop, const struct look *look)
{
	return hop->swap_begin_ns != NEVER && look->to_ns >= hop->swap_begin_ns - CLOCKS_NS &&
	       (hop->swap_end_ns == NEVER || look->from_ns <= hop->swap_end_ns + CLOCKS_NS);
}

static bool is_swapping(const struct run *run, const struct look *look)
{
	for (unsigned int i = 0; i < run->timeline.nr_hops; i++)
		if (look_while_swapping(&run->timeline.hops[i], look))
			return true;
	return false;
}

static bool say_alias_differs(const struct run *run, struct verdict *v, const struct iommu_entry *alias, const struct iommu_entry *own,
			      const struct look *look)
{
	char text[ENTRY_NAME_BYTES];

	/* One that is not there is another rule's. */
	if (!own || says_the_same(alias, own))
		return false;
	judge_against(v, "alias-differs: %s: %s table 0x%" PRIx64 " of %u levels with ID %u, the device's own: %s table 0x%" PRIx64
		      " of %u levels with ID %u, at %.3f s", entry_name(run, alias, text), iommu_type_name(alias->type), alias->table,
		      alias->levels, alias->domain_id, iommu_type_name(own->type), own->table, own->levels, own->domain_id,
		      judge_time_s(run, look->from_ns));
	return true;
}

/* Which of its source ids a request has is the bridge's choice. A swap writes one entry after the other. */
static void judge_alias(const struct run *run, struct verdict *v, const struct trace_device *device)
{
	for (size_t i = 0; device->device->alias && i < run->looks.nr; i++) {
		const struct look *look = &run->looks.of[i];
		const struct iommu_tables *tables = tables_of(run, i);

		if (look->from_ns < run->timeline.workload_ns || is_swapping(run, look))
			continue;
		for (unsigned int j = 0; j < tables->nr; j++)
			if (tables->entries[j].sid == device->device->alias &&
			    say_alias_differs(run, v, &tables->entries[j],
					      iommu_find_pasid(tables, device->device->bdf, tables->entries[j].pasid), look))
				return;
	}
}

/*
 * Blocked from when the new kernel took over, or said that it refuses it: it has no entry until finish, after which it is a device like any other, with a
 * table of its own that has nothing mapped. Nothing of it is ever translated.
 */
static void judge_quarantined(const struct run *run, struct verdict *v, const struct trace_device *device, int64_t from_ns)
{
	const char *name = device->device->name;
	uint16_t sids[MAX_SIDS];
	unsigned int nr = sids_of(device, sids);
	char text[ENTRY_NAME_BYTES];
	int64_t finish_ns = run->timeline.hops[0].finish_begin_ns, to_ns = finish_ns != NEVER ? finish_ns : INT64_MAX;

	if (device->translated_ns != NEVER && device->translated_ns > from_ns + CLOCKS_NS)
		judge_against(v, "not-contained: %s is quarantined, and was translated at %.3f s", name,
			      judge_time_s(run, device->translated_ns));
	for (size_t i = 0; i < run->looks.nr; i++) {
		if (!look_within(&run->looks.of[i], from_ns, to_ns))
			continue;
		for (unsigned int j = 0; j < nr; j++) {
			if (!iommu_find_any(tables_of(run, i), sids[j]))
				continue;
			judge_against(v, "not-contained: %s is quarantined, and has an entry at %.3f s", sid_name(run, sids[j], text),
				      judge_time_s(run, run->looks.of[i].from_ns));
			return;
		}
	}
}

static void judge_devices(const struct run *run, struct verdict *v)
{
	const struct hop *hop = &run->timeline.hops[0];
	const struct takeover *takeover = &v->takeovers[0];

	for (unsigned int i = 0; i < run->trace.nr_devices; i++) {
		const struct trace_device *device = &run->trace.devices[i];

		if (!device->preserved)
			continue;
		if (!device->quarantined)
			judge_entries(run, v, device, takeover->handover_ns != NEVER ? takeover->handover_ns : hop->boot_ns);
		else if (run->scenario.quarantined_late && hop->refused_ns != NEVER)
			judge_quarantined(run, v, device, hop->refused_ns);
		else if (run->scenario.quarantined_late)
			judge_against(v, "not-contained: %s: the new kernel never refused it", device->device->name);
		else if (takeover->adopted_ns != NEVER)
			judge_quarantined(run, v, device, takeover->adopted_ns);
		else
			judge_against(v, "not-contained: %s: the new kernel never set a root table", device->device->name);
		for (unsigned int j = 0; j < run->timeline.nr_hops && !device->quarantined; j++) {
			judge_continuity(run, v, device, j);
			judge_translation(run, v, device, j);
		}
		judge_alias(run, v, device);
	}
}

static const struct iommu_entry *before_swap(const struct iommu_tables *before, const struct iommu_entry *entry)
{
	return iommu_find_pasid(before, entry->sid, entry->pasid);
}

static bool is_preserved(const struct run *run, const struct iommu_entry *entry)
{
	const struct trace_device *device = find_device(run, entry->sid);

	return device && device->preserved;
}

/*
 * A first-stage table is swapped under the ID that it has. So while swaps are under way, what stood on one table before may have one ID
 * and two tables: that one, and the one that all of it goes to. Both say the same; that is the guest's to check.
 */
static bool is_half_swapped(const struct run *run, const struct verdict *v, const struct look *look, const struct iommu_entry *a,
			    const struct iommu_entry *b)
{
	if (a->type != IOMMU_FIRST_STAGE || b->type != IOMMU_FIRST_STAGE || !is_preserved(run, a) || !is_preserved(run, b))
		return false;
	for (unsigned int i = 0; i < run->timeline.nr_hops; i++) {
		const struct hop *hop = &run->timeline.hops[i];
		const struct iommu_tables *before = tables_before(run, v->takeovers[i].handover_ns);
		const struct iommu_entry *old_a, *old_b;

		if (v->takeovers[i].handover_ns == NEVER || !before || !look_while_swapping(hop, look))
			continue;
		old_a = before_swap(before, a);
		old_b = before_swap(before, b);
		if (old_a && old_b && old_a->table == old_b->table && old_a->domain_id == a->domain_id &&
		    (a->table == old_a->table) != (b->table == old_b->table))
			return true;
	}
	return false;
}

static bool are_of_one_device(const struct run *run, const struct iommu_entry *a, const struct iommu_entry *b)
{
	const struct trace_device *device = find_device(run, a->sid);

	return device ? is_of_device(b, device) : a->sid == b->sid;
}

static bool say_domain_id_shared(const struct run *run, struct verdict *v, const struct look *look, const struct iommu_entry *a,
				 const struct iommu_entry *b)
{
	char text_a[ENTRY_NAME_BYTES], text_b[ENTRY_NAME_BYTES];

	if (!iommu_share_domain_id(a, b, are_of_one_device(run, a, b)) || is_half_swapped(run, v, look, a, b))
		return false;
	judge_against(v, "domain-id-shared: %s (table 0x%" PRIx64 ") and %s (table 0x%" PRIx64 ") both have %u at %.3f s",
		      entry_name(run, a, text_a), a->table, entry_name(run, b, text_b), b->table, a->domain_id,
		      judge_time_s(run, look->from_ns));
	return true;
}

static void judge_domain_ids(const struct run *run, struct verdict *v)
{
	for (size_t i = 0; i < run->looks.nr; i++) {
		const struct iommu_tables *tables = tables_of(run, i);

		if (run->looks.of[i].from_ns < run->timeline.workload_ns)
			continue;
		for (unsigned int j = 0; j < tables->nr; j++)
			for (unsigned int k = j + 1; k < tables->nr; k++)
				if (say_domain_id_shared(run, v, &run->looks.of[i], &tables->entries[j], &tables->entries[k]))
					return;
	}
}

static bool walks_are_whole(const struct run *run)
{
	for (size_t i = 0; i < run->looks.nr; i++)
		if (run->looks.of[i].from_ns > run->timeline.workload_ns && tables_of(run, i)->cut_short)
			return false;
	return true;
}

static void judge_looks(const struct run *run, struct verdict *v)
{
	if (!run->looks.nr || run->looks.of[run->looks.nr - 1].to_ns < run->timeline.workload_ns)
		judge_against(v, "tables: nobody ever looked at them");
	if (!walks_are_whole(run))
		judge_against(v, "tables: there was more in them than the witness reads");
	if (run->looks.too_many_states)
		judge_against(v, "tables: they changed more often than the witness keeps");
	if (run->trace.nr_root_sets == TRACE_MAX_ROOT_SETS)
		judge_against(v, "tables: the root pointer was set more often than the witness keeps");
}

void judge_tables(const struct run *run, struct verdict *v)
{
	for (unsigned int i = 0; i < run->timeline.nr_hops; i++)
		v->takeovers[i] = find_takeover(run, i);
	if (run->timeline.workload_ns == NEVER)
		return;
	judge_looks(run, v);
	judge_domain_ids(run, v);
	for (unsigned int i = 0; i < run->timeline.nr_hops; i++)
		judge_handed_over(run, v, i);
	if (run->timeline.nr_hops && run->timeline.hops[0].boot_ns != NEVER)
		judge_devices(run, v);
}
