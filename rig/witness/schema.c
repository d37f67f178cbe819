// SPDX-License-Identifier: GPL-2.0-or-later
/* What every report has; docs/report-schema.md is the text to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "schema.h"

static const struct field fields[] = {
	{ "schema", COUNT, false }, { "scenario", STRING, false }, { "verdict", STRING, false }, { "expect", STRING, false },
	{ "expect_reasons", ARRAY, false }, { "as_expected", BOOL, false }, { "reasons", ARRAY, false },
	{ "iommu", STRING, false }, { "mode", STRING, false },
	{ "kernel", OBJECT, false }, { "kernel.before", STRING, false }, { "kernel.after", STRING, true },
	{ "witness", OBJECT, false }, { "witness.translation_faults", COUNT, false },
	{ "witness.contained_faults", COUNT, false }, { "witness.faults_disabled", COUNT, false },
	{ "witness.fault_record_zero", BOOL, false }, { "witness.platform_resets", COUNT, false },
	{ "witness.device_resets", COUNT, false }, { "witness.translations_after_kexec", COUNT, false },
	{ "witness.fault_record", STRING, false }, { "witness.translation_off", COUNT, false },
	{ "witness.translations_total", COUNT, false }, { "witness.kernel_splats", COUNT, false },
	{ "devices", ARRAY, false }, { "devices[].name", STRING, false }, { "devices[].bdf", STRING, false },
	{ "devices[].alias", STRING, true },
	{ "devices[].preserved", BOOL, false }, { "devices[].quarantined", BOOL, false }, { "devices[].progress_before", COUNT, true },
	{ "devices[].progress_after", COUNT, true }, { "devices[].progress_blackout", COUNT, true },
	{ "devices[].progress_unit", STRING, false }, { "devices[].longest_gap_ms", NUMBER, true },
	{ "devices[].longest_still_host_ms", NUMBER, true }, { "devices[].dead", BOOL, false },
	{ "devices[].faults", COUNT, false }, { "devices[].resets", COUNT, false }, { "devices[].samples", COUNT, false },
	{ "packets", OBJECT, false }, { "packets.sent", COUNT, false }, { "packets.received", COUNT, false },
	{ "packets.lost", COUNT, false }, { "packets.duplicated", COUNT, false }, { "packets.corrupt", COUNT, false },
	{ "packets.sent_after_kexec", COUNT, false }, { "packets.longest_backlog", COUNT, false },
	{ "packets.longest_refused_host_ms", NUMBER, false }, { "packets.longest_refused_awake_ms", NUMBER, false },
	{ "timeline_ms", OBJECT, false }, { "timeline_ms.preserve", NUMBER, true }, { "timeline_ms.freeze", NUMBER, true },
	{ "timeline_ms.kexec", NUMBER, true }, { "timeline_ms.new_kernel_init", NUMBER, true },
	{ "timeline_ms.retrieve", NUMBER, true }, { "timeline_ms.swap", NUMBER, true },
	{ "timeline_ms.finish", NUMBER, true }, { "timeline_ms.blackout", NUMBER, true },
	{ "hops", ARRAY, false }, { "hops[].before", STRING, false }, { "hops[].after", STRING, false },
	{ "hops[].kexec_at", NUMBER, true }, { "hops[].timeline_ms", OBJECT, false },
	{ "hops[].translations_after_kexec", COUNT, false }, { "hops[].translations_before_swap", COUNT, false },
	{ "hops[].translations_after_swap", COUNT, false },
	{ "hops[].handover_at", NUMBER, true }, { "hops[].adopted_at", NUMBER, true },
	{ "tables", OBJECT, false }, { "tables.times", COUNT, false }, { "tables.unsteady", COUNT, false },
	{ "tables.looks", ARRAY, false }, { "tables.looks[].from", NUMBER, false }, { "tables.looks[].to", NUMBER, false },
	{ "tables.looks[].times", COUNT, false }, { "tables.looks[].translating", BOOL, false },
	{ "tables.looks[].root", STRING, false }, { "tables.looks[].entries", ARRAY, false },
	{ "tables.looks[].entries[].bdf", STRING, false }, { "tables.looks[].entries[].domain_id", COUNT, false },
	{ "tables.looks[].entries[].pasid", COUNT, true },
	{ "tables.looks[].entries[].type", STRING, false }, { "tables.looks[].entries[].levels", COUNT, false },
	{ "tables.looks[].entries[].table", STRING, false }, { "tables.looks[].entries[].translates", STRING, true },
	{ "timeline", ARRAY, false }, { "timeline[].name", STRING, false }, { "timeline[].generation", COUNT, false },
	{ "timeline[].host_ms", NUMBER, true }, { "timeline[].guest_ms", NUMBER, true },
	{ "guest_checks", ARRAY, false }, { "guest_checks[].name", STRING, false },
	{ "guest_checks[].generation", COUNT, false }, { "guest_checks[].ok", BOOL, false },
	{ "guest_checks[].detail", STRING, false },
	{ "figures", ARRAY, false }, { "figures[].name", STRING, false }, { "figures[].generation", COUNT, false },
	{ "figures[].value", COUNT, false },
};

static bool is_of_kind(struct json_object *value, enum kind kind)
{
	switch (kind) {
	case STRING:
		return json_object_is_type(value, json_type_string);
	case COUNT:
		return json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0;
	case NUMBER:
		return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
	case BOOL:
		return json_object_is_type(value, json_type_boolean);
	case OBJECT:
		return json_object_is_type(value, json_type_object);
	case ARRAY:
		return json_object_is_type(value, json_type_array);
	}
	return false;
}

static bool has_field(struct json_object *object, const char *path, const struct field *field);

static bool each_has_field(struct json_object *array, const char *rest, const struct field *field)
{
	if (!json_object_is_type(array, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (!has_field(json_object_array_get_idx(array, i), rest, field))
			return false;
	return true;
}

static bool has_field(struct json_object *object, const char *path, const struct field *field)
{
	size_t len = strcspn(path, ".[");
	struct json_object *member;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, path);
	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &member))
		return false;
	if (path[len] == '[')
		return each_has_field(member, path + len + 3, field);
	if (path[len] == '.')
		return has_field(member, path + len + 1, field);
	return member ? is_of_kind(member, field->kind) : field->may_be_null;
}

static bool is_verdict(const char *text)
{
	return !strcmp(text, "pass") || !strcmp(text, "fail");
}

unsigned int schema_check(const char *path, struct json_object *object, const struct field *wanted, size_t nr)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < nr; i++) {
		if (has_field(object, wanted[i].path, &wanted[i]))
			continue;
		complain("%s: %s is missing or of another type", path, wanted[i].path);
		wrong++;
	}
	return wrong;
}

/* Fields that must fit one another. */
static unsigned int check_sense(const char *path, struct json_object *report)
{
	struct json_object *reasons = json_object_object_get(report, "reasons");
	const char *verdict = member_string(report, "verdict", "");
	unsigned int wrong = 0;

	if (member_int(report, "schema", 0) < 1)
		wrong++, complain("%s: schema is below 1", path);
	if (!is_verdict(verdict) || !is_verdict(member_string(report, "expect", "")))
		wrong++, complain("%s: verdict or expect is neither \"pass\" nor \"fail\"", path);
	if (json_object_is_type(reasons, json_type_array) && !json_object_array_length(reasons) != !strcmp(verdict, "pass"))
		wrong++, complain("%s: a \"fail\" has reasons and a \"pass\" has none", path);
	return wrong;
}

int report_check(const char *path)
{
	struct json_object *report = json_object_from_file(path);
	unsigned int wrong;

	if (!report) {
		complain("%s: %s", path, json_util_get_last_err());
		return -EINVAL;
	}
	wrong = schema_check(path, report, fields, ARRAY_SIZE(fields));
	if (!wrong)
		wrong = check_sense(path, report);
	json_object_put(report);
	return wrong ? -EINVAL : 0;
}
