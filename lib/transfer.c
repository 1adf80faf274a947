/* SPDX-License-Identifier: MIT */
/* transfer.c - see transfer.h.
 *
 * Three stages, each dearer than the one before: take what is there; look again
 * for a moment, unregistered, which costs nobody else anything; register, spin
 * on one's own word, and sleep.
 */
#include "transfer.h"

#include <errno.h>

#include "clock.h"

/* Pauses between two looks, at most: the line that the other side writes is
 * left alone for a while. */
#define LONGEST_PAUSE 32

/* Move what can be moved at once. */
static int move_now(struct channel *channel, enum side side,
	unsigned char *elements, size_t count, size_t *done)
{
	size_t size = channel->queue.element_size;
	int status = WEIR_OK;

	while (*done < count && status == WEIR_OK) {
		status =
			wi_transfer_now(channel, side, elements + *done * size);
		if (status == WEIR_OK)
			++*done;
	}
	/* recv_many: what was there is enough. */
	return side == RECEIVING && *done > 0 ? WEIR_OK : status;
}

/* Stand in the queue until served, or until time is up.  Adds to *done. */
static int stand_and_wait(struct endpoint *end, enum side side, void *elements,
	size_t count, size_t *done, uint32_t spin, uint32_t *spun,
	int64_t deadline)
{
	struct channel *channel = end->channel;
	bool withdrawn = false;
	struct waiter waiter;
	struct list decided;
	uint32_t more = 0;

	wi_waiter_init(&waiter, end, elements, count);
	wi_channel_enter(channel, &decided);
	/* relaxed: written inside the gate. */
	if (load_relaxed(&end->closed)) {
		wi_channel_leave(channel, &decided);
		return WEIR_CLOSED_RESOURCE;
	}
	wi_channel_queue(channel, side, &waiter);
	wi_channel_settle(channel, &decided);
	if (waiter.queued && wi_deadline_passed(deadline))
		withdrawn = wi_channel_withdraw(channel, side, &waiter);
	wi_channel_leave(channel, &decided);

	while (!withdrawn && !wi_waiter_park(&waiter, spin, &more, deadline)) {
		*spun += more;
		wi_channel_enter(channel, &decided);
		if (waiter.queued)
			withdrawn = wi_channel_withdraw(channel, side, &waiter);
		wi_channel_leave(channel, &decided);
		/* If it was decided before, or cannot be withdrawn, DONE comes
		 * by itself. */
		deadline = WEIR_FOREVER;
		spin = 0;
	}
	*spun += more;
	*done += waiter.done;
	return withdrawn ? WEIR_TIMED_OUT : waiter.status;
}

/* Capacity 0, and must not wait: is a partner waiting? */
static int try_to_meet(struct endpoint *end, enum side side, void *elements,
	size_t count, size_t *done)
{
	struct channel *channel = end->channel;
	struct waiter waiter;
	struct list decided;

	if (!wi_channel_waits(channel, side == SENDING ? RECEIVING : SENDING) ||
		!wi_channel_try_enter(channel, &decided))
		return WEIR_WOULD_BLOCK;
	/* relaxed: written inside the gate. */
	if (load_relaxed(&end->closed)) {
		wi_channel_leave(channel, &decided);
		return WEIR_CLOSED_RESOURCE;
	}
	wi_waiter_init(&waiter, end, elements, count);
	wi_channel_queue(channel, side, &waiter);
	wi_channel_settle(channel, &decided);
	if (waiter.queued && wi_channel_withdraw(channel, side, &waiter))
		waiter.status = WEIR_WOULD_BLOCK;
	wi_channel_leave(channel, &decided);
	*done += waiter.done;
	return waiter.status;
}

/* Look again and again, for up to `spin` pauses; *spun says for how many. */
static int look_again(struct channel *channel, enum side side,
	unsigned char *elements, size_t count, size_t *done, uint32_t spin,
	uint32_t *spun)
{
	int status = WEIR_WOULD_BLOCK;
	uint32_t pause = 1;

	for (*spun = 0; *spun < spin && status == WEIR_WOULD_BLOCK;
		*spun += pause) {
		for (uint32_t i = 0; i < pause; i++)
			cpu_pause();
		if (pause < LONGEST_PAUSE)
			pause *= 2;
		if (wi_channel_waits(channel, side))
			break; /* they come first: join them */
		status = move_now(channel, side, elements, count, done);
	}
	return status;
}

/* Wait, with a spin first as long as has paid lately. */
static int wait(struct endpoint *end, enum side side, unsigned char *elements,
	size_t count, size_t *done, int64_t deadline)
{
	struct channel *channel = end->channel;
	struct backoff *backoff = &channel->sides[side].backoff;
	size_t size = channel->queue.element_size;
	uint32_t spin = 0, spun = 0;
	int status = WEIR_WOULD_BLOCK;

	if (!wi_deadline_passed(deadline))
		spin = wi_backoff_budget(backoff);
	if (channel->queue.capacity > 0)
		status = look_again(
			channel, side, elements, count, done, spin / 2, &spun);
	if (status == WEIR_WOULD_BLOCK)
		status = stand_and_wait(end, side, elements + *done * size,
			count - *done, done, spin > spun ? spin - spun : 0,
			&spun, deadline);
	if (spin > 0)
		wi_backoff_learn(backoff, spun, spun < spin);
	return status;
}

int wi_transfer(struct endpoint *end, enum side side, void *elements,
	size_t count, size_t *done, enum patience patience, int64_t deadline)
{
	static unsigned char nothing; /* what an element of size 0 lies in */
	struct channel *channel = end->channel;
	unsigned char *at = elements != NULL ? elements : &nothing;
	int status;

	*done = 0;
	status = move_now(channel, side, at, count, done);
	if (status == WEIR_WOULD_BLOCK && patience == MAY_WAIT)
		status = wait(end, side, at, count, done, deadline);
	else if (status == WEIR_WOULD_BLOCK && channel->queue.capacity == 0)
		status = try_to_meet(end, side, at, count, done);
	/* The end of a channel is news for who is open; who is closed hears
	 * that first.  acquire [closed]: as in wi_transfer_check. */
	if ((status == WEIR_BROKEN_RESOURCE || status == WEIR_END_OF_CHANNEL) &&
		load_acquire(&end->closed))
		status = WEIR_CLOSED_RESOURCE;
	return status;
}
