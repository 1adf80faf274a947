/* SPDX-License-Identifier: MIT */
/* pipeline.h - stages that run on threads of their own, linked by channels.
 *
 *	weir_stage stages[3] = {
 *		WEIR_STAGE_INIT, WEIR_STAGE_INIT, WEIR_STAGE_INIT};
 *	stages[0].name = "read";
 *	stages[0].run = read_blocks; // (void *, weir_receiver *, weir_sender *)
 *	stages[0].out_size = sizeof(struct block);
 *	stages[1].name = "pack";
 *	stages[1].map = pack_block;  // (void *, const void *in, void *out)
 *	stages[1].in_size = stages[1].out_size = sizeof(struct block);
 *	stages[1].threads = 4;
 *	stages[1].flags = WEIR_ORDERED;
 *	stages[2].name = "write";
 *	stages[2].run = write_blocks;
 *	stages[2].in_size = sizeof(struct block);
 *	if (weir_pipeline_start(stages, 3, NULL, &pipeline) != WEIR_OK) ...
 *	status = weir_pipeline_join(pipeline, &failed);
 *	weir_pipeline_free(pipeline);
 *
 * A stage reads one receiver and writes one sender.  The first one of a
 * pipeline is a source, which reads nothing, unless the program feeds it; the
 * last one is a sink, which writes nothing, unless the program reads its
 * results.  Between two stages lies a channel, whose capacity bounds what is in
 * flight.
 *
 * Winding down.  When the threads of a stage have all returned, its ends are
 * closed: the stage after it gets END_OF_CHANNEL once it has drained its
 * channel, the stage before it BROKEN_RESOURCE.  So a source that comes to its
 * end lets everything through, and a sink that stops early stops everything
 * before it.  A stage that fails (returns a status that is no such signal) has
 * its ends closed at once, on all of its threads.  A stage hears of a broken
 * output when it next sends, a map stage on all of its threads then; one that
 * waits for input goes on waiting.  Elements that will not be received are
 * given to `drop`, each once, before join returns.
 */
#ifndef WEIR_PIPELINE_H
#define WEIR_PIPELINE_H

#include <pthread.h>
#include <weir/channel.h>

WEIR_BEGIN_DECLS

/* -- Stages --------------------------------------------------------------- */

/* The body of a stage: reads `in` (NULL: it is a source) and writes `out`
 * (NULL: it is a sink) until one of them says that it is over.  Returns what
 * that was, or 0: OK, END_OF_CHANNEL, BROKEN_RESOURCE and CLOSED_RESOURCE mean
 * that it is through; anything else, negative or positive, that it has failed.
 * An element that it has received, or could not send, is its own to release.
 *
 * Runs on `threads` threads at once, each with clones of its own (or the
 * program's ends, see weir_pipeline_options), which it may close early, and the
 * pipeline frees.  It ends by returning and in no other way.  In its threads
 * the signals that are for the whole program are blocked, SIGINT and SIGTERM
 * among them, and stay so in programs that it execs. */
typedef int weir_stage_function(
	void *context, weir_receiver *in, weir_sender *out);

/* One element at a time: make *out of *in.  Both are as aligned as an element
 * in a channel; *in is the function's to release; what *out holds before is
 * undefined.  A sink has out == NULL.  Returns WEIR_OK to emit *out, WEIR_SKIP
 * to emit nothing, and to emit nothing and end the stage on all of its threads:
 * END_OF_CHANNEL, BROKEN_RESOURCE or CLOSED_RESOURCE if it wants no more (what
 * is in work is still emitted; in order: what came before), or a failure.  Runs
 * on `threads` threads at once. */
typedef int weir_map_function(void *context, const void *in, void *out);

#define WEIR_SKIP 1

/* Results leave in the order in which their elements came (map only).  At most
 * `window` elements are in work or finished out of turn, so that a slow one
 * does not make memory grow: the others wait for it. */
#define WEIR_ORDERED 1u

typedef struct weir_stage {
	/* Of its threads, in statistics and messages; copied.  The system shows
	 * 15 bytes of it. */
	const char *name;
	/* One of the two. */
	weir_stage_function *run;
	weir_map_function *map;
	void *context; /* for both, shared by its threads */
	/* Bytes of what it reads and of what it writes; 0 if nothing. */
	size_t in_size;
	size_t out_size;
	/* Of the channel that it writes; WEIR_UNBOUNDED and 0 are possible.
	 * This and drop are not used where that is the program's own. */
	size_t capacity;
	/* For the elements that it has written: as in weir_options. */
	void (*drop)(void *element, void *context);
	void *drop_context;
	unsigned threads;
	unsigned flags;
	/* WEIR_ORDERED: elements, at least `threads`; 0: four per thread. */
	size_t window;
	/* For pthread_create: stack size, affinity, ..., but not detached; may
	 * be NULL.  Used during weir_pipeline_start. */
	const pthread_attr_t *attributes;
	void *reserved[4];
} weir_stage;

/* clang-format off */
#define WEIR_STAGE_INIT \
	{ NULL, NULL, NULL, NULL, 0, 0, 64, NULL, NULL, 1, 0, 0, NULL, \
	  { NULL, NULL, NULL, NULL } }
/* clang-format on */

/* -- Pipelines ------------------------------------------------------------ */

typedef struct weir_pipeline weir_pipeline;

/* How a pipeline is connected; all may be NULL, as after
 * WEIR_PIPELINE_OPTIONS_INIT. */
typedef struct weir_pipeline_options {
	/* What the first stage reads, and the last one writes.  They are lent:
	 * the threads of these stages work on these very ends, and the last of
	 * them, or a failure, or cancel, closes them; so the feeder hears of
	 * it.  The program may close them as well, which ends the pipeline from
	 * that side, and frees them after the pipeline.
	 *
	 * This is also how pipelines are nested: a stage's body starts one
	 * between its own ends, joins it and frees it.  A cancel of the outer
	 * one closes these ends, and so reaches the inner one. */
	weir_receiver *in;
	weir_sender *out;
	/* Where a sentence goes that says why the pipeline could not be started
	 * and names the stage; cut to fit, always ended by a NUL.  Untouched if
	 * it was started. */
	char *message;
	size_t message_size;
	void *reserved[4];
} weir_pipeline_options;

/* clang-format off */
#define WEIR_PIPELINE_OPTIONS_INIT \
	{ NULL, NULL, NULL, 0, { NULL, NULL, NULL, NULL } }
/* clang-format on */

/* Link the stages and start their threads.  `stages` is copied, `options` may
 * be NULL.  *pipeline is there before any stage runs.  Returns 0, or with
 * *pipeline untouched and no stage having run:
 *   INVALID_ARGUMENT  no stages; a stage without a function or with two, with
 *                     zero threads, with a size that is not that of the stage
 *                     before it; a first stage that reads, or a last one that
 *                     writes, without anything to read or write; WEIR_ORDERED
 *                     without map, or with a window smaller than its threads;
 *                     attributes that pthread_create refuses; reserved not
 *                     NULL; NULL stages or pipeline
 *   CLOSED_RESOURCE   options->in or ->out is closed
 *   NO_MEMORY         memory or threads ran out
 */
WEIR_API WEIR_NODISCARD int weir_pipeline_start(const weir_stage *stages,
	size_t count, const weir_pipeline_options *options,
	weir_pipeline **pipeline);

/* Wait until all threads have returned and are gone.  Returns the first
 * failure, and in *stage (which may be NULL) the name of the stage that failed,
 * which lives as long as the pipeline; 0 and NULL if none did; CLOSED_RESOURCE
 * and NULL if it was cancelled before it was through.  From any thread, several
 * at once and any number of times, with the same result; but not from a stage
 * of this pipeline, which would wait for itself. */
WEIR_API WEIR_NODISCARD int weir_pipeline_join(
	weir_pipeline *pipeline, const char **stage);

/* Close all ends that the pipeline has, at once: whatever waits in one returns,
 * what is in the channels is dropped.  From any thread, also a stage's; does
 * not wait for them.  Does nothing once all are through. */
WEIR_API void weir_pipeline_cancel(weir_pipeline *pipeline);

/* Cancel, join, and release; NULL is fine.  The last use of the pointer, and
 * not from a stage of this pipeline. */
WEIR_API void weir_pipeline_free(weir_pipeline *pipeline);

/* A snapshot of one stage. */
typedef struct weir_stage_statistics {
	const char *name; /* lives as long as the pipeline */
	unsigned threads;
	unsigned running;    /* of them, not through yet */
	weir_statistics in;  /* of what it reads; zeros for a source */
	weir_statistics out; /* of what it writes; zeros for a sink */
	uint64_t reserved[4];
} weir_stage_statistics;

/* Fill in up to `count` of the pipeline's stages; returns how many it has.
 * Cheap: takes no lock, allocates nothing. */
WEIR_API size_t weir_pipeline_statistics(const weir_pipeline *pipeline,
	weir_stage_statistics *out, size_t count);

/* -- Pools ---------------------------------------------------------------- */

/* The one-stage case: elements go in by submit and come out by next.
 *
 *	weir_pool_open(&stage, &jobs, &results, &pool);
 *	weir_pool_submit(pool, &job);           // any threads
 *	weir_pool_next(pool, &result);          // any threads
 *	weir_pool_finish(pool);                 // no more jobs
 *	while (weir_pool_next(pool, &result) == WEIR_OK) ...
 *	status = weir_pool_join(pool);
 *	weir_pool_free(pool);
 */
typedef struct weir_pool weir_pool;

/* `jobs` and `results` say what the channels of the two are like: capacity,
 * drop, allocator.  Their element_size may be left 0: it is the stage's in_size
 * and out_size; the stage's own capacity and drop are not used.  `results` is
 * NULL for a pool that has none.  Results come in any order, or with
 * WEIR_ORDERED in that of the jobs.  Returns what weir_pipeline_start does. */
WEIR_API WEIR_NODISCARD int weir_pool_open(const weir_stage *stage,
	const weir_options *jobs, const weir_options *results,
	weir_pool **pool);

/* As weir_send and weir_try_send.  BROKEN_RESOURCE: it has failed or was
 * cancelled; CLOSED_RESOURCE: after weir_pool_finish. */
WEIR_API WEIR_NODISCARD int weir_pool_submit(
	weir_pool *pool, const void *element);
WEIR_API WEIR_NODISCARD int weir_pool_try_submit(
	weir_pool *pool, const void *element);

/* As weir_recv and weir_try_recv.  END_OF_CHANNEL: all results are out, and no
 * more can come.  INVALID_ARGUMENT: the pool has no results. */
WEIR_API WEIR_NODISCARD int weir_pool_next(weir_pool *pool, void *result);
WEIR_API WEIR_NODISCARD int weir_pool_try_next(weir_pool *pool, void *result);

/* No more submits: who works goes on to the end of what was submitted. */
WEIR_API void weir_pool_finish(weir_pool *pool);

/* Finish, and wait until all is done; else as for pipelines.  Results that do
 * not fit their channel are waited for: somebody must read them. */
WEIR_API WEIR_NODISCARD int weir_pool_join(weir_pool *pool);

/* As for pipelines: what was submitted and not begun is dropped.  Results that
 * are there can still be read. */
WEIR_API void weir_pool_cancel(weir_pool *pool);

/* Cancel, join, and release; NULL is fine.  The last use of the pointer. */
WEIR_API void weir_pool_free(weir_pool *pool);

/* The stage's. */
WEIR_API void weir_pool_statistics(
	const weir_pool *pool, weir_stage_statistics *out);

WEIR_END_DECLS

#endif
