// SPDX-License-Identifier: GPL-2.0-or-later
/* What cannot be done any more to devices at work, their tables and their memory, once all of it is preserved. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "check.h"
#include "iommufd.h"
#include "lab.h"
#include "refuse.h"
#include "update.h"

static void refuse_maps(const struct rig *rig, const struct device *dev, uint32_t other_ioas_id)
{
	static uint8_t page[MEMORY_PAGE_BYTES] __attribute__((aligned(MEMORY_PAGE_BYTES)));
	int iommufd = rig->kept.iommufd, memfd = rig->kept.memory.fd;

	check_result(iommufd_map_file(iommufd, dev->ioas_id, memfd, MEMORY_SCRATCH, MEMORY_PAGE_BYTES, DEVICE_IOVA_UNUSED, false),
		     -EBUSY, "preserved-%s-map-file", dev->name);
	check_result(iommufd_map_anonymous(iommufd, dev->ioas_id, page, sizeof(page), DEVICE_IOVA_UNUSED), -EBUSY,
		     "preserved-%s-map-anonymous", dev->name);
	check_result(iommufd_copy(iommufd, other_ioas_id, LAB_IOVA, MEMORY_PAGE_BYTES, dev->ioas_id, DEVICE_IOVA_UNUSED), -EBUSY,
		     "preserved-%s-copy-into", dev->name);
	check_result(iommufd_unmap(iommufd, dev->ioas_id, dev->iova, dev->ops->dma_bytes), -EBUSY, "preserved-%s-unmap", dev->name);
	check_result(iommufd_unmap(iommufd, dev->ioas_id, 0, UINT64_MAX), -EBUSY, "preserved-%s-unmap-all", dev->name);
}

static void refuse_attachments(const struct rig *rig, const struct device *dev, uint32_t other_hwpt_id)
{
	check_result(vfio_device_detach(&dev->vfio), -EBUSY, "preserved-%s-detach", dev->name);
	check_result(vfio_device_attach(&dev->vfio, other_hwpt_id), -EBUSY, "preserved-%s-replace", dev->name);
	check_result(iommufd_destroy(rig->kept.iommufd, dev->hwpt_id), -EBUSY, "preserved-%s-destroy-hwpt", dev->name);
	check_result(iommufd_destroy(rig->kept.iommufd, dev->ioas_id), -EBUSY, "preserved-%s-destroy-ioas", dev->name);
}

static void refuse_memory_changes(const struct memory *memory)
{
	int ret = fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MEMORY_SCRATCH, MEMORY_PAGE_BYTES);

	check_result(ret ? -errno : 0, -EPERM, "preserved-memory-punch-hole");
	ret = madvise(memory->base + MEMORY_SCRATCH, MEMORY_PAGE_BYTES, MADV_REMOVE);
	check_result(ret ? -errno : 0, -EPERM, "preserved-memory-remove");
	ret = ftruncate(memory->fd, MEMORY_PAGE_BYTES);
	check_result(ret ? -errno : 0, -EPERM, "preserved-memory-truncate");
}

/* What changes nothing of that is as it always was. */
static void allow_the_rest(const struct rig *rig, const struct lab *lab, const struct lab_table *table, const struct device *dev)
{
	uint32_t hwpt_id;
	int ret;

	check_result(iommufd_copy(rig->kept.iommufd, dev->ioas_id, dev->iova, MEMORY_PAGE_BYTES, table->ioas_id,
				  DEVICE_IOVA_UNUSED), 0, "preserved-copy-from");
	ret = vfio_device_attach(&lab->vfio, table->hwpt_id);
	check_result(ret, 0, "preserved-other-attach");
	check_result(vfio_device_detach(&lab->vfio), 0, "preserved-other-detach");
	ret = iommufd_hwpt_alloc(rig->kept.iommufd, lab->vfio.dev_id, dev->ioas_id, &hwpt_id);
	check_result(ret, 0, "preserved-other-hwpt");
	if (!ret)
		check_result(iommufd_destroy(rig->kept.iommufd, hwpt_id), 0, "preserved-other-hwpt-destroy");
	check_result(iommufd_unmap(rig->kept.iommufd, table->ioas_id, LAB_IOVA, LAB_BYTES), 0, "preserved-other-unmap");
}

static int refuse_beside(struct rig *rig, const struct lab *lab)
{
	struct lab_table table;
	struct device *dev;
	int ret = lab_table_make(lab, &table, LAB_SEALS);

	if (ret)
		return ret;
	check_result(hitless_hwpt_mark_preserve(rig->kept.iommufd, table.hwpt_id, LAB_TOKEN_HWPT), -EBUSY, "preserved-mark");
	rig_for_each_preserved(dev, rig) {
		refuse_maps(rig, dev, table.ioas_id);
		refuse_attachments(rig, dev, table.hwpt_id);
	}
	allow_the_rest(rig, lab, &table, rig_device_preserved(rig, 0));
	lab_table_destroy(lab, &table);
	return 0;
}

int refuse_preserved(struct rig *rig)
{
	struct lab lab;
	int ret = lab_open(&lab, rig, rig->kept.iommufd);

	if (ret)
		return ret;
	ret = refuse_beside(rig, &lab);
	lab_close(&lab);
	refuse_memory_changes(&rig->kept.memory);
	check_alive(rig, "preserved-alive");
	return ret;
}
