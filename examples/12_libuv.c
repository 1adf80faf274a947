/* SPDX-License-Identifier: MIT */
/* A worker pool whose results wake a libuv loop: the loop's thread never waits
 * in a channel, and the workers never touch the loop.  When the workers are
 * through, the end of the channel makes the descriptor readable once more, and
 * the loop runs out of work. */
#include <pthread.h>
#include <stdio.h>
#include <uv.h>
#include <weir.h>

enum { WORKERS = 3, JOBS = 1000, TICK_MS = 1 };

struct worker {
	weir_receiver *jobs;
	weir_sender *results;
	pthread_t thread;
};

struct server {
	uv_poll_t results_ready;
	uv_timer_t heartbeat; /* something else that the loop does */
	weir_receiver *results;
	unsigned long sum, count;
};

static void *work(void *argument)
{
	struct worker *self = argument;
	WEIR_SENDER_SCOPED weir_sender *results = self->results;

	WEIR_FOR_EACH (self->jobs, unsigned, n) {
		if (weir_send(results, &(unsigned){n * n}) != WEIR_OK)
			break;
	}
	return NULL;
}

static void on_results(uv_poll_t *poll, int status, int events)
{
	struct server *server = poll->data;
	unsigned square;
	int received;

	(void)status;
	(void)events;
	while ((received = weir_try_recv(server->results, &square)) ==
		WEIR_OK) {
		server->sum += square;
		server->count++;
	}
	if (received == WEIR_END_OF_CHANNEL) {
		uv_close((uv_handle_t *)&server->results_ready, NULL);
		uv_close((uv_handle_t *)&server->heartbeat, NULL);
	}
}

static void on_heartbeat(uv_timer_t *timer)
{
	(void)timer;
}

static int run_loop(struct server *server)
{
	uv_loop_t loop;

	if (uv_loop_init(&loop) ||
		uv_poll_init(&loop, &server->results_ready,
			weir_receiver_fd(server->results)) ||
		uv_timer_init(&loop, &server->heartbeat))
		return 1;
	server->results_ready.data = server;
	uv_poll_start(&server->results_ready, UV_READABLE, on_results);
	uv_timer_start(&server->heartbeat, on_heartbeat, TICK_MS, TICK_MS);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

int main(void)
{
	struct server server = {.sum = 0};
	struct worker pool[WORKERS];
	weir_receiver *jobs;
	weir_sender *todo, *results;

	if (weir_open(WEIR_UNBOUNDED, sizeof(unsigned), &todo, &jobs) ||
		weir_open(8, sizeof(unsigned), &results, &server.results))
		return 1;
	for (unsigned n = 1; n <= JOBS; n++)
		if (weir_send(todo, &n) != WEIR_OK)
			return 1;
	weir_sender_free(todo);
	for (int i = 0; i < WORKERS; i++) {
		pool[i].jobs = jobs;
		if (weir_sender_clone(results, &pool[i].results) ||
			pthread_create(&pool[i].thread, NULL, work, &pool[i]))
			return 1;
	}
	weir_sender_free(results);
	if (run_loop(&server))
		return 1;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(pool[i].thread, NULL);
	weir_receiver_free(jobs);
	weir_receiver_free(server.results);
	printf("%lu squares, sum %lu\n", server.count, server.sum);
	return 0;
}
