/* SPDX-License-Identifier: MIT */
/* treesum_report.c - gathers the sums, and says all that treesum says. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "treesum.h"

/* Ten times a second is smooth to look at and costs nothing to speak of. */
#define PROGRESS_PERIOD_NS INT64_C(100000000)

static void erase_progress(const struct report *report)
{
	if (report->show_progress)
		fputs("\r\033[K", stderr);
}

static void draw_progress(const struct treesum *treesum)
{
	const struct report *report = &treesum->report;
	double seconds = (double)(weir_now() - report->started_ns) / 1e9;
	double megabytes = (double)report->bytes / 1e6;
	weir_stage_statistics now[N_STAGES];
	const weir_statistics *paths = &now[HASH].in, *sums = &now[REPORT].in;
	char line[128];

	weir_pipeline_statistics(treesum->pipeline, now, N_STAGES);
	snprintf(line, sizeof(line),
		"\r\033[K%zu files, %.1f MB, %.1f MB/s, "
		"paths %zu/%zu, sums %zu/%zu",
		report->done_count, megabytes, megabytes / seconds,
		paths->current_buffer_used, paths->max_buffer_size,
		sums->current_buffer_used, sums->max_buffer_size);
	fputs(line, stderr); /* in one go, so that it does not flicker */
}

void report_error(struct report *report, const char *about, int error)
{
	atomic_store(&report->failed, true);
	flockfile(stderr); /* one message at a time, and no bar in between */
	erase_progress(report);
	fprintf(stderr, "treesum: %s%s%s\n", about != NULL ? about : "",
		about != NULL ? ": " : "", strerror(error));
	funlockfile(stderr);
}

/* True if the sum, and with it the path, is kept. */
static bool keep(struct report *report, const struct sum *sum)
{
	if (report->done_count == report->done_capacity) {
		size_t capacity = 2 * report->done_capacity + 64;
		struct sum *done =
			reallocarray(report->done, capacity, sizeof(*done));

		if (done == NULL)
			return false;
		report->done = done;
		report->done_capacity = capacity;
	}
	report->done[report->done_count++] = *sum;
	report->bytes += sum->bytes;
	return true;
}

int gather_sums(void *context, weir_receiver *in, weir_sender *out)
{
	struct treesum *treesum = context;
	struct report *report = &treesum->report;
	int64_t next = WEIR_FOREVER;
	struct sum sum;
	int status;

	(void)out;
	report->started_ns = weir_now();
	if (report->show_progress)
		next = report->started_ns + PROGRESS_PERIOD_NS;
	do {
		status = weir_recv_until(in, &sum, next);
		if (status == WEIR_OK && !keep(report, &sum)) {
			free(sum.path);
			status = WEIR_NO_MEMORY;
		}
		if (report->show_progress && weir_now() >= next) {
			draw_progress(treesum);
			next = weir_now() + PROGRESS_PERIOD_NS;
		}
	} while (status == WEIR_OK || status == WEIR_TIMED_OUT);
	erase_progress(report);
	return status;
}

static int by_path(const void *a, const void *b)
{
	const struct sum *left = a, *right = b;

	return strcmp(left->path, right->path); /* as unsigned bytes */
}

/* As sha256sum does: where the name holds a backslash, a newline or a carriage
 * return, these are escaped and a backslash comes before the digest. */
static void print_sum(const struct sum *sum)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * DIGEST_SIZE + 1] = "";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = digits[sum->digest[i] >> 4];
		hex[2 * i + 1] = digits[sum->digest[i] & 15];
	}
	if (strpbrk(sum->path, "\\\n\r") == NULL) {
		printf("%s  %s\n", hex, sum->path);
		return;
	}
	printf("\\%s  ", hex);
	for (const char *c = sum->path; *c != '\0'; c++) {
		if (*c == '\\')
			fputs("\\\\", stdout);
		else if (*c == '\n')
			fputs("\\n", stdout);
		else if (*c == '\r')
			fputs("\\r", stdout);
		else
			putchar(*c);
	}
	putchar('\n');
}

void report_print(struct report *report)
{
	if (report->done_count > 0)
		qsort(report->done, report->done_count, sizeof(*report->done),
			by_path);
	for (size_t i = 0; i < report->done_count && !ferror(stdout); i++)
		print_sum(&report->done[i]);
	if (ferror(stdout) || fflush(stdout) != 0)
		report_error(report, "write error", errno);
}

void report_free(struct report *report)
{
	for (size_t i = 0; i < report->done_count; i++)
		free(report->done[i].path);
	free(report->done);
}
