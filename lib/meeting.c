/* SPDX-License-Identifier: MIT */
/* meeting.c - capacity 0: who meets whom.  All inside the gate.
 *
 * Who comes while somebody waits on the other side meets the oldest of those.
 * He needs no place in the queue for that, and nobody else can see him; also a
 * select that registers, which is inside all of its gates, and so need not be
 * claimed.  Whoever may wait, and finds nobody, or too few for a send_many,
 * joins the queue of his side: then nobody is left in the other one, but for
 * cases of his own select.  That is I3 of channel.c.
 */
#include "channel.h"

static bool all_belong_to(
	struct wait_queue *queue, const struct selection *selection)
{
	struct waiter *waiter = NULL;

	while ((waiter = wi_wait_queue_next(queue, waiter)) != NULL)
		if (waiter->selection != selection)
			return false;
	return true;
}

bool wi_channel_has_pair(struct channel *channel)
{
	struct wait_queue *senders = &channel->waiting[SENDING];
	struct wait_queue *receivers = &channel->waiting[RECEIVING];
	struct waiter *first = wi_wait_queue_first(senders);

	if (first == NULL || wi_wait_queue_first(receivers) == NULL)
		return false;
	return first->selection == NULL ||
	       !all_belong_to(senders, first->selection) ||
	       !all_belong_to(receivers, first->selection);
}

/* One element from or to the oldest who waits on the other side; it may be in
 * need of more.  NULL: nobody is there. */
static struct waiter *meet_oldest(
	struct channel *channel, enum side side, struct waiter *waiter)
{
	enum side other = wi_other_side(side);
	struct waiter *partner;

	while ((partner = wi_wait_queue_first(&channel->waiting[other])) !=
		NULL) {
		wi_waiter_prefetch(partner);
		if (!wi_waiter_claim(partner)) {
			wi_channel_forget(channel, other, partner);
			continue;
		}
		if (side == SENDING)
			wi_rendezvous_meet(&channel->queue, waiter, partner);
		else
			wi_rendezvous_meet(&channel->queue, partner, waiter);
		return partner;
	}
	return NULL;
}

bool wi_channel_meet(struct channel *channel, enum side side,
	struct waiter *waiter, struct list *decided)
{
	enum side other = wi_other_side(side);

	while (waiter->done < waiter->wanted) {
		struct waiter *partner = meet_oldest(channel, side, waiter);

		if (partner == NULL)
			break;
		/* A recv_many goes with what it has got when there is no more:
		 * if this sender has another one it is asked for that first. */
		if (partner->done == partner->wanted ||
			(side == SENDING && waiter->done == waiter->wanted))
			wi_channel_decide(
				channel, other, partner, WEIR_OK, decided);
	}
	return waiter->done > 0 &&
	       (side == RECEIVING || waiter->done == waiter->wanted);
}
