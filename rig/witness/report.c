// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report.h"

static void put(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static void put_string(struct json_object *object, const char *key, const char *value)
{
	put(object, key, json_object_new_string(value));
}

static void put_count(struct json_object *object, const char *key, int64_t value)
{
	put(object, key, json_object_new_int64(value));
}

static void put_bool(struct json_object *object, const char *key, bool value)
{
	put(object, key, json_object_new_boolean(value));
}

static struct json_object *new_ms(double ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", ms);
	return json_object_new_double_s(ms, text);
}

static struct json_object *new_strings(const struct strings *strings)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < strings->nr; i++)
		json_object_array_add(array, json_object_new_string(strings->of[i]));
	return array;
}

/* null when either end was not seen: an unseen time is no zero. */
static void put_span(struct json_object *object, const char *key, int64_t from_ns, int64_t to_ns)
{
	put(object, key, from_ns == NEVER || to_ns == NEVER ? NULL : new_ms(ns_to_ms(to_ns - from_ns)));
}

static struct json_object *new_timeline_ms(const struct hop *hop)
{
	struct json_object *object = json_object_new_object();

	put_span(object, "preserve", hop->preserve_begin_ns, hop->preserve_end_ns);
	put_span(object, "freeze", hop->kexec_ns, hop->jump_ns);
	put_span(object, "kexec", hop->jump_ns, hop->boot_ns);
	put_span(object, "new_kernel_init", hop->boot_ns, hop->hello_ns);
	put_span(object, "retrieve", hop->retrieve_begin_ns, hop->retrieve_end_ns);
	put_span(object, "swap", hop->swap_begin_ns, hop->swap_end_ns);
	put_span(object, "finish", hop->finish_begin_ns, hop->finish_end_ns);
	put_span(object, "blackout", hop->kexec_ns, hop->serve_ns);
	return object;
}

static struct json_object *new_hops(const struct timeline *t, const struct verdict *v)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < t->nr_hops; i++) {
		const struct hop *hop = &t->hops[i];
		struct json_object *object = json_object_new_object();

		put_string(object, "before", hop->kernel_before);
		put_string(object, "after", hop->kernel_after);
		put_span(object, "kexec_at", t->start_ns, hop->kexec_ns);
		put_span(object, "handover_at", t->start_ns, v->takeovers[i].handover_ns);
		put_span(object, "adopted_at", t->start_ns, v->takeovers[i].adopted_ns);
		put(object, "timeline_ms", new_timeline_ms(hop));
		put_count(object, "translations_after_kexec", hop->translated.nr);
		put_count(object, "translations_before_swap", hop->translated_old.nr);
		put_count(object, "translations_after_swap", hop->translated_new.nr);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *new_points(const struct timeline *t)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < t->nr_points; i++) {
		const struct point *point = &t->points[i];
		struct json_object *object = json_object_new_object();

		put_string(object, "name", point->name);
		put_count(object, "generation", point->generation);
		put_span(object, "host_ms", t->start_ns, point->host_ns);
		put_span(object, "guest_ms", 0, point->guest_ns);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *new_kernel(const struct timeline *t)
{
	struct json_object *object = json_object_new_object();
	const struct hop *last = t->nr_hops ? &t->hops[t->nr_hops - 1] : NULL;

	put_string(object, "before", t->first_kernel);
	put(object, "after", last && last->hello_ns != NEVER ? json_object_new_string(last->kernel_after) : NULL);
	return object;
}

/* Of several updates, the one that shows least. */
static int64_t least_translations(const struct timeline *t)
{
	int64_t least = t->nr_hops ? (int64_t)t->hops[0].translated.nr : 0;

	for (unsigned int i = 1; i < t->nr_hops; i++)
		if ((int64_t)t->hops[i].translated.nr < least)
			least = t->hops[i].translated.nr;
	return least;
}

static struct json_object *new_witness(const struct run *run)
{
	struct json_object *object = json_object_new_object();
	const struct trace *trace = &run->trace;
	const struct sampler *s = &run->sampler;
	unsigned int resets = trace->unknown_resets;
	char record[48];

	for (unsigned int i = 0; i < trace->nr_devices; i++)
		resets += trace->devices[i].preserved ? trace->devices[i].resets : 0;
	put_count(object, "translation_faults", trace->translation_faults);
	put_count(object, "contained_faults", trace->contained_faults);
	put_count(object, "faults_disabled", trace->faults_disabled);
	put_bool(object, "fault_record_zero", s->iommu_read && !(s->fault_status | s->fault_record[0] |
		 s->fault_record[1] | s->fault_record[2] | s->fault_record[3]));
	put_count(object, "platform_resets", trace->platform_resets > run->nr_resets + 1 ? trace->platform_resets :
		  run->nr_resets + 1);
	put_count(object, "device_resets", resets);
	put_count(object, "translations_after_kexec", least_translations(&run->timeline));
	snprintf(record, sizeof(record), "%08x%08x%08x%08x", s->fault_record[3], s->fault_record[2], s->fault_record[1],
		 s->fault_record[0]);
	put_string(object, "fault_record", record);
	put_count(object, "translation_off", trace->translation_off);
	put_count(object, "translations_total", trace->translations);
	put_count(object, "kernel_splats", run->console.nr_splats);
	return object;
}

static void format_bdf(char text[16], unsigned int bdf)
{
	snprintf(text, 16, "0000:%02x:%02x.%x", bdf >> 8 & 0xff, bdf >> 3 & 31, bdf & 7);
}

static struct json_object *new_device(const struct run *run, const struct verdict *v, unsigned int index)
{
	const struct counter *counter = &run->sampler.counters[index];
	const struct progress *p = &v->progress[index];
	struct json_object *object = json_object_new_object();
	char bdf[16];

	format_bdf(bdf, counter->device->device->bdf);
	put_string(object, "name", counter->device->device->name);
	put_string(object, "bdf", bdf);
	format_bdf(bdf, counter->device->device->alias);
	put(object, "alias", counter->device->device->alias ? json_object_new_string(bdf) : NULL);
	put_bool(object, "preserved", counter->device->preserved);
	put_bool(object, "quarantined", counter->device->quarantined);
	put(object, "progress_before", p->counted ? json_object_new_int64(p->before) : NULL);
	put(object, "progress_after", p->counted ? json_object_new_int64(p->blackout + p->after) : NULL);
	put(object, "progress_blackout", p->counted ? json_object_new_int64(p->blackout) : NULL);
	put_string(object, "progress_unit", counter_unit(counter));
	put(object, "longest_gap_ms", p->counted && !p->by_register ?
	    new_ms(fmax(fmax(p->longest_lag_ms, p->lost_time_ms), 0)) : NULL);
	put(object, "longest_still_host_ms", p->counted ? new_ms(p->longest_still_ms) : NULL);
	put_bool(object, "dead", v->dead[index]);
	put_count(object, "faults", counter->device->faults);
	put_count(object, "resets", counter->device->resets);
	put_count(object, "samples", counter->series.nr);
	return object;
}

static struct json_object *new_devices(const struct run *run, const struct verdict *v)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < run->sampler.nr_counters; i++)
		json_object_array_add(array, new_device(run, v, i));
	return array;
}

static struct json_object *new_packets(const struct run *run)
{
	const struct packet_verdict *p = &run->packet_verdict;
	struct json_object *object = json_object_new_object();

	put_count(object, "sent", p->sent);
	put_count(object, "received", p->received);
	put_count(object, "lost", p->lost);
	put_count(object, "duplicated", p->duplicated);
	put_count(object, "corrupt", p->corrupt);
	put_count(object, "sent_after_kexec", p->sent_after_kexec);
	put_count(object, "longest_backlog", run->packets.longest_backlog);
	put(object, "longest_refused_host_ms", new_ms(ns_to_ms(run->packets.longest_refused_ns)));
	put(object, "longest_refused_awake_ms", new_ms(ns_to_ms(run->packets.longest_refused_awake_ns)));
	return object;
}

static struct json_object *new_hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_object_new_string(text);
}

static struct json_object *new_entry(const struct iommu_entry *entry)
{
	struct json_object *object = json_object_new_object();
	char bdf[16];

	format_bdf(bdf, entry->sid);
	put_string(object, "bdf", bdf);
	put(object, "pasid", entry->pasid == IOMMU_NO_PASID ? NULL : json_object_new_int64(entry->pasid));
	put_count(object, "domain_id", entry->domain_id);
	put_string(object, "type", iommu_type_name(entry->type));
	put_count(object, "levels", entry->levels);
	put(object, "table", new_hex(entry->table));
	put(object, "translates", entry->type == IOMMU_GUEST ? new_hex(entry->translates) : NULL);
	return object;
}

static struct json_object *new_state(const struct iommu_tables *tables)
{
	struct json_object *object = json_object_new_object(), *entries = json_object_new_array();

	for (unsigned int i = 0; i < tables->nr; i++)
		json_object_array_add(entries, new_entry(&tables->entries[i]));
	put_bool(object, "translating", tables->translating);
	put(object, "root", new_hex(tables->root));
	put(object, "entries", entries);
	return object;
}

/* Looks that saw the same one after the other are one here. */
static struct json_object *new_looks(const struct run *run)
{
	struct json_object *array = json_object_new_array();
	const struct looks *looks = &run->looks;
	size_t next;

	for (size_t i = 0; i < looks->nr; i = next) {
		struct json_object *object = new_state(&looks->states[looks->of[i].state]);

		for (next = i + 1; next < looks->nr && looks->of[next].state == looks->of[i].state; next++)
			;
		put_span(object, "from", run->timeline.start_ns, looks->of[i].from_ns);
		put_span(object, "to", run->timeline.start_ns, looks->of[next - 1].to_ns);
		put_count(object, "times", next - i);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *new_tables(const struct run *run)
{
	struct json_object *object = json_object_new_object();

	put_count(object, "times", run->looks.nr);
	put_count(object, "unsteady", run->looks.nr_unsteady);
	put(object, "looks", new_looks(run));
	return object;
}

static struct json_object *new_checks(const struct telemetry *t)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < t->nr_checks; i++) {
		struct json_object *object = json_object_new_object();

		put_string(object, "name", t->checks[i].name);
		put_count(object, "generation", t->checks[i].generation);
		put_bool(object, "ok", t->checks[i].ok);
		put_string(object, "detail", t->checks[i].detail);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *new_figures(const struct figures *figures)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < figures->nr; i++) {
		struct json_object *object = json_object_new_object();

		put_string(object, "name", figures->of[i].name);
		put_count(object, "generation", figures->of[i].generation);
		put_count(object, "value", figures->of[i].value);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *new_reasons(const struct verdict *v)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < v->nr_reasons; i++)
		json_object_array_add(array, json_object_new_string(v->reasons[i]));
	return array;
}

static struct json_object *new_report(const struct run *run, const struct verdict *v)
{
	const struct scenario *s = &run->scenario;
	struct json_object *report = json_object_new_object();

	put_count(report, "schema", REPORT_SCHEMA);
	put_string(report, "scenario", s->name);
	put_string(report, "verdict", v->pass ? "pass" : "fail");
	put_string(report, "expect", s->expect_pass ? "pass" : "fail");
	put(report, "expect_reasons", new_strings(&s->expect_reasons));
	put_bool(report, "as_expected", v->as_expected);
	put(report, "reasons", new_reasons(v));
	put_string(report, "iommu", s->iommu->name);
	put_string(report, "mode", s->mode);
	put(report, "kernel", new_kernel(&run->timeline));
	put(report, "witness", new_witness(run));
	put(report, "devices", new_devices(run, v));
	put(report, "packets", new_packets(run));
	put(report, "tables", new_tables(run));
	put(report, "timeline_ms", new_timeline_ms(&run->timeline.hops[0]));
	put(report, "hops", new_hops(&run->timeline, v));
	put(report, "timeline", new_points(&run->timeline));
	put(report, "guest_checks", new_checks(&run->telemetry));
	put(report, "figures", new_figures(&run->figures));
	return report;
}

int report_write(const struct run *run, const struct verdict *v)
{
	struct json_object *report = new_report(run, v);
	char path[PATH_BYTES];
	int err = path_make(path, "%s/report.json", run->directory);

	if (!err && json_object_to_file_ext(path, report, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE)) {
		complain("%s: %s", path, json_util_get_last_err());
		err = -EIO;
	}
	json_object_put(report);
	return err;
}
