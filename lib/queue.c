/* SPDX-License-Identifier: MIT */
/* queue.c - what all flavors do alike; see queue.h.
 *
 * Ordering edges
 *	[closed]  finish's fetch_or -> any load of tail that sees the flag: what
 *		  happened before the close is visible
 *	[claimed] the claim of head, by who has seen its element -> the load of
 *		  head in places_used: the claim of tail for that element is
 *		  visible, so that no length is negative
 *	[abandoned] The last receiver's close finds each element that is
 *		published, or else its sender learns that nobody will:
 *
 *		a sender, of its slot      the closer, of each slot
 *		---------------------      ------------------------
 *		P1 store(turn, FULL)       D1 store(finishing, ABANDONING)
 *		   wi_fence_light()           wi_fence_others()
 *		P2 load(finishing)         D2 turn: cas(FULL -> ACQUIRED), drops
 *		if that is ABANDONING:        it; or cas(other -> ABANDONED)
 *		P3 cas(turn, FULL -> ABANDONED)
 *
 *		A sender that does not see D1 in P2 meets the closer's fence
 *		after P2 (fence.h), so that P1 comes before D2, which finds
 *		FULL: accepted, and dropped.  Else P3 decides, against D2, by
 *		one word.  It fails if D2 has made it ACQUIRED: accepted, and
 *		dropped.  It succeeds if D2 is still to come, or has gone by
 *		before P1, which then wrote over ABANDONED: not accepted, and
 *		not dropped, since D2 finds ABANDONED or does not come again.  A
 *		position before `abandoned_from` was claimed by a receiver, and
 *		D2 does not come there at all: accepted.
 *
 *		Without plain stores P1 is an exchange, and what it returns says
 *		whether D2 has been there.
 */
#include "queue.h"

#include "element.h"

void wi_queue_init(struct queue *queue, const struct queue_ops *ops,
	size_t capacity, size_t element_size, const struct allocator *allocator)
{
	queue->ops = ops;
	queue->capacity = capacity;
	queue->element_size = element_size;
	queue->allocator = *allocator;
	init_atomic(&queue->dropped, 0);
	init_atomic(&queue->abandoned, 0);
	init_atomic(&queue->gaps, 0);
	init_atomic(&queue->displaced, 0);
	queue->plain_stores = wi_fence_is_there();
	queue->short_path = NO_SHORT_PATH;
	queue->abandoned_from = 0;
	init_atomic(&queue->finishing, NOT_FINISHING);
	init_atomic(&queue->tail, 0);
	wi_contest_init(&queue->tail_contest);
	init_atomic(&queue->head, 0);
	wi_contest_init(&queue->head_contest);
}

bool wi_queue_is_of_words(const struct queue *queue)
{
	return queue->plain_stores && wi_is_word(queue->element_size);
}

static uint64_t tail_of(const struct queue *queue)
{
	if (queue->ops->clock != NULL)
		return queue->ops->clock->tail(queue);
	/* acquire [closed] */
	return load_acquire(&queue->tail);
}

void wi_queue_finish(struct queue *queue, uint64_t flag)
{
	/* What the clock has sent by now is all that it will have sent.
	 * relaxed: flags only change inside the gate. */
	if (queue->ops->clock != NULL && !(load_relaxed(&queue->tail) & BROKEN))
		flag |= wi_position(tail_of(queue));
	/* First, and relaxed: published by the flag.  Not over ABANDONING,
	 * which comes only after a finish: the next one sees no less. */
	if (load_relaxed(&queue->finishing) == NOT_FINISHING)
		store_relaxed(&queue->finishing, FINISHING);
	/* release [closed]: pairs with the loads of tail in push and pop. */
	fetch_or_acq_rel(&queue->tail, flag);
}

void wi_queue_hold(struct atomic_u64 *word, bool hold)
{
	/* Orders nothing by itself: the word's next compare-and-swap sees the
	 * flag or comes before it.  acq_rel keeps what [closed] and the other
	 * read-modify-writes of the word have released. */
	if (hold)
		fetch_or_acq_rel(word, HELD);
	else
		fetch_and_acq_rel(word, ~HELD);
}

uint64_t wi_queue_claim_rest(struct queue *queue, uint64_t *first)
{
	/* relaxed: BROKEN is our own doing, and there are no claims after. */
	uint64_t last = wi_position(load_relaxed(&queue->tail));
	/* relaxed: the cas decides. */
	uint64_t head = load_relaxed(&queue->head);

	/* Against receivers in the middle.  Slots carry the data; release
	 * [claimed]. */
	while (!cas_acq_rel(&queue->head, &head, last))
		;
	*first = wi_position(head);
	if (queue->plain_stores && *first != last) {
		queue->abandoned_from = *first;
		/* release [abandoned]: D1. */
		store_release(&queue->finishing, ABANDONING);
		wi_fence_others();
	}
	return last;
}

int wi_queue_fate(
	struct queue *queue, struct slot *slot, uint32_t number, uint64_t word)
{
	uint32_t full = number + FULL;

	/* Positions wrap. */
	if ((int64_t)(wi_position(word) - queue->abandoned_from) < 0)
		return 0;
	/* acq_rel [abandoned]: P3. */
	return cas_acq_rel(&slot->turn, &full, number + ABANDONED) ? -EPIPE : 0;
}

void wi_queue_drop(
	struct queue *queue, const struct dropper *dropper, void *element)
{
	static max_align_t nothing; /* where an element of size 0 lies */

	/* relaxed: a figure for statistics. */
	fetch_add_relaxed(&queue->dropped, 1);
	if (dropper->drop != NULL)
		dropper->drop(queue->element_size > 0 ? element : &nothing,
			dropper->context);
}

void wi_queue_drop_abandoned(
	struct queue *queue, const struct dropper *dropper, void *element)
{
	/* relaxed: a figure for statistics. */
	fetch_add_relaxed(&queue->abandoned, (uint64_t)-1);
	wi_queue_drop(queue, dropper, element);
}

void wi_queue_drop_slot(struct queue *queue, const struct dropper *dropper,
	struct slot *slot, uint32_t number, void *element)
{
	uint32_t state = wi_slot_abandon(slot, number);

	if (state == FULL) {
		wi_queue_drop(queue, dropper, element);
		return;
	}
	/* relaxed, both: figures for statistics. */
	fetch_add_relaxed(&queue->abandoned, 1);
	if (state == GAP)
		fetch_add_relaxed(&queue->gaps, (uint64_t)-1); /* relaxed */
}

bool wi_queue_is_empty(const struct queue *queue)
{
	/* seq_cst [sleep], both: R2.  If they are equal, head had not moved on
	 * when tail was read. */
	uint64_t head = wi_position(load_seq_cst(&queue->head));

	return wi_position(load_seq_cst(&queue->tail)) == head; /* [sleep] */
}

bool wi_queue_is_full(const struct queue *queue)
{
	/* seq_cst [sleep], both: R2.  As above, the other way round. */
	uint64_t tail = wi_position(load_seq_cst(&queue->tail));
	uint64_t head = wi_position(load_seq_cst(&queue->head)); /* [sleep] */

	return queue->ops->count(queue, tail) -
		       queue->ops->count(queue, head) ==
	       queue->capacity;
}

size_t wi_queue_places_used(const struct queue *queue)
{
	/* acquire [claimed], and head first: tail is then no older, so that the
	 * difference is never negative. */
	uint64_t head = wi_position(load_acquire(&queue->head));
	uint64_t tail = wi_position(tail_of(queue));
	uint64_t used =
		queue->ops->count(queue, tail) - queue->ops->count(queue, head);

	return used < queue->capacity ? (size_t)used : queue->capacity;
}

size_t wi_queue_length(const struct queue *queue)
{
	size_t used = wi_queue_places_used(queue);
	/* relaxed: exact when nothing else runs. */
	uint64_t gaps = load_relaxed(&queue->gaps);

	return gaps < used ? used - (size_t)gaps : 0;
}

uint64_t wi_queue_sent(const struct queue *queue)
{
	/* relaxed: figures for statistics. */
	uint64_t lost = load_relaxed(&queue->abandoned) +
			load_relaxed(&queue->gaps); /* relaxed: likewise */

	return queue->ops->count(queue, wi_position(tail_of(queue))) - lost;
}

uint64_t wi_queue_received(const struct queue *queue)
{
	/* relaxed: figures for statistics. */
	uint64_t lost = load_relaxed(&queue->abandoned) +
			load_relaxed(&queue->dropped) +  /* relaxed: likewise */
			load_relaxed(&queue->displaced); /* relaxed: likewise */
	uint64_t head = load_relaxed(&queue->head);      /* relaxed: likewise */

	return queue->ops->count(queue, wi_position(head)) - lost;
}
