/* SPDX-License-Identifier: MIT */
/* test_pool.c - pools: jobs in, results out. */
#include "pipeline_fixture.h"

#include <string.h>

static weir_pool *open_pool(const weir_stage *stage, size_t capacity)
{
	weir_options jobs = WEIR_OPTIONS_INIT, results = WEIR_OPTIONS_INIT;
	weir_pool *pool = NULL;

	jobs.capacity = results.capacity = capacity;
	jobs.drop = results.drop = ledger_drop;
	jobs.name = "jobs";
	results.name = "results";
	assert_status(weir_pool_open(stage, &jobs, &results, &pool), WEIR_OK);
	ledger_reset();
	return pool;
}

/* 0, or why not. */
static int submit(weir_pool *pool, uint64_t value)
{
	int status;

	ledger_make(value);
	status = weir_pool_submit(pool, &value);
	if (status != WEIR_OK)
		ledger_end(value);
	return status;
}

static int next(weir_pool *pool, uint64_t *value)
{
	int status = weir_pool_next(pool, value);

	if (status == WEIR_OK)
		ledger_end(*value);
	return status;
}

struct feeding {
	weir_pool *pool;
	_Atomic uint64_t first;
	uint64_t count;
};

static int run_submit(void *argument)
{
	struct feeding *feeding = argument;
	uint64_t value;
	int status = WEIR_OK;

	while (status == WEIR_OK &&
		(value = atomic_fetch_add(&feeding->first, 1)) < feeding->count)
		status = submit(feeding->pool, value);
	return status;
}

static int run_join(void *argument)
{
	return weir_pool_join(argument);
}

static int join_pool(weir_pool *pool)
{
	struct task task;

	task_start(&task, run_join, pool);
	return task_join(&task);
}

ONE_CASE(pool, results_come_in_any_order)
{
	int before = thread_count();

	for (size_t capacity = 0; capacity < 4; capacity++) {
		struct conduct map = {.count = 1000};
		weir_stage stage = map_stage(&map);
		struct feeding feeding = {.count = 1000};
		uint64_t value, sum = 0;
		struct task tasks[2];

		stage.threads = 3;
		feeding.pool = open_pool(&stage, capacity);
		task_start(&tasks[0], run_submit, &feeding);
		task_start(&tasks[1], run_submit, &feeding);
		for (int i = 0; i < 1000; i++) {
			assert_status(next(feeding.pool, &value), WEIR_OK);
			sum += value;
		}
		assert_status(task_join(&tasks[0]), WEIR_OK);
		assert_status(task_join(&tasks[1]), WEIR_OK);
		assert_status(join_pool(feeding.pool), WEIR_OK);
		assert_status(next(feeding.pool, &value), WEIR_END_OF_CHANNEL);
		cr_assert(sum == 499500);
		weir_pool_free(feeding.pool);
		cr_assert(ledger_balanced() == 1000);
		cr_assert(atomic_load(&ledger.dropped) == 0);
	}
	wait_until_threads(before);
}

ONE_CASE(pool, ordered_results_come_in_the_order_of_the_jobs)
{
	struct conduct map = {.count = 1000};
	weir_stage stage = map_stage(&map);
	struct feeding feeding = {.count = 3000};
	struct task task;
	uint64_t value;

	stage.threads = 4;
	stage.flags = WEIR_ORDERED;
	feeding.pool = open_pool(&stage, 3);
	task_start(&task, run_submit, &feeding);
	for (uint64_t i = 0; i < 3000; i++) {
		assert_status(next(feeding.pool, &value), WEIR_OK);
		cr_assert(value == i);
	}
	assert_status(task_join(&task), WEIR_OK);
	weir_pool_free(feeding.pool);
	ledger_balanced();
}

ONE_CASE(pool, finish_lets_out_all_that_was_submitted)
{
	struct conduct map = {.count = 1000};
	weir_stage stage = map_stage(&map);
	weir_pool *pool;
	uint64_t value, seen = 0;
	int status;

	stage.threads = 2;
	pool = open_pool(&stage, 100);
	for (uint64_t i = 0; i < 100; i++)
		assert_status(submit(pool, i), WEIR_OK);
	weir_pool_finish(pool);
	weir_pool_finish(pool);
	assert_status(submit(pool, 100), WEIR_CLOSED_RESOURCE);
	while ((status = next(pool, &value)) == WEIR_OK)
		seen++;
	assert_status(status, WEIR_END_OF_CHANNEL);
	cr_assert(seen == 100);
	assert_status(join_pool(pool), WEIR_OK);
	assert_status(weir_pool_join(pool), WEIR_OK);
	weir_pool_cancel(pool);
	assert_status(weir_pool_join(pool), WEIR_OK);
	weir_pool_free(pool);
	ledger_balanced();
}

ONE_CASE(pool, try_forms_do_not_wait)
{
	_Atomic bool hold = true;
	struct conduct map = {.count = 1000, .hold = &hold};
	weir_stage stage = map_stage(&map);
	weir_stage_statistics now;
	weir_pool *pool = open_pool(&stage, 2);
	uint64_t value = 0;

	assert_status(weir_pool_try_next(pool, &value), WEIR_WOULD_BLOCK);
	assert_status(submit(pool, 0), WEIR_OK);
	do {
		weir_pool_statistics(pool, &now);
	} while (now.in.received < 1);
	for (value = 1; value <= 2; value++) {
		ledger_make(value);
		assert_status(weir_pool_try_submit(pool, &value), WEIR_OK);
	}
	assert_status(weir_pool_try_submit(pool, &value), WEIR_WOULD_BLOCK);
	atomic_store(&hold, false);
	for (uint64_t i = 0; i <= 2; i++) {
		assert_status(next(pool, &value), WEIR_OK);
		cr_assert(value == i);
	}
	weir_pool_finish(pool);
	assert_status(join_pool(pool), WEIR_OK);
	assert_status(weir_pool_try_next(pool, &value), WEIR_END_OF_CHANNEL);
	value = 9;
	assert_status(weir_pool_try_submit(pool, &value), WEIR_CLOSED_RESOURCE);
	weir_pool_free(pool);
	ledger_balanced();
}

ONE_CASE(pool, may_have_no_results)
{
	struct conduct sink = {.count = 1000};
	weir_options jobs = WEIR_OPTIONS_INIT;
	weir_stage stage = sink_stage(&sink);
	weir_pool *pool;
	uint64_t value;

	stage.run = NULL;
	stage.map = sink_map;
	stage.threads = 3;
	jobs.capacity = 8;
	assert_status(weir_pool_open(&stage, &jobs, NULL, &pool), WEIR_OK);
	for (uint64_t i = 0; i < 500; i++)
		assert_status(submit(pool, i), WEIR_OK);
	assert_status(weir_pool_next(pool, &value), WEIR_INVALID_ARGUMENT);
	assert_status(weir_pool_try_next(pool, &value), WEIR_INVALID_ARGUMENT);
	assert_status(join_pool(pool), WEIR_OK);
	cr_assert(ledger_balanced() == 500);
	weir_pool_free(pool);
}

ONE_CASE(pool, a_run_stage_works_too)
{
	struct conduct run = {.count = 1000};
	weir_stage stage = run_stage(&run);
	struct feeding feeding = {.count = 300};
	struct task task;
	uint64_t value;

	stage.threads = 2;
	feeding.pool = open_pool(&stage, 4);
	task_start(&task, run_submit, &feeding);
	for (int i = 0; i < 300; i++)
		assert_status(next(feeding.pool, &value), WEIR_OK);
	assert_status(task_join(&task), WEIR_OK);
	assert_status(join_pool(feeding.pool), WEIR_OK);
	weir_pool_free(feeding.pool);
	ledger_balanced();
}

ONE_CASE(pool, a_failure_breaks_submit_and_ends_next)
{
	for (unsigned flags = 0; flags <= WEIR_ORDERED; flags++) {
		struct conduct map = {.count = 1000,
			.acts = true,
			.act_at = 20,
			.status = FAILURE};
		weir_stage stage = map_stage(&map);
		struct feeding feeding = {.count = 100000};
		struct task task;
		uint64_t value;
		int status;

		stage.threads = 3;
		stage.flags = flags;
		feeding.pool = open_pool(&stage, 2);
		task_start(&task, run_submit, &feeding);
		while ((status = next(feeding.pool, &value)) == WEIR_OK)
			cr_assert(value < 20);
		assert_status(status, WEIR_END_OF_CHANNEL);
		assert_status(task_join(&task), WEIR_BROKEN_RESOURCE);
		assert_status(join_pool(feeding.pool), FAILURE);
		ledger_balanced(); /* before free */
		weir_pool_free(feeding.pool);
	}
}

static int run_cancel(void *argument)
{
	weir_pool_cancel(argument);
	return WEIR_OK;
}

ONE_CASE(pool, cancel_drops_what_was_not_begun)
{
	int before = thread_count();

	for (unsigned i = 0; i < 100; i++) {
		struct conduct map = {.count = 1000};
		weir_stage stage = map_stage(&map);
		struct feeding feeding = {.count = 100000};
		struct task tasks[2];
		uint64_t value;
		int status;

		stage.threads = 1 + i % 3;
		stage.flags = i % 2 ? WEIR_ORDERED : 0;
		feeding.pool = open_pool(&stage, i % 5);
		task_start(&tasks[0], run_submit, &feeding);
		for (unsigned j = 0; j < i; j++)
			assert_status(next(feeding.pool, &value), WEIR_OK);
		task_start(&tasks[1], run_cancel, feeding.pool);
		while ((status = next(feeding.pool, &value)) == WEIR_OK)
			;
		assert_status(status, WEIR_END_OF_CHANNEL);
		assert_status(task_join(&tasks[0]), WEIR_BROKEN_RESOURCE);
		assert_status(task_join(&tasks[1]), WEIR_OK);
		assert_status(join_pool(feeding.pool), WEIR_CLOSED_RESOURCE);
		ledger_balanced(); /* before free */
		weir_pool_free(feeding.pool);
	}
	wait_until_threads(before);
}

ONE_CASE(pool, free_without_anything_else)
{
	struct conduct map = {.count = 1000};
	weir_stage stage = map_stage(&map);
	int before = thread_count();
	weir_pool *pool;

	for (int i = 0; i < 20; i++) {
		pool = open_pool(&stage, 4);
		for (uint64_t j = 0; j < (uint64_t)(i % 8); j++)
			assert_status(submit(pool, j), WEIR_OK);
		weir_pool_free(pool);
		ledger_balanced();
	}
	weir_pool_free(NULL);
	wait_until_threads(before);
}

ONE_CASE(pool, statistics_are_the_stages)
{
	struct conduct map = {.count = 1000};
	weir_stage stage = map_stage(&map);
	weir_stage_statistics now;
	weir_pool *pool;
	uint64_t value;

	stage.threads = 2;
	pool = open_pool(&stage, 16);
	for (uint64_t i = 0; i < 10; i++)
		assert_status(submit(pool, i), WEIR_OK);
	for (uint64_t i = 0; i < 10; i++)
		assert_status(next(pool, &value), WEIR_OK);
	weir_pool_statistics(pool, &now);
	cr_assert(strcmp(now.name, "map") == 0);
	cr_assert(now.threads == 2 && now.running == 2);
	cr_assert(now.in.received == 10 && now.in.max_buffer_size == 16);
	cr_assert(now.out.sent == 10);
	cr_assert(strcmp(now.in.name, "jobs") == 0);
	cr_assert(strcmp(now.out.name, "results") == 0);
	assert_status(join_pool(pool), WEIR_OK);
	weir_pool_statistics(pool, &now);
	cr_assert(now.running == 0);
	weir_pool_free(pool);
	weir_pool_statistics(NULL, &now);
	cr_assert(now.name == NULL && now.threads == 0);
}

ONE_CASE(pool, bad_input_is_refused)
{
	weir_options jobs = WEIR_OPTIONS_INIT, results = WEIR_OPTIONS_INIT;
	struct conduct map = {.count = 1000};
	weir_stage stage = map_stage(&map);
	weir_pool *pool = NULL;
	uint64_t value = 0;

#define assert_refused(call) assert_status(call, WEIR_INVALID_ARGUMENT)
	assert_refused(weir_pool_open(NULL, &jobs, &results, &pool));
	assert_refused(weir_pool_open(&stage, NULL, &results, &pool));
	assert_refused(weir_pool_open(&stage, &jobs, &results, NULL));
	assert_refused(weir_pool_open(&stage, &jobs, NULL, &pool));
	jobs.element_size = 4;
	assert_refused(weir_pool_open(&stage, &jobs, &results, &pool));
	jobs.element_size = 8;
	results.element_size = 16;
	assert_refused(weir_pool_open(&stage, &jobs, &results, &pool));
	results.element_size = 0;
	stage.threads = 0;
	assert_refused(weir_pool_open(&stage, &jobs, &results, &pool));
	stage.threads = 1;
	stage.map = NULL;
	assert_refused(weir_pool_open(&stage, &jobs, &results, &pool));
	cr_assert(pool == NULL);
	assert_refused(weir_pool_submit(NULL, &value));
	assert_refused(weir_pool_try_submit(NULL, &value));
	assert_refused(weir_pool_next(NULL, &value));
	assert_refused(weir_pool_try_next(NULL, &value));
	assert_refused(weir_pool_join(NULL));
	weir_pool_finish(NULL);
	weir_pool_cancel(NULL);
}

ONE_CASE(pool, without_memory_or_threads_there_is_none)
{
	int before = thread_count();
	long n = 1;

	for (int kind = 0; kind < 2; kind++)
		for (n = 1;; n++) {
			weir_options jobs = WEIR_OPTIONS_INIT;
			struct conduct map = {.count = 1000};
			weir_stage stage = map_stage(&map);
			weir_pool *pool = NULL;
			int status;

			jobs.capacity = 4;
			stage.threads = 3;
			*(kind ? &fail_thread_at : &fail_memory_at) = n;
			errno = 77;
			status = weir_pool_open(&stage, &jobs, &jobs, &pool);
			fail_thread_at = fail_memory_at = 0;
			cr_assert(errno == 77);
			if (status == WEIR_OK) {
				weir_pool_free(pool);
				break;
			}
			assert_status(status, WEIR_NO_MEMORY);
			cr_assert(pool == NULL);
			wait_until_threads(before);
		}
	cr_assert(n == 4);
	wait_until_threads(before);
}
