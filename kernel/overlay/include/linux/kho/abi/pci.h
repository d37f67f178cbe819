/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live update: which PCI functions the next kernel finds in use, and must leave alone while it enumerates.
 *
 * A KHO subtree of its own: enumeration runs at subsys_initcall. nr_devices of struct pci_device_ser follow struct pci_ser.
 * Written by drivers/pci/liveupdate.c at each preserve and unpreserve.
 */
#ifndef _LINUX_KHO_ABI_PCI_H
#define _LINUX_KHO_ABI_PCI_H

#include <linux/types.h>
#include <linux/kho/abi/blob.h>

#define PCI_SER_SUBTREE		"pci-liveupdate"
#define PCI_SER_MAGIC		0x554c49435049ULL	/* "IPCILU" */
#define PCI_SER_VERSION		1
#define PCI_SER_MAX_DEVICES	65536

/**
 * struct pci_ser - head of the blob
 * @head:       See struct kho_blob_head.
 * @nr_devices: Records that follow, 0 to PCI_SER_MAX_DEVICES.
 * @reserved:   Zero.
 */
struct pci_ser {
	struct kho_blob_head head;
	__u32 nr_devices;
	__u32 reserved;
};

_Static_assert(sizeof(struct pci_ser) == 32, "wire format");

#define PCI_DEVICE_SER_ENDPOINT	(1U << 0)	/* preserved itself; otherwise a bridge on the way to one that is */
#define PCI_DEVICE_SER_FLAGS	PCI_DEVICE_SER_ENDPOINT

/**
 * struct pci_device_ser - one function
 * @segment:  PCI segment.
 * @rid:      Requester ID; unique with @segment.
 * @vendor:   Vendor and
 * @device:   device ID that must be found there, else the record is not applied.
 * @reserved: Zero.
 * @flags:    PCI_DEVICE_SER_*; unknown bits are refused.
 * @bar_mask: What each of the six base address registers reads after all ones were written to it, 0 for one not implemented, so
 *            that the next kernel need not size them. Bridges: the first two.
 * @rom_mask: The same of the expansion ROM register.
 */
struct pci_device_ser {
	__u32 segment;
	__u16 rid;
	__u16 vendor;
	__u16 device;
	__u16 reserved;
	__u32 flags;
	__u32 bar_mask[6];
	__u32 rom_mask;
};

_Static_assert(sizeof(struct pci_device_ser) == 44, "wire format");

#endif
