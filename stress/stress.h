/* SPDX-License-Identifier: MIT */
/* stress.h - what the stress programs share.
 *
 * Each program is a plain main that runs random rounds until its time is over:
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct stress_random random;
 *		stress_start(argc, argv, false);
 *		while (stress_next_round(&random))
 *			one_round(&random);
 *		stress_finish("%" PRIu64 " elements", elements);
 *		return 0;
 *	}
 *
 * It takes `-t threads -s seconds -S seed -i microseconds -n count`, and prints
 * its seed first.  With -i a signal comes that often, without SA_RESTART, so
 * that system calls are interrupted wherever they can be; -n is for programs
 * that are about having many of something.  The first round is seeded by the
 * seed itself and a violation prints the seed of its own round, so `-S` goes
 * straight back to what failed (the schedule is the machine's and may need some
 * runs).  A watchdog aborts, after saying what each thread was doing, when
 * nothing has moved for 20 s.
 */
#ifndef STRESS_H
#define STRESS_H

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir.h>

#define STRESS_MAX_THREADS 64 /* at once, of all kinds */
#define STRESS_MAX_SIDE 16    /* the most that -t takes */

struct stress_settings {
	unsigned threads; /* at most this many on a side of a channel */
	double seconds;
	uint64_t seed;
	long storm_us;  /* between two signals; 0: no signals */
	bool bursts;    /* -b: only the bursts, at full size */
	uint64_t count; /* -n: of what a program is about; 0: its own choice */
};

extern struct stress_settings stress;

/* -- Running -------------------------------------------------------------- */

/* xorshift64*: one for each thread, never shared. */
struct stress_random {
	uint64_t state;
};

void stress_seed(struct stress_random *random, uint64_t seed);
uint64_t stress_draw(struct stress_random *random);

/* A number below `limit`, which is not 0. */
uint64_t stress_below(struct stress_random *random, uint64_t limit);

/* True one time in `times`. */
bool stress_one_in(struct stress_random *random, uint64_t times);

/* Take the options, -b only where there are bursts; start the watchdog. */
void stress_start(int argc, char **argv, bool has_bursts);
double stress_elapsed(void);

/* Seed `random` for the next round; false when the time is over.  The first
 * round is always run. */
bool stress_next_round(struct stress_random *random);

/* What this round is, for messages. */
void stress_describe(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Say that a promise was broken, where, and how to come back; exit 1. */
void stress_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#define stress_check(condition, ...)                                           \
	do {                                                                   \
		if (!(condition))                                              \
			stress_fail(__VA_ARGS__);                              \
	} while (0)

/* The summary: one line. */
void stress_finish(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* -- Threads -------------------------------------------------------------- */

/* Threads of one round; the watchdog knows each by its role. */
struct stress_crew {
	pthread_t ids[STRESS_MAX_THREADS];
	unsigned count;
};

void stress_crew_add(struct stress_crew *crew, const char *role,
	void (*run)(void *argument), void *argument);
void stress_crew_join(struct stress_crew *crew);

/* For the watchdog's dump: this thread is about to do `what` (static). */
void stress_doing(const char *what, uint64_t number);

/* For the watchdog: something moved. */
void stress_progress(void);

/* The channel whose statistics the watchdog shows; NULL before it is freed. */
void stress_show(weir_sender *tx);

/* -- Elements ------------------------------------------------------------- */

/* An element of 8 bytes or more carries producer, sequence number and a
 * checksum over all of its bytes; one of 1 byte, a mixture of the first two;
 * one of 0 bytes, nothing. */
#define STRESS_MAX_PRODUCERS 256

void stress_make(
	void *element, size_t size, unsigned producer, uint32_t sequence);

/* What becomes of each element of a channel.  Each is to be accepted, and then
 * received or dropped, once; or none of these. */
struct stress_ledger {
	size_t element_size;
	unsigned producers;
	uint32_t per_producer;
	/* [producer * per_producer + sequence], 8 bytes and up. */
	_Atomic uint8_t *marks;
	/* Accepted minus received and dropped, by value: 1 byte. */
	_Atomic int64_t balance[256];
	/* Below 8 bytes. */
	_Atomic uint64_t accepted;
	_Atomic uint64_t received;
	_Atomic uint64_t dropped;
};

struct stress_totals {
	uint64_t accepted;
	uint64_t received;
	uint64_t dropped;
};

void stress_ledger_open(struct stress_ledger *ledger, size_t element_size,
	unsigned producers, uint32_t per_producer);
void stress_ledger_accept(
	struct stress_ledger *ledger, unsigned producer, uint32_t sequence);

/* `next` is the receiving thread's own: for each producer, the lowest sequence
 * number that may still come to it. */
void stress_ledger_receive(
	struct stress_ledger *ledger, const void *element, uint32_t *next);

/* Fits weir_options.drop; the context is the ledger. */
void stress_ledger_drop(void *element, void *ledger);

/* When all is quiet: check each element.  Without a drop function those that
 * were accepted and not received are the dropped ones. */
void stress_ledger_settle(struct stress_ledger *ledger, bool has_drop,
	struct stress_totals *totals);

/* Fail unless the statistics of a channel that is closed on both sides agree
 * with the totals. */
void stress_agree(const weir_statistics *statistics, size_t capacity,
	const struct stress_totals *totals);

/* -- Memory --------------------------------------------------------------- */

/* An allocator that counts, puts guards around each block, checks the size
 * that free is given and spoils what is freed. */
struct stress_memory {
	_Atomic int64_t live_bytes;
	_Atomic int64_t live_blocks;
	_Atomic bool over;   /* no call may come any more */
	uint64_t fail_every; /* which allocations fail; 0: none */
	_Atomic uint64_t calls;
	_Atomic uint64_t failed;
};

void stress_memory_use(struct stress_memory *memory, weir_options *options);

/* After the last free of an endpoint: all must be back. */
void stress_memory_end(struct stress_memory *memory);

/* Memory of this process that is resident now. */
int64_t stress_resident_bytes(void);

#endif
