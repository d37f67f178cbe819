// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "synthetic.h"

#define START_NS	(1000 * NSEC_PER_SEC)
#define MEMORY_BYTES	(1 << 20)
#define PAGE_PA		0x1000		/* the telemetry page */
#define BITMAP_PA	0x10000
#define NR_PACKETS	12000
#define STEP_S		0.02

int64_t at(double seconds)
{
	return START_NS + (int64_t)(seconds * NSEC_PER_SEC);
}

/* What the timeline prints is for those who watch a run. */
static int mute(void)
{
	int kept = dup(1), nothing = open("/dev/null", O_WRONLY);

	fflush(stdout);
	if (kept < 0 || nothing < 0 || dup2(nothing, 1) < 0)
		abort();
	close(nothing);
	return kept;
}

static void unmute(int kept)
{
	fflush(stdout);
	if (dup2(kept, 1) < 0)
		abort();
	close(kept);
}

static void say(int fd, const char *text, size_t len)
{
	if (write(fd, text, len) != (ssize_t)len)
		abort();
}

void say_trace(struct synthetic *s, double seconds, const char *text)
{
	int64_t ns = at(seconds);
	time_t whole = ns / NSEC_PER_SEC;
	char line[256];
	struct tm tm;
	size_t len = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", gmtime_r(&whole, &tm));

	len += snprintf(line + len, sizeof(line) - len, ".%06uZ %s\n", (unsigned int)(ns % NSEC_PER_SEC / 1000), text);
	say(s->trace_fd, line, len);
	if (trace_receive(&s->run->trace, s->run->qemu.trace_fd))
		abort();
}

void say_console(struct synthetic *s, const char *text)
{
	char line[256];
	int kept = mute();

	say(s->console_fd, line, snprintf(line, sizeof(line), "%s\n", text));
	if (console_receive(&s->run->console, s->run->qemu.console_fd))
		abort();
	unmute(kept);
}

struct iommu_entry entry_of(uint16_t sid, uint16_t domain_id, uint64_t table)
{
	return entry_of_pasid(sid, IOMMU_NO_PASID, domain_id, table);
}

struct iommu_entry entry_of_pasid(uint16_t sid, uint32_t pasid, uint16_t domain_id, uint64_t table)
{
	return (struct iommu_entry){
		.sid = sid, .pasid = pasid, .domain_id = domain_id, .table = table, .type = IOMMU_SECOND_STAGE, .levels = 4,
	};
}

void add_look(struct synthetic *s, double seconds, const struct iommu_entry *entries, unsigned int nr)
{
	struct iommu_tables tables = { .translating = true, .scalable = true, .root = 0x2000, .nr = nr };

	memcpy(tables.entries, entries, nr * sizeof(*entries));
	looks_add(&s->run->looks, &tables, at(seconds), at(seconds) + NSEC_PER_MSEC);
}

void forget_looks(struct synthetic *s)
{
	s->run->looks.nr = s->run->looks.nr_states = 0;
}

/* Before the handover all is there, then what is preserved, then what the new kernel built. */
static void look_often(struct synthetic *s)
{
	const struct iommu_entry old[] = {
		entry_of(SID_OHCI, 3, 0x3000), entry_of(SID_HDA, 4, 0x4000), entry_of(SID_IGB, 5, 0x5000),
		entry_of(SID_BRIDGE, 6, 0x6000),
	};
	const struct iommu_entry new[] = {
		entry_of(SID_OHCI, 7, 0x7000), entry_of(SID_HDA, 8, 0x8000), entry_of(SID_IGB, 9, 0x9000),
		entry_of(SID_BRIDGE, 6, 0xa000),
	};

	for (double when = AT_WORKLOAD; when < AT_HANDOVER - STEP_S; when += STEP_S)
		add_look(s, when, old, 4);
	for (double when = AT_HANDOVER + STEP_S; when < AT_SWAP; when += STEP_S)
		add_look(s, when, old, 3);
	for (double when = AT_SWAPPED; when < AT_END; when += STEP_S)
		add_look(s, when, new, 4);
}

static void go_through_time(struct synthetic *s)
{
	struct timeline *t = &s->run->timeline;
	static const struct {
		double when;
		const char *mark;
	} marks[] = {
		{ AT_WORKLOAD, "workload-end" }, { 4.8, "preserve-begin" }, { 4.9, "preserve-end" }, { AT_KEXEC, "kexec" },
	}, marks_after[] = {
		{ 6.52, "retrieve-begin" }, { 6.58, "retrieve-end" }, { AT_SWAP, "swap-begin" }, { AT_SWAPPED, "swap-end" },
		{ 6.8, "finish-begin" }, { 6.9, "finish-end" },
	};

	timeline_init(t, at(0));
	timeline_hello(t, "7.3.4-A", 0, at(0.5), NEVER);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		timeline_mark(t, marks[i].mark, at(marks[i].when), NEVER);
	timeline_console(t, "kexec_core: Starting new kernel", at(AT_HANDOVER - 0.01));
	timeline_console(t, "Linux version 7.3.4-B", at(AT_BOOT));
	timeline_hello(t, "7.3.4-B", 1, at(AT_HELLO), NEVER);
	for (size_t i = 0; i < ARRAY_SIZE(marks_after); i++)
		timeline_mark(t, marks_after[i].mark, at(marks_after[i].when), NEVER);
	t->done_ns = at(9.9);
	t->done_generation = 1;
}

static bool is_amd(const struct synthetic *s)
{
	return s->run->scenario.iommu == &amdvi_model;
}

static void say_tracef(struct synthetic *s, double seconds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say_tracef(struct synthetic *s, double seconds, const char *fmt, ...)
{
	char text[160];
	va_list list;

	va_start(list, fmt);
	vsnprintf(text, sizeof(text), fmt, list);
	va_end(list);
	say_trace(s, seconds, text);
}

void say_platform_reset(struct synthetic *s, double seconds)
{
	say_trace(s, seconds, is_amd(s) ? "resettable_phase_hold_exec obj=0x77(amd-iommu) method=1" : "vtd_reset_exit ");
}

void say_root_set(struct synthetic *s, double seconds)
{
	say_trace(s, seconds, is_amd(s) ? "amdvi_mmio_write AMDVI_MMIO_DEVICE_TABLE write addr 0x0, size 8, val 0x2001, offset 0x0" :
					  "vtd_reg_dmar_root addr 0x2000 scalable 1");
}

void say_translation(struct synthetic *s, double seconds, bool on)
{
	if (is_amd(s))
		say_tracef(s, seconds, "amdvi_control_status MMIO_STATUS state 0x1148%u", 2U | on);
	else
		say_tracef(s, seconds, "vtd_dmar_enable enable %d", on);
}

void say_fault(struct synthetic *s, double seconds, uint16_t sid)
{
	if (is_amd(s))
		say_tracef(s, seconds, "amdvi_translation_result devid: %02x:%02x.%x gpa 0xa4000000 hpa 0x0", sid >> 8, sid >> 3 & 31, sid & 7);
	else
		say_tracef(s, seconds, "vtd_dmar_fault sid 0x%x fault 2 addr 0xa4000000 write 1", sid);
}

void say_translated(struct synthetic *s, double seconds, uint16_t sid, uint32_t iova)
{
	if (is_amd(s))
		say_tracef(s, seconds, "amdvi_cache_update  update iotlb domid 0x8 devid: %02x:%02x.%x gpa 0x%x hpa 0x1000", sid >> 8, sid >> 3 & 31,
		    sid & 7, iova);
	else
		say_tracef(s, seconds, "vtd_iotlb_page_update IOTLB page update sid 0x%x iova 0x%x slpte 0x1003 domain 0x8", sid, iova);
}

/* Of AMD-Vi, each request is told of, and each write to a register. */
static void say_good_traces(struct synthetic *s)
{
	say_platform_reset(s, 0.1);
	say_root_set(s, 0.3);
	say_translation(s, 0.4, true);
	say_root_set(s, AT_HANDOVER);
	say_root_set(s, AT_ADOPTED);
	for (unsigned int page = 0; page < 1100; page++) {
		say_translated(s, 7 + page * 0.001, SID_HDA, 0xa4000000 + page * 4096);
		if (is_amd(s))
			say_tracef(s, 7 + page * 0.001, "amdvi_translation_result devid: 00:04.0 gpa 0x%x hpa 0x1000", 0xa4000000 + page * 4096);
	}
	if (is_amd(s))
		say_trace(s, 8.5, "amdvi_mmio_write AMDVI_MMIO_COMMAND_TAIL write addr 0x2008, size 4, val 0x10, offset 0x0");
}

struct rig_telemetry *page_of(struct synthetic *s)
{
	return (struct rig_telemetry *)(s->memory + PAGE_PA);
}

void set_seen(struct synthetic *s, uint32_t sequence, bool seen)
{
	uint8_t *byte = s->memory + BITMAP_PA + sequence / 8;

	*byte = seen ? *byte | 1 << sequence % 8 : *byte & ~(1 << sequence % 8);
}

static void fill_memory(struct synthetic *s)
{
	struct rig_telemetry *page = page_of(s);
	static const struct rig_device devices[] = {
		{ .kind = RIG_DEVICE_OHCI, .bdf = SID_OHCI, .counter_bytes = 2, .counter_modulo = 65536 },
		{ .kind = RIG_DEVICE_HDA, .bdf = SID_HDA, .counter_bytes = 4, .counter_modulo = 1 << 23, .bytes_per_second = 768000 },
		{ .kind = RIG_DEVICE_IGB, .bdf = SID_IGB, .counter_modulo = 32768 },
		{ .kind = RIG_DEVICE_OHCI, .bdf = SID_ROGUE, .counter_bytes = 2, .counter_modulo = 65536 },
	};

	page->magic = RIG_TELEMETRY_MAGIC;
	page->nr_devices = s->run->trace.nr_devices;
	memcpy(page->devices, devices, page->nr_devices * sizeof(devices[0]));
	for (unsigned int i = 0; i < ARRAY_SIZE(page->packets.bitmap_pa); i++)
		page->packets.bitmap_pa[i] = BITMAP_PA + i * 4096;
	page->packets.received = NR_PACKETS;
	for (uint32_t sequence = 0; sequence < NR_PACKETS; sequence++)
		set_seen(s, sequence, true);
	s->run->telemetry.pa = PAGE_PA;
	s->run->telemetry.table = *page;
	s->run->telemetry.valid = s->run->telemetry.done = true;
}

static void count(struct counter *counter, const struct rig_device *where, double units_per_ms)
{
	size_t nr = (AT_END - AT_WORKLOAD) / STEP_S;

	counter->where = *where;
	counter->known = counter->started = true;
	counter->units_per_ms = where->counter_bytes ? units_per_ms : 0;
	counter->series.samples = calloc(nr, sizeof(struct sample));
	if (!counter->series.samples)
		abort();
	counter->series.nr = counter->series.room = nr;
	for (size_t i = 0; i < nr; i++) {
		int64_t value = i * STEP_S * 1000 * units_per_ms;

		counter->series.samples[i] = (struct sample){ at(AT_WORKLOAD + i * STEP_S), value, value, true };
	}
}

static void count_all(struct synthetic *s)
{
	struct sampler *sampler = &s->run->sampler;
	static const double units_per_ms[] = { 1, 768, 2, 1 };

	sampler_init(sampler, s->run->scenario.iommu, &s->run->qmp, &s->run->telemetry, &s->run->trace);
	for (unsigned int i = 0; i < sampler->nr_counters; i++)
		count(&sampler->counters[i], &page_of(s)->devices[i], units_per_ms[i]);
	sampler->iommu_read = true;
	sampler->status = sampler->iommu->status_on;
}

void stop_counter(struct synthetic *s, unsigned int index, double seconds)
{
	struct series *series = &s->run->sampler.counters[index].series;
	int64_t last = 0;

	for (size_t i = 0; i < series->nr; i++) {
		struct sample *sample = &series->samples[i];

		if (sample->ns < at(seconds))
			last = sample->memory;
		else
			sample->memory = sample->device = last;
	}
}

static int load_scenario(struct scenario *scenario, const char *json)
{
	char path[] = "/tmp/witness-test-XXXXXX";
	int fd = mkstemp(path), err;

	if (fd < 0)
		return -1;
	say(fd, json, strlen(json));
	close(fd);
	err = scenario_load(scenario, path);
	unlink(path);
	return err;
}

static int open_channels(struct synthetic *s)
{
	int trace[2], console[2];

	if (pipe2(trace, O_NONBLOCK) || pipe2(console, O_NONBLOCK))
		return -1;
	s->run->qemu.trace_fd = trace[0];
	s->trace_fd = trace[1];
	s->run->qemu.console_fd = console[0];
	s->console_fd = console[1];
	return 0;
}

struct synthetic *synthetic_new(const char *scenario_json)
{
	struct synthetic *s = calloc(1, sizeof(*s));
	struct run *run = calloc(1, sizeof(*run));
	int kept;

	if (!s || !run || load_scenario(&run->scenario, scenario_json))
		abort();
	s->run = run;
	s->memory = calloc(1, MEMORY_BYTES);
	run->ram = (struct ram){ .fd = -1, .bytes = MEMORY_BYTES, .base = s->memory };
	if (!s->memory || open_channels(s))
		abort();
	kept = mute();
	go_through_time(s);
	unmute(kept);
	if (trace_init(&run->trace, &run->scenario, &run->timeline, "/dev/null") ||
	    console_init(&run->console, &run->timeline, &run->figures, "/dev/null") ||
	    telemetry_init(&run->telemetry, &run->timeline, &run->ram, &run->figures, "/dev/null"))
		abort();
	run->trace.clock_offset_ns = 0;
	looks_init(&run->looks, run->scenario.iommu, &run->qmp, &run->ram);
	say_good_traces(s);
	fill_memory(s);
	count_all(s);
	look_often(s);
	run->packets = (struct packets){ .fd = -1, .rate = 2000, .sent = NR_PACKETS, .sent_at_kexec = 5000 };
	run->end = RUN_DONE;
	run->end_ns = at(AT_END);
	return s;
}

void synthetic_free(struct synthetic *s)
{
	close(s->trace_fd);
	close(s->console_fd);
	close(s->run->qemu.trace_fd);
	close(s->run->qemu.console_fd);
	s->run->ram.base = NULL;	/* not mapped, but allocated here */
	run_free(s->run);
	free(s->memory);
	free(s->run);
	free(s);
}

void conclude(struct synthetic *s)
{
	s->run->packet_verdict = packets_judge(&s->run->packets, &s->run->telemetry);
	judge(s->run, &s->verdict);
}

bool has_reason(const struct synthetic *s, const char *prefix)
{
	for (unsigned int i = 0; i < s->verdict.nr_reasons; i++)
		if (!strncmp(s->verdict.reasons[i], prefix, strlen(prefix)))
			return true;
	return false;
}

bool only_reason(const struct synthetic *s, const char *rule)
{
	size_t len = strlen(rule);
	bool only = s->verdict.nr_reasons;

	for (unsigned int i = 0; i < s->verdict.nr_reasons; i++)
		only = only && !strncmp(s->verdict.reasons[i], rule, len) && s->verdict.reasons[i][len] == ':';
	for (unsigned int i = 0; i < s->verdict.nr_reasons && !only; i++)
		fprintf(stderr, "wanted %s, got %s\n", rule, s->verdict.reasons[i]);
	return only;
}
