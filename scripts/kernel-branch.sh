#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Make a git tree to work on the kernel part in, build/linux-git (or GIT=): branch `base` is the stock source, branch
# `hitless` has the overlay as its first commit and each patch of the series as one more. scripts/kernel-export.sh
# writes what is committed there back to kernel/; scripts/kernel-rebase.sh moves it to a new point release.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=scripts/patches.sh
. "$(dirname -- "$0")/patches.sh"
# shellcheck source=scripts/kernel-git.sh
. "$(dirname -- "$0")/kernel-git.sh"

[ ! -e "$GIT" ] || die "$GIT exists; work in it, or remove it first"
"$TOP/scripts/kernel-prepare.sh" stock
series_lint

dest=$GIT
GIT=$dest.new
rm -rf "$GIT"
git init -q -b base "$GIT"
kgit_identity
say "importing Linux $(cat "$BUILD/linux/version")"
kgit reset -q --hard "$(kgit_import "$BUILD/linux/stock")"
kgit checkout -q -b hitless
if [ -n "$(overlay_files)" ]; then
	overlay_files | while read -r f; do
		mkdir -p "$(dirname -- "$GIT/$f")"
		cp "$overlay/$f" "$GIT/$f"
	done
	overlay_files | kgit add -f --pathspec-from-file=-
	kgit commit -q -m 'The overlay: new files'
fi
series_list | while read -r p; do
	kgit am -q --no-3way --keep-non-patch "$patches/$p" || die "hook does not fit: $p (above)"
done
hooks_check "$BUILD/linux/stock" "$GIT"
mv "$GIT" "$dest"
say "$dest: branch base, and hitless with $(git -C "$dest" rev-list --count base..hitless) commits on it"
