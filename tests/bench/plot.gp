# SPDX-License-Identifier: ISC
# Draws the rates of rates.tsv (tests/bench/run --write): calls.svg has the calls of a second over the size of
# their result, bytes.svg what that is in megabytes.
set terminal svg size 760,480 font "sans-serif,14" background "white"
set datafile separator tab
set datafile missing "?"
set logscale xy
set format x "%.0s %cB"
set xrange [700:1.4e7]
set xlabel "size of the result"
set grid xtics ytics lc rgb "#dddddd" lw 0.5 lt 1
set border 3 lc rgb "#666666"
set tics nomirror
set key outside right top reverse Left
array colours[4] = ["#0b6e4f", "#d1495b", "#edae49", "#777777"]
servers = "2 3 4 5"

set output "calls.svg"
set ylabel "calls a second"
set format y "%g"
plot for [i in servers] "rates.tsv" using 1:int(i) with linespoints \
	lw 2.5 pt 7 ps 0.7 lc rgb colours[int(i) - 1] title columnheader(int(i))

set output "bytes.svg"
set ylabel "MB a second"
plot for [i in servers] "rates.tsv" using 1:(column(int(i)) * $1 / 1e6) with linespoints \
	lw 2.5 pt 7 ps 0.7 lc rgb colours[int(i) - 1] title columnheader(int(i))
