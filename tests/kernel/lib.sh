# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Sourced by the tests beside it, which boot a kernel and read its console: where things are, the machine, what must not be said there.

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# What lib.sh takes from where the script lies is for scripts/.
BUILD=${BUILD:-$here/../../build}
KERNEL_DIR=${KERNEL_DIR:-$here/../../kernel}
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"
TOP=$(CDPATH='' cd -- "$here/../.." && pwd)
qemu=${QEMU:-$BUILD/qemu-system-x86_64}

# image NAME: what to boot; KERNELS= has other ones.
image() {
	image=${KERNELS:-$BUILD/kernels}/$1/bzImage
	[ -s "$image" ] || die "no kernel $image"
	echo "$image"
}

# boot LOG SECONDS COMMAND_LINE QEMU_OPTION...: a machine with VT-d. It ends by itself, by a reset; ending in any other way is an error.
# KASAN and lockdep take memory from boot on, and KHO asks for a multiple of that; hence 2 GiB, and areas of a size that is said.
# With page tables of five levels, an interrupt that comes while Linux looks at the processor's features anew finds KASAN taking
# every address for a wild one; hence no5lvl.
boot() {
	log=$1
	seconds=$2
	line=$3
	shift 3
	rm -f "$log"
	status=0
	timeout -k 5 "$seconds" "$qemu" -machine q35 -accel tcg -cpu max -smp 2 -m 2G -nodefaults -nographic -no-reboot \
		-device intel-iommu,intremap=on,scalable-mode=on -serial "file:$log" \
		-append "console=ttyS0 printk.time=0 panic=1 kho=on kho_scratch=32M,600M,32M liveupdate=on intel_iommu=on no5lvl $line" \
		"$@" </dev/null >"$log.qemu" 2>&1 || status=$?
	if [ "$status" != 0 ]; then
		tail -n 20 "$log" "$log.qemu" >&2 || :
		die "the machine did not end by itself (exit status $status, at most $seconds s)"
	fi
	# The console ends its lines as terminals do, and the firmware draws on it.
	tr -d '\r\000' <"$log" >"$log.text"
}

# archive FOLDER: it and all in it, as an initramfs, to the standard output
archive() {
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet)
}

# clean LOG: no complaint of the kernel's own checkers
clean() {
	if grep -nE '(BUG: |WARNING: |KASAN: |UBSAN: |INFO: (possible|suspicious|task|rcu)|INFO: trying to register|Kernel panic|Oops|general protection|cut here|Call Trace|ODEBUG:|DEBUG_LOCKS_WARN)' \
		"$1.text" >"$1.complaints"; then
		head -n 3 "$1.complaints" >&2
		at=$(head -n 1 "$1.complaints" | cut -d: -f1)
		sed -n "$at,$((at + 40))p" "$1.text" >&2
		say "the kernel complained"
		return 1
	fi
}
