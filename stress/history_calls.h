/* SPDX-License-Identifier: MIT */
/* history_calls.h - calls that write down what they did. */
#ifndef STRESS_HISTORY_CALLS_H
#define STRESS_HISTORY_CALLS_H

#include "fifo_check.h"
#include "stress.h"

#define MAX_CHANNELS 3
#define MAX_BATCH 8
#define MAX_CASES 4

struct target {
	weir_sender *tx[FIFO_MAX_ENDPOINTS];
	weir_receiver *rx[FIFO_MAX_ENDPOINTS];
	struct fifo_channel shape;
	unsigned index;
};

/* What a round's threads may do beside plain calls. */
struct mixture {
	bool many, in_place, force, select, close;
};

struct actor {
	struct history_log log;
	struct stress_random random;
	struct target *targets;
	unsigned n_targets;
	struct mixture mixture;
	unsigned sends_in_8; /* so many of 8 calls send */
	uint64_t next;       /* the last element made */
	bool forcing;        /* in a force_send: what is dropped is displaced */
};

/* One call, at random.  Its status; of a select, its case's. */
int actor_call(struct actor *actor);

/* Close one endpoint of either side. */
void actor_close_sender(
	struct actor *actor, struct target *target, unsigned endpoint);
void actor_close_receiver(
	struct actor *actor, struct target *target, unsigned endpoint);

/* Fits weir_options.drop; the context is the target.  The thread that drops is
 * the one that has said who it is. */
void actor_drop(void *element, void *target);
void actor_is_me(struct actor *actor);

#endif
