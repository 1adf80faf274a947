/* SPDX-License-Identifier: MIT */
/* fifo_answers.c - conditions about answers that change nothing: it is empty,
 * it is full.
 *
 * Each is right if there is an instant in its interval at which the answer is
 * possible [HSV: VWit; EE: a removal that finds nothing is wrong if its
 * interval is covered by elements that are certainly inside].  A sweep over all
 * stamps (fifo_sweep.h) notes which answers are possible at each.
 *
 * Those who wait come first: an element may belong to a recv that has asked for
 * it and, in the end, does not take it (since its endpoint is closed, or its
 * select has done another case, or it was asked for as a part of a batch).  The
 * same for places.  Such calls are counted for as long as they last, though
 * they may have come later; that makes the conditions necessary only.
 */
#include "fifo_parts.h"
#include "fifo_sweep.h"

#include <stdlib.h>

enum answer {
	EMPTY,      /* of a try_recv */
	EMPTY_LATE, /* of a recv with a deadline */
	FULL,       /* of a try_send */
	FULL_LATE,  /* of a send with a deadline */
	FULL_MANY,  /* of a batch, whose rest is itself counted in PLACES */
	DISPLACES,  /* of a force_send; likewise */
	REFUSES,    /* of a force_send */
	ANSWERS
};

struct answers {
	struct fifo *fifo;
	struct fifo_sweep sweep;
	/* Each stamp, and at how many before it each answer is possible. */
	int64_t *times;
	uint32_t *possible[ANSWERS];
	size_t n_times;
};

/* -- What happens when ---------------------------------------------------- */

/* Until when this element, or the one that has displaced it in one step, is
 * certainly inside: not from when somebody waits who gets that one in the end,
 * for whom it may have been meant from the start. */
static int64_t there_until(
	const struct fifo *fifo, const struct element *element)
{
	const struct history_record *taken = element->taken;
	int64_t until = element->taken_start;
	const struct element *successor;

	if (!fifo->channel->displaces_at_once || taken == NULL ||
		taken->kind != HISTORY_DISPLACED ||
		taken + 1 == fifo->records + fifo->count ||
		!(taken[1].flags & HISTORY_DISPLACES))
		return until;
	successor = fifo_find(fifo, taken[1].value);
	if (successor != NULL && successor->taken_start > until)
		until = successor->taken_start;
	return until < taken->end ? until : taken->end;
}

static void add_element(struct answers *answers, const struct element *element)
{
	if (element->sent == NULL)
		return;
	fifo_sweep_certain(&answers->sweep, INSIDE, element->sent->until,
		there_until(answers->fifo, element));
	fifo_sweep_possible(&answers->sweep, PLACES, element->sent->start,
		fifo_freed_high(element), 1);
}

/* May this call, which has not moved all that it asked for, have stood in line
 * before others, with elements or places coming to it that it did not take?  A
 * wait for one element that times out stays if one is on its way. */
static bool stood_in_line(const struct history_record *record)
{
	switch (record->kind) {
	case HISTORY_LEFT_SEND:
	case HISTORY_LEFT_RECV:
		return true;
	case HISTORY_RECV:
		return record->status == WEIR_OK ||
		       record->status == WEIR_CLOSED_RESOURCE;
	case HISTORY_SEND:
		return record->status == WEIR_CLOSED_RESOURCE ||
		       record->status == WEIR_BROKEN_RESOURCE ||
		       (record->status == WEIR_TIMED_OUT && record->rest > 1);
	default:
		return false;
	}
}

static bool is_send(const struct history_record *record)
{
	return record->kind == HISTORY_SEND ||
	       record->kind == HISTORY_LEFT_SEND ||
	       record->kind == HISTORY_ABORT;
}

static void add_record(
	struct answers *answers, const struct history_record *record)
{
	struct fifo_sweep *sweep = &answers->sweep;
	int64_t start = record->start, until = record->until;
	bool in_hand = until != record->end;

	if (!(record->flags & HISTORY_MORE))
		fifo_sweep_possible(sweep, BUSY, start, until, 1);
	if (is_send(record))
		fifo_sweep_possible(sweep, SENDING, start, until, 1);
	if ((record->flags & HISTORY_DISPLACES) &&
		!answers->fifo->channel->displaces_at_once)
		in_hand = true;
	if (in_hand)
		fifo_sweep_possible(
			sweep, is_send(record) ? HELD : KEPT, start, until, 1);
	if (record->rest > 0 && stood_in_line(record))
		fifo_sweep_possible(sweep, is_send(record) ? PLACES : ASKED,
			start, record->end, record->rest);
}

/* -- Places that were given back unused ----------------------------------- */

struct departure {
	int64_t start; /* of the send */
	int64_t end;   /* of what took it; then: the latest so far */
};

static int by_start(const void *a, const void *b)
{
	int64_t x = ((const struct departure *)a)->start;
	int64_t y = ((const struct departure *)b)->start;

	return (x > y) - (x < y);
}

static size_t list_departures(
	const struct fifo *fifo, struct departure *departures)
{
	size_t n = 0;

	for (size_t i = 0; i < fifo->n_elements; i++)
		if (fifo->elements[i].sent != NULL)
			departures[n++] = (struct departure){
				fifo->elements[i].sent->start,
				fifo->elements[i].taken_end};
	for (size_t i = 0; i < fifo->count; i++)
		if (fifo_has(&fifo->records[i], HISTORY_ABORT))
			departures[n++] = (struct departure){
				fifo->records[i].start, fifo->records[i].until};
	qsort(departures, n, sizeof(*departures), by_start);
	for (size_t i = 1; i < n; i++)
		if (departures[i].end < departures[i - 1].end)
			departures[i].end = departures[i - 1].end;
	return n;
}

/* When all is out whose send, or reservation, began by `time`. */
static int64_t last_departure(
	const struct departure *departures, size_t n, int64_t time)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (departures[middle].start <= time)
			low = middle + 1;
		else
			n = middle;
	}
	return low == 0 ? INT64_MIN : departures[low - 1].end;
}

/* Such a place is free again when all before it are out, elements and other
 * such places: those that had begun before its reservation had returned. */
static void add_gaps(struct answers *answers)
{
	const struct fifo *fifo = answers->fifo;
	struct departure *departures = fifo_memory(
		fifo->n_elements + fifo->count, sizeof(*departures));
	size_t n = list_departures(fifo, departures);

	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];
		int64_t out;

		if (!fifo_has(record, HISTORY_ABORT))
			continue;
		out = last_departure(departures, n, record->end);
		if (out < record->until)
			out = record->until;
		fifo_sweep_possible(
			&answers->sweep, PLACES, record->start, out, 1);
	}
	free(departures);
}

/* -- What is possible ----------------------------------------------------- */

static bool is_possible(
	const struct answers *answers, enum answer answer, int64_t time)
{
	const struct fifo *fifo = answers->fifo;
	const int64_t *now = answers->sweep.now;
	int64_t capacity = fifo->channel->capacity < INT32_MAX
				   ? (int64_t)fifo->channel->capacity
				   : INT32_MAX;
	bool in_the_middle = now[BUSY] > 1 || now[HELD] > 0 || now[KEPT] > 0;
	bool over = time > fifo->over.high, broken = time > fifo->broken.high;

	switch (answer) {
	/* EMPTY.  At some instant nothing was certainly inside, and the channel
	 * was not certainly over (that is END_OF_CHANNEL); or somebody else was
	 * in the middle of an operation, which a try_ call need not wait for.
	 */
	case EMPTY:
		return in_the_middle || (now[INSIDE] == 0 && !over);
	/* EMPTY_LATE.  Likewise, but a call with a deadline does wait for those
	 * in the middle; not for a place in a sender's hands.  At the end of a
	 * channel a send that is under way may be of an element that belongs
	 * to another receiver. */
	case EMPTY_LATE:
		return now[HELD] > 0 ||
		       (over ? now[SENDING] > 0 : now[INSIDE] <= now[ASKED]);
	/* FULL, FULL_LATE.  At some instant all places were possibly taken, and
	 * the channel was not certainly broken.  A place in a receiver's hands
	 * that is the next one keeps senders from those behind it. */
	case FULL:
		return !broken && (in_the_middle || now[PLACES] >= capacity);
	case FULL_LATE:
		return !broken && (now[KEPT] > 0 || now[PLACES] >= capacity);
	case FULL_MANY:
		return !broken && (now[KEPT] > 0 || now[PLACES] > capacity);
	/* FORCED.  Where an element was displaced all places were taken, and
	 * its own is one more.  Where nothing was done others were in the
	 * middle; that it is full is no reason, but with no buffer there must
	 * be a receiver that waits. */
	case DISPLACES:
		return now[PLACES] > capacity;
	default:
		return !broken && (in_the_middle || capacity == 0);
	}
}

static void note(void *context, int64_t time)
{
	struct answers *answers = context;
	size_t n = answers->n_times++;

	answers->times[n] = time;
	for (int answer = 0; answer < ANSWERS; answer++)
		answers->possible[answer][n + 1] =
			answers->possible[answer][n] +
			is_possible(answers, (enum answer)answer, time);
}

/* -- What was answered ---------------------------------------------------- */

/* How many stamps are before `time`. */
static size_t stamps_before(const struct answers *answers, int64_t time)
{
	size_t low = 0, high = answers->n_times;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (answers->times[middle] < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool was_possible(const struct answers *answers,
	const struct history_record *record, enum answer answer)
{
	const uint32_t *possible = answers->possible[answer];

	return possible[stamps_before(answers, record->end + 1)] >
	       possible[stamps_before(answers, record->start)];
}

static void check_forced(
	struct answers *answers, const struct history_record *record)
{
	bool displaces = (record->flags & HISTORY_DISPLACES) != 0;

	if (!displaces && record->status != WEIR_WOULD_BLOCK)
		return;
	if (!was_possible(answers, record, displaces ? DISPLACES : REFUSES))
		fifo_violation(answers->fifo, FIFO_FORCED, record, NULL);
}

static void check_answer(
	struct answers *answers, const struct history_record *record)
{
	bool late = record->status == WEIR_TIMED_OUT;
	bool sends = record->kind == HISTORY_SEND;
	enum fifo_condition condition;
	enum answer answer;

	if ((!late && record->status != WEIR_WOULD_BLOCK) ||
		(!sends && record->kind != HISTORY_RECV))
		return;
	if (sends) {
		condition = late ? FIFO_FULL_LATE : FIFO_FULL;
		answer = !late              ? FULL
			 : record->rest > 1 ? FULL_MANY
					    : FULL_LATE;
	} else {
		condition = late ? FIFO_EMPTY_LATE : FIFO_EMPTY;
		answer = late ? EMPTY_LATE : EMPTY;
	}
	if (!was_possible(answers, record, answer))
		fifo_violation(answers->fifo, condition, record, NULL);
}

void fifo_check_answers(struct fifo *fifo)
{
	struct answers answers = {.fifo = fifo};
	size_t stamps;

	/* Five of a record with its gap, two of an element. */
	fifo_sweep_open(&answers.sweep, 5 * fifo->count + 2 * fifo->n_elements);
	for (size_t i = 0; i < fifo->count; i++)
		add_record(&answers, &fifo->records[i]);
	for (size_t i = 0; i < fifo->n_elements; i++)
		add_element(&answers, &fifo->elements[i]);
	add_gaps(&answers);
	stamps = answers.sweep.n_events;
	answers.times = fifo_memory(stamps, sizeof(int64_t));
	for (int i = 0; i < ANSWERS; i++)
		answers.possible[i] = fifo_memory(stamps, sizeof(uint32_t));
	fifo_sweep_run(&answers.sweep, note, &answers);
	for (size_t i = 0; i < fifo->count; i++) {
		if (fifo->records[i].flags & HISTORY_FORCED)
			check_forced(&answers, &fifo->records[i]);
		else
			check_answer(&answers, &fifo->records[i]);
	}
	for (int i = 0; i < ANSWERS; i++)
		free(answers.possible[i]);
	free(answers.times);
	fifo_sweep_free(&answers.sweep);
}
