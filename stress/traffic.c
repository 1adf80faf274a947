/* SPDX-License-Identifier: MIT */
/* traffic.c - a round: the channel, its threads, and the accounts. */
#include "traffic.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t elements, failures;

static void run_sender(void *argument)
{
	struct worker *w = argument;
	struct round *r = w->round;

	traffic_send_all(w);
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

static void run_receiver(void *argument)
{
	struct worker *w = argument;
	struct round *r = w->round;

	traffic_receive_all(w);
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

static size_t pick(struct stress_random *random, const size_t *among, size_t n)
{
	return among[stress_below(random, n)];
}

static size_t pick_capacity(
	const struct traffic *kind, struct stress_random *random)
{
	static const size_t usual[] = {0, 1, 2, 3, 7, 64, 1000, WEIR_UNBOUNDED};

	return kind->capacities == NULL
		       ? pick(random, usual, 8)
		       : pick(random, kind->capacities, kind->n_capacities);
}

static size_t pick_size(
	const struct traffic *kind, struct stress_random *random)
{
	static const size_t usual[] = {0, 1, 2, 4, 8, 8, 16, 24, 100, 4096};

	return kind->sizes == NULL ? pick(random, usual, 10)
				   : pick(random, kind->sizes, kind->n_sizes);
}

static void worker_init(
	struct worker *w, struct round *r, struct stress_random *random)
{
	size_t room = r->batch * r->element_size + 1;

	memset(w, 0, sizeof(*w));
	w->round = r;
	stress_seed(&w->random, stress_draw(random));
	w->call = stress_one_in(random, 2)
			  ? ANY
			  : (enum call)stress_below(random, N_CALLS);
	if (stress_one_in(random, 4))
		w->nap_one_in = 1u << stress_below(random, 7);
	w->buffer = malloc(room);
	w->untouched = malloc(room);
	stress_check(w->buffer != NULL && w->untouched != NULL, "no memory");
	memset(w->untouched, 0xc3, room);
}

/* Is this a failure that was asked for?  Then the call is made again. */
static bool may_have_failed(const struct round *r, int status)
{
	return status == WEIR_NO_MEMORY && r->kind->fail_every > 0;
}

static void open_channel(struct round *r, const weir_options *options,
	struct stress_random *random)
{
	int status;

	do
		status = weir_open_with(options, &r->tx, &r->rx);
	while (may_have_failed(r, status));
	stress_check(status == WEIR_OK, "weir_open_with: %s",
		weir_status_name(status));
	atomic_store(&r->open_senders, 1);
	atomic_store(&r->open_receivers, 1);
	if (r->kind->opened != NULL)
		r->kind->opened(r->tx, random);
	stress_show(r->tx);
}

static void add_sender(struct worker *w, struct stress_random *random)
{
	struct round *r = w->round;

	w->tx = r->tx;
	if (stress_one_in(random, 2)) {
		int status;

		do
			status = weir_sender_clone(r->tx, &w->tx);
		while (may_have_failed(r, status));
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
		int status;

		do
			status = weir_receiver_clone(r->rx, &w->rx);
		while (may_have_failed(r, status));
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
	if (stress_one_in(random, 8) && !r->kind->no_figures)
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

static void check_figures(
	const struct round *r, const struct stress_totals *totals)
{
	weir_statistics from_tx;
	weir_statistics from_rx;

	weir_sender_statistics(r->tx, &from_tx);
	weir_receiver_statistics(r->rx, &from_rx);
	stress_agree(&from_tx, r->capacity, totals);
	stress_agree(&from_rx, r->capacity, totals);
}

static void end_channel(
	struct round *r, bool has_drop, struct stress_random *random)
{
	struct stress_totals totals;

	stress_ledger_settle(&r->ledger, has_drop, &totals);
	if (!r->kind->no_figures)
		check_figures(r, &totals);
	if (r->kind->ending != NULL)
		r->kind->ending(r->tx);
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

static void free_workers(struct worker *workers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		free(workers[i].buffer);
		free(workers[i].untouched);
	}
}

void traffic_round(const struct traffic *kind, struct stress_random *random)
{
	struct round r;
	weir_options options = WEIR_OPTIONS_INIT;
	unsigned n_senders = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned n_receivers =
		1 + (unsigned)stress_below(random, stress.threads);
	uint32_t quota = 1 + (uint32_t)stress_below(random,
				     kind->quota > 0 ? kind->quota : 600);
	bool leave = stress_one_in(random, 4);
	bool count_memory = stress_one_in(random, 2) || kind->fail_every > 0;
	/* Without a drop function it is the figures that tell of a loss. */
	bool has_drop = !stress_one_in(random, 4) || kind->no_figures;
	struct worker senders[STRESS_MAX_SIDE];
	struct worker receivers[STRESS_MAX_SIDE];

	r.kind = kind;
	r.batch = kind->batch > 0 ? kind->batch : TRAFFIC_MAX_BATCH;
	r.capacity = pick_capacity(kind, random);
	r.element_size = pick_size(kind, random);
	if (r.element_size == 4096)
		quota = 1 + quota / 16;
	stress_ledger_open(&r.ledger, r.element_size, n_senders, quota);
	options.capacity = r.capacity;
	options.element_size = r.element_size;
	if (has_drop) {
		options.drop = stress_ledger_drop;
		options.drop_context = &r.ledger;
	}
	if (count_memory) {
		stress_memory_use(&r.memory, &options);
		r.memory.fail_every = kind->fail_every;
	}
	if (stress_one_in(random, 4))
		options.spin_limit =
			stress_one_in(random, 2) ? WEIR_NO_SPIN : 400;
	stress_describe("capacity %zd, size %zu, %u senders, %u receivers, "
			"%u each%s",
		(ptrdiff_t)r.capacity, r.element_size, n_senders, n_receivers,
		quota, leave ? ", receivers leave early" : "");
	open_channel(&r, &options, random);
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
	if (count_memory) {
		stress_memory_end(&r.memory);
		atomic_fetch_add(&failures, r.memory.failed);
	}
	free_workers(senders, n_senders);
	free_workers(receivers, n_receivers);
}

uint64_t traffic_elements(void)
{
	return atomic_load(&elements);
}

uint64_t traffic_failures(void)
{
	return atomic_load(&failures);
}
