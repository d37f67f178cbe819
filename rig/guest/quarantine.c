// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An update of which the new kernel must refuse a part: what the old one handed over was spoilt. The devices that stand on it are
 * blocked and cannot be had again, which is what is checked here; the others go on as ever. That a blocked device reaches nothing
 * is the witness's to see.
 *
 * What is wrong within tables is found when their token is turned into an object: the device's file is had by then, and of no use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "channel.h"
#include "check.h"
#include "quarantine.h"
#include "pci.h"
#include "update.h"

static bool quarantine_expected(const struct options *options, const char *name)
{
	char *word, *rest, words[sizeof(options->quarantined)];

	strcpy(words, options->quarantined);
	for (word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		if (!strcmp(word, name))
			return true;
	return false;
}

/* From here on the device is none of those that the update is about. */
static void quarantine_check_device(struct rig *rig, struct device *dev, int want)
{
	int fd, ret = pci_vfio_bind(dev->bdf);

	check_result(ret, 0, "quarantined-bind-%s", dev->name);
	fd = hitless_session_retrieve_fd(rig->session, TOKEN_DEVICE(dev->index));
	check_result(fd < 0 ? fd : 0, want, "quarantined-retrieve-%s", dev->name);
	if (fd >= 0)
		close(fd);
	dev->preserved = false;
}

static unsigned int quarantine_count_others(struct rig *rig)
{
	unsigned int nr = 0;
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		nr += !quarantine_expected(&rig->options, dev->name);
	return nr;
}

/* If no device passes, then because no record of any could be read: the kernel knows no preserved device. */
static void quarantine_check_devices(struct rig *rig, bool any_other)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		if (quarantine_expected(&rig->options, dev->name))
			quarantine_check_device(rig, dev, any_other ? -EIO : -ENODEV);
}

/* The devices that are left: retrieved, swapped. Their HWPTs' restored twins are destroyed in update_finish(). */
static int quarantine_adopt_others(struct rig *rig)
{
	struct device *dev;
	int ret = update_retrieve_iommufd(rig);

	if (!ret)
		ret = update_retrieve_devices(rig);
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = update_restore(rig, dev);
	return ret ? ret : update_swap(rig);
}

static void quarantine_check_refused(struct rig *rig, struct device *dev)
{
	uint32_t id;

	check_result(hitless_hwpt_restore(rig->kept.iommufd, TOKEN_HWPT(dev->index), &id), -EIO, "refused-restore-%s", dev->name);
	channel_mark("refused");
	check_result(hitless_hwpt_restore(rig->kept.iommufd, TOKEN_HWPT(dev->index), &id), -EIO, "refused-restore-again-%s",
		     dev->name);
	check_result(device_claim(dev), -EBUSY, "refused-claim-%s", dev->name);
	dev->preserved = false;
}

/* All files are had; of some devices no more than that. */
int quarantine_adopt_late(struct rig *rig)
{
	struct device *dev;
	int ret = update_session_retrieve(rig);

	if (!ret)
		ret = update_retrieve_memory(rig);
	if (!ret)
		ret = update_retrieve_iommufd(rig);
	if (!ret)
		ret = update_retrieve_devices(rig);
	rig_for_each_preserved(dev, rig) {
		if (ret)
			break;
		if (quarantine_expected(&rig->options, dev->name))
			quarantine_check_refused(rig, dev);
		else
			ret = update_restore(rig, dev);
	}
	if (!ret)
		ret = update_swap(rig);
	return ret ? ret : update_finish(rig);
}

/* The old kernel's memory, and what of its devices the new kernel took. */
int quarantine_adopt(struct rig *rig)
{
	bool any_other = quarantine_count_others(rig);
	int ret = update_session_retrieve(rig);

	if (!ret)
		ret = update_retrieve_memory(rig);
	if (ret)
		return ret;
	quarantine_check_devices(rig, any_other);
	if (any_other)
		ret = quarantine_adopt_others(rig);
	return ret ? ret : update_finish(rig);
}
