/* SPDX-License-Identifier: MIT */
/* fault_threads.c - 10,000 threads on one channel (-n: so many).
 *
 * All of them wait in recv; each is sent one element, in the order in which
 * they came; they wait again, and a close ends them.  Then all wait in send, to
 * a channel that is full, and are received one by one; they send again, and the
 * last receiver's close ends them.
 *
 * A span of 0 and not a try_ call: those who were served come back to the gate
 * in the middle, and a try_ call may then say WOULD_BLOCK.
 */
#include "fault.h"

#include <stdlib.h>
#include <string.h>

/* In `make check`; script/faults asks for 10,000. */
#define MANY 2000
/* ThreadSanitizer knows some 8,000 threads at most; both are slow. */
#define MANY_SANITIZED 300
#define STACK ((size_t)64 * 1024)

struct crowd {
	weir_sender *tx;
	weir_receiver *rx;
	unsigned count;
	bool to_send;
	_Atomic uint64_t sum;
	_Atomic unsigned served, ended;
};

struct member {
	struct crowd *crowd;
	uint64_t number;
	pthread_t thread;
};

static uint64_t elements;

static void *run_member(void *argument)
{
	struct member *member = argument;
	struct crowd *crowd = member->crowd;
	uint64_t element = member->number;
	int status, last;

	status = crowd->to_send ? weir_send(crowd->tx, &element)
				: weir_recv(crowd->rx, &element);
	stress_check(status == WEIR_OK, "the first call of %" PRIu64 ": %s",
		member->number, weir_status_name(status));
	if (!crowd->to_send)
		crowd->sum += element;
	crowd->served++;
	status = crowd->to_send ? weir_send(crowd->tx, &element)
				: weir_recv(crowd->rx, &element);
	last = crowd->to_send ? WEIR_BROKEN_RESOURCE : WEIR_END_OF_CHANNEL;
	stress_check(status == last, "the last call of %" PRIu64 ": %s",
		member->number, weir_status_name(status));
	crowd->ended++;
	return NULL;
}

static void start(struct crowd *crowd, struct member *members)
{
	pthread_attr_t attributes;
	unsigned n = 0;
	int error = 0;

	pthread_attr_init(&attributes);
	if (!FAULT_SANITIZED)
		pthread_attr_setstacksize(&attributes, STACK);
	for (; n < crowd->count && error == 0; n++) {
		members[n] = (struct member){.crowd = crowd, .number = n};
		error = pthread_create(&members[n].thread, &attributes,
			run_member, &members[n]);
		stress_progress();
	}
	pthread_attr_destroy(&attributes);
	if (error != 0)
		fault_skip("thread %u: %s", n, strerror(error));
}

static void wait_until_all_wait(const struct crowd *crowd, unsigned count)
{
	weir_statistics now;

	stress_doing("waiting until so many wait", count);
	do {
		fault_sleep(1000000);
		weir_sender_statistics(crowd->tx, &now);
		if (now.senders_waiting + now.receivers_waiting > 0)
			stress_progress();
	} while (now.senders_waiting + now.receivers_waiting != count);
}

static void join(struct crowd *crowd, struct member *members)
{
	stress_doing("joining", crowd->count);
	for (unsigned i = 0; i < crowd->count; i++) {
		pthread_join(members[i].thread, NULL);
		stress_progress();
	}
	stress_check(
		crowd->served == crowd->count && crowd->ended == crowd->count,
		"%u served and %u ended of %u", crowd->served, crowd->ended,
		crowd->count);
}

static uint64_t sum_below(uint64_t n)
{
	return n * (n - 1) / 2;
}

static void feed(struct crowd *crowd, struct member *members)
{
	start(crowd, members);
	wait_until_all_wait(crowd, crowd->count);
	for (uint64_t i = 0; i < crowd->count; i++) {
		stress_doing("feeding", i);
		stress_check(weir_send_for(crowd->tx, &i, 0) == WEIR_OK,
			"%" PRIu64 " was not sent though threads wait", i);
		stress_progress();
	}
	wait_until_all_wait(crowd, crowd->count);
	stress_check(crowd->sum == sum_below(crowd->count),
		"what came is not what was sent");
	weir_sender_close(crowd->tx);
	join(crowd, members);
}

/* The channel is full from the start, so that all wait. */
static void milk(struct crowd *crowd, struct member *members, size_t capacity)
{
	uint64_t element = 0, missing;

	for (size_t i = 0; i < capacity; i++)
		stress_check(weir_try_send(crowd->tx, &element) == WEIR_OK,
			"no room for %zu", i);
	start(crowd, members);
	wait_until_all_wait(crowd, crowd->count);
	for (unsigned i = 0; i < crowd->count; i++) {
		stress_doing("milking", i);
		stress_check(weir_recv_for(crowd->rx, &element, 0) == WEIR_OK,
			"%u were received of those that wait", i);
		crowd->sum += element;
		stress_progress();
	}
	wait_until_all_wait(crowd, crowd->count);
	/* One is still in a buffer of one. */
	missing = sum_below(crowd->count) - crowd->sum;
	stress_check(missing < (capacity == 0 ? 1 : crowd->count),
		"what came is not what was sent");
	weir_receiver_close(crowd->rx);
	join(crowd, members);
}

static void one_crowd(unsigned count, size_t capacity, bool to_send)
{
	struct member *members = calloc(count, sizeof *members);
	struct crowd crowd = {.count = count, .to_send = to_send};

	stress_check(members != NULL, "no memory");
	stress_describe("%u threads %s, capacity %zd", count,
		to_send ? "send" : "receive", (ptrdiff_t)capacity);
	stress_check(weir_open(capacity, sizeof(uint64_t), &crowd.tx,
			     &crowd.rx) == WEIR_OK,
		"open failed");
	stress_show(crowd.tx);
	if (to_send)
		milk(&crowd, members, capacity);
	else
		feed(&crowd, members);
	elements += count;
	stress_show(NULL);
	weir_sender_free(crowd.tx);
	weir_receiver_free(crowd.rx);
	free(members);
}

int main(int argc, char **argv)
{
	static const size_t capacities[] = {0, 1, WEIR_UNBOUNDED};
	unsigned count = FAULT_SANITIZED ? MANY_SANITIZED : MANY;
	struct stress_random random;

	stress_start(argc, argv, false);
	if (stress.count > 0)
		count = (unsigned)stress.count;
	while (stress_next_round(&random)) {
		bool to_send = stress_one_in(&random, 2);

		one_crowd(count,
			capacities[stress_below(&random, to_send ? 2 : 3)],
			to_send);
	}
	stress_finish("%u threads on one channel, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		count, elements);
	return 0;
}
