/* SPDX-License-Identifier: MIT */
/* test_pipeline_order.c - WEIR_ORDERED: the order, and the window. */
#include "pipeline_fixture.h"

static const unsigned thread_counts[] = {1, 2, 3, 8};

/* Takes its time, another one for each element. */
static int uneven_map(void *context, const void *in, void *out)
{
	uint64_t value = *(const uint64_t *)in;
	uint64_t turns = value * UINT64_C(0x9e3779b97f4a7c15) >> 60;

	for (uint64_t i = 0; i < turns * turns / 8; i++)
		sched_yield();
	return pass_map(context, in, out);
}

ONE_CASE(pipeline_order, results_leave_in_order)
{
	for (size_t i = 0; i < 3 * LENGTH(thread_counts); i++) {
		struct conduct source = {.count = 3000}, map = {.count = 1000},
			       sink = {.count = 1000};
		weir_stage stages[] = {source_stage(&source), map_stage(&map),
			sink_stage(&sink)};

		stages[1].map = uneven_map;
		stages[1].threads = thread_counts[i / 3];
		stages[1].flags = WEIR_ORDERED;
		if (i % 3 == 0)
			stages[1].window = stages[1].threads;
		stages[1].capacity = i % 3;
		ledger_reset();
		finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
		cr_assert(atomic_load(&sink.seen) == 3000);
		cr_assert(atomic_load(&sink.bad) == 0);
		ledger_balanced();
	}
}

static int odd_sink_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct conduct *conduct = context;
	uint64_t value;
	int status;

	(void)out;
	while ((status = weir_recv(in, &value)) == WEIR_OK) {
		if (value != 2 * conduct->seen + 1)
			atomic_fetch_add(&conduct->bad, 1);
		atomic_fetch_add(&conduct->seen, 1);
		ledger_end(value);
	}
	return status;
}

ONE_CASE(pipeline_order, a_filter_keeps_the_order)
{
	struct conduct source = {.count = 3000}, map = {.count = 1000},
		       sink = {.count = 1000};
	weir_stage stages[] = {
		source_stage(&source), map_stage(&map), sink_stage(&sink)};

	stages[1].map = odd_map;
	stages[1].threads = 3;
	stages[1].flags = WEIR_ORDERED;
	stages[2].run = odd_sink_run;
	finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
	cr_assert(atomic_load(&sink.seen) == 1500);
	cr_assert(atomic_load(&sink.bad) == 0);
	ledger_balanced();
}

/* While element 0 is held in the map, `window` elements are taken and no more,
 * whatever else there is room for: the source stands still. */
ONE_CASE(pipeline_order, a_slow_element_holds_up_the_others_not_the_memory)
{
	static const size_t windows[] = {0, 3, 4, 17, 100};

	for (size_t i = 0; i < LENGTH(windows); i++) {
		_Atomic bool hold = true;
		struct conduct source = {.count = 1000}, sink = {.count = 1000},
			       map = {.count = 1000, .hold = &hold};
		weir_stage stages[] = {source_stage(&source), map_stage(&map),
			sink_stage(&sink)};
		size_t window = windows[i] ? windows[i] : 12;
		weir_stage_statistics now[3] = {{0}};
		weir_pipeline *pipeline;

		stages[1].threads = 3;
		stages[1].flags = WEIR_ORDERED;
		stages[1].window = windows[i];
		stages[1].capacity = 64;
		ledger_reset();
		pipeline = start_pipeline(stages, 3, NULL);
		do {
			weir_pipeline_statistics(pipeline, now, 3);
			cr_assert(now[1].in.received <= window);
		} while (now[1].in.received < window ||
			 now[0].out.senders_waiting == 0);
		for (int turn = 0; turn < 1000; turn++)
			sched_yield();
		weir_pipeline_statistics(pipeline, now, 3);
		cr_assert(now[1].in.received == window);
		cr_assert(now[1].out.sent == 0);
		atomic_store(&hold, false);
		finish_pipeline(pipeline, WEIR_OK, NULL);
		cr_assert(atomic_load(&sink.seen) == 1000);
		cr_assert(atomic_load(&sink.bad) == 0);
	}
}

/* What came and has not left, at its most. */
struct gauge {
	struct conduct conduct;
	_Atomic uint64_t entered;
	_Atomic uint64_t left;
	_Atomic uint64_t most;
};

static int gauge_map(void *context, const void *in, void *out)
{
	struct gauge *gauge = context;
	uint64_t now = atomic_fetch_add(&gauge->entered, 1) + 1 -
		       atomic_load(&gauge->left);
	uint64_t most = atomic_load(&gauge->most);

	while (now > most &&
		!atomic_compare_exchange_weak(&gauge->most, &most, now))
		;
	return uneven_map(&gauge->conduct, in, out);
}

static int gauge_run(void *context, weir_receiver *in, weir_sender *out)
{
	struct gauge *gauge = context;
	uint64_t value;
	int status;

	(void)out;
	while ((status = weir_recv(in, &value)) == WEIR_OK) {
		atomic_fetch_add(&gauge->left, 1);
		ledger_end(value);
	}
	return status;
}

ONE_CASE(pipeline_order, never_more_than_the_window_is_in_flight)
{
	struct gauge gauge = {.conduct = {.count = 1000}};
	struct conduct source = {.count = 20000};
	weir_stage stages[] = {
		source_stage(&source), map_stage(NULL), sink_stage(NULL)};

	stages[1].map = gauge_map;
	stages[1].context = &gauge;
	stages[1].threads = 3;
	stages[1].flags = WEIR_ORDERED;
	stages[1].window = 5;
	stages[1].capacity = 0;
	stages[2].run = gauge_run;
	stages[2].context = &gauge;
	finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
	/* One more may lie between the sink's recv and its count. */
	cr_assert(atomic_load(&gauge.most) <= 5 + 1, "%llu were in flight",
		(unsigned long long)gauge.most);
	cr_assert(atomic_load(&gauge.left) == 20000);
	ledger_balanced();
}

/* A map that wants no more: what came before still leaves, nothing after. */
ONE_CASE(pipeline_order, an_end_from_a_map_is_the_last_in_order)
{
	static const int signals[] = {WEIR_END_OF_CHANNEL, WEIR_BROKEN_RESOURCE,
		WEIR_CLOSED_RESOURCE};

	for (size_t i = 0; i < 60; i++) {
		struct conduct source = {.count = 100000},
			       map = {.count = 1000,
				       .acts = true,
				       .act_at = i * 7,
				       .status = signals[i % 3]},
			       sink = {.count = 1000};
		weir_stage stages[] = {source_stage(&source), map_stage(&map),
			sink_stage(&sink)};

		stages[1].map = uneven_map;
		stages[1].threads = 4;
		stages[1].flags = WEIR_ORDERED;
		ledger_reset();
		finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
		cr_assert(atomic_load(&sink.seen) == i * 7);
		cr_assert(atomic_load(&sink.bad) == 0);
		ledger_balanced();
	}
}

/* Wants no more at one element only, after some that came later. */
static int once_map(void *context, const void *in, void *out)
{
	struct conduct *conduct = context;
	uint64_t value = *(const uint64_t *)in;

	see(conduct, value);
	if (value != conduct->act_at) {
		*(uint64_t *)out = value;
		return WEIR_OK;
	}
	while (atomic_load(&conduct->seen) < value + 8)
		sched_yield();
	ledger_end(value);
	return conduct->status;
}

ONE_CASE(pipeline_order, nothing_that_came_later_leaves_after_an_end)
{
	struct conduct source = {.count = 100000},
		       map = {.act_at = 100, .status = WEIR_END_OF_CHANNEL},
		       sink = {.count = 1000};
	weir_stage stages[] = {
		source_stage(&source), map_stage(&map), sink_stage(&sink)};

	stages[1].map = once_map;
	stages[1].threads = 3;
	stages[1].flags = WEIR_ORDERED;
	finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
	cr_assert(atomic_load(&sink.seen) == 100);
	cr_assert(atomic_load(&sink.bad) == 0);
	ledger_balanced();
}

ONE_CASE(pipeline_order, an_end_from_an_unordered_map_lets_out_what_is_done)
{
	for (unsigned threads = 1; threads <= 3; threads++) {
		struct conduct source = {.count = 100000},
			       map = {.count = 1000,
				       .acts = true,
				       .act_at = 500,
				       .status = WEIR_END_OF_CHANNEL},
			       sink = {.count = 1000};
		weir_stage stages[] = {source_stage(&source), map_stage(&map),
			sink_stage(&sink)};

		stages[1].threads = threads;
		ledger_reset();
		finish_pipeline(start_pipeline(stages, 3, NULL), WEIR_OK, NULL);
		cr_assert(atomic_load(&sink.seen) == 500);
		ledger_balanced();
	}
}

/* The other threads of the stage wait for elements that do not come. */
ONE_CASE(pipeline_order, an_end_from_a_map_wakes_those_who_wait)
{
	for (unsigned flags = 0; flags <= WEIR_ORDERED; flags++) {
		struct conduct map = {.count = 1000,
			.acts = true,
			.act_at = 0,
			.status = WEIR_END_OF_CHANNEL};
		weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
		weir_stage stage = map_stage(&map);
		weir_pipeline *pipeline;
		weir_receiver *results;
		weir_sender *jobs;

		element_size = sizeof(uint64_t);
		assert_status(weir_open(4, 8, &jobs, &options.in), WEIR_OK);
		assert_status(weir_open(4, 8, &options.out, &results), WEIR_OK);
		stage.threads = 3;
		stage.flags = flags;
		pipeline = start_pipeline(&stage, 1, &options);
		ledger_reset();
		ledger_make(0);
		assert_sends(jobs, 0);
		finish_pipeline(pipeline, WEIR_OK, NULL);
		ledger_balanced();
		assert_ended(results);
		assert_send_always(jobs, WEIR_BROKEN_RESOURCE);
		free_both(jobs, options.in);
		free_both(options.out, results);
	}
}
