/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plans assert; each assertion is a "check" event on the channel. A name is at most 63 bytes. */
#ifndef RIG_GUEST_CHECK_H
#define RIG_GUEST_CHECK_H

#include <stdbool.h>

#include "rig.h"

bool check(bool ok, const char *detail, const char *name, ...) __attribute__((format(printf, 3, 4)));
bool check_result(int got, int want, const char *name, ...) __attribute__((format(printf, 3, 4)));
bool check_alive(struct rig *rig, const char *name);
bool check_counting(struct rig *rig, const char *name);

#endif
