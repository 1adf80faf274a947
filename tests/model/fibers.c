/* SPDX-License-Identifier: MIT */
/* fibers.c - the threads of a model, as contexts of one thread of the system.
 *
 * Thread 0 is the model's body; daemons and spawned threads follow.  A thread
 * goes on until it sleeps or ends, unless a choice at one of its points says
 * otherwise: that is a preemption, and their number is what a search bounds
 * [Musuvathi and Qadeer, "Iterative Context Bounding for Systematic Testing of
 * Multithreaded Programs", 2007].
 *
 * When nobody can go on and somebody is not through, somebody sleeps for ever.
 */
#include "checker.h"
#include "engine.h"
#include "hazard.h"

#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* A run this long does not end. */
#define STEPS_MOST 20000

struct thread threads[MAX_THREADS];
unsigned thread_count;
unsigned self;
uint64_t steps;

/* A thread starts by setcontext and is continued by longjmp, which is no system
 * call. */
static ucontext_t contexts[MAX_THREADS];
static jmp_buf places[MAX_THREADS];
static bool has_started[MAX_THREADS];
static jmp_buf driver;
static unsigned char *stacks;
static bool running; /* between join's beginning and its end */
static bool ended;

void *fixed_memory(uintptr_t address, size_t size)
{
	void *memory = mmap((void *)address, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			MAP_FIXED_NOREPLACE,
		-1, 0);

	if (memory != (void *)address)
		model_fail("no memory at its fixed address");
	return memory;
}

const void *fibers_stack(size_t *size)
{
	*size = MAX_THREADS * STACK_BYTES;
	if (stacks == NULL)
		stacks = fixed_memory(STACKS_ADDRESS, *size);
	return stacks;
}

/* -- Who runs next ------------------------------------------------------- */

static void continue_at(unsigned thread)
{
	self = thread;
	wi_hazards_of_thread = threads[self].hazards;
	wi_is_stranger = threads[self].hazards == NULL;
	if (has_started[thread])
		_longjmp(places[thread], 1);
	has_started[thread] = true;
	setcontext(&contexts[thread]);
}

static void go_to(unsigned thread)
{
	unsigned from = self;

	if (thread == from)
		return;
	if (_setjmp(places[from]) == 0)
		continue_at(thread);
}

/* Where a run can be told from all that came here by another order of the same
 * operations: by what each thread has done, and in what order with those that
 * touched the same things [Musuvathi et al., "Finding and Reproducing Heisenbugs
 * in Concurrent Programs", 2008, section 4]. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	a ^= b + 0x9E3779B97F4A7C15u + (a << 6) + (a >> 2);
	a ^= a >> 32;
	a *= 0xD6E8FEB86659FD93u;
	return a ^ a >> 32;
}

static uint64_t state_of_run(void)
{
	uint64_t state = self;

	for (unsigned i = 0; i < thread_count; i++)
		state = mix(state, threads[i].hash);
	return state;
}

void fibers_note(struct location *location, bool writes, uint64_t what)
{
	struct thread *thread = &threads[self];

	thread->hash = mix(mix(thread->hash, location->write_hash), what);
	if (writes) {
		thread->hash = mix(thread->hash, location->read_hash);
		location->write_hash = thread->hash;
		location->read_hash = 0;
	} else {
		/* Reads of one store may come in any order. */
		location->read_hash += thread->hash;
	}
}

/* Something is done to each thread, at the place where it is. */
void fibers_note_all(struct location *location)
{
	fibers_note(location, true, 0);
	for (unsigned i = 0; i < thread_count; i++)
		if (i != self)
			threads[i].hash =
				mix(threads[i].hash, location->write_hash);
}

/* After so many strikes in a run the clock waits until nobody else can go on.
 * Else a wait that looks from time to time went on for ever, beside a thread
 * that could end it and is not let. */
#define STRIKES_MOST 32

static unsigned candidates(unsigned *list, bool with_self)
{
	unsigned n = 0;

	if (with_self)
		list[n++] = self;
	/* Those that must finish come first. */
	for (unsigned i = 0; i < 2 * thread_count; i++) {
		unsigned thread = i % thread_count;

		if (thread != self && threads[thread].state == RUNNABLE &&
			threads[thread].daemon == (i >= thread_count) &&
			(n == 0 || threads[thread].strikes < STRIKES_MOST))
			list[n++] = thread;
	}
	return n;
}

void fibers_point(struct location *location)
{
	unsigned list[MAX_THREADS], n;

	if (!running)
		return;
	if (++steps > STEPS_MOST)
		model_fail("a run does not end: %u steps", STEPS_MOST);
	if (!explore_is_shared(location->address, self) ||
		!explore_may_preempt())
		return;
	n = candidates(list, true);
	if (n < 2)
		return;
	if (explore_was_here(state_of_run()))
		fibers_abandon();
	go_to(list[explore_choose_thread(list, n)]);
}

void fibers_point_of_all(struct location *location)
{
	for (unsigned i = 0; i < thread_count; i++)
		explore_is_shared(location->address, i);
	fibers_point(location);
}

static void report_sleepers(void)
{
	char text[512] = "";

	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].state == BLOCKED && !threads[i].daemon && i > 0)
			strcat(strcat(text, " "), threads[i].name);
	model_fail("lost wake-up: nobody can go on, asleep for ever:%s", text);
}

/* To one of these. */
static void go_to_any(const unsigned *list, unsigned n)
{
	if (n > 1 && running) {
		if (explore_was_here(state_of_run()))
			fibers_abandon();
		go_to(list[explore_choose_thread(list, n)]);
	} else {
		go_to(list[0]);
	}
}

/* The current thread cannot go on. */
static void give_way(void)
{
	unsigned list[MAX_THREADS];
	unsigned n = candidates(list, false);

	if (n == 0)
		report_sleepers();
	go_to_any(list, n);
}

void fibers_yield(void)
{
	unsigned list[MAX_THREADS];
	unsigned n = candidates(list, false);

	explore_yield();
	if (n > 0)
		go_to_any(list, n);
}

bool fibers_block(const void *waits_for, int64_t deadline)
{
	struct thread *thread = &threads[self];

	thread->state = BLOCKED;
	thread->waits_for = waits_for;
	thread->deadline = deadline;
	thread->timed_out = false;
	steps++;
	give_way();
	return !thread->timed_out;
}

void fibers_wake(unsigned thread)
{
	threads[thread].state = RUNNABLE;
	threads[thread].waits_for = NULL;
	threads[thread].deadline = INT64_MAX;
}

void fibers_wake_all(const void *waits_for)
{
	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].state == BLOCKED &&
			threads[i].waits_for == waits_for)
			fibers_wake(i);
}

/* -- Life ---------------------------------------------------------------- */

static bool others_are_through(void)
{
	for (unsigned i = 1; i < thread_count; i++)
		if (!threads[i].daemon && threads[i].state != FINISHED)
			return false;
	return true;
}

/* A call does not return with a hold. */
static void check_holds(const struct thread *thread)
{
	for (unsigned i = 0; thread->hazards != NULL && i < HOLDS; i++)
		if (load_relaxed(&thread->hazards->held[i]) != NULL)
			model_fail("a thread ends that holds something");
}

static void thread_main(void)
{
	struct thread *thread = &threads[self];

	thread->body(thread->argument);
	check_holds(thread);
	thread->state = FINISHED;
	if (self == 0) {
		ended = true;
		fibers_abandon();
	}
	memory_release_into(&threads[0].acquired);
	if (others_are_through() && threads[0].state == BLOCKED)
		fibers_wake(0);
	give_way();
}

static unsigned add(const char *name, void (*body)(void *), void *argument)
{
	unsigned id = thread_count++;
	struct thread *thread = &threads[id];
	size_t size;
	unsigned char *stack = (unsigned char *)(uintptr_t)fibers_stack(&size);

	if (id >= MAX_THREADS)
		model_fail("too many threads");
	memset(thread, 0, sizeof *thread);
	thread->name = name;
	thread->body = body;
	thread->argument = argument;
	thread->hazards = &wi_hazard_table.of[id];
	thread->hazards->unseen = kernel_refuses_fence();
	thread->deadline = INT64_MAX;
	thread->hash = id + 1;
	if (id > 0)
		memory_release_into(&thread->view);
	thread->view.clock[id] = 1;
	has_started[id] = false;
	getcontext(&contexts[id]);
	contexts[id].uc_stack.ss_sp = stack + id * STACK_BYTES;
	contexts[id].uc_stack.ss_size = STACK_BYTES;
	contexts[id].uc_link = NULL;
	makecontext(&contexts[id], thread_main, 0);
	return id;
}

void spawn(const char *name, void (*body)(void *), void *argument)
{
	add(name, body, argument);
}

void fibers_add_daemon(const char *name, void (*body)(void *))
{
	threads[add(name, body, NULL)].daemon = true;
}

uint32_t __tsan_atomic32_fetch_add(
	volatile uint32_t *address, uint32_t operand, int order);

/* As wi_hazards_register where all places are taken. */
void become_stranger(void)
{
	threads[self].hazards = NULL;
	wi_hazards_of_thread = NULL;
	wi_is_stranger = true;
	__tsan_atomic32_fetch_add(
		(volatile uint32_t *)(void *)&wi_hazard_table.strangers, 1,
		memory_order_relaxed);
}

void join(void)
{
	for (unsigned i = 1; i < thread_count; i++)
		memory_release_into(&threads[i].view);
	running = true;
	if (!others_are_through())
		fibers_block(&threads[0], INT64_MAX);
	running = false;
	memory_join(&threads[0].view, &threads[0].acquired);
}

static void (*body_of_run)(void);

static void run_body(void *argument)
{
	(void)argument;
	body_of_run();
	locks_drain();
	heap_check_all_free();
}

bool fibers_run(void (*body)(void))
{
	thread_count = 0;
	self = 0;
	steps = 0;
	running = false;
	ended = false;
	memory_reset();
	races_reset();
	heap_reset();
	trace_reset();
	memset(&wi_hazard_table, 0, sizeof wi_hazard_table);
	wi_hazard_table.of_strangers.unseen = true;
	init_atomic(&wi_hazard_table.used, MAX_THREADS);
	body_of_run = body;
	add("main", run_body, NULL);
	kernel_reset();
	locks_reset();
	if (_setjmp(driver) == 0)
		continue_at(0);
	return ended;
}

void fibers_abandon(void)
{
	_longjmp(driver, 1);
}
