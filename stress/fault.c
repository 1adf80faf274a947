/* SPDX-License-Identifier: MIT */
/* fault.c - injecting, from a thread or from another process. */
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

void fault_skip(const char *format, ...)
{
	va_list arguments;

	printf("skipped: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	_exit(77);
}

static void sleep_until(int64_t when)
{
	struct timespec time = {
		.tv_sec = (time_t)(when / NS_PER_S),
		.tv_nsec = (long)(when % NS_PER_S),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) ==
		EINTR)
		;
}

void fault_sleep(int64_t ns)
{
	sleep_until(weir_now() + ns);
}

/* -- From within ----------------------------------------------------------- */

static struct stress_crew injector;
static fault_inject *injected;
static int64_t period;
static _Atomic bool over;
static _Atomic uint64_t sum;

static void run_injector(void *unused)
{
	struct stress_random random;
	int64_t next = weir_now();

	(void)unused;
	/* Sleeps are else 50 us too long. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	stress_seed(&random, stress.seed);
	stress_doing("injecting", 0);
	while (!atomic_load(&over)) {
		atomic_fetch_add(&sum, injected(&random));
		next += period;
		sleep_until(next);
	}
}

void fault_begin(fault_inject *inject, int64_t every_ns)
{
	injected = inject;
	period = every_ns;
	stress_crew_add(&injector, "injector", run_injector, NULL);
}

uint64_t fault_end(void)
{
	atomic_store(&over, true);
	stress_crew_join(&injector);
	return atomic_load(&sum);
}

unsigned fault_list_threads(pid_t *threads)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;

	if (directory == NULL)
		stress_fail("/proc/self/task: %s", strerror(errno));
	while ((entry = readdir(directory)) != NULL &&
		count < FAULT_MAX_THREADS) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		if (thread > 0 && thread != gettid())
			threads[count++] = thread;
	}
	closedir(directory);
	return count;
}

/* -- From another process -------------------------------------------------- */

static _Atomic pid_t victim;

void *fault_share(size_t size)
{
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		stress_fail("mmap: %s", strerror(errno));
	return page;
}

/* The child may be stopped or throttled: KILL reaches it all the same. */
static void pass_on(int unused)
{
	pid_t child = atomic_load(&victim);

	(void)unused;
	if (child > 0)
		kill(child, SIGKILL);
}

int fault_beside(int (*rounds)(int argc, char **argv), int argc, char **argv,
	void (*inject)(pid_t child, struct stress_random *random))
{
	struct sigaction action = {.sa_handler = pass_on};
	struct stress_random random;
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		exit(rounds(argc, argv));
	}
	if (child < 0)
		stress_fail("fork: %s", strerror(errno));
	atomic_store(&victim, child);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	stress_seed(&random, (uint64_t)child);
	while (waitpid(child, &status, WNOHANG) == 0)
		inject(child, &random);
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "killed by signal %d\n", WTERMSIG(status));
	return 1;
}
