#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fetch.sh [--refresh] qemu|kernel...
#
# Get QEMU and the kernel source from Debian's trixie-backports, on whatever Debian this runs, without changing the
# machine: apt runs with a configuration, lists and an empty package state of its own under build/apt, so that it
# resolves QEMU with every library down to libc, and the packages are unpacked into build/qemu. The one thing taken from the
# machine is where it gets its packages: the mirror in its apt sources, its proxy, its credentials. DEBIAN_MIRROR= names
# another mirror. Nothing is fetched twice; --refresh asks for newer packages.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

apt=$BUILD/apt
suite=$(lock_value suite)
release=${suite%-backports}

# The address that the machine's own sources give for Debian's main archive. apt knows which it is once it has lists.
mirror_of_machine() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 !~ /^cdrom:/ { print $2; exit }'
}

mirror_find() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "$DEBIAN_MIRROR"
		return
	fi
	uri=$(mirror_of_machine)
	if [ -z "$uri" ] && [ "$(id -u)" = 0 ]; then
		quietly fetch-host-update.log apt-get update || :
		uri=$(mirror_of_machine)
	fi
	[ -n "$uri" ] ||
		die "the apt sources of this machine name no Debian archive; name one with DEBIAN_MIRROR=<address>"
	echo "$uri"
}

keyring_find() {
	for k in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		[ -e "$k" ] && echo "$k" && return
	done
	die "no Debian archive keyring: install debian-archive-keyring"
}

# How the machine reaches its mirror: proxies, time-outs and credentials go on to hold.
apt_conf() {
	cat <<-EOT
	Dir "$apt";
	Dir::Etc "$apt/etc";
	Dir::State "$apt/state";
	Dir::State::status "$apt/state/status";
	Dir::Cache "$apt/cache";
	Dir::Etc::netrc "/etc/apt/auth.conf";
	Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
	APT::Architecture "amd64";
	APT::Architectures "amd64";
	APT::Install-Recommends "false";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	EOT
	apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|ForceIPv[46]|Check-(Valid-Until|Date)|Max-FutureTime)\b' |
		grep -v ' "";$' || :
}

apt_setup() {
	[ -z "${apt_ready:-}" ] || return 0
	mirror=$(mirror_find)
	keyring=$(keyring_find)
	mkdir -p "$apt/etc/apt.conf.d" "$apt/etc/preferences.d" "$apt/etc/sources.list.d" "$apt/state/lists/partial" \
		"$apt/cache/archives/partial" "$apt/deb"
	: >"$apt/state/status"
	apt_conf >"$apt/apt.conf"
	printf "deb [signed-by=$keyring] $mirror %s main\n" "$release" "$suite" >"$apt/etc/sources.list"
	APT_CONFIG=$apt/apt.conf
	export APT_CONFIG
	say "reading the package lists of $release and $suite"
	# Without Error-Mode a list that cannot be had is a warning, and the error comes later and says something else.
	quietly fetch-update.log apt-get -o APT::Update::Error-Mode=any update ||
		die "no package lists from the mirror (above); DEBIAN_MIRROR=<address> names another one"
	apt_ready=yes
}

# newest PACKAGE: its version in the suite, empty when there is none
newest() {
	apt-cache madison "$1" | awk -F' *[|] *' -v suite="$suite/" '
		index($3, suite) { gsub(/ /, "", $2); print $2; exit }'
}

# mentioned KEY VALUE: say so when it is not what base.lock has
mentioned() {
	was=$(lock_value "$1")
	[ "$2" = "$was" ] || say "notice: $1 is $2; last built and tested with $was"
}

kernel_have() {
	[ -s "$BUILD/src/linux.tar.xz" ] && [ -s "$BUILD/src/linux.version" ]
}

kernel_fetch() {
	if [ -n "${KERNEL_SRC:-}" ]; then
		return
	fi
	if kernel_have && [ -z "$refresh" ]; then
		return
	fi
	package=$(lock_value package)
	apt_setup
	version=$(newest "$package")
	[ -n "$version" ] ||
		die "$suite has no $package any more; name a tree or tarball of $(lock_value series).y with KERNEL_SRC=<path>"
	mkdir -p "$BUILD/src"
	if kernel_have && [ "$(cat "$BUILD/src/linux.version")" = "$version" ]; then
		say "$package $version is the newest"
		return
	fi
	say "fetching $package $version (about 160 MB)"
	rm -f "$apt/deb/$package"_*.deb
	(cd "$apt/deb" && quietly fetch-kernel.log apt-get download "$package=$version") || die "cannot fetch $package $version"
	dpkg-deb --fsys-tarfile "$apt/deb/$package"_*.deb |
		tar -x -O -f - "./$(lock_value tarball)" >"$BUILD/src/linux.tar.xz.new" ||
		die "$package $version holds no $(lock_value tarball)"
	rm -f "$apt/deb/$package"_*.deb "$BUILD/src/linux.version"
	mv "$BUILD/src/linux.tar.xz.new" "$BUILD/src/linux.tar.xz"
	sha256_of "$BUILD/src/linux.tar.xz" >"$BUILD/src/linux.sha256"
	echo "$version" >"$BUILD/src/linux.version"
	mentioned version "$version"
	mentioned sha256 "$(cat "$BUILD/src/linux.sha256")"
}

# QEMU runs with its own libraries and its own loader: the machine's are too old on Debian 12.
qemu_wrapper() {
	cat >"$BUILD/qemu-system-x86_64.new" <<-'EOT'
	#!/bin/sh
	# Written by scripts/fetch.sh.
	root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/qemu
	lib=$root/usr/lib/x86_64-linux-gnu
	QEMU_MODULE_DIR=$lib/qemu
	export QEMU_MODULE_DIR
	exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$lib" "$root/usr/bin/qemu-system-x86_64" \
		-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "$@"
	EOT
	chmod +x "$BUILD/qemu-system-x86_64.new"
	mv "$BUILD/qemu-system-x86_64.new" "$BUILD/qemu-system-x86_64"
}

version_least() {
	[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

qemu_fetch() {
	if [ -s "$BUILD/qemu/version" ] && [ -x "$BUILD/qemu-system-x86_64" ] && [ -z "$refresh" ]; then
		return
	fi
	package=$(lock_value qemu-package)
	apt_setup
	version=$(newest "$package")
	[ -n "$version" ] || die "$suite has no $package"
	if [ "$(cat "$BUILD/qemu/version" 2>/dev/null)" = "$version" ] && [ -x "$BUILD/qemu-system-x86_64" ]; then
		say "$package $version is the newest"
		return
	fi
	say "fetching $package $version and its libraries (about 60 MB)"
	rm -f "$apt"/cache/archives/*.deb
	quietly fetch-qemu.log apt-get install -y --download-only -t "$suite" "$package" || die "cannot fetch $package (above)"
	say "unpacking QEMU"
	rm -rf "$BUILD/qemu.new"
	mkdir -p "$BUILD/qemu.new"
	for deb in "$apt"/cache/archives/*.deb; do
		# Only what QEMU reads: documentation and locales are most of the files.
		dpkg-deb --fsys-tarfile "$deb" | tar -x -f - -C "$BUILD/qemu.new" --keep-directory-symlink \
			--exclude='./usr/share/doc*' --exclude='./usr/share/man*' --exclude='./usr/share/locale*' ||
			die "cannot unpack ${deb##*/}"
	done
	rm -f "$apt"/cache/archives/*.deb
	rm -rf "$BUILD/qemu"
	mv "$BUILD/qemu.new" "$BUILD/qemu"
	qemu_wrapper
	found=$("$BUILD/qemu-system-x86_64" --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
	[ -n "$found" ] || die "QEMU was unpacked and does not run"
	version_least "$found" "$(lock_value qemu-least)" ||
		die "this needs QEMU $(lock_value qemu-least) or newer; $suite has $found"
	echo "$version" >"$BUILD/qemu/version"
	say "QEMU $found is in build/qemu"
}

refresh=
if [ "${1:-}" = --refresh ]; then
	refresh=yes
	shift
fi
[ $# -gt 0 ] || die "usage: fetch.sh [--refresh] qemu|kernel..."
for what in "$@"; do
	case $what in
	qemu | kernel) ;;
	*) die "$what: not one of qemu, kernel" ;;
	esac
done
lock fetch
for what in "$@"; do
	"${what}_fetch"
done
