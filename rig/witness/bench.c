// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define LIST_FIELDS	16
#define LINE_BYTES	(2 * PATH_BYTES)

const char *const bench_phase_names[BENCH_NR_PHASES] = {
	"preserve", "freeze", "kexec", "early_boot", "iommu_restore", "boot", "retrieve", "serve", "walk", "map", "compare", "swap", "free",
	"finish", "blackout",
};

/* Reasons that make a run worthless, whatever its scenario expects. */
static const char *const fatal[] = {
	"timeout", "no-verdict", "hops", "generation", "kernel-identity", "guest-check", "telemetry", "qemu-exit", "interrupted", "panic",
	"platform-reset", "kernel-splat",
};

/* The last one of the name: a kernel says the same once more for each unit, and more of it. */
static int64_t figure(struct json_object *report, const char *name)
{
	struct json_object *figures = json_object_object_get(report, "figures");
	int64_t value = BENCH_NO_FIGURE;

	for (size_t i = 0; json_object_is_type(figures, json_type_array) && i < json_object_array_length(figures); i++) {
		struct json_object *entry = json_object_array_get_idx(figures, i);

		if (!strcmp(member_string(entry, "name", ""), name))
			value = member_int(entry, "value", BENCH_NO_FIGURE);
	}
	return value;
}

static int64_t sum(int64_t a, int64_t b)
{
	return a == BENCH_NO_FIGURE || b == BENCH_NO_FIGURE ? BENCH_NO_FIGURE : a + b;
}

static int64_t more(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_fatal(const char *reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		if (!strncmp(reason, fatal[i], strlen(fatal[i])) && reason[strlen(fatal[i])] == ':')
			return true;
	return false;
}

static bool report_usable(const char *path, struct json_object *report)
{
	struct json_object *reasons = json_object_object_get(report, "reasons");
	bool usable = true;

	for (size_t i = 0; json_object_is_type(reasons, json_type_array) && i < json_object_array_length(reasons); i++) {
		const char *reason = json_object_get_string(json_object_array_get_idx(reasons, i));

		if (!is_fatal(reason) && !member_bool(report, "as_expected", false))
			complain("%s: %s", path, reason);
		else if (is_fatal(reason))
			usable = false, complain("%s: %s", path, reason);
	}
	if (!member_bool(report, "as_expected", false))
		usable = false, complain("%s: the verdict is not the one that was expected", path);
	return usable;
}

static void run_take(struct bench_run *run, struct json_object *report)
{
	for (unsigned int i = 0; i < BENCH_NR_PHASES; i++)
		run->phases[i] = figure(report, bench_phase_names[i]);
	run->phases[BENCH_FREEZE] = sum(figure(report, "freeze_ns"), figure(report, "handover_ns"));
	run->phases[BENCH_IOMMU_RESTORE] = figure(report, "restore_ns");
	run->idle = figure(report, "blackout_idle");
	run->tables = figure(report, "tables");
	run->table_keys = figure(report, "table_keys");
	run->table_runs = figure(report, "table_runs");
	run->metadata_bytes = figure(report, "metadata_bytes");
	run->peak_bytes = more(figure(report, "old_used_bytes"), figure(report, "new_used_bytes"));
}

static void run_clear(struct bench_run *run)
{
	*run = (struct bench_run){ .idle = BENCH_NO_FIGURE, .tables = BENCH_NO_FIGURE, .table_keys = BENCH_NO_FIGURE,
				   .table_runs = BENCH_NO_FIGURE, .metadata_bytes = BENCH_NO_FIGURE, .peak_bytes = BENCH_NO_FIGURE };
	for (unsigned int i = 0; i < BENCH_NR_PHASES; i++)
		run->phases[i] = BENCH_NO_FIGURE;
}

static int run_load(struct bench_run *run, const char *directory)
{
	struct json_object *report;
	char path[PATH_BYTES];
	int err;

	run_clear(run);
	if (!strcmp(directory, "-"))
		return 0;
	err = path_make(path, "%s/report.json", directory);
	if (err)
		return err;
	report = json_object_from_file(path);
	if (!report) {
		complain("%s: %s", path, json_util_get_last_err());
		return -EINVAL;
	}
	err = report_usable(path, report) ? 0 : -EINVAL;
	if (!err) {
		run->ran = true;
		run_take(run, report);
	}
	json_object_put(report);
	return err;
}

static void field_text(char *to, size_t bytes, const char *field)
{
	snprintf(to, bytes, "%s", strcmp(field, "-") ? field : "");
}

static int row_parse(struct bench_row *row, char *line)
{
	char *fields[LIST_FIELDS], *rest = line;
	int err;

	for (unsigned int i = 0; i < LIST_FIELDS; i++) {
		fields[i] = strsep(&rest, "\t");
		if (!fields[i]) {
			complain("a row of %u fields instead of %u", i, LIST_FIELDS);
			return -EINVAL;
		}
	}
	memset(row, 0, sizeof(*row));
	field_text(row->name, sizeof(row->name), fields[0]);
	field_text(row->iommu, sizeof(row->iommu), fields[1]);
	field_text(row->mode, sizeof(row->mode), fields[2]);
	row->mapped_bytes = strtoll(fields[3], NULL, 10);
	row->page_bytes = strtoll(fields[4], NULL, 10);
	row->nr_devices = strtoll(fields[5], NULL, 10);
	row->scattered = !strcmp(fields[6], "1");
	field_text(row->machine, sizeof(row->machine), fields[7]);
	row->lean = !strcmp(fields[8], "1");
	row->quiet = !strcmp(fields[9], "1");
	row->ram_bytes = strtoll(fields[10], NULL, 10);
	field_text(row->kernels, sizeof(row->kernels), fields[11]);
	field_text(row->reason, sizeof(row->reason), fields[15]);
	err = run_load(&row->counted, fields[12]);
	if (!err)
		err = run_load(&row->again, fields[13]);
	else
		run_clear(&row->again);
	if (!err)
		err = run_load(&row->timed, fields[14]);
	else
		run_clear(&row->timed);
	/* What cannot be used is told apart from what was not wanted by the exit status alone. */
	if (err && !*row->reason)
		snprintf(row->reason, sizeof(row->reason), "its run failed");
	return err;
}

static int rows_load(struct bench *bench, FILE *file)
{
	char line[LINE_BYTES];
	int err = 0, one;

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (bench->nr_rows == BENCH_MAX_ROWS) {
			complain("more than %u rows", BENCH_MAX_ROWS);
			return -E2BIG;
		}
		one = row_parse(&bench->rows[bench->nr_rows], line);
		if (*bench->rows[bench->nr_rows].name)
			bench->nr_rows++;
		err = err ? err : one;
	}
	return err;
}

static int micro_load(struct bench *bench, const char *path)
{
	char line[LINE_BYTES];
	FILE *file;

	if (!path)
		return 0;
	file = fopen(path, "r");
	if (!file) {
		complain("%s: %s", path, strerror(errno));
		return -EINVAL;
	}
	while (fgets(line, sizeof(line), file)) {
		struct json_object *object = json_tokener_parse(line);

		if (object)
			json_object_array_add(bench->micro, object);
		else
			complain("%s: not understood: %.80s", path, line);
	}
	fclose(file);
	return 0;
}

/* What can be used is, even when a row cannot. */
int bench_load(struct bench *bench, const char *list, const char *micro)
{
	FILE *file = fopen(list, "r");
	int err, err_micro;

	memset(bench, 0, sizeof(*bench));
	if (!file) {
		complain("%s: %s", list, strerror(errno));
		return -EINVAL;
	}
	bench->micro = json_object_new_array();
	err = rows_load(bench, file);
	fclose(file);
	err_micro = micro_load(bench, micro);
	return err ? err : err_micro;
}

void bench_free(struct bench *bench)
{
	json_object_put(bench->micro);
	bench->micro = NULL;
}

static const struct bench_row *find(const struct bench *bench, const char *iommu, const char *mode, int64_t mapped_bytes,
				    int64_t page_bytes, int64_t nr_devices, bool scattered)
{
	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (row->counted.ran && !*row->machine && row->scattered == scattered && !strcmp(row->iommu, iommu) &&
		    !strcmp(row->mode, mode) && row->mapped_bytes == mapped_bytes && (!mapped_bytes || row->page_bytes == page_bytes) &&
		    row->nr_devices == nr_devices)
			return row;
	}
	return NULL;
}

const struct bench_row *bench_find(const struct bench *bench, const char *iommu, const char *mode, int64_t mapped_bytes, int64_t page_bytes,
				   int64_t nr_devices)
{
	const struct bench_row *row = find(bench, iommu, mode, mapped_bytes, page_bytes, nr_devices, true);

	return row || strcmp(mode, "arenas") ? row : find(bench, iommu, mode, mapped_bytes, page_bytes, nr_devices, false);
}

const struct bench_row *bench_find_machine(const struct bench *bench, const char *machine, const char *iommu, const char *mode, bool lean)
{
	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (row->counted.ran && !strcmp(row->machine, machine) && !strcmp(row->iommu, iommu) && !strcmp(row->mode, mode) &&
		    row->lean == lean)
			return row;
	}
	return NULL;
}
