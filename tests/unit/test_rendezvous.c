/* SPDX-License-Identifier: MIT */
/* test_rendezvous.c - the flavor without places: sender meets receiver. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "rendezvous.h"
#include "waiter.h"

#define RENDEZVOUS_TEST(name) Test(rendezvous, name, .timeout = 60)

static const struct allocator ours = {NULL, NULL, NULL};
static struct queue queue;

static int push(void)
{
	uint64_t value = 1;

	return queue.ops->push(&queue, &value, 0);
}

static int pop(uint64_t held)
{
	uint64_t value;

	return queue.ops->pop(&queue, &value, held);
}

RENDEZVOUS_TEST(has_no_place_for_an_element)
{
	wi_rendezvous_init(&queue, sizeof(uint64_t), &ours);
	cr_assert(push() == -EAGAIN);
	cr_assert(pop(0) == -EAGAIN);
	cr_assert(wi_queue_length(&queue) == 0);
}

RENDEZVOUS_TEST(flags_are_answered_as_by_the_others)
{
	wi_rendezvous_init(&queue, sizeof(uint64_t), &ours);
	wi_queue_finish(&queue, BROKEN);
	cr_assert(push() == -EPIPE);
	cr_assert(pop(0) == -ENODATA);
	wi_rendezvous_init(&queue, sizeof(uint64_t), &ours);
	wi_queue_finish(&queue, ENDED);
	cr_assert(push() == -EBADF);
	cr_assert(pop(0) == -ENODATA);
	cr_assert(pop(HELD) == -ENODATA);
}

RENDEZVOUS_TEST(an_element_goes_from_one_memory_to_the_other)
{
	uint64_t from[3] = {1, 2, 3}, to[2] = {0, 0};
	struct waiter sender, receiver;

	wi_rendezvous_init(&queue, sizeof *from, &ours);
	wi_waiter_init(&sender, NULL, from, 3, NULL);
	wi_waiter_init(&receiver, NULL, to, 2, NULL);
	wi_rendezvous_meet(&queue, &sender, &receiver);
	cr_assert(to[0] == 1 && to[1] == 0);
	cr_assert(sender.done == 1 && receiver.done == 1);
	wi_rendezvous_meet(&queue, &sender, &receiver);
	cr_assert(to[1] == 2);
	cr_assert(wi_queue_sent(&queue) == 2);
	cr_assert(wi_queue_received(&queue) == 2);
	cr_assert(wi_queue_length(&queue) == 0);
}

RENDEZVOUS_TEST(an_element_of_4096_bytes_arrives_whole)
{
	static unsigned char from[4096], to[4096];
	struct waiter sender, receiver;

	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (unsigned char)(i % 251);
	wi_rendezvous_init(&queue, sizeof from, &ours);
	wi_waiter_init(&sender, NULL, from, 1, NULL);
	wi_waiter_init(&receiver, NULL, to, 1, NULL);
	wi_rendezvous_meet(&queue, &sender, &receiver);
	cr_assert(memcmp(from, to, sizeof from) == 0);
}

RENDEZVOUS_TEST(meetings_leave_the_flags_of_both_words)
{
	struct waiter sender, receiver;
	uint64_t from = 1, to;

	wi_rendezvous_init(&queue, sizeof from, &ours);
	wi_queue_hold(&queue.tail, true);
	wi_queue_hold(&queue.head, true);
	wi_waiter_init(&sender, NULL, &from, 1, NULL);
	wi_waiter_init(&receiver, NULL, &to, 1, NULL);
	wi_rendezvous_meet(&queue, &sender, &receiver);
	cr_assert((load_relaxed(&queue.tail) & FLAGS) == HELD);
	cr_assert((load_relaxed(&queue.head) & FLAGS) == HELD);
}
