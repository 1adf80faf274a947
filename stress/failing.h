/* SPDX-License-Identifier: MIT */
/* failing.h - malloc and its like, and mmap, that fail when told to.
 *
 * They are defined in the program, and so come before those of libc, for the
 * shared libraries too.  Only calls of the thread that asks for it fail: the
 * rest of the process goes on undisturbed.  All blocks and mappings are counted.
 */
#ifndef STRESS_FAILING_H
#define STRESS_FAILING_H

#include <stdbool.h>
#include <stdint.h>

/* ThreadSanitizer needs its allocator before ours can look it up. */
extern const bool can_fail;

/* This thread's next calls: the `at`-th fails, and then, if `every` is not 0,
 * each every-th.  At 0: none. */
void failing_set(uint64_t at, uint64_t every);

/* How many have failed since. */
uint64_t failing_count(void);

/* Blocks and mappings of all threads. */
int64_t failing_live(void);

#endif
