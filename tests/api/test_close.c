/* SPDX-License-Identifier: MIT */
/* test_close.c - what a close is to the endpoint, its side, and the others. */
#include "counting.h"
#include "drops.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

/* -- The endpoint itself ------------------------------------------------- */

/* Seeds: Trio test_close_basics and test_close_sync, first part; PR
 * closed_send_raises. */
CAN_BE_FULL(close, closing_a_sender_wakes_its_waiting_send_with_closed)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send(&op, tx, 99);
	wait_until_senders_waiting(tx, 1);
	weir_sender_close(tx);
	assert_op(&op, WEIR_CLOSED_RESOURCE);
	assert_send_always(tx, WEIR_CLOSED_RESOURCE);
	cr_assert(weir_sender_is_closed(tx));

	/* Its element is not delivered, what was accepted is. */
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(rx, i);
	assert_ended(rx);
	assert_statistic(tx, senders_waiting, 0);
	free_both(tx, rx);
}

/* Seeds: Trio test_close_basics, third part; PR closed_receive_raises. */
EVERY_FLAVOR(close, closing_a_receiver_wakes_its_waiting_recv_with_closed)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	weir_receiver_close(rx);
	assert_op(&op, WEIR_CLOSED_RESOURCE);
	assert_recv_always(rx, WEIR_CLOSED_RESOURCE);
	cr_assert(weir_receiver_is_closed(rx));
	assert_statistic(tx, receivers_waiting, 0);
	free_both(tx, rx);
}

/* Seed: Trio test_close_multiple_send_handles.  In another model the closed
 * endpoint's waiter got the next element. */
CAN_BE_FULL(close, closing_a_sender_wakes_only_who_waits_through_it)
{
	struct op ops[4];
	weir_sender *tx, *other;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	other = clone_sender(tx);
	n = fill(tx);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_send(&ops[i], i % 2 == 0 ? tx : other, n + i);
		wait_until_senders_waiting(tx, i + 1);
	}
	weir_sender_close(tx);
	assert_op(&ops[0], WEIR_CLOSED_RESOURCE);
	assert_op(&ops[2], WEIR_CLOSED_RESOURCE);
	wait_until_senders_waiting(other, 2);
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(rx, i);
	assert_receives_now(rx, n + 1);
	assert_receives_now(rx, n + 3);
	assert_op(&ops[1], WEIR_OK);
	assert_op(&ops[3], WEIR_OK);
	weir_sender_free(other);
	assert_ended(rx);
	free_both(tx, rx);
}

/* Seed: Trio test_close_multiple_receive_handles. */
EVERY_FLAVOR(close, closing_a_receiver_wakes_only_who_waits_through_it)
{
	struct op ops[4];
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_recv(&ops[i], i % 2 == 0 ? rx : other);
		wait_until_receivers_waiting(rx, i + 1);
	}
	weir_receiver_close(rx);
	assert_op(&ops[0], WEIR_CLOSED_RESOURCE);
	assert_op(&ops[2], WEIR_CLOSED_RESOURCE);
	wait_until_receivers_waiting(other, 2);
	assert_sends(tx, 11);
	assert_sends(tx, 33);
	assert_op_received(&ops[1], 11);
	assert_op_received(&ops[3], 33);
	weir_receiver_free(other);
	free_both(tx, rx);
}

/* Seeds: PR close_idempotent (both), AnyIO test_sync_close. */
EVERY_FLAVOR(close, closing_twice_does_nothing)
{
	weir_sender *tx, *tx_clone;
	weir_receiver *rx, *rx_clone;

	open_flavor(flavor, &tx, &rx);
	tx_clone = clone_sender(tx);
	rx_clone = clone_receiver(rx);
	for (int i = 0; i < 3; i++) {
		weir_sender_close(tx);
		weir_receiver_close(rx);
		assert_statistic(tx, open_senders, 1);
		assert_statistic(tx, open_receivers, 1);
	}
	cr_assert(!weir_sender_is_closed(tx_clone));
	cr_assert(!weir_receiver_is_closed(rx_clone));
	weir_sender_free(tx);
	weir_receiver_free(rx);
	assert_statistic(tx_clone, open_senders, 1);
	assert_statistic(tx_clone, open_receivers, 1);
	free_both(tx_clone, rx_clone);
}

static int close_sender(void *argument)
{
	weir_sender_close(argument);
	return 0;
}

EVERY_FLAVOR(close, closing_at_once_from_many_threads_counts_once)
{
	struct task tasks[4];
	weir_sender *tx, *keep;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	keep = clone_sender(tx);
	for (size_t i = 0; i < LENGTH(tasks); i++)
		task_start(&tasks[i], close_sender, tx);
	for (size_t i = 0; i < LENGTH(tasks); i++)
		task_join(&tasks[i]);
	assert_statistic(keep, open_senders, 1);
	weir_sender_free(keep);
	free_both(tx, rx);
}

EVERY_FLAVOR(close, free_closes)
{
	weir_sender *tx, *tx_clone;
	weir_receiver *rx, *rx_clone;

	open_flavor(flavor, &tx, &rx);
	tx_clone = clone_sender(tx);
	rx_clone = clone_receiver(rx);
	weir_sender_free(tx_clone);
	weir_receiver_free(rx_clone);
	assert_statistic(tx, open_senders, 1);
	assert_statistic(tx, open_receivers, 1);
	weir_sender_free(tx);
	assert_ended(rx);
	weir_receiver_free(rx);

	open_flavor(flavor, &tx, &rx);
	weir_receiver_free(rx);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	weir_sender_free(tx);
}

/* -- The end of the channel ---------------------------------------------- */

/* Seeds: PR end_of_channel_waiting_receiver, AnyIO
 * test_close_send_while_receiving. */
EVERY_FLAVOR(close, last_sender_close_wakes_waiting_receivers_with_end)
{
	struct op ops[5];
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	for (size_t i = 0; i < LENGTH(ops); i++)
		op_recv(&ops[i], i % 2 == 0 ? rx : other);
	wait_until_receivers_waiting(rx, LENGTH(ops));
	weir_sender_close(tx);
	for (size_t i = 0; i < LENGTH(ops); i++)
		assert_op(&ops[i], WEIR_END_OF_CHANNEL);
	assert_ended(rx);
	assert_ended(other);
	assert_statistic(tx, receivers_waiting, 0);
	weir_receiver_free(other);
	free_both(tx, rx);
}

/* Seeds: PR end_of_channel_all_senders_close, AnyIO
 * test_receive_after_send_closed. */
HAS_BUFFER(close, receivers_drain_the_buffer_before_the_end)
{
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	weir_sender_close(tx);
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(rx, i);
	assert_ended(rx);
	free_both(tx, rx);
}

/* Seed: PR end_of_channel_last_clone. */
EVERY_FLAVOR(close, the_channel_ends_with_the_last_of_several_senders)
{
	struct op op;
	weir_sender *tx, *other;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	other = clone_sender(tx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	weir_sender_close(tx);
	wait_until_receivers_waiting(rx, 1);
	cr_assert(!task_done(&op.task));
	assert_sends(other, 4);
	assert_op_received(&op, 4);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	weir_sender_close(other);
	assert_op(&op, WEIR_END_OF_CHANNEL);
	weir_sender_free(other);
	free_both(tx, rx);
}

/* As in Trio: clone of a receiver after the end inherits the state. */
EVERY_FLAVOR(close, a_receiver_cloned_after_the_end_is_at_the_end)
{
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	other = clone_receiver(rx);
	assert_statistic(tx, open_receivers, 2);
	assert_ended(other);
	weir_receiver_free(other);
	free_both(tx, rx);
}

/* -- The break ----------------------------------------------------------- */

/* Seeds: Trio test_close_basics, second part; PR broken_resource_waiting_sender
 * and _all_receivers_close; AnyIO test_close_receive_while_sending. */
CAN_BE_FULL(close, last_receiver_close_wakes_waiting_senders_with_broken)
{
	struct op ops[5];
	weir_sender *tx, *other;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	other = clone_sender(tx);
	fill(tx);
	for (size_t i = 0; i < LENGTH(ops); i++)
		op_send(&ops[i], i % 2 == 0 ? tx : other, i);
	wait_until_senders_waiting(tx, LENGTH(ops));
	weir_receiver_close(rx);
	for (size_t i = 0; i < LENGTH(ops); i++)
		assert_op(&ops[i], WEIR_BROKEN_RESOURCE);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	assert_send_always(other, WEIR_BROKEN_RESOURCE);
	assert_statistic(tx, senders_waiting, 0);
	weir_sender_free(other);
	free_both(tx, rx);
}

/* Seeds: AnyIO test_receive_send_closed_receive_stream. */
EVERY_FLAVOR(close, a_broken_channel_accepts_nothing_more)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_receiver_close(rx);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	assert_recv_always(rx, WEIR_CLOSED_RESOURCE);
	assert_statistic(tx, sent, 0);
	free_both(tx, rx);
}

/* Seeds: PR broken_resource_last_clone, Trio
 * test_receive_channel_clone_and_close. */
HAS_BUFFER(close, the_channel_breaks_with_the_last_of_several_receivers)
{
	weir_sender *tx;
	weir_receiver *rx, *second, *third, *none = NULL;

	open_flavor(flavor, &tx, &rx);
	second = clone_receiver(rx);
	third = clone_receiver(second);
	weir_receiver_close(rx);
	weir_receiver_close(second);
	assert_status(weir_receiver_clone(rx, &none), WEIR_CLOSED_RESOURCE);
	assert_status(weir_receiver_clone(second, &none), WEIR_CLOSED_RESOURCE);
	cr_assert(none == NULL);
	assert_sends_now(tx, 5);
	weir_receiver_close(third);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	weir_receiver_free(second);
	weir_receiver_free(third);
	free_both(tx, rx);
}

/* As in Trio: clone of a sender while broken inherits the state. */
EVERY_FLAVOR(close, a_sender_cloned_after_the_break_is_broken)
{
	weir_sender *tx, *other;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_receiver_close(rx);
	other = clone_sender(tx);
	assert_statistic(tx, open_senders, 2);
	assert_send_always(other, WEIR_BROKEN_RESOURCE);
	weir_sender_free(other);
	free_both(tx, rx);
}

/* Promise 5: the buffer is dropped there and then, in order, by the thread
 * whose close caused it; what waiting senders held is theirs. */
HAS_BUFFER(close, last_receiver_close_drops_the_buffer_there_and_then)
{
	static struct drops drops;
	weir_options options = options_of(flavor);
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	n = fill(tx);
	if (flavor->capacity != WEIR_UNBOUNDED) {
		op_send(&op, tx, 1);
		wait_until_senders_waiting(tx, 1);
	}
	weir_receiver_close(rx);
	drops_settled(&drops, n);
	for (size_t i = 0; i < n; i++) {
		assert_value(drops.values[i], i);
		cr_assert(pthread_equal(drops.threads[i], pthread_self()));
	}
	cr_assert(weir_sender_length(tx) == 0);
	assert_statistic(tx, dropped, n);
	assert_statistic(tx, sent, n);
	if (flavor->capacity != WEIR_UNBOUNDED)
		assert_op(&op, WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
	drops_settled(&drops, n);
}

/* The same when it is the free that closes, and the senders went first. */
HAS_BUFFER(close, freeing_the_last_receiver_drops_what_is_left_after_the_end)
{
	static struct drops drops;
	weir_options options = options_of(flavor);
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	n = fill(tx);
	assert_receives_now(rx, 0);
	weir_sender_free(tx);
	drops_settled(&drops, 0);
	weir_receiver_free(rx);
	drops_settled(&drops, n - 1);
}

/* Without a callback the figures still tell. */
HAS_BUFFER(close, elements_that_are_lost_are_counted_without_a_callback)
{
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	weir_receiver_close(rx);
	assert_statistic(tx, dropped, n);
	free_both(tx, rx);
}

/* A drop runs with no lock held: it may use the channel whose close caused it. */
struct user {
	weir_sender *tx;
	uint64_t broken;
};

static void use_the_channel(void *element, void *context)
{
	struct user *user = context;
	weir_statistics now;
	weir_sender *clone;

	weir_sender_statistics(user->tx, &now);
	user->broken +=
		weir_try_send(user->tx, element) == WEIR_BROKEN_RESOURCE &&
		weir_send(user->tx, element) == WEIR_BROKEN_RESOURCE;
	if (weir_sender_clone(user->tx, &clone) == WEIR_OK)
		weir_sender_free(clone);
}

HAS_BUFFER(close, a_drop_may_use_the_channel)
{
	weir_options options = options_of(flavor);
	struct user user = {NULL, 0};
	weir_receiver *rx;
	size_t n;

	options.drop = use_the_channel;
	options.drop_context = &user;
	open_options(&options, &user.tx, &rx);
	n = fill(user.tx);
	weir_receiver_close(rx);
	cr_assert(user.broken == n);
	free_both(user.tx, rx);
}

EVERY_FLAVOR(close, nothing_that_was_received_is_dropped)
{
	static struct drops drops;
	weir_options options = options_of(flavor);
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	for (uint64_t i = 0; i < 10; i++) {
		op_send(&op, tx, i);
		assert_receives(rx, i);
		assert_op(&op, WEIR_OK);
	}
	free_both(tx, rx);
	drops_settled(&drops, 0);
}

/* -- Clones -------------------------------------------------------------- */

/* Seeds: PR clone_send, clone_receive; AnyIO test_clone. */
EVERY_FLAVOR(clone, the_clones_go_on_when_the_originals_are_gone)
{
	struct op op;
	weir_sender *tx, *tx_clone;
	weir_receiver *rx, *rx_clone;

	open_flavor(flavor, &tx, &rx);
	tx_clone = clone_sender(tx);
	rx_clone = clone_receiver(rx);
	assert_statistic(tx, open_senders, 2);
	assert_statistic(tx, open_receivers, 2);
	free_both(tx, rx);
	assert_statistic(tx_clone, open_senders, 1);
	assert_statistic(tx_clone, open_receivers, 1);
	op_send(&op, tx_clone, 12);
	assert_receives(rx_clone, 12);
	assert_op(&op, WEIR_OK);
	free_both(tx_clone, rx_clone);
}

/* Clones share one stream: nothing is doubled. */
HAS_BUFFER(clone, an_element_goes_to_one_of_the_clones)
{
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	assert_sends_now(tx, 1);
	assert_receives_now(other, 1);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	weir_receiver_free(other);
	free_both(tx, rx);
}

/* Seeds: PR clone_closed_raises (both), AnyIO test_clone_closed. */
EVERY_FLAVOR(clone, of_a_closed_endpoint_is_refused)
{
	weir_sender *tx, *tx_clone = NULL;
	weir_receiver *rx, *rx_clone = NULL;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	assert_status(weir_sender_clone(tx, &tx_clone), WEIR_CLOSED_RESOURCE);
	assert_status(weir_receiver_clone(rx, &rx_clone), WEIR_CLOSED_RESOURCE);
	assert_statistic(tx, open_senders, 0);
	assert_statistic(tx, open_receivers, 0);
	free_both(tx, rx);
}

EVERY_FLAVOR(clone, a_thousand_clones_are_counted)
{
	static weir_sender *senders[1000];
	static weir_receiver *receivers[1000];
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < 1000; i++) {
		senders[i] = clone_sender(i > 0 ? senders[i - 1] : tx);
		receivers[i] = clone_receiver(i > 0 ? receivers[i - 1] : rx);
	}
	assert_statistic(tx, open_senders, 1001);
	assert_statistic(tx, open_receivers, 1001);
	for (size_t i = 0; i < 1000; i++)
		free_both(senders[i], receivers[i]);
	assert_statistic(tx, open_senders, 1);
	assert_statistic(tx, open_receivers, 1);
	free_both(tx, rx);
}

/* -- Shut ---------------------------------------------------------------- */

CAN_BE_FULL(shut, waiting_and_later_senders_get_broken)
{
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	op_send(&op, tx, 99);
	wait_until_senders_waiting(tx, 1);
	weir_receiver_shut(rx);
	assert_op(&op, WEIR_BROKEN_RESOURCE);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	cr_assert(!weir_receiver_is_closed(rx));
	assert_statistic(tx, open_receivers, 1);
	assert_statistic(tx, current_buffer_used, n);
	free_both(tx, rx);
}

EVERY_FLAVOR(shut, receivers_drain_and_then_get_the_end)
{
	weir_sender *tx;
	weir_receiver *rx, *other;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	n = fill(tx);
	weir_receiver_shut(rx);
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(i % 2 == 0 ? rx : other, i);
	assert_ended(rx);
	assert_ended(other);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	weir_receiver_free(other);
	free_both(tx, rx);
}

EVERY_FLAVOR(shut, wakes_waiting_receivers_with_the_end)
{
	struct op mine, another;
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	op_recv(&mine, rx);
	op_recv(&another, other);
	wait_until_receivers_waiting(rx, 2);
	weir_receiver_shut(other);
	assert_op(&mine, WEIR_END_OF_CHANNEL);
	assert_op(&another, WEIR_END_OF_CHANNEL);
	weir_receiver_free(other);
	free_both(tx, rx);
}

HAS_BUFFER(shut, on_a_closed_receiver_does_nothing)
{
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	weir_receiver_close(rx);
	weir_receiver_shut(rx);
	assert_sends_now(tx, 3);
	assert_receives_now(other, 3);
	weir_receiver_free(other);
	free_both(tx, rx);
}

EVERY_FLAVOR(shut, twice_and_after_the_end_does_nothing_more)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_receiver_shut(rx);
	weir_receiver_shut(rx);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	weir_sender_close(tx);
	weir_receiver_shut(rx);
	assert_ended(rx);
	free_both(tx, rx);
}

/* The elements are not dropped by shut, but by the close that follows. */
HAS_BUFFER(shut, keeps_the_buffer_until_the_last_receiver_is_closed)
{
	static struct drops drops;
	weir_options options = options_of(flavor);
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	n = fill(tx);
	weir_receiver_shut(rx);
	drops_settled(&drops, 0);
	weir_receiver_close(rx);
	drops_settled(&drops, n);
	free_both(tx, rx);
}

/* A receiver cloned after a shut is at the end too: it is for good. */
EVERY_FLAVOR(shut, is_for_good)
{
	weir_sender *tx, *tx_clone;
	weir_receiver *rx, *rx_clone;

	open_flavor(flavor, &tx, &rx);
	weir_receiver_shut(rx);
	tx_clone = clone_sender(tx);
	rx_clone = clone_receiver(rx);
	weir_receiver_close(rx);
	assert_send_always(tx_clone, WEIR_BROKEN_RESOURCE);
	assert_ended(rx_clone);
	free_both(tx_clone, rx_clone);
	free_both(tx, rx);
}

/* -- What a close makes visible --------------------------------------------- */

/* Written before a close, read by who hears of it; a sanitizer for data races
 * sees where nothing orders the two. */
static int written;

static int write_and_close_sender(void *tx)
{
	written = 1;
	weir_sender_close(tx);
	return 0;
}

static int write_and_close_receiver(void *rx)
{
	written = 1;
	weir_receiver_close(rx);
	return 0;
}

static int write_and_shut(void *rx)
{
	written = 1;
	weir_receiver_shut(rx);
	return 0;
}

/* Poll, so that nothing but the answer itself comes from the closer. */
static void assert_hears(
	weir_sender *tx, weir_receiver *rx, int (*act)(void *), int want)
{
	ELEMENT(element) = {0};
	struct task task;
	int status;

	written = 0;
	task_start(&task, act,
		act == write_and_close_sender ? (void *)tx : (void *)rx);
	if (want == WEIR_END_OF_CHANNEL)
		wait_until((status = weir_try_recv(rx, element)) == want);
	else
		wait_until((status = weir_try_send(tx, element)) == want);
	cr_assert(written == 1);
	cr_assert(task_join(&task) == 0);
}

EVERY_FLAVOR(close, what_came_before_it_is_visible_to_who_hears_of_it)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_hears(tx, rx, write_and_close_sender, WEIR_END_OF_CHANNEL);
	free_both(tx, rx);
	open_flavor(flavor, &tx, &rx);
	assert_hears(tx, rx, write_and_shut, WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
	open_flavor(flavor, &tx, &rx);
	assert_hears(tx, rx, write_and_close_receiver, WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
	open_flavor(flavor, &tx, &rx);
	assert_hears(tx, rx, write_and_close_sender, WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
}

static int close_when_closed(void *argument)
{
	while (!weir_sender_is_closed(argument))
		sched_yield();
	return written;
}

ONE_CASE(close, what_came_before_it_is_visible_to_who_asks_is_closed)
{
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;

	assert_status(weir_open(1, 1, &tx, &rx), WEIR_OK);
	task_start(&task, close_when_closed, tx);
	written = 1;
	weir_sender_close(tx);
	cr_assert(task_join(&task) == 1);
	free_both(tx, rx);
}

/* Also to who drops the last reference: a callback of the allocator may look at
 * what others did through their endpoints. */
static int use_and_free(void *argument)
{
	written = 1;
	weir_sender_free(argument);
	return 0;
}

static void read_written(void *pointer, size_t size, void *context)
{
	/* The channel itself, not an endpoint. */
	if (size >= 256)
		*(int *)context += written;
	free(pointer);
}

static void *plain_alloc(size_t size, size_t alignment, void *context)
{
	void *pointer = NULL;

	(void)context;
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}

ONE_CASE(close, what_came_before_a_free_is_visible_to_the_last_one)
{
	weir_options options = WEIR_OPTIONS_INIT;
	struct task task;
	weir_sender *tx, *other;
	weir_receiver *rx;
	int sum = 0;

	options.capacity = 1;
	options.alloc = plain_alloc;
	options.free = read_written;
	options.allocator_context = &sum;
	open_options(&options, &tx, &rx);
	other = clone_sender(tx);
	weir_receiver_free(rx);
	task_start(&task, use_and_free, other);
	weir_sender_free(tx);
	cr_assert(task_join(&task) == 0);
}

/* -- Drops, and the channel that they are of ------------------------------------- */

/* What a waiting sender holds was never accepted: it is not dropped. */
CAN_BE_FULL(close, what_waiting_senders_hold_is_not_dropped)
{
	static struct drops drops;
	weir_options options = options_of(flavor);
	struct op ops[3];
	weir_sender *tx, *other;
	weir_receiver *rx;
	size_t n;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	other = clone_sender(tx);
	n = fill(tx);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_send(&ops[i], i == 0 ? other : tx, n + i);
		wait_until_senders_waiting(tx, i + 1);
	}
	weir_sender_close(other);
	assert_op(&ops[0], WEIR_CLOSED_RESOURCE);
	drops_settled(&drops, 0);
	weir_receiver_close(rx);
	assert_op(&ops[1], WEIR_BROKEN_RESOURCE);
	assert_op(&ops[2], WEIR_BROKEN_RESOURCE);
	drops_settled(&drops, n);
	assert_statistic(tx, sent, n);
	weir_sender_free(other);
	free_both(tx, rx);
	drops_settled(&drops, n);
}

/* The buffer of a channel may hold its own last sender. */
static void free_sender(void *element, void *context)
{
	weir_sender *tx;

	memcpy(&tx, element, sizeof tx);
	weir_sender_free(tx);
	++*(int *)context;
}

HAS_BUFFER(close, a_drop_may_free_the_last_sender_of_its_own_channel)
{
	weir_options options = options_of(flavor);
	struct counting counting;
	int drops = 0;
	weir_sender *tx, *last;
	weir_receiver *rx;

	counting_init(&counting, &options);
	options.element_size = sizeof last;
	options.drop = free_sender;
	options.drop_context = &drops;
	open_options(&options, &tx, &rx);
	last = clone_sender(tx);
	assert_status(weir_send(tx, &last), WEIR_OK);
	weir_sender_free(tx);
	cr_assert(drops == 0);
	weir_receiver_free(rx);
	cr_assert(drops == 1);
	counting_settled(&counting);
}
