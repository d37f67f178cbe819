/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions that are in use across live update. See drivers/pci/liveupdate.c. */
#ifndef _LINUX_PCI_LIVEUPDATE_H
#define _LINUX_PCI_LIVEUPDATE_H

#include <linux/errno.h>
#include <linux/types.h>

struct device;
struct pci_dev;
struct pci_driver;

#ifdef CONFIG_IOMMU_LIVEUPDATE

int pci_liveupdate_preserve(struct pci_dev *pdev);
void pci_liveupdate_unpreserve(struct pci_dev *pdev);
bool pci_liveupdate_preserved(struct pci_dev *pdev);

bool pci_liveupdate_incoming(struct pci_dev *pdev);
bool pci_liveupdate_may_reset(struct pci_dev *pdev);
bool pci_liveupdate_may_bind(struct pci_dev *pdev, const struct pci_driver *drv);
bool pci_liveupdate_size_bars(struct pci_dev *pdev, unsigned int nr_bars, u32 *bar_masks, u32 *rom_mask);
void pci_liveupdate_finish(struct pci_dev *pdev);

bool pci_liveupdate_sriov_fixed(struct pci_dev *pdev);
void pci_liveupdate_sriov_wait(struct pci_dev *pdev);
bool pci_liveupdate_keeps_sriov(struct pci_dev *pdev);
int pci_liveupdate_adopt_sriov(struct pci_dev *pdev, int pos);
bool pci_liveupdate_only_kept(struct device *dev);

#else

static inline bool pci_liveupdate_preserved(struct pci_dev *pdev)
{
	return false;
}

static inline bool pci_liveupdate_incoming(struct pci_dev *pdev)
{
	return false;
}

static inline bool pci_liveupdate_may_reset(struct pci_dev *pdev)
{
	return true;
}

static inline bool pci_liveupdate_may_bind(struct pci_dev *pdev, const struct pci_driver *drv)
{
	return true;
}

static inline bool pci_liveupdate_size_bars(struct pci_dev *pdev, unsigned int nr_bars, u32 *bar_masks, u32 *rom_mask)
{
	return false;
}

static inline bool pci_liveupdate_sriov_fixed(struct pci_dev *pdev)
{
	return false;
}

static inline void pci_liveupdate_sriov_wait(struct pci_dev *pdev)
{
}

static inline bool pci_liveupdate_keeps_sriov(struct pci_dev *pdev)
{
	return false;
}

static inline int pci_liveupdate_adopt_sriov(struct pci_dev *pdev, int pos)
{
	return -ENODEV;
}

static inline bool pci_liveupdate_only_kept(struct device *dev)
{
	return false;
}

#endif
#endif
