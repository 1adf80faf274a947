# SPDX-License-Identifier: MIT
# See script/edges.
#
# An operation is explained by the comments on the lines of its statement, by
# the comment that ends just above it (for an else, above its if) and, if the
# statement opens a block, by the comment that opens the block.
function report(line, text)
{
	print current_file ":" line ": " text
	bad = 1
}

# Split a line into code and comment; keeps `in_comment` across lines.
function split_line(text,    end)
{
	code = ""
	comment = ""
	while (text != "") {
		if (in_comment) {
			end = index(text, "*/")
			if (end == 0) {
				comment = comment text
				return
			}
			comment = comment substr(text, 1, end - 1) " "
			text = substr(text, end + 2)
			in_comment = 0
		} else if (match(text, /\/\*|\/\//)) {
			code = code substr(text, 1, RSTART - 1)
			end = substr(text, RSTART, 2)
			text = substr(text, RSTART + 2)
			if (end == "//") {
				comment = comment text
				return
			}
			in_comment = 1
		} else {
			code = code text
			return
		}
	}
}

# Note the edges that a comment names.  "acquire [filled]" and "release
# [filled]" say which side this is; else it is what the operation is.
function note_edges(text, order, where,    name, before, n)
{
	n = 0
	while (match(text, /\[[a-z][a-z0-9_ -]+\]/)) {
		name = substr(text, RSTART + 1, RLENGTH - 2)
		before = substr(text, 1, RSTART - 1)
		# Not a subscript, as in slots[index].
		if (before !~ /[A-Za-z0-9_)\]]$/) {
			n++
			if (!(name in first_use))
				first_use[name] = where
			if (before ~ /acquire[ ,:]*$/)
				acquires[name] = 1
			else if (before ~ /release[ ,:]*$/)
				releases[name] = 1
			else {
				if (order != "release")
					acquires[name] = 1
				if (order != "acquire")
					releases[name] = 1
			}
		}
		text = substr(text, RSTART + RLENGTH)
	}
	return n
}

function end_statement(    i, operation, order, where, words)
{
	words = above " " beside " " below
	for (i = 1; i <= n_operations; i++) {
		operation = operations[i]
		where = current_file ":" lines[i]
		match(operation, /(relaxed|acquire|release|acq_rel|seq_cst)$/)
		order = substr(operation, RSTART)
		if (order == "relaxed") {
			relaxed++
			if (words !~ /[Rr]elaxed/)
				report(lines[i], operation \
					": no comment says why relaxed is enough")
		} else {
			ordered++
			if (note_edges(words, order, where) == 0)
				report(lines[i], operation ": names no edge")
		}
	}
	n_operations = 0
	last_words = words
	above = below
	beside = ""
	below = ""
	block_opened = 0
	in_statement = 0
}

FNR == 1 {
	if (NR > 1)
		end_statement()
	current_file = FILENAME
	in_comment = 0
	above = ""
}
# An edge in the list at the head of a file: ` *	[filled]	...`.
match($0, /^ \*[ \t]*\[[a-z][a-z0-9_ -]+\]/) {
	name = substr($0, RSTART, RLENGTH)
	sub(/^.*\[/, "", name)
	sub(/\]$/, "", name)
	listed[name] = FILENAME ":" FNR
}
{
	was_in_comment = in_comment
	split_line($0)
	if (code ~ /^[ \t]*$/) {
		if (comment == "" && !was_in_comment) {
			# A blank line parts a comment from code.
			if (block_opened)
				end_statement()
			if (!in_statement)
				above = ""
		} else if (block_opened)
			below = below " " comment
		else if (in_statement)
			beside = beside " " comment
		else
			above = above " " comment
		next
	}
	if (block_opened)
		end_statement()
	# `else` goes on with what the comment above its `if` says.
	if (!in_statement && code ~ /^[ \t]*(} )?else/)
		above = above " " last_words
	in_statement = 1
	beside = beside " " comment
	rest = code
	while (match(rest, \
/(load|store|exchange|cas|cas_weak|fetch_[a-z]+)_(acquire|release|acq_rel|seq_cst|relaxed)[ \t]*\(/)) {
		before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
		name = substr(rest, RSTART, RLENGTH)
		sub(/[ \t]*\($/, "", name)
		rest = substr(rest, RSTART + RLENGTH)
		if (before !~ /[A-Za-z0-9_]/) {
			n_operations++
			operations[n_operations] = name
			lines[n_operations] = FNR
		}
	}
	if (code ~ /{[ \t]*$/)
		block_opened = 1
	else if (code ~ /[;}:][ \t]*$/ || code ~ /^[ \t]*#/)
		end_statement()
}
END {
	end_statement()
	for (name in first_use) {
		edges++
		if (!(name in listed)) {
			print first_use[name] ": [" name \
				"] is in no list at the head of a file"
			bad = 1
		}
		if (!(name in releases)) {
			print first_use[name] ": [" name "] has no release side"
			bad = 1
		}
		if (!(name in acquires)) {
			print first_use[name] ": [" name "] has no acquire side"
			bad = 1
		}
	}
	for (name in listed)
		if (!(name in first_use)) {
			print listed[name] ": [" name "] is on no operation"
			bad = 1
		}
	printf "edges: %d edges, %d ordered operations, %d relaxed ones\n", \
		edges, ordered, relaxed
	exit bad
}
