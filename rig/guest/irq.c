// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * That an interrupt raised while no kernel ran is not lost: packets came in the blackout, and none comes at the moment when the
 * new kernel's vectors are set. What interrupts then was pending. The packets must be few: the next one must not come before it
 * is clear whether the last ones were heard of. Receiving is not turned off for that moment, since the emulated device drops
 * packets then.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "channel.h"
#include "check.h"
#include "irq.h"
#include "pci.h"

#define IRQ_PACKET_WAIT_MS	2000

static int packet_wait(struct device *dev, uint32_t *head)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint32_t before;
	int tries, ret = igb_head_read(dev, &before);

	for (tries = 0; !ret && tries < IRQ_PACKET_WAIT_MS; tries++) {
		ret = igb_head_read(dev, head);
		if (!ret && *head != before)
			return 0;
		nanosleep(&pause, NULL);
	}
	return ret ? ret : -ETIMEDOUT;
}

/* Between one packet and the next. */
static int swap_in_silence(struct device *dev)
{
	uint32_t before, after;
	char detail[64];
	int ret = packet_wait(dev, &before);

	check_result(pci_msix_masked(dev->bdf), 1, "irq-masked-before-swap");
	if (!ret)
		ret = device_swap(dev);
	if (!ret)
		ret = igb_head_read(dev, &after);
	if (ret)
		return ret;
	snprintf(detail, sizeof(detail), "descriptor %u, then %u", before, after);
	check(before == after, detail, "irq-in-silence");
	check(dev->nr_irqs > 0, "", "irq-was-pending");
	check_result(pci_msix_masked(dev->bdf), 0, "irq-unmasked-after-swap");
	return 0;
}

static int swap_one(struct device *dev)
{
	int ret = device_claim(dev);

	if (ret)
		return ret;
	return dev->ops->kind == RIG_DEVICE_IGB ? swap_in_silence(dev) : device_swap(dev);
}

int irq_swap(struct rig *rig)
{
	struct device *dev;
	int ret = 0;

	channel_mark("swap-begin");
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = swap_one(dev);
	channel_mark("swap-end");
	return ret;
}
