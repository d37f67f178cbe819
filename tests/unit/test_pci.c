// SPDX-License-Identifier: GPL-2.0-or-later
/* The blob of the PCI core. */
#include <string.h>

#include "world.h"

#define NR_DEVICES	3U

/* A physical function with virtual ones, as 82576 has them, of which two have records. */
#define PF_RID		0x0128
#define VF_OFFSET	0x80
#define VF_STRIDE	2
#define NR_VFS		3
#define VF_RID(i)	(PF_RID + VF_OFFSET + (i) * VF_STRIDE)

enum { PF, FIRST_VF, LAST_VF, BRIDGE, NR_FUNCTIONS };

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

static struct blob sriov_blob(void)
{
	struct blob blob = pci_blob(NR_FUNCTIONS);

	*device(&blob, PF) = (struct pci_device_ser){
		.segment = 1, .rid = PF_RID, .vendor = 0x8086, .device = 0x10c9, .flags = PCI_DEVICE_SER_PF,
		.bar_mask = { 0xfffe0000 },
		.sriov = { .nr_vfs = NR_VFS, .offset = VF_OFFSET, .stride = VF_STRIDE, .max_bus = 1, .vf_bar_mask = { 0xffffc000 } },
	};
	*device(&blob, FIRST_VF) = (struct pci_device_ser){
		.segment = 1, .rid = VF_RID(0), .vendor = 0x8086, .device = 0x10ca, .pf_rid = PF_RID,
		.flags = PCI_DEVICE_SER_VF | PCI_DEVICE_SER_ENDPOINT,
	};
	*device(&blob, LAST_VF) = *device(&blob, FIRST_VF);
	device(&blob, LAST_VF)->rid = VF_RID(NR_VFS - 1);
	*device(&blob, BRIDGE) = (struct pci_device_ser){ .segment = 1, .rid = 8, .vendor = 0x8086, .device = 0x3420 };
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

/* In whatever order: virtual functions may be preserved before their physical one, or after. */
static void sriov_is_accepted(void **state)
{
	struct blob blob = sriov_blob();
	struct pci_device_ser pf;
	__u32 i;

	(void)state;
	assert_int_equal(verify(&blob, NULL), LU_OK);
	device(&blob, PF)->flags |= PCI_DEVICE_SER_ENDPOINT;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_OK);
	pf = *device(&blob, PF);
	for (i = 0; i + 1 < NR_FUNCTIONS; i++)
		*device(&blob, i) = *device(&blob, i + 1);
	*device(&blob, NR_FUNCTIONS - 1) = pf;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_OK);
	blob_free(&blob);
}

/* One that has the capability and has not enabled it says so, and where its virtual functions would be. */
static void sriov_may_be_off(void **state)
{
	static const __u8 max_bus[] = { 0, 1, 2, 255 };
	struct blob blob = pci_blob(1);
	__u32 i;

	(void)state;
	device(&blob, 0)->flags = PCI_DEVICE_SER_PF | PCI_DEVICE_SER_ENDPOINT;
	device(&blob, 0)->segment = 0;
	device(&blob, 0)->rid = PF_RID;
	for (i = 0; i < sizeof(max_bus); i++) {
		device(&blob, 0)->sriov.max_bus = max_bus[i];
		blob_seal(&blob);
		assert_int_equal(verify(&blob, NULL), LU_OK);
	}
	device(&blob, 0)->rid = 0x0228;
	device(&blob, 0)->sriov.max_bus = 1;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, NULL), LU_ERR_RANGE);
	blob_free(&blob);
}

static void every_bit_counts(void **state)
{
	struct blob blob = sriov_blob();
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
	struct blob all = sriov_blob();
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

/* What becomes of a blob in which one field of one record is another. */
#define WRONG(make, i, field, value, error) do { \
	struct blob blob = make; \
	__u32 index = ~0U; \
	\
	device(&blob, i)->field = value; \
	blob_seal(&blob); \
	assert_int_equal(verify(&blob, &index), error); \
	if ((error) != LU_OK) \
		assert_int_equal(index, i); \
	blob_free(&blob); \
} while (0)

static void wrong_records(void **state)
{
	__u32 i, bit;

	(void)state;
	for (i = 0; i < NR_DEVICES; i++) {
		for (bit = 3; bit < 32; bit++)
			WRONG(pci_blob(NR_DEVICES), i, flags, 1U << bit, LU_ERR_RESERVED);
		/* An endpoint or not, with the capability or not; a virtual function needs more than the flag. */
		WRONG(pci_blob(NR_DEVICES), i, flags, 0, LU_OK);
		WRONG(pci_blob(NR_DEVICES), i, flags, PCI_DEVICE_SER_ENDPOINT, LU_OK);
		WRONG(pci_blob(NR_DEVICES), i, flags, PCI_DEVICE_SER_PF, LU_OK);
		WRONG(pci_blob(NR_DEVICES), i, flags, PCI_DEVICE_SER_VF | PCI_DEVICE_SER_ENDPOINT, LU_ERR_INDEX);
		for (bit = 0; bit < 16; bit++) {
			WRONG(pci_blob(NR_DEVICES), i, pf_rid, 1U << bit, LU_ERR_RESERVED);
			WRONG(pci_blob(NR_DEVICES), i, sriov.nr_vfs, 1U << bit, LU_ERR_RESERVED);
			WRONG(pci_blob(NR_DEVICES), i, sriov.offset, 1U << bit, LU_ERR_RESERVED);
			WRONG(pci_blob(NR_DEVICES), i, sriov.stride, 1U << bit, LU_ERR_RESERVED);
			WRONG(pci_blob(NR_DEVICES), i, sriov.vf_bar_mask[bit % 6], 1U << bit, LU_ERR_RESERVED);
		}
		for (bit = 0; bit < 8; bit++) {
			WRONG(pci_blob(NR_DEVICES), i, sriov.max_bus, 1U << bit, LU_ERR_RESERVED);
			WRONG(pci_blob(NR_DEVICES), i, sriov.reserved, 1U << bit, LU_ERR_RESERVED);
			WRONG(sriov_blob(), PF, sriov.reserved, 1U << bit, LU_ERR_RESERVED);
		}
	}
}

static void wrong_physical_function(void **state)
{
	(void)state;
	WRONG(sriov_blob(), PF, sriov.offset, 0, LU_ERR_RANGE);
	WRONG(sriov_blob(), PF, sriov.stride, 0, LU_ERR_RANGE);
	WRONG(sriov_blob(), PF, sriov.max_bus, 0, LU_ERR_RANGE);
	WRONG(sriov_blob(), PF, sriov.max_bus, 2, LU_OK);
	/* Requester IDs beyond 16 bits, by little and by much. */
	WRONG(sriov_blob(), PF, sriov.offset, 0xffff, LU_ERR_RANGE);
	WRONG(sriov_blob(), PF, sriov.stride, 0xffff, LU_ERR_RANGE);
	WRONG(sriov_blob(), PF, sriov.nr_vfs, 0xffff, LU_ERR_RANGE);
}

/* The last requester ID there is, and one more. */
static void last_requester_id(void **state)
{
	static const struct { __u16 offset, stride, nr_vfs; __u8 max_bus; enum lu_error error; } of[] = {
		{ 0xffff - PF_RID, 0, 1, 0xff, LU_OK },
		{ 0xffff - PF_RID, 0, 2, 0xff, LU_ERR_RANGE },
		{ 0xffff - PF_RID + 1, 0, 1, 0xff, LU_ERR_RANGE },
		{ 1, (0xffff - PF_RID - 1) / 2, 3, 0xff, LU_OK },
		{ 2, (0xffff - PF_RID - 1) / 2, 3, 0xff, LU_ERR_RANGE },
		{ 1, (0xffff - PF_RID - 1) / 2, 4, 0xff, LU_ERR_RANGE },
		{ 0xffff, 0xffff, 0xffff, 0xff, LU_ERR_RANGE },
		/* The fifth is the last one on bus 1: 0x1f0. */
		{ 0x28, 0x28, 4, 1, LU_OK },
		{ 0x28, 0x28, 5, 1, LU_OK },
		{ 0x28, 0x28, 6, 1, LU_ERR_RANGE },
		{ 0x28, 0x28, 6, 2, LU_OK },
	};
	struct blob blob = sriov_blob();
	__u32 i;

	(void)state;
	pci(&blob)->nr_devices = 1;
	blob_head(&blob)->length_bytes = sizeof(struct pci_ser) + sizeof(struct pci_device_ser);
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		device(&blob, PF)->sriov.nr_vfs = of[i].nr_vfs;
		device(&blob, PF)->sriov.offset = of[i].offset;
		device(&blob, PF)->sriov.stride = of[i].stride;
		device(&blob, PF)->sriov.max_bus = of[i].max_bus;
		blob_seal(&blob);
		assert_int_equal(verify(&blob, NULL), of[i].error);
	}
	blob_free(&blob);
}

static void wrong_virtual_function(void **state)
{
	(void)state;
	WRONG(sriov_blob(), FIRST_VF, pf_rid, PF_RID + 1, LU_ERR_INDEX);
	WRONG(sriov_blob(), FIRST_VF, pf_rid, 8, LU_ERR_INDEX);
	WRONG(sriov_blob(), FIRST_VF, segment, 0, LU_ERR_INDEX);
	WRONG(sriov_blob(), FIRST_VF, flags, PCI_DEVICE_SER_VF, LU_ERR_KIND);
	WRONG(sriov_blob(), FIRST_VF, flags, PCI_DEVICE_SER_VF | PCI_DEVICE_SER_PF | PCI_DEVICE_SER_ENDPOINT, LU_ERR_KIND);
	WRONG(sriov_blob(), FIRST_VF, flags, PCI_DEVICE_SER_ENDPOINT, LU_ERR_RESERVED);
	/* Between two, before the first, behind the last. */
	WRONG(sriov_blob(), FIRST_VF, rid, VF_RID(0) + 1, LU_ERR_INDEX);
	WRONG(sriov_blob(), FIRST_VF, rid, VF_RID(0) - VF_STRIDE, LU_ERR_INDEX);
	WRONG(sriov_blob(), FIRST_VF, rid, VF_RID(1), LU_OK);
	WRONG(sriov_blob(), LAST_VF, rid, VF_RID(NR_VFS), LU_ERR_INDEX);
	WRONG(sriov_blob(), LAST_VF, rid, VF_RID(0), LU_ERR_DUPLICATE);
}

/* A physical function that is none, or has none enabled, has no virtual ones; nor has one of a single one a second. */
static void virtual_functions_of_nobody(void **state)
{
	struct blob blob = sriov_blob();
	__u32 index;

	(void)state;
	device(&blob, PF)->flags = 0;
	memset(&device(&blob, PF)->sriov, 0, sizeof(struct pci_sriov_ser));
	blob_seal(&blob);
	assert_int_equal(verify(&blob, &index), LU_ERR_INDEX);
	assert_int_equal(index, FIRST_VF);
	blob_free(&blob);

	blob = sriov_blob();
	device(&blob, PF)->sriov.nr_vfs = 0;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, &index), LU_ERR_INDEX);
	assert_int_equal(index, FIRST_VF);
	device(&blob, PF)->sriov.stride = 0;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, &index), LU_ERR_INDEX);
	assert_int_equal(index, FIRST_VF);
	blob_free(&blob);

	blob = sriov_blob();
	device(&blob, PF)->sriov.nr_vfs = 1;
	device(&blob, PF)->sriov.stride = 0;
	blob_seal(&blob);
	assert_int_equal(verify(&blob, &index), LU_ERR_INDEX);
	assert_int_equal(index, LAST_VF);
	blob_free(&blob);
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
		cmocka_unit_test(sriov_is_accepted),
		cmocka_unit_test(sriov_may_be_off),
		cmocka_unit_test(wrong_physical_function),
		cmocka_unit_test(last_requester_id),
		cmocka_unit_test(wrong_virtual_function),
		cmocka_unit_test(virtual_functions_of_nobody),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
