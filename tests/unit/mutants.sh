#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Has each check of the verifier, and each step of the comparison, a test that notices when it is gone? Break a source in one place at a
# time, by mutants.awk, and run the tests: one of them has to fail. What no test can notice, because it changes nothing (or speed, by
# less than bench/ allows), is listed in mutants.equivalent: the broken line without its indentation, a tab, what it becomes.
#
# Takes long (every mutant is compiled): `make mutants`, not `make check`. MUTANTS=<regular expression> for those whose line matches;
# MUTANTS_OF=<source>... for some of the sources.
set -eu
cd "$(dirname -- "$0")"
here=$PWD
flags="-std=gnu11 -w -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I$here -I$BUILD/unit/include"

# tests_of SOURCE: those that have to notice, the fastest first
tests_of() {
	case $1 in
	verify.c) echo test_blob test_iommu test_pci test_tables test_mutations ;;
	compare.c) echo test_compare test_compare_scan test_compare_random ;;
	*) echo test_iommu test_tables test_compare test_compare_scan test_compare_random ;;
	esac
}

# noticed DIR: does a test fail with the sources in DIR? One that does not end has failed. 2: it does not compile, and proves nothing.
noticed() {
	cp "$BUILD/unit/verify.o" "$BUILD/unit/compare.o" "$1"
	for s in verify compare; do
		case $source in
		"$s.c" | *.h) ;;
		*) continue ;;
		esac
		# shellcheck disable=SC2086 # flags are words
		${CC:-cc} $flags -c "$1/$s.c" -o "$1/$s.o" 2>"$1/cc.log" || return 2
	done
	for t in $(tests_of "$source"); do
		objects="$BUILD/unit/$t.o $1/compare.o"
		# It has compare.c within it.
		if [ "$t" = test_compare_scan ]; then
			objects=$1/$t.o
			# shellcheck disable=SC2086
			${CC:-cc} $flags -I"$1" -c "$here/$t.c" -o "$objects" 2>"$1/cc.log" || return 2
		fi
		# shellcheck disable=SC2086
		${CC:-cc} -fsanitize=address,undefined $objects "$BUILD/unit/world.o" "$1/verify.o" -lcmocka -lz -o "$1/$t"
		UNIT_MUTATIONS=3000 UNIT_ROUNDS=1500 ASAN_OPTIONS=detect_leaks=0 timeout 30 "$1/$t" >"$1/$t.log" 2>&1 || return 0
	done
	# A step that is there for speed alone is noticed by its cost.
	case $source in
	verify.c) costs=check-verify ;;
	compare.c) costs=check-compare ;;
	*) costs=check ;;
	esac
	timeout 60 make -s -C "$here/../../bench" BUILD="$1" VERIFY_DIR="$1" "$costs" >"$1/bench.log" 2>&1 || return 0
	return 1
}

# run WORKER WORKERS: every so many-th mutant
run() {
	nr=0
	mkdir -p "$out/$1"
	cp "$VERIFY_DIR/verify.c" "$VERIFY_DIR/compare.c" "$VERIFY_DIR"/*.h "$out/$1"
	# shellcheck disable=SC2094 # the list is only read
	while IFS="$(printf '\t')" read -r line_nr rest; do
		nr=$((nr + 1))
		[ $((nr % $2)) = "$1" ] || continue
		line=$(sed -n "${line_nr}s/^[[:space:]]*//p" "$VERIFY_DIR/$source")
		new=$(printf '%s\n' "$rest" | sed 's/^[[:space:]]*//')
		printf '%s\n' "$line" | grep -Eq -e "${MUTANTS:-.}" || continue
		LC_ALL=C awk -v at="$line_nr" -v nr="$nr" 'FNR == NR { if (FNR == nr) { sub(/^[0-9]+\t/, ""); new = $0 } next }
			FNR == at { print new; next } { print }' "$out/list" "$VERIFY_DIR/$source" >"$out/$1/$source"
		ret=0
		noticed "$out/$1" || ret=$?
		if [ "$ret" = 0 ]; then
			echo "$nr" >>"$out/$1.noticed"
		elif [ "$ret" = 2 ]; then
			echo "$nr" >>"$out/$1.nonsense"
		elif grep -qxF -e "$line$(printf '\t')$new" "$here/mutants.equivalent"; then
			echo "$nr" >>"$out/$1.equivalent"
		else
			printf '%s\n' "$source:$line_nr: $line -> $new" | tee -a "$out/$1.unnoticed"
		fi
	done <"$out/list"
}

count() {
	cat "$out"/*."$1" 2>/dev/null | wc -l
}

workers=$(nproc)
status=0
for source in ${MUTANTS_OF:-verify.c format.h compare.c}; do
	out=$BUILD/unit/mutants/$source
	rm -rf "$out"
	mkdir -p "$out"
	LC_ALL=C awk -f mutants.awk "$VERIFY_DIR/$source" >"$out/list"
	i=0
	while [ "$i" -lt "$workers" ]; do
		run "$i" "$workers" &
		i=$((i + 1))
	done
	wait
	echo "$source: $(wc -l <"$out/list") mutants: $(count noticed) noticed, $(count equivalent) change nothing, $(count nonsense) do not compile, $(count unnoticed) not noticed"
	[ "$(count unnoticed)" = 0 ] && [ "$(count noticed)" -gt 0 ] || status=1
done
exit "$status"
