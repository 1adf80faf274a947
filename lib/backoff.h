/* SPDX-License-Identifier: MIT */
/* backoff.h - how long to spin before sleeping.
 *
 * A sleep and its wake-up cost tens of microseconds, a spin costs a core.  So a
 * wait first spins for a budget of pauses that follows what has paid lately:
 * it grows to twice what a successful spin needed, and shrinks by a quarter
 * with each one in vain, down to next to nothing.  Every 32nd wait tries the
 * whole limit again, or a budget that has shrunk could never grow.  Where the
 * process may use one CPU only, nobody spins: who is waited for cannot run.  (A
 * process that is confined to one CPU later on goes on to try, for as little as
 * has paid lately.)
 */
#ifndef WI_BACKOFF_H
#define WI_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct backoff {
	uint32_t limit;           /* pauses; 0: never spin */
	struct atomic_u32 budget; /* pauses; a hint, any thread may write it */
	struct atomic_u32 waits;  /* so far; a hint too */
};

/* `limit` as in weir_options: 0 is our choice, WEIR_NO_SPIN is none. */
void wi_backoff_init(struct backoff *backoff, uint32_t limit);

/* How many pauses this wait may spin for. */
uint32_t wi_backoff_budget(struct backoff *backoff);

/* The wait is over, after `spun` pauses: with success, or in vain. */
void wi_backoff_learn(struct backoff *backoff, uint32_t spun, bool success);

/* Does a spinning thread leave a CPU for the one it waits for? */
bool wi_backoff_may_spin(void);

static inline void cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
	__asm__ __volatile__("yield");
#else
	__asm__ __volatile__("");
#endif
}

#endif
