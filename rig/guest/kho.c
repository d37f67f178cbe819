// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kho.h"

#define KHO_SUBTREES "/sys/kernel/debug/kho/out/sub_fdts"

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

int kho_state_read(struct kho_state *state)
{
	int ret;

	*state = (struct kho_state){ 0 };
	ret = subtrees_read(state);
	return ret ? ret : vmstat_read(state);
}
