// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two ioctls, with each length that is too short, with longer ones as a later kernel's userspace would have, and with bits
 * that mean nothing yet. On an empty iommufd, where -ENOENT says that the arguments were good.
 */
#include <errno.h>
#include <linux/iommufd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "iommufd.h"
#include "refuse.h"

#define TAIL_BYTES 16

union argument {
	uint32_t size;
	struct iommu_hwpt_liveupdate_mark_preserve mark;
	struct iommu_hwpt_liveupdate_restore restore;
	uint8_t bytes[sizeof(struct iommu_hwpt_liveupdate_restore) + TAIL_BYTES];
};

static int call(int iommufd, unsigned long request, union argument *argument)
{
	return ioctl(iommufd, request, argument) ? -errno : 0;
}

static int call_with_size(int iommufd, unsigned long request, uint32_t size)
{
	union argument argument = { .bytes = { 0 } };

	argument.size = size;
	return call(iommufd, request, &argument);
}

static void sweep(int iommufd, unsigned long request, uint32_t bytes, const char *name)
{
	union argument argument = { .bytes = { 0 } };
	uint32_t size, nr_short = 0, nr_long = 0;
	char detail[32];

	for (size = 0; size < bytes; size++)
		nr_short += call_with_size(iommufd, request, size) == -EINVAL;
	snprintf(detail, sizeof(detail), "%u of %u", nr_short, bytes);
	check(nr_short == bytes, detail, "refuse-%s-short", name);
	for (size = bytes; size <= bytes + TAIL_BYTES; size++)
		nr_long += call_with_size(iommufd, request, size) == -ENOENT;
	snprintf(detail, sizeof(detail), "%u of %u", nr_long, TAIL_BYTES + 1);
	check(nr_long == TAIL_BYTES + 1, detail, "refuse-%s-not-if-zeros-follow", name);
	argument.bytes[bytes + TAIL_BYTES - 1] = 1;
	argument.size = bytes + TAIL_BYTES;
	check_result(call(iommufd, request, &argument), -E2BIG, "refuse-%s-garbage-follows", name);
}

static void restore_bits(int iommufd)
{
	union argument argument = { .restore = { .size = sizeof(argument.restore), .flags = 1 } };

	check_result(call(iommufd, IOMMU_HWPT_LIVEUPDATE_RESTORE, &argument), -EOPNOTSUPP, "refuse-restore-flags");
	argument.restore.flags = 0;
	argument.restore.__reserved = 1;
	check_result(call(iommufd, IOMMU_HWPT_LIVEUPDATE_RESTORE, &argument), -EOPNOTSUPP, "refuse-restore-reserved");
}

int refuse_ioctls(void)
{
	int iommufd = iommufd_open();

	if (iommufd < 0)
		return iommufd;
	sweep(iommufd, IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE, sizeof(struct iommu_hwpt_liveupdate_mark_preserve), "mark");
	sweep(iommufd, IOMMU_HWPT_LIVEUPDATE_RESTORE, sizeof(struct iommu_hwpt_liveupdate_restore), "restore");
	restore_bits(iommufd);
	close(iommufd);
	return 0;
}
