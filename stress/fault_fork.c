/* SPDX-License-Identifier: MIT */
/* fault_fork.c - children in the middle of what the threads do.
 *
 * Each child has a copy of channels in any state, which it leaves alone: it
 * execs, or ends by exit or by _exit.  The parent must not notice.
 */
#include "fault.h"
#include "traffic.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERY_NS 1000000

/* A child that hangs is a fault of ours, too. */
#define PATIENCE_S 10

extern char **environ;

static pid_t start_child(uint64_t way)
{
	static char name[] = "true";
	static char *const arguments[] = {name, NULL};
	pid_t child = -1;

	if (way == 0)
		return posix_spawn(&child, "/bin/true", NULL, NULL, arguments,
			       environ) == 0
			       ? child
			       : -1;
	child = fork();
	if (child != 0)
		return child;
	alarm(PATIENCE_S);
	if (way == 1)
		execv("/bin/true", arguments);
	if (way == 2)
		exit(0);
	_exit(way == 1);
}

static uint64_t inject(struct stress_random *random)
{
	/* A sanitizer's own exit handlers are not for such a child. */
	uint64_t way = stress_below(random, FAULT_SANITIZED ? 2 : 4);
	pid_t child = start_child(way);
	int status;

	stress_check(child > 0, "no child: %s", strerror(errno));
	stress_check(waitpid(child, &status, 0) == child, "waitpid: %s",
		strerror(errno));
	stress_check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		"a child (%" PRIu64 ") ended with %x", way, (unsigned)status);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;
	uint64_t forks;

	stress_start(argc, argv, false);
	fault_begin(inject, EVERY_NS);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	forks = fault_end();
	stress_finish("%" PRIu64 " children, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		forks, traffic_elements());
	return 0;
}
