#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every shell script, by its first line or its name.
set -eu
cd "$(dirname -- "$0")/../.."

scripts=$(find . -path ./build -prune -o -path ./out -prune -o -path ./.git -prune -o -path ./kernel/overlay -prune -o -type f -print |
	while read -r f; do
		case $f in
		*.sh) echo "$f" ;;
		*) [ "$(head -c 9 "$f" | tr -d '\0')" != '#!/bin/sh' ] || echo "$f" ;;
		esac
	done | LC_ALL=C sort)
# shellcheck disable=SC2086 # a list of paths, none with a blank
shellcheck -x $scripts
