/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time that goes on through a kexec: the processor's time stamp counter. In a scenario with "icount" it counts instructions, and
 * time in which the processor had nothing to do. So what this program does is measured by the processor time that it had.
 */
#ifndef RIG_GUEST_CLOCK_H
#define RIG_GUEST_CLOCK_H

#include <stdint.h>

/* From begin to end. While it lasts, both are as of its begin. */
struct span {
	uint64_t ticks;
	uint64_t own_ns;	/* processor time of this program, and of the kernel for it */
};

/* What the kernel's log tells of its boot. */
struct boot_times {
	uint64_t clock_ticks;	/* of the counter when this kernel's clock began */
	uint64_t memory_ns;	/* reserving what was preserved, freeing all else: from "mem auto-init" to "SLUB"; 0: no clock yet */
};

void clock_begin(void);
uint64_t clock_ticks(void);
double clock_ticks_per_ns(void);
int clock_boot_read(struct boot_times *times);

void span_begin(struct span *span);
void span_end(struct span *span);

int clock_stamp_leave(void);
int clock_stamp_find(uint64_t *ticks);

#endif
