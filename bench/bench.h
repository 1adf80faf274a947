/* SPDX-License-Identifier: MIT */
/* bench.h - what peers, workloads and the harness know of each other.
 *
 * A peer is a channel implementation behind a table of functions; a workload
 * drives a peer's channels with threads and checks what arrives; the harness
 * (bench.c) decides how many elements make a repetition, runs the peers in
 * turn, each in a process of its own (turn.c), and writes the figures
 * (report.c).  To add a peer: one file in peers/, one line in the list.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_UNBOUNDED SIZE_MAX
#define BENCH_HOLDS_ALL (SIZE_MAX - 1) /* "N": room for a repetition */
#define BENCH_MAX_ELEMENT 4096
#define BENCH_MAX_PRODUCERS 64

/* -- Peers ---------------------------------------------------------------- */

enum bench_status {
	BENCH_OK,
	BENCH_WOULD_BLOCK, /* try_ only */
	BENCH_END          /* the other side is closed (recv: and drained) */
};

/* All functions but open and free may be called by many threads at once.
 * peers/rust/src/lib.rs has the same struct. */
struct bench_calls {
	void *(*open)(size_t capacity, size_t element_size);
	void (*free)(void *channel);
	enum bench_status (*send)(void *sender, const void *element);
	enum bench_status (*recv)(void *receiver, void *element);
	enum bench_status (*try_send)(void *sender, const void *element);
	enum bench_status (*try_recv)(void *receiver, void *element);
	/* After the last send; all senders but the caller's have left. */
	void (*close_senders)(void *channel);

	/* What a thread sends or receives through, where that is a handle of
	 * its own; NULL: all use the channel. */
	void *(*join_sender)(void *channel);
	void (*leave_sender)(void *sender);
	void *(*join_receiver)(void *channel);
	void (*leave_receiver)(void *receiver);

	/* A thread's set of operations, all sends or all receives, of which
	 * `select` does one, tells which, and its status; an ended one is
	 * dropped.  NULL: cannot select. */
	void *(*select_open)(void *const *channels, size_t n, bool sends);
	enum bench_status (*select)(void *set, void *element, size_t *at);
	void (*select_drop)(void *set, size_t at);
	void (*select_free)(void *set);
};

enum bench_kind {
	BENCH_WEIR,
	BENCH_SLEEPS, /* its waiting threads sleep in the kernel */
	BENCH_GREEN,  /* its threads are switched in user space */
	BENCH_FLOOR   /* never sleeps: what the queue alone costs */
};

enum { BENCH_CAN_MEET = 1, BENCH_CAN_BOUND = 2, BENCH_CAN_GROW = 4 };

struct bench_peer {
	const char *name;
	enum bench_kind kind;
	unsigned capacities;    /* BENCH_CAN_ flags: 0, 1 and more, unbounded */
	size_t element_size;    /* the only one; 0: any */
	unsigned max_producers; /* of a channel; 0: any number */
	unsigned max_consumers;
	const char *without; /* workloads that it cannot do, comma separated */
	const struct bench_calls *calls;
	/* Instead of calls: a program, and its first argument (see turn.c). */
	const char *program;
	const char *mode;
};

/* NULL at the end. */
extern const struct bench_peer *const bench_peers[];

extern const struct bench_peer bench_weir;
extern const struct bench_peer bench_mutex_cond;

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
	double ns;       /* per element; see doc/benchmarks.md */
	double p99_ns;   /* ping-pong only, else 0 */
	double cpu_ns;   /* per element, user + system, all threads */
	double switches; /* voluntary context switches per element */
	double futexes;  /* calls per element, in runs that count them */
};

struct bench_workload {
	const char *name;
	const char *unit; /* of bench_figures.ns; NULL: "ns" */
	const size_t *capacities;
	size_t n_capacities;
	unsigned producers; /* threads */
	unsigned consumers;
	unsigned channels; /* that each selecting thread waits for */
	bool optional;     /* run only when asked for by name */
	/* What an element takes by design; 0: calibrate. */
	uint64_t pace_ns;
	/* Elements of a repetition, each in a fresh process; 0: calibrate. */
	uint64_t fixed_count;
	void (*run)(const struct bench_workload *workload,
		const struct bench_job *job, struct bench_figures *figures);
};

extern const struct bench_workload bench_workloads[];
extern const size_t bench_n_workloads;

/* The workloads' bodies, by file. */
typedef void bench_run(const struct bench_workload *workload,
	const struct bench_job *job, struct bench_figures *figures);

bench_run bench_try;           /* alone.c */
bench_run bench_seq;           /* alone.c */
bench_run bench_flow;          /* flow.c */
bench_run bench_pingpong;      /* pingpong.c */
bench_run bench_select_rx;     /* select.c */
bench_run bench_select_both;   /* select.c */
bench_run bench_idle_fed;      /* idle.c */
bench_run bench_idle_wait;     /* idle.c */
bench_run bench_memory_idle;   /* memory.c */
bench_run bench_memory_queued; /* memory.c */

/* Opens a channel for the job, with N filled in; then the time that it takes
 * belongs to the watch that is stopped next. */
void *bench_open(const struct bench_job *job);

/* The channel's or the thread's own handle. */
void *bench_join_sender(const struct bench_calls *calls, void *channel);
void bench_leave_sender(const struct bench_calls *calls, void *sender);
void *bench_join_receiver(const struct bench_calls *calls, void *channel);
void bench_leave_receiver(const struct bench_calls *calls, void *receiver);

/* Can this peer take part in that cell? */
bool bench_supports(const struct bench_peer *peer,
	const struct bench_workload *workload, size_t capacity,
	size_t element_size);

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
	double patience_s; /* a repetition that takes longer hangs */
	double quiet_s;    /* that a cell waits for others to be done */
	bool futexes;      /* count them in a run more */
	bool pinned;       /* all threads on one CPU */
	FILE *csv;
} bench_options;

/* Exits on a mistake. */
void bench_parse(int argc, char **argv);

/* Is `name` in the comma separated list?  In no list is everything. */
bool bench_is_chosen(const char *list, const char *name);

/* A number, "N" or "unbounded"; good until the next call. */
const char *bench_capacity_name(size_t capacity);

/* -- A peer's process within a cell (turn.c) ------------------------------- */

struct bench_turn {
	int pid; /* 0: not running */
	int to;
	int from;
	int futexes; /* where its futex calls are announced; -1: they are not */
};

enum bench_answer { BENCH_DONE, BENCH_FAILED, BENCH_HANGS };

void bench_turn_start(struct bench_turn *turn,
	const struct bench_workload *workload, const struct bench_job *job,
	bool count_futexes);

/* One repetition of `count` elements; anything but BENCH_DONE has ended the
 * process. */
enum bench_answer bench_turn_ask(
	struct bench_turn *turn, uint64_t count, struct bench_figures *figures);

void bench_turn_stop(struct bench_turn *turn);

/* In the child: from now on the kernel announces each futex call on the
 * descriptor that is returned; -1 where it cannot.  (futexes.c) */
int bench_futexes_announce(void);

/* In the parent: the descriptor `fd` of a child. */
int bench_futexes_listen(int pid, int fd);

/* Lets an announced call go on; false if there was none. */
bool bench_futexes_pass(int listener);

/* -- What a cell gave (report.c) ------------------------------------------ */

struct bench_samples {
	double at[BENCH_MAX_REPETITIONS];
	int n;
};

struct bench_result {
	const struct bench_peer *peer;
	struct bench_samples ns, p99, cpu, switches;
	double futexes; /* -1: not counted */
	uint64_t count; /* of a repetition */
	enum bench_answer answer;
};

struct bench_cell {
	const struct bench_workload *workload;
	size_t capacity;
	double line_before;
	double line_after;
	double others; /* share of the CPUs that others had before, in % */
};

void bench_write_heads(void);
void bench_write_cell(const struct bench_cell *cell,
	const struct bench_result *results, int n_results);

/* -- Tools ---------------------------------------------------------------- */

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

/* Touches so much memory and gives it back, so that a virtual machine has it
 * from its host when others touch it next.  (memory.c) */
void bench_memory_warm(size_t bytes);

/* The processor's name and the kernel's release; static. */
const char *bench_cpu_model(void);
const char *bench_kernel(void);

/* CPUs that this process may run on, and: only one of them from now on. */
int bench_cpus(void);
void bench_pin(void);

/* Waits until others leave the CPUs alone, for bench_options.quiet_s at most;
 * the share that they had at last, in %.  (load.c) */
double bench_wait_for_quiet(void);

#ifdef __cplusplus
}
#endif

#endif
