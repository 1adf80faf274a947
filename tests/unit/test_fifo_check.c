/* SPDX-License-Identifier: MIT */
/* test_fifo_check.c - for each condition of the checker of histories: what is
 * right passes, however near it is to what is wrong; and what is wrong is found
 * by that condition.
 *
 * Times are small numbers.  Intervals that touch overlap, so a history that is
 * right only because of that is tried wherever it can be.
 */
#include <criterion/criterion.h>

#include "histories.h"

#define FIFO_TEST(name) Test(fifo_check, name, .timeout = 60)

static struct written history;
static struct fifo_channel channel = {
	.capacity = WEIR_UNBOUNDED, .senders = 1, .receivers = 1};
static struct fifo_result result;

static struct history_record *op(enum history_kind kind, uint64_t value,
	int status, int64_t start, int64_t end)
{
	return write_down(&history, kind, value, status, start, end);
}

static struct history_record *sent(uint64_t value, int64_t start, int64_t end)
{
	return op(HISTORY_SEND, value, WEIR_OK, start, end);
}

static struct history_record *received(
	uint64_t value, int64_t start, int64_t end)
{
	return op(HISTORY_RECV, value, WEIR_OK, start, end);
}

static struct history_record *recv_said(int status, int64_t start, int64_t end)
{
	return op(HISTORY_RECV, 0, status, start, end);
}

static struct history_record *send_said(int status, int64_t start, int64_t end)
{
	return op(HISTORY_SEND, 99, status, start, end);
}

static void senders_closed(int64_t start, int64_t end)
{
	op(HISTORY_CLOSE_SENDER, 0, WEIR_OK, start, end);
}

static void receivers_closed(int64_t start, int64_t end)
{
	op(HISTORY_CLOSE_RECEIVER, 0, WEIR_OK, start, end);
}

/* Decide what was written, and begin a new one. */
static bool decide(void)
{
	bool right =
		fifo_check(&channel, history.records, history.count, &result);

	history.count = 0;
	return right;
}

#define assert_right()                                                         \
	do {                                                                   \
		bool right = decide();                                         \
                                                                               \
		fifo_print(stderr, &result);                                   \
		cr_assert(right);                                              \
	} while (0)
#define assert_wrong(condition)                                                \
	cr_assert(!decide() && result.found[condition] > 0)

/* Nothing but this condition finds it. */
#define assert_only(condition)                                                 \
	do {                                                                   \
		assert_wrong(condition);                                       \
		for (int i = 0; i < FIFO_CONDITIONS; i++)                      \
			cr_assert(i == (int)(condition) ||                     \
				  result.found[i] == 0);                       \
	} while (0)

FIFO_TEST(nothing_at_all_is_right)
{
	assert_right();
}

FIFO_TEST(fresh_an_element_comes_out_after_it_went_in)
{
	sent(1, 10, 20);
	received(1, 5, 10);
	assert_right();
	sent(1, 10, 20);
	received(1, 5, 9);
	assert_only(FIFO_FRESH);
	received(1, 5, 9);
	assert_only(FIFO_FRESH);
}

FIFO_TEST(fresh_a_send_that_was_refused_sends_nothing)
{
	op(HISTORY_SEND, 1, WEIR_WOULD_BLOCK, 1, 2);
	op(HISTORY_RECV, 0, WEIR_OK, 1, 9)->value = 2;
	sent(2, 1, 3);
	assert_right();
	op(HISTORY_SEND, 1, WEIR_TIMED_OUT, 1, 2);
	channel.capacity = 0; /* it may well time out */
	received(1, 1, 2);
	assert_only(FIFO_FRESH);
}

FIFO_TEST(fresh_a_place_in_hand_has_no_element_before_the_commit)
{
	struct history_record *reserved = sent(1, 1, 2);

	reserved->from = 10;
	reserved->until = 12;
	received(1, 5, 10);
	assert_right();
	reserved = sent(1, 1, 2);
	reserved->from = 10;
	reserved->until = 12;
	received(1, 5, 9);
	assert_only(FIFO_FRESH);
}

FIFO_TEST(fresh_a_send_that_has_not_returned_may_have_sent)
{
	op(HISTORY_SEND, 1, HISTORY_PENDING, 1, INT64_MAX);
	received(1, 5, 9);
	op(HISTORY_SEND, 2, HISTORY_PENDING, 1, INT64_MAX);
	op(HISTORY_RECV, 0, HISTORY_PENDING, 1, INT64_MAX);
	assert_right();
	op(HISTORY_SEND, 1, HISTORY_PENDING, 10, INT64_MAX);
	received(1, 5, 9);
	assert_only(FIFO_FRESH);
}

FIFO_TEST(repeat_an_element_comes_out_once)
{
	sent(1, 1, 2);
	received(1, 3, 4);
	assert_right();
	sent(1, 1, 2);
	received(1, 3, 4);
	received(1, 3, 4);
	assert_only(FIFO_REPEAT);
	sent(1, 1, 2);
	received(1, 3, 4);
	op(HISTORY_DISPLACED, 1, WEIR_OK, 3, 4);
	assert_only(FIFO_REPEAT);
}

FIFO_TEST(lost_what_was_accepted_is_received_or_dropped)
{
	sent(1, 1, 2);
	sent(2, 1, 2);
	received(1, 3, 4);
	op(HISTORY_DROPPED, 2, WEIR_OK, 10, 20);
	receivers_closed(10, 20);
	assert_right();
	sent(1, 1, 2);
	receivers_closed(10, 20);
	assert_only(FIFO_LOST);
}

FIFO_TEST(order_is_that_of_the_sends_where_they_do_not_overlap)
{
	sent(1, 1, 10);
	sent(2, 10, 12);
	received(2, 13, 14);
	received(1, 15, 16);
	assert_right();
	sent(1, 1, 10);
	sent(2, 11, 12);
	received(2, 13, 15);
	received(1, 15, 16);
	assert_right();
	sent(1, 1, 10);
	sent(2, 11, 12);
	received(2, 13, 14);
	received(1, 15, 16);
	assert_only(FIFO_ORDER);
}

FIFO_TEST(order_an_element_that_never_comes_out_holds_up_those_behind_it)
{
	sent(1, 1, 2);
	assert_right();
	sent(1, 1, 2);
	sent(2, 3, 4);
	received(2, 5, 6);
	assert_only(FIFO_ORDER);
}

FIFO_TEST(order_holds_for_what_is_displaced_and_dropped)
{
	sent(1, 1, 2);
	sent(2, 3, 4);
	op(HISTORY_DISPLACED, 2, WEIR_OK, 5, 6);
	received(1, 7, 8);
	assert_only(FIFO_ORDER);
	sent(1, 1, 2);
	sent(2, 3, 4);
	op(HISTORY_DROPPED, 1, WEIR_OK, 5, 9);
	received(2, 6, 8);
	receivers_closed(5, 9);
	assert_right();
}

FIFO_TEST(order_of_a_place_in_hand_is_that_of_the_reservation)
{
	struct history_record *reserved = sent(1, 1, 2);

	reserved->from = reserved->until = 10;
	sent(2, 3, 4);
	received(1, 11, 12);
	received(2, 13, 14);
	assert_right();
	reserved = sent(1, 1, 2);
	reserved->from = reserved->until = 10;
	sent(2, 3, 4);
	received(2, 11, 12);
	received(1, 13, 14);
	assert_only(FIFO_ORDER);
}

FIFO_TEST(order_a_break_takes_what_is_in_hand_whenever_that_is_dropped)
{
	struct history_record *reserved = sent(1, 1, 2);

	reserved->from = reserved->until = 30;
	sent(2, 3, 4);
	op(HISTORY_DROPPED, 2, WEIR_OK, 10, 20);
	receivers_closed(10, 20);
	op(HISTORY_DROPPED, 1, WEIR_OK, 30, 30);
	assert_right();
}

FIFO_TEST(batch_what_is_sent_in_one_call_comes_out_in_order)
{
	sent(1, 1, 9);
	sent(2, 1, 9)->flags = HISTORY_MORE;
	received(1, 10, 11);
	received(2, 10, 11);
	assert_right();
	sent(1, 1, 9);
	sent(2, 1, 9)->flags = HISTORY_MORE;
	received(2, 10, 11);
	received(1, 12, 13);
	assert_only(FIFO_BATCH);
}

FIFO_TEST(batch_what_is_received_in_one_call_is_in_order)
{
	sent(1, 1, 2);
	sent(2, 2, 3);
	received(2, 4, 5);
	received(1, 4, 5)->flags = HISTORY_MORE;
	assert_right();
	sent(1, 1, 2);
	sent(2, 3, 4);
	received(2, 5, 6);
	received(1, 5, 6)->flags = HISTORY_MORE;
	assert_only(FIFO_BATCH);
}

FIFO_TEST(capacity_is_never_exceeded)
{
	channel.capacity = 2;
	sent(1, 1, 2);
	sent(2, 3, 4);
	sent(3, 5, 8);
	received(1, 8, 9);
	assert_right();
	sent(1, 1, 2);
	sent(2, 3, 4);
	sent(3, 5, 7);
	received(1, 8, 9);
	assert_only(FIFO_CAPACITY);
}

FIFO_TEST(capacity_counts_a_place_that_was_not_given_back)
{
	channel.capacity = 1;
	sent(1, 1, 2);
	received(1, 3, 4)->from = 20;
	history.records[1].until = 21;
	sent(2, 5, 20);
	assert_right();
	sent(1, 1, 2);
	received(1, 3, 4)->from = 20;
	history.records[1].until = 21;
	sent(2, 5, 19);
	assert_only(FIFO_CAPACITY);
}

FIFO_TEST(rendezvous_is_from_hand_to_hand)
{
	channel.capacity = 0;
	sent(1, 1, 5);
	received(1, 5, 9);
	assert_right();
	sent(1, 1, 4);
	received(1, 5, 9);
	assert_only(FIFO_RENDEZVOUS);
}

FIFO_TEST(close_point_no_send_is_accepted_after_the_last_close)
{
	sent(1, 20, 30);
	receivers_closed(10, 20);
	op(HISTORY_DROPPED, 1, WEIR_OK, 10, 20);
	assert_right();
	sent(1, 21, 30);
	receivers_closed(10, 20);
	assert_wrong(FIFO_CLOSE_POINT);
}

FIFO_TEST(close_point_no_send_is_accepted_after_the_end_was_told)
{
	senders_closed(10, 90);
	recv_said(WEIR_END_OF_CHANNEL, 15, 20);
	sent(1, 20, 30);
	received(1, 15, 20);
	assert_right();
	senders_closed(10, 90);
	recv_said(WEIR_END_OF_CHANNEL, 15, 20);
	sent(1, 21, 30);
	received(1, 25, 30);
	assert_wrong(FIFO_CLOSE_POINT);
}

FIFO_TEST(close_point_nothing_is_over_before_the_last_close_begins)
{
	channel.senders = 2;
	senders_closed(1, 2);
	op(HISTORY_CLOSE_SENDER, 0, WEIR_OK, 10, 20)->endpoint = 1;
	recv_said(WEIR_END_OF_CHANNEL, 5, 10);
	assert_right();
	senders_closed(1, 2);
	op(HISTORY_CLOSE_SENDER, 0, WEIR_OK, 10, 20)->endpoint = 1;
	recv_said(WEIR_END_OF_CHANNEL, 5, 9);
	assert_only(FIFO_CLOSE_POINT);
	send_said(WEIR_BROKEN_RESOURCE, 1, 2);
	assert_only(FIFO_CLOSE_POINT);
}

FIFO_TEST(close_point_shut_breaks_and_ends)
{
	op(HISTORY_SHUT, 0, WEIR_OK, 10, 20);
	send_said(WEIR_BROKEN_RESOURCE, 1, 10);
	recv_said(WEIR_END_OF_CHANNEL, 1, 10);
	assert_right();
	op(HISTORY_SHUT, 0, WEIR_OK, 10, 20);
	send_said(WEIR_BROKEN_RESOURCE, 1, 9);
	assert_only(FIFO_CLOSE_POINT);
}

FIFO_TEST(end_comes_after_everything_was_received)
{
	sent(1, 1, 2);
	senders_closed(3, 4);
	received(1, 8, 20);
	recv_said(WEIR_END_OF_CHANNEL, 5, 8);
	assert_right();
	sent(1, 1, 2);
	senders_closed(3, 4);
	received(1, 9, 20);
	recv_said(WEIR_END_OF_CHANNEL, 5, 8);
	assert_only(FIFO_END);
	sent(1, 1, 2);
	senders_closed(3, 4);
	recv_said(WEIR_END_OF_CHANNEL, 5, 8);
	assert_only(FIFO_END);
}

FIFO_TEST(endpoint_closed_is_told_when_it_is_closed_and_not_before)
{
	channel.senders = 2;
	senders_closed(10, 20);
	send_said(WEIR_CLOSED_RESOURCE, 5, 10);
	sent(1, 20, 21);
	assert_right();
	senders_closed(10, 20);
	send_said(WEIR_CLOSED_RESOURCE, 5, 9);
	assert_only(FIFO_ENDPOINT);
	senders_closed(10, 20);
	sent(1, 21, 22);
	assert_only(FIFO_ENDPOINT);
}

FIFO_TEST(dropped_nothing_is_while_a_receiver_is_open)
{
	sent(1, 1, 2);
	receivers_closed(10, 20);
	op(HISTORY_DROPPED, 1, WEIR_OK, 5, 10);
	assert_right();
	sent(1, 1, 2);
	receivers_closed(10, 20);
	op(HISTORY_DROPPED, 1, WEIR_OK, 5, 9);
	assert_only(FIFO_DROPPED);
}

/* -- Answers -------------------------------------------------------------- */

FIFO_TEST(empty_late_there_was_an_instant_with_nothing_inside)
{
	sent(1, 1, 2);
	received(1, 9, 10);
	recv_said(WEIR_TIMED_OUT, 3, 9);
	assert_right();
	sent(1, 1, 3);
	received(1, 9, 10);
	recv_said(WEIR_TIMED_OUT, 3, 8);
	assert_right();
	sent(1, 1, 2);
	received(1, 9, 10);
	recv_said(WEIR_TIMED_OUT, 3, 8);
	assert_only(FIFO_EMPTY_LATE);
}

FIFO_TEST(empty_late_several_elements_may_cover_it_together)
{
	sent(1, 1, 2);
	received(1, 5, 6);
	sent(2, 3, 5);
	received(2, 9, 10);
	recv_said(WEIR_TIMED_OUT, 3, 8);
	assert_right();
	sent(1, 1, 2);
	received(1, 5, 6);
	sent(2, 3, 4);
	received(2, 9, 10);
	recv_said(WEIR_TIMED_OUT, 3, 8);
	assert_only(FIFO_EMPTY_LATE);
}

FIFO_TEST(empty_late_a_place_in_a_senders_hands_holds_up_what_is_behind_it)
{
	struct history_record *reserved = sent(1, 1, 2);

	reserved->from = 8;
	reserved->until = 9;
	sent(2, 3, 4);
	recv_said(WEIR_TIMED_OUT, 5, 6);
	received(1, 10, 11);
	received(2, 12, 13);
	assert_right();
	reserved = sent(1, 1, 2);
	reserved->from = 8;
	reserved->until = 9;
	sent(2, 3, 4);
	recv_said(WEIR_TIMED_OUT, 10, 11);
	received(1, 12, 13);
	received(2, 14, 15);
	assert_only(FIFO_EMPTY_LATE);
}

FIFO_TEST(empty_late_an_element_may_belong_to_another_who_then_leaves)
{
	sent(1, 1, 2);
	op(HISTORY_LEFT_RECV, 0, WEIR_OK, 0, 9)->rest = 1;
	recv_said(WEIR_TIMED_OUT, 3, 8);
	received(1, 9, 10);
	assert_right();
	sent(1, 1, 2);
	sent(2, 1, 2);
	op(HISTORY_LEFT_RECV, 0, WEIR_OK, 0, 9)->rest = 1;
	recv_said(WEIR_TIMED_OUT, 3, 8);
	received(1, 9, 10);
	assert_only(FIFO_EMPTY_LATE);
}

FIFO_TEST(empty_late_a_displaced_element_and_its_successor_leave_no_gap)
{
	for (int at_once = 0; at_once < 2; at_once++) {
		channel.capacity = 1;
		channel.displaces_at_once = at_once;
		sent(1, 1, 2);
		op(HISTORY_DISPLACED, 1, WEIR_OK, 4, 8);
		sent(2, 4, 8)->flags = HISTORY_FORCED | HISTORY_DISPLACES;
		recv_said(WEIR_TIMED_OUT, 5, 6);
		received(2, 9, 10);
		if (at_once)
			assert_only(FIFO_EMPTY_LATE);
		else
			assert_right();
	}
}

/* Who gets the successor may have waited before it was there. */
FIFO_TEST(empty_late_a_successor_may_belong_to_another)
{
	for (int start = 3; start <= 7; start += 4) {
		channel.capacity = 1;
		channel.displaces_at_once = true;
		sent(1, 1, 2);
		op(HISTORY_DISPLACED, 1, WEIR_OK, 4, 8);
		sent(2, 4, 8)->flags = HISTORY_FORCED | HISTORY_DISPLACES;
		recv_said(WEIR_TIMED_OUT, 5, 6);
		received(2, start, 9);
		if (start > 6)
			assert_only(FIFO_EMPTY_LATE);
		else
			assert_right();
	}
}

FIFO_TEST(empty_late_at_the_end_it_is_another_answer)
{
	senders_closed(1, 5);
	recv_said(WEIR_TIMED_OUT, 5, 9);
	assert_right();
	senders_closed(1, 5);
	recv_said(WEIR_TIMED_OUT, 6, 9);
	assert_only(FIFO_EMPTY_LATE);
}

FIFO_TEST(empty_only_a_try_call_may_say_so_beside_another_operation)
{
	sent(1, 1, 2);
	sent(2, 5, 6);
	recv_said(WEIR_WOULD_BLOCK, 3, 5);
	received(1, 9, 10);
	assert_right();
	sent(1, 1, 2);
	sent(2, 5, 6);
	recv_said(WEIR_WOULD_BLOCK, 3, 4);
	received(1, 9, 10);
	assert_only(FIFO_EMPTY);
	sent(1, 1, 2);
	sent(2, 5, 6);
	recv_said(WEIR_TIMED_OUT, 3, 5);
	received(1, 9, 10);
	assert_only(FIFO_EMPTY_LATE);
}

FIFO_TEST(full_late_there_was_an_instant_with_all_places_taken)
{
	channel.capacity = 1;
	sent(1, 5, 6);
	received(1, 8, 9);
	send_said(WEIR_TIMED_OUT, 1, 5);
	send_said(WEIR_TIMED_OUT, 9, 20);
	assert_right();
	sent(1, 5, 6);
	received(1, 8, 9);
	send_said(WEIR_TIMED_OUT, 1, 4);
	assert_only(FIFO_FULL_LATE);
	sent(1, 5, 6);
	received(1, 8, 9);
	send_said(WEIR_TIMED_OUT, 10, 20);
	assert_only(FIFO_FULL_LATE);
}

FIFO_TEST(full_late_a_batch_needs_as_many_places_as_it_has_left)
{
	channel.capacity = 3;
	sent(1, 1, 2);
	send_said(WEIR_TIMED_OUT, 3, 4)->rest = 3;
	assert_right();
	sent(1, 1, 2);
	send_said(WEIR_TIMED_OUT, 3, 4)->rest = 2;
	assert_only(FIFO_FULL_LATE);
}

FIFO_TEST(full_late_a_place_given_back_unused_waits_for_those_before_it)
{
	channel.capacity = 2;
	sent(1, 1, 2);
	op(HISTORY_ABORT, 0, WEIR_OK, 3, 4)->until = 5;
	received(1, 8, 9);
	send_said(WEIR_TIMED_OUT, 9, 10);
	assert_right();
	sent(1, 1, 2);
	op(HISTORY_ABORT, 0, WEIR_OK, 3, 4)->until = 5;
	received(1, 8, 9);
	send_said(WEIR_TIMED_OUT, 10, 11);
	assert_only(FIFO_FULL_LATE);
}

FIFO_TEST(full_late_when_it_is_broken_it_is_another_answer)
{
	channel.capacity = 1;
	sent(1, 1, 2);
	op(HISTORY_SHUT, 0, WEIR_OK, 3, 4);
	send_said(WEIR_TIMED_OUT, 4, 5);
	assert_right();
	sent(1, 1, 2);
	op(HISTORY_SHUT, 0, WEIR_OK, 3, 4);
	send_said(WEIR_TIMED_OUT, 5, 6);
	assert_only(FIFO_FULL_LATE);
}

FIFO_TEST(full_only_a_try_call_may_say_so_beside_another_operation)
{
	channel.capacity = 2;
	sent(1, 1, 2);
	recv_said(WEIR_TIMED_OUT, 0, 3);
	send_said(WEIR_WOULD_BLOCK, 3, 4);
	assert_right();
	sent(1, 1, 2);
	recv_said(WEIR_TIMED_OUT, 0, 3);
	send_said(WEIR_WOULD_BLOCK, 4, 5);
	assert_only(FIFO_FULL);
}

FIFO_TEST(forced_displaces_where_it_is_full)
{
	channel.capacity = 1;
	sent(1, 1, 2);
	op(HISTORY_DISPLACED, 1, WEIR_OK, 3, 4);
	sent(2, 3, 4)->flags = HISTORY_FORCED | HISTORY_DISPLACES;
	assert_right();
	channel.capacity = 2;
	sent(1, 1, 2);
	op(HISTORY_DISPLACED, 1, WEIR_OK, 3, 4);
	sent(2, 3, 4)->flags = HISTORY_FORCED | HISTORY_DISPLACES;
	assert_only(FIFO_FORCED);
}

FIFO_TEST(forced_does_not_say_that_it_is_full)
{
	channel.capacity = 1;
	sent(1, 1, 3);
	send_said(WEIR_WOULD_BLOCK, 3, 4)->flags = HISTORY_FORCED;
	assert_right();
	sent(1, 1, 2);
	send_said(WEIR_WOULD_BLOCK, 3, 4)->flags = HISTORY_FORCED;
	assert_only(FIFO_FORCED);
}
