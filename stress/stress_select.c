/* SPDX-License-Identifier: MIT */
/* stress_select.c - selects over random sets of both ends of random flavors.
 *
 * Two kinds of rounds.  In a strict one producers and consumers do nothing but
 * wait in weir_select for ever: a wake-up that is lost hangs it, and the
 * watchdog says so.  In a wild one every thread does everything, through
 * endpoints that others close: selects with time-outs that race with
 * deliveries, plain calls, force_send, places in hand, timers among the cases.
 * After each round every element that was sent has been received, displaced or
 * dropped, once.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CHANNELS 5
#define CLONES 3
#define MAX_CASES 8

struct channel {
	weir_sender *tx[CLONES];
	weir_receiver *rx[CLONES];
	size_t capacity;
};

struct account {
	_Atomic uint64_t count, sum;
};

struct round {
	struct channel channels[MAX_CHANNELS];
	unsigned count;
	weir_sender *stop;
	weir_receiver *stopped;
	_Atomic bool over;
	struct account sent, gone; /* received, displaced or dropped */
	unsigned quota;
};

struct worker {
	struct round *round;
	struct stress_random random;
	uint64_t number;
	uint64_t next; /* element */
	uint64_t seen[MAX_CHANNELS][STRESS_MAX_THREADS];
	weir_receiver *timer;
};

static _Atomic uint64_t elements, selects;

static void enter(struct account *account, uint64_t element)
{
	account->count++;
	account->sum += element * UINT64_C(0x9e3779b97f4a7c15);
}

static void drop(void *element, void *context)
{
	struct round *round = context;
	uint64_t value;

	memcpy(&value, element, sizeof value);
	enter(&round->gone, value);
}

static void sent(struct worker *w, uint64_t element)
{
	enter(&w->round->sent, element);
	elements++;
	stress_progress();
}

/* Each receiver sees what one sender has put into one channel in order. */
static void received(struct worker *w, unsigned channel, uint64_t element)
{
	uint64_t from = element >> 40;

	stress_check(
		from < STRESS_MAX_THREADS, "a torn element %" PRIx64, element);
	stress_check(w->seen[channel][from] < element,
		"%" PRIx64 " after %" PRIx64, element, w->seen[channel][from]);
	w->seen[channel][from] = element;
	enter(&w->round->gone, element);
	stress_progress();
}

static uint64_t fresh(struct worker *w)
{
	return w->number << 40 | ++w->next;
}

/* -- A select ---------------------------------------------------------------- */

struct choice {
	weir_case cases[MAX_CASES];
	unsigned channel[MAX_CASES];
	size_t count;
	uint64_t in, out;
};

static void add(struct choice *choice, weir_case operation, unsigned channel)
{
	choice->cases[choice->count] = operation;
	choice->channel[choice->count++] = channel;
}

/* Book what the chosen case did. */
static void settle(struct worker *w, struct choice *choice, size_t at)
{
	const weir_case *chosen = &choice->cases[at];

	selects++;
	stress_check(at < choice->count, "case %zu of %zu", at, choice->count);
	if (chosen->status != WEIR_OK) {
		stress_check(chosen->status == WEIR_END_OF_CHANNEL ||
				     chosen->status == WEIR_BROKEN_RESOURCE ||
				     chosen->status == WEIR_CLOSED_RESOURCE,
			"a case came to %s", weir_status_name(chosen->status));
		return;
	}
	if (chosen->kind == WEIR_CASE_SEND)
		sent(w, choice->out);
	else if (chosen->kind == WEIR_CASE_RECV && chosen->rx != w->timer)
		received(w, choice->channel[at], choice->in);
}

static void random_case(struct worker *w, struct choice *choice)
{
	struct round *round = w->round;
	unsigned c = (unsigned)stress_below(&w->random, round->count);
	struct channel *channel = &round->channels[c];
	weir_sender *tx = channel->tx[stress_below(&w->random, CLONES)];
	weir_receiver *rx = channel->rx[stress_below(&w->random, CLONES)];

	switch (stress_below(&w->random, 12)) {
	case 0:
		add(choice, (weir_case)WEIR_BROKEN_CASE(tx), c);
		break;
	case 1:
		add(choice, (weir_case)WEIR_RECV_CASE(NULL, NULL), c);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		add(choice, (weir_case)WEIR_SEND_CASE(tx, &choice->out), c);
		break;
	default:
		add(choice, (weir_case)WEIR_RECV_CASE(rx, &choice->in), c);
	}
}

static void wild_select(struct worker *w)
{
	struct choice choice = {.count = 0, .out = fresh(w)};
	uint64_t cases = 1 + stress_below(&w->random, MAX_CASES - 1);
	unsigned flags = stress_one_in(&w->random, 3) ? WEIR_SELECT_BIASED : 0;
	int64_t span = (int64_t)stress_below(&w->random, 60000) - 5000;
	size_t at = SIZE_MAX;
	int status;

	while (choice.count < cases)
		random_case(w, &choice);
	if (stress_one_in(&w->random, 8) &&
		weir_after(span / 2, &w->timer) == WEIR_OK)
		choice.cases[0] =
			(weir_case)WEIR_RECV_CASE(w->timer, &choice.in);
	switch (stress_below(&w->random, 4)) {
	case 0:
		status =
			weir_try_select(choice.cases, choice.count, flags, &at);
		break;
	case 1:
		/* Until the round is over, if nothing else comes. */
		choice.cases[choice.count - 1] =
			(weir_case)WEIR_RECV_CASE(w->round->stopped, NULL);
		status = weir_select(choice.cases, choice.count, flags, &at);
		break;
	case 2:
		status = weir_ready_for(
			choice.cases, choice.count, flags, &at, span);
		if (status == WEIR_OK)
			status = WEIR_TIMED_OUT; /* nothing was carried out */
		break;
	default:
		status = weir_select_for(
			choice.cases, choice.count, flags, &at, span);
	}
	stress_check(status == WEIR_OK || status == WEIR_WOULD_BLOCK ||
			     status == WEIR_TIMED_OUT,
		"a select came to %s", weir_status_name(status));
	if (status == WEIR_OK && choice.cases[at].rx != w->round->stopped)
		settle(w, &choice, at);
	weir_receiver_free(w->timer);
	w->timer = NULL;
}

/* -- Other calls --------------------------------------------------------------- */

static void force(struct worker *w, weir_sender *tx)
{
	uint64_t element = fresh(w), old = 0;
	bool displaced = false;

	if (weir_force_send(tx, &element, &old, &displaced) != WEIR_OK)
		return;
	sent(w, element);
	if (displaced)
		enter(&w->round->gone, old);
}

static void send_in_place(struct worker *w, weir_sender *tx)
{
	uint64_t element = fresh(w);
	void *slot;

	if (weir_try_send_reserve(tx, &slot) != WEIR_OK)
		return;
	if (stress_one_in(&w->random, 4)) {
		weir_send_abort(tx, slot);
		return;
	}
	memcpy(slot, &element, sizeof element);
	sent(w, element);
	weir_send_commit(tx, slot);
}

static void receive_in_place(
	struct worker *w, weir_receiver *rx, unsigned channel)
{
	uint64_t element;
	void *slot;

	if (weir_try_recv_acquire(rx, &slot) != WEIR_OK)
		return;
	memcpy(&element, slot, sizeof element);
	weir_recv_release(rx, slot);
	received(w, channel, element);
}

static void plain_call(struct worker *w)
{
	unsigned c = (unsigned)stress_below(&w->random, w->round->count);
	struct channel *channel = &w->round->channels[c];
	weir_sender *tx = channel->tx[stress_below(&w->random, CLONES)];
	weir_receiver *rx = channel->rx[stress_below(&w->random, CLONES)];
	int64_t span = (int64_t)stress_below(&w->random, 40000);
	uint64_t element = fresh(w);

	switch (stress_below(&w->random, 7)) {
	case 0:
		if (weir_send_for(tx, &element, span) == WEIR_OK)
			sent(w, element);
		break;
	case 1:
		if (weir_recv_for(rx, &element, span) == WEIR_OK)
			received(w, c, element);
		break;
	case 2:
		if (weir_try_recv(rx, &element) == WEIR_OK)
			received(w, c, element);
		break;
	case 3:
		force(w, tx);
		break;
	case 4:
		send_in_place(w, tx);
		break;
	case 5:
		receive_in_place(w, rx, c);
		break;
	default:
		if (!stress_one_in(&w->random, 200))
			break;
		if (stress_one_in(&w->random, 2))
			weir_sender_close(tx);
		else
			weir_receiver_close(rx);
	}
}

/* -- Threads --------------------------------------------------------------------- */

static void wild(void *argument)
{
	struct worker *w = argument;

	for (unsigned i = 0; i < w->round->quota && !w->round->over; i++) {
		stress_doing("a wild call", i);
		if (stress_one_in(&w->random, 3))
			plain_call(w);
		else
			wild_select(w);
		stress_progress();
	}
}

static void produce(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;

	for (unsigned i = 0; i < round->quota; i++) {
		struct choice choice = {.count = 0, .out = fresh(w)};
		size_t at = SIZE_MAX;

		for (unsigned c = 0; c < round->count; c++)
			add(&choice,
				(weir_case)WEIR_SEND_CASE(
					round->channels[c].tx[0], &choice.out),
				c);
		stress_doing("weir_select to send", i);
		stress_check(weir_select(choice.cases, choice.count, 0, &at) ==
				     WEIR_OK,
			"a select failed");
		stress_check(choice.cases[at].status == WEIR_OK,
			"a send came to nothing");
		settle(w, &choice, at);
	}
}

static void consume(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;
	unsigned open = round->count;
	struct choice choice = {.count = 0};

	for (unsigned c = 0; c < round->count; c++)
		add(&choice,
			(weir_case)WEIR_RECV_CASE(
				round->channels[c].rx[0], &choice.in),
			c);
	while (open > 0) {
		size_t at = SIZE_MAX;

		stress_doing("weir_select to receive", open);
		stress_check(weir_select(choice.cases, choice.count, 0, &at) ==
				     WEIR_OK,
			"a select failed");
		if (choice.cases[at].status == WEIR_END_OF_CHANNEL) {
			choice.cases[at].rx = NULL;
			open--;
			continue;
		}
		settle(w, &choice, at);
	}
}

/* -- Rounds ------------------------------------------------------------------------ */

static void open_channels(
	struct round *round, struct stress_random *random, unsigned clones)
{
	static const size_t capacities[] = {0, 0, 1, 2, 3, 64, WEIR_UNBOUNDED};

	round->count = 1 + (unsigned)stress_below(random, MAX_CHANNELS);
	for (unsigned c = 0; c < round->count; c++) {
		struct channel *channel = &round->channels[c];
		weir_options options = WEIR_OPTIONS_INIT;

		channel->capacity = capacities[stress_below(random, 7)];
		options.capacity = channel->capacity;
		options.element_size = sizeof(uint64_t);
		options.drop = drop;
		options.drop_context = round;
		stress_check(weir_open_with(&options, &channel->tx[0],
				     &channel->rx[0]) == WEIR_OK,
			"open failed");
		for (unsigned i = 1; i < clones; i++)
			stress_check(
				weir_sender_clone(channel->tx[0],
					&channel->tx[i]) == WEIR_OK &&
					weir_receiver_clone(channel->rx[0],
						&channel->rx[i]) == WEIR_OK,
				"clone failed");
	}
}

static struct worker *hire(
	struct round *round, struct stress_random *random, unsigned count)
{
	struct worker *workers = calloc(count, sizeof *workers);

	stress_check(workers != NULL, "no memory");
	for (unsigned i = 0; i < count; i++) {
		workers[i].round = round;
		workers[i].number = i;
		stress_seed(&workers[i].random, stress_draw(random));
	}
	return workers;
}

static void check_accounts(struct round *round)
{
	uint64_t sent_count = round->sent.count, gone = round->gone.count;

	stress_check(sent_count == gone && round->sent.sum == round->gone.sum,
		"%" PRIu64 " were sent, %" PRIu64 " are accounted for",
		sent_count, gone);
}

/* Nobody is left in a queue, whatever selects came by. */
static void check_nobody_waits(const struct channel *channel)
{
	weir_statistics now;

	weir_sender_statistics(channel->tx[0], &now);
	stress_check(now.senders_waiting == 0 && now.receivers_waiting == 0,
		"%zu senders and %zu receivers wait that are gone",
		now.senders_waiting, now.receivers_waiting);
}

static void strict_round(struct stress_random *random)
{
	unsigned producers = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned consumers = 1 + (unsigned)stress_below(random, stress.threads);
	struct round round = {.quota = 300};
	struct stress_crew sending = {.count = 0}, receiving = {.count = 0};
	struct worker *workers = hire(&round, random, producers + consumers);

	open_channels(&round, random, 1);
	stress_describe("strict, %u channels, %u producers, %u consumers",
		round.count, producers, consumers);
	for (unsigned i = 0; i < producers; i++)
		stress_crew_add(&sending, "producer", produce, &workers[i]);
	for (unsigned i = 0; i < consumers; i++)
		stress_crew_add(&receiving, "consumer", consume,
			&workers[producers + i]);
	stress_crew_join(&sending);
	for (unsigned c = 0; c < round.count; c++)
		weir_sender_close(round.channels[c].tx[0]);
	stress_crew_join(&receiving);
	for (unsigned c = 0; c < round.count; c++) {
		check_nobody_waits(&round.channels[c]);
		weir_sender_free(round.channels[c].tx[0]);
		weir_receiver_free(round.channels[c].rx[0]);
	}
	check_accounts(&round);
	free(workers);
}

static void wild_round(struct stress_random *random)
{
	unsigned threads = 2 + (unsigned)stress_below(random, 7);
	const struct timespec a_while = {.tv_nsec = 20000000};
	struct round round = {.quota = 500};
	struct stress_crew crew = {.count = 0};
	struct worker *workers = hire(&round, random, threads);

	open_channels(&round, random, CLONES);
	stress_check(weir_open(0, 0, &round.stop, &round.stopped) == WEIR_OK,
		"open failed");
	stress_describe("wild, %u channels, %u threads", round.count, threads);
	for (unsigned i = 0; i < threads; i++)
		stress_crew_add(&crew, "everything", wild, &workers[i]);
	nanosleep(&a_while, NULL);
	round.over = true;
	weir_sender_free(round.stop);
	stress_crew_join(&crew);
	weir_receiver_free(round.stopped);
	for (unsigned c = 0; c < round.count; c++) {
		check_nobody_waits(&round.channels[c]);
		for (unsigned i = 0; i < CLONES; i++)
			weir_sender_free(round.channels[c].tx[i]);
		for (unsigned i = 0; i < CLONES; i++)
			weir_receiver_free(round.channels[c].rx[i]);
	}
	check_accounts(&round);
	free(workers);
}

int main(int argc, char **argv)
{
	struct stress_random random;

	stress_start(argc, argv, false);
	while (stress_next_round(&random)) {
		if (stress_one_in(&random, 2))
			strict_round(&random);
		else
			wild_round(&random);
	}
	stress_finish("%" PRIu64 " elements, %" PRIu64 " selects",
		(uint64_t)elements, (uint64_t)selects);
	return 0;
}
