/* SPDX-License-Identifier: MIT */
/* test_stall.c - a thread stopped for good in the middle of an operation.
 *
 * Promise 3: try_ calls never wait for another thread, and no call spins for
 * one.  Promise 2: a try_ call may say WOULD_BLOCK then, a call with a deadline
 * waits for those few instructions.  The stopped thread sits in the copy of its
 * element, between taking its place and publishing it (stall.h).
 */
#include "drops.h"
#include "fixture.h"
#include "stall.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

/* The page holds an element of 8 bytes; these are the flavors that copy it. */
#define STALL_CASES(set, suite, name)                                          \
	FLAVOR_BODY(suite, name);                                              \
	set(suite, name) FLAVOR_BODY(suite, name)
#define OF_EIGHT(suite, name)                                                  \
	FLAVOR_CASE(suite, name, two, 2, 8)                                    \
	FLAVOR_CASE(suite, name, three, 3, 8)                                  \
	FLAVOR_CASE(suite, name, sixty_four, 64, 8)                            \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 8)
#define ALL_OF_EIGHT(suite, name)                                              \
	FLAVOR_CASE(suite, name, one, 1, 8)                                    \
	OF_EIGHT(suite, name)

/* A sender that has taken the next place and got no further. */
static void stall_sender(
	struct stall *stall, struct op *op, weir_sender *tx, uint64_t value)
{
	stall_open(stall);
	fill_element(stall->element, value);
	stall_arm(stall);
	op_send_from(op, tx, stall->element);
	stall_wait(stall);
}

/* A receiver that has taken the next element and is not through copying. */
static void stall_receiver(
	struct stall *stall, struct op *op, weir_receiver *rx)
{
	stall_open(stall);
	stall_arm(stall);
	op_recv_into(op, rx, stall->element);
	stall_wait(stall);
}

STALL_CASES(ALL_OF_EIGHT, stall, try_recv_does_not_wait_for_a_stopped_sender)
{
	struct stall stall;
	struct op op;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &op, tx, 7);
	for (int i = 0; i < 100; i++)
		assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	stall_release(&stall);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 7);
	stall_free(&stall);
	free_both(tx, rx);
}

STALL_CASES(OF_EIGHT, stall, others_send_past_a_stopped_sender)
{
	struct stall stall;
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &op, tx, 7);
	assert_status(try_send_value(tx, 8), WEIR_OK);
	stall_release(&stall);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 7);
	assert_receives_now(rx, 8);
	stall_free(&stall);
	free_both(tx, rx);
}

static int64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 * MS +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

STALL_CASES(ALL_OF_EIGHT, stall, recv_sleeps_while_a_sender_is_stopped)
{
	struct stall stall;
	struct op sender, receiver;
	int64_t began, until;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	op_recv(&receiver, rx);
	wait_until_receivers_waiting(rx, 1);
	began = cpu_ns();
	until = weir_now() + 100 * MS;
	while (weir_now() < until)
		nanosleep(&(struct timespec){.tv_nsec = 10 * MS}, NULL);
	cr_assert(cpu_ns() - began < 50 * MS, "somebody burns a core");
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&receiver, 7);
	stall_free(&stall);
	free_both(tx, rx);
}

/* The element is on its way: it cannot be said that there was none. */
STALL_CASES(ALL_OF_EIGHT, stall, a_recv_whose_deadline_is_gone_waits_for_it)
{
	struct stall stall;
	struct op sender, receiver;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	op_recv_until(&receiver, rx, PAST);
	wait_until_receivers_waiting(rx, 1);
	cr_assert(!task_done(&receiver.task));
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&receiver, 7);
	stall_free(&stall);
	free_both(tx, rx);
}

/* The second of them has nothing on its way. */
STALL_CASES(ALL_OF_EIGHT, stall, a_second_recv_times_out_beside_the_first)
{
	struct stall stall;
	struct op sender, receiver;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	op_recv(&receiver, rx);
	wait_until_receivers_waiting(rx, 1);
	assert_status(recv_value_until(rx, &value, PAST), WEIR_TIMED_OUT);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&receiver, 7);
	stall_free(&stall);
	free_both(tx, rx);
}

/* The head of the line: one sender is stopped, a second one gets through; both
 * receivers must be served when the first goes on. */
STALL_CASES(OF_EIGHT, stall, all_waiting_receivers_are_served_after_the_stop)
{
	struct stall stall;
	struct op sender, first, second;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	assert_sends(tx, 8);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv(&second, rx);
	wait_until_receivers_waiting(rx, 2);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&first, 7);
	assert_op_received(&second, 8);
	stall_free(&stall);
	free_both(tx, rx);
}

/* Promise 5: the closer waits for no send in flight. */
STALL_CASES(ALL_OF_EIGHT, stall, the_last_receivers_close_does_not_wait_for_it)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct stall stall;
	struct op sender;
	weir_sender *tx;
	weir_receiver *rx;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	weir_receiver_free(rx);
	cr_assert(!task_done(&sender.task));
	assert_status(try_send_value(tx, 8), WEIR_BROKEN_RESOURCE);
	stall_release(&stall);
	assert_op(&sender, WEIR_BROKEN_RESOURCE);
	drops_settled(&drops, 0);
	assert_statistic(tx, sent, 0);
	stall_free(&stall);
	weir_sender_free(tx);
}

STALL_CASES(OF_EIGHT, stall, what_is_behind_it_is_dropped_at_the_close)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct stall stall;
	struct op sender;
	weir_sender *tx;
	weir_receiver *rx;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	assert_sends(tx, 8);
	weir_receiver_close(rx);
	drops_settled(&drops, 1);
	stall_release(&stall);
	assert_op(&sender, WEIR_BROKEN_RESOURCE);
	drops_settled(&drops, 1);
	assert_statistic(tx, dropped, 1);
	assert_statistic(tx, sent, 1);
	assert_statistic(tx, received, 0);
	stall_free(&stall);
	free_both(tx, rx);
}

/* The send began before its endpoint was closed and counts as one that did:
 * receivers wait for it, and only then is it the end. */
STALL_CASES(ALL_OF_EIGHT, stall, the_end_comes_after_a_send_in_flight)
{
	struct stall stall;
	struct op sender, first, second;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv(&second, rx);
	wait_until_receivers_waiting(rx, 2);
	weir_sender_close(tx);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	cr_assert(!task_done(&first.task));
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&first, 7);
	assert_op(&second, WEIR_END_OF_CHANNEL);
	stall_free(&stall);
	free_both(tx, rx);
}

STALL_CASES(ALL_OF_EIGHT, stall, shut_lets_a_send_in_flight_through)
{
	struct stall stall;
	struct op sender;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	weir_receiver_shut(rx);
	assert_status(try_send_value(tx, 8), WEIR_BROKEN_RESOURCE);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_receives(rx, 7);
	assert_ended(rx);
	stall_free(&stall);
	free_both(tx, rx);
}

/* -- A stopped receiver --------------------------------------------------- */

STALL_CASES(OF_EIGHT, stall, others_receive_past_a_stopped_receiver)
{
	struct stall stall;
	struct op op;
	uint64_t value;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_sends_now(tx, 1);
	assert_sends_now(tx, 2);
	stall_receiver(&stall, &op, rx);
	assert_status(try_recv_value(rx, &value), WEIR_OK);
	assert_value(value, 2);
	stall_release(&stall);
	assert_op(&op, WEIR_OK);
	assert_value(value_of(stall.element), 1);
	stall_free(&stall);
	free_both(tx, rx);
}

FLAVOR_BODY(stall, try_send_does_not_wait_for_a_stopped_receiver);
FLAVOR_CASE(stall, try_send_does_not_wait_for_a_stopped_receiver, one, 1, 8)
FLAVOR_CASE(stall, try_send_does_not_wait_for_a_stopped_receiver, three, 3, 8)
FLAVOR_BODY(stall, try_send_does_not_wait_for_a_stopped_receiver)
{
	struct stall stall;
	struct op receiver, sender;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	stall_receiver(&stall, &receiver, rx);
	assert_status(try_send_value(tx, n), WEIR_WOULD_BLOCK);
	/* Its place is on its way to come free. */
	op_send_until(&sender, tx, n, PAST);
	wait_until_senders_waiting(tx, 1);
	cr_assert(!task_done(&sender.task));
	stall_release(&stall);
	assert_op(&receiver, WEIR_OK);
	assert_op(&sender, WEIR_OK);
	for (size_t i = 1; i <= n; i++)
		assert_receives_now(rx, i);
	stall_free(&stall);
	free_both(tx, rx);
}

STALL_CASES(ALL_OF_EIGHT, stall, closes_do_not_wait_for_a_stopped_receiver)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct stall stall;
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	n = fill(tx);
	stall_receiver(&stall, &op, rx);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	drops_settled(&drops, n - 1);
	stall_release(&stall);
	assert_op(&op, WEIR_OK);
	assert_value(value_of(stall.element), 0);
	stall_free(&stall);
	free_both(tx, rx);
}

/* -- Stopped while it serves another ---------------------------------------- */

/* Inside the gate: a receiver copies the element of a sender that waits, from
 * that sender's memory.  Nobody's try_ call may wait for the gate, and what it
 * did in the meantime is seen to when the gate is left. */
FLAVOR_BODY(stall, try_calls_do_not_wait_for_who_serves);
FLAVOR_CASE(stall, try_calls_do_not_wait_for_who_serves, rendezvous, 0, 8)
FLAVOR_CASE(stall, try_calls_do_not_wait_for_who_serves, one, 1, 8)
FLAVOR_CASE(stall, try_calls_do_not_wait_for_who_serves, three, 3, 8)
FLAVOR_BODY(stall, try_calls_do_not_wait_for_who_serves)
{
	struct stall stall;
	struct op sender, receiver;
	uint64_t value, taken = 1;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	stall_open(&stall);
	n = fill(tx);
	fill_element(stall.element, n);
	op_send_from(&sender, tx, stall.element);
	wait_until_senders_waiting(tx, 1);
	stall_arm(&stall);
	op_recv(&receiver, rx);
	stall_wait(&stall);
	assert_status(try_send_value(tx, 99), WEIR_WOULD_BLOCK);
	/* What is behind the first element can be taken meanwhile. */
	while (try_recv_value(rx, &value) == WEIR_OK)
		assert_value(value, taken++);
	cr_assert(taken <= (n > 0 ? n : 1));
	assert_statistic(tx, senders_waiting, 1);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&receiver, 0);
	for (; taken <= n; taken++)
		assert_receives_now(rx, taken);
	stall_free(&stall);
	free_both(tx, rx);
}
