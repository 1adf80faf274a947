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
	const struct bench_calls *calls = job->peer->calls;
	void *channel = bench_open(job);
	void *sender = bench_join_sender(calls, channel);
	void *receiver = bench_join_receiver(calls, channel);
	struct bench_check check = {.count = 0};
	struct bench_watch watch;
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};

	(void)workload;
	figures->count = job->count;
	bench_watch_start(&watch);
	for (uint64_t i = 0; i < job->count; i++) {
		bench_make(element, job->element_size, 0, i);
		if (calls->try_send(sender, element) != BENCH_OK)
			bench_die("try_send into an empty buffer failed");
		if (calls->try_recv(receiver, element) != BENCH_OK)
			bench_die("try_recv from a full buffer failed");
		bench_check_element(&check, element, job->element_size);
	}
	bench_watch_stop(&watch, figures);
	check_total(&check, job->count);
	bench_leave_sender(calls, sender);
	bench_leave_receiver(calls, receiver);
	calls->free(channel);
}

static uint64_t batch_size(const struct bench_job *job)
{
	if (job->capacity == BENCH_HOLDS_ALL)
		return job->count;
	return job->capacity == BENCH_UNBOUNDED ? UNBOUNDED_BATCH
						: job->capacity;
}

/* Fill the buffer, drain it, and so on. */
void bench_seq(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	const struct bench_calls *calls = job->peer->calls;
	void *channel = bench_open(job);
	void *sender = bench_join_sender(calls, channel);
	void *receiver = bench_join_receiver(calls, channel);
	uint64_t batch = batch_size(job);
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
			if (calls->send(sender, element) != BENCH_OK)
				bench_die("send failed");
		}
		for (uint64_t i = 0; i < batch; i++) {
			if (calls->recv(receiver, element) != BENCH_OK)
				bench_die("recv failed");
			bench_check_element(&check, element, job->element_size);
		}
	}
	bench_watch_stop(&watch, figures);
	check_total(&check, figures->count);
	bench_leave_sender(calls, sender);
	bench_leave_receiver(calls, receiver);
	calls->free(channel);
}
