/* SPDX-License-Identifier: MIT */
/* fault_sched.c - SCHED_FIFO against SCHED_OTHER, on one CPU and on all.
 *
 * Every 200 us some thread becomes a real-time thread of one of three
 * priorities, or an ordinary one; every 50 ms all threads are pinned to one CPU,
 * or let go.  A thread that spins for one of lower priority on the same CPU
 * would spin until the kernel's throttle for real-time threads stops it.
 */
#include "fault.h"
#include "traffic.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define EVERY_NS 200000
#define PIN_EVERY 250

static cpu_set_t all, one;

static void find_cpus(void)
{
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof all, &all) != 0)
		fault_skip("no affinity: %s", strerror(errno));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
}

/* 0 is SCHED_OTHER.  Threads go while we look: that is no failure. */
static int set_priority(pid_t thread, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return sched_setscheduler(
		thread, priority > 0 ? SCHED_FIFO : SCHED_OTHER, &param);
}

static uint64_t inject(struct stress_random *random)
{
	static unsigned turn;
	static bool pinned;
	pid_t threads[FAULT_MAX_THREADS];
	unsigned count = fault_list_threads(threads);

	if (turn++ % PIN_EVERY == 0) {
		pinned = !pinned;
		for (unsigned i = 0; i < count; i++)
			sched_setaffinity(
				threads[i], sizeof all, pinned ? &one : &all);
	}
	if (count == 0)
		return 0;
	return set_priority(threads[stress_below(random, count)],
		       (int)stress_below(random, 4)) == 0;
}

/* Above all others, or it would be one of those that wait. */
static uint64_t inject_from_above(struct stress_random *random)
{
	static bool risen;

	if (!risen)
		set_priority(0, 10);
	risen = true;
	return inject(random);
}

int main(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;
	uint64_t changes;

	stress_start(argc, argv, false);
	if (FAULT_SANITIZED)
		fault_skip("a sanitizer's own locks spin for threads of lower "
			   "priority");
	find_cpus();
	if (set_priority(0, 1) != 0)
		fault_skip("no SCHED_FIFO: %s", strerror(errno));
	set_priority(0, 0);
	fault_begin(inject_from_above, EVERY_NS);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	changes = fault_end();
	set_priority(0, 0);
	stress_finish("%" PRIu64 " changes of policy, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		changes, traffic_elements());
	return 0;
}
