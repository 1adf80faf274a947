/* SPDX-License-Identifier: MIT */
/* fault_first.c - no memory when liburcu needs it for the first time.
 *
 * Expected to fail (XFAIL_TESTS).  WEIR_NO_MEMORY promises that all is as it was
 * when an allocation fails.  But the first use of an unbounded channel by a
 * thread makes liburcu allocate a record of that thread, and the first segment
 * that a process retires starts liburcu's thread; if that has no memory, liburcu
 * aborts the process.  For each n: a new process, whose n-th allocation fails.
 */
#include "fault.h"
#include "failing.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 60 /* some segments of 16 */
#define MOST 64  /* allocations in all, and more */

enum { ALL_WELL, WRONG, NONE_FAILED };

static int live(uint64_t at)
{
	static unsigned char page[PAGE];
	uint64_t failed;
	weir_sender *tx;
	weir_receiver *rx;
	int status;

	failing_set(at, 0);
	do
		status = weir_open(WEIR_UNBOUNDED, PAGE, &tx, &rx);
	while (status == WEIR_NO_MEMORY);
	for (unsigned i = 0; i < PAGES && status == WEIR_OK; i++) {
		do
			status = weir_send(tx, page);
		while (status == WEIR_NO_MEMORY);
		if (status == WEIR_OK)
			status = weir_recv(rx, page);
	}
	failed = failing_count();
	failing_set(0, 0);
	if (status != WEIR_OK)
		return WRONG;
	return failed > 0 ? ALL_WELL : NONE_FAILED;
}

int main(void)
{
	unsigned killed = 0;
	int status = 0;

	if (!can_fail)
		fault_skip("this allocator cannot be made to fail");
	for (uint64_t at = 1; at < MOST; at++) {
		pid_t child = fork();

		if (child == 0)
			_exit(live(at));
		if (child < 0 || waitpid(child, &status, 0) != child)
			stress_fail("no child");
		killed += WIFSIGNALED(status);
		if (WIFEXITED(status) && WEXITSTATUS(status) != ALL_WELL)
			break;
	}
	printf("fault_first: %u of the first allocations that fail kill the "
	       "process\n",
		killed);
	return killed > 0 || WEXITSTATUS(status) != NONE_FAILED;
}
