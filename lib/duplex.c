/* SPDX-License-Identifier: MIT */
/* duplex.c - two ends that take turns; see <weir/duplex.h>.
 *
 * One word says all: whose turn it is, who waits, who is closed.  A value lies
 * in a box beside it, one box a direction, and whoever has the turn owns both
 * boxes.  So giving a value is to fill a box and change the word, and when both
 * threads run, an exchange is one cache line going there and back.
 *
 *	bits of the word, e being 0 for first and 1 for second
 *	  TURN         whose turn it is: e
 *	  VALUE        the last turn was given with a value
 *	  STARTED      second's first call is over
 *	  WAITS(e)     e is in a call and takes what comes
 *	  SLEEPS(e)    e sleeps on the word
 *	  CLOSED(e)
 *	  FREED(e)
 *
 *	            exchange: WAITS(other) set
 *	turn is e -----------------------------> turn is other's, WAITS(e) set,
 *	            one compare-and-swap         WAITS(other) cleared
 *
 * At first it is second's turn and nobody waits.  first starts by waiting for
 * the turn, as in all of its later calls; second starts by waiting until first
 * waits.
 *
 * Invariants
 *	I1  WAITS(e) implies that it is not e's turn.
 *	I2  the boxes are touched only by whose turn it is: to fill one before
 *	    it gives the turn, to empty the other after it has got it.
 *	I3  at most one thread is in a call on an end (`busy`).
 *	I4  an end sleeps only while its bit SLEEPS is set; whoever brings about
 *	    what it waits for clears that bit in the same step, and wakes it.
 *
 * Each wait is decided by one compare-and-swap of the word.  The turn is given
 * only to an end that waits, and a deadline that passes clears WAITS: one of
 * the two comes first.  The same with closing: nobody gives the turn to a
 * closed end, or from one.
 *
 * No wake-up is lost, because a sleeper's bit and what it waits for are in the
 * word that the kernel compares: either the change comes first, and there is no
 * sleep, or the changer sees SLEEPS.
 *
 * Ordering edges
 *	[given]  give's change of the word -> the other's load that finds the
 *		 turn its own: the value, and all before it, is readable; and
 *		 back: the box is free again
 *	[closed] close's change -> any load that sees the bit
 *	[busy]   one call's end -> the next one's beginning, on the same end
 *	[freed]  one end's last change -> the other's: the memory is its to free
 */
#include <errno.h>
#include <weir/duplex.h>

#include "alloc.h"
#include "backoff.h"
#include "clock.h"
#include "compiler.h"
#include "debug.h"
#include "element.h"
#include "futex.h"

enum { FIRST, SECOND };

#define TURN ((uint32_t)1) /* of SECOND, if set */
#define VALUE ((uint32_t)1 << 1)
#define STARTED ((uint32_t)1 << 2)
#define WAITS(e) ((uint32_t)1 << (4 + (e)))
#define SLEEPS(e) ((uint32_t)1 << (6 + (e)))
#define CLOSED(e) ((uint32_t)1 << (8 + (e)))
#define FREED(e) ((uint32_t)1 << (10 + (e)))

struct pair;

struct weir_duplex {
	/* Written before anybody sees it. */
	struct pair *pair;
	unsigned me;
	size_t out_size;
	size_t in_size;
	unsigned char *out_box;
	unsigned char *in_box;
	/* Written by the thread that is in a call. */
	struct atomic_u32 busy;
	struct backoff backoff;
};

struct pair {
	cache_aligned struct weir_duplex ends[2];
	size_t size; /* of all */
	/* Written by both ends; small boxes share its line. */
	cache_aligned struct atomic_u32 word;
	unsigned char boxes[];
};

static bool is_turn_of(uint32_t word, unsigned end)
{
	return (word & TURN) == end;
}

/* Why this end can do nothing any more; 0 if it can. */
static int refusal(uint32_t word, unsigned me)
{
	if (likely((word & (CLOSED(FIRST) | CLOSED(SECOND))) == 0))
		return WEIR_OK;
	return word & CLOSED(me) ? WEIR_CLOSED_RESOURCE : WEIR_END_OF_CHANNEL;
}

/* Change the word from *seen, or renew *seen.  Clears SLEEPS of the ends in
 * `wakes` and wakes those that sleep (I4). */
static bool change(
	struct pair *pair, uint32_t *seen, uint32_t word, uint32_t wakes)
{
	uint32_t sleepers = *seen & wakes;

	/* release [given] [closed] [freed]: pairs with the loads of word;
	 * acquires the same, also if it fails. */
	if (!cas_acq_rel(&pair->word, seen, word & ~wakes))
		return false;
	for (; sleepers != 0; sleepers &= sleepers - 1)
		wi_futex_wake(&pair->word);
	return true;
}

/* Wait until the word is no longer *seen, and renew it.  True if the deadline
 * has passed; then *seen is the word as it is. */
static bool await_change(struct weir_duplex *d, uint32_t *seen,
	struct spin *spin, int64_t deadline)
{
	struct pair *pair = d->pair;
	uint32_t word = *seen;
	bool late = false;

	while (wi_spin(spin)) {
		/* acquire [given] [closed]: pairs with change. */
		word = load_acquire(&pair->word);
		if (word != *seen) {
			*seen = word;
			return false;
		}
	}
	if (wi_deadline_passed(deadline)) {
		late = true;
	} else if (change(pair, &word, *seen | SLEEPS(d->me), 0)) {
		wi_futex_wait(&pair->word, *seen | SLEEPS(d->me), deadline);
		/* Awake, for whatever reason: the bit goes, if it is there.
		 * Nobody is to be woken because of that. */
		word = load_acquire(&pair->word); /* [given] [closed] */
		while (word & SLEEPS(d->me) &&
			!change(pair, &word, word & ~SLEEPS(d->me), 0))
			;
		word &= ~SLEEPS(d->me);
	}
	*seen = word;
	return late;
}

/* second: wait until first waits. */
static int start(struct weir_duplex *d, uint32_t word, struct spin *spin,
	int64_t deadline)
{
	for (;;) {
		int status = refusal(word, d->me);

		if (status != WEIR_OK)
			return status;
		if (word & WAITS(FIRST)) {
			if (change(d->pair, &word, word | STARTED, 0))
				return WEIR_OK;
		} else if (await_change(d, &word, spin, deadline) &&
			   !(word & WAITS(FIRST))) {
			return refusal(word, d->me) != WEIR_OK
				       ? refusal(word, d->me)
				       : WEIR_TIMED_OUT;
		}
	}
}

/* Its turn: fill the box and give the turn to the other, once that waits. */
static int give(struct weir_duplex *d, uint32_t *word, const void *out,
	struct spin *spin, int64_t deadline)
{
	unsigned other = 1 - d->me;
	uint32_t value = 0;

	if (out != NULL) {
		wi_copy_element(d->out_box, out, d->out_size); /* I2 */
		value = VALUE;
	}
	for (;;) {
		int status = refusal(*word, d->me);

		if (unlikely(status != WEIR_OK))
			return status;
		if (likely(*word & WAITS(other))) {
			uint32_t given = *word ^ TURN;

			given &= ~(VALUE | WAITS(other));
			given |= value | WAITS(d->me);
			if (change(d->pair, word, given, SLEEPS(other))) {
				*word = given & ~SLEEPS(other);
				return WEIR_OK;
			}
		} else if (await_change(d, word, spin, deadline) &&
			   !(*word & WAITS(other)) &&
			   refusal(*word, d->me) == WEIR_OK) {
			return WEIR_TIMED_OUT;
		}
	}
}

/* Not its turn: wait for it. */
static int take(struct weir_duplex *d, uint32_t word, void *in,
	struct spin *spin, int64_t deadline)
{
	struct pair *pair = d->pair;
	unsigned other = 1 - d->me;

	while (!is_turn_of(word, d->me)) {
		int status = refusal(word, d->me);

		if (unlikely(status != WEIR_OK))
			return status;
		if (!(word & WAITS(d->me))) {
			/* The other may wait for just this. */
			if (change(pair, &word, word | WAITS(d->me),
				    SLEEPS(other)))
				word = (word | WAITS(d->me)) & ~SLEEPS(other);
		} else if (await_change(d, &word, spin, deadline)) {
			if (!is_turn_of(word, d->me) &&
				refusal(word, d->me) == WEIR_OK &&
				change(pair, &word, word & ~WAITS(d->me),
					SLEEPS(other)))
				return WEIR_TIMED_OUT;
		}
	}
	if (word & VALUE && in != NULL)
		wi_copy_element(in, d->in_box, d->in_size); /* I2 */
	return WEIR_OK;
}

static int exchange(
	struct weir_duplex *d, const void *out, void *in, int64_t deadline)
{
	/* acquire [given] [closed]: pairs with change. */
	uint32_t word = load_acquire(&d->pair->word);
	struct spin spin;
	int status = refusal(word, d->me);

	if (status != WEIR_OK)
		return status;
	if (out != NULL && (!is_turn_of(word, d->me) || !(word & STARTED)))
		return WEIR_INVALID_ARGUMENT;
	wi_spin_start(&spin, &d->backoff, 1, deadline);
	if (d->me == SECOND && !(word & STARTED)) {
		status = start(d, word, &spin, deadline);
	} else {
		if (is_turn_of(word, d->me))
			status = give(d, &word, out, &spin, deadline);
		if (status == WEIR_OK)
			status = take(d, word, in, &spin, deadline);
	}
	wi_spin_end(&spin);
	return status;
}

int weir_duplex_exchange_until(
	weir_duplex *d, const void *out, void *in, int64_t deadline)
{
	uint32_t free = 0;
	int status;

	if (d == NULL)
		return WEIR_INVALID_ARGUMENT;
	/* acquire [busy]: pairs with the store below. */
	if (!cas_acq_rel(&d->busy, &free, 1))
		return WEIR_INVALID_ARGUMENT;
	status = exchange(d, out, in, deadline);
	store_release(&d->busy, 0); /* [busy] */
	return status;
}

int weir_duplex_exchange(weir_duplex *d, const void *out, void *in)
{
	return weir_duplex_exchange_until(d, out, in, WEIR_FOREVER);
}

int weir_duplex_exchange_for(
	weir_duplex *d, const void *out, void *in, int64_t timeout)
{
	return weir_duplex_exchange_until(
		d, out, in, wi_deadline_after(timeout));
}

int weir_duplex_next(weir_duplex *d, void *in, size_t size)
{
	int status;

	if (d == NULL || size != d->in_size)
		return WEIR_INVALID_ARGUMENT;
	do
		status = weir_duplex_exchange(d, NULL, in);
	while (status == WEIR_OK && !weir_duplex_has_value(d));
	return status;
}

static uint32_t look(const weir_duplex *d)
{
	/* acquire [given] [closed]: pairs with change. */
	return load_acquire(&d->pair->word);
}

bool weir_duplex_has_turn(const weir_duplex *d)
{
	uint32_t word = d == NULL ? 0 : look(d);

	return word & STARTED && is_turn_of(word, d->me);
}

bool weir_duplex_has_value(const weir_duplex *d)
{
	return weir_duplex_has_turn(d) && look(d) & VALUE;
}

bool weir_duplex_is_closed(const weir_duplex *d)
{
	return d == NULL || look(d) & CLOSED(d->me);
}

/* Set `bit`; returns the word as it was before. */
static uint32_t set(struct pair *pair, uint32_t bit)
{
	/* relaxed: the cas decides. */
	uint32_t word = load_relaxed(&pair->word);

	/* [closed] [freed] */
	while (!change(pair, &word, word | bit, SLEEPS(FIRST) | SLEEPS(SECOND)))
		;
	return word;
}

void weir_duplex_close(weir_duplex *d)
{
	if (d != NULL)
		set(d->pair, CLOSED(d->me));
}

void weir_duplex_free(weir_duplex *d)
{
	static const struct allocator ours = {NULL, NULL, NULL};
	struct pair *pair;
	unsigned me;

	if (d == NULL)
		return;
	pair = d->pair;
	me = d->me;
	/* acq_rel [freed]: pairs with the other end's.  If that one comes later
	 * the pair, and with it d, may be gone already. */
	if (set(pair, CLOSED(me) | FREED(me)) & FREED(1 - me))
		wi_free(&ours, pair, pair->size);
}

void weir_duplex_scope_end(weir_duplex **d)
{
	if (d != NULL)
		weir_duplex_free(*d);
}

static void init_end(struct pair *pair, unsigned me, size_t out_size,
	size_t in_size, unsigned char *out_box, unsigned char *in_box)
{
	struct weir_duplex *d = &pair->ends[me];

	d->pair = pair;
	d->me = me;
	d->out_size = out_size;
	d->in_size = in_size;
	d->out_box = out_box;
	d->in_box = in_box;
	init_atomic(&d->busy, 0);
	wi_backoff_init(&d->backoff, 0);
}

int weir_duplex_open(size_t first_to_second_size, size_t second_to_first_size,
	weir_duplex **first, weir_duplex **second)
{
	static const struct allocator ours = {NULL, NULL, NULL};
	size_t size = sizeof(struct pair);
	struct pair *pair;
	unsigned char *to_first;

	if (first == NULL || second == NULL ||
		__builtin_add_overflow(size, first_to_second_size, &size) ||
		__builtin_add_overflow(size, second_to_first_size, &size))
		return WEIR_INVALID_ARGUMENT;
	pair = wi_alloc(&ours, size, CACHE_LINE);
	if (pair == NULL)
		return WEIR_NO_MEMORY;
	pair->size = size;
	init_atomic(&pair->word, TURN);
	to_first = pair->boxes + first_to_second_size;
	init_end(pair, FIRST, first_to_second_size, second_to_first_size,
		pair->boxes, to_first);
	init_end(pair, SECOND, second_to_first_size, first_to_second_size,
		to_first, pair->boxes);
	*first = &pair->ends[FIRST];
	*second = &pair->ends[SECOND];
	return WEIR_OK;
}
