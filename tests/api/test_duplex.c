/* SPDX-License-Identifier: MIT */
/* test_duplex.c - two ends that take turns. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static weir_duplex *first, *second;

static void open_pair(size_t to_second, size_t to_first)
{
	assert_status(weir_duplex_open(to_second, to_first, &first, &second),
		WEIR_OK);
}

static void free_pair(void)
{
	weir_duplex_free(first);
	weir_duplex_free(second);
}

/* One exchange of ints in a thread. */
struct swap {
	struct task task;
	weir_duplex *end;
	bool gives;
	int out, in;
	int64_t deadline;
};

static int run_swap(void *argument)
{
	struct swap *swap = argument;

	return weir_duplex_exchange_until(swap->end,
		swap->gives ? &swap->out : NULL, &swap->in, swap->deadline);
}

static void swap_start(struct swap *swap, weir_duplex *end)
{
	swap->end = end;
	swap->gives = false;
	swap->in = -1;
	swap->deadline = WEIR_FOREVER;
	task_start(&swap->task, run_swap, swap);
}

static void swap_give(struct swap *swap, weir_duplex *end, int out)
{
	swap->end = end;
	swap->gives = true;
	swap->out = out;
	swap->in = -1;
	swap->deadline = WEIR_FOREVER;
	task_start(&swap->task, run_swap, swap);
}

#define assert_swap(swap, want) assert_status(task_join(&(swap)->task), want)

/* first waits for the turn in `swap`'s thread, second has it. */
static void open_started(struct swap *swap)
{
	open_pair(sizeof(int), sizeof(int));
	swap_start(swap, first);
	assert_status(weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
	cr_assert(weir_duplex_has_turn(second));
}

/* Bring both ends to rest, second having the turn. */
static void finish(struct swap *swap)
{
	int x = 0;

	assert_status(
		weir_duplex_exchange_for(second, &x, NULL, 0), WEIR_TIMED_OUT);
	assert_swap(swap, WEIR_OK);
}

/* -- The handshake ------------------------------------------------------------ */

ONE_CASE(duplex, first_may_start_before_second)
{
	struct swap swap;
	int one = 1;

	open_pair(sizeof(int), sizeof(int));
	swap_start(&swap, first);
	assert_status(weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
	cr_assert(!task_done(&swap.task));
	assert_status(weir_duplex_exchange_for(second, &one, NULL, 0),
		WEIR_TIMED_OUT);
	assert_swap(&swap, WEIR_OK);
	cr_assert(swap.in == 1);
	free_pair();
}

ONE_CASE(duplex, second_may_start_before_first_and_waits_for_it)
{
	struct swap starting, waiting;

	open_pair(sizeof(int), sizeof(int));
	swap_start(&starting, second);
	cr_assert(!weir_duplex_has_turn(second));
	cr_assert(!task_done(&starting.task));
	swap_start(&waiting, first);
	assert_swap(&starting, WEIR_OK);
	cr_assert(starting.in == -1, "the start brought a value");
	cr_assert(weir_duplex_has_turn(second));
	finish(&waiting);
	free_pair();
}

ONE_CASE(duplex, a_start_that_times_out_has_started_nothing)
{
	struct swap swap;

	open_pair(sizeof(int), sizeof(int));
	assert_status(weir_duplex_exchange_for(second, NULL, NULL, 0),
		WEIR_TIMED_OUT);
	cr_assert(!weir_duplex_has_turn(second));
	assert_status(
		weir_duplex_exchange_for(first, NULL, NULL, 0), WEIR_TIMED_OUT);
	swap_start(&swap, first);
	assert_status(weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
	finish(&swap);
	free_pair();
}

ONE_CASE(duplex, the_first_calls_must_not_give_a_value)
{
	int x = 1;

	open_pair(sizeof(int), sizeof(int));
	assert_status(
		weir_duplex_exchange(first, &x, &x), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_duplex_exchange(second, &x, &x), WEIR_INVALID_ARGUMENT);
	free_pair();
}

/* -- Turns ---------------------------------------------------------------------- */

static int answer_all(void *argument)
{
	int in, out, status;

	(void)argument;
	status = weir_duplex_exchange(first, NULL, &in);
	while (status == WEIR_OK) {
		out = 2 * in;
		status = weir_duplex_exchange(first, &out, &in);
	}
	return status;
}

ONE_CASE(duplex, values_go_to_and_fro_in_strict_turns)
{
	struct task task;

	open_pair(sizeof(int), sizeof(int));
	task_start(&task, answer_all, NULL);
	assert_status(weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
	for (int i = 0; i < 20000; i++) {
		int in = -1;

		assert_status(weir_duplex_exchange(second, &i, &in), WEIR_OK);
		cr_assert(in == 2 * i);
		cr_assert(weir_duplex_has_turn(second));
		cr_assert(!weir_duplex_has_turn(first));
	}
	weir_duplex_free(second);
	cr_assert(task_join(&task) == WEIR_END_OF_CHANNEL);
	weir_duplex_free(first);
}

ONE_CASE(duplex, no_value_leaves_the_other_untouched_and_says_so)
{
	struct swap swap;

	open_started(&swap);
	assert_status(weir_duplex_exchange_for(second, NULL, NULL, 0),
		WEIR_TIMED_OUT);
	assert_swap(&swap, WEIR_OK);
	cr_assert(swap.in == -1);
	cr_assert(weir_duplex_has_turn(first));
	cr_assert(!weir_duplex_has_value(first));
	free_pair();
}

ONE_CASE(duplex, a_value_can_be_discarded)
{
	struct swap swap;
	int x = 3;

	open_pair(sizeof(int), sizeof(int));
	swap.end = first;
	swap_start(&swap, first);
	assert_status(weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
	assert_status(
		weir_duplex_exchange_for(second, &x, NULL, 0), WEIR_TIMED_OUT);
	assert_swap(&swap, WEIR_OK);
	cr_assert(weir_duplex_has_value(first));
	/* second is waiting for nobody: its next call waits for the answer. */
	swap_give(&swap, first, 4);
	assert_status(weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
	cr_assert(weir_duplex_has_value(second));
	assert_status(
		weir_duplex_exchange_for(second, &x, NULL, 0), WEIR_TIMED_OUT);
	assert_swap(&swap, WEIR_OK);
	free_pair();
}

static size_t size_to_second, size_to_first;

static int echo_sizes(void *argument)
{
	ELEMENT(in);
	ELEMENT(out);
	int status = weir_duplex_exchange(first, NULL, in);

	(void)argument;
	for (unsigned i = 0; status == WEIR_OK; i++) {
		for (size_t b = 0; b < size_to_first; b++)
			if (in[b] != (unsigned char)(i + b))
				return 1;
		for (size_t b = 0; b < size_to_second; b++)
			out[b] = (unsigned char)(i * 3 + b);
		status = weir_duplex_exchange(first, out, in);
	}
	return status;
}

ONE_CASE(duplex, carries_any_sizes_each_way)
{
	static const size_t sizes[] = {0, 1, 8, 24, 4096};

	for (size_t s = 0; s < LENGTH(sizes) * LENGTH(sizes); s++) {
		struct task task;

		size_to_second = sizes[s % LENGTH(sizes)];
		size_to_first = sizes[s / LENGTH(sizes)];
		open_pair(size_to_second, size_to_first);
		task_start(&task, echo_sizes, NULL);
		assert_status(
			weir_duplex_exchange(second, NULL, NULL), WEIR_OK);
		for (unsigned i = 0; i < 20; i++) {
			ELEMENT(in);
			ELEMENT(out);

			for (size_t b = 0; b < size_to_first; b++)
				out[b] = (unsigned char)(i + b);
			assert_status(
				weir_duplex_exchange(second, out, in), WEIR_OK);
			for (size_t b = 0; b < size_to_second; b++)
				cr_assert(in[b] == (unsigned char)(i * 3 + b));
		}
		weir_duplex_free(second);
		cr_assert(task_join(&task) == WEIR_END_OF_CHANNEL);
		weir_duplex_free(first);
	}
}

/* -- One way ---------------------------------------------------------------------- */

static int count_to(void *argument)
{
	int n = *(int *)argument;
	int status = weir_duplex_exchange(second, NULL, NULL);

	for (int i = 0; i < n && status == WEIR_OK; i++)
		status = weir_duplex_exchange(second, &i, NULL);
	weir_duplex_close(second);
	return status;
}

ONE_CASE(duplex, for_each_takes_values_until_the_other_closes)
{
	struct task task;
	int n = 500, next = 0;

	open_pair(sizeof(int), sizeof(int));
	task_start(&task, count_to, &n);
	WEIR_DUPLEX_FOR_EACH(first, int, value)
	cr_assert(value == next++);
	cr_assert(next == n);
	cr_assert(task_join(&task) == WEIR_OK);
	free_pair();
}

static atomic_int sent;

static int send_two(void *argument)
{
	int x = 1, status;

	(void)argument;
	status = weir_duplex_exchange(second, NULL, NULL);
	if (status == WEIR_OK)
		status = weir_duplex_exchange(second, &x, NULL);
	atomic_fetch_add(&sent, 1);
	if (status == WEIR_OK)
		status = weir_duplex_exchange(second, &x, NULL);
	return status;
}

/* A send returns when the receiver asks for the next value, no sooner. */
ONE_CASE(duplex, a_send_returns_when_the_receiver_is_through_with_it)
{
	struct task task;
	int n = 0;

	open_pair(sizeof(int), sizeof(int));
	task_start(&task, send_two, NULL);
	WEIR_DUPLEX_FOR_EACH(first, int, value)
	{
		cr_assert(value == 1);
		cr_assert(atomic_load(&sent) == n++);
		if (n == 2)
			break;
	}
	weir_duplex_close(first);
	cr_assert(task_join(&task) == WEIR_END_OF_CHANNEL);
	free_pair();
}

ONE_CASE(duplex, for_each_does_not_run_with_a_type_of_another_size)
{
	open_pair(sizeof(int), sizeof(int));
	WEIR_DUPLEX_FOR_EACH(first, char, value)
	cr_assert_fail("the value is no char");
	WEIR_DUPLEX_FOR_EACH((weir_duplex *)NULL, int, value)
	cr_assert_fail("there is no end");
	free_pair();
}

ONE_CASE(duplex, the_end_of_a_block_frees_the_end)
{
	weir_duplex *other;

	{
		WEIR_DUPLEX_SCOPED weir_duplex *scoped = NULL;

		assert_status(weir_duplex_open(1, 1, &scoped, &other), WEIR_OK);
	}
	assert_status(
		weir_duplex_exchange(other, NULL, NULL), WEIR_END_OF_CHANNEL);
	weir_duplex_free(other);
	weir_duplex_scope_end(NULL);
}

/* -- Closing: what sav.channels gets wrong ------------------------------------------ */

/* In sav, closing an end that was never started leaves the other hanging: all
 * four orders. */
ONE_CASE(duplex, closing_an_end_that_was_never_started_ends_the_other)
{
	for (int order = 0; order < 4; order++) {
		weir_duplex *closed, *other;
		struct swap swap;

		open_pair(sizeof(int), sizeof(int));
		closed = order & 1 ? first : second;
		other = order & 1 ? second : first;
		if (order & 2) {
			weir_duplex_close(closed);
			swap_start(&swap, other);
		} else {
			swap_start(&swap, other);
			weir_duplex_close(closed);
		}
		assert_swap(&swap, WEIR_END_OF_CHANNEL);
		assert_status(weir_duplex_exchange(other, NULL, NULL),
			WEIR_END_OF_CHANNEL);
		assert_status(weir_duplex_exchange(closed, NULL, NULL),
			WEIR_CLOSED_RESOURCE);
		free_pair();
	}
}

/* In sav, closing the waiting end from another task is an error. */
ONE_CASE(duplex, closing_the_end_that_waits_wakes_it_and_ends_the_other)
{
	struct swap swap;
	int x = 1;

	open_started(&swap);
	weir_duplex_close(first);
	assert_swap(&swap, WEIR_CLOSED_RESOURCE);
	assert_status(
		weir_duplex_exchange(second, &x, &x), WEIR_END_OF_CHANNEL);
	assert_status(
		weir_duplex_exchange(second, NULL, &x), WEIR_END_OF_CHANNEL);
	free_pair();
}

ONE_CASE(duplex, closing_the_end_that_has_the_turn_ends_the_one_that_waits)
{
	struct swap swap;
	int x = 1;

	open_started(&swap);
	weir_duplex_close(second);
	assert_swap(&swap, WEIR_END_OF_CHANNEL);
	assert_status(
		weir_duplex_exchange(second, &x, &x), WEIR_CLOSED_RESOURCE);
	cr_assert(weir_duplex_is_closed(second));
	cr_assert(!weir_duplex_is_closed(first));
	free_pair();
}

/* In sav, two tasks on one end are an error that breaks it. */
ONE_CASE(duplex, a_second_thread_on_an_end_is_refused_and_harms_nothing)
{
	struct swap swap;
	int x = 1;

	open_started(&swap);
	assert_status(
		weir_duplex_exchange(first, NULL, &x), WEIR_INVALID_ARGUMENT);
	assert_status(weir_duplex_exchange_for(first, NULL, &x, 0),
		WEIR_INVALID_ARGUMENT);
	x = 9;
	assert_status(
		weir_duplex_exchange_for(second, &x, NULL, 0), WEIR_TIMED_OUT);
	assert_swap(&swap, WEIR_OK);
	cr_assert(swap.in == 9);
	free_pair();
}

/* In sav, the peer of a wait that was cancelled gets an InvalidStateError.  A
 * cancelled wait is a time-out here. */
ONE_CASE(duplex, a_wait_that_timed_out_can_be_taken_up_again)
{
	struct swap swap;
	int x = 5;

	open_pair(sizeof(int), sizeof(int));
	swap_start(&swap, second);
	assert_status(weir_duplex_exchange_for(first, NULL, &x, 20 * MS),
		WEIR_TIMED_OUT);
	assert_swap(&swap, WEIR_OK); /* first was there for a while */
	swap_give(&swap, second, 7);
	assert_status(weir_duplex_exchange(first, NULL, &x), WEIR_OK);
	cr_assert(x == 7);
	weir_duplex_close(first);
	assert_swap(&swap, WEIR_END_OF_CHANNEL);
	free_pair();
}

ONE_CASE(duplex, both_may_close_at_once_and_many_times)
{
	for (int i = 0; i < 500; i++) {
		struct swap swap;
		int status;

		open_started(&swap);
		weir_duplex_close(i % 2 ? first : second);
		weir_duplex_close(second);
		weir_duplex_close(first);
		weir_duplex_close(first);
		/* It may look when its own end is closed as well. */
		status = task_join(&swap.task);
		cr_assert(status == WEIR_CLOSED_RESOURCE ||
			  (status == WEIR_END_OF_CHANNEL && i % 2 == 0));
		free_pair();
	}
}

/* -- Time-outs ----------------------------------------------------------------------- */

/* The other end is not waiting: nothing is given, the turn stays. */
ONE_CASE(duplex, a_time_out_before_the_value_is_taken_keeps_the_turn)
{
	struct swap swap;
	int x = 1, in = -1;

	open_started(&swap);
	finish(&swap); /* first has the turn, second waits for no one */
	cr_assert(weir_duplex_has_turn(first));
	assert_status(weir_duplex_exchange_for(first, &x, &in, 10 * MS),
		WEIR_TIMED_OUT);
	cr_assert(weir_duplex_has_turn(first));
	swap_give(&swap, first, 8);
	assert_status(weir_duplex_exchange(second, NULL, &in), WEIR_OK);
	cr_assert(in == 8);
	weir_duplex_close(second);
	assert_swap(&swap, WEIR_END_OF_CHANNEL);
	free_pair();
}

/* It was taken, no answer came: the turn is the other's, and the next call on
 * this end waits for the answer, and cannot give. */
ONE_CASE(duplex, a_time_out_after_the_value_was_taken_has_given_the_turn)
{
	struct swap swap;
	int x = 1, in = -1;

	open_started(&swap);
	assert_status(weir_duplex_exchange_for(second, &x, &in, 10 * MS),
		WEIR_TIMED_OUT);
	cr_assert(!weir_duplex_has_turn(second));
	assert_swap(&swap, WEIR_OK);
	cr_assert(swap.in == 1);
	assert_status(
		weir_duplex_exchange(second, &x, &in), WEIR_INVALID_ARGUMENT);
	swap_give(&swap, first, 2);
	assert_status(weir_duplex_exchange(second, NULL, &in), WEIR_OK);
	cr_assert(in == 2);
	weir_duplex_close(second);
	assert_swap(&swap, WEIR_END_OF_CHANNEL);
	free_pair();
}

ONE_CASE(duplex, deadlines_at_the_edges_are_now_or_never)
{
	static const int64_t gone[] = {INT64_MIN, -1, 0, 1};
	struct swap swap;
	int64_t before;
	int x;

	open_pair(sizeof(int), sizeof(int));
	for (size_t i = 0; i < LENGTH(gone); i++)
		assert_status(
			weir_duplex_exchange_until(second, NULL, NULL, gone[i]),
			WEIR_TIMED_OUT);
	before = weir_now();
	assert_status(weir_duplex_exchange_for(first, NULL, &x, 30 * MS),
		WEIR_TIMED_OUT);
	cr_assert(weir_now() - before >= 30 * MS);
	swap_start(&swap, first);
	assert_status(weir_duplex_exchange_for(second, NULL, NULL, INT64_MAX),
		WEIR_OK);
	finish(&swap);
	free_pair();
}

/* Time-outs of microseconds on both ends, at random: every value that was given
 * arrives, once, in order. */
static unsigned draw(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

enum { VALUES = 3000 };

static int give_with_timeouts(void *argument)
{
	unsigned seed = 7;
	int status = WEIR_TIMED_OUT, given = 0;

	(void)argument;
	while (status == WEIR_TIMED_OUT)
		status = weir_duplex_exchange_for(
			second, NULL, NULL, draw(&seed) % 50000);
	while (status == WEIR_OK && given < VALUES) {
		int64_t span = (int64_t)(draw(&seed) % 60) * 1000;
		bool had = weir_duplex_has_turn(second);

		status = weir_duplex_exchange_for(
			second, had ? &given : NULL, NULL, span);
		/* Taken, whether or not the turn has come back. */
		if (had && (status == WEIR_OK || !weir_duplex_has_turn(second)))
			given++;
		if (status == WEIR_TIMED_OUT)
			status = WEIR_OK;
	}
	weir_duplex_close(second);
	return status;
}

ONE_CASE(duplex, time_outs_against_turns_lose_and_double_nothing)
{
	struct task task;
	unsigned seed = 11;
	int next = 0, status;

	open_pair(sizeof(int), sizeof(int));
	task_start(&task, give_with_timeouts, NULL);
	do {
		int value = -1;

		status = weir_duplex_exchange_for(first, NULL, &value,
			(int64_t)(draw(&seed) % 60) * 1000);
		if (status == WEIR_OK && weir_duplex_has_value(first))
			cr_assert(value == next++, "%d, not %d", value, next);
	} while (status != WEIR_END_OF_CHANNEL);
	cr_assert(task_join(&task) == WEIR_OK);
	/* The last one may have been given and never asked for. */
	cr_assert(next == VALUES || next == VALUES - 1);
	free_pair();
}

static int exchange_until_closed(void *argument)
{
	weir_duplex *end = argument;
	int status = weir_duplex_exchange(end, NULL, NULL);

	while (status == WEIR_OK)
		status = weir_duplex_exchange(end, NULL, NULL);
	return status;
}

/* A third thread closes one end at a random moment. */
ONE_CASE(duplex, a_close_at_any_moment_ends_both)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct task tasks[2];

		open_pair(sizeof(int), sizeof(int));
		task_start(&tasks[0], exchange_until_closed, first);
		task_start(&tasks[1], exchange_until_closed, second);
		for (unsigned spin = 0; spin < i % 50; spin++)
			sched_yield();
		weir_duplex_close(i % 2 ? first : second);
		assert_status(
			task_join(&tasks[i % 2 ? 0 : 1]), WEIR_CLOSED_RESOURCE);
		assert_status(
			task_join(&tasks[i % 2 ? 1 : 0]), WEIR_END_OF_CHANNEL);
		free_pair();
	}
}

/* -- Bad input ------------------------------------------------------------------------- */

ONE_CASE(duplex, bad_arguments_have_an_answer)
{
	weir_duplex *d = NULL;
	int x;

	assert_status(weir_duplex_open(1, 1, NULL, &d), WEIR_INVALID_ARGUMENT);
	assert_status(weir_duplex_open(1, 1, &d, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_duplex_open(SIZE_MAX, SIZE_MAX, &first, &second),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_duplex_open(SIZE_MAX / 4, 1, &first, &second),
		WEIR_NO_MEMORY);
	assert_status(
		weir_duplex_exchange(NULL, NULL, &x), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_duplex_next(NULL, &x, sizeof x), WEIR_INVALID_ARGUMENT);
	cr_assert(!weir_duplex_has_turn(NULL));
	cr_assert(!weir_duplex_has_value(NULL));
	cr_assert(weir_duplex_is_closed(NULL));
	weir_duplex_close(NULL);
	weir_duplex_free(NULL);
}
