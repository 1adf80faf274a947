/* SPDX-License-Identifier: MIT */
/* transfer.h - sending and receiving, in one: at once if that is possible, else
 * by waiting. */
#ifndef WI_TRANSFER_H
#define WI_TRANSFER_H

#include "channel.h"

enum patience {
	NEVER_WAIT, /* a try_ call: its deadline is not looked at */
	MAY_WAIT
};

/* Move `count` elements, which lie at `elements`, one after the other.
 * Sending: all of them.  Receiving: one, and more if they are there.  *done
 * says how many, on every return.  The endpoint is open as far as its caller
 * knows, the pointers are valid. */
int wi_transfer(struct endpoint *end, enum side side, void *elements,
	size_t count, size_t *done, enum patience patience, int64_t deadline);

/* One element at once, without waiting, in a channel that has a buffer. */
static inline int wi_transfer_now(
	struct channel *channel, enum side side, void *element)
{
	struct queue *queue = &channel->queue;
	int status = side == SENDING ? queue->ops->push(queue, element, 0)
				     : queue->ops->pop(queue, element, 0);

	if (likely(status == WEIR_OK) &&
		unlikely(wi_channel_waits(
			channel, side == SENDING ? RECEIVING : SENDING)))
		wi_channel_serve(channel);
	return status;
}

/* The checks that come before everything else. */
static inline int wi_transfer_check(
	const struct endpoint *end, const void *elements, size_t count)
{
	if (unlikely(end == NULL))
		return WEIR_INVALID_ARGUMENT;
	if (unlikely(elements == NULL && count > 0 &&
		     end->channel->queue.element_size > 0))
		return WEIR_INVALID_ARGUMENT;
	/* acquire [closed]: what happened before the close is visible. */
	if (unlikely(load_acquire(&end->closed)))
		return WEIR_CLOSED_RESOURCE;
	return WEIR_OK;
}

/* One element: the path of every send and recv. */
static inline int wi_transfer_one(struct endpoint *end, enum side side,
	void *element, enum patience patience, int64_t deadline)
{
	int status = wi_transfer_check(end, element, 1);
	size_t done;

	if (unlikely(status != WEIR_OK))
		return status;
	status = wi_transfer_now(end->channel, side, element);
	if (likely(status == WEIR_OK))
		return WEIR_OK;
	if (patience == NEVER_WAIT && status == WEIR_WOULD_BLOCK &&
		end->channel->queue.capacity > 0)
		return status;
	return wi_transfer(end, side, element, 1, &done, patience, deadline);
}

/* The _many calls. */
static inline int wi_transfer_many(struct endpoint *end, enum side side,
	void *elements, size_t count, size_t *done, enum patience patience,
	int64_t deadline)
{
	int status;

	if (done == NULL)
		return WEIR_INVALID_ARGUMENT;
	status = wi_transfer_check(end, elements, count);
	if (status != WEIR_INVALID_ARGUMENT)
		*done = 0;
	if (status != WEIR_OK)
		return status;
	return wi_transfer(
		end, side, elements, count, done, patience, deadline);
}

#endif
