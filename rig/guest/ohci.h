/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of an OHCI USB controller. OpenHCI for USB, release 1.0a, 7. */
#ifndef RIG_GUEST_OHCI_H
#define RIG_GUEST_OHCI_H

#define OHCI_CONTROL		0x04
#define OHCI_COMMAND_STATUS	0x08
#define OHCI_INTERRUPT_STATUS	0x0c
#define OHCI_HCCA		0x18
#define OHCI_FM_INTERVAL	0x34
#define OHCI_FM_NUMBER		0x3c

#define OHCI_CONTROL_STATE	0xc0		/* functional state */
#define OHCI_OPERATIONAL	0x80
#define OHCI_SUSPEND		0xc0
#define OHCI_CONTROLLER_RESET	(1u << 0)	/* command status */
#define OHCI_UNRECOVERABLE	(1u << 4)	/* interrupt status */
#define OHCI_FM_INTERVAL_1MS	0x27782edfu	/* 12,000 bit times a frame; the largest packet that fits */

#define HCCA_FRAME_NUMBER	0x80

#endif
