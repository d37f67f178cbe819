// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: vfio device files across live update
 *
 * What does not depend on the bus: a device file may be preserved when it is a cdev file, bound to an iommufd and attached; while
 * it is preserved its attachment cannot change. In the new kernel a file is made that nobody opened: only such a file may bind a device
 * that was preserved, and only to the iommufd it belongs to (which the IOMMU core checks).
 *
 * Lock: the device set's lock, as for bind and attach.
 */
#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/iommu-liveupdate.h>
#include <linux/iommufd.h>
#include <linux/pci.h>
#include <linux/pci-liveupdate.h>
#include <linux/vfio.h>
#include <linux/vfio-liveupdate.h>

#include "vfio.h"

MODULE_IMPORT_NS("IOMMUFD");

/**
 * vfio_liveupdate_device() - the device of a cdev file
 * @file: Any file.
 *
 * Context: Any.
 * Return: The device, or NULL when it is no vfio device file or one of a group.
 */
struct vfio_device *vfio_liveupdate_device(struct file *file)
{
	struct vfio_device_file *df = file->private_data;

	if (file->f_op != &vfio_device_fops || df->group)
		return NULL;
	return df->device;
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_device);

/**
 * vfio_liveupdate_preserve() - keep a device on what it is attached to
 * @device: The device.
 * @session: The session its file is being preserved in.
 *
 * Context: Process context, may sleep.
 * Return: 0; -EINVAL when it is not bound and attached; otherwise as iommufd_device_liveupdate_preserve().
 */
int vfio_liveupdate_preserve(struct vfio_device *device, struct luo_file_set *session)
{
	guard(mutex)(&device->dev_set->lock);
	if (!device->cdev_opened || !device->iommufd_device || !device->iommufd_attached) {
		dev_warn(device->dev, "cannot be preserved: it is not bound and attached\n");
		return -EINVAL;
	}
	return iommufd_device_liveupdate_preserve(device->iommufd_device, session);
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_preserve);

/**
 * vfio_liveupdate_unpreserve() - undo vfio_liveupdate_preserve()
 * @device: The device.
 *
 * Context: Process context, may sleep.
 */
void vfio_liveupdate_unpreserve(struct vfio_device *device)
{
	guard(mutex)(&device->dev_set->lock);
	iommufd_device_liveupdate_unpreserve(device->iommufd_device);
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_unpreserve);

/**
 * vfio_liveupdate_retrieve() - make the file of a device that was preserved
 * @device: The device; a reference to it is held by the caller.
 *
 * Context: Process context, may sleep.
 * Return: A file as open() of the cdev would give, not yet bound; -ENODEV when the device goes away; -ENOMEM, -EMFILE.
 */
struct file *vfio_liveupdate_retrieve(struct vfio_device *device)
{
	struct vfio_device_file *df;
	struct file *file;

	/* Paired with the put in vfio_device_fops_release(). */
	if (!vfio_device_try_get_registration(device))
		return ERR_PTR(-ENODEV);
	df = vfio_allocate_device_file(device);
	if (IS_ERR(df)) {
		file = ERR_CAST(df);
		goto err_put;
	}
	df->liveupdate = true;
	file = anon_inode_getfile_fmode("[vfio-device]", &vfio_device_fops, df, O_RDWR, FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file))
		goto err_free;
	/* One address space for all mappings of the device, as for files that were opened. */
	file->f_mapping = device->inode->i_mapping;
	return file;

err_free:
	kfree(df);
err_put:
	vfio_device_put_registration(device);
	return file;
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_retrieve);

/* A device that was preserved is bound by the file that was retrieved, and by no other, until its session is finished. */
int vfio_liveupdate_may_bind(struct vfio_device_file *df)
{
	struct device *dev = df->device->dev;

	if (df->liveupdate || !dev_is_pci(dev) || !pci_liveupdate_incoming(to_pci_dev(dev)))
		return 0;
	dev_info_ratelimited(dev, "is to be claimed through its live update session\n");
	return -EBUSY;
}

/* What a preserved device is attached to is what the next kernel will find. */
int vfio_liveupdate_may_attach(struct vfio_device *device)
{
	lockdep_assert_held(&device->dev_set->lock);
	return iommu_liveupdate_preserved(device->dev) ? -EBUSY : 0;
}
