/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the functions of an 82576 have in common: alone, physical with virtual ones beside it, or virtual. */
#ifndef RIG_GUEST_IGB_H
#define RIG_GUEST_IGB_H

#include <stddef.h>

#include "device.h"

#define IGB_RCTL		0x0100
#define IGB_GPIE		0x1514
#define IGB_EIMS		0x1524
#define IGB_EIAC		0x152c
#define IGB_IVAR0		0x1700

#define IGB_RCTL_EN		(1u << 1)
#define IGB_RCTL_SECRC		(1u << 26)	/* strip the CRC */
#define IGB_GPIE_MULTIPLE_MSIX	(1u << 4)
#define IGB_IVAR_VALID		(1u << 7)

/* DMA memory: the ring of descriptors of 16 bytes, then the buffers. */
#define IGB_NR_DESCRIPTORS	32768u
#define IGB_RING_BYTES		(IGB_NR_DESCRIPTORS * 16u)
#define IGB_BUFFER_BYTES	1024u
#define IGB_BUFFERS		IGB_RING_BYTES
#define IGB_DMA_BYTES		(IGB_BUFFERS + IGB_NR_DESCRIPTORS * IGB_BUFFER_BYTES)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct igb_setup {
	uint32_t reg;
	uint32_t value;
};

int igb_read(const struct device *dev, uint32_t reg, uint32_t *value);
int igb_write(const struct device *dev, uint32_t reg, uint32_t value);
int igb_write_all(const struct device *dev, const struct igb_setup *setup, size_t nr);

int igb_link_up(const struct device *dev);
int igb_queue_setup(const struct device *dev);
int igb_ring_start(struct device *dev);

int igb_adopt(struct device *dev);
int igb_poll(struct device *dev);
int igb_irq_raise(struct device *dev);
uint32_t igb_irq_owed(struct device *dev);

#endif
