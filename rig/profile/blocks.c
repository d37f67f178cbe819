// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of QEMU's: which instructions does the machine run from one point of its program to another? Loaded by
 * scripts/profile.sh.
 *
 *	points=FILE	lines of an address, a kind and a name. Kinds: `s` start to count, `p` a phase begins, `i` only say when
 *			it was reached, `e` the end. Addresses are virtual, and must be where a function begins.
 *	out=FILE	lines of instructions since the start, and the name of the point that was reached then
 *	blocks=FILE	at the end: phase, address of a block of code, instructions run in it during the phase
 *
 * What QEMU gives a plugin is declared here, as far as it is used: its header is in no package. Version 7 of the interface; a QEMU
 * that has another says so and does not start. The machine has one processor, so nothing here is shared.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(struct qemu_plugin_tb *tb, void *data), void *data);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*run)(unsigned int cpu, void *data), int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int nr_args, char **args);
EXPORT int qemu_plugin_version = 7;

#define MAX_PHASES	32
#define MAX_POINTS	4096
#define HASH_BUCKETS	65536
#define NAME_BYTES	80

struct point {
	uint64_t address;
	char kind;
	char name[NAME_BYTES];
};

/* QEMU may translate the same code again and again; it is one block as long as it begins and ends at the same places. */
struct block {
	uint64_t address;
	uint32_t nr_insns;
	const struct point *point;
	uint64_t runs[MAX_PHASES];
	struct block *next_in_bucket, *next;
};

static struct point points[MAX_POINTS];
static unsigned int nr_points;
static struct block *buckets[HASH_BUCKETS], *blocks;
static const char *phases[MAX_PHASES];
static unsigned int phase;
static uint64_t nr_insns;
static bool counting;
static FILE *out;
static const char *blocks_path;

static void blocks_write(void)
{
	FILE *file = fopen(blocks_path, "w");

	if (!file) {
		perror(blocks_path);
		return;
	}
	for (const struct block *block = blocks; block; block = block->next)
		for (unsigned int i = 0; i <= phase; i++)
			if (block->runs[i])
				fprintf(file, "%s %016" PRIx64 " %" PRIu64 "\n", phases[i], block->address,
					block->runs[i] * block->nr_insns);
	fclose(file);
}

static void start(const struct point *point)
{
	for (struct block *block = blocks; block; block = block->next)
		memset(block->runs, 0, sizeof(block->runs));
	nr_insns = 0;
	phase = 0;
	phases[0] = point->name;
	counting = true;
}

static void reached(const struct point *point)
{
	if (point->kind == 's')
		start(point);
	if (!counting)
		return;
	fprintf(out, "%" PRIu64 " %s\n", nr_insns, point->name);
	if (point->kind == 'p' && phase + 1 < MAX_PHASES)
		phases[++phase] = point->name;
	if (point->kind == 'e') {
		counting = false;
		blocks_write();
		fflush(out);
	}
}

static void on_run(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	if (block->point)
		reached(block->point);
	if (counting) {
		nr_insns += block->nr_insns;
		block->runs[phase]++;
	}
}

static const struct point *point_at(uint64_t address)
{
	for (unsigned int i = 0; i < nr_points; i++)
		if (points[i].address == address)
			return &points[i];
	return NULL;
}

static struct block *block_at(uint64_t address, uint32_t insns)
{
	struct block **bucket = &buckets[(address ^ address >> 16) % HASH_BUCKETS], *block;

	for (block = *bucket; block; block = block->next_in_bucket)
		if (block->address == address && block->nr_insns == insns)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	*block = (struct block){ .address = address, .nr_insns = insns, .point = point_at(address), .next_in_bucket = *bucket,
				 .next = blocks };
	*bucket = block;
	blocks = block;
	return block;
}

static void on_translated(struct qemu_plugin_tb *tb, void *data)
{
	(void)data;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_run, 0, block_at(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb)));
}

static bool points_read(const char *path)
{
	FILE *file = fopen(path, "r");
	struct point *point = points;

	if (!file)
		return false;
	while (point < points + MAX_POINTS && fscanf(file, "%" SCNx64 " %c %79s", &point->address, &point->kind, point->name) == 3)
		point++;
	fclose(file);
	nr_points = point - points;
	return nr_points && nr_points < MAX_POINTS;
}

int qemu_plugin_install(uint64_t id, const void *info, int nr_args, char **args)
{
	bool have_points = false;

	(void)info;
	for (int i = 0; i < nr_args; i++) {
		if (!strncmp(args[i], "points=", 7))
			have_points = points_read(args[i] + 7);
		else if (!strncmp(args[i], "out=", 4))
			out = fopen(args[i] + 4, "w");
		else if (!strncmp(args[i], "blocks=", 7))
			blocks_path = strdup(args[i] + 7);
	}
	if (!have_points || !out || !blocks_path) {
		fprintf(stderr, "blocks: needs points=, out= and blocks=\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated, NULL);
	return 0;
}
