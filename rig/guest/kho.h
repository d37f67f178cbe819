/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel is about to hand over to the next, as its debugfs shows it, and what it holds for that. */
#ifndef RIG_GUEST_KHO_H
#define RIG_GUEST_KHO_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct kho_state - what is to be the same again after an update was given up
 * @nr_subtrees: entries of the top level
 * @devices: whether the subtrees of devices and of the IOMMU are there
 * @nr_pins: pages pinned, in the whole system
 * @nr_iommu_pages: pages of page tables and the like
 * @kept: what the kernel counts as kept for the next one, tables, keys, pieces and bytes all together
 */
struct kho_state {
	unsigned int nr_subtrees;
	bool devices;
	int64_t nr_pins;
	int64_t nr_iommu_pages;
	int64_t kept;
};

int kho_state_read(struct kho_state *state);

/* Of the figures below, those that say what is kept. */
#define KHO_NR_KEPT	4
extern const char *const kho_kept_names[KHO_NR_KEPT];

/* One of the figures by which the kernel says what an update costs. */
int kho_cost_read(const char *name, int64_t *value);

#endif
