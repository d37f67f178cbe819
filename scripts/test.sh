#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Run every test, the cheap ones first, and print a line for each; the last line is `N passed, N failed, N skipped`. Building
# is tested too: a kernel that does not build is a failure, and so is every scenario that needs it.
#
#	TESTS=PATTERN	run those whose names match, as in TESTS='scripts/*'; TESTS='scenario/chain'
#	TEST_MINUTES=N	begin no test after N minutes; what was not run by then has failed (80 in CI, which is stopped at 90)
#	TEST_JOBS=N	machines that run at a time (2: one has one processor, as a rule, and its devices and the witness take little)
#
# A script of tests/ passes with exit status 0, is skipped with 77, the reason being its last line, and fails otherwise.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd "$TOP"

logs=$BUILD/test
outcomes=$logs/outcomes
queue=$logs/queue
rm -rf "$logs"
mkdir -p "$logs"
: >"$outcomes"
: >"$queue"
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

# outcome NAME STATUS SECONDS LOG: the lines of one are not mixed with those of another
outcome() (
	flock 7
	case $2 in
	0)
		echo ok >&7
		line ok "$1" "$3 s"
		;;
	77)
		echo skip >&7
		line skip "$1" "($(tail -n 1 "$4"))"
		;;
	*)
		echo FAIL >&7
		line FAIL "$1" "$3 s, exit status $2, ${4#"$TOP/"}"
		tail -n 40 "$4" | sed 's/^/    /'
		;;
	esac
) 7>>"$outcomes"

count() {
	grep -c "^$1\$" "$outcomes" || :
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

# Takes what is next in the queue until there is nothing left. All lanes read by one descriptor, so by one place in the file.
lane() {
	while :; do
		{
			flock 6
			read -r kind what <&8 || kind=
		} 6>"$queue.lock"
		case $kind in
		kernel) run_test "kernel/$what" 1200 sh "tests/kernel/$what.sh" ;;
		scenario) run_test "scenario/$what" 900 env VM_BUILD=no scripts/vm.sh "$what" ;;
		'') return 0 ;;
		esac
	done
}

run_queue() {
	lanes=
	exec 8<"$queue"
	for _ in $(seq "${TEST_JOBS:-2}"); do
		lane &
		lanes="$lanes $!"
	done
	exec 8<&-
	# shellcheck disable=SC2064,SC2086 # a list, as it is now
	trap "kill $lanes 2>/dev/null; exit 130" INT TERM
	for l in $lanes; do
		wait "$l" || die "tests were left out: a lane ended early"
	done
	trap - INT TERM
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

# What runs in a machine. Names are known without building. What takes longest comes first.
kernel_tests=
for t in tests/kernel/*.sh; do
	case $t in
	*/lib.sh | */\*.sh) continue ;;
	esac
	t=${t##*/}
	kernel_tests="$kernel_tests kernel/${t%.sh}"
	echo "kernel ${t%.sh}" >>"$queue"
done
scenarios=
for s in rig/scenarios/*-debug.json rig/scenarios/*.json; do
	[ -f "$s" ] || continue
	s=${s##*/}
	scenarios="$scenarios scenario/${s%.json}"
	grep -q "^scenario ${s%.json}\$" "$queue" || echo "scenario ${s%.json}" >>"$queue"
done
build() {
	run_step build/qemu scripts/fetch.sh qemu || :
	run_step build/source scripts/fetch.sh kernel || return 0
	run_step build/hooks scripts/kernel-prepare.sh || return 0
	run_step build/uapi scripts/kernel-headers.sh || return 0
	run_step build/guest make -C rig/guest BUILD="$BUILD" || :
	run_step build/witness make -C rig/witness BUILD="$BUILD" witness || :
	for k in A B fault amd stock debug vtd neither; do
		run_step "build/kernel-$k" scripts/kernel-build.sh "$k" || :
	done
}
# shellcheck disable=SC2086 # lists of words
if any_wanted build $kernel_tests $scenarios; then
	build
fi
run_queue

failed=$(count FAIL)
echo "time: $(minutes) min of $aim aimed at"
echo "$(count ok) passed, $failed failed, $(count skip) skipped" | tee "$logs/summary"
[ "$failed" = 0 ]
