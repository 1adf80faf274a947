/* SPDX-License-Identifier: MIT */
/* pzip.h - how the stages of pzip fit together.
 *
 *	read --- blocks ---> pack (N threads, in order) --- blocks ---> write
 *
 * A file is cut into blocks of one size, each of which becomes a gzip member of
 * its own; a gzip file is any number of these, one behind the other.  `pack` is
 * an ordered map: the members come out as the blocks went in, and its window
 * bounds how many of them are in memory, however slow one may be.
 *
 * A block belongs to who holds it.  What nobody will receive is freed by
 * `drop`.
 */
#ifndef PZIP_H
#define PZIP_H

#include <stdint.h>

#include "program.h"

/* Large enough that what a member costs (18 bytes, and a window that starts out
 * empty) is lost in it, and small enough to share out small files. */
enum { BLOCK_SIZE = 512 * 1024 };

struct block {
	unsigned char *data;
	size_t size;
};

struct pzip {
	int in, out; /* descriptors */
	int level;
	struct interrupt interrupt;
	/* For the progress bar. */
	weir_pipeline *pipeline;
	bool show_progress;
	uint64_t total; /* bytes of the input; 0: not known */
};

void drop_block(void *block, void *context);

/* Statuses of these: Weir's, or an errno as it is, above 0. */
weir_stage_function read_blocks, write_blocks;
weir_map_function pack_block;

enum { READ, PACK, WRITE, N_STAGES };

/* pzip_progress.c */
void draw_progress(const struct pzip *pzip, int64_t started_ns);
void erase_progress(const struct pzip *pzip);

#endif
