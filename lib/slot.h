/* SPDX-License-Identifier: MIT */
/* slot.h - where one element lies, and the turn number that says whose it is.
 *
 *	| turn (4 bytes) | index (4 bytes) | padding | element | padding |
 *
 * The element is aligned to the largest power of two that divides its size, up
 * to max_align_t, as the elements of an array would be.
 *
 * A turn is a number (of a lap, or of a segment) and what has become of the
 * slot in it:
 *
 *	        claim, fill        claim, empty
 *	FREE ---------------> FULL --------------> the next number's FREE
 *	  |                   ^  |                     ^
 *	  |                   |  '----> ACQUIRED ------' vacate
 *	  '---> RESERVED -----'
 *	            |   publish
 *	            '--abort--> GAP -----skip-----> the next number's FREE
 *
 * When the last receiver closes it makes FULL into ACQUIRED, and FREE or
 * RESERVED into ABANDONED; a sender in the middle may then make it FULL for a
 * moment, and ABANDONED again (queue.c).
 *
 * RESERVED and ACQUIRED are IN HAND: for as long as a program likes, while FREE
 * and FULL are left within a few instructions once the slot has been claimed.
 * REPLACED is RESERVED by a force_send, which is through in a few instructions
 * as well: not in hand.
 */
#ifndef WI_SLOT_H
#define WI_SLOT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

enum {
	FREE = 0,
	RESERVED = 1,
	FULL = 2,
	ACQUIRED = 3,
	GAP = 4,
	ABANDONED = 5,
	REPLACED = 6, /* a force_send is in the middle */
	TURNS = 8     /* of one number; a power of two */
};

struct slot {
	struct atomic_u32 turn;
	uint32_t index; /* in its segment, while it is in hand */
};

/* The state in that turn; the rest is the number. */
static inline uint32_t wi_slot_state(uint32_t turn)
{
	return turn & (TURNS - 1);
}

struct slot_layout {
	size_t offset; /* of the element in its slot */
	size_t stride; /* of slots; 0 if it overflows */
};

static inline struct slot_layout wi_slot_layout(size_t element_size)
{
	size_t alignment = element_size & (~element_size + 1);
	size_t header = sizeof(struct slot);
	struct slot_layout layout;

	if (alignment == 0)
		alignment = 1;
	if (alignment > _Alignof(max_align_t))
		alignment = _Alignof(max_align_t);
	layout.offset = alignment > header ? alignment : header;
	if (alignment < _Alignof(struct slot))
		alignment = _Alignof(struct slot);
	layout.stride = layout.offset + element_size + alignment - 1;
	if (layout.stride < element_size)
		layout.stride = 0;
	layout.stride &= ~(alignment - 1);
	return layout;
}

static inline void *wi_slot_element(
	struct slot *slot, const struct slot_layout *layout)
{
	return (unsigned char *)slot + layout->offset;
}

static inline struct slot *wi_slot_of(
	void *element, const struct slot_layout *layout)
{
	return (struct slot *)(void *)((unsigned char *)element -
				       layout->offset);
}

/* The last receiver's close, about a slot that it has claimed: FULL, and its
 * element is the caller's now; or GAP; or ABANDONED, because it was still being
 * filled. */
static inline uint32_t wi_slot_abandon(struct slot *slot, uint32_t number)
{
	/* relaxed: the cas acquires, and in a gap there is nothing to read. */
	uint32_t turn = load_relaxed(&slot->turn);

	for (;;) {
		uint32_t state = turn == number + FULL ? ACQUIRED : ABANDONED;

		if (turn == number + GAP)
			return GAP;
		/* acq_rel [abandoned]: D2.  Acquires [filled]: the element is
		 * readable. */
		if (cas_acq_rel(&slot->turn, &turn, number + state))
			return state == ACQUIRED ? FULL : ABANDONED;
	}
}

#endif
