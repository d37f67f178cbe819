// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What mapping and unmapping cost, in instructions, in a domain that nothing stands on: once many pages at a time, so that a table is made for
 * every 512 of them, and once pages so far apart that each has a table of its own. The memory lies in pieces of 2 MiB, mapped beside their
 * alignment, so that leaves are of 4 KiB whatever sizes a format has: where pages happen to lie must make no difference. Whether its tables
 * come from an arena is the kernel's business; the unpatched one has none.
 */
#include <errno.h>
#include <unistd.h>

#include "channel.h"
#include "check.h"
#include "clock.h"
#include "iommufd.h"
#include "mapcost.h"
#include "memory.h"

#define GIB		(1ULL << 30)
#define FILE_BYTES	(64ULL << 20)
#define FIRST_IOVA	(4 * GIB + MEMORY_PAGE_BYTES)	/* beside the alignment of large pages */
#define DENSE_MAPS	8U
#define SPARSE_MAPS	4096U
#define SPARSE_STRIDE	(2ULL << 20)

static struct memory file = { .fd = -1 };

struct maps {
	const char *map, *unmap;	/* figures */
	unsigned int nr;
	uint64_t bytes, stride;
};

static const struct maps all_maps[] = {
	{ "map_dense", "unmap_dense", DENSE_MAPS, FILE_BYTES, FILE_BYTES },
	{ "map_sparse", "unmap_sparse", SPARSE_MAPS, MEMORY_PAGE_BYTES, SPARSE_STRIDE },
};

static void span_say(struct span *span, const char *name)
{
	span_end(span);
	channel_figure(name, span->ticks);
}

static int maps_measure(struct rig *rig, uint32_t ioas_id, const struct maps *maps)
{
	struct span span;
	unsigned int i;
	int ret = 0;

	span_begin(&span);
	for (i = 0; i < maps->nr && !ret; i++)
		ret = iommufd_map_file(rig->kept.iommufd, ioas_id, file.fd, 0, maps->bytes, FIRST_IOVA + i * maps->stride, true);
	span_say(&span, maps->map);
	span_begin(&span);
	for (i = 0; i < maps->nr && !ret; i++)
		ret = iommufd_unmap(rig->kept.iommufd, ioas_id, FIRST_IOVA + i * maps->stride, maps->bytes);
	span_say(&span, maps->unmap);
	return ret;
}

/* The first round warms up what allocators keep; the second is the one that counts, and says the same figures again. */
int mapcost_run(struct rig *rig)
{
	uint32_t ioas_id, hwpt_id;
	unsigned int i, round;
	int ret = memory_create_large(&file, FILE_BYTES);

	if (!ret)
		ret = iommufd_ioas_alloc(rig->kept.iommufd, &ioas_id);
	if (!ret)
		ret = iommufd_hwpt_alloc(rig->kept.iommufd, rig->devices[0].vfio.dev_id, ioas_id, &hwpt_id);
	for (round = 0; round < 2; round++)
		for (i = 0; i < sizeof(all_maps) / sizeof(*all_maps) && !ret; i++)
			ret = maps_measure(rig, ioas_id, &all_maps[i]);
	check_result(ret, 0, "mapping and unmapping");
	return ret;
}
