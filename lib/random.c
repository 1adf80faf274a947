/* SPDX-License-Identifier: MIT */
/* random.c - see random.h. */
#include "random.h"

#include <weir/common.h>

#include "compiler.h"

static _Thread_local uint32_t state;

static COLD uint32_t seed(void)
{
	uint32_t seed = (uint32_t)(uintptr_t)&state ^ (uint32_t)weir_now();

	return seed != 0 ? seed : 1;
}

static uint32_t next(void)
{
	uint32_t x = state;

	if (unlikely(x == 0))
		x = seed();
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return state = x;
}

uint64_t wi_random_below(uint64_t n)
{
	return (uint64_t)next() * n >> 32;
}
