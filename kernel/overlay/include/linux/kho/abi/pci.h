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
#define PCI_SER_VERSION		2
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

#define PCI_DEVICE_SER_ENDPOINT	(1U << 0)	/* preserved itself; otherwise one that such a function depends on */
#define PCI_DEVICE_SER_PF	(1U << 1)	/* has an SR-IOV capability */
#define PCI_DEVICE_SER_VF	(1U << 2)	/* is a virtual function; always with PCI_DEVICE_SER_ENDPOINT */
#define PCI_DEVICE_SER_FLAGS	(PCI_DEVICE_SER_ENDPOINT | PCI_DEVICE_SER_PF | PCI_DEVICE_SER_VF)

/**
 * struct pci_sriov_ser - the SR-IOV capability of a physical function
 * @nr_vfs:      Virtual functions that are enabled; 0: none are, and VF Enable is clear.
 * @offset:      First VF Offset and
 * @stride:      VF Stride that go with @nr_vfs. The last virtual function's requester ID must fit into 16 bits; with @nr_vfs an
 *               offset of 0 is refused, with more than one a stride of 0.
 * @max_bus:     Highest bus number that virtual functions can need, whatever their number: reading it again needs their number to
 *               be changed. With @nr_vfs at least the bus of the last one; otherwise 0 or at least the bus of the physical function.
 * @reserved:    Zero.
 * @vf_bar_mask: What each of the six VF base address registers reads after all ones were written to it, 0 for one not implemented.
 */
struct pci_sriov_ser {
	__u16 nr_vfs;
	__u16 offset;
	__u16 stride;
	__u8 max_bus;
	__u8 reserved;
	__u32 vf_bar_mask[6];
};

_Static_assert(sizeof(struct pci_sriov_ser) == 32, "wire format");

/**
 * struct pci_device_ser - one function
 * @segment:  PCI segment.
 * @rid:      Requester ID; unique with @segment.
 * @vendor:   Vendor and
 * @device:   device ID that must be found there, else the record is not applied.
 * @pf_rid:   Of a virtual function: the requester ID of its physical one, whose record, on the same segment, must be there and
 *            must give a virtual function of this requester ID. Otherwise zero.
 * @flags:    PCI_DEVICE_SER_*; unknown bits are refused, and PF together with VF.
 * @bar_mask: What each of the six base address registers reads after all ones were written to it, 0 for one not implemented, so
 *            that the next kernel need not size them. Bridges: the first two.
 * @rom_mask: The same of the expansion ROM register.
 * @sriov:    Of a physical function; otherwise zero.
 */
struct pci_device_ser {
	__u32 segment;
	__u16 rid;
	__u16 vendor;
	__u16 device;
	__u16 pf_rid;
	__u32 flags;
	__u32 bar_mask[6];
	__u32 rom_mask;
	struct pci_sriov_ser sriov;
};

_Static_assert(sizeof(struct pci_device_ser) == 76, "wire format");

#endif
