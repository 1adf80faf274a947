/* SPDX-License-Identifier: MIT */
/* flow.c - producers send as fast as they can, consumers take until the end.
 *
 * The clock runs from the moment when all threads are ready until the last of
 * them has ended, so the drain and the close are in it.
 */
#include "bench.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct flow {
	const struct bench_calls *calls;
	void *channel;
	size_t element_size;
	uint64_t each; /* elements of a producer */
	pthread_barrier_t ready;
	_Atomic unsigned producers; /* that have begun, for their numbers */
	_Atomic unsigned producing; /* that have not ended */
};

struct consumer {
	struct flow *flow;
	struct bench_check check;
};

static void *produce(void *argument)
{
	struct flow *f = argument;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	unsigned producer = atomic_fetch_add(&f->producers, 1);
	void *sender = bench_join_sender(f->calls, f->channel);

	pthread_barrier_wait(&f->ready);
	for (uint64_t i = 0; i < f->each; i++) {
		bench_make(element, f->element_size, producer, i);
		if (f->calls->send(sender, element) != BENCH_OK)
			bench_die("send failed");
	}
	bench_leave_sender(f->calls, sender);
	if (atomic_fetch_sub(&f->producing, 1) == 1)
		f->calls->close_senders(f->channel);
	return NULL;
}

static void *consume(void *argument)
{
	struct consumer *c = argument;
	struct flow *f = c->flow;
	void *receiver = bench_join_receiver(f->calls, f->channel);
	uint64_t element[BENCH_MAX_ELEMENT / 8];

	pthread_barrier_wait(&f->ready);
	while (f->calls->recv(receiver, element) == BENCH_OK)
		bench_check_element(&c->check, element, f->element_size);
	bench_leave_receiver(f->calls, receiver);
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	int error = pthread_create(thread, NULL, run, argument);

	if (error != 0)
		bench_die("pthread_create: %s", strerror(error));
}

void bench_flow(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	unsigned n_threads = workload->producers + workload->consumers;
	pthread_t threads[2 * BENCH_MAX_PRODUCERS];
	struct consumer consumers[BENCH_MAX_PRODUCERS];
	struct flow f = {
		.calls = job->peer->calls, .element_size = job->element_size};
	struct bench_check total = {.count = 0};
	struct bench_watch watch;

	f.channel = bench_open(job);
	f.each = (job->count + workload->producers - 1) / workload->producers;
	atomic_store(&f.producing, workload->producers);
	pthread_barrier_init(&f.ready, NULL, n_threads + 1);
	memset(consumers, 0, sizeof(consumers));
	for (unsigned i = 0; i < workload->consumers; i++) {
		consumers[i].flow = &f;
		start(&threads[i], consume, &consumers[i]);
	}
	for (unsigned i = workload->consumers; i < n_threads; i++)
		start(&threads[i], produce, &f);
	figures->count = f.each * workload->producers;
	bench_watch_start(&watch);
	pthread_barrier_wait(&f.ready);
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	bench_watch_stop(&watch, figures);
	for (unsigned i = 0; i < workload->consumers; i++) {
		total.count += consumers[i].check.count;
		total.sum += consumers[i].check.sum;
	}
	if (total.count != figures->count ||
		total.sum != bench_expected_sum(workload->producers, f.each))
		bench_die("%" PRIu64 " of %" PRIu64
			  " elements arrived, or the sum is wrong",
			total.count, figures->count);
	pthread_barrier_destroy(&f.ready);
	f.calls->free(f.channel);
}
