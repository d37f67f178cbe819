// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "iommufd.h"
#include "lab.h"
#include "pci.h"
#include "verify.h"

#define VERIFY_NAME_BYTES	64
#define VERIFY_IRQ_MS		100
#define VERIFY_STATE_TRIES	25
#define VERIFY_STATE_WAIT_MS	100

static int map_and_unmap(struct rig *rig, struct device *dev)
{
	int ret = iommufd_map_file(rig->kept.iommufd, dev->ioas_id, rig->kept.memory.fd, MEMORY_SCRATCH, MEMORY_PAGE_BYTES,
				   DEVICE_IOVA_UNUSED, false);

	return ret ? ret : iommufd_unmap(rig->kept.iommufd, dev->ioas_id, DEVICE_IOVA_UNUSED, MEMORY_PAGE_BYTES);
}

int verify_maps(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		ret = map_and_unmap(rig, dev);
		if (ret)
			return ret;
	}
	return 0;
}

/* Onto a table of its own, from there onto that of a device at work, and off again. */
static int attach_in_turn(struct rig *rig, const struct lab *lab)
{
	struct lab_table table;
	int ret = lab_table_create(lab, &table, -1);

	if (ret)
		return ret;
	ret = vfio_device_attach(&lab->vfio, table.hwpt_id);
	if (!ret)
		ret = vfio_device_attach(&lab->vfio, rig_device_preserved(rig, 0)->hwpt_id);
	if (!ret)
		ret = vfio_device_detach(&lab->vfio);
	lab_table_destroy(lab, &table);
	return ret;
}

static int attach_other(struct rig *rig)
{
	struct lab lab;
	int ret = lab_open(&lab, rig, rig->kept.iommufd);

	if (ret)
		return ret;
	ret = attach_in_turn(rig, &lab);
	lab_close(&lab);
	return ret;
}

/* Devices that interrupt do so when asked, and are heard. */
int verify_irqs(struct rig *rig)
{
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig) {
		if (!dev->ops->has_irq)
			continue;
		if (pci_msix_masked(dev->bdf))
			return -EBUSY;
		ret = device_irq_count(dev);
		if (!ret)
			ret = dev->ops->irq_raise(dev);
		if (!ret)
			ret = device_irq_wait(dev, VERIFY_IRQ_MS);
		if (ret)
			return ret;
	}
	return 0;
}

static bool same_state(const struct kho_state *before, char *detail, size_t bytes)
{
	struct kho_state now;
	int ret = kho_state_read(&now);

	if (ret) {
		snprintf(detail, bytes, "%s", strerror(-ret));
		return false;
	}
	snprintf(detail, bytes, "%+d subtrees, %+lld pins, %+lld IOMMU pages, %+lld kept", (int)(now.nr_subtrees - before->nr_subtrees),
		 (long long)(now.nr_pins - before->nr_pins), (long long)(now.nr_iommu_pages - before->nr_iommu_pages),
		 (long long)(now.kept - before->kept));
	return !now.devices && now.kept == before->kept && now.nr_subtrees == before->nr_subtrees && now.nr_pins == before->nr_pins &&
	       now.nr_iommu_pages == before->nr_iommu_pages;
}

/* The kernel adds up its statistics once a second: a difference counts if it stays. */
static bool same_state_soon(struct rig *rig, const struct kho_state *before, char *detail, size_t bytes)
{
	unsigned int tries;

	for (tries = 0; tries < VERIFY_STATE_TRIES; tries++) {
		if (same_state(before, detail, bytes))
			return true;
		rig_run(rig, VERIFY_STATE_WAIT_MS);
	}
	return false;
}

void verify_use(struct rig *rig, const char *what)
{
	char name[VERIFY_NAME_BYTES];

	check_result(verify_maps(rig), 0, "%s-map-unmap", what);
	check_result(attach_other(rig), 0, "%s-attach", what);
	check_result(verify_irqs(rig), 0, "%s-irq", what);
	snprintf(name, sizeof(name), "%s-alive", what);
	check_alive(rig, name);
}

/* Normal use goes on, and after it the machine is as if nothing had been asked. */
void verify(struct rig *rig, const struct kho_state *before, const char *what)
{
	char detail[96];

	verify_use(rig, what);
	check(same_state_soon(rig, before, detail, sizeof(detail)), detail, "%s-nothing-left", what);
}

