// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "iommufd.h"
#include "rig.h"

#define RIG_POLL_MS	10
#define RIG_REPORT_MS	1000

static int devices_describe(struct rig *rig)
{
	char *word, *rest, words[sizeof(rig->options.devices)];
	struct device *dev;
	int ret;

	strcpy(words, rig->options.devices);
	for (word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (rig->nr_devices == RIG_NR_DEVICES)
			return -E2BIG;
		dev = &rig->devices[rig->nr_devices];
		ret = device_describe(dev, word);
		if (ret) {
			fprintf(stderr, "device %s: %s\n", word, strerror(-ret));
			return ret;
		}
		dev->index = rig->nr_devices++;
		dev->iova = device_iova(dev->index);
		dev->space = &rig->kept;
	}
	return igb_functions_relate(rig->devices, rig->nr_devices);
}

/* Gives each preserved device its part of the memfd; both kernels come to the same layout. */
static uint64_t rig_layout(struct rig *rig)
{
	uint64_t end = MEMORY_PROGRAM_BYTES;
	struct device *dev;

	rig_for_each_preserved(dev, rig) {
		dev->dma_offset = end;
		end += (dev->ops->dma_bytes + MEMORY_PAGE_BYTES - 1) / MEMORY_PAGE_BYTES * MEMORY_PAGE_BYTES;
	}
	return end;
}

static int kept_create(struct rig *rig)
{
	int ret = memory_create(&rig->kept.memory, rig_layout(rig));

	if (ret)
		return ret;
	rig->kept.iommufd = iommufd_open();
	return rig->kept.iommufd < 0 ? rig->kept.iommufd : 0;
}

int rig_init(struct rig *rig)
{
	rig->session = -1;
	rig->kept.iommufd = -1;
	return devices_describe(rig);
}

/* Points the devices at their slots of the telemetry page. */
static void telemetry_connect(struct rig *rig)
{
	struct rig_telemetry *telemetry = memory_telemetry(&rig->kept.memory);
	struct device *dev;

	rig_for_each_device(dev, rig) {
		dev->telemetry = &telemetry->devices[dev->index];
		dev->packets = &telemetry->packets;
	}
}

/* Physical addresses hold once devices map the memory. */
static int telemetry_announce(struct rig *rig)
{
	uint64_t pa;
	int ret = memory_pa(&rig->kept.memory, MEMORY_TELEMETRY, &pa);

	if (!ret)
		channel_telemetry(pa);
	return ret;
}

static int said_start(const struct device *dev, int ret)
{
	if (ret)
		channel_check(dev->name, false, "start");
	return ret;
}

/* First what makes the virtual functions that are opened then, unless it is preserved: that is in its place among the others. */
static int devices_open(struct rig *rig)
{
	struct device *dev;
	int ret = 0;

	rig_for_each_device(dev, rig)
		if (!ret && dev->ops == &igb_stub_ops)
			ret = said_start(dev, igb_stub_start(dev));
		else if (!ret && dev->ops == &igb_kept_ops)
			ret = said_start(dev, device_open(dev));
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = said_start(dev, device_open(dev));
	return ret;
}

/* Memory and an iommufd, and no device in it yet. */
int rig_prepare(struct rig *rig)
{
	int ret = kept_create(rig);

	if (!ret)
		telemetry_connect(rig);
	return ret;
}

/* From a cold machine to preserved devices at work; what becomes of others is the plan's business. */
int rig_start(struct rig *rig)
{
	int ret = rig_prepare(rig);

	return ret ? ret : devices_open(rig);
}

/* Tells the witness, once all devices have said what there is. The magic number comes last. */
int rig_announce(struct rig *rig)
{
	struct rig_telemetry *telemetry = memory_telemetry(&rig->kept.memory);

	telemetry->nr_devices = rig->nr_devices;
	telemetry->generation = rig->options.generation;
	__atomic_store_n(&telemetry->magic, RIG_TELEMETRY_MAGIC, __ATOMIC_RELEASE);
	return telemetry_announce(rig);
}

/* In a new kernel: the memfd of the kernel before, with what it says about itself checked. */
int rig_memory_adopt(struct rig *rig, int fd)
{
	struct rig_telemetry *telemetry;
	int ret = memory_adopt(&rig->kept.memory, fd, rig_layout(rig));

	if (ret)
		return ret;
	telemetry = memory_telemetry(&rig->kept.memory);
	if (telemetry->magic != RIG_TELEMETRY_MAGIC || telemetry->nr_devices != rig->nr_devices ||
	    telemetry->generation + 1 != rig->options.generation)
		return -EPROTO;
	telemetry->generation = rig->options.generation;
	telemetry_connect(rig);
	return telemetry_announce(rig);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Sleeps until an interrupt comes, or a little. */
static void rig_wait(struct rig *rig)
{
	struct pollfd fds[RIG_NR_DEVICES];
	unsigned int i;

	for (i = 0; i < rig->nr_devices; i++)
		fds[i] = (struct pollfd){ .fd = rig->devices[i].irq_fd, .events = POLLIN };	/* -1 is skipped */
	poll(fds, rig->nr_devices, RIG_POLL_MS);
}

static int devices_poll(struct rig *rig)
{
	struct device *dev;
	int ret = 0;

	rig_for_each_device(dev, rig)
		if (dev->vfio.fd >= 0 && device_poll(dev))
			ret = -EIO;
	return ret;
}

void rig_irqs_report(struct rig *rig)
{
	struct device *dev;

	rig_for_each_device(dev, rig)
		if (dev->irq_fd >= 0)
			channel_irq(dev->name, dev->nr_irqs);
}

/* Lets the devices work. All of them are looked at even if one fails; the run goes on to its end. */
int rig_run(struct rig *rig, unsigned int ms)
{
	int64_t end = now_ms() + ms, report = now_ms() + RIG_REPORT_MS;
	int ret = 0;

	while (now_ms() < end) {
		rig_wait(rig);
		if (devices_poll(rig))
			ret = -EIO;
		if (now_ms() >= report) {
			rig_irqs_report(rig);
			report += RIG_REPORT_MS;
		}
	}
	return ret;
}

/* The nth of those that are preserved, NULL if there are not so many. */
struct device *rig_device_preserved(struct rig *rig, unsigned int nr)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		if (!nr--)
			return dev;
	return NULL;
}

/* The device that plans may do with as they like, NULL without one. */
struct device *rig_device_other(struct rig *rig)
{
	struct device *dev;

	rig_for_each_device(dev, rig)
		if (!dev->preserved)
			return dev;
	return NULL;
}
