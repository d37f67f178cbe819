/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel VT-d's tables down to the page table of each requester, walked in guest RAM from outside. */
#ifndef WITNESS_VTD_H
#define WITNESS_VTD_H

#include <stdbool.h>
#include <stdint.h>

#include "ram.h"

#define VTD_MAX_ENTRIES	256

/* More than 20 bits: no PASID. */
#define VTD_NO_PASID	UINT32_MAX

enum vtd_type {
	VTD_SECOND_STAGE,
	VTD_FIRST_STAGE,
	VTD_NESTED,
	VTD_PASS_THROUGH,		/* no table: every address is as it is */
	VTD_UNKNOWN,			/* a value the specification keeps for later */
};

/* What requests of one source id translate through: those with one PASID, or those without any. */
struct vtd_entry {
	uint64_t table;			/* guest physical; 0 for VTD_PASS_THROUGH and VTD_UNKNOWN */
	uint32_t pasid;			/* or VTD_NO_PASID */
	uint16_t sid;
	uint16_t domain_id;
	uint8_t type;			/* enum vtd_type */
	uint8_t levels;
	uint8_t reserved[6];
};

struct vtd_tables {
	bool translating;		/* false: the tables are not in use, and were not walked */
	bool scalable;
	bool cut_short;			/* there is more than a walk reads, or than there was room for */
	uint16_t nr;
	uint32_t nr_outside;		/* pointers that lead out of RAM */
	uint32_t nr_words;		/* of PASID directories and tables that were read */
	uint64_t root;			/* guest physical */
	struct vtd_entry entries[VTD_MAX_ENTRIES];	/* ascending by source id, then by where they are in the table */
};

/*
 * @global_status, @root_pointer: the unit's registers GSTS and RTADDR. What is being changed meanwhile may be seen half
 * changed: a walk counts only if another one right after it finds the same.
 */
void vtd_walk(const struct ram *ram, uint32_t global_status, uint64_t root_pointer, struct vtd_tables *tables);

bool vtd_tables_equal(const struct vtd_tables *a, const struct vtd_tables *b);

/* NULL if requests of @sid with @pasid (VTD_NO_PASID: without) are blocked: nothing on the way is present. */
const struct vtd_entry *vtd_find_pasid(const struct vtd_tables *tables, uint16_t sid, uint32_t pasid);
const struct vtd_entry *vtd_find(const struct vtd_tables *tables, uint16_t sid);

/* Of all requests of @sid. */
const struct vtd_entry *vtd_find_any(const struct vtd_tables *tables, uint16_t sid);

const char *vtd_type_name(enum vtd_type type);

/* One domain ID, and different page tables: the unit may use what it cached of the one entry for the other. */
bool vtd_share_domain_id(const struct vtd_entry *a, const struct vtd_entry *b);

#endif
