/* SPDX-License-Identifier: MIT */
/* model_gate.c - the lock of the waiting room, and the mark left for its holder;
 * the parker. */
#include "gate.h"
#include "parker.h"

#include <weir.h>

#include "checker.h"

static struct gate gate;
static uint32_t published;
static uint64_t inside; /* plain: only who is inside touches it */
static unsigned seen;

static void reset(void)
{
	wi_gate_init(&gate);
	published = 0;
	inside = 0;
	seen = 0;
}

static void work(void)
{
	shared_write(&inside, sizeof inside);
	inside++;
	if (shared_get(&published))
		seen++;
}

static void enter_and_leave(void *unused)
{
	(void)unused;
	wi_gate_enter(&gate);
	work();
	while (!wi_gate_leave(&gate))
		work();
}

/* Publishes, and must not wait. */
static void publish_and_mark(void *unused)
{
	(void)unused;
	shared_set(&published, 1);
	if (!wi_gate_enter_or_mark(&gate))
		return;
	do
		work();
	while (!wi_gate_leave(&gate));
}

static void try_to_enter(void *unused)
{
	(void)unused;
	if (!wi_gate_try_enter(&gate))
		return;
	work();
	while (!wi_gate_leave(&gate))
		work();
}

MODEL(gate, exclusive,
	"three threads enter, one at a time, and none sleeps for ever")
{
	reset();
	spawn("a", enter_and_leave, NULL);
	spawn("b", enter_and_leave, NULL);
	spawn("c", enter_and_leave, NULL);
	join();
	check(inside == 3);
}

MODEL(gate, marked,
	"what was published before a mark is seen by somebody inside")
{
	reset();
	spawn("holder", enter_and_leave, NULL);
	spawn("marker", publish_and_mark, NULL);
	join();
	check(seen > 0);
}

MODEL(gate, marked_by_two, "two marks, one holder, one who tries")
{
	reset();
	spawn("holder", enter_and_leave, NULL);
	spawn("marker", publish_and_mark, NULL);
	spawn("trier", try_to_enter, NULL);
	join();
	check(seen > 0);
}

struct parked {
	struct parker parker;
	uint64_t result; /* plain */
	int64_t deadline;
	bool done;
};

static void park(void *argument)
{
	struct parked *parked = argument;
	struct spin spin = {.budget = 1, .step = 1, .longest = 1};

	parked->done = wi_parker_park(&parked->parker, &spin, parked->deadline);
	if (parked->done)
		shared_read(&parked->result, sizeof parked->result);
}

static void release(void *argument)
{
	struct parked *parked = argument;
	struct list decided;

	shared_write(&parked->result, sizeof parked->result);
	list_init(&decided);
	list_append(&decided, &parked->parker.news.node);
	wi_news_tell(&decided);
}

static void park_and_release(int64_t deadline)
{
	static struct parked parked;

	wi_parker_init(&parked.parker);
	parked.deadline = deadline;
	spawn("owner", park, &parked);
	spawn("decider", release, &parked);
	join();
	check(parked.done || deadline != WEIR_FOREVER);
}

MODEL(parker, release, "who is told does not sleep, and sees what was done")
{
	park_and_release(WEIR_FOREVER);
}

MODEL(parker, deadline, "told as the time is up")
{
	park_and_release(deadline_ahead());
}
