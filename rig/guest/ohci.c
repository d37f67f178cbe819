// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An OHCI USB controller as a tripwire. In its operational state it writes a 16-bit frame number to memory each
 * millisecond, having read memory first; if one read is blocked it reports an unrecoverable error and stops until it is
 * reset. OpenHCI for USB, release 1.0a: 4.4 (communications area), 7 (registers).
 */
#include <errno.h>

#include "device.h"
#include "ohci.h"

/* A device that gave up under another kernel comes back by its own reset alone. */
static int ohci_revive(struct device *dev)
{
	uint32_t status;
	int ret = vfio_read32(&dev->vfio, OHCI_INTERRUPT_STATUS, &status);

	if (ret || !(status & OHCI_UNRECOVERABLE))
		return ret;
	return vfio_write32(&dev->vfio, OHCI_COMMAND_STATUS, OHCI_CONTROLLER_RESET);
}

static int ohci_start(struct device *dev)
{
	int ret = ohci_revive(dev);

	if (!ret)
		ret = vfio_write32(&dev->vfio, OHCI_HCCA, dev->iova);

	if (!ret)
		ret = vfio_write32(&dev->vfio, OHCI_FM_INTERVAL, OHCI_FM_INTERVAL_1MS);
	if (!ret)
		ret = vfio_write32(&dev->vfio, OHCI_CONTROL, OHCI_OPERATIONAL);
	return ret;
}

static int ohci_poll(struct device *dev)
{
	uint32_t control, status;
	int ret = vfio_read32(&dev->vfio, OHCI_CONTROL, &control);

	if (!ret)
		ret = vfio_read32(&dev->vfio, OHCI_INTERRUPT_STATUS, &status);
	if (ret)
		return ret;
	if (status & OHCI_UNRECOVERABLE)
		return -EIO;
	return (control & OHCI_CONTROL_STATE) == OHCI_OPERATIONAL ? 0 : -ENOTCONN;
}

static int ohci_adopt(struct device *dev)
{
	uint32_t hcca;
	int ret = vfio_read32(&dev->vfio, OHCI_HCCA, &hcca);

	if (ret)
		return ret;
	if (hcca != dev->iova)
		return -EPROTO;
	return ohci_poll(dev);
}

const struct device_ops ohci_ops = {
	.kind = RIG_DEVICE_OHCI,
	.vendor = 0x106b,
	.device = 0x003f,
	.dma_bytes = MEMORY_PAGE_BYTES,
	.counter_offset = HCCA_FRAME_NUMBER,
	.counter_bytes = 2,
	.counter_modulo = 1 << 16,
	.counter_register = OHCI_FM_NUMBER,
	.start = ohci_start,
	.adopt = ohci_adopt,
	.poll = ohci_poll,
};
