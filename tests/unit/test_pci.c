// SPDX-License-Identifier: GPL-2.0-or-later
/* The blob of the PCI core. */
#include "world.h"

#define NR_DEVICES	3U

static struct pci_ser *pci(const struct blob *blob)
{
	return blob->bytes;
}

static struct pci_device_ser *device(const struct blob *blob, __u32 i)
{
	return (struct pci_device_ser *)lu_pci_devices(blob->bytes) + i;
}

static struct blob pci_blob(__u32 nr_devices)
{
	struct blob blob = blob_new(sizeof(struct pci_ser) + (__u64)nr_devices * sizeof(struct pci_device_ser));
	__u32 i;

	blob_head(&blob)->magic = PCI_SER_MAGIC;
	blob_head(&blob)->version = PCI_SER_VERSION;
	blob_head(&blob)->length_bytes = blob.nr_bytes;
	pci(&blob)->nr_devices = nr_devices;
	/* The last one has the requester ID of the first, on another segment. */
	for (i = 0; i < nr_devices; i++)
		*device(&blob, i) = (struct pci_device_ser){
			.segment = i == nr_devices - 1, .rid = i == nr_devices - 1 ? 0 : i * 8,
			.vendor = 0x8086, .device = 0x10c9, .flags = i % 2 ? PCI_DEVICE_SER_ENDPOINT : 0,
			.bar_mask = { 0xfffff000 },
		};
	blob_seal(&blob);
	return blob;
}

static enum lu_error verify(const struct blob *blob, __u32 *index)
{
	struct lu_verdict verdict = { .error = LU_NR_ERRORS };
	bool accepted = lu_verify_pci(blob->bytes, blob->nr_bytes, &verdict);

	assert_int_equal(accepted, verdict.error == LU_OK);
	if (index)
		*index = verdict.index;
	return verdict.error;
}

static void good_is_accepted(void **state)
{
	__u32 nr_devices;

	(void)state;
	for (nr_devices = 0; nr_devices < 5; nr_devices++) {
		struct blob blob = pci_blob(nr_devices);

		assert_int_equal(verify(&blob, NULL), LU_OK);
		blob_free(&blob);
	}
}

static void every_bit_counts(void **state)
{
	struct blob blob = pci_blob(NR_DEVICES);
	__u8 *bytes = blob.bytes;
	__u64 bit;

	(void)state;
	for (bit = 0; bit < blob.nr_bytes * 8; bit++) {
		enum lu_error error;

		bytes[bit / 8] ^= 1 << bit % 8;
		error = verify(&blob, NULL);
		assert_int_not_equal(error, LU_OK);
		if (bit / 8 >= offsetof(struct kho_blob_head, crc32))
			assert_int_equal(error, LU_ERR_CHECKSUM);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	blob_free(&blob);
}

static void every_other_length_is_refused(void **state)
{
	struct blob all = pci_blob(NR_DEVICES);
	__u64 nr_bytes;

	(void)state;
	for (nr_bytes = 1; nr_bytes < all.nr_bytes + 64; nr_bytes++) {
		struct blob part = blob_copy(&all, nr_bytes);

		if (nr_bytes < all.nr_bytes)
			assert_int_equal(verify(&part, NULL), LU_ERR_LENGTH);
		if (nr_bytes != all.nr_bytes && nr_bytes >= sizeof(struct kho_blob_head)) {
			blob_head(&part)->length_bytes = nr_bytes;
			blob_seal(&part);
			assert_int_equal(verify(&part, NULL), LU_ERR_LENGTH);
		}
		blob_free(&part);
	}
	blob_free(&all);
}

static void count_is_bounded(void **state)
{
	struct blob blob = pci_blob(NR_DEVICES);

	(void)state;
	pci(&blob)->nr_devices = PCI_SER_MAX_DEVICES;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_LENGTH);
	pci(&blob)->nr_devices = PCI_SER_MAX_DEVICES + 1;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_COUNT);
	pci(&blob)->nr_devices = ~0U;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_COUNT);
	blob_free(&blob);
}

static void wrong_head(void **state)
{
	struct blob blob = pci_blob(NR_DEVICES);

	(void)state;
	blob_head(&blob)->magic = IOMMU_SER_MAGIC;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_MAGIC);
	blob_head(&blob)->magic = PCI_SER_MAGIC;
	blob_head(&blob)->version = PCI_SER_VERSION + 1;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_VERSION);
	blob_head(&blob)->version = PCI_SER_VERSION;
	pci(&blob)->reserved = 1;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_RESERVED);
	blob_free(&blob);
}

static void wrong_records(void **state)
{
	__u32 i, bit, index;

	(void)state;
	for (i = 0; i < NR_DEVICES; i++) {
		for (bit = 0; bit < 32; bit++) {
			struct blob blob = pci_blob(NR_DEVICES);

			device(&blob, i)->flags ^= 1U << bit;
			blob_seal(&blob);
			/* The one flag there is may be either. */
			assert_int_equal(verify(&blob, &index), bit ? LU_ERR_RESERVED : LU_OK);
			if (bit)
				assert_int_equal(index, i);
			blob_free(&blob);
		}
		for (bit = 0; bit < 16; bit++) {
			struct blob blob = pci_blob(NR_DEVICES);

			device(&blob, i)->reserved = 1U << bit;
			blob_seal(&blob);
			assert_int_equal(verify(&blob, &index), LU_ERR_RESERVED);
			assert_int_equal(index, i);
			blob_free(&blob);
		}
	}
}

static void no_function_twice(void **state)
{
	struct blob blob = pci_blob(NR_DEVICES);
	__u32 index;

	(void)state;
	device(&blob, NR_DEVICES - 1)->segment = 0;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, &index), LU_ERR_DUPLICATE);
	assert_int_equal(index, NR_DEVICES - 1);
	/* As another than the first. */
	device(&blob, NR_DEVICES - 1)->rid = device(&blob, NR_DEVICES - 2)->rid;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, &index), LU_ERR_DUPLICATE);
	assert_int_equal(index, NR_DEVICES - 1);
	blob_free(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_is_accepted),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(count_is_bounded),
		cmocka_unit_test(wrong_head),
		cmocka_unit_test(wrong_records),
		cmocka_unit_test(no_function_twice),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
