// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "console.h"

int console_init(struct console *console, struct timeline *timeline, const char *log_path)
{
	memset(console, 0, sizeof(*console));
	console->timeline = timeline;
	console->log = fopen(log_path, "w");
	return console->log ? 0 : -errno;
}

void console_close(struct console *console)
{
	if (!console->log)
		return;
	fprintf(console->log, "%.*s\n", (int)console->in.len, console->in.buf);
	fclose(console->log);
	console->log = NULL;
}

static void console_line(void *ctx, char *line)
{
	struct console *console = ctx;
	int64_t now = now_ns();

	fprintf(console->log, "%10.3f %s\n", ns_to_ms(now - console->timeline->start_ns), line);
	timeline_console(console->timeline, line, now);
}

int console_receive(struct console *console, int fd)
{
	return linebuf_read(&console->in, fd, console_line, console);
}
