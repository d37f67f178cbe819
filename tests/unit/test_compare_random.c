// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The comparison against one that asks page by page, walking both tables from the top for each: random pairs of tables, mostly alike,
 * some with damage. The result, what it says of it, and that it does not depend on the number of calls have to be the same.
 *
 * The sequence is the same each time: a failure names its round, and UNIT_ROUNDS= can end there.
 */
#include <stdio.h>

#include "world.h"

#define NR_ROUNDS	4000ULL
#define MAX_DAMAGE	8U
#define MAX_ASKED	3000000U	/* pages in a round, after which it is given up */
#define MIB		(1ULL << 20)
#define GIB		(1ULL << 30)
#define PA_BITS		0x000ffffffffff000ULL

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

static bool one_in(__u64 n)
{
	return !random_below(n);
}

/*
 * The slow way. Nothing of the comparison's is used, format.h neither: bits are those of the specification's tables, spelt out.
 */
enum state { NOTHING, LEAF, TABLE };

struct place {
	enum state state;
	__u64 pa;		/* of the table, or of what the leaf maps */
	__u32 perm;
};

struct answer {
	enum lu_compare_result result;
	__u64 iova;
	struct lu_page old_page, new_page;
	struct lu_verdict verdict;
};

static bool answer_broken(struct answer *answer, enum lu_error error, __u32 which, __u64 address)
{
	answer->result = LU_COMPARE_BROKEN;
	answer->verdict = (struct lu_verdict){ .error = error, .index = which, .address = address };
	return false;
}

/* AMD v1: what is wrong with a leaf, and where in it @iova is. */
static bool amd_leaf(__u64 entry, unsigned int level, __u64 iova, struct place *place)
{
	const unsigned int next = entry >> 9 & 7;
	const __u64 bytes = PAGE_BYTES << 9 * level;
	__u64 run = 2 * PAGE_BYTES;

	if (next && next != 7)
		return false;
	if (!next)
		return true;
	while (run <= 1ULL << 52 && entry & run / 2)
		run *= 2;
	if (run <= bytes || run >= 512 * bytes)
		return false;
	place->pa = (place->pa & ~(run - 1)) + (iova & (run - 1) & ~(bytes - 1));
	return true;
}

/* What an entry allows. */
static __u32 perm_of(__u8 format, __u64 entry, bool leaf)
{
	switch (format) {
	case IOMMU_SER_FORMAT_VTDSS:
		return (entry & 3) | (!leaf || (entry & 0x800) ? LU_PERM_SNOOP : 0);
	case IOMMU_SER_FORMAT_X86_64:
		return (entry & 5) == 5 ? LU_PERM_READ | (entry & 2) | (leaf ? 0 : LU_PERM_SNOOP) : 0;
	default:
		return entry & 1 ? (entry >> 61 & 3) | (!leaf || entry >> 60 & 1 ? LU_PERM_SNOOP : 0) : 0;
	}
}

/* From a table to what its entry for @iova leads to. */
static bool go_down(const struct lu_table *table, __u32 which, unsigned int level, __u64 iova, struct place *place, struct answer *answer)
{
	const bool amd = table->format == IOMMU_SER_FORMAT_AMDV1;
	const __u64 bytes = PAGE_BYTES << 9 * level;
	const __u64 entry = ((const __u64 *)world_at(table->phys->priv, place->pa))[(iova >> (12 + 9 * level)) & 511];
	const bool leaf = !level || (amd ? (entry >> 9 & 7) % 7 == 0 : entry >> 7 & 1);

	place->perm &= perm_of(table->format, entry, leaf);
	place->state = NOTHING;
	if (!(place->perm & 3))
		return true;
	place->pa = entry & PA_BITS;
	place->state = leaf ? LEAF : TABLE;
	if (!leaf)
		return !amd || (entry >> 9 & 7) == level ? true : answer_broken(answer, LU_ERR_ENTRY, which, iova & ~(bytes - 1));
	if (table->format == IOMMU_SER_FORMAT_X86_64 && level)
		place->pa &= ~0x1000ULL;
	if ((amd && !amd_leaf(entry, level, iova, place)) || level > 2 || place->pa & (bytes - 1))
		return answer_broken(answer, LU_ERR_ENTRY, which, iova & ~(bytes - 1));
	if (place->pa + bytes > table->phys->end)
		return answer_broken(answer, LU_ERR_RANGE, which, iova & ~(bytes - 1));
	place->pa += iova & (bytes - 1);
	return true;
}

static bool readable(const struct lu_table *table, __u32 which, const struct place *place, struct answer *answer)
{
	const struct world *world = table->phys->priv;
	const __u64 page = (place->pa - WORLD_BASE_PA) / PAGE_BYTES;

	if (place->state != TABLE || (place->pa >= WORLD_BASE_PA && page < WORLD_NR_PAGES && world->handed_over[page]))
		return true;
	return answer_broken(answer, LU_ERR_RANGE, which, place->pa);
}

static bool translates(const struct lu_table *table, __u64 iova)
{
	const unsigned int bits = 12 + 9 * table->levels;

	if (table->format != IOMMU_SER_FORMAT_X86_64)
		return !(iova >> bits);
	return !(iova >> (bits - 1)) || iova >> (bits - 1) == ~0ULL >> (bits - 1);
}

/* One page. @skip: how many bytes from there on the old table has nothing for. */
static bool ask(const struct lu_table *old, const struct lu_table *new, __u64 iova, struct answer *answer, __u64 *skip)
{
	struct place from = { TABLE, old->top_pa, 7 }, to = { TABLE, new->top_pa, 7 };
	unsigned int level = old->levels;
	bool met = false;

	*skip = PAGE_BYTES;
	if (!readable(old, 0, &from, answer))
		return false;
	while (level--) {
		if (from.state == TABLE && !go_down(old, 0, level, iova, &from, answer))
			return false;
		if (from.state == NOTHING) {
			*skip = PAGE_BYTES << 9 * level;
			return true;
		}
		if (level < new->levels) {
			if (!met) {
				unsigned int above;

				met = true;
				if (!translates(new, iova))
					to.state = NOTHING;
				if (!readable(new, 1, &to, answer))
					return false;
				for (above = new->levels - 1; above > level && to.state == TABLE; above--)
					if (!go_down(new, 1, above, iova, &to, answer) || !readable(new, 1, &to, answer))
						return false;
			}
			if (to.state == TABLE && !go_down(new, 1, level, iova, &to, answer))
				return false;
		}
		if (from.state == LEAF && to.state != TABLE)
			break;
		if (!readable(old, 0, &from, answer) || (met && !readable(new, 1, &to, answer)))
			return false;
	}
	if (to.state == LEAF && from.pa == to.pa && !(from.perm & ~to.perm))
		return true;
	answer->result = LU_COMPARE_DIFFERENT;
	answer->iova = iova;
	answer->old_page = (struct lu_page){ from.pa, from.perm };
	if (to.state == LEAF)
		answer->new_page = (struct lu_page){ to.pa, to.perm };
	return false;
}

/* False: too many pages to ask for. */
static bool ask_all(const struct lu_table *old, const struct lu_table *new, struct answer *answer)
{
	const unsigned int bits = 12 + 9 * old->levels;
	__u64 at, skip;
	__u32 nr = 0;

	*answer = (struct answer){ .result = LU_COMPARE_EQUAL };
	for (at = 0; at < 1ULL << bits; at = (at | (skip - 1)) + 1) {
		__u64 iova = at;

		if (++nr > MAX_ASKED)
			return false;
		if (old->format == IOMMU_SER_FORMAT_X86_64 && at >> (bits - 1))
			iova |= ~0ULL << bits;
		if (!ask(old, new, iova, answer, &skip))
			return true;
	}
	return true;
}

struct round {
	struct world *worlds[2];
	struct tables *tables[2];
	struct lu_table lu[2];
};

static __u64 leaf_bits(const struct tables *tables, __u32 perm)
{
	if (tables->format == IOMMU_SER_FORMAT_AMDV1)
		return TABLES_AMD_PRESENT | (__u64)(perm & 3) << 61 | (perm & LU_PERM_SNOOP ? TABLES_AMD_SNOOP : 0);
	if (tables->format == IOMMU_SER_FORMAT_X86_64)
		return TABLES_READ | TABLES_USER | (perm & LU_PERM_WRITE);
	return (perm & 3) | (perm & LU_PERM_SNOOP ? TABLES_SNOOP : 0);
}

/* Is there room for the tables on the way, and no leaf nor what damage made of it? */
static bool has_way(struct tables *tables, __u64 iova, unsigned int level)
{
	unsigned int at = tables->levels - 1;
	__u64 pa = tables->pa[0];

	if (tables->nr_tables + 8 > TABLES_MAX)
		return false;
	for (; at > level; at--) {
		const __u64 entry = ((__u64 *)world_at(tables->world, pa))[(iova >> (12 + 9 * at)) & 511];

		if (!entry)
			return true;
		pa = entry & PA_BITS;
		if (tables->format == IOMMU_SER_FORMAT_AMDV1 ? (entry >> 9 & 7) != at : !!(entry & TABLES_LARGE))
			return false;
		if (pa < WORLD_BASE_PA || pa >= WORLD_BASE_PA + WORLD_NR_PAGES * PAGE_BYTES)
			return false;
	}
	return true;
}

/* One mapping, in one leaf or in smaller ones. A GiB is split down to pages in one place at most. */
static void map(struct tables *tables, __u64 iova, __u64 pa, unsigned int level, __u32 perm, unsigned int split)
{
	const __u64 less = level ? PAGE_BYTES << 9 * (level - 1) : 0;
	unsigned int i, deep;

	if (!has_way(tables, iova, level))
		return;
	if (!level || !split) {
		/* Bits that nobody looks at. */
		const __u64 noise = tables->format == IOMMU_SER_FORMAT_AMDV1 ? 0x8ff0000000000000ULL : 0x7ff0000000000000ULL;

		*tables_entry(tables, iova, level) = pa | leaf_bits(tables, perm) | tables_large(tables, level) | (random_next() & noise);
		return;
	}
	deep = split > 1 ? random_below(512) : 512;
	for (i = 0; i < 512; i++)
		map(tables, iova + i * less, pa + i * less, level - 1, perm, i == deep);
}

/* Addresses that lie close together, at both ends of tables of each number of levels, and on both sides of the middle. */
static __u64 random_iova(unsigned int level)
{
	static const __u64 bases[] = {
		0, 0, 0, GIB, 512 * GIB - 2 * GIB, 512 * GIB, 1ULL << 38, 1ULL << 47, (1ULL << 47) - 2 * GIB, (1ULL << 48) - 2 * GIB,
		1ULL << 48, 1ULL << 56, ~0ULL << 47, ~0ULL << 56, -2 * GIB,
	};
	__u64 iova = bases[one_in(2) ? random_below(4) : random_below(sizeof(bases) / sizeof(*bases))];

	iova += random_below(2) * GIB;
	if (level < 2)
		iova += (one_in(4) ? 511 : random_below(3)) * 2 * MIB;
	if (level < 1)
		iova += (one_in(4) ? 511 - random_below(3) : random_below(20)) * PAGE_BYTES;
	return iova;
}

static void map_both(struct round *round)
{
	const unsigned int level = one_in(120) ? 2 : one_in(4) ? 1 : 0;
	const __u64 iova = random_iova(level), bytes = PAGE_BYTES << 9 * level;
	const __u64 pa = random_below(WORLD_END / bytes) * bytes;
	const __u32 perm = one_in(3) ? 1 + random_below(7) : 3;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		/* Splitting a GiB is slow to ask for. */
		const unsigned int split = level == 2 ? (one_in(3) ? 2 : 1) * random_below(2) : random_below(2);
		const __u32 allowed = i ? perm | (one_in(4) ? random_below(8) : 0) : perm;

		if (i && one_in(60))
			continue;
		if (i || !one_in(10))
			map(round->tables[i], iova, pa, level, allowed & 3 ? allowed : 3, split);
	}
}

/* A run of small leaves, for which the comparison has its fast ways. */
static void run_both(struct round *round)
{
	const __u64 iova = random_iova(1), pa = random_below(1 << 20) * PAGE_BYTES;
	const __u32 nr = 1 + random_below(512), kinds = 1 + random_below(3), holes = random_below(2) * (2 + random_below(9));
	const __u32 perms[2][3] = { { 3, 1, 2 }, { 3, 1 + random_below(3), 3 } };
	__u32 i, which;

	for (i = 0; i < nr; i++)
		for (which = 0; which < 2; which++)
			if (!which ? !holes || i % holes : !one_in(2000))
				map(round->tables[which], iova + i * PAGE_BYTES, pa + i * PAGE_BYTES, 0,
				    perms[which && !one_in(50)][i % kinds], 0);
}

/* One page of up to 256 leaves, in a run in each table that can have one. */
static void page_both(struct round *round)
{
	const unsigned int level = one_in(4), run_lg2 = 1 + random_below(8);
	const __u64 leaf = PAGE_BYTES << 9 * level, bytes = leaf << run_lg2;
	const __u64 iova = random_iova(level) & ~(bytes - 1), pa = random_below(WORLD_END / bytes) * bytes;
	unsigned int i, which;

	for (which = 0; which < 2; which++) {
		struct tables *tables = round->tables[which];

		if (!has_way(tables, iova, level))
			continue;
		if (tables->format == IOMMU_SER_FORMAT_AMDV1 && !one_in(4))
			tables_map_run(tables, iova, pa, level, run_lg2, leaf_bits(tables, 3));
		else
			for (i = 0; i < 1U << run_lg2; i++)
				map(tables, iova + i * leaf, pa + i * leaf, level, 3, 0);
	}
}

static __u64 *random_entry(struct tables *tables)
{
	__u64 *table = world_at(tables->world, tables->pa[random_below(tables->nr_tables)]);
	unsigned int i, at = random_below(512);

	/* One that is used, mostly. */
	for (i = 0; i < 512 && !one_in(64); i++)
		if (table[(at + i) % 512])
			return &table[(at + i) % 512];
	return &table[at];
}

static void damage(struct round *round)
{
	const unsigned int which = random_below(2);
	struct tables *tables = round->tables[which];
	__u64 *entry = random_entry(tables);

	switch (random_below(14)) {
	case 0:
		*entry ^= 1ULL << random_below(64);
		break;
	case 1:
		*entry ^= 1ULL << random_below(12);
		break;
	case 2:
		*entry = 0;
		break;
	case 3:
		*entry = *random_entry(tables);
		break;
	case 4:
		*entry = tables->pa[random_below(tables->nr_tables)] | tables->bits;
		break;
	case 5:
		*entry += (random_below(3) - 1) * PAGE_BYTES;
		break;
	case 6:
		*entry = random_next();
		break;
	case 7:
		*entry ^= TABLES_LARGE;
		break;
	case 8:
		*entry &= ~(1ULL << random_below(3));
		break;
	case 11:
		*entry ^= TABLES_AMD_NEXT(random_below(8));
		break;
	case 12:
		*entry ^= 1ULL << (60 + random_below(3));
		break;
	case 9:
		if (one_in(4))
			world_take_back(tables->world, tables->pa[random_below(tables->nr_tables)]);
		break;
	case 10:
		if (one_in(4))
			tables->world->phys.end = random_below(2) ? random_below(WORLD_END) : random_next();
		break;
	default:
		/* The same in both. */
		if (has_way(round->tables[0], 0, 1) && has_way(round->tables[1], 0, 1))
			*tables_entry(round->tables[0], 0, 1) = *tables_entry(round->tables[1], 0, 1) =
				random_below(WORLD_END / 2 / MIB) * 2 * MIB | tables->bits | tables_large(tables, 1);
		break;
	}
}

static struct tables *random_tables(struct world *world, __u8 format)
{
	switch (format) {
	case IOMMU_SER_FORMAT_AMDV1:
		return tables_new_amd(world, 3 + random_below(3));
	case IOMMU_SER_FORMAT_X86_64:
		return tables_new_first_stage(world, 4 + random_below(2));
	default:
		return tables_new(world, 3 + random_below(3));
	}
}

static struct round round_begin(void)
{
	const __u8 format = 1 + random_below(3);
	__u32 i, nr = random_below(12), nr_damage = one_in(2) ? 0 : random_below(MAX_DAMAGE + 1);
	struct round round = {};

	for (i = 0; i < 2; i++) {
		round.worlds[i] = world_new();
		if (i && one_in(2)) {
			round.tables[1] = tables_new(round.worlds[1], round.tables[0]->levels);
			round.tables[1]->format = round.tables[0]->format;
			round.tables[1]->bits = round.tables[0]->bits;
		} else {
			round.tables[i] = random_tables(round.worlds[i], i && one_in(3) ? 1 + random_below(3) : format);
		}
	}
	while (nr--)
		map_both(&round);
	for (nr = random_below(3); nr; nr--)
		run_both(&round);
	for (nr = random_below(3); nr; nr--)
		page_both(&round);
	while (nr_damage--)
		damage(&round);
	for (i = 0; i < 2; i++)
		round.lu[i] = (struct lu_table){ .phys = &round.worlds[i]->phys, .top_pa = round.tables[i]->pa[0],
						 .format = round.tables[i]->format, .levels = round.tables[i]->levels };
	return round;
}

static void round_end(struct round *round)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		free(round->tables[i]);
		world_free(round->worlds[i]);
	}
}

static void compare_in_calls(struct round *round, const struct answer *answer, __u32 max_tables)
{
	struct lu_compare compare = { .old = round->lu[0], .new = round->lu[1] };
	enum lu_compare_result result;

	do {
		const __u64 was = compare.next_iova;

		result = world_compare(round->worlds[0], round->worlds[1], &compare, max_tables);
		assert_true(result != LU_COMPARE_MORE || (max_tables && compare.next_iova > was));
	} while (result == LU_COMPARE_MORE);
	assert_int_equal(result, answer->result);
	assert_int_equal(compare.iova, answer->iova);
	assert_memory_equal(&compare.old_page, &answer->old_page.pa, sizeof(compare.old_page.pa));
	assert_int_equal(compare.old_page.perm, answer->old_page.perm);
	assert_int_equal(compare.new_page.pa, answer->new_page.pa);
	assert_int_equal(compare.new_page.perm, answer->new_page.perm);
	assert_string_equal(lu_error_name(compare.verdict.error), lu_error_name(answer->verdict.error));
	assert_int_equal(compare.verdict.index, answer->verdict.index);
	assert_int_equal(compare.verdict.address, answer->verdict.address);
}

static void it_is_as_asking_for_each_page(void **state)
{
	const char *limit = getenv("UNIT_ROUNDS");
	const __u64 nr_rounds = limit ? strtoull(limit, NULL, 0) : NR_ROUNDS;
	static __u64 i;
	__u64 nr[LU_COMPARE_BROKEN + 1] = {}, nr_given_up = 0;

	(void)state;
	random_state = 0x9e3779b97f4a7c15ULL;
	for (i = 0; i < nr_rounds; i++) {
		struct round round = round_begin();
		struct answer answer;

		if (getenv("UNIT_VERBOSE"))
			fprintf(stderr, "round %llu\n", (unsigned long long)i);
		if (ask_all(&round.lu[0], &round.lu[1], &answer)) {
			nr[answer.result]++;
			compare_in_calls(&round, &answer, 0);
			compare_in_calls(&round, &answer, 1 + random_below(12));
		} else {
			nr_given_up++;
		}
		round_end(&round);
	}
	printf("equal %llu, different %llu, broken %llu, given up %llu\n", (unsigned long long)nr[LU_COMPARE_EQUAL],
	       (unsigned long long)nr[LU_COMPARE_DIFFERENT], (unsigned long long)nr[LU_COMPARE_BROKEN], (unsigned long long)nr_given_up);
	if (nr_rounds >= NR_ROUNDS) {
		assert_true(nr[LU_COMPARE_EQUAL] > NR_ROUNDS / 8);
		assert_true(nr[LU_COMPARE_DIFFERENT] > NR_ROUNDS / 8);
		assert_true(nr[LU_COMPARE_BROKEN] > NR_ROUNDS / 32);
		assert_true(nr_given_up < NR_ROUNDS / 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_as_asking_for_each_page),
	};

	return cmocka_run_group_tests_name("compare_random", tests, NULL, NULL);
}
