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

/* -- Select ---------------------------------------------------------------- */

struct set {
	size_t n;
	weir_case cases[];
};

static void *select_open(void *const *channels, size_t n, bool sends)
{
	struct set *set = calloc(1, sizeof(*set) + n * sizeof(weir_case));

	if (set == NULL)
		bench_die("no memory");
	set->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct channel *c = channels[i];

		if (sends)
			set->cases[i] = (weir_case)WEIR_SEND_CASE(c->tx, NULL);
		else
			set->cases[i] = (weir_case)WEIR_RECV_CASE(c->rx, NULL);
	}
	return set;
}

static enum bench_status do_select(void *argument, void *element, size_t *at)
{
	struct set *set = argument;

	for (size_t i = 0; i < set->n; i++) {
		set->cases[i].from = element;
		set->cases[i].into = element;
	}
	if (weir_select(set->cases, set->n, 0, at) != WEIR_OK)
		bench_die("weir_select failed");
	return translate(set->cases[*at].status);
}

static void select_drop(void *argument, size_t at)
{
	struct set *set = argument;

	set->cases[at].tx = NULL;
	set->cases[at].rx = NULL;
}

/* -- The peer -------------------------------------------------------------- */

static const struct bench_calls calls = {
	.open = open_channel,
	.free = free_channel,
	.send = do_send,
	.recv = do_recv,
	.try_send = do_try_send,
	.try_recv = do_try_recv,
	.close_senders = close_senders,
	.select_open = select_open,
	.select = do_select,
	.select_drop = select_drop,
	.select_free = free,
};

const struct bench_peer bench_weir = {
	.name = "weir",
	.kind = BENCH_WEIR,
	.capacities = BENCH_CAN_MEET | BENCH_CAN_BOUND | BENCH_CAN_GROW,
	.calls = &calls,
};
