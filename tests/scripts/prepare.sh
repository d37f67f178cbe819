#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The prepared tree: what is in it, what a change rewrites, and every way in which a hook can fail to fit.
# shellcheck disable=SC2016 # dollars of make and sed
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

prepare() {
	"$TOP/scripts/kernel-prepare.sh" "$@"
}
tree=$BUILD/linux/hitless
stock=$BUILD/linux/stock

# Files of the tree with an inode or a time that they did not have when `seen` was called last.
seen() {
	(cd "$tree" && find . -type f -printf '%P %i %T@\n' | LC_ALL=C sort) >"$WORK/$1"
}
rewritten() {
	seen after
	LC_ALL=C comm -13 "$WORK/before" "$WORK/after" | cut -d' ' -f1 >"$WORK/have"
	printf '%s' "${2:+$2
}" >"$WORK/want"
	same "$1: files rewritten" "$WORK/want" "$WORK/have"
}

base_lock
kernel_make "$KERNEL_SRC" 4
branch_make
passes 'export' "$TOP/scripts/kernel-export.sh"
cp -a "$KERNEL_DIR" "$WORK/good"
# The kernel's own scripts have to be run again for a folder that was changed as a whole.
again() {
	rm -rf "$KERNEL_DIR"
	cp -a "$WORK/good" "$KERNEL_DIR"
}
other_base() {
	rm -rf "$KERNEL_SRC"
	kernel_make "$KERNEL_SRC" 5
}

passes 'prepare' prepare
git -C "$GIT" archive hitless | (mkdir "$WORK/want.tree" && tar -x -f - -C "$WORK/want.tree")
diff -r "$WORK/want.tree" "$tree" >"$WORK/out" || fail 'the tree is not what the branch has'
diff -r "$KERNEL_SRC" "$stock" >"$WORK/out" || fail 'stock is not what the source has'

seen before
passes 'prepare again' prepare
rewritten 'nothing changed'
touch "$KERNEL_DIR/overlay/drivers/pci/liveupdate.c"
passes 'prepare after touch' prepare
rewritten 'a new time, the same content'
printf 'int second;\n' >>"$KERNEL_DIR/overlay/drivers/pci/liveupdate.c"
passes 'prepare after an edit' prepare
rewritten 'an edit in the overlay' drivers/pci/liveupdate.c
seen before
edit "$KERNEL_DIR/patches/0002-PCI-leave-bus-mastering-on.patch" 's/pci_liveupdate_keeps/pci_liveupdate_holds/'
edit "$KERNEL_DIR/patches/manifest" 's/pci_liveupdate_keeps/pci_liveupdate_holds/'
passes 'prepare after an edit of a patch' prepare
rewritten 'an edit in a patch' drivers/pci/driver.c
diff -r "$KERNEL_SRC" "$stock" >"$WORK/out" || fail 'the stock tree was written through'
seen before
rm -r "$KERNEL_DIR/overlay/include"
edit "$KERNEL_DIR/patches/series" /0002/d
edit "$KERNEL_DIR/patches/manifest" /driver.c/d
rm "$KERNEL_DIR/patches/0002-PCI-leave-bus-mastering-on.patch"
passes 'prepare after removals' prepare
rewritten 'a patch removed' drivers/pci/driver.c
same 'a patch removed' "$stock/drivers/pci/driver.c" "$tree/drivers/pci/driver.c"
[ ! -e "$tree/include/linux/kho" ] || fail 'a file removed from the overlay stays in the tree'

# Refused, each with the tree left as it was.
again
passes 'prepare' prepare
seen before
refused() {
	refuses "$@" prepare
	rewritten "$1"
}
edit "$KERNEL_DIR/patches/manifest" '/pci_liveupdate_keeps/s/pci_device_shutdown/pci_device_remove/'
refused 'a hook in another function than recorded' \
	'hook in another place: drivers/pci/driver.c: "if (!pci_liveupdate_keeps(pdev))" belongs in pci_device_remove, stands in pci_device_shutdown'
again
edit "$KERNEL_DIR/patches/manifest" '$a drivers/pci/probe.c\t-\tint gone;'
refused 'a hook recorded and not there' 'hook missing: drivers/pci/probe.c: "int gone;"'
again
edit "$KERNEL_DIR/patches/manifest" '$a drivers/pci/driver.c\tpci_device_remove\tnot_there();'
refused 'a hook recorded and not in its file' 'hook missing: drivers/pci/driver.c: "not_there();" is not in pci_device_remove'
again
edit "$KERNEL_DIR/patches/manifest" /PCI_LIVEUPDATE/d
refused 'a hook not recorded' 'hook not in the manifest: drivers/pci/Makefile'
again
: >"$KERNEL_DIR/patches/manifest"
refused 'no manifest' 'missing or empty'
again
edit "$KERNEL_DIR/patches/0001-PCI-live-update.patch" '/^Upstream-status/d'
refused 'a patch without upstream status' '0001-PCI-live-update.patch: no line "Upstream-status'
again
cp "$KERNEL_DIR/patches/0001-PCI-live-update.patch" "$KERNEL_DIR/patches/0003-extra.patch"
refused 'a patch outside the series' '0003-extra.patch: not in the series'
again
echo 0003-none.patch >>"$KERNEL_DIR/patches/series"
refused 'a patch that is not there' '0003-none.patch: in the series, and missing'
again
printf 'int probe;\n' >"$KERNEL_DIR/overlay/drivers/pci/probe.c"
refused 'an overlay file that the base has' 'overlay: drivers/pci/probe.c exists in Linux 7.3.4'
again

# Other bases. One line of the context is different: patch would take it with fuzz.
other_base
edit "$KERNEL_SRC/drivers/pci/driver.c" 's/^\t\tpdev->driver->stop(pdev);/\t\tpdev->driver->halt(pdev);/'
cp -a "$KERNEL_SRC" "$WORK/fuzzy"
patch -p1 -s -d "$WORK/fuzzy" <"$KERNEL_DIR/patches/0002-PCI-leave-bus-mastering-on.patch" >"$WORK/out" 2>&1 ||
	fail 'the test is wrong: not even with fuzz'
refuses 'a changed context line' \
	'hook does not fit Linux 7.3.5: 0002-PCI-leave-bus-mastering-on.patch: drivers/pci/driver.c: in pci_device_shutdown' prepare

# The function's lines are gone and another one has the like: patch finds them there, at an offset, without a word.
other_base
edit "$KERNEL_SRC/drivers/pci/driver.c" '/pci_device_shutdown(/,/^}/d'
cat >>"$KERNEL_SRC/drivers/pci/driver.c" <<'EOT'

static void pci_device_shutdown(struct device *dev)
{
	pci_shutdown_all(dev);
}
EOT
cp -a "$KERNEL_SRC" "$WORK/moved"
patch -p1 -s --fuzz=0 -d "$WORK/moved" <"$KERNEL_DIR/patches/0002-PCI-leave-bus-mastering-on.patch" >"$WORK/out" 2>&1 ||
	fail 'the test is wrong: patch does not take it'
refuses 'a hook that lands in another function' \
	'hook in another place: drivers/pci/driver.c: .* belongs in pci_device_shutdown, stands in pci_device_remove' prepare

other_base
rm "$KERNEL_SRC/drivers/pci/driver.c"
refuses 'a file that is gone' 'driver.c: the file is gone' prepare

other_base
edit "$KERNEL_SRC/include/linux/pci.h" 's/^\tint is_busmaster;$/&\n\tstruct pci_liveupdate *lu;/'
refuses 'a hook that the base has already' 'it is there already' prepare

# Lines further down only: an offset is no reason to stop.
other_base
edit "$KERNEL_SRC/drivers/pci/driver.c" '2a #include <linux/more.h>\n#include <linux/less.h>'
passes 'a point release with lines moved' prepare
[ "$(cat "$BUILD/linux/version")" = 7.3.5 ] || fail 'not the new version'
[ "$(grep -c pci_liveupdate_keeps "$tree/drivers/pci/driver.c")" = 1 ] || fail 'the hook is not there'

other_base
edit "$KERNEL_SRC/Makefile" 's/^PATCHLEVEL.*/PATCHLEVEL = 4/'
refuses 'another series' 'this is Linux 7.4.5; the hooks are for 7.3.y' prepare
KERNEL_SRC=$WORK/nothing
refuses 'no source' 'neither a tarball nor a kernel tree' prepare

# The other forms of a source.
KERNEL_SRC=$WORK/linux-7.3.7.tar.xz
kernel_make "$WORK/linux-7.3.7" 7
tar -c -J -f "$KERNEL_SRC" -C "$WORK" linux-7.3.7
passes 'a tarball' prepare
[ "$(cat "$BUILD/linux/version")" = 7.3.7 ] || fail 'not the version of the tarball'
git -C "$GIT" checkout -q base
printf 'not committed\n' >"$GIT/drivers/pci/probe.c"
KERNEL_SRC=$GIT
passes 'a git tree' prepare
grep -q 'int probe' "$stock/drivers/pci/probe.c" || fail 'a git tree: not what is committed'
