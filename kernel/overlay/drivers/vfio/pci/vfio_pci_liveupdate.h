/* SPDX-License-Identifier: GPL-2.0-only */
/* vfio-pci across live update: what the rest of vfio-pci calls. See vfio_pci_liveupdate.c. */
#ifndef _VFIO_PCI_LIVEUPDATE_H
#define _VFIO_PCI_LIVEUPDATE_H

#include <linux/eventfd.h>
#include <linux/liveupdate-fault.h>
#include <linux/pci.h>
#include <linux/pci-liveupdate.h>

/* Is the device opened one that is in use already, so that it is taken as it is? */
static inline bool vfio_pci_liveupdate_adopt(struct pci_dev *pdev)
{
	return pci_liveupdate_incoming(pdev) && !liveupdate_fault(LIVEUPDATE_FAULT_RESET);
}

/* MSI has no mask that keeps what was pending: one spurious interrupt is right, a lost one is not. */
static inline void vfio_pci_liveupdate_signal(struct pci_dev *pdev, struct eventfd_ctx *trigger, bool msix)
{
	if (!msix && pci_liveupdate_incoming(pdev))
		eventfd_signal(trigger);
}

/* Instead of trying a reset: would there be one? */
static inline int vfio_pci_liveupdate_probe_reset(struct pci_dev *pdev)
{
	return pdev->reset_methods[0] ? 0 : -ENOTTY;
}

/* What is restored at close is a device that is not a bus master, also when it was one at open. */
static inline void vfio_pci_liveupdate_saved(struct pci_dev *pdev)
{
	pdev->saved_config_space[PCI_COMMAND / 4] &= ~PCI_COMMAND_MASTER;
}

/*
 * A PF whose VFs came through an update is in use by them, and nobody has it. VFs that are bound did not find it, and would
 * never know whose they are.
 */
static inline bool vfio_pci_liveupdate_adopt_vfs(struct pci_dev *pf)
{
	struct pci_dev *vf = NULL;
	bool bound = false;

	if (!pci_liveupdate_incoming(pf))
		return false;
	while (!bound && (vf = pci_get_device(pf->vendor, PCI_ANY_ID, vf)))
		bound = vf->is_virtfn && pci_physfn(vf) == pf && pci_dev_driver(vf);
	pci_dev_put(bound ? vf : NULL);
	return !bound;
}

#ifdef CONFIG_IOMMU_LIVEUPDATE
int vfio_pci_liveupdate_init(void);
void vfio_pci_liveupdate_exit(void);
#else
static inline int vfio_pci_liveupdate_init(void)
{
	return 0;
}

static inline void vfio_pci_liveupdate_exit(void)
{
}
#endif
#endif
