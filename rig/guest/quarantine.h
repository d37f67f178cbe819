/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_QUARANTINE_H
#define RIG_GUEST_QUARANTINE_H

#include "rig.h"

int quarantine_adopt(struct rig *rig);
int quarantine_adopt_late(struct rig *rig);

#endif
