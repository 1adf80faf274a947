/* SPDX-License-Identifier: MIT */
/* test_timer.c - receivers that are fed by the clock. */
#include "fixture.h"

#include <dirent.h>

static weir_receiver *after(int64_t ns)
{
	weir_receiver *rx = NULL;

	assert_status(weir_after(ns, &rx), WEIR_OK);
	return rx;
}

static weir_receiver *tick(int64_t ns)
{
	weir_receiver *rx = NULL;

	assert_status(weir_tick(ns, &rx), WEIR_OK);
	return rx;
}

/* Not due before this program ends, however slow the machine is. */
static weir_receiver *far_away(void)
{
	return after(WEIR_FOREVER / 2);
}

static int64_t receive(weir_receiver *rx)
{
	int64_t due = -1;

	assert_status(weir_recv_for(rx, &due, patience_ns()), WEIR_OK);
	return due;
}

static unsigned entries(const char *path)
{
	DIR *directory = opendir(path);
	unsigned count = 0;

	cr_assert(directory != NULL);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

ONE_CASE(timer, after_fires_once_and_does_not_end)
{
	int64_t before = weir_now(), due;
	weir_receiver *rx = after(5 * MS), *far = far_away();

	assert_status(weir_try_recv(far, &due), WEIR_WOULD_BLOCK);
	due = receive(rx);
	cr_assert(due >= before + 5 * MS && due <= weir_now());
	assert_status(weir_try_recv(rx, &due), WEIR_WOULD_BLOCK);
	assert_status(weir_recv_for(rx, &due, 5 * MS), WEIR_TIMED_OUT);
	weir_receiver_free(rx);
	weir_receiver_free(far);
}

ONE_CASE(timer, at_fires_at_its_time_or_at_once)
{
	weir_receiver *rx = NULL;
	int64_t when = weir_now() + 5 * MS;

	assert_status(weir_at(when, &rx), WEIR_OK);
	cr_assert(receive(rx) == when && weir_now() >= when);
	weir_receiver_free(rx);
	assert_status(weir_at(when, &rx), WEIR_OK);
	assert_status(weir_try_recv(rx, &when), WEIR_OK);
	weir_receiver_free(rx);
	rx = after(-1);
	assert_status(weir_try_recv(rx, &when), WEIR_OK);
	weir_receiver_free(rx);
}

ONE_CASE(timer, that_never_comes_only_times_out)
{
	weir_receiver *never = NULL, *forever = after(WEIR_FOREVER);
	weir_receiver *far = after(WEIR_FOREVER - 1);
	int64_t due;

	assert_status(weir_never(&never), WEIR_OK);
	assert_status(weir_recv_for(never, &due, 2 * MS), WEIR_TIMED_OUT);
	assert_status(weir_recv_for(forever, &due, 2 * MS), WEIR_TIMED_OUT);
	assert_status(weir_recv_for(far, &due, 2 * MS), WEIR_TIMED_OUT);
	assert_status(weir_try_recv(never, &due), WEIR_WOULD_BLOCK);
	cr_assert(weir_receiver_capacity(never) == 0);
	weir_receiver_free(never);
	weir_receiver_free(forever);
	weir_receiver_free(far);
}

ONE_CASE(timer, arguments)
{
	weir_receiver *rx = NULL;

	assert_status(weir_tick(0, &rx), WEIR_INVALID_ARGUMENT);
	assert_status(weir_tick(-5, &rx), WEIR_INVALID_ARGUMENT);
	assert_status(weir_tick(1, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_after(1, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_at(1, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_never(NULL), WEIR_INVALID_ARGUMENT);
	cr_assert(rx == NULL);
}

ONE_CASE(timer, looks_like_any_receiver)
{
	weir_receiver *rx = after(0), *copy;
	weir_statistics now;
	int64_t due;

	weir_receiver_statistics(rx, &now);
	cr_assert(now.max_buffer_size == 1 && now.open_senders == 1);
	cr_assert(now.current_buffer_used == 1 && now.open_receivers == 1);
	cr_assert(now.sent == 1 && now.received == 0);
	cr_assert(weir_receiver_length(rx) == 1);
	copy = clone_receiver(rx);
	cr_assert(weir_receiver_same(rx, copy));
	assert_status(weir_recv_sized(copy, &due, 8), WEIR_OK);
	weir_receiver_statistics(copy, &now);
	cr_assert(now.current_buffer_used == 0 && now.open_receivers == 2);
	cr_assert(now.sent == 1 && now.received == 1 && now.dropped == 0);
	weir_receiver_free(copy);
	weir_receiver_shut(rx);
	assert_status(weir_recv(rx, &due), WEIR_END_OF_CHANNEL);
	weir_receiver_close(rx);
	assert_status(weir_recv(rx, &due), WEIR_CLOSED_RESOURCE);
	weir_receiver_free(rx);
}

ONE_CASE(timer, starts_no_thread_and_opens_no_descriptor)
{
	unsigned threads = entries("/proc/self/task");
	unsigned descriptors = entries("/proc/self/fd");
	weir_receiver *ticking = tick(MS);

	receive(ticking);
	receive(ticking);
	cr_assert(entries("/proc/self/task") == threads);
	cr_assert(entries("/proc/self/fd") == descriptors);
	weir_receiver_free(ticking);
}

ONE_CASE(timer, tick_does_not_drift_over_ten_thousand_periods)
{
	const int64_t period = 20000;
	int64_t before = weir_now(), first, last;
	weir_receiver *rx = tick(period);

	first = last = receive(rx);
	cr_assert(first >= before + period);
	while ((last - first) / period < 10000) {
		int64_t due = receive(rx);

		cr_assert(due > last && (due - first) % period == 0);
		cr_assert(due <= weir_now());
		last = due;
	}
	weir_receiver_free(rx);
}

ONE_CASE(timer, missed_ticks_come_once_and_the_next_is_on_the_grid)
{
	const int64_t period = 20 * MS;
	int64_t before = weir_now(), opened, late, oldest, next;
	weir_receiver *rx = tick(period);

	opened = weir_now();
	while (weir_now() < opened + 5 * period + period / 2)
		sched_yield();
	late = weir_now();
	oldest = receive(rx);
	cr_assert(oldest >= before + period && oldest <= opened + period);
	next = receive(rx);
	cr_assert((next - oldest) % period == 0);
	cr_assert(next >= oldest + 5 * period);
	cr_assert(next > late, "no burst");
	weir_receiver_free(rx);
}

struct taking {
	weir_receiver *rx;
	int64_t until, last;
	unsigned count;
	bool ordered;
};

static int take_ticks(void *argument)
{
	struct taking *it = argument;
	int64_t due;

	it->ordered = true;
	while (weir_recv_until(it->rx, &due, it->until) == WEIR_OK) {
		it->ordered &= due > it->last;
		it->last = due;
		it->count++;
	}
	return 0;
}

ONE_CASE(timer, clones_share_their_ticks)
{
	enum { THREADS = 3 };
	int64_t before = weir_now(), last = 0;
	weir_receiver *rx = tick(MS);
	struct taking taking[THREADS];
	struct task tasks[THREADS];
	weir_statistics now;
	unsigned count = 0;

	for (int i = 0; i < THREADS; i++) {
		taking[i] = (struct taking){
			clone_receiver(rx), weir_now() + 60 * MS, 0, 0, true};
		task_start(&tasks[i], take_ticks, &taking[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		task_join(&tasks[i]);
		cr_assert(taking[i].ordered);
		count += taking[i].count;
		if (taking[i].last > last)
			last = taking[i].last;
		weir_receiver_free(taking[i].rx);
	}
	weir_receiver_statistics(rx, &now);
	cr_assert(now.received == count);
	/* No more than there were: none went to two of them. */
	cr_assert(
		count > 0 && (last - before) / MS >= count, "%u ticks", count);
	weir_receiver_free(rx);
}

static int recv_once(void *argument)
{
	int64_t due;

	return weir_recv(argument, &due);
}

ONE_CASE(timer, a_close_ends_a_wait)
{
	weir_receiver *rx = after(WEIR_FOREVER), *never = NULL;
	struct task one, two;

	assert_status(weir_never(&never), WEIR_OK);
	task_start(&one, recv_once, rx);
	task_start(&two, recv_once, never);
	wait_until_receivers_waiting(rx, 1);
	wait_until_receivers_waiting(never, 1);
	weir_receiver_close(rx);
	weir_receiver_shut(never);
	assert_status(task_join(&one), WEIR_CLOSED_RESOURCE);
	assert_status(task_join(&two), WEIR_END_OF_CHANNEL);
	weir_receiver_free(rx);
	weir_receiver_free(never);
}

/* The one that is due first, among others that would take too long. */
ONE_CASE(timer, sets_the_deadline_of_a_select)
{
	int64_t due[3] = {0, 0, 0}, before = weir_now();
	weir_receiver *far = far_away(), *soon = after(5 * MS), *rx;
	weir_sender *tx;
	size_t index = SIZE_MAX;

	assert_status(weir_open(1, 8, &tx, &rx), WEIR_OK);
	weir_case cases[] = {WEIR_RECV_CASE(far, &due[0]),
		WEIR_RECV_CASE(rx, &due[1]), WEIR_RECV_CASE(soon, &due[2])};
	assert_status(
		weir_select_for(cases, 3, 0, &index, patience_ns()), WEIR_OK);
	cr_assert(index == 2 && due[2] >= before + 5 * MS);
	cr_assert(due[2] <= weir_now());
	assert_status(weir_select_for(cases, 3, 0, &index, MS), WEIR_TIMED_OUT);
	weir_receiver_free(soon);
	before = weir_now();
	soon = after(5 * MS);
	cases[2] = (weir_case)WEIR_RECV_CASE(soon, NULL);
	assert_status(
		weir_ready_for(cases, 3, 0, &index, patience_ns()), WEIR_OK);
	cr_assert(index == 2 && weir_now() >= before + 5 * MS);
	cr_assert(weir_receiver_length(soon) == 1);
	weir_receiver_free(far);
	weir_receiver_free(soon);
	free_both(tx, rx);
}

/* Ticks until the end comes, which is taken first when both are there. */
static unsigned count_ticks(int64_t period, int64_t span)
{
	int64_t before = weir_now(), due = 0, last = 0;
	weir_receiver *ticking = tick(period), *end = after(span);
	unsigned ticks = 0;
	size_t index = 1;

	weir_case cases[] = {
		WEIR_RECV_CASE(end, &due), WEIR_RECV_CASE(ticking, &last)};
	for (;;) {
		assert_status(weir_select_for(cases, 2, WEIR_SELECT_BIASED,
				      &index, patience_ns()),
			WEIR_OK);
		if (index == 0)
			break;
		ticks++;
	}
	cr_assert(due >= before + span && due <= weir_now());
	if (ticks > 0)
		cr_assert((last - before) / period >= ticks);
	weir_receiver_free(ticking);
	weir_receiver_free(end);
	return ticks;
}

ONE_CASE(timer, ticker_with_a_deadline)
{
	int64_t span = 21 * MS;

	/* None comes if this thread is kept away for so long. */
	while (count_ticks(2 * MS, span) == 0) {
		span *= 2;
		cr_assert(span < patience_ns());
	}
}

/* What was due when it was shut is still there, as elements in a buffer are. */
static void shut_and_receive(weir_receiver *rx)
{
	int64_t due = 0, shut, until;
	int status;

	weir_receiver_shut(rx);
	shut = weir_now();
	until = shut + 10 * MS;
	status = weir_recv_for(rx, &due, patience_ns());
	if (status == WEIR_OK) {
		cr_assert(due <= shut);
		status = weir_recv_for(rx, &due, patience_ns());
	}
	assert_status(status, WEIR_END_OF_CHANNEL);
	while (weir_now() < until)
		sched_yield();
	assert_status(weir_try_recv(rx, &due), WEIR_END_OF_CHANNEL);
	assert_status(weir_recv(rx, &due), WEIR_END_OF_CHANNEL);
	assert_status(weir_recv_until(rx, &due, PAST), WEIR_END_OF_CHANNEL);
	cr_assert(weir_receiver_length(rx) == 0);
	weir_receiver_free(rx);
}

ONE_CASE(timer, what_was_due_when_it_was_shut_is_still_there)
{
	weir_receiver *rx;
	int64_t now = weir_now(), due = 0;

	assert_status(weir_at(now, &rx), WEIR_OK);
	weir_receiver_shut(rx);
	assert_status(weir_try_recv(rx, &due), WEIR_OK);
	cr_assert(due == now);
	assert_status(weir_try_recv(rx, &due), WEIR_END_OF_CHANNEL);
	weir_receiver_free(rx);
}

ONE_CASE(timer, that_was_shut_has_ended_for_good)
{
	static const int64_t spans[] = {1, MS, 5 * MS};

	for (size_t i = 0; i < LENGTH(spans); i++) {
		shut_and_receive(tick(spans[i]));
		shut_and_receive(after(spans[i]));
	}
}
