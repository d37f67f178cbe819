// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fw_cfg.h"
#include "kexec.h"

/*
 * Brings a file of the machine's owner into the root file system and opens it for reading. One that lies in the initramfs
 * already is taken from there.
 */
static int file_fetch(const struct memory *memory, const char *name)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/boot/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	snprintf(path, sizeof(path), "/%s", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "opt/hitless/%s", name);
	ret = fw_cfg_copy(memory, path, fd);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		return ret;
	/* The kernel takes no file that is open for writing. */
	snprintf(path, sizeof(path), "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int files_load(int kernel_fd, int initrd_fd, const char *cmdline)
{
	return syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(cmdline) + 1, cmdline, 0UL) ? -errno : 0;
}

int kexec_load(const struct memory *memory, const char *kernel, const char *initrd, const char *cmdline)
{
	int kernel_fd, initrd_fd, ret;

	kernel_fd = file_fetch(memory, kernel);
	if (kernel_fd < 0)
		return kernel_fd;
	initrd_fd = file_fetch(memory, initrd);
	if (initrd_fd < 0) {
		ret = initrd_fd;
		goto out_kernel;
	}
	ret = files_load(kernel_fd, initrd_fd, cmdline);
	close(initrd_fd);
out_kernel:
	close(kernel_fd);
	return ret;
}

/* Returns only if the kernel refuses. */
int kexec_reboot(void)
{
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return -errno;
}
