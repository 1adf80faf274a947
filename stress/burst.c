/* SPDX-License-Identifier: MIT */
/* burst.c - resident memory around a burst through an unbounded channel. */
#include "burst.h"
#include "stress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define MOST_ELEMENTS UINT64_C(10000000)
#define WARM_UP UINT64_C(50000)

/* What is to stay: a few segments, of 64 KiB each. */
#define NEAR_BYTES (INT64_C(8) << 16)

/* What may stay: the C library's own caches and stacks besides. */
#define SLACK_BYTES (INT64_C(2) << 20)

/* Memory waits for grace periods: look for so long until it is near, and for
 * so long until it is within the slack. */
#define NEAR_NS INT64_C(500000000)
#define PATIENCE_NS INT64_C(10000000000)

/* Elements that a receiver claims at a time. */
#define CLAIM 64

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JUDGE_MEMORY false /* a sanitizer keeps what is freed */
#elif defined(STRESS_EMULATED)
#define JUDGE_MEMORY false /* what is resident is the emulator's as well */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define JUDGE_MEMORY false
#endif
#endif
#ifndef JUDGE_MEMORY
#define JUDGE_MEMORY true
#endif

struct burst {
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t each;        /* elements that one burst sender sends */
	_Atomic int64_t left; /* elements that nobody has claimed yet */
	_Atomic unsigned next_producer;
	_Atomic uint64_t sum_in;
	_Atomic uint64_t sum_out;
	/* The steady flow. */
	_Atomic bool slow; /* receivers take their time */
	_Atomic bool stop;
};

static void sleep_ns(long ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

static void send_one(struct burst *b, uint64_t element)
{
	int status = weir_send(b->tx, &element);

	stress_check(
		status == WEIR_OK, "weir_send: %s", weir_status_name(status));
}

static void run_burst_sender(void *argument)
{
	struct burst *b = argument;
	uint64_t base = (uint64_t)atomic_fetch_add(&b->next_producer, 1) << 40;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < b->each; i++) {
		if (i % 4096 == 0) {
			stress_doing("weir_send in a burst", i);
			stress_progress();
		}
		send_one(b, base | i);
		sum += base | i;
	}
	atomic_fetch_add(&b->sum_in, sum);
}

/* Each sender's elements come to each receiver in order. */
static void check_order(uint64_t *next, uint64_t element)
{
	uint64_t producer = element >> 40;
	uint64_t sequence = element & ((UINT64_C(1) << 40) - 1);

	stress_check(producer < STRESS_MAX_THREADS, "no such sender: %" PRIu64,
		producer);
	stress_check(sequence >= next[producer],
		"%" PRIu64 " of sender %" PRIu64 " came late", sequence,
		producer);
	next[producer] = sequence + 1;
}

static void run_burst_receiver(void *argument)
{
	struct burst *b = argument;
	uint64_t next[STRESS_MAX_THREADS] = {0};
	uint64_t sum = 0;
	int64_t left;

	while ((left = atomic_fetch_sub(&b->left, CLAIM)) > 0) {
		int64_t claim = left < CLAIM ? left : CLAIM;

		stress_doing("weir_recv after a burst", (uint64_t)left);
		for (int64_t i = 0; i < claim; i++) {
			uint64_t element;
			int status = weir_recv(b->rx, &element);

			stress_check(status == WEIR_OK, "weir_recv: %s",
				weir_status_name(status));
			check_order(next, element);
			sum += element;
		}
		stress_progress();
	}
	atomic_fetch_add(&b->sum_out, sum);
}

static void open_burst(struct burst *b)
{
	int status =
		weir_open(WEIR_UNBOUNDED, sizeof(uint64_t), &b->tx, &b->rx);

	stress_check(
		status == WEIR_OK, "weir_open: %s", weir_status_name(status));
	atomic_init(&b->next_producer, 0);
	atomic_init(&b->sum_in, 0);
	atomic_init(&b->sum_out, 0);
	atomic_init(&b->slow, true);
	atomic_init(&b->stop, false);
}

/* Send `count` elements from all threads, wait, and say how many it were. */
static uint64_t fill(struct burst *b, uint64_t count)
{
	struct stress_crew crew = {.count = 0};

	b->each = count / stress.threads;
	atomic_store(&b->next_producer, 0);
	for (unsigned i = 0; i < stress.threads; i++)
		stress_crew_add(&crew, "sender", run_burst_sender, b);
	stress_crew_join(&crew);
	return b->each * stress.threads;
}

static void drain(struct burst *b, uint64_t count)
{
	struct stress_crew crew = {.count = 0};

	atomic_store(&b->left, (int64_t)count);
	for (unsigned i = 0; i < stress.threads; i++)
		stress_crew_add(&crew, "receiver", run_burst_receiver, b);
	stress_crew_join(&crew);
	stress_check(
		b->sum_in == b->sum_out, "what came out is not what went in");
}

/* Wait until resident memory is near `before` again, and print the story. */
static void judge(
	const char *name, uint64_t count, int64_t before, int64_t peak)
{
	int64_t since = weir_now();
	int64_t after;

	while ((after = stress_resident_bytes()) > before + NEAR_BYTES &&
		weir_now() - since <
			(after > before + SLACK_BYTES ? PATIENCE_NS : NEAR_NS))
		sleep_ns(10000000);
	printf("  burst of %" PRIu64 ", %s: %.1f MiB before, %.1f at the "
	       "peak, %.1f after %.0f ms\n",
		count, name, (double)before / 0x1p20, (double)peak / 0x1p20,
		(double)after / 0x1p20, (double)(weir_now() - since) / 1e6);
	fflush(stdout);
	stress_check(!JUDGE_MEMORY || after <= before + SLACK_BYTES,
		"%.1f MiB did not come back (%s)",
		(double)(after - before) / 0x1p20, name);
}

static void burst_alone(uint64_t count)
{
	struct burst b;

	stress_describe("a burst, nothing else");
	open_burst(&b);
	drain(&b, fill(&b, WARM_UP));
	int64_t before = stress_resident_bytes();
	uint64_t sent = fill(&b, count);
	int64_t peak = stress_resident_bytes();
	drain(&b, sent);
	judge("alone", sent, before, peak);
	weir_sender_free(b.tx);
	weir_receiver_free(b.rx);
}

/* -- With senders and receivers that never stop --------------------------- */

static void run_flow_sender(void *argument)
{
	struct burst *b = argument;
	uint64_t base = (uint64_t)(STRESS_MAX_THREADS - 1) << 40;
	uint64_t sum = 0;
	uint64_t i = 0;

	while (!atomic_load(&b->stop)) {
		stress_doing("weir_send in a flow", i);
		send_one(b, base | i);
		sum += base | i;
		i++;
		sleep_ns(20000);
	}
	atomic_fetch_add(&b->sum_in, sum);
}

static void run_flow_receiver(void *argument)
{
	struct burst *b = argument;
	uint64_t next[STRESS_MAX_THREADS] = {0};
	uint64_t sum = 0;
	uint64_t element;
	int status;

	stress_doing("weir_recv in a flow", 0);
	while ((status = weir_recv(b->rx, &element)) == WEIR_OK) {
		check_order(next, element);
		sum += element;
		if (atomic_load(&b->slow))
			sleep_ns(20000);
		stress_progress();
	}
	stress_check(status == WEIR_END_OF_CHANNEL, "weir_recv: %s",
		weir_status_name(status));
	atomic_fetch_add(&b->sum_out, sum);
}

static void burst_in_flow(uint64_t count)
{
	struct burst b;
	struct stress_crew flow = {.count = 0};
	struct stress_crew receivers = {.count = 0};

	stress_describe("a burst in a steady flow");
	open_burst(&b);
	drain(&b, fill(&b, WARM_UP));
	atomic_store(&b.sum_in, 0);
	atomic_store(&b.sum_out, 0);
	stress_crew_add(&flow, "flow", run_flow_sender, &b);
	/* Their stacks are old, their `next` starts anew: so do the senders. */
	for (unsigned i = 0; i < 2; i++)
		stress_crew_add(&receivers, "receiver", run_flow_receiver, &b);
	int64_t before = stress_resident_bytes();
	uint64_t sent = fill(&b, count);
	int64_t peak = stress_resident_bytes();
	atomic_store(&b.slow, false);
	stress_doing("waiting for the drain", sent);
	while (weir_sender_length(b.tx) > 1000)
		sleep_ns(1000000);
	judge("in a steady flow", sent, before, peak);
	atomic_store(&b.stop, true);
	stress_crew_join(&flow);
	weir_sender_free(b.tx);
	stress_crew_join(&receivers);
	weir_receiver_free(b.rx);
	stress_check(
		b.sum_in == b.sum_out, "what came out is not what went in");
}

/* As many elements as go in and out in a fifth of the time that is given. */
static uint64_t affordable(void)
{
	struct burst b;

	stress_describe("a trial burst");
	open_burst(&b);
	int64_t start = weir_now();
	drain(&b, fill(&b, WARM_UP));
	double each = (double)(weir_now() - start) / (double)WARM_UP;
	weir_sender_free(b.tx);
	weir_receiver_free(b.rx);
	double count = stress.seconds * 0.2e9 / each;
	return count < (double)MOST_ELEMENTS ? (uint64_t)count : MOST_ELEMENTS;
}

void stress_burst(void)
{
	uint64_t count = stress.bursts ? MOST_ELEMENTS : affordable();

	burst_alone(count);
	burst_in_flow(count);
}
