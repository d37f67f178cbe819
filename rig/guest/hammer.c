// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each device goes back and forth between two HWPTs of one IOAS, which are two tables that say the same, while it does DMA. The
 * kernel is one that, told so by liveupdate_fault=flush, throws away all that the IOMMU cached after each single store to an entry, and waits
 * a little: so the unit reads the entry in each state that it ever has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "check.h"
#include "hammer.h"
#include "iommufd.h"

#define HAMMER_SLICE	20	/* swaps of each device between two looks at what it needs: igb runs out of descriptors */

static int hammer_slice(struct rig *rig, const uint32_t other[RIG_NR_DEVICES], unsigned int first)
{
	struct device *dev;
	unsigned int i;
	int ret = 0;

	for (i = first; i < first + HAMMER_SLICE; i++)
		rig_for_each_preserved(dev, rig)
			if (!ret)
				ret = vfio_device_attach(&dev->vfio, i % 2 ? dev->hwpt_id : other[dev->index]);
	return ret ? ret : rig_run(rig, 1);
}

int hammer(struct rig *rig)
{
	uint32_t other[RIG_NR_DEVICES];
	unsigned int done = 0;
	struct device *dev;
	char detail[64];
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = iommufd_hwpt_alloc(rig->kept.iommufd, dev->vfio.dev_id, dev->ioas_id, &other[dev->index]);
	channel_mark("hammer-begin");
	for (; !ret && done < rig->options.swaps; done += HAMMER_SLICE)
		ret = hammer_slice(rig, other, done);
	channel_mark("hammer-end");
	snprintf(detail, sizeof(detail), "%u of each device: %s", done, strerror(-ret));
	check(!ret && done >= rig->options.swaps, detail, "hammer-swaps");
	/* An even number of swaps has brought each back to where it was. */
	rig_for_each_preserved(dev, rig)
		if (!ret)
			check_result(iommufd_destroy(rig->kept.iommufd, other[dev->index]), 0, "hammer-%s-destroy", dev->name);
	check_alive(rig, "hammer-alive");
	return 0;
}
