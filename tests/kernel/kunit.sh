#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# KUnit on the debug kernel: live update's own suites, with KASAN, lockdep and the like watching, and with allocations that fail where the
# tests ask for it. A test that was skipped is a failure here: the machine has all that they need. KERNELS=, QEMU= name other
# kernels and another QEMU.
set -eu
# shellcheck source=tests/kernel/lib.sh
. "$(dirname -- "$0")/lib.sh"

suites='iommu-liveupdate iommu-liveupdate-incoming iommu-liveupdate-arena iommu-liveupdate-vtd iommu-liveupdate-vtd-entry'
suites="$suites iommu-liveupdate-vtd-attach iommu-liveupdate-amd iommu-liveupdate-amd-entry iommu-liveupdate-amd-attach"
log=$BUILD/test/kunit.log
out=$BUILD/test/kunit
rm -rf "$out"
mkdir -p "$out/root"
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -static "$here/init.c" -o "$out/root/init"
archive "$out/root" >"$out/initrd"

# Suites are run by init, not at boot: before that allocations cannot be made to fail. Devices are for the tests that preserve some.
boot "$log" 600 "kunit.enable=1 kunit.filter_glob=iommu-liveupdate* kunit=$(echo "$suites" | tr ' ' ,)" \
	-kernel "$(image debug)" -initrd "$out/initrd" -serial "file:$log.said.raw" \
	-device pci-ohci,addr=3 -device intel-hda,addr=4 -device pci-ohci,addr=6
tr -d '\r\000' <"$log.said.raw" >"$log.said"

bad=0
for suite in $suites; do
	# From the end of the suite before to its own.
	awk -v suite="$suite" '/^suite .* ended$/ { if ($2 == suite) { printf "%s", text; found = 1 } text = ""; next }
		{ text = text $0 "\n" } END { exit !found }' "$log.said" >"$out/$suite.ktap" || {
		say "the suite $suite did not come to its end"
		tail -n 5 "$log.said"
		bad=1
		continue
	}
	awk -f "$here/ktap.awk" "$out/$suite.ktap" >"$out/$suite.sum" || bad=1
	sed "s/^/$suite: /" "$out/$suite.sum"
	if grep -q '^skipped' "$out/$suite.sum"; then
		bad=1
	fi
done
[ "$bad" = 0 ] || grep -E -A8 'EXPECTATION FAILED|ASSERTION FAILED' "$log.said" | head -n 60 || :
clean "$log" || bad=1
exit "$bad"
