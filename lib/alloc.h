/* SPDX-License-Identifier: MIT */
/* alloc.h - memory: the program's allocator, or else malloc and mmap. */
#ifndef WI_ALLOC_H
#define WI_ALLOC_H

#include <stddef.h>

struct allocator {
	/* NULL: ours */
	void *(*alloc)(size_t size, size_t alignment, void *context);
	void (*free)(void *pointer, size_t size, void *context);
	void *context;
};

/* `size` zeroed bytes, aligned to `alignment` (a power of two up to a page), or
 * NULL.  Ours takes large blocks straight from the kernel, so that they are
 * zero without being touched, and go back to it when they are freed. */
void *wi_alloc(
	const struct allocator *allocator, size_t size, size_t alignment);

/* All of a new block will soon be written to: get its pages at once, which
 * takes two thirds of the time.  Only to be fast. */
void wi_touch(const struct allocator *allocator, void *block, size_t size);

void wi_free(const struct allocator *allocator, void *pointer, size_t size);

#endif
