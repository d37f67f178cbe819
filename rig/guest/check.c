// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "channel.h"
#include "check.h"

#define CHECK_NAME_BYTES	64
#define CHECK_ALIVE_MS		60

static void check_say(bool ok, const char *detail, const char *format, va_list args)
{
	char name[CHECK_NAME_BYTES];

	/* A name cut short would be another's: it fails. */
	if ((size_t)vsnprintf(name, sizeof(name), format, args) >= sizeof(name)) {
		ok = false;
		detail = "name too long";
	}
	channel_check(name, ok, detail);
}

bool check(bool ok, const char *detail, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	check_say(ok, detail, name, args);
	va_end(args);
	return ok;
}

/* strerrorname_np() knows no name for a result that is no errno: the number itself is the name then. */
static void result_name(int result, char *to, size_t bytes)
{
	const char *name = result ? strerrorname_np(-result) : "success";

	if (name)
		snprintf(to, bytes, "%s", name);
	else
		snprintf(to, bytes, "%d", result);
}

/* Results are 0 or -errno, and compared exactly: an error for another reason than the right one is none. */
bool check_result(int got, int want, const char *name, ...)
{
	char got_name[32], want_name[32], detail[96];
	va_list args;

	result_name(got, got_name, sizeof(got_name));
	result_name(want, want_name, sizeof(want_name));
	if (got == want)
		snprintf(detail, sizeof(detail), "%s", got_name);
	else
		snprintf(detail, sizeof(detail), "%s instead of %s", got_name, want_name);
	va_start(args, name);
	check_say(got == want, detail, name, args);
	va_end(args);
	return got == want;
}

static uint64_t counter_read(const struct device *dev)
{
	uint64_t value = 0;

	if (dev->ops->counter_bytes)
		memcpy(&value, device_dma(dev, dev->ops->counter_offset), dev->ops->counter_bytes);
	return value;
}

static void counters_read(struct rig *rig, uint64_t counters[RIG_NR_DEVICES])
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		counters[dev->index] = counter_read(dev);
}

static bool counters_compare(struct rig *rig, const uint64_t before[RIG_NR_DEVICES], const char *name)
{
	char detail[RIG_NR_DEVICES * 8] = "";
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		if (dev->failed || (dev->ops->counter_bytes && counter_read(dev) == before[dev->index]))
			snprintf(detail + strlen(detail), sizeof(detail) - strlen(detail), "%s ", dev->name);
	return check(!*detail, detail, "%s", name);
}

/* Devices have not failed, and those that count by DMA went on counting. */
bool check_alive(struct rig *rig, const char *name)
{
	uint64_t before[RIG_NR_DEVICES];

	counters_read(rig, before);
	rig_run(rig, CHECK_ALIVE_MS);
	return counters_compare(rig, before, name);
}

/* The same of devices that this program cannot serve yet. */
bool check_counting(struct rig *rig, const char *name)
{
	const struct timespec pause = { .tv_nsec = CHECK_ALIVE_MS * 1000000L };
	uint64_t before[RIG_NR_DEVICES];

	counters_read(rig, before);
	nanosleep(&pause, NULL);
	return counters_compare(rig, before, name);
}
