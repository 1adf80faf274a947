/* SPDX-License-Identifier: MIT */
/* fault_quota.c - less CPU than the threads want, and others who want it too.
 *
 * The rounds share a cgroup with processes that do nothing but compute, and
 * that cgroup may run for 2 ms of every 5: in each period all threads are
 * stopped wherever they are, those inside a gate included, while the clock
 * goes on.
 */
#include "fault.h"
#include "traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup/"
#define PERIOD_US 5000
#define QUOTA_US 2000
#define MAX_BURNERS 8

static char directory[64];

/* -- A cgroup, of the first or the second kind ----------------------------- */

static bool write_file(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool write_file(const char *name, const char *format, ...)
{
	char path[128];
	va_list arguments;
	int file, length;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	va_start(arguments, format);
	length = vdprintf(file, format, arguments);
	va_end(arguments);
	/* The kernel's answer comes with the write. */
	return close(file) == 0 && length > 0;
}

static bool limit_v1(void)
{
	snprintf(directory, sizeof directory, ROOT "cpu/weir-%d", getpid());
	if (mkdir(directory, 0755) != 0)
		return false;
	return write_file("cpu.cfs_period_us", "%d", PERIOD_US) &&
	       write_file("cpu.cfs_quota_us", "%d", QUOTA_US);
}

static bool limit_v2(void)
{
	snprintf(directory, sizeof directory, ROOT "weir-%d", getpid());
	if (mkdir(directory, 0755) != 0)
		return false;
	return write_file("cpu.max", "%d %d", QUOTA_US, PERIOD_US);
}

static bool join(pid_t process)
{
	return write_file("cgroup.procs", "%d", process);
}

static uint64_t count_stops(void)
{
	char path[128], line[128];
	uint64_t count = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/cpu.stat", directory);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, "nr_throttled ", 13) == 0)
			count = strtoull(line + 13, NULL, 10);
	fclose(file);
	return count;
}

/* -- Those who compute ----------------------------------------------------- */

static pid_t burners[MAX_BURNERS];
static unsigned n_burners;

static void start_burners(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	n_burners = cpus < MAX_BURNERS ? (unsigned)cpus : MAX_BURNERS;
	for (unsigned i = 0; i < n_burners; i++) {
		burners[i] = fork();
		if (burners[i] != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		join(getpid());
		for (volatile uint64_t n = 0;; n++)
			;
	}
}

static void end_burners(void)
{
	for (unsigned i = 0; i < n_burners; i++) {
		if (burners[i] <= 0)
			continue;
		kill(burners[i], SIGKILL);
		waitpid(burners[i], NULL, 0);
	}
}

/* -------------------------------------------------------------------------- */

static int rounds(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;

	stress_start(argc, argv, false);
	stress_check(join(getpid()), "cannot join %s", directory);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	stress_finish("stopped in %" PRIu64 " periods, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		count_stops(), traffic_elements());
	return 0;
}

static void look_on(pid_t child, struct stress_random *random)
{
	(void)child;
	(void)random;
	fault_sleep(10000000);
}

/* The kernel lets go of a cgroup a moment after its last process. */
static void remove_directory(void)
{
	for (int i = 0; rmdir(directory) != 0 && errno == EBUSY && i < 100; i++)
		fault_sleep(10000000);
}

int main(int argc, char **argv)
{
	int status;

	if (!limit_v1()) {
		rmdir(directory);
		if (!limit_v2()) {
			rmdir(directory);
			fault_skip("no cgroup with a quota can be made here");
		}
	}
	start_burners();
	status = fault_beside(rounds, argc, argv, look_on);
	end_burners();
	remove_directory();
	return status;
}
