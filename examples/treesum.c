/* SPDX-License-Identifier: MIT */
/* treesum.c - SHA-256 sums of directory trees, on all processors.
 *
 * The program's shape is drawn in treesum.h; here are its options, its start
 * and its end.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "treesum.h"

/* Elements of each channel: enough that the hashers have work while the walk
 * waits for a slow directory, or the report for a slow terminal; small in
 * memory. */
enum { CAPACITY = 256 };

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
	"written, 2 wrong usage, 130 interrupted by SIGINT, 143 by SIGTERM "
	"(what\n"
	"was finished has been printed).\n";

static void drop_path(void *path, void *context)
{
	(void)context;
	free(*(char **)path);
}

static void drop_sum(void *sum, void *context)
{
	(void)context;
	free(((struct sum *)sum)->path);
}

static void describe(
	weir_stage *stages, struct treesum *treesum, size_t n_hashers)
{
	static const weir_stage plain = WEIR_STAGE_INIT;

	for (int i = 0; i < N_STAGES; i++) {
		stages[i] = plain;
		stages[i].context = treesum;
		stages[i].capacity = CAPACITY;
	}
	stages[WALK].name = "walk";
	stages[WALK].run = walk_all;
	stages[WALK].out_size = sizeof(char *);
	stages[WALK].drop = drop_path;
	stages[HASH].name = "hash";
	stages[HASH].map = hash_file;
	stages[HASH].in_size = sizeof(char *);
	stages[HASH].out_size = sizeof(struct sum);
	stages[HASH].drop = drop_sum;
	stages[HASH].threads = (unsigned)n_hashers;
	stages[REPORT].name = "report";
	stages[REPORT].run = gather_sums;
	stages[REPORT].in_size = sizeof(struct sum);
}

/* Run the pipeline to its end.  0, or what has kept it from starting. */
static int run(struct treesum *treesum, size_t n_hashers)
{
	weir_stage stages[N_STAGES];
	int status, error;

	describe(stages, treesum, n_hashers);
	status =
		weir_pipeline_start(stages, N_STAGES, NULL, &treesum->pipeline);
	if (status != WEIR_OK)
		return -status;
	/* Without the thread that waits for it, SIGINT would do nothing.  No
	 * pipeline to cancel: what is finished is to be printed. */
	error = interrupt_watch(&treesum->interrupt, NULL);
	if (error != 0)
		weir_pipeline_cancel(treesum->pipeline);
	status = weir_pipeline_join(treesum->pipeline, NULL);
	weir_pipeline_free(treesum->pipeline);
	return error != 0 ? error : -status;
}

/* An exit status. */
static int treesum_main(struct treesum *treesum, size_t n_hashers)
{
	int error = interrupt_open(&treesum->interrupt);
	int signal = 0;

	if (error == 0) {
		error = run(treesum, n_hashers);
		treesum->report.show_progress = false;
		report_print(&treesum->report);
		signal = interrupt_close(&treesum->interrupt);
	}
	if (error != 0)
		report_error(&treesum->report, NULL, error);
	report_free(&treesum->report);
	if (signal != 0)
		return 128 + signal;
	return treesum->report.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct treesum treesum = {.roots = NULL};
	size_t n_hashers = processors();
	bool quiet = false;
	int option;

	while ((option = getopt(argc, argv, "j:qh")) != -1) {
		switch (option) {
		case 'j':
			if (!parse_number(optarg, 1, MAX_THREADS, &n_hashers)) {
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
	treesum.roots = argv + optind;
	treesum.report.show_progress = !quiet && isatty(STDERR_FILENO);
	return treesum_main(&treesum, n_hashers);
}
