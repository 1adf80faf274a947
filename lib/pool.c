/* SPDX-License-Identifier: MIT */
/* pool.c - a pipeline of one stage, and the program's two ends of it; see
 * <weir/pipeline.h>. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/pipeline.h>

struct weir_pool {
	weir_pipeline *pipeline;
	weir_sender *jobs;
	weir_receiver *results; /* NULL if there are none */
	/* Lent to the pipeline. */
	weir_receiver *in;
	weir_sender *out;
};

/* With the stage's size, unless the program has said one. */
static int open_channel(const weir_options *options, size_t size,
	weir_sender **tx, weir_receiver **rx)
{
	weir_options sized = *options;

	if (sized.element_size == 0)
		sized.element_size = size;
	return weir_open_with(&sized, tx, rx);
}

/* Not inlined: see pipeline.c. */
__attribute__((noinline)) static int open_pool(const weir_stage *stage,
	const weir_options *jobs, const weir_options *results,
	weir_pool **result)
{
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_pool *pool;
	int status;

	if (stage == NULL || jobs == NULL || result == NULL)
		return WEIR_INVALID_ARGUMENT;
	pool = calloc(1, sizeof *pool);
	if (pool == NULL)
		return WEIR_NO_MEMORY;
	status = open_channel(jobs, stage->in_size, &pool->jobs, &pool->in);
	if (status == WEIR_OK && results != NULL)
		status = open_channel(
			results, stage->out_size, &pool->out, &pool->results);
	options.in = pool->in;
	options.out = pool->out;
	if (status == WEIR_OK)
		status = weir_pipeline_start(
			stage, 1, &options, &pool->pipeline);
	if (status == WEIR_OK)
		*result = pool;
	else
		weir_pool_free(pool);
	return status;
}

int weir_pool_open(const weir_stage *stage, const weir_options *jobs,
	const weir_options *results, weir_pool **result)
{
	int saved = errno;
	int status = open_pool(stage, jobs, results, result);

	errno = saved;
	return status;
}

int weir_pool_submit(weir_pool *pool, const void *element)
{
	return weir_send(pool != NULL ? pool->jobs : NULL, element);
}

int weir_pool_try_submit(weir_pool *pool, const void *element)
{
	return weir_try_send(pool != NULL ? pool->jobs : NULL, element);
}

int weir_pool_next(weir_pool *pool, void *result)
{
	return weir_recv(pool != NULL ? pool->results : NULL, result);
}

int weir_pool_try_next(weir_pool *pool, void *result)
{
	return weir_try_recv(pool != NULL ? pool->results : NULL, result);
}

void weir_pool_finish(weir_pool *pool)
{
	if (pool != NULL)
		weir_sender_close(pool->jobs);
}

int weir_pool_join(weir_pool *pool)
{
	if (pool == NULL)
		return WEIR_INVALID_ARGUMENT;
	weir_pool_finish(pool);
	return weir_pipeline_join(pool->pipeline, NULL);
}

void weir_pool_cancel(weir_pool *pool)
{
	if (pool != NULL)
		weir_pipeline_cancel(pool->pipeline);
}

void weir_pool_free(weir_pool *pool)
{
	if (pool == NULL)
		return;
	weir_pipeline_free(pool->pipeline);
	weir_sender_free(pool->jobs);
	weir_receiver_free(pool->in);
	weir_sender_free(pool->out);
	weir_receiver_free(pool->results);
	free(pool);
}

void weir_pool_statistics(const weir_pool *pool, weir_stage_statistics *out)
{
	if (out == NULL)
		return;
	memset(out, 0, sizeof *out);
	(void)weir_pipeline_statistics(
		pool != NULL ? pool->pipeline : NULL, out, 1);
}
