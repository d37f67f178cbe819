#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every file that can hold a comment says its licence in one of its first three lines, the one its folder is under.
set -eu
cd "$(dirname -- "$0")/../.."

files() {
	if [ -e .git ]; then
		git ls-files -co --exclude-standard
	else
		find . -path ./build -prune -o -path ./out -prune -o -type f -print | sed 's,^\./,,'
	fi | LC_ALL=C sort
}

# The licence by folder; patches are of the file they change, and some formats know no comment.
licence() {
	case $1 in
	COPYING | LICENSES/* | *.md | *.json | *.patch | kernel/patches/series | kernel/patches/manifest) ;;
	*.svg | *.png | *.dtb | *.bin | *.txt | .gitattributes | tests/*/data/* | tests/*/corpus/* | *.equivalent) ;;
	kernel/configs/* | */.kunitconfig) ;;
	kernel/overlay/include/uapi/*) echo '(GPL-2\.0|GPL-2\.0-only) WITH Linux-syscall-note' ;;
	kernel/overlay/*) echo '(GPL-2\.0|GPL-2\.0-only)' ;;
	lib/Makefile) echo '(GPL-2\.0|LGPL-2\.1)-or-later' ;;
	lib/* | include/hitless/*) echo 'LGPL-2\.1-or-later' ;;
	*) echo 'GPL-2\.0-or-later' ;;
	esac
}

bad=0
checked=0
for f in $(files); do
	[ -f "$f" ] || continue
	want=$(licence "$f")
	[ -n "$want" ] || continue
	checked=$((checked + 1))
	if ! head -n 3 "$f" | grep -Eq "SPDX-License-Identifier: $want( |\$|\*)"; then
		echo "$f: not SPDX-License-Identifier: $(echo "$want" | sed 's/[\]//g')" >&2
		bad=$((bad + 1))
	fi
done
echo "$checked files, $bad without their licence"
[ "$bad" = 0 ] && [ "$checked" -gt 0 ]
