# SPDX-License-Identifier: MIT
# bench-plot.awk - of bench's CSV, one workload as gnuplot's data: a line for
# each capacity, a column for each of `peers` (separated by blanks) that has a
# figure; elements of 8 bytes, on all CPUs.  Nothing where there is nothing.

BEGIN {
	FS = ","
	n = split(peers, names, " ")
}

{
	gsub(/"/, "")
}

FNR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

$at["workload"] == workload && $at["element_size"] == 8 && $at["cpus"] > 1 {
	capacity = $at["capacity"]
	if (!(capacity in seen)) {
		seen[capacity] = 1
		rows[++n_rows] = capacity
	}
	if ($at["note"] == "" && $at["ns"] > 0) {
		ns[capacity, $at["peer"]] = $at["ns"]
		has[$at["peer"]] = 1
	}
}

END {
	if (n_rows == 0)
		exit
	printf "capacity"
	for (i = 1; i <= n; i++)
		if (names[i] in has)
			printf "\t%s", names[i]
	print ""
	for (r = 1; r <= n_rows; r++) {
		printf "%s", rows[r]
		for (i = 1; i <= n; i++)
			if (names[i] in has)
				printf "\t%s", (rows[r], names[i]) in ns ? \
					ns[rows[r], names[i]] : "?"
		print ""
	}
}
