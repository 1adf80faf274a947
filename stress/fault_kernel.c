/* SPDX-License-Identifier: MIT */
/* fault_kernel.c - futex and membarrier answer ENOSYS or EPERM from the start.
 *
 * As in a sandbox, or under a kernel that is older than the library.  One of
 * five refusals after the other, by a seccomp filter each, in a process of its
 * own, for a fifth of the time.  membarrier is refused before an exec, so that
 * liburcu's constructor meets that already.
 *
 * The C library cannot do without futexes, and aborts when they fail.  Its own
 * system calls are inline; those of the library (and of liburcu) come from
 * syscall(3), and so, to tell them apart, the filter looks at where a call
 * comes from.  liburcu can do without futexes where there are none, but aborts
 * at EPERM: that is given to the private ones alone, which are the library's.
 */
#include "fault.h"
#include "traffic.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The bytes of syscall(3): it is 40 or so. */
#define WRAPPER_BYTES 64

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const struct refusal {
	const char *name;
	int error;
	bool membarrier;
	enum { NO_FUTEX, PRIVATE_ONES, ALL } futexes;
} refusals[] = {
	{"membarrier: ENOSYS", ENOSYS, true, NO_FUTEX},
	{"futex: ENOSYS, liburcu's too", ENOSYS, false, ALL},
	{"futex: EPERM", EPERM, false, PRIVATE_ONES},
	{"futex and membarrier: ENOSYS", ENOSYS, true, ALL},
	{"futex and membarrier: EPERM", EPERM, true, PRIVATE_ONES},
};

static void install(struct sock_filter *steps, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, steps};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		fault_skip("no seccomp filters: %s", strerror(errno));
}

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Go on after as many steps if it is not so. */
#define UNLESS(value, steps)                                                   \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (steps))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE(error) ANSWER(SECCOMP_RET_ERRNO | (unsigned)(error))

static void refuse_membarrier(int error)
{
	struct sock_filter steps[] = {
		LOAD(nr),
		UNLESS(SYS_membarrier, 1),
		REFUSE(error),
		ANSWER(SECCOMP_RET_ALLOW),
	};

	install(steps, LENGTH(steps));
	/* Or the filter does not do what it says. */
	stress_check(syscall(SYS_membarrier, 0, 0, 0) == -1 && errno == error,
		"membarrier is there");
}

/* Little-endian: the low half of an address comes first. */
static void refuse_futexes(int error, bool all)
{
	uintptr_t wrapper = (uintptr_t)dlsym(RTLD_DEFAULT, "syscall");
	unsigned low = (unsigned)wrapper, high = (unsigned)(wrapper >> 32);
	unsigned word = 0;
	struct sock_filter steps[] = {
		LOAD(nr),
		UNLESS(SYS_futex, 9),
		LOAD(instruction_pointer) /* + 4: */,
		UNLESS(high, 7),
		LOAD(instruction_pointer),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, low),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, WRAPPER_BYTES, 4, 0),
		LOAD(args[1]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
			all ? ~0u : FUTEX_PRIVATE_FLAG, 1, 0),
		/* Operation 0, FUTEX_WAIT, has no bits at all. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, all ? 0 : ~0u, 0, 1),
		REFUSE(error),
		ANSWER(SECCOMP_RET_ALLOW),
	};

	steps[2].k += 4;
	install(steps, LENGTH(steps));
	stress_check(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL,
			     NULL, 0) == -1 &&
			     errno == error,
		"futexes are there");
	if (!all)
		return;
	stress_check(
		syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0) == -1 &&
			errno == error,
		"shared futexes are there");
}

static int run(const struct refusal *refusal, int report)
{
	static const struct traffic usual;
	struct stress_random random;

	stress.seconds /= LENGTH(refusals);
	if (refusal->futexes != NO_FUTEX)
		refuse_futexes(refusal->error, refusal->futexes == ALL);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	stress_finish("%s, %" PRIu64 " elements, 0 lost, 0 doubled",
		refusal->name, traffic_elements());
	return dprintf(report, "%" PRIu64, traffic_elements()) > 0 ? 0 : 1;
}

/* As `NAME REFUSAL,REPORT ...`, with membarrier refused already. */
static void run_again(char *const *argv, int argc, size_t which, int report)
{
	char first[32], *arguments[16] = {argv[0], first};

	snprintf(first, sizeof first, "%zu,%d", which, report);
	for (int i = 1; i < argc && i < 13; i++)
		arguments[i + 1] = argv[i];
	if (refusals[which].membarrier)
		refuse_membarrier(refusals[which].error);
	execv("/proc/self/exe", arguments);
	stress_fail("exec: %s", strerror(errno));
}

/* Its exit status; `elements` is what it reports. */
static int run_child(
	char *const *argv, int argc, size_t which, uint64_t *elements)
{
	char text[32] = "";
	int status = 0, report[2];
	pid_t child;

	fflush(NULL);
	stress_check(pipe(report) == 0, "pipe: %s", strerror(errno));
	child = fork();
	if (child == 0)
		run_again(argv, argc, which, report[1]);
	close(report[1]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		stress_fail("no child: %s", strerror(errno));
	if (WIFSIGNALED(status))
		stress_fail("%s: killed by signal %d", refusals[which].name,
			WTERMSIG(status));
	if (read(report[0], text, sizeof text - 1) > 0)
		*elements += strtoull(text, NULL, 10);
	close(report[0]);
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	uint64_t elements = 0;
	size_t which;
	int report;

	if (argc > 1 && sscanf(argv[1], "%zu,%d", &which, &report) == 2) {
		argv[1] = argv[0];
		stress_start(argc - 1, argv + 1, false);
		stress_check(which < LENGTH(refusals), "no such refusal");
		return run(&refusals[which], report);
	}
	for (which = 0; which < LENGTH(refusals); which++) {
		int status = run_child(argv, argc, which, &elements);

		if (status != 0)
			return status;
	}
	printf("fault_kernel: ok, %zu refusals from the start, %" PRIu64
	       " elements, 0 lost, 0 doubled\n",
		LENGTH(refusals), elements);
	return 0;
}
