// SPDX-License-Identifier: GPL-2.0-or-later
/* Does the report of a benchmark hold together? docs/report-schema.md is the text to it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "schema.h"

#define PARTS_OFF_PERCENT	2	/* what lies between the parts */
#define LEAVES_PER_TABLE	512
#define COMPARE_LONG		1000000000
#define TABLES_OTHER		96	/* upper levels, and those of what is mapped beside */

static const struct field fields[] = {
	{ "schema", COUNT, false }, { "rows", ARRAY, false }, { "rows[].name", STRING, false }, { "rows[].iommu", STRING, false },
	{ "rows[].mode", STRING, false }, { "rows[].machine", STRING, true }, { "rows[].lean", BOOL, false },
	{ "rows[].quiet", BOOL, false }, { "rows[].ram_bytes", COUNT, false }, { "rows[].kernels", ARRAY, false },
	{ "rows[].mapped_bytes", COUNT, false }, { "rows[].page_bytes", COUNT, false }, { "rows[].devices", COUNT, false },
	{ "rows[].scattered", BOOL, false }, { "rows[].ran", BOOL, false }, { "rows[].reason", STRING, true },
	{ "rows[].why_null", ARRAY, false }, { "rows[].tables", COUNT, true }, { "rows[].kho_keys", COUNT, true },
	{ "rows[].table_runs", COUNT, true }, { "rows[].metadata_bytes", COUNT, true }, { "rows[].peak_bytes", COUNT, true },
	{ "rows[].insns", OBJECT, false }, { "rows[].insns.preserve", COUNT, true }, { "rows[].insns.freeze", COUNT, true },
	{ "rows[].insns.kexec", COUNT, true }, { "rows[].insns.early_boot", COUNT, true },
	{ "rows[].insns.iommu_restore", COUNT, true }, { "rows[].insns.boot", COUNT, true }, { "rows[].insns.retrieve", COUNT, true },
	{ "rows[].insns.serve", COUNT, true }, { "rows[].insns.walk", COUNT, true }, { "rows[].insns.map", COUNT, true },
	{ "rows[].insns.compare", COUNT, true },
	{ "rows[].insns.swap", COUNT, true }, { "rows[].insns.free", COUNT, true }, { "rows[].insns.finish", COUNT, true },
	{ "rows[].insns.blackout", COUNT, true }, { "rows[].insns.blackout_idle", COUNT, true },
	{ "rows[].ms", OBJECT, false }, { "rows[].ms.preserve", NUMBER, true }, { "rows[].ms.freeze", NUMBER, true },
	{ "rows[].ms.kexec", NUMBER, true }, { "rows[].ms.early_boot", NUMBER, true }, { "rows[].ms.iommu_restore", NUMBER, true },
	{ "rows[].ms.boot", NUMBER, true }, { "rows[].ms.retrieve", NUMBER, true }, { "rows[].ms.serve", NUMBER, true },
	{ "rows[].ms.walk", NUMBER, true }, { "rows[].ms.map", NUMBER, true }, { "rows[].ms.compare", NUMBER, true },
	{ "rows[].ms.swap", NUMBER, true }, { "rows[].ms.free", NUMBER, true }, { "rows[].ms.finish", NUMBER, true },
	{ "rows[].ms.blackout", NUMBER, true }, { "rows[].ms.blackout_idle", NUMBER, true }, { "rows[].repeat_percent", OBJECT, true },
	{ "micro", ARRAY, false }, { "goals", ARRAY, false }, { "goals[].name", STRING, false }, { "goals[].says", STRING, false },
	{ "goals[].unit", STRING, false }, { "goals[].limit", NUMBER, false }, { "goals[].value", NUMBER, true },
	{ "goals[].holds", BOOL, true }, { "goals_held", BOOL, false },
};

static const char *const phases_kept[] = { "iommu_restore", "walk", "compare", "free", "finish" };
static const char *const phases_all[] = { "preserve", "kexec", "early_boot", "boot", "retrieve", "serve", "map", "blackout" };
static const char *const phase_heard = "freeze";	/* on a console that is not to be quiet */
static const char *const phase_seen = "swap";		/* beside a comparison that is not long */

static bool keeps(struct json_object *row)
{
	const char *mode = member_string(row, "mode", "");

	return strcmp(mode, "stock") && strcmp(mode, "cold");
}

static int64_t insns(struct json_object *row, const char *phase)
{
	return member_int(json_object_object_get(row, "insns"), phase, -1);
}

static unsigned int check_said(const char *name, struct json_object *row, const char *const *phases, size_t nr)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < nr; i++)
		if (insns(row, phases[i]) <= 0)
			wrong++, complain("%s: no figure for %s", name, phases[i]);
	return wrong;
}

/* The parts of a blackout make a blackout. */
static unsigned int check_parts(const char *name, struct json_object *row)
{
	int64_t blackout = insns(row, "blackout");
	int64_t parts = insns(row, "kexec") + insns(row, "boot") + insns(row, "retrieve") + insns(row, "serve");

	parts += keeps(row) ? 0 : insns(row, "map");
	if (llabs(parts - blackout) <= blackout * PARTS_OFF_PERCENT / 100)
		return 0;
	complain("%s: a blackout of %" PRId64 " has parts of %" PRId64, name, blackout, parts);
	return 1;
}

static unsigned int check_boot(const char *name, struct json_object *row)
{
	int64_t within = insns(row, "early_boot") + (keeps(row) ? insns(row, "iommu_restore") : 0);

	if (within < insns(row, "boot"))
		return 0;
	complain("%s: early boot and IOMMU restore are %" PRId64 " of a boot of %" PRId64, name, within, insns(row, "boot"));
	return 1;
}

/* Each leaf is of the size that the row is about, and each table is kept. */
static unsigned int check_tables(const char *name, struct json_object *row)
{
	int64_t tables = member_int(row, "tables", -1), keys = member_int(row, "kho_keys", -1), runs = member_int(row, "table_runs", 0);
	int64_t page = member_int(row, "page_bytes", 0);
	int64_t least = page ? member_int(row, "mapped_bytes", 0) / page / LEAVES_PER_TABLE : 0;
	unsigned int wrong = 0;

	if (tables < least || tables > least + least / 64 + TABLES_OTHER)
		wrong++, complain("%s: %" PRId64 " tables instead of %" PRId64 " and a few", name, tables, least);
	if (keys < 1 || keys > tables || (!strcmp(member_string(row, "mode", ""), "page-by-page") && keys != tables))
		wrong++, complain("%s: %" PRId64 " KHO keys for %" PRId64 " tables", name, keys, tables);
	if (member_bool(row, "scattered", false) && keys == tables && runs < tables - tables / 10)
		wrong++, complain("%s: %" PRId64 " tables lie in %" PRId64 " pieces, not singly", name, tables, runs);
	if (member_int(row, "metadata_bytes", 0) <= 0)
		wrong++, complain("%s: no metadata", name);
	return wrong;
}

static unsigned int check_row(struct json_object *row)
{
	const char *name = member_string(row, "name", "");
	unsigned int wrong;

	if (!member_bool(row, "ran", false)) {
		if (member_string(row, "reason", NULL))
			return 0;
		complain("%s: was not run, for no reason", name);
		return 1;
	}
	wrong = check_said(name, row, phases_all, ARRAY_SIZE(phases_all));
	if (keeps(row))
		wrong += check_said(name, row, phases_kept, ARRAY_SIZE(phases_kept));
	if (keeps(row) && !member_bool(row, "quiet", false))
		wrong += check_said(name, row, &phase_heard, 1);
	if (keeps(row) && insns(row, "compare") < COMPARE_LONG)
		wrong += check_said(name, row, &phase_seen, 1);
	if (json_object_array_length(json_object_object_get(row, "kernels")) != 2)
		wrong++, complain("%s: not two kernels", name);
	if (wrong)
		return wrong;
	wrong = check_parts(name, row) + check_boot(name, row);
	return keeps(row) ? wrong + check_tables(name, row) : wrong;
}

/* A goal that is asked for has to be known, and to hold. */
static unsigned int check_goal(const char *path, struct json_object *report, const char *name)
{
	struct json_object *goals = json_object_object_get(report, "goals");

	for (size_t i = 0; i < json_object_array_length(goals); i++) {
		struct json_object *goal = json_object_array_get_idx(goals, i);

		if (strcmp(member_string(goal, "name", ""), name))
			continue;
		if (member_bool(goal, "holds", false))
			return 0;
		complain("%s: goal %s: %s: is %s, at most %g %s", path, name, member_string(goal, "says", ""),
			 json_object_get_string(json_object_object_get(goal, "value")),
			 json_object_get_double(json_object_object_get(goal, "limit")), member_string(goal, "unit", ""));
		return 1;
	}
	complain("%s: there is no goal %s", path, name);
	return 1;
}

int bench_check(const char *path, char *const *goals, unsigned int nr_goals)
{
	struct json_object *rows, *report = json_object_from_file(path);
	unsigned int wrong;

	if (!report) {
		complain("%s: %s", path, json_util_get_last_err());
		return -EINVAL;
	}
	wrong = schema_check(path, report, fields, ARRAY_SIZE(fields));
	rows = json_object_object_get(report, "rows");
	for (size_t i = 0; !wrong && i < json_object_array_length(rows); i++)
		wrong += check_row(json_object_array_get_idx(rows, i));
	for (unsigned int i = 0; !wrong && i < nr_goals; i++)
		wrong += check_goal(path, report, goals[i]);
	json_object_put(report);
	return wrong ? -EINVAL : 0;
}
