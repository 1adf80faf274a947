#!/bin/sh
# SPDX-License-Identifier: MIT
# What the shared library exports is what the headers declare; what the static
# one makes global begins with weir_ or wi_.
set -eu
include=${srcdir:-.}/include
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

cat "$include"/weir/*.h | tr '\n' ' ' | sed 's#/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/# #g' |
	grep -oE 'WEIR_API [^;]*;' | grep -oE '\bweir_[a-z_]+\(' |
	tr -d '(' | sort -u >"$work/declared"
test -s "$work/declared"

# same WHAT FILE WHAT FILE
same() {
	diff "$work/$2" "$work/$4" || {
		echo "$1 (<) and $3 (>) differ"
		bad=1
	}
}

sed -n 's/^\t\(weir_[a-z_]*\);$/\1/p' "${srcdir:-.}/lib/weir.map" |
	sort >"$work/mapped"
same declared declared mapped mapped

shared=lib/.libs/libweir.so
if [ -e "$shared" ]; then
	# Variables too; A is the name of the version.
	nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | sort >"$work/exported"
	same declared declared exported exported
fi

static=lib/.libs/libweir.a
[ -e "$static" ] || static=lib/.libs/libweir-core.a
nm --defined-only -g "$static" | awk 'NF == 3 { print $3 }' |
	sort -u >"$work/global"
test -s "$work/global"
# What sanitizers add is not ours.
if grep -vE '^(weir_|wi_|__|\.)' "$work/global"; then
	echo "$static: the names above are global"
	bad=1
fi
exit $bad
