/* SPDX-License-Identifier: MIT */
/* test_channel.c - the seams of the waiting room, one interleaving at a time.
 *
 * The test's own thread takes the steps of one party by hand, through the
 * library's internal calls, and stops between them.
 */
#include "channel.h"

#include "drops.h"
#include "fixture.h"

#define CHANNEL_TEST(name) Test(channel, name, .timeout = TEST_SECONDS)

static weir_sender *tx;
static weir_receiver *rx;
static struct channel *channel;

static void open_here(size_t capacity)
{
	static struct flavor flavor = {"here", 0, 8};

	flavor.capacity = capacity;
	open_flavor(&flavor, &tx, &rx);
	channel = wi_sender_end(tx)->channel;
}

/* -- The mark --------------------------------------------------------------- */

/* Somebody is inside; a try_send finds a receiver waiting and must not wait. */
CHANNEL_TEST(a_try_send_leaves_its_work_to_who_is_inside)
{
	struct list decided;
	struct op op;

	open_here(4);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	wi_channel_enter(channel, &decided);
	assert_status(try_send_value(tx, 5), WEIR_OK);
	assert_status(try_send_value(tx, 6), WEIR_OK);
	assert_statistic(tx, receivers_waiting, 1);
	wi_channel_leave(channel, &decided);
	assert_op_received(&op, 5);
	assert_receives_now(rx, 6);
	free_both(tx, rx);
}

CHANNEL_TEST(a_try_recv_leaves_its_work_to_who_is_inside)
{
	struct list decided;
	uint64_t value;
	struct op op;

	open_here(1);
	fill(tx);
	op_send(&op, tx, 1);
	wait_until_senders_waiting(tx, 1);
	wi_channel_enter(channel, &decided);
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	assert_statistic(tx, senders_waiting, 1);
	wi_channel_leave(channel, &decided);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 1);
	free_both(tx, rx);
}

CHANNEL_TEST(a_try_call_on_a_rendezvous_does_not_wait_for_the_gate)
{
	struct list decided;
	uint64_t value;
	struct op op;

	open_here(0);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	wi_channel_enter(channel, &decided);
	assert_status(try_send_value(tx, 5), WEIR_WOULD_BLOCK);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	wi_channel_leave(channel, &decided);
	assert_sends(tx, 6);
	assert_op_received(&op, 6);
	free_both(tx, rx);
}

/* -- Decided once ------------------------------------------------------------- */

/* Served while its deadline passes: the owner finds itself out of the queue, and
 * adopts that.  The gate is held, so the owner cannot get in before. */
CHANNEL_TEST(a_delivery_before_the_time_out_gets_in_wins)
{
	struct list decided;
	int64_t deadline;
	struct op op;

	open_here(4);
	deadline = weir_now() + patience_ns() / 100;
	op_recv_until(&op, rx, deadline);
	wait_until_receivers_waiting(rx, 1);
	wi_channel_enter(channel, &decided);
	wait_until(weir_now() > deadline + 20 * MS);
	assert_status(try_send_value(tx, 5), WEIR_OK);
	wi_channel_settle(channel, &decided);
	assert_statistic(tx, receivers_waiting, 0);
	wi_channel_leave(channel, &decided);
	assert_op_received(&op, 5);
	free_both(tx, rx);
}

CHANNEL_TEST(a_delivery_before_the_close_gets_in_wins)
{
	struct list decided;
	struct op op;

	open_here(4);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	wi_channel_enter(channel, &decided);
	assert_status(try_send_value(tx, 5), WEIR_OK);
	wi_channel_settle(channel, &decided);
	/* Decided, and not told yet; what the close does inside comes now. */
	cr_assert(!list_is_empty(&decided));
	wi_channel_leave(channel, &decided);
	weir_receiver_close(rx);
	assert_op_received(&op, 5);
	free_both(tx, rx);
}

/* -- On its way ------------------------------------------------------------------ */

/* A sender that has claimed the next place and stopped. */
static uint64_t claim(void)
{
	uint64_t tail = load_relaxed(&channel->queue.tail);

	while (!cas_relaxed(
		&channel->queue.tail, &tail, tail + (1u << FLAG_BITS)))
		;
	return wi_position(tail) >> FLAG_BITS;
}

static void publish(uint64_t place, uint64_t value)
{
	struct ring *ring = &channel->ring;
	struct slot *slot =
		(struct slot *)(void *)(ring->slots +
					place * ring->layout.stride);

	fill_element(wi_slot_element(slot, &ring->layout), value);
	exchange_seq_cst(&slot->turn, FULL);
	if (wi_channel_waits(channel, RECEIVING))
		wi_channel_serve(channel);
}

CHANNEL_TEST(who_is_first_for_an_element_on_its_way_stays_the_others_go)
{
	struct op first, second;
	uint64_t place;

	open_here(4);
	place = claim();
	op_recv_until(&first, rx, PAST);
	wait_until_receivers_waiting(rx, 1);
	op_recv_until(&second, rx, PAST);
	assert_op(&second, WEIR_TIMED_OUT);
	cr_assert(!task_done(&first.task));
	publish(place, 9);
	assert_op_received(&first, 9);
	free_both(tx, rx);
}

CHANNEL_TEST(two_elements_on_their_way_keep_two_receivers)
{
	struct op first, second, third;
	uint64_t place[2];

	open_here(4);
	place[0] = claim();
	place[1] = claim();
	op_recv_until(&first, rx, PAST);
	wait_until_receivers_waiting(rx, 1);
	op_recv_until(&second, rx, PAST);
	wait_until_receivers_waiting(rx, 2);
	op_recv_until(&third, rx, PAST);
	assert_op(&third, WEIR_TIMED_OUT);
	publish(place[1], 2);
	assert_statistic(tx, receivers_waiting, 2);
	publish(place[0], 1);
	assert_op_received(&first, 1);
	assert_op_received(&second, 2);
	free_both(tx, rx);
}

CHANNEL_TEST(the_end_waits_for_an_element_on_its_way)
{
	uint64_t place, value;
	struct op op;

	open_here(4);
	place = claim();
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	weir_sender_close(tx);
	assert_statistic(tx, receivers_waiting, 1);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	publish(place, 3);
	assert_op_received(&op, 3);
	assert_ended(rx);
	free_both(tx, rx);
}

/* -- Attention and HELD ---------------------------------------------------------- */

CHANNEL_TEST(nothing_is_left_raised_when_nobody_waits)
{
	struct op op;

	open_here(1);
	for (uint64_t i = 0; i < 50; i++) {
		op_recv(&op, rx);
		wait_until_receivers_waiting(rx, 1);
		cr_assert(wi_channel_waits(channel, RECEIVING));
		cr_assert(load_relaxed(&channel->queue.head) & HELD);
		assert_sends(tx, i);
		assert_op_received(&op, i);
		cr_assert(!wi_channel_waits(channel, RECEIVING));
		cr_assert(!(load_relaxed(&channel->queue.head) & HELD));
	}
	free_both(tx, rx);
}

/* A channel is a cache line here and there; who writes what lies apart. */
CHANNEL_TEST(what_senders_and_receivers_write_lies_on_lines_of_its_own)
{
	size_t tail = offsetof(struct channel, queue.tail);
	size_t head = offsetof(struct channel, queue.head);
	size_t attention = offsetof(struct channel, attention);
	size_t gate = offsetof(struct channel, gate);

	cr_assert(tail / CACHE_LINE != head / CACHE_LINE);
	cr_assert(attention / CACHE_LINE != tail / CACHE_LINE);
	cr_assert(attention / CACHE_LINE != head / CACHE_LINE);
	cr_assert(attention / CACHE_LINE != gate / CACHE_LINE);
	cr_assert(offsetof(struct parker, state) % CACHE_LINE == 0);
}
