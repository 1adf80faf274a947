/* SPDX-License-Identifier: MIT */
/* case.h - what one case of a select, or of a selector, names. */
#ifndef WI_CASE_H
#define WI_CASE_H

#include <weir/select.h>

#include "channel.h"
#include "element.h"

static inline enum side wi_case_side(const weir_case *choice)
{
	return choice->kind == WEIR_CASE_RECV ? RECEIVING : SENDING;
}

/* NULL: the case is never ready. */
static inline struct endpoint *wi_case_end(const weir_case *choice)
{
	return choice->kind == WEIR_CASE_RECV ? wi_receiver_end(choice->rx)
					      : wi_sender_end(choice->tx);
}

static inline void *wi_case_element(const weir_case *choice)
{
	return choice->kind == WEIR_CASE_RECV ? choice->into
					      : wi_readable(choice->from);
}

/* Can it be carried out where the element is NULL? */
bool wi_case_needs_no_element(const weir_case *choice);

/* A known kind; and, if it is to be carried out, an element where one is
 * needed. */
static inline bool wi_case_is_valid(const weir_case *choice, bool carry_out)
{
	if (unlikely(choice->kind < WEIR_CASE_RECV ||
		     choice->kind > WEIR_CASE_BROKEN))
		return false;
	return !carry_out || likely(wi_case_element(choice) != NULL) ||
	       wi_case_needs_no_element(choice);
}

/* What it would answer now; WEIR_WOULD_BLOCK: not ready. */
int wi_case_look(const weir_case *choice);

/* The same, inside the gate, where it is exact. */
int wi_case_look_inside(const weir_case *choice);

/* A watcher for it. */
void wi_case_init_watcher(
	const weir_case *choice, struct watcher *watcher, tell_watcher *tell);

#endif
