/* SPDX-License-Identifier: MIT */
/* test_memory.c - what is allocated and when, and what happens when it is not.
 */
#include "counting.h"
#include "drops.h"
#include "fixture.h"

#include <stdlib.h>

#define SEGMENTS ((int64_t)(4 * 80 * 1024)) /* bytes of a few */

/* For each n: let the n-th allocation of open fail. */
EVERY_FLAVOR(memory, open_fails_cleanly_at_each_of_its_allocations)
{
	weir_options options = options_of(flavor);
	struct counting counting;
	int64_t n = 0;
	int status;

	counting_init(&counting, &options);
	options.name = "name";
	do {
		weir_sender *tx = (weir_sender *)&n;
		weir_receiver *rx = (weir_receiver *)&n;

		atomic_store(
			&counting.fail_at, atomic_load(&counting.calls) + ++n);
		status = weir_open_with(&options, &tx, &rx);
		if (status == WEIR_OK) {
			free_both(tx, rx);
		} else {
			assert_status(status, WEIR_NO_MEMORY);
			cr_assert(tx == (weir_sender *)&n);
			cr_assert(rx == (weir_receiver *)&n);
		}
		counting_settled(&counting);
	} while (status != WEIR_OK);
	cr_assert(n > 4, "open makes more than %lld allocations", (long long)n);
}

EVERY_FLAVOR(memory, a_clone_without_memory_changes_nothing)
{
	weir_options options = options_of(flavor);
	weir_sender *tx, *tx2 = NULL;
	weir_receiver *rx, *rx2 = NULL;
	struct counting counting;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	atomic_store(&counting.fail_after, atomic_load(&counting.calls));
	assert_status(weir_sender_clone(tx, &tx2), WEIR_NO_MEMORY);
	assert_status(weir_receiver_clone(rx, &rx2), WEIR_NO_MEMORY);
	cr_assert(tx2 == NULL && rx2 == NULL);
	assert_statistic(tx, open_senders, 1);
	assert_statistic(tx, open_receivers, 1);
	/* A closed endpoint says so, memory or not. */
	weir_sender_close(tx);
	assert_status(weir_sender_clone(tx, &tx2), WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
	counting_settled(&counting);
}

/* Send until memory ends, let it come back, send on: nothing is lost. */
UNBOUNDED(memory, a_send_without_memory_changes_nothing)
{
	weir_options options = options_of(flavor);
	struct counting counting;
	uint64_t sent = 0, taken = 0;
	weir_sender *tx;
	weir_receiver *rx;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	for (int64_t more = 0; more < 4; more++) {
		int status;

		atomic_store(&counting.fail_after,
			atomic_load(&counting.calls) + more);
		while ((status = send_value_until(tx, sent, PAST)) == WEIR_OK)
			sent++;
		assert_status(status, WEIR_NO_MEMORY);
		assert_status(try_send_value(tx, sent), WEIR_NO_MEMORY);
		assert_statistic(tx, sent, sent);
		atomic_store(&counting.fail_after, 0);
		assert_sends_now(tx, sent++);
	}
	while (taken < sent)
		assert_receives_now(rx, taken++);
	free_both(tx, rx);
	counting_settled(&counting);
}

UNBOUNDED(memory, send_many_without_memory_says_how_many_got_in)
{
	enum { N = 40000 };
	weir_options options = options_of(flavor);
	size_t size = options.element_size, sent = 0;
	unsigned char *elements = calloc(N, size);
	struct counting counting;
	weir_sender *tx;
	weir_receiver *rx;

	cr_assert(elements != NULL);
	element_size = size;
	for (size_t i = 0; i < N; i++)
		fill_element(elements + i * size, i);
	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	atomic_store(&counting.fail_after, atomic_load(&counting.calls) + 1);
	assert_status(weir_send_many(tx, elements, N, &sent), WEIR_NO_MEMORY);
	cr_assert(sent > 0 && sent < N);
	assert_statistic(tx, current_buffer_used, sent);
	for (size_t i = 0; i < sent; i++)
		assert_receives_now(rx, i);
	free_both(tx, rx);
	free(elements);
	counting_settled(&counting);
}

/* Promise: bounded and rendezvous channels allocate nothing after open. */
CAN_BE_FULL(memory, a_bounded_channel_allocates_nothing_after_open)
{
	weir_options options = options_of(flavor);
	struct counting counting;
	int64_t after_open;
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	after_open = atomic_load(&counting.calls);
	for (int round = 0; round < 3; round++) {
		n = fill(tx);
		op_send(&op, tx, n);
		wait_until_senders_waiting(tx, 1);
		for (size_t i = 0; i <= n; i++)
			assert_receives(rx, i);
		assert_op(&op, WEIR_OK);
		op_recv(&op, rx);
		wait_until_receivers_waiting(rx, 1);
		assert_sends(tx, 1);
		assert_op_received(&op, 1);
	}
	cr_assert(atomic_load(&counting.calls) == after_open);
	free_both(tx, rx);
	counting_settled(&counting);
}

/* Promise: an unbounded channel gives memory back as elements are received. */
UNBOUNDED(memory, an_unbounded_channel_gives_its_memory_back_after_a_burst)
{
	uint64_t n = flavor->element_size > 100 ? 2000 : 300000;
	weir_options options = options_of(flavor);
	struct counting counting;
	int64_t peak;
	weir_sender *tx;
	weir_receiver *rx;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	for (uint64_t i = 0; i < n; i++)
		assert_sends_now(tx, i);
	peak = atomic_load(&counting.live_bytes);
	cr_assert(peak > (int64_t)(n * flavor->element_size));
	for (uint64_t i = 0; i < n; i++)
		assert_receives_now(rx, i);
	wait_until(atomic_load(&counting.live_bytes) < SEGMENTS);
	free_both(tx, rx);
	counting_settled(&counting);
}

/* Another library freed its first block twice when the last receiver left. */
UNBOUNDED(memory, the_last_receiver_frees_what_was_never_received)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct counting counting;

	for (uint64_t n = 0; n < 3000; n = 2 * n + 1) {
		weir_sender *tx;
		weir_receiver *rx;

		counting_init(&counting, &options);
		drops_init(&drops, &options);
		open_options(&options, &tx, &rx);
		for (uint64_t i = 0; i < n; i++)
			assert_sends_now(tx, i);
		weir_receiver_free(rx);
		drops_settled(&drops, n);
		assert_status(try_send_value(tx, 1), WEIR_BROKEN_RESOURCE);
		weir_sender_free(tx);
		counting_settled(&counting);
	}
}

EVERY_FLAVOR(memory, every_order_of_frees_gives_all_back)
{
	for (unsigned order = 0; order < 16; order++) {
		weir_options options = options_of(flavor);
		struct counting counting;
		weir_sender *tx[2];
		weir_receiver *rx[2];

		counting_init(&counting, &options);
		open_options(&options, &tx[0], &rx[0]);
		tx[1] = clone_sender(tx[0]);
		rx[1] = clone_receiver(rx[0]);
		if (flavor->capacity > 0)
			assert_sends_now(tx[0], 1);
		for (unsigned i = 0; i < 4; i++) {
			unsigned which = (i + order) % 4;

			if (order & 4)
				which = 3 - which;
			if (order & 8)
				which ^= 1;
			if (which < 2)
				weir_sender_free(tx[which]);
			else
				weir_receiver_free(rx[which - 2]);
		}
		counting_settled(&counting);
	}
}

EVERY_FLAVOR(memory, a_clone_fails_cleanly_at_each_of_its_allocations)
{
	weir_options options = options_of(flavor);
	weir_sender *tx;
	weir_receiver *rx;
	struct counting counting;
	int status;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	for (int64_t n = 1; n < 10; n++) {
		weir_sender *tx2 = (weir_sender *)&n;
		weir_receiver *rx2 = (weir_receiver *)&n;

		atomic_store(
			&counting.fail_at, atomic_load(&counting.calls) + n);
		status = weir_sender_clone(tx, &tx2);
		if (status == WEIR_OK) {
			weir_sender_free(tx2);
		} else {
			assert_status(status, WEIR_NO_MEMORY);
			cr_assert(tx2 == (weir_sender *)&n);
		}
		atomic_store(
			&counting.fail_at, atomic_load(&counting.calls) + n);
		status = weir_receiver_clone(rx, &rx2);
		if (status == WEIR_OK) {
			weir_receiver_free(rx2);
		} else {
			assert_status(status, WEIR_NO_MEMORY);
			cr_assert(rx2 == (weir_receiver *)&n);
		}
		assert_statistic(tx, open_senders, 1);
		assert_statistic(tx, open_receivers, 1);
	}
	free_both(tx, rx);
	counting_settled(&counting);
}

/* The whole life of a channel with the n-th allocation of it failing, for each
 * n: what fails is done again, and then all is as if it had not failed. */
EVERY_FLAVOR(memory, a_channel_outlives_the_failure_of_any_one_allocation)
{
	uint64_t elements = flavor->element_size > 100 ? 100 : 4000;
	weir_options options = options_of(flavor);
	struct counting counting;
	int64_t n = 0;
	bool failed;

	do {
		weir_sender *tx, *tx2 = NULL;
		weir_receiver *rx, *rx2 = NULL;
		struct op op;
		int status;

		counting_init(&counting, &options);
		element_size = options.element_size;
		atomic_store(&counting.fail_at, ++n);
		failed = false;
		while ((status = weir_open_with(&options, &tx, &rx)) ==
			WEIR_NO_MEMORY)
			failed = true;
		assert_status(status, WEIR_OK);
		while ((status = weir_sender_clone(tx, &tx2)) == WEIR_NO_MEMORY)
			failed = true;
		assert_status(status, WEIR_OK);
		while ((status = weir_receiver_clone(rx, &rx2)) ==
			WEIR_NO_MEMORY)
			failed = true;
		assert_status(status, WEIR_OK);
		op_recv(&op, rx2);
		wait_until_receivers_waiting(rx2, 1);
		while ((status = send_value_until(tx, 0, PAST)) ==
			WEIR_NO_MEMORY)
			failed = true;
		assert_status(status, WEIR_OK);
		assert_op_received(&op, 0);
		for (uint64_t i = 0; i < elements; i++) {
			while ((status = send_value_until(tx2, i, PAST)) ==
				WEIR_NO_MEMORY)
				failed = true;
			if (status == WEIR_TIMED_OUT)
				elements = i;
			else
				assert_status(status, WEIR_OK);
		}
		for (uint64_t i = 0; i < elements; i++)
			assert_receives_now(rx2, i);
		free_both(tx, rx2);
		free_both(tx2, rx);
		counting_settled(&counting);
	} while (failed);
	cr_assert(n > 5, "only %lld allocations", (long long)n - 1);
}

/* recv and close can be called when there is none. */
EVERY_FLAVOR(memory, receiving_and_closing_need_no_memory)
{
	uint64_t more = flavor->element_size > 100 ? 100 : 4000;
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct counting counting;
	uint64_t n;
	weir_sender *tx;
	weir_receiver *rx;

	counting_init(&counting, &options);
	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	n = fill(tx);
	while (flavor->capacity == WEIR_UNBOUNDED && n < more)
		assert_sends_now(tx, n++);
	atomic_store(&counting.fail_after, atomic_load(&counting.calls));
	for (uint64_t i = 0; i < n / 2; i++)
		assert_receives_now(rx, i);
	free_both(tx, rx);
	drops_settled(&drops, n - n / 2);
	counting_settled(&counting);
}

/* In another library each wait left something behind. */
EVERY_FLAVOR(memory, waits_that_time_out_allocate_nothing)
{
	weir_options options = options_of(flavor);
	struct counting counting;
	int64_t calls, blocks;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	calls = atomic_load(&counting.calls);
	blocks = atomic_load(&counting.live_blocks);
	for (int64_t i = 0; i < 300; i++)
		assert_status(
			recv_value_until(rx, &value, weir_now() + i * 100),
			WEIR_TIMED_OUT);
	if (flavor->capacity != WEIR_UNBOUNDED) {
		fill(tx);
		for (int64_t i = 0; i < 300; i++)
			assert_status(
				send_value_until(tx, 1, weir_now() + i * 100),
				WEIR_TIMED_OUT);
	}
	cr_assert(atomic_load(&counting.calls) == calls);
	cr_assert(atomic_load(&counting.live_blocks) == blocks);
	free_both(tx, rx);
	counting_settled(&counting);
}
