/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel command line asks for. Keys:
 *   hitless.plan=<name>		see plan.c; default "dma"
 *   hitless.hops=<n>			how many updates, default 1
 *   hitless.devices=<name>[@<bdf>],...	which devices work, in this order; default "ohci,hda,igb"
 *   hitless.quarantined=<name>,...	plan "quarantine": which of them the new kernel must refuse; default none
 *   hitless.swaps=<n>		plan "hammer": how many of each device, default 2000
 *   hitless.places=<digit>...	plan "several": for each device, which iommufd and memfd it is in; default all in 0
 *   hitless.sessions=<digit>...	plan "several": for each of these places, in which session it is preserved; default all in 0
 *   hitless.share=ioas|hwpt	plan "several": what the devices of one place have in common; default nothing
 *   hitless.pages=<n>		plan "scatter": how much memory, default 16384
 *   hitless.squeeze=1		plan "scatter": use up memory, until what lies between preserved pages is given back
 *   hitless.keep=0|1		plan "bench": do devices go through the update, beside the memory? default 1
 *   hitless.bulk=0|1		plan "bench": is there memory to map, and do all devices share their tables? default 1
 *   hitless.mapped_gib=<n>	plan "bench": how much is mapped beside the devices' own memory, default 0
 *   hitless.leaf_kib=4|2048	plan "bench": by leaves of which size, default 4
 *   hitless.scatter=0|1	plan "bench": do page tables lie singly in memory? default 1
 *   hitless.run_ms=<n>			how long the devices work in each kernel, default 4000
 *   hitless.generation=<n>		updates that went before this kernel; written by this program only
 */
#ifndef RIG_GUEST_OPTIONS_H
#define RIG_GUEST_OPTIONS_H

#define OPTIONS_CMDLINE_BYTES 2048

struct options {
	char plan[32];
	char devices[256];
	char quarantined[128];
	char places[8];
	char sessions[8];
	char share[8];
	unsigned int hops;
	unsigned int run_ms;
	unsigned int swaps;
	unsigned int pages;
	unsigned int squeeze;
	unsigned int keep;
	unsigned int bulk;
	unsigned int mapped_gib;
	unsigned int leaf_kib;
	unsigned int scatter;
	unsigned int generation;
	char cmdline[OPTIONS_CMDLINE_BYTES];
};

int options_read(struct options *options);
int options_next_cmdline(const struct options *options, char *to, unsigned int bytes);

#endif
