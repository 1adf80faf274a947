/* SPDX-License-Identifier: MIT */
/* races.c - plain accesses: is each ordered with those of other threads, and
 * is the memory alive?
 *
 * For each byte: who wrote it last and when, and when each thread last read it
 * or did an atomic operation on it, by the clocks of memory.c [Flanagan and
 * Freund, "FastTrack: Efficient and Precise Dynamic Race Detection", 2009].  An
 * aligned word that has always been used whole has one cell for its eight bytes.
 *
 * A function that returns writes to its frame: so whoever touches a waiter on
 * the stack of a thread that may have left races with that, in whatever order
 * the two come in this run.
 */
#include "checker.h"
#include "engine.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct cell {
	uint8_t writer;
	uint16_t written;
	uint16_t read[MAX_THREADS];
	uint16_t read_atomically[MAX_THREADS];
	uint16_t written_atomically[MAX_THREADS];
	const void *writer_pc;
	const void *reader_pc;
};

struct granule {
	uint32_t run;
	bool is_split; /* for good */
	struct cell cells[8];
};

struct region {
	uintptr_t low, high;
	struct granule *granules;
};

/* The program's own variables: from and to, as the linker says. */
extern char __data_start, _end;

static struct region regions[3]; /* heap, stacks, variables */
static uint32_t run;

static void init_region(struct region *region, uintptr_t low, size_t size)
{
	void *granules = mmap(NULL, size / 8 * sizeof(struct granule),
		PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (granules == MAP_FAILED)
		model_fail("no memory for shadows");
	region->low = low;
	region->high = low + size;
	region->granules = granules;
}

void races_reset(void)
{
	run++;
	if (regions[0].granules == NULL) {
		uintptr_t data = (uintptr_t)&__data_start & ~(uintptr_t)7;
		size_t size;
		const void *stacks = fibers_stack(&size);

		init_region(&regions[0], heap_base(), MAX_THREADS * HEAP_BYTES);
		init_region(&regions[1], (uintptr_t)stacks, size);
		init_region(&regions[2], data, (uintptr_t)&_end - data + 8);
	}
}

/* NULL: not ours.  It may be of an earlier run. */
static struct granule *find_granule(uintptr_t address)
{
	for (unsigned i = 0; i < 3; i++) {
		struct region *region = &regions[i];

		if (address >= region->low && address < region->high)
			return &region->granules[(address - region->low) / 8];
	}
	return NULL;
}

static struct granule *granule_of(uintptr_t address)
{
	struct granule *granule = find_granule(address);

	if (granule != NULL && granule->run != run) {
		granule->run = run;
		memset(granule->cells, 0,
			granule->is_split ? sizeof granule->cells
					  : sizeof granule->cells[0]);
	}
	return granule;
}

static void split(struct granule *granule)
{
	if (granule->is_split)
		return;
	granule->is_split = true;
	for (unsigned i = 1; i < 8; i++)
		granule->cells[i] = granule->cells[0];
}

/* -- One cell ------------------------------------------------------------ */

static void race(const char *what, uintptr_t address, const void *pc,
	unsigned other, const void *other_pc)
{
	char here[64];

	snprintf(here, sizeof here, "%s", trace_place(pc));
	trace_add(pc, what, address, 0, 0, 0);
	model_fail("data race: %s by %s at %s is not ordered with %s's%s%s",
		what, threads[self].name, here, threads[other].name,
		other_pc != NULL ? " at " : "",
		other_pc != NULL ? trace_place(other_pc) : "");
}

/* One of them that this thread does not know of, or MAX_THREADS. */
static unsigned unordered(const uint16_t *clocks)
{
	unsigned other = 0;

	while (other < thread_count &&
		(other == self ||
			clocks[other] <= threads[self].view.clock[other]))
		other++;
	return other < thread_count ? other : MAX_THREADS;
}

static void check_cell(struct cell *cell, uintptr_t address, enum access access,
	const char *what, const void *pc)
{
	bool plain = access == READS || access == WRITES || access == FREES;
	bool writes = access != READS && access != READS_ATOMICALLY;
	unsigned other;

	if (cell->written > threads[self].view.clock[cell->writer] &&
		cell->writer != self)
		race(what, address, pc, cell->writer, cell->writer_pc);
	if (plain) {
		other = unordered(cell->written_atomically);
		if (other < MAX_THREADS)
			race(what, address, pc, other, NULL);
	}
	if (writes) {
		other = unordered(cell->read);
		if (other < MAX_THREADS)
			race(what, address, pc, other, cell->reader_pc);
	}
	if (writes && plain) {
		other = unordered(cell->read_atomically);
		if (other < MAX_THREADS)
			race(what, address, pc, other, NULL);
	}
}

static void note_cell(struct cell *cell, enum access access, const void *pc)
{
	uint16_t now = (uint16_t)threads[self].view.clock[self];

	switch (access) {
	case READS:
		cell->read[self] = now;
		cell->reader_pc = pc;
		break;
	case READS_ATOMICALLY:
		cell->read_atomically[self] = now;
		break;
	case WRITES_ATOMICALLY:
		cell->written_atomically[self] = now;
		break;
	case WRITES:
	case FREES:
		cell->writer = (uint8_t)self;
		cell->written = now;
		cell->writer_pc = pc;
		break;
	}
}

static const char *name_of(enum access access)
{
	static const char *const names[] = {
		"read", "write", "atomic load", "atomic store", "free"};

	return names[access];
}

/* Done already, and nobody can have come in between: whoever did would have
 * raced with it. */
static bool is_repeated(const struct cell *cell, enum access access)
{
	uint16_t now = (uint16_t)threads[self].view.clock[self];

	return (access == READS && cell->read[self] == now) ||
	       (access == WRITES && cell->writer == self &&
		       cell->written == now);
}

static void access_cell(struct cell *cell, uintptr_t address,
	enum access access, const char *what, const void *pc)
{
	if (is_repeated(cell, access))
		return;
	check_cell(cell, address, access, what, pc);
	note_cell(cell, access, pc);
}

/* -- Ranges -------------------------------------------------------------- */

static void access_granule(struct granule *granule, uintptr_t address,
	unsigned offset, unsigned size, enum access access, const char *what,
	const void *pc)
{
	if (size == 8 && !granule->is_split) {
		access_cell(&granule->cells[0], address, access, what, pc);
		return;
	}
	split(granule);
	for (unsigned i = offset; i < offset + size; i++)
		access_cell(&granule->cells[i], address, access, what, pc);
}

void races_access(
	uintptr_t address, size_t size, enum access access, const void *pc)
{
	bool in_heap = address >= regions[0].low && address < regions[0].high;

	if (in_heap && access != FREES && !heap_is_alive(address, size)) {
		trace_add(pc, name_of(access), address, 0, 0, 0);
		model_fail("%s of memory that is not allocated, by %s at %s",
			name_of(access), threads[self].name, trace_place(pc));
	}
	if (thread_count < 2)
		return;
	while (size > 0) {
		unsigned offset = address % 8;
		unsigned here = 8 - offset < size ? 8 - offset : (unsigned)size;
		struct granule *granule = granule_of(address - offset);

		if (granule == NULL)
			return;
		access_granule(granule, address, offset, here, access,
			name_of(access), pc);
		address += here;
		size -= here;
	}
}

void races_leave_frame(uintptr_t low, uintptr_t high, const void *pc)
{
	if (thread_count < 2)
		return;
	for (low &= ~(uintptr_t)7; low < high; low += 8) {
		struct granule *granule = find_granule(low);

		if (granule == NULL)
			return;
		/* What nobody has touched nobody knows of. */
		if (granule->run == run)
			access_granule(granule, low, 0, 8, WRITES,
				"the end of a stack frame", pc);
	}
}

void shared_read(const void *address, size_t size)
{
	races_access(
		(uintptr_t)address, size, READS, __builtin_return_address(0));
}

void shared_write(void *address, size_t size)
{
	races_access(
		(uintptr_t)address, size, WRITES, __builtin_return_address(0));
}
