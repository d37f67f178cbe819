/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict: "pass" if no rule has anything to say against the run. */
#ifndef WITNESS_JUDGE_H
#define WITNESS_JUDGE_H

#include <stdbool.h>

#include "run.h"

#define JUDGE_MAX_REASONS	64
#define REASON_BYTES		240

/* When an update's tables changed hands, in host time; NEVER if it was not seen. */
struct takeover {
	int64_t handover_ns;		/* the old kernel gave the unit the table that goes over */
	int64_t adopted_ns;		/* the new kernel gave it the table that it works with */
};

struct verdict {
	bool pass;
	bool as_expected;		/* and, of a "fail", for the expected reasons */
	unsigned int nr_reasons;
	char reasons[JUDGE_MAX_REASONS][REASON_BYTES];	/* "<rule>: <what was seen>" */
	unsigned int nr_missing;
	const char *missing[SCENARIO_MAX_STRINGS];	/* expected reasons that no reason starts with */
	struct progress progress[SCENARIO_MAX_DEVICES];	/* of run->sampler.counters[i] */
	bool dead[SCENARIO_MAX_DEVICES];
	struct takeover takeovers[SCENARIO_MAX_KERNELS];	/* of run->timeline.hops[i] */
};

void judge(const struct run *run, struct verdict *verdict);

/* For the parts of the judge. */
void judge_against(struct verdict *verdict, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
double judge_time_s(const struct run *run, int64_t ns);

/* Sets verdict->takeovers, and judges what the IOMMU's tables held. */
void judge_tables(const struct run *run, struct verdict *verdict);

#endif
