/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was measured inside the machine: by the guest program, and by its kernels, which say it on the console. */
#ifndef WITNESS_FIGURES_H
#define WITNESS_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#define FIGURES_MAX		128
#define FIGURE_NAME_BYTES	32

struct figure {
	char name[FIGURE_NAME_BYTES];
	unsigned int generation;
	int64_t value;
};

struct figures {
	unsigned int nr;
	bool too_many;
	struct figure of[FIGURES_MAX];
};

void figures_add(struct figures *figures, const char *name, unsigned int generation, int64_t value);

/* The words "name=value" behind "cost: " in a line of a kernel; nothing if there are none. */
void figures_read_line(struct figures *figures, const char *line, unsigned int generation);

#endif
