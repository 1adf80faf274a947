#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/examples.sh [DIR]
# Run the examples that are built in DIR (default: examples) and check what
# they print; treesum against find and sha256sum, on names of every kind.
set -eu
export LC_ALL=C

bin=$(cd "${1:-examples}" && pwd)
treesum=$bin/treesum
pid=
tmp=$(mktemp -d)
tmp=$(cd "$tmp" && pwd -P)

clean_up() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAIL: $*"
	[ ! -s "$tmp/err" ] || sed 's/^/  stderr: /' "$tmp/err"
	exit 1
}

# run STATUS COMMAND...: its output goes to $tmp/out and $tmp/err.
run() {
	wanted=$1
	shift
	status=0
	timeout 60 "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" -eq "$wanted" ] || fail "status $status, not $wanted: $*"
}

# The last run's output, or its errors, are exactly standard input.
prints() {
	cat >"$tmp/wanted"
	diff "$tmp/wanted" "$tmp/out" || fail 'another output is expected'
	[ ! -s "$tmp/err" ] || fail 'no error message is expected'
}
complains() {
	cat >"$tmp/wanted"
	diff "$tmp/wanted" "$tmp/err" || fail 'another message is expected'
}

## The short examples

run 0 "$bin/0_hello"
prints <<END
Hello
from
another
thread
END

# The order of these lines is what the example is about.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	run 0 "$bin/1_arnold_and_bernard"
	prints <<-END
	Message for Arnold: Hello Arnold.
	Message for Bernard: Hello Bernard.
	Message for Arnold: Goodbye Arnold.
	Message for Bernard: Goodbye Bernard.
	END
done

run 0 "$bin/2_fan_in"
prints <<END
10 producers, 10000 numbers, sum 5005000
END

run 0 "$bin/3_worker_pool"
prints <<END
The squares of 1 to 100 sum up to 338350
END

for _ in 1 2 3 4 5 6 7 8 9 10; do
	run 0 "$bin/4_numbers_and_letters"
	prints <<-END
	A
	0
	B
	1
	END
done

run 0 "$bin/5_combine"
prints <<END
Combining: Item 1 Item 2
Combining: Item 3 Item 4
END

printf '5:hello,0:,\n3:a,b,' >"$tmp/netstrings"
run 0 "$bin/6_parser" <"$tmp/netstrings"
prints <<END
hello

a,b
END
for wrong in '5:hell' '5:hello;' 'x' '1' ':' '9999999999:a,'; do
	printf '%s' "$wrong" >"$tmp/netstrings"
	run 1 "$bin/6_parser" <"$tmp/netstrings"
	complains <<-END
	6_parser: that is no netstring
	END
done

## Waiting for many

run 0 "$bin/7_primes"
prints <<END
2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97
END

# On a machine under load ticks may be missed, but none is off the grid.
run 0 "$bin/8_ticker"
[ "$(head -n 1 "$tmp/out")" = 'tick at 20 ms' ] || fail 'no first tick'
[ "$(tail -n 1 "$tmp/out")" = 'time is up' ] || fail 'no deadline'
awk '/^tick/ { if ($3 % 20 || $3 <= last || $3 > 100) exit 1; last = $3 }' \
	"$tmp/out" || fail 'a tick is off the grid'

run 0 "$bin/9_cancel"
prints <<END
100 jobs done, 3 workers stopped
END

run 0 "$bin/10_chat"
prints <<END
200 guests said 1000 lines and left
END

run 0 "$bin/11_epoll"
prints <<END
200 answers to 4 clients
END

if [ -x "$bin/12_libuv" ]; then
	run 0 "$bin/12_libuv"
	prints <<-END
	1000 squares, sum 333833500
	END
else
	echo '12_libuv: skipped, as this build has no libuv'
fi

if [ ! -x "$bin/13_io_uring" ]; then
	echo '13_io_uring: skipped, as this build has no liburing'
else
	run 0 "$bin/13_io_uring"
	grep '^skipped' "$tmp/out" || prints <<-END
	the numbers to 10000 sum up to 50005000
	END
fi

if [ ! -x "$treesum" ]; then
	echo 'treesum: skipped, as this build has no libcrypto'
	exit 0
fi

## treesum prints what find and sha256sum do

mkdir "$tmp/tree"
cd "$tmp/tree"
: >empty
echo 1 >'two words'
echo 2 >"$(printf 'new\nline')"
echo 3 >"$(printf 'carriage\rreturn')"
echo 4 >'back\slash'
echo 5 >'back\nslash'
echo 6 >-dash
echo 7 >"$(printf 'gr\303\266\303\237e')"
echo 8 >"$(printf 'not UTF-8 \377')"
echo 9 >'*'
echo 10 >.hidden
head -c 262144 /dev/urandom >one_buffer
head -c 1048583 /dev/urandom >many_buffers
mkdir -p a -- -d "$(printf 'd\\ir\n')" a/empty
for name in a/b a- a.b a0 -d/x "$(printf 'd\\ir\n')/y"; do
	echo "$name" >"./$name" # '-' and '.' sort before '/', '0' after
done
deep=deep/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25
mkdir -p "$deep"
echo 11 >"$deep/bottom"
ln -s .. a/loop
ln -s a to_directory
ln -s empty to_file
ln -s nowhere dangling
mkfifo fifo

# reference ARGUMENT...: as find takes them.
reference() {
	find "$@" -type f -print0 | sort -z | xargs -0 -r sha256sum --
}

# alike ARGUMENT...: for find and for treesum.
alike() {
	reference "$@" >"$tmp/reference"
	for threads in 1 2 8; do
		run 0 "$treesum" -j "$threads" -- "$@"
		prints <"$tmp/reference"
	done
}

alike "$tmp/tree"
sha256sum -c --quiet --strict "$tmp/out" || fail 'sha256sum -c objects'
[ "$(wc -l <"$tmp/out")" -eq 20 ] || fail 'not all files are there'
alike .
alike ./
alike a "$tmp/tree/a/" empty ./-d
alike a/empty
alike to_directory to_file dangling fifo
[ ! -s "$tmp/out" ] || fail 'a symbolic link was followed'
alike to_directory/

run 0 "$treesum" "$tmp/tree"
reference "$tmp/tree" | prints
run 0 "$treesum" -q -- -d -dash
sha256sum -- -d/x -dash | prints

## What cannot be read is reported, and the rest goes on

run 1 "$treesum" nowhere a nowhere/at/all
complains <<END
treesum: nowhere: No such file or directory
treesum: nowhere/at/all: No such file or directory
END
: >"$tmp/err"
reference a | prints

if [ "$(id -u)" -eq 0 ]; then
	echo 'unreadable files: skipped, as root can read them'
else
	mkdir -p "$tmp/locked/directory"
	echo 12 >"$tmp/locked/file"
	echo 13 >"$tmp/locked/open"
	chmod 0 "$tmp/locked/file" "$tmp/locked/directory"
	run 1 "$treesum" "$tmp/locked"
	chmod 700 "$tmp/locked/directory"
	sort "$tmp/err" >"$tmp/sorted"
	mv "$tmp/sorted" "$tmp/err"
	complains <<-END
	treesum: $tmp/locked/directory: Permission denied
	treesum: $tmp/locked/file: Permission denied
	END
	: >"$tmp/err"
	sha256sum "$tmp/locked/open" | prints
fi

# A regular file whose first page cannot be read.
if [ -f /proc/self/mem ]; then
	run 1 "$treesum" /proc/self/mem a
	complains <<-END
	treesum: /proc/self/mem: Input/output error
	END
	: >"$tmp/err"
	reference a | prints
fi

# A path that is too long for one system call.
long=$(printf '%0200d' 0)
(
	mkdir "$tmp/long"
	cd -P "$tmp/long"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do
		mkdir "$long"
		cd -P "$long" 2>/dev/null || exit 1
	done
) || fail 'cannot make a deep directory'
run 1 "$treesum" "$tmp/long" a
[ "$(grep -c '^treesum: .*: File name too long$' "$tmp/err")" -eq 1 ] ||
	fail 'a path that is too long is not reported once'
: >"$tmp/err"
reference a | prints

## Usage

wrong() {
	run 2 "$treesum" "$@"
	[ ! -s "$tmp/out" ] || fail "prints, in spite of wrong usage: $*"
	grep -q '^Usage: treesum ' "$tmp/err" || fail "does not help: $*"
}
wrong
wrong -x a
wrong -j
wrong -j 2
wrong -j 0 a
wrong -j '' a
wrong -j -1 a
wrong -j 2x a
wrong -j 99999999999999999999 a

run 0 "$treesum" -h
[ ! -s "$tmp/err" ] || fail '-h complains'
grep -q '^Usage: treesum ' "$tmp/out" || fail '-h does not help'

## What cannot be written

mkdir "$tmp/many"
for i in 0 1 2 3 4 5 6 7 8 9; do # more than a channel and a pipe hold
	for j in 0 1 2 3 4 5 6 7 8 9; do
		for k in 0 1 2 3 4 5 6 7 8 9; do
			echo $i$j$k >"$tmp/many/a_rather_long_name_$i$j$k"
		done
	done
done
status=0
timeout 60 "$treesum" "$tmp/many" >/dev/full 2>"$tmp/err" || status=$?
[ "$status" -eq 1 ] || fail "status $status on a full disk"
complains <<END
treesum: write error: No space left on device
END
status=0
timeout 60 "$treesum" a >&- 2>"$tmp/err" || status=$?
[ "$status" -eq 1 ] || fail "status $status with standard output closed"
complains <<END
treesum: write error: Bad file descriptor
END
{
	status=0
	timeout 60 "$treesum" "$tmp/many" 2>"$tmp/err" || status=$?
	echo "$status" >"$tmp/status"
} | read -r _ || fail 'nothing comes out of a pipe'
[ "$(cat "$tmp/status")" -eq 1 ] || fail 'status after a broken pipe'
complains <<END
treesum: write error: Broken pipe
END

## SIGINT

# Nobody waits for the end of this file, which takes no room on the disk.
mkdir "$tmp/endless"
truncate -s 1T "$tmp/endless/file"

is_reading_endless_file() {
	for fd in /proc/"$pid"/fd/*; do
		[ "$(readlink "$fd")" != "$tmp/endless/file" ] || return 0
	done
	return 1
}

# interrupt N: start on N threads, send SIGINT in the middle of the file.
interrupt() {
	"$treesum" -j "$1" a "$tmp/endless" "$tmp/many" \
		>"$tmp/out" 2>"$tmp/err" &
	pid=$!
	tries=0
	until is_reading_endless_file; do
		tries=$((tries + 1))
		[ "$tries" -lt 600 ] || fail 'the file is never opened'
		sleep 0.05
	done
	kill -INT "$pid"
	timeout 30 tail --pid="$pid" -s 0.05 -f /dev/null ||
		fail 'SIGINT does not end treesum'
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq 130 ] || fail "status $status after SIGINT"
	[ ! -s "$tmp/err" ] || fail 'complains after SIGINT'
}

# One thread has done what is before the file, and nothing after it.
interrupt 1
reference a | prints
# More threads go on beside it.
interrupt 4
[ ! -s "$tmp/out" ] || sha256sum -c --quiet --strict "$tmp/out" ||
	fail 'a sum is wrong after SIGINT'
rm -r "$tmp/endless"

## The progress line

if ! command -v script >/dev/null; then
	echo 'progress line: skipped, as there is no script(1)'
	exit 0
fi
mkdir "$tmp/long_enough"
truncate -s 512M "$tmp/long_enough/file"
escape=$(printf '\033')
erase="$escape\\[K" # as a regular expression
timeout 60 script -qec "'$treesum' '$tmp/long_enough'" "$tmp/err" \
	</dev/null >/dev/null || fail 'does not run on a terminal'
tr '\r' '\n' <"$tmp/err" >"$tmp/out"
grep -q "^${erase}0 files, .* paths 0/[0-9]*, sums 0/[0-9]*\$" "$tmp/out" ||
	fail 'no progress on a terminal'
tail -n 4 "$tmp/out" | grep -q "^${erase}[0-9a-f]*  $tmp/long_enough/file\$" ||
	fail 'the progress line is not erased'
timeout 60 script -qec "'$treesum' -q '$tmp/tree'" "$tmp/err" \
	</dev/null >/dev/null || fail 'does not run on a terminal with -q'
! grep -q "$erase" "$tmp/err" || fail 'progress in spite of -q'
