/* SPDX-License-Identifier: MIT */
/* parker.c - see parker.h.
 *
 * Ordering edges
 *	[done]	release's exchange -> wi_parker_park's load: what it is told and
 *		its elements are readable, and the waiter is its owner's again
 *	[park]	the owner's cas to PARKED and the releaser's exchange act on one
 *		word: either the exchange finds PARKED and wakes, or the cas (or
 *		the kernel's comparison) finds DONE and there is no sleep
 */
#include "parker.h"

#include "backoff.h"
#include "futex.h"

enum { SPINNING, PARKED, DONE };

static void release(struct news *news)
{
	struct parker *parker = container_of(news, struct parker, news);
	struct atomic_u32 *state = &parker->state;

	/* release [done]: pairs with wi_parker_park.  From here on the parker
	 * may be gone: only its address is used. */
	if (exchange_acq_rel(state, DONE) == PARKED) /* [park] */
		wi_futex_wake(state);
}

void wi_parker_init(struct parker *parker)
{
	parker->news.tell = release;
	init_atomic(&parker->state, SPINNING);
}

bool wi_parker_is_done(const struct parker *parker)
{
	/* acquire [done]: pairs with release. */
	return load_acquire(&parker->state) == DONE;
}

bool wi_parker_park(struct parker *parker, struct spin *spin, int64_t deadline)
{
	uint32_t state = SPINNING;

	do {
		if (wi_parker_is_done(parker))
			return true;
	} while (wi_spin(spin));
	/* [park]: against release's exchange.  Acquires [done] if it
	 * fails because of that. */
	cas_acq_rel(&parker->state, &state, PARKED);
	while (!wi_parker_is_done(parker)) {
		if (wi_futex_wait(&parker->state, PARKED, deadline))
			return wi_parker_is_done(parker);
	}
	return true;
}
