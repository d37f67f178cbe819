// SPDX-License-Identifier: GPL-2.0-or-later
/* The new kernel's part of an update, with everything on the way that must be refused; the devices work through all of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "channel.h"
#include "check.h"
#include "iommufd.h"
#include "refuse.h"
#include "pci.h"
#include "update.h"

#define TOKEN_UNKNOWN	0x1ab00000000000ffULL
#define NATIVE_DRIVER	"pcieport"

/* @fd is closed if there is one: a refusal was wanted. */
static int refused(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* One file under two descriptors: what is set of the file through one is seen through the other. */
static bool same_file(int fd, int other_fd)
{
	int flags = fcntl(fd, F_GETFL);
	bool same;

	if (flags < 0 || fcntl(fd, F_SETFL, flags ^ O_NONBLOCK))
		return false;
	same = (fcntl(other_fd, F_GETFL) & O_NONBLOCK) == ((flags ^ O_NONBLOCK) & O_NONBLOCK);
	return !fcntl(fd, F_SETFL, flags) && same;
}

static void check_retrieve_twice(struct rig *rig, uint64_t token, int fd, const char *name)
{
	int again = hitless_session_retrieve_fd(rig->session, token);

	check(again >= 0 && again != fd && same_file(fd, again), "", "adopt-%s-again", name);
	refused(again);
}

static void refuse_session(struct rig *rig)
{
	int liveupdate = hitless_liveupdate_open();

	check_result(refused(hitless_session_retrieve(liveupdate, "hitless-nowhere")), -ENOENT, "adopt-session-unknown");
	check_result(refused(hitless_session_retrieve(liveupdate, "hitless-rig")), -EINVAL, "adopt-session-twice");
	check_result(hitless_session_finish(rig->session), -EBUSY, "adopt-finish-first-of-all");
	check_result(hitless_session_preserve_fd(rig->session, liveupdate, TOKEN_UNKNOWN), -EINVAL, "adopt-preserve");
	check_result(refused(hitless_session_retrieve_fd(rig->session, TOKEN_UNKNOWN)), -ENOENT, "adopt-token-unknown");
	close(liveupdate);
}

static int bind_directly(const struct device *dev, int iommufd)
{
	struct vfio_device vfio;
	int ret, fd = pci_vfio_cdev_open(dev->bdf);

	if (fd < 0)
		return -EPROTO;
	ret = vfio_device_bind(&vfio, fd, iommufd, NULL);
	close(fd);
	return ret;
}

/* Others than vfio-pci may not have the device, and before vfio-pci has it its file cannot be had. */
static void refuse_drivers(struct rig *rig)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig) {
		check_result(refused(hitless_session_retrieve_fd(rig->session, TOKEN_DEVICE(dev->index))), -EAGAIN,
			     "adopt-%s-without-driver", dev->name);
		check_result(pci_driver_bind(dev->bdf, NATIVE_DRIVER), -EBUSY, "adopt-%s-native-driver", dev->name);
	}
}

static void refuse_direct_bind(struct rig *rig, int iommufd, const char *which)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		check_result(bind_directly(dev, iommufd), -EBUSY, "adopt-%s-bind-directly-to-%s", dev->name, which);
}

static int refuse_memory(struct rig *rig)
{
	int ret = update_retrieve_memory(rig);

	if (ret)
		return ret;
	check_retrieve_twice(rig, TOKEN_MEMORY, rig->kept.memory.fd, "memory");
	ret = fallocate(rig->kept.memory.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MEMORY_SCRATCH, MEMORY_PAGE_BYTES);
	check_result(ret ? -errno : 0, -EPERM, "adopt-memory-punch-hole");
	check_counting(rig, "adopt-memory-counting");
	return 0;
}

static int restore_unknown(int iommufd, uint64_t token)
{
	uint32_t hwpt_id;

	return hitless_hwpt_restore(iommufd, token, &hwpt_id);
}

static void refuse_restored(const struct rig *rig, const struct device *dev)
{
	int iommufd = rig->kept.iommufd;

	check_result(restore_unknown(iommufd, TOKEN_HWPT(dev->index)), -EEXIST, "adopt-%s-restore-twice", dev->name);
	check_result(iommufd_destroy(iommufd, dev->restored_id), -EBUSY, "adopt-%s-destroy-early", dev->name);
	check_result(hitless_hwpt_mark_preserve(iommufd, dev->restored_id, TOKEN_UNKNOWN), -ENOENT, "adopt-%s-mark-restored",
		     dev->name);
	check_result(iommufd_unmap(iommufd, dev->restored_id, 0, UINT64_MAX), -ENOENT, "adopt-%s-unmap-restored", dev->name);
}

static int refuse_iommufd(struct rig *rig, int fresh)
{
	struct device *dev;
	int ret;

	check_result(restore_unknown(fresh, TOKEN_HWPT(0)), -ENOENT, "adopt-restore-on-another-iommufd");
	ret = update_retrieve_iommufd(rig);
	if (ret)
		return ret;
	check_retrieve_twice(rig, TOKEN_IOMMUFD, rig->kept.iommufd, "iommufd");
	check_result(restore_unknown(rig->kept.iommufd, TOKEN_UNKNOWN), -ENOENT, "adopt-restore-unknown");
	rig_for_each_preserved(dev, rig) {
		ret = update_restore(rig, dev);
		if (ret)
			return ret;
		refuse_restored(rig, dev);
	}
	refuse_direct_bind(rig, rig->kept.iommufd, "its-iommufd");
	check_counting(rig, "adopt-iommufd-counting");
	return 0;
}

static int refuse_devices(struct rig *rig, int fresh)
{
	struct vfio_device vfio;
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = update_retrieve_device(rig, dev);
		if (ret)
			return ret;
		check_retrieve_twice(rig, TOKEN_DEVICE(dev->index), dev->retrieved_fd, dev->name);
		check_result(vfio_device_bind(&vfio, dev->retrieved_fd, fresh, NULL), -EPERM, "adopt-%s-bind-to-another-iommufd",
			     dev->name);
	}
	check_result(hitless_session_finish(rig->session), -EBUSY, "adopt-finish-before-swap");
	check_counting(rig, "adopt-devices-counting");
	return 0;
}

/* Whoever had the session is gone, and comes back for it. What was retrieved is there still. */
static int session_again(struct rig *rig)
{
	const struct device *dev = rig_device_preserved(rig, 0);
	int ret;

	update_session_close(rig);
	ret = update_session_retrieve(rig);
	if (ret)
		return ret;
	check_retrieve_twice(rig, TOKEN_MEMORY, rig->kept.memory.fd, "memory-after-close");
	check_retrieve_twice(rig, TOKEN_IOMMUFD, rig->kept.iommufd, "iommufd-after-close");
	check_retrieve_twice(rig, TOKEN_DEVICE(dev->index), dev->retrieved_fd, "device-after-close");
	check_counting(rig, "adopt-close-counting");
	return 0;
}

/* What the group would translate through if it were nobody's. Late: where this is not refused, nothing that follows can work. */
static void refuse_group_types(struct rig *rig)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig) {
		check_result(pci_group_type_set(dev->bdf, "identity"), -EBUSY, "adopt-%s-group-identity", dev->name);
		check_result(pci_group_type_set(dev->bdf, "DMA"), -EBUSY, "adopt-%s-group-dma", dev->name);
	}
	check_counting(rig, "adopt-group-counting");
}

/* Bound, and on the old tables: neither onto these again, nor off them. */
static int refuse_before_swap(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = device_claim(dev);
		if (ret)
			return ret;
		check_result(vfio_device_attach(&dev->vfio, dev->restored_id), -EINVAL, "adopt-%s-attach-restored", dev->name);
		check_result(vfio_device_detach(&dev->vfio), 0, "adopt-%s-detach-nothing", dev->name);
	}
	check_result(hitless_session_finish(rig->session), -EBUSY, "adopt-finish-bound");
	check_counting(rig, "adopt-bound-counting");
	return 0;
}

static int swap_in_turn(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		check_result(hitless_session_finish(rig->session), -EBUSY, "adopt-finish-before-%s", dev->name);
		check_result(iommufd_destroy(rig->kept.iommufd, dev->restored_id), -EBUSY, "adopt-%s-destroy-before-swap",
			     dev->name);
		ret = device_swap(dev);
		if (!ret)
			ret = update_destroy_restored(rig, dev);
		if (ret)
			return ret;
		check_result(restore_unknown(rig->kept.iommufd, TOKEN_HWPT(dev->index)), -ENOENT, "adopt-%s-restore-destroyed",
			     dev->name);
		check_counting(rig, "adopt-swap-counting");
	}
	return 0;
}

static void refuse_finished(struct rig *rig)
{
	int liveupdate;

	check_result(hitless_session_finish(rig->session), 0, "adopt-finish");
	check_result(hitless_session_finish(rig->session), 0, "adopt-finish-twice");
	check_result(refused(hitless_session_retrieve_fd(rig->session, TOKEN_MEMORY)), -ENOENT, "adopt-retrieve-finished");
	update_session_close(rig);
	liveupdate = hitless_liveupdate_open();
	check_result(refused(hitless_session_retrieve(liveupdate, "hitless-rig")), -ENOENT, "adopt-session-finished");
	close(liveupdate);
}

static void allow_finished(struct rig *rig)
{
	const struct device *dev = rig_device_preserved(rig, 0);
	int ret = iommufd_map_file(rig->kept.iommufd, dev->ioas_id, rig->kept.memory.fd, MEMORY_SCRATCH, MEMORY_PAGE_BYTES,
				   DEVICE_IOVA_UNUSED, false);

	check_result(ret, 0, "adopt-finished-map");
	ret = iommufd_unmap(rig->kept.iommufd, dev->ioas_id, DEVICE_IOVA_UNUSED, MEMORY_PAGE_BYTES);
	check_result(ret, 0, "adopt-finished-unmap");
	ret = fallocate(rig->kept.memory.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MEMORY_SCRATCH, MEMORY_PAGE_BYTES);
	check_result(ret ? -errno : 0, 0, "adopt-finished-punch-hole");
	check_alive(rig, "adopt-finished-alive");
}

static int retrieve_all(struct rig *rig, int fresh)
{
	struct device *dev;
	int ret = update_session_retrieve(rig);

	if (ret)
		return ret;
	refuse_session(rig);
	refuse_drivers(rig);
	ret = refuse_memory(rig);
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = pci_vfio_bind(dev->bdf);
	if (ret)
		return ret;
	refuse_direct_bind(rig, fresh, "another");
	ret = refuse_iommufd(rig, fresh);
	if (!ret)
		ret = refuse_devices(rig, fresh);
	return ret ? ret : session_again(rig);
}

int refuse_adopt(struct rig *rig)
{
	int ret, fresh = iommufd_open();

	if (fresh < 0)
		return fresh;
	channel_mark("retrieve-begin");
	ret = retrieve_all(rig, fresh);
	channel_mark("retrieve-end");
	close(fresh);
	if (ret)
		return ret;
	refuse_group_types(rig);
	ret = refuse_before_swap(rig);
	channel_mark("swap-begin");
	if (!ret)
		ret = swap_in_turn(rig);
	channel_mark("swap-end");
	if (ret)
		return ret;
	channel_mark("finish-begin");
	refuse_finished(rig);
	channel_mark("finish-end");
	allow_finished(rig);
	return 0;
}
