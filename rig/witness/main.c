// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The witness: runs a machine under QEMU, watches from outside while its kernel is replaced, and decides whether
 * the devices noticed.
 *
 * Exit: 0 the verdict is the expected one, 1 it is not, 2 there was nothing to judge.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "judge.h"
#include "plot.h"
#include "report.h"
#include "run.h"

enum { EXIT_AS_EXPECTED, EXIT_UNEXPECTED, EXIT_NOTHING };

static int usage(void)
{
	fputs("usage: witness run [--qemu COMMAND] [--kernels DIR] [--initramfs FILE] [--out DIR] [--trace PATTERN]\n"
	      "                   SCENARIO.json\n"
	      "       witness list DIR\n"
	      "       witness check-report FILE\n"
	      "       witness bench LIST DIR [MICRO]\n"
	      "       witness check-bench FILE [GOAL...]\n"
	      "  --qemu       default qemu-system-x86_64; may hold arguments, separated by blanks\n"
	      "  --kernels    holds NAME/bzImage for each kernel of the scenario; default build/kernels\n"
	      "  --initramfs  default build/initramfs.cpio\n"
	      "  --out        results go to DIR/<scenario>; default out\n"
	      "  LIST, MICRO  rows that were run, and lines of micro-benchmarks (rig/witness/bench.h); the report goes to DIR\n"
	      "  --trace      one more QEMU trace event (pattern) into trace.log\n", stderr);
	return EXIT_NOTHING;
}

static void finish(const struct run *run, const struct verdict *verdict)
{
	int err = plot_write(run);

	if (err == -ENOENT)
		complain("no gnuplot here, so no picture; timeline.gp can make it elsewhere");
	else if (err)
		complain("no picture: %s", strerror(-err));
	report_print(run, verdict);
	if (!err && run->timeline.workload_ns != NEVER)
		printf("picture: %s/timeline.svg (or .png)\n", run->directory);
	printf("report:  %s/report.json\n", run->directory);
}

static int run_and_judge(const struct options *options, const char *path)
{
	struct run *run = calloc(1, sizeof(*run));
	struct verdict *verdict = calloc(1, sizeof(*verdict));
	int code = EXIT_NOTHING, err;

	if (!run || !verdict) {
		complain("%s", strerror(ENOMEM));
		return EXIT_NOTHING;
	}
	err = run_scenario(run, options, path);
	if (!err) {
		judge(run, verdict);
		err = report_write(run, verdict);
		finish(run, verdict);
	}
	if (err)
		complain("%s: nothing to judge: %s", path, strerror(-err));
	else
		code = verdict->as_expected ? EXIT_AS_EXPECTED : EXIT_UNEXPECTED;
	run_free(run);
	free(run);
	free(verdict);
	return code;
}

static int command_run(int argc, char **argv)
{
	static const struct option known[] = {
		{ "qemu", required_argument, NULL, 'q' }, { "kernels", required_argument, NULL, 'k' },
		{ "initramfs", required_argument, NULL, 'i' }, { "out", required_argument, NULL, 'o' },
		{ "trace", required_argument, NULL, 't' }, { 0 },
	};
	struct options options = {
		.qemu = "qemu-system-x86_64", .kernels = "build/kernels", .initramfs = "build/initramfs.cpio",
		.out = "out",
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'q':
			options.qemu = optarg;
			break;
		case 'k':
			options.kernels = optarg;
			break;
		case 'i':
			options.initramfs = optarg;
			break;
		case 'o':
			options.out = optarg;
			break;
		case 't':
			options.extra_trace = optarg;
			break;
		default:
			return usage();
		}
	}
	return optind + 1 == argc ? run_and_judge(&options, argv[optind]) : usage();
}

static int command_list(const char *directory)
{
	int err = scenario_list(directory);

	if (err)
		complain("%s: %s", directory, strerror(-err));
	return err ? EXIT_NOTHING : EXIT_AS_EXPECTED;
}

/* As expected: each row that was to be run was. */
static int command_bench(const char *list, const char *directory, const char *micro)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int err_load, err;

	if (!bench) {
		complain("%s", strerror(ENOMEM));
		return EXIT_NOTHING;
	}
	err_load = bench_load(bench, list, micro);
	err = bench->nr_rows ? bench_write(bench, directory) : -ENODATA;
	if (err)
		complain("%s: no report: %s", directory, strerror(-err));
	bench_free(bench);
	free(bench);
	if (err)
		return EXIT_NOTHING;
	return err_load ? EXIT_UNEXPECTED : EXIT_AS_EXPECTED;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "run"))
		return command_run(argc - 1, argv + 1);
	if (argc == 3 && !strcmp(argv[1], "list"))
		return command_list(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "check-report"))
		return report_check(argv[2]) ? EXIT_UNEXPECTED : EXIT_AS_EXPECTED;
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "bench"))
		return command_bench(argv[2], argv[3], argc == 5 ? argv[4] : NULL);
	if (argc >= 3 && !strcmp(argv[1], "check-bench"))
		return bench_check(argv[2], argv + 3, argc - 3) ? EXIT_UNEXPECTED : EXIT_AS_EXPECTED;
	return usage();
}
