/* SPDX-License-Identifier: MIT */
/* channel.c - the waiting room: how those who wait are served; see channel.h.
 *
 * Invariants, whenever the gate is free
 *	I1  a side's bit of `attention` is set if and only if somebody waits
 *	    there; so is HELD in the queue's word of that side.
 *	I2  no waiter could be served by what had been published when the gate
 *	    was last left.
 *
 * Ordering edges
 *	[sleep]  Nobody sleeps beside an element, nor beside a free place:
 *
 *		a sender                   a receiver that waits
 *		--------                   ---------------------
 *		S1 exchange(turn, full)    R1 fetch_or(attention, RECEIVING)
 *		S2 load(attention)         R2 load(turn)
 *
 *	All four are seq_cst, so they have one order, in which S1 comes before
 *	S2 and R1 before R2.  Either S2 comes after R1 and sees the bit: the
 *	sender serves.  Or S2 comes before R1, so S1 before R2: the receiver,
 *	which settles after R1 and before it sleeps, finds the element.  The
 *	same with the sides exchanged, and `free` for `full`.  In words:
 *	publish, then look for waiters; register, then look again.  To serve is
 *	to enter the gate, or to leave a mark to whoever is inside (gate.h), who
 *	then settles after that mark.
 *
 * Termination.  To settle moves elements only for those who wait, so a round
 * that moves nothing is the last one; each round is work that somebody waits
 * for.
 */
#include "channel.h"

#include <errno.h>
#include <string.h>

#include "debug.h"

static struct waiter *first_waiting(struct channel *channel, enum side side)
{
	return wi_wait_queue_first(&channel->sides[side].waiting);
}

static struct atomic_u64 *word_of(struct channel *channel, enum side side)
{
	return side == SENDING ? &channel->queue.tail : &channel->queue.head;
}

/* -- Serving ------------------------------------------------------------- */

void wi_channel_decide(struct channel *channel, enum side side,
	struct waiter *waiter, int status, struct list *decided)
{
	wi_wait_queue_remove(&channel->sides[side].waiting, waiter);
	waiter->status = status;
	list_append(decided, &waiter->node);
}

/* Capacity 0: pair up the oldest of both sides. */
static void let_meet(struct channel *channel, struct list *decided)
{
	for (;;) {
		struct waiter *sender = first_waiting(channel, SENDING);
		struct waiter *receiver = first_waiting(channel, RECEIVING);

		if (!wi_rendezvous_meet(&channel->queue, sender, receiver))
			break;
		if (sender->done == sender->wanted)
			wi_channel_decide(
				channel, SENDING, sender, WEIR_OK, decided);
		if (receiver->done == receiver->wanted)
			wi_channel_decide(
				channel, RECEIVING, receiver, WEIR_OK, decided);
	}
}

/* Move elements between the queue and those who wait on this side, oldest
 * first.  True if any moved. */
static bool serve_side(
	struct channel *channel, enum side side, struct list *decided)
{
	struct queue *queue = &channel->queue;
	struct waiter *waiter;
	bool moved = false;

	while ((waiter = first_waiting(channel, side)) != NULL) {
		unsigned char *element =
			waiter->elements + waiter->done * queue->element_size;
		int status = side == SENDING
				     ? queue->ops->push(queue, element, HELD)
				     : queue->ops->pop(queue, element, HELD);

		if (status == WEIR_OK) {
			moved = true;
			if (++waiter->done < waiter->wanted)
				continue;
		} else if (side == RECEIVING && waiter->done > 0) {
			status = WEIR_OK; /* took what was there */
		} else if (status == WEIR_WOULD_BLOCK) {
			break;
		}
		wi_channel_decide(channel, side, waiter, status, decided);
	}
	return moved;
}

void wi_channel_settle(struct channel *channel, struct list *decided)
{
	bool moved;

	if (channel->queue.capacity == 0)
		let_meet(channel, decided);
	/* An element for a receiver makes a place for a sender, whose element
	 * may be for the next receiver. */
	do {
		moved = serve_side(channel, RECEIVING, decided);
		moved |= serve_side(channel, SENDING, decided);
	} while (moved);
}

void wi_channel_serve(struct channel *channel)
{
	struct list decided;

	/* The mark is there now, and makes whoever leaves settle first: us, or
	 * who is inside. */
	if (!wi_gate_enter_or_mark(&channel->gate))
		return;
	list_init(&decided);
	wi_channel_leave(channel, &decided);
}

/* -- The gate ------------------------------------------------------------ */

void wi_channel_enter(struct channel *channel, struct list *decided)
{
	list_init(decided);
	wi_gate_enter(&channel->gate);
}

bool wi_channel_try_enter(struct channel *channel, struct list *decided)
{
	list_init(decided);
	return wi_gate_try_enter(&channel->gate);
}

/* Nobody waits on this side any more: let others use its word again. */
static void let_go_if_nobody_waits(struct channel *channel, enum side side)
{
	/* relaxed: only written inside the gate. */
	uint32_t attention = load_relaxed(&channel->attention);

	if (!(attention & 1u << side) || first_waiting(channel, side) != NULL)
		return;
	/* Who still sees the bit finds nobody to serve.  Only setting it is
	 * part of [sleep]. */
	fetch_and_acq_rel(&channel->attention, ~(1u << side));
	wi_queue_hold(word_of(channel, side), false);
}

void wi_channel_leave(struct channel *channel, struct list *decided)
{
	for (;;) {
		let_go_if_nobody_waits(channel, SENDING);
		let_go_if_nobody_waits(channel, RECEIVING);
		if (wi_gate_leave(&channel->gate))
			break;
		wi_channel_settle(channel, decided);
	}
	/* Outside: who is woken may come straight back to the gate. */
	wi_waiters_release(decided);
}

void wi_channel_queue(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	/* HELD first: from when statistics count this waiter, nobody goes past
	 * it.  relaxed: only written inside the gate. */
	if (!(load_relaxed(&channel->attention) & 1u << side)) {
		wi_queue_hold(word_of(channel, side), true);
		/* seq_cst [sleep]: register, then look again. */
		fetch_or_seq_cst(&channel->attention, 1u << side);
	}
	wi_wait_queue_append(&channel->sides[side].waiting, waiter);
}

/* Is what this waiter needs already claimed by threads in the middle of an
 * operation, beyond what those before it can take?  Then it will be served
 * when they are through, and it cannot be said that it could not be done. */
static bool is_on_its_way(
	struct channel *channel, enum side side, const struct waiter *waiter)
{
	struct list *waiters = &channel->sides[side].waiting.waiters;
	size_t length = wi_queue_length(&channel->queue);
	size_t there =
		side == RECEIVING ? length : channel->queue.capacity - length;
	size_t needed = side == RECEIVING ? 1 : waiter->wanted - waiter->done;

	for (struct list *node = waiters->next; node != &waiter->node;
		node = node->next) {
		struct waiter *older = wi_waiter_of(node);

		if (older->wanted - older->done >= there)
			return false;
		there -= older->wanted - older->done;
	}
	return there >= needed;
}

bool wi_channel_withdraw(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	if (is_on_its_way(channel, side, waiter))
		return false;
	wi_wait_queue_remove(&channel->sides[side].waiting, waiter);
	return true;
}

/* -- Making and unmaking ------------------------------------------------- */

static int init_queue(struct channel *channel, size_t capacity,
	size_t element_size, const struct allocator *allocator)
{
	if (capacity == WEIR_UNBOUNDED)
		return wi_segment_list_init(
			&channel->segment_list, element_size, allocator);
	if (capacity > 0)
		return wi_ring_init(
			&channel->ring, capacity, element_size, allocator);
	wi_rendezvous_init(&channel->queue, element_size, allocator);
	return 0;
}

static void init_side(struct side_state *side, uint32_t spin_limit)
{
	wi_wait_queue_init(&side->waiting);
	init_atomic(&side->open, 0);
	wi_backoff_init(&side->backoff, spin_limit);
}

int wi_channel_create(const weir_options *options, struct channel **result)
{
	const struct allocator allocator = {
		options->alloc, options->free, options->allocator_context};
	struct channel *channel =
		wi_alloc(&allocator, sizeof *channel, CACHE_LINE);

	if (channel == NULL)
		return -ENOMEM;
	if (options->name != NULL) {
		size_t size = strlen(options->name) + 1;

		channel->name = wi_alloc(&allocator, size, 1);
		if (channel->name == NULL)
			goto free_channel;
		memcpy(channel->name, options->name, size);
	}
	if (init_queue(channel, options->capacity, options->element_size,
		    &allocator) != 0)
		goto free_name;
	init_atomic(&channel->attention, 0);
	wi_gate_init(&channel->gate);
	init_side(&channel->sides[SENDING], options->spin_limit);
	init_side(&channel->sides[RECEIVING], options->spin_limit);
	init_atomic(&channel->references, 0);
	channel->dropper.drop = options->drop;
	channel->dropper.context = options->drop_context;
	*result = channel;
	return 0;

free_name:
	if (channel->name != NULL)
		wi_free(&allocator, channel->name, strlen(channel->name) + 1);
free_channel:
	wi_free(&allocator, channel, sizeof *channel);
	return -ENOMEM;
}

void wi_channel_destroy(struct channel *channel)
{
	struct allocator allocator = channel->queue.allocator;

	invariant(first_waiting(channel, SENDING) == NULL);
	invariant(first_waiting(channel, RECEIVING) == NULL);
	channel->queue.ops->destroy(&channel->queue);
	if (channel->name != NULL)
		wi_free(&allocator, channel->name, strlen(channel->name) + 1);
	wi_free(&allocator, channel, sizeof *channel);
}
