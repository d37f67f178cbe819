// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sysfs.h"

#define PCI_PATH "/sys/bus/pci/devices/%s/%s"

int file_read_line(const char *path, char *to, size_t bytes)
{
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	got = read(fd, to, bytes);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return got;
	if ((size_t)got == bytes)
		return -E2BIG;
	to[got] = '\0';
	to[strcspn(to, "\n")] = '\0';
	return 0;
}

int file_write_line(const char *path, const char *text)
{
	ssize_t put;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	put = write(fd, text, strlen(text));
	if (put < 0)
		put = -errno;
	close(fd);
	if (put < 0)
		return put;
	return (size_t)put == strlen(text) ? 0 : -EIO;
}

static int pci_hex_read(const char *bdf, const char *name, uint32_t *value)
{
	char path[128], text[32];
	int ret;

	snprintf(path, sizeof(path), PCI_PATH, bdf, name);
	ret = file_read_line(path, text, sizeof(text));
	if (ret)
		return ret;
	*value = strtoul(text, NULL, 16);
	return 0;
}

int pci_ids_read(const char *bdf, uint32_t *vendor, uint32_t *device)
{
	int ret = pci_hex_read(bdf, "vendor", vendor);

	return ret ? ret : pci_hex_read(bdf, "device", device);
}

/* The first line of "resource" is BAR 0: start, end, flags. */
int pci_bar0_read(const char *bdf, uint64_t *pa)
{
	char path[128], text[4096];
	int ret;

	snprintf(path, sizeof(path), PCI_PATH, bdf, "resource");
	ret = file_read_line(path, text, sizeof(text));
	if (ret)
		return ret;
	*pa = strtoull(text, NULL, 16);
	return *pa ? 0 : -ENXIO;
}

/* Resolves the name of the driver that has the device; an empty string for none. */
static int pci_driver_read(const char *bdf, char *to, size_t bytes)
{
	char path[128], link[256];
	ssize_t len;
	char *name;

	snprintf(path, sizeof(path), PCI_PATH, bdf, "driver");
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0 && errno == ENOENT)
		len = 0;
	if (len < 0)
		return -errno;
	link[len] = '\0';
	name = strrchr(link, '/');
	snprintf(to, bytes, "%s", name ? name + 1 : "");
	return 0;
}

/*
 * By name of the device rather than by vfio-pci.ids on the command line: the rig may have two devices of one kind, of
 * which one is to have another driver.
 */
int pci_vfio_bind(const char *bdf)
{
	char path[128], driver[64];
	int ret = pci_driver_read(bdf, driver, sizeof(driver));

	if (ret || !strcmp(driver, "vfio-pci"))
		return ret;
	if (*driver)
		return -EBUSY;
	snprintf(path, sizeof(path), PCI_PATH, bdf, "driver_override");
	ret = file_write_line(path, "vfio-pci");
	if (ret)
		return ret;
	return file_write_line("/sys/bus/pci/drivers_probe", bdf);
}

static int vfio_name_read(const char *bdf, char *to, size_t bytes)
{
	char path[128];
	struct dirent *entry;
	int ret = -ENODEV;
	DIR *dir;

	snprintf(path, sizeof(path), PCI_PATH, bdf, "vfio-dev");
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(to, bytes, "/dev/vfio/devices/%.32s", entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

/* devtmpfs is filled by a kernel thread of its own, after the driver's probe has returned. */
int pci_vfio_cdev_open(const char *bdf)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	char path[128];
	int tries, fd;
	int ret = vfio_name_read(bdf, path, sizeof(path));

	if (ret)
		return ret;
	for (tries = 0; tries < 1000; tries++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
