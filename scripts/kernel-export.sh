#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel-export.sh [BASE..TIP]: write the commits of a git tree, build/linux-git or GIT=, to kernel/. BASE..TIP is
# base..hitless when not given.
#
# New files go to kernel/overlay as they are at TIP. Of each commit, what it changes in files that BASE has goes to
# kernel/patches as one patch, with the commit's message. The manifest is made from the result: look at its diff, it says
# which hook stands where. Before anything is written, the series is applied to BASE and must give TIP.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=scripts/patches.sh
. "$(dirname -- "$0")/patches.sh"
# shellcheck source=scripts/kernel-git.sh
. "$(dirname -- "$0")/kernel-git.sh"

# Settings of the user would show in the patches.
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM

range=${1:-base..hitless}
case $range in
*...*) die "$range: a range is BASE..TIP" ;;
?*..?*) ;;
*) die "$range: a range is BASE..TIP" ;;
esac
work=$BUILD/export
rm -rf "$work"
mkdir -p "$work/patches" "$work/overlay"
base=$(kgit rev-parse -q --verify "${range%%..*}^{commit}") || die "$GIT: no commit ${range%%..*}"
tip=$(kgit rev-parse -q --verify "${range##*..}^{commit}") || die "$GIT: no commit ${range##*..}"
kgit merge-base --is-ancestor "$base" "$tip" || die "$range: the first is no ancestor of the second"
[ -z "$(kgit rev-list --merges "$base..$tip")" ] || die "$range: has merges; a series is a line of commits"
[ -z "$(kgit status --porcelain --untracked-files=no)" ] || say "notice: $GIT has changes that are not committed"
kgit ls-files --others -- '*.c' '*.h' '*.S' '*.rst' '*Kconfig' '*Makefile' '*.kunitconfig' >"$work/untracked"
if [ -s "$work/untracked" ]; then
	say "notice: files that are not in git are not exported (add -f when a .gitignore hides them):"
	head -n 30 "$work/untracked"
fi

kgit ls-tree -r --name-only "$base" | LC_ALL=C sort >"$work/base.files"
kgit diff --no-renames --name-status "$base" "$tip" >"$work/status"
awk -F'\t' '$1 == "A" { print $2 }' "$work/status" >"$work/new.files"
awk -F'\t' '$1 == "M" { print $2 }' "$work/status" >"$work/hooked.files"
if grep -v '^[AM]	' "$work/status" >&2; then
	die "$range: files of the base are removed or change their kind (above)"
fi

# The files of the base that a commit changes.
commit_files() {
	kgit diff-tree --no-commit-id --no-renames --name-only -r "$1" | LC_ALL=C sort | LC_ALL=C comm -12 - "$work/base.files"
}

nr=0
kgit rev-list --reverse "$base..$tip" >"$work/commits"
while read -r c; do
	commit_files "$c" >"$work/commit.files"
	[ -s "$work/commit.files" ] || continue
	nr=$((nr + 1))
	# shellcheck disable=SC2046 # paths of the kernel tree, none with a blank
	p=$(kgit format-patch -1 "$c" --start-number "$nr" --no-signature --zero-commit --full-index --no-renames \
		--no-numbered --no-stat --no-encode-email-headers -U3 -o "$work/patches" -- $(cat "$work/commit.files"))
	[ -f "$p" ] || die "no patch for commit $c"
	echo "${p##*/}" >>"$work/patches/series"
done <"$work/commits"
[ "$nr" -gt 0 ] || die "$range: no commit changes a file of the base, so there is no hook"

kgit_part "$tip" "$work/new.files" "$work/overlay"
kgit_part "$base" "$work/hooked.files" "$work/stock"
kgit_part "$base" "$work/hooked.files" "$work/applied"
kgit_part "$tip" "$work/hooked.files" "$work/tip"

kernel_patches=$patches kernel_overlay=$overlay
patches=$work/patches overlay=$work/overlay manifest=$work/patches/manifest
{
	printf '# file\tenclosing function or section\thook; written by scripts/kernel-export.sh, checked by scripts/hookcheck.c\n'
	hooks_diff "$work/stock" "$work/tip" <"$work/hooked.files" | hookcheck list "$work/tip"
} >"$manifest"

series_lint
series_apply "$work/applied" "its own base"
diff -r -q "$work/applied" "$work/tip" >&2 || die "the series does not give ${range##*..} (above)"
hooks_check "$work/stock" "$work/applied"

# replace FROM TO: make TO what FROM is, writing only files that differ, and say which
replace() {
	mkdir -p "$2"
	(cd "$2" && find . -type f) | while read -r f; do
		[ -e "$1/$f" ] && continue
		rm -f "$2/$f"
		say "removed ${2##*/}/${f#./}"
	done
	find "$2" -mindepth 1 -type d -empty -delete
	(cd "$1" && find . -type f) | while read -r f; do
		cmp -s "$1/$f" "$2/$f" && continue
		mkdir -p "$2/$(dirname -- "$f")"
		cp "$1/$f" "$2/$f"
		say "wrote ${2##*/}/${f#./}"
	done
}
replace "$patches" "$kernel_patches"
replace "$overlay" "$kernel_overlay"
say "$nr patches, $(grep -vc '^#' "$manifest") hook lines in $(wc -l <"$work/hooked.files") files," \
	"$(wc -l <"$work/new.files") new files"
rm -rf "$work"
