#!/bin/sh
# SPDX-License-Identifier: MIT
# A typed channel refuses what is not its type, at compile time.
set -eu
include=${srcdir:-.}/include
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compiles STATEMENT
compiles() {
	cat >"$work/a.c" <<-END
		#include <weir.h>
		struct job { int n; };
		WEIR_TYPED(jobs, struct job);
		WEIR_TYPED(dates, long);
		int use(jobs_sender *tx, jobs_receiver *rx, dates_sender *dates);
		int use(jobs_sender *tx, jobs_receiver *rx, dates_sender *dates)
		{
			struct job job = {1};
			long date = 2;
			(void)tx, (void)rx, (void)dates, (void)job, (void)date;
			return $1;
		}
	END
	$cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$include" -fsyntax-only \
		"$work/a.c" 2>"$work/errors"
}

compiles 'jobs_send(tx, &job)' || {
	cat "$work/errors"
	exit 1
}
compiles 'jobs_recv(rx, &job)'
for wrong in 'jobs_send(tx, &date)' 'jobs_recv(rx, &date)' \
	'jobs_send(dates, &job)' 'dates_send(dates, &job)' \
	'jobs_send(rx, &job)' 'weir_send(tx, &job)'; do
	if compiles "$wrong"; then
		echo "this compiles and should not: $wrong"
		exit 1
	fi
done
