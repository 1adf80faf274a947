/* SPDX-License-Identifier: MIT */
/* timer_queue.h - the flavor that the clock fills: one place, with the time at
 * which it was due in it. */
#ifndef WI_TIMER_QUEUE_H
#define WI_TIMER_QUEUE_H

#include "queue.h"

/* Elements come at `first`, and then every `period` nanoseconds; 0: once. */
struct schedule {
	int64_t first;
	int64_t period;
};

struct timer_queue {
	struct queue queue;
	struct schedule schedule;
};

void wi_timer_queue_init(struct timer_queue *timer,
	const struct schedule *schedule, const struct allocator *allocator);

#endif
