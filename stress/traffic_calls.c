/* SPDX-License-Identifier: MIT */
/* traffic_calls.c - the calls of a round, and what each may come back with. */
#include "traffic.h"

#include <sched.h>
#include <string.h>
#include <time.h>

static const char *const send_names[] = {"weir_send", "weir_try_send",
	"weir_send_for", "weir_send_until (passed)", "weir_send_many",
	"weir_try_send_many", "weir_send_many_for",
	"weir_send_many_until (passed)"};
static const char *const recv_names[] = {"weir_recv", "weir_try_recv",
	"weir_recv_for", "weir_recv_until (passed)", "weir_recv_many",
	"weir_try_recv_many", "weir_recv_many_for",
	"weir_recv_many_until (passed)"};

/* What one call came back with. */
struct outcome {
	int status;
	size_t done;
	int64_t deadline;
};

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
static void check_status(const struct round *r, const char *name,
	enum call call, const struct outcome *o, int hopeless)
{
	/* A receive needs no memory. */
	bool is_send = hopeless == WEIR_BROKEN_RESOURCE;
	bool tries = call == TRY || call == TRY_MANY;
	bool times = call == FOR || call == FOR_MANY || call == PAST ||
		     call == PAST_MANY;

	stress_check(o->status == WEIR_OK || o->status == hopeless ||
			     (o->status == WEIR_WOULD_BLOCK && tries) ||
			     (o->status == WEIR_TIMED_OUT && times) ||
			     (o->status == WEIR_NO_MEMORY && is_send &&
				     r->capacity == WEIR_UNBOUNDED &&
				     r->kind->fail_every > 0),
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

	check_status(w->round, name, call, o, WEIR_BROKEN_RESOURCE);
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
void traffic_send_all(struct worker *w)
{
	struct round *r = w->round;
	uint32_t sequence = 0;
	unsigned in_vain = 0;

	while (sequence < w->quota) {
		enum call call = choose(w, in_vain);
		size_t count = 1;

		if (call >= WAIT_MANY)
			count = stress_below(&w->random, r->batch + 1);
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

	check_status(w->round, name, call, o, WEIR_END_OF_CHANNEL);
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

void traffic_receive_all(struct worker *w)
{
	struct round *r = w->round;
	unsigned in_vain = 0;
	uint32_t got = 0;

	while (got < w->quota) {
		enum call call = choose(w, in_vain);
		size_t count = 1;

		if (call >= WAIT_MANY)
			count += stress_below(&w->random, r->batch);
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
