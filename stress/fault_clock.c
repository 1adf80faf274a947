/* SPDX-License-Identifier: MIT */
/* fault_clock.c - the wall clock is set back and forth.
 *
 * To set the clock of a machine would harm whatever else runs there.  So this
 * process alone sees it jump: clock_gettime and its like are defined here, and
 * come before those of libc, for the shared library too.  CLOCK_REALTIME is off
 * by up to a day, another one at each look.  What would use that clock inside
 * the kernel (a deadline of a futex, a sleep until, a timer) meets a seccomp
 * filter and ends the program.  That the library's looks at a clock come by
 * here is checked: those at CLOCK_MONOTONIC do.
 *
 * So what is shown is that nothing looks at the wall clock or waits on it, and
 * then it cannot matter how it is set.
 */
#include "fault.h"
#include "traffic.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define DAY_S 86400

static _Atomic uint64_t looks_at_wall, looks;
static _Atomic bool watching;

/* -- What programs look at ------------------------------------------------- */

typedef int look(clockid_t clock, struct timespec *time);

static look *next_look(void)
{
	static look *_Atomic next;

	if (next == NULL)
		next = (look *)(uintptr_t)dlsym(RTLD_NEXT, "clock_gettime");
	return next;
}

/* A jump for each look, of up to a day, back and forth. */
static time_t jump(void)
{
	static _Atomic uint64_t turn;
	uint64_t n = atomic_fetch_add(&turn, 1);
	time_t far = (time_t)(n * UINT64_C(0x9e3779b97f4a7c15) % DAY_S);

	if (atomic_load(&watching))
		atomic_fetch_add(&looks_at_wall, 1);
	return n % 2 == 0 ? far : -far;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int status = next_look()(clock, time);

	atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);
	if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
		clock != CLOCK_MONOTONIC_RAW &&
		clock != CLOCK_MONOTONIC_COARSE &&
		clock != CLOCK_PROCESS_CPUTIME_ID)
		time->tv_sec += jump();
	return status;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;
	int status = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	*time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return status;
}

time_t time(time_t *result)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (result != NULL)
		*result = now.tv_sec;
	return now.tv_sec;
}

int timespec_get(struct timespec *result, int base)
{
	return clock_gettime(CLOCK_REALTIME, result) == 0 ? base : 0;
}

/* -- What the kernel would look at ----------------------------------------- */

static void on_refusal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	stress_fail("system call %d waits on the wall clock", info->si_syscall);
}

static void install(struct sock_filter *steps, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, steps};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		fault_skip("no seccomp filters: %s", strerror(errno));
}

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define NUMBER offsetof(struct seccomp_data, nr)
#define ARGUMENT(n) offsetof(struct seccomp_data, args[n]) /* low half */
/* Go on after so many steps if it is not so. */
#define IF(value, steps)                                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (steps))
#define IF_BIT(bit, steps)                                                     \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bit), 0, (steps))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)

/* One without a deadline may name this clock, as the C library's do. */
static void refuse_futexes(void)
{
	struct sock_filter steps[] = {
		LOAD(NUMBER),
		IF(SYS_futex, 6),
		LOAD(ARGUMENT(1)),
		IF_BIT(FUTEX_CLOCK_REALTIME, 4),
		LOAD(ARGUMENT(3)),
		IF(0, 3),
		LOAD(ARGUMENT(3) + 4),
		IF(0, 1),
		ALLOW,
		REFUSE,
	};

	install(steps, LENGTH(steps));
}

/* A relative sleep on this clock, as nanosleep is, does not change when it is
 * set. */
static void refuse_sleeps(void)
{
	struct sock_filter steps[] = {
		LOAD(NUMBER),
		IF(SYS_clock_nanosleep, 5),
		LOAD(ARGUMENT(0)),
		IF(CLOCK_REALTIME, 3),
		LOAD(ARGUMENT(1)),
		IF_BIT(TIMER_ABSTIME, 1),
		REFUSE,
		ALLOW,
	};

	install(steps, LENGTH(steps));
}

/* Of a system call whose first argument is a clock. */
static void refuse_clock_of(unsigned number)
{
	struct sock_filter steps[] = {
		LOAD(NUMBER),
		IF(number, 3),
		LOAD(ARGUMENT(0)),
		IF(CLOCK_REALTIME, 1),
		REFUSE,
		ALLOW,
	};

	install(steps, LENGTH(steps));
}

static void refuse_the_wall_clock(void)
{
	struct sigaction action = {
		.sa_sigaction = on_refusal, .sa_flags = SA_SIGINFO};

	if (sigaction(SIGSYS, &action, NULL) != 0)
		stress_fail("sigaction: %s", strerror(errno));
	refuse_futexes();
	refuse_sleeps();
	refuse_clock_of(SYS_clock_gettime);
	refuse_clock_of(SYS_timer_create);
	refuse_clock_of(SYS_timerfd_create);
}

/* -------------------------------------------------------------------------- */

/* What else waits until a time: a timer, and a select for it. */
static void wait_for_a_timer(struct stress_random *random)
{
	int64_t span = (int64_t)stress_below(random, 1000000);
	int64_t due = weir_now() + span, fired = 0;
	weir_receiver *timer = NULL;
	size_t at = 1;

	stress_check(weir_at(due, &timer) == WEIR_OK, "no timer");
	if (stress_one_in(random, 2)) {
		weir_case cases[] = {WEIR_RECV_CASE(timer, &fired)};

		stress_check(weir_select(cases, 1, 0, &at) == WEIR_OK &&
				     cases[at].status == WEIR_OK,
			"the select failed");
	} else {
		stress_check(weir_recv(timer, &fired) == WEIR_OK,
			"the timer failed");
	}
	stress_check(weir_now() >= due && fired == due,
		"due at %" PRId64 ", fired at %" PRId64, due, fired);
	weir_receiver_free(timer);
}

int main(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;
	uint64_t before;

	stress_start(argc, argv, false);
	before = looks;
	(void)weir_now();
	stress_check(looks > before, "the library's clock is not ours");
	refuse_the_wall_clock();
	watching = true;
	while (stress_next_round(&random)) {
		traffic_round(&usual, &random);
		wait_for_a_timer(&random);
	}
	watching = false;
	stress_check(looks_at_wall == 0,
		"CLOCK_REALTIME was looked at %" PRIu64 " times",
		looks_at_wall);
	stress_finish("%" PRIu64 " looks at a clock, none of them at the wall "
		      "clock, %" PRIu64 " elements, 0 lost, 0 doubled",
		looks - before, traffic_elements());
	return 0;
}
