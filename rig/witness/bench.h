/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark: rows that were run, or not, put side by side. Input is a list with a line for each row, sixteen fields each, separated by
 * tabs ("-" for none):
 *
 *	name iommu mode mapped_bytes page_bytes devices scattered machine lean quiet ram_bytes kernels counted again timed reason
 *
 * machine: the scenario whose machine it is. kernels: "<name>:<sum of the image>", old and new one, separated by a comma. counted, again,
 * timed: directories of runs of plan "bench", the first two with "icount". reason: why the row was not run.
 */
#ifndef WITNESS_BENCH_H
#define WITNESS_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

#define BENCH_MAX_ROWS	128
#define BENCH_NO_FIGURE	INT64_MIN
#define BENCH_SCHEMA	2

/* What a row says in instructions, and in time. */
enum bench_phase {
	BENCH_PRESERVE,
	BENCH_FREEZE,
	BENCH_KEXEC,
	BENCH_EARLY_BOOT,
	BENCH_IOMMU_RESTORE,
	BENCH_BOOT,
	BENCH_RETRIEVE,
	BENCH_SERVE,
	BENCH_WALK,
	BENCH_MAP,
	BENCH_COMPARE,
	BENCH_SWAP,
	BENCH_FREE,
	BENCH_FINISH,
	BENCH_BLACKOUT,
	BENCH_NR_PHASES,
};

/* One run; BENCH_NO_FIGURE where nothing was said. */
struct bench_run {
	bool ran;
	int64_t phases[BENCH_NR_PHASES];	/* nanoseconds of the guest's clock: instructions, if they were counted */
	int64_t idle;				/* beside the blackout: how long the program waited */
	int64_t tables, table_keys, table_runs;
	int64_t metadata_bytes;
	int64_t peak_bytes;
};

struct bench_row {
	char name[64];
	char iommu[8];
	char mode[24];
	int64_t mapped_bytes, page_bytes;
	int64_t nr_devices;
	bool scattered;
	char machine[32];			/* "" if it is the benchmark's own */
	bool lean, quiet;
	int64_t ram_bytes;
	char kernels[96];
	char reason[256];
	struct bench_run counted, again, timed;
};

struct bench {
	unsigned int nr_rows;
	struct bench_row rows[BENCH_MAX_ROWS];
	struct json_object *micro;		/* lines of the micro-benchmarks */
};

extern const char *const bench_phase_names[BENCH_NR_PHASES];

/* @micro: file of JSON lines, or NULL. Return: 0, -EINVAL (said why), -errno. */
int bench_load(struct bench *bench, const char *list, const char *micro);
void bench_free(struct bench *bench);

/*
 * The row on the benchmark's own machine, if it was run; NULL. Tables lie singly if they were made to: of arenas, which take blocks
 * wherever single pages are, a row without that does as well.
 */
const struct bench_row *bench_find(const struct bench *bench, const char *iommu, const char *mode, int64_t mapped_bytes, int64_t page_bytes,
				   int64_t nr_devices);

/* The row on the machine of a scenario, if it was run; NULL. */
const struct bench_row *bench_find_machine(const struct bench *bench, const char *machine, const char *iommu, const char *mode, bool lean);

/* report.json, tables.md and the pictures' data in @directory. Return: 0, -errno. */
int bench_write(const struct bench *bench, const char *directory);

/* What is to be held, with @held set to false when something that is known is not. */
struct json_object *bench_goals(const struct bench *bench, bool *held);

/* Checks a report.json of bench_write(), and that the goals of these names hold. Return: 0, -EINVAL (said why). */
int bench_check(const char *path, char *const *goals, unsigned int nr_goals);

#endif
