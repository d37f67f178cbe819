/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do something wrong, so that a test can see that it is noticed. Only debug builds can; elsewhere this is a constant.
 */
#ifndef _LINUX_LIVEUPDATE_FAULT_H
#define _LINUX_LIVEUPDATE_FAULT_H

#include <linux/types.h>

enum liveupdate_fault {
	/* Leave a hook out. */
	LIVEUPDATE_FAULT_BUS_MASTER,		/* old kernel: bus mastering goes off at shutdown */
	LIVEUPDATE_FAULT_SHUTDOWN_TRANSLATION,	/* old kernel: translation goes off at shutdown */
	LIVEUPDATE_FAULT_BOOT_TRANSLATION,	/* new kernel: translation goes off at boot */
	LIVEUPDATE_FAULT_RESET,			/* new kernel: vfio resets the device when it is opened */
	LIVEUPDATE_FAULT_TAG,			/* new kernel: tags in use are given to others */
	LIVEUPDATE_FAULT_OTHERS,		/* old kernel: devices that are not preserved are handed over, too */
	LIVEUPDATE_FAULT_KEEP_BUS_MASTER,	/* old kernel: no device loses bus mastering at shutdown */
	LIVEUPDATE_FAULT_PASIDS,		/* old kernel: what translates PASIDs is not handed over */
	LIVEUPDATE_FAULT_ALIASES,		/* old kernel: a device is handed over under its own requester ID alone */
	LIVEUPDATE_FAULT_BLOCK_SWAP,		/* new kernel: an entry is blocked before it is another, as the driver did before */
	LIVEUPDATE_FAULT_SRIOV,			/* new kernel: SR-IOV is set up anew */
	/* Nothing wrong, but what is wrong shows. */
	LIVEUPDATE_FAULT_FLUSH,			/* all caches of the unit are empty after each store to an entry, for a while */
	LIVEUPDATE_FAULT_FAKE_PASIDS,		/* PCI functions without the capability have PASIDs of 20 bits, and use none */
	/* Hand over what must be refused. */
	LIVEUPDATE_FAULT_SPOIL_BLOB,		/* one bit of the blob */
	LIVEUPDATE_FAULT_SPOIL_TABLES,		/* the first domain: one table more than it has */
	LIVEUPDATE_FAULT_SPOIL_TOP,		/* the first domain: a top table that is in none of its blocks */
	LIVEUPDATE_FAULT_SPOIL_LIST,		/* the first domain: one more block, which was not handed over */
	LIVEUPDATE_FAULT_SPOIL_ENTRY,		/* the first device: an entry with another tag than its record */
	LIVEUPDATE_NR_FAULTS,
};

#ifdef CONFIG_LIVEUPDATE_FAULTS
bool liveupdate_fault(enum liveupdate_fault fault);
#else
static inline bool liveupdate_fault(enum liveupdate_fault fault)
{
	return false;
}
#endif
#endif
