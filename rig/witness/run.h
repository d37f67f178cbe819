/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of one scenario: all parts of the witness, and the loop that serves them. */
#ifndef WITNESS_RUN_H
#define WITNESS_RUN_H

#include "console.h"
#include "figures.h"
#include "looks.h"
#include "packets.h"
#include "qemu.h"
#include "qmp.h"
#include "ram.h"
#include "sampler.h"
#include "scenario.h"
#include "telemetry.h"
#include "timeline.h"
#include "trace.h"

struct options {
	const char *qemu;		/* command */
	const char *kernels;		/* directory with NAME/bzImage */
	const char *initramfs;
	const char *out;		/* directory; the scenario's own is made in it */
	const char *extra_trace;
};

enum run_end {
	RUN_GOES_ON,
	RUN_DONE,			/* the guest said so */
	RUN_TIMEOUT,
	RUN_RESET,			/* the platform was reset: what comes after is another machine's life */
	RUN_QEMU_EXIT,
	RUN_INTERRUPTED,
	RUN_BROKEN,			/* the witness itself failed */
};

struct curve_point {
	int64_t ns;
	uint32_t sent;
	uint64_t received;
};

struct run {
	const struct options *options;
	struct scenario scenario;
	char directory[PATH_BYTES];
	enum run_end end;
	int64_t end_ns;
	unsigned int nr_resets;		/* RESET events of QMP, which the first one at power-on is not */
	bool panicked;
	struct ram ram;
	struct qemu qemu;
	struct qmp qmp;
	struct timeline timeline;
	struct figures figures;
	struct trace trace;
	struct telemetry telemetry;
	struct console console;
	struct sampler sampler;
	struct looks looks;
	struct packets packets;
	struct packet_verdict packet_verdict;
	size_t nr_curve, room_curve;
	struct curve_point *curve;	/* packets over time, for the picture */
};

/*
 * Runs the scenario to its end, which a failing machine does not change: that is for judge.c to say.
 * Return: 0, -errno if there was no machine to watch.
 */
int run_scenario(struct run *run, const struct options *options, const char *path);
void run_free(struct run *run);

#endif
