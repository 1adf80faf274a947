/* SPDX-License-Identifier: MIT */
/* waiter.c - see waiter.h.
 *
 * Ordering edges
 *	[done]	wi_waiters_release's exchange -> wi_waiter_park's load: status
 *		and elements are readable, and the waiter is its owner's again
 *	[park]	the owner's cas to PARKED and the releaser's exchange act on one
 *		word: either the exchange finds PARKED and wakes, or the cas (or
 *		the kernel's comparison) finds DONE and there is no sleep
 *	[counted]  count's store -> statistics' load: for who has been told that
 *		somebody waits, nobody can go past that one any more
 */
#include "waiter.h"

#include <weir/common.h>

#include "backoff.h"
#include "debug.h"
#include "futex.h"

enum { SPINNING, PARKED, DONE };

void wi_waiter_init(struct waiter *waiter, const struct endpoint *through,
	void *elements, size_t wanted)
{
	waiter->queued = false;
	waiter->status = WEIR_OK;
	waiter->elements = elements;
	waiter->wanted = wanted;
	waiter->done = 0;
	waiter->through = through;
	init_atomic(&waiter->state, SPINNING);
}

bool wi_waiter_park(
	struct waiter *waiter, uint32_t spin, uint32_t *spun, int64_t deadline)
{
	uint32_t state = SPINNING;

	for (*spun = 0; *spun < spin; ++*spun) {
		/* acquire [done]: pairs with wi_waiters_release. */
		if (load_acquire(&waiter->state) == DONE)
			return true;
		cpu_pause();
	}
	/* [park]: against wi_waiters_release's exchange.  Acquires [done] if it
	 * fails because of that. */
	cas_acq_rel(&waiter->state, &state, PARKED);
	/* acquire [done]: pairs with wi_waiters_release. */
	while (load_acquire(&waiter->state) != DONE) {
		if (wi_futex_wait(&waiter->state, PARKED, deadline))
			/* acquire [done]: as above. */
			return load_acquire(&waiter->state) == DONE;
	}
	return true;
}

void wi_waiters_release(struct list *decided)
{
	struct list *node, *following;

	list_for_each_safe (node, following, decided) {
		struct atomic_u32 *state = &wi_waiter_of(node)->state;

		/* release [done]: pairs with wi_waiter_park.  From here on the
		 * waiter may be gone: only its address is used. */
		if (exchange_acq_rel(state, DONE) == PARKED) /* [park] */
			wi_futex_wake(state);
	}
}

void wi_wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
	init_atomic(&queue->count, 0);
}

static void count(struct wait_queue *queue, uint64_t difference)
{
	/* relaxed: only changed inside the gate. */
	uint64_t now = load_relaxed(&queue->count) + difference;

	store_release(&queue->count, now); /* [counted] */
}

void wi_wait_queue_append(struct wait_queue *queue, struct waiter *waiter)
{
	invariant(!waiter->queued);
	list_append(&queue->waiters, &waiter->node);
	waiter->queued = true;
	count(queue, 1);
}

void wi_wait_queue_remove(struct wait_queue *queue, struct waiter *waiter)
{
	invariant(waiter->queued);
	list_remove(&waiter->node);
	waiter->queued = false;
	count(queue, (uint64_t)-1);
}
