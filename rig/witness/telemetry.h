/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest program's side: its JSON lines on the second serial port, and its telemetry page in guest RAM. rig_telemetry.h. */
#ifndef WITNESS_TELEMETRY_H
#define WITNESS_TELEMETRY_H

#include <stdbool.h>
#include <stdio.h>

#include "figures.h"
#include "ram.h"
#include "rig_telemetry.h"
#include "scenario.h"
#include "timeline.h"
#include "util.h"

#define TELEMETRY_MAX_CHECKS	256

struct guest_check {
	bool ok;
	unsigned int generation;
	char name[64];
	char detail[160];
};

struct telemetry {
	struct timeline *timeline;
	const struct ram *ram;
	struct figures *figures;
	FILE *log;
	bool done;
	uint64_t pa;			/* of the page; 0: not said yet */
	bool valid;			/* @table holds what the page once said */
	struct rig_telemetry table;	/* device table as first seen; memory changes under a stock kernel */
	unsigned int nr_bad_lines;
	uint64_t interrupts;		/* of all devices, in the present kernel */
	unsigned int nr_devices_said;
	unsigned int nr_checks, nr_checks_failed;
	struct guest_check checks[TELEMETRY_MAX_CHECKS];
	struct linebuf in;
};

/* Return: 0, -errno. */
int telemetry_init(struct telemetry *telemetry, struct timeline *timeline, const struct ram *ram, struct figures *figures,
		   const char *log_path);
void telemetry_close(struct telemetry *telemetry);

/* Call when @fd is readable. Return: 0, -EPIPE (QEMU is gone), -errno. */
int telemetry_receive(struct telemetry *telemetry, int fd);

/* The page as it is now; NULL if there is none or it does not look like one (any more). */
const volatile struct rig_telemetry *telemetry_page(const struct telemetry *telemetry);

/* The entry of the device at @bdf; NULL if the guest has not said. */
const struct rig_device *telemetry_device(const struct telemetry *telemetry, uint32_t bdf);

#endif
