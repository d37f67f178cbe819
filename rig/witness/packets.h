/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets with sequence numbers for igb and its virtual functions, at a steady rate, over a pair of local datagram sockets: nothing
 * on the way can drop one. When the device takes none, QEMU stops reading, the sockets fill and the sender waits: that shows as
 * backlog, and what the device took and lost shows as lost.
 */
#ifndef WITNESS_PACKETS_H
#define WITNESS_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "qemu.h"
#include "telemetry.h"
#include "timeline.h"

struct packets {
	int fd;
	unsigned int nr_receivers;
	const struct qemu_device *receivers[SCENARIO_MAX_DEVICES];
	int64_t rate;			/* a second; 0: none */
	bool stopped;
	uint32_t sent;			/* the next sequence number, too */
	uint32_t sent_at_kexec;		/* at the first */
	int64_t longest_backlog;	/* packets that were due and not taken */
	int64_t refused_since_ns;	/* the queue has been full, without a packet taken */
	int64_t longest_refused_ns;
	/* The same, without the time in which QEMU answered nothing else either: then the host was busy, and not the device. */
	uint64_t answers;		/* as of the last tick */
	int64_t tick_ns;		/* the last one */
	int64_t refused_awake_ns, longest_refused_awake_ns;
	unsigned int errors;
};

struct packet_verdict {
	uint64_t sent, received, lost, duplicated, corrupt;
	uint32_t first_lost;
	bool counted;			/* false: there is no telemetry page to count in */
	uint64_t sent_after_kexec;
};

/* None are sent when none of @devices receives. */
void packets_init(struct packets *packets, int fd, const struct strings *devices, int64_t rate);

/* Sends what is due, and throws away what the guest sends. @answers: how often QEMU answered on its control channel so far. */
void packets_tick(struct packets *packets, const struct timeline *timeline, uint64_t answers);
void packets_stop(struct packets *packets);

/* What the guest has seen so far; the bitmap decides, not the guest's sums. */
struct packet_verdict packets_judge(const struct packets *packets, const struct telemetry *telemetry);

#endif
