/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of the new kernel that do not say what the old ones say: each must be refused, and the difference named. */
#ifndef RIG_GUEST_UNEQUAL_H
#define RIG_GUEST_UNEQUAL_H

#include "rig.h"

int unequal_preserve(struct rig *rig);
int unequal_adopt(struct rig *rig);

#endif
