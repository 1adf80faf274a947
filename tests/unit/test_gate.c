/* SPDX-License-Identifier: MIT */
/* test_gate.c - the lock with a mark. */
#include <criterion/criterion.h>

#include "gate.h"
#include "threads.h"

#define GATE_TEST(name) Test(gate, name, .timeout = 60)

static struct gate gate;

GATE_TEST(lets_one_in_at_a_time)
{
	wi_gate_init(&gate);
	cr_assert(wi_gate_try_enter(&gate));
	cr_assert(!wi_gate_try_enter(&gate));
	cr_assert(wi_gate_leave(&gate));
	cr_assert(wi_gate_try_enter(&gate));
	cr_assert(wi_gate_leave(&gate));
}

GATE_TEST(a_mark_obliges_who_is_inside_to_look_again)
{
	wi_gate_init(&gate);
	wi_gate_enter(&gate);
	cr_assert(!wi_gate_enter_or_mark(&gate));
	cr_assert(!wi_gate_leave(&gate));
	cr_assert(wi_gate_leave(&gate));
}

GATE_TEST(who_marks_a_free_gate_is_inside_with_the_mark)
{
	wi_gate_init(&gate);
	cr_assert(wi_gate_enter_or_mark(&gate));
	cr_assert(!wi_gate_try_enter(&gate));
	cr_assert(!wi_gate_leave(&gate));
	cr_assert(wi_gate_leave(&gate));
}

static atomic_int inside;

static int enter_and_leave(void *argument)
{
	(void)argument;
	atomic_store(&inside, 1);
	wi_gate_enter(&gate);
	while (!wi_gate_leave(&gate))
		;
	return 0;
}

/* It spins for some microseconds, and sleeps after that. */
GATE_TEST(who_sleeps_is_woken_though_there_is_a_mark)
{
	struct task tasks[3];

	wi_gate_init(&gate);
	wi_gate_enter(&gate);
	for (int i = 0; i < 3; i++) {
		atomic_store(&inside, 0);
		task_start(&tasks[i], enter_and_leave, NULL);
		wait_until(atomic_load(&inside) == 1);
	}
	wait_until(atomic_load(&gate.word.value) > 3); /* one sleeps */
	cr_assert(!wi_gate_enter_or_mark(&gate));
	cr_assert(!wi_gate_leave(&gate));
	cr_assert(wi_gate_leave(&gate));
	for (int i = 0; i < 3; i++)
		cr_assert(task_join(&tasks[i]) == 0);
	cr_assert(wi_gate_try_enter(&gate));
}

static uint64_t counter; /* inside the gate */
static _Atomic uint64_t published;
static uint64_t seen; /* inside the gate */

enum { ROUNDS = 100000 };

static int count_inside(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (argument == NULL) {
			wi_gate_enter(&gate);
		} else {
			atomic_fetch_add(&published, 1);
			if (!wi_gate_enter_or_mark(&gate))
				continue;
		}
		do {
			counter++;
			seen = atomic_load(&published);
		} while (!wi_gate_leave(&gate));
	}
	return 0;
}

/* Whatever was published before a mark has been seen when all have left. */
GATE_TEST(no_mark_is_overlooked_among_many_threads)
{
	struct task tasks[4];

	wi_gate_init(&gate);
	for (int i = 0; i < 4; i++)
		task_start(&tasks[i], count_inside, i % 2 ? &gate : NULL);
	for (int i = 0; i < 4; i++)
		cr_assert(task_join(&tasks[i]) == 0);
	cr_assert(seen == 2 * ROUNDS);
	cr_assert(counter >= 2 * ROUNDS);
}

GATE_TEST(try_enter_leaves_no_mark)
{
	wi_gate_init(&gate);
	wi_gate_enter(&gate);
	for (int i = 0; i < 10; i++)
		cr_assert(!wi_gate_try_enter(&gate));
	cr_assert(wi_gate_leave(&gate));
}

GATE_TEST(many_marks_are_one)
{
	wi_gate_init(&gate);
	wi_gate_enter(&gate);
	for (int i = 0; i < 10; i++)
		cr_assert(!wi_gate_enter_or_mark(&gate));
	cr_assert(!wi_gate_leave(&gate));
	cr_assert(wi_gate_leave(&gate));
}

GATE_TEST(a_mark_left_while_looking_again_is_another)
{
	wi_gate_init(&gate);
	wi_gate_enter(&gate);
	for (int i = 0; i < 10; i++) {
		cr_assert(!wi_gate_enter_or_mark(&gate));
		cr_assert(!wi_gate_leave(&gate));
	}
	cr_assert(wi_gate_leave(&gate));
}

static int add_inside(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		wi_gate_enter(&gate);
		counter++;
		while (!wi_gate_leave(&gate))
			;
	}
	return 0;
}

GATE_TEST(what_is_done_inside_is_done_by_one_at_a_time)
{
	struct task tasks[3];

	wi_gate_init(&gate);
	for (int i = 0; i < 3; i++)
		task_start(&tasks[i], add_inside, NULL);
	for (int i = 0; i < 3; i++)
		cr_assert(task_join(&tasks[i]) == 0);
	cr_assert(counter == 3 * ROUNDS);
}

static uint64_t before_mark; /* plain: the mark orders it */

static int mark(void *argument)
{
	before_mark = *(uint64_t *)argument;
	return wi_gate_enter_or_mark(&gate);
}

/* Through nothing but the mark: a race detector sees if it orders nothing. */
GATE_TEST(what_came_before_a_mark_is_visible_to_who_finds_it)
{
	wi_gate_init(&gate);
	for (uint64_t i = 1; i <= 100; i++) {
		struct task task;

		wi_gate_enter(&gate);
		task_start(&task, mark, &i);
		wait_until(load_relaxed(&gate.word) & 2); /* MARK */
		cr_assert(!wi_gate_leave(&gate));
		cr_assert(before_mark == i);
		cr_assert(wi_gate_leave(&gate));
		cr_assert(task_join(&task) == false);
	}
}
