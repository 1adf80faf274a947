/* SPDX-License-Identifier: MIT */
/* test_pipeline.c - pipelines that nothing goes wrong in, and bad input. */
#include "pipeline_fixture.h"

#include <signal.h>
#include <string.h>

static uint64_t sum_to(uint64_t count)
{
	return count * (count - 1) / 2;
}

/* -- From end to end ------------------------------------------------------- */

/* Every kind of stage, on one thread and on several, over every capacity. */
ONE_CASE(pipeline, every_element_goes_through_once)
{
	static const size_t capacities[] = {0, 1, 3, 64, WEIR_UNBOUNDED};
	int before = thread_count();

	for (size_t i = 0; i < 2 * LENGTH(capacities); i++) {
		struct conduct source = {.count = 1000}, run = {.count = 1000},
			       map = {.count = 1000}, ordered = {.count = 1000},
			       sink = {.count = 1000};
		weir_stage stages[] = {source_stage(&source), run_stage(&run),
			map_stage(&map), map_stage(&ordered),
			sink_stage(&sink)};
		weir_pipeline *pipeline;

		for (size_t j = 0; j < LENGTH(stages); j++) {
			stages[j].capacity = capacities[i / 2];
			stages[j].threads = i % 2 == 0 ? 1 : 3;
		}
		stages[3].flags = WEIR_ORDERED;
		ledger_reset();
		pipeline = start_pipeline(stages, LENGTH(stages), NULL);
		finish_pipeline(pipeline, WEIR_OK, NULL);
		cr_assert(ledger_balanced() == 1000);
		cr_assert(atomic_load(&ledger.dropped) == 0);
		cr_assert(atomic_load(&sink.seen) == 1000);
		cr_assert(atomic_load(&sink.sum) == sum_to(1000));
	}
	/* The unbounded ones have left liburcu's thread behind. */
	wait_until(thread_count() <= before + 1);
}

ONE_CASE(pipeline, one_thread_a_stage_keeps_the_order)
{
	struct conduct source = {.count = 1000}, run = {.count = 1000},
		       map = {.count = 1000}, sink = {.count = 1000};
	weir_stage stages[] = {source_stage(&source), run_stage(&run),
		map_stage(&map), sink_stage(&sink)};

	finish_pipeline(start_pipeline(stages, 4, NULL), WEIR_OK, NULL);
	cr_assert(atomic_load(&sink.seen) == 1000);
	cr_assert(atomic_load(&sink.bad) == 0);
}

ONE_CASE(pipeline, a_map_may_be_the_sink)
{
	struct conduct source = {.count = 1000}, sink = {.count = 1000};
	weir_stage stages[] = {source_stage(&source), sink_stage(&sink)};

	for (unsigned flags = 0; flags <= WEIR_ORDERED; flags++) {
		atomic_store(&source.next, 0);
		ledger_reset();
		stages[1].run = NULL;
		stages[1].map = sink_map;
		stages[1].threads = 3;
		stages[1].flags = flags;
		finish_pipeline(start_pipeline(stages, 2, NULL), WEIR_OK, NULL);
		cr_assert(ledger_balanced() == 1000);
	}
	cr_assert(atomic_load(&sink.seen) == 2000);
}

static int count_run(void *context, weir_receiver *in, weir_sender *out)
{
	if (in != NULL || out != NULL)
		return FAILURE;
	atomic_fetch_add((_Atomic int *)context, 1);
	return WEIR_OK;
}

ONE_CASE(pipeline, a_lone_stage_is_just_threads)
{
	_Atomic int count = 0;
	weir_stage stage = WEIR_STAGE_INIT;

	stage.run = count_run;
	stage.context = &count;
	stage.threads = 5;
	finish_pipeline(start_pipeline(&stage, 1, NULL), WEIR_OK, NULL);
	cr_assert(atomic_load(&count) == 5);
}

ONE_CASE(pipeline, a_filter_emits_less)
{
	struct conduct source = {.count = 1000}, map = {.count = 1000},
		       sink = {.count = 1000};
	weir_stage stages[] = {
		source_stage(&source), map_stage(&map), sink_stage(&sink)};

	for (unsigned flags = 0; flags <= WEIR_ORDERED; flags++) {
		atomic_store(&source.next, 0);
		atomic_store(&sink.sum, 0);
		ledger_reset();
		stages[1].map = odd_map;
		stages[1].threads = 3;
		stages[1].flags = flags;
		finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
		cr_assert(ledger_balanced() == 1000);
		cr_assert(atomic_load(&sink.sum) == UINT64_C(250000));
	}
}

/* Emits n elements for the number n. */
static int many_run(void *context, weir_receiver *in, weir_sender *out)
{
	uint64_t value;
	int status;

	(void)context;
	while ((status = weir_recv(in, &value)) == WEIR_OK)
		for (uint64_t i = 0; i < value && status == WEIR_OK; i++)
			status = weir_send(out, &value);
	return status;
}

static int add_map(void *context, const void *in, void *out)
{
	(void)out;
	atomic_fetch_add((_Atomic uint64_t *)context, *(const uint64_t *)in);
	return WEIR_OK;
}

ONE_CASE(pipeline, a_run_stage_emits_none_or_many)
{
	struct conduct source = {.count = 100};
	_Atomic uint64_t sum = 0;
	weir_stage stages[] = {
		source_stage(&source), run_stage(NULL), sink_stage(NULL)};

	for (size_t i = 0; i < LENGTH(stages); i++)
		stages[i].drop = NULL;
	stages[1].run = many_run;
	stages[1].threads = 2;
	stages[2].run = NULL;
	stages[2].map = add_map;
	stages[2].context = &sum;
	finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
	cr_assert(atomic_load(&sum) == 328350); /* of the squares below 100 */
}

struct big {
	uint64_t value;
	unsigned char rest[4088];
};

static int widen_map(void *context, const void *in, void *out)
{
	struct big *big = out;

	(void)context;
	if ((uintptr_t)in % alignof(uint64_t) != 0 ||
		(uintptr_t)out % alignof(max_align_t) != 0)
		return FAILURE;
	big->value = *(const uint64_t *)in;
	memset(big->rest, (int)(big->value % 251), sizeof(big->rest));
	return WEIR_OK;
}

static int narrow_map(void *context, const void *in, void *out)
{
	const struct big *big = in;

	(void)context;
	for (size_t i = 0; i < sizeof(big->rest); i++)
		if (big->rest[i] != big->value % 251)
			return FAILURE;
	*(unsigned char *)out = (unsigned char)big->value;
	return WEIR_OK;
}

static int bytes_run(void *context, weir_receiver *in, weir_sender *out)
{
	_Atomic uint64_t *sum = context;
	unsigned char byte;
	int status;

	(void)out;
	while ((status = weir_recv(in, &byte)) == WEIR_OK)
		atomic_fetch_add(sum, byte);
	return status;
}

ONE_CASE(pipeline, each_link_has_its_own_element_size)
{
	struct conduct source = {.count = 256};
	_Atomic uint64_t sum = 0;
	weir_stage stages[] = {source_stage(&source), map_stage(NULL),
		map_stage(NULL), sink_stage(NULL)};

	for (size_t i = 0; i < LENGTH(stages); i++)
		stages[i].drop = NULL;
	stages[1].map = widen_map;
	stages[1].out_size = stages[2].in_size = sizeof(struct big);
	stages[1].threads = 3;
	stages[1].flags = WEIR_ORDERED;
	stages[2].map = narrow_map;
	stages[2].out_size = stages[3].in_size = 1;
	stages[2].threads = 2;
	stages[2].flags = WEIR_ORDERED;
	stages[3].run = bytes_run;
	stages[3].context = &sum;
	finish_pipeline(start_pipeline(stages, 4, NULL), WEIR_OK, NULL);
	cr_assert(atomic_load(&sum) == sum_to(256));
}

/* -- The program at its ends ----------------------------------------------- */

ONE_CASE(pipeline, the_program_feeds_and_reads)
{
	struct conduct map = {.count = 1000};
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stage = map_stage(&map);
	weir_pipeline *pipeline;
	weir_receiver *results;
	weir_sender *jobs;

	element_size = sizeof(uint64_t);
	assert_status(weir_open(4, 8, &jobs, &options.in), WEIR_OK);
	assert_status(weir_open(4, 8, &options.out, &results), WEIR_OK);
	stage.threads = 2;
	stage.flags = WEIR_ORDERED;
	pipeline = start_pipeline(&stage, 1, &options);
	for (uint64_t i = 0; i < 100; i++) {
		assert_sends(jobs, i);
		assert_receives(results, i);
	}
	weir_sender_close(jobs);
	finish_pipeline(pipeline, WEIR_OK, NULL);
	assert_ended(results); /* with no close of ours */
	cr_assert(weir_receiver_is_closed(options.in));
	cr_assert(weir_sender_is_closed(options.out));
	free_both(jobs, options.in);
	free_both(options.out, results);
}

ONE_CASE(pipeline, the_feeder_hears_of_the_end)
{
	struct conduct sink = {
		.count = 1000, .acts = true, .act_at = 5, .status = WEIR_OK};
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stage = sink_stage(&sink);
	weir_pipeline *pipeline;
	weir_sender *jobs;
	int status = WEIR_OK;

	assert_status(weir_open(2, 8, &jobs, &options.in), WEIR_OK);
	pipeline = start_pipeline(&stage, 1, &options);
	for (uint64_t i = 0; status == WEIR_OK; i++) {
		ledger_make(i);
		status = weir_send_until(jobs, &i, patience_from_now());
		if (status != WEIR_OK)
			ledger_end(i);
	}
	assert_status(status, WEIR_BROKEN_RESOURCE);
	finish_pipeline(pipeline, WEIR_OK, NULL);
	cr_assert(atomic_load(&sink.seen) == 6);
	free_both(jobs, options.in);
}

ONE_CASE(pipeline, the_program_may_end_it_from_its_side)
{
	struct conduct map = {.count = 1000};
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stage = map_stage(&map);
	weir_pipeline *pipeline;
	weir_receiver *results;
	weir_sender *jobs;

	assert_status(weir_open(4, 8, &jobs, &options.in), WEIR_OK);
	assert_status(weir_open(4, 8, &options.out, &results), WEIR_OK);
	stage.threads = 3;
	pipeline = start_pipeline(&stage, 1, &options);
	wait_until_receivers_waiting(options.in, 3);
	weir_receiver_close(options.in);
	finish_pipeline(pipeline, WEIR_OK, NULL);
	free_both(jobs, options.in);
	free_both(options.out, results);
}

/* Runs two maps between its own ends. */
static int nested_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct conduct *conducts = context;
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stages[] = {
		map_stage(&conducts[0]), map_stage(&conducts[1])};
	weir_pipeline *pipeline;
	int status;

	options.in = in;
	options.out = out;
	stages[0].threads = 2;
	stages[1].threads = 2;
	stages[1].flags = WEIR_ORDERED;
	status = weir_pipeline_start(stages, 2, &options, &pipeline);
	if (status != WEIR_OK)
		return status;
	status = weir_pipeline_join(pipeline, NULL);
	weir_pipeline_free(pipeline);
	return status;
}

ONE_CASE(pipeline, pipelines_nest)
{
	int before = thread_count();

	for (unsigned threads = 1; threads <= 3; threads++) {
		struct conduct source = {.count = 1000}, sink = {.count = 1000};
		struct conduct inner[2] = {{.count = 1000}, {.count = 1000}};
		weir_stage stages[] = {source_stage(&source), run_stage(inner),
			sink_stage(&sink)};

		stages[1].run = nested_run;
		stages[1].threads = threads;
		ledger_reset();
		finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
		cr_assert(ledger_balanced() == 1000);
		cr_assert(atomic_load(&sink.sum) == sum_to(1000));
	}
	wait_until_threads(before);
}

ONE_CASE(pipeline, a_failure_of_a_nested_one_comes_out)
{
	struct conduct source = {.count = 100000}, sink = {.count = 1000};
	struct conduct inner[2] = {{.count = 1000},
		{.count = 1000, .acts = true, .act_at = 50, .status = FAILURE}};
	weir_stage stages[] = {
		source_stage(&source), run_stage(inner), sink_stage(&sink)};
	int before = thread_count();

	stages[1].run = nested_run;
	stages[1].name = "nested";
	stages[1].threads = 2;
	finish_pipeline(start_pipeline(stages, 3, NULL), FAILURE, "nested");
	ledger_balanced();
	wait_until_threads(before);
}

/* The inner one waits for a program that neither feeds nor closes. */
ONE_CASE(pipeline, a_cancel_reaches_a_nested_one)
{
	struct conduct inner[2] = {{.count = 1000}, {.count = 1000}},
		       sink = {.count = 1000};
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stages[] = {run_stage(inner), sink_stage(&sink)};
	int before = thread_count();
	weir_pipeline *pipeline;
	weir_sender *jobs;

	assert_status(weir_open(4, 8, &jobs, &options.in), WEIR_OK);
	stages[0].run = nested_run;
	pipeline = start_pipeline(stages, 2, &options);
	wait_until_receivers_waiting(options.in, 2);
	weir_pipeline_cancel(pipeline);
	finish_pipeline(pipeline, WEIR_CLOSED_RESOURCE, NULL);
	wait_until_threads(before);
	free_both(jobs, options.in);
}

/* -- Threads --------------------------------------------------------------- */

struct thread_notes {
	_Atomic unsigned n;
	char names[4][16];
	size_t stack_size;
	sigset_t blocked;
	cpu_set_t cpus;
};

static int note_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct thread_notes *notes = context;
	unsigned i = atomic_fetch_add(&notes->n, 1);
	pthread_attr_t attributes;

	(void)in;
	(void)out;
	pthread_getname_np(pthread_self(), notes->names[i], 16);
	if (i > 0)
		return WEIR_OK;
	pthread_sigmask(SIG_BLOCK, NULL, &notes->blocked);
	pthread_getaffinity_np(
		pthread_self(), sizeof(notes->cpus), &notes->cpus);
	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return FAILURE;
	pthread_attr_getstacksize(&attributes, &notes->stack_size);
	pthread_attr_destroy(&attributes);
	return WEIR_OK;
}

static bool has_name(const struct thread_notes *notes, const char *name)
{
	for (unsigned i = 0; i < atomic_load(&notes->n); i++)
		if (strcmp(notes->names[i], name) == 0)
			return true;
	return false;
}

ONE_CASE(pipeline, threads_have_the_stages_name)
{
	static const struct {
		const char *name;
		unsigned threads;
		const char *shown[2];
	} cases[] = {
		{"read", 1, {"read", "read"}},
		{"read", 2, {"read.0", "read.1"}},
		{"a_rather_long_name", 1,
			{"a_rather_long_n", "a_rather_long_n"}},
		{"a_rather_long_name", 2, {"a_rather_lo.0", "a_rather_lo.1"}},
		{NULL, 1, {"stage", "stage"}},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct thread_notes notes = {.n = 0};
		weir_stage stage = WEIR_STAGE_INIT;

		stage.name = cases[i].name;
		stage.threads = cases[i].threads;
		stage.run = note_run;
		stage.context = &notes;
		finish_pipeline(start_pipeline(&stage, 1, NULL), WEIR_OK, NULL);
		cr_assert(has_name(&notes, cases[i].shown[0]));
		cr_assert(has_name(&notes, cases[i].shown[1]));
	}
}

ONE_CASE(pipeline, attributes_are_used)
{
	struct thread_notes notes = {.n = 0};
	weir_stage stage = WEIR_STAGE_INIT;
	pthread_attr_t attributes;
	cpu_set_t allowed, one;
	size_t cpu = 0;

	cr_assert(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 3 << 20);
	pthread_attr_setaffinity_np(&attributes, sizeof(one), &one);
	stage.run = note_run;
	stage.context = &notes;
	stage.attributes = &attributes;
	finish_pipeline(start_pipeline(&stage, 1, NULL), WEIR_OK, NULL);
	pthread_attr_destroy(&attributes);
	cr_assert(notes.stack_size >= 3 << 20 && notes.stack_size < 4 << 20,
		"the stack has %zu bytes", notes.stack_size);
	cr_assert(CPU_EQUAL(&notes.cpus, &one));
}

ONE_CASE(pipeline, signals_for_the_program_are_blocked_in_its_threads)
{
	struct thread_notes notes = {.n = 0};
	weir_stage stage = WEIR_STAGE_INIT;
	sigset_t before, after;

	stage.run = note_run;
	stage.context = &notes;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	finish_pipeline(start_pipeline(&stage, 1, NULL), WEIR_OK, NULL);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	cr_assert(sigismember(&notes.blocked, SIGINT));
	cr_assert(sigismember(&notes.blocked, SIGTERM));
	cr_assert(!sigismember(&notes.blocked, SIGSEGV));
	cr_assert(!sigismember(&notes.blocked, SIGPIPE));
	for (int i = 1; i < SIGRTMAX; i++)
		cr_assert(sigismember(&before, i) == sigismember(&after, i));
}

/* pthread_cancel may come, and is not acted upon inside. */
static int run_join_cancelled(void *argument)
{
	int status, state;

	pthread_cancel(pthread_self()); /* pending from here on */
	status = weir_pipeline_join(argument, NULL);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state == PTHREAD_CANCEL_ENABLE ? status : 1;
}

ONE_CASE(pipeline, join_is_no_cancellation_point)
{
	struct conduct source = {.count = 1000}, sink = {.count = 1000};
	weir_stage stages[] = {source_stage(&source), sink_stage(&sink)};
	weir_pipeline *pipeline = start_pipeline(stages, 2, NULL);
	struct task task;

	task_start(&task, run_join_cancelled, pipeline);
	assert_status(task_join(&task), WEIR_OK);
	weir_pipeline_free(pipeline);
}

/* -- Statistics ------------------------------------------------------------ */

ONE_CASE(pipeline, statistics_show_every_stage)
{
	_Atomic bool hold = true;
	struct conduct source = {.count = 1000},
		       map = {.count = 1000, .hold = &hold},
		       sink = {.count = 1000};
	weir_stage stages[] = {
		source_stage(&source), map_stage(&map), sink_stage(&sink)};
	weir_stage_statistics now[4] = {{0}};
	weir_pipeline *pipeline;

	stages[1].threads = 2;
	stages[1].flags = WEIR_ORDERED;
	stages[1].window = 5;
	pipeline = start_pipeline(stages, 3, NULL);
	cr_assert(weir_pipeline_statistics(pipeline, NULL, 0) == 3);
	memset(now, 0x55, sizeof(now));
	cr_assert(weir_pipeline_statistics(pipeline, now, 2) == 3);
	cr_assert(now[2].threads == 0x55555555); /* untouched */

	/* Element 0 stays in the map, so the pipeline fills up: 5 in the
	 * window, 4 in the link, one in the source's hand. */
	do {
		cr_assert(weir_pipeline_statistics(pipeline, now, 4) == 3);
	} while (now[0].out.senders_waiting != 1 || now[0].out.sent != 9 ||
		 now[1].in.received != 5);
	cr_assert(strcmp(now[0].name, "source") == 0);
	cr_assert(strcmp(now[1].name, "map") == 0);
	cr_assert(strcmp(now[2].name, "sink") == 0);
	cr_assert(now[0].threads == 1 && now[0].running == 1);
	cr_assert(now[1].threads == 2 && now[1].running == 2);
	cr_assert(now[2].threads == 1 && now[2].running == 1);
	cr_assert(now[0].in.sent == 0 && now[0].in.name == NULL);
	cr_assert(now[2].out.sent == 0 && now[2].out.max_buffer_size == 0);
	cr_assert(now[1].in.current_buffer_used == 4);
	cr_assert(now[1].in.max_buffer_size == 4);
	cr_assert(strcmp(now[1].in.name, "source") == 0);
	cr_assert(now[1].out.sent == 0);

	atomic_store(&hold, false);
	assert_status(join_in_time(pipeline, NULL), WEIR_OK);
	cr_assert(weir_pipeline_statistics(pipeline, now, 3) == 3);
	for (size_t i = 0; i < 3; i++)
		cr_assert(now[i].running == 0);
	cr_assert(now[1].in.received == 1000 && now[1].out.sent == 1000);
	cr_assert(now[2].in.received == 1000 && now[2].in.dropped == 0);
	weir_pipeline_free(pipeline);
	cr_assert(weir_pipeline_statistics(NULL, now, 3) == 0);
}

/* -- Bad input ------------------------------------------------------------- */

static void assert_refused(const weir_stage *stages, size_t count,
	weir_pipeline_options *options, const char *message)
{
	weir_pipeline_options own = WEIR_PIPELINE_OPTIONS_INIT;
	weir_pipeline *untouched = (weir_pipeline *)&own, *pipeline = untouched;
	int before = thread_count();
	char text[160] = "";

	if (options == NULL)
		options = &own;
	options->message = text;
	options->message_size = sizeof(text);
	errno = 77;
	assert_status(weir_pipeline_start(stages, count, options, &pipeline),
		WEIR_INVALID_ARGUMENT);
	cr_assert(errno == 77);
	cr_assert(pipeline == untouched);
	cr_assert(strcmp(text, message) == 0, "\"%s\", not \"%s\"", text,
		message);
	cr_assert(thread_count() == before);

	/* Cut to fit, and without a place for it. */
	options->message_size = 5;
	memset(text, 'x', sizeof(text));
	assert_status(weir_pipeline_start(stages, count, options, &pipeline),
		WEIR_INVALID_ARGUMENT);
	cr_assert(strncmp(text, message, 4) == 0 && text[4] == '\0');
	cr_assert(text[5] == 'x');
	options->message = NULL;
	assert_status(weir_pipeline_start(stages, count, options, &pipeline),
		WEIR_INVALID_ARGUMENT);
}

static struct conduct nothing = {.count = 1000};

/* Three good stages, to be spoiled. */
#define GOOD_STAGES(stages)                                                    \
	weir_stage stages[] = {source_stage(&nothing), map_stage(&nothing),    \
		sink_stage(&nothing)}

ONE_CASE(pipeline, a_stage_without_a_function_is_refused)
{
	GOOD_STAGES(stages);

	stages[1].map = NULL;
	assert_refused(stages, 3, NULL, "stage 2 (map) has no function");
	stages[1].map = pass_map;
	stages[1].run = pass_run;
	assert_refused(stages, 3, NULL, "stage 2 (map) has both run and map");
}

ONE_CASE(pipeline, a_stage_without_threads_is_refused)
{
	GOOD_STAGES(stages);

	stages[2].threads = 0;
	assert_refused(stages, 3, NULL, "stage 3 (sink) has no threads");
	stages[2].name = NULL;
	assert_refused(stages, 3, NULL, "stage 3 (stage) has no threads");
}

ONE_CASE(pipeline, sizes_that_do_not_fit_are_refused)
{
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_receiver *rx;
	weir_sender *tx;
	GOOD_STAGES(stages);

	stages[1].in_size = 4;
	assert_refused(stages, 3, NULL,
		"stage 2 (map) reads elements of 4 bytes, but source gives 8");
	stages[1].in_size = 8;
	stages[2].in_size = 0;
	assert_refused(stages, 3, NULL,
		"stage 3 (sink) reads elements of 0 bytes, but map gives 8");
	stages[2].in_size = 8;
	assert_refused(stages, 2, NULL,
		"stage 2 (map) writes elements of 8 bytes, but nobody reads "
		"them");
	assert_refused(
		stages + 1, 2, NULL, "stage 1 (map) has nothing to read");
	assert_refused(
		stages + 2, 1, NULL, "stage 1 (sink) has nothing to read");

	assert_status(weir_open(1, 12, &tx, &rx), WEIR_OK);
	options.in = rx;
	assert_refused(stages + 1, 2, &options,
		"stage 1 (map) reads elements of 8 bytes, but its input gives "
		"12");
	options.in = NULL;
	options.out = tx;
	assert_refused(stages, 2, &options,
		"stage 2 (map) writes elements of 8 bytes, but its output "
		"takes 12");
	cr_assert(!weir_sender_is_closed(tx) && !weir_receiver_is_closed(rx));
	free_both(tx, rx);
}

ONE_CASE(pipeline, flags_that_make_no_sense_are_refused)
{
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	GOOD_STAGES(stages);

	stages[1].flags = 2;
	assert_refused(stages, 3, NULL, "stage 2 (map) has unknown flags");
	stages[1].flags = 0;
	stages[2].flags = WEIR_ORDERED;
	assert_refused(stages, 3, NULL,
		"stage 3 (sink) is ordered, which takes a map");
	stages[2].flags = 0;
	stages[1].flags = WEIR_ORDERED;
	stages[1].threads = 4;
	stages[1].window = 3;
	assert_refused(stages, 3, NULL,
		"stage 2 (map) has a window of 3 for 4 threads");
	stages[1].window = 0;
	stages[0].reserved[3] = stages;
	assert_refused(
		stages, 3, NULL, "stage 1 (source) has something in reserved");
	options.reserved[3] = &options;
	stages[0].reserved[3] = NULL;
	assert_refused(
		stages, 3, &options, "the options have something in reserved");
}

ONE_CASE(pipeline, detached_threads_are_refused)
{
	pthread_attr_t attributes;
	GOOD_STAGES(stages);

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	stages[0].attributes = &attributes;
	assert_refused(stages, 3, NULL,
		"stage 1 (source) has attributes for detached threads");
	pthread_attr_destroy(&attributes);
}

ONE_CASE(pipeline, attributes_that_the_system_refuses_are_named)
{
	pthread_attr_t attributes;
	cpu_set_t none;
	GOOD_STAGES(stages);

	CPU_ZERO(&none);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(none), &none);
	stages[2].attributes = &attributes;
	assert_refused(stages, 3, NULL,
		"stage 3 (sink) gets no thread: Invalid argument");
	pthread_attr_destroy(&attributes);
}

ONE_CASE(pipeline, nothing_at_all_is_refused)
{
	weir_pipeline *pipeline = NULL;
	GOOD_STAGES(stages);

	assert_refused(NULL, 3, NULL, "there are no stages");
	assert_refused(stages, 0, NULL, "there are no stages");
	assert_status(weir_pipeline_start(stages, 3, NULL, NULL),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_pipeline_start(stages, 0, NULL, &pipeline),
		WEIR_INVALID_ARGUMENT);
	cr_assert(pipeline == NULL);
}

ONE_CASE(pipeline, closed_ends_are_refused)
{
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_pipeline *pipeline = NULL;
	weir_receiver *rx;
	weir_sender *tx;
	char text[80];
	GOOD_STAGES(stages);

	options.message = text;
	options.message_size = sizeof(text);
	assert_status(weir_open(1, 8, &tx, &rx), WEIR_OK);
	weir_receiver_close(rx);
	options.in = rx;
	assert_status(weir_pipeline_start(stages + 1, 2, &options, &pipeline),
		WEIR_CLOSED_RESOURCE);
	cr_assert(strcmp(text, "its input is closed") == 0);
	weir_sender_close(tx);
	options.in = NULL;
	options.out = tx;
	assert_status(weir_pipeline_start(stages, 2, &options, &pipeline),
		WEIR_CLOSED_RESOURCE);
	cr_assert(strcmp(text, "its output is closed") == 0);
	cr_assert(pipeline == NULL);
	free_both(tx, rx);
}

ONE_CASE(pipeline, null_is_no_pipeline)
{
	const char *stage = "untouched";

	assert_status(weir_pipeline_join(NULL, &stage), WEIR_INVALID_ARGUMENT);
	cr_assert(strcmp(stage, "untouched") == 0);
	weir_pipeline_cancel(NULL);
	weir_pipeline_free(NULL);
}
