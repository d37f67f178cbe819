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
 * @nr_devices: all, also those that are not preserved
 * @devices: in the order of the command line, which is the same in each kernel
 * @session: the session's file from preserve to kexec and from retrieve to finish, else -1
 */
struct rig {
	struct options options;
	struct space kept;
	unsigned int nr_devices;
	struct device devices[RIG_NR_DEVICES];
	int session;
};

#define rig_for_each_device(dev, rig) \
	for ((dev) = (rig)->devices; (dev) < (rig)->devices + (rig)->nr_devices; (dev)++)

#define rig_for_each_preserved(dev, rig) \
	rig_for_each_device(dev, rig) \
		if (!(dev)->preserved) {} else

int rig_init(struct rig *rig);
int rig_prepare(struct rig *rig);
int rig_start(struct rig *rig);
int rig_announce(struct rig *rig);
int rig_memory_adopt(struct rig *rig, int fd);
int rig_run(struct rig *rig, unsigned int ms);
void rig_irqs_report(struct rig *rig);
struct device *rig_device_preserved(struct rig *rig, unsigned int nr);
struct device *rig_device_other(struct rig *rig);

#endif
