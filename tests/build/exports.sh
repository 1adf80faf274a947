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

shared=lib/.libs/libweir.so
if [ -e "$shared" ]; then
	nm -D --defined-only "$shared" | awk '$2 == "T" { print $3 }' |
		sed 's/@.*//' | sort >"$work/exported"
	diff "$work/declared" "$work/exported" || {
		echo 'declared (<) and exported (>) differ'
		bad=1
	}
fi

nm --defined-only -g lib/.libs/libweir-core.a lib/libweir-core.a 2>/dev/null |
	awk 'NF == 3 { print $3 }' | sort -u >"$work/global"
test -s "$work/global" || [ -e "$shared" ]
# What sanitizers add is not ours.
if grep -vE '^(weir_|wi_|__|\.)' "$work/global"; then
	echo 'libweir-core.a: the names above are global'
	bad=1
fi
exit $bad
