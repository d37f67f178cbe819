#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The series of this repository: what can be said of it without the kernel's source. That it fits is tested by building.
set -eu
TOP=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$TOP/kernel"

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

[ -s patches/series ] || fail 'no series'
ls patches/*.patch >/dev/null
for p in patches/*.patch; do
	grep -qxF "${p#patches/}" patches/series || fail "$p is not in the series"
	grep -q '^Upstream-status: [^[:space:]]' "$p" || fail "$p does not say its upstream status"
	# Less context and a hook fits where it should not. A hunk that begins a file may have less.
	awk '/^@@ / { split(substr($2, 2), at, ","); context = 0; counting = at[1] > 1; next }
	     counting && /^ / { context++; next }
	     counting { if (context != 3) { print FILENAME ":" NR ": " context " lines"; bad = 1 } counting = 0 }
	     END { exit bad }' "$p" || fail "$p has a hunk without three lines of context"
done
while read -r p; do
	[ -f "patches/$p" ] || fail "$p is in the series and missing"
done <patches/series
sed -n 's,^+++ b/,,p' patches/*.patch | LC_ALL=C sort -u | while read -r f; do
	[ ! -e "overlay/$f" ] || fail "$f is both patched and in the overlay"
	grep -q "^$f	" patches/manifest || fail "the manifest has no hook of $f"
done
for k in package suite series version sha256; do
	grep -Eq "^$k = [^ ]+$" base.lock || fail "base.lock: no $k"
done
