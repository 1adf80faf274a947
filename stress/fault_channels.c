/* SPDX-License-Identifier: MIT */
/* fault_channels.c - 1,000,000 channels open at once (-n: so many).
 *
 * One flavor after the other, from the seed's on: open them all, say how much
 * memory an idle one takes, put an element into each and take it out again, and
 * free them.  They are idle, so what they cost is memory, and nothing is found
 * by walking over all of them.
 */
#include "fault.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In `make check`; script/faults asks for a million. */
#define FEW 10000

static const struct flavor {
	const char *name;
	size_t capacity;
} flavors[] = {
	{"rendezvous", 0},
	{"capacity 1", 1},
	{"capacity 64", 64},
	{"unbounded", WEIR_UNBOUNDED},
};

#define N_FLAVORS (sizeof flavors / sizeof *flavors)

struct ends {
	weir_sender *tx;
	weir_receiver *rx;
};

static uint64_t elements;

static void open_all(struct ends *ends, size_t count, size_t capacity)
{
	for (size_t i = 0; i < count; i++) {
		int status = weir_open(
			capacity, sizeof(uint64_t), &ends[i].tx, &ends[i].rx);

		stress_doing("weir_open", i);
		stress_check(status == WEIR_OK, "channel %zu: %s", i,
			weir_status_name(status));
		stress_progress();
	}
}

/* All are filled before the first is emptied. */
static void use_all(struct ends *ends, size_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		stress_doing("weir_try_send", i);
		stress_check(weir_try_send(ends[i].tx, &i) == WEIR_OK,
			"channel %" PRIu64 " has no room", i);
		stress_progress();
	}
	for (uint64_t i = 0; i < count; i++) {
		uint64_t element = ~i;

		stress_doing("weir_try_recv", i);
		stress_check(weir_try_recv(ends[i].rx, &element) == WEIR_OK &&
				     element == i,
			"channel %" PRIu64 " gave %" PRIu64, i, element);
		stress_progress();
	}
	elements += count;
}

static void free_all(struct ends *ends, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		stress_doing("freeing", i);
		weir_sender_free(ends[i].tx);
		weir_receiver_free(ends[i].rx);
		stress_progress();
	}
}

/* An unbounded channel that is in use has a segment of 64 KiB, mapped for it
 * alone: a kernel lets a process have 65,530 mappings. */
#define USED_AT_ONCE 2000

static void run_flavor(
	const struct flavor *flavor, struct ends *ends, size_t count)
{
	int64_t before, after, began = weir_now();
	size_t used = count;

	stress_describe("%zu channels, %s", count, flavor->name);
	malloc_trim(0);
	before = stress_resident_bytes();
	open_all(ends, count, flavor->capacity);
	after = stress_resident_bytes();
	if (flavor->capacity == WEIR_UNBOUNDED && used > USED_AT_ONCE)
		used = USED_AT_ONCE;
	if (flavor->capacity > 0)
		use_all(ends, used);
	free_all(ends, count);
	printf("  %zu channels open, %s: %.0f bytes for each that is idle, "
	       "%.1f s in all\n",
		count, flavor->name, (double)(after - before) / (double)count,
		(double)(weir_now() - began) / 1e9);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct stress_random random;
	size_t count = FEW, turn;
	struct ends *ends;

	stress_start(argc, argv, false);
	if (stress.count > 0)
		count = stress.count;
	/* Touched now, so that they are not counted as the channels'. */
	ends = malloc(count * sizeof *ends);
	stress_check(ends != NULL, "no memory for %zu channels", count);
	for (size_t i = 0; i < count; i++)
		ends[i] = (struct ends){NULL, NULL};
	for (turn = stress.seed; stress_next_round(&random); turn++)
		run_flavor(&flavors[turn % N_FLAVORS], ends, count);
	free(ends);
	stress_finish("%zu channels open at once, %" PRIu64
		      " elements, 0 lost, 0 doubled",
		count, elements);
	return 0;
}
