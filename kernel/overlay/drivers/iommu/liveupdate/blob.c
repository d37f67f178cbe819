// SPDX-License-Identifier: GPL-2.0-only
/* Blobs that are KHO subtrees of their own, kept right while what they describe changes. */
#include <linux/kexec_handover.h>
#include <linux/mm.h>

#include "blob.h"
#include "cost.h"

static size_t lu_blob_room(void *blob)
{
	return folio_size(virt_to_folio(blob));
}

static void lu_blob_withdraw(void **blob)
{
	if (!*blob)
		return;
	iommu_cost_keep(IOMMU_KEPT_METADATA, -(s64)lu_blob_room(*blob));
	kho_remove_subtree(*blob);
	kho_unpreserve_free(*blob);
	*blob = NULL;
}

/**
 * lu_blob_publish() - bring a blob up to date
 * @subtree: Its name for the next kernel.
 * @blob: Where it is; NULL when there is none yet. Updated.
 * @bytes: How long it is to be; 0 when there is nothing to say any more.
 * @write: Writes it, in @bytes that are not cleared.
 *
 * The subtree says how long the memory is, the blob's head how much of it is used. So only growing beyond that memory can fail, and
 * then the old blob still stands.
 *
 * Context: Process context, may sleep; the caller serialises.
 * Return: 0; -ENOMEM, and what KHO returns, only when the blob grows.
 */
int lu_blob_publish(const char *subtree, void **blob, size_t bytes, void (*write)(void *blob, size_t bytes))
{
	void *old = *blob, *new;
	int ret;

	if (!bytes) {
		lu_blob_withdraw(blob);
		return 0;
	}
	if (old && bytes <= lu_blob_room(old)) {
		write(old, bytes);
		return 0;
	}

	new = kho_alloc_preserve(bytes);
	if (IS_ERR(new))
		return PTR_ERR(new);
	write(new, bytes);
	if (old)
		kho_remove_subtree(old);
	ret = kho_add_subtree(subtree, new, lu_blob_room(new));
	if (ret) {
		if (old)
			WARN_ON(kho_add_subtree(subtree, old, lu_blob_room(old)));
		kho_unpreserve_free(new);
		return ret;
	}
	iommu_cost_keep(IOMMU_KEPT_METADATA, (s64)lu_blob_room(new) - (old ? (s64)lu_blob_room(old) : 0));
	kho_unpreserve_free(old);
	*blob = new;
	return 0;
}
