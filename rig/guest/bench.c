// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each step of an update costs, by how much memory is mapped, and what a plain kexec costs beside it. All devices stand on one HWPT,
 * as those of one virtual machine do. hitless.mapped_gib of its IOVAs map one memfd of BULK_BYTES over and over: tables grow, and
 * nothing else does. The memfd lies in pieces of 2 MiB. Mapped one page beside their own alignment they give leaves of 4 KiB alone.
 *
 * With hitless.bulk=0 there is no such memfd, and each device has an HWPT of its own: what plan "update" does.
 *
 * With hitless.keep=0 memory alone is preserved, as any kernel can: the next one's program finds it, and starts the devices from nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "bench.h"
#include "channel.h"
#include "check.h"
#include "clock.h"
#include "iommufd.h"
#include "kexec.h"
#include "kho.h"
#include "sysfs.h"
#include "update.h"

#define TOKEN_BULK	0xd1ff000000000023ULL

#define GIB		(1ULL << 30)
#define BULK_BYTES	(64ULL << 20)
#define BULK_IOVA	(1024 * GIB)	/* what lies below is not AMD-Vi's to map: 12 GiB are of HyperTransport */
#define SMALL_LEAF_KIB	4

#define COMPARE_LONG_NS	1000000000

/* Tables are one page in 512 of what is mapped by leaves of 4 KiB; the rest is for who else takes a page meanwhile. */
#define HOLES(mapped)	((mapped) / 512 / MEMORY_PAGE_BYTES * 65 / 64 + 2048)

#define HOLES_MAX		(1U << 20)
#define HOLES_PER_PIPE	2048U

static struct memory bulk = { .fd = -1 };
static uint64_t filler_bytes;
static struct span program;	/* from when this kernel's program runs; it does not end */

void bench_begin(void)
{
	span_begin(&program);
	clock_begin();
}

static uint64_t mapped_bytes(const struct rig *rig)
{
	return rig->options.mapped_gib * GIB;
}

static bool leaves_small(const struct rig *rig)
{
	return rig->options.leaf_kib == SMALL_LEAF_KIB;
}

static void figure_ticks(const char *name, uint64_t ticks)
{
	channel_figure(name, ticks / clock_ticks_per_ns());
}

/* What was to be done in a phase. How long it waited is said beside it, in the name of the phase. */
static void figure_span(const char *name, const struct span *span)
{
	uint64_t ns = span->ticks / clock_ticks_per_ns();
	char idle_name[48];

	channel_figure(name, span->own_ns);
	snprintf(idle_name, sizeof(idle_name), "%s_idle", name);
	channel_figure(idle_name, ns > span->own_ns ? ns - span->own_ns : 0);
}

/* All that the machine has, whoever keeps it: the kernel's own count leaves out what was preserved and nobody took yet. */
static int ram_read(uint64_t *bytes)
{
	FILE *file = fopen("/proc/iomem", "r");
	uint64_t first, last;
	char line[256], what[32];

	if (!file)
		return -errno;
	*bytes = 0;
	while (fgets(line, sizeof(line), file))
		if (*line != ' ' && sscanf(line, "%" SCNx64 "-%" SCNx64 " : %31[^\n]", &first, &last, what) == 3 &&
		    !strcmp(what, "System RAM"))
			*bytes += last - first + 1;
	fclose(file);
	return *bytes ? 0 : -ENODATA;
}

static int free_read(uint64_t *bytes)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	uint64_t kib;
	int ret = -ENODATA;

	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %" SCNu64, &kib) == 1) {
			*bytes = kib * 1024;
			ret = 0;
		}
	fclose(file);
	return ret;
}

/* The kernel says it, too, when it has handed a unit over, but not to a console that is to be quiet. */
static int figures_kept(void)
{
	int64_t value = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < KHO_NR_KEPT && !ret; i++) {
		ret = kho_cost_read(kho_kept_names[i], &value);
		if (!ret)
			channel_figure(kho_kept_names[i], value);
	}
	return ret;
}

/* The same of what IOMMU restore cost at boot. */
static int figure_restore(void)
{
	static const char *const parts[] = { "find_ns", "verify_ns", "adopt_ns", "probe_ns" };
	int64_t value, sum = 0;
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && !ret; i++) {
		ret = kho_cost_read(parts[i], &value);
		sum += ret ? 0 : value;
	}
	if (!ret)
		channel_figure("restore_ns", sum);
	return ret;
}

/* All that is in use but what makes holes. */
static int figure_memory(const char *name)
{
	uint64_t ram_bytes = 0, free_bytes = 0;
	int ret = ram_read(&ram_bytes);

	if (!ret)
		ret = free_read(&free_bytes);
	if (!ret)
		channel_figure(name, ram_bytes - free_bytes - filler_bytes);
	return ret;
}

/* Each write makes a page of the kernel's own: one that stays where it is, as a page table does. */
static int pipe_fill(int pipes[2][2], unsigned int nr)
{
	unsigned int i, which;

	for (which = 0; which < 2; which++)
		if (pipe2(pipes[which], O_DIRECT | O_CLOEXEC) || fcntl(pipes[which][1], F_SETPIPE_SZ, nr * MEMORY_PAGE_BYTES) < 0)
			return -errno;
	for (i = 0; i < nr; i++)
		for (which = 0; which < 2; which++)
			if (write(pipes[which][1], "", 1) != 1)
				return -errno;
	return 0;
}

/*
 * Leaves holes of one page in the physical memory, as many as there will be tables: the allocator takes them before it breaks a
 * larger piece. What lies between stays in use until the kexec. All holes are made last: one would be filled by the next write.
 */
static int holes_make(uint64_t nr)
{
	static int pipes[HOLES_MAX / HOLES_PER_PIPE + 1][2][2];
	const struct rlimit files = { .rlim_cur = sizeof(pipes), .rlim_max = sizeof(pipes) };
	unsigned int i, nr_pipes = nr / HOLES_PER_PIPE + 1;
	int ret = nr_pipes > HOLES_MAX / HOLES_PER_PIPE + 1 ? -E2BIG : 0;

	if (!ret && setrlimit(RLIMIT_NOFILE, &files))
		ret = -errno;
	for (i = 0; i < nr_pipes && !ret; i++)
		ret = pipe_fill(pipes[i], HOLES_PER_PIPE);
	for (i = 0; i < nr_pipes && !ret; i++) {
		close(pipes[i][0][0]);
		close(pipes[i][0][1]);
	}
	filler_bytes = nr_pipes * HOLES_PER_PIPE * MEMORY_PAGE_BYTES;
	return ret;
}

/* Whose tables a device stands on. */
static struct device *leader(struct rig *rig, struct device *dev)
{
	return rig->options.bulk ? &rig->devices[0] : dev;
}

static int for_each_leader(struct rig *rig, int (*call)(struct rig *rig, struct device *dev))
{
	struct device *dev;
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		if (!ret && leader(rig, dev) == dev)
			ret = call(rig, dev);
	return ret;
}

/* An IOAS for all that @first leads, with all their memory and nothing of the bulk yet. */
static int ioas_create(struct rig *rig, struct device *first)
{
	struct device *dev;
	int ret = device_ioas_begin(first, &first->ioas_id);

	rig_for_each_preserved(dev, rig)
		if (!ret && leader(rig, dev) == first)
			ret = device_ioas_map(dev, first->ioas_id);
	return ret || !rig->options.bulk ? ret : iommufd_ioas_pages_large(rig->kept.iommufd, first->ioas_id);
}

static int bulk_map(const struct rig *rig, uint32_t ioas_id)
{
	uint64_t iova = BULK_IOVA + (leaves_small(rig) ? MEMORY_PAGE_BYTES : 0), end = iova + mapped_bytes(rig);
	int ret = 0;

	for (; !ret && iova < end; iova += BULK_BYTES)
		ret = iommufd_map_file(rig->kept.iommufd, ioas_id, bulk.fd, 0, BULK_BYTES, iova, true);
	return ret;
}

/* Registers are mapped where that can be: the rest has to do with being asked for. */
static int regions_map(struct rig *rig)
{
	struct device *dev;
	void *base;
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		if (!ret) {
			ret = vfio_device_bar0_map(&dev->vfio, &base);
			ret = ret == -EOPNOTSUPP ? 0 : ret;
		}
	return ret;
}

/* From devices that nobody has to devices at work on an HWPT without the bulk. */
static int devices_start(struct rig *rig)
{
	struct device *dev, *first;
	int ret = 0;

	rig_for_each_preserved(dev, rig) {
		first = leader(rig, dev);
		if (dev == first)
			ret = ioas_create(rig, dev);
		dev->ioas_id = first->ioas_id;
		dev->hwpt_id = first->hwpt_id;
		if (!ret)
			ret = device_open(dev);
		if (ret)
			return ret;
	}
	return regions_map(rig);
}

static int old_devices_start(struct rig *rig)
{
	int ret = rig_prepare(rig);

	if (!ret && rig->options.bulk)
		ret = memory_create_large(&bulk, BULK_BYTES);
	if (!ret && rig->options.scatter && rig->options.keep)
		ret = holes_make(HOLES(leaves_small(rig) ? mapped_bytes(rig) : 0));
	return ret ? ret : devices_start(rig);
}

int bench_start(struct rig *rig)
{
	struct span map;
	int ret;

	channel_mark("workload-begin");
	ret = old_devices_start(rig);
	span_begin(&map);
	if (!ret)
		ret = bulk_map(rig, rig->devices[0].ioas_id);
	span_end(&map);
	if (!ret)
		ret = rig_announce(rig);
	channel_mark("workload-end");
	if (!ret)
		figure_span("old_map", &map);
	return ret;
}

static int memory_preserve(struct rig *rig)
{
	int ret = update_session_create(rig);

	if (!ret)
		ret = update_preserve_memory(rig);
	if (!ret && rig->options.bulk)
		ret = hitless_session_preserve_fd(rig->session, bulk.fd, TOKEN_BULK);
	return ret;
}

static int hwpt_mark(struct rig *rig, struct device *dev)
{
	return hitless_hwpt_mark_preserve(rig->kept.iommufd, dev->hwpt_id, TOKEN_HWPT(dev->index));
}

static int devices_preserve(struct rig *rig)
{
	struct device *dev;
	int ret = for_each_leader(rig, hwpt_mark);

	if (!ret)
		ret = update_preserve_iommufd(rig);
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = update_preserve_device(rig, dev);
	return ret;
}

int bench_preserve(struct rig *rig)
{
	struct span span;
	int ret;

	channel_mark("preserve-begin");
	span_begin(&span);
	ret = memory_preserve(rig);
	if (!ret && rig->options.keep)
		ret = devices_preserve(rig);
	span_end(&span);
	channel_mark("preserve-end");
	if (ret)
		return ret;
	figure_span("preserve", &span);
	return rig->options.keep ? figures_kept() : 0;
}

/* Returns only if there is no kexec. */
int bench_kexec(void)
{
	int ret = figure_memory("old_used_bytes");

	if (ret)
		return ret;
	channel_mark("kexec");
	channel_drain();
	ret = clock_stamp_leave();
	return ret ? ret : kexec_reboot();
}

struct blackout {
	uint64_t kexec_ticks;
	struct boot_times boot;
	struct span program;	/* of it, this program's part */
	struct span retrieve;
	struct span serve;
};

static void blackout_end(struct blackout *blackout)
{
	blackout->program = program;
	span_end(&blackout->program);
}

/* Reading the log is no part of it. Whether a kernel waits while it boots is not known: all of that counts. */
static int blackout_say(struct blackout *blackout)
{
	const uint64_t boot_ticks = program.ticks - blackout->kexec_ticks;
	struct span whole = {
		.ticks = boot_ticks + blackout->program.ticks,
		.own_ns = boot_ticks / clock_ticks_per_ns() + blackout->program.own_ns,
	};
	int ret = clock_boot_read(&blackout->boot);

	if (ret)
		return ret;
	figure_ticks("kexec", blackout->boot.clock_ticks - blackout->kexec_ticks);
	figure_ticks("boot", program.ticks - blackout->boot.clock_ticks);
	if (blackout->boot.memory_ns)
		channel_figure("early_boot", blackout->boot.memory_ns);
	figure_span("blackout", &whole);
	return 0;
}

static int bulk_retrieve(struct rig *rig)
{
	int ret, fd = hitless_session_retrieve_fd(rig->session, TOKEN_BULK);

	if (fd < 0)
		return fd;
	ret = memory_adopt(&bulk, fd, BULK_BYTES);
	if (ret)
		close(fd);
	return ret;
}

static int memory_retrieve(struct rig *rig)
{
	int ret = update_session_retrieve(rig);

	if (!ret)
		ret = update_retrieve_memory(rig);
	if (!ret && rig->options.bulk)
		ret = bulk_retrieve(rig);
	return ret;
}

static int files_retrieve(struct rig *rig)
{
	int ret = memory_retrieve(rig);

	if (!ret)
		ret = update_retrieve_iommufd(rig);
	if (!ret)
		ret = update_retrieve_devices(rig);
	return ret;
}

/* The devices can be used: their files are bound, they are heard, and their registers are mapped. */
static int devices_serve(struct rig *rig)
{
	struct device *dev;
	int ret = 0;

	rig_for_each_preserved(dev, rig) {
		if (!ret)
			ret = device_claim(dev);
		if (!ret)
			ret = device_irq_set(dev);
	}
	return ret ? ret : regions_map(rig);
}

static int bench_take_over(struct rig *rig, struct blackout *blackout)
{
	int ret = clock_stamp_find(&blackout->kexec_ticks);

	span_begin(&blackout->retrieve);
	if (!ret)
		ret = files_retrieve(rig);
	span_end(&blackout->retrieve);
	span_begin(&blackout->serve);
	if (!ret)
		ret = devices_serve(rig);
	span_end(&blackout->serve);
	blackout_end(blackout);
	return ret;
}

/* The tables of this kernel, complete, and no device on them yet. */
static int tables_make(struct rig *rig, struct span *span)
{
	struct device *dev, *first;
	int ret = 0;

	rig_for_each_preserved(dev, rig) {
		first = leader(rig, dev);
		if (!ret && dev == first)
			ret = ioas_create(rig, dev);
		if (!ret && dev == first)
			ret = iommufd_hwpt_alloc(rig->kept.iommufd, dev->vfio.dev_id, dev->ioas_id, &dev->hwpt_id);
		dev->ioas_id = first->ioas_id;
		dev->hwpt_id = first->hwpt_id;
	}
	span_begin(span);
	if (!ret)
		ret = bulk_map(rig, rig->devices[0].ioas_id);
	span_end(span);
	return ret;
}

static int swap_all(struct rig *rig)
{
	struct device *dev;
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = vfio_device_attach(&dev->vfio, dev->hwpt_id);
	return ret;
}

/* Each works on as it did, and those that interrupt are heard. */
static int devices_check(struct rig *rig)
{
	struct device *dev;
	int ret = 0;

	rig_for_each_preserved(dev, rig) {
		if (!ret)
			ret = dev->ops->adopt(dev);
		if (!ret && dev->ops->has_irq)
			ret = dev->ops->irq_raise(dev);
		if (!ret && dev->ops->has_irq)
			check_result(device_irq_wait(dev, 1000), 0, "bench-%s-irq", dev->name);
	}
	return ret;
}

/*
 * The comparison is inside the attach; the kernel says how much of it, by another clock. Beside a long one the swap is less than the two
 * clocks differ by: nothing is said of it then.
 */
static int tables_swap(struct rig *rig)
{
	int64_t before_ns, after_ns, compare_ns;
	struct span span;
	int ret = kho_cost_read("compare_ns", &before_ns);

	channel_mark("swap-begin");
	span_begin(&span);
	if (!ret)
		ret = swap_all(rig);
	span_end(&span);
	channel_mark("swap-end");
	if (!ret)
		ret = kho_cost_read("compare_ns", &after_ns);
	if (ret)
		return ret;
	compare_ns = after_ns - before_ns;
	channel_figure("compare", compare_ns);
	if (compare_ns < COMPARE_LONG_NS && (uint64_t)compare_ns < span.own_ns)
		channel_figure("swap", span.own_ns - compare_ns);
	return 0;
}

static int session_finish(struct rig *rig)
{
	struct span destroy, finish;
	int ret;

	channel_mark("finish-begin");
	span_begin(&destroy);
	ret = for_each_leader(rig, update_destroy_restored);
	span_end(&destroy);
	span_begin(&finish);
	if (!ret)
		ret = hitless_session_finish(rig->session);
	span_end(&finish);
	channel_mark("finish-end");
	if (ret)
		return ret;
	update_session_close(rig);
	figure_span("free", &destroy);
	figure_span("finish", &finish);
	return 0;
}

/* All of the new kernel's part, where the old one preserved. */
int bench_adopt(struct rig *rig)
{
	struct blackout blackout = { 0 };
	struct span walk, map;
	int ret = bench_take_over(rig, &blackout);

	if (ret)
		return ret;
	channel_mark("serve");
	figure_span("retrieve", &blackout.retrieve);
	figure_span("serve", &blackout.serve);
	ret = blackout_say(&blackout);
	if (!ret)
		ret = figure_restore();
	/* The kernel walks the old tables for it. */
	span_begin(&walk);
	if (!ret)
		ret = for_each_leader(rig, update_restore);
	span_end(&walk);
	if (!ret)
		ret = tables_make(rig, &map);
	if (ret)
		return ret;
	figure_span("walk", &walk);
	figure_span("map", &map);
	ret = tables_swap(rig);
	if (!ret)
		ret = figure_memory("new_used_bytes");
	if (!ret)
		ret = session_finish(rig);
	return ret ? ret : devices_check(rig);
}

/* From the machine's memory, which is there, to devices that were started anew. */
static int bench_start_over(struct rig *rig, struct blackout *blackout, struct span *map)
{
	int ret = clock_stamp_find(&blackout->kexec_ticks);

	span_begin(&blackout->retrieve);
	if (!ret)
		ret = memory_retrieve(rig);
	span_end(&blackout->retrieve);
	span_begin(&blackout->serve);
	if (!ret) {
		rig->kept.iommufd = iommufd_open();
		ret = rig->kept.iommufd < 0 ? rig->kept.iommufd : devices_start(rig);
	}
	span_end(&blackout->serve);
	span_begin(map);
	if (!ret)
		ret = bulk_map(rig, rig->devices[0].ioas_id);
	span_end(map);
	blackout_end(blackout);
	return ret;
}

/* The same where it preserved memory alone. */
int bench_restart(struct rig *rig)
{
	struct blackout blackout = { 0 };
	struct span map;
	int ret = bench_start_over(rig, &blackout, &map);

	if (ret)
		return ret;
	channel_mark("serve");
	figure_span("retrieve", &blackout.retrieve);
	figure_span("serve", &blackout.serve);
	figure_span("map", &map);
	ret = blackout_say(&blackout);
	if (!ret)
		ret = figure_memory("new_used_bytes");
	if (!ret)
		ret = hitless_session_finish(rig->session);
	if (!ret)
		update_session_close(rig);
	return ret;
}
