// SPDX-License-Identifier: GPL-2.0-or-later
/* Each rule of the judge says something when it should, and no other rule does; and none does when all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "synthetic.h"

#define IOMMU	"\"iommu\": \"vtd\", \"mode\": \"scalable\""
#define SCENARIO_WITH(more) \
	"{ \"name\": \"synthetic\", \"description\": \"-\", " IOMMU ", \"kernels\": [\"A\", \"B\"]," \
	"  \"plan\": \"update\", \"devices\": [\"ohci\", \"hda\", \"igb\"], " more " }"
#define SCENARIO	SCENARIO_WITH("\"expect\": \"pass\"")
#define SCENARIO_ROGUE	SCENARIO_WITH("\"others\": [\"rogue\"], \"expect\": \"pass\", \"thresholds\": { \"contained_faults_min\": 2," \
				      " \"contained_faults_max\": 3, \"fault_record_zero\": false }")
#define SCENARIO_QUARANTINE SCENARIO_WITH("\"quarantined\": [\"ohci\"], \"expect\": \"pass\", \"thresholds\": {" \
					  " \"contained_faults_min\": 1, \"contained_faults_max\": 9, \"fault_record_zero\": false }")
#define SCENARIO_REFUSED SCENARIO_WITH("\"quarantined\": [\"ohci\"], \"quarantined_at\": \"restore\", \"expect\": \"pass\", \"thresholds\": {" \
				       " \"contained_faults_min\": 1, \"contained_faults_max\": 9, \"fault_record_zero\": false }")

#define SCENARIO_ALIAS_WITH(more) \
	"{ \"name\": \"synthetic\", \"description\": \"-\", " IOMMU ", \"kernels\": [\"A\", \"B\"]," \
	"  \"plan\": \"update\", \"devices\": [\"bohci\", \"hda\", \"igb\"], " more " }"
#define SCENARIO_ALIAS	SCENARIO_ALIAS_WITH("\"expect\": \"pass\"")
#define SCENARIO_ALIAS_QUARANTINE SCENARIO_ALIAS_WITH("\"quarantined\": [\"bohci\"], \"expect\": \"pass\", \"thresholds\": {" \
						      " \"contained_faults_min\": 1, \"contained_faults_max\": 9, \"fault_record_zero\": false }")
#define SCENARIO_ALIAS_OTHER SCENARIO_WITH("\"others\": [\"pair1\"], \"expect\": \"pass\", \"thresholds\": { \"contained_faults_min\": 2," \
					   " \"contained_faults_max\": 3, \"fault_record_zero\": false }")

#define SCENARIO_ICOUNT	SCENARIO_WITH("\"icount\": true, \"expect\": \"pass\"")

struct rule {
	const char *test, *rule;
	void (*spoil)(struct synthetic *s);
	const char *scenario;		/* NULL: SCENARIO */
	void (*prepare)(struct synthetic *s);
};

/* The run itself */

static void guest_never_done(struct synthetic *s)
{
	s->run->telemetry.done = false;
}

static void no_page(struct synthetic *s)
{
	s->run->telemetry.valid = false;
}

static void time_is_over(struct synthetic *s)
{
	s->run->end = RUN_TIMEOUT;
}

static void qemu_went_away(struct synthetic *s)
{
	s->run->end = RUN_QEMU_EXIT;
}

static void was_interrupted(struct synthetic *s)
{
	s->run->end = RUN_INTERRUPTED;
}

static void bad_line(struct synthetic *s)
{
	s->run->telemetry.nr_bad_lines = 1;
}

static void done_too_early(struct synthetic *s)
{
	s->run->timeline.done_generation = 0;
}

static void out_of_turn(struct synthetic *s)
{
	s->run->timeline.hello_unexpected = true;
}

static void other_kernel_after(struct synthetic *s)
{
	strcpy(s->run->timeline.hops[0].kernel_after, "7.3.4-A");
}

static void other_kernel_before(struct synthetic *s)
{
	strcpy(s->run->timeline.first_kernel, "7.3.4-B");
}

static void guest_found_fault(struct synthetic *s)
{
	s->run->telemetry.checks[s->run->telemetry.nr_checks++] = (struct guest_check){ .ok = false, .name = "plan" };
}

static void guest_was_content(struct synthetic *s)
{
	s->run->telemetry.checks[s->run->telemetry.nr_checks++] = (struct guest_check){ .ok = true, .name = "plan" };
}

static void too_many_checks(struct synthetic *s)
{
	while (s->run->telemetry.nr_checks < TELEMETRY_MAX_CHECKS)
		guest_was_content(s);
}

static void kasan(struct synthetic *s)
{
	say_console(s, "[    3.1] BUG: KASAN: slab-use-after-free in intel_liveupdate_swap+0x1/0x2");
}

static void lockdep(struct synthetic *s)
{
	say_console(s, "[    3.1] WARNING: possible circular locking dependency detected");
}

static void hung(struct synthetic *s)
{
	say_console(s, "[  300.1] INFO: task init:1 blocked for more than 120 seconds.");
}

static void talks(struct synthetic *s)
{
	say_console(s, "[    0.0] KernelAddressSanitizer initialized (generic)");
	say_console(s, "[    6.1] iommu liveupdate: taking over 3 devices on 3 domains behind 1 units");
}

/* Counters */

static void ohci_never_moved(struct synthetic *s)
{
	stop_counter(s, OHCI, AT_WORKLOAD);
	s->run->scenario.thresholds.ohci_gap_ms = 1e6;	/* time that passed and was not counted is another rule's */
}

static void ohci_stopped_at_kexec(struct synthetic *s)
{
	stop_counter(s, OHCI, AT_KEXEC);
	s->run->scenario.thresholds.ohci_gap_ms = 1e6;
}

static void hda_stopped_after_hello(struct synthetic *s)
{
	stop_counter(s, HDA, AT_HELLO);
}

static void hda_stopped_in_the_end(struct synthetic *s)
{
	stop_counter(s, HDA, 8.5);
}

static void igb_stopped_at_kexec(struct synthetic *s)
{
	stop_counter(s, IGB, AT_KEXEC);
}

static void igb_rests_in_the_end(struct synthetic *s)
{
	stop_counter(s, IGB, 8.5);
}

static void hda_overwritten(struct synthetic *s)
{
	s->run->sampler.counters[HDA].overwritten_ns = at(7);
}

static void hda_never_seen(struct synthetic *s)
{
	s->run->sampler.counters[HDA].series.nr = 0;
}

/* The device goes on, and a little of what it wrote did not arrive. */
static void hda_lags(struct synthetic *s)
{
	struct series *series = &s->run->sampler.counters[HDA].series;

	for (size_t i = 0; i < series->nr; i++)
		series->samples[i].memory -= series->samples[i].ns > at(7) ? 64 : 0;
}

static void ohci_lost_time(struct synthetic *s)
{
	struct series *series = &s->run->sampler.counters[OHCI].series;

	for (size_t i = 0; i < series->nr; i++)
		if (series->samples[i].ns > at(AT_KEXEC))
			series->samples[i].memory = series->samples[i].device = series->samples[i].memory - 10;
}

static void ohci_died(struct synthetic *s)
{
	say_trace(s, 5.2, "usb_ohci_die ");
}

/* Faults and translation */

static void hda_faults(struct synthetic *s)
{
	say_fault(s, 5.2, SID_HDA);
}

static void unknown_faults(struct synthetic *s)
{
	say_fault(s, 5.2, 0x99);
}

static void rogue_faults(struct synthetic *s, unsigned int times)
{
	while (times--)
		say_fault(s, 5.2, SID_ROGUE);
}

static void rogue_faults_twice(struct synthetic *s)
{
	rogue_faults(s, 2);
}

static void rogue_faults_once(struct synthetic *s)
{
	rogue_faults(s, 1);
}

static void rogue_faults_often(struct synthetic *s)
{
	rogue_faults(s, 4);
}

static void fault_not_reported(struct synthetic *s)
{
	say_trace(s, 5.2, "vtd_fault_disabled Fault processing disabled for context entry");
}

static void record_written(struct synthetic *s)
{
	s->run->sampler.fault_record[3] = 1U << 31;
}

static void record_never_read(struct synthetic *s)
{
	s->run->sampler.iommu_read = false;
}

static void record_of_rogue(struct synthetic *s)
{
	rogue_faults(s, 2);
	s->run->sampler.fault_record[2] = SID_ROGUE;
	s->run->sampler.fault_record[3] = 1U << 31;
}

static void record_of_hda(struct synthetic *s)
{
	rogue_faults(s, 2);
	s->run->sampler.fault_record[2] = SID_HDA;
	s->run->sampler.fault_record[3] = 1U << 31;
}

static void turned_off(struct synthetic *s)
{
	say_translation(s, 5.1, false);
}

static void seen_off(struct synthetic *s)
{
	s->run->sampler.translation_seen_off = 1;
}

static void one_of_two_was_reset(struct synthetic *s)
{
	rogue_faults(s, 2);
	say_trace(s, 6.6, "usb_ohci_reset pci-ohci");
}

static void nothing_translated(struct synthetic *s)
{
	pageset_free(&s->run->timeline.hops[0].translated);
	s->run->timeline.hops[0].translated = (struct pageset){ 0 };
}

/* Resets */

static void platform_was_reset(struct synthetic *s)
{
	say_platform_reset(s, 5.3);
}

static void qemu_announced_reset(struct synthetic *s)
{
	s->run->nr_resets = 1;
}

static void kernel_panicked(struct synthetic *s)
{
	s->run->panicked = true;
}

static void hda_was_reset(struct synthetic *s)
{
	say_trace(s, 6.6, "resettable_phase_hold_exec obj=0x55d0(intel-hda) has_method=1");
}

static void igb_was_reset(struct synthetic *s)
{
	say_trace(s, 6.6, "e1000e_core_ctrl_sw_reset Doing SW reset");
}

static void igb_slept(struct synthetic *s)
{
	say_trace(s, 6.6, "pci_pm_transition igb 00:05.0 PM transition D0->D3");
}

/* Tables */

static void never_looked(struct synthetic *s)
{
	forget_looks(s);
	s->run->timeline.nr_hops = 0;	/* what nobody saw of an update is another rule's */
	s->run->scenario.kernels.nr = 1;
	s->run->timeline.nr_hellos = 1;
	s->run->timeline.done_generation = 0;
}

static void nobody_looked_between(struct synthetic *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->run->looks.nr; i++)
		if (s->run->looks.of[i].to_ns < at(AT_HANDOVER) || s->run->looks.of[i].from_ns > at(AT_ADOPTED))
			s->run->looks.of[kept++] = s->run->looks.of[i];
	s->run->looks.nr = kept;
}

static unsigned int state_of(struct synthetic *s, const struct iommu_entry *entries, unsigned int nr)
{
	add_look(s, AT_END, entries, nr);
	return s->run->looks.of[--s->run->looks.nr].state;
}

static void too_many_states(struct synthetic *s)
{
	s->run->looks.too_many_states = true;
}

static void too_many_root_sets(struct synthetic *s)
{
	while (s->run->trace.nr_root_sets < TRACE_MAX_ROOT_SETS)
		say_root_set(s, 9);
}

/* In place of the look at some time, one that saw this. */
static void see_instead(struct synthetic *s, double seconds, const struct iommu_entry *entries, unsigned int nr)
{
	struct look *look = s->run->looks.of;

	while (look->to_ns < at(seconds))
		look++;
	look->state = state_of(s, entries, nr);
}

/* The look at some time sees what it saw, in a state that is its own to spoil. */
static struct iommu_tables *own_state(struct synthetic *s, double seconds)
{
	struct looks *looks = &s->run->looks;
	struct look *look = looks->of;

	while (look->to_ns < at(seconds))
		look++;
	assert_in_range(looks->nr_states, 1, LOOKS_MAX_STATES - 1);
	looks->states[looks->nr_states] = looks->states[look->state];
	look->state = looks->nr_states++;
	return &looks->states[look->state];
}

static struct iommu_entry *entry_in(struct iommu_tables *tables, uint16_t sid, uint32_t pasid)
{
	const struct iommu_entry *entry = iommu_find_pasid(tables, sid, pasid);

	assert_non_null(entry);
	return &tables->entries[entry - tables->entries];
}

static void drop_entry(struct iommu_tables *tables, uint16_t sid, uint32_t pasid)
{
	*entry_in(tables, sid, pasid) = tables->entries[tables->nr - 1];
	tables->nr--;
}

static void others_entry_between(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
		entry_of(SID_BRIDGE, 6, 0x6000),
	};

	see_instead(s, 5.3, seen, 4);
}

static void rogues_entry_between(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
		entry_of(SID_ROGUE, 6, 0x6000),
	};

	rogue_faults(s, 2);
	see_instead(s, 5.3, seen, 4);
}

static void hda_has_no_entry(struct synthetic *s)
{
	const struct iommu_entry seen[] = { entry_of(SID_OHCI, 7, 0x7000), entry_of(SID_IGB, 9, 0x9000) };

	see_instead(s, 8, seen, 2);
}

static void hda_passes_through(struct synthetic *s)
{
	struct iommu_entry seen[] = { entry_of(SID_OHCI, 7, 0x7000), entry_of(SID_HDA, 8, 0), entry_of(SID_IGB, 9, 0x9000) };

	seen[1].type = IOMMU_PASS_THROUGH;
	see_instead(s, 8, seen, 3);
}

static void hda_has_another_table(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x5000), entry_of(SID_IGB, 5, 0x5000),
	};

	see_instead(s, 6.2, seen, 3);
}

static void hda_has_another_tag(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 9, 0x4000), entry_of(SID_IGB, 5, 0x5000),
	};

	see_instead(s, 6.2, seen, 3);
}

static void one_id_two_tables(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 7, 0x7000), entry_of(SID_HDA, 7, 0x8000), entry_of(SID_IGB, 9, 0x9000),
	};

	see_instead(s, 8, seen, 3);
}

static void one_id_one_table(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 7, 0x7000), entry_of(SID_HDA, 7, 0x7000), entry_of(SID_IGB, 9, 0x9000),
	};

	see_instead(s, 8, seen, 3);
}

static void cut_short(struct synthetic *s)
{
	s->run->looks.states[s->run->looks.of[s->run->looks.nr / 2].state].cut_short = true;
}

/* PASIDs: hda has two on one table and one on another, igb has one. Below, all is as it should be. */
enum { OF_OHCI, OF_HDA, OF_IGB, OF_HDA_1, OF_HDA_2, OF_HDA_3, OF_IGB_1, NR_WITH_PASIDS };

static void entries_with_pasids(struct iommu_entry entries[NR_WITH_PASIDS], bool swapped)
{
	uint16_t id = swapped ? 20 : 0;
	uint64_t table = swapped ? 0x20000 : 0;

	entries[OF_OHCI] = entry_of(SID_OHCI, id + 3, table + 0x3000);
	entries[OF_HDA] = entry_of(SID_HDA, id + 4, table + 0x4000);
	entries[OF_IGB] = entry_of(SID_IGB, id + 5, table + 0x5000);
	entries[OF_HDA_1] = entry_of_pasid(SID_HDA, 1, id + 6, table + 0x6000);
	entries[OF_HDA_2] = entry_of_pasid(SID_HDA, 2, id + 6, table + 0x6000);
	entries[OF_HDA_3] = entry_of_pasid(SID_HDA, 3, id + 7, table + 0x7000);
	entries[OF_IGB_1] = entry_of_pasid(SID_IGB, 1, id + 7, table + 0x7000);
}

static void give_pasids(struct synthetic *s)
{
	struct iommu_entry entries[NR_WITH_PASIDS];
	unsigned int old_state, new_state;

	entries_with_pasids(entries, false);
	old_state = state_of(s, entries, NR_WITH_PASIDS);
	entries_with_pasids(entries, true);
	new_state = state_of(s, entries, NR_WITH_PASIDS);
	for (size_t i = 0; i < s->run->looks.nr; i++)
		s->run->looks.of[i].state = s->run->looks.of[i].from_ns < at(AT_SWAP) ? old_state : new_state;
}

static void first_stage(struct iommu_entry entries[NR_WITH_PASIDS])
{
	for (unsigned int i = 0; i < NR_WITH_PASIDS; i++)
		entries[i].type = IOMMU_FIRST_STAGE;
}

static void give_first_stage_pasids(struct synthetic *s)
{
	give_pasids(s);
	for (unsigned int i = 0; i < s->run->looks.nr_states; i++)
		first_stage(s->run->looks.states[i].entries);
}

static void pasid_is_gone(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	seen[OF_HDA_2] = seen[OF_IGB_1];
	see_instead(s, 5.3, seen, NR_WITH_PASIDS - 1);
}

/* After the swap a PASID may be detached. */
static void pasid_is_gone_later(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, true);
	seen[OF_HDA_2] = seen[OF_IGB_1];
	see_instead(s, 8, seen, NR_WITH_PASIDS - 1);
}

static void pasid_has_another_table(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	seen[OF_HDA_2].table = seen[OF_HDA_1].table = 0x9000;
	see_instead(s, 6.2, seen, NR_WITH_PASIDS);
}

static void pasid_has_another_id(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	seen[OF_HDA_3].domain_id = 9;
	see_instead(s, 6.2, seen, NR_WITH_PASIDS);
}

static void pasid_has_another_type(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	seen[OF_HDA_3].type = IOMMU_FIRST_STAGE;
	see_instead(s, 6.2, seen, NR_WITH_PASIDS);
}

static void pasid_has_other_levels(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	seen[OF_HDA_3].levels = 3;
	see_instead(s, 6.2, seen, NR_WITH_PASIDS);
}

static void pasid_appeared(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS + 1];

	entries_with_pasids(seen, false);
	seen[NR_WITH_PASIDS] = entry_of_pasid(SID_OHCI, 1, 3, 0x3000);
	see_instead(s, 6.2, seen, NR_WITH_PASIDS + 1);
}

static void pasid_shares_id(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, true);
	seen[OF_HDA_2].table = 0x9000;
	see_instead(s, 8, seen, NR_WITH_PASIDS);
}

static void pasid_of_stranger(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS + 1];

	entries_with_pasids(seen, false);
	seen[NR_WITH_PASIDS] = entry_of_pasid(SID_BRIDGE, 1, 3, 0x3000);
	see_instead(s, 5.3, seen, NR_WITH_PASIDS + 1);
}

/* The swap of first-stage tables, half done: what was on 0x6000 is to be on 0x26000, with the same ID. */
static void half_swapped(struct iommu_entry seen[NR_WITH_PASIDS])
{
	entries_with_pasids(seen, false);
	first_stage(seen);
	seen[OF_HDA_1].table = 0x26000;
}

static void half_swapped_in_time(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	half_swapped(seen);
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen, NR_WITH_PASIDS);
}

static void half_swapped_for_ever(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	half_swapped(seen);
	see_instead(s, 8, seen, NR_WITH_PASIDS);
}

/* In the second stage nothing keeps an ID. */
static void half_swapped_second_stage(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	half_swapped(seen);
	seen[OF_HDA_1].type = seen[OF_HDA_2].type = IOMMU_SECOND_STAGE;
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen, NR_WITH_PASIDS);
}

static void swapped_to_two_tables(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	half_swapped(seen);
	seen[OF_HDA_2].table = 0x27000;
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen, NR_WITH_PASIDS);
}

static void half_swapped_with_another_id(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	half_swapped(seen);
	seen[OF_HDA_1].domain_id = seen[OF_HDA_2].domain_id = 9;
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen, NR_WITH_PASIDS);
}

static void swapped_to_id_of_another(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	first_stage(seen);
	seen[OF_HDA_3].table = 0x27000;
	seen[OF_HDA_3].domain_id = seen[OF_HDA_1].domain_id;
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen, NR_WITH_PASIDS);
}

/* Guest tables: each device has one domain ID for all its PASIDs, and keeps it; what the tables lead to is known. */
static void guest(struct iommu_entry entries[NR_WITH_PASIDS])
{
	for (unsigned int i = 0; i < NR_WITH_PASIDS; i++) {
		entries[i].type = IOMMU_GUEST;
		entries[i].domain_id = entries[i].sid;
		entries[i].translates = 1000 + i;
	}
}

static void give_guest_pasids(struct synthetic *s)
{
	give_pasids(s);
	for (unsigned int i = 0; i < s->run->looks.nr_states; i++)
		guest(s->run->looks.states[i].entries);
}

static void guest_half_swapped(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, false);
	guest(seen);
	seen[OF_HDA_1].table = 0x26000;
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen, NR_WITH_PASIDS);
}

static void guest_pasid_leads_elsewhere(struct synthetic *s, double when, bool swapped)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, swapped);
	guest(seen);
	seen[OF_HDA_2].translates++;
	see_instead(s, when, seen, NR_WITH_PASIDS);
}

static void guest_pasid_leads_elsewhere_at_once(struct synthetic *s)
{
	guest_pasid_leads_elsewhere(s, 6.2, false);
}

static void guest_pasid_leads_elsewhere_after_swap(struct synthetic *s)
{
	guest_pasid_leads_elsewhere(s, 6.75, true);
}

static void guest_pasid_leads_elsewhere_later(struct synthetic *s)
{
	guest_pasid_leads_elsewhere(s, 8, true);
}

static void guest_shares_id_with_other_device(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, true);
	guest(seen);
	seen[OF_IGB_1].domain_id = seen[OF_OHCI].domain_id;
	see_instead(s, 8, seen, NR_WITH_PASIDS);
}

static void guest_shares_id_with_host_table(struct synthetic *s)
{
	struct iommu_entry seen[NR_WITH_PASIDS];

	entries_with_pasids(seen, true);
	guest(seen);
	seen[OF_HDA_3].type = IOMMU_SECOND_STAGE;
	see_instead(s, 8, seen, NR_WITH_PASIDS);
}

/* Quarantine: ohci is blocked from then on. */
static void block_ohci_at(struct synthetic *s, double blocked)
{
	const struct iommu_entry rest[] = { entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000) };
	const struct iommu_entry new[] = { entry_of(SID_HDA, 8, 0x8000), entry_of(SID_IGB, 9, 0x9000) };
	unsigned int old_state = state_of(s, rest, 2), new_state = state_of(s, new, 2);

	say_translated(s, blocked - 0.1, SID_OHCI, 0xa0000000);
	say_fault(s, blocked + 0.1, SID_OHCI);
	say_trace(s, blocked + 0.1, "usb_ohci_die ");
	s->run->sampler.fault_record[2] = SID_OHCI;
	stop_counter(s, OHCI, blocked);
	for (size_t i = 0; i < s->run->looks.nr; i++)
		if (s->run->looks.of[i].from_ns > at(blocked))
			s->run->looks.of[i].state = s->run->looks.of[i].from_ns < at(AT_SWAP) ? old_state : new_state;
}

/* When the new kernel took over. */
static void block_ohci(struct synthetic *s)
{
	block_ohci_at(s, AT_ADOPTED);
}

/* When its tables were asked for. */
static void refuse_ohci(struct synthetic *s)
{
	s->run->timeline.hops[0].refused_ns = at(AT_REFUSED);
	block_ohci_at(s, AT_REFUSED);
}

static void never_refused(struct synthetic *s)
{
	s->run->timeline.hops[0].refused_ns = NEVER;
}

static void refused_has_entry(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
	};

	see_instead(s, (AT_REFUSED + AT_SWAP) / 2, seen, 3);
}

static void refused_had_entry(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
	};

	see_instead(s, (AT_ADOPTED + AT_REFUSED) / 2, seen, 3);
}

static void quarantined_never_faulted(struct synthetic *s)
{
	s->run->trace.contained_faults = 0;
}

static void quarantined_has_entry(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
	};

	see_instead(s, 6.3, seen, 3);
}

static void quarantined_has_pasid(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of_pasid(SID_OHCI, 1, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
	};

	see_instead(s, 6.3, seen, 3);
}

static void quarantined_has_entry_after_finish(struct synthetic *s)
{
	const struct iommu_entry seen[] = {
		entry_of(SID_OHCI, 7, 0x7000), entry_of(SID_HDA, 8, 0x8000), entry_of(SID_IGB, 9, 0x9000),
	};

	see_instead(s, 8, seen, 3);
}

static void quarantined_is_translated(struct synthetic *s)
{
	say_translated(s, 6.2, SID_OHCI, 0xa0000000);
}

static void quarantined_goes_on(struct synthetic *s)
{
	struct series *series = &s->run->sampler.counters[OHCI].series;

	for (size_t i = 0; i < series->nr; i++)
		series->samples[i].memory = series->samples[i].device = i * 20;
}

static void quarantined_never_moved(struct synthetic *s)
{
	stop_counter(s, OHCI, AT_WORKLOAD);
}

/* Whether it was blocked can only be told from when the new kernel took over. */
static void never_adopted(struct synthetic *s)
{
	s->run->trace.nr_root_sets--;
}

static void nothing(struct synthetic *s)
{
	(void)s;
}

/* Aliases: the first device has an entry at each of its two source ids. Below, all is as it should be. */
static void give_alias(struct synthetic *s)
{
	for (unsigned int i = 0; i < s->run->looks.nr_states; i++) {
		struct iommu_tables *tables = &s->run->looks.states[i];
		struct iommu_entry *own = entry_in(tables, SID_OHCI, IOMMU_NO_PASID);

		own->sid = SID_BOHCI;
		tables->entries[tables->nr] = *own;
		tables->entries[tables->nr++].sid = SID_ALIAS;
	}
}

/* The same PASID at both. */
static void give_alias_pasid(struct synthetic *s)
{
	give_alias(s);
	for (unsigned int i = 0; i < s->run->looks.nr_states; i++) {
		struct iommu_tables *tables = &s->run->looks.states[i];
		const struct iommu_entry *own = iommu_find(tables, SID_BOHCI);
		struct iommu_entry entry = entry_of_pasid(SID_BOHCI, 1, own->domain_id + 30, own->table + 0x30000);

		tables->entries[tables->nr++] = entry;
		entry.sid = SID_ALIAS;
		tables->entries[tables->nr++] = entry;
	}
}

/* On guest tables one domain ID is that of a device, at whichever of its source ids. */
static void give_alias_guest(struct synthetic *s)
{
	give_alias_pasid(s);
	for (unsigned int i = 0; i < s->run->looks.nr_states; i++) {
		struct iommu_tables *tables = &s->run->looks.states[i];

		for (unsigned int j = 0; j < tables->nr; j++) {
			tables->entries[j].type = IOMMU_GUEST;
			tables->entries[j].domain_id = tables->entries[j].sid == SID_ALIAS ? SID_BOHCI : tables->entries[j].sid;
			tables->entries[j].translates = tables->entries[j].pasid == 1 ? 2001 : 2000;
		}
	}
}

static void alias_is_gone(struct synthetic *s)
{
	drop_entry(own_state(s, 8), SID_ALIAS, IOMMU_NO_PASID);
}

static void alias_is_gone_between(struct synthetic *s)
{
	drop_entry(own_state(s, 5.3), SID_ALIAS, IOMMU_NO_PASID);
}

static void own_is_gone(struct synthetic *s)
{
	drop_entry(own_state(s, 8), SID_BOHCI, IOMMU_NO_PASID);
}

static void alias_passes_through(struct synthetic *s)
{
	struct iommu_tables *tables = own_state(s, 8);

	entry_in(tables, SID_ALIAS, IOMMU_NO_PASID)->type = IOMMU_PASS_THROUGH;
	entry_in(tables, SID_BOHCI, IOMMU_NO_PASID)->type = IOMMU_PASS_THROUGH;
}

static void alias_pasid_is_gone(struct synthetic *s)
{
	drop_entry(own_state(s, 5.3), SID_ALIAS, 1);
}

static void alias_pasid_appeared(struct synthetic *s)
{
	struct iommu_tables *tables = own_state(s, 5.3);

	tables->entries[tables->nr++] = entry_of_pasid(SID_ALIAS, 1, 30, 0x30000);
}

static void alias_leads_elsewhere(struct synthetic *s)
{
	entry_in(own_state(s, 6.75), SID_ALIAS, 1)->translates++;
}

static void alias_has_another_table(struct synthetic *s, double seconds)
{
	struct iommu_entry *alias = entry_in(own_state(s, seconds), SID_ALIAS, IOMMU_NO_PASID);

	alias->table = 0x40000;
	alias->domain_id = 40;
}

static void alias_differs_later(struct synthetic *s)
{
	alias_has_another_table(s, 8);
}

static void alias_differs_before_handover(struct synthetic *s)
{
	alias_has_another_table(s, 3);
}

static void alias_has_another_id(struct synthetic *s)
{
	entry_in(own_state(s, 8), SID_ALIAS, IOMMU_NO_PASID)->domain_id = 40;
}

static void alias_pasid_differs(struct synthetic *s)
{
	entry_in(own_state(s, 8), SID_ALIAS, 1)->levels = 3;
}

/* One entry is on the new table and the other is not yet. */
static void alias_differs_while_swapping(struct synthetic *s)
{
	const struct iommu_tables *new = &s->run->looks.states[s->run->looks.of[s->run->looks.nr - 1].state];
	struct iommu_tables seen = *own_state(s, 6.5);

	*entry_in(&seen, SID_BOHCI, IOMMU_NO_PASID) = *iommu_find(new, SID_BOHCI);
	add_look(s, (AT_SWAP + AT_SWAPPED) / 2, seen.entries, seen.nr);
}

static void alias_faults_twice(struct synthetic *s)
{
	say_fault(s, 5.2, SID_ALIAS);
	say_fault(s, 5.2, SID_ALIAS);
}

static void record_of_alias(struct synthetic *s)
{
	alias_faults_twice(s);
	s->run->sampler.fault_record[2] = SID_ALIAS;
	s->run->sampler.fault_record[3] = 1U << 31;
}

static void translated_by_alias(struct synthetic *s)
{
	nothing_translated(s);
	for (unsigned int page = 0; page < 1100; page++)
		say_translated(s, 8.6 + page * 0.001, SID_ALIAS, 0xa4000000 + page * 4096);
}

/* What is at an alias as an address is no part of the device. */
static void bridge_slept(struct synthetic *s)
{
	say_trace(s, 6.6, "pci_pm_transition bridge 01:00.0 PM transition D0->D3");
}

/* Blocked at both source ids from when the new kernel took over. */
static void block_alias(struct synthetic *s)
{
	give_alias(s);
	say_fault(s, AT_ADOPTED + 0.1, SID_ALIAS);
	say_trace(s, AT_ADOPTED + 0.1, "usb_ohci_die ");
	s->run->sampler.fault_record[2] = SID_ALIAS;
	stop_counter(s, OHCI, AT_ADOPTED);
	for (size_t i = 0; i < s->run->looks.nr; i++) {
		struct look *look = &s->run->looks.of[i];
		struct iommu_tables blocked = s->run->looks.states[look->state];

		if (look->from_ns <= at(AT_ADOPTED))
			continue;
		drop_entry(&blocked, SID_BOHCI, IOMMU_NO_PASID);
		drop_entry(&blocked, SID_ALIAS, IOMMU_NO_PASID);
		look->state = state_of(s, blocked.entries, blocked.nr);
	}
}

static void quarantined_alias_has_entry(struct synthetic *s)
{
	struct iommu_tables *tables = own_state(s, 6.3);

	tables->entries[tables->nr++] = entry_of(SID_ALIAS, 3, 0x3000);
}

static void quarantined_alias_is_translated(struct synthetic *s)
{
	say_translated(s, 6.2, SID_ALIAS, 0xa0000000);
}

/* Packets */

static void one_lost(struct synthetic *s)
{
	set_seen(s, 777, false);
}

static void one_twice(struct synthetic *s)
{
	page_of(s)->packets.duplicated = 1;
}

static void one_corrupt(struct synthetic *s)
{
	page_of(s)->packets.corrupt = 1;
}

static void one_never_sent(struct synthetic *s)
{
	set_seen(s, 200000, true);
}

static void few_sent(struct synthetic *s)
{
	s->run->packets.sent = 5500;
	for (uint32_t sequence = 5500; sequence < 12000; sequence++)
		set_seen(s, sequence, false);
}

static void none_after_kexec(struct synthetic *s)
{
	s->run->packets.sent_at_kexec = s->run->packets.sent;
}

static void refused(struct synthetic *s)
{
	s->run->packets.longest_refused_awake_ns = 300 * NSEC_PER_MSEC;
}

static void not_sent(struct synthetic *s)
{
	s->run->packets.errors = 1;
}

static const struct rule rules[] = {
	{ "the guest never said done", "no-verdict", guest_never_done, NULL, NULL },
	{ "no telemetry page", "no-verdict", no_page, NULL, NULL },
	{ "timeout", "timeout", time_is_over, NULL, NULL },
	{ "QEMU went away", "qemu-exit", qemu_went_away, NULL, NULL },
	{ "interrupted", "interrupted", was_interrupted, NULL, NULL },
	{ "a line without sense", "telemetry", bad_line, NULL, NULL },
	{ "done in another generation", "hops", done_too_early, NULL, NULL },
	{ "a kernel out of turn", "generation", out_of_turn, NULL, NULL },
	{ "another kernel after", "kernel-identity", other_kernel_after, NULL, NULL },
	{ "another kernel before", "kernel-identity", other_kernel_before, NULL, NULL },
	{ "a check of the guest failed", "guest-check", guest_found_fault, NULL, NULL },
	{ "more checks than are kept", "guest-check", too_many_checks, NULL, NULL },
	{ "KASAN", "kernel-splat", kasan, NULL, NULL },
	{ "lockdep", "kernel-splat", lockdep, NULL, NULL },
	{ "a task hangs", "kernel-splat", hung, NULL, NULL },
	{ "counter never moved", "counter-stopped", ohci_never_moved, NULL, NULL },
	{ "counter stopped at kexec", "counter-stopped", ohci_stopped_at_kexec, NULL, NULL },
	{ "counter stopped after hello", "counter-stopped", hda_stopped_after_hello, NULL, NULL },
	{ "counter stopped in the end", "counter-stopped", hda_stopped_in_the_end, NULL, NULL },
	{ "register stopped at kexec", "counter-stopped", igb_stopped_at_kexec, NULL, NULL },
	{ "counter overwritten", "counter-stopped", hda_overwritten, NULL, NULL },
	{ "counter never seen", "counter-stopped", hda_never_seen, NULL, NULL },
	{ "memory lags behind the device", "counter-gap", hda_lags, NULL, NULL },
	{ "time that was not counted", "counter-gap", ohci_lost_time, NULL, NULL },
	{ "OHCI died", "device-dead", ohci_died, NULL, NULL },
	{ "fault of a preserved device", "translation-fault", hda_faults, NULL, NULL },
	{ "fault of nobody", "translation-fault", unknown_faults, NULL, NULL },
	{ "fewer contained faults than due", "contained-fault", rogue_faults_once, SCENARIO_ROGUE, NULL },
	{ "more contained faults than due", "contained-fault", rogue_faults_often, SCENARIO_ROGUE, NULL },
	{ "fault record written", "fault-record", record_written, NULL, NULL },
	{ "fault record never read", "fault-record", record_never_read, NULL, NULL },
	{ "translation turned off", "translation-off", turned_off, NULL, NULL },
	{ "translation seen off", "translation-off", seen_off, NULL, NULL },
	{ "nothing translated anew", "no-new-translations", nothing_translated, NULL, NULL },
	{ "platform reset", "platform-reset", platform_was_reset, NULL, NULL },
	{ "platform reset that QEMU announced", "platform-reset", qemu_announced_reset, NULL, NULL },
	{ "panic", "panic", kernel_panicked, NULL, NULL },
	{ "device reset", "device-reset", hda_was_reset, NULL, NULL },
	{ "igb reset", "device-reset", igb_was_reset, NULL, NULL },
	{ "reset of one of two", "device-reset", one_of_two_was_reset, SCENARIO_ROGUE, NULL },
	{ "device slept", "device-power", igb_slept, NULL, NULL },
	{ "nobody looked at all", "tables", never_looked, NULL, NULL },
	{ "more states than are kept", "tables", too_many_states, NULL, NULL },
	{ "more root tables than are kept", "tables", too_many_root_sets, NULL, NULL },
	{ "nobody looked between the kernels", "not-contained", nobody_looked_between, NULL, NULL },
	{ "a stranger's entry between the kernels", "not-contained", others_entry_between, NULL, NULL },
	{ "another device's entry between the kernels", "not-contained", rogues_entry_between, SCENARIO_ROGUE, NULL },
	{ "no entry", "entry-missing", hda_has_no_entry, NULL, NULL },
	{ "pass-through", "entry-missing", hda_passes_through, NULL, NULL },
	{ "another table before the swap", "entry-changed", hda_has_another_table, NULL, NULL },
	{ "another domain ID before the swap", "entry-changed", hda_has_another_tag, NULL, NULL },
	{ "one domain ID, two tables", "domain-id-shared", one_id_two_tables, NULL, NULL },
	{ "more than is read", "tables", cut_short, NULL, NULL },
	{ "no entry of a PASID", "entry-missing", pasid_is_gone, NULL, give_pasids },
	{ "another table of a PASID", "entry-changed", pasid_has_another_table, NULL, give_pasids },
	{ "another domain ID of a PASID", "entry-changed", pasid_has_another_id, NULL, give_pasids },
	{ "another type of a PASID", "entry-changed", pasid_has_another_type, NULL, give_pasids },
	{ "other levels of a PASID", "entry-changed", pasid_has_other_levels, NULL, give_pasids },
	{ "a PASID that nobody preserved", "entry-changed", pasid_appeared, NULL, give_pasids },
	{ "one domain ID, tables of two PASIDs", "domain-id-shared", pasid_shares_id, NULL, give_pasids },
	{ "a stranger's PASID between the kernels", "not-contained", pasid_of_stranger, NULL, give_pasids },
	{ "half swapped for ever", "domain-id-shared", half_swapped_for_ever, NULL, give_first_stage_pasids },
	{ "half swapped, second stage", "domain-id-shared", half_swapped_second_stage, NULL, give_first_stage_pasids },
	{ "swapped to two tables", "domain-id-shared", swapped_to_two_tables, NULL, give_first_stage_pasids },
	{ "half swapped with another ID", "domain-id-shared", half_swapped_with_another_id, NULL, give_first_stage_pasids },
	{ "swapped to the ID of another", "domain-id-shared", swapped_to_id_of_another, NULL, give_first_stage_pasids },
	{ "a guest table that leads elsewhere", "translation-changed", guest_pasid_leads_elsewhere_at_once, NULL, give_guest_pasids },
	{ "swapped to what leads elsewhere", "translation-changed", guest_pasid_leads_elsewhere_after_swap, NULL, give_guest_pasids },
	{ "guest tables of two devices, one domain ID", "domain-id-shared", guest_shares_id_with_other_device, NULL, give_guest_pasids },
	{ "a guest and a host table, one domain ID", "domain-id-shared", guest_shares_id_with_host_table, NULL, give_guest_pasids },
	{ "quarantined without a fault", "contained-fault", quarantined_never_faulted, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined with an entry", "not-contained", quarantined_has_entry, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined with an entry of a PASID", "not-contained", quarantined_has_pasid, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined and translated", "not-contained", quarantined_is_translated, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined and goes on", "not-contained", quarantined_goes_on, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined and never moved", "counter-stopped", quarantined_never_moved, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined and never taken over", "not-contained", never_adopted, SCENARIO_QUARANTINE, block_ohci },
	{ "never refused", "not-contained", never_refused, SCENARIO_REFUSED, refuse_ohci },
	{ "refused, with an entry", "not-contained", refused_has_entry, SCENARIO_REFUSED, refuse_ohci },
	{ "quarantined, and another faults", "translation-fault", hda_faults, SCENARIO_QUARANTINE, block_ohci },
	{ "quarantined, and another stops", "counter-stopped", hda_stopped_in_the_end, SCENARIO_QUARANTINE, block_ohci },
	{ "no entry of an alias", "entry-missing", alias_is_gone, SCENARIO_ALIAS, give_alias },
	{ "no entry of an alias between the kernels", "entry-missing", alias_is_gone_between, SCENARIO_ALIAS, give_alias },
	{ "no entry but that of an alias", "entry-missing", own_is_gone, SCENARIO_ALIAS, give_alias },
	{ "an alias passes through", "entry-missing", alias_passes_through, SCENARIO_ALIAS, give_alias },
	{ "no entry of a PASID of an alias", "entry-missing", alias_pasid_is_gone, SCENARIO_ALIAS, give_alias_pasid },
	{ "a PASID of an alias that nobody preserved", "entry-changed", alias_pasid_appeared, SCENARIO_ALIAS, give_alias },
	{ "an alias leads elsewhere", "translation-changed", alias_leads_elsewhere, SCENARIO_ALIAS, give_alias_guest },
	{ "an alias differs", "alias-differs", alias_differs_later, SCENARIO_ALIAS, give_alias },
	{ "an alias differs in the old kernel", "alias-differs", alias_differs_before_handover, SCENARIO_ALIAS, give_alias },
	{ "an alias has another domain ID", "alias-differs", alias_has_another_id, SCENARIO_ALIAS, give_alias },
	{ "a PASID of an alias differs", "alias-differs", alias_pasid_differs, SCENARIO_ALIAS, give_alias_pasid },
	{ "fault of an alias", "translation-fault", alias_faults_twice, SCENARIO_ALIAS, give_alias },
	{ "quarantined, with an entry of its alias", "not-contained", quarantined_alias_has_entry, SCENARIO_ALIAS_QUARANTINE, block_alias },
	{ "quarantined, and its alias is translated", "not-contained", quarantined_alias_is_translated, SCENARIO_ALIAS_QUARANTINE,
	  block_alias },
	{ "packet lost", "packets-lost", one_lost, NULL, NULL },
	{ "packet twice", "packets-duplicated", one_twice, NULL, NULL },
	{ "packet corrupt", "packets-corrupt", one_corrupt, NULL, NULL },
	{ "packet never sent", "packets-corrupt", one_never_sent, NULL, NULL },
	{ "few packets", "packets-few", few_sent, NULL, NULL },
	{ "no packet after kexec", "packets-few", none_after_kexec, NULL, NULL },
	{ "packets refused", "packets-delayed", refused, NULL, NULL },
	{ "packets not sent", "packets-send", not_sent, NULL, NULL },
	/* No rule has anything to say. */
	{ "all is well", NULL, nothing, NULL, NULL },
	{ "the guest was content", NULL, guest_was_content, NULL, NULL },
	{ "a kernel talks", NULL, talks, NULL, NULL },
	{ "igb rests when packets have ended", NULL, igb_rests_in_the_end, NULL, NULL },
	{ "contained faults as due", NULL, rogue_faults_twice, SCENARIO_ROGUE, NULL },
	{ "a counter that is the guest's to judge", NULL, hda_stopped_in_the_end, SCENARIO_ICOUNT, NULL },
	{ "one domain ID, one table", NULL, one_id_one_table, NULL, NULL },
	{ "PASIDs", NULL, nothing, NULL, give_pasids },
	{ "PASIDs of first stage", NULL, nothing, NULL, give_first_stage_pasids },
	{ "PASIDs of guest tables", NULL, nothing, NULL, give_guest_pasids },
	{ "PASIDs of guest tables, half swapped", NULL, guest_half_swapped, NULL, give_guest_pasids },
	{ "mapped and unmapped after finish", NULL, guest_pasid_leads_elsewhere_later, NULL, give_guest_pasids },
	{ "a PASID that is detached", NULL, pasid_is_gone_later, NULL, give_pasids },
	{ "half swapped while swapping", NULL, half_swapped_in_time, NULL, give_first_stage_pasids },
	{ "quarantined until finish", NULL, quarantined_has_entry_after_finish, SCENARIO_QUARANTINE, block_ohci },
	{ "with an entry until it is refused", NULL, refused_had_entry, SCENARIO_REFUSED, refuse_ohci },
	{ "an alias", NULL, nothing, SCENARIO_ALIAS, give_alias },
	{ "an alias with a PASID", NULL, nothing, SCENARIO_ALIAS, give_alias_pasid },
	{ "an alias on guest tables", NULL, nothing, SCENARIO_ALIAS, give_alias_guest },
	{ "an alias differs while it is swapped", NULL, alias_differs_while_swapping, SCENARIO_ALIAS, give_alias },
	{ "translated by an alias", NULL, translated_by_alias, SCENARIO_ALIAS, give_alias },
	{ "contained faults of an alias as due", NULL, alias_faults_twice, SCENARIO_ALIAS_OTHER, NULL },
	{ "a bridge slept", NULL, bridge_slept, SCENARIO_ALIAS, give_alias },
	{ "quarantined, its alias blocked", NULL, nothing, SCENARIO_ALIAS_QUARANTINE, block_alias },
	{ "quarantined and blocked", NULL, nothing, SCENARIO_QUARANTINE, block_ohci },
};

/* What other IOMMUs do not tell. */
static const struct rule vtd_rules[] = {
	{ "a fault not reported", "faults-disabled", fault_not_reported, NULL, NULL },
	{ "fault record of a preserved device", "fault-record", record_of_hda, SCENARIO_ROGUE, NULL },
	{ "fault record of an alias", NULL, record_of_alias, SCENARIO_ALIAS_OTHER, NULL },
	{ "fault record of another device", NULL, record_of_rogue, SCENARIO_ROGUE, NULL },
};

/* The scenario for another IOMMU: nothing else of it changes. */
static void write_for(char *text, size_t bytes, const char *scenario, const char *iommu)
{
	const char *at = strstr(scenario, IOMMU);

	assert_non_null(at);
	snprintf(text, bytes, "%.*s%s%s", (int)(at - scenario), scenario, iommu, at + strlen(IOMMU));
}

static void judge_rule(const struct rule *rule, const char *iommu)
{
	struct synthetic *s;
	char scenario[1024];

	write_for(scenario, sizeof(scenario), rule->scenario ? rule->scenario : SCENARIO, iommu);
	s = synthetic_new(scenario);
	if (rule->prepare)
		rule->prepare(s);
	rule->spoil(s);
	conclude(s);
	if (rule->rule) {
		assert_true(only_reason(s, rule->rule));
		assert_false(s->verdict.pass);
	} else {
		assert_int_equal(s->verdict.nr_reasons, 0);
		assert_true(s->verdict.pass);
	}
	assert_int_equal(s->verdict.as_expected, s->verdict.pass);
	synthetic_free(s);
}

static void test_rule(void **state)
{
	judge_rule(*state, IOMMU);
}

static void test_rule_amd(void **state)
{
	judge_rule(*state, "\"iommu\": \"amd\", \"mode\": \"v1\"");
}

/* Of a twin, "fail" is not enough: it must be for the reason that it is there for. */
static void test_twin_fails_for_its_own_reason(void **state)
{
	const char *scenario = SCENARIO_WITH("\"expect\": \"fail\", \"expect_reasons\": [\"device-reset: hda\"]");
	struct synthetic *s = synthetic_new(scenario);

	(void)state;
	hda_was_reset(s);
	conclude(s);
	assert_true(s->verdict.as_expected);
	synthetic_free(s);
}

static void test_twin_fails_for_another_reason(void **state)
{
	const char *scenario = SCENARIO_WITH("\"expect\": \"fail\", \"expect_reasons\": [\"device-reset: hda\"]");
	struct synthetic *s = synthetic_new(scenario);

	(void)state;
	igb_was_reset(s);
	conclude(s);
	assert_false(s->verdict.pass);
	assert_false(s->verdict.as_expected);
	assert_int_equal(s->verdict.nr_missing, 1);
	synthetic_free(s);
}

static void test_many_splats(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO);

	(void)state;
	for (unsigned int i = 0; i < CONSOLE_MAX_SPLATS + 2; i++)
		kasan(s);
	conclude(s);
	assert_true(only_reason(s, "kernel-splat"));
	assert_true(has_reason(s, "kernel-splat: and 2 more"));
	synthetic_free(s);
}

/* All eight that an igb can have are reset at power-on, the last one first; then each once more, of which the second is the scenario's. */
static void test_reset_of_virtual_function(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO_WITH("\"others\": [\"vf1\"], \"expect\": \"pass\""));
	const struct trace_device *vf1 = &s->run->trace.devices[ROGUE];
	char line[64];

	(void)state;
	for (unsigned int vf = 8; vf-- > 0;) {
		snprintf(line, sizeof(line), "resettable_phase_hold_exec obj=0x%x(igbvf) method=1", 0x1000 + vf);
		say_trace(s, 0.2, line);
	}
	assert_string_equal(vf1->device->name, "vf1");
	for (unsigned int vf = 0; vf < 8; vf++) {
		snprintf(line, sizeof(line), "resettable_phase_hold_exec obj=0x%x(igbvf) method=1", 0x1000 + vf);
		say_trace(s, 6.6 + 0.1 * vf, line);
		assert_int_equal(vf1->resets, vf >= 1);
	}
	assert_int_equal(s->run->trace.devices[IGB].resets, 0);
	synthetic_free(s);
}

/* Which of the two source ids it is about, and what the device has to do with it. */
static void test_alias_is_named(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO_ALIAS);

	(void)state;
	give_alias(s);
	alias_has_another_table(s, 6.2);
	alias_faults_twice(s);
	conclude(s);
	assert_int_equal(s->verdict.nr_reasons, 3);
	assert_true(has_reason(s, "entry-changed: bohci alias: table 0x3000"));
	assert_true(has_reason(s, "alias-differs: bohci alias: second-stage table 0x40000 "));
	assert_true(has_reason(s, "translation-fault: 2 of"));
	assert_int_equal(s->run->trace.devices[OHCI].faults, 2);
	synthetic_free(s);
}

/* That nothing moves is no news of a device that was sent nothing; of the others it is. */
static void test_no_packets(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO);

	(void)state;
	stop_counter(s, IGB, 0);
	s->run->packets.rate = 0;
	conclude(s);
	assert_true(s->verdict.pass);
	synthetic_free(s);

	s = synthetic_new(SCENARIO);
	stop_counter(s, HDA, AT_WORKLOAD);
	s->run->packets.rate = 0;
	conclude(s);
	assert_true(has_reason(s, "counter-stopped: hda"));
	synthetic_free(s);
}

/* A device that has nothing to do need not move. */
static void test_idle_device(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO);
	struct qemu_device idle = *s->run->trace.devices[HDA].device;

	(void)state;
	idle.idle = true;
	s->run->trace.devices[HDA].device = &idle;
	stop_counter(s, HDA, AT_WORKLOAD);
	conclude(s);
	assert_true(s->verdict.pass);
	synthetic_free(s);
}

/* No hop, no hello: rules that follow from one another, so only the first matters. */
static void test_machine_that_never_spoke(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO);

	(void)state;
	s->run->timeline.nr_hellos = 0;
	conclude(s);
	assert_true(has_reason(s, "no-verdict: no kernel"));
	synthetic_free(s);
}

static void test_second_kernel_that_never_came(void **state)
{
	struct synthetic *s = synthetic_new(SCENARIO);

	(void)state;
	s->run->timeline.nr_hellos = 1;
	s->run->timeline.hops[0].hello_ns = NEVER;
	conclude(s);
	assert_true(has_reason(s, "hops: 1 of 2"));
	synthetic_free(s);
}

int main(void)
{
	struct CMUnitTest tests[2 * ARRAY_SIZE(rules) + ARRAY_SIZE(vtd_rules) + 9] = {
		cmocka_unit_test(test_twin_fails_for_its_own_reason), cmocka_unit_test(test_twin_fails_for_another_reason),
		cmocka_unit_test(test_machine_that_never_spoke), cmocka_unit_test(test_second_kernel_that_never_came),
		cmocka_unit_test(test_many_splats), cmocka_unit_test(test_reset_of_virtual_function),
		cmocka_unit_test(test_no_packets), cmocka_unit_test(test_idle_device),
		cmocka_unit_test(test_alias_is_named),
	};

	size_t nr = 9;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		tests[nr++] = (struct CMUnitTest){ rules[i].test, test_rule, NULL, NULL, (void *)&rules[i] };
		tests[nr++] = (struct CMUnitTest){ rules[i].test, test_rule_amd, NULL, NULL, (void *)&rules[i] };
	}
	for (size_t i = 0; i < ARRAY_SIZE(vtd_rules); i++)
		tests[nr++] = (struct CMUnitTest){ vtd_rules[i].test, test_rule, NULL, NULL, (void *)&vtd_rules[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
