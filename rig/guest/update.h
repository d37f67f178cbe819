/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The update, in the steps that a VMM takes. Old kernel: load, preserve, kexec. New kernel: retrieve, swap, finish.
 * Between any two steps devices may be polled, and in the old kernel a plan may stop and undo.
 */
#ifndef RIG_GUEST_UPDATE_H
#define RIG_GUEST_UPDATE_H

#include "rig.h"

int update_load(struct rig *rig);
int update_session_create(struct rig *rig);
int update_mark(struct rig *rig);
int update_preserve_memory(struct rig *rig);
int update_preserve_iommufd(struct rig *rig);
int update_preserve_devices(struct rig *rig);
int update_preserve(struct rig *rig);
int update_kexec(struct rig *rig);

int update_session_retrieve(struct rig *rig);
int update_retrieve_memory(struct rig *rig);
int update_adopt(struct rig *rig);

#endif
