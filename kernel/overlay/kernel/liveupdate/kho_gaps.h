/* SPDX-License-Identifier: GPL-2.0-only */
/* Free memory between preserved pages, see kho_gaps.c. */
#ifndef __LINUX_KHO_GAPS_H
#define __LINUX_KHO_GAPS_H

#include <linux/init.h>
#include <linux/mm.h>
#include <linux/range.h>

/* What is withheld or not as a whole: pages, aligned to as many. */
#define KHO_UNIT_PAGES	512UL
#define KHO_UNIT_BYTES	(KHO_UNIT_PAGES * PAGE_SIZE)

bool __init kho_gaps_withhold(u64 unit, u64 from, const struct range *runs, int nr);

#endif
