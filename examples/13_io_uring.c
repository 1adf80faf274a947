/* SPDX-License-Identifier: MIT */
/* A channel in an io_uring: a poll operation on the receiver's descriptor
 * completes when there is something to receive, or the channel has ended.  Where
 * the kernel refuses io_uring this says so and does nothing. */
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <weir.h>

enum { COUNT = 10000 };

static void *produce(void *argument)
{
	WEIR_SENDER_SCOPED weir_sender *tx = argument;

	for (unsigned n = 1; n <= COUNT; n++)
		if (weir_send(tx, &n) != WEIR_OK)
			break;
	return NULL;
}

/* One poll operation, from submission to completion. */
static int wait_readable(struct io_uring *ring, int fd)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);
	struct io_uring_cqe *done;
	int result;

	io_uring_prep_poll_add(entry, fd, POLLIN);
	if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &done) != 0)
		return -1;
	result = done->res;
	io_uring_cqe_seen(ring, done);
	return result;
}

int main(void)
{
	unsigned long sum = 0;
	struct io_uring ring;
	weir_receiver *rx;
	weir_sender *tx;
	pthread_t thread;
	unsigned n;
	int status = io_uring_queue_init(4, &ring, 0);

	if (status != 0) {
		printf("skipped: no io_uring here (%s)\n", strerror(-status));
		return 0;
	}
	if (weir_open(16, sizeof n, &tx, &rx) ||
		pthread_create(&thread, NULL, produce, tx))
		return 1;
	do {
		if (wait_readable(&ring, weir_receiver_fd(rx)) < 0)
			return 1;
		while ((status = weir_try_recv(rx, &n)) == WEIR_OK)
			sum += n;
	} while (status != WEIR_END_OF_CHANNEL);
	pthread_join(thread, NULL);
	weir_receiver_free(rx);
	io_uring_queue_exit(&ring);
	printf("the numbers to %d sum up to %lu\n", COUNT, sum);
	return 0;
}
