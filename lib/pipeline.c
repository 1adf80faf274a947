/* SPDX-License-Identifier: MIT */
/* pipeline.c - stages linked and run; see <weir/pipeline.h>.
 *
 * The threads are made before any of them works, so that a pipeline either
 * starts as a whole or not at all.  From then on it is run by closes alone: a
 * worker that returns closes its ends, a worker that fails those of its stage,
 * cancel all.  The ends are freed with the pipeline, hence may be closed by
 * anybody at any time.
 *
 * How it ended is decided before anything is closed on account of it, so that
 * no failure that follows from a failure comes first.
 */
#include <weir/pipeline.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "pipeline_check.h"
#include "stage.h"

enum phase { STARTING, WORKING, ABANDONED };
enum joining { NOT_JOINED, JOINING, JOINED };

struct weir_pipeline {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* phase, or joining */
	/* Inside lock. */
	enum phase phase;
	enum joining joining;
	unsigned running; /* threads that have not returned */
	bool decided;     /* `status` is: by a failure or by cancel */
	int status;
	const struct stage *failed;
	/* Written before any thread works. */
	size_t n_stages;
	struct stage stages[];
};

/* -- The threads ----------------------------------------------------------- */

static bool may_work(weir_pipeline *pipeline)
{
	bool working;

	pthread_mutex_lock(&pipeline->lock);
	while (pipeline->phase == STARTING)
		pthread_cond_wait(&pipeline->changed, &pipeline->lock);
	working = pipeline->phase == WORKING;
	pthread_mutex_unlock(&pipeline->lock);
	return working;
}

/* The first one says how the pipeline ended. */
static void decide(
	weir_pipeline *pipeline, int status, const struct stage *failed)
{
	pthread_mutex_lock(&pipeline->lock);
	if (!pipeline->decided && pipeline->running > 0) {
		pipeline->decided = true;
		pipeline->status = status;
		pipeline->failed = failed;
	}
	pthread_mutex_unlock(&pipeline->lock);
}

static void set_name(const struct worker *worker)
{
	const struct stage *stage = worker->stage;
	char name[16]; /* as much as the system keeps */

	if (stage->is.threads == 1)
		snprintf(name, sizeof name, "%.15s", stage->is.name);
	else
		snprintf(name, sizeof name, "%.11s.%u", stage->is.name,
			(unsigned)(worker - stage->workers) % 1000);
	pthread_setname_np(pthread_self(), name);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct stage *stage = worker->stage;
	weir_pipeline *pipeline = stage->pipeline;
	int status;

	set_name(worker);
	if (!may_work(pipeline))
		return NULL;
	status = wi_stage_work(worker);
	if (!wi_stage_is_through(status)) {
		decide(pipeline, status, stage);
		wi_stage_close(stage);
	}
	wi_stage_leave(worker);
	pthread_mutex_lock(&pipeline->lock);
	pipeline->running--;
	pthread_mutex_unlock(&pipeline->lock);
	return NULL;
}

/* Threads of the pipeline leave to those of the program the signals that are
 * for the program.  Those that a thread brings upon itself, and the profiler's,
 * stay as they are. */
static void block_signals(sigset_t *before)
{
	static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE,
		SIGPROF, SIGSEGV, SIGSYS, SIGTRAP};
	sigset_t blocked;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&blocked, own[i]);
	pthread_sigmask(SIG_BLOCK, &blocked, before);
}

static int create(struct worker *worker)
{
	const pthread_attr_t *attributes = worker->stage->is.attributes;
	sigset_t before;
	int error;

	block_signals(&before);
	error = pthread_create(&worker->thread, attributes, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void enter_phase(weir_pipeline *pipeline, enum phase phase)
{
	pthread_mutex_lock(&pipeline->lock);
	pipeline->phase = phase;
	pthread_cond_broadcast(&pipeline->changed);
	pthread_mutex_unlock(&pipeline->lock);
}

/* Wait for the first `count` threads, counted through all stages.  Not a
 * cancellation point. */
static void join_threads(weir_pipeline *pipeline, unsigned count)
{
	struct stage *stage = pipeline->stages;
	int cancelable;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelable);
	for (; count > 0; stage++)
		for (unsigned i = 0; i < stage->is.threads && count > 0;
			i++, count--)
			pthread_join(stage->workers[i].thread, NULL);
	pthread_setcancelstate(cancelable, &cancelable);
}

/* All threads, or none.  0 or pthread_create's error, and whose it was.  The
 * program has its pipeline before any stage works, as one may cancel it. */
static int create_threads(weir_pipeline *pipeline, weir_pipeline **result,
	const struct stage **refused)
{
	unsigned count = 0;

	for (size_t i = 0; i < pipeline->n_stages; i++) {
		struct stage *stage = &pipeline->stages[i];

		for (unsigned j = 0; j < stage->is.threads; j++, count++) {
			int error = create(&stage->workers[j]);

			if (error != 0) {
				enter_phase(pipeline, ABANDONED);
				join_threads(pipeline, count);
				*refused = stage;
				return error;
			}
		}
	}
	pipeline->running = count;
	*result = pipeline;
	enter_phase(pipeline, WORKING);
	return 0;
}

/* -- Starting -------------------------------------------------------------- */

/* The channel that a stage writes. */
static int open_link(
	const weir_stage *stage, weir_sender **tx, weir_receiver **rx)
{
	weir_options options = WEIR_OPTIONS_INIT;

	options.capacity = stage->capacity;
	options.element_size = stage->out_size;
	options.drop = stage->drop;
	options.drop_context = stage->drop_context;
	options.name = stage->name;
	return weir_open_with(&options, tx, rx);
}

static int init_stages(weir_pipeline *pipeline, const weir_stage *stages,
	size_t count, const weir_pipeline_options *options)
{
	weir_receiver *link = NULL; /* from the stage before */
	int status = WEIR_OK;

	for (size_t i = 0; i < count && status == WEIR_OK; i++) {
		struct stage_ends ends = {
			.in = i == 0 ? options->in : link,
			.in_is_lent = i == 0,
			.out = options->out,
			.out_is_lent = i + 1 == count,
		};
		weir_receiver *next = NULL;
		weir_sender *tx = NULL;

		if (!ends.out_is_lent) {
			status = open_link(&stages[i], &tx, &next);
			ends.out = tx;
		}
		pipeline->n_stages = i + 1;
		if (status == WEIR_OK)
			status = wi_stage_init(&pipeline->stages[i], &stages[i],
				&ends, pipeline);
		weir_sender_free(tx);
		weir_receiver_free(link);
		link = next;
	}
	weir_receiver_free(link);
	return status;
}

static void destroy(weir_pipeline *pipeline)
{
	/* The ends of one stage are closed before the next one's, which then
	 * drops what is left. */
	for (size_t i = 0; i < pipeline->n_stages; i++)
		wi_stage_free(&pipeline->stages[i]);
	pthread_cond_destroy(&pipeline->changed);
	pthread_mutex_destroy(&pipeline->lock);
	free(pipeline);
}

/* Threads or memory may be had another time; anything else lies in the
 * attributes. */
static int start_threads(weir_pipeline *pipeline,
	const weir_pipeline_options *options, weir_pipeline **result)
{
	const struct stage *refused;
	int error = create_threads(pipeline, result, &refused);

	if (error == 0)
		return WEIR_OK;
	wi_pipeline_say(options, "stage %zu (%s) gets no thread: %s",
		(size_t)(refused - pipeline->stages) + 1, refused->is.name,
		strerrordesc_np(error));
	return error == EAGAIN || error == ENOMEM ? WEIR_NO_MEMORY
						  : WEIR_INVALID_ARGUMENT;
}

/* Not inlined: clang takes it that calloc leaves errno alone, and would then
 * not restore it. */
__attribute__((noinline)) static int start(const weir_stage *stages,
	size_t count, const weir_pipeline_options *options,
	weir_pipeline **result)
{
	weir_pipeline *pipeline;
	int status;

	if (stages == NULL || count == 0 || result == NULL) {
		wi_pipeline_say(options, "there are no stages");
		return WEIR_INVALID_ARGUMENT;
	}
	status = wi_pipeline_check(stages, count, options);
	if (status != WEIR_OK)
		return status;
	if ((options->in != NULL && weir_receiver_is_closed(options->in)) ||
		(options->out != NULL && weir_sender_is_closed(options->out))) {
		wi_pipeline_say(options, "its %s is closed",
			options->in != NULL &&
					weir_receiver_is_closed(options->in)
				? "input"
				: "output");
		return WEIR_CLOSED_RESOURCE;
	}
	pipeline =
		calloc(1, sizeof *pipeline + count * sizeof *pipeline->stages);
	if (pipeline == NULL) {
		wi_pipeline_say(options, "no memory for a pipeline");
		return WEIR_NO_MEMORY;
	}
	pthread_mutex_init(&pipeline->lock, NULL);
	pthread_cond_init(&pipeline->changed, NULL);
	status = init_stages(pipeline, stages, count, options);
	if (status == WEIR_OK)
		status = start_threads(pipeline, options, result);
	else
		wi_pipeline_say(options, "stage %zu (%s): %s",
			pipeline->n_stages,
			wi_pipeline_stage_name(&stages[pipeline->n_stages - 1]),
			weir_strerror(status));
	if (status != WEIR_OK)
		destroy(pipeline);
	return status;
}

int weir_pipeline_start(const weir_stage *stages, size_t count,
	const weir_pipeline_options *options, weir_pipeline **result)
{
	static const weir_pipeline_options defaults =
		WEIR_PIPELINE_OPTIONS_INIT;
	int saved = errno;
	int status = start(
		stages, count, options != NULL ? options : &defaults, result);

	errno = saved;
	return status;
}

/* -- Ending ---------------------------------------------------------------- */

/* The first one joins the threads, the others wait for it. */
static void wait_for_all(weir_pipeline *pipeline)
{
	unsigned threads = 0;
	int cancelable;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelable);
	pthread_mutex_lock(&pipeline->lock);
	if (pipeline->joining == NOT_JOINED) {
		pipeline->joining = JOINING;
		pthread_mutex_unlock(&pipeline->lock);
		for (size_t i = 0; i < pipeline->n_stages; i++)
			threads += pipeline->stages[i].is.threads;
		join_threads(pipeline, threads);
		pthread_mutex_lock(&pipeline->lock);
		pipeline->joining = JOINED;
		pthread_cond_broadcast(&pipeline->changed);
	}
	while (pipeline->joining != JOINED)
		pthread_cond_wait(&pipeline->changed, &pipeline->lock);
	pthread_mutex_unlock(&pipeline->lock);
	pthread_setcancelstate(cancelable, &cancelable);
}

int weir_pipeline_join(weir_pipeline *pipeline, const char **stage)
{
	if (pipeline == NULL)
		return WEIR_INVALID_ARGUMENT;
	wait_for_all(pipeline);
	if (stage != NULL)
		*stage = pipeline->failed != NULL ? pipeline->failed->is.name
						  : NULL;
	return pipeline->status;
}

void weir_pipeline_cancel(weir_pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	decide(pipeline, WEIR_CLOSED_RESOURCE, NULL);
	/* From the sink up: each stage learns that it is closed before it could
	 * take the stage before it for ended. */
	for (size_t i = pipeline->n_stages; i-- > 0;)
		wi_stage_close(&pipeline->stages[i]);
}

void weir_pipeline_free(weir_pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	weir_pipeline_cancel(pipeline);
	wait_for_all(pipeline);
	destroy(pipeline);
}

size_t weir_pipeline_statistics(
	const weir_pipeline *pipeline, weir_stage_statistics *out, size_t count)
{
	if (pipeline == NULL)
		return 0;
	for (size_t i = 0; out != NULL && i < count && i < pipeline->n_stages;
		i++) {
		const struct stage *stage = &pipeline->stages[i];

		memset(&out[i], 0, sizeof out[i]);
		out[i].name = stage->is.name;
		out[i].threads = stage->is.threads;
		/* relaxed: a figure for statistics. */
		out[i].running = load_relaxed(&stage->running);
		weir_receiver_statistics(stage->workers->in, &out[i].in);
		weir_sender_statistics(stage->workers->out, &out[i].out);
	}
	return pipeline->n_stages;
}
