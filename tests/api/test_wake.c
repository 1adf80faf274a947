/* SPDX-License-Identifier: MIT */
/* test_wake.c - every way to send wakes every way to wait in recv, and so on.
 *
 * In other libraries one call of several forgot: try_send did not wake a
 * waiting receiver, only send did; or a release after a close woke nobody.
 */
#include "fixture.h"

typedef int send_way(weir_sender *tx, const void *element);
typedef int recv_way(weir_receiver *rx, void *element);

/* The count says 1 if and only if it is WEIR_OK; no status is 1. */
static int counted(int status, size_t n)
{
	return n == (status == WEIR_OK ? 1 : 0) ? status : 1;
}

static int by_send_until(weir_sender *tx, const void *element)
{
	return weir_send_until(tx, element, patience_from_now());
}

static int by_send_for(weir_sender *tx, const void *element)
{
	return weir_send_for(tx, element, patience_ns());
}

static int by_send_many(weir_sender *tx, const void *element)
{
	size_t n = 77;
	int status = weir_send_many(tx, element, 1, &n);

	return counted(status, n);
}

static int by_send_many_until(weir_sender *tx, const void *element)
{
	size_t n = 77;
	int status =
		weir_send_many_until(tx, element, 1, &n, patience_from_now());

	return counted(status, n);
}

static int by_send_many_for(weir_sender *tx, const void *element)
{
	size_t n = 77;
	int status = weir_send_many_for(tx, element, 1, &n, patience_ns());

	return counted(status, n);
}

static int by_try_send_many(weir_sender *tx, const void *element)
{
	size_t n = 77;
	int status = weir_try_send_many(tx, element, 1, &n);

	return counted(status, n);
}

static int by_recv_until(weir_receiver *rx, void *element)
{
	return weir_recv_until(rx, element, patience_from_now());
}

static int by_recv_for(weir_receiver *rx, void *element)
{
	return weir_recv_for(rx, element, patience_ns());
}

static int by_recv_many(weir_receiver *rx, void *element)
{
	size_t n = 77;
	int status = weir_recv_many(rx, element, 1, &n);

	return counted(status, n);
}

static int by_recv_many_until(weir_receiver *rx, void *element)
{
	size_t n = 77;
	int status =
		weir_recv_many_until(rx, element, 1, &n, patience_from_now());

	return counted(status, n);
}

static int by_recv_many_for(weir_receiver *rx, void *element)
{
	size_t n = 77;
	int status = weir_recv_many_for(rx, element, 1, &n, patience_ns());

	return counted(status, n);
}

static int by_try_recv_many(weir_receiver *rx, void *element)
{
	size_t n = 77;
	int status = weir_try_recv_many(rx, element, 1, &n);

	return counted(status, n);
}

static int by_recv_sized(weir_receiver *rx, void *element)
{
	return weir_recv_sized(rx, element, element_size);
}

/* Those that wait come first. */
#define N_WAITING_SENDS 6
static send_way *const sends[] = {weir_send, by_send_until, by_send_for,
	by_send_many, by_send_many_until, by_send_many_for, weir_try_send,
	by_try_send_many};
#define N_WAITING_RECVS 7
static recv_way *const recvs[] = {weir_recv, by_recv_until, by_recv_for,
	by_recv_many, by_recv_many_until, by_recv_many_for, by_recv_sized,
	weir_try_recv, by_try_recv_many};

/* -- One of them in a thread ------------------------------------------------ */

struct party {
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;
	send_way *send;
	recv_way *recv;
	ELEMENT(element);
};

static int run_party(void *argument)
{
	struct party *party = argument;

	if (party->send != NULL)
		return party->send(party->tx, party->element);
	return party->recv(party->rx, party->element);
}

static void start_recv(struct party *party, weir_receiver *rx, recv_way *way)
{
	party->rx = rx;
	party->recv = way;
	party->send = NULL;
	task_start(&party->task, run_party, party);
	wait_until_receivers_waiting(rx, 1);
}

static void start_send(
	struct party *party, weir_sender *tx, send_way *way, uint64_t value)
{
	party->tx = tx;
	party->send = way;
	fill_element(party->element, value);
	task_start(&party->task, run_party, party);
	wait_until_senders_waiting(tx, 1);
}

/* A try_ call may find the other about to fall asleep. */
static void send_by(weir_sender *tx, send_way *way, uint64_t value)
{
	ELEMENT(element);
	int status;

	fill_element(element, value);
	wait_until((status = way(tx, element)) != WEIR_WOULD_BLOCK);
	assert_status(status, WEIR_OK);
}

static uint64_t recv_by(weir_receiver *rx, recv_way *way)
{
	ELEMENT(element);
	int status;

	wait_until((status = way(rx, element)) != WEIR_WOULD_BLOCK);
	assert_status(status, WEIR_OK);
	return value_of(element);
}

/* -- Tests ------------------------------------------------------------------- */

EVERY_FLAVOR(wake, every_way_to_send_wakes_every_way_to_wait_in_recv)
{
	static struct party party;
	uint64_t value = 0;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (size_t r = 0; r < N_WAITING_RECVS; r++)
		for (size_t s = 0; s < LENGTH(sends); s++) {
			start_recv(&party, rx, recvs[r]);
			send_by(tx, sends[s], ++value);
			assert_status(task_join(&party.task), WEIR_OK);
			assert_value(value_of(party.element), value);
		}
	free_both(tx, rx);
}

CAN_BE_FULL(wake, every_way_to_receive_wakes_every_way_to_wait_in_send)
{
	static struct party party;
	uint64_t in, out = 0;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	in = fill(tx);
	for (size_t s = 0; s < N_WAITING_SENDS; s++)
		for (size_t r = 0; r < LENGTH(recvs); r++) {
			start_send(&party, tx, sends[s], in++);
			assert_value(recv_by(rx, recvs[r]), out++);
			assert_status(task_join(&party.task), WEIR_OK);
		}
	while (out < in)
		assert_receives_now(rx, out++);
	free_both(tx, rx);
}

EVERY_FLAVOR(wake, every_way_to_wait_in_recv_hears_of_every_close)
{
	static struct party party;

	for (size_t r = 0; r < 3 * N_WAITING_RECVS; r++) {
		int want =
			r % 3 == 0 ? WEIR_CLOSED_RESOURCE : WEIR_END_OF_CHANNEL;
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		start_recv(&party, rx, recvs[r / 3]);
		if (r % 3 == 0)
			weir_receiver_close(rx);
		else if (r % 3 == 1)
			weir_sender_close(tx);
		else
			weir_receiver_shut(rx);
		assert_status(task_join(&party.task), want);
		free_both(tx, rx);
	}
}

CAN_BE_FULL(wake, every_way_to_wait_in_send_hears_of_every_close)
{
	static struct party party;

	for (size_t s = 0; s < 3 * N_WAITING_SENDS; s++) {
		int want = s % 3 == 0 ? WEIR_CLOSED_RESOURCE
				      : WEIR_BROKEN_RESOURCE;
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		fill(tx);
		start_send(&party, tx, sends[s / 3], 1);
		if (s % 3 == 0)
			weir_sender_close(tx);
		else if (s % 3 == 1)
			weir_receiver_close(rx);
		else
			weir_receiver_shut(rx);
		/* `_many`: nothing of it got in, which `counted` has seen. */
		assert_status(task_join(&party.task), want);
		free_both(tx, rx);
	}
}
