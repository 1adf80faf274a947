/* SPDX-License-Identifier: MIT */
/* contest.c - see contest.h.  All loads and stores here are relaxed: they are
 * hints on when to make way, and order nothing. */
#include "contest.h"

#include <weir/common.h>

#include "backoff.h"

#ifndef CHANGES_A_LOOK /* tests/model wants it each time */
#define CHANGES_A_LOOK 8
#endif
#define OFTEN 512    /* ns, from one to the next: rarer ones are no contest */
#define REST_FOR 512 /* changes */

void wi_contest_init(struct contest *contest)
{
	init_atomic(&contest->last, 0);
	init_atomic(&contest->since, 0);
	init_atomic(&contest->before, 0);
	init_atomic(&contest->changes, 0);
	init_atomic(&contest->rest, 0);
}

/* Somebody has made way in vain, lately. */
static bool rests(const struct contest *contest, uint32_t changes)
{
	/* relaxed: a hint. */
	uint32_t left = load_relaxed(&contest->rest) - changes;

	return left < REST_FOR;
}

/* How far the word has gone since the last look.  It grows by the same with
 * each claim, but for the last one of a lap. */
struct pace {
	uint64_t went;
	uint64_t ns;
};

static struct pace look_again(
	struct contest *contest, const struct atomic_u64 *word)
{
	uint64_t now = (uint64_t)weir_now();
	/* relaxed, all of them: hints. */
	uint64_t at = load_relaxed(word);
	uint64_t before = load_relaxed(&contest->before); /* relaxed */
	uint64_t since = load_relaxed(&contest->since);   /* relaxed */

	store_relaxed(&contest->before, at); /* relaxed */
	store_relaxed(&contest->since, now); /* relaxed */
	return (struct pace){at - before, now - since};
}

void wi_contest(struct contest *contest, const struct atomic_u64 *word)
{
	/* relaxed, all of them: hints. */
	uint32_t changes = load_relaxed(&contest->changes) + 1;
	struct pace all, others;

	/* relaxed, both: as above. */
	store_relaxed(&contest->last, this_thread());
	store_relaxed(&contest->changes, changes); /* relaxed */
	if (changes % CHANGES_A_LOOK != 0 || rests(contest, changes))
		return;
	all = look_again(contest, word);
	if (all.ns / CHANGES_A_LOOK >= OFTEN)
		return;
	wi_make_way();
	others = look_again(contest, word);
	if (others.went * all.ns < all.went * others.ns)
		/* relaxed: a hint. */
		store_relaxed(&contest->rest, changes + REST_FOR);
}
