/* SPDX-License-Identifier: MIT */
/* traffic.h - what most models are made of: a channel, and threads that send
 * and receive a few elements.  An element is a
 * power of two, so that a sum says which ones it is made of. */
#ifndef MODEL_TRAFFIC_H
#define MODEL_TRAFFIC_H

#include <weir.h>

#include "checker.h"

/* One call by a thread: before it the endpoint and what to send, after it the
 * status and what came. */
struct act {
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t element;
	uint64_t rest[2]; /* of a wide one */
	int64_t deadline;
	int status;
	uint64_t displaced; /* by force_send; 0: none */
};

#define SENDS(channel, value)                                                  \
	{                                                                      \
		.tx = (channel).tx, .element = (value)                         \
	}
#define RECEIVES(channel)                                                      \
	{                                                                      \
		.rx = (channel).rx                                             \
	}

struct ends {
	weir_sender *tx;
	weir_receiver *rx;
};

/* Elements of 8 bytes; or of 24, which are no words (element.h): with WIDE in
 * the capacity. */
#define WIDE ((size_t)1 << 16)
struct ends open_channel(size_t capacity);

/* With two CPUs: who waits spins for a few pauses.  How many there are is
 * remembered by the library, so all models of a program use the one or the
 * other. */
struct ends open_spinning(size_t capacity);

/* Both are freed. */
void free_channel(struct ends ends);

/* For spawn, with a struct act. */
void do_send(void *act);
void do_recv(void *act);
void do_try_send(void *act);
void do_try_recv(void *act);
void do_send_until(void *act);
void do_recv_until(void *act);
/* These with an array of two: one after the other. */
void do_send_two(void *acts);
void do_recv_two(void *acts);
void do_try_recv_two(void *acts);
void do_force_send(void *act);
void do_close_sender(void *act);
void do_close_receiver(void *act);
void do_free_sender(void *act);
void do_free_receiver(void *act);

/* Every element that was accepted has been received, or is left (where `rx` is
 * not NULL), or was dropped: once.  Elements are powers of two. */
void check_once(const struct act *acts, size_t count, weir_receiver *rx);

/* Those dropped so far since open_channel, as a sum. */
uint64_t dropped(void);

/* -- Selects --------------------------------------------------------------- */

/* One over two operations, or fewer. */
struct choice {
	weir_case cases[2];
	size_t count;
	uint64_t out[2], in[2];
	int64_t deadline;
	size_t index;
	int status;
};

struct choice choose(void);
void or_recv(struct choice *choice, weir_receiver *rx);
void or_send(struct choice *choice, weir_sender *tx, uint64_t element);

/* For spawn, with a struct choice. */
void do_select(void *choice);
void do_select_until(void *choice);

/* The case was carried out, and with success. */
bool did(const struct choice *choice, size_t i);

/* As an act, for check_once. */
struct act act_of(const struct choice *choice, size_t i);

/* A model: S offers on a and takes from b, T the other way round, both rendezvous
 * or one and the same; both select, or with deadlines neither.  Frees them. */
void cross_selects(struct ends a, struct ends b, bool with_deadline);

#endif
