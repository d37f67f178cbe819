// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memfd of hitless.pages pages goes through two updates: in the first it lies in memory as one piece, nearly, in the second
 * no two of its pages are neighbours. What is preserved is the same. A page by itself costs the new kernel something, since so
 * does the free memory between two of them; but no more when there are many of them.
 *
 * Time is told by the time stamp counter, which goes on through a kexec. The scenario must have "icount": then it counts
 * instructions, and what is compared is the same in each run.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <hitless/session.h>

#include "channel.h"
#include "check.h"
#include "scatter.h"
#include "update.h"

#define TOKEN_SCATTER	0xd1ff000000000021ULL

#define SCATTER_MAGIC	0x7265747461637321ULL
#define SCATTER_HOPS	2
#define PAGE_WORDS	(MEMORY_PAGE_BYTES / sizeof(uint64_t))

/*
 * Instructions that a page by itself may cost: some 70 were seen. When what lies between pages is freed before the kernel is up it is 580; when
 * each page is looked for among all others, 22 for each of them, 360,000 at 16,384 pages.
 */
#define TICKS_PER_PAGE	100

/*
 * Memory that a kernel may have less than the one before it, where all that was preserved is its own again: both differ by what they
 * reserve for themselves at boot. In which time.
 */
#define MEMORY_LESS_KIB	4096
#define MEMORY_WAIT_MS	10000
#define SQUEEZE_BYTES	(4ULL << 20)

/* First page of the memfd; the pages that are counted and checked follow. */
struct scatter_header {
	uint64_t magic;
	uint64_t kexec_tsc;
	uint64_t boot_ticks[SCATTER_HOPS];	/* from kexec to the next kernel's init */
	uint64_t memory_kib;			/* MemTotal of the first kernel */
};

/* One at a time: made in the one kernel, adopted in the next. */
static struct memory memory;

static struct scatter_header *header(void)
{
	return (struct scatter_header *)memory.base;
}

static uint64_t scatter_bytes(const struct rig *rig)
{
	return (1 + (uint64_t)rig->options.pages) * MEMORY_PAGE_BYTES;
}

static bool hop_scattered(unsigned int hop)
{
	return hop % 2;
}

static uint64_t word_of(uint64_t page, uint64_t word)
{
	return (page * PAGE_WORDS + word) * 0x9e3779b97f4a7c15ULL;
}

static void pages_fill(unsigned int pages)
{
	uint64_t *words = (uint64_t *)(memory.base + MEMORY_PAGE_BYTES);
	uint64_t page, word;

	for (page = 0; page < pages; page++)
		for (word = 0; word < PAGE_WORDS; word++)
			*words++ = word_of(page, word);
}

static unsigned int pages_wrong(unsigned int pages)
{
	const uint64_t *words = (const uint64_t *)(memory.base + MEMORY_PAGE_BYTES);
	unsigned int wrong = 0;
	uint64_t page, word;

	for (page = 0; page < pages; page++, words += PAGE_WORDS) {
		for (word = 0; word < PAGE_WORDS && words[word] == word_of(page, word); word++)
			;
		wrong += word < PAGE_WORDS;
	}
	return wrong;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int frames_read(uint64_t *entries, size_t nr)
{
	off_t at = (uintptr_t)memory.base / MEMORY_PAGE_BYTES * sizeof(*entries);
	size_t bytes = nr * sizeof(*entries), done = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (done < bytes) {
		got = pread(fd, (uint8_t *)entries + done, bytes - done, at + done);
		if (got <= 0)
			break;
		done += got;
	}
	close(fd);
	return done == bytes ? 0 : -EIO;
}

/* Into how many pieces of physically adjoining pages does the memfd fall? */
static int runs_count(unsigned int *runs)
{
	size_t nr = memory.bytes / MEMORY_PAGE_BYTES, i;
	uint64_t *entries = calloc(nr, sizeof(*entries));
	int ret = entries ? frames_read(entries, nr) : -ENOMEM;

	*runs = 1;
	for (i = 0; i < nr && !ret; i++) {
		if (!(entries[i] & MEMORY_PAGEMAP_PRESENT))
			ret = -EFAULT;
		entries[i] &= MEMORY_PAGEMAP_PFN;
	}
	if (!ret) {
		qsort(entries, nr, sizeof(*entries), compare_u64);
		for (i = 1; i < nr; i++)
			*runs += entries[i] != entries[i - 1] + 1;
	}
	free(entries);
	return ret;
}

/*
 * Leaves holes of one page in the physical memory: the allocator takes them before it breaks a larger piece. What lies
 * between stays in use until the kexec.
 */
static int holes_make(uint64_t bytes)
{
	uint8_t *filler = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at;

	if (filler == MAP_FAILED || madvise(filler, 2 * bytes, MADV_NOHUGEPAGE))
		return -errno;
	for (at = 0; at < 2 * bytes; at += MEMORY_PAGE_BYTES)
		*(volatile uint8_t *)(filler + at) = 1;
	for (at = 0; at < 2 * bytes; at += 2 * MEMORY_PAGE_BYTES)
		if (madvise(filler + at, MEMORY_PAGE_BYTES, MADV_DONTNEED))
			return -errno;
	return 0;
}

/* MemTotal: what the page allocator manages. */
static int memory_total(uint64_t *kib)
{
	FILE *file = fopen("/proc/meminfo", "r");
	int nr;

	if (!file)
		return -errno;
	nr = fscanf(file, "MemTotal: %" SCNu64, kib);
	fclose(file);
	return nr == 1 ? 0 : -EPROTO;
}

/* Nobody gives memory back but reclaim, when there is none left. If it does not, this program is killed. */
static int memory_squeeze(uint64_t want_kib)
{
	uint64_t kib, at;
	uint8_t *chunk;
	int ret;

	while (!(ret = memory_total(&kib)) && kib + MEMORY_LESS_KIB < want_kib) {
		chunk = mmap(NULL, SQUEEZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (chunk == MAP_FAILED)
			return -errno;
		for (at = 0; at < SQUEEZE_BYTES; at += MEMORY_PAGE_BYTES)
			*(volatile uint8_t *)(chunk + at) = 1;
	}
	return ret;
}

/* What lies between preserved pages is not the kernel's at first, and what was preserved until it is retrieved. */
static int memory_check(uint64_t want_kib)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t kib, at_first;
	unsigned int ms = 0;
	char detail[96];
	int ret = memory_total(&kib);

	for (at_first = kib; !ret && kib + MEMORY_LESS_KIB < want_kib && ms < MEMORY_WAIT_MS; ms += 10) {
		nanosleep(&pause, NULL);
		ret = memory_total(&kib);
	}
	snprintf(detail, sizeof(detail), "%" PRIu64 " KiB of %" PRIu64 ", %" PRIu64 " at first, after %u ms", kib, want_kib, at_first, ms);
	check(!ret && kib + MEMORY_LESS_KIB >= want_kib, detail, "all memory is managed");
	return ret;
}

/* The pages are where they will be: preserving moves those that lay where the next kernel boots. */
static int scatter_check_runs(const struct rig *rig, bool scattered)
{
	unsigned int pages = rig->options.pages, runs;
	char detail[64];
	int ret = runs_count(&runs);

	if (ret)
		return ret;
	snprintf(detail, sizeof(detail), "%u pages and a header, %u physical runs", pages, runs);
	if (!pages)
		check(true, detail, "nothing but the header");
	else if (scattered)
		check(runs >= pages - pages / 10, detail, "memory in single pages");
	else
		check(runs <= 1 + pages / 64, detail, "memory nearly in one piece");
	return 0;
}

int scatter_preserve(struct rig *rig)
{
	uint64_t bytes = scatter_bytes(rig), boot_ticks[SCATTER_HOPS] = { 0 }, memory_kib = 0;
	bool scattered = hop_scattered(rig->options.generation);
	int ret;

	if (memory.base) {
		memcpy(boot_ticks, header()->boot_ticks, sizeof(boot_ticks));
		memory_kib = header()->memory_kib;
		memory_free(&memory);
	}
	ret = memory_kib ? 0 : memory_total(&memory_kib);
	if (!ret && scattered)
		ret = holes_make(bytes);
	if (!ret)
		ret = memory_create(&memory, bytes);
	if (ret)
		return ret;
	header()->magic = SCATTER_MAGIC;
	memcpy(header()->boot_ticks, boot_ticks, sizeof(boot_ticks));
	header()->memory_kib = memory_kib;
	pages_fill(rig->options.pages);
	channel_mark("preserve-begin");
	ret = hitless_session_preserve_fd(rig->session, memory.fd, TOKEN_SCATTER);
	channel_mark("preserve-end");
	return ret ? ret : scatter_check_runs(rig, scattered);
}

/* Returns only if there is no kexec. */
int scatter_kexec(struct rig *rig)
{
	header()->kexec_tsc = __rdtsc();
	return update_kexec(rig);
}

/* One percent aside: two boots of the same kernel are never quite the same. */
static void boots_compare(const uint64_t *boot_ticks, uint64_t pages)
{
	uint64_t most = boot_ticks[0] + boot_ticks[0] / 100 + pages * TICKS_PER_PAGE;
	char detail[96];

	snprintf(detail, sizeof(detail), "%.1f %% of one piece, %.0f ticks a page", 100.0 * boot_ticks[1] / boot_ticks[0],
		 pages ? ((double)boot_ticks[1] - boot_ticks[0]) / pages : 0);
	check(boot_ticks[1] <= most, detail, "a page by itself costs at most %u ticks", TICKS_PER_PAGE);
}

static void boot_check(const struct rig *rig, uint64_t ticks)
{
	unsigned int hop = rig->options.generation - 1;
	uint64_t *boot_ticks = header()->boot_ticks;
	char detail[64];

	snprintf(detail, sizeof(detail), "%" PRIu64 " ticks from kexec to init", ticks);
	check(true, detail, "boot with memory in %s", hop_scattered(hop) ? "single pages" : "one piece");
	if (hop >= SCATTER_HOPS)
		return;
	boot_ticks[hop] = ticks;
	if (hop_scattered(hop))
		boots_compare(boot_ticks, rig->options.pages);
}

static int scatter_retrieve(struct rig *rig)
{
	int ret, fd = hitless_session_retrieve_fd(rig->session, TOKEN_SCATTER);

	if (fd < 0)
		return fd;
	ret = memory_adopt(&memory, fd, scatter_bytes(rig));
	if (ret)
		close(fd);
	else if (header()->magic != SCATTER_MAGIC)
		ret = -EPROTO;
	return ret;
}

int scatter_adopt(struct rig *rig)
{
	uint64_t now = __rdtsc();
	unsigned int wrong;
	char detail[48];
	int ret;

	channel_mark("retrieve-begin");
	ret = update_session_retrieve(rig);
	if (!ret)
		ret = scatter_retrieve(rig);
	channel_mark("retrieve-end");
	if (ret)
		return ret;
	boot_check(rig, now - header()->kexec_tsc);
	wrong = pages_wrong(rig->options.pages);
	snprintf(detail, sizeof(detail), "%u pages are not as they were", wrong);
	check(!wrong, wrong ? detail : "", "contents of %u pages", rig->options.pages);
	ret = hitless_session_finish(rig->session);
	if (!ret && rig->options.squeeze)
		ret = memory_squeeze(header()->memory_kib);
	if (!ret)
		ret = memory_check(header()->memory_kib);
	if (!ret)
		update_session_close(rig);
	return ret;
}
