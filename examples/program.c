/* SPDX-License-Identifier: MIT */
/* program.c - see program.h. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

size_t processors(void)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (size_t)CPU_COUNT(&set);
	return online > 0 ? (size_t)online : 1;
}

bool parse_number(const char *text, size_t least, size_t most, size_t *number)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < least || value > most)
		return false;
	*number = value;
	return true;
}

static void the_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

/* A pipe that is not taken for a standard stream that the program was started
 * without. */
static int open_pipe(int *ends)
{
	int low[2], error = 0;

	if (pipe2(low, O_CLOEXEC) != 0)
		return errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (ends[i] < 0)
			error = errno;
		close(low[i]);
	}
	return error;
}

int interrupt_open(struct interrupt *interrupt)
{
	sigset_t set;

	*interrupt = (struct interrupt){.watching = false};
	the_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads inherit it */
	return open_pipe(interrupt->wake);
}

static void *wait_for_signal(void *argument)
{
	struct interrupt *interrupt = argument;
	sigset_t set;
	int signal;

	the_signals(&set);
	sigwait(&set, &signal);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &(int){0});
	atomic_store(&interrupt->signal, signal);
	close(interrupt->wake[1]); /* end of file is readable */
	interrupt->wake[1] = -1;
	weir_pipeline_cancel(interrupt->pipeline);
	return NULL;
}

int interrupt_watch(struct interrupt *interrupt, weir_pipeline *pipeline)
{
	int error;

	interrupt->pipeline = pipeline;
	error = pthread_create(
		&interrupt->thread, NULL, wait_for_signal, interrupt);
	interrupt->watching = error == 0;
	return error;
}

int interrupt_close(struct interrupt *interrupt)
{
	if (interrupt->watching) {
		pthread_cancel(interrupt->thread); /* in sigwait, or ended */
		pthread_join(interrupt->thread, NULL);
	}
	close(interrupt->wake[0]);
	if (interrupt->wake[1] >= 0)
		close(interrupt->wake[1]);
	return atomic_load(&interrupt->signal);
}

ssize_t interruptible_read(
	struct interrupt *interrupt, int fd, void *data, size_t size)
{
	struct pollfd fds[] = {
		{.fd = interrupt->wake[0], .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};
	ssize_t n;

	do {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0) {
			errno = EINTR;
			return -1;
		}
		n = read(fd, data, size);
		if (n >= 0 || errno != EINTR)
			return n;
	} while (errno == EINTR);
	return -1;
}
