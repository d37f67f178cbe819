/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The update, in the steps that a VMM takes. Old kernel: load, preserve, kexec. New kernel: retrieve, swap, finish.
 * Between any two steps devices may be polled, and in the old kernel a plan may stop and undo.
 */
#ifndef RIG_GUEST_UPDATE_H
#define RIG_GUEST_UPDATE_H

#include "rig.h"

/* Tokens in the session, and of HWPTs in the iommufd. Odd numbers on purpose: nothing may take a token for an index. */
#define TOKEN_MEMORY		0xd1ff000000000001ULL
#define TOKEN_IOMMUFD		0xd1ff000000000011ULL
#define TOKEN_DEVICE(index)	(0xd1ff000000001001ULL + (index) * 0x10)
#define TOKEN_HWPT(index)	(0xffffffff00000001ULL + (index) * 0x100)

int update_load(struct rig *rig);
int update_session_create(struct rig *rig);
void update_session_close(struct rig *rig);
int update_mark(struct rig *rig);
int update_preserve_memory(struct rig *rig);
int update_preserve_iommufd(struct rig *rig);
int update_preserve_device(struct rig *rig, struct device *dev);
int update_preserve(struct rig *rig);
int update_kexec(struct rig *rig);

int update_session_retrieve(struct rig *rig);
int update_retrieve_memory(struct rig *rig);
int update_retrieve_iommufd(struct rig *rig);
int update_retrieve_device(struct rig *rig, struct device *dev);
int update_retrieve_devices(struct rig *rig);
int update_restore(struct rig *rig, struct device *dev);
int update_restore_all(struct rig *rig);
int update_retrieve(struct rig *rig);
int update_serve(struct rig *rig);
int update_swap(struct rig *rig);
int update_destroy_restored(struct rig *rig, struct device *dev);
int update_finish(struct rig *rig);
int update_adopt(struct rig *rig);

#endif
