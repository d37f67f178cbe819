// SPDX-License-Identifier: GPL-2.0-only
/*
 * liveupdate_fault=<fault>[,<fault>...] on the command line. For tests that must fail: a check that has never been seen to catch
 * anything proves nothing.
 */
#define pr_fmt(fmt) "liveupdate: " fmt

#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/liveupdate-fault.h>
#include <linux/string.h>

static const char *const liveupdate_fault_names[LIVEUPDATE_NR_FAULTS] = {
	[LIVEUPDATE_FAULT_BUS_MASTER]		= "no-bus-master",
	[LIVEUPDATE_FAULT_SHUTDOWN_TRANSLATION]	= "no-shutdown-translation",
	[LIVEUPDATE_FAULT_BOOT_TRANSLATION]	= "no-boot-translation",
	[LIVEUPDATE_FAULT_RESET]		= "reset",
	[LIVEUPDATE_FAULT_TAG]			= "no-tag",
	[LIVEUPDATE_FAULT_OTHERS]		= "others",
	[LIVEUPDATE_FAULT_KEEP_BUS_MASTER]	= "keep-bus-master",
	[LIVEUPDATE_FAULT_PASIDS]		= "no-pasids",
	[LIVEUPDATE_FAULT_ALIASES]		= "no-aliases",
	[LIVEUPDATE_FAULT_BLOCK_SWAP]		= "block-swap",
	[LIVEUPDATE_FAULT_SRIOV]		= "no-sriov",
	[LIVEUPDATE_FAULT_FLUSH]		= "flush",
	[LIVEUPDATE_FAULT_FAKE_PASIDS]		= "fake-pasids",
	[LIVEUPDATE_FAULT_SPOIL_BLOB]		= "spoil-blob",
	[LIVEUPDATE_FAULT_SPOIL_TABLES]		= "spoil-tables",
	[LIVEUPDATE_FAULT_SPOIL_TOP]		= "spoil-top",
	[LIVEUPDATE_FAULT_SPOIL_LIST]		= "spoil-list",
	[LIVEUPDATE_FAULT_SPOIL_ENTRY]		= "spoil-entry",
};

static unsigned long liveupdate_faults;

bool liveupdate_fault(enum liveupdate_fault fault)
{
	return test_bit(fault, &liveupdate_faults);
}
EXPORT_SYMBOL_GPL(liveupdate_fault);

/* early_param: interrupt remapping asks before any initcall. */
static int __init liveupdate_fault_setup(char *arg)
{
	char *word;

	while ((word = strsep(&arg, ","))) {
		int fault = match_string(liveupdate_fault_names, LIVEUPDATE_NR_FAULTS, word);

		if (fault < 0) {
			pr_err("liveupdate_fault: there is no fault %s\n", word);
			continue;
		}
		pr_warn("fault %s is on\n", word);
		set_bit(fault, &liveupdate_faults);
	}
	return 0;
}
early_param("liveupdate_fault", liveupdate_fault_setup);
