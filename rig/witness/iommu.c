// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "iommu.h"
#include "util.h"

static const struct iommu_model *const models[] = { &vtd_model, &amdvi_model };

const struct iommu_model *iommu_model_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		if (!strcmp(models[i]->name, name))
			return models[i];
	return NULL;
}

bool iommu_tables_equal(const struct iommu_tables *a, const struct iommu_tables *b)
{
	return a->translating == b->translating && a->scalable == b->scalable && a->root == b->root &&
	       a->nr_outside == b->nr_outside && a->cut_short == b->cut_short && a->nr == b->nr &&
	       !memcmp(a->entries, b->entries, a->nr * sizeof(a->entries[0]));
}

const struct iommu_entry *iommu_find_pasid(const struct iommu_tables *tables, uint16_t sid, uint32_t pasid)
{
	for (unsigned int i = 0; i < tables->nr; i++)
		if (tables->entries[i].sid == sid && tables->entries[i].pasid == pasid)
			return &tables->entries[i];
	return NULL;
}

const struct iommu_entry *iommu_find(const struct iommu_tables *tables, uint16_t sid)
{
	return iommu_find_pasid(tables, sid, IOMMU_NO_PASID);
}

const struct iommu_entry *iommu_find_any(const struct iommu_tables *tables, uint16_t sid)
{
	for (unsigned int i = 0; i < tables->nr; i++)
		if (tables->entries[i].sid == sid)
			return &tables->entries[i];
	return NULL;
}

const char *iommu_type_name(enum iommu_type type)
{
	switch (type) {
	case IOMMU_SECOND_STAGE:
		return "second-stage";
	case IOMMU_FIRST_STAGE:
		return "first-stage";
	case IOMMU_NESTED:
		return "nested";
	case IOMMU_GUEST:
		return "guest";
	case IOMMU_PASS_THROUGH:
		return "pass-through";
	default:
		return "unknown";
	}
}

/* Nested entries of one second stage have one domain ID and tables of their own: PASID tells them apart. */
static bool has_own_table(const struct iommu_entry *entry)
{
	return entry->type == IOMMU_SECOND_STAGE || entry->type == IOMMU_FIRST_STAGE || entry->type == IOMMU_GUEST;
}

bool iommu_share_domain_id(const struct iommu_entry *a, const struct iommu_entry *b, bool one_device)
{
	/* What is cached of one device is told apart by PASID. */
	if (a->type == IOMMU_GUEST && b->type == IOMMU_GUEST && one_device && a->pasid != b->pasid)
		return false;
	return has_own_table(a) && has_own_table(b) && a->domain_id == b->domain_id && a->table != b->table;
}
