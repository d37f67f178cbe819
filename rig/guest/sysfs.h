/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of proc and sysfs, and what they tell of PCI devices. */
#ifndef RIG_GUEST_SYSFS_H
#define RIG_GUEST_SYSFS_H

#include <stddef.h>
#include <stdint.h>

int file_read_line(const char *path, char *to, size_t bytes);
int file_write_line(const char *path, const char *text);

int pci_ids_read(const char *bdf, uint32_t *vendor, uint32_t *device);
int pci_bar0_read(const char *bdf, uint64_t *pa);
int pci_vfio_bind(const char *bdf);
int pci_vfio_cdev_open(const char *bdf);

#endif
