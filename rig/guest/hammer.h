/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thousands of swaps under DMA. */
#ifndef RIG_GUEST_HAMMER_H
#define RIG_GUEST_HAMMER_H

#include "rig.h"

int hammer(struct rig *rig);

#endif
