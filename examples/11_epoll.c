/* SPDX-License-Identifier: MIT */
/* An epoll server whose answers are made by workers: one thread waits for its
 * clients' sockets and for the workers' results at once, through the
 * descriptor of the results' receiver. */
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

enum { WORKERS = 2, CLIENTS = 4, QUESTIONS = 50 };

struct job {
	int client;
	int number;
};

struct worker {
	weir_receiver *jobs;
	weir_sender *results;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *self = argument;

	WEIR_FOR_EACH (self->jobs, struct job, job) {
		job.number *= job.number;
		if (weir_send(self->results, &job) != WEIR_OK)
			break;
	}
	return NULL;
}

/* Asks for squares, one after the other, and checks them. */
static void *ask(void *socket)
{
	int fd = *(int *)socket;

	for (int n = 1; n <= QUESTIONS; n++) {
		int square = n;

		if (write(fd, &square, sizeof square) != sizeof square ||
			read(fd, &square, sizeof square) != sizeof square ||
			square != n * n)
			return "wrong";
	}
	close(fd);
	return NULL;
}

static int watch(int set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* A question, or that the client has left. */
static int hear(int client, weir_sender *jobs)
{
	struct job job = {client, 0};

	if (read(client, &job.number, sizeof job.number) <= 0) {
		close(client);
		return 1;
	}
	return weir_send(jobs, &job) == WEIR_OK ? 0 : -1;
}

static int serve(int set, weir_sender *jobs, weir_receiver *results)
{
	int answers = 0, left = 0;

	while (left < CLIENTS) {
		struct epoll_event event;
		struct job job;

		if (epoll_wait(set, &event, 1, -1) != 1)
			return -1;
		if (event.data.fd != weir_receiver_fd(results)) {
			left += hear(event.data.fd, jobs);
			continue;
		}
		while (weir_try_recv(results, &job) == WEIR_OK) {
			if (write(job.client, &job.number, sizeof job.number) !=
				sizeof job.number)
				return -1;
			answers++;
		}
	}
	return answers;
}

int main(void)
{
	struct worker pool[WORKERS];
	int ends[CLIENTS][2], set = epoll_create1(0), answers;
	pthread_t clients[CLIENTS];
	weir_receiver *jobs, *results;
	weir_sender *asked, *answered;

	if (weir_open(WEIR_UNBOUNDED, sizeof(struct job), &asked, &jobs) ||
		weir_open(16, sizeof(struct job), &answered, &results) ||
		watch(set, weir_receiver_fd(results)))
		return 1;
	for (int i = 0; i < WORKERS; i++) {
		pool[i].jobs = jobs;
		pool[i].results = answered;
		pthread_create(&pool[i].thread, NULL, work, &pool[i]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]) ||
			watch(set, ends[i][0]))
			return 1;
		pthread_create(&clients[i], NULL, ask, &ends[i][1]);
	}
	answers = serve(set, asked, results);
	for (int i = 0; i < CLIENTS; i++) {
		void *wrong;

		pthread_join(clients[i], &wrong);
		if (wrong != NULL)
			return 1;
	}
	weir_sender_free(asked);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(pool[i].thread, NULL);
	weir_receiver_free(jobs);
	weir_receiver_free(results);
	weir_sender_free(answered);
	printf("%d answers to %d clients\n", answers, CLIENTS);
	return 0;
}
