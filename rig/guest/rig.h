/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that one kernel's run of this program knows. */
#ifndef RIG_GUEST_RIG_H
#define RIG_GUEST_RIG_H

#include "device.h"
#include "options.h"

/**
 * struct rig - the machine's devices and what they stand on
 * @options: from the command line
 * @kept: iommufd and memory that go through the update
 * @lost: iommufd and memory of devices that do not; not used if there are none
 * @devices: in the order of the command line, which is the same in each kernel
 * @session: the session's file from preserve to kexec and from retrieve to finish, else -1
 */
struct rig {
	struct options options;
	struct space kept;
	struct space lost;
	unsigned int nr_devices;
	struct device devices[RIG_NR_DEVICES];
	int session;
};

int rig_init(struct rig *rig);
int rig_start(struct rig *rig);
int rig_memory_adopt(struct rig *rig, int fd);
int rig_run(struct rig *rig, unsigned int ms);
void rig_irqs_report(struct rig *rig);

#endif
