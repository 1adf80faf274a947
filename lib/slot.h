/* SPDX-License-Identifier: MIT */
/* slot.h - where one element lies, and the turn number that says whose it is.
 *
 *	| turn (4 bytes) | padding | element | padding |
 *
 * The element is aligned to the largest power of two that divides its size, up
 * to max_align_t, as the elements of an array would be.
 */
#ifndef WI_SLOT_H
#define WI_SLOT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

struct slot {
	struct atomic_u32 turn;
};

struct slot_layout {
	size_t offset; /* of the element in its slot */
	size_t stride; /* of slots; 0 if it overflows */
};

static inline struct slot_layout wi_slot_layout(size_t element_size)
{
	size_t alignment = element_size & (~element_size + 1);
	size_t turn = sizeof(struct slot);
	struct slot_layout layout;

	if (alignment == 0)
		alignment = 1;
	if (alignment > _Alignof(max_align_t))
		alignment = _Alignof(max_align_t);
	layout.offset = alignment > turn ? alignment : turn;
	if (alignment < turn)
		alignment = turn;
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

#endif
