// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AMD I/O Virtualization Technology (IOMMU) Specification, 48882: section 2.2.2 "Device Table" for entries, and for guest CR3 tables behind
 * them, section 3.4 "MMIO Registers". AMD64 Architecture Programmer's Manual, volume 2, 24593: section 5.3 "Long-Mode Page Translation", for
 * guest page tables. Written from these and not from the driver's definitions, so that a mistake there is not made here again.
 */
#include <endian.h>
#include <string.h>

#include "iommu.h"

#define REGISTERS		0xfed80000ULL	/* where QEMU has the unit */
#define DEVICE_TABLE_BASE	REGISTERS	/* of 64 bits, as are the others; control is the fourth from here */
#define CONTROL			(REGISTERS + 0x18)
#define CONTROL_ON		1U
#define EVENT_LOG_TAIL		(REGISTERS + 0x2018)
#define STATUS			(REGISTERS + 0x2020)
#define STATUS_LOG_OVERFLOW	1U

#define BASE_POINTER		0x000ffffffffff000ULL	/* bits 51:12 */
#define BASE_SIZE(base)		((((base) & 0x1ff) + 1) * 4096)
#define ENTRY_BYTES		32

#define VALID			(1ULL << 0)
#define TRANSLATION_VALID	(1ULL << 1)
#define MODE(w0)		((w0) >> 9 & 7)		/* levels of the host table; 0: none */
#define HOST_TABLE(w0)		((w0) & BASE_POINTER)
#define GUEST_REQUESTS		(1ULL << 54)		/* requests without PASID are of PASID 0 */
#define GUEST_VALID		(1ULL << 55)
#define GUEST_TOP_LEVEL(w0)	((w0) >> 56 & 3)	/* of the guest CR3 table; 3 is for later */
#define MAY_ACCESS		(3ULL << 61)		/* read, write */
#define DOMAIN_ID(w1)		((w1) & 0xffff)
#define GUEST_TABLE(w0, w1)	(((w0) >> 58 & 7) << 12 | ((w1) >> 16 & 0xffff) << 15 | ((w1) >> 43) << 31)
#define GUEST_PAGING(w2)	((w2) >> 54 & 3)	/* 0: page tables of four levels, 1: of five */

#define TABLE_WORDS		512			/* of a guest CR3 table, and of a page table */
#define PRESENT			(1ULL << 0)		/* in either */
#define PAGE_WRITE		(1ULL << 1)
#define PAGE_USER		(1ULL << 2)		/* devices ask as users */
#define PAGE_LARGE		(1ULL << 7)
#define PAGE_LARGEST_LEVEL	2			/* 1 GiB */

/* What is no table must not keep the witness from everything else. */
#define MAX_WORDS		(1U << 22)

static const volatile uint64_t *read_table(struct iommu_tables *tables, const struct ram *ram, uint64_t pa)
{
	const volatile uint64_t *at = ram_at(ram, pa, TABLE_WORDS * sizeof(*at));

	if (!at)
		tables->nr_outside++;
	tables->nr_words += TABLE_WORDS;
	if (tables->nr_words > MAX_WORDS)
		tables->cut_short = true;
	return tables->cut_short ? NULL : at;
}

static void add_entry(struct iommu_tables *tables, const struct iommu_entry *entry)
{
	if (tables->nr == IOMMU_MAX_ENTRIES)
		tables->cut_short = true;
	else
		tables->entries[tables->nr++] = *entry;
}

/* Pages one after the other that lead to pages one after the other: the same, however large the leaves are. */
struct run_of_pages {
	uint64_t from, to, bytes;
	bool write;
};

/* FNV-1a, 64 bits */
static void digest_add(uint64_t *digest, uint64_t value)
{
	for (unsigned int i = 0; i < sizeof(value); i++)
		*digest = (*digest ^ (value >> 8 * i & 0xff)) * 0x100000001b3ULL;
}

static void digest_run(uint64_t *digest, const struct run_of_pages *run)
{
	if (!run->bytes)
		return;
	digest_add(digest, run->from);
	digest_add(digest, run->to);
	digest_add(digest, run->bytes);
	digest_add(digest, run->write);
}

static void digest_leaf(uint64_t *digest, struct run_of_pages *run, const struct run_of_pages *leaf)
{
	if (run->bytes && run->write == leaf->write && run->from + run->bytes == leaf->from && run->to + run->bytes == leaf->to) {
		run->bytes += leaf->bytes;
		return;
	}
	digest_run(digest, run);
	*run = *leaf;
}

/* @level: 0 for leaves of 4 KiB */
static void walk_pages(struct iommu_tables *tables, const struct ram *ram, uint64_t pa, unsigned int level, const struct run_of_pages *above,
		       uint64_t *digest, struct run_of_pages *run)
{
	const volatile uint64_t *at = read_table(tables, ram, pa);
	const uint64_t bytes = 4096ULL << 9 * level;

	for (unsigned int i = 0; at && i < TABLE_WORDS; i++) {
		const uint64_t word = le64toh(at[i]);
		struct run_of_pages here = { above->from + i * bytes, word & BASE_POINTER & ~(bytes - 1), bytes,
					     above->write && word & PAGE_WRITE };

		if (!(word & PRESENT) || !(word & PAGE_USER))
			continue;
		if (level && (!(word & PAGE_LARGE) || level > PAGE_LARGEST_LEVEL))
			walk_pages(tables, ram, word & BASE_POINTER, level - 1, &here, digest, run);
		else
			digest_leaf(digest, run, &here);
	}
}

static uint64_t digest_pages(struct iommu_tables *tables, const struct ram *ram, uint64_t pa, unsigned int levels)
{
	const struct run_of_pages all = { .write = true };
	uint64_t digest = 0xcbf29ce484222325ULL;
	struct run_of_pages run = { .bytes = 0 };

	walk_pages(tables, ram, pa, levels - 1, &all, &digest, &run);
	digest_run(&digest, &run);
	return digest;
}

/* @like has what is the same for all PASIDs of a device. */
static void walk_guest(struct iommu_tables *tables, const struct ram *ram, uint64_t pa, unsigned int level, uint32_t first_pasid,
		       bool requests, const struct iommu_entry *like)
{
	const volatile uint64_t *at = read_table(tables, ram, pa);

	for (uint32_t i = 0; at && i < TABLE_WORDS && !tables->cut_short; i++) {
		const uint32_t pasid = first_pasid + (i << 9 * level);
		const uint64_t word = le64toh(at[i]);
		struct iommu_entry entry = *like;

		if (!(word & PRESENT))
			continue;
		if (level) {
			walk_guest(tables, ram, word & BASE_POINTER, level - 1, pasid, requests, like);
			continue;
		}
		entry.pasid = requests && !pasid ? IOMMU_NO_PASID : pasid;
		entry.table = word & BASE_POINTER;
		entry.translates = digest_pages(tables, ram, entry.table, entry.levels);
		add_entry(tables, &entry);
	}
}

static void add_guest(struct iommu_tables *tables, const struct ram *ram, uint16_t sid, const uint64_t words[3])
{
	struct iommu_entry entry = { .sid = sid, .pasid = IOMMU_NO_PASID, .domain_id = DOMAIN_ID(words[1]), .type = IOMMU_UNKNOWN };

	/* With a host table as well, what guest tables say is translated once more. */
	if (MODE(words[0]) || GUEST_TOP_LEVEL(words[0]) == 3 || GUEST_PAGING(words[2]) > 1) {
		add_entry(tables, &entry);
		return;
	}
	if (!(words[0] & GUEST_REQUESTS)) {
		entry.type = IOMMU_PASS_THROUGH;
		add_entry(tables, &entry);
	}
	entry.type = IOMMU_GUEST;
	entry.levels = 4 + GUEST_PAGING(words[2]);
	walk_guest(tables, ram, GUEST_TABLE(words[0], words[1]), GUEST_TOP_LEVEL(words[0]), 0, words[0] & GUEST_REQUESTS, &entry);
}

/* An entry that is not valid lets every request through as it is; one without a translation, none. */
static bool take_apart(uint16_t sid, uint64_t w0, uint64_t w1, struct iommu_entry *entry)
{
	*entry = (struct iommu_entry){ .sid = sid, .pasid = IOMMU_NO_PASID, .domain_id = DOMAIN_ID(w1), .type = IOMMU_PASS_THROUGH };

	if (!(w0 & VALID))
		return true;
	if (!(w0 & TRANSLATION_VALID) || !(w0 & MAY_ACCESS))
		return false;
	if (MODE(w0) == 7) {
		entry->type = IOMMU_UNKNOWN;
	} else if (MODE(w0)) {
		entry->type = IOMMU_SECOND_STAGE;
		entry->table = HOST_TABLE(w0);
		entry->levels = MODE(w0);
	}
	return true;
}

static void amdvi_walk(const struct ram *ram, const uint32_t *root, struct iommu_tables *tables)
{
	const uint64_t base = (uint64_t)root[1] << 32 | root[0];
	const unsigned int control = CONTROL - DEVICE_TABLE_BASE;
	const volatile uint64_t *at;
	struct iommu_entry entry;
	uint64_t words[3];

	memset(tables, 0, sizeof(*tables));
	tables->translating = root[control / sizeof(*root)] & CONTROL_ON;
	tables->root = base & BASE_POINTER;
	if (!tables->translating)
		return;
	at = ram_at(ram, tables->root, BASE_SIZE(base));
	if (!at) {
		tables->nr_outside++;
		return;
	}
	for (uint32_t sid = 0; sid < BASE_SIZE(base) / ENTRY_BYTES; sid++, at += ENTRY_BYTES / sizeof(*at)) {
		for (unsigned int i = 0; i < 3; i++)
			words[i] = le64toh(at[i]);
		if (!take_apart(sid, words[0], words[1], &entry))
			continue;
		if (words[0] & VALID && words[0] & GUEST_VALID)
			add_guest(tables, ram, sid, words);
		else
			add_entry(tables, &entry);
		if (tables->cut_short)
			return;
	}
}

/* Without dma-remap=on no device is translated, whatever its entry says. */
static const char *amdvi_device(const char *mode)
{
	(void)mode;
	return "amd-iommu,dma-remap=on";
}

/* Linux does not use this unit for interrupts: IVRS has the I/O APIC where there is no bridge. */
static const char *amdvi_arguments(const char *mode)
{
	(void)mode;
	return "iommufd.allow_unsafe_interrupts=1";
}

/* The tail of the event log, which says nothing of what is in there. */
static int amdvi_fault_source(const uint32_t *record)
{
	(void)record;
	return -1;
}

static const char *const amdvi_trace_events[] = {
	"amdvi_page_fault", "amdvi_control_status", "amdvi_mmio_write", "amdvi_cache_update", "amdvi_translation_result", NULL
};

const struct iommu_model amdvi_model = {
	.name = "amd",
	.modes = "v1",
	.trace_events = amdvi_trace_events,
	.device = amdvi_device,
	.arguments = amdvi_arguments,
	.root = { DEVICE_TABLE_BASE, 8 },
	.walk = amdvi_walk,
	.status = { CONTROL, 1 },
	.status_on = CONTROL_ON,
	.fault_status = { STATUS, 1 },
	.fault_status_mask = STATUS_LOG_OVERFLOW,
	.fault_record = { EVENT_LOG_TAIL, 1 },
	.fault_source = amdvi_fault_source,
};
