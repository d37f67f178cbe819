/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What verify.h takes from the kernel when it is built there, for a build in userspace. */
#ifndef HITLESS_VERIFY_ENV_H
#define HITLESS_VERIFY_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <zlib.h>

/* The kernel's function leaves seed and result as they are; zlib inverts both. */
static inline __u32 crc32_le(__u32 crc, const __u8 *bytes, size_t nr_bytes)
{
	return ~(__u32)crc32_z(~crc & 0xffffffffU, bytes, nr_bytes);
}

#endif
