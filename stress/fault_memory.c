/* SPDX-License-Identifier: MIT */
/* fault_memory.c - allocations that fail: each one, and every n-th.
 *
 * A sweep: the whole life of something, by one thread, while its n-th
 * allocation fails, for n = 1, 2, ... until none is left to fail; then while
 * every n-th does.  Whoever is told NO_MEMORY finds all as it was, and asks
 * again.  In the end every block and mapping is back.  The allocations are
 * malloc and its like, and mmap; options have their own allocator in rounds of
 * traffic, with as many threads as there are, of which every n-th call fails.
 *
 * liburcu's own are not among them: it aborts if it has no memory for a thread
 * that it sees for the first time, or for its own thread.  So all of that is
 * there before the sweeps.
 */
#include "fault.h"
#include "failing.h"
#include "traffic.h"

#include <stdio.h>
#include <string.h>

/* Memory of an unbounded channel comes back after grace periods. */
#define PATIENCE_NS INT64_C(5000000000)
#define PAGE 4096
#define PAGES 60 /* some segments of 16 */

/* No call makes as many allocations: if every such one fails, it succeeds when
 * it is made again. */
#define MOST 7

static uint64_t failures, sweeps;
static size_t capacity;

/* What fails for want of memory is asked for again. */
#define RETRY(status, call)                                                    \
	do                                                                     \
		(status) = (call);                                             \
	while ((status) == WEIR_NO_MEMORY)

static void expect(int status, int wanted, const char *what)
{
	stress_check(
		status == wanted, "%s: %s", what, weir_status_name(status));
}

static void open_channel(
	size_t element_size, weir_sender **tx, weir_receiver **rx)
{
	weir_options options = WEIR_OPTIONS_INIT;
	int status;

	options.capacity = capacity;
	options.element_size = element_size;
	options.name = "short of memory";
	*tx = NULL;
	*rx = NULL;
	while ((status = weir_open_with(&options, tx, rx)) == WEIR_NO_MEMORY)
		stress_check(*tx == NULL && *rx == NULL,
			"an open that failed wrote its outputs");
	expect(status, WEIR_OK, "weir_open_with");
}

/* Send until there is no room, or enough, and take all of it out. */
static void fill_and_empty(weir_sender *tx, weir_receiver *rx)
{
	static unsigned char page[PAGE];
	uint64_t sent = 0, received = 0;
	int status = WEIR_OK;

	while (sent < PAGES && status == WEIR_OK) {
		memcpy(page, &sent, sizeof sent);
		RETRY(status, weir_send_for(tx, page, 0));
		sent += status == WEIR_OK;
	}
	if (status != WEIR_OK)
		expect(status, WEIR_TIMED_OUT, "weir_send_for");
	stress_check(weir_sender_length(tx) == sent,
		"%zu in a channel of %" PRIu64, weir_sender_length(tx), sent);
	for (; received < sent; received++) {
		uint64_t number;

		expect(weir_recv_for(rx, page, 0), WEIR_OK, "weir_recv_for");
		memcpy(&number, page, sizeof number);
		stress_check(number == received, "%" PRIu64 " for %" PRIu64,
			number, received);
	}
}

static void live_as_channel(void)
{
	weir_sender *tx, *tx2 = NULL;
	weir_receiver *rx, *rx2 = NULL;
	int status, descriptor;

	open_channel(PAGE, &tx, &rx);
	RETRY(status, weir_sender_clone(tx, &tx2));
	expect(status, WEIR_OK, "weir_sender_clone");
	RETRY(status, weir_receiver_clone(rx, &rx2));
	expect(status, WEIR_OK, "weir_receiver_clone");
	fill_and_empty(tx2, rx);
	RETRY(descriptor, weir_receiver_fd(rx));
	stress_check(descriptor >= 0, "weir_receiver_fd: %d", descriptor);
	RETRY(descriptor, weir_sender_fd(tx));
	stress_check(descriptor >= 0, "weir_sender_fd: %d", descriptor);
	fill_and_empty(tx, rx2);
	weir_receiver_free(rx);
	weir_sender_free(tx);
	weir_receiver_free(rx2);
	weir_sender_free(tx2);
}

static void live_as_timers(void)
{
	weir_receiver *timers[4] = {NULL}, *clone = NULL;
	int64_t due = 0;
	int status;

	RETRY(status, weir_after(0, &timers[0]));
	expect(status, WEIR_OK, "weir_after");
	RETRY(status, weir_at(0, &timers[1]));
	expect(status, WEIR_OK, "weir_at");
	RETRY(status, weir_tick(1000, &timers[2]));
	expect(status, WEIR_OK, "weir_tick");
	RETRY(status, weir_never(&timers[3]));
	expect(status, WEIR_OK, "weir_never");
	RETRY(status, weir_receiver_clone(timers[2], &clone));
	expect(status, WEIR_OK, "weir_receiver_clone");
	for (unsigned i = 0; i < 3; i++)
		expect(weir_recv(timers[i], &due), WEIR_OK, "weir_recv");
	expect(weir_recv(clone, &due), WEIR_OK, "weir_recv");
	for (unsigned i = 0; i < 4; i++)
		weir_receiver_free(timers[i]);
	weir_receiver_free(clone);
}

#define CASES 40 /* more than a select has room for on its stack */

static void live_as_select(void)
{
	weir_case cases[CASES];
	uint64_t element = 7;
	size_t at = CASES;
	weir_sender *tx;
	weir_receiver *rx;
	int status;

	open_channel(sizeof element, &tx, &rx);
	for (unsigned i = 0; i < CASES; i++)
		cases[i] = (weir_case)WEIR_RECV_CASE(rx, &element);
	RETRY(status, weir_select_for(cases, CASES, 0, &at, 1000));
	expect(status, WEIR_TIMED_OUT, "weir_select_for");
	RETRY(status, weir_ready_for(cases, CASES, 0, &at, 1000));
	expect(status, WEIR_TIMED_OUT, "weir_ready_for");
	stress_check(at == CASES, "a select that failed wrote its index");
	weir_sender_close(tx);
	RETRY(status, weir_select(cases, CASES, 0, &at));
	expect(status, WEIR_OK, "weir_select");
	weir_sender_free(tx);
	weir_receiver_free(rx);
}

static void live_as_selector(void)
{
	weir_selector *selector = NULL;
	weir_case operations[2];
	weir_event events[2];
	size_t found = 0;
	weir_sender *tx;
	weir_receiver *rx;
	int status;

	open_channel(PAGE, &tx, &rx);
	operations[0] = (weir_case)WEIR_RECV_CASE(rx, NULL);
	operations[1] = (weir_case)WEIR_BROKEN_CASE(tx);
	RETRY(status, weir_selector_open(&selector));
	expect(status, WEIR_OK, "weir_selector_open");
	for (unsigned i = 0; i < 2; i++) {
		RETRY(status,
			weir_selector_add(selector, &operations[i], NULL));
		expect(status, WEIR_OK, "weir_selector_add");
	}
	fill_and_empty(tx, rx);
	weir_sender_close(tx);
	RETRY(status, weir_selector_wait(selector, events, 2, &found));
	expect(status, WEIR_OK, "weir_selector_wait");
	expect(weir_selector_remove(selector, &operations[0]), WEIR_OK,
		"weir_selector_remove");
	weir_selector_free(selector);
	weir_sender_free(tx);
	weir_receiver_free(rx);
}

static void live_as_duplex(void)
{
	weir_duplex *first = NULL, *second = NULL;
	int status;

	RETRY(status, weir_duplex_open(8, PAGE, &first, &second));
	expect(status, WEIR_OK, "weir_duplex_open");
	weir_duplex_free(first);
	weir_duplex_free(second);
}

/* -- Sweeps ------------------------------------------------------------------ */

static const struct life {
	const char *name;
	void (*live)(void);
} lives[] = {
	{"a channel", live_as_channel},
	{"timers", live_as_timers},
	{"select", live_as_select},
	{"a selector", live_as_selector},
	{"a duplex", live_as_duplex},
};

/* How many have failed. */
static uint64_t live_once(const struct life *life, uint64_t at, uint64_t every)
{
	int64_t before = failing_live(), since = weir_now();
	uint64_t failed;

	stress_doing(life->name, at);
	failing_set(at, every);
	life->live();
	failed = failing_count();
	failing_set(0, 0);
	failures += failed;
	while (failing_live() != before && weir_now() - since < PATIENCE_NS)
		fault_sleep(1000000);
	stress_check(failing_live() == before,
		"%" PRId64 " blocks are left of %s (%" PRIu64 ", %" PRIu64 ")",
		failing_live() - before, life->name, at, every);
	stress_progress();
	return failed;
}

/* Unbounded channels of the round before give the last of their memory back
 * when a grace period is over. */
static void settle(void)
{
	int64_t before;

	do {
		before = failing_live();
		fault_sleep(20000000);
	} while (failing_live() != before);
}

static void sweep(const struct life *life)
{
	uint64_t at = 1;

	stress_describe("%s, capacity %zd", life->name, (ptrdiff_t)capacity);
	settle();
	while (live_once(life, at, 0) > 0)
		at++;
	for (uint64_t every = MOST; every < at; every++)
		live_once(life, every, every);
	sweeps++;
}

/* What liburcu wants once a process, and of a reader once a thread. */
static void warm_up(void)
{
	capacity = WEIR_UNBOUNDED;
	live_as_channel();
}

int main(int argc, char **argv)
{
	static const size_t capacities[] = {0, 1, 64, WEIR_UNBOUNDED};
	/* Of many segments, or of few. */
	static const size_t sizes[] = {8, 100, 4104, 4104};
	struct stress_random random;

	stress_start(argc, argv, false);
	warm_up();
	while (stress_next_round(&random)) {
		struct traffic traffic = {
			.fail_every = MOST + stress_below(&random, 8),
			.capacities = &capacities[2],
			.n_capacities = 2,
			.sizes = sizes,
			.n_sizes = 4,
		};

		capacity = capacities[stress_below(&random, 4)];
		if (can_fail)
			sweep(&lives[stress_below(
				&random, sizeof lives / sizeof *lives)]);
		traffic_round(&traffic, &random);
	}
	stress_finish("%" PRIu64 " allocations failed in %" PRIu64
		      " sweeps and %" PRIu64 " in traffic, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		failures, sweeps, traffic_failures(), traffic_elements());
	return 0;
}
