/* SPDX-License-Identifier: MIT */
/* hazard.h - what each thread is looking at, so that nobody uses it again
 * meanwhile [Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free
 * Objects", 2004], with the fence on the side that comes rarely, as in fence.h.
 *
 * A node is reached through an anchor, a word that points to it.  Who looks at
 * it says so first, and then makes sure that the anchor has not moved on:
 *
 *	who looks at a node              who has unlinked it
 *	-------------------              -------------------
 *	store(held, node)    H1          moves the anchor on    U1
 *	wi_fence_light()                 wi_fence_others()
 *	load(anchor)         H2          load(held)             U2
 *
 * If H2 still finds the node, U2 finds it held, by the argument of fence.h: the
 * node is left alone.  If not, it is not looked at.  A node that was used again
 * and linked anew in between is as good as any other.
 *
 * That needs membarrier, and for each thread a place where others can see what
 * it holds.  A thread that finds none is a STRANGER.  What it holds, and what
 * anybody holds where there is no membarrier, says nothing: such a thread has
 * to be a reader of reclaim.h while it looks at anything.
 *
 * Ordering edges
 *	[held]	   a hold's end, or its change to another node -> U2's load:
 *		   whatever was done to the node is done
 *	[anchor]   whoever sets an anchor -> its loads here: the node is
 *		   readable; the user's edge, [linked] or [spare] for instance
 *	[place]	   a thread's last act -> the next thread that has its place
 *	[stranger] a stranger's last act -> the look at how many there are
 */
#ifndef WI_HAZARD_H
#define WI_HAZARD_H

#include <stdbool.h>

#include "compiler.h"
#include "fence.h"

/* A thread holds so many nodes at once. */
#define HOLDS 2

struct hazards {
	cache_aligned struct atomic_ptr held[HOLDS];
	struct atomic_u32 taken; /* belongs to a thread */
	bool unseen; /* says nothing: this thread has to be a reader */
};

/* This thread's place in the table; NULL if it has none, or has never looked at
 * anything. */
extern __thread struct hazards *wi_hazards_of_thread;
/* It has found none. */
extern __thread bool wi_is_stranger;

/* A place for this thread; or that of all who find none. */
struct hazards *wi_hazards_register(void);

/* This thread's. */
static inline struct hazards *wi_hazards(void)
{
	struct hazards *hazards = wi_hazards_of_thread;

	return likely(hazards != NULL) ? hazards : wi_hazards_register();
}

/* Hold `node`, to which the anchor pointed just now, until the next hold or
 * drop in the same place.  False: the anchor has moved on. */
static ALWAYS_INLINE bool wi_hold_this(struct hazards *hazards, unsigned place,
	const struct atomic_ptr *anchor, void *node)
{
	/* release [held]: pairs with wi_hazard_is_held.  H1. */
	store_release(&hazards->held[place], node);
	wi_fence_light();
	/* acquire [anchor]: H2; pairs with who set it, as the caller says. */
	return load_acquire(anchor) == node;
}

/* The node at which the anchor points, held likewise. */
static ALWAYS_INLINE void *wi_hold(
	struct hazards *hazards, unsigned place, struct atomic_ptr *anchor)
{
	for (;;) {
		/* relaxed: looked at once it is held. */
		void *node = load_relaxed(anchor);

		if (likely(wi_hold_this(hazards, place, anchor, node)))
			return node;
	}
}

static inline void wi_drop_hold(struct hazards *hazards, unsigned place)
{
	/* release [held]: pairs with wi_hazard_is_held. */
	store_release(&hazards->held[place], NULL);
}

/* Does what all threads hold say something?  The answer counts after
 * wi_fence_others, and before that is a hint. */
bool wi_hazards_are_told(void);

/* U2. */
bool wi_hazard_is_held(const void *node);

/* Places: so many threads at once can say what they hold. */
#define HAZARD_TABLE 256

struct hazard_table {
	struct hazards of[HAZARD_TABLE];
	struct hazards of_strangers; /* written by all, read by nobody */
	struct atomic_u32 used;      /* no place beyond was ever taken */
	struct atomic_u32 strangers; /* that live */
};

extern struct hazard_table wi_hazard_table;

#endif
