/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario file: which machine, which kernels, what the guest does, what the witness must see. docs/writing-a-scenario.md. */
#ifndef WITNESS_SCENARIO_H
#define WITNESS_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

#define SCENARIO_MAX_KERNELS	8
#define SCENARIO_MAX_DEVICES	8
#define SCENARIO_MAX_STRINGS	16

struct strings {
	unsigned int nr;
	const char *of[SCENARIO_MAX_STRINGS];
};

/* What a run may at most, or must at least, show; strict unless the scenario says otherwise. */
struct thresholds {
	double ohci_gap_ms;		/* device time */
	double hda_gap_ms;		/* device time */
	int64_t packets_min;
	double packet_delay_ms;		/* host time without a packet taken though some were due and QEMU awake */
	int64_t translations_min;	/* distinct pages after each kexec */
	int64_t contained_faults_min;	/* of devices that are not preserved */
	int64_t contained_faults_max;
	int64_t faults_disabled_max;
	bool fault_record_zero;		/* whether the fault record must be untouched */
};

struct scenario {
	struct json_object *json;	/* owns the strings below */
	const char *name;
	const char *description;
	const char *iommu;		/* "vtd" */
	const char *mode;		/* "scalable", "first-stage" or "legacy" */
	const char *iommu_options;	/* of QEMU's device, "" or "name=value,..." */
	const char *plan;		/* what the guest program is to do */
	bool expect_pass;
	struct strings kernels;		/* [0] is booted, each next one is reached by kexec */
	struct strings devices;		/* preserved */
	struct strings quarantined;	/* of the devices: those whose state the new kernel must refuse, and which it must block */
	bool quarantined_late;		/* not when it takes over, but when it is asked for their tables */
	struct strings others;		/* in the machine, not preserved */
	struct strings arguments;	/* more kernel command line */
	struct strings expect_reasons;	/* prefixes, each of which a reason must start with */
	struct thresholds thresholds;
	int64_t packet_rate;		/* a second; 0: none are sent */
	int64_t timeout_s;
	int64_t ram_mib;
	bool icount;			/* the guest's clocks count its instructions */
};

/* Return: 0, -EINVAL (said on stderr why), -errno. */
int scenario_load(struct scenario *scenario, const char *path);
void scenario_free(struct scenario *scenario);

/* Updates that are to be made. */
static inline unsigned int scenario_nr_hops(const struct scenario *scenario)
{
	return scenario->kernels.nr - 1;
}

bool strings_contain(const struct strings *strings, const char *string);

/* Prints name and description of each scenario file in @directory, sorted. Return: 0, -errno. */
int scenario_list(const char *directory);

#endif
