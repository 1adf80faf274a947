/* SPDX-License-Identifier: MIT */
/* test_force_send.c - the newest element gets in, the oldest is handed back. */
#include "drops.h"
#include "fixture.h"
#include "stall.h"

static int force_value(
	weir_sender *tx, uint64_t value, void *displaced, bool *was)
{
	ELEMENT(element);

	fill_element(element, value);
	return weir_force_send(tx, element, displaced, was);
}

BOUNDED(force_send, hands_the_oldest_back_once_it_is_full)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(old);
	bool was = true;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < flavor->capacity; i++) {
		assert_status(force_value(tx, i, old, &was), WEIR_OK);
		cr_assert(!was);
	}
	for (uint64_t i = 0; i < 3 * flavor->capacity; i++) {
		assert_status(force_value(tx, i + flavor->capacity, old, &was),
			WEIR_OK);
		cr_assert(was);
		assert_value(value_of(old), i);
		cr_assert(weir_sender_length(tx) == flavor->capacity);
	}
	assert_statistic(tx, displaced, 3 * flavor->capacity);
	assert_statistic(tx, sent, 4 * flavor->capacity);
	assert_statistic(tx, received, 0);
	for (uint64_t i = 0; i < flavor->capacity; i++)
		assert_receives_now(rx, 3 * flavor->capacity + i);
	assert_statistic(tx, received, flavor->capacity);
	free_both(tx, rx);
}

BOUNDED(force_send, drops_the_oldest_if_nobody_wants_it)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	weir_sender *tx;
	weir_receiver *rx;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	fill(tx);
	for (uint64_t i = 0; i < 5; i++)
		assert_status(force_value(tx, i, NULL, NULL), WEIR_OK);
	drops_settled(&drops, 5);
	assert_statistic(tx, dropped, 5);
	weir_receiver_close(rx);
	drops_settled(&drops, 5 + flavor->capacity);
	assert_status(force_value(tx, 1, NULL, NULL), WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
}

UNBOUNDED(force_send, never_displaces_where_there_is_no_limit)
{
	weir_sender *tx;
	weir_receiver *rx;
	bool was = true;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < 100; i++) {
		assert_status(force_value(tx, i, NULL, &was), WEIR_OK);
		cr_assert(!was);
	}
	cr_assert(weir_receiver_length(rx) == 100);
	free_both(tx, rx);
}

RENDEZVOUS(force_send, needs_a_receiver_that_waits)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct op op;
	bool was = true;

	open_flavor(flavor, &tx, &rx);
	assert_status(force_value(tx, 1, NULL, &was), WEIR_WOULD_BLOCK);
	cr_assert(was, "untouched");
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	/* It is counted a moment before it can be met. */
	wait_until(force_value(tx, 2, NULL, &was) == WEIR_OK);
	cr_assert(!was);
	assert_op_received(&op, 2);
	free_both(tx, rx);
}

EVERY_FLAVOR(force_send, checks_come_first)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(element);

	open_flavor(flavor, &tx, &rx);
	assert_status(weir_force_send(NULL, element, NULL, NULL),
		WEIR_INVALID_ARGUMENT);
	if (flavor->element_size > 0)
		assert_status(weir_force_send(tx, NULL, NULL, NULL),
			WEIR_INVALID_ARGUMENT);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	assert_status(force_value(tx, 1, NULL, NULL), WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
}

BOUNDED(force_send, goes_ahead_of_senders_that_wait)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct op first, second;
	ELEMENT(old);
	bool was = false;

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	op_send(&first, tx, 200);
	wait_until_senders_waiting(tx, 1);
	op_send(&second, tx, 201);
	wait_until_senders_waiting(tx, 2);
	assert_status(force_value(tx, 100, old, &was), WEIR_OK);
	cr_assert(was);
	assert_value(value_of(old), 0);
	assert_statistic(tx, senders_waiting, 2);
	for (uint64_t i = 1; i < flavor->capacity; i++)
		assert_receives(rx, i);
	assert_receives(rx, 100);
	assert_receives(rx, 200);
	assert_receives(rx, 201);
	assert_op(&first, WEIR_OK);
	assert_op(&second, WEIR_OK);
	free_both(tx, rx);
}

/* What it displaces may stand in front of a place that was given back. */
BOUNDED(force_send, leaves_no_gap_in_front_of_the_next_element)
{
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t value = TORN;
	void *slot = NULL;
	ELEMENT(old);
	bool was = false;

	open_flavor(flavor, &tx, &rx);
	assert_sends_now(tx, 0);
	if (flavor->capacity > 1)
		assert_status(
			weir_send_reserve_until(tx, &slot, PAST), WEIR_OK);
	for (uint64_t i = 2; i < flavor->capacity; i++)
		assert_sends_now(tx, i);
	weir_send_abort(tx, slot);
	assert_status(force_value(tx, 100, old, &was), WEIR_OK);
	cr_assert(was);
	assert_value(value_of(old), 0);
	for (uint64_t i = 2; i < flavor->capacity; i++) {
		assert_status(try_recv_value(rx, &value), WEIR_OK);
		assert_value(value, i);
	}
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	assert_value(value, 100);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	assert_statistic(tx, current_buffer_used, 0);
	free_both(tx, rx);
}

/* -- Stopped in the middle -------------------------------------------------- */

struct forcing {
	struct task task;
	weir_sender *tx;
	void *element;
	uint64_t old;
	bool was;
};

static int force_one(void *argument)
{
	struct forcing *it = argument;

	return weir_force_send(it->tx, it->element, &it->old, &it->was);
}

static size_t receivers_waiting(const weir_receiver *rx)
{
	weir_statistics now;

	weir_receiver_statistics(rx, &now);
	return now.receivers_waiting;
}

/* The buffer was full before, and is again after: it was never empty. */
FOR_FLAVORS(force_send, is_waited_for_by_a_recv_whose_deadline_is_gone,
	FLAVOR_CASE(force_send, is_waited_for_by_a_recv_whose_deadline_is_gone,
		one, 1, 8) FLAVOR_CASE(force_send,
		is_waited_for_by_a_recv_whose_deadline_is_gone, three, 3, 8))
{
	struct forcing it;
	struct stall stall;
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	stall_open(&stall);
	fill_element(stall.element, 100);
	stall_arm(&stall);
	it = (struct forcing){.tx = tx, .element = stall.element};
	task_start(&it.task, force_one, &it);
	stall_wait(&stall);
	for (uint64_t i = 1; i < flavor->capacity; i++)
		assert_receives_now(rx, i);
	op_recv_until(&op, rx, PAST);
	wait_until(task_done(&op.task) || receivers_waiting(rx) == 1);
	let_them_decide(rx);
	stall_release(&stall);
	assert_status(task_join(&it.task), WEIR_OK);
	cr_assert(it.was);
	assert_value(it.old, 0);
	assert_op_received(&op, 100);
	stall_free(&stall);
	free_both(tx, rx);
}

/* -- In traffic ------------------------------------------------------------- */

struct race {
	weir_sender *tx;
	weir_receiver *rx;
	_Atomic uint64_t sent, displaced, received, refused;
	_Atomic uint64_t sent_sum, gone_sum;
};

static int force_many(void *argument)
{
	struct race *race = argument;

	for (uint64_t i = 1; i <= 30000; i++) {
		uint64_t old = 0;
		bool was = false;
		int status = weir_force_send(race->tx, &i, &old, &was);

		if (status == WEIR_OK) {
			race->sent++;
			race->sent_sum += i;
		} else if (status != WEIR_WOULD_BLOCK) {
			return status;
		}
		if (was) {
			race->displaced++;
			race->gone_sum += old;
		}
	}
	return 0;
}

static int receive_all(void *argument)
{
	struct race *race = argument;
	uint64_t value;
	int status;

	while ((status = weir_recv(race->rx, &value)) == WEIR_OK) {
		race->received++;
		race->gone_sum += value;
	}
	return status;
}

ONE_CASE(force_send, each_element_is_received_or_displaced_once)
{
	for (size_t capacity = 1;
		capacity<65; capacity += capacity> 2 ? 61 : 1) {
		struct race race = {0};
		struct task forcing[3], receiving[2];

		assert_status(
			weir_open(capacity, 8, &race.tx, &race.rx), WEIR_OK);
		for (int i = 0; i < 2; i++)
			task_start(&receiving[i], receive_all, &race);
		for (int i = 0; i < 3; i++)
			task_start(&forcing[i], force_many, &race);
		for (int i = 0; i < 3; i++)
			assert_status(task_join(&forcing[i]), WEIR_OK);
		weir_sender_close(race.tx);
		for (int i = 0; i < 2; i++)
			assert_status(
				task_join(&receiving[i]), WEIR_END_OF_CHANNEL);
		cr_assert(race.sent == race.received + race.displaced);
		cr_assert(race.sent_sum == race.gone_sum);
		assert_statistic(race.tx, sent, race.sent);
		assert_statistic(race.tx, received, race.received);
		assert_statistic(race.tx, displaced, race.displaced);
		free_both(race.tx, race.rx);
	}
}

static _Atomic uint64_t dropped;

static void count_drop(void *element, void *context)
{
	(void)element;
	(void)context;
	dropped++;
}

/* The last receiver closes in the middle of it. */
ONE_CASE(force_send, each_element_is_accounted_for_when_the_channel_breaks)
{
	for (int i = 0; i < 300; i++) {
		weir_options options = WEIR_OPTIONS_INIT;
		struct race race = {0};
		struct task forcing[2];
		uint64_t value, received = 0;

		options.capacity = 1 + (size_t)i % 3;
		options.element_size = 8;
		options.drop = count_drop;
		dropped = 0;
		assert_status(
			weir_open_with(&options, &race.tx, &race.rx), WEIR_OK);
		for (int j = 0; j < 2; j++)
			task_start(&forcing[j], force_many, &race);
		/* They may be through before: then there is nothing more. */
		while (received < 20 &&
			weir_recv_for(race.rx, &value, MS) == WEIR_OK)
			received++;
		weir_receiver_free(race.rx);
		for (int j = 0; j < 2; j++) {
			int status = task_join(&forcing[j]);

			if (status != WEIR_OK) /* it was through already */
				assert_status(status, WEIR_BROKEN_RESOURCE);
		}
		cr_assert(race.sent == received + race.displaced + dropped);
		weir_sender_free(race.tx);
	}
}
