/* SPDX-License-Identifier: MIT */
/* stress_channel.c - every way to send against every way to receive.
 *
 * A round opens a channel of a random flavor and element size and lets random
 * numbers of threads at it, some through endpoints of their own and some
 * through a shared one, each with its own mixture of calls: waiting, trying,
 * time-outs of microseconds that race with deliveries, deadlines that have
 * passed, and batches.  In some rounds the receivers leave early, so that the
 * senders meet BROKEN_RESOURCE and the buffer is dropped.
 */
#include "stress.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_BATCH 16

/* How one call is made; the order is that of the names below. */
enum call {
	WAIT,
	TRY,
	FOR,
	PAST,
	WAIT_MANY,
	TRY_MANY,
	FOR_MANY,
	PAST_MANY,
	N_CALLS,
	ANY = N_CALLS /* a thread that mixes them all */
};

static const char *const send_names[] = {"weir_send", "weir_try_send",
	"weir_send_for", "weir_send_until (passed)", "weir_send_many",
	"weir_try_send_many", "weir_send_many_for",
	"weir_send_many_until (passed)"};
static const char *const recv_names[] = {"weir_recv", "weir_try_recv",
	"weir_recv_for", "weir_recv_until (passed)", "weir_recv_many",
	"weir_try_recv_many", "weir_recv_many_for",
	"weir_recv_many_until (passed)"};

struct round {
	size_t capacity;
	size_t element_size;
	weir_sender *tx;
	weir_receiver *rx;
	struct stress_ledger ledger;
	/* Endpoints that are open for sure: counted up after the open or
	 * clone, down before the close. */
	_Atomic unsigned open_senders;
	_Atomic unsigned open_receivers;
	/* Threads that may still use the shared endpoint of their side. */
	_Atomic unsigned sender_threads;
	_Atomic unsigned receiver_threads;
	_Atomic bool over;
};

struct worker {
	struct round *round;
	struct stress_random random;
	unsigned producer; /* senders */
	uint32_t quota;    /* elements to send, or to leave after */
	enum call call;
	unsigned nap_one_in; /* 0: never */
	weir_sender *tx;     /* own, or the round's */
	weir_receiver *rx;
	uint32_t next[STRESS_MAX_PRODUCERS];
	unsigned char *buffer;
	unsigned char *untouched; /* what the buffer is reset to */
};

/* What one call came back with. */
struct outcome {
	int status;
	size_t done;
	int64_t deadline;
};

static _Atomic uint64_t elements;

static void nap(struct worker *w)
{
	struct timespec time = {
		.tv_nsec = (long)stress_below(&w->random, 50000),
	};

	if (w->nap_one_in != 0 && stress_one_in(&w->random, w->nap_one_in))
		nanosleep(&time, NULL);
}

/* After some calls in vain, wait: two sides that only try may never meet. */
static enum call choose(struct worker *w, unsigned in_vain)
{
	if (in_vain >= 8)
		return stress_one_in(&w->random, 2) ? WAIT : WAIT_MANY;
	if (w->call != ANY)
		return w->call;
	return (enum call)stress_below(&w->random, N_CALLS);
}

static void prepare(struct worker *w, struct outcome *o, int64_t *span)
{
	*span = (int64_t)stress_below(&w->random, 30000) - 1000;
	o->done = SIZE_MAX; /* a call that does not write it is caught */
	o->deadline = 0;
}

/* Statuses that this call may return, whatever the other threads do.
 * `hopeless` is END_OF_CHANNEL or BROKEN_RESOURCE. */
static void check_status(
	const char *name, enum call call, const struct outcome *o, int hopeless)
{
	bool tries = call == TRY || call == TRY_MANY;
	bool times = call == FOR || call == FOR_MANY || call == PAST ||
		     call == PAST_MANY;

	stress_check(o->status == WEIR_OK || o->status == hopeless ||
			     (o->status == WEIR_WOULD_BLOCK && tries) ||
			     (o->status == WEIR_TIMED_OUT && times),
		"%s returned %s", name, weir_status_name(o->status));
	stress_check(o->status != WEIR_TIMED_OUT || weir_now() >= o->deadline,
		"%s timed out before its time", name);
}

/* -- Sending -------------------------------------------------------------- */

static struct outcome call_send(struct worker *w, enum call call, size_t count)
{
	struct outcome o;
	int64_t span;

	prepare(w, &o, &span);
	switch (call) {
	case WAIT:
		o.status = weir_send(w->tx, w->buffer);
		break;
	case TRY:
		o.status = weir_try_send(w->tx, w->buffer);
		break;
	case FOR:
		o.deadline = weir_now() + span;
		o.status = weir_send_for(w->tx, w->buffer, span);
		break;
	case PAST:
		o.status = weir_send_until(w->tx, w->buffer, weir_now() - 1000);
		break;
	case WAIT_MANY:
		o.status = weir_send_many(w->tx, w->buffer, count, &o.done);
		break;
	case TRY_MANY:
		o.status = weir_try_send_many(w->tx, w->buffer, count, &o.done);
		break;
	case FOR_MANY:
		o.deadline = weir_now() + span;
		o.status = weir_send_many_for(
			w->tx, w->buffer, count, &o.done, span);
		break;
	default:
		o.status = weir_send_many_until(
			w->tx, w->buffer, count, &o.done, weir_now() - 1000);
		break;
	}
	if (call < WAIT_MANY)
		o.done = o.status == WEIR_OK ? 1 : 0;
	return o;
}

static void check_sent(
	struct worker *w, enum call call, const struct outcome *o, size_t count)
{
	const char *name = send_names[call];

	check_status(name, call, o, WEIR_BROKEN_RESOURCE);
	stress_check(o->status == WEIR_OK ? o->done == count
					  : o->done < count || count == 0,
		"%s returned %s with %zu of %zu sent", name,
		weir_status_name(o->status), o->done, count);
	stress_check(o->status != WEIR_BROKEN_RESOURCE ||
			     atomic_load(&w->round->open_receivers) == 0,
		"%s: BROKEN_RESOURCE, but a receiver is open", name);
	stress_check(o->status != WEIR_TIMED_OUT ||
			     w->round->capacity != WEIR_UNBOUNDED,
		"%s timed out on an unbounded channel", name);
}

/* Send the quota; what is refused is mostly tried again under its old number
 * and sometimes given up, so that both a refusal that got in and one that got
 * in twice are found by the ledger. */
static void send_all(struct worker *w)
{
	struct round *r = w->round;
	uint32_t sequence = 0;
	unsigned in_vain = 0;

	while (sequence < w->quota) {
		enum call call = choose(w, in_vain);
		size_t count = 1;

		if (call >= WAIT_MANY)
			count = (size_t)stress_below(&w->random, MAX_BATCH + 1);
		if (count > w->quota - sequence)
			count = w->quota - sequence;
		for (size_t i = 0; i < count; i++)
			stress_make(w->buffer + i * r->element_size,
				r->element_size, w->producer,
				sequence + (uint32_t)i);
		stress_doing(send_names[call], sequence);
		struct outcome o = call_send(w, call, count);
		check_sent(w, call, &o, count);
		for (size_t i = 0; i < o.done; i++)
			stress_ledger_accept(&r->ledger, w->producer,
				sequence + (uint32_t)i);
		sequence += (uint32_t)o.done;
		if (o.status == WEIR_BROKEN_RESOURCE)
			return;
		if (o.done > 0) {
			stress_progress();
			in_vain = 0;
		} else if (++in_vain > 2 && stress_one_in(&w->random, 16)) {
			sequence++;
		}
		if (o.status == WEIR_WOULD_BLOCK)
			sched_yield();
		nap(w);
	}
}

static void run_sender(void *argument)
{
	struct worker *w = argument;
	struct round *r = w->round;

	send_all(w);
	if (w->tx != r->tx) {
		atomic_fetch_sub(&r->open_senders, 1);
		stress_doing("weir_sender_free", 0);
		weir_sender_free(w->tx);
	}
	if (atomic_fetch_sub(&r->sender_threads, 1) == 1) {
		atomic_fetch_sub(&r->open_senders, 1);
		stress_doing("weir_sender_close", 0);
		weir_sender_close(r->tx);
	}
}

/* -- Receiving ------------------------------------------------------------ */

static struct outcome call_recv(struct worker *w, enum call call, size_t count)
{
	struct outcome o;
	int64_t span;

	prepare(w, &o, &span);
	switch (call) {
	case WAIT:
		o.status = weir_recv(w->rx, w->buffer);
		break;
	case TRY:
		o.status = weir_try_recv(w->rx, w->buffer);
		break;
	case FOR:
		o.deadline = weir_now() + span;
		o.status = weir_recv_for(w->rx, w->buffer, span);
		break;
	case PAST:
		o.status = weir_recv_until(w->rx, w->buffer, weir_now() - 1000);
		break;
	case WAIT_MANY:
		o.status = weir_recv_many(w->rx, w->buffer, count, &o.done);
		break;
	case TRY_MANY:
		o.status = weir_try_recv_many(w->rx, w->buffer, count, &o.done);
		break;
	case FOR_MANY:
		o.deadline = weir_now() + span;
		o.status = weir_recv_many_for(
			w->rx, w->buffer, count, &o.done, span);
		break;
	default:
		o.status = weir_recv_many_until(
			w->rx, w->buffer, count, &o.done, weir_now() - 1000);
		break;
	}
	if (call < WAIT_MANY)
		o.done = o.status == WEIR_OK ? 1 : 0;
	return o;
}

static void check_received(
	struct worker *w, enum call call, const struct outcome *o, size_t count)
{
	const char *name = recv_names[call];
	size_t filled = count * w->round->element_size;

	check_status(name, call, o, WEIR_END_OF_CHANNEL);
	stress_check(
		o->done <= count && (o->status == WEIR_OK) == (o->done > 0),
		"%s returned %s with %zu of %zu received", name,
		weir_status_name(o->status), o->done, count);
	stress_check(o->status != WEIR_END_OF_CHANNEL ||
			     atomic_load(&w->round->open_senders) == 0,
		"%s: END_OF_CHANNEL, but a sender is open", name);
	stress_check(o->status == WEIR_OK || filled == 0 ||
			     memcmp(w->buffer, w->untouched, filled) == 0,
		"%s returned %s and wrote to its output", name,
		weir_status_name(o->status));
}

static void receive_all(struct worker *w)
{
	struct round *r = w->round;
	unsigned in_vain = 0;
	uint32_t got = 0;

	while (got < w->quota) {
		enum call call = choose(w, in_vain);
		size_t count = 1;

		if (call >= WAIT_MANY)
			count += (size_t)stress_below(&w->random, MAX_BATCH);
		memcpy(w->buffer, w->untouched, count * r->element_size);
		stress_doing(recv_names[call], got);
		struct outcome o = call_recv(w, call, count);
		check_received(w, call, &o, count);
		for (size_t i = 0; i < o.done; i++)
			stress_ledger_receive(&r->ledger,
				w->buffer + i * r->element_size, w->next);
		got += (uint32_t)o.done;
		if (o.status == WEIR_END_OF_CHANNEL)
			return;
		in_vain = o.done > 0 ? 0 : in_vain + 1;
		if (o.done > 0)
			stress_progress();
		if (o.status == WEIR_WOULD_BLOCK)
			sched_yield();
		nap(w);
	}
}

static void run_receiver(void *argument)
{
	struct worker *w = argument;
	struct round *r = w->round;

	receive_all(w);
	if (w->rx != r->rx) {
		atomic_fetch_sub(&r->open_receivers, 1);
		stress_doing("weir_receiver_free", 0);
		weir_receiver_free(w->rx);
	}
	if (atomic_fetch_sub(&r->receiver_threads, 1) == 1) {
		atomic_fetch_sub(&r->open_receivers, 1);
		stress_doing("weir_receiver_close", 0);
		weir_receiver_close(r->rx);
	}
}

/* -- Looking -------------------------------------------------------------- */

static void run_looker(void *argument)
{
	struct round *r = argument;
	weir_statistics s;

	while (!atomic_load(&r->over)) {
		stress_doing("looking", 0);
		size_t length = weir_sender_length(r->tx);
		stress_check(length <= r->capacity, "length %zu of %zu", length,
			r->capacity);
		weir_receiver_statistics(r->rx, &s);
		stress_check(s.current_buffer_used <= r->capacity,
			"%zu of %zu in the buffer", s.current_buffer_used,
			r->capacity);
		stress_check(s.max_buffer_size == r->capacity,
			"capacity %zu instead of %zu", s.max_buffer_size,
			r->capacity);
		sched_yield();
	}
}

/* -- Rounds --------------------------------------------------------------- */

static size_t pick_capacity(struct stress_random *random)
{
	static const size_t capacities[] = {
		0, 1, 2, 3, 7, 64, 1000, WEIR_UNBOUNDED};

	return capacities[stress_below(random, 8)];
}

static size_t pick_size(struct stress_random *random)
{
	static const size_t sizes[] = {0, 1, 8, 8, 24, 100, 4096};

	return sizes[stress_below(random, 7)];
}

static void worker_init(
	struct worker *w, struct round *r, struct stress_random *random)
{
	memset(w, 0, sizeof(*w));
	w->round = r;
	stress_seed(&w->random, stress_draw(random));
	w->call = stress_one_in(random, 2)
			  ? ANY
			  : (enum call)stress_below(random, N_CALLS);
	if (stress_one_in(random, 4))
		w->nap_one_in = 1u << stress_below(random, 7);
	w->buffer = malloc(MAX_BATCH * r->element_size + 1);
	w->untouched = malloc(MAX_BATCH * r->element_size + 1);
	stress_check(w->buffer != NULL && w->untouched != NULL, "no memory");
	memset(w->untouched, 0xc3, MAX_BATCH * r->element_size + 1);
}

static void open_channel(struct round *r, weir_options *options)
{
	int status = weir_open_with(options, &r->tx, &r->rx);

	stress_check(status == WEIR_OK, "weir_open_with: %s",
		weir_status_name(status));
	atomic_store(&r->open_senders, 1);
	atomic_store(&r->open_receivers, 1);
}

static void add_sender(struct worker *w, struct stress_random *random)
{
	struct round *r = w->round;

	w->tx = r->tx;
	if (stress_one_in(random, 2)) {
		int status = weir_sender_clone(r->tx, &w->tx);
		stress_check(status == WEIR_OK, "weir_sender_clone: %s",
			weir_status_name(status));
		atomic_fetch_add(&r->open_senders, 1);
	}
}

static void add_receiver(struct worker *w, struct stress_random *random)
{
	struct round *r = w->round;

	w->rx = r->rx;
	if (stress_one_in(random, 2)) {
		int status = weir_receiver_clone(r->rx, &w->rx);
		stress_check(status == WEIR_OK, "weir_receiver_clone: %s",
			weir_status_name(status));
		atomic_fetch_add(&r->open_receivers, 1);
	}
}

/* Start the threads in a random order, and wait for them. */
static void run_workers(struct round *r, struct worker *senders,
	unsigned n_senders, struct worker *receivers, unsigned n_receivers,
	struct stress_random *random)
{
	struct stress_crew crew = {.count = 0};
	struct stress_crew looker = {.count = 0};
	unsigned s = 0;
	unsigned e = 0;

	atomic_store(&r->sender_threads, n_senders);
	atomic_store(&r->receiver_threads, n_receivers);
	atomic_store(&r->over, false);
	if (stress_one_in(random, 8))
		stress_crew_add(&looker, "looker", run_looker, r);
	while (s < n_senders || e < n_receivers) {
		bool sender = e == n_receivers ||
			      (s < n_senders && stress_one_in(random, 2));

		if (sender)
			stress_crew_add(
				&crew, "sender", run_sender, &senders[s++]);
		else
			stress_crew_add(&crew, "receiver", run_receiver,
				&receivers[e++]);
	}
	stress_crew_join(&crew);
	atomic_store(&r->over, true);
	stress_crew_join(&looker);
}

static void end_channel(
	struct round *r, bool has_drop, struct stress_random *random)
{
	struct stress_totals totals;
	weir_statistics from_tx;
	weir_statistics from_rx;

	stress_ledger_settle(&r->ledger, has_drop, &totals);
	weir_sender_statistics(r->tx, &from_tx);
	weir_receiver_statistics(r->rx, &from_rx);
	stress_agree(&from_tx, r->capacity, &totals);
	stress_agree(&from_rx, r->capacity, &totals);
	atomic_fetch_add(&elements, totals.accepted);
	stress_show(NULL);
	if (stress_one_in(random, 2)) {
		weir_sender_free(r->tx);
		weir_receiver_free(r->rx);
	} else {
		weir_receiver_free(r->rx);
		weir_sender_free(r->tx);
	}
}

static void one_round(struct stress_random *random)
{
	struct round r;
	struct stress_memory memory;
	weir_options options = WEIR_OPTIONS_INIT;
	unsigned n_senders = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned n_receivers =
		1 + (unsigned)stress_below(random, stress.threads);
	uint32_t quota = 1 + (uint32_t)stress_below(random, 600);
	bool leave = stress_one_in(random, 4);
	bool count_memory = stress_one_in(random, 2);
	bool has_drop = !stress_one_in(random, 4);
	struct worker senders[STRESS_MAX_SIDE];
	struct worker receivers[STRESS_MAX_SIDE];

	r.capacity = pick_capacity(random);
	r.element_size = pick_size(random);
	if (r.element_size == 4096)
		quota = 1 + quota / 16;
	stress_ledger_open(&r.ledger, r.element_size, n_senders, quota);
	options.capacity = r.capacity;
	options.element_size = r.element_size;
	if (has_drop) {
		options.drop = stress_ledger_drop;
		options.drop_context = &r.ledger;
	}
	if (count_memory)
		stress_memory_use(&memory, &options);
	if (stress_one_in(random, 4))
		options.spin_limit =
			stress_one_in(random, 2) ? WEIR_NO_SPIN : 10;
	stress_describe("capacity %zd, size %zu, %u senders, %u receivers, "
			"%u each%s",
		(ptrdiff_t)r.capacity, r.element_size, n_senders, n_receivers,
		quota, leave ? ", receivers leave early" : "");
	open_channel(&r, &options);
	stress_show(r.tx);
	for (unsigned i = 0; i < n_senders; i++) {
		worker_init(&senders[i], &r, random);
		senders[i].producer = i;
		senders[i].quota = quota;
		add_sender(&senders[i], random);
	}
	for (unsigned i = 0; i < n_receivers; i++) {
		worker_init(&receivers[i], &r, random);
		receivers[i].quota = UINT32_MAX;
		if (leave)
			receivers[i].quota =
				(uint32_t)stress_below(random, quota);
		add_receiver(&receivers[i], random);
	}
	run_workers(&r, senders, n_senders, receivers, n_receivers, random);
	end_channel(&r, has_drop, random);
	if (count_memory)
		stress_memory_end(&memory);
	for (unsigned i = 0; i < n_senders; i++) {
		free(senders[i].buffer);
		free(senders[i].untouched);
	}
	for (unsigned i = 0; i < n_receivers; i++) {
		free(receivers[i].buffer);
		free(receivers[i].untouched);
	}
}
/* stress_channel.c - every way to send against every way to receive, and
 * nothing else (traffic.h). */
#include "traffic.h"

int main(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;

	stress_start(argc, argv, false);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	stress_finish("%" PRIu64 " elements", traffic_elements());
	return 0;
}
