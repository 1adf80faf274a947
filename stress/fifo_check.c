/* SPDX-License-Identifier: MIT */
/* fifo_check.c - a history is taken apart into elements and closes, and each
 * condition looks at those; see fifo_check.h. */
#include "fifo_parts.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *sentence;
} conditions[FIFO_CONDITIONS] = {
	[FIFO_FRESH] = {"FRESH",
		"came out before it was put in, or was never put in"},
	[FIFO_REPEAT] = {"REPEAT", "was sent, or came out, twice"},
	[FIFO_LOST] = {"LOST", "was accepted, and never came out"},
	[FIFO_ORDER] = {"ORDER", "was sent before another, and came out after"},
	[FIFO_BATCH] = {"BATCH", "is not in order with another of its batch"},
	[FIFO_CAPACITY] = {"CAPACITY", "is one more than fit"},
	[FIFO_RENDEZVOUS] = {"RENDEZVOUS", "was sent before anybody received"},
	[FIFO_CLOSE_POINT] = {"CLOSE_POINT",
		"cannot be, as no instant ends the channel"},
	[FIFO_END] = {"END", "said END_OF_CHANNEL while an element was inside"},
	[FIFO_ENDPOINT] = {"ENDPOINT",
		"does not fit the close of its endpoint"},
	[FIFO_DROPPED] = {"DROPPED", "was dropped while a receiver was open"},
	[FIFO_EMPTY] = {"EMPTY", "said WOULD_BLOCK, and it never would have"},
	[FIFO_EMPTY_LATE] = {"EMPTY_LATE",
		"timed out, and could have been done all the time"},
	[FIFO_FULL] = {"FULL", "said WOULD_BLOCK, and it never would have"},
	[FIFO_FULL_LATE] = {"FULL_LATE",
		"timed out, and could have been done all the time"},
	[FIFO_FORCED] = {"FORCED", "displaced an element, or refused to, and "
				   "the channel was never full"},
};

const char *fifo_name(enum fifo_condition condition)
{
	return conditions[condition].name;
}

void fifo_print(FILE *file, const struct fifo_result *result)
{
	for (int i = 0; i < FIFO_CONDITIONS; i++) {
		const struct history_record *one = result->one[i];
		const struct history_record *other = result->other[i];
		int64_t zero;

		if (result->found[i] == 0)
			continue;
		zero = other != NULL && other->start < one->start ? other->start
								  : one->start;
		fprintf(file, "%s (%zu): this %s\n", conditions[i].name,
			result->found[i], conditions[i].sentence);
		history_print(file, one, zero);
		if (other != NULL)
			history_print(file, other, zero);
	}
}

void fifo_violation(struct fifo *fifo, enum fifo_condition condition,
	const struct history_record *one, const struct history_record *other)
{
	struct fifo_result *result = fifo->result;

	if (result->found[condition]++ > 0)
		return;
	result->one[condition] = one;
	result->other[condition] = other;
}

void *fifo_memory(size_t count, size_t size)
{
	void *memory = calloc(count + 1, size);

	if (memory == NULL)
		abort(); /* a test machine has some */
	return memory;
}

/* -- Elements ------------------------------------------------------------- */

/* Where this value is, or would be. */
static size_t place_of(const struct fifo *fifo, uint64_t value)
{
	size_t place = (size_t)(value * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
		       fifo->mask;

	while (fifo->table[place] != 0 &&
		fifo->elements[fifo->table[place] - 1].value != value)
		place = (place + 1) & fifo->mask;
	return place;
}

struct element *fifo_find(const struct fifo *fifo, uint64_t value)
{
	uint32_t at = fifo->table[place_of(fifo, value)];

	return at == 0 ? NULL : &fifo->elements[at - 1];
}

static struct element *find_or_add(struct fifo *fifo, uint64_t value)
{
	size_t place = place_of(fifo, value);

	if (fifo->table[place] == 0) {
		struct element *element = &fifo->elements[fifo->n_elements++];

		element->value = value;
		element->taken_start = element->taken_end = NEVER;
		fifo->table[place] = (uint32_t)fifo->n_elements;
	}
	return &fifo->elements[fifo->table[place] - 1];
}

static bool takes(const struct history_record *record)
{
	return record->status == WEIR_OK &&
	       (record->kind == HISTORY_RECV ||
		       record->kind == HISTORY_DISPLACED ||
		       record->kind == HISTORY_DROPPED);
}

/* REPEAT [HSV: VRepeat].  No element is received twice: each is in the queue
 * once, and who receives it takes it out.  (To be sent twice is a mistake of
 * the test, since values are unique.) */
static void enter(struct fifo *fifo, const struct history_record *record)
{
	struct element *element = find_or_add(fifo, record->value);
	const struct history_record **role =
		record->kind == HISTORY_SEND ? &element->sent : &element->taken;

	if (*role != NULL) {
		fifo_violation(fifo, FIFO_REPEAT, *role, record);
		return;
	}
	*role = record;
	if (role == &element->taken) {
		element->taken_start = record->start;
		element->taken_end = record->end;
	}
}

/* A send that has not returned has taken effect if its element came out; then
 * it may still be in the middle.  If not, nothing follows from it. */
static void forget_pending(struct fifo *fifo)
{
	for (size_t i = 0; i < fifo->n_elements; i++) {
		struct element *element = &fifo->elements[i];

		if (element->sent != NULL && element->taken == NULL &&
			element->sent->status == HISTORY_PENDING)
			element->sent = NULL;
	}
}

static void find_elements(struct fifo *fifo)
{
	size_t size = 16;

	while (size < 2 * fifo->count)
		size *= 2;
	fifo->mask = size - 1;
	fifo->table = fifo_memory(size, sizeof(*fifo->table));
	fifo->elements = fifo_memory(fifo->count, sizeof(*fifo->elements));
	for (size_t i = 0; i < fifo->count; i++) {
		const struct history_record *record = &fifo->records[i];

		if (takes(record) ||
			(record->kind == HISTORY_SEND &&
				(record->status == WEIR_OK ||
					record->status == HISTORY_PENDING)))
			enter(fifo, record);
	}
	forget_pending(fifo);
}

/* -- All of it ------------------------------------------------------------ */

bool fifo_check(const struct fifo_channel *channel,
	const struct history_record *records, size_t count,
	struct fifo_result *result)
{
	struct fifo fifo = {
		.channel = channel,
		.records = records,
		.count = count,
		.result = result,
	};

	memset(result, 0, sizeof(*result));
	find_elements(&fifo);
	fifo_find_closes(&fifo);
	fifo_check_fresh(&fifo);
	fifo_check_lost(&fifo);
	fifo_check_order(&fifo);
	fifo_check_batches(&fifo);
	if (channel->capacity == 0)
		fifo_check_rendezvous(&fifo);
	else
		fifo_check_capacity(&fifo);
	fifo_check_close_point(&fifo);
	fifo_check_end(&fifo);
	fifo_check_endpoints(&fifo);
	fifo_check_dropped(&fifo);
	fifo_check_answers(&fifo);
	free(fifo.elements);
	free(fifo.table);
	for (int i = 0; i < FIFO_CONDITIONS; i++)
		if (result->found[i] > 0)
			return false;
	return true;
}
