/* SPDX-License-Identifier: MIT */
/* reorder.h - a window in which results wait for those before them.
 *
 * The workers of an ordered stage take their elements one at a time, each with
 * a ticket, and put each result into the place of its ticket.  Whoever fills
 * the oldest place sends it on, and all finished ones behind it.
 *
 *	sent on        finished | in work | not taken yet
 *	----------- next_out ---------- next_in -------------> tickets
 *	               |<------ window ------>|
 *
 * Nobody takes an element beyond the window, so a slow one holds up the others,
 * not the memory.  A mutex is enough: elements that are worth a thread are
 * worth a lock.
 */
#ifndef WI_REORDER_H
#define WI_REORDER_H

#include <stdint.h>
#include <weir/channel.h>

#include "queue.h"

struct reorder;

/* What has become of a ticket: nothing yet; a result; none; none, and what
 * comes after it is not wanted. */
enum outcome { IN_WORK, FINISHED, SKIPPED, LAST };

/* A window of that many results.  NULL if there is no memory. */
struct reorder *wi_reorder_create(size_t window, size_t element_size);

/* Nobody works any more: drop what was finished and never sent on. */
void wi_reorder_drain(struct reorder *reorder, const struct dropper *dropper);

/* NULL is fine. */
void wi_reorder_destroy(struct reorder *reorder);

/* Receive the next element, with its ticket; waits for the window and for the
 * element.  What recv returns; or BROKEN_RESOURCE once nothing will be sent on
 * any more. */
int wi_reorder_take(struct reorder *reorder, weir_receiver *in, void *element,
	uint64_t *ticket);

/* Where the result of this ticket goes, the holder's alone until it is put. */
void *wi_reorder_place(struct reorder *reorder, uint64_t ticket);

/* The place is filled, or stays empty.  Sends on what has its turn: what send
 * returns, if that fails. */
int wi_reorder_put(struct reorder *reorder, uint64_t ticket,
	enum outcome outcome, weir_sender *out);

/* A ticket will never be put, or nothing can be sent: let nobody wait for it.
 * */
void wi_reorder_break(struct reorder *reorder);

#endif
