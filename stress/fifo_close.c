/* SPDX-License-Identifier: MIT */
/* fifo_close.c - conditions about closes, ends and breaks.
 *
 * A side is closed when the last of its endpoints is.  Several closes of one
 * endpoint may overlap; the first inside the gate does it, and none returns
 * before it is done.  So an endpoint is possibly closed from the earliest start
 * of a close, and certainly from the earliest end.
 */
#include "fifo_parts.h"

static const struct instant never = {NEVER, NEVER, NULL, NULL};

static const struct instant *earlier(
	const struct instant *a, const struct instant *b)
{
	return a->low < b->low ? a : b;
}

/* The earlier one of two instants. */
static struct instant first_of(const struct instant *a, const struct instant *b)
{
	struct instant first = *earlier(a, b);

	first.high = a->high < b->high ? a->high : b->high;
	return first;
}

static struct instant close_of(
	const struct fifo *fifo, enum history_kind kind, unsigned endpoint)
{
	struct instant closed = never;

	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];

		if (!fifo_has(record, kind) || record->endpoint != endpoint)
			continue;
		if (record->start < closed.low)
			closed.low = record->start;
		if (record->status == WEIR_OK && record->end < closed.high)
			closed.high = record->end;
	}
	return closed;
}

/* When the last of `count` endpoints is closed. */
static struct instant side_closed(
	const struct fifo *fifo, enum history_kind kind, unsigned count)
{
	struct instant last = {INT64_MIN, INT64_MIN, NULL, NULL};

	for (unsigned i = 0; i < count; i++) {
		struct instant closed = close_of(fifo, kind, i);

		if (closed.low > last.low)
			last.low = closed.low;
		if (closed.high > last.high)
			last.high = closed.high;
	}
	return count == 0 ? never : last;
}

/* The first shut.  It does nothing through an endpoint that is closed, so it
 * is certain only if it was through before that. */
static struct instant first_shut(const struct fifo *fifo)
{
	struct instant shut = never;

	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];
		struct instant closed;

		if (!fifo_has(record, HISTORY_SHUT))
			continue;
		closed = close_of(
			fifo, HISTORY_CLOSE_RECEIVER, record->endpoint);
		if (record->start < shut.low)
			shut.low = record->start;
		if (record->status == WEIR_OK && record->end < closed.low &&
			record->end < shut.high)
			shut.high = record->end;
	}
	return shut;
}

static void empty_what_was_in_hand(struct fifo *fifo)
{
	for (size_t i = 0; i < fifo->n_elements; i++) {
		struct element *element = &fifo->elements[i];

		if (element->taken != NULL &&
			element->taken->kind == HISTORY_DROPPED &&
			fifo->left.low < element->taken_start)
			element->taken_start = fifo->left.low;
	}
}

/* What has been told, or accepted, narrows the instants down. */
static void narrow_down(struct fifo *fifo)
{
	struct instant *over = &fifo->over, *broken = &fifo->broken;

	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];

		if (fifo_has(record, HISTORY_SEND) &&
			record->status == WEIR_OK &&
			record->start > over->low) {
			over->low = record->start;
			over->low_by = record;
		}
		if (record->status == WEIR_BROKEN_RESOURCE &&
			record->end < broken->high) {
			broken->high = record->end;
			broken->high_by = record;
		}
		if ((record->status == WEIR_BROKEN_RESOURCE ||
			    record->status == WEIR_END_OF_CHANNEL) &&
			record->end < over->high) {
			over->high = record->end;
			over->high_by = record;
		}
	}
}

void fifo_find_closes(struct fifo *fifo)
{
	struct instant shut = first_shut(fifo);
	struct instant ended =
		side_closed(fifo, HISTORY_CLOSE_SENDER, fifo->channel->senders);

	fifo->left = side_closed(
		fifo, HISTORY_CLOSE_RECEIVER, fifo->channel->receivers);
	fifo->broken = first_of(&fifo->left, &shut);
	fifo->over = first_of(&fifo->broken, &ended);
	empty_what_was_in_hand(fifo);
	narrow_down(fifo);
}

static void check_instant(struct fifo *fifo, const struct instant *instant)
{
	const struct history_record *told = instant->high_by;

	if (instant->low <= instant->high)
		return;
	/* One of the two is an operation: closes do not contradict
	 * themselves. */
	if (told == NULL)
		fifo_violation(fifo, FIFO_CLOSE_POINT, instant->low_by, NULL);
	else
		fifo_violation(fifo, FIFO_CLOSE_POINT, told, instant->low_by);
}

/* CLOSE POINT (the closed queue is [HSV]'s, section 6, with the end told to
 * both sides).  There is an instant, within the close that is the last of its
 * side, or the shut, after which no send is accepted and before which nobody
 * is told that it is over.  In Weir the flags and the claims are in one word.
 * So `over` is not before the start of any send that was accepted (the start of
 * the reservation, where a place was in hand), nor after the end of any call
 * that was told; likewise `broken`, where only what was told counts. */
void fifo_check_close_point(struct fifo *fifo)
{
	check_instant(fifo, &fifo->over);
	check_instant(fifo, &fifo->broken);
}

/* END.  Who is told END_OF_CHANNEL comes after all elements have been received:
 * the queue is empty at that instant, and stays so.  An element that is
 * received later, or dropped by a later close, or never, was inside or was not
 * sent yet; both are wrong.  Elements whose recv has begun may be out. */
void fifo_check_end(struct fifo *fifo)
{
	const struct element *last = NULL;

	for (size_t i = 0; i < fifo->n_elements; i++) {
		const struct element *element = &fifo->elements[i];

		if (element->sent != NULL && element->sent->status == WEIR_OK &&
			(last == NULL ||
				element->taken_start > last->taken_start))
			last = element;
	}
	for (size_t i = 0; last != NULL && i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];

		if (record->status == WEIR_END_OF_CHANNEL &&
			record->end < last->taken_start)
			fifo_violation(fifo, FIFO_END, record,
				last->taken != NULL ? last->taken : last->sent);
	}
}

/* ENDPOINT.  A call that ends before any close of its endpoint has begun is not
 * told CLOSED_RESOURCE, and one that begins after a close has returned is told
 * nothing else: the flag is set before the close returns, and looked at first.
 * For what is done with a place in hand the reservation counts.  A case of a
 * select that did another was not decided. */
void fifo_check_endpoints(struct fifo *fifo)
{
	struct instant closed[2][FIFO_MAX_ENDPOINTS];

	for (unsigned i = 0; i < FIFO_MAX_ENDPOINTS; i++) {
		closed[0][i] = close_of(fifo, HISTORY_CLOSE_SENDER, i);
		closed[1][i] = close_of(fifo, HISTORY_CLOSE_RECEIVER, i);
	}
	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];
		const struct instant *end;

		if (record->kind != HISTORY_SEND &&
			record->kind != HISTORY_RECV &&
			record->kind != HISTORY_ABORT)
			continue;
		if (record->status == HISTORY_PENDING)
			continue;
		end = &closed[record->kind == HISTORY_RECV][record->endpoint];
		if (record->status == WEIR_CLOSED_RESOURCE
				? record->end < end->low
				: record->start > end->high)
			fifo_violation(fifo, FIFO_ENDPOINT, record, NULL);
	}
}

/* DROPPED.  Only the last receiver's close drops what is inside; a commit drops
 * its own element if that close has come before it. */
void fifo_check_dropped(struct fifo *fifo)
{
	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];

		if (fifo_has(record, HISTORY_DROPPED) &&
			record->end < fifo->left.low)
			fifo_violation(fifo, FIFO_DROPPED, record, NULL);
	}
}
