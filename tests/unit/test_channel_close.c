/* SPDX-License-Identifier: MIT */
/* test_channel_close.c - closes that come between the steps of others. */
#include "channel.h"

#include "drops.h"
#include "fixture.h"
#include "hand.h"
#include "leaks.h"
#include "stall.h"

#define CLOSE_TEST(name) Test(channel_close, name, .timeout = TEST_SECONDS)
#define GATE_SLEEPERS 4 /* gate.c: somebody sleeps before it */

static weir_sender *tx;
static weir_receiver *rx;
static struct channel *channel;
static struct drops drops;

static void open_here(size_t capacity)
{
	weir_options options = WEIR_OPTIONS_INIT;

	options.capacity = capacity;
	options.element_size = 8;
	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	channel = wi_sender_end(tx)->channel;
}

static void free_here(void)
{
	free_both(tx, rx);
	check_leaks();
}

/* Until so many wait and the last of them has left the gate: it is counted
 * before it looks again there. */
static void wait_for_waiting(enum side side, size_t n)
{
	struct list decided;

	if (side == SENDING)
		wait_until_senders_waiting(tx, n);
	else
		wait_until_receivers_waiting(rx, n);
	wi_channel_enter(channel, &decided);
	wi_channel_leave(channel, &decided);
}

/* A stopped sender goes on; false if its element was not accepted. */
static bool finish_send(const struct claim *sender, uint64_t value)
{
	uint64_t element;
	bool accepted;

	fill_element(&element, value);
	accepted = publish(sender, &element);
	if (accepted && wi_channel_waits(channel, RECEIVING))
		wi_channel_serve(channel);
	return accepted;
}

/* -- The last sender ---------------------------------------------------------- */

/* One element is on its way and two wait: the first gets it, the second the
 * end, and not before. */
CLOSE_TEST(of_the_last_sender_lets_receivers_wait_for_a_send_in_flight)
{
	struct claim sender;
	struct op first, second;

	open_here(4);
	sender = claim_tail(&channel->ring);
	op_recv(&first, rx);
	wait_for_waiting(RECEIVING, 1);
	op_recv(&second, rx);
	wait_for_waiting(RECEIVING, 2);
	weir_sender_close(tx);
	assert_statistic(tx, receivers_waiting, 2);
	cr_assert(finish_send(&sender, 5));
	assert_op_received(&first, 5);
	assert_op(&second, WEIR_END_OF_CHANNEL);
	assert_ended(rx);
	free_here();
	drops_settled(&drops, 0);
}

/* Who comes after the close waits for it as well, whatever the time. */
CLOSE_TEST(of_the_last_sender_is_no_end_for_who_comes_later)
{
	struct claim sender;
	struct op op;

	open_here(1);
	sender = claim_tail(&channel->ring);
	weir_sender_close(tx);
	op_recv_until(&op, rx, PAST);
	wait_for_waiting(RECEIVING, 1);
	cr_assert(finish_send(&sender, 5));
	assert_op_received(&op, 5);
	assert_ended(rx);
	free_here();
}

/* A receiver on its way to the gate finds the end, not a wait for ever. */
CLOSE_TEST(of_the_last_sender_before_a_receiver_registers_is_noticed)
{
	struct list decided;
	struct op op;

	open_here(4);
	wi_channel_enter(channel, &decided);
	op_recv(&op, rx);
	wait_until(load_relaxed(&channel->gate.word) & GATE_SLEEPERS);
	/* What close_end does inside the gate, and we are inside. */
	wi_queue_finish(&channel->queue, ENDED);
	wi_channel_settle(channel, &decided);
	wi_channel_leave(channel, &decided);
	assert_op(&op, WEIR_END_OF_CHANNEL);
	free_here();
}

/* -- The last receiver --------------------------------------------------------- */

CLOSE_TEST(of_the_last_receiver_abandons_a_send_in_flight)
{
	struct claim sender;

	open_here(4);
	assert_sends_now(tx, 1);
	sender = claim_tail(&channel->ring);
	assert_sends_now(tx, 3);
	weir_receiver_close(rx);
	drops_settled(&drops, 2);
	cr_assert(!finish_send(&sender, 2));
	drops_settled(&drops, 2);
	assert_statistic(tx, sent, 2);
	assert_statistic(tx, dropped, 2);
	assert_statistic(tx, received, 0);
	assert_statistic(tx, current_buffer_used, 0);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	free_here();
	drops_settled(&drops, 2);
}

/* The whole of it, with a real sender stopped in the middle of its copy. */
CLOSE_TEST(of_the_last_receiver_tells_a_send_in_flight_that_it_broke)
{
	static const size_t capacities[] = {1, 2, WEIR_UNBOUNDED};

	for (size_t i = 0; i < LENGTH(capacities); i++) {
		struct stall stall;
		struct op op;

		open_here(capacities[i]);
		stall_open(&stall);
		fill_element(stall.element, 7);
		stall_arm(&stall);
		op_send_from(&op, tx, stall.element);
		stall_wait(&stall);
		weir_receiver_close(rx);
		stall_release(&stall);
		assert_op(&op, WEIR_BROKEN_RESOURCE);
		stall_free(&stall);
		free_here();
		drops_settled(&drops, 0);
	}
}

CLOSE_TEST(of_the_last_receiver_leaves_a_recv_in_flight_its_element)
{
	struct claim receiver;
	uint64_t element;

	open_here(2);
	fill(tx);
	receiver = claim_head(&channel->ring);
	weir_receiver_close(rx);
	drops_settled(&drops, 1);
	vacate(&receiver, &element);
	assert_value(value_of(&element), 0);
	assert_statistic(tx, received, 1);
	assert_statistic(tx, dropped, 1);
	free_here();
	drops_settled(&drops, 1);
}

CLOSE_TEST(of_the_last_receiver_before_a_sender_registers_is_noticed)
{
	struct list decided;
	struct op op;

	open_here(1);
	fill(tx);
	wi_channel_enter(channel, &decided);
	op_send(&op, tx, 5);
	wait_until(load_relaxed(&channel->gate.word) & GATE_SLEEPERS);
	wi_queue_finish(&channel->queue, BROKEN);
	wi_channel_settle(channel, &decided);
	wi_channel_leave(channel, &decided);
	assert_op(&op, WEIR_BROKEN_RESOURCE);
	free_here();
	drops_settled(&drops, 1);
}

CLOSE_TEST(
	of_the_last_receiver_with_senders_behind_a_stopped_receiver_breaks_them)
{
	struct claim receiver;
	struct op first, second;
	uint64_t element;

	open_here(1);
	fill(tx);
	receiver = claim_head(&channel->ring);
	op_send(&first, tx, 10);
	wait_for_waiting(SENDING, 1);
	op_send_until(&second, tx, 11, weir_now() + 3600 * 1000 * MS);
	wait_for_waiting(SENDING, 2);
	weir_receiver_close(rx);
	assert_op(&first, WEIR_BROKEN_RESOURCE);
	assert_op(&second, WEIR_BROKEN_RESOURCE);
	vacate(&receiver, &element);
	free_here();
	drops_settled(&drops, 0);
}

/* -- One endpoint of several ------------------------------------------------------ */

CLOSE_TEST(of_an_endpoint_before_its_wait_registers_is_noticed)
{
	struct list decided;
	struct op op;

	open_here(4);
	wi_channel_enter(channel, &decided);
	op_recv(&op, rx);
	wait_until(load_relaxed(&channel->gate.word) & GATE_SLEEPERS);
	/* As close_end does for an endpoint that is not the last. */
	store_release(&wi_receiver_end(rx)->closed, 1);
	wi_channel_leave(channel, &decided);
	assert_op(&op, WEIR_CLOSED_RESOURCE);
	assert_statistic(tx, receivers_waiting, 0);
	cr_assert(!wi_channel_waits(channel, RECEIVING));
	store_release(&wi_receiver_end(rx)->closed, 0);
	free_here();
}

CLOSE_TEST(of_the_first_in_line_passes_the_element_on_its_way_to_the_next)
{
	weir_receiver *other;
	struct op first, second;
	struct claim sender;

	open_here(4);
	other = clone_receiver(rx);
	sender = claim_tail(&channel->ring);
	op_recv(&first, other);
	wait_for_waiting(RECEIVING, 1);
	op_recv_until(&second, rx, weir_now() + 3600 * 1000 * MS);
	wait_for_waiting(RECEIVING, 2);
	weir_receiver_close(other);
	assert_op(&first, WEIR_CLOSED_RESOURCE);
	assert_statistic(tx, receivers_waiting, 1);
	cr_assert(finish_send(&sender, 5));
	assert_op_received(&second, 5);
	weir_receiver_free(other);
	free_here();
}

CLOSE_TEST(of_the_first_in_line_passes_its_place_to_the_next_sender)
{
	struct claim receiver;
	weir_sender *other;
	struct op first, second;
	uint64_t element;

	open_here(1);
	fill(tx);
	other = clone_sender(tx);
	receiver = claim_head(&channel->ring);
	op_send(&first, other, 10);
	wait_for_waiting(SENDING, 1);
	op_send(&second, tx, 11);
	wait_for_waiting(SENDING, 2);
	weir_sender_close(other);
	assert_op(&first, WEIR_CLOSED_RESOURCE);
	vacate(&receiver, &element);
	wi_channel_serve(channel);
	assert_op(&second, WEIR_OK);
	assert_receives_now(rx, 11);
	weir_sender_free(other);
	free_here();
}

/* Decided and not told yet: a close on the same endpoint finds it gone. */
CLOSE_TEST(comes_too_late_for_who_is_decided)
{
	struct parker parker;
	struct waiter waiter;
	struct list decided;
	uint64_t element;
	struct spin none = {.budget = 0};

	open_here(4);
	wi_parker_init(&parker);
	wi_waiter_init(&waiter, wi_receiver_end(rx), &element, 1, &parker);
	wi_channel_enter(channel, &decided);
	wi_channel_queue(channel, RECEIVING, &waiter);
	assert_status(try_send_value(tx, 5), WEIR_OK);
	wi_channel_settle(channel, &decided);
	cr_assert(!waiter.queued && parker.status == WEIR_OK);
	/* Leave, and let a close come in before anybody is told. */
	while (!wi_gate_leave(&channel->gate))
		wi_channel_settle(channel, &decided);
	weir_receiver_close(rx);
	cr_assert(!wi_parker_park(&parker, &none, PAST));
	cr_assert(parker.status == WEIR_OK);
	wi_news_tell(&decided);
	cr_assert(wi_parker_park(&parker, &none, PAST));
	cr_assert(parker.status == WEIR_OK);
	assert_value(value_of(&element), 5);
	free_here();
	drops_settled(&drops, 0);
}

/* -- Shut ------------------------------------------------------------------------- */

CLOSE_TEST(shut_lets_a_send_in_flight_in_and_ends_after_it)
{
	struct claim sender;
	struct op op;

	open_here(4);
	sender = claim_tail(&channel->ring);
	op_recv(&op, rx);
	wait_for_waiting(RECEIVING, 1);
	weir_receiver_shut(rx);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	assert_statistic(tx, receivers_waiting, 1);
	cr_assert(finish_send(&sender, 5));
	assert_op_received(&op, 5);
	assert_ended(rx);
	free_here();
	drops_settled(&drops, 0);
}
