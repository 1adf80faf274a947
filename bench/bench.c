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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_PEERS 16

#ifdef __clang__
#define COMPILER __VERSION__ /* names itself */
#else
#define COMPILER "gcc " __VERSION__
#endif

/* A repetition that takes this much longer than it should hangs. */
#define PATIENCE_SECONDS 20

/* -- Figures --------------------------------------------------------------- */

struct samples {
	double at[BENCH_MAX_REPETITIONS];
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

static void write_heads(void)
{
	printf("%-9s %-9s %-11s %9s %9s %9s %8s %7s %6s %5s\n", "workload",
		"capacity", "peer", "ns", "min", "p99", "cpu ns", "ratio", "sw",
		"line");
	if (bench_options.csv != NULL)
		fprintf(bench_options.csv,
			"date,commit,machine,cpus,kernel,compiler,workload,"
			"capacity,"
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

/* `reference` is NULL where it was not chosen: then there is no ratio. */
static void write_result(const struct cell *cell, const struct bench_peer *peer,
	const struct result *result, const struct result *reference)
{
	char ratio[24] = "";
	const char *commit = getenv("BENCH_COMMIT");
	time_t now = time(NULL);
	struct tm utc;
	char date[32];

	if (reference != NULL)
		snprintf(ratio, sizeof(ratio), "%.3f",
			median_ratio(&result->ns, &reference->ns));
	printf("%-9s %-9s %-11s %9.1f %9.1f %9.0f %8.1f %7s %6.3f %5.0f\n",
		cell->workload->name, bench_capacity_name(cell->capacity),
		peer->name, quantile(&result->ns, 0.5),
		quantile(&result->ns, 0), quantile(&result->p99, 0.5),
		quantile(&result->cpu, 0.5), ratio,
		quantile(&result->switches, 0.5), cell->line_after);
	if (bench_options.csv == NULL)
		return;
	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(bench_options.csv,
		"%s,%s,\"%s\",%d,\"%s\",\"%s\",%s,%s,%zu,%s,%d,%" PRIu64
		",%.2f,%.2f,%.2f,%.0f,%.2f,%.4f,%s,%.0f,%.0f\n",
		date, commit != NULL ? commit : "", bench_cpu_model(),
		bench_cpus(), bench_kernel(), COMPILER, cell->workload->name,
		bench_capacity_name(cell->capacity), bench_options.element_size,
		peer->name, result->ns.n, cell->count,
		quantile(&result->ns, 0.5), quantile(&result->ns, 0),
		quantile(&result->ns, 1), quantile(&result->p99, 0.5),
		quantile(&result->cpu, 0.5), quantile(&result->switches, 0.5),
		ratio, cell->line_before, cell->line_after);
	fflush(bench_options.csv);
}

/* -- Running --------------------------------------------------------------- */

/* What hangs, should the alarm go off. */
static char doing[128];

static void give_up(int number)
{
	ssize_t written = write(STDERR_FILENO, doing, strlen(doing));

	(void)written;
	(void)number;
	_exit(1);
}

static void run_once(const struct cell *cell, const struct bench_peer *peer,
	uint64_t count, struct bench_figures *figures)
{
	struct bench_job job = {
		peer, cell->capacity, bench_options.element_size, count};

	memset(figures, 0, sizeof(*figures));
	snprintf(doing, sizeof(doing),
		"bench: %s, capacity %s, %s: not done after its time\n",
		cell->workload->name, bench_capacity_name(cell->capacity),
		peer->name);
	alarm(PATIENCE_SECONDS + (unsigned)(bench_options.rep_ms / 100));
	cell->workload->run(cell->workload, &job, figures);
	alarm(0);
}

/* How many elements make a repetition last rep_ms with this peer. */
static uint64_t calibrate(
	const struct cell *cell, const struct bench_peer *peer)
{
	struct bench_figures figures;
	uint64_t count = 1000;

	if (cell->workload->pace_ns > 0)
		return (uint64_t)(bench_options.rep_ms * 1e6 /
				  (double)cell->workload->pace_ns) +
		       1;
	for (;;) {
		double wanted_ns = bench_options.rep_ms * 1e6;

		run_once(cell, peer, count, &figures);
		if (figures.wall_ns > wanted_ns / 4 || count > 50000000)
			return (uint64_t)((double)count * wanted_ns /
					  figures.wall_ns) +
			       1;
		count *= 4;
	}
}

/* Without a limit the queue is as long as the repetition lasts, and a long one
 * touches more memory: there all peers get the same number of elements. */
static void calibrate_all(const struct cell *cell,
	const struct bench_peer *const *peers, int n_peers, uint64_t *counts)
{
	uint64_t least = UINT64_MAX;

	for (int p = 0; p < n_peers; p++) {
		counts[p] = calibrate(cell, peers[p]);
		if (counts[p] < least)
			least = counts[p];
	}
	if (cell->capacity == BENCH_UNBOUNDED)
		for (int p = 0; p < n_peers; p++)
			counts[p] = least;
}

static void run_cell(struct cell *cell)
{
	const struct bench_peer *peers[MAX_PEERS];
	static struct result results[MAX_PEERS];
	const struct result *reference = NULL;
	struct bench_figures figures;
	uint64_t counts[MAX_PEERS];
	int n_peers = 0;

	for (int i = 0; bench_peers[i] != NULL; i++) {
		if (!bench_is_chosen(bench_options.peers, bench_peers[i]->name))
			continue;
		if (bench_peers[i + 1] == NULL)
			reference = &results[n_peers];
		peers[n_peers++] = bench_peers[i];
	}
	memset(results, 0, sizeof(results));
	cell->line_before = bench_line_ns();
	calibrate_all(cell, peers, n_peers, counts);
	for (int p = 0; p < n_peers; p++)
		run_once(cell, peers[p], counts[p], &figures); /* warm-up */
	for (int r = 0; r < bench_options.repetitions; r++) {
		for (int i = 0; i < n_peers; i++) {
			/* Nobody is always the first, or after the same one. */
			int p = r % 2 == 0 ? i : n_peers - 1 - i;

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
		write_result(cell, peers[p], &results[p], reference);
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

int main(int argc, char **argv)
{
	pthread_t other;

	bench_parse(argc, argv);
	signal(SIGALRM, give_up);
	if (pthread_create(&other, NULL, stay_alive, NULL) != 0)
		bench_die("no thread");
	printf("%s, %d CPUs, Linux %s, %s, a line crosses in %.0f ns\n",
		bench_cpu_model(), bench_cpus(), bench_kernel(), COMPILER,
		bench_line_ns());
	write_heads();
	for (size_t w = 0; w < bench_n_workloads; w++) {
		struct cell cell = {.workload = &bench_workloads[w]};

		if (!bench_is_chosen(
			    bench_options.workloads, cell.workload->name) ||
			(bench_options.workloads == NULL &&
				cell.workload->optional))
			continue;
		for (size_t c = 0; c < cell.workload->n_capacities; c++) {
			cell.capacity = cell.workload->capacities[c];
			if (bench_is_chosen(bench_options.capacities,
				    bench_capacity_name(cell.capacity)))
				run_cell(&cell);
		}
	}
	if (bench_options.csv != NULL && fclose(bench_options.csv) != 0)
		bench_die("the CSV file could not be written");
	return 0;
}
