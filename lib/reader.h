/* SPDX-License-Identifier: MIT */
/* reader.h - a reader's part in liburcu's grace periods (reclaim.h). */
#ifndef WI_READER_H
#define WI_READER_H

#include "compiler.h"

#include <urcu-bp.h>

#if defined(__SANITIZE_THREAD__)
#define WI_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WI_TSAN
#endif
#endif

/* Under ThreadSanitizer liburcu itself is not instrumented: tell it that what
 * readers did happens before what follows a grace period. */
#ifdef WI_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
extern char wi_grace_period;
#define wi_before_grace_period() __tsan_release(&wi_grace_period)
#define wi_after_grace_period() __tsan_acquire(&wi_grace_period)
#else
#define wi_before_grace_period() ((void)0)
#define wi_after_grace_period() ((void)0)
#endif

/* Readers nest, register themselves, and do not wait. */
static inline void wi_read_lock(void)
{
	urcu_bp_read_lock();
}

static inline void wi_read_unlock(void)
{
	wi_before_grace_period();
	urcu_bp_read_unlock();
}

#endif
