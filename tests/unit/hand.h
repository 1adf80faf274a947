/* SPDX-License-Identifier: MIT */
/* hand.h - one party's steps on a ring, taken by hand.
 *
 * A send claims a place in tail, fills its slot and publishes; a recv claims one
 * in head, reads and vacates.  Here these are single calls, so that a test can
 * stop a party between two of them for as long as it likes:
 *
 *	struct claim stopped = claim_tail(ring);
 *	...                                     // what others do meanwhile
 *	cr_assert(publish(&stopped, &value));
 */
#ifndef TESTS_UNIT_HAND_H
#define TESTS_UNIT_HAND_H

#include <criterion/criterion.h>

#include <string.h>

#include "ring.h"

struct claim {
	struct ring *ring;
	struct slot *slot;
	uint32_t turn; /* when it was claimed */
};

static inline size_t hand_index(const struct ring *ring, uint64_t word)
{
	uint64_t index_bits = ((uint64_t)1 << ring->lap_shift) - 1;

	return (size_t)((word & index_bits) >> FLAG_BITS);
}

static inline struct slot *hand_slot(const struct ring *ring, size_t index)
{
	return (struct slot *)(void *)(ring->slots +
				       index * ring->layout.stride);
}

/* The slot at the position in `word`, which moves on to the next. */
static inline struct claim hand_claim(
	struct ring *ring, struct atomic_u64 *word)
{
	uint64_t at = load_relaxed(word);
	uint64_t next = at + ((uint64_t)1 << FLAG_BITS);
	size_t index = hand_index(ring, at);
	struct claim claim = {ring, hand_slot(ring, index), 0};

	if (index + 1 == ring->queue.capacity)
		next = ((at >> ring->lap_shift) + 1) << ring->lap_shift |
		       (at & FLAGS);
	cr_assert(cas_relaxed(word, &at, next));
	claim.turn = load_seq_cst(&claim.slot->turn);
	return claim;
}

/* A sender that has claimed its place and stopped. */
static inline struct claim claim_tail(struct ring *ring)
{
	return hand_claim(ring, &ring->queue.tail);
}

/* It goes on: fills the slot and publishes.  False if the slot was abandoned
 * meanwhile. */
static inline bool publish(const struct claim *claim, const void *element)
{
	struct ring *ring = claim->ring;

	memcpy(wi_slot_element(claim->slot, &ring->layout), element,
		ring->queue.element_size);
	return exchange_seq_cst(&claim->slot->turn, claim->turn + FULL) ==
	       claim->turn;
}

/* A receiver that has claimed its element and stopped. */
static inline struct claim claim_head(struct ring *ring)
{
	return hand_claim(ring, &ring->queue.head);
}

/* It goes on: reads the element and vacates the slot. */
static inline void vacate(const struct claim *claim, void *element)
{
	struct ring *ring = claim->ring;

	memcpy(element, wi_slot_element(claim->slot, &ring->layout),
		ring->queue.element_size);
	exchange_seq_cst(&claim->slot->turn, claim->turn - FULL + TURNS);
}

/* Start an empty ring in this lap instead of lap 0. */
static inline void start_at_lap(struct ring *ring, uint64_t lap)
{
	init_atomic(&ring->queue.tail, lap << ring->lap_shift);
	init_atomic(&ring->queue.head, lap << ring->lap_shift);
	for (size_t i = 0; i < ring->queue.capacity; i++)
		init_atomic(&hand_slot(ring, i)->turn, (uint32_t)(TURNS * lap));
}

#endif
