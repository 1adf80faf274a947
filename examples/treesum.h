/* SPDX-License-Identifier: MIT */
/* treesum.h - how the stages of treesum fit together.
 *
 *	walk --- paths ---> hash (N threads) --- sums ---> report
 *
 * The channels are bounded, so that a fast stage waits for a slow one and
 * memory stays small.  One rule says who frees a path: whoever holds the
 * element that points to it.  What nobody will receive is freed by the
 * channels' `drop`.  What cannot be read is reported by the stage that meets
 * it.
 *
 * To stop early it is enough to interrupt: the walk ends, the hashers leave the
 * file that they are in the middle of, and what is finished is still reported.
 */
#ifndef TREESUM_H
#define TREESUM_H

#include <stdint.h>

#include "program.h"

enum { DIGEST_SIZE = 32 };

/* An element of `paths` is a `char *`; this is one of `sums`. */
struct sum {
	char *path;
	uint64_t bytes;
	unsigned char digest[DIGEST_SIZE];
};

/* What treesum says. */
struct report {
	atomic_bool failed; /* something could not be read, written or kept */
	bool show_progress; /* does not change while the pipeline runs */
	/* The report stage's alone. */
	struct sum *done;
	size_t done_count, done_capacity;
	uint64_t bytes;
	int64_t started_ns;
};

struct treesum {
	char *const *roots; /* NULL at the end */
	struct interrupt interrupt;
	weir_pipeline *pipeline; /* for a look at its statistics */
	struct report report;
};

enum { WALK, HASH, REPORT, N_STAGES };

/* The stages; the context of each is the treesum. */
weir_stage_function walk_all;
weir_map_function hash_file;
weir_stage_function gather_sums;

/* From any thread.  `about` may be NULL. */
void report_error(struct report *report, const char *about, int error);

/* When the pipeline has ended. */
void report_print(struct report *report); /* sorted, in sha256sum's format */
void report_free(struct report *report);

#endif
