/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For KUnit tests: allocations are made to fail, each in turn. Nothing does fail unless somebody has told failslab and fail_page_alloc by
 * debugfs not to spare those that may sleep.
 */
#ifndef __IOMMU_LIVEUPDATE_FAIL_KUNIT_H
#define __IOMMU_LIVEUPDATE_FAIL_KUNIT_H

#include <linux/sched.h>
#include <linux/slab.h>

#ifdef CONFIG_FAULT_INJECTION

static inline void lu_kunit_fail_nth(unsigned int nth)
{
	WRITE_ONCE(current->fail_nth, nth);
}

/* Back to normal. Did one fail? */
static inline bool lu_kunit_failed(void)
{
	bool failed = !READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return failed;
}

static inline bool lu_kunit_can_fail(void)
{
	void *bytes;

	lu_kunit_fail_nth(1);
	bytes = kmalloc(64, GFP_KERNEL);
	kfree(bytes);
	return lu_kunit_failed() && !bytes;
}

#endif
#endif
