/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine under test: its devices, its command line, its process. */
#ifndef WITNESS_QEMU_H
#define WITNESS_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "scenario.h"

struct qemu_device {
	const char *name;		/* as scenarios call it */
	const char *type;		/* as QEMU's traces call it */
	uint16_t bdf;			/* bus << 8 | devfn; also its source id, in IOMMU traces and tables */
	uint16_t alias;			/* another source id of it, what its requests have, behind a bridge to conventional PCI; 0: none */
	unsigned int nr_args;
	const char *args[6];
	bool idle;			/* it does no DMA */
	bool receives;			/* the witness's packets */
	uint32_t pool;			/* of several that do, its own address */
};

/* NULL if there is no such device. */
const struct qemu_device *qemu_device_find(const char *name);

/* By its own source id, or its alias. */
static inline bool qemu_device_has_sid(const struct qemu_device *device, unsigned int sid)
{
	return sid == device->bdf || (device->alias && sid == device->alias);
}

/* Those of @names that receive packets. Return: how many; @receivers may be NULL. */
unsigned int qemu_receivers(const struct strings *names, const struct qemu_device *receivers[SCENARIO_MAX_DEVICES]);

/* The witness's ends, non-blocking; -1 when closed. */
struct qemu {
	pid_t pid;
	int qmp_fd;
	int telemetry_fd;
	int console_fd;
	int trace_fd;
	int net_fd;
};

struct qemu_start {
	const struct scenario *scenario;
	const char *command;		/* split at blanks */
	const char *kernel_even;	/* of generations 0, 2, ...: booted first */
	const char *kernel_odd;		/* of generations 1, 3, ...; "": no update is made */
	const char *initramfs;
	const char *log_path;		/* QEMU's own messages, and its command line */
	const char *extra_trace;	/* one more pattern of trace events, or NULL */
	int ram_fd;
};

/* Return: 0, -EINVAL (a device nobody knows), -errno. */
int qemu_launch(struct qemu *qemu, const struct qemu_start *start);

/* Ends the process, by force if need be, and closes all ends. */
void qemu_stop(struct qemu *qemu);

#endif
