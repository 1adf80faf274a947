/* SPDX-License-Identifier: MIT */
/* instructions.c - uncontended operations, to be counted by callgrind.
 *
 *	instructions COUNT
 *
 * does each of them COUNT times, in a function of its own.  What two runs with
 * different counts differ by is what an operation takes; the rest is start-up.
 * See script/instructions.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

#define MANY 16
#define CHANNELS 4

struct pair {
	weir_sender *tx;
	weir_receiver *rx;
};

/* A call that is not inlined, and whose name callgrind knows. */
#define MEASURED __attribute__((noinline, noipa)) static void

static void check(int status)
{
	if (status != WEIR_OK) {
		fprintf(stderr, "instructions: %s\n", weir_status_name(status));
		exit(1);
	}
}

/* -- One channel ----------------------------------------------------------- */

/* try_send and try_recv, in turn. */
static inline void try_both(struct pair *p, uint64_t count)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < count; i++) {
		check(weir_try_send(p->tx, &i));
		check(weir_try_recv(p->rx, &value));
	}
}

MEASURED op_try_pair(struct pair *p, uint64_t count)
{
	try_both(p, count);
}

/* Both sides have been used by another thread before. */
MEASURED op_try_pair_shared(struct pair *p, uint64_t count)
{
	try_both(p, count);
}

MEASURED op_try_pair_256(struct pair *p, uint64_t count)
{
	uint64_t element[32] = {0};

	for (uint64_t i = 0; i < count; i++) {
		element[0] = i;
		check(weir_try_send(p->tx, element));
		check(weir_try_recv(p->rx, element));
	}
}

MEASURED op_pair(struct pair *p, uint64_t count)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < count; i++) {
		check(weir_send(p->tx, &i));
		check(weir_recv(p->rx, &value));
	}
}

MEASURED op_pair_unbounded(struct pair *p, uint64_t count)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < count; i++) {
		check(weir_send(p->tx, &i));
		check(weir_recv(p->rx, &value));
	}
}

/* Sixteen there, sixteen back: counted as one operation. */
MEASURED op_many_of_16(struct pair *p, uint64_t count)
{
	uint64_t values[MANY] = {0};
	size_t n;

	for (uint64_t i = 0; i < count; i++) {
		check(weir_send_many(p->tx, values, MANY, &n));
		check(weir_recv_many(p->rx, values, MANY, &n));
	}
}

MEASURED op_try_send_full(struct pair *p, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (weir_try_send(p->tx, &i) != WEIR_WOULD_BLOCK)
			check(WEIR_INVALID_ARGUMENT);
}

MEASURED op_try_recv_empty(struct pair *p, uint64_t count)
{
	uint64_t value;

	for (uint64_t i = 0; i < count; i++)
		if (weir_try_recv(p->rx, &value) != WEIR_WOULD_BLOCK)
			check(WEIR_INVALID_ARGUMENT);
}

MEASURED op_in_place(struct pair *p, uint64_t count)
{
	void *slot;

	for (uint64_t i = 0; i < count; i++) {
		check(weir_send_reserve(p->tx, &slot));
		*(uint64_t *)slot = i;
		weir_send_commit(p->tx, slot);
		check(weir_recv_acquire(p->rx, &slot));
		weir_recv_release(p->rx, slot);
	}
}

/* -- Select ---------------------------------------------------------------- */

static void receive_from_each(
	const struct pair *pairs, weir_case *cases, uint64_t *value)
{
	for (int i = 0; i < CHANNELS; i++)
		cases[i] = (weir_case)WEIR_RECV_CASE(pairs[i].rx, value);
}

/* A send, and a select of four receives of which that one is ready. */
MEASURED op_select_one_of_4(struct pair *pairs, uint64_t count)
{
	uint64_t value = 0;
	weir_case cases[CHANNELS];
	size_t at;

	receive_from_each(pairs, cases, &value);
	for (uint64_t i = 0; i < count; i++) {
		check(weir_try_send(pairs[i % CHANNELS].tx, &value));
		check(weir_select(cases, CHANNELS, 0, &at));
	}
}

/* The same, where all four are. */
MEASURED op_select_any_of_4(struct pair *pairs, uint64_t count)
{
	uint64_t value = 0;
	weir_case cases[CHANNELS];
	size_t at;

	receive_from_each(pairs, cases, &value);
	for (int i = 0; i < CHANNELS; i++)
		check(weir_try_send(pairs[i].tx, &value));
	for (uint64_t i = 0; i < count; i++) {
		check(weir_select(cases, CHANNELS, 0, &at));
		check(weir_try_send(pairs[at].tx, &value));
	}
	for (int i = 0; i < CHANNELS; i++)
		check(weir_try_recv(pairs[i].rx, &value));
}

/* None of four is ready. */
MEASURED op_try_select_of_4(struct pair *pairs, uint64_t count)
{
	uint64_t value = 0;
	weir_case cases[CHANNELS];
	size_t at;

	receive_from_each(pairs, cases, &value);
	for (uint64_t i = 0; i < count; i++)
		if (weir_try_select(cases, CHANNELS, 0, &at) !=
			WEIR_WOULD_BLOCK)
			check(WEIR_INVALID_ARGUMENT);
}

/* -- Handles --------------------------------------------------------------- */

MEASURED op_clone_free(struct pair *p, uint64_t count)
{
	weir_sender *tx;

	for (uint64_t i = 0; i < count; i++) {
		check(weir_sender_clone(p->tx, &tx));
		weir_sender_free(tx);
	}
}

MEASURED op_open_free(struct pair *p, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		check(weir_open(64, sizeof(uint64_t), &p->tx, &p->rx));
		weir_sender_free(p->tx);
		weir_receiver_free(p->rx);
	}
}

/* -- All of them ------------------------------------------------------------ */

static struct pair open_pair(size_t capacity, size_t element_size)
{
	struct pair p;

	check(weir_open(capacity, element_size, &p.tx, &p.rx));
	return p;
}

static void free_pair(struct pair p)
{
	weir_sender_free(p.tx);
	weir_receiver_free(p.rx);
}

static void *use_once(void *argument)
{
	try_both(argument, 1);
	return NULL;
}

static void share(struct pair *p)
{
	pthread_t other;

	use_once(p);
	check(pthread_create(&other, NULL, use_once, p));
	pthread_join(other, NULL);
}

static void run(void (*operation)(struct pair *, uint64_t), size_t capacity,
	size_t element_size, uint64_t count)
{
	struct pair p = open_pair(capacity, element_size);

	operation(&p, count);
	free_pair(p);
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	struct pair four[CHANNELS], full = open_pair(1, 8);
	struct pair shared = open_pair(64, 8), handles = open_pair(1, 8);
	struct pair none;

	if (count == 0) {
		fprintf(stderr, "usage: instructions COUNT\n");
		return 2;
	}
	run(op_try_pair, 64, 8, count);
	share(&shared);
	op_try_pair_shared(&shared, count);
	run(op_try_pair_256, 64, 256, count);
	run(op_pair, 64, 8, count);
	run(op_pair_unbounded, WEIR_UNBOUNDED, 8, count);
	run(op_many_of_16, 64, 8, count);
	check(weir_try_send(full.tx, &count));
	op_try_send_full(&full, count);
	run(op_try_recv_empty, 64, 8, count);
	run(op_in_place, 64, 8, count);
	for (int i = 0; i < CHANNELS; i++)
		four[i] = open_pair(64, 8);
	op_select_one_of_4(four, count);
	op_select_any_of_4(four, count);
	op_try_select_of_4(four, count);
	op_clone_free(&handles, count);
	op_open_free(&none, count);
	for (int i = 0; i < CHANNELS; i++)
		free_pair(four[i]);
	free_pair(full);
	free_pair(shared);
	free_pair(handles);
	return 0;
}
