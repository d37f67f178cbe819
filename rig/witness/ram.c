// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ram.h"

/* With so much RAM or more, what is beyond the low part begins at 4 GiB. */
#define Q35_SPLIT_BYTES	0xb0000000ULL
#define Q35_LOW_BYTES	0x80000000ULL
#define Q35_HIGH_PA	0x100000000ULL

int ram_create(struct ram *ram, size_t bytes)
{
	int err;

	ram->base = NULL;
	ram->bytes = bytes;
	ram->fd = memfd_create("guest-ram", 0);		/* not close-on-exec: QEMU opens it by number */
	if (ram->fd < 0)
		return -errno;
	if (!ftruncate(ram->fd, bytes)) {
		ram->base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, ram->fd, 0);
		if (ram->base != MAP_FAILED)
			return 0;
	}
	err = -errno;
	close(ram->fd);
	ram->base = NULL;
	ram->fd = -1;
	return err;
}

void ram_destroy(struct ram *ram)
{
	if (!ram->base)
		return;
	munmap((void *)ram->base, ram->bytes);
	close(ram->fd);
	ram->base = NULL;
}

/* The file's offset of an address; beyond its end if there is no RAM. */
static uint64_t ram_offset(const struct ram *ram, uint64_t pa)
{
	if (ram->bytes < Q35_SPLIT_BYTES || pa < Q35_LOW_BYTES)
		return pa;
	return pa < Q35_HIGH_PA ? UINT64_MAX : pa - Q35_HIGH_PA + Q35_LOW_BYTES;
}

const volatile void *ram_at(const struct ram *ram, uint64_t pa, size_t bytes)
{
	pa = ram_offset(ram, pa);
	if (bytes > ram->bytes || pa > ram->bytes - bytes)
		return NULL;
	return ram->base + pa;
}

int ram_read(const struct ram *ram, uint64_t pa, unsigned int bytes, uint32_t *value)
{
	const volatile void *at = ram_at(ram, pa, bytes);

	if (!at || pa % bytes)
		return -EFAULT;
	if (bytes == 2)
		*value = le16toh(*(const volatile uint16_t *)at);
	else if (bytes == 4)
		*value = le32toh(*(const volatile uint32_t *)at);
	else
		return -EINVAL;
	return 0;
}
