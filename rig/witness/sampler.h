/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far each device's DMA has come. Two numbers of a device are read side by side: the counter the device writes into
 * memory by DMA, and its own register that counts the same. What the memory lacks against the register is DMA that did
 * not arrive, in the device's own time: a busy host delays both and cannot make one lag behind the other.
 */
#ifndef WITNESS_SAMPLER_H
#define WITNESS_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "iommu.h"
#include "qmp.h"
#include "ram.h"
#include "telemetry.h"
#include "timeline.h"
#include "trace.h"

struct sample {
	int64_t ns;
	int64_t memory;			/* counted in memory since the first sample, unwrapped */
	int64_t device;			/* counted in the register, likewise; starts as far ahead of memory as it was */
	bool device_read;		/* the register could be read: false while its memory decoding is off */
};

struct series {
	size_t nr, room;
	struct sample *samples;
};

struct counter {
	const struct trace_device *device;
	struct rig_device where;	/* as the guest said at first */
	struct sampler *sampler;
	bool known, started, outstanding;
	uint32_t asked_memory;		/* read when the register was asked for */
	uint32_t last_memory, last_device;
	double units_per_ms;
	/*
	 * Memory that advances faster than any device could is no longer the counter: the kernel gave it to
	 * someone else. From then on it is not followed. NEVER: has not happened.
	 */
	int64_t overwritten_ns;
	struct series series;
};

struct sampler {
	const struct iommu_model *iommu;
	struct qmp *qmp;
	const struct ram *ram;
	const struct telemetry *telemetry;
	const struct timeline *timeline;
	bool no_counters;		/* a device's time is not the host's: nothing could be told from its counter */
	unsigned int nr_counters;
	struct counter counters[SCENARIO_MAX_DEVICES];
	/* The IOMMU's registers. */
	bool iommu_outstanding, iommu_read;
	int64_t iommu_asked_ns;
	uint32_t fault_status;		/* OR of all that was read */
	uint32_t fault_record[IOMMU_RECORD_WORDS];	/* OR of all that was read: never written means all zero */
	uint32_t status;		/* as last read */
	unsigned int translation_seen_off;
};

void sampler_init(struct sampler *sampler, const struct iommu_model *iommu, struct qmp *qmp, const struct telemetry *telemetry,
		  const struct trace *trace);
void sampler_free(struct sampler *sampler);

/* Asks for one sample of each device, and now and then for the IOMMU's registers; answers arrive with the QMP channel. */
void sampler_tick(struct sampler *sampler);

/* Asks for the IOMMU's registers now. */
void sampler_ask_iommu(struct sampler *sampler);

struct progress {
	bool counted;			/* there is a counter, and it was sampled */
	bool by_register;		/* no counter in memory: the device's register only */
	int64_t before, blackout, after;	/* counter units: to the first kexec, to the last init, to the end */
	int64_t at_end;			/* in the last second of the run */
	double longest_lag_ms;		/* device time */
	int64_t longest_lag_ns;		/* when */
	double lost_time_ms;		/* time that passed and was never counted, by the host's clock; OHCI only */
	double longest_still_ms;	/* host time without progress: also what a busy host causes */
};

/* Looks back over the whole series. @end_ns is the end of the run. */
struct progress sampler_progress(const struct counter *counter, const struct timeline *timeline, int64_t end_ns);

/* Unwrapped progress as of @ns. */
int64_t series_at(const struct series *series, int64_t ns);

/* What each device counts in. */
const char *counter_unit(const struct counter *counter);

#endif
