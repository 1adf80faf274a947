/* SPDX-License-Identifier: MIT */
/* treesum.c - SHA-256 sums of directory trees, on all processors.
 *
 * The program's shape is drawn in treesum.h; here are its options, its start
 * and its end.
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "treesum.h"

enum {
	MAX_THREADS = 1024,
	/* Enough that the hashers have work while the walk waits for a slow
	 * directory, or the report for a slow terminal; small in memory. */
	PATHS_CAPACITY = 256,
	SUMS_CAPACITY = 256,
};

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 128 + SIGINT };

static const char usage[] =
	"Usage: treesum [-j N] [-q] DIR...\n"
	"Print the SHA-256 sums of all regular files below the directories,\n"
	"in the order of their paths and in sha256sum's format.  Symbolic\n"
	"links are not followed.\n"
	"\n"
	"  -j N  hash on N threads (default: one for each processor)\n"
	"  -q    no progress line, not even on a terminal\n"
	"  -h    print this help\n"
	"\n"
	"Exit status: 0 all is well, 1 something could not be read or\n"
	"written, 2 wrong usage, 130 interrupted by SIGINT (what was finished\n"
	"has been printed).\n";

/* -- SIGINT ------------------------------------------------------------- */

/* The signal is blocked in every thread; this one waits for it, as a handler
 * could not safely do anything with a channel.  It stays blocked, as it may
 * come twice for one key (timeout(1) tells the process and then its group). */
struct interrupt {
	pthread_t thread;
	weir_receiver *paths;
	bool caught; /* to be read after interrupt_stop */
};

static void sigint_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
}

static void *wait_for_sigint(void *argument)
{
	struct interrupt *interrupt = argument;
	sigset_t set;
	int signal;

	sigint_set(&set);
	sigwait(&set, &signal);
	interrupt->caught = true;
	weir_receiver_close(interrupt->paths);
	return NULL;
}

static int interrupt_start(struct interrupt *interrupt, weir_receiver *paths)
{
	*interrupt = (struct interrupt){.paths = paths};
	return pthread_create(
		&interrupt->thread, NULL, wait_for_sigint, interrupt);
}

static void interrupt_stop(struct interrupt *interrupt)
{
	pthread_cancel(interrupt->thread); /* in sigwait, or ended already */
	pthread_join(interrupt->thread, NULL);
}

/* -- Start and end ------------------------------------------------------ */

static void drop_path(void *element, void *context)
{
	(void)context;
	free(*(char **)element);
}

static void drop_sum(void *element, void *context)
{
	(void)context;
	free(((struct sum *)element)->path);
}

static int open_channels(
	struct report *report, weir_sender **paths_tx, weir_sender **sums_tx)
{
	weir_options paths = WEIR_OPTIONS_INIT, sums = WEIR_OPTIONS_INIT;
	int status;

	paths.capacity = PATHS_CAPACITY;
	paths.element_size = sizeof(char *);
	paths.drop = drop_path;
	paths.name = "paths";
	status = weir_open_with(&paths, paths_tx, &report->paths);
	if (status != WEIR_OK)
		return -status;
	sums.capacity = SUMS_CAPACITY;
	sums.element_size = sizeof(struct sum);
	sums.drop = drop_sum;
	sums.name = "sums";
	return -weir_open_with(&sums, sums_tx, &report->sums);
}

/* An exit status.  Wherever the start goes wrong, it is enough to free our two
 * senders and to go on: the stages that have been started run dry and end. */
static int treesum(char *const *roots, size_t n_hashers, bool show_progress)
{
	struct report report = {.show_progress = show_progress};
	struct interrupt interrupt = {.caught = false};
	struct hasher *hashers = calloc(n_hashers, sizeof(*hashers));
	struct walk walk;
	weir_sender *paths_tx = NULL, *sums_tx = NULL;
	bool interruptible = false, walking = false;
	size_t hashing = 0;
	int error = ENOMEM;

	if (hashers != NULL)
		error = open_channels(&report, &paths_tx, &sums_tx);
	if (error == 0) {
		error = interrupt_start(&interrupt, report.paths);
		interruptible = error == 0;
	}
	while (error == 0 && hashing < n_hashers) {
		error = hasher_start(&hashers[hashing], report.paths, sums_tx);
		hashing += error == 0;
	}
	if (error == 0) {
		error = walk_start(&walk, roots, paths_tx, sums_tx);
		walking = error == 0;
	}
	if (error != 0)
		report_error(&report, "cannot start", error);

	weir_sender_free(paths_tx); /* the stages have clones */
	weir_sender_free(sums_tx);
	report_gather(&report);
	if (walking)
		walk_join(&walk);
	while (hashing > 0)
		hasher_join(&hashers[--hashing]);
	free(hashers);
	report_print(&report);
	if (interruptible)
		interrupt_stop(&interrupt);
	report_free(&report);
	if (interrupt.caught)
		return EXIT_INTERRUPTED;
	return report.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The processors that we may run on, which taskset or a container may have
 * made fewer than there are. */
static size_t processors(void)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (size_t)CPU_COUNT(&set);
	return online > 0 ? (size_t)online : 1;
}

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	size_t n_hashers = processors();
	bool quiet = false;
	sigset_t set;
	int option;

	while ((option = getopt(argc, argv, "j:qh")) != -1) {
		char *end;

		switch (option) {
		case 'j':
			n_hashers = strtoul(optarg, &end, 10);
			if (*end != '\0' || n_hashers < 1 ||
				n_hashers > MAX_THREADS) {
				fprintf(stderr, "treesum: -j takes 1 to %d\n",
					MAX_THREADS);
				return wrong_usage();
			}
			break;
		case 'q':
			quiet = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return fflush(stdout) == 0 ? EXIT_SUCCESS
						   : EXIT_FAILURE;
		default:
			return wrong_usage();
		}
	}
	if (optind == argc)
		return wrong_usage();

	signal(SIGPIPE, SIG_IGN); /* a write error is enough */
	sigint_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads inherit it */
	return treesum(
		argv + optind, n_hashers, !quiet && isatty(STDERR_FILENO));
}
