/* SPDX-License-Identifier: MIT */
/* select.c - threads that wait for the first of several channels.
 *
 * As crossbeam's own benchmark has it.  select_rx: each sender has a channel of
 * its own, one thread selects over them all.  select_both: as many threads
 * select to send, over all channels, as select to receive.
 */
#include "bench.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define MAX_CHANNELS 8
#define MAX_THREADS 16

struct crowd {
	const struct bench_calls *calls;
	void *channels[MAX_CHANNELS];
	unsigned n_channels;
	size_t element_size;
	uint64_t each; /* elements of a producer */
	pthread_barrier_t ready;
	_Atomic unsigned producers; /* that have begun, for their numbers */
	_Atomic unsigned producing; /* that have not ended */
};

struct consumer {
	struct crowd *crowd;
	/* A producer's elements are in order within each channel only. */
	struct bench_check checks[MAX_CHANNELS];
};

static void end_of_sending(struct crowd *crowd)
{
	if (--crowd->producing > 0)
		return;
	for (unsigned i = 0; i < crowd->n_channels; i++)
		crowd->calls->close_senders(crowd->channels[i]);
}

static void *send_to_one(void *argument)
{
	struct crowd *crowd = argument;
	const struct bench_calls *calls = crowd->calls;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	unsigned self = crowd->producers++;
	void *sender = bench_join_sender(
		calls, crowd->channels[self % crowd->n_channels]);

	pthread_barrier_wait(&crowd->ready);
	for (uint64_t i = 0; i < crowd->each; i++) {
		bench_make(element, crowd->element_size, self, i);
		if (calls->send(sender, element) != BENCH_OK)
			bench_die("send failed");
	}
	bench_leave_sender(calls, sender);
	end_of_sending(crowd);
	return NULL;
}

static void *send_to_any(void *argument)
{
	struct crowd *crowd = argument;
	const struct bench_calls *calls = crowd->calls;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	unsigned self = crowd->producers++;
	void *set =
		calls->select_open(crowd->channels, crowd->n_channels, true);
	size_t at;

	pthread_barrier_wait(&crowd->ready);
	for (uint64_t i = 0; i < crowd->each; i++) {
		bench_make(element, crowd->element_size, self, i);
		if (calls->select(set, element, &at) != BENCH_OK)
			bench_die("a select of sends failed");
	}
	calls->select_free(set);
	end_of_sending(crowd);
	return NULL;
}

static void *receive_from_any(void *argument)
{
	struct consumer *c = argument;
	struct crowd *crowd = c->crowd;
	const struct bench_calls *calls = crowd->calls;
	uint64_t element[BENCH_MAX_ELEMENT / 8];
	void *set =
		calls->select_open(crowd->channels, crowd->n_channels, false);
	unsigned open = crowd->n_channels;
	size_t at;

	pthread_barrier_wait(&crowd->ready);
	while (open > 0) {
		if (calls->select(set, element, &at) == BENCH_OK) {
			bench_check_element(
				&c->checks[at], element, crowd->element_size);
			continue;
		}
		calls->select_drop(set, at);
		open--;
	}
	calls->select_free(set);
	return NULL;
}

static void check_total(const struct crowd *crowd,
	const struct consumer *consumers, unsigned n_consumers,
	unsigned producers)
{
	uint64_t count = 0, sum = 0;

	for (unsigned i = 0; i < n_consumers; i++)
		for (unsigned c = 0; c < crowd->n_channels; c++) {
			count += consumers[i].checks[c].count;
			sum += consumers[i].checks[c].sum;
		}
	if (count != producers * crowd->each ||
		sum != bench_expected_sum(producers, crowd->each))
		bench_die("%" PRIu64 " elements arrived, or the sum is wrong",
			count);
}

static void run(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures,
	void *(*produce)(void *))
{
	static struct consumer consumers[MAX_THREADS / 2];
	struct crowd crowd = {.calls = job->peer->calls,
		.n_channels = workload->channels,
		.element_size = job->element_size};
	unsigned n_threads = workload->producers + workload->consumers;
	pthread_t threads[MAX_THREADS];
	struct bench_watch watch;

	for (unsigned i = 0; i < crowd.n_channels; i++)
		crowd.channels[i] = bench_open(job);
	crowd.each =
		(job->count + workload->producers - 1) / workload->producers;
	crowd.producing = workload->producers;
	pthread_barrier_init(&crowd.ready, NULL, n_threads + 1);
	memset(consumers, 0, sizeof(consumers));
	for (unsigned i = 0; i < n_threads; i++) {
		bool receives = i < workload->consumers;

		if (receives)
			consumers[i].crowd = &crowd;
		if (pthread_create(&threads[i], NULL,
			    receives ? receive_from_any : produce,
			    receives ? (void *)&consumers[i] : &crowd) != 0)
			bench_die("no thread");
	}
	figures->count = crowd.each * workload->producers;
	bench_watch_start(&watch);
	pthread_barrier_wait(&crowd.ready);
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	bench_watch_stop(&watch, figures);
	check_total(
		&crowd, consumers, workload->consumers, workload->producers);
	pthread_barrier_destroy(&crowd.ready);
	for (unsigned i = 0; i < crowd.n_channels; i++)
		crowd.calls->free(crowd.channels[i]);
}

void bench_select_rx(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	run(workload, job, figures, send_to_one);
}

void bench_select_both(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	run(workload, job, figures, send_to_any);
}
