/* SPDX-License-Identifier: MIT */
/* watch.c - watchers: see watcher.h.
 *
 * A channel with watchers has bits for them in `attention`:  WATCHED while one
 * of a side has been told that it is not ready, so that who makes it ready must
 * serve; TOLD while one that listens both ways has been told that it is, so
 * that who makes it not ready must.  They take part in [sleep] (channel.c) as
 * WAITS does: set the bit, catch up, then look again; TOLD needs no catching
 * up.  What only changes inside the gate (a close, a break, who waits) needs no
 * bit: whoever leaves the gate tells.
 */
#include "channel.h"

#define WATCH_BITS                                                             \
	(WATCHED(SENDING) | WATCHED(RECEIVING) | TOLD(SENDING) |               \
		TOLD(RECEIVING))

static bool somebody_waits(struct channel *channel, enum side side)
{
	struct wait_queue *waiting = &channel->waiting[side];
	struct waiter *waiter = NULL;

	while ((waiter = wi_wait_queue_next(waiting, waiter)) != NULL)
		if (wi_waiter_is_live(waiter))
			return true;
	return false;
}

/* Inside the gate, when nobody can be served: what an operation that comes now
 * would answer. */
int wi_channel_look_inside(struct channel *channel, enum side side)
{
	struct queue *queue = &channel->queue;

	/* First: a select may wait on both sides, and would meet who comes. */
	if (queue->capacity == 0 &&
		somebody_waits(channel, wi_other_side(side)))
		return WEIR_OK;
	if (somebody_waits(channel, side))
		return WEIR_WOULD_BLOCK;
	/* relaxed, both: HELD only changes inside the gate. */
	return side == SENDING
		       ? queue->ops->can_push(
				 queue, load_relaxed(&queue->tail) & HELD)
		       : queue->ops->can_pop(/* relaxed */
				 queue, load_relaxed(&queue->head) & HELD);
}

int wi_channel_look(struct channel *channel, enum side side)
{
	int status = wi_channel_ask_queue(channel, side, 0);
	struct list decided;

	if (status == WEIR_WOULD_BLOCK && channel->queue.capacity == 0 &&
		wi_channel_waits(channel, wi_other_side(side)) &&
		wi_channel_try_enter(channel, &decided)) {
		status = wi_channel_look_inside(channel, side);
		wi_channel_leave(channel, &decided);
	}
	return status;
}

/* Returns the bits that this side needs. */
static uint32_t tell_side(
	struct channel *channel, enum side side, struct list *decided)
{
	struct list *watchers = &channel->sides[side].watchers;
	struct list *node, *following;
	uint32_t bits = 0;
	bool ready, broken;

	if (list_is_empty(watchers))
		return 0;
	ready = wi_channel_look_inside(channel, side) != WEIR_WOULD_BLOCK;
	/* relaxed: BROKEN only changes inside the gate. */
	broken = load_relaxed(&channel->queue.tail) & BROKEN;
	list_for_each_safe (node, following, watchers) {
		struct watcher *watcher =
			container_of(node, struct watcher, node);
		/* relaxed: written inside the gate. */
		bool now = load_relaxed(&watcher->through->closed) ||
			   (watcher->only_broken ? broken : ready);

		if (now != watcher->told && (now || watcher->both_ways)) {
			watcher->told = now;
			watcher->tell(watcher, now, decided);
		}
		if (!watcher->told)
			bits |= watcher->only_broken ? 0 : WATCHED(side);
		else if (watcher->both_ways)
			bits |= TOLD(side);
	}
	return bits;
}

void wi_channel_tell_watchers(struct channel *channel, struct list *decided)
{
	for (;;) {
		uint32_t bits = tell_side(channel, SENDING, decided) |
				tell_side(channel, RECEIVING, decided);
		/* relaxed: these only change inside the gate. */
		uint32_t now = load_relaxed(&channel->attention) & WATCH_BITS;

		if (now & ~bits)
			/* Who still sees the bit serves for nothing: only
			 * setting it is part of [sleep]. */
			fetch_and_acq_rel(&channel->attention, ~(now & ~bits));
		if (!(bits & ~now))
			return;
		/* seq_cst [sleep]: R1; then look again, R4. */
		fetch_or_seq_cst(&channel->attention, bits & ~now);
		if (bits & ~now & WATCHED(SENDING))
			wi_channel_catch_up(channel, SENDING);
		if (bits & ~now & WATCHED(RECEIVING))
			wi_channel_catch_up(channel, RECEIVING);
	}
}

void wi_channel_watch(
	struct channel *channel, enum side side, struct watcher *watcher)
{
	watcher->told = false;
	list_append(&channel->sides[side].watchers, &watcher->node);
}

void wi_channel_unwatch(struct watcher *watcher)
{
	list_remove(&watcher->node);
	watcher->through = NULL;
}
