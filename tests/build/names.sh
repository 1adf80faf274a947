#!/bin/sh
# SPDX-License-Identifier: MIT
# Each test that tests/README.md names is there.
# shellcheck disable=SC2016 # backquotes are meant
set -eu
tests=${srcdir:-.}/tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# Those of the sources: SET(suite, name), also over two lines.
cat "$tests"/api/*.c | tr -s '\n\t ' ' ' |
	grep -oE '\b[A-Z][A-Za-z_]*\(([A-Z_]+, )? ?[a-z]+, [a-z_0-9]+' |
	sed -E 's/^.*[( ]([a-z]+), ([a-z_0-9]+)$/\1::\2/' | sort -u >"$work/there"
grep -oE '`[a-z]+::[a-z_0-9]+`' "$tests/README.md" | tr -d '`' |
	sort -u >"$work/named"
test -s "$work/named"
if comm -23 "$work/named" "$work/there" | grep .; then
	echo 'tests/README.md names the tests above, which are not there'
	bad=1
fi
for file in $(grep -oE '`build/[a-z_]+\.[a-z]+`' "$tests/README.md" | tr -d '`'); do
	[ -e "$tests/$file" ] || {
		echo "tests/README.md: no $file"
		bad=1
	}
done
exit $bad
