// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions that are built wrongly, of what is in the lab: wrong memory, wrong order, something missing, something twice. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "check.h"
#include "iommufd.h"
#include "lab.h"
#include "refuse.h"

/* Two sessions, and two tables; what a case does not use does not matter. */
struct bench {
	struct lab lab;
	int session;
	int other_session;
	struct lab_table table;
	struct lab_table other_table;
};

/* Each returns what the kernel said to the last step, or -EPROTO if an earlier one failed, which is wanted nowhere. */
#define MUST(result) do { if ((result) < 0) return -EPROTO; } while (0)

static int mark(const struct bench *bench, const struct lab_table *table, uint64_t token)
{
	return hitless_hwpt_mark_preserve(bench->lab.iommufd, table->hwpt_id, token);
}

static int preserve_memory(const struct bench *bench)
{
	return hitless_session_preserve_fd(bench->session, bench->table.memfd, LAB_TOKEN_MEMORY);
}

static int preserve_iommufd(const struct bench *bench)
{
	return hitless_session_preserve_fd(bench->session, bench->lab.iommufd, LAB_TOKEN_IOMMUFD);
}

static int preserve_device(const struct bench *bench)
{
	return hitless_session_preserve_fd(bench->session, bench->lab.vfio.fd, LAB_TOKEN_DEVICE);
}

/* All that is right, up to the device, which is attached. */
static int build_to_iommufd(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->table, LAB_SEALS));
	MUST(mark(bench, &bench->table, LAB_TOKEN_HWPT));
	MUST(vfio_device_attach(&bench->lab.vfio, bench->table.hwpt_id));
	MUST(preserve_memory(bench));
	return preserve_iommufd(bench);
}

static int nothing_wrong(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	return preserve_device(bench);
}

static int mark_with_seals(struct bench *bench, unsigned int seals)
{
	MUST(lab_table_make(&bench->lab, &bench->table, seals));
	return mark(bench, &bench->table, LAB_TOKEN_HWPT);
}

static int mark_unsealed(struct bench *bench)
{
	return mark_with_seals(bench, 0);
}

static int mark_without_seal_seal(struct bench *bench)
{
	return mark_with_seals(bench, F_SEAL_GROW | F_SEAL_SHRINK);
}

static int mark_without_seal_grow(struct bench *bench)
{
	return mark_with_seals(bench, F_SEAL_SEAL | F_SEAL_SHRINK);
}

static int mark_without_seal_shrink(struct bench *bench)
{
	return mark_with_seals(bench, F_SEAL_SEAL | F_SEAL_GROW);
}

static int mark_sealed_late(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->table, 0));
	MUST(fcntl(bench->table.memfd, F_ADD_SEALS, LAB_SEALS));
	return mark(bench, &bench->table, LAB_TOKEN_HWPT);
}

static int map_anonymous(struct bench *bench)
{
	void *base = mmap(NULL, MEMORY_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (base == MAP_FAILED)
		return -errno;
	ret = iommufd_map_anonymous(bench->lab.iommufd, bench->table.ioas_id, base, MEMORY_PAGE_BYTES, DEVICE_IOVA_UNUSED);
	munmap(base, MEMORY_PAGE_BYTES);
	return ret;
}

static int mark_anonymous(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->table, LAB_SEALS));
	MUST(map_anonymous(bench));
	return mark(bench, &bench->table, LAB_TOKEN_HWPT);
}

static int mark_anonymous_gone(struct bench *bench)
{
	if (mark_anonymous(bench) != -EINVAL)
		return -EPROTO;
	MUST(iommufd_unmap(bench->lab.iommufd, bench->table.ioas_id, DEVICE_IOVA_UNUSED, MEMORY_PAGE_BYTES));
	return mark(bench, &bench->table, LAB_TOKEN_HWPT);
}

static int anonymous_after_mark(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->table, LAB_SEALS));
	MUST(mark(bench, &bench->table, LAB_TOKEN_HWPT));
	MUST(map_anonymous(bench));
	MUST(preserve_memory(bench));
	return preserve_iommufd(bench);
}

static int mark_twice(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	return mark(bench, &bench->table, LAB_TOKEN_HWPT + 1);
}

static int mark_with_used_token(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	MUST(lab_table_make(&bench->lab, &bench->other_table, LAB_SEALS));
	return mark(bench, &bench->other_table, LAB_TOKEN_HWPT);
}

static int mark_with_freed_token(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	lab_table_destroy(&bench->lab, &bench->table);
	return mark_with_seals(bench, LAB_SEALS);
}

static int mark_ioas(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->table, LAB_SEALS));
	return hitless_hwpt_mark_preserve(bench->lab.iommufd, bench->table.ioas_id, LAB_TOKEN_HWPT);
}

static int mark_device(struct bench *bench)
{
	return hitless_hwpt_mark_preserve(bench->lab.iommufd, bench->lab.vfio.dev_id, LAB_TOKEN_HWPT);
}

static int mark_nothing(struct bench *bench)
{
	return hitless_hwpt_mark_preserve(bench->lab.iommufd, 12345, LAB_TOKEN_HWPT);
}

static int mark_when_preserved(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->other_table, LAB_SEALS));
	MUST(build_to_iommufd(bench));
	return mark(bench, &bench->other_table, LAB_TOKEN_HWPT + 1);
}

static int iommufd_unmarked(struct bench *bench)
{
	MUST(lab_table_make(&bench->lab, &bench->table, LAB_SEALS));
	MUST(preserve_memory(bench));
	return preserve_iommufd(bench);
}

static int iommufd_before_memory(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	return preserve_iommufd(bench);
}

/* After the refusal, the right order is taken. */
static int iommufd_before_memory_then_right(struct bench *bench)
{
	if (iommufd_before_memory(bench) != -ENOENT)
		return -EPROTO;
	MUST(preserve_memory(bench));
	return preserve_iommufd(bench);
}

/* Of two memfds that two marked tables map, the second is missing. */
static int memory_missing(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	MUST(lab_table_make(&bench->lab, &bench->other_table, LAB_SEALS));
	MUST(mark(bench, &bench->other_table, LAB_TOKEN_HWPT + 1));
	MUST(preserve_memory(bench));
	return preserve_iommufd(bench);
}

static int memory_in_other_session(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	MUST(hitless_session_preserve_fd(bench->other_session, bench->table.memfd, LAB_TOKEN_MEMORY));
	return preserve_iommufd(bench);
}

static int hole_after_map(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	MUST(fallocate(bench->table.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MEMORY_PAGE_BYTES, MEMORY_PAGE_BYTES));
	MUST(preserve_memory(bench));
	return preserve_iommufd(bench);
}

static int device_before_iommufd(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	MUST(vfio_device_attach(&bench->lab.vfio, bench->table.hwpt_id));
	MUST(preserve_memory(bench));
	return preserve_device(bench);
}

static int device_in_other_session(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	return hitless_session_preserve_fd(bench->other_session, bench->lab.vfio.fd, LAB_TOKEN_DEVICE);
}

static int device_on_unmarked(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	MUST(lab_table_make(&bench->lab, &bench->other_table, LAB_SEALS));
	MUST(vfio_device_attach(&bench->lab.vfio, bench->other_table.hwpt_id));
	return preserve_device(bench);
}

static int device_not_attached(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	MUST(vfio_device_detach(&bench->lab.vfio));
	return preserve_device(bench);
}

static int twice(int session, int fd, uint64_t token)
{
	return hitless_session_preserve_fd(session, fd, token + 0x100);
}

static int memory_twice(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	return twice(bench->session, bench->table.memfd, LAB_TOKEN_MEMORY);
}

static int memory_twice_other_session(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	return twice(bench->other_session, bench->table.memfd, LAB_TOKEN_MEMORY);
}

static int memory_twice_other_fd(struct bench *bench)
{
	int ret, fd;

	MUST(build_to_iommufd(bench));
	fd = dup(bench->table.memfd);
	MUST(fd);
	ret = twice(bench->session, fd, LAB_TOKEN_MEMORY);
	close(fd);
	return ret;
}

static int iommufd_twice(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	return twice(bench->session, bench->lab.iommufd, LAB_TOKEN_IOMMUFD);
}

static int iommufd_twice_other_session(struct bench *bench)
{
	MUST(build_to_iommufd(bench));
	return twice(bench->other_session, bench->lab.iommufd, LAB_TOKEN_IOMMUFD);
}

static int device_twice(struct bench *bench)
{
	MUST(nothing_wrong(bench));
	return twice(bench->session, bench->lab.vfio.fd, LAB_TOKEN_DEVICE);
}

static int device_twice_other_session(struct bench *bench)
{
	MUST(nothing_wrong(bench));
	return twice(bench->other_session, bench->lab.vfio.fd, LAB_TOKEN_DEVICE);
}

static int token_used(struct bench *bench)
{
	MUST(mark_with_seals(bench, LAB_SEALS));
	MUST(preserve_memory(bench));
	return hitless_session_preserve_fd(bench->session, bench->lab.iommufd, LAB_TOKEN_MEMORY);
}

static const struct {
	const char *name;
	int want;
	int (*try)(struct bench *bench);
} cases[] = {
	{ "refuse-nothing-if-all-is-right", 0, nothing_wrong },
	{ "refuse-mark-unsealed", -EINVAL, mark_unsealed },
	{ "refuse-mark-without-seal-seal", -EINVAL, mark_without_seal_seal },
	{ "refuse-mark-without-seal-grow", -EINVAL, mark_without_seal_grow },
	{ "refuse-mark-without-seal-shrink", -EINVAL, mark_without_seal_shrink },
	{ "refuse-mark-sealed-late", -EINVAL, mark_sealed_late },
	{ "refuse-mark-anonymous", -EINVAL, mark_anonymous },
	{ "refuse-mark-anonymous-then-unmapped", 0, mark_anonymous_gone },
	{ "refuse-anonymous-after-mark", -EINVAL, anonymous_after_mark },
	{ "refuse-mark-twice", -EBUSY, mark_twice },
	{ "refuse-mark-token-used", -EADDRINUSE, mark_with_used_token },
	{ "refuse-mark-token-used-then-freed", 0, mark_with_freed_token },
	{ "refuse-mark-ioas", -ENOENT, mark_ioas },
	{ "refuse-mark-device", -ENOENT, mark_device },
	{ "refuse-mark-nothing", -ENOENT, mark_nothing },
	{ "refuse-mark-when-preserved", -EBUSY, mark_when_preserved },
	{ "refuse-iommufd-unmarked", -EINVAL, iommufd_unmarked },
	{ "refuse-iommufd-before-memory", -ENOENT, iommufd_before_memory },
	{ "refuse-iommufd-before-memory-then-right", 0, iommufd_before_memory_then_right },
	{ "refuse-memory-not-preserved", -ENOENT, memory_missing },
	{ "refuse-memory-in-other-session", -ENOENT, memory_in_other_session },
	{ "refuse-hole-after-map", -EINVAL, hole_after_map },
	{ "refuse-device-before-iommufd", -ENOENT, device_before_iommufd },
	{ "refuse-device-in-other-session", -ENOENT, device_in_other_session },
	{ "refuse-device-on-unmarked", -EINVAL, device_on_unmarked },
	{ "refuse-device-not-attached", -EINVAL, device_not_attached },
	{ "refuse-memory-twice", -EBUSY, memory_twice },
	{ "refuse-memory-twice-other-session", -EBUSY, memory_twice_other_session },
	{ "refuse-memory-twice-other-fd", -EBUSY, memory_twice_other_fd },
	{ "refuse-iommufd-twice", -EBUSY, iommufd_twice },
	{ "refuse-iommufd-twice-other-session", -EBUSY, iommufd_twice_other_session },
	{ "refuse-device-twice", -EBUSY, device_twice },
	{ "refuse-device-twice-other-session", -EBUSY, device_twice_other_session },
	{ "refuse-token-used", -EEXIST, token_used },
};

static int bench_open(struct bench *bench, struct rig *rig)
{
	int ret = lab_open(&bench->lab, rig, -1);

	bench->table = bench->other_table = (struct lab_table){ .memfd = -1 };
	bench->session = bench->other_session = -1;
	if (ret)
		return ret;
	bench->session = lab_session_create("hitless-lab");
	bench->other_session = lab_session_create("hitless-lab-other");
	return bench->session < 0 ? bench->session : bench->other_session < 0 ? bench->other_session : 0;
}

/* Sessions first: what is preserved stays. */
static void bench_close(struct bench *bench)
{
	if (bench->session >= 0)
		close(bench->session);
	if (bench->other_session >= 0)
		close(bench->other_session);
	vfio_device_detach(&bench->lab.vfio);
	lab_table_destroy(&bench->lab, &bench->table);
	lab_table_destroy(&bench->lab, &bench->other_table);
	lab_close(&bench->lab);
}

int refuse_build(struct rig *rig)
{
	struct bench bench;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ret = bench_open(&bench, rig);
		if (!ret)
			check_result(cases[i].try(&bench), cases[i].want, "%s", cases[i].name);
		bench_close(&bench);
		if (ret)
			return ret;
	}
	return 0;
}

/* All that is wrong with nothing preserved yet. */
int refuse_old(struct rig *rig)
{
	int ret = refuse_build(rig);

	if (!ret)
		ret = refuse_files(rig);
	if (!ret)
		ret = refuse_ioctls();
	check_alive(rig, "refuse-alive");
	return ret;
}
