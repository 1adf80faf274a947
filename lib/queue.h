/* SPDX-License-Identifier: MIT */
/* queue.h - what a flavor of channel is to the rest: a FIFO queue that never
 * waits, with two words that say where it stands.
 *
 * `tail` is where the next element goes in, `head` where the next comes out: a
 * position (what a position is, is the flavor's business) and, in the lowest
 * bits, flags.  To put an element in is to claim a position by a
 * compare-and-swap of tail; a flag in the same word makes that fail.  So a
 * claim and a close, or a claim and the first waiter, are ordered by one word,
 * and a fast path needs to look at no other.
 *
 *	tail   | position ............................... | BROKEN ENDED HELD |
 *	head   | position ............................... |   -      -   HELD |
 *
 *	HELD	threads wait on this side: only who is inside the channel's gate
 *		may move this word on, and does so for the oldest of them
 *	ENDED	the last sender is closed		(tail only, for good)
 *	BROKEN	the last receiver is closed, or one has called shut	(same)
 *
 * ENDED and BROKEN end the claims: from then on the position in tail is final,
 * and whoever finds head's position equal to it has seen the end.
 */
#ifndef WI_QUEUE_H
#define WI_QUEUE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/common.h>

#include "alloc.h"
#include "atomic.h"
#include "compiler.h"
#include "contest.h"
#include "fence.h"
#include "slot.h"

#define HELD ((uint64_t)1)
#define ENDED ((uint64_t)2)
#define BROKEN ((uint64_t)4)
#define FLAGS (HELD | ENDED | BROKEN)
#define FLAG_BITS 3

/* In `finishing`. */
enum {
	NOT_FINISHING,
	FINISHING, /* tail may have ENDED or BROKEN */
	ABANDONING /* the last receiver's close is at work from `abandoned_from`
		      on, and nobody receives any more */
};

struct queue;

/* What is done with an element that nobody will receive; may be NULL. */
struct dropper {
	void (*drop)(void *element, void *context);
	void *context;
};

/* `held` is HELD for who is inside the gate while threads wait on that side, 0
 * for everybody else.  Elements are never NULL unless of size 0. */
struct queue_ops {
	/* Put a copy of the element in.  0, or with nothing done:
	 *	-EAGAIN	full, or held by others, or somebody is in the middle
	 *	-EPIPE	BROKEN
	 *	-EBADF	ENDED
	 *	-ENOMEM	no memory for it */
	int (*push)(struct queue *queue, const void *element, uint64_t held);
	/* Take the oldest out.  0, or with nothing done:
	 *	-EAGAIN	empty, or held by others, or somebody is in the middle
	 *	-ENODATA	empty for good */
	int (*pop)(struct queue *queue, void *element, uint64_t held);
	/* The same with up to `count` elements, by one claim; how many, or 0:
	 * push and pop say why.  Once claimed, elements are sent, even if they
	 * then have to be dropped.  For who does not hold, and there only to be
	 * fast: may be NULL. */
	size_t (*push_run)(struct queue *queue, const unsigned char *elements,
		size_t count, const struct dropper *dropper);
	size_t (*pop_run)(
		struct queue *queue, unsigned char *elements, size_t count);
	/* What push and pop would answer now (but for -ENOMEM).  For who holds,
	 * 0 is a promise. */
	int (*can_push)(struct queue *queue, uint64_t held);
	int (*can_pop)(struct queue *queue, uint64_t held);
	/* In how many positions before this one there has been an element. */
	uint64_t (*count)(const struct queue *queue, uint64_t position);
	/* BROKEN, and nobody holds: drop all that is inside.  What is still
	 * being put in will not get in: its push answers -EPIPE. */
	void (*drain)(struct queue *queue, const struct dropper *dropper);
	/* Nobody uses it any more: give its memory back. */
	void (*destroy)(struct queue *queue);
	/* NULL where elements have no place of their own. */
	const struct place_ops *places;
	/* NULL where elements do not come by the clock. */
	const struct clock_ops *clock;
};

/* Elements that are built, and used, where they lie.  A place is given by the
 * address of its element. */
struct place_ops {
	/* As push and pop, but the place is the caller's until one of the three
	 * below; it is IN HAND. */
	int (*reserve)(struct queue *queue, void **place, uint64_t held);
	int (*acquire)(struct queue *queue, void **place, uint64_t held);
	/* An element is there.  False: abandoned by the last receiver's close;
	 * then it is the caller's to drop, before it calls forget. */
	bool (*publish)(struct queue *queue, void *place);
	void (*forget)(struct queue *queue, void *place);
	/* There is none, and never will be: a gap. */
	void (*abort)(struct queue *queue, void *place);
	/* The element has been used. */
	void (*vacate)(struct queue *queue, void *place);
	/* Inside the gate: move head past gaps.  True if it has moved. */
	bool (*skip)(struct queue *queue);
	/* Inside the gate: is the very next place in somebody's hands? */
	bool (*head_in_hand)(struct queue *queue);
	bool (*tail_in_hand)(struct queue *queue);
	/* Inside the gate, on a full queue: take the place of the oldest
	 * element, with that in it; in hand, or else as if in the middle of a
	 * push.  0 or -EAGAIN.  NULL: is never full. */
	int (*displace)(struct queue *queue, void **place, bool in_hand);
};

struct clock_ops {
	/* When the next element comes; WEIR_FOREVER: never. */
	int64_t (*due)(const struct queue *queue);
	/* tail, which follows the clock. */
	uint64_t (*tail)(const struct queue *queue);
};

/* Where transfer.h goes without asking `ops`: queues of words (element.h) with
 * plain stores. */
enum short_path { NO_SHORT_PATH, RING_OF_WORDS, LIST_OF_WORDS };

struct queue {
	/* Written before anybody sees the queue. */
	const struct queue_ops *ops;
	/* Turns are published by plain stores, and who is about to sleep makes
	 * sure that it sees them (channel.c, [sleep]). */
	bool plain_stores;
	enum short_path short_path;
	size_t capacity;
	size_t element_size;
	struct allocator allocator;
	/* For statistics; written in rare cases. */
	struct atomic_u64 dropped;
	/* Positions of which no element came, and which head has passed, or
	 * which are still before it. */
	struct atomic_u64 abandoned;
	struct atomic_u64 gaps;
	struct atomic_u64 displaced;
	struct atomic_u32 finishing;
	uint64_t abandoned_from; /* a position; published by ABANDONING */
	/* Written by senders. */
	cache_aligned struct atomic_u64 tail;
	struct contest tail_contest;
	/* Written by receivers. */
	cache_aligned struct atomic_u64 head;
	struct contest head_contest;
};

void wi_queue_init(struct queue *queue, const struct queue_ops *ops,
	size_t capacity, size_t element_size,
	const struct allocator *allocator);

/* Can this queue have a short path? */
bool wi_queue_is_of_words(const struct queue *queue);

static inline uint64_t wi_position(uint64_t word)
{
	return word & ~FLAGS;
}

/* Why tail lets nobody in; 0 if it does.  `held` as above. */
static inline int wi_queue_refusal(uint64_t tail, uint64_t held)
{
	if (likely((tail & FLAGS) == held))
		return 0;
	if (tail & ENDED)
		return -EBADF;
	return tail & BROKEN ? -EPIPE : -EAGAIN;
}

/* What pop answers where there is nothing for it at this head: -ENODATA if
 * nothing is claimed beyond it, for good; else -EAGAIN.  A look at tail would
 * take its line away from senders, so that comes last. */
static inline int wi_queue_nothing(struct queue *queue, uint64_t head)
{
	uint64_t tail;

	/* relaxed: who has seen a flag in tail sees this, see wi_queue_finish;
	 * others come before the close. */
	if (likely(load_relaxed(&queue->finishing) == NOT_FINISHING))
		return -EAGAIN;
	/* acquire [closed]; the tail that says END is final, and head was its
	 * equal when it was read. */
	tail = load_acquire(&queue->tail);
	return tail & (ENDED | BROKEN) && wi_position(tail) == wi_position(head)
		       ? -ENODATA
		       : -EAGAIN;
}

/* What became of an element that was published while the last receiver's close
 * was at work: 0 or -EPIPE, as push.  Once for each. */
int wi_queue_fate(
	struct queue *queue, struct slot *slot, uint32_t number, uint64_t word);

/* Publish a turn, with plain stores: what was done to the slot before is done
 * for who sees it. */
static inline void wi_queue_store_turn(struct slot *slot, uint32_t turn)
{
	/* release [filled] or [vacated]: pairs with the flavor's loads of turn.
	 * S1 of [sleep], and P1 of [abandoned]. */
	store_release(&slot->turn, turn);
	wi_fence_light();
}

/* The same, with plain stores or without. */
static inline void wi_queue_turn(
	struct queue *queue, struct slot *slot, uint32_t turn)
{
	if (likely(queue->plain_stores)) {
		wi_queue_store_turn(slot, turn);
	} else {
		/* seq_cst [sleep]; releases [filled] or [vacated]. */
		exchange_seq_cst(&slot->turn, turn);
	}
}

/* After a plain store: is the last receiver's close at work?  Then
 * wi_queue_fate says what became of the element. */
static inline bool wi_queue_is_abandoning(struct queue *queue)
{
	/* acquire [abandoned]: P2; see queue.c. */
	return unlikely(load_acquire(&queue->finishing) == ABANDONING);
}

/* The end of a push: make the slot at the position of `word`, free in that
 * number so far, FULL.  As push. */
static inline int wi_queue_fill(
	struct queue *queue, struct slot *slot, uint32_t number, uint64_t word)
{
	if (unlikely(!queue->plain_stores))
		/* seq_cst [sleep]; releases [filled].  What it returns tells
		 * whether the last receiver's close was faster. */
		return exchange_seq_cst(&slot->turn, number + FULL) ==
				       number + ABANDONED
			       ? -EPIPE
			       : 0;
	wi_queue_store_turn(slot, number + FULL);
	if (wi_queue_is_abandoning(queue))
		return wi_queue_fate(queue, slot, number, word);
	return 0;
}

/* Set ENDED or BROKEN. */
void wi_queue_finish(struct queue *queue, uint64_t flag);

/* Inside the gate: set or clear HELD in a word. */
void wi_queue_hold(struct atomic_u64 *word, bool hold);

/* The last receiver's close: all positions from head to tail are ours now;
 * *first is the first of them.  Returns tail's, which is final. */
uint64_t wi_queue_claim_rest(struct queue *queue, uint64_t *first);

/* The last receiver's close has claimed this slot: drop its element, or abandon
 * it. */
void wi_queue_drop_slot(struct queue *queue, const struct dropper *dropper,
	struct slot *slot, uint32_t number, void *element);

/* An element that nobody will receive: count it, and hand it to `drop`. */
void wi_queue_drop(
	struct queue *queue, const struct dropper *dropper, void *element);

/* The same for a sender whose slot the last receiver's close has abandoned, or
 * will, and counts as never sent. */
void wi_queue_drop_abandoned(
	struct queue *queue, const struct dropper *dropper, void *element);

/* At some instant of the call all that had been claimed was taken, or the
 * buffer was full of what had been claimed. */
bool wi_queue_is_empty(const struct queue *queue);
bool wi_queue_is_full(const struct queue *queue);

/* What has been claimed and not taken; exact when nothing else runs, and never
 * more than the capacity. */
size_t wi_queue_length(const struct queue *queue);

/* The same with gaps, which take a place until head has passed them. */
size_t wi_queue_places_used(const struct queue *queue);

/* Earlier than this nothing comes by the clock; WEIR_FOREVER: nothing does. */
static inline int64_t wi_queue_due(const struct queue *queue)
{
	return queue->ops->clock == NULL ? WEIR_FOREVER
					 : queue->ops->clock->due(queue);
}

uint64_t wi_queue_sent(const struct queue *queue);
uint64_t wi_queue_received(const struct queue *queue);

#endif
