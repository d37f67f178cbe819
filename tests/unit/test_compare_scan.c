// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the comparison passes over without taking it apart, looked at from inside: nothing that is not right, and not so little that it is
 * slow. Built with the source of the comparison itself.
 */
#include "compare.c"
#include "world.h"

#define SS	IOMMU_SER_FORMAT_VTDSS
#define FS	IOMMU_SER_FORMAT_X86_64
#define GIB	(1ULL << 30)

static struct world *world;

/* A comparison as lu_compare() has it when it is at work below the top. */
struct fixture {
	struct lu_compare compare;
	struct lu_comparison c;
};

static void begin(struct fixture *fixture, __u8 old_format, __u8 new_format)
{
	unsigned int level;

	*fixture = (struct fixture){
		.compare = { .old = { .phys = &world->phys, .format = old_format, .levels = 5 },
			     .new = { .phys = &world->phys, .format = new_format, .levels = 5 } },
	};
	fixture->c = (struct lu_comparison){
		.compare = &fixture->compare,
		.tables = { &fixture->compare.old, &fixture->compare.new },
		.formats = { lu_format_find(old_format), lu_format_find(new_format) },
		.join_level = 4,
	};
	for (level = 0; level < 4; level++)
		lu_masks_init(&fixture->c, &fixture->c.masks[level], level);
}

static int setup(void **state)
{
	(void)state;
	world = world_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(world);
	return 0;
}

/* Every sort of entry: each bit that a format looks at, and addresses that are good and bad. */
#define NR_ENTRIES	(32U * 7U)

static __u64 entry_of(unsigned int i, unsigned int level)
{
	static const __u64 bits[] = { 1ULL << 0, 1ULL << 1, 1ULL << 2, 1ULL << 7, 1ULL << 11 };
	const __u64 bytes = lu_level_bytes(level);
	const __u64 addresses[] = { 0, bytes, 2 * bytes, WORLD_END - bytes, WORLD_END, bytes | 1ULL << 12, bytes | bytes >> 1 };
	__u64 entry = addresses[i / 32] & ~0xfffULL;
	unsigned int bit;

	for (bit = 0; bit < 5; bit++)
		if (i & 1U << bit)
			entry |= bits[bit];
	return entry;
}

/* By the way that takes entries apart. @mapped: the old table has something here. */
static bool is_right(struct fixture *fixture, unsigned int level, __u64 old_entry, __u64 new_entry, bool *mapped)
{
	struct lu_item old, new;

	*mapped = true;
	if (!lu_take_apart(&fixture->c, LU_OLD, old_entry, level, LU_PERM_ALL, 0, &old))
		return false;
	*mapped = old.perm;
	if (!*mapped)
		return true;
	return lu_take_apart(&fixture->c, LU_NEW, new_entry, level, LU_PERM_ALL, 0, &new) && old.leaf && new.leaf && new.perm &&
	       old.pa == new.pa && !(old.perm & ~new.perm);
}

/* What need not be told when formats differ: bits that one of them ignores, and pages that can be written only. */
static bool is_odd(__u8 old_format, __u8 new_format, unsigned int level, __u64 old, __u64 new)
{
	if (old_format == new_format)
		return false;
	if (level && ((old | new) & 1ULL << 12))
		return true;
	return old_format == SS && (old & 5) != 1;
}

static void what_is_passed_over_is_right(void **state)
{
	__u8 old_format, new_format;
	unsigned int level, i, j;

	(void)state;
	for (old_format = SS; old_format <= FS; old_format++)
		for (new_format = SS; new_format <= FS; new_format++) {
			struct fixture fixture;

			begin(&fixture, old_format, new_format);
			for (level = 0; level < 4; level++)
				for (i = 0; i < NR_ENTRIES; i++)
					for (j = 0; j < NR_ENTRIES; j++) {
						const __u64 old = entry_of(i, level), new = entry_of(j, level);
						const bool told = !lu_misses(&fixture.c.masks[level], old, new);
						bool mapped, right = is_right(&fixture, level, old, new, &mapped);

						if (!(old & fixture.c.formats[LU_OLD]->present))
							continue;
						if (told && !right)
							fail_msg("format %u to %u, level %u: %#llx beside %#llx is passed over",
								 old_format, new_format, level, (unsigned long long)old,
								 (unsigned long long)new);
						if (!told && right && mapped && !is_odd(old_format, new_format, level, old, new))
							fail_msg("format %u to %u, level %u: %#llx beside %#llx is taken apart",
								 old_format, new_format, level, (unsigned long long)old,
								 (unsigned long long)new);
					}
		}
}

static __u64 random_state = 0x9e3779b97f4a7c15ULL;

static __u32 random_below(__u32 bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dULL >> 20) % bound;
}

/* Tables that are right but for a few places, and with holes in the old one. */
static void random_tables(const struct fixture *fixture, __u64 *old, __u64 *new, unsigned int level)
{
	const __u64 old_user = fixture->compare.old.format == FS ? TABLES_USER : 0;
	const __u64 new_user = fixture->compare.new.format == FS ? TABLES_USER : 0;
	const unsigned int holes = random_below(3), wrong = random_below(3);
	unsigned int i;

	for (i = 0; i < 512; i++) {
		const __u64 large = level ? TABLES_LARGE : 0;

		old[i] = i * lu_level_bytes(level) % (256 * GIB) | 1 | random_below(4) | large;
		new[i] = old[i] | random_below(4) | new_user;
		old[i] |= old_user;
		if (holes && !random_below(holes == 1 ? 200 : 2))
			old[i] = random_below(2) ? 0 : old[i] & ~3ULL;
		if (wrong && !random_below(wrong == 1 ? 400 : 30))
			*(random_below(2) ? &old[i] : &new[i]) ^= 1ULL << random_below(52);
	}
}

/* A line is passed over if each of its entries is, whatever lies side by side. */
static void lines_are_as_their_entries(void **state)
{
	__u64 old_table[512], new_table[512];
	unsigned int level, round, index, i;
	struct fixture fixture;
	__u32 nr_full = 0, nr_sparse = 0;

	(void)state;
	for (round = 0; round < 3000; round++) {
		const struct lu_masks *masks;
		struct lu_run old, new;
		__u64 present;

		begin(&fixture, round / 3 % 2 ? FS : SS, round / 6 % 2 ? FS : SS);
		present = fixture.c.formats[LU_OLD]->present;
		level = round % 3;
		masks = &fixture.c.masks[level];
		random_tables(&fixture, old_table, new_table, level);
		old = (struct lu_run){ old_table, old_table[0], lu_level_bytes(level) };
		new = (struct lu_run){ new_table, new_table[0], lu_level_bytes(level) };
		for (index = 0; index < 512; index += LU_LINE) {
			bool full[3] = { true, true, true }, sparse[3] = { true, true, true };

			for (i = index; i < index + LU_LINE; i++) {
				const __u64 run = i * lu_level_bytes(level);
				const __u64 pairs[3][2] = { { old_table[i], new_table[i] }, { old_table[i], new_table[0] + run },
							    { old_table[0] + run, new_table[i] } };
				unsigned int sort;

				for (sort = 0; sort < 3; sort++) {
					const bool missed = lu_misses(masks, pairs[sort][0], pairs[sort][1]);

					full[sort] &= !missed;
					sparse[sort] &= !(pairs[sort][0] & present) || !missed;
				}
			}
			assert_int_equal(!lu_line_misses(masks, &old, true, &new, true, index), full[0]);
			assert_int_equal(!lu_line_misses(masks, &old, true, &new, false, index), full[1]);
			assert_int_equal(!lu_line_misses(masks, &old, false, &new, true, index), full[2]);
			assert_int_equal(!lu_sparse_line_misses(masks, present, &old, true, &new, true, index), sparse[0]);
			assert_int_equal(!lu_sparse_line_misses(masks, present, &old, true, &new, false, index), sparse[1]);
			assert_int_equal(!lu_sparse_line_misses(masks, present, &old, false, &new, true, index), sparse[2]);
			nr_full += full[0] + full[1] + full[2];
			nr_sparse += sparse[0] - full[0];
		}
	}
	assert_true(nr_full > 10000 && nr_sparse > 1000);
}

static unsigned int scan_slowly(const struct fixture *fixture, const struct lu_masks *masks, const struct lu_side *old,
				const struct lu_side *new, unsigned int level, unsigned int index)
{
	for (; index < 512; index++) {
		const __u64 entry = lu_side_entry(old, level, index);

		if ((entry & fixture->c.formats[LU_OLD]->present) &&
		    lu_misses(masks, entry, lu_side_entry(new, level, index)))
			break;
	}
	return index;
}

/* The first entry that has to be taken apart, wherever one begins. */
static void scanning_stops_where_it_has_to(void **state)
{
	__u64 old_table[512], new_table[512];
	unsigned int round, sort, index;
	struct fixture fixture;

	(void)state;
	for (round = 0; round < 500; round++) {
		const unsigned int level = round % 3;

		begin(&fixture, round / 3 % 2 ? FS : SS, round / 6 % 2 ? FS : SS);
		random_tables(&fixture, old_table, new_table, level);
		for (sort = 0; sort < 3; sort++)
			for (index = 0; index <= 512; index += 1 + random_below(5)) {
				struct lu_pair pair = {
					.old = { sort == 1 ? NULL : old_table, old_table[0] | 5, LU_PERM_ALL },
					.new = { sort == 2 ? NULL : new_table, new_table[0] | 5, LU_PERM_ALL },
					.index = index,
				};

				assert_int_equal(lu_scan(&fixture.c, &pair, level),
						 scan_slowly(&fixture, &fixture.c.masks[level], &pair.old, &pair.new, level, index));
				/* Where the levels above leave less in the new table, nothing but holes. */
				pair.new.perm = LU_PERM_READ;
				assert_int_equal(lu_scan(&fixture.c, &pair, level),
						 scan_slowly(&fixture, &lu_no_masks, &pair.old, &pair.new, level, index));
				pair.old.perm = LU_PERM_READ;
				assert_int_equal(lu_scan(&fixture.c, &pair, level),
						 scan_slowly(&fixture, &fixture.c.masks[level], &pair.old, &pair.new, level, index));
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_passed_over_is_right, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_are_as_their_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(scanning_stops_where_it_has_to, setup, teardown),
	};

	return cmocka_run_group_tests_name("compare_scan", tests, NULL, NULL);
}
