/* SPDX-License-Identifier: MIT */
/* workloads.c - what is measured: the table of workloads and that of peers. */
#include "bench.h"

static const size_t buffered[] = {1, 64, 1024, BENCH_UNBOUNDED};
static const size_t all[] = {0, 1, 64, 1024, BENCH_UNBOUNDED};
static const size_t small[] = {0, 1, 64};

#define CAPACITIES(set)                                                        \
	.capacities = (set), .n_capacities = sizeof(set) / sizeof(*(set))

/* clang-format off */
const struct bench_workload bench_workloads[] = {
	{.name = "try", CAPACITIES(buffered), .run = bench_try},
	{.name = "seq", CAPACITIES(buffered), .run = bench_seq},
	{.name = "spsc", CAPACITIES(all), .producers = 1, .consumers = 1,
		.run = bench_flow},
	{.name = "mpsc", CAPACITIES(all), .producers = 4, .consumers = 1,
		.run = bench_flow},
	{.name = "spmc", CAPACITIES(all), .producers = 1, .consumers = 4,
		.run = bench_flow},
	{.name = "mpmc", CAPACITIES(all), .producers = 4, .consumers = 4,
		.run = bench_flow},
	{.name = "over32x32", CAPACITIES(all), .producers = 32, .consumers = 32,
		.optional = true, .run = bench_flow},
	{.name = "pingpong", CAPACITIES(small), .run = bench_pingpong},
	{.name = "fed", CAPACITIES(small), .pace_ns = 50000,
		.run = bench_idle_fed},
	{.name = "wait", CAPACITIES(small), .pace_ns = 1000000,
		.run = bench_idle_wait},
};
/* clang-format on */

const size_t bench_n_workloads =
	sizeof(bench_workloads) / sizeof(*bench_workloads);

const struct bench_peer *const bench_peers[] = {
	&bench_weir, &bench_mutex_cond, NULL};
