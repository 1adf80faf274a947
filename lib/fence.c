/* SPDX-License-Identifier: MIT */
/* fence.c - see fence.h. */
#include "fence.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A kernel short of memory has some again by then. */
#define MOST_TRIES 1000

enum { UNKNOWN, IS_THERE, IS_NOT_THERE };

static bool membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0;
}

static bool enlist(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool wi_fence_is_there(void)
{
	static struct atomic_u32 answer;
	/* relaxed, both: the same whoever asks. */
	uint32_t known = load_relaxed(&answer);

	if (known == UNKNOWN) {
		int saved = errno;

		known = enlist() ? IS_THERE : IS_NOT_THERE;
		store_relaxed(&answer, known); /* relaxed: as above */
		errno = saved;
	}
	return known == IS_THERE;
}

void wi_fence_others(void)
{
	int saved = errno;

	schedule_point();
	for (int i = 0; !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); i++) {
		if (i == MOST_TRIES) {
			fprintf(stderr, "weir: membarrier is refused: %s\n",
				strerror(errno));
			abort();
		}
		/* The kernel may have lost the enrolment, in a fork. */
		enlist();
	}
	errno = saved;
}
