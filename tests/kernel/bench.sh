#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A small benchmark: nothing mapped, and 1 GiB, the latter twice; nothing mapped on AMD-Vi. Its report is whole and holds together (witness
# check-bench), and these goals hold. What was run is not run again, unless what it depends on has changed. Needs the kernels A and B.
set -eu
TOP=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
out=$BUILD/test-bench

rows() {
	BENCH_OUT=$out BENCH_TIME=no BENCH_MICRO=no VM_BUILD=no "$TOP/scripts/bench.sh" arenas-0g-1 arenas-1g-1 amd-arenas-0g-1
}

rm -rf "$out"
rows
"$BUILD/witness/witness" check-bench "$out/report.json" repeats kho-keys

echo changed >>"$out/arenas-0g-1/inputs"
rows >"$out/again.log"
for row in arenas-1g-1 arenas-1g-1-again; do
	grep -q "^bench: $row: is there$" "$out/again.log" || { echo "$row was run again"; exit 1; }
done
! grep -q '^bench: arenas-0g-1: is there$' "$out/again.log" || { echo 'arenas-0g-1 was not run again'; exit 1; }
