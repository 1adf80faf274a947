/* SPDX-License-Identifier: MIT */
/* stress_fd.c - readiness: descriptors under epoll, and selectors.
 *
 * Producers and consumers wait for ever, some in calls, some in epoll for the
 * descriptors of their endpoints, some in a selector, and then use try_ calls.  A
 * readiness that is not told hangs the round, and the watchdog says so.  When a
 * round is quiet the level of each descriptor is the truth.
 */
#include "stress.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_CHANNELS 6

struct channel {
	weir_sender *tx;
	weir_receiver *rx;
	size_t capacity;
	_Atomic bool ended; /* a consumer has seen the end */
};

struct round {
	struct channel channels[MAX_CHANNELS];
	unsigned count;
	unsigned quota; /* elements of each producer */
	weir_selector *selector;
	_Atomic uint64_t sent, sent_sum, received, received_sum;
};

struct worker {
	struct round *round;
	struct stress_random random;
	unsigned number;
};

static _Atomic uint64_t elements, waits;

static void book(struct round *round, uint64_t element)
{
	round->received++;
	round->received_sum += element;
	elements++;
	stress_progress();
}

static void wait_writable(weir_sender *tx)
{
	struct pollfd look = {.fd = weir_sender_fd(tx), .events = POLLIN};

	stress_doing("poll for room", 0);
	while (poll(&look, 1, -1) != 1)
		; /* a signal */
	waits++;
}

static void produce(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;
	bool polls = stress_one_in(&w->random, 2);

	for (unsigned i = 1; i <= round->quota; i++) {
		struct channel *channel = &round->channels[stress_below(
			&w->random, round->count)];
		uint64_t element = (uint64_t)w->number << 32 | i;
		int status;

		stress_doing("send", i);
		/* Capacity 0: there is room only while somebody waits in recv. */
		if (!polls || channel->capacity == 0) {
			status = weir_send(channel->tx, &element);
		} else {
			while ((status = weir_try_send(channel->tx,
					&element)) == WEIR_WOULD_BLOCK)
				wait_writable(channel->tx);
		}
		stress_check(status == WEIR_OK, "a send came to %s",
			weir_status_name(status));
		round->sent++;
		round->sent_sum += element;
		stress_progress();
	}
}

/* True when this has seen the end. */
static bool take_all(struct round *round, weir_receiver *rx)
{
	uint64_t element;
	int status;

	while ((status = weir_try_recv(rx, &element)) == WEIR_OK)
		book(round, element);
	return status == WEIR_END_OF_CHANNEL;
}

static void consume_by_epoll(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;
	int set = epoll_create1(EPOLL_CLOEXEC);
	unsigned open = round->count;

	for (unsigned c = 0; c < round->count; c++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = c};

		stress_check(epoll_ctl(set, EPOLL_CTL_ADD,
				     weir_receiver_fd(round->channels[c].rx),
				     &event) == 0,
			"epoll_ctl failed");
	}
	while (open > 0) {
		struct epoll_event event;

		stress_doing("epoll_wait", open);
		if (epoll_wait(set, &event, 1, -1) != 1)
			continue; /* a signal */
		waits++;
		if (take_all(round, round->channels[event.data.u32].rx)) {
			epoll_ctl(set, EPOLL_CTL_DEL,
				weir_receiver_fd(
					round->channels[event.data.u32].rx),
				NULL);
			open--;
		}
	}
	close(set);
}

/* Several of these share one selector. */
static void consume_by_selector(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;

	for (;;) {
		weir_event events[3];
		unsigned open = 0;
		size_t found;

		for (unsigned c = 0; c < round->count; c++)
			open += !round->channels[c].ended;
		if (open == 0)
			return;
		stress_doing("weir_selector_wait", open);
		stress_check(weir_selector_wait(round->selector, events, 3,
				     &found) == WEIR_OK &&
				     found > 0,
			"a wait failed");
		waits++;
		for (size_t i = 0; i < found; i++) {
			struct channel *channel = events[i].user;

			if (take_all(round, events[i].operation.rx))
				channel->ended = true;
		}
	}
}

static void consume_by_call(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;
	struct channel *channel =
		&round->channels[stress_below(&w->random, round->count)];
	uint64_t element;

	stress_doing("weir_recv", 0);
	while (weir_recv(channel->rx, &element) == WEIR_OK)
		book(round, element);
}

static void open_channels(struct round *round, struct stress_random *random)
{
	static const size_t capacities[] = {0, 1, 2, 3, 64, WEIR_UNBOUNDED};

	stress_check(
		weir_selector_open(&round->selector) == WEIR_OK, "open failed");
	round->count = 1 + (unsigned)stress_below(random, MAX_CHANNELS);
	for (unsigned c = 0; c < round->count; c++) {
		struct channel *channel = &round->channels[c];

		channel->capacity = capacities[stress_below(random, 6)];
		stress_check(weir_open(channel->capacity, sizeof(uint64_t),
				     &channel->tx, &channel->rx) == WEIR_OK,
			"open failed");
		weir_case receiving = WEIR_RECV_CASE(channel->rx, NULL);
		stress_check(weir_selector_add(round->selector, &receiving,
				     channel) == WEIR_OK,
			"add failed");
	}
}

static bool is_readable(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};
	int ready;

	while ((ready = poll(&look, 1, 0)) < 0)
		; /* a signal */
	return ready == 1;
}

/* All threads are gone. */
static void check_levels(struct round *round)
{
	for (unsigned c = 0; c < round->count; c++) {
		struct channel *channel = &round->channels[c];
		weir_case receiving = WEIR_RECV_CASE(channel->rx, NULL);
		weir_case sending = WEIR_SEND_CASE(channel->tx, NULL);
		bool can_receive, can_send;
		size_t index;

		can_receive = weir_try_ready(&receiving, 1, 0, &index) == 0;
		can_send = weir_try_ready(&sending, 1, 0, &index) == 0;
		stress_check(is_readable(weir_receiver_fd(channel->rx)) ==
				     can_receive,
			"capacity %zu: receiver's level is wrong",
			channel->capacity);
		stress_check(
			is_readable(weir_sender_fd(channel->tx)) == can_send,
			"capacity %zu: sender's level is wrong",
			channel->capacity);
	}
}

static void one_round(struct stress_random *random)
{
	void (*const consumers[])(void *) = {
		consume_by_epoll, consume_by_selector, consume_by_call};
	unsigned producers = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned others = (unsigned)stress_below(random, stress.threads);
	struct stress_crew sending = {.count = 0}, receiving = {.count = 0};
	struct round round = {.quota = 300};
	struct worker *workers =
		calloc(producers + others + 1, sizeof *workers);

	stress_check(workers != NULL, "no memory");
	open_channels(&round, random);
	stress_describe("%u channels, %u producers, %u consumers", round.count,
		producers, others + 1);
	for (unsigned i = 0; i < producers + others + 1; i++) {
		workers[i].round = &round;
		workers[i].number = i;
		stress_seed(&workers[i].random, stress_draw(random));
	}
	for (unsigned i = 0; i < producers; i++)
		stress_crew_add(&sending, "producer", produce, &workers[i]);
	/* One at least that listens to all channels. */
	stress_crew_add(&receiving, "consumer",
		consumers[stress_below(random, 2)], &workers[producers]);
	for (unsigned i = 0; i < others; i++)
		stress_crew_add(&receiving, "consumer",
			consumers[stress_below(random, 3)],
			&workers[producers + 1 + i]);
	stress_crew_join(&sending);
	for (unsigned c = 0; c < round.count; c++)
		weir_sender_close(round.channels[c].tx);
	stress_crew_join(&receiving);
	stress_check(round.sent == round.received &&
			     round.sent_sum == round.received_sum,
		"%" PRIu64 " were sent, %" PRIu64 " received",
		(uint64_t)round.sent, (uint64_t)round.received);
	for (unsigned c = 0; c < round.count; c++) {
		weir_sender_free(round.channels[c].tx);
		weir_receiver_free(round.channels[c].rx);
	}
	weir_selector_free(round.selector);
	free(workers);
}

/* A storm of traffic that stops at a random point, with nothing closed. */
static int64_t until;

static void run_for_a_while(void *argument)
{
	struct worker *w = argument;
	struct round *round = w->round;
	uint64_t element = 0;

	while (weir_now() < until) {
		struct channel *channel = &round->channels[stress_below(
			&w->random, round->count)];
		int64_t span = (int64_t)stress_below(&w->random, 20000);
		bool moved;

		switch (stress_below(&w->random, 4)) {
		case 0:
			moved = weir_try_send(channel->tx, &element) == 0;
			break;
		case 1:
			moved = weir_try_recv(channel->rx, &element) == 0;
			break;
		case 2:
			moved = weir_send_for(channel->tx, &element, span) == 0;
			break;
		default:
			moved = weir_recv_for(channel->rx, &element, span) == 0;
		}
		elements += moved;
		stress_progress();
	}
}

static void quiet_round(struct stress_random *random)
{
	struct round round = {.quota = 0};
	struct stress_crew crew = {.count = 0};
	struct worker workers[4];

	open_channels(&round, random);
	stress_describe("a storm on %u channels, then silence", round.count);
	check_levels(&round); /* and make the descriptors */
	until = weir_now() + 5000000;
	for (unsigned i = 0; i < 4; i++) {
		workers[i].round = &round;
		stress_seed(&workers[i].random, stress_draw(random));
		stress_crew_add(&crew, "trader", run_for_a_while, &workers[i]);
	}
	stress_crew_join(&crew);
	check_levels(&round);
	for (unsigned c = 0; c < round.count; c++) {
		weir_sender_free(round.channels[c].tx);
		weir_receiver_free(round.channels[c].rx);
	}
	weir_selector_free(round.selector);
}

int main(int argc, char **argv)
{
	struct stress_random random;

	stress_start(argc, argv, false);
	while (stress_next_round(&random)) {
		if (stress_one_in(&random, 2))
			one_round(&random);
		else
			quiet_round(&random);
	}
	stress_finish("%" PRIu64 " elements, %" PRIu64 " waits",
		(uint64_t)elements, (uint64_t)waits);
	return 0;
}
