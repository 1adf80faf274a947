/* SPDX-License-Identifier: MIT */
/* futex.c - see futex.h.  FUTEX_WAIT_BITSET, because its time-out is absolute
 * and on CLOCK_MONOTONIC; private, because no word is shared by processes. */
#include "futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <weir/common.h>

#include "clock.h"

#define NS_PER_S 1000000000

/* Where the kernel refuses futexes (a sandbox), waiting becomes naps of this
 * length: every waiter looks at its word again after each. */
#define NAP_NS 50000

/* A time as these calls take it, also where time_t is longer than that. */
struct kernel_time {
	long seconds;
	long ns;
};

/* What does not fit is cut: better a sleep that is too short. */
static struct kernel_time kernel_time(int64_t deadline)
{
	struct kernel_time time = {0, 0};

	if (deadline <= 0)
		return time;
	time.seconds = LONG_MAX;
	if (deadline / NS_PER_S < LONG_MAX) {
		time.seconds = (long)(deadline / NS_PER_S);
		time.ns = (long)(deadline % NS_PER_S);
	}
	return time;
}

static void nap(int64_t deadline)
{
	int64_t end = weir_now() + NAP_NS;
	struct kernel_time until = kernel_time(deadline < end ? deadline : end);

	/* Not clock_nanosleep(), which is a cancellation point. */
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until,
		NULL);
}

bool wi_futex_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline)
{
	struct kernel_time until = kernel_time(deadline);
	int saved = errno;
	bool timed_out = false;

	schedule_point();
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
		    deadline == WEIR_FOREVER ? NULL : &until, NULL,
		    FUTEX_BITSET_MATCH_ANY) != 0) {
		if (errno == ETIMEDOUT) {
			timed_out = wi_deadline_passed(deadline);
		} else if (errno != EAGAIN && errno != EINTR) {
			nap(deadline);
			timed_out = wi_deadline_passed(deadline);
		}
	}
	errno = saved;
	return timed_out;
}

static void wake(struct atomic_u32 *word, int most)
{
	int saved = errno;

	schedule_point();
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
	errno = saved;
}

void wi_futex_wake(struct atomic_u32 *word)
{
	wake(word, 1);
}

void wi_futex_wake_all(struct atomic_u32 *word)
{
	wake(word, INT_MAX);
}
