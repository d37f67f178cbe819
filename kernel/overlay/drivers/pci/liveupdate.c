// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: PCI functions that go on working across live update
 *
 * The old kernel lists the functions that are preserved, and the bridges above them; it leaves their bus mastering on when it goes
 * down. The new kernel knows the list before it enumerates. A function that is listed, and is what the list says it is, is read and
 * not written: no fixup runs, MSI and MSI-X stay as they are, base address registers are not sized, nothing is configured anew, and only
 * vfio-pci may bind an endpoint. That ends for an endpoint when its session is finished, for a bridge when the last session is:
 * bridges keep being left alone until the next boot, which costs nothing.
 *
 * SR-IOV: a preserved virtual function depends on its physical one, whether that is preserved itself or not: the physical function
 * is listed too, and kept as it is until the last of its virtual functions is finished. It must be in the hands of a driver that
 * leaves it alone, vfio-pci or pci-pf-stub. From preserving in the old kernel until finish in the new one the number of its virtual
 * functions does not change, and nobody resets it. The new kernel takes its SR-IOV capability over without a write, and adds the
 * virtual functions when their base addresses are claimed. A physical function that is not preserved itself keeps bus mastering, since
 * virtual ones may need what it does, but reaches no memory.
 *
 * Lock: pci_liveupdate_lock protects the outgoing list and the states. The records of the old kernel are constant.
 */
#define pr_fmt(fmt) "PCI liveupdate: " fmt

#include <linux/cleanup.h>
#include <linux/kexec_handover.h>
#include <linux/iommu-liveupdate.h>
#include <linux/list.h>
#include <linux/liveupdate-fault.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci-liveupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "pci.h"
#include "../iommu/liveupdate/blob.h"
#include "../iommu/liveupdate/verify.h"

struct pci_outgoing_device {
	struct list_head list;
	struct pci_dev *pdev;
	unsigned int users;	/* itself, if it is an endpoint, and each endpoint that depends on it */
	struct pci_device_ser ser;
};

static DEFINE_MUTEX(pci_liveupdate_lock);
static LIST_HEAD(pci_outgoing_devices);
static void *pci_outgoing_blob;

static const struct pci_ser *pci_incoming_ser;
static bool *pci_incoming_finished;

/* Some function is no longer in use across live update. */
static DECLARE_WAIT_QUEUE_HEAD(pci_liveupdate_ended);

static struct pci_outgoing_device *pci_outgoing_find(struct pci_dev *pdev)
{
	struct pci_outgoing_device *out;

	list_for_each_entry(out, &pci_outgoing_devices, list)
		if (out->pdev == pdev)
			return out;
	return NULL;
}

/* Of a VF base address register the resource holds as many as there may be virtual functions. */
static u64 pci_outgoing_bar_size(struct pci_dev *pdev, int i)
{
	return pci_resource_is_iov(i) ? pci_iov_resource_size(pdev, i) : resource_size(&pdev->resource[i]);
}

/* What the register of a resource reads when all ones were written to it; @first is that of the first such register. */
static u32 pci_outgoing_bar_mask(struct pci_dev *pdev, int i, int first)
{
	const struct resource *res = &pdev->resource[i];
	u64 size_mask;

	/* The upper half of a 64-bit base address register has no resource of its own. */
	if (!(res->flags & (IORESOURCE_MEM | IORESOURCE_IO))) {
		if (i > first && i != PCI_ROM_RESOURCE && (pdev->resource[i - 1].flags & IORESOURCE_MEM_64))
			return ~(pci_outgoing_bar_size(pdev, i - 1) - 1) >> 32;
		return 0;
	}
	size_mask = ~(pci_outgoing_bar_size(pdev, i) - 1);
	if (i == PCI_ROM_RESOURCE)
		return size_mask & PCI_ROM_ADDRESS_MASK;
	if (res->flags & IORESOURCE_IO)
		return (size_mask & PCI_BASE_ADDRESS_IO_MASK) | PCI_BASE_ADDRESS_SPACE_IO;
	return (size_mask & PCI_BASE_ADDRESS_MEM_MASK) | (res->flags & ~PCI_BASE_ADDRESS_MEM_MASK & 0xf);
}

/* The capability does not change while it is described and afterwards: see pci_liveupdate_sriov_fixed(). */
static void pci_outgoing_describe_sriov(struct pci_outgoing_device *out)
{
#ifdef CONFIG_PCI_IOV
	const struct pci_sriov *iov = out->pdev->sriov;
	struct pci_sriov_ser *ser = &out->ser.sriov;
	int i;

	out->ser.flags |= PCI_DEVICE_SER_PF;
	ser->nr_vfs = iov->num_VFs;
	ser->offset = iov->num_VFs ? iov->offset : 0;
	ser->stride = iov->num_VFs ? iov->stride : 0;
	ser->max_bus = iov->max_VF_buses;
	for (i = 0; i < PCI_SRIOV_NUM_BARS; i++)
		ser->vf_bar_mask[i] = pci_outgoing_bar_mask(out->pdev, PCI_IOV_RESOURCES + i, PCI_IOV_RESOURCES);
#endif
}

static void pci_outgoing_describe(struct pci_outgoing_device *out)
{
	struct pci_dev *pdev = out->pdev;
	int i;

	out->ser.segment = pci_domain_nr(pdev->bus);
	out->ser.rid = pci_dev_id(pdev);
	out->ser.vendor = pdev->vendor;
	out->ser.device = pdev->device;
	if (pdev->is_virtfn) {
		/* It has no base address registers of its own. */
		out->ser.flags = PCI_DEVICE_SER_VF;
		out->ser.pf_rid = pci_dev_id(pci_physfn(pdev));
		return;
	}
	for (i = 0; i < (pci_is_bridge(pdev) ? 2 : PCI_STD_NUM_BARS); i++)
		out->ser.bar_mask[i] = pci_outgoing_bar_mask(pdev, i, 0);
	out->ser.rom_mask = pci_outgoing_bar_mask(pdev, PCI_ROM_RESOURCE, PCI_ROM_RESOURCE);
	if (pdev->is_physfn)
		pci_outgoing_describe_sriov(out);
}

static void pci_outgoing_write(void *blob, size_t bytes)
{
	struct pci_ser *ser = blob;
	struct pci_device_ser *devices = (struct pci_device_ser *)(ser + 1);
	struct pci_outgoing_device *out;

	memset(ser, 0, bytes);
	list_for_each_entry(out, &pci_outgoing_devices, list)
		devices[ser->nr_devices++] = out->ser;
	ser->head.magic = PCI_SER_MAGIC;
	ser->head.version = PCI_SER_VERSION;
	ser->head.length_bytes = bytes;
	ser->head.crc32 = lu_blob_crc32(ser, bytes);
}

/* Cannot fail when something was taken away. */
static int pci_outgoing_publish(void)
{
	size_t nr_devices = list_count_nodes(&pci_outgoing_devices);

	return lu_blob_publish(PCI_SER_SUBTREE, &pci_outgoing_blob,
			       nr_devices ? sizeof(struct pci_ser) + nr_devices * sizeof(struct pci_device_ser) : 0,
			       pci_outgoing_write);
}

static int pci_outgoing_get(struct pci_dev *pdev, bool endpoint)
{
	struct pci_outgoing_device *out = pci_outgoing_find(pdev);

	if (!out) {
		out = kzalloc_obj(*out);
		if (!out)
			return -ENOMEM;
		out->pdev = pci_dev_get(pdev);
		pci_outgoing_describe(out);
		list_add_tail(&out->list, &pci_outgoing_devices);
	}
	out->users++;
	if (endpoint)
		out->ser.flags |= PCI_DEVICE_SER_ENDPOINT;
	return 0;
}

static void pci_outgoing_put(struct pci_dev *pdev, bool endpoint)
{
	struct pci_outgoing_device *out = pci_outgoing_find(pdev);

	if (!out)
		return;
	if (endpoint)
		out->ser.flags &= ~PCI_DEVICE_SER_ENDPOINT;
	if (--out->users)
		return;
	list_del(&out->list);
	pci_dev_put(out->pdev);
	kfree(out);
}

/* What a function depends on next: a virtual function on its physical one, any other on the bridge above. */
static struct pci_dev *pci_outgoing_next(struct pci_dev *pdev)
{
	return pdev->is_virtfn ? pci_physfn(pdev) : pci_upstream_bridge(pdev);
}

/* The endpoint and what it depends on, up to and without @end. */
static void pci_outgoing_put_path(struct pci_dev *endpoint, struct pci_dev *end)
{
	struct pci_dev *at;

	for (at = endpoint; at != end; at = pci_outgoing_next(at))
		pci_outgoing_put(at, at == endpoint);
}

static bool pci_driver_keeps_pf(const struct pci_driver *drv)
{
	return !strcmp(drv->name, "vfio-pci") || !strcmp(drv->name, "pci-pf-stub");
}

static bool pci_outgoing_pf_kept(struct pci_dev *pf)
{
	const struct pci_driver *drv = pci_dev_driver(pf);

	return drv && pci_driver_keeps_pf(drv);
}

/**
 * pci_liveupdate_preserve() - leave a function and what it depends on alone, from now until the next kernel has it
 * @pdev: An endpoint.
 *
 * Context: Process context, may sleep.
 * Return: 0; -EBUSY when it is preserved already; -EOPNOTSUPP for a virtual function whose physical one has a driver that would not
 *         leave it alone, or none; -ENOMEM.
 */
int pci_liveupdate_preserve(struct pci_dev *pdev)
{
	struct pci_outgoing_device *out;
	struct pci_dev *at;
	int ret;

	guard(mutex)(&pci_liveupdate_lock);
	if (pdev->is_virtfn && !pci_outgoing_pf_kept(pci_physfn(pdev))) {
		pci_warn(pdev, "cannot be preserved: its physical function %s is not bound to vfio-pci or pci-pf-stub\n",
			 pci_name(pci_physfn(pdev)));
		return -EOPNOTSUPP;
	}
	out = pci_outgoing_find(pdev);
	if (out && (out->ser.flags & PCI_DEVICE_SER_ENDPOINT))
		return -EBUSY;
	for (at = pdev; at; at = pci_outgoing_next(at)) {
		ret = pci_outgoing_get(at, at == pdev);
		if (ret)
			goto err_put;
	}
	ret = pci_outgoing_publish();
	if (ret)
		goto err_put;
	return 0;

err_put:
	pci_outgoing_put_path(pdev, at);
	return ret;
}
EXPORT_SYMBOL_GPL(pci_liveupdate_preserve);

/**
 * pci_liveupdate_unpreserve() - undo pci_liveupdate_preserve()
 * @pdev: The endpoint.
 *
 * Context: Process context, may sleep.
 */
void pci_liveupdate_unpreserve(struct pci_dev *pdev)
{
	scoped_guard(mutex, &pci_liveupdate_lock) {
		pci_outgoing_put_path(pdev, NULL);
		WARN_ON(pci_outgoing_publish());
	}
	wake_up_all(&pci_liveupdate_ended);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_unpreserve);

/**
 * pci_liveupdate_preserved() - is a function, or one that depends on it, preserved for the next kernel?
 * @pdev: Any function.
 *
 * Context: Process context, may sleep.
 * Return: true while it is.
 */
bool pci_liveupdate_preserved(struct pci_dev *pdev)
{
	if (liveupdate_fault(LIVEUPDATE_FAULT_BUS_MASTER))
		return false;
	if (liveupdate_fault(LIVEUPDATE_FAULT_KEEP_BUS_MASTER))
		return true;
	guard(mutex)(&pci_liveupdate_lock);
	return pci_outgoing_find(pdev);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_preserved);

/* Enumeration is single-threaded, and the first to ask. */
static void pci_incoming_find(void)
{
	struct lu_verdict verdict = { .error = LU_ERR_RANGE };
	phys_addr_t pa;
	size_t bytes;
	int ret;

	ret = kho_retrieve_subtree(PCI_SER_SUBTREE, &pa, &bytes);
	if (ret == -ENOENT)
		return;
	if (ret || !iommu_liveupdate_handed_over(pa, bytes) || !lu_verify_pci(phys_to_virt(pa), bytes, &verdict)) {
		pr_err("what the old kernel left is refused (%s, record %u)\n", lu_error_name(verdict.error),
		       verdict.index);
		return;
	}
	pci_incoming_ser = phys_to_virt(pa);
	pci_incoming_finished = kcalloc(pci_incoming_ser->nr_devices, sizeof(bool), GFP_KERNEL);
	if (!pci_incoming_finished)
		pci_incoming_ser = NULL;
}

static const struct pci_device_ser *pci_incoming_record(struct pci_dev *pdev)
{
	static bool looked;
	const struct pci_device_ser *devices;
	u32 i;

	if (!looked) {
		looked = true;
		pci_incoming_find();
	}
	if (!pci_incoming_ser || !pdev->bus)
		return NULL;
	devices = lu_pci_devices(pci_incoming_ser);
	for (i = 0; i < pci_incoming_ser->nr_devices; i++)
		if (devices[i].segment == pci_domain_nr(pdev->bus) && devices[i].rid == pci_dev_id(pdev))
			return &devices[i];
	return NULL;
}

/* A bridge stays in use, a virtual function keeps its physical one in use. */
static bool pci_incoming_in_use(const struct pci_device_ser *record)
{
	const struct pci_device_ser *devices = lu_pci_devices(pci_incoming_ser);
	u32 i;

	if (!(record->flags & PCI_DEVICE_SER_PF) || (record->flags & PCI_DEVICE_SER_ENDPOINT))
		if (!pci_incoming_finished[record - devices])
			return true;
	if (!(record->flags & PCI_DEVICE_SER_PF))
		return false;
	for (i = 0; i < pci_incoming_ser->nr_devices; i++)
		if ((devices[i].flags & PCI_DEVICE_SER_VF) && devices[i].segment == record->segment &&
		    devices[i].pf_rid == record->rid && !pci_incoming_finished[i])
			return true;
	return false;
}

static const struct pci_device_ser *pci_incoming_current(struct pci_dev *pdev)
{
	const struct pci_device_ser *record = pci_incoming_record(pdev);

	if (!record || !pci_incoming_in_use(record))
		return NULL;
	if (record->vendor != pdev->vendor || record->device != pdev->device) {
		pci_err(pdev, "%04x:%04x was preserved here; the record is not applied\n", record->vendor,
			record->device);
		return NULL;
	}
	return record;
}

/**
 * pci_liveupdate_incoming() - was a function preserved, and is its session not finished?
 * @pdev: A function whose bus, devfn, vendor and device are set.
 *
 * Context: Any, from enumeration on.
 * Return: true when it must be left alone.
 */
bool pci_liveupdate_incoming(struct pci_dev *pdev)
{
	return pci_incoming_current(pdev);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_incoming);

/* Is one of its virtual functions preserved for the next kernel? */
static bool pci_outgoing_vf_preserved(struct pci_dev *pdev)
{
	struct pci_outgoing_device *out;

	if (!pdev->is_physfn)
		return false;
	guard(mutex)(&pci_liveupdate_lock);
	list_for_each_entry(out, &pci_outgoing_devices, list)
		if (out->pdev->is_virtfn && pci_physfn(out->pdev) == pdev)
			return true;
	return false;
}

/**
 * pci_liveupdate_may_reset() - may a function be reset?
 * @pdev: The function.
 *
 * The user of a preserved function may reset it in the old kernel; but resetting a physical function takes away the virtual ones,
 * which are others'.
 *
 * Context: Process context, may sleep; from enumeration on.
 * Return: false while it is in use by somebody who has not claimed it, or not finished claiming it.
 */
bool pci_liveupdate_may_reset(struct pci_dev *pdev)
{
	if (pci_outgoing_vf_preserved(pdev))
		return false;
	return !pci_liveupdate_incoming(pdev) || liveupdate_fault(LIVEUPDATE_FAULT_RESET);
}

/**
 * pci_liveupdate_sriov_fixed() - must the number of virtual functions stay as it is?
 * @pdev: A physical function.
 *
 * Context: Process context, may sleep.
 * Return: true while the function, or a virtual one of it, is preserved, from preserving to finish.
 */
bool pci_liveupdate_sriov_fixed(struct pci_dev *pdev)
{
	if (pci_liveupdate_incoming(pdev))
		return true;
	guard(mutex)(&pci_liveupdate_lock);
	return pci_outgoing_find(pdev);
}

/**
 * pci_liveupdate_sriov_wait() - wait until virtual functions may be disabled
 * @pdev: A physical function that its driver is taken from, which cannot be refused.
 *
 * Context: Process context, may sleep.
 */
void pci_liveupdate_sriov_wait(struct pci_dev *pdev)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	if (pci_dev_is_disconnected(pdev) || !pci_liveupdate_sriov_fixed(pdev))
		return;
	pci_warn(pdev, "has virtual functions in use across live update: they stay until that is finished\n");
	add_wait_queue(&pci_liveupdate_ended, &wait);
	while (pci_liveupdate_sriov_fixed(pdev))
		wait_woken(&wait, TASK_IDLE, MAX_SCHEDULE_TIMEOUT);
	remove_wait_queue(&pci_liveupdate_ended, &wait);
}

/**
 * pci_liveupdate_only_kept() - is a function left alone for the sake of others, and may do DMA nobody answers for?
 * @dev: Any device.
 *
 * Context: Any, from enumeration on.
 * Return: true for a physical function that was not preserved itself, until its virtual functions are finished.
 */
bool pci_liveupdate_only_kept(struct device *dev)
{
	const struct pci_device_ser *record;

	if (!dev_is_pci(dev))
		return false;
	record = pci_incoming_current(to_pci_dev(dev));
	return record && (record->flags & (PCI_DEVICE_SER_PF | PCI_DEVICE_SER_ENDPOINT)) == PCI_DEVICE_SER_PF;
}

/**
 * pci_liveupdate_may_bind() - may a driver bind a function?
 * @pdev: The function.
 * @drv: The driver.
 *
 * Context: Process context.
 * Return: false for a preserved endpoint and any driver but vfio-pci; for a physical function that preserved virtual functions depend
 *         on, and any driver but vfio-pci and pci-pf-stub.
 */
bool pci_liveupdate_may_bind(struct pci_dev *pdev, const struct pci_driver *drv)
{
	const struct pci_device_ser *record = pci_incoming_current(pdev);
	bool may;

	if (record && (record->flags & PCI_DEVICE_SER_ENDPOINT) && !pci_incoming_finished[record - lu_pci_devices(pci_incoming_ser)])
		may = !strcmp(drv->name, "vfio-pci");
	else if ((record && (record->flags & PCI_DEVICE_SER_PF)) || pci_outgoing_vf_preserved(pdev))
		may = pci_driver_keeps_pf(drv);
	else
		may = true;
	if (may)
		return true;
	pci_info(pdev, "is in use across live update: %s may not bind it\n", drv->name);
	return false;
}

/**
 * pci_liveupdate_size_bars() - sizes without writing to the registers
 * @pdev: The function.
 * @nr_bars: How many base address registers its header has.
 * @bar_masks: Set as sizing would.
 * @rom_mask: Likewise.
 *
 * Context: Enumeration.
 * Return: false when the function was not preserved: then it must be sized.
 */
bool pci_liveupdate_size_bars(struct pci_dev *pdev, unsigned int nr_bars, u32 *bar_masks, u32 *rom_mask)
{
	const struct pci_device_ser *record = pci_incoming_current(pdev);

	if (!record || nr_bars > ARRAY_SIZE(record->bar_mask))
		return false;
	memcpy(bar_masks, record->bar_mask, nr_bars * sizeof(*bar_masks));
	*rom_mask = record->rom_mask;
	return true;
}

/**
 * pci_liveupdate_finish() - an endpoint is one like any other again
 * @pdev: A preserved endpoint whose session is being finished.
 *
 * Context: Process context.
 */
void pci_liveupdate_finish(struct pci_dev *pdev)
{
	const struct pci_device_ser *record = pci_incoming_record(pdev);

	scoped_guard(mutex, &pci_liveupdate_lock)
		if (record)
			pci_incoming_finished[record - lu_pci_devices(pci_incoming_ser)] = true;
	wake_up_all(&pci_liveupdate_ended);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_finish);

#ifdef CONFIG_PCI_IOV
/**
 * pci_liveupdate_keeps_sriov() - is an SR-IOV capability taken over, rather than set up?
 * @pdev: The function that has it.
 *
 * Context: Enumeration.
 * Return: true for a function that is in use across live update.
 */
bool pci_liveupdate_keeps_sriov(struct pci_dev *pdev)
{
	return pci_liveupdate_incoming(pdev) && !liveupdate_fault(LIVEUPDATE_FAULT_SRIOV);
}

/* Is the capability what the old kernel said it is? What differs would make virtual functions of other requester IDs. */
static bool pci_incoming_sriov_same(struct pci_dev *pdev, int pos, const struct pci_sriov_ser *ser)
{
	const u16 enabled = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	u16 ctrl, nr_vfs, offset, stride, total;

	pci_read_config_word(pdev, pos + PCI_SRIOV_CTRL, &ctrl);
	pci_read_config_word(pdev, pos + PCI_SRIOV_TOTAL_VF, &total);
	pci_read_config_word(pdev, pos + PCI_SRIOV_NUM_VF, &nr_vfs);
	pci_read_config_word(pdev, pos + PCI_SRIOV_VF_OFFSET, &offset);
	pci_read_config_word(pdev, pos + PCI_SRIOV_VF_STRIDE, &stride);
	if (!ser->nr_vfs)
		return !(ctrl & PCI_SRIOV_CTRL_VFE);
	return (ctrl & enabled) == enabled && nr_vfs == ser->nr_vfs && nr_vfs <= total && offset == ser->offset &&
	       stride == ser->stride;
}

/* As sriov_init() finds it, but that the sizes are the old kernel's. */
static void pci_incoming_sriov_bars(struct pci_dev *pdev, struct pci_sriov *iov, const struct pci_sriov_ser *ser)
{
	u32 masks[PCI_SRIOV_NUM_BARS];
	int i;

	memcpy(masks, ser->vf_bar_mask, sizeof(masks));
	for (i = 0; i < PCI_SRIOV_NUM_BARS; i++) {
		struct resource *res = &pdev->resource[PCI_IOV_RESOURCES + i];
		bool wide = __pci_read_base(pdev, pci_bar_unknown, res, iov->pos + PCI_SRIOV_BAR + i * 4, &masks[i]);

		if (res->flags) {
			iov->barsz[i] = resource_size(res);
			resource_set_size(res, resource_size(res) * iov->total_VFs);
			iov->nres++;
		}
		i += wide;
	}
}

static void pci_incoming_sriov_read(struct pci_dev *pdev, struct pci_sriov *iov)
{
	pci_read_config_dword(pdev, iov->pos + PCI_SRIOV_CAP, &iov->cap);
	pci_read_config_word(pdev, iov->pos + PCI_SRIOV_CTRL, &iov->ctrl);
	pci_read_config_word(pdev, iov->pos + PCI_SRIOV_INITIAL_VF, &iov->initial_VFs);
	pci_read_config_word(pdev, iov->pos + PCI_SRIOV_TOTAL_VF, &iov->total_VFs);
	pci_read_config_word(pdev, iov->pos + PCI_SRIOV_VF_DID, &iov->vf_device);
	pci_read_config_dword(pdev, iov->pos + PCI_SRIOV_SYS_PGSIZE, &iov->pgsz);
	pci_read_config_byte(pdev, iov->pos + PCI_SRIOV_FUNC_LINK, &iov->link);
	if (pci_pcie_type(pdev) == PCI_EXP_TYPE_RC_END)
		iov->link = PCI_DEVFN(PCI_SLOT(pdev->devfn), iov->link);
	iov->driver_max_VFs = iov->total_VFs;
	iov->vf_rebar_cap = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_VF_REBAR);
	iov->drivers_autoprobe = true;
}

/* The lowest numbered physical function of the bus, which the others go by. */
static struct pci_dev *pci_incoming_sriov_first(struct pci_dev *pdev)
{
	struct pci_dev *other;

	list_for_each_entry(other, &pdev->bus->devices, bus_list)
		if (other->is_physfn)
			return pci_dev_get(other);
	return pdev;
}

/**
 * pci_liveupdate_adopt_sriov() - take an SR-IOV capability over as it is, instead of sriov_init()
 * @pdev: A function that is in use across live update.
 * @pos: Of the capability.
 *
 * Nothing is written. The virtual functions are added by pci_liveupdate_add_virtfns().
 *
 * Context: Enumeration.
 * Return: 0; -ENODEV when it is not what the old kernel said it is: then the function has no virtual ones in this kernel; -ENOMEM.
 */
int pci_liveupdate_adopt_sriov(struct pci_dev *pdev, int pos)
{
	const struct pci_device_ser *record = pci_incoming_current(pdev);
	struct pci_sriov *iov;

	if (!record || !(record->flags & PCI_DEVICE_SER_PF) || !pci_incoming_sriov_same(pdev, pos, &record->sriov)) {
		pci_err(pdev, "SR-IOV is not as it was handed over; it is left alone\n");
		return -ENODEV;
	}
	iov = kzalloc_obj(*iov);
	if (!iov)
		return -ENOMEM;
	iov->pos = pos;
	iov->self = pdev;
	iov->max_VF_buses = record->sriov.max_bus;
	iov->offset = record->sriov.offset;
	iov->stride = record->sriov.stride;
	pci_incoming_sriov_read(pdev, iov);
	pci_incoming_sriov_bars(pdev, iov, &record->sriov);
	iov->dev = pci_incoming_sriov_first(pdev);
	pdev->sriov = iov;
	pdev->is_physfn = 1;
	return 0;
}

static void pci_incoming_add_virtfns(struct pci_dev *pdev, u16 nr_vfs)
{
	u16 i;
	int ret;

	for (i = 0; i < nr_vfs; i++) {
		ret = pci_iov_add_virtfn(pdev, i);
		if (ret)
			pci_err(pdev, "virtual function %u: %pe\n", i, ERR_PTR(ret));
	}
	pdev->sriov->num_VFs = nr_vfs;
	pci_info(pdev, "%u virtual functions taken over\n", nr_vfs);
}

/*
 * Late enough: physical functions are added before any address is claimed, and virtual ones need the addresses of theirs (claimed by an
 * fs_initcall), and an IOMMU and interrupt remapping, which expect to be set up before there are virtual functions (rootfs_initcall).
 * Early enough: there is no userspace to bind anything.
 */
static int __init pci_liveupdate_add_virtfns(void)
{
	const struct pci_device_ser *record;
	struct pci_dev *pdev = NULL;

	pci_lock_rescan_remove();
	for_each_pci_dev(pdev) {
		record = pdev->is_physfn ? pci_incoming_current(pdev) : NULL;
		if (record && record->sriov.nr_vfs && !pdev->sriov->num_VFs)
			pci_incoming_add_virtfns(pdev, record->sriov.nr_vfs);
	}
	pci_unlock_rescan_remove();
	return 0;
}
device_initcall(pci_liveupdate_add_virtfns);
#endif
