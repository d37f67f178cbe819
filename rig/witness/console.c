// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "console.h"

/*
 * How reports of bugs begin, in kernel/panic.c, mm/kasan, kernel/locking, lib/ubsan.c and the like. Each such report has one of
 * these lines, and most have one of them only.
 */
static const char *const splats[] = {
	"BUG: ", "WARNING: ", "UBSAN: ", "ODEBUG: ", "INFO: task ", "INFO: trying to register", "rcu: INFO: ", "refcount_t: ",
	"DEBUG_LOCKS_WARN_ON", "list_add corruption", "list_del corruption", "leaked release tracker", "Oops: ", "Kernel panic",
	"general protection fault", "unable to handle", "invalid opcode: ",
};

int console_init(struct console *console, struct timeline *timeline, struct figures *figures, const char *log_path)
{
	memset(console, 0, sizeof(*console));
	console->timeline = timeline;
	console->figures = figures;
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

static bool is_splat(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(splats); i++)
		if (strstr(line, splats[i]))
			return true;
	return false;
}

static void keep_splat(struct console *console, const char *line, int64_t now)
{
	struct splat *splat;

	if (console->nr_splats++ >= ARRAY_SIZE(console->splats))
		return;
	splat = &console->splats[console->nr_splats - 1];
	splat->ns = now;
	snprintf(splat->line, sizeof(splat->line), "%.*s", (int)strcspn(line, "\r"), line);
	timeline_point(console->timeline, splat->line, now, NEVER);
}

/* Which kernel says it: the next one, once it has begun to speak, and before its init has. */
static unsigned int speaker(const struct timeline *timeline)
{
	const struct hop *hop = timeline->nr_hops ? &timeline->hops[timeline->nr_hops - 1] : NULL;

	return timeline->generation + (hop && hop->boot_ns != NEVER && hop->hello_ns == NEVER);
}

static void console_line(void *ctx, char *line)
{
	struct console *console = ctx;
	int64_t now = now_ns();

	fprintf(console->log, "%10.3f %s\n", ns_to_ms(now - console->timeline->start_ns), line);
	timeline_console(console->timeline, line, now);
	figures_read_line(console->figures, line, speaker(console->timeline));
	if (is_splat(line))
		keep_splat(console, line, now);
}

int console_receive(struct console *console, int fd)
{
	return linebuf_read(&console->in, fd, console_line, console);
}
