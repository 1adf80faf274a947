/* SPDX-License-Identifier: MIT */
/* timer.h - receivers that are fed by the clock.
 *
 *	weir_receiver *second;
 *	int64_t due;
 *	if (weir_tick(1000000000, &second) != WEIR_OK)
 *		return 1;
 *	while (weir_recv(second, &due) == WEIR_OK)
 *		report();
 *
 * Ordinary receivers in every way: recv, try_recv, select, clone, close, free,
 * statistics.  There is no thread, no signal and no descriptor behind them:
 * whether one is ready is read off weir_now()'s clock, and who waits for one
 * sleeps until it is due.  The element is an int64_t, the time at which it was
 * due; capacity 1, length 0 or 1, one open sender (the clock).  Clones share
 * the elements, as any receivers do.
 */
#ifndef WEIR_TIMER_H
#define WEIR_TIMER_H

#include <weir/channel.h>

WEIR_BEGIN_DECLS

/* One element `ns` nanoseconds from now (zero or less: at once), then never
 * again; it does not end.  WEIR_FOREVER never comes.
 * Returns 0, or with *rx untouched INVALID_ARGUMENT (rx is NULL) or NO_MEMORY;
 * likewise below. */
WEIR_API WEIR_NODISCARD int weir_after(int64_t ns, weir_receiver **rx);

/* One element at `deadline_ns` of weir_now()'s clock. */
WEIR_API WEIR_NODISCARD int weir_at(int64_t deadline_ns, weir_receiver **rx);

/* One element every `ns` nanoseconds, the first one period from now.  Who comes
 * late gets the oldest that is due, once; the next one falls on the grid, so
 * there is no burst and no drift.  INVALID_ARGUMENT: ns is zero or less. */
WEIR_API WEIR_NODISCARD int weir_tick(int64_t ns, weir_receiver **rx);

/* No element, ever; capacity 0. */
WEIR_API WEIR_NODISCARD int weir_never(weir_receiver **rx);

WEIR_END_DECLS

#endif
