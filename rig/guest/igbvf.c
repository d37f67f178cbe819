// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An 82576 with virtual functions: each is a pool of the receive filter with a queue of its own, and gets the frames with its
 * address. The physical function assigns addresses to pools, and receives by a pool, too, when this program drives it; when the
 * host's stub driver has it, it only assigns. Intel 82576 Gigabit Ethernet Controller Datasheet, revision 2.63: 7.10
 * (virtualization), 8.14 (virtualization registers), 8.28 (virtual function registers).
 */
#include <errno.h>
#include <linux/pci_regs.h>

#include "igb.h"
#include "pci.h"

#define IGB_VFRE		0x0c8c
#define IGB_RAL(i)		(0x5400 + (i) * 8)
#define IGB_RAH(i)		(0x5404 + (i) * 8)
#define IGB_MRQC		0x5818
#define IGB_VT_CTL		0x581c
#define IGB_VMOLR(pool)		(0x5ad0 + (pool) * 4)

#define IGB_MRQC_VMDQ		3u		/* queues by pool */
#define IGB_VT_CTL_NO_DEFAULT	(1u << 29)	/* what is nobody's is dropped */
#define IGB_RAH_POOL(pool)	(1u << (18 + (pool)))
#define IGB_RAH_VALID		(1u << 31)
#define IGB_VMOLR_UNTAGGED	(1u << 24)

#define IGB_PF_QUEUE		(0xc000 + RIG_POOL_PF * 0x40)
#define IGB_VF_QUEUE		0x2800		/* as a virtual function sees it */
#define IGB_RDH			0x10

#define IGB_BAR0_BYTES		0x20000

static const uint8_t token[VFIO_TOKEN_BYTES] = "hitless-rig-vfs";

static int pool_address_set(const struct device *pf, uint32_t index, uint32_t pool)
{
	const uint8_t prefix[] = RIG_MAC_PREFIX;
	const struct igb_setup setup[] = {
		{ IGB_RAL(index), prefix[0] | prefix[1] << 8 | prefix[2] << 16 | (uint32_t)prefix[3] << 24 },
		{ IGB_RAH(index), prefix[4] | RIG_MAC_POOL(pool) << 8 | IGB_RAH_POOL(pool) | IGB_RAH_VALID },
		{ IGB_VMOLR(pool), IGB_VMOLR_UNTAGGED },
	};

	return igb_write_all(pf, setup, ARRAY_SIZE(setup));
}

/* Resetting a virtual function takes its pool out of this register: it is to be set when nobody resets it any more. */
static int pool_enable(const struct device *pf, uint32_t pool)
{
	uint32_t pools;
	int ret = igb_read(pf, IGB_VFRE, &pools);

	return ret ? ret : igb_write(pf, IGB_VFRE, pools | 1u << pool);
}

static int pools_setup(const struct device *pf)
{
	const struct igb_setup setup[] = {
		{ IGB_GPIE, IGB_GPIE_MULTIPLE_MSIX },
		{ IGB_MRQC, IGB_MRQC_VMDQ },
		{ IGB_VT_CTL, IGB_VT_CTL_NO_DEFAULT },
	};
	uint32_t pool;
	int ret = igb_link_up(pf);

	if (!ret)
		ret = igb_write_all(pf, setup, ARRAY_SIZE(setup));
	for (pool = 0; !ret && pool < pf->nr_vfs; pool++)
		ret = pool_address_set(pf, 1 + pool, pool);
	return ret ? ret : igb_write(pf, IGB_RCTL, IGB_RCTL_EN | IGB_RCTL_SECRC);
}

static int igb_pf_start(struct device *dev)
{
	const struct igb_setup setup[] = {
		{ IGB_EIAC, 1 },
		{ IGB_IVAR0 + 4 * RIG_POOL_PF, IGB_IVAR_VALID },
		{ IGB_EIMS, 1 },
	};
	int ret = pci_numvfs_write(dev->bdf, dev->nr_vfs);

	if (!ret)
		ret = pools_setup(dev);
	if (!ret)
		ret = igb_write_all(dev, setup, ARRAY_SIZE(setup));
	if (!ret)
		ret = pool_address_set(dev, 0, dev->pool);
	if (!ret)
		ret = igb_queue_setup(dev);
	if (!ret)
		ret = pool_enable(dev, dev->pool);
	return ret ? ret : igb_ring_start(dev);
}

static int igb_vf_start(struct device *dev)
{
	const struct igb_setup setup[] = {
		{ IGB_EIAC, 1 },
		{ IGB_IVAR0, IGB_IVAR_VALID },
		{ IGB_EIMS, 1 },
	};
	int ret = pool_enable(dev->pf, dev->pool);

	if (!ret)
		ret = igb_write_all(dev, setup, ARRAY_SIZE(setup));
	if (!ret)
		ret = igb_queue_setup(dev);
	return ret ? ret : igb_ring_start(dev);
}

/* The device receives nothing while its physical function is no bus master. */
static int stub_enable(const struct device *dev)
{
	uint16_t command;
	int ret = pci_config_read16(dev->bdf, PCI_COMMAND, &command);

	return ret ? ret : pci_config_write16(dev->bdf, PCI_COMMAND, command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* A physical function that the host's stub driver has, so that there are virtual ones. */
int igb_stub_start(struct device *dev)
{
	void *bar0;
	int ret = pci_driver_bind(dev->bdf, PCI_PF_STUB);

	if (!ret)
		ret = stub_enable(dev);
	if (!ret)
		ret = pci_numvfs_write(dev->bdf, dev->nr_vfs);
	if (!ret)
		ret = pci_bar0_map(dev->bdf, IGB_BAR0_BYTES, &bar0);
	if (ret)
		return ret;
	dev->bar0 = bar0;
	return pools_setup(dev);
}

/* One that this program drives, for the sake of the virtual ones alone. */
static int igb_kept_start(struct device *dev)
{
	int ret = pci_numvfs_write(dev->bdf, dev->nr_vfs);

	return ret ? ret : pools_setup(dev);
}

/* Who is whose physical function. Without virtual functions there is nothing to relate. */
int igb_functions_relate(struct device *devices, unsigned int nr_devices)
{
	struct device *dev, *pf = NULL;

	for (dev = devices; dev < devices + nr_devices; dev++)
		if (dev->ops == &igb_ops || dev->ops == &igb_stub_ops || dev->ops == &igb_kept_ops)
			pf = dev;
	for (dev = devices; dev < devices + nr_devices; dev++) {
		if (dev->ops != &igb_vf_ops)
			continue;
		/* The virtual ones are made when it starts, and in the order in which they are named. */
		if (!pf || (pf->ops == &igb_ops && pf > dev))
			return -ENODEV;
		dev->pf = pf;
		pf->nr_vfs++;
		dev->pooled = true;
		dev->token = pf->ops == &igb_stub_ops ? NULL : token;
	}
	if (!pf || !pf->nr_vfs || pf->ops == &igb_stub_ops)
		return 0;
	pf->token = token;
	if (pf->ops == &igb_kept_ops)
		return 0;
	pf->ops = &igb_pf_ops;
	pf->pooled = true;
	pf->pool = RIG_POOL_PF;
	return 0;
}

const struct device_ops igb_pf_ops = {
	.kind = RIG_DEVICE_IGB,
	.vendor = 0x8086,
	.device = 0x10c9,
	.dma_bytes = IGB_DMA_BYTES,
	.counter_modulo = IGB_NR_DESCRIPTORS,
	.counter_register = IGB_PF_QUEUE + IGB_RDH,
	.has_irq = true,
	.start = igb_pf_start,
	.adopt = igb_adopt,
	.poll = igb_poll,
	.irq_raise = igb_irq_raise,
	.irq_owed = igb_irq_owed,
};

const struct device_ops igb_vf_ops = {
	.kind = RIG_DEVICE_IGB,
	.vendor = 0x8086,
	.device = 0x10ca,
	.dma_bytes = IGB_DMA_BYTES,
	.counter_modulo = IGB_NR_DESCRIPTORS,
	.counter_register = IGB_VF_QUEUE + IGB_RDH,
	.has_irq = true,
	.start = igb_vf_start,
	.adopt = igb_adopt,
	.poll = igb_poll,
	.irq_raise = igb_irq_raise,
	.irq_owed = igb_irq_owed,
};

const struct device_ops igb_stub_ops = {
	.kind = RIG_DEVICE_NONE,
	.vendor = 0x8086,
	.device = 0x10c9,
};

const struct device_ops igb_kept_ops = {
	.kind = RIG_DEVICE_NONE,
	.vendor = 0x8086,
	.device = 0x10c9,
	.start = igb_kept_start,
};
