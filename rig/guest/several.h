/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that share tables, and devices that share nothing. */
#ifndef RIG_GUEST_SEVERAL_H
#define RIG_GUEST_SEVERAL_H

#include "rig.h"

int several_start(struct rig *rig);
int several_preserve(struct rig *rig);
int several_adopt(struct rig *rig);

#endif
