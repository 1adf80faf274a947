/* SPDX-License-Identifier: MIT */
/* history.c - see history.h. */
#include "history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[HISTORY_SEND] = "send",
	[HISTORY_RECV] = "recv",
	[HISTORY_DISPLACED] = "displaced",
	[HISTORY_DROPPED] = "dropped",
	[HISTORY_ABORT] = "abort",
	[HISTORY_LEFT_SEND] = "left send",
	[HISTORY_LEFT_RECV] = "left recv",
	[HISTORY_CLOSE_SENDER] = "close",
	[HISTORY_CLOSE_RECEIVER] = "close",
	[HISTORY_SHUT] = "shut",
};

bool history_open(struct history_log *log, uint16_t thread, size_t capacity)
{
	memset(log, 0, sizeof(*log));
	log->records = malloc(capacity * sizeof(*log->records));
	if (log->records == NULL)
		return false;
	/* Touched now, so that no page fault stretches an interval. */
	memset(log->records, 0, capacity * sizeof(*log->records));
	log->capacity = capacity;
	log->thread = thread;
	return true;
}

void history_free(struct history_log *log)
{
	free(log->records);
	log->records = NULL;
}

/* x86 may read its counter early, or carry out later loads before that; lfence
 * lets neither pass.  Stores need none: what a call publishes it publishes by
 * locked instructions, which are not passed.  Elsewhere the barriers that
 * clock_gettime has must do. */
static inline void hold_the_order(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#endif
}

int64_t history_now(void)
{
	int64_t now;

	hold_the_order();
	now = weir_now();
	hold_the_order();
	return now;
}

static void grow(struct history_log *log)
{
	log->capacity *= 2;
	log->records =
		realloc(log->records, log->capacity * sizeof(*log->records));
	if (log->records == NULL)
		abort();
}

struct history_record *history_add(struct history_log *log,
	enum history_kind kind, unsigned channel, unsigned endpoint,
	const char *call, int status)
{
	struct history_record *record;

	if (log->count == log->capacity)
		grow(log);
	record = &log->records[log->count++];
	record->call = call;
	record->value = 0;
	record->status = status;
	record->thread = log->thread;
	record->rest = 0;
	record->kind = (uint8_t)kind;
	record->channel = (uint8_t)channel;
	record->endpoint = (uint8_t)endpoint;
	record->flags = 0;
	return record;
}

void history_stamp(struct history_log *log, int64_t start, int64_t end,
	int64_t from, int64_t until)
{
	for (; log->stamped < log->count; log->stamped++) {
		struct history_record *record = &log->records[log->stamped];

		record->start = start;
		record->end = end;
		record->from = from;
		record->until = until;
	}
}

void history_end(struct history_log *log, int64_t start)
{
	int64_t end = history_now();

	history_stamp(log, start, end, start, end);
}

static void print_span(FILE *file, int64_t low, int64_t high, int64_t zero)
{
	fprintf(file, " [%" PRId64 ", ", low - zero);
	if (high == INT64_MAX)
		fprintf(file, "...]");
	else
		fprintf(file, "%" PRId64 "]", high - zero);
}

void history_print(
	FILE *file, const struct history_record *record, int64_t zero)
{
	fprintf(file, "  thread %-2u %-9s", record->thread,
		kind_names[record->kind]);
	if (record->value != 0)
		fprintf(file, " %" PRIu64 "/%-6" PRIu64, record->value >> 40,
			record->value & ((UINT64_C(1) << 40) - 1));
	else
		fprintf(file, " %-8s", "-");
	print_span(file, record->start, record->end, zero);
	if (record->from != record->start || record->until != record->end) {
		fprintf(file, " in hand until");
		print_span(file, record->from, record->until, zero);
	}
	fprintf(file, " %s through %u: %s\n", record->call, record->endpoint,
		record->status == HISTORY_PENDING
			? "has not returned"
			: weir_status_name(record->status));
}
