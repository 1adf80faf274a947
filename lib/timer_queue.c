/* SPDX-License-Identifier: MIT */
/* timer_queue.c - see timer_queue.h.
 *
 * A position is the number of a period; head is the oldest whose element has
 * not been taken.  Nobody puts elements in: that of period k is there from
 * first + k * period on.  Who takes it moves head past all periods that have
 * begun since, which are missed (counted as abandoned), so that the next
 * element falls on the grid and there is no burst.  One word decides who takes
 * what, as in the other flavors.  tail has no position until the channel is
 * shut; then it has that of the first element that will not come any more.
 */
#include "timer_queue.h"

#include <string.h>

#include "debug.h"

static const struct timer_queue *timer_of(const struct queue *queue)
{
	return container_of(
		(void *)(uintptr_t)queue, struct timer_queue, queue);
}

static uint64_t period_of(uint64_t word)
{
	return word >> FLAG_BITS;
}

/* When the element of this position comes; WEIR_FOREVER: never. */
static int64_t due_at(const struct timer_queue *timer, uint64_t word)
{
	const struct schedule *schedule = &timer->schedule;
	int64_t after_first, due;

	if (schedule->period == 0)
		return period_of(word) == 0 ? schedule->first : WEIR_FOREVER;
	if (__builtin_mul_overflow(
		    period_of(word), schedule->period, &after_first) ||
		__builtin_add_overflow(schedule->first, after_first, &due))
		return WEIR_FOREVER;
	return due;
}

static bool is_due(int64_t due, int64_t now)
{
	return due != WEIR_FOREVER && due <= now;
}

static int push(struct queue *queue, const void *element, uint64_t held)
{
	(void)queue;
	(void)element;
	(void)held;
	return -EAGAIN; /* only the clock sends */
}

static int can_push(struct queue *queue, uint64_t held)
{
	return push(queue, NULL, held);
}

/* 0: the element of this head, which came at *due, is there at *now. */
static int find_due(struct queue *queue, uint64_t held, uint64_t head,
	int64_t *due, int64_t *now)
{
	bool is_there, is_over;
	uint64_t last;

	*due = due_at(timer_of(queue), head);
	*now = weir_now();
	/* acquire [closed]: shut; after the look at the clock, so that what is
	 * taken came before that. */
	last = load_acquire(&queue->tail);
	is_over = last & BROKEN;
	is_there = is_over ? period_of(head) < period_of(last)
			   : is_due(*due, *now);
	if (!is_there)
		return is_over ? -ENODATA : -EAGAIN;
	if (*now < *due)
		*now = *due; /* shut just after we looked */
	return (head & HELD) == held ? 0 : -EAGAIN;
}

static int pop(struct queue *queue, void *element, uint64_t held)
{
	const struct timer_queue *timer = timer_of(queue);
	/* relaxed: a hint; the cas decides. */
	uint64_t head = load_relaxed(&queue->head);
	uint64_t missed = 0;
	int64_t due, now;
	int status;

	do {
		status = find_due(queue, held, head, &due, &now);
		if (status != 0)
			return status;
		if (timer->schedule.period > 0)
			missed = (uint64_t)(now - due) /
				 (uint64_t)timer->schedule.period;
		/* relaxed: nobody has written what is read. */
	} while (!cas_relaxed(
		&queue->head, &head, head + ((missed + 1) << FLAG_BITS)));
	/* relaxed: a figure for statistics. */
	fetch_add_relaxed(&queue->abandoned, missed);
	memcpy(element, &due, sizeof due);
	return 0;
}

static int can_pop(struct queue *queue, uint64_t held)
{
	int64_t due, now;

	/* relaxed: only an answer about this instant. */
	return find_due(queue, held, load_relaxed(&queue->head), &due, &now);
}

static uint64_t count(const struct queue *queue, uint64_t position)
{
	(void)queue;
	return period_of(position);
}

static void drain(struct queue *queue, const struct dropper *dropper)
{
	(void)queue;
	(void)dropper;
}

static void destroy(struct queue *queue)
{
	(void)queue;
}

static int64_t due(const struct queue *queue)
{
	/* relaxed, both: who finds it old looks again. */
	uint64_t head = load_relaxed(&queue->head);
	uint64_t last = load_relaxed(&queue->tail); /* relaxed: as above */

	if (last & BROKEN && period_of(head) >= period_of(last))
		return WEIR_FOREVER;
	return due_at(timer_of(queue), head);
}

/* One past head when there is an element. */
static uint64_t tail(const struct queue *queue)
{
	/* relaxed, both: for figures, and inside the gate. */
	uint64_t head = load_relaxed(&queue->head);
	uint64_t last = load_relaxed(&queue->tail); /* relaxed: as above */

	if (last & BROKEN)
		return period_of(head) < period_of(last) ? last : head;
	if (is_due(due_at(timer_of(queue), head), weir_now()))
		head += (uint64_t)1 << FLAG_BITS;
	return head;
}

static const struct clock_ops timer_clock = {
	.due = due,
	.tail = tail,
};

static const struct queue_ops timer_ops = {
	.push = push,
	.pop = pop,
	.can_push = can_push,
	.can_pop = can_pop,
	.count = count,
	.drain = drain,
	.destroy = destroy,
	.clock = &timer_clock,
};

void wi_timer_queue_init(struct timer_queue *timer,
	const struct schedule *schedule, const struct allocator *allocator)
{
	timer->schedule = *schedule;
	wi_queue_init(&timer->queue, &timer_ops, 1, sizeof(int64_t), allocator);
}
