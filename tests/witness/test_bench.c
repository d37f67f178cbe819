// SPDX-License-Identifier: GPL-2.0-or-later
/* What is measured inside the machine reaches the benchmark's report, and a report that does not hold together is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "figures.h"
#include "ram.h"

#define GIB	(1LL << 30)

/* The figures of a run of 1 GiB in pages of 4 KiB: a blackout of 350 millions, all of it in parts. */
struct said {
	const char *name;
	long long value;
};

static const struct said good[] = {
	{ "preserve", 100000000 }, { "freeze_ns", 3000 }, { "handover_ns", 10000 }, { "kexec", 32000000 }, { "boot", 310000000 },
	{ "early_boot", 36000000 }, { "restore_ns", 90000 }, { "retrieve", 7000000 }, { "serve", 1000000 }, { "walk", 2600000 },
	{ "map", 10000000 }, { "compare", 7000000 }, { "swap", 15000 }, { "free", 400000 }, { "finish", 30000 }, { "blackout", 350000000 },
	{ "tables", 520 }, { "table_keys", 520 }, { "table_runs", 520 }, { "metadata_bytes", 28000 }, { "old_used_bytes", 137000000 },
	{ "new_used_bytes", 83000000 },
};

static char directory[] = "/tmp/test-bench-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][PATH_BYTES];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], PATH_BYTES, "%s/%s", directory, name);
	return path[turn];
}

/* A run's report, with one figure another than it should be; @value below 0: without it. */
static void write_run(const char *run, const char *name, long long value, const char *reason)
{
	char path[PATH_BYTES];
	const char *comma = "";
	FILE *file;

	mkdir(path_of(run), 0700);
	snprintf(path, sizeof(path), "%s/report.json", path_of(run));
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "{ \"as_expected\": true, \"reasons\": [%s%s%s], \"figures\": [", reason ? "\"" : "", reason ? reason : "",
		reason ? "\"" : "");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		long long is = name && !strcmp(good[i].name, name) ? value : good[i].value;

		if (is < 0)
			continue;
		fprintf(file, "%s{ \"name\": \"%s\", \"generation\": 1, \"value\": %lld }", comma, good[i].name, is);
		comma = ", ";
	}
	fputs("] }\n", file);
	assert_int_equal(fclose(file), 0);
}

static void write_list(const char *text)
{
	FILE *file = fopen(path_of("rows.tsv"), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* A row that was not run, and what is known of it then. */
#define NOT_RUN(mode, bytes, reason) \
	mode "\tvtd\t" mode "\t" bytes "\t4096\t1\t1\t-\t1\t0\t8589934592\t-\t-\t-\t-\t" reason "\n"

/* What a row of the list is of, beside its size; all others are as in most rows. */
struct kind {
	const char *iommu, *mode, *machine, *lean, *quiet, *kernels;
};

static const char *row_as(const struct kind *kind, long long gib, const char *run, const char *again)
{
	static char text[4][4 * PATH_BYTES];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "%s-%lld\t%s\t%s\t%lld\t4096\t1\t1\t%s\t%s\t%s\t8589934592\t%s\t%s\t%s\t-\t-\n", kind->mode,
		 gib, kind->iommu, kind->mode, gib * GIB, kind->machine, kind->lean, kind->quiet, kind->kernels, path_of(run),
		 again ? path_of(again) : "-");
	return text[turn];
}

static const char *row_of(const char *mode, long long gib, const char *run, const char *again)
{
	const struct kind kind = { "vtd", mode, "-", "1", "0", "A:0123,B:4567" };

	return row_as(&kind, gib, run, again);
}

/* Loads the list, writes a report, and checks it. */
static int report_of(struct bench *bench)
{
	int err = bench_load(bench, path_of("rows.tsv"), NULL);

	if (!err)
		err = bench_write(bench, directory);
	return err ? err : bench_check(path_of("report.json"), NULL, 0);
}

static int check_as(const struct kind *kind, const char *name, long long value, const char *reason)
{
	struct bench bench;
	int err;

	write_run("run", name, value, reason);
	write_list(row_as(kind, 1, "run", NULL));
	err = report_of(&bench);
	bench_free(&bench);
	return err;
}

static int check_with(const char *mode, const char *name, long long value, const char *reason)
{
	const struct kind kind = { "vtd", mode, "-", "1", "0", "A:0123,B:4567" };

	return check_as(&kind, name, value, reason);
}

static void good_row(void **state)
{
	(void)state;
	assert_int_equal(check_with("arenas", NULL, 0, NULL), 0);
	assert_int_equal(check_with("page-by-page", NULL, 0, NULL), 0);
	assert_int_equal(check_with("arenas", NULL, 0, "counter-gap: but it was expected"), 0);
}

static void bad_runs(void **state)
{
	(void)state;
	assert_int_not_equal(check_with("arenas", NULL, 0, "guest-check: plan: failed"), 0);
	assert_int_not_equal(check_with("arenas", NULL, 0, "timeout: not done after 3 s"), 0);
}

static void missing_figures(void **state)
{
	static const char *const needed[] = {
		"preserve", "freeze_ns", "handover_ns", "kexec", "boot", "early_boot", "restore_ns", "retrieve", "serve", "walk", "map",
		"compare", "swap", "free", "finish", "blackout", "tables", "table_keys", "table_runs", "metadata_bytes",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!check_with("arenas", needed[i], -1, NULL))
			fail_msg("a row without %s is a good one", needed[i]);
		/* Either of the two that make a freeze may cost nothing. */
		if (strcmp(needed[i], "freeze_ns") && strcmp(needed[i], "handover_ns") && !check_with("arenas", needed[i], 0, NULL))
			fail_msg("a row with %s 0 is a good one", needed[i]);
	}
}

/* A console that is to be quiet does not hear what freezing took, and all else is said elsewhere. */
static void quiet_row(void **state)
{
	static const struct kind quiet = { "vtd", "arenas", "demo", "1", "1", "A:0123,B:4567" };

	(void)state;
	assert_int_equal(check_as(&quiet, NULL, 0, NULL), 0);
	assert_int_equal(check_as(&quiet, "freeze_ns", -1, NULL), 0);
	assert_int_not_equal(check_as(&quiet, "restore_ns", -1, NULL), 0);
	assert_int_not_equal(check_as(&quiet, "tables", -1, NULL), 0);
}

static bool report_says(const char *text)
{
	char line[4 * PATH_BYTES];
	FILE *file = fopen(path_of("report.json"), "r");
	bool found = false;

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	fclose(file);
	return found;
}

/* Beside a long comparison a swap cannot be told. */
static void swap_unseen(void **state)
{
	struct bench bench;

	(void)state;
	assert_int_not_equal(check_with("arenas", "swap", -1, NULL), 0);
	write_run("run", "swap", -1, NULL);
	write_list(row_of("arenas", 1, "run", NULL));
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	bench.rows[0].counted.phases[BENCH_COMPARE] = 1000000000;
	assert_int_equal(bench_write(&bench, directory), 0);
	assert_int_equal(bench_check(path_of("report.json"), NULL, 0), 0);
	bench_free(&bench);
	assert_true(report_says("\"swap: it is less than "));
}

/* Which kernels a row is of is part of it. */
static void kernels_said(void **state)
{
	static const struct kind one = { "vtd", "arenas", "-", "1", "0", "A:0123" };
	static const struct kind none = { "amd", "arenas", "-", "1", "0", "-" };

	(void)state;
	assert_int_not_equal(check_as(&one, NULL, 0, NULL), 0);
	assert_int_not_equal(check_as(&none, NULL, 0, NULL), 0);
	assert_int_equal(check_with("arenas", NULL, 0, NULL), 0);
	assert_true(report_says("\"A:0123\""));
	assert_true(report_says("\"B:4567\""));
}

/* Devices that start anew have their memory, which is part of their blackout. */
static void started_anew(void **state)
{
	(void)state;
	assert_int_not_equal(check_with("stock", NULL, 0, NULL), 0);
	assert_int_equal(check_with("stock", "blackout", 360000000, NULL), 0);
	assert_int_not_equal(check_with("stock", "retrieve", -1, NULL), 0);
	assert_int_equal(check_with("cold", "blackout", 360000000, NULL), 0);
	assert_int_not_equal(check_with("cold", "preserve", -1, NULL), 0);
}

static void implausible_figures(void **state)
{
	static const struct said wrong[] = {
		{ "blackout", 360000000 }, { "blackout", 340000000 }, { "kexec", 42000000 }, { "early_boot", 310000000 },
		{ "restore_ns", 300000000 }, { "tables", 511 }, { "tables", 700 }, { "table_keys", 521 }, { "table_runs", 400 },
	};
	struct bench bench;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (!check_with("arenas", wrong[i].name, wrong[i].value, NULL))
			fail_msg("a row with %s %lld is a good one", wrong[i].name, wrong[i].value);
	assert_int_equal(check_with("arenas", "table_keys", 5, NULL), 0);
	/* As many tables as 1 GiB has, for two. */
	write_list(row_of("arenas", 2, "run", NULL));
	assert_int_not_equal(report_of(&bench), 0);
	bench_free(&bench);
	assert_int_not_equal(check_with("page-by-page", "table_keys", 5, NULL), 0);
}

static void not_run(void **state)
{
	struct bench bench;

	(void)state;
	write_list(NOT_RUN("cold", "0", "it takes too long"));
	assert_int_equal(report_of(&bench), 0);
	bench_free(&bench);
	write_list(NOT_RUN("cold", "0", "-"));
	assert_int_not_equal(report_of(&bench), 0);
	bench_free(&bench);
	write_list("cold-0\tvtd\tcold\t0\n");
	assert_int_not_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	bench_free(&bench);
}

/* Of goal @name: -1 not known, 0 missed, 1 held. */
static int goal_of(const struct bench *bench, const char *name)
{
	bool held;
	struct json_object *goals = bench_goals(bench, &held);
	int is = -2;

	for (size_t i = 0; i < json_object_array_length(goals); i++) {
		struct json_object *goal = json_object_array_get_idx(goals, i);

		if (!strcmp(member_string(goal, "name", ""), name))
			is = json_object_object_get(goal, "holds") ? member_bool(goal, "holds", false) : -1;
	}
	json_object_put(goals);
	return is;
}

static int goal_with(const char *goal, const char *name, long long value)
{
	char list[16 * PATH_BYTES];
	struct bench bench;
	int is;

	write_run("none", NULL, 0, NULL);
	write_run("most", name, value, NULL);
	write_run("again", name, value, NULL);
	snprintf(list, sizeof(list), "%s%s", row_of("arenas", 0, "none", NULL), row_of("arenas", 1, "most", NULL));
	if (!strcmp(goal, "repeats"))
		snprintf(list, sizeof(list), "%s", row_of("arenas", 1, "none", "again"));
	write_list(list);
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	is = goal_of(&bench, goal);
	bench_free(&bench);
	return is;
}

static void goals(void **state)
{
	(void)state;
	assert_int_equal(goal_with("blackout-growth", "blackout", 356000000), 1);
	assert_int_equal(goal_with("blackout-growth", "blackout", 358000000), 0);
	assert_int_equal(goal_with("kho-keys", "table_keys", 1100), 1);
	assert_int_equal(goal_with("kho-keys", "table_keys", 1101), 0);
	assert_int_equal(goal_with("iommu-restore", "restore_ns", 100000), 1);
	assert_int_equal(goal_with("iommu-restore", "restore_ns", 100001), 0);
	assert_int_equal(goal_with("repeats", "blackout", 356000000), 1);
	assert_int_equal(goal_with("repeats", "blackout", 358000000), 0);
	assert_int_equal(goal_with("repeats", "blackout", 342000000), 0);
	assert_int_equal(goal_with("demo", NULL, 0), -1);
	assert_int_equal(goal_with("early-boot", NULL, 0), -1);
}

/* What is asked for has to be there. */
static void goals_asked_for(void **state)
{
	static char *asked[] = { "kho-keys", "early-boot", "nothing" };
	struct bench bench;

	(void)state;
	write_run("run", NULL, 0, NULL);
	write_list(row_of("arenas", 1, "run", NULL));
	assert_int_equal(report_of(&bench), 0);
	assert_int_equal(bench_check(path_of("report.json"), asked, 1), 0);
	assert_int_not_equal(bench_check(path_of("report.json"), asked + 1, 1), 0);
	assert_int_not_equal(bench_check(path_of("report.json"), asked + 2, 1), 0);
	bench_free(&bench);
	write_list(NOT_RUN("arenas", "2305843009213693952", "not today"));
	assert_int_equal(report_of(&bench), 0);
	assert_int_not_equal(bench_check(path_of("report.json"), asked, 1), 0);
	bench_free(&bench);
}

static int demo_with(const struct kind *kind, const char *goal, long long blackout)
{
	const struct kind ours = { kind->iommu, "arenas", "demo", "1", "1", "A:0123,B:4567" };
	char list[16 * PATH_BYTES];
	struct bench bench;
	int is;

	write_run("ours", "blackout", 100000000, NULL);
	write_run("stock", "blackout", blackout, NULL);
	snprintf(list, sizeof(list), "%s%s", row_as(&ours, 0, "ours", NULL), row_as(kind, 0, "stock", NULL));
	write_list(list);
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	is = goal_of(&bench, goal);
	bench_free(&bench);
	return is;
}

/* Held against the stock kernel that is configured as ours, on the same machine and IOMMU. */
static void demo_goal(void **state)
{
	static const struct kind lean = { "vtd", "stock", "demo", "1", "1", "lean:01,lean:01" };
	static const struct kind base = { "vtd", "stock", "demo", "0", "1", "stock:01,stock:01" };
	static const struct kind other = { "vtd", "stock", "-", "1", "1", "lean:01,lean:01" };
	static const struct kind amd = { "amd", "stock", "demo", "1", "1", "lean:01,lean:01" };

	(void)state;
	assert_int_equal(demo_with(&lean, "demo", 250000000), 1);
	assert_int_equal(demo_with(&lean, "demo", 249000000), 0);
	assert_int_equal(demo_with(&base, "demo", 250000000), -1);
	assert_int_equal(demo_with(&other, "demo", 250000000), -1);
	assert_int_equal(demo_with(&amd, "demo", 250000000), -1);
	assert_int_equal(demo_with(&amd, "amd-demo", 250000000), 1);
	assert_int_equal(demo_with(&amd, "amd-demo", 249000000), 0);
	assert_int_equal(demo_with(&lean, "amd-demo", 250000000), -1);
}

/* Single pages are what page by page is about; arenas take blocks wherever they are. Another machine is another row. */
static void rows_found(void **state)
{
	static const char *const modes[] = { "arenas", "page-by-page" };
	struct bench bench;

	(void)state;
	write_run("run", NULL, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		write_list(row_of(modes[i], 1, "run", NULL));
		assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
		assert_ptr_equal(bench_find(&bench, "vtd", modes[i], GIB, 4096, 1), &bench.rows[0]);
		bench.rows[0].scattered = false;
		assert_ptr_equal(bench_find(&bench, "vtd", modes[i], GIB, 4096, 1), i ? NULL : &bench.rows[0]);
		strcpy(bench.rows[0].machine, "demo");
		assert_null(bench_find(&bench, "vtd", modes[i], GIB, 4096, 1));
		bench_free(&bench);
	}
}

/* Of several sizes the largest, on this IOMMU alone. */
static void goals_of_amd(void **state)
{
	static const struct kind amd = { "amd", "arenas", "-", "1", "0", "A:0123,B:4567" };
	char list[16 * PATH_BYTES];
	struct bench bench;

	(void)state;
	write_run("none", NULL, 0, NULL);
	write_run("most", "table_keys", 1101, NULL);
	snprintf(list, sizeof(list), "%s%s%s%s", row_of("arenas", 0, "none", NULL), row_of("arenas", 1, "none", NULL),
		 row_as(&amd, 0, "none", NULL), row_as(&amd, 1, "most", NULL));
	write_list(list);
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	assert_int_equal(goal_of(&bench, "kho-keys"), 1);
	assert_int_equal(goal_of(&bench, "amd-kho-keys"), 0);
	assert_int_equal(goal_of(&bench, "amd-blackout-growth"), 1);
	assert_int_equal(goal_of(&bench, "amd-early-boot"), -1);
	bench_free(&bench);
}

/* What early boot does at 16 GiB beyond what it does with nothing: 1 in 100 of what it does page by page. */
static void early_boot_goal(void **state)
{
	char list[16 * PATH_BYTES];
	struct bench bench;

	(void)state;
	write_run("none", NULL, 0, NULL);
	write_run("little", "early_boot", 36000000 + 10000000, NULL);
	write_run("much", "early_boot", 36000000 + 1000000000, NULL);
	snprintf(list, sizeof(list), "%s%s%s%s", row_of("arenas", 0, "none", NULL), row_of("arenas", 16, "little", NULL),
		 row_of("page-by-page", 0, "none", NULL), row_of("page-by-page", 16, "much", NULL));
	write_list(list);
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	assert_int_equal(goal_of(&bench, "early-boot"), 1);
	bench_free(&bench);

	write_run("little", "early_boot", 36000000 + 11000000, NULL);
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), NULL), 0);
	assert_int_equal(goal_of(&bench, "early-boot"), 0);
	bench_free(&bench);
}

static void micro_goals(void **state)
{
	struct bench bench;
	FILE *file = fopen(path_of("micro.log"), "w");

	(void)state;
	fputs("{\"verified\": \"a\", \"verify_reads\": 2.9, \"checked\": true}\n"
	      "{\"tables\": \"b\", \"compare_reads\": 3.1, \"checked\": true}\n"
	      "{\"tables\": \"c\", \"compare_reads\": 1.0, \"checked\": true}\n"
	      "{\"verified\": \"d\", \"verify_reads\": 9, \"checked\": false}\n", file);
	fclose(file);
	write_list(NOT_RUN("cold", "0", "it takes too long"));
	assert_int_equal(bench_load(&bench, path_of("rows.tsv"), path_of("micro.log")), 0);
	assert_int_equal(goal_of(&bench, "verifier"), 1);
	assert_int_equal(goal_of(&bench, "comparison"), 0);
	bench_free(&bench);
}

static int64_t figure_of(const struct figures *figures, const char *name)
{
	for (unsigned int i = 0; i < figures->nr; i++)
		if (!strcmp(figures->of[i].name, name))
			return figures->of[i].value;
	return -1;
}

static void console_lines(void **state)
{
	struct figures figures = { 0 };

	(void)state;
	figures_read_line(&figures, "[    0.1] freeze_ns=5 of something else", 0);
	figures_read_line(&figures, "[    0.1] iommu: the cost: freeze_ns=5", 0);
	assert_int_equal(figures.nr, 0);
	figures_read_line(&figures, "[    0.9] iommu liveupdate: unit 0x1 is handed over; cost: freeze_ns=2797 handover_ns=10555\r", 1);
	assert_int_equal(figures.nr, 2);
	assert_int_equal(figure_of(&figures, "freeze_ns"), 2797);
	assert_int_equal(figure_of(&figures, "handover_ns"), 10555);
	assert_int_equal(figures.of[1].generation, 1);
	for (unsigned int i = 0; i < 2 * FIGURES_MAX; i++)
		figures_add(&figures, "more", 0, i);
	assert_int_equal(figures.nr, FIGURES_MAX);
	assert_true(figures.too_many);
}

/* The q35 machine has what is beyond 2 GiB from 4 GiB on, once it has 2.75 GiB. */
static void split_ram(void **state)
{
	static const uint8_t nothing;
	const struct ram large = { .fd = -1, .bytes = 8ULL << 30, .base = &nothing };
	const struct ram small = { .fd = -1, .bytes = 2ULL << 30, .base = &nothing };
	const uintptr_t base = (uintptr_t)&nothing;

	(void)state;
	assert_int_equal((uintptr_t)ram_at(&large, 0x7ffff000, 4096) - base, 0x7ffff000);
	assert_null(ram_at(&large, 0x80000000, 4096));
	assert_null(ram_at(&large, 0xfed90000, 4));
	assert_int_equal((uintptr_t)ram_at(&large, 0x100000000, 4096) - base, 0x80000000);
	assert_int_equal((uintptr_t)ram_at(&large, 0x27ffff000, 4096) - base, 0x1fffff000);
	assert_null(ram_at(&large, 0x280000000, 4096));
	assert_int_equal((uintptr_t)ram_at(&small, 0x7ffff000, 4096) - base, 0x7ffff000);
	assert_null(ram_at(&small, 0x80000000, 4096));
	assert_null(ram_at(&small, 0x100000000, 4096));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_row), cmocka_unit_test(bad_runs), cmocka_unit_test(missing_figures),
		cmocka_unit_test(quiet_row), cmocka_unit_test(swap_unseen), cmocka_unit_test(kernels_said), cmocka_unit_test(started_anew),
		cmocka_unit_test(rows_found), cmocka_unit_test(demo_goal), cmocka_unit_test(goals_of_amd),
		cmocka_unit_test(implausible_figures), cmocka_unit_test(not_run), cmocka_unit_test(goals),
		cmocka_unit_test(goals_asked_for), cmocka_unit_test(early_boot_goal), cmocka_unit_test(micro_goals),
		cmocka_unit_test(console_lines), cmocka_unit_test(split_ram),
	};
	char command[64];
	int failed;

	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command) || failed;
}
