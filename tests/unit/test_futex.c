/* SPDX-License-Identifier: MIT */
/* test_futex.c - sleeping on a word, and the ways out of it. */
#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>

#include "clock.h"
#include "futex.h"
#include "seccomp.h"
#include "threads.h"

#define FUTEX_TEST(name) Test(futex, name, .timeout = 60)

static struct atomic_u32 word;

FUTEX_TEST(a_word_that_has_changed_ends_the_wait_at_once)
{
	init_atomic(&word, 1);
	cr_assert(!wi_futex_wait(&word, 0, WEIR_FOREVER));
	cr_assert(!wi_futex_wait(&word, 2, weir_now() + 3600 * 1000 * MS));
}

FUTEX_TEST(a_deadline_in_the_past_times_out)
{
	static const int64_t gone[] = {INT64_MIN, -1, 0, 1, 999999999};

	init_atomic(&word, 0);
	for (int i = 0; i < 5; i++)
		cr_assert(wi_futex_wait(&word, 0, gone[i]));
}

FUTEX_TEST(a_deadline_is_never_early)
{
	init_atomic(&word, 0);
	for (int i = 1; i < 10; i++) {
		int64_t deadline = weir_now() + i * 700001;

		while (!wi_futex_wait(&word, 0, deadline))
			;
		cr_assert(weir_now() >= deadline);
	}
}

FUTEX_TEST(errno_is_left_as_it_was)
{
	init_atomic(&word, 0);
	errno = 77;
	wi_futex_wait(&word, 1, WEIR_FOREVER); /* EAGAIN inside */
	cr_assert(errno == 77);
	wi_futex_wait(&word, 0, 1); /* ETIMEDOUT inside */
	cr_assert(errno == 77);
	wi_futex_wake(&word);
	cr_assert(errno == 77);
}

static atomic_int waits;

/* Sleeps until the word is 1; counts how often it was let go. */
static int sleep_while_zero(void *argument)
{
	int64_t *deadline = argument;
	bool timed_out = false;

	while (!timed_out && load_acquire(&word) == 0) {
		timed_out = wi_futex_wait(&word, 0, *deadline);
		atomic_fetch_add(&waits, 1);
	}
	return timed_out;
}

FUTEX_TEST(a_sleeper_is_woken)
{
	int64_t deadline = WEIR_FOREVER;
	struct task task;

	init_atomic(&word, 0);
	task_start(&task, sleep_while_zero, &deadline);
	/* Woken while the word is as it was, it comes back to look; that it
	 * does so shows that it sleeps there. */
	wait_until((wi_futex_wake(&word), atomic_load(&waits) >= 3));
	store_release(&word, 1);
	wi_futex_wake(&word);
	cr_assert(task_join(&task) == false);
}

/* Where the kernel's seconds have 32 bits, they must not be taken modulo 2^32. */
FUTEX_TEST(a_deadline_in_some_centuries_does_not_time_out)
{
	static const int64_t s = 1000 * MS;
	const int64_t far[] = {((int64_t)1 << 31) * s, ((int64_t)1 << 32) * s,
		((int64_t)3 << 31) * s, ((int64_t)1 << 33) * s,
		WEIR_FOREVER - 1};

	for (int i = 0; i < 5; i++) {
		int64_t deadline = far[i];
		struct task task;

		init_atomic(&word, 0);
		atomic_store(&waits, 0);
		task_start(&task, sleep_while_zero, &deadline);
		wait_until((wi_futex_wake(&word),
			task_done(&task) || atomic_load(&waits) >= 3));
		store_release(&word, 1);
		wi_futex_wake(&word);
		cr_assert(task_join(&task) == false);
	}
}

static void ignore(int signal)
{
	(void)signal;
}

FUTEX_TEST(a_signal_is_no_time_out)
{
	struct sigaction action = {.sa_handler = ignore};
	int64_t deadline = weir_now() + 3600 * 1000 * MS;
	struct task task;

	cr_assert(sigaction(SIGUSR1, &action, NULL) == 0);
	init_atomic(&word, 0);
	task_start(&task, sleep_while_zero, &deadline);
	wait_until((pthread_kill(task.thread, SIGUSR1),
		atomic_load(&waits) >= 3 || task_done(&task)));
	store_release(&word, 1);
	wi_futex_wake(&word);
	cr_assert(task_join(&task) == false);
}

/* -- Where the kernel refuses ---------------------------------------------- */

#define NAP 50000 /* ns, as in futex.c */

/* How often it napped until the deadline, or a negative number. */
static int naps_in(int64_t span)
{
	int64_t deadline = weir_now() + span;
	int naps = 1;

	init_atomic(&word, 0);
	errno = 77;
	for (; !wi_futex_wait(&word, 0, deadline); naps++)
		if (weir_now() > deadline + 50 * 1000 * MS)
			return -1;
	return weir_now() < deadline || errno != 77 ? -2 : naps;
}

static int nap_until_a_deadline(void)
{
	int most = 0;

	if (!filter_futexes(SECCOMP_RET_ERRNO | EPERM, true))
		return NO_FILTER;
	/* A busy machine may oversleep a whole span, but not each time. */
	for (int tries = 0; tries < 20 && most < 2; tries++)
		most = naps_in(100 * NAP);
	if (most < 2)
		return 1;
	/* No more than fit: it sleeps, and does not spin. */
	return most <= 100 + 1 ? 0 : 2;
}

FUTEX_TEST(a_sandbox_without_futexes_makes_it_nap_until_the_deadline)
{
	int status = run_in_child(nap_until_a_deadline);

	if (status == NO_FILTER)
		cr_skip_test("no seccomp here");
	cr_assert(status == 0, "the child said %d", status);
}

static int nap_once(void)
{
	if (!filter_futexes(SECCOMP_RET_ERRNO | ENOSYS, true))
		return NO_FILTER;
	init_atomic(&word, 0);
	if (wi_futex_wait(&word, 0, WEIR_FOREVER))
		return 1;
	return wi_futex_wait(&word, 0, 1) ? 0 : 2;
}

FUTEX_TEST(a_nap_without_a_deadline_is_no_time_out)
{
	int status = run_in_child(nap_once);

	if (status == NO_FILTER)
		cr_skip_test("no seccomp here");
	cr_assert(status == 0, "the child said %d", status);
}
