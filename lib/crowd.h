/* SPDX-License-Identifier: MIT */
/* crowd.h - whose are the threads that keep ours from a CPU?
 *
 * A thread that yields, and waits a whole time slice for its next turn, has
 * made way for somebody who just computes.  If that is a thread of this
 * process, it was right: that one may be on its way to what is waited for.  If
 * it is another program, it should not yield again.
 *
 * The CPU time of the process tells: while all who want a CPU are its own, its
 * threads use up all that it may use.
 */
#ifndef WI_CROWD_H
#define WI_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct crowd {
	struct atomic_u64 sample;  /* of both clocks, in one word */
	struct atomic_u32 foreign; /* the last answer */
};

void wi_crowd_init(struct crowd *crowd);

/* After a long yield, at `now`, when the process has used so much CPU time:
 * have others had a share of these CPUs since the last one?  Both in ns.  False
 * if that was too long ago to tell. */
bool wi_crowd_is_foreign(
	struct crowd *crowd, int64_t now, int64_t used, unsigned cpus);

#endif
