/* SPDX-License-Identifier: MIT */
/* program.h - what logstat, pzip and treesum share: options, and being
 * interrupted.
 *
 * SIGINT and SIGTERM are blocked in every thread; one thread waits for them, as
 * a handler could not safely do anything with a channel.  What it does then:
 * it says so to those who ask, wakes those who wait for input, and cancels the
 * pipeline, if it was given one.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <weir.h>

enum { EXIT_USAGE = 2, MAX_THREADS = 1024 };

/* The processors that we may run on, which taskset or a container may have
 * made fewer than there are. */
size_t processors(void);

/* A number in decimal digits, from least to most; false for anything else. */
bool parse_number(const char *text, size_t least, size_t most, size_t *number);

struct interrupt {
	atomic_int signal; /* that came; 0: none */
	int wake[2];       /* a pipe, whose reading end becomes readable */
	pthread_t thread;
	bool watching;
	weir_pipeline *pipeline; /* to cancel, or NULL */
};

/* Before any other thread is started.  0 or an errno. */
int interrupt_open(struct interrupt *interrupt);

/* Wait for a signal from now on (one that has come meanwhile counts).  0 or an
 * errno. */
int interrupt_watch(struct interrupt *interrupt, weir_pipeline *pipeline);

/* As long as `pipeline` is there.  Returns the signal, or 0. */
int interrupt_close(struct interrupt *interrupt);

static inline bool interrupted(struct interrupt *interrupt)
{
	return atomic_load(&interrupt->signal) != 0;
}

/* read(2), which a signal ends (-1 and EINTR), and none that is not ours. */
ssize_t interruptible_read(
	struct interrupt *interrupt, int fd, void *data, size_t size);

#endif
