#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The tree pagewise: hitless without some patches, which are found by their names, or not at all.
# shellcheck disable=SC2016 # dollars of make and sed
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

prepare() {
	"$TOP/scripts/kernel-prepare.sh" stock hitless pagewise
}
linux=$BUILD/linux

base_lock
kernel_make "$KERNEL_SRC" 4
branch_make
passes 'export' "$TOP/scripts/kernel-export.sh"
refuses 'no such patches' 'pagewise leaves out patches of memblock and of KHO; the series has: $' prepare
cd "$KERNEL_DIR/patches"
mv 0001-PCI-live-update.patch 0001-memblock-Build-it.patch
sed -i 's/0001-PCI-live-update/0001-memblock-Build-it/' series
refuses 'one of them' 'the series has: 0001-memblock-Build-it.patch $' prepare
mv 0002-PCI-leave-bus-mastering-on.patch 0002-kho-Reserve-it.patch
sed -i 's/0002-PCI-leave-bus-mastering-on/0002-kho-Reserve-it/' series
passes 'both' prepare
for f in drivers/pci/driver.c drivers/pci/Makefile drivers/pci/Kconfig include/linux/pci.h; do
	same 'left out' "$linux/stock/$f" "$linux/pagewise/$f"
	! cmp -s "$linux/stock/$f" "$linux/hitless/$f" || fail "$f: hitless was written through"
done
same 'new files stay' "$KERNEL_DIR/overlay/drivers/pci/liveupdate.c" "$linux/pagewise/drivers/pci/liveupdate.c"

mkdir -p "$linux/pagewise/obj-pagewise"
: >"$linux/pagewise/obj-pagewise/kept"
printf 'int more;\n' >>"$KERNEL_DIR/overlay/drivers/pci/liveupdate.c"
passes 'a change' prepare
same 'a change' "$KERNEL_DIR/overlay/drivers/pci/liveupdate.c" "$linux/pagewise/drivers/pci/liveupdate.c"
[ -f "$linux/pagewise/obj-pagewise/kept" ] || fail 'objects are gone'

# A later patch that changes what one of them added: left out as well, or in the way.
cat >0003-kho-Reserve-more.patch <<'EOT'
From: Tester <tester@localhost>
Subject: PCI: more

Upstream-status: not posted
---
--- a/drivers/pci/driver.c
+++ b/drivers/pci/driver.c
@@ -31,6 +31,7 @@
 		pdev->driver->stop(pdev);
 
 	if (!pci_liveupdate_keeps(pdev))
+		if (1)
 		pci_clear_master(pdev);
 	pci_disable_device(pdev);
 	pm_runtime_put(dev);
EOT
echo 0003-kho-Reserve-more.patch >>series
printf 'drivers/pci/driver.c\tpci_device_shutdown\tif (1)\n' >>manifest
passes 'three' prepare
same 'three left out' "$linux/stock/drivers/pci/driver.c" "$linux/pagewise/drivers/pci/driver.c"
! cmp -s "$linux/stock/drivers/pci/driver.c" "$linux/hitless/drivers/pci/driver.c" || fail 'hitless is without them'
mv 0003-kho-Reserve-more.patch 0003-PCI-more.patch
sed -i 's/0003-kho-Reserve-more/0003-PCI-more/' series
refuses 'a patch on top' 'pagewise: 0002-kho-Reserve-it.patch cannot be left out, since later hooks stand on it' prepare
