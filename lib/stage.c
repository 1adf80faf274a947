/* SPDX-License-Identifier: MIT */
/* stage.c - see stage.h.
 *
 * Ordering edges
 *	[left]  each worker's decrement of `running` -> that of the last one:
 *		what the others put into the window is visible to who drops it
 */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "reorder.h"

#define WINDOW_PER_THREAD 4 /* results, unless the program says how many */

/* -- Making and freeing ---------------------------------------------------- */

static int init_worker(struct worker *worker, struct stage *stage,
	const struct stage_ends *ends)
{
	size_t in_size = stage->is.in_size, out_size = stage->is.out_size;
	int status = WEIR_OK;

	worker->stage = stage;
	if (ends->in_is_lent)
		worker->in = ends->in;
	else if (ends->in != NULL)
		status = weir_receiver_clone(ends->in, &worker->in);
	if (status != WEIR_OK)
		return status;
	if (ends->out_is_lent)
		worker->out = ends->out;
	else if (ends->out != NULL)
		status = weir_sender_clone(ends->out, &worker->out);
	if (status != WEIR_OK || stage->is.map == NULL)
		return status;
	worker->in_element = calloc(1, in_size > 0 ? in_size : 1);
	worker->out_element = calloc(1, out_size > 0 ? out_size : 1);
	return worker->in_element == NULL || worker->out_element == NULL
		       ? WEIR_NO_MEMORY
		       : WEIR_OK;
}

int wi_stage_init(struct stage *stage, const weir_stage *description,
	const struct stage_ends *ends, weir_pipeline *pipeline)
{
	const char *name = description->name;
	int status = WEIR_OK;

	stage->is = *description;
	stage->pipeline = pipeline;
	if (ends->in_is_lent)
		stage->lent.in = ends->in;
	if (ends->out_is_lent)
		stage->lent.out = ends->out;
	init_atomic(&stage->running, stage->is.threads);
	stage->is.name = strdup(name != NULL ? name : "stage");
	stage->workers = calloc(stage->is.threads, sizeof *stage->workers);
	if (stage->is.name == NULL || stage->workers == NULL)
		return WEIR_NO_MEMORY;
	if (stage->is.flags & WEIR_ORDERED) {
		size_t window = stage->is.window;

		if (window == 0)
			window = (size_t)stage->is.threads * WINDOW_PER_THREAD;
		stage->reorder = wi_reorder_create(window, stage->is.out_size);
		if (stage->reorder == NULL)
			return WEIR_NO_MEMORY;
	}
	for (unsigned i = 0; i < stage->is.threads && status == WEIR_OK; i++)
		status = init_worker(&stage->workers[i], stage, ends);
	return status;
}

void wi_stage_free(struct stage *stage)
{
	for (unsigned i = 0; stage->workers != NULL && i < stage->is.threads;
		i++) {
		struct worker *worker = &stage->workers[i];

		if (stage->lent.in == NULL)
			weir_receiver_free(worker->in);
		if (stage->lent.out == NULL)
			weir_sender_free(worker->out);
		free(worker->in_element);
		free(worker->out_element);
	}
	wi_reorder_destroy(stage->reorder);
	free(stage->workers);
	free((char *)(uintptr_t)stage->is.name);
}

/* -- Closing --------------------------------------------------------------- */

/* It takes no more; what it has in work still goes out. */
static void close_inputs(struct stage *stage)
{
	for (unsigned i = 0; i < stage->is.threads; i++)
		weir_receiver_close(stage->workers[i].in);
}

void wi_stage_close(struct stage *stage)
{
	if (stage->reorder != NULL)
		wi_reorder_break(stage->reorder);
	close_inputs(stage);
	for (unsigned i = 0; i < stage->is.threads; i++)
		weir_sender_close(stage->workers[i].out);
}

/* What happens to a result that cannot be sent: the same as to one that was
 * sent and is not received. */
static const struct dropper *dropper_of(const weir_sender *out)
{
	return &wi_sender_end(out)->channel->dropper;
}

static void drop(const weir_sender *out, void *element)
{
	const struct dropper *dropper = dropper_of(out);

	if (dropper->drop != NULL)
		dropper->drop(element, dropper->context);
}

void wi_stage_leave(struct worker *worker)
{
	struct stage *stage = worker->stage;

	if (stage->lent.in == NULL)
		weir_receiver_close(worker->in);
	if (stage->lent.out == NULL)
		weir_sender_close(worker->out);
	/* acq_rel [left]: with the same line in other threads. */
	if (fetch_sub_acq_rel(&stage->running, 1) != 1)
		return;
	if (stage->reorder != NULL && worker->out != NULL)
		wi_reorder_drain(stage->reorder, dropper_of(worker->out));
	weir_receiver_close(stage->lent.in);
	weir_sender_close(stage->lent.out);
}

/* -- What a worker does ---------------------------------------------------- */

static int work_in_any_order(struct worker *worker)
{
	const weir_stage *is = &worker->stage->is;
	void *out = worker->out != NULL ? worker->out_element : NULL;
	int status;

	while ((status = weir_recv(worker->in, worker->in_element)) ==
		WEIR_OK) {
		status = is->map(is->context, worker->in_element, out);
		if (status == WEIR_SKIP || (status == WEIR_OK && out == NULL))
			continue;
		if (status != WEIR_OK)
			break;
		status = weir_send(worker->out, out);
		if (status != WEIR_OK) {
			drop(worker->out, out);
			break;
		}
	}
	return status;
}

/* What a map's status makes of its ticket. */
static enum outcome outcome_of(int status, bool has_result)
{
	if (status == WEIR_OK && has_result)
		return FINISHED;
	return status == WEIR_OK || status == WEIR_SKIP ? SKIPPED : LAST;
}

static int work_in_order(struct worker *worker)
{
	struct reorder *reorder = worker->stage->reorder;
	const weir_stage *is = &worker->stage->is;
	bool has_result = worker->out != NULL;
	uint64_t ticket;
	int status;

	/* Who gets no ticket just leaves: others may have results to put. */
	while ((status = wi_reorder_take(reorder, worker->in,
			worker->in_element, &ticket)) == WEIR_OK) {
		int mapped = is->map(is->context, worker->in_element,
			has_result ? wi_reorder_place(reorder, ticket) : NULL);

		if (mapped != WEIR_SKIP && !wi_stage_is_through(mapped))
			return mapped; /* and it breaks when that is known */
		status = wi_reorder_put(reorder, ticket,
			outcome_of(mapped, has_result), worker->out);
		if (status != WEIR_OK) {
			if (wi_stage_is_through(status))
				wi_reorder_break(reorder);
			return status;
		}
		if (mapped != WEIR_OK && mapped != WEIR_SKIP)
			return mapped;
	}
	return status;
}

int wi_stage_work(struct worker *worker)
{
	struct stage *stage = worker->stage;
	const weir_stage *is = &stage->is;
	int status;

	if (is->run != NULL)
		return is->run(is->context, worker->in, worker->out);
	status = stage->reorder != NULL ? work_in_order(worker)
					: work_in_any_order(worker);
	/* What ended this worker (the end of the input, a broken output, a map
	 * that wants no more) is the end for all, also for those who wait for
	 * an element that may be long in coming.  A failure is made known
	 * first: the caller closes. */
	if (wi_stage_is_through(status))
		close_inputs(stage);
	return status;
}
