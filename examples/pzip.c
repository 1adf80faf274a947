/* SPDX-License-Identifier: MIT */
/* pzip.c - gzip on all processors.  The program's shape is drawn in pzip.h;
 * here are its options, its files, its start and its end. */
#define _GNU_SOURCE /* asprintf, mkostemp */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pzip.h"

static const char usage[] =
	"Usage: pzip [-j N] [-l LEVEL] [-fq] [FILE]\n"
	"Compress FILE into FILE.gz, which gzip unpacks; FILE stays.  Without\n"
	"FILE, compress standard input to standard output.\n"
	"\n"
	"  -j N      compress on N threads (default: one for each processor)\n"
	"  -l LEVEL  1, the fastest, to 9, the smallest (default: 6)\n"
	"  -f        overwrite FILE.gz; write to a terminal\n"
	"  -q        no progress bar, not even on a terminal\n"
	"  -h        print this help\n"
	"\n"
	"Exit status: 0 all is well, 1 something could not be read or "
	"written,\n"
	"2 wrong usage, 130 interrupted by SIGINT, 143 by SIGTERM.  Unless it\n"
	"is 0, no FILE.gz is made, nor an existing one changed.\n";

static int complain(const char *about, const char *why)
{
	fprintf(stderr, "pzip: %s: %s\n", about, why);
	return EXIT_FAILURE;
}

/* -- Packing --------------------------------------------------------------- */

static void describe(weir_stage *stages, struct pzip *pzip, size_t threads)
{
	static const weir_stage plain = WEIR_STAGE_INIT;

	for (int i = 0; i < N_STAGES; i++) {
		stages[i] = plain;
		stages[i].context = pzip;
		stages[i].capacity = threads;
		stages[i].drop = drop_block;
		stages[i].in_size = stages[i].out_size = sizeof(struct block);
	}
	stages[READ].name = "read";
	stages[READ].run = read_blocks;
	stages[READ].in_size = 0;
	stages[PACK].name = "pack";
	stages[PACK].map = pack_block;
	stages[PACK].threads = (unsigned)threads;
	stages[PACK].flags = WEIR_ORDERED;
	stages[WRITE].name = "write";
	stages[WRITE].run = write_blocks;
	stages[WRITE].out_size = 0;
}

/* From pzip->in to pzip->out; an exit status. */
static int pack(struct pzip *pzip, size_t threads)
{
	weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
	weir_stage stages[N_STAGES];
	const char *failed = NULL;
	char message[128];
	int status, signal, error;

	error = interrupt_open(&pzip->interrupt);
	if (error != 0)
		return complain("cannot start", strerror(error));
	describe(stages, pzip, threads);
	options.message = message;
	options.message_size = sizeof(message);
	status = weir_pipeline_start(
		stages, N_STAGES, &options, &pzip->pipeline);
	if (status != WEIR_OK) {
		interrupt_close(&pzip->interrupt);
		return complain("cannot start", message);
	}
	/* Without the thread that waits for it, SIGINT would do nothing. */
	error = interrupt_watch(&pzip->interrupt, pzip->pipeline);
	if (error != 0)
		weir_pipeline_cancel(pzip->pipeline);
	status = weir_pipeline_join(pzip->pipeline, &failed);
	signal = interrupt_close(&pzip->interrupt);
	if (signal != 0)
		status = 128 + signal;
	else if (error != 0)
		status = complain("cannot start", strerror(error));
	else if (status != WEIR_OK)
		status = complain(failed,
			status > 0 ? strerror(status) : weir_strerror(status));
	weir_pipeline_free(pzip->pipeline);
	return status;
}

/* -- Files ----------------------------------------------------------------- */

/* The output comes into being as a temporary beside its place, and takes it
 * only when it is whole. */
static int pack_into(struct pzip *pzip, size_t threads, const char *path,
	const struct stat *input, bool force)
{
	char *temporary;
	int status, error = 0;

	if (!force && access(path, F_OK) == 0)
		return complain(path, strerror(EEXIST));
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return complain(path, strerror(ENOMEM));
	pzip->out = mkostemp(temporary, O_CLOEXEC);
	if (pzip->out < 0) {
		status = complain(temporary, strerror(errno));
		free(temporary);
		return status;
	}
	status = pack(pzip, threads);
	if (status == EXIT_SUCCESS) {
		fchmod(pzip->out, input->st_mode & 0777);
		/* link does not replace a file that has come up meanwhile. */
		if (close(pzip->out) != 0 ||
			(force ? rename(temporary, path)
			       : link(temporary, path)) != 0)
			error = errno;
	} else {
		close(pzip->out);
	}
	unlink(temporary);
	free(temporary);
	return error != 0 ? complain(path, strerror(error)) : status;
}

static int pack_file(
	struct pzip *pzip, size_t threads, const char *name, bool force)
{
	struct stat st;
	char *path;
	int status;

	pzip->in = open(name, O_RDONLY | O_CLOEXEC);
	if (pzip->in < 0)
		return complain(name, strerror(errno));
	if (fstat(pzip->in, &st) != 0)
		status = complain(name, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		status = complain(name, strerror(EISDIR));
	else if (asprintf(&path, "%s.gz", name) < 0)
		status = complain(name, strerror(ENOMEM));
	else {
		pzip->total = (uint64_t)st.st_size;
		status = pack_into(pzip, threads, path, &st, force);
		free(path);
	}
	close(pzip->in);
	return status;
}

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct pzip pzip = {.in = STDIN_FILENO, .out = STDOUT_FILENO};
	size_t threads = processors(), level = 6;
	bool force = false, quiet = false;
	int option;

	while ((option = getopt(argc, argv, "j:l:fqh")) != -1) {
		bool valid = true;

		switch (option) {
		case 'j':
			valid = parse_number(optarg, 1, MAX_THREADS, &threads);
			break;
		case 'l':
			valid = parse_number(optarg, 1, 9, &level);
			break;
		case 'f':
			force = true;
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
		if (!valid) {
			fprintf(stderr, "pzip: -%c does not take %s\n", option,
				optarg);
			return wrong_usage();
		}
	}
	if (argc - optind > 1)
		return wrong_usage();
	pzip.level = (int)level;
	pzip.show_progress = !quiet && isatty(STDERR_FILENO);

	signal(SIGPIPE, SIG_IGN); /* a write error is enough */
	if (optind < argc)
		return pack_file(&pzip, threads, argv[optind], force);
	if (!force && isatty(STDOUT_FILENO))
		return complain("standard output", "is a terminal");
	return pack(&pzip, threads);
}
