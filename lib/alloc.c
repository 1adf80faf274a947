/* SPDX-License-Identifier: MIT */
/* alloc.c - see alloc.h. */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From here on a block is mapped: 8 pages.  Below, malloc is faster. */
#define MAP_FROM ((size_t)32 * 1024)

static void *alloc_ours(size_t size, size_t alignment)
{
	void *block = NULL;

	if (size >= MAP_FROM) {
		block = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return block == MAP_FAILED ? NULL : block;
	}
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	if (posix_memalign(&block, alignment, size) != 0)
		return NULL;
	memset(block, 0, size);
	return block;
}

void *wi_alloc(const struct allocator *allocator, size_t size, size_t alignment)
{
	int saved = errno;
	void *block;

	if (allocator->alloc == NULL) {
		block = alloc_ours(size, alignment);
	} else {
		block = allocator->alloc(size, alignment, allocator->context);
		if (block != NULL)
			memset(block, 0, size);
	}
	errno = saved;
	return block;
}

void wi_free(const struct allocator *allocator, void *pointer, size_t size)
{
	int saved = errno;

	if (allocator->alloc != NULL)
		allocator->free(pointer, size, allocator->context);
	else if (size >= MAP_FROM)
		munmap(pointer, size);
	else
		free(pointer);
	errno = saved;
}
