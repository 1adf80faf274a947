/* SPDX-License-Identifier: MIT */
/* statistics.c - looking at a channel.  No counter is kept on the fast path:
 * what was sent and received follows from the queue's positions. */
#include <string.h>

#include "channel.h"

static void fill(const struct endpoint *end, weir_statistics *out)
{
	const struct channel *channel;
	const struct queue *queue;

	if (out == NULL)
		return;
	memset(out, 0, sizeof *out);
	if (end == NULL)
		return;
	channel = end->channel;
	queue = &channel->queue;
	out->current_buffer_used = wi_queue_length(queue);
	out->max_buffer_size = queue->capacity;
	/* relaxed: a snapshot orders nothing. */
	out->open_senders = (size_t)load_relaxed(&channel->sides[SENDING].open);
	out->open_receivers = /* relaxed */
		(size_t)load_relaxed(&channel->sides[RECEIVING].open);
	out->senders_waiting = wi_wait_queue_length(&channel->waiting[SENDING]);
	out->receivers_waiting =
		wi_wait_queue_length(&channel->waiting[RECEIVING]);
	out->sent = wi_queue_sent(queue);
	out->received = wi_queue_received(queue);
	out->dropped = load_relaxed(&queue->dropped);     /* relaxed */
	out->displaced = load_relaxed(&queue->displaced); /* relaxed */
	out->name = channel->name;
}

static size_t length(const struct endpoint *end)
{
	return end == NULL ? 0 : wi_queue_length(&end->channel->queue);
}

static size_t capacity(const struct endpoint *end)
{
	return end == NULL ? 0 : end->channel->queue.capacity;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return a != NULL && b != NULL && a->channel == b->channel;
}

void weir_sender_statistics(const weir_sender *tx, weir_statistics *out)
{
	fill(wi_sender_end(tx), out);
}

void weir_receiver_statistics(const weir_receiver *rx, weir_statistics *out)
{
	fill(wi_receiver_end(rx), out);
}

size_t weir_sender_length(const weir_sender *tx)
{
	return length(wi_sender_end(tx));
}

size_t weir_receiver_length(const weir_receiver *rx)
{
	return length(wi_receiver_end(rx));
}

size_t weir_sender_capacity(const weir_sender *tx)
{
	return capacity(wi_sender_end(tx));
}

size_t weir_receiver_capacity(const weir_receiver *rx)
{
	return capacity(wi_receiver_end(rx));
}

bool weir_same_channel(const weir_sender *tx, const weir_receiver *rx)
{
	return same(wi_sender_end(tx), wi_receiver_end(rx));
}

bool weir_sender_same(const weir_sender *a, const weir_sender *b)
{
	return same(wi_sender_end(a), wi_sender_end(b));
}

bool weir_receiver_same(const weir_receiver *a, const weir_receiver *b)
{
	return same(wi_receiver_end(a), wi_receiver_end(b));
}
