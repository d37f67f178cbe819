/* SPDX-License-Identifier: GPL-2.0-only */
/* Live update: a preserved vfio-pci device file. */
#ifndef _LINUX_KHO_ABI_VFIO_PCI_H
#define _LINUX_KHO_ABI_VFIO_PCI_H

#include <linux/types.h>
#include <linux/kho/abi/blob.h>

#define VFIO_PCI_SER_COMPATIBLE	"hitless,vfio-pci-v1"
#define VFIO_PCI_SER_MAGIC	0x4f49465643495049ULL
#define VFIO_PCI_SER_VERSION	1

/**
 * struct vfio_pci_ser - what LUO keeps for a vfio-pci device file
 * @head:     See struct kho_blob_head.
 * @segment:  PCI segment.
 * @rid:      Requester ID. The function must be in the blob of the PCI core (pci.h).
 * @reserved: Zero.
 */
struct vfio_pci_ser {
	struct kho_blob_head head;
	__u32 segment;
	__u16 rid;
	__u16 reserved;
};

_Static_assert(sizeof(struct vfio_pci_ser) == 32, "wire format");

#endif
