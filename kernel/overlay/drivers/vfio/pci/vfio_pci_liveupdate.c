// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: vfio-pci device files across live update
 *
 * Old kernel: preserving a device file keeps the device on its HWPT (vfio core, iommufd, IOMMU core) and makes the PCI core leave
 * the function alone. At freeze MSI-X is masked for the whole function: the device goes on recording what is pending, and sends it
 * when the new kernel has set vectors and unmasks.
 *
 * New kernel: the file is made when the device is bound to vfio-pci. Until then retrieving says -EAGAIN. Opening takes the device
 * as it is (hooks in vfio_pci_core_enable()): no reset, and bus mastering stays on.
 *
 * MSI has no mask that holds what is pending in general: the vectors are signalled once when they are set again. INTx is a level.
 */
#define pr_fmt(fmt) "vfio-pci liveupdate: " fmt

#include <linux/iommu-liveupdate.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/vfio_pci.h>
#include <linux/liveupdate.h>
#include <linux/pci.h>
#include <linux/pci-liveupdate.h>
#include <linux/slab.h>
#include <linux/vfio-liveupdate.h>
#include <linux/vfio_pci_core.h>

#include "../../iommu/liveupdate/cost.h"
#include "../../iommu/liveupdate/verify.h"
#include "vfio_pci_liveupdate.h"

/* What is kept of a preserved file beside what is handed over. */
struct vfio_pci_outgoing {
	struct vfio_pci_ser *ser;
	bool masked;	/* MSI-X was masked at freeze */
};

static struct pci_dev *vfio_pci_liveupdate_pdev(struct file *file)
{
	struct vfio_device *device = vfio_liveupdate_device(file);

	return device && dev_is_pci(device->dev) ? to_pci_dev(device->dev) : NULL;
}

static bool vfio_pci_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	struct pci_dev *pdev = vfio_pci_liveupdate_pdev(file);

	return pdev && pdev->driver && !strcmp(pdev->driver->name, "vfio-pci");
}

static struct vfio_pci_ser *vfio_pci_ser_create(struct pci_dev *pdev)
{
	struct vfio_pci_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return ser;
	ser->segment = pci_domain_nr(pdev->bus);
	ser->rid = pci_dev_id(pdev);
	ser->head.magic = VFIO_PCI_SER_MAGIC;
	ser->head.version = VFIO_PCI_SER_VERSION;
	ser->head.length_bytes = sizeof(*ser);
	ser->head.crc32 = lu_blob_crc32(ser, sizeof(*ser));
	return ser;
}

static int vfio_pci_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_liveupdate_pdev(args->file);
	struct vfio_pci_outgoing *outgoing;
	int ret;

	outgoing = kzalloc_obj(*outgoing);
	if (!outgoing)
		return -ENOMEM;
	outgoing->ser = vfio_pci_ser_create(pdev);
	if (IS_ERR(outgoing->ser)) {
		ret = PTR_ERR(outgoing->ser);
		goto err_free;
	}
	ret = pci_liveupdate_preserve(pdev);
	if (ret)
		goto err_ser;
	ret = vfio_liveupdate_preserve(vfio_liveupdate_device(args->file), args->session);
	if (ret)
		goto err_pci;
	args->serialized_data = virt_to_phys(outgoing->ser);
	args->private_data = outgoing;
	return 0;

err_pci:
	pci_liveupdate_unpreserve(pdev);
err_ser:
	kho_unpreserve_free(outgoing->ser);
err_free:
	kfree(outgoing);
	return ret;
}

static void vfio_pci_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct vfio_pci_outgoing *outgoing = args->private_data;

	vfio_liveupdate_unpreserve(vfio_liveupdate_device(args->file));
	pci_liveupdate_unpreserve(vfio_pci_liveupdate_pdev(args->file));
	kho_unpreserve_free(outgoing->ser);
	kfree(outgoing);
}

static int vfio_pci_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_liveupdate_pdev(args->file);
	struct vfio_pci_outgoing *outgoing = args->private_data;
	u16 flags;

	iommu_cost_scope(IOMMU_COST_FREEZE, 0);
	if (!pdev->msix_enabled)
		return 0;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	if (flags & PCI_MSIX_FLAGS_MASKALL)
		return 0;
	pci_write_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, flags | PCI_MSIX_FLAGS_MASKALL);
	outgoing->masked = true;
	return 0;
}

static void vfio_pci_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_liveupdate_pdev(args->file);
	struct vfio_pci_outgoing *outgoing = args->private_data;
	u16 flags;

	if (!outgoing->masked)
		return;
	outgoing->masked = false;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	pci_write_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, flags & ~PCI_MSIX_FLAGS_MASKALL);
}

/* Return: the record, or NULL when it cannot be used. */
static const struct vfio_pci_ser *vfio_pci_incoming_ser(u64 pa)
{
	struct lu_verdict verdict = { .error = LU_ERR_RANGE };
	const struct vfio_pci_ser *ser;

	if (!iommu_liveupdate_handed_over(pa, sizeof(*ser)))
		goto refused;
	ser = phys_to_virt(pa);
	if (!lu_verify_blob(ser, sizeof(*ser), VFIO_PCI_SER_MAGIC, VFIO_PCI_SER_VERSION, sizeof(*ser), &verdict))
		goto refused;
	if (!ser->reserved)
		return ser;
	verdict.error = LU_ERR_RESERVED;
refused:
	pr_err("what the old kernel left is refused (%s)\n", lu_error_name(verdict.error));
	return NULL;
}

static struct pci_dev *vfio_pci_incoming_pdev(const struct vfio_pci_ser *ser)
{
	return pci_get_domain_bus_and_slot(ser->segment, PCI_BUS_NUM(ser->rid), ser->rid & 0xff);
}

static int vfio_pci_luo_retrieve_pdev(struct liveupdate_file_op_args *args, struct pci_dev *pdev)
{
	enum iommu_incoming_state state;
	struct file *file;
	int ret;

	ret = iommu_liveupdate_device_state(pci_domain_nr(pdev->bus), pci_dev_id(pdev), &state);
	if (ret || !pci_liveupdate_incoming(pdev))
		return -ENODEV;
	if (state != IOMMU_INCOMING_RESTORED) {
		pci_err(pdev, "is quarantined: it cannot be retrieved\n");
		return -EIO;
	}

	/* Whoever takes the driver away may wait for the session to be finished. */
	ret = device_lock_interruptible(&pdev->dev);
	if (ret)
		return ret;
	if (pdev->driver && !strcmp(pdev->driver->name, "vfio-pci")) {
		struct vfio_pci_core_device *vdev = pci_get_drvdata(pdev);

		file = vfio_liveupdate_retrieve(&vdev->vdev);
	} else {
		file = ERR_PTR(-EAGAIN);
	}
	device_unlock(&pdev->dev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	return 0;
}

static int vfio_pci_luo_retrieve(struct liveupdate_file_op_args *args)
{
	const struct vfio_pci_ser *ser = vfio_pci_incoming_ser(args->serialized_data);
	struct pci_dev *pdev;
	int ret;

	if (!ser)
		return -EINVAL;
	pdev = vfio_pci_incoming_pdev(ser);
	if (!pdev)
		return -ENODEV;
	ret = vfio_pci_luo_retrieve_pdev(args, pdev);
	pci_dev_put(pdev);
	return ret;
}

static bool vfio_pci_luo_can_finish(struct liveupdate_file_op_args *args)
{
	const struct vfio_pci_ser *ser = vfio_pci_incoming_ser(args->serialized_data);

	return !ser || !iommu_liveupdate_device_busy(ser->segment, ser->rid);
}

static void vfio_pci_luo_finish(struct liveupdate_file_op_args *args)
{
	const struct vfio_pci_ser *ser = vfio_pci_incoming_ser(args->serialized_data);
	struct pci_dev *pdev;

	if (!ser)
		return;
	iommu_liveupdate_finish_device(ser->segment, ser->rid);
	pdev = vfio_pci_incoming_pdev(ser);
	if (pdev) {
		pci_liveupdate_finish(pdev);
		pci_dev_put(pdev);
	}
	kho_restore_free((void *)ser);
}

static const struct liveupdate_file_ops vfio_pci_luo_ops = {
	.can_preserve = vfio_pci_luo_can_preserve,
	.preserve = vfio_pci_luo_preserve,
	.unpreserve = vfio_pci_luo_unpreserve,
	.freeze = vfio_pci_luo_freeze,
	.unfreeze = vfio_pci_luo_unfreeze,
	.retrieve = vfio_pci_luo_retrieve,
	.can_finish = vfio_pci_luo_can_finish,
	.finish = vfio_pci_luo_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler vfio_pci_luo_handler = {
	.ops = &vfio_pci_luo_ops,
	.compatible = VFIO_PCI_SER_COMPATIBLE,
};

int vfio_pci_liveupdate_init(void)
{
	int ret = liveupdate_register_file_handler(&vfio_pci_luo_handler);

	return ret == -EOPNOTSUPP ? 0 : ret;
}

void vfio_pci_liveupdate_exit(void)
{
	liveupdate_unregister_file_handler(&vfio_pci_luo_handler);
}
