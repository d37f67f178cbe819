/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOMMU page tables (HWPTs) that go on translating through a kexec. */
#ifndef HITLESS_HWPT_H
#define HITLESS_HWPT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HITLESS_PERM_READ	(1U << 0)
#define HITLESS_PERM_WRITE	(1U << 1)
#define HITLESS_PERM_SNOOP	(1U << 2)	/* cache coherency is enforced */

/**
 * struct hitless_difference - the first page that two tables do not translate alike
 * @iova: its address, in bytes, a multiple of 4096
 * @old_pa: the page the old kernel's table has there, in bytes; 0 for callers without CAP_SYS_ADMIN
 * @new_pa: the page the new table has there, likewise
 * @old_perm: HITLESS_PERM_*, 0 when nothing is mapped there
 * @new_perm: the same of the new table
 */
struct hitless_difference {
	uint64_t iova;
	uint64_t old_pa;
	uint64_t new_pa;
	uint32_t old_perm;
	uint32_t new_perm;
};

int hitless_hwpt_mark_preserve(int iommufd, uint32_t hwpt_id, uint64_t token);
int hitless_hwpt_restore(int iommufd, uint64_t token, uint32_t *hwpt_id);
int hitless_hwpt_compare(int iommufd, uint32_t restored_id, uint32_t hwpt_id, struct hitless_difference *difference);

#ifdef __cplusplus
}
#endif

#endif
