/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_ROGUE_H
#define RIG_GUEST_ROGUE_H

#include "rig.h"

int rogue_start(struct rig *rig);
int rogue_unleash(struct rig *rig);
int rogue_contained(struct rig *rig);

#endif
