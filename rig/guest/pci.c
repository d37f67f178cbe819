// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pci.h"
#include "sysfs.h"

#define PCI_PATH "/sys/bus/pci/devices/%s/%s"

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

/* The last part of what a link of the device's directory points to; an empty string if there is no such link. */
static int pci_link_read(const char *bdf, const char *what, char *to, size_t bytes)
{
	char path[128], link[256];
	ssize_t len;
	char *name;

	snprintf(path, sizeof(path), PCI_PATH, bdf, what);
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

static int pci_attribute_write(const char *bdf, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_PATH, bdf, name);
	return file_write_line(path, text);
}

/* Which driver alone may have the device; an empty string for any. */
int pci_driver_override(const char *bdf, const char *driver)
{
	return pci_attribute_write(bdf, "driver_override", *driver ? driver : "\n");
}

/*
 * By name of the device rather than by vfio-pci.ids on the command line: the rig may have two devices of one kind, of
 * which one is to have another driver.
 */
int pci_vfio_bind(const char *bdf)
{
	char driver[64];
	int ret = pci_link_read(bdf, "driver", driver, sizeof(driver));

	if (ret || !strcmp(driver, "vfio-pci"))
		return ret;
	if (*driver)
		return -EBUSY;
	ret = pci_driver_override(bdf, "vfio-pci");
	if (ret)
		return ret;
	return file_write_line("/sys/bus/pci/drivers_probe", bdf);
}

/* Unlike a probe by the bus, this tells why a driver does not take the device. */
int pci_driver_bind(const char *bdf, const char *driver)
{
	char path[128];
	int ret = pci_driver_override(bdf, driver);

	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	return file_write_line(path, bdf);
}

int pci_driver_unbind(const char *bdf)
{
	return pci_attribute_write(bdf, "driver/unbind", bdf);
}

/* What a device of no driver translates through, by default. */
int pci_group_type_set(const char *bdf, const char *type)
{
	return pci_attribute_write(bdf, "iommu_group/type", type);
}

/* Is that a table of its own, rather than the identity? */
int pci_group_translated(const char *bdf, bool *translated)
{
	char path[128], type[32];
	int ret;

	snprintf(path, sizeof(path), PCI_PATH, bdf, "iommu_group/type");
	ret = file_read_line(path, type, sizeof(type));
	if (ret)
		return ret;
	*translated = !strncmp(type, "DMA", 3);
	return 0;
}

/* Return: the number of the device's group. */
int pci_group_read(const char *bdf)
{
	char group[32];
	int ret = pci_link_read(bdf, "iommu_group", group, sizeof(group));

	if (ret)
		return ret;
	return *group ? atoi(group) : -ENOENT;
}

int pci_reset(const char *bdf)
{
	return pci_attribute_write(bdf, "reset", "1");
}

/* Return: 0 when virtual function @nr is @vf_bdf. */
int pci_virtfn_check(const char *bdf, unsigned int nr, const char *vf_bdf)
{
	char name[32], found[64];
	int ret;

	snprintf(name, sizeof(name), "virtfn%u", nr);
	ret = pci_link_read(bdf, name, found, sizeof(found));
	if (ret)
		return ret;
	return strcmp(found, vf_bdf) ? -ENXIO : 0;
}

static int pci_config_open(const char *bdf)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), PCI_PATH, bdf, "config");
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int pci_config_read16(const char *bdf, unsigned int offset, uint16_t *value)
{
	int fd = pci_config_open(bdf);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = pread(fd, value, sizeof(*value), offset);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return got;
	return got == sizeof(*value) ? 0 : -EIO;
}

int pci_config_write16(const char *bdf, unsigned int offset, uint16_t value)
{
	int fd = pci_config_open(bdf);
	ssize_t put;

	if (fd < 0)
		return fd;
	put = pwrite(fd, &value, sizeof(value), offset);
	if (put < 0)
		put = -errno;
	close(fd);
	if (put < 0)
		return put;
	return put == sizeof(value) ? 0 : -EIO;
}

/* Each capability begins with its number and the place of the next one. */
static int pci_capability_find(const char *bdf, uint8_t id)
{
	uint16_t at, head;
	int tries, ret = pci_config_read16(bdf, PCI_CAPABILITY_LIST, &at);

	for (tries = 0; !ret && tries < 48; tries++) {
		at &= 0xfc;
		if (!at)
			return -ENOENT;
		ret = pci_config_read16(bdf, at, &head);
		if (!ret && (head & 0xff) == id)
			return at;
		at = head >> 8;
	}
	return ret ? ret : -ELOOP;
}

/* Return: 1 if the function mask of MSI-X is set, 0 if MSI-X is on without it, -ENOENT if it is off or not there. */
int pci_msix_masked(const char *bdf)
{
	int ret, at = pci_capability_find(bdf, PCI_CAP_ID_MSIX);
	uint16_t flags;

	if (at < 0)
		return at;
	ret = pci_config_read16(bdf, at + PCI_MSIX_FLAGS, &flags);
	if (ret)
		return ret;
	if (!(flags & PCI_MSIX_FLAGS_ENABLE))
		return -ENOENT;
	return !!(flags & PCI_MSIX_FLAGS_MASKALL);
}

int pci_numvfs_write(const char *bdf, unsigned int nr_vfs)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nr_vfs);
	return pci_attribute_write(bdf, "sriov_numvfs", text);
}

/* Registers of a device that has no driver, or one that lets others have them. */
int pci_bar0_map(const char *bdf, size_t bytes, void **base)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), PCI_PATH, bdf, "resource0");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ret = *base == MAP_FAILED ? -errno : 0;
	close(fd);
	return ret;
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
