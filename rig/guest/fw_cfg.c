// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU's firmware configuration device, driven from here: the kernel's sysfs files for it start each read of 4 KiB by
 * skipping all that comes before it byte by byte, which for a kernel image takes minutes. The device's DMA goes to
 * physical addresses, past any IOMMU; the pages it is pointed at are pinned, as part of the memory that is mapped for
 * devices. QEMU's docs/specs/fw_cfg.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#include "fw_cfg.h"

#define FW_CFG_PORTS		0x510
#define FW_CFG_NR_PORTS		12
#define FW_CFG_DMA_HIGH		0x514
#define FW_CFG_DMA_LOW		0x518	/* writing it starts the access */

#define FW_CFG_ERROR		0x01u
#define FW_CFG_READ		0x02u
#define FW_CFG_SELECT		0x08u
#define FW_CFG_KEY(key)		((uint32_t)(key) << 16)

#define FW_CFG_FILES		0x19	/* key of the directory */

/* All big endian. */
struct fw_cfg_access {
	uint32_t control;
	uint32_t bytes;
	uint64_t pa;
};

struct fw_cfg_entry {
	uint32_t bytes;
	uint16_t key;
	uint16_t reserved;
	char name[56];
};

struct fw_cfg {
	volatile struct fw_cfg_access *access;
	void *page;
	uint64_t access_pa;
	uint64_t page_pa;
};

static int fw_cfg_open(struct fw_cfg *fw, const struct memory *memory)
{
	int ret;

	if (ioperm(FW_CFG_PORTS, FW_CFG_NR_PORTS, 1))
		return -errno;
	fw->access = (volatile struct fw_cfg_access *)(memory->base + MEMORY_SCRATCH);
	fw->page = memory->base + MEMORY_SCRATCH + MEMORY_PAGE_BYTES;
	ret = memory_pa(memory, MEMORY_SCRATCH, &fw->access_pa);
	if (!ret)
		ret = memory_pa(memory, MEMORY_SCRATCH + MEMORY_PAGE_BYTES, &fw->page_pa);
	return ret;
}

/* Reads on in the selected item, into the page. The device is done when the last port write is. */
static int fw_cfg_read(struct fw_cfg *fw, uint32_t select, uint32_t bytes)
{
	fw->access->control = htobe32(select | FW_CFG_READ);
	fw->access->bytes = htobe32(bytes);
	fw->access->pa = htobe64(fw->page_pa);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the request before the doorbell */
	outl(htobe32(fw->access_pa >> 32), FW_CFG_DMA_HIGH);
	outl(htobe32((uint32_t)fw->access_pa), FW_CFG_DMA_LOW);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return fw->access->control ? -EIO : 0;
}

static int fw_cfg_find(struct fw_cfg *fw, const char *name, uint16_t *key, uint32_t *bytes)
{
	struct fw_cfg_entry entry;
	uint32_t nr;
	int ret = fw_cfg_read(fw, FW_CFG_KEY(FW_CFG_FILES) | FW_CFG_SELECT, sizeof(nr));

	memcpy(&nr, fw->page, sizeof(nr));
	for (nr = be32toh(nr); !ret && nr; nr--) {
		ret = fw_cfg_read(fw, 0, sizeof(entry));
		memcpy(&entry, fw->page, sizeof(entry));
		if (ret || strncmp(entry.name, name, sizeof(entry.name)))
			continue;
		*key = be16toh(entry.key);
		*bytes = be32toh(entry.bytes);
		return 0;
	}
	return ret ? ret : -ENOENT;
}

static int page_write(int fd, const uint8_t *page, size_t bytes)
{
	ssize_t put;

	for (; bytes; page += put, bytes -= put) {
		put = write(fd, page, bytes);
		if (put < 0)
			return -errno;
	}
	return 0;
}

int fw_cfg_copy(const struct memory *memory, const char *name, int to_fd)
{
	struct fw_cfg fw;
	uint32_t bytes, chunk, select;
	uint16_t key;
	int ret = fw_cfg_open(&fw, memory);

	if (!ret)
		ret = fw_cfg_find(&fw, name, &key, &bytes);
	if (ret)
		return ret;
	for (select = FW_CFG_KEY(key) | FW_CFG_SELECT; !ret && bytes; bytes -= chunk, select = 0) {
		chunk = bytes < MEMORY_PAGE_BYTES ? bytes : MEMORY_PAGE_BYTES;
		ret = fw_cfg_read(&fw, select, chunk);
		if (!ret)
			ret = page_write(to_fd, fw.page, chunk);
	}
	return ret;
}
