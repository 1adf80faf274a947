/* SPDX-License-Identifier: MIT */
/* fault.h - what the fault programs share.
 *
 * A fault program is a stress program (stress.h) beside whose rounds something
 * goes wrong with the machine, the kernel or the process: it says how often,
 * and that nothing was lost.  What this machine cannot inject is skipped, with
 * the exit status that makes `make check` say so.
 */
#ifndef STRESS_FAULT_H
#define STRESS_FAULT_H

#include "stress.h"

#include <sys/types.h>

/* Sanitizers bring threads, signals and memory of their own, and make
 * everything slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAULT_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAULT_SANITIZED true
#endif
#endif
#ifndef FAULT_SANITIZED
#define FAULT_SANITIZED false
#endif

/* Say why nothing is tried here, and exit with 77. */
void fault_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* -- Injected from within -------------------------------------------------- */

/* Start a thread that calls `inject` every so many nanoseconds, on a grid: what
 * it has missed it makes up for.  Whatever `inject` returns is added up, and
 * the sum is what fault_end returns once the thread has ended. */
typedef uint64_t fault_inject(struct stress_random *random);

void fault_begin(fault_inject *inject, int64_t every_ns);
uint64_t fault_end(void);

/* The threads of this process, those of libraries included, without the
 * caller; as many as fit. */
#define FAULT_MAX_THREADS 256

unsigned fault_list_threads(pid_t *threads);

/* -- Injected from another process ----------------------------------------- */

/* Memory that both processes see; all zero at first. */
void *fault_share(size_t size);

/* Run `rounds` in a child, and `inject` here again and again until that has
 * ended.  Returns the child's exit status; a child that was killed counts as
 * failed.  If we are told to go, the child goes first. */
int fault_beside(int (*rounds)(int argc, char **argv), int argc, char **argv,
	void (*inject)(pid_t child, struct stress_random *random));

void fault_sleep(int64_t ns);

#endif
