# SPDX-License-Identifier: GPL-2.0-or-later
# Pictures of a benchmark, from size.dat and parts.dat in the present directory (scripts/bench.sh).
set datafile missing "nan"
set grid ytics lc rgb "#dddddd"
set key outside right top
set style data linespoints

do for [to in "svg png"] {
	if (to eq "svg") { set terminal svg size 1000,500 font "sans,12" background "white" }
	if (to eq "png") { set terminal pngcairo size 1000,500 font "sans,12" background "white" }

	set output "size.".to
	set title "Blackout by what is mapped in 4 KiB pages, one device"
	set xlabel "GiB mapped"
	set ylabel "millions of instructions"
	set logscale xy
	# There is no nothing on a logarithmic scale: 0 stands left of all else.
	set xrange [0.15:2048]
	set xtics ("0" 0.25, "1" 1, "16" 16, "256" 256, "1024" 1024) rotate by 0
	plot for [i = 0:3] "size.dat" index i using ($1 == 0 ? 0.25 : $1):2 title columnheader(1) pt 7 lw 2

	set output "restore.".to
	set title "Of it, what early boot and IOMMU restore do, one device"
	plot for [i = 1:2] "size.dat" index i using ($1 == 0 ? 0.25 : $1):3 title columnheader(1).": early boot" pt 7 lw 2, \
		for [i = 1:2] "size.dat" index i using ($1 == 0 ? 0.25 : $1):4 title columnheader(1).": IOMMU restore" pt 5 lw 2

	set output "parts.".to
	unset logscale
	set title "What a blackout is made of (bars end at 1500)"
	set style data histograms
	set style histogram rowstacked
	set style fill solid border lc rgb "white"
	set boxwidth 0.8
	set xlabel ""
	set autoscale x
	set yrange [0:1500]
	set xtics autofreq rotate by -60 nomirror
	plot for [c = 2:8] "parts.dat" using c:xtic(1) title columnheader(c)
	set autoscale y
	set style data linespoints
}
