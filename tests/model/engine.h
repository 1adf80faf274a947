/* SPDX-License-Identifier: MIT */
/* engine.h - what the parts of the checker know of each other.
 *
 *	hooks.c    the compiler's calls: every access of the library comes in here
 *	kernel.c   the system calls that the library makes
 *	locks.c    mutexes, condition variables, RCU
 *	   |
 *	memory.c   atomics, by C11's rules: which store may this load see?
 *	races.c    plain accesses: are they ordered?  is the memory alive?
 *	heap.c     where blocks lie, and whether they still do
 *	   |
 *	fibers.c   threads: who runs next
 *	explore.c  choices: which runs have been tried, which comes next
 *	trace.c    what happened, for people
 *
 * All of it runs in one thread of the system, so that a run is a function of
 * its choices.
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_THREADS 8
#define MAX_LOCATIONS 768
#define STACK_BYTES ((size_t)64 * 1024)
#define HEAP_BYTES ((size_t)64 * 1024) /* a thread */

/* Where heap and stacks lie, in every process: a trail names addresses. */
#define HEAP_ADDRESS ((uintptr_t)0x200000000000)
#define STACKS_ADDRESS ((uintptr_t)0x210000000000)
void *fixed_memory(uintptr_t address, size_t size);

/* What a thread, or a message, has seen: of each thread how far it has come
 * (for plain memory), of each location which store (for atomics). */
struct view {
	uint32_t clock[MAX_THREADS];
	uint32_t seen[MAX_LOCATIONS];
};

/* Something that threads do operations on: an atomic, a mutex, a descriptor. */
struct location {
	uintptr_t address;
	uint32_t index; /* in views */
	struct message *newest;
	uint32_t ordered; /* stamp of its last seq_cst store */
	/* Which partial order has led here: see fibers_note. */
	uint64_t write_hash;
	uint64_t read_hash;
	/* Locks and descriptors. */
	int holder;       /* of a mutex: thread + 1 */
	uint64_t counter; /* of an eventfd */
	bool open;
};

/* -- fibers.c ------------------------------------------------------------ */

enum thread_state { RUNNABLE, BLOCKED, FINISHED };

struct thread {
	const char *name;
	void (*body)(void *);
	void *argument;
	enum thread_state state;
	bool daemon;      /* need not finish: the clock, RCU */
	unsigned strikes; /* of the clock, so far */
	/* While BLOCKED. */
	const void *waits_for;
	int64_t deadline; /* INT64_MAX: none */
	bool timed_out;
	bool has_slept;   /* on a futex */
	unsigned readers; /* RCU read sections it is in */
	uint64_t reading_since;
	struct hazards *hazards; /* lib/hazard.h; NULL: a stranger */
	uint64_t hash;
	struct view view;     /* what it has seen */
	struct view acquired; /* and would have, with an acquire fence */
	struct view released; /* at its last release fence */
};

extern struct thread threads[MAX_THREADS];
extern unsigned thread_count;
extern unsigned self;
extern uint64_t steps;

/* Start a run of the model; true if it came to its end. */
bool fibers_run(void (*body)(void));
/* Leave the run at once, from any thread. */
void fibers_abandon(void) __attribute__((noreturn));
/* Any thread may come in here, before an operation on `location`. */
void fibers_point(struct location *location);
/* The same where the operation is one on all threads. */
void fibers_point_of_all(struct location *location);
/* Sleep until fibers_wake, or the deadline; false: it was the deadline. */
bool fibers_block(const void *waits_for, int64_t deadline);
void fibers_wake(unsigned thread);
/* Let another thread go on, if any can. */
void fibers_yield(void);
/* All who sleep for that. */
void fibers_wake_all(const void *waits_for);
/* The order of what is done decides what a state is. */
void fibers_note(struct location *location, bool writes, uint64_t what);
void fibers_note_all(struct location *location);
void fibers_add_daemon(const char *name, void (*body)(void *));
const void *fibers_stack(size_t *size);

/* -- explore.c ------------------------------------------------------------ */

enum choice { SCHEDULE, STALE, FAULT, ANY };

/* 0 is what comes by itself. */
unsigned explore_choose(enum choice kind, unsigned n);
/* The same for who runs next, of these. */
unsigned explore_choose_thread(const unsigned *candidates, unsigned n);
/* The thread would come back for ever: let others go first. */
void explore_yield(void);
bool explore_may_preempt(void);
bool explore_may_be_stale(void);
/* Has this state been left behind already? */
bool explore_was_here(uint64_t state);
/* Is it known that several threads use this address?  Learns it. */
bool explore_is_shared(uintptr_t address, unsigned thread);

/* -- memory.c ------------------------------------------------------------ */

void memory_reset(void);
struct location *memory_location(const volatile void *address);
uint64_t memory_load(const volatile void *address, size_t size, int order);
/* What it becomes of what it was; failing compare-and-swaps say false. */
typedef bool memory_change(uint64_t *value, const void *argument);
void memory_store(
	volatile void *address, size_t size, uint64_t value, int order);
uint64_t memory_modify(volatile void *address, size_t size, int order,
	int failure_order, memory_change *change, const void *argument,
	bool *changed, const char *verb);
void memory_fence(int order);
void memory_fence_all(void);
void memory_join(struct view *into, const struct view *from);
/* All that a thread has done so far becomes visible to who joins `into`. */
void memory_release_into(struct view *into);

/* -- races.c ------------------------------------------------------------- */

enum access { READS, WRITES, READS_ATOMICALLY, WRITES_ATOMICALLY, FREES };

void races_reset(void);
void races_access(
	uintptr_t address, size_t size, enum access access, const void *pc);
/* The frame of a function that returns. */
void races_leave_frame(uintptr_t low, uintptr_t high, const void *pc);

/* -- heap.c -------------------------------------------------------------- */

void heap_reset(void);
void *heap_alloc(size_t size, size_t alignment, const void *pc);
void heap_free(void *block, const void *pc);
/* The heap's memory, and whether a live block holds all of this range. */
uintptr_t heap_base(void);
bool heap_is_alive(uintptr_t address, size_t size);
void heap_check_all_free(void);

/* -- kernel.c, locks.c --------------------------------------------------- */

void kernel_reset(void);
void kernel_refuse_fence(bool refuse);
bool kernel_refuses_fence(void);
/* Since then. */
bool kernel_was_asked_for_fence(void);
void locks_reset(void);
/* Let RCU call all that it has been given. */
void locks_drain(void);

/* -- trace.c ------------------------------------------------------------- */

struct event {
	const void *pc;
	const char *verb;
	uintptr_t address;
	uint64_t before;
	uint64_t after;
	uint32_t older; /* how many stores ago */
	uint8_t thread;
};

void trace_reset(void);
void trace_add(const void *pc, const char *verb, uintptr_t address,
	uint64_t before, uint64_t after, uint32_t older);
void trace_print(void);
/* "ring.c:151" of a return address. */
const char *trace_place(const void *pc);
/* Of the operation that is being done now: who called it. */
extern const void *current_pc;

#endif
