/* SPDX-License-Identifier: MIT */
/* segment_list.c - the unbounded flavor: a linked list of segments of slots.
 *
 * A position is a ticket, counted from 0; ticket t lies in segment number
 * t / slots + 1.  Segment 0 has no slots and is part of the list, so that there
 * is always something to append to.
 *
 *	before_first --> 1 --> 2 --> 3 --> 4        oldest: not retired yet
 *	                       ^           ^
 *	       (retired)   head_hint    tail_hint
 *
 * A sender first makes sure that the segment of tail's ticket exists, appending
 * it if it must, then claims the ticket, fills the slot and publishes.  So
 * running out of memory is found before anything is done, and a sender that is
 * stopped anywhere holds up nobody: whoever needs the next segment appends it.
 * That a segment is linked before a ticket of it is claimed, and never unlinked
 * by anything but retirement, is what the unbounded queues of others got wrong
 * when the last receiver left at that moment.
 *
 *	turn == 4 * number + 1		full
 *	turn == 4 * number + 3		abandoned by the last receiver's close
 *	anything else			not yet filled
 *
 * A segment used again has a higher number, so that its slots need no cleaning:
 * an old turn could be taken for a new one if a spare were left alone for
 * exactly 2^30 segments.  Zero, that of new memory, is never one of the two.
 *
 * Retirement.  All of push and pop runs as a reader of reclaim.h.  Once every
 * ticket of a segment has been claimed by receivers, nobody that starts now
 * needs it: those who are still copying out of it (or, after a close, into it)
 * are readers, and a grace period waits for them.  So whoever claims the first
 * ticket of a segment retires all older ones, in order, after pushing both
 * hints past them.
 *
 * Invariants
 *	I1  a hint's segment is not retired, and no younger than that of its
 *	    side's ticket.
 *	I2  segments are retired in order, by who moves `oldest` past them.
 *	I3  a slot is filled by who claimed its ticket in tail, and read by who
 *	    claimed it in head.
 *
 * Ordering edges
 *	[filled]   push's exchange of turn -> pop's load: element is readable;
 *		   seq_cst as in ring.c
 *	[linked]   append's cas of next -> walk's load: the segment's number is
 *		   readable; also through the hints and `oldest`.  seq_cst,
 *		   because who waits and finds no segment must be seen by who
 *		   links it, as with [filled].
 *	[spare]	   give_back's cas -> take_spare's load: its next is readable
 *	[closed]   queue.c
 */
#include "segment_list.h"

#include <weir/common.h>

#include "debug.h"
#include "element.h"

/* A segment has as many slots, a power of two, as fit; one at least.  64 KiB
 * are 4,096 elements of 8 bytes: retiring one costs nothing per element. */
#define SEGMENT_BYTES ((size_t)64 * 1024)

/* What the turn of an abandoned slot has more than that of a full one. */
#define ABANDONED 2

/* Kept however quiet the channel is: one being filled, one being emptied. */
#define SPARES_KEPT 1

static inline struct segment_list *list_of(struct queue *queue)
{
	return container_of(queue, struct segment_list, queue);
}

static inline uint64_t ticket_of(uint64_t word)
{
	return word >> FLAG_BITS;
}

static inline uint64_t after(uint64_t word)
{
	return word + ((uint64_t)1 << FLAG_BITS);
}

/* The number of the segment in which this position lies. */
static inline uint64_t number_of(const struct segment_list *list, uint64_t word)
{
	return (ticket_of(word) >> list->slots_shift) + 1;
}

static inline bool is_first_of_segment(
	const struct segment_list *list, uint64_t word)
{
	return (ticket_of(word) & (((uint64_t)1 << list->slots_shift) - 1)) ==
	       0;
}

static inline struct slot *slot_at(
	const struct segment_list *list, struct segment *segment, uint64_t word)
{
	uint64_t mask = ((uint64_t)1 << list->slots_shift) - 1;

	return (struct slot *)(void *)((unsigned char *)segment + CACHE_LINE +
				       (size_t)(ticket_of(word) & mask) *
					       list->layout.stride);
}

static inline uint32_t full_turn(const struct segment *segment)
{
	return (uint32_t)(4 * segment->number + 1);
}

/* -- Segments: made, kept, given back ------------------------------------ */

/* As a reader: a segment that is popped here cannot come back, and so make the
 * cas succeed by mistake, before a grace period is over. */
static struct segment *take_spare(struct segment_list *list)
{
	/* acquire [spare]: pairs with give_back. */
	void *spare = load_acquire(&list->spares);

	while (spare != NULL) {
		struct segment *segment = spare;
		/* relaxed: [spare] has made it readable; if it is taken and
		 * linked meanwhile, the cas fails. */
		void *next = load_relaxed(&segment->next);

		/* Failure acquires [spare]. */
		if (cas_acq_rel(&list->spares, &spare, next)) {
			/* relaxed: how many to keep; no more than a hint. */
			fetch_add_relaxed(&list->spare_count, (uint64_t)-1);
			return segment;
		}
	}
	return NULL;
}

static void put_spare(struct segment_list *list, struct segment *segment)
{
	void *first =
		load_relaxed(&list->spares); /* relaxed: the cas decides */

	do {
		/* relaxed: published by the cas. */
		store_relaxed(&segment->next, first);
		/* release [spare]: pairs with take_spare. */
	} while (!cas_acq_rel(&list->spares, &first, segment));
	fetch_add_relaxed(&list->spare_count, 1); /* relaxed: a hint */
}

/* A grace period is over: nobody looks at these segments.  What has come in
 * this batch is what senders have used up of late: keep as many as spares, for
 * senders that are still as busy.  What is too much is freed, but only after
 * one more grace period, since a sender in take_spare may be looking at it.
 * When nothing comes, half of the spares go each time. */
static bool give_back(void *owner, struct reclaim_node *batch)
{
	struct segment_list *list = owner;
	uint64_t kept = 0, spares, keep;

	while (batch != NULL) {
		struct segment *segment =
			container_of(batch, struct segment, retired);

		batch = batch->next;
		if (segment->doomed) {
			wi_free(&list->queue.allocator, segment,
				list->segment_size);
		} else {
			put_spare(list, segment);
			kept++;
		}
	}
	spares = load_relaxed(&list->spare_count); /* relaxed: a hint */
	keep = kept > 0 ? kept : spares / 2;
	if (keep < SPARES_KEPT)
		keep = SPARES_KEPT;
	wi_reclaim_read_lock();
	for (; spares > keep; spares--) {
		struct segment *segment = take_spare(list);

		if (segment == NULL)
			break;
		segment->doomed = true;
		wi_reclaim_retire(list->reclaim, &segment->retired);
	}
	wi_reclaim_read_unlock();
	/* relaxed: a hint. */
	return load_relaxed(&list->spare_count) > SPARES_KEPT;
}

/* The segment after `last`, which it appends if there is none; NULL if there is
 * no memory.  As a reader. */
static struct segment *append(struct segment_list *list, struct segment *last)
{
	struct segment *segment = take_spare(list);
	void *next = NULL;

	if (segment == NULL)
		segment = wi_alloc(
			&list->queue.allocator, list->segment_size, CACHE_LINE);
	if (segment == NULL)
		return NULL;
	segment->number = last->number + 1;
	segment->doomed = false;
	store_relaxed(&segment->next, NULL); /* relaxed: published by the cas */
	/* release [linked]: pairs with walk's load. */
	if (cas_seq_cst(&last->next, &next, segment))
		return segment;
	/* Another sender was faster. */
	wi_reclaim_retire(list->reclaim, &segment->retired);
	return next; /* acquired [linked] by the failing cas */
}

/* -- Finding and retiring ------------------------------------------------ */

/* Start at the hint and go on to segment `number`, or to the last there is
 * before it.  If the hint is already past it, the caller's position is old, and
 * so is what comes back: its number is greater.  As a reader. */
static struct segment *walk(struct atomic_ptr *hint, uint64_t number)
{
	/* acquire [linked]: pairs with the cas that set the hint. */
	void *start = load_acquire(hint);
	struct segment *segment = start;

	while (segment->number < number) {
		/* acquire [linked]: pairs with append. */
		struct segment *next = load_seq_cst(&segment->next);

		if (next == NULL)
			break;
		segment = next;
	}
	/* release [linked]: pairs with the load above.  Only forward: a hint
	 * that has moved on fails the cas. */
	if (segment != start && segment->number <= number)
		cas_acq_rel(hint, &start, segment);
	return segment;
}

/* Move a hint to `next` if it still is at the segment before, or further back.
 * As a reader. */
static void push_past(struct atomic_ptr *hint, struct segment *next)
{
	/* acquire [linked]: as in walk. */
	void *now = load_acquire(hint);

	while (((struct segment *)now)->number < next->number &&
		/* release [linked]: as in walk. */
		!cas_acq_rel(hint, &now, next))
		;
}

/* Every ticket of the segments before `number` has been claimed from head, and
 * `number` is linked: retire them.  As a reader. */
static void retire_before(struct segment_list *list, uint64_t number)
{
	/* acquire [linked]: pairs with the cas below. */
	void *oldest = load_acquire(&list->oldest);
	struct segment *segment = oldest;

	while (segment->number < number) {
		/* acquire [linked]: pairs with append. */
		struct segment *next = load_acquire(&segment->next);

		push_past(&list->tail_hint, next);
		push_past(&list->head_hint, next);
		/* release [linked]: pairs with the load above.  Who succeeds
		 * retires it (I2). */
		if (cas_acq_rel(&list->oldest, &oldest, next)) {
			if (segment != &list->before_first)
				wi_reclaim_retire(
					list->reclaim, &segment->retired);
			oldest = next;
		}
		segment = oldest;
	}
}

/* -- The queue ----------------------------------------------------------- */

/* Claim tail's ticket and fill its slot.  As a reader. */
static int push_as_reader(
	struct segment_list *list, const void *element, uint64_t held)
{
	struct queue *queue = &list->queue;
	/* acquire [closed]: if a flag refuses us, we know what its setter
	 * knew. */
	uint64_t tail = load_acquire(&queue->tail);

	for (;;) {
		int refusal = wi_queue_refusal(tail, held);
		uint64_t number = number_of(list, tail);
		struct segment *segment;
		struct slot *slot;

		if (unlikely(refusal != 0))
			return refusal;
		segment = walk(&list->tail_hint, number);
		if (unlikely(segment->number < number)) {
			if (append(list, segment) == NULL)
				return -ENOMEM;
			continue;
		}
		if (unlikely(segment->number > number)) {
			tail = load_acquire(&queue->tail); /* [closed] */
			continue;
		}
		/* seq_cst: as in ring.c.  Failure acquires [closed]. */
		if (!cas_seq_cst(&queue->tail, &tail, after(tail)))
			continue;
		slot = slot_at(list, segment, tail);
		wi_copy_element(wi_slot_element(slot, &list->layout), element,
			queue->element_size);
		/* release [filled]: pairs with pop's load of turn. */
		if (exchange_seq_cst(&slot->turn, full_turn(segment)) ==
			full_turn(segment) + ABANDONED)
			return -EPIPE; /* abandoned by the last close */
		return 0;
	}
}

static int push(struct queue *queue, const void *element, uint64_t held)
{
	int status;

	wi_reclaim_read_lock();
	status = push_as_reader(list_of(queue), element, held);
	wi_reclaim_read_unlock();
	return status;
}

/* Claim head's ticket and empty its slot.  As a reader. */
static int pop_as_reader(
	struct segment_list *list, void *element, uint64_t held)
{
	struct queue *queue = &list->queue;
	/* relaxed: a hint; the cas decides. */
	uint64_t head = load_relaxed(&queue->head);

	for (;;) {
		uint64_t number = number_of(list, head);
		struct segment *segment;
		struct slot *slot = NULL;
		uint64_t now;
		int status;

		if (unlikely((head & HELD) != held))
			return wi_queue_held(queue, head);
		segment = walk(&list->head_hint, number);
		if (unlikely(segment->number > number)) {
			head = load_relaxed(&queue->head); /* relaxed: a hint */
			continue;
		}
		if (likely(segment->number == number))
			slot = slot_at(list, segment, head);
		/* acquire [filled]; seq_cst as in ring.c. */
		if (likely(slot != NULL) &&
			load_seq_cst(&slot->turn) == full_turn(segment)) {
			/* relaxed: a ticket carries no data, turns do. */
			if (!cas_relaxed(&queue->head, &head, after(head)))
				continue;
			wi_copy_element(element,
				wi_slot_element(slot, &list->layout),
				queue->element_size);
			if (is_first_of_segment(list, head))
				retire_before(list, number);
			return 0;
		}
		status = wi_queue_emptiness(queue, head);
		if (status != 0)
			return status;
		now = load_relaxed(&queue->head); /* relaxed: a hint */
		if (now == head)
			return -EAGAIN; /* claimed, and being filled */
		head = now;
	}
}

static int pop(struct queue *queue, void *element, uint64_t held)
{
	int status;

	wi_reclaim_read_lock();
	status = pop_as_reader(list_of(queue), element, held);
	wi_reclaim_read_unlock();
	return status;
}

static uint64_t count(const struct queue *queue, uint64_t position)
{
	(void)queue;
	return ticket_of(position);
}

/* The segment of a position that the last receiver's close has claimed.  All
 * segments from there on are the closer's alone to retire, so it need not be a
 * reader while it works on them.  Not from head_hint, which a receiver that
 * comes too late may have moved to the end. */
static struct segment *closers_segment(
	struct segment_list *list, uint64_t position)
{
	struct segment *segment;

	wi_reclaim_read_lock();
	segment = load_acquire(&list->oldest); /* [linked] */
	while (segment->number < number_of(list, position))
		segment = load_acquire(&segment->next); /* [linked] */
	retire_before(list, segment->number);
	wi_reclaim_read_unlock();
	return segment;
}

static void drain(struct queue *queue, const struct dropper *dropper)
{
	struct segment_list *list = list_of(queue);
	struct segment *segment = NULL;
	uint64_t position;
	uint64_t last = wi_queue_claim_rest(queue, &position);

	for (; position != last; position = after(position)) {
		struct slot *slot;
		uint32_t full, turn;

		if (segment == NULL || is_first_of_segment(list, position))
			segment = closers_segment(list, position);
		invariant(segment->number == number_of(list, position));
		slot = slot_at(list, segment, position);
		full = full_turn(segment);
		turn = load_acquire(&slot->turn); /* [filled] */
		/* Still being filled: abandon it; push's exchange will find
		 * out.  Failure acquires [filled]: the element is readable. */
		if (turn != full &&
			cas_acq_rel(&slot->turn, &turn, full + ABANDONED)) {
			/* relaxed: a figure for statistics. */
			fetch_add_relaxed(&queue->abandoned, 1);
			continue;
		}
		invariant(turn == full);
		wi_queue_drop(
			queue, dropper, wi_slot_element(slot, &list->layout));
	}
}

static void destroy(struct queue *queue)
{
	struct segment_list *list = list_of(queue);
	/* relaxed, all of these: nobody else is here any more, and whoever
	 * dropped the last reference has seen what the others did. */
	struct segment *segment = load_relaxed(&list->oldest);

	wi_reclaim_destroy(list->reclaim);
	while (segment != NULL) {
		struct segment *next =
			load_relaxed(&segment->next); /* relaxed */

		if (segment != &list->before_first)
			wi_free(&queue->allocator, segment, list->segment_size);
		segment = next;
	}
	segment = load_relaxed(&list->spares); /* relaxed: as above */
	while (segment != NULL) {
		struct segment *next =
			load_relaxed(&segment->next); /* relaxed */

		wi_free(&queue->allocator, segment, list->segment_size);
		segment = next;
	}
}

static const struct queue_ops segment_list_ops = {
	.push = push,
	.pop = pop,
	.count = count,
	.drain = drain,
	.destroy = destroy,
};

int wi_segment_list_init(struct segment_list *list, size_t element_size,
	const struct allocator *allocator)
{
	struct slot_layout layout = wi_slot_layout(element_size);
	unsigned shift = 0;

	_Static_assert(sizeof(struct segment) <= CACHE_LINE,
		"a segment's slots start on its second line");
	if (layout.stride == 0 || layout.stride > SIZE_MAX / 2)
		return -ENOMEM;
	while (layout.stride <= SEGMENT_BYTES >> (shift + 1))
		shift++;
	list->reclaim = wi_reclaim_create(give_back, list);
	if (list->reclaim == NULL)
		return -ENOMEM;
	list->layout = layout;
	list->slots_shift = shift;
	list->segment_size = CACHE_LINE + (layout.stride << shift);
	list->before_first.number = 0;
	list->before_first.doomed = false;
	init_atomic(&list->before_first.next, NULL);
	init_atomic(&list->tail_hint, &list->before_first);
	init_atomic(&list->head_hint, &list->before_first);
	init_atomic(&list->oldest, &list->before_first);
	init_atomic(&list->spares, NULL);
	init_atomic(&list->spare_count, 0);
	wi_queue_init(&list->queue, &segment_list_ops, WEIR_UNBOUNDED,
		element_size, allocator);
	return 0;
}
