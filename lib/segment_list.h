/* SPDX-License-Identifier: MIT */
/* segment_list.h - the unbounded flavor: a linked list of segments of slots;
 * and how a place in it is found and claimed, as it mostly is.  segment_list.c
 * has the picture, the edges, and the rest. */
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
	uint64_t first;  /* position of its first slot */
	struct atomic_ptr next;  /* NULL, then the segment number + 1 */
	struct atomic_u64 hands; /* slots in hand; RETIRED */
};

struct segment_list {
	struct queue queue;
	/* Written before anybody sees the list. */
	cache_aligned struct slot_layout layout;
	unsigned slots_shift; /* log2 of the slots in a segment */
	uint64_t span;        /* of a segment, in positions */
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

/* -- Tickets, segments and slots ----------------------------------------- */

/* What a thread holds: where it works, and the oldest, or a spare. */
enum { OWN, OTHER };

static inline uint64_t segment_ticket_of(uint64_t word)
{
	return word >> FLAG_BITS;
}

static inline uint64_t segment_after(uint64_t word)
{
	return word + ((uint64_t)1 << FLAG_BITS);
}

/* The slot so far behind the first, in positions. */
static inline struct slot *segment_slot_after(const struct segment_list *list,
	struct segment *segment, uint64_t offset)
{
	return (struct slot *)(void *)((unsigned char *)segment + CACHE_LINE +
				       (size_t)segment_ticket_of(offset) *
					       list->layout.stride);
}

/* Of its slots, without a state. */
static inline uint32_t segment_turn_of(const struct segment *segment)
{
	return (uint32_t)(TURNS * segment->number);
}

/* A place, as long as its position word is what it was. */
struct segment_claim {
	uint64_t word;
	struct segment *segment; /* held */
	struct slot *slot;
};

/* The place at claim->word, if its segment is where the hint is, as it mostly
 * is.  Something may be held even if it is not. */
static ALWAYS_INLINE bool segment_is_at(const struct segment_list *list,
	struct hazards *hazards, const struct atomic_ptr *hint,
	struct segment_claim *claim)
{
	uint64_t offset;

	/* relaxed: looked at once it is held. */
	claim->segment = load_relaxed(hint);
	/* acquire [linked]: pairs with the cas that set the hint. */
	if (unlikely(!wi_hold_this(hazards, OWN, hint, claim->segment)))
		return false;
	offset = claim->word - claim->segment->first;
	if (unlikely(offset >= list->span))
		return false;
	claim->slot = segment_slot_after(list, claim->segment, offset);
	return true;
}

/* Claims: false if somebody else was faster; wi_make_way comes next, and then
 * another try. */

/* The free place at tail, whose segment is linked. */
static ALWAYS_INLINE bool segment_claim_free(
	struct segment_list *list, const struct segment_claim *claim)
{
	uint64_t tail = claim->word;
	/* seq_cst [sleep]: S0, as in ring.h. */
	return cas_seq_cst(&list->queue.tail, &tail, segment_after(tail));
}

/* Is it full?  If so, its element is readable. */
static ALWAYS_INLINE bool segment_is_full(const struct segment_claim *claim)
{
	/* acquire [filled]; seq_cst as in ring.h. */
	return load_seq_cst(&claim->slot->turn) ==
	       segment_turn_of(claim->segment) + FULL;
}

/* The full place at head. */
static ALWAYS_INLINE bool segment_claim_full(
	struct segment_list *list, const struct segment_claim *claim)
{
	uint64_t head = claim->word;
	/* seq_cst [sleep]: S0, as in ring.h.  Releases [claimed]: see queue.c.
	 */
	return cas_seq_cst(&list->queue.head, &head, segment_after(head));
}

/* Whoever has claimed the first ticket of a segment retires those before it,
 * once it has no more use for its own: give_back may run the program's code. */

static inline bool segment_is_first_claim(const struct segment_claim *claim)
{
	return wi_position(claim->word) == claim->segment->first;
}

/* Retire them, and let go of one's own.  `word` is the claim's. */
void wi_segment_list_move_on(
	struct segment_list *list, struct hazards *hazards, uint64_t word);

#endif
