/* SPDX-License-Identifier: MIT */
/* test_workers.c - many senders and many receivers at work. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define ALL 6000 /* elements, over all producers */

struct worker {
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t first; /* producer: the values first, first + 1, ... */
	uint64_t count;
	uint64_t *got; /* consumer: room for ALL */
	uint64_t n;
};

static int produce(void *argument)
{
	struct worker *worker = argument;
	int status = WEIR_OK;

	for (uint64_t i = 0; i < worker->count && status == WEIR_OK; i++)
		status = send_value(worker->tx, worker->first + i);
	weir_sender_free(worker->tx);
	return status;
}

static int consume(void *argument)
{
	struct worker *worker = argument;
	int status;

	while ((status = recv_value(worker->rx, &worker->got[worker->n])) ==
		WEIR_OK)
		worker->n++;
	weir_receiver_free(worker->rx);
	return status;
}

/* Values of 16 bits say more than elements of one byte can carry: count. */
static bool tells_values_apart(void)
{
	return element_size >= 8;
}

static void check(struct worker *consumers, size_t n_consumers, uint64_t each)
{
	static unsigned char seen[ALL];
	uint64_t total = 0;

	memset(seen, 0, sizeof seen);
	for (size_t c = 0; c < n_consumers; c++) {
		uint64_t last[8] = {0}; /* value + 1 of each producer */

		total += consumers[c].n;
		for (uint64_t i = 0; i < consumers[c].n; i++) {
			uint64_t value = consumers[c].got[i];

			cr_assert(value != TORN);
			if (!tells_values_apart())
				continue;
			cr_assert(value < ALL && seen[value]++ == 0,
				"%llu came twice", (unsigned long long)value);
			cr_assert(value >= last[value / each],
				"%llu came out of order",
				(unsigned long long)value);
			last[value / each] = value + 1;
		}
	}
	cr_assert(total == ALL, "%llu of %d arrived", (unsigned long long)total,
		ALL);
}

static void run(const struct flavor *flavor, size_t n_producers,
	size_t n_consumers, bool clone)
{
	struct worker producers[8] = {0}, consumers[8] = {0};
	uint64_t each = ALL / n_producers;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < n_consumers; i++) {
		consumers[i].rx = clone_receiver(rx);
		consumers[i].got = calloc(ALL + 1, sizeof(uint64_t));
		cr_assert(consumers[i].got != NULL);
		task_start(&consumers[i].task, consume, &consumers[i]);
	}
	for (size_t i = 0; i < n_producers; i++) {
		producers[i].tx = clone ? clone_sender(tx) : tx;
		producers[i].first = i * each;
		producers[i].count = each;
		task_start(&producers[i].task, produce, &producers[i]);
	}
	if (clone)
		weir_sender_free(tx);
	weir_receiver_free(rx);
	for (size_t i = 0; i < n_producers; i++)
		assert_status(task_join(&producers[i].task), WEIR_OK);
	for (size_t i = 0; i < n_consumers; i++)
		assert_status(
			task_join(&consumers[i].task), WEIR_END_OF_CHANNEL);
	check(consumers, n_consumers, each);
	for (size_t i = 0; i < n_consumers; i++)
		free(consumers[i].got);
}

/* Seeds: PR concurrent_producer_consumer, iteration. */
EVERY_FLAVOR(workers, one_producer_and_one_consumer_keep_the_order)
{
	run(flavor, 1, 1, false);
}

/* Seeds: Trio test_channel_multiple_producers, PR fan_in. */
EVERY_FLAVOR(workers, several_producers_end_the_channel_with_their_last)
{
	run(flavor, 6, 1, true);
}

/* Seeds: Trio test_channel_multiple_consumers, PR fan_out. */
EVERY_FLAVOR(workers, several_consumers_share_all_elements)
{
	run(flavor, 1, 6, false);
}

EVERY_FLAVOR(workers, several_of_both_lose_and_double_nothing)
{
	run(flavor, 4, 4, true);
}

/* Seed: AnyIO test_close_receive_after_send: the receiver takes the element and
 * is gone; the sender hears of success. */
EVERY_FLAVOR(workers, a_send_that_was_taken_succeeds_though_the_taker_leaves)
{
	for (uint64_t i = 0; i < 200; i++) {
		struct op op;
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		op_send(&op, tx, i);
		assert_receives(rx, i);
		weir_receiver_free(rx);
		assert_op(&op, WEIR_OK);
		weir_sender_free(tx);
	}
}

/* What was in the buffer of a channel that nobody receives from any more may
 * hold the endpoint on which its sender waits for an answer. */
static void hang_up(void *element, void *context)
{
	weir_sender *reply;

	(void)context;
	memcpy(&reply, element, sizeof reply);
	weir_sender_free(reply);
}

HAS_BUFFER(workers, a_request_that_is_dropped_ends_the_wait_for_its_answer)
{
	weir_options options = options_of(flavor);
	weir_sender *tx, *reply_tx;
	weir_receiver *rx, *reply_rx;
	char answer;

	options.element_size = sizeof(weir_sender *);
	options.drop = hang_up;
	open_options(&options, &tx, &rx);
	assert_status(weir_open(1, 1, &reply_tx, &reply_rx), WEIR_OK);
	assert_status(weir_send(tx, &reply_tx), WEIR_OK);
	weir_receiver_free(rx);
	assert_status(weir_recv(reply_rx, &answer), WEIR_END_OF_CHANNEL);
	weir_receiver_free(reply_rx);
	weir_sender_free(tx);
}
