// SPDX-License-Identifier: GPL-2.0-or-later
/* The comparison of two page tables: each lies in a world of its own, at the same physical addresses. */
#include <stdio.h>

#include "world.h"

#define KIB	(1ULL << 10)
#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)
#define RW	(LU_PERM_READ | LU_PERM_WRITE)
#define SS	IOMMU_SER_FORMAT_VTDSS
#define FS	IOMMU_SER_FORMAT_X86_64

struct fixture {
	struct world *old_world, *new_world;
	struct tables *old, *new;
	struct lu_compare compare;
};

static struct tables *tables_of(struct world *world, __u8 format, unsigned int levels)
{
	return format == FS ? tables_new_first_stage(world, levels) : tables_new(world, levels);
}

static struct fixture begin_with(__u8 old_format, unsigned int old_levels, __u8 new_format, unsigned int new_levels)
{
	struct fixture fixture = { .old_world = world_new(), .new_world = world_new() };

	/* Tables are not where their like are. */
	world_pages(fixture.new_world, 1);
	fixture.old = tables_of(fixture.old_world, old_format, old_levels);
	fixture.new = tables_of(fixture.new_world, new_format, new_levels);
	return fixture;
}

static struct fixture begin(__u8 format, unsigned int levels)
{
	return begin_with(format, levels, format, levels);
}

static void end(struct fixture *fixture)
{
	free(fixture->old);
	free(fixture->new);
	world_free(fixture->old_world);
	world_free(fixture->new_world);
}

static struct lu_compare comparison(const struct fixture *fixture)
{
	return (struct lu_compare){
		.old = { .phys = &fixture->old_world->phys, .top_pa = fixture->old->pa[0], .format = fixture->old->format,
			 .levels = fixture->old->levels },
		.new = { .phys = &fixture->new_world->phys, .top_pa = fixture->new->pa[0], .format = fixture->new->format,
			 .levels = fixture->new->levels },
		/* What must be set where it counts. */
		.iova = 0x5a5a5a5a5a5a5a5a, .old_page = { 0x5a5a, 0x5a }, .new_page = { 0x5a5a, 0x5a },
		.verdict = { .error = LU_NR_ERRORS, .index = 0x5a, .address = 0x5a5a },
	};
}

static enum lu_compare_result compare(struct fixture *fixture)
{
	fixture->compare = comparison(fixture);
	return world_compare(fixture->old_world, fixture->new_world, &fixture->compare, 0);
}

static void expect_equal(struct fixture *fixture)
{
	assert_int_equal(compare(fixture), LU_COMPARE_EQUAL);
}

static void expect_different(struct fixture *fixture, __u64 iova, __u64 old_pa, __u32 old_perm, __u64 new_pa, __u32 new_perm)
{
	assert_int_equal(compare(fixture), LU_COMPARE_DIFFERENT);
	assert_int_equal(fixture->compare.iova, iova);
	assert_int_equal(fixture->compare.old_page.pa, old_pa);
	assert_int_equal(fixture->compare.old_page.perm, old_perm);
	assert_int_equal(fixture->compare.new_page.pa, new_pa);
	assert_int_equal(fixture->compare.new_page.perm, new_perm);
}

static void expect_broken(struct fixture *fixture, enum lu_error error, __u32 which, __u64 address)
{
	assert_int_equal(compare(fixture), LU_COMPARE_BROKEN);
	assert_refused(&fixture->compare.verdict, error);
	assert_int_equal(fixture->compare.verdict.index, which);
	assert_int_equal(fixture->compare.verdict.address, address);
}

static void map_both(struct fixture *fixture, __u64 iova, __u64 pa, unsigned int level)
{
	tables_map(fixture->old, iova, pa, level);
	tables_map(fixture->new, iova, pa, level);
}

static __u64 level_bytes(unsigned int level)
{
	return PAGE_BYTES << 9 * level;
}

static void spread_both(struct fixture *fixture)
{
	tables_spread(fixture->old);
	tables_spread(fixture->new);
}

/* A table of leaves of @level, at @iova and on, mapping @pa and on. */
static void fill(struct tables *tables, __u64 iova, __u64 pa, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < 512; i++)
		tables_map(tables, iova + i * level_bytes(level), pa + i * level_bytes(level), level);
}

#define for_each_format(format, levels)					\
	for ((format) = SS; (format) <= FS; (format)++)			\
		for ((levels) = (format) == FS ? 4 : 3; (levels) <= 5; (levels)++)

static void equal_tables_are_equal(void **state)
{
	unsigned int levels;
	__u8 format;

	(void)state;
	for_each_format(format, levels) {
		struct fixture fixture = begin(format, levels);

		expect_equal(&fixture);		/* nothing mapped */
		if (format == SS) {
			spread_both(&fixture);
		} else {
			map_both(&fixture, 0, 0x1000, 0);
			map_both(&fixture, 2 * MIB, 4 * MIB, 1);
			map_both(&fixture, GIB, 3 * GIB, 2);
		}
		expect_equal(&fixture);
		end(&fixture);
	}
}

/* Where nothing is mapped, everything else is more. */
static void what_only_the_new_table_has_is_passed_over(void **state)
{
	unsigned int levels, level;
	__u8 format;

	(void)state;
	for_each_format(format, levels) {
		struct fixture fixture = begin(format, levels);

		tables_map(fixture.new, 0, 0x1000, 0);
		tables_map(fixture.new, 2 * MIB, 0, 1);
		tables_map(fixture.new, GIB, 0, 2);
		expect_equal(&fixture);
		assert_int_equal(fixture.compare.nr_tables, 1);

		map_both(&fixture, 4 * GIB, 0x2000, 0);
		expect_equal(&fixture);
		assert_int_equal(fixture.compare.nr_tables, 2 * levels);
		/* What is not looked at may be anything: tables that are not there, leaves that are not well formed. */
		for (level = 0; level < levels; level++)
			*tables_entry(fixture.new, 4 * GIB + level_bytes(level), level) = ~0ULL ^ (level % 2 ? TABLES_LARGE : 0);
		expect_equal(&fixture);
		assert_int_equal(fixture.compare.nr_tables, 2 * levels);
		end(&fixture);
	}
}

/* Everything about a page that can differ, in one place of a table of leaves of a level, all else being equal. */
static void each_difference_at(__u8 format, unsigned int level, unsigned int index)
{
	const __u64 bytes = level_bytes(level), iova = 8 * bytes * 512 + index * bytes, pa = bytes * (1024 + index);
	const __u64 all = TABLES_READ | TABLES_WRITE | (format == FS ? TABLES_USER : TABLES_SNOOP) | (level ? TABLES_LARGE : 0);
	const __u32 perm = RW | (format == SS ? LU_PERM_SNOOP : 0);
	struct fixture fixture = begin(format, 4);
	__u64 *old, *new;
	unsigned int bit;

	fixture.old_world->phys.end = fixture.new_world->phys.end = 1ULL << 46;
	fill(fixture.old, 8 * bytes * 512, bytes * 1024, level);
	fill(fixture.new, 8 * bytes * 512, bytes * 1024, level);
	old = tables_entry(fixture.old, iova, level);
	new = tables_entry(fixture.new, iova, level);
	*old = *new = pa | all;
	expect_equal(&fixture);

	for (bit = 12 + 9 * level; bit < 45; bit++) {
		*new = (pa ^ 1ULL << bit) | all;
		expect_different(&fixture, iova, pa, perm, pa ^ 1ULL << bit, perm);
		*new = pa | all;
		*old = (pa ^ 1ULL << bit) | all;
		expect_different(&fixture, iova, pa ^ 1ULL << bit, perm, pa, perm);
		*old = pa | all;
	}
	*new = 0;
	expect_different(&fixture, iova, pa, perm, 0, 0);
	*new = pa | (all & ~TABLES_WRITE);
	expect_different(&fixture, iova, pa, perm, pa, perm & ~LU_PERM_WRITE);
	if (format == SS) {
		*new = pa | (all & ~TABLES_READ);
		expect_different(&fixture, iova, pa, perm, pa, perm & ~LU_PERM_READ);
		*new = pa | (all & ~TABLES_SNOOP);
		expect_different(&fixture, iova, pa, perm, pa, perm & ~LU_PERM_SNOOP);
		*new = pa | (all & ~(TABLES_READ | TABLES_WRITE));
		expect_different(&fixture, iova, pa, perm, 0, 0);
		/* Snooped, but neither read nor written: nothing is lost. */
		*old = TABLES_SNOOP;
		expect_equal(&fixture);
	} else {
		*new = pa | (all & ~TABLES_READ);
		expect_different(&fixture, iova, pa, perm, 0, 0);
		*new = pa | (all & ~TABLES_USER);
		expect_different(&fixture, iova, pa, perm, 0, 0);
		*old = pa | (all & ~TABLES_USER);
		*new = 0;
		expect_equal(&fixture);
	}
	*old = 0;
	expect_equal(&fixture);
	*new = pa | all;
	expect_equal(&fixture);
	end(&fixture);
}

static void each_difference_is_found(void **state)
{
	static const unsigned int indices[] = { 0, 1, 7, 8, 255, 256, 504, 510, 511 };
	unsigned int level, i;
	__u8 format;

	(void)state;
	for (format = SS; format <= FS; format++)
		for (level = 0; level < 3; level++)
			for (i = 0; i < sizeof(indices) / sizeof(*indices); i++)
				each_difference_at(format, level, indices[i]);
}

/* What the new table allows may be more. What only caches and software read of an entry does not count. */
static void more_permission_is_no_difference(void **state)
{
	struct fixture fixture = begin(SS, 4);
	unsigned int i, more;

	(void)state;
	for (i = 1; i < 8; i++)
		for (more = 0; more < 8; more++) {
			const __u64 old = (i & RW) | (i & LU_PERM_SNOOP ? TABLES_SNOOP : 0);
			const __u64 new = (more & RW) | (more & LU_PERM_SNOOP ? TABLES_SNOOP : 0);

			*tables_entry(fixture.old, 0x3000, 0) = 0x1000 | old;
			*tables_entry(fixture.new, 0x3000, 0) = 0x1000 | new | 0x7ff0000000000774ULL;
			if (!(i & RW) || !(i & ~more))
				expect_equal(&fixture);
			else
				expect_different(&fixture, 0x3000, 0x1000, i, more & RW ? 0x1000 : 0, more & RW ? more : 0);
		}
	end(&fixture);

	fixture = begin(FS, 4);
	*tables_entry(fixture.old, 0x3000, 0) = 0x1000 | TABLES_READ | TABLES_USER;
	*tables_entry(fixture.new, 0x3000, 0) = 0x1000 | TABLES_READ | TABLES_USER | TABLES_WRITE | 0xfff0000000000ff8ULL;
	expect_equal(&fixture);
	end(&fixture);
}

/* Tables of leaves that alternate between kinds, so that none is the one that was seen last. */
static void kinds_of_leaves_may_alternate(void **state)
{
	struct fixture fixture = begin(SS, 4);
	unsigned int i;

	(void)state;
	for (i = 0; i < 512; i++) {
		const __u64 iova = i * PAGE_BYTES, pa = (i * 7 % 512) * PAGE_BYTES;

		*tables_entry(fixture.old, iova, 0) = i % 5 == 4 ? 0 : pa | (1 + i % 3);
		*tables_entry(fixture.new, iova, 0) = pa | (i / 3 % 2 ? 1 + i % 3 : 3) | (i % 11 ? 0 : TABLES_SNOOP);
	}
	expect_equal(&fixture);
	for (i = 0; i < 512; i++) {
		__u64 *entry = tables_entry(fixture.new, i * PAGE_BYTES, 0), was = *entry;

		*entry ^= PAGE_BYTES;
		if (i % 5 == 4)
			expect_equal(&fixture);
		else
			expect_different(&fixture, i * PAGE_BYTES, was & ~0xfffULL, 1 + i % 3, *entry & ~0xfffULL,
					 (was & 3) | (was & TABLES_SNOOP ? LU_PERM_SNOOP : 0));
		*entry = was;
	}
	end(&fixture);
}

/* A leaf of 2 MiB or 1 GiB in one table, smaller ones in the other. */
static void sizes_of_leaves_may_differ(void **state)
{
	static const unsigned int indices[] = { 0, 1, 7, 8, 100, 511 };
	unsigned int level, swap, i, levels;
	__u8 format;

	(void)state;
	for_each_format(format, levels)
		for (level = 1; level <= 2; level++)
			for (swap = 0; swap < 2; swap++) {
				struct fixture fixture = begin(format, levels);
				struct tables *large = swap ? fixture.new : fixture.old, *small = swap ? fixture.old : fixture.new;
				const __u64 bytes = level_bytes(level), less = level_bytes(level - 1);
				const __u32 perm = RW;

				tables_map(large, 3 * bytes, 5 * bytes, level);
				fill(small, 3 * bytes, 5 * bytes, level - 1);
				expect_equal(&fixture);
				assert_int_equal(fixture.compare.nr_tables, 2 * (levels - level) + 1);
				for (i = 0; i < sizeof(indices) / sizeof(*indices); i++) {
					const __u64 offset = indices[i] * less;
					__u64 *entry = tables_entry(small, 3 * bytes + offset, level - 1), was = *entry;

					*entry ^= 16 * bytes;
					expect_different(&fixture, 3 * bytes + offset, (swap ? 21 : 5) * bytes + offset, perm,
							 (swap ? 5 : 21) * bytes + offset, perm);
					*entry = was & ~TABLES_WRITE;
					if (swap)
						expect_equal(&fixture);
					else
						expect_different(&fixture, 3 * bytes + offset, 5 * bytes + offset, perm,
								 5 * bytes + offset, perm & ~LU_PERM_WRITE);
					*entry = 0;
					if (swap)
						expect_equal(&fixture);
					else
						expect_different(&fixture, 3 * bytes + offset, 5 * bytes + offset, perm, 0, 0);
					*entry = was;
				}
				end(&fixture);
			}
}

/* 1 GiB against pages of 4 KiB, all but one of them in leaves of 2 MiB. */
static void a_leaf_may_be_split_twice(void **state)
{
	unsigned int swap, i;

	(void)state;
	for (swap = 0; swap < 2; swap++) {
		struct fixture fixture = begin(SS, 3);
		struct tables *large = swap ? fixture.new : fixture.old, *small = swap ? fixture.old : fixture.new;
		const __u64 odd = 17 * 2 * MIB;

		tables_map(large, 2 * GIB, 7 * GIB, 2);
		for (i = 0; i < 512; i++)
			if (i != 17)
				tables_map(small, 2 * GIB + i * 2 * MIB, 7 * GIB + i * 2 * MIB, 1);
		fill(small, 2 * GIB + odd, 7 * GIB + odd, 0);
		expect_equal(&fixture);
		assert_int_equal(fixture.compare.nr_tables, 4);
		*tables_entry(small, 2 * GIB + odd + 300 * PAGE_BYTES, 0) += GIB;
		expect_different(&fixture, 2 * GIB + odd + 300 * PAGE_BYTES, (swap ? 8 : 7) * GIB + odd + 300 * PAGE_BYTES, RW,
				 (swap ? 7 : 8) * GIB + odd + 300 * PAGE_BYTES, RW);
		end(&fixture);
	}
}

/* Large leaves that differ, and large leaves with nothing opposite: it is their first page. */
static void large_leaves_may_differ(void **state)
{
	unsigned int level, levels;

	(void)state;
	for (levels = 3; levels <= 5; levels++)
		for (level = 1; level <= 2; level++) {
			const __u64 bytes = level_bytes(level);
			struct fixture fixture = begin(SS, levels);

			tables_map(fixture.old, 3 * bytes, 5 * bytes, level);
			expect_different(&fixture, 3 * bytes, 5 * bytes, RW, 0, 0);
			/* Nothing opposite a table, and nothing behind that but a page. */
			end(&fixture);
			fixture = begin(SS, levels);
			map_both(&fixture, 0, 0, level);
			tables_map(fixture.old, 3 * bytes + 0x5000, 0x7000, 0);
			expect_different(&fixture, 3 * bytes + 0x5000, 0x7000, RW, 0, 0);
			*tables_entry(fixture.old, 3 * bytes + 0x5000, 0) = 0;
			expect_equal(&fixture);
			end(&fixture);
		}
}

/* What a leaf allows is what the tables above it leave of it. */
static void each_level_takes_its_part(void **state)
{
	unsigned int levels, level, bit;

	(void)state;
	for (levels = 3; levels <= 5; levels++)
		for (level = 1; level < levels; level++)
			for (bit = 0; bit < 2; bit++) {
				struct fixture fixture = begin(SS, levels);
				__u64 *old, *new;

				map_both(&fixture, 0x3000, 0x1000, 0);
				map_both(&fixture, 0x200000, 0x400000, 1);
				old = tables_entry(fixture.old, 0x3000, level);
				new = tables_entry(fixture.new, 0x3000, level);
				*new &= ~(1ULL << bit);
				expect_different(&fixture, 0x3000, 0x1000, RW, 0x1000, RW & ~(1U << bit));
				*old &= ~(1ULL << bit);
				expect_equal(&fixture);
				*new |= 1ULL << bit;
				expect_equal(&fixture);
				/* Nothing is left: what lies behind is not looked at. */
				*tables_entry(fixture.old, 0x3000, 0) &= ~(2ULL >> bit);
				*tables_entry(fixture.new, 0x3000, 0) = 0;
				if (level == 1) {
					expect_equal(&fixture);
					*tables_entry(fixture.old, 0x3000, 0) |= 1ULL << 50;
					expect_equal(&fixture);
				}
				end(&fixture);
			}
}

/* Entries of the first stage that users may not pass, at each level. */
static void users_need_every_level(void **state)
{
	unsigned int levels, level;

	(void)state;
	for (levels = 4; levels <= 5; levels++)
		for (level = 0; level < levels; level++) {
			struct fixture fixture = begin(FS, levels);

			map_both(&fixture, 0x3000, 0x1000, 0);
			*tables_entry(fixture.new, 0x3000, level) &= ~TABLES_USER;
			expect_different(&fixture, 0x3000, 0x1000, RW, 0, 0);
			*tables_entry(fixture.old, 0x3000, level) &= ~TABLES_USER;
			expect_equal(&fixture);
			*tables_entry(fixture.new, 0x3000, level) = 0;
			expect_equal(&fixture);
			end(&fixture);
		}
}

/* Bits for which the two formats have different uses, in leaves of every size. */
static void formats_may_differ(void **state)
{
	unsigned int level, swap, i;

	(void)state;
	for (level = 0; level < 3; level++)
		for (swap = 0; swap < 2; swap++) {
			struct fixture fixture = begin_with(swap ? FS : SS, 4, swap ? SS : FS, 4);
			const __u64 bytes = level_bytes(level);

			for (i = 0; i < 24; i++)
				map_both(&fixture, (8 + i) * bytes, (8 + i) * bytes, level);
			expect_equal(&fixture);
			/* An address bit here, memory type there. */
			*tables_entry(swap ? fixture.old : fixture.new, 30 * bytes, level) ^= PAGE_BYTES;
			if (level)
				expect_equal(&fixture);
			else
				expect_different(&fixture, 30 * bytes, (30 ^ swap) * bytes, RW, (31 ^ swap) * bytes, RW);
			*tables_entry(swap ? fixture.new : fixture.old, 29 * bytes, level) ^= PAGE_BYTES;
			if (level)
				expect_broken(&fixture, LU_ERR_ENTRY, swap, 29 * bytes);
			*tables_entry(swap ? fixture.new : fixture.old, 29 * bytes, level) ^= PAGE_BYTES;
			*tables_entry(swap ? fixture.old : fixture.new, 28 * bytes, level) &= ~TABLES_USER;
			if (swap)
				*tables_entry(fixture.old, 30 * bytes, level) = 0;
			if (swap)
				expect_equal(&fixture);
			else
				expect_different(&fixture, 28 * bytes, 28 * bytes, RW, 0, 0);
			/* The first stage says nothing of snooping. */
			*tables_entry(fixture.old, 27 * bytes, level) |= TABLES_SNOOP;
			if (swap)
				expect_equal(&fixture);
			else
				expect_different(&fixture, 27 * bytes, 27 * bytes, RW | LU_PERM_SNOOP, 27 * bytes, RW);
			end(&fixture);
		}
}

/* A large leaf with memory type bits is not split into pages that have them for an address. */
static void memory_type_is_no_address(void **state)
{
	unsigned int swap;

	(void)state;
	for (swap = 0; swap < 2; swap++) {
		struct fixture fixture = begin(FS, 4);
		struct tables *large = swap ? fixture.new : fixture.old, *small = swap ? fixture.old : fixture.new;

		tables_map(large, 2 * MIB, 6 * MIB | PAGE_BYTES, 1);
		fill(small, 2 * MIB, 6 * MIB, 0);
		expect_equal(&fixture);
		*tables_entry(small, 2 * MIB, 0) |= PAGE_BYTES;
		expect_different(&fixture, 2 * MIB, 6 * MIB + (swap ? PAGE_BYTES : 0), RW, 6 * MIB + (swap ? 0 : PAGE_BYTES), RW);
		end(&fixture);

		fixture = begin(FS, 4);
		tables_map(swap ? fixture.new : fixture.old, GIB, 3 * GIB | PAGE_BYTES, 2);
		tables_map(swap ? fixture.old : fixture.new, GIB, 3 * GIB, 2);
		expect_equal(&fixture);
		end(&fixture);
	}
}

#define RANDOM_PA(i)	(PAGE_BYTES * (3 + (i) * 5))

/* Every two numbers of levels: what both can translate is compared, what only the old one can is missing. */
static void levels_may_differ(void **state)
{
	unsigned int old_levels, new_levels, i;

	(void)state;
	for (old_levels = 3; old_levels <= 5; old_levels++)
		for (new_levels = 3; new_levels <= 5; new_levels++) {
			const unsigned int fewer = old_levels < new_levels ? old_levels : new_levels;
			const __u64 end_iova = 1ULL << (12 + 9 * fewer);
			const __u64 iovas[] = { 0, 0x1ff000, GIB, end_iova / 2 - PAGE_BYTES, end_iova / 2, end_iova - PAGE_BYTES };
			struct fixture fixture = begin_with(SS, old_levels, SS, new_levels);

			expect_equal(&fixture);
			for (i = 0; i < sizeof(iovas) / sizeof(*iovas); i++) {
				tables_map(fixture.old, iovas[i], RANDOM_PA(i), 0);
				expect_different(&fixture, iovas[i], RANDOM_PA(i), RW, 0, 0);
				tables_map(fixture.new, iovas[i], RANDOM_PA(i), 0);
				expect_equal(&fixture);
				/* All of the old table, and of the new one as much. */
				assert_int_equal(fixture.compare.nr_tables, fixture.old->nr_tables + fixture.new->nr_tables);
			}
			if (old_levels > new_levels) {
				tables_map(fixture.old, end_iova, 0, 0);
				expect_different(&fixture, end_iova, 0, RW, 0, 0);
				*tables_entry(fixture.old, end_iova, 0) = 0;
				tables_map(fixture.old, (1ULL << (12 + 9 * old_levels)) - 2 * MIB, 2 * MIB, 1);
				expect_different(&fixture, (1ULL << (12 + 9 * old_levels)) - 2 * MIB, 2 * MIB, RW, 0, 0);
			} else if (old_levels < new_levels) {
				/* Where the way to what both have ends early. */
				*tables_entry(fixture.new, 0, new_levels - 1) &= ~3ULL;
				expect_different(&fixture, 0, RANDOM_PA(0), RW, 0, 0);
				*tables_entry(fixture.new, 0, new_levels - 1) |= TABLES_READ;
				expect_different(&fixture, 0, RANDOM_PA(0), RW, RANDOM_PA(0), LU_PERM_READ);
				*tables_entry(fixture.new, 0, new_levels - 1) |= 3 | TABLES_LARGE;
				expect_broken(&fixture, LU_ERR_ENTRY, 1, 0);
				*tables_entry(fixture.new, 0, new_levels - 1) = 3 | (WORLD_BASE_PA - PAGE_BYTES);
				expect_broken(&fixture, LU_ERR_RANGE, 1, WORLD_BASE_PA - PAGE_BYTES);
				/* It is walked when it is needed. */
				memset(world_at(fixture.old_world, fixture.old->pa[0]), 0, PAGE_BYTES);
				expect_equal(&fixture);
			}
			end(&fixture);
		}
}

static __u64 canonical(unsigned int levels, __u64 iova)
{
	return iova | ~0ULL << (12 + 9 * levels);
}

/* The upper half of a first stage: the same addresses whatever the number of levels, and none that a second stage has. */
static void halves_are_kept_apart(void **state)
{
	unsigned int old_levels, new_levels;

	(void)state;
	for (old_levels = 4; old_levels <= 5; old_levels++)
		for (new_levels = 4; new_levels <= 5; new_levels++) {
			const unsigned int fewer = old_levels < new_levels ? old_levels : new_levels;
			const __u64 half = 1ULL << (11 + 9 * fewer);
			const __u64 iovas[] = { 0, half - PAGE_BYTES, canonical(fewer, half), ~0ULL - 0xfff };
			struct fixture fixture = begin_with(FS, old_levels, FS, new_levels);
			unsigned int i;

			for (i = 0; i < 4; i++) {
				tables_map(fixture.old, iovas[i], RANDOM_PA(i), 0);
				expect_different(&fixture, iovas[i], RANDOM_PA(i), RW, 0, 0);
				tables_map(fixture.new, iovas[i], RANDOM_PA(i), 0);
				expect_equal(&fixture);
			}
			/* What the same indices give in the other half is another address. */
			if (old_levels > new_levels) {
				tables_map(fixture.old, half, 0, 0);
				tables_map(fixture.new, half, 0, 0);
				expect_different(&fixture, half, 0, RW, 0, 0);
				*tables_entry(fixture.old, half, 0) = 0;
				tables_map(fixture.old, canonical(old_levels, 1ULL << (11 + 9 * old_levels)), 0, 0);
				expect_different(&fixture, canonical(old_levels, 1ULL << (11 + 9 * old_levels)), 0, RW, 0, 0);
			} else if (old_levels < new_levels) {
				*tables_entry(fixture.new, ~0ULL, new_levels - 1) = 0;
				tables_map(fixture.new, half, RANDOM_PA(2), 0);
				expect_different(&fixture, canonical(fewer, half), RANDOM_PA(2), RW, 0, 0);
			}
			end(&fixture);
		}
	for (old_levels = 4; old_levels <= 5; old_levels++)
		for (new_levels = 3; new_levels <= 5; new_levels++) {
			const __u64 bytes = 1ULL << (12 + 9 * old_levels);
			struct fixture fixture = begin_with(FS, old_levels, SS, new_levels);

			tables_map(fixture.old, bytes - PAGE_BYTES, 0x7000, 0);
			tables_map(fixture.new, bytes - PAGE_BYTES, 0x7000, 0);
			expect_different(&fixture, ~0ULL - 0xfff, 0x7000, RW, 0, 0);
			end(&fixture);
			fixture = begin_with(SS, new_levels, FS, old_levels);
			tables_map(fixture.old, (1ULL << (12 + 9 * new_levels)) / 2, 0x7000, 0);
			tables_map(fixture.new, (1ULL << (12 + 9 * new_levels)) / 2, 0x7000, 0);
			if (new_levels < old_levels)
				expect_equal(&fixture);
			else
				expect_different(&fixture, (1ULL << (12 + 9 * new_levels)) / 2, 0x7000, RW, 0, 0);
			end(&fixture);
		}
}

static void unknown_kinds_are_refused(void **state)
{
	static const struct { __u8 format, levels; } kinds[] = {
		{ 0, 4 }, { 4, 4 }, { 255, 4 }, { SS, 0 }, { SS, 2 }, { SS, 6 }, { SS, 255 }, { FS, 0 }, { FS, 3 }, { FS, 6 }, { FS, 255 },
	};
	struct fixture fixture = begin(SS, 4);
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		fixture.old->format = kinds[i].format;
		fixture.old->levels = kinds[i].levels;
		expect_broken(&fixture, LU_ERR_KIND, 0, fixture.old->pa[0]);
		assert_int_equal(fixture.compare.nr_tables, 0);
		fixture.old->format = SS;
		fixture.old->levels = 4;
		fixture.new->format = kinds[i].format;
		fixture.new->levels = kinds[i].levels;
		expect_broken(&fixture, LU_ERR_KIND, 1, fixture.new->pa[0]);
		fixture.new->format = SS;
		fixture.new->levels = 4;
	}
	fixture.old->pa[0] += 8;
	expect_broken(&fixture, LU_ERR_ALIGNMENT, 0, fixture.old->pa[0]);
	fixture.old->pa[0] -= 8;
	fixture.new->pa[0] += 2048;
	expect_broken(&fixture, LU_ERR_ALIGNMENT, 1, fixture.new->pa[0]);
	fixture.new->pa[0] -= 2048;
	expect_equal(&fixture);
	end(&fixture);
}

static void leaves_have_to_be_well_formed(void **state)
{
	unsigned int levels, level, which, bit;
	__u8 format;

	(void)state;
	for_each_format(format, levels)
		for (level = 0; level < 3; level++)
			for (which = 0; which < 2; which++) {
				const __u64 bytes = level_bytes(level), iova = 9 * bytes;
				struct fixture fixture = begin(format, levels);
				struct tables *tables = which ? fixture.new : fixture.old;
				struct world *world = which ? fixture.new_world : fixture.old_world;
				__u64 *entry;

				/* The same in both, and that one is broken is noticed nevertheless. */
				map_both(&fixture, 8 * bytes, 0, level);
				map_both(&fixture, iova, WORLD_END - bytes, level);
				expect_equal(&fixture);
				world->phys.end--;
				expect_broken(&fixture, LU_ERR_RANGE, which, iova);
				world->phys.end = bytes - 1;
				expect_broken(&fixture, LU_ERR_RANGE, which, 8 * bytes);
				world->phys.end = 0;
				expect_broken(&fixture, LU_ERR_RANGE, which, 8 * bytes);
				world->phys.end = ~0ULL;
				expect_equal(&fixture);
				world->phys.end = WORLD_END;

				map_both(&fixture, iova, 0x000fffffffffffffULL & ~(bytes - 1), level);
				expect_broken(&fixture, LU_ERR_RANGE, 0, iova);
				fixture.old_world->phys.end = ~0ULL;
				expect_broken(&fixture, LU_ERR_RANGE, 1, iova);
				fixture.new_world->phys.end = ~0ULL;
				expect_equal(&fixture);

				map_both(&fixture, iova, bytes, level);
				entry = tables_entry(tables, iova, level);
				for (bit = format == FS ? 13 : 12; bit < 12 + 9 * level; bit++) {
					*entry ^= 1ULL << bit;
					expect_broken(&fixture, LU_ERR_ENTRY, which, iova);
					*entry ^= 1ULL << bit;
				}
				for (bit = 12; bit < 12 + 9 * level; bit++) {
					*tables_entry(fixture.old, iova, level) ^= 1ULL << bit;
					*tables_entry(fixture.new, iova, level) ^= 1ULL << bit;
					if (format == FS && bit == 12)
						expect_equal(&fixture);
					else
						expect_broken(&fixture, LU_ERR_ENTRY, 0, iova);
					*tables_entry(fixture.old, iova, level) ^= 1ULL << bit;
					*tables_entry(fixture.new, iova, level) ^= 1ULL << bit;
				}
				end(&fixture);
			}
}

/* There are no leaves of 512 GiB. */
static void no_leaf_is_larger(void **state)
{
	unsigned int levels, level;
	__u8 format;

	(void)state;
	for_each_format(format, levels)
		for (level = 3; level < levels; level++) {
			const __u64 iova = 3 * level_bytes(level);
			struct fixture fixture = begin(format, levels);

			tables_map(fixture.new, iova, 0, level);
			expect_equal(&fixture);
			tables_map(fixture.old, iova, 0, level);
			expect_broken(&fixture, LU_ERR_ENTRY, 0, iova);
			*tables_entry(fixture.old, iova, level) = 0;
			tables_map(fixture.old, iova, 0, 0);
			expect_broken(&fixture, LU_ERR_ENTRY, 1, iova);
			end(&fixture);
		}
}

/* Addresses of broken entries of the upper half are given as those of differences are. So are those above what both tables have. */
static void broken_entries_are_named_by_their_address(void **state)
{
	struct fixture fixture = begin_with(FS, 4, FS, 5);
	const __u64 iova = canonical(4, 1ULL << 47) + 5 * GIB;

	(void)state;
	tables_map(fixture.old, iova, 0, 2);
	tables_map(fixture.new, iova, 0, 4);
	expect_broken(&fixture, LU_ERR_ENTRY, 1, canonical(4, 0));
	tables_map(fixture.old, 5 * GIB, 0, 2);
	tables_map(fixture.new, 5 * GIB, 0, 4);
	expect_broken(&fixture, LU_ERR_ENTRY, 1, 0);
	end(&fixture);

	fixture = begin(FS, 4);
	map_both(&fixture, iova, 0, 2);
	expect_equal(&fixture);
	*tables_entry(fixture.new, iova, 2) |= 2 * MIB;
	expect_broken(&fixture, LU_ERR_ENTRY, 1, iova);
	*tables_entry(fixture.old, iova, 2) |= 2 * MIB;
	expect_broken(&fixture, LU_ERR_ENTRY, 0, iova);
	end(&fixture);
}

/* Each table that the comparison reads, taken away; and each of its reads failing. */
static void every_table_may_be_missing(void **state)
{
	unsigned int levels;
	__u32 i, nth;

	(void)state;
	for (levels = 3; levels <= 5; levels++) {
		struct fixture fixture = begin(SS, levels);

		spread_both(&fixture);
		for (i = 0; i < fixture.old->nr_tables; i++) {
			world_take_back(fixture.old_world, fixture.old->pa[i]);
			expect_broken(&fixture, LU_ERR_RANGE, 0, fixture.old->pa[i]);
			fixture.old_world->handed_over[(fixture.old->pa[i] - WORLD_BASE_PA) / PAGE_BYTES] = true;
			world_take_back(fixture.new_world, fixture.new->pa[i]);
			expect_broken(&fixture, LU_ERR_RANGE, 1, fixture.new->pa[i]);
			fixture.new_world->handed_over[(fixture.new->pa[i] - WORLD_BASE_PA) / PAGE_BYTES] = true;
		}
		expect_equal(&fixture);
		for (nth = 1;; nth++) {
			fixture.old_world->reads_left = nth;
			if (compare(&fixture) == LU_COMPARE_EQUAL)
				break;
			assert_refused(&fixture.compare.verdict, LU_ERR_RANGE);
		}
		assert_int_equal(nth, fixture.old->nr_tables + 1);
		end(&fixture);
	}
}

/* No page of a table twice, and none of the new one that does not lie under one of the old. */
static void tables_are_read_once(void **state)
{
	unsigned int levels, i;

	(void)state;
	for (levels = 3; levels <= 5; levels++) {
		struct fixture fixture = begin(SS, levels);

		spread_both(&fixture);
		for (i = 0; i < 40; i++)
			map_both(&fixture, 64 * GIB + i * 2 * MIB, i * PAGE_BYTES, 0);
		expect_equal(&fixture);
		for (i = 0; i < WORLD_NR_PAGES; i++) {
			assert_true(fixture.old_world->nr_reads[i] <= 1);
			assert_true(fixture.new_world->nr_reads[i] <= 1);
		}
		assert_int_equal(fixture.compare.nr_tables, fixture.old->nr_tables + fixture.new->nr_tables);
		end(&fixture);
	}
}

/* A table that leads to itself, or to one above: each way down ends at the lowest level. */
static void cycles_end(void **state)
{
	unsigned int levels, level, to, which;

	(void)state;
	for (levels = 3; levels <= 5; levels++)
		for (level = 1; level < levels; level++)
			for (to = level; to < levels; to++)
				for (which = 0; which < 2; which++) {
					struct fixture fixture = begin(SS, levels);
					struct tables *tables = which ? fixture.new : fixture.old;
					const __u64 iova = level_bytes(level);

					map_both(&fixture, 0, 0, 0);
					*tables_entry(tables, iova, level) = tables->pa[levels - 1 - to] | TABLES_READ | TABLES_WRITE;
					if (which) {
						expect_equal(&fixture);
						tables_map(fixture.old, iova, WORLD_BASE_PA, 0);
					}
					assert_int_not_equal(compare(&fixture), LU_COMPARE_EQUAL);
					*tables_entry(fixture.old, iova, level) = *tables_entry(fixture.new, iova, level) =
						fixture.old->pa[levels - 1 - to] | TABLES_READ | TABLES_WRITE;
					/* The same world for both: the same cycle. */
					fixture.compare = comparison(&fixture);
					fixture.compare.new = fixture.compare.old;
					assert_int_equal(world_compare(fixture.old_world, fixture.old_world, &fixture.compare, 0),
							 LU_COMPARE_EQUAL);
					end(&fixture);
				}
}

/* A table that is all of itself would be read 512^4 times: whoever says how much at once gets a word in. */
static void a_comparison_can_be_left(void **state)
{
	struct fixture fixture = begin(SS, 5);
	__u64 *top = world_at(fixture.old_world, fixture.old->pa[0]);
	unsigned int i;

	(void)state;
	for (i = 0; i < 512; i++)
		top[i] = fixture.old->pa[0] | TABLES_READ | TABLES_WRITE;
	fixture.compare = comparison(&fixture);
	fixture.compare.new = fixture.compare.old;
	for (i = 0; i < 1000; i++) {
		const __u64 was = fixture.compare.nr_tables;

		assert_int_equal(world_compare(fixture.old_world, fixture.old_world, &fixture.compare, 100), LU_COMPARE_MORE);
		/* Two at each step. */
		assert_int_equal(fixture.compare.nr_tables - was, 100);
	}
	end(&fixture);
}

/* In as many calls as one likes: the same result, and none that gets no further. */
static void resume(struct fixture *fixture)
{
	enum lu_compare_result result, whole = compare(fixture);
	struct lu_compare at_once = fixture->compare;
	__u32 max_tables;

	for (max_tables = 1; max_tables < 40; max_tables++) {
		__u64 was;

		fixture->compare = comparison(fixture);
		for (;;) {
			const __u64 nr_tables = fixture->compare.nr_tables;

			was = fixture->compare.next_iova;
			result = world_compare(fixture->old_world, fixture->new_world, &fixture->compare, max_tables);
			/* Two ways down, at most, when a call may hardly do anything. */
			assert_true(fixture->compare.nr_tables - nr_tables <= max_tables + 18);
			if (result != LU_COMPARE_MORE)
				break;
			assert_true(fixture->compare.nr_tables - nr_tables >= max_tables);
			assert_true(fixture->compare.next_iova > was);
			assert_int_equal(fixture->compare.next_iova % PAGE_BYTES, 0);
		}
		assert_true(max_tables > 2 || was > 0);
		assert_int_equal(result, whole);
		assert_true(fixture->compare.nr_tables >= at_once.nr_tables);
		assert_int_equal(fixture->compare.iova, at_once.iova);
		assert_memory_equal(&fixture->compare.old_page, &at_once.old_page, sizeof(at_once.old_page));
		assert_memory_equal(&fixture->compare.new_page, &at_once.new_page, sizeof(at_once.new_page));
		assert_memory_equal(&fixture->compare.verdict, &at_once.verdict, sizeof(at_once.verdict));
	}
}

static void many_calls_are_one(void **state)
{
	unsigned int old_levels, new_levels, i;

	(void)state;
	for (old_levels = 3; old_levels <= 5; old_levels++)
		for (new_levels = 3; new_levels <= 5; new_levels++) {
			struct fixture fixture = begin_with(SS, old_levels, SS, new_levels);

			for (i = 0; i < 8; i++)
				map_both(&fixture, i * 2 * MIB + i * PAGE_BYTES, i * PAGE_BYTES, 0);
			map_both(&fixture, GIB, GIB, 2);
			tables_map(fixture.old, 2 * GIB, 3 * GIB, 2);
			fill(fixture.new, 2 * GIB, 3 * GIB, 1);
			fill(fixture.old, 3 * GIB, 4 * GIB, 1);
			tables_map(fixture.new, 3 * GIB, 4 * GIB, 2);
			for (i = 8; i < 16; i++)
				map_both(&fixture, 3 * GIB + i * GIB, i * PAGE_BYTES, 0);
			assert_int_equal(compare(&fixture), LU_COMPARE_EQUAL);
			resume(&fixture);
			*tables_entry(fixture.new, 2 * GIB + 300 * 2 * MIB, 1) += 2 * MIB;
			assert_int_equal(compare(&fixture), LU_COMPARE_DIFFERENT);
			resume(&fixture);
			*tables_entry(fixture.new, 2 * GIB + 300 * 2 * MIB, 1) -= 2 * MIB;
			*tables_entry(fixture.new, 15 * GIB, 0) = 0;
			assert_int_equal(compare(&fixture), LU_COMPARE_DIFFERENT);
			resume(&fixture);
			*tables_entry(fixture.old, 14 * GIB, 1) = 3 | (WORLD_BASE_PA - PAGE_BYTES);
			assert_int_equal(compare(&fixture), LU_COMPARE_BROKEN);
			resume(&fixture);
			end(&fixture);
		}
}

static void both_halves_are_resumed(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 4; i <= 5; i++) {
		struct fixture fixture = begin(FS, i);
		unsigned int page;

		for (page = 0; page < 8; page++) {
			map_both(&fixture, page * GIB, page * PAGE_BYTES, 0);
			map_both(&fixture, canonical(4, 1ULL << 47) + page * GIB, page * PAGE_BYTES, 0);
		}
		resume(&fixture);
		*tables_entry(fixture.new, canonical(4, 1ULL << 47) + 7 * GIB, 0) = 0;
		assert_int_equal(compare(&fixture), LU_COMPARE_DIFFERENT);
		resume(&fixture);
		end(&fixture);
	}
}

/* Where a call goes on there may be a large leaf now, in either table. */
static void a_call_may_go_on_within_a_leaf(void **state)
{
	struct fixture fixture = begin(SS, 3);
	const __u64 page = GIB + 5 * MIB + 3 * PAGE_BYTES;

	(void)state;
	tables_map(fixture.old, GIB, 3 * GIB, 2);
	fixture.compare = comparison(&fixture);
	fixture.compare.next_iova = page;
	assert_int_equal(world_compare(fixture.old_world, fixture.new_world, &fixture.compare, 0), LU_COMPARE_DIFFERENT);
	assert_int_equal(fixture.compare.iova, page);
	assert_int_equal(fixture.compare.old_page.pa, page + 2 * GIB);
	assert_int_equal(fixture.compare.new_page.pa, 0);

	fill(fixture.new, GIB + 4 * MIB, 3 * GIB + 4 * MIB, 0);
	fixture.compare = comparison(&fixture);
	fixture.compare.next_iova = page;
	assert_int_equal(world_compare(fixture.old_world, fixture.new_world, &fixture.compare, 0), LU_COMPARE_DIFFERENT);
	assert_int_equal(fixture.compare.iova, GIB + 6 * MIB);
	assert_int_equal(fixture.compare.old_page.pa, 3 * GIB + 6 * MIB);

	*tables_entry(fixture.new, page - PAGE_BYTES, 0) = 0;
	*tables_entry(fixture.new, page, 0) = 8 * GIB | TABLES_READ;
	fixture.compare = comparison(&fixture);
	fixture.compare.next_iova = page;
	assert_int_equal(world_compare(fixture.old_world, fixture.new_world, &fixture.compare, 0), LU_COMPARE_DIFFERENT);
	assert_int_equal(fixture.compare.iova, page);
	assert_int_equal(fixture.compare.new_page.pa, 8 * GIB);
	end(&fixture);

	fixture = begin(SS, 3);
	tables_map(fixture.old, GIB, 3 * GIB, 2);
	tables_map(fixture.new, GIB, 4 * GIB, 2);
	fixture.compare = comparison(&fixture);
	fixture.compare.next_iova = page;
	assert_int_equal(world_compare(fixture.old_world, fixture.new_world, &fixture.compare, 0), LU_COMPARE_DIFFERENT);
	assert_int_equal(fixture.compare.iova, page);
	assert_int_equal(fixture.compare.old_page.pa, page + 2 * GIB);
	assert_int_equal(fixture.compare.new_page.pa, page + 3 * GIB);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_tables_are_equal),
		cmocka_unit_test(what_only_the_new_table_has_is_passed_over),
		cmocka_unit_test(each_difference_is_found),
		cmocka_unit_test(more_permission_is_no_difference),
		cmocka_unit_test(kinds_of_leaves_may_alternate),
		cmocka_unit_test(sizes_of_leaves_may_differ),
		cmocka_unit_test(a_leaf_may_be_split_twice),
		cmocka_unit_test(large_leaves_may_differ),
		cmocka_unit_test(each_level_takes_its_part),
		cmocka_unit_test(users_need_every_level),
		cmocka_unit_test(formats_may_differ),
		cmocka_unit_test(memory_type_is_no_address),
		cmocka_unit_test(levels_may_differ),
		cmocka_unit_test(halves_are_kept_apart),
		cmocka_unit_test(unknown_kinds_are_refused),
		cmocka_unit_test(leaves_have_to_be_well_formed),
		cmocka_unit_test(no_leaf_is_larger),
		cmocka_unit_test(broken_entries_are_named_by_their_address),
		cmocka_unit_test(every_table_may_be_missing),
		cmocka_unit_test(tables_are_read_once),
		cmocka_unit_test(cycles_end),
		cmocka_unit_test(a_comparison_can_be_left),
		cmocka_unit_test(many_calls_are_one),
		cmocka_unit_test(both_halves_are_resumed),
		cmocka_unit_test(a_call_may_go_on_within_a_leaf),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
