/* SPDX-License-Identifier: MIT */
/* test_pipeline_failure.c - failures anywhere, cancel at any moment: no thread
 * is left, no element is lost or ends twice, and join says what came first. */
#include "pipeline_fixture.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE, RUN, MAP, ORDERED, SINK, N_STAGES };

/* All kinds of stages in a row. */
struct row {
	struct conduct conducts[N_STAGES];
	weir_stage stages[N_STAGES];
};

static void row_init(struct row *row, unsigned threads, size_t capacity)
{
	static const char *const names[] = {
		"source", "run", "map", "ordered", "sink"};

	for (int i = 0; i < N_STAGES; i++)
		row->conducts[i] = (struct conduct){.count = 100000};
	row->stages[SOURCE] = source_stage(&row->conducts[SOURCE]);
	row->stages[RUN] = run_stage(&row->conducts[RUN]);
	row->stages[MAP] = map_stage(&row->conducts[MAP]);
	row->stages[ORDERED] = map_stage(&row->conducts[ORDERED]);
	row->stages[SINK] = sink_stage(&row->conducts[SINK]);
	row->stages[ORDERED].flags = WEIR_ORDERED;
	for (int i = 0; i < N_STAGES; i++) {
		row->stages[i].name = names[i];
		row->stages[i].threads = threads;
		row->stages[i].capacity = capacity;
	}
	ledger_reset();
}

static weir_pipeline *row_start(struct row *row)
{
	return start_pipeline(row->stages, N_STAGES, NULL);
}

/* -- A stage fails --------------------------------------------------------- */

/* Each stage, at different elements, over threads and capacities. */
ONE_CASE(pipeline_failure, of_any_stage_is_named_and_loses_nothing)
{
	static const uint64_t moments[] = {0, 1, 7, 200};
	static const size_t capacities[] = {0, 1, 16};
	int before = thread_count();

	for (int stage = 0; stage < N_STAGES; stage++)
		for (size_t i = 0; i < 4 * 3 * 2; i++) {
			struct row row;
			struct conduct *conduct = &row.conducts[stage];

			row_init(&row, i % 2 == 0 ? 1 : 3,
				capacities[i / 2 % 3]);
			conduct->acts = true;
			conduct->act_at = moments[i / 6];
			conduct->status = FAILURE;
			finish_pipeline(row_start(&row), FAILURE,
				row.stages[stage].name);
			cr_assert(ledger_balanced() < 100000);
		}
	wait_until_threads(before);
}

/* The stage's first, second, ... thread fails when it comes in, with a status
 * that is positive. */
ONE_CASE(pipeline_failure, of_any_thread_ends_the_stage)
{
	static const int stages[] = {SOURCE, RUN, SINK}; /* those with run */
	int before = thread_count();

	for (size_t i = 0; i < 4 * LENGTH(stages); i++) {
		struct row row;
		int stage = stages[i / 4];

		row_init(&row, 4, 2);
		row.conducts[stage].acting_thread = 1 + (int)(i % 4);
		row.conducts[stage].status = 9;
		finish_pipeline(row_start(&row), 9, row.stages[stage].name);
		ledger_balanced();
	}
	wait_until_threads(before);
}

/* Turns the end that follows from another's failure into one of its own. */
static int touchy_run(void *context, weir_receiver *in, weir_sender *out)
{
	uint64_t value = 0;
	int status = WEIR_OK;

	while (status == WEIR_OK) {
		if (in != NULL)
			status = weir_recv(in, &value);
		if (status == WEIR_OK && out != NULL)
			status = weir_send(out, &value);
	}
	(void)context;
	return -1000;
}

ONE_CASE(pipeline_failure, that_follows_from_another_does_not_hide_it)
{
	for (int i = 0; i < 300; i++) {
		struct conduct map = {.count = 1000,
			.acts = true,
			.act_at = 0,
			.status = FAILURE};
		weir_stage stages[] = {
			source_stage(NULL), map_stage(&map), sink_stage(NULL)};

		for (size_t j = 0; j < LENGTH(stages); j++)
			stages[j].drop = NULL;
		stages[0].run = touchy_run;
		stages[1].threads = 2;
		stages[1].flags = i % 2 ? WEIR_ORDERED : 0;
		stages[2].run = touchy_run;
		finish_pipeline(
			start_pipeline(stages, 3, NULL), FAILURE, "map");
	}
}

static weir_pipeline *observed;

/* Closing drops, and here that takes until the source is through. */
static void patient_drop(void *element, void *context)
{
	int64_t give_up = patience_from_now();
	weir_stage_statistics source;

	(void)element;
	(void)context;
	do {
		sched_yield();
		weir_pipeline_statistics(observed, &source, 1);
	} while (source.running > 0 && weir_now() < give_up);
}

ONE_CASE(pipeline_failure, is_known_before_anything_is_closed)
{
	for (unsigned flags = 0; flags <= WEIR_ORDERED; flags++) {
		struct conduct map = {
			.acts = true, .act_at = 0, .status = FAILURE};
		weir_stage stages[] = {
			source_stage(NULL), map_stage(&map), sink_stage(NULL)};

		for (size_t i = 0; i < LENGTH(stages); i++)
			stages[i].drop = patient_drop;
		stages[0].run = touchy_run;
		stages[0].capacity = 3;
		stages[1].flags = flags;
		stages[2].run = touchy_run;
		assert_status(weir_pipeline_start(stages, 3, NULL, &observed),
			WEIR_OK);
		finish_pipeline(observed, FAILURE, "map");
	}
}

ONE_CASE(pipeline_failure, lets_through_what_is_behind_it)
{
	struct conduct source = {.count = 100000}, sink = {.count = 1000},
		       run = {.count = 1000,
			       .acts = true,
			       .act_at = 50,
			       .status = FAILURE};
	weir_stage stages[] = {
		source_stage(&source), run_stage(&run), sink_stage(&sink)};

	stages[1].capacity = 64;
	finish_pipeline(start_pipeline(stages, 3, NULL), FAILURE, "run");
	cr_assert(atomic_load(&sink.seen) == 50);
	ledger_balanced();
}

/* -- A stage stops early --------------------------------------------------- */

ONE_CASE(pipeline_failure, is_not_that_a_stage_stops_early)
{
	static const int statuses[] = {WEIR_OK, WEIR_END_OF_CHANNEL,
		WEIR_BROKEN_RESOURCE, WEIR_CLOSED_RESOURCE};
	int before = thread_count();

	for (int stage = 0; stage < N_STAGES; stage++)
		for (size_t i = 0; i < 2 * LENGTH(statuses); i++) {
			struct row row;
			bool is_map = stage == MAP || stage == ORDERED;

			row_init(&row, i % 2 == 0 ? 1 : 3, 3);
			if (is_map && statuses[i / 2] == WEIR_OK)
				continue; /* it emits */
			row.conducts[stage].acts = true;
			row.conducts[stage].act_at = 40;
			row.conducts[stage].status = statuses[i / 2];
			finish_pipeline(row_start(&row), WEIR_OK, NULL);
			cr_assert(ledger_balanced() < 100000);
		}
	wait_until_threads(before);
}

/* The source waits in send when the sink goes. */
ONE_CASE(pipeline_failure, a_sink_that_stops_stops_all)
{
	struct row row;

	row_init(&row, 1, 1);
	row.conducts[SINK].acts = true;
	row.conducts[SINK].act_at = 5;
	row.conducts[SINK].status = WEIR_OK;
	finish_pipeline(row_start(&row), WEIR_OK, NULL);
	cr_assert(atomic_load(&row.conducts[SINK].seen) == 6);
	/* What the others could hold, and no more, was made. */
	cr_assert(ledger_balanced() < 40);
}

/* -- Cancel ---------------------------------------------------------------- */

struct canceller {
	weir_pipeline *pipeline;
	unsigned naps;
};

static int run_cancel(void *argument)
{
	struct canceller *canceller = argument;

	for (unsigned i = 0; i < canceller->naps; i++)
		sched_yield();
	weir_pipeline_cancel(canceller->pipeline);
	return WEIR_OK;
}

ONE_CASE(pipeline_cancel, at_any_moment_loses_nothing)
{
	int before = thread_count();

	for (unsigned i = 0; i < 150; i++) {
		struct canceller canceller = {.naps = i * i / 16};
		struct task task;
		struct row row;
		int status;

		row_init(&row, 1 + i % 3, i % 5);
		row.conducts[SOURCE].count = 2000;
		canceller.pipeline = row_start(&row);
		task_start(&task, run_cancel, &canceller);
		status = join_in_time(canceller.pipeline, NULL);
		cr_assert(task_join(&task) == WEIR_OK);
		cr_assert(status == WEIR_CLOSED_RESOURCE || status == WEIR_OK);
		if (status == WEIR_OK)
			cr_assert(
				atomic_load(&row.conducts[SINK].seen) == 2000);
		ledger_balanced(); /* before free */
		weir_pipeline_free(canceller.pipeline);
		ledger_balanced();
	}
	wait_until_threads(before);
}

ONE_CASE(pipeline_cancel, wakes_who_waits_and_is_not_a_failure)
{
	struct conduct map = {.count = 1000}, sink = {.count = 1000};
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stages[] = {
		map_stage(&map), map_stage(&map), sink_stage(&sink)};
	weir_pipeline *pipeline;
	weir_sender *jobs;

	assert_status(weir_open(4, 8, &jobs, &options.in), WEIR_OK);
	stages[0].threads = 3;
	stages[1].threads = 3;
	stages[1].flags = WEIR_ORDERED;
	pipeline = start_pipeline(stages, 3, &options);
	wait_until_receivers_waiting(options.in, 3);
	weir_pipeline_cancel(pipeline);
	weir_pipeline_cancel(pipeline);
	finish_pipeline(pipeline, WEIR_CLOSED_RESOURCE, NULL);
	assert_send_always(jobs, WEIR_BROKEN_RESOURCE);
	free_both(jobs, options.in);
}

/* Element 0 is held while the others wait for the window. */
ONE_CASE(pipeline_cancel, in_the_middle_of_an_ordered_stage)
{
	_Atomic bool hold = true;
	struct row row;
	weir_pipeline *pipeline;
	weir_stage_statistics now[N_STAGES];

	row_init(&row, 2, 2);
	row.conducts[ORDERED].hold = &hold;
	pipeline = row_start(&row);
	do {
		weir_pipeline_statistics(pipeline, now, N_STAGES);
	} while (now[ORDERED].in.received < 8);
	weir_pipeline_cancel(pipeline);
	atomic_store(&hold, false);
	assert_status(join_in_time(pipeline, NULL), WEIR_CLOSED_RESOURCE);
	ledger_balanced(); /* before free */
	weir_pipeline_free(pipeline);
}

static weir_pipeline *cancelled;

static int cancel_map(void *context, const void *in, void *out)
{
	int status = pass_map(context, in, out);

	if (*(const uint64_t *)in == 20)
		weir_pipeline_cancel(cancelled);
	return status;
}

ONE_CASE(pipeline_cancel, from_a_stage)
{
	for (int i = 0; i < 50; i++) {
		struct row row;

		row_init(&row, 2, 2);
		row.stages[MAP].map = cancel_map;
		/* Written before a stage runs. */
		assert_status(weir_pipeline_start(
				      row.stages, N_STAGES, NULL, &cancelled),
			WEIR_OK);
		finish_pipeline(cancelled, WEIR_CLOSED_RESOURCE, NULL);
		ledger_balanced();
	}
}

ONE_CASE(pipeline_cancel, after_a_failure_leaves_the_failure)
{
	struct row row;
	weir_pipeline *pipeline;
	weir_stage_statistics now[N_STAGES];

	row_init(&row, 1, 2);
	row.conducts[RUN].acts = true;
	row.conducts[RUN].act_at = 3;
	row.conducts[RUN].status = FAILURE;
	pipeline = row_start(&row);
	do {
		weir_pipeline_statistics(pipeline, now, N_STAGES);
	} while (now[RUN].running > 0);
	weir_pipeline_cancel(pipeline);
	finish_pipeline(pipeline, FAILURE, "run");
	ledger_balanced();
}

/* -- Join and free --------------------------------------------------------- */

ONE_CASE(pipeline_join, twice_is_the_same_again)
{
	const char *stage = "untouched";
	struct row row;
	weir_pipeline *pipeline;

	row_init(&row, 1, 2);
	row.conducts[RUN].acts = true;
	row.conducts[RUN].act_at = 3;
	row.conducts[RUN].status = FAILURE;
	pipeline = row_start(&row);
	assert_status(join_in_time(pipeline, NULL), FAILURE);
	for (int i = 0; i < 3; i++) {
		assert_status(weir_pipeline_join(pipeline, &stage), FAILURE);
		cr_assert(strcmp(stage, "run") == 0);
		assert_status(weir_pipeline_join(pipeline, NULL), FAILURE);
	}
	finish_pipeline(pipeline, FAILURE, "run");
}

static int run_join(void *argument)
{
	return weir_pipeline_join(argument, NULL);
}

ONE_CASE(pipeline_join, by_several_threads_at_once)
{
	struct task tasks[4];
	_Atomic bool hold = true;
	struct row row;
	weir_pipeline *pipeline;

	row_init(&row, 2, 2);
	row.conducts[SOURCE].count = 500;
	row.conducts[ORDERED].hold = &hold;
	row.conducts[SINK].acts = true;
	row.conducts[SINK].act_at = 100;
	row.conducts[SINK].status = FAILURE;
	pipeline = row_start(&row);
	for (size_t i = 0; i < LENGTH(tasks); i++)
		task_start(&tasks[i], run_join, pipeline);
	atomic_store(&hold, false);
	for (size_t i = 0; i < LENGTH(tasks); i++)
		assert_status(task_join(&tasks[i]), FAILURE);
	finish_pipeline(pipeline, FAILURE, "sink");
	ledger_balanced();
}

ONE_CASE(pipeline_join, leaves_no_thread)
{
	int before = thread_count();

	for (int i = 0; i < 30; i++) {
		struct row row;
		weir_pipeline *pipeline;

		row_init(&row, 3, 2);
		row.conducts[SOURCE].count = 50;
		pipeline = row_start(&row);
		assert_status(join_in_time(pipeline, NULL), WEIR_OK);
		wait_until_threads(before);
		cr_assert(ledger_balanced() == 50);
		weir_pipeline_free(pipeline);
	}
}

ONE_CASE(pipeline_join, then_cancel_does_nothing)
{
	struct row row;
	weir_pipeline *pipeline;

	row_init(&row, 1, 2);
	row.conducts[SOURCE].count = 50;
	pipeline = row_start(&row);
	assert_status(join_in_time(pipeline, NULL), WEIR_OK);
	weir_pipeline_cancel(pipeline);
	finish_pipeline(pipeline, WEIR_OK, NULL);
}

static int run_free(void *argument)
{
	weir_pipeline_free(argument);
	return WEIR_OK;
}

ONE_CASE(pipeline_free, without_join_cancels_and_joins)
{
	int before = thread_count();

	for (unsigned i = 0; i < 40; i++) {
		struct task task;
		struct row row;

		row_init(&row, 1 + i % 3, 2);
		task_start(&task, run_free, row_start(&row));
		assert_status(task_join(&task), WEIR_OK);
		ledger_balanced();
	}
	wait_until_threads(before);
}

/* -- A start that fails ---------------------------------------------------- */

static weir_stage_function must_not_run;

static int must_not_run(void *context, weir_receiver *in, weir_sender *out)
{
	(void)in;
	(void)out;
	atomic_fetch_add((_Atomic int *)context, 1);
	return WEIR_OK;
}

ONE_CASE(pipeline_start, without_its_nth_thread_leaves_nothing)
{
	static const char *const names[] = {"one", "two", "three"};
	static const int errors[] = {EAGAIN, ENOMEM, EPERM};
	_Atomic int ran = 0;
	int before = thread_count();
	long n = 1;

	for (;; n++) {
		weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
		weir_stage stages[3] = {
			WEIR_STAGE_INIT, WEIR_STAGE_INIT, WEIR_STAGE_INIT};
		weir_pipeline *pipeline = NULL;
		char text[80] = "", wanted[80];
		int status, error = errors[n % 3];

		for (int i = 0; i < 3; i++) {
			stages[i].name = names[i];
			stages[i].run = must_not_run;
			stages[i].context = &ran;
			stages[i].threads = 3;
		}
		options.message = text;
		options.message_size = sizeof(text);
		fail_thread_with = error;
		fail_thread_at = n;
		errno = 77;
		status = weir_pipeline_start(stages, 3, &options, &pipeline);
		fail_thread_at = 0;
		cr_assert(errno == 77);
		if (status == WEIR_OK) {
			cr_assert(*text == '\0');
			finish_pipeline(pipeline, WEIR_OK, NULL);
			break;
		}
		assert_status(status, error == EPERM ? WEIR_INVALID_ARGUMENT
						     : WEIR_NO_MEMORY);
		snprintf(wanted, sizeof(wanted),
			"stage %ld (%s) gets no thread: %s", (n + 2) / 3,
			names[(n - 1) / 3], strerror(error));
		cr_assert(strcmp(text, wanted) == 0, "%s", text);
		cr_assert(pipeline == NULL);
		cr_assert(atomic_load(&ran) == 0);
		wait_until_threads(before);
	}
	cr_assert(n == 10, "%ld threads were made", n - 1);
	wait_until_threads(before);
}

ONE_CASE(pipeline_start, without_its_nth_allocation_leaves_nothing)
{
	int before = thread_count();
	long n = 1;

	for (;; n++) {
		weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
		weir_pipeline *pipeline = NULL;
		weir_receiver *results;
		weir_sender *jobs;
		struct row row;
		char text[80] = "";
		int status;

		assert_status(weir_open(4, 8, &jobs, &options.in), WEIR_OK);
		assert_status(weir_open(4, 8, &options.out, &results), WEIR_OK);
		row_init(&row, 2, 4);
		options.message = text;
		options.message_size = sizeof(text);
		fail_memory_at = n;
		errno = 77;
		status = weir_pipeline_start(
			row.stages + 1, N_STAGES - 2, &options, &pipeline);
		fail_memory_at = 0;
		cr_assert(errno == 77);
		if (status == WEIR_OK) {
			weir_sender_close(jobs);
			finish_pipeline(pipeline, WEIR_OK, NULL);
		} else {
			assert_status(status, WEIR_NO_MEMORY);
			cr_assert(pipeline == NULL);
			cr_assert(*text != '\0');
			/* What was lent is as it was. */
			cr_assert(!weir_receiver_is_closed(options.in));
			cr_assert(!weir_sender_is_closed(options.out));
			assert_statistic(jobs, open_receivers, 1);
		}
		free_both(jobs, options.in);
		free_both(options.out, results);
		if (status == WEIR_OK)
			break;
		wait_until_threads(before);
	}
	cr_assert(n > 30 || !can_fail_memory, "only %ld allocations were seen",
		n - 1);
	wait_until_threads(before);
}
