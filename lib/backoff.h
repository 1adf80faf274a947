/* SPDX-License-Identifier: MIT */
/* backoff.h - how long to spin before sleeping, and how.
 *
 * A sleep and its wake-up cost tens of microseconds, a spin costs a core.  So a
 * wait first spins for a budget of time that follows what has paid lately: it
 * grows to twice what a successful spin needed, up to half of the limit, and
 * shrinks by a quarter with each one in vain, down to next to nothing.  Nobody
 * spins any more after two waits in a row, or the very first one, that went on
 * asleep for longer than any spin could have lasted; until one sleeps for less.
 * If that is no longer than it takes to be woken, the budget is again what it
 * was at the start.
 *
 * Every 64th wait tries the whole limit, which is about the time from a wake-up
 * until the sleeper runs.  Else two threads could take turns at sleeping for
 * ever: each one wakes the other, has used up, before that one runs, what there
 * was to do, and sleeps.  One wait that lasts until the other runs ends that.
 * After one in vain, and while nobody spins, it is every 512th.
 *
 * Where the process may use one CPU only, nobody spins: who is waited for
 * cannot run.  But a wait yields twice before it sleeps: others then fill, or
 * empty, a whole buffer in their turn, while a sleeper is woken for the first
 * element and takes the CPU from who has woken it.  Where there is one place
 * only, that pays between two threads: if others of the same side wait
 * already, they are served first, and each yield is in vain.  (A process that
 * is confined to one CPU later on goes on to spin, for as little as has paid
 * lately.)
 *
 * A spin goes in steps, with a look after each.  At first they are as short as
 * can be: a partner who answers at once is then seen at once.  Later they grow,
 * so that the line which the other side is writing is left alone; in a buffer
 * that is large enough to fill meanwhile, more than in a small one.  Who waits
 * for room in a large one, but not in a select, starts with the longest step:
 * receivers have enough to do meanwhile, and to fill each place as soon as it
 * is free would move a line to and fro for each element.  So does who waits for
 * an element where many have come lately, if the buffer holds more than come in
 * that step: close behind a sender each element would cost a line.  Who waits
 * for a word of its own disturbs nobody by looking.  After some 2 us the other
 * side may be without a CPU: then the steps are yields, which let it have ours.
 * But two threads that the system has put on one CPU could go on like that for
 * ever, each one's yield the other's turn, while a wake-up looks for a CPU that
 * is free: every 32nd wait sleeps instead of yielding.
 *
 * And where a yield takes as long as a time slice, and other programs use the
 * CPUs as well (crowd.h), each further yield to them would cost a slice, while
 * who is woken from sleep goes before them: so the next 64 waits of this side
 * do not yield.
 */
#ifndef WI_BACKOFF_H
#define WI_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "crowd.h"

struct backoff {
	uint32_t limit;            /* ns; 0: never spin */
	struct atomic_u32 budget;  /* ns; a hint, any thread may write it */
	struct atomic_u32 waits;   /* so far; a hint too */
	struct atomic_u32 vain;    /* so was the last probe; likewise */
	struct atomic_u32 rare;    /* the last wait was long; likewise */
	struct atomic_u32 crowded; /* no yields up to that wait; likewise */
	struct crowd crowd;
};

/* `limit` as in weir_options: 0 is our choice, WEIR_NO_SPIN is none. */
void wi_backoff_init(struct backoff *backoff, uint32_t limit);

/* How many ns this wait may spin for; 0 where there is one CPU. */
uint32_t wi_backoff_budget(struct backoff *backoff);

/* The wait is over, after a spin of `spun` ns: with success, or in vain. */
void wi_backoff_learn(struct backoff *backoff, uint32_t spun, bool success);

/* In vain, and then it slept for so many ns. */
void wi_backoff_learn_of_sleep(struct backoff *backoff, int64_t slept);

/* Several wait on one side of a channel with one place: no yields in the next
 * 64 waits, if there is one CPU.  To be called for both sides. */
void wi_backoff_learn_of_others(struct backoff *backoff);

/* One spin.  Zeroed, it is over before it starts. */
struct spin {
	struct backoff *backoff;
	uint32_t budget; /* ns */
	uint32_t spun;   /* ns so far, by what a pause takes on most machines */
	uint32_t step;   /* pauses: the next one */
	uint32_t longest; /* step */
	unsigned yields;  /* so many more, at most */
	int64_t now;      /* by the clock; 0: it has not been looked at */
	int64_t over;     /* since then the wait sleeps; 0: it does not */
	int64_t deadline; /* as below */
};

/* For somebody who waits at a buffer of so many elements, or at 0 for a word of
 * its own, which others write once.  Yielding ends at the deadline. */
void wi_spin_start(struct spin *spin, struct backoff *backoff, size_t capacity,
	int64_t deadline);

/* It is for many places, or elements: start with the longest step, if the
 * buffer is large and the budget is larger than that. */
void wi_spin_for_many(struct spin *spin);

/* Go one step.  False, at once: it is time to sleep. */
bool wi_spin(struct spin *spin);

/* Would the next step be pauses? */
bool wi_spin_can_pause(const struct spin *spin);

/* The wait is over: learn from this spin. */
void wi_spin_end(struct spin *spin);

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

/* By a thread that has lost a race for a claim, before it tries again.  Another
 * thread was faster: left alone for a moment it finds the word in its own cache
 * for its next elements, too; two that try again at once pass the line to and
 * fro for each [Anderson, "The Performance of Spin Lock Alternatives for
 * Shared-Memory Multiprocessors", 1990].  Meanwhile the CPU is better used by
 * somebody who has none, of the other side perhaps: so that moment is a yield.
 * If nobody wants the CPU, that takes a microsecond or less, and some pauses
 * come on top. */
void wi_make_way(void);

#endif
