// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hitless/session.h>

#include "iommufd.h"
#include "lab.h"
#include "pci.h"

static int lab_device_bind(struct lab *lab)
{
	int fd, ret = pci_vfio_bind(lab->bdf);

	if (ret)
		return ret;
	fd = pci_vfio_cdev_open(lab->bdf);
	if (fd < 0)
		return fd;
	ret = vfio_device_bind(&lab->vfio, fd, lab->iommufd, NULL);
	if (ret)
		close(fd);
	return ret;
}

/* @iommufd: -1 for one of its own */
int lab_open_at(struct lab *lab, const char *bdf, int iommufd)
{
	int ret;

	*lab = (struct lab){ .bdf = bdf, .iommufd = iommufd, .own_iommufd = iommufd < 0, .vfio.fd = -1 };
	if (lab->own_iommufd)
		lab->iommufd = iommufd_open();
	if (lab->iommufd < 0)
		return lab->iommufd;
	ret = lab_device_bind(lab);
	if (ret)
		lab_close(lab);
	return ret;
}

int lab_open(struct lab *lab, struct rig *rig, int iommufd)
{
	const struct device *dev = rig_device_other(rig);

	*lab = (struct lab){ .iommufd = -1, .vfio.fd = -1 };
	return dev ? lab_open_at(lab, dev->bdf, iommufd) : -ENODEV;
}

void lab_close(struct lab *lab)
{
	if (lab->vfio.fd >= 0)
		close(lab->vfio.fd);
	if (lab->own_iommufd && lab->iommufd >= 0)
		close(lab->iommufd);
	lab->vfio.fd = -1;
	lab->iommufd = -1;
}

int lab_memfd_create(unsigned int seals)
{
	int fd = memfd_create("hitless-lab", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, LAB_BYTES) || (seals && fcntl(fd, F_ADD_SEALS, seals)))
		ret = -errno;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

/* @memfd: is the table's if this succeeds */
int lab_table_create(const struct lab *lab, struct lab_table *table, int memfd)
{
	int ret;

	*table = (struct lab_table){ .memfd = -1 };
	ret = iommufd_ioas_alloc(lab->iommufd, &table->ioas_id);
	if (!ret && memfd >= 0)
		ret = iommufd_map_file(lab->iommufd, table->ioas_id, memfd, 0, LAB_BYTES, LAB_IOVA, true);
	if (!ret)
		ret = iommufd_hwpt_alloc(lab->iommufd, lab->vfio.dev_id, table->ioas_id, &table->hwpt_id);
	if (ret)
		lab_table_destroy(lab, table);
	else
		table->memfd = memfd;
	return ret;
}

/* As above, with a new memfd. */
int lab_table_make(const struct lab *lab, struct lab_table *table, unsigned int seals)
{
	int ret, memfd = lab_memfd_create(seals);

	*table = (struct lab_table){ .memfd = -1 };
	if (memfd < 0)
		return memfd;
	ret = lab_table_create(lab, table, memfd);
	if (ret)
		close(memfd);
	return ret;
}

void lab_table_destroy(const struct lab *lab, struct lab_table *table)
{
	if (table->hwpt_id)
		iommufd_destroy(lab->iommufd, table->hwpt_id);
	if (table->ioas_id)
		iommufd_destroy(lab->iommufd, table->ioas_id);
	if (table->memfd >= 0)
		close(table->memfd);
	*table = (struct lab_table){ .memfd = -1 };
}

int lab_session_create(const char *name)
{
	int session, liveupdate = hitless_liveupdate_open();

	if (liveupdate < 0)
		return liveupdate;
	session = hitless_session_create(liveupdate, name);
	close(liveupdate);
	return session;
}
