/* SPDX-License-Identifier: MIT */
/* test_channel_seams.c - who waits, who is served, and in which order, with
 * parties that are stopped between their steps.
 *
 * Some tests queue waiters that no thread owns: what is decided for them is
 * then found in the struct.
 */
#include "channel.h"

#include "fixture.h"
#include "hand.h"

#define SEAM_TEST(name) Test(channel_seams, name, .timeout = TEST_SECONDS)
#define GATE_SLEEPERS 4 /* gate.c: somebody sleeps before it */

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

static void look_for(enum side side)
{
	if (wi_channel_waits(channel, side))
		wi_channel_serve(channel);
}

/* A stopped sender, or receiver, goes on. */
static void finish_send(const struct claim *sender, uint64_t value)
{
	uint64_t element;

	fill_element(&element, value);
	cr_assert(publish(sender, &element));
	look_for(RECEIVING);
}

static void finish_recv(const struct claim *receiver, uint64_t want)
{
	uint64_t element;

	vacate(receiver, &element);
	assert_value(value_of(&element), want);
	look_for(SENDING);
}

/* Somebody is outside the gate, asleep, and will come in when it is left. */
static void wait_until_one_sleeps_at_the_gate(void)
{
	wait_until(load_relaxed(&channel->gate.word) & GATE_SLEEPERS);
}

/* -- The head of the line ---------------------------------------------------- */

/* P1 claims and stalls, P2 fills the next slot, two receivers wait; waking one
 * for the one element that P1 publishes would leave the other beside one. */
SEAM_TEST(a_stopped_sender_that_goes_on_serves_all_who_wait_behind_it)
{
	struct claim sender;
	struct op first, second;

	open_here(4);
	sender = claim_tail(&channel->ring);
	op_recv(&first, rx);
	wait_for_waiting(RECEIVING, 1);
	op_recv(&second, rx);
	wait_for_waiting(RECEIVING, 2);
	assert_sends_now(tx, 2);
	assert_statistic(tx, receivers_waiting, 2);
	finish_send(&sender, 1);
	assert_statistic(tx, receivers_waiting, 0);
	assert_op_received(&first, 1);
	assert_op_received(&second, 2);
	free_both(tx, rx);
}

SEAM_TEST(a_stopped_receiver_that_goes_on_serves_all_who_wait_behind_it)
{
	struct claim receiver;
	struct op first, second;

	open_here(2);
	fill(tx);
	receiver = claim_head(&channel->ring);
	op_send(&first, tx, 10);
	wait_for_waiting(SENDING, 1);
	op_send(&second, tx, 11);
	wait_for_waiting(SENDING, 2);
	assert_receives_now(rx, 1); /* the place behind the stopped one's */
	assert_statistic(tx, senders_waiting, 2);
	finish_recv(&receiver, 0);
	assert_statistic(tx, senders_waiting, 0);
	assert_op(&first, WEIR_OK);
	assert_op(&second, WEIR_OK);
	assert_receives_now(rx, 10);
	assert_receives_now(rx, 11);
	free_both(tx, rx);
}

/* Both sides wait for one stopped sender: an element for a receiver makes a
 * place for a sender, whose element is for the next receiver. */
SEAM_TEST(settling_goes_on_as_long_as_anything_moves)
{
	struct op senders[3], receivers[4];
	struct claim sender;

	open_here(1);
	sender = claim_tail(&channel->ring);
	for (size_t i = 0; i < 3; i++) {
		op_send(&senders[i], tx, i + 1);
		wait_for_waiting(SENDING, i + 1);
	}
	for (size_t i = 0; i < 4; i++) {
		op_recv(&receivers[i], rx);
		wait_for_waiting(RECEIVING, i + 1);
	}
	finish_send(&sender, 0);
	for (size_t i = 0; i < 3; i++)
		assert_op(&senders[i], WEIR_OK);
	for (size_t i = 0; i < 4; i++)
		assert_op_received(&receivers[i], i);
	free_both(tx, rx);
}

/* -- Register, then look again -------------------------------------------------- */

/* The receiver has looked and found nothing; the element comes before it has
 * registered, so nobody serves it: it must look again. */
SEAM_TEST(an_element_that_comes_before_its_receiver_registers_is_found)
{
	struct list decided;
	struct op op;

	open_here(4);
	wi_channel_enter(channel, &decided);
	op_recv(&op, rx);
	wait_until_one_sleeps_at_the_gate();
	assert_status(try_send_value(tx, 5), WEIR_OK);
	assert_statistic(tx, receivers_waiting, 0);
	wi_channel_leave(channel, &decided);
	assert_op_received(&op, 5);
	assert_statistic(tx, current_buffer_used, 0);
	free_both(tx, rx);
}

SEAM_TEST(a_place_that_comes_before_its_sender_registers_is_found)
{
	struct list decided;
	uint64_t value;
	struct op op;

	open_here(1);
	fill(tx);
	wi_channel_enter(channel, &decided);
	op_send(&op, tx, 5);
	wait_until_one_sleeps_at_the_gate();
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	wi_channel_leave(channel, &decided);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 5);
	free_both(tx, rx);
}

/* The same with a deadline that has passed: found, and not timed out. */
SEAM_TEST(it_is_found_also_when_the_time_is_up)
{
	struct list decided;
	struct op op;

	open_here(4);
	wi_channel_enter(channel, &decided);
	op_recv_until(&op, rx, PAST);
	wait_until_one_sleeps_at_the_gate();
	assert_status(try_send_value(tx, 5), WEIR_OK);
	wi_channel_leave(channel, &decided);
	assert_op_received(&op, 5);
	free_both(tx, rx);
}

/* What is published between registering and settling is served by either. */
SEAM_TEST(an_element_that_comes_after_its_receiver_registered_leaves_a_mark)
{
	struct parker parker;
	struct waiter waiter;
	struct list decided;
	uint64_t element;

	open_here(4);
	wi_parker_init(&parker);
	wi_waiter_init(&waiter, wi_receiver_end(rx), &element, 1, &parker);
	wi_channel_enter(channel, &decided);
	wi_channel_queue(channel, RECEIVING, &waiter);
	assert_status(try_send_value(tx, 5), WEIR_OK);
	cr_assert(waiter.queued);
	wi_channel_leave(channel, &decided); /* settles because of the mark */
	cr_assert(!waiter.queued && parker.status == WEIR_OK);
	assert_value(value_of(&element), 5);
	free_both(tx, rx);
}

static int select_twice(void *argument)
{
	uint64_t into[2];
	weir_case cases[] = {WEIR_RECV_CASE(argument, &into[0]),
		WEIR_RECV_CASE(argument, &into[1])};
	size_t index;
	int status = weir_select(cases, 2, 0, &index);

	return status != WEIR_OK ? status : cases[index].status;
}

/* Two selects that send come to wait before one that receives, and stands in
 * line twice, has registered: it takes one of them and leaves the other. */
SEAM_TEST(a_select_that_stands_in_line_twice_takes_one_partner)
{
	struct selection selections[2];
	struct waiter waiters[2];
	uint64_t from[2];
	struct list decided;
	struct task task;

	open_here(0);
	wi_channel_enter(channel, &decided);
	task_start(&task, select_twice, rx);
	wait_until_one_sleeps_at_the_gate();
	for (uint64_t i = 0; i < 2; i++) {
		fill_element(&from[i], i);
		wi_selection_init(&selections[i]);
		wi_waiter_init_case(&waiters[i], wi_sender_end(tx), &from[i],
			&selections[i], 0);
		wi_channel_queue(channel, SENDING, &waiters[i]);
	}
	wi_channel_leave(channel, &decided);
	assert_status(task_join(&task), WEIR_OK);
	cr_assert(wi_selection_chosen(&selections[0]) == 0);
	cr_assert(wi_selection_chosen(&selections[1]) == UNDECIDED);
	assert_statistic(tx, senders_waiting, 1);
	assert_receives_now(rx, 1);
	cr_assert(wi_selection_chosen(&selections[1]) == 0);
	free_both(tx, rx);
}

struct biased {
	weir_case cases[2];
	uint64_t into[2];
	size_t index;
};

static int select_biased(void *argument)
{
	struct biased *it = argument;
	int status = weir_select(it->cases, 2, WEIR_SELECT_BIASED, &it->index);

	return status != WEIR_OK ? status : it->cases[it->index].status;
}

/* Both come while it is about to register: the end of the first channel, and a
 * sender on the second. */
SEAM_TEST(a_biased_select_hears_of_the_first_case_first)
{
	weir_sender *txs[2];
	weir_receiver *rxs[2];
	struct biased it = {.index = 7};
	struct list decided;
	struct task task;
	struct op op;
	size_t first;

	for (size_t i = 0; i < 2; i++) {
		open_here(0);
		txs[i] = tx;
		rxs[i] = rx;
	}
	/* The one whose gate is entered first. */
	first = wi_sender_end(txs[0])->channel > wi_sender_end(txs[1])->channel;
	it.cases[0] = (weir_case)WEIR_RECV_CASE(rxs[first], &it.into[0]);
	it.cases[1] = (weir_case)WEIR_RECV_CASE(rxs[!first], &it.into[1]);
	channel = wi_sender_end(txs[first])->channel;
	wi_channel_enter(channel, &decided);
	task_start(&task, select_biased, &it);
	wait_until_one_sleeps_at_the_gate();
	op_send(&op, txs[!first], 1);
	wait_until_senders_waiting(txs[!first], 1);
	wi_queue_finish(&channel->queue, ENDED);
	wi_channel_leave(channel, &decided);
	assert_status(task_join(&task), WEIR_END_OF_CHANNEL);
	cr_assert(it.index == 0);
	assert_receives(rxs[!first], 1);
	assert_op(&op, WEIR_OK);
	free_both(txs[0], rxs[0]);
	free_both(txs[1], rxs[1]);
}

/* A receiver waits while the only place is claimed, and not filled yet. */
SEAM_TEST(a_select_that_registers_at_a_buffer_meets_nobody)
{
	struct claim sender;
	struct op receiver, choice;
	uint64_t element;

	open_here(1);
	sender = claim_tail(&channel->ring);
	op_recv(&receiver, rx);
	wait_for_waiting(RECEIVING, 1);
	fill_element(&element, 2);
	op_send_by(&choice, tx, &element, true);
	wait_for_waiting(SENDING, 1);
	finish_send(&sender, 1);
	assert_op_received(&receiver, 1);
	assert_op(&choice, WEIR_OK);
	assert_receives(rx, 2);
	free_both(tx, rx);
}

/* -- Nobody overtakes ------------------------------------------------------------- */

SEAM_TEST(a_place_that_came_free_is_the_waiting_senders)
{
	struct list decided;
	uint64_t value;
	struct op op;

	open_here(1);
	fill(tx);
	op_send(&op, tx, 1);
	wait_for_waiting(SENDING, 1);
	wi_channel_enter(channel, &decided);
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	assert_statistic(tx, current_buffer_used, 0);
	assert_status(try_send_value(tx, 2), WEIR_WOULD_BLOCK);
	wi_channel_leave(channel, &decided);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 1);
	free_both(tx, rx);
}

SEAM_TEST(an_element_that_came_is_the_waiting_receivers)
{
	struct list decided;
	uint64_t value;
	struct op op;

	open_here(2);
	op_recv(&op, rx);
	wait_for_waiting(RECEIVING, 1);
	wi_channel_enter(channel, &decided);
	assert_status(try_send_value(tx, 1), WEIR_OK);
	assert_statistic(tx, current_buffer_used, 1);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	wi_channel_leave(channel, &decided);
	assert_op_received(&op, 1);
	free_both(tx, rx);
}

SEAM_TEST(nothing_is_left_raised_when_no_sender_waits)
{
	struct op op;

	open_here(1);
	fill(tx);
	for (uint64_t i = 1; i < 50; i++) {
		op_send(&op, tx, i);
		wait_until_senders_waiting(tx, 1);
		cr_assert(wi_channel_waits(channel, SENDING));
		cr_assert(load_relaxed(&channel->queue.tail) & HELD);
		assert_receives_now(rx, i - 1);
		assert_op(&op, WEIR_OK);
		cr_assert(!wi_channel_waits(channel, SENDING));
		cr_assert(!(load_relaxed(&channel->queue.tail) & HELD));
	}
	free_both(tx, rx);
}

/* -- Waiters without threads -------------------------------------------------------- */

static void init_waiter(
	struct waiter *waiter, enum side side, uint64_t *elements, size_t n)
{
	/* Each has a parker of its own, at which nobody sleeps. */
	static struct parker parkers[8];
	static unsigned next;
	struct parker *parker = &parkers[next++ % 8];

	wi_parker_init(parker);
	wi_waiter_init(waiter,
		side == SENDING ? wi_sender_end(tx) : wi_receiver_end(rx),
		elements, n, parker);
}

static void queue_waiter(
	struct waiter *waiter, enum side side, uint64_t *elements, size_t n)
{
	init_waiter(waiter, side, elements, n);
	wi_channel_queue(channel, side, waiter);
}

SEAM_TEST(a_receiver_of_many_takes_what_is_there_and_leaves_the_next_nothing)
{
	struct waiter many, one;
	struct list decided;
	uint64_t to[3], last;

	open_here(4);
	fill_element(&last, 0);
	wi_channel_enter(channel, &decided);
	queue_waiter(&many, RECEIVING, to, 3);
	queue_waiter(&one, RECEIVING, &last, 1);
	assert_status(try_send_value(tx, 1), WEIR_OK);
	assert_status(try_send_value(tx, 2), WEIR_OK);
	wi_channel_settle(channel, &decided);
	cr_assert(!many.queued && many.parker->status == WEIR_OK &&
		  many.done == 2);
	cr_assert(one.queued && one.done == 0);
	assert_status(try_send_value(tx, 3), WEIR_OK);
	wi_channel_leave(channel, &decided);
	cr_assert(!one.queued && one.done == 1);
	assert_value(value_of(&to[1]), 2);
	assert_value(value_of(&last), 3);
	free_both(tx, rx);
}

SEAM_TEST(a_sender_of_many_keeps_its_place_until_all_are_in)
{
	uint64_t from[3], after, value;
	struct waiter many, one;
	struct list decided;

	open_here(2);
	for (uint64_t i = 0; i < 3; i++)
		fill_element(&from[i], i);
	fill_element(&after, 9);
	wi_channel_enter(channel, &decided);
	queue_waiter(&many, SENDING, from, 3);
	queue_waiter(&one, SENDING, &after, 1);
	wi_channel_settle(channel, &decided);
	cr_assert(many.queued && many.done == 2);
	cr_assert(one.queued && one.done == 0);
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	wi_channel_settle(channel, &decided);
	cr_assert(!many.queued && many.parker->status == WEIR_OK &&
		  many.done == 3);
	cr_assert(one.queued && one.done == 0);
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	wi_channel_leave(channel, &decided);
	cr_assert(!one.queued && one.parker->status == WEIR_OK);
	assert_receives_now(rx, 2);
	assert_receives_now(rx, 9);
	free_both(tx, rx);
}

SEAM_TEST(who_comes_to_a_rendezvous_meets_the_oldest)
{
	uint64_t from[3], to[2] = {0, 0};
	struct waiter senders[3], receivers[2];
	struct list decided;

	open_here(0);
	wi_channel_enter(channel, &decided);
	for (uint64_t i = 0; i < 3; i++) {
		fill_element(&from[i], i + 1);
		queue_waiter(&senders[i], SENDING, &from[i], 1);
	}
	for (size_t i = 0; i < 2; i++) {
		init_waiter(&receivers[i], RECEIVING, &to[i], 1);
		cr_assert(wi_channel_meet(
			channel, RECEIVING, &receivers[i], &decided));
		cr_assert(!senders[i].queued && senders[i + 1].queued);
		assert_value(value_of(&to[i]), i + 1);
	}
	cr_assert(senders[2].queued);
	cr_assert(wi_channel_withdraw(channel, SENDING, &senders[2]));
	wi_channel_leave(channel, &decided);
	cr_assert(!wi_channel_waits(channel, SENDING));
	cr_assert(!wi_channel_waits(channel, RECEIVING));
	free_both(tx, rx);
}

SEAM_TEST(serving_when_nobody_waits_does_no_harm)
{
	open_here(2);
	wi_channel_serve(channel);
	assert_sends_now(tx, 1);
	wi_channel_serve(channel);
	assert_receives_now(rx, 1);
	free_both(tx, rx);
}

/* -- On its way ------------------------------------------------------------------------ */

SEAM_TEST(a_deadline_that_passes_while_the_element_is_on_its_way_is_not_kept)
{
	int64_t deadline;
	struct claim sender;
	struct op op;

	open_here(4);
	sender = claim_tail(&channel->ring);
	deadline = weir_now() + 10 * MS;
	op_recv_until(&op, rx, deadline);
	wait_for_waiting(RECEIVING, 1);
	wait_until(weir_now() > deadline + 20 * MS);
	assert_statistic(tx, receivers_waiting, 1);
	cr_assert(!task_done(&op.task));
	finish_send(&sender, 5);
	assert_op_received(&op, 5);
	free_both(tx, rx);
}

SEAM_TEST(a_place_on_its_way_keeps_the_first_sender_and_not_the_second)
{
	struct claim receiver;
	struct op first, second;

	open_here(2);
	fill(tx);
	receiver = claim_head(&channel->ring);
	op_send_until(&first, tx, 10, PAST);
	wait_for_waiting(SENDING, 1);
	op_send_until(&second, tx, 11, PAST);
	assert_op(&second, WEIR_TIMED_OUT);
	cr_assert(!task_done(&first.task));
	finish_recv(&receiver, 0);
	assert_op(&first, WEIR_OK);
	assert_receives_now(rx, 1);
	assert_receives_now(rx, 10);
	free_both(tx, rx);
}

static void withdraw_and_leave(
	enum side side, struct waiter *waiter, struct list *decided)
{
	wi_wait_queue_remove(&channel->waiting[side], waiter);
	wi_channel_leave(channel, decided);
}

/* Waiters in front take what is on its way. */
SEAM_TEST(what_an_older_receiver_takes_is_not_on_its_way_to_a_younger_one)
{
	struct waiter older, younger;
	struct claim sender;
	struct list decided;
	uint64_t to[2];

	open_here(4);
	sender = claim_tail(&channel->ring);
	wi_channel_enter(channel, &decided);
	queue_waiter(&older, RECEIVING, to, 1);
	queue_waiter(&younger, RECEIVING, &to[1], 1);
	wi_channel_settle(channel, &decided);
	cr_assert(wi_channel_withdraw(channel, RECEIVING, &younger));
	cr_assert(!wi_channel_withdraw(channel, RECEIVING, &older));
	withdraw_and_leave(RECEIVING, &older, &decided);
	finish_send(&sender, 1);
	free_both(tx, rx);
}

SEAM_TEST(what_two_older_receivers_take_adds_up)
{
	struct waiter older[2], younger;
	struct claim senders[2];
	struct list decided;
	uint64_t to[3];

	open_here(4);
	for (int i = 0; i < 2; i++)
		senders[i] = claim_tail(&channel->ring);
	wi_channel_enter(channel, &decided);
	queue_waiter(&older[0], RECEIVING, to, 1);
	queue_waiter(&older[1], RECEIVING, &to[1], 1);
	queue_waiter(&younger, RECEIVING, &to[2], 1);
	wi_channel_settle(channel, &decided);
	cr_assert(wi_channel_withdraw(channel, RECEIVING, &younger));
	cr_assert(!wi_channel_withdraw(channel, RECEIVING, &older[1]));
	wi_channel_leave(channel, &decided);
	for (int i = 1; i >= 0; i--)
		finish_send(&senders[i], (uint64_t)i);
	cr_assert(older[0].done == 1 && older[1].done == 1);
	free_both(tx, rx);
}

/* A recv_many goes with what is there when it is served: one, for sure. */
SEAM_TEST(what_an_older_recv_many_might_take_keeps_a_younger_receiver)
{
	struct waiter older, younger;
	struct claim senders[2];
	struct list decided;
	uint64_t to[3];

	open_here(4);
	for (int i = 0; i < 2; i++)
		senders[i] = claim_tail(&channel->ring);
	wi_channel_enter(channel, &decided);
	queue_waiter(&older, RECEIVING, to, 2);
	queue_waiter(&younger, RECEIVING, &to[2], 1);
	wi_channel_settle(channel, &decided);
	cr_assert(!wi_channel_withdraw(channel, RECEIVING, &younger));
	wi_channel_leave(channel, &decided);
	finish_send(&senders[0], 1);
	cr_assert(!older.queued && older.done == 1);
	cr_assert(younger.queued);
	finish_send(&senders[1], 2);
	cr_assert(!younger.queued && value_of(&to[2]) == 2);
	free_both(tx, rx);
}

/* A send_many that finds too little may give up. */
SEAM_TEST(what_an_older_send_many_might_take_keeps_a_younger_sender)
{
	struct claim receiver;
	struct waiter older, younger;
	struct list decided;
	uint64_t from[3];

	open_here(2);
	fill(tx);
	for (int i = 0; i < 3; i++)
		fill_element(&from[i], 10 + (uint64_t)i);
	receiver = claim_head(&channel->ring);
	wi_channel_enter(channel, &decided);
	queue_waiter(&older, SENDING, from, 2);
	queue_waiter(&younger, SENDING, &from[2], 1);
	wi_channel_settle(channel, &decided);
	cr_assert(!wi_channel_withdraw(channel, SENDING, &younger));
	cr_assert(wi_channel_withdraw(channel, SENDING, &older));
	wi_channel_leave(channel, &decided);
	finish_recv(&receiver, 0);
	cr_assert(!younger.queued && younger.done == 1);
	free_both(tx, rx);
}

SEAM_TEST(what_older_receivers_leave_is_on_its_way_to_younger_ones)
{
	struct waiter older, younger;
	struct claim senders[3];
	struct list decided;
	uint64_t to[3];

	open_here(4);
	for (int i = 0; i < 3; i++)
		senders[i] = claim_tail(&channel->ring);
	wi_channel_enter(channel, &decided);
	queue_waiter(&older, RECEIVING, to, 2);
	queue_waiter(&younger, RECEIVING, &to[2], 1);
	wi_channel_settle(channel, &decided);
	cr_assert(!wi_channel_withdraw(channel, RECEIVING, &younger));
	wi_channel_leave(channel, &decided);
	for (int i = 2; i >= 0; i--)
		finish_send(&senders[i], (uint64_t)i);
	cr_assert(!older.queued && older.done == 2);
	cr_assert(!younger.queued && younger.done == 1);
	assert_value(value_of(&to[2]), 2);
	free_both(tx, rx);
}

/* TIMED_OUT says that not all of it could be done. */
SEAM_TEST(a_sender_of_many_stays_only_if_all_its_places_are_on_their_way)
{
	struct claim receivers[2];
	struct waiter sender;
	struct list decided;
	uint64_t from[2];

	open_here(2);
	fill(tx);
	fill_element(&from[0], 10);
	fill_element(&from[1], 11);
	receivers[0] = claim_head(&channel->ring);
	wi_channel_enter(channel, &decided);
	queue_waiter(&sender, SENDING, from, 2);
	wi_channel_settle(channel, &decided);
	cr_assert(wi_channel_withdraw(channel, SENDING, &sender));
	receivers[1] = claim_head(&channel->ring);
	queue_waiter(&sender, SENDING, from, 2);
	cr_assert(!wi_channel_withdraw(channel, SENDING, &sender));
	wi_channel_leave(channel, &decided);
	finish_recv(&receivers[0], 0);
	cr_assert(sender.queued && sender.done == 1);
	finish_recv(&receivers[1], 1);
	cr_assert(!sender.queued && sender.done == 2);
	free_both(tx, rx);
}

SEAM_TEST(nothing_is_ever_on_its_way_in_a_rendezvous)
{
	struct waiter sender;
	struct list decided;
	uint64_t from = 1;

	open_here(0);
	wi_channel_enter(channel, &decided);
	queue_waiter(&sender, SENDING, &from, 1);
	cr_assert(wi_channel_withdraw(channel, SENDING, &sender));
	queue_waiter(&sender, RECEIVING, &from, 1);
	cr_assert(wi_channel_withdraw(channel, RECEIVING, &sender));
	wi_channel_leave(channel, &decided);
	free_both(tx, rx);
}

/* -- Where there is one CPU ---------------------------------------------------- */

static bool yields_are_stopped(enum side side)
{
	struct backoff *backoff = &channel->sides[side].backoff;

	return load_relaxed(&backoff->crowded) != 0; /* relaxed: a hint */
}

/* So many receivers wait; then they are served. */
static void let_wait(size_t capacity, size_t n)
{
	struct op ops[2];

	open_here(capacity);
	for (size_t i = 0; i < n; i++) {
		op_recv(&ops[i], rx);
		wait_for_waiting(RECEIVING, i + 1);
	}
	for (size_t i = 0; i < n; i++)
		assert_sends(tx, i);
	for (size_t i = 0; i < n; i++)
		assert_op_received(&ops[i], i);
}

SEAM_TEST(who_waits_behind_others_at_one_place_stops_the_yields_of_both_sides)
{
	allow_one_cpu();
	/* The receivers' own may have been long. */
	let_wait(1, 1);
	cr_assert(!yields_are_stopped(SENDING));
	free_both(tx, rx);
	let_wait(0, 2);
	cr_assert(!yields_are_stopped(SENDING));
	free_both(tx, rx);
	let_wait(2, 2);
	cr_assert(!yields_are_stopped(SENDING));
	free_both(tx, rx);
	let_wait(1, 2);
	cr_assert(yields_are_stopped(SENDING));
	cr_assert(yields_are_stopped(RECEIVING));
	free_both(tx, rx);
}
