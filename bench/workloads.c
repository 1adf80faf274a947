/* SPDX-License-Identifier: MIT */
/* workloads.c - what is measured: the table of workloads, and who can do it. */
#include "bench.h"

static const size_t buffered[] = {1, 64, 1024, BENCH_UNBOUNDED};
static const size_t filled[] = {1, 64, 1024, BENCH_HOLDS_ALL, BENCH_UNBOUNDED};
static const size_t all[] = {0, 1, 64, 1024, BENCH_HOLDS_ALL, BENCH_UNBOUNDED};
static const size_t small[] = {0, 1, 64};
static const size_t sizes[] = {0, 1, 64, 1024, BENCH_UNBOUNDED};
static const size_t unbounded[] = {BENCH_UNBOUNDED};

#define CAPACITIES(set)                                                        \
	.capacities = (set), .n_capacities = sizeof(set) / sizeof(*(set))
#define THREADS(n, m) .producers = (n), .consumers = (m)

/* clang-format off */
const struct bench_workload bench_workloads[] = {
	{.name = "try", CAPACITIES(buffered), THREADS(1, 1), .run = bench_try},
	{.name = "seq", CAPACITIES(filled), THREADS(1, 1), .run = bench_seq},
	{.name = "spsc", CAPACITIES(all), THREADS(1, 1), .run = bench_flow},
	{.name = "mpsc", CAPACITIES(all), THREADS(4, 1), .run = bench_flow},
	{.name = "spmc", CAPACITIES(all), THREADS(1, 4), .run = bench_flow},
	{.name = "mpmc", CAPACITIES(all), THREADS(4, 4), .run = bench_flow},
	{.name = "over32x32", CAPACITIES(all), THREADS(32, 32),
		.optional = true, .run = bench_flow},
	{.name = "pingpong", CAPACITIES(small), THREADS(1, 1),
		.run = bench_pingpong},
	{.name = "select_rx", CAPACITIES(all), THREADS(4, 1), .channels = 4,
		.run = bench_select_rx},
	{.name = "select_both", CAPACITIES(all), THREADS(4, 4), .channels = 4,
		.run = bench_select_both},
	{.name = "fed", CAPACITIES(small), THREADS(1, 1), .unit = "cpu ns",
		.pace_ns = 50000, .run = bench_idle_fed},
	{.name = "fed_1ms", CAPACITIES(small), THREADS(1, 1), .unit = "cpu ns",
		.pace_ns = 1000000, .run = bench_idle_fed},
	{.name = "wait", CAPACITIES(small), THREADS(1, 1), .unit = "cpu ns",
		.pace_ns = 1000000, .run = bench_idle_wait},
	{.name = "idle_bytes", CAPACITIES(sizes), THREADS(1, 1),
		.unit = "bytes", .fixed_count = 1000,
		.run = bench_memory_idle},
	{.name = "queue_bytes", CAPACITIES(unbounded), THREADS(1, 1),
		.unit = "bytes", .fixed_count = 100000,
		.run = bench_memory_queued},
};
/* clang-format on */

const size_t bench_n_workloads =
	sizeof(bench_workloads) / sizeof(*bench_workloads);

static bool has_capacity(unsigned capacities, size_t capacity)
{
	if (capacity == 0)
		return capacities & BENCH_CAN_MEET;
	return capacities &
	       (capacity == BENCH_UNBOUNDED ? BENCH_CAN_GROW : BENCH_CAN_BOUND);
}

bool bench_supports(const struct bench_peer *peer,
	const struct bench_workload *workload, size_t capacity,
	size_t element_size)
{
	if (workload->channels > 0 && peer->program == NULL &&
		peer->calls->select_open == NULL)
		return false;
	if (peer->without != NULL &&
		bench_is_chosen(peer->without, workload->name))
		return false;
	return has_capacity(peer->capacities, capacity) &&
	       (peer->element_size == 0 ||
		       peer->element_size == element_size) &&
	       (peer->max_producers == 0 ||
		       peer->max_producers >= workload->producers) &&
	       (peer->max_consumers == 0 ||
		       peer->max_consumers >= workload->consumers);
}
