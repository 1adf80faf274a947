# SPDX-License-Identifier: MIT
# Do the includes of lib/ follow the table in lib/README.md?
# Usage: awk -f layers.awk lib/README.md lib/*.[ch]
#
# The table is the block fenced by ```layers.  A line `L2: gate waiter` puts
# these modules (gate.c, gate.h, ...) on layer 2; a line `except: a -> b`
# permits one include that does not point strictly down.
function module_of(path)
{
	sub(/.*\//, "", path)
	sub(/\.[a-z]+$/, "", path)
	return path
}
function complain(text)
{
	print text
	bad = 1
}
FNR == 1 {
	file = module_of(FILENAME)
	if (FILENAME !~ /README/) {
		present[file] = 1
		if (!(file in layer))
			complain(FILENAME ": not in the table of lib/README.md")
	}
}
FILENAME ~ /README/ {
	if (/^```/) {
		in_table = ($0 == "```layers")
	} else if (in_table && /^L[0-9]+:/) {
		for (i = 2; i <= NF; i++)
			layer[module_of($i)] = substr($1, 2) + 0
	} else if (in_table && /^except:/) {
		excepted[$2 " -> " $4] = 1
	}
	next
}
match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]+"/) {
	name = substr($0, RSTART, RLENGTH)
	sub(/^[^"]*"/, "", name)
	sub(/"$/, "", name)
	to = module_of(name)
	if (to == file || !(file in layer))
		next
	arrow = file " -> " to
	if (!(to in layer))
		complain(FILENAME ":" FNR ": " name " is not in the table")
	else if (arrow in excepted)
		used[arrow] = 1
	else if (layer[to] >= layer[file])
		complain(FILENAME ":" FNR ": " arrow " goes from layer " \
			layer[file] " to layer " layer[to])
}
END {
	for (name in layer)
		if (!(name in present))
			complain("lib/README.md: there is no module " name)
	for (arrow in excepted)
		if (!(arrow in used))
			complain("lib/README.md: needless: except: " arrow)
	exit bad
}
