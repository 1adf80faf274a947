/* SPDX-License-Identifier: MIT */
/* pipeline_fixture.c - see pipeline_fixture.h. */
#include "pipeline_fixture.h"

#include <dirent.h>
#include <string.h>

/* -- The ledger ------------------------------------------------------------ */

struct ledger ledger;

void ledger_reset(void)
{
	memset(&ledger, 0, sizeof(ledger));
}

void ledger_make(uint64_t value)
{
	atomic_fetch_add(&ledger.made, 1);
	if (value >= LEDGER_SIZE || atomic_exchange(&ledger.alive[value], 1))
		atomic_fetch_add(&ledger.wrong, 1);
}

void ledger_end(uint64_t value)
{
	atomic_fetch_add(&ledger.ended, 1);
	if (value >= LEDGER_SIZE || !atomic_exchange(&ledger.alive[value], 0))
		atomic_fetch_add(&ledger.wrong, 1);
}

void ledger_drop(void *element, void *context)
{
	(void)context;
	atomic_fetch_add(&ledger.dropped, 1);
	ledger_end(*(const uint64_t *)element);
}

uint32_t ledger_balanced(void)
{
	cr_assert(atomic_load(&ledger.wrong) == 0,
		"%u elements ended twice, or were never made", ledger.wrong);
	cr_assert(atomic_load(&ledger.made) == atomic_load(&ledger.ended),
		"%u elements were made, %u ended", ledger.made, ledger.ended);
	return ledger.made;
}

/* -- Stages ---------------------------------------------------------------- */

/* Does the thread that has just come in fail at once? */
static bool acts(struct conduct *conduct)
{
	return atomic_fetch_add(&conduct->threads, 1) + 1 ==
	       conduct->acting_thread;
}

static bool acts_at(const struct conduct *conduct, uint64_t value)
{
	return conduct->acts && value >= conduct->act_at;
}

void see(struct conduct *conduct, uint64_t value)
{
	atomic_fetch_add(&conduct->seen, 1);
	atomic_fetch_add(&conduct->sum, value);
}

int source_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct conduct *conduct = context;
	int status = WEIR_OK;
	uint64_t value;

	if (in != NULL)
		return WEIR_INVALID_ARGUMENT;
	if (acts(conduct))
		return conduct->status;
	while ((value = atomic_fetch_add(&conduct->next, 1)) < conduct->count) {
		if (acts_at(conduct, value))
			return conduct->status;
		see(conduct, value);
		ledger_make(value);
		status = weir_send(out, &value);
		if (status != WEIR_OK) {
			ledger_end(value);
			break;
		}
	}
	return status;
}

int pass_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct conduct *conduct = context;
	uint64_t value;
	int status;

	if (acts(conduct))
		return conduct->status;
	while ((status = weir_recv(in, &value)) == WEIR_OK) {
		see(conduct, value);
		if (acts_at(conduct, value))
			status = conduct->status;
		else
			status = weir_send(out, &value);
		if (acts_at(conduct, value) || status != WEIR_OK) {
			ledger_end(value);
			break;
		}
	}
	return status;
}

int pass_map(void *context, const void *in, void *out)
{
	struct conduct *conduct = context;
	uint64_t value = *(const uint64_t *)in;

	see(conduct, value);
	while (conduct->hold != NULL && value == 0 &&
		atomic_load(conduct->hold))
		sched_yield();
	if (acts_at(conduct, value)) {
		ledger_end(value);
		return conduct->status;
	}
	*(uint64_t *)out = value;
	return WEIR_OK;
}

int odd_map(void *context, const void *in, void *out)
{
	uint64_t value = *(const uint64_t *)in;

	see(context, value);
	if (value % 2 == 0) {
		ledger_end(value);
		return WEIR_SKIP;
	}
	*(uint64_t *)out = value;
	return WEIR_OK;
}

static void consume(struct conduct *conduct, uint64_t value)
{
	see(conduct, value);
	ledger_end(value);
}

int sink_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct conduct *conduct = context;
	uint64_t value;
	int status;

	if (out != NULL)
		return WEIR_INVALID_ARGUMENT;
	if (acts(conduct))
		return conduct->status;
	while ((status = weir_recv(in, &value)) == WEIR_OK) {
		if (value != atomic_fetch_add(&conduct->expected, 1))
			atomic_fetch_add(&conduct->bad, 1);
		consume(conduct, value);
		if (acts_at(conduct, value))
			return conduct->status;
	}
	return status;
}

int sink_map(void *context, const void *in, void *out)
{
	struct conduct *conduct = context;
	uint64_t value = *(const uint64_t *)in;

	if (out != NULL)
		return WEIR_INVALID_ARGUMENT;
	consume(conduct, value);
	return acts_at(conduct, value) ? conduct->status : WEIR_OK;
}

static weir_stage stage_of(const char *name, struct conduct *conduct)
{
	weir_stage stage = WEIR_STAGE_INIT;

	stage.name = name;
	stage.context = conduct;
	stage.in_size = sizeof(uint64_t);
	stage.out_size = sizeof(uint64_t);
	stage.capacity = 4;
	stage.drop = ledger_drop;
	return stage;
}

weir_stage source_stage(struct conduct *conduct)
{
	weir_stage stage = stage_of("source", conduct);

	stage.run = source_run;
	stage.in_size = 0;
	return stage;
}

weir_stage run_stage(struct conduct *conduct)
{
	weir_stage stage = stage_of("run", conduct);

	stage.run = pass_run;
	return stage;
}

weir_stage map_stage(struct conduct *conduct)
{
	weir_stage stage = stage_of("map", conduct);

	stage.map = pass_map;
	return stage;
}

weir_stage sink_stage(struct conduct *conduct)
{
	weir_stage stage = stage_of("sink", conduct);

	stage.run = sink_run;
	stage.out_size = 0;
	return stage;
}

weir_pipeline *start_pipeline(const weir_stage *stages, size_t count,
	const weir_pipeline_options *options)
{
	weir_pipeline *pipeline = NULL;

	assert_status(weir_pipeline_start(stages, count, options, &pipeline),
		WEIR_OK);
	cr_assert(pipeline != NULL);
	return pipeline;
}

struct joining {
	weir_pipeline *pipeline;
	const char *stage;
};

static int run_join(void *argument)
{
	struct joining *joining = argument;

	return weir_pipeline_join(joining->pipeline, &joining->stage);
}

int join_in_time(weir_pipeline *pipeline, const char **stage)
{
	struct joining joining = {.pipeline = pipeline};
	struct task task;
	int status;

	task_start(&task, run_join, &joining);
	status = task_join(&task);
	if (stage != NULL)
		*stage = joining.stage;
	return status;
}

void finish_pipeline(weir_pipeline *pipeline, int status, const char *stage)
{
	const char *failed = "untouched";

	assert_status(join_in_time(pipeline, &failed), status);
	if (stage == NULL)
		cr_assert(failed == NULL, "%s is named", failed);
	else
		cr_assert(failed != NULL && strcmp(failed, stage) == 0,
			"%s is named, not %s", failed ? failed : "no stage",
			stage);
	weir_pipeline_free(pipeline);
}

/* -- Threads --------------------------------------------------------------- */

int thread_count(void)
{
	DIR *directory = opendir("/proc/self/task");
	const struct dirent *entry;
	int count = 0;

	cr_assert(directory != NULL);
	while ((entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

void wait_until_threads(int count)
{
	/* A joined thread is still listed for a moment. */
	wait_until(thread_count() == count);
}
