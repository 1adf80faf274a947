/* SPDX-License-Identifier: MIT */
/* ring.c - the bounded flavor: a lock-free array of slots, each with a turn.
 *
 * Algorithm: [Vyukov, "Bounded MPMC queue", 1024cores.net, 2010], with these
 * departures.  A position is a lap and an index (as in crossbeam's array
 * flavor), so that any capacity is exact and no division is needed; a turn is a
 * lap and a state, so that capacity 1 can tell full from free, and a place can
 * be in hand; flags share a word with the positions (queue.h); and whoever
 * publishes then looks whether the last receiver has closed (queue.c,
 * [abandoned]).
 *
 *	word   | lap .............. | index .... | flags |
 *
 *	turn   | lap .................. | state |	(slot.h)
 *
 *	FREE	the sender with position (lap, i) may fill slot i
 *	FULL	the receiver with position (lap, i) may empty it, which makes
 *		it the next lap's FREE
 *
 * Invariants
 *	I1  head <= tail <= head + capacity, as positions.
 *	I2  between claim and change of turn a slot belongs to who claimed it.
 *	I3  turns only grow (modulo 2^32); zeroed memory is lap 0, all FREE.
 *
 * A sender that is stopped between claim and publication leaves a slot that is
 * still FREE.  Whoever meets it goes away with -EAGAIN; nobody spins.  The last
 * receiver's close claims it all the same and makes it ABANDONED.
 *
 * A claim is one locked instruction, and seq_cst: with it begins a thread's
 * part in [sleep] (channel.c), whose other steps are the publication of the
 * turn and a look for who waits.  The publication is a plain store where the
 * kernel lets who sleeps pay for the fence (fence.h).
 *
 * Ordering edges
 *	[filled]   push's, or wi_send_word's, store of turn -> the load in
 *		   ring_find_full: element readable
 *	[vacated]  pop's, or wi_recv_word's, store of turn -> the load in
 *		   ring_find_free: slot is reusable
 *	[claimed]  queue.c
 *	[closed]   queue.c
 */
#include "ring.h"

#include "backoff.h"
#include "debug.h"
#include "element.h"

/* Of one claim, about: those that come first need not wait long for the look
 * for who waits, which comes once for all of them. */
#define RUN_BYTES 1024

/* -- One element --------------------------------------------------------- */

static int can_push(struct queue *queue, uint64_t held)
{
	/* acquire [closed]; seq_cst [sleep]: as in skip, for who watches. */
	struct ring_claim claim = {.word = load_seq_cst(&queue->tail)};

	return ring_find_free(ring_of(queue), held, &claim);
}

/* Of who was told CONTEST, or LOST. */
static void before_next_try(
	int status, struct contest *contest, const struct atomic_u64 *word)
{
	if (status == LOST)
		wi_make_way();
	else
		wi_contest(contest, word);
}

/* As ring_claim_free, until it is through or refused. */
static ALWAYS_INLINE int claim_free(
	struct ring *ring, uint64_t held, struct ring_claim *claim)
{
	int status;

	while ((status = ring_claim_free(ring, held, false, claim)) == LOST)
		wi_make_way();
	return status;
}

static inline int fill(struct queue *queue, const void *element,
	const struct ring_claim *claim)
{
	wi_copy_element(wi_slot_element(claim->slot, &ring_of(queue)->layout),
		element, queue->element_size);
	return wi_queue_fill(queue, claim->slot, claim->number, claim->word);
}

OUT_OF_LINE static int push_in_contest(
	struct queue *queue, const void *element, uint64_t held, int status)
{
	struct ring_claim claim;

	before_next_try(status, &queue->tail_contest, &queue->tail);
	status = claim_free(ring_of(queue), held, &claim);
	return status != 0 ? status : fill(queue, element, &claim);
}

static int push(struct queue *queue, const void *element, uint64_t held)
{
	struct ring_claim claim;
	/* Who is inside the gate does not make way there. */
	int status = ring_claim_free(ring_of(queue), held, held == 0, &claim);

	if (unlikely(status == CONTEST || status == LOST))
		return push_in_contest(queue, element, held, status);
	return unlikely(status != 0) ? status : fill(queue, element, &claim);
}

static int can_pop(struct queue *queue, uint64_t held)
{
	/* seq_cst [sleep]: as in skip, for who watches. */
	struct ring_claim claim = {.word = load_seq_cst(&queue->head)};

	if (ring_find_full(ring_of(queue), held, &claim))
		return 0;
	return wi_queue_nothing(queue, claim.word);
}

/* As ring_claim_full, likewise. */
static ALWAYS_INLINE int claim_full(
	struct ring *ring, uint64_t held, struct ring_claim *claim)
{
	int status;

	while ((status = ring_claim_full(ring, held, false, claim)) == LOST)
		wi_make_way();
	return status;
}

static inline void take_out(
	struct queue *queue, void *element, const struct ring_claim *claim)
{
	wi_copy_element(element,
		wi_slot_element(claim->slot, &ring_of(queue)->layout),
		queue->element_size);
	/* release [vacated]: pairs with ring_find_free's load of turn. */
	wi_queue_turn(queue, claim->slot, claim->number + TURNS);
}

OUT_OF_LINE static int pop_in_contest(
	struct queue *queue, void *element, uint64_t held, int status)
{
	struct ring_claim claim;

	before_next_try(status, &queue->head_contest, &queue->head);
	if (claim_full(ring_of(queue), held, &claim) != 0)
		return wi_queue_nothing(queue, claim.word);
	take_out(queue, element, &claim);
	return 0;
}

static int pop(struct queue *queue, void *element, uint64_t held)
{
	struct ring_claim claim;
	int status = ring_claim_full(ring_of(queue), held, held == 0, &claim);

	if (unlikely(status == CONTEST || status == LOST))
		return pop_in_contest(queue, element, held, status);
	if (unlikely(status != 0))
		return wi_queue_nothing(queue, claim.word);
	take_out(queue, element, &claim);
	return 0;
}

/* -- Many by one claim --------------------------------------------------- */

/* Slots that lie one after the other, in one lap. */
struct run {
	struct slot *first;
	uint32_t number; /* of the lap */
	size_t length;
	uint64_t end; /* the position after it, with the same flags */
};

static inline struct slot *next_slot(const struct ring *ring, struct slot *slot)
{
	return (struct slot *)(void *)((unsigned char *)slot +
				       ring->layout.stride);
}

/* Those in that state, at most `count`, from a position on; none: of length 0.
 * They stay so for whoever claims the first of them. */
static inline struct run run_at(
	const struct ring *ring, uint64_t word, uint32_t state, size_t count)
{
	size_t to_the_wrap = ring->queue.capacity - ring_index_of(ring, word);
	struct run run = {.first = ring_slot_at(ring, word),
		.number = ring_free_turn(ring, word)};
	struct slot *slot = run.first;

	if (count > to_the_wrap)
		count = to_the_wrap;
	if (count > ring->longest_run)
		count = ring->longest_run;
	/* acquire [filled] or [vacated]: as in ring_find_full, and in
	 * ring_find_free. */
	while (run.length < count &&
		load_acquire(&slot->turn) == run.number + state) {
		slot = next_slot(ring, slot);
		run.length++;
	}
	run.end = word + ((uint64_t)run.length << FLAG_BITS);
	if (run.length == to_the_wrap)
		run.end = (ring_lap_of(ring, word) + 1) << ring->lap_shift |
			  (word & FLAGS);
	return run;
}

static size_t push_run(struct queue *queue, const unsigned char *elements,
	size_t count, const struct dropper *dropper)
{
	struct ring *ring = ring_of(queue);
	/* relaxed: the cas decides, and push says why not. */
	uint64_t tail = load_relaxed(&queue->tail);
	struct slot *slot;
	struct run run;

	do {
		if (wi_queue_refusal(tail, 0) != 0)
			return 0;
		run = run_at(ring, tail, FREE, count);
		if (run.length == 0)
			return 0;
		/* seq_cst [sleep]: S0, of all of them. */
	} while (!cas_seq_cst(&queue->tail, &tail, run.end));

	slot = run.first;
	for (size_t i = 0; i < run.length; i++) {
		void *element = wi_slot_element(slot, &ring->layout);

		wi_copy_element(element, elements, queue->element_size);
		if (unlikely(wi_queue_fill(queue, slot, run.number,
				     tail + ((uint64_t)i << FLAG_BITS)) != 0))
			wi_queue_drop_abandoned(queue, dropper, element);
		elements += queue->element_size;
		slot = next_slot(ring, slot);
	}
	return run.length;
}

static size_t pop_run(
	struct queue *queue, unsigned char *elements, size_t count)
{
	struct ring *ring = ring_of(queue);
	/* relaxed: as in ring_claim_full. */
	uint64_t head = load_relaxed(&queue->head);
	struct slot *slot;
	struct run run;

	do {
		if (head & HELD)
			return 0;
		run = run_at(ring, head, FULL, count);
		if (run.length == 0)
			return 0;
		/* seq_cst [sleep]: S0, of all of them.  Releases [claimed]. */
	} while (!cas_seq_cst(&queue->head, &head, run.end));

	slot = run.first;
	for (size_t i = 0; i < run.length; i++) {
		wi_copy_element(elements, wi_slot_element(slot, &ring->layout),
			queue->element_size);
		/* release [vacated]: as in pop. */
		wi_queue_turn(queue, slot, run.number + TURNS);
		elements += queue->element_size;
		slot = next_slot(ring, slot);
	}
	return run.length;
}

/* -- Places in hand ------------------------------------------------------ */

static int reserve(struct queue *queue, void **place, uint64_t held)
{
	struct ring *ring = ring_of(queue);
	struct ring_claim claim;
	int status = claim_free(ring, held, &claim);

	if (status != 0)
		return status;
	/* seq_cst [sleep]: who waits and looks hears that it is in hand. */
	if (exchange_seq_cst(&claim.slot->turn, claim.number + RESERVED) !=
		claim.number)
		return -EPIPE; /* abandoned by the last receiver's close */
	*place = wi_slot_element(claim.slot, &ring->layout);
	return 0;
}

static int acquire(struct queue *queue, void **place, uint64_t held)
{
	struct ring *ring = ring_of(queue);
	struct ring_claim claim;

	if (claim_full(ring, held, &claim) != 0)
		return wi_queue_nothing(queue, claim.word);
	/* seq_cst [sleep]: as in reserve. */
	exchange_seq_cst(&claim.slot->turn, claim.number + ACQUIRED);
	*place = wi_slot_element(claim.slot, &ring->layout);
	return 0;
}

/* What the turn of a place in hand becomes.  False if it was abandoned. */
static bool put_down(struct ring *ring, void *place, uint32_t state)
{
	struct slot *slot = wi_slot_of(place, &ring->layout);
	/* relaxed: reserve happens before this, by the caller's own doing; in
	 * ABANDONED there is nothing to read. */
	uint32_t turn = load_relaxed(&slot->turn);
	uint32_t before = turn & ~(uint32_t)(TURNS - 1);

	if (wi_slot_state(turn) == ABANDONED)
		return false;
	/* release [filled] or [vacated]: pairs with ring_find_full's, or
	 * ring_find_free's, load of turn. */
	return exchange_seq_cst(&slot->turn, before + state) == turn;
}

static bool publish(struct queue *queue, void *place)
{
	return put_down(ring_of(queue), place, FULL);
}

static void forget(struct queue *queue, void *place)
{
	(void)queue;
	(void)place;
}

static void abort_place(struct queue *queue, void *place)
{
	/* relaxed: a figure; before whoever sees the gap takes it back. */
	fetch_add_relaxed(&queue->gaps, 1);
	if (!put_down(ring_of(queue), place, GAP))
		fetch_add_relaxed(&queue->gaps, (uint64_t)-1); /* relaxed */
}

static void vacate(struct queue *queue, void *place)
{
	put_down(ring_of(queue), place, TURNS + FREE);
}

/* Only who is inside the gate moves head past a gap, and flags stay the same
 * there: the cas fails only against drain. */
static bool skip(struct queue *queue)
{
	struct ring *ring = ring_of(queue);
	/* seq_cst [sleep]: who took the element before a gap and did not see
	 * GAPS (channel.c) has claimed head before this. */
	uint64_t head = load_seq_cst(&queue->head);
	bool moved = false;

	for (;;) {
		struct slot *slot = ring_slot_at(ring, head);
		uint32_t free = ring_free_turn(ring, head);
		uint64_t now;

		/* seq_cst [sleep]: against who aborts it. */
		if (load_seq_cst(&slot->turn) != free + GAP) {
			now = load_relaxed(&queue->head); /* relaxed: a hint */
			if (now == head)
				return moved;
			head = now;
			continue;
		}
		/* release [claimed]: as in ring_claim_full. */
		if (!cas_acq_rel(&queue->head, &head, ring_after(ring, head)))
			continue;
		/* release [vacated]: pairs with the load of turn in
		 * ring_find_free. */
		exchange_seq_cst(&slot->turn, free + TURNS);
		/* relaxed, both: figures. */
		fetch_add_relaxed(&queue->abandoned, 1);
		fetch_add_relaxed(&queue->gaps, (uint64_t)-1); /* relaxed */
		head = ring_after(ring, head);
		moved = true;
	}
}

static bool head_in_hand(struct queue *queue)
{
	struct ring *ring = ring_of(queue);
	/* relaxed: only an answer about this instant. */
	uint64_t head = load_relaxed(&queue->head);

	/* seq_cst [sleep]: against reserve's exchange. */
	return load_seq_cst(&ring_slot_at(ring, head)->turn) ==
	       ring_free_turn(ring, head) + RESERVED;
}

static bool tail_in_hand(struct queue *queue)
{
	struct ring *ring = ring_of(queue);
	/* relaxed: only an answer about this instant. */
	uint64_t tail = load_relaxed(&queue->tail);

	/* seq_cst [sleep]: against acquire's exchange. */
	return load_seq_cst(&ring_slot_at(ring, tail)->turn) ==
	       ring_free_turn(ring, tail) - TURNS + ACQUIRED;
}

/* Full: the slot at tail holds the oldest element, of the lap before, and head
 * stands there.  Once head has moved on, nobody but us can move tail, since its
 * slot is not FREE, and its flags stay the same inside the gate. */
static int displace(struct queue *queue, void **place, bool in_hand)
{
	struct ring *ring = ring_of(queue);
	/* relaxed, both: the cas and the comparison of positions decide. */
	uint64_t head = load_relaxed(&queue->head);
	uint64_t tail = load_relaxed(&queue->tail); /* relaxed: as above */
	struct slot *slot = ring_slot_at(ring, head);
	uint32_t free = ring_free_turn(ring, head);

	if (wi_position(head) + ((uint64_t)1 << ring->lap_shift) !=
		wi_position(tail))
		return -EAGAIN;
	/* acquire [filled]: the displaced element is readable. */
	if (load_seq_cst(&slot->turn) != free + FULL ||
		/* release [claimed]: as in ring_claim_full. */
		!cas_acq_rel(&queue->head, &head, ring_after(ring, head)))
		return -EAGAIN;
	/* seq_cst [sleep]: as in ring_claim_free. */
	if (!cas_seq_cst(&queue->tail, &tail, ring_after(ring, tail)))
		invariant(false);
	/* seq_cst [sleep]: as in reserve. */
	exchange_seq_cst(
		&slot->turn, free + TURNS + (in_hand ? RESERVED : REPLACED));
	*place = wi_slot_element(slot, &ring->layout);
	return 0;
}

static const struct place_ops ring_places = {
	.reserve = reserve,
	.acquire = acquire,
	.publish = publish,
	.forget = forget,
	.abort = abort_place,
	.vacate = vacate,
	.skip = skip,
	.head_in_hand = head_in_hand,
	.tail_in_hand = tail_in_hand,
	.displace = displace,
};

/* -- The rest ------------------------------------------------------------ */

static uint64_t count(const struct queue *queue, uint64_t position)
{
	const struct ring *ring =
		container_of((void *)(uintptr_t)queue, struct ring, queue);

	return ring_lap_of(ring, position) * queue->capacity +
	       ring_index_of(ring, position);
}

static void drain(struct queue *queue, const struct dropper *dropper)
{
	struct ring *ring = ring_of(queue);
	uint64_t position;
	uint64_t last = wi_queue_claim_rest(queue, &position);

	for (; position != last; position = ring_after(ring, position)) {
		struct slot *slot = ring_slot_at(ring, position);

		wi_queue_drop_slot(queue, dropper, slot,
			ring_free_turn(ring, position),
			wi_slot_element(slot, &ring->layout));
	}
}

static void destroy(struct queue *queue)
{
	struct ring *ring = ring_of(queue);

	wi_free(&queue->allocator, ring->slots,
		queue->capacity * ring->layout.stride);
}

static const struct queue_ops ring_ops = {
	.push = push,
	.pop = pop,
	.push_run = push_run,
	.pop_run = pop_run,
	.can_push = can_push,
	.can_pop = can_pop,
	.count = count,
	.drain = drain,
	.destroy = destroy,
	.places = &ring_places,
};

int wi_ring_init(struct ring *ring, size_t capacity, size_t element_size,
	const struct allocator *allocator)
{
	struct slot_layout layout = wi_slot_layout(element_size);
	unsigned index_bits = 0;
	size_t size;

	if (layout.stride == 0 ||
		__builtin_mul_overflow(capacity, layout.stride, &size))
		return -ENOMEM; /* more than an address space holds */
	while (((uint64_t)1 << index_bits) < capacity)
		index_bits++;
	ring->slots = wi_alloc(allocator, size, CACHE_LINE);
	if (ring->slots == NULL)
		return -ENOMEM;
	ring->layout = layout;
	ring->lap_shift = index_bits + FLAG_BITS;
	ring->index_mask = (((uint64_t)1 << index_bits) - 1) << FLAG_BITS;
	ring->last = (uint64_t)(capacity - 1) << FLAG_BITS;
	ring->prefetch_end = ring->slots;
	/* In a small one those lines are in use on the other side. */
	if (layout.stride < 2 * PREFETCH_AHEAD && size > 2 * PREFETCH_AHEAD)
		ring->prefetch_end += size - PREFETCH_AHEAD;
	ring->longest_run = RUN_BYTES / layout.stride + 1;
	wi_queue_init(
		&ring->queue, &ring_ops, capacity, element_size, allocator);
	if (wi_queue_is_of_words(&ring->queue))
		ring->queue.short_path = RING_OF_WORDS;
	return 0;
}
