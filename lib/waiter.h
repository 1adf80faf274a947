/* SPDX-License-Identifier: MIT */
/* waiter.h - one operation that waits on one channel, on the stack of its
 * thread, and the queue in which it stands.
 *
 * Life of a waiter
 *
 *	   owner                          whoever is inside the gate
 *	   -----                          --------------------------
 *	1  fills it in, enters the gate,
 *	   queues it, leaves
 *	2  spins on its parker, sleeps    may move elements for it
 *	3                                 takes it out of the queue, writes
 *	                                  to its parker: it is DECIDED
 *	4                                 leaves the gate, then releases its
 *	                                  parker: last access
 *	5  sees DONE, reads its parker,
 *	   goes away
 *
 * or the owner withdraws it: it enters the gate, finds it still queued, and
 * takes it out; then nobody else will touch it.  Being taken out of the queue,
 * inside the gate, is the one step that decides: a time-out or a close that
 * comes later finds it gone, waits for DONE and adopts what was decided.
 *
 * A waiter of a selection (selection.h) is one of several, in as many queues.
 * Before step 3 the selection must be claimed for it; where that fails another
 * channel was faster, and the waiter is taken out and forgotten.
 *
 * Whoever serves a waiter fetches its lines from the owner's CPU, one after the
 * other if each is found by the one before.  So one small element to be sent
 * lies in the waiter, and one that is received in the parker, beside the word
 * at which the owner looks.  And a plain waiter has its parker behind it, so
 * that both can be fetched at once.
 */
#ifndef WI_WAITER_H
#define WI_WAITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "list.h"
#include "parker.h"
#include "selection.h"

struct endpoint;

struct waiter {
	/* Written inside the gate; between 3 and 4 by who decided it alone.
	 * What a server touches, but for a small element, is on one line. */
	cache_aligned struct list node;
	bool queued;
	bool in_place; /* wants a place in hand, see queue.h */
	bool overdue;  /* its deadline has passed, see wi_channel_withdraw */
	bool stands;   /* for a moment, see select_stand.h */
	/* Elements, one after the other: to send, or room for them. */
	unsigned char *elements;
	size_t wanted;
	size_t done;
	struct parker *parker;
	/* NULL for a plain send or receive. */
	struct selection *selection;
	/* Needed in rarer cases. */
	size_t index; /* of the selection's case */
	void **place; /* in_place: where to put its address */
	/* Whose close ends this wait. */
	const struct endpoint *through;
	unsigned char element[SMALL_ELEMENT]; /* to be sent, if small */
};

/* Of an operation that waits on one channel only. */
struct plain_waiter {
	struct waiter waiter;
	struct parker parker;
};

/* The waiters of one side of a channel, oldest first; behind them those that
 * stand there for a moment, which are the upper half of the count.  All inside
 * the gate, but that anybody may read the count. */
struct wait_queue {
	struct list waiters;
	struct atomic_u64 count;
};

void wi_waiter_init(struct waiter *waiter, const struct endpoint *through,
	void *elements, size_t wanted, struct parker *parker);

/* It wants one place, in hand. */
void wi_waiter_init_in_place(struct waiter *waiter,
	const struct endpoint *through, void **place, struct parker *parker);

/* It is case `index` of a selection, whose parker it uses. */
void wi_waiter_init_case(struct waiter *waiter, const struct endpoint *through,
	void *element, struct selection *selection, size_t index);

/* Before it is queued: if it has one small element, let that be sent from the
 * waiter, or be received in its parker; true: the latter, and the owner copies
 * it from there if WEIR_OK. */
bool wi_waiter_keep_small(
	struct waiter *waiter, bool sends, size_t element_size);

/* It is about to be served: fetch all lines of a plain one.  Of a case of a
 * select only the first two are of use. */
static inline void wi_waiter_prefetch(const struct waiter *waiter)
{
	const char *line = (const char *)waiter;

	for (size_t i = 0; i < sizeof(struct plain_waiter); i += CACHE_LINE)
		prefetch_to_write(line + i);
}

/* Inside the gate: is it ours to decide?  Ask once, and only when sure of what
 * it is to be served with. */
static inline bool wi_waiter_claim(struct waiter *waiter)
{
	return waiter->selection == NULL ||
	       wi_selection_claim(waiter->selection, waiter->index);
}

/* Inside the gate: can it still be served? */
static inline bool wi_waiter_is_live(const struct waiter *waiter)
{
	return waiter->selection == NULL ||
	       wi_selection_chosen(waiter->selection) == UNDECIDED;
}

void wi_wait_queue_init(struct wait_queue *queue);
void wi_wait_queue_append(struct wait_queue *queue, struct waiter *waiter);
void wi_wait_queue_remove(struct wait_queue *queue, struct waiter *waiter);

/* Anywhere: how many wait in earnest.  Nobody can go past them any more. */
uint32_t wi_wait_queue_length(const struct wait_queue *queue);

/* The one to be served after `waiter`, or NULL; after NULL comes the first. */
static inline struct waiter *wi_wait_queue_next(
	struct wait_queue *queue, struct waiter *waiter)
{
	struct list *node =
		waiter != NULL ? waiter->node.next : queue->waiters.next;

	return node != &queue->waiters ? container_of(node, struct waiter, node)
				       : NULL;
}

static inline struct waiter *wi_wait_queue_first(struct wait_queue *queue)
{
	return wi_wait_queue_next(queue, NULL);
}

#endif
