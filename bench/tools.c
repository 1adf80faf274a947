/* SPDX-License-Identifier: MIT */
/* tools.c - watches, handles, elements and their checks. */
#include "bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void bench_die(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "bench: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	_Exit(1);
}

/* -- Watches -------------------------------------------------------------- */

static double timeval_ns(struct timeval t)
{
	return (double)t.tv_sec * 1e9 + (double)t.tv_usec * 1e3;
}

double bench_cpu_ns(const struct rusage *usage)
{
	return timeval_ns(usage->ru_utime) + timeval_ns(usage->ru_stime);
}

/* What opening channels that hold all has taken since the last stop.  It is
 * part of the repetition: some touch all of their memory then, others later. */
static struct {
	double wall_ns;
	double cpu_ns;
} opening;

void bench_watch_start(struct bench_watch *watch)
{
	getrusage(RUSAGE_SELF, &watch->usage);
	watch->wall = bench_now();
}

void bench_watch_stop(
	const struct bench_watch *watch, struct bench_figures *figures)
{
	int64_t wall = bench_now();
	struct rusage usage;
	double count = (double)figures->count;

	getrusage(RUSAGE_SELF, &usage);
	figures->wall_ns = (double)(wall - watch->wall) + opening.wall_ns;
	figures->ns = figures->wall_ns / count;
	figures->p99_ns = 0;
	figures->cpu_ns = (bench_cpu_ns(&usage) - bench_cpu_ns(&watch->usage) +
				  opening.cpu_ns) /
			  count;
	figures->switches =
		(double)(usage.ru_nvcsw - watch->usage.ru_nvcsw) / count;
	memset(&opening, 0, sizeof(opening));
}

/* -- Channels and handles -------------------------------------------------- */

void *bench_open(const struct bench_job *job)
{
	const struct bench_calls *calls = job->peer->calls;
	struct bench_watch watch;
	struct rusage usage;
	void *channel;

	if (job->capacity != BENCH_HOLDS_ALL)
		return calls->open(job->capacity, job->element_size);
	bench_watch_start(&watch);
	/* Producers round the count up to what they share evenly, and a place
	 * is for what a peer sends to say that it has ended. */
	channel = calls->open(
		job->count + BENCH_MAX_PRODUCERS, job->element_size);
	opening.wall_ns += (double)(bench_now() - watch.wall);
	getrusage(RUSAGE_SELF, &usage);
	opening.cpu_ns += bench_cpu_ns(&usage) - bench_cpu_ns(&watch.usage);
	return channel;
}

void *bench_join_sender(const struct bench_calls *calls, void *channel)
{
	return calls->join_sender != NULL ? calls->join_sender(channel)
					  : channel;
}

void bench_leave_sender(const struct bench_calls *calls, void *sender)
{
	if (calls->leave_sender != NULL)
		calls->leave_sender(sender);
}

void *bench_join_receiver(const struct bench_calls *calls, void *channel)
{
	return calls->join_receiver != NULL ? calls->join_receiver(channel)
					    : channel;
}

void bench_leave_receiver(const struct bench_calls *calls, void *receiver)
{
	if (calls->leave_receiver != NULL)
		calls->leave_receiver(receiver);
}

/* -- Elements ------------------------------------------------------------- */

void bench_make(
	void *element, size_t size, unsigned producer, uint64_t sequence)
{
	uint64_t number = (uint64_t)producer << 56 | sequence;
	uint64_t complement = ~number;

	memcpy(element, &number, sizeof(number));
	if (size > sizeof(number))
		memcpy((char *)element + size - sizeof(number), &complement,
			sizeof(number));
}

void bench_check_element(
	struct bench_check *check, const void *element, size_t size)
{
	uint64_t number;
	uint64_t complement;
	uint64_t producer;

	memcpy(&number, element, sizeof(number));
	if (size > sizeof(number)) {
		memcpy(&complement,
			(const char *)element + size - sizeof(number),
			sizeof(number));
		if (complement != ~number)
			bench_die("a torn element arrived");
	}
	producer = number >> 56;
	if (producer >= BENCH_MAX_PRODUCERS)
		bench_die("an element of no producer arrived");
	if (number < check->next[producer])
		bench_die("elements of producer %" PRIu64 " out of order",
			producer);
	check->next[producer] = number + 1;
	check->count++;
	check->sum += number;
}

uint64_t bench_expected_sum(unsigned producers, uint64_t each)
{
	uint64_t sum = 0;

	for (uint64_t p = 0; p < producers; p++)
		sum += (p << 56) * each + each * (each - 1) / 2;
	return sum;
}
