/* SPDX-License-Identifier: MIT */
/* options.c - what the command line asks for; mistakes in it are errors. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bench_options bench_options = {
	.repetitions = 9, .rep_ms = 60, .element_size = 8, .patience_s = 20};

const char *bench_capacity_name(size_t capacity)
{
	static char name[24];

	if (capacity == BENCH_UNBOUNDED)
		return "unbounded";
	if (capacity == BENCH_HOLDS_ALL)
		return "N";
	snprintf(name, sizeof(name), "%zu", capacity);
	return name;
}

bool bench_is_chosen(const char *list, const char *name)
{
	size_t length = strlen(name);

	if (list == NULL)
		return true;
	for (const char *at = list; (at = strstr(at, name)) != NULL; at++)
		if ((at == list || at[-1] == ',') &&
			(at[length] == '\0' || at[length] == ','))
			return true;
	return false;
}

static void usage(void)
{
	fputs("usage: bench [OPTION...]\n"
	      "  -w WORKLOAD,...  -c CAPACITY,...  -p PEER,...  only these\n"
	      "  -r NUMBER   repetitions (9)\n"
	      "  -m MS       that a repetition lasts (60)\n"
	      "  -e BYTES    size of an element (8)\n"
	      "  -t SECONDS  after which a repetition hangs (20)\n"
	      "  -q SECONDS  that a cell waits for others to be done (0)\n"
	      "  -f          count futex calls, in one more run\n"
	      "  -P          all threads on one CPU\n"
	      "  -o FILE     write a CSV file, too\n",
		stderr);
	exit(2);
}

/* All of the text must be a number. */
static double number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0')
		usage();
	return value;
}

static bool is_workload(const char *name)
{
	for (size_t i = 0; i < bench_n_workloads; i++)
		if (strcmp(name, bench_workloads[i].name) == 0)
			return true;
	return false;
}

static bool is_peer(const char *name)
{
	for (int i = 0; bench_peers[i] != NULL; i++)
		if (strcmp(name, bench_peers[i]->name) == 0)
			return true;
	return false;
}

static bool is_capacity(const char *name)
{
	for (size_t i = 0; i < bench_n_workloads; i++)
		for (size_t c = 0; c < bench_workloads[i].n_capacities; c++)
			if (strcmp(name, bench_capacity_name(
						 bench_workloads[i]
							 .capacities[c])) == 0)
				return true;
	return false;
}

/* A name that nothing has would be left out in silence. */
static const char *names(
	const char *list, bool (*is_known)(const char *), const char *kind)
{
	char *copy = strdup(list);
	char *rest = copy;
	char *name;

	while ((name = strsep(&rest, ",")) != NULL)
		if (!is_known(name))
			bench_die("there is no %s %s", kind, name);
	free(copy);
	return list;
}

void bench_parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "w:c:p:r:m:e:t:q:fPo:")) != -1) {
		switch (option) {
		case 'w':
			bench_options.workloads =
				names(optarg, is_workload, "workload");
			break;
		case 'c':
			bench_options.capacities =
				names(optarg, is_capacity, "capacity");
			break;
		case 'p':
			bench_options.peers = names(optarg, is_peer, "peer");
			break;
		case 'r':
			bench_options.repetitions = (int)number(optarg);
			break;
		case 'm':
			bench_options.rep_ms = number(optarg);
			break;
		case 'e':
			bench_options.element_size = (size_t)number(optarg);
			break;
		case 't':
			bench_options.patience_s = number(optarg);
			break;
		case 'q':
			bench_options.quiet_s = number(optarg);
			break;
		case 'f':
			bench_options.futexes = true;
			break;
		case 'P':
			bench_options.pinned = true;
			break;
		case 'o':
			bench_options.csv = fopen(optarg, "w");
			if (bench_options.csv == NULL)
				bench_die("cannot write %s", optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc || bench_options.repetitions < 1 ||
		bench_options.repetitions > BENCH_MAX_REPETITIONS ||
		bench_options.rep_ms <= 0 || bench_options.patience_s <= 0 ||
		bench_options.element_size < 8 ||
		bench_options.element_size % 8 != 0 ||
		bench_options.element_size > BENCH_MAX_ELEMENT)
		usage();
}
