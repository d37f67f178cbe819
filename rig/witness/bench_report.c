// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define GIB		(1LL << 30)
#define MEGA		1e6
#define NOTHING_KEPT	"no device is preserved: no keys, no metadata, and no phase that has to do with them"
#define NOT_HEARD	"freeze: the old kernel says it when the console is all that hears it, and that is quiet"
#define NOT_SEEN	"swap: it is less than the comparison's clock differs from the program's"

static void put(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static struct json_object *new_count(int64_t value)
{
	return value == BENCH_NO_FIGURE ? NULL : json_object_new_int64(value);
}

static struct json_object *new_ms(int64_t ns)
{
	char text[32];

	if (ns == BENCH_NO_FIGURE)
		return NULL;
	snprintf(text, sizeof(text), "%.3f", ns / MEGA);
	return json_object_new_double_s(ns / MEGA, text);
}

static struct json_object *new_words(const char *text)
{
	struct json_object *array = json_object_new_array();
	size_t len;

	for (; *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		json_object_array_add(array, json_object_new_string_len(text, len));
	}
	return array;
}

static bool keeps(const struct bench_row *row)
{
	return strcmp(row->mode, "stock") && strcmp(row->mode, "cold");
}

static struct json_object *new_phases(const struct bench_run *run, struct json_object *(*new_value)(int64_t value))
{
	struct json_object *object = json_object_new_object();

	for (unsigned int i = 0; i < BENCH_NR_PHASES; i++)
		put(object, bench_phase_names[i], new_value(run->phases[i]));
	put(object, "blackout_idle", new_value(run->idle));
	return object;
}

/* By how much two runs differ, in percent of the first. */
static struct json_object *new_repeat(const struct bench_row *row)
{
	struct json_object *object;

	if (!row->again.ran)
		return NULL;
	object = json_object_new_object();
	for (unsigned int i = 0; i < BENCH_NR_PHASES; i++) {
		int64_t one = row->counted.phases[i], other = row->again.phases[i];
		bool both = one != BENCH_NO_FIGURE && other != BENCH_NO_FIGURE && one;

		put(object, bench_phase_names[i], both ? json_object_new_double(100.0 * (other - one) / one) : NULL);
	}
	return object;
}

static struct json_object *new_why_null(const struct bench_row *row)
{
	struct json_object *array = json_object_new_array();

	if (!row->counted.ran)
		json_object_array_add(array, json_object_new_string("the row was not run"));
	else if (!keeps(row))
		json_object_array_add(array, json_object_new_string(NOTHING_KEPT));
	if (row->counted.ran && keeps(row) && row->quiet)
		json_object_array_add(array, json_object_new_string(NOT_HEARD));
	if (row->counted.ran && keeps(row) && row->counted.phases[BENCH_SWAP] == BENCH_NO_FIGURE)
		json_object_array_add(array, json_object_new_string(NOT_SEEN));
	if (row->counted.ran && !row->timed.ran)
		json_object_array_add(array, json_object_new_string("ms: the row was run with counted instructions alone"));
	return array;
}

static struct json_object *new_row(const struct bench_row *row)
{
	struct json_object *object = json_object_new_object();

	put(object, "name", json_object_new_string(row->name));
	put(object, "iommu", json_object_new_string(row->iommu));
	put(object, "mode", json_object_new_string(row->mode));
	put(object, "mapped_bytes", json_object_new_int64(row->mapped_bytes));
	put(object, "page_bytes", json_object_new_int64(row->page_bytes));
	put(object, "devices", json_object_new_int64(row->nr_devices));
	put(object, "scattered", json_object_new_boolean(row->scattered));
	put(object, "machine", *row->machine ? json_object_new_string(row->machine) : NULL);
	put(object, "lean", json_object_new_boolean(row->lean));
	put(object, "quiet", json_object_new_boolean(row->quiet));
	put(object, "ram_bytes", json_object_new_int64(row->ram_bytes));
	put(object, "kernels", new_words(row->kernels));
	put(object, "ran", json_object_new_boolean(row->counted.ran));
	put(object, "reason", *row->reason ? json_object_new_string(row->reason) : NULL);
	put(object, "why_null", new_why_null(row));
	put(object, "tables", new_count(row->counted.tables));
	put(object, "kho_keys", new_count(row->counted.table_keys));
	put(object, "table_runs", new_count(row->counted.table_runs));
	put(object, "metadata_bytes", new_count(row->counted.metadata_bytes));
	put(object, "peak_bytes", new_count(row->counted.peak_bytes));
	put(object, "insns", new_phases(&row->counted, new_count));
	put(object, "ms", new_phases(&row->timed, new_ms));
	put(object, "repeat_percent", new_repeat(row));
	return object;
}

static struct json_object *new_report(const struct bench *bench)
{
	struct json_object *report = json_object_new_object(), *rows = json_object_new_array();
	bool held;

	for (unsigned int i = 0; i < bench->nr_rows; i++)
		json_object_array_add(rows, new_row(&bench->rows[i]));
	put(report, "schema", json_object_new_int(BENCH_SCHEMA));
	put(report, "rows", rows);
	put(report, "micro", json_object_get(bench->micro));
	put(report, "goals", bench_goals(bench, &held));
	put(report, "goals_held", json_object_new_boolean(held));
	return report;
}

static FILE *open_in(const char *directory, const char *name)
{
	char path[PATH_BYTES];
	FILE *file;

	if (path_make(path, "%s/%s", directory, name))
		return NULL;
	file = fopen(path, "w");
	if (!file)
		complain("%s: %s", path, strerror(errno));
	return file;
}

/* Millions of instructions, with as many digits as say something. */
static void cell(FILE *file, int64_t value)
{
	double millions = value / MEGA;

	if (value == BENCH_NO_FIGURE)
		fputs(" |", file);
	else
		fprintf(file, " %.*f |", millions < 1 ? 3 : millions < 100 ? 1 : 0, millions);
}

static void cell_count(FILE *file, int64_t value)
{
	if (value == BENCH_NO_FIGURE)
		fputs(" |", file);
	else
		fprintf(file, " %" PRId64 " |", value);
}

static void cell_bytes(FILE *file, int64_t value)
{
	if (value == BENCH_NO_FIGURE)
		fputs(" |", file);
	else if (value < 1 << 20)
		fprintf(file, " %.0f KiB |", value / 1024.0);
	else
		fprintf(file, " %.1f MiB |", value / 1048576.0);
}

static void write_label(FILE *file, const struct bench_row *row)
{
	fprintf(file, "| %s%s%s | ", row->mode, row->lean ? "" : " (base.config)", strcmp(row->iommu, "amd") ? "" : ", AMD-Vi");
	if (!row->mapped_bytes)
		fputs("0", file);
	else
		fprintf(file, "%lld GiB of %s", (long long)(row->mapped_bytes / GIB), row->page_bytes == 4096 ? "4 KiB" : "2 MiB");
	fprintf(file, "%s | ", row->scattered || *row->machine ? "" : ", in one piece");
	if (*row->machine)
		fprintf(file, "those of `%s` |", row->machine);
	else
		fprintf(file, "%lld |", (long long)row->nr_devices);
}

/* What a column says: a phase, or what else is known of a run. */
enum {
	COLUMN_IDLE = BENCH_NR_PHASES,
	COLUMN_OF_STOCK,
	COLUMN_TABLES,
	COLUMN_RUNS,
	COLUMN_KEYS,
	COLUMN_METADATA,
	COLUMN_PEAK,
};

struct column {
	const char *title;
	unsigned int what;
};

struct table {
	const char *title;
	bool (*has)(const struct bench_row *row);
	bool timed;
	const struct column *columns;
	unsigned int nr_columns;
};

static const struct column columns_blackout[] = {
	{ "blackout", BENCH_BLACKOUT }, { "kexec", BENCH_KEXEC }, { "boot", BENCH_BOOT }, { "of it early boot", BENCH_EARLY_BOOT },
	{ "of it IOMMU restore", BENCH_IOMMU_RESTORE }, { "retrieve", BENCH_RETRIEVE }, { "serve", BENCH_SERVE },
	{ "waited beside", COLUMN_IDLE }, { "of stock", COLUMN_OF_STOCK },	/* the last: it is of machines alone */
};

static const struct column columns_others[] = {
	{ "preserve", BENCH_PRESERVE }, { "freeze", BENCH_FREEZE }, { "walk", BENCH_WALK }, { "map", BENCH_MAP },
	{ "compare", BENCH_COMPARE }, { "swap", BENCH_SWAP }, { "free", BENCH_FREE }, { "finish", BENCH_FINISH },
};

static const struct column columns_kept[] = {
	{ "tables", COLUMN_TABLES }, { "pieces of memory", COLUMN_RUNS }, { "KHO keys", COLUMN_KEYS }, { "metadata", COLUMN_METADATA },
	{ "memory in use at most", COLUMN_PEAK },
};

static const struct column columns_times[] = {
	{ "blackout", BENCH_BLACKOUT }, { "early boot", BENCH_EARLY_BOOT }, { "IOMMU restore", BENCH_IOMMU_RESTORE },
	{ "retrieve", BENCH_RETRIEVE }, { "serve", BENCH_SERVE }, { "preserve", BENCH_PRESERVE }, { "compare", BENCH_COMPARE },
};

static bool is_counted(const struct bench_row *row)
{
	return row->counted.ran;
}

static bool is_machine(const struct bench_row *row)
{
	return row->counted.ran && *row->machine;
}

static bool is_own_machine(const struct bench_row *row)
{
	return row->counted.ran && !*row->machine;
}

static bool is_kept(const struct bench_row *row)
{
	return row->counted.ran && keeps(row);
}

static bool is_timed(const struct bench_row *row)
{
	return row->timed.ran;
}

static const struct table tables[] = {
	{ "Blackout on the machines of scenarios, `quiet`, in millions of instructions:", is_machine, false, columns_blackout,
	  ARRAY_SIZE(columns_blackout) },
	{ "\nBlackout, in millions of instructions:", is_own_machine, false, columns_blackout, ARRAY_SIZE(columns_blackout) - 1 },
	{ "\nBefore and after it, in millions of instructions:", is_kept, false, columns_others, ARRAY_SIZE(columns_others) },
	{ "\nWhat is kept:", is_counted, false, columns_kept, ARRAY_SIZE(columns_kept) },
	{ "\nMilliseconds under software emulation, without counting, once:", is_timed, true, columns_times, ARRAY_SIZE(columns_times) },
};

/* Beside the stock kernel that is configured as ours. */
static void cell_of_stock(FILE *file, const struct bench *bench, const struct bench_row *row)
{
	const struct bench_row *stock = bench_find_machine(bench, row->machine, row->iommu, "stock", true);

	if (stock)
		fprintf(file, " %.1f %% |", 100.0 * row->counted.phases[BENCH_BLACKOUT] / stock->counted.phases[BENCH_BLACKOUT]);
	else
		fputs(" |", file);
}

static void write_cell(FILE *file, const struct bench *bench, const struct bench_row *row, const struct bench_run *run, unsigned int what)
{
	switch (what) {
	case COLUMN_IDLE:
		cell(file, run->idle);
		break;
	case COLUMN_OF_STOCK:
		cell_of_stock(file, bench, row);
		break;
	case COLUMN_TABLES:
		cell_count(file, run->tables);
		break;
	case COLUMN_RUNS:
		cell_count(file, run->table_runs);
		break;
	case COLUMN_KEYS:
		cell_count(file, run->table_keys);
		break;
	case COLUMN_METADATA:
		cell_bytes(file, run->metadata_bytes);
		break;
	case COLUMN_PEAK:
		cell_bytes(file, run->peak_bytes);
		break;
	default:
		cell(file, run->phases[what]);
	}
}

static void write_table(FILE *file, const struct bench *bench, const struct table *table)
{
	fprintf(file, "%s\n\n| mode | mapped | devices |", table->title);
	for (unsigned int i = 0; i < table->nr_columns; i++)
		fprintf(file, " %s |", table->columns[i].title);
	fputs("\n| --- | --- | --- |", file);
	for (unsigned int i = 0; i < table->nr_columns; i++)
		fputs(" --- |", file);
	fputs("\n", file);
	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (!table->has(row))
			continue;
		write_label(file, row);
		for (unsigned int j = 0; j < table->nr_columns; j++)
			write_cell(file, bench, row, table->timed ? &row->timed : &row->counted, table->columns[j].what);
		fputs("\n", file);
	}
}

static void write_not_run(const struct bench *bench, FILE *file)
{
	fputs("\nNot run:\n\n", file);
	for (unsigned int i = 0; i < bench->nr_rows; i++)
		if (!bench->rows[i].counted.ran)
			fprintf(file, "- %s: %s\n", bench->rows[i].name, bench->rows[i].reason);
}

static void write_goals(const struct bench *bench, FILE *file)
{
	bool held;
	struct json_object *goals = bench_goals(bench, &held);

	fputs("\n| goal | | at most | is | |\n| --- | --- | --- | --- | --- |\n", file);
	for (size_t i = 0; i < json_object_array_length(goals); i++) {
		struct json_object *goal = json_object_array_get_idx(goals, i), *value = json_object_object_get(goal, "value");

		fprintf(file, "| %s | %s | %g %s | ", member_string(goal, "name", ""), member_string(goal, "says", ""),
			json_object_get_double(json_object_object_get(goal, "limit")), member_string(goal, "unit", ""));
		if (value)
			fprintf(file, "%.*f | %s |\n", json_object_get_double(value) < 100 ? 2 : 0, json_object_get_double(value),
				member_bool(goal, "holds", false) ? "holds" : "**does not hold**");
		else
			fputs("| not run |\n", file);
	}
	json_object_put(goals);
}

static int write_tables(const struct bench *bench, const char *directory)
{
	FILE *file = open_in(directory, "tables.md");

	if (!file)
		return -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		write_table(file, bench, &tables[i]);
	write_goals(bench, file);
	write_not_run(bench, file);
	return fclose(file) ? -errno : 0;
}

/* For each mode a block of lines, by size: what is mapped in GiB, blackout, early boot and IOMMU restore in millions. */
static void write_mode_data(const struct bench *bench, const char *mode, FILE *file)
{
	fprintf(file, "\"%s\"\n", mode);
	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		const int64_t *phases = row->counted.phases;

		if (row != bench_find(bench, "vtd", mode, row->mapped_bytes, 4096, 1))
			continue;
		fprintf(file, "%g %g", (double)row->mapped_bytes / GIB, phases[BENCH_BLACKOUT] / MEGA);
		fprintf(file, " %g", phases[BENCH_EARLY_BOOT] == BENCH_NO_FIGURE ? NAN : phases[BENCH_EARLY_BOOT] / MEGA);
		fprintf(file, " %g\n", phases[BENCH_IOMMU_RESTORE] == BENCH_NO_FIGURE ? NAN : phases[BENCH_IOMMU_RESTORE] / MEGA);
	}
	fputs("\n\n", file);
}

static int write_data(const struct bench *bench, const char *directory)
{
	static const char *const modes[] = { "stock", "page-by-page", "arenas", "cold" };
	FILE *file = open_in(directory, "size.dat");

	if (!file)
		return -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		write_mode_data(bench, modes[i], file);
	return fclose(file) ? -errno : 0;
}

/* What a blackout is made of: parts that add up. */
static int write_parts(const struct bench *bench, const char *directory)
{
	FILE *file = open_in(directory, "parts.dat");

	if (!file)
		return -EIO;
	fputs("row kexec boot-otherwise early-boot IOMMU-restore retrieve serve map\n", file);
	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		int64_t of[BENCH_NR_PHASES];

		if (!row->counted.ran)
			continue;
		for (unsigned int j = 0; j < BENCH_NR_PHASES; j++)
			of[j] = row->counted.phases[j] == BENCH_NO_FIGURE ? 0 : row->counted.phases[j];
		fprintf(file, "\"%s\" %g %g %g %g %g %g %g\n", row->name, of[BENCH_KEXEC] / MEGA,
			(of[BENCH_BOOT] - of[BENCH_EARLY_BOOT] - of[BENCH_IOMMU_RESTORE]) / MEGA, of[BENCH_EARLY_BOOT] / MEGA,
			of[BENCH_IOMMU_RESTORE] / MEGA, of[BENCH_RETRIEVE] / MEGA, of[BENCH_SERVE] / MEGA,
			keeps(row) ? 0 : of[BENCH_MAP] / MEGA);
	}
	return fclose(file) ? -errno : 0;
}

static int write_report(const struct bench *bench, const char *directory)
{
	struct json_object *report = new_report(bench);
	char path[PATH_BYTES];
	int err = path_make(path, "%s/report.json", directory);

	if (!err && json_object_to_file_ext(path, report, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE)) {
		complain("%s: %s", path, json_util_get_last_err());
		err = -EIO;
	}
	json_object_put(report);
	return err;
}

int bench_write(const struct bench *bench, const char *directory)
{
	int err = write_report(bench, directory);

	if (!err)
		err = write_tables(bench, directory);
	if (!err)
		err = write_data(bench, directory);
	return err ? err : write_parts(bench, directory);
}
