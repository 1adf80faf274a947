/* SPDX-License-Identifier: MIT */
/* fault_cancel.c - threads that are cancelled, or exit, around their calls.
 *
 * No call is a cancellation point: a cancellation that comes in the middle of
 * one waits until the thread asks for it, and by then the call is done and
 * booked.  So threads come and go at a high rate, by pthread_cancel while they
 * are in a call or by pthread_exit after one, each is replaced by another, and
 * nothing is lost.  Some have a destructor of thread-specific data send once
 * more, when much of the thread is gone.
 */
#include "fault.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define LIVES 64 /* of a place, in one round */
#define PLACES 8
#define CALLS 400 /* of one thread, at most */

struct round {
	size_t capacity;
	weir_sender *tx;
	weir_receiver *rx;
	_Atomic uint64_t sent, sent_sum, received, received_sum;
};

/* One thread. */
struct life {
	struct round *round;
	struct stress_random random;
	uint64_t number;
	uint64_t next; /* element */
	bool to_send;
	pthread_t thread;
};

static pthread_key_t last_will;
static _Atomic uint64_t elements, cancelled, exited;

static uint64_t spread(uint64_t value)
{
	return value * UINT64_C(0x9e3779b97f4a7c15);
}

static void send_one(struct life *life, int64_t span)
{
	struct round *r = life->round;
	uint64_t element = life->number << 32 | ++life->next;
	int status = span == WEIR_FOREVER
			     ? weir_send(r->tx, &element)
			     : weir_send_for(r->tx, &element, span);

	if (status == WEIR_OK) {
		r->sent++;
		r->sent_sum += spread(element);
	} else {
		stress_check(status == WEIR_TIMED_OUT, "a send came to %s",
			weir_status_name(status));
	}
}

static int receive_one(struct round *r, int64_t span)
{
	uint64_t element;
	int status = span == WEIR_FOREVER
			     ? weir_recv(r->rx, &element)
			     : weir_recv_for(r->rx, &element, span);

	if (status == WEIR_OK) {
		r->received++;
		r->received_sum += spread(element);
	} else {
		stress_check(status == WEIR_TIMED_OUT ||
				     status == WEIR_END_OF_CHANNEL,
			"a receive came to %s", weir_status_name(status));
	}
	return status;
}

/* A destructor of thread-specific data. */
static void send_at_last(void *argument)
{
	send_one(argument, 0);
}

static void *live(void *argument)
{
	struct life *life = argument;
	int type;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	if (stress_one_in(&life->random, 4))
		pthread_setspecific(last_will, life);
	for (unsigned i = 0; i < CALLS; i++) {
		int64_t span = (int64_t)stress_below(&life->random, 200000);

		if (life->to_send)
			send_one(life, span);
		else
			receive_one(life->round, span);
		pthread_testcancel();
		if (stress_one_in(&life->random, CALLS / 4))
			pthread_exit(NULL);
	}
	return NULL;
}

static void be_born(
	struct life *life, struct round *r, struct stress_random *random)
{
	static uint64_t number;
	int error;

	memset(life, 0, sizeof *life);
	life->round = r;
	life->number = ++number;
	/* One after the other, of both kinds. */
	life->to_send = number % 2 == 0;
	stress_seed(&life->random, stress_draw(random));
	error = pthread_create(&life->thread, NULL, live, life);
	stress_check(error == 0, "pthread_create: %s", strerror(error));
}

static void die(struct life *life)
{
	void *result;

	/* It may have ended by itself. */
	pthread_cancel(life->thread);
	pthread_join(life->thread, &result);
	if (result == PTHREAD_CANCELED)
		cancelled++;
	else
		exited++;
	stress_progress();
}

static void drain(struct round *r)
{
	while (receive_one(r, WEIR_FOREVER) != WEIR_END_OF_CHANNEL)
		;
}

static void one_round(struct stress_random *random)
{
	static const size_t capacities[] = {0, 1, 3, 64, WEIR_UNBOUNDED};
	static struct life lives[PLACES];
	struct round r = {.capacity = capacities[stress_below(random, 5)]};
	weir_statistics now;

	stress_describe("capacity %zd", (ptrdiff_t)r.capacity);
	stress_check(weir_open(r.capacity, sizeof(uint64_t), &r.tx, &r.rx) ==
			     WEIR_OK,
		"open failed");
	stress_show(r.tx);
	for (unsigned i = 0; i < PLACES; i++)
		be_born(&lives[i], &r, random);
	for (unsigned i = 0; i < LIVES; i++) {
		struct life *life = &lives[stress_below(random, PLACES)];

		fault_sleep((int64_t)stress_below(random, 100000));
		die(life);
		be_born(life, &r, random);
	}
	for (unsigned i = 0; i < PLACES; i++)
		die(&lives[i]);
	weir_sender_statistics(r.tx, &now);
	stress_check(now.senders_waiting == 0 && now.receivers_waiting == 0,
		"%zu senders and %zu receivers wait that are gone",
		now.senders_waiting, now.receivers_waiting);
	weir_sender_close(r.tx);
	drain(&r);
	stress_check(r.sent == r.received && r.sent_sum == r.received_sum,
		"%" PRIu64 " were sent, %" PRIu64 " came", r.sent, r.received);
	elements += r.received;
	stress_show(NULL);
	weir_sender_free(r.tx);
	weir_receiver_free(r.rx);
}

int main(int argc, char **argv)
{
	struct stress_random random;

	stress_start(argc, argv, false);
	if (pthread_key_create(&last_will, send_at_last) != 0)
		stress_fail("pthread_key_create: %s", strerror(errno));
	while (stress_next_round(&random))
		one_round(&random);
	stress_finish("%" PRIu64 " threads cancelled, %" PRIu64
		      " exited, %" PRIu64 " elements, 0 lost, 0 doubled",
		cancelled, exited, elements);
	return 0;
}
