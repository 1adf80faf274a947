/* SPDX-License-Identifier: MIT */
/* random.h - numbers for fairness, not for secrets: xorshift [Marsaglia,
 * "Xorshift RNGs", 2003], a state a thread. */
#ifndef WI_RANDOM_H
#define WI_RANDOM_H

#include <stdint.h>

/* 0 to n - 1; n is 1 to 2^32. */
uint64_t wi_random_below(uint64_t n);

#endif
