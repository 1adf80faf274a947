/* SPDX-License-Identifier: MIT */
/* alone.c - one thread, both ends: what an operation costs by itself. */
#include "bench.h"

#include <inttypes.h>

/* Elements that are in an unbounded channel before they are taken out. */
#define UNBOUNDED_BATCH 50000

static void check_total(const struct bench_check *check, uint64_t count)
{
	if (check->count != count || check->sum != bench_expected_sum(1, count))
		bench_die("%" PRIu64 " of %" PRIu64
			  " elements arrived, or the sum is wrong",
			check->count, count);
}

/* try_send and try_recv in turn. */
void bench_try(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	const struct bench_peer *peer = job->peer;
	void *channel = peer->open(job->capacity, job->element_size);
	struct bench_check check = {.count = 0};
	struct bench_watch watch;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};

	(void)workload;
	figures->count = job->count;
	bench_watch_start(&watch);
	for (uint64_t i = 0; i < job->count; i++) {
		bench_make(element, job->element_size, 0, i);
		if (peer->try_send(channel, element) != BENCH_OK)
			bench_die("try_send into an empty buffer failed");
		if (peer->try_recv(channel, element) != BENCH_OK)
			bench_die("try_recv from a full buffer failed");
		bench_check_element(&check, element, job->element_size);
	}
	bench_watch_stop(&watch, figures);
	check_total(&check, job->count);
	peer->free(channel);
}

/* Fill the buffer, drain it, and so on. */
void bench_seq(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	const struct bench_peer *peer = job->peer;
	void *channel = peer->open(job->capacity, job->element_size);
	uint64_t batch = job->capacity == BENCH_UNBOUNDED ? UNBOUNDED_BATCH
							  : job->capacity;
	struct bench_check check = {.count = 0};
	struct bench_watch watch;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	uint64_t sent = 0;

	(void)workload;
	figures->count = (job->count + batch - 1) / batch * batch;
	bench_watch_start(&watch);
	while (sent < figures->count) {
		for (uint64_t i = 0; i < batch; i++) {
			bench_make(element, job->element_size, 0, sent++);
			if (peer->send(channel, element) != BENCH_OK)
				bench_die("send failed");
		}
		for (uint64_t i = 0; i < batch; i++) {
			if (peer->recv(channel, element) != BENCH_OK)
				bench_die("recv failed");
			bench_check_element(&check, element, job->element_size);
		}
	}
	bench_watch_stop(&watch, figures);
	check_total(&check, figures->count);
	peer->free(channel);
}
