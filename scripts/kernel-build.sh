#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel-build.sh NAME...: build kernels into build/kernels/NAME: bzImage, System.map, config, release.
#
#	stock	the unpatched tree
#	lean	the unpatched tree without what A and B are configured without, too, for make bench
#	A, B	the patched tree, twice, telling themselves apart in uname -r and in nothing else
#	pagewise	the patched tree without what makes early boot linear in what was preserved, for make bench
#	fault	the patched tree, which can be told to do something wrong
#	debug	the patched tree with KASAN, lockdep, fault injection and KUnit
#	vtd, amd, neither
#		A with one of the two IOMMU drivers, or with none
#
# A kernel is built again when its tree, its configuration or the compiler changed. A, B, fault and amd share one object
# directory: after the first, one costs what depends on the options that differ, and a link. vtd and neither share another: what AMD-Vi
# brings along (shared virtual addressing) changes what nearly every file sees. KERNEL_TREE= builds all but stock, lean and
# pagewise from another tree, a git branch being worked on, say; then make is asked each time. CCACHE_DIR= names a compiler cache other
# than build/ccache.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

# What Make was given on its command line reaches the kernel's make by these, and it has its own idea of most names.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES KBUILD_OUTPUT O ARCH CROSS_COMPILE KCONFIG_CONFIG KCONFIG_ALLCONFIG \
	LOCALVERSION CC LD T

CCACHE_DIR=${CCACHE_DIR:-$BUILD/ccache}
CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-3G}
# Equal sources give equal images, whoever builds them, whenever.
KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
KBUILD_BUILD_USER=hitless
KBUILD_BUILD_HOST=hitless
KBUILD_BUILD_VERSION=1
LC_ALL=C
export CCACHE_DIR CCACHE_MAXSIZE KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_VERSION LC_ALL

tree_of() {
	case $1 in
	stock | pagewise) echo "$BUILD/linux/$1" ;;
	lean) echo "$BUILD/linux/stock" ;;
	*) echo "${KERNEL_TREE:-$BUILD/linux/hitless}" ;;
	esac
}

# Is it built from KERNEL_TREE?
own_tree() {
	[ -n "${KERNEL_TREE:-}" ] || return 1
	case $1 in
	stock | lean | pagewise) return 1 ;;
	esac
}

# Right below the tree kbuild names every source by a relative path, so that the compiler cache takes what the trees have in
# common for what it is: the same. Another tree is not ours to write in.
objects_of() {
	case $1 in
	stock | lean | pagewise | debug) kind=$1 ;;
	vtd | neither) kind=drivers ;;
	*) kind=hitless ;;
	esac
	if own_tree "$1"; then
		echo "$BUILD/obj/tree-$kind"
	else
		echo "$(tree_of "$1")/obj-$kind"
	fi
}

fragments_of() {
	printf '%s\n' "$KERNEL_DIR/configs/base.config"
	case $1 in
	stock | lean) ;;
	*) printf '%s\n' "$KERNEL_DIR/configs/hitless.config" ;;
	esac
	case $1 in
	stock | debug) ;;
	*) printf '%s\n' "$KERNEL_DIR/configs/blackout.config" ;;
	esac
	case $1 in
	stock | lean | debug) ;;
	*) printf '%s\n' "$KERNEL_DIR/configs/uncompressed.config" ;;
	esac
	[ "$1" != fault ] || printf '%s\n' "$KERNEL_DIR/configs/fault.config"
	[ "$1" != debug ] || printf '%s\n' "$KERNEL_DIR/configs/debug.config"
	case $1 in
	amd | neither) printf '%s\n' "$KERNEL_DIR/configs/no-vtd.config" ;;
	esac
	case $1 in
	vtd | neither) printf '%s\n' "$KERNEL_DIR/configs/no-amd.config" ;;
	esac
	[ "$1" != neither ] || printf '%s\n' "$KERNEL_DIR/configs/neither.config"
}

kernel_make() (
	set -- -C "$(tree_of "$name")" O="$obj" ARCH=x86 LOCALVERSION="-$name" "$@"
	if command -v ccache >/dev/null; then
		set -- "$@" CC="ccache gcc" HOSTCC="ccache gcc"
	fi
	exec make "$@"
)

# What the image is made from; nothing that can go without saying may be missing here.
kernel_id() {
	if own_tree "$1"; then
		echo "tree $KERNEL_TREE"
	else
		cat "$(tree_of "$1").id"
	fi
	fragments_of "$1" | while read -r f; do
		sha256_of "$f"
	done
	sha256_of "$TOP/scripts/kernel-build.sh"
	gcc --version | head -n 1
	ld --version | head -n 1
}

is_current() {
	! own_tree "$1" || return 1
	[ -s "$BUILD/kernels/$1/bzImage" ] && kernel_id "$1" | cmp -s - "$BUILD/kernels/$1/id"
}

# tinyconfig, then the fragments: nothing is in these kernels that no fragment asks for.
configure() {
	kernel_make -s tinyconfig
	# The release is what LOCALVERSION= says, and nothing that a script finds out about the tree.
	echo '# CONFIG_LOCALVERSION_AUTO is not set' >"$obj/local.config"
	# shellcheck disable=SC2046 # a list of paths, none with a blank
	"$(tree_of "$name")/scripts/kconfig/merge_config.sh" -m -O "$obj" "$obj/.config" "$obj/local.config" $(fragments_of "$name")
	kernel_make -s olddefconfig
}

configure_if_changed() {
	if [ -z "${KERNEL_TREE:-}" ] && [ -s "$obj/.config" ] && kernel_id "$name" | cmp -s - "$obj/hitless.id"; then
		return
	fi
	rm -f "$obj/hitless.id"
	quietly "kernel-$name-config.log" configure || die "kernel $name: cannot configure (above)"
	# shellcheck disable=SC2046 # a list of paths, none with a blank
	"$TOP/scripts/config-check.sh" "$obj/.config" $(fragments_of "$name") ||
		die "kernel $name: options did not take (above)"
	kernel_id "$name" >"$obj/hitless.id"
}

# A line every few seconds on a terminal, every half minute in a log. Runs beside make, until it is killed or this script ends.
progress() {
	every=30
	[ ! -t 1 ] || every=5
	waited=0
	while sleep 1 && kill -0 $$ 2>/dev/null; do
		waited=$((waited + 1))
		if [ $((waited % every)) = 0 ]; then
			say "kernel $name: $(objects_done) objects, $waited s"
		fi
	done
}

objects_done() {
	grep -c '^  \(CC\|AS\|HOSTCC\) ' "$make_log" || :
}

build_one() {
	name=$1
	obj=$(objects_of "$name")
	out=$BUILD/kernels/$name
	make_log=$BUILD/log/kernel-$name.log
	mkdir -p "$obj" "$out"
	rm -f "$out/id"
	configure_if_changed
	say "building kernel $name (log: build/log/kernel-$name.log)"
	began=$(date +%s)
	: >"$make_log"
	progress 9>&- &
	progress_pid=$!
	made=yes
	kernel_make -j"$(nproc)" bzImage >"$make_log" 2>&1 </dev/null || made=
	kill "$progress_pid" 2>/dev/null || :
	wait "$progress_pid" || :
	if [ -z "$made" ]; then
		grep -E -A3 '(: error|error:|undefined reference|\*\*\*)' "$make_log" | head -n 40 >&2 || :
		die "kernel $name does not build (build/log/kernel-$name.log)"
	fi
	release=$(cat "$obj/include/config/kernel.release")
	case $release in
	*-"$name") ;;
	*) die "kernel $name calls itself $release" ;;
	esac
	cp "$obj/arch/x86/boot/bzImage" "$out/bzImage.new"
	mv "$out/bzImage.new" "$out/bzImage"
	cp "$obj/System.map" "$out/System.map"
	cp "$obj/.config" "$out/config"
	echo "$release" >"$out/release"
	kernel_id "$name" >"$out/id"
	say "kernel $name: $release, $(objects_done) objects in $(($(date +%s) - began)) s"
}

# The objects hold the release that was built last: begin with that one, and the other costs the only link.
ordered() {
	last=$(cat "$(objects_of A)/include/config/kernel.release" 2>/dev/null || :)
	case "$last $*" in
	*-B\ *A*B*) echo "$*" | sed 's/A/@/; s/B/A/; s/@/B/' ;;
	*) echo "$*" ;;
	esac
}

[ $# -gt 0 ] || die "usage: kernel-build.sh stock|lean|A|B|pagewise|fault|debug|vtd|amd|neither..."
for name in "$@"; do
	case $name in
	stock | lean | A | B | pagewise | fault | debug | vtd | amd | neither) ;;
	*) die "$name: not one of stock, lean, A, B, pagewise, fault, debug, vtd, amd, neither" ;;
	esac
	[ -d "$(tree_of "$name")" ] || die "no tree $(tree_of "$name"): run scripts/kernel-prepare.sh"
done
lock kernel
# shellcheck disable=SC2046 # a list of words
for name in $(ordered "$@"); do
	is_current "$name" || build_one "$name"
done
