// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that is not preserved and goes on with DMA when the old kernel hands over, into memory that the new kernel has for
 * its own.
 *
 * It takes some care to have one: the kernel clears bus mastering of each PCI function before it goes, and nothing would be left
 * for the IOMMU to contain. But processes run for a while yet. One that comes before the rebooting one whenever it wakes sees
 * the bit go, sets it again, and lets the device loose.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "iommufd.h"
#include "ohci.h"
#include "rogue.h"
#include "pci.h"

#define ROGUE_LOOK_NS	100000
#define ROGUE_RUN_MS	50

/* Memory moves until it is mapped for a device. Another device's table will do, to which that device is not attached. */
static int memory_pin(struct rig *rig, const struct device *dev, uint32_t *ioas_id, uint32_t *hwpt_id)
{
	const struct device *lender = rig_device_preserved(rig, 0);
	int ret = iommufd_ioas_alloc(rig->kept.iommufd, ioas_id);

	if (!ret)
		ret = iommufd_map_file(rig->kept.iommufd, *ioas_id, dev->space->memory.fd, dev->dma_offset,
				       dev->ops->dma_bytes, DEVICE_IOVA_UNUSED, true);
	if (!ret)
		ret = iommufd_hwpt_alloc(rig->kept.iommufd, lender->vfio.dev_id, *ioas_id, hwpt_id);
	return ret;
}

/*
 * Bus addresses are physical addresses: where others must not get through unless translated, this one must not get through at
 * all, and would.
 */
static int rogue_open(struct rig *rig, struct device *dev)
{
	uint32_t ioas_id, hwpt_id;
	int ret = memory_pin(rig, dev, &ioas_id, &hwpt_id);

	if (!ret)
		ret = memory_pa(&dev->space->memory, dev->dma_offset, &dev->iova);
	if (!ret)
		ret = device_open(dev);
	if (!ret)
		ret = iommufd_destroy(rig->kept.iommufd, hwpt_id);
	if (!ret)
		ret = iommufd_destroy(rig->kept.iommufd, ioas_id);
	return ret;
}

/* On an iommufd and a memfd of its own, which go down with this kernel. */
int rogue_start(struct rig *rig)
{
	static struct space space;
	struct device *dev = rig_device_other(rig);
	int ret;

	if (!dev || !rig_device_preserved(rig, 0))
		return -ENODEV;
	dev->space = &space;
	dev->dma_offset = MEMORY_PROGRAM_BYTES;
	ret = memory_create(&space.memory, MEMORY_PROGRAM_BYTES + dev->ops->dma_bytes);
	if (ret)
		return ret;
	space.iommufd = iommufd_open();
	return space.iommufd < 0 ? space.iommufd : rogue_open(rig, dev);
}

static bool rogue_works(struct rig *rig, const struct device *dev)
{
	const volatile uint16_t *counter = device_dma(dev, dev->ops->counter_offset);
	uint16_t before = *counter;

	rig_run(rig, ROGUE_RUN_MS);
	return *counter != before;
}

static int bus_master_off_wait(const struct device *dev, uint16_t *command)
{
	const struct timespec pause = { .tv_nsec = ROGUE_LOOK_NS };
	int ret;

	do {
		nanosleep(&pause, NULL);
		ret = pci_config_read16(dev->bdf, PCI_COMMAND, command);
	} while (!ret && *command & PCI_COMMAND_MASTER);
	return ret;
}

/* The kernel may take this process's time away for good from here on: there is no result. */
static void __attribute__((noreturn)) rogue_lead(const struct device *dev)
{
	uint16_t command;
	int ret = bus_master_off_wait(dev, &command);

	if (!ret)
		ret = pci_config_write16(dev->bdf, PCI_COMMAND, command | PCI_COMMAND_MASTER);
	if (!ret)
		ret = vfio_write32(&dev->vfio, OHCI_CONTROL, OHCI_OPERATIONAL);
	_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int rogue_leader_start(const struct device *dev)
{
	const struct sched_param param = { .sched_priority = 1 };
	int pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		rogue_lead(dev);
	return sched_setscheduler(pid, SCHED_FIFO, &param) ? -errno : 0;
}

/* It waits, suspended: an access while bus mastering is off would stop it for good, and silently. */
int rogue_unleash(struct rig *rig)
{
	struct device *dev = rig_device_other(rig);
	int ret;

	check(rogue_works(rig, dev), "", "rogue-works");
	ret = vfio_write32(&dev->vfio, OHCI_CONTROL, OHCI_SUSPEND);
	return ret ? ret : rogue_leader_start(dev);
}

/* In the new kernel: bus mastering is on still, and an access that was blocked has stopped the device for good. */
int rogue_contained(struct rig *rig)
{
	const struct device *dev = rig_device_other(rig);
	volatile uint32_t *registers;
	uint16_t command;
	void *base;
	int ret;

	if (!dev)
		return -ENODEV;
	ret = pci_config_read16(dev->bdf, PCI_COMMAND, &command);
	if (!ret)
		ret = pci_bar0_map(dev->bdf, MEMORY_PAGE_BYTES, &base);
	if (ret)
		return ret;
	registers = base;
	check((command & PCI_COMMAND_MASTER) && registers[OHCI_CONTROL / 4] == OHCI_OPERATIONAL, "", "rogue-got-loose");
	check(registers[OHCI_INTERRUPT_STATUS / 4] & OHCI_UNRECOVERABLE, "", "rogue-contained");
	return 0;
}
