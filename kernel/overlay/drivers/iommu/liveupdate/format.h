/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the entries of a page table say, format by format: one description each, for the verifier and for the comparison.
 *
 * Words are those of generic_pt: level 0 has the 4 KiB leaves, and a table of any level is one 4 KiB page of 512 entries. Plain C, as
 * verify.h says. A format whose leaves cannot be told by one bit (Arm, say) adds to struct lu_format and to the functions
 * below; nothing else knows an entry from inside.
 */
#ifndef __IOMMU_LIVEUPDATE_FORMAT_H
#define __IOMMU_LIVEUPDATE_FORMAT_H

#include "verify.h"

#define LU_PAGE_BYTES		4096ULL
#define LU_NR_ENTRIES		512U
#define LU_MAX_LEVELS		5U
#define LU_LARGEST_LEAF_LEVEL	2U	/* 1 GiB; the same in all formats so far */

/* What a translation allows. Nothing of READ and WRITE is no translation, whatever else there is. */
#define LU_PERM_READ		1U
#define LU_PERM_WRITE		2U
#define LU_PERM_SNOOP		4U	/* no permission, but a promise that must not get lost: snoops the processors' caches */
#define LU_PERM_ACCESS		(LU_PERM_READ | LU_PERM_WRITE)
#define LU_PERM_ALL		(LU_PERM_ACCESS | LU_PERM_SNOOP)

/**
 * struct lu_format - how to read the entries of a format
 * @present:       An entry that has none of these bits is not present, and means nothing.
 * @address:       Of the next table, or of what a leaf maps.
 * @large:         Above level 0, what tells a leaf from a table; 0 when @next_level does.
 * @next_level:    The level below an entry, counted from 1, or LU_NEXT_NONE or LU_NEXT_RUN; at any level. 0 when the format has no
 *                 such thing.
 * @large_other:   Bits of @address that are something else in a leaf above level 0. The rest, below the size of the leaf, must be zero.
 * @read:          An entry lets reads through that has all of these bits; likewise @write.
 * @write:         See @read.
 * @snoop:         A leaf is snooped that has all of these bits; 0 when it is not for an entry to say.
 * @min_levels:    Levels that a walk has at least.
 * @max_levels:    And at most.
 * @sign_extended: The upper half of the top table translates the topmost addresses of 64 bits, as on x86 processors: bit 47 (of
 *                 4 levels) or 56 (of 5) and all above it must be equal. Otherwise all above the top table's must be zero.
 */
struct lu_format {
	__u64 present;
	__u64 address;
	__u64 large;
	__u64 next_level;
	__u64 large_other;
	__u64 read;
	__u64 write;
	__u64 snoop;
	__u8 min_levels;
	__u8 max_levels;
	bool sign_extended;
};

/*
 * What @next_level may say of a leaf. LU_NEXT_RUN: it is one of a run of equal entries that map one page together. How large it is, is in
 * the address: below the page's own bits are a zero, and then ones.
 */
#define LU_NEXT_NONE		0U
#define LU_NEXT_RUN		7U

/**
 * lu_format_find() - the description of a format
 * @format: enum iommu_ser_format, or anything.
 *
 * Context: Any.
 * Return: It, or NULL when there is none of that number.
 */
static inline const struct lu_format *lu_format_find(__u8 format)
{
	/* Intel VT-d 4.1, section 9.8 "Second-Stage Paging Entries" */
	static const struct lu_format vtdss = {
		.present	= 1ULL << 0 | 1ULL << 1,
		.address	= 0x000ffffffffff000ULL,
		.large		= 1ULL << 7,
		.read		= 1ULL << 0,
		.write		= 1ULL << 1,
		.snoop		= 1ULL << 11,
		.min_levels	= 3,
		.max_levels	= 5,
	};
	/*
	 * Intel VT-d 4.1, section 9.7 "First-Stage Paging Entries"; AMD64 Architecture Programmer's Manual, volume 2, 24593, section 5.3
	 * "Long-Mode Page Translation", for guest tables of AMD-Vi. Devices ask as users: an entry without bit 2 gives them nothing. Bit 12 of a
	 * large leaf is one of its memory type. Linux maps nothing in the upper half, which AMD-Vi does not extend for requests without PASID.
	 */
	static const struct lu_format x86_64 = {
		.present	= 1ULL << 0,
		.address	= 0x000ffffffffff000ULL,
		.large		= 1ULL << 7,
		.large_other	= 1ULL << 12,
		.read		= 1ULL << 0 | 1ULL << 2,
		.write		= 1ULL << 0 | 1ULL << 2 | 1ULL << 1,
		.min_levels	= 4,
		.max_levels	= 5,
		.sign_extended	= true,
	};

	/*
	 * AMD I/O Virtualization Technology (IOMMU) Specification, 48882, section 2.2.3 "I/O Page Tables for Host Translations". Bit 60
	 * forces coherence. Linux has no page of 512 GiB, which is the smallest above level 2.
	 */
	static const struct lu_format amdv1 = {
		.present	= 1ULL << 0,
		.address	= 0x000ffffffffff000ULL,
		.next_level	= 7ULL << 9,
		.read		= 1ULL << 0 | 1ULL << 61,
		.write		= 1ULL << 0 | 1ULL << 62,
		.snoop		= 1ULL << 60,
		.min_levels	= 3,
		.max_levels	= 5,
	};

	switch (format) {
	case IOMMU_SER_FORMAT_AMDV1:
		return &amdv1;
	case IOMMU_SER_FORMAT_VTDSS:
		return &vtdss;
	case IOMMU_SER_FORMAT_X86_64:
		return &x86_64;
	default:
		return NULL;
	}
}

static inline bool lu_format_has_levels(const struct lu_format *format, unsigned int levels)
{
	return levels >= format->min_levels && levels <= format->max_levels;
}

static inline unsigned int lu_level_lg2(unsigned int level)
{
	return 12 + 9 * level;
}

/* What an entry of @level translates. */
static inline __u64 lu_level_bytes(unsigned int level)
{
	return 1ULL << lu_level_lg2(level);
}

/* How far up tables of so many levels translate, whatever of it they can. */
static inline __u64 lu_levels_bytes(unsigned int levels)
{
	return 1ULL << (12 + 9 * levels);
}

/* The address that comes from the indices of a walk, put together. */
static inline __u64 lu_format_iova(const struct lu_format *format, unsigned int levels, __u64 indices)
{
	const __u64 bytes = lu_levels_bytes(levels);

	return format->sign_extended && indices >= bytes / 2 ? indices - bytes : indices;
}

/* Is there a way through tables of so many levels for this address? */
static inline bool lu_format_reaches(const struct lu_format *format, unsigned int levels, __u64 iova)
{
	return lu_format_iova(format, levels, iova & (lu_levels_bytes(levels) - 1)) == iova;
}

static inline unsigned int lu_entry_next_level(const struct lu_format *format, __u64 entry)
{
	return format->next_level ? (entry & format->next_level) / (format->next_level & -format->next_level) : LU_NEXT_NONE;
}

static inline bool lu_entry_is_leaf(const struct lu_format *format, __u64 entry, unsigned int level)
{
	const unsigned int next = lu_entry_next_level(format, entry);

	if (!level)
		return true;
	return format->next_level ? next == LU_NEXT_NONE || next == LU_NEXT_RUN : entry & format->large;
}

/* Does an entry lead to a table of the level below its own? Formats that do not say lead nowhere else. */
static inline bool lu_entry_skips(const struct lu_format *format, __u64 entry, unsigned int level)
{
	return format->next_level && lu_entry_next_level(format, entry) != level;
}

/* Where the table is that a present entry leads to. */
static inline __u64 lu_entry_table_pa(const struct lu_format *format, __u64 entry)
{
	return entry & format->address;
}

/* The page that a run of entries maps: the lowest address bit that is zero is the one below its own. */
static inline __u64 lu_entry_run_bytes(const struct lu_format *format, __u64 entry)
{
	const __u64 unit = format->address & -format->address, zeroes = ~entry & format->address;

	return zeroes ? (zeroes & -zeroes) * 2 : unit;
}

/* What a leaf maps, at @iova; aligned to its size if it is well formed. */
static inline __u64 lu_entry_leaf_pa(const struct lu_format *format, __u64 entry, unsigned int level, __u64 iova)
{
	const __u64 pa = entry & format->address & ~(level ? format->large_other : 0);
	__u64 run_bytes;

	if (lu_entry_next_level(format, entry) != LU_NEXT_RUN)
		return pa;
	run_bytes = lu_entry_run_bytes(format, entry);
	return (pa & ~(run_bytes - 1)) | (iova & (run_bytes - 1) & ~(lu_level_bytes(level) - 1));
}

/* The same leaf as one of another level would say it, where it maps @pa. */
static inline __u64 lu_entry_smaller_leaf(const struct lu_format *format, __u64 entry, __u64 pa)
{
	return (entry & ~(format->address | format->next_level)) | pa;
}

/* What is wrong with a leaf at @iova, when memory ends at @end. */
static inline enum lu_error lu_entry_leaf_error(const struct lu_format *format, __u64 entry, unsigned int level, __u64 iova, __u64 end)
{
	const __u64 pa = lu_entry_leaf_pa(format, entry, level, iova);
	const unsigned int next = lu_entry_next_level(format, entry);
	const __u64 bytes = lu_level_bytes(level);

	if (level > LU_LARGEST_LEAF_LEVEL || pa % bytes || (next != LU_NEXT_NONE && next != LU_NEXT_RUN))
		return LU_ERR_ENTRY;
	/* A run has more than one entry, and fewer than a table. */
	if (next == LU_NEXT_RUN &&
	    (lu_entry_run_bytes(format, entry) <= bytes || lu_entry_run_bytes(format, entry) >= LU_NR_ENTRIES * bytes))
		return LU_ERR_ENTRY;
	return pa + bytes > end ? LU_ERR_RANGE : LU_OK;
}

/* How many entries map a page together with this leaf, which is well formed. */
static inline unsigned int lu_entry_run_entries(const struct lu_format *format, __u64 entry, unsigned int level)
{
	return lu_entry_next_level(format, entry) == LU_NEXT_RUN ? lu_entry_run_bytes(format, entry) / lu_level_bytes(level) : 1;
}

/* The first of them, where @index is one. */
static inline unsigned int lu_entry_run_first(const struct lu_format *format, __u64 entry, unsigned int level, unsigned int index)
{
	return index & ~(lu_entry_run_entries(format, entry, level) - 1);
}

/* What an entry allows. Of an entry that leads to a table: what it leaves of what the leaves allow. */
static inline __u32 lu_entry_perm(const struct lu_format *format, __u64 entry, bool leaf)
{
	__u32 perm = 0;

	if ((entry & format->read) == format->read)
		perm |= LU_PERM_READ;
	if ((entry & format->write) == format->write)
		perm |= LU_PERM_WRITE;
	if (!leaf || (format->snoop && (entry & format->snoop) == format->snoop))
		perm |= LU_PERM_SNOOP;
	return perm;
}

#endif
