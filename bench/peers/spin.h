/* SPDX-License-Identifier: MIT */
/* spin.h - how the floors wait: pause some times, then yield; never sleep. */
#ifndef BENCH_PEERS_SPIN_H
#define BENCH_PEERS_SPIN_H

#include <sched.h>

#define SPINS 64 /* a microsecond or so, which is what a yield costs */

static inline void spin(unsigned *n)
{
	if (++*n % SPINS == 0) {
		sched_yield();
		return;
	}
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

/* The least power of two that is not less. */
static inline size_t power_of_two(size_t n)
{
	size_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

#endif
