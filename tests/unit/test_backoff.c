/* SPDX-License-Identifier: MIT */
/* test_backoff.c - how long to spin, and the clock's edges. */
#include <criterion/criterion.h>

#include <sched.h>
#include <weir/channel.h>

#include "backoff.h"
#include "clock.h"
#include "threads.h"

#define BACKOFF_TEST(name) Test(backoff, name, .timeout = 60)
#define PROBE_EVERY 64
#define SLEEP_EVERY 32
#define LIMIT 100000 /* ns */
#define START (LIMIT / 4)
#define LEAST 40

BACKOFF_TEST(nobody_spins_on_one_cpu)
{
	struct backoff backoff;

	allow_one_cpu();
	wi_backoff_init(&backoff, 0);
	for (int i = 0; i < 2 * PROBE_EVERY; i++)
		cr_assert(wi_backoff_budget(&backoff) == 0);
	cr_assert(!wi_backoff_may_spin());
}

static int pin_and_wait(void *argument)
{
	struct backoff *backoff = argument;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		return 1;
	for (int i = 0; i < 2 * PROBE_EVERY; i++)
		wi_backoff_budget(backoff);
	return 0;
}

/* Each thread may use one CPU, but not the same one. */
BACKOFF_TEST(threads_that_are_pinned_apart_spin)
{
	struct backoff backoff;
	struct task task;

	allow_one_cpu();
	wi_backoff_init(&backoff, 0);
	cr_assert(!wi_backoff_may_spin());
	task_start(&task, pin_and_wait, &backoff);
	if (task_join(&task) != 0)
		cr_skip_test("there is no second CPU");
	cr_assert(wi_backoff_may_spin());
	cr_assert(wi_backoff_budget(&backoff) > 0);
}

BACKOFF_TEST(nobody_spins_where_the_program_says_so)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, WEIR_NO_SPIN);
	for (int i = 0; i < 2 * PROBE_EVERY; i++)
		cr_assert(wi_backoff_budget(&backoff) == 0);
}

static void need_two_cpus(void)
{
	if (!wi_backoff_may_spin())
		cr_skip_test("nobody spins on one CPU");
}

BACKOFF_TEST(spinning_in_vain_shrinks_the_budget_to_next_to_nothing)
{
	struct backoff backoff;
	uint32_t budget = 0;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	for (int i = 1; i < PROBE_EVERY; i++) {
		budget = wi_backoff_budget(&backoff);
		wi_backoff_learn(&backoff, budget, false);
	}
	cr_assert(budget > 0 && budget < LIMIT / 20);
	cr_assert(wi_backoff_budget(&backoff) == LIMIT, "the probe is missing");
}

BACKOFF_TEST(success_grows_the_budget_to_twice_what_it_took_and_half_the_limit)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	for (int i = 0; i < 40; i++)
		wi_backoff_learn(&backoff, LIMIT, false);
	wi_backoff_learn(&backoff, 20000, true);
	cr_assert(wi_backoff_budget(&backoff) == 40000);
	wi_backoff_learn(&backoff, 1000, true);
	cr_assert(wi_backoff_budget(&backoff) == 40000);
	wi_backoff_learn(&backoff, 90000, true);
	cr_assert(wi_backoff_budget(&backoff) == LIMIT / 2);
}

BACKOFF_TEST(a_small_limit_is_a_limit)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, 3);
	for (int i = 0; i < 100; i++) {
		wi_backoff_learn(&backoff, 3, i % 2 == 0);
		cr_assert(wi_backoff_budget(&backoff) <= 3);
	}
}

static void fail_often(struct backoff *backoff)
{
	for (int i = 0; i < 100; i++)
		wi_backoff_learn(backoff, 1, false);
}

BACKOFF_TEST(each_spin_in_vain_takes_a_quarter_off_down_to_next_to_nothing)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	cr_assert(wi_backoff_budget(&backoff) == START);
	wi_backoff_learn(&backoff, START, false);
	cr_assert(wi_backoff_budget(&backoff) == 18750);
	wi_backoff_learn(&backoff, 18750, false);
	cr_assert(wi_backoff_budget(&backoff) == 14063);
	fail_often(&backoff);
	cr_assert(wi_backoff_budget(&backoff) == LEAST);
}

BACKOFF_TEST(two_long_sleeps_in_a_row_end_the_spins_and_a_short_one_starts_anew)
{
	const int64_t longest = 4 * LIMIT;
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	(void)wi_backoff_budget(&backoff); /* the first wait */
	wi_backoff_learn(&backoff, LIMIT, true);
	/* Short, or between two spins that paid: nothing. */
	wi_backoff_learn_of_sleep(&backoff, longest);
	wi_backoff_learn_of_sleep(&backoff, longest);
	wi_backoff_learn_of_sleep(&backoff, longest + 1);
	wi_backoff_learn(&backoff, 100, true);
	wi_backoff_learn_of_sleep(&backoff, longest + 1);
	cr_assert(wi_backoff_budget(&backoff) == LIMIT / 2);
	wi_backoff_learn_of_sleep(&backoff, longest + 1);
	for (int i = 0; i < 4 * PROBE_EVERY; i++)
		cr_assert(wi_backoff_budget(&backoff) == 0);
	wi_backoff_learn_of_sleep(&backoff, 2 * LIMIT);
	cr_assert(wi_backoff_budget(&backoff) == START);
}

BACKOFF_TEST(a_long_sleep_before_anything_else_ends_the_spins)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	cr_assert(wi_backoff_budget(&backoff) == START);
	wi_backoff_learn(&backoff, START, false);
	wi_backoff_learn_of_sleep(&backoff, INT64_MAX);
	cr_assert(wi_backoff_budget(&backoff) == 0);
	/* In vain or not, it stays so. */
	wi_backoff_learn(&backoff, LIMIT, false);
	cr_assert(wi_backoff_budget(&backoff) == 0);
	wi_backoff_learn_of_sleep(&backoff, 2 * LIMIT + 1);
	cr_assert(wi_backoff_budget(&backoff) == LEAST);
}

/* Being woken takes as long as with another limit. */
BACKOFF_TEST(with_a_small_limit_a_sleep_is_long_that_is_with_ours)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, 1000);
	need_two_cpus();
	(void)wi_backoff_budget(&backoff); /* the first wait */
	for (int i = 0; i < 4; i++)
		wi_backoff_learn_of_sleep(&backoff, 200000);
	cr_assert(wi_backoff_budget(&backoff) == 250);
	wi_backoff_learn_of_sleep(&backoff, 200001);
	wi_backoff_learn_of_sleep(&backoff, 200001);
	cr_assert(wi_backoff_budget(&backoff) == 0);
}

/* Or two threads that are woken very late could take turns at sleeping. */
BACKOFF_TEST(who_does_not_spin_tries_the_whole_limit_every_512th_time)
{
	struct backoff backoff;
	uint32_t probes = 0;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	(void)wi_backoff_budget(&backoff); /* the first wait */
	wi_backoff_learn_of_sleep(&backoff, INT64_MAX);
	for (int i = 0; i < 1024; i++) {
		uint32_t budget = wi_backoff_budget(&backoff);

		cr_assert(budget == 0 || budget == LIMIT);
		probes += budget == LIMIT;
	}
	cr_assert_eq(probes, 2);
	wi_backoff_learn(&backoff, LIMIT - 1, true);
	cr_assert(wi_backoff_budget(&backoff) == LIMIT / 2);
}

BACKOFF_TEST(in_a_crowd_long_sleeps_tell_nothing)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	store_relaxed(&backoff.crowded, 1); /* relaxed: alone */
	wi_backoff_learn_of_sleep(&backoff, INT64_MAX);
	wi_backoff_learn_of_sleep(&backoff, INT64_MAX);
	cr_assert(wi_backoff_budget(&backoff) == START);
}

BACKOFF_TEST(who_may_not_spin_learns_nothing_from_its_sleep)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, WEIR_NO_SPIN);
	(void)wi_backoff_budget(&backoff); /* the first wait */
	for (int i = 0; i < 4; i++) {
		wi_backoff_learn_of_sleep(&backoff, i < 2 ? 1 : INT64_MAX);
		cr_assert(wi_backoff_budget(&backoff) == 0);
	}
}

BACKOFF_TEST(every_64th_wait_tries_the_whole_limit)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	fail_often(&backoff);
	for (int i = 1; i <= 10 * PROBE_EVERY; i++)
		cr_assert(wi_backoff_budget(&backoff) ==
				  (i % PROBE_EVERY == 0 ? LIMIT : LEAST),
			"wait %d", i);
}

BACKOFF_TEST(after_a_probe_in_vain_it_is_every_512th)
{
	struct backoff backoff;
	uint32_t probes = 0, first = 0;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	for (uint32_t i = 1; i <= 512; i++) {
		uint32_t budget = wi_backoff_budget(&backoff);

		wi_backoff_learn(&backoff, budget, false);
		probes += budget == LIMIT;
		if (probes == 1 && first == 0)
			first = i;
	}
	cr_assert_eq(first, PROBE_EVERY);
	cr_assert_eq(probes, 2); /* the 512th */
	wi_backoff_learn(&backoff, 100, true);
	for (uint32_t i = 1; i <= PROBE_EVERY; i++)
		probes += wi_backoff_budget(&backoff) == LIMIT;
	cr_assert_eq(probes, 3);
}

BACKOFF_TEST(a_probe_that_pays_brings_the_budget_back)
{
	struct backoff backoff;
	uint32_t budget = 0;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	fail_often(&backoff);
	for (int i = 1; i <= PROBE_EVERY; i++)
		budget = wi_backoff_budget(&backoff);
	cr_assert(budget == LIMIT);
	wi_backoff_learn(&backoff, LIMIT - 1, true);
	cr_assert(wi_backoff_budget(&backoff) == LIMIT / 2);
}

BACKOFF_TEST(pauses_come_before_yields)
{
	struct backoff backoff;
	struct spin spin;
	unsigned pauses = 0;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	wi_spin_start(&spin, &backoff, 1, WEIR_FOREVER);
	for (; wi_spin_can_pause(&spin); pauses++)
		cr_assert(wi_spin(&spin));
	cr_assert_gt(pauses, 8);
	cr_assert_lt(spin.spun, spin.budget); /* yields are left */
	spin.budget = spin.spun = 1;
	cr_assert(!wi_spin_can_pause(&spin));
}

/* A program may be given more CPUs while it runs. */
BACKOFF_TEST(the_cpus_are_looked_at_again_now_and_then)
{
	struct backoff backoff;
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2)
		cr_skip_test("nobody spins on one CPU");
	allow_one_cpu();
	wi_backoff_init(&backoff, LIMIT);
	cr_assert(wi_backoff_budget(&backoff) == 0);
	cr_assert(sched_setaffinity(0, sizeof all, &all) == 0);
	for (int i = 0; i < 32; i++)
		(void)wi_backoff_budget(&backoff);
	cr_assert(wi_backoff_may_spin());
	cr_assert(wi_backoff_budget(&backoff) > 0);
}

Test(clock, spans_at_the_edges_do_not_overflow)
{
	static const int64_t gone[] = {0, -1, INT64_MIN, INT64_MIN + 1};

	for (int i = 0; i < 4; i++)
		cr_assert(wi_deadline_passed(wi_deadline_after(gone[i])));
	cr_assert(wi_deadline_after(INT64_MAX) == WEIR_FOREVER);
	cr_assert(wi_deadline_after(INT64_MAX - 1) == WEIR_FOREVER - 1);
	cr_assert(wi_deadline_after(1000000000) > weir_now());
}

Test(clock, deadlines_pass)
{
	int64_t now = weir_now();

	cr_assert(wi_deadline_passed(now));
	cr_assert(wi_deadline_passed(0));
	cr_assert(wi_deadline_passed(INT64_MIN));
	cr_assert(!wi_deadline_passed(now + INT64_C(3600000000000)));
	cr_assert(!wi_deadline_passed(WEIR_FOREVER));
	cr_assert(!wi_deadline_passed(WEIR_FOREVER - 1));
}

Test(clock, deadlines_are_near)
{
	int64_t now = weir_now(), span = 1000000000;

	cr_assert(wi_deadline_is_near(now, span));
	cr_assert(wi_deadline_is_near(now + span, span));
	cr_assert(wi_deadline_is_near(0, span));
	cr_assert(wi_deadline_is_near(INT64_MIN, span));
	cr_assert(!wi_deadline_is_near(now + INT64_C(3600000000000), span));
	cr_assert(!wi_deadline_is_near(WEIR_FOREVER, span));
	cr_assert(!wi_deadline_is_near(WEIR_FOREVER - 1, span));
}

/* -- The steps of a spin -------------------------------------------------- */

#define LONGEST_STEP 1280 /* ns */

/* Another program had our CPU for long. */
static bool gave_up_yielding(const struct spin *spin)
{
	return load_relaxed(&spin->backoff->crowded) != 0; /* relaxed: alone */
}

static uint32_t spin_out(struct spin *spin)
{
	uint32_t steps = 0;

	while (wi_spin(spin))
		steps++;
	return steps;
}

BACKOFF_TEST(a_spin_is_over_when_its_budget_is_spent)
{
	static const uint32_t limits[] = {2, 3, 16, 1000, 5000, LIMIT};
	struct backoff backoff;
	struct spin spin;
	uint32_t budget;

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		wi_backoff_init(&backoff, limits[i]);
		need_two_cpus();
		wi_spin_start(&spin, &backoff, 1, WEIR_FOREVER);
		budget = spin.budget;
		cr_assert(budget >= limits[i] / 4 && budget > 0);
		cr_assert(spin_out(&spin) > 0);
		cr_assert(gave_up_yielding(&spin) ||
			  (spin.spun >= budget &&
				  spin.spun < budget + LONGEST_STEP));
		wi_spin_end(&spin);
	}
}

BACKOFF_TEST(the_larger_the_buffer_the_less_often_it_is_looked_at)
{
	struct backoff backoff;
	struct spin own, small, large;
	uint32_t looks;

	wi_backoff_init(&backoff, 5000);
	need_two_cpus();
	wi_spin_start(&own, &backoff, 0, WEIR_FOREVER);
	wi_spin_start(&small, &backoff, 63, WEIR_FOREVER);
	wi_spin_start(&large, &backoff, 64, WEIR_FOREVER);
	cr_assert(wi_spin(&own) && wi_spin(&small));
	cr_assert(own.spun > small.spun);
	looks = 1 + spin_out(&small);
	cr_assert(looks < 1 + spin_out(&own));
	cr_assert(spin_out(&large) < looks);
}

/* Who waits at a buffer sees an answer that comes at once. */
BACKOFF_TEST(the_first_looks_follow_each_other_and_then_come_less_often)
{
	static const size_t capacities[] = {1, 63, 64, WEIR_UNBOUNDED};
	struct backoff backoff;
	struct spin spin;
	uint32_t shortest, before;

	wi_backoff_init(&backoff, 10000);
	need_two_cpus();
	for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
		wi_spin_start(&spin, &backoff, capacities[i], WEIR_FOREVER);
		cr_assert(wi_spin(&spin));
		shortest = spin.spun;
		for (uint32_t looks = 2; looks <= 8; looks++) {
			cr_assert(wi_spin(&spin));
			cr_assert_eq(spin.spun, looks * shortest);
		}
		before = spin.spun;
		cr_assert(wi_spin(&spin) && spin.spun == before + 2 * shortest);
		cr_assert(wi_spin(&spin) && spin.spun == before + 6 * shortest);
	}
}

/* If there is time for it, as there is not in 1 us. */
BACKOFF_TEST(room_in_a_large_buffer_is_not_looked_for_at_once)
{
	struct backoff backoff, short_of_time;
	struct spin element, room, room_in_small, short_room;

	wi_backoff_init(&backoff, 10000);
	need_two_cpus();
	wi_backoff_init(&short_of_time, 4000);
	wi_spin_start(&element, &backoff, 64, WEIR_FOREVER);
	wi_spin_start(&room_in_small, &backoff, 63, WEIR_FOREVER);
	wi_spin_start(&room, &backoff, 64, WEIR_FOREVER);
	wi_spin_start(&short_room, &short_of_time, 64, WEIR_FOREVER);
	wi_spin_for_many(&room_in_small);
	wi_spin_for_many(&room);
	wi_spin_for_many(&short_room);
	cr_assert(wi_spin(&element) && wi_spin(&room_in_small));
	cr_assert(wi_spin(&room) && wi_spin(&short_room));
	cr_assert_eq(room_in_small.spun, element.spun);
	cr_assert_eq(short_room.spun, element.spun);
	cr_assert(room.spun > 10 * element.spun);
	cr_assert(wi_spin(&room));
}

/* However much the budget, and however long a yield takes. */
BACKOFF_TEST(a_spin_ends_at_the_deadline)
{
	const int64_t ms = 1000000;
	struct backoff backoff;
	struct spin spin;
	int64_t began = weir_now();

	wi_backoff_init(&backoff, 2000 * (uint32_t)ms);
	need_two_cpus();
	wi_spin_start(&spin, &backoff, 1, began + 5 * ms);
	spin_out(&spin);
	cr_assert(weir_now() - began < 500 * ms);
	/* It teaches nothing. */
	wi_spin_end(&spin);
	cr_assert(wi_backoff_budget(&backoff) == 500 * (uint32_t)ms);
}

/* Else a budget of a look or two would never grow. */
BACKOFF_TEST(success_at_the_last_look_of_a_spin_is_success)
{
	struct backoff backoff;
	struct spin spin;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	fail_often(&backoff);
	wi_spin_start(&spin, &backoff, 1, WEIR_FOREVER);
	cr_assert(spin.budget == LEAST);
	while (spin.spun < spin.budget)
		cr_assert(wi_spin(&spin));
	wi_spin_end(&spin);
	cr_assert(wi_backoff_budget(&backoff) == 2 * LEAST);
	wi_spin_start(&spin, &backoff, 1, WEIR_FOREVER);
	spin_out(&spin);
	wi_spin_end(&spin);
	cr_assert(wi_backoff_budget(&backoff) < 2 * LEAST);
}

BACKOFF_TEST(a_zeroed_spin_is_over_and_teaches_nothing)
{
	struct spin spin = {.budget = 0};

	cr_assert(!wi_spin(&spin));
	wi_spin_end(&spin);
}

/* Or two threads on one CPU would stay there. */
BACKOFF_TEST(one_wait_in_32_sleeps_instead_of_yielding)
{
	struct backoff backoff;
	struct spin spin;
	int asleep = 0;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	for (int i = 0; i < SLEEP_EVERY; i++) {
		wi_spin_start(&spin, &backoff, 1, WEIR_FOREVER);
		spin_out(&spin);
		cr_assert(spin.budget == 0 || spin.spun >= START);
		asleep += spin.budget == 0;
		/* It does not count as one in vain. */
		if (spin.budget == 0)
			wi_spin_end(&spin);
	}
	cr_assert(asleep == 1 || gave_up_yielding(&spin));
}

/* It lets others have their turn. */
BACKOFF_TEST(on_one_cpu_a_wait_yields_twice)
{
	struct backoff backoff;
	struct spin spin;

	allow_one_cpu();
	wi_backoff_init(&backoff, LIMIT);
	wi_spin_start(&spin, &backoff, 64, WEIR_FOREVER);
	cr_assert(wi_spin(&spin));
	cr_assert(wi_spin(&spin) || gave_up_yielding(&spin));
	cr_assert(!wi_spin(&spin));
	wi_spin_end(&spin);
}

static bool yields(struct backoff *backoff)
{
	struct spin spin;

	wi_spin_start(&spin, backoff, 1, WEIR_FOREVER);
	return spin.yields > 0;
}

/* But for the one wait in 32 that never does. */
BACKOFF_TEST(after_a_long_yield_the_next_64_waits_do_not_yield)
{
	struct backoff backoff;
	int some = 0;

	wi_backoff_init(&backoff, LIMIT);
	cr_assert(yields(&backoff));
	store_relaxed(&backoff.crowded, 1 + 64); /* relaxed: alone */
	for (int i = 0; i < 64; i++)
		cr_assert(!yields(&backoff));
	for (int i = 0; i < 64; i++)
		some += yields(&backoff);
	cr_assert(some == 62);
}

BACKOFF_TEST(on_one_cpu_who_hears_of_others_does_not_yield)
{
	struct backoff backoff;

	allow_one_cpu();
	wi_backoff_init(&backoff, LIMIT);
	cr_assert(yields(&backoff));
	wi_backoff_learn_of_others(&backoff);
	for (int i = 0; i < 64; i++)
		cr_assert(!yields(&backoff));
	cr_assert(yields(&backoff));
}

BACKOFF_TEST(on_two_cpus_others_are_nothing_to_who_yields)
{
	struct backoff backoff;

	wi_backoff_init(&backoff, LIMIT);
	need_two_cpus();
	wi_backoff_learn_of_others(&backoff);
	cr_assert(yields(&backoff));
}

BACKOFF_TEST(on_one_cpu_who_may_not_spin_does_not_yield)
{
	struct backoff backoff;
	struct spin spin;

	allow_one_cpu();
	wi_backoff_init(&backoff, WEIR_NO_SPIN);
	wi_spin_start(&spin, &backoff, 64, WEIR_FOREVER);
	cr_assert(!wi_spin(&spin));
	wi_spin_end(&spin);
}
