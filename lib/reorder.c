/* SPDX-License-Identifier: MIT */
/* reorder.c - see reorder.h.
 *
 * Two locks.  `intake` makes taking an element and a ticket one step; it is
 * held while its owner waits in recv, where the others could do nothing else.
 * `lock` is for all the rest and is held for moments.  intake is taken first.
 */
#include "reorder.h"

#include <pthread.h>
#include <stdlib.h>

#include "compiler.h"
#include "debug.h"

struct reorder {
	size_t window;
	size_t stride;
	pthread_mutex_t intake;
	pthread_mutex_t lock;
	pthread_cond_t moved; /* next_out has, or `broken` is set */
	uint64_t next_in;     /* intake */
	/* All below: lock. */
	uint64_t next_out;
	bool sending; /* somebody sends on what has its turn */
	bool broken;
	enum outcome *outcomes;
	unsigned char *elements;
};

struct reorder *wi_reorder_create(size_t window, size_t element_size)
{
	size_t alignment = _Alignof(max_align_t);
	struct reorder *reorder = calloc(1, sizeof *reorder);
	size_t stride;

	if (reorder == NULL)
		return NULL;
	if (__builtin_add_overflow(element_size, alignment - 1, &stride))
		goto no_memory;
	stride &= ~(alignment - 1);
	reorder->window = window;
	reorder->stride = stride;
	reorder->outcomes = calloc(window, sizeof *reorder->outcomes);
	reorder->elements = calloc(window, stride > 0 ? stride : 1);
	if (reorder->outcomes == NULL || reorder->elements == NULL)
		goto no_memory;
	pthread_mutex_init(&reorder->intake, NULL);
	pthread_mutex_init(&reorder->lock, NULL);
	pthread_cond_init(&reorder->moved, NULL);
	return reorder;

no_memory:
	free(reorder->outcomes);
	free(reorder->elements);
	free(reorder);
	return NULL;
}

void *wi_reorder_place(struct reorder *reorder, uint64_t ticket)
{
	return reorder->elements +
	       (size_t)(ticket % reorder->window) * reorder->stride;
}

static enum outcome *outcome_of(struct reorder *reorder, uint64_t ticket)
{
	return &reorder->outcomes[ticket % reorder->window];
}

void wi_reorder_drain(struct reorder *reorder, const struct dropper *dropper)
{
	/* No locks: the others are gone.  Oldest first. */
	for (size_t i = 0; i < reorder->window; i++) {
		uint64_t ticket = reorder->next_out + i;

		if (*outcome_of(reorder, ticket) == FINISHED &&
			dropper->drop != NULL)
			dropper->drop(wi_reorder_place(reorder, ticket),
				dropper->context);
		*outcome_of(reorder, ticket) = IN_WORK;
	}
}

void wi_reorder_destroy(struct reorder *reorder)
{
	if (reorder == NULL)
		return;
	pthread_cond_destroy(&reorder->moved);
	pthread_mutex_destroy(&reorder->lock);
	pthread_mutex_destroy(&reorder->intake);
	free(reorder->elements);
	free(reorder->outcomes);
	free(reorder);
}

/* Inside intake: wait until next_in is in the window. */
static bool await_window(struct reorder *reorder)
{
	bool broken;

	pthread_mutex_lock(&reorder->lock);
	while (reorder->next_in - reorder->next_out >= reorder->window &&
		!reorder->broken)
		pthread_cond_wait(&reorder->moved, &reorder->lock);
	broken = reorder->broken;
	pthread_mutex_unlock(&reorder->lock);
	return !broken;
}

int wi_reorder_take(struct reorder *reorder, weir_receiver *in, void *element,
	uint64_t *ticket)
{
	int status = WEIR_BROKEN_RESOURCE;

	pthread_mutex_lock(&reorder->intake);
	if (await_window(reorder))
		status = weir_recv(in, element);
	if (status == WEIR_OK)
		*ticket = reorder->next_in++;
	pthread_mutex_unlock(&reorder->intake);
	return status;
}

/* Inside lock, which is let go while sending: send on all that has its turn. */
static int send_on(struct reorder *reorder, weir_sender *out)
{
	int status = WEIR_OK;

	reorder->sending = true;
	while (!reorder->broken) {
		uint64_t ticket = reorder->next_out;
		enum outcome *outcome = outcome_of(reorder, ticket);

		if (*outcome == IN_WORK)
			break;
		if (*outcome == LAST) {
			reorder->broken = true;
			pthread_cond_broadcast(&reorder->moved);
			break;
		}
		if (*outcome == FINISHED) {
			pthread_mutex_unlock(&reorder->lock);
			status = weir_send(
				out, wi_reorder_place(reorder, ticket));
			pthread_mutex_lock(&reorder->lock);
			if (status != WEIR_OK)
				break; /* it stays, and will be dropped */
		}
		*outcome = IN_WORK;
		reorder->next_out++;
		pthread_cond_broadcast(&reorder->moved);
	}
	reorder->sending = false;
	return status;
}

int wi_reorder_put(struct reorder *reorder, uint64_t ticket,
	enum outcome outcome, weir_sender *out)
{
	int status = WEIR_OK;

	pthread_mutex_lock(&reorder->lock);
	invariant(ticket - reorder->next_out < reorder->window);
	*outcome_of(reorder, ticket) = outcome;
	/* Who is sending looks at all places before it stops. */
	if (!reorder->sending)
		status = send_on(reorder, out);
	pthread_mutex_unlock(&reorder->lock);
	return status;
}

void wi_reorder_break(struct reorder *reorder)
{
	pthread_mutex_lock(&reorder->lock);
	reorder->broken = true;
	pthread_cond_broadcast(&reorder->moved);
	pthread_mutex_unlock(&reorder->lock);
}
