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
#include "pci.h"
#include "update.h"

#define SESSION_NAME	"hitless-rig"

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

/* In the old kernel this takes back whatever was preserved; in the new one it is for after finish, or to be retrieved again. */
void update_session_close(struct rig *rig)
{
	close(rig->session);
	rig->session = -1;
}

/* A mark is the HWPT's: it is there after a session was given up, and a second one would be refused. */
int update_mark(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		if (dev->marked)
			continue;
		ret = hitless_hwpt_mark_preserve(rig->kept.iommufd, dev->hwpt_id, TOKEN_HWPT(dev->index));
		if (ret)
			return said("mark", dev->name, ret);
		dev->marked = true;
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

int update_preserve_device(struct rig *rig, struct device *dev)
{
	return said("preserve", dev->name, hitless_session_preserve_fd(rig->session, dev->vfio.fd, TOKEN_DEVICE(dev->index)));
}

static int preserve_devices(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = update_preserve_device(rig, dev);
		if (ret)
			return ret;
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
		ret = preserve_devices(rig);
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

int update_retrieve_iommufd(struct rig *rig)
{
	int fd = hitless_session_retrieve_fd(rig->session, TOKEN_IOMMUFD);

	if (fd < 0)
		return said("retrieve", "iommufd", fd);
	rig->kept.iommufd = fd;
	return 0;
}

/* A device must have its driver before its file can be had. */
int update_retrieve_device(struct rig *rig, struct device *dev)
{
	int ret = pci_vfio_bind(dev->bdf);

	if (ret)
		return said("bind", dev->name, ret);
	dev->retrieved_fd = hitless_session_retrieve_fd(rig->session, TOKEN_DEVICE(dev->index));
	return dev->retrieved_fd < 0 ? said("retrieve", dev->name, dev->retrieved_fd) : 0;
}

int update_retrieve_devices(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = update_retrieve_device(rig, dev);
		if (ret)
			return ret;
	}
	return 0;
}

int update_restore(struct rig *rig, struct device *dev)
{
	return said("restore", dev->name, hitless_hwpt_restore(rig->kept.iommufd, TOKEN_HWPT(dev->index), &dev->restored_id));
}

int update_restore_all(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = update_restore(rig, dev);
		if (ret)
			return ret;
	}
	return 0;
}

static int retrieve_files(struct rig *rig)
{
	int ret = update_session_retrieve(rig);

	if (!ret)
		ret = update_retrieve_memory(rig);
	if (!ret)
		ret = update_retrieve_iommufd(rig);
	return ret ? ret : update_retrieve_devices(rig);
}

int update_retrieve(struct rig *rig)
{
	int ret;

	channel_mark("retrieve-begin");
	ret = retrieve_files(rig);
	if (!ret)
		ret = update_restore_all(rig);
	channel_mark("retrieve-end");
	return ret;
}

/* The end of the blackout: guests have their devices, which stand on the old tables as before. */
int update_serve(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = device_claim(dev);
		if (!ret)
			ret = device_serve(dev);
		if (ret)
			return said("serve", dev->name, ret);
	}
	channel_mark("serve");
	return 0;
}

static int swap_all(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = dev->served ? 0 : device_claim(dev);
		if (!ret)
			ret = device_swap(dev);
		if (ret)
			return said("swap", dev->name, ret);
	}
	return 0;
}

int update_swap(struct rig *rig)
{
	int ret;

	channel_mark("swap-begin");
	ret = swap_all(rig);
	channel_mark("swap-end");
	return ret;
}

/* Frees the old kernel's tables; nothing may stand on them any more. */
int update_destroy_restored(struct rig *rig, struct device *dev)
{
	int ret = said("destroy restored HWPT of", dev->name, iommufd_destroy(rig->kept.iommufd, dev->restored_id));

	if (!ret)
		dev->restored_id = 0;
	return ret;
}

static int finish(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = dev->restored_id ? update_destroy_restored(rig, dev) : 0;
		if (ret)
			return ret;
	}
	ret = said("finish", SESSION_NAME, hitless_session_finish(rig->session));
	if (!ret)
		update_session_close(rig);
	return ret;
}

int update_finish(struct rig *rig)
{
	int ret;

	channel_mark("finish-begin");
	ret = finish(rig);
	channel_mark("finish-end");
	return ret;
}

/* All of the new kernel's part, from a fresh init to devices that this kernel owns in full. */
int update_adopt(struct rig *rig)
{
	int ret;

	channel_mark("retrieve-begin");
	ret = retrieve_files(rig);
	channel_mark("retrieve-end");
	if (!ret)
		ret = update_serve(rig);
	/* The kernel walks the old tables for this. */
	if (!ret)
		ret = update_restore_all(rig);
	if (!ret)
		ret = update_swap(rig);
	return ret ? ret : update_finish(rig);
}
