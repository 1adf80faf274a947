/* SPDX-License-Identifier: MIT */
/* transfer.h - sending and receiving, in one: at once if that is possible, else
 * by waiting. */
#ifndef WI_TRANSFER_H
#define WI_TRANSFER_H

#include "channel.h"

enum patience {
	IN_PASSING, /* as below, for a caller who will look again: may miss what
		       has just been published */
	NEVER_WAIT, /* a try_ call: its deadline is not looked at */
	MAY_WAIT
};

/* One call: move `count` elements, which lie at `elements`, one after the
 * other; or, if `place` is not NULL, take one place in hand (queue.h) and say
 * there where it is.  Sending: all of them.  Receiving: one, and more if they
 * are there.  The endpoint is open as far as its caller knows, the pointers are
 * valid. */
struct transfer {
	struct endpoint *end;
	enum side side;
	enum patience patience;
	int64_t deadline;
	unsigned char *elements;
	void **place;
	size_t count;
	size_t done; /* so far */
};

int wi_transfer(struct transfer *transfer);

/* The same, after a first look that has ended with `status`. */
int wi_transfer_on(struct transfer *transfer, int status);

/* One element at once, without waiting, in a channel that has a buffer. */
static inline int wi_transfer_now(
	struct channel *channel, enum side side, void *element)
{
	struct queue *queue = &channel->queue;
	int status = side == SENDING ? queue->ops->push(queue, element, 0)
				     : queue->ops->pop(queue, element, 0);

	if (likely(status == WEIR_OK))
		wi_channel_moved(channel, side);
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

	if (unlikely(status != WEIR_OK))
		return status;
	status = wi_transfer_now(end->channel, side, element);
	if (likely(status == WEIR_OK))
		return WEIR_OK;
	if (patience == IN_PASSING && status == WEIR_WOULD_BLOCK &&
		end->channel->queue.capacity > 0)
		return status;
	return wi_transfer_on(&(struct transfer){.end = end,
				      .side = side,
				      .patience = patience,
				      .deadline = deadline,
				      .elements = element,
				      .count = 1},
		status);
}

/* The _many calls. */
static inline int wi_transfer_many(struct endpoint *end, enum side side,
	void *elements, size_t count, size_t *done, enum patience patience,
	int64_t deadline)
{
	struct transfer transfer = {.end = end,
		.side = side,
		.patience = patience,
		.deadline = deadline,
		.elements = elements,
		.count = count};
	int status;

	if (done == NULL)
		return WEIR_INVALID_ARGUMENT;
	status = wi_transfer_check(end, elements, count);
	if (status == WEIR_OK)
		status = wi_transfer(&transfer);
	if (status != WEIR_INVALID_ARGUMENT)
		*done = transfer.done;
	return status;
}

#endif
