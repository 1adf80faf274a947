/* SPDX-License-Identifier: MIT */
/* duplex.c - one exchange between two threads, against what could stand for it.
 *
 * Each repetition runs all three, in turn, on two threads pinned to the first
 * two CPUs; printed are medians of nanoseconds per round trip.
 *
 *	duplex       weir_duplex_exchange there and back
 *	rendezvous   a send and a recv on two channels of capacity 0
 *	mutex_cond   a turn under a mutex, with a condition variable
 */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

#define REPETITIONS 11
#define WARM_UP 2000 /* round trips, but no more than are counted */

static long trips = 100000;

/* -- The three --------------------------------------------------------------- */

static weir_duplex *first, *second;

static void duplex_open(void)
{
	if (weir_duplex_open(8, 8, &first, &second) != WEIR_OK)
		bench_die("weir_duplex_open failed");
}

static void duplex_answer(void)
{
	uint64_t x;
	int status = weir_duplex_exchange(first, NULL, &x);

	while (status == WEIR_OK) {
		x++;
		status = weir_duplex_exchange(first, &x, &x);
	}
	weir_duplex_free(first);
}

static void duplex_start(void)
{
	if (weir_duplex_exchange(second, NULL, NULL) != WEIR_OK)
		bench_die("the duplex did not start");
}

static uint64_t duplex_ask(uint64_t x)
{
	uint64_t answer = 0;

	if (weir_duplex_exchange(second, &x, &answer) != WEIR_OK)
		bench_die("an exchange failed");
	return answer;
}

static void duplex_close(void)
{
	weir_duplex_free(second);
}

static weir_sender *there_tx, *back_tx;
static weir_receiver *there_rx, *back_rx;

static void rendezvous_open(void)
{
	if (weir_open(0, 8, &there_tx, &there_rx) != WEIR_OK ||
		weir_open(0, 8, &back_tx, &back_rx) != WEIR_OK)
		bench_die("weir_open failed");
}

static void rendezvous_answer(void)
{
	WEIR_FOR_EACH (there_rx, uint64_t, x) {
		x++;
		if (weir_send(back_tx, &x) != WEIR_OK)
			break;
	}
}

static uint64_t rendezvous_ask(uint64_t x)
{
	uint64_t answer = 0;

	if (weir_send(there_tx, &x) != WEIR_OK ||
		weir_recv(back_rx, &answer) != WEIR_OK)
		bench_die("a round trip failed");
	return answer;
}

static void rendezvous_close(void)
{
	weir_sender_close(there_tx);
}

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int turn; /* 0: ask, 1: answer, 2: over */
	uint64_t value;
} table;

static void mutex_open(void)
{
	pthread_mutex_init(&table.lock, NULL);
	pthread_cond_init(&table.changed, NULL);
	table.turn = 0;
}

static void mutex_answer(void)
{
	pthread_mutex_lock(&table.lock);
	for (;;) {
		while (table.turn == 0)
			pthread_cond_wait(&table.changed, &table.lock);
		if (table.turn == 2)
			break;
		table.value++;
		table.turn = 0;
		pthread_cond_signal(&table.changed);
	}
	pthread_mutex_unlock(&table.lock);
}

static uint64_t mutex_ask(uint64_t x)
{
	uint64_t answer;

	pthread_mutex_lock(&table.lock);
	table.value = x;
	table.turn = 1;
	pthread_cond_signal(&table.changed);
	while (table.turn == 1)
		pthread_cond_wait(&table.changed, &table.lock);
	answer = table.value;
	pthread_mutex_unlock(&table.lock);
	return answer;
}

static void mutex_close(void)
{
	pthread_mutex_lock(&table.lock);
	table.turn = 2;
	pthread_cond_signal(&table.changed);
	pthread_mutex_unlock(&table.lock);
}

static void nothing(void)
{
}

static const struct way {
	const char *name;
	void (*open)(void);
	void (*answer)(void);
	void (*start)(void);
	uint64_t (*ask)(uint64_t x);
	void (*close)(void);
	int share; /* one in so many of the trips: the slow one */
} ways[] = {
	{"duplex", duplex_open, duplex_answer, duplex_start, duplex_ask,
		duplex_close, 1},
	{"rendezvous", rendezvous_open, rendezvous_answer, nothing,
		rendezvous_ask, rendezvous_close, 1},
	{"mutex_cond", mutex_open, mutex_answer, nothing, mutex_ask,
		mutex_close, 20},
};

#define N_WAYS (sizeof(ways) / sizeof(*ways))

/* -- Running ------------------------------------------------------------------ */

static void pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *answer(void *argument)
{
	const struct way *way = argument;

	pin(1);
	way->answer();
	return NULL;
}

static double run(const struct way *way)
{
	long n = trips / way->share + 1;
	long warm_up = (trips < WARM_UP ? trips : WARM_UP) / way->share;
	pthread_t other;
	int64_t began = 0;

	way->open();
	if (pthread_create(&other, NULL, answer, (void *)(uintptr_t)way) != 0)
		bench_die("no thread");
	way->start();
	for (long i = -warm_up; i < n; i++) {
		if (i == 0)
			began = bench_now();
		if (way->ask((uint64_t)i) != (uint64_t)i + 1)
			bench_die("a wrong answer");
	}
	began = bench_now() - began;
	way->close();
	pthread_join(other, NULL);
	if (way->ask == rendezvous_ask) {
		weir_sender_free(there_tx);
		weir_receiver_free(there_rx);
		weir_sender_free(back_tx);
		weir_receiver_free(back_rx);
	}
	return (double)began / (double)n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Argument: round trips, 100,000 without. */
int main(int argc, char **argv)
{
	double ns[N_WAYS][REPETITIONS], line[REPETITIONS];

	if (argc > 1)
		trips = atol(argv[1]);
	pin(0);
	for (int r = 0; r < REPETITIONS; r++) {
		for (size_t w = 0; w < N_WAYS; w++)
			ns[w][r] = run(&ways[w]);
		/* The probe's second thread must get a CPU of its own. */
		cpu_set_t both;

		CPU_ZERO(&both);
		CPU_SET(0, &both);
		CPU_SET(1, &both);
		sched_setaffinity(0, sizeof(both), &both);
		line[r] = bench_line_ns();
		pin(0);
	}
	for (size_t w = 0; w < N_WAYS; w++) {
		qsort(ns[w], REPETITIONS, sizeof(double), compare);
		printf("%-11s %10.1f ns (%.1f to %.1f)\n", ways[w].name,
			ns[w][REPETITIONS / 2], ns[w][0],
			ns[w][REPETITIONS - 1]);
	}
	qsort(line, REPETITIONS, sizeof(double), compare);
	printf("two lines   %10.1f ns\n", 2 * line[REPETITIONS / 2]);
	return 0;
}
