/* SPDX-License-Identifier: MIT */
/* vyukov.c - a bare ring for many producers and many consumers: a floor.
 *
 * Algorithm: D. Vyukov, "Bounded MPMC queue", 1024cores.net; one compare and
 * swap a side.  A slot's turn counts twice a lap: even when it is to be filled,
 * odd when it is to be emptied, so that a capacity of 1 will do.  Nobody ever
 * sleeps or is woken: what channels need beyond this is what waiting costs them.
 */
#include "../bench.h"
#include "spin.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	_Atomic uint64_t turn;
	unsigned char element[];
};

struct ring {
	_Alignas(128) _Atomic uint64_t tail; /* written by producers */
	_Alignas(128) _Atomic uint64_t head; /* written by consumers */
	/* Written once. */
	_Alignas(128) unsigned shift;
	uint64_t mask;
	size_t stride;
	size_t size;
	_Atomic bool closed;
	unsigned char *slots;
};

static void *open_ring(size_t capacity, size_t element_size)
{
	struct ring *r = aligned_alloc(128, sizeof(*r));

	if (r == NULL)
		bench_die("no memory");
	memset(r, 0, sizeof(*r));
	capacity = power_of_two(capacity);
	r->mask = capacity - 1;
	r->shift = (unsigned)__builtin_ctzll(capacity);
	r->size = element_size;
	r->stride = sizeof(struct slot) + element_size;
	r->slots = calloc(capacity, r->stride); /* turns: 0 */
	if (r->slots == NULL)
		bench_die("no memory");
	return r;
}

static void free_ring(void *channel)
{
	struct ring *r = channel;

	free(r->slots);
	free(r);
}

static struct slot *slot_of(struct ring *r, uint64_t ticket)
{
	return (void *)(r->slots + (ticket & r->mask) * r->stride);
}

/* Claims a ticket of `end` whose slot is at that turn; NULL: none is. */
static struct slot *claim(
	struct ring *r, _Atomic uint64_t *end, unsigned odd, uint64_t *turn)
{
	uint64_t t = atomic_load_explicit(end, memory_order_relaxed);

	for (;;) {
		struct slot *s = slot_of(r, t);
		int64_t ahead;

		*turn = 2 * (t >> r->shift) + odd;
		ahead = (int64_t)(atomic_load_explicit(
					  &s->turn, memory_order_acquire) -
				  *turn);
		if (ahead < 0)
			return NULL;
		if (ahead > 0)
			t = atomic_load_explicit(end, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(end, &t, t + 1,
				 memory_order_relaxed, memory_order_relaxed))
			return s;
	}
}

static enum bench_status try_send(void *channel, const void *element)
{
	struct ring *r = channel;
	uint64_t turn;
	struct slot *s = claim(r, &r->tail, 0, &turn);

	if (s == NULL)
		return BENCH_WOULD_BLOCK;
	memcpy(s->element, element, r->size);
	atomic_store_explicit(&s->turn, turn + 1, memory_order_release);
	return BENCH_OK;
}

static enum bench_status try_recv(void *channel, void *element)
{
	struct ring *r = channel;
	uint64_t turn;
	struct slot *s = claim(r, &r->head, 1, &turn);

	if (s == NULL)
		return BENCH_WOULD_BLOCK;
	memcpy(element, s->element, r->size);
	atomic_store_explicit(&s->turn, turn + 1, memory_order_release);
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

const struct bench_peer bench_vyukov = {
	.name = "vyukov",
	.kind = BENCH_FLOOR,
	.capacities = BENCH_CAN_BOUND,
	.calls = &calls,
};
