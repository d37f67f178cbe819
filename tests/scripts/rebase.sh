#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A new point release: hooks that fit move, and one that does not is named.
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

rebase() {
	"$TOP/scripts/kernel-rebase.sh"
}

base_lock
branch_make
passes 'export' "$TOP/scripts/kernel-export.sh"

rm -rf "$KERNEL_SRC"
kernel_make "$KERNEL_SRC" 5
edit "$KERNEL_SRC/drivers/pci/driver.c" '/pci_device_suspend/i static int quirks;\n'
passes 'a release that fits' rebase
[ "$(git -C "$GIT" log -1 --format=%s base)" = 'Linux 7.3.5' ] || fail 'branch base is not the new release'
[ "$(git -C "$GIT" rev-list --count base..hitless)" = 3 ] || fail 'commits got lost'
passes 'export from the new base' "$TOP/scripts/kernel-export.sh"
passes 'prepare on the new base' "$TOP/scripts/kernel-prepare.sh"
passes 'the same release again' rebase

rm -rf "$KERNEL_SRC"
kernel_make "$KERNEL_SRC" 6
edit "$KERNEL_SRC/drivers/pci/driver.c" '/pci_device_shutdown/,/^}/s/pci_clear_master/pci_clear_master_checked/'
refuses 'a release with another line there' \
	'does not fit Linux 7\.3\.6: "PCI: leave bus mastering on": drivers/pci/driver.c: in pci_device_shutdown' rebase
refuses 'again before it is settled' 'a rebase is under way' rebase
edit "$GIT/drivers/pci/driver.c" -e '/^[<=>|]\{7\}/d' -e '/^\tpci_clear_master_checked/d' -e 's/pci_clear_master(pdev);$/&/' \
	-e 's/^\t\tpci_clear_master(pdev)/\t\tpci_clear_master_checked(pdev)/'
git -C "$GIT" add -A
GIT_EDITOR=true git -C "$GIT" rebase --continue >"$WORK/out" 2>&1 || fail 'rebase --continue'
# What was settled by hand reads otherwise than the manifest, and is shown until it is exported.
refuses 'a hook that now reads otherwise' 'pci_clear_master_checked' rebase
passes 'export of what was settled' "$TOP/scripts/kernel-export.sh"
passes 'once more' rebase

printf 'int x;\n' >>"$GIT/drivers/pci/driver.c"
refuses 'a tree with changes' 'not committed' rebase
