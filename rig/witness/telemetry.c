// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry.h"

int telemetry_init(struct telemetry *t, struct timeline *timeline, const struct ram *ram, struct figures *figures,
		   const char *log_path)
{
	memset(t, 0, sizeof(*t));
	t->timeline = timeline;
	t->ram = ram;
	t->figures = figures;
	t->log = fopen(log_path, "w");
	return t->log ? 0 : -errno;
}

void telemetry_close(struct telemetry *t)
{
	if (t->log)
		fclose(t->log);
	t->log = NULL;
}

const volatile struct rig_telemetry *telemetry_page(const struct telemetry *t)
{
	const volatile struct rig_telemetry *page;

	if (!t->pa || t->pa % 8)
		return NULL;
	page = ram_at(t->ram, t->pa, sizeof(*page));
	if (!page || page->magic != RIG_TELEMETRY_MAGIC || page->nr_devices > RIG_NR_DEVICES)
		return NULL;
	return page;
}

const struct rig_device *telemetry_device(const struct telemetry *t, uint32_t bdf)
{
	for (unsigned int i = 0; t->valid && i < t->table.nr_devices; i++)
		if (t->table.devices[i].kind && t->table.devices[i].bdf == bdf)
			return &t->table.devices[i];
	return NULL;
}

static int64_t line_guest_ns(struct json_object *json)
{
	return member_int(json, "t_ns", NEVER);
}

static void on_hello(struct telemetry *t, struct json_object *json, int64_t now)
{
	t->interrupts = 0;
	timeline_hello(t->timeline, member_string(json, "kernel", ""), member_int(json, "generation", 0), now,
		       line_guest_ns(json));
}

static void on_telemetry(struct telemetry *t, struct json_object *json, int64_t now)
{
	const volatile struct rig_telemetry *page;

	(void)now;
	t->pa = strtoull(member_string(json, "pa", "0"), NULL, 16);
	page = telemetry_page(t);
	if (!page) {
		t->nr_bad_lines++;
		complain("no telemetry page at 0x%" PRIx64, t->pa);
		return;
	}
	memcpy(&t->table, (const void *)page, sizeof(t->table));
	t->valid = true;
}

static void on_device(struct telemetry *t, struct json_object *json, int64_t now)
{
	(void)json;
	(void)now;
	t->nr_devices_said++;
}

static void on_mark(struct telemetry *t, struct json_object *json, int64_t now)
{
	timeline_mark(t->timeline, member_string(json, "name", ""), now, line_guest_ns(json));
}

static void on_irq(struct telemetry *t, struct json_object *json, int64_t now)
{
	(void)now;
	t->interrupts = member_int(json, "count", 0);
}

static void on_figure(struct telemetry *t, struct json_object *json, int64_t now)
{
	(void)now;
	figures_add(t->figures, member_string(json, "name", ""), t->timeline->generation, member_int(json, "value", 0));
}

static void on_check(struct telemetry *t, struct json_object *json, int64_t now)
{
	struct guest_check check = { .ok = member_bool(json, "ok", false), .generation = t->timeline->generation };
	char text[sizeof(check.name) + sizeof(check.detail) + 32];

	snprintf(check.name, sizeof(check.name), "%s", member_string(json, "name", ""));
	snprintf(check.detail, sizeof(check.detail), "%s", member_string(json, "detail", ""));
	snprintf(text, sizeof(text), "check %s: %s%s%s", check.name, check.ok ? "ok" : "FAILED", *check.detail ? ": " : "",
		 check.detail);
	timeline_point(t->timeline, text, now, line_guest_ns(json));
	if (!check.ok)
		t->nr_checks_failed++;
	if (t->nr_checks < ARRAY_SIZE(t->checks))
		t->checks[t->nr_checks++] = check;
}

static void on_done(struct telemetry *t, struct json_object *json, int64_t now)
{
	t->done = true;
	t->timeline->done_ns = now;
	t->timeline->done_generation = member_int(json, "generation", 0);
	timeline_point(t->timeline, "done", now, line_guest_ns(json));
}

static const struct {
	const char *event;
	void (*on)(struct telemetry *t, struct json_object *json, int64_t now);
} handlers[] = {
	{ "hello", on_hello }, { "telemetry", on_telemetry }, { "device", on_device }, { "mark", on_mark },
	{ "irq", on_irq }, { "check", on_check }, { "figure", on_figure }, { "done", on_done },
};

static void telemetry_line(void *ctx, char *line)
{
	struct telemetry *t = ctx;
	int64_t now = now_ns();
	struct json_object *json;
	const char *event;
	size_t i;

	fprintf(t->log, "%10.3f %s\n", ns_to_ms(now - t->timeline->start_ns), line);
	if (!*line)
		return;
	json = json_tokener_parse(line);
	event = member_string(json, "event", "");
	for (i = 0; i < ARRAY_SIZE(handlers) && strcmp(handlers[i].event, event); i++)
		;
	if (i < ARRAY_SIZE(handlers)) {
		handlers[i].on(t, json, now);
	} else {
		t->nr_bad_lines++;
		complain("telemetry: not understood: %.100s", line);
	}
	json_object_put(json);
}

int telemetry_receive(struct telemetry *t, int fd)
{
	return linebuf_read(&t->in, fd, telemetry_line, t);
}
