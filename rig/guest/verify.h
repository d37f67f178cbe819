/* SPDX-License-Identifier: GPL-2.0-or-later */
/* That devices and tables can be used as ever, and that nothing is left of an update that was given up. */
#ifndef RIG_GUEST_VERIFY_H
#define RIG_GUEST_VERIFY_H

#include "kho.h"
#include "rig.h"

int verify_maps(struct rig *rig);
int verify_irqs(struct rig *rig);
void verify_use(struct rig *rig, const char *what);
void verify(struct rig *rig, const struct kho_state *before, const char *what);

#endif
