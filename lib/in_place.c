/* SPDX-License-Identifier: MIT */
/* in_place.c - elements that are built and used where they lie.  The places are
 * the queue's (queue.h); waiting for one is transfer.c's. */
#include <weir/channel.h>

#include "clock.h"
#include "in_place.h"
#include "transfer.h"

static int take(struct endpoint *end, enum side side, void **place,
	enum patience patience, int64_t deadline)
{
	struct transfer transfer = {.end = end,
		.side = side,
		.patience = patience,
		.deadline = deadline,
		.place = place,
		.count = 1};

	if (end == NULL || place == NULL ||
		end->channel->queue.ops->places == NULL)
		return WEIR_INVALID_ARGUMENT;
	/* acquire [closed]: what happened before the close is visible. */
	if (load_acquire(&end->closed))
		return WEIR_CLOSED_RESOURCE;
	return wi_transfer(&transfer);
}

void wi_place_commit(struct channel *channel, void *place)
{
	struct queue *queue = &channel->queue;

	if (queue->ops->places->publish(queue, place)) {
		wi_channel_moved(channel, SENDING);
		return;
	}
	/* It was sent, and nobody will receive it. */
	wi_queue_drop_abandoned(queue, &channel->dropper, place);
	queue->ops->places->forget(queue, place);
}

int weir_send_reserve(weir_sender *tx, void **slot)
{
	return take(wi_sender_end(tx), SENDING, slot, MAY_WAIT, WEIR_FOREVER);
}

int weir_try_send_reserve(weir_sender *tx, void **slot)
{
	return take(wi_sender_end(tx), SENDING, slot, NEVER_WAIT, 0);
}

int weir_send_reserve_until(weir_sender *tx, void **slot, int64_t deadline)
{
	return take(wi_sender_end(tx), SENDING, slot, MAY_WAIT, deadline);
}

int weir_send_reserve_for(weir_sender *tx, void **slot, int64_t timeout)
{
	return take(wi_sender_end(tx), SENDING, slot, MAY_WAIT,
		wi_deadline_after(timeout));
}

void weir_send_commit(weir_sender *tx, void *slot)
{
	if (tx != NULL && slot != NULL)
		wi_place_commit(wi_sender_end(tx)->channel, slot);
}

void weir_send_abort(weir_sender *tx, void *slot)
{
	struct channel *channel;

	if (tx == NULL || slot == NULL)
		return;
	channel = wi_sender_end(tx)->channel;
	channel->queue.ops->places->abort(&channel->queue, slot);
	wi_channel_aborted(channel);
}

int weir_recv_acquire(weir_receiver *rx, void **slot)
{
	return take(
		wi_receiver_end(rx), RECEIVING, slot, MAY_WAIT, WEIR_FOREVER);
}

int weir_try_recv_acquire(weir_receiver *rx, void **slot)
{
	return take(wi_receiver_end(rx), RECEIVING, slot, NEVER_WAIT, 0);
}

int weir_recv_acquire_until(weir_receiver *rx, void **slot, int64_t deadline)
{
	return take(wi_receiver_end(rx), RECEIVING, slot, MAY_WAIT, deadline);
}

int weir_recv_acquire_for(weir_receiver *rx, void **slot, int64_t timeout)
{
	return take(wi_receiver_end(rx), RECEIVING, slot, MAY_WAIT,
		wi_deadline_after(timeout));
}

void weir_recv_release(weir_receiver *rx, void *slot)
{
	struct channel *channel;

	if (rx == NULL || slot == NULL)
		return;
	channel = wi_receiver_end(rx)->channel;
	channel->queue.ops->places->vacate(&channel->queue, slot);
	wi_channel_moved(channel, RECEIVING);
}
