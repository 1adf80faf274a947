/* SPDX-License-Identifier: MIT */
/* test_time.c - deadlines and time-outs: edges, exactness, no trace left.
 *
 * What the seeds call cancellation is a deadline here.
 */
#include "fixture.h"

static const int64_t deadlines_gone[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1};
static const int64_t spans_gone[] = {INT64_MIN, INT64_MIN + 1, -1, 0};

ONE_CASE(time, now_is_the_monotonic_clock)
{
	struct timespec a, b;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &a);
	now = weir_now();
	clock_gettime(CLOCK_MONOTONIC, &b);
	cr_assert(a.tv_sec * 1000 * MS + a.tv_nsec <= now);
	cr_assert(now <= b.tv_sec * 1000 * MS + b.tv_nsec);
}

EVERY_FLAVOR(time, a_recv_whose_deadline_is_gone_times_out_at_once)
{
	uint64_t value;
	ELEMENT(element);
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < LENGTH(deadlines_gone); i++)
		assert_status(recv_value_until(rx, &value, deadlines_gone[i]),
			WEIR_TIMED_OUT);
	for (size_t i = 0; i < LENGTH(spans_gone); i++)
		assert_status(weir_recv_for(rx, element, spans_gone[i]),
			WEIR_TIMED_OUT);
	assert_statistic(tx, receivers_waiting, 0);
	free_both(tx, rx);
}

CAN_BE_FULL(time, a_send_whose_deadline_is_gone_times_out_at_once)
{
	ELEMENT(element);
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	fill_element(element, 9);
	for (size_t i = 0; i < LENGTH(deadlines_gone); i++)
		assert_status(weir_send_until(tx, element, deadlines_gone[i]),
			WEIR_TIMED_OUT);
	for (size_t i = 0; i < LENGTH(spans_gone); i++)
		assert_status(weir_send_for(tx, element, spans_gone[i]),
			WEIR_TIMED_OUT);
	assert_statistic(tx, senders_waiting, 0);
	free_both(tx, rx);
}

/* A time-out of zero must still try once. */
HAS_BUFFER(time, what_can_be_done_at_once_is_done_though_the_deadline_is_gone)
{
	uint64_t value = TORN;
	ELEMENT(element);
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < LENGTH(deadlines_gone); i++) {
		assert_status(
			send_value_until(tx, i, deadlines_gone[i]), WEIR_OK);
		assert_status(recv_value_until(rx, &value, deadlines_gone[i]),
			WEIR_OK);
		assert_value(value, i);
	}
	for (size_t i = 0; i < LENGTH(spans_gone); i++) {
		fill_element(element, i);
		assert_status(
			weir_send_for(tx, element, spans_gone[i]), WEIR_OK);
		assert_status(
			weir_recv_for(rx, element, spans_gone[i]), WEIR_OK);
		assert_value(value_of(element), i);
	}
	free_both(tx, rx);
}

/* The same when it is a waiting thread that makes it possible. */
EVERY_FLAVOR(time, a_send_with_a_deadline_gone_reaches_a_waiting_receiver)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	assert_status(send_value_until(tx, 4, INT64_MIN), WEIR_OK);
	assert_op_received(&op, 4);
	free_both(tx, rx);
}

CAN_BE_FULL(time, a_recv_with_a_deadline_gone_takes_from_a_waiting_sender)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t value = TORN;

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	op_send(&op, tx, 0);
	wait_until_senders_waiting(tx, 1);
	assert_status(recv_value_until(rx, &value, INT64_MIN), WEIR_OK);
	assert_value(value, 0);
	assert_op(&op, WEIR_OK);
	free_both(tx, rx);
}

/* Huge and overflowing time-outs. */
EVERY_FLAVOR(time, the_longest_deadlines_wait_for_ever)
{
	static const int64_t far[] = {
		INT64_MAX, INT64_MAX - 1, INT64_MAX - 1000 * MS, INT64_MAX / 2};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < LENGTH(far); i++) {
		struct op op;

		op_recv_until(&op, rx, far[i]);
		wait_until_receivers_waiting(rx, 1);
		cr_assert(!task_done(&op.task));
		assert_sends(tx, i);
		assert_op_received(&op, i);
	}
	free_both(tx, rx);
}

struct timed {
	struct task task;
	weir_receiver *rx;
	int64_t span;
};

static int run_recv_for(void *argument)
{
	struct timed *timed = argument;
	ELEMENT(element);

	return weir_recv_for(timed->rx, element, timed->span);
}

EVERY_FLAVOR(time, the_longest_spans_wait_for_ever)
{
	static const int64_t far[] = {
		INT64_MAX, INT64_MAX - 1, INT64_MAX - 1000 * MS, INT64_MAX / 2};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < LENGTH(far); i++) {
		struct timed timed = {.rx = rx, .span = far[i]};

		task_start(&timed.task, run_recv_for, &timed);
		wait_until_receivers_waiting(rx, 1);
		cr_assert(!task_done(&timed.task));
		assert_sends(tx, i);
		assert_status(task_join(&timed.task), WEIR_OK);
	}
	free_both(tx, rx);
}

EVERY_FLAVOR(time, a_recv_times_out_at_its_deadline_and_not_before)
{
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (int64_t span = 1000; span < 20 * MS; span *= 7) {
		int64_t deadline = weir_now() + span;

		assert_status(
			recv_value_until(rx, &value, deadline), WEIR_TIMED_OUT);
		cr_assert(weir_now() >= deadline);
		cr_assert(weir_now() < deadline + patience_ns());
	}
	free_both(tx, rx);
}

CAN_BE_FULL(time, a_send_times_out_at_its_deadline_and_not_before)
{
	ELEMENT(element);
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	fill_element(element, 1);
	for (int64_t span = 1000; span < 20 * MS; span *= 7) {
		int64_t start = weir_now();

		assert_status(weir_send_for(tx, element, span), WEIR_TIMED_OUT);
		cr_assert(weir_now() >= start + span);
		cr_assert(weir_now() < start + span + patience_ns());
	}
	/* Nothing was sent. */
	assert_statistic(tx, sent, n);
	cr_assert(weir_sender_length(tx) == n);
	free_both(tx, rx);
}

/* Seeds: Trio test_553, PR receive_cancellation, AnyIO test_cancel_receive: a
 * receiver that gave up leaves no waiter behind. */
EVERY_FLAVOR(time, a_recv_that_timed_out_leaves_no_waiter_behind)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv_until(&op, rx, weir_now() + 20 * MS);
	assert_op(&op, WEIR_TIMED_OUT);
	assert_statistic(tx, receivers_waiting, 0);
	if (flavor->capacity == 0) {
		assert_status(try_send_value(tx, 1), WEIR_WOULD_BLOCK);
	} else {
		assert_status(try_send_value(tx, 1), WEIR_OK);
		assert_receives_now(rx, 1);
	}
	free_both(tx, rx);
}

/* Seeds: PR send_cancellation, AnyIO test_cancel_send. */
CAN_BE_FULL(time, a_send_that_timed_out_leaves_no_element_behind)
{
	struct op op;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send_until(&op, tx, 99, weir_now() + 20 * MS);
	assert_op(&op, WEIR_TIMED_OUT);
	assert_statistic(tx, senders_waiting, 0);
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(rx, i);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	free_both(tx, rx);
}

/* Seed: AnyIO test_receive_when_cancelled.  In C a deadline that is gone still
 * takes what is there, so the two waiting sends are served in order. */
CAN_BE_FULL(time, expired_receives_take_waiting_sends_in_order)
{
	struct op first, second;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send(&first, tx, n);
	wait_until_senders_waiting(tx, 1);
	op_send(&second, tx, n + 1);
	wait_until_senders_waiting(tx, 2);
	for (uint64_t i = 0; i < n + 2; i++)
		assert_receives_now(rx, i);
	assert_op(&first, WEIR_OK);
	assert_op(&second, WEIR_OK);
	free_both(tx, rx);
}

/* Seed: AnyIO test_send_when_cancelled: only "world" arrives. */
CAN_BE_FULL(time, an_expired_send_sends_nothing_where_there_is_no_room)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	assert_status(send_value_until(tx, 98, PAST), WEIR_TIMED_OUT);
	op_send(&op, tx, n);
	for (uint64_t i = 0; i <= n; i++)
		assert_receives(rx, i);
	assert_op(&op, WEIR_OK);
	free_both(tx, rx);
}

/* Seeds: AnyIO test_cancel_during_receive.  The send says OK while
 * the deadline passes; then the receiver has it, whatever the clock says. */
EVERY_FLAVOR(time, an_element_given_at_the_deadline_is_not_lost)
{
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t sent = 0, got = 0;

	open_flavor(flavor, &tx, &rx);
	for (int i = 0; i < 300; i++) {
		int64_t deadline = weir_now() + 100000 + i * 1000;
		struct op op;
		int status;

		op_recv_until(&op, rx, deadline);
		while (weir_now() < deadline - 20000)
			continue;
		status = try_send_value(tx, 7);
		if (op_join(&op) == WEIR_OK) {
			assert_value(op.value, 7);
			got++;
		} else {
			assert_status(op.task.status, WEIR_TIMED_OUT);
		}
		if (status == WEIR_OK)
			sent++;
		else
			assert_status(status, WEIR_WOULD_BLOCK);
		while (weir_receiver_length(rx) > 0) {
			assert_receives_now(rx, 7);
			got++;
		}
		cr_assert(sent == got);
	}
	assert_statistic(tx, receivers_waiting, 0);
	free_both(tx, rx);
}

/* The same for senders: TIMED_OUT means that nobody got it. */
CAN_BE_FULL(time, a_send_is_taken_or_timed_out_and_never_both)
{
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t sent, got = 0;

	open_flavor(flavor, &tx, &rx);
	sent = fill(tx);
	for (int i = 0; i < 300; i++) {
		int64_t deadline = weir_now() + 100000 + i * 1000;
		uint64_t value;
		struct op op;
		int status;

		op_send_until(&op, tx, 7, deadline);
		while (weir_now() < deadline - 20000)
			continue;
		if (try_recv_value(rx, &value) == WEIR_OK)
			got++;
		status = op_join(&op);
		if (status == WEIR_OK)
			sent++;
		else
			assert_status(status, WEIR_TIMED_OUT);
		cr_assert(sent - got == weir_sender_length(tx));
		/* Full again, so that the next one waits. */
		while (try_send_value(tx, 7) == WEIR_OK)
			sent++;
	}
	assert_statistic(tx, senders_waiting, 0);
	free_both(tx, rx);
}

/* Seed: AnyIO test_cancel_during_receive_buffered: gone first, then sent: the
 * element is in the buffer. */
HAS_BUFFER(time, an_element_sent_after_the_deadline_is_in_the_buffer)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv_until(&op, rx, weir_now() + 2 * MS);
	assert_op(&op, WEIR_TIMED_OUT);
	assert_sends_now(tx, 3);
	cr_assert(weir_receiver_length(rx) == 1);
	assert_receives_now(rx, 3);
	free_both(tx, rx);
}

/* A recv with a deadline, which has come to wait; on a busy machine that takes
 * longer than on others. */
static void op_recv_until_waiting(struct op *op, weir_receiver *rx)
{
	for (int64_t span = 10 * MS;; span *= 2) {
		weir_statistics now;

		op_recv_until(op, rx, weir_now() + span);
		do
			weir_receiver_statistics(rx, &now);
		while (now.receivers_waiting == 0 && !task_done(&op->task));
		if (now.receivers_waiting > 0)
			return;
		assert_op(op, WEIR_TIMED_OUT);
	}
}

/* Seed: AnyIO test_send_to_natively_cancelled_receiver: of two waiters the one
 * whose time is up is passed over, and the element is not lost. */
EVERY_FLAVOR(time, the_next_receiver_is_served_when_the_first_timed_out)
{
	struct op first, second;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv_until_waiting(&first, rx);
	op_recv(&second, rx);
	assert_op(&first, WEIR_TIMED_OUT);
	wait_until_receivers_waiting(rx, 1);
	assert_sends(tx, 5);
	assert_op_received(&second, 5);
	free_both(tx, rx);
}

/* A closed, ended or broken channel says so before the clock is looked at. */
EVERY_FLAVOR(time, a_deadline_that_is_gone_does_not_hide_the_end)
{
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	assert_status(
		recv_value_until(rx, &value, INT64_MIN), WEIR_END_OF_CHANNEL);
	assert_status(send_value_until(tx, 1, INT64_MIN), WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
	open_flavor(flavor, &tx, &rx);
	weir_receiver_close(rx);
	assert_status(send_value_until(tx, 1, INT64_MIN), WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
}
