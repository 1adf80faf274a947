/* SPDX-License-Identifier: MIT */
/* transfer.h - sending and receiving, in one: at once if that is possible, else
 * by waiting. */
#ifndef WI_TRANSFER_H
#define WI_TRANSFER_H

#include "channel.h"
#include "element.h"

enum patience {
	IN_PASSING, /* as below, for a caller who will look again: may miss what
		       has just been published */
	NEVER_WAIT, /* a try_ call: its deadline is not looked at */
	MAY_WAIT
};

/* Of a call on one element, which hands them on as one argument. */
struct terms {
	enum patience patience;
	int64_t deadline;
};

static const struct terms wi_in_passing = {IN_PASSING, 0};
static const struct terms wi_never_wait = {NEVER_WAIT, 0};
static const struct terms wi_wait_forever = {MAY_WAIT, WEIR_FOREVER};

/* One call: move `count` elements, which lie at `elements`, one after the
 * other; or, if `place` is not NULL, take one place in hand (queue.h) and say
 * there where it is.  Sending: all of them.  Receiving: one, and more if they
 * are there.  The endpoint is open as far as its caller knows, the pointers are
 * valid. */
struct transfer {
	struct endpoint *end;
	enum side side;
	enum patience patience;
	int64_t deadline;
	unsigned char *elements;
	void **place;
	size_t count;
	size_t done; /* so far */
};

int wi_transfer(struct transfer *transfer);

/* The same, after a first look that has ended with `status`. */
int wi_transfer_on(struct transfer *transfer, int status);

/* The checks that come before everything else. */
static inline int wi_transfer_check(
	const struct endpoint *end, const void *elements, size_t count)
{
	if (unlikely(end == NULL))
		return WEIR_INVALID_ARGUMENT;
	if (unlikely(elements == NULL && count > 0 &&
		     end->channel->queue.element_size > 0))
		return WEIR_INVALID_ARGUMENT;
	/* acquire [closed]: what happened before the close is visible. */
	if (unlikely(load_acquire(&end->closed)))
		return WEIR_CLOSED_RESOURCE;
	return WEIR_OK;
}

/* -- One element: the path of every send and recv ------------------------ */

/* Its rare ends, each of which says how the call ends.  They are called last,
 * so that the path has next to nothing to save. */

/* It was refused with `status`. */
int wi_transfer_refused(struct endpoint *end, enum side side, void *element,
	const struct terms *terms, int status);
/* Another thread was faster; a segment may be held.  It is tried again. */
int wi_transfer_after_loss(struct endpoint *end, enum side side, void *element,
	const struct terms *terms);
/* It was put in a claimed slot, whose segment is held, if there is one, while
 * the last receiver's close is at work. */
int wi_transfer_abandoned(struct endpoint *end, struct slot *slot,
	uint32_t number, uint64_t word);
/* It was received, as the first of a segment, which is held so far. */
int wi_transfer_first_of_segment(struct channel *channel, uint64_t word);
/* It has been moved, and others must hear of it. */
int wi_transfer_news(struct channel *channel, enum side side, uint32_t news);

/* In any channel; out of line for the same reason. */
int wi_send_any(struct endpoint *end, void *element, const struct terms *terms);
int wi_recv_any(struct endpoint *end, void *element, const struct terms *terms);

/* The end that is not rare: it has been moved. */
static ALWAYS_INLINE int wi_transfer_end(
	struct channel *channel, enum side side)
{
	uint32_t news = wi_channel_news(channel, side);

	return likely(news == 0) ? WEIR_OK
				 : wi_transfer_news(channel, side, news);
}

/* In a ring of words. */
static ALWAYS_INLINE int wi_send_word(
	struct endpoint *end, void *element, const struct terms *terms)
{
	struct channel *channel = end->channel;
	struct ring *ring = &channel->ring;
	struct ring_claim claim;
	int status = ring_claim_free(ring, 0, true, &claim);

	if (unlikely(status == CONTEST))
		return wi_send_any(end, element, terms);
	if (unlikely(status == LOST))
		return wi_transfer_after_loss(end, SENDING, element, terms);
	if (terms->patience == IN_PASSING && status == WEIR_WOULD_BLOCK)
		return status;
	if (unlikely(status != WEIR_OK))
		return wi_transfer_refused(
			end, SENDING, element, terms, status);
	wi_copy_word(wi_slot_element(claim.slot, &ring->layout), element,
		ring->queue.element_size);
	wi_queue_store_turn(claim.slot, claim.number + FULL);
	if (wi_queue_is_abandoning(&ring->queue))
		return wi_transfer_abandoned(
			end, claim.slot, claim.number, claim.word);
	return wi_transfer_end(channel, SENDING);
}

static ALWAYS_INLINE int wi_recv_word(
	struct endpoint *end, void *element, const struct terms *terms)
{
	struct channel *channel = end->channel;
	struct ring *ring = &channel->ring;
	struct ring_claim claim;
	int status = ring_claim_full(ring, 0, true, &claim);

	if (unlikely(status == CONTEST))
		return wi_recv_any(end, element, terms);
	if (unlikely(status == LOST))
		return wi_transfer_after_loss(end, RECEIVING, element, terms);
	if (unlikely(status != 0)) {
		status = wi_queue_nothing(&ring->queue, claim.word);
		if (terms->patience == IN_PASSING && status == WEIR_WOULD_BLOCK)
			return status;
		return wi_transfer_refused(
			end, RECEIVING, element, terms, status);
	}
	wi_copy_word(element, wi_slot_element(claim.slot, &ring->layout),
		ring->queue.element_size);
	wi_queue_store_turn(claim.slot, claim.number + TURNS);
	return wi_transfer_end(channel, RECEIVING);
}

/* In a list of segments of words.  What is not as it mostly is, is done over
 * again by the list itself: a border, a flag, a lost race; and all of it for a
 * thread without a place for its holds, which may come for the first time. */
static ALWAYS_INLINE int wi_send_word_to_list(
	struct endpoint *end, void *element, const struct terms *terms)
{
	struct channel *channel = end->channel;
	struct segment_list *list = &channel->segment_list;
	struct hazards *hazards = wi_hazards_of_thread;
	/* relaxed: a hint; the cas decides, and who is refused looks again. */
	struct segment_claim claim = {.word = load_relaxed(&list->queue.tail)};
	uint32_t number;

	if (unlikely(hazards == NULL) ||
		unlikely(wi_queue_refusal(claim.word, 0) != 0) ||
		unlikely(!segment_is_at(
			list, hazards, &list->tail_hint, &claim)))
		return wi_send_any(end, element, terms);
	if (unlikely(!segment_claim_free(list, &claim)))
		return wi_transfer_after_loss(end, SENDING, element, terms);
	wi_copy_word(wi_slot_element(claim.slot, &list->layout), element,
		list->queue.element_size);
	number = segment_turn_of(claim.segment);
	wi_queue_store_turn(claim.slot, number + FULL);
	if (wi_queue_is_abandoning(&list->queue))
		return wi_transfer_abandoned(
			end, claim.slot, number, claim.word);
	wi_drop_hold(hazards, OWN);
	return wi_transfer_end(channel, SENDING);
}

static ALWAYS_INLINE int wi_recv_word_from_list(
	struct endpoint *end, void *element, const struct terms *terms)
{
	struct channel *channel = end->channel;
	struct segment_list *list = &channel->segment_list;
	struct hazards *hazards = wi_hazards_of_thread;
	/* relaxed: a hint; the cas decides. */
	struct segment_claim claim = {.word = load_relaxed(&list->queue.head)};

	if (unlikely(hazards == NULL) || unlikely(claim.word & HELD) ||
		unlikely(!segment_is_at(
			list, hazards, &list->head_hint, &claim)) ||
		unlikely(!segment_is_full(&claim)))
		return wi_recv_any(end, element, terms);
	if (unlikely(!segment_claim_full(list, &claim)))
		return wi_transfer_after_loss(end, RECEIVING, element, terms);
	wi_copy_word(element, wi_slot_element(claim.slot, &list->layout),
		list->queue.element_size);
	if (unlikely(segment_is_first_claim(&claim)))
		return wi_transfer_first_of_segment(channel, claim.word);
	wi_drop_hold(hazards, OWN);
	return wi_transfer_end(channel, RECEIVING);
}

static ALWAYS_INLINE int wi_transfer_one(struct endpoint *end, enum side side,
	void *element, const struct terms *terms)
{
	int status = wi_transfer_check(end, element, 1);
	enum short_path path;

	if (unlikely(status != WEIR_OK))
		return status;
	path = end->channel->queue.short_path;
	if (likely(path == RING_OF_WORDS))
		return side == SENDING ? wi_send_word(end, element, terms)
				       : wi_recv_word(end, element, terms);
	if (likely(path == LIST_OF_WORDS))
		return side == SENDING
			       ? wi_send_word_to_list(end, element, terms)
			       : wi_recv_word_from_list(end, element, terms);
	return side == SENDING ? wi_send_any(end, element, terms)
			       : wi_recv_any(end, element, terms);
}

/* -- Several ------------------------------------------------------------- */

/* The _many calls. */
static inline int wi_transfer_many(struct endpoint *end, enum side side,
	void *elements, size_t count, size_t *done, enum patience patience,
	int64_t deadline)
{
	struct transfer transfer = {.end = end,
		.side = side,
		.patience = patience,
		.deadline = deadline,
		.elements = elements,
		.count = count};
	int status;

	if (done == NULL)
		return WEIR_INVALID_ARGUMENT;
	status = wi_transfer_check(end, elements, count);
	if (status == WEIR_OK)
		status = wi_transfer(&transfer);
	if (status != WEIR_INVALID_ARGUMENT)
		*done = transfer.done;
	return status;
}

#endif
