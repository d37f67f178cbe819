/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_KEXEC_H
#define RIG_GUEST_KEXEC_H

#include "memory.h"

int kexec_load(const struct memory *memory, const char *kernel, const char *initrd, const char *cmdline);
int kexec_reboot(void);

#endif
