/* SPDX-License-Identifier: MIT */
/* load.c - are the CPUs ours alone?  Who else runs, a hypervisor's other guests
 * included, moves the figures of whatever runs just then. */
#include "bench.h"

#include <time.h>
#include <unistd.h>

#define SAMPLE_NS 200000000
#define TOLERATED_PERCENT 10.0

/* CPU time of all that runs on this machine, in ns; 0: not known. */
static double busy_ns(void)
{
	/* user, nice, system, idle, iowait, irq, softirq, steal */
	unsigned long long t[8] = {0};
	FILE *file = fopen("/proc/stat", "r");
	int n;

	if (file == NULL)
		return 0;
	n = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0],
		&t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
	fclose(file);
	if (n != 8)
		return 0;
	return (double)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) * 1e9 /
	       (double)sysconf(_SC_CLK_TCK);
}

static double others_percent(void)
{
	struct timespec sample = {.tv_nsec = SAMPLE_NS};
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
	int64_t began = bench_now();
	double before = busy_ns();

	nanosleep(&sample, NULL);
	return 100 * (busy_ns() - before) /
	       ((double)(bench_now() - began) * cpus);
}

double bench_wait_for_quiet(void)
{
	int64_t limit = bench_now() + (int64_t)(bench_options.quiet_s * 1e9);
	double percent;

	if (bench_options.quiet_s <= 0)
		return 0;
	do
		percent = others_percent();
	while (percent > TOLERATED_PERCENT && bench_now() < limit);
	if (percent > TOLERATED_PERCENT)
		fprintf(stderr, "bench: others use %.0f %% of the CPUs\n",
			percent);
	return percent;
}
