/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices under test, each driven by a few functions. A device gets a HWPT of its own, and its DMA memory at an IOVA
 * that is no address of RAM, so that DMA which is not translated, or by another device's table, cannot pass for DMA that
 * is.
 */
#ifndef RIG_GUEST_DEVICE_H
#define RIG_GUEST_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "rig_telemetry.h"
#include "vfio.h"

/*
 * From 2.5 GiB up to the memory-mapped configuration space at 2.75 GiB a PC has nothing, with little RAM: DMA that
 * escapes translation then hits nothing, rather than RAM or another device's registers.
 */
#define DEVICE_IOVA_FIRST	0xa0000000ULL
#define DEVICE_IOVA_BYTES	0x04000000ULL

/* An IOVA that no device has in use, and no RAM is at. */
#define DEVICE_IOVA_UNUSED	0x90000000ULL

/* What devices are bound to and do DMA into. */
struct space {
	int iommufd;
	struct memory memory;
};

struct device;

/**
 * struct device_ops - what a kind of device brings
 * @kind: for the witness
 * @vendor: PCI vendor id
 * @device: PCI device id
 * @dma_bytes: DMA memory that the device needs
 * @counter_offset: in the DMA memory, of the counter that the device writes
 * @counter_bytes: size of the counter, 0 if there is none
 * @counter_modulo: the counter wraps at this value
 * @counter_register: offset in BAR 0 of the same counter as a register, 0 if there is none
 * @bytes_per_second: of a counter of bytes
 * @has_irq: the device raises MSI-X vector 0
 * @start: program the device from reset; its table is attached, bus mastering on, its interrupt set
 * @adopt: take over a device that runs since an earlier kernel: look, and write to no register
 * @poll: what is to be done now and then, and after each interrupt; an error means that the device no longer works; NULL: nothing
 * @irq_raise: make the device interrupt, for no reason; only with @has_irq
 * @irq_owed: after @adopt: how much came for which the device must have raised an interrupt that nobody got; only with @has_irq, NULL: nothing
 */
struct device_ops {
	uint32_t kind;
	uint32_t vendor;
	uint32_t device;
	uint64_t dma_bytes;
	uint64_t counter_offset;
	uint32_t counter_bytes;
	uint64_t counter_modulo;
	uint32_t counter_register;
	uint64_t bytes_per_second;
	bool has_irq;
	int (*start)(struct device *dev);
	int (*adopt)(struct device *dev);
	int (*poll)(struct device *dev);
	int (*irq_raise)(struct device *dev);
	uint32_t (*irq_owed)(struct device *dev);
};

extern const struct device_ops ohci_ops;
extern const struct device_ops hda_ops;
extern const struct device_ops igb_ops;
extern const struct device_ops igb_pf_ops;
extern const struct device_ops igb_vf_ops;
extern const struct device_ops igb_stub_ops;
extern const struct device_ops igb_kept_ops;
extern const struct device_ops e1000e_ops;

struct device {
	const struct device_ops *ops;
	char name[8];
	char bdf[16];
	bool preserved;
	bool has_pasids;		/* its HWPTs are such that it may */
	bool failed;			/* said so to the witness */
	unsigned int index;		/* in the rig's list: makes tokens and IOVAs */
	struct space *space;
	uint64_t dma_offset;		/* in the space's memfd */
	uint64_t iova;
	struct rig_device *telemetry;
	struct rig_packets *packets;

	struct vfio_device vfio;
	uint32_t ioas_id;
	uint32_t hwpt_id;
	int irq_fd;
	uint64_t nr_irqs;
	uint32_t irqs_owed;		/* packets of the blackout, of which an interrupt must tell */
	bool served;			/* after an update: the program has its registers and interrupts */
	uint32_t next;			/* igb: next descriptor to look at */

	struct device *pf;		/* of a virtual function: its physical one */
	unsigned int nr_vfs;		/* of a physical function */
	bool pooled;			/* receives by a pool of the filter, what is sent to its address */
	uint32_t pool;
	const uint8_t *token;		/* what functions of one device show that they belong together by, when they are opened */
	uint8_t *bar0;			/* the registers, where the host's driver has the device */

	bool marked;			/* its HWPT, which it stays whatever becomes of the session */
	int retrieved_fd;		/* its file of the session, from retrieve to bind, else -1 */
	uint32_t restored_id;		/* the HWPT of the old tables, from restore to destroy, else 0 */
};

int device_describe(struct device *dev, const char *description);
int device_open(struct device *dev);
int device_announce(struct device *dev);
int device_ioas_begin(const struct device *dev, uint32_t *ioas_id);
int device_ioas_map(const struct device *dev, uint32_t ioas_id);
int device_claim(struct device *dev);
int device_serve(struct device *dev);
int device_swap(struct device *dev);
int device_irq_set(struct device *dev);
int device_irq_count(struct device *dev);
int device_irq_wait(struct device *dev, unsigned int ms);
int device_poll(struct device *dev);

int igb_head_read(struct device *dev, uint32_t *head);

int igb_functions_relate(struct device *devices, unsigned int nr_devices);
int igb_stub_start(struct device *dev);

static inline uint64_t device_iova(unsigned int index)
{
	return DEVICE_IOVA_FIRST + index * DEVICE_IOVA_BYTES;
}

static inline void *device_dma(const struct device *dev, uint64_t offset)
{
	return dev->space->memory.base + dev->dma_offset + offset;
}

#endif
