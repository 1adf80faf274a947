/* SPDX-License-Identifier: MIT */
/* ck.c - Concurrency Kit's ck_ring, with the floors' way to wait: a floor.
 *
 * Its sizes are powers of two, four at least, of which one place stays empty: 1
 * makes 3, 64 makes 127.
 * `ck_ring` is the one for many producers, which commit in the order of their
 * tickets, so that all wait for one that is preempted; `ck_ring_sp` has one.
 */
#include "../bench.h"
#include "spin.h"

#include <ck_ring.h>
#include <stdatomic.h>
#include <stdlib.h>

struct ring {
	struct ck_ring ring;
	_Atomic bool closed;
	void *elements;
};

static void *open_ring(size_t capacity, size_t element_size)
{
	struct ring *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	size_t places = power_of_two(capacity + 1);

	if (r == NULL)
		bench_die("no memory");
	ck_ring_init(&r->ring, (unsigned)(places < 4 ? 4 : places));
	atomic_init(&r->closed, false);
	r->elements = calloc(places < 4 ? 4 : places, element_size);
	if (r->elements == NULL)
		bench_die("no memory");
	return r;
}

static void free_ring(void *channel)
{
	struct ring *r = channel;

	free(r->elements);
	free(r);
}

static void close_senders(void *channel)
{
	atomic_store(&((struct ring *)channel)->closed, true);
}

/* The calls of one flavor (mpmc or spmc) for elements of one size. */
#define CALLS(flavor, element)                                                 \
	static enum bench_status try_send_##flavor##_##element(                \
		void *channel, const void *from)                               \
	{                                                                      \
		struct ring *r = channel;                                      \
                                                                               \
		return ck_ring_enqueue_##flavor##_##element(                   \
			       &r->ring, r->elements, (void *)(uintptr_t)from) \
			       ? BENCH_OK                                      \
			       : BENCH_WOULD_BLOCK;                            \
	}                                                                      \
	static enum bench_status try_recv_##flavor##_##element(                \
		void *channel, void *into)                                     \
	{                                                                      \
		struct ring *r = channel;                                      \
                                                                               \
		return ck_ring_dequeue_##flavor##_##element(                   \
			       &r->ring, r->elements, into)                    \
			       ? BENCH_OK                                      \
			       : BENCH_WOULD_BLOCK;                            \
	}                                                                      \
	static enum bench_status send_##flavor##_##element(                    \
		void *channel, const void *from)                               \
	{                                                                      \
		unsigned n = 0;                                                \
                                                                               \
		while (try_send_##flavor##_##element(channel, from) !=         \
			BENCH_OK)                                              \
			spin(&n);                                              \
		return BENCH_OK;                                               \
	}                                                                      \
	static enum bench_status recv_##flavor##_##element(                    \
		void *channel, void *into)                                     \
	{                                                                      \
		struct ring *r = channel;                                      \
		unsigned n = 0;                                                \
                                                                               \
		for (;;) {                                                     \
			bool closed = atomic_load(&r->closed);                 \
                                                                               \
			if (try_recv_##flavor##_##element(r, into) ==          \
				BENCH_OK)                                      \
				return BENCH_OK;                               \
			if (closed)                                            \
				return BENCH_END;                              \
			spin(&n);                                              \
		}                                                              \
	}                                                                      \
	static const struct bench_calls calls_##flavor##_##element = {         \
		.open = open_ring,                                             \
		.free = free_ring,                                             \
		.send = send_##flavor##_##element,                             \
		.recv = recv_##flavor##_##element,                             \
		.try_send = try_send_##flavor##_##element,                     \
		.try_recv = try_recv_##flavor##_##element,                     \
		.close_senders = close_senders,                                \
	}

#define PEERS(bytes)                                                           \
	struct of_##bytes {                                                    \
		uint64_t words[bytes / 8];                                     \
	};                                                                     \
	CK_RING_PROTOTYPE(of_##bytes, of_##bytes)                              \
	CALLS(mpmc, of_##bytes);                                               \
	CALLS(spmc, of_##bytes);                                               \
	const struct bench_peer bench_ck_ring_##bytes = {                      \
		.name = "ck_ring",                                             \
		.kind = BENCH_FLOOR,                                           \
		.capacities = BENCH_CAN_BOUND,                                 \
		.element_size = bytes,                                         \
		.calls = &calls_mpmc_of_##bytes,                               \
	};                                                                     \
	const struct bench_peer bench_ck_ring_sp_##bytes = {                   \
		.name = "ck_ring_sp",                                          \
		.kind = BENCH_FLOOR,                                           \
		.capacities = BENCH_CAN_BOUND,                                 \
		.element_size = bytes,                                         \
		.max_producers = 1,                                            \
		.calls = &calls_spmc_of_##bytes,                               \
	}

PEERS(8);
PEERS(32);
PEERS(256);
