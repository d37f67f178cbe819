// SPDX-License-Identifier: GPL-2.0-or-later
/* What all blobs begin with: length, magic, version, checksum. */
#include "world.h"

#define TEST_MAGIC	0x1122334455667788ULL
#define TEST_VERSION	3U
#define TEST_BYTES	61U	/* odd, so that the checksum cannot go by words */

static struct blob test_blob(void)
{
	struct blob blob = blob_new(TEST_BYTES);
	__u32 i;

	for (i = sizeof(struct kho_blob_head); i < TEST_BYTES; i++)
		((__u8 *)blob.bytes)[i] = i * 7;
	blob_head(&blob)->magic = TEST_MAGIC;
	blob_head(&blob)->version = TEST_VERSION;
	blob_head(&blob)->length_bytes = TEST_BYTES;
	blob_seal(&blob);
	return blob;
}

static enum lu_error verify(const struct blob *blob, __u64 min_bytes)
{
	struct lu_verdict verdict = { .error = LU_NR_ERRORS };
	bool accepted = lu_verify_blob(blob->bytes, blob->nr_bytes, TEST_MAGIC, TEST_VERSION, min_bytes, &verdict);

	assert_int_equal(accepted, verdict.error == LU_OK);
	return verdict.error;
}

/* Bit by bit, as IEEE 802.3 has it: what the library and the kernel compute by tables. */
static __u32 slow_crc32(const __u8 *bytes, __u64 nr_bytes)
{
	__u32 crc = ~0U, bit;
	__u64 i;

	for (i = 0; i < nr_bytes; i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	return ~crc;
}

static void checksum_is_the_common_one(void **state)
{
	struct blob blob = test_blob();
	__u32 crc = blob_head(&blob)->crc32;

	(void)state;
	/* The check value that catalogues of checksums give: else slow_crc32() proves nothing. */
	assert_int_equal(slow_crc32((const __u8 *)"123456789", 9), 0xcbf43926U);
	blob_head(&blob)->crc32 = 0;
	assert_int_equal(slow_crc32(blob.bytes, blob.nr_bytes), crc);
	blob_free(&blob);
}

static void good_is_accepted(void **state)
{
	struct blob blob = test_blob();
	struct blob longer = blob_copy(&blob, TEST_BYTES + 100);

	(void)state;
	assert_int_equal(verify(&blob, sizeof(struct kho_blob_head)), LU_OK);
	assert_int_equal(verify(&blob, TEST_BYTES), LU_OK);
	/* More may have been preserved than is used. */
	assert_int_equal(verify(&longer, TEST_BYTES), LU_OK);
	blob_free(&longer);
	blob_free(&blob);
}

static void head_alone_is_accepted(void **state)
{
	struct blob all = test_blob();
	struct blob head = blob_copy(&all, sizeof(struct kho_blob_head));

	(void)state;
	blob_head(&head)->length_bytes = sizeof(struct kho_blob_head);
	blob_seal(&head);
	assert_int_equal(verify(&head, sizeof(struct kho_blob_head)), LU_OK);
	blob_free(&head);
	blob_free(&all);
}

static void truncated_is_refused(void **state)
{
	struct blob all = test_blob();
	__u64 nr_bytes;

	(void)state;
	for (nr_bytes = 1; nr_bytes < TEST_BYTES; nr_bytes++) {
		struct blob part = blob_copy(&all, nr_bytes);

		assert_int_equal(verify(&part, sizeof(struct kho_blob_head)), LU_ERR_LENGTH);
		blob_free(&part);
	}
	all.nr_bytes = 0;
	assert_int_equal(verify(&all, sizeof(struct kho_blob_head)), LU_ERR_LENGTH);
	blob_free(&all);
}

static void shorter_than_its_kind_is_refused(void **state)
{
	struct blob blob = test_blob();

	(void)state;
	assert_int_equal(verify(&blob, TEST_BYTES + 1), LU_ERR_LENGTH);
	blob_head(&blob)->length_bytes = 0;
	assert_int_equal(verify(&blob, sizeof(struct kho_blob_head)), LU_ERR_LENGTH);
	blob_free(&blob);
}

static void head_fields_are_checked(void **state)
{
	struct blob blob = test_blob();
	struct kho_blob_head *head = blob_head(&blob);
	const struct kho_blob_head good = *head;
	__u32 bit;

	(void)state;
	for (bit = 0; bit < 64; bit++) {
		head->magic ^= 1ULL << bit;
		blob_seal(&blob);
		assert_int_equal(verify(&blob, sizeof(*head)), LU_ERR_MAGIC);
		*head = good;
	}
	for (bit = 0; bit < 32; bit++) {
		head->version ^= 1U << bit;
		blob_seal(&blob);
		assert_int_equal(verify(&blob, sizeof(*head)), LU_ERR_VERSION);
		*head = good;
		head->reserved = 1U << bit;
		blob_seal(&blob);
		assert_int_equal(verify(&blob, sizeof(*head)), LU_ERR_RESERVED);
		*head = good;
		head->crc32 ^= 1U << bit;
		assert_int_equal(verify(&blob, sizeof(*head)), LU_ERR_CHECKSUM);
		*head = good;
	}
	/* A blob of another kind is named as such, whatever else is wrong with it. */
	head->magic = 0;
	head->version = 0;
	assert_int_equal(verify(&blob, sizeof(*head)), LU_ERR_MAGIC);
	blob_free(&blob);
}

static void every_bit_counts(void **state)
{
	struct blob blob = test_blob();
	__u8 *bytes = blob.bytes;
	__u32 bit;

	(void)state;
	for (bit = 0; bit < TEST_BYTES * 8; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(verify(&blob, sizeof(struct kho_blob_head)), LU_OK);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(verify(&blob, sizeof(struct kho_blob_head)), LU_OK);
	blob_free(&blob);
}

static void errors_have_names(void **state)
{
	int error, other;

	(void)state;
	for (error = 0; error < LU_NR_ERRORS; error++) {
		assert_non_null(lu_error_name(error));
		assert_string_not_equal(lu_error_name(error), "unknown");
		for (other = 0; other < error; other++)
			assert_string_not_equal(lu_error_name(error), lu_error_name(other));
	}
	assert_string_equal(lu_error_name(LU_NR_ERRORS), "unknown");
	assert_string_equal(lu_error_name((enum lu_error)-1), "unknown");
}

static void pages_are_found_in_lists(void **state)
{
	__u64 *pages;
	__u32 nr_pages, i, index;

	(void)state;
	for (nr_pages = 0; nr_pages < 20; nr_pages++) {
		pages = malloc(nr_pages * sizeof(*pages));
		for (i = 0; i < nr_pages; i++)
			pages[i] = (i + 1) * 2 * PAGE_BYTES;
		for (i = 0; i < nr_pages; i++) {
			index = ~0U;
			assert_true(lu_page_listed(pages, nr_pages, pages[i], &index));
			assert_int_equal(index, i);
			assert_true(lu_page_listed(pages, nr_pages, pages[i], NULL));
		}
		for (i = 0; i <= nr_pages; i++)
			assert_false(lu_page_listed(pages, nr_pages, (i * 2 + 1) * PAGE_BYTES, &index));
		free(pages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_is_the_common_one),
		cmocka_unit_test(good_is_accepted),
		cmocka_unit_test(head_alone_is_accepted),
		cmocka_unit_test(truncated_is_refused),
		cmocka_unit_test(shorter_than_its_kind_is_refused),
		cmocka_unit_test(head_fields_are_checked),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(errors_have_names),
		cmocka_unit_test(pages_are_found_in_lists),
	};

	return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
