/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict: "pass" if no rule has anything to say against the run. */
#ifndef WITNESS_JUDGE_H
#define WITNESS_JUDGE_H

#include <stdbool.h>

#include "run.h"

#define JUDGE_MAX_REASONS	64
#define REASON_BYTES		240

struct verdict {
	bool pass;
	bool as_expected;		/* and, of a "fail", for the expected reasons */
	unsigned int nr_reasons;
	char reasons[JUDGE_MAX_REASONS][REASON_BYTES];	/* "<rule>: <what was seen>" */
	unsigned int nr_missing;
	const char *missing[SCENARIO_MAX_STRINGS];	/* expected reasons that no reason starts with */
	struct progress progress[SCENARIO_MAX_DEVICES];	/* of run->sampler.counters[i] */
	bool dead[SCENARIO_MAX_DEVICES];
};

void judge(const struct run *run, struct verdict *verdict);

#endif
