/* SPDX-License-Identifier: MIT */
/* test_reclaim.c - what is retired comes back after its readers, once. */
#include <criterion/criterion.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "hazard.h"
#include "leaks.h"
#include "reader.h"
#include "reclaim.h"
#include "threads.h"

#define RECLAIM_TEST(name) Test(reclaim, name, .timeout = 60)

struct item {
	struct reclaim_node node;
	int content;      /* written before it is retired */
	_Atomic int back; /* times that it was given back */
};

struct owner {
	_Atomic uint64_t items;  /* that came back */
	_Atomic uint64_t tidied; /* calls of tidy */
	_Atomic int inside;      /* give_back */
	_Atomic int tidying;
	_Atomic bool twice_at_once;
	_Atomic uint64_t want_again; /* calls that ask for another */
	_Atomic uint64_t sum;
	_Atomic bool hold; /* stay in give_back */
	_Atomic bool gone;
	_Atomic bool called_when_gone;
};

static struct owner owner;

static void give_back(void *context, struct reclaim_node *node)
{
	struct item *item = container_of(node, struct item, node);
	struct owner *of = context;

	if (atomic_load(&of->gone))
		atomic_store(&of->called_when_gone, true);
	atomic_fetch_add(&of->inside, 1);
	atomic_fetch_add(&of->sum, (uint64_t)item->content);
	atomic_fetch_add(&item->back, 1);
	atomic_fetch_add(&of->items, 1);
	while (atomic_load(&of->hold))
		sched_yield();
	atomic_fetch_sub(&of->inside, 1);
}

static bool tidy(void *context)
{
	struct owner *of = context;

	if (atomic_fetch_add(&of->tidying, 1) != 0)
		atomic_store(&of->twice_at_once, true);
	if (atomic_load(&of->gone))
		atomic_store(&of->called_when_gone, true);
	atomic_fetch_add(&of->tidied, 1);
	atomic_fetch_sub(&of->tidying, 1);
	if (atomic_load(&of->want_again) == 0)
		return false;
	atomic_fetch_sub(&of->want_again, 1);
	return true;
}

static const struct reclaim_ops ops = {give_back, tidy};

#define A_LOOK 4 /* retirements */

RECLAIM_TEST(what_is_retired_comes_back)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	struct item item = {.content = 5};

	wi_reclaim_retire(reclaim, &item.node);
	wait_until(atomic_load(&owner.items) == 1);
	cr_assert(atomic_load(&owner.sum) == 5);
	wi_reclaim_destroy(reclaim);
	cr_assert(atomic_load(&item.back) == 1);
}

static _Atomic bool reading, stop_reading;

static int read_for_long(void *argument)
{
	(void)argument;
	wi_read_lock();
	wi_read_lock();
	wi_read_unlock(); /* the outer one still counts */
	wi_hazards();
	atomic_store(&reading, true);
	while (!atomic_load(&stop_reading))
		sched_yield();
	wi_read_unlock();
	return 0;
}

RECLAIM_TEST(nothing_comes_back_before_its_readers_are_through)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	struct item item = {.content = 5};
	struct task reader;
	int64_t until;

	task_start(&reader, read_for_long, NULL);
	wait_until(atomic_load(&reading));
	wi_reclaim_retire(reclaim, &item.node);
	/* A grace period without readers takes some 10 ms at most. */
	for (until = weir_now() + 50 * MS; weir_now() < until; sched_yield())
		cr_assert(atomic_load(&item.back) == 0);
	atomic_store(&stop_reading, true);
	wait_until(atomic_load(&item.back) == 1);
	cr_assert(task_join(&reader) == 0);
	wi_reclaim_destroy(reclaim);
}

/* The first one waits for a grace period, which does not end as long as this
 * thread reads; the others do not. */
RECLAIM_TEST(each_fourth_retirement_looks_who_holds_what)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	static struct item items[3 * A_LOOK];

	if (!wi_hazards_are_told())
		cr_skip_test("no membarrier here");
	wi_read_lock();
	for (uint64_t i = 1; i <= 3 * A_LOOK; i++) {
		uint64_t looked_at = i - i % A_LOOK;

		wi_reclaim_retire(reclaim, &items[i - 1].node);
		cr_assert(atomic_load(&owner.items) ==
			  (looked_at > 0 ? looked_at - 1 : 0));
	}
	wi_read_unlock();
	wi_reclaim_destroy(reclaim);
}

RECLAIM_TEST(retiring_as_a_reader_does_not_wait)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	static struct item items[100];

	wi_read_lock();
	for (int i = 0; i < 100; i++)
		wi_reclaim_retire(reclaim, &items[i].node);
	wi_read_unlock();
	wait_until(atomic_load(&owner.items) == 100);
	wi_reclaim_destroy(reclaim);
}

enum { MANY = 40 };

static struct item many[MANY], before;

/* All but the first. */
static void retire_others(struct reclaim *reclaim)
{
	for (int i = 1; i < MANY; i++)
		wi_reclaim_retire(reclaim, &many[i].node);
}

/* By whoever retires; no grace period passes while this thread is a reader. */
RECLAIM_TEST(
	what_nobody_holds_comes_back_at_once_and_what_somebody_holds_does_not)
{
	for (unsigned place = 0; place < HOLDS; place++) {
		struct reclaim *reclaim =
			wi_reclaim_create(&ops, &owner, A_LOOK);
		struct atomic_ptr anchor;

		memset(&owner, 0, sizeof owner);
		memset(many, 0, sizeof many);
		memset(&before, 0, sizeof before);
		init_atomic(&anchor, &many[0].node);
		wi_read_lock();
		cr_assert(wi_hold(wi_hazards(), place, &anchor) == &many[0]);
		/* Goes to liburcu at once, so that what follows does not. */
		wi_reclaim_retire(reclaim, &before.node);
		wi_reclaim_retire(reclaim, &many[0].node);
		retire_others(reclaim);
		if (wi_fence_is_there())
			cr_assert(atomic_load(&owner.items) >= MANY / 2);
		else
			cr_assert(atomic_load(&owner.items) == 0);
		cr_assert(atomic_load(&many[0].back) == 0);
		wi_drop_hold(wi_hazards(), place);
		wi_read_unlock();
		wait_until(atomic_load(&owner.items) == MANY + 1);
		wi_reclaim_destroy(reclaim);
		cr_assert(atomic_load(&many[0].back) == 1);
	}
}

/* Whose holds cannot be seen. */
RECLAIM_TEST(nothing_comes_back_at_once_while_a_thread_has_no_place)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	struct task reader;

	for (unsigned i = 0; i < HAZARD_TABLE; i++)
		init_atomic(&wi_hazard_table.of[i].taken, 1);
	task_start(&reader, read_for_long, NULL);
	wait_until(atomic_load(&reading));
	retire_others(reclaim);
	cr_assert(atomic_load(&owner.items) == 0);
	atomic_store(&stop_reading, true);
	cr_assert(task_join(&reader) == 0);
	wait_until(atomic_load(&owner.items) == MANY - 1);
	wi_reclaim_destroy(reclaim);
}

/* What is retired while a batch is on its way comes back with the next. */
RECLAIM_TEST(a_retirement_during_give_back_is_not_forgotten)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	struct item first = {.content = 1}, second = {.content = 2};

	atomic_store(&owner.hold, true);
	wi_reclaim_retire(reclaim, &first.node);
	wait_until(atomic_load(&owner.items) == 1);
	wi_reclaim_retire(reclaim, &second.node);
	atomic_store(&owner.hold, false);
	wait_until(atomic_load(&owner.items) == 2);
	wi_reclaim_destroy(reclaim);
	cr_assert(atomic_load(&first.back) == 1);
	cr_assert(atomic_load(&second.back) == 1);
}

RECLAIM_TEST(an_owner_that_asks_is_called_again)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	struct item item = {.content = 1};

	atomic_store(&owner.want_again, 3);
	wi_reclaim_retire(reclaim, &item.node);
	wait_until(atomic_load(&owner.tidied) == 4);
	wi_reclaim_destroy(reclaim);
	cr_assert(atomic_load(&owner.tidied) == 4);
	cr_assert(atomic_load(&item.back) == 1);
}

RECLAIM_TEST(destroying_gives_everything_back_at_once)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	static struct item items[10];
	struct task reader;

	/* A reader of something else keeps the grace period from ending. */
	task_start(&reader, read_for_long, NULL);
	wait_until(atomic_load(&reading));
	for (int i = 0; i < 10; i++)
		wi_reclaim_retire(reclaim, &items[i].node);
	wi_reclaim_destroy(reclaim);
	for (int i = 0; i < 10; i++)
		cr_assert(atomic_load(&items[i].back) == 1);
	atomic_store(&owner.gone, true);
	atomic_store(&stop_reading, true);
	cr_assert(task_join(&reader) == 0);
	/* The callback comes after this one's, and must find no owner. */
	reclaim =
		wi_reclaim_create(&ops, &(struct owner){.gone = false}, A_LOOK);
	items[0].back = 0;
	wi_reclaim_retire(reclaim, &items[0].node);
	wait_until(atomic_load(&items[0].back) == 1);
	wi_reclaim_destroy(reclaim);
	cr_assert(!atomic_load(&owner.called_when_gone));
	check_leaks();
}

static int destroy(void *argument)
{
	wi_reclaim_destroy(argument);
	return 0;
}

RECLAIM_TEST(destroying_waits_for_a_give_back_that_runs)
{
	struct reclaim *reclaim = wi_reclaim_create(&ops, &owner, A_LOOK);
	struct item item = {.content = 1};
	struct task destroyer;
	int64_t until;

	atomic_store(&owner.hold, true);
	wi_reclaim_retire(reclaim, &item.node);
	wait_until(atomic_load(&owner.inside) == 1);
	task_start(&destroyer, destroy, reclaim);
	for (until = weir_now() + 20 * MS; weir_now() < until; sched_yield())
		cr_assert(!task_done(&destroyer));
	atomic_store(&owner.hold, false);
	cr_assert(task_join(&destroyer) == 0);
	cr_assert(atomic_load(&owner.inside) == 0);
	cr_assert(atomic_load(&item.back) == 1);
}

/* Moments from before the grace period to after the callback. */
RECLAIM_TEST(an_owner_may_be_destroyed_at_any_moment_of_a_batch)
{
	for (int round = 0; round < 300; round++) {
		struct owner mine = {.want_again = (uint64_t)(round % 3)};
		struct reclaim *reclaim =
			wi_reclaim_create(&ops, &mine, A_LOOK);
		struct item items[3] = {
			{.content = 1}, {.content = 2}, {.content = 3}};

		for (int i = 0; i < 3; i++) {
			wi_reclaim_retire(reclaim, &items[i].node);
			for (int j = 0; j < round; j++)
				sched_yield();
		}
		wi_reclaim_destroy(reclaim);
		for (int i = 0; i < 3; i++)
			cr_assert(atomic_load(&items[i].back) == 1);
		cr_assert(!atomic_load(&mine.twice_at_once));
	}
	check_leaks();
}

enum { RETIRERS = 3, EACH = 20000 };

static struct reclaim *shared;

static int retire_many(void *argument)
{
	struct item *items = argument;

	for (int i = 0; i < EACH; i++) {
		items[i].content = 1;
		wi_read_lock();
		wi_reclaim_retire(shared, &items[i].node);
		wi_read_unlock();
	}
	return 0;
}

RECLAIM_TEST(what_many_threads_retire_comes_back_once_each)
{
	struct task tasks[RETIRERS];
	struct item *items[RETIRERS];

	shared = wi_reclaim_create(&ops, &owner, A_LOOK);
	for (int t = 0; t < RETIRERS; t++) {
		items[t] = calloc(EACH, sizeof *items[t]);
		task_start(&tasks[t], retire_many, items[t]);
	}
	for (int t = 0; t < RETIRERS; t++)
		cr_assert(task_join(&tasks[t]) == 0);
	wait_until(atomic_load(&owner.items) == RETIRERS * EACH);
	wi_reclaim_destroy(shared);
	cr_assert(atomic_load(&owner.sum) == RETIRERS * EACH);
	cr_assert(!atomic_load(&owner.twice_at_once));
	for (int t = 0; t < RETIRERS; t++) {
		for (int i = 0; i < EACH; i++)
			cr_assert(atomic_load(&items[t][i].back) == 1);
		free(items[t]);
	}
}
