/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that have page tables for PASIDs, too, beside those that they work by. */
#ifndef RIG_GUEST_PASID_H
#define RIG_GUEST_PASID_H

#include "rig.h"

void pasid_prepare(struct rig *rig);
int pasid_start(struct rig *rig);
int pasid_preserve(struct rig *rig);
int pasid_adopt(struct rig *rig);

#endif
