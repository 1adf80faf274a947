/* SPDX-License-Identifier: MIT */
/* test_stall.c - a thread stopped for good in the middle of an operation.
 *
 * Promise 3: try_ calls never wait for another thread, and no call spins for
 * one.  Promise 2: a try_ call may say WOULD_BLOCK then, a call with a deadline
 * waits for those few instructions.  The stopped thread sits in the copy of its
 * element, between taking its place and publishing it (stall.h).
 */
#include "counting.h"
#include "drops.h"
#include "fixture.h"
#include "stall.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

/* The page holds an element; these are the flavors that copy it from or to
 * there.  For who waits, others do so only if it is not small (waiter.h). */
#define STALL_CASES(set, suite, name) FOR_FLAVORS(suite, name, set(suite, name))
#define OF_EIGHT(suite, name)                                                  \
	FLAVOR_CASE(suite, name, two, 2, 8)                                    \
	FLAVOR_CASE(suite, name, three, 3, 8)                                  \
	FLAVOR_CASE(suite, name, sixty_four, 64, 8)                            \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 8)
#define UNBOUNDED_OF_EIGHT(suite, name)                                        \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 8)
#define THREE_UNBOUNDED_OF_EIGHT(suite, name)                                  \
	FLAVOR_CASE(suite, name, three, 3, 8)                                  \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 8)
#define THREE_SIXTY_FOUR_UNBOUNDED_OF_EIGHT(suite, name)                       \
	FLAVOR_CASE(suite, name, three, 3, 8)                                  \
	FLAVOR_CASE(suite, name, sixty_four, 64, 8)                            \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 8)
#define ONE_THREE_OF_EIGHT(suite, name)                                        \
	FLAVOR_CASE(suite, name, one, 1, 8)                                    \
	FLAVOR_CASE(suite, name, three, 3, 8)
#define RENDEZVOUS_ONE_THREE_OF_TWENTY_FOUR(suite, name)                       \
	FLAVOR_CASE(suite, name, rendezvous, 0, 24)                            \
	FLAVOR_CASE(suite, name, one, 1, 24)                                   \
	FLAVOR_CASE(suite, name, three, 3, 24)
#define RENDEZVOUS_ONE_THREE_UNBOUNDED_OF_TWENTY_FOUR(suite, name)             \
	RENDEZVOUS_ONE_THREE_OF_TWENTY_FOUR(suite, name)                       \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 24)
#define RENDEZVOUS_ONE_UNBOUNDED_OF_TWENTY_FOUR(suite, name)                   \
	FLAVOR_CASE(suite, name, rendezvous, 0, 24)                            \
	FLAVOR_CASE(suite, name, one, 1, 24)                                   \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 24)
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

STALL_CASES(OF_EIGHT, stall, try_recv_many_takes_what_is_before_it_and_no_more)
{
	struct stall stall;
	struct op op;
	uint64_t out[4];
	size_t n = 77;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_sends_now(tx, 1);
	stall_sender(&stall, &op, tx, 7);
	assert_status(weir_try_recv_many(rx, out, 4, &n), WEIR_OK);
	cr_assert(n == 1 && out[0] == 1);
	assert_status(weir_try_recv_many(rx, out, 4, &n), WEIR_WOULD_BLOCK);
	cr_assert(n == 0);
	stall_release(&stall);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 7);
	stall_free(&stall);
	free_both(tx, rx);
}

/* Looking, cloning and closing beside it. */
STALL_CASES(ALL_OF_EIGHT, stall, endpoints_come_and_go_beside_a_stopped_sender)
{
	struct stall stall;
	struct op op;
	weir_sender *tx, *tx2;
	weir_receiver *rx, *rx2;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &op, tx, 7);
	tx2 = clone_sender(tx);
	rx2 = clone_receiver(rx);
	assert_statistic(tx, open_senders, 2);
	cr_assert(weir_sender_length(tx) <= 1);
	cr_assert(!weir_sender_is_closed(tx));
	free_both(tx2, rx2);
	assert_statistic(tx, open_receivers, 1);
	cr_assert(!task_done(&op.task));
	stall_release(&stall);
	assert_op(&op, WEIR_OK);
	assert_receives_now(rx, 7);
	stall_free(&stall);
	free_both(tx, rx);
}

/* In other libraries the block in which a sender was stopped was freed under
 * it, or freed twice, or never. */
STALL_CASES(UNBOUNDED_OF_EIGHT, stall,
	blocks_behind_a_stopped_sender_are_freed_once)
{
	enum { N = 4000 };
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct counting counting;

	for (uint64_t before = 0; before < 2 * N; before = 2 * before + 511) {
		struct stall stall;
		struct op op;
		uint64_t value;
		weir_sender *tx;
		weir_receiver *rx;

		counting_init(&counting, &options);
		drops_init(&drops, &options);
		open_options(&options, &tx, &rx);
		for (uint64_t i = 0; i < before; i++) {
			assert_sends_now(tx, i);
			assert_receives_now(rx, i);
		}
		stall_sender(&stall, &op, tx, 7);
		for (uint64_t i = 0; i < N; i++)
			assert_sends_now(tx, i);
		assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
		weir_receiver_free(rx);
		drops_settled(&drops, N);
		stall_release(&stall);
		assert_op(&op, WEIR_BROKEN_RESOURCE);
		stall_free(&stall);
		weir_sender_free(tx);
		drops_settled(&drops, N);
		counting_settled(&counting);
	}
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

/* Half of one core over a tenth of a second: who sleeps uses nothing, who spins
 * uses all. */
static void assert_nobody_burns_a_core(void)
{
	int64_t began = cpu_ns(), until = weir_now() + 100 * MS;

	while (weir_now() < until)
		nanosleep(&(struct timespec){.tv_nsec = 10 * MS}, NULL);
	cr_assert(cpu_ns() - began < 50 * MS, "somebody burns a core");
}

STALL_CASES(ALL_OF_EIGHT, stall, recv_sleeps_while_a_sender_is_stopped)
{
	struct stall stall;
	struct op sender, receiver;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	op_recv(&receiver, rx);
	wait_until_receivers_waiting(rx, 1);
	assert_nobody_burns_a_core();
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

/* What was on its way for a late receiver is given back: it has nothing to stay
 * for any more. */
STALL_CASES(
	OF_EIGHT, stall, a_late_recv_times_out_when_what_it_stayed_for_is_not)
{
	struct op sender, first, late;
	struct stall stall;
	weir_sender *tx;
	weir_receiver *rx;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	assert_status(weir_send_reserve_until(tx, &slot, PAST), WEIR_OK);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv_until(&late, rx, PAST);
	wait_until_receivers_waiting(rx, 2);
	let_them_decide(rx);
	weir_send_abort(tx, slot);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&first, 7);
	assert_op(&late, WEIR_TIMED_OUT);
	stall_free(&stall);
	free_both(tx, rx);
}

/* A select with one case, which receives. */
struct selecting {
	struct task task;
	weir_receiver *rx;
	int64_t deadline;
	uint64_t value;
	atomic_bool begun;
};

static int run_select(void *argument)
{
	struct selecting *it = argument;
	weir_case only = WEIR_RECV_CASE(it->rx, &it->value);
	size_t index;
	int status = weir_select_until(&only, 1, 0, &index, it->deadline);

	return status != WEIR_OK ? status : only.status;
}

static int run_ready(void *argument)
{
	struct selecting *it = argument;
	weir_case only = WEIR_RECV_CASE(it->rx, NULL);
	size_t index;
	int status;

	it->begun = true;
	status = weir_ready_until(&only, 1, 0, &index, it->deadline);
	return status != WEIR_OK ? status : only.status;
}

/* The same when it is the next that is in hand, and a select stands before it:
 * one more element has to be on its way for each that stands in line. */
STALL_CASES(THREE_UNBOUNDED_OF_EIGHT, stall,
	a_late_recv_behind_a_select_times_out_beside_a_held_place)
{
	struct selecting second = {.deadline = WEIR_FOREVER};
	struct op sender, first, late;
	struct stall stall;
	weir_sender *tx;
	weir_receiver *rx;
	void *slots[2];

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	for (int i = 0; i < 2; i++)
		assert_status(
			weir_send_reserve_until(tx, &slots[i], PAST), WEIR_OK);
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	second.rx = rx;
	task_start(&second.task, run_select, &second);
	wait_until_receivers_waiting(rx, 2);
	op_recv_until(&late, rx, PAST);
	wait_until_receivers_waiting(rx, 3);
	let_them_decide(rx);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op_received(&first, 7);
	assert_op(&late, WEIR_TIMED_OUT);
	fill_element(slots[0], 8);
	weir_send_commit(tx, slots[0]);
	assert_status(task_join(&second.task), WEIR_OK);
	assert_value(second.value, 8);
	weir_send_abort(tx, slots[1]);
	stall_free(&stall);
	free_both(tx, rx);
}

/* An element is there, behind one that is on its way. */
STALL_CASES(OF_EIGHT, stall, a_ready_whose_deadline_is_gone_waits_for_it)
{
	struct selecting asking = {.deadline = PAST};
	struct stall stall;
	struct op sender;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	assert_sends_now(tx, 8);
	asking.rx = rx;
	task_start(&asking.task, run_ready, &asking);
	wait_until(task_done(&asking.task) ||
		   (asking.begun && threads_sleeping() >= 2));
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_status(task_join(&asking.task), WEIR_OK);
	assert_receives_now(rx, 7);
	assert_receives_now(rx, 8);
	stall_free(&stall);
	free_both(tx, rx);
}

struct receiving {
	struct task task;
	weir_receiver *rx;
	uint64_t values[3];
	size_t received;
};

static int run_recv_many(void *argument)
{
	struct receiving *it = argument;

	return weir_recv_many(it->rx, it->values, 3, &it->received);
}

/* It takes what is there, and an aborted place in between is nothing. */
STALL_CASES(THREE_SIXTY_FOUR_UNBOUNDED_OF_EIGHT, stall,
	a_waiting_recv_many_takes_what_is_behind_a_gap_too)
{
	struct receiving many;
	struct stall stall;
	struct op sender;
	weir_sender *tx;
	weir_receiver *rx;
	void *slot;

	open_flavor(flavor, &tx, &rx);
	stall_sender(&stall, &sender, tx, 7);
	assert_status(weir_send_reserve_until(tx, &slot, PAST), WEIR_OK);
	assert_sends_now(tx, 8);
	weir_send_abort(tx, slot);
	many.rx = rx;
	task_start(&many.task, run_recv_many, &many);
	wait_until_receivers_waiting(rx, 1);
	let_them_decide(rx);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_status(task_join(&many.task), WEIR_OK);
	cr_assert(many.received == 2, "%zu", many.received);
	assert_value(many.values[0], 7);
	assert_value(many.values[1], 8);
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

STALL_CASES(ONE_THREE_OF_EIGHT, stall,
	try_send_does_not_wait_for_a_stopped_receiver)
{
	struct stall stall;
	struct op receiver, sender;
	uint64_t value = 9;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n, sent = 77;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	stall_receiver(&stall, &receiver, rx);
	assert_status(try_send_value(tx, n), WEIR_WOULD_BLOCK);
	assert_status(
		weir_try_send_many(tx, &value, 1, &sent), WEIR_WOULD_BLOCK);
	cr_assert(sent == 0);
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
STALL_CASES(RENDEZVOUS_ONE_THREE_OF_TWENTY_FOUR, stall,
	try_calls_do_not_wait_for_who_serves)
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

/* The other way round: a sender copies into the memory of a receiver that
 * waits.  What others send meanwhile is for the next in the queue, and it is the
 * stopped one who must see to it. */
STALL_CASES(RENDEZVOUS_ONE_THREE_UNBOUNDED_OF_TWENTY_FOUR, stall,
	what_came_meanwhile_is_served_by_who_was_stopped)
{
	struct stall stall;
	struct op first, second, sender;
	uint64_t value;
	int status;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_open(&stall);
	op_recv_into(&first, rx, stall.element);
	wait_until_receivers_waiting(rx, 1);
	op_recv(&second, rx);
	wait_until_receivers_waiting(rx, 2);
	stall_arm(&stall);
	op_send(&sender, tx, 1);
	stall_wait(&stall);
	status = try_send_value(tx, 2);
	if (status != WEIR_WOULD_BLOCK)
		assert_status(status, WEIR_OK);
	assert_status(try_recv_value(rx, &value), WEIR_WOULD_BLOCK);
	cr_assert(!task_done(&second.task));
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op(&first, WEIR_OK);
	assert_value(value_of(stall.element), 1);
	if (status == WEIR_WOULD_BLOCK)
		assert_sends(tx, 2);
	assert_op_received(&second, 2);
	stall_free(&stall);
	free_both(tx, rx);
}

/* Nor does anybody who must wait for it burn a core. */
STALL_CASES(RENDEZVOUS_ONE_UNBOUNDED_OF_TWENTY_FOUR, stall,
	all_others_sleep_while_who_serves_is_stopped)
{
	struct stall stall;
	struct op first, sender, others[4];
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	stall_open(&stall);
	op_recv_into(&first, rx, stall.element);
	wait_until_receivers_waiting(rx, 1);
	stall_arm(&stall);
	op_send(&sender, tx, 1);
	stall_wait(&stall);
	for (size_t i = 0; i < LENGTH(others); i += 2) {
		op_recv(&others[i], rx);
		op_send(&others[i + 1], tx, i);
	}
	assert_nobody_burns_a_core();
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op(&first, WEIR_OK);
	for (size_t i = 0; i < LENGTH(others); i++)
		assert_op(&others[i], WEIR_OK);
	stall_free(&stall);
	free_both(tx, rx);
}
