/* SPDX-License-Identifier: MIT */
/* bench.c - runs the workloads: which, how often, and in which order.
 *
 * In each cell (workload, capacity) the peers take turns, repetition by
 * repetition, so that all of them see the same weather; each has a process of
 * its own, which sleeps while it is not its turn.  See doc/benchmarks.md.
 */
#include "bench.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PEERS 32

/* In a queue that holds them all elements touch new memory; this much of it. */
#define MOST_QUEUED_BYTES (64 << 20)

/* What a queue takes is at most about so many times what its elements are. */
#define QUEUED_TIMES 4

/* Where all peers get the same count, the slowest do up to so many times more
 * than what they were calibrated for. */
#define MOST_OVERTIME 8

/* A run that a count is taken from lasts a repetition by this. */
#define LONG_ENOUGH 1.25
#define MOST_ELEMENTS 50000000

/* What takes part in a cell. */
struct player {
	struct bench_turn turn;
	struct bench_result *result;
};

static struct player players[MAX_PEERS];
static struct bench_result results[MAX_PEERS];
static int n_players;
static bool weir_failed;

static void start(
	const struct bench_cell *cell, struct player *player, bool futexes)
{
	struct bench_job job = {.peer = player->result->peer,
		.capacity = cell->capacity,
		.element_size = bench_options.element_size};

	bench_turn_start(&player->turn, cell->workload, &job, futexes);
}

/* False, and never again, when the peer has failed. */
static bool ask(const struct bench_cell *cell, struct player *player,
	uint64_t count, struct bench_figures *figures)
{
	const struct bench_peer *peer = player->result->peer;

	if (player->turn.pid == 0)
		return false;
	player->result->answer = bench_turn_ask(&player->turn, count, figures);
	if (player->result->answer == BENCH_DONE)
		return true;
	fprintf(stderr, "bench: %s, capacity %s, %s: %s\n",
		cell->workload->name, bench_capacity_name(cell->capacity),
		peer->name,
		player->result->answer == BENCH_HANGS ? "not done in time"
						      : "failed");
	weir_failed |= peer->kind == BENCH_WEIR;
	return false;
}

static bool holds_all(const struct bench_cell *cell)
{
	return cell->capacity == BENCH_UNBOUNDED ||
	       cell->capacity == BENCH_HOLDS_ALL;
}

/* -- How many elements ------------------------------------------------------ */

/* As many as make a repetition last rep_ms; all of them are warm-up, too.  A
 * short run is mostly the start of its threads, so the last one must have been
 * about that long. */
static uint64_t calibrate(const struct bench_cell *cell, struct player *player)
{
	const struct bench_workload *w = cell->workload;
	double wanted_ns = bench_options.rep_ms * 1e6;
	struct bench_figures figures;
	uint64_t count = 1000;

	if (w->fixed_count > 0)
		return w->fixed_count;
	if (w->pace_ns > 0)
		return (uint64_t)(wanted_ns / (double)w->pace_ns) + 1;
	while (ask(cell, player, count, &figures)) {
		double short_of = wanted_ns / figures.wall_ns;
		uint64_t next = (uint64_t)((double)count * short_of) + 1;

		if (short_of < LONG_ENOUGH || count > MOST_ELEMENTS)
			return next;
		count = short_of > 4 ? 4 * count : next;
	}
	return 0;
}

static int by_count(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Without a limit the queue is as long as the repetition lasts, and a long one
 * touches more memory: there all peers get the same number of elements. */
static void make_alike(uint64_t *counts)
{
	uint64_t most = MOST_QUEUED_BYTES / bench_options.element_size;
	uint64_t sorted[MAX_PEERS], middle;
	int n = 0;

	for (int p = 0; p < n_players; p++)
		if (counts[p] > 0)
			sorted[n++] = counts[p];
	if (n == 0)
		return;
	qsort(sorted, (size_t)n, sizeof(*sorted), by_count);
	middle = sorted[n / 2] < most ? sorted[n / 2] : most;
	for (int p = 0; p < n_players; p++)
		counts[p] = counts[p] * MOST_OVERTIME < middle
				    ? counts[p] * MOST_OVERTIME
				    : middle;
}

/* -- A cell ------------------------------------------------------------------ */

static void gather(const struct bench_cell *cell)
{
	n_players = 0;
	memset(results, 0, sizeof(results));
	for (int i = 0; bench_peers[i] != NULL; i++) {
		struct player *player = &players[n_players];

		if (!bench_is_chosen(
			    bench_options.peers, bench_peers[i]->name) ||
			!bench_supports(bench_peers[i], cell->workload,
				cell->capacity, bench_options.element_size))
			continue;
		player->result = &results[n_players++];
		player->result->peer = bench_peers[i];
		player->result->futexes = -1;
		start(cell, player, false);
	}
}

static void take_turn(const struct bench_cell *cell, struct player *player)
{
	struct bench_result *r = player->result;
	struct bench_figures figures;

	if (cell->workload->fixed_count > 0 && r->ns.n > 0 &&
		player->turn.pid != 0) {
		bench_turn_stop(&player->turn);
		start(cell, player, false);
	}
	if (holds_all(cell) && cell->workload->fixed_count == 0 &&
		player->turn.pid != 0)
		bench_memory_warm(
			r->count * QUEUED_TIMES * bench_options.element_size);
	if (!ask(cell, player, r->count, &figures))
		return;
	r->ns.at[r->ns.n++] = figures.ns;
	r->p99.at[r->p99.n++] = figures.p99_ns;
	r->cpu.at[r->cpu.n++] = figures.cpu_ns;
	r->switches.at[r->switches.n++] = figures.switches;
}

/* In one more process, and not timed. */
static void count_futexes(const struct bench_cell *cell, struct player *player)
{
	struct bench_result *r = player->result;
	struct bench_figures figures;

	start(cell, player, true);
	if (bench_turn_ask(&player->turn, r->count / 4 + 1, &figures) ==
		BENCH_DONE)
		r->futexes = figures.futexes;
	bench_turn_stop(&player->turn);
}

static void run_cell(struct bench_cell *cell)
{
	uint64_t counts[MAX_PEERS];
	struct bench_figures figures;

	cell->others = bench_wait_for_quiet();
	cell->line_before = bench_line_ns();
	gather(cell);
	for (int p = 0; p < n_players; p++)
		counts[p] = calibrate(cell, &players[p]);
	if (holds_all(cell))
		make_alike(counts);
	for (int p = 0; p < n_players; p++) {
		players[p].result->count = counts[p];
		if (cell->workload->fixed_count == 0)
			ask(cell, &players[p], counts[p], &figures);
	}
	for (int r = 0; r < bench_options.repetitions; r++)
		for (int i = 0; i < n_players; i++)
			/* Nobody is always the first, or after the same. */
			take_turn(cell,
				&players[r % 2 == 0 ? i : n_players - 1 - i]);
	cell->line_after = bench_line_ns();
	for (int p = 0; p < n_players; p++) {
		bench_turn_stop(&players[p].turn);
		if (bench_options.futexes && results[p].answer == BENCH_DONE)
			count_futexes(cell, &players[p]);
	}
	bench_write_cell(cell, results, n_players);
}

static void run_workload(const struct bench_workload *workload)
{
	for (size_t c = 0; c < workload->n_capacities; c++) {
		struct bench_cell cell = {.workload = workload,
			.capacity = workload->capacities[c]};

		if (bench_is_chosen(bench_options.capacities,
			    bench_capacity_name(cell.capacity)))
			run_cell(&cell);
	}
}

int main(int argc, char **argv)
{
	bench_parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (bench_options.pinned)
		bench_pin();
	bench_write_heads();
	for (size_t w = 0; w < bench_n_workloads; w++) {
		const struct bench_workload *workload = &bench_workloads[w];

		if (bench_is_chosen(bench_options.workloads, workload->name) &&
			(bench_options.workloads != NULL ||
				!workload->optional))
			run_workload(workload);
	}
	if (bench_options.csv != NULL && fclose(bench_options.csv) != 0)
		bench_die("the CSV file could not be written");
	return weir_failed;
}
