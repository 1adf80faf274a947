/* SPDX-License-Identifier: MIT */
/* ring.c - the bounded flavor: a lock-free array of slots, each with a turn.
 *
 * Algorithm: [Vyukov, "Bounded MPMC queue", 1024cores.net, 2010], with these
 * departures.  A position is a lap and an index (as in crossbeam's array
 * flavor), so that any capacity is exact and no division is needed; turns count
 * half laps, so that capacity 1 can tell full from free; flags share a word
 * with the positions (queue.h); and publishing is an exchange, for which see
 * [filled] and `abandoned`.
 *
 *	word   | lap .............. | index .... | flags |
 *
 *	turn == 2 * lap		free: the sender with position (lap, i) may fill
 *				slot i
 *	turn == 2 * lap + 1	full: the receiver with position (lap, i) may
 *				empty it, which makes it 2 * (lap + 1)
 *
 * Invariants
 *	I1  head <= tail <= head + capacity, as positions.
 *	I2  between claim and change of turn a slot belongs to who claimed it.
 *	I3  turns only grow (modulo 2^32); zeroed memory is lap 0, all free.
 *
 * A sender that is stopped between claim and publication leaves a slot that is
 * neither free nor full.  Whoever meets it goes away with -EAGAIN; nobody
 * spins.  The last receiver's close claims it all the same and makes its turn
 * that of the next lap: by what the exchange returns the sender learns that its
 * element did not get in.
 *
 * Ordering edges
 *	[filled]   push's exchange of turn -> pop's load: element is readable.
 *		   seq_cst, because it is also the sender's half of [sleep] in
 *		   channel.c: publish, then look for waiting receivers.
 *	[vacated]  pop's exchange of turn -> push's load: slot is reusable.
 *		   seq_cst for the same reason: then look for waiting senders.
 *	[closed]   queue.c
 */
#include "ring.h"

#include "debug.h"
#include "element.h"

static inline struct ring *ring_of(struct queue *queue)
{
	return container_of(queue, struct ring, queue);
}

static inline uint64_t lap_of(const struct ring *ring, uint64_t word)
{
	return word >> ring->lap_shift;
}

static inline size_t index_of(const struct ring *ring, uint64_t word)
{
	uint64_t index_bits = ((uint64_t)1 << ring->lap_shift) - 1;

	return (size_t)((word & index_bits) >> FLAG_BITS);
}

static inline uint32_t free_turn(const struct ring *ring, uint64_t word)
{
	return (uint32_t)(2 * lap_of(ring, word));
}

static inline struct slot *slot_at(const struct ring *ring, uint64_t word)
{
	return (struct slot *)(void *)(ring->slots +
				       index_of(ring, word) *
					       ring->layout.stride);
}

/* The next position, with the same flags. */
static inline uint64_t after(const struct ring *ring, uint64_t word)
{
	if (likely(index_of(ring, word) + 1 < ring->queue.capacity))
		return word + ((uint64_t)1 << FLAG_BITS);
	return (lap_of(ring, word) + 1) << ring->lap_shift | (word & FLAGS);
}

static int push(struct queue *queue, const void *element, uint64_t held)
{
	struct ring *ring = ring_of(queue);
	/* acquire [closed]: if a flag refuses us, we know what its setter
	 * knew. */
	uint64_t tail = load_acquire(&queue->tail);

	for (;;) {
		int refusal = wi_queue_refusal(tail, held);
		uint32_t turn, free;
		uint64_t now;
		struct slot *slot;

		if (unlikely(refusal != 0))
			return refusal;
		slot = slot_at(ring, tail);
		free = free_turn(ring, tail);
		/* acquire [vacated]; seq_cst as the waiting sender's half of
		 * [sleep]: register, then look at the turn. */
		turn = load_seq_cst(&slot->turn);
		if (turn == free) {
			/* seq_cst: a claim comes before the publication also
			 * for who waits and looks at tail first.  Failure
			 * acquires [closed]. */
			if (!cas_seq_cst(
				    &queue->tail, &tail, after(ring, tail)))
				continue;
			wi_copy_element(wi_slot_element(slot, &ring->layout),
				element, queue->element_size);
			/* release [filled]: pairs with pop's load of turn. */
			if (exchange_seq_cst(&slot->turn, free + 1) == free)
				return 0;
			/* Abandoned by the last receiver's close. */
			return -EPIPE;
		}
		/* acquire [closed]: as above. */
		now = load_acquire(&queue->tail);
		if (now == tail) {
			/* Nobody has claimed it, so this turn is an old one:
			 * the last lap's element is still here, or on its
			 * way. */
			invariant((int32_t)(turn - free) < 0);
			return -EAGAIN;
		}
		tail = now;
	}
}

static int pop(struct queue *queue, void *element, uint64_t held)
{
	struct ring *ring = ring_of(queue);
	/* relaxed: a hint; the turn is compared with it, and the cas
	 * decides. */
	uint64_t head = load_relaxed(&queue->head);

	for (;;) {
		struct slot *slot = slot_at(ring, head);
		uint32_t full = free_turn(ring, head) + 1;
		uint64_t now;
		int status;

		if (unlikely((head & HELD) != held))
			return wi_queue_held(queue, head);
		/* acquire [filled]; seq_cst as the waiting receiver's half of
		 * [sleep]: register, then look at the turn. */
		if (load_seq_cst(&slot->turn) == full) {
			/* relaxed: a position carries no data, turns do. */
			if (!cas_relaxed(
				    &queue->head, &head, after(ring, head)))
				continue;
			wi_copy_element(element,
				wi_slot_element(slot, &ring->layout),
				queue->element_size);
			/* release [vacated]: pairs with push's load of turn. */
			exchange_seq_cst(&slot->turn, full + 1);
			return 0;
		}
		status = wi_queue_emptiness(queue, head);
		if (status != 0)
			return status;
		now = load_relaxed(&queue->head); /* relaxed: as above */
		if (now == head)
			return -EAGAIN; /* claimed, and being filled */
		head = now;
	}
}

static uint64_t count(const struct queue *queue, uint64_t position)
{
	const struct ring *ring =
		container_of((void *)(uintptr_t)queue, struct ring, queue);

	return lap_of(ring, position) * queue->capacity +
	       index_of(ring, position);
}

static void drain(struct queue *queue, const struct dropper *dropper)
{
	struct ring *ring = ring_of(queue);
	uint64_t position;
	uint64_t last = wi_queue_claim_rest(queue, &position);

	for (; position != last; position = after(ring, position)) {
		struct slot *slot = slot_at(ring, position);
		uint32_t free = free_turn(ring, position);
		uint32_t turn = free;

		/* Still being filled: abandon it; push's exchange will find
		 * out.  Failure acquires [filled]: the element is readable. */
		if (cas_acq_rel(&slot->turn, &turn, free + 2)) {
			/* relaxed: a figure for statistics. */
			fetch_add_relaxed(&queue->abandoned, 1);
			continue;
		}
		invariant(turn == free + 1);
		wi_queue_drop(
			queue, dropper, wi_slot_element(slot, &ring->layout));
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
	.count = count,
	.drain = drain,
	.destroy = destroy,
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
	wi_queue_init(
		&ring->queue, &ring_ops, capacity, element_size, allocator);
	return 0;
}
