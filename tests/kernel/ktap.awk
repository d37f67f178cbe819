# SPDX-License-Identifier: GPL-2.0-or-later
# Reads KTAP, as KUnit prints it, from among other lines. Prints each test that did not pass, each that was skipped and a sum. Fails when a
# test failed, when a plan is missing or says another number than there are results, and when there is nothing.

function complain(what) {
	print "not ok: " what
	bad++
}

# The plan of the block that ends, at an indentation, against its results.
function check_block(depth, what) {
	if (!(depth in plan))
		return
	if (plan[depth] != results[depth])
		complain(what " has " results[depth] + 0 " results where " plan[depth] " were due")
	delete plan[depth]
	delete results[depth]
}

{ match($0, /^ */); depth = RLENGTH }

/^ *1\.\.[0-9]+$/ {
	if (depth in plan)
		complain("a second plan, at line " NR)
	sub(/^ *1\.\./, "")
	plan[depth] = $0 + 0
	results[depth] = 0
	nr_plans++
	next
}

/^ *(not )?ok [0-9]+ / {
	failed = /^ *not ok/
	skipped = /# SKIP/
	# Below it ends what it sums up; parameterized tests have no plan.
	check_block(depth + 4, $0)
	if (!(depth in plan) && depth < 8)
		complain("no plan before " $0)
	results[depth]++
	nr_results++
	if (failed)
		complain($0)
	if (skipped) {
		print "skipped: " $0
		nr_skipped++
	}
}

END {
	check_block(0, "the whole")
	for (depth in plan)
		complain("a plan of " plan[depth] " with " results[depth] + 0 " results, and no end")
	if (!nr_plans || !nr_results)
		complain("no KTAP")
	print nr_results + 0 " results, " bad + 0 " wrong, " nr_skipped + 0 " skipped"
	exit bad ? 1 : 0
}
