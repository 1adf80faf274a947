/* SPDX-License-Identifier: MIT */
/* segment_list.h - the unbounded flavor: a linked list of segments of slots. */
#ifndef WI_SEGMENT_LIST_H
#define WI_SEGMENT_LIST_H

#include "hazard.h"
#include "queue.h"
#include "reclaim.h"
#include "slot.h"

struct segment {
	struct reclaim_node retired; /* first: a hold is of the node */
	bool doomed;     /* a spare too many: free it when it comes back */
	uint64_t number; /* of the segment in the list; from 1 on */
	struct atomic_ptr next;  /* NULL, then the segment number + 1 */
	struct atomic_u64 hands; /* slots in hand; RETIRED */
};

struct segment_list {
	struct queue queue;
	/* Written before anybody sees the list. */
	cache_aligned struct slot_layout layout;
	unsigned slots_shift; /* log2 of the slots in a segment */
	size_t segment_size;  /* bytes */
	struct reclaim *reclaim;
	struct segment before_first; /* number 0, without slots */
	/* Where to start looking; never behind a segment that is retired. */
	cache_aligned struct atomic_ptr tail_hint; /* written by senders */
	cache_aligned struct atomic_ptr head_hint; /* written by receivers */
	struct atomic_ptr oldest;                  /* not retired yet */
	/* For senders; given back by reclaim. */
	cache_aligned struct atomic_ptr spares;
	struct atomic_u64 spare_count; /* no fewer than there are */
	struct atomic_u64 fewest;      /* there were since tidy; a hint */
};

/* 0 or -ENOMEM. */
int wi_segment_list_init(struct segment_list *list, size_t element_size,
	const struct allocator *allocator);

#endif
