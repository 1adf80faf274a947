/* SPDX-License-Identifier: MIT */
/* gate.h - the lock of a channel's waiting room, with a mark for those who
 * must not wait for it.
 *
 * One thread at a time is inside.  Who may wait enters with wi_gate_enter.  Who
 * must not wait (a try_ call that has just published an element) tries, and if
 * somebody is inside leaves a mark instead: whoever is inside cannot leave
 * before it has seen the mark and looked again.  So the work that the mark
 * stands for is done, by one or by the other:
 *
 *	T, who must not wait                 H, who is inside
 *	--------------------                 ----------------
 *	publish                              look
 *	fetch_or(word, HELD | MARK)          cas(word, HELD -> 0)
 *	  HELD was set: go away                MARK is set: fails
 *	  it was not: T is inside, looks       clear MARK, look again
 *
 * Both act on one word.  If T's fetch_or comes before H's cas, H looks again,
 * and sees what T published ([mark]); if after, T finds the gate free and is
 * inside itself.  No order of the two leaves nobody looking.
 */
#ifndef WI_GATE_H
#define WI_GATE_H

#include <stdbool.h>

#include "atomic.h"

struct gate {
	struct atomic_u32 word;
};

void wi_gate_init(struct gate *gate);

/* Wait until inside: spins for a moment, then sleeps.  What the one before did
 * inside happens before this returns. */
void wi_gate_enter(struct gate *gate);

/* Inside now?  If not, the mark has been left, with what happened before it.
 * Never waits: one atomic instruction. */
bool wi_gate_enter_or_mark(struct gate *gate);

/* Inside now?  Leaves no mark. */
bool wi_gate_try_enter(struct gate *gate);

/* Leave.  False: there is a mark, now cleared; we are still inside, must look
 * again, and then try to leave again. */
bool wi_gate_leave(struct gate *gate);

#endif
