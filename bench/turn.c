/* SPDX-License-Identifier: MIT */
/* turn.c - a peer's process within a cell: it waits for its turns.
 *
 * What hangs or crashes is then one peer in one cell.  The process reads a count
 * on its standard input, does a repetition of so many elements and answers with
 * a line of figures; 0 ends it.  A peer that is no C library is a program that
 * does the same; its arguments are
 *
 *	MODE WORKLOAD CAPACITY ELEMENT-SIZE PRODUCERS CONSUMERS CHANNELS
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- The child ------------------------------------------------------------ */

/* While a process has one thread, glibc leaves out lock prefixes. */
static void *stay_alive(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void serve(const struct bench_workload *workload, struct bench_job job)
{
	struct bench_figures figures;
	pthread_t other;

	if (pthread_create(&other, NULL, stay_alive, NULL) != 0)
		bench_die("no thread");
	while (scanf("%" SCNu64, &job.count) == 1 && job.count > 0) {
		memset(&figures, 0, sizeof(figures));
		workload->run(workload, &job, &figures);
		printf("%" PRIu64 " %.1f %.3f %.1f %.3f %.6f\n", figures.count,
			figures.wall_ns, figures.ns, figures.p99_ns,
			figures.cpu_ns, figures.switches);
		/* Each repetition begins without warm memory, whatever its
		 * peer has asked malloc for. */
#ifdef __GLIBC__
		malloc_trim(0);
#endif
		fflush(stdout);
	}
	exit(0);
}

static void become(
	const struct bench_workload *workload, const struct bench_job *job)
{
	char numbers[4][24];

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", job->element_size);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", workload->producers);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", workload->consumers);
	snprintf(numbers[3], sizeof(numbers[3]), "%u", workload->channels);
	execl(job->peer->program, job->peer->program, job->peer->mode,
		workload->name, bench_capacity_name(job->capacity), numbers[0],
		numbers[1], numbers[2], numbers[3], (char *)NULL);
	bench_die("cannot run %s: %s", job->peer->program, strerror(errno));
}

/* Tells the parent where to listen, and goes on when it does. */
static void announce(void)
{
	int fd = bench_futexes_announce();
	char ready;

	printf("%d\n", fd);
	fflush(stdout);
	if (read(STDIN_FILENO, &ready, 1) != 1)
		bench_die("nobody listens");
}

/* -- The parent ----------------------------------------------------------- */

/* Waits for a line until `limit`, letting futex calls go on meanwhile. */
static enum bench_answer read_line(struct bench_turn *turn, int64_t limit,
	char *line, size_t size, uint64_t *futexes)
{
	struct pollfd fds[] = {{.fd = turn->from, .events = POLLIN},
		{.fd = turn->futexes, .events = POLLIN}};
	ssize_t got;

	for (;;) {
		int64_t left = limit - bench_now();

		if (left <= 0 || poll(fds, 2, (int)(left / 1000000) + 1) == 0)
			return BENCH_HANGS;
		if (fds[1].revents != 0 && bench_futexes_pass(turn->futexes))
			++*futexes;
		if (fds[0].revents == 0)
			continue;
		/* A line is written at once. */
		got = read(turn->from, line, size - 1);
		if (got <= 0)
			return BENCH_FAILED;
		line[got] = '\0';
		return BENCH_DONE;
	}
}

static int64_t patience(void)
{
	return bench_now() + (int64_t)(bench_options.patience_s * 1e9 +
				       bench_options.rep_ms * 1e7);
}

static void forget(struct bench_turn *turn)
{
	close(turn->to);
	close(turn->from);
	if (turn->futexes >= 0)
		close(turn->futexes);
	turn->pid = 0;
}

static void end(struct bench_turn *turn)
{
	kill(turn->pid, SIGKILL);
	waitpid(turn->pid, NULL, 0);
	forget(turn);
}

static void listen_to(struct bench_turn *turn)
{
	uint64_t none;
	char line[32];
	int fd = -1;

	if (read_line(turn, patience(), line, sizeof(line), &none) ==
		BENCH_DONE)
		fd = (int)strtol(line, NULL, 10);
	if (fd >= 0)
		turn->futexes = bench_futexes_listen(turn->pid, fd);
	if (write(turn->to, "\n", 1) != 1)
		bench_die("a new process is gone");
}

void bench_turn_start(struct bench_turn *turn,
	const struct bench_workload *workload, const struct bench_job *job,
	bool count_futexes)
{
	int in[2], out[2];

	fflush(NULL); /* or the child would write it once more */
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		bench_die("no pipes: %s", strerror(errno));
	turn->pid = fork();
	if (turn->pid < 0)
		bench_die("no process: %s", strerror(errno));
	if (turn->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		if (count_futexes)
			announce();
		if (job->peer->program != NULL)
			become(workload, job);
		serve(workload, *job);
	}
	close(in[0]);
	close(out[1]);
	turn->to = in[1];
	turn->from = out[0];
	turn->futexes = -1;
	if (count_futexes)
		listen_to(turn);
}

enum bench_answer bench_turn_ask(
	struct bench_turn *turn, uint64_t count, struct bench_figures *figures)
{
	enum bench_answer answer = BENCH_FAILED;
	uint64_t futexes = 0;
	char line[256];

	memset(figures, 0, sizeof(*figures));
	if (dprintf(turn->to, "%" PRIu64 "\n", count) > 0)
		answer = read_line(
			turn, patience(), line, sizeof(line), &futexes);
	if (answer == BENCH_DONE &&
		sscanf(line, "%" SCNu64 " %lf %lf %lf %lf %lf", &figures->count,
			&figures->wall_ns, &figures->ns, &figures->p99_ns,
			&figures->cpu_ns, &figures->switches) != 6)
		answer = BENCH_FAILED;
	if (answer != BENCH_DONE)
		end(turn);
	else
		figures->futexes =
			turn->futexes < 0
				? -1
				: (double)futexes / (double)figures->count;
	return answer;
}

void bench_turn_stop(struct bench_turn *turn)
{
	int status = 0;

	if (turn->pid == 0)
		return;
	if (turn->futexes >= 0) {
		end(turn); /* its last futex calls would wait for us */
		return;
	}
	/* What a leak checker says at the end counts. */
	if (dprintf(turn->to, "0\n") < 0 ||
		waitpid(turn->pid, &status, 0) != turn->pid || status != 0)
		bench_die("a process did not end well (status %d)", status);
	forget(turn);
}
