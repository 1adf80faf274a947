/* SPDX-License-Identifier: MIT */
/* fifo_sweep.c - see fifo_sweep.h. */
#include "fifo_sweep.h"
#include "fifo_parts.h"

#include <stdlib.h>

/* The order in which what happens at one stamp is counted. */
enum phase { CERTAIN_ENDS, POSSIBLE_BEGINS, POSSIBLE_ENDS, CERTAIN_BEGINS };

struct fifo_event {
	int64_t time;
	int32_t change;
	uint8_t phase;
	uint8_t count;
};

void fifo_sweep_open(struct fifo_sweep *sweep, size_t intervals)
{
	*sweep = (struct fifo_sweep){.n_events = 0};
	sweep->events = fifo_memory(2 * intervals, sizeof(*sweep->events));
}

void fifo_sweep_free(struct fifo_sweep *sweep)
{
	free(sweep->events);
}

static void add(struct fifo_sweep *sweep, int64_t time, enum phase phase,
	enum fifo_count count, int32_t change)
{
	if (time == NEVER)
		return;
	sweep->events[sweep->n_events++] = (struct fifo_event){
		time, change, (uint8_t)phase, (uint8_t)count};
}

void fifo_sweep_possible(struct fifo_sweep *sweep, enum fifo_count count,
	int64_t start, int64_t end, unsigned more)
{
	add(sweep, start, POSSIBLE_BEGINS, count, (int32_t)more);
	add(sweep, end, POSSIBLE_ENDS, count, -(int32_t)more);
}

void fifo_sweep_certain(struct fifo_sweep *sweep, enum fifo_count count,
	int64_t start, int64_t end)
{
	if (start >= end)
		return;
	add(sweep, start, CERTAIN_BEGINS, count, 1);
	add(sweep, end, CERTAIN_ENDS, count, -1);
}

/* -- Sorting -------------------------------------------------------------- */

#define DIGIT_BITS 11
#define DIGITS ((size_t)1 << DIGIT_BITS)

/* Nanoseconds since the first stamp, and the phase. */
static uint64_t key_of(const struct fifo_event *event, int64_t zero)
{
	return (uint64_t)(event->time - zero) << 2 | event->phase;
}

static size_t digit_of(
	const struct fifo_event *event, int64_t zero, unsigned shift)
{
	return key_of(event, zero) >> shift & (DIGITS - 1);
}

/* One pass of a radix sort; stable. */
static void pass(const struct fifo_event *from, struct fifo_event *to, size_t n,
	int64_t zero, unsigned shift)
{
	size_t places[DIGITS + 1] = {0};

	for (size_t i = 0; i < n; i++)
		places[digit_of(&from[i], zero, shift) + 1]++;
	for (size_t i = 0; i < DIGITS; i++)
		places[i + 1] += places[i];
	for (size_t i = 0; i < n; i++)
		to[places[digit_of(&from[i], zero, shift)]++] = from[i];
}

/* A round takes less than a second, so that three passes are enough. */
static void sort(struct fifo_sweep *sweep)
{
	struct fifo_event *events = sweep->events;
	struct fifo_event *other = fifo_memory(sweep->n_events, sizeof(*other));
	int64_t zero = NEVER;
	uint64_t largest = 0;

	for (size_t i = 0; i < sweep->n_events; i++)
		if (events[i].time < zero)
			zero = events[i].time;
	for (size_t i = 0; i < sweep->n_events; i++)
		if (key_of(&events[i], zero) > largest)
			largest = key_of(&events[i], zero);
	for (unsigned shift = 0; shift < 64 && largest >> shift != 0;
		shift += DIGIT_BITS) {
		pass(events, other, sweep->n_events, zero, shift);
		sweep->events = other;
		other = events;
		events = sweep->events;
	}
	free(other);
}

void fifo_sweep_run(struct fifo_sweep *sweep,
	void (*look)(void *context, int64_t time), void *context)
{
	size_t i = 0;

	sort(sweep);
	while (i < sweep->n_events) {
		int64_t time = sweep->events[i].time;
		bool looked = false;

		for (; i < sweep->n_events && sweep->events[i].time == time;
			i++) {
			const struct fifo_event *event = &sweep->events[i];

			if (!looked && event->phase > POSSIBLE_BEGINS) {
				look(context, time);
				looked = true;
			}
			sweep->now[event->count] += event->change;
		}
		if (!looked)
			look(context, time);
	}
}
