// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "run.h"

#define TICK_NS		(2 * NSEC_PER_MSEC)
#define CURVE_NS	(20 * NSEC_PER_MSEC)
#define SETTLE_MIN_NS	(200 * NSEC_PER_MSEC)
#define SETTLE_MAX_NS	(1500 * NSEC_PER_MSEC)

struct loop {
	struct run *run;
	int timer_fd, signal_fd;
	int64_t deadline_ns;
	int64_t settle_ns;		/* since when the packets have been stopped, or NEVER */
	int64_t curve_ns;
};

static void end_run(struct run *run, enum run_end end)
{
	if (run->end == RUN_GOES_ON) {
		run->end = end;
		run->end_ns = now_ns();
	}
}

static void on_qmp_event(void *ctx, const char *name)
{
	struct run *run = ctx;

	timeline_point(&run->timeline, name, now_ns(), NEVER);
	if (!strcmp(name, "RESET")) {
		run->nr_resets++;
		end_run(run, RUN_RESET);
	} else if (!strcmp(name, "GUEST_PANICKED")) {
		run->panicked = true;
	} else if (!strcmp(name, "SHUTDOWN")) {
		end_run(run, RUN_QEMU_EXIT);
	}
}

static int kernel_path(const struct run *run, unsigned int generation, char path[PATH_BYTES])
{
	return path_make(path, "%s/%s/bzImage", run->options->kernels, run->scenario.kernels.of[generation]);
}

static int check_readable(const char *path)
{
	int err = access(path, R_OK) ? -errno : 0;

	if (err)
		complain("%s: %s", path, strerror(-err));
	return err;
}

static int launch(struct run *run)
{
	char even[PATH_BYTES], odd[PATH_BYTES] = "", log[PATH_BYTES];
	struct qemu_start start = {
		.scenario = &run->scenario, .command = run->options->qemu, .extra_trace = run->options->extra_trace,
		.kernel_even = even, .kernel_odd = odd, .initramfs = run->options->initramfs, .log_path = log,
		.ram_fd = run->ram.fd,
	};
	int err = kernel_path(run, 0, even);

	if (!err)
		err = check_readable(even);
	if (!err && scenario_nr_hops(&run->scenario))
		err = kernel_path(run, 1, odd);
	if (!err && *odd)
		err = check_readable(odd);
	if (!err)
		err = check_readable(run->options->initramfs);
	if (!err)
		err = path_make(log, "%s/qemu.log", run->directory);
	return err ? err : qemu_launch(&run->qemu, &start);
}

static int open_logs(struct run *run)
{
	char path[PATH_BYTES];
	int err = path_make(path, "%s/console.log", run->directory);

	if (!err)
		err = console_init(&run->console, &run->timeline, &run->figures, path);
	if (!err)
		err = path_make(path, "%s/telemetry.log", run->directory);
	if (!err)
		err = telemetry_init(&run->telemetry, &run->timeline, &run->ram, &run->figures, path);
	if (!err)
		err = path_make(path, "%s/trace.log", run->directory);
	if (!err)
		err = trace_init(&run->trace, &run->scenario, &run->timeline, path);
	if (err)
		complain("%s: %s", run->directory, strerror(-err));
	return err;
}

static void record_curve(struct loop *loop)
{
	struct run *run = loop->run;
	const volatile struct rig_telemetry *page = telemetry_page(&run->telemetry);
	int64_t now = now_ns();

	if (!page || now - loop->curve_ns < CURVE_NS)
		return;
	loop->curve_ns = now;
	if (run->nr_curve == run->room_curve) {
		size_t room = run->room_curve ? run->room_curve * 2 : 1024;
		struct curve_point *curve = realloc(run->curve, room * sizeof(*curve));

		if (!curve)
			return;
		run->curve = curve;
		run->room_curve = room;
	}
	run->curve[run->nr_curve++] = (struct curve_point){ now, run->packets.sent, page->packets.received };
}

static bool all_packets_came(const struct run *run)
{
	const volatile struct rig_telemetry *page = telemetry_page(&run->telemetry);

	return !run->packets.sent || (page && page->packets.received >= run->packets.sent);
}

/* After "done": no more packets, and time for those under way; the devices run on and are watched meanwhile. */
static void settle(struct loop *loop)
{
	struct run *run = loop->run;
	int64_t now = now_ns();

	if (loop->settle_ns == NEVER) {
		loop->settle_ns = now;
		packets_stop(&run->packets);
	} else if (now - loop->settle_ns >= (all_packets_came(run) ? SETTLE_MIN_NS : SETTLE_MAX_NS)) {
		end_run(run, RUN_DONE);
	}
}

static void on_tick(struct loop *loop)
{
	struct run *run = loop->run;
	uint64_t ticks;

	if (read(loop->timer_fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	sampler_tick(&run->sampler);
	looks_tick(&run->looks);
	packets_tick(&run->packets, &run->timeline, run->qmp.nr_answers);
	record_curve(loop);
	if (run->telemetry.done)
		settle(loop);
	if (now_ns() >= loop->deadline_ns)
		end_run(run, RUN_TIMEOUT);
}

static void after_receive(struct run *run, int err, const char *what)
{
	if (err == -EPIPE) {
		end_run(run, RUN_QEMU_EXIT);
	} else if (err) {
		complain("%s: %s", what, strerror(-err));
		end_run(run, RUN_BROKEN);
	}
}

enum { FD_TRACE, FD_QMP, FD_TELEMETRY, FD_CONSOLE, FD_TIMER, FD_SIGNAL, NR_FDS };

static void serve(struct loop *loop, const struct pollfd fds[NR_FDS])
{
	struct run *run = loop->run;

	if (fds[FD_TRACE].revents)
		after_receive(run, trace_receive(&run->trace, fds[FD_TRACE].fd), "trace");
	if (fds[FD_QMP].revents)
		after_receive(run, qmp_receive(&run->qmp), "QMP");
	if (fds[FD_TELEMETRY].revents)
		after_receive(run, telemetry_receive(&run->telemetry, fds[FD_TELEMETRY].fd), "telemetry");
	if (fds[FD_CONSOLE].revents)
		after_receive(run, console_receive(&run->console, fds[FD_CONSOLE].fd), "console");
	if (fds[FD_TIMER].revents)
		on_tick(loop);
	if (fds[FD_SIGNAL].revents)
		end_run(run, RUN_INTERRUPTED);
}

static void serve_until_end(struct loop *loop)
{
	struct run *run = loop->run;
	struct pollfd fds[NR_FDS] = {
		[FD_TRACE] = { run->qemu.trace_fd, POLLIN, 0 }, [FD_QMP] = { run->qemu.qmp_fd, POLLIN, 0 },
		[FD_TELEMETRY] = { run->qemu.telemetry_fd, POLLIN, 0 }, [FD_CONSOLE] = { run->qemu.console_fd, POLLIN, 0 },
		[FD_TIMER] = { loop->timer_fd, POLLIN, 0 }, [FD_SIGNAL] = { loop->signal_fd, POLLIN, 0 },
	};

	while (run->end == RUN_GOES_ON) {
		if (poll(fds, NR_FDS, 1000) >= 0)
			serve(loop, fds);
		else if (errno != EINTR)
			end_run(run, RUN_BROKEN);
	}
}

/* One more look at the fault record and the tables, and whatever QEMU had said before the end. */
static void look_once_more(struct run *run)
{
	struct pollfd fd = { run->qemu.qmp_fd, POLLIN, 0 };
	int64_t until = now_ns() + 200 * NSEC_PER_MSEC;

	looks_ask(&run->looks);
	sampler_ask_iommu(&run->sampler);
	while ((run->sampler.iommu_outstanding || run->looks.outstanding) && now_ns() < until)
		if (poll(&fd, 1, 20) > 0 && qmp_receive(&run->qmp))
			break;
	trace_receive(&run->trace, run->qemu.trace_fd);
	telemetry_receive(&run->telemetry, run->qemu.telemetry_fd);
	console_receive(&run->console, run->qemu.console_fd);
}

static int open_timer(void)
{
	struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && timerfd_settime(fd, 0, &every, NULL)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int watch(struct run *run)
{
	struct loop loop = {
		.run = run, .timer_fd = open_timer(), .signal_fd = open_signals(), .settle_ns = NEVER,
		.deadline_ns = run->timeline.start_ns + run->scenario.timeout_s * NSEC_PER_SEC,
	};
	int err = loop.timer_fd < 0 || loop.signal_fd < 0 ? -errno : 0;

	if (!err) {
		serve_until_end(&loop);
		look_once_more(run);
		run->packet_verdict = packets_judge(&run->packets, &run->telemetry);
	}
	if (loop.timer_fd >= 0)
		close(loop.timer_fd);
	if (loop.signal_fd >= 0)
		close(loop.signal_fd);
	return err;
}

static int prepare(struct run *run, const char *path)
{
	int err = scenario_load(&run->scenario, path);

	if (err)
		return err;
	err = path_make(run->directory, "%s/%s", run->options->out, run->scenario.name);
	if (!err)
		err = make_directory(run->options->out);
	if (!err)
		err = make_directory(run->directory);
	if (err)
		complain("%s: %s", run->directory, strerror(-err));
	return err ? err : ram_create(&run->ram, (size_t)run->scenario.ram_mib << 20);
}

int run_scenario(struct run *run, const struct options *options, const char *path)
{
	int err;

	memset(run, 0, sizeof(*run));
	run->options = options;
	run->qemu = (struct qemu){ -1, -1, -1, -1, -1, -1 };
	err = prepare(run, path);
	if (err)
		return err;
	timeline_init(&run->timeline, now_ns());
	err = open_logs(run);
	if (!err)
		err = launch(run);
	if (!err) {
		qmp_init(&run->qmp, run->qemu.qmp_fd, on_qmp_event, run);
		sampler_init(&run->sampler, run->scenario.iommu, &run->qmp, &run->telemetry, &run->trace);
		run->sampler.no_counters = run->scenario.icount;
		looks_init(&run->looks, run->scenario.iommu, &run->qmp, &run->ram);
		packets_init(&run->packets, run->qemu.net_fd, &run->scenario.devices, run->scenario.packet_rate);
		err = watch(run);
	}
	qemu_stop(&run->qemu);
	return err;
}

void run_free(struct run *run)
{
	trace_close(&run->trace);
	telemetry_close(&run->telemetry);
	console_close(&run->console);
	sampler_free(&run->sampler);
	looks_free(&run->looks);
	timeline_free(&run->timeline);
	ram_destroy(&run->ram);
	scenario_free(&run->scenario);
	free(run->curve);
}
