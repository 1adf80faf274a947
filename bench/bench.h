/* SPDX-License-Identifier: MIT */
/* bench.h - what peers, workloads and the harness know of each other.
 *
 * A peer is a channel implementation behind a table of functions; a workload
 * drives a peer's channels with threads and checks what arrives; the harness
 * (bench.c) decides how many elements make a repetition, runs the peers in
 * turn and writes the figures.  To add a peer: one file in peers/, one line in
 * bench_peers.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#define BENCH_UNBOUNDED SIZE_MAX
#define BENCH_MAX_ELEMENT 4096

/* -- Peers ---------------------------------------------------------------- */

enum bench_status {
	BENCH_OK,
	BENCH_WOULD_BLOCK, /* try_ only */
	BENCH_END          /* the other side is closed (recv: and drained) */
};

/* All functions but open and free may be called by many threads at once. */
struct bench_peer {
	const char *name;
	void *(*open)(size_t capacity, size_t element_size);
	void (*free)(void *channel);
	enum bench_status (*send)(void *channel, const void *element);
	enum bench_status (*recv)(void *channel, void *element);
	enum bench_status (*try_send)(void *channel, const void *element);
	enum bench_status (*try_recv)(void *channel, void *element);
	void (*close_senders)(void *channel);
	void (*close_receivers)(void *channel);
};

extern const struct bench_peer bench_weir;
extern const struct bench_peer bench_mutex_cond;

/* NULL at the end; the last peer is what the others are compared with. */
extern const struct bench_peer *const bench_peers[];

/* -- Workloads ------------------------------------------------------------ */

struct bench_job {
	const struct bench_peer *peer;
	size_t capacity;
	size_t element_size; /* a multiple of 8, at least 8 */
	uint64_t count;      /* elements, at least; see bench_figures.count */
};

/* What one repetition gave. */
struct bench_figures {
	uint64_t count;  /* elements that were really sent */
	double wall_ns;  /* of the whole repetition */
	double ns;       /* per element; see doc/benchmarking.md */
	double p99_ns;   /* ping-pong only, else 0 */
	double cpu_ns;   /* per element, user + system, all threads */
	double switches; /* voluntary context switches per element */
};

struct bench_workload {
	const char *name;
	const size_t *capacities;
	size_t n_capacities;
	unsigned producers; /* for bench_flow */
	unsigned consumers;
	bool optional; /* run only when asked for by name */
	/* What an element takes by design; 0: calibrate. */
	uint64_t pace_ns;
	void (*run)(const struct bench_workload *workload,
		const struct bench_job *job, struct bench_figures *figures);
};

extern const struct bench_workload bench_workloads[];
extern const size_t bench_n_workloads;

/* The workloads' bodies, by file. */
typedef void bench_run(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures);

bench_run bench_try;       /* alone.c */
bench_run bench_seq;       /* alone.c */
bench_run bench_flow;      /* flow.c */
bench_run bench_pingpong;  /* pingpong.c */
bench_run bench_idle_fed;  /* idle.c */
bench_run bench_idle_wait; /* idle.c */

/* -- Options -------------------------------------------------------------- */

#define BENCH_MAX_REPETITIONS 101

extern struct bench_options {
	const char
		*workloads; /* comma separated; NULL: all but optional ones */
	const char *capacities;
	const char *peers;
	int repetitions;
	double rep_ms; /* that a repetition should last */
	size_t element_size;
	FILE *csv;
} bench_options;

/* Exits on a mistake. */
void bench_parse(int argc, char **argv);

/* Is `name` in the comma separated list?  In no list is everything. */
bool bench_is_chosen(const char *list, const char *name);

/* A number, or "unbounded"; good until the next call. */
const char *bench_capacity_name(size_t capacity);

/* -- Tools ---------------------------------------------------------------- */

#define BENCH_MAX_PRODUCERS 64

int64_t bench_now(void);

/* A mistake of a peer or of the machine: say so and exit. */
void bench_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Time and getrusage figures from `start` to `stop`; `stop` fills wall_ns, ns,
 * cpu_ns and switches for `figures->count` elements. */
struct bench_watch {
	int64_t wall;
	struct rusage usage;
};

void bench_watch_start(struct bench_watch *watch);
void bench_watch_stop(
	const struct bench_watch *watch, struct bench_figures *figures);

/* user + system of a thread or process (RUSAGE_SELF, RUSAGE_THREAD). */
double bench_cpu_ns(const struct rusage *usage);

/* Element number `sequence` of a producer: the number in the first eight bytes
 * and, where there is room, its complement in the last eight. */
void bench_make(
	void *element, size_t size, unsigned producer, uint64_t sequence);

/* One receiving thread's view of what arrived. */
struct bench_check {
	uint64_t count;
	uint64_t sum;
	uint64_t next[BENCH_MAX_PRODUCERS];
};

/* Dies unless the element is whole and in its producer's order. */
void bench_check_element(
	struct bench_check *check, const void *element, size_t size);

/* The sum over all elements of `producers` times `each`. */
uint64_t bench_expected_sum(unsigned producers, uint64_t each);

/* The time that a cache line takes from one CPU to another, one way, now; 0
 * where only one CPU is allowed. */
double bench_line_ns(void);

/* The processor's name and the kernel's release; static. */
const char *bench_cpu_model(void);
const char *bench_kernel(void);

/* CPUs that this process may run on. */
int bench_cpus(void);

#endif
