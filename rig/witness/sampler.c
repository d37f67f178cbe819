// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sampler.h"

#define IOMMU_PERIOD_NS		(20 * NSEC_PER_MSEC)
#define OVERRUN_MS		250	/* more than this ahead of time is no device's counter */
#define EDGE_NS			NSEC_PER_SEC	/* window at either end in which one sample must have been in time */

enum { ASK_STATUS, ASK_FAULT_STATUS, ASK_FAULT_RECORD };

void sampler_init(struct sampler *sampler, const struct iommu_model *iommu, struct qmp *qmp, const struct telemetry *telemetry,
		  const struct trace *trace)
{
	memset(sampler, 0, sizeof(*sampler));
	sampler->iommu = iommu;
	sampler->qmp = qmp;
	sampler->ram = telemetry->ram;
	sampler->telemetry = telemetry;
	sampler->timeline = telemetry->timeline;
	for (unsigned int i = 0; i < trace->nr_devices; i++) {
		struct counter *counter = &sampler->counters[sampler->nr_counters++];

		counter->device = &trace->devices[i];
		counter->sampler = sampler;
		counter->overwritten_ns = NEVER;
	}
}

void sampler_free(struct sampler *sampler)
{
	for (unsigned int i = 0; i < sampler->nr_counters; i++)
		free(sampler->counters[i].series.samples);
}

const char *counter_unit(const struct counter *counter)
{
	switch (counter->where.kind) {
	case RIG_DEVICE_OHCI:
		return "frames";
	case RIG_DEVICE_HDA:
		return "bytes";
	case RIG_DEVICE_IGB:
		return "descriptors";
	default:
		return "";
	}
}

static double counter_units_per_ms(const struct rig_device *where)
{
	if (where->kind == RIG_DEVICE_OHCI)
		return 1.0;
	if (where->kind == RIG_DEVICE_HDA)
		return where->bytes_per_second / 1000.0;
	return 0;
}

static int series_add(struct series *series, struct sample sample)
{
	if (series->nr == series->room) {
		size_t room = series->room ? series->room * 2 : 4096;
		struct sample *samples = realloc(series->samples, room * sizeof(*samples));

		if (!samples)
			return -ENOMEM;
		series->samples = samples;
		series->room = room;
	}
	series->samples[series->nr++] = sample;
	return 0;
}

static bool counter_in_memory(const struct counter *counter)
{
	return counter->where.counter_bytes;
}

static uint32_t counter_distance(const struct counter *counter, uint32_t from, uint32_t to)
{
	uint64_t modulo = counter->where.counter_modulo;

	return to >= from ? to - from : (uint32_t)(to + modulo - from);
}

/*
 * Ties the two counts together. The register was read between asked_memory and @memory; if it is ahead of both, the device
 * had failed before the first look, and that must not start from zero. Behind both it is not running yet: wait.
 */
static void counter_begin(struct counter *counter, uint32_t memory, uint32_t device, int64_t now)
{
	struct sample sample = { .ns = now, .device_read = true };
	uint32_t memory_steps, device_steps;

	if (counter_in_memory(counter)) {
		memory_steps = counter_distance(counter, counter->asked_memory, memory);
		device_steps = counter_distance(counter, counter->asked_memory, device);
		if (device_steps > counter->where.counter_modulo / 2)
			return;
		sample.device = (int64_t)device_steps - memory_steps;
	}
	counter->last_memory = memory;
	counter->last_device = device;
	counter->started = !series_add(&counter->series, sample);
}

static bool counter_overran(const struct counter *counter, const struct sample *sample)
{
	const struct sample *first = &counter->series.samples[0];
	double ms = ns_to_ms(sample->ns - first->ns) + OVERRUN_MS;

	return counter->units_per_ms && sample->memory > ms * counter->units_per_ms;
}

/* @memory as of after the register was read, so that it can only be too new: a lag that is reported is a lag that was. */
static void counter_continue(struct counter *counter, uint32_t memory, bool device_read, uint32_t device, int64_t now)
{
	struct sample sample = counter->series.samples[counter->series.nr - 1];

	sample.ns = now;
	sample.device_read = device_read;
	if (device_read) {
		sample.device += counter_distance(counter, counter->last_device, device);
		counter->last_device = device;
	}
	if (counter_in_memory(counter)) {
		sample.memory += counter_distance(counter, counter->last_memory, memory);
		counter->last_memory = memory;
	} else {
		sample.memory = sample.device;
	}
	if (counter_overran(counter, &sample)) {
		counter->overwritten_ns = now;
		return;
	}
	if (series_add(&counter->series, sample))
		complain("no memory for more samples");
}

static void counter_answer(void *ctx, unsigned int tag, const uint32_t *words, unsigned int nr)
{
	struct counter *counter = ctx;
	bool device_read = nr == 1 && words[0] < counter->where.counter_modulo;
	uint32_t memory = 0;

	(void)tag;
	counter->outstanding = false;
	if (counter->overwritten_ns != NEVER)
		return;
	if (counter_in_memory(counter) &&
	    (ram_read(counter->sampler->ram, counter->where.counter_pa, counter->where.counter_bytes, &memory) ||
	     memory >= counter->where.counter_modulo)) {
		counter->overwritten_ns = now_ns();
		return;
	}
	if (counter->started)
		counter_continue(counter, memory, device_read, device_read ? words[0] : 0, now_ns());
	else if (device_read)
		counter_begin(counter, memory, words[0], now_ns());
}

static bool counter_learn(struct counter *counter)
{
	const struct rig_device *where = telemetry_device(counter->sampler->telemetry, counter->device->device->bdf);

	if (!where || !where->register_pa || !where->counter_modulo || (where->kind == RIG_DEVICE_HDA && !where->bytes_per_second))
		return false;
	counter->where = *where;
	counter->units_per_ms = counter_units_per_ms(where);
	counter->known = true;
	return true;
}

static void counter_ask(struct counter *counter)
{
	if (counter->outstanding || (!counter->known && !counter_learn(counter)))
		return;
	if (counter_in_memory(counter))
		ram_read(counter->sampler->ram, counter->where.counter_pa, counter->where.counter_bytes,
			 &counter->asked_memory);
	counter->outstanding = !qmp_read_words(counter->sampler->qmp, counter->where.register_pa, 1, counter_answer,
					       counter, 0);
}

static void iommu_answer(void *ctx, unsigned int tag, const uint32_t *words, unsigned int nr)
{
	struct sampler *sampler = ctx;
	const struct iommu_model *iommu = sampler->iommu;

	if (tag == ASK_FAULT_RECORD) {
		sampler->iommu_outstanding = false;
		sampler->iommu_read = sampler->iommu_read || nr == iommu->fault_record.nr_words;
	}
	if (tag == ASK_STATUS && nr == 1) {
		sampler->status = words[0];
		if (!(words[0] & iommu->status_on) && sampler->timeline->workload_ns != NEVER)
			sampler->translation_seen_off++;
	}
	if (tag == ASK_FAULT_STATUS && nr == 1)
		sampler->fault_status |= words[0] & iommu->fault_status_mask;
	for (unsigned int i = 0; tag == ASK_FAULT_RECORD && i < nr && i < IOMMU_RECORD_WORDS; i++)
		sampler->fault_record[i] |= words[i];
}

static int ask_iommu(struct sampler *sampler, const struct iommu_registers *registers, unsigned int tag)
{
	return qmp_read_words(sampler->qmp, registers->pa, registers->nr_words, iommu_answer, sampler, tag);
}

void sampler_ask_iommu(struct sampler *sampler)
{
	const struct iommu_model *iommu = sampler->iommu;

	sampler->iommu_asked_ns = now_ns();
	if (ask_iommu(sampler, &iommu->status, ASK_STATUS) || ask_iommu(sampler, &iommu->fault_status, ASK_FAULT_STATUS))
		return;
	sampler->iommu_outstanding = !ask_iommu(sampler, &iommu->fault_record, ASK_FAULT_RECORD);
}

void sampler_tick(struct sampler *sampler)
{
	if (!sampler->iommu_outstanding && now_ns() - sampler->iommu_asked_ns >= IOMMU_PERIOD_NS)
		sampler_ask_iommu(sampler);
	if (sampler->timeline->workload_ns == NEVER || sampler->no_counters)
		return;
	for (unsigned int i = 0; i < sampler->nr_counters; i++)
		counter_ask(&sampler->counters[i]);
}

int64_t series_at(const struct series *series, int64_t ns)
{
	size_t low = 0, high = series->nr;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (series->samples[middle].ns <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? series->samples[low - 1].memory : 0;
}

static void find_longest_lag(const struct counter *counter, struct progress *progress)
{
	progress->longest_lag_ns = NEVER;
	for (size_t i = 0; i < counter->series.nr; i++) {
		const struct sample *sample = &counter->series.samples[i];
		double lag_ms = (sample->device - sample->memory) / counter->units_per_ms;

		if (!sample->device_read || lag_ms <= progress->longest_lag_ms)
			continue;
		progress->longest_lag_ms = lag_ms;
		progress->longest_lag_ns = sample->ns;
	}
}

/* The least the counter was behind the host's clock between two times: what the host's delays add is not in the least. */
static double least_behind_ms(const struct counter *counter, int64_t from_ns, int64_t to_ns)
{
	const struct series *series = &counter->series;
	double least = ns_to_ms(to_ns - series->samples[0].ns);

	for (size_t i = 0; i < series->nr; i++) {
		const struct sample *sample = &series->samples[i];
		double behind = ns_to_ms(sample->ns - series->samples[0].ns) - sample->memory / counter->units_per_ms;

		if (sample->ns >= from_ns && sample->ns <= to_ns && behind < least)
			least = behind;
	}
	return least;
}

static double find_longest_still(const struct series *series, int64_t end_ns)
{
	int64_t since = series->samples[0].ns, longest = 0, value = 0;

	for (size_t i = 0; i < series->nr; i++) {
		if (series->samples[i].memory == value)
			continue;
		if (series->samples[i].ns - since > longest)
			longest = series->samples[i].ns - since;
		value = series->samples[i].memory;
		since = series->samples[i].ns;
	}
	return ns_to_ms(end_ns - since > longest ? end_ns - since : longest);
}

static void split_by_kexec(const struct series *series, const struct timeline *timeline, struct progress *progress)
{
	int64_t total = series->samples[series->nr - 1].memory, at_kexec, at_hello;
	const struct hop *first = &timeline->hops[0], *last;

	if (!timeline->nr_hops) {
		progress->before = total;
		return;
	}
	last = &timeline->hops[timeline->nr_hops - 1];
	at_kexec = series_at(series, first->kexec_ns);
	at_hello = last->hello_ns == NEVER ? total : series_at(series, last->hello_ns);
	progress->before = at_kexec;
	progress->blackout = at_hello - at_kexec;
	progress->after = total - at_hello;
}

struct progress sampler_progress(const struct counter *counter, const struct timeline *timeline, int64_t end_ns)
{
	const struct series *series = &counter->series;
	struct progress progress = { 0 };

	if (!series->nr)
		return progress;
	progress.counted = true;
	progress.by_register = !counter_in_memory(counter);
	split_by_kexec(series, timeline, &progress);
	progress.at_end = series->samples[series->nr - 1].memory - series_at(series, end_ns - EDGE_NS);
	progress.longest_still_ms = find_longest_still(series, end_ns);
	if (progress.by_register)
		return progress;
	find_longest_lag(counter, &progress);
	if (counter->where.kind == RIG_DEVICE_OHCI && !progress.at_end)
		progress.lost_time_ms = progress.longest_still_ms;
	else if (counter->where.kind == RIG_DEVICE_OHCI)
		progress.lost_time_ms = least_behind_ms(counter, end_ns - EDGE_NS, end_ns) -
					least_behind_ms(counter, series->samples[0].ns, series->samples[0].ns + EDGE_NS);
	return progress;
}
