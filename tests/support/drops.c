/* SPDX-License-Identifier: MIT */
/* drops.c - write down what is dropped, on any thread. */
#include "drops.h"

#include <criterion/criterion.h>

#include <stddef.h>
#include <string.h>

#include "fixture.h"

/* The largest power of two that divides the element size, up to max_align_t. */
static size_t promised_alignment(void)
{
	size_t alignment = alignof(max_align_t);

	while (element_size % alignment != 0)
		alignment /= 2;
	return alignment;
}

static void drops_note(void *element, void *context)
{
	struct drops *drops = context;
	uint64_t i = atomic_fetch_add(&drops->n, 1);
	uint64_t value = value_of(element);

	if ((uintptr_t)element % promised_alignment() != 0)
		atomic_fetch_add(&drops->misaligned, 1);
	if (value == TORN)
		atomic_fetch_add(&drops->torn, 1);
	if (value < DROPS_KEPT)
		atomic_fetch_add(&drops->seen[value], 1);
	if (i < DROPS_KEPT) {
		drops->values[i] = value;
		drops->threads[i] = pthread_self();
	}
}

void drops_init(struct drops *drops, weir_options *options)
{
	memset(drops, 0, sizeof(*drops));
	options->drop = drops_note;
	options->drop_context = drops;
}

void drops_settled(struct drops *drops, uint64_t n)
{
	cr_assert(atomic_load(&drops->n) == n, "%llu drops, not %llu",
		(unsigned long long)atomic_load(&drops->n),
		(unsigned long long)n);
	cr_assert(atomic_load(&drops->misaligned) == 0);
	cr_assert(atomic_load(&drops->torn) == 0);
}
