/* SPDX-License-Identifier: MIT */
/* boxed.h - elements for queues of pointers, and the end of the queue.
 *
 * Eight bytes travel in the pointer itself, plus one, as it must not be NULL;
 * larger elements in a block of malloc's, as users of such queues have it.
 * These queues cannot be closed, or not without losing what is in them: the
 * end is a last pointer, which each receiver leaves for the next one.
 */
#ifndef BENCH_PEERS_BOXED_H
#define BENCH_PEERS_BOXED_H

#include "../bench.h"

#include <stdlib.h>
#include <string.h>

static char end_of_queue;

static inline void *box(const void *element, size_t size)
{
	void *block;
	uint64_t word;

	if (size == sizeof(word)) {
		memcpy(&word, element, sizeof(word));
		return (void *)(uintptr_t)(word + 1);
	}
	block = malloc(size);
	if (block == NULL)
		bench_die("no memory");
	return memcpy(block, element, size);
}

static inline void unbox(void *boxed, void *element, size_t size)
{
	uint64_t word = (uint64_t)(uintptr_t)boxed - 1;

	if (size == sizeof(word)) {
		memcpy(element, &word, sizeof(word));
		return;
	}
	memcpy(element, boxed, size);
	free(boxed);
}

#endif
