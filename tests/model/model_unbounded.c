/* SPDX-License-Identifier: MIT */
/* model_unbounded.c - the list of segments, of two slots each here: handed from
 * one to the next, retired, given back, used again. */
#include "traffic.h"

MODEL(unbounded, first_segment, "two senders meet at the first segment")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	spawn("receiver", do_recv, &acts[2]);
	join();
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(unbounded, hand_over,
	"over a border, while the segment before is retired")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4),
		RECEIVES(ends), RECEIVES(ends), RECEIVES(ends)};

	do_send(&acts[0]);
	spawn("sender", do_send_two, &acts[1]);
	spawn("receiver 1", do_recv_two, &acts[3]);
	spawn("receiver 2", do_recv, &acts[5]);
	join();
	check(acts[3].element < acts[4].element);
	check_once(acts, 6, ends.rx);
	free_channel(ends);
}

MODEL(unbounded, stale_hints, "a slow sender and receivers over two borders")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4),
		SENDS(ends, 8), RECEIVES(ends), RECEIVES(ends), RECEIVES(ends),
		RECEIVES(ends)};

	spawn("sender 1", do_send_two, &acts[0]);
	spawn("sender 2", do_send_two, &acts[2]);
	spawn("receiver 1", do_try_recv_two, &acts[4]);
	spawn("receiver 2", do_try_recv_two, &acts[6]);
	join();
	check_once(acts, 8, ends.rx);
	free_channel(ends);
}

enum { SLOTS = 2 }; /* in a segment here */

/* Sends and receives in turns. */
static void around(struct act *acts, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		do_send(&acts[2 * i]);
		do_recv(&acts[2 * i + 1]);
		check(acts[2 * i + 1].status == WEIR_OK);
	}
}

static void around_a_border(void *acts)
{
	around(acts, SLOTS + 1);
}

static void around_two_borders(void *acts)
{
	around(acts, 2 * SLOTS);
}

MODEL(unbounded, spares, "segments come back while two threads use them up")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2),
		RECEIVES(ends), SENDS(ends, 4), RECEIVES(ends), SENDS(ends, 8),
		RECEIVES(ends), SENDS(ends, 16), RECEIVES(ends),
		SENDS(ends, 32), RECEIVES(ends)};

	spawn("one", around_a_border, &acts[0]);
	spawn("other", around_a_border, &acts[6]);
	join();
	check_once(acts, 12, ends.rx);
	free_channel(ends);
}

MODEL(unbounded, first_send_against_last_close,
	"the first segment is linked as the last receiver leaves")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	acts[2].status = WEIR_CLOSED_RESOURCE;
	spawn("sender", do_send_two, &acts[0]);
	spawn("receiver", do_free_receiver, &acts[2]);
	join();
	check_once(acts, 3, NULL);
	weir_sender_free(ends.tx);
}

MODEL(unbounded, drain_over_a_border,
	"the last receiver leaves with elements in two segments")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4),
		RECEIVES(ends), RECEIVES(ends)};
	weir_receiver *other;

	check(weir_receiver_clone(ends.rx, &other) == WEIR_OK);
	do_send(&acts[0]);
	do_send(&acts[1]);
	acts[4].status = WEIR_CLOSED_RESOURCE;
	weir_receiver_free(other);
	spawn("sender", do_send, &acts[2]);
	spawn("receiver", do_try_recv, &acts[3]);
	spawn("closer", do_close_receiver, &acts[4]);
	join();
	check_once(acts, 5, NULL);
	free_channel(ends);
}

static void length_is_sane(void *argument)
{
	struct act *act = argument;

	check(weir_receiver_length(act->rx) <= 3);
}

MODEL(unbounded, length, "a length read at a border")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4), RECEIVES(ends)};

	do_send(&acts[0]);
	spawn("sender", do_send_two, &acts[1]);
	spawn("receiver", do_recv, &acts[3]);
	spawn("reader", length_is_sane, &acts[3]);
	join();
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(unbounded, no_memory,
	"segments cannot be had: nothing is accepted, nothing is lost")
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4), RECEIVES(ends)};

	allocations_may_fail(2);
	do_send(&acts[0]);
	spawn("sender 1", do_send, &acts[1]);
	spawn("sender 2", do_send, &acts[2]);
	spawn("receiver", do_try_recv, &acts[3]);
	join();
	allocations_may_fail(0);
	for (unsigned i = 0; i < 3; i++)
		check(acts[i].status == WEIR_OK ||
			acts[i].status == WEIR_NO_MEMORY);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

static void pass_on(struct ends ends, unsigned count)
{
	struct act send = SENDS(ends, 1), recv = RECEIVES(ends);

	for (unsigned i = 0; i < count; i++)
		do_send(&send);
	for (unsigned i = 0; i < count; i++) {
		do_recv(&recv);
		check(recv.status == WEIR_OK);
	}
}

/* One receives the first of a segment while the other goes over two borders. */
static void slow_beside_busy(void (*slow)(void *), void (*busy)(void *))
{
	struct ends ends = open_channel(WEIR_UNBOUNDED);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2),
		RECEIVES(ends), SENDS(ends, 4), RECEIVES(ends), SENDS(ends, 8),
		RECEIVES(ends), SENDS(ends, 16), RECEIVES(ends)};

	pass_on(ends, 2 * SLOTS);
	do_send(&acts[8]);
	spawn("slow", slow, &acts[9]);
	spawn("busy", busy, &acts[0]);
	join();
	check_once(acts, 10, ends.rx);
	pass_on(ends, 3 * SLOTS);
	free_channel(ends);
}

MODEL(unbounded, oldest_comes_back,
	"one retires what another has retired and used again")
{
	slow_beside_busy(do_recv, around_two_borders);
}

static void recv_as_stranger(void *act)
{
	become_stranger();
	do_recv(act);
}

static void around_two_borders_as_stranger(void *acts)
{
	become_stranger();
	around_two_borders(acts);
}

MODEL(unbounded, slow_stranger, "the same; the slow one has no place for holds")
{
	slow_beside_busy(recv_as_stranger, around_two_borders);
}

MODEL(unbounded, busy_stranger, "the same; the busy one has none")
{
	slow_beside_busy(do_recv, around_two_borders_as_stranger);
}
