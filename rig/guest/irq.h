/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_IRQ_H
#define RIG_GUEST_IRQ_H

#include "rig.h"

int irq_swap(struct rig *rig);

#endif
