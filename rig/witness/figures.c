// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

#define COST_WORD "; cost: "

void figures_add(struct figures *figures, const char *name, unsigned int generation, int64_t value)
{
	struct figure *figure;

	if (figures->nr == FIGURES_MAX) {
		figures->too_many = true;
		return;
	}
	figure = &figures->of[figures->nr++];
	figure->generation = generation;
	figure->value = value;
	snprintf(figure->name, sizeof(figure->name), "%s", name);
}

void figures_read_line(struct figures *figures, const char *line, unsigned int generation)
{
	const char *word = strstr(line, COST_WORD);
	char name[FIGURE_NAME_BYTES];
	long long value;
	int length;

	if (!word)
		return;
	word += strlen(COST_WORD);
	while (sscanf(word, " %31[^= ]=%lld%n", name, &value, &length) == 2) {
		figures_add(figures, name, generation, value);
		word += length;
	}
}
