#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# config-check.sh CONFIG FRAGMENT...: did every option of the fragments take? Names those that did not. A later fragment
# goes before an earlier one. Kconfig drops without a word what misses a dependency, or is no longer known by that name.
set -eu
[ $# -ge 2 ] || { echo "usage: config-check.sh CONFIG FRAGMENT..." >&2; exit 2; }
exec awk '
	/^CONFIG_[A-Za-z0-9_]+=/ { i = index($0, "="); name = substr($0, 1, i - 1); value = substr($0, i + 1) }
	/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { name = $2; value = "n" }
	name == "" { next }
	FILENAME == ARGV[1] { have[name] = value }
	FILENAME != ARGV[1] { if (!(name in want)) order[++nr] = name; want[name] = value; from[name] = FILENAME }
	{ name = "" }
	END {
		for (i = 1; i <= nr; i++) {
			name = order[i]
			is = name in have ? have[name] : "n"
			if (is == want[name])
				continue
			printf "%s: %s=%s did not take, it is %s\n", from[name], name, want[name], is
			bad++
		}
		exit bad ? 1 : 0
	}' "$@" >&2
