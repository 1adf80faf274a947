/* SPDX-License-Identifier: MIT */
/* reclaim.h - memory that others may still be looking at: freed a grace period
 * later.  The only file that knows liburcu [Desnoyers et al., "User-Level
 * Implementations of Read-Copy Update", 2012].
 *
 * A reader looks at shared nodes between wi_reclaim_read_lock and _unlock.
 * What is retired is handed back to its owner once every reader that could
 * have seen it has left.  Of one owner one batch at a time is on its way
 * through call_rcu; what is retired meanwhile is the next batch.
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

/* What the owner does with a batch that nobody looks at any more.  Returns
 * whether it wants to be called again after the next grace period even if
 * nothing is retired (the batch is then NULL).  Runs on liburcu's thread, never
 * twice at once, and not after wi_reclaim_destroy. */
typedef bool reclaim_batch(void *owner, struct reclaim_node *batch);

/* NULL if there is no memory. */
struct reclaim *wi_reclaim_create(reclaim_batch *give_back, void *owner);

/* The owner goes, and nobody looks at its nodes any more: everything that is
 * still on its way is given back here and now.  Waits for a give_back that is
 * running. */
void wi_reclaim_destroy(struct reclaim *reclaim);

/* No reader that starts now can find `node`: hand it back when those that have
 * started are through.  Does not wait.  Call as a reader or not. */
void wi_reclaim_retire(struct reclaim *reclaim, struct reclaim_node *node);

/* Readers nest, register themselves, and do not wait. */
void wi_reclaim_read_lock(void);
void wi_reclaim_read_unlock(void);

#endif
