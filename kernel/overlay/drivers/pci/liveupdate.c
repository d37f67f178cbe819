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

#include "../iommu/liveupdate/blob.h"
#include "../iommu/liveupdate/verify.h"

struct pci_outgoing_device {
	struct list_head list;
	struct pci_dev *pdev;
	unsigned int users;	/* a bridge has one for each endpoint below it */
	struct pci_device_ser ser;
};

static DEFINE_MUTEX(pci_liveupdate_lock);
static LIST_HEAD(pci_outgoing_devices);
static void *pci_outgoing_blob;

static const struct pci_ser *pci_incoming_ser;
static bool *pci_incoming_finished;

static struct pci_outgoing_device *pci_outgoing_find(struct pci_dev *pdev)
{
	struct pci_outgoing_device *out;

	list_for_each_entry(out, &pci_outgoing_devices, list)
		if (out->pdev == pdev)
			return out;
	return NULL;
}

/* What the register of a resource reads when all ones were written to it. */
static u32 pci_outgoing_bar_mask(struct pci_dev *pdev, int i)
{
	const struct resource *res = &pdev->resource[i];
	u64 size_mask;

	/* The upper half of a 64-bit base address register has no resource of its own. */
	if (!(res->flags & (IORESOURCE_MEM | IORESOURCE_IO))) {
		if (i && i < PCI_STD_NUM_BARS && (pdev->resource[i - 1].flags & IORESOURCE_MEM_64))
			return ~(resource_size(&pdev->resource[i - 1]) - 1) >> 32;
		return 0;
	}
	size_mask = ~(resource_size(res) - 1);
	if (i == PCI_ROM_RESOURCE)
		return size_mask & PCI_ROM_ADDRESS_MASK;
	if (res->flags & IORESOURCE_IO)
		return (size_mask & PCI_BASE_ADDRESS_IO_MASK) | PCI_BASE_ADDRESS_SPACE_IO;
	return (size_mask & PCI_BASE_ADDRESS_MEM_MASK) | (res->flags & ~PCI_BASE_ADDRESS_MEM_MASK & 0xf);
}

static void pci_outgoing_describe(struct pci_outgoing_device *out, bool endpoint)
{
	struct pci_dev *pdev = out->pdev;
	int i;

	out->ser.segment = pci_domain_nr(pdev->bus);
	out->ser.rid = pci_dev_id(pdev);
	out->ser.vendor = pdev->vendor;
	out->ser.device = pdev->device;
	out->ser.flags = endpoint ? PCI_DEVICE_SER_ENDPOINT : 0;
	for (i = 0; i < (endpoint ? PCI_STD_NUM_BARS : 2); i++)
		out->ser.bar_mask[i] = pci_outgoing_bar_mask(pdev, i);
	out->ser.rom_mask = pci_outgoing_bar_mask(pdev, PCI_ROM_RESOURCE);
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

	if (out) {
		out->users++;
		return 0;
	}
	out = kzalloc_obj(*out);
	if (!out)
		return -ENOMEM;
	out->pdev = pci_dev_get(pdev);
	out->users = 1;
	pci_outgoing_describe(out, endpoint);
	list_add_tail(&out->list, &pci_outgoing_devices);
	return 0;
}

static void pci_outgoing_put(struct pci_dev *pdev)
{
	struct pci_outgoing_device *out = pci_outgoing_find(pdev);

	if (!out || --out->users)
		return;
	list_del(&out->list);
	pci_dev_put(out->pdev);
	kfree(out);
}

/* The endpoint and the bridges above it, up to and without @end. */
static void pci_outgoing_put_path(struct pci_dev *pdev, struct pci_dev *end)
{
	for (; pdev != end; pdev = pci_upstream_bridge(pdev))
		pci_outgoing_put(pdev);
}

/**
 * pci_liveupdate_preserve() - leave a function and the bridges above it alone, from now until the next kernel has it
 * @pdev: An endpoint.
 *
 * Context: Process context, may sleep.
 * Return: 0; -EBUSY when it is preserved already; -EOPNOTSUPP for a function of an SR-IOV device; -ENOMEM.
 */
int pci_liveupdate_preserve(struct pci_dev *pdev)
{
	struct pci_dev *at;
	int ret;

	if (pdev->is_virtfn || pci_num_vf(pdev)) {
		pci_warn(pdev, "cannot be preserved: SR-IOV is in use\n");
		return -EOPNOTSUPP;
	}

	guard(mutex)(&pci_liveupdate_lock);
	if (pci_outgoing_find(pdev))
		return -EBUSY;
	for (at = pdev; at; at = pci_upstream_bridge(at)) {
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
	guard(mutex)(&pci_liveupdate_lock);
	pci_outgoing_put_path(pdev, NULL);
	WARN_ON(pci_outgoing_publish());
}
EXPORT_SYMBOL_GPL(pci_liveupdate_unpreserve);

/**
 * pci_liveupdate_preserved() - is a function, or one below it, preserved for the next kernel?
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

static const struct pci_device_ser *pci_incoming_current(struct pci_dev *pdev)
{
	const struct pci_device_ser *record = pci_incoming_record(pdev);

	if (!record || pci_incoming_finished[record - lu_pci_devices(pci_incoming_ser)])
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

/**
 * pci_liveupdate_may_reset() - may a function be reset?
 * @pdev: The function.
 *
 * Context: Any, from enumeration on.
 * Return: false while it is in use by somebody who has not claimed it, or not finished claiming it.
 */
bool pci_liveupdate_may_reset(struct pci_dev *pdev)
{
	return !pci_liveupdate_incoming(pdev) || liveupdate_fault(LIVEUPDATE_FAULT_RESET);
}

/**
 * pci_liveupdate_may_bind() - may a driver bind a function?
 * @pdev: The function.
 * @drv: The driver.
 *
 * Context: Process context.
 * Return: false for a preserved endpoint and any driver but vfio-pci.
 */
bool pci_liveupdate_may_bind(struct pci_dev *pdev, const struct pci_driver *drv)
{
	const struct pci_device_ser *record = pci_incoming_current(pdev);

	if (!record || !(record->flags & PCI_DEVICE_SER_ENDPOINT) || !strcmp(drv->name, "vfio-pci"))
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

	guard(mutex)(&pci_liveupdate_lock);
	if (record)
		pci_incoming_finished[record - lu_pci_devices(pci_incoming_ser)] = true;
}
EXPORT_SYMBOL_GPL(pci_liveupdate_finish);
