/* SPDX-License-Identifier: MIT */
/* selection.h - one operation that stands in the queues of several channels,
 * and which of them has it.
 *
 * `chosen` is the one word that decides.  Whoever is inside the gate of one of
 * these channels, finds the selection's waiter there, and is sure that it can
 * be served, claims the selection for that case by a compare-and-swap; who
 * comes second finds it claimed, unlinks its own waiter and goes on to the next
 * in line.
 *
 *	         UNDECIDED
 *	  claim(i) / \ claim(GIVEN_UP), by the owner, inside all its gates
 *	          v   v
 *	    case i    GIVEN_UP
 *
 * The owner registers, and gives up, inside all of its gates at once.  Only
 * then is it sure to have seen every partner, and every partner to have seen
 * it: of two selects that meet on a channel one comes second there, finds the
 * other complete, and meets it before it stands in any queue itself.  That is
 * why one compare-and-swap is enough for a pair of selects.
 */
#ifndef WI_SELECTION_H
#define WI_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "parker.h"

#define UNDECIDED UINT64_MAX
#define GIVEN_UP (UINT64_MAX - 1)

struct selection {
	struct atomic_u64 chosen; /* UNDECIDED, GIVEN_UP, or a case */
	struct parker parker;
};

static inline void wi_selection_init(struct selection *selection)
{
	init_atomic(&selection->chosen, UNDECIDED);
	wi_parker_init(&selection->parker);
}

/* Inside the gate of a channel where the selection is registered. */
static inline bool wi_selection_claim(
	struct selection *selection, uint64_t choice)
{
	uint64_t chosen = UNDECIDED;

	/* relaxed: decides, and carries nothing; what the decider did reaches
	 * the owner by [done] (parker.c). */
	return cas_relaxed(&selection->chosen, &chosen, choice);
}

/* Who is told UNDECIDED may be told otherwise an instant later; the rest is for
 * good. */
static inline uint64_t wi_selection_chosen(struct selection *selection)
{
	return load_relaxed(&selection->chosen); /* relaxed: as above */
}

#endif
