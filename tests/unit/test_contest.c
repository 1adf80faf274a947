/* SPDX-License-Identifier: MIT */
/* test_contest.c - when a thread makes way for another that claims as well. */
#include <criterion/criterion.h>
#include <pthread.h>

#include <weir/common.h>

#include "contest.h"

#define CONTEST_TEST(name) Test(contest, name, .timeout = 60)
#define A_LOOK 8 /* changes */
#define SECOND 1000000000
#define TRIES 1000 /* a machine may be slow, but not each time */

static struct contest contest;
static struct atomic_u64 word;

static void setup(void)
{
	wi_contest_init(&contest);
	init_atomic(&word, 0);
}

/* Claim as often as it takes for a look, each time by so much; the last one
 * `ago` ns after those before. */
static void claim_up_to_a_look(uint64_t each, int64_t ago)
{
	for (int i = 1; i <= A_LOOK; i++) {
		store_relaxed(&word, load_relaxed(&word) + each);
		if (i == A_LOOK)
			store_relaxed(
				&contest.since, (uint64_t)(weir_now() - ago));
		wi_contest(&contest, &word);
	}
}

static void *claim(void *unused)
{
	cr_assert(contest_is_on(&contest));
	wi_contest(&contest, &word);
	cr_assert(!contest_is_on(&contest));
	return unused;
}

CONTEST_TEST(who_claimed_last_is_known)
{
	pthread_t other;

	setup();
	claim(NULL);
	cr_assert_eq(pthread_create(&other, NULL, claim, NULL), 0);
	pthread_join(other, NULL);
	cr_assert(contest_is_on(&contest));
	claim(NULL);
}

CONTEST_TEST(to_make_way_in_vain_is_not_repeated_soon)
{
	uint32_t first, last;

	setup();
	for (int i = 0; i < TRIES && load_relaxed(&contest.rest) == 0; i++)
		claim_up_to_a_look(1, 0);
	first = load_relaxed(&contest.rest);
	cr_assert_gt(first, load_relaxed(&contest.changes));
	do {
		last = load_relaxed(&contest.changes);
		claim_up_to_a_look(1, 0);
	} while (load_relaxed(&contest.rest) == first && last < first + TRIES);
	cr_assert_geq(last, first);
	cr_assert_lt(last, first + TRIES);
}

CONTEST_TEST(if_others_get_as_far_it_is_not_in_vain)
{
	setup();
	for (int i = 0; i < TRIES; i++)
		claim_up_to_a_look(0, 0);
	cr_assert_eq(load_relaxed(&contest.rest), 0);
}

CONTEST_TEST(rare_claims_are_no_contest)
{
	setup();
	for (int i = 0; i < TRIES; i++)
		claim_up_to_a_look(1, SECOND);
	cr_assert_eq(load_relaxed(&contest.rest), 0);
}
