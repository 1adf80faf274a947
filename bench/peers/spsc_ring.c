/* SPDX-License-Identifier: MIT */
/* spsc_ring.c - a bare ring for one producer and one consumer: a floor.
 *
 * No locked instruction at all.  Each side keeps a copy of the other's index
 * and reads that one again only when it seems to have run out (as in the
 * FastForward and MCRingBuffer papers; Lee, Bu and Chandranmenon, 2010).
 */
#include "../bench.h"
#include "spin.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	/* Written by the producer. */
	_Alignas(128) _Atomic uint64_t tail;
	uint64_t head_seen;
	/* Written by the consumer. */
	_Alignas(128) _Atomic uint64_t head;
	uint64_t tail_seen;
	/* Written once. */
	_Alignas(128) uint64_t capacity;
	uint64_t mask;
	size_t size;
	_Atomic bool closed;
	unsigned char *elements;
};

static void *open_ring(size_t capacity, size_t element_size)
{
	struct ring *r = aligned_alloc(128, sizeof(*r));

	if (r == NULL)
		bench_die("no memory");
	memset(r, 0, sizeof(*r));
	r->capacity = capacity;
	r->mask = power_of_two(capacity) - 1;
	r->size = element_size;
	r->elements = calloc(r->mask + 1, element_size);
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

static enum bench_status try_send(void *channel, const void *element)
{
	struct ring *r = channel;
	uint64_t t = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (t - r->head_seen == r->capacity) {
		r->head_seen =
			atomic_load_explicit(&r->head, memory_order_acquire);
		if (t - r->head_seen == r->capacity)
			return BENCH_WOULD_BLOCK;
	}
	memcpy(r->elements + (t & r->mask) * r->size, element, r->size);
	atomic_store_explicit(&r->tail, t + 1, memory_order_release);
	return BENCH_OK;
}

static enum bench_status try_recv(void *channel, void *element)
{
	struct ring *r = channel;
	uint64_t h = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (h == r->tail_seen) {
		r->tail_seen =
			atomic_load_explicit(&r->tail, memory_order_acquire);
		if (h == r->tail_seen)
			return BENCH_WOULD_BLOCK;
	}
	memcpy(element, r->elements + (h & r->mask) * r->size, r->size);
	atomic_store_explicit(&r->head, h + 1, memory_order_release);
	return BENCH_OK;
}

static enum bench_status send_element(void *channel, const void *element)
{
	unsigned n = 0;

	while (try_send(channel, element) != BENCH_OK)
		spin(&n);
	return BENCH_OK;
}

static enum bench_status recv_element(void *channel, void *element)
{
	struct ring *r = channel;
	unsigned n = 0;

	while (try_recv(r, element) != BENCH_OK) {
		/* What was sent before the close is seen after it. */
		if (atomic_load(&r->closed))
			return try_recv(r, element) == BENCH_OK ? BENCH_OK
								: BENCH_END;
		spin(&n);
	}
	return BENCH_OK;
}

static void close_senders(void *channel)
{
	atomic_store(&((struct ring *)channel)->closed, true);
}

static const struct bench_calls calls = {
	.open = open_ring,
	.free = free_ring,
	.send = send_element,
	.recv = recv_element,
	.try_send = try_send,
	.try_recv = try_recv,
	.close_senders = close_senders,
};

const struct bench_peer bench_spsc_ring = {
	.name = "spsc_ring",
	.kind = BENCH_FLOOR,
	.capacities = BENCH_CAN_BOUND,
	.max_producers = 1,
	.max_consumers = 1,
	.calls = &calls,
};
