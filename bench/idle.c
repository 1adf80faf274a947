/* SPDX-License-Identifier: MIT */
/* idle.c - what a receiver costs that has little or nothing to do.
 *
 * Here `ns` is CPU time of the receiving thread: for each element of a slow
 * feed, or for each millisecond of waiting.
 */
#include "bench.h"

#include <pthread.h>
#include <time.h>

struct idler {
	const struct bench_calls *calls;
	void *channel;
	size_t element_size;
	struct bench_check check;
	double cpu_ns;
};

static void *receive(void *argument)
{
	struct idler *idler = argument;
	uint64_t element[BENCH_MAX_ELEMENT / 8];
	struct rusage before;
	struct rusage after;
	void *receiver = bench_join_receiver(idler->calls, idler->channel);

	getrusage(RUSAGE_THREAD, &before);
	while (idler->calls->recv(receiver, element) == BENCH_OK)
		bench_check_element(
			&idler->check, element, idler->element_size);
	getrusage(RUSAGE_THREAD, &after);
	idler->cpu_ns = bench_cpu_ns(&after) - bench_cpu_ns(&before);
	bench_leave_receiver(idler->calls, receiver);
	return NULL;
}

static void sleep_until(int64_t deadline)
{
	struct timespec time = {
		.tv_sec = deadline / 1000000000,
		.tv_nsec = deadline % 1000000000,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void feed(const struct bench_job *job, void *channel, int64_t period_ns)
{
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	int64_t due = bench_now();
	const struct bench_calls *calls = job->peer->calls;
	void *sender = bench_join_sender(calls, channel);

	for (uint64_t i = 0; i < job->count; i++) {
		/* Late ones are not made up for: a burst is cheaper. */
		int64_t now = bench_now();
		due = (now > due ? now : due) + period_ns;
		sleep_until(due);
		bench_make(element, job->element_size, 0, i);
		if (calls->send(sender, element) != BENCH_OK)
			bench_die("send failed");
	}
	bench_leave_sender(calls, sender);
}

/* period_ns 0: nothing comes, for a millisecond times count. */
static void idle(const struct bench_job *job, int64_t period_ns,
	struct bench_figures *figures)
{
	struct idler idler = {.calls = job->peer->calls,
		.channel = bench_open(job),
		.element_size = job->element_size};
	struct bench_watch watch;
	pthread_t receiver;

	figures->count = job->count;
	bench_watch_start(&watch);
	if (pthread_create(&receiver, NULL, receive, &idler) != 0)
		bench_die("no thread for the receiver");
	if (period_ns > 0)
		feed(job, idler.channel, period_ns);
	else
		sleep_until(bench_now() + (int64_t)job->count * 1000000);
	idler.calls->close_senders(idler.channel);
	pthread_join(receiver, NULL);
	bench_watch_stop(&watch, figures);
	figures->ns = idler.cpu_ns / (double)job->count;
	if (idler.check.count != (period_ns > 0 ? job->count : 0))
		bench_die("elements were lost or invented");
	idler.calls->free(idler.channel);
}

void bench_idle_fed(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	idle(job, (int64_t)workload->pace_ns, figures);
}

void bench_idle_wait(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	(void)workload;
	idle(job, 0, figures);
}
