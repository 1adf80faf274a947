/* SPDX-License-Identifier: MIT */
/* test_many.c - send_many and recv_many: how far a call gets, and its count. */
#include <stdlib.h>

#include "fixture.h"

#define BATCH 40

/* `n` elements from `first` on, one after the other. */
static unsigned char *batch(uint64_t first, size_t n)
{
	unsigned char *elements = malloc(n * element_size + 1);

	cr_assert(elements != NULL);
	for (size_t i = 0; i < n; i++)
		fill_element(elements + i * element_size, first + i);
	return elements;
}

static void assert_batch(
	const unsigned char *elements, uint64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_value(value_of(elements + i * element_size), first + i);
}

struct many {
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;
	unsigned char *elements;
	size_t count;
	size_t n;
};

static int run_send_many(void *argument)
{
	struct many *many = argument;

	return weir_send_many(many->tx, many->elements, many->count, &many->n);
}

static int run_recv_many(void *argument)
{
	struct many *many = argument;

	return weir_recv_many(many->rx, many->elements, many->count, &many->n);
}

HAS_BUFFER(many, try_send_many_sends_what_fits_and_says_how_many)
{
	unsigned char *elements;
	size_t room, n = 77;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	room = flavor->capacity < BATCH ? flavor->capacity : BATCH;
	elements = batch(0, BATCH);
	assert_status(weir_try_send_many(tx, elements, BATCH, &n),
		room == BATCH ? WEIR_OK : WEIR_WOULD_BLOCK);
	cr_assert(n == room);
	for (uint64_t i = 0; i < room; i++)
		assert_receives_now(rx, i);
	assert_statistic(tx, sent, room);
	free(elements);
	free_both(tx, rx);
}

HAS_BUFFER(many, recv_many_takes_what_is_there_up_to_count)
{
	unsigned char *out;
	size_t filled, n = 77;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	out = batch(0, 2000);
	filled = fill(tx);
	assert_status(weir_recv_many(rx, out, 2000, &n), WEIR_OK);
	cr_assert(n == filled, "%zu, not %zu", n, filled);
	assert_batch(out, 0, n);

	filled = fill(tx);
	if (filled > 1) {
		assert_status(
			weir_try_recv_many(rx, out, filled - 1, &n), WEIR_OK);
		cr_assert(n == filled - 1);
		assert_batch(out, 0, n);
	}
	assert_status(weir_recv_many_until(rx, out, 2000, &n, PAST), WEIR_OK);
	cr_assert(n == 1);
	assert_value(value_of(out), filled - 1);

	assert_status(weir_try_recv_many(rx, out, 5, &n), WEIR_WOULD_BLOCK);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_recv_many_for(rx, out, 5, &n, 0), WEIR_TIMED_OUT);
	cr_assert(n == 0);
	free(out);
	free_both(tx, rx);
}

/* It waits for the first element only. */
EVERY_FLAVOR(many, recv_many_waits_for_one_element)
{
	struct many many = {.count = 10};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	many.rx = rx;
	many.elements = batch(0, 10);
	task_start(&many.task, run_recv_many, &many);
	wait_until_receivers_waiting(rx, 1);
	assert_sends(tx, 8);
	assert_status(task_join(&many.task), WEIR_OK);
	cr_assert(many.n == 1);
	assert_batch(many.elements, 8, 1);
	free(many.elements);
	free_both(tx, rx);
}

/* All elements get in, one place at a time if need be. */
EVERY_FLAVOR(many, send_many_waits_until_all_are_in)
{
	struct many many = {.count = BATCH};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	many.tx = tx;
	many.elements = batch(0, BATCH);
	task_start(&many.task, run_send_many, &many);
	if (flavor->capacity < BATCH)
		wait_until_senders_waiting(tx, 1);
	for (uint64_t i = 0; i < BATCH; i++)
		assert_receives(rx, i);
	assert_status(task_join(&many.task), WEIR_OK);
	cr_assert(many.n == BATCH);
	assert_statistic(tx, sent, BATCH);
	free(many.elements);
	free_both(tx, rx);
}

/* In another library an early error of send_many lost elements. */
CAN_BE_FULL(many, send_many_says_how_many_got_in_when_the_time_is_up)
{
	unsigned char *elements;
	size_t room, n = 77;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	elements = batch(0, 1010);
	room = flavor->capacity;
	assert_status(weir_send_many_for(tx, elements, 1010, &n, 5 * MS),
		WEIR_TIMED_OUT);
	cr_assert(n == room);
	n = 77;
	assert_status(weir_send_many_until(tx, elements, 1, &n, PAST),
		WEIR_TIMED_OUT);
	cr_assert(n == 0);
	for (uint64_t i = 0; i < room; i++)
		assert_receives_now(rx, i);
	assert_statistic(tx, current_buffer_used, 0);
	free(elements);
	free_both(tx, rx);
}

CAN_BE_FULL(many, send_many_says_how_many_got_in_when_the_sender_is_closed)
{
	struct many many = {.count = 1010};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	many.tx = tx;
	many.elements = batch(0, many.count);
	task_start(&many.task, run_send_many, &many);
	wait_until_senders_waiting(tx, 1);
	weir_sender_close(tx);
	assert_status(task_join(&many.task), WEIR_CLOSED_RESOURCE);
	cr_assert(many.n == flavor->capacity);
	for (uint64_t i = 0; i < many.n; i++)
		assert_receives_now(rx, i);
	assert_ended(rx);
	free(many.elements);
	free_both(tx, rx);
}

CAN_BE_FULL(many, send_many_says_how_many_got_in_when_the_channel_breaks)
{
	struct many many = {.count = 1010};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	many.tx = tx;
	many.elements = batch(0, many.count);
	task_start(&many.task, run_send_many, &many);
	wait_until_senders_waiting(tx, 1);
	weir_receiver_close(rx);
	assert_status(task_join(&many.task), WEIR_BROKEN_RESOURCE);
	cr_assert(many.n == flavor->capacity);
	assert_statistic(tx, sent, many.n);
	assert_statistic(tx, dropped, many.n);
	free(many.elements);
	free_both(tx, rx);
}

/* The count is written on every return that is not INVALID_ARGUMENT. */
EVERY_FLAVOR(many, the_count_is_zero_when_the_endpoint_is_closed_or_done)
{
	ELEMENT(element);
	size_t n;
	weir_sender *tx, *other;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	fill_element(element, 0);
	other = clone_sender(tx);
	weir_sender_close(tx);
	n = 77;
	assert_status(weir_send_many(tx, element, 1, &n), WEIR_CLOSED_RESOURCE);
	cr_assert(n == 0);
	weir_sender_close(other);
	n = 77;
	assert_status(weir_recv_many(rx, element, 1, &n), WEIR_END_OF_CHANNEL);
	cr_assert(n == 0);
	weir_receiver_close(rx);
	n = 77;
	assert_status(weir_recv_many(rx, element, 1, &n), WEIR_CLOSED_RESOURCE);
	cr_assert(n == 0);
	weir_sender_free(other);
	free_both(tx, rx);

	open_flavor(flavor, &tx, &rx);
	weir_receiver_close(rx);
	n = 77;
	assert_status(weir_send_many(tx, element, 1, &n), WEIR_BROKEN_RESOURCE);
	cr_assert(n == 0);
	n = 77;
	assert_status(
		weir_try_send_many(tx, element, 1, &n), WEIR_BROKEN_RESOURCE);
	cr_assert(n == 0);
	free_both(tx, rx);
}

/* Drained elements come first, the end only when there is none. */
HAS_BUFFER(many, recv_many_drains_before_the_end)
{
	unsigned char *out;
	size_t filled, n = 0;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	filled = fill(tx);
	out = batch(0, 2000);
	weir_sender_close(tx);
	assert_status(weir_recv_many(rx, out, 2000, &n), WEIR_OK);
	cr_assert(n == filled);
	assert_status(weir_recv_many(rx, out, 2000, &n), WEIR_END_OF_CHANNEL);
	free(out);
	free_both(tx, rx);
}

/* A count of 0 does nothing and succeeds at once, full or empty. */
EVERY_FLAVOR(many, a_count_of_zero_does_nothing_and_succeeds)
{
	ELEMENT(element);
	size_t n = 77;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_status(weir_recv_many(rx, element, 0, &n), WEIR_OK);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_try_recv_many(rx, element, 0, &n), WEIR_OK);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_recv_many_until(rx, element, 0, &n, PAST), WEIR_OK);
	cr_assert(n == 0);
	fill(tx);
	n = 77;
	assert_status(weir_send_many(tx, element, 0, &n), WEIR_OK);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_try_send_many(tx, element, 0, &n), WEIR_OK);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_send_many_until(tx, element, 0, &n, PAST), WEIR_OK);
	cr_assert(n == 0);
	free_both(tx, rx);
}

EVERY_FLAVOR(many, a_count_of_zero_on_a_closed_endpoint_is_closed)
{
	ELEMENT(element);
	size_t n = 77;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	assert_status(weir_send_many(tx, element, 0, &n), WEIR_CLOSED_RESOURCE);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_recv_many(rx, element, 0, &n), WEIR_CLOSED_RESOURCE);
	cr_assert(n == 0);
	free_both(tx, rx);
}

/* What waiting senders hold counts as there once a place has come free. */
CAN_BE_FULL(many, recv_many_admits_waiting_senders)
{
	struct op ops[3];
	unsigned char *out;
	uint64_t next = 0;
	size_t n, filled;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	out = batch(0, 2000);
	filled = fill(tx);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_send(&ops[i], tx, filled + i);
		wait_until_senders_waiting(tx, i + 1);
	}
	while (next < filled + LENGTH(ops)) {
		assert_status(weir_recv_many_until(
				      rx, out, 2000, &n, patience_from_now()),
			WEIR_OK);
		assert_batch(out, next, n);
		next += n;
	}
	for (size_t i = 0; i < LENGTH(ops); i++)
		assert_op(&ops[i], WEIR_OK);
	free(out);
	free_both(tx, rx);
}

/* A batch serves several waiting receivers, each with one element. */
EVERY_FLAVOR(many, send_many_serves_all_waiting_receivers)
{
	struct op ops[4];
	unsigned char *elements;
	size_t n;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	elements = batch(0, LENGTH(ops));
	for (size_t i = 0; i < LENGTH(ops); i++) {
		op_recv(&ops[i], rx);
		wait_until_receivers_waiting(rx, i + 1);
	}
	assert_status(weir_send_many_until(tx, elements, LENGTH(ops), &n,
			      patience_from_now()),
		WEIR_OK);
	cr_assert(n == LENGTH(ops));
	for (size_t i = 0; i < LENGTH(ops); i++)
		assert_op_received(&ops[i], i);
	free(elements);
	free_both(tx, rx);
}

/* Batches of several producers may mix, but each keeps its own order. */
EVERY_FLAVOR(many, batches_of_two_senders_keep_their_own_order)
{
	struct many many[2] = {{.count = 500}, {.count = 500}};
	uint64_t next[2] = {0, 0};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < 2; i++) {
		many[i].tx = tx;
		many[i].elements = batch(i << 32, 500);
		task_start(&many[i].task, run_send_many, &many[i]);
	}
	for (int i = 0; i < 1000; i++) {
		uint64_t value = TORN, from;

		assert_status(recv_value_until(rx, &value, patience_from_now()),
			WEIR_OK);
		if (element_size < 8)
			continue; /* too small to say whose it is */
		from = value >> 32;
		cr_assert(from < 2 && (uint32_t)value == next[from]++);
	}
	for (int i = 0; i < 2; i++) {
		assert_status(task_join(&many[i].task), WEIR_OK);
		cr_assert(many[i].n == 500);
		free(many[i].elements);
	}
	free_both(tx, rx);
}
