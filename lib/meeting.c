/* SPDX-License-Identifier: MIT */
/* meeting.c - capacity 0: who meets whom.  All inside the gate.
 *
 * Who comes while somebody waits on the other side meets the oldest of those.
 * He needs no place in the queue for that, and nobody else can see him; also a
 * select, which is then inside all of its gates, and so need not be claimed.
 * Whoever may wait, and finds nobody, or too few for a send_many, joins the
 * queue of his side.  So there is never a pair in the queues that could meet:
 * I3 of channel.c.
 */
#include "channel.h"

/* A select does not meet itself. */
static bool could_meet(
	const struct waiter *sender, const struct waiter *receiver)
{
	return wi_waiter_is_live(sender) && wi_waiter_is_live(receiver) &&
	       (sender->selection == NULL ||
		       sender->selection != receiver->selection);
}

bool wi_channel_has_pair(struct channel *channel)
{
	struct wait_queue *senders = &channel->waiting[SENDING];
	struct wait_queue *receivers = &channel->waiting[RECEIVING];
	struct waiter *sender = NULL, *receiver;

	while ((sender = wi_wait_queue_next(senders, sender)) != NULL)
		for (receiver = NULL; (receiver = wi_wait_queue_next(
					       receivers, receiver)) != NULL;)
			if (could_meet(sender, receiver))
				return true;
	return false;
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
