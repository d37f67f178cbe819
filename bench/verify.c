// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What verifying the tables of a domain costs, against reading the memory they lie in once. As compare.c measures and says it.
 *
 * `verify check`: exit with 1 when it takes more than three times as long.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "verify.h"

#define SERIES		5
#define MAX_READS	3.0

struct kind {
	const char *name;
	__u64 mapped_bytes;
	__u8 format;
	unsigned int leaf_level;
	bool half;		/* every other leaf, at random */
};

static const struct kind kinds[] = {
	{ "4k", 16 * GIB, SS, 0, false },
	{ "4k-half", 16 * GIB, SS, 0, true },
	{ "2m", 1024 * GIB, SS, 1, false },
	{ "4k-cached", GIB / 4, SS, 0, false },
	{ "first-stage-4k", 16 * GIB, FS, 0, false },
};

struct times {
	double read, verify, reads;
};

static struct lu_table make_table(const struct kind *kind)
{
	struct lu_table table = { .phys = &tables_phys, .format = kind->format, .levels = 4 };
	const __u64 bytes = lu_level_bytes(kind->leaf_level);
	__u64 iova;

	table.top_pa = tables_new();
	for (iova = 0; iova < kind->mapped_bytes; iova += bytes) {
		const __u64 random = tables_mix(iova + 1);

		if (!kind->half || (random & 1))
			tables_map(&table, iova, random % (END_PA / bytes) * bytes, kind->leaf_level, false);
	}
	return table;
}

/* The list lies in the same memory, and is no table. Each table is a block by itself, which is the longest list. */
static struct iommu_domain_ser make_domain(const struct kind *kind)
{
	const struct lu_table table = make_table(kind);
	struct iommu_domain_ser domain = {
		.iommufd_id = 1, .top_pa = table.top_pa, .blocks_pa = TABLES_LIST_PA, .nr_blocks = tables_nr(), .nr_tables = tables_nr(),
		.format = kind->format, .levels = table.levels,
	};

	tables_list(tables_at(domain.blocks_pa));
	return domain;
}

static double time_verify(const struct iommu_domain_ser *domain)
{
	static __u32 first[MAX_PAGES];
	static __u8 seen[MAX_PAGES / 8];
	const struct lu_scratch scratch = { .first = first, .seen = seen, .nr_pages = MAX_PAGES };
	struct lu_verdict verdict;
	double began;

	memset(seen, 0, sizeof(seen));
	began = tables_now();
	if (!lu_verify_domain(domain, &tables_phys, &scratch, &verdict)) {
		fprintf(stderr, "good tables are refused: %s\n", lu_error_name(verdict.error));
		exit(2);
	}
	return tables_now() - began;
}

/* False when it takes longer than it may. */
static bool measure(const struct kind *kind)
{
	struct iommu_domain_ser domain;
	struct times times[ROUNDS];
	double reads;
	int i;

	tables_clear();
	domain = make_domain(kind);
	time_verify(&domain);
	for (i = 0; i < ROUNDS; i++) {
		times[i].read = tables_read();
		times[i].verify = time_verify(&domain);
		times[i].reads = times[i].verify / times[i].read;
	}
	reads = TABLES_MEDIAN(times, reads);
	printf("{\"verified\": \"%s\", \"pages\": %u, \"read_ns\": %.0f, \"verify_ns\": %.0f, \"read_ns_per_page\": %.1f, "
	       "\"verify_ns_per_page\": %.1f, \"verify_reads\": %.3f, \"checked\": true, \"max_reads\": %.1f}\n",
	       kind->name, domain.nr_tables, TABLES_MEDIAN(times, read), TABLES_MEDIAN(times, verify),
	       TABLES_MEDIAN(times, read) / domain.nr_tables, TABLES_MEDIAN(times, verify) / domain.nr_tables, reads, MAX_READS);
	fflush(stdout);
	return reads <= MAX_READS;
}

/* A machine may be busy: any one of a few series. */
static bool check(const struct kind *kind)
{
	int i;

	for (i = 0; i < SERIES; i++)
		if (measure(kind))
			return true;
	fprintf(stderr, "%s: verifying takes more than %.1f times as long as reading\n", kind->name, MAX_READS);
	return false;
}

int main(int argc, char **argv)
{
	const bool checking = argc > 1 && !strcmp(argv[1], "check");
	bool good = true;
	size_t i;

	tables_init();
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!checking)
			measure(&kinds[i]);
		else if (!check(&kinds[i]))
			good = false;
	}
	return good ? 0 : 1;
}
