/* SPDX-License-Identifier: MIT */
/* report.c - what a cell gave, as lines of a table and of a CSV file.
 *
 * Medians over the turns; a ratio is the median of the ratios of each turn, to
 * the fastest peer whose waiting threads sleep in the kernel and to the fastest
 * that never sleeps.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __clang__
#define COMPILER __VERSION__ /* names itself */
#else
#define COMPILER "gcc " __VERSION__
#endif

static const char *const kinds[] = {[BENCH_WEIR] = "weir",
	[BENCH_SLEEPS] = "sleeps",
	[BENCH_GREEN] = "green",
	[BENCH_FLOOR] = "floor"};

static const char *const answers[] = {
	[BENCH_DONE] = "", [BENCH_FAILED] = "failed", [BENCH_HANGS] = "hangs"};

/* -- Figures --------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of a copy, so that the order of the turns is kept. */
static double quantile(const struct bench_samples *samples, double q)
{
	struct bench_samples sorted = *samples;

	qsort(sorted.at, (size_t)sorted.n, sizeof(double), compare);
	return sorted.at[(int)(q * (sorted.n - 1) + 0.5)];
}

static double median(const struct bench_samples *samples)
{
	return quantile(samples, 0.5);
}

/* In `text`: the ratio, or nothing where there is none. */
static const char *ratio(char text[16], const struct bench_samples *of,
	const struct bench_samples *to)
{
	struct bench_samples ratios = {.n = 0};

	text[0] = '\0';
	for (int i = 0; to != NULL && i < of->n && i < to->n; i++)
		if (to->at[i] > 0)
			ratios.at[ratios.n++] = of->at[i] / to->at[i];
	if (ratios.n > 0)
		snprintf(text, 16, "%.3f", median(&ratios));
	return text;
}

static const struct bench_result *fastest(
	const struct bench_result *results, int n, enum bench_kind kind)
{
	const struct bench_result *best = NULL;

	for (int i = 0; i < n; i++)
		if (results[i].peer->kind == kind &&
			results[i].answer == BENCH_DONE &&
			(best == NULL ||
				median(&results[i].ns) < median(&best->ns)))
			best = &results[i];
	return best;
}

/* -- The table -------------------------------------------------------------- */

static void print(const struct bench_cell *cell, const struct bench_result *r,
	const struct bench_result *best, const struct bench_result *floor)
{
	char to_best[16], to_floor[16], futexes[16] = "";

	printf("%-11s %-9s %-12s ", cell->workload->name,
		bench_capacity_name(cell->capacity), r->peer->name);
	if (r->answer != BENCH_DONE) {
		printf("%s\n", answers[r->answer]);
		return;
	}
	if (r->futexes >= 0)
		snprintf(futexes, sizeof(futexes), "%.3f", r->futexes);
	printf("%9.1f %9.1f %9.0f %8.1f %7s %7s %6.3f %6s %5.0f\n",
		median(&r->ns), quantile(&r->ns, 0), median(&r->p99),
		median(&r->cpu),
		ratio(to_best, &r->ns, best != NULL ? &best->ns : NULL),
		ratio(to_floor, &r->ns, floor != NULL ? &floor->ns : NULL),
		median(&r->switches), futexes, cell->line_after);
}

/* -- The CSV file ----------------------------------------------------------- */

/* Of BENCH_VERSIONS, "name=version;name=version". */
static const char *version(const char *name)
{
	static char found[64];
	const char *at = getenv("BENCH_VERSIONS");
	size_t length = strlen(name);

	for (; at != NULL; at = strchr(at, ';')) {
		at += *at == ';';
		if (strncmp(at, name, length) != 0 || at[length] != '=')
			continue;
		snprintf(found, sizeof(found), "%.*s",
			(int)strcspn(at + length + 1, ";"), at + length + 1);
		return found;
	}
	return "";
}

static void write_machine(FILE *csv)
{
	const char *commit = getenv("BENCH_COMMIT");
	time_t now = time(NULL);
	struct tm utc;
	char date[32];

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(csv, "%s,%s,\"%s\",%d,%s,\"%s\"", date,
		commit != NULL ? commit : "", bench_cpu_model(), bench_cpus(),
		bench_kernel(), COMPILER);
}

static void write_figures(FILE *csv, const struct bench_result *r,
	const struct bench_result *best, const struct bench_result *floor)
{
	char text[16];

	if (r->answer != BENCH_DONE) {
		fprintf(csv, ",,,,,,,,,,,,");
		return;
	}
	fprintf(csv, "%d,%" PRIu64 ",%.2f,%.2f,%.2f,%.0f,%.2f,%.4f,", r->ns.n,
		r->count, median(&r->ns), quantile(&r->ns, 0),
		quantile(&r->ns, 1), median(&r->p99), median(&r->cpu),
		median(&r->switches));
	if (r->futexes >= 0)
		fprintf(csv, "%.4f", r->futexes);
	fprintf(csv, ",%s", best != NULL ? best->peer->name : "");
	fprintf(csv, ",%s", ratio(text, &r->ns, best ? &best->ns : NULL));
	fprintf(csv, ",%s", ratio(text, &r->cpu, best ? &best->cpu : NULL));
	fprintf(csv, ",%s", ratio(text, &r->ns, floor ? &floor->ns : NULL));
}

static void write_line(const struct bench_cell *cell,
	const struct bench_result *r, const struct bench_result *best,
	const struct bench_result *floor)
{
	FILE *csv = bench_options.csv;
	const char *unit = cell->workload->unit;

	write_machine(csv);
	fprintf(csv, ",%s,%s,%zu,%s,\"%s\",%s,%s,", cell->workload->name,
		bench_capacity_name(cell->capacity), bench_options.element_size,
		r->peer->name, version(r->peer->name), kinds[r->peer->kind],
		unit != NULL ? unit : "ns");
	write_figures(csv, r, best, floor);
	fprintf(csv, ",%.0f,%.0f,%.0f,%s\n", cell->line_before,
		cell->line_after, cell->others, answers[r->answer]);
}

/* -- Both ------------------------------------------------------------------- */

void bench_write_heads(void)
{
	printf("%s, %d CPUs, Linux %s, %s, a line crosses in %.0f ns\n",
		bench_cpu_model(), bench_cpus(), bench_kernel(), COMPILER,
		bench_line_ns());
	printf("%-11s %-9s %-12s %9s %9s %9s %8s %7s %7s %6s %6s %5s\n",
		"workload", "capacity", "peer", "ns", "min", "p99", "cpu ns",
		"/best", "/floor", "sw", "futex", "line");
	if (bench_options.csv != NULL)
		fprintf(bench_options.csv,
			"date,commit,machine,cpus,kernel,compiler,workload,"
			"capacity,element_size,peer,version,kind,unit,"
			"repetitions,count,ns,ns_min,ns_max,p99_ns,cpu_ns,"
			"switches,futexes,best,vs_best,cpu_vs_best,vs_floor,"
			"line_before_ns,line_after_ns,others_percent,note\n");
}

void bench_write_cell(const struct bench_cell *cell,
	const struct bench_result *results, int n_results)
{
	const struct bench_result *best =
		fastest(results, n_results, BENCH_SLEEPS);
	const struct bench_result *floor =
		fastest(results, n_results, BENCH_FLOOR);

	for (int i = 0; i < n_results; i++) {
		print(cell, &results[i], best, floor);
		if (bench_options.csv != NULL)
			write_line(cell, &results[i], best, floor);
	}
	fflush(NULL);
}
