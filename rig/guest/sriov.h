/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds of physical and virtual functions beyond what holds of any preserved device. */
#ifndef RIG_GUEST_SRIOV_H
#define RIG_GUEST_SRIOV_H

#include "rig.h"

int sriov_without_pf(struct rig *rig);
int sriov_preserved(struct rig *rig);
int sriov_kept(struct rig *rig);
int sriov_finished(struct rig *rig);
int sriov_later(struct rig *rig);
int sriov_unbind(struct rig *rig);

#endif
