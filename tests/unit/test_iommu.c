// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The records of the IOMMU core's blob. Each field is made wrong with a checksum that is right, and must be refused by the check
 * that is there for it, at the record it is in.
 */
#include <stdio.h>

#include "world.h"

struct fixture {
	struct world *world;
	struct blob blob;
	__u64 *pages;		/* the list of unit 0 */
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->world = world_new();
	fixture->blob = good_blob(fixture->world);
	fixture->pages = world_at(fixture->world, blob_unit(&fixture->blob, 0)->pages_pa);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	blob_free(&fixture->blob);
	world_free(fixture->world);
	free(fixture);
	return 0;
}

static void good_is_accepted(void **state)
{
	struct fixture *fixture = *state;
	struct blob longer = blob_copy(&fixture->blob, fixture->blob.nr_bytes + 4096);
	struct lu_verdict verdict;
	__u32 i;

	assert_true(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
	assert_true(world_verify_iommu(fixture->world, &longer, &verdict));
	for (i = 0; i < GOOD_NR_DOMAINS; i++)
		assert_true(world_verify_domain(fixture->world, blob_domain(&fixture->blob, i), &verdict));
	blob_free(&longer);
}

static void nothing_preserved_is_accepted(void **state)
{
	struct fixture *fixture = *state;
	struct blob empty = blob_new_iommu(&(struct iommu_ser){ .nr_units = 0 });
	struct lu_verdict verdict;

	assert_int_equal(empty.nr_bytes, sizeof(struct iommu_ser));
	blob_seal(&empty);
	assert_true(world_verify_iommu(fixture->world, &empty, &verdict));
	blob_free(&empty);
}

/* With the last records left out, and memory that ends there. */
static void fewer_are_accepted(void **state)
{
	struct fixture *fixture = *state;
	struct lu_verdict verdict;
	__u32 nr;

	for (nr = 0; nr < GOOD_NR_PASIDS + GOOD_NR_ALIASES; nr++) {
		struct iommu_ser counts = *blob_iommu(&fixture->blob);
		struct blob fewer;

		counts.nr_pasids = nr < GOOD_NR_PASIDS ? nr : GOOD_NR_PASIDS;
		counts.nr_aliases = nr - counts.nr_pasids;
		fewer = blob_copy(&fixture->blob, lu_iommu_bytes(&counts));
		*blob_iommu(&fewer) = counts;
		blob_head(&fewer)->length_bytes = fewer.nr_bytes;
		blob_seal(&fewer);
		assert_true(world_verify_iommu(fixture->world, &fewer, &verdict));
		blob_free(&fewer);
	}
}

static enum lu_error error_of_flipped(const struct fixture *fixture, __u64 byte)
{
	const __u32 length_bytes = blob_head(&fixture->blob)->length_bytes;

	if (byte < offsetof(struct kho_blob_head, version))
		return LU_ERR_MAGIC;
	if (byte < offsetof(struct kho_blob_head, length_bytes))
		return LU_ERR_VERSION;
	if (byte < offsetof(struct kho_blob_head, crc32) &&
	    (length_bytes < sizeof(struct iommu_ser) || length_bytes > fixture->blob.nr_bytes))
		return LU_ERR_LENGTH;
	return LU_ERR_CHECKSUM;
}

static void every_bit_counts(void **state)
{
	struct fixture *fixture = *state;
	__u8 *bytes = fixture->blob.bytes;
	struct lu_verdict verdict;
	__u64 bit;

	for (bit = 0; bit < fixture->blob.nr_bytes * 8; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_false(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
		assert_refused(&verdict, error_of_flipped(fixture, bit / 8));
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_true(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
}

/* Cut off where it was preserved, and cut off with a head that says so. */
static void every_other_length_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct lu_verdict verdict;
	__u64 nr_bytes;

	for (nr_bytes = 1; nr_bytes < fixture->blob.nr_bytes + 64; nr_bytes++) {
		struct blob part = blob_copy(&fixture->blob, nr_bytes);

		if (nr_bytes < fixture->blob.nr_bytes) {
			assert_false(world_verify_iommu(fixture->world, &part, &verdict));
			assert_refused(&verdict, LU_ERR_LENGTH);
		}
		if (nr_bytes != fixture->blob.nr_bytes && nr_bytes >= sizeof(struct kho_blob_head)) {
			blob_head(&part)->length_bytes = nr_bytes;
			blob_seal(&part);
			assert_false(world_verify_iommu(fixture->world, &part, &verdict));
			assert_refused(&verdict, LU_ERR_LENGTH);
		}
		blob_free(&part);
	}
}

static void counts_are_bounded(void **state)
{
	static const __u32 max[5] = { IOMMU_SER_MAX_UNITS, IOMMU_SER_MAX_DOMAINS, IOMMU_SER_MAX_DEVICES, IOMMU_SER_MAX_PASIDS,
				      IOMMU_SER_MAX_ALIASES };
	struct fixture *fixture = *state;
	struct blob *blob = &fixture->blob;
	__u32 *counts[5] = { &blob_iommu(blob)->nr_units, &blob_iommu(blob)->nr_domains, &blob_iommu(blob)->nr_devices,
			     &blob_iommu(blob)->nr_pasids, &blob_iommu(blob)->nr_aliases };
	struct lu_verdict verdict;
	__u32 i, good;

	for (i = 0; i < 5; i++) {
		good = *counts[i];
		/* At its bound a count is right, and the blob too short for it. */
		*counts[i] = max[i];
		blob_seal(blob);
		assert_false(world_verify_iommu(fixture->world, blob, &verdict));
		assert_refused(&verdict, LU_ERR_LENGTH);
		*counts[i] = max[i] + 1;
		blob_seal(blob);
		assert_false(world_verify_iommu(fixture->world, blob, &verdict));
		assert_refused(&verdict, LU_ERR_COUNT);
		*counts[i] = ~0U;
		blob_seal(blob);
		assert_false(world_verify_iommu(fixture->world, blob, &verdict));
		assert_refused(&verdict, LU_ERR_COUNT);
		*counts[i] = good;
	}
}

/* One page list for all units: what makes them differ is their id. */
static void as_many_units_as_there_may_be(void **state)
{
	struct fixture *fixture = *state;
	struct blob many = blob_new_iommu(&(struct iommu_ser){ .nr_units = IOMMU_SER_MAX_UNITS });
	struct lu_verdict verdict;
	__u32 i;

	for (i = 0; i < IOMMU_SER_MAX_UNITS; i++) {
		__u64 page = fixture->pages[0];

		*blob_unit(&many, i) = *blob_unit(&fixture->blob, 1);
		blob_unit(&many, i)->id = page + i;
	}
	blob_seal(&many);
	assert_true(world_verify_iommu(fixture->world, &many, &verdict));
	blob_free(&many);
}

/*
 * What can be wrong with a record. Each is done to a good blob, alone.
 */
struct wrong {
	const char *what;
	void (*make)(struct fixture *fixture);
	enum lu_error error;
	__u32 index;
};

#define UNIT(i)		blob_unit(&fixture->blob, i)
#define DOMAIN(i)	blob_domain(&fixture->blob, i)
#define DEVICE(i)	blob_device(&fixture->blob, i)
#define PASID(i)	blob_pasid(&fixture->blob, i)
#define ALIAS(i)	blob_alias(&fixture->blob, i)
#define MAKE(name, ...)						\
	static void name(struct fixture *fixture)		\
	{							\
		__VA_ARGS__;					\
	}

MAKE(head_reserved, blob_head(&fixture->blob)->reserved = 1)
MAKE(reserved, blob_iommu(&fixture->blob)->reserved = 1)
MAKE(reserved_last, blob_iommu(&fixture->blob)->reserved = 0x80000000)

MAKE(unit_driver_0, UNIT(0)->driver = 0)
MAKE(unit_driver_3, UNIT(1)->driver = 3)
MAKE(unit_reserved, UNIT(0)->reserved = 1)
MAKE(unit_reserved_last, UNIT(1)->reserved = 0x80000000)
MAKE(unit_flag_1, UNIT(0)->flags |= 2)
MAKE(unit_flag_31, UNIT(1)->flags |= 0x80000000)
MAKE(unit_twice, UNIT(1)->id = UNIT(0)->id)
MAKE(unit_twice_last, UNIT(2)->id = UNIT(1)->id)
MAKE(unit_no_pages, UNIT(0)->nr_pages = 0)
MAKE(unit_too_many_pages, UNIT(0)->nr_pages = IOMMU_SER_MAX_PAGES + 1)
MAKE(unit_list_unaligned, UNIT(0)->pages_pa += 8)
MAKE(unit_list_elsewhere, UNIT(0)->pages_pa = 0)
MAKE(unit_list_not_handed_over, UNIT(0)->pages_pa += PAGE_BYTES)
MAKE(unit_list_ends_outside, UNIT(0)->nr_pages = 513)
MAKE(unit_list_unterminated, UNIT(0)->nr_pages++)
MAKE(unit_page_unaligned, fixture->pages[1] += 8)
MAKE(unit_page_twice, fixture->pages[1] = fixture->pages[0])
MAKE(unit_pages_unsorted, fixture->pages[4] = fixture->pages[0] - PAGE_BYTES)
MAKE(unit_page_first, fixture->pages[0] = 0)
MAKE(unit_page_last, fixture->pages[4] += PAGE_BYTES)
MAKE(unit_page_beyond, fixture->pages[4] = ~0xfffULL)
MAKE(unit_page_taken_back, world_take_back(fixture->world, fixture->pages[3]))
MAKE(unit_page_is_list, UNIT(1)->pages_pa = fixture->pages[0];
			memcpy(world_at(fixture->world, fixture->pages[0]), fixture->pages, 5 * sizeof(__u64));
			UNIT(1)->nr_pages = 5; UNIT(1)->root_pa = fixture->pages[2])
MAKE(unit_root_unlisted, UNIT(0)->root_pa = UNIT(1)->root_pa)
MAKE(unit_root_unaligned, UNIT(0)->root_pa += 8)
MAKE(unit_root_zero, UNIT(1)->root_pa = 0)
MAKE(unit_irt_without_size, UNIT(0)->irt_bytes = 0)
MAKE(unit_irt_without_address, UNIT(0)->irt_pa = 0)
MAKE(unit_irt_odd_size, UNIT(0)->irt_bytes = GOOD_IRT_BYTES + PAGE_BYTES)
MAKE(unit_irt_small, UNIT(0)->irt_bytes = 2048)
MAKE(unit_irt_one, UNIT(0)->irt_bytes = 1)
MAKE(unit_irt_unaligned, UNIT(0)->irt_pa += PAGE_BYTES)
MAKE(unit_irt_not_handed_over, world_take_back(fixture->world, UNIT(0)->irt_pa))
MAKE(unit_irt_ends_outside, world_take_back(fixture->world, UNIT(0)->irt_pa + PAGE_BYTES))
MAKE(unit_irt_too_long, UNIT(0)->irt_pa = WORLD_BASE_PA; UNIT(0)->irt_bytes = 1ULL << 30)

MAKE(domain_format_0, DOMAIN(0)->format = 0)
MAKE(domain_format_4, DOMAIN(2)->format = 4)
MAKE(domain_format_255, DOMAIN(1)->format = 255)
MAKE(domain_levels_2, DOMAIN(1)->levels = 2)
MAKE(domain_levels_6, DOMAIN(1)->levels = 6)
MAKE(domain_levels_0, DOMAIN(0)->levels = 0)
MAKE(domain_levels_255, DOMAIN(0)->levels = 255)
MAKE(domain_first_stage_levels_3, DOMAIN(0)->format = IOMMU_SER_FORMAT_X86_64)
MAKE(domain_first_stage_levels_6, DOMAIN(2)->format = IOMMU_SER_FORMAT_X86_64; DOMAIN(2)->levels = 6)
MAKE(domain_reserved, DOMAIN(0)->flags = 2)
MAKE(domain_reserved_last, DOMAIN(2)->flags = 0x8000)
MAKE(domain_no_iommufd, DOMAIN(1)->iommufd_id = 0)
MAKE(domain_top_twice, DOMAIN(2)->top_pa = DOMAIN(0)->top_pa)
MAKE(domain_top_twice_last, DOMAIN(2)->top_pa = DOMAIN(1)->top_pa)
MAKE(domain_token_twice, DOMAIN(1)->token = DOMAIN(0)->token)
MAKE(domain_iommufd_token_twice, DOMAIN(2)->iommufd_id = DOMAIN(0)->iommufd_id)

MAKE(device_flag_1, DEVICE(0)->flags = 2)
MAKE(device_flag_7, DEVICE(4)->flags = 0x80)
MAKE(device_unit, DEVICE(3)->unit = GOOD_NR_UNITS)
MAKE(device_unit_far, DEVICE(3)->unit = ~0U)
MAKE(device_domain, DEVICE(2)->domain = GOOD_NR_DOMAINS)
MAKE(device_domain_far, DEVICE(2)->domain = ~0U)
MAKE(device_dir_unaligned, DEVICE(0)->pasid_dir_pa += 8)
MAKE(device_dir_missing, DEVICE(0)->pasid_dir_pa = 0)
MAKE(device_dir_in_legacy_mode, DEVICE(3)->pasid_dir_pa = fixture->pages[4]; DEVICE(3)->pasid_dir_bytes = PAGE_BYTES;
				DEVICE(3)->pasid_bits = 15)
MAKE(device_dir_bits_in_legacy_mode, DEVICE(3)->pasid_bits = 9)
MAKE(device_dir_bits_0, DEVICE(1)->pasid_bits = 0)
MAKE(device_dir_bits_large, DEVICE(6)->pasid_bits = IOMMU_SER_PASID_DIR_MAX_BITS + 1)
MAKE(device_own_tag_of_scalable, DEVICE(1)->flags = IOMMU_DEVICE_SER_OWN_TAG; DEVICE(1)->tag = 9)
MAKE(device_own_tag_without_dir, DEVICE(3)->flags = IOMMU_DEVICE_SER_OWN_TAG)
MAKE(device_dir_without_own_tag, DEVICE(5)->flags = 0; DEVICE(5)->tag = 3)
MAKE(device_own_tag_of_other_device, DEVICE(6)->tag = DEVICE(5)->tag)
MAKE(device_own_tag_of_same_domain, DEVICE(5)->tag = DEVICE(4)->tag)
MAKE(device_own_tag_of_other_domain, DEVICE(6)->tag = DEVICE(4)->tag)
MAKE(device_dir_bytes_in_legacy_mode, DEVICE(3)->pasid_dir_bytes = PAGE_BYTES)
MAKE(device_dir_bytes_0, DEVICE(1)->pasid_dir_bytes = 0)
MAKE(device_dir_bytes_small, DEVICE(1)->pasid_dir_bytes = 2048)
MAKE(device_dir_bytes_odd, DEVICE(1)->pasid_dir_bytes = 4097)
MAKE(device_dir_bytes_large, DEVICE(1)->pasid_dir_bytes = 2 * IOMMU_SER_PASID_DIR_MAX_BYTES)
MAKE(device_dir_bytes_misaligned, DEVICE(0)->pasid_dir_pa += PAGE_BYTES)
MAKE(device_dir_not_handed_over, world_take_back(fixture->world, DEVICE(1)->pasid_dir_pa))
MAKE(device_dir_ends_outside, world_take_back(fixture->world, DEVICE(0)->pasid_dir_pa + PAGE_BYTES))
MAKE(device_dir_listed, DEVICE(1)->pasid_dir_pa = fixture->pages[0])
MAKE(device_dir_overlaps, DEVICE(2)->pasid_dir_pa = DEVICE(0)->pasid_dir_pa + PAGE_BYTES)
MAKE(device_dir_twice, DEVICE(2)->pasid_dir_pa = DEVICE(1)->pasid_dir_pa)
MAKE(device_tag_0, DEVICE(3)->tag = 0)
MAKE(device_tag_1, DEVICE(3)->tag = 1)
MAKE(device_tag_65536, DEVICE(2)->tag = 65536)
MAKE(device_tag_far, DEVICE(2)->tag = ~0U)
MAKE(device_twice, DEVICE(1)->rid = DEVICE(0)->rid)
MAKE(device_twice_last, DEVICE(4)->rid = DEVICE(3)->rid)
MAKE(device_segment_twice, DEVICE(3)->segment = 0)
MAKE(device_tag_of_other_domain, DEVICE(2)->tag = DEVICE(0)->tag)
MAKE(device_other_tag_of_domain, DEVICE(1)->tag = 9)

MAKE(pasid_device, PASID(3)->device = GOOD_NR_DEVICES)
MAKE(pasid_device_far, PASID(3)->device = ~0U)
MAKE(pasid_device_in_legacy_mode, PASID(3)->device = 3)
MAKE(pasid_domain, PASID(1)->domain = GOOD_NR_DOMAINS)
MAKE(pasid_domain_far, PASID(1)->domain = ~0U)
MAKE(pasid_0, PASID(0)->pasid = 0)
MAKE(pasid_beyond, PASID(1)->pasid = 1 << 16)
MAKE(pasid_beyond_small, PASID(3)->pasid = 1 << 15)
MAKE(pasid_beyond_table, PASID(5)->pasid = 512)
MAKE(pasid_beyond_any, PASID(6)->pasid = 0x100000)
MAKE(pasid_not_the_own_tag, PASID(4)->tag = 39)
MAKE(pasid_own_tag_of_other_device, PASID(6)->tag = 40)
MAKE(pasid_own_tag_of_same_domain, PASID(4)->domain = 0; PASID(4)->tag = 3)
MAKE(pasid_far, PASID(1)->pasid = ~0U)
MAKE(pasid_tag_1, PASID(2)->tag = 1)
MAKE(pasid_tag_65536, PASID(2)->tag = 65536)
MAKE(pasid_twice, PASID(3)->pasid = 1)
MAKE(pasid_unsorted, PASID(2)->pasid = 6)
MAKE(pasid_device_unsorted, PASID(1)->device = 2; PASID(1)->pasid = 7; PASID(2)->device = 1)
MAKE(pasid_tag_of_other_domain, PASID(2)->tag = 2)
MAKE(pasid_other_tag_of_domain, PASID(1)->tag = 9)
MAKE(pasid_tag_of_other_pasid, PASID(1)->domain = 2; PASID(1)->tag = 78)
MAKE(pasid_other_tag_of_first_device, DEVICE(1)->domain = 2; DEVICE(1)->tag = 77; PASID(1)->tag = 9)
MAKE(pasid_other_tag_of_first_pasid, PASID(0)->domain = 2; PASID(0)->tag = 78)

MAKE(alias_device, ALIAS(8)->device = GOOD_NR_DEVICES)
MAKE(alias_device_far, ALIAS(2)->device = ~0U)
MAKE(alias_reserved, ALIAS(0)->reserved = 1)
MAKE(alias_reserved_last, ALIAS(8)->reserved = 0x8000)
MAKE(alias_bus_above, ALIAS(2)->rid = 0x100)
MAKE(alias_bus_far, ALIAS(0)->rid = 0x8000)
MAKE(alias_bus_below, ALIAS(4)->rid = 0xfeff)
MAKE(alias_bus_of_other_segment, ALIAS(3)->rid = 0xff01)
MAKE(alias_twice, ALIAS(1)->rid = ALIAS(0)->rid)
MAKE(alias_twice_last, ALIAS(8)->rid = ALIAS(7)->rid)
MAKE(alias_unsorted, ALIAS(1)->rid = 0xff; ALIAS(2)->rid = 0x29)
MAKE(alias_unsorted_last, ALIAS(8)->rid = 0xff27)
MAKE(alias_device_unsorted, ALIAS(3)->device = 2; ALIAS(3)->rid = 0xff00; ALIAS(4)->device = 1; ALIAS(4)->rid = 0x28)
MAKE(alias_device_unsorted_last, ALIAS(8)->device = 4; ALIAS(8)->rid = 0xff)
MAKE(alias_of_itself, ALIAS(1)->rid = DEVICE(0)->rid)
MAKE(alias_of_itself_last, ALIAS(8)->rid = DEVICE(6)->rid)
MAKE(alias_is_device_before, ALIAS(3)->rid = DEVICE(0)->rid)
MAKE(alias_is_device_behind, ALIAS(1)->rid = DEVICE(1)->rid)
MAKE(alias_is_device_without_any, ALIAS(5)->rid = DEVICE(5)->rid)
MAKE(alias_is_device_in_one_segment, DEVICE(6)->segment = 0)
MAKE(device_is_alias_in_one_segment, DEVICE(5)->segment = 0)
MAKE(alias_of_other_device, ALIAS(3)->rid = ALIAS(0)->rid)
MAKE(alias_of_other_device_last, ALIAS(3)->rid = ALIAS(2)->rid)
MAKE(alias_in_one_segment, DEVICE(3)->segment = 0; DEVICE(3)->rid = 0x30)

static const struct wrong wrongs[] = {
#define WRONG(name, error, index)	{ #name, name, error, index }
	WRONG(head_reserved, LU_ERR_RESERVED, 0),
	WRONG(reserved, LU_ERR_RESERVED, 0),
	WRONG(reserved_last, LU_ERR_RESERVED, 0),

	WRONG(unit_driver_0, LU_ERR_KIND, 0),
	WRONG(unit_driver_3, LU_ERR_KIND, 1),
	WRONG(unit_reserved, LU_ERR_RESERVED, 0),
	WRONG(unit_reserved_last, LU_ERR_RESERVED, 1),
	WRONG(unit_flag_1, LU_ERR_RESERVED, 0),
	WRONG(unit_flag_31, LU_ERR_RESERVED, 1),
	WRONG(unit_twice, LU_ERR_DUPLICATE, 1),
	WRONG(unit_twice_last, LU_ERR_DUPLICATE, 2),
	WRONG(unit_no_pages, LU_ERR_COUNT, 0),
	WRONG(unit_too_many_pages, LU_ERR_COUNT, 0),
	WRONG(unit_list_unaligned, LU_ERR_ALIGNMENT, 0),
	WRONG(unit_list_elsewhere, LU_ERR_RANGE, 0),
	WRONG(unit_list_not_handed_over, LU_ERR_RANGE, 0),
	WRONG(unit_list_ends_outside, LU_ERR_RANGE, 0),
	WRONG(unit_list_unterminated, LU_ERR_DUPLICATE, 0),
	WRONG(unit_page_unaligned, LU_ERR_ALIGNMENT, 0),
	WRONG(unit_page_twice, LU_ERR_DUPLICATE, 0),
	WRONG(unit_pages_unsorted, LU_ERR_DUPLICATE, 0),
	WRONG(unit_page_first, LU_ERR_RANGE, 0),
	WRONG(unit_page_last, LU_ERR_RANGE, 0),
	WRONG(unit_page_beyond, LU_ERR_RANGE, 0),
	WRONG(unit_page_taken_back, LU_ERR_RANGE, 0),
	WRONG(unit_page_is_list, LU_ERR_DUPLICATE, 1),
	WRONG(unit_root_unlisted, LU_ERR_TABLE_UNLISTED, 0),
	WRONG(unit_root_unaligned, LU_ERR_TABLE_UNLISTED, 0),
	WRONG(unit_root_zero, LU_ERR_TABLE_UNLISTED, 1),
	WRONG(unit_irt_without_size, LU_ERR_COUNT, 0),
	WRONG(unit_irt_without_address, LU_ERR_COUNT, 0),
	WRONG(unit_irt_odd_size, LU_ERR_COUNT, 0),
	WRONG(unit_irt_small, LU_ERR_ALIGNMENT, 0),
	WRONG(unit_irt_one, LU_ERR_ALIGNMENT, 0),
	WRONG(unit_irt_unaligned, LU_ERR_ALIGNMENT, 0),
	WRONG(unit_irt_not_handed_over, LU_ERR_RANGE, 0),
	WRONG(unit_irt_ends_outside, LU_ERR_RANGE, 0),
	WRONG(unit_irt_too_long, LU_ERR_RANGE, 0),

	WRONG(domain_format_0, LU_ERR_KIND, 0),
	WRONG(domain_format_4, LU_ERR_KIND, 2),
	WRONG(domain_format_255, LU_ERR_KIND, 1),
	WRONG(domain_levels_2, LU_ERR_KIND, 1),
	WRONG(domain_levels_6, LU_ERR_KIND, 1),
	WRONG(domain_levels_0, LU_ERR_KIND, 0),
	WRONG(domain_levels_255, LU_ERR_KIND, 0),
	WRONG(domain_first_stage_levels_3, LU_ERR_KIND, 0),
	WRONG(domain_first_stage_levels_6, LU_ERR_KIND, 2),
	WRONG(domain_reserved, LU_ERR_RESERVED, 0),
	WRONG(domain_reserved_last, LU_ERR_RESERVED, 2),
	WRONG(domain_no_iommufd, LU_ERR_INDEX, 1),
	WRONG(domain_top_twice, LU_ERR_DUPLICATE, 2),
	WRONG(domain_top_twice_last, LU_ERR_DUPLICATE, 2),
	WRONG(domain_token_twice, LU_ERR_DUPLICATE, 1),
	WRONG(domain_iommufd_token_twice, LU_ERR_DUPLICATE, 2),

	WRONG(device_flag_1, LU_ERR_RESERVED, 0),
	WRONG(device_flag_7, LU_ERR_RESERVED, 4),
	WRONG(device_unit, LU_ERR_INDEX, 3),
	WRONG(device_unit_far, LU_ERR_INDEX, 3),
	WRONG(device_domain, LU_ERR_INDEX, 2),
	WRONG(device_domain_far, LU_ERR_INDEX, 2),
	WRONG(device_dir_unaligned, LU_ERR_ALIGNMENT, 0),
	WRONG(device_dir_missing, LU_ERR_KIND, 0),
	WRONG(device_dir_in_legacy_mode, LU_ERR_KIND, 3),
	WRONG(device_dir_bytes_in_legacy_mode, LU_ERR_KIND, 3),
	WRONG(device_dir_bits_in_legacy_mode, LU_ERR_KIND, 3),
	WRONG(device_dir_bits_0, LU_ERR_KIND, 1),
	WRONG(device_dir_bits_large, LU_ERR_COUNT, 6),
	WRONG(device_own_tag_of_scalable, LU_ERR_KIND, 1),
	WRONG(device_own_tag_without_dir, LU_ERR_KIND, 3),
	WRONG(device_dir_without_own_tag, LU_ERR_KIND, 5),
	WRONG(device_own_tag_of_other_device, LU_ERR_TAG, 6),
	WRONG(device_own_tag_of_same_domain, LU_ERR_TAG, 5),
	WRONG(device_own_tag_of_other_domain, LU_ERR_TAG, 6),
	WRONG(device_dir_bytes_0, LU_ERR_KIND, 1),
	WRONG(device_dir_bytes_small, LU_ERR_COUNT, 1),
	WRONG(device_dir_bytes_odd, LU_ERR_COUNT, 1),
	WRONG(device_dir_bytes_large, LU_ERR_COUNT, 1),
	WRONG(device_dir_bytes_misaligned, LU_ERR_ALIGNMENT, 0),
	WRONG(device_dir_not_handed_over, LU_ERR_RANGE, 1),
	WRONG(device_dir_ends_outside, LU_ERR_RANGE, 0),
	WRONG(device_dir_listed, LU_ERR_DUPLICATE, 1),
	WRONG(device_dir_overlaps, LU_ERR_DUPLICATE, 2),
	WRONG(device_dir_twice, LU_ERR_DUPLICATE, 2),
	WRONG(device_tag_0, LU_ERR_TAG, 3),
	WRONG(device_tag_1, LU_ERR_TAG, 3),
	WRONG(device_tag_65536, LU_ERR_TAG, 2),
	WRONG(device_tag_far, LU_ERR_TAG, 2),
	WRONG(device_twice, LU_ERR_DUPLICATE, 1),
	WRONG(device_twice_last, LU_ERR_DUPLICATE, 4),
	WRONG(device_segment_twice, LU_ERR_DUPLICATE, 3),
	WRONG(device_tag_of_other_domain, LU_ERR_TAG, 2),
	WRONG(device_other_tag_of_domain, LU_ERR_TAG, 1),

	WRONG(pasid_device, LU_ERR_INDEX, 3),
	WRONG(pasid_device_far, LU_ERR_INDEX, 3),
	WRONG(pasid_device_in_legacy_mode, LU_ERR_PASID, 3),
	WRONG(pasid_domain, LU_ERR_INDEX, 1),
	WRONG(pasid_domain_far, LU_ERR_INDEX, 1),
	WRONG(pasid_0, LU_ERR_PASID, 0),
	WRONG(pasid_beyond, LU_ERR_PASID, 1),
	WRONG(pasid_beyond_small, LU_ERR_PASID, 3),
	WRONG(pasid_beyond_table, LU_ERR_PASID, 5),
	WRONG(pasid_beyond_any, LU_ERR_PASID, 6),
	WRONG(pasid_not_the_own_tag, LU_ERR_TAG, 4),
	WRONG(pasid_own_tag_of_other_device, LU_ERR_TAG, 6),
	WRONG(pasid_own_tag_of_same_domain, LU_ERR_TAG, 4),
	WRONG(pasid_far, LU_ERR_PASID, 1),
	WRONG(pasid_tag_1, LU_ERR_TAG, 2),
	WRONG(pasid_tag_65536, LU_ERR_TAG, 2),
	WRONG(pasid_twice, LU_ERR_DUPLICATE, 3),
	WRONG(pasid_unsorted, LU_ERR_DUPLICATE, 3),
	WRONG(pasid_device_unsorted, LU_ERR_DUPLICATE, 2),
	WRONG(pasid_tag_of_other_domain, LU_ERR_TAG, 2),
	WRONG(pasid_other_tag_of_domain, LU_ERR_TAG, 1),
	WRONG(pasid_tag_of_other_pasid, LU_ERR_TAG, 2),
	WRONG(pasid_other_tag_of_first_device, LU_ERR_TAG, 1),
	WRONG(pasid_other_tag_of_first_pasid, LU_ERR_TAG, 2),

	WRONG(alias_device, LU_ERR_INDEX, 8),
	WRONG(alias_device_far, LU_ERR_INDEX, 2),
	WRONG(alias_reserved, LU_ERR_RESERVED, 0),
	WRONG(alias_reserved_last, LU_ERR_RESERVED, 8),
	WRONG(alias_bus_above, LU_ERR_RANGE, 2),
	WRONG(alias_bus_far, LU_ERR_RANGE, 0),
	WRONG(alias_bus_below, LU_ERR_RANGE, 4),
	WRONG(alias_bus_of_other_segment, LU_ERR_RANGE, 3),
	WRONG(alias_twice, LU_ERR_DUPLICATE, 1),
	WRONG(alias_twice_last, LU_ERR_DUPLICATE, 8),
	WRONG(alias_unsorted, LU_ERR_DUPLICATE, 2),
	WRONG(alias_unsorted_last, LU_ERR_DUPLICATE, 8),
	WRONG(alias_device_unsorted, LU_ERR_DUPLICATE, 4),
	WRONG(alias_device_unsorted_last, LU_ERR_DUPLICATE, 8),
	WRONG(alias_of_itself, LU_ERR_DUPLICATE, 1),
	WRONG(alias_of_itself_last, LU_ERR_DUPLICATE, 8),
	WRONG(alias_is_device_before, LU_ERR_DUPLICATE, 3),
	WRONG(alias_is_device_behind, LU_ERR_DUPLICATE, 1),
	WRONG(alias_is_device_without_any, LU_ERR_DUPLICATE, 5),
	WRONG(alias_is_device_in_one_segment, LU_ERR_DUPLICATE, 7),
	WRONG(device_is_alias_in_one_segment, LU_ERR_DUPLICATE, 3),
	WRONG(alias_of_other_device, LU_ERR_DUPLICATE, 3),
	WRONG(alias_of_other_device_last, LU_ERR_DUPLICATE, 3),
	WRONG(alias_in_one_segment, LU_ERR_DUPLICATE, 5),
};

static void every_wrong_field_is_refused(void **state)
{
	struct lu_verdict verdict;
	struct fixture *fixture;
	void *of_one;
	__u32 i;

	(void)state;
	for (i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		setup(&of_one);
		fixture = of_one;
		wrongs[i].make(fixture);
		blob_seal(&fixture->blob);
		world_verify_iommu(fixture->world, &fixture->blob, &verdict);
		if (verdict.error != wrongs[i].error || verdict.index != wrongs[i].index)
			fail_msg("%s: %s at record %u, where %s at record %u was due", wrongs[i].what,
				 lu_error_name(verdict.error), verdict.index, lu_error_name(wrongs[i].error),
				 wrongs[i].index);
		teardown(&of_one);
	}
}

/* The records alone do not say whether the tables are of the format. */
static void first_stage_is_accepted(void **state)
{
	struct fixture *fixture = *state;
	struct lu_verdict verdict;

	DOMAIN(1)->format = IOMMU_SER_FORMAT_X86_64;
	DOMAIN(2)->format = IOMMU_SER_FORMAT_X86_64;
	blob_seal(&fixture->blob);
	assert_true(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
}

/* Whichever comes first: a tag of a device's own is not that of its domain. */
static void own_tag_comes_first(void **state)
{
	struct fixture *fixture = *state;
	const struct iommu_device_ser own = *DEVICE(6), other = *DEVICE(4);
	struct lu_verdict verdict;

	*DEVICE(4) = own;
	*DEVICE(6) = other;
	DEVICE(6)->domain = own.domain;
	DEVICE(6)->tag = 50;
	*PASID(6) = *PASID(5);
	*PASID(5) = *PASID(4);
	*PASID(4) = (struct iommu_pasid_ser){ .device = 4, .pasid = 1, .domain = own.domain, .tag = own.tag };
	ALIAS(7)->device = 4;
	ALIAS(8)->device = 4;
	blob_seal(&fixture->blob);
	assert_true(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
	DEVICE(6)->tag = own.tag;
	blob_seal(&fixture->blob);
	assert_false(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
	assert_int_equal(verdict.error, LU_ERR_TAG);
	assert_int_equal(verdict.index, 6);
}

/* Of device 0 and of device 1 so many aliases, and of no other. */
static enum lu_error verify_aliases(struct fixture *fixture, __u32 nr_first, __u32 nr_second, __u32 *index)
{
	const __u32 nr_aliases = nr_first + nr_second;
	struct blob blob = blob_copy(&fixture->blob, fixture->blob.nr_bytes + nr_aliases * sizeof(struct iommu_alias_ser));
	struct lu_verdict verdict;
	__u32 i;

	for (i = 0; i < nr_aliases; i++)
		*blob_alias(&blob, i) = (struct iommu_alias_ser){ .device = i >= nr_first, .rid = 0x40 + i };
	blob_iommu(&blob)->nr_aliases = nr_aliases;
	blob_head(&blob)->length_bytes = lu_iommu_bytes(blob.bytes);
	blob_seal(&blob);
	world_verify_iommu(fixture->world, &blob, &verdict);
	blob_free(&blob);
	*index = verdict.index;
	return verdict.error;
}

/* What is bounded is the number of each device, wherever its aliases begin. */
static void aliases_of_a_device_are_bounded(void **state)
{
	static const struct { __u32 nr_first, nr_second, index_refused; } cases[] = {
		{ 0, 0, 0 }, { 0, 16, 0 }, { 1, 16, 0 }, { 15, 16, 0 }, { 16, 1, 0 }, { 16, 16, 0 },
		{ 17, 0, 16 }, { 17, 16, 16 }, { 18, 0, 16 }, { 0, 17, 16 }, { 1, 17, 17 }, { 16, 17, 32 }, { 0, 128, 16 },
	};
	__u32 i, index;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const enum lu_error error = verify_aliases(*state, cases[i].nr_first, cases[i].nr_second, &index);

		assert_string_equal(lu_error_name(error), lu_error_name(cases[i].index_refused ? LU_ERR_COUNT : LU_OK));
		if (error)
			assert_int_equal(index, cases[i].index_refused);
	}
}

/* Each device has as many as one may have, and a bus for itself. */
static void as_many_aliases_as_there_may_be(void **state)
{
	const struct iommu_ser counts = {
		.nr_units = 1, .nr_domains = 1, .nr_devices = IOMMU_SER_MAX_ALIASES / IOMMU_SER_MAX_DEVICE_ALIASES,
		.nr_aliases = IOMMU_SER_MAX_ALIASES,
	};
	struct fixture *fixture = *state;
	struct blob many = blob_new_iommu(&counts);
	struct iommu_alias_ser *last = blob_alias(&many, IOMMU_SER_MAX_ALIASES - 1);
	struct lu_verdict verdict;
	__u32 i;

	*blob_unit(&many, 0) = *UNIT(1);
	*blob_domain(&many, 0) = *DOMAIN(0);
	for (i = 0; i < counts.nr_devices; i++)
		*blob_device(&many, i) = (struct iommu_device_ser){ .rid = i << 8, .tag = 2 };
	for (i = 0; i < IOMMU_SER_MAX_ALIASES; i++) {
		blob_alias(&many, i)->device = i / IOMMU_SER_MAX_DEVICE_ALIASES;
		blob_alias(&many, i)->rid = blob_alias(&many, i)->device << 8 | (1 + i % IOMMU_SER_MAX_DEVICE_ALIASES);
	}
	blob_seal(&many);
	assert_true(world_verify_iommu(fixture->world, &many, &verdict));
	/* The last of them is looked at like the first. */
	last->reserved = 1;
	blob_seal(&many);
	assert_false(world_verify_iommu(fixture->world, &many, &verdict));
	assert_refused(&verdict, LU_ERR_RESERVED);
	assert_int_equal(verdict.index, IOMMU_SER_MAX_ALIASES - 1);
	blob_free(&many);
}

/* Not every address is one of the pretended machine's: each page "handed over" is the same. */
static const void *read_anything(const struct lu_phys *phys, __u64 pa, __u64 bytes)
{
	static const __u8 page[PAGE_BYTES];

	return pa == PAGE_BYTES && bytes > PAGE_BYTES ? phys->priv : page;
}

static void list_at_its_bound_is_accepted(void **state)
{
	struct fixture *fixture = *state;
	__u64 *pages = malloc(IOMMU_SER_MAX_PAGES * sizeof(*pages));
	const struct lu_phys phys = { .read = read_anything, .priv = pages, .end = WORLD_END };
	struct lu_verdict verdict;
	__u32 i;

	assert_non_null(pages);
	for (i = 0; i < IOMMU_SER_MAX_PAGES; i++)
		pages[i] = (0x10000 + (__u64)i) * PAGE_BYTES;
	UNIT(0)->pages_pa = PAGE_BYTES;
	UNIT(0)->nr_pages = IOMMU_SER_MAX_PAGES;
	UNIT(0)->root_pa = pages[IOMMU_SER_MAX_PAGES - 1];
	UNIT(1)->root_pa = 0;
	blob_seal(&fixture->blob);
	/* It is the next record that is refused. */
	assert_false(lu_verify_iommu(fixture->blob.bytes, fixture->blob.nr_bytes, &phys, &verdict));
	assert_int_equal(verdict.index, 1);
	free(pages);
}

static void what_is_wrong_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct lu_verdict verdict;

	UNIT(0)->root_pa = 0x1234000;
	blob_seal(&fixture->blob);
	assert_false(world_verify_iommu(fixture->world, &fixture->blob, &verdict));
	assert_int_equal(verdict.address, 0x1234000);
}

/* Memory that is taken back while the verifier runs. */
static void every_read_may_fail(void **state)
{
	struct fixture *fixture = *state;
	struct lu_verdict verdict;
	__u32 nth, nr_refused = 0;

	for (nth = 1;; nth++) {
		fixture->world->reads_left = nth;
		if (world_verify_iommu(fixture->world, &fixture->blob, &verdict))
			break;
		assert_refused(&verdict, LU_ERR_RANGE);
		nr_refused++;
	}
	/* Each list, each page on it, two tables of interrupts, and three directories, each with its unit's list again. */
	assert_int_equal(nr_refused, GOOD_NR_UNITS + GOOD_NR_PAGES + 2 + 1 + 2 + 3 * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_preserved_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(fewer_are_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(every_bit_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(every_other_length_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(as_many_units_as_there_may_be, setup, teardown),
		cmocka_unit_test(every_wrong_field_is_refused),
		cmocka_unit_test_setup_teardown(first_stage_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(own_tag_comes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(aliases_of_a_device_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(as_many_aliases_as_there_may_be, setup, teardown),
		cmocka_unit_test_setup_teardown(list_at_its_bound_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(every_read_may_fail, setup, teardown),
	};

	return cmocka_run_group_tests_name("iommu", tests, NULL, NULL);
}
