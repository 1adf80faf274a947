#!/bin/sh
# SPDX-License-Identifier: MIT
# Each cell once, for a moment: the harness works, and every element arrives.
# The time-outs are for a hang: under a sanitizer, on a machine that has other
# things to do, all of this takes many times as long as on its own.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
timeout 300 bench/bench -r 1 -m 1 -o "$work/bench.csv" >"$work/table"
# 51 cells of two peers, 12 of those that select, and the heads.
test "$(wc -l <"$work/bench.csv")" -eq 115
timeout 300 bench/bench -r 1 -m 1 -f -P -e 256 -w mpmc -c 64 >"$work/table"
grep -q '^mpmc *64 *weir ' "$work/table"
timeout 300 bench/duplex 200 >"$work/table"
timeout 600 bench/waiting 0.01 "" 1 >"$work/table"
test "$(wc -l <"$work/table")" -eq 27
timeout 300 bench/bench -r 1 -m 1 -w over32x32 -c 0,64 >"$work/table"
# What does not exist is an error, and not an empty table.
for nothing in '-w try,nothing' '-c 7' '-p nothing' '-r 2x' '-e 12'; do
	# shellcheck disable=SC2086 # two words
	if timeout 300 bench/bench $nothing >"$work/table" 2>&1; then
		echo "accepted: $nothing"
		exit 1
	fi
done
