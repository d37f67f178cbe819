/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernels' console: kept with the host's time before each line, told to the timeline, and searched for what a kernel says of
 * itself: bugs, and what things cost it.
 */
#ifndef WITNESS_CONSOLE_H
#define WITNESS_CONSOLE_H

#include <stdio.h>

#include "figures.h"
#include "timeline.h"
#include "util.h"

#define CONSOLE_MAX_SPLATS	8
#define SPLAT_BYTES		160

/* A kernel found something wrong with itself. */
struct splat {
	int64_t ns;
	char line[SPLAT_BYTES];
};

struct console {
	struct timeline *timeline;
	struct figures *figures;
	FILE *log;
	unsigned int nr_splats;		/* all; the first ones are kept */
	struct splat splats[CONSOLE_MAX_SPLATS];
	struct linebuf in;
};

/* Return: 0, -errno. */
int console_init(struct console *console, struct timeline *timeline, struct figures *figures, const char *log_path);
void console_close(struct console *console);

/* Call when @fd is readable. Return: 0, -EPIPE (QEMU is gone), -errno. */
int console_receive(struct console *console, int fd);

#endif
