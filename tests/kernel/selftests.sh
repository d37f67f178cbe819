#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own selftests of iommufd and of live update: each test has to end on a patched kernel as it ends on the stock one.
# How it ends there is in data/selftests.stock, since the stock kernel is not built with what these tests need but for making that list:
#
#	selftests.sh			run on the debug kernel, with KASAN and lockdep watching, and compare
#	selftests.sh --stock IMAGE	run on a stock kernel, of base.config and selftest.config, and write the list
#
# SUITES= names some of them. KERNELS=, QEMU=, SELFTEST_TREE= (whose selftests) and UAPI= name other places.
set -eu
# shellcheck source=tests/kernel/lib.sh
. "$(dirname -- "$0")/lib.sh"

iommu='iommufd iommufd_fail_nth'
here_and_there='luo_kexec_simple luo_multi_session luo_stress_files luo_stress_sessions'
suites=${SUITES:-$iommu liveupdate $here_and_there}
list=$here/data/selftests.stock
tree=${SELFTEST_TREE:-$BUILD/linux/hitless}
uapi=${UAPI:-$BUILD/uapi}
out=$BUILD/selftests
mkdir -p "$out/root/tests" "$BUILD/test"

compile() {
	to=$1
	shift
	${CC:-cc} -static -O2 -w -D_GNU_SOURCE -isystem "$uapi/include" -I"$tree/tools/testing/selftests" -o "$out/root/$to" "$@"
}

build() {
	selftests=$tree/tools/testing/selftests
	[ -d "$selftests" ] || die "no selftests in $tree"
	compile init "$here/init.c"
	for t in $iommu; do
		compile "tests/$t" "$selftests/iommu/$t.c" -lcap
	done
	for t in liveupdate $here_and_there; do
		compile "tests/$t" -I"$selftests/liveupdate/lib/include" "$selftests/liveupdate/$t.c" \
			"$selftests/liveupdate/lib/lu_utils.c"
	done
	archive "$out/root" >"$out/initrd"
}

# initrd_for IMAGE: with what comes after kexec in it
initrd_for() {
	rm -rf "$out/next"
	mkdir "$out/next"
	ln "$1" "$out/next/kernel" 2>/dev/null || cp "$1" "$out/next/kernel"
	cp "$out/initrd" "$out/next/initrd"
	archive "$out/next" | cat "$out/initrd" - >"$out/initrd-kexec"
}

# run SUITE IMAGE: what it printed goes to LOG.tap
run() {
	log=$BUILD/test/selftest-$1.log
	initrd=$out/initrd
	line="selftest=$1"
	case " $here_and_there " in
	*" $1 "*)
		initrd=$out/initrd-kexec
		line="$line selftest_kexec"
		;;
	esac
	rm -f "$log.tap"
	boot "$log" 900 "$line" -kernel "$2" -initrd "$initrd" -serial "file:$log.tap"
	tr -d '\r\000' <"$log.tap" >"$log.said"
	grep -q "^selftest $1 stage" "$log.said" || {
		tail -n 5 "$log.said" "$log.text"
		die "$1 did not come to its end"
	}
}

# results SUITE: each test and how it ended, one a line, after the suite's name. Numbers are left out: tests that are added move them.
results() {
	sed -n -E -e 's/^((not )?ok) [0-9]+ (- )?([^#]*[^# ]) *(# SKIP.*)?$/\1 \4 \5/p' -e 's/^selftest ([^ ]*) (stage.*)$/\2/p' \
		"$BUILD/test/selftest-$1.log.said" | sed -E -e 's/ # SKIP.*/ (skipped)/' -e 's/ +$//' -e "s/^/$1: /"
}

make_list() {
	image=$1
	initrd_for "$image"
	mkdir -p "$here/data"
	echo '# SPDX-License-Identifier: GPL-2.0-or-later' >"$list.new"
	for suite in $suites; do
		run "$suite" "$image"
		results "$suite" >>"$list.new"
		say "$suite: $(grep -c "^$suite: ok" "$list.new") ok, $(grep -c "^$suite: not ok" "$list.new") not ok"
	done
	mv "$list.new" "$list"
}

compare() {
	image=$1
	bad=0
	initrd_for "$image"
	for suite in $suites; do
		run "$suite" "$image"
		results "$suite" >"$out/$suite.here"
		grep "^$suite: " "$list" >"$out/$suite.stock" || die "$suite is not in $list"
		verdict=ok
		if ! diff "$out/$suite.stock" "$out/$suite.here" >"$out/$suite.diff"; then
			sed -n 's/^</stock: /p; s/^>/here:  /p' "$out/$suite.diff" | head -n 20
			verdict='not ok'
		fi
		clean "$log" || verdict='not ok'
		[ "$verdict" = ok ] || bad=1
		echo "$verdict $suite ($(grep -c ': ok' "$out/$suite.here" || :) pass," \
			"$(grep -c ': not ok' "$out/$suite.here" || :) fail as on stock," \
			"$(grep -c '(skipped)' "$out/$suite.here" || :) skipped as on stock)"
	done
	return "$bad"
}

if [ "${1:-}" != --stock ] && [ ! -s "$list" ]; then
	echo "no list of how they end on the stock kernel: make one with selftests.sh --stock IMAGE"
	exit 77
fi
build
case ${1:-} in
--stock) make_list "$2" ;;
*) compare "$(image debug)" ;;
esac
