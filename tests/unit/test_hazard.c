/* SPDX-License-Identifier: MIT */
/* test_hazard.c - what a thread holds is seen by others, as long as it does. */
#include <criterion/criterion.h>

#include "hazard.h"
#include "threads.h"

#define HAZARD_TEST(name) Test(hazard, name, .timeout = 60)

static char first, second;

HAZARD_TEST(a_hold_lasts_until_it_is_dropped_or_changed)
{
	struct hazards *own = wi_hazards();
	struct atomic_ptr anchor;

	for (unsigned place = 0; place < HOLDS; place++) {
		init_atomic(&anchor, &first);
		cr_assert(!wi_hazard_is_held(&first));
		cr_assert(wi_hold(own, place, &anchor) == &first);
		cr_assert(wi_hazard_is_held(&first));
		init_atomic(&anchor, &second);
		cr_assert(wi_hold(own, place, &anchor) == &second);
		cr_assert(!wi_hazard_is_held(&first));
		cr_assert(wi_hazard_is_held(&second));
		wi_drop_hold(own, place);
		cr_assert(!wi_hazard_is_held(&second));
	}
}

static struct atomic_ptr moving;
static _Atomic bool stop;

static int move(void *argument)
{
	(void)argument;
	while (!atomic_load(&stop)) {
		exchange_acq_rel(&moving, &second);
		exchange_acq_rel(&moving, &first);
	}
	return 0;
}

HAZARD_TEST(what_a_moving_anchor_is_found_at_is_held)
{
	struct hazards *own = wi_hazards();
	struct task mover;

	init_atomic(&moving, &first);
	task_start(&mover, move, NULL);
	for (int i = 0; i < 100000; i++) {
		void *node = wi_hold(own, 0, &moving);

		cr_assert(wi_hazard_is_held(node));
	}
	atomic_store(&stop, true);
	cr_assert(task_join(&mover) == 0);
	wi_drop_hold(own, 0);
}

static int hold_and_end(void *argument)
{
	struct atomic_ptr anchor;

	(void)argument;
	init_atomic(&anchor, &first);
	wi_hold(wi_hazards(), 0, &anchor);
	wi_drop_hold(wi_hazards(), 0);
	return wi_is_stranger;
}

HAZARD_TEST(a_thread_that_ends_leaves_its_place_to_others)
{
	for (int i = 0; i < 3 * HAZARD_TABLE; i++) {
		struct task task;

		task_start(&task, hold_and_end, NULL);
		cr_assert(task_join(&task) == 0);
	}
	cr_assert(load_relaxed(&wi_hazard_table.used) <= 2);
	cr_assert(wi_hazards_are_told() == wi_fence_is_there());
}

static _Atomic int arrived;

static int be_there(void *argument)
{
	(void)argument;
	wi_hazards();
	atomic_fetch_add(&arrived, 1);
	while (!atomic_load(&stop))
		sched_yield();
	return 0;
}

HAZARD_TEST(threads_without_a_place_are_counted_as_long_as_they_last)
{
	struct task tasks[3];

	/* All places but one. */
	for (unsigned i = 1; i < HAZARD_TABLE; i++)
		init_atomic(&wi_hazard_table.of[i].taken, 1);
	for (int i = 0; i < 3; i++) {
		task_start(&tasks[i], be_there, NULL);
		wait_until(atomic_load(&arrived) == i + 1);
		cr_assert(wi_hazards_are_told() ==
			  (i == 0 && wi_fence_is_there()));
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		cr_assert(task_join(&tasks[i]) == 0);
	cr_assert(wi_hazards_are_told() == wi_fence_is_there());
	cr_assert(load_relaxed(&wi_hazard_table.of[0].taken) == 0);
}
