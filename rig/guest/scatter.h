/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan "scatter": what a new kernel's boot costs by where the preserved memory lies. */
#ifndef RIG_GUEST_SCATTER_H
#define RIG_GUEST_SCATTER_H

#include "rig.h"

int scatter_adopt(struct rig *rig);
int scatter_preserve(struct rig *rig);
int scatter_kexec(struct rig *rig);

#endif
