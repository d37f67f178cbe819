// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that cannot be preserved at all, and sessions that cannot be had. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "check.h"
#include "iommufd.h"
#include "lab.h"
#include "refuse.h"
#include "pci.h"

#define FILE_TOKEN		0x1ab0000000000011ULL

/* A SATA controller: a function of the chip set, in one group with others. */
#define GROUP_OF_SEVERAL_BDF	"0000:00:1f.2"

/* Requests of these have one requester ID, that of the bridge which both are behind. */
#define PAIR_BDF		"0000:01:01.0"
#define PAIR_OTHER_BDF		"0000:01:02.0"

/* Its requests have the requester ID of a conventional bridge, which is a function with an ID of its own. */
#define BEHIND_CONVENTIONAL_BDF	"0000:03:01.0"

static void refuse_file(int session, int fd, int want, const char *name)
{
	check_result(fd < 0 ? -EPROTO : hitless_session_preserve_fd(session, fd, FILE_TOKEN), want, "refuse-%s", name);
	if (fd >= 0)
		close(fd);
}

static void refuse_strange(struct rig *rig, int session)
{
	refuse_file(session, open("/dev/null", O_RDWR | O_CLOEXEC), -ENOENT, "character-device");
	refuse_file(session, open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC), -ENOENT, "device-of-native-driver");
	refuse_file(session, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), -ENOENT, "directory");
	refuse_file(session, eventfd(0, EFD_CLOEXEC), -ENOENT, "eventfd");
	refuse_file(session, dup(session), -ENOENT, "session-in-itself");
	refuse_file(session, hitless_liveupdate_open(), -ENOENT, "liveupdate-device");
	refuse_file(session, pci_vfio_cdev_open(rig_device_other(rig)->bdf), -EINVAL, "device-not-bound");
	check_result(hitless_session_preserve_fd(session, 12345, FILE_TOKEN), -EBADF, "refuse-no-file");
}

static int group_device_preserve(const struct lab *lab, const struct lab_table *table, int session)
{
	int ret = hitless_hwpt_mark_preserve(lab->iommufd, table->hwpt_id, LAB_TOKEN_HWPT);

	if (!ret)
		ret = vfio_device_attach(&lab->vfio, table->hwpt_id);
	if (!ret)
		ret = hitless_session_preserve_fd(session, table->memfd, LAB_TOKEN_MEMORY);
	if (!ret)
		ret = hitless_session_preserve_fd(session, lab->iommufd, LAB_TOKEN_IOMMUFD);
	if (ret)
		return -EPROTO;
	ret = hitless_session_preserve_fd(session, lab->vfio.fd, LAB_TOKEN_DEVICE);
	vfio_device_detach(&lab->vfio);
	return ret;
}

static int refuse_device(const char *bdf, const char *name)
{
	struct lab_table table;
	struct lab lab;
	int session, ret = lab_open_at(&lab, bdf, -1);

	if (ret)
		return ret;
	session = lab_session_create(name);
	ret = lab_table_make(&lab, &table, LAB_SEALS);
	if (!ret && session >= 0)
		check_result(group_device_preserve(&lab, &table, session), -EOPNOTSUPP, "refuse-%s", name);
	if (session >= 0)
		close(session);
	lab_table_destroy(&lab, &table);
	lab_close(&lab);
	return session < 0 ? session : ret;
}

/* The first is refused for its neighbour, so they must be what they are meant to be. */
static int refuse_bridged(void)
{
	int ret, group = pci_group_read(PAIR_BDF);

	check(group >= 0 && group == pci_group_read(PAIR_OTHER_BDF), "", "refuse-pair-is-one-group");
	ret = refuse_device(PAIR_BDF, "two-behind-bridge");
	return ret ? ret : refuse_device(BEHIND_CONVENTIONAL_BDF, "behind-conventional-bridge");
}

static void refuse_session(int session)
{
	char long_name[80];
	int fd, liveupdate = hitless_liveupdate_open();

	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	check(liveupdate >= 0, "", "refuse-session-open");
	fd = hitless_liveupdate_open();
	check_result(fd, -EBUSY, "refuse-liveupdate-twice");
	check_result(hitless_session_create(liveupdate, "hitless-files"), -EEXIST, "refuse-session-name-used");
	check_result(hitless_session_create(liveupdate, ""), -EINVAL, "refuse-session-name-empty");
	check_result(hitless_session_create(liveupdate, long_name), -ENAMETOOLONG, "refuse-session-name-long");
	check_result(hitless_session_retrieve(liveupdate, "hitless-nowhere"), -ENOENT, "refuse-session-unknown");
	check_result(hitless_session_retrieve(liveupdate, "hitless-files"), -ENOENT, "refuse-session-of-this-kernel");
	check_result(hitless_session_retrieve_fd(session, FILE_TOKEN), -EINVAL, "refuse-retrieve-in-old-kernel");
	check_result(hitless_session_finish(session), -EINVAL, "refuse-finish-in-old-kernel");
	close(liveupdate);
}

int refuse_files(struct rig *rig)
{
	int ret, session = lab_session_create("hitless-files");

	if (session < 0)
		return session;
	refuse_session(session);
	refuse_strange(rig, session);
	close(session);
	ret = refuse_device(GROUP_OF_SEVERAL_BDF, "group-of-several");
	if (!ret)
		ret = refuse_bridged();
	return ret;
}
