// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "looks.h"

#define PERIOD_NS	(20 * NSEC_PER_MSEC)

void looks_init(struct looks *looks, const struct iommu_model *iommu, struct qmp *qmp, const struct ram *ram)
{
	memset(looks, 0, sizeof(*looks));
	looks->iommu = iommu;
	looks->qmp = qmp;
	looks->ram = ram;
}

void looks_free(struct looks *looks)
{
	free(looks->of);
	looks->of = NULL;
}

/* Return: its index, or -ENOSPC. */
static int state_add(struct looks *looks, const struct iommu_tables *tables)
{
	/* The last ones first: it is mostly the state before, or, with devices that go back and forth, one not long ago. */
	for (unsigned int i = looks->nr_states; i--;)
		if (iommu_tables_equal(&looks->states[i], tables))
			return i;
	if (looks->nr_states == LOOKS_MAX_STATES)
		return -ENOSPC;
	looks->states[looks->nr_states] = *tables;
	return looks->nr_states++;
}

void looks_add(struct looks *looks, const struct iommu_tables *tables, int64_t from_ns, int64_t to_ns)
{
	int state = state_add(looks, tables);

	if (looks->nr == looks->room) {
		size_t room = looks->room ? looks->room * 2 : 1024;
		struct look *of = realloc(looks->of, room * sizeof(*of));

		if (!of) {
			complain("no memory for more looks");
			return;
		}
		looks->of = of;
		looks->room = room;
	}
	if (state < 0)
		looks->too_many_states = true;
	else
		looks->of[looks->nr++] = (struct look){ from_ns, to_ns, state };
}

static void looks_answer(void *ctx, unsigned int tag, const uint32_t *words, unsigned int nr);

static void ask(struct looks *looks)
{
	looks->outstanding = !qmp_read_words(looks->qmp, looks->iommu->root.pa, looks->iommu->root.nr_words, looks_answer, looks, 0);
}

static void looks_answer(void *ctx, unsigned int tag, const uint32_t *words, unsigned int nr)
{
	struct looks *looks = ctx;
	struct iommu_tables tables;

	(void)tag;
	looks->outstanding = false;
	if (nr != looks->iommu->root.nr_words) {
		looks->nr_unsteady++;
		return;
	}
	looks->iommu->walk(looks->ram, words, &tables);
	if (!looks->again) {
		looks->first = tables;
		looks->again = true;
		ask(looks);
	} else if (iommu_tables_equal(&looks->first, &tables)) {
		looks_add(looks, &tables, looks->asked_ns, now_ns());
	} else {
		looks->nr_unsteady++;
		looks->asked_ns = 0;	/* once more with the next tick */
	}
}

void looks_ask(struct looks *looks)
{
	if (looks->outstanding)
		return;
	looks->again = false;
	looks->asked_ns = now_ns();
	ask(looks);
}

void looks_tick(struct looks *looks)
{
	if (now_ns() - looks->asked_ns >= PERIOD_NS)
		looks_ask(looks);
}
