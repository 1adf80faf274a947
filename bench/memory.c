/* SPDX-License-Identifier: MIT */
/* memory.c - resident bytes of an idle channel, and of a queued element; and
 * memory that is there when a repetition begins.
 *
 * Here `ns` is bytes.  Counted is what the process has in memory, whoever
 * allocated it; pages that are reserved and not touched cost nothing.  The
 * process is a fresh one, or what earlier runs have freed would be used again.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Exact, where the sums in statm and getrusage lag by some pages a CPU. */
static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[128];
	unsigned long kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Rss:", 4) == 0)
			kib = strtoul(line + 4, NULL, 10);
	if (file == NULL || kib == 0)
		bench_die("the resident memory is not known");
	fclose(file);
	return (double)kib * 1024;
}

void bench_memory_warm(size_t bytes)
{
	const size_t page = 4096;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bench_die("no memory");
#ifdef MADV_HUGEPAGE
	/* Whole large pages, since those are what hosts take. */
	madvise(memory, bytes, MADV_HUGEPAGE);
#endif
	for (size_t at = 0; at < bytes; at += page)
		memory[at] = 1;
	munmap(memory, bytes);
}

void bench_memory_idle(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	void **channels = calloc(job->count, sizeof(*channels));
	struct bench_watch watch;
	double before;

	(void)workload;
	if (channels == NULL)
		bench_die("no memory");
	/* The array is there, and what the first channel needs for all. */
	memset((void *)channels, 1, job->count * sizeof(*channels));
	void *first = bench_open(job);
	before = resident_bytes();
	figures->count = job->count;
	bench_watch_start(&watch);
	for (uint64_t i = 0; i < job->count; i++)
		channels[i] = bench_open(job);
	bench_watch_stop(&watch, figures);
	figures->ns = (resident_bytes() - before) / (double)job->count;
	for (uint64_t i = 0; i < job->count; i++)
		job->peer->calls->free(channels[i]);
	job->peer->calls->free(first);
	free((void *)channels);
}

void bench_memory_queued(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures)
{
	const struct bench_calls *calls = job->peer->calls;
	void *channel = bench_open(job);
	void *sender = bench_join_sender(calls, channel);
	void *receiver = bench_join_receiver(calls, channel);
	struct bench_check check = {.count = 0};
	uint64_t element[BENCH_MAX_ELEMENT / 8] = {0};
	double before = resident_bytes();
	struct bench_watch watch;

	(void)workload;
	figures->count = job->count;
	bench_watch_start(&watch);
	for (uint64_t i = 0; i < job->count; i++) {
		bench_make(element, job->element_size, 0, i);
		if (calls->send(sender, element) != BENCH_OK)
			bench_die("send failed");
	}
	bench_watch_stop(&watch, figures);
	figures->ns = (resident_bytes() - before) / (double)job->count;
	while (check.count < job->count) {
		if (calls->recv(receiver, element) != BENCH_OK)
			bench_die("recv failed");
		bench_check_element(&check, element, job->element_size);
	}
	bench_leave_sender(calls, sender);
	bench_leave_receiver(calls, receiver);
	calls->free(channel);
}
