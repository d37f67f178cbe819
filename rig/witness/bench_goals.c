// SPDX-License-Identifier: GPL-2.0-or-later
/* What the project wants to hold, and whether the rows say so. A goal whose rows were not run is neither held nor missed. */
#include <math.h>
#include <string.h>

#include "bench.h"

#define GIB			(1LL << 30)
#define SMALL_PAGE		4096

#define BLACKOUT_GROWTH_MAX	2.0		/* percent, from nothing mapped to the most */
#define KEYS_MAX		1100.0
#define EARLY_BOOT_MAX		1.0		/* percent of page by page, at 16 GiB */
#define RESTORE_MAX		100000.0	/* instructions a device */
#define DEMO_MAX		40.0		/* percent of stock */
#define REPEAT_MAX		2.0		/* percent between two runs */
#define READS_MAX		3.0		/* times reading the tables once */

static int64_t phase(const struct bench_row *row, enum bench_phase phase)
{
	return row ? row->counted.phases[phase] : BENCH_NO_FIGURE;
}

static const struct bench_row *most_mapped(const struct bench *bench, const char *iommu)
{
	const struct bench_row *most = NULL;

	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = bench_find(bench, iommu, "arenas", bench->rows[i].mapped_bytes, SMALL_PAGE, 1);

		if (row && row->mapped_bytes && (!most || row->mapped_bytes > most->mapped_bytes))
			most = row;
	}
	return most;
}

static double ratio(int64_t of, int64_t to)
{
	return of == BENCH_NO_FIGURE || to == BENCH_NO_FIGURE || !to ? NAN : (double)of / to;
}

static double blackout_growth(const struct bench *bench, const char *iommu)
{
	const struct bench_row *none = bench_find(bench, iommu, "arenas", 0, SMALL_PAGE, 1);

	return 100 * (ratio(phase(most_mapped(bench, iommu), BENCH_BLACKOUT), phase(none, BENCH_BLACKOUT)) - 1);
}

static double keys(const struct bench *bench, const char *iommu)
{
	const struct bench_row *row = most_mapped(bench, iommu);

	return !row || row->counted.table_keys == BENCH_NO_FIGURE ? NAN : (double)row->counted.table_keys;
}

/* What early boot does for what is mapped alone. */
static int64_t early_boot_added(const struct bench *bench, const char *iommu, const char *mode)
{
	int64_t with = phase(bench_find(bench, iommu, mode, 16 * GIB, SMALL_PAGE, 1), BENCH_EARLY_BOOT);
	int64_t without = phase(bench_find(bench, iommu, mode, 0, SMALL_PAGE, 1), BENCH_EARLY_BOOT);

	return with == BENCH_NO_FIGURE || without == BENCH_NO_FIGURE ? BENCH_NO_FIGURE : with - without;
}

static double early_boot(const struct bench *bench, const char *iommu)
{
	return 100 * ratio(early_boot_added(bench, iommu, "arenas"), early_boot_added(bench, iommu, "page-by-page"));
}

static double restore(const struct bench *bench, const char *iommu)
{
	return ratio(phase(most_mapped(bench, iommu), BENCH_IOMMU_RESTORE), 1);
}

/* The stock kernel leaves out what ours does, as far as it can. */
static double demo(const struct bench *bench, const char *iommu)
{
	return 100 * ratio(phase(bench_find_machine(bench, "demo", iommu, "arenas", true), BENCH_BLACKOUT),
			   phase(bench_find_machine(bench, "demo", iommu, "stock", true), BENCH_BLACKOUT));
}

/* The worst blackout of two that should be the same. */
static double repeats(const struct bench *bench, const char *iommu)
{
	double worst = NAN;

	(void)iommu;
	for (unsigned int i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		double off = 100 * fabs(ratio(row->again.phases[BENCH_BLACKOUT], row->counted.phases[BENCH_BLACKOUT]) - 1);

		if (row->again.ran && !(off <= worst))
			worst = off;
	}
	return worst;
}

/* The worst of the lines that are to hold. */
static double reads(const struct bench *bench, const char *key)
{
	double worst = NAN;

	for (size_t i = 0; i < json_object_array_length(bench->micro); i++) {
		struct json_object *value, *line = json_object_array_get_idx(bench->micro, i);

		if (!json_object_object_get_ex(line, key, &value) || !value || !member_bool(line, "checked", false))
			continue;
		if (!(json_object_get_double(value) <= worst))
			worst = json_object_get_double(value);
	}
	return worst;
}

static double verifier(const struct bench *bench, const char *iommu)
{
	(void)iommu;
	return reads(bench, "verify_reads");
}

static double comparison(const struct bench *bench, const char *iommu)
{
	(void)iommu;
	return reads(bench, "compare_reads");
}

#define GROWTH_SAYS	"arenas: blackout with the most of 4 KiB mappings that was run, against none"
#define KEYS_SAYS	"arenas: KHO keys for the tables of that row"
#define EARLY_BOOT_SAYS	"16 GiB: what early boot does for them, arenas against page by page"
#define RESTORE_SAYS	"arenas: IOMMU restore of one device, with the most mapped"
#define DEMO_SAYS	"scenario demo: blackout, against a stock kexec of the same configuration"

static const struct {
	const char *name, *iommu, *unit, *says;
	double limit;
	double (*value)(const struct bench *bench, const char *iommu);
} goals[] = {
	{ "blackout-growth", "vtd", "percent", GROWTH_SAYS, BLACKOUT_GROWTH_MAX, blackout_growth },
	{ "kho-keys", "vtd", "keys", KEYS_SAYS, KEYS_MAX, keys },
	{ "early-boot", "vtd", "percent", EARLY_BOOT_SAYS, EARLY_BOOT_MAX, early_boot },
	{ "iommu-restore", "vtd", "instructions", RESTORE_SAYS, RESTORE_MAX, restore },
	{ "demo", "vtd", "percent", DEMO_SAYS, DEMO_MAX, demo },
	{ "amd-blackout-growth", "amd", "percent", GROWTH_SAYS, BLACKOUT_GROWTH_MAX, blackout_growth },
	{ "amd-kho-keys", "amd", "keys", KEYS_SAYS, KEYS_MAX, keys },
	{ "amd-early-boot", "amd", "percent", EARLY_BOOT_SAYS, EARLY_BOOT_MAX, early_boot },
	{ "amd-iommu-restore", "amd", "instructions", RESTORE_SAYS, RESTORE_MAX, restore },
	{ "amd-demo", "amd", "percent", DEMO_SAYS, DEMO_MAX, demo },
	{ "repeats", "", "percent", "blackout of the same row, run twice", REPEAT_MAX, repeats },
	{ "verifier", "", "times", "the verifier, against reading the tables once", READS_MAX, verifier },
	{ "comparison", "", "times", "the comparison, against reading the tables once", READS_MAX, comparison },
};

struct json_object *bench_goals(const struct bench *bench, bool *held)
{
	struct json_object *array = json_object_new_array();

	*held = true;
	for (size_t i = 0; i < ARRAY_SIZE(goals); i++) {
		struct json_object *object = json_object_new_object();
		double value = goals[i].value(bench, goals[i].iommu);
		bool known = !isnan(value), holds = known && value <= goals[i].limit;

		json_object_object_add(object, "name", json_object_new_string(goals[i].name));
		json_object_object_add(object, "says", json_object_new_string(goals[i].says));
		json_object_object_add(object, "unit", json_object_new_string(goals[i].unit));
		json_object_object_add(object, "limit", json_object_new_double(goals[i].limit));
		json_object_object_add(object, "value", known ? json_object_new_double(value) : NULL);
		json_object_object_add(object, "holds", known ? json_object_new_boolean(holds) : NULL);
		json_object_array_add(array, object);
		*held = *held && (holds || !known);
	}
	return array;
}
