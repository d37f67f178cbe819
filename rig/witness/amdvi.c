// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AMD I/O Virtualization Technology (IOMMU) Specification, 48882: section 2.2.2 "Device Table" for entries, section 3.4 "MMIO Registers".
 * Written from these and not from the driver's definitions, so that a mistake there is not made here again.
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
#define GUEST_VALID		(1ULL << 55)
#define MAY_ACCESS		(3ULL << 61)		/* read, write */
#define DOMAIN_ID(w1)		((w1) & 0xffff)

/* An entry that is not valid lets every request through as it is; one without a translation, none. */
static bool take_apart(uint16_t sid, uint64_t w0, uint64_t w1, struct iommu_entry *entry)
{
	*entry = (struct iommu_entry){ .sid = sid, .pasid = IOMMU_NO_PASID, .domain_id = DOMAIN_ID(w1), .type = IOMMU_PASS_THROUGH };

	if (!(w0 & VALID))
		return true;
	if (!(w0 & TRANSLATION_VALID) || !(w0 & MAY_ACCESS))
		return false;
	if (w0 & GUEST_VALID || MODE(w0) == 7) {
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
		if (!take_apart(sid, le64toh(at[0]), le64toh(at[1]), &entry))
			continue;
		if (tables->nr == IOMMU_MAX_ENTRIES) {
			tables->cut_short = true;
			return;
		}
		tables->entries[tables->nr++] = entry;
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
