/* SPDX-License-Identifier: MIT */
/* clock.c - see clock.h. */
#include "clock.h"

#include <time.h>
#include <weir/common.h>

#define NS_PER_S 1000000000

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t weir_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t wi_cpu_time(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t wi_deadline_after(int64_t timeout)
{
	int64_t now;

	if (timeout == WEIR_FOREVER)
		return WEIR_FOREVER;
	if (timeout <= 0)
		return 0; /* the clock started long ago: this has passed */
	now = weir_now();
	/* One short of WEIR_FOREVER: 292 years, but not for ever. */
	return timeout < WEIR_FOREVER - 1 - now ? now + timeout
						: WEIR_FOREVER - 1;
}

bool wi_deadline_passed(int64_t deadline)
{
	return wi_deadline_is_near(deadline, 0);
}

bool wi_deadline_is_near(int64_t deadline, int64_t span)
{
	if (deadline == WEIR_FOREVER)
		return false;
	return deadline <= span || deadline - span <= weir_now();
}
