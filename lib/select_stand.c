/* SPDX-License-Identifier: MIT */
/* select_stand.c - see select_stand.h.
 *
 * The element is in one queue at most: it is taken out, inside that gate,
 * before the select looks, or registers, anywhere else.  Who stands is behind
 * all who wait there (waiter.c), so it acts at the instant at which its partner
 * comes, and not before.
 */
#include "select_stand.h"

#include "case.h"

/* A case to stand for, or count. */
static size_t find_send(const struct select_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[call->order[i]];

		if (choice->kind == WEIR_CASE_SEND &&
			wi_case_end(choice) != NULL)
			return call->order[i];
	}
	return call->count;
}

/* Is there a partner at a channel other than this one?  A hint. */
static bool somebody_waits(
	const struct select_call *call, const struct channel *here)
{
	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[i];
		const struct endpoint *end = wi_case_end(choice);

		if (end != NULL && end->channel != here &&
			choice->kind != WEIR_CASE_BROKEN &&
			wi_channel_waits(end->channel,
				wi_other_side(wi_case_side(choice))))
			return true;
	}
	return false;
}

/* Until served, for who stands here; who stands nowhere has no parker. */
static enum stand look_around(const struct select_call *call, struct spin *spin,
	const struct channel *here, const struct parker *parker)
{
	do {
		if (parker != NULL && wi_parker_is_done(parker))
			return SERVED;
		if (somebody_waits(call, here))
			return SOMEBODY_WAITS;
	} while (wi_spin_can_pause(spin) && wi_spin(spin));
	return IN_VAIN;
}

/* Inside the gate: nobody stands where it would be in vain, or where watchers
 * would be told of it, and of its end. */
static bool may_stand(const struct endpoint *end)
{
	struct channel *channel = end->channel;

	/* relaxed: written inside the gate. */
	return !load_relaxed(&end->closed) &&
	       wi_channel_ask_queue(channel, SENDING, 0) == WEIR_WOULD_BLOCK &&
	       list_is_empty(&channel->sides[RECEIVING].watchers);
}

/* Take one's place.  False: `found` says why there is no need. */
static bool line_up(
	struct endpoint *end, struct plain_waiter *plain, enum stand *found)
{
	struct channel *channel = end->channel;
	bool stands = false;
	struct list decided;

	wi_channel_enter(channel, &decided);
	if (!may_stand(end)) {
		*found = IN_VAIN;
	} else if (wi_channel_meet(
			   channel, SENDING, &plain->waiter, &decided)) {
		*found = SERVED;
	} else {
		wi_channel_queue(channel, SENDING, &plain->waiter);
		stands = true;
	}
	wi_channel_leave(channel, &decided);
	return stands;
}

/* Give it up.  False: it has been served. */
static bool step_out(struct channel *channel, struct plain_waiter *plain)
{
	struct list decided;
	bool queued;

	wi_channel_enter(channel, &decided);
	queued = plain->waiter.queued;
	if (queued)
		wi_wait_queue_remove(
			&channel->waiting[SENDING], &plain->waiter);
	wi_channel_leave(channel, &decided);
	return queued;
}

/* As wi_select_stand, in the place of a sender; `status`: of the case. */
static enum stand stand(const struct select_call *call, struct spin *spin,
	const weir_case *choice, int *status)
{
	struct endpoint *end = wi_case_end(choice);
	struct plain_waiter plain;
	enum stand found;

	wi_parker_init(&plain.parker);
	wi_waiter_init(
		&plain.waiter, end, wi_case_element(choice), 1, &plain.parker);
	plain.waiter.stands = true;
	(void)wi_waiter_keep_small(
		&plain.waiter, true, end->channel->queue.element_size);
	*status = WEIR_OK;
	if (!line_up(end, &plain, &found))
		return found;
	found = look_around(call, spin, end->channel, &plain.parker);
	if (found != SERVED && step_out(end->channel, &plain))
		return found;
	/* Who has served it is about to say so. */
	(void)wi_parker_park(&plain.parker, spin, WEIR_FOREVER);
	*status = plain.parker.status;
	return SERVED;
}

enum stand wi_select_stand(
	struct select_call *call, struct spin *spin, size_t *index)
{
	size_t at = find_send(call);
	enum stand found;
	int status;

	if (at == call->count)
		return look_around(call, spin, NULL, NULL);
	found = stand(call, spin, &call->cases[at], &status);
	if (found == SERVED) {
		call->cases[at].status = status;
		*index = at;
	}
	return found;
}
