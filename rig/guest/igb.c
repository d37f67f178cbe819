// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An 82576 Ethernet controller that receives the witness's numbered packets, with a ring so long that it takes what comes
 * while no software runs. Intel 82576 Gigabit Ethernet Controller Datasheet, revision 2.63: 7.1 (receive), 7.3
 * (interrupts), 8 (registers).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "igb.h"

#define IGB_CTRL		0x0000
#define IGB_STATUS		0x0008
#define IGB_MDIC		0x0020
#define IGB_EICS		0x1520

/* Of one receive queue, from its base on. */
#define IGB_RDBAL		0x00
#define IGB_RDBAH		0x04
#define IGB_RDLEN		0x08
#define IGB_SRRCTL		0x0c
#define IGB_RDH			0x10
#define IGB_RDT			0x18
#define IGB_RXDCTL		0x28
#define IGB_QUEUE0		0xc000

#define IGB_CTRL_SLU		(1u << 6)	/* set link up */
#define IGB_STATUS_LU		(1u << 1)
#define IGB_MDIC_PHY1		(1u << 21)
#define IGB_MDIC_WRITE		(1u << 26)
#define IGB_MDIC_READY		(1u << 28)
#define IGB_RCTL_UPE		(1u << 3)	/* promiscuous */
#define IGB_RCTL_MPE		(1u << 4)
#define IGB_RCTL_BAM		(1u << 15)	/* broadcast */
#define IGB_SRRCTL_1KIB		1u		/* packet buffer size in KiB */
#define IGB_SRRCTL_ADV_ONEBUF	(1u << 25)
#define IGB_RXDCTL_ENABLE	(1u << 25)

#define PHY_CONTROL		0
#define PHY_CONTROL_AUTONEG	0x1200		/* enable and restart autonegotiation */

#define IGB_RX_DONE		(1u << 0)
#define IGB_RX_END_OF_PACKET	(1u << 1)

#define ETHERNET_ADDRESS_BYTES	6
#define ETHERNET_HEADER_BYTES	14
#define ETHERNET_TYPE		12

/* Software writes the first form, the device writes the second one over it. */
union igb_descriptor {
	struct {
		uint64_t packet_address;
		uint64_t header_address;
	} read;
	struct {
		uint32_t type;
		uint32_t hash;
		uint32_t status;
		uint16_t bytes;
		uint16_t vlan;
	} done;
};

_Static_assert(sizeof(union igb_descriptor) == IGB_RING_BYTES / IGB_NR_DESCRIPTORS, "size of a descriptor");

static union igb_descriptor *igb_descriptor(const struct device *dev, uint32_t index)
{
	return (union igb_descriptor *)device_dma(dev, 0) + index;
}

static void igb_descriptor_arm(const struct device *dev, uint32_t index)
{
	union igb_descriptor *descriptor = igb_descriptor(dev, index);

	descriptor->read.header_address = 0;
	descriptor->read.packet_address = dev->iova + IGB_BUFFERS + (uint64_t)index * IGB_BUFFER_BYTES;
}

/* Through the device's file, or through a mapping where the host's driver has the device. */
int igb_read(const struct device *dev, uint32_t reg, uint32_t *value)
{
	if (!dev->bar0)
		return vfio_read32(&dev->vfio, reg, value);
	*value = *(const volatile uint32_t *)(dev->bar0 + reg);
	return 0;
}

int igb_write(const struct device *dev, uint32_t reg, uint32_t value)
{
	if (!dev->bar0)
		return vfio_write32(&dev->vfio, reg, value);
	*(volatile uint32_t *)(dev->bar0 + reg) = value;
	return 0;
}

int igb_write_all(const struct device *dev, const struct igb_setup *setup, size_t nr)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < nr; i++)
		ret = igb_write(dev, setup[i].reg, setup[i].value);
	return ret;
}

/* A register of the queue that the function receives by. */
static uint32_t igb_queue(const struct device *dev, uint32_t reg)
{
	return dev->ops->counter_register - IGB_RDH + reg;
}

static int igb_bit_wait(const struct device *dev, uint32_t reg, uint32_t bit)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint32_t value;
	int tries, ret;

	for (tries = 0; tries < 5000; tries++) {
		ret = igb_read(dev, reg, &value);
		if (ret)
			return ret;
		if (value & bit)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

int igb_link_up(const struct device *dev)
{
	uint32_t ctrl;
	int ret = igb_read(dev, IGB_CTRL, &ctrl);

	if (!ret)
		ret = igb_write(dev, IGB_CTRL, ctrl | IGB_CTRL_SLU);
	if (!ret)
		ret = igb_write(dev, IGB_MDIC,
				   IGB_MDIC_WRITE | IGB_MDIC_PHY1 | PHY_CONTROL << 16 | PHY_CONTROL_AUTONEG);
	if (!ret)
		ret = igb_bit_wait(dev, IGB_MDIC, IGB_MDIC_READY);
	if (!ret)
		ret = igb_bit_wait(dev, IGB_STATUS, IGB_STATUS_LU);
	return ret;
}

int igb_queue_setup(const struct device *dev)
{
	const struct igb_setup setup[] = {
		{ igb_queue(dev, IGB_RDBAL), dev->iova },
		{ igb_queue(dev, IGB_RDBAH), dev->iova >> 32 },
		{ igb_queue(dev, IGB_RDLEN), IGB_RING_BYTES },
		{ igb_queue(dev, IGB_SRRCTL), IGB_SRRCTL_ADV_ONEBUF | IGB_SRRCTL_1KIB },
		{ igb_queue(dev, IGB_RDH), 0 },
		{ igb_queue(dev, IGB_RDT), 0 },
		{ igb_queue(dev, IGB_RXDCTL), IGB_RXDCTL_ENABLE },
	};

	return igb_write_all(dev, setup, ARRAY_SIZE(setup));
}

/*
 * The cause of vector 0 clears itself when the message is sent and stays enabled: there is nothing for software to write
 * on an interrupt, so none is held back while no software runs.
 */
static int igb_registers_setup(const struct device *dev)
{
	const struct igb_setup setup[] = {
		{ IGB_GPIE, IGB_GPIE_MULTIPLE_MSIX },
		{ IGB_EIAC, 1 },
		{ IGB_IVAR0, IGB_IVAR_VALID },
		{ IGB_EIMS, 1 },
	};
	int ret = igb_write_all(dev, setup, ARRAY_SIZE(setup));

	if (!ret)
		ret = igb_queue_setup(dev);
	return ret ? ret : igb_write(dev, IGB_RCTL, IGB_RCTL_EN | IGB_RCTL_UPE | IGB_RCTL_MPE | IGB_RCTL_BAM | IGB_RCTL_SECRC);
}

/* The tail stays one behind the descriptor that is looked at next: the device may fill all but one. */
static int igb_tail_write(struct device *dev)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);	/* descriptors before the register that hands them over */
	return igb_write(dev, igb_queue(dev, IGB_RDT), (dev->next + IGB_NR_DESCRIPTORS - 1) % IGB_NR_DESCRIPTORS);
}

static int igb_packets_init(struct device *dev)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; !ret && i < MEMORY_BITMAP_BYTES / MEMORY_PAGE_BYTES; i++)
		ret = memory_pa(&dev->space->memory, MEMORY_BITMAP + i * MEMORY_PAGE_BYTES, &dev->packets->bitmap_pa[i]);
	return ret;
}

/* The queue is set up: hands the device all it has. */
int igb_ring_start(struct device *dev)
{
	uint32_t i;
	int ret = igb_packets_init(dev);

	if (ret)
		return ret;
	for (i = 0; i < IGB_NR_DESCRIPTORS; i++)
		igb_descriptor_arm(dev, i);
	dev->next = 0;
	return igb_tail_write(dev);
}

static int igb_start(struct device *dev)
{
	int ret = igb_link_up(dev);

	if (!ret)
		ret = igb_registers_setup(dev);
	return ret ? ret : igb_ring_start(dev);
}

/* The tail register says where the last kernel's program was. */
int igb_adopt(struct device *dev)
{
	uint32_t base, tail;
	int ret = igb_read(dev, igb_queue(dev, IGB_RDBAL), &base);

	if (!ret)
		ret = igb_read(dev, igb_queue(dev, IGB_RDT), &tail);
	if (ret)
		return ret;
	if (base != dev->iova || tail >= IGB_NR_DESCRIPTORS)
		return -EPROTO;
	dev->next = (tail + 1) % IGB_NR_DESCRIPTORS;
	return 0;
}

static bool packet_intact(const struct rig_packet *packet)
{
	uint32_t i, sequence = packet->sequence;

	if (packet->magic != RIG_PACKET_MAGIC || sequence >= RIG_MAX_PACKETS)
		return false;
	for (i = 0; i < sizeof(packet->payload) / sizeof(packet->payload[0]); i++)
		if (packet->payload[i] != sequence * 2654435761u + i)
			return false;
	return true;
}

static void packet_count(struct device *dev, uint32_t sequence)
{
	uint8_t *byte = dev->space->memory.base + MEMORY_BITMAP + sequence / 8;
	uint8_t bit = 1 << sequence % 8;

	if (*byte & bit) {
		dev->packets->duplicated++;
		return;
	}
	*byte |= bit;
	dev->packets->received++;
	if (sequence > dev->packets->highest_sequence)
		dev->packets->highest_sequence = sequence;
}

/* Sent to all, or to this function alone. */
static bool address_right(const struct device *dev, const uint8_t *frame)
{
	static const uint8_t all[ETHERNET_ADDRESS_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t own[ETHERNET_ADDRESS_BYTES - 1] = RIG_MAC_PREFIX;

	if (!dev->pooled)
		return !memcmp(frame, all, sizeof(all));
	return !memcmp(frame, own, sizeof(own)) && frame[sizeof(own)] == RIG_MAC_POOL(dev->pool);
}

/* Frames of other types are not the witness's, and none of its business. */
static void igb_packet_look(struct device *dev, uint32_t index, uint32_t bytes, uint32_t status)
{
	const uint8_t *frame = device_dma(dev, IGB_BUFFERS + (uint64_t)index * IGB_BUFFER_BYTES);
	struct rig_packet packet;

	if (bytes < ETHERNET_HEADER_BYTES ||
	    (frame[ETHERNET_TYPE] << 8 | frame[ETHERNET_TYPE + 1]) != RIG_PACKET_ETHERTYPE)
		return;
	memcpy(&packet, frame + ETHERNET_HEADER_BYTES, sizeof(packet));
	if (bytes < ETHERNET_HEADER_BYTES + sizeof(packet) || !(status & IGB_RX_END_OF_PACKET) || !packet_intact(&packet) ||
	    !address_right(dev, frame)) {
		dev->packets->corrupt++;
		return;
	}
	packet_count(dev, packet.sequence);
}

int igb_poll(struct device *dev)
{
	uint32_t status, first = dev->next;
	union igb_descriptor *descriptor;

	for (;;) {
		descriptor = igb_descriptor(dev, dev->next);
		/* The device writes the packet before the status. */
		status = __atomic_load_n(&descriptor->done.status, __ATOMIC_ACQUIRE);
		if (!(status & IGB_RX_DONE))
			break;
		igb_packet_look(dev, dev->next, descriptor->done.bytes, status);
		igb_descriptor_arm(dev, dev->next);
		dev->next = (dev->next + 1) % IGB_NR_DESCRIPTORS;
	}
	return dev->next == first ? 0 : igb_tail_write(dev);
}

/* Packets that lie in the ring since the last kernel's program looked. */
uint32_t igb_irq_owed(struct device *dev)
{
	uint32_t head;

	if (igb_head_read(dev, &head) || head >= IGB_NR_DESCRIPTORS)
		return 0;
	return (head + IGB_NR_DESCRIPTORS - dev->next) % IGB_NR_DESCRIPTORS;
}

int igb_irq_raise(struct device *dev)
{
	return igb_write(dev, IGB_EICS, 1);
}

/* The descriptor that the device fills next. */
int igb_head_read(struct device *dev, uint32_t *head)
{
	return igb_read(dev, igb_queue(dev, IGB_RDH), head);
}

const struct device_ops igb_ops = {
	.kind = RIG_DEVICE_IGB,
	.vendor = 0x8086,
	.device = 0x10c9,
	.dma_bytes = IGB_DMA_BYTES,
	.counter_modulo = IGB_NR_DESCRIPTORS,
	.counter_register = IGB_QUEUE0 + IGB_RDH,
	.has_irq = true,
	.start = igb_start,
	.adopt = igb_adopt,
	.poll = igb_poll,
	.irq_raise = igb_irq_raise,
	.irq_owed = igb_irq_owed,
};
