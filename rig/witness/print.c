// SPDX-License-Identifier: GPL-2.0-or-later
/* What a run prints at its end. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "report.h"

/* "1,234,567" */
static const char *grouped(int64_t value, char text[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, value), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && digits[i - 1] != '-' && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

static const char *fate_of(const struct trace_device *device, bool dead)
{
	if (device->quarantined)
		return dead ? "quarantined, blocked" : "quarantined";
	if (!device->preserved)
		return "not preserved";
	return dead ? "STOPPED" : "runs";
}

static void print_device(const struct run *run, const struct verdict *v, unsigned int index)
{
	const struct counter *counter = &run->sampler.counters[index];
	const struct trace_device *device = counter->device;
	const struct progress *p = &v->progress[index];
	char before[32], blackout[32], after[32], gap[32] = "-";

	if (p->counted && !p->by_register)
		snprintf(gap, sizeof(gap), "%.3f ms", fmax(fmax(p->longest_lag_ms, p->lost_time_ms), 0));
	printf("  %-6s %12s %12s %12s %-11s %12s %7u %7u  %s\n", device->device->name, grouped(p->before, before),
	       grouped(p->blackout, blackout), grouped(p->after, after), counter_unit(counter), gap, device->faults,
	       device->resets, fate_of(device, v->dead[index]));
}

static void print_devices(const struct run *run, const struct verdict *v)
{
	if (!run->sampler.nr_counters)
		return;
	printf("\n  %-6s %12s %12s %12s %-11s %12s %7s %7s\n", "device", "before kexec", "in between", "after init", "", "longest gap",
	       "faults", "resets");
	for (unsigned int i = 0; i < run->sampler.nr_counters; i++)
		print_device(run, v, i);
}

static void print_packets(const struct run *run)
{
	const struct packet_verdict *p = &run->packet_verdict;
	char sent[32], received[32], lost[32];

	if (!p->sent)
		return;
	printf("  packets: %s sent, %s received, %s lost, %" PRIu64 " duplicated, %" PRIu64 " corrupt\n", grouped(p->sent, sent),
	       grouped(p->received, received), grouped(p->lost, lost), p->duplicated, p->corrupt);
}

static void print_iommu(const struct run *run)
{
	const struct trace *trace = &run->trace;

	printf("  IOMMU: %u faults of preserved devices, %u of others, %u not reported; platform resets: %u\n",
	       trace->translation_faults, trace->contained_faults, trace->faults_disabled, trace->platform_resets);
}

static void print_step(const struct run *run, const char *name, int64_t from_ns, int64_t to_ns, bool dark, const char *note)
{
	if (from_ns == NEVER || to_ns == NEVER)
		return;
	printf("  %8.3f s  %-9s %9.1f ms%s%s%s\n", judge_time_s(run, from_ns), name, ns_to_ms(to_ns - from_ns), dark ? " |" : "",
	       *note ? " " : "", note);
}

static void print_update(const struct run *run, const struct hop *hop)
{
	bool served_first = hop->serve_ns != hop->swap_end_ns;
	char dark[80] = "";

	if (hop->serve_ns != NEVER)
		snprintf(dark, sizeof(dark), "blackout %.1f ms: nobody serves the devices", ns_to_ms(hop->serve_ns - hop->kexec_ns));
	printf("\n  %s -> %s\n", hop->kernel_before, *hop->kernel_after ? hop->kernel_after : "?");
	print_step(run, "preserve", hop->preserve_begin_ns, hop->preserve_end_ns, false, "");
	print_step(run, "freeze", hop->kexec_ns, hop->jump_ns, true, dark);
	print_step(run, "kexec", hop->jump_ns, hop->boot_ns, true, "");
	print_step(run, "boot", hop->boot_ns, hop->hello_ns, true, "");
	print_step(run, "retrieve", hop->retrieve_begin_ns, hop->retrieve_end_ns, true, "");
	print_step(run, "serve", hop->retrieve_end_ns, served_first ? hop->serve_ns : NEVER, true, "");
	print_step(run, "swap", hop->swap_begin_ns, hop->swap_end_ns, !served_first, "");
	print_step(run, "finish", hop->finish_begin_ns, hop->finish_end_ns, false, "");
	printf("  pages translated anew after kexec: %zu, of these %zu by the old tables, %zu by the new ones\n", hop->translated.nr,
	       hop->translated_old.nr, hop->translated_new.nr);
}

static void print_verdict(const struct run *run, const struct verdict *v)
{
	putchar('\n');
	for (unsigned int i = 0; i < v->nr_reasons; i++)
		printf("  * %s\n", v->reasons[i]);
	for (unsigned int i = 0; i < v->nr_missing; i++)
		printf("  ! expected a reason \"%s...\", and there is none\n", v->missing[i]);
	printf("%s: verdict %s, expected %s: %s\n", run->scenario.name, v->pass ? "pass" : "fail",
	       run->scenario.expect_pass ? "pass" : "fail", v->as_expected ? "OK" : "NOT OK");
}

void report_print(const struct run *run, const struct verdict *v)
{
	print_devices(run, v);
	print_packets(run);
	print_iommu(run);
	for (unsigned int i = 0; i < run->timeline.nr_hops; i++)
		print_update(run, &run->timeline.hops[i]);
	print_verdict(run, v);
}
