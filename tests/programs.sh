#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/programs.sh [DIR]
# Run logstat and pzip, built in DIR (default: examples), on real files and on
# awkward ones; logstat against coreutils, pzip against gzip.
set -eu
export LC_ALL=C

bin=$(cd "${1:-examples}" && pwd)
logstat=$bin/logstat
pzip=$bin/pzip
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
	cmp "$tmp/wanted" "$tmp/out" || fail 'another output is expected'
	[ ! -s "$tmp/err" ] || fail 'no error message is expected'
}
complains() {
	cat >"$tmp/wanted"
	diff "$tmp/wanted" "$tmp/err" || fail 'another message is expected'
}

# wrong PROGRAM ARGUMENT...: is refused with the usage.
wrong() {
	run 2 "$@"
	[ ! -s "$tmp/out" ] || fail "prints, in spite of wrong usage: $*"
	grep -q "^Usage: ${1##*/} " "$tmp/err" || fail "does not help: $*"
}

# helps PROGRAM
helps() {
	run 0 "$1" -h
	[ ! -s "$tmp/err" ] || fail '-h complains'
	grep -q "^Usage: ${1##*/} " "$tmp/out" || fail '-h does not help'
}

# ends SIGNAL STATUS: send it to $pid, which must end with that status.
ends() {
	kill "-$1" "$pid"
	timeout 30 tail --pid="$pid" -s 0.05 -f /dev/null ||
		fail "SIG$1 does not end the program"
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq "$2" ] || fail "status $status after SIG$1"
	[ ! -s "$tmp/err" ] || fail "complains after SIG$1"
}

# until_true COMMAND...: at most 30 seconds.
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 600 ] || fail "does not come true: $*"
		sleep 0.05
	done
}

# The program's pipeline runs.  Until it has got ready for signals, SIGINT would
# do nothing, as the shell lets it be ignored in the background.
is_running() {
	grep -qs "^read\$" /proc/"$pid"/task/*/comm
}

## logstat prints what coreutils do

count() {
	sort | uniq -c | sort -rn
}

# alike N FILE...: lines, fields and words, on 1, 2 and 8 threads.
alike() {
	most=$1
	shift
	sort -- "$@" | uniq -c | sort -rn | head -n "$most" >"$tmp/lines"
	awk '{ print $2 }' "$@" | count | head -n "$most" >"$tmp/fields"
	sort -- "$@" | grep -oaE '[A-Za-z0-9_]+' | count |
		head -n "$most" >"$tmp/words" || :
	for threads in 1 2 8; do
		run 0 "$logstat" -j "$threads" -n "$most" -- "$@"
		prints <"$tmp/lines"
		run 0 "$logstat" -j "$threads" -n "$most" -f 2 -- "$@"
		prints <"$tmp/fields"
		run 0 "$logstat" -j "$threads" -n "$most" -w -- "$@"
		prints <"$tmp/words"
	done
}

cd "$tmp"
mkdir text
find /usr/include -type f -name '*.h' -size -200k | sort | head -n 1000 |
	xargs cat >text/headers || :
printf 'b\na\nb\nc\na\nb\n\n\n' >text/few
printf 'no newline at the end' >text/open
printf 'no newline at the end\n' >text/closed
printf 'a b\n a b\na\tb\na  b \n\t\n' >text/blanks
printf 'a\n\377\n\200x\n~\nA\nab\na b\n' >text/bytes # all of one count
: >text/empty
printf '\n' >text/newline
seq 200000 >text/numbers # many blocks, all lines of one count
{ # lines longer than a block, and one that ends where a block does
	head -c 700000 /dev/zero | tr '\0' x
	echo
	head -c 262143 /dev/zero | tr '\0' y
	echo
	echo z
	head -c 600000 /dev/zero | tr '\0' x
} >text/long

alike 10 text/headers
alike 1000000 text/few text/open text/closed text/blanks text/bytes text/empty
alike 1000000 text/numbers text/newline text/few text/few
sort text/long | uniq -c | sort -rn | head >lines
run 0 "$logstat" text/long
prints <lines

run 0 "$logstat" text/empty
prints </dev/null
run 0 "$logstat" text/few
sed 's/@$//' <<END | prints
      3 b
      2 a
      2 @
      1 c
END
run 0 "$logstat" -n 1 <text/few
prints <<END
      3 b
END
cp text/few few
run 0 "$logstat" -n 0 - text/few <few
sed 's/@$//' <<END | prints
      6 b
      4 a
      4 @
      2 c
END
run 0 "$logstat" -n 2 text/bytes
printf '      1 \377\n      1 \200x\n' | prints

## logstat: what cannot be read or written, and usage

run 1 "$logstat" nowhere text/few text
complains <<END
logstat: nowhere: No such file or directory
logstat: text: Is a directory
END
: >err
"$logstat" text/few | prints

status=0
timeout 60 "$logstat" text/few >/dev/full 2>err || status=$?
[ "$status" -eq 1 ] || fail "status $status on a full disk"
complains <<END
logstat: write error: No space left on device
END
status=0
timeout 60 "$logstat" -n 0 text/numbers 2>err >&- || status=$?
[ "$status" -eq 1 ] || fail "status $status with standard output closed"
complains <<END
logstat: write error: Bad file descriptor
END
run 1 "$logstat" <&-
complains <<END
logstat: -: Bad file descriptor
END

wrong "$logstat" -x
wrong "$logstat" -f 0 text/few
wrong "$logstat" -f x text/few
wrong "$logstat" -f
wrong "$logstat" -n -1 text/few
wrong "$logstat" -j 0 text/few
wrong "$logstat" -j 2x text/few
wrong "$logstat" -j 99999999999999999999 text/few
helps "$logstat"

## logstat: signals, while it waits for input that does not come

mkfifo fifo
for signal in INT:130 TERM:143; do
	# Opened for both, so that it has a writer and never ends.
	"$logstat" -j 3 text/few - <>fifo >out 2>err &
	pid=$!
	until_true is_running
	ends "${signal%:*}" "${signal#*:}"
	[ ! -s out ] || fail 'prints after a signal'
done

if [ ! -x "$pzip" ]; then
	echo 'pzip: skipped, as this build has no zlib'
	exit 0
fi

## pzip: gzip unpacks to the same bytes

mkdir pack
cp text/headers pack/headers
: >pack/empty
printf x >pack/one
for size in 524287 524288 524289 1048576 5000000; do # around a block
	head -c "$size" /dev/urandom >"pack/random_$size"
	head -c "$size" /dev/zero >"pack/zeros_$size"
done
chmod 640 pack/one

for file in pack/*; do
	for threads in 1 2 8; do
		run 0 "$pzip" -f -j "$threads" "$file"
		prints </dev/null
		gzip -t "$file.gz" || fail "gzip -t objects to $file.gz"
		gzip -dc "$file.gz" | cmp - "$file" || fail "$file is another"
		cmp "$file" "$file" # it is still there
	done
	run 0 "$pzip" -j 3 <"$file"
	gzip -dc <out | cmp - "$file" || fail "$file is another by a pipe"
	cmp out "$file.gz" || fail 'standard output is another'
done
[ "$(stat -c %a pack/one.gz)" = 640 ] || fail 'the mode is another'
for level in 1 9; do
	run 0 "$pzip" -f -l "$level" pack/headers
	gzip -dc pack/headers.gz | cmp - pack/headers || fail "level $level"
	stat -c %s pack/headers.gz >"size_$level"
done
[ "$(cat size_9)" -lt "$(cat size_1)" ] || fail 'the level has no effect'
[ "$(cat size_9)" -lt $(($(gzip -9 -c pack/headers | wc -c) * 102 / 100)) ] ||
	fail 'more than 2 % above what gzip makes of it'
head -c 3000000 pack/random_5000000 | "$pzip" | gzip -dc |
	cmp -n 3000000 - pack/random_5000000 || fail 'a pipe as the input'

# leaves N: files in pack/, and no temporary among them.
leaves() {
	[ "$(find pack -type f | wc -l)" -eq "$1" ] ||
		fail "files are left: $(ls pack)"
}
files=$(find pack -type f | wc -l)
[ "$files" -eq 26 ] || fail "$files files"

## pzip: what cannot be read or written, and usage

echo precious >pack/one.gz
run 1 "$pzip" pack/one
complains <<END
pzip: pack/one.gz: File exists
END
[ "$(cat pack/one.gz)" = precious ] || fail 'an existing file was changed'
run 1 "$pzip" pack/nowhere
complains <<END
pzip: pack/nowhere: No such file or directory
END
run 1 "$pzip" pack
complains <<END
pzip: pack: Is a directory
END
status=0
timeout 60 "$pzip" <pack/random_5000000 >/dev/full 2>err || status=$?
[ "$status" -eq 1 ] || fail "status $status on a full disk"
complains <<END
pzip: write: No space left on device
END
run 1 "$pzip" <&-
complains <<END
pzip: read: Bad file descriptor
END
{
	status=0
	timeout 60 "$pzip" <pack/random_5000000 2>err || status=$?
	echo "$status" >status
} | head -c 1 >/dev/null
[ "$(cat status)" -eq 1 ] || fail 'status after a broken pipe'
complains <<END
pzip: write: Broken pipe
END
if [ -f /proc/self/mem ]; then # its first page cannot be read
	status=0
	timeout 60 "$pzip" </proc/self/mem >out 2>err || status=$?
	[ "$status" -eq 1 ] || fail "status $status for a read error"
	complains <<-END
	pzip: read: Input/output error
	END
fi
leaves "$files"

wrong "$pzip" -x
wrong "$pzip" a b
wrong "$pzip" -j 0 pack/one
wrong "$pzip" -j x pack/one
wrong "$pzip" -l 0 pack/one
wrong "$pzip" -l 10 pack/one
wrong "$pzip" -l
helps "$pzip"

## pzip: signals leave no temporary, and an existing file as it was

truncate -s 1T pack/endless # takes no room on the disk
for signal in INT:130 TERM:143 INT:130; do
	"$pzip" -f -j 3 pack/endless >out 2>err &
	pid=$!
	until_true is_running
	ends "${signal%:*}" "${signal#*:}"
	leaves $((files + 1))
	"$pzip" -j 3 <>fifo >out 2>err &
	pid=$!
	until_true is_running
	ends "${signal%:*}" "${signal#*:}"
done
rm pack/endless

## pzip: the progress bar

if ! command -v script >/dev/null; then
	echo 'progress bar: skipped, as there is no script(1)'
	exit 0
fi
truncate -s 256M pack/long_enough
escape=$(printf '\033')
erase="$escape\\[K" # as a regular expression
timeout 120 script -qec "'$pzip' -l 9 pack/long_enough" out \
	</dev/null >/dev/null || fail 'does not run on a terminal'
tr '\r' '\n' <out >bar
grep -q "^$erase\\[##*\\.* *\\] [0-9.]* MB, [0-9.]* MB/s, blocks: [0-9]* read, \
[0-9]* in work, [0-9]* written\$" bar || fail 'no progress on a terminal'
grep -q "^$erase\$" bar || grep -q "^${erase}[^[]" bar ||
	fail 'the bar is not erased'
gzip -dc pack/long_enough.gz | cmp - pack/long_enough || fail 'another file'
timeout 60 script -qec "'$pzip' -fq pack/one" out \
	</dev/null >/dev/null || fail 'does not run on a terminal with -q'
! grep -q "$erase" out || fail 'progress in spite of -q'
echo 'logstat and pzip: all is well'
