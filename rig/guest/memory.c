// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "sysfs.h"

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

#define MEMORY_SEALS (F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK)

static_assert(sizeof(struct rig_telemetry) <= MEMORY_BITMAP - MEMORY_TELEMETRY, "telemetry page");
static_assert(MEMORY_BITMAP + MEMORY_BITMAP_BYTES <= MEMORY_SCRATCH, "bitmap");
static_assert(MEMORY_SCRATCH + MEMORY_SCRATCH_BYTES <= MEMORY_PROGRAM_BYTES, "program's part");

static int memory_map(struct memory *memory, int fd, uint64_t bytes, int populate)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | populate, fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	*memory = (struct memory){ .fd = fd, .bytes = bytes, .base = base };
	return 0;
}

static int memfd_size_and_seal(int fd, uint64_t bytes)
{
	if (ftruncate(fd, bytes))
		return -errno;
	return fcntl(fd, F_ADD_SEALS, MEMORY_SEALS) ? -errno : 0;
}

int memory_create(struct memory *memory, uint64_t bytes)
{
	int fd = memfd_create("hitless-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	ret = memfd_size_and_seal(fd, bytes);
	if (!ret)
		ret = memory_map(memory, fd, bytes, MAP_POPULATE);
	if (ret)
		close(fd);
	return ret;
}

/*
 * Takes the memfd of the kernel before. Pages are mapped as they are touched: all at once they take long, while nobody serves the
 * devices. On failure the caller keeps @fd.
 */
int memory_adopt(struct memory *memory, int fd, uint64_t bytes)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return -errno;
	if ((uint64_t)stat.st_size != bytes)
		return -EPROTO;
	if (fcntl(fd, F_GET_SEALS) != MEMORY_SEALS)
		return -EPERM;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	return memory_map(memory, fd, bytes, 0);
}

/* The pages go when nothing else holds them: a session that was not finished does. */
void memory_free(struct memory *memory)
{
	munmap(memory->base, memory->bytes);
	close(memory->fd);
	*memory = (struct memory){ .fd = -1 };
}

/* Right for as long as the page is pinned: pages are moved until they are mapped for a device, or preserved. */
int memory_pa(const struct memory *memory, uint64_t offset, uint64_t *pa)
{
	uintptr_t va = (uintptr_t)memory->base + offset;
	uint64_t entry;
	ssize_t got;
	int fd;

	if (offset >= memory->bytes)
		return -ERANGE;
	*(volatile uint8_t *)va;	/* fault the page in */
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = pread(fd, &entry, sizeof(entry), va / MEMORY_PAGE_BYTES * sizeof(entry));
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return got;
	if (got != sizeof(entry) || !(entry & MEMORY_PAGEMAP_PRESENT) || !(entry & MEMORY_PAGEMAP_PFN))
		return -EFAULT;
	*pa = (entry & MEMORY_PAGEMAP_PFN) * MEMORY_PAGE_BYTES + offset % MEMORY_PAGE_BYTES;
	return 0;
}

/* Each piece begins where a large leaf could: what leaves there are is then up to the IOVA. */
static int memory_check_large(const struct memory *memory)
{
	uint64_t offset, pa, at;
	int ret;

	for (offset = 0; offset < memory->bytes; offset += MEMORY_LARGE_BYTES) {
		ret = memory_pa(memory, offset, &pa);
		if (!ret)
			ret = memory_pa(memory, offset + MEMORY_LARGE_BYTES - MEMORY_PAGE_BYTES, &at);
		if (ret)
			return ret;
		if (pa % MEMORY_LARGE_BYTES || at != pa + MEMORY_LARGE_BYTES - MEMORY_PAGE_BYTES)
			return -EXDEV;
	}
	return 0;
}

/* Lies in pieces of 2 MiB, or there is none: -EXDEV. Such pieces are asked of this memfd alone. */
int memory_create_large(struct memory *memory, uint64_t bytes)
{
	int ret = file_write_line(SHMEM_ENABLED, "always");

	if (!ret)
		ret = memory_create(memory, bytes);
	if (!ret)
		ret = file_write_line(SHMEM_ENABLED, "never");
	return ret ? ret : memory_check_large(memory);
}
