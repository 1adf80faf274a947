/* SPDX-License-Identifier: MIT */
/* crowd.c - see crowd.h.  All loads and stores here are relaxed: hints. */
#include "crowd.h"

/* A sample: the clock, and the CPU time of the process, 32 bits each, in units
 * of 65.5 us.  Both wrap, differences do not mind. */
#define UNIT_BITS 16
#define FEWEST 30 /* units between two samples: 2 ms */
#define MOST 1526 /* 100 ms */

void wi_crowd_init(struct crowd *crowd)
{
	init_atomic(&crowd->sample, 0);
	init_atomic(&crowd->foreign, false);
}

bool wi_crowd_is_foreign(
	struct crowd *crowd, int64_t now, int64_t used, unsigned cpus)
{
	uint32_t wall = (uint32_t)(now >> UNIT_BITS);
	uint32_t own = (uint32_t)(used >> UNIT_BITS);
	uint64_t last = load_relaxed(&crowd->sample); /* relaxed: a hint */
	uint32_t elapsed = wall - (uint32_t)(last >> 32);
	uint64_t spent = own - (uint32_t)last;
	bool foreign = false;

	if (elapsed < FEWEST)
		return load_relaxed(&crowd->foreign); /* relaxed: a hint */
	/* Three quarters: some is lost while threads sleep and are woken. */
	if (elapsed <= MOST)
		foreign = spent * 4 < (uint64_t)elapsed * cpus * 3;
	/* relaxed, both: hints. */
	store_relaxed(&crowd->sample, (uint64_t)wall << 32 | own);
	store_relaxed(&crowd->foreign, foreign); /* relaxed: as above */
	return foreign;
}
