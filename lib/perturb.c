/* SPDX-License-Identifier: MIT */
/* perturb.c - disturb the schedule; see perturb.h. */
#include "perturb.h"

#ifdef WEIR_PERTURB
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* xorshift64 [Marsaglia, "Xorshift RNGs", 2003], seeded by the thread's own
 * stack and the clock: which thread is disturbed is meant to be random. */
static uint64_t next_random(void)
{
	static __thread uint64_t state;

	if (state == 0) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		state = (uint64_t)(uintptr_t)&state ^
			(uint64_t)now.tv_nsec * 0x9E3779B97F4A7C15u;
		state |= 1;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

void wi_perturb(void)
{
	uint64_t random = next_random();
	int saved = errno;

	if (random % 1024 == 0) {
		struct timespec nap = {0, (long)(random / 1024 % 128) * 1000};

		/* Not nanosleep(), which is a cancellation point. */
		syscall(SYS_nanosleep, &nap, NULL);
	} else if (random % 16 == 0) {
		sched_yield();
	}
	errno = saved;
}
#else
typedef int wi_perturb_is_off; /* ISO C wants a declaration in each file */
#endif
