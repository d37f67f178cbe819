#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# From a branch to patches, overlay and manifest, and back; and to a new point release.
# shellcheck disable=SC2016 # dollars of make and sed
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

export_kernel() {
	"$TOP/scripts/kernel-export.sh" "$@"
}

base_lock
branch_make
passes 'export' export_kernel
printf '0001-PCI-live-update.patch\n0002-PCI-leave-bus-mastering-on.patch\n' >"$WORK/want"
same 'the series has the commits that hook' "$WORK/want" "$KERNEL_DIR/patches/series"
(cd "$KERNEL_DIR/overlay" && find . -type f | LC_ALL=C sort) >"$WORK/have"
printf './drivers/pci/liveupdate.c\n./include/linux/kho/pci.h\n' >"$WORK/want"
same 'the overlay has the new files' "$WORK/want" "$WORK/have"
! grep -rq 'liveupdate\.c$\|kho/pci' "$KERNEL_DIR"/patches/*.patch || fail 'a patch has a new file'
printf '%s\t%s\t%s\n' \
	drivers/pci/Kconfig 'config PCI_LIVEUPDATE' 'config PCI_LIVEUPDATE' \
	drivers/pci/Kconfig 'config PCI_LIVEUPDATE' 'bool "Live update"' \
	drivers/pci/Makefile - 'obj-$(CONFIG_PCI_LIVEUPDATE) += liveupdate.o' \
	drivers/pci/driver.c pci_device_shutdown 'if (!pci_liveupdate_keeps(pdev))' \
	drivers/pci/driver.c pci_device_shutdown 'pci_clear_master(pdev);' \
	include/linux/pci.h 'struct pci_dev' 'struct pci_liveupdate *lu;' >"$WORK/want"
grep -v '^#' "$KERNEL_DIR/patches/manifest" >"$WORK/have"
same 'the manifest' "$WORK/want" "$WORK/have"

passes 'export again' export_kernel
! grep -q wrote "$WORK/out" || fail 'an export of the same branch writes'
cp -a "$KERNEL_DIR" "$WORK/first"

# There and back: a branch made from what was exported exports the same.
kernel_make "$KERNEL_SRC" 4
mv "$GIT" "$WORK/git.first"
passes 'branch' "$TOP/scripts/kernel-branch.sh"
passes 'export of that branch' export_kernel
diff -r "$WORK/first/overlay" "$KERNEL_DIR/overlay" >"$WORK/out" || fail 'the overlay did not come back'
for p in series manifest; do
	same 'there and back' "$WORK/first/patches/$p" "$KERNEL_DIR/patches/$p"
done
for p in "$WORK"/first/patches/*.patch; do
	sed '/^index /d' "$p" >"$WORK/want"
	sed '/^index /d' "$KERNEL_DIR/patches/${p##*/}" >"$WORK/have"
	same 'there and back' "$WORK/want" "$WORK/have"
done

# What is not exported.
commit() {
	git -C "$GIT" add -A
	git -C "$GIT" commit -q -m "$@"
}
undo() {
	git -C "$GIT" reset -q --hard HEAD^
}
printf 'int more;\n' >>"$GIT/drivers/pci/driver.c"
commit 'No status'
refuses 'a patch without upstream status' 'Upstream-status' export_kernel
undo
git -C "$GIT" rm -q drivers/pci/probe.c
commit 'Removes' -m 'Upstream-status: none'
refuses 'a file of the base removed' 'removed or change their kind' export_kernel
undo
chmod +x "$GIT/drivers/pci/driver.c"
printf 'int more;\n' >>"$GIT/drivers/pci/driver.c"
commit 'Mode' -m 'Upstream-status: none'
refuses 'a mode changed' 'only hooks into files that exist' export_kernel
undo
printf '\n/* nothing */\n' >>"$GIT/drivers/pci/driver.c"
commit 'Comment' -m 'Upstream-status: none'
refuses 'a patch without a hook' 'none of its lines is in the manifest' export_kernel
undo
git -C "$GIT" checkout -q -b side base
printf 'int more;\n' >>"$GIT/drivers/pci/probe.c"
commit 'Side' -m 'Upstream-status: none'
git -C "$GIT" checkout -q hitless
git -C "$GIT" merge -q -m merge side
refuses 'a merge' 'has merges' export_kernel
git -C "$GIT" reset -q --hard "HEAD^"
refuses 'a range that is none' 'a range is BASE..TIP' export_kernel hitless
diff -r "$WORK/first/overlay" "$KERNEL_DIR/overlay" >"$WORK/out" || fail 'a refused export changed the overlay'
same 'a refused export' "$WORK/first/patches/series" "$KERNEL_DIR/patches/series"

# A file that leaves the branch leaves the overlay.
git -C "$GIT" rm -q include/linux/kho/pci.h
commit 'Drop the wire format'
passes 'export without the file' export_kernel
[ ! -e "$KERNEL_DIR/overlay/include" ] || fail 'a removed file stays in the overlay'
