/* SPDX-License-Identifier: MIT */
/* select.h - wait for the first of several operations.
 *
 *	weir_case cases[] = {
 *		WEIR_RECV_CASE(jobs, &job),
 *		WEIR_SEND_CASE(results, &result),
 *		WEIR_RECV_CASE(stop, NULL),
 *	};
 *	size_t i;
 *	if (weir_select(cases, 3, 0, &i) == WEIR_OK && i == 0)
 *		work(&job);
 *
 * weir_select carries out exactly one of its cases, on the same terms as the
 * plain call: it stands in line on each channel, and whoever serves it hands it
 * the element directly.  (Among several channels, all of capacity 0, it looks
 * for some microseconds first for somebody who waits: until then plain calls
 * may go before it, and try_ calls may not see it.)  Losing cases leave no
 * trace.  weir_ready only says which operation would not block, and
 * weir_selector does that for sets that live on, at a cost that grows with what
 * is ready and not with what is registered.
 */
#ifndef WEIR_SELECT_H
#define WEIR_SELECT_H

#include <weir/channel.h>

WEIR_BEGIN_DECLS

/* -- Cases --------------------------------------------------------------- */

enum weir_case_kind {
	WEIR_CASE_RECV = 1,
	WEIR_CASE_SEND = 2,
	/* No receiver is left, or one has called shut. */
	WEIR_CASE_BROKEN = 3
};

/* One operation.  Made by the macros below; `status` is an output, and says how
 * the chosen case went: WEIR_OK, END_OF_CHANNEL, BROKEN_RESOURCE or
 * CLOSED_RESOURCE, which all count as ready.  A case whose endpoint is NULL is
 * never ready. */
typedef struct weir_case {
	int kind;
	int status;
	weir_sender *tx;   /* of SEND and BROKEN */
	weir_receiver *rx; /* of RECV */
	const void *from;  /* SEND: the element */
	void *into;        /* RECV: room for one */
} weir_case;

/* clang-format off */
#define WEIR_RECV_CASE(rx, into) \
	{ WEIR_CASE_RECV, 0, NULL, (rx), NULL, (into) }
#define WEIR_SEND_CASE(tx, from) \
	{ WEIR_CASE_SEND, 0, (tx), NULL, (from), NULL }
#define WEIR_BROKEN_CASE(tx) \
	{ WEIR_CASE_BROKEN, 0, (tx), NULL, NULL, NULL }
/* clang-format on */

/* Flags.  Without one, of several ready cases each is chosen about as often. */
#define WEIR_SELECT_FAIR 0u
/* Of several ready cases, the first one. */
#define WEIR_SELECT_BIASED 1u

/* -- Select -------------------------------------------------------------- */

/* Carry out one of `count` cases, waiting until one is ready.
 *
 *   cases  any number; one channel may be in several of them, also with both
 *          its ends: a select never pairs with itself.  May be NULL if count
 *          is 0.  With no case that has an endpoint it waits for the deadline.
 *   flags  WEIR_SELECT_FAIR or WEIR_SELECT_BIASED
 *   index  which case it was; its `status` says how it went
 *
 * Returns 0, or with nothing done and *index untouched:
 *   WOULD_BLOCK       (try) no case is ready
 *   TIMED_OUT         (until, for) the deadline passed
 *   NO_MEMORY         more than 32 cases, and no memory to register them; or
 *                     an unbounded send found none
 *   INVALID_ARGUMENT  index or cases is NULL, an unknown kind or flag, a NULL
 *                     element where elements have a size
 * Allocates nothing for up to 32 cases.  Costs O(count) operations on channels,
 * and one sort of them if it has to wait.
 */
WEIR_API WEIR_NODISCARD int weir_select(
	weir_case *cases, size_t count, unsigned flags, size_t *index);
WEIR_API WEIR_NODISCARD int weir_try_select(
	weir_case *cases, size_t count, unsigned flags, size_t *index);
WEIR_API WEIR_NODISCARD int weir_select_until(weir_case *cases, size_t count,
	unsigned flags, size_t *index, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_select_for(weir_case *cases, size_t count,
	unsigned flags, size_t *index, int64_t timeout_ns);

/* Name a case that would not block, without carrying it out: its `status` says
 * what it would answer now.  Takes no place in the order of waiters, and needs
 * no elements.  By the time the caller acts on it another thread may have taken
 * what was there, or a select at capacity 0 have gone to another channel: use
 * the try_ calls.  Otherwise as above. */
WEIR_API WEIR_NODISCARD int weir_ready(
	weir_case *cases, size_t count, unsigned flags, size_t *index);
WEIR_API WEIR_NODISCARD int weir_try_ready(
	weir_case *cases, size_t count, unsigned flags, size_t *index);
WEIR_API WEIR_NODISCARD int weir_ready_until(weir_case *cases, size_t count,
	unsigned flags, size_t *index, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_ready_for(weir_case *cases, size_t count,
	unsigned flags, size_t *index, int64_t timeout_ns);

/* -- Selector ------------------------------------------------------------ */

/* A set of operations that lives on: register once, wait many times.  Every
 * function may be called from any number of threads at once, `free` excepted,
 * which must be the last use of the pointer but for waits under way. */
typedef struct weir_selector weir_selector;

/* What a wait has found. */
typedef struct weir_event {
	void *user;          /* as given to add */
	weir_case operation; /* its status: what it would answer now */
} weir_event;

/* Returns 0, INVALID_ARGUMENT or NO_MEMORY. */
WEIR_API WEIR_NODISCARD int weir_selector_open(weir_selector **selector);

/* Register an operation; its element pointers are not looked at.  Others may be
 * waiting: they will hear of it.  The endpoint may be closed while registered
 * (it is then ready, with CLOSED_RESOURCE) and freed (which removes it).
 *
 * Returns 0, or INVALID_ARGUMENT (NULL, an unknown kind, or this kind of
 * operation on this endpoint is registered here already) or NO_MEMORY.
 */
WEIR_API WEIR_NODISCARD int weir_selector_add(
	weir_selector *selector, const weir_case *operation, void *user);

/* Take it out again.  Once this has returned, no wait that begins reports it.
 * Returns 0, or INVALID_ARGUMENT: it is not registered here. */
WEIR_API WEIR_NODISCARD int weir_selector_remove(
	weir_selector *selector, const weir_case *operation);

/* Wait until registered operations would not block, and say which: up to
 * `count` of them, the number in *found.  Level-triggered: what is still ready
 * at the next wait is reported again, after the others.  As with weir_ready,
 * another thread may be faster: use the try_ calls.  The cost grows with what
 * is ready, and with the registered timers, not with the rest.
 *
 * Returns 0 with *found > 0, or with *found == 0:
 *   WOULD_BLOCK       (try) nothing is ready
 *   TIMED_OUT         (until, for) the deadline passed; as with try_ calls,
 *                     something may be on its way
 *   CLOSED_RESOURCE   the selector was freed during the wait
 *   INVALID_ARGUMENT  a NULL pointer, or count is 0
 */
WEIR_API WEIR_NODISCARD int weir_selector_wait(weir_selector *selector,
	weir_event *events, size_t count, size_t *found);
WEIR_API WEIR_NODISCARD int weir_selector_try_wait(weir_selector *selector,
	weir_event *events, size_t count, size_t *found);
WEIR_API WEIR_NODISCARD int weir_selector_wait_until(weir_selector *selector,
	weir_event *events, size_t count, size_t *found, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_selector_wait_for(weir_selector *selector,
	weir_event *events, size_t count, size_t *found, int64_t timeout_ns);

/* Forget all registrations and release the selector; NULL is fine.  Threads
 * that wait get CLOSED_RESOURCE. */
WEIR_API void weir_selector_free(weir_selector *selector);

WEIR_END_DECLS

#endif
