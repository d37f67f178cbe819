#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The runner, on a project of a few lines: it counts right, says why, and its exit status agrees.
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

top=$WORK/top
mkdir -p "$top/scripts" "$top/tests/scripts" "$top/tests/unit" "$top/rig/scenarios" "$top/.ci"
cp "$TOP/scripts/lib.sh" "$TOP/scripts/test.sh" "$top/scripts/"
cp "$TOP/.ci/run" "$top/.ci/"
printf 'test:\n\t@scripts/test.sh\n' >"$top/Makefile"
# Stand-ins for what builds and what runs a machine.
for s in fetch kernel-prepare kernel-headers; do
	printf '#!/bin/sh\n' >"$top/scripts/$s.sh"
done
# shellcheck disable=SC2016 # dollars of the scripts that are written
printf '#!/bin/sh\n[ "$1" != "$(cat broken 2>/dev/null)" ]\n' >"$top/scripts/kernel-build.sh"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "verdict of $1"\n[ "$1" != bad ]\n' >"$top/scripts/vm.sh"
for d in guest witness; do
	mkdir -p "$top/rig/$d"
	printf 'all witness:\n\t@:\n' >"$top/rig/$d/Makefile"
done
chmod +x "$top"/scripts/*.sh
printf 'check:\n\t@:\n' >"$top/tests/unit/Makefile"
echo 'exit 0' >"$top/tests/scripts/good.sh"
echo 'exit 1' >"$top/tests/scripts/lib.sh"
echo '{}' >"$top/rig/scenarios/fine.json"
BUILD=$top/build
CI=
unset TESTS TEST_MINUTES
export CI

runner() {
	(cd "$top" && "$top/scripts/test.sh")
}
ci() {
	(cd / && CI=true bash "$top/.ci/run")
}
ends() {
	[ "$(tail -n 1 "$WORK/out")" = "$1" ] || fail "the last line is not \"$1\""
}
says() {
	grep -q -e "$1" "$WORK/out" || fail "does not say \"$1\""
}

# good, unit, ten steps of building, one scenario
passes 'all good' runner
ends '17 passed, 0 failed, 0 skipped'
says '^ok    scenario/fine '
passes 'all good, in CI' ci
ends '17 passed, 0 failed, 0 skipped'

printf 'echo much\necho "no such device here"\nexit 77\n' >"$top/tests/scripts/skipped.sh"
passes 'one skipped' runner
ends '17 passed, 0 failed, 1 skipped'
says '^skip  scripts/skipped  *(no such device here)$'

printf 'echo the reason\nexit 3\n' >"$top/tests/scripts/bad.sh"
refuses 'one failed' '^FAIL  scripts/bad .*exit status 3' runner
says '^    the reason$'
ends '17 passed, 1 failed, 1 skipped'
refuses 'one failed, in CI' FAIL ci
ends '17 passed, 1 failed, 1 skipped'
rm "$top/tests/scripts/bad.sh" "$top/tests/scripts/skipped.sh"

echo '{}' >"$top/rig/scenarios/bad.json"
refuses 'a scenario failed' '^FAIL  scenario/bad ' runner
says '^    verdict of bad$'
ends '17 passed, 1 failed, 0 skipped'
rm "$top/rig/scenarios/bad.json"

echo B >"$top/broken"
refuses 'a kernel does not build' '^FAIL  build/kernel-B ' runner
ends '16 passed, 1 failed, 0 skipped'
rm "$top/broken"

printf 'check:\n\t@exit 1\n' >"$top/tests/unit/Makefile"
refuses 'unit tests fail' '^FAIL  unit ' runner
printf 'check:\n\t@:\n' >"$top/tests/unit/Makefile"

TESTS='scripts/*'
export TESTS
passes 'some' runner
ends '1 passed, 0 failed, 0 skipped'
unset TESTS
TEST_MINUTES=0
export TEST_MINUTES
refuses 'no time' 'not run: 0 minutes are over' runner
unset TEST_MINUTES

printf 'test:\n\t@exit 1\n' >"$top/Makefile"
refuses 'set-up fails, in CI' . ci
ends '0 passed, 1 failed, 0 skipped'
