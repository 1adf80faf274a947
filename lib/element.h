/* SPDX-License-Identifier: MIT */
/* element.h - how elements are passed on and copied: the only place for it. */
#ifndef WI_ELEMENT_H
#define WI_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

/* The size of the largest that a waiter, or its parker, has room for. */
#define SMALL_ELEMENT 16

static inline bool wi_is_small(size_t size)
{
	return size <= SMALL_ELEMENT;
}

/* What is to be sent, for the engine: it moves elements both ways, so it takes
 * plain pointers, and does not write to these. */
static inline void *wi_readable(const void *elements)
{
	return (void *)(uintptr_t)elements;
}

/* The frequent sizes become plain moves, the others a call of memcpy. */
static inline void wi_copy_element(void *to, const void *from, size_t size)
{
	switch (size) {
	case 0:
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	case 16:
		memcpy(to, from, 16);
		break;
	default:
		memcpy(to, from, size);
		break;
	}
}

/* Is it a size that one move copies? */
static inline bool wi_is_word(size_t size)
{
	return size == 8 || size == 16 || size == 4 || size == 2 || size == 1;
}

/* Of such a size, which takes no call.  A whole-program optimizer that knew the
 * caller's buffer, but not the element size, would warn of the moves that are
 * never made. */
static ALWAYS_INLINE void wi_copy_word(void *to, const void *from, size_t size)
{
	to = hide_origin(to);
	from = hide_origin(from);
	if (likely(size == 8))
		memcpy(to, from, 8);
	else if (size == 16)
		memcpy(to, from, 16);
	else if (size == 4)
		memcpy(to, from, 4);
	else if (size == 2)
		memcpy(to, from, 2);
	else
		memcpy(to, from, 1);
}

#endif
