/* SPDX-License-Identifier: MIT */
/* test_transfer.c - sending and receiving on one thread, and hand-offs. */
#include "fixture.h"

/* Seeds: AnyIO test_send_nowait_then_receive_nowait, PR
 * send_nowait_receive_nowait, buffered FIFO. */
HAS_BUFFER(transfer, what_is_sent_at_once_is_received_at_once_and_in_order)
{
	uint64_t value = TORN;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	for (uint64_t i = 0; i < n; i++) {
		assert_status(try_recv_value(rx, &value), WEIR_OK);
		assert_value(value, i);
	}
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	free_both(tx, rx);
}

/* Seed: PR send_nowait_would_block, Trio test_channel (third of two). */
CAN_BE_FULL(transfer, try_send_into_a_full_buffer_would_block)
{
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	assert_status(try_send_value(tx, 99), WEIR_WOULD_BLOCK);
	assert_statistic(tx, sent, n);
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(rx, i);
	free_both(tx, rx);
}

/* Seed: PR receive_nowait_would_block. */
EVERY_FLAVOR(transfer, try_recv_from_an_empty_buffer_would_block)
{
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	free_both(tx, rx);
}

/* Seed: Trio test_unbuffered, PR unbuffered. */
RENDEZVOUS(transfer, a_rendezvous_delivers_only_from_hand_to_hand)
{
	struct op op;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_status(try_send_value(tx, 1), WEIR_WOULD_BLOCK);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	op_send(&op, tx, 1);
	assert_receives(rx, 1);
	assert_op(&op, WEIR_OK);
	assert_status(try_send_value(tx, 1), WEIR_WOULD_BLOCK);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	free_both(tx, rx);
}

/* Seed: Trio test_channel, as a whole. */
ONE_CASE(transfer, a_channel_of_two_from_open_to_close)
{
	struct flavor flavor = {"", 2, 8};
	uint64_t value;
	weir_sender *tx, *tx_clone;
	weir_receiver *rx, *rx_clone;

	open_flavor(&flavor, &tx, &rx);
	assert_status(try_send_value(tx, 1), WEIR_OK);
	assert_status(send_value(tx, 2), WEIR_OK);
	assert_status(try_send_value(tx, 3), WEIR_WOULD_BLOCK);
	assert_status(recv_value(rx, &value), WEIR_OK);
	cr_assert(value == 1);
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	cr_assert(value == 2);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);

	assert_status(send_value(tx, 77), WEIR_OK);
	weir_sender_close(tx);
	assert_send_always(tx, WEIR_CLOSED_RESOURCE);
	assert_status(weir_sender_clone(tx, &tx_clone), WEIR_CLOSED_RESOURCE);
	weir_sender_close(tx);

	assert_receives_now(rx, 77);
	assert_ended(rx);
	weir_receiver_close(rx);
	assert_recv_always(rx, WEIR_CLOSED_RESOURCE);
	assert_status(weir_receiver_clone(rx, &rx_clone), WEIR_CLOSED_RESOURCE);
	weir_receiver_close(rx);
	free_both(tx, rx);
}

/* Seeds: Trio test_inf_capacity, PR inf_buffer (1000). */
UNBOUNDED(transfer, an_unbounded_channel_never_makes_a_sender_wait)
{
	enum { N = 10000 };
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < N; i++)
		assert_status(try_send_value(tx, i), WEIR_OK);
	cr_assert(weir_receiver_length(rx) == N);
	for (uint64_t i = 0; i < N; i++)
		assert_receives_now(rx, i);
	cr_assert(weir_receiver_length(rx) == 0);
	free_both(tx, rx);
}

/* The buffer may be left partly full at every lap. */
HAS_BUFFER(transfer, order_survives_wrapping_at_every_fill_level)
{
	uint64_t in = 0, out = 0;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n = flavor->capacity < 64 ? flavor->capacity : 64;

	open_flavor(flavor, &tx, &rx);
	for (size_t level = 0; level < n; level++) {
		for (int lap = 0; lap < 100; lap++) {
			assert_sends_now(tx, in++);
			assert_receives_now(rx, out++);
			cr_assert(weir_sender_length(tx) == level);
		}
		assert_sends_now(tx, in++);
	}
	while (out < in)
		assert_receives_now(rx, out++);
	free_both(tx, rx);
}

/* Seeds: AnyIO test_receive_then_send, PR direct_delivery. */
EVERY_FLAVOR(transfer, two_waiting_receivers_are_served_in_order_by_send)
{
	struct op first, second;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv(&second, rx);
	wait_until_receivers_waiting(rx, 2);
	assert_sends(tx, 10);
	assert_sends(tx, 20);
	assert_op_received(&first, 10);
	assert_op_received(&second, 20);
	free_both(tx, rx);
}

/* try_ may say WOULD_BLOCK while the other is about to fall asleep. */
static void try_send_soon(weir_sender *tx, uint64_t value)
{
	int status;

	wait_until((status = try_send_value(tx, value)) != WEIR_WOULD_BLOCK);
	assert_status(status, WEIR_OK);
}

static uint64_t try_recv_soon(weir_receiver *rx)
{
	uint64_t value = TORN;
	int status;

	wait_until((status = try_recv_value(rx, &value)) != WEIR_WOULD_BLOCK);
	assert_status(status, WEIR_OK);
	return value;
}

/* Seed: AnyIO test_receive_then_send_nowait. */
EVERY_FLAVOR(transfer, two_waiting_receivers_are_served_in_order_by_try_send)
{
	struct op first, second;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv(&second, rx);
	wait_until_receivers_waiting(rx, 2);
	try_send_soon(tx, 10);
	try_send_soon(tx, 20);
	assert_op_received(&first, 10);
	assert_op_received(&second, 20);
	free_both(tx, rx);
}

/* Seeds: AnyIO test_send_then_receive_nowait, PR receive_wakes_sender. */
CAN_BE_FULL(transfer, a_waiting_sender_is_served_by_try_recv)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send(&op, tx, n);
	wait_until_senders_waiting(tx, 1);
	cr_assert(!task_done(&op.task));
	assert_value(try_recv_soon(rx), 0);
	assert_op(&op, WEIR_OK);
	for (uint64_t i = 1; i < n + (n > 0); i++)
		assert_receives_now(rx, i);
	assert_statistic(tx, senders_waiting, 0);
	free_both(tx, rx);
}

/* Seed: AnyIO test_send_is_unblocked_after_receive_nowait: what the sender had
 * in its hand is in the buffer afterwards, which stays full. */
BOUNDED(transfer, a_place_that_comes_free_goes_to_the_waiting_sender)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send(&op, tx, n);
	wait_until_senders_waiting(tx, 1);
	assert_receives_now(rx, 0);
	assert_op(&op, WEIR_OK);
	assert_statistic(tx, current_buffer_used, n);
	for (uint64_t i = 1; i <= n; i++)
		assert_receives_now(rx, i);
	free_both(tx, rx);
}

/* Seed: PR send_blocks_when_full. */
CAN_BE_FULL(transfer, send_waits_while_the_buffer_is_full)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send(&op, tx, n);
	wait_until_senders_waiting(tx, 1);
	cr_assert(!task_done(&op.task));
	for (uint64_t i = 0; i <= n; i++)
		assert_receives(rx, i);
	assert_op(&op, WEIR_OK);
	free_both(tx, rx);
}

/* Seed: PR receive_blocks_when_empty. */
EVERY_FLAVOR(transfer, recv_waits_while_the_buffer_is_empty)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	cr_assert(!task_done(&op.task));
	assert_sends(tx, 6);
	assert_op_received(&op, 6);
	free_both(tx, rx);
}

/* With a waiting receiver a send returns before that runs; the element is the
 * receiver's. */
EVERY_FLAVOR(transfer, an_element_for_a_waiting_receiver_is_not_in_the_buffer)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	assert_sends(tx, 6);
	assert_op_received(&op, 6);
	cr_assert(weir_sender_length(tx) == 0);
	assert_statistic(tx, sent, 1);
	assert_statistic(tx, received, 1);
	free_both(tx, rx);
}

/* -- Promise 4: who waits is served first -------------------------------- */

/* Seed: Trio test_channel_fairness, first part: nobody waits. */
HAS_BUFFER(fairness, without_waiters_one_thread_gets_back_what_it_sent)
{
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < 10; i++) {
		assert_status(try_send_value(tx, i), WEIR_OK);
		assert_status(try_recv_value(rx, &value), WEIR_OK);
		assert_value(value, i);
	}
	free_both(tx, rx);
}

/* Second part: the element belongs to the waiter. */
EVERY_FLAVOR(fairness, an_element_belongs_to_the_receiver_that_waits)
{
	struct op op;
	uint64_t value = TORN;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < 100; i++) {
		op_recv(&op, rx);
		wait_until_receivers_waiting(rx, 1);
		assert_sends(tx, i);
		assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
		assert_op_received(&op, i);
	}
	free_both(tx, rx);
}

/* Third part: so does the place. */
CAN_BE_FULL(fairness, a_place_belongs_to_the_sender_that_waits)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	for (uint64_t i = 0; i < 100; i++) {
		op_send(&op, tx, n + i);
		wait_until_senders_waiting(tx, 1);
		assert_receives_now(rx, i);
		assert_status(try_send_value(tx, 999), WEIR_WOULD_BLOCK);
		assert_status(send_value_until(tx, 999, PAST), WEIR_TIMED_OUT);
		assert_op(&op, WEIR_OK);
	}
	for (uint64_t i = 100; i < n + 100; i++)
		assert_receives_now(rx, i);
	free_both(tx, rx);
}

/* As in Trio: 5 senders, 0 to 4. */
CAN_BE_FULL(fairness, waiting_senders_are_served_in_order_of_arrival)
{
	struct op ops[5];
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_send(&ops[i], tx, n + i);
		wait_until_senders_waiting(tx, i + 1);
	}
	for (size_t i = 0; i < LENGTH(ops); i++) {
		assert_receives_now(rx, i);
		assert_op(&ops[i], WEIR_OK);
		assert_statistic(tx, senders_waiting, LENGTH(ops) - i - 1);
	}
	for (size_t i = LENGTH(ops); i < n + LENGTH(ops); i++)
		assert_receives_now(rx, i);
	free_both(tx, rx);
}

/* As in Trio: 4 receivers, a to d. */
EVERY_FLAVOR(fairness, waiting_receivers_are_served_in_order_of_arrival)
{
	struct op ops[4];
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_recv(&ops[i], rx);
		wait_until_receivers_waiting(rx, i + 1);
	}
	for (size_t i = 0; i < LENGTH(ops); i++) {
		assert_sends(tx, i);
		assert_op_received(&ops[i], i);
		assert_statistic(tx, receivers_waiting, LENGTH(ops) - i - 1);
	}
	free_both(tx, rx);
}

/* Who gives up frees his place in the queue, and nobody else's. */
EVERY_FLAVOR(fairness, a_receiver_that_gives_up_lets_the_next_one_move_up)
{
	struct op first, second, third;
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv(&second, other);
	wait_until_receivers_waiting(rx, 2);
	op_recv(&third, rx);
	wait_until_receivers_waiting(rx, 3);
	weir_receiver_close(other);
	assert_op(&second, WEIR_CLOSED_RESOURCE);
	wait_until_receivers_waiting(rx, 2);
	assert_sends(tx, 1);
	assert_sends(tx, 2);
	assert_op_received(&first, 1);
	assert_op_received(&third, 2);
	weir_receiver_free(other);
	free_both(tx, rx);
}

struct consumer {
	struct task task;
	weir_receiver *rx;
	int n;
};

static int consume_all(void *argument)
{
	struct consumer *consumer = argument;
	uint64_t value;
	int status;

	while ((status = recv_value(consumer->rx, &value)) == WEIR_OK)
		consumer->n++;
	return status;
}

/* Seed: Trio test_channel_multiple_consumers: five threads on one and the same
 * receiver, ten elements, and none goes without. */
EVERY_FLAVOR(fairness, each_of_several_consumers_of_one_receiver_gets_some)
{
	struct consumer consumers[5] = {0};
	weir_sender *tx;
	weir_receiver *rx;
	int total = 0;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < LENGTH(consumers); i++) {
		consumers[i].rx = rx;
		task_start(&consumers[i].task, consume_all, &consumers[i]);
	}
	wait_until_receivers_waiting(rx, LENGTH(consumers));
	for (uint64_t i = 0; i < 10; i++)
		assert_sends(tx, i);
	weir_sender_close(tx);
	for (size_t i = 0; i < LENGTH(consumers); i++) {
		assert_status(
			task_join(&consumers[i].task), WEIR_END_OF_CHANNEL);
		cr_assert(consumers[i].n >= 1);
		total += consumers[i].n;
	}
	cr_assert(total == 10);
	free_both(tx, rx);
}

/* A sender that gives up does not block the one behind it. */
CAN_BE_FULL(fairness, a_sender_that_gives_up_lets_the_next_one_move_up)
{
	struct op first, second;
	weir_sender *tx, *other;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	other = clone_sender(tx);
	n = fill(tx);
	op_send(&first, other, 99);
	wait_until_senders_waiting(tx, 1);
	op_send(&second, tx, n);
	wait_until_senders_waiting(tx, 2);
	weir_sender_close(other);
	assert_op(&first, WEIR_CLOSED_RESOURCE);
	for (uint64_t i = 0; i <= n; i++)
		assert_receives_now(rx, i);
	assert_op(&second, WEIR_OK);
	weir_sender_free(other);
	free_both(tx, rx);
}
