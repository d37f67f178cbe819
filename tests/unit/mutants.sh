#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Has each check of the verifier a test that notices when it is gone? Break verify.c in one place at a time, by mutants.awk, and run
# the tests: one of them has to fail. What no test can notice, because it changes nothing, is listed in mutants.equivalent with the
# reason: the broken line without its indentation, a tab, what it becomes.
#
# Takes long (every mutant is compiled): `make mutants`, not `make check`. MUTANTS=<regular expression> for those whose line matches.
set -eu
cd "$(dirname -- "$0")"
here=$PWD
out=$BUILD/unit/mutants
source=$VERIFY_DIR/verify.c
rm -rf "$out"
mkdir -p "$out"
LC_ALL=C awk -f mutants.awk "$source" >"$out/list"

tests='test_blob test_iommu test_pci test_tables test_mutations'
flags="-std=gnu11 -w -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I$here -I$BUILD/unit/include -I$VERIFY_DIR"

# noticed DIR: does a test fail with the verify.c in DIR? One that does not end has failed.
noticed() {
	# shellcheck disable=SC2086 # flags are words
	${CC:-cc} $flags -c "$1/verify.c" -o "$1/verify.o" 2>"$1/cc.log" || {
		cat "$1/cc.log" >&2
		exit 1
	}
	for t in $tests; do
		${CC:-cc} -fsanitize=address,undefined "$BUILD/unit/$t.o" "$BUILD/unit/world.o" "$1/verify.o" -lcmocka -lz -o "$1/$t"
		UNIT_MUTATIONS=3000 ASAN_OPTIONS=detect_leaks=0 timeout 20 "$1/$t" >"$1/$t.log" 2>&1 || return 0
	done
	return 1
}

# run WORKER WORKERS: every so many-th mutant
run() {
	nr=0
	mkdir -p "$out/$1"
	# shellcheck disable=SC2094 # the list is only read
	while IFS="$(printf '\t')" read -r line_nr rest; do
		nr=$((nr + 1))
		[ $((nr % $2)) = "$1" ] || continue
		line=$(sed -n "${line_nr}s/^[[:space:]]*//p" "$source")
		new=$(printf '%s\n' "$rest" | sed 's/^[[:space:]]*//')
		printf '%s\n' "$line" | grep -Eq -e "${MUTANTS:-.}" || continue
		LC_ALL=C awk -v at="$line_nr" -v nr="$nr" 'FNR == NR { if (FNR == nr) { sub(/^[0-9]+\t/, ""); new = $0 } next }
			FNR == at { print new; next } { print }' "$out/list" "$source" >"$out/$1/verify.c"
		if noticed "$out/$1"; then
			echo "$nr" >>"$out/$1.noticed"
		elif grep -qxF -e "$line$(printf '\t')$new" "$here/mutants.equivalent"; then
			echo "$nr" >>"$out/$1.equivalent"
		else
			printf '%s\n' "$line_nr: $line -> $new" | tee -a "$out/$1.unnoticed"
		fi
	done <"$out/list"
}

count() {
	cat "$out"/*."$1" 2>/dev/null | wc -l
}

workers=$(nproc)
i=0
while [ "$i" -lt "$workers" ]; do
	run "$i" "$workers" &
	i=$((i + 1))
done
wait
echo "$(wc -l <"$out/list") mutants: $(count noticed) noticed, $(count equivalent) change nothing, $(count unnoticed) not noticed"
[ "$(count unnoticed)" = 0 ] && [ "$(count noticed)" -gt 0 ]
