/* SPDX-License-Identifier: MIT */
/* halt_one.c - stop a thread of the child at a random instruction of a call.
 *
 * Only that thread is traced.  It is interrupted, which may find it asleep in
 * the kernel, and then goes on step by step: to the beginning of a call, and up
 * to MOST_STEPS into it.  Where it stands then is where it stays.
 */
#include "fault.h"
#include "fault_halt.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

/* A send or recv is some hundred instructions, if it need not wait. */
#define MOST_STEPS 600
/* Steps in all: what is between two calls is short. */
#define MOST_SEARCH 20000

/* The others need so many answers each; they get so long to have them. */
#define ANSWERS 1000
#define PATIENCE_NS INT64_C(10000000000)
/* A step into a system call that sleeps is interrupted after so long. */
#define SLEEP_NS 2000000

static pid_t thread;

/* The child may end at any time; then there is nobody to stop. */
static bool ask(int request, uintptr_t data)
{
	return ptrace((enum __ptrace_request)request, thread, NULL,
		       (void *)data) == 0;
}

/* Until it has stopped.  One that sleeps in the kernel is interrupted. */
static bool await_stop(bool *asleep)
{
	int64_t since = weir_now();
	int status;
	pid_t who;

	*asleep = false;
	while ((who = waitpid(thread, &status, __WALL | WNOHANG)) == 0) {
		if (*asleep || weir_now() - since < SLEEP_NS) {
			sched_yield();
			continue;
		}
		*asleep = true;
		ask(PTRACE_INTERRUPT, 0);
	}
	return who == thread && WIFSTOPPED(status);
}

static bool in_call(void)
{
	return atomic_load(&halt->calls) % 2 == 1;
}

static bool step(bool *asleep)
{
	return ask(PTRACE_SINGLESTEP, 0) && await_stop(asleep);
}

/* True if it is inside a call now, after so many steps.  If it comes out before
 * that, there is the next call. */
static bool walk_into_call(struct stress_random *random, bool *asleep)
{
	uint64_t steps = stress_below(random, MOST_STEPS);

	for (unsigned n = 0; n < MOST_SEARCH; n++) {
		if (in_call() && (*asleep || steps == 0))
			return true;
		if (in_call())
			steps--;
		if (!step(asleep))
			return false;
	}
	return false;
}

/* -- Where it is -------------------------------------------------------------- */

static uintptr_t instruction(void)
{
#ifdef __x86_64__
	return (uintptr_t)ptrace(
		PTRACE_PEEKUSER, thread, offsetof(struct user, regs.rip), NULL);
#else
	return 0;
#endif
}

/* In code that was mapped from libweir.so? */
static bool is_in_library(pid_t child)
{
	uintptr_t at = instruction(), first, last;
	char path[32], line[512], flags[8];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof path, "/proc/%d/maps", child);
	maps = fopen(path, "re");
	if (maps == NULL)
		return false;
	while (!found && fgets(line, sizeof line, maps) != NULL)
		found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &first,
				&last, flags) == 3 &&
			at >= first && at < last &&
			strstr(line, "libweir") != NULL;
	fclose(maps);
	return found;
}

/* -- The others ---------------------------------------------------------------- */

/* Until each has had enough answers; false if one has not. */
static bool watch_others(void)
{
	uint64_t before[HALT_OTHERS];
	int64_t since = weir_now();

	for (unsigned i = 0; i < HALT_OTHERS; i++)
		before[i] = halt->answers[i];
	for (unsigned i = 0; i < HALT_OTHERS;) {
		if (halt->answers[i] - before[i] >= ANSWERS) {
			i++;
			continue;
		}
		if (weir_now() - since > PATIENCE_NS) {
			halt->stuck = i + 1;
			return false;
		}
		fault_sleep(500000);
	}
	for (unsigned i = 0; i < HALT_OTHERS; i++) {
		uint64_t had = halt->answers[i] - before[i];

		halt->answered += had;
		if (halt->fewest == 0 || had < halt->fewest)
			halt->fewest = had;
	}
	return true;
}

/* All have been here, so liburcu knows them. */
static bool all_have_tried(void)
{
	for (unsigned i = 0; i < HALT_OTHERS; i++)
		if (halt->answers[i] == 0)
			return false;
	return halt->thread != 0 && halt->calls > 1;
}

void halt_one(pid_t child, struct stress_random *random)
{
	bool asleep;

	fault_sleep((int64_t)stress_below(random, 200000));
	if (halt->ready == halt->done || !all_have_tried())
		return;
	thread = halt->thread;
	if (!ask(PTRACE_SEIZE, PTRACE_O_EXITKILL))
		fault_skip("ptrace: %s", strerror(errno));
	if (ask(PTRACE_INTERRUPT, 0) && await_stop(&asleep) &&
		walk_into_call(random, &asleep)) {
		halt->asleep += asleep;
		halt->in_library += is_in_library(child);
		if (!watch_others())
			return; /* the child says so, and ends */
		halt->stops++;
	}
	ask(PTRACE_DETACH, 0);
	atomic_store(&halt->done, halt->ready);
}
