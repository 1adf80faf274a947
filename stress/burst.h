/* SPDX-License-Identifier: MIT */
/* burst.h - does an unbounded channel give its memory back? */
#ifndef STRESS_BURST_H
#define STRESS_BURST_H

/* Queue millions of elements and take them out again, first with nothing else
 * going on, then with senders and receivers that never stop; print the resident
 * memory before, at the peak and after, and fail if it stays. */
void stress_burst(void);

#endif
