/* SPDX-License-Identifier: MIT */
/* seccomp.h - take system calls of the library's away from a process.
 *
 * Of futexes only those that lib/futex.c makes: FUTEX_WAIT_BITSET_PRIVATE, which the C
 * library does not use to join a thread, and where asked for FUTEX_WAKE_PRIVATE,
 * which it does use, so that is for processes of one thread.
 */
#ifndef TESTS_UNIT_SECCOMP_H
#define TESTS_UNIT_SECCOMP_H

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Both: `action` is a SECCOMP_RET_.  False if the kernel has no such filters. */
static inline bool filter_steps(struct sock_filter *steps, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, steps};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static inline bool filter_call(unsigned number, unsigned action)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter_steps(steps, sizeof steps / sizeof *steps);
}

static inline bool filter_futexes(unsigned action, bool wakes_too)
{
	unsigned wake =
		wakes_too ? FUTEX_WAKE_PRIVATE : FUTEX_WAIT_BITSET_PRIVATE;
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, /* low half of the op */
			offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_BITSET_PRIVATE,
			1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wake, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter_steps(steps, sizeof steps / sizeof *steps);
}

#define NO_FILTER 99

/* Run `body` in a child of one thread; its exit status, or minus the signal that
 * killed it. */
static inline int run_in_child(int (*body)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(body());
	if (child < 0 || waitpid(child, &status, 0) != child)
		return NO_FILTER;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
