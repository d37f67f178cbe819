#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel-prepare.sh [stock|hitless|pagewise]...: make the source trees under build/linux; the first two when none is named.
#
#	stock	Debian's kernel source as it is (or KERNEL_SRC=, a tree or tarball of the same series)
#	hitless	the same with kernel/patches applied and kernel/overlay copied in
#	pagewise	hitless without the patches by which early boot is linear in what was preserved, for make bench
#
# The trees share the files that do not differ, by hard link: change neither by hand. Work on kernel/overlay, or on the git
# branch that scripts/kernel-branch.sh makes. Only files whose content changed are written, so that make builds
# only those again. Nothing changes in build/linux/hitless until every hook was found to fit.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=scripts/patches.sh
. "$(dirname -- "$0")/patches.sh"

linux=$BUILD/linux
stock=$linux/stock
tree=$linux/hitless
pagewise=$linux/pagewise
part=$linux/part	# the patched files, before they are put into the tree

# What the stock tree is made from, in a line; equal lines, equal trees.
base_id() {
	if [ -z "${KERNEL_SRC:-}" ]; then
		[ -s "$BUILD/src/linux.sha256" ] || die "no kernel source: run scripts/fetch.sh kernel, or name one with KERNEL_SRC="
		echo "package $(cat "$BUILD/src/linux.version") $(cat "$BUILD/src/linux.sha256")"
	elif [ -f "$KERNEL_SRC" ]; then
		echo "tarball $(stat -c '%n %s %Y' "$KERNEL_SRC")"
	elif [ -e "$KERNEL_SRC/.git" ]; then
		echo "git $KERNEL_SRC $(git -C "$KERNEL_SRC" rev-parse HEAD)"
	elif [ -f "$KERNEL_SRC/Makefile" ]; then
		echo "tree $KERNEL_SRC $(cd "$KERNEL_SRC" && find . -type f -printf '%P %s %T@\n' | LC_ALL=C sort | sha256sum)"
	else
		die "KERNEL_SRC=$KERNEL_SRC: neither a tarball nor a kernel tree"
	fi
}

base_unpack() {
	if [ -z "${KERNEL_SRC:-}" ]; then
		say "unpacking linux $(cat "$BUILD/src/linux.version")"
		tar -x -f "$BUILD/src/linux.tar.xz" -C "$1" --strip-components=1
	elif [ -f "$KERNEL_SRC" ]; then
		say "unpacking $KERNEL_SRC"
		tar -x -f "$KERNEL_SRC" -C "$1" --strip-components=1
	elif [ -e "$KERNEL_SRC/.git" ]; then
		say "taking HEAD of $KERNEL_SRC"
		git -C "$KERNEL_SRC" archive HEAD | tar -x -f - -C "$1"
	else
		if [ -e "$KERNEL_SRC/.config" ] || [ -e "$KERNEL_SRC/include/config" ]; then
			die "$KERNEL_SRC was built in; run make mrproper there"
		fi
		say "copying $KERNEL_SRC"
		cp -a "$KERNEL_SRC/." "$1"
	fi
}

stock_prepare() {
	id=$(base_id)
	if [ "$(cat "$linux/stock.id" 2>/dev/null)" = "$id" ]; then
		return
	fi
	rm -rf "$stock.new"
	mkdir -p "$stock.new"
	base_unpack "$stock.new" || die "cannot get the kernel source"
	version=$(kernel_version "$stock.new") || die "that is no kernel source: its Makefile gives no version"
	series=$(lock_value series)
	case $version in
	"$series".*) ;;
	*) die "this is Linux $version; the hooks are for $series.y" ;;
	esac
	rm -rf "$linux/stock.id" "$linux/hitless.id" "$stock" "$tree"
	mv "$stock.new" "$stock"
	echo "$version" >"$linux/version"
	echo "$id" >"$linux/stock.id"
	say "build/linux/stock is Linux $version"
}

hitless_id() {
	cat "$linux/stock.id"
	cat "$TOP/scripts/kernel-prepare.sh" "$TOP/scripts/patches.sh" "$TOP/scripts/hookcheck.c" | sha256sum
	(cd "$KERNEL_DIR" && find patches overlay -type f -exec sha256sum -- {} + 2>/dev/null | LC_ALL=C sort)
}

# put FROM TO: under a new inode (the old one may be shared with stock) and with a new time, when the content differs.
put() {
	if cmp -s "$1" "$2"; then
		return
	fi
	mkdir -p "${2%/*}"
	cp "$1" "$2.hitless-new"
	mv "$2.hitless-new" "$2"
	changed=$((changed + 1))
}

# Stop when a file of the overlay exists in the base: the base would be silently replaced.
overlay_check() {
	bad=
	while read -r f; do
		if [ -e "$stock/$f" ]; then
			bad=yes
			printf 'overlay: %s exists in Linux %s\n' "$f" "$(cat "$linux/version")" >&2
		fi
	done <"$linux/overlay.list"
	[ -z "$bad" ] || die "files of kernel/overlay are in the base (above): what they add has to become hooks, or move"
}

part_make() {
	rm -rf "$part"
	mkdir -p "$part"
	while read -r f; do
		[ -f "$stock/$f" ] || continue	# patch_apply names the hook that wants it
		mkdir -p "$part/$(dirname -- "$f")"
		cp "$stock/$f" "$part/$f"
	done <"$linux/patched.list"
	series_apply "$part" "Linux $(cat "$linux/version")"
	hooks_check "$stock" "$part"
}

# What an earlier run put there and this one does not goes back to what the base has.
stale_undo() {
	[ -f "$linux/hitless.files" ] || return 0
	LC_ALL=C sort "$linux/patched.list" "$linux/overlay.list" | LC_ALL=C comm -23 "$linux/hitless.files" - >"$linux/stale.list"
	while read -r f; do
		if [ -e "$stock/$f" ]; then
			put "$stock/$f" "$tree/$f"
		elif [ -e "$tree/$f" ]; then
			rm -f "$tree/$f"
			rmdir -p --ignore-fail-on-non-empty "$(dirname -- "$tree/$f")"
			changed=$((changed + 1))
		fi
	done <"$linux/stale.list"
	rm -f "$linux/stale.list"
}

hitless_prepare() {
	stock_prepare
	hitless_id >"$linux/hitless.id.new"
	if cmp -s "$linux/hitless.id.new" "$linux/hitless.id" && [ -d "$tree" ]; then
		rm -f "$linux/hitless.id.new"
		return
	fi
	series_lint
	series_files >"$linux/patched.list"
	overlay_files >"$linux/overlay.list"
	overlay_check
	part_make

	rm -f "$linux/hitless.id"
	if [ ! -d "$tree" ]; then
		rm -rf "$tree.new" "$linux/hitless.files"
		mkdir "$tree.new"
		# Not the objects: kernel-build.sh has them below the tree.
		find "$stock" -mindepth 1 -maxdepth 1 ! -name "obj-*" -exec cp -al -t "$tree.new" -- {} +
		mv "$tree.new" "$tree"
	fi
	changed=0
	stale_undo
	# From here a run that is cut short leaves a list of at least what it put there.
	LC_ALL=C sort -u "$linux/patched.list" "$linux/overlay.list" >"$linux/hitless.files"
	while read -r f; do
		put "$part/$f" "$tree/$f"
	done <"$linux/patched.list"
	while read -r f; do
		put "$overlay/$f" "$tree/$f"
	done <"$linux/overlay.list"
	rm -rf "$part"
	mv "$linux/hitless.id.new" "$linux/hitless.id"
	say "build/linux/hitless: $(series_list | wc -l) patches, $(wc -l <"$linux/overlay.list") new files," \
		"$(cat "$BUILD/log/hookcheck.log"); $changed files written"
}

# What pagewise does without, the last first.
pagewise_patches() {
	series_list | grep -E '^[0-9]+-(memblock|kho-Reserve)-' | LC_ALL=C sort -r
}

pagewise_prepare() {
	hitless_prepare
	cat "$linux/hitless.id" >"$linux/pagewise.id.new"
	if cmp -s "$linux/pagewise.id.new" "$linux/pagewise.id" && [ -d "$pagewise" ]; then
		rm -f "$linux/pagewise.id.new"
		return
	fi
	pagewise_patches >"$linux/pagewise.list"
	for kind in memblock kho-Reserve; do
		grep -q -- "-$kind-" "$linux/pagewise.list" ||
			die "pagewise leaves out patches of memblock and of KHO; the series has: $(tr '\n' ' ' <"$linux/pagewise.list")"
	done
	rm -rf "$linux/pagewise.id" "$pagewise.new"
	mkdir "$pagewise.new"
	find "$tree" -mindepth 1 -maxdepth 1 ! -name "obj-*" -exec cp -al -t "$pagewise.new" -- {} +
	while read -r p; do
		# The files are shared with hitless: patch writes a new one.
		patch -p1 -R --fuzz=0 --no-backup-if-mismatch -r - -d "$pagewise.new" -i "$patches/$p" \
			>"$BUILD/log/patch.log" 2>&1 </dev/null ||
			die "pagewise: $p cannot be left out, since later hooks stand on it (build/log/patch.log)"
	done <"$linux/pagewise.list"
	for o in "$pagewise"/obj-*; do
		[ ! -d "$o" ] || mv "$o" "$pagewise.new/"
	done
	rm -rf "$pagewise"
	mv "$pagewise.new" "$pagewise"
	mv "$linux/pagewise.id.new" "$linux/pagewise.id"
	say "build/linux/pagewise: hitless without $(tr '\n' ' ' <"$linux/pagewise.list")"
}

[ $# -gt 0 ] || set -- stock hitless
for what in "$@"; do
	case $what in
	stock | hitless | pagewise) ;;
	*) die "usage: kernel-prepare.sh [stock|hitless|pagewise]..." ;;
	esac
done
mkdir -p "$linux"
lock kernel
for what in "$@"; do
	"${what}_prepare"
done
