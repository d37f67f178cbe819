#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# vm.sh SCENARIO: run one of rig/scenarios under the witness; its results go to out/SCENARIO. Builds the kernels that the
# scenario names, unless VM_BUILD=no. TRACE= adds a pattern of QEMU's trace events to trace.log.
# Exit status: that of the witness, 0 when the verdict is the one that the scenario expects.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

[ $# = 1 ] || die "usage: vm.sh SCENARIO"
file=$TOP/rig/scenarios/$1.json
[ -f "$file" ] || die "no scenario $1; make vm-list has them"

# "kernels": ["A", "B"] gives A B; what the witness makes of the file is the witness's business.
kernels=$(tr -d '\n' <"$file" | sed -n 's/.*"kernels"[[:space:]]*:[[:space:]]*\[\([^]]*\)\].*/\1/p' | tr '",' '  ' |
	tr -s ' ' '\n' | sort -u | tr '\n' ' ')
for k in $kernels; do
	if [ "${VM_BUILD:-yes}" = no ] && [ ! -s "$BUILD/kernels/$k/id" ]; then
		die "$1: kernel $k is not built"
	fi
done
if [ "${VM_BUILD:-yes}" != no ]; then
	# shellcheck disable=SC2086 # a list of words
	"$TOP/scripts/kernel-build.sh" $kernels
fi
exec "$BUILD/witness/witness" run --qemu "$BUILD/qemu-system-x86_64" --kernels "$BUILD/kernels" \
	--initramfs "$BUILD/initramfs.cpio" --out "${OUT:-$TOP/out}" ${TRACE:+--trace "$TRACE"} "$file"
