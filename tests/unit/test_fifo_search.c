/* SPDX-License-Identifier: MIT */
/* test_fifo_search.c - the checker of histories against a search.
 *
 * The search tries all orders of a few operations on a queue that one thread
 * uses: it is slow, and plainly right.  Random histories, right ones and ones
 * that were tampered with, are given to both.  What the search finds right the
 * checker must find right; and where its conditions are complete (a queue that
 * is never full, with answers that it is empty or else with closes) the other
 * way round as well.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "histories.h"

#define HISTORIES 150000 /* a family: about a second */
#define LONGEST 8

/* What a family of histories consists of, beside sends and recvs. */
struct family {
	size_t capacity;
	bool empties, fulls, closes;
};

/* -- Random numbers ------------------------------------------------------- */

static uint64_t state;

static uint64_t below(uint64_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % limit;
}

/* -- A channel that one thread uses --------------------------------------- */

struct model {
	uint64_t queue[LONGEST];
	size_t length, capacity;
	bool ended, broken;
};

/* Can this operation be the next one?  Then it is. */
static bool apply(struct model *model, const struct history_record *record)
{
	bool over = model->ended || model->broken;

	switch (record->kind) {
	case HISTORY_CLOSE_SENDER:
		model->ended = true;
		return true;
	case HISTORY_SHUT:
		model->broken = true;
		return true;
	case HISTORY_SEND:
		if (record->status == WEIR_BROKEN_RESOURCE)
			return model->broken;
		if (over)
			return false;
		if (record->status == WEIR_TIMED_OUT)
			return model->length >= model->capacity;
		if (model->length >= model->capacity)
			return false;
		model->queue[model->length++] = record->value;
		return true;
	default:
		if (record->status == WEIR_END_OF_CHANNEL)
			return over && model->length == 0;
		if (record->status == WEIR_TIMED_OUT)
			return !over && model->length == 0;
		if (model->length == 0 || model->queue[0] != record->value)
			return false;
		model->length--;
		memmove(model->queue, model->queue + 1,
			model->length * sizeof(uint64_t));
		return true;
	}
}

/* -- The search ----------------------------------------------------------- */

static bool search(const struct written *history, const struct model *before,
	unsigned done)
{
	int64_t first_end = INT64_MAX;

	if (done == (1u << history->count) - 1)
		return true;
	for (size_t i = 0; i < history->count; i++)
		if (!(done & 1u << i) && history->records[i].end < first_end)
			first_end = history->records[i].end;
	for (size_t i = 0; i < history->count; i++) {
		struct model model = *before;

		/* What begins after another has ended comes after it. */
		if ((done & 1u << i) || history->records[i].start > first_end)
			continue;
		if (apply(&model, &history->records[i]) &&
			search(history, &model, done | 1u << i))
			return true;
	}
	return false;
}

static bool search_finds_it_right(
	const struct written *history, size_t capacity)
{
	struct model model = {.capacity = capacity};

	return search(history, &model, 0);
}

static bool checker_finds_it_right(
	const struct written *history, size_t capacity)
{
	const struct fifo_channel channel = {
		.capacity = capacity, .senders = 1, .receivers = 1};
	struct fifo_result result;

	return fifo_check(&channel, history->records, history->count, &result);
}

/* -- Histories ------------------------------------------------------------ */

static void add(struct written *history, enum history_kind kind, uint64_t value,
	int status, int64_t instant)
{
	/* Sends do not go through the endpoint whose close ends the channel:
	 * that would tell them something else. */
	write_down(history, kind, value, status, instant - (int64_t)below(25),
		instant + (int64_t)below(25))
		->endpoint = kind == HISTORY_SEND;
}

/* What this model would answer to a call at random. */
static void act(struct written *history, const struct family *family,
	struct model *model, uint64_t value, int64_t instant)
{
	bool over = model->ended || model->broken;

	if (family->closes && below(8) == 0) {
		enum history_kind kind =
			below(2) ? HISTORY_CLOSE_SENDER : HISTORY_SHUT;

		if (kind == HISTORY_SHUT ? !model->broken : !model->ended)
			add(history, kind, 0, WEIR_OK, instant);
	} else if (below(2)) {
		if (model->broken && !model->ended)
			add(history, HISTORY_SEND, value, WEIR_BROKEN_RESOURCE,
				instant);
		else if (!over && model->length < model->capacity)
			add(history, HISTORY_SEND, value, WEIR_OK, instant);
		else if (!over && family->fulls)
			add(history, HISTORY_SEND, value, WEIR_TIMED_OUT,
				instant);
	} else if (model->length > 0) {
		add(history, HISTORY_RECV, model->queue[0], WEIR_OK, instant);
	} else if (over) {
		add(history, HISTORY_RECV, 0, WEIR_END_OF_CHANNEL, instant);
	} else if (family->empties) {
		add(history, HISTORY_RECV, 0, WEIR_TIMED_OUT, instant);
	}
}

static void make(struct written *history, const struct family *family)
{
	struct model model = {.capacity = family->capacity};
	size_t length = 2 + below(LONGEST - 1);

	history->count = 0;
	for (uint64_t i = 1; history->count < length && i < 40; i++) {
		size_t before = history->count;

		act(history, family, &model, i, 1000 + 10 * (int64_t)i);
		if (history->count > before)
			apply(&model, &history->records[before]);
	}
}

static void swap_values(struct history_record *a, struct history_record *b)
{
	uint64_t value = a->value;

	if (a->kind != b->kind || a->status != WEIR_OK || b->status != WEIR_OK)
		return;
	a->value = b->value;
	b->value = value;
}

static void tamper(struct written *history)
{
	size_t last = history->count - 1;
	struct history_record *one = &history->records[below(last + 1)];
	struct history_record *other = &history->records[below(last + 1)];
	int64_t shift = (int64_t)below(60) - 30;

	switch (below(4)) {
	case 0:
		swap_values(one, other);
		break;
	case 1:
		one->start = one->end = one->start + (int64_t)below(25);
		break;
	case 2:
		one->start += shift;
		one->end += shift;
		break;
	default: /* as if it had never been there */
		*one = history->records[last];
		history->count--;
	}
	one->from = one->start;
	one->until = one->end;
}

/* Give both many histories of a family. */
static void compare(const struct family *family, bool complete)
{
	size_t right = 0, wrong = 0, found = 0;

	state = 20260101;
	for (unsigned i = 0; i < HISTORIES; i++) {
		struct written history;
		bool expected, answer;

		make(&history, family);
		for (uint64_t n = below(4); history.count > 1 && n > 0; n--)
			tamper(&history);
		expected = search_finds_it_right(&history, family->capacity);
		answer = checker_finds_it_right(&history, family->capacity);
		cr_assert(answer || !expected, "false alarm in history %u", i);
		cr_assert(!answer || expected || !complete,
			"history %u is wrong, and passes", i);
		right += expected;
		wrong += !expected;
		found += !answer;
	}
	cr_log_info("%zu right, %zu wrong, of which %zu were found", right,
		wrong, found);
	/* The comparison is worth something, */
	cr_assert(right > HISTORIES / 10 && wrong > HISTORIES / 10);
	/* and what is necessary only is so in rare cases. */
	cr_assert(found > wrong / 10 * 9);
}

#define SEARCH_TEST(name) Test(fifo_search, name, .timeout = 300)

SEARCH_TEST(agrees_about_queues_that_are_empty_at_times)
{
	compare(&(struct family){.capacity = WEIR_UNBOUNDED, .empties = true},
		true);
}

SEARCH_TEST(agrees_about_queues_that_are_closed)
{
	compare(&(struct family){.capacity = WEIR_UNBOUNDED, .closes = true},
		true);
}

SEARCH_TEST(gives_no_false_alarm_about_queues_that_are_full_at_times)
{
	for (size_t capacity = 1; capacity <= 3; capacity++)
		compare(&(struct family){.capacity = capacity,
				.empties = true,
				.fulls = true},
			false);
}

SEARCH_TEST(gives_no_false_alarm_about_anything)
{
	for (size_t capacity = 1; capacity <= 2; capacity++)
		compare(&(struct family){.capacity = capacity,
				.empties = true,
				.fulls = true,
				.closes = true},
			false);
}
