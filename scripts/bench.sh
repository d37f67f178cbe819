#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh [PATTERN...]: run the rows of the benchmark whose names match, put them side by side in out/bench: report.json
# (docs/report-schema.md), tables.md, and size, restore and parts, .svg and .png. Without a pattern: all but those that take too long,
# which are reported as not run, with the reason; "quick": a few small ones; "all": those that take too long as well. "docs": run
# nothing, and put tables and pictures into docs/PERFORMANCE.md.
#
# A row is a mode, what is mapped, and how many devices: arenas-16g-1; with amd- before it on AMD-Vi, else on VT-d. It is run with counted
# instructions, as many rows at once as there are processors and memory, and those up to 16 GiB once more without, alone, for
# milliseconds (BENCH_TIME=no leaves that out). A mode is kernels and their arguments, below.
#
# What was run before is not run again while its kernels, the guest's program, QEMU, the witness and what is asked of them are the same; so
# a benchmark that was interrupted goes on where it was. BENCH_OUT= another directory than out/bench; VM_BUILD=no uses the kernels
# that are there. A machine takes up to 8 GiB of memory.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

out=${BENCH_OUT:-$TOP/out/bench}
bench_mib=8192

# mode_set MODE: which kernels, what they are told, and do devices go through the update?
mode_set() {
	keep=1
	lean=1
	arguments=
	case $1 in
	base)	# the unpatched kernel as scenarios have it
		mode=stock
		kernels='stock stock'
		keep=0
		lean=0
		;;
	stock)	# without what A and B are configured without
		kernels='lean lean'
		keep=0
		;;
	page-by-page)
		kernels='pagewise pagewise'
		arguments=iommu_liveupdate.arenas=0
		;;
	arenas) kernels='A B' ;;
	cold)
		kernels='A B'
		keep=0
		;;
	esac
}

# row MODE GIB LEAF_KIB DEVICES SCATTER WHEN [REASON]: WHEN is quick, always, or long: only when it is asked for, because of REASON.
# DEVICES is a number, or demo: the machine of that scenario.
rows() {
	iommu=vtd
	row base 0 4 demo 0 always
	row stock 0 4 demo 0 always
	row arenas 0 4 demo 0 always

	for n in 1 4 16; do
		row stock 0 4 $n 1 always
	done

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

	iommu=amd
	row stock 0 4 demo 0 always
	row arenas 0 4 demo 0 always
	row page-by-page 0 4 1 1 always
	row page-by-page 16 4 1 1 always
	row arenas 0 4 1 1 quick
	row arenas 16 4 1 1 always
	row arenas 1024 4 1 0 always
	row cold 0 4 1 1 quick
	row cold 16 4 1 1 always
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

# quoted WORD...: as a list of JSON has them
quoted() {
	list=
	for w; do
		list="$list${list:+, }\"$w\""
	done
	echo "$list"
}

# scenario NAME ICOUNT
scenario() {
	iommu_mode=scalable
	[ "$iommu" = vtd ] || iommu_mode=v1
	expect='"pass"'
	[ "$keep" = 1 ] || expect='"fail", "expect_reasons": ["translation-off"]'
	bulk=1
	quiet=
	if [ "$nr" = demo ]; then
		bulk=0
		quiet=quiet
	fi
	# shellcheck disable=SC2086 # lists of words
	cat >"$out/$1.json" <<END
{
	"name": "$1",
	"description": "one row of the benchmark",
	"iommu": "$iommu",
	"mode": "$iommu_mode",
	"kernels": [$(quoted $kernels)],
	"plan": "bench",
	"devices": [$(devices_of "$nr")],
	"arguments": [$(quoted hitless.mapped_gib="$gib" hitless.leaf_kib="$leaf" hitless.scatter="$scatter" hitless.keep="$keep" \
		hitless.bulk="$bulk" hitless.run_ms=200 $arguments $quiet)],
	"icount": $2,
	"ram_mib": $ram_mib,
	"packet_rate": 0,
	"expect": $expect,
	"thresholds": { "translations_min": 0 },
	"timeout_s": 3600
}
END
}

# inputs NAME: all that its figures depend on
inputs() {
	sha256sum "$out/$1.json" "$BUILD/initramfs.cpio" "$BUILD/witness/witness"
	sed -n 's/.*"kernels": \[\(.*\)\].*/\1/p' "$out/$1.json" | tr -d '",' | tr ' ' '\n' | sort -u | while read -r k; do
		sha256sum "$BUILD/kernels/$k/bzImage"
	done
	"$BUILD/qemu-system-x86_64" --version
}

# run_one NAME: whether its report can be used is seen from that
run_one() {
	inputs "$1" >"$out/$1.inputs"
	if cmp -s "$out/$1.inputs" "$out/$1/inputs"; then
		say "$1: is there"
		return 0
	fi
	rm -rf "${out:?}/$1"
	began=$(date +%s)
	if "$BUILD/witness/witness" run --qemu "$BUILD/qemu-system-x86_64" --kernels "$BUILD/kernels" \
		--initramfs "$BUILD/initramfs.cpio" --out "$out" "$out/$1.json" >"$out/$1.log" 2>&1; then
		mv "$out/$1.inputs" "$out/$1/inputs"
	else
		say "$1: $(grep '^  [*!] ' "$out/$1.log" | head -n 3 | tr '\n' ';')"
	fi
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

# images: the kernels, and what each is
images() {
	list=
	for k in $kernels; do
		list="$list${list:+,}$k:$(sha256sum "$BUILD/kernels/$k/bzImage" | cut -c 1-16)"
	done
	echo "$list"
}

# list REASON COUNTED AGAIN TIMED
list() {
	count=$nr
	machine=-
	quiet=0
	if [ "$nr" = demo ]; then
		count=3
		machine=demo
		quiet=1
	fi
	built=-
	[ "$2" = - ] || built=$(images)
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$iommu" "$mode" $((gib * 1073741824)) \
		$((leaf * 1024)) "$count" "$scatter" "$machine" "$lean" "$quiet" $((ram_mib * 1048576)) "$built" "$2" "$3" "$4" "$1" \
		>>"$out/rows.tsv"
}

# Called for each row twice: to write down what is to be run, and then what came of it.
row() {
	mode=$1 gib=$2 leaf=$3 nr=$4 scatter=$5
	mode_set "$mode"
	name=$mode-${gib}g-$nr
	[ "$iommu" = vtd ] || name=$iommu-$name
	[ "$leaf" = 4 ] || name=$name-large
	[ "$scatter" = 1 ] || [ "$nr" = demo ] || name=$name-piece
	[ "$lean" = 1 ] || name=$name-base
	ram_mib=$bench_mib
	[ "$nr" != demo ] || ram_mib=1024
	if [ "$6" = never ] || ! wanted "$name" "$6"; then
		[ "$step" != list ] || [ "$what" = some ] || list "${7:-it was not asked for}" - - -
		return 0
	fi
	again=-
	[ "$name" != arenas-1g-1 ] || again=$out/$name-again
	timed=-
	[ "${BENCH_TIME:-yes}" = no ] || [ "$gib" -gt 16 ] || timed=$out/$name-time
	if [ "$step" = list ]; then
		list - "$out/$name" "$again" "$timed"
		return
	fi
	scenario "$name" true
	echo "$name" >>"$out/counted"
	if [ "$again" != - ]; then
		scenario "$name-again" true
		echo "$name-again" >>"$out/counted"
	fi
	if [ "$timed" != - ]; then
		scenario "$name-time" false
		echo "$name-time" >>"$out/timed"
	fi
}

# Counted instructions do not know of other machines at the same time, and milliseconds do.
run_all() {
	at_once=$(awk -v mib="$bench_mib" -v most="$(nproc)" '
		/^MemAvailable:/ { n = int($2 / 1024 / (mib + 1024)); print n < 1 ? 1 : n < most ? n : most }' /proc/meminfo)
	: >"$out/counted"
	: >"$out/timed"
	step=run
	rows
	xargs -r -P "$at_once" -n 1 "$TOP/scripts/bench.sh" one <"$out/counted"
	xargs -r -n 1 "$TOP/scripts/bench.sh" one <"$out/timed"
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
	for p in size restore parts; do
		cp "$out/$p.png" "$TOP/docs/img/bench-$p.png"
	done
	awk -v tables="$out/tables.md" '
		!skip { print }
		/<!-- make bench -->/ {
			skip = 1
			print "\n![Blackout by what is mapped](img/bench-size.png)\n"
			print "![Early boot and IOMMU restore by what is mapped](img/bench-restore.png)\n"
			print "![What each blackout is made of](img/bench-parts.png)\n"
			while ((getline line <tables) > 0) print line
			close(tables)
		}
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
one)
	run_one "$2"
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
export BENCH_OUT="$out"
rm -f "$out/rows.tsv"
if [ "${VM_BUILD:-yes}" != no ]; then
	"$TOP/scripts/kernel-prepare.sh" stock hitless pagewise
	"$TOP/scripts/kernel-build.sh" A B stock lean pagewise
fi
began_all=$(date +%s)
[ "${BENCH_MICRO:-yes}" = no ] || micro
run_all
step=list
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
