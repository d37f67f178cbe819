// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table for each way in which one page can differ from what the old kernel's table says: another page, less permission, none at all;
 * at the start, in the middle and at the end. Twice over: against the tables of the working devices, which must stay on the old
 * ones, and against tables that no device stands on, because the devices' are small and of 4 KiB leaves only. Those are
 *
 *   large   a memfd of 1 MiB mapped 256 times, in leaves of 4 KiB
 *   leaf    2 MiB that are contiguous in memory, in one leaf; the new table has leaves of 4 KiB
 *   odd     the same in leaves of 4 KiB, with one page that is another; the new table has one leaf
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "channel.h"
#include "check.h"
#include "iommufd.h"
#include "sysfs.h"
#include "unequal.h"
#include "update.h"

#define UNEQUAL_BYTES		0x2000000ULL	/* of the memfd: somewhere in it 2 MiB are contiguous */
#define UNEQUAL_LEAF_BYTES	0x200000ULL
#define UNEQUAL_CHUNK_BYTES	0x100000ULL	/* mapped again and again for the large table */
#define UNEQUAL_NR_CHUNKS	256
#define UNEQUAL_IOVA		0x200000000ULL	/* 8 GiB: no RAM, and no device's DMA */

#define TOKEN_UNEQUAL_MEMORY	0xd1ff000000000021ULL
#define TOKEN_UNEQUAL_HWPT(nr)	(0xeeeeeeee00000001ULL + (nr))

enum unequal_kind {
	UNEQUAL_NOT,
	UNEQUAL_ADDRESS,
	UNEQUAL_PERMISSION,
	UNEQUAL_PRESENCE,
	UNEQUAL_NR_KINDS,
};

static const char *const kind_names[] = { "same", "address", "permission", "presence" };
static const char *const place_names[] = { "start", "middle", "end" };

/* A range of IOVAs and the memory behind it; its last byte is not the address space's. */
struct span {
	const struct memory *memory;
	uint64_t offset;
	uint64_t bytes;
	uint64_t iova;
};

/* The specimens in the order of their tokens: large, leaf, and odd at three places. */
enum { SPECIMEN_LARGE, SPECIMEN_LEAF, SPECIMEN_ODD, NR_SPECIMENS = SPECIMEN_ODD + 3 };

static struct memory unequal_memory = { .fd = -1 };
static uint64_t leaf_offset;

static uint64_t place_offset(uint64_t bytes, unsigned int place)
{
	const uint64_t last = bytes / MEMORY_PAGE_BYTES - 1;

	return (place == 0 ? 0 : place == 1 ? last / 2 : last) * MEMORY_PAGE_BYTES;
}

static int map(int iommufd, uint32_t ioas_id, const struct span *span, uint64_t from, uint64_t to)
{
	if (from >= to)
		return 0;
	return iommufd_map_file(iommufd, ioas_id, span->memory->fd, span->offset + from, to - from, span->iova + from, true);
}

/* The page that stands for the right one: that of the other end of the memfd. */
static uint64_t other_offset(const struct span *span, uint64_t at)
{
	return span->offset + at < span->memory->bytes / 2 ? span->memory->bytes - MEMORY_PAGE_BYTES : 0;
}

/* Map @span, but for the page at @at what @kind says. */
static int map_unequal(int iommufd, uint32_t ioas_id, const struct span *span, enum unequal_kind kind, uint64_t at)
{
	uint64_t end = at + MEMORY_PAGE_BYTES;
	int ret;

	if (kind == UNEQUAL_NOT)
		return map(iommufd, ioas_id, span, 0, span->bytes);
	ret = map(iommufd, ioas_id, span, 0, at);
	if (!ret)
		ret = map(iommufd, ioas_id, span, end, span->bytes);
	if (!ret && kind == UNEQUAL_ADDRESS)
		ret = iommufd_map_file(iommufd, ioas_id, span->memory->fd, other_offset(span, at), MEMORY_PAGE_BYTES,
				       span->iova + at, true);
	if (!ret && kind == UNEQUAL_PERMISSION)
		ret = iommufd_map_file(iommufd, ioas_id, span->memory->fd, span->offset + at, MEMORY_PAGE_BYTES,
				       span->iova + at, false);
	return ret;
}

/* Where 2 MiB of the memfd are one after another in memory, and aligned. */
static int leaf_find(void)
{
	uint64_t offset, first, pa, run = 0;
	int ret;

	for (offset = 0; offset < unequal_memory.bytes; offset += MEMORY_PAGE_BYTES) {
		ret = memory_pa(&unequal_memory, offset, &pa);
		if (ret)
			return ret;
		if (!run || pa != first + run) {
			first = pa;
			run = 0;
			if (first % UNEQUAL_LEAF_BYTES)
				continue;
			leaf_offset = offset;
		}
		run += MEMORY_PAGE_BYTES;
		if (run == UNEQUAL_LEAF_BYTES)
			return 0;
	}
	return -ENOMEM;
}

static struct span leaf_span(void)
{
	return (struct span){ &unequal_memory, leaf_offset, UNEQUAL_LEAF_BYTES, UNEQUAL_IOVA };
}

static int map_large(int iommufd, uint32_t ioas_id, enum unequal_kind kind, uint64_t at)
{
	struct span span = { &unequal_memory, 0, UNEQUAL_CHUNK_BYTES, UNEQUAL_IOVA };
	unsigned int i;
	int ret = 0;

	for (i = 0; i < UNEQUAL_NR_CHUNKS && !ret; i++, span.iova += UNEQUAL_CHUNK_BYTES)
		ret = map_unequal(iommufd, ioas_id, &span, at / UNEQUAL_CHUNK_BYTES == i ? kind : UNEQUAL_NOT,
				  at % UNEQUAL_CHUNK_BYTES);
	return ret;
}

/* A HWPT for @dev of a fresh IOAS that @fill maps into. */
struct table {
	uint32_t ioas_id;
	uint32_t hwpt_id;
};

static void table_destroy(int iommufd, struct table *table)
{
	if (table->hwpt_id)
		iommufd_destroy(iommufd, table->hwpt_id);
	if (table->ioas_id)
		iommufd_destroy(iommufd, table->ioas_id);
	*table = (struct table){};
}

static int specimen_map(int iommufd, uint32_t ioas_id, unsigned int nr, enum unequal_kind kind, uint64_t at)
{
	struct span span = leaf_span();

	if (nr == SPECIMEN_LARGE)
		return map_large(iommufd, ioas_id, kind, at);
	return map_unequal(iommufd, ioas_id, &span, kind, at);
}

static int table_make(const struct device *dev, struct table *table, bool small, unsigned int nr, enum unequal_kind kind,
		      uint64_t at)
{
	int iommufd = dev->space->iommufd;
	int ret;

	*table = (struct table){};
	ret = iommufd_ioas_alloc(iommufd, &table->ioas_id);
	if (!ret && small)
		ret = iommufd_ioas_pages_small(iommufd, table->ioas_id);
	if (!ret)
		ret = specimen_map(iommufd, table->ioas_id, nr, kind, at);
	if (!ret)
		ret = iommufd_hwpt_alloc(iommufd, dev->vfio.dev_id, table->ioas_id, &table->hwpt_id);
	if (ret)
		table_destroy(iommufd, table);
	return ret;
}

/* The old kernel's tables that no device stands on. They are destroyed with the iommufd, that is never. */
static int specimens_mark(struct rig *rig)
{
	const struct device *dev = rig_device_preserved(rig, 0);
	struct table table;
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < NR_SPECIMENS && !ret; nr++) {
		bool odd = nr >= SPECIMEN_ODD;

		ret = table_make(dev, &table, nr != SPECIMEN_LEAF, nr, odd ? UNEQUAL_ADDRESS : UNEQUAL_NOT,
				 odd ? place_offset(UNEQUAL_LEAF_BYTES, nr - SPECIMEN_ODD) : 0);
		if (!ret)
			ret = hitless_hwpt_mark_preserve(rig->kept.iommufd, table.hwpt_id, TOKEN_UNEQUAL_HWPT(nr));
	}
	return ret;
}

int unequal_preserve(struct rig *rig)
{
	struct device *dev;
	int ret = memory_create(&unequal_memory, UNEQUAL_BYTES);

	if (!ret)
		ret = leaf_find();
	channel_mark("preserve-begin");
	if (!ret)
		ret = update_session_create(rig);
	if (!ret)
		ret = update_mark(rig);
	if (!ret)
		ret = specimens_mark(rig);
	if (!ret)
		ret = update_preserve_memory(rig);
	if (!ret)
		ret = hitless_session_preserve_fd(rig->session, unequal_memory.fd, TOKEN_UNEQUAL_MEMORY);
	if (!ret)
		ret = update_preserve_iommufd(rig);
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = update_preserve_device(rig, dev);
	channel_mark("preserve-end");
	return ret;
}

static bool difference_is(const struct hitless_difference *got, const struct hitless_difference *want, char *detail, size_t bytes)
{
	struct hitless_difference access = *got;

	snprintf(detail, bytes, "iova %#llx old %#llx %u new %#llx %u", (unsigned long long)got->iova,
		 (unsigned long long)got->old_pa, got->old_perm, (unsigned long long)got->new_pa, got->new_perm);
	/* Whether leaves promise to be snooped is for the IOMMU to say, of all of them. */
	access.old_perm &= ~HITLESS_PERM_SNOOP;
	access.new_perm &= ~HITLESS_PERM_SNOOP;
	return !memcmp(&access, want, sizeof(access));
}

/* What comparing must find, when the new table has @kind at @at of @span. */
static int difference_want(const struct span *span, enum unequal_kind kind, uint64_t at, struct hitless_difference *want)
{
	int ret;

	*want = (struct hitless_difference){
		.iova = span->iova + at,
		.old_perm = HITLESS_PERM_READ | HITLESS_PERM_WRITE,
		.new_perm = kind == UNEQUAL_ADDRESS    ? HITLESS_PERM_READ | HITLESS_PERM_WRITE :
			    kind == UNEQUAL_PERMISSION ? HITLESS_PERM_READ : 0,
	};
	ret = memory_pa(span->memory, span->offset + at, &want->old_pa);
	if (!ret && kind != UNEQUAL_PRESENCE)
		ret = memory_pa(span->memory, kind == UNEQUAL_ADDRESS ? other_offset(span, at) : span->offset + at, &want->new_pa);
	return ret;
}

static int check_compare(struct rig *rig, uint32_t restored_id, uint32_t hwpt_id, const struct hitless_difference *want,
			 const char *name)
{
	struct hitless_difference got = {};
	char detail[128];
	int ret = hitless_hwpt_compare(rig->kept.iommufd, restored_id, hwpt_id, &got);

	check_result(ret, want ? -EBADE : 0, "%s", name);
	if (want)
		check(difference_is(&got, want, detail, sizeof(detail)), detail, "%s-named", name);
	return ret;
}

static int specimen_check(struct rig *rig, unsigned int nr, uint32_t restored_id, enum unequal_kind kind, unsigned int place)
{
	const struct device *dev = rig_device_preserved(rig, 0);
	uint64_t bytes = nr == SPECIMEN_LARGE ? UNEQUAL_NR_CHUNKS * UNEQUAL_CHUNK_BYTES : UNEQUAL_LEAF_BYTES;
	uint64_t at = place_offset(bytes, place);
	struct span span = leaf_span();
	struct hitless_difference want;
	struct table table;
	char name[64];
	int ret;

	ret = table_make(dev, &table, nr == SPECIMEN_LARGE, nr, kind, at);
	if (ret)
		return ret;
	if (nr == SPECIMEN_LARGE)
		span = (struct span){ &unequal_memory, 0, UNEQUAL_CHUNK_BYTES, UNEQUAL_IOVA + at - at % UNEQUAL_CHUNK_BYTES };
	ret = difference_want(&span, kind, at % span.bytes, &want);
	snprintf(name, sizeof(name), "unequal-%s-%s-%s", nr == SPECIMEN_LARGE ? "large" : "leaf", kind_names[kind], place_names[place]);
	if (!ret)
		check_compare(rig, restored_id, table.hwpt_id, kind == UNEQUAL_NOT ? NULL : &want, name);
	table_destroy(rig->kept.iommufd, &table);
	return ret;
}

/* The old table is the odd one: the new one has a single leaf. */
static int odd_check(struct rig *rig, unsigned int place, uint32_t restored_id)
{
	const struct device *dev = rig_device_preserved(rig, 0);
	uint64_t at = place_offset(UNEQUAL_LEAF_BYTES, place);
	struct span span = leaf_span();
	struct hitless_difference want;
	struct table table;
	uint64_t pa;
	char name[64];
	int ret = table_make(dev, &table, false, SPECIMEN_LEAF, UNEQUAL_NOT, 0);

	if (ret)
		return ret;
	ret = difference_want(&span, UNEQUAL_ADDRESS, at, &want);
	pa = want.old_pa;
	want.old_pa = want.new_pa;
	want.new_pa = pa;
	snprintf(name, sizeof(name), "unequal-odd-%s", place_names[place]);
	if (!ret)
		check_compare(rig, restored_id, table.hwpt_id, &want, name);
	table_destroy(rig->kept.iommufd, &table);
	return ret;
}

static int specimens_check(struct rig *rig)
{
	uint32_t restored_id;
	unsigned int nr, place;
	enum unequal_kind kind;
	int ret = 0;

	for (nr = 0; nr < NR_SPECIMENS && !ret; nr++) {
		ret = hitless_hwpt_restore(rig->kept.iommufd, TOKEN_UNEQUAL_HWPT(nr), &restored_id);
		for (kind = UNEQUAL_NOT; kind < UNEQUAL_NR_KINDS && !ret && nr < SPECIMEN_ODD; kind++)
			for (place = 0; place < 3 && !ret; place++)
				if (kind != UNEQUAL_NOT || !place)
					ret = specimen_check(rig, nr, restored_id, kind, place);
		if (!ret && nr >= SPECIMEN_ODD)
			ret = odd_check(rig, nr - SPECIMEN_ODD, restored_id);
		if (!ret)
			check_result(iommufd_destroy(rig->kept.iommufd, restored_id), 0, "unequal-destroy-%u", nr);
	}
	return ret;
}

static bool debugfs_names(const struct device *dev, uint64_t iova)
{
	char line[256], want[64], bdf[16];
	bool ours = false, found = false;
	FILE *file = fopen("/sys/kernel/debug/iommu-liveupdate", "re");

	if (!file)
		return false;
	snprintf(want, sizeof(want), "not swapped: iova %#llx ", (unsigned long long)iova);
	while (!found && fgets(line, sizeof(line), file)) {
		if (*line != '\t')
			ours = sscanf(line, "%15s", bdf) == 1 && !strcmp(bdf, dev->bdf);
		else
			found = ours && strstr(line, want);
	}
	fclose(file);
	return found;
}

/* The device's own table, with one page of its DMA memory that differs. Attaching is refused, and it works on. */
static int device_check(struct rig *rig, struct device *dev, enum unequal_kind kind, unsigned int place)
{
	struct span span = { &rig->kept.memory, dev->dma_offset, dev->ops->dma_bytes, dev->iova };
	uint64_t at = place_offset(span.bytes, place);
	struct hitless_difference want;
	struct table table = {};
	char name[64];
	int ret;

	ret = device_ioas_begin(dev, &table.ioas_id);
	if (!ret)
		ret = map_unequal(rig->kept.iommufd, table.ioas_id, &span, kind, at);
	if (!ret)
		ret = iommufd_hwpt_alloc(rig->kept.iommufd, dev->vfio.dev_id, table.ioas_id, &table.hwpt_id);
	if (!ret)
		ret = difference_want(&span, kind, at, &want);
	if (!ret) {
		snprintf(name, sizeof(name), "unequal-%s-%s-%s", dev->name, kind_names[kind], place_names[place]);
		check_compare(rig, dev->restored_id, table.hwpt_id, &want, name);
		check_result(vfio_device_attach(&dev->vfio, table.hwpt_id), -EBADE, "%s-attach", name);
		check_result(vfio_device_attach(&dev->vfio, table.ioas_id), -EBADE, "%s-attach-ioas", name);
		check(debugfs_names(dev, want.iova), "", "%s-debugfs", name);
	}
	table_destroy(rig->kept.iommufd, &table);
	return ret;
}

static int devices_check(struct rig *rig)
{
	struct device *dev;
	enum unequal_kind kind;
	unsigned int place;
	int ret = 0;

	rig_for_each_preserved(dev, rig)
		for (kind = UNEQUAL_ADDRESS; kind < UNEQUAL_NR_KINDS && !ret; kind++) {
			for (place = 0; place < 3 && !ret; place++)
				ret = device_check(rig, dev, kind, place);
			check_counting(rig, "unequal-counting");
		}
	return ret;
}

static int unequal_retrieve(struct rig *rig)
{
	struct device *dev;
	int fd, ret = update_retrieve(rig);

	if (ret)
		return ret;
	fd = hitless_session_retrieve_fd(rig->session, TOKEN_UNEQUAL_MEMORY);
	if (fd < 0)
		return fd;
	ret = memory_adopt(&unequal_memory, fd, UNEQUAL_BYTES);
	if (!ret)
		ret = leaf_find();
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = device_claim(dev);
	return ret;
}

int unequal_adopt(struct rig *rig)
{
	struct device *dev;
	int ret = unequal_retrieve(rig);

	if (!ret)
		ret = devices_check(rig);
	if (!ret)
		ret = specimens_check(rig);
	channel_mark("swap-begin");
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = device_swap(dev);
	channel_mark("swap-end");
	return ret ? ret : update_finish(rig);
}
