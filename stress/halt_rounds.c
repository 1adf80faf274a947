/* SPDX-License-Identifier: MIT */
/* halt_rounds.c - one thread that may be stopped, and others that only try. */
#include "fault.h"
#include "fault_halt.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_WORDS 64
#define MAX_BATCH 4

/* Little may come back from an unbounded channel while a thread is stopped: so
 * long may the queue become. */
#define ENOUGH 2000

struct round {
	size_t words; /* of an element, all of them the same */
	weir_sender *tx;
	weir_receiver *rx;
	bool to_send; /* what the thread to be stopped does */
	_Atomic bool over;
	_Atomic uint64_t sent, sent_sum, received, received_sum;
};

struct worker {
	struct round *round;
	struct stress_random random;
	unsigned number; /* 0: to be stopped */
	weir_sender *tx;
	uint64_t next; /* element to send */
	uint64_t seen[HALT_OTHERS + 1];
	uint64_t elements[MAX_BATCH * MAX_WORDS];
};

static _Atomic uint64_t elements;

static uint64_t spread(uint64_t value)
{
	return value * UINT64_C(0x9e3779b97f4a7c15);
}

static void make(struct worker *w, size_t count)
{
	size_t words = w->round->words;

	for (size_t i = 0; i < count * words; i++)
		w->elements[i] =
			(uint64_t)w->number << 40 | (w->next + 1 + i / words);
}

static void book_sent(struct worker *w, size_t count)
{
	struct round *r = w->round;

	for (size_t i = 0; i < count; i++)
		r->sent_sum += spread(w->elements[i * r->words]);
	r->sent += count;
	w->next += count;
}

/* Whole, and in the order of its sender. */
static void book_received(struct worker *w, size_t count)
{
	struct round *r = w->round;

	for (size_t i = 0; i < count; i++) {
		const uint64_t *element = &w->elements[i * r->words];
		uint64_t from = *element >> 40;

		for (size_t word = 1; word < r->words; word++)
			stress_check(element[word] == *element,
				"%" PRIx64 " goes on as %" PRIx64, *element,
				element[word]);
		stress_check(from <= HALT_OTHERS && w->seen[from] < *element,
			"%" PRIx64 " after %" PRIx64, *element,
			from <= HALT_OTHERS ? w->seen[from] : 0);
		w->seen[from] = *element;
		r->received_sum += spread(*element);
	}
	r->received += count;
}

/* -- Who only tries --------------------------------------------------------- */

static void try_send(struct worker *w)
{
	size_t count = 1 + stress_below(&w->random, MAX_BATCH), done = 0;

	make(w, count);
	if (stress_one_in(&w->random, 2))
		(void)!weir_try_send_many(w->tx, w->elements, count, &done);
	else
		done = weir_try_send(w->tx, w->elements) == WEIR_OK;
	book_sent(w, done);
}

static void try_recv(struct worker *w)
{
	weir_receiver *rx = w->round->rx;
	size_t done = 0;

	if (stress_one_in(&w->random, 2))
		(void)!weir_try_recv_many(rx, w->elements, MAX_BATCH, &done);
	else
		done = weir_try_recv(rx, w->elements) == WEIR_OK;
	book_received(w, done);
}

static void run_other(void *argument)
{
	struct worker *w = argument;
	_Atomic uint64_t *answers = &halt->answers[w->number - 1];

	stress_doing("trying", w->number);
	while (!w->round->over) {
		bool to_send = w->number % 2 == 0;

		if (stress_one_in(&w->random, 16))
			to_send = !to_send;
		if (to_send && weir_sender_length(w->tx) < ENOUGH)
			try_send(w);
		else
			try_recv(w);
		++*answers;
		if (atomic_load(&halt->stepping) ||
			stress_one_in(&w->random, 64))
			sched_yield();
	}
}

/* -- Who is stopped ---------------------------------------------------------- */

static void wait_send(struct worker *w)
{
	size_t count = 1 + stress_below(&w->random, MAX_BATCH), done = 0;
	int64_t span = (int64_t)stress_below(&w->random, 50000);
	uint64_t way = stress_below(&w->random, 4);

	make(w, count);
	atomic_fetch_add(&halt->calls, 1);
	if (way == 0)
		(void)!weir_send_many(w->tx, w->elements, count, &done);
	else if (way == 1)
		(void)!weir_send_many_for(
			w->tx, w->elements, count, &done, span);
	else if (way == 2)
		done = weir_send(w->tx, w->elements) == WEIR_OK;
	else
		done = weir_send_for(w->tx, w->elements, span) == WEIR_OK;
	atomic_fetch_add(&halt->calls, 1);
	book_sent(w, done);
}

static bool wait_recv(struct worker *w)
{
	weir_receiver *rx = w->round->rx;
	int64_t span = (int64_t)stress_below(&w->random, 50000);
	uint64_t way = stress_below(&w->random, 4);
	size_t done = 0;
	int status;

	atomic_fetch_add(&halt->calls, 1);
	if (way == 0)
		status = weir_recv_many(rx, w->elements, MAX_BATCH, &done);
	else if (way == 1)
		status = weir_recv_many_for(
			rx, w->elements, MAX_BATCH, &done, span);
	else if (way == 2)
		status = weir_recv(rx, w->elements);
	else
		status = weir_recv_for(rx, w->elements, span);
	atomic_fetch_add(&halt->calls, 1);
	if (way >= 2)
		done = status == WEIR_OK;
	book_received(w, done);
	return status != WEIR_END_OF_CHANNEL;
}

static void run_stopped(void *argument)
{
	struct worker *w = argument;
	struct round *r = w->round;

	halt->thread = gettid();
	stress_doing("being stopped", 0);
	while (r->to_send && !r->over)
		wait_send(w);
	while (!r->to_send && wait_recv(w))
		;
	weir_sender_free(w->tx);
}

/* -- Rounds ------------------------------------------------------------------- */

static void open_channel(struct round *r, struct stress_random *random)
{
	static const size_t capacities[] = {0, 1, 2, 64, WEIR_UNBOUNDED};
	static const size_t words[] = {1, 3, MAX_WORDS};
	size_t capacity = capacities[stress_below(random, 5)];
	weir_options options = WEIR_OPTIONS_INIT;

	r->words = words[stress_below(random, 3)];
	r->to_send = stress_one_in(random, 2);
	stress_describe("capacity %zd, %zu words, a %s is stopped",
		(ptrdiff_t)capacity, r->words, r->to_send ? "send" : "recv");
	options.capacity = capacity;
	options.element_size = r->words * sizeof(uint64_t);
	/* Or most of the steps are those of a spin. */
	if (!stress_one_in(random, 4))
		options.spin_limit = WEIR_NO_SPIN;
	stress_check(weir_open_with(&options, &r->tx, &r->rx) == WEIR_OK,
		"open failed");
	stress_show(r->tx);
}

/* The parent does its part. */
static void let_be_stopped(void)
{
	uint64_t round = halt->ready + 1;

	stress_doing("waiting for the stop to be over", round);
	atomic_store(&halt->ready, round);
	while (atomic_load(&halt->done) != round) {
		fault_sleep(200000);
		stress_check(halt->stuck == 0,
			"try_ calls of thread %u have no answer while another "
			"thread is stopped in the middle of a call",
			halt->stuck);
	}
}

/* What the threads have left in the channel. */
static void drain(struct worker *w)
{
	struct round *r = w->round;

	stress_doing("draining", 0);
	weir_sender_close(r->tx);
	while (weir_recv(r->rx, w->elements) == WEIR_OK)
		book_received(w, 1);
}

static void one_round(struct stress_random *random)
{
	static struct worker workers[HALT_OTHERS + 2];
	struct stress_crew stopped = {.count = 0}, others = {.count = 0};
	struct round r = {.words = 0};

	open_channel(&r, random);
	memset(workers, 0, sizeof workers);
	for (unsigned i = 0; i < HALT_OTHERS + 2; i++) {
		struct worker *w = &workers[i];

		w->round = &r;
		w->number = i;
		w->tx = r.tx;
		stress_seed(&w->random, stress_draw(random));
	}
	/* Who receives holds no sender open. */
	workers[0].tx = NULL;
	if (r.to_send)
		stress_check(weir_sender_clone(r.tx, &workers[0].tx) == WEIR_OK,
			"clone failed");
	halt->thread = 0;
	halt->calls = 0;
	for (unsigned i = 0; i < HALT_OTHERS; i++)
		halt->answers[i] = 0;
	for (unsigned i = 1; i <= HALT_OTHERS; i++)
		stress_crew_add(&others, "trying", run_other, &workers[i]);
	stress_crew_add(&stopped, "stopped", run_stopped, &workers[0]);
	let_be_stopped();
	r.over = true;
	stress_crew_join(&others);
	drain(&workers[HALT_OTHERS + 1]);
	stress_crew_join(&stopped);
	stress_check(r.sent == r.received && r.sent_sum == r.received_sum,
		"%" PRIu64 " were sent, %" PRIu64 " came", r.sent, r.received);
	elements += r.received;
	stress_show(NULL);
	weir_sender_free(r.tx);
	weir_receiver_free(r.rx);
	stress_progress();
}

/* A step that ends when nobody traces any more. */
static void on_trap(int unused)
{
	(void)unused;
}

int halt_rounds(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_trap};
	struct stress_random random;

	stress_start(argc, argv, false);
	if (sigaction(SIGTRAP, &action, NULL) != 0)
		stress_fail("sigaction: %s", strerror(errno));
	while (stress_next_round(&random))
		one_round(&random);
	stress_finish("%" PRIu64 " stops (%" PRIu64 " in the library's code, "
		      "%" PRIu64 " asleep), %" PRIu64
		      " try_ calls answered meanwhile (at least %" PRIu64
		      " a thread), %" PRIu64 " elements, 0 lost, 0 doubled",
		halt->stops, halt->in_library, halt->asleep, halt->answered,
		halt->fewest, elements);
	return 0;
}
