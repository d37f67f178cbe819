// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qemu.h"
#include "rig_telemetry.h"

#define MAX_ARGS	160
#define STOP_GRACE_MS	2000
#define PIPE_BYTES	(1 << 20)

/* A device of which there are many, and which does no DMA. */
#define IDLE(_name, _slot) \
	{ .name = (_name), .type = "e1000e", .bdf = (_slot) << 3, .idle = true, .nr_args = 2, .args = { \
		"-device", "e1000e,id=" _name ",addr=" #_slot ",romfile=" } }

/* Slots are fixed: guest, traces and scenarios name devices by them. Lists of arguments end at nr_args. */
static const struct qemu_device devices[] = {
	{ .name = "ohci", .type = "pci-ohci", .bdf = 3 << 3, .nr_args = 2, .args = { "-device", "pci-ohci,id=ohci,addr=3" } },
	{ .name = "hda", .type = "intel-hda", .bdf = 4 << 3, .nr_args = 6, .args = {
		"-audiodev", "none,id=sound", "-device", "intel-hda,id=hda,addr=4", "-device", "hda-micro,audiodev=sound" } },
	{ .name = "igb", .type = "igb", .bdf = 5 << 3, .nr_args = 2, .args = { "-device", "igb,id=igb,addr=5,netdev=net" },
		.receives = true, .pool = RIG_POOL_PF },
	/* The same, in the hands of the host's stub driver or of the program; has virtual functions beside it, and receives nothing. */
	{ .name = "igbstub", .type = "igb", .bdf = 5 << 3, .nr_args = 2, .args = { "-device", "igb,id=igb,addr=5,netdev=net" } },
	{ .name = "igbkept", .type = "igb", .bdf = 5 << 3, .nr_args = 2, .args = { "-device", "igb,id=igb,addr=5,netdev=net" } },
	/* These are there when the guest has made them; QEMU has their objects from the start. */
	{ .name = "vf0", .type = "igbvf", .bdf = 0x15 << 3, .receives = true, .pool = 0 },
	{ .name = "vf1", .type = "igbvf", .bdf = 0x15 << 3 | 2, .receives = true, .pool = 1 },
	/* The same once more, behind a root port. */
	{ .name = "pigb", .type = "igb", .bdf = 1 << 8, .nr_args = 4, .args = {
		"-device", "pcie-root-port,id=above,addr=7,chassis=1", "-device", "igb,id=igb,bus=above,netdev=net" },
		.receives = true, .pool = RIG_POOL_PF },
	{ .name = "pvf0", .type = "igbvf", .bdf = 1 << 8 | 0x10 << 3, .receives = true, .pool = 0 },
	{ .name = "pvf1", .type = "igbvf", .bdf = 1 << 8 | 0x10 << 3 | 2, .receives = true, .pool = 1 },
	/* Behind a PCIe-to-PCI bridge: requests have the bridge's secondary bus and function 0. */
	{ .name = "bohci", .type = "pci-ohci", .bdf = 1 << 8 | 1 << 3, .alias = 1 << 8, .nr_args = 4, .args = {
		"-device", "pcie-pci-bridge,id=bridge,addr=7", "-device", "pci-ohci,id=bohci,bus=bridge,addr=1" } },
	IDLE("nic1", 0x08),
	IDLE("nic2", 0x09),
	IDLE("nic3", 0x0a),
	IDLE("nic4", 0x0b),
	IDLE("nic5", 0x0c),
	IDLE("nic6", 0x0d),
	IDLE("nic7", 0x0e),
	IDLE("nic8", 0x0f),
	IDLE("nic9", 0x10),
	IDLE("nic10", 0x11),
	IDLE("nic11", 0x12),
	IDLE("nic12", 0x13),
	IDLE("nic13", 0x14),
	IDLE("nic14", 0x16),
	IDLE("nic15", 0x17),
	{ .name = "rogue", .type = "pci-ohci", .bdf = 6 << 3, .nr_args = 2, .args = { "-device", "pci-ohci,id=rogue,addr=6" } },
	/* Two behind one such bridge, in this order: nothing tells their requests from one another. */
	{ .name = "pair1", .type = "pci-ohci", .bdf = 1 << 8 | 1 << 3, .alias = 1 << 8, .nr_args = 4, .args = {
		"-device", "pcie-pci-bridge,id=bridge,addr=7", "-device", "pci-ohci,id=pair1,bus=bridge,addr=1" } },
	{ .name = "pair2", .type = "pci-ohci", .bdf = 1 << 8 | 2 << 3, .alias = 1 << 8, .nr_args = 2, .args = {
		"-device", "pci-ohci,id=pair2,bus=bridge,addr=2" } },
	/*
	 * Behind a conventional bridge, whose own source id its requests have, if there is another bridge in a lower slot. The root port has
	 * nothing behind it: with it there are buses 0 to 3, and a device table of AMD-Vi that has an entry for each function. Of three buses
	 * Linux rounds the size up, and what is too much lets everything through.
	 */
	{ .name = "conv", .type = "pci-ohci", .bdf = 3 << 8 | 1 << 3, .alias = 0x1e << 3, .nr_args = 6, .args = {
		"-device", "pcie-root-port,id=spare,addr=1d,chassis=2", "-device", "i82801b11-bridge,id=conventional,addr=1e",
		"-device", "pci-ohci,id=conv,bus=conventional,addr=1" } },
};

/* What the witness wants to know of from inside QEMU, besides what the IOMMU does; trace.c reads each. */
static const char *const trace_events[] = {
	"usb_ohci_die", "usb_ohci_reset", "usb_ohci_hcca_read_error", "resettable_phase_hold_exec",
	"e1000e_core_ctrl_sw_reset", "pci_pm_transition",
};

struct args {
	unsigned int nr;
	char *of[MAX_ARGS];
};

/* Running out of memory for a few hundred bytes, or of room in a table sized for the longest line, ends the program. */
static void add(struct args *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct args *args, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	if (args->nr + 1 >= MAX_ARGS || vasprintf(&args->of[args->nr++], fmt, list) < 0)
		abort();
	va_end(list);
	args->of[args->nr] = NULL;
}

static void free_args(struct args *args)
{
	while (args->nr)
		free(args->of[--args->nr]);
}

const struct qemu_device *qemu_device_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(devices[i].name, name))
			return &devices[i];
	return NULL;
}

unsigned int qemu_receivers(const struct strings *names, const struct qemu_device *receivers[SCENARIO_MAX_DEVICES])
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < names->nr; i++) {
		const struct qemu_device *device = qemu_device_find(names->of[i]);

		if (!device || !device->receives)
			continue;
		if (receivers)
			receivers[nr] = device;
		nr++;
	}
	return nr;
}

static int add_devices(struct args *args, const struct strings *names, int net_fd)
{
	for (unsigned int i = 0; i < names->nr; i++) {
		const struct qemu_device *device = qemu_device_find(names->of[i]);

		if (!device) {
			complain("no device \"%s\" is known", names->of[i]);
			return -EINVAL;
		}
		if (!strcmp(device->type, "igb")) {
			add(args, "-netdev");
			add(args, "dgram,id=net,local.type=fd,local.str=%d", net_fd);
		}
		for (unsigned int j = 0; j < device->nr_args; j++)
			add(args, "%s", device->args[j]);
	}
	return 0;
}

static void add_machine(struct args *args, const struct qemu_start *start)
{
	const struct scenario *s = start->scenario;

	add(args, "-machine");
	add(args, "q35,memory-backend=ram");
	add(args, "-accel");
	add(args, "tcg");
	if (s->icount) {
		add(args, "-icount");
		add(args, "shift=0,sleep=off");
	}
	add(args, "-cpu");
	add(args, "max");
	add(args, "-smp");
	add(args, "1");
	add(args, "-m");
	add(args, "%lldM", (long long)s->ram_mib);
	add(args, "-object");
	add(args, "memory-backend-file,id=ram,size=%lldM,mem-path=/proc/self/fd/%d,share=on", (long long)s->ram_mib,
	    start->ram_fd);
	add(args, "-device");
	add(args, "%s%s%s", s->iommu->device(s->mode), *s->iommu_options ? "," : "", s->iommu_options);
	add(args, "-nodefaults");
	add(args, "-nographic");
}

/* A serial port that the witness listens to. */
static void add_port(struct args *args, const char *name, int fd)
{
	add(args, "-chardev");
	add(args, "file,id=%s,path=/proc/self/fd/%d", name, fd);
	add(args, "-serial");
	add(args, "chardev:%s", name);
}

static void add_trace(struct args *args, const char *pattern)
{
	add(args, "-trace");
	add(args, "%s", pattern);
}

static void add_traces(struct args *args, int trace_fd, const struct qemu_start *start)
{
	for (const char *const *event = start->scenario->iommu->trace_events; *event; event++)
		add_trace(args, *event);
	for (size_t i = 0; i < ARRAY_SIZE(trace_events); i++)
		add_trace(args, trace_events[i]);
	if (start->extra_trace)
		add_trace(args, start->extra_trace);
	add(args, "-msg");
	add(args, "timestamp=on");
	add(args, "-D");
	add(args, "/proc/self/fd/%d", trace_fd);
}

/* A file the guest reads through QEMU's firmware configuration device. A comma would start another option: doubled. */
static void add_file(struct args *args, const char *name, const char *path)
{
	char safe[2 * PATH_BYTES], *to = safe;

	for (; *path && to < safe + sizeof(safe) - 2; path++) {
		if (*path == ',')
			*to++ = ',';
		*to++ = *path;
	}
	*to = '\0';
	add(args, "-fw_cfg");
	add(args, "name=opt/hitless/%s,file=%s", name, safe);
}

/*
 * no_timer_check: at boot a kernel panics if it does not get five ticks of the timer in 40 ms, which a busy host may not give it.
 * One that got none would still hang, and be seen.
 */
static void add_kernel(struct args *args, const struct qemu_start *start)
{
	const struct scenario *s = start->scenario;
	char line[2048];
	size_t len;

	len = snprintf(line, sizeof(line), "console=ttyS0 kho=on liveupdate=on %s panic=1"
		       " no_timer_check hitless.generation=0 hitless.hops=%u hitless.plan=%s hitless.devices=",
		       s->iommu->arguments(s->mode), scenario_nr_hops(s), s->plan);
	for (unsigned int i = 0; i < s->devices.nr && len < sizeof(line); i++)
		len += snprintf(line + len, sizeof(line) - len, "%s%s", i ? "," : "", s->devices.of[i]);
	for (unsigned int i = 0; i < s->others.nr && len < sizeof(line); i++)
		len += snprintf(line + len, sizeof(line) - len, "%s%s", s->devices.nr + i ? "," : "", s->others.of[i]);
	for (unsigned int i = 0; i < s->quarantined.nr && len < sizeof(line); i++)
		len += snprintf(line + len, sizeof(line) - len, "%s%s", i ? "," : " hitless.quarantined=", s->quarantined.of[i]);
	for (unsigned int i = 0; i < s->arguments.nr && len < sizeof(line); i++)
		len += snprintf(line + len, sizeof(line) - len, " %s", s->arguments.of[i]);
	add(args, "-kernel");
	add(args, "%s", start->kernel_even);
	add(args, "-initrd");
	add(args, "%s", start->initramfs);
	add(args, "-append");
	add(args, "%s", line);
	add_file(args, "initrd", start->initramfs);
	add_file(args, "kernel-A", start->kernel_even);
	if (*start->kernel_odd)
		add_file(args, "kernel-B", start->kernel_odd);
}

static int add_command(struct args *args, const char *command)
{
	char *copy = strdup(command), *save = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		add(args, "%s", word);
	free(copy);
	return args->nr ? 0 : -EINVAL;
}

/* QEMU's end of each channel. */
struct far_ends {
	int qmp, telemetry, console, trace, net;
};

static int build_args(struct args *args, const struct qemu_start *start, const struct far_ends *far)
{
	int err = add_command(args, start->command);

	if (err)
		return err;
	add_machine(args, start);
	add_port(args, "console", far->console);
	add_port(args, "telemetry", far->telemetry);
	add(args, "-chardev");
	add(args, "socket,id=control,fd=%d", far->qmp);
	add(args, "-mon");
	add(args, "chardev=control,mode=control");
	add_traces(args, far->trace, start);
	err = add_devices(args, &start->scenario->devices, far->net);
	if (!err)
		err = add_devices(args, &start->scenario->others, far->net);
	if (!err)
		add_kernel(args, start);
	return err;
}

static int keep_own_end(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int make_socket(int type, int *own, int *far)
{
	int fds[2];

	if (socketpair(AF_UNIX, type, 0, fds))
		return -errno;
	*own = fds[0];
	*far = fds[1];
	return keep_own_end(*own);
}

/*
 * A pipe, not a file: the witness is woken by it, and drops what a file would have to hold. Nor a socket, which is full after some two
 * hundred single characters: then the guest waits for its serial port, and for the host.
 */
static int make_pipe(int *own, int *far)
{
	int fds[2];

	if (pipe(fds))
		return -errno;
	*own = fds[0];
	*far = fds[1];
	if (fcntl(*own, F_SETPIPE_SZ, PIPE_BYTES) < 0)
		complain("a pipe keeps its size: %s", strerror(errno));
	return keep_own_end(*own);
}

/*
 * Datagrams between two local sockets are never dropped: a full queue makes the sender wait. It is kept short, some 60
 * packets, so that a device that takes none is noticed soon.
 */
static int make_net_socket(int *own, int *far)
{
	int err = make_socket(SOCK_DGRAM, own, far), bytes = 24 * 1024;

	if (!err && setsockopt(*own, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)))
		err = -errno;
	return err;
}

static int make_channels(struct qemu *qemu, struct far_ends *far)
{
	int err = make_socket(SOCK_STREAM, &qemu->qmp_fd, &far->qmp);

	if (!err)
		err = make_pipe(&qemu->telemetry_fd, &far->telemetry);
	if (!err)
		err = make_pipe(&qemu->console_fd, &far->console);
	if (!err)
		err = make_pipe(&qemu->trace_fd, &far->trace);
	if (!err)
		err = make_net_socket(&qemu->net_fd, &far->net);
	return err;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_far_ends(struct far_ends *far)
{
	close_end(&far->qmp);
	close_end(&far->telemetry);
	close_end(&far->console);
	close_end(&far->trace);
	close_end(&far->net);
}

static void log_command_line(int fd, const struct args *args)
{
	for (unsigned int i = 0; i < args->nr; i++)
		dprintf(fd, strchr(args->of[i], ' ') ? "'%s' " : "%s ", args->of[i]);
	dprintf(fd, "\n");
}

static void child(const struct qemu_start *start, const struct args *args)
{
	int log = open(start->log_path, O_WRONLY | O_CREAT | O_TRUNC, 0666), nothing = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* no machine outlives its witness */
	if (log < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(126);
	log_command_line(1, args);
	execvp(args->of[0], args->of);
	dprintf(2, "%s: %s\n", args->of[0], strerror(errno));
	_exit(127);
}

int qemu_launch(struct qemu *qemu, const struct qemu_start *start)
{
	struct far_ends far = { -1, -1, -1, -1, -1 };
	struct args args = { 0 };
	int err;

	*qemu = (struct qemu){ -1, -1, -1, -1, -1, -1 };
	err = make_channels(qemu, &far);
	if (!err)
		err = build_args(&args, start, &far);
	if (!err) {
		qemu->pid = fork();
		if (!qemu->pid)
			child(start, &args);
		if (qemu->pid < 0)
			err = -errno;
	}
	close_far_ends(&far);
	free_args(&args);
	if (err)
		qemu_stop(qemu);
	return err;
}

static void reap(pid_t pid)
{
	for (int ms = 0; ms < STOP_GRACE_MS; ms += 10) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		usleep(10 * 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void qemu_stop(struct qemu *qemu)
{
	/* First: QEMU blocked on a full channel could not end. */
	close_end(&qemu->qmp_fd);
	close_end(&qemu->telemetry_fd);
	close_end(&qemu->console_fd);
	close_end(&qemu->trace_fd);
	close_end(&qemu->net_fd);
	if (qemu->pid > 0) {
		kill(qemu->pid, SIGTERM);
		reap(qemu->pid);
	}
	qemu->pid = -1;
}
