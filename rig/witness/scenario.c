// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static const char *const scenario_keys[] = {
	"name", "description", "iommu", "mode", "iommu_options", "kernels", "plan", "devices", "quarantined", "quarantined_at", "others", "arguments",
	"expect", "expect_reasons", "thresholds", "packet_rate", "timeout_s", "ram_mib", "icount",
};

static const char *const threshold_keys[] = {
	"ohci_gap_ms", "hda_gap_ms", "packets_min", "packet_delay_ms", "translations_min", "contained_faults_min",
	"contained_faults_max", "faults_disabled_max", "fault_record_zero",
};

bool strings_contain(const struct strings *strings, const char *string)
{
	for (unsigned int i = 0; i < strings->nr; i++)
		if (!strcmp(strings->of[i], string))
			return true;
	return false;
}

/* A key nobody reads is a misspelt threshold: refused, lest a rule be silently left at its default. */
static int refuse_unknown_keys(const char *path, struct json_object *object, const char *const *keys, size_t nr_keys)
{
	json_object_object_foreach(object, key, value) {
		size_t i;

		(void)value;
		for (i = 0; i < nr_keys && strcmp(key, keys[i]); i++)
			;
		if (i == nr_keys) {
			complain("%s: unknown key \"%s\"", path, key);
			return -EINVAL;
		}
	}
	return 0;
}

static int load_strings(const char *path, struct json_object *object, const char *key, unsigned int min,
			unsigned int max, struct strings *strings)
{
	struct json_object *array;
	size_t nr;

	strings->nr = 0;
	if (!json_object_object_get_ex(object, key, &array)) {
		nr = 0;
	} else if (json_object_is_type(array, json_type_array)) {
		nr = json_object_array_length(array);
	} else {
		complain("%s: \"%s\" is no array", path, key);
		return -EINVAL;
	}
	if (nr < min || nr > max) {
		complain("%s: \"%s\" has %zu entries, not %u to %u", path, key, nr, min, max);
		return -EINVAL;
	}
	for (size_t i = 0; i < nr; i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);

		if (!json_object_is_type(entry, json_type_string)) {
			complain("%s: \"%s\"[%zu] is no string", path, key, i);
			return -EINVAL;
		}
		strings->of[strings->nr++] = json_object_get_string(entry);
	}
	return 0;
}

static int load_string(const char *path, struct json_object *object, const char *key, const char *choices,
		       const char **string)
{
	const char *found;

	*string = member_string(object, key, NULL);
	if (!*string) {
		complain("%s: no string \"%s\"", path, key);
		return -EINVAL;
	}
	if (!choices)
		return 0;
	found = strstr(choices, *string);
	if (!**string || !found || (found > choices && found[-1] != ' ') ||
	    (found[strlen(*string)] && found[strlen(*string)] != ' ')) {
		complain("%s: \"%s\" is \"%s\", not one of: %s", path, key, *string, choices);
		return -EINVAL;
	}
	return 0;
}

static int load_number(const char *path, struct json_object *object, const char *key, double min, double *number)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, key, &member))
		return 0;
	if (!json_object_is_type(member, json_type_int) && !json_object_is_type(member, json_type_double)) {
		complain("%s: \"%s\" is no number", path, key);
		return -EINVAL;
	}
	*number = json_object_get_double(member);
	if (*number >= min)
		return 0;
	complain("%s: \"%s\" is below %g", path, key, min);
	return -EINVAL;
}

static int load_count(const char *path, struct json_object *object, const char *key, int64_t min, int64_t *count)
{
	double number = (double)*count;
	int err = load_number(path, object, key, (double)min, &number);

	*count = (int64_t)number;
	return err;
}

static int load_thresholds(const char *path, struct json_object *json, struct thresholds *t)
{
	struct json_object *object;
	int err;

	*t = (struct thresholds){
		.ohci_gap_ms = 5, .hda_gap_ms = 0, .packets_min = 10000, .packet_delay_ms = 250,
		.translations_min = 1024,
		.contained_faults_min = 0, .contained_faults_max = 0, .faults_disabled_max = 0, .fault_record_zero = true,
	};
	if (!json_object_object_get_ex(json, "thresholds", &object))
		return 0;
	if (!json_object_is_type(object, json_type_object)) {
		complain("%s: \"thresholds\" is no object", path);
		return -EINVAL;
	}
	err = refuse_unknown_keys(path, object, threshold_keys, ARRAY_SIZE(threshold_keys));
	if (!err)
		err = load_number(path, object, "ohci_gap_ms", 0, &t->ohci_gap_ms);
	if (!err)
		err = load_number(path, object, "hda_gap_ms", 0, &t->hda_gap_ms);
	if (!err)
		err = load_number(path, object, "packet_delay_ms", 0, &t->packet_delay_ms);
	if (!err)
		err = load_count(path, object, "packets_min", 0, &t->packets_min);
	if (!err)
		err = load_count(path, object, "translations_min", 0, &t->translations_min);
	if (!err)
		err = load_count(path, object, "contained_faults_min", 0, &t->contained_faults_min);
	if (!err)
		err = load_count(path, object, "contained_faults_max", 0, &t->contained_faults_max);
	if (!err)
		err = load_count(path, object, "faults_disabled_max", 0, &t->faults_disabled_max);
	t->fault_record_zero = member_bool(object, "fault_record_zero", true);
	return err;
}

static int load_names(struct scenario *s, const char *path)
{
	const char *expect;
	int err = load_string(path, s->json, "name", NULL, &s->name);

	if (!err && strpbrk(s->name, "/. ")) {
		complain("%s: \"name\" becomes a directory and must not hold '/', '.' or ' '", path);
		err = -EINVAL;
	}
	if (!err)
		err = load_string(path, s->json, "description", NULL, &s->description);
	if (!err)
		err = load_string(path, s->json, "iommu", "vtd", &s->iommu);
	if (!err)
		err = load_string(path, s->json, "mode", "scalable first-stage legacy", &s->mode);
	s->iommu_options = member_string(s->json, "iommu_options", "");
	if (!err)
		err = load_string(path, s->json, "plan", NULL, &s->plan);
	if (!err)
		err = load_string(path, s->json, "expect", "pass fail", &expect);
	if (!err)
		s->expect_pass = !strcmp(expect, "pass");
	return err;
}

/* The guest is given two kernels to take turns. */
static int check_kernels(const char *path, const struct strings *kernels)
{
	for (unsigned int i = 2; i < kernels->nr; i++) {
		if (!strcmp(kernels->of[i], kernels->of[i - 2]))
			continue;
		complain("%s: \"kernels\" must take turns: \"%s\" comes where \"%s\" should", path, kernels->of[i],
			 kernels->of[i - 2]);
		return -EINVAL;
	}
	return 0;
}

/* One that is not preserved has no state to refuse. */
static int load_quarantined(const char *path, struct scenario *s)
{
	const char *at = NULL;
	int err = load_strings(path, s->json, "quarantined", 0, SCENARIO_MAX_DEVICES / 2, &s->quarantined);

	if (!err && json_object_object_get(s->json, "quarantined_at"))
		err = load_string(path, s->json, "quarantined_at", "boot restore", &at);
	if (err)
		return err;
	s->quarantined_late = at && !strcmp(at, "restore");
	for (unsigned int i = 0; i < s->quarantined.nr; i++) {
		if (strings_contain(&s->devices, s->quarantined.of[i]))
			continue;
		complain("%s: \"quarantined\" has \"%s\", which is none of \"devices\"", path, s->quarantined.of[i]);
		return -EINVAL;
	}
	return 0;
}

static int load_lists(struct scenario *s, const char *path)
{
	int err = load_strings(path, s->json, "kernels", 1, SCENARIO_MAX_KERNELS, &s->kernels);

	if (!err)
		err = check_kernels(path, &s->kernels);
	if (!err)
		err = load_strings(path, s->json, "devices", 0, SCENARIO_MAX_DEVICES / 2, &s->devices);
	if (!err)
		err = load_quarantined(path, s);
	if (!err)
		err = load_strings(path, s->json, "others", 0, SCENARIO_MAX_DEVICES / 2, &s->others);
	if (!err)
		err = load_strings(path, s->json, "arguments", 0, SCENARIO_MAX_STRINGS, &s->arguments);
	if (!err)
		err = load_strings(path, s->json, "expect_reasons", s->expect_pass ? 0 : 1,
				   s->expect_pass ? 0 : SCENARIO_MAX_STRINGS, &s->expect_reasons);
	return err;
}

static int load_counts(struct scenario *s, const char *path)
{
	int err;

	s->packet_rate = 2000;
	s->timeout_s = 60;
	s->ram_mib = 1024;
	err = load_count(path, s->json, "packet_rate", 0, &s->packet_rate);
	if (!err)
		err = load_count(path, s->json, "timeout_s", 1, &s->timeout_s);
	if (!err)
		err = load_count(path, s->json, "ram_mib", 256, &s->ram_mib);
	if (!err && s->ram_mib > 2048 && s->devices.nr + s->others.nr) {
		complain("%s: with more than 2048 MiB guest physical addresses are no file offsets any more; only without devices", path);
		err = -EINVAL;
	}
	s->icount = member_bool(s->json, "icount", false);
	return err;
}

int scenario_load(struct scenario *s, const char *path)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->json = json_object_from_file(path);
	if (!s->json) {
		complain("%s: %s", path, json_util_get_last_err());
		return -EINVAL;
	}
	if (!json_object_is_type(s->json, json_type_object)) {
		complain("%s: not a JSON object", path);
		err = -EINVAL;
	} else {
		err = refuse_unknown_keys(path, s->json, scenario_keys, ARRAY_SIZE(scenario_keys));
	}
	if (!err)
		err = load_names(s, path);
	if (!err)
		err = load_lists(s, path);
	if (!err)
		err = load_counts(s, path);
	if (!err)
		err = load_thresholds(path, s->json, &s->thresholds);
	if (err)
		scenario_free(s);
	return err;
}

void scenario_free(struct scenario *s)
{
	json_object_put(s->json);
	s->json = NULL;
}

static int is_scenario_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".json");
}

int scenario_list(const char *directory)
{
	struct dirent **entries;
	int nr = scandir(directory, &entries, is_scenario_file, alphasort);
	int err = 0;

	if (nr < 0)
		return -errno;
	for (int i = 0; i < nr; i++) {
		struct scenario scenario;
		char path[PATH_BYTES];
		int one = path_make(path, "%s/%s", directory, entries[i]->d_name);

		if (!one)
			one = scenario_load(&scenario, path);
		if (!one) {
			printf("%-26s %-4s  %s\n", scenario.name, scenario.expect_pass ? "pass" : "fail",
			       scenario.description);
			scenario_free(&scenario);
		}
		err = err ? err : one;
		free(entries[i]);
	}
	free(entries);
	return err;
}
