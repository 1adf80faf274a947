/* SPDX-License-Identifier: MIT */
/* futex.h - sleep on a 32-bit word, and wake who sleeps there [Drepper,
 * "Futexes Are Tricky", 2011].  The only file that makes these system calls.
 */
#ifndef WI_FUTEX_H
#define WI_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

/* Sleep while *word == expected, until `deadline` (absolute, CLOCK_MONOTONIC,
 * nanoseconds).  True if the deadline ended it.  False says nothing: the word
 * has changed, or somebody woke us, or a signal came; look at the word again.
 * Orders nothing.  errno is left as it was. */
bool wi_futex_wait(
	struct atomic_u32 *word, uint32_t expected, int64_t deadline);

/* Wake one thread that sleeps on the word.  Reads nothing there: the memory
 * may already belong to somebody else, who then sees a spurious wake-up. */
void wi_futex_wake(struct atomic_u32 *word);

/* The same for all that sleep there. */
void wi_futex_wake_all(struct atomic_u32 *word);

#endif
