/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU says of the IOMMU and the devices, through a pipe, as it happens. */
#ifndef WITNESS_TRACE_H
#define WITNESS_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qemu.h"
#include "timeline.h"
#include "util.h"

#define TRACE_TEXT_BYTES	160
#define TRACE_MAX_ROOT_SETS	64

struct trace_device {
	const struct qemu_device *device;
	bool preserved;
	bool quarantined;		/* its state is to be refused: from then on it is one to be contained */
	uint64_t object;		/* QEMU's address of it, as the reset traces say it; 0: not known yet */
	unsigned int faults;
	unsigned int resets;		/* since the workload began */
	unsigned int power_changes;	/* since the workload began */
	int64_t die_ns;			/* OHCI gave up, or NEVER */
	int64_t translated_ns;		/* when it was last translated anew, or NEVER */
};

struct trace {
	struct timeline *timeline;
	FILE *log;			/* all but the translations */
	int64_t clock_offset_ns;
	unsigned int nr_devices;
	struct trace_device devices[SCENARIO_MAX_DEVICES];
	int64_t now_ns;			/* of the line being read */

	unsigned int translation_faults;	/* of preserved devices and of unknown sources */
	unsigned int contained_faults;		/* of devices that are not preserved, or quarantined */
	unsigned int faults_disabled;		/* such a trace names no device */
	unsigned int platform_resets;
	unsigned int translation_off;		/* since the workload began */
	int64_t translation_off_ns;		/* the first of these times, or NEVER */
	unsigned int nr_root_sets;
	int64_t root_set_ns[TRACE_MAX_ROOT_SETS];	/* the unit was given a root table: boot, handover, taking over */
	unsigned int unknown_resets;		/* since the workload began */
	uint64_t translations;
	bool translating;
	char first_fault[TRACE_TEXT_BYTES];	/* of a preserved device */
	int64_t first_fault_ns;

	/* To tell which of several OHCIs a line that names none is about. */
	int last_fault_device;
	int64_t last_fault_ns;
	int last_reset_device;
	int64_t last_reset_ns;

	/* Of virtual functions, the last one first. */
	unsigned int nr_vf_objects;
	uint64_t vf_objects[8];

	struct linebuf in;
};

/* The first or last time from @from_ns to before @to_ns that a root table was set; NEVER. */
int64_t trace_first_root_set(const struct trace *trace, int64_t from_ns, int64_t to_ns);
int64_t trace_last_root_set(const struct trace *trace, int64_t from_ns, int64_t to_ns);

/* Return: 0, -errno. */
int trace_init(struct trace *trace, const struct scenario *scenario, struct timeline *timeline, const char *log_path);
void trace_close(struct trace *trace);

/* Call when @fd is readable. Return: 0, -EPIPE (QEMU is gone), -errno. */
int trace_receive(struct trace *trace, int fd);

#endif
