/* SPDX-License-Identifier: MIT */
/* memory.c - an allocator that counts and checks.
 *
 *	| padding | size | guard | what the library sees | guard |
 *
 * The padding makes the library's part aligned as it asked.  A freed block is
 * spoiled before it goes back, so that a late reader sees nonsense.
 */
#include "stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t guard = UINT64_C(0x5afe5afe5afe5afe);

static size_t head_size(size_t alignment)
{
	return alignment < 16 ? 16 : alignment;
}

/* Is it the turn of this call to fail? */
static bool must_fail(struct stress_memory *memory)
{
	uint64_t call = atomic_fetch_add(&memory->calls, 1) + 1;

	if (memory->fail_every == 0 || call % memory->fail_every != 0)
		return false;
	atomic_fetch_add(&memory->failed, 1);
	return true;
}

static void *count_alloc(size_t size, size_t alignment, void *context)
{
	struct stress_memory *memory = context;
	size_t head;
	size_t total;
	unsigned char *block;
	uint64_t size_and_head;

	stress_check(!atomic_load(&memory->over),
		"alloc was called after the last endpoint was freed");
	stress_check(alignment != 0 && (alignment & (alignment - 1)) == 0 &&
			     alignment <= 4096,
		"alloc was asked for an alignment of %zu", alignment);
	if (must_fail(memory))
		return NULL;
	head = head_size(alignment);
	total = (head + size + sizeof(guard) + head - 1) / head * head;
	block = aligned_alloc(head, total);
	if (block == NULL)
		return NULL;
	/* Memory need not be zeroed: make sure that nobody relies on it. */
	memset(block, 0xa5, total);
	size_and_head = (uint64_t)size << 16 | head;
	memcpy(block + head - 16, &size_and_head, 8);
	memcpy(block + head - 8, &guard, 8);
	memcpy(block + head + size, &guard, 8);
	atomic_fetch_add(&memory->live_bytes, (int64_t)size);
	atomic_fetch_add(&memory->live_blocks, 1);
	return block + head;
}

static void count_free(void *pointer, size_t size, void *context)
{
	struct stress_memory *memory = context;
	unsigned char *bytes = pointer;
	uint64_t size_and_head;

	if (pointer == NULL)
		return;
	stress_check(!atomic_load(&memory->over),
		"free was called after the last endpoint was freed");
	stress_check(memcmp(bytes - 8, &guard, 8) == 0,
		"the guard before a block of %zu is damaged", size);
	memcpy(&size_and_head, bytes - 16, 8);
	stress_check(size_and_head >> 16 == size,
		"a block of %" PRIu64 " bytes was freed as one of %zu",
		size_and_head >> 16, size);
	stress_check(memcmp(bytes + size, &guard, 8) == 0,
		"the guard after a block of %zu is damaged", size);
	memset(bytes - 16, 0xdb, size + 24);
	atomic_fetch_sub(&memory->live_bytes, (int64_t)size);
	atomic_fetch_sub(&memory->live_blocks, 1);
	free(bytes - (size_and_head & 0xffff));
}

void stress_memory_use(struct stress_memory *memory, weir_options *options)
{
	atomic_init(&memory->live_bytes, 0);
	atomic_init(&memory->live_blocks, 0);
	atomic_init(&memory->over, false);
	memory->fail_every = 0;
	atomic_init(&memory->calls, 0);
	atomic_init(&memory->failed, 0);
	options->alloc = count_alloc;
	options->free = count_free;
	options->allocator_context = memory;
}

void stress_memory_end(struct stress_memory *memory)
{
	atomic_store(&memory->over, true);
	stress_check(memory->live_bytes == 0 && memory->live_blocks == 0,
		"%" PRId64 " bytes in %" PRId64
		" blocks are left after the last free",
		memory->live_bytes, memory->live_blocks);
}

int64_t stress_resident_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
		stress_fail("cannot read /proc/self/statm");
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}
