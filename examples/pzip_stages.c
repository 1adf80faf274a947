/* SPDX-License-Identifier: MIT */
/* pzip_stages.c - read, pack, write: see pzip.h. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "pzip.h"

/* Ten times a second is smooth to look at and costs nothing to speak of. */
#define PROGRESS_PERIOD_NS INT64_C(100000000)

void drop_block(void *block, void *context)
{
	(void)context;
	free(((struct block *)block)->data);
}

/* -- Read ------------------------------------------------------------------ */

/* A whole block, but for the last one of a file.  0 or an errno. */
static int fill(struct pzip *pzip, struct block *block)
{
	while (block->size < BLOCK_SIZE) {
		ssize_t n = interruptible_read(&pzip->interrupt, pzip->in,
			block->data + block->size, BLOCK_SIZE - block->size);

		if (n < 0)
			return errno;
		if (n == 0)
			break;
		block->size += (size_t)n;
	}
	return 0;
}

/* Sends at least one block, as an empty file needs a member, too. */
int read_blocks(void *context, weir_receiver *in, weir_sender *out)
{
	struct pzip *pzip = context;
	bool first = true, more = true;

	(void)in;
	while (more) {
		struct block block = {.data = malloc(BLOCK_SIZE)};
		int status;

		if (block.data == NULL)
			return ENOMEM;
		status = fill(pzip, &block);
		more = block.size == BLOCK_SIZE;
		if (status == 0 && (block.size > 0 || first)) {
			status = weir_send(out, &block);
			if (status == WEIR_OK)
				block.data = NULL; /* no longer ours */
		}
		free(block.data);
		if (status != 0)
			return status;
		first = false;
	}
	return WEIR_OK;
}

/* -- Pack ------------------------------------------------------------------ */

/* zlib's window size, and 16 for a gzip header and trailer. */
enum { GZIP_WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8 };

static int deflate_block(
	const struct block *plain, int level, struct block *packed)
{
	z_stream stream = {.next_in = plain->data};
	uLong bound;
	int result;

	if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW_BITS,
		    MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return ENOMEM;
	bound = deflateBound(&stream, plain->size);
	packed->data = malloc(bound);
	if (packed->data == NULL) {
		deflateEnd(&stream);
		return ENOMEM;
	}
	stream.avail_in = (uInt)plain->size;
	stream.next_out = packed->data;
	stream.avail_out = (uInt)bound;
	result = deflate(&stream, Z_FINISH);
	packed->size = stream.total_out;
	deflateEnd(&stream);
	if (result == Z_STREAM_END)
		return WEIR_OK;
	free(packed->data);
	return EIO;
}

int pack_block(void *context, const void *in, void *out)
{
	const struct pzip *pzip = context;
	const struct block *plain = in;
	int status = deflate_block(plain, pzip->level, out);

	free(plain->data);
	return status;
}

/* -- Write ----------------------------------------------------------------- */

static int write_all(int fd, const struct block *block)
{
	for (size_t done = 0; done < block->size;) {
		ssize_t n = write(fd, block->data + done, block->size - done);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

int write_blocks(void *context, weir_receiver *in, weir_sender *out)
{
	const struct pzip *pzip = context;
	int64_t started = weir_now(), next = WEIR_FOREVER;
	struct block block;
	int status;

	(void)out;
	if (pzip->show_progress)
		next = started + PROGRESS_PERIOD_NS;
	do {
		status = weir_recv_until(in, &block, next);
		if (status == WEIR_OK) {
			status = write_all(pzip->out, &block);
			free(block.data);
		}
		if (weir_now() >= next) {
			draw_progress(pzip, started);
			next = weir_now() + PROGRESS_PERIOD_NS;
		}
	} while (status == WEIR_OK || status == WEIR_TIMED_OUT);
	erase_progress(pzip);
	return status;
}
