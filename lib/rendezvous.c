/* SPDX-License-Identifier: MIT */
/* rendezvous.c - see rendezvous.h. */
#include "rendezvous.h"

#include "element.h"

static int push(struct queue *queue, const void *element, uint64_t held)
{
	/* acquire [closed]: pairs with wi_queue_finish. */
	int refusal = wi_queue_refusal(load_acquire(&queue->tail), held);

	(void)element;
	return refusal != 0 ? refusal : -EAGAIN;
}

static int pop(struct queue *queue, void *element, uint64_t held)
{
	/* acquire [closed]: pairs with wi_queue_finish. */
	uint64_t tail = load_acquire(&queue->tail);

	(void)element;
	(void)held;
	return tail & (ENDED | BROKEN) ? -ENODATA : -EAGAIN;
}

static int can_push(struct queue *queue, uint64_t held)
{
	return push(queue, NULL, held);
}

static int can_pop(struct queue *queue, uint64_t held)
{
	return pop(queue, NULL, held);
}

/* What is in is out at once: head counts for both, and tail has the flags. */
static uint64_t count(const struct queue *queue, uint64_t position)
{
	(void)position;
	return load_relaxed(&queue->head) >> FLAG_BITS; /* relaxed: a figure */
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

static const struct queue_ops rendezvous_ops = {
	.push = push,
	.pop = pop,
	.can_push = can_push,
	.can_pop = can_pop,
	.count = count,
	.drain = drain,
	.destroy = destroy,
};

void wi_rendezvous_init(struct queue *queue, size_t element_size,
	const struct allocator *allocator)
{
	wi_queue_init(queue, &rendezvous_ops, 0, element_size, allocator);
}

void wi_rendezvous_meet(
	struct queue *queue, struct waiter *sender, struct waiter *receiver)
{
	size_t size = queue->element_size;

	wi_copy_element(receiver->elements + receiver->done * size,
		sender->elements + sender->done * size, size);
	receiver->done++;
	sender->done++;
	/* relaxed, both: written inside the gate, and read from outside for
	 * statistics only.  Not in tail, which who comes looks at first. */
	store_relaxed(&queue->head,
		load_relaxed(&queue->head) + ((uint64_t)1 << FLAG_BITS));
}
