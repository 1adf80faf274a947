/* SPDX-License-Identifier: MIT */
/* select_wait.h - a select that has to wait: it stands in the queue of each of
 * its channels, or watches them. */
#ifndef WI_SELECT_WAIT_H
#define WI_SELECT_WAIT_H

#include <weir/select.h>

#include "gates.h"
#include "selection.h"
#include "waiter.h"
#include "watcher.h"

/* One case in the waiting room of its channel: as a waiter if it is to be
 * carried out, as a watcher if it only wants to know. */
struct registration {
	struct waiter waiter;
	struct watcher watcher;
	struct selection *selection;
	size_t index;
};

struct select_call {
	weir_case *cases;
	size_t count;
	bool carry_out;
	int64_t deadline;
	size_t *order; /* in which cases are looked at; changes */
	/* Room for `count` of each. */
	struct registration *registrations;
	struct channel **channels;
};

/* Wait for one of the cases.  WEIR_OK: *index is set, and the status of that
 * case; or WEIR_TIMED_OUT or WEIR_NO_MEMORY, with nothing done. */
int wi_select_wait(struct select_call *call, struct spin *spin, size_t *index);

#endif
