/* SPDX-License-Identifier: MIT */
/* fence.h - a full fence that costs only the thread which rarely comes by
 * [membarrier(2); Desnoyers et al., "User-Level Implementations of Read-Copy
 * Update", 2012, as the "memory barrier" flavor uses it].
 *
 * Of two threads that each write one word and then read the other's, at least
 * one must see what the other wrote: that takes a full fence in both.  Where
 * one of the two is about to sleep, it can pay for both:
 *
 *	who comes often           who is about to sleep
 *	---------------           ---------------------
 *	store(x)                  an atomic operation that writes y
 *	wi_fence_light()          wi_fence_others()
 *	load(y)                   load(x)
 *
 * wi_fence_others is a full fence in this thread and, at some instant of the
 * call, in every other thread of the process.  If that instant comes before the
 * other's load of y, that load sees y; if after, its store of x came before the
 * instant as well, and we see x.  wi_fence_light costs no instruction: it only
 * keeps the compiler from moving the load above the store.
 */
#ifndef WI_FENCE_H
#define WI_FENCE_H

#include <stdbool.h>

#include "atomic.h"

/* Can wi_fence_others be called?  Not under a kernel older than 4.14, nor in a
 * sandbox that refuses it.  The answer is the same ever after. */
bool wi_fence_is_there(void);

/* Some microseconds; waits for no thread.  errno is left as it was.  Aborts the
 * process if the kernel refuses what it has granted before. */
void wi_fence_others(void);

#define wi_fence_light() atomic_signal_fence(memory_order_seq_cst)

#endif
