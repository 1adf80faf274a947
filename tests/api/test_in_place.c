/* SPDX-License-Identifier: MIT */
/* test_in_place.c - elements that are built and used where they lie. */
#include "drops.h"
#include "fixture.h"

#include <stdlib.h>

static void *reserve(weir_sender *tx)
{
	void *slot = NULL;

	assert_status(weir_send_reserve_until(tx, &slot, PAST), WEIR_OK);
	cr_assert(slot != NULL);
	return slot;
}

static void *acquire(weir_receiver *rx)
{
	void *slot = NULL;

	assert_status(weir_recv_acquire_until(rx, &slot, PAST), WEIR_OK);
	cr_assert(slot != NULL);
	return slot;
}

static void send_in_place(weir_sender *tx, uint64_t value)
{
	void *slot = reserve(tx);

	fill_element(slot, value);
	weir_send_commit(tx, slot);
}

static void assert_acquires(weir_receiver *rx, uint64_t want)
{
	void *slot = acquire(rx);

	assert_value(value_of(slot), want);
	weir_recv_release(rx, slot);
}

HAS_BUFFER(in_place, mixes_with_copies_and_keeps_the_order)
{
	size_t places =
		flavor->capacity == WEIR_UNBOUNDED ? 5000 : flavor->capacity;
	uint64_t sent = 0, received = 0;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < places; i++, sent++) {
			if (sent % 2 == 0)
				send_in_place(tx, sent);
			else
				assert_sends_now(tx, sent);
		}
		for (size_t i = 0; i < places; i++, received++) {
			if (received % 3 == 0)
				assert_receives_now(rx, received);
			else
				assert_acquires(rx, received);
		}
	}
	assert_statistic(tx, sent, sent);
	assert_statistic(tx, received, sent);
	free_both(tx, rx);
}

ONE_CASE(in_place, elements_are_large_aligned_and_not_copied)
{
	static const size_t sizes[] = {64, 1000, 4096, 65536, 1 << 20};
	static const size_t capacities[] = {1, 4, WEIR_UNBOUNDED};

	for (size_t s = 0; s < LENGTH(sizes); s++) {
		for (size_t c = 0; c < LENGTH(capacities); c++) {
			unsigned char *built, *used;
			weir_sender *tx;
			weir_receiver *rx;

			assert_status(
				weir_open(capacities[c], sizes[s], &tx, &rx),
				WEIR_OK);
			built = reserve(tx);
			cr_assert((uintptr_t)built % 8 == 0);
			memset(built, (int)s + 1, sizes[s]);
			weir_send_commit(tx, built);
			used = acquire(rx);
			cr_assert(used == built, "the same memory");
			cr_assert(used[sizes[s] - 1] == s + 1);
			weir_recv_release(rx, used);
			free_both(tx, rx);
		}
	}
}

RENDEZVOUS(in_place, needs_a_buffer)
{
	weir_sender *tx;
	weir_receiver *rx, *timer;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	assert_status(weir_send_reserve(tx, &slot), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_acquire(rx, &slot), WEIR_INVALID_ARGUMENT);
	assert_status(weir_after(0, &timer), WEIR_OK);
	assert_status(
		weir_try_recv_acquire(timer, &slot), WEIR_INVALID_ARGUMENT);
	weir_receiver_free(timer);
	free_both(tx, rx);
}

HAS_BUFFER(in_place, checks_and_answers_as_the_plain_calls)
{
	weir_sender *tx;
	weir_receiver *rx;
	void *slot = &slot;

	open_flavor(flavor, &tx, &rx);
	assert_status(weir_send_reserve(NULL, &slot), WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_reserve(tx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_acquire(NULL, &slot), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_acquire(rx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_recv_acquire(rx, &slot), WEIR_WOULD_BLOCK);
	assert_status(weir_recv_acquire_for(rx, &slot, MS), WEIR_TIMED_OUT);
	if (flavor->capacity != WEIR_UNBOUNDED) {
		fill(tx);
		assert_status(
			weir_try_send_reserve(tx, &slot), WEIR_WOULD_BLOCK);
		assert_status(
			weir_send_reserve_for(tx, &slot, MS), WEIR_TIMED_OUT);
	}
	weir_receiver_close(rx);
	assert_status(weir_send_reserve(tx, &slot), WEIR_BROKEN_RESOURCE);
	assert_status(weir_recv_acquire(rx, &slot), WEIR_CLOSED_RESOURCE);
	weir_sender_close(tx);
	assert_status(weir_send_reserve(tx, &slot), WEIR_CLOSED_RESOURCE);
	cr_assert(slot == &slot, "untouched");
	weir_send_commit(NULL, NULL);
	weir_send_abort(NULL, NULL);
	weir_recv_release(NULL, NULL);
	free_both(tx, rx);
}

HAS_BUFFER(in_place, a_reservation_holds_its_place_and_nobody_for_ever)
{
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;
	struct op op, late;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	slot = reserve(tx);
	op_recv_until(&late, rx, weir_now() + 5 * MS);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	assert_op(&late, WEIR_TIMED_OUT);
	if (flavor->capacity > 1) {
		assert_status(try_send_value(tx, 2), WEIR_OK);
		assert_status(
			recv_value_until(rx, &value, PAST), WEIR_TIMED_OUT);
	} else {
		assert_status(try_send_value(tx, 2), WEIR_WOULD_BLOCK);
	}
	fill_element(slot, 1);
	weir_send_commit(tx, slot);
	assert_op_received(&op, 1);
	if (flavor->capacity > 1)
		assert_receives_now(rx, 2);
	free_both(tx, rx);
}

/* Late, but told to stay for an element on its way; then that is in hand. */
HAS_BUFFER(in_place, who_waits_for_a_held_place_times_out)
{
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t value;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	for (int i = 0; i < 100; i++) {
		struct op op;

		op_recv_until(&op, rx, weir_now() + 20000);
		slot = reserve(tx);
		assert_op(&op, WEIR_TIMED_OUT);
		weir_send_abort(tx, slot);
		assert_status(
			recv_value_until(rx, &value, PAST), WEIR_TIMED_OUT);
	}
	assert_statistic(tx, sent, 0);
	free_both(tx, rx);
}

BOUNDED(in_place, an_acquired_place_is_not_free_yet)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct op op;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	slot = acquire(rx);
	assert_status(try_send_value(tx, 50), WEIR_WOULD_BLOCK);
	assert_status(send_value_until(tx, 50, PAST), WEIR_TIMED_OUT);
	assert_status(
		send_value_until(tx, 50, weir_now() + 3 * MS), WEIR_TIMED_OUT);
	op_send(&op, tx, 51);
	wait_until_senders_waiting(tx, 1);
	assert_value(value_of(slot), 0);
	weir_recv_release(rx, slot);
	assert_op(&op, WEIR_OK);
	for (uint64_t i = 1; i < flavor->capacity; i++)
		assert_receives_now(rx, i);
	assert_receives_now(rx, 51);
	free_both(tx, rx);
}

/* -- Gaps -------------------------------------------------------------------- */

HAS_BUFFER(in_place, an_aborted_place_is_passed_over)
{
	size_t more = flavor->capacity < 10 ? flavor->capacity : 10;
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t value, sent = 0;

	open_flavor(flavor, &tx, &rx);
	for (size_t gap = 0; gap < more; gap++) {
		for (size_t i = 0; i < more; i++) {
			if (i == gap)
				weir_send_abort(tx, reserve(tx));
			else
				assert_sends_now(tx, i);
		}
		sent += more - 1;
		cr_assert(weir_receiver_length(rx) == more - 1);
		assert_statistic(tx, sent, sent);
		for (size_t i = 0; i < more; i++)
			if (i != gap)
				assert_receives_now(rx, i);
		assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
		assert_statistic(tx, received, sent);
		assert_statistic(tx, current_buffer_used, 0);
	}
	free_both(tx, rx);
}

BOUNDED(in_place, a_gap_strands_no_sender)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct op op;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	slot = reserve(tx);
	for (size_t i = 1; i < flavor->capacity; i++)
		assert_sends_now(tx, i);
	op_send(&op, tx, 90);
	wait_until_senders_waiting(tx, 1);
	weir_send_abort(tx, slot);
	assert_op(&op, WEIR_OK);
	for (size_t i = 1; i < flavor->capacity; i++)
		assert_receives_now(rx, i);
	assert_receives_now(rx, 90);
	/* And behind an element. */
	if (flavor->capacity > 1) {
		assert_sends_now(tx, 1);
		for (size_t i = 1; i < flavor->capacity; i++)
			weir_send_abort(tx, reserve(tx));
		op_send(&op, tx, 91);
		wait_until_senders_waiting(tx, 1);
		assert_receives_now(rx, 1);
		assert_op(&op, WEIR_OK);
		for (size_t i = 1; i < flavor->capacity; i++)
			assert_sends_now(tx, i);
		assert_receives_now(rx, 91);
	}
	free_both(tx, rx);
}

HAS_BUFFER(in_place, an_abort_lets_the_end_through)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct op op;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	slot = reserve(tx);
	op_recv(&op, rx);
	wait_until_receivers_waiting(rx, 1);
	weir_sender_close(tx);
	cr_assert(!task_done(&op.task), "the reservation is still out");
	weir_send_abort(tx, slot);
	assert_op(&op, WEIR_END_OF_CHANNEL);
	assert_ended(rx);
	free_both(tx, rx);
}

/* -- Closing ------------------------------------------------------------------ */

HAS_BUFFER(in_place, a_commit_after_the_close_of_its_sender_arrives)
{
	weir_sender *tx;
	weir_receiver *rx;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	slot = reserve(tx);
	fill_element(slot, 5);
	weir_sender_close(tx);
	weir_send_commit(tx, slot);
	assert_receives_now(rx, 5);
	assert_ended(rx);
	free_both(tx, rx);
}

HAS_BUFFER(in_place, a_commit_after_the_last_receivers_close_is_dropped)
{
	for (int how = 0; how < 2; how++) {
		weir_options options = options_of(flavor);
		static struct drops drops;
		weir_sender *tx;
		weir_receiver *rx;
		void *slot;

		drops_init(&drops, &options);
		open_options(&options, &tx, &rx);
		slot = reserve(tx);
		fill_element(slot, 5);
		weir_receiver_free(rx);
		drops_settled(&drops, 0);
		if (how == 0)
			weir_send_commit(tx, slot);
		else
			weir_send_abort(tx, slot);
		drops_settled(&drops, how == 0 ? 1 : 0);
		assert_statistic(tx, sent, how == 0 ? 1 : 0);
		assert_statistic(tx, received, 0);
		assert_statistic(tx, current_buffer_used, 0);
		weir_sender_free(tx);
	}
}

HAS_BUFFER(in_place, an_acquired_element_outlives_the_close)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	weir_sender *tx;
	weir_receiver *rx;
	void *slot;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	assert_sends_now(tx, 3);
	slot = acquire(rx);
	weir_receiver_close(rx);
	weir_sender_free(tx);
	assert_value(value_of(slot), 3);
	weir_recv_release(rx, slot);
	weir_receiver_free(rx);
	drops_settled(&drops, 0);
}

/* -- In traffic ----------------------------------------------------------------- */

struct race {
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t each;
	_Atomic uint64_t sent, received, sent_sum, received_sum;
};

static int send_all_ways(void *argument)
{
	struct race *race = argument;

	for (uint64_t i = 1; i <= race->each; i++) {
		void *slot;

		if (i % 3 == 0) {
			if (weir_send_for(race->tx, &i, patience_ns()) != 0)
				return 1;
		} else {
			if (weir_send_reserve_for(
				    race->tx, &slot, patience_ns()) != 0)
				return 2;
			if (i % 3 == 1) {
				weir_send_abort(race->tx, slot);
				continue;
			}
			memcpy(slot, &i, sizeof i);
			weir_send_commit(race->tx, slot);
		}
		race->sent++;
		race->sent_sum += i;
	}
	return 0;
}

static int receive_all_ways(void *argument)
{
	struct race *race = argument;
	uint64_t value = 0;
	int status = WEIR_OK;

	for (uint64_t i = 0; status == WEIR_OK; i++) {
		void *slot;

		if (i % 2 == 0) {
			status = weir_recv_acquire_for(
				race->rx, &slot, patience_ns());
			if (status != WEIR_OK)
				break;
			memcpy(&value, slot, sizeof value);
			weir_recv_release(race->rx, slot);
		} else {
			status = weir_recv_for(race->rx, &value, patience_ns());
			if (status != WEIR_OK)
				break;
		}
		race->received++;
		race->received_sum += value;
	}
	return status;
}

ONE_CASE(in_place, in_traffic_nothing_is_lost_and_nothing_doubled)
{
	static const size_t capacities[] = {1, 2, 3, 64, WEIR_UNBOUNDED};

	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct race race = {NULL, NULL, 15000, 0, 0, 0, 0};
		struct task sending[3], receiving[3];

		assert_status(weir_open(capacities[c], 8, &race.tx, &race.rx),
			WEIR_OK);
		for (int i = 0; i < 3; i++) {
			task_start(&sending[i], send_all_ways, &race);
			task_start(&receiving[i], receive_all_ways, &race);
		}
		for (int i = 0; i < 3; i++)
			cr_assert(task_join(&sending[i]) == 0);
		weir_sender_close(race.tx);
		for (int i = 0; i < 3; i++)
			assert_status(
				task_join(&receiving[i]), WEIR_END_OF_CHANNEL);
		cr_assert(race.sent == race.received);
		cr_assert(race.sent_sum == race.received_sum);
		assert_statistic(race.tx, sent, race.sent);
		assert_statistic(race.tx, received, race.sent);
		free_both(race.tx, race.rx);
	}
}
