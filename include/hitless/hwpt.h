/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOMMU page tables (HWPTs) that go on translating through a kexec. */
#ifndef HITLESS_HWPT_H
#define HITLESS_HWPT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int hitless_hwpt_mark_preserve(int iommufd, uint32_t hwpt_id, uint64_t token);
int hitless_hwpt_restore(int iommufd, uint64_t token, uint32_t *hwpt_id);

#ifdef __cplusplus
}
#endif

#endif
