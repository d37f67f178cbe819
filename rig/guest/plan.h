/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario does inside the guest. */
#ifndef RIG_GUEST_PLAN_H
#define RIG_GUEST_PLAN_H

#include "rig.h"

int plan_run(struct rig *rig);

#endif
