// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "channel.h"
#include "iommufd.h"
#include "kexec.h"
#include "sysfs.h"
#include "update.h"

#define SESSION_NAME	"hitless-rig"

/* Tokens in the session, and of HWPTs in the iommufd. Odd numbers on purpose: nothing may take a token for an index. */
#define TOKEN_MEMORY		0xd1ff000000000001ULL
#define TOKEN_IOMMUFD		0xd1ff000000000011ULL
#define TOKEN_DEVICE(index)	(0xd1ff000000001001ULL + (index) * 0x10)
#define TOKEN_HWPT(index)	(0xffffffff00000001ULL + (index) * 0x100)

static int said(const char *what, const char *name, int ret)
{
	if (ret < 0)
		fprintf(stderr, "%s %s: %s\n", what, name, strerror(-ret));
	return ret;
}

/* Two kernels take turns: the cold one is A. */
int update_load(struct rig *rig)
{
	const char *kernel = rig->options.generation % 2 ? "kernel-A" : "kernel-B";
	char cmdline[OPTIONS_CMDLINE_BYTES];
	int ret = options_next_cmdline(&rig->options, cmdline, sizeof(cmdline));

	if (ret)
		return ret;
	channel_mark("load-begin");
	ret = kexec_load(&rig->kept.memory, kernel, "initrd", cmdline);
	channel_mark("load-end");
	return said("load", kernel, ret);
}

/* The live update device is closed as soon as the session is there: it admits one holder, and the session needs it no more. */
int update_session_create(struct rig *rig)
{
	int liveupdate = hitless_liveupdate_open();

	if (liveupdate < 0)
		return said("open", "liveupdate", liveupdate);
	rig->session = hitless_session_create(liveupdate, SESSION_NAME);
	close(liveupdate);
	return rig->session < 0 ? said("create", SESSION_NAME, rig->session) : 0;
}

int update_mark(struct rig *rig)
{
	struct device *dev;
	int ret;

	for (dev = rig->devices; dev < rig->devices + rig->nr_devices; dev++) {
		if (!dev->preserved)
			continue;
		ret = hitless_hwpt_mark_preserve(rig->kept.iommufd, dev->hwpt_id, TOKEN_HWPT(dev->index));
		if (ret)
			return said("mark", dev->name, ret);
	}
	return 0;
}

int update_preserve_memory(struct rig *rig)
{
	return said("preserve", "memory", hitless_session_preserve_fd(rig->session, rig->kept.memory.fd, TOKEN_MEMORY));
}

int update_preserve_iommufd(struct rig *rig)
{
	return said("preserve", "iommufd", hitless_session_preserve_fd(rig->session, rig->kept.iommufd, TOKEN_IOMMUFD));
}

int update_preserve_devices(struct rig *rig)
{
	struct device *dev;
	int ret;

	for (dev = rig->devices; dev < rig->devices + rig->nr_devices; dev++) {
		if (!dev->preserved)
			continue;
		ret = hitless_session_preserve_fd(rig->session, dev->vfio.fd, TOKEN_DEVICE(dev->index));
		if (ret)
			return said("preserve", dev->name, ret);
	}
	return 0;
}

int update_preserve(struct rig *rig)
{
	int ret;

	channel_mark("preserve-begin");
	ret = update_session_create(rig);
	if (!ret)
		ret = update_mark(rig);
	if (!ret)
		ret = update_preserve_memory(rig);
	if (!ret)
		ret = update_preserve_iommufd(rig);
	if (!ret)
		ret = update_preserve_devices(rig);
	channel_mark("preserve-end");
	return ret;
}

/* Returns only if there is no kexec. */
int update_kexec(struct rig *rig)
{
	rig_irqs_report(rig);
	channel_mark("kexec");
	channel_drain();
	return said("kexec", "reboot", kexec_reboot());
}

int update_session_retrieve(struct rig *rig)
{
	int liveupdate = hitless_liveupdate_open();

	if (liveupdate < 0)
		return said("open", "liveupdate", liveupdate);
	rig->session = hitless_session_retrieve(liveupdate, SESSION_NAME);
	close(liveupdate);
	return rig->session < 0 ? said("retrieve", SESSION_NAME, rig->session) : 0;
}

int update_retrieve_memory(struct rig *rig)
{
	int ret, fd = hitless_session_retrieve_fd(rig->session, TOKEN_MEMORY);

	if (fd < 0)
		return said("retrieve", "memory", fd);
	ret = rig_memory_adopt(rig, fd);
	if (ret)
		close(fd);
	return said("adopt", "memory", ret);
}

static int retrieve_iommufd(struct rig *rig)
{
	int fd = hitless_session_retrieve_fd(rig->session, TOKEN_IOMMUFD);

	if (fd < 0)
		return said("retrieve", "iommufd", fd);
	rig->kept.iommufd = fd;
	return 0;
}

/* A device must have its driver before its file can be had. */
static int retrieve_devices(struct rig *rig, int fds[RIG_NR_DEVICES])
{
	struct device *dev;
	int ret;

	for (dev = rig->devices; dev < rig->devices + rig->nr_devices; dev++) {
		if (!dev->preserved)
			continue;
		ret = pci_vfio_bind(dev->bdf);
		if (ret)
			return said("bind", dev->name, ret);
		fds[dev->index] = hitless_session_retrieve_fd(rig->session, TOKEN_DEVICE(dev->index));
		if (fds[dev->index] < 0)
			return said("retrieve", dev->name, fds[dev->index]);
	}
	return 0;
}

static int restore_hwpts(struct rig *rig, uint32_t hwpts[RIG_NR_DEVICES])
{
	struct device *dev;
	int ret;

	for (dev = rig->devices; dev < rig->devices + rig->nr_devices; dev++) {
		if (!dev->preserved)
			continue;
		ret = hitless_hwpt_restore(rig->kept.iommufd, TOKEN_HWPT(dev->index), &hwpts[dev->index]);
		if (ret)
			return said("restore", dev->name, ret);
	}
	return 0;
}

static int retrieve(struct rig *rig, int fds[RIG_NR_DEVICES], uint32_t hwpts[RIG_NR_DEVICES])
{
	int ret = update_session_retrieve(rig);

	if (!ret)
		ret = update_retrieve_memory(rig);
	if (!ret)
		ret = retrieve_iommufd(rig);
	if (!ret)
		ret = retrieve_devices(rig, fds);
	if (!ret)
		ret = restore_hwpts(rig, hwpts);
	return ret;
}

static int swap(struct rig *rig, const int fds[RIG_NR_DEVICES])
{
	struct device *dev;
	int ret;

	for (dev = rig->devices; dev < rig->devices + rig->nr_devices; dev++) {
		if (!dev->preserved)
			continue;
		ret = device_adopt(dev, fds[dev->index]);
		if (ret)
			return said("adopt", dev->name, ret);
	}
	return 0;
}

/* Frees the old kernel's tables; nothing stands on them any more. */
static int destroy_restored(struct rig *rig, const uint32_t hwpts[RIG_NR_DEVICES])
{
	struct device *dev;
	int ret;

	for (dev = rig->devices; dev < rig->devices + rig->nr_devices; dev++) {
		if (!dev->preserved)
			continue;
		ret = iommufd_destroy(rig->kept.iommufd, hwpts[dev->index]);
		if (ret)
			return said("destroy restored HWPT of", dev->name, ret);
	}
	return 0;
}

static int finish(struct rig *rig, const uint32_t hwpts[RIG_NR_DEVICES])
{
	int ret = destroy_restored(rig, hwpts);

	if (!ret)
		ret = said("finish", SESSION_NAME, hitless_session_finish(rig->session));
	if (ret)
		return ret;
	close(rig->session);
	rig->session = -1;
	return 0;
}

/* All of the new kernel's part, from a fresh init to devices that this kernel owns in full. */
int update_adopt(struct rig *rig)
{
	uint32_t hwpts[RIG_NR_DEVICES] = { 0 };
	int ret, fds[RIG_NR_DEVICES];

	channel_mark("retrieve-begin");
	ret = retrieve(rig, fds, hwpts);
	channel_mark("retrieve-end");
	if (ret)
		return ret;
	channel_mark("swap-begin");
	ret = swap(rig, fds);
	channel_mark("swap-end");
	if (ret)
		return ret;
	channel_mark("finish-begin");
	ret = finish(rig, hwpts);
	channel_mark("finish-end");
	return ret;
}
