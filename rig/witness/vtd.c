// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1, section 9: 9.1 "Root Entry", 9.2
 * "Scalable-Mode Root Entry", 9.3 "Context Entry", 9.4 "Scalable-Mode Context Entry", 9.5 "Scalable-Mode PASID Directory
 * Entry", 9.6 "Scalable-Mode PASID Table Entry"; section 11.4 for registers. Written from these and not from the driver's
 * definitions, so that a mistake there is not made here again.
 */
#include <endian.h>
#include <string.h>

#include "iommu.h"

#define REGISTERS		0xfed90000ULL	/* where QEMU has the unit */
#define GSTS			(REGISTERS + 0x1c)	/* RTADDR, of 64 bits, follows at once */
#define GSTS_TES		(1U << 31)
#define FSTS			(REGISTERS + 0x34)
#define FSTS_PFO_PPF		3U
#define FRCD			(REGISTERS + 0x220)
#define RTADDR_SMT		(1ULL << 10)
#define PRESENT			1ULL
#define POINTER			0x000ffffffffff000ULL	/* bits 51:12 */
#define TABLE_BYTES		4096

#define NR_BUSES		256
#define NR_DEVFN		256
#define ROOT_BYTES		16
#define LEGACY_CONTEXT_BYTES	16
#define SCALABLE_CONTEXT_BYTES	32
#define PASID_ENTRY_WORDS	8
#define TABLE_WORDS		(TABLE_BYTES / sizeof(uint64_t))

/* A directory of 2^20 PASIDs has 16,384 words. What is no table must not keep the witness from everything else. */
#define MAX_WORDS		(1U << 22)

#define LEGACY_TT(lo)		((lo) >> 2 & 3)		/* 2: pass-through */
#define LEGACY_AW(hi)		((hi) & 7)
#define LEGACY_DOMAIN_ID(hi)	((hi) >> 8 & 0xffff)
#define SCALABLE_PDTS(lo)	((lo) >> 9 & 7)		/* the directory has 2^(PDTS + 7) entries */
#define SCALABLE_RID_PASID(hi)	((hi) & 0xfffff)	/* the PASID of requests that have none */
#define PASIDS_OF_DIRECTORY_ENTRY 64
#define PASID_AW(w0)		((w0) >> 2 & 7)
#define PASID_PGTT(w0)		((w0) >> 6 & 7)		/* 1 first stage, 2 second stage, 3 nested, 4 pass-through */
#define PASID_DOMAIN_ID(w1)	((w1) & 0xffff)
#define PASID_FSPM(w2)		((w2) >> 2 & 3)		/* first stage: 0 four levels, 1 five */
#define LEVELS_OF_AW(aw)	((aw) + 2)

static bool read_words(struct iommu_tables *tables, const struct ram *ram, uint64_t pa, uint64_t *words, unsigned int nr)
{
	const volatile uint64_t *at = ram_at(ram, pa, nr * sizeof(*words));

	if (!at) {
		tables->nr_outside++;
		return false;
	}
	for (unsigned int i = 0; i < nr; i++)
		words[i] = le64toh(at[i]);
	return true;
}

/* The next of up to a page of a PASID directory, or a PASID table; NULL if there is none to be read. */
static const volatile uint64_t *read_table(struct iommu_tables *tables, const struct ram *ram, uint64_t pa)
{
	const volatile uint64_t *at = ram_at(ram, pa, TABLE_BYTES);

	if (!at)
		tables->nr_outside++;
	tables->nr_words += TABLE_WORDS;
	if (tables->nr_words > MAX_WORDS)
		tables->cut_short = true;
	return tables->cut_short ? NULL : at;
}

static void add_entry(struct iommu_tables *tables, struct iommu_entry entry)
{
	if (tables->nr == IOMMU_MAX_ENTRIES)
		tables->cut_short = true;
	else
		tables->entries[tables->nr++] = entry;
}

static void add_legacy(struct iommu_tables *tables, uint16_t sid, const uint64_t context[2])
{
	struct iommu_entry entry = {
		.sid = sid, .pasid = IOMMU_NO_PASID, .domain_id = LEGACY_DOMAIN_ID(context[1]), .type = IOMMU_SECOND_STAGE,
	};

	if (LEGACY_TT(context[0]) == 2) {
		entry.type = IOMMU_PASS_THROUGH;
	} else if (LEGACY_TT(context[0]) == 3) {
		entry.type = IOMMU_UNKNOWN;
	} else {
		entry.table = context[0] & POINTER;
		entry.levels = LEVELS_OF_AW(LEGACY_AW(context[1]));
	}
	add_entry(tables, entry);
}

static void add_pasid_entry(struct iommu_tables *tables, uint16_t sid, uint32_t pasid, const uint64_t words[3])
{
	struct iommu_entry entry = { .sid = sid, .pasid = pasid, .domain_id = PASID_DOMAIN_ID(words[1]), .type = IOMMU_UNKNOWN };

	switch (PASID_PGTT(words[0])) {
	case 1:
	case 3:
		entry.type = PASID_PGTT(words[0]) == 1 ? IOMMU_FIRST_STAGE : IOMMU_NESTED;
		entry.table = words[2] & POINTER;
		entry.levels = 4 + PASID_FSPM(words[2]);
		break;
	case 2:
		entry.type = IOMMU_SECOND_STAGE;
		entry.table = words[0] & POINTER;
		entry.levels = LEVELS_OF_AW(PASID_AW(words[0]));
		break;
	case 4:
		entry.type = IOMMU_PASS_THROUGH;
		break;
	}
	add_entry(tables, entry);
}

/* The PASID of requests that have none is, of the device's, the one that @context names. */
static void walk_pasid_table(const struct ram *ram, struct iommu_tables *tables, uint16_t sid, uint64_t pa, uint32_t first_pasid,
			     uint32_t rid_pasid)
{
	const volatile uint64_t *at = read_table(tables, ram, pa);

	for (unsigned int i = 0; at && i < TABLE_WORDS / PASID_ENTRY_WORDS; i++, at += PASID_ENTRY_WORDS) {
		const uint64_t words[3] = { le64toh(at[0]), le64toh(at[1]), le64toh(at[2]) };

		if (words[0] & PRESENT)
			add_pasid_entry(tables, sid, first_pasid + i == rid_pasid ? IOMMU_NO_PASID : first_pasid + i, words);
	}
}

static void walk_scalable_context(const struct ram *ram, struct iommu_tables *tables, uint16_t sid, const uint64_t context[2])
{
	uint32_t nr = 1U << (SCALABLE_PDTS(context[0]) + 7);
	const volatile uint64_t *at = NULL;

	for (uint32_t i = 0; i < nr && !tables->cut_short; i++) {
		if (i % TABLE_WORDS == 0)
			at = read_table(tables, ram, (context[0] & POINTER) + i * sizeof(*at));
		if (!at)
			return;
		if (le64toh(at[i % TABLE_WORDS]) & PRESENT)
			walk_pasid_table(ram, tables, sid, le64toh(at[i % TABLE_WORDS]) & POINTER, i * PASIDS_OF_DIRECTORY_ENTRY,
					 SCALABLE_RID_PASID(context[1]));
	}
}

/* One table of scalable mode has 128 functions, one of legacy mode 256. */
static void walk_context_table(const struct ram *ram, struct iommu_tables *tables, uint64_t pa, uint16_t first_sid)
{
	unsigned int bytes = tables->scalable ? SCALABLE_CONTEXT_BYTES : LEGACY_CONTEXT_BYTES;
	uint64_t context[2];

	for (unsigned int i = 0; i < TABLE_BYTES / bytes && !tables->cut_short; i++) {
		if (!read_words(tables, ram, pa + i * bytes, context, 2))
			return;
		if (!(context[0] & PRESENT))
			continue;
		if (tables->scalable)
			walk_scalable_context(ram, tables, first_sid + i, context);
		else
			add_legacy(tables, first_sid + i, context);
	}
}

static void walk_bus(const struct ram *ram, struct iommu_tables *tables, unsigned int bus)
{
	uint64_t root[2];

	if (!read_words(tables, ram, tables->root + bus * ROOT_BYTES, root, 2))
		return;
	if (root[0] & PRESENT)
		walk_context_table(ram, tables, root[0] & POINTER, bus << 8);
	if (tables->scalable && root[1] & PRESENT)
		walk_context_table(ram, tables, root[1] & POINTER, bus << 8 | NR_DEVFN / 2);
}

static void vtd_walk(const struct ram *ram, const uint32_t *root, struct iommu_tables *tables)
{
	const uint64_t root_pointer = (uint64_t)root[2] << 32 | root[1];
	const uint32_t global_status = root[0];

	memset(tables, 0, sizeof(*tables));
	tables->translating = global_status & GSTS_TES;
	tables->scalable = root_pointer & RTADDR_SMT;
	tables->root = root_pointer & POINTER;
	if (!tables->translating)
		return;
	for (unsigned int bus = 0; bus < NR_BUSES && !tables->cut_short; bus++)
		walk_bus(ram, tables, bus);
}

static const char *vtd_device(const char *mode)
{
	if (!strcmp(mode, "legacy"))
		return "intel-iommu,intremap=on,scalable-mode=off,fsts=off";
	return strcmp(mode, "first-stage") ? "intel-iommu,intremap=on,scalable-mode=on,fsts=off" :
					     "intel-iommu,intremap=on,scalable-mode=on,fsts=on";
}

static const char *vtd_arguments(const char *mode)
{
	return strcmp(mode, "legacy") ? "intel_iommu=on,sm_on" : "intel_iommu=on,sm_off";
}

static int vtd_fault_source(const uint32_t *record)
{
	return record[2] & 0xffff;
}

static const char *const vtd_trace_events[] = {
	"vtd_dmar_fault", "vtd_fault_disabled", "vtd_frr_new", "vtd_dmar_enable", "vtd_reg_dmar_root", "vtd_reset_exit",
	"vtd_iotlb_page_update", NULL
};

const struct iommu_model vtd_model = {
	.name = "vtd",
	.modes = "scalable first-stage legacy",
	.trace_events = vtd_trace_events,
	.device = vtd_device,
	.arguments = vtd_arguments,
	.root = { GSTS, 3 },
	.walk = vtd_walk,
	.status = { GSTS, 1 },
	.status_on = GSTS_TES,
	.fault_status = { FSTS, 1 },
	.fault_status_mask = FSTS_PFO_PPF,
	.fault_record = { FRCD, IOMMU_RECORD_WORDS },
	.fault_source = vtd_fault_source,
};
