/* SPDX-License-Identifier: MIT */
/* checker.h - what a model is written with.
 *
 * A model is a small program of two to four threads over the real library.  The
 * checker runs it again and again, each time in another interleaving, and looks
 * for one that ends badly: a failed check, a thread that sleeps for ever, a data
 * race, memory used after it was freed, memory that is left over.
 *
 *	MODEL(ring, one_place, "two senders meet at capacity 1")
 *	{
 *		open_channel(1);
 *		spawn("a", send_one, &a);
 *		spawn("b", recv_one, &b);
 *		join();
 *		check(b == a);
 *		close_channel();
 *	}
 *
 * The body runs as a thread of its own, alone before spawn and after join.
 * doc/testing.md says how the checker works and what it covers.
 */
#ifndef MODEL_CHECKER_H
#define MODEL_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model {
	const char *name;
	const char *what;
	void (*body)(void);
	struct model *next;
};

void model_register(struct model *model);

#define MODEL(suite, title, text)                                              \
	static void suite##_##title(void);                                     \
	static struct model suite##_##title##_model = {                        \
		#suite "/" #title, text, suite##_##title, NULL};               \
	__attribute__((constructor)) static void suite##_##title##_add(void)   \
	{                                                                      \
		model_register(&suite##_##title##_model);                      \
	}                                                                      \
	static void suite##_##title(void)

/* One more thread; all start at join(). */
void spawn(const char *name, void (*body)(void *), void *argument);

/* Run them, until all are through. */
void join(void);

/* In any thread: must hold. */
#define check(condition)                                                       \
	((condition) ? (void)0                                                 \
		     : model_fail("%s:%d: check failed: %s", __FILE__,         \
			       __LINE__, #condition))

void model_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* A deadline on the library's clock, some time ahead.  The clock is one more
 * thread, which may pass it at any moment; deadlines made earlier pass first. */
int64_t deadline_ahead(void);

/* The clock now, without a step of the model. */
int64_t model_now(void);

/* How many CPUs the process may use: 1 (no spinning), if not told otherwise. */
void model_cpus(unsigned count);

/* Threads know who claimed before them (lib/contest.h): not so, if not told. */
void tell_threads_apart(void);

/* From here to the end of this run any allocation may fail, `times` at most. */
void allocations_may_fail(unsigned times);

/* From here on a sleep may end for no reason, `times` at most. */
void sleeps_may_end_early(unsigned times);

/* This thread has found no place for what it holds (lib/hazard.h): to be called
 * before it looks at anything. */
void become_stranger(void);

/* Wait until so many threads have gone to sleep on a futex: they are inside a
 * call, wherever they are by now. */
void until_asleep(unsigned count);

/* One of n, 0 the first to be tried: all are. */
unsigned any_of(unsigned n);

/* What poll would say of an eventfd. */
bool descriptor_is_readable(int fd);

/* Plain memory of the model's own that threads share: races are found. */
void shared_read(const void *address, size_t size);
void shared_write(void *address, size_t size);

/* A relaxed atomic word of the model's own. */
uint32_t shared_get(const uint32_t *word);
void shared_set(uint32_t *word, uint32_t value);

/* A seq_cst one. */
uint32_t shared_get_seq_cst(const uint32_t *word);
void shared_set_seq_cst(uint32_t *word, uint32_t value);

#endif
