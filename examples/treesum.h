/* SPDX-License-Identifier: MIT */
/* treesum.h - how the stages of treesum fit together.
 *
 *	walk ---- paths ----> hash (N threads) ---- sums ----> report (main)
 *	   '----------------- what could not be read -----------^
 *
 * `paths` and `sums` are bounded channels, so that a fast stage waits for a
 * slow one and memory stays small.  One rule says who frees a path: whoever
 * holds the element that points to it.  The sender does until the send is
 * WEIR_OK, the receiver does from then on, and what nobody will receive is
 * freed by the channel's `drop`.
 *
 * Two things end the work, and both are closes.  After the last file the walk
 * closes its end of `paths`: the hashers drain it and close theirs of `sums`,
 * and the report's loop ends.  To stop early, anybody closes the one receiver
 * of `paths`: the walk gets BROKEN_RESOURCE, the queued paths are dropped, the
 * hashers get CLOSED_RESOURCE and leave the file that they are in the middle
 * of, and the rest follows as above.
 */
#ifndef TREESUM_H
#define TREESUM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir.h>

enum { DIGEST_SIZE = 32 };

/* An element of `paths` is a `char *`; this is one of `sums`. */
struct sum {
	char *path;
	int error; /* an errno: why there is no digest; 0 if there is one */
	uint64_t bytes;
	unsigned char digest[DIGEST_SIZE];
};

/* Stage 1, a thread: sends the path of each regular file below `roots`, a
 * NULL-terminated array that must outlive it. */
struct walk {
	pthread_t thread;
	char *const *roots;
	weir_sender *paths;
	weir_sender *sums; /* for directories that cannot be read */
};

/* Stage 2, any number of threads: a sum for each path. */
struct hasher {
	pthread_t thread;
	weir_receiver *paths; /* shared by all; not this thread's to free */
	weir_sender *sums;
	void *digest_context;
	unsigned char *buffer;
};

/* Both start a thread that owns clones of the senders given here, and return 0
 * or an errno with nothing started.  join waits for it to end. */
int walk_start(struct walk *walk, char *const *roots, weir_sender *paths,
	weir_sender *sums);
void walk_join(struct walk *walk);
int hasher_start(
	struct hasher *hasher, weir_receiver *paths, weir_sender *sums);
void hasher_join(struct hasher *hasher);

/* Stage 3, in the thread that calls it: everything that treesum says. */
struct report {
	weir_receiver *paths; /* for a look at its length, and to stop early */
	weir_receiver *sums;
	bool show_progress;
	bool failed; /* something could not be read, written or kept */
	struct sum *done;
	size_t done_count, done_capacity;
	uint64_t bytes;
	int64_t started_ns;
};

void report_error(struct report *report, const char *about, int error);
void report_gather(struct report *report); /* until `sums` ends */
void report_print(struct report *report);  /* sorted, in sha256sum's format */
void report_free(struct report *report);

#endif
