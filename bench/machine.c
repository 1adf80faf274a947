/* SPDX-License-Identifier: MIT */
/* machine.c - which machine this is, and how near its CPUs are right now. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* Round trips of a probe, and how many of them are not counted: the second
 * thread may still be on its way to a CPU of its own. */
#define ROUND_TRIPS 3000
#define NOT_COUNTED 1000

/* A scheduler that keeps both threads on one CPU must not make a probe last. */
#define PROBE_LIMIT_NS INT64_C(20000000)

struct line {
	_Alignas(128) _Atomic unsigned turn; /* odd: the other thread's */
	_Atomic bool stop;
};

static void *answer(void *argument)
{
	struct line *line = argument;

	while (!atomic_load_explicit(&line->stop, memory_order_relaxed)) {
		unsigned turn =
			atomic_load_explicit(&line->turn, memory_order_acquire);
		if (turn % 2 == 1)
			atomic_store_explicit(
				&line->turn, turn + 1, memory_order_release);
	}
	return NULL;
}

int bench_cpus(void)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return 1;
	return CPU_COUNT(&allowed);
}

void bench_pin(void)
{
	cpu_set_t allowed;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		bench_die("no CPU to run on");
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&allowed);
	CPU_SET(cpu, &allowed);
	if (sched_setaffinity(0, sizeof(allowed), &allowed) != 0)
		bench_die("cannot stay on one CPU");
}

double bench_line_ns(void)
{
	struct line line = {.turn = 0};
	pthread_t other;
	int64_t limit;
	int64_t start = 0;
	unsigned trips = 0;

	if (bench_cpus() < 2)
		return 0;
	if (pthread_create(&other, NULL, answer, &line) != 0)
		bench_die("no thread for the cache line probe");
	limit = bench_now() + PROBE_LIMIT_NS;
	while (trips < ROUND_TRIPS) {
		if (trips == NOT_COUNTED)
			start = bench_now();
		atomic_store_explicit(
			&line.turn, 2 * trips + 1, memory_order_release);
		for (unsigned n = 1;
			atomic_load_explicit(&line.turn,
				memory_order_acquire) != 2 * trips + 2;
			n++)
			if (n % 1024 == 0 && bench_now() > limit)
				goto out;
		trips++;
	}
out:;
	int64_t end = bench_now();
	atomic_store(&line.stop, true);
	pthread_join(other, NULL);
	if (trips <= NOT_COUNTED)
		return 0;
	return (double)(end - start) / (2.0 * (trips - NOT_COUNTED));
}

const char *bench_cpu_model(void)
{
	static char model[128];
	struct utsname name;
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		snprintf(model, sizeof(model), "%.100s", colon + 2);
		model[strcspn(model, "\n\"")] = '\0';
		break;
	}
	if (file != NULL)
		fclose(file);
	if (model[0] == '\0' && uname(&name) == 0)
		snprintf(model, sizeof(model), "%.100s", name.machine);
	return model;
}

const char *bench_kernel(void)
{
	static struct utsname name;

	return uname(&name) == 0 ? name.release : "unknown";
}
