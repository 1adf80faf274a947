/* SPDX-License-Identifier: MIT */
/* fifo_parts.h - what the parts of the checker share.
 *
 * A time is `certain` of something if every linearization has it by then, and
 * `possible` if one may.  An element is certainly inside after its send has
 * returned and before its recv has begun.
 */
#ifndef STRESS_FIFO_PARTS_H
#define STRESS_FIFO_PARTS_H

#include "fifo_check.h"

#define NEVER INT64_MAX

struct element {
	uint64_t value;
	const struct history_record *sent;  /* NULL: it was not */
	const struct history_record *taken; /* NULL: it was not */
	/* Of `taken`; NEVER.  A place that was in the hands of a sender when
	 * the last receiver closed is emptied by that close, whenever its
	 * element is dropped. */
	int64_t taken_start, taken_end;
};

/* An instant, not before `low` and not after `high`. */
struct instant {
	int64_t low, high;
	const struct history_record *low_by, *high_by; /* NULL: closes */
};

struct fifo {
	const struct fifo_channel *channel;
	const struct history_record *records;
	size_t count;
	struct element *elements;
	size_t n_elements;
	/* Where an element is, by its value: a hash table of places in
	 * `elements`, plus 1; 0 is free. */
	uint32_t *table;
	size_t mask;
	struct instant left;   /* the last receiver is closed */
	struct instant broken; /* that, or the first shut */
	struct instant over;   /* that, or the last sender is closed */
	struct fifo_result *result;
};

static inline bool fifo_has(
	const struct history_record *record, enum history_kind kind)
{
	return record->kind == kind;
}

/* Of this element's value there is one; NULL: none. */
struct element *fifo_find(const struct fifo *fifo, uint64_t value);

void fifo_violation(struct fifo *fifo, enum fifo_condition condition,
	const struct history_record *one, const struct history_record *other);

/* From `low` the place may be free again, from `high` it is. */
static inline int64_t fifo_freed_low(const struct element *element)
{
	if (element->taken == NULL || element->taken->kind == HISTORY_DROPPED)
		return element->taken_start;
	return element->taken->from;
}

static inline int64_t fifo_freed_high(const struct element *element)
{
	return element->taken == NULL ? NEVER : element->taken->until;
}

void *fifo_memory(size_t count, size_t size);

/* fifo_close.c */
void fifo_find_closes(struct fifo *fifo);
void fifo_check_close_point(struct fifo *fifo);
void fifo_check_end(struct fifo *fifo);
void fifo_check_endpoints(struct fifo *fifo);
void fifo_check_dropped(struct fifo *fifo);

/* fifo_order.c */
void fifo_check_fresh(struct fifo *fifo);
void fifo_check_lost(struct fifo *fifo);
void fifo_check_order(struct fifo *fifo);
void fifo_check_batches(struct fifo *fifo);
void fifo_check_capacity(struct fifo *fifo);
void fifo_check_rendezvous(struct fifo *fifo);

/* fifo_answers.c */
void fifo_check_answers(struct fifo *fifo);

#endif
