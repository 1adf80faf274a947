/* SPDX-License-Identifier: MIT */
/* rendezvous.h - the flavor of capacity 0: an element goes straight from a
 * sender to a receiver.
 *
 * There is nothing to push into and nothing to pop from; as a queue it only
 * tells of the end, and counts.
 */
#ifndef WI_RENDEZVOUS_H
#define WI_RENDEZVOUS_H

#include "queue.h"
#include "waiter.h"

void wi_rendezvous_init(struct queue *queue, size_t element_size,
	const struct allocator *allocator);

/* Inside the gate: let a sender and a receiver, of whom one may have come just
 * now and stand in no queue, pass one element.  Who stands in one stays there:
 * `done` says how far each has come. */
void wi_rendezvous_meet(
	struct queue *queue, struct waiter *sender, struct waiter *receiver);

#endif
