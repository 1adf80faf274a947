/* SPDX-License-Identifier: MIT */
/* A worker that can be cancelled while it waits for any of several things:
 * closing the sender of `stop` makes that case ready in every select that has
 * it, so one close stops all workers, and none needs a flag or a signal. */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

enum { WORKERS = 3 };

struct worker {
	weir_receiver *urgent, *normal, *stop;
	pthread_t thread;
	unsigned done;
};

static void *work(void *argument)
{
	struct worker *self = argument;
	unsigned job;
	size_t i;
	weir_case cases[] = {
		WEIR_RECV_CASE(self->urgent, &job),
		WEIR_RECV_CASE(self->normal, &job),
		WEIR_RECV_CASE(self->stop, NULL),
	};

	while (weir_select(cases, 3, WEIR_SELECT_BIASED, &i) == WEIR_OK) {
		if (cases[i].status == WEIR_OK)
			self->done++;
		else if (i == 2)
			break; /* END_OF_CHANNEL: told to stop */
		else
			cases[i].rx =
				NULL; /* this one has ended: never ready */
	}
	return NULL;
}

int main(void)
{
	WEIR_RECEIVER_SCOPED weir_receiver *urgent = NULL, *normal = NULL;
	WEIR_RECEIVER_SCOPED weir_receiver *stopped = NULL;
	WEIR_SENDER_SCOPED weir_sender *hurry = NULL, *jobs = NULL;
	weir_sender *stop;
	struct worker pool[WORKERS];
	unsigned done = 0;

	if (weir_open(0, sizeof(unsigned), &hurry, &urgent) ||
		weir_open(4, sizeof(unsigned), &jobs, &normal) ||
		weir_open(0, 0, &stop, &stopped))
		return 1;
	for (int w = 0; w < WORKERS; w++) {
		pool[w] = (struct worker){urgent, normal, stopped, 0, 0};
		if (pthread_create(&pool[w].thread, NULL, work, &pool[w]))
			return 1;
	}
	for (unsigned n = 0; n < 100; n++)
		if (weir_send(n % 4 == 0 ? hurry : jobs, &n) != WEIR_OK)
			return 1;
	/* All 100 are taken; the workers wait in their selects. */
	while (weir_sender_length(jobs) > 0)
		;
	weir_sender_free(stop);
	for (int w = 0; w < WORKERS; w++) {
		pthread_join(pool[w].thread, NULL);
		done += pool[w].done;
	}
	printf("%u jobs done, %d workers stopped\n", done, WORKERS);
	return 0;
}
