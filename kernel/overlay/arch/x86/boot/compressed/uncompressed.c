// SPDX-License-Identifier: GPL-2.0-only
/* A payload that is not compressed: all there is to do is to bring it where the kernel is to be. */

/* Like any other decompressor's. What is behind the kernel's last byte is its length, for mkpiggy. The two places may overlap. */
static int __decompress(unsigned char *inbuf, long len, long (*fill)(void *dest, unsigned long size),
			long (*flush)(void *src, unsigned long size), unsigned char *outbuf, long outlen, long *in_used,
			void (*error)(char *message))
{
	if (outlen > len) {
		error("The payload is shorter than the kernel");
		return -1;
	}
	memmove(outbuf, inbuf, outlen);
	return 0;
}
