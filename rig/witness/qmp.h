/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's control channel. Nothing here waits: commands are queued, answers call back in the order of the commands. A
 * physical read runs in QEMU's main loop, where the device timers run too, so what it sees lies between two steps of a
 * device and never within one.
 */
#ifndef WITNESS_QMP_H
#define WITNESS_QMP_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

#define QMP_MAX_PENDING		64
#define QMP_MAX_WORDS		8

/* @nr is 0 if the read failed. */
typedef void (*qmp_words_fn)(void *ctx, unsigned int tag, const uint32_t *words, unsigned int nr);
typedef void (*qmp_event_fn)(void *ctx, const char *name);

struct qmp_pending {
	qmp_words_fn done;		/* NULL: the answer is of no interest */
	void *ctx;
	unsigned int tag;
};

struct qmp {
	int fd;
	bool ready;
	unsigned int first, nr;		/* of the ring of pending commands */
	uint64_t nr_answers;		/* so far: QEMU's main loop is alive while it rises */
	struct qmp_pending pending[QMP_MAX_PENDING];
	qmp_event_fn event;
	void *event_ctx;
	struct linebuf in;
};

void qmp_init(struct qmp *qmp, int fd, qmp_event_fn event, void *ctx);

/* Call when fd is readable. Return: 0, -EPIPE (QEMU is gone), -errno. */
int qmp_receive(struct qmp *qmp);

/*
 * Reads 32-bit words of guest physical memory or registers.
 * Return: 0, -EAGAIN (not ready, or too much is pending: ask again later), -EINVAL, -errno.
 */
int qmp_read_words(struct qmp *qmp, uint64_t pa, unsigned int nr, qmp_words_fn done, void *ctx, unsigned int tag);

#endif
