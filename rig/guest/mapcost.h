/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_MAPCOST_H
#define RIG_GUEST_MAPCOST_H

#include "rig.h"

int mapcost_run(struct rig *rig);

#endif
