/* SPDX-License-Identifier: MIT */
/* glib.c - GLib's GAsyncQueue: a list of pointers under a mutex and a condition
 * variable, without a limit. */
#include "boxed.h"

#include <glib.h>

struct channel {
	GAsyncQueue *queue;
	size_t element_size;
};

static void *open_channel(size_t capacity, size_t element_size)
{
	struct channel *c = malloc(sizeof(*c));

	(void)capacity;
	if (c == NULL)
		bench_die("no memory");
	c->queue = g_async_queue_new();
	c->element_size = element_size;
	return c;
}

static void free_channel(void *channel)
{
	struct channel *c = channel;

	g_async_queue_unref(c->queue);
	free(c);
}

static enum bench_status send_element(void *channel, const void *element)
{
	struct channel *c = channel;

	g_async_queue_push(c->queue, box(element, c->element_size));
	return BENCH_OK;
}

static enum bench_status take(struct channel *c, void *boxed, void *element)
{
	if (boxed == NULL)
		return BENCH_WOULD_BLOCK;
	if (boxed == &end_of_queue) {
		g_async_queue_push(c->queue, boxed);
		return BENCH_END;
	}
	unbox(boxed, element, c->element_size);
	return BENCH_OK;
}

static enum bench_status recv_element(void *channel, void *element)
{
	struct channel *c = channel;

	return take(c, g_async_queue_pop(c->queue), element);
}

static enum bench_status try_recv(void *channel, void *element)
{
	struct channel *c = channel;

	return take(c, g_async_queue_try_pop(c->queue), element);
}

static void close_senders(void *channel)
{
	g_async_queue_push(((struct channel *)channel)->queue, &end_of_queue);
}

static const struct bench_calls calls = {
	.open = open_channel,
	.free = free_channel,
	.send = send_element,
	.recv = recv_element,
	.try_send = send_element,
	.try_recv = try_recv,
	.close_senders = close_senders,
};

const struct bench_peer bench_glib = {
	.name = "glib",
	.kind = BENCH_SLEEPS,
	.capacities = BENCH_CAN_GROW,
	.calls = &calls,
};
