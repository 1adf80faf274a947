/* SPDX-License-Identifier: MIT */
/* pipeline_fixture.h - stages to build pipelines of, a ledger of what they do
 * with the elements, and faults to start them under.
 *
 * An element is a uint64_t.  The source makes 0, 1, 2, ..., and each that it
 * makes must end exactly once: consumed by the sink, skipped by a filter, or
 * dropped.  The ledger counts, and ledger_balanced asserts it.  Criterion gives
 * each test a process of its own, so the ledger is one for all.
 */
#ifndef TESTS_API_PIPELINE_FIXTURE_H
#define TESTS_API_PIPELINE_FIXTURE_H

#include <stdatomic.h>
#include <stdint.h>

#include <weir.h>

#include "fixture.h"

#define FAILURE (-71) /* a status that is none of Weir's */

/* -- The ledger ------------------------------------------------------------ */

#define LEDGER_SIZE 200000

struct ledger {
	_Atomic uint32_t made;
	_Atomic uint32_t ended;
	_Atomic uint32_t dropped; /* of these */
	_Atomic uint32_t wrong;   /* ended before they were made, or twice */
	_Atomic uint8_t alive[LEDGER_SIZE];
};

extern struct ledger ledger;

void ledger_reset(void);
void ledger_make(uint64_t value);
void ledger_end(uint64_t value);
void ledger_drop(void *element, void *context); /* for `drop` */

/* All that was made has ended once.  Returns how many. */
uint32_t ledger_balanced(void);

/* -- Stages ---------------------------------------------------------------- */

/* The context of every stage here. */
struct conduct {
	uint64_t count;  /* source: elements to make */
	bool acts;       /* returns `status` instead of going on... */
	uint64_t act_at; /* from this value on */
	int status;
	_Atomic uint64_t next;     /* source: shared by its threads */
	_Atomic uint64_t seen;     /* elements that came */
	_Atomic uint64_t sum;      /* of their values */
	_Atomic uint64_t bad;      /* sink: elements out of order */
	_Atomic uint64_t expected; /* sink: the next one, if in order */
	_Atomic int threads;       /* that have entered */
	int acting_thread;         /* or at once, the n-th to enter, from 1 */
	_Atomic bool *hold;        /* map: value 0 stays while this is set */
};

void see(struct conduct *conduct, uint64_t value); /* counts it */
int source_run(void *context, weir_receiver *in, weir_sender *out);
int pass_run(void *context, weir_receiver *in, weir_sender *out);
int pass_map(void *context, const void *in, void *out);
int odd_map(void *context, const void *in, void *out); /* filter */
int sink_run(void *context, weir_receiver *in, weir_sender *out);
int sink_map(void *context, const void *in, void *out);

/* Source, pass and sink of uint64_t, with drop; the caller changes the rest. */
weir_stage source_stage(struct conduct *conduct);
weir_stage run_stage(struct conduct *conduct);
weir_stage map_stage(struct conduct *conduct);
weir_stage sink_stage(struct conduct *conduct);

/* Start or fail the test. */
weir_pipeline *start_pipeline(const weir_stage *stages, size_t count,
	const weir_pipeline_options *options);

/* Join in time, assert status and stage (NULL: none), free. */
void finish_pipeline(weir_pipeline *pipeline, int status, const char *stage);
int join_in_time(weir_pipeline *pipeline, const char **stage);

/* -- Threads and faults ---------------------------------------------------- */

/* Threads of this process. */
int thread_count(void);
void wait_until_threads(int count);

/* In pipeline_faults.c.  The n-th call by this thread from now on fails (from
 * 1; 0: none). */
extern _Thread_local long fail_thread_at; /* pthread_create */
extern _Thread_local int fail_thread_with;
extern _Thread_local long fail_memory_at; /* malloc, calloc, posix_memalign */
extern const bool can_fail_memory;        /* in this build */

#endif
