/* SPDX-License-Identifier: MIT */
/* endpoint.c - senders and receivers: opened, cloned, closed, freed.
 *
 * Both sides work alike, so there is one function for both, and the public ones
 * are a line each.  Counts and flags change inside the gate, which makes a
 * clone and a close of one endpoint, or two closes, come one after the other.
 *
 * Life of a close (doc/design.md has the picture)
 *	1  inside the gate: mark the endpoint; end the waits that go through it
 *	2  the last of its side: set ENDED or BROKEN in tail, which ends all
 *	   claims; settling tells those who wait on the other side
 *	3  leave; wake them
 *	4  the last receiver: drain the queue, with no lock held
 *
 * Ordering edges
 *	[closed]    the store to `closed` -> wi_transfer_check's load: what
 *		    happened before the close is visible
 */
#include <errno.h>
#include <weir/scope.h>

#include "endpoint.h"

/* -- Both sides ---------------------------------------------------------- */

/* NULL if there is no memory. */
static struct endpoint *make(struct channel *channel)
{
	struct endpoint *end = wi_alloc(&channel->queue.allocator, sizeof *end,
		_Alignof(struct endpoint));

	if (end != NULL) {
		end->channel = channel;
		init_atomic(&end->closed, 0);
	}
	return end;
}

static void unmake(struct endpoint *end)
{
	wi_free(&end->channel->queue.allocator, end, sizeof *end);
}

/* Inside the gate, or before anybody else sees the channel. */
static void count_in(struct channel *channel, enum side side)
{
	/* relaxed, both: `open` is only changed inside the gate, and who counts
	 * a reference in holds one. */
	fetch_add_relaxed(&channel->sides[side].open, 1);
	fetch_add_relaxed(&channel->references, 1); /* relaxed: as above */
}

static int clone_end(
	struct endpoint *end, enum side side, struct endpoint **copy)
{
	struct list decided;
	struct endpoint *made;
	bool closed;

	if (end == NULL)
		return WEIR_INVALID_ARGUMENT;
	made = make(end->channel);
	wi_channel_enter(end->channel, &decided);
	/* relaxed: written inside the gate. */
	closed = load_relaxed(&end->closed);
	if (!closed && made != NULL)
		count_in(end->channel, side);
	wi_channel_leave(end->channel, &decided);
	if (closed && made != NULL)
		unmake(made);
	if (closed)
		return WEIR_CLOSED_RESOURCE;
	if (made == NULL)
		return WEIR_NO_MEMORY;
	*copy = made;
	return WEIR_OK;
}

/* Inside the gate: nobody waits through this endpoint any more. */
static void end_waits_through(
	struct endpoint *end, enum side side, struct list *decided)
{
	struct channel *channel = end->channel;
	struct list *node, *following;

	list_for_each_safe (node, following, &channel->waiting[side].waiters) {
		struct waiter *waiter = container_of(node, struct waiter, node);

		if (waiter->through != end)
			continue;
		if (wi_waiter_claim(waiter))
			wi_channel_decide(channel, side, waiter,
				WEIR_CLOSED_RESOURCE, decided);
		else
			wi_wait_queue_remove(&channel->waiting[side], waiter);
	}
}

/* Inside the gate: no watcher comes through this endpoint any more. */
static void dismiss_watchers(
	struct endpoint *end, enum side side, struct list *gone)
{
	struct list *node, *following;

	list_for_each_safe (
		node, following, &end->channel->sides[side].watchers) {
		struct watcher *watcher =
			container_of(node, struct watcher, node);

		if (watcher->through != end)
			continue;
		wi_channel_unwatch(watcher);
		list_append(gone, &watcher->node);
	}
}

/* If it is not only closed but freed, `gone` collects its watchers. */
static void close_end(struct endpoint *end, enum side side, struct list *gone)
{
	struct channel *channel;
	struct list decided;
	bool last = false;

	if (end == NULL)
		return;
	channel = end->channel;
	wi_channel_enter(channel, &decided);
	/* relaxed: written inside the gate. */
	if (!load_relaxed(&end->closed)) {
		/* release [closed]: pairs with wi_transfer_check. */
		store_release(&end->closed, 1);
		end_waits_through(end, side, &decided);
		/* relaxed: only changed inside the gate. */
		last = fetch_add_relaxed(
			       &channel->sides[side].open, (uint64_t)-1) == 1;
		if (last)
			wi_queue_finish(&channel->queue,
				side == SENDING ? ENDED : BROKEN);
		wi_channel_settle(channel, &decided);
	}
	if (gone != NULL)
		dismiss_watchers(end, side, gone);
	wi_channel_leave(channel, &decided);
	if (last && side == RECEIVING)
		channel->queue.ops->drain(&channel->queue, &channel->dropper);
}

static void free_end(struct endpoint *end, enum side side)
{
	struct list *node, *following, gone;
	struct channel *channel;

	if (end == NULL)
		return;
	list_init(&gone);
	close_end(end, side, &gone);
	list_for_each_safe (node, following, &gone) {
		struct watcher *watcher =
			container_of(node, struct watcher, node);

		watcher->gone(watcher);
	}
	channel = end->channel;
	unmake(end);
	wi_channel_release(channel);
}

static bool is_closed(const struct endpoint *end)
{
	/* acquire [closed]: pairs with close_end. */
	return end == NULL || load_acquire(&end->closed) != 0;
}

/* -- Opening ------------------------------------------------------------- */

static bool are_valid(const weir_options *options)
{
	size_t size;

	for (size_t i = 0;
		i < sizeof options->reserved / sizeof *options->reserved; i++)
		if (options->reserved[i] != NULL)
			return false;
	if (options->reserved_flags != 0 ||
		(options->alloc == NULL) != (options->free == NULL))
		return false;
	return options->capacity == WEIR_UNBOUNDED ||
	       !__builtin_mul_overflow(
		       options->capacity, options->element_size, &size);
}

int weir_open_with(
	const weir_options *options, weir_sender **tx, weir_receiver **rx)
{
	struct endpoint *sender, *receiver;
	struct channel *channel;

	if (options == NULL || tx == NULL || rx == NULL || !are_valid(options))
		return WEIR_INVALID_ARGUMENT;
	if (wi_channel_create(options, NULL, &channel) != 0)
		return WEIR_NO_MEMORY;
	sender = make(channel);
	if (sender == NULL)
		goto destroy_channel;
	receiver = make(channel);
	if (receiver == NULL)
		goto unmake_sender;
	count_in(channel, SENDING);
	count_in(channel, RECEIVING);
	*tx = container_of(sender, weir_sender, end);
	*rx = container_of(receiver, weir_receiver, end);
	return WEIR_OK;

unmake_sender:
	unmake(sender);
destroy_channel:
	wi_channel_destroy(channel);
	return WEIR_NO_MEMORY;
}

int weir_open(size_t capacity, size_t element_size, weir_sender **tx,
	weir_receiver **rx)
{
	weir_options options = WEIR_OPTIONS_INIT;

	options.capacity = capacity;
	options.element_size = element_size;
	return weir_open_with(&options, tx, rx);
}

int wi_open_receiver(struct channel *channel, weir_receiver **rx)
{
	struct endpoint *receiver = make(channel);

	if (receiver == NULL) {
		wi_channel_destroy(channel);
		return WEIR_NO_MEMORY;
	}
	count_in(channel, RECEIVING);
	init_atomic(&channel->sides[SENDING].open, 1);
	*rx = container_of(receiver, weir_receiver, end);
	return WEIR_OK;
}

/* -- Senders -------------------------------------------------------------- */

int weir_sender_clone(weir_sender *tx, weir_sender **copy)
{
	struct endpoint *made;
	int status;

	if (copy == NULL)
		return WEIR_INVALID_ARGUMENT;
	status = clone_end(wi_sender_end(tx), SENDING, &made);
	if (status == WEIR_OK)
		*copy = container_of(made, weir_sender, end);
	return status;
}

void weir_sender_close(weir_sender *tx)
{
	close_end(wi_sender_end(tx), SENDING, NULL);
}

void weir_sender_free(weir_sender *tx)
{
	free_end(wi_sender_end(tx), SENDING);
}

void weir_sender_scope_end(weir_sender **tx)
{
	if (tx != NULL)
		weir_sender_free(*tx);
}

bool weir_sender_is_closed(const weir_sender *tx)
{
	return is_closed(wi_sender_end(tx));
}

/* -- Receivers ------------------------------------------------------------ */

int weir_receiver_clone(weir_receiver *rx, weir_receiver **copy)
{
	struct endpoint *made;
	int status;

	if (copy == NULL)
		return WEIR_INVALID_ARGUMENT;
	status = clone_end(wi_receiver_end(rx), RECEIVING, &made);
	if (status == WEIR_OK)
		*copy = container_of(made, weir_receiver, end);
	return status;
}

void weir_receiver_close(weir_receiver *rx)
{
	close_end(wi_receiver_end(rx), RECEIVING, NULL);
}

void weir_receiver_free(weir_receiver *rx)
{
	free_end(wi_receiver_end(rx), RECEIVING);
}

void weir_receiver_scope_end(weir_receiver **rx)
{
	if (rx != NULL)
		weir_receiver_free(*rx);
}

bool weir_receiver_is_closed(const weir_receiver *rx)
{
	return is_closed(wi_receiver_end(rx));
}

void weir_receiver_shut(weir_receiver *rx)
{
	struct endpoint *end = wi_receiver_end(rx);
	struct list decided;

	if (end == NULL)
		return;
	wi_channel_enter(end->channel, &decided);
	/* relaxed: written inside the gate. */
	if (!load_relaxed(&end->closed)) {
		wi_queue_finish(&end->channel->queue, BROKEN);
		wi_channel_settle(end->channel, &decided);
	}
	wi_channel_leave(end->channel, &decided);
}
