// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways in which devices, tables, iommufds and sessions go together. A place is an iommufd with a memfd; hitless.places says which
 * device is in which, hitless.sessions which place is preserved in which session, and hitless.share what the devices of one place
 * have in common. Devices are swapped in another order than they were attached in.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "channel.h"
#include "check.h"
#include "iommufd.h"
#include "pci.h"
#include "several.h"
#include "update.h"

#define SEVERAL_MAX		3
#define TOKEN_PLACE(token, nr)	((token) + (nr) * 0x100ULL)

static struct space other_places[SEVERAL_MAX];
static int sessions[SEVERAL_MAX] = { -1, -1, -1 };

/* One digit for each: what is not said is 0. */
static unsigned int digit(const char *digits, unsigned int nr)
{
	unsigned int value = nr < strlen(digits) ? (unsigned int)(digits[nr] - '0') : 0;

	return value < SEVERAL_MAX ? value : 0;
}

static struct space *place_at(struct rig *rig, unsigned int nr)
{
	return nr ? &other_places[nr] : &rig->kept;
}

static unsigned int place_of(struct rig *rig, const struct device *dev)
{
	return digit(rig->options.places, dev->index);
}

static unsigned int session_of(struct rig *rig, unsigned int place)
{
	return digit(rig->options.sessions, place);
}

static bool share(const struct rig *rig, const char *what)
{
	return !strcmp(rig->options.share, what);
}

/* The first device of a place makes what the others share. */
static struct device *first_at(struct rig *rig, unsigned int place)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		if (place_of(rig, dev) == place)
			return dev;
	return NULL;
}

static bool owns_hwpt(struct rig *rig, const struct device *dev)
{
	return !share(rig, "hwpt") || first_at(rig, place_of(rig, dev)) == dev;
}

/* Where each device's DMA memory is: both kernels come to the same. Gives the size of a place's memfd. */
static uint64_t place_layout(struct rig *rig, unsigned int place)
{
	uint64_t end = MEMORY_PROGRAM_BYTES;
	struct device *dev;

	rig_for_each_preserved(dev, rig) {
		if (place_of(rig, dev) != place)
			continue;
		dev->space = place_at(rig, place);
		if (!place)
			continue;	/* laid out with all of the rig's memory */
		dev->dma_offset = end;
		end += (dev->ops->dma_bytes + MEMORY_PAGE_BYTES - 1) / MEMORY_PAGE_BYTES * MEMORY_PAGE_BYTES;
	}
	return end;
}

/* One IOAS with all that the place's devices reach; before the first of them is attached. */
static int place_share_ioas(struct rig *rig, unsigned int place)
{
	const struct device *first = first_at(rig, place);
	struct device *dev;
	uint32_t ioas_id;
	int ret;

	if (!first || !*rig->options.share)
		return 0;
	ret = device_ioas_begin(first, &ioas_id);
	rig_for_each_preserved(dev, rig) {
		if (ret || place_of(rig, dev) != place)
			continue;
		ret = device_ioas_map(dev, ioas_id);
		dev->ioas_id = ioas_id;
	}
	return ret;
}

static void place_share_hwpt(struct rig *rig, const struct device *from)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		if (share(rig, "hwpt") && place_of(rig, dev) == place_of(rig, from))
			dev->hwpt_id = from->hwpt_id;
}

int several_start(struct rig *rig)
{
	struct device *dev;
	unsigned int nr;
	int ret = rig_prepare(rig);

	for (nr = 0; nr < SEVERAL_MAX && !ret; nr++) {
		struct space *place = place_at(rig, nr);
		uint64_t bytes = place_layout(rig, nr);

		if (nr && first_at(rig, nr)) {
			ret = memory_create(&place->memory, bytes);
			place->iommufd = ret ? -1 : iommufd_open();
			if (!ret && place->iommufd < 0)
				ret = place->iommufd;
		}
		if (!ret)
			ret = place_share_ioas(rig, nr);
	}
	rig_for_each_preserved(dev, rig) {
		if (!ret)
			ret = device_open(dev);
		if (!ret)
			place_share_hwpt(rig, dev);
	}
	return ret;
}

static int session_open(unsigned int nr, bool retrieve)
{
	int liveupdate = hitless_liveupdate_open();
	char name[32];

	if (liveupdate < 0)
		return liveupdate;
	snprintf(name, sizeof(name), "hitless-several-%u", nr);
	sessions[nr] = retrieve ? hitless_session_retrieve(liveupdate, name) : hitless_session_create(liveupdate, name);
	close(liveupdate);
	return sessions[nr] < 0 ? sessions[nr] : 0;
}

static bool session_used(struct rig *rig, unsigned int nr)
{
	unsigned int place;

	for (place = 0; place < SEVERAL_MAX; place++)
		if (first_at(rig, place) && session_of(rig, place) == nr)
			return true;
	return false;
}

static int place_preserve(struct rig *rig, unsigned int nr)
{
	struct space *place = place_at(rig, nr);
	int session = sessions[session_of(rig, nr)];
	struct device *dev;
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		if (!ret && place_of(rig, dev) == nr && owns_hwpt(rig, dev))
			ret = hitless_hwpt_mark_preserve(place->iommufd, dev->hwpt_id, TOKEN_HWPT(dev->index));
	if (!ret)
		ret = hitless_session_preserve_fd(session, place->memory.fd, TOKEN_PLACE(TOKEN_MEMORY, nr));
	if (!ret)
		ret = hitless_session_preserve_fd(session, place->iommufd, TOKEN_PLACE(TOKEN_IOMMUFD, nr));
	return ret;
}

/* A device belongs into the session of its iommufd. */
static void refuse_other_session(struct rig *rig, const struct device *dev)
{
	unsigned int nr, own = session_of(rig, place_of(rig, dev));

	for (nr = 0; nr < SEVERAL_MAX; nr++)
		if (nr != own && session_used(rig, nr))
			check_result(hitless_session_preserve_fd(sessions[nr], dev->vfio.fd, TOKEN_DEVICE(dev->index)), -ENOENT,
				     "several-%s-in-session-%u", dev->name, nr);
}

int several_preserve(struct rig *rig)
{
	struct device *dev;
	unsigned int nr;
	int ret = 0;

	channel_mark("preserve-begin");
	for (nr = 0; nr < SEVERAL_MAX && !ret; nr++)
		if (session_used(rig, nr))
			ret = session_open(nr, false);
	for (nr = 0; nr < SEVERAL_MAX && !ret; nr++)
		if (first_at(rig, nr))
			ret = place_preserve(rig, nr);
	rig_for_each_preserved(dev, rig) {
		if (ret)
			break;
		refuse_other_session(rig, dev);
		ret = hitless_session_preserve_fd(sessions[session_of(rig, place_of(rig, dev))], dev->vfio.fd,
						  TOKEN_DEVICE(dev->index));
	}
	channel_mark("preserve-end");
	return ret;
}

static int place_retrieve(struct rig *rig, unsigned int nr)
{
	struct space *place = place_at(rig, nr);
	int session = sessions[session_of(rig, nr)];
	uint64_t bytes = place_layout(rig, nr);
	int ret, fd = hitless_session_retrieve_fd(session, TOKEN_PLACE(TOKEN_MEMORY, nr));

	if (fd < 0)
		return fd;
	ret = nr ? memory_adopt(&place->memory, fd, bytes) : rig_memory_adopt(rig, fd);
	if (ret)
		return ret;
	place->iommufd = hitless_session_retrieve_fd(session, TOKEN_PLACE(TOKEN_IOMMUFD, nr));
	return place->iommufd < 0 ? place->iommufd : place_share_ioas(rig, nr);
}

static int several_retrieve(struct rig *rig)
{
	struct device *dev;
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < SEVERAL_MAX && !ret; nr++)
		if (session_used(rig, nr))
			ret = session_open(nr, true);
	for (nr = 0; nr < SEVERAL_MAX && !ret; nr++)
		if (first_at(rig, nr))
			ret = place_retrieve(rig, nr);
	rig_for_each_preserved(dev, rig) {
		if (ret)
			break;
		ret = pci_vfio_bind(dev->bdf);
		if (ret)
			break;
		dev->retrieved_fd = hitless_session_retrieve_fd(sessions[session_of(rig, place_of(rig, dev))],
								TOKEN_DEVICE(dev->index));
		ret = dev->retrieved_fd < 0 ? dev->retrieved_fd : 0;
		if (!ret && owns_hwpt(rig, dev))
			ret = hitless_hwpt_restore(dev->space->iommufd, TOKEN_HWPT(dev->index), &dev->restored_id);
	}
	return ret;
}

/* While devices are left on a restored domain, nothing changes in the IOAS of those that were swapped from it. */
static void check_changes(struct rig *rig, const struct device *dev, int want, const char *when)
{
	const struct device *first = first_at(rig, place_of(rig, dev));
	const struct space *place = dev->space;
	int ret = iommufd_map_file(place->iommufd, dev->ioas_id, place->memory.fd, MEMORY_SCRATCH, MEMORY_PAGE_BYTES,
				   DEVICE_IOVA_UNUSED, false);

	check_result(ret, want, "several-%s-map-%s", dev->name, when);
	if (want) {
		check_result(iommufd_unmap(place->iommufd, dev->ioas_id, 0, UINT64_MAX), want, "several-%s-unmap-%s", dev->name, when);
		check_result(iommufd_destroy(place->iommufd, first->restored_id), -EBUSY, "several-%s-destroy-%s", dev->name, when);
		check_result(hitless_session_finish(sessions[session_of(rig, place_of(rig, dev))]), -EBUSY, "several-%s-finish-%s",
			     dev->name, when);
	} else {
		ret = iommufd_unmap(place->iommufd, dev->ioas_id, DEVICE_IOVA_UNUSED, MEMORY_PAGE_BYTES);
		check_result(ret, 0, "several-%s-unmap-%s", dev->name, when);
	}
}

static unsigned int nr_at(struct rig *rig, unsigned int place)
{
	unsigned int nr = 0;
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		nr += place_of(rig, dev) == place;
	return nr;
}

/* The last one first. */
static int several_swap(struct rig *rig)
{
	unsigned int left[SEVERAL_MAX], nr, place;
	struct device *dev;
	int ret = 0;

	for (place = 0; place < SEVERAL_MAX; place++)
		left[place] = nr_at(rig, place);
	for (nr = rig->nr_devices; nr-- && !ret;) {
		dev = &rig->devices[nr];
		if (!dev->preserved)
			continue;
		place = place_of(rig, dev);
		ret = device_claim(dev);
		if (!ret)
			ret = device_swap(dev);
		if (ret)
			break;
		place_share_hwpt(rig, dev);
		left[place]--;
		check_changes(rig, dev, share(rig, "hwpt") && left[place] ? -EBUSY : 0, "after-its-swap");
		check_counting(rig, "several-counting");
	}
	return ret;
}

static int several_finish(struct rig *rig)
{
	struct device *dev;
	unsigned int nr;
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		if (dev->restored_id)
			check_result(iommufd_destroy(dev->space->iommufd, dev->restored_id), 0, "several-%s-destroy", dev->name);
	for (nr = 0; nr < SEVERAL_MAX && !ret; nr++) {
		if (!session_used(rig, nr))
			continue;
		ret = hitless_session_finish(sessions[nr]);
		close(sessions[nr]);
	}
	return ret;
}

int several_adopt(struct rig *rig)
{
	int ret;

	channel_mark("retrieve-begin");
	ret = several_retrieve(rig);
	channel_mark("retrieve-end");
	channel_mark("swap-begin");
	if (!ret)
		ret = several_swap(rig);
	channel_mark("swap-end");
	channel_mark("finish-begin");
	if (!ret)
		ret = several_finish(rig);
	channel_mark("finish-end");
	return ret;
}
