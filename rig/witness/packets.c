// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "packets.h"

#define MAX_BURST	64
#define BITMAP_PAGE	4096U
#define MAX_TICK_NS	(10 * NSEC_PER_MSEC)	/* more between two ticks is time the witness did not get */

struct frame {
	uint8_t destination[6], source[6];
	uint16_t ethertype;
	struct rig_packet packet;
} __attribute__((packed));

void packets_init(struct packets *packets, int fd, const struct strings *devices, int64_t rate)
{
	*packets = (struct packets){ .fd = fd, .refused_since_ns = NEVER };
	packets->nr_receivers = qemu_receivers(devices, packets->receivers);
	packets->rate = packets->nr_receivers ? rate : 0;
}

/* Several receivers take turns. */
static void address_fill(const struct packets *packets, uint8_t destination[6], uint32_t sequence)
{
	static const uint8_t prefix[5] = RIG_MAC_PREFIX;

	memset(destination, 0xff, 6);
	if (packets->nr_receivers < 2)
		return;
	memcpy(destination, prefix, sizeof(prefix));
	destination[5] = RIG_MAC_POOL(packets->receivers[sequence % packets->nr_receivers]->pool);
}

static void frame_fill(const struct packets *packets, struct frame *frame, uint32_t sequence)
{
	static const uint8_t source[6] = { 0x02, 0, 0, 0x48, 0x4c, 0x01 };	/* locally administered */

	address_fill(packets, frame->destination, sequence);
	memcpy(frame->source, source, sizeof(source));
	frame->ethertype = htons(RIG_PACKET_ETHERTYPE);
	frame->packet.magic = htole32(RIG_PACKET_MAGIC);
	frame->packet.sequence = htole32(sequence);
	for (uint32_t i = 0; i < sizeof(frame->packet.payload) / sizeof(frame->packet.payload[0]); i++)
		frame->packet.payload[i] = htole32(sequence * 2654435761u + i);
}

static void throw_away_received(struct packets *packets)
{
	uint8_t waste[2048];

	while (recv(packets->fd, waste, sizeof(waste), MSG_DONTWAIT) > 0)
		;
}

static void record_refusal(struct packets *packets, bool refused, bool awake)
{
	int64_t now = now_ns(), since_tick = now - packets->tick_ns;

	packets->tick_ns = now;
	if (!refused)
		return;
	if (awake)
		packets->refused_awake_ns += since_tick < MAX_TICK_NS ? since_tick : MAX_TICK_NS;
	if (packets->refused_awake_ns > packets->longest_refused_awake_ns)
		packets->longest_refused_awake_ns = packets->refused_awake_ns;
	if (packets->refused_since_ns == NEVER)
		packets->refused_since_ns = now;
	if (now - packets->refused_since_ns > packets->longest_refused_ns)
		packets->longest_refused_ns = now - packets->refused_since_ns;
}

void packets_tick(struct packets *packets, const struct timeline *timeline, uint64_t answers)
{
	bool awake = answers != packets->answers;
	int64_t due, backlog;
	struct frame frame;
	bool refused = false;

	packets->answers = answers;
	throw_away_received(packets);
	if (packets->stopped || !packets->rate || timeline->workload_ns == NEVER)
		return;
	if (!timeline->nr_hops)
		packets->sent_at_kexec = packets->sent;
	due = (now_ns() - timeline->workload_ns) / 1000 * packets->rate / 1000000;
	if (due > RIG_MAX_PACKETS)
		due = RIG_MAX_PACKETS;
	for (int i = 0; i < MAX_BURST && packets->sent < due; i++) {
		frame_fill(packets, &frame, packets->sent);
		refused = send(packets->fd, &frame, sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(frame);
		if (refused) {
			if (errno != EAGAIN && errno != ENOBUFS)
				packets->errors++;
			break;
		}
		packets->sent++;
		packets->refused_since_ns = NEVER;
		packets->refused_awake_ns = 0;
	}
	record_refusal(packets, refused, awake);
	backlog = due - packets->sent;
	if (backlog > packets->longest_backlog)
		packets->longest_backlog = backlog;
}

void packets_stop(struct packets *packets)
{
	packets->stopped = true;
}

/* NULL if the guest never said where, or said something that is no RAM. */
static const volatile uint8_t *bitmap_page(const struct telemetry *telemetry, unsigned int index)
{
	uint64_t pa = telemetry->table.packets.bitmap_pa[index];

	return pa ? ram_at(telemetry->ram, pa, BITMAP_PAGE) : NULL;
}

static bool was_seen(const struct telemetry *telemetry, uint32_t sequence)
{
	const volatile uint8_t *page = bitmap_page(telemetry, sequence / 8 / BITMAP_PAGE);

	return page && page[sequence / 8 % BITMAP_PAGE] & 1U << sequence % 8;
}

/* A number that was never sent and yet seen is no packet of ours. */
static void judge_bitmap(struct packet_verdict *v, const struct telemetry *telemetry)
{
	for (uint32_t sequence = 0; sequence < RIG_MAX_PACKETS; sequence++) {
		bool seen = was_seen(telemetry, sequence);

		if (sequence >= v->sent) {
			v->corrupt += seen;
		} else if (seen) {
			v->received++;
		} else if (!v->lost++) {
			v->first_lost = sequence;
		}
	}
}

struct packet_verdict packets_judge(const struct packets *packets, const struct telemetry *telemetry)
{
	const volatile struct rig_telemetry *page = telemetry_page(telemetry);
	struct packet_verdict v = { .sent = packets->sent, .counted = page };

	if (packets->sent > packets->sent_at_kexec)
		v.sent_after_kexec = packets->sent - packets->sent_at_kexec;
	if (!page) {
		v.lost = v.sent;
		return v;
	}
	v.duplicated = page->packets.duplicated;
	v.corrupt = page->packets.corrupt;
	judge_bitmap(&v, telemetry);
	return v;
}
