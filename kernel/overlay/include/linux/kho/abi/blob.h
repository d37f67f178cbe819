/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every flat blob that live update hands over begins with.
 *
 * A blob is one physically contiguous, KHO-preserved buffer. The old kernel writes it, the new one takes it as input: the four
 * checks of this head (length, magic, version, checksum) come before any other byte of the blob is looked at. All fields are
 * little endian as the machine is; a kernel of another endianness cannot be reached by kexec.
 */
#ifndef _LINUX_KHO_ABI_BLOB_H
#define _LINUX_KHO_ABI_BLOB_H

#include <linux/types.h>

/**
 * struct kho_blob_head - first bytes of a handed-over blob
 * @magic:        What the blob is; one constant a kind of blob.
 * @version:      Layout of everything behind the head; rises in the commit that changes it. A reader refuses any but its own.
 * @length_bytes: The whole blob with this head. A reader refuses less than the smallest blob of the kind, and more than was
 *                preserved.
 * @crc32:        CRC-32 (IEEE 802.3, reflected, seed and final inversion of all ones) over @length_bytes with this field as
 *                zero. It finds damage, not malice.
 * @reserved:     Zero; a reader refuses anything else.
 */
struct kho_blob_head {
	__u64 magic;
	__u32 version;
	__u32 length_bytes;
	__u32 crc32;
	__u32 reserved;
};

_Static_assert(sizeof(struct kho_blob_head) == 24, "wire format");

#endif
