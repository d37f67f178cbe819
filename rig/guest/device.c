// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"
#include "iommufd.h"
#include "pci.h"

#define IOVA_PROGRAM		(DEVICE_IOVA_FIRST - MEMORY_PROGRAM_BYTES)

#define DEVICE_IRQ_WAIT_MS	100

static const struct {
	const char *name;
	const struct device_ops *ops;
	const char *bdf;
	bool preserved;
	uint32_t pool;
} known_devices[] = {
	{ "ohci", &ohci_ops, "0000:00:03.0", true, 0 },
	{ "hda", &hda_ops, "0000:00:04.0", true, 0 },
	{ "igb", &igb_ops, "0000:00:05.0", true, 0 },
	{ "igbstub", &igb_stub_ops, "0000:00:05.0", false, 0 },
	{ "igbkept", &igb_kept_ops, "0000:00:05.0", false, 0 },
	{ "vf0", &igb_vf_ops, "0000:00:15.0", true, 0 },
	{ "vf1", &igb_vf_ops, "0000:00:15.2", true, 1 },
	{ "pigb", &igb_ops, "0000:01:00.0", true, 0 },
	{ "pvf0", &igb_vf_ops, "0000:01:10.0", true, 0 },
	{ "pvf1", &igb_vf_ops, "0000:01:10.2", true, 1 },
	{ "bohci", &ohci_ops, "0000:01:01.0", true, 0 },
	{ "nic1", &e1000e_ops, "0000:00:08.0", true, 0 },
	{ "nic2", &e1000e_ops, "0000:00:09.0", true, 0 },
	{ "nic3", &e1000e_ops, "0000:00:0a.0", true, 0 },
	{ "nic4", &e1000e_ops, "0000:00:0b.0", true, 0 },
	{ "nic5", &e1000e_ops, "0000:00:0c.0", true, 0 },
	{ "nic6", &e1000e_ops, "0000:00:0d.0", true, 0 },
	{ "nic7", &e1000e_ops, "0000:00:0e.0", true, 0 },
	{ "nic8", &e1000e_ops, "0000:00:0f.0", true, 0 },
	{ "nic9", &e1000e_ops, "0000:00:10.0", true, 0 },
	{ "nic10", &e1000e_ops, "0000:00:11.0", true, 0 },
	{ "nic11", &e1000e_ops, "0000:00:12.0", true, 0 },
	{ "nic12", &e1000e_ops, "0000:00:13.0", true, 0 },
	{ "nic13", &e1000e_ops, "0000:00:14.0", true, 0 },
	{ "nic14", &e1000e_ops, "0000:00:16.0", true, 0 },
	{ "nic15", &e1000e_ops, "0000:00:17.0", true, 0 },
	{ "rogue", &ohci_ops, "0000:00:06.0", false, 0 },
	{ "pair1", &ohci_ops, "0000:01:01.0", false, 0 },
	{ "pair2", &ohci_ops, "0000:01:02.0", false, 0 },
	{ "conv", &ohci_ops, "0000:03:01.0", false, 0 },
};

/* @description: "<name>" or "<name>@<bdf>" */
int device_describe(struct device *dev, const char *description)
{
	size_t i, len = strcspn(description, "@");
	const char *bdf = description[len] ? description + len + 1 : NULL;

	for (i = 0; i < sizeof(known_devices) / sizeof(known_devices[0]); i++) {
		if (strlen(known_devices[i].name) != len || strncmp(known_devices[i].name, description, len))
			continue;
		*dev = (struct device){
			.ops = known_devices[i].ops,
			.preserved = known_devices[i].preserved,
			.pool = known_devices[i].pool,
			.vfio.fd = -1,
			.irq_fd = -1,
			.retrieved_fd = -1,
		};
		snprintf(dev->name, sizeof(dev->name), "%s", known_devices[i].name);
		snprintf(dev->bdf, sizeof(dev->bdf), "%s", bdf ? bdf : known_devices[i].bdf);
		return 0;
	}
	return -ENODEV;
}

static int device_ids_check(const struct device *dev)
{
	uint32_t vendor, device;
	int ret = pci_ids_read(dev->bdf, &vendor, &device);

	if (ret)
		return ret;
	return vendor == dev->ops->vendor && device == dev->ops->device ? 0 : -ENODEV;
}

/*
 * The program's own pages are mapped with each device's, read only: nothing reads them by DMA, but what is mapped is
 * pinned, and the witness is told their physical addresses once.
 */
int device_ioas_begin(const struct device *dev, uint32_t *ioas_id)
{
	const struct space *space = dev->space;
	int ret = iommufd_ioas_alloc(space->iommufd, ioas_id);

	if (!ret)
		ret = iommufd_ioas_pages_small(space->iommufd, *ioas_id);
	if (!ret)
		ret = iommufd_map_file(space->iommufd, *ioas_id, space->memory.fd, 0, MEMORY_PROGRAM_BYTES, IOVA_PROGRAM, false);
	return ret;
}

int device_ioas_map(const struct device *dev, uint32_t ioas_id)
{
	const struct space *space = dev->space;

	if (!dev->ops->dma_bytes)
		return 0;
	return iommufd_map_file(space->iommufd, ioas_id, space->memory.fd, dev->dma_offset, dev->ops->dma_bytes, dev->iova, true);
}

static int device_ioas_build(struct device *dev)
{
	int ret = device_ioas_begin(dev, &dev->ioas_id);

	return ret ? ret : device_ioas_map(dev, dev->ioas_id);
}

static int device_hwpt_alloc(struct device *dev)
{
	int iommufd = dev->space->iommufd;

	return dev->has_pasids ? iommufd_hwpt_alloc_for_pasids(iommufd, dev->vfio.dev_id, dev->ioas_id, &dev->hwpt_id) :
				 iommufd_hwpt_alloc(iommufd, dev->vfio.dev_id, dev->ioas_id, &dev->hwpt_id);
}

static int device_attach(struct device *dev)
{
	int ret;

	if (dev->ops->dma_bytes > DEVICE_IOVA_BYTES)
		return -E2BIG;
	/* A plan may have set either, for several devices at once. */
	ret = dev->ioas_id ? 0 : device_ioas_build(dev);
	if (!ret && !dev->hwpt_id)
		ret = device_hwpt_alloc(dev);
	if (!ret)
		ret = vfio_device_attach(&dev->vfio, dev->hwpt_id);
	return ret;
}

int device_irq_set(struct device *dev)
{
	int ret;

	if (!dev->ops->has_irq)
		return 0;
	dev->irq_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (dev->irq_fd < 0)
		return -errno;
	ret = vfio_device_msix_set(&dev->vfio, dev->irq_fd);
	if (ret) {
		close(dev->irq_fd);
		dev->irq_fd = -1;
	}
	return ret;
}

static int bdf_parse(const char *bdf, uint32_t *value)
{
	unsigned int segment, bus, slot, function;

	if (sscanf(bdf, "%x:%x:%x.%x", &segment, &bus, &slot, &function) != 4 || segment || bus > 255 || slot > 31 || function > 7)
		return -EINVAL;
	*value = bus << 8 | slot << 3 | function;
	return 0;
}

/* The kind is what makes a slot valid: it is written last. */
static int device_telemetry_fill(struct device *dev)
{
	const struct device_ops *ops = dev->ops;
	struct rig_device slot = {
		.preserved = dev->preserved,
		.counter_bytes = ops->counter_bytes,
		.counter_modulo = ops->counter_modulo,
		.bytes_per_second = ops->bytes_per_second,
	};
	uint64_t bar0_pa;
	int ret = bdf_parse(dev->bdf, &slot.bdf);

	if (!ret && ops->counter_bytes)
		ret = memory_pa(&dev->space->memory, dev->dma_offset + ops->counter_offset, &slot.counter_pa);
	if (!ret && ops->counter_register)
		ret = pci_bar0_read(dev->bdf, &bar0_pa);
	if (ret)
		return ret;
	if (ops->counter_register)
		slot.register_pa = bar0_pa + ops->counter_register;
	*dev->telemetry = slot;
	__atomic_store_n(&dev->telemetry->kind, ops->kind, __ATOMIC_RELEASE);
	return 0;
}

/* Tells the witness where the device is, and what it counts where. */
int device_announce(struct device *dev)
{
	int ret = device_telemetry_fill(dev);

	if (!ret)
		channel_device(dev->name, dev->bdf, dev->preserved);
	return ret;
}

static int device_bind(struct device *dev)
{
	int fd, ret = device_ids_check(dev);

	if (!ret)
		ret = pci_vfio_bind(dev->bdf);
	if (ret)
		return ret;
	fd = pci_vfio_cdev_open(dev->bdf);
	if (fd < 0)
		return fd;
	ret = vfio_device_bind(&dev->vfio, fd, dev->space->iommufd, dev->token);
	if (ret)
		close(fd);
	return ret ? ret : vfio_device_regions_find(&dev->vfio);
}

/* From a device that nobody has to one that does DMA. */
int device_open(struct device *dev)
{
	int ret = device_bind(dev);

	if (!ret)
		ret = device_attach(dev);
	if (!ret)
		ret = vfio_device_bus_master_enable(&dev->vfio);
	if (!ret)
		ret = device_irq_set(dev);
	if (!ret)
		ret = dev->ops->start(dev);
	if (!ret)
		ret = device_announce(dev);
	return ret;
}

/* What the witness was told in an earlier kernel must hold in this one: neither memory nor BARs may have moved. */
static int device_telemetry_check(const struct device *dev)
{
	const struct device_ops *ops = dev->ops;
	uint64_t counter_pa, bar0_pa;
	int ret;

	if (dev->telemetry->kind != ops->kind)
		return -EPROTO;
	if (!ops->counter_register)
		return 0;
	ret = pci_bar0_read(dev->bdf, &bar0_pa);
	if (!ret && ops->counter_bytes)
		ret = memory_pa(&dev->space->memory, dev->dma_offset + ops->counter_offset, &counter_pa);
	if (ret)
		return ret;
	if ((ops->counter_bytes && counter_pa != dev->telemetry->counter_pa) ||
	    bar0_pa + ops->counter_register != dev->telemetry->register_pa)
		return -ESTALE;
	return 0;
}

/* Binds a device's file that came through an update. Its tables are the old kernel's still. */
int device_claim(struct device *dev)
{
	int ret = vfio_device_bind(&dev->vfio, dev->retrieved_fd, dev->space->iommufd, NULL);

	if (ret)
		return ret;
	dev->retrieved_fd = -1;
	return vfio_device_regions_find(&dev->vfio);
}

/* From a bound device to one that is served: nothing of this depends on whose tables it stands on. */
int device_serve(struct device *dev)
{
	int ret = dev->ops->adopt(dev);

	if (ret)
		return ret;
	if (dev->ops->has_irq) {
		dev->irqs_owed = dev->ops->irq_owed ? dev->ops->irq_owed(dev) : 0;
		ret = device_irq_set(dev);
	}
	dev->served = !ret;
	return ret;
}

/* What the device had to say while nobody listened is still pending in it, and comes as soon as somebody does. */
static void device_irq_check(struct device *dev)
{
	char detail[48];
	int ret = dev->nr_irqs ? 0 : device_irq_wait(dev, DEVICE_IRQ_WAIT_MS);

	snprintf(detail, sizeof(detail), "%u interrupts for %u packets", (unsigned int)dev->nr_irqs, dev->irqs_owed);
	channel_check("irq-after-update", !ret, detail);
}

/*
 * From a bound device on the old kernel's tables to one on this kernel's. Attaching is the swap: from then on nothing of the
 * old tables is in use. The device may have been served for long, or is now.
 */
int device_swap(struct device *dev)
{
	int ret = device_attach(dev);

	if (!ret && !dev->served)
		ret = device_serve(dev);
	if (!ret && dev->irqs_owed)
		device_irq_check(dev);
	if (!ret)
		ret = device_telemetry_check(dev);
	if (!ret)
		channel_device(dev->name, dev->bdf, dev->preserved);
	return ret;
}

/* Counts what the eventfd gathered since the last call. */
int device_irq_count(struct device *dev)
{
	uint64_t count;
	ssize_t got;

	if (dev->irq_fd < 0)
		return 0;
	got = read(dev->irq_fd, &count, sizeof(count));
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	dev->nr_irqs += count;
	return 0;
}

/* Return: 0 when an interrupt came within @ms, -ETIMEDOUT. */
int device_irq_wait(struct device *dev, unsigned int ms)
{
	struct pollfd pollfd = { .fd = dev->irq_fd, .events = POLLIN };
	int ret = poll(&pollfd, 1, ms);

	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	return device_irq_count(dev);
}

/* A device that has failed is reported once, and then left alone. */
int device_poll(struct device *dev)
{
	int ret;

	if (dev->failed || !dev->ops->poll)
		return 0;
	ret = device_irq_count(dev);
	if (!ret)
		ret = dev->ops->poll(dev);
	if (ret) {
		dev->failed = true;
		channel_check(dev->name, false, strerror(-ret));
	}
	return ret;
}
