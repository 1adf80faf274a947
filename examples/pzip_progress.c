/* SPDX-License-Identifier: MIT */
/* pzip_progress.c - a bar on the terminal, drawn from the pipeline's figures.
 * */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pzip.h"

enum { WIDTH = 30 };

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Filled as far as is written, dotted as far as is read. */
static void fill_bar(
	char *bar, const struct pzip *pzip, uint64_t written, uint64_t read)
{
	memset(bar, ' ', WIDTH);
	bar[WIDTH] = '\0';
	if (pzip->total == 0)
		return;
	memset(bar, '.', least(read * WIDTH / pzip->total, WIDTH));
	memset(bar, '#', least(written * WIDTH / pzip->total, WIDTH));
}

void draw_progress(const struct pzip *pzip, int64_t started_ns)
{
	double seconds = (double)(weir_now() - started_ns) / 1e9;
	weir_stage_statistics now[N_STAGES];
	uint64_t written, read;
	char bar[WIDTH + 1], line[160];

	weir_pipeline_statistics(pzip->pipeline, now, N_STAGES);
	written = now[WRITE].in.received * BLOCK_SIZE;
	read = now[READ].out.sent * BLOCK_SIZE;
	if (pzip->total > 0)
		written = least(written, pzip->total);
	fill_bar(bar, pzip, written, read);
	snprintf(line, sizeof(line),
		"\r\033[K[%s] %.1f MB, %.1f MB/s, blocks: %" PRIu64
		" read, %" PRIu64 " in work, %" PRIu64 " written",
		bar, (double)written / 1e6, (double)written / 1e6 / seconds,
		now[READ].out.sent, now[PACK].in.received - now[PACK].out.sent,
		now[WRITE].in.received);
	fputs(line, stderr); /* in one go, so that it does not flicker */
}

void erase_progress(const struct pzip *pzip)
{
	if (pzip->show_progress)
		fputs("\r\033[K", stderr);
}
