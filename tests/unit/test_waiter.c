/* SPDX-License-Identifier: MIT */
/* test_waiter.c - one waiter: it sleeps, and is told. */
#include <criterion/criterion.h>

#include <limits.h>
#include <weir/common.h>

#include "futex.h"
#include "seccomp.h"
#include "threads.h"
#include "waiter.h"

#define WAITER_TEST(name) Test(waiter, name, .timeout = 60)
#define SPIN_LONG 1000000000 /* ns: longer than most tests take */

static struct parker parker;
static struct list decided;
static int64_t deadline = WEIR_FOREVER;
static uint32_t budget;
static struct backoff backoff;
static struct spin spin;

static void prepare(void)
{
	wi_parker_init(&parker);
	list_init(&decided);
	list_append(&decided, &parker.news.node);
}

static bool park_here(void)
{
	spin = (struct spin){.backoff = &backoff,
		.budget = budget,
		.step = 1,
		.longest = 1,
		.yields = UINT_MAX};
	return wi_parker_park(&parker, &spin, deadline);
}

static int park(void *argument)
{
	(void)argument;
	return park_here();
}

WAITER_TEST(a_deadline_that_has_passed_ends_the_sleep)
{
	prepare();
	deadline = 1;
	cr_assert(!park(NULL));
	deadline = weir_now() + 20 * MS;
	cr_assert(!park(NULL));
	cr_assert(weir_now() >= deadline);
}

WAITER_TEST(who_is_done_before_it_sleeps_does_not)
{
	prepare();
	wi_news_tell(&decided);
	cr_assert(park(NULL));
	deadline = 1;
	cr_assert(park(NULL));
}

WAITER_TEST(a_sleeper_is_woken)
{
	struct task task;

	prepare();
	task_start(&task, park, NULL);
	wait_until(atomic_load(&parker.state.value) == 1); /* PARKED */
	wi_news_tell(&decided);
	cr_assert(task_join(&task) == true);
	cr_assert(spin.spun == 0);
}

WAITER_TEST(a_spinner_is_told_without_having_slept)
{
	struct task task;

	prepare();
	budget = SPIN_LONG;
	task_start(&task, park, NULL);
	wi_news_tell(&decided);
	cr_assert(task_join(&task) == true);
	cr_assert(atomic_load(&parker.state.value) == 2); /* DONE */
	cr_assert(spin.spun < SPIN_LONG);
}

WAITER_TEST(releasing_many_tells_each)
{
	static struct parker many[20];
	int64_t before = weir_now();

	list_init(&decided);
	for (int i = 0; i < 20; i++) {
		wi_parker_init(&many[i]);
		list_append(&decided, &many[i].news.node);
	}
	wi_news_tell(&decided);
	for (int i = 0; i < 20; i++)
		cr_assert(wi_parker_park(&many[i], &spin, before));
}

WAITER_TEST(a_time_out_leaves_it_to_be_told_later)
{
	prepare();
	deadline = 1;
	cr_assert(!park(NULL));
	cr_assert(!park(NULL));
	wi_news_tell(&decided);
	deadline = WEIR_FOREVER;
	cr_assert(park(NULL));
}

WAITER_TEST(a_spin_in_vain_ends_in_sleep)
{
	prepare();
	budget = 100;
	deadline = 1;
	cr_assert(!park(NULL));
	cr_assert(spin.spun == 100);
	cr_assert(atomic_load(&parker.state.value) == 1); /* PARKED */
}

/* Somebody who wakes a word that used to be another waiter's. */
WAITER_TEST(a_wake_up_that_is_not_its_own_does_not_end_it)
{
	struct task task;

	prepare();
	task_start(&task, park, NULL);
	wait_until(atomic_load(&parker.state.value) == 1); /* PARKED */
	for (int i = 0; i < 1000; i++) {
		wi_futex_wake(&parker.state);
		cr_assert(!task_done(&task));
	}
	wi_news_tell(&decided);
	cr_assert(task_join(&task) == true);
}

static int release_and_park_without_calls(void)
{
	if (!filter_futexes(SECCOMP_RET_KILL_PROCESS, true))
		return NO_FILTER;
	prepare();
	wi_news_tell(&decided); /* who spins is not woken */
	return park_here() ? 0 : 1;
}

WAITER_TEST(who_does_not_sleep_costs_no_system_call)
{
	int status = run_in_child(release_and_park_without_calls);

	if (status == NO_FILTER)
		cr_skip_test("no seccomp here");
	cr_assert(status == 0, "the child said %d", status);
}

static int written; /* by who decides */

static int park_and_read(void *argument)
{
	bool told = park_here();

	(void)argument;
	return told ? written : -1;
}

/* Through nothing but the parker's state: a race detector sees if that orders
 * nothing. */
WAITER_TEST(what_was_decided_is_readable_however_it_is_told)
{
	for (int i = 1; i <= 300; i++) {
		struct task task;

		prepare();
		budget = i % 3 == 0 ? 0 : i % 3 == 1 ? 300 : SPIN_LONG;
		task_start(&task, park_and_read, NULL);
		written = i;
		wi_news_tell(&decided);
		cr_assert(task_join(&task) == i);
	}
}

WAITER_TEST(the_queue_is_in_order_of_arrival_and_counted)
{
	static struct waiter waiters[3];
	struct wait_queue queue;

	wi_wait_queue_init(&queue);
	cr_assert(wi_wait_queue_first(&queue) == NULL);
	for (int i = 0; i < 3; i++) {
		wi_waiter_init(&waiters[i], NULL, NULL, 1, NULL);
		cr_assert(!waiters[i].queued);
		wi_wait_queue_append(&queue, &waiters[i]);
		cr_assert(waiters[i].queued);
	}
	cr_assert(load_relaxed(&queue.count) == 3);
	cr_assert(wi_wait_queue_first(&queue) == &waiters[0]);
	wi_wait_queue_remove(&queue, &waiters[1]);
	wi_wait_queue_remove(&queue, &waiters[0]);
	cr_assert(wi_wait_queue_first(&queue) == &waiters[2]);
	cr_assert(!waiters[0].queued && load_relaxed(&queue.count) == 1);
	wi_wait_queue_remove(&queue, &waiters[2]);
	cr_assert(wi_wait_queue_first(&queue) == NULL);
	cr_assert(load_relaxed(&queue.count) == 0);
}
