// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Updates that are given up: after each step, by closing the session, by the death of the process that has it, and by a kexec
 * that the kernel refuses. After each the machine must be as if nothing had been asked; this is looked at from all sides, and at
 * the end a real update goes through.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "abort.h"
#include "check.h"
#include "kexec.h"
#include "kho.h"
#include "lab.h"
#include "update.h"
#include "verify.h"

#define ABORT_NAME_BYTES	48
#define ABORT_SETTLE_MS		1500

enum { STEP_MARK, STEP_MEMORY, STEP_IOMMUFD, STEP_DEVICES };

static unsigned int nr_steps(struct rig *rig)
{
	unsigned int nr = STEP_DEVICES;

	while (rig_device_preserved(rig, nr - STEP_DEVICES))
		nr++;
	return nr;
}

static const char *step_name(struct rig *rig, unsigned int step)
{
	static const char *const names[] = { "mark", "memory", "iommufd" };

	return step < STEP_DEVICES ? names[step] : rig_device_preserved(rig, step - STEP_DEVICES)->name;
}

static int step_do(struct rig *rig, unsigned int step)
{
	switch (step) {
	case STEP_MARK:
		return update_mark(rig);
	case STEP_MEMORY:
		return update_preserve_memory(rig);
	case STEP_IOMMUFD:
		return update_preserve_iommufd(rig);
	default:
		return update_preserve_device(rig, rig_device_preserved(rig, step - STEP_DEVICES));
	}
}

/* @without: a step to be left out, or none if there are not so many */
static int steps_do(struct rig *rig, unsigned int nr, unsigned int without)
{
	unsigned int step;
	int ret = update_session_create(rig);

	for (step = 0; !ret && step < nr; step++)
		ret = step == without ? 0 : step_do(rig, step);
	return ret;
}

/* That the above would tell: with all preserved, there is something to be seen. */
static void verify_preserved(struct rig *rig, const struct kho_state *before)
{
	struct kho_state now;
	int ret;

	rig_run(rig, ABORT_SETTLE_MS);
	ret = kho_state_read(&now);
	check_result(ret, 0, "abort-control-read");
	check(now.devices && now.nr_subtrees > before->nr_subtrees && now.nr_pins > before->nr_pins &&
	      now.nr_iommu_pages > before->nr_iommu_pages, "", "abort-control-something-there");
	check_result(verify_maps(rig), -EBUSY, "abort-control-map");
	check_alive(rig, "abort-control-alive");
}

static void abort_by_close(struct rig *rig, const struct kho_state *before)
{
	unsigned int nr, nr_all = nr_steps(rig);
	char what[ABORT_NAME_BYTES];

	for (nr = 1; nr <= nr_all; nr++) {
		snprintf(what, sizeof(what), "abort-close-after-%s", step_name(rig, nr - 1));
		check_result(steps_do(rig, nr, nr_all), 0, "%s", what);
		if (nr == nr_all)
			verify_preserved(rig, before);
		update_session_close(rig);
		verify(rig, before, what);
	}
}

static void pause_us(long us)
{
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

/* The process that has the session, and nothing else that matters: says how it went, and waits for its end. */
static void __attribute__((noreturn)) holder_run(struct rig *rig, unsigned int nr, int say_fd)
{
	int ret = steps_do(rig, nr, nr);

	if (write(say_fd, &ret, sizeof(ret)) == sizeof(ret))
		for (;;)
			pause();
	_exit(EXIT_FAILURE);
}

static int holder_start(struct rig *rig, unsigned int nr, int *say_fd)
{
	int fds[2], pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		holder_run(rig, nr, fds[1]);
	if (pid < 0) {
		pid = -errno;
		close(fds[0]);
	} else {
		*say_fd = fds[0];
	}
	close(fds[1]);
	return pid;
}

static int holder_end(int pid, int say_fd)
{
	close(say_fd);
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		return -errno;
	return 0;
}

static int hold_and_kill(struct rig *rig, unsigned int nr)
{
	int said = -EPIPE, say_fd, pid = holder_start(rig, nr, &say_fd), ret;

	if (pid < 0)
		return pid;
	if (read(say_fd, &said, sizeof(said)) != sizeof(said))
		said = -EPIPE;
	ret = holder_end(pid, say_fd);
	return said ? said : ret;
}

static void abort_by_kill(struct rig *rig, const struct kho_state *before)
{
	unsigned int nr, nr_all = nr_steps(rig);
	char what[ABORT_NAME_BYTES];

	for (nr = STEP_MEMORY + 1; nr <= nr_all; nr++) {
		snprintf(what, sizeof(what), "abort-kill-after-%s", step_name(rig, nr - 1));
		check_result(hold_and_kill(rig, nr), 0, "%s", what);
		verify(rig, before, what);
	}
}

/* At no step in particular: the holder is killed in the middle of a system call, or between two. */
static void abort_midway(struct rig *rig, const struct kho_state *before)
{
	int ret = 0, say_fd, pid;
	unsigned int i;

	for (i = 0; !ret && i < 16; i++) {
		pid = holder_start(rig, nr_steps(rig), &say_fd);
		if (pid < 0) {
			ret = pid;
			break;
		}
		pause_us(500 + i * 2500);
		ret = holder_end(pid, say_fd);
	}
	check_result(ret, 0, "abort-kill-midway");
	verify(rig, before, "abort-kill-midway");
}

/* A device that stands on a marked HWPT is left out: the kernel must not go. */
static void abort_half_built(struct rig *rig, const struct kho_state *before)
{
	unsigned int step, nr = nr_steps(rig);
	char what[ABORT_NAME_BYTES];

	for (step = STEP_DEVICES; step < nr; step++) {
		snprintf(what, sizeof(what), "abort-kexec-without-%s", step_name(rig, step));
		check_result(steps_do(rig, nr, step), 0, "%s-preserve", what);
		check_result(kexec_reboot(), -EBUSY, "%s", what);
		check_result(verify_irqs(rig), 0, "%s-thawed-irq", what);
		update_session_close(rig);
		verify(rig, before, what);
	}
}

/* A second session with an iommufd whose device was left out, though it stands on a marked HWPT. */
static int half_session_build(const struct lab *lab, const struct lab_table *table, int session)
{
	int ret = vfio_device_attach(&lab->vfio, table->hwpt_id);

	if (!ret)
		ret = hitless_hwpt_mark_preserve(lab->iommufd, table->hwpt_id, LAB_TOKEN_HWPT);
	if (!ret)
		ret = hitless_session_preserve_fd(session, table->memfd, LAB_TOKEN_MEMORY);
	if (!ret)
		ret = hitless_session_preserve_fd(session, lab->iommufd, LAB_TOKEN_IOMMUFD);
	return ret;
}

static int refuse_after_freeze(struct rig *rig, const struct lab *lab, const struct lab_table *table)
{
	int session, ret;

	session = lab_session_create("hitless-half");
	if (session < 0)
		return session;
	ret = half_session_build(lab, table, session);
	if (!ret)
		ret = kexec_reboot();
	check_result(verify_irqs(rig), 0, "abort-kexec-other-session-thawed-irq");
	close(session);
	return ret;
}

/* The complete session comes first and is frozen, MSI-X masked, by the time the other one is found wanting. */
static void abort_other_session(struct rig *rig, const struct kho_state *before)
{
	static const char what[] = "abort-kexec-other-session";
	struct lab_table table = { .memfd = -1 };
	struct lab lab;
	int ret = lab_open(&lab, rig, -1);

	if (!ret)
		ret = lab_table_make(&lab, &table, LAB_SEALS);
	if (!ret)
		ret = steps_do(rig, nr_steps(rig), nr_steps(rig));
	if (check_result(ret, 0, "%s-preserve", what))
		check_result(refuse_after_freeze(rig, &lab, &table), -EBUSY, "%s", what);
	vfio_device_detach(&lab.vfio);
	lab_table_destroy(&lab, &table);
	lab_close(&lab);
	check_alive(rig, "abort-kexec-other-session-preserved-alive");
	update_session_close(rig);
	verify(rig, before, what);
}

/*
 * The kernel to go to is loaded before: a refusal for want of one would be no news. Normal use comes once before the first look,
 * for what it leaves behind (page tables stay where something was mapped once). A kernel that took devices over is asked less:
 * what differs in it is that tables and pages came from elsewhere.
 */
int abort_all(struct rig *rig)
{
	struct kho_state before;
	int ret = update_load(rig);

	if (ret)
		return ret;
	verify_use(rig, "abort-before");
	rig_run(rig, ABORT_SETTLE_MS);
	ret = kho_state_read(&before);
	if (ret)
		return ret;
	abort_by_close(rig, &before);
	if (!rig->options.generation) {
		abort_by_kill(rig, &before);
		abort_midway(rig, &before);
		abort_half_built(rig, &before);
	}
	abort_other_session(rig, &before);
	return 0;
}
