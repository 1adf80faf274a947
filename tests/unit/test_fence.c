/* SPDX-License-Identifier: MIT */
/* test_fence.c - the fence that one thread pays for all. */
#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "fence.h"
#include "fixture.h"
#include "seccomp.h"

#define FENCE_TEST(name) Test(fence, name, .timeout = TEST_SECONDS)

static void skip_without_fence(void)
{
	if (!wi_fence_is_there())
		cr_skip_test("no membarrier here");
}

FENCE_TEST(errno_is_left_as_it_was)
{
	errno = 77;
	skip_without_fence();
	cr_assert(errno == 77);
	wi_fence_others();
	cr_assert(errno == 77);
}

/* -- Of two who store and then load, one sees the other -------------------- */

#define ROUNDS 20000

static struct atomic_u32 ours, theirs, round_of_ours, round_of_theirs;
static uint32_t seen_by_them[ROUNDS + 1];

/* Until both are there. */
static void start_round(
	struct atomic_u32 *mine, struct atomic_u32 *other, uint32_t round)
{
	store_release(mine, round);
	while (load_acquire(other) < round)
		sched_yield();
}

static int store_and_load(void *unused)
{
	(void)unused;
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		start_round(&round_of_theirs, &round_of_ours, round);
		store_release(&theirs, round);
		wi_fence_light();
		seen_by_them[round] = load_relaxed(&ours);
	}
	return 0;
}

FENCE_TEST(of_two_who_store_and_then_load_one_sees_the_other)
{
	static uint32_t seen_by_us[ROUNDS + 1];
	struct task task;

	skip_without_fence();
	task_start(&task, store_and_load, NULL);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		start_round(&round_of_ours, &round_of_theirs, round);
		store_release(&ours, round);
		wi_fence_others();
		seen_by_us[round] = load_relaxed(&theirs);
	}
	cr_assert(task_join(&task) == 0);
	for (uint32_t round = 1; round <= ROUNDS; round++)
		cr_assert(seen_by_us[round] >= round ||
			  seen_by_them[round] >= round);
}

/* -- Where the kernel refuses ---------------------------------------------- */

static int works_in_a_child(void)
{
	wi_fence_others();
	return 0;
}

FENCE_TEST(a_child_may_go_on_with_it)
{
	skip_without_fence();
	cr_assert(run_in_child(works_in_a_child) == 0);
}

static int open_send_and_receive(void)
{
	uint64_t in = 7, out = 0;
	weir_sender *tx;
	weir_receiver *rx;

	if (weir_open(1, sizeof in, &tx, &rx) != WEIR_OK ||
		weir_send(tx, &in) != WEIR_OK ||
		weir_recv(rx, &out) != WEIR_OK || out != in ||
		weir_send(tx, &in) != WEIR_OK)
		return 2;
	weir_receiver_free(rx);
	weir_sender_free(tx);
	return 0;
}

static int refused_from_the_start(void)
{
	if (!filter_call(SYS_membarrier, SECCOMP_RET_ERRNO | ENOSYS))
		return NO_FILTER;
	return wi_fence_is_there() ? 1 : open_send_and_receive();
}

/* Nobody in this process has asked before: a test is a process of its own, or
 * the runner's, whose first test this may not be. */
FENCE_TEST(a_kernel_without_it_is_heard_of)
{
	int status = run_in_child(refused_from_the_start);

	if (status == NO_FILTER || status == 1)
		cr_skip_test("no seccomp here, or it was asked for before");
	cr_assert(status == 0, "the child said %d", status);
}

static int refused_later(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	if (!wi_fence_is_there() ||
		!filter_call(SYS_membarrier, SECCOMP_RET_ERRNO | EPERM))
		return NO_FILTER;
	wi_fence_others();
	return 1;
}

/* To go on without it would be to lose wake-ups. */
FENCE_TEST(a_kernel_that_takes_it_back_ends_the_process)
{
	int status = run_in_child(refused_later);

	if (status == NO_FILTER)
		cr_skip_test("no seccomp here, or no membarrier");
	cr_assert(status == -SIGABRT, "the child said %d", status);
}
