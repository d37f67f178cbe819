/* SPDX-License-Identifier: GPL-2.0-only */
/* For KUnit tests of AMD-Vi: a unit that does not exist. Its device table, registers and commands are memory. */
#ifndef __AMD_UNIT_KUNIT_H
#define __AMD_UNIT_KUNIT_H

#include <kunit/test.h>

#include "amd_iommu.h"

/* @seg.dev_table has entries up to that of @dev_data. */
struct amd_kunit_unit {
	struct amd_iommu iommu;
	struct amd_iommu_pci_seg seg;
	struct iommu_dev_data dev_data;
	u64 sem;
};

static inline void amd_kunit_unit_init(struct kunit *test, struct amd_kunit_unit *unit, u16 devid)
{
	struct dev_table_entry *table = kunit_kzalloc(test, (devid + 1) * sizeof(*table) + 32, GFP_KERNEL);
	u8 *registers = kunit_kzalloc(test, MMIO_CNTR_CONF_OFFSET, GFP_KERNEL);

	unit->iommu.cmd_buf = kunit_kzalloc(test, CMD_BUFFER_SIZE, GFP_KERNEL);
	unit->seg.alias_table = kunit_kcalloc(test, devid + 1, sizeof(*unit->seg.alias_table), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_NOT_NULL(test, registers);
	KUNIT_ASSERT_NOT_NULL(test, unit->iommu.cmd_buf);
	KUNIT_ASSERT_NOT_NULL(test, unit->seg.alias_table);
	raw_spin_lock_init(&unit->iommu.lock);
	spin_lock_init(&unit->dev_data.dte_lock);
	mutex_init(&unit->dev_data.mutex);
	unit->sem = U32_MAX;	/* each wait is over at once */
	unit->iommu.cmd_sem = &unit->sem;
	unit->iommu.mmio_base = (__force void __iomem *)registers;
	unit->iommu.pci_seg = &unit->seg;
	unit->seg.dev_table = PTR_ALIGN(table, 32);
	unit->seg.last_bdf = devid;
	unit->seg.alias_table[devid] = devid;
	unit->dev_data.devid = devid;
}

static inline struct dev_table_entry *amd_kunit_unit_live(struct amd_kunit_unit *unit)
{
	return &unit->seg.dev_table[unit->dev_data.devid];
}

/* The unit takes no command: where the next one goes says how many there were. */
static inline unsigned int amd_kunit_unit_nr_commands(struct amd_kunit_unit *unit)
{
	return readl(unit->iommu.mmio_base + MMIO_CMD_TAIL_OFFSET) / sizeof(struct iommu_cmd);
}

#endif
