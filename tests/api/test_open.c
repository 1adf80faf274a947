/* SPDX-License-Identifier: MIT */
/* test_open.c - opening a channel: arguments, first state, names, identity. */
#include <stdio.h>
#include <string.h>

#include "counting.h"
#include "fixture.h"

/* Of a size_t's bits: the square is too much by one. */
#define HALF ((size_t)1 << 4 * sizeof(size_t))

/* Seeds: PR returns_pair, zero_buffer, inf; Trio test_statistics (start). */
EVERY_FLAVOR(open, gives_one_sender_and_one_receiver_of_an_empty_channel)
{
	weir_sender *tx = NULL;
	weir_receiver *rx = NULL;
	weir_statistics a, b;

	open_flavor(flavor, &tx, &rx);
	cr_assert(tx != NULL && rx != NULL);
	weir_sender_statistics(tx, &a);
	weir_receiver_statistics(rx, &b);
	cr_assert(a.max_buffer_size == flavor->capacity);
	cr_assert(a.open_senders == 1 && a.open_receivers == 1);
	cr_assert(a.current_buffer_used == 0);
	cr_assert(a.senders_waiting == 0 && a.receivers_waiting == 0);
	cr_assert(a.sent == 0 && a.received == 0);
	cr_assert(a.dropped == 0 && a.displaced == 0);
	cr_assert(a.name == NULL);
	cr_assert(memcmp(&a, &b, sizeof(a)) == 0, "the two ends disagree");
	cr_assert(weir_sender_capacity(tx) == flavor->capacity);
	cr_assert(weir_receiver_capacity(rx) == flavor->capacity);
	cr_assert(weir_sender_length(tx) == 0);
	cr_assert(weir_receiver_length(rx) == 0);
	cr_assert(!weir_sender_is_closed(tx));
	cr_assert(!weir_receiver_is_closed(rx));
	free_both(tx, rx);
}

EVERY_FLAVOR(open, with_options_opens_the_same_channel)
{
	weir_options options = options_of(flavor);
	weir_sender *tx;
	weir_receiver *rx;

	open_options(&options, &tx, &rx);
	cr_assert(weir_sender_capacity(tx) == flavor->capacity);
	free_both(tx, rx);
}

/* An open that must fail with `want`, and touch neither output. */
static void refused(size_t capacity, size_t size, int want)
{
	weir_sender *tx = (weir_sender *)(uintptr_t)16;
	weir_receiver *rx = (weir_receiver *)(uintptr_t)32;

	assert_status(weir_open(capacity, size, &tx, &rx), want);
	cr_assert(tx == (weir_sender *)(uintptr_t)16);
	cr_assert(rx == (weir_receiver *)(uintptr_t)32);
}

/* Seed: PR negative_raises, AnyIO test_negative_max_buffer: a size that is no
 * size.  In another library bounded(SIZE_MAX) overflows the arithmetic. */
ONE_CASE(open, refuses_sizes_whose_product_overflows)
{
	refused(SIZE_MAX - 1, 2, WEIR_INVALID_ARGUMENT);
	refused(SIZE_MAX - 1, SIZE_MAX, WEIR_INVALID_ARGUMENT);
	refused(SIZE_MAX / 2 + 1, 2, WEIR_INVALID_ARGUMENT);
	refused(2, SIZE_MAX / 2 + 1, WEIR_INVALID_ARGUMENT);
	refused(SIZE_MAX / 8 + 1, 8, WEIR_INVALID_ARGUMENT);
	refused(HALF, HALF, WEIR_INVALID_ARGUMENT);
}

/* The product fits into a size_t, what is kept beside it must not wrap. */
ONE_CASE(open, refuses_more_than_memory_holds)
{
	refused(SIZE_MAX - 1, 1, WEIR_NO_MEMORY);
	refused(SIZE_MAX - 1, 0, WEIR_NO_MEMORY);
	refused(1, SIZE_MAX, WEIR_NO_MEMORY);
	refused(1, SIZE_MAX - 64, WEIR_NO_MEMORY);
	refused(SIZE_MAX / 8, 8, WEIR_NO_MEMORY);
	refused(SIZE_MAX / 8 * 7, 1, WEIR_NO_MEMORY);
	refused(HALF - 1, HALF, WEIR_NO_MEMORY);
	refused(1, SIZE_MAX / 8 * 7, WEIR_NO_MEMORY);
}

ONE_CASE(open, refuses_null_pointers)
{
	weir_options options = WEIR_OPTIONS_INIT;
	weir_sender *tx = NULL;
	weir_receiver *rx = NULL;

	assert_status(weir_open(1, 1, NULL, &rx), WEIR_INVALID_ARGUMENT);
	assert_status(weir_open(1, 1, &tx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_open(1, 1, NULL, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_open_with(NULL, &tx, &rx), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_open_with(&options, NULL, &rx), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_open_with(&options, &tx, NULL), WEIR_INVALID_ARGUMENT);
	cr_assert(tx == NULL && rx == NULL);
}

ONE_CASE(open, refuses_half_an_allocator)
{
	struct counting counting;
	weir_options options = WEIR_OPTIONS_INIT;
	weir_options half;
	weir_sender *tx = NULL;
	weir_receiver *rx = NULL;

	counting_init(&counting, &options);
	half = options;
	half.free = NULL;
	assert_status(weir_open_with(&half, &tx, &rx), WEIR_INVALID_ARGUMENT);
	half = options;
	half.alloc = NULL;
	assert_status(weir_open_with(&half, &tx, &rx), WEIR_INVALID_ARGUMENT);
	cr_assert(counting.calls == 0);
}

ONE_CASE(open, refuses_reserved_fields_that_are_set)
{
	weir_options options = WEIR_OPTIONS_INIT;
	weir_sender *tx = NULL;
	weir_receiver *rx = NULL;

	options.reserved_flags = 1;
	assert_status(
		weir_open_with(&options, &tx, &rx), WEIR_INVALID_ARGUMENT);
	options.reserved_flags = 0;
	for (size_t i = 0; i < LENGTH(options.reserved); i++) {
		options.reserved[i] = &options;
		assert_status(weir_open_with(&options, &tx, &rx),
			WEIR_INVALID_ARGUMENT);
		options.reserved[i] = NULL;
	}
	cr_assert(tx == NULL && rx == NULL);
}

ONE_CASE(open, options_init_is_a_rendezvous_of_nothing)
{
	weir_options options = WEIR_OPTIONS_INIT;
	weir_sender *tx;
	weir_receiver *rx;

	open_options(&options, &tx, &rx);
	cr_assert(weir_sender_capacity(tx) == 0);
	assert_status(weir_try_send(tx, NULL), WEIR_WOULD_BLOCK);
	free_both(tx, rx);
}

EVERY_FLAVOR(open, copies_the_name)
{
	weir_options options = options_of(flavor);
	char name[] = "jobs of the day";
	weir_sender *tx;
	weir_receiver *rx;
	weir_statistics now;

	options.name = name;
	open_options(&options, &tx, &rx);
	memset(name, 'x', sizeof(name) - 1);
	weir_sender_statistics(tx, &now);
	cr_assert_str_eq(now.name, "jobs of the day");
	weir_sender_free(tx);
	weir_receiver_close(rx);
	weir_receiver_statistics(rx, &now);
	cr_assert_str_eq(now.name, "jobs of the day");
	weir_receiver_free(rx);
}

ONE_CASE(open, takes_an_empty_and_a_long_name)
{
	static char longest[10000];
	weir_options options = WEIR_OPTIONS_INIT;
	weir_statistics now;
	weir_sender *tx;
	weir_receiver *rx;

	options.name = "";
	open_options(&options, &tx, &rx);
	weir_sender_statistics(tx, &now);
	cr_assert_str_eq(now.name, "");
	free_both(tx, rx);

	memset(longest, 'n', sizeof(longest) - 1);
	options.name = longest;
	open_options(&options, &tx, &rx);
	weir_sender_statistics(tx, &now);
	cr_assert_str_eq(now.name, longest);
	free_both(tx, rx);
}

/* Exactly N places, and the N+1st element finds none. */
static void exactly(size_t capacity)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct flavor flavor = {"", capacity, 8};

	open_flavor(&flavor, &tx, &rx);
	for (int lap = 0; lap < 3; lap++) {
		for (size_t i = 0; i < capacity; i++)
			assert_status(try_send_value(tx, i), WEIR_OK);
		assert_status(try_send_value(tx, 0), WEIR_WOULD_BLOCK);
		assert_status(send_value_until(tx, 0, PAST), WEIR_TIMED_OUT);
		cr_assert(weir_sender_length(tx) == capacity);
		for (size_t i = 0; i < capacity; i++) {
			uint64_t value = TORN;

			assert_status(try_recv_value(rx, &value), WEIR_OK);
			assert_value(value, i);
		}
		cr_assert(weir_sender_length(tx) == 0);
	}
	free_both(tx, rx);
}

ONE_CASE(open, capacity_one_is_exactly_one_place)
{
	exactly(1);
}

ONE_CASE(open, capacity_two_is_exactly_two_places)
{
	exactly(2);
}

ONE_CASE(open, capacity_three_is_exactly_three_places)
{
	exactly(3);
}

ONE_CASE(open, capacity_thousand_is_exactly_a_thousand_places)
{
	exactly(1000);
}

ONE_CASE(open, capacity_two_to_the_twentieth_is_exactly_so_many_places)
{
	exactly((size_t)1 << 20);
}

ONE_CASE(open, endpoints_know_their_channel)
{
	weir_sender *a_tx, *b_tx, *clone_tx;
	weir_receiver *a_rx, *b_rx, *clone_rx;

	assert_status(weir_open(1, 1, &a_tx, &a_rx), WEIR_OK);
	assert_status(weir_open(1, 1, &b_tx, &b_rx), WEIR_OK);
	clone_tx = clone_sender(a_tx);
	clone_rx = clone_receiver(a_rx);

	cr_assert(weir_same_channel(a_tx, a_rx));
	cr_assert(weir_same_channel(clone_tx, clone_rx));
	cr_assert(!weir_same_channel(a_tx, b_rx));
	cr_assert(!weir_same_channel(b_tx, clone_rx));
	cr_assert(weir_sender_same(a_tx, a_tx));
	cr_assert(weir_sender_same(a_tx, clone_tx));
	cr_assert(!weir_sender_same(a_tx, b_tx));
	cr_assert(weir_receiver_same(a_rx, clone_rx));
	cr_assert(!weir_receiver_same(clone_rx, b_rx));

	/* A closed endpoint still belongs to its channel. */
	weir_sender_close(clone_tx);
	weir_receiver_close(a_rx);
	cr_assert(weir_sender_same(a_tx, clone_tx));
	cr_assert(weir_same_channel(clone_tx, a_rx));

	free_both(a_tx, a_rx);
	free_both(b_tx, b_rx);
	free_both(clone_tx, clone_rx);
}

/* A large buffer costs address space until it is used. */
ONE_CASE(open, touches_the_buffer_only_as_it_is_used)
{
	struct flavor flavor = {"", (size_t)1 << 18, 4096};
	weir_sender *tx;
	weir_receiver *rx;
	size_t before, after;
	unsigned long pages;
	FILE *file;

	file = fopen("/proc/self/statm", "r");
	cr_assert(file != NULL && fscanf(file, "%*u %lu", &pages) == 1);
	fclose(file);
	before = pages;
	open_flavor(&flavor, &tx, &rx); /* a gibibyte */
	for (uint64_t i = 0; i < 100; i++) {
		assert_sends_now(tx, i);
		assert_receives_now(rx, i);
	}
	file = fopen("/proc/self/statm", "r");
	cr_assert(file != NULL && fscanf(file, "%*u %lu", &pages) == 1);
	fclose(file);
	after = pages;
	cr_assert(after < before + 16384, "%zu pages are resident", after);
	free_both(tx, rx);
}
