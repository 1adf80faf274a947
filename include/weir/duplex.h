/* SPDX-License-Identifier: MIT */
/* duplex.h - two ends that take turns; what goes into one comes out of the
 * other.
 *
 *	weir_duplex *asker, *answerer;
 *	weir_duplex_open(sizeof(int), sizeof(long), &answerer, &asker);
 *
 *	the thread of `answerer` (first)     the thread of `asker` (second)
 *	--------------------------------     ------------------------------
 *	long question;                       int answer;
 *	exchange(answerer, NULL, &question)  exchange(asker, NULL, NULL)
 *	...                                  exchange(asker, &question, &answer)
 *	exchange(answerer, &answer, &question)
 *
 * Starting.  The first call on each end starts it and brings no value along.
 * second's returns as soon as first waits in its own, in whichever order they
 * come; then second has the turn, and first's call returns with second's first
 * value.
 *
 * Turns.  From then on exactly one end has the turn.  Its exchange gives a
 * value to the other end, which waits, and waits in its place until the other
 * gives the turn back, with or without a value.  Nothing is buffered: a value
 * is given to an end that waits for it.  So in one-way use (below) a send
 * returns when the receiver asks for the next value, and is through with this
 * one.
 *
 *	WEIR_DUPLEX_FOR_EACH (first, struct item, item)
 *		work(&item);            // second: exchange(second, &item, NULL)
 *
 * Closing either end, at any time, started or not, waiting or not, gives the
 * other WEIR_END_OF_CHANNEL on its present or its next call.
 *
 * Threads.  Each end belongs to one thread at a time; a call while another
 * thread is in a call on the same end is INVALID_ARGUMENT and does nothing.
 * `close` and the questions may be called at any time, by any thread; `free`
 * must be the last use of its pointer.  All that happened before a value was
 * given happens before the call that brings it returns.  No call is a
 * cancellation point.
 *
 * Model: sav.channels [Voerman, 2024], made for threads.
 */
#ifndef WEIR_DUPLEX_H
#define WEIR_DUPLEX_H

#include <weir/common.h>

WEIR_BEGIN_DECLS

typedef struct weir_duplex weir_duplex;

/* Open a pair of ends, both owned by the caller.  The sizes are those of the
 * values that first gives to second, and second to first, in bytes, 0 and up.
 * Returns 0, INVALID_ARGUMENT (a NULL pointer, sizes that overflow) or
 * NO_MEMORY, with *first and *second untouched.  Allocates nothing later. */
WEIR_API WEIR_NODISCARD int weir_duplex_open(size_t first_to_second_size,
	size_t second_to_first_size, weir_duplex **first, weir_duplex **second);

/* Start this end; or give the turn, and wait until it comes back.
 *
 *   out  the value to give; NULL gives the turn without a value.  Must be NULL
 *        while this end does not have the turn: in its first call, and in the
 *        call after one that timed out when the value had been taken
 *   in   where the other's value goes; untouched if it gives none; NULL
 *        discards it
 *
 * Returns 0, or
 *   TIMED_OUT         (until, for) one of two things, which
 *                     weir_duplex_has_turn tells apart.  It still has the turn:
 *                     the other end never came to wait for the value; nothing
 *                     was given.  It does not: the value was taken, no answer
 *                     came yet, and the next call (out == NULL) waits for it.
 *                     A start that times out has not started anything
 *   END_OF_CHANNEL    the other end is closed.  A value given in this call may
 *                     have been taken before that
 *   CLOSED_RESOURCE   this end is closed, perhaps while this call waited
 *   INVALID_ARGUMENT  d is NULL; out is not NULL without the turn; another
 *                     thread is in a call on this end
 * What can be done at once is done, even when the deadline has passed.
 * Progress: waits for the other end; spins for a moment where that has paid
 * lately, then sleeps.
 */
WEIR_API WEIR_NODISCARD int weir_duplex_exchange(
	weir_duplex *d, const void *out, void *in);
WEIR_API WEIR_NODISCARD int weir_duplex_exchange_until(
	weir_duplex *d, const void *out, void *in, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_duplex_exchange_for(
	weir_duplex *d, const void *out, void *in, int64_t timeout_ns);

/* Is it this end's turn to give?  False for NULL, and before it has started. */
WEIR_API bool weir_duplex_has_turn(const weir_duplex *d);

/* It is this end's turn: did the turn come with a value? */
WEIR_API bool weir_duplex_has_value(const weir_duplex *d);

/* Idempotent; NULL is fine.  Wakes who waits at either end. */
WEIR_API void weir_duplex_close(weir_duplex *d);

/* Close, then release this end; NULL is fine. */
WEIR_API void weir_duplex_free(weir_duplex *d);

WEIR_API bool weir_duplex_is_closed(const weir_duplex *d);

/* Before a declaration of an end, which must be initialised (NULL will do):
 * frees it on any way out of the block but longjmp and exit. */
#define WEIR_DUPLEX_SCOPED __attribute__((cleanup(weir_duplex_scope_end)))

/* Run the block that follows for each value that the other end gives, until it
 * closes.  `break` and `continue` work; d is evaluated once.  If sizeof(type)
 * is not the size of what comes out of d the block never runs. */
#define WEIR_DUPLEX_FOR_EACH(d, type, item)                                    \
	for (weir_duplex *weir_duplex_of_##item = (d);                         \
		weir_duplex_of_##item != NULL; weir_duplex_of_##item = NULL)   \
		for (type item; weir_duplex_next(weir_duplex_of_##item,        \
					&(item), sizeof(item)) == WEIR_OK;)

/* What the macros call; for other languages' bindings as well. */
WEIR_API void weir_duplex_scope_end(weir_duplex **d);

/* Exchange without giving a value, again and again until one comes. `size` must
 * be that of what comes out of d, or it is INVALID_ARGUMENT. */
WEIR_API WEIR_NODISCARD int weir_duplex_next(
	weir_duplex *d, void *in, size_t size);

WEIR_END_DECLS

#endif
