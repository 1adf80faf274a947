/* SPDX-License-Identifier: MIT */
/* test_races.c - two things at the same instant: each has one outcome.
 *
 * Promise 7: who loses a race adopts what won.  The account must be even after
 * every round: what was accepted was received or dropped, once.  These rounds
 * are short; the stress programs go on for as long as one likes.
 */
#include "counting.h"
#include "drops.h"
#include "fixture.h"

/* -- Starting together ------------------------------------------------------- */

/* Threads come to the line, then all leave at once, some a bit later. */
struct line {
	_Atomic int here;
	_Atomic int go;
};

static void come_to(struct line *line)
{
	atomic_fetch_add(&line->here, 1);
	while (atomic_load(&line->go) == 0)
		sched_yield();
}

/* With the n others that have come. */
static void leave_with(struct line *line, int n)
{
	wait_until(atomic_load(&line->here) == n);
	atomic_store(&line->go, 1);
}

static void linger(int n)
{
	for (volatile int i = 0; i < n; i++)
		continue;
}

struct closer {
	struct task task;
	struct line *line;
	weir_sender *tx;
	weir_receiver *rx;
	int linger;
};

static int run_closer(void *argument)
{
	struct closer *closer = argument;

	come_to(closer->line);
	linger(closer->linger);
	weir_sender_close(closer->tx);
	weir_receiver_close(closer->rx);
	return 0;
}

/* -- A delivery and a close ---------------------------------------------------- */

/* In another library the element that was in the receiver's hands at the close
 * was lost. */
EVERY_FLAVOR(races, an_element_given_at_the_instant_of_a_close_is_not_lost)
{
	for (int i = 0; i < 100; i++) {
		struct line line = {0, 0};
		struct closer closer = {.line = &line, .linger = i * 5};
		uint64_t sent, got = 0;
		struct op op;
		weir_sender *tx;
		weir_receiver *rx, *other;

		open_flavor(flavor, &tx, &rx);
		other = clone_receiver(rx);
		closer.rx = rx;
		op_recv(&op, rx);
		wait_until_receivers_waiting(rx, 1);
		task_start(&closer.task, run_closer, &closer);
		leave_with(&line, 1);
		sent = try_send_value(tx, 7) == WEIR_OK;
		cr_assert(task_join(&closer.task) == 0);
		if (op_join(&op) == WEIR_OK) {
			assert_value(op.value, 7);
			got++;
		} else {
			assert_status(op.task.status, WEIR_CLOSED_RESOURCE);
		}
		while (weir_receiver_length(other) > 0) {
			assert_receives_now(other, 7);
			got++;
		}
		cr_assert(sent == got);
		assert_statistic(tx, receivers_waiting, 0);
		weir_receiver_free(other);
		free_both(tx, rx);
	}
}

CAN_BE_FULL(races, a_send_is_taken_or_closed_and_never_both)
{
	for (int i = 0; i < 100; i++) {
		struct line line = {0, 0};
		struct closer closer = {.line = &line, .linger = i * 5};
		uint64_t sent, value, got = 0;
		struct op op;
		weir_sender *tx, *other;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		other = clone_sender(tx);
		closer.tx = tx;
		sent = fill(tx);
		op_send(&op, tx, sent);
		wait_until_senders_waiting(tx, 1);
		task_start(&closer.task, run_closer, &closer);
		leave_with(&line, 1);
		got += try_recv_value(rx, &value) == WEIR_OK;
		cr_assert(task_join(&closer.task) == 0);
		if (op_join(&op) == WEIR_OK)
			sent++;
		else
			assert_status(op.task.status, WEIR_CLOSED_RESOURCE);
		while (recv_value_until(rx, &value, PAST) == WEIR_OK)
			got++;
		cr_assert(sent == got);
		assert_statistic(other, senders_waiting, 0);
		weir_sender_free(other);
		free_both(tx, rx);
	}
}

/* -- Traffic and a close --------------------------------------------------------- */

#define SIDE 3 /* threads on each side */

enum end { SENDERS_CLOSE, RECEIVERS_SHUT, RECEIVERS_CLOSE };

struct worker {
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;
	_Atomic uint64_t n; /* accepted, or received */
	uint64_t i;
};

/* Each in its own way: for ever, for some microseconds, not at all. */
static int send_until_it_ends(void *argument)
{
	struct worker *worker = argument;
	int status;

	do {
		uint64_t n = worker->n, value = n * SIDE + worker->i;

		if (worker->i == 0)
			status = send_value(worker->tx, value);
		else if (worker->i == 1)
			status = send_value_until(worker->tx, value,
				weir_now() + (int64_t)(n % 50) * 1000);
		else
			status = try_send_value(worker->tx, value);
		if (status == WEIR_OK)
			atomic_fetch_add(&worker->n, 1);
		else if (worker->i == 2)
			sched_yield();
	} while (status == WEIR_OK || status == WEIR_TIMED_OUT ||
		 status == WEIR_WOULD_BLOCK);
	return status;
}

static int recv_until_it_ends(void *argument)
{
	struct worker *worker = argument;
	int status;

	do {
		uint64_t value = 0;

		if (worker->i == 0)
			status = recv_value(worker->rx, &value);
		else if (worker->i == 1)
			status = recv_value_until(worker->rx, &value,
				weir_now() + (int64_t)(worker->n % 50) * 1000);
		else
			status = try_recv_value(worker->rx, &value);
		if (status == WEIR_OK && value == TORN)
			return 1;
		if (status == WEIR_OK)
			atomic_fetch_add(&worker->n, 1);
		else if (worker->i == 2)
			sched_yield();
	} while (status == WEIR_OK || status == WEIR_TIMED_OUT ||
		 status == WEIR_WOULD_BLOCK);
	return status;
}

static uint64_t sum(struct worker *workers)
{
	uint64_t total = 0;

	for (size_t i = 0; i < SIDE; i++)
		total += atomic_load(&workers[i].n);
	return total;
}

static void end_in_traffic(const struct flavor *flavor, enum end end)
{
	weir_options options = options_of(flavor);
	static struct drops drops;
	struct counting counting;
	struct worker senders[SIDE], receivers[SIDE];
	uint64_t accepted, received;
	weir_sender *tx;
	weir_receiver *rx;

	counting_init(&counting, &options);
	drops_init(&drops, &options);
	open_options(&options, &tx, &rx);
	for (uint64_t i = 0; i < SIDE; i++) {
		senders[i] = (struct worker){.tx = clone_sender(tx), .i = i};
		receivers[i] =
			(struct worker){.rx = clone_receiver(rx), .i = i};
		task_start(&senders[i].task, send_until_it_ends, &senders[i]);
		task_start(
			&receivers[i].task, recv_until_it_ends, &receivers[i]);
	}
	wait_until(sum(receivers) > 50);
	if (end == SENDERS_CLOSE) {
		weir_sender_close(tx);
		for (size_t i = 0; i < SIDE; i++)
			weir_sender_close(senders[i].tx);
	} else if (end == RECEIVERS_SHUT) {
		weir_receiver_shut(rx);
	} else {
		weir_receiver_close(rx);
		for (size_t i = 0; i < SIDE; i++)
			weir_receiver_close(receivers[i].rx);
	}
	for (size_t i = 0; i < SIDE; i++) {
		assert_status(task_join(&receivers[i].task),
			end == RECEIVERS_CLOSE ? WEIR_CLOSED_RESOURCE
					       : WEIR_END_OF_CHANNEL);
		assert_status(task_join(&senders[i].task),
			end == SENDERS_CLOSE ? WEIR_CLOSED_RESOURCE
					     : WEIR_BROKEN_RESOURCE);
	}
	accepted = sum(senders);
	received = sum(receivers);
	/* Who was told of the end has missed nothing that was accepted; a
	 * rendezvous accepts only what a receiver has. */
	if (end == RECEIVERS_CLOSE && flavor->capacity > 0)
		drops_settled(&drops, accepted - received);
	else
		cr_assert(accepted == received, "%llu accepted, %llu received",
			(unsigned long long)accepted,
			(unsigned long long)received);
	assert_statistic(tx, sent, accepted);
	assert_statistic(tx, received, received);
	for (size_t i = 0; i < SIDE; i++)
		free_both(senders[i].tx, receivers[i].rx);
	free_both(tx, rx);
	drops_settled(&drops, accepted - received);
	for (size_t i = 0; i < DROPS_KEPT && element_size >= 8; i++)
		cr_assert(atomic_load(&drops.seen[i]) <= 1);
	counting_settled(&counting);
}

/* In other libraries a receiver was told of the end though the last send had
 * succeeded before it. */
EVERY_FLAVOR(races, closing_all_senders_in_traffic_loses_nothing)
{
	for (int i = 0; i < 8; i++)
		end_in_traffic(flavor, SENDERS_CLOSE);
}

/* And a send went through after the end had been told. */
EVERY_FLAVOR(races, nothing_is_accepted_after_a_shut_in_traffic_was_reported)
{
	for (int i = 0; i < 8; i++)
		end_in_traffic(flavor, RECEIVERS_SHUT);
}

/* And an unbounded channel's memory was freed twice, or not at all, when the
 * last receiver left between two steps of a send. */
EVERY_FLAVOR(races, closing_all_receivers_in_traffic_drops_the_rest_once)
{
	for (int i = 0; i < 8; i++)
		end_in_traffic(flavor, RECEIVERS_CLOSE);
}

/* The first send of all and the last receiver's end. */
EVERY_FLAVOR(races, a_first_send_and_the_last_receivers_close)
{
	for (int i = 0; i < 100; i++) {
		weir_options options = options_of(flavor);
		static struct drops drops;
		struct counting counting;
		struct line line = {0, 0};
		struct closer closer = {.line = &line, .linger = i * 5};
		bool accepted;
		weir_sender *tx;

		counting_init(&counting, &options);
		drops_init(&drops, &options);
		open_options(&options, &tx, &closer.rx);
		task_start(&closer.task, run_closer, &closer);
		leave_with(&line, 1);
		accepted = try_send_value(tx, 1) == WEIR_OK;
		cr_assert(task_join(&closer.task) == 0);
		assert_status(try_send_value(tx, 2), WEIR_BROKEN_RESOURCE);
		drops_settled(&drops, accepted);
		free_both(tx, closer.rx);
		counting_settled(&counting);
	}
}

/* -- Clones, closes, frees --------------------------------------------------------- */

struct cloner {
	struct task task;
	struct line *line;
	weir_sender *tx;
	weir_sender *clones[64];
	size_t n;
};

static int clone_until_closed(void *argument)
{
	struct cloner *cloner = argument;
	int status = WEIR_OK;

	come_to(cloner->line);
	while (cloner->n < LENGTH(cloner->clones) && status == WEIR_OK) {
		status = weir_sender_clone(
			cloner->tx, &cloner->clones[cloner->n]);
		if (status == WEIR_OK)
			cloner->n++;
	}
	return status;
}

EVERY_FLAVOR(races, a_clone_at_the_instant_of_a_close_is_open_or_refused)
{
	for (int i = 0; i < 50; i++) {
		struct line line = {0, 0};
		struct cloner cloner = {.line = &line};
		uint64_t value;
		int status;
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		cloner.tx = tx;
		task_start(&cloner.task, clone_until_closed, &cloner);
		leave_with(&line, 1);
		linger(i * 20);
		weir_sender_close(tx);
		status = task_join(&cloner.task);
		cr_assert(status == WEIR_CLOSED_RESOURCE ||
			  cloner.n == LENGTH(cloner.clones));
		assert_statistic(tx, open_senders, cloner.n);
		status = try_recv_value(rx, &value);
		assert_status(status,
			cloner.n > 0 ? WEIR_WOULD_BLOCK : WEIR_END_OF_CHANNEL);
		for (size_t c = 0; c < cloner.n; c++)
			weir_sender_free(cloner.clones[c]);
		assert_ended(rx);
		free_both(tx, rx);
	}
}

static int free_at_once(void *argument)
{
	struct closer *closer = argument;

	come_to(closer->line);
	free_both(closer->tx, closer->rx);
	return 0;
}

EVERY_FLAVOR(races, frees_of_all_endpoints_at_once_free_the_channel_once)
{
	for (int i = 0; i < 30; i++) {
		weir_options options = options_of(flavor);
		static struct drops drops;
		struct counting counting;
		struct closer closers[4];
		struct line line = {0, 0};
		uint64_t n;
		weir_sender *tx;
		weir_receiver *rx;

		counting_init(&counting, &options);
		drops_init(&drops, &options);
		open_options(&options, &tx, &rx);
		n = fill(tx);
		for (size_t c = 0; c < LENGTH(closers); c++) {
			closers[c] = (struct closer){.line = &line,
				.tx = clone_sender(tx),
				.rx = clone_receiver(rx)};
			task_start(&closers[c].task, free_at_once, &closers[c]);
		}
		leave_with(&line, LENGTH(closers));
		free_both(tx, rx);
		for (size_t c = 0; c < LENGTH(closers); c++)
			cr_assert(task_join(&closers[c].task) == 0);
		drops_settled(&drops, n);
		counting_settled(&counting);
	}
}

/* -- Promise 2 ------------------------------------------------------------------------ */

struct pair {
	struct task task;
	struct line *line;
	weir_sender *tx;
	weir_receiver *rx;
	int rounds;
};

/* Puts one in and takes one out, so that in between there is one for it at
 * every instant, and room for it before. */
static int one_in_one_out(void *argument)
{
	struct pair *pair = argument;

	come_to(pair->line);
	for (int i = 0; i < pair->rounds; i++) {
		uint64_t value = TORN;
		int status = send_value_until(pair->tx, (uint64_t)i, PAST);

		if (status == WEIR_OK)
			status = recv_value_until(pair->rx, &value, PAST);
		if (status != WEIR_OK)
			return status;
		if (value == TORN)
			return 1;
	}
	return WEIR_OK;
}

/* TIMED_OUT means that at some instant of the call it could not be done.  In
 * other libraries a node that was used again, or indices read in the wrong
 * order, made a queue look empty, or full, that was not. */
HAS_BUFFER(races, what_can_be_done_at_every_instant_never_times_out)
{
	size_t n = flavor->capacity < 4 ? flavor->capacity : 4;
	int rounds = flavor->element_size > 100 ? 1000 : 5000;
	struct pair pairs[4];
	struct line line = {0, 0};
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t i = 0; i < n; i++) {
		pairs[i] = (struct pair){
			.line = &line, .tx = tx, .rx = rx, .rounds = rounds};
		task_start(&pairs[i].task, one_in_one_out, &pairs[i]);
	}
	leave_with(&line, (int)n);
	for (size_t i = 0; i < n; i++)
		assert_status(task_join(&pairs[i].task), WEIR_OK);
	cr_assert(weir_sender_length(tx) == 0);
	free_both(tx, rx);
}
