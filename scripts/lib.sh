# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Sourced by the scripts beside it: where things are, and how to say and stop.
#
# BUILD= and KERNEL_DIR= name other places for what is built and for patches, overlay and configs; the tests of the
# scripts use them to work on a tree of their own.

TOP=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
KERNEL_DIR=${KERNEL_DIR:-$TOP/kernel}
me=${0##*/}

say() {
	printf '%s: %s\n' "${me%.sh}" "$*"
}

die() {
	printf '%s: error: %s\n' "${me%.sh}" "$*" >&2
	exit 1
}

# absolute NAME PATH: make the variable NAME hold PATH, made if missing, as an absolute path.
absolute() {
	mkdir -p "$2" || die "$1: cannot make $2"
	eval "$1=\$(CDPATH='' cd -- \"\$2\" && pwd)"
}

absolute BUILD "$BUILD"
case $BUILD in
*[[:space:]:]*) die "$BUILD: the kernel's build takes no path with a blank or a colon in it" ;;
esac
mkdir -p "$BUILD/log"

# lock NAME: from here to the end of the script nobody else holds build/NAME.lock. Says so when it has to wait.
lock() {
	exec 9>"$BUILD/$1.lock"
	flock -n 9 && return
	say "waiting for another run that holds $1.lock"
	flock 9
}

# quietly LOG COMMAND...: the output goes to build/log/LOG; its end is shown when the command fails.
quietly() {
	log=$BUILD/log/$1
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		return 0
	fi
	tail -n 25 "$log" >&2
	return 1
}

sha256_of() {
	sha256sum -- "$1" | cut -d' ' -f1
}

# kernel_version TREE: 7.3.4
kernel_version() {
	awk '$2 != "=" { next }
	     $1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 } $1 == "SUBLEVEL" { s = $3; exit }
	     END { if (v == "" || p == "") exit 1; print v "." p "." (s == "" ? 0 : s) }' "$1/Makefile"
}

# lock_value KEY: the value of KEY in kernel/base.lock
lock_value() {
	sed -n "s/^$1[[:space:]]*=[[:space:]]*//p" "$KERNEL_DIR/base.lock"
}
