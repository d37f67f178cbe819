// SPDX-License-Identifier: GPL-2.0-or-later
/* A device that takes no packets is told from a host that is busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packets.h"

#define NR_TICKS	60
#define TICK_US		2000

struct line {
	int own, far;
	struct packets packets;
	struct timeline timeline;
};

static int setup(void **state)
{
	static struct line line;
	int fds[2], bytes = 4096;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) || setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)))
		return -1;
	line.own = fds[0];
	line.far = fds[1];
	packets_init(&line.packets, line.own, &(struct strings){ 1, { "igb" } }, 100000);
	timeline_init(&line.timeline, now_ns());
	line.timeline.workload_ns = now_ns() - NSEC_PER_SEC / 10;
	*state = &line;
	return 0;
}

static int teardown(void **state)
{
	struct line *line = *state;

	close(line->own);
	close(line->far);
	return 0;
}

static unsigned int take_all(struct line *line)
{
	uint8_t frame[256];
	unsigned int nr = 0;

	while (recv(line->far, frame, sizeof(frame), MSG_DONTWAIT) > 0)
		nr++;
	return nr;
}

static unsigned int tick(struct line *line, uint64_t answers_each, bool take)
{
	unsigned int nr = 0;

	for (uint64_t i = 1; i <= NR_TICKS; i++) {
		packets_tick(&line->packets, &line->timeline, i * answers_each);
		nr += take ? take_all(line) : 0;
		usleep(TICK_US);
	}
	return nr;
}

static void test_device_takes_none(void **state)
{
	struct line *line = *state;

	tick(line, 1, false);
	assert_true(ns_to_ms(line->packets.longest_refused_awake_ns) > NR_TICKS * TICK_US / 1000 * 0.8);
	assert_true(line->packets.longest_refused_awake_ns <= line->packets.longest_refused_ns + 20 * NSEC_PER_MSEC);
	assert_true(line->packets.longest_backlog > 0);
}

static void test_host_is_busy(void **state)
{
	struct line *line = *state;

	tick(line, 0, false);
	assert_true(ns_to_ms(line->packets.longest_refused_ns) > NR_TICKS * TICK_US / 1000 * 0.8);
	assert_int_equal(line->packets.longest_refused_awake_ns, 0);
}

static void test_device_takes_all(void **state)
{
	struct line *line = *state;
	unsigned int taken = tick(line, 1, true);

	assert_int_equal(taken + take_all(line), line->packets.sent);
	assert_int_equal(line->packets.errors, 0);
	assert_true(ns_to_ms(line->packets.longest_refused_awake_ns) < NR_TICKS * TICK_US / 1000 * 0.8);
}

/* What is sent to several is sent to each in turn, by the address that the guest gives it; to one alone, to all. */
static void test_receivers_take_turns(void **state)
{
	static const uint8_t last[] = { 0x17, 0x10, 0x11 };
	const struct strings devices = { 4, { "ohci", "igb", "vf0", "vf1" } };
	struct line *line = *state;
	uint8_t frame[256];
	uint32_t sequence;

	packets_init(&line->packets, line->own, &devices, 100000);
	packets_tick(&line->packets, &line->timeline, 1);
	for (uint32_t i = 0; i < 7; i++) {
		assert_true(recv(line->far, frame, sizeof(frame), MSG_DONTWAIT) > 0);
		memcpy(&sequence, frame + 14 + 4, sizeof(sequence));
		assert_int_equal(sequence, i);
		assert_memory_equal(frame, ((uint8_t[]){ 0x02, 0, 0, 0x48, 0x4c, last[i % 3] }), 6);
	}
	packets_init(&line->packets, line->own, &(struct strings){ 2, { "ohci", "vf1" } }, 100000);
	while (recv(line->far, frame, sizeof(frame), MSG_DONTWAIT) > 0)
		;
	packets_tick(&line->packets, &line->timeline, 1);
	assert_true(recv(line->far, frame, sizeof(frame), MSG_DONTWAIT) > 0);
	assert_memory_equal(frame, ((uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }), 6);
	packets_init(&line->packets, line->own, &(struct strings){ 2, { "ohci", "hda" } }, 100000);
	packets_tick(&line->packets, &line->timeline, 1);
	assert_int_equal(line->packets.sent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device_takes_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_is_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_takes_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_receivers_take_turns, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
