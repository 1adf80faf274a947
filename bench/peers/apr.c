/* SPDX-License-Identifier: MIT */
/* apr.c - APR-util's apr_queue: a ring of pointers under a mutex and two
 * condition variables. */
#include "boxed.h"

#include <apr_general.h>
#include <apr_queue.h>

struct channel {
	apr_pool_t *pool;
	apr_queue_t *queue;
	size_t element_size;
};

static void *open_channel(size_t capacity, size_t element_size)
{
	struct channel *c = malloc(sizeof(*c));

	/* It counts its users, and does nothing but the first time. */
	if (c == NULL || apr_initialize() != APR_SUCCESS ||
		apr_pool_create(&c->pool, NULL) != APR_SUCCESS ||
		apr_queue_create(&c->queue, (unsigned)capacity, c->pool) !=
			APR_SUCCESS)
		bench_die("no apr_queue");
	c->element_size = element_size;
	return c;
}

static void free_channel(void *channel)
{
	struct channel *c = channel;

	apr_pool_destroy(c->pool);
	free(c);
}

/* A call may come back with APR_EINTR, when woken for what others took. */
static enum bench_status push(apr_status_t (*call)(apr_queue_t *, void *),
	apr_queue_t *q, void *boxed)
{
	apr_status_t status;

	do
		status = call(q, boxed);
	while (status == APR_EINTR);
	return status == APR_SUCCESS ? BENCH_OK : BENCH_WOULD_BLOCK;
}

static enum bench_status pop(apr_status_t (*call)(apr_queue_t *, void **),
	struct channel *c, void *element)
{
	apr_status_t status;
	void *boxed;

	do
		status = call(c->queue, &boxed);
	while (status == APR_EINTR);
	if (status != APR_SUCCESS)
		return BENCH_WOULD_BLOCK;
	if (boxed == &end_of_queue) {
		push(apr_queue_push, c->queue, boxed);
		return BENCH_END;
	}
	unbox(boxed, element, c->element_size);
	return BENCH_OK;
}

static enum bench_status send_element(void *channel, const void *element)
{
	struct channel *c = channel;

	return push(apr_queue_push, c->queue, box(element, c->element_size));
}

/* Only ever called with room to spare, or the block would be lost. */
static enum bench_status try_send(void *channel, const void *element)
{
	struct channel *c = channel;

	return push(apr_queue_trypush, c->queue, box(element, c->element_size));
}

static enum bench_status recv_element(void *channel, void *element)
{
	return pop(apr_queue_pop, channel, element);
}

static enum bench_status try_recv(void *channel, void *element)
{
	return pop(apr_queue_trypop, channel, element);
}

static void close_senders(void *channel)
{
	push(apr_queue_push, ((struct channel *)channel)->queue, &end_of_queue);
}

static const struct bench_calls calls = {
	.open = open_channel,
	.free = free_channel,
	.send = send_element,
	.recv = recv_element,
	.try_send = try_send,
	.try_recv = try_recv,
	.close_senders = close_senders,
};

const struct bench_peer bench_apr = {
	.name = "apr",
	.kind = BENCH_SLEEPS,
	.capacities = BENCH_CAN_BOUND,
	.calls = &calls,
};
