/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that the machine's owner gave QEMU with -fw_cfg name=...,file=... */
#ifndef RIG_GUEST_FW_CFG_H
#define RIG_GUEST_FW_CFG_H

#include "memory.h"

int fw_cfg_copy(const struct memory *memory, const char *name, int to_fd);

#endif
