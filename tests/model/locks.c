/* SPDX-License-Identifier: MIT */
/* locks.c - mutexes, condition variables and RCU, of which the library uses
 * libc's and liburcu's: here is what they promise.
 *
 * RCU is one more thread.  A grace period begins some time after call_rcu, and
 * ends when every read section has ended that had begun before it; a section
 * that begins later sees all that call_rcu's caller had done.
 */
#define MODEL_CHECKER
#include "seam.h"

#include "checker.h"
#include "engine.h"

#include <urcu-bp.h>

#define LOCKS_MOST 16

struct lock {
	const void *address;
	struct view view; /* what its last holder had seen */
};

static struct lock lock_table[LOCKS_MOST];
static unsigned lock_count;

static struct view ended_sections; /* what readers had seen */
static struct view begun_periods;  /* what callers had seen */
static struct {
	struct rcu_head *head;
	struct view view;
} callbacks[4];
static unsigned callback_count;
static uint64_t rcu_word; /* where RCU is a location */
static uint64_t period;   /* grace periods begun */

/* -- Mutexes ------------------------------------------------------------- */

static struct view *view_of(const void *address)
{
	for (unsigned i = 0; i < lock_count; i++)
		if (lock_table[i].address == address)
			return &lock_table[i].view;
	if (lock_count == LOCKS_MOST)
		model_fail("too many locks");
	lock_table[lock_count].address = address;
	memset(&lock_table[lock_count].view, 0, sizeof(struct view));
	return &lock_table[lock_count++].view;
}

int model_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how)
{
	(void)how;
	memory_location(mutex)->holder = 0;
	return 0;
}

int model_mutex_destroy(pthread_mutex_t *mutex)
{
	check(memory_location(mutex)->holder == 0);
	return 0;
}

int model_mutex_lock(pthread_mutex_t *mutex)
{
	struct location *location = memory_location(mutex);

	fibers_point(location);
	while (location->holder != 0)
		fibers_block(mutex, INT64_MAX);
	location->holder = (int)self + 1;
	memory_join(&threads[self].view, view_of(mutex));
	fibers_note(location, true, 1);
	trace_add(
		__builtin_return_address(0), "lock", (uintptr_t)mutex, 0, 0, 0);
	return 0;
}

int model_mutex_unlock(pthread_mutex_t *mutex)
{
	struct location *location = memory_location(mutex);

	fibers_point(location);
	if (location->holder != (int)self + 1)
		model_fail("unlocks what it does not hold");
	memory_release_into(view_of(mutex));
	location->holder = 0;
	fibers_note(location, true, 0);
	fibers_wake_all(mutex);
	trace_add(__builtin_return_address(0), "unlock", (uintptr_t)mutex, 0, 0,
		0);
	return 0;
}

int model_cond_init(pthread_cond_t *cond, const pthread_condattr_t *how)
{
	(void)cond;
	(void)how;
	return 0;
}

int model_cond_destroy(pthread_cond_t *cond)
{
	(void)cond;
	return 0;
}

int model_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	struct location *location = memory_location(mutex);

	memory_release_into(view_of(mutex));
	location->holder = 0;
	fibers_note(location, true, 0);
	fibers_wake_all(mutex);
	trace_add(
		__builtin_return_address(0), "waits", (uintptr_t)cond, 0, 0, 0);
	fibers_block(cond, INT64_MAX);
	return model_mutex_lock(mutex);
}

int model_cond_broadcast(pthread_cond_t *cond)
{
	struct location *location = memory_location(cond);

	fibers_point(location);
	fibers_note(location, true, 0);
	fibers_wake_all(cond);
	return 0;
}

/* -- RCU ----------------------------------------------------------------- */

/* Nobody is in a section that began before this period. */
static bool is_over(void)
{
	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].readers > 0 && threads[i].reading_since < period)
			return false;
	return true;
}

static struct rcu_head *pass_grace_period(void)
{
	struct location *location = memory_location(&rcu_word);
	struct view *caller = &callbacks[0].view;

	fibers_point(location);
	period++;
	memory_join(&begun_periods, caller);
	fibers_note(location, true, 1);
	trace_add(NULL, "grace period begins", 0, 0, 0, 0);
	while (!is_over())
		fibers_block(&rcu_word, INT64_MAX);
	fibers_point(location);
	memory_join(&threads[self].view, caller);
	memory_join(&threads[self].view, &ended_sections);
	fibers_note(location, true, 2);
	trace_add(NULL, "grace period is over", 0, 0, 0, 0);
	return callbacks[0].head;
}

static void run_rcu(void *unused)
{
	(void)unused;
	for (;;) {
		struct rcu_head *head;

		while (callback_count == 0)
			fibers_block(&rcu_word, INT64_MAX);
		head = pass_grace_period();
		for (unsigned i = 1; i < callback_count; i++)
			callbacks[i - 1] = callbacks[i];
		callback_count--;
		head->func(head);
		if (callback_count == 0)
			fibers_wake_all(callbacks);
		else
			fibers_yield(); /* it may come back for ever */
	}
}

void locks_reset(void)
{
	lock_count = 0;
	callback_count = 0;
	period = 0;
	memset(&ended_sections, 0, sizeof ended_sections);
	memset(&begun_periods, 0, sizeof begun_periods);
}

void locks_drain(void)
{
	while (callback_count > 0)
		fibers_block(callbacks, INT64_MAX);
}

void urcu_bp_read_lock(void)
{
	struct location *location = memory_location(&rcu_word);

	fibers_point(location);
	fibers_note(location, false, 3);
	if (threads[self].readers++ > 0)
		return;
	threads[self].reading_since = period;
	memory_join(&threads[self].view, &begun_periods);
}

void urcu_bp_read_unlock(void)
{
	struct location *location = memory_location(&rcu_word);

	fibers_point(location);
	fibers_note(location, false, 4);
	memory_release_into(&ended_sections);
	if (--threads[self].readers == 0)
		fibers_wake_all(&rcu_word);
}

void urcu_bp_call_rcu(
	struct rcu_head *head, void (*function)(struct rcu_head *))
{
	struct location *location = memory_location(&rcu_word);

	fibers_point(location);
	if (callback_count == 4)
		model_fail("too many callbacks");
	head->func = function;
	callbacks[callback_count].head = head;
	memset(&callbacks[callback_count].view, 0, sizeof(struct view));
	memory_release_into(&callbacks[callback_count].view);
	callback_count++;
	fibers_note(location, true, 5);
	trace_add(current_pc, "call_rcu", 0, 0, 0, 0);
	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].body == run_rcu) {
			fibers_wake_all(&rcu_word);
			return;
		}
	fibers_add_daemon("rcu", run_rcu);
}
