// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "trace.h"

/* Lines of one cause follow one another at once: they come from one call chain in QEMU. */
#define SAME_CAUSE_NS	(2 * NSEC_PER_MSEC)

static int add_devices(struct trace *trace, const struct strings *names, bool preserved)
{
	for (unsigned int i = 0; i < names->nr; i++) {
		struct trace_device *device = &trace->devices[trace->nr_devices];

		if (trace->nr_devices == ARRAY_SIZE(trace->devices))
			return -E2BIG;
		device->device = qemu_device_find(names->of[i]);
		device->preserved = preserved;
		device->die_ns = device->translated_ns = NEVER;
		if (!device->device)
			return -EINVAL;
		trace->nr_devices++;
	}
	return 0;
}

int trace_init(struct trace *trace, const struct scenario *scenario, struct timeline *timeline, const char *log_path)
{
	int err;

	memset(trace, 0, sizeof(*trace));
	trace->timeline = timeline;
	trace->clock_offset_ns = realtime_to_monotonic_ns();
	trace->last_fault_ns = trace->last_reset_ns = trace->first_fault_ns = trace->translation_off_ns = NEVER;
	err = add_devices(trace, &scenario->devices, true);
	if (!err)
		err = add_devices(trace, &scenario->others, false);
	if (err)
		return err;
	for (unsigned int i = 0; i < trace->nr_devices; i++)
		trace->devices[i].quarantined = strings_contain(&scenario->quarantined, trace->devices[i].device->name);
	trace->log = fopen(log_path, "w");
	return trace->log ? 0 : -errno;
}

void trace_close(struct trace *trace)
{
	if (trace->log)
		fclose(trace->log);
	trace->log = NULL;
}

static int find_by_bdf(const struct trace *trace, unsigned int bdf)
{
	for (unsigned int i = 0; i < trace->nr_devices; i++)
		if (trace->devices[i].device->bdf == bdf)
			return i;
	return -1;
}

/* Whose requests. Of several devices with one alias, the first: nothing tells more. */
static int find_by_sid(const struct trace *trace, unsigned int sid)
{
	for (unsigned int i = 0; i < trace->nr_devices; i++)
		if (qemu_device_has_sid(trace->devices[i].device, sid))
			return i;
	return -1;
}

static bool workload_runs(const struct trace *trace)
{
	return trace->timeline->workload_ns != NEVER && trace->now_ns >= trace->timeline->workload_ns;
}

static bool within_same_cause(const struct trace *trace, int64_t then_ns)
{
	return then_ns != NEVER && trace->now_ns - then_ns < SAME_CAUSE_NS;
}

static void count_fault(struct trace *trace, unsigned int sid, const char *args)
{
	int index = find_by_sid(trace, sid);

	trace->last_fault_device = index;
	trace->last_fault_ns = trace->now_ns;
	if (index >= 0)
		trace->devices[index].faults++;
	if (index >= 0 && (!trace->devices[index].preserved || trace->devices[index].quarantined)) {
		trace->contained_faults++;
		return;
	}
	/* A fault of a source nobody put there is no contained one. */
	if (!trace->translation_faults++) {
		snprintf(trace->first_fault, sizeof(trace->first_fault), "%s", args);
		trace->first_fault_ns = trace->now_ns;
	}
}

static void on_fault(struct trace *trace, const char *args)
{
	unsigned int sid;

	if (sscanf(args, "sid %x", &sid) != 1)
		sid = 0xffff;
	count_fault(trace, sid, args);
}

static void on_fault_disabled(struct trace *trace, const char *args)
{
	(void)args;
	trace->faults_disabled++;
}

static void set_translating(struct trace *trace, bool on)
{
	trace->translating = on;
	if (on || !workload_runs(trace))
		return;
	if (!trace->translation_off++)
		trace->translation_off_ns = trace->now_ns;
}

static void on_translation_enable(struct trace *trace, const char *args)
{
	int on;

	if (sscanf(args, "enable %d", &on) == 1)
		set_translating(trace, on);
}

/* The control register, at each write to it; its first bit turns the unit on. */
static void on_amdvi_control(struct trace *trace, const char *args)
{
	uint64_t control;

	if (sscanf(args, "MMIO_STATUS state %" SCNx64, &control) == 1)
		set_translating(trace, control & 1);
}

/* More than there is room for are more than any run has a use for: the judge sees that the table is full. */
static void on_root_set(struct trace *trace, const char *args)
{
	(void)args;
	if (trace->nr_root_sets < ARRAY_SIZE(trace->root_set_ns))
		trace->root_set_ns[trace->nr_root_sets++] = trace->now_ns;
}

/* The device table's base register is the first. */
static void on_amdvi_write(struct trace *trace, const char *args)
{
	uint64_t address;

	if (sscanf(args, "%*s write addr %" SCNx64, &address) == 1 && !address)
		on_root_set(trace, args);
}

int64_t trace_first_root_set(const struct trace *trace, int64_t from_ns, int64_t to_ns)
{
	for (unsigned int i = 0; i < trace->nr_root_sets; i++)
		if (trace->root_set_ns[i] >= from_ns && trace->root_set_ns[i] < to_ns)
			return trace->root_set_ns[i];
	return NEVER;
}

int64_t trace_last_root_set(const struct trace *trace, int64_t from_ns, int64_t to_ns)
{
	for (unsigned int i = trace->nr_root_sets; i-- > 0;)
		if (trace->root_set_ns[i] >= from_ns && trace->root_set_ns[i] < to_ns)
			return trace->root_set_ns[i];
	return NEVER;
}

static void on_platform_reset(struct trace *trace, const char *args)
{
	(void)args;
	trace->platform_resets++;
}

static void count_translation(struct trace *trace, struct hop *hop, uint16_t sid, uint64_t iova)
{
	int err = pageset_add(&hop->translated, sid, iova);

	if (!err && (hop->swap_begin_ns == NEVER || trace->now_ns < hop->swap_begin_ns))
		err = pageset_add(&hop->translated_old, sid, iova);
	else if (!err && hop->swap_end_ns != NEVER && trace->now_ns > hop->swap_end_ns)
		err = pageset_add(&hop->translated_new, sid, iova);
	if (err)
		complain("counting translations: %s", strerror(-err));
}

static void on_cached(struct trace *trace, unsigned int sid, uint64_t iova)
{
	struct hop *hop = timeline_hop(trace->timeline);
	int index = find_by_sid(trace, sid);

	if (index < 0)
		return;
	trace->devices[index].translated_ns = trace->now_ns;
	/* Between the mark and the new kernel's init the old tables are all there is: they count as "after kexec" too. */
	if (hop && trace->now_ns >= hop->kexec_ns && trace->devices[index].preserved && !trace->devices[index].quarantined)
		count_translation(trace, hop, sid, iova);
}

static void on_translation(struct trace *trace, const char *args)
{
	unsigned int sid;
	uint64_t iova;

	trace->translations++;
	if (sscanf(args, "IOTLB page update sid %x iova %" SCNx64, &sid, &iova) == 2)
		on_cached(trace, sid, iova);
}

static void on_amdvi_cached(struct trace *trace, const char *args)
{
	unsigned int bus, slot, function;
	uint64_t iova;

	trace->translations++;
	if (sscanf(args, " update iotlb domid %*x devid: %x:%x.%x gpa %" SCNx64, &bus, &slot, &function, &iova) == 4)
		on_cached(trace, bus << 8 | slot << 3 | function, iova);
}

/*
 * Every request, also those that are answered from a cache. One that is blocked is translated to 0, whatever blocks it; amdvi_page_fault
 * comes with some of them and says of none whose it is.
 */
static void on_amdvi_result(struct trace *trace, const char *args)
{
	unsigned int bus, slot, function;
	uint64_t iova, pa;

	if (sscanf(args, "devid: %x:%x.%x gpa %" SCNx64 " hpa %" SCNx64, &bus, &slot, &function, &iova, &pa) == 5 && !pa)
		count_fault(trace, bus << 8 | slot << 3 | function, args);
}

static int find_sole_ohci(const struct trace *trace)
{
	int found = -1;

	for (unsigned int i = 0; i < trace->nr_devices; i++) {
		if (strcmp(trace->devices[i].device->type, "pci-ohci"))
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

/* The trace does not say which OHCI. Of two, the one whose fault came just before; else the counters must tell. */
static void on_ohci_die(struct trace *trace, const char *args)
{
	int index = find_sole_ohci(trace);

	(void)args;
	if (index < 0 && within_same_cause(trace, trace->last_fault_ns))
		index = trace->last_fault_device;
	if (index >= 0 && trace->devices[index].die_ns == NEVER)
		trace->devices[index].die_ns = trace->now_ns;
}

static void count_reset(struct trace *trace, int index)
{
	if (!workload_runs(trace))
		return;
	if (index >= 0)
		trace->devices[index].resets++;
	else
		trace->unknown_resets++;
}

/* All virtual functions that there can be have an object from the start, and the same walk meets the last one first. */
static int learn_vf_object(struct trace *trace, uint64_t object)
{
	unsigned int nth;

	for (nth = 0; nth < trace->nr_vf_objects && trace->vf_objects[nth] != object; nth++)
		;
	if (nth == ARRAY_SIZE(trace->vf_objects))
		return -1;
	if (nth == trace->nr_vf_objects)
		trace->vf_objects[trace->nr_vf_objects++] = object;
	for (unsigned int i = 0; i < trace->nr_devices; i++)
		if (!strcmp(trace->devices[i].device->type, "igbvf") && trace->devices[i].device->pool == trace->nr_vf_objects - 1 - nth)
			return i;
	return -1;
}

/*
 * A platform reset walks the bus from the device added last to the one added first; so the first walk, before the guest
 * runs, tells which object is which of several devices of one type.
 */
static int learn_object(struct trace *trace, uint64_t object, const char *type)
{
	if (!strcmp(type, "igbvf"))
		return learn_vf_object(trace, object);
	for (int i = trace->nr_devices - 1; i >= 0; i--) {
		if (strcmp(trace->devices[i].device->type, type))
			continue;
		if (!trace->devices[i].object)
			trace->devices[i].object = object;
		if (trace->devices[i].object == object)
			return i;
	}
	return -1;
}

static void on_object_reset(struct trace *trace, const char *args)
{
	uint64_t object;
	char type[32];
	int index;

	if (sscanf(args, "obj=%" SCNx64 "(%31[^)])", &object, type) != 2)
		return;
	if (!strcmp(type, "amd-iommu"))
		on_platform_reset(trace, args);
	index = learn_object(trace, object, type);
	if (index < 0)
		return;			/* part of the machine, not a device of the scenario */
	trace->last_reset_device = index;
	trace->last_reset_ns = trace->now_ns;
	count_reset(trace, index);
}

/* Also printed in the course of a reset seen above; on its own it is one that a driver asked for in a register. */
static void on_ohci_reset(struct trace *trace, const char *args)
{
	(void)args;
	if (!within_same_cause(trace, trace->last_reset_ns))
		count_reset(trace, find_sole_ohci(trace));
}

static void on_igb_reset(struct trace *trace, const char *args)
{
	int index = -1;

	(void)args;
	for (unsigned int i = 0; i < trace->nr_devices; i++)
		if (!strcmp(trace->devices[i].device->type, "igb"))
			index = i;
	count_reset(trace, index);
}

static void on_power(struct trace *trace, const char *args)
{
	unsigned int bus, slot, function;
	int index;

	if (sscanf(args, "%*s %x:%x.%x", &bus, &slot, &function) != 3)
		return;
	/* An alias may be the address of a bridge. */
	index = find_by_bdf(trace, bus << 8 | slot << 3 | function);
	if (index >= 0 && workload_runs(trace))
		trace->devices[index].power_changes++;
}

#define NR_TRANSLATION_EVENTS	3

/* Most frequent first, those of translations before all others; those without a function are only logged. */
static const struct {
	const char *name;
	void (*on)(struct trace *trace, const char *args);
} handlers[] = {
	{ "amdvi_translation_result", on_amdvi_result },
	{ "amdvi_cache_update", on_amdvi_cached },
	{ "vtd_iotlb_page_update", on_translation },
	{ "resettable_phase_hold_exec", on_object_reset },
	{ "vtd_dmar_fault", on_fault },
	{ "vtd_fault_disabled", on_fault_disabled },
	{ "amdvi_control_status", on_amdvi_control },
	{ "amdvi_mmio_write", on_amdvi_write },
	{ "vtd_dmar_enable", on_translation_enable },
	{ "vtd_reg_dmar_root", on_root_set },
	{ "vtd_reset_exit", on_platform_reset },
	{ "usb_ohci_die", on_ohci_die },
	{ "usb_ohci_reset", on_ohci_reset },
	{ "e1000e_core_ctrl_sw_reset", on_igb_reset },
	{ "pci_pm_transition", on_power },
};

/*
 * "2026-11-20T21:42:48.372440Z "; the part to the seconds is parsed once a second only.
 * Return: what follows, NULL if it is no such line.
 */
static const char *parse_stamp(struct trace *trace, const char *line)
{
	static char last[20];
	static int64_t last_ns;
	unsigned int usec;
	struct tm tm = { 0 };
	int used = 0;

	if (strncmp(line, last, 19)) {
		if (!strptime(line, "%Y-%m-%dT%H:%M:%S", &tm))
			return NULL;
		last_ns = timegm(&tm) * NSEC_PER_SEC;
		memcpy(last, line, 19);
	}
	if (sscanf(line + 19, ".%6uZ %n", &usec, &used) != 1 || !used)
		return NULL;
	trace->now_ns = last_ns + usec * 1000LL + trace->clock_offset_ns;
	return line + 19 + used;
}

static void trace_line(void *ctx, char *line)
{
	struct trace *trace = ctx;
	const char *text = parse_stamp(trace, line);
	size_t len, i;

	if (!text) {
		fprintf(trace->log, "%s\n", line);
		return;
	}
	len = strcspn(text, " ");
	for (i = 0; i < ARRAY_SIZE(handlers); i++)
		if (!strncmp(handlers[i].name, text, len) && !handlers[i].name[len])
			break;
	if (i < ARRAY_SIZE(handlers))
		handlers[i].on(trace, text[len] ? text + len + 1 : "");
	if (i >= NR_TRANSLATION_EVENTS)	/* a line for each translation would be most of the log */
		fprintf(trace->log, "%10.3f %s\n", ns_to_ms(trace->now_ns - trace->timeline->start_ns), text);
}

int trace_receive(struct trace *trace, int fd)
{
	return linebuf_read(&trace->in, fd, trace_line, trace);
}
