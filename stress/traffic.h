/* SPDX-License-Identifier: MIT */
/* traffic.h - every way to send against every way to receive.
 *
 * A round opens a channel of a random flavor and element size and lets random
 * numbers of threads at it, some through endpoints of their own and some
 * through a shared one, each with its own mixture of calls: waiting, trying,
 * time-outs of microseconds that race with deliveries, deadlines that have
 * passed, and batches.  In some rounds the receivers leave early, so that the
 * senders meet BROKEN_RESOURCE and the buffer is dropped.  When it is over each
 * element has been accounted for, and so has the memory.
 *
 * What goes on beside it is the program's business: nothing, or a fault.
 */
#ifndef STRESS_TRAFFIC_H
#define STRESS_TRAFFIC_H

#include "stress.h"

#define TRAFFIC_MAX_BATCH 16

/* What kind of rounds; all zero is the usual kind. */
struct traffic {
	const size_t *capacities, *sizes; /* to draw from; NULL: the usual */
	size_t n_capacities, n_sizes;
	size_t batch;   /* the most elements of one call; 0: 16 */
	uint32_t quota; /* the most elements of one sender; 0: 600 */
	/* Fail every so many-th allocation, from the first on; 0: none. */
	uint64_t fail_every;
	/* The channel is open and nobody has used it yet. */
	void (*opened)(weir_sender *tx, struct stress_random *random);
	/* Nobody uses it any more, and it is not freed yet. */
	void (*ending)(weir_sender *tx);
	bool no_figures; /* do not look at lengths and statistics */
};

void traffic_round(const struct traffic *kind, struct stress_random *random);

/* Accepted in all rounds so far; all of them received or dropped, once. */
uint64_t traffic_elements(void);

/* Allocations that have failed as they should. */
uint64_t traffic_failures(void);

/* -- Within ---------------------------------------------------------------- */

/* How one call is made; the order is that of the names in traffic_calls.c. */
enum call {
	WAIT,
	TRY,
	FOR,
	PAST,
	WAIT_MANY,
	TRY_MANY,
	FOR_MANY,
	PAST_MANY,
	N_CALLS,
	ANY = N_CALLS /* a thread that mixes them all */
};

struct round {
	const struct traffic *kind;
	size_t batch;
	size_t capacity;
	size_t element_size;
	weir_sender *tx;
	weir_receiver *rx;
	struct stress_ledger ledger;
	struct stress_memory memory;
	/* Endpoints that are open for sure: counted up after the open or
	 * clone, down before the close. */
	_Atomic unsigned open_senders;
	_Atomic unsigned open_receivers;
	/* Threads that may still use the shared endpoint of their side. */
	_Atomic unsigned sender_threads;
	_Atomic unsigned receiver_threads;
	_Atomic bool over;
};

struct worker {
	struct round *round;
	struct stress_random random;
	unsigned producer; /* senders */
	uint32_t quota;    /* elements to send, or to leave after */
	enum call call;
	unsigned nap_one_in; /* 0: never */
	weir_sender *tx;     /* own, or the round's */
	weir_receiver *rx;
	uint32_t next[STRESS_MAX_PRODUCERS];
	unsigned char *buffer;
	unsigned char *untouched; /* what the buffer is reset to */
};

/* Send the quota, and receive until the end or the quota. */
void traffic_send_all(struct worker *worker);
void traffic_receive_all(struct worker *worker);

#endif
