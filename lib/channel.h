/* SPDX-License-Identifier: MIT */
/* channel.h - a channel: a queue, and the waiting room of its two sides.
 *
 * Read doc/design.md for the picture.  In short: elements go through the queue
 * without a lock while nobody waits.  Who cannot go on enters the gate, stands
 * in the wait queue of its side, raises `attention`, and from then on is served
 * by others: whoever has put an element in, or taken one out, and sees that the
 * other side waits, settles the channel.
 */
#ifndef WI_CHANNEL_H
#define WI_CHANNEL_H

#include <weir/channel.h>

#include "backoff.h"
#include "gate.h"
#include "queue.h"
#include "rendezvous.h"
#include "ring.h"
#include "segment_list.h"
#include "waiter.h"

enum side { SENDING, RECEIVING };

struct side_state {
	struct wait_queue waiting; /* inside the gate */
	struct atomic_u64 open;    /* endpoints; changed inside the gate */
	struct backoff backoff;
};

struct channel {
	union {
		struct queue queue; /* what all three start with */
		struct ring ring;
		struct segment_list segment_list;
	};
	/* Bit 1 << side: somebody waits there.  Written inside the gate, read
	 * by everybody after each element: alone on its line. */
	cache_aligned struct atomic_u32 attention;
	cache_aligned struct gate gate;
	struct side_state sides[2];
	struct atomic_u32 references; /* endpoints that are not freed */
	struct dropper dropper;
	char *name;
};

/* One end. */
struct endpoint {
	struct channel *channel;
	struct atomic_u32 closed; /* written inside the gate */
};

/* Two types for the compiler to tell apart, and one for us. */
struct weir_sender {
	struct endpoint end;
};

struct weir_receiver {
	struct endpoint end;
};

/* NULL stays NULL.  That a sender is const does not make its channel so. */
static inline struct endpoint *wi_sender_end(const weir_sender *tx)
{
	return (struct endpoint *)(uintptr_t)tx;
}

static inline struct endpoint *wi_receiver_end(const weir_receiver *rx)
{
	return (struct endpoint *)(uintptr_t)rx;
}

/* 0 or -ENOMEM.  With no endpoints and no references yet. */
int wi_channel_create(const weir_options *options, struct channel **channel);

/* The last reference is gone. */
void wi_channel_destroy(struct channel *channel);

/* Does anybody wait on that side?  Also the second half of [sleep]. */
static inline bool wi_channel_waits(struct channel *channel, enum side side)
{
	/* seq_cst [sleep]: see channel.c. */
	return load_seq_cst(&channel->attention) & 1u << side;
}

/* After an element was put in or taken out, and the other side waits: settle,
 * or leave that to who is inside the gate.  Does not wait. */
void wi_channel_serve(struct channel *channel);

/* The gate.  What is decided inside is collected in a list; leaving settles
 * again if others have asked for it, then tells the decided. */
void wi_channel_enter(struct channel *channel, struct list *decided);
bool wi_channel_try_enter(struct channel *channel, struct list *decided);
void wi_channel_leave(struct channel *channel, struct list *decided);

/* All below: inside the gate. */

/* Queue a waiter as the youngest of its side. */
void wi_channel_queue(
	struct channel *channel, enum side side, struct waiter *waiter);

/* Serve whoever can be served, until nobody can. */
void wi_channel_settle(struct channel *channel, struct list *decided);

/* End a wait. */
void wi_channel_decide(struct channel *channel, enum side side,
	struct waiter *waiter, int status, struct list *decided);

/* The owner's time is up: take the waiter out.  False if it must stay, because
 * what it waits for is on its way, in the hands of a thread in the middle of
 * an operation: then it will be served, whatever the time. */
bool wi_channel_withdraw(
	struct channel *channel, enum side side, struct waiter *waiter);

#endif
