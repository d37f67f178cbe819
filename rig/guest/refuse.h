/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel must refuse, with which error, and without a change of anything; one check each. */
#ifndef RIG_GUEST_REFUSE_H
#define RIG_GUEST_REFUSE_H

#include "rig.h"

int refuse_build(struct rig *rig);
int refuse_files(struct rig *rig);
int refuse_ioctls(void);
int refuse_old(struct rig *rig);
int refuse_preserved(struct rig *rig);
int refuse_adopt(struct rig *rig);

#endif
