/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's RAM, shared with QEMU: read without the guest's or QEMU's help. */
#ifndef WITNESS_RAM_H
#define WITNESS_RAM_H

#include <stddef.h>
#include <stdint.h>

struct ram {
	int fd;
	size_t bytes;
	const volatile uint8_t *base;
};

/* An anonymous file, so that nothing is left behind and nothing is written to a disk. Return: 0, -errno. */
int ram_create(struct ram *ram, size_t bytes);
void ram_destroy(struct ram *ram);

/*
 * Guest physical address to pointer, as the q35 machine has its RAM: from address 0 on, or in two parts. @bytes do not go from one part to
 * the other. Return: NULL if any of them lies outside.
 */
const volatile void *ram_at(const struct ram *ram, uint64_t pa, size_t bytes);

/* A little-endian value of 2 or 4 bytes. Return: 0, -EFAULT (outside of RAM), -EINVAL (another size). */
int ram_read(const struct ram *ram, uint64_t pa, unsigned int bytes, uint32_t *value);

#endif
