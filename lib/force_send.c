/* SPDX-License-Identifier: MIT */
/* force_send.c - a send that takes the oldest element out if there is no room.
 *
 * If the buffer is full the place of the oldest element is reserved, with that
 * in it, inside the gate: senders that wait cannot come between, and flags stay
 * as they are (ring.c, displace).  The rest is outside: take the old element
 * out, put the new one in, publish.  Who takes elements at the same time is
 * kept away by head, as always.
 */
#include <weir/channel.h>

#include "element.h"
#include "in_place.h"
#include "transfer.h"

/* Rounds and pauses for others who are in the middle of an operation on the
 * oldest place: some microseconds, a few times what a copy takes. */
#define ROUNDS 64
#define PAUSES 4

/* Rounds in any case: a place may come free between two looks. */
#define AT_ONCE 2

/* Inside the gate. */
static int displace_inside(struct channel *channel, void **place, bool in_hand)
{
	struct queue *queue = &channel->queue;
	/* acquire [closed]: pairs with wi_queue_finish. */
	uint64_t tail = load_acquire(&queue->tail);

	if (tail & (ENDED | BROKEN))
		return tail & ENDED ? -EBADF : -EPIPE;
	return queue->ops->places->displace(queue, place, in_hand);
}

/* WEIR_OK: *place is ours, with the oldest element in it. */
static int displace(struct endpoint *end, void **place, bool in_hand)
{
	struct channel *channel = end->channel;
	struct list decided;
	int status;

	if (!wi_channel_try_enter(channel, &decided))
		return WEIR_WOULD_BLOCK;
	/* Places that came free are those of senders that wait. */
	wi_channel_settle(channel, &decided);
	/* relaxed: written inside the gate. */
	status = load_relaxed(&end->closed)
			 ? WEIR_CLOSED_RESOURCE
			 : displace_inside(channel, place, in_hand);
	/* What head stands on now may be a gap. */
	wi_channel_settle(channel, &decided);
	wi_channel_leave(channel, &decided);
	return status;
}

/* The oldest element leaves its place to the new one.  Not inlined: a
 * whole-program optimizer that knows the caller's buffer, but not the element
 * size, warns of copies that are never made. */
static OUT_OF_LINE void replace(struct channel *channel, void *place,
	const void *element, void *displaced)
{
	struct queue *queue = &channel->queue;

	if (displaced == NULL) {
		wi_queue_drop(queue, &channel->dropper, place);
	} else {
		wi_copy_element(displaced, place, queue->element_size);
		/* relaxed: a figure for statistics. */
		fetch_add_relaxed(&queue->displaced, 1);
	}
	wi_copy_element(place, element, queue->element_size);
}

/* One round. */
static int force(struct endpoint *end, void *element, void *displaced,
	bool *was_displaced)
{
	struct channel *channel = end->channel;
	const struct place_ops *places = channel->queue.ops->places;
	/* Who drops it may take as long as it likes. */
	bool in_hand = displaced == NULL && channel->dropper.drop != NULL;
	void *place;
	int status = wi_transfer_one(end, SENDING, element, &wi_never_wait);

	*was_displaced = false;
	if (status != WEIR_WOULD_BLOCK || places == NULL ||
		places->displace == NULL)
		return status;
	status = displace(end, &place, in_hand);
	if (status != WEIR_OK)
		return status;
	replace(channel, place, element, displaced);
	*was_displaced = true;
	wi_place_commit(channel, place);
	return WEIR_OK;
}

int weir_force_send(weir_sender *tx, const void *element, void *displaced,
	bool *was_displaced)
{
	struct endpoint *end = wi_sender_end(tx);
	bool any = false;
	int status = wi_transfer_check(end, element, 1);

	if (status != WEIR_OK)
		return status;
	for (int i = 0; i < ROUNDS; i++) {
		status = force(end, wi_readable(element), displaced, &any);
		if (status != WEIR_WOULD_BLOCK ||
			end->channel->queue.capacity == 0)
			break;
		/* Where one CPU is allowed nobody else comes on. */
		if (i >= AT_ONCE && !wi_backoff_may_spin())
			break;
		for (int pause = 0; pause < PAUSES; pause++)
			cpu_pause();
	}
	if (status == WEIR_OK && was_displaced != NULL)
		*was_displaced = any;
	return status;
}
