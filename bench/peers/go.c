/* SPDX-License-Identifier: MIT */
/* go.c - Go's channels, in a program of their own: through cgo each call would
 * cost more than a channel does.  Once as goroutines are, which are switched in
 * user space, and once with each locked to a thread. */
#include "../bench.h"

#ifndef BENCH_GO
#define BENCH_GO "bench/peers/bench-go"
#endif

/* What a receiving goroutine costs by itself nobody counts. */
const struct bench_peer bench_go = {
	.name = "go",
	.kind = BENCH_GREEN,
	.capacities = BENCH_CAN_MEET | BENCH_CAN_BOUND,
	.without = "fed,fed_1ms,wait",
	.program = BENCH_GO,
	.mode = "goroutines",
};

const struct bench_peer bench_go_thread = {
	.name = "go_thread",
	.kind = BENCH_SLEEPS,
	.capacities = BENCH_CAN_MEET | BENCH_CAN_BOUND,
	.program = BENCH_GO,
	.mode = "threads",
};
