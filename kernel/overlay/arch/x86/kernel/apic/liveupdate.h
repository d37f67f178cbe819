/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __X86_APIC_LIVEUPDATE_H
#define __X86_APIC_LIVEUPDATE_H

#ifdef CONFIG_IOMMU_LIVEUPDATE
void apic_liveupdate_timer_adopt(void);
#else
static inline void apic_liveupdate_timer_adopt(void) { }
#endif

#endif
