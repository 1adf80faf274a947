/* SPDX-License-Identifier: MIT */
/* history.h - what threads did to channels, and when.
 *
 * Each thread writes its own log, made before it starts:
 *
 *	int64_t start = history_now();
 *	int status = weir_send(tx, &element);
 *	history_add(log, HISTORY_SEND, c, e, "weir_send", status)->value =
 *		element;
 *	history_end(log, start);
 *
 * One record is one operation on one channel: a batch of four is four, and a
 * select is one for each of its cases.  Stamps are those of the clock, since a
 * counter that all threads share would order them and so hide what is looked
 * for.  Two intervals that touch are taken to overlap: nothing is ever
 * concluded from equal stamps.
 */
#ifndef STRESS_HISTORY_H
#define STRESS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir.h>

enum history_kind {
	HISTORY_SEND,
	HISTORY_RECV,
	HISTORY_DISPLACED, /* taken out by a force_send */
	HISTORY_DROPPED,   /* given to `drop` by a close, or by a commit */
	HISTORY_ABORT,     /* a place that was reserved and given back */
	/* Cases of a select that did another. */
	HISTORY_LEFT_SEND,
	HISTORY_LEFT_RECV,
	HISTORY_CLOSE_SENDER,
	HISTORY_CLOSE_RECEIVER,
	HISTORY_SHUT,
};

/* The status of a call that has not returned. */
#define HISTORY_PENDING 1

/* Of the same call, on the same channel, as the record before. */
#define HISTORY_MORE 1u
/* A force_send: it does not answer that the buffer is full. */
#define HISTORY_FORCED 2u
/* A force_send that has taken an element out. */
#define HISTORY_DISPLACES 4u

struct history_record {
	const char *call; /* its name, static */
	int64_t start, end;
	/* When the element was put in, or its place given back: apart from the
	 * above only for places in hand. */
	int64_t from, until;
	uint64_t value; /* unique: producer << 40 | sequence */
	int status;
	uint16_t thread;
	uint16_t rest; /* elements asked for and not moved by the call */
	uint8_t kind;
	uint8_t channel;
	uint8_t endpoint; /* its number on its side */
	uint8_t flags;
};

struct history_log {
	struct history_record *records;
	size_t count;
	size_t capacity;
	size_t stamped; /* so many have their stamps */
	uint16_t thread;
};

/* False if there is no memory. */
bool history_open(struct history_log *log, uint16_t thread, size_t capacity);
void history_free(struct history_log *log);

/* A stamp that neither what is before it nor what is after it passes. */
int64_t history_now(void);

/* The record is good until the next one is added; its stamps are set by the two
 * below.  Grows the log if it must, which stretches an interval. */
struct history_record *history_add(struct history_log *log,
	enum history_kind kind, unsigned channel, unsigned endpoint,
	const char *call, int status);

/* The call that has begun at `start` is over: stamp what has been added since
 * the last one. */
void history_end(struct history_log *log, int64_t start);

/* The same with all stamps given. */
void history_stamp(struct history_log *log, int64_t start, int64_t end,
	int64_t from, int64_t until);

/* One line; times relative to `zero`. */
void history_print(
	FILE *file, const struct history_record *record, int64_t zero);

#endif
