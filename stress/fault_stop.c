/* SPDX-License-Identifier: MIT */
/* fault_stop.c - the whole process is stopped and continued, again and again.
 *
 * Each stop is up to 2 ms long, so deadlines pass while nobody can look at the
 * clock, and system calls are interrupted wherever they are.  The parent stops,
 * the child is stopped: a shell with job control would take a stopped child of
 * its own for itself.
 */
#include "fault.h"
#include "traffic.h"

#include <signal.h>

#define LONGEST_NS 2000000

static _Atomic uint64_t *stops;

static int rounds(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;

	stress_start(argc, argv, false);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	stress_finish("%" PRIu64 " stops of the process, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		*stops, traffic_elements());
	return 0;
}

static void stop_and_go(pid_t child, struct stress_random *random)
{
	kill(child, SIGSTOP);
	fault_sleep((int64_t)stress_below(random, LONGEST_NS));
	kill(child, SIGCONT);
	atomic_fetch_add(stops, 1);
	fault_sleep((int64_t)stress_below(random, LONGEST_NS));
}

int main(int argc, char **argv)
{
	stops = fault_share(sizeof *stops);
	return fault_beside(rounds, argc, argv, stop_and_go);
}
