/* SPDX-License-Identifier: MIT */
/* fifo_check.h - is this history one that a channel can have?
 *
 * A history is right if each of its operations can be given an instant between
 * its start and its end, such that a FIFO queue that one thread uses gives the
 * same answers in that order (Herlihy and Wing, 1990).  To search for the
 * instants takes exponential time; but where no value is sent twice a queue has
 * gone wrong in one of a few ways, which can each be looked for:
 *
 *	[HSV]	Henzinger, Sezgin, Vafeiadis, "Aspect-oriented linearizability
 *		proofs", CONCUR 2013
 *	[BEEH]	Bouajjani, Emmi, Enea, Hamza, "On reducing linearizability to
 *		state reachability", ICALP 2015
 *	[EE]	Emmi, Enea, "Sound, complete, and tractable linearizability
 *		monitoring for concurrent collections", POPL 2018
 *
 * Capacity, closes, places in hand and the order of those who wait are Weir's.
 * All conditions are necessary: what one of them finds is wrong.  Those of the
 * sources together are also sufficient for an unbounded queue; the others are
 * not, and some say so.  A check takes O(n log n).
 */
#ifndef STRESS_FIFO_CHECK_H
#define STRESS_FIFO_CHECK_H

#include "history.h"

#define FIFO_MAX_ENDPOINTS 8 /* of a side */

enum fifo_condition {
	FIFO_FRESH,       /* what is received has been sent */
	FIFO_REPEAT,      /* once */
	FIFO_LOST,        /* and what is sent is received, or dropped */
	FIFO_ORDER,       /* in the order of the sends */
	FIFO_BATCH,       /* also in and between calls of _many */
	FIFO_CAPACITY,    /* never more than fit */
	FIFO_RENDEZVOUS,  /* no send without a recv at the same time */
	FIFO_CLOSE_POINT, /* one instant ends all sends */
	FIFO_END,         /* END_OF_CHANNEL: everything has been received */
	FIFO_ENDPOINT,    /* CLOSED_RESOURCE if, and only if, it is closed */
	FIFO_DROPPED,     /* only once no receiver is left */
	FIFO_EMPTY,       /* a try_recv WOULD_BLOCK */
	FIFO_EMPTY_LATE,  /* a recv TIMED_OUT */
	FIFO_FULL,        /* a try_send WOULD_BLOCK */
	FIFO_FULL_LATE,   /* a send TIMED_OUT */
	FIFO_FORCED,      /* force_send displaces where it is full */
	FIFO_CONDITIONS
};

struct fifo_channel {
	size_t capacity;
	/* Numbered from 0; when all of a side have been closed it is over. */
	unsigned senders;
	unsigned receivers;
	/* A force_send that displaces is one step also for who receives, so
	 * that the channel is not empty in the middle of it; else its place is
	 * in the sender's hands for as long. */
	bool displaces_at_once;
};

/* The first violation of each condition, and how many. */
struct fifo_result {
	size_t found[FIFO_CONDITIONS];
	const struct history_record *one[FIFO_CONDITIONS];
	const struct history_record *other[FIFO_CONDITIONS]; /* or NULL */
};

/* Check all records of one channel; those of one thread are in the order in
 * which they were written.  False if it has found something. */
bool fifo_check(const struct fifo_channel *channel,
	const struct history_record *records, size_t count,
	struct fifo_result *result);

/* "ORDER" */
const char *fifo_name(enum fifo_condition condition);

void fifo_print(FILE *file, const struct fifo_result *result);

#endif
