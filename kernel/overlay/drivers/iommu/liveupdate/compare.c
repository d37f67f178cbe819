// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: comparing two page tables
 *
 * Both are walked at once, in the order of addresses, from the top level that they have in common: table beside table, of the same
 * level and for the same addresses. Where one has a large leaf and the other a table, the leaf is taken for the 512 smaller
 * leaves that it is as good as, so that there is one way to compare, whatever the sizes. The old table leads: what it does
 * not map is not looked at in the new one. So each pair of tables is met once, and time grows with the number of tables of the
 * old one and of those of the new one that lie under them.
 *
 * There is no recursion and no list: a stack of one pair of tables a level. Each step down goes one level down, so whatever the
 * tables are, a cycle say, the walk has an end; @max_tables is for whoever cannot wait for it.
 *
 * Nearly all entries are leaves beside leaves that need not be taken apart to see that they are right: a few masks that follow from the
 * two formats tell most of them, eight at a time. lu_scan() passes over these; what the masks do not tell is taken apart by lu_step().
 */
#include "compare.h"

/* A table, or 512 leaves that one leaf of the level above is as good as. */
struct lu_side {
	const __u64 *table;	/* NULL: no table */
	__u64 leaf;		/* the entry of the first of these leaves; the rest follow on */
	__u32 perm;		/* what the levels above leave of it; 0: nothing is mapped */
};

/* What lies side by side; the entries at @index are the ones to look at next. */
struct lu_pair {
	struct lu_side old, new;
	__u64 iova;		/* that entry 0 translates: the indices on the way, put together */
	unsigned int index;
};

/*
 * Pairs of leaves of one level that can be told to be right by masks. The old leaf has @bits and no others of @mask; the new one
 * differs from it in @differ and no others of @equal, and has all of @implies that the old one has. Not every pair that is right is told.
 */
struct lu_masks {
	__u64 mask;
	__u64 bits;
	__u64 equal;
	__u64 differ;
	__u64 implies;
	__u64 address;
	__u64 last_pa;	/* the last place where a leaf lies in what both tables may point to */
};

struct lu_comparison {
	struct lu_compare *compare;
	const struct lu_table *tables[2];
	const struct lu_format *formats[2];
	__u64 begin;			/* where this call began: the indices, put together */
	__u32 nr_tables;		/* read by this call */
	unsigned int join_level;	/* the highest level that both have; from there on down they are side by side */
	bool joined[2];			/* for the lower and the upper half: join[] is known */
	struct lu_side join[2];		/* the new table's at @join_level */
	struct lu_pair pairs[LU_MAX_LEVELS];
	struct lu_masks masks[LU_MAX_LEVELS - 1];	/* of each level below @join_level */
};

enum lu_which { LU_OLD, LU_NEW };

/* An entry, taken apart. */
struct lu_item {
	__u64 entry;
	__u64 pa;	/* of the table, or of the page */
	__u32 perm;	/* 0: nothing is mapped here */
	__u32 above;	/* what the levels above leave */
	bool leaf;
};

#define LU_SIGN		(1ULL << 63)
#define LU_LINE		8U	/* entries in a cache line */

static bool lu_broken(struct lu_comparison *c, enum lu_which which, enum lu_error error, __u64 address)
{
	c->compare->verdict = (struct lu_verdict){ .error = error, .index = which, .address = address };
	return false;
}

static __u64 lu_iova(const struct lu_comparison *c, __u64 indices)
{
	return lu_format_iova(c->formats[LU_OLD], c->tables[LU_OLD]->levels, indices);
}

static unsigned int lu_index(__u64 iova, unsigned int level)
{
	return (iova >> lu_level_lg2(level)) % LU_NR_ENTRIES;
}

static bool lu_read(struct lu_comparison *c, enum lu_which which, __u64 pa, const __u64 **table)
{
	const struct lu_phys *phys = c->tables[which]->phys;

	*table = phys->read(phys, pa, LU_PAGE_BYTES);
	if (!*table)
		return lu_broken(c, which, LU_ERR_RANGE, pa);
	c->nr_tables++;
	c->compare->nr_tables++;
	return true;
}

static bool lu_take_apart(struct lu_comparison *c, enum lu_which which, __u64 entry, unsigned int level, __u32 above,
			  __u64 iova, struct lu_item *item)
{
	const struct lu_format *format = c->formats[which];
	enum lu_error error;
	__u32 perm;

	*item = (struct lu_item){ .entry = entry, .above = above };
	item->leaf = lu_entry_is_leaf(format, entry, level);
	perm = above & lu_entry_perm(format, entry, item->leaf);
	if (!(perm & LU_PERM_ACCESS))
		return true;
	item->perm = perm;
	if (!item->leaf) {
		item->pa = lu_entry_table_pa(format, entry);
		return lu_entry_skips(format, entry, level) ? lu_broken(c, which, LU_ERR_ENTRY, iova) : true;
	}
	item->pa = lu_entry_leaf_pa(format, entry, level, iova);
	error = lu_entry_leaf_error(format, entry, level, iova, c->tables[which]->phys->end);
	return error ? lu_broken(c, which, error, iova) : true;
}

static __u64 lu_side_entry(const struct lu_side *side, unsigned int level, unsigned int index)
{
	return side->table ? side->table[index] : side->leaf + index * lu_level_bytes(level);
}

/* They tell no pair: there is no place that is not beyond the last. */
static const struct lu_masks lu_no_masks = { .last_pa = LU_SIGN };

/* What is scanned: entries of a table, or leaves that each go on where the last one ended. */
struct lu_run {
	const __u64 *table;
	__u64 leaf;
	__u64 bytes;
};

static __always_inline __u64 lu_run_entry(const struct lu_run *run, bool table, unsigned int index)
{
	return table ? run->table[index] : run->leaf + index * run->bytes;
}

/* 0 if the pair is told to be right. */
static inline __u64 lu_misses(const struct lu_masks *masks, __u64 old, __u64 new)
{
	return ((old & masks->mask) ^ masks->bits) |
	       ((old ^ new ^ masks->differ) & (masks->equal | (old & masks->implies))) |
	       ((masks->last_pa - (old & masks->address)) & LU_SIGN);
}

/* lu_misses() of a whole line, with what can be asked of all eight at once asked at the end: this is the loop that takes the time. */
static __always_inline __u64 lu_line_misses(const struct lu_masks *masks, const struct lu_run *old, bool old_table,
					    const struct lu_run *new, bool new_table, unsigned int index)
{
	__u64 misses = 0, beyond = 0, some = 0, every = ~0ULL;
	unsigned int i;

	for (i = index; i < index + LU_LINE; i++) {
		const __u64 entry = lu_run_entry(old, old_table, i);

		misses |= (entry ^ lu_run_entry(new, new_table, i) ^ masks->differ) & (masks->equal | (entry & masks->implies));
		beyond |= masks->last_pa - (entry & masks->address);
		some |= entry;
		every &= entry;
	}
	return misses | (beyond & LU_SIGN) | (some & masks->mask & ~masks->bits) | (~every & masks->bits);
}

/* The same where the old table has holes. Without branches: nobody can guess where they are. */
static __always_inline __u64 lu_sparse_line_misses(const struct lu_masks *masks, __u64 present,
						   const struct lu_run *old, bool old_table,
						   const struct lu_run *new, bool new_table, unsigned int index)
{
	__u64 misses = 0;
	unsigned int i;

	for (i = index; i < index + LU_LINE; i++) {
		const __u64 entry = lu_run_entry(old, old_table, i);
		const __u64 mapped = -(__u64)!!(entry & present);

		misses |= lu_misses(masks, entry, lu_run_entry(new, new_table, i)) & mapped;
	}
	return misses;
}

/*
 * The first entry from @index on that has to be taken apart. Inlined for each sort of pair, so that which sort it is costs nothing in
 * the loops.
 */
static __always_inline unsigned int lu_scan_run(const struct lu_masks *of_level, __u64 present, struct lu_run old, bool old_table,
						struct lu_run new, bool new_table, unsigned int index)
{
	const struct lu_masks masks = *of_level;

	while (index < LU_NR_ENTRIES) {
		const __u64 entry = lu_run_entry(&old, old_table, index);

		if (!(index % LU_LINE) &&
		    (!lu_line_misses(&masks, &old, old_table, &new, new_table, index) ||
		     !lu_sparse_line_misses(&masks, present, &old, old_table, &new, new_table, index))) {
			index += LU_LINE;
			continue;
		}
		if ((entry & present) && lu_misses(&masks, entry, lu_run_entry(&new, new_table, index)))
			break;
		index++;
	}
	return index;
}

static unsigned int lu_scan(const struct lu_comparison *c, const struct lu_pair *pair, unsigned int level)
{
	/* What the masks tell is right if the levels above leave as much in the new table. */
	const struct lu_masks *masks = pair->old.perm & ~pair->new.perm ? &lu_no_masks : &c->masks[level];
	const __u64 present = c->formats[LU_OLD]->present;
	const __u64 bytes = lu_level_bytes(level);
	const struct lu_run old = { pair->old.table, pair->old.leaf, bytes };
	const struct lu_run new = { pair->new.table, pair->new.leaf, bytes };

	if (!new.table)
		return lu_scan_run(masks, present, old, true, new, false, pair->index);
	if (!old.table)
		return lu_scan_run(masks, present, old, false, new, true, pair->index);
	return lu_scan_run(masks, present, old, true, new, true, pair->index);
}

/* The new leaf allows what the old one does, if these are the bits by which each of them does. */
static void lu_masks_add(struct lu_masks *masks, __u64 old_bits, __u64 new_bits, __u64 old_known)
{
	const __u64 more = new_bits & ~old_bits;

	if (!old_bits)
		return;
	/* Where the new format cannot say it, the old leaf must not. */
	if (!new_bits)
		masks->mask |= old_bits;
	masks->implies |= new_bits & (old_bits | old_known);
	/* Bits that the new leaf needs besides: the old one has them, too, or they mean nothing in it and are not set. */
	masks->mask |= more;
	masks->bits |= more & old_known;
	masks->equal |= more & ~old_known;
	masks->differ |= more & ~old_known;
}

/* Address bits of a leaf that have to be zero. */
static __u64 lu_leaf_zeroes(const struct lu_format *format, unsigned int level)
{
	return format->address & (lu_level_bytes(level) - 1) & ~(level ? format->large_other : 0);
}

static void lu_masks_init(const struct lu_comparison *c, struct lu_masks *masks, unsigned int level)
{
	const struct lu_format *old = c->formats[LU_OLD], *new = c->formats[LU_NEW];
	const __u64 end = c->tables[LU_OLD]->phys->end < c->tables[LU_NEW]->phys->end ?
			  c->tables[LU_OLD]->phys->end : c->tables[LU_NEW]->phys->end;
	const __u64 zeroes = lu_leaf_zeroes(old, level) | lu_leaf_zeroes(new, level);
	const __u64 known = old->present | old->read | old->write | old->snoop;

	masks->address = (old->address | new->address) & ~(lu_level_bytes(level) - 1);
	masks->equal = masks->address | zeroes;
	masks->mask = zeroes;
	lu_masks_add(masks, old->read, new->read, known);
	lu_masks_add(masks, old->write, new->write, known);
	lu_masks_add(masks, old->snoop, new->snoop, known);
	if (level) {
		lu_masks_add(masks, old->large, new->large, known);
		masks->mask |= old->large;
		masks->bits |= old->large;
	}
	/* Runs are taken apart. */
	masks->equal |= old->next_level;
	masks->mask |= old->next_level;
	masks->last_pa = (end < LU_SIGN ? end : LU_SIGN) - lu_level_bytes(level);
	if (level > LU_LARGEST_LEAF_LEVEL || old->next_level != new->next_level)
		*masks = lu_no_masks;
}

/*
 * The side of the new table at the level where both begin to lie side by side. The way to it is the same for a whole half of the old
 * table, and is walked when something is first found there.
 */
static bool lu_join(struct lu_comparison *c, __u64 iova, struct lu_side *side)
{
	const struct lu_table *new = c->tables[LU_NEW];
	const unsigned int half = iova >> 63;
	struct lu_side *join = &c->join[half];
	struct lu_item item = { .pa = new->top_pa, .perm = LU_PERM_ALL };
	unsigned int level;

	*side = (struct lu_side){};
	if (!lu_format_reaches(c->formats[LU_NEW], new->levels, iova))
		return true;
	if (!c->joined[half]) {
		if (!lu_read(c, LU_NEW, item.pa, &join->table))
			return false;
		for (level = new->levels - 1U; level > c->join_level; level--) {
			if (!lu_take_apart(c, LU_NEW, join->table[lu_index(iova, level)], level, item.perm,
					   iova & ~(lu_level_bytes(level) - 1), &item))
				return false;
			join->table = NULL;
			if (!item.perm)
				break;
			if (!lu_read(c, LU_NEW, item.pa, &join->table))
				return false;
		}
		join->perm = item.perm;
		c->joined[half] = true;
	}
	*side = *join;
	return true;
}

static enum lu_compare_result lu_different(struct lu_comparison *c, __u64 offset, __u64 iova, const struct lu_item *old,
					   const struct lu_item *new)
{
	struct lu_compare *compare = c->compare;

	compare->iova = iova;
	compare->old_page = (struct lu_page){ .pa = old->pa + offset, .perm = old->perm };
	compare->new_page = (struct lu_page){};
	if (new->perm)
		compare->new_page = (struct lu_page){ .pa = new->pa + offset, .perm = new->perm };
	return LU_COMPARE_DIFFERENT;
}

static bool lu_descend_side(struct lu_comparison *c, enum lu_which which, const struct lu_item *item, struct lu_side *side)
{
	*side = (struct lu_side){};
	if (!item->perm)
		return true;
	if (item->leaf) {
		side->leaf = lu_entry_smaller_leaf(c->formats[which], item->entry, item->pa);
		side->perm = item->above;
		return true;
	}
	side->perm = item->perm;
	return lu_read(c, which, item->pa, &side->table);
}

/* Go one level down, where an entry of the old table, and maybe of the new one, leads to a table. */
static bool lu_descend(struct lu_comparison *c, unsigned int level, __u64 first, const struct lu_item *old, const struct lu_item *new)
{
	struct lu_pair *pair = &c->pairs[level];

	pair->iova = first;
	pair->index = c->begin > first ? lu_index(c->begin, level) : 0;
	return lu_descend_side(c, LU_OLD, old, &pair->old) && lu_descend_side(c, LU_NEW, new, &pair->new);
}

/* One entry, taken apart: the next one, or one level down. LU_COMPARE_EQUAL: go on. */
static enum lu_compare_result lu_step(struct lu_comparison *c, unsigned int *level, __u32 max_tables)
{
	struct lu_pair *pair = &c->pairs[*level];
	const __u64 first = pair->iova + pair->index * lu_level_bytes(*level);
	const __u64 at = first > c->begin ? first : c->begin;
	struct lu_item old, new;
	__u64 entry;

	entry = lu_side_entry(&pair->old, *level, pair->index);
	if (!lu_take_apart(c, LU_OLD, entry, *level, pair->old.perm, lu_iova(c, first), &old))
		return LU_COMPARE_BROKEN;
	if (!old.perm) {
		pair->index++;
		return LU_COMPARE_EQUAL;
	}

	if (*level == c->join_level && !lu_join(c, lu_iova(c, first), &pair->new))
		return LU_COMPARE_BROKEN;
	entry = lu_side_entry(&pair->new, *level, pair->index);
	if (!lu_take_apart(c, LU_NEW, entry, *level, pair->new.perm, lu_iova(c, first), &new))
		return LU_COMPARE_BROKEN;
	if (old.leaf && (new.leaf || !new.perm)) {
		if (old.pa != new.pa || (old.perm & ~new.perm))
			return lu_different(c, at - first, lu_iova(c, at), &old, &new);
		pair->index++;
		return LU_COMPARE_EQUAL;
	}

	if (max_tables && c->nr_tables >= max_tables && at > c->begin) {
		c->compare->next_iova = lu_iova(c, at);
		return LU_COMPARE_MORE;
	}
	return lu_descend(c, --*level, first, &old, &new) ? LU_COMPARE_EQUAL : LU_COMPARE_BROKEN;
}

static bool lu_compare_begin(struct lu_comparison *c)
{
	const unsigned int old_levels = c->tables[LU_OLD]->levels, new_levels = c->tables[LU_NEW]->levels;
	unsigned int i;

	for (i = LU_OLD; i <= LU_NEW; i++) {
		const struct lu_table *table = c->tables[i];

		c->formats[i] = lu_format_find(table->format);
		if (!c->formats[i] || !lu_format_has_levels(c->formats[i], table->levels))
			return lu_broken(c, i, LU_ERR_KIND, table->top_pa);
		if (table->top_pa % LU_PAGE_BYTES)
			return lu_broken(c, i, LU_ERR_ALIGNMENT, table->top_pa);
	}
	c->begin = c->compare->next_iova & (lu_levels_bytes(old_levels) - 1);
	c->join_level = (old_levels < new_levels ? old_levels : new_levels) - 1;
	for (i = 0; i < c->join_level; i++)
		lu_masks_init(c, &c->masks[i], i);
	return lu_descend(c, old_levels - 1, 0, &(struct lu_item){ .pa = c->tables[LU_OLD]->top_pa, .perm = LU_PERM_ALL },
			  &(struct lu_item){});
}

/**
 * lu_compare() - does the new table translate all that the old one does?
 * @compare: The tables; what is found is put there, too.
 * @max_tables: 0: go on to the end. Otherwise return once so many tables were read, give or take those of one way down
 *              through both; each call gets further.
 *
 * Every 4 KiB page that the old table maps must be the same page in the new one, with at least the permission it had; what else
 * the new one maps or allows does not matter. An address that a table has not enough levels for is not mapped.
 *
 * The result is that of asking for page after page from the lowest address on, until one is not as it should be. Where the
 * old table has an entry that leads on, the new one's is looked at as well, even if there turns out to be nothing behind.
 *
 * Context: Any. Nothing that the old table maps is unmapped from the new one before the last call has returned.
 * Return: enum lu_compare_result.
 */
enum lu_compare_result lu_compare(struct lu_compare *compare, __u32 max_tables)
{
	struct lu_comparison c = { .compare = compare, .tables = { &compare->old, &compare->new } };
	enum lu_compare_result result = LU_COMPARE_EQUAL;
	unsigned int level = compare->old.levels - 1U;

	if (!lu_compare_begin(&c))
		return LU_COMPARE_BROKEN;
	while (result == LU_COMPARE_EQUAL) {
		struct lu_pair *pair = &c.pairs[level];

		if (level < c.join_level)
			pair->index = lu_scan(&c, pair, level);
		if (pair->index < LU_NR_ENTRIES) {
			result = lu_step(&c, &level, max_tables);
		} else if (level == compare->old.levels - 1U) {
			break;
		} else {
			c.pairs[++level].index++;
		}
	}
	return result;
}
