/* SPDX-License-Identifier: MIT */
/* memory.c - atomics by the rules of C11.
 *
 * Each location keeps the stores to it, in the order in which they were done
 * (its modification order).  Each thread has a view: of each location the
 * youngest store that it has to know of.  A load may see any store that is not
 * older than that; a read-modify-write sees the youngest.  A release store takes
 * its thread's view along, an acquire load that sees it joins that view
 * [Kang, Hur, Lahav, Vafeiadis and Dreyer, "A Promising Semantics for
 * Relaxed-Memory Concurrency", 2017; here without promises].  seq_cst
 * operations on one location see the last seq_cst store before them, since the
 * order of the run is their order; seq_cst fences join one view in common,
 * of what they know of atomics; membarrier is such a fence in every thread.
 *
 * What this covers: a relaxed or release store lingers, as in a store buffer,
 * since others may go on without it; a load sees an old value although it comes
 * later; missing edges, between any threads and over any number of steps.  What
 * it does not: a load that sees a store which the run has not done yet (load
 * buffering), and modification orders other than that of the run.
 *
 * The memory itself always holds the youngest value.
 */
#include "checker.h"
#include "engine.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Bytes for the messages of one run. */
#define POOL_BYTES ((size_t)32 * 1024 * 1024)

struct message {
	struct message *older;
	uint64_t value;
	uint32_t stamp;
	uint32_t known;    /* locations in its view */
	struct view *view; /* NULL: carries nothing */
};

static struct location locations[MAX_LOCATIONS];
static unsigned location_count;
static struct view fence_view; /* of seq_cst fences */

/* From an address to its location: open addressing, in twice the room. */
static uint16_t table[2 * MAX_LOCATIONS];

static unsigned char *pool;
static size_t pool_used;

static void *pool_take(size_t size)
{
	void *taken;

	if (pool == NULL)
		pool = malloc(POOL_BYTES);
	size = (size + 15) & ~(size_t)15;
	if (pool == NULL || pool_used + size > POOL_BYTES)
		model_fail("a run has too many stores");
	taken = pool + pool_used;
	pool_used += size;
	return taken;
}

void memory_reset(void)
{
	location_count = 0;
	pool_used = 0;
	memset(table, 0, sizeof table);
	memset(&fence_view, 0, sizeof fence_view);
}

/* -- Views --------------------------------------------------------------- */

static void join_first(
	struct view *into, const struct view *from, unsigned known)
{
	for (unsigned i = 0; i < MAX_THREADS; i++)
		if (into->clock[i] < from->clock[i])
			into->clock[i] = from->clock[i];
	for (unsigned i = 0; i < known; i++)
		if (into->seen[i] < from->seen[i])
			into->seen[i] = from->seen[i];
}

void memory_join(struct view *into, const struct view *from)
{
	join_first(into, from, location_count);
}

/* What the thread does from now on comes after what it has released. */
static void start_epoch(void)
{
	if (++threads[self].view.clock[self] >= UINT16_MAX)
		model_fail("a run has too many releases");
}

void memory_release_into(struct view *into)
{
	memory_join(into, &threads[self].view);
	start_epoch();
}

/* -- Locations ----------------------------------------------------------- */

static uint64_t read_memory(const volatile void *address, size_t size)
{
	return size == 4 ? *(const volatile uint32_t *)address
			 : *(const volatile uint64_t *)address;
}

static void write_memory(volatile void *address, size_t size, uint64_t value)
{
	if (size == 4)
		*(volatile uint32_t *)address = (uint32_t)value;
	else
		*(volatile uint64_t *)address = value;
}

struct location *memory_location(const volatile void *address)
{
	uintptr_t wanted = (uintptr_t)address;
	unsigned at =
		(unsigned)(wanted / 4 * 2654435761u) % (2 * MAX_LOCATIONS);
	struct location *location;

	while (table[at] != 0) {
		location = &locations[table[at] - 1];
		if (location->address == wanted)
			return location;
		at = (at + 1) % (2 * MAX_LOCATIONS);
	}
	if (location_count == MAX_LOCATIONS)
		model_fail("a run has too many atomics");
	location = &locations[location_count];
	memset(location, 0, sizeof *location);
	location->address = wanted;
	location->index = location_count++;
	table[at] = (uint16_t)location_count;
	for (unsigned i = 0; i < thread_count; i++) {
		threads[i].view.seen[location->index] = 0;
		threads[i].acquired.seen[location->index] = 0;
		threads[i].released.seen[location->index] = 0;
	}
	fence_view.seen[location->index] = 0;
	return location;
}

/* The first store is what the memory holds when somebody first looks. */
static struct location *location_of(const volatile void *address, size_t size)
{
	struct location *location = memory_location(address);

	if (location->newest == NULL) {
		struct message *first = pool_take(sizeof *first);

		memset(first, 0, sizeof *first);
		first->value = read_memory(address, size);
		location->newest = first;
	}
	return location;
}

static bool acquires(int order)
{
	return order == memory_order_acquire || order == memory_order_consume ||
	       order == memory_order_acq_rel || order == memory_order_seq_cst;
}

static bool releases(int order)
{
	return order == memory_order_release || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

/* -- Loads and stores ---------------------------------------------------- */

static void see(
	struct location *location, const struct message *message, int order)
{
	struct thread *thread = &threads[self];

	if (thread->view.seen[location->index] < message->stamp)
		thread->view.seen[location->index] = message->stamp;
	if (message->view == NULL)
		return;
	if (acquires(order))
		join_first(&thread->view, message->view, message->known);
	join_first(&thread->acquired, message->view, message->known);
}

/* Append a store.  `continued` is the one that a read-modify-write has read:
 * what that released is released on. */
static void append(struct location *location, uint64_t value, int order,
	const struct message *continued)
{
	struct thread *thread = &threads[self];
	struct message *message = pool_take(sizeof *message);
	const struct view *own =
		releases(order) ? &thread->view : &thread->released;
	bool fenced = releases(order) || thread->released.clock[self] > 0;

	message->older = location->newest;
	message->value = value;
	message->stamp = location->newest->stamp + 1;
	message->known = location_count;
	message->view = NULL;
	location->newest = message;
	thread->view.seen[location->index] = message->stamp;
	if (fenced || (continued != NULL && continued->view != NULL)) {
		size_t size = offsetof(struct view, seen) +
			      location_count * sizeof(uint32_t);

		message->view = pool_take(size);
		memset(message->view, 0, size);
		if (fenced)
			join_first(message->view, own, location_count);
		if (continued != NULL && continued->view != NULL)
			join_first(message->view, continued->view,
				continued->known);
	}
	if (releases(order))
		start_epoch();
	if (order == memory_order_seq_cst)
		location->ordered = message->stamp;
}

/* The stores that a load may see, from the youngest on: choose one. */
static struct message *choose_message(
	const struct location *location, int order, uint32_t *older)
{
	uint32_t oldest = threads[self].view.seen[location->index];
	struct message *message = location->newest;
	uint32_t most;

	if (order == memory_order_seq_cst && oldest < location->ordered)
		oldest = location->ordered;
	most = message->stamp > oldest ? message->stamp - oldest : 0;
	*older = 0;
	if (most > 0 && explore_may_be_stale())
		*older = explore_choose(STALE, most + 1);
	for (uint32_t i = 0; i < *older; i++)
		message = message->older;
	return message;
}

uint64_t memory_load(const volatile void *address, size_t size, int order)
{
	struct location *location = location_of(address, size);
	struct message *message;
	uint32_t older;

	fibers_point(location);
	races_access((uintptr_t)address, size, READS_ATOMICALLY, current_pc);
	message = choose_message(location, order, &older);
	see(location, message, order);
	fibers_note(location, false, older * 2);
	trace_add(current_pc, "load", (uintptr_t)address, message->value,
		message->value, older);
	return message->value;
}

void memory_store(
	volatile void *address, size_t size, uint64_t value, int order)
{
	struct location *location = location_of(address, size);
	uint64_t before = location->newest->value;

	fibers_point(location);
	races_access((uintptr_t)address, size, WRITES_ATOMICALLY, current_pc);
	append(location, value, order, NULL);
	write_memory(address, size, value);
	fibers_note(location, true, value);
	trace_add(current_pc, "store", (uintptr_t)address, before, value, 0);
}

uint64_t memory_modify(volatile void *address, size_t size, int order,
	int failure_order, memory_change *change, const void *argument,
	bool *changed, const char *verb)
{
	struct location *location = location_of(address, size);
	const struct message *message;
	uint64_t before, value;

	fibers_point(location);
	message = location->newest;
	before = value = message->value;
	*changed = change(&value, argument);
	if (size == 4)
		value = (uint32_t)value;
	races_access((uintptr_t)address, size,
		*changed ? WRITES_ATOMICALLY : READS_ATOMICALLY, current_pc);
	see(location, message, *changed ? order : failure_order);
	if (*changed) {
		append(location, value, order, message);
		write_memory(address, size, value);
	}
	fibers_note(location, *changed, value * 2 + 1);
	trace_add(current_pc, *changed ? verb : "fails: cas",
		(uintptr_t)address, before, value, 0);
	return before;
}

/* -- Fences -------------------------------------------------------------- */

/* A fence orders what is seen of atomics.  That plain memory is ordered takes a
 * load that sees a store, as ever. */
static void join_fence(struct view *view)
{
	for (unsigned i = 0; i < location_count; i++)
		if (view->seen[i] < fence_view.seen[i])
			view->seen[i] = fence_view.seen[i];
		else
			fence_view.seen[i] = view->seen[i];
}

void memory_fence(int order)
{
	struct thread *thread = &threads[self];

	if (acquires(order))
		memory_join(&thread->view, &thread->acquired);
	if (order == memory_order_seq_cst) {
		struct location *all = memory_location(&fence_view);

		fibers_point(all);
		join_fence(&thread->view);
		fibers_note(all, true, 0);
		trace_add(current_pc, "fence", 0, 0, 0, 0);
	}
	if (releases(order)) {
		thread->released = thread->view;
		start_epoch();
	}
}

/* membarrier: in each thread, wherever it is, a seq_cst fence.  What a fence
 * makes of relaxed operations around it is left out, in all of them: so less is
 * ordered than the kernel orders. */
void memory_fence_all(void)
{
	struct location *all = memory_location(&fence_view);

	fibers_point_of_all(all);
	for (unsigned i = 0; i < thread_count; i++)
		join_fence(&threads[i].view);
	for (unsigned i = 0; i < thread_count; i++)
		join_fence(&threads[i].view);
	fibers_note_all(all);
	trace_add(current_pc, "fence in all", 0, 0, 0, 0);
}
