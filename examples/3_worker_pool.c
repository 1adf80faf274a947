/* SPDX-License-Identifier: MIT */
/* A pool of workers whose shut-down is nothing but the ends of blocks: main's
 * inner block frees its ends, so the workers drain the jobs and return; the
 * last one frees its ends, so main's loop over the squares ends. */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

enum { WORKERS = 4, JOBS = 100 };
WEIR_TYPED(jobs, unsigned); /* jobs_send takes an unsigned * and no other */
#define OWNED(type) __attribute__((cleanup(type##_scope_end))) type

struct worker {
	jobs_receiver *jobs;
	weir_sender *squares;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *self = argument;
	OWNED(jobs_receiver) *jobs = self->jobs;
	WEIR_SENDER_SCOPED weir_sender *squares = self->squares;

	WEIR_TYPED_FOR_EACH (jobs, jobs, n) {
		if (weir_send(squares, &(unsigned){n * n}) != WEIR_OK)
			break;
	}
	return NULL;
}

int main(void)
{
	struct worker pool[WORKERS];
	unsigned sum = 0;
	WEIR_RECEIVER_SCOPED weir_receiver *squares = NULL;
	{
		OWNED(jobs_sender) *tx = NULL;
		OWNED(jobs_receiver) *rx = NULL;
		WEIR_SENDER_SCOPED weir_sender *out = NULL;

		if (jobs_open(8, &tx, &rx) ||
			weir_open(JOBS, sizeof(unsigned), &out, &squares))
			return 1;
		for (struct worker *w = pool; w < pool + WORKERS; w++) {
			if (jobs_receiver_clone(rx, &w->jobs) ||
				weir_sender_clone(out, &w->squares) ||
				pthread_create(&w->thread, NULL, work, w))
				return 1;
		}
		for (unsigned n = 1; n <= JOBS && !jobs_send(tx, &n); n++)
			;
	}
	WEIR_FOR_EACH (squares, unsigned, square)
		sum += square;
	for (struct worker *w = pool; w < pool + WORKERS; w++)
		pthread_join(w->thread, NULL);
	printf("The squares of 1 to %d sum up to %u\n", JOBS, sum);
	return 0;
}
