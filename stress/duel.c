/* SPDX-License-Identifier: MIT */
/* duel.c - two threads, one channel, one close.
 *
 * The left thread sends, the right one receives.  They meet at a barrier of
 * their own for each channel, so that the close falls into the other's call as
 * often as it can, a few thousand times a second.  Some elements are large: the
 * longer a copy takes, the more often a close comes in its middle.
 */
#include "duel.h"

#include <sched.h>
#include <string.h>

#define DUELS 100

/* The words of the largest element. */
#define MOST_WORDS 512

/* So far may a sender be ahead of a receiver that is not running. */
#define AHEAD 256

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
	size_t words; /* of an element */
	uint64_t some;
	uint64_t pause;
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t accepted;
	uint64_t received;
	_Atomic uint64_t dropped;
	uint64_t next_drop; /* what is dropped is dropped in order */
};

struct duels {
	struct duel duels[DUELS];
	/* How many duels each side has come to. */
	_Atomic unsigned arrived[2];
};

/* The number of an element, which is in its first word and in its last. */
static uint64_t read_number(const struct duel *d, const uint64_t *element)
{
	stress_check(element[0] == element[d->words - 1],
		"element %" PRIu64 " ends as %" PRIu64, element[0],
		element[d->words - 1]);
	return element[0];
}

static void count_drop(void *element, void *context)
{
	struct duel *d = context;
	uint64_t number = read_number(d, element);

	stress_check(number >= d->next_drop,
		"element %" PRIu64 " was dropped when it was %" PRIu64
		"'s turn",
		number, d->next_drop);
	d->next_drop = number + 1;
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
	uint64_t element[MOST_WORDS] = {0};
	int status = WEIR_OK;

	stress_doing("weir_send", limit);
	for (uint64_t i = 0; i < limit && status == WEIR_OK; i++) {
		element[0] = d->accepted;
		element[d->words - 1] = d->accepted;
		if (i % AHEAD == AHEAD - 1)
			while (weir_sender_length(d->tx) >= AHEAD)
				sched_yield();
		status = weir_send(d->tx, element);
		d->accepted += status == WEIR_OK;
	}
	return status;
}

static int duel_recv(struct duel *d, uint64_t limit)
{
	uint64_t element[MOST_WORDS] = {0};
	int status = WEIR_OK;

	stress_doing("weir_recv", limit);
	for (uint64_t i = 0; i < limit && status == WEIR_OK; i++) {
		element[0] = UINT64_MAX;
		status = weir_recv(d->rx, element);
		if (status != WEIR_OK)
			break;
		stress_check(read_number(d, element) == d->received,
			"element %" PRIu64 " came instead of %" PRIu64,
			element[0], d->received);
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
	static const size_t capacities[] = {0, 1, 2, 20, WEIR_UNBOUNDED};
	static const size_t words[] = {1, 3, 128, MOST_WORDS};
	static struct duels all;
	struct stress_crew crew = {.count = 0};
	struct stress_memory memory;
	weir_options options = WEIR_OPTIONS_INIT;
	enum duel_kind kind =
		(enum duel_kind)stress_below(random, N_DUEL_KINDS);

	size_t n_words = words[stress_below(random, 4)];

	options.capacity = capacities[stress_below(random, 5)];
	options.element_size = n_words * 8;
	options.drop = count_drop;
	stress_memory_use(&memory, &options);
	stress_describe("duels, kind %u, capacity %zd, size %zu", kind,
		(ptrdiff_t)options.capacity, options.element_size);
	memset(&all, 0, sizeof(all));
	for (unsigned i = 0; i < DUELS; i++) {
		struct duel *d = &all.duels[i];

		d->kind = kind;
		d->words = n_words;
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
