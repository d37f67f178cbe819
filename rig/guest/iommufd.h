/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few iommufd calls that the rig needs. */
#ifndef RIG_GUEST_IOMMUFD_H
#define RIG_GUEST_IOMMUFD_H

#include <stdbool.h>
#include <stdint.h>

int iommufd_open(void);
int iommufd_ioas_alloc(int iommufd, uint32_t *ioas_id);
int iommufd_ioas_pages_small(int iommufd, uint32_t ioas_id);
int iommufd_ioas_pages_large(int iommufd, uint32_t ioas_id);
int iommufd_map_file(int iommufd, uint32_t ioas_id, int fd, uint64_t offset, uint64_t bytes, uint64_t iova, bool writable);
int iommufd_map_anonymous(int iommufd, uint32_t ioas_id, void *base, uint64_t bytes, uint64_t iova);
int iommufd_copy(int iommufd, uint32_t from_ioas_id, uint64_t from_iova, uint64_t bytes, uint32_t to_ioas_id, uint64_t to_iova);
int iommufd_unmap(int iommufd, uint32_t ioas_id, uint64_t iova, uint64_t bytes);
int iommufd_hwpt_alloc(int iommufd, uint32_t dev_id, uint32_t ioas_id, uint32_t *hwpt_id);
int iommufd_hwpt_alloc_for_pasids(int iommufd, uint32_t dev_id, uint32_t ioas_id, uint32_t *hwpt_id);
int iommufd_destroy(int iommufd, uint32_t id);

#endif
