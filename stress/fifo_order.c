/* SPDX-License-Identifier: MIT */
/* fifo_order.c - conditions about elements: each comes out once, in order, and
 * no more of them are inside than fit. */
#include "fifo_parts.h"

#include <stdlib.h>

/* FRESH [HSV: VFresh].  What is received has been sent, and not only after it
 * was received.  A call that was refused has changed nothing, so what it would
 * have sent does not come out either.  An element whose place was in hand is
 * there once its commit has begun. */
void fifo_check_fresh(struct fifo *fifo)
{
	for (size_t i = 0; i < fifo->n_elements; i++) {
		const struct element *element = &fifo->elements[i];

		if (element->taken == NULL)
			continue;
		if (element->sent == NULL)
			fifo_violation(fifo, FIFO_FRESH, element->taken, NULL);
		else if (element->taken_end < element->sent->from)
			fifo_violation(fifo, FIFO_FRESH, element->taken,
				element->sent);
	}
}

/* LOST.  The last receiver's close drops what is inside, and no send is
 * accepted after it.  So when all receivers have been closed, and all calls
 * have returned, each element that was accepted has come out. */
void fifo_check_lost(struct fifo *fifo)
{
	if (fifo->left.high == NEVER)
		return;
	for (size_t i = 0; i < fifo->n_elements; i++) {
		const struct element *element = &fifo->elements[i];

		if (element->taken == NULL && element->sent != NULL)
			fifo_violation(fifo, FIFO_LOST, element->sent, NULL);
	}
}

/* -- Order ---------------------------------------------------------------- */

static int by_send_start(const void *a, const void *b)
{
	int64_t x = (*(const struct element *const *)a)->sent->start;
	int64_t y = (*(const struct element *const *)b)->sent->start;

	return (x > y) - (x < y);
}

static int by_send_end(const void *a, const void *b)
{
	int64_t x = (*(const struct element *const *)a)->sent->end;
	int64_t y = (*(const struct element *const *)b)->sent->end;

	return (x > y) - (x < y);
}

static size_t sort_sent(const struct fifo *fifo, const struct element **sorted,
	int (*compare)(const void *, const void *))
{
	size_t n = 0;

	for (size_t i = 0; i < fifo->n_elements; i++)
		if (fifo->elements[i].sent != NULL)
			sorted[n++] = &fifo->elements[i];
	qsort(sorted, n, sizeof(const struct element *), compare);
	return n;
}

static const struct history_record *how_it_left(const struct element *element)
{
	return element->taken != NULL ? element->taken : element->sent;
}

/* ORDER [HSV: VOrd].  If x was sent before y (the one returned before the other
 * began), and y is received, then x is received, and not only after y: x is in
 * the queue, before y, until it is taken.  An element that is never received
 * counts as received at the end of time.  Where a place was in hand its order
 * is that of the reservation, and of the acquisition.
 *
 * For each y only the x that left last matters, of those sent before it: y from
 * early to late, the xs join as their sends end. */
void fifo_check_order(struct fifo *fifo)
{
	const struct element **starts =
		fifo_memory(fifo->n_elements, sizeof(const struct element *));
	const struct element **ends =
		fifo_memory(fifo->n_elements, sizeof(const struct element *));
	size_t n = sort_sent(fifo, starts, by_send_start), joined = 0;
	const struct element *last = NULL;

	sort_sent(fifo, ends, by_send_end);
	for (size_t i = 0; i < n; i++) {
		const struct element *y = starts[i];

		for (; ends[joined]->sent->end < y->sent->start; joined++)
			if (last == NULL ||
				ends[joined]->taken_start > last->taken_start)
				last = ends[joined];
		if (last != NULL && y->taken_end < last->taken_start)
			fifo_violation(fifo, FIFO_ORDER, how_it_left(last),
				how_it_left(y));
	}
	free(starts);
	free(ends);
}

/* Is this record of the same batch as the one before? */
static bool continues(const struct fifo *fifo, size_t i)
{
	const struct history_record *record = &fifo->records[i];

	return i > 0 && (record->flags & HISTORY_MORE) != 0 &&
	       record->kind == fifo->records[i - 1].kind &&
	       record->status == WEIR_OK;
}

/* BATCH.  ORDER sees the elements of one call of _many as sent, or received,
 * all at once, since they have one interval.  But they go in, and come out, one
 * after the other.  So of a batch that is sent none is received before one in
 * front of it is; and of a batch that is received none was sent before one in
 * front of it was. */
void fifo_check_batches(struct fifo *fifo)
{
	const struct element *last = NULL; /* to be taken, or to be sent */

	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];
		const struct element *element;

		if (record->status != WEIR_OK ||
			(record->kind != HISTORY_SEND &&
				record->kind != HISTORY_RECV))
			continue;
		element = fifo_find(fifo, record->value);
		if (element == NULL || element->sent == NULL)
			continue; /* FRESH has said so */
		if (!continues(fifo, i)) {
			last = element;
		} else if (record->kind == HISTORY_SEND) {
			if (element->taken_end < last->taken_start)
				fifo_violation(fifo, FIFO_BATCH, record,
					how_it_left(last));
			if (element->taken_start > last->taken_start)
				last = element;
		} else {
			if (element->sent->end < last->sent->start)
				fifo_violation(
					fifo, FIFO_BATCH, record, last->sent);
			if (element->sent->start > last->sent->start)
				last = element;
		}
	}
}

/* -- Capacity ------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* CAPACITY.  At no instant are more elements certainly inside than there are
 * places: sent, by a call that has returned, and the call that takes it (or
 * gives its place back) has not begun.  Necessary only: a history in which more
 * must be inside, for a reason of order, may pass. */
void fifo_check_capacity(struct fifo *fifo)
{
	int64_t *in = fifo_memory(fifo->n_elements, sizeof(int64_t));
	int64_t *out = fifo_memory(fifo->n_elements, sizeof(int64_t));
	size_t n = 0, left = 0;

	for (size_t i = 0; i < fifo->n_elements; i++) {
		const struct element *element = &fifo->elements[i];

		if (element->sent == NULL ||
			element->sent->end >= fifo_freed_low(element))
			continue;
		in[n] = element->sent->end;
		out[n++] = fifo_freed_low(element);
	}
	qsort(in, n, sizeof(int64_t), by_time);
	qsort(out, n, sizeof(int64_t), by_time);
	for (size_t entered = 0; entered < n; entered++) {
		while (out[left] <= in[entered])
			left++;
		if (entered + 1 - left <= fifo->channel->capacity)
			continue;
		for (size_t i = 0; i < fifo->n_elements; i++)
			if (fifo->elements[i].sent != NULL &&
				fifo->elements[i].sent->end == in[entered])
				fifo_violation(fifo, FIFO_CAPACITY,
					fifo->elements[i].sent, NULL);
		break;
	}
	free(in);
	free(out);
}

/* RENDEZVOUS.  Without a buffer an element goes from hand to hand: its send has
 * not returned before its recv has begun (and, FRESH, the other way round). */
void fifo_check_rendezvous(struct fifo *fifo)
{
	for (size_t i = 0; i < fifo->n_elements; i++) {
		const struct element *element = &fifo->elements[i];

		if (element->sent != NULL &&
			element->sent->end < element->taken_start)
			fifo_violation(fifo, FIFO_RENDEZVOUS, element->sent,
				element->taken);
	}
}
