/* SPDX-License-Identifier: MIT */
/* kernel.c - the system calls of the library: futexes, descriptors, the clock,
 * membarrier.
 *
 * The kernel compares a futex word and queues the sleeper in one step, against
 * wake-ups of the same word, and sees the youngest value.  A wake-up takes any
 * of the sleepers.  A futex call orders nothing.
 */
#define MODEL_CHECKER
#include "seam.h"

#include "checker.h"
#include "engine.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

#define EPOCH 1000000000 /* where the clock starts */
#define TICK 1000000     /* from one deadline to the next */
#define FIRST_FD 1000

static int64_t now;
static int64_t last_deadline; /* that a model has made */
static unsigned cpus;
static bool told_apart;
static unsigned early_ends_left;
static bool has_clock;
static uint64_t clock_word;      /* where the clock is a location */
static uint64_t descriptors[64]; /* where descriptors are */
static unsigned descriptor_count;
static uint64_t sleepers_word; /* who has slept is a location, too */
static bool fence_is_refused, fence_was_asked_for;

/* -- The clock ----------------------------------------------------------- */

int64_t model_now(void)
{
	return now;
}

/* The next moment that matters to anybody; INT64_MAX: none. */
static int64_t next_deadline(void)
{
	int64_t next =
		now < last_deadline ? now - now % TICK + TICK : INT64_MAX;

	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].state == BLOCKED && threads[i].deadline < next)
			next = threads[i].deadline;
	return next;
}

static void pass_time(int64_t to)
{
	struct location *location = memory_location(&clock_word);

	fibers_point(location);
	threads[self].strikes++;
	if (to > now)
		now = to;
	fibers_note(location, true, (uint64_t)now);
	trace_add(__builtin_return_address(0), "TIME", 0, 0,
		(uint64_t)(now - EPOCH) / TICK, 0);
	explore_yield();
	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].state == BLOCKED && threads[i].deadline <= now) {
			threads[i].timed_out = true;
			fibers_wake(i);
		}
}

static void run_clock(void *unused)
{
	(void)unused;
	for (;;) {
		int64_t next = next_deadline();

		if (next == INT64_MAX)
			fibers_block(&clock_word, INT64_MAX);
		else
			pass_time(next);
	}
}

/* A clock that has nothing to wait for sleeps: it has now. */
static void start_clock(void)
{
	if (!has_clock) {
		has_clock = true;
		fibers_add_daemon("clock", run_clock);
	}
	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].body == run_clock && threads[i].state == BLOCKED)
			fibers_wake(i);
}

int64_t deadline_ahead(void)
{
	start_clock();
	last_deadline += TICK;
	return last_deadline;
}

int model_clock_gettime(clockid_t clock, struct timespec *out)
{
	struct location *location = memory_location(&clock_word);

	(void)clock;
	fibers_point(location);
	fibers_note(location, false, (uint64_t)now);
	out->tv_sec = now / 1000000000;
	out->tv_nsec = now % 1000000000;
	return 0;
}

void kernel_reset(void)
{
	now = last_deadline = EPOCH;
	cpus = 1;
	told_apart = false;
	early_ends_left = 0;
	has_clock = false;
	descriptor_count = 0;
}

/* -- CPUs ---------------------------------------------------------------- */

void model_cpus(unsigned count)
{
	cpus = count;
}

int model_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	CPU_ZERO_S(size, set);
	for (unsigned i = 0; i < cpus; i++)
		CPU_SET_S(i, size, set);
	return 0;
}

/* -- Who is who ---------------------------------------------------------- */

void tell_threads_apart(void)
{
	told_apart = true;
}

void *model_thread_pointer(void)
{
	return told_apart ? &threads[self] : NULL;
}

/* -- Futexes ------------------------------------------------------------- */

void sleeps_may_end_early(unsigned times)
{
	early_ends_left = times;
}

static unsigned count_sleepers(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < thread_count; i++)
		count += threads[i].has_slept;
	return count;
}

void until_asleep(unsigned count)
{
	struct location *location = memory_location(&sleepers_word);

	fibers_point(location);
	while (count_sleepers() < count)
		fibers_block(&sleepers_word, INT64_MAX);
	/* From here on it stays true. */
	fibers_note(location, false, count);
}

static void note_sleeper(void)
{
	threads[self].has_slept = true;
	fibers_wake_all(&sleepers_word);
}

static long fail(int error)
{
	errno = error;
	return -1;
}

static long futex_wait(
	uint32_t *word, uint32_t expected, const struct timespec *until)
{
	struct location *location = memory_location(word);
	int64_t deadline = INT64_MAX;
	uint32_t found;

	fibers_point(location);
	found = *(volatile uint32_t *)word;
	fibers_note(location, true, found);
	if (until != NULL)
		deadline = until->tv_sec * 1000000000 + until->tv_nsec;
	if (found != expected) {
		trace_add(current_pc, "futex: no sleep", (uintptr_t)word, found,
			expected, 0);
		return fail(EAGAIN);
	}
	if (deadline <= now)
		return fail(ETIMEDOUT);
	if (early_ends_left > 0 && explore_choose(FAULT, 2) == 1) {
		early_ends_left--;
		trace_add(current_pc, "futex: EINTR", (uintptr_t)word, found,
			expected, 0);
		return fail(EINTR);
	}
	trace_add(current_pc, "futex: sleeps", (uintptr_t)word, found, expected,
		0);
	if (deadline != INT64_MAX)
		start_clock();
	note_sleeper();
	if (!fibers_block(word, deadline)) {
		trace_add(current_pc, "futex: time is up", (uintptr_t)word,
			found, 0, 0);
		return fail(ETIMEDOUT);
	}
	trace_add(current_pc, "futex: awake", (uintptr_t)word, found, 0, 0);
	return 0;
}

static long futex_wake(uint32_t *word, int most)
{
	struct location *location = memory_location(word);
	long woken = 0;

	fibers_point(location);
	fibers_note(location, true, 0);
	while (woken < most) {
		unsigned sleepers[MAX_THREADS], n = 0;

		for (unsigned i = 0; i < thread_count; i++)
			if (threads[i].state == BLOCKED &&
				threads[i].waits_for == word)
				sleepers[n++] = i;
		if (n == 0)
			break;
		fibers_wake(sleepers[n > 1 ? explore_choose(ANY, n) : 0]);
		woken++;
	}
	trace_add(current_pc, "futex: wakes", (uintptr_t)word, 0,
		(uint64_t)woken, 0);
	return woken;
}

static long nap(const struct timespec *until)
{
	int64_t deadline = until->tv_sec * 1000000000 + until->tv_nsec;

	if (deadline > now) {
		start_clock();
		fibers_block(until, deadline);
	}
	return 0;
}

/* -- Eventfds ------------------------------------------------------------ */

static struct location *descriptor(int fd)
{
	if (fd < FIRST_FD || (unsigned)(fd - FIRST_FD) >= descriptor_count)
		model_fail("no such descriptor: %d", fd);
	return memory_location(&descriptors[fd - FIRST_FD]);
}

int model_eventfd(unsigned count, int flags)
{
	int fd = FIRST_FD + (int)descriptor_count;
	struct location *location;

	(void)flags;
	if (descriptor_count == 64)
		return (int)fail(EMFILE);
	descriptor_count++;
	location = descriptor(fd);
	location->counter = count;
	location->open = true;
	return fd;
}

int model_close(int fd)
{
	descriptor(fd)->open = false;
	return 0;
}

static long read_or_write(int fd, uint64_t *value, bool writes)
{
	struct location *location = descriptor(fd);

	fibers_point(location);
	if (!location->open)
		model_fail("a closed descriptor is used");
	if (writes) {
		location->counter += *value;
	} else if (location->counter == 0) {
		return fail(EAGAIN);
	} else {
		*value = location->counter;
		location->counter = 0;
	}
	fibers_note(location, true, location->counter);
	trace_add(current_pc, writes ? "eventfd: write" : "eventfd: read", 0, 0,
		location->counter, 0);
	return sizeof *value;
}

bool descriptor_is_readable(int fd)
{
	struct location *location = descriptor(fd);

	fibers_point(location);
	fibers_note(location, false, location->counter);
	return location->counter > 0;
}

/* -- membarrier ---------------------------------------------------------- */

void kernel_refuse_fence(bool refuse)
{
	fence_is_refused = refuse;
	fence_was_asked_for = false;
}

bool kernel_refuses_fence(void)
{
	return fence_is_refused;
}

bool kernel_was_asked_for_fence(void)
{
	return fence_was_asked_for;
}

/* These two stand for lib/fence.c: see fence.h. */
bool wi_fence_is_there(void);
bool wi_fence_is_there(void)
{
	fence_was_asked_for = true;
	return !fence_is_refused;
}

void wi_fence_others(void);
void wi_fence_others(void)
{
	current_pc = __builtin_return_address(0);
	if (fence_is_refused)
		model_fail("membarrier, which the kernel has refused");
	memory_fence_all();
}

/* ------------------------------------------------------------------------ */

long model_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	current_pc = __builtin_return_address(0);
	va_start(list, number);
	for (unsigned i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	switch (number) {
	case SYS_futex:
		if ((int)arguments[1] == FUTEX_WAKE_PRIVATE)
			return futex_wake(
				(uint32_t *)arguments[0], (int)arguments[2]);
		return futex_wait((uint32_t *)arguments[0],
			(uint32_t)arguments[2],
			(const struct timespec *)arguments[3]);
	case SYS_clock_nanosleep:
		return nap((const struct timespec *)arguments[2]);
	case SYS_write:
	case SYS_read:
		return read_or_write((int)arguments[0],
			(uint64_t *)arguments[1], number == SYS_write);
	default:
		model_fail("a system call that the checker does not know: %ld",
			number);
	}
}

void model_abort(void)
{
	model_fail("a broken invariant, as printed");
}
