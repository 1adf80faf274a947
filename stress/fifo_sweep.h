/* SPDX-License-Identifier: MIT */
/* fifo_sweep.h - what is counted at each stamp of a history.
 *
 * What is certain ends, and what is possible begins, before an instant is
 * looked at; so whatever may be the case between two stamps may be at both, and
 * stamps are all that has to be looked at.
 */
#ifndef STRESS_FIFO_SWEEP_H
#define STRESS_FIFO_SWEEP_H

#include <stddef.h>
#include <stdint.h>

enum fifo_count {
	INSIDE,  /* elements that are certainly there to be received */
	PLACES,  /* places that are possibly taken */
	BUSY,    /* calls under way */
	SENDING, /* those of them that send */
	HELD,    /* places in the hands of a sender */
	KEPT,    /* places in the hands of a receiver */
	ASKED,   /* elements asked for by others, who stand in line */
	COUNTS
};

struct fifo_event;

struct fifo_sweep {
	struct fifo_event *events;
	size_t n_events;
	int64_t now[COUNTS];
};

/* For up to so many intervals. */
void fifo_sweep_open(struct fifo_sweep *sweep, size_t intervals);
void fifo_sweep_free(struct fifo_sweep *sweep);

/* From start to end, both in it, there may be so many more. */
void fifo_sweep_possible(struct fifo_sweep *sweep, enum fifo_count count,
	int64_t start, int64_t end, unsigned more);

/* Between start and end, neither in it, there is certainly one more. */
void fifo_sweep_certain(struct fifo_sweep *sweep, enum fifo_count count,
	int64_t start, int64_t end);

/* Call `look` once at each stamp, from early to late. */
void fifo_sweep_run(struct fifo_sweep *sweep,
	void (*look)(void *context, int64_t time), void *context);

#endif
