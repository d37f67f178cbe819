/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at the IOMMU's tables, all through the run. A look reads the unit's registers and walks the tables twice, one after the
 * other, and counts if both found the same: then that is what was there, all the time from the one to the other.
 */
#ifndef WITNESS_LOOKS_H
#define WITNESS_LOOKS_H

#include <stddef.h>

#include "iommu.h"
#include "qmp.h"
#include "ram.h"

#define LOOKS_MAX_STATES	256

struct look {
	int64_t from_ns, to_ns;		/* host time that both walks lie in */
	unsigned int state;
};

struct looks {
	const struct iommu_model *iommu;
	struct qmp *qmp;
	const struct ram *ram;
	bool outstanding, again;	/* asked for the registers: for the second time */
	int64_t asked_ns;
	struct iommu_tables first;	/* of the look under way */
	unsigned int nr_unsteady;	/* looks that did not count */
	size_t nr, room;
	struct look *of;		/* in order of time */
	unsigned int nr_states;
	bool too_many_states;
	struct iommu_tables states[LOOKS_MAX_STATES];	/* each unlike the others */
};

void looks_init(struct looks *looks, const struct iommu_model *iommu, struct qmp *qmp, const struct ram *ram);
void looks_free(struct looks *looks);

/* Asks now and then; answers arrive with the QMP channel. */
void looks_tick(struct looks *looks);

/* Asks now, if no look is under way. */
void looks_ask(struct looks *looks);

/* Takes the result of a whole look. */
void looks_add(struct looks *looks, const struct iommu_tables *tables, int64_t from_ns, int64_t to_ns);

#endif
