/* SPDX-License-Identifier: MIT */
/* waiter.c - see waiter.h.
 *
 * Ordering edges
 *	[counted]  set_count's store -> wi_wait_queue_length's load: for who has
 *		been told that somebody waits, nobody can go past that one any
 *		more
 */
#include "waiter.h"

#include "debug.h"
#include "element.h"

void wi_waiter_init(struct waiter *waiter, const struct endpoint *through,
	void *elements, size_t wanted, struct parker *parker)
{
	waiter->queued = false;
	waiter->in_place = false;
	waiter->overdue = false;
	waiter->stands = false;
	waiter->elements = elements;
	waiter->place = NULL;
	waiter->wanted = wanted;
	waiter->done = 0;
	waiter->through = through;
	waiter->parker = parker;
	waiter->selection = NULL;
	waiter->index = 0;
}

void wi_waiter_init_in_place(struct waiter *waiter,
	const struct endpoint *through, void **place, struct parker *parker)
{
	static const unsigned char nothing;

	wi_waiter_init(waiter, through, wi_readable(&nothing), 1, parker);
	waiter->in_place = true;
	waiter->place = place;
}

void wi_waiter_init_case(struct waiter *waiter, const struct endpoint *through,
	void *element, struct selection *selection, size_t index)
{
	wi_waiter_init(waiter, through, element, 1, &selection->parker);
	waiter->selection = selection;
	waiter->index = index;
}

bool wi_waiter_keep_small(
	struct waiter *waiter, bool sends, size_t element_size)
{
	unsigned char *here = sends ? waiter->element : waiter->parker->element;

	if (!wi_is_small(element_size) || waiter->wanted > 1 ||
		waiter->in_place)
		return false;
	if (sends)
		wi_copy_element(here, waiter->elements, element_size);
	waiter->elements = here;
	return !sends;
}

void wi_wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
	init_atomic(&queue->count, 0);
}

static uint64_t weight(const struct waiter *waiter)
{
	return waiter->stands ? (uint64_t)1 << 32 : 1;
}

static void set_count(struct wait_queue *queue, uint64_t now)
{
	store_release(&queue->count, now); /* [counted] */
}

/* Who waits goes before those who stand. */
static struct list *place_for(
	struct wait_queue *queue, const struct waiter *waiter)
{
	struct list *behind = &queue->waiters;

	while (!waiter->stands && behind->prev != &queue->waiters &&
		container_of(behind->prev, struct waiter, node)->stands)
		behind = behind->prev;
	return behind;
}

void wi_wait_queue_append(struct wait_queue *queue, struct waiter *waiter)
{
	invariant(!waiter->queued);
	list_append(place_for(queue, waiter), &waiter->node);
	waiter->queued = true;
	/* relaxed: only changed inside the gate. */
	set_count(queue, load_relaxed(&queue->count) + weight(waiter));
}

void wi_wait_queue_remove(struct wait_queue *queue, struct waiter *waiter)
{
	invariant(waiter->queued);
	list_remove(&waiter->node);
	waiter->queued = false;
	/* relaxed: as above. */
	set_count(queue, load_relaxed(&queue->count) - weight(waiter));
}

uint32_t wi_wait_queue_length(const struct wait_queue *queue)
{
	/* acquire [counted]: pairs with set_count. */
	return (uint32_t)load_acquire(&queue->count);
}
