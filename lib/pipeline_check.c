/* SPDX-License-Identifier: MIT */
/* pipeline_check.c - see pipeline_check.h. */
#include "pipeline_check.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "channel.h"

void wi_pipeline_say(
	const weir_pipeline_options *options, const char *format, ...)
{
	va_list arguments;

	if (options->message != NULL && options->message_size > 0) {
		va_start(arguments, format);
		vsnprintf(options->message, options->message_size, format,
			arguments);
		va_end(arguments);
	}
}

/* clang-format off */
#define refuse(...) (wi_pipeline_say(__VA_ARGS__), WEIR_INVALID_ARGUMENT)
/* clang-format on */

const char *wi_pipeline_stage_name(const weir_stage *stage)
{
	return stage->name != NULL ? stage->name : "stage";
}

/* Threads that cannot be joined would outlive the pipeline. */
static bool is_detached(const pthread_attr_t *attributes)
{
	int state;

	return attributes != NULL &&
	       pthread_attr_getdetachstate(attributes, &state) == 0 &&
	       state == PTHREAD_CREATE_DETACHED;
}

static bool all_null(void *const *pointers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pointers[i] != NULL)
			return false;
	return true;
}

/* On its own. */
static int check_stage(const weir_stage *stage, size_t place,
	const weir_pipeline_options *options)
{
	const char *name = wi_pipeline_stage_name(stage);

	if (stage->run == NULL && stage->map == NULL)
		return refuse(
			options, "stage %zu (%s) has no function", place, name);
	if (stage->run != NULL && stage->map != NULL)
		return refuse(options, "stage %zu (%s) has both run and map",
			place, name);
	if (stage->threads == 0)
		return refuse(
			options, "stage %zu (%s) has no threads", place, name);
	if (stage->flags & ~WEIR_ORDERED)
		return refuse(options, "stage %zu (%s) has unknown flags",
			place, name);
	if (stage->flags & WEIR_ORDERED && stage->map == NULL)
		return refuse(options,
			"stage %zu (%s) is ordered, which takes a map", place,
			name);
	if (stage->flags & WEIR_ORDERED && stage->window > 0 &&
		stage->window < stage->threads)
		return refuse(options,
			"stage %zu (%s) has a window of %zu for %u threads",
			place, name, stage->window, stage->threads);
	if (is_detached(stage->attributes))
		return refuse(options,
			"stage %zu (%s) has attributes for detached threads",
			place, name);
	if (!all_null(stage->reserved, 4))
		return refuse(options,
			"stage %zu (%s) has something in reserved", place,
			name);
	return WEIR_OK;
}

/* What goes into this stage fits; `from` says where it comes from. */
static int check_link(const weir_stage *stage, size_t place, size_t size,
	const char *from, const weir_pipeline_options *options)
{
	if (stage->in_size == size)
		return WEIR_OK;
	return refuse(options,
		"stage %zu (%s) reads elements of %zu bytes, but %s gives %zu",
		place, wi_pipeline_stage_name(stage), stage->in_size, from,
		size);
}

static size_t element_size(const struct endpoint *end)
{
	return end->channel->queue.element_size;
}

int wi_pipeline_check(const weir_stage *stages, size_t count,
	const weir_pipeline_options *options)
{
	const weir_stage *last = &stages[count - 1];
	int status = WEIR_OK;

	for (size_t i = 0; i < count && status == WEIR_OK; i++) {
		status = check_stage(&stages[i], i + 1, options);
		if (status == WEIR_OK && i > 0)
			status = check_link(&stages[i], i + 1,
				stages[i - 1].out_size,
				wi_pipeline_stage_name(&stages[i - 1]),
				options);
	}
	if (status != WEIR_OK)
		return status;
	if (options->in != NULL)
		status = check_link(stages, 1,
			element_size(wi_receiver_end(options->in)), "its input",
			options);
	else if (stages->map != NULL || stages->in_size != 0)
		return refuse(options, "stage 1 (%s) has nothing to read",
			wi_pipeline_stage_name(stages));
	if (status != WEIR_OK)
		return status;
	if (options->out == NULL && last->out_size != 0)
		return refuse(options,
			"stage %zu (%s) writes elements of %zu bytes, but "
			"nobody reads them",
			count, wi_pipeline_stage_name(last), last->out_size);
	if (options->out != NULL &&
		last->out_size != element_size(wi_sender_end(options->out)))
		return refuse(options,
			"stage %zu (%s) writes elements of %zu bytes, but its "
			"output takes %zu",
			count, wi_pipeline_stage_name(last), last->out_size,
			element_size(wi_sender_end(options->out)));
	if (!all_null(options->reserved, 4))
		return refuse(
			options, "the options have something in reserved");
	return WEIR_OK;
}
