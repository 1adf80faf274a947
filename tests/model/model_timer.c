/* SPDX-License-Identifier: MIT */
/* model_timer.c - channels that the clock fills. */
#include "traffic.h"

struct timed {
	weir_receiver *rx;
	int64_t when;
	int64_t deadline;
	int status;
};

static void wait_for_timer(void *argument)
{
	struct timed *timed = argument;

	timed->status =
		weir_recv_until(timed->rx, &timed->when, timed->deadline);
}

MODEL(timer, one_shot, "two receivers, one element; the other gives up")
{
	struct timed one = {.deadline = deadline_ahead()}, other;
	int64_t due = one.deadline;

	one.deadline = deadline_ahead();
	check(weir_at(due, &one.rx) == WEIR_OK);
	other = one;
	spawn("receiver 1", wait_for_timer, &one);
	spawn("receiver 2", wait_for_timer, &other);
	join();
	check((one.status == WEIR_OK) != (other.status == WEIR_OK));
	check((one.status == WEIR_OK ? one.when : other.when) == due);
	weir_receiver_free(one.rx);
}

static void do_shut(void *argument)
{
	weir_receiver_shut(((struct timed *)argument)->rx);
}

MODEL(timer, shut, "shut as the time comes")
{
	struct timed timed = {.deadline = INT64_MAX};

	check(weir_at(deadline_ahead(), &timed.rx) == WEIR_OK);
	spawn("receiver", wait_for_timer, &timed);
	spawn("shutter", do_shut, &timed);
	join();
	check(timed.status == WEIR_OK || timed.status == WEIR_END_OF_CHANNEL);
	weir_receiver_free(timed.rx);
}

struct with_deadline {
	weir_case cases[2];
	int64_t when;
	uint64_t element;
	size_t index;
};

static void select_with_timer(void *argument)
{
	struct with_deadline *select = argument;

	check(weir_select(select->cases, 2, 0, &select->index) == WEIR_OK);
	check(select->cases[select->index].status == WEIR_OK);
}

MODEL(timer, in_a_select, "a timer and a sender, one of them is first")
{
	struct ends ends = open_channel(0);
	struct with_deadline select;
	struct act send = SENDS(ends, 1);
	int64_t due = deadline_ahead();
	weir_receiver *timer;

	check(weir_at(due, &timer) == WEIR_OK);
	select.cases[0] = (weir_case)WEIR_RECV_CASE(timer, &select.when);
	select.cases[1] = (weir_case)WEIR_RECV_CASE(ends.rx, &select.element);
	send.deadline = deadline_ahead();
	spawn("select", select_with_timer, &select);
	spawn("sender", do_send_until, &send);
	join();
	check((select.index == 1) == (send.status == WEIR_OK));
	check(select.index == 1 ? select.element == 1 : select.when == due);
	weir_receiver_free(timer);
	free_channel(ends);
}

static void take_tick(void *argument)
{
	struct timed *timed = argument;

	timed->status = weir_recv(timed->rx, &timed->when);
}

MODEL(timer, tick, "two receivers share ticks: each one goes to one of them")
{
	struct timed one = {0}, other;

	deadline_ahead();
	check(weir_tick(deadline_ahead() - model_now(), &one.rx) == WEIR_OK);
	other = one;
	spawn("receiver 1", take_tick, &one);
	spawn("receiver 2", take_tick, &other);
	join();
	check(one.status == WEIR_OK && other.status == WEIR_OK);
	check(one.when != other.when);
	weir_receiver_free(one.rx);
}
