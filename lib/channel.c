/* SPDX-License-Identifier: MIT */
/* channel.c - the waiting room: how those who wait are served; see channel.h.
 *
 * Invariants, whenever the gate is free
 *	I1  a side's WAITS in `attention` is set if and only if somebody waits
 *	    there, and so is HELD in the queue's word of that side; unless the
 *	    capacity is 0, where nobody claims anything, and who comes meets
 *	    inside the gate whoever waits.
 *	I2  no waiter could be served by what had been published when the gate
 *	    was last left.
 *	I3  capacity 0: those who wait are all on one side, or all of one
 *	    selection.  Who comes is paired at once, if it can be (meeting.c).
 *
 * Ordering edges
 *	[sleep]  Nobody sleeps beside an element, nor beside a free place:
 *
 *		a sender                   a receiver that waits
 *		--------                   ---------------------
 *		S0 cas(tail)               R1 fetch_or(attention, RECEIVING)
 *		S1 store(turn, full)       R2 load(tail): nothing claimed? else
 *		   wi_fence_light()        R3 wi_fence_others()
 *		S2 load(attention)         R4 load(turn)
 *
 *	All but S1 are seq_cst, so they have one order, that of the columns.  If
 *	S2 comes after R1 it sees the bit, and the sender serves.  Else S2, and
 *	with it S0, comes before R1: so R2 sees the claim, and R3 is done.  The
 *	sender's part in R3 (fence.h) comes before S2, and then S2 sees the bit
 *	after all; or after S2, hence after S1, which is visible to R4: the
 *	receiver, which settles after R3 and before it sleeps, finds the
 *	element.  So the claim's locked instruction is the only one of a send,
 *	and the fence is paid for by who is about to sleep, and only if he finds
 *	somebody in the middle.  The same with the sides exchanged: then S0 is
 *	the claim of head, S1 the store of `free`, and R2 asks whether the
 *	buffer is full of what is claimed.  A place in hand is published by an
 *	exchange, seq_cst, as is every turn where there are no plain stores:
 *	then S1 comes before R4, or S2 after R1, without R2 and R3.
 *
 *	In words: publish, then look for waiters; register, then look again.  To
 *	serve is to enter the gate, or to leave a mark to whoever is inside
 *	(gate.h), who then settles after that mark.  WATCHED, for watchers who
 *	were told that nothing is there (watch.c), works likewise.  For TOLD,
 *	and for GAPS, by which who aborts a place and who takes the element
 *	before it make sure that one of them moves head past it, S0 is what
 *	counts: R4 then looks at the word which that has changed.
 *
 *	A try_ call that is about to answer WOULD_BLOCK does R2 to R4 as well,
 *	unless the capacity is 0 (transfer.c, select.c): a program that stores
 *	to a word of its own, and then finds nothing here, may rely on it that
 *	who sends and then loads the word sees the store.
 *
 *	[released]  the decrement of `references` -> the one that finds 1: what
 *		all others did with the channel is visible to who destroys it
 *	[gap]	aborted's fetch_or -> skip_gaps' fetch_and: the gap is counted
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
	return wi_wait_queue_first(&channel->waiting[side]);
}

/* Let nobody but who is inside claim on this side, or let them again. */
static void hold(struct channel *channel, enum side side, bool on)
{
	struct queue *queue = &channel->queue;

	wi_queue_hold(side == SENDING ? &queue->tail : &queue->head, on);
}

/* -- Serving ------------------------------------------------------------- */

void wi_channel_decide(struct channel *channel, enum side side,
	struct waiter *waiter, int status, struct list *decided)
{
	wi_wait_queue_remove(&channel->waiting[side], waiter);
	waiter->parker->status = status;
	waiter->parker->done = waiter->done;
	list_append(decided, &waiter->parker->news.node);
}

static bool is_next_in_hand(struct channel *channel, enum side side)
{
	struct queue *queue = &channel->queue;
	const struct place_ops *places = queue->ops->places;

	if (places == NULL)
		return false;
	return side == SENDING ? places->tail_in_hand(queue)
			       : places->head_in_hand(queue);
}

/* Take or put one element for a waiter. */
static int move_for(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	struct queue *queue = &channel->queue;
	unsigned char *element =
		waiter->elements + waiter->done * queue->element_size;

	if (waiter->in_place)
		return side == SENDING ? queue->ops->places->reserve(
						 queue, waiter->place, HELD)
				       : queue->ops->places->acquire(
						 queue, waiter->place, HELD);
	return side == SENDING ? queue->ops->push(queue, element, HELD)
			       : queue->ops->pop(queue, element, HELD);
}

/* What an older waiter takes of `there`, in any case, before one that came
 * later: a select may be served elsewhere, a recv_many may go with one element,
 * a send_many that finds too little may give up. */
static size_t surely_takes(
	const struct waiter *older, enum side side, size_t there)
{
	size_t needed = side == RECEIVING ? 1 : older->wanted - older->done;

	return older->selection == NULL && needed <= there ? needed : 0;
}

/* Is what this waiter needs already claimed by threads in the middle of an
 * operation, beyond what those before it will take?  Then it will be served
 * when they are through, or it is looked at again; until then it cannot be said
 * that it could not be done. */
bool wi_channel_must_stay(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	struct wait_queue *waiting = &channel->waiting[side];
	struct queue *queue = &channel->queue;
	size_t there = side == RECEIVING
			       ? wi_queue_length(queue)
			       : queue->capacity - wi_queue_places_used(queue);
	size_t needed = side == RECEIVING || waiter == NULL
				? 1
				: waiter->wanted - waiter->done;
	struct waiter *older = NULL;

	if (is_next_in_hand(channel, side))
		return false;
	while ((older = wi_wait_queue_next(waiting, older)) != waiter)
		there -= surely_takes(older, side, there);
	return there >= needed;
}

/* Nobody can be served: those whose deadline has passed stay only while what
 * they need is on its way. */
static void time_out_overdue(
	struct channel *channel, enum side side, struct list *decided)
{
	struct side_state *state = &channel->sides[side];
	struct wait_queue *waiting = &channel->waiting[side];
	struct waiter *waiter, *next;

	if (!state->any_overdue)
		return;
	state->any_overdue = false;
	for (waiter = wi_wait_queue_first(waiting); waiter != NULL;
		waiter = next) {
		next = wi_wait_queue_next(waiting, waiter);
		if (!waiter->overdue)
			continue;
		if (wi_channel_must_stay(channel, side, waiter))
			state->any_overdue = true;
		else
			wi_channel_decide(
				channel, side, waiter, WEIR_TIMED_OUT, decided);
	}
}

/* Move head past gaps, if there are any; true if it has moved. */
static bool skip_gaps(struct channel *channel)
{
	struct queue *queue = &channel->queue;
	bool moved = false;

	/* relaxed: cleared only inside the gate; who sets it enters it or
	 * leaves a mark. */
	if (!(load_relaxed(&channel->attention) & GAPS))
		return false;
	for (;;) {
		moved |= queue->ops->places->skip(queue);
		/* relaxed: a gap that is missed here is found below. */
		if (load_relaxed(&queue->gaps) > 0)
			return moved;
		/* acquire [gap]: pairs with wi_channel_aborted.  If we clear
		 * its bit, we see its gap. */
		fetch_and_acq_rel(&channel->attention, ~GAPS);
		/* relaxed: made visible by [gap]. */
		if (load_relaxed(&queue->gaps) == 0)
			return moved;
		fetch_or_seq_cst(&channel->attention, GAPS); /* [sleep] */
	}
}

/* Another channel was faster with this selection. */
#define TAKEN_ELSEWHERE 1

/* Move one element for it. */
static int serve_one(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	int status;

	if (waiter->selection == NULL)
		return move_for(channel, side, waiter);
	/* Claimed once it is sure that there is an element for it, and taken
	 * once it is ours: HELD keeps it. */
	if (wi_channel_ask_queue(channel, side, HELD) == WEIR_WOULD_BLOCK)
		return WEIR_WOULD_BLOCK;
	if (!wi_waiter_claim(waiter))
		return TAKEN_ELSEWHERE;
	status = move_for(channel, side, waiter);
	invariant(status != WEIR_WOULD_BLOCK);
	return status;
}

/* Move elements between the queue and those who wait on this side, oldest
 * first.  True if any moved. */
static bool serve_side(
	struct channel *channel, enum side side, struct list *decided)
{
	struct waiter *waiter;
	bool moved = false;

	while ((waiter = first_waiting(channel, side)) != NULL) {
		int status = serve_one(channel, side, waiter);

		if (status == WEIR_OK) {
			moved = true;
			if (++waiter->done < waiter->wanted)
				continue;
		} else if (status == TAKEN_ELSEWHERE) {
			wi_channel_forget(channel, side, waiter);
			continue;
		} else if (status == WEIR_WOULD_BLOCK && side == RECEIVING &&
			   skip_gaps(channel)) {
			continue;
		} else if (side == RECEIVING && waiter->done > 0) {
			status = WEIR_OK; /* took what was there */
		} else if (status == WEIR_WOULD_BLOCK) {
			break;
		}
		wi_channel_decide(channel, side, waiter, status, decided);
	}
	time_out_overdue(channel, side, decided);
	return moved;
}

void wi_channel_settle(struct channel *channel, struct list *decided)
{
	bool moved;

	/* Who waits there is served by who comes, and otherwise only hears of
	 * the end.  relaxed: both flags are set inside the gate. */
	if (channel->queue.capacity == 0 &&
		!(load_relaxed(&channel->queue.tail) & (ENDED | BROKEN)))
		return;
	/* An element for a receiver makes a place for a sender, whose element
	 * may be for the next receiver. */
	do {
		skip_gaps(channel);
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

/* Is what this side lacks claimed by others, and may be published by plain
 * stores that we do not see yet?  R2 of [sleep]. */
static bool is_on_its_way(struct channel *channel, enum side side)
{
	const struct queue *queue = &channel->queue;

	return queue->plain_stores && queue->ops->places != NULL &&
	       !(side == SENDING ? wi_queue_is_full(queue)
				 : wi_queue_is_empty(queue));
}

void wi_channel_catch_up(struct channel *channel, enum side side)
{
	/* Whatever is next: it may be in hand now, and what has been published
	 * behind it is looked at when it is put down. */
	if (is_on_its_way(channel, side))
		wi_fence_others(); /* R3 */
}

bool wi_channel_may_have_missed(struct channel *channel, enum side side)
{
	return is_on_its_way(channel, side) && !is_next_in_hand(channel, side);
}

void wi_channel_serve_news(
	struct channel *channel, enum side side, uint32_t news)
{
	/* Watchers on our own side have been told: ready.  That is news only
	 * if it is so no more. */
	if (news == TOLD(side) && wi_channel_look(channel, side) == WEIR_OK)
		return;
	wi_channel_serve(channel);
}

void wi_channel_aborted(struct channel *channel)
{
	/* seq_cst [sleep]: publish the gap, then look; who takes the element
	 * before it sees the bit, or has moved head before we look.  Releases
	 * [gap]: pairs with skip_gaps. */
	fetch_or_seq_cst(&channel->attention, GAPS);
	wi_channel_serve(channel);
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

	if (!(attention & WAITS(side)) || first_waiting(channel, side) != NULL)
		return;
	/* Who still sees the bit finds nobody to serve.  Only setting it is
	 * part of [sleep]. */
	fetch_and_acq_rel(&channel->attention, ~WAITS(side));
	hold(channel, side, false);
}

void wi_channel_enter_too(struct channel *channel)
{
	wi_gate_enter(&channel->gate);
}

void wi_channel_leave_silently(struct channel *channel, struct list *decided)
{
	for (;;) {
		let_go_if_nobody_waits(channel, SENDING);
		let_go_if_nobody_waits(channel, RECEIVING);
		wi_channel_tell_watchers(channel, decided);
		invariant(channel->queue.capacity > 0 ||
			  !wi_channel_has_pair(channel));
		if (wi_gate_leave(&channel->gate))
			break;
		wi_channel_settle(channel, decided);
	}
}

void wi_channel_leave(struct channel *channel, struct list *decided)
{
	wi_channel_leave_silently(channel, decided);
	/* Outside: who is woken may come straight back to the gate. */
	wi_news_tell(decided);
}

void wi_channel_queue(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	/* HELD first: from when statistics count this waiter, nobody goes past
	 * it.  relaxed: only written inside the gate. */
	if (channel->queue.capacity > 0 &&
		!(load_relaxed(&channel->attention) & WAITS(side))) {
		hold(channel, side, true);
		/* seq_cst [sleep]: R1; our caller does R4. */
		fetch_or_seq_cst(&channel->attention, WAITS(side));
		wi_channel_catch_up(channel, side);
	}
	wi_wait_queue_append(&channel->waiting[side], waiter);
}

bool wi_channel_withdraw(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	waiter->overdue = wi_channel_must_stay(channel, side, waiter);
	if (waiter->overdue) {
		channel->sides[side].any_overdue = true;
		return false;
	}
	wi_wait_queue_remove(&channel->waiting[side], waiter);
	return true;
}

/* -- Making and unmaking ------------------------------------------------- */

static int init_queue(struct channel *channel, const weir_options *options,
	const struct schedule *schedule, const struct allocator *allocator)
{
	size_t capacity = options->capacity, size = options->element_size;

	if (schedule != NULL)
		wi_timer_queue_init(&channel->timer, schedule, allocator);
	else if (capacity == WEIR_UNBOUNDED)
		return wi_segment_list_init(
			&channel->segment_list, size, allocator);
	else if (capacity > 0)
		return wi_ring_init(&channel->ring, capacity, size, allocator);
	else
		wi_rendezvous_init(&channel->queue, size, allocator);
	return 0;
}

static void init_side(struct side_state *side, uint32_t spin_limit)
{
	list_init(&side->watchers);
	side->any_overdue = false;
	init_atomic(&side->open, 0);
	init_atomic(&side->found_empty, 0);
	wi_backoff_init(&side->backoff, spin_limit);
}

int wi_channel_create(const weir_options *options,
	const struct schedule *schedule, struct channel **result)
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
	if (init_queue(channel, options, schedule, &allocator) != 0)
		goto free_name;
	init_atomic(&channel->attention, 0);
	wi_gate_init(&channel->gate);
	wi_wait_queue_init(&channel->waiting[SENDING]);
	wi_wait_queue_init(&channel->waiting[RECEIVING]);
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

void wi_channel_release(struct channel *channel)
{
	/* acq_rel [released]: with the same line in other threads. */
	if (fetch_sub_acq_rel(&channel->references, 1) == 1)
		wi_channel_destroy(channel);
}
