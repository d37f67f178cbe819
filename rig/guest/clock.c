// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "clock.h"

/*
 * Bytes in the memory of the machine's clock that neither its firmware nor a kernel uses. They outlive every kernel, whether
 * it preserves anything or not, and writing them takes a few instructions just before the kexec.
 */
#define CMOS_INDEX_PORT	0x70
#define CMOS_DATA_PORT	0x71
#define CMOS_STAMP	0x60

#define CLOCK_LINE	"hitless: the clock is read"

static uint64_t begin_ticks;
static uint64_t begin_ns;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

uint64_t clock_ticks(void)
{
	return __rdtsc();
}

/* Both clocks are read for the first time. */
void clock_begin(void)
{
	begin_ns = clock_ns(CLOCK_MONOTONIC);
	begin_ticks = clock_ticks();
}

/* As of all the time since clock_begin(). */
double clock_ticks_per_ns(void)
{
	return (double)(clock_ticks() - begin_ticks) / (clock_ns(CLOCK_MONOTONIC) - begin_ns);
}

void span_begin(struct span *span)
{
	span->own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	span->ticks = clock_ticks();
}

void span_end(struct span *span)
{
	span->ticks = clock_ticks() - span->ticks;
	span->own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - span->own_ns;
}

/* A record of the log is "level,number,microseconds,...;text". */
static bool record_parse(const char *record, uint64_t *us, const char **text)
{
	const char *end = strchr(record, ';');

	*text = end ? end + 1 : "";
	return end && sscanf(record, "%*u,%*u,%" SCNu64, us) == 1;
}

struct log_times {
	uint64_t memory_us;
	uint64_t slab_us;
	uint64_t now_us;
	int64_t ahead_ns;
	unsigned int found;
};

/*
 * While the kernel does not trust the counter yet, the log's clock may run ahead of it; when it does, it says by how much, and by so
 * much it stays ahead.
 */
static void log_line(struct log_times *times, uint64_t us, const char *text)
{
	if (!strncmp(text, "mem auto-init", 13))
		times->memory_us = us, times->found |= 1;
	else if (!strncmp(text, "SLUB:", 5))
		times->slab_us = us, times->found |= 2;
	else if (!strncmp(text, CLOCK_LINE, strlen(CLOCK_LINE)))
		times->now_us = us, times->found |= 4;
	else if (sscanf(text, "sched_clock: Marking stable (%*d, %*d)->(%*d, %" SCNd64, &times->ahead_ns) == 1)
		times->found |= 8;
}

static int log_read(int fd, struct log_times *times)
{
	char record[8192];
	const char *text;
	ssize_t got;
	uint64_t us;

	*times = (struct log_times){ 0 };
	for (;;) {
		got = read(fd, record, sizeof(record) - 1);
		if (got < 0 && errno == EPIPE)
			continue;	/* the oldest were overwritten */
		if (got < 0)
			break;
		record[got] = '\0';
		if (record_parse(record, &us, &text))
			log_line(times, us, text);
	}
	if (errno != EAGAIN)
		return -errno;
	return times->found == 15 ? 0 : -ENODATA;
}

/* A line of this program's own in the log ties its times to the counter. */
int clock_boot_read(struct boot_times *times)
{
	struct log_times log;
	uint64_t ticks;
	int ret, fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ticks = clock_ticks();
	ret = write(fd, "<7>" CLOCK_LINE "\n", strlen("<7>" CLOCK_LINE "\n")) < 0 ? -errno : 0;
	if (!ret)
		ret = log_read(fd, &log);
	close(fd);
	if (ret)
		return ret;
	times->clock_ticks = ticks - (uint64_t)((log.now_us * 1000 - log.ahead_ns) * clock_ticks_per_ns());
	times->memory_ns = (log.slab_us - log.memory_us) * 1000;
	return 0;
}

static int cmos_open(void)
{
	return ioperm(CMOS_INDEX_PORT, 2, 1) ? -errno : 0;
}

/* For the next kernel: when this one's last system call began. */
int clock_stamp_leave(void)
{
	unsigned int i;
	uint64_t ticks;
	int ret = cmos_open();

	if (ret)
		return ret;
	ticks = clock_ticks();
	for (i = 0; i < sizeof(ticks); i++) {
		outb(CMOS_STAMP + i, CMOS_INDEX_PORT);
		outb(ticks >> 8 * i, CMOS_DATA_PORT);
	}
	return 0;
}

int clock_stamp_find(uint64_t *ticks)
{
	unsigned int i;
	int ret = cmos_open();

	if (ret)
		return ret;
	*ticks = 0;
	for (i = 0; i < sizeof(*ticks); i++) {
		outb(CMOS_STAMP + i, CMOS_INDEX_PORT);
		*ticks |= (uint64_t)inb(CMOS_DATA_PORT) << 8 * i;
	}
	return *ticks < clock_ticks() ? 0 : -EPROTO;
}
