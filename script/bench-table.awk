# SPDX-License-Identifier: MIT
# bench-table.awk - bench's CSV as tables in Markdown: Weir beside the best of
# each kind, cell by cell, and then everybody's figures.

function column(name) {
	if (!(name in at)) {
		print "bench-table: no column " name >"/dev/stderr"
		exit 1
	}
	return $at[name]
}

# Three digits are all that a run can tell.
function short(x) {
	if (x == "")
		return ""
	if (x < 100)
		return sprintf("%.3g", x)
	return sprintf("%.0f", x)
}

function better(cell, kind, peer) {
	return !((cell, kind) in best) ||
		ns[cell, peer] + 0 < ns[cell, best[cell, kind]] + 0
}

BEGIN {
	FS = ","
}

{
	gsub(/"/, "")
}

FNR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

{
	part = column("element_size") " " (column("cpus") == 1 ? "one" : "all")
	if (!(part in cells)) {
		parts[++n_parts] = part
		cells[part] = 0
	}
	cell = part SUBSEP column("workload") SUBSEP column("capacity")
	if (!(cell in seen)) {
		seen[cell] = 1
		order[part, ++cells[part]] = cell
		lines[cell] = column("line_before_ns") " to " \
			column("line_after_ns")
		unit[cell] = column("unit")
	}
	peer = column("peer")
	if (!(peer in known)) {
		known[peer] = 1
		peers[++n_peers] = peer
		versions[peer] = column("version")
	}
	if (column("note") != "") {
		ns[cell, peer] = column("note")
		next
	}
	kind = column("kind")
	ns[cell, peer] = column("ns")
	cpu[cell, peer] = column("cpu_ns")
	switches[cell, peer] = column("switches")
	futexes[cell, peer] = column("futexes")
	vs_best[cell, peer] = column("vs_best")
	vs_floor[cell, peer] = column("vs_floor")
	if (better(cell, kind, peer))
		best[cell, kind] = peer
	if (kind == "sleeps" && (!(cell in least) ||
		cpu[cell, peer] + 0 < cpu[cell, least[cell]] + 0))
		least[cell] = peer
	if (first == "")
		first = column("date")
	last = column("date")
	machine = column("machine") ", Linux " column("kernel") ", " \
		column("compiler")
	commit = column("commit")
}

function named(cell, kind,    peer) {
	peer = best[cell, kind]
	return peer == "" ? "" : peer " " short(ns[cell, peer])
}

# In bold where Weir is behind.
function ratio(x) {
	return x == "" ? "" : x > 1 ? "**" short(x) "**" : short(x)
}

function write_part(part,    i, cell, p, f, w) {
	split(part, p, " ")
	printf "\n### Elements of %s bytes%s\n\n", p[1],
		p[2] == "one" ? ", all threads on one CPU" : ""
	print "| work | capacity | Weir | best that sleeps | ratio | Weir CPU" \
		" | least CPU | switches | futex calls | Go | floor | ratio" \
		" | line |"
	print "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= cells[part]; i++) {
		cell = order[part, i]
		split(cell, f, SUBSEP)
		w = cell SUBSEP "weir"
		printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |",
			f[2] (unit[cell] == "ns" ? "" : " (" unit[cell] ")"),
			f[3], short(ns[w]), named(cell, "sleeps"),
			ratio(vs_best[w]), short(cpu[w]),
			least[cell] == "" ? "" : \
				least[cell] " " short(cpu[cell, least[cell]]),
			short(switches[w]), short(futexes[w]),
			short(ns[cell, best[cell, "green"]])
		printf " %s | %s | %s |\n", named(cell, "floor"),
			ratio(vs_floor[w]), lines[cell]
	}
}

function write_all(part,    i, k, cell, f) {
	printf "\n<details><summary>Everybody, %s</summary>\n\n| work | capacity",
		part
	for (k = 1; k <= n_peers; k++)
		printf " | %s", peers[k]
	printf " |\n|---|---"
	for (k = 1; k <= n_peers; k++)
		printf "|---"
	print "|"
	for (i = 1; i <= cells[part]; i++) {
		cell = order[part, i]
		split(cell, f, SUBSEP)
		printf "| %s | %s", f[2], f[3]
		for (k = 1; k <= n_peers; k++)
			printf " | %s", ns[cell, peers[k]] ~ /^[0-9.-]+$/ ? \
				short(ns[cell, peers[k]]) : ns[cell, peers[k]]
		print " |"
	}
	print "\n</details>"
}

END {
	printf "%s to %s, commit %s, %s.\n\n", first, last, commit, machine
	printf "Versions:"
	for (k = 1; k <= n_peers; k++)
		if (versions[peers[k]] != "" && peers[k] != "weir")
			printf "%s %s %s", comma++ ? "," : "", peers[k],
				versions[peers[k]]
	print "."
	for (i = 1; i <= n_parts; i++)
		write_part(parts[i])
	for (i = 1; i <= n_parts; i++)
		write_all(parts[i])
}
