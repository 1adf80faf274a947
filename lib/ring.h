/* SPDX-License-Identifier: MIT */
/* ring.h - the bounded flavor: an array of exactly `capacity` slots; and how a
 * place in it is claimed, which is, with a copy of the element and a new turn,
 * all that a push or a pop does.  ring.c has the picture and the edges.
 */
#ifndef WI_RING_H
#define WI_RING_H

#include "queue.h"
#include "slot.h"

struct ring {
	struct queue queue;
	/* Written before anybody sees the ring. */
	cache_aligned unsigned char *slots;
	struct slot_layout layout;
	unsigned lap_shift;  /* of the lap in a position word */
	uint64_t index_mask; /* of the index there, at its place */
	uint64_t last;       /* the last index, at that place */
	size_t longest_run;  /* elements of one claim */
	const unsigned char *prefetch_end; /* see ring_prefetch */
};

/* 0 or -ENOMEM.  The capacity is at least 1. */
int wi_ring_init(struct ring *ring, size_t capacity, size_t element_size,
	const struct allocator *allocator);

/* -- Positions and turns ------------------------------------------------- */

static inline struct ring *ring_of(struct queue *queue)
{
	return container_of(queue, struct ring, queue);
}

static inline uint64_t ring_lap_of(const struct ring *ring, uint64_t word)
{
	return word >> ring->lap_shift;
}

static inline size_t ring_index_of(const struct ring *ring, uint64_t word)
{
	return (size_t)((word & ring->index_mask) >> FLAG_BITS);
}

static inline uint32_t ring_free_turn(const struct ring *ring, uint64_t word)
{
	return (uint32_t)(TURNS * ring_lap_of(ring, word));
}

static inline struct slot *ring_slot_at(const struct ring *ring, uint64_t word)
{
	return (struct slot *)(void *)(ring->slots +
				       ring_index_of(ring, word) *
					       ring->layout.stride);
}

/* The next position, with the same flags. */
static inline uint64_t ring_after(const struct ring *ring, uint64_t word)
{
	if (likely((word & ring->index_mask) != ring->last))
		return word + ((uint64_t)1 << FLAG_BITS);
	return (ring_lap_of(ring, word) + 1) << ring->lap_shift |
	       (word & FLAGS);
}

/* A place, as long as its position word is what it was. */
struct ring_claim {
	uint64_t word;
	uint64_t next; /* what the word becomes */
	struct slot *slot;
	uint32_t number; /* of its lap: the turn in which it is FREE */
};

static ALWAYS_INLINE void ring_locate(
	const struct ring *ring, struct ring_claim *claim)
{
	claim->next = ring_after(ring, claim->word);
	claim->slot = ring_slot_at(ring, claim->word);
	claim->number = ring_free_turn(ring, claim->word);
}

/* A claimed slot's turn is the claimer's to change.  There is no call on the
 * way to it, so that all stays in registers. */

/* Another thread claims there too, and wi_contest comes first: push and pop do
 * that, to which who asks goes on. */
#define CONTEST (-EBUSY)

/* Another thread was faster: wi_make_way comes next, and then another try. */
#define LOST (-EALREADY)

/* -- The free place at tail ---------------------------------------------- */

/* Both: 0, or as push; a claim also LOST, or CONTEST for who `asks`. */

/* claim->word is what was read there lately. */
static ALWAYS_INLINE int ring_find_free(
	const struct ring *ring, uint64_t held, struct ring_claim *claim)
{
	for (;;) {
		int refusal = wi_queue_refusal(claim->word, held);
		uint64_t now;

		if (unlikely(refusal != 0))
			return refusal;
		ring_locate(ring, claim);
		/* acquire [vacated]; seq_cst as the waiting sender's half of
		 * [sleep]: register, then look at the turn. */
		if (likely(load_seq_cst(&claim->slot->turn) == claim->number))
			return 0;
		/* acquire [closed]: as in ring_claim_free. */
		now = load_acquire(&ring->queue.tail);
		/* Nobody has claimed it: the last lap's element is still here,
		 * or on its way. */
		if (now == claim->word)
			return -EAGAIN;
		claim->word = now;
	}
}

static ALWAYS_INLINE int ring_claim_free(
	struct ring *ring, uint64_t held, bool asks, struct ring_claim *claim)
{
	uint64_t tail;
	int status;

	/* acquire [closed]: if a flag refuses us, we know what its setter
	 * knew. */
	claim->word = load_acquire(&ring->queue.tail);
	status = ring_find_free(ring, held, claim);
	if (unlikely(status != 0))
		return status;
	if (asks && contest_is_on(&ring->queue.tail_contest))
		return CONTEST;
	tail = claim->word;
	/* seq_cst [sleep]: S0. */
	return likely(cas_seq_cst(&ring->queue.tail, &tail, claim->next))
		       ? 0
		       : LOST;
}

#define PREFETCH_AHEAD ((size_t)256) /* bytes: four lines */

/* By a receiver: fetch a line of turns that come soon.  It will write them: so
 * the line comes over once and not twice, and while others are worked at.  Not
 * what lies behind the array, nor where that is the same element's. */
static ALWAYS_INLINE void ring_prefetch(
	const struct ring *ring, const struct slot *slot)
{
	const unsigned char *here = (const unsigned char *)slot;

	if (here < ring->prefetch_end)
		prefetch_to_write(here + PREFETCH_AHEAD);
}

/* -- The full place at head ---------------------------------------------- */

/* claim->word is what was read there lately.  False: wi_queue_nothing says why.
 */
static ALWAYS_INLINE bool ring_find_full(
	const struct ring *ring, uint64_t held, struct ring_claim *claim)
{
	for (;;) {
		uint64_t now;

		if (unlikely((claim->word & HELD) != held))
			return false;
		ring_locate(ring, claim);
		/* acquire [filled]; seq_cst as the waiting receiver's half of
		 * [sleep]: register, then look at the turn. */
		if (likely(load_seq_cst(&claim->slot->turn) ==
			    claim->number + FULL))
			return true;
		/* relaxed: a hint; the cas decides. */
		now = load_relaxed(&ring->queue.head);
		/* Nobody has taken it: empty, or on its way. */
		if (now == claim->word)
			return false;
		claim->word = now;
	}
}

/* 0; -EAGAIN, and wi_queue_nothing says why; LOST; or CONTEST, for who `asks`.
 */
static ALWAYS_INLINE int ring_claim_full(
	struct ring *ring, uint64_t held, bool asks, struct ring_claim *claim)
{
	uint64_t head;

	/* relaxed: a hint; the turn is compared with it, and the cas decides.
	 */
	claim->word = load_relaxed(&ring->queue.head);
	if (unlikely(!ring_find_full(ring, held, claim)))
		return -EAGAIN;
	if (asks && contest_is_on(&ring->queue.head_contest))
		return CONTEST;
	head = claim->word;
	/* seq_cst [sleep]: S0.  Releases [claimed]: turns carry the data; see
	 * queue.c. */
	if (unlikely(!cas_seq_cst(&ring->queue.head, &head, claim->next)))
		return LOST;
	ring_prefetch(ring, claim->slot);
	return 0;
}

#endif
