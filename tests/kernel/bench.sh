#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A small benchmark: nothing mapped, and 1 GiB, the latter twice. Its report is whole and holds together (witness check-bench), and these
# goals hold. Needs the kernels A and B.
set -eu
TOP=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
out=$BUILD/test-bench

rm -rf "$out"
BENCH_OUT=$out BENCH_TIME=no BENCH_MICRO=no VM_BUILD=no "$TOP/scripts/bench.sh" arenas-0g-1 arenas-1g-1
"$BUILD/witness/witness" check-bench "$out/report.json" repeats kho-keys
