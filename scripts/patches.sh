# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Sourced after lib.sh: the patch series and its manifest. DIR below is a tree, or the part of one that the series touches.

patches=$KERNEL_DIR/patches
overlay=$KERNEL_DIR/overlay
manifest=$patches/manifest

# The patches in their order, one a line.
series_list() {
	[ -f "$patches/series" ] || die "$patches/series is missing"
	sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$patches/series"
}

# The files that a patch changes.
patch_files() {
	sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' "$1"
}

series_files() {
	series_list | while read -r p; do
		patch_files "$patches/$p"
	done | LC_ALL=C sort -u
}

overlay_files() {
	[ -d "$overlay" ] || return 0
	# What editors and patch leave behind is none of it.
	(cd "$overlay" && find . -type f ! -name '*~' ! -name '.*.sw?' ! -name '.#*' ! -name '*.orig' ! -name '*.rej' ! -name '*.o') |
		sed 's,^\./,,' | LC_ALL=C sort
}

# One patch: hooks into files that exist, nothing else, and it says where it stands with upstream.
patch_lint() {
	grep -q '^Upstream-status: [^[:space:]]' "$1" || die "${1##*/}: no line \"Upstream-status: ...\" in its message"
	if grep -Eq '^(new file mode|deleted file mode|rename (from|to)|old mode|GIT binary patch)|^(---|\+\+\+) /dev/null' "$1"; then
		die "${1##*/}: a patch only hooks into files that exist; new files belong in the overlay"
	fi
	[ -n "$(patch_files "$1")" ] || die "${1##*/}: changes no file"
}

series_lint() {
	series_list >"$BUILD/series.want"
	if [ -s "$BUILD/series.want" ] && [ ! -s "$manifest" ]; then
		die "$manifest is missing or empty"
	fi
	while read -r p; do
		[ -f "$patches/$p" ] || die "$p: in the series, and missing"
		patch_lint "$patches/$p"
	done <"$BUILD/series.want"
	for p in "$patches"/*.patch; do
		[ -e "$p" ] || continue
		grep -qxF "${p##*/}" "$BUILD/series.want" || die "${p##*/}: not in the series"
	done
	rm -f "$BUILD/series.want"
}

# hunk_name PATCH FILE NUMBER: the place that the manifest has for the first recorded line that the hunk adds
hunk_name() {
	awk -F'\t' -v file="$2" -v nr="$3" '
		function squeezed(s) { gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
		NR == FNR { if ($1 == file) place[$3] = $2; next }
		/^\+\+\+ b\// { here = substr($1, 7) == file; hunk = 0; next }
		/^@@ / { hunk++; if (here && hunk == nr) { split($0, h, "@@"); title = squeezed(h[3]) } next }
		here && hunk == nr && /^\+/ { s = squeezed(substr($0, 2)); if (s in place) { print place[s]; found = 1; exit } }
		END { if (!found) print title == "" ? "the top level" : title }' "$manifest" "$1"
}

# hunk_added PATCH FILE NUMBER: the lines that the hunk adds
hunk_added() {
	awk -v file="$2" -v nr="$3" '
		/^\+\+\+ b\// { here = $2 == "b/" file; hunk = 0; next }
		/^@@ / { hunk++; next }
		here && hunk == nr && /^\+/ { print "    " $0 }' "$1"
}

# What patch said about PATCH, in terms of hooks. Base is what to call the tree.
hooks_unfit() {
	awk '/^patching file / { file = $3; gsub(/\047/, "", file) }
	     /^Hunk #[0-9]+ FAILED/ { print file, substr($2, 2) }
	     /Reversed \(or previously applied\)/ { print file, 0 }' "$3" |
		while read -r file nr; do
			if [ "$nr" = 0 ]; then
				echo "hook does not fit $2: ${1##*/}: $file: it is there already"
				continue
			fi
			echo "hook does not fit $2: ${1##*/}: $file: in $(hunk_name "$1" "$file" "$nr")"
			hunk_added "$1" "$file" "$nr"
		done >&2
}

# patch_apply PATCH DIR BASE: no fuzz. Offsets are taken: point releases move lines, and the manifest check follows.
patch_apply() {
	patch_files "$1" >"$BUILD/patch.files"
	while read -r f; do
		[ -f "$2/$f" ] || die "hook does not fit $3: ${1##*/}: $f: the file is gone"
	done <"$BUILD/patch.files"
	rm -f "$BUILD/patch.files"
	if ! patch -p1 --fuzz=0 --forward --no-backup-if-mismatch -r - -d "$2" -i "$1" \
		>"$BUILD/log/patch.log" 2>&1 </dev/null; then
		hooks_unfit "$1" "$3" "$BUILD/log/patch.log"
		die "the series stops at ${1##*/} (build/log/patch.log); scripts/kernel-rebase.sh moves the hooks to a new base"
	fi
}

# series_apply DIR BASE
series_apply() {
	series_list >"$BUILD/series.apply"
	while read -r p; do
		patch_apply "$patches/$p" "$1" "$2"
	done <"$BUILD/series.apply"
	rm -f "$BUILD/series.apply"
}

hookcheck() {
	if [ ! -x "$BUILD/hookcheck" ] || [ -n "$(find "$TOP/scripts/hookcheck.c" -newer "$BUILD/hookcheck")" ]; then
		${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$BUILD/hookcheck" "$TOP/scripts/hookcheck.c" ||
			die "scripts/hookcheck.c does not compile"
	fi
	"$BUILD/hookcheck" "$@"
}

# hooks_diff STOCK DIR: what the files named on standard input gained
hooks_diff() {
	while read -r f; do
		diff -U0 --label "a/$f" --label "b/$f" "$1/$f" "$2/$f" || [ $? = 1 ]
	done
}

# hooks_check STOCK DIR: every hook where the manifest has it, no hook that it has not, no patch without one
hooks_check() {
	[ -s "$manifest" ] || return 0	# series_lint lets an empty series have none
	series_files | hooks_diff "$1" "$2" >"$BUILD/hooks.diff"
	hookcheck check "$2" "$manifest" <"$BUILD/hooks.diff" >"$BUILD/log/hookcheck.log" ||
		die "the hooks are not where kernel/patches/manifest has them (above)"
	rm -f "$BUILD/hooks.diff"
	series_list | while read -r p; do
		patch_in_manifest "$patches/$p" || die "$p: none of its lines is in the manifest"
	done
}

patch_in_manifest() {
	awk -F'\t' '
		function squeezed(s) { gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
		NR == FNR { known[$1 "\t" $3] = 1; next }
		/^\+\+\+ b\// { file = substr($1, 7); next }
		/^\+/ { if ((file "\t" squeezed(substr($0, 2))) in known) { found = 1; exit } }
		END { exit !found }' "$manifest" "$1"
}
