/* SPDX-License-Identifier: MIT */
/* contest.h - several threads that claim by turns, at one end of a ring.
 *
 * Who was also the last one to claim finds the position in its own cache.  Two
 * that claim at the same time pass its line, and those of the slots, to and fro
 * for each element.  If one of them loses a race it leaves the word alone for a
 * moment (backoff.h), and the other goes on from its cache.  But where a line
 * is always written soon after it was read, hardware hands it to readers for
 * writing [Cox and Fowler, "Adaptive Cache Coherency for Detecting Migratory
 * Shared Data", 1993].  Then nobody ever loses, and it goes on like that: two
 * that fill, or empty, a long queue take 35 ns an element where one alone takes
 * 6; or not, as chance and the compiler will have it.
 *
 * So it is noted who claimed last.  Who finds that it was another counts that;
 * each 8th time, if they came often, it leaves the word alone, as after a loss,
 * and then looks how far the others have got.  If that was not as far as all
 * had got before, in the same time, it was in vain, since threads have other
 * work to do between their claims; then nobody tries again for 512 changes.
 * With that the two take 7 ns, and with work in between no longer than without.
 */
#ifndef WI_CONTEST_H
#define WI_CONTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"

/* Beside the word, in its line.  Hints, all of them: threads may overwrite what
 * others have just written. */
struct contest {
	struct atomic_u64 last;    /* who claimed: its this_thread() */
	struct atomic_u64 since;   /* ns: when the word was looked at; and: */
	struct atomic_u64 before;  /* what it was */
	struct atomic_u32 changes; /* of `last`, so far */
	struct atomic_u32 rest;    /* nobody makes way up to that change */
};

void wi_contest_init(struct contest *contest);

/* Was another thread the last one?  Then wi_contest comes next, unless there is
 * nothing to claim: who looks at an empty queue leaves its line to others. */
static ALWAYS_INLINE bool contest_is_on(const struct contest *contest)
{
	/* relaxed: a hint. */
	return unlikely(load_relaxed(&contest->last) != this_thread());
}

/* This thread is about to claim, by moving `word` on.  May make way before. */
void wi_contest(struct contest *contest, const struct atomic_u64 *word);

#endif
