/* SPDX-License-Identifier: MIT */
/* futexes.c - counts the futex calls of a process, without tools or privileges.
 *
 * A seccomp filter makes the kernel hold each futex call until the parent,
 * having counted it, lets it go on (seccomp_unotify(2); Linux 5.6).  That takes
 * some microseconds, so such runs are not timed, and threads may meet each
 * other waiting a little more or less often than in the others.
 */
#include "bench.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int bench_futexes_announce(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

int bench_futexes_listen(int pid, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	int listener = (int)syscall(SYS_pidfd_getfd, process, fd, 0);

	close(process);
	return listener;
}

bool bench_futexes_pass(int listener)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp answer;

	memset(&call, 0, sizeof(call));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
		return false;
	memset(&answer, 0, sizeof(answer));
	answer.id = call.id;
	answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* It fails when a signal has taken the caller out of its call. */
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0;
}
