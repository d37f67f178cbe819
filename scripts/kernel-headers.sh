#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Put the patched kernel's uapi headers into build/uapi: the guest program and libhitless are built against them, since
# those of the machine know neither LUO nor what hitless adds.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES KBUILD_OUTPUT O ARCH

tree=${KERNEL_TREE:-$BUILD/linux/hitless}
out=$BUILD/uapi
lock kernel
if [ -z "${KERNEL_TREE:-}" ] && cmp -s "$BUILD/linux/hitless.id" "$out/id"; then
	exit 0
fi
[ -d "$tree" ] || die "no tree $tree: run scripts/kernel-prepare.sh"
mkdir -p "$BUILD/obj/uapi" "$out"
rm -f "$out/id"
# By content: a header that did not change keeps its time, and what includes it is not built again.
quietly kernel-headers.log make -C "$tree" O="$BUILD/obj/uapi" ARCH=x86 INSTALL_HDR_PATH="$BUILD/obj/uapi/out" \
	headers_install || die "no uapi headers (above)"
rsync -rc --delete "$BUILD/obj/uapi/out/include" "$out/"
[ -n "${KERNEL_TREE:-}" ] || cp "$BUILD/linux/hitless.id" "$out/id"
say "uapi headers are in build/uapi"
