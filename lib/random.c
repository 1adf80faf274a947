/* SPDX-License-Identifier: MIT */
/* random.c - see random.h. */
#include "random.h"

#include <weir/common.h>

static _Thread_local uint32_t state;

static uint32_t next(void)
{
	if (state == 0)
		state = (uint32_t)(uintptr_t)&state ^ (uint32_t)weir_now();
	if (state == 0)
		state = 1;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

uint64_t wi_random_below(uint64_t n)
{
	return (uint64_t)next() * n >> 32;
}
