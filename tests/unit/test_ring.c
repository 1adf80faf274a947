/* SPDX-License-Identifier: MIT */
/* test_ring.c - the bounded queue alone: places, turns, flags, drains. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "ring.h"

#define RING_TEST(name) Test(ring, name, .timeout = 60)
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const struct allocator ours = {NULL, NULL, NULL};
static const size_t capacities[] = {1, 2, 3, 5, 64, 1000};

static void open_ring(struct ring *ring, size_t capacity)
{
	cr_assert(wi_ring_init(ring, capacity, sizeof(uint64_t), &ours) == 0);
}

static void close_ring(struct ring *ring)
{
	ring->queue.ops->destroy(&ring->queue);
}

static int push(struct ring *ring, uint64_t value)
{
	return ring->queue.ops->push(&ring->queue, &value, 0);
}

static int pop(struct ring *ring, uint64_t *value)
{
	return ring->queue.ops->pop(&ring->queue, value, 0);
}

static void assert_pops(struct ring *ring, uint64_t want)
{
	uint64_t value = ~want;

	cr_assert(pop(ring, &value) == 0);
	cr_assert(value == want);
}

/* What a sender does first, to stop there. */
static struct slot *claim(struct ring *ring)
{
	uint64_t tail = load_relaxed(&ring->queue.tail);
	size_t index = (size_t)(tail >> FLAG_BITS) &
		       ((1u << (ring->lap_shift - FLAG_BITS)) - 1);
	uint64_t next = tail + (1u << FLAG_BITS);

	if (index + 1 == ring->queue.capacity)
		next = ((tail >> ring->lap_shift) + 1) << ring->lap_shift;
	cr_assert(cas_relaxed(&ring->queue.tail, &tail, next));
	return (struct slot *)(void *)(ring->slots +
				       index * ring->layout.stride);
}

/* A stray one would take lines away from others, which no test would see. */
RING_TEST(prefetches_within_its_array_and_lines_with_turns_alone)
{
	static const struct {
		size_t capacity, size, end;
	} rings[] = {{1, 8, 0}, {32, 8, 0}, {33, 8, 33 * 16 - 256},
		{1000, 8, 1000 * 16 - 256}, {64, 32, 64 * 48 - 256},
		{64, 256, 64 * 272 - 256}, {64, 4096, 0}};

	for (size_t i = 0; i < LENGTH(rings); i++) {
		struct ring ring;

		cr_assert(wi_ring_init(&ring, rings[i].capacity, rings[i].size,
				  &ours) == 0);
		cr_assert(ring.prefetch_end == ring.slots + rings[i].end);
		close_ring(&ring);
	}
}

RING_TEST(holds_exactly_its_capacity)
{
	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct ring ring;

		open_ring(&ring, capacities[c]);
		for (size_t i = 0; i < capacities[c]; i++)
			cr_assert(push(&ring, i) == 0);
		cr_assert(push(&ring, 0) == -EAGAIN);
		cr_assert(wi_queue_length(&ring.queue) == capacities[c]);
		for (size_t i = 0; i < capacities[c]; i++)
			assert_pops(&ring, i);
		cr_assert(wi_queue_length(&ring.queue) == 0);
		close_ring(&ring);
	}
}

RING_TEST(pop_from_empty_returns_eagain)
{
	struct ring ring;
	uint64_t value;

	open_ring(&ring, 2);
	cr_assert(pop(&ring, &value) == -EAGAIN);
	close_ring(&ring);
}

/* Start everything `laps` before the turn, or the position, wraps. */
static void start_at_lap(struct ring *ring, uint64_t lap)
{
	init_atomic(&ring->queue.tail, lap << ring->lap_shift);
	init_atomic(&ring->queue.head, lap << ring->lap_shift);
	for (size_t i = 0; i < ring->queue.capacity; i++)
		init_atomic(&((struct slot *)(void *)(ring->slots +
						      i * ring->layout.stride))
				     ->turn,
			(uint32_t)(TURNS * lap));
}

static void run_laps(struct ring *ring, unsigned laps)
{
	uint64_t sent = 0, received = 0, value;

	while (received < laps * ring->queue.capacity) {
		while (push(ring, sent) == 0)
			sent++;
		cr_assert(sent - received == ring->queue.capacity);
		assert_pops(ring, received++);
		if (received % 3 == 0)
			while (pop(ring, &value) == 0)
				cr_assert(value == received++);
	}
}

RING_TEST(survives_the_wrap_of_its_turns_at_2_to_the_32)
{
	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct ring ring;

		open_ring(&ring, capacities[c]);
		start_at_lap(&ring, ((uint64_t)1 << 31) - 2);
		run_laps(&ring, 5);
		close_ring(&ring);
	}
}

/* The order survives; what statistics count from positions does not, some 500
 * years on. */
RING_TEST(survives_the_wrap_of_its_positions_at_2_to_the_64)
{
	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct ring ring;

		open_ring(&ring, capacities[c]);
		start_at_lap(&ring, (UINT64_MAX >> ring.lap_shift) - 2);
		run_laps(&ring, 5);
		close_ring(&ring);
	}
}

/* -- Runs ---------------------------------------------------------------- */

static size_t push_run(struct ring *ring, const uint64_t *values, size_t count)
{
	static const struct dropper nobody = {NULL, NULL};

	return ring->queue.ops->push_run(
		&ring->queue, (const unsigned char *)values, count, &nobody);
}

static size_t pop_run(struct ring *ring, uint64_t *values, size_t count)
{
	return ring->queue.ops->pop_run(
		&ring->queue, (unsigned char *)values, count);
}

/* A run ends where the ring does; the next one goes on. */
static size_t push_all(struct ring *ring, const uint64_t *values, size_t count)
{
	size_t done = 0, moved;

	while ((moved = push_run(ring, values + done, count - done)) > 0)
		done += moved;
	return done;
}

static size_t pop_all(struct ring *ring, uint64_t *values, size_t count)
{
	size_t done = 0, moved;

	while ((moved = pop_run(ring, values + done, count - done)) > 0)
		done += moved;
	return done;
}

static void run_runs(struct ring *ring, unsigned laps)
{
	enum { MOST = 7 };
	uint64_t sent = 0, received = 0, values[MOST];

	for (size_t round = 0; received < laps * ring->queue.capacity;
		round++) {
		size_t count = 1 + round % MOST, moved;
		size_t room = ring->queue.capacity - (sent - received);

		for (size_t i = 0; i < count; i++)
			values[i] = sent + i;
		moved = push_all(ring, values, count);
		cr_assert(moved == (count < room ? count : room));
		sent += moved;

		count = 1 + round * 5 % MOST;
		moved = pop_all(ring, values, count);
		room = sent - received;
		cr_assert(moved == (count < room ? count : room));
		for (size_t i = 0; i < moved; i++)
			cr_assert(values[i] == received + i);
		received += moved;
	}
}

RING_TEST(runs_move_what_there_is_and_survive_every_wrap)
{
	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct ring ring;

		open_ring(&ring, capacities[c]);
		run_runs(&ring, 5);
		start_at_lap(&ring, ((uint64_t)1 << 31) - 2);
		run_runs(&ring, 5);
		start_at_lap(&ring, (UINT64_MAX >> ring.lap_shift) - 2);
		run_runs(&ring, 5);
		close_ring(&ring);
	}
}

RING_TEST(a_run_stops_at_a_slot_that_is_not_filled)
{
	static const uint64_t values[] = {1, 2};
	uint64_t out[3];
	struct ring ring;

	open_ring(&ring, 4);
	cr_assert(push(&ring, 0) == 0);
	(void)claim(&ring);
	cr_assert(push_run(&ring, values, 2) == 2);
	cr_assert(pop_run(&ring, out, 3) == 1 && out[0] == 0);
	cr_assert(pop_run(&ring, out, 3) == 0);
	close_ring(&ring);
}

RING_TEST(runs_are_not_for_held_words_nor_after_the_end)
{
	static const uint64_t values[] = {1, 2};
	uint64_t out[2];
	struct ring ring;

	open_ring(&ring, 4);
	cr_assert(push_run(&ring, values, 2) == 2);
	wi_queue_hold(&ring.queue.head, true);
	cr_assert(pop_run(&ring, out, 2) == 0);
	wi_queue_hold(&ring.queue.head, false);
	wi_queue_hold(&ring.queue.tail, true);
	cr_assert(push_run(&ring, values, 2) == 0);
	wi_queue_hold(&ring.queue.tail, false);
	wi_queue_finish(&ring.queue, ENDED);
	cr_assert(push_run(&ring, values, 2) == 0);
	cr_assert(pop_run(&ring, out, 2) == 2 && out[1] == 2);
	close_ring(&ring);
}

/* A run of large elements is short. */
RING_TEST(a_run_is_bounded_by_its_bytes)
{
	static const unsigned char elements[8][4096];
	struct ring ring;

	cr_assert(wi_ring_init(&ring, 8, sizeof *elements, &ours) == 0);
	cr_assert(ring.queue.ops->push_run(&ring.queue, *elements, 8,
			  &(struct dropper){0}) == 1);
	close_ring(&ring);
}

/* -- Threads that stop in the middle, and flags -------------------------- */

RING_TEST(a_slot_claimed_and_not_filled_stops_pop_and_not_push)
{
	struct ring ring;
	struct slot *slot;
	uint64_t value;

	open_ring(&ring, 2);
	slot = claim(&ring);
	cr_assert(pop(&ring, &value) == -EAGAIN);
	cr_assert(push(&ring, 8) == 0);
	cr_assert(pop(&ring, &value) == -EAGAIN);
	cr_assert(push(&ring, 9) == -EAGAIN);
	value = 7;
	memcpy(wi_slot_element(slot, &ring.layout), &value, sizeof value);
	exchange_seq_cst(&slot->turn, FULL);
	assert_pops(&ring, 7);
	assert_pops(&ring, 8);
	close_ring(&ring);
}

RING_TEST(held_words_are_for_who_is_inside)
{
	struct ring ring;
	uint64_t value = 1;

	open_ring(&ring, 4);
	cr_assert(push(&ring, 1) == 0);
	wi_queue_hold(&ring.queue.head, true);
	cr_assert(pop(&ring, &value) == -EAGAIN);
	cr_assert(ring.queue.ops->pop(&ring.queue, &value, HELD) == 0);
	wi_queue_hold(&ring.queue.tail, true);
	cr_assert(push(&ring, 2) == -EAGAIN);
	cr_assert(ring.queue.ops->push(&ring.queue, &value, HELD) == 0);
	wi_queue_hold(&ring.queue.tail, false);
	wi_queue_hold(&ring.queue.head, false);
	cr_assert(push(&ring, 3) == 0);
	assert_pops(&ring, 1);
	assert_pops(&ring, 3);
	close_ring(&ring);
}

RING_TEST(the_end_is_told_to_everybody_though_others_hold_head)
{
	struct ring ring;
	uint64_t value;

	open_ring(&ring, 4);
	wi_queue_hold(&ring.queue.head, true);
	cr_assert(pop(&ring, &value) == -EAGAIN);
	wi_queue_finish(&ring.queue, ENDED);
	cr_assert(pop(&ring, &value) == -ENODATA);
	close_ring(&ring);
}

RING_TEST(flags_end_the_claims_and_drain_what_is_there)
{
	static const uint64_t flags[] = {ENDED, BROKEN};

	for (size_t f = 0; f < LENGTH(flags); f++) {
		struct ring ring;
		uint64_t value;

		open_ring(&ring, 4);
		cr_assert(push(&ring, 5) == 0);
		wi_queue_finish(&ring.queue, flags[f]);
		cr_assert(push(&ring, 6) ==
			  (flags[f] == ENDED ? -EBADF : -EPIPE));
		assert_pops(&ring, 5);
		cr_assert(pop(&ring, &value) == -ENODATA);
		close_ring(&ring);
	}
}

static uint64_t dropped_sum;

static void count_drop(void *element, void *context)
{
	uint64_t value;

	(void)context;
	memcpy(&value, element, sizeof value);
	dropped_sum += value;
}

/* The sender learns from its exchange that its slot was abandoned. */
RING_TEST(drain_drops_what_is_full_and_abandons_what_is_not)
{
	static const struct dropper dropper = {count_drop, NULL};
	struct ring ring;
	struct slot *slot;
	uint64_t value;

	open_ring(&ring, 3);
	cr_assert(push(&ring, 1) == 0);
	slot = claim(&ring);
	cr_assert(push(&ring, 10) == 0);
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &dropper);
	cr_assert(dropped_sum == 11);
	cr_assert(exchange_seq_cst(&slot->turn, FULL) != FREE);
	cr_assert(pop(&ring, &value) == -ENODATA);
	cr_assert(wi_queue_sent(&ring.queue) == 2);
	cr_assert(wi_queue_received(&ring.queue) == 0);
	cr_assert(wi_queue_length(&ring.queue) == 0);
	close_ring(&ring);
}

RING_TEST(drain_leaves_a_receiver_in_the_middle_its_element)
{
	static const struct dropper dropper = {count_drop, NULL};
	struct ring ring;
	uint64_t head;

	dropped_sum = 0;
	open_ring(&ring, 2);
	cr_assert(push(&ring, 1) == 0);
	cr_assert(push(&ring, 10) == 0);
	/* A receiver claims the first and stops. */
	head = load_relaxed(&ring.queue.head);
	cr_assert(
		cas_relaxed(&ring.queue.head, &head, head + (1u << FLAG_BITS)));
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &dropper);
	cr_assert(dropped_sum == 10);
	close_ring(&ring);
}

RING_TEST(elements_lie_aligned_and_apart)
{
	static const size_t sizes[] = {
		0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 100, 4096};

	for (size_t s = 0; s < LENGTH(sizes); s++) {
		struct slot_layout layout = wi_slot_layout(sizes[s]);
		size_t alignment = sizes[s] & (~sizes[s] + 1);

		if (alignment > _Alignof(max_align_t))
			alignment = _Alignof(max_align_t);
		cr_assert(layout.offset >= sizeof(struct slot));
		cr_assert(layout.stride >= layout.offset + sizes[s]);
		cr_assert(layout.stride % _Alignof(struct slot) == 0);
		if (alignment > 0) {
			cr_assert(layout.offset % alignment == 0);
			cr_assert(layout.stride % alignment == 0);
		}
	}
	cr_assert(wi_slot_layout(SIZE_MAX).stride == 0);
	cr_assert(wi_slot_layout(SIZE_MAX - 3).stride == 0);
}

RING_TEST(refuses_more_than_an_address_space_holds)
{
	struct ring ring;

	cr_assert(wi_ring_init(&ring, SIZE_MAX / 2, 16, &ours) == -ENOMEM);
	cr_assert(wi_ring_init(&ring, 2, SIZE_MAX - 1, &ours) == -ENOMEM);
}
