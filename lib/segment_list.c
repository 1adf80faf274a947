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
 *	turn   | number ................ | state |	(slot.h)
 *
 * A slot whose turn has another number has not been filled yet.  A segment used
 * again has a higher number, so that its slots need no cleaning: an old turn
 * could be taken for a new one if a spare were left alone for exactly 2^29
 * segments.  Zero, that of new memory, is no number of a segment with slots,
 * but for one that has counted 2^29 segments, and is FREE then.
 *
 * Retirement.  Who works at a segment holds it (hazard.h): a hint, `oldest` and
 * `spares` are the anchors.  Whose hold nobody can see is a reader of reclaim.h
 * as well, for the whole of push or pop.  Once every ticket of a segment has
 * been claimed by receivers, nobody that starts now needs it: those who are
 * still copying out of it (or, after a close, into it) hold it.  So whoever
 * claims the first ticket of a segment retires all older ones, in order, after
 * pushing both hints past them.  What nobody holds is a spare at once, while it
 * is still in the caches; what somebody does, some grace period later.  A
 * segment with slots in hand is kept when it comes back, and the last hand
 * retires it again.
 *
 * Invariants
 *	I1  a hint's segment is not retired, and no younger than that of its
 *	    side's ticket.  So a segment that is found at a hint while it is
 *	    held has not come back, and neither has the one after it.
 *	I2  segments are retired in order, by who moves `oldest` past them.
 *	I3  a slot is filled by who claimed its ticket in tail, and read by who
 *	    claimed it in head.
 *
 * Ordering edges
 *	[filled]   push's, or wi_send_word_to_list's, store of turn -> the load
 *		   in segment_is_full: element is readable
 *	[linked]   link_segment's cas of next -> find's load: its number is
 *		   readable; also through the hints and `oldest`.  seq_cst,
 *		   because who waits and finds no segment must be seen by who
 *		   links it, as with [filled].
 *	[hands]	   a hand's last use of its slot -> the segment's next use
 *	[spare]	   put_spare's cas -> take_spare's load: its next is readable
 *	[anchor]   hazard.h; as well as [linked] and [spare]
 *	[claimed]  queue.c
 *	[closed]   queue.c
 */
#include "segment_list.h"

#include <weir/common.h>

#include "backoff.h"
#include "debug.h"
#include "element.h"
#include "reader.h"

/* A segment has as many slots, a power of two, as fit; one at least.  64 KiB
 * are 4,096 elements of 8 bytes: retiring one costs nothing per element. */
#ifndef SEGMENT_BYTES /* tests/model wants small ones */
#define SEGMENT_BYTES ((size_t)64 * 1024)
#endif

/* Segments, for each look at who holds what (reclaim.h).  Half a MiB to one: a
 * look for each fourth took a third of the time of elements of 256 bytes. */
#ifndef RETIREMENTS_A_LOOK /* tests/model wants both each time */
#define RETIREMENTS_A_LOOK 16
#define LARGE_ONES_A_LOOK 4 /* with one element each */
#endif

/* In `hands`: it has come back, and the last hand gives it back again. */
#define RETIRED ((uint64_t)1 << 63)

/* Kept however quiet the channel is: one being filled, one being emptied. */
#define SPARES_KEPT 1

static inline struct segment_list *list_of(struct queue *queue)
{
	return container_of(queue, struct segment_list, queue);
}

/* The number of the segment in which this position lies. */
static inline uint64_t number_of(const struct segment_list *list, uint64_t word)
{
	return (segment_ticket_of(word) >> list->slots_shift) + 1;
}

/* Of a position in its segment, in tickets. */
static inline uint64_t index_of(const struct segment_list *list, uint64_t word)
{
	return segment_ticket_of(word & (list->span - 1));
}

static inline struct slot *slot_at(
	const struct segment_list *list, struct segment *segment, uint64_t word)
{
	return segment_slot_after(list, segment, word & (list->span - 1));
}

/* Of a segment that nobody else sees yet. */
static void set_number(const struct segment_list *list, struct segment *segment,
	uint64_t number)
{
	segment->number = number;
	segment->first = (number - 1) * list->span;
}

/* -- Looking ------------------------------------------------------------- */

/* What comes between these two is "entered" below. */
static ALWAYS_INLINE struct hazards *enter(void)
{
	struct hazards *hazards = wi_hazards();

	if (unlikely(hazards->unseen))
		wi_read_lock();
	return hazards;
}

static ALWAYS_INLINE void leave(struct hazards *hazards)
{
	wi_drop_hold(hazards, OWN);
	if (unlikely(hazards->unseen))
		wi_read_unlock();
}

/* Another thread was faster, and has our CPU for a moment.  Nothing is held
 * meanwhile. */
static COLD void make_way(struct hazards *hazards)
{
	leave(hazards);
	wi_make_way();
	(void)enter();
}

/* -- Segments: made, kept, given back ------------------------------------ */

/* One has been taken. */
static void note_fewest(struct segment_list *list)
{
	/* relaxed, all of these: how many to keep; no more than a hint. */
	uint64_t left = fetch_add_relaxed(&list->spare_count, (uint64_t)-1) - 1;

	if (left < load_relaxed(&list->fewest))     /* relaxed */
		store_relaxed(&list->fewest, left); /* relaxed */
}

/* Entered.  The spare is held, so that it cannot come back, and so make the
 * cas succeed by mistake, after others have taken it. */
static struct segment *take_spare(
	struct segment_list *list, struct hazards *hazards)
{
	/* acquire [spare]: pairs with put_spare. */
	struct segment *spare = wi_hold(hazards, OTHER, &list->spares);

	while (spare != NULL) {
		void *first = spare;
		/* relaxed: [spare] has made it readable. */
		void *next = load_relaxed(&spare->next);

		/* Failure acquires [spare], of a value that is not used. */
		if (cas_acq_rel(&list->spares, &first, next)) {
			note_fewest(list);
			break;
		}
		spare = wi_hold(hazards, OTHER, &list->spares); /* [spare] */
	}
	wi_drop_hold(hazards, OTHER);
	return spare;
}

static void put_spare(struct segment_list *list, struct segment *segment)
{
	void *first =
		load_relaxed(&list->spares); /* relaxed: the cas decides */

	/* relaxed: a hint, and before who takes it takes it off. */
	fetch_add_relaxed(&list->spare_count, 1);
	do {
		/* relaxed: published by the cas. */
		store_relaxed(&segment->next, first);
		/* release [spare], an [anchor]: pairs with take_spare. */
	} while (!cas_acq_rel(&list->spares, &first, segment));
}

/* Nobody looks at this segment any more. */
static void give_back(void *owner, struct reclaim_node *node)
{
	struct segment_list *list = owner;
	struct segment *segment = container_of(node, struct segment, retired);

	/* acquire [hands]: what they did is done.  Else pairs with let_go,
	 * which sees RETIRED. */
	if (fetch_or_acq_rel(&segment->hands, RETIRED) & ~RETIRED)
		return;
	if (segment->doomed)
		wi_free(&list->queue.allocator, segment, list->segment_size);
	else
		put_spare(list, segment);
}

/* Of the spares that senders have not needed since the last grace period half
 * go, so that what a burst leaves behind goes in a few of them, whether senders
 * rest or are busy with fewer.  A spare is freed only when it has come back
 * once more, since a sender in take_spare may be looking at it. */
static bool tidy(void *owner)
{
	struct segment_list *list = owner;
	/* relaxed: a hint. */
	uint64_t unneeded = load_relaxed(&list->fewest), spares;

	for (uint64_t i = 0; i < unneeded / 2; i++) {
		struct hazards *hazards;
		struct segment *segment;

		hazards = enter();
		segment = take_spare(list, hazards);
		leave(hazards);
		if (segment == NULL)
			break;
		segment->doomed = true;
		wi_reclaim_retire(list->reclaim, &segment->retired);
	}
	spares = load_relaxed(&list->spare_count); /* relaxed: a hint */
	store_relaxed(&list->fewest, spares);      /* relaxed: a hint */
	return spares > SPARES_KEPT;
}

static struct segment *alloc_segment(
	const struct segment_list *list, uint64_t number)
{
	const struct allocator *allocator = &list->queue.allocator;
	struct segment *segment =
		wi_alloc(allocator, list->segment_size, CACHE_LINE);

	/* The first may be all that is ever needed, and not all of it.  Later
	 * ones are not left to be touched by senders and receivers at once:
	 * where it is a receiver who comes first, the page is changed twice,
	 * and the other CPUs are interrupted to forget it. */
	if (segment != NULL && number > 1)
		wi_touch(allocator, segment, list->segment_size);
	return segment;
}

/* -- Linking and retiring ------------------------------------------------ */

/* The segment of that number, held; or the last there is before it.  If the
 * hint is already past it, the caller's position is old, and so is what comes
 * back: its number is greater. */
static ALWAYS_INLINE struct segment *find(
	struct hazards *hazards, struct atomic_ptr *hint, uint64_t number)
{
	for (;;) {
		/* acquire [linked]: pairs with the cas that set the hint. */
		struct segment *segment = wi_hold(hazards, OWN, hint);
		void *was = segment, *next;

		if (likely(segment->number >= number))
			return segment;
		/* acquire [linked]: pairs with link_segment. */
		next = load_seq_cst(&segment->next);
		if (next == NULL)
			return segment;
		/* release [linked]: pairs with the load of the hint.  If that
		 * is here still, this segment is not retired, and so the next
		 * is not either. */
		cas_acq_rel(hint, &was, next);
	}
}

/* See to it that segment `number` is there; false if there is no memory.
 * Entered; the hold is lost: the allocator may be the program's, and use other
 * channels. */
static COLD bool link_segment(
	struct segment_list *list, struct hazards *hazards, uint64_t number)
{
	struct segment *segment = take_spare(list, hazards);
	struct segment *last;
	void *next;

	if (segment == NULL)
		segment = alloc_segment(list, number);
	if (segment == NULL)
		return false;
	segment->doomed = false;
	/* relaxed, both: published by the cas. */
	store_relaxed(&segment->hands, 0);
	store_relaxed(&segment->next, NULL); /* relaxed: as above */
	do {
		last = find(hazards, &list->tail_hint, number);
		if (last->number >= number) {
			/* Another sender was faster. */
			wi_reclaim_retire(list->reclaim, &segment->retired);
			return true;
		}
		set_number(list, segment, last->number + 1);
		next = NULL;
		/* release [linked]: pairs with find's load. */
	} while (!cas_seq_cst(&last->next, &next, segment));
	return true;
}

/* Every ticket of the segments before `number` has been claimed from head, and
 * `number` is linked: retire them.  Entered. */
static COLD void retire_before(
	struct segment_list *list, struct hazards *hazards, uint64_t number)
{
	for (;;) {
		/* acquire [linked]: pairs with the cas below. */
		struct segment *oldest = wi_hold(hazards, OTHER, &list->oldest);
		void *was = oldest, *next;

		if (oldest->number >= number)
			break;
		/* acquire [linked]: pairs with link_segment. */
		next = load_acquire(&oldest->next);
		/* A hint is here, or further on; and what is held does not come
		 * there again.  release [linked]: pairs with find. */
		cas_acq_rel(&list->tail_hint, &was, next);
		was = oldest;
		cas_acq_rel(&list->head_hint, &was, next); /* [linked] */
		was = oldest;
		/* release [linked]: pairs with the load above.  Who succeeds
		 * retires it (I2). */
		if (cas_acq_rel(&list->oldest, &was, next) &&
			oldest != &list->before_first) {
			wi_drop_hold(hazards, OTHER);
			wi_reclaim_retire(list->reclaim, &oldest->retired);
		}
	}
	wi_drop_hold(hazards, OTHER);
}

/* -- Putting in ---------------------------------------------------------- */

/* 0, or as push.  The segment is held. */
static ALWAYS_INLINE int claim_free(struct segment_list *list,
	struct hazards *hazards, uint64_t held, struct segment_claim *claim)
{
	struct queue *queue = &list->queue;

	/* acquire [closed]: if a flag refuses us, we know what its setter
	 * knew. */
	claim->word = load_acquire(&queue->tail);
	for (;;) {
		int refusal = wi_queue_refusal(claim->word, held);
		uint64_t number = number_of(list, claim->word);

		if (unlikely(refusal != 0))
			return refusal;
		claim->segment = find(hazards, &list->tail_hint, number);
		if (unlikely(claim->segment->number != number)) {
			if (claim->segment->number < number &&
				!link_segment(list, hazards, number))
				return -ENOMEM;
			claim->word = load_acquire(&queue->tail); /* [closed] */
			continue;
		}
		invariant(claim->word - claim->segment->first < list->span);
		claim->slot = slot_at(list, claim->segment, claim->word);
		if (likely(segment_claim_free(list, claim)))
			return 0;
		make_way(hazards);
		claim->word = load_acquire(&queue->tail); /* [closed] */
	}
}

static int push(struct queue *queue, const void *element, uint64_t held)
{
	struct segment_list *list = list_of(queue);
	struct hazards *hazards = enter();
	struct segment_claim claim;
	int status = claim_free(list, hazards, held, &claim);

	if (likely(status == 0)) {
		wi_copy_element(wi_slot_element(claim.slot, &list->layout),
			element, queue->element_size);
		status = wi_queue_fill(queue, claim.slot,
			segment_turn_of(claim.segment), claim.word);
	}
	leave(hazards);
	return status;
}

static int can_push(struct queue *queue, uint64_t held)
{
	/* acquire [closed]: as in claim_free. */
	return wi_queue_refusal(load_acquire(&queue->tail), held);
}

/* -- Taking out ---------------------------------------------------------- */

/* The full slot at head; claim->word is what was read there lately.  0, or as
 * pop.  The segment is held. */
static ALWAYS_INLINE int find_full(struct segment_list *list,
	struct hazards *hazards, uint64_t held, struct segment_claim *claim)
{
	struct queue *queue = &list->queue;

	for (;;) {
		uint64_t number = number_of(list, claim->word);
		uint64_t now;

		if (unlikely((claim->word & HELD) != held))
			return wi_queue_nothing(queue, claim->word);
		claim->segment = find(hazards, &list->head_hint, number);
		claim->slot = slot_at(list, claim->segment, claim->word);
		if (likely(claim->segment->number == number) &&
			segment_is_full(claim))
			return 0;
		now = load_relaxed(&queue->head); /* relaxed: a hint */
		/* Nobody has taken it: empty, or on its way. */
		if (now == claim->word)
			return wi_queue_nothing(queue, now);
		claim->word = now;
	}
}

static ALWAYS_INLINE int claim_full(struct segment_list *list,
	struct hazards *hazards, uint64_t held, struct segment_claim *claim)
{
	/* relaxed: a hint; the cas decides. */
	claim->word = load_relaxed(&list->queue.head);
	for (;;) {
		int status = find_full(list, hazards, held, claim);

		if (status != 0 || likely(segment_claim_full(list, claim)))
			return status;
		make_way(hazards);
		/* relaxed: as above. */
		claim->word = load_relaxed(&list->queue.head);
	}
}

COLD void wi_segment_list_move_on(
	struct segment_list *list, struct hazards *hazards, uint64_t word)
{
	retire_before(list, hazards, number_of(list, word));
	leave(hazards);
}

static ALWAYS_INLINE void leave_claimed(struct segment_list *list,
	struct hazards *hazards, const struct segment_claim *claim)
{
	if (unlikely(segment_is_first_claim(claim)))
		wi_segment_list_move_on(list, hazards, claim->word);
	else
		leave(hazards);
}

static int pop(struct queue *queue, void *element, uint64_t held)
{
	struct segment_list *list = list_of(queue);
	struct hazards *hazards = enter();
	struct segment_claim claim;
	int status = claim_full(list, hazards, held, &claim);

	if (unlikely(status != 0)) {
		leave(hazards);
		return status;
	}
	wi_copy_element(element, wi_slot_element(claim.slot, &list->layout),
		queue->element_size);
	leave_claimed(list, hazards, &claim);
	return 0;
}

static int can_pop(struct queue *queue, uint64_t held)
{
	/* seq_cst [sleep]: as in skip, for who watches. */
	struct segment_claim claim = {.word = load_seq_cst(&queue->head)};
	struct hazards *hazards = enter();
	int status = find_full(list_of(queue), hazards, held, &claim);

	leave(hazards);
	return status;
}

/* -- Places in hand ------------------------------------------------------ */

/* The hold keeps the segment until the hand does. */
static void take_in_hand(struct segment_list *list,
	const struct segment_claim *claim, void **place)
{
	claim->slot->index = (uint32_t)index_of(list, claim->word);
	/* relaxed: give_back comes after this hold has ended. */
	fetch_add_relaxed(&claim->segment->hands, 1);
	*place = wi_slot_element(claim->slot, &list->layout);
}

/* Of a place in hand.  To be asked before the slot is somebody else's. */
static struct segment *segment_of(struct segment_list *list, void *place)
{
	struct slot *slot = wi_slot_of(place, &list->layout);

	return (struct segment *)(void *)((unsigned char *)slot - CACHE_LINE -
					  slot->index * list->layout.stride);
}

/* Its slot is not touched any more. */
static void let_go(struct segment_list *list, struct segment *segment)
{
	/* release [hands]: pairs with give_back, or with the retiring here. */
	if (fetch_sub_acq_rel(&segment->hands, 1) == (RETIRED | 1))
		wi_reclaim_retire(list->reclaim, &segment->retired);
}

static int reserve(struct queue *queue, void **place, uint64_t held)
{
	struct segment_list *list = list_of(queue);
	struct hazards *hazards = enter();
	struct segment_claim claim;
	void *taken;
	int status = claim_free(list, hazards, held, &claim);

	if (status == 0) {
		uint32_t number = segment_turn_of(claim.segment);

		take_in_hand(list, &claim, &taken);
		/* seq_cst [sleep]: as in ring.h. */
		if (exchange_seq_cst(&claim.slot->turn, number + RESERVED) !=
			number + ABANDONED) {
			*place = taken;
		} else {
			let_go(list, claim.segment);
			status = -EPIPE;
		}
	}
	leave(hazards);
	return status;
}

static int acquire(struct queue *queue, void **place, uint64_t held)
{
	struct segment_list *list = list_of(queue);
	struct hazards *hazards = enter();
	struct segment_claim claim;
	int status = claim_full(list, hazards, held, &claim);

	if (status != 0) {
		leave(hazards);
		return status;
	}
	take_in_hand(list, &claim, place);
	leave_claimed(list, hazards, &claim);
	return 0;
}

/* What the turn of a reserved place becomes.  False if it was abandoned. */
static bool put_down(struct segment_list *list, void *place, uint32_t state)
{
	struct slot *slot = wi_slot_of(place, &list->layout);
	/* relaxed: reserve happens before this, by the caller's own doing; in
	 * ABANDONED there is nothing to read. */
	uint32_t turn = load_relaxed(&slot->turn);

	if (wi_slot_state(turn) == ABANDONED)
		return false;
	/* release [filled]: pairs with the load in segment_is_full. */
	return exchange_seq_cst(&slot->turn, turn - RESERVED + state) == turn;
}

static bool publish(struct queue *queue, void *place)
{
	struct segment *segment = segment_of(list_of(queue), place);

	if (!put_down(list_of(queue), place, FULL))
		return false;
	let_go(list_of(queue), segment);
	return true;
}

static void forget(struct queue *queue, void *place)
{
	let_go(list_of(queue), segment_of(list_of(queue), place));
}

static void abort_place(struct queue *queue, void *place)
{
	struct segment *segment = segment_of(list_of(queue), place);

	/* relaxed: a figure; before whoever sees the gap takes it back. */
	fetch_add_relaxed(&queue->gaps, 1);
	if (!put_down(list_of(queue), place, GAP))
		fetch_add_relaxed(&queue->gaps, (uint64_t)-1); /* relaxed */
	let_go(list_of(queue), segment);
}

/* As ring.c's. */
static bool skip(struct queue *queue)
{
	struct segment_list *list = list_of(queue);
	/* seq_cst [sleep]: who took the element before a gap and did not see
	 * GAPS (channel.c) has claimed head before this. */
	uint64_t head = load_seq_cst(&queue->head);
	struct hazards *hazards = enter();
	bool moved = false;

	for (;;) {
		uint64_t number = number_of(list, head);
		struct segment *segment =
			find(hazards, &list->head_hint, number);
		uint64_t now;

		if (segment->number != number ||
			/* seq_cst [sleep]: against who aborts it. */
			load_seq_cst(&slot_at(list, segment, head)->turn) !=
				segment_turn_of(segment) + GAP) {
			now = load_relaxed(&queue->head); /* relaxed: a hint */
			if (now == head)
				break;
			head = now;
			continue;
		}
		/* release [claimed]: see queue.c.  Who watches head is told
		 * before the gate is left, by us. */
		if (!cas_acq_rel(&queue->head, &head, segment_after(head)))
			continue;
		/* relaxed, both: figures. */
		fetch_add_relaxed(&queue->abandoned, 1);
		fetch_add_relaxed(&queue->gaps, (uint64_t)-1); /* relaxed */
		if (index_of(list, head) == 0)
			retire_before(list, hazards, number);
		head = segment_after(head);
		moved = true;
	}
	leave(hazards);
	return moved;
}

static bool head_in_hand(struct queue *queue)
{
	struct segment_list *list = list_of(queue);
	/* relaxed: only an answer about this instant. */
	uint64_t head = load_relaxed(&queue->head);
	struct hazards *hazards = enter();
	struct segment *segment;
	bool in_hand;

	segment = find(hazards, &list->head_hint, number_of(list, head));
	in_hand = segment->number == number_of(list, head) &&
		  /* seq_cst [sleep]: against reserve's exchange. */
		  load_seq_cst(&slot_at(list, segment, head)->turn) ==
			  segment_turn_of(segment) + RESERVED;
	leave(hazards);
	return in_hand;
}

static bool tail_in_hand(struct queue *queue)
{
	(void)queue;
	return false; /* a new place each time */
}

static const struct place_ops segment_list_places = {
	.reserve = reserve,
	.acquire = acquire,
	.publish = publish,
	.forget = forget,
	.abort = abort_place,
	.vacate = forget,
	.skip = skip,
	.head_in_hand = head_in_hand,
	.tail_in_hand = tail_in_hand,
	.displace = NULL,
};

/* -- The rest ------------------------------------------------------------ */

static uint64_t count(const struct queue *queue, uint64_t position)
{
	(void)queue;
	return segment_ticket_of(position);
}

/* The segment of a position that the last receiver's close has claimed.  All
 * segments from there on are the closer's alone to retire, so it need not
 * hold them while it works.  Not from head_hint, which a receiver that
 * comes too late may have moved to the end. */
static struct segment *closers_segment(
	struct segment_list *list, uint64_t position)
{
	struct hazards *hazards = enter();

	retire_before(list, hazards, number_of(list, position));
	leave(hazards);
	return load_acquire(&list->oldest); /* [linked] */
}

static void drain(struct queue *queue, const struct dropper *dropper)
{
	struct segment_list *list = list_of(queue);
	struct segment *segment = NULL;
	uint64_t position;
	uint64_t last = wi_queue_claim_rest(queue, &position);

	for (; position != last; position = segment_after(position)) {
		struct slot *slot;

		if (segment == NULL || index_of(list, position) == 0)
			segment = closers_segment(list, position);
		invariant(segment->number == number_of(list, position));
		slot = slot_at(list, segment, position);
		wi_queue_drop_slot(queue, dropper, slot,
			segment_turn_of(segment),
			wi_slot_element(slot, &list->layout));
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
	.can_push = can_push,
	.can_pop = can_pop,
	.count = count,
	.drain = drain,
	.destroy = destroy,
	.places = &segment_list_places,
};

static const struct reclaim_ops reclaim_ops = {
	.give_back = give_back,
	.tidy = tidy,
};

int wi_segment_list_init(struct segment_list *list, size_t element_size,
	const struct allocator *allocator)
{
	struct slot_layout layout = wi_slot_layout(element_size);
	unsigned shift = 0;

	_Static_assert(offsetof(struct segment, retired) == 0,
		"whoever holds a segment holds the node");
	_Static_assert(sizeof(struct segment) <= CACHE_LINE,
		"a segment's slots start on its second line");
	if (layout.stride == 0 || layout.stride > SIZE_MAX / 2)
		return -ENOMEM;
	while (layout.stride <= SEGMENT_BYTES >> (shift + 1))
		shift++;
	list->reclaim = wi_reclaim_create(&reclaim_ops, list,
		shift > 0 ? RETIREMENTS_A_LOOK : LARGE_ONES_A_LOOK);
	if (list->reclaim == NULL)
		return -ENOMEM;
	list->layout = layout;
	list->slots_shift = shift;
	list->span = (uint64_t)1 << (shift + FLAG_BITS);
	list->segment_size = CACHE_LINE + (layout.stride << shift);
	set_number(list, &list->before_first, 0);
	list->before_first.doomed = false;
	init_atomic(&list->before_first.next, NULL);
	init_atomic(&list->before_first.hands, 0);
	init_atomic(&list->tail_hint, &list->before_first);
	init_atomic(&list->head_hint, &list->before_first);
	init_atomic(&list->oldest, &list->before_first);
	init_atomic(&list->spares, NULL);
	init_atomic(&list->spare_count, 0);
	init_atomic(&list->fewest, 0);
	wi_queue_init(&list->queue, &segment_list_ops, WEIR_UNBOUNDED,
		element_size, allocator);
	if (wi_queue_is_of_words(&list->queue))
		list->queue.short_path = LIST_OF_WORDS;
	return 0;
}
