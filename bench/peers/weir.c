/* SPDX-License-Identifier: MIT */
/* weir.c - Weir as a peer: one sender and one receiver, shared by all. */
#include "../bench.h"

#include <stdlib.h>
#include <weir.h>

struct channel {
	weir_sender *tx;
	weir_receiver *rx;
};

static enum bench_status translate(int status)
{
	if (status == WEIR_OK)
		return BENCH_OK;
	return status == WEIR_WOULD_BLOCK ? BENCH_WOULD_BLOCK : BENCH_END;
}

static void *open_channel(size_t capacity, size_t element_size)
{
	struct channel *c = malloc(sizeof(*c));

	if (c == NULL || weir_open(capacity == BENCH_UNBOUNDED ? WEIR_UNBOUNDED
							       : capacity,
				 element_size, &c->tx, &c->rx) != WEIR_OK)
		bench_die("weir_open failed");
	return c;
}

static void free_channel(void *channel)
{
	struct channel *c = channel;

	weir_sender_free(c->tx);
	weir_receiver_free(c->rx);
	free(c);
}

static enum bench_status do_send(void *channel, const void *element)
{
	return translate(weir_send(((struct channel *)channel)->tx, element));
}

static enum bench_status do_recv(void *channel, void *element)
{
	return translate(weir_recv(((struct channel *)channel)->rx, element));
}

static enum bench_status do_try_send(void *channel, const void *element)
{
	return translate(
		weir_try_send(((struct channel *)channel)->tx, element));
}

static enum bench_status do_try_recv(void *channel, void *element)
{
	return translate(
		weir_try_recv(((struct channel *)channel)->rx, element));
}

static void close_senders(void *channel)
{
	weir_sender_close(((struct channel *)channel)->tx);
}

static void close_receivers(void *channel)
{
	weir_receiver_close(((struct channel *)channel)->rx);
}

const struct bench_peer bench_weir = {
	.name = "weir",
	.open = open_channel,
	.free = free_channel,
	.send = do_send,
	.recv = do_recv,
	.try_send = do_try_send,
	.try_recv = do_try_recv,
	.close_senders = close_senders,
	.close_receivers = close_receivers,
};
