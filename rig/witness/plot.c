// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot.h"

#define WIDTH		1200
#define PANEL_HEIGHT	190
#define EDGES_HEIGHT	110
#define PICTURE_STEP_NS	(10 * NSEC_PER_MSEC)	/* finer than a pixel; the data files hold every sample */

/* Steps worth a line in the picture, with the name to write there. */
static const struct {
	const char *mark, *label;
} shown[] = {
	{ "preserve-begin", "preserve" }, { "kexec", "kexec" }, { "boot", "boot" }, { "retrieve-begin", "retrieve" },
	{ "swap-begin", "swap" }, { "finish-end", "finish" },
};

static FILE *open_in(const struct run *run, const char *name)
{
	char path[PATH_BYTES];
	FILE *file;

	if (path_make(path, "%s/%s", run->directory, name))
		return NULL;
	file = fopen(path, "w");
	if (!file)
		complain("%s: %s", path, strerror(errno));
	return file;
}

static double at_s(const struct run *run, int64_t ns)
{
	return (double)(ns - run->timeline.start_ns) / NSEC_PER_SEC;
}

static void write_sample(const struct run *run, FILE *file, const struct sample *sample)
{
	fprintf(file, "%.6f %" PRId64 " ", at_s(run, sample->ns), sample->memory);
	if (sample->device_read)
		fprintf(file, "%" PRId64 "\n", sample->device);
	else
		fputs("-\n", file);
}

/* Columns: time, counted in memory, counted by the device ("-": its register could not be read). */
static int write_series(const struct run *run, const struct counter *counter)
{
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "%s.dat", counter->device->device->name);
	file = open_in(run, name);
	if (!file)
		return -EIO;
	fprintf(file, "# seconds %s-in-memory %s-by-the-device\n", counter_unit(counter), counter_unit(counter));
	for (size_t i = 0; i < counter->series.nr; i++)
		write_sample(run, file, &counter->series.samples[i]);
	return fclose(file) ? -errno : 0;
}

/* The picture's own, thinner copy of the series. */
static void write_inline_series(const struct run *run, const struct counter *counter, FILE *gp)
{
	const struct series *series = &counter->series;
	int64_t last = INT64_MIN / 2;

	fprintf(gp, "$%s << end\n", counter->device->device->name);
	for (size_t i = 0; i < series->nr; i++) {
		if (series->samples[i].ns - last < PICTURE_STEP_NS && i + 1 < series->nr)
			continue;
		last = series->samples[i].ns;
		write_sample(run, gp, &series->samples[i]);
	}
	fprintf(gp, "end\n");
}

static int write_packets(const struct run *run)
{
	FILE *file = open_in(run, "packets.dat");

	if (!file)
		return -EIO;
	fprintf(file, "# seconds sent received-by-the-guest\n");
	for (size_t i = 0; i < run->nr_curve; i++)
		fprintf(file, "%.6f %u %" PRIu64 "\n", at_s(run, run->curve[i].ns), run->curve[i].sent, run->curve[i].received);
	return fclose(file) ? -errno : 0;
}

/* Two steps closer than this share a place in the margin; the later label goes up a line. */
static void write_marks(const struct run *run, FILE *gp, double from, double to)
{
	double last = from - (to - from);
	int line = 0;

	for (unsigned int i = 0; i < run->timeline.nr_points; i++) {
		const struct point *point = &run->timeline.points[i];
		double at = at_s(run, point->host_ns);

		for (size_t j = 0; j < ARRAY_SIZE(shown); j++) {
			if (strcmp(shown[j].mark, point->name))
				continue;
			line = at - last < (to - from) * 0.06 ? (line + 1) % 4 : 0;
			last = at;
			fprintf(gp, "set arrow from %.4f, graph 0 to %.4f, graph 1 nohead lc rgb '#c04040' dt 2 lw 1\n", at, at);
			fprintf(gp, "if (top) set label '%s' at %.4f, graph 1 offset 0.2, %.1f tc rgb '#c04040' font ',9'\n",
				shown[j].label, at, 0.7 + 0.9 * line);
		}
	}
}

static bool has_series(const struct counter *counter)
{
	return counter->series.nr > 1;
}

static void write_panel(const struct counter *counter, FILE *gp, bool first)
{
	const char *name = counter->device->device->name;
	bool hda = counter->where.kind == RIG_DEVICE_HDA;

	fprintf(gp, "set ylabel '%s: %s'\n", name, hda ? "MiB" : counter_unit(counter));
	fprintf(gp, "plot $%s using 1:($3%s) with lines lw 4 lc rgb '#b0c8e8' title 'counted by the device', \\\n",
		name, hda ? "/1048576" : "");
	fprintf(gp, "     $%s using 1:($2%s) with lines lw 1.5 lc rgb '#103070' title 'arrived in memory'\n",
		name, hda ? "/1048576" : "");
	if (first)
		fprintf(gp, "unset label; top = 0\n");
}

/* While no kernel serves it, the device takes packets all the same, and the guest sees them later. */
static void write_packet_panel(const struct run *run, FILE *gp)
{
	fprintf(gp, "set ylabel 'igb: packets'\n");
	fprintf(gp, "plot 'packets.dat' using 1:2 with lines lw 5 lc rgb '#d8d8d8' title 'sent', \\\n");
	for (unsigned int i = 0; i < run->sampler.nr_counters; i++)
		if (run->sampler.counters[i].where.kind == RIG_DEVICE_IGB && has_series(&run->sampler.counters[i]))
			fprintf(gp, "     $%s using 1:2 with lines lw 3 lc rgb '#b0c8e8' title 'taken by the device', \\\n",
				run->sampler.counters[i].device->device->name);
	fprintf(gp, "     'packets.dat' using 1:3 with lines lw 1.5 lc rgb '#103070' title 'seen by the guest'\n");
}

static unsigned int count_panels(const struct run *run)
{
	unsigned int nr = run->nr_curve && run->packets.sent;

	for (unsigned int i = 0; i < run->sampler.nr_counters; i++)
		nr += has_series(&run->sampler.counters[i]) && run->sampler.counters[i].where.counter_bytes;
	return nr;
}

static void write_panels(const struct run *run, FILE *gp, unsigned int nr_panels)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < run->sampler.nr_counters; i++) {
		const struct counter *counter = &run->sampler.counters[i];

		if (!has_series(counter) || !counter->where.counter_bytes)
			continue;
		if (++nr == nr_panels)
			fprintf(gp, "set xlabel 'seconds since power-on'; set format x '%%g'\n");
		write_panel(counter, gp, nr == 1);
	}
	if (nr < nr_panels) {
		fprintf(gp, "set xlabel 'seconds since power-on'; set format x '%%g'\n");
		write_packet_panel(run, gp);
	}
}

static int write_script(const struct run *run, unsigned int nr_panels)
{
	const struct hop *hop = run->timeline.nr_hops && run->timeline.nr_hellos > 1 ? &run->timeline.hops[0] : NULL;
	unsigned int height = nr_panels * PANEL_HEIGHT + EDGES_HEIGHT;
	double to = at_s(run, run->end_ns), from = at_s(run, run->timeline.workload_ns) - 0.2;
	FILE *gp = open_in(run, "timeline.gp");

	if (!gp)
		return -EIO;
	fprintf(gp, "# gnuplot -e \"out='timeline.svg'; kind='svg'\" timeline.gp\n");
	fprintf(gp, "if (kind eq 'svg') set terminal svg size %d,%u background rgb 'white' font 'sans,11'\n", WIDTH, height);
	fprintf(gp, "if (kind eq 'png') set terminal pngcairo size %d,%u background rgb 'white' font 'sans,10'\n", WIDTH, height);
	fprintf(gp, "set output out\nset datafile missing '-'\ntop = 1\n");
	fprintf(gp, "set xrange [%.3f:%.3f]\nset grid lc rgb '#dddddd'\nset key left top\n", from, to);
	for (unsigned int i = 0; i < run->sampler.nr_counters; i++)
		if (has_series(&run->sampler.counters[i]))
			write_inline_series(run, &run->sampler.counters[i], gp);
	fprintf(gp, "set multiplot layout %u,1 margins 0.08,0.98,%.3f,%.3f spacing 0.03 title '%s: %s%s%s' font ',12'\n",
		nr_panels, 50.0 / height, 1 - 85.0 / height, run->scenario.name,
		hop ? hop->kernel_before : "", hop ? " → " : "", run->timeline.kernel);
	fprintf(gp, "set format x ''\nset yrange [0:*]\n");
	write_marks(run, gp, from, to);
	write_panels(run, gp, nr_panels);
	fprintf(gp, "unset multiplot\n");
	return fclose(gp) ? -errno : 0;
}

static void gnuplot_child(const struct run *run, const char *kind)
{
	char set[128], log[] = "gnuplot.log";
	int fd;

	snprintf(set, sizeof(set), "out='timeline.%s'; kind='%s'", kind, kind);
	if (chdir(run->directory))
		_exit(126);
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	execlp("gnuplot", "gnuplot", "-e", set, "timeline.gp", (char *)NULL);
	_exit(127);
}

static int run_gnuplot(const struct run *run, const char *kind)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		gnuplot_child(run, kind);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return -ENOENT;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int plot_write(const struct run *run)
{
	unsigned int nr_panels = count_panels(run);
	int err = write_packets(run);

	for (unsigned int i = 0; i < run->sampler.nr_counters && !err; i++)
		err = write_series(run, &run->sampler.counters[i]);
	if (err || !nr_panels || run->timeline.workload_ns == NEVER)
		return err;
	err = write_script(run, nr_panels);
	if (!err)
		err = run_gnuplot(run, "svg");
	if (!err)
		err = run_gnuplot(run, "png");
	return err;
}
