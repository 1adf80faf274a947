/* SPDX-License-Identifier: MIT */
/* bench.c - runs the workloads: which, how often, and what is written.
 *
 * In each cell (workload, capacity) the peers take turns, repetition by
 * repetition, so that all of them see the same weather; the figures are medians,
 * and the ratio is the median of the ratios of each turn to the reference's,
 * which is the last peer.  See doc/benchmarking.md.
 */
#include "bench.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_REPETITIONS 101
#define MAX_PEERS 16
#define CELL_SECONDS 120 /* a cell that takes longer hangs */

static struct {
	const char *workloads; /* comma separated; NULL: all */
	const char *capacities;
	const char *peers;
	int repetitions;
	double rep_ms; /* that a repetition should last */
	size_t element_size;
	FILE *csv;
} options = {.repetitions = 9, .rep_ms = 60, .element_size = 8};

/* -- Figures --------------------------------------------------------------- */

struct samples {
	double at[MAX_REPETITIONS];
	int n;
};

static void add(struct samples *samples, double value)
{
	samples->at[samples->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of a copy, so that the order of the turns is kept. */
static double quantile(const struct samples *samples, double q)
{
	struct samples sorted = *samples;

	qsort(sorted.at, (size_t)sorted.n, sizeof(double), compare);
	return sorted.at[(int)(q * (sorted.n - 1) + 0.5)];
}

static double median_ratio(const struct samples *of, const struct samples *to)
{
	struct samples ratios = {.n = 0};

	for (int i = 0; i < of->n; i++)
		if (to->at[i] > 0)
			add(&ratios, of->at[i] / to->at[i]);
	return ratios.n > 0 ? quantile(&ratios, 0.5) : 0;
}

/* -- Output ---------------------------------------------------------------- */

static const char *capacity_name(size_t capacity)
{
	static char name[24];

	if (capacity == BENCH_UNBOUNDED)
		return "unbounded";
	snprintf(name, sizeof(name), "%zu", capacity);
	return name;
}

static void write_heads(void)
{
	printf("%-9s %-9s %-11s %9s %9s %9s %8s %7s %6s %5s\n", "workload",
		"capacity", "peer", "ns", "min", "p99", "cpu ns", "ratio", "sw",
		"line");
	if (options.csv != NULL)
		fprintf(options.csv,
			"date,commit,machine,cpus,compiler,workload,capacity,"
			"element_size,peer,repetitions,count,ns,ns_min,ns_max,"
			"p99_ns,cpu_ns,switches,ratio,line_before_ns,"
			"line_after_ns\n");
}

struct cell {
	const struct bench_workload *workload;
	size_t capacity;
	uint64_t count;
	double line_before;
	double line_after;
};

struct result {
	struct samples ns, p99, cpu, switches;
};

static void write_result(const struct cell *cell, const struct bench_peer *peer,
	const struct result *result, const struct result *reference)
{
	double ratio = median_ratio(&result->ns, &reference->ns);
	const char *commit = getenv("BENCH_COMMIT");
	time_t now = time(NULL);
	struct tm utc;
	char date[32];

	printf("%-9s %-9s %-11s %9.1f %9.1f %9.0f %8.1f %7.3f %6.3f %5.0f\n",
		cell->workload->name, capacity_name(cell->capacity), peer->name,
		quantile(&result->ns, 0.5), quantile(&result->ns, 0),
		quantile(&result->p99, 0.5), quantile(&result->cpu, 0.5), ratio,
		quantile(&result->switches, 0.5), cell->line_after);
	if (options.csv == NULL)
		return;
	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(options.csv,
		"%s,%s,\"%s\",%d,\"%s\",%s,%s,%zu,%s,%d,%" PRIu64
		",%.2f,%.2f,%.2f,%.0f,%.2f,%.4f,%.4f,%.0f,%.0f\n",
		date, commit != NULL ? commit : "", bench_cpu_model(),
		bench_cpus(), __VERSION__, cell->workload->name,
		capacity_name(cell->capacity), options.element_size, peer->name,
		result->ns.n, cell->count, quantile(&result->ns, 0.5),
		quantile(&result->ns, 0), quantile(&result->ns, 1),
		quantile(&result->p99, 0.5), quantile(&result->cpu, 0.5),
		quantile(&result->switches, 0.5), ratio, cell->line_before,
		cell->line_after);
	fflush(options.csv);
}

/* -- Running --------------------------------------------------------------- */

/* Is `name` in the comma separated list?  In no list is everything. */
static bool is_chosen(const char *list, const char *name)
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

static void run_once(const struct cell *cell, const struct bench_peer *peer,
	uint64_t count, struct bench_figures *figures)
{
	struct bench_job job = {
		peer, cell->capacity, options.element_size, count};

	memset(figures, 0, sizeof(*figures));
	alarm(CELL_SECONDS);
	cell->workload->run(cell->workload, &job, figures);
	alarm(0);
}

/* How many elements make a repetition last rep_ms with this peer.  Also its
 * warm-up. */
static uint64_t calibrate(
	const struct cell *cell, const struct bench_peer *peer)
{
	struct bench_figures figures;
	uint64_t count = 1000;

	if (cell->workload->fixed_count > 0)
		return cell->workload->fixed_count;
	for (;;) {
		double wanted_ns = options.rep_ms * 1e6;

		run_once(cell, peer, count, &figures);
		if (figures.wall_ns > wanted_ns / 4 || count > 50000000)
			return (uint64_t)((double)count * wanted_ns /
					  figures.wall_ns) +
			       1;
		count *= 4;
	}
}

static void run_cell(struct cell *cell)
{
	const struct bench_peer *peers[MAX_PEERS];
	static struct result results[MAX_PEERS];
	uint64_t counts[MAX_PEERS];
	int n_peers = 0;

	for (int i = 0; bench_peers[i] != NULL; i++)
		if (is_chosen(options.peers, bench_peers[i]->name))
			peers[n_peers++] = bench_peers[i];
	memset(results, 0, sizeof(results));
	for (int p = 0; p < n_peers; p++)
		counts[p] = calibrate(cell, peers[p]);
	cell->line_before = bench_line_ns();
	for (int r = 0; r < options.repetitions; r++) {
		for (int p = 0; p < n_peers; p++) {
			struct bench_figures figures;

			run_once(cell, peers[p], counts[p], &figures);
			add(&results[p].ns, figures.ns);
			add(&results[p].p99, figures.p99_ns);
			add(&results[p].cpu, figures.cpu_ns);
			add(&results[p].switches, figures.switches);
		}
	}
	cell->line_after = bench_line_ns();
	for (int p = 0; p < n_peers; p++) {
		cell->count = counts[p];
		write_result(
			cell, peers[p], &results[p], &results[n_peers - 1]);
	}
	fflush(stdout);
}

/* While a process has one thread, glibc leaves out lock prefixes. */
static void *stay_alive(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void usage(void)
{
	fprintf(stderr, "usage: bench [-w workload,...] [-c capacity,...] "
			"[-p peer,...] [-r repetitions]\n"
			"             [-m milliseconds] [-e element size] "
			"[-o file.csv]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "w:c:p:r:m:e:o:")) != -1) {
		switch (option) {
		case 'w':
			options.workloads = optarg;
			break;
		case 'c':
			options.capacities = optarg;
			break;
		case 'p':
			options.peers = optarg;
			break;
		case 'r':
			options.repetitions = atoi(optarg);
			break;
		case 'm':
			options.rep_ms = atof(optarg);
			break;
		case 'e':
			options.element_size = (size_t)atol(optarg);
			break;
		case 'o':
			options.csv = fopen(optarg, "w");
			if (options.csv == NULL)
				bench_die("cannot write %s", optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc || options.repetitions < 1 ||
		options.repetitions > MAX_REPETITIONS || options.rep_ms <= 0 ||
		options.element_size < 8 || options.element_size % 8 != 0 ||
		options.element_size > BENCH_MAX_ELEMENT)
		usage();
}

int main(int argc, char **argv)
{
	pthread_t other;

	parse(argc, argv);
	if (pthread_create(&other, NULL, stay_alive, NULL) != 0)
		bench_die("no thread");
	printf("%s, %d CPUs, a line crosses in %.0f ns\n", bench_cpu_model(),
		bench_cpus(), bench_line_ns());
	write_heads();
	for (size_t w = 0; w < bench_n_workloads; w++) {
		struct cell cell = {.workload = &bench_workloads[w]};

		if (!is_chosen(options.workloads, cell.workload->name))
			continue;
		for (size_t c = 0; c < cell.workload->n_capacities; c++) {
			cell.capacity = cell.workload->capacities[c];
			if (is_chosen(options.capacities,
				    capacity_name(cell.capacity)))
				run_cell(&cell);
		}
	}
	if (options.csv != NULL && fclose(options.csv) != 0)
		bench_die("the CSV file could not be written");
	return 0;
}
