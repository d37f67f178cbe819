/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One sealed memfd holds all that outlives a kernel: first the program's own part (the telemetry page, the bitmap of
 * packets seen, pages to read firmware files through), then each device's DMA memory.
 */
#ifndef RIG_GUEST_MEMORY_H
#define RIG_GUEST_MEMORY_H

#include <stdint.h>

#include "rig_telemetry.h"

#define MEMORY_PAGE_BYTES	4096ULL
#define MEMORY_LARGE_BYTES	(2ULL << 20)

/* One bit of a word of /proc/self/pagemap says that the page is there, the low 55 are its frame number. */
#define MEMORY_PAGEMAP_PRESENT	(1ULL << 63)
#define MEMORY_PAGEMAP_PFN	((1ULL << 55) - 1)

/* Offsets in the memfd. */
#define MEMORY_TELEMETRY	0x0000ULL
#define MEMORY_BITMAP		0x1000ULL
#define MEMORY_BITMAP_BYTES	(RIG_MAX_PACKETS / 8)
#define MEMORY_SCRATCH		0xa000ULL	/* contents of no value from one use to the next */
#define MEMORY_SCRATCH_BYTES	0x2000ULL
#define MEMORY_PROGRAM_BYTES	0x10000ULL	/* end of the program's part */

struct memory {
	int fd;
	uint64_t bytes;
	uint8_t *base;
};

int memory_create(struct memory *memory, uint64_t bytes);
int memory_create_large(struct memory *memory, uint64_t bytes);
int memory_adopt(struct memory *memory, int fd, uint64_t bytes);
void memory_free(struct memory *memory);
int memory_pa(const struct memory *memory, uint64_t offset, uint64_t *pa);

static inline struct rig_telemetry *memory_telemetry(const struct memory *memory)
{
	return (struct rig_telemetry *)(memory->base + MEMORY_TELEMETRY);
}

#endif
