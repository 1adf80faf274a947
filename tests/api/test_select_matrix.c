/* SPDX-License-Identifier: MIT */
/* test_select_matrix.c - two cases in every combination of states, and networks
 * of threads that select. */
#include "fixture.h"

/* -- Every combination ------------------------------------------------------- */

enum state { NIL, BLOCKED, READY, OVER, CLOSED, STATES };
enum kind { RECV, SEND, KINDS };

struct side_case {
	weir_sender *tx;
	weir_receiver *rx;
	weir_case operation;
	bool is_ready;
	int status; /* that it comes to */
};

/* A case of this kind whose channel is in this state. */
static void make_case(struct side_case *it, const struct flavor *flavor,
	enum kind kind, enum state state, void *element)
{
	open_flavor(flavor, &it->tx, &it->rx);
	if (kind == RECV) {
		it->operation = (weir_case)WEIR_RECV_CASE(it->rx, element);
		it->status = WEIR_END_OF_CHANNEL;
		if (state == READY)
			assert_sends_now(it->tx, 7);
		if (state == OVER)
			weir_sender_close(it->tx);
		if (state == CLOSED)
			weir_receiver_close(it->rx);
	} else {
		it->operation = (weir_case)WEIR_SEND_CASE(it->tx, element);
		it->status = WEIR_BROKEN_RESOURCE;
		if (state == BLOCKED)
			fill(it->tx);
		if (state == OVER)
			weir_receiver_close(it->rx);
		if (state == CLOSED)
			weir_sender_close(it->tx);
	}
	if (state == NIL)
		it->operation.rx = NULL, it->operation.tx = NULL;
	if (state == READY)
		it->status = WEIR_OK;
	if (state == CLOSED)
		it->status = WEIR_CLOSED_RESOURCE;
	it->is_ready = state == READY || state == OVER || state == CLOSED;
}

static void check_choice(struct side_case made[2], bool timed, bool ready)
{
	weir_case cases[2] = {made[0].operation, made[1].operation};
	bool any = made[0].is_ready || made[1].is_ready;
	size_t index = 9;
	int status;

	if (ready)
		status = timed ? weir_ready_until(cases, 2, 0, &index, PAST)
			       : weir_try_ready(cases, 2, 0, &index);
	else
		status = timed ? weir_select_until(cases, 2, 0, &index, PAST)
			       : weir_try_select(cases, 2, 0, &index);
	if (!any) {
		assert_status(
			status, timed ? WEIR_TIMED_OUT : WEIR_WOULD_BLOCK);
		cr_assert(index == 9);
		return;
	}
	assert_status(status, WEIR_OK);
	cr_assert(index < 2 && made[index].is_ready);
	assert_status(cases[index].status, made[index].status);
}

static void check_pair(const struct flavor *flavor, unsigned kinds,
	enum state first, enum state second)
{
	for (unsigned way = 0; way < 4; way++) {
		ELEMENT(elements[2]);
		struct side_case made[2];

		fill_element(elements[0], 1);
		fill_element(elements[1], 2);
		make_case(&made[0], flavor, kinds % KINDS, first, elements[0]);
		make_case(&made[1], flavor, kinds / KINDS, second, elements[1]);
		check_choice(made, way % 2 == 1, way >= 2);
		for (int i = 0; i < 2; i++)
			free_both(made[i].tx, made[i].rx);
	}
}

/* Rendezvous channels are ready only while somebody waits: see test_select.c.
 * Unbounded ones are never full. */
BOUNDED(select_matrix, of_two_cases_one_that_is_ready)
{
	for (unsigned kinds = 0; kinds < KINDS * KINDS; kinds++)
		for (int first = 0; first < STATES; first++)
			for (int second = 0; second < STATES; second++)
				check_pair(flavor, kinds, (enum state)first,
					(enum state)second);
}

/* -- A network with feedback ---------------------------------------------------- */

/* The power series F = 1 + xF + xxF, whose coefficients are Fibonacci's numbers:
 * an adder, a splitter that gives each coefficient to three channels in whatever
 * order they take it, and two delays that lead back. */
struct network {
	weir_sender *sum_tx, *out_tx, *once_tx, *twice_tx;
	weir_receiver *sum_rx, *out_rx, *once_rx, *twice_rx;
};

static int add_series(void *argument)
{
	struct network *network = argument;
	uint64_t once, twice, sum = 1;

	/* 1, then the sum of what the delays hand back. */
	while (weir_send(network->sum_tx, &sum) == WEIR_OK) {
		if (weir_recv(network->once_rx, &once) != WEIR_OK ||
			weir_recv(network->twice_rx, &twice) != WEIR_OK)
			break;
		sum = once + twice;
	}
	weir_sender_close(network->sum_tx);
	return 0;
}

static int split_series(void *argument)
{
	struct network *network = argument;
	uint64_t value;

	while (weir_recv(network->sum_rx, &value) == WEIR_OK) {
		weir_case to[] = {WEIR_SEND_CASE(network->out_tx, &value),
			WEIR_SEND_CASE(network->once_tx, &value),
			WEIR_SEND_CASE(network->twice_tx, &value)};

		for (int left = 3; left > 0; left--) {
			size_t index;

			if (weir_select(to, 3, 0, &index) != WEIR_OK)
				return 1;
			if (to[index].status != WEIR_OK) {
				/* Nobody wants the series any more. */
				weir_sender_close(network->once_tx);
				weir_sender_close(network->twice_tx);
				weir_receiver_close(network->sum_rx);
				return 0;
			}
			to[index].tx = NULL; /* has it */
		}
	}
	return 0;
}

static void open_link(size_t capacity, weir_sender **tx, weir_receiver **rx)
{
	assert_status(weir_open(capacity, sizeof(uint64_t), tx, rx), WEIR_OK);
}

ONE_CASE(select_matrix, a_series_that_feeds_itself)
{
	uint64_t a = 0, b = 1, value = 0;
	struct network network;
	struct task adder, splitter;

	open_link(0, &network.sum_tx, &network.sum_rx);
	open_link(0, &network.out_tx, &network.out_rx);
	/* What is handed back waits there for its turn: one coefficient, and
	 * two; the second delay begins with the 0 of F's missing first. */
	open_link(1, &network.once_tx, &network.once_rx);
	open_link(2, &network.twice_tx, &network.twice_rx);
	assert_status(weir_send(network.twice_tx, &value), WEIR_OK);
	task_start(&adder, add_series, &network);
	task_start(&splitter, split_series, &network);
	for (int i = 0; i < 90; i++) {
		assert_status(
			weir_recv_for(network.out_rx, &value, patience_ns()),
			WEIR_OK);
		cr_assert(value == b, "coefficient %d is %llu", i,
			(unsigned long long)value);
		b += a;
		a = value;
	}
	weir_receiver_close(network.out_rx);
	cr_assert(task_join(&splitter) == 0);
	cr_assert(task_join(&adder) == 0);
	free_both(network.sum_tx, network.sum_rx);
	free_both(network.out_tx, network.out_rx);
	free_both(network.once_tx, network.once_rx);
	free_both(network.twice_tx, network.twice_rx);
}

/* -- A sieve ------------------------------------------------------------------------ */

struct sieve {
	weir_receiver *in; /* NULL: all numbers */
	weir_sender *out;
	weir_receiver *stop;
	uint64_t prime;
	struct task task;
};

/* Selects at every step, so that a close of `stop` ends it anywhere. */
static int run_sieve(void *argument)
{
	struct sieve *it = argument;
	uint64_t n = 1;
	size_t index;

	for (;;) {
		weir_case receiving[] = {WEIR_RECV_CASE(it->in, &n),
			WEIR_RECV_CASE(it->stop, NULL)};
		weir_case sending[] = {WEIR_SEND_CASE(it->out, &n),
			WEIR_RECV_CASE(it->stop, NULL)};

		if (it->in == NULL)
			n++;
		else if (weir_select(receiving, 2, 0, &index) != WEIR_OK ||
			 index == 1)
			return 0;
		if (it->prime != 0 && n % it->prime == 0)
			continue;
		if (weir_select(sending, 2, 0, &index) != WEIR_OK || index == 1)
			return 0;
	}
}

ONE_CASE(select_matrix, a_sieve_of_selects_is_stopped_by_one_close)
{
	static const uint64_t primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29};
	struct sieve chain[LENGTH(primes) + 1];
	weir_receiver *in = NULL, *links[LENGTH(primes) + 1], *stopped;
	uint64_t prime = 0;
	weir_sender *stop;

	assert_status(weir_open(0, 0, &stop, &stopped), WEIR_OK);
	for (size_t i = 0; i <= LENGTH(primes); i++) {
		chain[i] = (struct sieve){
			.in = in, .stop = stopped, .prime = prime};
		open_link(0, &chain[i].out, &links[i]);
		task_start(&chain[i].task, run_sieve, &chain[i]);
		in = links[i];
		assert_status(
			weir_recv_for(in, &prime, patience_ns()), WEIR_OK);
		if (i < LENGTH(primes))
			cr_assert(prime == primes[i]);
	}
	weir_sender_free(stop);
	for (size_t i = 0; i <= LENGTH(primes); i++)
		cr_assert(task_join(&chain[i].task) == 0);
	for (size_t i = 0; i <= LENGTH(primes); i++)
		free_both(chain[i].out, links[i]);
	weir_receiver_free(stopped);
}
