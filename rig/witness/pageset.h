/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distinct (source id, page) pairs. */
#ifndef WITNESS_PAGESET_H
#define WITNESS_PAGESET_H

#include <stddef.h>
#include <stdint.h>

struct pageset {
	size_t nr;
	size_t nr_slots;		/* 0 or a power of two */
	uint64_t *slots;		/* 0: empty */
};

/* Return: 0 also if it was in already, -ENOMEM. */
int pageset_add(struct pageset *set, uint16_t sid, uint64_t iova);
void pageset_free(struct pageset *set);

#endif
