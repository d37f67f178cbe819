// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "pageset.h"

#define FIRST_SLOTS 4096

/* The source id above, 47 bits of page number, and a last bit so that no key is 0. IOVAs have 57 bits at most. */
static uint64_t make_key(uint16_t sid, uint64_t iova)
{
	return (uint64_t)sid << 48 | (iova >> 12 & 0x7fffffffffffULL) << 1 | 1;
}

static bool insert(struct pageset *set, uint64_t key)
{
	size_t mask = set->nr_slots - 1, at = (key * 0x9e3779b97f4a7c15ULL >> 20) & mask;

	for (; set->slots[at]; at = (at + 1) & mask)
		if (set->slots[at] == key)
			return false;
	set->slots[at] = key;
	return true;
}

static int grow(struct pageset *set)
{
	struct pageset bigger = { .nr = set->nr, .nr_slots = set->nr_slots ? set->nr_slots * 2 : FIRST_SLOTS };

	bigger.slots = calloc(bigger.nr_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->nr_slots; i++)
		if (set->slots[i])
			insert(&bigger, set->slots[i]);
	free(set->slots);
	*set = bigger;
	return 0;
}

int pageset_add(struct pageset *set, uint16_t sid, uint64_t iova)
{
	int err;

	if (set->nr * 2 >= set->nr_slots) {
		err = grow(set);
		if (err)
			return err;
	}
	if (insert(set, make_key(sid, iova)))
		set->nr++;
	return 0;
}

void pageset_free(struct pageset *set)
{
	free(set->slots);
	*set = (struct pageset){ 0 };
}
