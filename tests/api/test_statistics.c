/* SPDX-License-Identifier: MIT */
/* test_statistics.c - what the counters say, and that both ends say the same. */
#include "fixture.h"

#include <string.h>

static void assert_both_ends_agree(weir_sender *tx, weir_receiver *rx)
{
	weir_statistics from_tx, from_rx;

	weir_sender_statistics(tx, &from_tx);
	weir_receiver_statistics(rx, &from_rx);
	cr_assert(memcmp(&from_tx, &from_rx, sizeof from_tx) == 0);
}

EVERY_FLAVOR(statistics, of_a_new_channel_are_its_capacity_and_two_ends)
{
	weir_statistics now;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	memset(&now, 0xff, sizeof now);
	weir_sender_statistics(tx, &now);
	cr_assert(now.current_buffer_used == 0);
	cr_assert(now.max_buffer_size == flavor->capacity);
	cr_assert(now.open_senders == 1 && now.open_receivers == 1);
	cr_assert(now.senders_waiting == 0 && now.receivers_waiting == 0);
	cr_assert(now.sent == 0 && now.received == 0);
	cr_assert(now.dropped == 0 && now.displaced == 0);
	cr_assert(now.name == NULL);
	assert_both_ends_agree(tx, rx);
	free_both(tx, rx);
}

HAS_BUFFER(statistics, count_what_is_sent_received_and_dropped)
{
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	assert_statistic(tx, sent, n);
	assert_statistic(tx, current_buffer_used, n);
	cr_assert(weir_sender_length(tx) == n && weir_receiver_length(rx) == n);
	assert_receives_now(rx, 0);
	assert_statistic(tx, received, 1);
	assert_statistic(tx, current_buffer_used, n - 1);
	assert_both_ends_agree(tx, rx);
	weir_receiver_close(rx);
	assert_statistic(tx, dropped, n - 1);
	assert_statistic(tx, sent, n);
	assert_statistic(tx, received, 1);
	assert_statistic(tx, current_buffer_used, 0);
	assert_both_ends_agree(tx, rx);
	free_both(tx, rx);
}

/* Seeds: Trio, AnyIO and PR test_statistics. */
EVERY_FLAVOR(statistics, follow_clones_and_closes_also_on_closed_endpoints)
{
	weir_sender *tx, *tx2;
	weir_receiver *rx, *rx2;

	open_flavor(flavor, &tx, &rx);
	tx2 = clone_sender(tx);
	rx2 = clone_receiver(rx);
	assert_statistic(tx, open_senders, 2);
	assert_statistic(tx, open_receivers, 2);
	weir_sender_close(tx);
	assert_statistic(tx, open_senders, 1);
	weir_receiver_close(rx);
	assert_statistic(tx, open_receivers, 1);
	assert_both_ends_agree(tx, rx);
	weir_sender_close(tx2);
	weir_receiver_close(rx2);
	assert_statistic(tx, open_senders, 0);
	assert_statistic(tx, open_receivers, 0);
	cr_assert(weir_sender_capacity(tx) == flavor->capacity);
	free_both(tx, rx);
	free_both(tx2, rx2);
}

CAN_BE_FULL(statistics, count_waiting_senders_down_as_they_are_served)
{
	struct op ops[3];
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	for (size_t i = 0; i < 3; i++) {
		op_send(&ops[i], tx, n + i);
		wait_until_senders_waiting(tx, i + 1);
	}
	for (size_t i = 0; i < 3; i++) {
		/* The last one may still be on its way to sleep. */
		wait_until_senders_waiting(tx, 3 - i);
		assert_statistic(tx, current_buffer_used, n);
		assert_receives_now(rx, i);
	}
	wait_until_senders_waiting(tx, 0);
	for (size_t i = 0; i < 3; i++)
		assert_op(&ops[i], WEIR_OK);
	free_both(tx, rx);
}

/* `waiting` of the statistics becomes n before the time of the ops is up; it is
 * asked for with longer and longer times, as a busy machine may need. */
EVERY_FLAVOR(statistics, count_waiting_receivers_until_their_time_is_up)
{
	weir_statistics now = {0};
	struct op ops[2];
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (int64_t span = 20 * MS; now.receivers_waiting < 2; span *= 2) {
		op_recv_until(&ops[0], rx, weir_now() + span);
		op_recv_until(&ops[1], rx, weir_now() + span);
		do
			weir_receiver_statistics(rx, &now);
		while (now.receivers_waiting < 2 && !task_done(&ops[0].task));
		assert_op(&ops[0], WEIR_TIMED_OUT);
		assert_op(&ops[1], WEIR_TIMED_OUT);
		assert_statistic(tx, receivers_waiting, 0);
	}
	assert_both_ends_agree(tx, rx);
	free_both(tx, rx);
}

/* Seeds: Trio test_statistics, PR send_cancellation. */
CAN_BE_FULL(statistics, count_waiting_senders_until_their_time_is_up)
{
	weir_statistics now = {0};
	struct op ops[2];
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	for (int64_t span = 20 * MS; now.senders_waiting < 2; span *= 2) {
		op_send_until(&ops[0], tx, 1, weir_now() + span);
		op_send_until(&ops[1], tx, 1, weir_now() + span);
		do
			weir_sender_statistics(tx, &now);
		while (now.senders_waiting < 2 && !task_done(&ops[0].task));
		assert_op(&ops[0], WEIR_TIMED_OUT);
		assert_op(&ops[1], WEIR_TIMED_OUT);
		assert_statistic(tx, senders_waiting, 0);
	}
	free_both(tx, rx);
}

static atomic_bool stop_looking;

/* 0 if the length never left its bounds. */
static int look_at_lengths(void *argument)
{
	weir_receiver *rx = argument;
	size_t capacity = weir_receiver_capacity(rx);

	while (!atomic_load(&stop_looking)) {
		size_t length = weir_receiver_length(rx);

		if (length > capacity || length > 100000)
			return 1;
	}
	return 0;
}

/* In another library a length read at the border of two blocks was huge. */
HAS_BUFFER(statistics, a_length_read_in_the_middle_of_traffic_is_in_bounds)
{
	struct task looker;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	task_start(&looker, look_at_lengths, rx);
	for (uint64_t i = 0; i < 20000; i++) {
		assert_sends_now(tx, i);
		assert_receives_now(rx, i);
	}
	atomic_store(&stop_looking, true);
	cr_assert(task_join(&looker) == 0);
	free_both(tx, rx);
}
