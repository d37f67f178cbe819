#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Move the branch of build/linux-git (or GIT=) to the kernel source at hand: the newest of the series that Debian has, or
# KERNEL_SRC=. The source becomes a new commit of branch `base`, and branch `hitless` is rebased onto it. Stops with the
# name of the hook that does not fit; settle it there, `git rebase --continue`, and run this again. When all fit:
# scripts/kernel-export.sh.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=scripts/patches.sh
. "$(dirname -- "$0")/patches.sh"
# shellcheck source=scripts/kernel-git.sh
. "$(dirname -- "$0")/kernel-git.sh"

[ -e "$GIT/.git" ] || die "no git tree $GIT: scripts/kernel-branch.sh makes one, from the source that the series fits"
for d in rebase-merge rebase-apply; do
	[ ! -e "$(kgit rev-parse --absolute-git-dir)/$d" ] ||
		die "a rebase is under way in $GIT: settle it, git rebase --continue, then run this again"
done
[ -z "$(kgit status --porcelain --untracked-files=no)" ] || die "$GIT has changes that are not committed"
kgit_identity

# The places where git left conflict markers in a file.
conflict_places() {
	grep -n '^<<<<<<<' "$GIT/$1" | cut -d: -f1 |
		awk -v f="$1" 'BEGIN { print "+++ b/" f } { print "@@ -0,0 +" $1 " @@" }' |
		hookcheck list "$GIT" | cut -f2 | LC_ALL=C sort -u
}

unfit() {
	subject=$(kgit log -1 --format=%s REBASE_HEAD)
	kgit diff --name-only --diff-filter=U | while read -r f; do
		if ! grep -q '^<<<<<<<' "$GIT/$f" 2>/dev/null; then
			echo "hook does not fit Linux $version: \"$subject\": $f is removed, or new on both sides"
			continue
		fi
		conflict_places "$f" | while read -r place; do
			echo "hook does not fit Linux $version: \"$subject\": $f: in $place"
		done
	done >&2
	die "settle this in $GIT, git rebase --continue, and run this again"
}

# Git merges, and so may set a hook down elsewhere without a word. The manifest still has the places of old.
hooks_compare() {
	kgit diff --no-renames --name-only --diff-filter=M base hitless >"$BUILD/hooked.files"
	rm -rf "$BUILD/rebase"
	kgit_part base "$BUILD/hooked.files" "$BUILD/rebase/stock"
	kgit_part hitless "$BUILD/hooked.files" "$BUILD/rebase/tip"
	hooks_diff "$BUILD/rebase/stock" "$BUILD/rebase/tip" <"$BUILD/hooked.files" |
		hookcheck check "$BUILD/rebase/tip" "$manifest" >/dev/null ||
		die "the hooks are not where they were (above): when that is right, scripts/kernel-export.sh records it"
	rm -rf "$BUILD/rebase" "$BUILD/hooked.files"
}

"$TOP/scripts/fetch.sh" --refresh kernel
"$TOP/scripts/kernel-prepare.sh" stock
version=$(cat "$BUILD/linux/version")
say "importing Linux $version"
old=$(kgit rev-parse base)
new=$(kgit_import "$BUILD/linux/stock" "$old")
if [ "$(kgit rev-parse "$new^{tree}")" = "$(kgit rev-parse "$old^{tree}")" ]; then
	say "branch base is Linux $version as it is"
else
	kgit branch -q -f base "$new"
	say "moving $(kgit rev-list --count "$old..hitless") commits to Linux $version"
	kgit rebase -q --no-autostash --onto base "$old" hitless >"$BUILD/log/rebase.log" 2>&1 </dev/null || unfit
fi
hooks_compare
say "the hooks fit Linux $version; scripts/kernel-export.sh writes them to kernel/"
