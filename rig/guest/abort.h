/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_ABORT_H
#define RIG_GUEST_ABORT_H

#include "rig.h"

int abort_all(struct rig *rig);

#endif
