/* SPDX-License-Identifier: MIT */
/* stress_close.c - endpoints cloned and closed at random moments.
 *
 * Two kinds of rounds.  A crowd: senders and receivers use a table of
 * endpoints, some of them shared, while closers close these (or shut the
 * channel) one after the other at random moments and cloners clone them, use
 * the clone for a moment and free it.  Each crowd's plan is such that all
 * waiters must come back.  Duels (duel.c): two threads meet for each of many
 * channels, one sending or receiving while the other closes.
 *
 * What is checked, by the promises of the manual:
 *  - accepted == received + dropped, each element once;
 *  - CLOSED_RESOURCE only through an endpoint whose close has begun, and
 *    nothing else once a close has returned;
 *  - END_OF_CHANNEL and BROKEN_RESOURCE only when no endpoint of the other
 *    side is open, or after shut; for good, and no send that begins after
 *    anybody was told is accepted;
 *  - what a closer wrote before its close can be read by who is told of it;
 *  - drop runs with no lock held: it calls the channel.
 */
#include "duel.h"
#include "stress.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ENDS 4
#define MAX_WORKERS 40

/* An endpoint of the table. */
struct end {
	weir_sender *tx; /* one of the two */
	weir_receiver *rx;
	_Atomic bool closing; /* a close has begun */
	_Atomic bool closed;  /* a close has returned */
	/* Written by the one closer before its close, when it is the one. */
	bool one_closer;
	uint64_t note;
};

struct crowd {
	struct end senders[MAX_ENDS];
	struct end receivers[MAX_ENDS];
	unsigned n_senders;
	unsigned n_receivers;
	struct stress_ledger ledger;
	bool drop_calls_channel;
	/* Endpoints open for sure, clones included. */
	_Atomic unsigned open_senders;
	_Atomic unsigned open_receivers;
	_Atomic bool shut; /* has begun */
	/* Somebody was told so. */
	_Atomic bool ended;
	_Atomic bool broken;
};

struct worker {
	struct crowd *crowd;
	struct stress_random random;
	struct end *end;   /* senders and receivers */
	unsigned producer; /* senders and cloners */
	uint32_t sequence;
	uint32_t quota;
	uint32_t next[STRESS_MAX_PRODUCERS];
	/* Closers: what to do, in this order. */
	struct end *targets[4 * MAX_ENDS];
	unsigned n_targets;
	struct end *to_shut;
};

static _Atomic uint64_t elements;

static void delay(struct stress_random *random)
{
	struct timespec time = {
		.tv_nsec = (long)stress_below(random, 200000),
	};

	if (stress_one_in(random, 3))
		nanosleep(&time, NULL);
	else
		for (uint64_t n = stress_below(random, 20); n > 0; n--)
			sched_yield();
}

/* -- What is allowed ------------------------------------------------------ */

/* The state of the world before a call begins. */
struct before {
	bool closed;
	bool ended;
	bool broken;
};

static struct before look(const struct crowd *c, const struct end *end)
{
	return (struct before){
		.closed = end != NULL && atomic_load(&end->closed),
		.ended = atomic_load(&c->ended),
		.broken = atomic_load(&c->broken),
	};
}

static void check_closed(const struct end *end, const char *name)
{
	stress_check(end != NULL && atomic_load(&end->closing),
		"%s: CLOSED_RESOURCE through an open endpoint", name);
	stress_check(!end->one_closer || end->note == 1,
		"%s: what came before the close is not visible", name);
}

static void check_notes(const struct end *ends, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		stress_check(!ends[i].one_closer || ends[i].note == 1,
			"what came before the close is not visible");
}

/* `end` is NULL for a clone of the thread's own. */
static void check_send(struct crowd *c, const struct end *end,
	struct before before, const char *name, int status)
{
	stress_check(!before.closed || status == WEIR_CLOSED_RESOURCE,
		"%s returned %s after the close of its endpoint", name,
		weir_status_name(status));
	switch (status) {
	case WEIR_OK:
		stress_check(!before.ended && !before.broken,
			"%s was accepted after somebody was told of the %s",
			name, before.ended ? "end" : "break");
		break;
	case WEIR_CLOSED_RESOURCE:
		check_closed(end, name);
		break;
	case WEIR_BROKEN_RESOURCE:
		if (!atomic_load(&c->shut)) {
			stress_check(atomic_load(&c->open_receivers) == 0,
				"%s: BROKEN_RESOURCE, but a receiver is open",
				name);
			check_notes(c->receivers, c->n_receivers);
		}
		atomic_store(&c->broken, true);
		break;
	default:
		stress_check(!before.broken,
			"%s returned %s on a channel known to be broken", name,
			weir_status_name(status));
		break;
	}
}

static void check_recv(struct crowd *c, const struct end *end,
	struct before before, const char *name, int status)
{
	stress_check(!before.closed || status == WEIR_CLOSED_RESOURCE,
		"%s returned %s after the close of its endpoint", name,
		weir_status_name(status));
	stress_check(!before.ended || status == WEIR_END_OF_CHANNEL ||
			     status == WEIR_CLOSED_RESOURCE,
		"%s returned %s after the end", name, weir_status_name(status));
	if (status == WEIR_CLOSED_RESOURCE)
		check_closed(end, name);
	if (status != WEIR_END_OF_CHANNEL)
		return;
	if (!atomic_load(&c->shut)) {
		stress_check(atomic_load(&c->open_senders) == 0,
			"%s: END_OF_CHANNEL, but a sender is open", name);
		check_notes(c->senders, c->n_senders);
	}
	atomic_store(&c->ended, true);
}

/* -- Sending and receiving ------------------------------------------------ */

enum call { WAIT, TRY, FOR, MANY };

static int send_one(struct worker *w, weir_sender *tx, const struct end *end,
	enum call call)
{
	static const char *const names[] = {"weir_send", "weir_try_send",
		"weir_send_for", "weir_send_many"};
	struct crowd *c = w->crowd;
	size_t size = c->ledger.element_size;
	unsigned char buffer[3 * 128];
	size_t count = call == MANY ? 3 : 1;
	size_t sent = 0;
	int status;

	if (count > w->quota - w->sequence)
		count = w->quota - w->sequence;
	for (size_t i = 0; i < count; i++)
		stress_make(buffer + i * size, size, w->producer,
			w->sequence + (uint32_t)i);
	stress_doing(names[call], w->sequence);
	struct before before = look(c, end);
	switch (call) {
	case WAIT:
		status = weir_send(tx, buffer);
		break;
	case TRY:
		status = weir_try_send(tx, buffer);
		break;
	case FOR:
		status = weir_send_for(
			tx, buffer, (int64_t)stress_below(&w->random, 30000));
		break;
	default:
		status = weir_send_many(tx, buffer, count, &sent);
		break;
	}
	if (call != MANY)
		sent = status == WEIR_OK ? 1 : 0;
	stress_check(sent <= count, "%s: %zu of %zu", names[call], sent, count);
	check_send(c, end, before, names[call], status);
	stress_check(sent == 0 || (!before.ended && !before.broken),
		"%s got %zu in after the end or break", names[call], sent);
	for (size_t i = 0; i < sent; i++)
		stress_ledger_accept(
			&c->ledger, w->producer, w->sequence + (uint32_t)i);
	/* What is refused is not tried again: the ledger sees if it got in. */
	w->sequence += (uint32_t)(call == MANY ? count : 1);
	if (sent > 0)
		stress_progress();
	return status;
}

static int recv_one(struct worker *w, weir_receiver *rx, const struct end *end,
	enum call call)
{
	static const char *const names[] = {"weir_recv", "weir_try_recv",
		"weir_recv_for", "weir_recv_many"};
	struct crowd *c = w->crowd;
	size_t size = c->ledger.element_size;
	unsigned char buffer[3 * 128];
	size_t received = 0;
	int status;

	stress_doing(names[call], 0);
	struct before before = look(c, end);
	switch (call) {
	case WAIT:
		status = weir_recv(rx, buffer);
		break;
	case TRY:
		status = weir_try_recv(rx, buffer);
		break;
	case FOR:
		status = weir_recv_for(
			rx, buffer, (int64_t)stress_below(&w->random, 30000));
		break;
	default:
		status = weir_recv_many(rx, buffer, 3, &received);
		break;
	}
	if (call != MANY)
		received = status == WEIR_OK ? 1 : 0;
	check_recv(c, end, before, names[call], status);
	for (size_t i = 0; i < received; i++)
		stress_ledger_receive(&c->ledger, buffer + i * size, w->next);
	if (received > 0)
		stress_progress();
	return status;
}

static enum call random_call(struct worker *w)
{
	return (enum call)stress_below(&w->random, 4);
}

static bool is_over(int status)
{
	return status == WEIR_CLOSED_RESOURCE ||
	       status == WEIR_BROKEN_RESOURCE || status == WEIR_END_OF_CHANNEL;
}

static void run_sender(void *argument)
{
	struct worker *w = argument;

	while (w->sequence < w->quota) {
		int status = send_one(w, w->end->tx, w->end, random_call(w));

		if (is_over(status))
			break;
		if (status != WEIR_OK)
			sched_yield();
	}
	/* Once more: neither goes away. */
	if (w->sequence < w->quota)
		send_one(w, w->end->tx, w->end, TRY);
}

static void run_receiver(void *argument)
{
	struct worker *w = argument;
	int status;

	do {
		status = recv_one(w, w->end->rx, w->end, random_call(w));
		if (status != WEIR_OK)
			sched_yield();
	} while (!is_over(status));
	recv_one(w, w->end->rx, w->end, TRY);
}

/* -- Cloning -------------------------------------------------------------- */

/* Only calls that come back by themselves: the clone is what may keep the
 * channel from ending. */
static enum call short_call(struct worker *w)
{
	return stress_one_in(&w->random, 2) ? TRY : FOR;
}

static bool clone_sender(struct worker *w, struct end *end)
{
	struct crowd *c = w->crowd;
	weir_sender *clone = NULL;
	bool closed = atomic_load(&end->closed);

	stress_doing("weir_sender_clone", 0);
	int status = weir_sender_clone(end->tx, &clone);
	if (status == WEIR_CLOSED_RESOURCE) {
		check_closed(end, "weir_sender_clone");
		return false;
	}
	stress_check(status == WEIR_OK && !closed,
		"weir_sender_clone returned %s", weir_status_name(status));
	atomic_fetch_add(&c->open_senders, 1);
	if (w->sequence < w->quota)
		send_one(w, clone, NULL, short_call(w));
	atomic_fetch_sub(&c->open_senders, 1);
	stress_doing("weir_sender_free", 0);
	weir_sender_free(clone);
	return true;
}

static bool clone_receiver(struct worker *w, struct end *end)
{
	struct crowd *c = w->crowd;
	weir_receiver *clone = NULL;
	bool closed = atomic_load(&end->closed);

	stress_doing("weir_receiver_clone", 0);
	int status = weir_receiver_clone(end->rx, &clone);
	if (status == WEIR_CLOSED_RESOURCE) {
		check_closed(end, "weir_receiver_clone");
		return false;
	}
	stress_check(status == WEIR_OK && !closed,
		"weir_receiver_clone returned %s", weir_status_name(status));
	atomic_fetch_add(&c->open_receivers, 1);
	recv_one(w, clone, NULL, short_call(w));
	atomic_fetch_sub(&c->open_receivers, 1);
	stress_doing("weir_receiver_free", 0);
	weir_receiver_free(clone);
	return true;
}

static void run_cloner(void *argument)
{
	struct worker *w = argument;
	struct crowd *c = w->crowd;

	for (unsigned in_vain = 0; in_vain < 4 && w->sequence < w->quota;) {
		bool cloned;

		if (stress_one_in(&w->random, 2))
			cloned = clone_sender(
				w, &c->senders[stress_below(
					   &w->random, c->n_senders)]);
		else
			cloned = clone_receiver(
				w, &c->receivers[stress_below(
					   &w->random, c->n_receivers)]);
		in_vain += !cloned;
		/* Receiving alone must not go on for ever. */
		w->sequence += stress_one_in(&w->random, 4);
	}
}

/* -- Closing -------------------------------------------------------------- */

static void close_end(struct crowd *c, struct end *end)
{
	if (end->one_closer)
		end->note = 1;
	if (!atomic_exchange(&end->closing, true))
		atomic_fetch_sub(
			end->tx != NULL ? &c->open_senders : &c->open_receivers,
			1);
	stress_doing(
		end->tx != NULL ? "weir_sender_close" : "weir_receiver_close",
		0);
	if (end->tx != NULL) {
		weir_sender_close(end->tx);
		stress_check(weir_sender_is_closed(end->tx),
			"a sender is open after its close");
	} else {
		weir_receiver_close(end->rx);
		stress_check(weir_receiver_is_closed(end->rx),
			"a receiver is open after its close");
	}
	atomic_store(&end->closed, true);
	stress_progress();
}

static void run_closer(void *argument)
{
	struct worker *w = argument;

	for (unsigned i = 0; i < w->n_targets; i++) {
		delay(&w->random);
		close_end(w->crowd, w->targets[i]);
	}
	if (w->to_shut != NULL) {
		delay(&w->random);
		atomic_store(&w->crowd->shut, true);
		stress_doing("weir_receiver_shut", 0);
		weir_receiver_shut(w->to_shut->rx);
		stress_progress();
	}
}

static void drop_element(void *element, void *context)
{
	struct crowd *c = context;
	weir_statistics s;

	stress_ledger_drop(element, &c->ledger);
	if (!c->drop_calls_channel)
		return;
	weir_sender_statistics(c->senders[0].tx, &s);
	int status = weir_try_send(c->senders[0].tx, element);
	stress_check(status == WEIR_BROKEN_RESOURCE ||
			     status == WEIR_CLOSED_RESOURCE,
		"weir_try_send from drop returned %s",
		weir_status_name(status));
}

/* -- A crowd -------------------------------------------------------------- */

static void open_crowd(
	struct crowd *c, weir_options *options, struct stress_random *random)
{
	weir_sender *tx;
	weir_receiver *rx;
	int status = weir_open_with(options, &tx, &rx);

	stress_check(status == WEIR_OK, "weir_open_with: %s",
		weir_status_name(status));
	c->n_senders = 1 + (unsigned)stress_below(random, MAX_ENDS);
	c->n_receivers = 1 + (unsigned)stress_below(random, MAX_ENDS);
	c->senders[0].tx = tx;
	c->receivers[0].rx = rx;
	for (unsigned i = 1; i < c->n_senders; i++) {
		status = weir_sender_clone(tx, &c->senders[i].tx);
		stress_check(status == WEIR_OK, "weir_sender_clone: %s",
			weir_status_name(status));
	}
	for (unsigned i = 1; i < c->n_receivers; i++) {
		status = weir_receiver_clone(rx, &c->receivers[i].rx);
		stress_check(status == WEIR_OK, "weir_receiver_clone: %s",
			weir_status_name(status));
	}
	atomic_store(&c->open_senders, c->n_senders);
	atomic_store(&c->open_receivers, c->n_receivers);
}

static void add_targets(struct worker *closers, unsigned n_closers,
	struct end *ends, unsigned count, struct stress_random *random)
{
	for (unsigned i = 0; i < count; i++) {
		struct worker *w = &closers[stress_below(random, n_closers)];
		bool twice = stress_one_in(random, 4);

		ends[i].one_closer = !twice;
		w->targets[w->n_targets++] = &ends[i];
		if (twice) {
			w = &closers[stress_below(random, n_closers)];
			w->targets[w->n_targets++] = &ends[i];
		}
	}
}

/* Whatever the plan, every waiter is told something in the end. */
static const char *plan(struct crowd *c, struct worker *closers,
	unsigned n_closers, struct stress_random *random)
{
	switch (stress_below(random, 4)) {
	case 0:
		add_targets(
			closers, n_closers, c->senders, c->n_senders, random);
		/* Some of the receivers as well, never all. */
		add_targets(closers, n_closers, c->receivers,
			(unsigned)stress_below(random, c->n_receivers), random);
		return "close senders";
	case 1:
		add_targets(closers, n_closers, c->receivers, c->n_receivers,
			random);
		add_targets(closers, n_closers, c->senders,
			(unsigned)stress_below(random, c->n_senders), random);
		return "close receivers";
	case 2:
		/* shut does nothing on a closed receiver: spare the last. */
		closers[0].to_shut = &c->receivers[c->n_receivers - 1];
		add_targets(closers, n_closers, c->receivers,
			(unsigned)stress_below(random, c->n_receivers), random);
		add_targets(closers, n_closers, c->senders,
			(unsigned)stress_below(random, c->n_senders), random);
		return "shut";
	default:
		add_targets(
			closers, n_closers, c->senders, c->n_senders, random);
		add_targets(closers, n_closers, c->receivers, c->n_receivers,
			random);
		return "close all";
	}
}

static void end_crowd(struct crowd *c)
{
	struct stress_totals totals;
	weir_statistics from_tx;
	weir_statistics from_rx;

	/* What the plan left open. */
	for (unsigned i = 0; i < c->n_receivers; i++)
		weir_receiver_close(c->receivers[i].rx);
	for (unsigned i = 0; i < c->n_senders; i++)
		weir_sender_close(c->senders[i].tx);
	stress_ledger_settle(&c->ledger, true, &totals);
	weir_sender_statistics(c->senders[0].tx, &from_tx);
	weir_receiver_statistics(c->receivers[0].rx, &from_rx);
	stress_agree(&from_tx, from_rx.max_buffer_size, &totals);
	stress_agree(&from_rx, from_tx.max_buffer_size, &totals);
	atomic_fetch_add(&elements, totals.accepted);
	stress_show(NULL);
	for (unsigned i = 0; i < c->n_senders; i++)
		weir_sender_free(c->senders[i].tx);
	for (unsigned i = 0; i < c->n_receivers; i++)
		weir_receiver_free(c->receivers[i].rx);
}

static struct worker *add_worker(struct worker *workers, unsigned *count,
	struct crowd *c, struct stress_random *random)
{
	struct worker *w = &workers[(*count)++];

	memset(w, 0, sizeof(*w));
	w->crowd = c;
	w->quota = c->ledger.per_producer;
	stress_seed(&w->random, stress_draw(random));
	return w;
}

static void crowd_round(struct stress_random *random)
{
	static const size_t capacities[] = {0, 1, 2, 7, 64, WEIR_UNBOUNDED};
	static const size_t sizes[] = {8, 24, 100, 1, 0};
	static struct worker workers[MAX_WORKERS];
	struct stress_crew crew = {.count = 0};
	struct stress_memory memory;
	struct crowd crowd;
	weir_options options = WEIR_OPTIONS_INIT;
	unsigned n_senders = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned n_receivers =
		1 + (unsigned)stress_below(random, stress.threads);
	unsigned n_cloners = (unsigned)stress_below(random, 3);
	unsigned n_closers = 1 + (unsigned)stress_below(random, 3);
	unsigned count = 0;

	memset(&crowd, 0, sizeof(crowd));
	crowd.drop_calls_channel = stress_one_in(random, 2);
	stress_memory_use(&memory, &options);
	options.capacity = capacities[stress_below(random, 6)];
	options.element_size = sizes[stress_below(random, 5)];
	options.drop = drop_element;
	options.drop_context = &crowd;
	stress_ledger_open(&crowd.ledger, options.element_size,
		n_senders + n_cloners, 1u << stress_below(random, 12));
	open_crowd(&crowd, &options, random);
	stress_show(crowd.senders[0].tx);
	struct worker *closers = workers;
	while (count < n_closers)
		add_worker(workers, &count, &crowd, random);
	const char *name = plan(&crowd, closers, n_closers, random);
	stress_describe("crowd, %s, capacity %zd, size %zu, %u+%u endpoints, "
			"%u+%u threads, %u cloners, %u closers",
		name, (ptrdiff_t)options.capacity, options.element_size,
		crowd.n_senders, crowd.n_receivers, n_senders, n_receivers,
		n_cloners, n_closers);
	for (unsigned i = 0; i < n_senders; i++) {
		struct worker *w = add_worker(workers, &count, &crowd, random);
		w->producer = i;
		w->end = &crowd.senders[stress_below(random, crowd.n_senders)];
		stress_crew_add(&crew, "sender", run_sender, w);
	}
	for (unsigned i = 0; i < n_receivers; i++) {
		struct worker *w = add_worker(workers, &count, &crowd, random);
		w->end = &crowd.receivers[stress_below(
			random, crowd.n_receivers)];
		stress_crew_add(&crew, "receiver", run_receiver, w);
	}
	for (unsigned i = 0; i < n_cloners; i++) {
		struct worker *w = add_worker(workers, &count, &crowd, random);
		w->producer = n_senders + i;
		stress_crew_add(&crew, "cloner", run_cloner, w);
	}
	for (unsigned i = 0; i < n_closers; i++)
		stress_crew_add(&crew, "closer", run_closer, &closers[i]);
	stress_crew_join(&crew);
	end_crowd(&crowd);
	stress_memory_end(&memory);
}

int main(int argc, char **argv)
{
	struct stress_random random;
	uint64_t duels = 0;

	stress_start(argc, argv, false);
	while (stress_next_round(&random)) {
		if (stress_one_in(&random, 3))
			duels += stress_duel_round(&random);
		else
			crowd_round(&random);
	}
	stress_finish("%" PRIu64 " elements, %" PRIu64 " duels",
		atomic_load(&elements), duels);
	return 0;
}
