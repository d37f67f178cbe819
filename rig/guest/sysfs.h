/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of proc and sysfs. */
#ifndef RIG_GUEST_SYSFS_H
#define RIG_GUEST_SYSFS_H

#include <stddef.h>

int file_read_line(const char *path, char *to, size_t bytes);
int file_write_line(const char *path, const char *text);

#endif
