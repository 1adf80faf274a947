/* SPDX-License-Identifier: MIT */
/* test_scope.c - scoped endpoints, loops over a channel, typed channels. */
#include "fixture.h"

#include <string.h>

struct point {
	int x, y;
};

WEIR_TYPED(points, struct point);

/* -- Scopes ---------------------------------------------------------------- */

/* Seeds: PR context_manager, AnyIO test_sync_close. */
EVERY_FLAVOR(scope, the_end_of_a_block_frees_the_endpoint)
{
	weir_sender *tx, *tx2;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	{
		WEIR_SENDER_SCOPED weir_sender *scoped = clone_sender(tx);
		WEIR_RECEIVER_SCOPED weir_receiver *also = clone_receiver(rx);

		(void)scoped;
		(void)also;
		assert_statistic(tx, open_senders, 2);
		assert_statistic(tx, open_receivers, 2);
	}
	assert_statistic(tx, open_senders, 1);
	assert_statistic(tx, open_receivers, 1);
	tx2 = clone_sender(tx);
	free_both(tx2, rx);
	weir_sender_free(tx);
}

static int leave_early(weir_sender *tx, bool early)
{
	WEIR_SENDER_SCOPED weir_sender *scoped = clone_sender(tx);

	(void)scoped;
	if (early)
		return 1;
	return 0;
}

ONE_CASE(scope, a_return_frees_the_endpoint)
{
	weir_sender *tx;
	weir_receiver *rx;

	assert_status(weir_open(1, 1, &tx, &rx), WEIR_OK);
	cr_assert(leave_early(tx, true) == 1);
	cr_assert(leave_early(tx, false) == 0);
	assert_statistic(tx, open_senders, 1);
	free_both(tx, rx);
}

ONE_CASE(scope, an_endpoint_that_stayed_null_is_left_alone)
{
	WEIR_SENDER_SCOPED weir_sender *tx = NULL;
	WEIR_RECEIVER_SCOPED weir_receiver *rx = NULL;

	cr_assert(weir_sender_is_closed(tx) && weir_receiver_is_closed(rx));
}

/* -- Loops ------------------------------------------------------------------ */

static void send_ints(weir_sender *tx, int n)
{
	for (int i = 0; i < n; i++)
		assert_status(weir_try_send(tx, &i), WEIR_OK);
}

ONE_CASE(scope, for_each_runs_until_the_channel_ends)
{
	weir_sender *tx;
	weir_receiver *rx;
	int want = 0;

	assert_status(weir_open(10, sizeof(int), &tx, &rx), WEIR_OK);
	send_ints(tx, 5);
	weir_sender_free(tx);
	WEIR_FOR_EACH (rx, int, item)
		cr_assert(item == want++);
	cr_assert(want == 5);
	WEIR_FOR_EACH (rx, int, item)
		cr_assert_fail("after the end");
	weir_receiver_free(rx);
}

ONE_CASE(scope, for_each_knows_break_and_continue_and_nests)
{
	weir_sender *tx;
	weir_receiver *rx;
	int sum = 0;

	assert_status(weir_open(10, sizeof(int), &tx, &rx), WEIR_OK);
	send_ints(tx, 8);
	WEIR_FOR_EACH (rx, int, outer) {
		if (outer == 0)
			continue;
		WEIR_FOR_EACH (rx, int, inner) {
			sum += outer * inner;
			break;
		}
		if (outer >= 3)
			break;
	}
	cr_assert(sum == 1 * 2 + 3 * 4);
	cr_assert(weir_receiver_length(rx) == 3);
	free_both(tx, rx);
}

ONE_CASE(scope, for_each_does_not_run_with_a_type_of_another_size)
{
	weir_sender *tx;
	weir_receiver *rx;

	assert_status(weir_open(10, sizeof(int), &tx, &rx), WEIR_OK);
	send_ints(tx, 1);
	WEIR_FOR_EACH (rx, char, item)
		cr_assert_fail("the element is no char");
	WEIR_FOR_EACH (rx, long long, item)
		cr_assert_fail("the element is no long long");
	WEIR_FOR_EACH ((weir_receiver *)NULL, int, item)
		cr_assert_fail("there is no receiver");
	cr_assert(weir_receiver_length(rx) == 1);
	free_both(tx, rx);
}

ONE_CASE(scope, for_each_ends_when_its_receiver_is_closed)
{
	weir_sender *tx;
	weir_receiver *rx;
	int n = 0;

	assert_status(weir_open(10, sizeof(int), &tx, &rx), WEIR_OK);
	send_ints(tx, 8);
	WEIR_FOR_EACH (rx, int, item) {
		n++;
		weir_receiver_close(rx);
	}
	cr_assert(n == 1);
	free_both(tx, rx);
}

/* -- Typed channels --------------------------------------------------------- */

ONE_CASE(scope, a_typed_channel_is_the_plain_one)
{
	points_sender *tx = NULL, *tx2 = NULL;
	points_receiver *rx = NULL, *rx2 = NULL;
	struct point in = {1, 2}, out = {0, 0}, four[4] = {{0, 0}};
	size_t n;

	assert_status(points_open(4, &tx, &rx), WEIR_OK);
	cr_assert(weir_same_channel(points_tx(tx), points_rx(rx)));
	assert_status(points_send(tx, &in), WEIR_OK);
	assert_status(points_try_send(tx, &in), WEIR_OK);
	assert_status(points_send_for(tx, &in, 0), WEIR_OK);
	assert_status(points_send_until(tx, &in, 0), WEIR_OK);
	assert_status(points_try_send(tx, &in), WEIR_WOULD_BLOCK);
	assert_status(points_recv(rx, &out), WEIR_OK);
	cr_assert(out.x == 1 && out.y == 2);
	assert_status(points_try_recv(rx, &out), WEIR_OK);
	assert_status(points_recv_many(rx, four, 4, &n), WEIR_OK);
	cr_assert(n == 2 && four[1].y == 2);
	assert_status(points_send_many(tx, four, 4, &n), WEIR_OK);
	assert_status(points_sender_clone(tx, &tx2), WEIR_OK);
	assert_status(points_receiver_clone(rx, &rx2), WEIR_OK);
	points_sender_close(tx2);
	points_sender_free(tx2);
	points_receiver_free(rx2);
	points_sender_free(tx);
	n = 0;
	WEIR_TYPED_FOR_EACH (points, rx, point)
		n += (size_t)(point.x >= 0);
	cr_assert(n == 4);
	points_receiver_free(rx);
}

/* -- A producer and the block of its consumer ----------------------------------- */

struct producer {
	struct task task;
	weir_sender *tx;
	uint64_t n;
};

static int produce(void *argument)
{
	struct producer *producer = argument;
	WEIR_SENDER_SCOPED weir_sender *tx = producer->tx;
	int status;

	while ((status = weir_send(tx, &producer->n)) == WEIR_OK)
		producer->n++;
	return status;
}

static int take_three(weir_receiver *mine)
{
	WEIR_RECEIVER_SCOPED weir_receiver *rx = mine;
	uint64_t want = 0;

	WEIR_FOR_EACH (rx, uint64_t, item) {
		if (item != want)
			return -1;
		if (++want == 3)
			break;
	}
	return (int)want;
}

#define FEW(suite, name)                                                       \
	FLAVOR_CASE(suite, name, rendezvous, 0, 8)                             \
	FLAVOR_CASE(suite, name, one, 1, 8)                                    \
	FLAVOR_CASE(suite, name, sixty_four, 64, 8)

/* Seeds: Trio as_safe_channel: exhaust, broken_resource, genexit_finally.  Over
 * a rendezvous the producer is never ahead. */
FOR_FLAVORS(scope, leaving_the_consumers_block_ends_its_producer,
	FEW(scope, leaving_the_consumers_block_ends_its_producer))
{
	struct producer producer = {.n = 0};
	weir_receiver *rx;

	open_flavor(flavor, &producer.tx, &rx);
	task_start(&producer.task, produce, &producer);
	cr_assert(take_three(rx) == 3);
	assert_status(task_join(&producer.task), WEIR_BROKEN_RESOURCE);
	cr_assert(producer.n >= 3 && producer.n <= 3 + flavor->capacity);
}
