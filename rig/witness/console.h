/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernels' console: kept with the host's time before each line, and told to the timeline. */
#ifndef WITNESS_CONSOLE_H
#define WITNESS_CONSOLE_H

#include <stdio.h>

#include "timeline.h"
#include "util.h"

struct console {
	struct timeline *timeline;
	FILE *log;
	struct linebuf in;
};

/* Return: 0, -errno. */
int console_init(struct console *console, struct timeline *timeline, const char *log_path);
void console_close(struct console *console);

/* Call when @fd is readable. Return: 0, -EPIPE (QEMU is gone), -errno. */
int console_receive(struct console *console, int fd);

#endif
