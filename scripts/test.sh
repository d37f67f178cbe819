#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Run every test, the cheap ones first, and print a line for each; the last line is `N passed, N failed, N skipped`. Building
# is tested too: a kernel that does not build is a failure, and so is every scenario that needs it.
#
#	TESTS=PATTERN	run those whose names match, as in TESTS='scripts/*'; TESTS='scenario/chain'
#	TEST_MINUTES=N	begin no test after N minutes; what was not run by then has failed (80 in CI, which is stopped at 90)
#
# A script of tests/ passes with exit status 0, is skipped with 77, the reason being its last line, and fails otherwise.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd "$TOP"

logs=$BUILD/test
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
skipped=0
began=$(date +%s)
aim=45
if [ "${CI:-}" = true ]; then
	TEST_MINUTES=${TEST_MINUTES:-80}
fi

minutes() {
	echo $((($(date +%s) - began) / 60))
}

line() {
	printf '%-5s %-32s %s\n' "$@"
}

wanted() {
	# shellcheck disable=SC2254 # a pattern is what it is to be
	case $1 in
	${TESTS:-*}) return 0 ;;
	esac
	return 1
}

# outcome NAME STATUS SECONDS LOG
outcome() {
	case $2 in
	0)
		passed=$((passed + 1))
		line ok "$1" "$3 s"
		;;
	77)
		skipped=$((skipped + 1))
		line skip "$1" "($(tail -n 1 "$4"))"
		;;
	*)
		failed=$((failed + 1))
		line FAIL "$1" "$3 s, exit status $2, ${4#"$TOP/"}"
		tail -n 40 "$4" | sed 's/^/    /'
		;;
	esac
}

# limited SECONDS COMMAND...: with all that it starts, when time is over or this is stopped
limited() {
	timeout -k 10 "$@" </dev/null &
	child=$!
	trap 'kill "$child" 2>/dev/null; exit 130' INT TERM
	ended=0
	wait "$child" || ended=$?
	trap - INT TERM
	return "$ended"
}

# run_test NAME SECONDS COMMAND...: at most SECONDS
run_test() {
	name=$1
	limit=$2
	shift 2
	wanted "$name" || return 0
	log=$logs/$(echo "$name" | tr / -).log
	if [ -n "${TEST_MINUTES:-}" ] && [ "$(minutes)" -ge "$TEST_MINUTES" ]; then
		echo "not run: $TEST_MINUTES minutes are over" >"$log"
		outcome "$name" 1 0 "$log"
		return
	fi
	at=$(date +%s)
	status=0
	limited "$limit" "$@" >"$log" 2>&1 || status=$?
	outcome "$name" "$status" $(($(date +%s) - at)) "$log"
}

# run_step NAME COMMAND...: building, which takes long enough that one wants to watch
run_step() {
	name=$1
	shift
	log=$logs/$(echo "$name" | tr / -).log
	at=$(date +%s)
	{
		status=0
		limited 3000 "$@" 2>&1 || status=$?
		echo "$status" >"$logs/status"
	} | tee "$log"
	status=$(cat "$logs/status")
	outcome "$name" "$status" $(($(date +%s) - at)) "$log"
	return "$status"
}

run_scripts() {
	for t in tests/"$1"/*.sh; do
		case $t in
		*/lib.sh | */\*.sh) continue ;;
		esac
		t=${t##*/}
		run_test "$1/${t%.sh}" "$2" sh "tests/$1/$t"
	done
}

any_wanted() {
	for n in "$@"; do
		! wanted "$n" || return 0
	done
	return 1
}

# What needs nothing but a compiler.
run_scripts scripts 300
for m in tests/*/Makefile; do
	[ -f "$m" ] || continue
	t=${m%/Makefile}
	run_test "${t#tests/}" 900 make -C "$t" BUILD="$BUILD" check
done

# What runs in a machine. Names are known without building.
scenarios=
for s in rig/scenarios/*.json; do
	[ -f "$s" ] || continue
	s=${s##*/}
	scenarios="$scenarios ${s%.json}"
done
kernel_tests=
for t in tests/kernel/*.sh; do
	case $t in
	*/lib.sh | */\*.sh) continue ;;
	esac
	t=${t##*/}
	kernel_tests="$kernel_tests ${t%.sh}"
done
build() {
	run_step build/qemu scripts/fetch.sh qemu || :
	run_step build/source scripts/fetch.sh kernel || return 0
	run_step build/hooks scripts/kernel-prepare.sh || return 0
	run_step build/uapi scripts/kernel-headers.sh || return 0
	run_step build/guest make -C rig/guest BUILD="$BUILD" || :
	run_step build/witness make -C rig/witness BUILD="$BUILD" witness || :
	for k in A B stock fault debug vtd amd neither; do
		run_step "build/kernel-$k" scripts/kernel-build.sh "$k" || :
	done
}
# shellcheck disable=SC2046 # lists of words
if any_wanted build $(for s in $scenarios; do echo "scenario/$s"; done) $(for t in $kernel_tests; do echo "kernel/$t"; done); then
	build
fi
run_scripts kernel 900
for s in $scenarios; do
	run_test "scenario/$s" 900 env VM_BUILD=no scripts/vm.sh "$s"
done

echo "time: $(minutes) min of $aim aimed at"
echo "$passed passed, $failed failed, $skipped skipped" | tee "$logs/summary"
[ "$failed" = 0 ]
