// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kho.h"

#define KHO_SUBTREES	"/sys/kernel/debug/kho/out/sub_fdts"
#define KHO_COST	"/sys/kernel/debug/iommu-liveupdate-cost"

static int subtrees_read(struct kho_state *state)
{
	struct dirent *entry;
	DIR *dir = opendir(KHO_SUBTREES);

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		state->nr_subtrees++;
		if (!strcmp(entry->d_name, "iommu-liveupdate") || !strcmp(entry->d_name, "pci-liveupdate"))
			state->devices = true;
	}
	closedir(dir);
	return 0;
}

static int vmstat_read(struct kho_state *state)
{
	FILE *file = fopen("/proc/vmstat", "r");
	unsigned int found = 0;
	char name[64];
	long long value;

	if (!file)
		return -errno;
	while (fscanf(file, "%63s %lld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			state->nr_pins += value, found++;
		else if (!strcmp(name, "nr_foll_pin_released"))
			state->nr_pins -= value, found++;
		else if (!strcmp(name, "nr_iommu_pages"))
			state->nr_iommu_pages = value, found++;
	}
	fclose(file);
	return found == 3 ? 0 : -ENODATA;
}

int kho_cost_read(const char *name, int64_t *value)
{
	FILE *file = fopen(KHO_COST, "r");
	char line[128], found[64];
	int ret = -ENODATA;

	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNd64, found, value) == 2 && !strcmp(found, name))
			ret = 0;
	fclose(file);
	return ret;
}

const char *const kho_kept_names[KHO_NR_KEPT] = { "tables", "table_keys", "table_runs", "metadata_bytes" };

static int kept_read(struct kho_state *state)
{
	unsigned int i;
	int64_t value;
	int ret = 0;

	for (i = 0; i < KHO_NR_KEPT && !ret; i++) {
		ret = kho_cost_read(kho_kept_names[i], &value);
		state->kept += ret ? 0 : value;
	}
	return ret;
}

int kho_state_read(struct kho_state *state)
{
	int ret;

	*state = (struct kho_state){ 0 };
	ret = subtrees_read(state);
	if (!ret)
		ret = vmstat_read(state);
	return ret ? ret : kept_read(state);
}
