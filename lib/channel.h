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
#include "timer_queue.h"
#include "waiter.h"
#include "watcher.h"

enum side { SENDING, RECEIVING };

static inline enum side wi_other_side(enum side side)
{
	return side == SENDING ? RECEIVING : SENDING;
}

/* In `attention`, who on this side has something to hear of.  Who has put an
 * element in, or taken one out, looks there and serves. */
#define WAITS(side) ((uint32_t)1 << (side))   /* operations that wait */
#define WATCHED(side) ((uint32_t)4 << (side)) /* watchers, told: not ready */
#define TOLD(side) ((uint32_t)16 << (side))   /* watchers, told: ready */
#define GAPS ((uint32_t)64)                   /* aborted places in the queue */

struct side_state {
	struct list watchers;   /* inside the gate */
	bool any_overdue;       /* inside: may a waiter be overdue? */
	struct atomic_u64 open; /* endpoints; changed inside the gate */
	/* Written by each wait of this side, outside; on one CPU also inside,
	 * for others. */
	cache_aligned struct backoff backoff;
	struct atomic_u64 found_empty; /* after so many elements; a hint */
};

struct channel {
	union {
		struct queue queue; /* what all of them start with */
		struct ring ring;
		struct segment_list segment_list;
		struct timer_queue timer;
	};
	/* Written inside the gate (GAPS also outside), read by everybody after
	 * each element: alone on its line. */
	cache_aligned struct atomic_u32 attention;
	/* What everybody who waits writes, inside: on one line. */
	cache_aligned struct gate gate;
	struct wait_queue waiting[2]; /* by side */
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

/* 0 or -ENOMEM.  With no endpoints and no references yet.  With a schedule it
 * is a timer. */
int wi_channel_create(const weir_options *options,
	const struct schedule *schedule, struct channel **channel);

/* No reference is left; wi_channel_release calls it for the last one. */
void wi_channel_destroy(struct channel *channel);
void wi_channel_release(struct channel *channel);

/* What the queue would answer to an operation of that side, as can_push and
 * can_pop; at capacity 0 it only tells of the end. */
static inline int wi_channel_ask_queue(
	struct channel *channel, enum side side, uint64_t held)
{
	struct queue *queue = &channel->queue;

	return side == SENDING ? queue->ops->can_push(queue, held)
			       : queue->ops->can_pop(queue, held);
}

/* Does anybody wait on that side?  For who is not inside the gate, a hint. */
static inline bool wi_channel_waits(struct channel *channel, enum side side)
{
	/* relaxed, both: who is told yes asks again inside the gate.  Who is
	 * told no looks at the buffer; or is at capacity 0 a try_ call, which
	 * may miss somebody who has just come, or a select that looks around,
	 * and registers after that.  Who only stands (select_stand.h) counts
	 * here, too.  At a buffer the line of `attention` is at hand, and that
	 * of the gate would be taken away from who is inside. */
	if (channel->queue.capacity == 0)
		return load_relaxed(&channel->waiting[side].count) > 0;
	return load_relaxed(&channel->attention) & WAITS(side); /* relaxed */
}

/* Settle, or leave that to who is inside the gate.  Does not wait. */
void wi_channel_serve(struct channel *channel);

/* The same, for who has taken or put an element and found `news`. */
void wi_channel_serve_news(
	struct channel *channel, enum side side, uint32_t news);

/* After an element was put in, or a place came free: who must hear of it?  The
 * second half of [sleep]. */
static inline uint32_t wi_channel_news(struct channel *channel, enum side side)
{
	const uint32_t after_send =
		WAITS(RECEIVING) | WATCHED(RECEIVING) | TOLD(SENDING);
	const uint32_t after_recv =
		WAITS(SENDING) | WATCHED(SENDING) | TOLD(RECEIVING) | GAPS;

	/* seq_cst [sleep]: see channel.c. */
	return load_seq_cst(&channel->attention) &
	       (side == SENDING ? after_send : after_recv);
}

static inline void wi_channel_moved(struct channel *channel, enum side side)
{
	uint32_t news = wi_channel_news(channel, side);

	if (unlikely(news != 0))
		wi_channel_serve_news(channel, side, news);
}

/* A place was taken in hand: those whose deadline has passed need not stay for
 * it, and watchers may have something to hear. */
static inline void wi_channel_in_hand(struct channel *channel)
{
	/* seq_cst [sleep]: see channel.c. */
	if (load_seq_cst(&channel->attention) != 0)
		wi_channel_serve(channel);
}

/* The second step of who registers: what others have published before they can
 * know of us becomes visible.  Some microseconds if somebody is, or may be, in
 * the middle of an operation, else a look at both words.  R2 and R3 of
 * [sleep]. */
void wi_channel_catch_up(struct channel *channel, enum side side);

/* R2 alone, for a try_ call that has found nothing: if true, it must do R3 and
 * look again. */
bool wi_channel_may_have_missed(struct channel *channel, enum side side);

/* A place was aborted: somebody must move head past it. */
void wi_channel_aborted(struct channel *channel);

/* The gate.  What is decided inside is collected in a list; leaving settles
 * again if others have asked for it, then tells the decided.  Who is inside
 * several gates has entered them in the order of their addresses, uses one
 * list, and tells the decided once it has left them all. */
void wi_channel_enter(struct channel *channel, struct list *decided);
bool wi_channel_try_enter(struct channel *channel, struct list *decided);
void wi_channel_leave(struct channel *channel, struct list *decided);
void wi_channel_enter_too(struct channel *channel);
void wi_channel_leave_silently(struct channel *channel, struct list *decided);

/* All below: inside the gate. */

/* Queue a waiter as the youngest of its side, but before those who stand. */
void wi_channel_queue(
	struct channel *channel, enum side side, struct waiter *waiter);

/* Serve whoever can be served, until nobody can. */
void wi_channel_settle(struct channel *channel, struct list *decided);

/* Capacity 0: pair up with those who wait on the other side somebody who comes,
 * and stands in no queue yet.  True if his call is through; else he has to wait
 * for the rest. */
bool wi_channel_meet(struct channel *channel, enum side side,
	struct waiter *waiter, struct list *decided);

/* Do any wait on both sides that are not of one select?  See I3. */
bool wi_channel_has_pair(struct channel *channel);

/* Take out a waiter that has lost: another channel was faster. */
static inline void wi_channel_forget(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	wi_wait_queue_remove(&channel->waiting[side], waiter);
}

/* End a wait. */
void wi_channel_decide(struct channel *channel, enum side side,
	struct waiter *waiter, int status, struct list *decided);

/* The owner's time is up: take the waiter out.  False if it must stay, because
 * what it waits for is on its way, held up by a thread in the middle of an
 * operation: then it will be served, whatever the time, or told TIMED_OUT if it
 * turns out that this place is in hand. */
bool wi_channel_withdraw(
	struct channel *channel, enum side side, struct waiter *waiter);

/* The first half of that: must it stay?  NULL: must somebody who comes now? */
bool wi_channel_must_stay(
	struct channel *channel, enum side side, struct waiter *waiter);

/* Start and stop watching; `through` is NULL then.  Whoever is inside tells the
 * watcher, if it is ready, before it leaves; also after somebody has set `told`
 * to false again. */
void wi_channel_watch(
	struct channel *channel, enum side side, struct watcher *watcher);
void wi_channel_unwatch(struct watcher *watcher);

/* Before the gate is left: tell all watchers what has changed for them. */
void wi_channel_tell_watchers(struct channel *channel, struct list *decided);

/* What the operation would answer now, for somebody who comes; WEIR_WOULD_BLOCK
 * if others wait for it. */
int wi_channel_look(struct channel *channel, enum side side);
int wi_channel_look_inside(struct channel *channel, enum side side);

#endif
