// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random damage to a good blob, its lists and its tables, mostly with a checksum that is right. Whatever comes of it, the verifier
 * ends, reads nothing that it did not ask for (world.c sees to that), and what it accepts is what it says it is.
 *
 * The sequence is the same each time: a failure names its iteration, and UNIT_MUTATIONS= can end there.
 */
#include <stdio.h>

#include "world.h"

#define NR_MUTATIONS	300000ULL
#define MAX_CHANGES	4U
#define BLOB_SHARE	2U	/* one change in so many is made to the blob itself */

static __u64 random_state;

/* xorshift64*: no library's generator gives the same everywhere. */
static __u64 random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static __u64 random_below(__u64 bound)
{
	return (random_next() >> 16) % bound;
}

struct change {
	__u64 *at;
	__u64 was;
};

struct machine {
	struct world *world;
	struct blob blob;
	__u64 nr_words;			/* of memory, up to the last page that is used */
	struct change changes[MAX_CHANGES + 1];
	__u32 nr_changes;
	__u64 nr_accepted, nr_domains_accepted;
	__u64 nr_refused[LU_NR_ERRORS];
};

/* What a value is replaced by: often something that means something in its place. */
static __u64 random_value(struct machine *machine, __u64 was)
{
	const __u64 page = WORLD_BASE_PA + random_below(machine->world->nr_used) * PAGE_BYTES;

	switch (random_below(8)) {
	case 0:
		return was ^ 1ULL << random_below(64);
	case 1:
		return random_next();
	case 2:
		return page;
	case 3:
		return page | random_below(256);
	case 4:
		return random_below(2) ? 0 : ~0ULL;
	case 5:
		return was + random_below(7) - 3;
	case 6:
		return (was & ~0xffffffffULL) | random_below(1ULL << random_below(32));
	default:
		return *((__u64 *)machine->world->memory + random_below(machine->nr_words));
	}
}

static void change(struct machine *machine)
{
	struct change *change = &machine->changes[machine->nr_changes++];

	/* Blobs are whole numbers of words. */
	if (!random_below(BLOB_SHARE))
		change->at = (__u64 *)machine->blob.bytes + random_below(machine->blob.nr_bytes / 8);
	else
		change->at = (__u64 *)machine->world->memory + random_below(machine->nr_words);
	change->was = *change->at;
	*change->at = random_value(machine, change->was);
}

static void undo(struct machine *machine)
{
	while (machine->nr_changes) {
		struct change *change = &machine->changes[--machine->nr_changes];

		*change->at = change->was;
	}
}

/* Another way to walk, which goes by memory and not by the list; false when there are more tables than @nr_tables. */
static bool walk_again(struct world *world, __u64 table_pa, unsigned int level, __u32 *nr_tables)
{
	const __u64 *table = world_at(world, table_pa);
	__u32 i;

	if (!(*nr_tables)--)
		return false;
	for (i = 0; i < 512; i++) {
		__u64 pa = table[i] & 0x000ffffffffff000ULL;

		if (!(table[i] & 3))
			continue;
		if (!level || table[i] & TABLES_LARGE)
			assert_true(pa < WORLD_END && level < 3);
		else if (!walk_again(world, pa, level - 1, nr_tables))
			return false;
	}
	return true;
}

static void verify_domains(struct machine *machine)
{
	struct lu_verdict verdict;
	__u32 i, nr_tables;

	for (i = 0; i < blob_iommu(&machine->blob)->nr_domains; i++) {
		const struct iommu_domain_ser *domain = blob_domain(&machine->blob, i);

		if (!world_verify_domain(machine->world, domain, &verdict)) {
			machine->nr_refused[verdict.error]++;
			continue;
		}
		machine->nr_domains_accepted++;
		nr_tables = domain->nr_tables;
		assert_true(walk_again(machine->world, domain->top_pa, domain->levels - 1, &nr_tables));
		assert_int_equal(nr_tables, 0);
	}
}

static int compare_words(const void *a, const void *b)
{
	const __u64 *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

/* Another way to see that no requester ID leads to two devices: sorted, each is less than the next. */
static void ids_are_unique(const struct blob *blob)
{
	const struct iommu_ser *ser = blob_iommu(blob);
	__u64 *ids = calloc(ser->nr_devices + ser->nr_aliases + 1, sizeof(*ids));
	__u32 i, nr_ids = 0;

	assert_non_null(ids);
	for (i = 0; i < ser->nr_devices; i++)
		ids[nr_ids++] = (__u64)blob_device(blob, i)->segment << 16 | blob_device(blob, i)->rid;
	for (i = 0; i < ser->nr_aliases; i++)
		ids[nr_ids++] = (__u64)blob_device(blob, blob_alias(blob, i)->device)->segment << 16 | blob_alias(blob, i)->rid;
	qsort(ids, nr_ids, sizeof(*ids), compare_words);
	for (i = 1; i < nr_ids; i++)
		assert_true(ids[i - 1] < ids[i]);
	free(ids);
}

static void mutate_once(struct machine *machine)
{
	__u32 nr_changes = 1 + random_below(MAX_CHANGES);
	struct kho_blob_head *head = blob_head(&machine->blob);
	struct kho_blob_head was = *head;
	struct lu_verdict verdict;

	while (nr_changes--)
		change(machine);
	if (random_below(16) && head->length_bytes >= sizeof(*head) && head->length_bytes <= machine->blob.nr_bytes)
		blob_seal(&machine->blob);
	if (world_verify_iommu(machine->world, &machine->blob, &verdict)) {
		machine->nr_accepted++;
		ids_are_unique(&machine->blob);
		verify_domains(machine);
	} else {
		machine->nr_refused[verdict.error]++;
	}
	undo(machine);
	*head = was;
}

static void damage_is_survived(void **state)
{
	const char *limit = getenv("UNIT_MUTATIONS");
	__u64 nr_mutations = limit ? strtoull(limit, NULL, 0) : NR_MUTATIONS, i;
	struct machine machine = { .world = world_new() };
	struct lu_verdict verdict;
	int error;

	(void)state;
	random_state = 0x9e3779b97f4a7c15ULL;
	machine.blob = good_blob(machine.world);
	machine.nr_words = machine.world->nr_used * PAGE_BYTES / 8;
	for (i = 0; i < nr_mutations; i++)
		mutate_once(&machine);

	/* All was undone; and the damage was of a kind that reaches the checks: each has refused something, some was accepted. */
	assert_true(world_verify_iommu(machine.world, &machine.blob, &verdict));
	for (error = 0; error < LU_NR_ERRORS; error++)
		printf("%s %llu, ", error ? lu_error_name(error) : "accepted",
		       (unsigned long long)(error ? machine.nr_refused[error] : machine.nr_accepted));
	printf("domains accepted %llu\n", (unsigned long long)machine.nr_domains_accepted);
	if (nr_mutations >= NR_MUTATIONS) {
		assert_true(machine.nr_domains_accepted > 0);
		for (error = 1; error < LU_NR_ERRORS; error++)
			assert_true(machine.nr_refused[error] > 0);
	}
	blob_free(&machine.blob);
	world_free(machine.world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests_name("mutations", tests, NULL, NULL);
}
