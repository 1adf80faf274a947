/* SPDX-License-Identifier: MIT */
/* own.c - the peers that need nothing but this tree. */
#include "../bench.h"

const struct bench_peer *const bench_peers[] = {
	&bench_weir, &bench_mutex_cond, NULL};
