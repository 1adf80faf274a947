/* SPDX-License-Identifier: MIT */
/* ring.h - the bounded flavor: an array of exactly `capacity` slots. */
#ifndef WI_RING_H
#define WI_RING_H

#include "queue.h"
#include "slot.h"

struct ring {
	struct queue queue;
	/* Written before anybody sees the ring. */
	cache_aligned unsigned char *slots;
	struct slot_layout layout;
	unsigned lap_shift;  /* of the lap in a position word */
	uint64_t index_mask; /* of the index there, at its place */
	uint64_t last;       /* the last index, at that place */
	size_t longest_run;  /* elements of one claim */
};

/* 0 or -ENOMEM.  The capacity is at least 1. */
int wi_ring_init(struct ring *ring, size_t capacity, size_t element_size,
	const struct allocator *allocator);

#endif
