/* SPDX-License-Identifier: MIT */
/* test_ring_seams.c - the bounded queue with parties stopped between their
 * steps, at every capacity and size, and near the wrap of its turns. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "hand.h"
#include "leaks.h"
#include "stall.h"
#include "threads.h"

#define SEAM_TEST(name) Test(ring_seams, name, .timeout = 60)
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define BIGGEST 4096

static const struct allocator ours = {NULL, NULL, NULL};
static struct ring ring;

static void open_ring(size_t capacity)
{
	cr_assert(wi_ring_init(&ring, capacity, sizeof(uint64_t), &ours) == 0);
}

static void close_ring(void)
{
	ring.queue.ops->destroy(&ring.queue);
}

static int push_held(uint64_t value, uint64_t held)
{
	return ring.queue.ops->push(&ring.queue, &value, held);
}

static int push(uint64_t value)
{
	return push_held(value, 0);
}

static int pop(void)
{
	uint64_t value;

	return ring.queue.ops->pop(&ring.queue, &value, 0);
}

static void assert_pops(uint64_t want)
{
	uint64_t value = ~want;

	cr_assert(ring.queue.ops->pop(&ring.queue, &value, 0) == 0);
	cr_assert(value == want);
}

/* -- Capacities and sizes -------------------------------------------------- */

static void pattern(unsigned char *element, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++)
		element[i] = (unsigned char)(number * 7 + i);
}

static void run_size(size_t capacity, size_t size)
{
	static unsigned char element[BIGGEST + 1], want[BIGGEST];
	uint64_t sent = 0, received = 0;

	cr_assert(wi_ring_init(&ring, capacity, size, &ours) == 0);
	while (received < 3 * capacity) {
		for (size_t i = 0; i < capacity; i++) {
			pattern(element, size, sent);
			cr_assert(ring.queue.ops->push(
					  &ring.queue, element, 0) == 0);
			sent++;
		}
		cr_assert(ring.queue.ops->push(&ring.queue, element, 0) ==
			  -EAGAIN);
		for (size_t i = 0; i < capacity; i++) {
			pattern(want, size, received++);
			memset(element, 0, size);
			element[size] = 0xee;
			cr_assert(ring.queue.ops->pop(
					  &ring.queue, element, 0) == 0);
			cr_assert(memcmp(element, want, size) == 0,
				"%zu places of %zu bytes", capacity, size);
			cr_assert(element[size] == 0xee);
		}
	}
	cr_assert(wi_queue_sent(&ring.queue) == sent);
	cr_assert(wi_queue_received(&ring.queue) == received);
	close_ring();
}

SEAM_TEST(every_size_fits_into_every_capacity)
{
	static const size_t capacities[] = {1, 2, 3, 7, 8, 1000, 1024};
	static const size_t sizes[] = {0, 1, 3, 4, 8, 16, 24, 100, BIGGEST};

	for (size_t c = 0; c < LENGTH(capacities); c++)
		for (size_t s = 0; s < LENGTH(sizes); s++)
			run_size(capacities[c], sizes[s]);
	check_leaks();
}

SEAM_TEST(a_pop_that_fails_leaves_the_element_untouched)
{
	uint64_t value = 77;
	struct claim sender;

	open_ring(3);
	cr_assert(ring.queue.ops->pop(&ring.queue, &value, 0) == -EAGAIN);
	sender = claim_tail(&ring);
	cr_assert(ring.queue.ops->pop(&ring.queue, &value, 0) == -EAGAIN);
	cr_assert(publish(&sender, &value));
	assert_pops(77);
	wi_queue_finish(&ring.queue, ENDED);
	cr_assert(ring.queue.ops->pop(&ring.queue, &value, 0) == -ENODATA);
	cr_assert(value == 77);
	close_ring();
}

/* -- A sender that is stopped ---------------------------------------------- */

SEAM_TEST(a_slot_that_is_being_filled_is_not_the_end)
{
	static const size_t capacities[] = {1, 2, 3};

	for (size_t c = 0; c < LENGTH(capacities); c++) {
		struct claim sender;
		uint64_t value = 4;

		open_ring(capacities[c]);
		sender = claim_tail(&ring);
		wi_queue_finish(&ring.queue, ENDED);
		cr_assert(pop() == -EAGAIN);
		cr_assert(wi_queue_length(&ring.queue) == 1);
		cr_assert(publish(&sender, &value));
		assert_pops(4);
		cr_assert(pop() == -ENODATA);
		close_ring();
	}
}

SEAM_TEST(a_slot_that_is_being_filled_is_taken_for_the_next_lap)
{
	struct claim sender;
	uint64_t value = 1;

	open_ring(1);
	sender = claim_tail(&ring);
	cr_assert(push(2) == -EAGAIN);
	cr_assert(publish(&sender, &value));
	cr_assert(push(2) == -EAGAIN);
	assert_pops(1);
	cr_assert(push(2) == 0);
	assert_pops(2);
	close_ring();
}

SEAM_TEST(senders_may_publish_in_any_order)
{
	struct claim senders[5];
	static const int order[] = {3, 1, 4, 2, 0};

	open_ring(5);
	for (int i = 0; i < 5; i++)
		senders[i] = claim_tail(&ring);
	for (uint64_t i = 0; i < 5; i++) {
		uint64_t value = (uint64_t)order[i];

		cr_assert(pop() == -EAGAIN);
		cr_assert(publish(&senders[value], &value));
	}
	for (uint64_t i = 0; i < 5; i++)
		assert_pops(i);
	close_ring();
}

/* -- A receiver that is stopped -------------------------------------------- */

SEAM_TEST(a_slot_that_is_being_emptied_is_not_free)
{
	struct claim receiver;
	uint64_t value = 0;

	open_ring(2);
	cr_assert(push(1) == 0 && push(2) == 0);
	receiver = claim_head(&ring);
	cr_assert(wi_queue_length(&ring.queue) == 1);
	cr_assert(push(3) == -EAGAIN);
	vacate(&receiver, &value);
	cr_assert(value == 1);
	cr_assert(push(3) == 0);
	assert_pops(2);
	assert_pops(3);
	close_ring();
}

SEAM_TEST(others_receive_past_it)
{
	struct claim receiver;
	uint64_t value = 0;

	open_ring(2);
	cr_assert(push(1) == 0 && push(2) == 0);
	receiver = claim_head(&ring);
	assert_pops(2);
	cr_assert(pop() == -EAGAIN);
	cr_assert(push(3) == -EAGAIN); /* its place is the stopped one's */
	vacate(&receiver, &value);
	cr_assert(push(3) == 0 && push(4) == 0);
	assert_pops(3);
	assert_pops(4);
	close_ring();
}

SEAM_TEST(the_end_does_not_wait_for_it)
{
	struct claim receiver;
	uint64_t value = 0;

	open_ring(2);
	cr_assert(push(1) == 0);
	receiver = claim_head(&ring);
	wi_queue_finish(&ring.queue, ENDED);
	cr_assert(pop() == -ENODATA);
	vacate(&receiver, &value);
	cr_assert(value == 1);
	close_ring();
}

/* -- Turns around their wrap ----------------------------------------------- */

/* After which a slot's turn goes back to 0. */
static const uint64_t last_lap = UINT32_MAX / TURNS;

SEAM_TEST(stopped_parties_go_on_across_the_wrap_of_turns)
{
	struct claim sender, receiver;
	uint64_t value = 1;

	open_ring(1);
	start_at_lap(&ring, last_lap);
	sender = claim_tail(&ring);
	cr_assert(sender.turn == UINT32_MAX - TURNS + 1);
	cr_assert(pop() == -EAGAIN && push(2) == -EAGAIN);
	cr_assert(publish(&sender, &value));
	cr_assert(push(2) == -EAGAIN);
	receiver = claim_head(&ring);
	cr_assert(push(2) == -EAGAIN);
	vacate(&receiver, &value);
	cr_assert(load_relaxed(&receiver.slot->turn) == 0);
	cr_assert(pop() == -EAGAIN);
	cr_assert(push(2) == 0);
	assert_pops(2);
	close_ring();
}

SEAM_TEST(a_slot_is_abandoned_at_the_wrap_of_turns)
{
	static const struct dropper none = {NULL, NULL};

	for (uint64_t lap = last_lap - 1; lap <= last_lap + 1; lap++) {
		struct claim sender;
		uint64_t value = 1;

		open_ring(2);
		start_at_lap(&ring, lap);
		sender = claim_tail(&ring);
		wi_queue_finish(&ring.queue, BROKEN);
		ring.queue.ops->drain(&ring.queue, &none);
		cr_assert(load_relaxed(&sender.slot->turn) ==
			  (uint32_t)(TURNS * lap) + ABANDONED);
		cr_assert(!publish(&sender, &value));
		close_ring();
	}
}

/* A ring of one slot that is full in the last lap before the position's wrap.
 */
SEAM_TEST(full_and_empty_are_told_apart_at_the_wrap_of_positions)
{
	open_ring(1);
	start_at_lap(&ring, UINT64_MAX >> ring.lap_shift);
	cr_assert(pop() == -EAGAIN);
	cr_assert(push(1) == 0);
	cr_assert(load_relaxed(&ring.queue.tail) == 0);
	cr_assert(push(2) == -EAGAIN);
	assert_pops(1);
	cr_assert(pop() == -EAGAIN);
	cr_assert(push(2) == 0);
	assert_pops(2);
	close_ring();
}

/* -- Flags ------------------------------------------------------------------ */

SEAM_TEST(flags_survive_the_last_index_of_a_lap)
{
	static const size_t capacities[] = {1, 2, 3, 8};
	uint64_t value;

	for (size_t c = 0; c < LENGTH(capacities); c++) {
		open_ring(capacities[c]);
		wi_queue_hold(&ring.queue.tail, true);
		wi_queue_hold(&ring.queue.head, true);
		for (uint64_t i = 0; i < 3 * capacities[c]; i++) {
			cr_assert(push(9) == -EAGAIN);
			cr_assert(push_held(i, HELD) == 0);
			cr_assert(pop() == -EAGAIN);
			cr_assert(ring.queue.ops->pop(
					  &ring.queue, &value, HELD) == 0);
			cr_assert(value == i);
		}
		cr_assert(load_relaxed(&ring.queue.tail) & HELD);
		cr_assert(load_relaxed(&ring.queue.head) & HELD);
		close_ring();
	}
}

/* Between a look at tail and the claim, and again after it. */
SEAM_TEST(a_claim_before_the_close_counts_and_one_after_fails)
{
	static const struct dropper none = {NULL, NULL};
	uint64_t seen, value = 1;
	struct claim sender;

	open_ring(4);
	sender = claim_tail(&ring);
	seen = load_relaxed(&ring.queue.tail);
	wi_queue_finish(&ring.queue, BROKEN);
	cr_assert(!cas_seq_cst(
		&ring.queue.tail, &seen, seen + ((uint64_t)1 << FLAG_BITS)));
	cr_assert(seen & BROKEN);
	cr_assert(push(2) == -EPIPE);
	cr_assert(publish(&sender, &value));
	ring.queue.ops->drain(&ring.queue, &none);
	cr_assert(load_relaxed(&ring.queue.dropped) == 1);
	cr_assert(wi_queue_sent(&ring.queue) == 1);
	close_ring();
}

/* -- Draining --------------------------------------------------------------- */

static uint64_t dropped[8];
static unsigned drops;

static void note_drop(void *element, void *context)
{
	(void)context;
	memcpy(&dropped[drops++], element, sizeof *dropped);
}

static const struct dropper noting = {note_drop, NULL};

SEAM_TEST(drain_drops_in_order_across_the_end_of_a_lap)
{
	open_ring(3);
	for (uint64_t i = 0; i < 2; i++) {
		cr_assert(push(i) == 0);
		assert_pops(i);
	}
	for (uint64_t i = 10; i < 13; i++)
		cr_assert(push(i) == 0);
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &noting);
	cr_assert(drops == 3);
	for (uint64_t i = 0; i < 3; i++)
		cr_assert(dropped[i] == 10 + i);
	cr_assert(wi_queue_sent(&ring.queue) == 5);
	cr_assert(wi_queue_received(&ring.queue) == 2);
	cr_assert(load_relaxed(&ring.queue.dropped) == 3);
	close_ring();
}

SEAM_TEST(drain_of_an_empty_ring_drops_nothing_and_twice_neither)
{
	open_ring(3);
	cr_assert(push(1) == 0);
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &noting);
	ring.queue.ops->drain(&ring.queue, &noting);
	cr_assert(drops == 1);
	close_ring();
}

SEAM_TEST(drain_abandons_every_slot_that_is_being_filled)
{
	struct claim senders[3];
	uint64_t value = 1;

	open_ring(3);
	for (int i = 0; i < 3; i++)
		senders[i] = claim_tail(&ring);
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &noting);
	for (int i = 0; i < 3; i++)
		cr_assert(!publish(&senders[i], &value));
	cr_assert(drops == 0);
	cr_assert(load_relaxed(&ring.queue.abandoned) == 3);
	cr_assert(wi_queue_sent(&ring.queue) == 0);
	cr_assert(wi_queue_received(&ring.queue) == 0);
	close_ring();
}

static int push_from(void *element)
{
	return ring.queue.ops->push(&ring.queue, element, 0);
}

SEAM_TEST(push_into_an_abandoned_slot_returns_epipe)
{
	struct stall stall;
	struct task sender;

	open_ring(2);
	stall_open(&stall);
	stall_arm(&stall);
	task_start(&sender, push_from, stall.element);
	stall_wait(&stall);
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &noting);
	stall_release(&stall);
	cr_assert(task_join(&sender) == -EPIPE);
	cr_assert(drops == 0);
	stall_free(&stall);
	close_ring();
}

/* Through nothing but the turn: a race detector sees if that orders nothing. */
SEAM_TEST(what_drain_drops_is_readable)
{
	uint64_t value = 5;
	struct task sender;

	open_ring(2);
	task_start(&sender, push_from, &value);
	wait_until(load_relaxed(&hand_slot(&ring, 0)->turn) == FULL);
	wi_queue_finish(&ring.queue, BROKEN);
	ring.queue.ops->drain(&ring.queue, &noting);
	cr_assert(drops == 1 && dropped[0] == 5);
	cr_assert(task_join(&sender) == 0);
	close_ring();
}

/* -- Many threads ------------------------------------------------------------ */

enum { RUNNERS = 2, EACH = 20000 };

static _Atomic uint64_t taken, taken_sum;

struct number {
	uint64_t value;
	uint64_t check; /* torn elements show */
	uint64_t pad;
};

static int push_all(void *argument)
{
	(void)argument;
	for (uint64_t i = 1; i <= EACH;) {
		struct number number = {i, ~i, 0};

		if (push_from(&number) == 0)
			i++;
		else
			sched_yield();
	}
	return 0;
}

static int pop_all(void *argument)
{
	struct number number;

	(void)argument;
	while (atomic_load(&taken) < RUNNERS * EACH) {
		if (ring.queue.ops->pop(&ring.queue, &number, 0) != 0) {
			sched_yield();
			continue;
		}
		if (number.check != ~number.value)
			return 1;
		atomic_fetch_add(&taken_sum, number.value);
		atomic_fetch_add(&taken, 1);
	}
	return 0;
}

SEAM_TEST(each_element_is_popped_once_and_whole)
{
	struct task tasks[2 * RUNNERS];

	cr_assert(wi_ring_init(&ring, 3, sizeof(struct number), &ours) == 0);
	start_at_lap(&ring, last_lap - 100);
	for (int i = 0; i < 2 * RUNNERS; i++)
		task_start(&tasks[i], i % 2 ? push_all : pop_all, NULL);
	for (int i = 0; i < 2 * RUNNERS; i++)
		cr_assert(task_join(&tasks[i]) == 0);
	cr_assert(atomic_load(&taken_sum) ==
		  (uint64_t)RUNNERS * EACH * (EACH + 1) / 2);
	close_ring();
}
