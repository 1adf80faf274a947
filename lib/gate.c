/* SPDX-License-Identifier: MIT */
/* gate.c - see gate.h.  The sleeping part is the three-state mutex of
 * [Drepper, "Futexes Are Tricky", 2011], with the mark as one bit more.
 *
 * Ordering edges
 *	[gate]	leave's cas -> the next enter: what was done inside is visible
 *	[mark]	enter_or_mark's fetch_or -> leave's fetch_and: what the marking
 *		thread published is visible to the look that follows
 */
#include "gate.h"

#include <weir/common.h>

#include "backoff.h"
#include "futex.h"

enum {
	HELD = 1,    /* somebody is inside */
	MARK = 2,    /* who is inside must look again */
	SLEEPERS = 4 /* somebody may sleep on the word */
};

/* Pauses before sleeping: some 2 us, the longest that a thread which runs
 * stays inside when it copies small elements and wakes nobody. */
#define SPIN 100

void wi_gate_init(struct gate *gate)
{
	init_atomic(&gate->word, 0);
}

/* Sets HELD and `more` if the gate is free. */
static bool enter_if_free(struct gate *gate, uint32_t more)
{
	/* relaxed: the cas decides. */
	uint32_t word = load_relaxed(&gate->word);

	/* acquire [gate]: pairs with wi_gate_leave. */
	return !(word & HELD) &&
	       cas_acq_rel(&gate->word, &word, word | HELD | more);
}

bool wi_gate_try_enter(struct gate *gate)
{
	return enter_if_free(gate, 0);
}

bool wi_gate_enter_or_mark(struct gate *gate)
{
	/* release [mark]: pairs with wi_gate_leave's fetch_and.  If the gate
	 * was free, acquire [gate]: pairs with wi_gate_leave's cas. */
	return !(fetch_or_acq_rel(&gate->word, HELD | MARK) & HELD);
}

void wi_gate_enter(struct gate *gate)
{
	if (enter_if_free(gate, 0))
		return;
	for (int i = 0; i < SPIN && wi_backoff_may_spin(); i++) {
		cpu_pause();
		if (enter_if_free(gate, 0))
			return;
	}
	for (;;) {
		/* relaxed: the cas and the kernel compare again. */
		uint32_t word = load_relaxed(&gate->word);

		if (!(word & HELD)) {
			/* Who has slept cannot know whether others still do. */
			if (enter_if_free(gate, SLEEPERS))
				return;
		} else if (word & SLEEPERS ||
			   cas_relaxed(&gate->word, &word, word | SLEEPERS)) {
			/* relaxed: SLEEPERS tells of a sleeper and of nothing
			 * else; leave takes it out of the same word. */
			wi_futex_wait(
				&gate->word, word | SLEEPERS, WEIR_FOREVER);
		}
	}
}

bool wi_gate_leave(struct gate *gate)
{
	/* relaxed: the cas decides. */
	uint32_t word = load_relaxed(&gate->word);

	for (;;) {
		if (word & MARK) {
			/* acquire [mark]: pairs with enter_or_mark. */
			fetch_and_acq_rel(&gate->word, ~(uint32_t)MARK);
			return false;
		}
		/* release [gate]: pairs with whoever enters next. */
		if (cas_acq_rel(&gate->word, &word, 0))
			break;
	}
	if (word & SLEEPERS)
		wi_futex_wake(&gate->word);
	return true;
}
