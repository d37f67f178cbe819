#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh [PATTERN...]: run the rows of the benchmark whose names match, put them side by side in out/bench: report.json
# (docs/report-schema.md), tables.md, and size, restore and parts, .svg and .png. Without a pattern: all but those that take too long,
# which are reported as not run, with the reason; "quick": a few small ones; "all": those that take too long as well. "docs": run
# nothing, and put the tables into docs/PERFORMANCE.md.
#
# A row is a mode, what is mapped, and how many devices: arenas-16g-1. It is run with counted instructions, and those up to 16 GiB once
# more without, for milliseconds (BENCH_TIME=no leaves that out). A mode is kernels and their arguments, below.
#
# BENCH_OUT= another directory than out/bench; VM_BUILD=no uses the kernels that are there. A machine takes up to 8 GiB of memory.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

out=${BENCH_OUT:-$TOP/out/bench}
ram_mib=8192

# mode_set MODE: which kernels, what they are told, and does anything go through the update?
mode_set() {
	keep=1
	arguments=
	case $1 in
	stock)
		kernels='"stock", "stock"'
		keep=0
		;;
	page-by-page)
		kernels='"pagewise", "pagewise"'
		arguments=iommu_liveupdate.arenas=0
		;;
	arenas) kernels='"A", "B"' ;;
	cold)
		kernels='"A", "B"'
		keep=0
		;;
	esac
}

# row MODE GIB LEAF_KIB DEVICES SCATTER WHEN [REASON]: WHEN is quick, always, or long: only when it is asked for, because of REASON
rows() {
	for n in 1 4 16; do
		row stock 0 4 $n 1 always
	done
	row stock 0 4 demo 1 always
	row arenas 0 4 demo 1 always

	row page-by-page 0 4 1 1 quick
	row page-by-page 1 4 1 1 quick
	row page-by-page 16 4 1 1 always
	row page-by-page 16 4 1 0 always
	quadratic="early boot is quadratic without the memblock fix: 22 instructions for each pair of"
	row page-by-page 256 4 1 1 long "$quadratic 131,333 tables are 3.8e11, half an hour or more"
	row page-by-page 1024 4 1 1 never "$quadratic 525,313 tables are 6e12; and a domain's list has room for 524,288"
	row page-by-page 1024 2048 1 1 always
	row page-by-page 0 4 4 1 always
	row page-by-page 0 4 16 1 always

	row arenas 0 4 1 1 quick
	row arenas 1 4 1 1 quick
	row arenas 16 4 1 1 always
	row arenas 16 4 1 0 always
	row arenas 256 4 1 1 always
	row arenas 1024 4 1 1 never "8 GiB of memory do not hold the tables and what scatters memory beside them"
	row arenas 1024 4 1 0 always
	row arenas 1024 2048 1 1 always
	for n in 4 16; do
		row arenas 0 4 $n 1 always
		row arenas 16 4 $n 1 always
	done

	row cold 0 4 1 1 quick
	row cold 1 4 1 1 quick
	row cold 16 4 1 1 always
	row cold 256 4 1 1 always
	row cold 1024 4 1 1 always
	row cold 1024 2048 1 1 always
	for n in 4 16; do
		row cold 0 4 $n 1 always
	done
}

devices_of() {
	if [ "$1" = demo ]; then
		echo '"ohci", "hda", "igb"'
		return
	fi
	printf '"ohci"'
	i=1
	while [ "$i" -lt "$1" ]; do
		printf ', "nic%d"' "$i"
		i=$((i + 1))
	done
	echo
}

# scenario NAME ICOUNT
scenario() {
	expect='"pass"'
	[ "$keep" = 1 ] || expect='"fail", "expect_reasons": ["translation-off"]'
	words=
	for w in "hitless.mapped_gib=$gib" "hitless.leaf_kib=$leaf" "hitless.scatter=$scatter" "hitless.keep=$keep" \
		hitless.run_ms=200 $arguments; do
		words="$words${words:+, }\"$w\""
	done
	cat >"$out/$1.json" <<END
{
	"name": "$1",
	"description": "one row of the benchmark",
	"iommu": "vtd",
	"mode": "scalable",
	"kernels": [$kernels],
	"plan": "bench",
	"devices": [$(devices_of "$nr")],
	"arguments": [$words],
	"icount": $2,
	"ram_mib": $ram_mib,
	"packet_rate": 0,
	"expect": $expect,
	"thresholds": { "translations_min": 0 },
	"timeout_s": 3600
}
END
}

# run NAME ICOUNT: whether its report can be used is seen from that
run() {
	scenario "$1" "$2"
	began=$(date +%s)
	"$BUILD/witness/witness" run --qemu "$BUILD/qemu-system-x86_64" --kernels "$BUILD/kernels" --initramfs "$BUILD/initramfs.cpio" \
		--out "$out" "$out/$1.json" >"$out/$1.log" 2>&1 || say "$1: $(grep '^  [*!] ' "$out/$1.log" | head -n 3 | tr '\n' ';')"
	say "$1: $(($(date +%s) - began)) s"
}

wanted() {
	for p in $patterns; do
		# shellcheck disable=SC2254 # a pattern is what it is to be
		case $1 in
		$p) return 0 ;;
		esac
	done
	case $what in
	all) return 0 ;;
	always) [ "$2" != long ] ;;
	quick) [ "$2" = quick ] ;;
	*) return 1 ;;
	esac
}

# list REASON COUNTED AGAIN TIMED
list() {
	count=$nr
	[ "$nr" != demo ] || count=3
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$mode" $((gib * 1073741824)) $((leaf * 1024)) "$count" "$scatter" \
		"$2" "$3" "$4" "$1" >>"$out/rows.tsv"
}

row() {
	mode=$1 gib=$2 leaf=$3 nr=$4 scatter=$5
	name=$mode-${gib}g-$nr
	[ "$leaf" = 4 ] || name=$name-large
	[ "$scatter" = 1 ] || name=$name-piece
	if [ "$6" = never ] || ! wanted "$name" "$6"; then
		[ "$what" = some ] || list "${7:-it was not asked for}" - - -
		return 0
	fi
	mode_set "$mode"
	run "$name" true
	again=-
	if [ "$name" = arenas-1g-1 ]; then
		run "$name-again" true
		again=$out/$name-again
	fi
	timed=-
	if [ "${BENCH_TIME:-yes}" != no ] && [ "$gib" -le 16 ]; then
		run "$name-time" false
		timed=$out/$name-time
	fi
	list - "$out/$name" "$again" "$timed"
}

# Of some rows alone there is nothing to see.
pictures() {
	[ "$what" != some ] || return 0
	if ! command -v gnuplot >/dev/null; then
		say "no gnuplot here, so no pictures; bench/bench.gp can make them elsewhere"
		return
	fi
	(cd "$out" && gnuplot "$TOP/bench/bench.gp") >"$out/gnuplot.log" 2>&1 || die "no pictures: $(tail -n 2 "$out/gnuplot.log")"
}

micro() {
	make -s -C "$TOP/bench" BUILD="$BUILD" all
	"$BUILD/bench/compare" >"$out/micro.log"
	"$BUILD/bench/verify" >>"$out/micro.log"
}

docs() {
	file=$TOP/docs/PERFORMANCE.md
	awk -v tables="$out/tables.md" '
		!skip { print }
		/<!-- make bench -->/ { skip = 1; print ""; while ((getline line <tables) > 0) print line; close(tables) }
		/<!-- end -->/ { if (skip) { print ""; print }; skip = 0 }' "$file" >"$file.new"
	mv "$file.new" "$file"
}

what=always
patterns=
case ${1:-} in
'') ;;
docs)
	docs
	exit 0
	;;
quick | all) what=$1 ;;
*)
	what=some
	patterns=$*
	;;
esac
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
rm -f "$out/rows.tsv"
if [ "${VM_BUILD:-yes}" != no ]; then
	"$TOP/scripts/kernel-prepare.sh" stock hitless pagewise
	"$TOP/scripts/kernel-build.sh" A B stock pagewise
fi
began_all=$(date +%s)
[ "${BENCH_MICRO:-yes}" = no ] || micro
rows
status=0
if [ "${BENCH_MICRO:-yes}" = no ]; then
	"$BUILD/witness/witness" bench "$out/rows.tsv" "$out" || status=1
else
	"$BUILD/witness/witness" bench "$out/rows.tsv" "$out" "$out/micro.log" || status=1
fi
"$BUILD/witness/witness" check-bench "$out/report.json" || status=1
pictures
cat "$out/tables.md"
say "$((($(date +%s) - began_all) / 60)) min; report: $out/report.json"
exit $status
