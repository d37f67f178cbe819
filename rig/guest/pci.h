/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sysfs tells of PCI functions, and does to them. */
#ifndef RIG_GUEST_PCI_H
#define RIG_GUEST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_PF_STUB "pci-pf-stub"

int pci_ids_read(const char *bdf, uint32_t *vendor, uint32_t *device);
int pci_bar0_read(const char *bdf, uint64_t *pa);
int pci_vfio_bind(const char *bdf);
int pci_driver_override(const char *bdf, const char *driver);
int pci_driver_unbind(const char *bdf);
int pci_driver_bind(const char *bdf, const char *driver);
int pci_config_read16(const char *bdf, unsigned int offset, uint16_t *value);
int pci_config_write16(const char *bdf, unsigned int offset, uint16_t value);
int pci_msix_masked(const char *bdf);
int pci_group_type_set(const char *bdf, const char *type);
int pci_group_translated(const char *bdf, bool *translated);
int pci_group_read(const char *bdf);
int pci_reset(const char *bdf);
int pci_virtfn_check(const char *bdf, unsigned int nr, const char *vf_bdf);
int pci_numvfs_write(const char *bdf, unsigned int nr_vfs);
int pci_bar0_map(const char *bdf, size_t bytes, void **base);
int pci_vfio_cdev_open(const char *bdf);

#endif
