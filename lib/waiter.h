/* SPDX-License-Identifier: MIT */
/* waiter.h - one operation that waits, on the stack of its thread, and the
 * queue in which it stands.
 *
 * Life of a waiter
 *
 *	   owner                          whoever is inside the gate
 *	   -----                          --------------------------
 *	1  fills it in, enters the gate,
 *	   queues it, leaves
 *	2  spins on `state`, then sleeps  may move elements for it
 *	3                                 takes it out of the queue, sets
 *	                                  `status`: it is DECIDED
 *	4                                 leaves the gate, then sets `state`
 *	                                  to DONE, and wakes the owner if it
 *	                                  sleeps: last access
 *	5  sees DONE, reads the rest,
 *	   goes away
 *
 * or the owner withdraws it: it enters the gate, finds it still queued, and
 * takes it out; then nobody else will touch it.  Being taken out of the queue,
 * inside the gate, is the one step that decides: a time-out or a close that
 * comes later finds it gone, waits for DONE and adopts what was decided.
 */
#ifndef WI_WAITER_H
#define WI_WAITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "list.h"

struct endpoint;

struct waiter {
	/* Written inside the gate; between 3 and 4 by who decided it alone. */
	struct list node; /* in a wait_queue, then in a list of the decided */
	bool queued;
	int status;
	/* Elements, one after the other: to send, or room for them. */
	unsigned char *elements;
	size_t wanted;
	size_t done;
	/* Whose close ends this wait. */
	const struct endpoint *through;
	/* Read by the spinning owner: on a line of its own. */
	cache_aligned struct atomic_u32 state;
};

/* The waiters of one side of a channel, oldest first.  All inside the gate,
 * but for the count, which anybody may read. */
struct wait_queue {
	struct list waiters;
	struct atomic_u64 count;
};

void wi_waiter_init(struct waiter *waiter, const struct endpoint *through,
	void *elements, size_t wanted);

/* The owner: wait until DONE, or until the deadline.  Spins for up to `spin`
 * pauses first; *spun says for how many it did.  True if DONE; then what the
 * decider did happens before this returns. */
bool wi_waiter_park(
	struct waiter *waiter, uint32_t spin, uint32_t *spun, int64_t deadline);

/* Outside the gate: tell the owners of all in the list that they are DONE. */
void wi_waiters_release(struct list *decided);

void wi_wait_queue_init(struct wait_queue *queue);
void wi_wait_queue_append(struct wait_queue *queue, struct waiter *waiter);
void wi_wait_queue_remove(struct wait_queue *queue, struct waiter *waiter);

static inline struct waiter *wi_waiter_of(struct list *node)
{
	return container_of(node, struct waiter, node);
}

/* The oldest, or NULL. */
static inline struct waiter *wi_wait_queue_first(struct wait_queue *queue)
{
	return list_is_empty(&queue->waiters)
		       ? NULL
		       : wi_waiter_of(queue->waiters.next);
}

#endif
