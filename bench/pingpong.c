/* SPDX-License-Identifier: MIT */
/* pingpong.c - one element there, one back: latency. */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct table {
	const struct bench_peer *peer;
	void *there;
	void *back;
};

static void *answer(void *argument)
{
	struct table *t = argument;
	uint64_t element[BENCH_MAX_ELEMENT / 8];

	while (t->peer->recv(t->there, element) == BENCH_OK)
		if (t->peer->send(t->back, element) != BENCH_OK)
			bench_die("the answer could not be sent");
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
	const struct bench_peer *peer = job->peer;
	struct table t = {.peer = peer,
		.there = peer->open(job->capacity, job->element_size),
		.back = peer->open(job->capacity, job->element_size)};
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
		if (peer->send(t.there, element) != BENCH_OK ||
			peer->recv(t.back, element) != BENCH_OK)
			bench_die("a round trip failed");
		int64_t after = bench_now();
		int64_t trip = after - before;
		trips[i] = trip < UINT32_MAX ? (uint32_t)trip : UINT32_MAX;
		before = after;
		bench_check_element(&check, element, job->element_size);
	}
	bench_watch_stop(&watch, figures);
	peer->close_senders(t.there);
	pthread_join(other, NULL);
	if (check.sum != bench_expected_sum(1, job->count))
		bench_die("the sum is wrong");
	qsort(trips, job->count, sizeof(*trips), by_size);
	figures->ns = trips[job->count / 2];
	figures->p99_ns = trips[job->count * 99 / 100];
	free(trips);
	peer->free(t.there);
	peer->free(t.back);
}
