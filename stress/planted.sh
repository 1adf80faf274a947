#!/bin/sh
# SPDX-License-Identifier: MIT
# stress/planted.sh
# Does stress_history find each kind of bug?  Run where it was built.
set -eu
program=stress/stress_history
seconds=30 # at most, of a kind; each takes a fraction of one

kinds=$("$program" -b 2>&1 | sed -n 's/^kinds of bugs: //p')
[ -n "$kinds" ] || {
	echo "$program -b lists no kinds"
	exit 1
}
for kind in $kinds; do
	"$program" -b "$kind" -s "$seconds" | grep "^planted: $kind, found: " || {
		echo "$kind: not found"
		exit 1
	}
done
