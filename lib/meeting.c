/* SPDX-License-Identifier: MIT */
/* meeting.c - capacity 0: who meets whom.  All inside the gate.
 *
 * Who waits on the one side meets who waits on the other, the oldest first.  A
 * plain send or receive that comes while somebody waits for it needs no place
 * in the queue for that, and nobody else can see it.  Whoever may wait, and
 * finds nobody, or too few for a send_many, joins the queue of his side.
 */
#include "channel.h"

/* The oldest two that may meet: a select does not pair with itself. */
static bool find_pair(struct channel *channel, struct waiter **sender,
	struct waiter **receiver)
{
	struct wait_queue *senders = &channel->waiting[SENDING];
	struct wait_queue *receivers = &channel->waiting[RECEIVING];

	/* Many may wait on the one side: not to be looked through in vain. */
	if (wi_wait_queue_first(receivers) == NULL)
		return false;
	for (*sender = NULL;
		(*sender = wi_wait_queue_next(senders, *sender)) != NULL;)
		for (*receiver = NULL; (*receiver = wi_wait_queue_next(
						receivers, *receiver)) != NULL;)
			if ((*sender)->selection == NULL ||
				(*sender)->selection != (*receiver)->selection)
				return true;
	return false;
}

static bool is_registering(const struct waiter *waiter)
{
	return waiter->selection != NULL && waiter->selection->registering;
}

/* Make both ours, or neither.  By I3 two selects that are live meet here only
 * while one of them is registering; that is this thread (selection.h), and
 * nobody else can claim it.  So the other is claimed first, and then the pair
 * cannot fail.  Before anything is claimed, dead ones are put aside: a select
 * with two cases here leaves one when the other is decided. */
static bool claim_pair(
	struct channel *channel, struct waiter *sender, struct waiter *receiver)
{
	bool sender_last = is_registering(sender);

	if (!wi_waiter_is_live(receiver)) {
		wi_channel_forget(channel, RECEIVING, receiver);
		return false;
	}
	if (!wi_waiter_is_live(sender) ||
		(!sender_last && !wi_waiter_claim(sender))) {
		wi_channel_forget(channel, SENDING, sender);
		return false;
	}
	if (!wi_waiter_claim(receiver)) {
		/* Then the sender is plain, or still to be claimed. */
		wi_channel_forget(channel, RECEIVING, receiver);
		return false;
	}
	return !sender_last || wi_waiter_claim(sender);
}

/* A recv_many that has got something, and nobody else is there to meet. */
static void let_go_of_the_served(struct channel *channel, struct list *decided)
{
	struct wait_queue *receivers = &channel->waiting[RECEIVING];
	struct waiter *receiver, *next;

	for (receiver = wi_wait_queue_first(receivers); receiver != NULL;
		receiver = next) {
		next = wi_wait_queue_next(receivers, receiver);
		if (receiver->done > 0)
			wi_channel_decide(
				channel, RECEIVING, receiver, WEIR_OK, decided);
	}
}

void wi_channel_let_meet(struct channel *channel, struct list *decided)
{
	struct waiter *sender, *receiver;
	bool any_wants_more = false;

	while (find_pair(channel, &sender, &receiver)) {
		if (!claim_pair(channel, sender, receiver))
			continue;
		wi_rendezvous_meet(&channel->queue, sender, receiver);
		if (sender->done == sender->wanted)
			wi_channel_decide(
				channel, SENDING, sender, WEIR_OK, decided);
		if (receiver->done == receiver->wanted)
			wi_channel_decide(
				channel, RECEIVING, receiver, WEIR_OK, decided);
		else
			any_wants_more = true;
	}
	if (any_wants_more)
		let_go_of_the_served(channel, decided);
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
