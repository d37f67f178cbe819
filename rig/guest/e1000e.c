// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An 82574 Ethernet controller that can be told to interrupt and does nothing else: what a plan has many of. (Of igb there cannot be
 * many: its virtual functions take up the bus.) Intel 82574 GbE Controller Family Datasheet, revision 3.4: 7.4 (interrupts), 10
 * (registers).
 */
#include <errno.h>

#include "device.h"

#define E1000E_ICS		0x00c8
#define E1000E_IMS		0x00d0
#define E1000E_EIAC		0x00dc
#define E1000E_IVAR		0x00e4

#define E1000E_CAUSE		(1u << 20)	/* receive queue 0 */
#define E1000E_IVAR_VALID	(1u << 3)	/* its message is vector 0 */

static int e1000e_start(struct device *dev)
{
	int ret = vfio_write32(&dev->vfio, E1000E_IVAR, E1000E_IVAR_VALID);

	if (!ret)
		ret = vfio_write32(&dev->vfio, E1000E_EIAC, E1000E_CAUSE);
	if (!ret)
		ret = vfio_write32(&dev->vfio, E1000E_IMS, E1000E_CAUSE);
	return ret;
}

/* After a reset it could not interrupt. */
static int e1000e_adopt(struct device *dev)
{
	uint32_t vectors;
	int ret = vfio_read32(&dev->vfio, E1000E_IVAR, &vectors);

	if (ret)
		return ret;
	return vectors == E1000E_IVAR_VALID ? 0 : -EPROTO;
}

/* By EIAC one that was sent is masked until it is asked for again. */
static int e1000e_irq_raise(struct device *dev)
{
	int ret = vfio_write32(&dev->vfio, E1000E_IMS, E1000E_CAUSE);

	return ret ? ret : vfio_write32(&dev->vfio, E1000E_ICS, E1000E_CAUSE);
}

const struct device_ops e1000e_ops = {
	.kind = RIG_DEVICE_IDLE,
	.vendor = 0x8086,
	.device = 0x10d3,
	.has_irq = true,
	.start = e1000e_start,
	.adopt = e1000e_adopt,
	.irq_raise = e1000e_irq_raise,
};
