/* SPDX-License-Identifier: GPL-2.0-only */
/* Blobs that are KHO subtrees of their own. See blob.c. */
#ifndef __IOMMU_LIVEUPDATE_BLOB_H
#define __IOMMU_LIVEUPDATE_BLOB_H

#include <linux/types.h>

int lu_blob_publish(const char *subtree, void **blob, size_t bytes, void (*write)(void *blob, size_t bytes));

#endif
