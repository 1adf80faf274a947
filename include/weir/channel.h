/* SPDX-License-Identifier: MIT */
/* channel.h - bounded, rendezvous and unbounded channels between threads.
 *
 *	weir_sender *tx;
 *	weir_receiver *rx;
 *	if (weir_open(64, sizeof(struct job), &tx, &rx) != WEIR_OK)
 *		return 1;
 *	...                                    // in any threads:
 *	weir_send(tx, &job);                   // waits while the buffer is full
 *	while (weir_recv(rx, &job) == WEIR_OK) // waits while it is empty
 *		work(&job);
 *	...
 *	weir_sender_free(tx);                  // the loop drains, then ends
 *	weir_receiver_free(rx);
 *
 * An element is `element_size` bytes, copied in by send and out by recv.  A
 * channel has two sides, each with any number of endpoints, made by cloning.
 * When the last sender is closed, receivers drain the buffer and then get
 * WEIR_END_OF_CHANNEL; when the last receiver is closed, senders get
 * WEIR_BROKEN_RESOURCE and what was in the buffer is dropped.  Both are for
 * good.
 *
 * Threads.  Every function may be called on one endpoint from any number of
 * threads at once, `free` excepted, which must be the last use of its pointer.
 *
 * Order.  A channel is one FIFO queue.  What one thread sends arrives in that
 * order; all that happened before a send happens before the matching recv
 * returns; all that happened before a close happens before any call that
 * reports it.  Who waits is served first, in order of arrival.
 *
 * Waiting.  `x` waits for ever, `x_until` until an absolute deadline on
 * weir_now()'s clock, `x_for` for a span of nanoseconds (zero or less is now,
 * INT64_MAX is for ever).  What can be done at once is done, even when the
 * deadline has passed.  `try_x` never waits for another thread, whatever that
 * is doing; it may answer WEIR_WOULD_BLOCK while another thread is in the
 * middle of an operation on the place that it needs.  Waiting spins for a
 * moment where that has paid lately, then sleeps.  A call that meets others at
 * the same end of a channel may yield its CPU (sched_yield).  No call is a
 * cancellation point.  After fork the child must use no endpoint, not even to
 * free it.
 *
 * Checks come in this order.  send: INVALID_ARGUMENT, CLOSED_RESOURCE,
 * BROKEN_RESOURCE, then room.  recv: INVALID_ARGUMENT, CLOSED_RESOURCE, an
 * element, END_OF_CHANNEL, WOULD_BLOCK.  Functions that return no int treat a
 * NULL endpoint as a closed and empty one.
 */
#ifndef WEIR_CHANNEL_H
#define WEIR_CHANNEL_H

#include <weir/common.h>

WEIR_BEGIN_DECLS

typedef struct weir_sender weir_sender;
typedef struct weir_receiver weir_receiver;

/* -- Opening ------------------------------------------------------------- */

/* What weir_open_with can be told.  Start from WEIR_OPTIONS_INIT and set what
 * matters; leave `reserved` alone, so that the struct can grow under programs
 * that are already compiled. */
typedef struct weir_options {
	/* Elements the buffer holds, exactly; 0 is a rendezvous (send returns
	 * when a receiver has the element), WEIR_UNBOUNDED has no limit. */
	size_t capacity;
	/* Bytes of an element, 0 and up. */
	size_t element_size;
	/* Called once for each element that was accepted but will never be
	 * received, by the thread whose close caused it, with no lock held; may
	 * use channels, this one included.  `element` is aligned to the largest
	 * power of two that divides element_size, up to max_align_t. */
	void (*drop)(void *element, void *context);
	void *drop_context;
	/* Both or neither.  alloc returns NULL when it cannot; memory need not
	 * be zeroed.  Called from any thread that uses the channel, and, for
	 * unbounded ones, from a thread of the library, until the last endpoint
	 * is freed.  free gets the size that alloc was given. */
	void *(*alloc)(size_t size, size_t alignment, void *context);
	void (*free)(void *pointer, size_t size, void *context);
	void *allocator_context;
	/* For statistics, traces and debuggers; copied; may be NULL. */
	const char *name;
	/* How long a wait may spin before it sleeps, in ns: 0 is the library's
	 * choice, WEIR_NO_SPIN sleeps at once.  It spins for less where that
	 * does not pay, and where one CPU is allowed only yields. */
	uint32_t spin_limit;
	uint32_t reserved_flags;
	void *reserved[7];
} weir_options;

#define WEIR_NO_SPIN UINT32_MAX

/* clang-format off */
#define WEIR_OPTIONS_INIT \
	{ 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, \
	  { NULL, NULL, NULL, NULL, NULL, NULL, NULL } }
/* clang-format on */

/* Open a channel with one sender and one receiver, both owned by the caller.
 *
 * Returns 0, or with *tx and *rx untouched:
 *   INVALID_ARGUMENT  a NULL pointer; capacity * element_size overflows; one
 *                     of alloc and free without the other; reserved not zero
 *   NO_MEMORY         memory does not hold it
 * Bounded and rendezvous channels allocate nothing after this (clones apart),
 * and touch the buffer's memory only as it is used (an allocator of the
 * program's own excepted: what it returns is zeroed here).  The first
 * unbounded channel of a process starts liburcu's call_rcu thread once it has
 * grown beyond one segment.
 */
WEIR_API WEIR_NODISCARD int weir_open(size_t capacity, size_t element_size,
	weir_sender **tx, weir_receiver **rx);
WEIR_API WEIR_NODISCARD int weir_open_with(
	const weir_options *options, weir_sender **tx, weir_receiver **rx);

/* -- Endpoints ----------------------------------------------------------- */

/* One more open endpoint on the same side, owned by the caller.
 * Returns 0, INVALID_ARGUMENT, CLOSED_RESOURCE (tx is closed) or NO_MEMORY. */
WEIR_API WEIR_NODISCARD int weir_sender_clone(
	weir_sender *tx, weir_sender **clone);
WEIR_API WEIR_NODISCARD int weir_receiver_clone(
	weir_receiver *rx, weir_receiver **clone);

/* Close this endpoint.  Threads that wait through it get CLOSED_RESOURCE, and
 * only those; the last close of a side is what the other side hears of.
 * Closing twice does nothing.  Waits for no operation of another thread beyond
 * the few instructions for which a channel's gate is held.  The last receiver's
 * close drops the buffer before it returns; a send that was in the middle gets
 * BROKEN_RESOURCE (or, being one of many, itself drops what it has sent). */
WEIR_API void weir_sender_close(weir_sender *tx);
WEIR_API void weir_receiver_close(weir_receiver *rx);

/* Close, then release the endpoint; NULL is fine.  The channel itself goes
 * with its last endpoint. */
WEIR_API void weir_sender_free(weir_sender *tx);
WEIR_API void weir_receiver_free(weir_receiver *rx);

WEIR_API bool weir_sender_is_closed(const weir_sender *tx);
WEIR_API bool weir_receiver_is_closed(const weir_receiver *rx);

/* Senders get BROKEN_RESOURCE from now on, those that wait included; receivers
 * drain what is there and then get END_OF_CHANNEL.  The receiver stays open.
 * On a closed receiver this does nothing. */
WEIR_API void weir_receiver_shut(weir_receiver *rx);

/* -- Sending ------------------------------------------------------------- */

/* Copy the element in, waiting while the buffer is full (capacity 0: until a
 * receiver has it).
 *
 *   tx       any number of threads may share it
 *   element  element_size bytes; NULL only where that is 0
 *
 * Returns 0, or with nothing sent:
 *   WOULD_BLOCK       (try) no room now, or others wait for it
 *   TIMED_OUT         (until, for) the deadline passed
 *   BROKEN_RESOURCE   the last receiver is closed, or one has called shut
 *   CLOSED_RESOURCE   tx is closed, perhaps while this call waited
 *   NO_MEMORY         (unbounded) a segment could not be allocated
 *   INVALID_ARGUMENT  tx or element is NULL
 * Progress: lock-free while nobody waits; then bounded by a short critical
 * section, for which a try_ call never waits.
 */
WEIR_API WEIR_NODISCARD int weir_send(weir_sender *tx, const void *element);
WEIR_API WEIR_NODISCARD int weir_try_send(weir_sender *tx, const void *element);
WEIR_API WEIR_NODISCARD int weir_send_until(
	weir_sender *tx, const void *element, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_send_for(
	weir_sender *tx, const void *element, int64_t timeout_ns);

/* Send `count` elements that lie one after the other, in order, until all are
 * in or an error ends it.  *sent says how many got in, on every return that is
 * not INVALID_ARGUMENT.  Elements of other threads may come in between.  A
 * count of 0 sends nothing and succeeds on an open sender.  try: as many as fit
 * at once; WOULD_BLOCK unless all did. */
WEIR_API WEIR_NODISCARD int weir_send_many(
	weir_sender *tx, const void *elements, size_t count, size_t *sent);
WEIR_API WEIR_NODISCARD int weir_try_send_many(
	weir_sender *tx, const void *elements, size_t count, size_t *sent);
WEIR_API WEIR_NODISCARD int weir_send_many_until(weir_sender *tx,
	const void *elements, size_t count, size_t *sent, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_send_many_for(weir_sender *tx,
	const void *elements, size_t count, size_t *sent, int64_t timeout_ns);

/* Send without waiting, at the price of the oldest element: if the buffer is
 * full that one is taken out, in one step with putting the new one in, ahead of
 * senders that wait.  For the latest value (capacity 1) and for logs that keep
 * the last N.
 *
 *   displaced      room for the element that was taken out, apart from the new
 *                  one's; NULL: it is dropped, while its place is in hand (a
 *                  drop must not wait for what this channel will have)
 *   was_displaced  whether there was one; may be NULL
 *
 * Returns as weir_try_send.  An unbounded channel is never full.  A rendezvous
 * needs a receiver that waits, else WOULD_BLOCK.  On a bounded channel
 * WOULD_BLOCK means that at each of a few looks another thread was in the
 * middle of an operation on the oldest place, or serving those who wait, or
 * that the oldest place is in somebody's hands (weir_send_reserve,
 * weir_recv_acquire). */
WEIR_API WEIR_NODISCARD int weir_force_send(weir_sender *tx,
	const void *element, void *displaced, bool *was_displaced);

/* -- Receiving ----------------------------------------------------------- */

/* Copy the oldest element out, waiting while there is none.
 *
 *   rx       any number of threads may share it; each element goes to one
 *   element  element_size writable bytes; NULL only where that is 0
 *
 * Returns 0, or with nothing taken and *element untouched:
 *   WOULD_BLOCK       (try) nothing there now, or others wait for it
 *   TIMED_OUT         (until, for) the deadline passed
 *   END_OF_CHANNEL    every sender is closed, or shut was called, and the
 *                     buffer is drained
 *   CLOSED_RESOURCE   rx is closed, perhaps while this call waited
 *   INVALID_ARGUMENT  rx or element is NULL
 * Progress: as for sending.
 */
WEIR_API WEIR_NODISCARD int weir_recv(weir_receiver *rx, void *element);
WEIR_API WEIR_NODISCARD int weir_try_recv(weir_receiver *rx, void *element);
WEIR_API WEIR_NODISCARD int weir_recv_until(
	weir_receiver *rx, void *element, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_recv_for(
	weir_receiver *rx, void *element, int64_t timeout_ns);

/* Wait for one element, then take what is there, up to `count`: WEIR_OK once
 * there is one.  *received says how many, on every return that is not
 * INVALID_ARGUMENT.  A count of 0 takes nothing and succeeds on an open
 * receiver.  try: WOULD_BLOCK if there was none. */
WEIR_API WEIR_NODISCARD int weir_recv_many(
	weir_receiver *rx, void *elements, size_t count, size_t *received);
WEIR_API WEIR_NODISCARD int weir_try_recv_many(
	weir_receiver *rx, void *elements, size_t count, size_t *received);
WEIR_API WEIR_NODISCARD int weir_recv_many_until(weir_receiver *rx,
	void *elements, size_t count, size_t *received, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_recv_many_for(weir_receiver *rx,
	void *elements, size_t count, size_t *received, int64_t timeout_ns);

/* -- In place ------------------------------------------------------------ */

/* Build an element where it will lie in the buffer, with no copy at all:
 * reserve a place, fill it, commit it.  Bounded and unbounded channels only.
 *
 * The element's place in the order is that of the reservation: what is sent
 * after it comes after it, so receivers wait for the commit (their deadlines
 * hold, and try_ calls answer WOULD_BLOCK) while other senders go on.  Every
 * reservation must be committed or aborted, by any thread, through the endpoint
 * that made it and before that is freed; closing that endpoint in between
 * changes nothing for it, and the end of the channel comes after it.
 *
 *   *slot  element_size bytes, the caller's until the commit; what is in them
 *          is undefined
 *
 * Returns as weir_send; also INVALID_ARGUMENT on a channel without a buffer.
 */
WEIR_API WEIR_NODISCARD int weir_send_reserve(weir_sender *tx, void **slot);
WEIR_API WEIR_NODISCARD int weir_try_send_reserve(weir_sender *tx, void **slot);
WEIR_API WEIR_NODISCARD int weir_send_reserve_until(
	weir_sender *tx, void **slot, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_send_reserve_for(
	weir_sender *tx, void **slot, int64_t timeout_ns);

/* The element is there: it is sent.  If the last receiver has closed in the
 * meantime it is dropped, by this call. */
WEIR_API void weir_send_commit(weir_sender *tx, void *slot);

/* There will be none; `drop` is not called.  The place can be used again once
 * the elements before it have been received. */
WEIR_API void weir_send_abort(weir_sender *tx, void *slot);

/* Use the oldest element where it lies: acquire takes it out of the order, and
 * it is the caller's until release gives its place back.  Until then a bounded
 * channel has one place less.  Every slot that was acquired must be released,
 * by any thread, through the same endpoint and before that is freed; closing
 * changes nothing for it.  `drop` is not called for it.
 * Returns as weir_recv; also INVALID_ARGUMENT on a channel without a buffer. */
WEIR_API WEIR_NODISCARD int weir_recv_acquire(weir_receiver *rx, void **slot);
WEIR_API WEIR_NODISCARD int weir_try_recv_acquire(
	weir_receiver *rx, void **slot);
WEIR_API WEIR_NODISCARD int weir_recv_acquire_until(
	weir_receiver *rx, void **slot, int64_t deadline_ns);
WEIR_API WEIR_NODISCARD int weir_recv_acquire_for(
	weir_receiver *rx, void **slot, int64_t timeout_ns);
WEIR_API void weir_recv_release(weir_receiver *rx, void *slot);

/* -- Looking ------------------------------------------------------------- */

/* A snapshot; each figure is exact when nothing else runs. */
typedef struct weir_statistics {
	size_t current_buffer_used;
	size_t max_buffer_size; /* the capacity */
	size_t open_senders;
	size_t open_receivers;
	size_t senders_waiting;
	size_t receivers_waiting;
	uint64_t sent;     /* elements accepted */
	uint64_t received; /* elements handed out */
	uint64_t dropped;  /* elements given to `drop`, or lost without one */
	uint64_t displaced;
	const char *name; /* NULL if none; lives as long as the endpoint */
	uint64_t reserved[6];
} weir_statistics;

/* Also on a closed endpoint.  A NULL endpoint gives zeros; a NULL `out` does
 * nothing. */
WEIR_API void weir_sender_statistics(
	const weir_sender *tx, weir_statistics *out);
WEIR_API void weir_receiver_statistics(
	const weir_receiver *rx, weir_statistics *out);

/* Elements in the buffer now; never more than the capacity.  A place that is
 * reserved counts, here and as sent, until it is aborted. */
WEIR_API size_t weir_sender_length(const weir_sender *tx);
WEIR_API size_t weir_receiver_length(const weir_receiver *rx);

WEIR_API size_t weir_sender_capacity(const weir_sender *tx);
WEIR_API size_t weir_receiver_capacity(const weir_receiver *rx);

/* Do both belong to one channel?  False if either is NULL. */
WEIR_API bool weir_same_channel(const weir_sender *tx, const weir_receiver *rx);
WEIR_API bool weir_sender_same(const weir_sender *a, const weir_sender *b);
WEIR_API bool weir_receiver_same(
	const weir_receiver *a, const weir_receiver *b);

WEIR_END_DECLS

#endif
