// SPDX-License-Identifier: GPL-2.0-or-later
/* The first and only process of the machine under test. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel.h"
#include "plan.h"
#include "rig.h"

static const struct {
	const char *type;
	const char *path;
} mounts[] = {
	{ "devtmpfs", "/dev" },
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "debugfs", "/sys/kernel/debug" },
};

static int mounts_make(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);	/* the mount says what is wrong */
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL) && errno != EBUSY)
			return -errno;
	}
	return 0;
}

/* The kernel gives init its console only if the initramfs has a node for it. */
static int console_open(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return -errno;
	if (dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		return -errno;
	if (fd > 2)
		close(fd);
	setvbuf(stderr, NULL, _IOLBF, 0);
	return 0;
}

static int machine_prepare(void)
{
	int ret = mounts_make();

	if (!ret)
		ret = console_open();
	return ret ? ret : channel_open();
}

static int guest_run(struct rig *rig)
{
	int ret = options_read(&rig->options);

	channel_hello(rig->options.generation);
	if (!ret)
		ret = rig_init(rig);
	return ret ? ret : plan_run(rig);
}

/*
 * After "done" the devices are left working until the witness ends the machine. Returning would be the kernel's panic,
 * which is right only where there is no channel to say anything on.
 */
int main(void)
{
	static struct rig rig;
	int ret = machine_prepare();

	if (ret)
		return EXIT_FAILURE;
	ret = guest_run(&rig);
	channel_check("plan", !ret, ret ? strerror(-ret) : "");
	rig_irqs_report(&rig);
	channel_done(rig.options.generation);
	for (;;)
		rig_run(&rig, INT_MAX);
}
