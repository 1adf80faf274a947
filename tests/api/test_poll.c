/* SPDX-License-Identifier: MIT */
/* test_poll.c - a descriptor is readable while the operation would not block. */
#include "fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_readable(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) == 1;
}

static bool would_block(weir_case operation)
{
	size_t index;

	return weir_try_ready(&operation, 1, 0, &index) == WEIR_WOULD_BLOCK;
}

/* The level is the truth, at both ends. */
static void assert_levels(weir_sender *tx, weir_receiver *rx)
{
	weir_case sending = WEIR_SEND_CASE(tx, NULL);
	weir_case receiving = WEIR_RECV_CASE(rx, NULL);

	cr_assert(is_readable(weir_sender_fd(tx)) == !would_block(sending));
	cr_assert(is_readable(weir_receiver_fd(rx)) == !would_block(receiving));
}

static void step(weir_sender *tx, weir_receiver *rx, unsigned choice)
{
	uint64_t values[3 * 512], value;
	size_t count;
	int status = 0;

	switch (choice % 5) {
	case 0:
		status = try_send_value(tx, 1);
		break;
	case 1:
		status = try_recv_value(rx, &value);
		break;
	case 2:
		status = send_value_until(tx, 2, PAST);
		break;
	case 3:
		status = recv_value_until(rx, &value, PAST);
		break;
	default:
		if (element_size <= 4096)
			status = weir_try_recv_many(rx, values, 3, &count);
	}
	(void)status;
}

EVERY_FLAVOR(poll, level_is_the_truth_after_every_step)
{
	unsigned random = 12345;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_levels(tx, rx);
	for (int i = 0; i < 3000; i++) {
		random = random * 1103515245 + 12345;
		step(tx, rx, random >> 16);
		if (weir_sender_length(tx) > 2000)
			break;
		assert_levels(tx, rx);
	}
	weir_receiver_shut(rx);
	assert_levels(tx, rx);
	free_both(tx, rx);
}

EVERY_FLAVOR(poll, an_end_a_break_and_a_close_are_readable)
{
	weir_sender *tx, *copy;
	weir_receiver *rx;
	int sending, receiving;

	open_flavor(flavor, &tx, &rx);
	copy = clone_sender(tx);
	sending = weir_sender_fd(tx);
	receiving = weir_receiver_fd(rx);
	cr_assert(sending >= 0 && receiving >= 0 && sending != receiving);
	cr_assert(weir_sender_fd(tx) == sending);
	cr_assert(weir_sender_fd(copy) != sending);
	cr_assert(!is_readable(receiving));
	weir_sender_close(tx);
	cr_assert(is_readable(sending) && !is_readable(receiving));
	assert_status(weir_sender_fd(tx), WEIR_CLOSED_RESOURCE);
	weir_sender_close(copy);
	cr_assert(is_readable(receiving));
	weir_sender_free(copy);
	weir_sender_free(tx);
	cr_assert(fcntl(sending, F_GETFD) == -1, "closed with its endpoint");
	weir_receiver_free(rx);
	cr_assert(fcntl(receiving, F_GETFD) == -1);
	open_flavor(flavor, &tx, &rx);
	fill(tx);
	sending = weir_sender_fd(tx);
	weir_receiver_free(rx);
	cr_assert(is_readable(sending));
	weir_sender_free(tx);
}

RENDEZVOUS(poll, sees_a_partner_that_waits)
{
	weir_sender *tx;
	weir_receiver *rx, *copy;
	struct op op;

	open_flavor(flavor, &tx, &rx);
	op_send(&op, tx, 4);
	wait_until_senders_waiting(tx, 1);
	/* It is counted before it has told. */
	wait_until(is_readable(weir_receiver_fd(rx)));
	cr_assert(!is_readable(weir_sender_fd(tx)));
	assert_receives(rx, 4);
	assert_op(&op, WEIR_OK);
	cr_assert(!is_readable(weir_receiver_fd(rx)));
	copy = clone_receiver(rx);
	op_recv(&op, copy);
	wait_until_receivers_waiting(rx, 1);
	wait_until(is_readable(weir_sender_fd(tx)));
	weir_receiver_close(copy);
	assert_op(&op, WEIR_CLOSED_RESOURCE);
	cr_assert(!is_readable(weir_sender_fd(tx)));
	op_recv_until(&op, rx, weir_now() + MS);
	assert_op(&op, WEIR_TIMED_OUT);
	cr_assert(!is_readable(weir_sender_fd(tx)));
	weir_receiver_free(copy);
	free_both(tx, rx);
}

struct both_ends {
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(from);
	ELEMENT(into);
};

static int select_both_ends(void *argument)
{
	struct both_ends *it = argument;
	weir_case cases[] = {WEIR_RECV_CASE(it->rx, it->into),
		WEIR_SEND_CASE(it->tx, it->from)};
	size_t index = 9;
	int status = weir_select(cases, 2, 0, &index);

	return status != WEIR_OK ? status : (int)index;
}

RENDEZVOUS(poll, sees_a_select_that_waits_with_both_ends)
{
	struct both_ends it;
	struct task task;

	open_flavor(flavor, &it.tx, &it.rx);
	fill_element(it.from, 1);
	for (int end = 0; end < 2; end++) {
		task_start(&task, select_both_ends, &it);
		wait_until(is_readable(weir_sender_fd(it.tx)) &&
			   is_readable(weir_receiver_fd(it.rx)));
		if (end == 0)
			assert_sends(it.tx, 2);
		else
			assert_receives(it.rx, 1);
		cr_assert(task_join(&task) == end);
		assert_value(value_of(it.into), 2);
		cr_assert(!is_readable(weir_sender_fd(it.tx)));
		cr_assert(!is_readable(weir_receiver_fd(it.rx)));
	}
	free_both(it.tx, it.rx);
}

ONE_CASE(poll, bad_input)
{
	struct rlimit none = {0, 0}, all;
	weir_receiver *rx, *timer;
	weir_sender *tx;
	int saved;

	assert_status(weir_receiver_fd(NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_sender_fd(NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_after(1, &timer), WEIR_OK);
	assert_status(weir_receiver_fd(timer), WEIR_INVALID_ARGUMENT);
	weir_receiver_free(timer);
	assert_status(weir_open(1, 8, &tx, &rx), WEIR_OK);
	cr_assert(getrlimit(RLIMIT_NOFILE, &all) == 0);
	none.rlim_max = all.rlim_max;
	cr_assert(setrlimit(RLIMIT_NOFILE, &none) == 0);
	errno = saved = 77;
	assert_status(weir_receiver_fd(rx), WEIR_NO_MEMORY);
	cr_assert(errno == saved);
	cr_assert(setrlimit(RLIMIT_NOFILE, &all) == 0);
	cr_assert(weir_receiver_fd(rx) >= 0);
	free_both(tx, rx);
}

/* -- In traffic ------------------------------------------------------------- */

#define PRODUCERS 2
#define EACH 20000

struct traffic {
	weir_sender *tx;
	weir_receiver *rx;
	int fd;
	uint64_t count, sum;
};

static int produce(void *argument)
{
	struct traffic *traffic = argument;

	for (uint64_t i = 1; i <= EACH; i++)
		if (weir_send_for(traffic->tx, &i, patience_ns()) != WEIR_OK)
			return 1;
	return 0;
}

/* Sleeps in epoll only; takes what is there. */
static int consume(void *argument)
{
	struct traffic *traffic = argument;
	struct epoll_event event = {.events = EPOLLIN};
	int poll_fd = epoll_create1(0), status = WEIR_OK;
	uint64_t value;

	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, traffic->fd, &event) != 0)
		return 1;
	while (status != WEIR_END_OF_CHANNEL) {
		if (epoll_wait(poll_fd, &event, 1, (int)(patience_ns() / MS)) !=
			1) {
			status = 2; /* it was left unreadable */
			break;
		}
		while ((status = weir_try_recv(traffic->rx, &value)) ==
			WEIR_OK) {
			traffic->count++;
			traffic->sum += value;
		}
	}
	close(poll_fd);
	return status == WEIR_END_OF_CHANNEL ? 0 : status;
}

ONE_CASE(poll, no_element_is_left_behind_in_traffic)
{
	static const size_t capacities[] = {0, 1, 3, 64, WEIR_UNBOUNDED};

	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct traffic traffic = {NULL, NULL, -1, 0, 0};
		struct task producers[PRODUCERS], consumer;

		assert_status(
			weir_open(capacities[c], 8, &traffic.tx, &traffic.rx),
			WEIR_OK);
		traffic.fd = weir_receiver_fd(traffic.rx);
		task_start(&consumer, consume, &traffic);
		for (int i = 0; i < PRODUCERS; i++)
			task_start(&producers[i], produce, &traffic);
		for (int i = 0; i < PRODUCERS; i++)
			cr_assert(task_join(&producers[i]) == 0);
		weir_sender_close(traffic.tx);
		cr_assert(task_join(&consumer) == 0);
		cr_assert(traffic.count == PRODUCERS * EACH);
		cr_assert(traffic.sum ==
			  (uint64_t)EACH * (EACH + 1) / 2 * PRODUCERS);
		free_both(traffic.tx, traffic.rx);
	}
}
