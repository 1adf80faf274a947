/* SPDX-License-Identifier: MIT */
/* test_waiter.c - one waiter: it sleeps, and is told. */
#include <criterion/criterion.h>

#include <weir/common.h>

#include "threads.h"
#include "waiter.h"

#define WAITER_TEST(name) Test(waiter, name, .timeout = 60)
#define SPIN_LONG 1000000000 /* pauses: longer than any test */

static struct waiter waiter;
static struct list decided;
static int64_t deadline = WEIR_FOREVER;
static uint32_t spin, spun;

static void prepare(void)
{
	wi_waiter_init(&waiter, NULL, NULL, 1);
	list_init(&decided);
	list_append(&decided, &waiter.node);
}

static int park(void *argument)
{
	(void)argument;
	return wi_waiter_park(&waiter, spin, &spun, deadline);
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
	wi_waiters_release(&decided);
	cr_assert(park(NULL));
	deadline = 1;
	cr_assert(park(NULL));
}

WAITER_TEST(a_sleeper_is_woken)
{
	struct task task;

	prepare();
	task_start(&task, park, NULL);
	wait_until(atomic_load(&waiter.state.value) == 1); /* PARKED */
	wi_waiters_release(&decided);
	cr_assert(task_join(&task) == true);
	cr_assert(spun == 0);
}

WAITER_TEST(a_spinner_is_told_without_having_slept)
{
	struct task task;

	prepare();
	spin = SPIN_LONG;
	task_start(&task, park, NULL);
	wi_waiters_release(&decided);
	cr_assert(task_join(&task) == true);
	cr_assert(atomic_load(&waiter.state.value) == 2); /* DONE */
	cr_assert(spun < SPIN_LONG);
}

WAITER_TEST(releasing_many_tells_each)
{
	static struct waiter many[20];
	int64_t before = weir_now();

	list_init(&decided);
	for (int i = 0; i < 20; i++) {
		wi_waiter_init(&many[i], NULL, NULL, 1);
		list_append(&decided, &many[i].node);
	}
	wi_waiters_release(&decided);
	for (int i = 0; i < 20; i++)
		cr_assert(wi_waiter_park(&many[i], 0, &spun, before));
}
