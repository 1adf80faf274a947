#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header by itself, as C11 and as C++17, without a warning; and what
# it defines begins with weir_ or WEIR_.
set -eu
include=${srcdir:-.}/include
cc=${CC:-cc}
cxx=${CXX:-c++}
flags="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I$include"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

for header in "$include"/weir.h "$include"/weir/*.h; do
	name=${header#"$include"/}
	printf '#include <%s>\nint weir_here;\n' "$name" >"$work/a.c"
	cp "$work/a.c" "$work/a.cc"
	# shellcheck disable=SC2086 # words, all of them
	$cc -std=c11 $flags -fsyntax-only "$work/a.c" || bad=1
	# shellcheck disable=SC2086
	$cxx -std=c++17 $flags -fsyntax-only "$work/a.cc" || bad=1

	# Macros: those that are there with it and not without, but for what the
	# system's headers bring.
	grep -h '^#include <[a-z_]*\.h>' "$include"/weir/*.h >"$work/system.c"
	# shellcheck disable=SC2086
	$cc -std=c11 $flags -dM -E "$work/system.c" | sort >"$work/without"
	# shellcheck disable=SC2086
	$cc -std=c11 $flags -dM -E "$work/a.c" | sort >"$work/with"
	if comm -13 "$work/without" "$work/with" |
		grep -vE '^#define WEIR_'; then
		echo "$name: defines the macros above"
		bad=1
	fi
done

# Types, without the comments.
for header in "$include"/weir/*.h; do
	$cc -fpreprocessed -dD -E -P -x c "$header" 2>/dev/null
done | tr '\n' ' ' | grep -oE '\b(struct|enum|union) [A-Za-z_]+' |
	grep -vE ' (weir_|prefix)' | sort -u >"$work/types" || :
if [ -s "$work/types" ]; then
	cat "$work/types"
	echo 'the headers define the types above'
	bad=1
fi

# Names, of what is left without comments, macros, attributes, parameters and the
# members of structs: enumerators, and the last word of each declaration.
for header in "$include"/weir/*.h; do
	$cc -std=c11 "-I$include" -E -x c "$header" |
		awk -v own="\"$include/" '
			/^# [0-9]/ { here = index($3, own) == 1; next }
			here { print }'
done | tr '\n' ' ' | sed -E -e ':again' -e 's/\([^()]*\)//g' -e 't again' \
	-e 's/enum [a-z_]* *\{([^}]*)\}/\1/g' -e 's/\{[^}]*\}//g' | tr ';,' '\n' |
	sed -E 's/=.*//; s/__attribute__//g; s/[*]/ /g; s/\[.*//' |
	awk 'NF > 0 { print $NF }' | sort -u >"$work/names"
for known in weir_open_with weir_sender weir_statistics WEIR_WOULD_BLOCK; do
	grep -qx "$known" "$work/names"
done
if grep -vE '^(weir_|WEIR_)' "$work/names"; then
	echo 'the headers declare the names above'
	bad=1
fi
exit $bad
