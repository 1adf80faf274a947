/* SPDX-License-Identifier: MIT */
/* test_elements.c - every capacity with every element size: order and bytes. */
#include <string.h>

#include "fixture.h"

/* clang-format off */
#define SIZES(suite, name, capacity_name, capacity)                            \
	FLAVOR_CASE(suite, name, capacity_name##_of_0, capacity, 0)            \
	FLAVOR_CASE(suite, name, capacity_name##_of_1, capacity, 1)            \
	FLAVOR_CASE(suite, name, capacity_name##_of_2, capacity, 2)            \
	FLAVOR_CASE(suite, name, capacity_name##_of_4, capacity, 4)            \
	FLAVOR_CASE(suite, name, capacity_name##_of_8, capacity, 8)            \
	FLAVOR_CASE(suite, name, capacity_name##_of_16, capacity, 16)          \
	FLAVOR_CASE(suite, name, capacity_name##_of_24, capacity, 24)          \
	FLAVOR_CASE(suite, name, capacity_name##_of_4096, capacity, 4096)

#define EVERY_SIZE(suite, name)                                                \
	FOR_FLAVORS(suite, name,                                               \
	SIZES(suite, name, rendezvous, 0)                                      \
	SIZES(suite, name, one, 1)                                             \
	SIZES(suite, name, two, 2)                                             \
	SIZES(suite, name, three, 3)                                           \
	SIZES(suite, name, sixty_four, 64)                                     \
	SIZES(suite, name, thousand, 1000)                                     \
	SIZES(suite, name, unbounded, WEIR_UNBOUNDED))
/* clang-format on */

#define ITEMS 5000

static int send_all(void *argument)
{
	weir_sender *tx = argument;
	int status = WEIR_OK;

	for (uint64_t i = 0; i < ITEMS && status == WEIR_OK; i++)
		status = send_value(tx, i);
	weir_sender_close(tx);
	return status;
}

/* Seed: PR concurrent_producer_consumer.  All flavors wrap around many times;
 * each element arrives whole, once, and in order. */
EVERY_SIZE(elements, cross_threads_whole_and_in_order)
{
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	task_start(&task, send_all, tx);
	for (uint64_t i = 0; i < ITEMS; i++)
		assert_receives(rx, i);
	assert_status(task_join(&task), WEIR_OK);
	assert_ended(rx);
	assert_statistic(tx, sent, ITEMS);
	assert_statistic(tx, received, ITEMS);
	free_both(tx, rx);
}

static const size_t odd_sizes[] = {3, 5, 7, 9, 15, 17, 63, 65, 100, 4095};

/* An odd size has no alignment to lean on. */
ONE_CASE(elements, of_odd_sizes_arrive_whole)
{
	for (size_t i = 0; i < LENGTH(odd_sizes); i++) {
		struct flavor flavor = {"", 3, odd_sizes[i]};
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(&flavor, &tx, &rx);
		for (uint64_t n = 0; n < 10; n++) {
			assert_sends_now(tx, n);
			assert_sends_now(tx, n + 100);
			assert_receives_now(rx, n);
			assert_receives_now(rx, n + 100);
		}
		free_both(tx, rx);
	}
}

static void pass_to_who_waits(const struct flavor *flavor, bool by_select)
{
	ELEMENT(element);
	struct op op;
	size_t n;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	op_recv_by(&op, rx, element, by_select);
	wait_until_receivers_waiting(rx, 1);
	assert_sends(tx, 7);
	assert_op(&op, WEIR_OK);
	assert_value(value_of(element), 7);
	n = fill(tx);
	fill_element(element, n);
	op_send_by(&op, tx, element, by_select);
	wait_until_senders_waiting(tx, 1);
	for (size_t value = 0; value <= n; value++)
		assert_receives(rx, value);
	assert_op(&op, WEIR_OK);
	free_both(tx, rx);
}

/* Nor where one side waits and the other serves it. */
ONE_CASE(elements, of_odd_sizes_arrive_whole_at_who_waits)
{
	for (size_t i = 0; i < 2 * LENGTH(odd_sizes); i++) {
		struct flavor flavor = {"", i % 2, odd_sizes[i / 2]};

		pass_to_who_waits(&flavor, false);
		pass_to_who_waits(&flavor, true);
	}
}

/* An element larger than any page or segment. */
ONE_CASE(elements, of_a_megabyte_arrive_whole)
{
	enum { SIZE = 1 << 20 };
	static const size_t capacities[] = {1, 3, WEIR_UNBOUNDED};
	unsigned char *in = malloc(SIZE), *out = malloc(SIZE);

	cr_assert(in != NULL && out != NULL);
	for (size_t i = 0; i < SIZE; i++)
		in[i] = (unsigned char)(i * 7 + (i >> 8));
	for (size_t i = 0; i < LENGTH(capacities); i++) {
		weir_sender *tx;
		weir_receiver *rx;

		assert_status(
			weir_open(capacities[i], SIZE, &tx, &rx), WEIR_OK);
		for (int n = 0; n < 5; n++) {
			memset(out, 0, SIZE);
			assert_status(weir_try_send(tx, in), WEIR_OK);
			assert_status(weir_try_recv(rx, out), WEIR_OK);
			cr_assert(memcmp(in, out, SIZE) == 0);
		}
		free_both(tx, rx);
	}
	free(in);
	free(out);
}
