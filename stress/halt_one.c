/* SPDX-License-Identifier: MIT */
/* halt_one.c - stop a thread of the child at a random instruction of a call.
 *
 * Only that thread is traced.  It is interrupted, which may find it asleep in
 * the kernel, and then goes on step by step: to the beginning of a call, and up
 * to MOST_STEPS into it, or until behind one of its atomic instructions.  Where
 * it stands then is where it stays.  There are some such stops in each round.
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
#include <unistd.h>

/* A send or recv is some hundred instructions, if it need not wait. */
#define MOST_STEPS 400
#define MOST_ATOMICS 16
/* Steps in all: what is between two calls is short. */
#define MOST_SEARCH 4000

/* The others need so many answers each; they get so long to have them. */
#define ANSWERS 200
#define PATIENCE_NS INT64_C(10000000000)
/* In one round. */
#define STOPS 4
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

static uintptr_t instruction(void)
{
#ifdef __x86_64__
	return (uintptr_t)ptrace(
		PTRACE_PEEKUSER, thread, offsetof(struct user, regs.rip), NULL);
#else
	return 0;
#endif
}

/* Is the instruction that comes next an atomic one?  Behind these a place is
 * claimed and not filled yet, or the gate is taken: an instruction at random is
 * there too seldom. */
static bool is_atomic_next(void)
{
#ifdef __x86_64__
	unsigned char code[sizeof(long)];
	long word;
	size_t at = 0;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, thread, (void *)instruction(), NULL);
	if (errno != 0)
		return false;
	memcpy(code, &word, sizeof word);
	if (code[at] == 0xf0) /* lock */
		return true;
	if ((code[at] & 0xf0) == 0x40) /* REX */
		at++;
	/* xchg with memory */
	return code[at] == 0x87 && code[at + 1] >> 6 != 3;
#else
	return true;
#endif
}

/* True if it is inside a call now, after so many steps, or so many atomic
 * instructions.  If it comes out before that, there is the next call. */
static bool walk_into_call(struct stress_random *random, bool *asleep)
{
	bool count_atomics = stress_one_in(random, 2);
	uint64_t left =
		stress_below(random, count_atomics ? MOST_ATOMICS : MOST_STEPS);

	for (unsigned n = 0; n < MOST_SEARCH; n++) {
		if (in_call() && (*asleep || left == 0))
			return true;
		if (in_call() && (!count_atomics || is_atomic_next()))
			left--;
		if (!step(asleep))
			return false;
	}
	return false;
}

/* -- Where it is -------------------------------------------------------------- */

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

/* All have been here for the first time. */
static bool all_have_tried(void)
{
	for (unsigned i = 0; i < HALT_OTHERS; i++)
		if (halt->answers[i] == 0)
			return false;
	return halt->thread != 0 && halt->calls > 1;
}

/* A thread must have stopped to be let go. */
static void detach(void)
{
	bool asleep;

	if (ask(PTRACE_INTERRUPT, 0) && await_stop(&asleep))
		ask(PTRACE_DETACH, 0);
}

/* The child is at its end: its parent hears of that only once whoever traces a
 * thread has heard of the thread's. */
static void bury(void)
{
	int status = 0;

	while (waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status))
		;
}

/* One stop.  False if the child is at its end, one way or the other. */
static bool stop_once(pid_t child, struct stress_random *random)
{
	bool asleep, inside;

	if (!ask(PTRACE_INTERRUPT, 0) || !await_stop(&asleep))
		return false;
	atomic_store(&halt->stepping, true);
	inside = walk_into_call(random, &asleep);
	atomic_store(&halt->stepping, false);
	if (inside) {
		halt->asleep += asleep;
		halt->in_library += is_in_library(child);
		if (!watch_others())
			return false; /* the child says so, and ends */
		halt->stops++;
	}
	return ask(PTRACE_CONT, 0);
}

bool halt_is_possible(void)
{
	bool possible, asleep;
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	thread = child;
	possible = child > 0 && ask(PTRACE_SEIZE, PTRACE_O_EXITKILL) &&
		   ask(PTRACE_INTERRUPT, 0) && await_stop(&asleep) &&
		   step(&asleep);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, __WALL);
	}
	return possible;
}

void halt_one(pid_t child, struct stress_random *random)
{
	bool there = true;

	fault_sleep((int64_t)stress_below(random, 200000));
	if (halt->ready == halt->done || halt->stuck != 0 || !all_have_tried())
		return;
	thread = halt->thread;
	if (!ask(PTRACE_SEIZE, PTRACE_O_EXITKILL))
		return; /* it is gone */
	for (unsigned i = 0; i < STOPS && there; i++) {
		there = stop_once(child, random);
		fault_sleep((int64_t)stress_below(random, 200000));
	}
	if (there)
		detach();
	else
		bury();
	atomic_store(&halt->done, halt->ready);
}
