// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "judge.h"

void judge_against(struct verdict *v, const char *fmt, ...)
{
	va_list args;

	if (v->nr_reasons == JUDGE_MAX_REASONS)
		return;
	va_start(args, fmt);
	vsnprintf(v->reasons[v->nr_reasons++], REASON_BYTES, fmt, args);
	va_end(args);
}

double judge_time_s(const struct run *run, int64_t ns)
{
	return (double)(ns - run->timeline.start_ns) / NSEC_PER_SEC;
}

static void judge_end(const struct run *run, struct verdict *v)
{
	switch (run->end) {
	case RUN_DONE:
		break;
	case RUN_TIMEOUT:
		judge_against(v, "timeout: not done after %lld s", (long long)run->scenario.timeout_s);
		break;
	case RUN_RESET:
		break;			/* judge_platform() says it */
	case RUN_INTERRUPTED:
		judge_against(v, "interrupted: the witness was stopped");
		break;
	default:
		judge_against(v, "qemu-exit: the machine went away at %.3f s", judge_time_s(run, run->end_ns));
	}
	if (!run->timeline.nr_hellos)
		judge_against(v, "no-verdict: no kernel's init ever spoke");
	else if (!run->telemetry.done)
		judge_against(v, "no-verdict: the guest never said that it was done");
	else if (run->scenario.devices.nr && !run->telemetry.valid)
		judge_against(v, "no-verdict: there never was a telemetry page");
	if (run->telemetry.nr_bad_lines)
		judge_against(v, "telemetry: %u lines that make no sense", run->telemetry.nr_bad_lines);
}

static void judge_kernels(const struct run *run, struct verdict *v)
{
	const struct timeline *t = &run->timeline;
	unsigned int wanted = scenario_nr_hops(&run->scenario);

	if (t->hello_unexpected)
		judge_against(v, "generation: a kernel came up out of turn");
	if (t->nr_hellos && t->nr_hellos != wanted + 1)
		judge_against(v, "hops: %u of %u kernels came up", t->nr_hellos, wanted + 1);
	if (run->telemetry.done && t->done_generation != wanted)
		judge_against(v, "hops: done in generation %u instead of %u", t->done_generation, wanted);
	if (t->nr_hellos && !strstr(t->first_kernel, run->scenario.kernels.of[0]))
		judge_against(v, "kernel-identity: \"%s\" runs where \"%s\" should", t->first_kernel, run->scenario.kernels.of[0]);
	for (unsigned int i = 0; i < t->nr_hops; i++) {
		const char *name = i + 1 < run->scenario.kernels.nr ? run->scenario.kernels.of[i + 1] : "none";

		if (t->hops[i].hello_ns != NEVER && !strstr(t->hops[i].kernel_after, name))
			judge_against(v, "kernel-identity: \"%s\" runs where \"%s\" should", t->hops[i].kernel_after, name);
	}
}

static void judge_guest(const struct run *run, struct verdict *v)
{
	for (unsigned int i = 0; i < run->telemetry.nr_checks; i++) {
		const struct guest_check *check = &run->telemetry.checks[i];

		if (!check->ok)
			judge_against(v, "guest-check: %s%s%s (kernel %u)", check->name, *check->detail ? ": " : "", check->detail,
				check->generation);
	}
	if (run->telemetry.nr_checks == TELEMETRY_MAX_CHECKS)
		judge_against(v, "guest-check: more checks than the witness keeps");
}

/* A kernel that reports a bug of its own has not made it through the update, whatever the devices did. */
static void judge_console(const struct run *run, struct verdict *v)
{
	const struct console *console = &run->console;

	for (unsigned int i = 0; i < console->nr_splats && i < CONSOLE_MAX_SPLATS; i++)
		judge_against(v, "kernel-splat: at %.3f s: %s", judge_time_s(run, console->splats[i].ns), console->splats[i].line);
	if (console->nr_splats > CONSOLE_MAX_SPLATS)
		judge_against(v, "kernel-splat: and %u more", console->nr_splats - CONSOLE_MAX_SPLATS);
}

/* One whose faults are what should be. */
static bool is_contained(const struct trace_device *device)
{
	return !device->preserved || device->quarantined;
}

/* Of several faults the record keeps the last one's source; ORed, two sources seldom make one of the two. */
static bool record_names_other(const struct run *run)
{
	int sid = run->scenario.iommu->fault_source(run->sampler.fault_record);

	/* It does not say whose: the traces do. */
	if (sid < 0)
		return true;
	for (unsigned int i = 0; i < run->trace.nr_devices; i++)
		if (is_contained(&run->trace.devices[i]) && qemu_device_has_sid(run->trace.devices[i].device, sid))
			return true;
	return false;
}

static void judge_fault_record(const struct run *run, struct verdict *v)
{
	const struct sampler *sampler = &run->sampler;
	const uint32_t *record = sampler->fault_record;

	if (!sampler->iommu_read)
		judge_against(v, "fault-record: could not be read");
	else if (!(sampler->fault_status | record[0] | record[1] | record[2] | record[3]))
		return;
	else if (run->scenario.thresholds.fault_record_zero || !record_names_other(run))
		judge_against(v, "fault-record: status %x, record %08x %08x %08x %08x", sampler->fault_status, record[3], record[2],
			record[1], record[0]);
}

/* Which kernel was in charge: the new one from its first line on, which it prints long before it touches the unit. */
static const char *kernel_at(const struct run *run, int64_t ns)
{
	const struct timeline *t = &run->timeline;

	for (unsigned int i = t->nr_hops; i-- > 0;)
		if (t->hops[i].boot_ns != NEVER && ns >= t->hops[i].boot_ns)
			return "new";
	return "old";
}

static void judge_faults(const struct run *run, struct verdict *v)
{
	const struct trace *trace = &run->trace;
	const struct sampler *sampler = &run->sampler;
	const struct thresholds *t = &run->scenario.thresholds;

	if (trace->translation_faults)
		judge_against(v, "translation-fault: %u of preserved devices, the first at %.3f s: %s", trace->translation_faults,
			judge_time_s(run, trace->first_fault_ns), trace->first_fault);
	if (trace->faults_disabled > t->faults_disabled_max)
		judge_against(v, "faults-disabled: %u faults that the IOMMU was told not to report", trace->faults_disabled);
	if (trace->contained_faults < t->contained_faults_min)
		judge_against(v, "contained-fault: %u of devices that are not preserved or are quarantined, at least %" PRId64 " were due",
			trace->contained_faults, t->contained_faults_min);
	if (trace->contained_faults > t->contained_faults_max)
		judge_against(v, "contained-fault: %u of devices that are not preserved or are quarantined, at most %" PRId64 " were due",
			trace->contained_faults, t->contained_faults_max);
	if (trace->translation_off)
		judge_against(v, "translation-off: by the %s kernel at %.3f s, %u times in all", kernel_at(run, trace->translation_off_ns),
			      judge_time_s(run, trace->translation_off_ns), trace->translation_off);
	else if (sampler->translation_seen_off)
		judge_against(v, "translation-off: seen off %u times under the workload", sampler->translation_seen_off);
}

static void judge_resets(const struct run *run, struct verdict *v)
{
	const struct trace *trace = &run->trace;

	if (trace->platform_resets != 1 || run->nr_resets)
		judge_against(v, "platform-reset: %u, and %u that QEMU announced; one, at power-on, is right", trace->platform_resets,
			run->nr_resets);
	if (run->panicked)
		judge_against(v, "panic: the guest's kernel said that it panicked");
	for (unsigned int i = 0; i < trace->nr_devices; i++) {
		const struct trace_device *device = &trace->devices[i];

		if (is_contained(device))
			continue;
		if (device->resets)
			judge_against(v, "device-reset: %s: %u", device->device->name, device->resets);
		if (device->power_changes)
			judge_against(v, "device-power: %s: %u changes of its power state", device->device->name,
				device->power_changes);
	}
	if (trace->unknown_resets)
		judge_against(v, "device-reset: %u of one of several devices of a kind", trace->unknown_resets);
}

static void judge_translations(const struct run *run, struct verdict *v)
{
	const struct timeline *t = &run->timeline;

	for (unsigned int i = 0; i < t->nr_hops; i++)
		if ((int64_t)t->hops[i].translated.nr < run->scenario.thresholds.translations_min)
			judge_against(v, "no-new-translations: %zu distinct pages after kexec %u, %" PRId64 " are the least",
				t->hops[i].translated.nr, i, run->scenario.thresholds.translations_min);
}

static void judge_packets(const struct run *run, struct verdict *v)
{
	const struct packet_verdict *p = &run->packet_verdict;

	if (!qemu_receivers(&run->scenario.devices, NULL) || !run->packets.rate)
		return;
	if (p->duplicated)
		judge_against(v, "packets-duplicated: %" PRIu64, p->duplicated);
	if (p->corrupt)
		judge_against(v, "packets-corrupt: %" PRIu64, p->corrupt);
	if (strings_contain(&run->scenario.quarantined, "igb"))
		return;
	if (p->lost)
		judge_against(v, "packets-lost: %" PRIu64 " of %" PRIu64 ", the first is number %u", p->lost, p->sent, p->first_lost);
	if ((int64_t)p->received < run->scenario.thresholds.packets_min)
		judge_against(v, "packets-few: %" PRIu64 " arrived, %" PRId64 " are the least", p->received,
			run->scenario.thresholds.packets_min);
	if (run->timeline.nr_hops && !p->sent_after_kexec)
		judge_against(v, "packets-few: none was sent after kexec");
	if (ns_to_ms(run->packets.longest_refused_awake_ns) > run->scenario.thresholds.packet_delay_ms)
		judge_against(v, "packets-delayed: the device took none for %.0f ms, %.0f are the most",
			ns_to_ms(run->packets.longest_refused_awake_ns), run->scenario.thresholds.packet_delay_ms);
	if (run->packets.errors)
		judge_against(v, "packets-send: %u errors", run->packets.errors);
}

static double gap_bound_ms(const struct run *run, const struct counter *counter)
{
	const struct thresholds *t = &run->scenario.thresholds;

	return counter->where.kind == RIG_DEVICE_OHCI ? t->ohci_gap_ms : t->hda_gap_ms;
}

/* Stopped: at any of the three times one can tell, no step forward. */
static void judge_stopped(const struct run *run, struct verdict *v, unsigned int index)
{
	const struct counter *counter = &run->sampler.counters[index];
	const struct progress *p = &v->progress[index];
	const char *name = counter->device->device->name, *unit = counter_unit(counter);

	if (counter->overwritten_ns != NEVER)
		judge_against(v, "counter-stopped: %s: since %.3f s the memory holds no counter of its any more", name,
			judge_time_s(run, counter->overwritten_ns));
	else if (!p->before)
		judge_against(v, "counter-stopped: %s: never moved before kexec", name);
	else if (run->timeline.nr_hops && !p->blackout)
		judge_against(v, "counter-stopped: %s: %" PRId64 " %s before kexec, none from there to the new kernel's init", name,
			p->before, unit);
	else if (run->timeline.nr_hops && !p->after)
		judge_against(v, "counter-stopped: %s: none after the new kernel's init", name);
	else if (!p->at_end && !p->by_register)	/* igb has nothing to do once the packets end */
		judge_against(v, "counter-stopped: %s: none in the last second, %.0f ms still", name, p->longest_still_ms);
	else
		return;
	v->dead[index] = true;
}

static void judge_gap(const struct run *run, struct verdict *v, unsigned int index)
{
	const struct counter *counter = &run->sampler.counters[index];
	const struct progress *p = &v->progress[index];
	const char *name = counter->device->device->name;
	double bound = gap_bound_ms(run, counter);

	if (p->by_register)
		return;
	if (p->longest_lag_ms > bound)
		judge_against(v, "counter-gap: %s: memory lagged %.3f ms of device time behind the device at %.3f s, %.3f are the most",
			name, p->longest_lag_ms, judge_time_s(run, p->longest_lag_ns), bound);
	if (p->lost_time_ms > bound)
		judge_against(v, "counter-gap: %s: %.3f ms passed that the device never counted, %.3f are the most", name,
			p->lost_time_ms, bound);
}

/* Its DMA is blocked, which stops a counter in memory; a register may go on. */
static void judge_blocked(const struct run *run, struct verdict *v, unsigned int index)
{
	const struct counter *counter = &run->sampler.counters[index];
	const struct progress *p = &v->progress[index];
	const char *name = counter->device->device->name, *unit = counter_unit(counter);

	if (!p->before)
		judge_against(v, "counter-stopped: %s: never moved before kexec", name);
	if (p->by_register)
		return;
	if (run->timeline.nr_hops && p->at_end)
		judge_against(v, "not-contained: %s is quarantined, and counted %" PRId64 " %s in the last second", name, p->at_end, unit);
	v->dead[index] = !p->at_end;
}

static void judge_device(const struct run *run, struct verdict *v, unsigned int index)
{
	const struct counter *counter = &run->sampler.counters[index];
	const struct trace_device *device = counter->device;

	v->progress[index] = sampler_progress(counter, &run->timeline, run->end_ns);
	if (device->die_ns != NEVER)
		v->dead[index] = true;
	if (!device->preserved) {
		v->dead[index] = v->dead[index] || (v->progress[index].counted && !v->progress[index].at_end);
		return;
	}
	if (device->quarantined) {
		judge_blocked(run, v, index);
		return;
	}
	if (device->die_ns != NEVER)
		judge_against(v, "device-dead: %s: gave up at %.3f s", device->device->name, judge_time_s(run, device->die_ns));
	if (run->scenario.icount)
		return;			/* its time is not the host's: the guest says how it is */
	if (device->device->idle || (device->device->receives && !run->packets.rate))
		return;			/* it has nothing to do */
	if (v->progress[index].counted) {
		judge_stopped(run, v, index);
		judge_gap(run, v, index);
	} else if (!device->device->receives && run->telemetry.done) {
		judge_against(v, "counter-stopped: %s: was never seen", device->device->name);
	}
}

static bool is_given(const struct verdict *v, const char *prefix)
{
	for (unsigned int i = 0; i < v->nr_reasons; i++)
		if (!strncmp(v->reasons[i], prefix, strlen(prefix)))
			return true;
	return false;
}

/* A twin that fails for another reason than its own has shown nothing. */
static void compare_with_expected(const struct scenario *s, struct verdict *v)
{
	v->pass = !v->nr_reasons;
	for (unsigned int i = 0; i < s->expect_reasons.nr; i++)
		if (!is_given(v, s->expect_reasons.of[i]))
			v->missing[v->nr_missing++] = s->expect_reasons.of[i];
	v->as_expected = v->pass == s->expect_pass && !v->nr_missing;
}

void judge(const struct run *run, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	for (unsigned int i = 0; i < ARRAY_SIZE(v->takeovers); i++)
		v->takeovers[i] = (struct takeover){ NEVER, NEVER };
	judge_end(run, v);
	judge_kernels(run, v);
	judge_guest(run, v);
	judge_console(run, v);
	for (unsigned int i = 0; i < run->sampler.nr_counters; i++)
		judge_device(run, v, i);
	judge_tables(run, v);
	judge_faults(run, v);
	judge_fault_record(run, v);
	judge_resets(run, v);
	judge_translations(run, v);
	judge_packets(run, v);
	compare_with_expected(&run->scenario, v);
}
