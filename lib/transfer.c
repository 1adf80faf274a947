/* SPDX-License-Identifier: MIT */
/* transfer.c - see transfer.h.
 *
 * Three stages, each dearer than the one before: take what is there; look again
 * for a while, unregistered, which costs nobody else anything (backoff.h);
 * register and sleep.
 */
#include "transfer.h"

#include <errno.h>

#include "clock.h"

#define LARGE 512 /* elements: twice what comes during the longest step */
#define STREAM 32 /* elements, from one look in vain to the next */

static const unsigned char nothing; /* what an element of size 0 lies in */

/* The next to be moved, or where it goes. */
static unsigned char *next_element(const struct transfer *transfer)
{
	return transfer->elements +
	       transfer->done * transfer->end->channel->queue.element_size;
}

/* Move one element, or take one place in hand, at once. */
static int move_one(struct transfer *transfer)
{
	struct channel *channel = transfer->end->channel;
	struct queue *queue = &channel->queue;
	int status;

	if (transfer->place == NULL) {
		void *element = next_element(transfer);

		status = transfer->side == SENDING
				 ? queue->ops->push(queue, element, 0)
				 : queue->ops->pop(queue, element, 0);
		if (status == WEIR_OK)
			wi_channel_moved(channel, transfer->side);
		return status;
	}
	status = transfer->side == SENDING ? queue->ops->places->reserve(
						     queue, transfer->place, 0)
					   : queue->ops->places->acquire(
						     queue, transfer->place, 0);
	/* That a place is in hand is news for those who wait for it. */
	if (status == WEIR_OK)
		wi_channel_in_hand(channel);
	return status;
}

/* Move several by one claim; 0: that cannot be done. */
static size_t move_run(struct transfer *transfer)
{
	struct channel *channel = transfer->end->channel;
	struct queue *queue = &channel->queue;
	size_t left = transfer->count - transfer->done, moved;
	unsigned char *elements = next_element(transfer);

	if (queue->ops->push_run == NULL)
		return 0;
	moved = transfer->side == SENDING
			? queue->ops->push_run(
				  queue, elements, left, &channel->dropper)
			: queue->ops->pop_run(queue, elements, left);
	if (moved > 0)
		wi_channel_moved(channel, transfer->side);
	return moved;
}

/* Move what can be moved at once. */
static int move_now(struct transfer *transfer)
{
	int status = WEIR_OK;

	while (transfer->done < transfer->count && status == WEIR_OK) {
		size_t moved = 0;

		if (transfer->count - transfer->done > 1)
			moved = move_run(transfer);
		if (moved == 0) {
			status = move_one(transfer);
			moved = status == WEIR_OK;
		}
		transfer->done += moved;
	}
	/* recv_many: what was there is enough. */
	return transfer->side == RECEIVING && transfer->done > 0 ? WEIR_OK
								 : status;
}

static void init_waiter(
	struct waiter *waiter, struct transfer *transfer, struct parker *parker)
{
	if (transfer->place != NULL)
		wi_waiter_init_in_place(
			waiter, transfer->end, transfer->place, parker);
	else
		wi_waiter_init(waiter, transfer->end, next_element(transfer),
			transfer->count - transfer->done, parker);
}

/* Inside the gate.  WEIR_OK, or outside again: CLOSED_RESOURCE. */
static int check_inside(struct transfer *transfer, struct list *decided)
{
	/* relaxed: written inside the gate. */
	if (!load_relaxed(&transfer->end->closed))
		return WEIR_OK;
	wi_channel_leave(transfer->end->channel, decided);
	return WEIR_CLOSED_RESOURCE;
}

/* Inside the gate: capacity 0, and somebody was there to meet? */
static bool meet(
	struct transfer *transfer, struct waiter *waiter, struct list *decided)
{
	struct channel *channel = transfer->end->channel;

	return channel->queue.capacity == 0 &&
	       wi_channel_meet(channel, transfer->side, waiter, decided);
}

/* Inside the gate: if the time is up, leave the queue, if that is allowed. */
static bool withdraw_if_late(
	const struct transfer *transfer, struct waiter *waiter)
{
	return waiter->queued && wi_deadline_passed(transfer->deadline) &&
	       wi_channel_withdraw(
		       transfer->end->channel, transfer->side, waiter);
}

/* The clock may bring an element before the deadline. */
static int64_t next_look(
	const struct transfer *transfer, const struct waiter *waiter)
{
	int64_t due = wi_queue_due(&transfer->end->channel->queue);
	/* Who has to stay is served, whatever the time. */
	int64_t deadline = waiter->overdue ? WEIR_FOREVER : transfer->deadline;

	return due < deadline ? due : deadline;
}

/* Receiving, from a buffer that holds more than comes during a long step: have
 * many elements come since one last found it empty? */
static bool is_stream(struct channel *channel)
{
	struct queue *queue = &channel->queue;
	struct atomic_u64 *found_empty = &channel->sides[RECEIVING].found_empty;
	uint64_t before, now;

	if (queue->capacity < LARGE)
		return false;
	/* relaxed, all of them: hints. */
	now = queue->ops->count(queue, load_relaxed(&queue->head));
	before = load_relaxed(found_empty); /* relaxed */
	store_relaxed(found_empty, now);    /* relaxed */
	return now - before >= STREAM;
}

static void start_spin(const struct transfer *transfer, struct spin *spin)
{
	struct channel *channel = transfer->end->channel;

	if (wi_deadline_passed(transfer->deadline) ||
		wi_queue_due(&channel->queue) != WEIR_FOREVER)
		return;
	wi_spin_start(spin, &channel->sides[transfer->side].backoff,
		channel->queue.capacity, transfer->deadline);
	if (transfer->side == SENDING || is_stream(channel))
		wi_spin_for_many(spin);
}

/* Inside the gate, about to stand behind others.  It is for both sides: who
 * goes on yielding gives the CPU to others who yield in vain. */
static void learn_of_others(struct channel *channel)
{
	wi_backoff_learn_of_others(&channel->sides[SENDING].backoff);
	wi_backoff_learn_of_others(&channel->sides[RECEIVING].backoff);
}

/* Stand in the queue until served, or until time is up. */
static int stand_and_wait(struct transfer *transfer, struct spin *spin)
{
	struct channel *channel = transfer->end->channel;
	struct plain_waiter plain;
	struct waiter *waiter = &plain.waiter;
	const struct parker *parker = &plain.parker;
	bool in_parker, withdrawn;
	struct list decided;
	int64_t look;
	int status;

	wi_parker_init(&plain.parker);
	init_waiter(waiter, transfer, &plain.parker);
	wi_channel_enter(channel, &decided);
	status = check_inside(transfer, &decided);
	if (status != WEIR_OK)
		return status;
	if (meet(transfer, waiter, &decided)) {
		wi_channel_leave(channel, &decided);
		transfer->done += waiter->done;
		return WEIR_OK;
	}
	in_parker = wi_waiter_keep_small(
		waiter, transfer->side == SENDING, channel->queue.element_size);
	if (channel->queue.capacity == 1 &&
		wi_channel_waits(channel, transfer->side))
		learn_of_others(channel);
	wi_channel_queue(channel, transfer->side, waiter);
	wi_channel_settle(channel, &decided);
	withdrawn = withdraw_if_late(transfer, waiter);
	look = next_look(transfer, waiter);
	wi_channel_leave(channel, &decided);

	if (channel->queue.capacity == 0)
		start_spin(transfer, spin);
	while (!withdrawn && !wi_parker_park(&plain.parker, spin, look)) {
		wi_channel_enter(channel, &decided);
		wi_channel_settle(channel, &decided);
		withdrawn = withdraw_if_late(transfer, waiter);
		look = waiter->queued ? next_look(transfer, waiter)
				      : WEIR_FOREVER;
		wi_channel_leave(channel, &decided);
	}
	if (withdrawn) {
		transfer->done += waiter->done;
		return WEIR_TIMED_OUT;
	}
	/* Not the waiter, whose lines are with who has served it. */
	if (in_parker && parker->status == WEIR_OK)
		wi_copy_element(next_element(transfer), parker->element,
			channel->queue.element_size);
	transfer->done += parker->done;
	return parker->status;
}

/* Capacity 0, and must not wait: is a partner waiting? */
static int try_to_meet(struct transfer *transfer)
{
	struct channel *channel = transfer->end->channel;
	enum side side = transfer->side;
	struct waiter waiter;
	struct list decided;
	bool met;
	int status;

	if (!wi_channel_waits(channel, wi_other_side(side)) ||
		!wi_channel_try_enter(channel, &decided))
		return WEIR_WOULD_BLOCK;
	init_waiter(&waiter, transfer, NULL);
	status = check_inside(transfer, &decided);
	if (status != WEIR_OK)
		return status;
	met = wi_channel_meet(channel, side, &waiter, &decided);
	wi_channel_leave(channel, &decided);
	transfer->done += waiter.done;
	return met ? WEIR_OK : WEIR_WOULD_BLOCK;
}

/* Look again and again, as long as the spin lasts. */
static int look_again(struct transfer *transfer, struct spin *spin)
{
	struct channel *channel = transfer->end->channel;
	int status = WEIR_WOULD_BLOCK;

	while (status == WEIR_WOULD_BLOCK && wi_spin(spin)) {
		if (wi_channel_waits(channel, transfer->side))
			break; /* they come first: join them */
		status = move_now(transfer);
	}
	return status;
}

/* Wait, with a spin first as long as has paid lately. */
static int wait(struct transfer *transfer)
{
	struct channel *channel = transfer->end->channel;
	struct spin spin = {.budget = 0};
	int status = WEIR_WOULD_BLOCK;

	/* In a rendezvous there is nothing to see. */
	if (channel->queue.capacity > 0) {
		start_spin(transfer, &spin);
		status = look_again(transfer, &spin);
	}
	if (status == WEIR_WOULD_BLOCK)
		status = stand_and_wait(transfer, &spin);
	wi_spin_end(&spin);
	return status;
}

/* Others are, or may be, in the middle of an operation. */
static int look_once_more(struct transfer *transfer)
{
	wi_fence_others(); /* R3 of [sleep] */
	return move_now(transfer);
}

int wi_transfer_on(struct transfer *transfer, int status)
{
	struct endpoint *end = transfer->end;

	if (transfer->elements == NULL)
		transfer->elements = wi_readable(&nothing);
	if (status == WEIR_WOULD_BLOCK && transfer->patience == MAY_WAIT)
		status = wait(transfer);
	else if (status == WEIR_WOULD_BLOCK &&
		 end->channel->queue.capacity == 0)
		status = try_to_meet(transfer);
	else if (status == WEIR_WOULD_BLOCK &&
		 transfer->patience == NEVER_WAIT &&
		 wi_channel_may_have_missed(end->channel, transfer->side))
		status = look_once_more(transfer);
	/* The end of a channel is news for who is open; who is closed hears
	 * that first.  acquire [closed]: as in wi_transfer_check. */
	if ((status == WEIR_BROKEN_RESOURCE || status == WEIR_END_OF_CHANNEL) &&
		load_acquire(&end->closed))
		status = WEIR_CLOSED_RESOURCE;
	return status;
}

int wi_transfer(struct transfer *transfer)
{
	if (transfer->elements == NULL)
		transfer->elements = wi_readable(&nothing);
	return wi_transfer_on(transfer, move_now(transfer));
}

/* -- The rare ends of one element's path --------------------------------- */

OUT_OF_LINE int wi_transfer_refused(struct endpoint *end, enum side side,
	void *element, const struct terms *terms, int status)
{
	return wi_transfer_on(&(struct transfer){.end = end,
				      .side = side,
				      .patience = terms->patience,
				      .deadline = terms->deadline,
				      .elements = element,
				      .count = 1},
		status);
}

/* That the short path holds, if there is one. */
static void drop_segment(const struct queue *queue)
{
	if (queue->short_path == LIST_OF_WORDS)
		wi_drop_hold(wi_hazards_of_thread, OWN);
}

COLD int wi_transfer_abandoned(
	struct endpoint *end, struct slot *slot, uint32_t number, uint64_t word)
{
	struct queue *queue = &end->channel->queue;
	int status = wi_queue_fate(queue, slot, number, word);

	drop_segment(queue);
	if (status != WEIR_OK)
		return wi_transfer_refused(
			end, SENDING, NULL, &wi_never_wait, status);
	return wi_transfer_end(end->channel, SENDING);
}

COLD int wi_transfer_first_of_segment(struct channel *channel, uint64_t word)
{
	wi_segment_list_move_on(
		&channel->segment_list, wi_hazards_of_thread, word);
	return wi_transfer_end(channel, RECEIVING);
}

COLD int wi_transfer_after_loss(struct endpoint *end, enum side side,
	void *element, const struct terms *terms)
{
	drop_segment(&end->channel->queue);
	wi_make_way();
	return side == SENDING ? wi_send_any(end, element, terms)
			       : wi_recv_any(end, element, terms);
}

OUT_OF_LINE int wi_transfer_news(
	struct channel *channel, enum side side, uint32_t news)
{
	wi_channel_serve_news(channel, side, news);
	return WEIR_OK;
}

/* -- One element in any channel ------------------------------------------ */

/* The answer to `status`, of the first look. */
static inline int go_on(struct endpoint *end, enum side side, void *element,
	const struct terms *terms, int status)
{
	if (likely(status == WEIR_OK))
		return wi_transfer_end(end->channel, side);
	if (terms->patience == IN_PASSING && status == WEIR_WOULD_BLOCK &&
		end->channel->queue.capacity > 0)
		return status;
	return wi_transfer_refused(end, side, element, terms, status);
}

OUT_OF_LINE int wi_send_any(
	struct endpoint *end, void *element, const struct terms *terms)
{
	struct queue *queue = &end->channel->queue;

	return go_on(end, SENDING, element, terms,
		queue->ops->push(queue, element, 0));
}

OUT_OF_LINE int wi_recv_any(
	struct endpoint *end, void *element, const struct terms *terms)
{
	struct queue *queue = &end->channel->queue;

	return go_on(end, RECEIVING, element, terms,
		queue->ops->pop(queue, element, 0));
}
