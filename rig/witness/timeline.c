// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "timeline.h"

/* Marks that belong to the update whose kexec is still to come, and those of the one whose kexec has been. */
static const struct {
	const char *name;
	size_t offset;
	bool before_kexec;
} steps[] = {
	{ "preserve-begin", offsetof(struct hop, preserve_begin_ns), true },
	{ "preserve-end", offsetof(struct hop, preserve_end_ns), true },
	{ "retrieve-begin", offsetof(struct hop, retrieve_begin_ns), false },
	{ "retrieve-end", offsetof(struct hop, retrieve_end_ns), false },
	{ "refused", offsetof(struct hop, refused_ns), false },
	{ "swap-begin", offsetof(struct hop, swap_begin_ns), false },
	{ "swap-end", offsetof(struct hop, swap_end_ns), false },
	{ "serve", offsetof(struct hop, serve_ns), false },
	{ "finish-begin", offsetof(struct hop, finish_begin_ns), false },
	{ "finish-end", offsetof(struct hop, finish_end_ns), false },
};

static void hop_init(struct hop *hop)
{
	memset(hop, 0, sizeof(*hop));
	hop->kexec_ns = hop->jump_ns = hop->boot_ns = hop->hello_ns = NEVER;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		*(int64_t *)((char *)hop + steps[i].offset) = NEVER;
}

void timeline_init(struct timeline *t, int64_t start_ns)
{
	memset(t, 0, sizeof(*t));
	t->start_ns = start_ns;
	t->workload_ns = t->done_ns = NEVER;
	for (size_t i = 0; i < ARRAY_SIZE(t->hops); i++)
		hop_init(&t->hops[i]);
}

void timeline_free(struct timeline *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->hops); i++) {
		pageset_free(&t->hops[i].translated);
		pageset_free(&t->hops[i].translated_old);
		pageset_free(&t->hops[i].translated_new);
	}
}

struct hop *timeline_hop(struct timeline *t)
{
	return t->nr_hops ? &t->hops[t->nr_hops - 1] : NULL;
}

void timeline_point(struct timeline *t, const char *name, int64_t host_ns, int64_t guest_ns)
{
	struct point *point;

	printf("[%8.3f s] kernel %u: %s\n", (double)(host_ns - t->start_ns) / NSEC_PER_SEC, t->generation, name);
	fflush(stdout);
	if (t->nr_points == TIMELINE_MAX_POINTS)
		return;
	point = &t->points[t->nr_points++];
	point->host_ns = host_ns;
	point->guest_ns = guest_ns;
	point->generation = t->generation;
	snprintf(point->name, sizeof(point->name), "%s", name);
}

void timeline_hello(struct timeline *t, const char *kernel, unsigned int generation, int64_t host_ns, int64_t guest_ns)
{
	struct hop *hop = timeline_hop(t);
	char text[NAME_BYTES + KERNEL_BYTES];

	if (generation != t->nr_hellos || generation != t->nr_hops)
		t->hello_unexpected = true;
	if (!t->nr_hellos)
		snprintf(t->first_kernel, sizeof(t->first_kernel), "%s", kernel);
	t->nr_hellos++;
	t->generation = generation;
	if (hop && hop->hello_ns == NEVER) {
		hop->hello_ns = host_ns;
		snprintf(hop->kernel_before, sizeof(hop->kernel_before), "%s", t->kernel);
		snprintf(hop->kernel_after, sizeof(hop->kernel_after), "%s", kernel);
	}
	snprintf(t->kernel, sizeof(t->kernel), "%s", kernel);
	snprintf(text, sizeof(text), "hello %s", kernel);
	timeline_point(t, text, host_ns, guest_ns);
}

static void mark_kexec(struct timeline *t, int64_t host_ns)
{
	if (t->nr_hops == ARRAY_SIZE(t->hops))
		return;
	t->hops[t->nr_hops++].kexec_ns = host_ns;
}

static void mark_step(struct timeline *t, const char *name, int64_t host_ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		unsigned int index = t->nr_hops - (steps[i].before_kexec ? 0 : 1);

		if (strcmp(steps[i].name, name) || index >= ARRAY_SIZE(t->hops))
			continue;
		*(int64_t *)((char *)&t->hops[index] + steps[i].offset) = host_ns;
	}
}

void timeline_mark(struct timeline *t, const char *name, int64_t host_ns, int64_t guest_ns)
{
	struct hop *hop = timeline_hop(t);

	timeline_point(t, name, host_ns, guest_ns);
	if (!strcmp(name, "kexec"))
		mark_kexec(t, host_ns);
	else if (!strcmp(name, "workload-end") && t->workload_ns == NEVER)
		t->workload_ns = host_ns;
	else
		mark_step(t, name, host_ns);
	if (!strcmp(name, "swap-end") && hop && hop->serve_ns == NEVER)
		hop->serve_ns = host_ns;
}

/* Only for the split of the blackout into its parts: no rule reads the console. */
void timeline_console(struct timeline *t, const char *line, int64_t host_ns)
{
	struct hop *hop = timeline_hop(t);

	if (!hop || hop->hello_ns != NEVER)
		return;
	if (strstr(line, "Linux version ") && hop->boot_ns == NEVER) {
		hop->boot_ns = host_ns;
		timeline_point(t, "boot", host_ns, NEVER);
	} else if (hop->boot_ns == NEVER) {
		hop->jump_ns = host_ns;
	}
}
