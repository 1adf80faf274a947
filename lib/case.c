/* SPDX-License-Identifier: MIT */
/* case.c - see case.h. */
#include "case.h"

bool wi_case_needs_no_element(const weir_case *choice)
{
	const struct endpoint *end = wi_case_end(choice);

	return choice->kind == WEIR_CASE_BROKEN || end == NULL ||
	       end->channel->queue.element_size == 0;
}

/* BROKEN, or not yet. */
static int look_for_break(struct channel *channel)
{
	/* acquire [closed]: pairs with wi_queue_finish. */
	return load_acquire(&channel->queue.tail) & BROKEN
		       ? WEIR_BROKEN_RESOURCE
		       : WEIR_WOULD_BLOCK;
}

int wi_case_look(const weir_case *choice)
{
	struct endpoint *end = wi_case_end(choice);
	int status;

	if (end == NULL)
		return WEIR_WOULD_BLOCK;
	status = choice->kind == WEIR_CASE_BROKEN
			 ? look_for_break(end->channel)
			 : wi_channel_look(end->channel, wi_case_side(choice));
	/* After the look: who is closed hears that before anything else.
	 * acquire [closed]: pairs with close_end. */
	return load_acquire(&end->closed) ? WEIR_CLOSED_RESOURCE : status;
}

int wi_case_look_inside(const weir_case *choice)
{
	struct endpoint *end = wi_case_end(choice);

	/* relaxed: written inside the gate. */
	if (load_relaxed(&end->closed))
		return WEIR_CLOSED_RESOURCE;
	return choice->kind == WEIR_CASE_BROKEN
		       ? look_for_break(end->channel)
		       : wi_channel_look_inside(
				 end->channel, wi_case_side(choice));
}

void wi_case_init_watcher(
	const weir_case *choice, struct watcher *watcher, tell_watcher *tell)
{
	watcher->told = false;
	watcher->both_ways = false;
	watcher->only_broken = choice->kind == WEIR_CASE_BROKEN;
	watcher->through = wi_case_end(choice);
	watcher->tell = tell;
	watcher->gone = NULL;
}
