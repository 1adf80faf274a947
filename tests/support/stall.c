/* SPDX-License-Identifier: MIT */
/* stall.c - a page that holds whoever touches it.
 *
 * The handler runs on the faulting thread and uses nothing but atomics and the
 * futex call, all of which a signal handler may.  After stall_release the page
 * is open again, so that the instruction that faulted goes through.
 */
#include "stall.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "threads.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static struct stall *_Atomic armed[8];
static struct sigaction previous;

static struct stall *stall_at(const void *address)
{
	for (size_t i = 0; i < sizeof(armed) / sizeof(*armed); i++) {
		struct stall *stall = atomic_load(&armed[i]);

		if (stall != NULL &&
			(uintptr_t)address - (uintptr_t)stall->element < PAGE)
			return stall;
	}
	return NULL;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct stall *stall = stall_at(info->si_addr);
	int saved = errno;

	(void)context;
	if (stall == NULL) {
		/* A fault in earnest: it comes again and meets the others. */
		sigaction(signal, &previous, NULL);
		return;
	}
	atomic_fetch_add(&stall->n, 1);
	while (atomic_load(&stall->released) == 0)
		syscall(SYS_futex, &stall->released, FUTEX_WAIT_PRIVATE, 0,
			NULL, NULL, 0);
	errno = saved;
}

void stall_open(struct stall *stall)
{
	atomic_init(&stall->n, 0);
	atomic_init(&stall->released, 0);
	stall->element = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert(stall->element != MAP_FAILED);
}

void stall_arm(struct stall *stall)
{
	struct sigaction action = {
		.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction old;
	size_t i = 0;

	sigemptyset(&action.sa_mask);
	cr_assert(sigaction(SIGSEGV, &action, &old) == 0);
	if (!(old.sa_flags & SA_SIGINFO) || old.sa_sigaction != on_fault)
		previous = old;
	while (atomic_load(&armed[i]) != NULL)
		cr_assert(++i < sizeof(armed) / sizeof(*armed));
	atomic_store(&armed[i], stall);
	cr_assert(mprotect(stall->element, PAGE, PROT_NONE) == 0);
}

void stall_wait(struct stall *stall)
{
	wait_until(atomic_load(&stall->n) > 0);
}

void stall_release(struct stall *stall)
{
	cr_assert(mprotect(stall->element, PAGE, PROT_READ | PROT_WRITE) == 0);
	atomic_store(&stall->released, 1);
	syscall(SYS_futex, &stall->released, FUTEX_WAKE_PRIVATE, INT_MAX, NULL,
		NULL, 0);
}

void stall_free(struct stall *stall)
{
	for (size_t i = 0; i < sizeof(armed) / sizeof(*armed); i++)
		if (atomic_load(&armed[i]) == stall)
			atomic_store(&armed[i], NULL);
	cr_assert(munmap(stall->element, PAGE) == 0);
}
