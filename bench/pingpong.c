/* SPDX-License-Identifier: MIT */
/* pingpong.c - one element there, one back: latency. */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct table {
	const struct bench_calls *calls;
	void *there;
	void *back;
};

static void *answer(void *argument)
{
	struct table *t = argument;
	void *receiver = bench_join_receiver(t->calls, t->there);
	void *sender = bench_join_sender(t->calls, t->back);
	uint64_t element[BENCH_MAX_ELEMENT / 8];

	while (t->calls->recv(receiver, element) == BENCH_OK)
		if (t->calls->send(sender, element) != BENCH_OK)
			bench_die("the answer could not be sent");
	bench_leave_sender(t->calls, sender);
	bench_leave_receiver(t->calls, receiver);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void bench_pingpong(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	const struct bench_calls *calls = job->peer->calls;
	struct table t = {.calls = calls,
		.there = bench_open(job),
		.back = bench_open(job)};
	void *sender = bench_join_sender(calls, t.there);
	void *receiver = bench_join_receiver(calls, t.back);
	struct bench_check check = {.count = 0};
	struct bench_watch watch;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	/* Nanoseconds of each round trip. */
	uint32_t *trips = calloc(job->count, sizeof(*trips));
	pthread_t other;

	(void)workload;
	if (trips == NULL || pthread_create(&other, NULL, answer, &t) != 0)
		bench_die("no memory or thread for ping-pong");
	figures->count = job->count;
	bench_watch_start(&watch);
	int64_t before = bench_now();
	for (uint64_t i = 0; i < job->count; i++) {
		bench_make(element, job->element_size, 0, i);
		if (calls->send(sender, element) != BENCH_OK ||
			calls->recv(receiver, element) != BENCH_OK)
			bench_die("a round trip failed");
		int64_t after = bench_now();
		int64_t trip = after - before;
		trips[i] = trip < UINT32_MAX ? (uint32_t)trip : UINT32_MAX;
		before = after;
		bench_check_element(&check, element, job->element_size);
	}
	bench_watch_stop(&watch, figures);
	bench_leave_sender(calls, sender);
	calls->close_senders(t.there);
	pthread_join(other, NULL);
	bench_leave_receiver(calls, receiver);
	if (check.sum != bench_expected_sum(1, job->count))
		bench_die("the sum is wrong");
	qsort(trips, job->count, sizeof(*trips), by_size);
	figures->ns = trips[job->count / 2];
	figures->p99_ns = trips[job->count * 99 / 100];
	free(trips);
	calls->free(t.there);
	calls->free(t.back);
}
