/* SPDX-License-Identifier: MIT */
/* duel.c - two threads, one channel, one close.
 *
 * The left thread sends, the right one receives.  They meet at a barrier of
 * their own for each channel, so that the close falls into the other's call as
 * often as it can, a few thousand times a second.
 */
#include "duel.h"

#include <sched.h>
#include <string.h>

#define DUELS 100

enum duel_kind {
	LAST_SENDER,   /* send some, free; against recv to the end */
	LAST_RECEIVER, /* recv some, free; against send until it breaks */
	CANCEL_RECV,   /* close the receiver that the other waits through */
	CANCEL_SEND,   /* close the sender that the other waits through */
	SHUT,          /* shut, drain; against send until it breaks */
	N_DUEL_KINDS
};

struct duel {
	enum duel_kind kind;
	uint64_t some;
	uint64_t pause;
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t accepted;
	uint64_t received;
	_Atomic uint64_t dropped;
};

struct duels {
	struct duel duels[DUELS];
	/* How many duels each side has come to. */
	_Atomic unsigned arrived[2];
};

static void count_drop(void *element, void *context)
{
	struct duel *d = context;

	(void)element;
	atomic_fetch_add(&d->dropped, 1);
}

/* Meet the other thread, as near to the same instant as it goes. */
static void meet(struct duels *all, unsigned side, unsigned number)
{
	stress_doing("waiting for the other duellist", number);
	atomic_store(&all->arrived[side], number + 1);
	for (unsigned n = 0; atomic_load(&all->arrived[!side]) <= number; n++)
		if (n > 100)
			sched_yield();
}

static void pause_for(uint64_t n)
{
	for (volatile uint64_t i = 0; i < n; i++)
		;
}

/* Send up to `limit` elements; returns the status that ended it. */
static int duel_send(struct duel *d, uint64_t limit)
{
	int status = WEIR_OK;

	stress_doing("weir_send", limit);
	for (uint64_t i = 0; i < limit && status == WEIR_OK; i++) {
		uint64_t element = d->accepted;
		status = weir_send(d->tx, &element);
		d->accepted += status == WEIR_OK;
	}
	return status;
}

static int duel_recv(struct duel *d, uint64_t limit)
{
	int status = WEIR_OK;

	stress_doing("weir_recv", limit);
	for (uint64_t i = 0; i < limit && status == WEIR_OK; i++) {
		uint64_t element = UINT64_MAX;
		status = weir_recv(d->rx, &element);
		if (status != WEIR_OK)
			break;
		stress_check(element == d->received,
			"element %" PRIu64 " came instead of %" PRIu64, element,
			d->received);
		d->received++;
	}
	return status;
}

static void expect(const char *what, int status, int expected)
{
	stress_check(status == expected, "%s ended with %s", what,
		weir_status_name(status));
}

/* May this thread free its endpoint, or does the other one use it too? */
static bool frees_sender(const struct duel *d)
{
	return d->kind != CANCEL_SEND;
}

static bool frees_receiver(const struct duel *d)
{
	return d->kind != CANCEL_RECV;
}

static void left_side(struct duel *d)
{
	switch (d->kind) {
	case LAST_SENDER:
		expect("send", duel_send(d, d->some), WEIR_OK);
		break;
	case CANCEL_RECV:
		expect("send", duel_send(d, d->some), WEIR_OK);
		pause_for(d->pause);
		weir_receiver_close(d->rx);
		break;
	case CANCEL_SEND:
		expect("send", duel_send(d, UINT64_MAX), WEIR_CLOSED_RESOURCE);
		break;
	default:
		expect("send", duel_send(d, UINT64_MAX), WEIR_BROKEN_RESOURCE);
		break;
	}
	if (frees_sender(d))
		weir_sender_free(d->tx);
}

static void right_side(struct duel *d)
{
	switch (d->kind) {
	case LAST_SENDER:
		expect("recv", duel_recv(d, UINT64_MAX), WEIR_END_OF_CHANNEL);
		break;
	case LAST_RECEIVER:
		expect("recv", duel_recv(d, d->some), WEIR_OK);
		pause_for(d->pause);
		break;
	case CANCEL_RECV:
		expect("recv", duel_recv(d, UINT64_MAX), WEIR_CLOSED_RESOURCE);
		break;
	case CANCEL_SEND:
		expect("recv", duel_recv(d, d->some), WEIR_OK);
		pause_for(d->pause);
		weir_sender_close(d->tx);
		expect("recv", duel_recv(d, UINT64_MAX), WEIR_END_OF_CHANNEL);
		break;
	default:
		expect("recv", duel_recv(d, d->some), WEIR_OK);
		pause_for(d->pause);
		weir_receiver_shut(d->rx);
		expect("recv", duel_recv(d, UINT64_MAX), WEIR_END_OF_CHANNEL);
		break;
	}
	if (frees_receiver(d))
		weir_receiver_free(d->rx);
}

static void run_left(void *argument)
{
	struct duels *all = argument;

	for (unsigned i = 0; i < DUELS; i++) {
		meet(all, 0, i);
		left_side(&all->duels[i]);
		stress_progress();
	}
}

static void run_right(void *argument)
{
	struct duels *all = argument;

	for (unsigned i = 0; i < DUELS; i++) {
		meet(all, 1, i);
		right_side(&all->duels[i]);
		stress_progress();
	}
}

uint64_t stress_duel_round(struct stress_random *random)
{
	static const size_t capacities[] = {0, 1, 2, 64, WEIR_UNBOUNDED};
	static struct duels all;
	struct stress_crew crew = {.count = 0};
	struct stress_memory memory;
	weir_options options = WEIR_OPTIONS_INIT;
	enum duel_kind kind =
		(enum duel_kind)stress_below(random, N_DUEL_KINDS);

	options.capacity = capacities[stress_below(random, 5)];
	options.element_size = 8;
	options.drop = count_drop;
	stress_memory_use(&memory, &options);
	stress_describe("duels, kind %u, capacity %zd", kind,
		(ptrdiff_t)options.capacity);
	memset(&all, 0, sizeof(all));
	for (unsigned i = 0; i < DUELS; i++) {
		struct duel *d = &all.duels[i];

		d->kind = kind;
		d->some = stress_below(random, 4);
		d->pause = stress_below(random, 2000);
		options.drop_context = d;
		int status = weir_open_with(&options, &d->tx, &d->rx);
		stress_check(status == WEIR_OK, "weir_open_with: %s",
			weir_status_name(status));
	}
	stress_crew_add(&crew, "left", run_left, &all);
	stress_crew_add(&crew, "right", run_right, &all);
	stress_crew_join(&crew);
	for (unsigned i = 0; i < DUELS; i++) {
		struct duel *d = &all.duels[i];

		if (!frees_sender(d))
			weir_sender_free(d->tx);
		if (!frees_receiver(d))
			weir_receiver_free(d->rx);
		stress_check(d->accepted == d->received + d->dropped,
			"%" PRIu64 " accepted, but %" PRIu64
			" received and %" PRIu64 " dropped",
			d->accepted, d->received, d->dropped);
		stress_check(kind != LAST_SENDER || d->dropped == 0,
			"%" PRIu64 " dropped by the last sender's close",
			d->dropped);
	}
	stress_memory_end(&memory);
	return DUELS;
}
