/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place where things may go wrong: the device that is not preserved, idle, bound to an iommufd, and tables for it of whatever
 * memory. No working device is near unless the iommufd is theirs.
 */
#ifndef RIG_GUEST_LAB_H
#define RIG_GUEST_LAB_H

#include <fcntl.h>

#include "rig.h"

#define LAB_IOVA	0xb8000000ULL		/* behind the working devices' */
#define LAB_BYTES	(4 * MEMORY_PAGE_BYTES)
#define LAB_SEALS	(F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK)

#define LAB_TOKEN_MEMORY	0x1ab0000000000001ULL
#define LAB_TOKEN_IOMMUFD	0x1ab0000000000003ULL
#define LAB_TOKEN_DEVICE	0x1ab0000000000005ULL
#define LAB_TOKEN_HWPT		0x1ab0000000000007ULL

struct lab {
	const char *bdf;
	int iommufd;
	bool own_iommufd;
	struct vfio_device vfio;
};

/* What the device can be attached to: an IOAS that maps one memfd, or nothing, and a HWPT on it. */
struct lab_table {
	int memfd;			/* -1: nothing is mapped */
	uint32_t ioas_id;
	uint32_t hwpt_id;
};

int lab_open(struct lab *lab, struct rig *rig, int iommufd);
int lab_open_at(struct lab *lab, const char *bdf, int iommufd);
void lab_close(struct lab *lab);

int lab_memfd_create(unsigned int seals);
int lab_table_create(const struct lab *lab, struct lab_table *table, int memfd);
int lab_table_make(const struct lab *lab, struct lab_table *table, unsigned int seals);
void lab_table_destroy(const struct lab *lab, struct lab_table *table);

int lab_session_create(const char *name);

#endif
