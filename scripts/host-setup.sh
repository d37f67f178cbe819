#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Install the Debian packages that building and testing need, those that are missing, and say which.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

# The compiler and what the kernel's build asks for; what libraries and tests of ours link to; what the scripts call.
packages='
	make gcc libc6-dev flex bison bc perl libelf-dev zlib1g-dev libcap-dev cpio lz4 xz-utils ccache
	pkg-config libjson-c-dev libcmocka-dev liburcu-dev gnuplot-nox
	git patch rsync shellcheck'

missing=
for p in $packages; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done
# The suite that QEMU and the kernel source come from is signed with Debian 13's key.
if ! ls /usr/share/keyrings/debian-archive-trixie-stable.* >/dev/null 2>&1; then
	missing="$missing debian-archive-keyring"
fi
[ -n "$missing" ] || exit 0

[ "$(uname -m)" = x86_64 ] || die "this needs an amd64 machine; this one is $(uname -m)"
command -v apt-get >/dev/null || die "this needs Debian 12 or 13; install by hand:$missing"
[ "$(id -u)" = 0 ] || die "packages are missing and only root can install them: apt-get install$missing"
say "installing:$missing"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
quietly host-setup-update.log apt-get -o DPkg::Lock::Timeout=600 update ||
	die "apt-get update failed (above, and in build/log/host-setup-update.log)"
# shellcheck disable=SC2086 # a list of words
quietly host-setup-install.log \
	apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold install -y --no-install-recommends $missing ||
	die "apt-get install failed (above, and in build/log/host-setup-install.log)"
say "installed"
