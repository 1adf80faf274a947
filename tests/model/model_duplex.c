/* SPDX-License-Identifier: MIT */
/* model_duplex.c - two ends that take turns, closed at each step. */
#include <weir/duplex.h>

#include "checker.h"

/* One end, and what its thread does: start, then so many exchanges. */
struct side {
	weir_duplex *end;
	bool sends_first;
	unsigned exchanges;
	int64_t deadline;
	bool free_at_end;
	int status; /* the last one */
	unsigned done;
	uint64_t last_in;
};

static void take_turns(void *argument)
{
	struct side *side = argument;
	uint64_t out = side->sends_first ? 10 : 20, in = 0;
	uint64_t *first_in = side->sends_first ? NULL : &in;

	side->status = weir_duplex_exchange_until(
		side->end, NULL, first_in, side->deadline);
	while (side->status == WEIR_OK) {
		if (side->done > 0 || !side->sends_first)
			side->last_in = in;
		if (side->done == side->exchanges)
			break;
		out++;
		side->status = weir_duplex_exchange_until(
			side->end, &out, &in, side->deadline);
		side->done += side->status == WEIR_OK;
	}
	if (side->free_at_end)
		weir_duplex_free(side->end);
}

static void open_sides(struct side *first, struct side *second)
{
	*first = (struct side){.exchanges = 1, .deadline = INT64_MAX};
	*second = (struct side){
		.sends_first = true, .exchanges = 1, .deadline = INT64_MAX};
	check(weir_duplex_open(sizeof(uint64_t), sizeof(uint64_t), &first->end,
		      &second->end) == WEIR_OK);
}

MODEL(duplex, turns, "one exchange each, then both leave")
{
	struct side first, second;

	open_sides(&first, &second);
	first.free_at_end = second.free_at_end = true;
	spawn("first", take_turns, &first);
	spawn("second", take_turns, &second);
	join();
	/* second's value arrives; then second leaves with first's answer. */
	check(first.last_in == 11);
	check(second.status == WEIR_OK && second.last_in == 21);
	check(first.status == WEIR_END_OF_CHANNEL);
}

static void close_end(void *argument)
{
	weir_duplex_close(((struct side *)argument)->end);
}

static void closed_by_a_third(bool close_first)
{
	struct side first, second;

	open_sides(&first, &second);
	spawn("first", take_turns, &first);
	spawn("second", take_turns, &second);
	spawn("closer", close_end, close_first ? &first : &second);
	join();
	weir_duplex_free(first.end);
	weir_duplex_free(second.end);
}

/* When the closer comes last, first waits for second's next value: second must
 * end it. */
static void leave(void *argument)
{
	take_turns(argument);
	weir_duplex_close(((struct side *)argument)->end);
}

MODEL(duplex, second_closes,
	"second leaves after its exchange, at any moment of first")
{
	struct side first, second;

	open_sides(&first, &second);
	spawn("first", take_turns, &first);
	spawn("second", leave, &second);
	join();
	check(first.status == WEIR_END_OF_CHANNEL);
	weir_duplex_free(first.end);
	weir_duplex_free(second.end);
}

MODEL(duplex, closed_first, "first is closed by another thread, at each step")
{
	closed_by_a_third(true);
}

MODEL(duplex, closed_second, "second is closed by another thread, at each step")
{
	closed_by_a_third(false);
}

MODEL(duplex, freed_before_start,
	"one end goes before it was started, the other waits")
{
	struct side first, second;

	open_sides(&first, &second);
	second.exchanges = 0;
	first.free_at_end = true;
	spawn("first", take_turns, &first);
	spawn("second's closer", close_end, &second);
	join();
	check(first.status == WEIR_END_OF_CHANNEL);
	weir_duplex_free(second.end);
}

/* Unless another thread is in a call on this end. */
static void exchange_once(void *argument)
{
	struct side *side = argument;
	uint64_t out = 30, in;

	side->status = weir_duplex_exchange_until(
		side->end, &out, &in, side->deadline);
}

MODEL(duplex, one_end_two_threads,
	"two threads use one end: one after the other, or one is refused")
{
	struct side first, second, again;

	open_sides(&first, &second);
	first.exchanges = 2;
	first.deadline = second.deadline = deadline_ahead();
	again = second;
	spawn("first", take_turns, &first);
	spawn("second", take_turns, &second);
	spawn("second, too", exchange_once, &again);
	join();
	check(second.status == WEIR_OK || second.status == WEIR_TIMED_OUT ||
		second.status == WEIR_INVALID_ARGUMENT);
	weir_duplex_free(first.end);
	weir_duplex_free(second.end);
}

MODEL(duplex, deadline, "a deadline passes as the turn comes")
{
	struct side first, second;

	open_sides(&first, &second);
	second.deadline = deadline_ahead();
	first.free_at_end = second.free_at_end = true;
	spawn("first", take_turns, &first);
	spawn("second", take_turns, &second);
	join();
	check(second.status == WEIR_OK || second.status == WEIR_TIMED_OUT);
	check(first.status == WEIR_END_OF_CHANNEL);
}
