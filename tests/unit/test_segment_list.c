/* SPDX-License-Identifier: MIT */
/* test_segment_list.c - the unbounded queue alone: segments come, are used
 * again, and go. */
#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "counting.h"
#include "segment_list.h"
#include "threads.h"

#define LIST_TEST(name) Test(segment_list, name, .timeout = 60)
#define BIG ((size_t)20 * 1024) /* two elements a segment */

static struct counting counting;

static void open_list(struct segment_list *list, size_t element_size)
{
	weir_options options = WEIR_OPTIONS_INIT;
	struct allocator allocator;

	counting_init(&counting, &options);
	allocator.alloc = options.alloc;
	allocator.free = options.free;
	allocator.context = options.allocator_context;
	memset(list, 0, sizeof *list);
	cr_assert(wi_segment_list_init(list, element_size, &allocator) == 0);
}

static void close_list(struct segment_list *list)
{
	list->queue.ops->destroy(&list->queue);
	counting_settled(&counting);
}

static unsigned char element[BIG];

static int push(struct segment_list *list, uint64_t value)
{
	memcpy(element, &value, sizeof value);
	return list->queue.ops->push(&list->queue, element, 0);
}

static int pop(struct segment_list *list, uint64_t *value)
{
	int status = list->queue.ops->pop(&list->queue, element, 0);

	memcpy(value, element, sizeof *value);
	return status;
}

static void assert_pops(struct segment_list *list, uint64_t want)
{
	uint64_t value;

	cr_assert(pop(list, &value) == 0);
	cr_assert(value == want);
}

LIST_TEST(keeps_the_order_over_many_segments)
{
	struct segment_list list;
	uint64_t sent = 0, received = 0, value;

	open_list(&list, BIG);
	for (int round = 1; round < 40; round++) {
		for (int i = 0; i < round; i++)
			cr_assert(push(&list, sent++) == 0);
		cr_assert(wi_queue_length(&list.queue) == sent - received);
		for (int i = 0; i < round; i++)
			assert_pops(&list, received++);
	}
	cr_assert(pop(&list, &value) == -EAGAIN);
	close_list(&list);
}

LIST_TEST(puts_elements_larger_than_a_segment_one_into_each)
{
	struct segment_list list;

	open_list(&list, 8);
	cr_assert((list.layout.stride << list.slots_shift) <= 64 * 1024);
	close_list(&list);
	open_list(&list, 200000);
	cr_assert(list.slots_shift == 0);
	close_list(&list);
}

/* At some number the turn of a free slot is zero, as in memory that was never
 * used. */
LIST_TEST(survives_the_wrap_of_its_turns_at_2_to_the_32)
{
	enum { SEGMENTS = 4 };
	const struct segment *oldest;
	struct segment_list list;
	uint64_t first, n;

	open_list(&list, BIG);
	n = (uint64_t)1 << list.slots_shift;
	/* All segments are new ones: too few are retired for a look. */
	first = ((uint64_t)1 << 29) - SEGMENTS / 2;
	list.before_first.number = first;
	init_atomic(&list.queue.tail, (first * n) << FLAG_BITS);
	init_atomic(&list.queue.head, (first * n) << FLAG_BITS);
	for (uint64_t i = 0; i < SEGMENTS * n; i++) {
		cr_assert(push(&list, i) == 0);
		if (i > 0)
			assert_pops(&list, i - 1);
	}
	oldest = load_relaxed(&list.oldest);
	cr_assert(oldest->number == first + SEGMENTS);
	close_list(&list);
}

LIST_TEST(memory_that_ends_leaves_all_as_it_was)
{
	struct segment_list list;
	uint64_t sent = 0, value;

	open_list(&list, BIG);
	atomic_store(&counting.fail_after, atomic_load(&counting.calls) + 2);
	while (push(&list, sent) == 0)
		sent++;
	cr_assert(sent == (uint64_t)2 << list.slots_shift);
	cr_assert(push(&list, 0) == -ENOMEM);
	cr_assert(wi_queue_length(&list.queue) == sent);
	atomic_store(&counting.fail_after, 0);
	cr_assert(push(&list, sent++) == 0);
	for (uint64_t i = 0; i < sent; i++)
		assert_pops(&list, i);
	cr_assert(pop(&list, &value) == -EAGAIN);
	close_list(&list);
}

LIST_TEST(a_burst_gives_its_segments_back)
{
	struct segment_list list;

	open_list(&list, BIG);
	for (uint64_t i = 0; i < 200; i++)
		cr_assert(push(&list, i) == 0);
	cr_assert(atomic_load(&counting.live_blocks) >= 100);
	for (uint64_t i = 0; i < 200; i++)
		assert_pops(&list, i);
	/* One in use, one kept as a spare. */
	wait_until(atomic_load(&counting.live_blocks) <= 2);
	close_list(&list);
}

/* Whoever is busy with two segments does not keep the hundred of a burst. */
LIST_TEST(a_steady_flow_gives_back_what_a_burst_has_left)
{
	struct segment_list list;
	uint64_t sent = 0, received = 0;

	open_list(&list, BIG);
	while (sent < 200)
		cr_assert(push(&list, sent++) == 0);
	while (received < 200)
		assert_pops(&list, received++);
	/* Where there is no membarrier a segment takes a grace period to come
	 * back, and a flow that never stops uses all of them. */
	while (wi_fence_is_there() && atomic_load(&counting.live_blocks) > 20) {
		cr_assert(push(&list, sent++) == 0);
		assert_pops(&list, received++);
	}
	close_list(&list);
}

LIST_TEST(a_steady_flow_uses_its_segments_again)
{
	struct segment_list list;
	int64_t calls;

	open_list(&list, BIG);
	for (uint64_t i = 0; i < 20000; i++) {
		cr_assert(push(&list, i) == 0);
		assert_pops(&list, i);
		if (i % 16 == 0)
			sched_yield();
	}
	calls = atomic_load(&counting.calls);
	/* At once, or after a grace period. */
	cr_assert(calls < (wi_fence_is_there() ? 1000 : 9000),
		"%lld allocations for 10,000 segments", (long long)calls);
	close_list(&list);
}

static uint64_t dropped;

static void count_drop(void *from, void *context)
{
	(void)from;
	(void)context;
	dropped++;
}

/* What a sender does first, to stop there; the segment must be there. */
static void claim(struct segment_list *list)
{
	uint64_t tail = load_relaxed(&list->queue.tail);

	cr_assert(cas_relaxed(
		&list->queue.tail, &tail, tail + (1u << FLAG_BITS)));
}

/* The second place of each segment belongs to a sender that was stopped. */
LIST_TEST(drain_passes_over_unfilled_slots_in_every_segment)
{
	static const struct dropper dropper = {count_drop, NULL};
	struct segment_list list;
	uint64_t value;

	open_list(&list, BIG);
	cr_assert(list.slots_shift == 1);
	for (uint64_t i = 0; i < 10; i++) {
		cr_assert(push(&list, i) == 0);
		claim(&list);
	}
	assert_pops(&list, 0);
	cr_assert(pop(&list, &value) == -EAGAIN);
	wi_queue_finish(&list.queue, BROKEN);
	list.queue.ops->drain(&list.queue, &dropper);
	cr_assert(dropped == 9);
	cr_assert(wi_queue_sent(&list.queue) == 10);
	cr_assert(wi_queue_received(&list.queue) == 1);
	cr_assert(pop(&list, &value) == -ENODATA);
	cr_assert(push(&list, 0) == -EPIPE);
	close_list(&list);
}

LIST_TEST(is_destroyed_while_its_segments_are_on_their_way_back)
{
	for (int round = 0; round < 300; round++) {
		struct segment_list list;
		uint64_t n = (uint64_t)(round % 13);

		open_list(&list, BIG);
		for (uint64_t i = 0; i < n; i++)
			cr_assert(push(&list, i) == 0);
		for (uint64_t i = 0; i < n - n % 2; i++)
			assert_pops(&list, i);
		close_list(&list);
	}
}

struct side {
	struct task task;
	struct segment_list *list;
	uint64_t got;
	uint64_t sum;
};

enum { EACH = 20000 };

static int push_all(void *argument)
{
	struct side *side = argument;
	unsigned char mine[BIG] = {0};

	for (uint64_t i = 1; i <= EACH; i++) {
		memcpy(mine, &i, sizeof i);
		if (side->list->queue.ops->push(&side->list->queue, mine, 0))
			return 1;
	}
	return 0;
}

static _Atomic uint64_t taken;

static int pop_all(void *argument)
{
	struct side *side = argument;
	unsigned char mine[BIG];
	uint64_t value;

	while (atomic_load(&taken) < 2 * EACH) {
		if (side->list->queue.ops->pop(&side->list->queue, mine, 0)) {
			sched_yield();
			continue;
		}
		atomic_fetch_add(&taken, 1);
		memcpy(&value, mine, sizeof value);
		side->sum += value;
	}
	return 0;
}

/* Two elements a segment: appends and retirements all the time. */
LIST_TEST(two_senders_and_two_receivers_race_at_the_borders)
{
	struct side sides[4];
	struct segment_list list;

	open_list(&list, 2048);
	for (int i = 0; i < 4; i++) {
		sides[i].list = &list;
		sides[i].sum = 0;
		task_start(
			&sides[i].task, i < 2 ? push_all : pop_all, &sides[i]);
	}
	for (int i = 0; i < 4; i++)
		cr_assert(task_join(&sides[i].task) == 0);
	cr_assert(sides[2].sum + sides[3].sum == (uint64_t)EACH * (EACH + 1));
	close_list(&list);
}
