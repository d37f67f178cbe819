/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the witness knows of IOMMUs: the tables of any kind down to the page table of each requester, and what each kind has where. */
#ifndef WITNESS_IOMMU_H
#define WITNESS_IOMMU_H

#include <stdbool.h>
#include <stdint.h>

#include "ram.h"

#define IOMMU_MAX_ENTRIES	256

/* More than 20 bits: no PASID. */
#define IOMMU_NO_PASID	UINT32_MAX

enum iommu_type {
	IOMMU_SECOND_STAGE,
	IOMMU_FIRST_STAGE,
	IOMMU_NESTED,
	IOMMU_GUEST,			/* AMD-Vi: the domain ID is the device's, and PASIDs are told apart */
	IOMMU_PASS_THROUGH,		/* no table: every address is as it is */
	IOMMU_UNKNOWN,			/* a value the specification keeps for later */
};

/* What requests of one source id translate through: those with one PASID, or those without any. */
struct iommu_entry {
	uint64_t table;			/* guest physical; 0 for IOMMU_PASS_THROUGH and IOMMU_UNKNOWN */
	uint64_t translates;		/* IOMMU_GUEST: a digest of what the table leads to, from which address, to be read or written; else 0 */
	uint32_t pasid;			/* or IOMMU_NO_PASID */
	uint16_t sid;
	uint16_t domain_id;
	uint8_t type;			/* enum iommu_type */
	uint8_t levels;
	uint8_t reserved[6];
};

struct iommu_tables {
	bool translating;		/* false: the tables are not in use, and were not walked */
	bool scalable;
	bool cut_short;			/* there is more than a walk reads, or than there was room for */
	uint16_t nr;
	uint32_t nr_outside;		/* pointers that lead out of RAM */
	uint32_t nr_words;		/* of PASID directories, GCR3 and page tables that were read */
	uint64_t root;			/* guest physical */
	struct iommu_entry entries[IOMMU_MAX_ENTRIES];	/* ascending by source id, then by where they are in the table */
};

bool iommu_tables_equal(const struct iommu_tables *a, const struct iommu_tables *b);

/* NULL if requests of @sid with @pasid (IOMMU_NO_PASID: without) are blocked: nothing on the way is present. */
const struct iommu_entry *iommu_find_pasid(const struct iommu_tables *tables, uint16_t sid, uint32_t pasid);
const struct iommu_entry *iommu_find(const struct iommu_tables *tables, uint16_t sid);

/* Of all requests of @sid. */
const struct iommu_entry *iommu_find_any(const struct iommu_tables *tables, uint16_t sid);

const char *iommu_type_name(enum iommu_type type);

/*
 * One domain ID, and different page tables: the unit may use what it cached of the one entry for the other.
 * @one_device: both are of the same, which may have more than one source id
 */
bool iommu_share_domain_id(const struct iommu_entry *a, const struct iommu_entry *b, bool one_device);

/* Words of 32 bits at a guest physical address. */
struct iommu_registers {
	uint64_t pa;
	unsigned int nr_words;
};

#define IOMMU_RECORD_WORDS	4

/* A kind of IOMMU, as QEMU emulates it. */
struct iommu_model {
	const char *name;		/* in scenarios */
	const char *modes;		/* that scenarios may have it in */
	const char *const *trace_events;	/* ends with NULL; trace.c reads each */
	/* QEMU's option for the device, without more options that the scenario has. */
	const char *(*device)(const char *mode);
	/* What kernels are to be told of it. */
	const char *(*arguments)(const char *mode);
	/* What says where the tables are, and how to walk them. What is being changed meanwhile may be seen half changed. */
	struct iommu_registers root;
	void (*walk)(const struct ram *ram, const uint32_t *root, struct iommu_tables *tables);
	/* Translation is on: */
	struct iommu_registers status;
	uint32_t status_on;
	/* There was a fault: any of these bits, or anything in the record. */
	struct iommu_registers fault_status;
	uint32_t fault_status_mask;
	struct iommu_registers fault_record;
	/* Whose fault is in a record of @fault_record.nr_words; -1 if it does not say. */
	int (*fault_source)(const uint32_t *record);
};

extern const struct iommu_model vtd_model, amdvi_model;

/* NULL if there is none of that name. */
const struct iommu_model *iommu_model_find(const char *name);

#endif
