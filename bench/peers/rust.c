/* SPDX-License-Identifier: MIT */
/* rust.c - the peers that peers/rust makes: crossbeam-channel, flume, and
 * std::sync::mpsc, whose channels have one receiver. */
#include "../bench.h"

#define CAN_ALL (BENCH_CAN_MEET | BENCH_CAN_BOUND | BENCH_CAN_GROW)

/* flume's select of both ends hangs in most runs (its issue 135). */
#define PEERS(bytes)                                                           \
	extern const struct bench_calls rust_crossbeam_##bytes,                \
		rust_flume_##bytes, rust_std_##bytes,                          \
		rust_std_unbounded_##bytes;                                    \
	const struct bench_peer bench_crossbeam_##bytes = {                    \
		.name = "crossbeam",                                           \
		.kind = BENCH_SLEEPS,                                          \
		.capacities = CAN_ALL,                                         \
		.element_size = bytes,                                         \
		.calls = &rust_crossbeam_##bytes,                              \
	};                                                                     \
	const struct bench_peer bench_flume_##bytes = {                        \
		.name = "flume",                                               \
		.kind = BENCH_SLEEPS,                                          \
		.capacities = CAN_ALL,                                         \
		.element_size = bytes,                                         \
		.without = "select_both",                                      \
		.calls = &rust_flume_##bytes,                                  \
	};                                                                     \
	const struct bench_peer bench_std_##bytes = {                          \
		.name = "std",                                                 \
		.kind = BENCH_SLEEPS,                                          \
		.capacities = BENCH_CAN_MEET | BENCH_CAN_BOUND,                \
		.element_size = bytes,                                         \
		.max_consumers = 1,                                            \
		.calls = &rust_std_##bytes,                                    \
	};                                                                     \
	const struct bench_peer bench_std_unbounded_##bytes = {                \
		.name = "std",                                                 \
		.kind = BENCH_SLEEPS,                                          \
		.capacities = BENCH_CAN_GROW,                                  \
		.element_size = bytes,                                         \
		.max_consumers = 1,                                            \
		.calls = &rust_std_unbounded_##bytes,                          \
	}

PEERS(8);
PEERS(32);
PEERS(256);
