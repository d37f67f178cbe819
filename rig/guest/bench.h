/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan "bench": what each step of an update costs, and a plain kexec beside it. */
#ifndef RIG_GUEST_BENCH_H
#define RIG_GUEST_BENCH_H

#include "rig.h"

void bench_begin(void);
int bench_start(struct rig *rig);
int bench_preserve(struct rig *rig);
int bench_kexec(void);
int bench_adopt(struct rig *rig);
int bench_restart(struct rig *rig);

#endif
