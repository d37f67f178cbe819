/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened when: marks of the guest, lines of the console, in the host's time. One hop is one update, from one kernel
 * to the next.
 */
#ifndef WITNESS_TIMELINE_H
#define WITNESS_TIMELINE_H

#include <stdint.h>

#include "pageset.h"
#include "scenario.h"

#define TIMELINE_MAX_POINTS	512
#define NAME_BYTES		48
#define KERNEL_BYTES		80

struct point {
	int64_t host_ns;
	int64_t guest_ns;		/* NEVER if the guest did not say */
	unsigned int generation;
	char name[NAME_BYTES];
};

struct hop {
	char kernel_before[KERNEL_BYTES], kernel_after[KERNEL_BYTES];
	/* All in host time, NEVER if not seen. */
	int64_t preserve_begin_ns, preserve_end_ns;
	int64_t kexec_ns;		/* just before the guest's reboot system call */
	int64_t jump_ns;		/* the old kernel's last console line */
	int64_t boot_ns;		/* the new kernel's first console line */
	int64_t hello_ns;		/* the new kernel's init runs */
	int64_t retrieve_begin_ns, retrieve_end_ns;
	int64_t refused_ns;		/* the new kernel said that it refuses a device's tables */
	int64_t swap_begin_ns, swap_end_ns;
	int64_t serve_ns;		/* the new VMM serves its devices: mark "serve", else "swap-end" */
	int64_t finish_begin_ns, finish_end_ns;
	/* What the IOMMU looked up of preserved devices: after kexec in all, of these before the swap, of these after it. */
	struct pageset translated, translated_old, translated_new;
};

struct timeline {
	int64_t start_ns;
	int64_t workload_ns;		/* mark "workload-end": devices run */
	int64_t done_ns;
	unsigned int generation;	/* as of the last hello */
	unsigned int done_generation;
	unsigned int nr_hellos;
	unsigned int nr_hops;		/* begun: a kexec mark was seen */
	struct hop hops[SCENARIO_MAX_KERNELS];
	unsigned int nr_points;
	struct point points[TIMELINE_MAX_POINTS];
	char first_kernel[KERNEL_BYTES];
	char kernel[KERNEL_BYTES];	/* as of the last hello */
	bool hello_unexpected;		/* a kernel said hello twice, or out of turn */
};

void timeline_init(struct timeline *timeline, int64_t start_ns);
void timeline_free(struct timeline *timeline);

/* A point for the record and the picture. */
void timeline_point(struct timeline *timeline, const char *name, int64_t host_ns, int64_t guest_ns);
void timeline_hello(struct timeline *timeline, const char *kernel, unsigned int generation, int64_t host_ns,
		    int64_t guest_ns);
void timeline_mark(struct timeline *timeline, const char *name, int64_t host_ns, int64_t guest_ns);
void timeline_console(struct timeline *timeline, const char *line, int64_t host_ns);

/* The update under way or last made; NULL before the first. */
struct hop *timeline_hop(struct timeline *timeline);

#endif
