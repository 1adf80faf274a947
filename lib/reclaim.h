/* SPDX-License-Identifier: MIT */
/* reclaim.h - memory that others may still be looking at: given back when they
 * no longer do.
 *
 * Who looks at a shared node holds it (hazard.h).  Whose hold says nothing, a
 * stranger's or anybody's where there is no membarrier, is a READER as well,
 * between wi_read_lock and wi_read_unlock (reader.h).  What is retired comes
 * back to its owner in one of two ways:
 *
 *	at once		every few retirements who retires looks who holds what,
 *			and what nobody holds is given back then and there, if
 *			there are no readers;
 *	in the end	a grace period after it was retired, when every reader
 *			that could have seen it has left, and as soon as nobody
 *			holds it: what somebody held, what was retired last, and
 *			all while there may be readers.
 *
 * Grace periods are liburcu's [Desnoyers et al., "User-Level Implementations of
 * Read-Copy Update", 2012], which reclaim.c and reader.h alone know.  One takes
 * 10 ms and more: in that time a busy channel fills hundreds of segments, all
 * of which it would touch for the first time.  Of one owner one batch at a time
 * is on its way through call_rcu; what is retired meanwhile is the next batch.
 */
#ifndef WI_RECLAIM_H
#define WI_RECLAIM_H

#include <stdbool.h>

#include "atomic.h"

/* In what can be retired; belongs to reclaim from then on. */
struct reclaim_node {
	struct reclaim_node *next;
};

struct reclaim;

struct reclaim_ops {
	/* Nobody looks at this node any more.  On any thread, also at once. */
	void (*give_back)(void *owner, struct reclaim_node *node);
	/* A grace period is over, and its batch has been given back.  Returns
	 * whether the owner wants to hear of the next, even if nothing is
	 * retired.  On liburcu's thread; not after wi_reclaim_destroy. */
	bool (*tidy)(void *owner);
};

/* NULL if there is no memory.  After so many retirements it looks who holds
 * what, and gives the rest back: that takes a membarrier, of 2 to 6 us, and
 * what waits for it is not in use. */
struct reclaim *wi_reclaim_create(const struct reclaim_ops *ops, void *owner,
	uint32_t retirements_a_look);

/* The owner goes, and nobody looks at its nodes any more: everything that is
 * still on its way is given back here and now.  Waits for a callback that is
 * running. */
void wi_reclaim_destroy(struct reclaim *reclaim);

/* Nobody who looks now can find `node`: hand it back when those that have found
 * it are through.  Does not wait.  Call as a reader or not; a caller's hold
 * counts as anybody's. */
void wi_reclaim_retire(struct reclaim *reclaim, struct reclaim_node *node);

#endif
