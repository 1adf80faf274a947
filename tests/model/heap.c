/* SPDX-License-Identifier: MIT */
/* heap.c - the library's allocator in a run.
 *
 * Each thread takes its blocks from a room of its own, one after the other, and
 * what is freed is never used again in that run: so addresses depend on what a
 * thread has done and on nothing else, and what is used after it was freed, or
 * beyond its end, is found at once.
 */
#define MODEL_CHECKER
#include "seam.h"

#include "checker.h"
#include "engine.h"

#include <errno.h>

#define BLOCKS_MOST 512
#define RED_ZONE ((size_t)64) /* bytes between blocks */

struct block {
	uintptr_t address;
	size_t size;
	bool is_free;
	const void *pc; /* who allocated it */
};

static unsigned char *memory;
static size_t used[MAX_THREADS];
static struct block blocks[BLOCKS_MOST];
static unsigned block_count;
static unsigned failures_left;

uintptr_t heap_base(void)
{
	if (memory == NULL)
		memory = fixed_memory(HEAP_ADDRESS, MAX_THREADS * HEAP_BYTES);
	return (uintptr_t)memory;
}

void heap_reset(void)
{
	heap_base();
	for (unsigned i = 0; i < MAX_THREADS; i++)
		used[i] = 0;
	block_count = 0;
	failures_left = 0;
}

void allocations_may_fail(unsigned times)
{
	failures_left = times;
}

/* The last block that starts at or before the address; blocks of a thread are
 * found from the youngest on, which is asked for most. */
static struct block *block_at(uintptr_t address)
{
	for (unsigned i = block_count; i-- > 0;)
		if (address >= blocks[i].address &&
			address < blocks[i].address + blocks[i].size)
			return &blocks[i];
	return NULL;
}

bool heap_is_alive(uintptr_t address, size_t size)
{
	static unsigned last;
	struct block *block;

	if (last < block_count && address >= blocks[last].address &&
		address + size <= blocks[last].address + blocks[last].size)
		return !blocks[last].is_free;
	block = block_at(address);
	if (block == NULL || block->is_free ||
		address + size > block->address + block->size)
		return false;
	last = (unsigned)(block - blocks);
	return true;
}

void *heap_alloc(size_t size, size_t alignment, const void *pc)
{
	uintptr_t room = (uintptr_t)memory + self * HEAP_BYTES;
	uintptr_t start = room + used[self] + RED_ZONE;

	if (failures_left > 0 && explore_choose(FAULT, 2) == 1) {
		failures_left--;
		trace_add(pc, "no memory", 0, 0, size, 0);
		return NULL;
	}
	if (size == 0)
		size = 1;
	start = (start + alignment - 1) & ~(uintptr_t)(alignment - 1);
	if (start + size > room + HEAP_BYTES || block_count == BLOCKS_MOST)
		model_fail("a run allocates too much");
	used[self] = start + size - room;
	blocks[block_count++] = (struct block){start, size, false, pc};
	trace_add(pc, "alloc", start, 0, size, 0);
	memset((void *)start, 0xA5, size);
	return (void *)start;
}

void heap_free(void *pointer, const void *pc)
{
	struct block *block;

	if (pointer == NULL)
		return;
	block = block_at((uintptr_t)pointer);
	if (block == NULL || block->address != (uintptr_t)pointer)
		model_fail("free of what is no block, at %s", trace_place(pc));
	trace_add(pc, "free", block->address, 0, block->size, 0);
	if (block->is_free)
		model_fail("freed twice, at %s", trace_place(pc));
	races_access(block->address, block->size, FREES, pc);
	block->is_free = true;
}

void heap_check_all_free(void)
{
	for (unsigned i = 0; i < block_count; i++)
		if (!blocks[i].is_free)
			model_fail("left over: a block of %zu bytes, "
				   "allocated at %s",
				blocks[i].size, trace_place(blocks[i].pc));
}

/* -- For seam.h ---------------------------------------------------------- */

void *model_calloc(size_t count, size_t size)
{
	void *block = heap_alloc(count * size, 64, __builtin_return_address(0));

	if (block == NULL)
		errno = ENOMEM;
	else
		model_memset(block, 0, count * size);
	return block;
}

int model_posix_memalign(void **block, size_t alignment, size_t size)
{
	*block = heap_alloc(size, alignment, __builtin_return_address(0));
	return *block == NULL ? ENOMEM : 0;
}

void model_free(void *block)
{
	heap_free(block, __builtin_return_address(0));
}

void *model_mmap(
	void *address, size_t size, int protection, int flags, int fd, off_t at)
{
	void *block = heap_alloc(size, 4096, __builtin_return_address(0));

	(void)address;
	(void)protection;
	(void)flags;
	(void)fd;
	(void)at;
	if (block == NULL)
		return MAP_FAILED;
	return memset(block, 0, size);
}

int model_munmap(void *block, size_t size)
{
	(void)size;
	heap_free(block, __builtin_return_address(0));
	return 0;
}

void *model_memcpy(void *to, const void *from, size_t size)
{
	const void *pc = __builtin_return_address(0);

	races_access((uintptr_t)from, size, READS, pc);
	races_access((uintptr_t)to, size, WRITES, pc);
	return memcpy(to, from, size);
}

void *model_memset(void *to, int byte, size_t size)
{
	races_access((uintptr_t)to, size, WRITES, __builtin_return_address(0));
	return memset(to, byte, size);
}
