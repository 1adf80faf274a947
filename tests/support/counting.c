/* SPDX-License-Identifier: MIT */
/* counting.c - blocks with a small head that keeps their size. */
#include "counting.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

struct head {
	size_t size;
	void *base;
};

static void *counting_alloc(size_t size, size_t alignment, void *context)
{
	struct counting *counting = context;
	int64_t call = atomic_fetch_add(&counting->calls, 1) + 1;
	int64_t fail_after = atomic_load(&counting->fail_after);
	size_t step = alignment < sizeof(struct head) ? sizeof(struct head)
						      : alignment;
	struct head *head;
	unsigned char *base;

	if (call == atomic_load(&counting->fail_at) ||
		(fail_after != 0 && call > fail_after))
		return NULL;
	/* 2 * step aligns the base; the block lies an odd step behind it. */
	if (size > SIZE_MAX / 2 ||
		posix_memalign((void **)&base, 2 * step, size + step) != 0)
		return NULL;
	memset(base, 0xa5, size + step < 65536 ? size + step : 65536);
	head = (struct head *)(void *)(base + step - sizeof(struct head));
	head->size = size;
	head->base = base;
	atomic_fetch_add(&counting->live_bytes, (int64_t)size);
	atomic_fetch_add(&counting->live_blocks, 1);
	return base + step;
}

static void counting_free(void *pointer, size_t size, void *context)
{
	struct counting *counting = context;
	struct head *head;

	if (pointer == NULL)
		return;
	head = (struct head *)pointer - 1;
	if (head->size != size)
		atomic_fetch_add(&counting->wrong, 1);
	atomic_fetch_sub(&counting->live_bytes, (int64_t)head->size);
	atomic_fetch_sub(&counting->live_blocks, 1);
	free(head->base);
}

void counting_init(struct counting *counting, weir_options *options)
{
	*counting = (struct counting){.calls = 0};
	options->alloc = counting_alloc;
	options->free = counting_free;
	options->allocator_context = counting;
}

void counting_settled(struct counting *counting)
{
	cr_assert(atomic_load(&counting->wrong) == 0,
		"a block was freed with a size that is not its own");
	cr_assert(atomic_load(&counting->live_blocks) == 0,
		"%lld blocks (%lld bytes) were not freed",
		(long long)atomic_load(&counting->live_blocks),
		(long long)atomic_load(&counting->live_bytes));
}
