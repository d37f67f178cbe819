/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live update: how fast the local APIC's timer counts.
 *
 * A KHO subtree of its own: the timer is set up before any initcall. Written once by arch/x86/kernel/apic/liveupdate.c.
 */
#ifndef _LINUX_KHO_ABI_APIC_TIMER_H
#define _LINUX_KHO_ABI_APIC_TIMER_H

#include <linux/types.h>
#include <linux/kho/abi/blob.h>

#define APIC_TIMER_SER_SUBTREE	"apic-timer"
#define APIC_TIMER_SER_MAGIC	0x554c43495041ULL	/* "APICLU" */
#define APIC_TIMER_SER_VERSION	1

#define APIC_TIMER_SER_MIN_HZ	1000000ULL
#define APIC_TIMER_SER_MAX_HZ	100000000000ULL

/**
 * struct apic_timer_ser - the whole blob
 * @head: See struct kho_blob_head.
 * @hz:   Counts a second of a timer that divides by 1, APIC_TIMER_SER_MIN_HZ to APIC_TIMER_SER_MAX_HZ. Only a first guess: a reader
 *        measures whether it is right.
 */
struct apic_timer_ser {
	struct kho_blob_head head;
	__u64 hz;
};

_Static_assert(sizeof(struct apic_timer_ser) == 32, "wire format");

#endif
