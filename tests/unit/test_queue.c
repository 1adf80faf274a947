/* SPDX-License-Identifier: MIT */
/* test_queue.c - the two words of every flavor: positions, flags, figures. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>

#include "queue.h"

#define QUEUE_TEST(name) Test(queue, name, .timeout = 60)
#define AT(position) ((uint64_t)(position) << FLAG_BITS)

static const struct allocator ours = {NULL, NULL, NULL};
static struct queue queue;

static uint64_t one_by_one(const struct queue *of, uint64_t position)
{
	(void)of;
	return position >> FLAG_BITS;
}

/* Of no flavor: with nothing but positions, one after the other. */
static void open_at(uint64_t head, uint64_t tail, size_t capacity)
{
	static const struct queue_ops ops = {.count = one_by_one};

	wi_queue_init(&queue, &ops, capacity, sizeof(uint64_t), &ours);
	init_atomic(&queue.head, head);
	init_atomic(&queue.tail, tail);
}

QUEUE_TEST(tail_refuses_whom_its_flags_do_not_name)
{
	cr_assert(wi_queue_refusal(AT(7), 0) == 0);
	cr_assert(wi_queue_refusal(AT(7) | HELD, HELD) == 0);
	cr_assert(wi_queue_refusal(AT(7) | HELD, 0) == -EAGAIN);
	cr_assert(wi_queue_refusal(AT(7) | BROKEN, 0) == -EPIPE);
	cr_assert(wi_queue_refusal(AT(7) | ENDED, 0) == -EBADF);
}

/* Neither flag lets anybody through because he also holds. */
QUEUE_TEST(tail_that_is_final_refuses_who_is_inside_too)
{
	cr_assert(wi_queue_refusal(AT(7) | BROKEN | HELD, HELD) == -EPIPE);
	cr_assert(wi_queue_refusal(AT(7) | BROKEN | HELD, 0) == -EPIPE);
	cr_assert(wi_queue_refusal(AT(7) | ENDED | HELD, HELD) == -EBADF);
	/* No sender is open, so none hears of it. */
	cr_assert(wi_queue_refusal(AT(7) | ENDED | BROKEN, 0) == -EBADF);
}

QUEUE_TEST(is_empty_for_good_once_tail_is_final_and_reached)
{
	static const uint64_t flags[] = {
		ENDED, BROKEN, ENDED | BROKEN, ENDED | HELD};

	open_at(AT(5), AT(5), 8);
	cr_assert(wi_queue_nothing(&queue, AT(5)) == -EAGAIN);
	cr_assert(wi_queue_nothing(&queue, AT(4)) == -EAGAIN);
	for (int i = 0; i < 4; i++) {
		open_at(AT(5), AT(5), 8);
		wi_queue_finish(&queue, flags[i]);
		cr_assert(wi_queue_nothing(&queue, AT(5)) == -ENODATA);
		cr_assert(wi_queue_nothing(&queue, AT(5) | HELD) == -ENODATA);
		cr_assert(wi_queue_nothing(&queue, AT(4)) == -EAGAIN);
	}
}

QUEUE_TEST(holding_and_finishing_leave_the_rest_of_the_word)
{
	open_at(AT(5), AT(9), 8);
	wi_queue_hold(&queue.tail, true);
	wi_queue_finish(&queue, BROKEN);
	wi_queue_finish(&queue, ENDED);
	cr_assert(load_relaxed(&queue.tail) == (AT(9) | HELD | BROKEN | ENDED));
	wi_queue_hold(&queue.tail, false);
	cr_assert(load_relaxed(&queue.tail) == (AT(9) | BROKEN | ENDED));
	cr_assert(load_relaxed(&queue.head) == AT(5));
}

QUEUE_TEST(the_rest_is_claimed_once)
{
	uint64_t first;

	open_at(AT(5), AT(9) | BROKEN, 8);
	cr_assert(wi_queue_claim_rest(&queue, &first) == AT(9));
	cr_assert(first == AT(5));
	cr_assert(wi_queue_claim_rest(&queue, &first) == AT(9));
	cr_assert(first == AT(9));
}

QUEUE_TEST(the_length_is_bounded_by_the_capacity)
{
	open_at(AT(5), AT(9), 8);
	cr_assert(wi_queue_length(&queue) == 4);
	open_at(AT(5) | HELD, AT(9) | HELD | BROKEN, 8);
	cr_assert(wi_queue_length(&queue) == 4);
	/* Tail was read a moment after head, and has moved on. */
	open_at(AT(5), AT(50), 8);
	cr_assert(wi_queue_length(&queue) == 8);
	open_at(AT(7), AT(7), 8);
	cr_assert(wi_queue_length(&queue) == 0);
}

static unsigned drops;
static void *last;

static void note_drop(void *element, void *context)
{
	drops += *(unsigned *)context;
	last = element;
}

QUEUE_TEST(a_dropped_element_of_no_bytes_still_has_an_address)
{
	unsigned one = 1;
	struct dropper dropper = {note_drop, &one};
	char unaligned[2];

	open_at(0, 0, 8);
	queue.element_size = 0;
	wi_queue_drop(&queue, &dropper, unaligned + 1);
	cr_assert(drops == 1);
	cr_assert(last != NULL && last != unaligned + 1);
	cr_assert((uintptr_t)last % _Alignof(max_align_t) == 0);
}

QUEUE_TEST(what_is_dropped_without_a_callback_is_counted)
{
	static const struct dropper none = {NULL, NULL};
	uint64_t value = 1;

	open_at(0, 0, 8);
	wi_queue_drop(&queue, &none, &value);
	wi_queue_drop(&queue, &none, &value);
	cr_assert(load_relaxed(&queue.dropped) == 2);
}

/* Of ten positions one was abandoned, three were dropped. */
QUEUE_TEST(sent_and_received_follow_from_the_positions)
{
	open_at(AT(10), AT(10) | BROKEN, 8);
	init_atomic(&queue.abandoned, 1);
	init_atomic(&queue.dropped, 3);
	cr_assert(wi_queue_sent(&queue) == 9);
	cr_assert(wi_queue_received(&queue) == 6);
}
