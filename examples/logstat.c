/* SPDX-License-Identifier: MIT */
/* logstat.c - the most frequent lines, fields or words of files, counted on all
 * processors.  The program's shape is drawn in logstat.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logstat.h"

enum { READ, COUNT, MERGE, N_STAGES };

static const char usage[] =
	"Usage: logstat [-j N] [-n N] [-f N | -w] [FILE...]\n"
	"Print the most frequent lines of the files (- or none: standard\n"
	"input) and how often they occur, as this does in the C locale:\n"
	"\n"
	"  sort FILE... | uniq -c | sort -rn | head\n"
	"\n"
	"that is, the greatest count first, and among lines of equal count "
	"the\n"
	"greatest line first, compared byte by byte.\n"
	"\n"
	"  -f N  count the N-th blank-separated field of each line, empty "
	"where\n"
	"        there is none, as awk '{ print $N }' would give it\n"
	"  -w    count words: longest runs of ASCII letters, digits and _\n"
	"  -n N  print N entries (default: 10; 0: all)\n"
	"  -j N  count on N threads (default: one for each processor)\n"
	"  -h    print this help\n"
	"\n"
	"Exit status: 0 all is well, 1 something could not be read or written\n"
	"(the rest has been counted), 2 wrong usage, 130 interrupted by "
	"SIGINT,\n"
	"143 by SIGTERM (nothing has been printed).\n";

static int run(struct logstat *logstat, size_t threads)
{
	weir_stage stages[N_STAGES] = {
		WEIR_STAGE_INIT, WEIR_STAGE_INIT, WEIR_STAGE_INIT};
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_pipeline *pipeline;
	const char *stage = NULL;
	char message[128];
	int status;

	for (int i = 0; i < N_STAGES; i++)
		stages[i].context = logstat;
	stages[READ].name = "read";
	stages[READ].run = read_files;
	stages[READ].out_size = sizeof(struct block);
	stages[READ].capacity = 2 * threads;
	stages[READ].drop = drop_block;
	stages[COUNT].name = "count";
	stages[COUNT].run = count_blocks;
	stages[COUNT].in_size = sizeof(struct block);
	stages[COUNT].out_size = sizeof(struct table *);
	stages[COUNT].capacity = threads;
	stages[COUNT].drop = drop_table;
	stages[COUNT].threads = (unsigned)threads;
	stages[MERGE].name = "merge";
	stages[MERGE].run = merge_tables;
	stages[MERGE].in_size = sizeof(struct table *);

	options.message = message;
	options.message_size = sizeof(message);
	status = weir_pipeline_start(stages, N_STAGES, &options, &pipeline);
	if (status != WEIR_OK) {
		fprintf(stderr, "logstat: cannot start: %s\n", message);
		return status;
	}
	/* Without the thread that waits for it, SIGINT would do nothing. */
	if (interrupt_watch(&logstat->interrupt, pipeline) != 0)
		weir_pipeline_cancel(pipeline);
	status = weir_pipeline_join(pipeline, &stage);
	if (stage != NULL)
		fprintf(stderr, "logstat: %s: %s\n", stage,
			weir_strerror(status));
	if (interrupt_close(&logstat->interrupt) == 0 && stage == NULL &&
		status != WEIR_OK)
		fputs("logstat: cannot start\n", stderr);
	weir_pipeline_free(pipeline);
	return status;
}

static int print(struct table *table, size_t most)
{
	size_t count;
	const struct entry *entries = table_sort(table, &count);

	for (size_t i = 0; i < count && (most == 0 || i < most); i++) {
		printf("%7" PRIu64 " ", entries[i].count);
		fwrite(entries[i].key, 1, entries[i].size, stdout);
		putchar('\n');
	}
	if (!ferror(stdout) && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "logstat: write error: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static char *const standard_input[] = {"-", NULL};
	struct logstat logstat = {.mode = LINES};
	size_t threads = processors(), most = 10;
	int option, status, error;

	while ((option = getopt(argc, argv, "f:wn:j:h")) != -1) {
		bool valid = true;

		switch (option) {
		case 'f':
			logstat.mode = FIELDS;
			valid = parse_number(
				optarg, 1, SIZE_MAX, &logstat.field);
			break;
		case 'w':
			logstat.mode = WORDS;
			break;
		case 'n':
			valid = parse_number(optarg, 0, SIZE_MAX, &most);
			break;
		case 'j':
			valid = parse_number(optarg, 1, MAX_THREADS, &threads);
			break;
		case 'h':
			fputs(usage, stdout);
			return fflush(stdout) == 0 ? EXIT_SUCCESS
						   : EXIT_FAILURE;
		default:
			return wrong_usage();
		}
		if (!valid) {
			fprintf(stderr, "logstat: -%c does not take %s\n",
				option, optarg);
			return wrong_usage();
		}
	}
	logstat.files = optind < argc ? argv + optind : standard_input;

	signal(SIGPIPE, SIG_IGN); /* a write error is enough */
	error = interrupt_open(&logstat.interrupt);
	if (error != 0) {
		fprintf(stderr, "logstat: cannot start: %s\n", strerror(error));
		return EXIT_FAILURE;
	}
	status = run(&logstat, threads);
	if (interrupted(&logstat.interrupt))
		status = 128 + atomic_load(&logstat.interrupt.signal);
	else if (status == WEIR_OK)
		status = print(logstat.total, most);
	else
		status = EXIT_FAILURE;
	table_free(logstat.total);
	return status == EXIT_SUCCESS && logstat.failed ? EXIT_FAILURE : status;
}
