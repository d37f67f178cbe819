/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest program and the witness agree on.
 *
 * The guest program keeps one telemetry page at offset 0 of its sealed memfd (the same memfd the devices do DMA into, so it
 * survives the update with the DMA memory). It tells the page's guest physical address once, on the telemetry channel
 * (the second serial port), as a JSON line; from then on the witness reads page and DMA memory directly in the shared guest RAM
 * file and needs no cooperation of the guest.
 *
 * JSON lines on the channel, guest to witness only; "t_ns" is CLOCK_MONOTONIC of the guest's kernel:
 *   {"event":"hello","kernel":"<uname -r>","generation":N,"t_ns":T}            first line of each kernel's init; generation 0 is the cold boot
 *   {"event":"telemetry","pa":"0x..."}                                         telemetry page is valid
 *   {"event":"device","name":"ohci|hda|igb|vf0|vf1|igbstub|rogue","bdf":"0000:00:03.0","preserved":true|false}
 *   {"event":"mark","name":"<step>","t_ns":T}                                  steps, see below
 *   {"event":"irq","device":"igb","count":N}                                   interrupts the guest received, so far in this kernel
 *   {"event":"check","name":"...","ok":true|false,"detail":"..."}              one assertion made inside the guest
 *   {"event":"figure","name":"...","value":N}                                 what was measured, in ns of the guest's clock if nothing else
 *   {"event":"done","generation":N}                                            the guest's part of the scenario is over; the witness ends the run
 *
 * Steps, in order of the happy path; each is sent as "<step>-begin" and "<step>-end" unless it is a point in time:
 *   workload, preserve, kexec (a point: just before the reboot system call), retrieve, swap, finish
 */
#ifndef RIG_TELEMETRY_H
#define RIG_TELEMETRY_H

#include <stdint.h>

#define RIG_TELEMETRY_MAGIC	0x31656c6574676972ULL	/* "rigtele1", little endian */
#define RIG_NR_DEVICES		20
#define RIG_PACKET_MAGIC	0x68746c73U		/* first word of a packet's payload */
#define RIG_PACKET_ETHERTYPE	0x88b5			/* IEEE 802 local experimental */
#define RIG_MAX_PACKETS		262144			/* sequence numbers a run may use */

enum rig_device_kind {
	RIG_DEVICE_NONE = 0,
	RIG_DEVICE_OHCI = 1,
	RIG_DEVICE_HDA = 2,
	RIG_DEVICE_IGB = 3,
	RIG_DEVICE_IDLE = 4,		/* does no DMA */
};

/*
 * One device. counter_pa points into DMA memory at a counter that the device itself writes.
 *   OHCI: HccaFrameNumber, 16 bits, one step a millisecond; register: HcFmNumber (BAR0 + 0x3c).
 *   HDA: the capture stream's entry of the DMA position buffer, 32 bits, bytes into the cyclic buffer; register: SDnLPIB.
 *   IGB: none (0); packets are judged by their sequence numbers. register: RDH of its queue, descriptors the device has used.
 */
struct rig_device {
	uint32_t kind;			/* enum rig_device_kind, 0: slot not used */
	uint32_t bdf;			/* bus << 8 | devfn, segment 0 */
	uint32_t preserved;		/* 1: part of the update; 0: to be contained */
	uint32_t counter_bytes;		/* 2 or 4; 0: no counter */
	uint64_t counter_pa;		/* guest physical */
	uint64_t register_pa;		/* guest physical address of the device's own counter register, 0: none */
	uint64_t counter_modulo;	/* the counter wraps at this value */
	uint64_t bytes_per_second;	/* HDA: rate of the stream; 0: no such rate */
	uint64_t reserved[2];
};

/* What the guest saw of the packets; written by the guest only, after it has looked at each received packet. */
struct rig_packets {
	uint64_t received;		/* distinct sequence numbers that came intact */
	uint64_t duplicated;
	uint64_t corrupt;
	uint64_t highest_sequence;
	uint64_t bitmap_pa[8];		/* guest physical address of each 4 KiB page of the seen-bitmap, bit n of the whole: sequence n came */
};

struct rig_telemetry {
	uint64_t magic;			/* RIG_TELEMETRY_MAGIC, written last */
	uint32_t generation;		/* kernels booted since the cold boot */
	uint32_t nr_devices;
	struct rig_device devices[RIG_NR_DEVICES];
	struct rig_packets packets;
};

/*
 * Where a packet goes. With one function that receives: to all. With virtual functions: packet n to the receiver n % (their number),
 * in the order of the scenario's devices, by an address that ends in the pool: the virtual function's number, or RIG_POOL_PF.
 */
#define RIG_MAC_PREFIX		{ 0x02, 0, 0, 0x48, 0x4c }	/* locally administered */
#define RIG_MAC_POOL(pool)	(0x10 + (pool))
#define RIG_POOL_PF		7

/*
 * A packet from the witness: Ethernet header (RIG_PACKET_ETHERTYPE), then this, network byte order left aside: little endian like
 * everything here. The payload is filled with a pattern made from the sequence number, so that a packet in another's buffer or a torn
 * one is seen as corrupt; and so is one that came to a function whose address it does not have.
 */
struct rig_packet {
	uint32_t magic;			/* RIG_PACKET_MAGIC */
	uint32_t sequence;		/* from 0 */
	uint32_t payload[24];		/* payload[i] = sequence * 2654435761u + i */
} __attribute__((packed));

#endif
