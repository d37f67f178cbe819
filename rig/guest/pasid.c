// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No device here sends requests with a PASID: that entries are what they should be is the witness's to see, in the tables. Two devices
 * have PASIDs, on HWPTs of which each differs from the others in how it is shared:
 *
 *   first    several PASIDs of one device, and one of the other
 *   second   the same, with a PASID that has a directory entry of its own
 *   own      requests without PASID of the device, and one PASID
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include <hitless/hwpt.h>
#include <hitless/session.h>

#include "channel.h"
#include "check.h"
#include "iommufd.h"
#include "pasid.h"
#include "sysfs.h"
#include "update.h"
#include "verify.h"

#define PASID_BYTES		0x80000ULL	/* of the memfd; each table maps a half */
#define PASID_IOVA		0x200000000ULL	/* 8 GiB: no RAM, and no device's DMA */
#define PASID_UNUSED		9
#define PASID_SETTLE_MS		1500

#define TOKEN_PASID_MEMORY	0xd1ff000000000031ULL
#define TOKEN_PASID_HWPT(nr)	(0xeeeeeeee00000031ULL + (nr))

#define ECAP_FIRST_STAGE	(1ULL << 47)

#define KERNEL_LOG_BYTES	(1 << 20)
#define SYSLOG_READ_ALL		3

enum { TABLE_FIRST, TABLE_SECOND, NR_TABLES, TABLE_OWN = NR_TABLES };

struct table {
	uint32_t ioas_id;
	uint32_t hwpt_id;
};

static struct attachment {
	unsigned int device;	/* of those that are preserved */
	uint32_t pasid;
	unsigned int table;
} attachments[] = {
	{ 0, 1, TABLE_FIRST },
	{ 0, 2, TABLE_FIRST },
	{ 0, 3, TABLE_SECOND },
	{ 0, 5, TABLE_OWN },
	{ 0, 71, TABLE_SECOND },
	{ 0, 0xfffff, TABLE_FIRST },
	{ 1, 1, TABLE_SECOND },
	{ 1, 2, TABLE_FIRST },
};

#define ATTACHMENT_LAST_PASID	5
#define LAST_PASID_AMDVI	0xfffe	/* Linux takes 16 bits, and one less than there are */
#define NR_ATTACHMENTS	(sizeof(attachments) / sizeof(attachments[0]))

static struct memory pasid_memory = { .fd = -1 };
static struct table tables[NR_TABLES];
static uint32_t restored_ids[NR_TABLES];

static struct device *attached_device(struct rig *rig, const struct attachment *at)
{
	return rig_device_preserved(rig, at->device);
}

static uint32_t attached_hwpt(struct rig *rig, const struct attachment *at)
{
	return at->table == TABLE_OWN ? attached_device(rig, at)->hwpt_id : tables[at->table].hwpt_id;
}

static int pasid_attach(struct rig *rig, const struct attachment *at, uint32_t hwpt_id)
{
	return vfio_device_attach_pasid(&attached_device(rig, at)->vfio, at->pasid, hwpt_id);
}

static int pasid_detach(struct rig *rig, const struct attachment *at)
{
	return vfio_device_detach_pasid(&attached_device(rig, at)->vfio, at->pasid);
}

static void table_destroy(const struct rig *rig, struct table *table)
{
	if (table->hwpt_id)
		iommufd_destroy(rig->kept.iommufd, table->hwpt_id);
	if (table->ioas_id)
		iommufd_destroy(rig->kept.iommufd, table->ioas_id);
	*table = (struct table){};
}

/* @half: of the memfd */
static int table_make(struct rig *rig, struct table *table, unsigned int half, bool for_pasids)
{
	const struct device *dev = rig_device_preserved(rig, 0);
	int iommufd = rig->kept.iommufd;
	int ret;

	*table = (struct table){};
	ret = iommufd_ioas_alloc(iommufd, &table->ioas_id);
	if (!ret)
		ret = iommufd_map_file(iommufd, table->ioas_id, pasid_memory.fd, half * PASID_BYTES / 2, PASID_BYTES / 2,
				       PASID_IOVA, true);
	if (!ret && for_pasids)
		ret = iommufd_hwpt_alloc_for_pasids(iommufd, dev->vfio.dev_id, table->ioas_id, &table->hwpt_id);
	if (!ret && !for_pasids)
		ret = iommufd_hwpt_alloc(iommufd, dev->vfio.dev_id, table->ioas_id, &table->hwpt_id);
	if (ret)
		table_destroy(rig, table);
	return ret;
}

static int tables_make(struct rig *rig)
{
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < NR_TABLES && !ret; nr++)
		ret = table_make(rig, &tables[nr], nr, true);
	return ret;
}

/* QEMU lets requests of a device through as they are when its AMD-Vi finds guest tables: what stands on them must not do DMA. */
static bool tables_translate(void)
{
	return access("/sys/class/iommu/ivhd0", F_OK);
}

/* Before any device gets a table: one without PASIDs keeps a device from having any. */
void pasid_prepare(struct rig *rig)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		dev->has_pasids = tables_translate() || dev->ops->kind == RIG_DEVICE_IDLE;
	if (!tables_translate())
		attachments[ATTACHMENT_LAST_PASID].pasid = LAST_PASID_AMDVI;
}

/* The devices work already. */
int pasid_start(struct rig *rig)
{
	unsigned int i;
	int ret = memory_create(&pasid_memory, PASID_BYTES);

	if (!ret)
		ret = tables_make(rig);
	for (i = 0; i < NR_ATTACHMENTS && !ret; i++)
		ret = pasid_attach(rig, &attachments[i], attached_hwpt(rig, &attachments[i]));
	return ret;
}

static int tables_mark(struct rig *rig)
{
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < NR_TABLES && !ret; nr++)
		ret = hitless_hwpt_mark_preserve(rig->kept.iommufd, tables[nr].hwpt_id, TOKEN_PASID_HWPT(nr));
	return ret;
}

/* All that devices need to be preserved after it; what is to be marked is. */
static int preserve_below(struct rig *rig)
{
	int ret = update_session_create(rig);

	if (!ret)
		ret = update_preserve_memory(rig);
	if (!ret)
		ret = hitless_session_preserve_fd(rig->session, pasid_memory.fd, TOKEN_PASID_MEMORY);
	return ret ? ret : update_preserve_iommufd(rig);
}

static bool kernel_log_says(const char *text)
{
	char *log = calloc(1, KERNEL_LOG_BYTES + 1);
	bool says = log && klogctl(SYSLOG_READ_ALL, log, KERNEL_LOG_BYTES) > 0 && strstr(log, text);

	free(log);
	return says;
}

/* A PASID on what is not marked keeps its device, and that one alone, from being preserved. */
static int refuse_unmarked(struct rig *rig)
{
	static const struct attachment stray = { 0, PASID_UNUSED, 0 };
	struct kho_state before;
	struct table table;
	char text[64];
	int ret = table_make(rig, &table, 0, true);

	if (!ret)
		ret = pasid_attach(rig, &stray, table.hwpt_id);
	if (ret)
		return ret;
	verify_use(rig, "pasid-before");
	rig_run(rig, PASID_SETTLE_MS);
	ret = kho_state_read(&before);
	if (!ret)
		ret = preserve_below(rig);
	if (ret)
		return ret;
	check_result(update_preserve_device(rig, rig_device_preserved(rig, 0)), -EINVAL, "pasid-unmarked");
	snprintf(text, sizeof(text), "%s: cannot be preserved: PASID %u is", rig_device_preserved(rig, 0)->bdf, PASID_UNUSED);
	check(kernel_log_says(text), text, "pasid-unmarked-named");
	check_result(update_preserve_device(rig, rig_device_preserved(rig, 1)), 0, "pasid-unmarked-other-device");
	update_session_close(rig);
	verify(rig, &before, "pasid-unmarked");
	check_result(pasid_detach(rig, &stray), 0, "pasid-unmarked-detach");
	table_destroy(rig, &table);
	return 0;
}

static void refuse_changes(struct rig *rig)
{
	static const struct attachment fresh = { 0, PASID_UNUSED, 0 }, fresh_elsewhere = { 2, PASID_UNUSED, 0 };
	const struct attachment *at = &attachments[0];
	unsigned int nr;

	check_result(pasid_attach(rig, &fresh, tables[TABLE_FIRST].hwpt_id), -EBUSY, "pasid-preserved-attach");
	check_result(pasid_attach(rig, &fresh_elsewhere, tables[TABLE_FIRST].hwpt_id), -EBUSY, "pasid-preserved-attach-first");
	check_result(pasid_attach(rig, at, tables[TABLE_SECOND].hwpt_id), -EBUSY, "pasid-preserved-replace");
	check_result(pasid_detach(rig, at), -EBUSY, "pasid-preserved-detach");
	for (nr = 0; nr < NR_TABLES; nr++) {
		check_result(iommufd_unmap(rig->kept.iommufd, tables[nr].ioas_id, 0, UINT64_MAX), -EBUSY,
			     "pasid-preserved-unmap-%u", nr);
		check_result(iommufd_destroy(rig->kept.iommufd, tables[nr].hwpt_id), -EBUSY, "pasid-preserved-destroy-%u", nr);
	}
}

int pasid_preserve(struct rig *rig)
{
	struct device *dev;
	int ret = update_mark(rig);

	if (!ret)
		ret = tables_mark(rig);
	if (!ret)
		ret = refuse_unmarked(rig);
	channel_mark("preserve-begin");
	if (!ret)
		ret = preserve_below(rig);
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = update_preserve_device(rig, dev);
	channel_mark("preserve-end");
	if (!ret)
		refuse_changes(rig);
	return ret;
}

static int pasid_retrieve(struct rig *rig)
{
	struct device *dev;
	unsigned int nr;
	int fd, ret = update_retrieve(rig);

	if (ret)
		return ret;
	fd = hitless_session_retrieve_fd(rig->session, TOKEN_PASID_MEMORY);
	if (fd < 0)
		return fd;
	ret = memory_adopt(&pasid_memory, fd, PASID_BYTES);
	for (nr = 0; nr < NR_TABLES && !ret; nr++)
		ret = hitless_hwpt_restore(rig->kept.iommufd, TOKEN_PASID_HWPT(nr), &restored_ids[nr]);
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = device_claim(dev);
	return ret;
}

static bool debugfs_names(const struct attachment *at, const char *bdf, uint64_t iova)
{
	char line[256], head[48], want[64];
	bool ours = false, found = false;
	FILE *file = fopen("/sys/kernel/debug/iommu-liveupdate", "re");

	if (!file)
		return false;
	snprintf(head, sizeof(head), "%s pasid %u (on the old tables)\n", bdf, at->pasid);
	snprintf(want, sizeof(want), "\tnot swapped: iova %#llx ", (unsigned long long)iova);
	while (!found && fgets(line, sizeof(line), file)) {
		if (*line != '\t')
			ours = !strcmp(line, head);
		else
			found = ours && !strncmp(line, want, strlen(want));
	}
	fclose(file);
	return found;
}

/* The other half of the memfd, which differs from the first page on; of a device's own table, nothing of what it has. */
static int refuse_unequal(struct rig *rig)
{
	struct table table;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < NR_ATTACHMENTS && !ret; i++) {
		const struct attachment *at = &attachments[i];
		const char *bdf = attached_device(rig, at)->bdf;

		ret = table_make(rig, &table, at->table == TABLE_FIRST, true);
		if (ret)
			break;
		check_result(pasid_attach(rig, at, table.hwpt_id), -EBADE, "pasid-unequal-%u-%u", at->device, at->pasid);
		check(debugfs_names(at, bdf, at->table == TABLE_OWN ? device_iova(0) - MEMORY_PROGRAM_BYTES : PASID_IOVA), "",
		      "pasid-unequal-%u-%u-named", at->device, at->pasid);
		table_destroy(rig, &table);
	}
	return ret;
}

/* The right pages, but not for PASIDs. */
static int refuse_unfit(struct rig *rig)
{
	struct table table;
	int ret = table_make(rig, &table, TABLE_FIRST, false);

	if (ret)
		return ret;
	check_result(pasid_attach(rig, &attachments[0], table.hwpt_id), -EINVAL, "pasid-not-for-pasids");
	table_destroy(rig, &table);
	return 0;
}

/* @nr_left: how many of them are still on the old tables, from the first on */
static bool table_busy(unsigned int table, unsigned int nr_left)
{
	while (nr_left--)
		if (attachments[nr_left].table == table)
			return true;
	return false;
}

static void check_old_tables(struct rig *rig, unsigned int nr_left, const char *when)
{
	unsigned int nr;

	check_result(hitless_session_finish(rig->session), -EBUSY, "pasid-finish-%s", when);
	for (nr = 0; nr < NR_TABLES; nr++) {
		bool busy = table_busy(nr, nr_left);

		if (!restored_ids[nr])
			continue;
		check_result(iommufd_destroy(rig->kept.iommufd, restored_ids[nr]), busy ? -EBUSY : 0, "pasid-destroy-%u-%s", nr, when);
		if (!busy)
			restored_ids[nr] = 0;
	}
}

static bool first_stage(void)
{
	char text[32];

	return !file_read_line("/sys/class/iommu/dmar0/intel-iommu/ecap", text, sizeof(text)) &&
	       strtoull(text, NULL, 16) & ECAP_FIRST_STAGE;
}

/* A first-stage domain keeps the ID of the old one, and two domains may not have one ID, though they say the same now. */
static int refuse_second_with_same_id(struct rig *rig, const struct attachment *at)
{
	struct table table;
	int ret;

	if (!first_stage())
		return 0;
	ret = table_make(rig, &table, at->table, true);
	if (ret)
		return ret;
	check_result(pasid_attach(rig, at, table.hwpt_id), -EOPNOTSUPP, "pasid-second-with-same-id");
	table_destroy(rig, &table);
	return 0;
}

static int map_unused(struct rig *rig, const struct table *table)
{
	return iommufd_map_file(rig->kept.iommufd, table->ioas_id, pasid_memory.fd, 0, MEMORY_PAGE_BYTES, DEVICE_IOVA_UNUSED, false);
}

/* One PASID before its device's own requests, the others after them, from the last to the first. */
static int swap_all(struct rig *rig)
{
	const struct attachment *early = &attachments[NR_ATTACHMENTS - 1];
	unsigned int left = NR_ATTACHMENTS - 1;
	struct device *dev;
	char when[32];
	int ret = tables_make(rig);

	if (!ret)
		ret = pasid_attach(rig, early, attached_hwpt(rig, early));
	if (ret)
		return ret;
	check_result(map_unused(rig, &tables[early->table]), -EBUSY, "pasid-map-while-others-wait");
	check_old_tables(rig, left, "after-early");
	rig_for_each_preserved(dev, rig)
		if (!ret)
			ret = device_swap(dev);
	if (!ret)
		check_result(iommufd_destroy(rig->kept.iommufd, rig_device_preserved(rig, 0)->restored_id), -EBUSY,
			     "pasid-destroy-own");
	while (!ret && left) {
		snprintf(when, sizeof(when), "with-%u-left", left);
		check_old_tables(rig, left, when);
		ret = refuse_second_with_same_id(rig, &attachments[0]);
		left--;
		if (!ret)
			ret = pasid_attach(rig, &attachments[left], attached_hwpt(rig, &attachments[left]));
	}
	return ret;
}

static int destroy_old_tables(struct rig *rig)
{
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < NR_TABLES && !ret; nr++)
		if (restored_ids[nr])
			ret = iommufd_destroy(rig->kept.iommufd, restored_ids[nr]);
	return ret;
}

/* What may not change while an update is under way changes again. */
static void check_use(struct rig *rig)
{
	static const struct attachment fresh = { 0, PASID_UNUSED, 0 };
	const struct attachment *at = &attachments[0];
	unsigned int nr;

	for (nr = 0; nr < NR_TABLES; nr++) {
		check_result(map_unused(rig, &tables[nr]), 0, "pasid-map-after-%u", nr);
		check_result(iommufd_unmap(rig->kept.iommufd, tables[nr].ioas_id, DEVICE_IOVA_UNUSED, MEMORY_PAGE_BYTES), 0,
			     "pasid-unmap-after-%u", nr);
	}
	check_result(pasid_attach(rig, at, tables[TABLE_SECOND].hwpt_id), 0, "pasid-replace-after");
	check_result(pasid_detach(rig, at), 0, "pasid-detach-after");
	check_result(pasid_attach(rig, at, tables[TABLE_FIRST].hwpt_id), 0, "pasid-attach-after");
	check_result(pasid_attach(rig, &fresh, attached_device(rig, &fresh)->hwpt_id), 0, "pasid-attach-fresh-after");
	check_result(pasid_detach(rig, &fresh), 0, "pasid-detach-fresh-after");
}

int pasid_adopt(struct rig *rig)
{
	int ret = pasid_retrieve(rig);

	if (ret)
		return ret;
	check_old_tables(rig, NR_ATTACHMENTS, "first");
	ret = refuse_unequal(rig);
	if (!ret)
		ret = refuse_unfit(rig);
	channel_mark("swap-begin");
	if (!ret)
		ret = swap_all(rig);
	channel_mark("swap-end");
	if (!ret)
		ret = destroy_old_tables(rig);
	if (!ret)
		ret = update_finish(rig);
	if (!ret)
		check_use(rig);
	return ret;
}
