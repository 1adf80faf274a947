/* SPDX-License-Identifier: MIT */
/* alloc.c - see alloc.h. */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From here on a block is mapped: 8 pages.  Below, malloc is faster. */
#define MAP_FROM ((size_t)32 * 1024)

/* From here on huge pages are asked for: then a page is touched first, which
 * takes a microsecond or two, once in 2 MiB and not once in 4 KiB. */
#define HUGE_FROM ((size_t)1024 * 1024)
#define HUGE_PAGE ((size_t)2 * 1024 * 1024)

/* Whole huge pages, so that all of a large block lies in some. */
static size_t mapped_size(size_t size)
{
	size_t whole;

	if (size < HUGE_FROM ||
		__builtin_add_overflow(size, HUGE_PAGE - 1, &whole))
		return size;
	return whole & ~(HUGE_PAGE - 1);
}

static void *map(size_t size)
{
	void *block = mmap(NULL, mapped_size(size), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED)
		return NULL;
	/* A wish: small pages will do. */
	if (size >= HUGE_FROM)
		madvise(block, mapped_size(size), MADV_HUGEPAGE);
	return block;
}

static void *alloc_ours(size_t size, size_t alignment)
{
	void *block = NULL;

	if (size >= MAP_FROM)
		return map(size);
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

void wi_touch(const struct allocator *allocator, void *block, size_t size)
{
	int saved = errno;

	/* A wish: older kernels do not know it. */
	if (allocator->alloc == NULL && size >= MAP_FROM)
		madvise(block, size, MADV_POPULATE_WRITE);
	errno = saved;
}

void wi_free(const struct allocator *allocator, void *pointer, size_t size)
{
	int saved = errno;

	if (allocator->alloc != NULL)
		allocator->free(pointer, size, allocator->context);
	else if (size >= MAP_FROM)
		munmap(pointer, mapped_size(size));
	else
		free(pointer);
	errno = saved;
}
