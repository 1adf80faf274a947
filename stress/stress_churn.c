/* SPDX-License-Identifier: MIT */
/* stress_churn.c - channels and endpoints that come and go at a high rate.
 *
 * First bursts through an unbounded channel, for the memory (burst.c), of a
 * size that fits the time.  Then, until the time is over, threads that open
 * small channels, clone their endpoints, send, receive and free all in a random
 * order, and at the same time clone and free endpoints of one channel that they
 * share.  With -b only the bursts, of 10 million elements, whatever the time.
 */
#include "burst.h"
#include "stress.h"

#include <string.h>

#define CHANNELS_A_ROUND 100
#define MAX_CLONES 6

struct shared {
	weir_sender *tx;
	weir_receiver *rx;
	struct stress_memory memory;
};

struct worker {
	struct shared *shared;
	struct stress_random random;
};

/* One short-lived channel, used by one thread. */
struct channel {
	weir_sender *senders[MAX_CLONES];
	weir_receiver *receivers[MAX_CLONES];
	unsigned n_senders;
	unsigned n_receivers;
	uint64_t accepted;
	uint64_t received;
	uint64_t dropped;
};

static _Atomic uint64_t channels;
static _Atomic uint64_t clones;

static void check_ok(const char *what, int status)
{
	stress_check(
		status == WEIR_OK, "%s: %s", what, weir_status_name(status));
}

/* -- A channel of one's own ----------------------------------------------- */

/* Elements are numbers that count up, so drop can check them as well: what is
 * dropped is what would have been received next. */
static void drop_number(void *element, void *context)
{
	struct channel *c = context;
	uint64_t number;

	memcpy(&number, element, sizeof(number));
	stress_check(number == c->received + c->dropped,
		"%" PRIu64 " was dropped instead of %" PRIu64, number,
		c->received + c->dropped);
	c->dropped++;
}

static void open_channel(
	struct channel *c, struct worker *w, struct stress_memory *memory)
{
	static const size_t capacities[] = {
		0, 1, 3, 64, WEIR_UNBOUNDED, WEIR_UNBOUNDED};
	weir_options options = WEIR_OPTIONS_INIT;

	memset(c, 0, sizeof(*c));
	stress_memory_use(memory, &options);
	options.capacity = capacities[stress_below(&w->random, 6)];
	options.element_size = sizeof(uint64_t);
	options.drop = drop_number;
	options.drop_context = c;
	options.name = "churn";
	stress_doing("weir_open_with", options.capacity);
	check_ok("weir_open_with",
		weir_open_with(&options, &c->senders[0], &c->receivers[0]));
	c->n_senders = 1;
	c->n_receivers = 1;
}

static void clone_some(struct channel *c, struct worker *w)
{
	stress_doing("cloning", 0);
	while (c->n_senders < MAX_CLONES && !stress_one_in(&w->random, 3)) {
		unsigned from =
			(unsigned)stress_below(&w->random, c->n_senders);

		check_ok("weir_sender_clone",
			weir_sender_clone(
				c->senders[from], &c->senders[c->n_senders]));
		c->n_senders++;
	}
	while (c->n_receivers < MAX_CLONES && !stress_one_in(&w->random, 3)) {
		unsigned from =
			(unsigned)stress_below(&w->random, c->n_receivers);

		check_ok("weir_receiver_clone",
			weir_receiver_clone(c->receivers[from],
				&c->receivers[c->n_receivers]));
		c->n_receivers++;
	}
}

/* One thread, so whether a call can be done is known. */
static void use_channel(struct channel *c, struct worker *w)
{
	size_t capacity = weir_sender_capacity(c->senders[0]);
	uint64_t in = stress_below(&w->random, 4);
	uint64_t out;

	if (capacity == WEIR_UNBOUNDED && stress_one_in(&w->random, 8))
		in = stress_below(&w->random, 3000);
	stress_doing("sending", in);
	for (uint64_t i = 0; i < in; i++) {
		weir_sender *tx =
			c->senders[stress_below(&w->random, c->n_senders)];
		int status = weir_try_send(tx, &i);

		if (status == WEIR_WOULD_BLOCK && i >= capacity)
			break;
		check_ok("weir_try_send", status);
		c->accepted++;
	}
	stress_check(weir_receiver_length(c->receivers[0]) == c->accepted,
		"length %zu instead of %" PRIu64,
		weir_receiver_length(c->receivers[0]), c->accepted);
	out = stress_below(&w->random, c->accepted + 1);
	stress_doing("receiving", out);
	for (uint64_t i = 0; i < out; i++) {
		weir_receiver *rx =
			c->receivers[stress_below(&w->random, c->n_receivers)];
		uint64_t number = UINT64_MAX;

		check_ok("weir_try_recv", weir_try_recv(rx, &number));
		stress_check(number == i, "%" PRIu64 " instead of %" PRIu64,
			number, i);
		c->received++;
	}
}

static void free_in_any_order(struct channel *c, struct worker *w)
{
	stress_doing("freeing", 0);
	while (c->n_senders + c->n_receivers > 0) {
		bool sender =
			c->n_receivers == 0 ||
			(c->n_senders > 0 && stress_one_in(&w->random, 2));

		if (sender)
			weir_sender_free(c->senders[--c->n_senders]);
		else
			weir_receiver_free(c->receivers[--c->n_receivers]);
	}
	stress_check(c->accepted == c->received + c->dropped,
		"%" PRIu64 " accepted, but %" PRIu64 " received and %" PRIu64
		" dropped",
		c->accepted, c->received, c->dropped);
}

/* -- The shared one ------------------------------------------------------- */

static void churn_shared(struct worker *w)
{
	weir_sender *tx = NULL;
	weir_receiver *rx = NULL;
	uint64_t element = 1;

	stress_doing("the shared channel", 0);
	check_ok("weir_sender_clone", weir_sender_clone(w->shared->tx, &tx));
	check_ok(
		"weir_receiver_clone", weir_receiver_clone(w->shared->rx, &rx));
	check_ok("weir_send", weir_send(tx, &element));
	weir_sender_free(tx);
	/* Each has sent one before it takes one: this comes back. */
	check_ok("weir_recv", weir_recv(rx, &element));
	weir_receiver_free(rx);
}

static void run_worker(void *argument)
{
	struct worker *w = argument;

	for (unsigned i = 0; i < CHANNELS_A_ROUND; i++) {
		struct channel channel;
		struct stress_memory memory;

		open_channel(&channel, w, &memory);
		clone_some(&channel, w);
		use_channel(&channel, w);
		atomic_fetch_add(
			&clones, channel.n_senders + channel.n_receivers - 2);
		free_in_any_order(&channel, w);
		stress_memory_end(&memory);
		churn_shared(w);
		stress_progress();
	}
	atomic_fetch_add(&channels, CHANNELS_A_ROUND);
}

static void one_round(struct stress_random *random)
{
	struct shared shared;
	struct worker workers[STRESS_MAX_SIDE];
	struct stress_crew crew = {.count = 0};
	struct stress_totals totals;
	weir_options options = WEIR_OPTIONS_INIT;
	weir_statistics statistics;

	stress_describe("churn");
	stress_memory_use(&shared.memory, &options);
	options.capacity =
		stress_one_in(random, 2) ? WEIR_UNBOUNDED : stress.threads;
	options.element_size = sizeof(uint64_t);
	check_ok("weir_open_with",
		weir_open_with(&options, &shared.tx, &shared.rx));
	stress_show(shared.tx);
	for (unsigned i = 0; i < stress.threads; i++) {
		workers[i].shared = &shared;
		stress_seed(&workers[i].random, stress_draw(random));
		stress_crew_add(&crew, "worker", run_worker, &workers[i]);
	}
	stress_crew_join(&crew);
	weir_sender_statistics(shared.tx, &statistics);
	stress_check(
		statistics.open_senders == 1 && statistics.open_receivers == 1,
		"%zu senders and %zu receivers are left of the clones",
		statistics.open_senders, statistics.open_receivers);
	totals.accepted = (uint64_t)stress.threads * CHANNELS_A_ROUND;
	totals.received = totals.accepted;
	totals.dropped = 0;
	weir_sender_close(shared.tx);
	weir_receiver_close(shared.rx);
	weir_receiver_statistics(shared.rx, &statistics);
	stress_agree(&statistics, options.capacity, &totals);
	stress_show(NULL);
	weir_receiver_free(shared.rx);
	weir_sender_free(shared.tx);
	stress_memory_end(&shared.memory);
}

int main(int argc, char **argv)
{
	struct stress_random random;

	stress_start(argc, argv, true);
	stress_burst();
	if (stress.bursts) {
		stress_finish("only bursts");
		return 0;
	}
	while (stress_next_round(&random))
		one_round(&random);
	stress_finish("%" PRIu64 " channels, %" PRIu64 " clones",
		atomic_load(&channels), atomic_load(&clones));
	return 0;
}
