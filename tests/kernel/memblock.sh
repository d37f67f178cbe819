#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own tests of memblock, and ours among them, in userspace with ASan and UBSan: on the patched source, with and without NUMA.
set -eu
# shellcheck source=tests/kernel/lib.sh
. "$(dirname -- "$0")/lib.sh"

tree=$BUILD/linux/hitless
out=$BUILD/test/memblock
[ -d "$tree" ] || die "no tree $tree: run scripts/kernel-prepare.sh"
# shellcheck disable=SC2086 # a list of words
echo '#include <urcu/uatomic.h>' | ${CC:-cc} ${CFLAGS:-} -E - >/dev/null 2>&1 || {
	echo 'liburcu-dev is not installed'
	exit 77
}

# It builds among its sources, which are not ours to write to.
rm -rf "$out"
mkdir -p "$out"
(cd "$tree" && cp -a --parents -t "$out" mm/memblock.c include lib arch/x86/include tools/include tools/lib tools/scripts \
	tools/arch tools/testing/memblock tools/testing/shared tools/testing/selftests/kselftest.h)
cd "$out/tools/testing/memblock"

ours='reserve_preserved_random_check reserve_preserved_many_check reserve_preserved_no_room_check region_free_random_check'
bad=0
for numa in 0 1; do
	log=$BUILD/test/memblock-numa-$numa.log
	make -s clean >/dev/null
	make -s -j"$(nproc)" NUMA=$numa >"$log" 2>&1 || {
		cat "$log"
		die "the tests of memblock do not build"
	}
	./main -v >"$log" 2>&1 || {
		tail -n 5 "$log"
		say "NUMA=$numa: the tests of memblock fail"
		bad=1
	}
	for test in $ours; do
		grep -q "^ok .*$test: passed" "$log" || {
			say "NUMA=$numa: $test did not pass"
			bad=1
		}
	done
	say "NUMA=$numa: $(grep -c '^ok' "$log") passed"
done
exit $bad
