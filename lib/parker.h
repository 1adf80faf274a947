/* SPDX-License-Identifier: MIT */
/* parker.h - where one thread waits to be told that its operation is decided.
 *
 * It lies on the stack of the thread that waits.  Who decides the operation,
 * inside a gate, puts the parker's news into a list, and tells it once outside
 * (news.h).  That sets `state` to DONE and is the last access: the owner may go
 * away at once.
 */
#ifndef WI_PARKER_H
#define WI_PARKER_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "backoff.h"
#include "compiler.h"
#include "element.h"
#include "news.h"

struct parker {
	struct news news;
	/* On one line, alone: the word at which the spinning owner looks, and
	 * what it is told, written before DONE and read after it. */
	cache_aligned struct atomic_u32 state;
	int status;
	size_t done;
	unsigned char element[SMALL_ELEMENT]; /* received, see waiter.h */
};

void wi_parker_init(struct parker *parker);

/* The owner: is it DONE?  As below. */
bool wi_parker_is_done(const struct parker *parker);

/* The owner: wait until DONE, or until the deadline; first as long as the spin
 * lasts, then asleep.  True if DONE; then what the decider did happens before
 * this returns. */
bool wi_parker_park(struct parker *parker, struct spin *spin, int64_t deadline);

#endif
