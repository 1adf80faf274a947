# SPDX-License-Identifier: MIT
# Print C sources as `file:line:code`, comments and the text of strings taken
# out, so that a search finds only what the compiler sees.
FNR == 1 { in_comment = 0 }
{
	rest = $0
	code = ""
	while (rest != "") {
		if (in_comment) {
			end = index(rest, "*/")
			if (end == 0)
				break
			rest = substr(rest, end + 2)
			in_comment = 0
			code = code " "
		} else if (match(rest, /\/\*|\/\/|"([^"\\]|\\.)*"/)) {
			what = substr(rest, RSTART, 2)
			code = code substr(rest, 1, RSTART - 1)
			rest = substr(rest, RSTART + RLENGTH)
			if (what == "//")
				break
			if (what == "/*")
				in_comment = 1
			else
				code = code "\"\""
		} else {
			code = code rest
			break
		}
	}
	if (code !~ /^[ \t]*$/)
		print FILENAME ":" FNR ":" code
}
